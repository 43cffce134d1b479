//! One GGUF file, as llama.cpp and Ollama load it.
//!
//! Weights (with the adapter merged in f32 before they are quantised), tokenizer and chat template in one
//! file. One file a family under [`families`] says how its tensors are named and laid out; [`mix`] says of which type they are.
//! Keys: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

mod byte_level;
pub(crate) mod families;
mod mix;
mod sentence_piece;
mod tokenizer;

use std::path::Path;

use engine::quantization::ggml_blocks::GgmlType;
use engine::tokenizer::ChatTemplate;
use engine::weights::gguf::{GgufFile, GgufTensorSpec, GgufValue, is_gguf, stream_gguf};
use engine::weights::{DType, TensorSink};

use self::families::{Description, Model, Placement};
use self::mix::Mix;
use crate::plain_template::{PLAIN_TEMPLATE, plain_note};
use crate::registry::{Exported, Fallback, FileKind, Format, Provenance, Quantization, Request};
use crate::source::{Source, check_range, create_parent, file_size, refuse_overwriting, slabs};
use crate::{Control, ExportError};

/// This format's line in the registry.
pub const FORMAT: Format = Format {
    id: "gguf",
    label: "GGUF (llama.cpp, Ollama, LM Studio)",
    kind: FileKind::File("gguf"),
    needs_adapter: false,
    quantizations: &[
        Quantization::F16,
        Quantization::F32,
        Quantization::BF16,
        Quantization::Q8_0,
        Quantization::Q6_K,
        Quantization::Q5_K_M,
        Quantization::Q4_K_M,
        Quantization::Q4_0,
    ],
    export,
};

/// ggml's number of the quantisation formats' generation.
pub(crate) const QUANTIZATION_VERSION: u32 = 2;

pub(crate) type Metadata = Vec<(String, GgufValue)>;

/// Where a tensor's values come from.
enum Origin {
    /// A tensor of the model, and how it is laid out.
    Model { name: String, placement: Placement },
    /// They follow from the configuration.
    Computed(Vec<f32>),
}

/// All tensors of a file.
struct Plan {
    specs: Vec<GgufTensorSpec>,
    origins: Vec<Origin>,
    fallbacks: Vec<Fallback>,
}

/// Writes the file `out`.
///
/// # Errors
/// llama.cpp would compute the model or its tokenizer otherwise, the adapter does not fit, a value
/// does not fit the type, or what the disk reports.
pub fn export(request: &Request, control: &Control) -> Result<Exported, ExportError> {
    refuse_folder(request.out)?;
    refuse_overwriting(request.out, request.model, "base model")?;
    let quantization = request.quantization.unwrap_or(Quantization::F16);
    let source = Source::open(request)?;
    let model = Model::of(&source.config)?;
    let mut description = model.describe()?;
    let computed = std::mem::take(&mut description.tensors);
    let plan = Plan::of(&source, &model, computed, quantization)?;
    let metadata = metadata(request, &source, &mut description, quantization)?;
    create_parent(request.out)?;
    let total = plan.specs.len();
    stream_gguf::<ExportError>(request.out, &metadata, &plan.specs, |index, sink| {
        control.step(index, total)?;
        fill(&source, &plan.origins[index], &plan.specs[index], control, sink)
    })?;
    control.step(total, total)?;
    Ok(Exported {
        format: FORMAT.id,
        path: request.out.to_path_buf(),
        bytes: file_size(request.out)?,
        tensors: total,
        fallbacks: plan.fallbacks,
        warnings: description.warnings,
    })
}

pub(crate) fn refuse_folder(out: &Path) -> Result<(), ExportError> {
    if !out.is_dir() {
        return Ok(());
    }
    let message = format!("{} is a folder: name the .gguf file to write", out.display());
    Err(ExportError::Request(message))
}

