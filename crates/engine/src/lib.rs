//! Everything with a tensor in it: models, adapters, tokenizer, batching, training, generation, weights.
//!
//! Synchronous; no network, no database. Callers pass paths, a cancel flag and an event callback.

pub mod adapters;
pub mod batching;
pub mod device;
pub mod generation;
pub mod models;
pub mod platform;
pub mod quantization;
mod random;
pub mod tokenizer;
pub mod trainer;
pub mod weights;
