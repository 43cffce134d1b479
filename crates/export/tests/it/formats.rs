//! Every format of the registry, and the folders.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::adapters::peft::Adapter;
use engine::weights::{DType, ModelConfig, SafetensorsDir};
use export::{Control, ExportError, FORMATS, FileKind, Format, Quantization, Request, format};

use crate::tiny;

fn named(id: &str) -> &'static Format {
    format(id).expect("in the registry")
}

#[test]
fn every_format_writes_what_it_says_and_counts_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (model, adapter) = (tiny::write_model(folder.path()), tiny::write_adapter(folder.path()));
    let mut ids = Vec::new();
    for format in FORMATS {
        ids.push(format.id);
        let choices: Vec<Option<Quantization>> =
            std::iter::once(None).chain(format.quantizations.iter().copied().map(Some)).collect();
        for quantization in choices {
            let out = folder.path().join(format!("out/{}-{quantization:?}", format.id));
            let exported = tiny::export(format, &model, Some(&adapter), quantization, &out).expect(format.id);
            assert_eq!(out.is_dir(), format.kind == FileKind::Folder);
            assert_eq!((exported.format, &exported.path), (format.id, &out));
            assert!(exported.tensors > 0);
            assert_eq!(exported.bytes, size(&out), "{}", format.id);
        }
    }
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count, "ids are unique");
}

fn size(path: &Path) -> u64 {
    if path.is_file() {
        return fs::metadata(path).expect("there").len();
    }
    fs::read_dir(path).expect("listed").flatten().map(|entry| size(&entry.path())).sum()
}

#[test]
fn every_format_stops_when_it_is_asked_to_and_leaves_no_weights() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (model, adapter) = (tiny::write_model(folder.path()), tiny::write_adapter(folder.path()));
    for format in FORMATS {
        let out = folder.path().join("stopped").join(format.id);
        let cancel = AtomicBool::new(format.needs_adapter);
        let steps = Cell::new(0);
        let progress = |_| {
            steps.set(steps.get() + 1);
            cancel.store(steps.get() == 2, Ordering::Relaxed);
        };
        let control = Control { cancel: &cancel, progress: &progress };
        let request = Request {
            model: &model,
            adapter: Some(&adapter),
            quantization: None,
            name: None,
            provenance: None,
            out: &out,
        };
        let stopped = (format.export)(&request, &control);
        assert!(matches!(stopped, Err(ExportError::Cancelled)), "{}", format.id);
        let left = if out.is_dir() {
            fs::read_dir(&out).expect("listed").count()
        } else {
            usize::from(out.exists())
        };
        assert_eq!(left, 0, "{}", format.id);
    }
    let partial = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().contains("partial");
    let stopped = folder.path().join("stopped");
    assert!(!fs::read_dir(stopped).into_iter().flatten().flatten().any(|entry| partial(&entry)));
}

#[test]
fn merged_weights_are_base_plus_scaled_product_and_the_rest_is_untouched() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (model, path) = (tiny::write_model(folder.path()), tiny::write_adapter(folder.path()));
    let out = folder.path().join("merged");
    tiny::export(named("merged"), &model, Some(&path), Some(Quantization::F32), &out).expect("exported");
    let (base, merged) =
        (SafetensorsDir::open(&model).expect("base"), SafetensorsDir::open(&out).expect("merged"));
    assert!(base.names().eq(merged.names()));
    let adapter = tiny::adapter();
    for name in base.names() {
        let mut expected = base.tensor(name).expect("there").to_f32();
        let module = name.trim_end_matches(".weight");
        if let Some(pair) = adapter.pair(module) {
            for (index, value) in expected.iter_mut().enumerate() {
                let (row, column) = (index / pair.in_features, index % pair.in_features);
                let product: f32 =
                    (0..2).map(|k| pair.b[row * 2 + k] * pair.a[k * pair.in_features + column]).sum();
                *value += 2.0 * product;
            }
        }
        let found = merged.tensor(name).expect("there").to_f32();
        let worst = expected.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= 1e-6, "{name}: {worst}");
    }
    assert_eq!(ModelConfig::open(&out).expect("config").torch_dtype.as_deref(), Some("float32"));
    for name in ["tokenizer.json", "tokenizer_config.json", "generation_config.json"] {
        assert_eq!(fs::read(model.join(name)).expect("read"), fs::read(out.join(name)).expect("read"));
    }
}

