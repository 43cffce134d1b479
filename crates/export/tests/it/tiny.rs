//! A model and an adapter small enough to write in a test.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use engine::adapters::peft::{Adapter, AdapterConfig, AdapterTensor, TargetModules};
use engine::weights::{DType, TensorSpec, WeightsError, write_safetensors};
use export::{Control, ExportError, Exported, Format, Quantization, Request};
use serde_json::{Value, json};

pub const TEMPLATE: &str =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}";
const ROWS: usize = 8;

/// Two layers of 32, four heads and two key-value heads of 8, feed-forward 48 (no whole number of blocks).
pub fn config() -> Value {
    json!({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 32, "intermediate_size": 48,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": ROWS,
        "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": true,
        "torch_dtype": "bfloat16", "eos_token_id": 4,
    })
}

pub fn tokenizer() -> Value {
    let split = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [{"id": 4, "content": "<|im_end|>", "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true}],
        "normalizer": null,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": split}, "behavior": "Isolated", "invert": false},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}]},
        "post_processor": null, "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3}, "merges": [["a", "b"]]},
    })
}

fn values(seed: usize, count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.5 - 1.0).collect()
}

/// Writes the model folder; weights in bf16, norms in f32.
pub fn write_model(dir: &Path) -> PathBuf {
    let model = dir.join("tiny");
    fs::create_dir_all(&model).expect("created");
    let mut specs = Vec::new();
    let mut add =
        |name: String, dtype, shape: &[usize]| specs.push(TensorSpec { name, dtype, shape: shape.into() });
    add("model.embed_tokens.weight".into(), DType::BF16, &[ROWS, 32]);
    add("model.norm.weight".into(), DType::F32, &[32]);
    for layer in 0..2 {
        let name = |part: &str| format!("model.layers.{layer}.{part}.weight");
        add(name("input_layernorm"), DType::F32, &[32]);
        add(name("post_attention_layernorm"), DType::F32, &[32]);
        let weights: [(&str, [usize; 2]); 7] = [
            ("self_attn.q_proj", [32, 32]),
            ("self_attn.k_proj", [16, 32]),
            ("self_attn.v_proj", [16, 32]),
            ("self_attn.o_proj", [32, 32]),
            ("mlp.gate_proj", [48, 32]),
            ("mlp.up_proj", [48, 32]),
            ("mlp.down_proj", [32, 48]),
        ];
        weights.iter().for_each(|(part, shape)| add(name(part), DType::BF16, shape));
    }
    let path = model.join("model.safetensors");
    write_safetensors::<WeightsError>(&path, &[("format", "pt")], &specs, |index, bytes| {
        let spec = &specs[index];
        spec.dtype.encode(&values(index, spec.shape.iter().product()), bytes);
        Ok(())
    })
    .expect("written");
    let files = [
        ("config.json", config().to_string()),
        ("tokenizer.json", tokenizer().to_string()),
        ("tokenizer_config.json", json!({"eos_token": "<|im_end|>", "chat_template": TEMPLATE}).to_string()),
        ("generation_config.json", json!({"eos_token_id": [4]}).to_string()),
    ];
    files.iter().for_each(|(name, text)| fs::write(model.join(name), text).expect("written"));
    model
}

/// An adapter of rank 2, alpha 4 on a q and a down projection.
pub fn adapter() -> Adapter {
    let tensor = |seed, shape: &[usize]| AdapterTensor {
        shape: shape.to_vec(),
        values: values(seed, shape.iter().product()),
    };
    let mut config =
        AdapterConfig::new(2, 4.0, TargetModules::Names(vec!["q_proj".into(), "down_proj".into()]));
    config.base_model_name_or_path = Some("someone/tiny".into());
    let tensors = BTreeMap::from([
        ("model.layers.0.self_attn.q_proj.lora_A.weight".to_string(), tensor(1, &[2, 32])),
        ("model.layers.0.self_attn.q_proj.lora_B.weight".to_string(), tensor(2, &[32, 2])),
        ("model.layers.1.mlp.down_proj.lora_A.weight".to_string(), tensor(3, &[2, 48])),
        ("model.layers.1.mlp.down_proj.lora_B.weight".to_string(), tensor(4, &[32, 2])),
    ]);
    Adapter { config, tensors }
}

pub fn write_adapter(dir: &Path) -> PathBuf {
    let path = dir.join("adapter");
    adapter().write(&path).expect("written");
    path
}

/// Runs an exporter that is neither watched nor stopped.
pub fn export(
    format: &Format,
    model: &Path,
    adapter: Option<&Path>,
    quantization: Option<Quantization>,
    out: &Path,
) -> Result<Exported, ExportError> {
    let control = Control { cancel: &AtomicBool::new(false), progress: &|_| {} };
    (format.export)(&Request { model, adapter, quantization, name: None, provenance: None, out }, &control)
}
