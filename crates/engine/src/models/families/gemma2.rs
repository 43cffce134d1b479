//! Gemma 2: norms around both halves, soft caps, every other layer slides (<https://arxiv.org/abs/2408.00118>).

use super::fields::Fields;
use crate::device::{Activation, AttentionShape, RmsNorm};
use crate::models::ModelError;
use crate::models::spec::DecoderSpec;
use crate::weights::ModelConfig;

pub fn spec(config: &ModelConfig) -> Result<DecoderSpec, ModelError> {
    let reads = [
        "sliding_window",
        "layer_types",
        "attention_bias",
        "query_pre_attn_scalar",
        "attn_logit_softcapping",
        "final_logit_softcapping",
    ];
    let fields = Fields::new(config, &reads)?;
    let decoder = gemma(fields)?;
    let window = fields.optional_size("sliding_window", Some(4096))?;
    let soft_cap = fields.optional_number("attn_logit_softcapping", Some(50.0))?;
    Ok(DecoderSpec {
        layers: fields.layers(window, |layer| layer.is_multiple_of(2), 0)?,
        attention: AttentionShape { soft_cap: soft_cap.map(|cap| cap as f32), ..decoder.attention },
        ropes: vec![fields.rope(decoder.attention.head_dim, &["linear", "llama3"])?],
        logit_soft_cap: fields.optional_number("final_logit_softcapping", Some(30.0))?.map(|cap| cap as f32),
        ..decoder
    })
}

/// What Gemma 2 and 3 share: norms with `1 + w`, GELU, embeddings times `√hidden` (f32 here; transformers rounds the factor
/// to the type that it computes in), scores times `query_pre_attn_scalar^(-1/2)`.
pub fn gemma(fields: Fields) -> Result<DecoderSpec, ModelError> {
    let activation = fields.get("hidden_activation").and_then(|value| value.as_str());
    let activation = activation.unwrap_or("gelu_pytorch_tanh");
    if activation != "gelu_pytorch_tanh" {
        return Err(fields.unsupported("hidden_activation", activation, "gelu_pytorch_tanh"));
    }
    let decoder = fields.decoder(Some(256))?;
    let scale = fields.number("query_pre_attn_scalar", 256.0)?.powf(-0.5);
    Ok(DecoderSpec {
        attention: AttentionShape { scale: scale as f32, ..decoder.attention },
        norm: RmsNorm { offset: 1.0, ..decoder.norm },
        sandwich_norms: true,
        activation: Activation::GeluTanh,
        biased: fields.attention_bias()?,
        embedding_scale: (decoder.hidden_size as f64).sqrt() as f32,
        ..decoder
    })
}
