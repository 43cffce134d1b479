//! The Llama architecture.

use engine::weights::ModelConfig;
use engine::weights::gguf::GgufValue;

use super::{Family, Metadata, Placement};
use crate::ExportError;

pub(super) const FAMILY: Family = Family { model_type: "llama", check, metadata, tensor };

fn check(config: &ModelConfig) -> Result<(), ExportError> {
    let refuse = |field: &str, detail: String| Err(ExportError::not_in_gguf(&config.path, field, detail));
    if let Some(scaling) = &config.rope.scaling {
        return refuse("rope_scaling", format!("{scaling}; only plain rotary positions are"));
    }
    if !config.layer_ropes.is_empty() || config.rope.partial_rotary_factor != 1.0 {
        return refuse(
            "rope_parameters",
            "only those of whole heads, the same for all layers, are".to_string(),
        );
    }
    if config.hidden_act != "silu" {
        return refuse("hidden_act", format!("{}; only silu is", config.hidden_act));
    }
    if config.attention_bias || config.mlp_bias {
        return refuse("attention_bias or mlp_bias", "true; only layers without biases are".to_string());
    }
    Ok(())
}

fn metadata(config: &ModelConfig) -> Metadata {
    let mut metadata = vec![("general.architecture".to_string(), GgufValue::from("llama"))];
    let mut push = |key: &str, value: GgufValue| metadata.push((format!("llama.{key}"), value));
    let count = |n: usize| GgufValue::U32(n as u32);
    push("block_count", count(config.num_hidden_layers));
    push("context_length", count(config.max_position_embeddings));
    push("embedding_length", count(config.hidden_size));
    push("feed_forward_length", count(config.intermediate_size));
    push("vocab_size", count(config.vocab_size));
    push("attention.head_count", count(config.num_attention_heads));
    push("attention.head_count_kv", count(config.num_key_value_heads));
    push("attention.key_length", count(config.head_dim));
    push("attention.value_length", count(config.head_dim));
    push("attention.layer_norm_rms_epsilon", GgufValue::F32(config.rms_norm_eps as f32));
    push("rope.dimension_count", count(config.head_dim));
    push("rope.freq_base", GgufValue::F32(config.rope.theta as f32));
    metadata
}

fn tensor(config: &ModelConfig, name: &str) -> Result<Option<Placement>, ExportError> {
    let plain = |name: &str| Ok(Some(Placement { name: name.to_string(), interleave_heads: None }));
    match name {
        "model.embed_tokens.weight" => return plain("token_embd.weight"),
        "model.norm.weight" => return plain("output_norm.weight"),
        "lm_head.weight" if config.tie_word_embeddings => return Ok(None),
        "lm_head.weight" => return plain("output.weight"),
        // A buffer that old checkpoints carry; it follows from rope_theta.
        _ if name.ends_with("rotary_emb.inv_freq") => return Ok(None),
        _ => {}
    }
    let unknown =
        || ExportError::not_in_gguf(&config.path, format!("tensor {name}"), "it is none of a Llama model's");
    let (layer, part) =
        name.strip_prefix("model.layers.").and_then(|rest| rest.split_once('.')).ok_or_else(unknown)?;
    let layer: usize = layer.parse().map_err(|_| unknown())?;
    let (part, interleave_heads) = match part {
        "input_layernorm.weight" => ("attn_norm", None),
        "self_attn.q_proj.weight" => ("attn_q", Some(config.num_attention_heads)),
        "self_attn.k_proj.weight" => ("attn_k", Some(config.num_key_value_heads)),
        "self_attn.v_proj.weight" => ("attn_v", None),
        "self_attn.o_proj.weight" => ("attn_output", None),
        "post_attention_layernorm.weight" => ("ffn_norm", None),
        "mlp.gate_proj.weight" => ("ffn_gate", None),
        "mlp.up_proj.weight" => ("ffn_up", None),
        "mlp.down_proj.weight" => ("ffn_down", None),
        _ => return Err(unknown()),
    };
    Ok(Some(Placement { name: format!("blk.{layer}.{part}.weight"), interleave_heads }))
}
