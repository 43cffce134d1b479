//! The adapter methods against PEFT, on the fixtures of `tests/fixtures/make_methods.py`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::adapters::peft::Adapter;
use engine::batching::MicroBatch;
use engine::device::Precision;
use engine::device::cpu::CpuDevice;
use engine::models::activations::Recompute;
use engine::models::load::{self, Base};
use engine::models::{Decoder, Dropout, adapt};
use engine::weights::SafetensorsDir;
use serde_json::Value;

use crate::families::{TOLERANCE, check_curve, gradients, logits, numbers, relative_l2, relative_max};

struct Case {
    name: String,
    dir: PathBuf,
    family: PathBuf,
    golden: Value,
    tensors: SafetensorsDir,
}

fn cases() -> Vec<Case> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let methods = fs::read_dir(fixtures.join("methods")).unwrap();
    let mut dirs: Vec<PathBuf> = methods.map(|entry| entry.unwrap().path()).collect();
    dirs.sort();
    assert!(dirs.len() >= 8, "fixtures are missing");
    let case = |dir: PathBuf| {
        let golden: Value = serde_json::from_slice(&fs::read(dir.join("golden.json")).unwrap()).unwrap();
        Case {
            name: dir.file_name().unwrap().to_string_lossy().into_owned(),
            family: fixtures.join("families").join(golden["family"].as_str().unwrap()),
            tensors: SafetensorsDir::open_file(&dir.join("golden.safetensors")).unwrap(),
            golden,
            dir,
        }
    };
    dirs.into_iter().map(case).collect()
}

impl Case {
    fn decoder(&self, precision: Precision) -> Decoder {
        let device = Arc::new(CpuDevice::new(2));
        let mut decoder = load::load(&self.family, device, precision, Base::Frozen).unwrap();
        let adapter = self.adapter();
        adapt::attach_adapter(&mut decoder, &adapter, true).unwrap();
        assert_eq!(adapter.config.lora_dropout, self.number("dropout"), "{}", self.name);
        decoder.set_lora_plus_ratio(self.number("lora_plus_ratio") as f32);
        decoder
    }

    fn adapter(&self) -> Adapter {
        Adapter::read(&self.dir.join("adapter")).unwrap()
    }

    fn number(&self, key: &str) -> f64 {
        self.golden[key].as_f64().unwrap()
    }

    /// Rows of a batch, packed.
    fn rows(&self, index: usize, of: std::ops::RangeFrom<usize>) -> MicroBatch {
        let mut batch = MicroBatch::default();
        for (row, golden) in self.golden["batches"][index].as_array().unwrap()[of].iter().enumerate() {
            let labels: Vec<i32> = numbers(&golden["labels"]);
            batch.push_row(row, &numbers::<u32>(&golden["ids"]), labels.into_iter());
        }
        batch
    }

    fn dropout(&self, step: u64) -> Option<Dropout> {
        let probability = self.number("dropout") as f32;
        // The script makes its keys of the step alone.
        (probability > 0.0).then_some(Dropout { probability, key: step, first_token: 0 })
    }
}

#[test]
fn logits_of_adapted_models_agree_with_peft() {
    for case in cases() {
        let (found, _) = logits(&case.decoder(Precision::F32), &case.rows(0, 2..));
        let error = relative_max(&found, &case.tensors.tensor("logits").unwrap().to_f32());
        eprintln!("{}: logits {error:.1e}", case.name);
        assert!(error < TOLERANCE, "{}: logits are off by {error}", case.name);
    }
}

#[test]
fn every_gradient_of_every_method_agrees_with_peft() {
    for case in cases() {
        let mut decoder = case.decoder(Precision::F32);
        decoder.dropout = case.dropout(case.golden["key"].as_u64().unwrap());
        let (loss, found) = gradients(&mut decoder, &[case.rows(0, 0..)], Recompute::Light);
        let loss = (loss - case.number("loss")).abs();
        assert!(loss < TOLERANCE, "{}: the loss is off by {loss}", case.name);
        let names: Vec<&str> =
            case.tensors.names().filter_map(|name| name.strip_prefix("grad_lora.")).collect();
        assert!(found.keys().eq(names.iter()), "{}: {:?}", case.name, found.keys());
        let error = |name: &str| {
            relative_l2(&found[name], &case.tensors.tensor(&format!("grad_lora.{name}")).unwrap().to_f32())
        };
        let worst =
            names.into_iter().map(|name| (error(name), name)).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
        eprintln!("{}: gradients {:.1e} ({}), loss {loss:.1e}", case.name, worst.0, worst.1);
        assert!(worst.0 < TOLERANCE, "{}: the gradient of {} is off by {}", case.name, worst.1, worst.0);
    }
}

#[test]
fn bf16_products_stay_close_to_f32_with_every_method() {
    for case in cases() {
        for recompute in [Recompute::None, Recompute::Light, Recompute::Full] {
            let mut decoder = case.decoder(Precision::Bf16);
            decoder.dropout = case.dropout(case.golden["key"].as_u64().unwrap());
            let (loss, found) = gradients(&mut decoder, &[case.rows(0, 0..)], recompute);
            assert!((loss - case.number("loss")).abs() < 0.05, "{}: the loss is {loss}", case.name);
            for (name, gradient) in found {
                let want = case.tensors.tensor(&format!("grad_lora.{name}")).unwrap().to_f32();
                // Roundings of 2^-9 in each of some twenty products that a gradient passes.
                let error = relative_l2(&gradient, &want);
                assert!(error < 0.1, "{}: the gradient of {name} is off by {error}", case.name);
            }
        }
    }
}

#[test]
fn training_with_every_method_follows_the_curve_of_peft() {
    for case in cases() {
        let mut decoder = case.decoder(Precision::F32);
        let batches: Vec<MicroBatch> = (0..3).map(|index| case.rows(index, 0..)).collect();
        // Decides which buffers there are.
        decoder.dropout = case.dropout(0);
        check_curve(&case.name, &case.golden, &mut decoder, Recompute::Full, &batches, |decoder, step| {
            decoder.dropout = case.dropout(step);
        });
    }
}

#[test]
fn merged_weights_agree_with_those_that_peft_merges() {
    for case in cases() {
        let name = case.tensors.names().find_map(|name| name.strip_prefix("merged.")).unwrap();
        let base = SafetensorsDir::open(&case.family).unwrap();
        let view = base.tensor(name).unwrap();
        let mut weight = view.to_f32();
        let module = name.strip_suffix(".weight").unwrap();
        assert!(case.adapter().merge_into(module, view.shape, &mut weight).unwrap(), "{}", case.name);
        let want = case.tensors.tensor(&format!("merged.{name}")).unwrap().to_f32();
        let error = relative_max(&weight, &want);
        assert!(error < 1e-6, "{}: {name} is off by {error}", case.name);
    }
}
