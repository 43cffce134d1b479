//! LoRA and DoRA adapters on disk, in Hugging Face PEFT's names and files.
//!
//! `adapter_config.json` and `adapter_model.safetensors` with keys
//! `base_model.model.{module}.lora_A.weight` `[r, in]`, `….lora_B.weight` `[out, r]` and, for DoRA,
//! `….lora_magnitude_vector` `[out]`. What would change the result and is not supported is refused by name; what is harmless is ignored.
//! Format: <https://huggingface.co/docs/peft/developer_guides/checkpoint>.

use std::path::PathBuf;

use crate::weights::WeightsError;

mod config;
mod fields;
mod files;
mod merge;

pub use config::{AdapterConfig, TargetModules};
pub use files::{Adapter, AdapterTensor};
pub use merge::LoraPair;

const CONFIG_FILE: &str = "adapter_config.json";

/// What can be wrong with an adapter folder.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// A file is missing, damaged or cannot be written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A setting that would change the result and is not supported.
    #[error("{path}: {field} is not supported: {detail}")]
    Unsupported { path: PathBuf, field: String, detail: String },
    /// Keys or shapes that do not make LoRA pairs.
    #[error("{path}: tensor {tensor}: {detail}")]
    Tensor { path: PathBuf, tensor: String, detail: String },
    /// The adapter does not belong to this base model.
    #[error("the adapter does not fit the model: {module}: {detail}")]
    Mismatch { module: String, detail: String },
}
