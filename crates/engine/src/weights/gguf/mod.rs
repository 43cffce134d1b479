//! GGUF, the file format of llama.cpp and Ollama: metadata and tensors in one file.
//!
//! Written as version 3, little-endian, alignment 32; versions 2 and 3 are read.
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

mod architecture;
mod config;
mod model;
mod read;
mod value;
mod write;

use std::fs::File;
use std::io::Read;
use std::path::Path;

pub(super) use config::config_json;
pub use model::GgufModel;
pub use read::{GgufFile, GgufTensorInfo, GgufTensorView};
pub use value::{GgufArray, GgufValue};
pub use write::{GgufTensorSpec, stream_gguf, write_gguf};

/// `GGUF`, little-endian.
const MAGIC: [u8; 4] = *b"GGUF";
/// The version that is written.
const VERSION: u32 = 3;
/// Where tensors start: multiples of this, unless `general.alignment` says otherwise.
const ALIGNMENT: usize = 32;

/// Whether this is a GGUF file: by its name, or, as Ollama's files have none, by how it begins.
pub fn is_gguf(path: &Path) -> bool {
    let named = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
    let begins = || {
        let mut start = [0; MAGIC.len()];
        File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == MAGIC
    };
    path.is_file() && (named || begins())
}
