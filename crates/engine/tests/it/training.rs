//! What must hold whatever the numbers are: accumulation, packing, recomputation, resuming, threads, gradients.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::adapters::peft::{Adapter, AdapterConfig, TargetModules};
use engine::batching::MicroBatch;
use engine::device::Precision;
use engine::device::cpu::CpuDevice;
use engine::generation::score;
use engine::models::activations::{Activations, Recompute};
use engine::models::{Decoder, adapt, load};
use engine::trainer::options::{OrderName, RecomputeName};
use engine::trainer::{
    Method, RunLength, Schedule, Start, StepReport, TrainError, TrainEvent, TrainOptions, train,
};
use serde_json::json;
use tempfile::TempDir;

/// A folder with a tiny random model (grouped heads), rows of unequal lengths, and room for runs.
pub struct Bench {
    folder: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self::with_layers(2)
    }

    pub fn with_layers(layers: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let seed = folder.path().join("seed");
        fs::create_dir(&seed).unwrap();
        let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../base-model/model");
        for name in ["tokenizer.json", "tokenizer_config.json"] {
            fs::copy(bundled.join(name), seed.join(name)).unwrap();
        }
        let config = json!({
            "model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 4096, "hidden_size": 48,
            "intermediate_size": 80, "num_hidden_layers": layers, "num_attention_heads": 6, "num_key_value_heads": 3, "head_dim": 8,
            "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": true,
            "hidden_act": "silu", "initializer_range": 0.2, "torch_dtype": "float32", "bos_token_id": 0, "eos_token_id": 2,
        });
        fs::write(seed.join("config.json"), config.to_string()).unwrap();
        let rows: Vec<String> = [9, 31, 4, 70, 17, 2, 45, 23]
            .iter()
            .enumerate()
            .map(|(row, &len)| {
                let ids: Vec<u32> = (0..len).map(|i| (37 * row as u32 + 11 * i) % 500 + 3).collect();
                let labels: Vec<i32> = ids
                    .iter()
                    .enumerate()
                    .map(|(i, &id)| if i % 3 == 0 && i > 1 { -100 } else { id as i32 })
                    .collect();
                json!({"input_ids": ids, "labels": labels}).to_string()
            })
            .collect();
        fs::write(folder.path().join("rows.jsonl"), rows.join("\n")).unwrap();
        let bench = Self { folder };
        let options = TrainOptions {
            method: Method::Full,
            start: Start::Scratch,
            length: RunLength::Steps(1),
            checkpoint_steps: 0,
            ..bench.options_of(&seed, "model")
        };
        train(&options, &AtomicBool::new(false), &mut |_| {}).unwrap();
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn options_of(&self, model: &Path, run: &str) -> TrainOptions {
        TrainOptions {
            length: RunLength::Steps(4),
            learning_rate: 1e-2,
            schedule: Schedule::Constant,
            micro_batch_size: 4,
            max_seq_len: 128,
            order: OrderName::File,
            packing: false,
            threads: 2,
            checkpoint_steps: 0,
            ..TrainOptions::new(model.to_path_buf(), self.path("rows.jsonl"), self.path(run))
        }
    }

    pub fn options(&self, run: &str) -> TrainOptions {
        self.options_of(&self.path("model"), run)
    }

    pub fn decoder(&self, base: load::Base) -> Decoder {
        load::load(&self.path("model"), Arc::new(CpuDevice::new(2)), Precision::F32, base).unwrap()
    }
}

pub fn steps(options: &TrainOptions) -> Vec<StepReport> {
    let mut steps = Vec::new();
    train(options, &AtomicBool::new(false), &mut |event| {
        if let TrainEvent::Step(step) = event {
            steps.push(step);
        }
    })
    .unwrap();
    steps
}

pub fn figures(steps: &[StepReport]) -> Vec<(f64, f64)> {
    steps.iter().map(|step| (step.loss, step.grad_norm)).collect()
}

pub fn assert_close(a: &[StepReport], b: &[StepReport], what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    for (x, y) in a.iter().zip(b) {
        assert_eq!(x.supervised_tokens, y.supervised_tokens, "{what}");
        assert!((x.loss - y.loss).abs() < 2e-5 * x.loss, "{what}: loss {} and {}", x.loss, y.loss);
        assert!(
            (x.grad_norm - y.grad_norm).abs() < 1e-4 * x.grad_norm,
            "{what}: norm {} and {}",
            x.grad_norm,
            y.grad_norm
        );
    }
}

