//! AVX-512: tiles of 6 × 64, products in f32 or, with `vdpbf16ps`, of pairs of bf16.

use super::driver::{Block, Kernel, PackedA};
use super::pack::{Area, Operand, Unit};
use super::pack512::{Layout, kind, pack_lanes, pack_units};
use std::arch::x86_64::*;

const MR: usize = 6;
/// Vectors of 16 columns in a panel.
const NV: usize = 4;
const NR: usize = 16 * NV;

pub(super) const F32: Kernel = Kernel {
    mr: MR,
    nr: NR,
    kc: 512,
    mc: 192,
    unit: Unit::F32,
    direct_a: true,
    direct_b: true,
    pack_a: pack_a_f32,
    pack_b: pack_b_f32,
    sweep: sweep_f32,
};

pub(super) const ROUNDED: Kernel = Kernel { unit: Unit::Rounded, ..F32 };

pub(super) const BF16: Kernel = Kernel {
    unit: Unit::Pair,
    direct_b: false,
    pack_a: pack_a_bf16,
    pack_b: pack_b_bf16,
    sweep: sweep_bf16,
    ..F32
};

/// # Safety
/// See [`pack_units`].
#[inline(always)]
unsafe fn pack_rows<const KIND: u8>(op: Operand, area: Area, units: usize, dst: *mut u32) -> PackedA {
    let layout = Layout { row: units, group: 16 * units, block: 16 };
    // SAFETY: the caller's promise.
    unsafe { pack_units::<KIND>(op, area, units, layout, dst) };
    PackedA { data: dst as *const u8, row: 4 * units, unit: 4, sliver: 4 * MR * units }
}

/// # Safety
/// See [`pack_lanes`].
#[inline(always)]
unsafe fn pack_columns<const KIND: u8>(op: Operand, area: Area, units: usize, dst: *mut u32) {
    let layout = Layout { row: NR, group: 16, block: 16 * NR };
    // SAFETY: the caller's promise.
    unsafe { pack_lanes::<KIND>(op, area, units, NV, NR * units, layout, dst) }
}

/// # Safety
/// See [`pack_rows`]; needs AVX-512.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn pack_a_f32(op: Operand, area: Area, unit: Unit, units: usize, dst: *mut u32) -> PackedA {
    // SAFETY: the caller's promise.
    unsafe {
        match (op.bf16, unit) {
            (true, _) => pack_rows::<{ kind::WIDEN }>(op, area, units, dst),
            (false, Unit::Rounded) => pack_rows::<{ kind::ROUND }>(op, area, units, dst),
            (false, _) => pack_rows::<{ kind::F32 }>(op, area, units, dst),
        }
    }
}

/// # Safety
/// See [`pack_columns`]; needs AVX-512.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn pack_b_f32(op: Operand, area: Area, unit: Unit, units: usize, dst: *mut u32) {
    // SAFETY: the caller's promise.
    unsafe {
        match (op.bf16, unit) {
            (true, _) => pack_columns::<{ kind::WIDEN }>(op, area, units, dst),
            (false, Unit::Rounded) => pack_columns::<{ kind::ROUND }>(op, area, units, dst),
            (false, _) => pack_columns::<{ kind::F32 }>(op, area, units, dst),
        }
    }
}

/// # Safety
/// See [`pack_rows`]; needs AVX-512 with BF16.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
unsafe fn pack_a_bf16(op: Operand, area: Area, _: Unit, units: usize, dst: *mut u32) -> PackedA {
    // SAFETY: the caller's promise.
    unsafe {
        if op.bf16 {
            pack_rows::<{ kind::PAIR_BF16 }>(op, area, units, dst)
        } else {
            pack_rows::<{ kind::PAIR_F32 }>(op, area, units, dst)
        }
    }
}

/// # Safety
/// See [`pack_columns`]; needs AVX-512 with BF16.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
unsafe fn pack_b_bf16(op: Operand, area: Area, _: Unit, units: usize, dst: *mut u32) {
    // SAFETY: the caller's promise.
    unsafe {
        if op.bf16 {
            pack_columns::<{ kind::PAIR_BF16 }>(op, area, units, dst)
        } else {
            pack_columns::<{ kind::PAIR_F32 }>(op, area, units, dst)
        }
    }
}

