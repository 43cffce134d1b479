//! A GGUF file as a model: every architecture gives what the Hugging Face folder gives, and what is not known is refused.
//!
//! The files are written here as llama.cpp's `convert_hf_to_gguf.py` writes them, from the fixtures' random models.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use engine::device::cpu::CpuDevice;
use engine::device::{Precision, WeightFormat};
use engine::generation::score;
use engine::models::load::{self, Base, BaseFormats};
use engine::quantization::ggml_blocks::GgmlType;
use engine::tokenizer::{ChatTemplate, Tokenizer, gguf_companions};
use engine::trainer::options::OrderName;
use engine::trainer::{Method, RunLength, TrainEvent, TrainOptions, train};
use engine::weights::gguf::{GgufArray, GgufTensorSpec, GgufValue, write_gguf};
use engine::weights::{
    DType, ModelConfig, ModelWeights, SafetensorsDir, TensorSpec, WeightsError, write_safetensors,
};
use serde_json::{Value, json};

type Metadata = Vec<(String, GgufValue)>;
type Tensor = (String, Vec<usize>, Vec<f32>);

/// Fixtures whose configuration GGUF has keys for, once [`config`] changed what it has none for.
const FIXTURES: [&str; 8] =
    ["llama", "llama_linear", "qwen2", "qwen3", "gemma2", "gemma3_text", "phi3", "phi3_longrope"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/families").join(name)
}

/// Qwen 2 has no windows in GGUF, Gemma no size of scores but the heads'.
fn config(name: &str) -> Value {
    let mut raw = ModelConfig::open(&fixture(name)).unwrap().raw;
    match name {
        "qwen2" => ["use_sliding_window", "layer_types"].iter().for_each(|field| raw[*field] = Value::Null),
        "gemma2" | "gemma3_text" => raw["query_pre_attn_scalar"] = raw["head_dim"].clone(),
        _ => {}
    }
    raw
}

fn tensors(name: &str) -> Vec<Tensor> {
    let files = SafetensorsDir::open(&fixture(name)).unwrap();
    let read = |name: &str| {
        let view = files.tensor(name).unwrap();
        (name.to_owned(), view.shape.to_vec(), view.to_f32())
    };
    files.names().map(read).collect()
}

/// Where a converter changes rows or values.
fn converted(architecture: &str, config: &Value, (name, shape, mut values): Tensor) -> Tensor {
    let post = if architecture.starts_with("gemma") { "post_attention_norm" } else { "ffn_norm" };
    let up = "ffn_up";
    let names = [
        ("model.embed_tokens", "token_embd"),
        ("model.norm", "output_norm"),
        ("lm_head", "output"),
        ("model.layers", "blk"),
        ("input_layernorm", "attn_norm"),
        ("post_attention_layernorm", post),
        ("pre_feedforward_layernorm", "ffn_norm"),
        ("post_feedforward_layernorm", "post_ffw_norm"),
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.qkv_proj", "attn_qkv"),
        ("self_attn.o_proj", "attn_output"),
        ("self_attn.q_norm", "attn_q_norm"),
        ("self_attn.k_norm", "attn_k_norm"),
        ("mlp.gate_up_proj", up),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", up),
        ("mlp.down_proj", "ffn_down"),
    ];
    let found = names.iter().fold(name.clone(), |name, (from, to)| name.replace(from, to));
    let heads = match name.split('.').rev().nth(1) {
        Some("q_proj") => config["num_attention_heads"].as_u64(),
        Some("k_proj") => config["num_key_value_heads"].as_u64(),
        _ => None,
    };
    if let ("llama", Some(heads)) = (architecture, heads) {
        // `reshape(heads, 2, head_dim / 2, columns).swapaxes(1, 2)`
        let half = shape[0] / heads as usize / 2;
        let columns = values.len() / shape[0];
        let rows = values.chunks(columns).map(<[f32]>::to_vec).collect::<Vec<_>>();
        let order = (0..shape[0]).map(|row| {
            let (head, within) = (row / (2 * half), row % (2 * half));
            &rows[head * 2 * half + (within % 2) * half + within / 2]
        });
        values = order.flatten().copied().collect();
    }
    if architecture.starts_with("gemma") && name.ends_with("norm.weight") {
        values.iter_mut().for_each(|value| *value += 1.0);
    }
    (found, shape, values)
}

