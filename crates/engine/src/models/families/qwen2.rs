//! Qwen 2 and 2.5: biases on query, key and value, windows on the upper layers (<https://arxiv.org/abs/2407.10671>).

use super::fields::Fields;
use crate::models::ModelError;
use crate::models::spec::{DecoderSpec, LayerSpec, Module};
use crate::weights::ModelConfig;

/// The fields from which the layers' windows come.
pub const WINDOW_FIELDS: [&str; 3] = ["sliding_window", "use_sliding_window", "layer_types"];

pub fn spec(config: &ModelConfig) -> Result<DecoderSpec, ModelError> {
    let fields = Fields::new(config, &WINDOW_FIELDS)?;
    fields.only_silu()?;
    let decoder = fields.decoder(None)?;
    Ok(DecoderSpec {
        layers: layers(fields)?,
        ropes: vec![fields.rope(decoder.attention.head_dim, &["linear", "llama3"])?],
        biased: vec![Module::Query, Module::Key, Module::Value],
        ..decoder
    })
}

/// Layers from `max_window_layers` on slide, if `use_sliding_window` says so.
pub fn layers(fields: Fields) -> Result<Vec<LayerSpec>, ModelError> {
    let window = match fields.flag("use_sliding_window")? {
        true => fields.optional_size("sliding_window", Some(4096))?,
        false => None,
    };
    let first = match fields.get("max_window_layers").map(|value| (value, value.as_u64())) {
        None => 28,
        Some((_, Some(first))) => first as usize,
        Some((value, None)) => return Err(fields.unsupported("max_window_layers", value, "a whole number")),
    };
    fields.layers(window, |layer| window.is_some() && layer >= first, 0)
}
