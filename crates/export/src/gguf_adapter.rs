//! The adapter alone as a GGUF file, which llama.cpp and Ollama load beside a GGUF of its base.
//!
//! llama.cpp adds `alpha / rank · B · A`, with one alpha for all modules: other alphas, and rsLoRA's scale, are folded into it
//! or into `lora_b`. Format: <https://github.com/ggml-org/llama.cpp/blob/master/convert_lora_to_gguf.py>.

use std::path::Path;

use engine::adapters::peft::{Adapter, AdapterError};
use engine::quantization::ggml_blocks::GgmlType;
use engine::weights::gguf::{GgufFile, GgufTensorSpec, GgufValue, write_gguf};
use engine::weights::{DType, ModelConfig};

use crate::gguf::families::Model;
use crate::gguf::{
    Metadata, QUANTIZATION_VERSION, deinterleave, interleave, lineage, name_of, refuse_folder,
};
use crate::registry::{Exported, FileKind, Format, Quantization, Request};
use crate::source::{Source, check_range, create_parent, file_size};
use crate::{Control, ExportError};

/// This format's line in the registry.
pub const FORMAT: Format = Format {
    id: "gguf-adapter",
    label: "GGUF adapter (llama.cpp, Ollama)",
    kind: FileKind::File("gguf"),
    needs_adapter: true,
    quantizations: &[Quantization::F32, Quantization::F16],
    export,
};

