//! Products with at most four rows of A, as in token-by-token generation: each element of B is used so few times that
//! packing it would cost more than the multiplication. B is read once, where it lies, at the speed of the memory.
//!
//! One source for all instruction sets, over vectors of 16 lanes ([`Lanes`]).

use super::driver::{Problem, ProductShape, Scratch, ScratchUnits, for_each};
#[cfg(target_arch = "x86_64")]
use super::few_stored;
use super::pack::{Area, Operand};
use super::{Isa, Precision, bf16_to_f32, f32_to_bf16};

/// Most rows of A.
pub(super) const MAX_ROWS: usize = 4;
/// Sums that run side by side along k.
pub(super) const LANES: usize = 16;
/// Columns of a row-major B that are summed together.
const WIDTH: usize = 256;
/// Columns of a B in another format that are written out at a time, with contiguous columns and without.
const WRITTEN_OUT: [usize; 2] = [4, 32];
/// Elements of B that are worth a task.
const TASK: usize = 1 << 15;

/// What happens to an element of B on its way into the product.
mod kind {
    pub const F32: u8 = 0;
    pub const WIDEN: u8 = 1;
    pub const ROUND: u8 = 2;
}

/// What [`multiply`] takes from the calling thread.
pub(super) fn scratch(shape: ProductShape) -> ScratchUnits {
    ScratchUnits { local: shape.m * shape.k.max(shape.second_k), ..ScratchUnits::default() }
}

/// # Safety
/// As [`super::driver::multiply`]; at most [`MAX_ROWS`] rows.
pub(super) unsafe fn multiply(isa: Isa, precision: Precision, threads: usize, problem: &Problem) {
    let (m, n, k) = (problem.m, problem.n, problem.k);
    let mut rows = Scratch::local(scratch(ProductShape::new([m, n, k])).local);
    // SAFETY: the buffer has m × k elements and was initialised.
    let rows = unsafe { std::slice::from_raw_parts_mut(rows.pointer() as *mut f32, m * k) };
    let round = precision == Precision::Bf16;
    for (i, row) in rows.chunks_exact_mut(k).enumerate() {
        for (p, x) in row.iter_mut().enumerate() {
            // SAFETY: i < m and p < k lie within A.
            *x = unsafe { get(&problem.a, round, i, p) };
        }
    }
    let kind = match (problem.b.bf16, precision) {
        (true, _) => kind::WIDEN,
        (false, Precision::Bf16) if problem.b.stored.is_some() => kind::WIDEN,
        (false, Precision::Bf16) => kind::ROUND,
        (false, Precision::F32) => kind::F32,
    };
    let step = if problem.b.along { 4 } else { WIDTH };
    let columns = (TASK / k).max(n.div_ceil(16 * threads)).next_multiple_of(step);
    let rows = &*rows;
    for_each(threads, n.div_ceil(columns), &|task: usize| {
        let j0 = task * columns;
        let job = Job { problem, rows, j0, j1: (j0 + columns).min(n) };
        // SAFETY: the columns lie within the problem and are this task's own; the features are those of `isa`.
        unsafe {
            match problem.b.stored {
                None => compute(isa, &job, kind),
                #[cfg(target_arch = "x86_64")]
                Some(stored) if few_stored::reads(isa, &problem.b, stored, k) => {
                    few_stored::multiply(&job, stored, round);
                }
                Some(_) => compute_written_out(isa, &job, kind),
            }
        }
    });
}

/// # Safety
/// See [`dispatch`]; the processor has the instruction set.
unsafe fn compute(isa: Isa, job: &Job, kind: u8) {
    // SAFETY: the caller's promise.
    unsafe {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => x86::avx2(job, kind),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 | Isa::Avx512Bf16 | Isa::Amx => x86::avx512(job, kind),
            _ => dispatch::<[f32; LANES]>(job, kind),
        }
    }
}

/// Writes some columns of B out, multiplies with them, and goes on to the next.
///
/// # Safety
/// As [`compute`]; B is stored in a format of its own.
unsafe fn compute_written_out(isa: Isa, job: &Job, kind: u8) {
    let (problem, b) = (job.problem, &job.problem.b);
    let stored = b.stored.expect("the caller looked");
    let width = WRITTEN_OUT[usize::from(!b.along)];
    let mut scratch = Scratch::written_out(width * problem.k);
    for j in (job.j0..job.j1).step_by(width) {
        let n = width.min(job.j1 - j);
        let area = Area { lane0: j, lanes: n, k0: 0, len: problem.k };
        // SAFETY: the columns are this job's, and the buffer has room for so many.
        unsafe {
            let bf16 = kind == kind::WIDEN;
            let b = problem.dequantizer.write_out(b, stored, area, bf16, scratch.pointer());
            let part = Problem { b, n, c: problem.c.add(j), ..*problem };
            compute(isa, &Job { problem: &part, rows: job.rows, j0: 0, j1: n }, kind);
        }
    }
}

