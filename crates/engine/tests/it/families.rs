//! Every family against Hugging Face transformers and PEFT, on the random models of `tests/fixtures/make_parity.py`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use engine::adapters::peft::Adapter;
use engine::batching::MicroBatch;
use engine::device::cpu::CpuDevice;
use engine::device::{AdamWStep, LossSum, Precision};
use engine::generation::Decoding;
use engine::models::activations::{Activations, Recompute};
use engine::models::load::{self, Base};
use engine::models::{Decoder, FAMILIES, adapt, spec_of};
use engine::trainer::options::{OrderName, RecomputeName};
use engine::trainer::{Method, RunLength, Schedule, TrainOptions, train};
use engine::weights::{ModelConfig, SafetensorsDir};
use serde_json::{Value, json};

use crate::planned::checked_plan;

/// Largest error of logits against the largest logit, and of a gradient in relative L2.
pub const TOLERANCE: f64 = 1e-4;

/// One folder of fixtures.
struct Case {
    name: String,
    dir: PathBuf,
    golden: Value,
    tensors: SafetensorsDir,
}

fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/families");
    let mut dirs: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    dirs.sort();
    let case = |dir: PathBuf| Case {
        name: dir.file_name().unwrap().to_string_lossy().into_owned(),
        golden: serde_json::from_slice(&fs::read(dir.join("golden.json")).unwrap()).unwrap(),
        tensors: SafetensorsDir::open_file(&dir.join("golden.safetensors")).unwrap(),
        dir,
    };
    dirs.into_iter().map(case).collect()
}

fn case(name: &str) -> Case {
    cases().into_iter().find(|case| case.name == name).unwrap()
}

pub fn numbers<T: serde::de::DeserializeOwned>(value: &Value) -> Vec<T> {
    serde_json::from_value(value.clone()).unwrap()
}

impl Case {
    fn config(&self) -> ModelConfig {
        ModelConfig::open(&self.dir).unwrap()
    }

    fn decoder(&self, base: Base, adapter: bool, threads: usize) -> Decoder {
        let device = Arc::new(CpuDevice::new(threads));
        let mut decoder = load::load(&self.dir, device, Precision::F32, base).unwrap();
        if adapter {
            let adapter = Adapter::read(&self.dir.join("adapter")).unwrap();
            adapt::attach_adapter(&mut decoder, &adapter, base == Base::Frozen).unwrap();
        }
        decoder
    }

    /// The rows of a batch, packed.
    fn batch(&self, index: usize) -> MicroBatch {
        let mut batch = MicroBatch::default();
        for (row, golden) in self.golden["batches"][index].as_array().unwrap().iter().enumerate() {
            let labels: Vec<i32> = numbers(&golden["labels"]);
            batch.push_row(row, &numbers::<u32>(&golden["ids"]), labels.into_iter());
        }
        batch
    }

    fn values(&self, key: &str) -> Vec<f32> {
        self.tensors.tensor(key).unwrap().to_f32()
    }
}

pub fn activations(decoder: &Decoder, tokens: usize, recompute: Recompute, backward: bool) -> Activations {
    let shape = decoder.activation_shape(tokens, recompute, backward);
    Activations::new(&decoder.spec, shape, &mut |element, len| decoder.device.allocate(element, len))
}

/// Logits of every position, [tokens, vocabulary], and the loss.
pub fn logits(decoder: &Decoder, batch: &MicroBatch) -> (Vec<f32>, LossSum) {
    let mut work = activations(decoder, batch.tokens(), Recompute::Full, false);
    let loss = decoder.evaluate(&decoder.device.upload_batch(batch), &mut work);
    let mut logits = decoder.device.zeros(batch.tokens() * decoder.spec.vocab_size);
    decoder.logits(batch.tokens(), &work.final_norm, &mut logits);
    (decoder.device.download(&logits), loss)
}

