//! Providers turn chunks of a document into training examples.
//!
//! The offline one needs no model and no network: it reads the document's own structure.

pub mod offline;
