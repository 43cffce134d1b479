//! From a file's bytes to weights on the device: every type into every format, and what is refused.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use crate::families::write_tokenizer;
use engine::device::cpu::CpuDevice;
use engine::device::{Device, Precision, StoredValues, WeightFormat};
use engine::models::load::{self, Base, BaseFormats};
use engine::quantization::nf4::Nf4;
use engine::quantization::q8::Q8;
use engine::trainer::{RunLength, TrainOptions, train};
use engine::weights::{
    DType, SafetensorsDir, TensorSpec, WeightsError, bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16,
    write_safetensors,
};
use tempfile::TempDir;

const DTYPES: [DType; 3] = [DType::F32, DType::F16, DType::BF16];
const FORMATS: [WeightFormat; 5] =
    [WeightFormat::F32, WeightFormat::Bf16, WeightFormat::F16, WeightFormat::Nf4, WeightFormat::Q8];

/// Numbers in -1..1, among them some that f16 holds with fewer digits.
fn numbers(count: usize) -> Vec<f32> {
    let number = |i: usize| ((i * 7919 + 31) % 20_011) as f32 / 10_005.5 - 1.0;
    (0..count).map(|i| if i % 97 == 0 { 1e-5 * number(i) } else { number(i) }).collect()
}

/// What a weight in `format` holds for `values`.
fn rounded(values: &[f32], format: WeightFormat) -> Vec<f32> {
    match format {
        WeightFormat::F32 => values.to_vec(),
        WeightFormat::Bf16 => values.iter().map(|x| bf16_to_f32(f32_to_bf16(*x))).collect(),
        WeightFormat::F16 => values.iter().map(|x| f16_to_f32(f32_to_f16(*x))).collect(),
        WeightFormat::Nf4 => Nf4::quantize(values).dequantize(),
        WeightFormat::Q8 => Q8::quantize(values).dequantize(),
    }
}

/// The bytes of some values.
fn part(dtype: DType, bytes: &[u8], values: Range<usize>) -> &[u8] {
    &bytes[values.start * dtype.size_bytes()..values.end * dtype.size_bytes()]
}

#[test]
fn every_type_on_disk_becomes_every_format() {
    // The second is more than one task converts at a time, and no whole number of blocks.
    for [rows, columns] in [[3, 37], [5, 104_860]] {
        for dtype in DTYPES {
            // An odd address, as an odd header makes it.
            let mut bytes = vec![0];
            dtype.encode(&numbers(rows * columns), &mut bytes);
            let values = dtype.decode(&bytes[1..]);
            for format in FORMATS {
                let asked = Mutex::new(vec![false; rows * columns]);
                let read = |range: Range<usize>, show: &mut dyn FnMut(&[u8])| {
                    let mut asked = asked.lock().unwrap();
                    asked[range.clone()]
                        .iter_mut()
                        .for_each(|asked| assert!(!std::mem::replace(asked, true)));
                    drop(asked);
                    show(part(dtype, &bytes[1..], range));
                };
                let stored = StoredValues { dtype, len: rows * columns, read: &read };
                let device = CpuDevice::new(2);
                let weight = device.upload_stored(&stored, rows, columns, format).unwrap();
                let what = format!("{dtype:?} to {format:?}, {rows} × {columns}");
                assert!(device.download_weight(&weight) == rounded(&values, format), "{what}");
                assert_eq!(weight.bytes(), format.size_bytes(rows * columns), "{what}");
                assert!(asked.lock().unwrap().iter().all(|asked| *asked), "{what}: each value is read once");
            }
        }
    }
}

#[test]
fn values_that_are_no_finite_numbers_are_found() {
    let device = CpuDevice::new(2);
    let len = (1 << 19) + 77;
    for dtype in DTYPES {
        for (index, value) in [(0, f32::NAN), (len - 1, f32::INFINITY), (1 << 19, f32::NEG_INFINITY)] {
            let mut values = vec![0.5; len];
            values[index] = value;
            let mut bytes = Vec::new();
            dtype.encode(&values, &mut bytes);
            for format in FORMATS {
                let read =
                    |range: Range<usize>, show: &mut dyn FnMut(&[u8])| show(part(dtype, &bytes, range));
                let stored = StoredValues { dtype, len, read: &read };
                let bad = device.upload_stored(&stored, 1, len, format).err().unwrap();
                assert_eq!(
                    (bad.index, bad.value.to_bits() >> 23),
                    (index, value.to_bits() >> 23),
                    "{dtype:?} {format:?}"
                );
            }
        }
    }
    let mut bytes = Vec::new();
    DType::F32.encode(&[1.0, 65_519.0, 65_520.0], &mut bytes);
    let read = |range: Range<usize>, show: &mut dyn FnMut(&[u8])| show(part(DType::F32, &bytes, range));
    let stored = StoredValues { dtype: DType::F32, len: 3, read: &read };
    assert_eq!(device.upload_stored(&stored, 1, 3, WeightFormat::F16).err().unwrap().index, 2, "beyond f16");
    assert!(device.upload_stored(&stored, 1, 3, WeightFormat::Bf16).is_ok());
}

