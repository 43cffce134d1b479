//! Matrix multiplication for the CPU: C (+)= alpha · A·B with f32 or bf16 products and f32 sums.
//!
//! Operands are f32 or bf16 in memory, plain or transposed. They are packed (converted, transposed, pairs of bf16
//! interleaved along k) block by block inside each call; no second copy of a weight outlives the call.
//! B may also be f16 or quantized: it is written out block by block before it is packed (see [`dequantize`]).
//! For one instruction set the bits of the result do not depend on the number of threads: work is divided over tiles
//! of C, and k is cut at fixed places.

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod dequantize;
mod driver;
mod few;
#[cfg(target_arch = "x86_64")]
mod few_stored;
mod isa;
mod pack;
#[cfg(target_arch = "x86_64")]
mod pack512;
mod scalar;
#[cfg(test)]
mod tests;

use crate::quantization::nf4::Nf4;
use crate::quantization::q8::Q8;
use dequantize::Dequantizer;
pub use driver::ProductShape;
use driver::{Kernel, Problem, ScratchUnits, Second};
use pack::Operand;

pub use isa::{Isa, check_forced, isa, supports_bf16};

/// The elements of an operand.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    F32(&'a [f32]),
    /// bf16 as raw bits: the upper half of an f32.
    Bf16(&'a [u16]),
    /// f16 as raw bits; of B only.
    F16(&'a [u16]),
    /// Of B only.
    Nf4(&'a Nf4),
    /// Of B only.
    Q8(&'a Q8),
}

impl Data<'_> {
    fn len(&self) -> usize {
        match self {
            Data::F32(data) => data.len(),
            Data::Bf16(data) | Data::F16(data) => data.len(),
            Data::Nf4(data) => data.len(),
            Data::Q8(data) => data.len(),
        }
    }
}

/// A matrix of `rows` × `cols`; element (i, j) is `data[i * row_stride + j * col_stride]`. One of the strides is 1
/// (unless the matrix is that thin that it does not matter).
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    pub data: Data<'a>,
    pub rows: usize,
    pub cols: usize,
    pub row_stride: usize,
    pub col_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Row-major and contiguous.
    pub fn f32(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self::with_stride(Data::F32(data), rows, cols, cols)
    }

    /// Row-major and contiguous, raw bf16 bits.
    pub fn bf16(data: &'a [u16], rows: usize, cols: usize) -> Self {
        Self::with_stride(Data::Bf16(data), rows, cols, cols)
    }

    /// Row-major, rows `row_stride` elements apart.
    pub fn with_stride(data: Data<'a>, rows: usize, cols: usize, row_stride: usize) -> Self {
        Self { data, rows, cols, row_stride, col_stride: 1 }
    }

    /// The same memory seen as the transposed matrix.
    pub fn transposed(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }

    fn check(&self, name: &str) {
        if self.rows == 0 || self.cols == 0 {
            return;
        }
        let last = (self.rows - 1)
            .checked_mul(self.row_stride)
            .zip((self.cols - 1).checked_mul(self.col_stride))
            .and_then(|(row, col)| row.checked_add(col));
        assert!(
            last.is_some_and(|last| last < self.data.len()),
            "gemm: operand {name} of {} elements is too short for {} × {} with strides {} and {}",
            self.data.len(),
            self.rows,
            self.cols,
            self.row_stride,
            self.col_stride
        );
        assert!(
            self.row_stride == 1 || self.col_stride == 1 || self.rows == 1 || self.cols == 1,
            "gemm: operand {name} needs one stride of 1, has {} and {}",
            self.row_stride,
            self.col_stride
        );
    }
}

/// The result: `rows` × `cols`, row-major, rows `row_stride` elements apart.
#[derive(Debug)]
pub struct MatrixMut<'a> {
    pub data: &'a mut [f32],
    pub rows: usize,
    pub cols: usize,
    pub row_stride: usize,
}

impl<'a> MatrixMut<'a> {
    /// Row-major and contiguous.
    pub fn new(data: &'a mut [f32], rows: usize, cols: usize) -> Self {
        Self { data, rows, cols, row_stride: cols }
    }

    /// Row-major, rows `row_stride` elements apart.
    pub fn with_stride(data: &'a mut [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
        Self { data, rows, cols, row_stride }
    }

