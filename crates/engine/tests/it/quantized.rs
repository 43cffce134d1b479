//! Frozen weights in NF4, 8 bits and f16: the numbers of bitsandbytes, training on them, and what they cost.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::families::write_tokenizer;
use engine::adapters::peft::Adapter;
use engine::batching::MicroBatch;
use engine::device::cpu::CpuDevice;
use engine::device::{LossSum, Precision, WeightFormat};
use engine::models::activations::{Activations, Recompute};
use engine::models::load::{self, Base, BaseFormats};
use engine::models::{Decoder, adapt, spec_of};
use engine::quantization::nf4::Nf4;
use engine::trainer::memory_plan::weight_bytes;
use engine::trainer::options::{BasePrecisionName, PrecisionName, base_formats};
use engine::trainer::{Method, RunLength, TrainEvent, TrainOptions, train};
use engine::weights::{
    DType, ModelConfig, SafetensorsDir, TensorSpec, WeightsError, f16_to_f32, f32_to_f16, write_safetensors,
};
use serde_json::json;
use tempfile::TempDir;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn family(name: &str) -> PathBuf {
    fixtures().join("families").join(name)
}

/// The file is made by `tests/fixtures/make_nf4.py`.
#[test]
fn nf4_has_the_values_of_bitsandbytes_to_the_last_bit() {
    let files = SafetensorsDir::open_file(&fixtures().join("nf4.safetensors")).unwrap();
    let cases: Vec<&str> = files.names().filter_map(|name| name.strip_suffix(".values")).collect();
    assert_eq!(cases.len(), 11);
    for case in cases {
        let of = |what: &str| files.tensor(&format!("{case}.{what}")).unwrap().to_f32();
        let (found, want) = (Nf4::quantize(&of("values")).dequantize(), of("dequantized"));
        assert_eq!(found.len(), want.len(), "{case}");
        // Only the last bit of the scales' mean is PyTorch's own.
        let tolerance = if case == "inexact_mean" { 2.5e-7 } else { 0.0 };
        let off =
            found.iter().zip(&want).position(|(found, want)| (found - want).abs() > tolerance * want.abs());
        assert_eq!(off, None, "{case}");
    }
}

fn decoder(model: &Path, precision: Precision, formats: BaseFormats, adapter: Option<&Path>) -> Decoder {
    let device = Arc::new(CpuDevice::new(2));
    let mut decoder = load::load(model, device, precision, Base::FrozenAs(formats)).unwrap();
    if let Some(adapter) = adapter {
        adapt::attach_adapter(&mut decoder, &Adapter::read(adapter).unwrap(), true).unwrap();
    }
    decoder
}

/// A model folder with the weights that this decoder computes with, in f32.
fn written_out(model: &Path, decoder: &Decoder) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(model.join("config.json"), folder.path().join("config.json")).unwrap();
    let base: Vec<_> = decoder.parameters().filter(|parameter| !parameter.name.contains(".lora_")).collect();
    let spec = |name: &str, shape: &[usize]| TensorSpec {
        name: name.to_owned(),
        dtype: DType::F32,
        shape: shape.to_vec(),
    };
    let specs: Vec<TensorSpec> =
        base.iter().map(|parameter| spec(&parameter.name, &parameter.shape)).collect();
    write_safetensors::<WeightsError>(
        &folder.path().join("model.safetensors"),
        &[],
        &specs,
        |index, bytes| {
            DType::F32.encode(&decoder.device.download_weight(&base[index].weight), bytes);
            Ok(())
        },
    )
    .unwrap();
    folder
}

fn batch() -> MicroBatch {
    let mut batch = MicroBatch::default();
    for (row, len) in [21u32, 40, 3].into_iter().enumerate() {
        let ids: Vec<u32> = (0..len).map(|i| (13 * i + 29 * row as u32) % 120 + 3).collect();
        batch.push_row(row, &ids, ids.iter().map(|&id| id as i32));
    }
    batch
}

/// Loss and the gradients of the adapter.
fn gradients(decoder: &mut Decoder) -> (LossSum, Vec<(String, Vec<f32>)>) {
    let batch = batch();
    let shape = decoder.activation_shape(batch.tokens(), Recompute::Light, true);
    let device = Arc::clone(&decoder.device);
    let mut work = Activations::new(&decoder.spec, shape, &mut |element, len| device.allocate(element, len));
    let loss = decoder.forward_backward(&device.upload_batch(&batch), &mut work, 0.1);
    let gradient = |parameter: &engine::models::parameter::Parameter| {
        (parameter.name.clone(), device.download(&parameter.trained.as_ref().unwrap().gradient))
    };
    (loss, decoder.trained().map(gradient).collect())
}