fn fixture() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/families/llama")
}

/// A copy of a fixture's model whose tensors went through `change`: (name, type, values).
fn changed(change: impl Fn(&str, &mut DType, &mut Vec<f32>)) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture().join("config.json"), folder.path().join("config.json")).unwrap();
    let files = SafetensorsDir::open(&fixture()).unwrap();
    let tensors: Vec<(TensorSpec, Vec<f32>)> = files
        .names()
        .map(|name| {
            let tensor = files.tensor(name).unwrap();
            let (mut dtype, mut values) = (tensor.dtype, tensor.to_f32());
            change(name, &mut dtype, &mut values);
            (TensorSpec { name: name.to_owned(), dtype, shape: tensor.shape.to_vec() }, values)
        })
        .collect();
    let specs: Vec<TensorSpec> = tensors.iter().map(|(spec, _)| spec.clone()).collect();
    write_safetensors::<WeightsError>(
        &folder.path().join("model.safetensors"),
        &[],
        &specs,
        |index, bytes| {
            specs[index].dtype.encode(&tensors[index].1, bytes);
            Ok(())
        },
    )
    .unwrap();
    folder
}

fn error(dir: &Path, base: Base) -> String {
    load::load(dir, Arc::new(CpuDevice::new(1)), Precision::Bf16, base).err().expect("refused").to_string()
}

#[test]
fn weights_that_are_not_numbers_are_refused_by_name() {
    let matrix = "model.layers.1.mlp.up_proj.weight";
    for (wanted, index, place) in [(matrix, 35, "[1, 3]"), ("model.norm.weight", 5, "[5]")] {
        let model = changed(|name, _, values| {
            if name == wanted {
                values[index] = f32::NAN;
            }
        });
        let formats = BaseFormats { linear: WeightFormat::Nf4, table: WeightFormat::Bf16 };
        for base in [Base::Frozen, Base::FrozenAs(formats), Base::Trained] {
            let message = error(model.path(), base);
            assert!(
                message.contains(wanted) && message.contains(place) && message.contains("NaN"),
                "{message}"
            );
        }
    }
    let model = changed(|name, dtype, values| {
        *dtype = DType::F32;
        if name == matrix {
            values[0] = -1e6;
        }
    });
    let message = error(model.path(), Base::FrozenAs(BaseFormats::all(WeightFormat::F16)));
    assert!(message.contains(matrix) && message.contains("f16") && message.contains("bf16"), "{message}");
}

#[test]
fn tensors_of_a_wrong_type_are_refused_by_name() {
    let folder = changed(|_, _, _| {});
    let path = folder.path().join("model.safetensors");
    let bytes = fs::read(&path).unwrap();
    // The same bytes under another type's name of the same length and size.
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&bytes[8..8 + length]).unwrap();
    let name = "\"model.layers.0.self_attn.k_proj.weight\":{\"dtype\":\"";
    let at = header.find(name).expect("the header names the tensor") + name.len();
    let mut damaged = bytes.clone();
    damaged[8 + at..][..5].copy_from_slice(b"I16\" ");
    fs::write(&path, damaged).unwrap();
    let message = error(folder.path(), Base::Frozen);
    assert!(message.contains("k_proj.weight") && message.contains("I16"), "{message}");
}

#[test]
fn a_model_is_the_same_whatever_type_its_files_have() {
    let device = || Arc::new(CpuDevice::new(2));
    let original = load::load(&fixture(), device(), Precision::F32, Base::Frozen).unwrap();
    for wanted in DTYPES {
        let folder = changed(|_, dtype, _| *dtype = wanted);
        let formats =
            BaseFormats::all(if wanted == DType::F16 { WeightFormat::F16 } else { WeightFormat::Bf16 });
        let loaded = load::load(folder.path(), device(), Precision::F32, Base::FrozenAs(formats)).unwrap();
        for (a, b) in original.parameters().zip(loaded.parameters()) {
            let (want, found) =
                (original.device.download_weight(&a.weight), loaded.device.download_weight(&b.weight));
            let want = if wanted == DType::F16 { rounded(&want, WeightFormat::F16) } else { want };
            assert_eq!((&a.name, found), (&b.name, want), "{wanted:?}");
        }
    }
}

#[test]
fn a_tokenizer_with_more_tokens_than_the_model_is_refused() {
    let folder = changed(|_, _, _| {});
    let rows = folder.path().join("rows.jsonl");
    fs::write(&rows, "{\"input_ids\": [3, 4, 5], \"labels\": [3, 4, 5]}").unwrap();
    let train_with = |words: usize| {
        write_tokenizer(folder.path(), words);
        let out = folder.path().join(format!("run-{words}"));
        let options = TrainOptions {
            length: RunLength::Steps(1),
            max_seq_len: 64,
            ..TrainOptions::new(folder.path().to_path_buf(), rows.clone(), out)
        };
        train(&options, &AtomicBool::new(false), &mut |_| {})
    };
    train_with(128).unwrap();
    let message = train_with(129).unwrap_err().to_string();
    assert!(message.contains("129") && message.contains("128"), "{message}");
}
