//! Matrix multiplication: GFLOP/s of the three products of a linear layer, beside what the arithmetic units reach on
//! registers alone.
//!
//! X is `tokens` × `input`, W `output` × `input`: Y = X·Wᵀ (forward), dX = dY·W (input gradient), dW += dYᵀ·X (weight
//! gradient). `bf16` has W in bf16 and products in bf16, X and dY stay f32.
//!
//! `cargo bench -p engine --bench gemm -- 4096x256`

use criterion::{Criterion, Throughput};
use engine::device::cpu::gemm::{Beta, Isa, Matrix, MatrixMut, Precision, f32_to_bf16, gemm, isa};
use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// tokens, input, output
const SHAPES: [(usize, usize, usize); 7] = [
    (4096, 256, 256),
    (4096, 256, 512),
    (4096, 256, 4096),
    (1024, 576, 1536),
    (1024, 2048, 8192),
    (1024, 576, 49152),
    (1, 2048, 8192),
];

#[derive(Clone, Copy)]
enum Product {
    Forward,
    InputGradient,
    WeightGradient,
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .without_plots()
        .configure_from_args();
    let peaks = [Precision::F32, Precision::Bf16].map(|precision| peak(isa(), precision));
    println!("{} on {} threads", isa().name(), rayon::current_num_threads());
    println!("registers only: f32 {:.0} GFLOP/s, bf16 {:.0} GFLOP/s", peaks[0], peaks[1]);
    for (tokens, input, output) in SHAPES {
        let layer = Layer::new(tokens, input, output);
        for (product, name) in [
            (Product::Forward, "forward"),
            (Product::InputGradient, "input gradient"),
            (Product::WeightGradient, "weight gradient"),
        ] {
            for (precision, peak) in [Precision::F32, Precision::Bf16].into_iter().zip(peaks) {
                let id = format!("{tokens}x{input}x{output} {name} {precision:?}");
                layer.measure(&mut criterion, &id, product, precision, peak);
            }
        }
    }
    criterion.final_summary();
}

struct Layer {
    tokens: usize,
    input: usize,
    output: usize,
    x: Vec<f32>,
    dy: Vec<f32>,
    weight: Vec<f32>,
    weight_bf16: Vec<u16>,
}

impl Layer {
    fn new(tokens: usize, input: usize, output: usize) -> Self {
        let values = |len: usize| (0..len).map(|i| (i % 97) as f32 * 0.01 - 0.5).collect::<Vec<f32>>();
        let weight = values(output * input);
        let weight_bf16 = weight.iter().map(|&x| f32_to_bf16(x)).collect();
        let (x, dy) = (values(tokens * input), values(tokens * output));
        Self { tokens, input, output, x, dy, weight, weight_bf16 }
    }

    fn multiply(&self, product: Product, precision: Precision, c: &mut [f32]) {
        let (tokens, input, output) = (self.tokens, self.input, self.output);
        let x = Matrix::f32(&self.x, tokens, input);
        let dy = Matrix::f32(&self.dy, tokens, output);
        let weight = match precision {
            Precision::F32 => Matrix::f32(&self.weight, output, input),
            Precision::Bf16 => Matrix::bf16(&self.weight_bf16, output, input),
        };
        let (a, b, beta) = match product {
            Product::Forward => (x, weight.transposed(), Beta::Overwrite),
            Product::InputGradient => (dy, weight, Beta::Overwrite),
            Product::WeightGradient => (dy.transposed(), x, Beta::Accumulate),
        };
        gemm(precision, 1.0, a, b, beta, MatrixMut::new(c, a.rows, b.cols));
    }

    fn measure(
        &self,
        criterion: &mut Criterion,
        id: &str,
        product: Product,
        precision: Precision,
        peak: f64,
    ) {
        let flops = 2 * self.tokens * self.input * self.output;
        let mut c = match product {
            Product::Forward => vec![0f32; self.tokens * self.output],
            Product::InputGradient => vec![0f32; self.tokens * self.input],
            Product::WeightGradient => vec![0f32; self.output * self.input],
        };
        let best = Cell::new(f64::INFINITY);
        let mut group = criterion.benchmark_group("gemm");
        group.throughput(Throughput::Elements(flops as u64));
        group.bench_function(id, |bencher| {
            bencher.iter_custom(|iterations| {
                let mut total = Duration::ZERO;
                for _ in 0..iterations {
                    let start = Instant::now();
                    self.multiply(product, precision, black_box(&mut c));
                    let took = start.elapsed();
                    best.set(best.get().min(took.as_secs_f64()));
                    total += took;
                }
                total
            });
        });
        group.finish();
        if best.get().is_finite() {
            let rate = flops as f64 / best.get() / 1e9;
            println!("{id}: best {rate:.0} GFLOP/s, {:.0} % of {peak:.0}", 100.0 * rate / peak);
        }
    }
}

