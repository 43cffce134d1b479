//! Adapters in PEFT's format: names, refusals, merging.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use engine::adapters::peft::{Adapter, AdapterConfig, AdapterTensor, TargetModules};
use engine::weights::SafetensorsDir;
use serde_json::{Value, json};

const Q: &str = "model.layers.0.self_attn.q_proj";

fn tensor(shape: &[usize], start: f32) -> AdapterTensor {
    let count = shape.iter().product::<usize>();
    AdapterTensor { shape: shape.to_vec(), values: (0..count).map(|i| start + i as f32 * 0.25).collect() }
}

fn small() -> Adapter {
    let mut config =
        AdapterConfig::new(2, 4.0, TargetModules::Names(vec!["q_proj".into(), "down_proj".into()]));
    config.base_model_name_or_path = Some("a/base".to_string());
    let tensors = BTreeMap::from([
        (format!("{Q}.lora_A.weight"), tensor(&[2, 3], 1.0)),
        (format!("{Q}.lora_B.weight"), tensor(&[4, 2], -1.0)),
        ("model.layers.1.mlp.down_proj.lora_A.weight".to_string(), tensor(&[2, 5], 0.0)),
        ("model.layers.1.mlp.down_proj.lora_B.weight".to_string(), tensor(&[3, 2], 0.5)),
    ]);
    Adapter { config, tensors }
}

#[test]
fn an_adapter_comes_back_as_written_under_the_names_of_peft() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    small().write(folder.path()).expect("written");
    assert_eq!(Adapter::read(folder.path()).expect("read"), small());
    let file = SafetensorsDir::open_file(&folder.path().join("adapter_model.safetensors")).expect("opened");
    let golden = [
        "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight",
        "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight",
        "base_model.model.model.layers.1.mlp.down_proj.lora_A.weight",
        "base_model.model.model.layers.1.mlp.down_proj.lora_B.weight",
    ];
    assert_eq!(file.names().collect::<Vec<_>>(), golden);
    let bytes = fs::read(folder.path().join("adapter_model.safetensors")).expect("read");
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes")) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).expect("JSON");
    assert_eq!(header["__metadata__"], json!({"format": "pt"}));
    assert!(
        fs::read_to_string(folder.path().join("README.md")).expect("read").contains("base_model: \"a/base\"")
    );
}

#[test]
fn the_configuration_file_is_golden() {
    let golden = json!({
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "a/base", "revision": null,
        "r": 2, "lora_alpha": 4, "lora_dropout": 0.0, "target_modules": ["q_proj", "down_proj"],
        "bias": "none", "use_dora": false, "use_rslora": false, "fan_in_fan_out": false,
        "init_lora_weights": true, "inference_mode": true, "modules_to_save": null,
        "layers_to_transform": null, "layers_pattern": null, "rank_pattern": {}, "alpha_pattern": {},
        "auto_mapping": null, "layer_replication": null, "loftq_config": {}, "megatron_config": null,
        "megatron_core": "megatron.core",
    });
    assert_eq!(small().config.to_json(), golden);
}

#[test]
fn scales_follow_alpha_rank_and_the_patterns() {
    let mut config = AdapterConfig::new(16, 32.0, TargetModules::AllLinear);
    assert_eq!(config.scale_of(Q), 2.0);
    config.use_rslora = true;
    assert_eq!(config.scale_of(Q), 8.0);
    config.rank_pattern.insert("layers.0.self_attn.q_proj".into(), 4);
    config.alpha_pattern.insert("q_proj".into(), 6.0);
    assert_eq!(config.scale_of(Q), 3.0);
    assert_eq!(config.scale_of("model.layers.10.self_attn.q_proj"), 1.5);
    assert_eq!(config.scale_of("model.layers.0.self_attn.xq_proj"), 8.0);
}

