//! Formats on every model family: the engine's random models with PEFT adapters.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::adapters::peft::Adapter;
use engine::device::Precision;
use engine::device::cpu::CpuDevice;
use engine::generation::score;
use engine::models::adapt;
use engine::models::load::{self, Base};
use engine::quantization::ggml_blocks::GgmlType;
use engine::weights::gguf::{GgufFile, GgufValue};
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

/// Logits after the last of so many tokens.
fn logits(model: &Path, adapter: Option<&Path>, count: usize) -> Vec<f32> {
    let device = Arc::new(CpuDevice::new(1));
    let mut decoder = load::load(model, device, Precision::F32, Base::Frozen).expect("loaded");
    if let Some(adapter) = adapter {
        adapt::attach_adapter(&mut decoder, &Adapter::read(adapter).expect("read"), false).expect("fits");
    }
    score(&decoder, &(3..27).map(|i| i * 5 % 128).take(count).collect::<Vec<u32>>()).expect("scored").0
}

#[test]
fn a_merged_model_computes_what_base_and_adapter_do() {
    for [model, adapter] in adapted() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let out = folder.path().join("merged");
        let merged = format("merged").expect("there");
        tiny::export(merged, &model, Some(&adapter), Some(Quantization::F32), &out).expect("exported");
        let (want, found) = (logits(&model, Some(&adapter), 24), logits(&out, None, 24));
        assert!(off(&want, &found) < 1e-5, "{}: {}", adapter.display(), off(&want, &found));
        let (base, merged) =
            (SafetensorsDir::open(&model).expect("base"), SafetensorsDir::open(&out).expect("merged"));
        assert!(base.names().eq(merged.names()), "{}", model.display());
        assert!(base.names().all(|name| base.shape(name) == merged.shape(name)), "{}", model.display());
    }
}

/// A family's model with the small tokenizer, and scores scaled by the size of heads, as llama.cpp scales them.
fn with_tokenizer(model: &Path, folder: &Path) -> PathBuf {
    let copy = folder.join("model");
    std::fs::create_dir_all(&copy).expect("created");
    std::fs::copy(model.join("model.safetensors"), copy.join("model.safetensors")).expect("copied");
    let mut config = ModelConfig::open(model).expect("read").raw;
    if config.get("query_pre_attn_scalar").is_some() {
        config["query_pre_attn_scalar"] = config["head_dim"].clone();
    }
    std::fs::write(copy.join("config.json"), config.to_string()).expect("written");
    std::fs::write(copy.join("tokenizer.json"), tiny::tokenizer().to_string()).expect("written");
    copy
}

#[test]
fn gguf_holds_every_family_with_its_adapter() {
    for model in fixtures("families") {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (adapter, model) = (model.join("adapter"), with_tokenizer(&model, folder.path()));
        let (out, merged) = (folder.path().join("model.gguf"), folder.path().join("merged"));
        let gguf = format("gguf").expect("there");
        let exported =
            tiny::export(gguf, &model, Some(&adapter), Some(Quantization::F32), &out).expect("exported");
        let to_folder = format("merged").expect("there");
        tiny::export(to_folder, &model, Some(&adapter), Some(Quantization::F32), &merged).expect("exported");
        assert!(exported.warnings.iter().any(|warning| warning.message.contains("chat template")));
        let (file, merged) =
            (GgufFile::open(&out).expect("opened"), SafetensorsDir::open(&merged).expect("opened"));
        let config = ModelConfig::open(&model).expect("read");
        let value = |name: &str| merged.tensor(name).expect("there").to_f32();
        let offset = if config.model_type.starts_with("gemma") { 1.0 } else { 0.0 };
        let norm: Vec<f32> = value("model.norm.weight").iter().map(|w| w + offset).collect();
        assert_eq!(file.tensor("output_norm.weight").expect("there").to_f32(), norm, "{}", model.display());
        let down = value("model.layers.1.mlp.down_proj.weight");
        assert_eq!(
            file.tensor("blk.1.ffn_down.weight").expect("there").to_f32(),
            down,
            "{}",
            model.display()
        );
        let extra = file.tensors().iter().filter(|tensor| tensor.name.starts_with("rope_")).count();
        let head = usize::from(config.tie_word_embeddings && merged.contains("lm_head.weight"));
        assert_eq!(file.tensors().len() - extra, merged.names().count() - head, "{}", model.display());
    }
}

#[test]
fn gguf_refuses_scores_that_llama_cpp_scales_otherwise() {
    let mut refused = 0;
    for model in fixtures("families") {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let out = folder.path().join("model.gguf");
        let of_gemma = model.file_name().is_some_and(|name| name.to_string_lossy().starts_with("gemma"));
        if of_gemma {
            let error = tiny::export(format("gguf").expect("there"), &model, None, None, &out);
            let message = error.expect_err("refused").to_string();
            assert!(message.contains("query_pre_attn_scalar"), "{message}");
            refused += 1;
        }
    }
    assert_eq!(refused, 2);
}

