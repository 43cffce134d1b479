//! The list of formats: what the command line, the API and the tests walk.

use std::path::{Path, PathBuf};

use engine::quantization::ggml_blocks::GgmlType;
use engine::weights::DType;

use crate::{Control, ExportError, gguf, merged, peft};

/// What an export is made from and where it goes.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Folder of the base model.
    pub model: &'a Path,
    /// Folder of the adapter; without one, the model itself is exported.
    pub adapter: Option<&'a Path>,
    /// The type of the weights; `None` is the format's default.
    pub quantization: Option<Quantization>,
    /// A name for people, kept in the file where the format has a place for one.
    pub name: Option<&'a str>,
    /// The folder or file to write.
    pub out: &'a Path,
}

/// What an export made.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Exported {
    pub format: &'static str,
    pub path: PathBuf,
    /// Bytes of all files that were written.
    pub bytes: u64,
    pub tensors: usize,
}

/// The type of exported weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantization {
    F32,
    F16,
    BF16,
    Q8_0,
}

impl Quantization {
    /// All of them, the most exact first.
    pub const ALL: [Self; 4] = [Self::F32, Self::F16, Self::BF16, Self::Q8_0];

    /// The name on the command line and in the API.
    pub fn id(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::BF16 => "bf16",
            Self::Q8_0 => "q8_0",
        }
    }

    /// The one with this name.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|quantization| quantization.id() == id)
    }

    /// About how many bits a weight takes in a GGUF file, scales included; a model's tables and norms may take more.
    pub fn bits_per_weight(self) -> f64 {
        match self {
            Self::F32 => 32.0,
            Self::F16 | Self::BF16 => 16.0,
            Self::Q8_0 => 8.5,
        }
    }

    pub(crate) fn ggml_type(self) -> GgmlType {
        match self {
            Self::F32 => GgmlType::F32,
            Self::F16 => GgmlType::F16,
            Self::BF16 => GgmlType::BF16,
            Self::Q8_0 => GgmlType::Q8_0,
        }
    }

    /// The type in a safetensors file, which holds no quantised blocks.
    pub(crate) fn dtype(self) -> Option<DType> {
        match self {
            Self::F32 => Some(DType::F32),
            Self::F16 => Some(DType::F16),
            Self::BF16 => Some(DType::BF16),
            Self::Q8_0 => None,
        }
    }
}

/// What a format writes at the path that it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    Folder,
    /// One file with this extension.
    File(&'static str),
}

/// One export format.
pub struct Format {
    pub id: &'static str,
    pub label: &'static str,
    pub kind: FileKind,
    /// Whether it is made of an adapter alone.
    pub needs_adapter: bool,
    /// The types that it can store, its default first; empty where there is no choice.
    pub quantizations: &'static [Quantization],
    pub export: fn(&Request, &Control) -> Result<Exported, ExportError>,
}

impl Format {
    /// Whether it writes one GGUF file for each type that is asked for.
    pub fn holds_gguf_types(&self) -> bool {
        self.quantizations.contains(&Quantization::Q8_0)
    }
}

/// Every format.
pub const FORMATS: &[Format] = &[peft::FORMAT, merged::FORMAT, gguf::FORMAT];

/// The format with this id.
pub fn format(id: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.id == id)
}
