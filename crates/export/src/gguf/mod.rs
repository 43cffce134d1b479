//! One GGUF file, as llama.cpp and Ollama load it.
//!
//! Weights (with the adapter merged in f32 before they are quantised), tokenizer and chat template in one
//! file. One file a family says how its tensors are named and laid out, one line each in [`FAMILIES`].
//! Keys: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

mod byte_level;
mod llama;
mod sentence_piece;
mod tokenizer;

use std::path::Path;

use engine::quantization::ggml_blocks::GgmlType;
use engine::tokenizer::ChatTemplate;
use engine::weights::gguf::{GgufFile, GgufTensorSpec, GgufValue, write_gguf};
use engine::weights::{DType, ModelConfig};

use crate::registry::{Exported, FileKind, Format, Quantization, Request};
use crate::source::{Source, check_range, create_parent, file_size};
use crate::{Control, ExportError};

/// This format's line in the registry.
pub const FORMAT: Format = Format {
    id: "gguf",
    label: "GGUF (llama.cpp, Ollama, LM Studio)",
    kind: FileKind::File("gguf"),
    needs_adapter: false,
    quantizations: &[Quantization::F16, Quantization::F32, Quantization::BF16, Quantization::Q8_0],
    export,
};

/// ggml's number of the quantisation formats' generation.
const QUANTIZATION_VERSION: u32 = 2;

type Metadata = Vec<(String, GgufValue)>;

/// What is particular to the models of one architecture.
struct Family {
    /// `model_type` of `config.json`.
    model_type: &'static str,
    /// Refuses what the architecture in llama.cpp does not compute.
    check: fn(&ModelConfig) -> Result<(), ExportError>,
    /// `general.architecture` and the keys under it.
    metadata: fn(&ModelConfig) -> Metadata,
    /// The name and layout of a tensor; `None` for one that this file does not need.
    tensor: fn(&ModelConfig, &str) -> Result<Option<Placement>, ExportError>,
}

/// Where a tensor goes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Placement {
    name: String,
    /// Heads whose halves are interleaved (rotary pairs beside each other); `None` leaves rows as they are.
    interleave_heads: Option<usize>,
}

const FAMILIES: &[Family] = &[llama::FAMILY];

struct Planned {
    source_name: String,
    interleave_heads: Option<usize>,
}

/// Writes the file `out`.
///
/// # Errors
/// The family, its configuration or its tokenizer has no place in GGUF yet, the adapter does not fit, a value
/// does not fit the type, or what the disk reports.
pub fn export(request: &Request, control: &Control) -> Result<Exported, ExportError> {
    if request.out.is_dir() {
        let message = format!("{} is a folder: name the .gguf file to write", request.out.display());
        return Err(ExportError::Request(message));
    }
    let quantization = request.quantization.unwrap_or(Quantization::F16);
    let source = Source::open(request)?;
    let family = family(&source.config)?;
    (family.check)(&source.config)?;
    let (specs, plan) = plan(&source, family, quantization)?;
    let metadata = metadata(request, &source, family, quantization)?;
    create_parent(request.out)?;
    write_gguf::<ExportError>(request.out, &metadata, &specs, |index, bytes| {
        control.step(index, specs.len())?;
        fill(&source, &plan[index], &specs[index], bytes)
    })?;
    control.step(specs.len(), specs.len())?;
    let bytes = file_size(request.out)?;
    Ok(Exported { format: FORMAT.id, path: request.out.to_path_buf(), bytes, tensors: specs.len() })
}

fn family(config: &ModelConfig) -> Result<&'static Family, ExportError> {
    FAMILIES.iter().find(|family| family.model_type == config.model_type).ok_or_else(|| {
        let known: Vec<&str> = FAMILIES.iter().map(|family| family.model_type).collect();
        let detail = format!("model types that can be: {}", known.join(", "));
        ExportError::not_in_gguf(&config.path, format!("model_type {}", config.model_type), detail)
    })
}