#[test]
fn gradients_on_a_quantized_base_are_those_on_its_values_in_f32() {
    for name in ["llama", "gemma2", "phi3", "qwen2"] {
        let (model, adapter) = (family(name), family(name).join("adapter"));
        for linear in [WeightFormat::Nf4, WeightFormat::Q8, WeightFormat::F16] {
            let formats = BaseFormats { linear, table: WeightFormat::F32 };
            let mut quantized = decoder(&model, Precision::F32, formats, Some(&adapter));
            let values = written_out(&model, &quantized);
            let f32 = BaseFormats::all(WeightFormat::F32);
            let mut plain = decoder(values.path(), Precision::F32, f32, Some(&adapter));
            let (found, want) = (gradients(&mut quantized), gradients(&mut plain));
            assert!(want.1.iter().any(|(_, gradient)| gradient.iter().any(|g| *g != 0.0)), "{name}");
            assert!(found == want, "{name} {linear:?}: loss {:?} and {:?}", found.0, want.0);
        }
    }
}

#[test]
fn tables_in_f16_are_their_values_in_f32() {
    let model = family("llama");
    let adapter = model.join("adapter");
    let halves = BaseFormats::all(WeightFormat::F16);
    let mut half = decoder(&model, Precision::F32, halves, Some(&adapter));
    let original = decoder(&model, Precision::F32, BaseFormats::all(WeightFormat::F32), None);
    let (want, found) = (&original.embedding, &half.embedding);
    let rounded = |values: Vec<f32>| values.iter().map(|x| f16_to_f32(f32_to_f16(*x))).collect::<Vec<f32>>();
    let want = rounded(original.device.download_weight(&want.weight));
    assert_eq!(half.device.download_weight(&found.weight), want);
    let values = written_out(&model, &half);
    let mut plain =
        decoder(values.path(), Precision::F32, BaseFormats::all(WeightFormat::F32), Some(&adapter));
    assert!(gradients(&mut half) == gradients(&mut plain));
}

#[test]
fn the_plan_counts_every_format() {
    for name in ["llama", "phi3", "gemma3_text"] {
        for precision in [PrecisionName::F32, PrecisionName::Bf16, PrecisionName::F16] {
            let names = [
                BasePrecisionName::F32,
                BasePrecisionName::Bf16,
                BasePrecisionName::Nf4,
                BasePrecisionName::Q8,
            ];
            for base in std::iter::once(None).chain(names.map(Some)) {
                let base = base_formats(precision, base);
                let decoder = decoder(&family(name), precision.into(), base, None);
                let held: usize = decoder.parameters().map(|parameter| parameter.weight.bytes()).sum();
                assert_eq!(weight_bytes(&decoder.spec, base), held as u64, "{name} {base:?}");
            }
        }
    }
}

#[test]
fn nf4_takes_less_than_half_of_bf16() {
    // Qwen2.5-0.5B, whose tied table is more than a quarter of it.
    let config = json!({
        "model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], "vocab_size": 151_936, "hidden_size": 896,
        "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2,
        "max_position_embeddings": 32_768, "rms_norm_eps": 1e-6, "rope_theta": 1_000_000.0,
        "tie_word_embeddings": true, "hidden_act": "silu", "use_sliding_window": false,
    });
    let spec = spec_of(&ModelConfig::from_json(Path::new("config.json"), config).unwrap()).unwrap();
    assert_eq!(spec.parameters(), 494_032_768);
    let weights = |base| weight_bytes(&spec, base_formats(PrecisionName::Bf16, base)) as f64;
    let share = |base| weights(Some(base)) / weights(None);
    assert!(share(BasePrecisionName::Nf4) < 0.47, "{}", share(BasePrecisionName::Nf4));
    assert!(share(BasePrecisionName::Q8) < 0.67, "{}", share(BasePrecisionName::Q8));
}

/// A run of some steps on the bundled tokenizer's ids; the fixture's models have no tokenizer of their own.
fn run(folder: &Path, name: &str, change: impl Fn(&mut TrainOptions)) -> (Vec<f64>, Vec<String>) {
    let model = folder.join("model");
    if !model.exists() {
        fs::create_dir(&model).unwrap();
        for file in ["config.json", "model.safetensors"] {
            fs::copy(family("llama").join(file), model.join(file)).unwrap();
        }
        write_tokenizer(&model, 3);
        let row = |row: u32| {
            let ids: Vec<u32> = (0..20 + row).map(|i| (7 * i + 3 * row) % 60 + 3).collect();
            json!({"input_ids": ids, "labels": ids}).to_string()
        };
        let rows: Vec<String> = (0..8).map(row).collect();
        fs::write(folder.join("rows.jsonl"), rows.join("\n")).unwrap();
    }
    let mut options = TrainOptions {
        length: RunLength::Steps(30),
        learning_rate: 2e-2,
        max_seq_len: 64,
        threads: 2,
        checkpoint_steps: 0,
        ..TrainOptions::new(model, folder.join("rows.jsonl"), folder.join(name))
    };
    change(&mut options);
    told(&options)
}

