//! A Hugging Face model folder with the adapter merged into the weights.
//!
//! `W + scale · B · A` (DoRA: with its rows at their magnitudes) is computed in f32 and stored in the base's own type, or in the one that is asked for. What is larger than 5 GB is split as Hugging Face's own programs do.

use std::fs;
use std::path::Path;

use engine::quantization::ggml_blocks::GgmlType;
use engine::tokenizer::gguf_companions;
use engine::weights::gguf::is_gguf;
use engine::weights::{
    DType, TensorSink, TensorSpec, WeightsError, stream_safetensors, write_file_atomically,
};
use serde_json::{Map, Value, json};

use crate::registry::{Exported, FileKind, Format, Quantization, Request};
use crate::source::{Source, check_range, file_size, refuse_overwriting, slabs};
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

/// Bytes of weights in one file at most, unless one tensor is larger.
pub const MAX_SHARD_BYTES: u64 = 5_000_000_000;
const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

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

/// Writes the folder `out`: `model.safetensors` (or shards and their index), `config.json`, tokenizer files and chat
/// template. `config.json` comes last, so a folder that has one is complete.
///
/// # Errors
/// The adapter does not fit, a value does not fit the type, or what the disk reports.
pub fn export(request: &Request, control: &Control) -> Result<Exported, ExportError> {
    export_in_shards(request, control, MAX_SHARD_BYTES)
}

/// As [`export`] with another limit of a file's size.
///
/// # Errors
/// As [`export`].
pub fn export_in_shards(
    request: &Request,
    control: &Control,
    max_shard_bytes: u64,
) -> Result<Exported, ExportError> {
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
    let shards = shards(&specs, max_shard_bytes);
    let (mut done, mut bytes) = (0, 0);
    for (number, shard) in shards.iter().enumerate() {
        let path = request.out.join(shard_name(number, shards.len()));
        stream_safetensors::<ExportError>(&path, &[("format", "pt")], shard, |index, sink| {
            control.step(done, specs.len())?;
            done += 1;
            fill(&source, &shard[index], control, sink)
        })?;
        bytes += file_size(&path)?;
    }
    control.step(specs.len(), specs.len())?;
    if shards.len() > 1 {
        bytes += write_index(&shards, &request.out.join(INDEX))?;
    }
    if is_gguf(request.model) {
        for (name, text) in gguf_companions(request.model)? {
            write_file_atomically(&request.out.join(name), text.as_bytes())?;
            bytes += text.len() as u64;
        }
    } else {
        for name in COMPANIONS {
            bytes += copy(&request.model.join(name), &request.out.join(name))?;
        }
    }
    bytes += write_config(&source, dtype, &request.out.join("config.json"))?;
    Ok(Exported {
        format: FORMAT.id,
        path: request.out.to_path_buf(),
        bytes,
        tensors: specs.len(),
        fallbacks: Vec::new(),
        warnings: Vec::new(),
    })
}

/// Creates the folder. In one that exists, `config.json` goes first (it is not complete any more) and all weights go too:
/// some loaders prefer an index to a single file, others the file to the index.
fn prepare(out: &Path) -> Result<(), ExportError> {
    fs::create_dir_all(out).map_err(|error| ExportError::io(out, error))?;
    let mut stale = vec![out.join("config.json"), out.join(INDEX), out.join(WEIGHTS)];
    for entry in fs::read_dir(out).map_err(|error| ExportError::io(out, error))? {
        let entry = entry.map_err(|error| ExportError::io(out, error))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("model-") && name.contains("-of-") && name.ends_with(".safetensors") {
            stale.push(entry.path());
        }
    }
    for path in stale {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(ExportError::io(&path, error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Tensors in their order, in files of at most `limit` bytes where one tensor is not larger.
fn shards(specs: &[TensorSpec], limit: u64) -> Vec<Vec<TensorSpec>> {
    let mut shards = vec![Vec::new()];
    let mut size = 0u64;
    for spec in specs {
        let bytes = size_of(spec);
        if size > 0 && size.saturating_add(bytes) > limit {
            shards.push(Vec::new());
            size = 0;
        }
        size = size.saturating_add(bytes);
        shards.last_mut().expect("there is one from the start").push(spec.clone());
    }
    shards
}

fn size_of(spec: &TensorSpec) -> u64 {
    spec.size_bytes().map_or(u64::MAX, |bytes| bytes as u64)
}

/// `model.safetensors` for one file, Hugging Face's names of several.
fn shard_name(number: usize, count: usize) -> String {
    if count == 1 {
        return WEIGHTS.to_string();
    }
    format!("model-{:05}-of-{count:05}.safetensors", number + 1)
}

fn write_index(shards: &[Vec<TensorSpec>], path: &Path) -> Result<u64, ExportError> {
    let mut places = Map::new();
    for (number, shard) in shards.iter().enumerate() {
        let file = json!(shard_name(number, shards.len()));
        places.extend(shard.iter().map(|spec| (spec.name.clone(), file.clone())));
    }
    let total: u64 = shards.iter().flatten().map(size_of).sum();
    write_json(path, &json!({"metadata": {"total_size": total}, "weight_map": places}))
}

fn specs(source: &Source, asked: Option<DType>) -> Result<Vec<TensorSpec>, ExportError> {
    let spec = |name: &str| {
        let dtype = asked.map_or_else(|| source.weights.dtype(name), Ok)?;
        Ok(TensorSpec { name: name.to_string(), dtype, shape: source.shape(name) })
    };
    source.weights.names().map(spec).collect()
}

fn fill(
    source: &Source,
    spec: &TensorSpec,
    control: &Control,
    sink: &mut TensorSink,
) -> Result<(), ExportError> {
    let same = source.weights.dtype(&spec.name)? == spec.dtype && !source.is_adapted(&spec.name);
    let mut bytes = Vec::new();
    for rows in slabs(&spec.shape, 1) {
        control.check()?;
        if same {
            sink.put(&source.stored_rows(&spec.name, rows.clone())?)?;
            source.release(&spec.name, rows);
            continue;
        }
        let values = source.rows(&spec.name, rows)?;
        check_range(&spec.name, &values, spec.dtype)?;
        bytes.clear();
        GgmlType::from(spec.dtype).encode(&values, &mut bytes);
        sink.put(&bytes)?;
    }
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
    write_json(path, &raw)
}

fn write_json(path: &Path, value: &Value) -> Result<u64, ExportError> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|error| WeightsError::Json { path: path.to_path_buf(), detail: error.to_string() })?;
    text.push(b'\n');
    write_file_atomically(path, &text)?;
    Ok(text.len() as u64)
}
