//! Mistral: Llama's architecture in llama.cpp, which has no sliding window there.

use super::{Description, Family, LLAMA_PARTS, Model, llama};
use crate::ExportError;

pub(super) const FAMILY: Family =
    Family { model_type: "mistral", architecture: "llama", parts: LLAMA_PARTS, interleaves: true, describe };

fn describe(model: &Model, description: &mut Description) -> Result<(), ExportError> {
    description.end_at_window(model);
    llama::describe(model, description)
}