impl Plan {
    fn of(
        source: &Source,
        model: &Model,
        computed: Vec<(String, Vec<f32>)>,
        quantization: Quantization,
    ) -> Result<Self, ExportError> {
        let mut plan = Self { specs: Vec::new(), origins: Vec::new(), fallbacks: Vec::new() };
        let spec = &model.spec;
        let mix = Mix { quantization, layers: spec.layers.len(), tied: spec.tie_word_embeddings };
        for (name, values) in computed {
            plan.specs.push(GgufTensorSpec { name, kind: GgmlType::F32, shape: vec![values.len()] });
            plan.origins.push(Origin::Computed(values));
        }
        let embedding_first = |name: &&str| (*name != "model.embed_tokens.weight", *name == "lm_head.weight");
        let mut names: Vec<&str> = source.weights.names().collect();
        names.sort_by_key(embedding_first);
        for name in names {
            let Some(placement) = model.placement(name)? else { continue };
            let shape = source.shape(name);
            check_heads(source, name, &shape, &placement)?;
            let (kind, fallback) = mix.kind(&placement.name, &shape);
            plan.fallbacks.extend(fallback);
            plan.specs.push(GgufTensorSpec { name: placement.name.clone(), kind, shape });
            plan.origins.push(Origin::Model { name: name.to_string(), placement });
        }
        Ok(plan)
    }
}

fn check_heads(
    source: &Source,
    name: &str,
    shape: &[usize],
    placement: &Placement,
) -> Result<(), ExportError> {
    let whole = placement.interleaved_head.is_none_or(|size| {
        size.is_multiple_of(2) && shape.first().is_some_and(|rows| rows.is_multiple_of(size))
    });
    if whole { Ok(()) } else { Err(ExportError::not_in_gguf(&source.config.path, name, "rows are no heads")) }
}

/// Writes one tensor, a slab of rows at a time.
fn fill(
    source: &Source,
    origin: &Origin,
    spec: &GgufTensorSpec,
    control: &Control,
    sink: &mut TensorSink,
) -> Result<(), ExportError> {
    let mut bytes = Vec::new();
    let (name, placement) = match origin {
        Origin::Model { name, placement } => (name, placement),
        Origin::Computed(values) => {
            spec.kind.encode(values, &mut bytes);
            return Ok(sink.put(&bytes)?);
        }
    };
    for rows in slabs(&spec.shape, placement.interleaved_head.unwrap_or(1)) {
        control.check()?;
        let mut values = source.rows(name, rows)?;
        if let Some(size) = placement.interleaved_head {
            // A bias has one value a row of its weight.
            let columns = spec.shape.get(1).copied().unwrap_or(1);
            values = interleave(&values, columns, size);
        }
        if placement.offset != 0.0 {
            values.iter_mut().for_each(|value| *value += placement.offset);
        }
        check_values(name, &values, spec.kind)?;
        bytes.clear();
        spec.kind.encode(&values, &mut bytes);
        sink.put(&bytes)?;
    }
    Ok(())
}

/// Refuses what the type cannot hold.
fn check_values(tensor: &str, values: &[f32], kind: GgmlType) -> Result<(), ExportError> {
    match kind {
        GgmlType::F32 | GgmlType::BF16 => Ok(()),
        GgmlType::F16 => check_range(tensor, values, DType::F16),
        _ => match values.iter().find(|value| !value.is_finite()) {
            Some(value) => {
                Err(ExportError::OutOfRange { tensor: tensor.to_string(), value: *value, dtype: kind.name() })
            }
            None => Ok(()),
        },
    }
}

/// Rows of each head of `head` rows from `[first half, second half]` to `[first, second, first, second, …]`: llama.cpp's
/// `llama` architecture rotates neighbours, Hugging Face's rotates halves.
pub(crate) fn interleave(values: &[f32], columns: usize, head: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(values.len());
    for row in 0..values.len() / columns {
        let (first, within) = (row / head * head, row % head);
        let from = first + within % 2 * (head / 2) + within / 2;
        out.extend_from_slice(&values[from * columns..(from + 1) * columns]);
    }
    out
}

/// The rows as they were before [`interleave`].
pub(crate) fn deinterleave(values: &[f32], columns: usize, head: usize) -> Vec<f32> {
    let mut out = vec![0.0; values.len()];
    for (row, from) in values.chunks_exact(columns).enumerate() {
        let (first, within) = (row / head * head, row % head);
        let to = first + within % 2 * (head / 2) + within / 2;
        out[to * columns..(to + 1) * columns].copy_from_slice(from);
    }
    out
}

