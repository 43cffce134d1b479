//! Llama: <https://arxiv.org/abs/2302.13971>, <https://arxiv.org/abs/2407.21783>. Also SmolLM, TinyLlama and others
//! that say `"model_type": "llama"`.

use super::fields::Fields;
use crate::models::ModelError;
use crate::models::spec::{DecoderSpec, Module};
use crate::weights::ModelConfig;

pub fn spec(config: &ModelConfig) -> Result<DecoderSpec, ModelError> {
    let fields = Fields::new(config, &["attention_bias", "mlp_bias"])?;
    fields.only_silu()?;
    let decoder = fields.decoder(None)?;
    let mut biased = fields.attention_bias()?;
    if fields.flag("mlp_bias")? {
        biased.extend([Module::Gate, Module::Up, Module::Down]);
    }
    let ropes = vec![fields.rope(decoder.attention.head_dim, &["linear", "llama3", "longrope"])?];
    Ok(DecoderSpec { ropes, biased, ..decoder })
}
