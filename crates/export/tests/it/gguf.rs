//! GGUF files, against llama.cpp's own where they are at hand.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use engine::weights::SafetensorsDir;
use engine::weights::gguf::{GgufFile, GgufValue};
use export::{Control, Fallback, Provenance, Quantization, Request, format};
use serde_json::json;

use crate::tiny;

fn text<'a>(file: &'a GgufFile, key: &str) -> Option<&'a str> {
    file.get(key).and_then(GgufValue::as_str)
}

#[test]
fn the_file_holds_model_tokenizer_and_template() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = tiny::write_model(folder.path());
    let adapter = tiny::write_adapter(folder.path());
    let out = folder.path().join("model.gguf");
    let format = format("gguf").expect("in the registry");
    tiny::export(format, &model, Some(&adapter), Some(Quantization::F32), &out).expect("exported");
    let file = GgufFile::open(&out).expect("opened");
    assert_eq!(text(&file, "general.architecture"), Some("llama"));
    assert_eq!(text(&file, "tokenizer.ggml.model"), Some("gpt2"));
    assert_eq!(text(&file, "tokenizer.ggml.pre"), Some("qwen2"));
    assert_eq!(text(&file, "tokenizer.chat_template"), Some(tiny::TEMPLATE));
    assert_eq!(text(&file, "general.base_model.0.organization"), Some("someone"));
    assert_eq!(file.get("tokenizer.ggml.eos_token_id").and_then(GgufValue::as_u64), Some(4));
    assert_eq!(file.get("tokenizer.ggml.add_bos_token").and_then(GgufValue::as_bool), Some(false));
    assert_eq!(file.get("llama.attention.key_length").and_then(GgufValue::as_u64), Some(8));
    assert_eq!(
        file.get("tokenizer.ggml.tokens").and_then(GgufValue::as_strings).map(<[String]>::len),
        Some(8)
    );
    assert_eq!(file.tensors().len(), 2 + 2 * 9);
    let merged_folder = folder.path().join("merged");
    let merged = export::format("merged").expect("in the registry");
    tiny::export(merged, &model, Some(&adapter), Some(Quantization::F32), &merged_folder).expect("exported");
    let merged = SafetensorsDir::open(&merged_folder).expect("opened");
    let down = merged.tensor("model.layers.1.mlp.down_proj.weight").expect("there").to_f32();
    assert_eq!(file.tensor("blk.1.ffn_down.weight").expect("there").to_f32(), down);
    // Four heads of eight: row 1 of the file is row 4 of the model.
    let q = merged.tensor("model.layers.0.self_attn.q_proj.weight").expect("there").to_f32();
    assert_eq!(file.tensor("blk.0.attn_q.weight").expect("there").to_f32()[32..64], q[4 * 32..5 * 32]);
}

#[test]
fn rows_that_are_no_whole_blocks_fall_back_and_are_listed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = tiny::write_model(folder.path());
    let out = folder.path().join("model.gguf");
    let write = |quantization| {
        let exported = tiny::export(format("gguf").expect("there"), &model, None, Some(quantization), &out);
        (exported.expect("exported"), GgufFile::open(&out).expect("opened"))
    };
    let kind = |file: &GgufFile, name: &str| file.tensor(name).expect("there").kind.name();
    let (exported, file) = write(Quantization::Q8_0);
    assert_eq!(kind(&file, "blk.0.attn_norm.weight"), "F32");
    assert_eq!(kind(&file, "blk.0.ffn_down.weight"), "F16");
    assert_eq!(kind(&file, "blk.0.ffn_up.weight"), "Q8_0");
    assert_eq!(file.get("general.file_type").and_then(GgufValue::as_u64), Some(7));
    let down =
        |layer| Fallback { tensor: format!("blk.{layer}.ffn_down.weight"), wanted: "Q8_0", used: "F16" };
    assert_eq!(exported.fallbacks, [down(0), down(1)]);
    let (exported, file) = write(Quantization::Q4_K_M);
    assert_eq!(kind(&file, "token_embd.weight"), "Q8_0");
    assert_eq!(kind(&file, "blk.0.ffn_up.weight"), "Q5_0");
    assert_eq!(kind(&file, "blk.0.ffn_down.weight"), "F16");
    assert_eq!(exported.fallbacks.len(), 15);
}

