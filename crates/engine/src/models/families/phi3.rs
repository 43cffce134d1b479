//! Phi 3 and 4 (mini): fused weights, part of each head rotated, a window on every layer (<https://arxiv.org/abs/2404.14219>).

use super::fields::{Fields, numbers, rope_type};
use crate::device::RmsNorm;
use crate::models::ModelError;
use crate::models::rope::Rope;
use crate::models::spec::DecoderSpec;
use crate::weights::ModelConfig;

pub fn spec(config: &ModelConfig) -> Result<DecoderSpec, ModelError> {
    let fields = Fields::new(config, &["sliding_window", "partial_rotary_factor"])?;
    fields.only_silu()?;
    let window = fields.optional_size("sliding_window", None)?;
    let decoder = fields.decoder(None)?;
    let mut layers = decoder.layers.clone();
    layers.iter_mut().for_each(|layer| layer.window = window);
    let (rope, max_position_embeddings) = rope(fields, decoder.attention.head_dim)?;
    let epsilon = fields.number("rms_norm_eps", 1e-5)? as f32;
    Ok(DecoderSpec {
        layers,
        ropes: vec![rope],
        norm: RmsNorm { epsilon, offset: 0.0 },
        fused: true,
        max_position_embeddings,
        ..decoder
    })
}

/// The positions, and how many there are. `longrope` (once called `su` and `yarn`) is read with its short factors,
/// which transformers uses up to the original context; the model ends there.
fn rope(fields: Fields, head_dim: usize) -> Result<(Rope, usize), ModelError> {
    let config = fields.config;
    if !config.layer_ropes.is_empty() {
        let value = &config.raw["rope_parameters"];
        return Err(fields.unsupported("rope_parameters", value, "the same for all layers"));
    }
    let factor = config.rope.partial_rotary_factor;
    let rotary_dim = (head_dim as f64 * factor) as usize;
    if rotary_dim == 0 || rotary_dim > head_dim || !rotary_dim.is_multiple_of(2) {
        return Err(fields.unsupported("partial_rotary_factor", factor, "an even part of head_dim"));
    }
    let plain = Rope::plain(config.rope.theta, rotary_dim);
    let Some(scaling) = &config.rope.scaling else { return Ok((plain, config.max_position_embeddings)) };
    if !["longrope", "su", "yarn"].contains(&rope_type(scaling)) {
        return Err(fields.unsupported_scaling(scaling, &["longrope"]));
    }
    let original = match fields.optional_size("original_max_position_embeddings", None)? {
        Some(original) => original,
        None => fields.scaling_number(scaling, "original_max_position_embeddings")? as usize,
    };
    let factors = numbers(scaling.get("short_factor")).filter(|factors| factors.len() == rotary_dim / 2);
    let factors = factors.ok_or_else(|| {
        let accepted = format!("{} numbers above 0 as short_factor", rotary_dim / 2);
        fields.unsupported("rope_scaling", scaling, &accepted)
    })?;
    let context = config.max_position_embeddings;
    let factor = match scaling.get("factor").filter(|value| !value.is_null()) {
        Some(_) => fields.scaling_number(scaling, "factor")?,
        None => context as f64 / original as f64,
    };
    let magnitude = match scaling.get("attention_factor").filter(|value| !value.is_null()) {
        Some(_) => fields.scaling_number(scaling, "attention_factor")?,
        None if factor <= 1.0 => 1.0,
        None => (1.0 + factor.ln() / (original as f64).ln()).sqrt(),
    };
    Ok((plain.longrope(&factors, magnitude), context.min(original)))
}
