//! The adapter alone, as Hugging Face PEFT loads it.

use std::fs;

use engine::weights::write_file_atomically;

use crate::registry::{Exported, FileKind, Format, Request};
use crate::source::{Source, file_size, refuse_overwriting};
use crate::{Control, ExportError};

/// This format's line in the registry.
pub const FORMAT: Format = Format {
    id: "peft",
    label: "LoRA adapter (Hugging Face PEFT)",
    kind: FileKind::Folder,
    needs_adapter: true,
    quantizations: &[],
    export,
};

/// Writes `adapter_model.safetensors`, `adapter_config.json` and a model card into the folder `out`.
///
/// # Errors
/// There is no adapter, or it does not fit the model.
pub fn export(request: &Request, control: &Control) -> Result<Exported, ExportError> {
    if let Some(folder) = request.adapter {
        refuse_overwriting(request.out, folder, "adapter")?;
    }
    refuse_overwriting(request.out, request.model, "base model")?;
    let Source { adapter: Some(mut adapter), .. } = Source::open(request)? else {
        let message = "the format peft holds an adapter alone: give the adapter's folder, or choose merged";
        return Err(ExportError::Request(message.to_string()));
    };
    if adapter.config.base_model_name_or_path.is_none() {
        adapter.config.base_model_name_or_path = Some(request.model.display().to_string());
    }
    let tensors = adapter.tensors.len();
    control.step(0, tensors)?;
    fs::create_dir_all(request.out).map_err(|error| ExportError::io(request.out, error))?;
    adapter.write(request.out)?;
    let facts: Vec<(&str, &str)> =
        request.provenance.into_iter().flat_map(|provenance| provenance.facts()).map(described).collect();
    write_file_atomically(&request.out.join("README.md"), adapter.model_card(&facts).as_bytes())?;
    control.step(tensors, tensors)?;
    let mut bytes = 0;
    for name in ["adapter_model.safetensors", "adapter_config.json", "README.md"] {
        bytes += file_size(&request.out.join(name))?;
    }
    Ok(Exported {
        format: FORMAT.id,
        path: request.out.to_path_buf(),
        bytes,
        tensors,
        fallbacks: Vec::new(),
        warnings: Vec::new(),
    })
}

/// A fact as the model card words it.
fn described<'a>((name, fact): (&'static str, &'a str)) -> (&'static str, &'a str) {
    let words = match name {
        "run_id" => "run",
        "dataset_name" => "dataset",
        "dataset_sha256" => "dataset's SHA-256",
        "adapter_sha256" => "adapter's SHA-256",
        other => other,
    };
    (words, fact)
}
