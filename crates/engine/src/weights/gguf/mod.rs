//! GGUF, the file format of llama.cpp and Ollama: metadata and tensors in one file.
//!
//! Written as version 3, little-endian, alignment 32; versions 2 and 3 are read.
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

mod read;
mod value;
mod write;

pub use read::{GgufFile, GgufTensorInfo, GgufTensorView};
pub use value::{GgufArray, GgufValue};
pub use write::{GgufTensorSpec, write_gguf};

/// `GGUF`, little-endian.
const MAGIC: [u8; 4] = *b"GGUF";
/// The version that is written.
const VERSION: u32 = 3;
/// Where tensors start: multiples of this, unless `general.alignment` says otherwise.
const ALIGNMENT: usize = 32;
