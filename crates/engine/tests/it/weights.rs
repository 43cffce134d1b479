//! Model folders and files, good and hostile.

use std::fs;
use std::path::{Path, PathBuf};

use engine::quantization::ggml_blocks::GgmlType;
use engine::weights::gguf::{GgufFile, GgufTensorSpec, GgufValue, write_gguf};
use engine::weights::{DType, ModelConfig, SafetensorsDir, TensorSpec, WeightsError, write_safetensors};
use serde_json::{Value, json};

fn testdata(what: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("FTF_TESTDATA") else {
        eprintln!("skipped: FTF_TESTDATA is not set");
        return None;
    };
    Some(Path::new(&root).join(what))
}

/// A safetensors file with this header text and this many zero bytes of data.
fn raw_safetensors(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

fn open_bytes(bytes: &[u8]) -> Result<SafetensorsDir, WeightsError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("model.safetensors"), bytes).expect("written");
    SafetensorsDir::open(folder.path())
}

fn write_small(path: &Path) {
    let spec =
        |name: &str, dtype, shape: &[usize]| TensorSpec { name: name.into(), dtype, shape: shape.into() };
    let specs = [
        spec("b.half", DType::F16, &[3]),
        spec("a.brain", DType::BF16, &[2, 2]),
        spec("c.full", DType::F32, &[2, 1, 2]),
    ];
    let values: [&[f32]; 3] = [&[1.0, -2.5, 0.1], &[1.0, 2.0, 3.0, 4.0], &[0.1, 0.2, 0.3, 0.4]];
    write_safetensors::<WeightsError>(path, &[("format", "pt")], &specs, |index, bytes| {
        specs[index].dtype.encode(values[index], bytes);
        Ok(())
    })
    .expect("written");
}

#[test]
fn safetensors_come_back_as_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model.safetensors");
    write_small(&path);
    let opened = SafetensorsDir::open(folder.path()).expect("opened");
    assert_eq!(opened.names().collect::<Vec<_>>(), ["a.brain", "b.half", "c.full"]);
    assert_eq!(opened.total_bytes(), 6 + 8 + 16);
    let full = opened.tensor("c.full").expect("there");
    assert_eq!((full.dtype, full.shape, full.element_count()), (DType::F32, &[2, 1, 2][..], 4));
    assert_eq!(full.to_f32(), [0.1, 0.2, 0.3, 0.4]);
    assert_eq!(opened.tensor("a.brain").expect("there").to_bf16_bits(), [0x3f80, 0x4000, 0x4040, 0x4080]);
    assert_eq!(opened.tensor("b.half").expect("there").to_f32(), [1.0, -2.5, 0.099_975_586]);
    let reference = fs::read(&path).expect("read");
    let parsed = safetensors::SafeTensors::deserialize(&reference).expect("the reference reader agrees");
    assert_eq!(parsed.len(), 3);
    let left: Vec<_> = fs::read_dir(folder.path()).expect("listed").collect();
    assert_eq!(left.len(), 1, "no temporary file stays");
}

#[test]
fn a_missing_tensor_is_named_with_what_exists() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_small(&folder.path().join("model.safetensors"));
    let opened = SafetensorsDir::open(folder.path()).expect("opened");
    let message = opened.tensor("model.norm.weight").expect_err("missing").to_string();
    assert!(message.contains("model.norm.weight") && message.contains("a.brain"), "{message}");
}

#[test]
fn an_error_while_writing_leaves_the_old_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model.safetensors");
    fs::write(&path, "old").expect("written");
    let specs = [TensorSpec { name: "x".into(), dtype: DType::F32, shape: vec![2] }];
    let short = write_safetensors::<WeightsError>(&path, &[], &specs, |_, bytes| {
        bytes.push(0);
        Ok(())
    });
    assert!(short.expect_err("too few bytes").to_string().contains("1 bytes"));
    assert_eq!(fs::read(&path).expect("read"), b"old");
    assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_says_so() {
    // A name in a folder that does not exist is another error than a device without space.
    let specs = [TensorSpec { name: "x".into(), dtype: DType::F32, shape: vec![1] }];
    let missing = write_safetensors::<WeightsError>(Path::new("/nonexistent/x"), &[], &specs, |_, _| Ok(()));
    assert!(matches!(missing, Err(WeightsError::NotFound { .. })));
    let full = WeightsError::io(Path::new("x"), std::io::Error::from_raw_os_error(28));
    assert!(full.to_string().contains("disk full"), "{full}");
}

