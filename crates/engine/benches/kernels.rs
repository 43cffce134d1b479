//! The operations of a training step besides products, at Qwen2.5-0.5B's shape and 1,024 tokens: those that move numbers in
//! GB/s beside a copy of as many bytes, those that compute in GFLOP/s beside the arithmetic units' peak.
//!
//! `cargo bench -p engine --bench kernels -- attention`

#[path = "support/measure.rs"]
mod measure;
#[path = "support/peak.rs"]
mod peak;

use criterion::{Criterion, Throughput};
use engine::batching::MicroBatch;
use engine::device::cpu::{CpuDevice, gemm::isa};
use engine::device::{
    Activation, AdamWStep, AttentionShape, Beta, Buffer, Device, Element, HeadGradient, LossWork, Precision,
    RmsNorm, RotaryShape, WeightFormat,
};
use rayon::prelude::*;

const TOKENS: usize = 1024;
const HIDDEN: usize = 896;
const INTERMEDIATE: usize = 4864;
const VOCABULARY: usize = 151_936;
/// Numbers in the adapters of rank 16 on all linear layers.
const TRAINED: usize = 8_798_208;
const ATTENTION: AttentionShape = AttentionShape {
    heads: 14,
    key_value_heads: 2,
    head_dim: 64,
    scale: 0.125,
    soft_cap: None,
    window: None,
};

fn main() {
    let mut bench = Bench {
        criterion: measure::criterion(),
        device: CpuDevice::new(0),
        peak: peak::peak(isa(), Precision::Bf16),
    };
    println!("{}; bf16 on registers only: {:.0} GFLOP/s", bench.device.description(), bench.peak);
    bench.moving();
    bench.optimizer();
    for lengths in [&[256; 4][..], &[1024], &[4096], &[8192]] {
        bench.attention(lengths);
    }
    bench.loss();
    bench.criterion.final_summary();
}

struct Bench {
    criterion: Criterion,
    device: CpuDevice,
    /// GFLOP/s
    peak: f64,
}

impl Bench {
    fn values(&self, len: usize) -> Buffer {
        self.device.upload(&(0..len).map(|i| (i % 97) as f32 * 0.01 - 0.5).collect::<Vec<f32>>())
    }

    fn batch(&self, lengths: &[usize]) -> engine::device::Batch {
        let mut batch = MicroBatch::default();
        for &len in lengths {
            let ids: Vec<u32> = (0..len as u32).map(|i| i * 37 % 4000).collect();
            let labels: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
            batch.push_row(0, &ids, labels.into_iter());
        }
        self.device.upload_batch(&batch)
    }

    /// `bytes`: read and written.
    fn moves(&mut self, id: &str, bytes: usize, run: impl FnMut(&CpuDevice)) {
        let mut run = run;
        let device = &self.device;
        let throughput = Throughput::Bytes(bytes as u64);
        let best = measure::best_seconds(&mut self.criterion, "moving", id, throughput, || run(device));
        if best.is_finite() {
            let (rate, copy) = (bytes as f64 / best / 1e9, copy_rate(bytes));
            println!("{id}: best {rate:.1} GB/s, {:.0} % of a copy's {copy:.1}", 100.0 * rate / copy);
        }
    }

    fn computes(&mut self, id: &str, operations: f64, run: impl FnMut(&CpuDevice)) {
        let mut run = run;
        let device = &self.device;
        let throughput = Throughput::Elements(operations as u64);
        let best = measure::best_seconds(&mut self.criterion, "computing", id, throughput, || run(device));
        if best.is_finite() {
            let rate = operations / best / 1e9;
            println!("{id}: best {rate:.0} GFLOP/s, {:.0} % of {:.0}", 100.0 * rate / self.peak, self.peak);
        }
    }

    fn moving(&mut self) {
        let (m, wide, rows) = (TOKENS, TOKENS * INTERMEDIATE, TOKENS * HIDDEN);
        let norm = RmsNorm { epsilon: 1e-6, offset: 0.0 };
        let weight = self.device.upload_weight(&[1.0; HIDDEN], 1, HIDDEN, WeightFormat::F32);
        let (x, mut y, mut inverse) = (self.values(rows), self.values(rows), self.values(m));
        let mut operand = self.device.allocate(Element::Bf16, rows);
        self.moves("rms_norm to an operand", 6 * rows, |device| {
            device.rms_norm(m, norm, &x, &weight, Beta::Overwrite, &mut operand, &mut inverse);
        });
        let dy = self.values(rows);
        self.moves("rms_norm_gradient", 16 * rows, |device| {
            device.rms_norm_gradient(m, norm, &dy, &x, &weight, &inverse, &mut y, None);
        });
        let batch = self.batch(&[m]);
        let table = self.values(m * 64);
        let rotary = RotaryShape { heads: 14, head_dim: 64, rotary_dim: 64 };
        self.moves("rope", 8 * rows, |device| device.rope(&batch, rotary, &table, false, &mut y));
        let (gate, up, dy) = (self.values(wide), self.values(wide), self.values(wide));
        let mut operands = [(); 2].map(|()| self.device.allocate(Element::Bf16, wide));
        let [first, second] = &mut operands;
        self.moves("gated (silu) to an operand", 10 * wide, |device| {
            device.gated(Activation::Silu, wide, &gate, &up, first);
        });
        self.moves("gated_gradient (silu) to operands", 16 * wide, |device| {
            device.gated_gradient(Activation::Silu, wide, &dy, &gate, &up, first, second);
        });
    }

