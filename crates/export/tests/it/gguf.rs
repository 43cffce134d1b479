//! GGUF files, against llama.cpp's own where they are at hand.

use std::path::Path;

use engine::weights::SafetensorsDir;
use engine::weights::gguf::{GgufFile, GgufValue};
use export::{Quantization, format};
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
fn quantised_files_use_f16_where_blocks_do_not_fit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = tiny::write_model(folder.path());
    let out = folder.path().join("model.gguf");
    tiny::export(format("gguf").expect("there"), &model, None, Some(Quantization::Q8_0), &out)
        .expect("exported");
    let file = GgufFile::open(&out).expect("opened");
    let kind = |name: &str| file.tensor(name).expect("there").kind.name();
    assert_eq!(kind("blk.0.attn_norm.weight"), "F32");
    assert_eq!(kind("blk.0.ffn_down.weight"), "F16");
    assert_eq!(kind("blk.0.ffn_up.weight"), "Q8_0");
    assert_eq!(file.get("general.file_type").and_then(GgufValue::as_u64), Some(7));
}

#[test]
fn models_that_llama_cpp_would_compute_otherwise_are_refused() {
    let cases = [
        ("model_type", json!("mamba")),
        ("rope_scaling", json!({"rope_type": "yarn", "factor": 4.0})),
        ("hidden_act", json!("gelu")),
        ("attention_bias", json!(true)),
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