    fn check(&self, a: &Matrix, b: &Matrix) {
        assert!(
            self.rows == a.rows && self.cols == b.cols,
            "gemm: the result is {} × {}, the operands make {} × {}",
            self.rows,
            self.cols,
            a.rows,
            b.cols
        );
        if self.rows == 0 || self.cols == 0 {
            return;
        }
        let end = (self.rows - 1).checked_mul(self.row_stride).and_then(|row| row.checked_add(self.cols));
        assert!(
            self.row_stride >= self.cols || self.rows == 1,
            "gemm: rows of the result overlap: stride {} for {} columns",
            self.row_stride,
            self.cols
        );
        assert!(
            end.is_some_and(|end| end <= self.data.len()),
            "gemm: the result has {} elements, too few for {} × {} with row stride {}",
            self.data.len(),
            self.rows,
            self.cols,
            self.row_stride
        );
    }
}

/// What the products are made of; sums are always f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    F32,
    /// Both operands rounded to bf16 (to nearest, ties to even). Where the hardware has no bf16 products the rounded
    /// operands are multiplied in f32, so results stay close across machines.
    Bf16,
}

/// What happens to the former content of C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beta {
    /// It is not read.
    Overwrite,
    /// The product is added to it.
    Accumulate,
}

/// C (+)= alpha · A·B, in parallel over the current rayon pool.
///
/// # Panics
/// When shapes, strides and lengths do not fit together.
pub fn gemm(precision: Precision, alpha: f32, a: Matrix, b: Matrix, beta: Beta, c: MatrixMut) {
    c.check(&a, &b);
    // SAFETY: `c` is exclusively borrowed and `check` made sure that it holds all elements that are written.
    unsafe { run(true, precision, alpha, a, b, beta, c.data.as_mut_ptr(), c.row_stride) }
}

/// One product of a sum: alpha · A·B.
#[derive(Clone, Copy, Debug)]
pub struct Product<'a> {
    pub alpha: f32,
    pub a: Matrix<'a>,
    pub b: Matrix<'a>,
}

/// C (+)= the sum of two products, in parallel over the current rayon pool. The second, with a short k, is added while
/// the tiles of C are in the cache: what an adapter adds to a linear layer.
///
/// # Panics
/// When shapes, strides and lengths do not fit together.
pub fn gemm_two(precision: Precision, first: Product, second: Product, beta: Beta, c: MatrixMut) {
    c.check(&first.a, &first.b);
    c.check(&second.a, &second.b);
    let (isa, threads) = (isa(), rayon::current_num_threads());
    // SAFETY: `c` is exclusively borrowed and `check` made sure that it holds all elements that are written; the
    // instruction set was detected.
    unsafe { sum_on(isa, threads, precision, first, Some(second), beta, c.data.as_mut_ptr(), c.row_stride) }
}

/// As [`gemm`], on the calling thread only: for tiles inside a parallel region.
///
/// # Panics
/// When shapes, strides and lengths do not fit together.
pub fn gemm_single(precision: Precision, alpha: f32, a: Matrix, b: Matrix, beta: Beta, c: MatrixMut) {
    c.check(&a, &b);
    // SAFETY: `c` is exclusively borrowed and `check` made sure that it holds all elements that are written.
    unsafe { run(false, precision, alpha, a, b, beta, c.data.as_mut_ptr(), c.row_stride) }
}

/// As [`gemm_single`], writing `a.rows` × `b.cols` elements through a pointer: for callers inside a parallel region
/// that write disjoint parts of one buffer.
///
/// # Safety
/// For each row i < `a.rows` the elements `c[i * c_row_stride ..][.. b.cols]` must be valid for reads and writes and
/// not be accessed by anyone else during the call.
///
/// # Panics
/// When the operands do not fit together.
pub unsafe fn gemm_single_raw(
    precision: Precision,
    alpha: f32,
    a: Matrix,
    b: Matrix,
    beta: Beta,
    c: *mut f32,
    c_row_stride: usize,
) {
    // SAFETY: the caller's promise.
    unsafe { run(false, precision, alpha, a, b, beta, c, c_row_stride) }
}

#[allow(clippy::too_many_arguments)]
unsafe fn run(
    parallel: bool,
    precision: Precision,
    alpha: f32,
    a: Matrix,
    b: Matrix,
    beta: Beta,
    c: *mut f32,
    c_row: usize,
) {
    let threads = if parallel { rayon::current_num_threads() } else { 1 };
    // SAFETY: the caller's promise; the instruction set was detected.
    unsafe { run_on(isa(), threads, precision, alpha, a, b, beta, c, c_row) }
}

/// # Safety
/// C is writable, see [`gemm_single_raw`]; the processor has the instruction set.
#[allow(clippy::too_many_arguments)]
unsafe fn run_on(
    isa: Isa,
    threads: usize,
    precision: Precision,
    alpha: f32,
    a: Matrix,
    b: Matrix,
    beta: Beta,
    c: *mut f32,
    c_row: usize,
) {
    // SAFETY: the caller's promise.
    unsafe { sum_on(isa, threads, precision, Product { alpha, a, b }, None, beta, c, c_row) }
}