/// GFLOP/s of all threads together when nothing is read from memory.
fn peak(isa: Isa, precision: Precision) -> f64 {
    const ROUNDS: usize = 300_000;
    let mut best = 0f64;
    for _ in 0..9 {
        let start = Instant::now();
        let flops: usize = rayon::broadcast(|_| registers(isa, precision, ROUNDS)).into_iter().sum();
        best = best.max(flops as f64 / start.elapsed().as_secs_f64() / 1e9);
    }
    best
}

#[cfg(target_arch = "x86_64")]
fn registers(isa: Isa, precision: Precision, rounds: usize) -> usize {
    // SAFETY: `isa` is what this processor was found to have.
    unsafe {
        match (isa, precision) {
            (Isa::Scalar, _) => x86::sse2(rounds),
            (Isa::Avx2, _) => x86::avx2(rounds),
            (Isa::Amx, Precision::Bf16) => x86::amx(rounds),
            (Isa::Avx512Bf16, Precision::Bf16) => x86::avx512_bf16(rounds),
            _ => x86::avx512(rounds),
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn registers(_: Isa, _: Precision, rounds: usize) -> usize {
    let mut sums = [0f32; 32];
    let x = black_box(0.5f32);
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum += x * x;
        }
        black_box(&mut sums);
    }
    2 * 32 * rounds
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::asm;
    use std::arch::x86_64::*;
    use std::hint::black_box;

    /// # Safety
    /// None: part of the base instruction set.
    pub unsafe fn sse2(rounds: usize) -> usize {
        // SAFETY: the caller's promise.
        unsafe {
            let x = black_box(_mm_set1_ps(0.5));
            let mut sums = [x; 12];
            for _ in 0..rounds {
                for sum in &mut sums {
                    *sum = _mm_add_ps(_mm_mul_ps(x, *sum), x);
                }
            }
            black_box(sums);
        }
        2 * 4 * 12 * rounds
    }

    /// # Safety
    /// Needs AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn avx2(rounds: usize) -> usize {
        let x = black_box(_mm256_set1_ps(0.5));
        let mut sums = [x; 12];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(x, x, *sum);
            }
        }
        black_box(sums);
        2 * 8 * 12 * rounds
    }

    /// # Safety
    /// Needs AVX-512.
    #[target_feature(enable = "avx512f")]
    pub unsafe fn avx512(rounds: usize) -> usize {
        let x = black_box(_mm512_set1_ps(0.5));
        let mut sums = [x; 24];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(x, x, *sum);
            }
        }
        black_box(sums);
        2 * 16 * 24 * rounds
    }

    /// # Safety
    /// Needs AVX-512 with BF16.
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub unsafe fn avx512_bf16(rounds: usize) -> usize {
        let x = black_box(_mm512_set1_ps(0.5));
        let pairs = _mm512_cvtne2ps_pbh(x, x);
        let mut sums = [x; 24];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_dpbf16_ps(*sum, pairs, pairs);
            }
        }
        black_box(sums);
        4 * 16 * 24 * rounds
    }

    /// # Safety
    /// Needs AMX with BF16, permitted for this process.
    pub unsafe fn amx(rounds: usize) -> usize {
        #[repr(align(64))]
        struct Config([u8; 64]);
        let mut config = Config([0; 64]);
        config.0[0] = 1;
        for tile in 0..8 {
            config.0[16 + 2 * tile] = 64;
            config.0[48 + tile] = 16;
        }
        // SAFETY: a valid configuration of eight tiles of 16 rows × 64 bytes.
        unsafe {
            asm!(
                "ldtilecfg [{config}]",
                "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3", "tilezero tmm4", "tilezero tmm6",
                "2:",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm1, tmm4, tmm6",
                "tdpbf16ps tmm2, tmm4, tmm6",
                "tdpbf16ps tmm3, tmm4, tmm6",
                "dec {rounds}",
                "jnz 2b",
                "tilerelease",
                config = in(reg) &config,
                rounds = inout(reg) rounds => _,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _, out("tmm4") _, out("tmm6") _,
                options(nostack),
            );
        }
        4 * 2 * 16 * 16 * 32 * rounds
    }
}
