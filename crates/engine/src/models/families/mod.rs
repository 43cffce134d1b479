//! Families as data: one short file each turns a `config.json` into a spec of the shared decoder.
//!
//! Files are named after Hugging Face's `model_type`. Fields and defaults are those of transformers'
//! `configuration_*.py`, formulas those of its `modeling_*.py`.

use super::ModelError;
use super::spec::DecoderSpec;
use crate::weights::ModelConfig;

mod fields;
mod gemma2;
mod gemma3_text;
mod llama;
mod mistral;
mod phi3;
mod qwen2;
mod qwen3;

/// A family: Hugging Face's `model_type` and how its `config.json` becomes a spec.
pub struct Family {
    pub model_type: &'static str,
    pub spec: fn(&ModelConfig) -> Result<DecoderSpec, ModelError>,
}

/// Every family that the engine knows; one file and one line each.
pub const FAMILIES: &[Family] = &[
    Family { model_type: "llama", spec: llama::spec },
    Family { model_type: "mistral", spec: mistral::spec },
    Family { model_type: "qwen2", spec: qwen2::spec },
    Family { model_type: "qwen3", spec: qwen3::spec },
    Family { model_type: "gemma2", spec: gemma2::spec },
    Family { model_type: "gemma3_text", spec: gemma3_text::spec },
    Family { model_type: "phi3", spec: phi3::spec },
];
