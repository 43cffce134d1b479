//! Models of real shape with random weights.

use std::fs;
use std::path::Path;

use engine::models::{DecoderSpec, spec_of};
use engine::weights::{DType, ModelConfig, TensorSpec, WeightsError, write_safetensors};
use serde_json::{Value, json};

pub struct Shape {
    pub name: &'static str,
    model_type: &'static str,
    pub hidden: usize,
    pub intermediate: usize,
    pub layers: usize,
    pub heads: usize,
    pub key_value_heads: usize,
    pub vocabulary: usize,
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
}
