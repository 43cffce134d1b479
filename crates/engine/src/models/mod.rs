//! Model families and the decoder that they share.

use std::path::PathBuf;

use crate::weights::{ModelConfig, WeightsError};

pub mod activations;
pub mod adapt;
mod block;
pub mod decoder;
mod families;
mod layer_choice;
pub mod load;
pub mod low_rank;
pub mod parameter;
pub mod projection;
pub mod rope;
pub mod spec;

pub use block::{Adapters, Dropout};
pub use decoder::Decoder;
pub use families::{FAMILIES, Family};
pub use layer_choice::{LayerChoice, LayerChoiceError};
pub use spec::{AdapterShape, DecoderSpec, Module, Ranks};

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
    #[error("{path}: tensor {name} holds {value} at {place:?}: {}", bad_value(*.value))]
    BadValue { path: PathBuf, name: String, value: f32, place: Vec<usize> },
    #[error(
        "the tokenizer has {tokens} tokens, the model's vocabulary is {vocab_size}: tokenizer.json and the weights do not belong together"
    )]
    Vocabulary { tokens: usize, vocab_size: usize },
    #[error("{path}: nothing in this family uses tensor {name}; weights and config do not belong together")]
    UnusedTensor { path: PathBuf, name: String },
    #[error("adapter tensor {name} does not fit this model: {reason}")]
    Adapter { name: String, reason: String },
    #[error("target module {name:?} does not exist in this model; choose from {available}, or all-linear")]
    UnknownTarget { name: String, available: String },
    #[error(
        "{name:?} cannot carry an adapter: embedding table and output head are one table in many models, where an \
         adapter on one of them would change the other or be lost; choose from {available}, or all-linear"
    )]
    TableTarget { name: String, available: String },
    #[error("layers {asked}: this model has the layers 0 to {last}")]
    NoSuchLayer { asked: String, last: usize },
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

fn bad_value(value: f32) -> &'static str {
    if value.is_finite() {
        "f16 has no such number; use --precision f32 or bf16"
    } else {
        "a weight must be a finite number; the file is damaged, or the model broke while it was trained"
    }
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
