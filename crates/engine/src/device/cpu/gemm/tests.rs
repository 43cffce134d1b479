//! Every instruction set of this machine against sums in f64.

use super::*;

/// A small generator: tests need no statistics, only values that differ.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

/// A matrix that owns its elements, with a gap between its rows.
struct Owned {
    f32: Vec<f32>,
    bf16: Vec<u16>,
    rows: usize,
    cols: usize,
    stride: usize,
    transposed: bool,
    is_bf16: bool,
}

impl Owned {
    fn new(random: &mut Random, rows: usize, cols: usize, transposed: bool, is_bf16: bool) -> Self {
        let (outer, inner) = if transposed { (cols, rows) } else { (rows, cols) };
        let stride = inner + 3;
        let f32: Vec<f32> = (0..outer.max(1) * stride).map(|_| random.next()).collect();
        let bf16: Vec<u16> = f32.iter().map(|&x| f32_to_bf16(x)).collect();
        // Nothing beyond the last element: reading further would be noticed by tools that check memory.
        let end = (outer.max(1) - 1) * stride + inner;
        Self { f32: f32[..end].to_vec(), bf16: bf16[..end].to_vec(), rows, cols, stride, transposed, is_bf16 }
    }

    fn view(&self) -> Matrix<'_> {
        let data = if self.is_bf16 { Data::Bf16(&self.bf16) } else { Data::F32(&self.f32) };
        if self.transposed {
            Matrix::with_stride(data, self.cols, self.rows, self.stride).transposed()
        } else {
            Matrix::with_stride(data, self.rows, self.cols, self.stride)
        }
    }

    fn name(&self) -> String {
        let kind = if self.is_bf16 { "bf16" } else { "f32" };
        format!("{kind} {}", if self.transposed { "transposed" } else { "plain" })
    }

    /// The element that the product is made of.
    fn at(&self, i: usize, j: usize, precision: Precision) -> f64 {
        let (i, j) = if self.transposed { (j, i) } else { (i, j) };
        let exact = self.f32[i * self.stride + j];
        let rounded = bf16_to_f32(f32_to_bf16(exact));
        (if self.is_bf16 || precision == Precision::Bf16 { rounded } else { exact }) as f64
    }
}

fn usable() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.available())
}

struct Case {
    precision: Precision,
    alpha: f32,
    beta: Beta,
    threads: usize,
}

fn compute(isa: Isa, case: &Case, a: &Owned, b: &Owned, c: &mut [f32], c_row: usize) {
    let (beta, c) = (case.beta, c.as_mut_ptr());
    // SAFETY: callers make `c` large enough for the shape.
    unsafe { run_on(isa, case.threads, case.precision, case.alpha, a.view(), b.view(), beta, c, c_row) }
}

/// A·B in f64.
fn reference(a: &Owned, b: &Owned, precision: Precision) -> Vec<f64> {
    let (n, k) = (b.cols, a.cols);
    let columns: Vec<f64> = (0..n * k).map(|x| b.at(x % k, x / k, precision)).collect();
    let mut sums = Vec::with_capacity(a.rows * n);
    for i in 0..a.rows {
        let row: Vec<f64> = (0..k).map(|p| a.at(i, p, precision)).collect();
        sums.extend(
            columns.chunks_exact(k).map(|column| row.iter().zip(column).map(|(x, y)| x * y).sum::<f64>()),
        );
    }
    sums
}

fn check(isa: Isa, case: &Case, a: &Owned, b: &Owned, sums: &[f64], random: &mut Random) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    let c_row = n + 5;
    let before: Vec<f32> = (0..m * c_row).map(|_| random.next()).collect();
    let mut after = before.clone();
    compute(isa, case, a, b, &mut after, c_row);
    // Rounding errors grow with the length of the sum of values up to 1.
    let tolerance = 1e-6 * (4.0 + k as f64 * 0.5) * (case.alpha.abs() as f64).max(1.0);
    for (at, (was, is)) in before.iter().zip(&after).enumerate() {
        let (i, j) = (at / c_row, at % c_row);
        if j >= n {
            assert_eq!(was.to_bits(), is.to_bits(), "{} wrote beyond its columns at {i}, {j}", isa.name());
            continue;
        }
        let kept = if case.beta == Beta::Accumulate { *was as f64 } else { 0.0 };
        let expected = case.alpha as f64 * sums[i * n + j] + kept;
        assert!(
            (*is as f64 - expected).abs() <= tolerance,
            "{} {:?} {:?} alpha {} m {m} n {n} k {k}, A {}, B {}: at {i}, {j} {is} instead of {expected}",
            isa.name(),
            case.precision,
            case.beta,
            case.alpha,
            a.name(),
            b.name(),
        );
    }
}

