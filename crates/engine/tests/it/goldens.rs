//! A real trained model and PEFT's own training curves. Skipped, and said, without `FTF_TESTDATA`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use engine::adapters::peft::Adapter;
use engine::device::Precision;
use engine::device::cpu::CpuDevice;
use engine::generation::{GenerationOptions, Sampling, generate, score};
use engine::models::{Decoder, adapt, load, spec_of};
use engine::tokenizer::Tokenizer;
use engine::trainer::options::OrderName;
use engine::trainer::{RunLength, Schedule, StepReport, TrainEvent, TrainOptions, train};
use engine::weights::ModelConfig;
use serde_json::Value;

fn testdata(name: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("FTF_TESTDATA") else {
        eprintln!("skipped: FTF_TESTDATA is not set");
        return None;
    };
    Some(PathBuf::from(root).join(name))
}

fn golden(path: PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn stories(adapter: Option<PathBuf>) -> Option<(Decoder, Tokenizer)> {
    let dir = testdata("weights/stories260K-hf")?;
    let device = Arc::new(CpuDevice::new(2));
    let mut decoder = load::load(&dir, device, Precision::F32, load::Base::Frozen).unwrap();
    if let Some(adapter) = adapter {
        adapt::attach_adapter(&mut decoder, &Adapter::read(&adapter).unwrap(), false).unwrap();
    }
    Some((decoder, Tokenizer::open(&dir).unwrap()))
}

#[test]
fn greedy_text_from_bos_is_equal_to_the_last_character() {
    let Some((decoder, tokenizer)) = stories(None) else { return };
    let page = std::fs::read_to_string(testdata("weights/stories260K/stories260K.md").unwrap()).unwrap();
    let start = page.find("Once upon a time").unwrap();
    let want: String = page[start..].chars().take(565).collect();
    let options = GenerationOptions {
        sampling: Sampling::default(),
        max_tokens: 256,
        stop: vec![],
        stop_ids: vec![],
        with_adapter: true,
    };
    let prompt = tokenizer.encode_raw_prompt("");
    let mut streamed = String::new();
    let answer = generate(&decoder, &tokenizer, &prompt, &options, &AtomicBool::new(false), &mut |text| {
        streamed.push_str(text)
    })
    .unwrap();
    assert_eq!(answer.text.trim_start().chars().take(565).collect::<String>(), want);
    assert_eq!(answer.text, streamed, "what was streamed is the text");
}

fn check_logits(decoder: &Decoder, tokenizer: &Tokenizer, cases: &Value) {
    for case in cases.as_array().unwrap() {
        let text = case["text"].as_str().unwrap();
        let ids = tokenizer.encode_raw_prompt(text);
        assert_eq!(serde_json::json!(ids), case["ids"], "{text}");
        let (logits, nll) = score(decoder, &ids).unwrap();
        let want: Vec<f32> = serde_json::from_value(case["last_logits"].clone()).unwrap();
        let worst = logits.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 2e-3, "{text}: logits are off by {worst}");
        let nll_error = (nll.unwrap() - case["mean_nll"].as_f64().unwrap()).abs();
        assert!(nll_error < 5e-4, "{text}: loss is off by {nll_error}");
    }
}

#[test]
fn logits_agree_with_transformers() {
    let Some((decoder, tokenizer)) = stories(None) else { return };
    let golden = golden(testdata("weights/stories260K-hf.golden.json").unwrap());
    check_logits(&decoder, &tokenizer, golden.get("base").unwrap_or(&golden["after"]));
}

#[test]
fn specs_of_published_models_have_their_number_of_parameters() {
    let Some(dir) = testdata("configs") else { return };
    let counts = golden(dir.join("param_counts.json"));
    for (name, want) in counts.as_object().unwrap() {
        let path = dir.join(format!("{name}.config.json"));
        let config = ModelConfig::from_json(&path, golden(path.clone())).unwrap();
        assert_eq!(spec_of(&config).unwrap().parameters() as u64, want["parameters"], "{name}");
    }
}

#[test]
fn logits_with_adapters_agree_with_peft() {
    for name in ["lora_qv_r4", "lora_all_r8"] {
        let Some(dir) = testdata(&format!("weights/peft/{name}")) else { return };
        let (decoder, tokenizer) = stories(Some(dir.join("final"))).unwrap();
        check_logits(&decoder, &tokenizer, &golden(dir.join("golden.json"))["after"]);
    }
}

#[test]
fn training_follows_the_curve_of_peft() {
    for name in ["lora_qv_r4", "lora_all_r8"] {
        let Some(dir) = testdata(&format!("weights/peft/{name}")) else { return };
        let golden = golden(dir.join("golden.json"));
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("rows.jsonl");
        let rows: Vec<String> = golden["examples"].as_array().unwrap().iter().map(Value::to_string).collect();
        std::fs::write(&data, rows.join("\n")).unwrap();
        let options = TrainOptions {
            init_adapter: Some(dir.join("init")),
            length: RunLength::Steps(golden["steps"].as_u64().unwrap()),
            learning_rate: golden["optimizer"]["lr"].as_f64().unwrap(),
            schedule: Schedule::Constant,
            max_grad_norm: golden["optimizer"]["clip_grad_norm"].as_f64().unwrap(),
            micro_batch_size: golden["batch_size"].as_u64().unwrap() as usize,
            max_seq_len: 512,
            order: OrderName::File,
            packing: false,
            ..TrainOptions::new(testdata("weights/stories260K-hf").unwrap(), data, folder.path().join("run"))
        };
        let mut steps: Vec<StepReport> = Vec::new();
        train(&options, &AtomicBool::new(false), &mut |event| {
            if let TrainEvent::Step(step) = event {
                steps.push(step);
            }
        })
        .unwrap();
        assert_eq!(steps.len(), 40, "{name}");
        for (i, (step, want)) in
            steps.iter().zip(golden["loss_and_grad_norm"].as_array().unwrap()).take(15).enumerate()
        {
            let (loss, norm) = (want[0].as_f64().unwrap(), want[1].as_f64().unwrap());
            assert!(
                (step.loss - loss).abs() <= 0.002 + 0.001 * i as f64,
                "{name} step {}: loss {} want {loss}",
                i + 1,
                step.loss
            );
            assert!(
                (step.grad_norm - norm).abs() <= 0.02 * norm + 0.01,
                "{name} step {}: norm {} want {norm}",
                i + 1,
                step.grad_norm
            );
        }
    }
}
