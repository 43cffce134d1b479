//! What can stop an export, said so that a person can act on it.

use std::path::{Path, PathBuf};

use engine::adapters::peft::AdapterError;
use engine::batching::DataError;
use engine::generation::GenerationError;
use engine::models::ModelError;
use engine::tokenizer::{TemplateError, TokenizerError};
use engine::trainer::TrainError;
use engine::weights::WeightsError;

/// An error of an export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Generation(#[from] GenerationError),
    #[error(transparent)]
    Evaluation(TrainError),
    /// The caller's flag was raised. Nothing was left under the target's name.
    #[error("the export was cancelled")]
    Cancelled,
    /// A combination of options that makes no sense.
    #[error("{0}")]
    Request(String),
    /// A model that this format cannot hold, or not yet.
    #[error("{path}: {what} cannot be exported as {format}: {detail}")]
    Unsupported { path: PathBuf, what: String, format: &'static str, detail: String },
    /// A tensor whose values the chosen type cannot hold.
    #[error("tensor {tensor} holds {value}, which does not fit into {dtype}: choose bf16 or f32")]
    OutOfRange { tensor: String, value: f32, dtype: &'static str },
    /// The archive could not be written.
    #[error("{path}: {source}")]
    Archive { path: PathBuf, source: zip::result::ZipError },
}

impl From<TrainError> for ExportError {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Cancelled { .. } => Self::Cancelled,
            error => Self::Evaluation(error),
        }
    }
}

impl ExportError {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        WeightsError::io(path, source).into()
    }

    pub(crate) fn not_in_gguf(path: &Path, what: impl Into<String>, detail: impl Into<String>) -> Self {
        let (what, detail) = (what.into(), detail.into());
        Self::Unsupported { path: path.to_path_buf(), what, format: "GGUF", detail }
    }
}