/// One tensor of the file.
struct Part {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// Writes the file `out`.
///
/// # Errors
/// There is no adapter, it does not fit the model, it is DoRA's (whose magnitudes have no place in the file), or what the
/// disk reports.
pub fn export(request: &Request, control: &Control) -> Result<Exported, ExportError> {
    refuse_folder(request.out)?;
    let kind = match request.quantization {
        None | Some(Quantization::F32) => DType::F32,
        Some(Quantization::F16) => DType::F16,
        Some(other) => {
            let message = format!("a GGUF adapter holds no {}: choose f32 or f16", other.id());
            return Err(ExportError::Request(message));
        }
    };
    let source = Source::open(request)?;
    let Some(adapter) = &source.adapter else {
        let message =
            "the format gguf-adapter holds an adapter alone: give the adapter's folder, or choose gguf";
        return Err(ExportError::Request(message.to_string()));
    };
    if adapter.config.use_dora {
        let detail = "the file has no place for the magnitudes that DoRA trains, and llama.cpp would leave them out: choose \
                      the format gguf, which has them merged";
        return Err(ExportError::not_in_gguf(
            request.adapter.unwrap_or(request.model),
            "a DoRA adapter alone",
            detail,
        ));
    }
    let model = Model::of(&source.config)?;
    // What llama.cpp computes otherwise in the base is refused here too: the adapter is of no use without it.
    let warnings = model.describe()?.warnings;
    let alpha = alpha(adapter);
    let parts = parts(&model, adapter, alpha)?;
    let metadata = metadata(request, &source, &model, alpha);
    let spec = |part: &Part| GgufTensorSpec {
        name: part.name.clone(),
        kind: kind.into(),
        shape: part.shape.clone(),
    };
    let specs: Vec<GgufTensorSpec> = parts.iter().map(spec).collect();
    create_parent(request.out)?;
    write_gguf::<ExportError>(request.out, &metadata, &specs, |index, bytes| {
        control.step(index, specs.len())?;
        check_range(&parts[index].name, &parts[index].values, kind)?;
        kind.encode(&parts[index].values, bytes);
        Ok(())
    })?;
    control.step(specs.len(), specs.len())?;
    Ok(Exported {
        format: FORMAT.id,
        path: request.out.to_path_buf(),
        bytes: file_size(request.out)?,
        tensors: specs.len(),
        fallbacks: Vec::new(),
        warnings,
    })
}

/// Whether a file holds an adapter alone.
pub(crate) fn is_adapter(path: &Path) -> bool {
    let file = GgufFile::open(path);
    file.is_ok_and(|file| file.get("general.type").and_then(GgufValue::as_str) == Some("adapter"))
}

/// The type of a file's factors, where they all have the same.
pub(crate) fn file_quantization(path: &Path) -> Result<Option<Quantization>, ExportError> {
    let file = GgufFile::open(path)?;
    let is = |quantization: &Quantization| {
        let kind = quantization.dtype().map(GgmlType::from);
        file.tensors()
            .iter()
            .all(|tensor| file.tensor(&tensor.name).is_ok_and(|view| Some(view.kind) == kind))
    };
    Ok([Quantization::F32, Quantization::F16].into_iter().find(is))
}

/// What llama.cpp makes of a file, as an adapter of the trained one's shape: factors in the order of the trained ones, and
/// the file's scale (`alpha / rank`) folded into B where it is not the trained adapter's.
///
/// # Errors
/// A file that cannot be read, or whose tensors are not those of the trained adapter's modules.
pub(crate) fn read(path: &Path, config: &ModelConfig, trained: &Adapter) -> Result<Adapter, ExportError> {
    let wrong = |detail: String| ExportError::Request(format!("{}: {detail}", path.display()));
    let file = GgufFile::open(path)?;
    let alpha = file.get("adapter.lora.alpha").and_then(GgufValue::as_f64);
    let alpha = alpha.ok_or_else(|| wrong("it has no adapter.lora.alpha".to_string()))?;
    let model = Model::of(config)?;
    let modules = trained.modules();
    if file.tensors().len() != 2 * modules.len() {
        let (found, count) = (file.tensors().len(), modules.len());
        return Err(wrong(format!("it holds {found} tensors for the {count} modules of the adapter")));
    }
    let mut tensors = trained.tensors.clone();
    for module in modules {
        let rank = trained.config.rank_of(module);
        let placement = model.placement(&format!("{module}.weight"))?;
        let placement = placement.ok_or_else(|| wrong(format!("the model's file has no {module}")))?;
        let ratio = alpha / rank as f64 / trained.config.scale_of(module);
        for (factor, end) in [("A", "a"), ("B", "b")] {
            let view = file.tensor(&format!("{}.lora_{end}", placement.name))?;
            let key = format!("{module}.lora_{factor}.weight");
            let tensor = tensors.get_mut(&key).filter(|tensor| tensor.shape == view.shape);
            let tensor = tensor.ok_or_else(|| wrong(format!("{} has another shape", view.name)))?;
            tensor.values = view.to_f32();
            if factor == "A" {
                continue;
            }
            if let Some(head) = placement.interleaved_head {
                tensor.values = deinterleave(&tensor.values, rank, head);
            }
            // Whether it is 1 is not left to rounding.
            if (ratio - 1.0).abs() > 1e-6 {
                tensor.values.iter_mut().for_each(|value| *value = (f64::from(*value) * ratio) as f32);
            }
        }
    }
    Ok(Adapter { config: trained.config.clone(), tensors })
}

/// The alpha of the file: that of most modules, `alpha · √r` where it is divided by `√r` alone. llama.cpp takes 0 for "not
/// scaled", so an adapter without effect has 1, and zeros in its `lora_b`.
fn alpha(adapter: &Adapter) -> f64 {
    let config = &adapter.config;
    let alpha =
        if config.use_rslora { config.lora_alpha * (config.r as f64).sqrt() } else { config.lora_alpha };
    if alpha == 0.0 { 1.0 } else { alpha }
}

fn parts(model: &Model, adapter: &Adapter, alpha: f64) -> Result<Vec<Part>, ExportError> {
    let mut parts = Vec::new();
    for module in adapter.modules() {
        let mismatch = |detail: &str| {
            ExportError::from(AdapterError::Mismatch {
                module: module.to_string(),
                detail: detail.to_string(),
            })
        };
        let pair = adapter.pair(module).ok_or_else(|| mismatch("its tensors make no pair"))?;
        let placement = model.placement(&format!("{module}.weight"))?;
        let placement = placement.ok_or_else(|| mismatch("the model's file has no such tensor"))?;
        let mut b = pair.b.to_vec();
        if let Some(head) = placement.interleaved_head {
            b = interleave(&b, pair.rank, head);
        }
        let ratio = adapter.config.scale_of(module) * pair.rank as f64 / alpha;
        // Whether it is 1 is not left to rounding.
        if (ratio - 1.0).abs() > 1e-12 {
            b.iter_mut().for_each(|value| *value = (f64::from(*value) * ratio) as f32);
        }
        let name = |end: &str| format!("{}.lora_{end}", placement.name);
        parts.push(Part {
            name: name("a"),
            shape: vec![pair.rank, pair.in_features],
            values: pair.a.to_vec(),
        });
        parts.push(Part { name: name("b"), shape: vec![pair.out_features, pair.rank], values: b });
    }
    Ok(parts)
}

fn metadata(request: &Request, source: &Source, model: &Model, alpha: f64) -> Metadata {
    let mut metadata: Metadata = vec![
        ("general.architecture".to_string(), model.family.architecture.into()),
        ("general.type".to_string(), "adapter".into()),
        ("adapter.type".to_string(), "lora".into()),
        ("adapter.lora.alpha".to_string(), (alpha as f32).into()),
        ("general.name".to_string(), name_of(request).into()),
        ("general.quantization_version".to_string(), QUANTIZATION_VERSION.into()),
    ];
    metadata.extend(lineage(source, request.provenance));
    metadata
}
