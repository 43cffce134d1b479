//! AVX2 with FMA: tiles of 6 × 16 f32.

use super::driver::{Block, Kernel, PackedA};
use super::pack::{Area, Operand, Unit, pack_portable};
use std::arch::x86_64::*;

const MR: usize = 6;
const NR: usize = 16;

pub(super) const F32: Kernel = kernel(Unit::F32);
pub(super) const ROUNDED: Kernel = kernel(Unit::Rounded);

const fn kernel(unit: Unit) -> Kernel {
    Kernel { mr: MR, nr: NR, kc: 320, mc: 144, unit, direct_a: false, direct_b: true, pack_a, pack_b, sweep }
}

/// # Safety
/// See [`pack_portable`]; needs AVX2.
#[target_feature(enable = "avx2,fma")]
unsafe fn pack_a(op: Operand, area: Area, unit: Unit, units: usize, dst: *mut u32) -> PackedA {
    // SAFETY: the caller's promise.
    unsafe { pack_portable::<MR>(op, area, unit, units, dst) };
    PackedA { data: dst as *const u8, row: 4, unit: 4 * MR, sliver: 4 * MR * units }
}

/// # Safety
/// See [`pack_portable`]; needs AVX2.
#[target_feature(enable = "avx2,fma")]
unsafe fn pack_b(op: Operand, area: Area, unit: Unit, units: usize, dst: *mut u32) {
    // SAFETY: the caller's promise.
    unsafe { pack_portable::<NR>(op, area, unit, units, dst) }
}

/// # Safety
/// The block's pointers cover its panel and its part of C; needs AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
unsafe fn sweep(block: &Block) {
    for (sliver, i) in (0..block.rows).step_by(MR).enumerate() {
        // SAFETY: the panel is `units` × NR, slivers `units` × MR, zero padded; C has rows × cols elements.
        unsafe {
            let a = block.a.data.add(sliver * block.a.sliver) as *const f32;
            let sums = product(block.units, a, block.b as *const f32, block.b_row);
            store(block, &sums, block.c.add(i * block.c_row), MR.min(block.rows - i), block.cols);
        }
    }
}

/// # Safety
/// `a` holds `units` × MR, `b` rows of NR `b_row` apart.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn product(units: usize, mut a: *const f32, mut b: *const f32, b_row: usize) -> [[__m256; 2]; MR] {
    let mut sums = [[_mm256_setzero_ps(); 2]; MR];
    for _ in 0..units {
        // SAFETY: see above.
        unsafe {
            let (low, high) = (_mm256_loadu_ps(b), _mm256_loadu_ps(b.add(8)));
            for (i, row) in sums.iter_mut().enumerate() {
                let value = _mm256_broadcast_ss(&*a.add(i));
                row[0] = _mm256_fmadd_ps(value, low, row[0]);
                row[1] = _mm256_fmadd_ps(value, high, row[1]);
            }
        }
        a = a.wrapping_add(MR);
        b = b.wrapping_add(b_row);
    }
    sums
}

/// # Safety
/// C has `rows` × `cols` elements from `c`.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn store(block: &Block, sums: &[[__m256; 2]; MR], c: *mut f32, rows: usize, cols: usize) {
    let alpha = _mm256_set1_ps(block.alpha);
    for (i, row) in sums.iter().enumerate().take(rows) {
        // SAFETY: see above; ragged rows go through an array of full width.
        unsafe {
            let c = c.add(i * block.c_row);
            let mut edge = [0f32; NR];
            let at = if cols == NR { c } else { edge.as_mut_ptr() };
            if block.accumulate && cols < NR {
                std::ptr::copy_nonoverlapping(c, at, cols);
            }
            for (x, sum) in row.iter().enumerate() {
                let at = at.add(8 * x);
                let value = if block.accumulate {
                    _mm256_fmadd_ps(alpha, *sum, _mm256_loadu_ps(at))
                } else {
                    _mm256_mul_ps(alpha, *sum)
                };
                _mm256_storeu_ps(at, value);
            }
            if cols < NR {
                std::ptr::copy_nonoverlapping(at, c, cols);
            }
        }
    }
}
