//! Everything with a tensor in it: models, adapters, tokenizer, batching, training, generation, weights.
//!
//! Synchronous; no network, no database. Callers pass paths, a cancel flag and an event callback.

pub mod adapters;
pub mod batching;
pub mod device;
pub mod quantization;
pub mod tokenizer;
pub mod weights;
