//! A Hugging Face model folder with the adapter merged into the weights.
//!
//! `W + scale · B · A` (DoRA: with its rows at their magnitudes) is computed in f32 and stored in the base's own type, or in the one that is asked for.

use std::fs;
use std::path::Path;

use engine::weights::{DType, TensorSpec, WeightsError, write_file_atomically, write_safetensors};
use serde_json::{Value, json};

use crate::registry::{Exported, FileKind, Format, Quantization, Request};
use crate::source::{Source, check_range, file_size, refuse_overwriting};
use crate::{Control, ExportError};

/// This format's line in the registry.
pub const FORMAT: Format = Format {
    id: "merged",
    label: "Merged model (Hugging Face folder)",
    kind: FileKind::Folder,
    needs_adapter: false,
    quantizations: &[Quantization::F32, Quantization::F16, Quantization::BF16],
    export,
};

/// What makes a model folder besides weights and `config.json`.
const COMPANIONS: [&str; 12] = [
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
    "LICENSE",
    "NOTICE",
];

/// Writes the folder `out`: `model.safetensors`, `config.json`, tokenizer files and chat template.
/// `config.json` comes last, so a folder that has one is complete.
///
/// # Errors
/// The adapter does not fit, a value does not fit the type, or what the disk reports.
pub fn export(request: &Request, control: &Control) -> Result<Exported, ExportError> {
    let dtype = match request.quantization.map(|asked| asked.dtype().ok_or(asked)) {
        None => None,
        Some(Ok(dtype)) => Some(dtype),
        Some(Err(asked)) => {
            let message =
                format!("a Hugging Face folder holds no {}: choose f32, f16 or bf16, or gguf", asked.id());
            return Err(ExportError::Request(message));
        }
    };
    refuse_overwriting(request.out, request.model, "base model")?;
    let source = Source::open(request)?;
    prepare(request.out)?;
    let specs = specs(&source, dtype)?;
    let weights = request.out.join("model.safetensors");
    let mut done = 0;
    write_safetensors::<ExportError>(&weights, &[("format", "pt")], &specs, |index, bytes| {
        control.step(done, specs.len())?;
        done += 1;
        fill(&source, &specs[index], bytes)
    })?;
    control.step(specs.len(), specs.len())?;
    let mut bytes = file_size(&weights)?;
    for name in COMPANIONS {
        bytes += copy(&request.model.join(name), &request.out.join(name))?;
    }
    bytes += write_config(&source, dtype, &request.out.join("config.json"))?;
    Ok(Exported { format: FORMAT.id, path: request.out.to_path_buf(), bytes, tensors: specs.len() })
}

/// Creates the folder. In one that exists, `config.json` goes first (it is not complete any more) and an
/// index of shards goes too: it would be preferred to the new weights by some loaders.
fn prepare(out: &Path) -> Result<(), ExportError> {
    fs::create_dir_all(out).map_err(|error| ExportError::io(out, error))?;
    for name in ["config.json", "model.safetensors.index.json"] {
        let path = out.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(ExportError::io(&path, error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn specs(source: &Source, asked: Option<DType>) -> Result<Vec<TensorSpec>, ExportError> {
    let spec = |name: &str| {
        let view = source.weights.tensor(name)?;
        Ok(TensorSpec {
            name: name.to_string(),
            dtype: asked.unwrap_or(view.dtype),
            shape: view.shape.to_vec(),
        })
    };
    source.weights.names().map(spec).collect()
}

fn fill(source: &Source, spec: &TensorSpec, bytes: &mut Vec<u8>) -> Result<(), ExportError> {
    let view = source.weights.tensor(&spec.name)?;
    if view.dtype == spec.dtype && !source.is_adapted(&spec.name) {
        bytes.extend_from_slice(view.bytes);
        return Ok(());
    }
    let values = source.values(&spec.name)?;
    check_range(&spec.name, &values, spec.dtype)?;
    spec.dtype.encode(&values, bytes);
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<u64, ExportError> {
    let content = match fs::read(from) {
        Ok(content) => content,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(ExportError::io(from, error)),
    };
    write_file_atomically(to, &content)?;
    Ok(content.len() as u64)
}

fn write_config(source: &Source, asked: Option<DType>, path: &Path) -> Result<u64, ExportError> {
    let mut raw = source.config.raw.clone();
    if let (Some(dtype), Some(map)) = (asked, raw.as_object_mut()) {
        let key = if map.contains_key("dtype") { "dtype" } else { "torch_dtype" };
        map.insert(key.to_string(), json!(dtype.torch_name()));
    }
    let mut text = serde_json::to_vec_pretty::<Value>(&raw)
        .map_err(|error| WeightsError::Json { path: path.to_path_buf(), detail: error.to_string() })?;
    text.push(b'\n');
    write_file_atomically(path, &text)?;
    Ok(text.len() as u64)
}