/// # Safety
/// The element lies within the operand.
unsafe fn get(op: &Operand, round: bool, lane: usize, k: usize) -> f32 {
    let at = op.at(lane, k);
    // SAFETY: see above.
    unsafe {
        match (op.bf16, round) {
            (true, _) => bf16_to_f32(*(at as *const u16)),
            (false, true) => bf16_to_f32(f32_to_bf16(*(at as *const f32))),
            (false, false) => *(at as *const f32),
        }
    }
}

/// Columns `j0..j1`; `rows` is A, m × k.
pub(super) struct Job<'a> {
    pub problem: &'a Problem,
    pub rows: &'a [f32],
    pub j0: usize,
    pub j1: usize,
}

/// Sixteen f32. The functions need the instructions of their type.
trait Lanes: Copy {
    fn splat(x: f32) -> Self;
    /// self · factor + sum
    fn fma(self, factor: Self, sum: Self) -> Self;
    /// # Safety
    /// 16 elements can be read.
    unsafe fn load(from: *const f32) -> Self;
    /// # Safety
    /// 16 elements can be read.
    unsafe fn widen(from: *const u16) -> Self;
    /// Rounded to bf16; see [`f32_to_bf16`].
    fn round(self) -> Self;
    fn array(self) -> [f32; LANES];
    /// Asks for what will be read soon; any address will do.
    #[inline(always)]
    fn prefetch(_at: *const u8) {}

    /// # Safety
    /// 16 elements can be read.
    #[inline(always)]
    unsafe fn get<const KIND: u8>(from: *const u8) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            match KIND {
                kind::F32 => Self::load(from as *const f32),
                kind::WIDEN => Self::widen(from as *const u16),
                _ => Self::load(from as *const f32).round(),
            }
        }
    }
}

impl Lanes for [f32; LANES] {
    #[inline(always)]
    fn splat(x: f32) -> Self {
        [x; LANES]
    }

    #[inline(always)]
    fn fma(self, factor: Self, sum: Self) -> Self {
        std::array::from_fn(|l| self[l] * factor[l] + sum[l])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        unsafe { (from as *const Self).read_unaligned() }
    }

    #[inline(always)]
    unsafe fn widen(from: *const u16) -> Self {
        // SAFETY: the caller's promise.
        unsafe { (from as *const [u16; LANES]).read_unaligned() }.map(bf16_to_f32)
    }

    #[inline(always)]
    fn round(self) -> Self {
        self.map(|x| bf16_to_f32(f32_to_bf16(x)))
    }

    #[inline(always)]
    fn array(self) -> [f32; LANES] {
        self
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::*;
    use std::arch::x86_64::*;

    impl Lanes for __m512 {
        #[inline(always)]
        fn prefetch(at: *const u8) {
            // SAFETY: reads nothing.
            unsafe { _mm_prefetch(at as *const i8, _MM_HINT_T0) }
        }

        #[inline(always)]
        fn splat(x: f32) -> Self {
            // SAFETY: used on processors with AVX-512 only.
            unsafe { _mm512_set1_ps(x) }
        }

        #[inline(always)]
        fn fma(self, factor: Self, sum: Self) -> Self {
            // SAFETY: as above.
            unsafe { _mm512_fmadd_ps(self, factor, sum) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: the caller's promise.
            unsafe { _mm512_loadu_ps(from) }
        }

        #[inline(always)]
        unsafe fn widen(from: *const u16) -> Self {
            // SAFETY: the caller's promise.
            unsafe {
                let half = _mm256_loadu_si256(from as *const __m256i);
                _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16))
            }
        }

        #[inline(always)]
        fn round(self) -> Self {
            // SAFETY: as above.
            unsafe { _mm512_castsi512_ps(super::super::pack512::round(_mm512_castps_si512(self))) }
        }

        #[inline(always)]
        fn array(self) -> [f32; LANES] {
            // SAFETY: the types have the same bits.
            unsafe { std::mem::transmute(self) }
        }
    }