#[test]
fn hostile_safetensors_are_refused() {
    let entry = |dtype: &str, shape: Value, offsets: Value| {
        json!({"x": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}).to_string()
    };
    let overlap = json!({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
                         "y": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}});
    let half_of_max = usize::MAX / 2;
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("truncated", vec![]),
        ("truncated", vec![1, 2, 3]),
        ("truncated", 8u64.to_le_bytes().to_vec()),
        ("header claims", u64::MAX.to_le_bytes().to_vec()),
        ("header claims", vec![b'x'; 4096]),
        ("truncated", 99_999_999u64.to_le_bytes().to_vec()),
        ("not JSON", raw_safetensors("{\"x\": ", 0)),
        ("not JSON", raw_safetensors(&"[".repeat(100_000), 0)),
        ("not a JSON object", raw_safetensors("[1]", 0)),
        ("no dtype", raw_safetensors("{\"x\": {}}", 0)),
        ("shape", raw_safetensors(&entry("F32", json!([-1]), json!([0, 4])), 4)),
        ("shape", raw_safetensors(&entry("F32", json!([1.5]), json!([0, 4])), 4)),
        ("data_offsets", raw_safetensors(&entry("F32", json!([1]), json!([4, 0])), 4)),
        ("data_offsets", raw_safetensors(&entry("F32", json!([1]), json!([0])), 4)),
        ("truncated", raw_safetensors(&entry("F32", json!([2]), json!([0, 8])), 4)),
        ("does not fit", raw_safetensors(&entry("F32", json!([2]), json!([0, 4])), 4)),
        ("does not fit", raw_safetensors(&entry("F32", json!([half_of_max, 8]), json!([0, 4])), 4)),
        ("truncated", raw_safetensors(&entry("F32", json!([1]), json!([0, usize::MAX])), 4)),
        ("overlap", raw_safetensors(&overlap.to_string(), 12)),
        ("git lfs pull", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n".to_vec()),
        ("pickle", b"PK\x03\x04\x00\x00\x00\x00\x00\x00 an archive of torch.save".to_vec()),
    ];
    for (wanted, bytes) in cases {
        let message = open_bytes(&bytes).expect_err(wanted).to_string();
        assert!(message.contains(wanted), "wanted {wanted:?}, got {message:?}");
        assert!(message.contains("model.safetensors"), "{message}");
    }
}

#[test]
fn every_truncation_of_a_good_file_is_an_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model.safetensors");
    write_small(&path);
    let good = fs::read(&path).expect("read");
    for length in 0..good.len() {
        fs::write(&path, &good[..length]).expect("written");
        assert!(SafetensorsDir::open(folder.path()).is_err(), "{length} of {} bytes", good.len());
    }
}

#[test]
fn an_unknown_type_is_refused_only_when_it_is_used() {
    let header = json!({"mask": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]},
                        "w": {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]}});
    let opened = open_bytes(&raw_safetensors(&header.to_string(), 12)).expect("opened");
    assert_eq!(opened.tensor("w").expect("there").to_f32(), [0.0]);
    assert!(opened.tensor("mask").expect_err("an integer").to_string().contains("I64"));
}

#[test]
fn folders_without_safetensors_say_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let message = || SafetensorsDir::open(folder.path()).expect_err("no weights").to_string();
    assert!(message().contains("model.safetensors"));
    fs::write(folder.path().join("pytorch_model.bin"), "x").expect("written");
    assert!(message().contains("convert the model to safetensors"), "{}", message());
    let index = folder.path().join("model.safetensors.index.json");
    let cases = [
        (json!({"weight_map": {"w": "model-1.safetensors"}}), "model-1.safetensors, which is missing"),
        (json!({"weight_map": {"w": "../../etc/passwd"}}), "same folder"),
        (json!({"weight_map": {"w": 3}}), "weight_map.w"),
        (json!({}), "weight_map"),
    ];
    for (content, wanted) in cases {
        fs::write(&index, content.to_string()).expect("written");
        assert!(message().contains(wanted), "{}", message());
    }
    write_small(&folder.path().join("model-1.safetensors"));
    fs::write(&index, json!({"weight_map": {"w": "model-1.safetensors"}}).to_string()).expect("written");
    assert!(message().contains("does not hold it"), "{}", message());
    let gone = SafetensorsDir::open(&folder.path().join("gone")).expect_err("missing").to_string();
    assert!(gone.contains("does not exist"), "{gone}");
}