/// # Safety
/// As [`run_on`], for both products.
#[allow(clippy::too_many_arguments)]
unsafe fn sum_on(
    isa: Isa,
    threads: usize,
    precision: Precision,
    first: Product,
    second: Option<Product>,
    beta: Beta,
    c: *mut f32,
    c_row: usize,
) {
    first.check();
    let Product { alpha, a, b } = first;
    let (m, n, k) = (a.rows, b.cols, a.cols);
    let accumulate = beta == Beta::Accumulate;
    if k == 0 && !accumulate && n > 0 {
        for i in 0..m {
            // SAFETY: rows of C are writable.
            unsafe { std::slice::from_raw_parts_mut(c.add(i * c_row), n).fill(0.0) }
        }
    }
    let second = second.map(|second| {
        second.check();
        let (a, b) = (Operand::rows(&second.a), Operand::columns(&second.b));
        Second { a, b, k: second.a.cols, alpha: second.alpha }
    });
    let second = second.filter(|second| second.k > 0);
    if m == 0 || n == 0 || (k == 0 && second.is_none()) {
        return;
    }
    let (a, b) = (Operand::rows(&a), Operand::columns(&b));
    assert!(a.stored.is_none(), "gemm: only B may be f16 or quantized");
    let dequantizer = Dequantizer::of(isa);
    let first = Problem { a, b, dequantizer, m, n, k, alpha, accumulate, c, c_row, second };
    // SAFETY: shapes were checked, C is the caller's promise, the instructions are ones of this processor.
    let multiply = |problem: &Problem| unsafe {
        if m <= few::MAX_ROWS {
            few::multiply(isa, precision, threads, problem)
        } else {
            driver::multiply(kernel(isa, precision), threads, problem)
        }
    };
    match second {
        Some(second) if m <= few::MAX_ROWS || k == 0 => {
            if k > 0 {
                multiply(&Problem { second: None, ..first });
            }
            multiply(&second.alone(&first));
        }
        _ => multiply(&first),
    }
}

impl Product<'_> {
    fn check(&self) {
        let Self { a, b, .. } = self;
        a.check("A");
        b.check("B");
        assert!(
            a.cols == b.rows,
            "gemm: A is {} × {}, B is {} × {}: they do not fit together",
            a.rows,
            a.cols,
            b.rows,
            b.cols
        );
    }
}

/// Bytes that each of `threads` threads keeps for its part of products of these shapes.
pub fn scratch_bytes(
    precision: Precision,
    threads: usize,
    products: impl Iterator<Item = ProductShape>,
) -> u64 {
    scratch_on(isa(), precision, threads, products)
}

fn scratch_on(
    isa: Isa,
    precision: Precision,
    threads: usize,
    products: impl Iterator<Item = ProductShape>,
) -> u64 {
    let of = |shape: ProductShape| match shape.m {
        0..=few::MAX_ROWS => few::scratch(shape),
        _ => driver::scratch(kernel(isa, precision), threads, shape),
    };
    let products = products.filter(|shape| ![shape.m, shape.n, shape.k].contains(&0));
    4 * products.map(of).fold(ScratchUnits::default(), ScratchUnits::max).sum() as u64
}

#[cfg(target_arch = "x86_64")]
fn kernel(isa: Isa, precision: Precision) -> &'static Kernel {
    match (isa, precision) {
        (Isa::Scalar, Precision::F32) => &scalar::F32,
        (Isa::Scalar, Precision::Bf16) => &scalar::ROUNDED,
        (Isa::Avx2, Precision::F32) => &avx2::F32,
        (Isa::Avx2, Precision::Bf16) => &avx2::ROUNDED,
        (_, Precision::F32) => &avx512::F32,
        (Isa::Avx512, Precision::Bf16) => &avx512::ROUNDED,
        (Isa::Avx512Bf16, Precision::Bf16) => &avx512::BF16,
        (Isa::Amx, Precision::Bf16) => &amx::BF16,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn kernel(_: Isa, precision: Precision) -> &'static Kernel {
    match precision {
        Precision::F32 => &scalar::F32,
        Precision::Bf16 => &scalar::ROUNDED,
    }
}

/// f32 to bf16 bits, to nearest, ties to even; NaN stays NaN.
#[inline(always)]
pub fn f32_to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = (bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16) as u16;
    if x.is_nan() { (bits >> 16) as u16 | 0x40 } else { rounded }
}

/// bf16 bits to f32, exact.
#[inline(always)]
pub fn bf16_to_f32(x: u16) -> f32 {
    f32::from_bits((x as u32) << 16)
}