/// The mean loss, and the gradient of everything that is trained.
pub fn gradients(
    decoder: &mut Decoder,
    batches: &[MicroBatch],
    recompute: Recompute,
) -> (f64, BTreeMap<String, Vec<f32>>) {
    let tokens = batches.iter().map(MicroBatch::tokens).max().unwrap();
    let supervised: usize = batches.iter().map(MicroBatch::supervised_tokens).sum();
    let mut work = activations(decoder, tokens, recompute, true);
    let mut loss = LossSum::default();
    for batch in batches {
        let batch = decoder.device.upload_batch(batch);
        loss += decoder.forward_backward(&batch, &mut work, 1.0 / supervised as f32);
    }
    let gradient = |parameter: &engine::models::parameter::Parameter| {
        (parameter.name.clone(), decoder.device.download(&parameter.trained.as_ref().unwrap().gradient))
    };
    (loss.sum / loss.tokens as f64, decoder.trained().map(gradient).collect())
}

pub fn relative_l2(found: &[f32], want: &[f32]) -> f64 {
    assert_eq!(found.len(), want.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let pairs = found.iter().zip(want);
    let difference = norm(&mut pairs.map(|(a, b)| f64::from(*a) - f64::from(*b)));
    difference / norm(&mut want.iter().map(|x| f64::from(*x))).max(1e-30)
}

/// The largest difference against the largest number wanted.
pub fn relative_max(found: &[f32], want: &[f32]) -> f64 {
    assert_eq!(found.len(), want.len());
    let largest = want.iter().fold(0f32, |a, b| a.max(b.abs()));
    let worst = found.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
    f64::from(worst / largest)
}

#[test]
fn every_family_of_the_registry_has_a_fixture() {
    let covered: Vec<String> = cases().iter().map(|case| case.config().model_type).collect();
    for family in FAMILIES {
        assert!(covered.iter().any(|name| name == family.model_type), "{} has no fixture", family.model_type);
    }
}

#[test]
fn logits_and_loss_agree_with_transformers() {
    for case in cases() {
        let (found, loss) = logits(&case.decoder(Base::Frozen, false, 2), &case.batch(0));
        let error = relative_max(&found, &case.values("logits"));
        let loss = (loss.sum / loss.tokens as f64 - case.golden["loss"].as_f64().unwrap()).abs();
        eprintln!("{}: logits {error:.1e}, loss {loss:.1e}", case.name);
        assert!(error < TOLERANCE, "{}: logits are off by {error}", case.name);
        assert!(loss < TOLERANCE, "{}: the loss is off by {loss}", case.name);
    }
}

#[test]
fn bf16_products_stay_close_to_f32() {
    for case in cases() {
        let device = Arc::new(CpuDevice::new(2));
        let decoder = load::load(&case.dir, device, Precision::Bf16, Base::Frozen).unwrap();
        let (found, loss) = logits(&decoder, &case.batch(0));
        let error = relative_max(&found, &case.values("logits"));
        let loss = (loss.sum / loss.tokens as f64 - case.golden["loss"].as_f64().unwrap()).abs();
        assert!(error < 0.05 && loss < 0.05, "{}: logits are off by {error}, the loss by {loss}", case.name);
    }
}

fn check_gradients(case: &Case, base: Base, adapter: bool, loss_key: &str, prefix: &str) {
    let mut decoder = case.decoder(base, adapter, 2);
    let (loss, found) = gradients(&mut decoder, &[case.batch(0)], Recompute::Light);
    let loss = (loss - case.golden[loss_key].as_f64().unwrap()).abs();
    assert!(loss < TOLERANCE, "{}: the loss is off by {loss}", case.name);
    let wanted: Vec<&str> = case.tensors.names().filter_map(|name| name.strip_prefix(prefix)).collect();
    assert!(found.keys().eq(wanted.iter()), "{}: {:?} and {wanted:?}", case.name, found.keys());
    let mut worst = (0.0, "");
    for name in wanted {
        let error = relative_l2(&found[name], &case.values(&format!("{prefix}{name}")));
        worst = if error > worst.0 { (error, name) } else { worst };
    }
    eprintln!("{}: {prefix} {:.1e} ({}), loss {loss:.1e}", case.name, worst.0, worst.1);
    assert!(worst.0 < TOLERANCE, "{}: the gradient of {} is off by {}", case.name, worst.1, worst.0);
}

#[test]
fn every_full_gradient_agrees_with_pytorch() {
    cases().iter().for_each(|case| check_gradients(case, Base::Trained, false, "loss", "grad_full."));
}

#[test]
fn every_adapter_gradient_agrees_with_peft() {
    cases().iter().for_each(|case| check_gradients(case, Base::Frozen, true, "loss_lora", "grad_lora."));
}

/// Trains as the fixture's script did: each loss must be on its curve. `before_step` prepares the decoder for a step.
pub fn check_curve(
    name: &str,
    golden: &Value,
    decoder: &mut Decoder,
    recompute: Recompute,
    batches: &[MicroBatch],
    before_step: impl Fn(&mut Decoder, u64),
) {
    let mut work = activations(decoder, batches[0].tokens(), recompute, true);
    let number = |key: &str| golden[key].as_f64().unwrap();
    let tolerance = (5.0 * number("noise")).max(TOLERANCE);
    let mut worst = 0f64;
    for (step, want) in numbers::<f64>(&golden["curve"]).iter().enumerate() {
        before_step(decoder, step as u64);
        let batch = &batches[step % batches.len()];
        let scale = 1.0 / batch.supervised_tokens() as f32;
        let loss = decoder.forward_backward(&decoder.device.upload_batch(batch), &mut work, scale);
        decoder.update(&AdamWStep {
            learning_rate: number("learning_rate") as f32,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            step: step as u64 + 1,
            gradient_scale: 1.0,
        });
        worst = worst.max((loss.sum / loss.tokens as f64 - want).abs());
    }
    eprintln!("{name}: curve {worst:.1e} of {tolerance:.1e}");
    assert!(worst <= tolerance, "{name}: the curve is off by {worst}");
}

#[test]
fn training_follows_the_curve_of_peft() {
    for case in cases() {
        let mut decoder = case.decoder(Base::Frozen, true, 2);
        let batches: Vec<MicroBatch> = (0..3).map(|index| case.batch(index)).collect();
        check_curve(&case.name, &case.golden, &mut decoder, Recompute::Light, &batches, |_, _| {});
    }
}

#[test]
fn greedy_text_and_cached_logits_agree() {
    for case in cases() {
        let decoder = case.decoder(Base::Frozen, true, 2);
        let (prompt, want): (Vec<u32>, Vec<u32>) =
            (numbers(&case.golden["greedy"]["prompt"]), numbers(&case.golden["greedy"]["continuation"]));
        let mut decoding = Decoding::new(&decoder, prompt.len() + want.len(), false);
        let mut next = decoding.push(&prompt).unwrap();
        let found: Vec<u32> = (0..want.len())
            .map(|_| {
                let id = next.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0 as u32;
                next = decoding.push(&[id]).unwrap();
                id
            })
            .collect();
        assert_eq!(found, want, "{}", case.name);

        // With the adapter, in pieces of several tokens and of one.
        let ids = &case.batch(0).ids[..23];
        let mut row = MicroBatch::default();
        row.push_row(0, ids, ids.iter().map(|&id| id as i32));
        let uncached = logits(&decoder, &row).0;
        let vocabulary = decoder.spec.vocab_size;
        let mut decoding = Decoding::new(&decoder, ids.len(), true);
        let mut at = 0;
        for piece in [9, 1, 1, 7, 1, 4] {
            let found = decoding.push(&ids[at..at + piece]).unwrap();
            at += piece;
            let error = relative_max(&found, &uncached[(at - 1) * vocabulary..][..vocabulary]);
            assert!(error < 1e-5, "{}: after {at} tokens cached logits are off by {error}", case.name);
        }
    }
}

#[test]
fn recomputation_and_threads_change_no_bit_of_any_family() {
    for case in cases() {
        for (base, adapter) in [(Base::Trained, false), (Base::Frozen, true)] {
            let run = |recompute, threads| {
                gradients(&mut case.decoder(base, adapter, threads), &[case.batch(0)], recompute)
            };
            let want = run(Recompute::None, 2);
            for (recompute, threads) in [(Recompute::Light, 2), (Recompute::Full, 2), (Recompute::None, 1)] {
                assert!(run(recompute, threads) == want, "{}: {recompute:?}, {threads} threads", case.name);
            }
        }
    }
}

#[test]
fn packing_changes_no_gradient_of_any_family() {
    for case in cases() {
        let packed = case.batch(0);
        let rows: Vec<MicroBatch> = packed
            .segments
            .iter()
            .map(|segment| {
                let of = segment.start..segment.start + segment.len;
                let mut row = MicroBatch::default();
                // Targets are shifted labels; the first label is never a target.
                let labels = std::iter::once(-100).chain(packed.targets[of.clone()].iter().copied());
                row.push_row(0, &packed.ids[of], labels);
                row
            })
            .collect();
        let run = |batches: &[MicroBatch]| {
            gradients(&mut case.decoder(Base::Trained, false, 2), batches, Recompute::Light).1
        };
        let (packed, rows) = (run(&[packed]), run(&rows));
        for (name, gradient) in &packed {
            let error = relative_l2(gradient, &rows[name]);
            assert!(error < 1e-5, "{}: {name} differs by {error}", case.name);
        }
    }
}

#[test]
fn a_plan_from_shapes_is_what_the_model_allocates() {
    for case in cases() {
        for (base, adapter) in [(Base::Trained, false), (Base::Frozen, true)] {
            let decoder = case.decoder(base, adapter, 1);
            for recompute in [Recompute::None, Recompute::Light, Recompute::Full] {
                checked_plan(&decoder, recompute, &case.name);
            }
            let parameters: usize = decoder
                .parameters()
                .filter(|p| !p.name.contains("lora"))
                .map(|p| p.shape.iter().product::<usize>())
                .sum();
            assert_eq!(decoder.spec.parameters(), parameters, "{}", case.name);
        }
    }
}

/// A `tokenizer.json` with so many words, for models whose rows are ids.
pub fn write_tokenizer(model: &Path, words: usize) {
    let vocabulary: BTreeMap<String, usize> = (0..words).map(|id| (format!("w{id}"), id)).collect();
    let tokenizer = json!({
        "version": "1.0", "added_tokens": [], "normalizer": null, "pre_tokenizer": null, "post_processor": null,
        "decoder": null, "truncation": null, "padding": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "w0"},
    });
    fs::write(model.join("tokenizer.json"), tokenizer.to_string()).unwrap();
}