/// Metadata and configuration tensors.
fn metadata(config: &Value) -> (Metadata, Vec<Tensor>) {
    let architecture = match config["model_type"].as_str().unwrap() {
        "gemma3_text" => "gemma3",
        other => other,
    };
    let mut metadata: Metadata = vec![("general.architecture".into(), architecture.into())];
    let mut put = |key: &str, value: GgufValue| metadata.push((format!("{architecture}.{key}"), value));
    let size = |field: &str| config[field].as_u64().map(|size| GgufValue::U32(size as u32));
    let number = |value: &Value| value.as_f64().map(|number| GgufValue::F32(number as f32));
    let ropes = &config["rope_parameters"];
    let full = ropes.get("full_attention").unwrap_or(ropes);
    let scaling = if config["rope_scaling"].is_object() { &config["rope_scaling"] } else { full };
    let theta = number(&full["rope_theta"]).or_else(|| number(&config["rope_theta"]));
    let keys = [
        ("embedding_length", size("hidden_size")),
        ("feed_forward_length", size("intermediate_size")),
        ("block_count", size("num_hidden_layers")),
        ("context_length", size("max_position_embeddings")),
        ("attention.head_count", size("num_attention_heads")),
        ("attention.head_count_kv", size("num_key_value_heads")),
        ("attention.key_length", size("head_dim")),
        ("attention.value_length", size("head_dim")),
        ("attention.layer_norm_rms_epsilon", number(&config["rms_norm_eps"])),
        ("rope.freq_base", theta),
        ("vocab_size", size("vocab_size")),
        ("attn_logit_softcapping", number(&config["attn_logit_softcapping"])),
        ("final_logit_softcapping", number(&config["final_logit_softcapping"])),
        ("rope.freq_base_swa", number(&ropes["sliding_attention"]["rope_theta"])),
    ];
    keys.into_iter().for_each(|(key, value)| value.into_iter().for_each(|value| put(key, value)));
    if architecture.starts_with("gemma") || architecture == "phi3" {
        size("sliding_window").into_iter().for_each(|window| put("attention.sliding_window", window));
    }
    if architecture == "gemma3" {
        let kinds = config["layer_types"].as_array().unwrap().iter();
        let slides = kinds.map(|kind| kind == "sliding_attention").collect();
        put("attention.sliding_window_pattern", GgufValue::Array(GgufArray::Bool(slides)));
    }
    let mut tensors = Vec::new();
    let factors = |name: &str| -> Vec<f32> {
        let factors = scaling[name].as_array().unwrap().iter();
        factors.map(|factor| factor.as_f64().unwrap() as f32).collect()
    };
    match scaling["rope_type"].as_str() {
        Some("linear") => {
            put("rope.scaling.type", "linear".into());
            put("rope.scaling.factor", number(&scaling["factor"]).unwrap());
        }
        Some("llama3") => {
            let factors = llama3(config["rope_theta"].as_f64().unwrap() as f32, 8, scaling);
            tensors.push(("rope_freqs.weight".to_owned(), vec![factors.len()], factors));
        }
        Some("longrope") => {
            let original = scaling["original_max_position_embeddings"].as_u64().unwrap() as u32;
            let stretched = config["max_position_embeddings"].as_f64().unwrap() / f64::from(original);
            let magnitude = (1.0 + stretched.ln() / f64::from(original).ln()).sqrt();
            put("rope.scaling.original_context_length", original.into());
            put("rope.scaling.attn_factor", (magnitude as f32).into());
            for (tensor, field) in
                [("rope_factors_long", "long_factor"), ("rope_factors_short", "short_factor")]
            {
                let factors = factors(field);
                tensors.push((format!("{tensor}.weight"), vec![factors.len()], factors));
            }
        }
        _ => {}
    }
    if architecture == "phi3" {
        let head = config["hidden_size"].as_f64().unwrap() / config["num_attention_heads"].as_f64().unwrap();
        let part = config["partial_rotary_factor"].as_f64().unwrap_or(1.0);
        put("rope.dimension_count", ((head * part) as u32).into());
    }
    (metadata, tensors)
}

