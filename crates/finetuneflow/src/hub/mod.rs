//! The Hugging Face Hub, or a server that speaks as it does: what a model is, and its files into the cache that other
//! programs use too (<https://huggingface.co/docs/huggingface_hub/guides/manage-cache>).
//!
//! What is downloaded is pinned to a commit, checked against the hash that the listing names, and is safetensors, JSON,
//! templates and licences only. Nothing is asked of the hub in offline mode.

mod blob;
pub mod cache;
mod client;
pub mod download;
mod error;
pub mod facts;
pub mod listing;
pub mod memory;
pub mod ollama_names;
pub mod reference;
mod settings;

pub use client::{Client, Found};
pub use error::HubError;
pub use reference::{Reference, RepoId};
pub use settings::{ENDPOINT, HubSettings, TokenSource, forget_token, keep_token, open, token};
