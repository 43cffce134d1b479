//! Untrusted bytes to text with structure, page spans and warnings, and text to chunks.
//!
//! * [`parse`] and [`parse_bytes`] read a file in this process. Document parsers meet hostile input: an
//!   application calls [`isolation::parse_isolated`], which runs them in a child process under limits.
//! * [`chunk`] cuts a [`Document`] along its headings, paragraphs and sentences. How long a text is in
//!   tokens comes in as a function; this crate knows no tokenizer.
//! * [`ocr::read`] also recognises the text of scans and pictures, through programs of the machine.
//! * One file a format under `formats/`, one line each in [`formats::REGISTRY`].
//!
//! Nothing here reaches the network, and nothing is read but the file that was named.

mod builder;
mod chunking;
mod document;
mod error;
pub mod formats;
pub mod isolation;
mod language;
pub mod ocr;
mod remark;
mod sentences;

pub use chunking::{Chunk, ChunkOptions, chunk};
pub use document::{Block, BlockKind, Document, Page, Recognition, Span, Warning, WarningKind};
pub use error::DocumentError;
pub use formats::{Format, parse, parse_bytes};