fn config(changes: Value) -> Result<ModelConfig, WeightsError> {
    let mut raw = json!({
        "model_type": "llama", "hidden_size": 64, "intermediate_size": 172, "num_hidden_layers": 5,
        "num_attention_heads": 8, "vocab_size": 512,
    });
    for (key, value) in changes.as_object().expect("an object") {
        raw[key] = value.clone();
    }
    ModelConfig::from_json(Path::new("config.json"), raw)
}

#[test]
fn config_has_the_defaults_of_transformers() {
    let plain = config(json!({})).expect("read");
    assert_eq!((plain.num_key_value_heads, plain.head_dim, plain.max_position_embeddings), (8, 8, 2048));
    assert_eq!((plain.rms_norm_eps, plain.rope.theta, plain.rope.scaling), (1e-6, 10_000.0, None));
    assert!(!plain.tie_word_embeddings && !plain.attention_bias && plain.hidden_act == "silu");
    assert!(plain.eos_token_ids.is_empty() && plain.bos_token_id.is_none() && plain.torch_dtype.is_none());
    let nulls =
        config(json!({"num_key_value_heads": null, "rope_scaling": null, "head_dim": null})).expect("read");
    assert_eq!((nulls.num_key_value_heads, nulls.head_dim), (8, 8));
}

