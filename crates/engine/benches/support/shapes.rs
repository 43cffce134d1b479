//! Models of real shape with random weights, and rows of realistic length.

use std::fs;
use std::path::Path;

use engine::models::{DecoderSpec, spec_of};
use engine::weights::{DType, ModelConfig, TensorSpec, WeightsError, write_safetensors};
use serde_json::{Value, json};

pub struct Shape {
    pub name: &'static str,
    model_type: &'static str,
    hidden: usize,
    intermediate: usize,
    layers: usize,
    heads: usize,
    key_value_heads: usize,
    vocabulary: usize,
}

/// SmolLM2-135M and Qwen2.5-0.5B, from their `config.json`.
pub const SHAPES: [Shape; 2] = [
    Shape {
        name: "135m",
        model_type: "llama",
        hidden: 576,
        intermediate: 1536,
        layers: 30,
        heads: 9,
        key_value_heads: 3,
        vocabulary: 49152,
    },
    Shape {
        name: "0.5b",
        model_type: "qwen2",
        hidden: 896,
        intermediate: 4864,
        layers: 24,
        heads: 14,
        key_value_heads: 2,
        vocabulary: 151_936,
    },
];

/// Tokens of a group of rows: short questions, ordinary answers, a few long ones.
const LENGTHS: [usize; 20] =
    [212, 87, 344, 156, 421, 98, 263, 640, 133, 305, 58, 488, 191, 240, 372, 119, 700, 165, 284, 76];
const GROUPS: usize = 2;
/// Tokens in a hundred that carry loss: the answers.
const SUPERVISED: usize = 57;

impl Shape {
    fn config(&self) -> Value {
        json!({
            "model_type": self.model_type, "hidden_size": self.hidden, "intermediate_size": self.intermediate,
            "num_hidden_layers": self.layers, "num_attention_heads": self.heads,
            "num_key_value_heads": self.key_value_heads, "vocab_size": self.vocabulary, "hidden_act": "silu",
            "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 100_000.0,
            "tie_word_embeddings": true, "torch_dtype": "bfloat16", "bos_token_id": 1, "eos_token_id": 2,
        })
    }

    /// A folder that trains: random bf16 weights, and the tokenizer of the bundled model (rows are ids already).
    pub fn write_model(&self, folder: &Path) {
        fs::create_dir_all(folder).expect("a folder");
        let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../base-model/model");
        for name in ["tokenizer.json", "tokenizer_config.json"] {
            fs::copy(bundled.join(name), folder.join(name)).expect("the bundled tokenizer");
        }
        fs::write(folder.join("config.json"), self.config().to_string()).expect("a file");
        let tensors = self.tensors(&self.spec(folder));
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        write_safetensors(&folder.join("model.safetensors"), &[], &tensors, |index, bytes| {
            let tensor = &tensors[index];
            let len: usize = tensor.shape.iter().product();
            let norm = tensor.name.ends_with("norm.weight");
            bytes.reserve(2 * len);
            for _ in 0..len {
                // xorshift64: what values these are matters to nobody, that they are not equal does.
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let value = if norm { 1.0 } else { ((state >> 40) as f32 / (1 << 24) as f32 - 0.5) * 0.06 };
                bytes.extend_from_slice(&((value.to_bits() >> 16) as u16).to_le_bytes());
            }
            Ok::<(), WeightsError>(())
        })
        .expect("weights");
    }

    fn spec(&self, folder: &Path) -> DecoderSpec {
        spec_of(&ModelConfig::open(folder).expect("a configuration")).expect("a supported family")
    }

    fn tensors(&self, spec: &DecoderSpec) -> Vec<TensorSpec> {
        let tensor =
            |name: String, shape: &[usize]| TensorSpec { name, dtype: DType::BF16, shape: shape.into() };
        let hidden = self.hidden;
        let mut tensors = vec![
            tensor("model.embed_tokens.weight".into(), &[self.vocabulary, hidden]),
            tensor("model.norm.weight".into(), &[hidden]),
        ];
        for layer in 0..self.layers {
            for norm in ["input_layernorm", "post_attention_layernorm"] {
                tensors.push(tensor(format!("model.layers.{layer}.{norm}.weight"), &[hidden]));
            }
            for &module in spec.modules() {
                let (path, shape) = (module.path(layer), spec.shape(module));
                tensors.push(tensor(format!("{path}.weight"), &shape));
                if spec.biased.contains(&module) {
                    tensors.push(tensor(format!("{path}.bias"), &shape[..1]));
                }
            }
        }
        tensors
    }

    pub fn write_rows(&self, file: &Path) {
        let lengths = (0..GROUPS).flat_map(|_| LENGTHS);
        let rows: Vec<String> = lengths
            .enumerate()
            .map(|(row, len)| {
                let ids: Vec<usize> = (0..len).map(|i| 3 + (row * 7919 + i * 104_729) % 4000).collect();
                let learned = len - len * SUPERVISED / 100;
                let labels: Vec<i64> = ids
                    .iter()
                    .enumerate()
                    .map(|(i, &id)| if i < learned { -100 } else { id as i64 })
                    .collect();
                json!({"input_ids": ids, "labels": labels}).to_string()
            })
            .collect();
        fs::write(file, rows.join("\n")).expect("rows");
    }

    /// Operations that a training step needs for a token, forward and input gradient, adapters and attention left out.
    pub fn operations_per_token(&self) -> f64 {
        let head_dim = self.hidden / self.heads;
        let attention = 2 * self.hidden * (self.hidden + head_dim * self.key_value_heads);
        let linear = self.layers * (attention + 3 * self.hidden * self.intermediate);
        let head = self.hidden * self.vocabulary;
        4.0 * (linear as f64 + head as f64 * SUPERVISED as f64 / 100.0)
    }
}
