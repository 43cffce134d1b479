//! Model families and the decoder that they share.

use std::path::PathBuf;

use crate::weights::{ModelConfig, WeightsError};

pub mod activations;
mod block;
pub mod decoder;
mod families;
pub mod load;
pub mod parameter;
pub mod projection;
pub mod rope;
pub mod spec;

pub use decoder::Decoder;
pub use families::{FAMILIES, Family};
pub use spec::{DecoderSpec, Module, Ranks};

#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("{path}: model_type {model_type:?} is not supported; supported: {supported}")]
    UnknownFamily { path: PathBuf, model_type: String, supported: String },
    #[error("{path}: {field} = {value} is not supported for this family (supported: {accepted})")]
    Unsupported { path: PathBuf, field: String, value: String, accepted: String },
    #[error(
        "{path}: tensor {name} has shape {found:?}, but config.json asks for {expected:?}; weights and config do not belong together"
    )]
    Shape { path: PathBuf, name: String, found: Vec<usize>, expected: Vec<usize> },
    #[error("{path}: nothing in this family uses tensor {name}; weights and config do not belong together")]
    UnusedTensor { path: PathBuf, name: String },
    #[error("adapter tensor {name} does not fit this model: {reason}")]
    Adapter { name: String, reason: String },
    #[error("target module {name:?} does not exist in this model; choose from {available}, or all-linear")]
    UnknownTarget { name: String, available: String },
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

/// The spec of a model folder's `config.json`.
pub fn spec_of(config: &ModelConfig) -> Result<DecoderSpec, ModelError> {
    let family = FAMILIES.iter().find(|family| family.model_type == config.model_type).ok_or_else(|| {
        ModelError::UnknownFamily {
            path: config.path.clone(),
            model_type: config.model_type.clone(),
            supported: FAMILIES.iter().map(|family| family.model_type).collect::<Vec<_>>().join(", "),
        }
    })?;
    (family.spec)(config)
}
