//! Gemma 3 without images: norms on heads, and two kinds of positions, for layers that slide and those that do not
//! (<https://arxiv.org/abs/2503.19786>).

use super::fields::Fields;
use super::gemma2::gemma;
use crate::models::ModelError;
use crate::models::spec::DecoderSpec;
use crate::weights::{ModelConfig, RopeConfig};

pub fn spec(config: &ModelConfig) -> Result<DecoderSpec, ModelError> {
    let reads = [
        "sliding_window",
        "layer_types",
        "attention_bias",
        "query_pre_attn_scalar",
        "final_logit_softcapping",
    ];
    let fields = Fields::new(config, &reads)?;
    let decoder = gemma(fields)?;
    let window = fields.optional_size("sliding_window", Some(4096))?;
    let pattern = fields.optional_size("sliding_window_pattern", None)?.unwrap_or(6);
    let head_dim = decoder.attention.head_dim;
    let rope = |rope: &RopeConfig| fields.rope_of(rope, head_dim, &["linear"]);
    let (full, sliding) = ropes(fields)?;
    Ok(DecoderSpec {
        layers: fields.layers(window, |layer| !(layer + 1).is_multiple_of(pattern), 1)?,
        ropes: vec![rope(&full)?, rope(&sliding)?],
        head_norms: true,
        logit_soft_cap: fields.optional_number("final_logit_softcapping", None)?.map(|cap| cap as f32),
        ..decoder
    })
}

/// Positions of layers that see everything, and of those that slide.
fn ropes(fields: Fields) -> Result<(RopeConfig, RopeConfig), ModelError> {
    let config = fields.config;
    let plain = |theta: f64| RopeConfig { theta, scaling: None, partial_rotary_factor: 1.0 };
    if config.layer_ropes.is_empty() {
        if let Some(value) = fields.get("rope_parameters") {
            return Err(fields.unsupported("rope_parameters", value, "one object a kind of layer"));
        }
        let full = RopeConfig { theta: fields.number("rope_theta", 1e6)?, ..config.rope.clone() };
        return Ok((full, plain(fields.number("rope_local_base_freq", 1e4)?)));
    }
    if let Some(kind) = config
        .layer_ropes
        .keys()
        .find(|kind| !["full_attention", "sliding_attention"].contains(&kind.as_str()))
    {
        return Err(fields.unsupported("rope_parameters", kind, "full_attention and sliding_attention"));
    }
    let of = |kind: &str, theta: f64| config.layer_ropes.get(kind).cloned().unwrap_or_else(|| plain(theta));
    Ok((of("full_attention", 1e6), of("sliding_attention", 1e4)))
}
