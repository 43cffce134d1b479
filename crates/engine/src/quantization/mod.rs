//! Number formats smaller than f32, by block.

pub mod ggml_blocks;
pub mod nf4;
pub mod q8;