const SHAPES: [(usize, usize, usize); 27] = [
    (1, 1, 1),
    (1, 1, 37),
    (1, 50, 1),
    (2, 3, 5),
    (3, 100, 31),
    (4, 17, 64),
    (5, 48, 33),
    (7, 16, 129),
    (8, 48, 16),
    (8, 130, 100),
    (9, 47, 15),
    (13, 1, 70),
    (16, 16, 512),
    (17, 31, 513),
    (31, 33, 32),
    (32, 32, 32),
    (33, 65, 31),
    (40, 8, 300),
    (64, 96, 64),
    (65, 97, 63),
    (1, 300, 700),
    (4, 200, 1030),
    (70, 20, 1100),
    (100, 120, 8),
    (129, 200, 1),
    (150, 100, 2100),
    (37, 66, 3001),
];

#[test]
fn agrees_with_f64() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for (m, n, k) in SHAPES {
        for layout in 0..4 {
            for types in 0..4 {
                let a = Owned::new(&mut random, m, k, layout & 1 != 0, types & 1 != 0);
                let b = Owned::new(&mut random, k, n, layout & 2 != 0, types & 2 != 0);
                for (precision, cases) in [
                    (
                        Precision::F32,
                        [(Beta::Overwrite, 1.0), (Beta::Accumulate, -0.75), (Beta::Accumulate, 1.0)],
                    ),
                    (
                        Precision::Bf16,
                        [(Beta::Overwrite, 1.0), (Beta::Accumulate, 1.0), (Beta::Overwrite, 2.5)],
                    ),
                ] {
                    let sums = reference(&a, &b, precision);
                    for (beta, alpha) in cases {
                        let case = Case { precision, beta, alpha, threads: 1 };
                        usable().for_each(|isa| check(isa, &case, &a, &b, &sums, &mut random));
                    }
                }
            }
        }
    }
}

