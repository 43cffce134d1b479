//! What families read from `config.json` beyond the shared fields, and the refusal of what none of them computes.

use serde_json::Value;

use crate::device::{Activation, AttentionShape, RmsNorm};
use crate::models::ModelError;
use crate::models::rope::{Llama3Scaling, Rope};
use crate::models::spec::{DecoderSpec, LayerSpec, Module};
use crate::weights::{ModelConfig, RopeConfig};

/// When a field changes nothing.
#[derive(Clone, Copy)]
enum Neutral {
    /// Absent, null, false or 0.
    Off,
    /// As `Off`, or 1: a factor.
    One,
    /// Absent, or `full_attention` for every layer.
    FullAttention,
}

/// Fields of these families and their relatives that change what is computed. A family that reads one names it.
const CHANGES_THE_RESULT: &[(&str, Neutral)] = &[
    ("quantization_config", Neutral::Off),
    ("attention_bias", Neutral::Off),
    ("mlp_bias", Neutral::Off),
    ("lm_head_bias", Neutral::Off),
    ("attention_dropout", Neutral::Off),
    ("resid_pdrop", Neutral::Off),
    ("embd_pdrop", Neutral::Off),
    ("sliding_window", Neutral::Off),
    ("use_sliding_window", Neutral::Off),
    ("layer_types", Neutral::FullAttention),
    ("attention_chunk_size", Neutral::Off),
    ("use_bidirectional_attention", Neutral::Off),
    ("query_pre_attn_scalar", Neutral::Off),
    ("attn_logit_softcapping", Neutral::Off),
    ("final_logit_softcapping", Neutral::Off),
    ("use_qk_norm", Neutral::Off),
    ("partial_rotary_factor", Neutral::One),
    ("rope_interleaved", Neutral::Off),
    ("no_rope_layers", Neutral::Off),
    ("no_rope_layer_interval", Neutral::Off),
    ("num_experts", Neutral::Off),
    ("num_local_experts", Neutral::Off),
    ("embedding_multiplier", Neutral::One),
    ("residual_multiplier", Neutral::One),
    ("attention_multiplier", Neutral::Off),
    ("logits_scaling", Neutral::One),
    ("logit_scale", Neutral::One),
];

impl Neutral {
    fn holds(self, value: &Value) -> bool {
        match self {
            Self::Off => value.is_null() || value == &Value::Bool(false) || value.as_f64() == Some(0.0),
            Self::One => Self::Off.holds(value) || value.as_f64() == Some(1.0),
            Self::FullAttention => {
                let full = |kind: &Value| kind == "full_attention";
                value.is_null() || value.as_array().is_some_and(|kinds| kinds.iter().all(full))
            }
        }
    }

    fn accepted(self) -> &'static str {
        match self {
            Self::Off => "none",
            Self::One => "1",
            Self::FullAttention => "full_attention for every layer",
        }
    }
}

/// The configuration of a known family.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    pub config: &'a ModelConfig,
}

impl<'a> Fields<'a> {
    /// Refuses every field that changes the result and is not one of those that the family `reads`.
    pub fn new(config: &'a ModelConfig, reads: &[&str]) -> Result<Self, ModelError> {
        let fields = Self { config };
        for (name, neutral) in CHANGES_THE_RESULT.iter().filter(|(name, _)| !reads.contains(name)) {
            if let Some(value) = config.raw.get(name).filter(|value| !neutral.holds(value)) {
                return Err(fields.unsupported(name, value, neutral.accepted()));
            }
        }
        Ok(fields)
    }

    pub fn unsupported(&self, field: &str, value: impl ToString, accepted: &str) -> ModelError {
        ModelError::Unsupported {
            path: self.config.path.clone(),
            field: field.to_owned(),
            value: value.to_string(),
            accepted: accepted.to_owned(),
        }
    }