#[test]
fn accumulation_is_one_batch() {
    let bench = Bench::new();
    for method in [Method::Lora, Method::Full] {
        let one = steps(&TrainOptions { method, ..bench.options("one") });
        let four = steps(&TrainOptions {
            method,
            micro_batch_size: 1,
            gradient_accumulation_steps: 4,
            ..bench.options("four")
        });
        assert_close(&one, &four, "4×1 and 1×4");
        fs::remove_dir_all(bench.path("one")).unwrap();
        fs::remove_dir_all(bench.path("four")).unwrap();
    }
}

#[test]
fn packing_changes_no_gradient() {
    let bench = Bench::new();
    // All eight rows in one step, either way.
    let packed = steps(&TrainOptions { packing: true, micro_batch_size: 8, ..bench.options("packed") });
    let rows = TrainOptions { micro_batch_size: 1, gradient_accumulation_steps: 8, ..bench.options("rows") };
    assert_close(&packed, &steps(&rows), "packed and row by row");
}

#[test]
fn recomputation_and_threads_change_no_bit() {
    let bench = Bench::new();
    let run = |name: &str, recompute, threads| {
        figures(&steps(&TrainOptions { recompute, threads, ..bench.options(name) }))
    };
    let want = run("none", RecomputeName::None, 2);
    assert_eq!(run("light", RecomputeName::Light, 2), want, "light recomputation");
    assert_eq!(run("full", RecomputeName::Full, 2), want, "full recomputation");
    assert_eq!(run("one-thread", RecomputeName::None, 1), want, "one thread");
    assert_eq!(run("three-threads", RecomputeName::Light, 3), want, "three threads");
}

#[test]
fn a_resumed_run_gives_the_losses_of_an_undisturbed_one() {
    let bench = Bench::new();
    let options = |run: &str| TrainOptions {
        length: RunLength::Steps(7),
        order: OrderName::Shuffle,
        packing: true,
        micro_batch_size: 1,
        checkpoint_steps: 2,
        schedule: Schedule::Cosine,
        ..bench.options(run)
    };
    let undisturbed = steps(&options("undisturbed"));
    let cancel = AtomicBool::new(false);
    let stopped = train(&options("stopped"), &cancel, &mut |event| {
        if matches!(event, TrainEvent::Step(StepReport { step: 3, .. })) {
            cancel.store(true, Ordering::Relaxed);
        }
    });
    assert!(matches!(stopped, Err(TrainError::Cancelled { step: 3 })));
    let again = train(&options("stopped"), &AtomicBool::new(false), &mut |_| {});
    assert!(matches!(again, Err(TrainError::Occupied { .. })), "a run is not overwritten by accident");
    let resumed = steps(&TrainOptions { resume: true, ..options("stopped") });
    assert_eq!(figures(&resumed), figures(&undisturbed[3..]));
    let adapter = |run: &str| Adapter::read(&bench.path(run)).unwrap();
    assert_eq!(adapter("stopped"), adapter("undisturbed"), "the result is the same to the last bit");

    for (other, field) in [
        (TrainOptions { learning_rate: 2e-2, ..options("stopped") }, "learning_rate"),
        (TrainOptions { micro_batch_size: 2, ..options("stopped") }, "micro_batch_size"),
    ] {
        let other = TrainOptions { resume: true, ..other };
        let refused = train(&other, &AtomicBool::new(false), &mut |_| {}).unwrap_err().to_string();
        assert!(refused.contains(field), "{refused}");
    }
}

#[test]
fn a_new_adapter_is_the_base_to_the_last_bit() {
    let bench = Bench::new();
    let ids: Vec<u32> = (5..60).collect();
    let plain = score(&bench.decoder(load::Base::Frozen), &ids).unwrap();
    let mut adapted = bench.decoder(load::Base::Frozen);
    let config = AdapterConfig::new(4, 8.0, TargetModules::AllLinear);
    let modules = adapted.spec.modules();
    adapt::new_adapter(&mut adapted, &config, modules, 1);
    assert_eq!(score(&adapted, &ids).unwrap(), plain);
}

#[test]
fn cached_decoding_agrees_with_the_training_forward_pass() {
    let bench = Bench::new();
    let decoder = bench.decoder(load::Base::Frozen);
    let ids: Vec<u32> = (0..200).map(|i| (i * 7) % 300 + 3).collect();
    // Loss of the last token by both ways.
    let logits = |n: usize| score(&decoder, &ids[..n]).unwrap().0;
    let before_last = logits(199);
    let top = before_last.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let log_sum = before_last.iter().map(|x| f64::from(x - top).exp()).sum::<f64>().ln();
    let cached = log_sum - f64::from(before_last[ids[199] as usize] - top);
    let total = |n: usize| score(&decoder, &ids[..n]).unwrap().1.unwrap() * (n - 1) as f64;
    let packed = total(200) - total(199);
    assert!((cached - packed).abs() < 2e-4, "{cached} and {packed}");
}

