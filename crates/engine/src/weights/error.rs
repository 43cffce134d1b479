//! What can be wrong with a model folder, said so that a person can act on it.

use std::io;
use std::path::{Path, PathBuf};

/// An error about one file: what happened, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The folder or file does not exist.
    #[error("{path} does not exist: check the path of the model or adapter")]
    NotFound { path: PathBuf },
    /// The folder holds no weights that can be read.
    #[error("{dir} holds no weights: expected model.safetensors or model.safetensors.index.json")]
    NoWeights { dir: PathBuf },
    /// Only pickled weights were found. They can run code when loaded, so they are never read.
    #[error(
        "{path} is a pickle file, which can run code when it is loaded, and is never read: \
         convert the model to safetensors"
    )]
    Pickle { path: PathBuf },
    /// A Git LFS pointer was checked out instead of the file.
    #[error("{path} is a Git LFS pointer, not the file itself: run `git lfs pull` where it was cloned")]
    LfsPointer { path: PathBuf },
    /// The file ends before what its header promises.
    #[error("{path} is truncated: {detail}; download or copy it again")]
    Truncated { path: PathBuf, detail: String },
    /// The header contradicts itself or the file.
    #[error("{path} is damaged: {detail}")]
    Header { path: PathBuf, detail: String },
    /// An element type that is not read.
    #[error(
        "{path}: tensor {tensor} has type {dtype}, which is not supported: convert it to F32, F16 or BF16"
    )]
    UnsupportedDType { path: PathBuf, tensor: String, dtype: String },
    /// The index names a shard that is not there.
    #[error("{index} names the shard {shard}, which is missing: download it again")]
    ShardMissing { index: PathBuf, shard: String },
    /// A tensor that the model needs is not in the files.
    #[error("{dir} has no tensor {name}; it has {available}")]
    TensorMissing { dir: PathBuf, name: String, available: String },
    /// A field of a JSON file is missing or has a value that makes no sense.
    #[error("{path}: field {field}: {detail}")]
    Field { path: PathBuf, field: String, detail: String },
    /// A JSON file does not parse.
    #[error("{path} is not valid JSON: {detail}")]
    Json { path: PathBuf, detail: String },
    /// The shape or size of a tensor is not what was announced or expected.
    #[error("{path}: tensor {tensor}: {detail}")]
    Tensor { path: PathBuf, tensor: String, detail: String },
    /// No space is left.
    #[error(
        "disk full while writing {path}: free some space, or choose another folder; nothing was replaced"
    )]
    DiskFull { path: PathBuf },
    /// Anything else that the operating system reports.
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

impl WeightsError {
    /// Turns an operating system's error about `path` into the variant that says most.
    pub fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { path, source },
        }
    }

    pub(crate) fn header(path: &Path, detail: impl Into<String>) -> Self {
        Self::Header { path: path.to_path_buf(), detail: detail.into() }
    }

    pub(crate) fn truncated(path: &Path, detail: impl Into<String>) -> Self {
        Self::Truncated { path: path.to_path_buf(), detail: detail.into() }
    }

    pub(crate) fn field(path: &Path, field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Field { path: path.to_path_buf(), field: field.into(), detail: detail.into() }
    }

    pub(crate) fn tensor(path: &Path, tensor: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Tensor { path: path.to_path_buf(), tensor: tensor.into(), detail: detail.into() }
    }
}
