//! Llama and what says that it is one.

use super::{Description, Family, LLAMA_PARTS, Model};
use crate::ExportError;

pub(super) const FAMILY: Family =
    Family { model_type: "llama", architecture: "llama", parts: LLAMA_PARTS, interleaves: true, describe };

pub(super) fn describe(model: &Model, description: &mut Description) -> Result<(), ExportError> {
    description.rope(model, &model.config.rope, &model.spec.ropes[0], &["linear", "llama3"])
}
