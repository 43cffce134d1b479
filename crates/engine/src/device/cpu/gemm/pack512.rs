//! Packing with AVX-512: conversion, interleaving and 16 × 16 transposition in registers.
//!
//! The functions are `inline(always)` without features of their own: they become part of the wrappers in the kernel
//! files, which enable what the instruction set has.

use super::pack::{Area, Operand};
use std::arch::x86_64::*;

/// From what to what: the values of the const parameter `KIND`.
pub(super) mod kind {
    /// f32 as it is.
    pub const F32: u8 = 0;
    /// bf16 widened to f32.
    pub const WIDEN: u8 = 1;
    /// f32 rounded to bf16, kept as f32.
    pub const ROUND: u8 = 2;
    /// f32 rounded to pairs of bf16.
    pub const PAIR_F32: u8 = 3;
    /// bf16 to pairs of bf16.
    pub const PAIR_BF16: u8 = 4;
}

/// Where units go: distances in units.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    /// From one vector of 16 to the next: the next unit of k (lane-contiguous) or the next lane (k-contiguous).
    pub row: usize,
    /// From 16 lanes to the next 16.
    pub group: usize,
    /// From 16 units of k to the next 16.
    pub block: usize,
}

const fn depth(kind: u8) -> usize {
    if kind >= kind::PAIR_F32 { 2 } else { 1 }
}

#[inline(always)]
fn mask16(count: usize) -> __mmask16 {
    if count >= 16 { !0 } else { (1u16 << count) - 1 }
}

#[inline(always)]
fn mask32(count: usize) -> __mmask32 {
    if count >= 32 { !0 } else { (1u32 << count) - 1 }
}

/// f32 rounded to bf16, to nearest even; NaN stays NaN.
///
/// # Safety
/// Needs AVX-512.
#[inline(always)]
pub(super) unsafe fn round(x: __m512i) -> __m512i {
    // SAFETY: the caller has AVX-512.
    unsafe {
        let odd = _mm512_and_si512(_mm512_srli_epi32(x, 16), _mm512_set1_epi32(1));
        let sum = _mm512_add_epi32(x, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
        let nan = _mm512_cmp_ps_mask(_mm512_castsi512_ps(x), _mm512_castsi512_ps(x), _CMP_UNORD_Q);
        let quiet = _mm512_or_si512(x, _mm512_set1_epi32(0x40_0000));
        _mm512_and_si512(_mm512_mask_mov_epi32(sum, nan, quiet), _mm512_set1_epi32(0xffff_0000u32 as i32))
    }
}

/// 16 units from up to `count` elements that follow one another along k; zeros after them.
///
/// # Safety
/// `count` elements can be read at `from`.
#[inline(always)]
unsafe fn along<const KIND: u8>(from: *const u8, count: usize) -> __m512i {
    // SAFETY: masked-off elements are not touched.
    unsafe {
        match KIND {
            kind::F32 => _mm512_maskz_loadu_epi32(mask16(count), from as *const i32),
            kind::WIDEN => {
                let half = _mm256_maskz_loadu_epi16(mask16(count), from as *const i16);
                _mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16)
            }
            kind::ROUND => round(_mm512_maskz_loadu_epi32(mask16(count), from as *const i32)),
            kind::PAIR_F32 => {
                let from = from as *const f32;
                let low = _mm512_maskz_loadu_ps(mask16(count), from);
                let high = _mm512_maskz_loadu_ps(mask16(count.saturating_sub(16)), from.wrapping_add(16));
                std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low))
            }
            _ => _mm512_maskz_loadu_epi16(mask32(count), from as *const i16),
        }
    }
}

