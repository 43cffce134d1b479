//! ggml's formats against ggml itself: `tests/fixtures/make_ggml_blocks.py` quantised the same values with llama.cpp's library
//! and read them back with gguf-py.

use std::path::Path;

use engine::quantization::ggml_blocks::{GgmlType, SUPER_BLOCK};
use engine::weights::gguf::GgufFile;

const QUANTISED: [GgmlType; 10] = [
    GgmlType::Q4_0,
    GgmlType::Q4_1,
    GgmlType::Q5_0,
    GgmlType::Q5_1,
    GgmlType::Q8_0,
    GgmlType::Q2_K,
    GgmlType::Q3_K,
    GgmlType::Q4_K,
    GgmlType::Q5_K,
    GgmlType::Q6_K,
];

fn fixture() -> GgufFile {
    GgufFile::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ggml_blocks.gguf")).unwrap()
}

fn values(file: &GgufFile) -> Vec<f32> {
    file.tensor("x").unwrap().to_f32()
}

fn encoded(kind: GgmlType, values: &[f32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    kind.encode(values, &mut bytes);
    bytes
}

/// Root of the mean squared difference.
fn error(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    (a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>() / a.len() as f64).sqrt()
}

#[test]
fn every_type_is_read_to_the_bit_as_gguf_py_reads_it() {
    let file = fixture();
    for kind in QUANTISED {
        let view = file.tensor(kind.name()).unwrap();
        assert_eq!((view.kind, view.shape), (kind, [4, 256].as_slice()));
        let want = file.tensor(&format!("{}.decoded", kind.name())).unwrap().to_f32();
        let found = view.to_f32();
        let differs = want.iter().zip(&found).position(|(a, b)| a.to_bits() << 1 != b.to_bits() << 1);
        assert_eq!(differs.map(|i| (i, want[i], found[i])), None, "{}", kind.name());
    }
}

#[test]
fn blocks_of_32_are_written_to_the_byte_as_ggml_writes_them() {
    let file = fixture();
    for kind in [GgmlType::Q4_0, GgmlType::Q4_1, GgmlType::Q5_0, GgmlType::Q5_1, GgmlType::Q8_0] {
        assert!(encoded(kind, &values(&file)) == file.tensor(kind.name()).unwrap().bytes, "{}", kind.name());
    }
}

#[test]
fn super_blocks_are_written_as_well_as_ggml_writes_them() {
    let file = fixture();
    let x = values(&file);
    for kind in [GgmlType::Q4_K, GgmlType::Q5_K, GgmlType::Q6_K] {
        let bytes = encoded(kind, &x);
        let (ours, theirs) = (kind.decode(&bytes), file.tensor(kind.name()).unwrap().to_f32());
        for row in (0..x.len()).step_by(SUPER_BLOCK) {
            let row = row..row + SUPER_BLOCK;
            let (ours, theirs) =
                (error(&ours[row.clone()], &x[row.clone()]), error(&theirs[row.clone()], &x[row]));
            assert!(ours < 1.03 * theirs, "{}: {ours} against {theirs}", kind.name());
        }
        let (ours, theirs) = (error(&ours, &x), error(&theirs, &x));
        assert!(ours < 1.001 * theirs, "{}: {ours} against {theirs}", kind.name());
    }
}

/// More values than one thread takes at a time give the blocks that each of them gives alone.
#[test]
fn blocks_do_not_depend_on_their_neighbours() {
    let x: Vec<f32> = values(&fixture()).into_iter().cycle().take((1 << 17) + SUPER_BLOCK).collect();
    for kind in [GgmlType::F16, GgmlType::Q5_0, GgmlType::Q4_K, GgmlType::Q6_K] {
        let one_by_one: Vec<u8> = x.chunks(SUPER_BLOCK).flat_map(|x| encoded(kind, x)).collect();
        assert!(encoded(kind, &x) == one_by_one, "{}", kind.name());
    }
}