    impl Lanes for [__m256; 2] {
        #[inline(always)]
        fn prefetch(at: *const u8) {
            // SAFETY: reads nothing.
            unsafe { _mm_prefetch(at as *const i8, _MM_HINT_T0) }
        }

        #[inline(always)]
        fn splat(x: f32) -> Self {
            // SAFETY: used on processors with AVX2 and FMA only.
            unsafe { [_mm256_set1_ps(x); 2] }
        }

        #[inline(always)]
        fn fma(self, factor: Self, sum: Self) -> Self {
            // SAFETY: as above.
            unsafe {
                [_mm256_fmadd_ps(self[0], factor[0], sum[0]), _mm256_fmadd_ps(self[1], factor[1], sum[1])]
            }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: the caller's promise.
            unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] }
        }

        #[inline(always)]
        unsafe fn widen(from: *const u16) -> Self {
            // SAFETY: the caller's promise.
            unsafe {
                let low = _mm256_cvtepu16_epi32(_mm_loadu_si128(from as *const __m128i));
                let high = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.add(8) as *const __m128i));
                [low, high].map(|x| _mm256_castsi256_ps(_mm256_slli_epi32(x, 16)))
            }
        }

        #[inline(always)]
        fn round(self) -> Self {
            let values = self.array().round();
            // SAFETY: the types have the same bits.
            unsafe { std::mem::transmute(values) }
        }

        #[inline(always)]
        fn array(self) -> [f32; LANES] {
            // SAFETY: the types have the same bits.
            unsafe { std::mem::transmute(self) }
        }
    }

    /// # Safety
    /// See [`dispatch`]; needs AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn avx2(job: &Job, kind: u8) {
        // SAFETY: the caller's promise.
        unsafe { dispatch::<[__m256; 2]>(job, kind) }
    }

    /// # Safety
    /// See [`dispatch`]; needs AVX-512.
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
    pub unsafe fn avx512(job: &Job, kind: u8) {
        // SAFETY: the caller's promise.
        unsafe { dispatch::<__m512>(job, kind) }
    }
}

/// # Safety
/// The job's columns lie within the problem, and no one else writes them.
#[inline(always)]
unsafe fn dispatch<L: Lanes>(job: &Job, kind: u8) {
    // SAFETY: the caller's promise.
    unsafe {
        match kind {
            kind::F32 => by_rows::<L, { kind::F32 }>(job),
            kind::WIDEN => by_rows::<L, { kind::WIDEN }>(job),
            _ => by_rows::<L, { kind::ROUND }>(job),
        }
    }
}

/// # Safety
/// See [`dispatch`].
#[inline(always)]
unsafe fn by_rows<L: Lanes, const KIND: u8>(job: &Job) {
    // SAFETY: the caller's promise.
    unsafe {
        match (job.problem.b.along, job.problem.m) {
            (true, 1) => dots::<L, KIND, 1, 4>(job),
            (true, 2) => dots::<L, KIND, 2, 4>(job),
            (true, 3) => dots::<L, KIND, 3, 2>(job),
            (true, _) => dots::<L, KIND, 4, 2>(job),
            (false, 1) => sums::<L, KIND, 1>(job),
            (false, 2) => sums::<L, KIND, 2>(job),
            (false, 3) => sums::<L, KIND, 3>(job),
            (false, _) => sums::<L, KIND, 4>(job),
        }
    }
}

/// # Safety
/// The element can be read.
#[inline(always)]
unsafe fn single<const KIND: u8>(from: *const u8) -> f32 {
    // SAFETY: the caller's promise.
    unsafe {
        match KIND {
            kind::F32 => *(from as *const f32),
            kind::WIDEN => bf16_to_f32(*(from as *const u16)),
            _ => bf16_to_f32(f32_to_bf16(*(from as *const f32))),
        }
    }
}

/// # Safety
/// Column `j` is this job's.
#[inline(always)]
pub(super) unsafe fn finish(problem: &Problem, i: usize, j: usize, sum: f32) {
    // SAFETY: see above.
    unsafe {
        let c = problem.c.add(i * problem.c_row + j);
        *c = problem.alpha * sum + if problem.accumulate { *c } else { 0.0 };
    }
}

/// B with contiguous columns: `M` rows of A times `C` columns at a time.
///
/// # Safety
/// See [`dispatch`].
#[inline(always)]
unsafe fn dots<L: Lanes, const KIND: u8, const M: usize, const C: usize>(job: &Job) {
    let mut j = job.j0;
    // SAFETY: the caller's promise.
    unsafe {
        while j + C <= job.j1 {
            dot::<L, KIND, M, C>(job, j);
            j += C;
        }
        while j < job.j1 {
            dot::<L, KIND, M, 1>(job, j);
            j += 1;
        }
    }
}

