//! Formats on every model family: the engine's random models with PEFT adapters.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::adapters::peft::Adapter;
use engine::device::Precision;
use engine::device::cpu::CpuDevice;
use engine::generation::score;
use engine::models::adapt;
use engine::models::load::{self, Base};
use engine::weights::{ModelConfig, SafetensorsDir};
use export::{Quantization, format};

use crate::tiny;

fn fixtures(of: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/fixtures").join(of);
    std::fs::read_dir(root).expect("fixtures").map(|entry| entry.expect("listed").path()).collect()
}

/// Models and adapters on them: each family with plain LoRA, and each adapter method.
fn adapted() -> Vec<[PathBuf; 2]> {
    let method = |dir: PathBuf| {
        let golden = std::fs::read(dir.join("golden.json")).expect("read");
        let golden: serde_json::Value = serde_json::from_slice(&golden).expect("JSON");
        let family = golden["family"].as_str().expect("named");
        [dir.join("../../families").join(family), dir.join("adapter")]
    };
    let families = fixtures("families").into_iter().map(|dir| [dir.clone(), dir.join("adapter")]);
    families.chain(fixtures("methods").into_iter().map(method)).collect()
}

/// Logits after the last of some tokens.
fn logits(model: &Path, adapter: Option<&Path>) -> Vec<f32> {
    let device = Arc::new(CpuDevice::new(1));
    let mut decoder = load::load(model, device, Precision::F32, Base::Frozen).expect("loaded");
    if let Some(adapter) = adapter {
        adapt::attach_adapter(&mut decoder, &Adapter::read(adapter).expect("read"), false).expect("fits");
    }
    score(&decoder, &(3..27).map(|i| i * 5 % 128).collect::<Vec<u32>>()).expect("scored").0
}

#[test]
fn a_merged_model_computes_what_base_and_adapter_do() {
    for [model, adapter] in adapted() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let out = folder.path().join("merged");
        let merged = format("merged").expect("there");
        tiny::export(merged, &model, Some(&adapter), Some(Quantization::F32), &out).expect("exported");
        let (want, found) = (logits(&model, Some(&adapter)), logits(&out, None));
        let largest = want.iter().fold(0f32, |a, b| a.max(b.abs()));
        let worst = want.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-5 * largest, "{}: {worst} of {largest}", adapter.display());
        let (base, merged) =
            (SafetensorsDir::open(&model).expect("base"), SafetensorsDir::open(&out).expect("merged"));
        assert!(base.names().eq(merged.names()), "{}", model.display());
        assert!(base.names().all(|name| base.shape(name) == merged.shape(name)), "{}", model.display());
    }
}

#[test]
fn gguf_refuses_other_families_by_name() {
    for model in fixtures("families") {
        let config = ModelConfig::open(&model).expect("read");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let out = folder.path().join("model.gguf");
        let error = tiny::export(format("gguf").expect("there"), &model, None, None, &out);
        let message = error.expect_err("refused").to_string();
        let named = match config.model_type.as_str() {
            "llama" => "rope_scaling",
            other => other,
        };
        assert!(message.contains(named), "{}: {message}", model.display());
        assert!(!out.exists());
    }
}