/// A copy of the model with a small tokenizer, and rows to train on.
fn trainable(case: &Case, folder: &Path) -> TrainOptions {
    let model = folder.join("model");
    fs::create_dir(&model).unwrap();
    for name in ["config.json", "model.safetensors"] {
        fs::copy(case.dir.join(name), model.join(name)).unwrap();
    }
    write_tokenizer(&model, 128);
    let rows = case.golden["batches"][0].as_array().unwrap().iter();
    let rows: Vec<String> =
        rows.map(|row| json!({"input_ids": row["ids"], "labels": row["labels"]}).to_string()).collect();
    fs::write(folder.join("rows.jsonl"), rows.join("\n")).unwrap();
    TrainOptions {
        length: RunLength::Steps(1),
        // Large enough to show in bf16.
        learning_rate: 1e-2,
        schedule: Schedule::Constant,
        rank: 4,
        alpha: 8.0,
        micro_batch_size: 3,
        max_seq_len: 32,
        order: OrderName::File,
        recompute: RecomputeName::Light,
        checkpoint_steps: 0,
        threads: 2,
        ..TrainOptions::new(model, folder.join("rows.jsonl"), folder.join("run"))
    }
}

#[test]
fn full_training_writes_the_tensors_that_the_family_reads() {
    for case in cases() {
        let folder = tempfile::tempdir().unwrap();
        let options = TrainOptions { method: Method::Full, ..trainable(&case, folder.path()) };
        train(&options, &AtomicBool::new(false), &mut |_| {}).unwrap();
        let (before, after) =
            (SafetensorsDir::open(&case.dir).unwrap(), SafetensorsDir::open(&options.output).unwrap());
        assert!(before.names().eq(after.names()), "{}", case.name);
        for name in before.names() {
            let (before, after) = (before.tensor(name).unwrap(), after.tensor(name).unwrap());
            assert_eq!((before.shape, before.dtype), (after.shape, after.dtype), "{}: {name}", case.name);
            assert!(before.bytes != after.bytes, "{}: {name} was not trained", case.name);
        }
        let device = Arc::new(CpuDevice::new(1));
        load::load(&options.output, device, Precision::F32, Base::Frozen).unwrap();
    }
}