#[test]
fn merging_adds_scale_b_a() {
    let adapter = small();
    let mut weight = vec![1f32; 12];
    assert!(adapter.merge_into(Q, &[4, 3], &mut weight).expect("merged"));
    let (a, b) = (tensor(&[2, 3], 1.0).values, tensor(&[4, 2], -1.0).values);
    for out in 0..4 {
        for input in 0..3 {
            let product = b[out * 2] * a[input] + b[out * 2 + 1] * a[3 + input];
            assert!((weight[out * 3 + input] - (1.0 + 2.0 * product)).abs() < 1e-6);
        }
    }
    assert!(!adapter.merge_into("model.layers.7.mlp.up_proj", &[4, 3], &mut weight).expect("untouched"));
    assert!(adapter.merge_into(Q, &[3, 4], &mut weight).is_err());
}

/// The same with magnitudes.
fn small_dora() -> Adapter {
    let mut adapter = small();
    adapter.config.use_dora = true;
    adapter.tensors.insert(format!("{Q}.lora_magnitude_vector"), tensor(&[4], 2.0));
    adapter.tensors.insert("model.layers.1.mlp.down_proj.lora_magnitude_vector".into(), tensor(&[3], 0.5));
    adapter
}

#[test]
fn a_dora_adapter_comes_back_as_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    small_dora().write(folder.path()).expect("written");
    assert_eq!(Adapter::read(folder.path()).expect("read"), small_dora());
    let file = SafetensorsDir::open_file(&folder.path().join("adapter_model.safetensors")).expect("opened");
    let names: Vec<&str> = file.names().filter(|name| !name.ends_with(".weight")).collect();
    assert_eq!(names[0], format!("base_model.model.{Q}.lora_magnitude_vector"));
    assert!(fs::read_to_string(folder.path().join("README.md")).expect("read").contains("# DoRA adapter"));
    let mut wrong = small_dora();
    wrong.tensors.insert(format!("{Q}.lora_magnitude_vector"), tensor(&[3], 2.0));
    assert!(
        wrong.write(folder.path()).expect_err("refused").to_string().contains("lora_magnitude_vector [out]")
    );
}

#[test]
fn merging_dora_brings_each_row_to_its_magnitude() {
    let (plain, dora) = (small(), small_dora());
    let mut direction = vec![0.25f32; 12];
    plain.merge_into(Q, &[4, 3], &mut direction).expect("merged");
    let mut weight = vec![0.25f32; 12];
    dora.merge_into(Q, &[4, 3], &mut weight).expect("merged");
    for (out, row) in direction.chunks(3).enumerate() {
        let norm = row.iter().map(|w| w * w).sum::<f32>().sqrt();
        for (input, w) in row.iter().enumerate() {
            let want = (2.0 + 0.25 * out as f32) * w / norm;
            assert!((weight[out * 3 + input] - want).abs() < 1e-6, "{out}, {input}");
        }
    }
    // W + s·B·A = 0 in each row: no direction, no weight.
    let mut opposite = vec![0f32; 12];
    plain.merge_into(Q, &[4, 3], &mut opposite).expect("merged");
    opposite.iter_mut().for_each(|w| *w = -*w);
    dora.merge_into(Q, &[4, 3], &mut opposite).expect("merged");
    assert!(opposite.iter().all(|w| w.is_finite()), "{opposite:?}");
}

fn read_changed(change: impl Fn(&mut Value)) -> Result<Adapter, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    small().write(folder.path()).expect("written");
    let path = folder.path().join("adapter_config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).expect("read")).expect("JSON");
    change(&mut config);
    fs::write(&path, config.to_string()).expect("written");
    Adapter::read(folder.path()).map_err(|error| error.to_string())
}

#[test]
fn what_would_change_the_result_is_refused_by_name() {
    let cases = [
        ("peft_type", json!("IA3")),
        ("task_type", json!("SEQ_CLS")),
        ("bias", json!("all")),
        ("use_dora", json!(true)),
        ("fan_in_fan_out", json!(true)),
        ("lora_bias", json!(true)),
        ("modules_to_save", json!(["lm_head"])),
        ("layer_replication", json!([[0, 2]])),
        ("target_parameters", json!(["experts.0"])),
        ("trainable_token_indices", json!([5])),
        ("init_lora_weights", json!("pissa_niter_4")),
        ("rank_pattern", json!({"^model.*q_proj": 4})),
        ("r", json!(0)),
        ("r", json!("big")),
        ("r", json!(3)),
        ("lora_alpha", json!("big")),
        ("lora_dropout", json!(1.0)),
        ("target_modules", json!(null)),
        ("target_modules", json!([1])),
        ("layers_to_transform", json!("all")),
    ];
    for (field, value) in cases {
        let message = read_changed(|config| config[field] = value.clone()).expect_err(field);
        let named = message.contains(field) || (field == "r" && message.contains("rank"));
        assert!(named && message.contains("adapter_"), "{field}: {message}");
    }
}

