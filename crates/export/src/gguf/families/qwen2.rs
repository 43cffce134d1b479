//! Qwen 2 and 2.5: biases on query, key and value.

use super::{Description, Family, LLAMA_PARTS, Model};
use crate::ExportError;

pub(super) const FAMILY: Family =
    Family { model_type: "qwen2", architecture: "qwen2", parts: LLAMA_PARTS, interleaves: false, describe };

fn describe(model: &Model, description: &mut Description) -> Result<(), ExportError> {
    description.end_at_window(model);
    description.rope(model, &model.config.rope, &model.spec.ropes[0], &["linear"])
}
