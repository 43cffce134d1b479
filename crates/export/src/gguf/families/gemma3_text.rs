//! Gemma 3 without images: norms on heads, two kinds of positions, norms kept as `1 + w`.

use engine::weights::RopeConfig;
use engine::weights::gguf::GgufValue;
use serde_json::Value;

use super::gemma2::scale;
use super::{Description, Family, GEMMA_PARTS, Model};
use crate::ExportError;

pub(super) const FAMILY: Family = Family {
    model_type: "gemma3_text",
    architecture: "gemma3",
    parts: GEMMA_PARTS,
    interleaves: false,
    describe,
};

/// Layers of the 27B model, whose scores are scaled by `√(heads / hidden)`.
const LAYERS_OF_27B: usize = 62;
/// Every so many layers one sees everything, unless the file says otherwise.
const USUAL_PERIOD: usize = 6;

fn describe(model: &Model, description: &mut Description) -> Result<(), ExportError> {
    model.refuse_biases()?;
    model.refuse_other_scales(scale(model, LAYERS_OF_27B))?;
    let layers = &model.spec.layers;
    let first_full = layers.iter().position(|layer| layer.window.is_none());
    let period = first_full.map_or(USUAL_PERIOD.max(layers.len() + 1), |layer| layer + 1);
    let window = model.windows(|layer| !(layer + 1).is_multiple_of(period))?;
    description.put("attention.sliding_window", GgufValue::U32(window as u32));
    if period != USUAL_PERIOD {
        description.put("attention.sliding_window_pattern", GgufValue::U32(period as u32));
    }
    if let Some(cap) = model.spec.logit_soft_cap {
        description.put("final_logit_softcapping", GgufValue::F32(cap));
    }
    let config = model.config;
    let plain = |theta| RopeConfig { theta, scaling: None, partial_rotary_factor: 1.0 };
    let stated = |name: &str, default: f64| config.raw.get(name).and_then(Value::as_f64).unwrap_or(default);
    let of = |kind: &str, theta: f64| config.layer_ropes.get(kind).cloned().unwrap_or_else(|| plain(theta));
    let (full, local) = if config.layer_ropes.is_empty() {
        let theta = stated("rope_theta", 1e6);
        (RopeConfig { theta, ..config.rope.clone() }, plain(stated("rope_local_base_freq", 1e4)))
    } else {
        (of("full_attention", 1e6), of("sliding_attention", 1e4))
    };
    if local.scaling.is_some() {
        return model.refuse("rope_scaling", "of the layers that slide; llama.cpp stretches only the others");
    }
    description.put("rope.freq_base_swa", GgufValue::F32(local.theta as f32));
    description.rope(model, &full, &model.spec.ropes[0], &["linear"])
}