/// The losses and warnings of a run.
fn told(options: &TrainOptions) -> (Vec<f64>, Vec<String>) {
    let (mut losses, mut warnings) = (Vec::new(), Vec::new());
    train(options, &AtomicBool::new(false), &mut |event| match event {
        TrainEvent::Step(step) => losses.push(step.loss),
        TrainEvent::Warning(notice) => warnings.push(notice.message),
        _ => {}
    })
    .unwrap();
    (losses, warnings)
}

#[test]
fn runs_learn_on_every_base_and_say_what_f16_means() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, _) = run(folder.path(), "plain", |_| {});
    let bases = [BasePrecisionName::Bf16, BasePrecisionName::Q8, BasePrecisionName::Nf4];
    for (base, tolerance) in bases.into_iter().zip([0.01, 0.01, 0.05]) {
        let (losses, _) =
            run(folder.path(), &format!("{base:?}"), |options| options.base_precision = Some(base));
        let mean = |losses: &[f64]| losses[20..].iter().sum::<f64>() / 10.0;
        assert!(mean(&plain) < 0.5 * plain[0], "{plain:?}");
        // The last ten steps of thirty, against where they came from.
        let gap = (mean(&losses) - mean(&plain)).abs() / plain[0];
        assert!(gap < tolerance, "{base:?}: {losses:?} beside {plain:?}");
    }
    let (_, warnings) = run(folder.path(), "f16", |options| options.precision = PrecisionName::F16);
    assert!(
        warnings.iter().any(|message| message.contains("f16") && message.contains("f32")),
        "{warnings:?}"
    );
}

#[test]
fn a_quantized_base_cannot_be_trained_itself() {
    let options = TrainOptions::new("model".into(), "rows".into(), "out".into());
    let refused = |options: TrainOptions| options.check().unwrap_err().to_string();
    let full = TrainOptions { method: Method::Full, ..options.clone() };
    let nf4 = TrainOptions { base_precision: Some(BasePrecisionName::Nf4), ..full.clone() };
    assert!(refused(nf4).contains("base_precision"));
    let f16 = TrainOptions { precision: PrecisionName::F16, ..full.clone() };
    assert!(refused(f16).contains("precision"));
    full.check().unwrap();
    TrainOptions { base_precision: Some(BasePrecisionName::Nf4), ..options.clone() }.check().unwrap();

    let mut older = serde_json::to_value(&options).unwrap();
    older.as_object_mut().unwrap().remove("base_precision");
    assert_eq!(
        serde_json::from_value::<TrainOptions>(older).unwrap(),
        options,
        "files of earlier versions load"
    );
}

/// A model that has learned something: quantization must leave it that, and training on it must go the same way.
#[test]
fn the_bundled_model_keeps_what_it_knows_and_learns_alike_in_nf4() {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../base-model/model");
    let folder = tempfile::tempdir().unwrap();
    let row = |i: usize| {
        let (thing, place) = (["key", "lamp", "map", "cup"][i % 4], ["hall", "kitchen", "garden"][i % 3]);
        let talk = json!([
            { "role": "user", "content": format!("Where is the {thing} of house {i}?") },
            { "role": "assistant", "content": format!("The {thing} of house {i} is in the {place}.") },
        ]);
        json!({ "messages": talk }).to_string()
    };
    fs::write(folder.path().join("rows.jsonl"), (0..12).map(row).collect::<Vec<_>>().join("\n")).unwrap();
    let losses = |base: BasePrecisionName| {
        let options = TrainOptions {
            length: RunLength::Steps(20),
            learning_rate: 1e-3,
            precision: PrecisionName::Bf16,
            base_precision: Some(base),
            max_seq_len: 256,
            checkpoint_steps: 0,
            threads: 2,
            ..TrainOptions::new(
                model.clone(),
                folder.path().join("rows.jsonl"),
                folder.path().join(format!("{base:?}")),
            )
        };
        told(&options).0
    };
    let (plain, quantized) = (losses(BasePrecisionName::Bf16), losses(BasePrecisionName::Nf4));
    println!("bf16 {plain:?}\nNF4 {quantized:?}");
    assert!(plain[19] < 0.6 * plain[0], "the run learns: {plain:?}");
    for (step, (plain, quantized)) in plain.iter().zip(&quantized).enumerate() {
        assert!((quantized / plain - 1.0).abs() < 0.05, "step {}: {quantized} and {plain}", step + 1);
    }
}
