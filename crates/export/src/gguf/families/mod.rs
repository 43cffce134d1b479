//! What llama.cpp calls the parts of each model family, and what it must be told of them.
//!
//! Names: <https://github.com/ggml-org/llama.cpp/blob/master/gguf-py/gguf/constants.py>. What the engine computes from a
//! `config.json` stands in its [`DecoderSpec`]: keys are read off it, and what llama.cpp computes otherwise is refused by name.

mod gemma2;
mod gemma3_text;
mod llama;
mod mistral;
mod phi3;
mod qwen2;
mod qwen3;

use engine::models::rope::Rope;
use engine::models::{DecoderSpec, spec_of};
use engine::weights::gguf::GgufValue;
use engine::weights::{ModelConfig, RopeConfig};
use serde_json::Value;

use super::Metadata;
use crate::{ExportError, Note};

/// One model family in GGUF.
pub(crate) struct Family {
    /// `model_type` of `config.json`.
    pub model_type: &'static str,
    /// llama.cpp's name of the architecture.
    pub architecture: &'static str,
    /// Parts of a layer: Hugging Face's names and GGUF's.
    parts: &'static [(&'static str, &'static str)],
    /// Whether the architecture rotates neighbours where Hugging Face's rotates halves.
    interleaves: bool,
    /// Adds what the architecture has besides the keys of all; refuses what llama.cpp does not compute.
    describe: fn(&Model, &mut Description) -> Result<(), ExportError>,
}

const FAMILIES: &[Family] = &[
    llama::FAMILY,
    mistral::FAMILY,
    qwen2::FAMILY,
    qwen3::FAMILY,
    gemma2::FAMILY,
    gemma3_text::FAMILY,
    phi3::FAMILY,
];

/// Parts that Llama and most others have.
const LLAMA_PARTS: &[(&str, &str)] = &[
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

/// Parts of Gemma 2 and 3: norms around both halves, in 3 on heads too.
const GEMMA_PARTS: &[(&str, &str)] = &[
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("self_attn.o_proj", "attn_output"),
    ("post_attention_layernorm", "post_attention_norm"),
    ("pre_feedforward_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
    ("post_feedforward_layernorm", "post_ffw_norm"),
];

/// A model that is described.
pub(crate) struct Model<'a> {
    pub config: &'a ModelConfig,
    pub spec: DecoderSpec,
    pub family: &'static Family,
}

/// What a file says of a model besides its own tensors.
pub(crate) struct Description {
    /// `general.architecture` and the keys under it.
    pub metadata: Metadata,
    /// Tensors that follow from the configuration, one row each, in f32.
    pub tensors: Vec<(String, Vec<f32>)>,
    pub warnings: Vec<Note>,
    context_length: usize,
    architecture: &'static str,
}

/// Where a tensor goes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Placement {
    pub name: String,
    /// The size of the heads whose halves are interleaved (rotary pairs beside each other); `None` leaves rows as they are.
    pub interleaved_head: Option<usize>,
    /// Added to every value: llama.cpp keeps Gemma's norms as `1 + w`.
    pub offset: f32,
}

impl<'a> Model<'a> {
    /// Finds the family of a configuration.
    pub fn of(config: &'a ModelConfig) -> Result<Self, ExportError> {
        let family = FAMILIES.iter().find(|family| family.model_type == config.model_type);
        let family = family.ok_or_else(|| {
            let known: Vec<&str> = FAMILIES.iter().map(|family| family.model_type).collect();
            let detail = format!("model types that can be: {}", known.join(", "));
            ExportError::not_in_gguf(&config.path, format!("model_type {}", config.model_type), detail)
        })?;
        Ok(Self { config, spec: spec_of(config)?, family })
    }

    /// The keys of the architecture.
    pub fn describe(&self) -> Result<Description, ExportError> {
        let mut description = Description {
            metadata: Metadata::new(),
            tensors: Vec::new(),
            warnings: Vec::new(),
            context_length: self.config.max_position_embeddings,
            architecture: self.family.architecture,
        };
        (self.family.describe)(self, &mut description)?;
        let attention = &self.spec.attention;
        let count = |n: usize| GgufValue::U32(n as u32);
        let length = description.context_length;
        description.put("block_count", count(self.spec.layers.len()));
        description.put("context_length", count(length));
        description.put("embedding_length", count(self.spec.hidden_size));
        description.put("feed_forward_length", count(self.spec.intermediate_size));
        description.put("vocab_size", count(self.spec.vocab_size));
        description.put("attention.head_count", count(attention.heads));
        description.put("attention.head_count_kv", count(attention.key_value_heads));
        description.put("attention.key_length", count(attention.head_dim));
        description.put("attention.value_length", count(attention.head_dim));
        description.put("attention.layer_norm_rms_epsilon", GgufValue::F32(self.spec.norm.epsilon));
        description.put("rope.dimension_count", count(self.spec.ropes[0].rotary_dim()));
        let architecture = ("general.architecture".to_string(), self.family.architecture.into());
        description.metadata.insert(0, architecture);
        Ok(description)
    }