/// One unit of `lanes` (at most 16) neighbouring lanes from the element at `from` and, for pairs, the one of the next
/// k at `next` (null when there is none); zeros after them.
///
/// # Safety
/// `lanes` elements can be read at both places.
#[inline(always)]
unsafe fn across<const KIND: u8>(from: *const u8, next: *const u8, lanes: usize) -> __m512i {
    // SAFETY: masked-off elements are not touched.
    unsafe {
        let mask = mask16(lanes);
        let second = if next.is_null() { 0 } else { mask };
        match KIND {
            kind::PAIR_F32 => {
                let low = _mm512_maskz_loadu_ps(mask, from as *const f32);
                let high = _mm512_maskz_loadu_ps(second, next as *const f32);
                let both = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
                _mm512_permutexvar_epi16(interleave(), both)
            }
            kind::PAIR_BF16 => {
                let low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, from as *const i16));
                let high = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(second, next as *const i16));
                _mm512_or_si512(low, _mm512_slli_epi32(high, 16))
            }
            _ => along::<KIND>(from, lanes),
        }
    }
}

/// Indices that interleave the halves of a vector of 32 × 16 bits.
#[inline(always)]
unsafe fn interleave() -> __m512i {
    // SAFETY: the caller has AVX-512.
    unsafe {
        let low = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
        _mm512_or_si512(low, _mm512_slli_epi32(_mm512_add_epi32(low, _mm512_set1_epi32(16)), 16))
    }
}

#[inline(always)]
unsafe fn transpose(r: &mut [__m512i; 16]) {
    // SAFETY: the caller has AVX-512.
    unsafe {
        let mut t = *r;
        for i in 0..8 {
            t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
            t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
        }
        for i in 0..4 {
            for j in 0..2 {
                r[4 * i + 2 * j] = _mm512_unpacklo_epi64(t[4 * i + j], t[4 * i + 2 + j]);
                r[4 * i + 2 * j + 1] = _mm512_unpackhi_epi64(t[4 * i + j], t[4 * i + 2 + j]);
            }
        }
        for j in 0..4 {
            let a = _mm512_shuffle_i32x4(r[j], r[4 + j], 0x88);
            let b = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0x88);
            let c = _mm512_shuffle_i32x4(r[j], r[4 + j], 0xdd);
            let d = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0xdd);
            t[j] = _mm512_shuffle_i32x4(a, b, 0x88);
            t[8 + j] = _mm512_shuffle_i32x4(a, b, 0xdd);
            t[4 + j] = _mm512_shuffle_i32x4(c, d, 0x88);
            t[12 + j] = _mm512_shuffle_i32x4(c, d, 0xdd);
        }
        *r = t;
    }
}

/// 16 units of each of 16 lanes: register i is lane i.
///
/// # Safety
/// Lane `lane` and element `k` lie within the operand.
#[inline(always)]
unsafe fn load_along<const KIND: u8>(op: &Operand, area: &Area, lane: usize, k: usize) -> [__m512i; 16] {
    // SAFETY: rows beyond the area are not read, elements beyond are masked off.
    unsafe {
        let mut r = [_mm512_setzero_si512(); 16];
        let from = op.at(area.lane0 + lane, area.k0 + k);
        let stride = op.lane_stride * op.element_size();
        let count = area.len - k;
        if lane + 16 <= area.lanes {
            for (i, r) in r.iter_mut().enumerate() {
                let from = from.wrapping_add(i * stride);
                // Units of this lane that are wanted after two rounds of the other lanes.
                _mm_prefetch(
                    from.wrapping_add(2 * 16 * depth(KIND) * op.element_size()) as *const i8,
                    _MM_HINT_T0,
                );
                *r = along::<KIND>(from, count);
            }
        } else {
            for (i, r) in r.iter_mut().enumerate().take(area.lanes - lane) {
                *r = along::<KIND>(from.wrapping_add(i * stride), count);
            }
        }
        r
    }
}