/// `rope_freqs`, in the converter's f32.
fn llama3(theta: f32, head_dim: usize, scaling: &Value) -> Vec<f32> {
    let number = |name: &str| scaling[name].as_f64().unwrap() as f32;
    let [factor, low, high] = ["factor", "low_freq_factor", "high_freq_factor"].map(number);
    let original = number("original_max_position_embeddings");
    let of = |i: usize| {
        let wavelength = std::f32::consts::TAU * theta.powf(2.0 * i as f32 / head_dim as f32);
        let smooth = (original / wavelength - low) / (high - low);
        match wavelength {
            length if length < original / high => 1.0,
            length if length > original / low => factor,
            _ => 1.0 / ((1.0 - smooth) / factor + smooth),
        }
    };
    (0..head_dim / 2).map(of).collect()
}

/// One dimension, and rows that are no whole number of blocks, in a type without blocks.
fn stored(kind: GgmlType, shape: &[usize]) -> GgmlType {
    match shape {
        [_] => GgmlType::F32,
        [.., columns] if kind.size_bytes(*columns).is_none() => GgmlType::F16,
        _ => kind,
    }
}

fn write(path: &Path, metadata: &[(String, GgufValue)], tensors: &[Tensor], kind: GgmlType) {
    let spec = |(name, shape, _): &Tensor| GgufTensorSpec {
        name: name.clone(),
        kind: stored(kind, shape),
        shape: shape.clone(),
    };
    let specs: Vec<GgufTensorSpec> = tensors.iter().map(spec).collect();
    write_gguf::<WeightsError>(path, metadata, &specs, |index, bytes| {
        specs[index].kind.encode(&tensors[index].2, bytes);
        Ok(())
    })
    .unwrap();
}

/// The file of a fixture, and a folder with the values that it holds.
fn pair(dir: &Path, name: &str, kind: GgmlType) -> [PathBuf; 2] {
    let config = config(name);
    let (metadata, extra) = metadata(&config);
    let architecture = metadata[0].1.as_str().unwrap().to_owned();
    let [file, folder] = [dir.join("model.gguf"), dir.join("folder")];
    let of_file: Vec<Tensor> =
        tensors(name).into_iter().map(|tensor| converted(&architecture, &config, tensor)).collect();
    write(&file, &metadata, &[of_file, extra].concat(), kind);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let tensors = tensors(name);
    let spec = |(name, shape, _): &Tensor| TensorSpec {
        name: name.clone(),
        dtype: DType::F32,
        shape: shape.clone(),
    };
    let specs: Vec<TensorSpec> = tensors.iter().map(spec).collect();
    write_safetensors::<WeightsError>(&folder.join("model.safetensors"), &[], &specs, |index, bytes| {
        let (_, shape, values) = &tensors[index];
        let mut rounded = Vec::new();
        let kind = stored(kind, shape);
        kind.encode(values, &mut rounded);
        DType::F32.encode(&kind.decode(&rounded), bytes);
        Ok(())
    })
    .unwrap();
    [file, folder]
}

fn logits(model: &Path, precision: Precision, base: Base) -> Vec<f32> {
    let decoder = load::load(model, Arc::new(CpuDevice::new(2)), precision, base).unwrap();
    score(&decoder, &(3..27).map(|i| i * 5 % 128).collect::<Vec<u32>>()).unwrap().0
}

#[test]
fn every_architecture_gives_the_logits_of_the_folder() {
    for name in FIXTURES {
        for kind in [GgmlType::F32, GgmlType::F16, GgmlType::BF16, GgmlType::Q8_0, GgmlType::Q4_0] {
            let dir = tempfile::tempdir().unwrap();
            let [file, folder] = pair(dir.path(), name, kind);
            let (want, found) =
                (logits(&folder, Precision::F32, Base::Frozen), logits(&file, Precision::F32, Base::Frozen));
            assert!(want.iter().any(|logit| *logit != 0.0), "{name}");
            assert_eq!(want, found, "{name} as {}", kind.name());
        }
    }
}

#[test]
fn quantised_and_rounded_bases_are_the_same_too() {
    let of = |linear, table| Base::FrozenAs(BaseFormats { linear, table });
    let formats = [
        (Precision::Bf16, Base::Frozen),
        (Precision::F32, of(WeightFormat::Q8, WeightFormat::F32)),
        (Precision::Bf16, of(WeightFormat::Nf4, WeightFormat::Bf16)),
        (Precision::F32, of(WeightFormat::F16, WeightFormat::F16)),
    ];
    let dir = tempfile::tempdir().unwrap();
    let [file, folder] = pair(dir.path(), "llama", GgmlType::Q8_0);
    for (precision, base) in formats {
        assert_eq!(logits(&folder, precision, base), logits(&file, precision, base), "{base:?}");
    }
}