    fn optimizer(&mut self) {
        let [mut value, gradient, mut first, mut second] = [(); 4].map(|()| self.values(TRAINED));
        let step = AdamWStep {
            learning_rate: 1e-4,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.01,
            step: 10,
            gradient_scale: 1.0,
        };
        self.moves("adamw", 28 * TRAINED, |device| {
            device.adamw(&step, &mut value, &gradient, &mut first, &mut second);
        });
        self.moves("sum_of_squares", 4 * TRAINED, |device| {
            device.sum_of_squares(&gradient);
        });
    }

    fn attention(&mut self, lengths: &[usize]) {
        let (shape, m) = (ATTENTION, lengths.iter().sum::<usize>());
        let batch = self.batch(lengths);
        let (wide, narrow) = (m * shape.query_size(), m * shape.key_value_size());
        let [query, d_output, mut output, mut d_query] = [(); 4].map(|()| self.values(wide));
        let [key, value, mut d_key, mut d_value] = [(); 4].map(|()| self.values(narrow));
        let mut statistics = self.values(m * shape.heads);
        // The half of the scores that is seen; two products forward, five backward.
        let pairs: usize = lengths.iter().map(|len| len * (len + 1) / 2).sum();
        let product = 2.0 * (pairs * shape.heads * shape.head_dim) as f64;
        let name = format!("{} × {}", lengths.len(), lengths[0]);
        self.computes(&format!("attention {name}"), 2.0 * product, |device| {
            let kept = (&mut output, &mut statistics);
            device.attention(Precision::Bf16, &batch, shape, &query, &key, &value, kept.0, kept.1);
        });
        self.computes(&format!("attention_gradient {name}"), 5.0 * product, |device| {
            device.attention_gradient(
                Precision::Bf16,
                &batch,
                shape,
                &query,
                &key,
                &value,
                &output,
                &statistics,
                &d_output,
                &mut d_query,
                &mut d_key,
                &mut d_value,
            );
        });
    }

    fn loss(&mut self) {
        let batch = self.batch(&[TOKENS]);
        let values: Vec<f32> = (0..VOCABULARY * HIDDEN).map(|i| (i % 89) as f32 * 0.001 - 0.04).collect();
        let head = self.device.upload_weight(&values, VOCABULARY, HIDDEN, WeightFormat::Bf16);
        drop(values);
        let (x, mut dx) = (self.values(TOKENS * HIDDEN), self.values(TOKENS * HIDDEN));
        for rows in [32, 128, 512] {
            let (logits, inputs) = (self.device.zeros(rows * VOCABULARY), self.device.zeros(rows * HIDDEN));
            let mut work = LossWork { logits, inputs };
            let operations = 4.0 * ((TOKENS - 1) * HIDDEN * VOCABULARY) as f64;
            self.computes(&format!("cross_entropy, {rows} rows at a time"), operations, |device| {
                let gradient = HeadGradient { dx: &mut dx, d_head: None, scale: 1e-3 };
                let (precision, cap) = (Precision::Bf16, None);
                device.cross_entropy(precision, &batch, &x, &head, cap, &mut work, Some(gradient));
            });
        }
    }
}

/// GB/s, read and written, of a plain copy on all threads that moves so many bytes.
fn copy_rate(bytes: usize) -> f64 {
    let source = vec![1f32; bytes / 8];
    let mut target = vec![0f32; bytes / 8];
    let mut best = f64::INFINITY;
    for _ in 0..20 {
        let start = std::time::Instant::now();
        let piece = source.len().div_ceil(rayon::current_num_threads());
        target.par_chunks_mut(piece).zip(source.par_chunks(piece)).for_each(|(y, x)| y.copy_from_slice(x));
        best = best.min(start.elapsed().as_secs_f64());
        std::hint::black_box(&mut target);
    }
    bytes as f64 / best / 1e9
}
