//! Weights on disk: safetensors in and out, `config.json`, GGUF.
//!
//! Nothing here knows what a layer is. Files are memory-mapped or streamed, one tensor at a time, and
//! written to a temporary name, synced and renamed. Pickle is never read.
//! Formats: <https://github.com/huggingface/safetensors#format>,
//! <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

mod atomic_file;
mod dtype;
mod error;
pub mod gguf;
mod hf_config;
mod model_weights;
mod safetensors_read;
mod safetensors_write;

pub use atomic_file::{AtomicFile, TensorSink, write_file_atomically};
pub use dtype::{DType, TensorView, bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16};
pub use error::WeightsError;
pub use hf_config::{ModelConfig, RopeConfig, read_json_file};
pub use model_weights::ModelWeights;
pub use safetensors_read::SafetensorsDir;
pub use safetensors_write::{TensorSpec, stream_safetensors, write_safetensors};
