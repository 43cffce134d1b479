//! Phi 3 and 4 (mini): fused weights, part of each head rotated, two sets of factors for positions.

use engine::models::rope::Rope;
use engine::weights::gguf::GgufValue;
use serde_json::Value;

use super::{Description, Family, Model};
use crate::ExportError;

pub(super) const FAMILY: Family = Family {
    model_type: "phi3",
    architecture: "phi3",
    parts: &[
        ("input_layernorm", "attn_norm"),
        ("self_attn.qkv_proj", "attn_qkv"),
        ("self_attn.o_proj", "attn_output"),
        ("post_attention_layernorm", "ffn_norm"),
        ("mlp.gate_up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
    ],
    interleaves: false,
    describe,
};

fn describe(model: &Model, description: &mut Description) -> Result<(), ExportError> {
    description.end_at_window(model);
    // llama.cpp has no window in this architecture, whatever the number; 0 says that there is none.
    description.put("attention.sliding_window", GgufValue::U32(0));
    let (config, rope) = (model.config, &model.spec.ropes[0]);
    let Some(scaling) = &config.rope.scaling else {
        return description.rope(model, &config.rope, rope, &[]);
    };
    // The spec ends where the long factors begin; llama.cpp has both, and chooses by the length of the context.
    let original = model.spec.max_position_embeddings;
    let short = factors(config.rope.theta, rope);
    let long: Option<Vec<f32>> = scaling.get("long_factor").and_then(Value::as_array).and_then(|factors| {
        factors.iter().map(|factor| factor.as_f64().map(|factor| factor as f32)).collect()
    });
    let Some(long) = long.filter(|long| long.len() == short.len()) else {
        return model.refuse("rope_scaling", "long_factor must be as many numbers as short_factor");
    };
    description.put("rope.freq_base", GgufValue::F32(config.rope.theta as f32));
    description.put("rope.scaling.original_context_length", GgufValue::U32(original as u32));
    description.put("rope.scaling.attn_factor", GgufValue::F32(rope.magnitude as f32));
    description.tensors.push(("rope_factors_long.weight".to_string(), long));
    description.tensors.push(("rope_factors_short.weight".to_string(), short));
    Ok(())
}

/// By how much each frequency is slower than without scaling.
fn factors(theta: f64, rope: &Rope) -> Vec<f32> {
    let plain = Rope::plain(theta, rope.rotary_dim());
    plain.frequencies.iter().zip(&rope.frequencies).map(|(plain, scaled)| (plain / scaled) as f32).collect()
}