/// 16 units of each of 16 lanes: register i is unit i.
///
/// # Safety
/// As [`load_along`].
#[inline(always)]
unsafe fn load_across<const KIND: u8>(op: &Operand, area: &Area, lane: usize, k: usize) -> [__m512i; 16] {
    // SAFETY: rows beyond the area are not read, lanes beyond are masked off.
    unsafe {
        let mut r = [_mm512_setzero_si512(); 16];
        let from = op.at(area.lane0 + lane, area.k0 + k);
        let stride = op.k_stride * op.element_size();
        let (lanes, depth) = (area.lanes - lane, depth(KIND));
        if k + 16 * depth <= area.len {
            for (i, r) in r.iter_mut().enumerate() {
                let from = from.wrapping_add(i * depth * stride);
                // The row of the next units, which is wanted after the other lanes of this one.
                _mm_prefetch(from.wrapping_add(16 * depth * stride) as *const i8, _MM_HINT_T0);
                if depth == 2 {
                    _mm_prefetch(from.wrapping_add((16 * depth + 1) * stride) as *const i8, _MM_HINT_T0);
                }
                *r = across::<KIND>(from, from.wrapping_add(stride), lanes);
            }
        } else {
            for (i, r) in r.iter_mut().enumerate().take((area.len - k).div_ceil(depth)) {
                let from = from.wrapping_add(i * depth * stride);
                let last = k + i * depth + 1 >= area.len;
                let next = if last { std::ptr::null() } else { from.wrapping_add(stride) };
                *r = across::<KIND>(from, next, lanes);
            }
        }
        r
    }
}

/// # Safety
/// `to` has room for 16 rows.
#[inline(always)]
unsafe fn store(r: &[__m512i; 16], to: *mut u32, row: usize) {
    for (i, r) in r.iter().enumerate() {
        // SAFETY: see above.
        unsafe { _mm512_storeu_si512(to.add(i * row) as *mut __m512i, *r) }
    }
}

/// Panels whose lanes are contiguous: `groups` × 16 lanes wide, one after the other `panel` units apart. `units` is a
/// multiple of 16; what lies beyond the area is zero.
///
/// # Safety
/// The area lies within the operand, and `dst` has room for all panels that the area touches.
#[inline(always)]
pub(super) unsafe fn pack_lanes<const KIND: u8>(
    op: Operand,
    area: Area,
    units: usize,
    groups: usize,
    panel: usize,
    layout: Layout,
    dst: *mut u32,
) {
    let (lanes, blocks) = (area.lanes.next_multiple_of(16 * groups), units / 16);
    // The way in which memory is read: few streams, each as long as possible.
    let (outer, inner) = if op.along { (lanes / 16, blocks) } else { (blocks, lanes / 16) };
    for outer in 0..outer {
        for i in 0..inner {
            let (lane, block) = if op.along { (16 * outer, i) } else { (16 * i, outer) };
            let k = 16 * block * depth(KIND);
            // SAFETY: see above; groups beyond the area are zeros.
            unsafe {
                let (p, group) = (lane / (16 * groups), lane / 16 % groups);
                let to = dst.add(p * panel + block * layout.block + group * layout.group);
                if lane >= area.lanes || k >= area.len {
                    store(&[_mm512_setzero_si512(); 16], to, layout.row);
                } else if op.along {
                    let mut r = load_along::<KIND>(&op, &area, lane, k);
                    transpose(&mut r);
                    store(&r, to, layout.row);
                } else {
                    store(&load_across::<KIND>(&op, &area, lane, k), to, layout.row);
                }
            }
        }
    }
}

/// Lanes whose units are contiguous, in groups of 16 lanes.
///
/// # Safety
/// As [`pack_lanes`]; `dst` has room for `lanes` rounded up to 16.
#[inline(always)]
pub(super) unsafe fn pack_units<const KIND: u8>(
    op: Operand,
    area: Area,
    units: usize,
    layout: Layout,
    dst: *mut u32,
) {
    for (group, lane) in (0..area.lanes).step_by(16).enumerate() {
        for block in 0..units / 16 {
            let k = 16 * block * depth(KIND);
            // SAFETY: see above; blocks beyond the area are zeros.
            unsafe {
                let to = dst.add(block * layout.block + group * layout.group);
                if k >= area.len {
                    store(&[_mm512_setzero_si512(); 16], to, layout.row);
                } else if op.along {
                    store(&load_along::<KIND>(&op, &area, lane, k), to, layout.row);
                } else {
                    let mut r = load_across::<KIND>(&op, &area, lane, k);
                    transpose(&mut r);
                    store(&r, to, layout.row);
                }
            }
        }
    }
}