    /// `None` when absent, `Some(None)` when null.
    fn nullable(&self, name: &str) -> Option<Option<&'a Value>> {
        self.config.raw.get(name).map(|value| Some(value).filter(|value| !value.is_null()))
    }

    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.nullable(name).flatten()
    }

    pub fn flag(&self, name: &str) -> Result<bool, ModelError> {
        let Some(value) = self.get(name) else { return Ok(false) };
        value.as_bool().ok_or_else(|| self.unsupported(name, value, "true or false"))
    }

    /// A number above 0; `default` where it is absent or null.
    pub fn number(&self, name: &str, default: f64) -> Result<f64, ModelError> {
        self.get(name).map_or(Ok(default), |value| self.positive(name, value))
    }

    /// A number above 0 that null switches off; `default` where it is absent.
    pub fn optional_number(&self, name: &str, default: Option<f64>) -> Result<Option<f64>, ModelError> {
        match self.nullable(name) {
            None => Ok(default),
            Some(value) => value.map(|value| self.positive(name, value)).transpose(),
        }
    }

    /// A whole number from 1 that null switches off; `default` where it is absent.
    pub fn optional_size(&self, name: &str, default: Option<usize>) -> Result<Option<usize>, ModelError> {
        let number = self.optional_number(name, default.map(|size| size as f64))?;
        match number {
            Some(number) if number.fract() != 0.0 => Err(self.unsupported(name, number, "a whole number")),
            number => Ok(number.map(|number| number as usize)),
        }
    }

    fn positive(&self, name: &str, value: &Value) -> Result<f64, ModelError> {
        let number = value.as_f64().filter(|number| *number > 0.0 && number.is_finite());
        number.ok_or_else(|| self.unsupported(name, value, "a number above 0"))
    }

    /// A decoder as Llama's, which other families change. `head_dim`: where `config.json` has none.
    pub fn decoder(&self, head_dim: Option<usize>) -> Result<DecoderSpec, ModelError> {
        let config = self.config;
        let (heads, key_value_heads) = (config.num_attention_heads, config.num_key_value_heads);
        if key_value_heads == 0 || !heads.is_multiple_of(key_value_heads) {
            let accepted = "a divisor of num_attention_heads";
            return Err(self.unsupported("num_key_value_heads", key_value_heads, accepted));
        }
        let head_dim = match (self.get("head_dim"), head_dim) {
            (None, Some(head_dim)) => head_dim,
            _ => config.head_dim,
        };
        if head_dim == 0 || !head_dim.is_multiple_of(2) {
            return Err(self.unsupported("head_dim", head_dim, "an even number"));
        }
        Ok(DecoderSpec {
            vocab_size: config.vocab_size,
            hidden_size: config.hidden_size,
            intermediate_size: config.intermediate_size,
            layers: vec![LayerSpec::default(); config.num_hidden_layers],
            attention: AttentionShape {
                heads,
                key_value_heads,
                head_dim,
                scale: 1.0 / (head_dim as f32).sqrt(),
                soft_cap: None,
                window: None,
            },
            ropes: Vec::new(),
            norm: RmsNorm { epsilon: config.rms_norm_eps as f32, offset: 0.0 },
            sandwich_norms: false,
            head_norms: false,
            activation: Activation::Silu,
            fused: false,
            biased: Vec::new(),
            embedding_scale: 1.0,
            logit_soft_cap: None,
            tie_word_embeddings: config.tie_word_embeddings,
            max_position_embeddings: config.max_position_embeddings,
        })
    }

    /// Refuses any gate but SiLU.
    pub fn only_silu(&self) -> Result<(), ModelError> {
        match self.config.hidden_act.as_str() {
            "silu" => Ok(()),
            other => Err(self.unsupported("hidden_act", other, "silu")),
        }
    }

    /// `attention_bias`: on all four products, or on none.
    pub fn attention_bias(&self) -> Result<Vec<Module>, ModelError> {
        let all = [Module::Query, Module::Key, Module::Value, Module::Output];
        Ok(if self.flag("attention_bias")? { all.to_vec() } else { Vec::new() })
    }

    /// One entry a layer: from `layer_types`, or where that is absent from `sliding`. Layers without a window
    /// are of rope 0, those with one of `sliding_rope`.
    pub fn layers(
        &self,
        window: Option<usize>,
        sliding: impl Fn(usize) -> bool,
        sliding_rope: usize,
    ) -> Result<Vec<LayerSpec>, ModelError> {
        let count = self.config.num_hidden_layers;
        let kinds = match self.get("layer_types") {
            None => (0..count).map(sliding).collect::<Vec<_>>(),
            Some(value) => self.layer_types(value)?,
        };
        let layer = |slides: bool| match (slides, window) {
            (false, _) => Ok(LayerSpec { window: None, rope: 0 }),
            (true, Some(_)) => Ok(LayerSpec { window, rope: sliding_rope }),
            (true, None) => Err(self.unsupported("sliding_window", "null", "a size, as layers slide")),
        };
        kinds.into_iter().map(layer).collect()
    }

    /// Which layers slide.
    fn layer_types(&self, value: &Value) -> Result<Vec<bool>, ModelError> {
        let slides = |kind: &Value| match kind.as_str() {
            Some("full_attention") => Some(false),
            Some("sliding_attention") => Some(true),
            _ => None,
        };
        let kinds: Option<Vec<bool>> =
            value.as_array().and_then(|kinds| kinds.iter().map(slides).collect::<Option<_>>());
        kinds.filter(|kinds| kinds.len() == self.config.num_hidden_layers).ok_or_else(|| {
            self.unsupported("layer_types", value, "full_attention or sliding_attention for each layer")
        })
    }

    /// The positions of a family whose layers share them. `scalings`: the types that it may have.
    pub fn rope(&self, head_dim: usize, scalings: &[&str]) -> Result<Rope, ModelError> {
        if !self.config.layer_ropes.is_empty() {
            let value = self.config.raw["rope_parameters"].to_string();
            return Err(self.unsupported("rope_parameters", value, "the same for all layers"));
        }
        self.rope_of(&self.config.rope, head_dim, scalings)
    }

    /// One kind of positions.
    pub fn rope_of(&self, rope: &RopeConfig, head_dim: usize, scalings: &[&str]) -> Result<Rope, ModelError> {
        if rope.partial_rotary_factor != 1.0 {
            return Err(self.unsupported("partial_rotary_factor", rope.partial_rotary_factor, "1"));
        }
        let plain = Rope::plain(rope.theta, head_dim);
        let Some(scaling) = &rope.scaling else { return Ok(plain) };
        let kind = rope_type(scaling);
        let number = |name: &str| self.scaling_number(scaling, name);
        match kind {
            "linear" if scalings.contains(&kind) => Ok(plain.stretched(number("factor")?)),
            "llama3" if scalings.contains(&kind) => Ok(plain.llama3(Llama3Scaling {
                factor: number("factor")?,
                low_freq_factor: number("low_freq_factor")?,
                high_freq_factor: number("high_freq_factor")?,
                original_max_position_embeddings: match scaling.get("original_max_position_embeddings") {
                    None => self.config.max_position_embeddings as f64,
                    Some(_) => number("original_max_position_embeddings")?,
                },
            })),
            "longrope" if scalings.contains(&kind) => {
                let [short, long] = ["short_factor", "long_factor"].map(|name| numbers(scaling.get(name)));
                let factors =
                    short.filter(|short| short.len() == head_dim / 2 && long.as_ref() == Some(short));
                let factors = factors.ok_or_else(|| {
                    let accepted = format!("{} numbers above 0, the same for short and long", head_dim / 2);
                    self.unsupported("rope_scaling", scaling, &accepted)
                })?;
                Ok(plain.longrope(&factors, number("attention_factor")?))
            }
            _ => Err(self.unsupported_scaling(scaling, scalings)),
        }
    }

    pub fn unsupported_scaling(&self, scaling: &Value, scalings: &[&str]) -> ModelError {
        let accepted: Vec<&str> = ["default"].iter().chain(scalings).copied().collect();
        self.unsupported("rope_scaling", scaling, &format!("of type {}", accepted.join(", ")))
    }

    /// A number above 0 of a scaling.
    pub fn scaling_number(&self, scaling: &Value, name: &str) -> Result<f64, ModelError> {
        let value = scaling.get(name).unwrap_or(&Value::Null);
        self.positive(&format!("rope_scaling.{name}"), value)
    }
}

/// `rope_type`, or `type` in its oldest form.
pub fn rope_type(scaling: &Value) -> &str {
    let kind = scaling.get("rope_type").or_else(|| scaling.get("type"));
    kind.and_then(Value::as_str).unwrap_or_default()
}

/// Numbers above 0.
pub fn numbers(value: Option<&Value>) -> Option<Vec<f64>> {
    value?.as_array()?.iter().map(|number| number.as_f64().filter(|number| *number > 0.0)).collect()
}