#[test]
fn a_trained_adapter_has_the_names_and_shapes_of_peft() {
    for case in cases() {
        let folder = tempfile::tempdir().unwrap();
        let options = trainable(&case, folder.path());
        train(&options, &AtomicBool::new(false), &mut |_| {}).unwrap();
        let shapes = |dir: &Path| -> Vec<(String, Vec<usize>)> {
            let adapter = Adapter::read(dir).unwrap();
            adapter.tensors.into_iter().map(|(name, tensor)| (name, tensor.shape)).collect()
        };
        assert_eq!(shapes(&options.output), shapes(&case.dir.join("adapter")), "{}", case.name);
    }
}

#[test]
fn what_a_family_does_not_compute_is_refused_by_name() {
    let cases = [
        ("llama", "sliding_window", json!(8)),
        ("llama", "rope_scaling", json!({"rope_type": "yarn", "factor": 4.0})),
        ("llama", "rope_scaling", json!({"rope_type": "linear"})),
        ("llama", "hidden_act", json!("gelu")),
        ("llama", "num_local_experts", json!(8)),
        ("llama", "quantization_config", json!({"bits": 4})),
        ("llama", "rope_parameters", json!({"full_attention": {"rope_theta": 1.0}})),
        ("mistral", "attention_bias", json!(true)),
        ("mistral", "sliding_window", json!("wide")),
        ("qwen2", "attention_dropout", json!(0.1)),
        ("qwen2", "layer_types", json!(["full_attention", "chunked_attention"])),
        ("qwen2", "layer_types", json!(["full_attention"])),
        ("qwen3", "partial_rotary_factor", json!(0.5)),
        ("gemma2", "hidden_activation", json!("gelu")),
        ("gemma2", "use_bidirectional_attention", json!(true)),
        ("gemma3_text", "attn_logit_softcapping", json!(50.0)),
        ("gemma3_text", "sliding_window", json!(null)),
        ("phi3", "rope_scaling", json!({"type": "linear", "factor": 2.0})),
        (
            "phi3",
            "rope_scaling",
            json!({"type": "longrope", "short_factor": [1.0], "original_max_position_embeddings": 32}),
        ),
        ("phi3", "partial_rotary_factor", json!(0.4)),
        ("phi3", "attention_bias", json!(true)),
    ];
    for (name, field, value) in cases {
        let config = case(name).config();
        let mut raw = config.raw.clone();
        raw[field] = value;
        let config = ModelConfig::from_json(&config.path, raw).unwrap();
        let message = spec_of(&config).expect_err(field).to_string();
        assert!(message.contains(field) && message.contains("config.json"), "{name} {field}: {message}");
    }
    let config = case("llama").config();
    let mut raw = config.raw.clone();
    raw["model_type"] = json!("mamba");
    let message = spec_of(&ModelConfig::from_json(&config.path, raw).unwrap()).unwrap_err().to_string();
    assert!(FAMILIES.iter().all(|family| message.contains(family.model_type)), "{message}");
}

#[test]
fn a_tensor_that_nothing_uses_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let qwen = case("qwen2");
    fs::copy(qwen.dir.join("model.safetensors"), folder.path().join("model.safetensors")).unwrap();
    let mut raw = qwen.config().raw;
    raw["model_type"] = json!("llama");
    ["sliding_window", "use_sliding_window"].iter().for_each(|field| raw[*field] = json!(null));
    fs::write(folder.path().join("config.json"), raw.to_string()).unwrap();
    let device = Arc::new(CpuDevice::new(1));
    let error = load::load(folder.path(), device, Precision::F32, Base::Frozen).err().unwrap().to_string();
    assert!(error.contains("self_attn.k_proj.bias"), "{error}");
}
