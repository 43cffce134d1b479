//! Llama: <https://arxiv.org/abs/2302.13971>. Also SmolLM, TinyLlama and others that say `"model_type": "llama"`.

use super::ModelError;
use super::spec::DecoderSpec;
use crate::device::AttentionShape;
use crate::weights::ModelConfig;

pub fn spec(config: &ModelConfig) -> Result<DecoderSpec, ModelError> {
    let refuse = |field: &str, value: String, accepted: &str| {
        Err(ModelError::Unsupported {
            path: config.path.clone(),
            field: field.into(),
            value,
            accepted: accepted.into(),
        })
    };
    if let Some(scaling) = &config.rope_scaling {
        return refuse("rope_scaling", scaling.to_string(), "null");
    }
    if config.hidden_act != "silu" {
        return refuse("hidden_act", config.hidden_act.clone(), "silu");
    }
    if config.attention_bias || config.mlp_bias {
        return refuse("attention_bias / mlp_bias", "true".into(), "false");
    }
    if config.num_key_value_heads == 0
        || !config.num_attention_heads.is_multiple_of(config.num_key_value_heads)
    {
        return refuse(
            "num_key_value_heads",
            config.num_key_value_heads.to_string(),
            "a divisor of num_attention_heads",
        );
    }
    if config.head_dim == 0 || !config.head_dim.is_multiple_of(2) {
        return refuse("head_dim", config.head_dim.to_string(), "an even number");
    }
    Ok(DecoderSpec {
        vocab_size: config.vocab_size,
        hidden_size: config.hidden_size,
        intermediate_size: config.intermediate_size,
        num_hidden_layers: config.num_hidden_layers,
        attention: AttentionShape {
            heads: config.num_attention_heads,
            key_value_heads: config.num_key_value_heads,
            head_dim: config.head_dim,
            scale: 1.0 / (config.head_dim as f32).sqrt(),
        },
        rms_norm_eps: config.rms_norm_eps as f32,
        rope_theta: config.rope_theta,
        tie_word_embeddings: config.tie_word_embeddings,
        max_position_embeddings: config.max_position_embeddings,
    })
}
