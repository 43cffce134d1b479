//! As [`super::few`], with a B of contiguous columns in f16 or 8 bits that is read where it lies: written out first, it would
//! pass through the cache three times. The numbers and the order of the sums are those of the written-out B, so the
//! results are too. AVX-512; other processors write B out.

use std::arch::x86_64::*;

use super::Isa;
use super::dequantize::{Stored, Values};
use super::few::{Job, LANES, finish, total};
use super::pack::Operand;
use super::pack512;
use crate::quantization::q8;

/// Whether this is such a B: whole vectors, and blocks that begin with the column.
pub(super) fn reads(isa: Isa, b: &Operand, stored: Stored, k: usize) -> bool {
    let wide = matches!(isa, Isa::Avx512 | Isa::Avx512Bf16 | Isa::Amx);
    let block = match stored.values {
        Values::F16(_) => LANES,
        Values::Q8(_) => q8::BLOCK,
        Values::Nf4(_) => return false,
    };
    wide && b.along && [k, stored.start, b.lane_stride].iter().all(|size| size.is_multiple_of(block))
}

/// `round`: to bf16, as the products want it.
///
/// # Safety
/// The job's columns lie within the problem, and no one else writes them; [`reads`] said yes.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) unsafe fn multiply(job: &Job, stored: Stored, round: bool) {
    // SAFETY: the caller's promise.
    unsafe {
        match (job.problem.m, round) {
            (1, false) => columns::<1, false>(job, stored),
            (2, false) => columns::<2, false>(job, stored),
            (3, false) => columns::<3, false>(job, stored),
            (_, false) => columns::<4, false>(job, stored),
            (1, true) => columns::<1, true>(job, stored),
            (2, true) => columns::<2, true>(job, stored),
            (3, true) => columns::<3, true>(job, stored),
            (_, true) => columns::<4, true>(job, stored),
        }
    }
}

/// # Safety
/// See [`multiply`].
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn columns<const M: usize, const ROUND: bool>(job: &Job, stored: Stored) {
    let whole = job.j0 + (job.j1 - job.j0) / 4 * 4;
    // SAFETY: the caller's promise.
    unsafe {
        for j in (job.j0..whole).step_by(4) {
            dot::<M, 4, ROUND>(job, stored, j);
        }
        for j in whole..job.j1 {
            dot::<M, 1, ROUND>(job, stored, j);
        }
    }
}

/// `M` rows of A times the columns `j..j + C`.
///
/// # Safety
/// See [`multiply`].
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn dot<const M: usize, const C: usize, const ROUND: bool>(job: &Job, stored: Stored, j: usize) {
    let (k, stride) = (job.problem.k, job.problem.b.lane_stride);
    // As in `few`: the next columns are asked for.
    let next = C * stride;
    let starts: [usize; C] = std::array::from_fn(|c| stored.start + (j + c) * stride);
    let mut sums = [[_mm512_setzero_ps(); C]; M];
    // SAFETY: k is whole vectors (whole blocks), which lie within A and B.
    unsafe {
        match stored.values {
            Values::F16(bits) => {
                for p in (0..k).step_by(LANES) {
                    for (c, start) in starts.iter().enumerate() {
                        let half = _mm256_loadu_si256(bits.add(start + p) as *const __m256i);
                        _mm_prefetch(bits.wrapping_add(start + p + next) as *const i8, _MM_HINT_T0);
                        add::<M, C, ROUND>(job, p, c, _mm512_cvtph_ps(half), &mut sums);
                    }
                }
            }
            Values::Q8(matrix) => {
                let (codes, scales) = ((*matrix).codes().as_ptr(), (*matrix).scales().as_ptr());
                for p in (0..k).step_by(q8::BLOCK) {
                    for (c, start) in starts.iter().enumerate() {
                        let at = start + p;
                        _mm_prefetch(codes.wrapping_add(at + next), _MM_HINT_T0);
                        let scale = *scales.add(at / q8::BLOCK) as i16;
                        let scale = _mm512_cvtph_ps(_mm256_set1_epi16(scale));
                        for half in [0, LANES] {
                            let codes = _mm_loadu_si128(codes.add(at + half) as *const __m128i);
                            let codes = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes));
                            add::<M, C, ROUND>(job, p + half, c, _mm512_mul_ps(codes, scale), &mut sums);
                        }
                    }
                }
            }
            Values::Nf4(_) => unreachable!("`reads` refuses it"),
        }
        for (i, sums) in sums.iter().enumerate() {
            for (c, sums) in sums.iter().enumerate() {
                let sums: [f32; LANES] = std::mem::transmute(*sums);
                finish(job.problem, i, j + c, total(sums));
            }
        }
    }
}

/// Adds 16 numbers of column `c` times those of each row of A.
///
/// # Safety
/// A has the elements from `p` on.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn add<const M: usize, const C: usize, const ROUND: bool>(
    job: &Job,
    p: usize,
    c: usize,
    b: __m512,
    sums: &mut [[__m512; C]; M],
) {
    // SAFETY: the caller's promise; the features include those of `round`.
    unsafe {
        let b = if ROUND { _mm512_castsi512_ps(pack512::round(_mm512_castps_si512(b))) } else { b };
        for (i, sums) in sums.iter_mut().enumerate() {
            let a = _mm512_loadu_ps(job.rows.as_ptr().add(i * job.problem.k + p));
            sums[c] = _mm512_fmadd_ps(a, b, sums[c]);
        }
    }
}