fn metadata(
    request: &Request,
    source: &Source,
    description: &mut Description,
    quantization: Quantization,
) -> Result<Metadata, ExportError> {
    let parameters = source.weights.names().filter_map(|name| source.weights.shape(name));
    let parameters: usize = parameters.map(|shape| shape.iter().product::<usize>()).sum();
    let mut metadata = std::mem::take(&mut description.metadata);
    let mut push = |key: &str, value: GgufValue| metadata.push((key.to_string(), value));
    push("general.type", "model".into());
    push("general.name", name_of(request).into());
    push("general.size_label", size_label(parameters).into());
    push("general.file_type", file_type(quantization).into());
    push("general.quantization_version", QUANTIZATION_VERSION.into());
    if let Some(adapter) = &source.adapter {
        let finetune = if adapter.config.use_dora { "dora" } else { "lora" };
        push("general.finetune", finetune.into());
    }
    metadata.extend(lineage(source, request.provenance));
    metadata.extend(match is_gguf(request.model) {
        // As it is: llama.cpp reads the base's.
        true => GgufFile::open(request.model)?
            .metadata()
            .iter()
            .filter(|(key, _)| is_of_tokenizer(key))
            .cloned()
            .collect(),
        false => tokenizer::metadata(request.model, source.config.vocab_size)?,
    });
    let template = match ChatTemplate::from_model_dir(request.model)? {
        // The one that the model was trained with, unchanged.
        Some(template) => template.source().to_string(),
        None => {
            description.warnings.push(plain_note());
            PLAIN_TEMPLATE.to_string()
        }
    };
    metadata.push(("tokenizer.chat_template".to_string(), template.into()));
    Ok(metadata)
}

fn is_of_tokenizer(key: &str) -> bool {
    key.starts_with("tokenizer.") && !key.starts_with("tokenizer.chat_template")
}

/// The name for people: the one that was asked for, or the model folder's.
pub(crate) fn name_of<'a>(request: &Request<'a>) -> &'a str {
    let folder = request.model.file_name().and_then(|name| name.to_str());
    request.name.or(folder).unwrap_or("model")
}

/// What the model was made of: its base, the dataset and the run.
pub(crate) fn lineage(source: &Source, provenance: Option<&Provenance>) -> Metadata {
    let mut metadata = Metadata::new();
    let mut push = |key: &str, value: GgufValue| metadata.push((key.to_string(), value));
    let base = source.adapter.as_ref().and_then(|adapter| adapter.config.base_model_name_or_path.as_deref());
    if let Some((organization, name)) = base.and_then(hub_name) {
        push("general.base_model.count", 1u32.into());
        push("general.base_model.0.name", name.into());
        push("general.base_model.0.organization", organization.into());
        push("general.base_model.0.repo_url", format!("https://huggingface.co/{organization}/{name}").into());
    }
    let Some(provenance) = provenance else { return metadata };
    if let Some(name) = &provenance.dataset_name {
        push("general.dataset.count", 1u32.into());
        push("general.dataset.0.name", name.as_str().into());
    }
    for (name, fact) in provenance.facts() {
        push(&format!("finetuneflow.{name}"), fact.into());
    }
    metadata
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
        Quantization::Q4_0 => 2,
        Quantization::Q8_0 => 7,
        Quantization::Q4_K_M => 15,
        Quantization::Q5_K_M => 17,
        Quantization::Q6_K => 18,
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
        assert_eq!(interleave(&rows, 1, 4), [0.0, 2.0, 1.0, 3.0, 10.0, 12.0, 11.0, 13.0]);
    }

    #[test]
    fn only_hub_ids_are_linked() {
        assert_eq!(hub_name("Qwen/Qwen3-0.6B"), Some(("Qwen", "Qwen3-0.6B")));
        for path in ["/models/x", "./x", "../x", "model", "a/b/c", "a b/c"] {
            assert_eq!(hub_name(path), None, "{path}");
        }
    }
}