#[test]
fn rows_are_those_of_the_folder_in_any_pieces() {
    let dir = tempfile::tempdir().unwrap();
    for kind in [GgmlType::F32, GgmlType::BF16, GgmlType::Q8_0] {
        let [file, folder] = pair(dir.path(), "llama", kind);
        let [file, folder] = [file, folder].map(|path| ModelWeights::open(&path).unwrap());
        assert!(file.names().eq(folder.names()));
        for name in folder.names() {
            let shape = folder.shape(name).unwrap();
            assert_eq!(file.shape(name), Some(shape), "{name}");
            for rows in [0..shape[0], 0..0, 3..5, shape[0] - 1..shape[0]] {
                assert_eq!(
                    file.rows(name, rows.clone()).unwrap(),
                    folder.rows(name, rows).unwrap(),
                    "{name}"
                );
            }
            assert!(file.rows(name, 0..shape[0] + 1).is_err());
            // Pieces of a tensor need not be rows.
            let whole = folder.rows(name, 0..shape[0]).unwrap();
            let piece = whole.len() / 3..whole.len() - 1;
            let bytes = file.bytes(name, piece.clone()).unwrap();
            assert_eq!(file.dtype(name).unwrap().decode(&bytes), whole[piece], "{name}");
        }
        assert!(file.rows("model.nothing.weight", 0..1).is_err());
    }
}

#[test]
fn a_configuration_comes_back_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    for name in FIXTURES {
        let [file, folder] = pair(dir.path(), name, GgmlType::F32);
        let spec = |path: &Path| engine::models::spec_of(&ModelConfig::open(path).unwrap()).unwrap();
        assert_eq!(spec(&file), spec(&folder), "{name}");
    }
    // Factors that are not those of a published model's scaling are taken as they are.
    let config = config("llama");
    let (metadata, _) = metadata(&config);
    let table = ("token_embd.weight".to_owned(), vec![128, 32], vec![0.0; 128 * 32]);
    let factors = ("rope_freqs.weight".to_owned(), vec![4], vec![1.0, 1.25, 3.0, 7.0]);
    let file = dir.path().join("factors.gguf");
    write(&file, &metadata, &[table.clone(), factors], GgmlType::F32);
    let rope = engine::models::spec_of(&ModelConfig::open(&file).unwrap()).unwrap().ropes.remove(0);
    let plain = engine::models::rope::Rope::plain(1000.0, 8);
    assert_eq!(rope, plain.longrope(&[1.0, 1.25, 3.0, 7.0], 1.0));
    let short = ("rope_freqs.weight".to_owned(), vec![3], vec![1.0, 1.25, 3.0]);
    write(&file, &metadata, &[table, short], GgmlType::F32);
    assert!(ModelConfig::open(&file).unwrap_err().to_string().contains("rope_freqs.weight"));
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.gguf");
    let table = || ("token_embd.weight".to_owned(), vec![128, 32], vec![0.5; 128 * 32]);
    let cases: &[(&str, &str, Option<GgufValue>)] = &[
        ("llama", "general.architecture", Some("mamba".into())),
        ("llama", "general.type", Some("adapter".into())),
        ("llama", "split.count", Some(2u32.into())),
        ("llama", "llama.block_count", None),
        ("llama", "llama.block_count", Some("two".into())),
        ("llama", "llama.attention.head_count", Some(0u32.into())),
        ("llama", "llama.attention.head_count_kv", Some(vec![1i32, 2].into())),
        ("llama", "llama.attention.value_length", Some(4u32.into())),
        ("llama", "llama.attention.layer_norm_rms_epsilon", Some(f32::NAN.into())),
        ("llama", "llama.rope.dimension_count", Some(4u32.into())),
        ("llama", "llama.rope.scaling.type", Some("yarn".into())),
        ("llama", "llama.rope.scaling.attn_factor", Some(1.5f32.into())),
        ("llama", "llama.expert_count", Some(8u32.into())),
        ("llama", "llama.attention.sliding_window", Some(8u32.into())),
        ("llama", "llama.attention.causal", Some(false.into())),
        ("gemma2", "gemma2.attention.scale", Some(0.5f32.into())),
        ("gemma3_text", "gemma3.attention.sliding_window", None),
        ("phi3_longrope", "phi3.rope.scaling.original_context_length", None),
    ];
    for (name, key, value) in cases {
        let (mut metadata, mut tensors) = metadata(&config(name));
        metadata.retain(|(name, _)| name != key);
        metadata.extend(value.iter().map(|value| ((*key).to_owned(), value.clone())));
        tensors.push(table());
        write(&path, &metadata, &tensors, GgmlType::F32);
        let message = ModelConfig::open(&path).expect_err(key).to_string();
        assert!(message.contains(key) && message.contains("model.gguf"), "{key}: {message}");
    }
    // What switches something off is no reason to refuse a file.
    let (mut metadata, _) = metadata(&config("llama"));
    metadata.push(("llama.expert_count".into(), 0u32.into()));
    write(&path, &metadata, &[table()], GgmlType::F32);
    ModelConfig::open(&path).unwrap();
    let load = || {
        let device = Arc::new(CpuDevice::new(1));
        load::load(&path, device, Precision::F32, Base::Frozen).err().unwrap().to_string()
    };
    assert!(load().contains("model.layers.0."), "a tensor is missing");
    let strange = ("blk.0.attn_sinks.weight".to_owned(), vec![4], vec![0.0; 4]);
    let config = config("llama");
    let of_file = tensors("llama").into_iter().map(|tensor| converted("llama", &config, tensor));
    write(&path, &metadata, &of_file.chain([strange]).collect::<Vec<_>>(), GgmlType::F32);
    assert!(load().contains("blk.0.attn_sinks.weight"));
}

