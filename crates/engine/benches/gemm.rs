//! Matrix multiplication: GFLOP/s of the three products of a linear layer, beside what the arithmetic units reach on
//! registers alone.
//!
//! X is `tokens` × `input`, W `output` × `input`: Y = X·Wᵀ (forward), dX = dY·W (input gradient), dW += dYᵀ·X (weight
//! gradient). `Bf16` has all of them in bf16, as training does; `Nf4` and `Q8` the same with W in that format.
//!
//! `cargo bench -p engine --bench gemm -- 4096x256`

#[path = "support/measure.rs"]
mod measure;
#[path = "support/peak.rs"]
mod peak;

use criterion::{Criterion, Throughput};
use engine::device::cpu::gemm::{Beta, Data, Matrix, MatrixMut, Precision, f32_to_bf16, gemm, isa};
use engine::platform::prefer_large_pages;
use engine::quantization::nf4::Nf4;
use engine::quantization::q8::Q8;
use peak::peak;
use std::hint::black_box;

/// tokens, input, output: layers of the bundled model, of SmolLM2-135M, Qwen2.5-0.5B and a model of 1 B parameters; the
/// heads with as many rows as a training step gives them at a time; and one token.
const SHAPES: [(usize, usize, usize); 11] = [
    (4096, 256, 256),
    (4096, 256, 512),
    (1024, 576, 576),
    (1024, 576, 1536),
    (1024, 1536, 576),
    (128, 576, 49152),
    (1024, 896, 4864),
    (1024, 4864, 896),
    (128, 896, 151936),
    (1024, 2048, 8192),
    (1, 2048, 8192),
];

#[derive(Clone, Copy)]
enum Product {
    Forward,
    InputGradient,
    WeightGradient,
}

/// What W is kept in. Products are f32 for f32 and bf16 for all others.
#[derive(Clone, Copy, Debug)]
enum Kept {
    F32,
    Bf16,
    Nf4,
    Q8,
}

impl Kept {
    fn quantized(self) -> bool {
        matches!(self, Self::Nf4 | Self::Q8)
    }
}

fn main() {
    let mut criterion = measure::criterion();
    let mut peaks = [Precision::F32, Precision::Bf16].map(|precision| peak(isa(), precision));
    println!("{} on {} threads", isa().name(), rayon::current_num_threads());
    println!("registers only: f32 {:.0} GFLOP/s, bf16 {:.0} GFLOP/s", peaks[0], peaks[1]);
    for (tokens, input, output) in SHAPES {
        let layer = Layer::new(tokens, input, output);
        for (product, name) in [
            (Product::Forward, "forward"),
            (Product::InputGradient, "input gradient"),
            (Product::WeightGradient, "weight gradient"),
        ] {
            for weight in [Kept::F32, Kept::Bf16, Kept::Nf4, Kept::Q8] {
                if weight.quantized() && matches!(product, Product::WeightGradient) {
                    continue; // Only frozen weights are quantized.
                }
                let id = format!("{tokens}x{input}x{output} {name} {weight:?}");
                let (highest, precision) = match weight {
                    Kept::F32 => (&mut peaks[0], Precision::F32),
                    Kept::Bf16 | Kept::Nf4 | Kept::Q8 => (&mut peaks[1], Precision::Bf16),
                };
                // Neighbours on the machine come and go: the limit is the highest that was seen.
                *highest = highest.max(peak(isa(), precision));
                let peak = *highest;
                layer.measure(&mut criterion, &id, product, weight, peak);
            }
        }
    }
    criterion.final_summary();
}

/// In large pages, as the device keeps large arrays.
fn filled<T>(len: usize, values: impl Iterator<Item = T>) -> Vec<T> {
    let mut array = Vec::with_capacity(len);
    prefer_large_pages(array.spare_capacity_mut());
    array.extend(values);
    array
}

struct Layer {
    tokens: usize,
    input: usize,
    output: usize,
    x: Vec<f32>,
    dy: Vec<f32>,
    x_bf16: Vec<u16>,
    dy_bf16: Vec<u16>,
    weight: Vec<f32>,
    weight_bf16: Vec<u16>,
    weight_nf4: Nf4,
    weight_q8: Q8,
}

impl Layer {
    fn new(tokens: usize, input: usize, output: usize) -> Self {
        let values = |len: usize| filled(len, (0..len).map(|i| (i % 97) as f32 * 0.01 - 0.5));
        let weight = values(output * input);
        let rounded = |values: &[f32]| filled(values.len(), values.iter().map(|&x| f32_to_bf16(x)));
        let weight_bf16 = rounded(&weight);
        let (weight_nf4, weight_q8) = (Nf4::quantize(&weight), Q8::quantize(&weight));
        let (x, dy) = (values(tokens * input), values(tokens * output));
        let (x_bf16, dy_bf16) = (rounded(&x), rounded(&dy));
        Self { tokens, input, output, x, dy, x_bf16, dy_bf16, weight, weight_bf16, weight_nf4, weight_q8 }
    }

    fn multiply(&self, product: Product, kept: Kept, c: &mut [f32]) {
        let (tokens, input, output) = (self.tokens, self.input, self.output);
        let (x, dy) = match kept {
            Kept::F32 => (Matrix::f32(&self.x, tokens, input), Matrix::f32(&self.dy, tokens, output)),
            _ => (Matrix::bf16(&self.x_bf16, tokens, input), Matrix::bf16(&self.dy_bf16, tokens, output)),
        };
        let (precision, data) = match kept {
            Kept::F32 => (Precision::F32, Data::F32(&self.weight)),
            Kept::Bf16 => (Precision::Bf16, Data::Bf16(&self.weight_bf16)),
            Kept::Nf4 => (Precision::Bf16, Data::Nf4(&self.weight_nf4)),
            Kept::Q8 => (Precision::Bf16, Data::Q8(&self.weight_q8)),
        };
        let weight = Matrix::with_stride(data, output, input, input);
        let (a, b, beta) = match product {
            Product::Forward => (x, weight.transposed(), Beta::Overwrite),
            Product::InputGradient => (dy, weight, Beta::Overwrite),
            Product::WeightGradient => (dy.transposed(), x, Beta::Accumulate),
        };
        gemm(precision, 1.0, a, b, beta, MatrixMut::new(c, a.rows, b.cols));
    }

    fn measure(&self, criterion: &mut Criterion, id: &str, product: Product, kept: Kept, peak: f64) {
        let flops = 2 * self.tokens * self.input * self.output;
        let size = match product {
            Product::Forward => self.tokens * self.output,
            Product::InputGradient => self.tokens * self.input,
            Product::WeightGradient => self.output * self.input,
        };
        let mut c = filled(size, std::iter::repeat_n(0f32, size));
        let throughput = Throughput::Elements(flops as u64);
        let best = measure::best_seconds(criterion, "gemm", id, throughput, || {
            self.multiply(product, kept, black_box(&mut c));
        });
        if best.is_finite() {
            let rate = flops as f64 / best / 1e9;
            println!("{id}: best {rate:.0} GFLOP/s, {:.0} % of {peak:.0}", 100.0 * rate / peak);
        }
    }
}
