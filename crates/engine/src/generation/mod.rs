//! Text from a model: a cache of keys and values, sampling, and the loop.

pub mod generate;
pub mod kv_cache;
pub mod sampling;

pub use generate::{Finish, Generated, GenerationError, GenerationOptions, generate};
pub use kv_cache::{Decoding, score};
pub use sampling::Sampling;