#[test]
fn a_damaged_file_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let [file, _] = pair(dir.path(), "llama", GgmlType::Q8_0);
    let good = fs::read(&file).unwrap();
    let cut = dir.path().join("cut.gguf");
    let load = || load::load(&cut, Arc::new(CpuDevice::new(1)), Precision::F32, Base::Frozen).map(|_| ());
    for length in (0..good.len()).step_by(good.len() / 60).chain([good.len() - 40]) {
        fs::write(&cut, &good[..length]).unwrap();
        assert!(load().is_err(), "{length} of {} bytes", good.len());
    }
    // Every byte of the header changed in turn: whatever it then says, nothing panics.
    let header = good.windows(17).position(|bytes| bytes == b"token_embd.weight").unwrap() + 60;
    for place in 0..header {
        let mut bytes = good.clone();
        bytes[place] ^= 0x81;
        fs::write(&cut, &bytes).unwrap();
        let _ = load();
    }
}

/// Byte-level letters without merges.
fn with_tokenizer(metadata: &mut Metadata) {
    let tokens: Vec<String> = (0..128u8)
        .map(|byte| match byte {
            0 => "<pad>".into(),
            1 => "<s>".into(),
            2 => "</s>".into(),
            b' ' => "Ġ".into(),
            byte @ b'!'..=b'~' => char::from(byte).to_string(),
            other => format!("[{other}]"),
        })
        .collect();
    let types = (0..128).map(|id| if id < 3 { 3 } else { 1 }).collect::<Vec<i32>>();
    let keys: [(&str, GgufValue); 8] = [
        ("model", "gpt2".into()),
        ("pre", "gpt-2".into()),
        ("tokens", tokens.into()),
        ("token_type", types.into()),
        ("merges", Vec::<String>::new().into()),
        ("bos_token_id", 1u32.into()),
        ("eos_token_id", 2u32.into()),
        ("add_bos_token", true.into()),
    ];
    metadata.extend(keys.map(|(key, value)| (format!("tokenizer.ggml.{key}"), value)));
    let template = "{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}";
    metadata.push(("tokenizer.chat_template".into(), template.into()));
    metadata.push(("general.source.huggingface.repository".into(), "someone/tiny".into()));
}