    /// The name and layout of a tensor; `None` for one that the file does not need.
    pub fn placement(&self, name: &str) -> Result<Option<Placement>, ExportError> {
        let plain = |name: &str, offset: f32| {
            Ok(Some(Placement { name: name.to_string(), interleaved_head: None, offset }))
        };
        match name {
            "model.embed_tokens.weight" => return plain("token_embd.weight", 0.0),
            "model.norm.weight" => return plain("output_norm.weight", self.spec.norm.offset),
            "lm_head.weight" if self.spec.tie_word_embeddings => return Ok(None),
            "lm_head.weight" => return plain("output.weight", 0.0),
            // A buffer that old checkpoints carry; it follows from rope_theta.
            _ if name.ends_with("rotary_emb.inv_freq") => return Ok(None),
            _ => {}
        }
        let unknown = || {
            let detail = format!("it is none of a {} model's", self.family.model_type);
            ExportError::not_in_gguf(&self.config.path, format!("tensor {name}"), detail)
        };
        let (layer, part) =
            name.strip_prefix("model.layers.").and_then(|rest| rest.split_once('.')).ok_or_else(unknown)?;
        let layer: usize = layer.parse().map_err(|_| unknown())?;
        let (part, end) = part.rsplit_once('.').ok_or_else(unknown)?;
        let (_, part) = self.family.parts.iter().find(|(theirs, _)| *theirs == part).ok_or_else(unknown)?;
        let is_norm = part.ends_with("_norm");
        if end != "weight" && (end != "bias" || is_norm) {
            return Err(unknown());
        }
        let rotated = self.family.interleaves && ["attn_q", "attn_k"].contains(part);
        Ok(Some(Placement {
            name: format!("blk.{layer}.{part}.{end}"),
            interleaved_head: rotated.then_some(self.spec.attention.head_dim),
            offset: if is_norm { self.spec.norm.offset } else { 0.0 },
        }))
    }

    fn refuse<T>(&self, what: &str, detail: impl Into<String>) -> Result<T, ExportError> {
        Err(ExportError::not_in_gguf(&self.config.path, what, detail))
    }

    fn refuse_biases(&self) -> Result<(), ExportError> {
        if self.spec.biased.is_empty() {
            return Ok(());
        }
        self.refuse("attention_bias or mlp_bias", "true; only layers without biases can be")
    }

    /// Refuses scores that are scaled otherwise than by the size of heads.
    fn refuse_other_scales(&self, accepted: f32) -> Result<(), ExportError> {
        let scale = self.spec.attention.scale;
        if (scale / accepted - 1.0).abs() < 1e-6 {
            return Ok(());
        }
        let detail = format!("llama.cpp scales by {accepted} there, the model by {scale}");
        self.refuse("query_pre_attn_scalar", detail)
    }

    /// The window of the layers that slide, which must be those where `slides` says so.
    fn windows(&self, slides: impl Fn(usize) -> bool) -> Result<usize, ExportError> {
        let mut windows = self.spec.layers.iter().filter_map(|layer| layer.window);
        let window = windows.next().unwrap_or(self.config.max_position_embeddings);
        let same = windows.all(|other| other == window);
        let placed =
            self.spec.layers.iter().enumerate().all(|(i, layer)| layer.window.is_some() == slides(i));
        if same && placed {
            return Ok(window);
        }
        self.refuse("layer_types", "llama.cpp has other layers slide in this architecture")
    }
}

impl Description {
    /// One key of the architecture.
    fn put(&mut self, key: &str, value: GgufValue) {
        self.metadata.push((format!("{}.{key}", self.architecture), value));
    }

    /// Positions: the base, and what stretches it. `scalings`: the types that llama.cpp computes for this architecture.
    fn rope(
        &mut self,
        model: &Model,
        config: &RopeConfig,
        rope: &Rope,
        scalings: &[&str],
    ) -> Result<(), ExportError> {
        self.put("rope.freq_base", GgufValue::F32(config.theta as f32));
        let Some(scaling) = &config.scaling else { return Ok(()) };
        let kind = scaling.get("rope_type").or_else(|| scaling.get("type")).and_then(Value::as_str);
        let plain = Rope::plain(config.theta, rope.rotary_dim());
        let factors = plain.frequencies.iter().zip(&rope.frequencies).map(|(plain, scaled)| plain / scaled);
        match kind.filter(|kind| scalings.contains(kind)) {
            Some("linear") => {
                self.put("rope.scaling.type", "linear".into());
                let factor = factors.fold(0.0, f64::max);
                self.put("rope.scaling.factor", GgufValue::F32(factor as f32));
            }
            Some("llama3") => {
                let factors = factors.map(|factor| factor as f32).collect();
                self.tensors.push(("rope_freqs.weight".to_string(), factors));
            }
            _ => {
                let accepted: Vec<&str> = ["default"].iter().chain(scalings).copied().collect();
                let detail = format!(
                    "{scaling}; llama.cpp computes these types for this architecture: {}",
                    accepted.join(", ")
                );
                return model.refuse("rope_scaling", detail);
            }
        }
        Ok(())
    }

    /// llama.cpp has no windows in this architecture: the file's context ends where the first window would begin to matter.
    fn end_at_window(&mut self, model: &Model) {
        let Some(window) = model.spec.layers.iter().filter_map(|layer| layer.window).min() else { return };
        if window < self.context_length {
            let (family, whole) = (model.family.model_type, self.context_length);
            let message = format!(
                "llama.cpp has no sliding window for {family} models: the file's context length is the window's, {window} instead \
                 of {whole} tokens, so that nothing is computed otherwise"
            );
            let note = Note::new("no_window", message).param("family", family);
            self.warnings.push(note.param("window", window).param("whole", whole));
            self.context_length = window;
        }
    }
}

#[cfg(test)]
mod tests {
    use engine::models;

    use super::FAMILIES;

    #[test]
    fn every_family_of_the_engine_has_its_place() {
        for family in models::FAMILIES {
            assert!(
                FAMILIES.iter().any(|ours| ours.model_type == family.model_type),
                "{}",
                family.model_type
            );
        }
    }
}