#[test]
fn what_the_adapter_was_trained_on_is_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (model, adapter) = (tiny::write_model(folder.path()), tiny::write_adapter(folder.path()));
    let provenance = Provenance {
        run_id: Some("run-7".into()),
        dataset_name: Some("handbook".into()),
        dataset_sha256: Some("ab".repeat(32)),
        adapter_sha256: None,
    };
    let control = Control { cancel: &AtomicBool::new(false), progress: &|_| {} };
    for id in ["gguf", "gguf-adapter", "peft"] {
        let out = folder.path().join(id);
        let request = Request {
            model: &model,
            adapter: Some(&adapter),
            quantization: None,
            name: None,
            provenance: Some(&provenance),
            out: &out,
        };
        (format(id).expect("there").export)(&request, &control).expect(id);
        if id == "peft" {
            let card = std::fs::read_to_string(out.join("README.md")).expect("read");
            assert!(card.contains("handbook") && card.contains(&"ab".repeat(32)), "{card}");
            continue;
        }
        let file = GgufFile::open(&out).expect("opened");
        assert_eq!(text(&file, "general.dataset.0.name"), Some("handbook"));
        assert_eq!(text(&file, "finetuneflow.run_id"), Some("run-7"));
        assert_eq!(text(&file, "finetuneflow.dataset_sha256"), Some("ab".repeat(32).as_str()));
        assert_eq!(file.get("finetuneflow.adapter_sha256"), None);
    }
}

#[test]
fn models_that_llama_cpp_would_compute_otherwise_are_refused() {
    let cases = [
        ("model_type", json!("mamba")),
        ("rope_scaling", json!({"rope_type": "yarn", "factor": 4.0})),
        ("hidden_act", json!("gelu")),
        ("vocab_size", json!(3)),
    ];
    for (field, value) in cases {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let model = tiny::write_model(folder.path());
        let mut config = tiny::config();
        config[field] = value;
        std::fs::write(model.join("config.json"), config.to_string()).expect("written");
        let out = folder.path().join("model.gguf");
        let error = tiny::export(format("gguf").expect("there"), &model, None, None, &out).expect_err(field);
        assert!(error.to_string().contains(field), "{error}");
        assert!(!out.exists());
    }
}

#[test]
fn files_equal_those_of_llama_cpp() {
    let Some(root) = std::env::var_os("FTF_TESTDATA") else {
        eprintln!("skipped: FTF_TESTDATA is not set");
        return;
    };
    let weights = Path::new(&root).join("weights");
    let folder = tempfile::tempdir().expect("a temporary folder");
    for quantization in [Quantization::F32, Quantization::F16, Quantization::Q8_0] {
        let out = folder.path().join("ours.gguf");
        let model = weights.join("stories260K-hf");
        tiny::export(format("gguf").expect("there"), &model, None, Some(quantization), &out)
            .expect("exported");
        let ours = GgufFile::open(&out).expect("ours");
        let name = format!("gguf/stories260K-{}.gguf", quantization.id());
        let theirs = GgufFile::open(&weights.join(name)).expect("theirs");
        assert_eq!(ours.tensors().len(), theirs.tensors().len());
        for info in theirs.tensors() {
            let (a, b) = (ours.tensor(&info.name).expect("ours"), theirs.tensor(&info.name).expect("theirs"));
            assert_eq!((a.kind, a.shape), (b.kind, b.shape), "{}", info.name);
            assert!(a.bytes == b.bytes, "{} differs", info.name);
        }
        for (key, value) in theirs.metadata() {
            let free = ["general.name", "general.size_label", "tokenizer.ggml.add_sep_token"]
                .contains(&key.as_str());
            assert!(free || ours.get(key) == Some(value), "{key}: {:?}, theirs {value:?}", ours.get(key));
        }
    }
}

/// `peft` 0.21's adapters on the same model, as llama.cpp's `convert_lora_to_gguf.py` writes them.
#[test]
fn adapters_equal_those_of_llama_cpp() {
    let Some(root) = std::env::var_os("FTF_TESTDATA") else {
        eprintln!("skipped: FTF_TESTDATA is not set");
        return;
    };
    let weights = Path::new(&root).join("weights");
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["lora_qv_r4", "lora_all_r8"] {
        let out = folder.path().join("ours.gguf");
        let (model, adapter) =
            (weights.join("stories260K-hf"), weights.join("peft").join(name).join("final"));
        tiny::export(format("gguf-adapter").expect("there"), &model, Some(&adapter), None, &out)
            .expect("exported");
        let ours = GgufFile::open(&out).expect("ours");
        let theirs = GgufFile::open(&weights.join(format!("gguf/{name}-adapter-f32.gguf"))).expect("theirs");
        assert_eq!(ours.tensors().len(), theirs.tensors().len());
        for info in theirs.tensors() {
            let (a, b) = (ours.tensor(&info.name).expect("ours"), theirs.tensor(&info.name).expect("theirs"));
            assert_eq!((a.kind, a.shape), (b.kind, b.shape), "{}", info.name);
            assert!(a.bytes == b.bytes, "{} differs", info.name);
        }
        for key in ["general.architecture", "general.type", "adapter.type", "adapter.lora.alpha"] {
            assert_eq!(ours.get(key), theirs.get(key));
        }
    }
}
