//! Number formats smaller than f32, by block.

pub mod ggml_blocks;
