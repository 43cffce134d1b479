//! The architectures of llama.cpp whose files are read as models: what their tensors are called in a Hugging Face folder
//! and how these lie there.
//!
//! Names: <https://github.com/ggml-org/llama.cpp/blob/master/gguf-py/gguf/constants.py>; layouts: `convert_hf_to_gguf.py`
//! in the same repository, read the other way round.

use super::GgufFile;
use crate::weights::WeightsError;

/// What a Hugging Face tensor is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// The values as they are.
    Same,
    /// Each head's rows have the two halves' taking turns (llama.cpp rotates neighbours, Hugging Face halves).
    Interleaved { heads: usize },
    /// One more than in Hugging Face's file, where norms are kept as their distance from 1.
    PlusOne,
}

/// One `general.architecture`.
#[derive(Debug)]
pub(super) struct Architecture {
    pub name: &'static str,
    /// Hugging Face's `model_type`.
    pub model_type: &'static str,
    /// Hugging Face's class.
    pub class: &'static str,
    /// Whether rows of query and key are interleaved.
    interleaved: bool,
    /// Whether norms are stored with 1 added.
    norms_plus_one: bool,
    /// Parts of a block that are called otherwise than in [`BLOCK`].
    block: &'static [(&'static str, &'static str)],
    /// Tensors that belong to the configuration.
    pub configuration: &'static [&'static str],
}

pub(super) const ROPE_FREQUENCIES: &str = "rope_freqs.weight";
pub(super) const ROPE_SHORT: &str = "rope_factors_short.weight";
pub(super) const ROPE_LONG: &str = "rope_factors_long.weight";

/// Parts of a block, and Hugging Face's modules.
const BLOCK: &[(&str, &str)] = &[
    ("attn_norm", "input_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_qkv", "self_attn.qkv_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("attn_q_norm", "self_attn.q_norm"),
    ("attn_k_norm", "self_attn.k_norm"),
    ("ffn_norm", "post_attention_layernorm"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];
const GEMMA: &[(&str, &str)] = &[
    ("post_attention_norm", "post_attention_layernorm"),
    ("ffn_norm", "pre_feedforward_layernorm"),
    ("post_ffw_norm", "post_feedforward_layernorm"),
];

const PLAIN: Architecture = Architecture {
    name: "",
    model_type: "",
    class: "",
    interleaved: false,
    norms_plus_one: false,
    block: &[],
    configuration: &[],
};

pub(super) const ARCHITECTURES: &[Architecture] = &[
    Architecture {
        name: "llama",
        model_type: "llama",
        class: "LlamaForCausalLM",
        interleaved: true,
        configuration: &[ROPE_FREQUENCIES],
        ..PLAIN
    },
    Architecture { name: "qwen2", model_type: "qwen2", class: "Qwen2ForCausalLM", ..PLAIN },
    Architecture { name: "qwen3", model_type: "qwen3", class: "Qwen3ForCausalLM", ..PLAIN },
    Architecture {
        name: "gemma2",
        model_type: "gemma2",
        class: "Gemma2ForCausalLM",
        norms_plus_one: true,
        block: GEMMA,
        ..PLAIN
    },
    Architecture {
        name: "gemma3",
        model_type: "gemma3_text",
        class: "Gemma3ForCausalLM",
        norms_plus_one: true,
        block: GEMMA,
        ..PLAIN
    },
    Architecture {
        name: "phi3",
        model_type: "phi3",
        class: "Phi3ForCausalLM",
        block: &[("ffn_up", "mlp.gate_up_proj")],
        configuration: &[ROPE_SHORT, ROPE_LONG],
        ..PLAIN
    },
];

/// The architecture of a file.
///
/// # Errors
/// It says none, or one that is not known, or holds an adapter or a part of a model.
pub(super) fn of(file: &GgufFile) -> Result<&'static Architecture, WeightsError> {
    let text = |key: &str| file.get(key).and_then(|value| value.as_str());
    let refused = |key: &str, detail: String| WeightsError::field(file.path(), key, detail);
    if let Some(kind) = text("general.type").filter(|kind| *kind != "model") {
        return Err(refused("general.type", format!("{kind}: a file of type model is needed")));
    }
    if let Some(count) = file.get("split.count").and_then(|value| value.as_u64()).filter(|count| *count > 1) {
        let detail = format!("one of {count} parts: join them with llama-gguf-split --merge first");
        return Err(refused("split.count", detail));
    }
    let name = text("general.architecture").unwrap_or_default();
    ARCHITECTURES.iter().find(|architecture| architecture.name == name).ok_or_else(|| {
        let known: Vec<&str> = ARCHITECTURES.iter().map(|architecture| architecture.name).collect();
        refused("general.architecture", format!("{name:?} is not supported; supported: {}", known.join(", ")))
    })
}

impl Architecture {
    /// Hugging Face's name of a tensor and how its values lie in the file. `None`: it belongs to the configuration. A tensor
    /// that the architecture does not have keeps its name. `heads`: of query, and of key.
    pub fn place(&self, name: &str, heads: [usize; 2]) -> Option<(String, Layout)> {
        if self.configuration.contains(&name) {
            return None;
        }
        let norm = if self.norms_plus_one { Layout::PlusOne } else { Layout::Same };
        let same = |name: &str| Some((name.to_owned(), Layout::Same));
        match name {
            "token_embd.weight" => return same("model.embed_tokens.weight"),
            "output.weight" => return same("lm_head.weight"),
            "output_norm.weight" => return Some(("model.norm.weight".to_owned(), norm)),
            _ => {}
        }
        let Some((layer, part, kind)) = block_part(name) else { return same(name) };
        let Some((_, module)) = self.block.iter().chain(BLOCK).find(|(known, _)| *known == part) else {
            return same(name);
        };
        let layout = match part {
            "attn_q" if self.interleaved => Layout::Interleaved { heads: heads[0] },
            "attn_k" if self.interleaved => Layout::Interleaved { heads: heads[1] },
            _ if part.ends_with("_norm") => norm,
            _ => Layout::Same,
        };
        Some((format!("model.layers.{layer}.{module}.{kind}"), layout))
    }
}

/// `blk.3.attn_q.weight` as `(3, attn_q, weight)`.
fn block_part(name: &str) -> Option<(usize, &str, &str)> {
    let (layer, rest) = name.strip_prefix("blk.")?.split_once('.')?;
    let (part, kind) = rest.split_once('.')?;
    ["weight", "bias"].contains(&kind).then_some((layer.parse().ok()?, part, kind))
}