#[test]
fn training_on_a_file_is_training_on_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let [file, folder] = pair(dir.path(), "llama", GgmlType::F32);
    let config = config("llama");
    let (mut metadata, extra) = metadata(&config);
    with_tokenizer(&mut metadata);
    let of_file = tensors("llama").into_iter().map(|tensor| converted("llama", &config, tensor));
    write(&file, &metadata, &of_file.chain(extra).collect::<Vec<_>>(), GgmlType::F32);
    for (name, text) in gguf_companions(&file).unwrap() {
        fs::write(folder.join(name), text).unwrap();
    }
    let text = "Hello, you two: 1 + 1 = 2.";
    let ids = |path: &Path| Tokenizer::open(path).unwrap().encode_raw_prompt(text);
    assert_eq!(ids(&file), ids(&folder));
    assert_eq!((ids(&file)[0], ids(&file).len()), (1, 1 + text.len()));
    let template = |path: &Path| ChatTemplate::from_model_dir(path).unwrap().unwrap().source().to_owned();
    assert_eq!(template(&file), template(&folder));
    let rows = dir.path().join("rows.jsonl");
    let row = |question: &str, answer: &str| json!({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]});
    fs::write(&rows, format!("{}\n{}\n", row("1 + 1?", "2"), row("Hello?", "Hello."))).unwrap();
    let run = |model: &Path, method: Method, output: PathBuf| {
        let options = TrainOptions {
            method,
            length: RunLength::Steps(2),
            learning_rate: 1e-2,
            max_seq_len: 32,
            order: OrderName::File,
            checkpoint_steps: 0,
            threads: 2,
            ..TrainOptions::new(model.to_owned(), rows.clone(), output)
        };
        let mut losses = Vec::new();
        let mut record = |event: TrainEvent| {
            if let TrainEvent::Step(step) = event {
                losses.push((step.loss.to_bits(), step.grad_norm.to_bits()));
            }
        };
        train(&options, &AtomicBool::new(false), &mut record).unwrap();
        (losses, options.output)
    };
    let (of_file, adapter) = run(&file, Method::Lora, dir.path().join("of-file"));
    let (of_folder, _) = run(&folder, Method::Lora, dir.path().join("of-folder"));
    assert_eq!((of_file.len(), &of_file), (2, &of_folder));
    let adapter = engine::adapters::peft::Adapter::read(&adapter).unwrap();
    assert_eq!(adapter.config.base_model_name_or_path.as_deref(), Some("someone/tiny"));
    // A model trained whole is a folder that needs the file no more.
    let (of_file, model) = run(&file, Method::Full, dir.path().join("full"));
    assert_eq!(of_file, run(&folder, Method::Full, dir.path().join("full-of-folder")).0);
    assert_eq!(ids(&model), ids(&file));
    logits(&model, Precision::F32, Base::Frozen);
}

/// A real model's files, written by llama.cpp's converter.
#[test]
fn files_of_other_programs_give_the_numbers_of_the_folder() {
    let Some(root) = std::env::var_os("FTF_TESTDATA") else {
        eprintln!("skipped: FTF_TESTDATA is not set");
        return;
    };
    let root = Path::new(&root).join("weights");
    let folder = root.join("stories260K-hf");
    let open = |path: &Path| {
        let device = Arc::new(CpuDevice::new(2));
        (load::load(path, device, Precision::F32, Base::Frozen).unwrap(), Tokenizer::open(path).unwrap())
    };
    let golden = fs::read(root.join("stories260K-hf.golden.json")).unwrap();
    let golden: Value = serde_json::from_slice(&golden).unwrap();
    let texts = fs::read(root.join("stories260K-hf.tokenizer_golden.json")).unwrap();
    let texts: Value = serde_json::from_slice(&texts).unwrap();
    let (base, tokenizer) = open(&folder);
    for (name, tolerance) in [("f32", 0.0), ("f16", 0.05), ("q8_0", 0.5)] {
        let (model, its_tokenizer) = open(&root.join(format!("gguf/stories260K-{name}.gguf")));
        assert_eq!(its_tokenizer.stop_ids(), tokenizer.stop_ids(), "{name}");
        for case in golden["base"].as_array().unwrap() {
            let text = case["text"].as_str().unwrap();
            let ids = its_tokenizer.encode_raw_prompt(text);
            assert_eq!(ids, tokenizer.encode_raw_prompt(text), "{name}: {text}");
            let (want, found) = (score(&base, &ids).unwrap().0, score(&model, &ids).unwrap().0);
            let worst = want.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst <= tolerance, "{name}: {text}: off by {worst}");
        }
        for text in texts.as_array().unwrap().iter().map(|case| case["text"].as_str().unwrap()) {
            assert_eq!(its_tokenizer.encode(text), tokenizer.encode(text), "{name}: {text}");
        }
    }
}
