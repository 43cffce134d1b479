//! The adapter alone as a GGUF file, which llama.cpp and Ollama load beside a GGUF of its base.
//!
//! llama.cpp adds `alpha / rank · B · A`, with one alpha for all modules: other alphas, and rsLoRA's scale, are folded into it
//! or into `lora_b`. Format: <https://github.com/ggml-org/llama.cpp/blob/master/convert_lora_to_gguf.py>.

use engine::adapters::peft::{Adapter, AdapterError};
use engine::weights::DType;
use engine::weights::gguf::{GgufTensorSpec, write_gguf};

use crate::gguf::families::Model;
use crate::gguf::{Metadata, QUANTIZATION_VERSION, interleave, lineage, name_of, refuse_folder};
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