#[test]
fn adapters_alone_are_scaled_as_llama_cpp_scales() {
    for [model, adapter] in adapted() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (model, out) = (with_tokenizer(&model, folder.path()), folder.path().join("adapter.gguf"));
        let to_adapter = format("gguf-adapter").expect("there");
        let exported = tiny::export(to_adapter, &model, Some(&adapter), None, &out);
        let adapter = Adapter::read(&adapter).expect("read");
        if adapter.config.use_dora {
            let message = exported.expect_err("refused").to_string();
            assert!(message.contains("DoRA") && message.contains("gguf"), "{message}");
            continue;
        }
        exported.expect("exported");
        let file = GgufFile::open(&out).expect("opened");
        assert_eq!(file.tensors().len(), adapter.tensors.len());
        let Some(GgufValue::F32(alpha)) = file.get("adapter.lora.alpha") else { panic!("no alpha") };
        for module in adapter.modules().into_iter().filter(|module| module.ends_with("down_proj")) {
            let pair = adapter.pair(module).expect("whole");
            let layer = module.split('.').nth(2).expect("of a layer");
            let tensor =
                |end: &str| file.tensor(&format!("blk.{layer}.ffn_down.weight.lora_{end}")).expect(end);
            assert_eq!(tensor("a").to_f32(), pair.a);
            let (rank, b) = (tensor("b").shape[1], tensor("b").to_f32());
            assert_eq!(rank, pair.rank);
            for (theirs, ours) in b.iter().zip(pair.b) {
                let (theirs, ours) = (theirs * alpha / rank as f32, ours * pair.scale);
                assert!((theirs - ours).abs() <= 1e-6 * ours.abs(), "{theirs} {ours}");
            }
        }
    }
}

/// How far `found` is from `want`, in parts of the largest value.
fn off(want: &[f32], found: &[f32]) -> f32 {
    let largest = want.iter().fold(0f32, |a, b| a.max(b.abs()));
    want.iter().zip(found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / largest
}

/// The file of a family, read again, computes what the model does; exported from there, the same tensors come out.
#[test]
fn a_gguf_file_is_a_model_again() {
    for model in fixtures("families") {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (adapter, model) = (model.join("adapter"), with_tokenizer(&model, folder.path()));
        let (first, second) = (folder.path().join("first.gguf"), folder.path().join("second.gguf"));
        let gguf = format("gguf").expect("there");
        tiny::export(gguf, &model, Some(&adapter), Some(Quantization::F32), &first).expect("exported");
        tiny::export(gguf, &first, None, Some(Quantization::F32), &second).expect("exported again");
        let (a, b) = (GgufFile::open(&first).expect("opened"), GgufFile::open(&second).expect("opened"));
        assert_eq!(a.tensors().len(), b.tensors().len());
        for tensor in a.tensors() {
            let (a, b) = (a.tensor(&tensor.name).expect("there"), b.tensor(&tensor.name).expect("there"));
            assert!(a.bytes == b.bytes, "{}: {}", model.display(), tensor.name);
        }
        let merged = folder.path().join("merged");
        tiny::export(format("merged").expect("there"), &first, None, None, &merged).expect("merged");
        // A file of a family whose windows llama.cpp does not have ends with the first window.
        let count = ModelConfig::open(&first).expect("read").max_position_embeddings.min(24);
        let (want, found) = (logits(&model, Some(&adapter), count), logits(&merged, None, count));
        assert!(off(&want, &found) < 1e-5, "{}: {}", model.display(), off(&want, &found));
    }
}

/// Weights in blocks of 256 values are read as what they stand for, alone and in a folder made of them.
#[test]
fn a_file_of_k_quants_is_a_base() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../base-model/model");
    let (file, merged) = (folder.path().join("base.gguf"), folder.path().join("merged"));
    tiny::export(format("gguf").expect("there"), &bundled, None, Some(Quantization::Q4_K_M), &file)
        .expect("exported");
    let tensors = GgufFile::open(&file).expect("opened").tensors().to_vec();
    for kind in [GgmlType::Q4_K, GgmlType::Q6_K] {
        assert!(tensors.iter().any(|tensor| tensor.type_id == kind.id()), "{kind:?}");
    }
    tiny::export(format("merged").expect("there"), &file, None, Some(Quantization::F32), &merged)
        .expect("merged");
    let (of_file, of_folder) = (logits(&file, None, 24), logits(&merged, None, 24));
    assert!(off(&of_folder, &of_file) < 1e-6, "{}", off(&of_folder, &of_file));
    let rounded = off(&logits(&bundled, None, 24), &of_file);
    assert!((1e-3..0.3).contains(&rounded), "4 bits are not f32, but not far: {rounded}");
}
