//! Qwen 3: norms on the heads of query and key.

use super::{Description, Family, Model};
use crate::ExportError;

pub(super) const FAMILY: Family = Family {
    model_type: "qwen3",
    architecture: "qwen3",
    parts: &[
        ("input_layernorm", "attn_norm"),
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.q_norm", "attn_q_norm"),
        ("self_attn.k_norm", "attn_k_norm"),
        ("self_attn.o_proj", "attn_output"),
        ("post_attention_layernorm", "ffn_norm"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
    ],
    interleaves: false,
    describe,
};

fn describe(model: &Model, description: &mut Description) -> Result<(), ExportError> {
    model.refuse_biases()?;
    description.end_at_window(model);
    description.rope(model, &model.config.rope, &model.spec.ropes[0], &["linear"])
}
