//! Qwen 3: a norm on each head of query and key, heads of any size (<https://arxiv.org/abs/2505.09388>).

use super::fields::Fields;
use super::qwen2;
use crate::models::ModelError;
use crate::models::spec::DecoderSpec;
use crate::weights::ModelConfig;

pub fn spec(config: &ModelConfig) -> Result<DecoderSpec, ModelError> {
    let [window, use_window, layer_types] = qwen2::WINDOW_FIELDS;
    let fields = Fields::new(config, &[window, use_window, layer_types, "attention_bias"])?;
    fields.only_silu()?;
    let decoder = fields.decoder(Some(128))?;
    Ok(DecoderSpec {
        layers: qwen2::layers(fields)?,
        ropes: vec![fields.rope(decoder.attention.head_dim, &["linear", "llama3"])?],
        biased: fields.attention_bias()?,
        head_norms: true,
        ..decoder
    })
}