#[test]
fn what_is_harmless_is_ignored() {
    let read = read_changed(|config| {
        config["some_field_of_tomorrow"] = json!({"a": 1});
        config["exclude_modules"] = json!(["lm_head"]);
        config["modules_to_save"] = json!([]);
        config["init_lora_weights"] = json!("gaussian");
        config["target_modules"] = json!(".*_proj");
        config.as_object_mut().expect("an object").remove("lora_dropout");
    });
    let read = read.expect("read");
    assert_eq!(read.config.target_modules, TargetModules::Pattern(".*_proj".into()));
    assert_eq!(read.modules().len(), 2);
}

#[test]
fn tensors_that_make_no_pairs_are_refused() {
    let broken = |change: fn(&mut Adapter)| {
        let mut adapter = small();
        change(&mut adapter);
        let folder = tempfile::tempdir().expect("a temporary folder");
        adapter.write(folder.path()).expect_err("refused").to_string()
    };
    let message = broken(|adapter| drop(adapter.tensors.remove(&format!("{Q}.lora_B.weight"))));
    assert!(message.contains(Q), "{message}");
    let message = broken(|adapter| adapter.config.r = 3);
    assert!(message.contains("rank is 2"), "{message}");
    let message = broken(|adapter| {
        drop(adapter.tensors.insert(format!("{Q}.lora_magnitude_vector"), tensor(&[4], 0.0)))
    });
    assert!(message.contains("use_dora: false"), "{message}");
    let message = broken(|adapter| adapter.config.use_dora = true);
    assert!(message.contains("use_dora: true"), "{message}");
    let message = broken(|adapter| adapter.tensors.clear());
    assert!(message.contains("no tensors"), "{message}");
}

#[test]
fn missing_and_pickled_adapters_say_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let message = |path: &Path| Adapter::read(path).expect_err("refused").to_string();
    assert!(message(&folder.path().join("gone")).contains("does not exist"));
    assert!(message(folder.path()).contains("adapter_config.json does not exist"));
    small().write(folder.path()).expect("written");
    fs::remove_file(folder.path().join("adapter_model.safetensors")).expect("removed");
    assert!(message(folder.path()).contains("adapter_model.safetensors does not exist"));
    fs::write(folder.path().join("adapter_model.bin"), "x").expect("written");
    assert!(message(folder.path()).contains("pickle"));
}

#[test]
fn values_that_are_not_finite_are_refused() {
    let mut adapter = small();
    adapter.tensors.values_mut().for_each(|tensor| tensor.values[0] = f32::NAN);
    let folder = tempfile::tempdir().expect("a temporary folder");
    adapter.write(folder.path()).expect("written");
    assert!(Adapter::read(folder.path()).expect_err("refused").to_string().contains("not finite"));
}

#[test]
fn real_adapters_survive_a_round_trip() {
    let Some(root) = std::env::var_os("FTF_TESTDATA") else {
        eprintln!("skipped: FTF_TESTDATA is not set");
        return;
    };
    for (name, rank, count) in [("lora_qv_r4", 4, 10), ("lora_all_r8", 8, 35)] {
        let source = Path::new(&root).join("weights/peft").join(name).join("final");
        let adapter = Adapter::read(&source).expect("read");
        assert_eq!((adapter.config.r, adapter.modules().len()), (rank, count), "{name}");
        let folder = tempfile::tempdir().expect("a temporary folder");
        adapter.write(folder.path()).expect("written");
        assert_eq!(Adapter::read(folder.path()).expect("read"), adapter);
        let file = |dir: &Path| fs::read(dir.join("adapter_model.safetensors")).expect("read");
        assert!(file(&source) == file(folder.path()), "{name}: the weights file is PEFT's own, to the byte");
    }
}