#[test]
fn config_reads_both_generations_of_fields() {
    let old = config(json!({"torch_dtype": "bfloat16", "eos_token_id": 2, "rope_theta": 5e5,
        "rope_scaling": {"type": "linear", "factor": 2.0}}));
    let old = old.expect("read");
    assert_eq!((old.torch_dtype.as_deref(), old.eos_token_ids.as_slice()), (Some("bfloat16"), &[2][..]));
    assert_eq!((old.rope.theta, old.rope.scaling.is_some()), (5e5, true));
    let new = config(json!({"dtype": "float16", "eos_token_id": [7, 8],
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6}}));
    let new = new.expect("read");
    assert_eq!((new.torch_dtype.as_deref(), new.eos_token_ids.as_slice()), (Some("float16"), &[7, 8][..]));
    assert_eq!((new.rope.theta, new.rope.scaling), (1e6, None));
    let scaled =
        config(json!({"rope_parameters": {"rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0}}));
    assert!(scaled.expect("read").rope.scaling.is_some());
    let partial = config(json!({"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}}));
    assert_eq!(partial.expect("read").rope.partial_rotary_factor, 0.5);
    let kinds = config(json!({"rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8.0,
        "rope_theta": 1e6}, "sliding_attention": {"rope_type": "default"}}}));
    let kinds = kinds.expect("read").layer_ropes;
    assert_eq!((kinds["full_attention"].theta, kinds["sliding_attention"].theta), (1e6, 10_000.0));
    assert!(kinds["full_attention"].scaling.is_some() && kinds["sliding_attention"].scaling.is_none());
}

#[test]
fn config_errors_name_the_field() {
    let cases = [
        ("hidden_size", json!({"hidden_size": null})),
        ("hidden_size", json!({"hidden_size": "64"})),
        ("hidden_size", json!({"hidden_size": -1})),
        ("vocab_size", json!({"vocab_size": 1u64 << 40})),
        ("num_hidden_layers", json!({"num_hidden_layers": 0})),
        ("num_attention_heads", json!({"num_attention_heads": 7})),
        ("num_key_value_heads", json!({"num_key_value_heads": 3})),
        ("rms_norm_eps", json!({"rms_norm_eps": "small"})),
        ("rope_theta", json!({"rope_theta": 0})),
        ("eos_token_id", json!({"eos_token_id": "</s>"})),
        ("tie_word_embeddings", json!({"tie_word_embeddings": "yes"})),
        ("model_type", json!({"model_type": null})),
        ("rope_parameters", json!({"rope_parameters": 1e6})),
    ];
    for (field, changes) in cases {
        let message = config(changes).expect_err(field).to_string();
        assert!(message.contains(&format!("field {field}")) && message.contains("config.json"), "{message}");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let message = || ModelConfig::open(folder.path()).expect_err("damaged").to_string();
    assert!(message().contains("config.json does not exist"), "{}", message());
    fs::write(folder.path().join("config.json"), "{\"a\": ").expect("written");
    assert!(message().contains("not valid JSON"), "{}", message());
    fs::write(folder.path().join("config.json"), "version https://git-lfs.github.com/spec/v1\n")
        .expect("written");
    assert!(message().contains("git lfs pull"), "{}", message());
}

fn small_gguf(path: &Path) {
    let metadata = vec![
        ("general.architecture".to_string(), GgufValue::from("llama")),
        ("tokens".to_string(), GgufValue::from(vec!["<s>".to_string(), "é".to_string()])),
        ("scores".to_string(), GgufValue::from(vec![0.5f32, -1.0])),
        ("types".to_string(), GgufValue::from(vec![3i32, 1])),
        ("count".to_string(), GgufValue::from(7u32)),
        ("flag".to_string(), GgufValue::from(true)),
    ];
    let spec =
        |name: &str, kind, shape: &[usize]| GgufTensorSpec { name: name.into(), kind, shape: shape.into() };
    let specs = [
        spec("norm", GgmlType::F32, &[3]),
        spec("q", GgmlType::Q8_0, &[2, 32]),
        spec("h", GgmlType::F16, &[2, 3]),
    ];
    write_gguf::<WeightsError>(path, &metadata, &specs, |index, bytes| {
        let count = specs[index].shape.iter().product();
        let values: Vec<f32> = (0..count).map(|i| i as f32).collect();
        specs[index].kind.encode(&values, bytes);
        Ok(())
    })
    .expect("written");
}

#[test]
fn gguf_comes_back_as_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("x.gguf");
    small_gguf(&path);
    let file = GgufFile::open(&path).expect("opened");
    assert_eq!(file.get("general.architecture").and_then(GgufValue::as_str), Some("llama"));
    assert_eq!(file.get("tokens").and_then(GgufValue::as_strings).map(<[String]>::len), Some(2));
    assert_eq!(file.get("scores").and_then(GgufValue::as_f32s), Some(&[0.5, -1.0][..]));
    assert_eq!(file.get("types").and_then(GgufValue::as_i32s), Some(&[3, 1][..]));
    assert_eq!(file.get("count").and_then(GgufValue::as_u64), Some(7));
    assert_eq!(file.get("flag").and_then(GgufValue::as_bool), Some(true));
    assert_eq!(file.tensor("norm").expect("there").to_f32(), [0.0, 1.0, 2.0]);
    let half = file.tensor("h").expect("there");
    assert_eq!((half.shape, half.to_f32()), (&[2, 3][..], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    let quantised = file.tensor("q").expect("there").to_f32();
    assert!(quantised.iter().enumerate().all(|(i, x)| (x - i as f32).abs() < 0.3), "{quantised:?}");
    assert!(file.tensor("gone").is_err());
}

#[test]
fn every_truncation_and_many_corruptions_of_a_gguf_are_survived() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("x.gguf");
    small_gguf(&path);
    let good = fs::read(&path).expect("read");
    // The last tensor's 12 bytes are followed by 20 of padding.
    for length in 0..good.len() - 20 {
        fs::write(&path, &good[..length]).expect("written");
        assert!(GgufFile::open(&path).is_err(), "{length} of {} bytes", good.len());
    }
    for position in 0..good.len() {
        for value in [0x00, 0x7f, 0xff] {
            let mut bad = good.clone();
            bad[position] = value;
            fs::write(&path, &bad).expect("written");
            if let Ok(file) = GgufFile::open(&path) {
                file.tensors().iter().for_each(|info| drop(file.tensor(&info.name).map(|t| t.to_f32())));
            }
        }
    }
}

#[test]
fn hostile_gguf_is_refused() {
    let header = |version: u32, tensors: u64, metadata: u64| {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend_from_slice(&version.to_le_bytes());
        bytes.extend_from_slice(&tensors.to_le_bytes());
        bytes.extend_from_slice(&metadata.to_le_bytes());
        bytes
    };
    let with = |mut bytes: Vec<u8>, more: &[&[u8]]| {
        more.iter().for_each(|part| bytes.extend_from_slice(part));
        bytes
    };
    let key: &[u8] = &[1, 0, 0, 0, 0, 0, 0, 0, b'k'];
    let huge = u64::MAX.to_le_bytes();
    let nested: &[&[u8]] = &[key, &9u32.to_le_bytes(), &9u32.to_le_bytes(), &1u64.to_le_bytes(), &[0; 64]];
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", vec![]),
        ("no GGUF file", b"ggml is older".to_vec()),
        ("version 9", header(9, 0, 0)),
        ("big-endian", header(3u32.swap_bytes(), 0, 0)),
        ("promised", header(3, u64::MAX, 0)),
        ("promised", header(3, 0, u64::MAX)),
        ("promised", with(header(3, 0, 1), &[&huge, &[0; 32]])),
        (
            "promised",
            with(header(3, 0, 1), &[key, &9u32.to_le_bytes(), &5u32.to_le_bytes(), &huge, &[0; 32]]),
        ),
        ("arrays of type 9", with(header(3, 0, 1), nested)),
        ("value type 77", with(header(3, 0, 1), &[key, &77u32.to_le_bytes(), &[0; 32]])),
        ("UTF-8", with(header(3, 0, 1), &[&1u64.to_le_bytes(), &[0xff; 40]])),
        ("dimensions", with(header(3, 1, 0), &[key, &1_000_000u32.to_le_bytes(), &[0; 32]])),
        ("git lfs pull", b"version https://git-lfs.github.com/spec/v1\n".to_vec()),
    ];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("x.gguf");
    for (wanted, bytes) in cases {
        fs::write(&path, bytes).expect("written");
        let message = GgufFile::open(&path).expect_err(wanted).to_string();
        assert!(message.contains(wanted), "wanted {wanted:?}, got {message:?}");
    }
}

#[test]
fn real_models_and_their_shards_hold_the_same_tensors() {
    let Some(root) = testdata("weights") else { return };
    let whole = SafetensorsDir::open(&root.join("stories260K-hf")).expect("opened");
    let sharded = SafetensorsDir::open(&root.join("stories260K-hf-bf16-sharded")).expect("opened");
    assert!(whole.names().eq(sharded.names()));
    for name in whole.names() {
        let (f32, bf16) = (whole.tensor(name).expect("there"), sharded.tensor(name).expect("there"));
        assert_eq!((f32.dtype, bf16.dtype, f32.shape), (DType::F32, DType::BF16, bf16.shape));
        assert_eq!(f32.to_bf16_bits(), bf16.to_bf16_bits(), "{name}");
    }
    let config = ModelConfig::open(&root.join("stories260K-hf")).expect("read");
    assert_eq!((config.hidden_size, config.num_key_value_heads, config.head_dim), (64, 4, 8));
    assert_eq!((config.bos_token_id, config.eos_token_ids.as_slice()), (Some(1), &[2][..]));
}

#[test]
fn real_configs_are_read() {
    let Some(root) = testdata("configs") else { return };
    let mut seen = 0;
    for entry in fs::read_dir(root).expect("listed").flatten() {
        if entry.file_name().to_string_lossy().ends_with(".config.json") {
            let raw = engine::weights::read_json_file(&entry.path()).expect("JSON");
            ModelConfig::from_json(&entry.path(), raw).expect("read");
            seen += 1;
        }
    }
    assert!(seen >= 3);
}

#[test]
fn real_gguf_files_are_read() {
    let Some(root) = testdata("weights/gguf") else { return };
    let whole = SafetensorsDir::open(&root.join("../stories260K-hf")).expect("opened");
    let norm = whole.tensor("model.norm.weight").expect("there").to_f32();
    for kind in ["f32", "f16", "q8_0"] {
        let file = GgufFile::open(&root.join(format!("stories260K-{kind}.gguf"))).expect("opened");
        assert_eq!(
            file.get("tokenizer.ggml.tokens").and_then(GgufValue::as_strings).map(<[String]>::len),
            Some(512)
        );
        assert_eq!(file.tensor("output_norm.weight").expect("there").to_f32(), norm);
        let embedding = file.tensor("token_embd.weight").expect("there");
        let original = whole.tensor("model.embed_tokens.weight").expect("there").to_f32();
        let mut ours = Vec::new();
        embedding.kind.encode(&original, &mut ours);
        assert!(ours == embedding.bytes, "{kind}: our encoding is theirs, to the bit");
    }
}
