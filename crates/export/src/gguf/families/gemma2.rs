//! Gemma 2: soft caps, every other layer slides, norms kept as `1 + w`.

use engine::weights::gguf::GgufValue;

use super::{Description, Family, GEMMA_PARTS, Model};
use crate::ExportError;

pub(super) const FAMILY: Family =
    Family { model_type: "gemma2", architecture: "gemma2", parts: GEMMA_PARTS, interleaves: false, describe };

/// Layers of the 27B model, which llama.cpp knows by them: its scores are scaled by `√(heads / hidden)`.
const LAYERS_OF_27B: usize = 46;

fn describe(model: &Model, description: &mut Description) -> Result<(), ExportError> {
    model.refuse_biases()?;
    model.refuse_other_scales(scale(model, LAYERS_OF_27B))?;
    if !model.spec.tie_word_embeddings {
        return model.refuse("tie_word_embeddings", "false; llama.cpp ties them in this architecture");
    }
    let (Some(attention), Some(logits)) = (model.spec.attention.soft_cap, model.spec.logit_soft_cap) else {
        let detail = "null; llama.cpp always caps in this architecture";
        return model.refuse("attn_logit_softcapping or final_logit_softcapping", detail);
    };
    let window = model.windows(|layer| layer.is_multiple_of(2))?;
    description.put("attn_logit_softcapping", GgufValue::F32(attention));
    description.put("final_logit_softcapping", GgufValue::F32(logits));
    description.put("attention.sliding_window", GgufValue::U32(window as u32));
    description.rope(model, &model.config.rope, &model.spec.ropes[0], &["linear"])
}

/// What llama.cpp multiplies the scores with: it goes by the size of heads, but for the largest model.
pub(super) fn scale(model: &Model, largest: usize) -> f32 {
    let size = if model.spec.layers.len() == largest {
        model.spec.hidden_size / model.spec.attention.heads
    } else {
        model.spec.attention.head_dim
    };
    1.0 / (size as f32).sqrt()
}