/// # Safety
/// Columns `j..j + C` are this job's.
#[inline(always)]
unsafe fn dot<L: Lanes, const KIND: u8, const M: usize, const C: usize>(job: &Job, j: usize) {
    let k = job.problem.k;
    let whole = k / LANES * LANES;
    let size = job.problem.b.element_size();
    let columns: [*const u8; C] = std::array::from_fn(|c| job.problem.b.at(j + c, 0));
    // Columns are short for the processor's own foresight: the next ones are asked for here.
    let next = C * job.problem.b.lane_stride * size;
    let mut sums = [[L::splat(0.0); C]; M];
    // SAFETY: elements of k below `whole` come in whole vectors, the others one by one.
    unsafe {
        for p in (0..whole).step_by(LANES) {
            for c in 0..C {
                let b = L::get::<KIND>(columns[c].add(p * size));
                L::prefetch(columns[c].wrapping_add(p * size + next));
                for (i, sums) in sums.iter_mut().enumerate() {
                    sums[c] = L::load(job.rows.as_ptr().add(i * k + p)).fma(b, sums[c]);
                }
            }
        }
        for (i, sums) in sums.iter().enumerate() {
            for (c, sums) in sums.iter().enumerate() {
                let mut sums = sums.array();
                for p in whole..k {
                    sums[p - whole] += job.rows[i * k + p] * single::<KIND>(columns[c].add(p * size));
                }
                finish(job.problem, i, j + c, total(sums));
            }
        }
    }
}

/// The sum of all lanes, by halves.
#[inline(always)]
pub(super) fn total(mut sums: [f32; LANES]) -> f32 {
    for half in [8, 4, 2, 1] {
        for l in 0..half {
            sums[l] += sums[l + half];
        }
    }
    sums[0]
}

/// B with contiguous rows: four rows of B at a time are added to the sums of many columns.
///
/// # Safety
/// See [`dispatch`].
#[inline(always)]
unsafe fn sums<L: Lanes, const KIND: u8, const M: usize>(job: &Job) {
    let k = job.problem.k;
    for j in (job.j0..job.j1).step_by(WIDTH) {
        let width = WIDTH.min(job.j1 - j);
        let mut sums = [[0f32; WIDTH]; M];
        // SAFETY: `width` columns from j and k rows lie within B.
        unsafe {
            for p in (0..k / 4 * 4).step_by(4) {
                add::<L, KIND, M, 4>(job, j, width, p, &mut sums);
            }
            for p in k / 4 * 4..k {
                add::<L, KIND, M, 1>(job, j, width, p, &mut sums);
            }
            for (i, sums) in sums.iter().enumerate() {
                for (x, sum) in sums[..width].iter().enumerate() {
                    finish(job.problem, i, j + x, *sum);
                }
            }
        }
    }
}

/// Adds `P` rows of B from row `p` to the sums, times their elements of A.
///
/// # Safety
/// `width` columns from `j` and the rows lie within B.
#[inline(always)]
unsafe fn add<L: Lanes, const KIND: u8, const M: usize, const P: usize>(
    job: &Job,
    j: usize,
    width: usize,
    p: usize,
    sums: &mut [[f32; WIDTH]; M],
) {
    let k = job.problem.k;
    let size = job.problem.b.element_size();
    let rows: [*const u8; P] = std::array::from_fn(|q| job.problem.b.at(j, p + q));
    let whole = width / LANES * LANES;
    // SAFETY: columns below `whole` come in whole vectors, the others one by one.
    unsafe {
        for x in (0..whole).step_by(LANES) {
            let b: [L; P] = std::array::from_fn(|q| L::get::<KIND>(rows[q].add(x * size)));
            for (i, sums) in sums.iter_mut().enumerate() {
                let sums = sums.as_mut_ptr().add(x);
                let mut sum = L::load(sums);
                for (q, b) in b.iter().enumerate() {
                    sum = b.fma(L::splat(job.rows[i * k + p + q]), sum);
                }
                (sums as *mut [f32; LANES]).write(sum.array());
            }
        }
        for x in whole..width {
            for (q, row) in rows.iter().enumerate() {
                let b = single::<KIND>(row.add(x * size));
                for (i, sums) in sums.iter_mut().enumerate() {
                    sums[x] += job.rows[i * k + p + q] * b;
                }
            }
        }
    }
}
