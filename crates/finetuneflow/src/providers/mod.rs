//! What writes examples: language models behind one trait ([`Provider`]), and the generator that needs none ([`offline`]).
//!
//! One file a provider, one line each in [`KINDS`]. A provider makes one call; retries, the cache of replies and the list
//! of calls are [`crate::generation`]'s.

pub mod built_in;
mod chat;
pub mod connection;
pub mod offline;
pub mod openai;
pub mod retry;
pub mod schema_probe;

pub use chat::{Provider, ProviderError, Reply, Request, Tokens, Turn};
pub use connection::{Connection, KINDS, Kind};
