//! Mistral: Llama with a sliding window on every layer (<https://arxiv.org/abs/2310.06825>).

use super::fields::Fields;
use crate::models::ModelError;
use crate::models::spec::DecoderSpec;
use crate::weights::ModelConfig;

pub fn spec(config: &ModelConfig) -> Result<DecoderSpec, ModelError> {
    let fields = Fields::new(config, &["sliding_window"])?;
    fields.only_silu()?;
    let window = fields.optional_size("sliding_window", Some(4096))?;
    let decoder = fields.decoder(None)?;
    let mut layers = decoder.layers.clone();
    layers.iter_mut().for_each(|layer| layer.window = window);
    let ropes = vec![fields.rope(decoder.attention.head_dim, &["linear", "llama3"])?];
    Ok(DecoderSpec { layers, ropes, ..decoder })
}