/// # Safety
/// See [`sweep`]; needs AVX-512.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn sweep_f32(block: &Block) {
    // SAFETY: the caller's promise.
    unsafe { sweep::<false>(block) }
}

/// # Safety
/// See [`sweep`]; needs AVX-512 with BF16.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
unsafe fn sweep_bf16(block: &Block) {
    // SAFETY: the caller's promise.
    unsafe { sweep::<true>(block) }
}

/// # Safety
/// The block's pointers cover its panel (a whole one when read in place) and its part of C.
#[inline(always)]
unsafe fn sweep<const BF16: bool>(block: &Block) {
    // Few columns leave registers free for more rows: sums must not wait for each other.
    let tall = if block.cols <= 32 { 2 * MR } else { MR };
    for i in (0..block.rows).step_by(tall) {
        // SAFETY: see above; slivers of A follow one another at the distance of their rows.
        unsafe {
            let a = block.a.data.add(i / MR * block.a.sliver);
            let c = block.c.add(i * block.c_row);
            macro_rules! dispatch {
                ($($m:literal)*; $($more:literal)*) => {
                    match (tall.min(block.rows - i), block.cols.div_ceil(16)) {
                        $(($m, 1) => tile::<BF16, $m, 1>(block, a, c),
                          ($m, 2) => tile::<BF16, $m, 2>(block, a, c),
                          ($m, 3) => tile::<BF16, $m, 3>(block, a, c),
                          ($m, _) => tile::<BF16, $m, 4>(block, a, c),)*
                        $(($more, 1) => tile::<BF16, $more, 1>(block, a, c),
                          ($more, 2) => tile::<BF16, $more, 2>(block, a, c),)*
                        _ => unreachable!("a sliver has one to six rows, or twelve with few columns"),
                    }
                };
            }
            dispatch!(1 2 3 4 5 6; 7 8 9 10 11 12);
        }
    }
}

/// The same bits as pairs of bf16.
#[inline(always)]
fn pairs(x: __m512) -> __m512bh {
    // SAFETY: the types have the same size, and all bits mean something.
    unsafe { std::mem::transmute::<__m512, __m512bh>(x) }
}

/// `M` rows by `V` vectors of C, the last of them cut to the block's columns.
///
/// # Safety
/// As [`sweep`].
#[inline(always)]
unsafe fn tile<const BF16: bool, const M: usize, const V: usize>(block: &Block, a: *const u8, c: *mut f32) {
    // SAFETY: see above; columns beyond the block's are masked off.
    unsafe {
        let (a_row, a_unit, b_row) = (block.a.row, block.a.unit, block.b_row);
        for i in 0..M {
            for v in 0..V {
                _mm_prefetch(c.wrapping_add(i * block.c_row + 16 * v) as *const i8, _MM_HINT_T0);
            }
        }
        let mut sums = [[_mm512_setzero_ps(); V]; M];
        let (mut a, mut b) = (a, block.b as *const f32);
        for _ in 0..block.units {
            let mut row = [_mm512_setzero_ps(); V];
            for (v, row) in row.iter_mut().enumerate() {
                *row = _mm512_loadu_ps(b.add(16 * v));
            }
            for (i, sums) in sums.iter_mut().enumerate() {
                let value = _mm512_set1_ps((a.add(i * a_row) as *const f32).read_unaligned());
                for (sum, row) in sums.iter_mut().zip(&row) {
                    *sum = if BF16 {
                        _mm512_dpbf16_ps(*sum, pairs(value), pairs(*row))
                    } else {
                        _mm512_fmadd_ps(value, *row, *sum)
                    };
                }
            }
            a = a.wrapping_add(a_unit);
            b = b.wrapping_add(b_row);
        }
        let alpha = _mm512_set1_ps(block.alpha);
        for (i, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                let c = c.add(i * block.c_row + 16 * v);
                let left = block.cols - 16 * v;
                let mask: __mmask16 = if left >= 16 { !0 } else { (1u16 << left) - 1 };
                let value = if block.accumulate {
                    _mm512_fmadd_ps(alpha, *sum, _mm512_maskz_loadu_ps(mask, c))
                } else {
                    _mm512_mul_ps(alpha, *sum)
                };
                _mm512_mask_storeu_ps(c, mask, value);
            }
        }
    }
}