/// Loss sum of a fixed batch, and one trained parameter's gradient.
fn loss(decoder: &Decoder, batch: &MicroBatch, activations: &mut Activations) -> f64 {
    decoder.evaluate(&decoder.device.upload_batch(batch), activations).sum
}

#[test]
fn gradients_agree_with_finite_differences() {
    let bench = Bench::new();
    let mut batch = MicroBatch::default();
    for (row, len) in [21u32, 70, 5].into_iter().enumerate() {
        let ids: Vec<u32> = (0..len).map(|i| (13 * i + 29 * row as u32) % 400 + 3).collect();
        batch.push_row(row, &ids, ids.iter().map(|&id| id as i32));
    }
    let mut full = bench.decoder(load::Base::Trained);
    let mut lora = bench.decoder(load::Base::Frozen);
    let config = AdapterConfig::new(4, 8.0, TargetModules::AllLinear);
    let modules = lora.spec.modules();
    adapt::new_adapter(&mut lora, &config, modules, 1);
    // B starts at zero, where A has no gradient: move it.
    let device = Arc::clone(&lora.device);
    for parameter in lora.trained_mut().filter(|parameter| parameter.name.contains("lora_B")) {
        let moved: Vec<f32> = (0..parameter.shape.iter().product())
            .map(|i: usize| ((i * 7919) % 101) as f32 / 500.0 - 0.1)
            .collect();
        device.write(&moved, parameter.values_mut().unwrap());
    }
    for decoder in [&mut full, &mut lora] {
        check_gradients(decoder, &batch);
    }
}

fn check_gradients(decoder: &mut Decoder, batch: &MicroBatch) {
    let shape = decoder.activation_shape(batch.tokens(), Recompute::Light, true);
    let device = Arc::clone(&decoder.device);
    let mut activations =
        Activations::new(&decoder.spec.clone(), shape, &mut |element, len| device.allocate(element, len));
    let on_device = decoder.device.upload_batch(batch);
    decoder.forward_backward(&on_device, &mut activations, 1.0);
    let count = decoder.trained().count();
    for index in 0..count {
        let parameter = decoder.trained().nth(index).unwrap();
        let (name, values) = (parameter.name.clone(), decoder.device.download_weight(&parameter.weight));
        let gradient = decoder.device.download(&parameter.trained.as_ref().unwrap().gradient);
        // Along the gradient itself the change is largest against rounding.
        let squares: f64 = gradient.iter().map(|g| f64::from(*g).powi(2)).sum();
        let step = (0.02 / squares.sqrt()) as f32;
        let mut at = |sign: f32| {
            let moved: Vec<f32> = values.iter().zip(&gradient).map(|(w, g)| w + sign * step * g).collect();
            write(decoder, index, &moved);
            loss(decoder, batch, &mut activations)
        };
        let measured = (at(1.0) - at(-1.0)) / (2.0 * f64::from(step));
        write(decoder, index, &values);
        assert!(
            (measured - squares).abs() < 0.02 * squares + 1e-6,
            "{name}: {measured} measured, {squares} computed"
        );
    }
}

pub fn write(decoder: &mut Decoder, index: usize, values: &[f32]) {
    let device = Arc::clone(&decoder.device);
    let parameter = decoder.trained_mut().nth(index).unwrap();
    device.write(values, parameter.values_mut().unwrap());
}

#[test]
fn a_run_folder_has_one_writer_and_bad_input_is_named() {
    let bench = Bench::new();
    let holder = fs::File::create({
        fs::create_dir(bench.path("held")).unwrap();
        bench.path("held/.lock")
    })
    .unwrap();
    holder.try_lock().unwrap();
    fs::write(bench.path("held/.lock"), "4711").unwrap();
    let error = |options: &TrainOptions| {
        train(options, &AtomicBool::new(false), &mut |_| {}).unwrap_err().to_string()
    };
    let refused = error(&bench.options("held"));
    assert!(refused.contains("4711"), "{refused}");

    let rows = [
        (TrainOptions { rank: 0, ..bench.options("a") }, "rank"),
        (TrainOptions { length: RunLength::Steps(0), ..bench.options("b") }, "max_steps"),
        (TrainOptions { target_modules: vec!["c_attn".into()], ..bench.options("c") }, "q_proj"),
        (TrainOptions { data: bench.path("nowhere.jsonl"), ..bench.options("d") }, "nowhere.jsonl"),
        (TrainOptions { model: bench.path("nowhere"), ..bench.options("e") }, "nowhere"),
        (
            TrainOptions {
                method: Method::Full,
                learning_rate: 1e30,
                max_grad_norm: 0.0,
                ..bench.options("f")
            },
            "diverged",
        ),
    ];
    for (options, want) in rows {
        let message = error(&options);
        assert!(message.contains(want), "{want}: {message}");
    }
}