/// Spans of B: more columns and a deeper k than are packed at a time.
#[test]
fn agrees_when_b_is_cut() {
    let mut random = Random(77);
    for (m, n, k) in [(9, 2100, 2300), (5, 5000, 1200)] {
        for transposed in [false, true] {
            let a = Owned::new(&mut random, m, k, false, false);
            let b = Owned::new(&mut random, k, n, transposed, true);
            for precision in [Precision::F32, Precision::Bf16] {
                let sums = reference(&a, &b, precision);
                let case = Case { precision, beta: Beta::Accumulate, alpha: 0.5, threads: 1 };
                usable().for_each(|isa| check(isa, &case, &a, &b, &sums, &mut random));
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let mut random = Random(5);
    for (m, n, k) in
        [(1, 3000, 500), (3, 1000, 257), (100, 300, 1500), (1000, 16, 300), (16, 700, 2100), (257, 130, 600)]
    {
        for layout in 0..4 {
            let a = Owned::new(&mut random, m, k, layout & 1 != 0, false);
            let b = Owned::new(&mut random, k, n, layout & 2 != 0, layout & 1 != 0);
            for isa in usable() {
                for precision in [Precision::F32, Precision::Bf16] {
                    let results: Vec<Vec<u32>> = [1, 2, 3]
                        .into_iter()
                        .map(|threads| {
                            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                            let case = Case { precision, beta: Beta::Accumulate, alpha: 0.5, threads };
                            let mut c = vec![0.25f32; m * n];
                            pool.expect("a pool of threads")
                                .install(|| compute(isa, &case, &a, &b, &mut c, n));
                            c.iter().map(|x| x.to_bits()).collect()
                        })
                        .collect();
                    assert!(results[0] == results[1], "{} {precision:?} {m} {n} {k}: 2 threads", isa.name());
                    assert!(results[0] == results[2], "{} {precision:?} {m} {n} {k}: 3 threads", isa.name());
                }
            }
        }
    }
}

fn product_of(alpha: f32, [a, b]: &[Owned; 2]) -> Product<'_> {
    Product { alpha, a: a.view(), b: b.view() }
}

#[test]
fn two_products_are_added() {
    let mut random = Random(11);
    // Few rows, ordinary ones, a small result with a deep sum, a cut of the columns; the second as short as a rank,
    // odd, and longer than a block.
    for ((m, n, k), k2) in [
        ((3, 70, 40), 8),
        ((64, 96, 64), 16),
        ((65, 97, 63), 5),
        ((150, 100, 2100), 16),
        ((20, 2100, 700), 3),
        ((40, 70, 1100), 1300),
    ] {
        for (precision, transposed, is_bf16) in
            [(Precision::F32, false, false), (Precision::Bf16, true, true), (Precision::Bf16, false, true)]
        {
            let first = [
                Owned::new(&mut random, m, k, false, is_bf16),
                Owned::new(&mut random, k, n, transposed, is_bf16),
            ];
            let second = [
                Owned::new(&mut random, m, k2, false, false),
                Owned::new(&mut random, k2, n, transposed, false),
            ];
            let sums = [&first, &second].map(|[a, b]| reference(a, b, precision));
            let before: Vec<f32> = (0..m * n).map(|_| random.next()).collect();
            for isa in usable() {
                let [one, three] = [1, 3].map(|threads| {
                    let mut c = before.clone();
                    let (first, second) = (product_of(1.0, &first), Some(product_of(0.5, &second)));
                    let (beta, c_at) = (Beta::Accumulate, c.as_mut_ptr());
                    // SAFETY: `c` has m × n elements.
                    unsafe { sum_on(isa, threads, precision, first, second, beta, c_at, n) };
                    c
                });
                assert_eq!(one, three, "{} {m} {n} {k} + {k2}: threads change bits", isa.name());
                for (at, found) in one.iter().enumerate() {
                    let expected = before[at] as f64 + sums[0][at] + 0.5 * sums[1][at];
                    let tolerance = 1e-6 * (4.0 + (k + k2) as f64 * 0.5);
                    assert!(
                        (*found as f64 - expected).abs() <= tolerance,
                        "{} {precision:?} {m} {n} {k} + {k2}: at {at} {found} instead of {expected}",
                        isa.name()
                    );
                }
            }
        }
    }
}

#[test]
fn public_functions_agree() {
    let a: Vec<f32> = (0..6).map(|x| x as f32).collect();
    let b: Vec<f32> = (0..12).map(|x| x as f32 - 5.0).collect();
    let expected = [5.0, 8.0, 11.0, 14.0, -4.0, 8.0, 20.0, 32.0];
    for precision in [Precision::F32, Precision::Bf16] {
        let (a, b) = (Matrix::f32(&a, 2, 3), Matrix::f32(&b, 3, 4));
        let mut c = [0f32; 8];
        gemm(precision, 1.0, a, b, Beta::Overwrite, MatrixMut::new(&mut c, 2, 4));
        assert_eq!(c, expected, "gemm");
        gemm_single(precision, 1.0, a, b, Beta::Accumulate, MatrixMut::new(&mut c, 2, 4));
        assert_eq!(c, expected.map(|x| 2.0 * x), "gemm_single");
        // SAFETY: c has 2 rows of 4.
        unsafe { gemm_single_raw(precision, 1.0, a, b, Beta::Overwrite, c.as_mut_ptr(), 4) };
        assert_eq!(c, expected, "gemm_single_raw");
    }
}

#[test]
fn empty_shapes() {
    let mut c = [7f32; 4];
    gemm(
        Precision::F32,
        1.0,
        Matrix::f32(&[], 2, 0),
        Matrix::f32(&[], 0, 2),
        Beta::Accumulate,
        MatrixMut::new(&mut c, 2, 2),
    );
    assert_eq!(c, [7.0; 4]);
    gemm(
        Precision::F32,
        1.0,
        Matrix::f32(&[], 2, 0),
        Matrix::f32(&[], 0, 2),
        Beta::Overwrite,
        MatrixMut::new(&mut c, 2, 2),
    );
    assert_eq!(c, [0.0; 4]);
    gemm(
        Precision::F32,
        1.0,
        Matrix::f32(&[], 0, 3),
        Matrix::f32(&[1.0; 6], 3, 2),
        Beta::Overwrite,
        MatrixMut::new(&mut [], 0, 2),
    );
}

#[test]
#[should_panic(expected = "do not fit together")]
fn shapes_are_checked() {
    let mut c = [0f32; 4];
    let (a, b) = (Matrix::f32(&[0.0; 6], 2, 3), Matrix::f32(&[0.0; 4], 2, 2));
    gemm(Precision::F32, 1.0, a, b, Beta::Overwrite, MatrixMut::new(&mut c, 2, 2));
}

#[test]
#[should_panic(expected = "too short")]
fn lengths_are_checked() {
    let mut c = [0f32; 4];
    let (a, b) = (Matrix::f32(&[0.0; 5], 2, 3), Matrix::f32(&[0.0; 6], 3, 2));
    gemm(Precision::F32, 1.0, a, b, Beta::Overwrite, MatrixMut::new(&mut c, 2, 2));
}

#[test]
fn rounding_to_bf16() {
    let cases = [
        (0x3f80_0000, 0x3f80),
        (0x3f80_8000, 0x3f80),
        (0x3f81_8000, 0x3f82),
        (0x3f80_8001, 0x3f81),
        (0x7f7f_ffff, 0x7f80),
        (0xff80_0000, 0xff80),
        (0x7f80_0001, 0x7fc0),
    ];
    for (from, to) in cases {
        assert_eq!(f32_to_bf16(f32::from_bits(from)), to, "{from:x}");
    }
}

/// A value that is no number stays in its row and column, whatever is packed beside it.
#[test]
fn not_a_number_stays_in_its_row() {
    for isa in usable() {
        for precision in [Precision::F32, Precision::Bf16] {
            let (m, n, k) = (37, 50, 19);
            let mut a = vec![1f32; m * k];
            a[20 * k + 4] = f32::NAN;
            let b = vec![1f32; k * n];
            let mut c = vec![f32::NAN; m * n];
            // SAFETY: c has m × n elements.
            unsafe {
                let (a, b) = (Matrix::f32(&a, m, k), Matrix::f32(&b, k, n));
                run_on(isa, 1, precision, 1.0, a, b, Beta::Overwrite, c.as_mut_ptr(), n);
            }
            for (i, row) in c.chunks(n).enumerate() {
                assert!(
                    row.iter().all(|x| if i == 20 { x.is_nan() } else { *x == k as f32 }),
                    "{}",
                    isa.name()
                );
            }
        }
    }
}

#[test]
fn forced_names() {
    assert_eq!(isa::parse_forced(""), Ok(None));
    assert_eq!(isa::parse_forced("Scalar"), Ok(Some(Isa::Scalar)));
    assert!(isa::parse_forced("neon").expect_err("unknown").contains("no known instruction set"));
    for isa in Isa::ALL.into_iter().filter(|isa| !isa.available()) {
        assert!(isa::parse_forced(isa.name()).expect_err("lacking").contains("lacks it"));
    }
}

/// The same values in a format that no kernel reads, and written out as f32.
fn stored_formats(values: &[f32]) -> (Nf4, Q8, Vec<u16>) {
    let halves = values.iter().map(|x| crate::weights::f32_to_f16(*x)).collect();
    (Nf4::quantize(values), Q8::quantize(values), halves)
}

#[test]
fn a_quantized_b_gives_the_bits_of_its_values() {
    let mut random = Random(99);
    // Few rows and many, rows of B that are no whole number of blocks, spans and parts of k.
    let shapes = [
        (1, 64, 64),
        (2, 7, 100),
        (3, 300, 70),
        (4, 97, 513),
        (5, 1, 33),
        (6, 33, 1),
        (33, 130, 192),
        (70, 20, 1100),
        (100, 200, 2100),
        (9, 2100, 2300),
        (64, 160, 992),
    ];
    for (m, n, k) in shapes {
        let a = Owned::new(&mut random, m, k, false, false);
        let values: Vec<f32> = (0..n * k).map(|_| random.next() * 0.1).collect();
        let (nf4, q8, halves) = stored_formats(&values);
        let widened: Vec<f32> = halves.iter().map(|bits| crate::weights::f16_to_f32(*bits)).collect();
        let formats = [
            ("nf4", Data::Nf4(&nf4), nf4.dequantize()),
            ("q8", Data::Q8(&q8), q8.dequantize()),
            ("f16", Data::F16(&halves), widened),
        ];
        for (name, data, values) in &formats {
            let plain = Data::F32(values);
            // W is [n, k] in the forward pass, [k, n] in the input gradient.
            let views =
                |data| [Matrix::with_stride(data, n, k, k).transposed(), Matrix::with_stride(data, k, n, n)];
            for (b, want) in views(*data).into_iter().zip(views(plain)) {
                for isa in usable() {
                    for precision in [Precision::F32, Precision::Bf16] {
                        let multiply = |b: Matrix, threads| {
                            let mut c = vec![0.5f32; m * n];
                            let (beta, at) = (Beta::Accumulate, c.as_mut_ptr());
                            // SAFETY: c has m × n elements.
                            unsafe { run_on(isa, threads, precision, 0.5, a.view(), b, beta, at, n) };
                            c.iter().map(|x| x.to_bits()).collect::<Vec<u32>>()
                        };
                        let what = format!("{} {precision:?} {name} {m} {n} {k}", isa.name());
                        let want = multiply(want, 1);
                        assert!(multiply(b, 1) == want, "{what}");
                        assert!(multiply(b, 2) == want, "{what}, two threads");
                    }
                }
            }
        }
    }
}

#[test]
#[should_panic(expected = "only B may be")]
fn a_quantized_a_is_refused() {
    let (nf4, mut c) = (Nf4::quantize(&[0.5; 64]), [0f32; 64]);
    let (a, b) = (Matrix::with_stride(Data::Nf4(&nf4), 8, 8, 8), Matrix::f32(&[0.0; 64], 8, 8));
    gemm(Precision::F32, 1.0, a, b, Beta::Overwrite, MatrixMut::new(&mut c, 8, 8));
}

/// Shapes of one span and of several, and parts of a deep k; the last has few rows.
const SCRATCH_SHAPES: [[usize; 3]; 5] =
    [[130, 97, 203], [70, 9000, 600], [40, 3000, 3000], [16, 40, 5000], [3, 50, 64]];

/// Matrices without a pattern of interest; B as a weight lies in memory, so that it is always packed.
fn run_shape(isa: Isa, precision: Precision, threads: usize, [m, n, k]: [usize; 3]) {
    let (a, b, mut c) = (vec![1f32; m * k], vec![1f32; n * k], vec![0f32; m * n]);
    let (a, b) = (Matrix::f32(&a, m, k), Matrix::f32(&b, n, k).transposed());
    // SAFETY: c has m × n elements.
    unsafe { run_on(isa, threads, precision, 1.0, a, b, Beta::Overwrite, c.as_mut_ptr(), n) }
}

#[test]
fn a_thread_keeps_the_scratch_that_was_planned() {
    for (isa, precision) in usable().flat_map(|isa| [Precision::F32, Precision::Bf16].map(|p| (isa, p))) {
        for shape in SCRATCH_SHAPES {
            // A thread of its own: what others left behind does not count.
            let held = std::thread::spawn(move || {
                run_shape(isa, precision, 1, shape);
                driver::held()
            });
            let held = held.join().expect("the product is computed").sum() as u64;
            let product = ProductShape { plain_a: precision == Precision::F32, ..ProductShape::new(shape) };
            let planned = scratch_on(isa, precision, 1, [product].into_iter());
            // Whole cache lines, three buffers.
            let slack = planned..=planned + 3 * 64;
            assert!(
                slack.contains(&(4 * held)),
                "{} {precision:?} {shape:?}: {held} × 4 of {planned}",
                isa.name()
            );
        }
    }
}

#[test]
fn threads_together_keep_no_more_scratch_than_planned() {
    let threads = 2;
    for (isa, precision) in usable().flat_map(|isa| [Precision::F32, Precision::Bf16].map(|p| (isa, p))) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        SCRATCH_SHAPES.iter().for_each(|&shape| pool.install(|| run_shape(isa, precision, threads, shape)));
        let planned = scratch_on(isa, precision, threads, SCRATCH_SHAPES.into_iter().map(ProductShape::new));
        for held in pool.broadcast(|_| driver::held()) {
            assert!(4 * held.sum() as u64 <= planned + 3 * 64, "{} {precision:?}", isa.name());
        }
    }
}