fn plan(
    source: &Source,
    family: &Family,
    quantization: Quantization,
) -> Result<(Vec<GgufTensorSpec>, Vec<Planned>), ExportError> {
    let (mut specs, mut plan) = (Vec::new(), Vec::new());
    let embedding_first = |name: &&str| (*name != "model.embed_tokens.weight", *name == "lm_head.weight");
    let mut names: Vec<&str> = source.weights.names().collect();
    names.sort_by_key(embedding_first);
    for name in names {
        let Some(placement) = (family.tensor)(&source.config, name)? else { continue };
        let shape = source.weights.tensor(name)?.shape.to_vec();
        let kind = storage(&shape, quantization);
        specs.push(GgufTensorSpec { name: placement.name, kind, shape });
        plan.push(Planned { source_name: name.to_string(), interleave_heads: placement.interleave_heads });
    }
    Ok((specs, plan))
}

/// Norms and biases stay f32; rows that are no whole number of blocks are stored as f16, as llama.cpp does.
fn storage(shape: &[usize], quantization: Quantization) -> GgmlType {
    let asked = quantization.ggml_type();
    match shape {
        [] | [_] => GgmlType::F32,
        [.., columns] if asked.size_bytes(*columns).is_none() => GgmlType::F16,
        _ => asked,
    }
}

fn fill(
    source: &Source,
    planned: &Planned,
    spec: &GgufTensorSpec,
    bytes: &mut Vec<u8>,
) -> Result<(), ExportError> {
    let mut values = source.values(&planned.source_name)?;
    if let Some(heads) = planned.interleave_heads {
        values = interleave(&values, &spec.shape, heads).ok_or_else(|| {
            ExportError::not_in_gguf(&source.config.path, &planned.source_name, "rows are no heads")
        })?;
    }
    if spec.kind == GgmlType::F16 {
        check_range(&planned.source_name, &values, DType::F16)?;
    }
    if spec.kind == GgmlType::Q8_0
        && let Some(value) = values.iter().find(|value| !value.is_finite())
    {
        let tensor = planned.source_name.clone();
        return Err(ExportError::OutOfRange { tensor, value: *value, dtype: "q8_0" });
    }
    spec.kind.encode(&values, bytes);
    Ok(())
}

/// Rows of each head from `[first half, second half]` to `[first, second, first, second, …]`: llama.cpp's
/// `llama` architecture rotates neighbours, Hugging Face's rotates halves.
fn interleave(values: &[f32], shape: &[usize], heads: usize) -> Option<Vec<f32>> {
    let (rows, columns) = (*shape.first()?, shape.iter().skip(1).product::<usize>());
    let head_dim = rows.checked_div(heads)?;
    if head_dim * heads != rows || head_dim % 2 != 0 || values.len() != rows * columns {
        return None;
    }
    let half = head_dim / 2;
    let mut out = Vec::with_capacity(values.len());
    for row in 0..rows {
        let (head, within) = (row / head_dim, row % head_dim);
        let from = head * head_dim + (within % 2) * half + within / 2;
        out.extend_from_slice(&values[from * columns..(from + 1) * columns]);
    }
    Some(out)
}

fn metadata(
    request: &Request,
    source: &Source,
    family: &Family,
    quantization: Quantization,
) -> Result<Metadata, ExportError> {
    let config = &source.config;
    let folder = request.model.file_name().and_then(|name| name.to_str()).unwrap_or("model");
    let parameters = source.weights.names().filter_map(|name| source.weights.shape(name));
    let parameters: usize = parameters.map(|shape| shape.iter().product::<usize>()).sum();
    let mut metadata = (family.metadata)(config);
    let mut push = |key: &str, value: GgufValue| metadata.push((key.to_string(), value));
    push("general.type", "model".into());
    push("general.name", request.name.unwrap_or(folder).into());
    push("general.size_label", size_label(parameters).into());
    push("general.file_type", file_type(quantization).into());
    push("general.quantization_version", QUANTIZATION_VERSION.into());
    if let Some(adapter) = &source.adapter {
        let finetune = if adapter.config.use_dora { "dora" } else { "lora" };
        push("general.finetune", finetune.into());
    }
    let base = source.adapter.as_ref().and_then(|adapter| adapter.config.base_model_name_or_path.as_deref());
    if let Some((organization, name)) = base.and_then(hub_name) {
        push("general.base_model.count", 1u32.into());
        push("general.base_model.0.name", name.into());
        push("general.base_model.0.organization", organization.into());
        push("general.base_model.0.repo_url", format!("https://huggingface.co/{organization}/{name}").into());
    }
    metadata.extend(tokenizer::metadata(request.model, config.vocab_size)?);
    if let Some(template) = chat_template(request.model)? {
        metadata.push(("tokenizer.chat_template".to_string(), template.into()));
    }
    Ok(metadata)
}

