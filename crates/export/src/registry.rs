//! The list of formats: what the command line, the API and the tests walk.

use std::path::{Path, PathBuf};

use engine::quantization::ggml_blocks::GgmlType;
use engine::weights::DType;

use crate::{Control, ExportError, Note, gguf, gguf_adapter, merged, ollama, peft};

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
    /// What the adapter was trained on and by, kept where the format has a place for it.
    pub provenance: Option<&'a Provenance>,
    /// The folder or file to write.
    pub out: &'a Path,
}

/// Where an adapter comes from; digests are of SHA-256, in hexadecimal.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Provenance {
    pub run_id: Option<String>,
    pub dataset_name: Option<String>,
    pub dataset_sha256: Option<String>,
    pub adapter_sha256: Option<String>,
}

impl Provenance {
    /// What is known, by the names of the fields.
    pub(crate) fn facts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let facts = [
            ("run_id", &self.run_id),
            ("dataset_name", &self.dataset_name),
            ("dataset_sha256", &self.dataset_sha256),
            ("adapter_sha256", &self.adapter_sha256),
        ];
        facts.into_iter().filter_map(|(name, fact)| Some((name, fact.as_deref()?)))
    }
}

/// A tensor that is stored otherwise than asked, as its rows are no whole number of blocks.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fallback {
    /// Its name in the file.
    pub tensor: String,
    /// ggml's names of the types.
    pub wanted: &'static str,
    pub used: &'static str,
}

/// What an export made.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Exported {
    pub format: &'static str,
    pub path: PathBuf,
    /// Bytes of all files that were written.
    pub bytes: u64,
    pub tensors: usize,
    /// Tensors that are stored otherwise than asked.
    pub fallbacks: Vec<Fallback>,
    /// What a person should know of the result.
    pub warnings: Vec<Note>,
}

/// The type of exported weights: of all, or (`_M`) of most, as llama.cpp mixes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(non_camel_case_types)]
pub enum Quantization {
    F32,
    F16,
    BF16,
    Q8_0,
    Q6_K,
    Q5_K_M,
    Q4_K_M,
    Q4_0,
}

impl Quantization {
    /// All of them, the most exact first.
    pub const ALL: [Self; 8] =
        [Self::F32, Self::F16, Self::BF16, Self::Q8_0, Self::Q6_K, Self::Q5_K_M, Self::Q4_K_M, Self::Q4_0];

    /// The name on the command line and in the API.
    pub fn id(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::BF16 => "bf16",
            Self::Q8_0 => "q8_0",
            Self::Q6_K => "q6_k",
            Self::Q5_K_M => "q5_k_m",
            Self::Q4_K_M => "q4_k_m",
            Self::Q4_0 => "q4_0",
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
            Self::Q6_K => 6.6,
            Self::Q5_K_M => 5.7,
            Self::Q4_K_M => 4.9,
            Self::Q4_0 => 4.6,
        }
    }

    /// What most tensors are.
    pub(crate) fn ggml_type(self) -> GgmlType {
        match self {
            Self::F32 => GgmlType::F32,
            Self::F16 => GgmlType::F16,
            Self::BF16 => GgmlType::BF16,
            Self::Q8_0 => GgmlType::Q8_0,
            Self::Q6_K => GgmlType::Q6_K,
            Self::Q5_K_M => GgmlType::Q5_K,
            Self::Q4_K_M => GgmlType::Q4_K,
            Self::Q4_0 => GgmlType::Q4_0,
        }
    }

    /// The type in a safetensors file, which holds no quantised blocks.
    pub(crate) fn dtype(self) -> Option<DType> {
        match self {
            Self::F32 => Some(DType::F32),
            Self::F16 => Some(DType::F16),
            Self::BF16 => Some(DType::BF16),
            Self::Q8_0 | Self::Q6_K | Self::Q5_K_M | Self::Q4_K_M | Self::Q4_0 => None,
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
pub const FORMATS: &[Format] =
    &[peft::FORMAT, merged::FORMAT, gguf::FORMAT, gguf_adapter::FORMAT, ollama::FORMAT];

/// The format with this id.
pub fn format(id: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.id == id)
}