#[test]
fn merged_keeps_the_types_of_the_base_unless_asked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = tiny::write_model(folder.path());
    let out = folder.path().join("merged");
    tiny::export(named("merged"), &model, None, None, &out).expect("exported");
    assert!(
        fs::read(model.join("model.safetensors")).expect("read")
            == fs::read(out.join("model.safetensors")).expect("read")
    );
    tiny::export(named("merged"), &model, None, Some(Quantization::F16), &out).expect("over the first");
    let again = SafetensorsDir::open(&out).expect("opened");
    assert!(again.names().all(|name| again.tensor(name).expect("there").dtype == DType::F16));
}

#[test]
fn the_adapter_comes_through_unchanged() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (model, adapter) = (tiny::write_model(folder.path()), tiny::write_adapter(folder.path()));
    let out = folder.path().join("peft");
    tiny::export(named("peft"), &model, Some(&adapter), None, &out).expect("exported");
    assert_eq!(Adapter::read(&out).expect("read"), tiny::adapter());
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (model, adapter) = (tiny::write_model(folder.path()), tiny::write_adapter(folder.path()));
    let out = folder.path().join("out");
    let refused = |id: &str, model: &Path, adapter: Option<&Path>, quantization, out: &Path| {
        tiny::export(named(id), model, adapter, quantization, out).expect_err("refused").to_string()
    };
    assert!(refused("peft", &model, None, None, &out).contains("adapter"));
    assert!(refused("peft", &model, Some(&adapter), None, &adapter).contains("another folder"));
    assert!(refused("merged", &model, None, None, &model).contains("another folder"));
    assert!(refused("merged", &model, None, Some(Quantization::Q8_0), &out).contains("q8_0"));
    assert!(refused("gguf", &model, None, None, folder.path()).contains("is a folder"));
    assert!(refused("gguf", &folder.path().join("gone"), None, None, &out).contains("does not exist"));
    let mut other = tiny::adapter();
    let module = "model.layers.9.self_attn.q_proj";
    for part in ["lora_A.weight", "lora_B.weight"] {
        let tensor = other.tensors[&format!("model.layers.0.self_attn.q_proj.{part}")].clone();
        other.tensors.insert(format!("{module}.{part}"), tensor);
    }
    let path = folder.path().join("other");
    other.write(&path).expect("written");
    for format in FORMATS {
        let message = refused(format.id, &model, Some(&path), None, &out);
        assert!(message.contains(module), "{message}");
    }
}

#[test]
fn values_beyond_f16_are_refused_not_made_infinite() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = tiny::write_model(folder.path());
    let mut large = tiny::adapter();
    large.tensors.values_mut().for_each(|tensor| tensor.values.iter_mut().for_each(|value| *value *= 1e4));
    let path = folder.path().join("large");
    large.write(&path).expect("written");
    for id in ["merged", "gguf"] {
        let out = folder.path().join(id);
        let error = tiny::export(named(id), &model, Some(&path), Some(Quantization::F16), &out);
        assert!(error.expect_err("refused").to_string().contains("choose bf16 or f32"));
        tiny::export(named(id), &model, Some(&path), Some(Quantization::BF16), &out).expect("fits");
    }
}

#[test]
fn large_models_are_split_and_read_as_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (model, adapter) = (tiny::write_model(folder.path()), tiny::write_adapter(folder.path()));
    let control = Control { cancel: &AtomicBool::new(false), progress: &|_| {} };
    let write = |out: &Path, limit: u64| {
        let request = Request {
            model: &model,
            adapter: Some(&adapter),
            quantization: None,
            name: None,
            provenance: None,
            out,
        };
        export::merged::export_in_shards(&request, &control, limit).expect("exported")
    };
    let (whole, split) = (folder.path().join("whole"), folder.path().join("split"));
    write(&whole, u64::MAX);
    // The same folder twice: what an earlier export left does not stay.
    write(&split, u64::MAX);
    let exported = write(&split, 8000);
    assert_eq!(exported.bytes, size(&split));
    assert!(!split.join("model.safetensors").exists());
    let shards: Vec<u64> = fs::read_dir(&split)
        .expect("read")
        .map(|entry| entry.expect("read").path())
        .filter(|path| path.to_string_lossy().ends_with(".safetensors"))
        .map(|path| fs::metadata(path).expect("there").len())
        .collect();
    assert!(shards.len() > 3, "{shards:?}");
    // Headers come on top of the tensors.
    assert!(shards.iter().all(|bytes| *bytes < 10_000), "{shards:?}");
    let (a, b) =
        (SafetensorsDir::open(&whole).expect("opened"), SafetensorsDir::open(&split).expect("opened"));
    assert!(a.names().eq(b.names()));
    for name in a.names() {
        assert_eq!(a.tensor(name).expect("there").bytes, b.tensor(name).expect("there").bytes, "{name}");
    }
    write(&split, u64::MAX);
    assert_eq!(fs::read_dir(&split).expect("read").count(), fs::read_dir(&whole).expect("read").count());
}