/// The template that the model was trained with, unchanged.
fn chat_template(model: &Path) -> Result<Option<String>, ExportError> {
    Ok(ChatTemplate::from_model_dir(model)?.map(|template| template.source().to_string()))
}

/// `organization` and `name` of a Hugging Face id; `None` for a path.
fn hub_name(base: &str) -> Option<(&str, &str)> {
    let (organization, name) = base.split_once('/')?;
    let word = |text: &str| {
        !text.is_empty()
            && !text.starts_with('.')
            && text.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
    };
    (word(organization) && word(name) && !Path::new(base).exists()).then_some((organization, name))
}

/// llama.cpp's `llama_ftype`: what most tensors are.
fn file_type(quantization: Quantization) -> u32 {
    match quantization {
        Quantization::F32 => 0,
        Quantization::F16 => 1,
        Quantization::Q8_0 => 7,
        Quantization::BF16 => 32,
    }
}

/// What most tensors of a file are, as it says itself; `None` for a type that is not written here.
pub(crate) fn file_quantization(path: &Path) -> Result<Option<Quantization>, ExportError> {
    let said = GgufFile::open(path)?.get("general.file_type").and_then(GgufValue::as_u64);
    Ok(Quantization::ALL.into_iter().find(|quantization| said == Some(file_type(*quantization).into())))
}

/// `260K`, `3.1M`, `1.1B`: two digits at least.
fn size_label(parameters: usize) -> String {
    let count = parameters as f64;
    let (scaled, suffix) = match parameters {
        n if n > 1_000_000_000 => (count * 1e-9, "B"),
        n if n > 1_000_000 => (count * 1e-6, "M"),
        _ => (count * 1e-3, "K"),
    };
    let decimals = usize::from(scaled.round() < 10.0);
    format!("{scaled:.decimals$}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_labels_have_two_digits() {
        let cases = [(260_032, "260K"), (3_100_000, "3.1M"), (494_032_768, "494M"), (1_100_048_384, "1.1B")];
        cases.iter().for_each(|(count, label)| assert_eq!(size_label(*count), *label));
    }

    #[test]
    fn halves_are_interleaved_head_by_head() {
        // Two heads of four rows, one column.
        let rows = [0.0, 1.0, 2.0, 3.0, 10.0, 11.0, 12.0, 13.0];
        let out = interleave(&rows, &[8, 1], 2).expect("heads");
        assert_eq!(out, [0.0, 2.0, 1.0, 3.0, 10.0, 12.0, 11.0, 13.0]);
        assert!(interleave(&rows, &[8, 1], 3).is_none());
        assert!(interleave(&rows, &[8, 1], 8).is_none());
    }

    #[test]
    fn rows_that_are_no_whole_blocks_are_stored_as_f16() {
        assert_eq!(storage(&[64], Quantization::Q8_0), GgmlType::F32);
        assert_eq!(storage(&[64, 172], Quantization::Q8_0), GgmlType::F16);
        assert_eq!(storage(&[172, 64], Quantization::Q8_0), GgmlType::Q8_0);
        assert_eq!(storage(&[64, 172], Quantization::BF16), GgmlType::BF16);
    }

    #[test]
    fn only_hub_ids_are_linked() {
        assert_eq!(hub_name("Qwen/Qwen3-0.6B"), Some(("Qwen", "Qwen3-0.6B")));
        for path in ["/models/x", "./x", "../x", "model", "a/b/c", "a b/c"] {
            assert_eq!(hub_name(path), None, "{path}");
        }
    }
}
