//! AMX: tiles of 32 × 32 with `tdpbf16ps`, written in assembly (the intrinsics are not stable).
//!
//! Register use: tiles 0–3 are the sums of C, 4–5 two tiles of A (16 rows × 32 k), 6–7 two tiles of B (16 pairs of k ×
//! 16 columns). See Intel's Architecture Instruction Set Extensions Programming Reference, chapter AMX.

use super::driver::{Block, Kernel, PackedA};
use super::pack::{Area, Operand, Unit};
use super::pack512::{Layout, kind, pack_lanes, pack_units};
use std::arch::asm;
use std::arch::x86_64::*;

const MR: usize = 32;
const NR: usize = 32;
/// Units in a tile: 16 rows of 64 bytes.
const TILE: usize = 256;
/// Tiles follow one another: two of 16 lanes each for 16 units of k.
const LAYOUT: Layout = Layout { row: 16, group: TILE, block: 2 * TILE };

pub(super) const BF16: Kernel = Kernel {
    mr: MR,
    nr: NR,
    kc: 512,
    mc: 512,
    unit: Unit::Pair,
    direct_a: false,
    direct_b: false,
    pack_a,
    pack_b,
    sweep,
};

/// Whether processor and operating system let this process use the tiles. Asks the operating system for the
/// permission, which holds for all threads of the process.
pub(super) fn request() -> bool {
    const BF16_AND_TILE: u32 = 1 << 22 | 1 << 24;
    if __cpuid(0).eax < 7 || __cpuid_count(7, 0).edx & BF16_AND_TILE != BF16_AND_TILE {
        return false;
    }
    permitted()
}

#[cfg(target_os = "linux")]
fn permitted() -> bool {
    const ARCH_GET_XCOMP_PERM: libc::c_long = 0x1022;
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const TILE_DATA: libc::c_long = 18;
    let mut granted = 0u64;
    // SAFETY: the first call changes a permission of this process, the second writes the granted mask.
    unsafe {
        libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0
            && libc::syscall(libc::SYS_arch_prctl, ARCH_GET_XCOMP_PERM, &mut granted) == 0
            && granted & 1 << TILE_DATA != 0
    }
}

#[cfg(not(target_os = "linux"))]
fn permitted() -> bool {
    false
}

/// # Safety
/// See [`pack_units`]; needs AVX-512 with BF16. `dst` has room for the rows rounded up to 32.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
unsafe fn pack_a(op: Operand, area: Area, _: Unit, units: usize, dst: *mut u32) -> PackedA {
    // SAFETY: the caller's promise.
    unsafe {
        if op.bf16 {
            pack_slivers::<{ kind::PAIR_BF16 }>(op, area, units, dst);
        } else {
            pack_slivers::<{ kind::PAIR_F32 }>(op, area, units, dst);
        }
    }
    PackedA { data: dst as *const u8, row: 64, unit: 4, sliver: 4 * MR * units }
}

/// # Safety
/// As [`pack_a`].
#[inline(always)]
unsafe fn pack_slivers<const KIND: u8>(op: Operand, area: Area, units: usize, dst: *mut u32) {
    for (sliver, lane) in (0..area.lanes).step_by(MR).enumerate() {
        let lanes = MR.min(area.lanes - lane);
        // SAFETY: the caller's promise. A second tile without rows keeps what it has: its sums are not stored.
        unsafe {
            let dst = dst.add(sliver * MR * units);
            pack_units::<KIND>(op, Area { lane0: area.lane0 + lane, lanes, ..area }, units, LAYOUT, dst);
        }
    }
}

/// # Safety
/// See [`pack_lanes`]; needs AVX-512 with BF16.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
unsafe fn pack_b(op: Operand, area: Area, _: Unit, units: usize, dst: *mut u32) {
    // SAFETY: the caller's promise.
    unsafe {
        if op.bf16 {
            pack_lanes::<{ kind::PAIR_BF16 }>(op, area, units, 2, NR * units, LAYOUT, dst);
        } else {
            pack_lanes::<{ kind::PAIR_F32 }>(op, area, units, 2, NR * units, LAYOUT, dst);
        }
    }
}

#[repr(C, align(64))]
struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    /// Bytes in a row of each tile.
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// Eight tiles of 16 rows × 64 bytes.
static CONFIG: Config = Config {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    row_bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// Sums of one tile of C.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Sums([[f32; NR]; MR]);

/// Most blocks of 16 units of k that are multiplied at a time, so that the tiles of B and of a sliver of A stay in the
/// first-level cache (16 KiB each), and the slivers that such a piece of B meets before the next is taken.
const PIECE: usize = 8;
const SLIVERS: usize = 4;

/// Tiles of C somewhere in memory: rows of 32 f32, `row` bytes apart.
#[derive(Clone, Copy)]
struct Place {
    at: *mut f32,
    row: usize,
}

/// # Safety
/// The block's pointers cover its panel and its part of C; the tiles are permitted.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
unsafe fn sweep(block: &Block) {
    // SAFETY: a valid configuration; the compiler itself uses no tiles.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &CONFIG, options(nostack, readonly)) };
    let slivers = block.rows.div_ceil(MR);
    for sliver in (0..slivers).step_by(SLIVERS) {
        // SAFETY: the tiles lie within the block.
        unsafe { column(block, sliver, SLIVERS.min(slivers - sliver)) };
    }
    // SAFETY: the tiles hold nothing that is needed.
    unsafe { asm!("tilerelease", options(nostack, nomem)) };
}

/// `slivers` tiles of C below one another, piece by piece along k.
///
/// # Safety
/// As [`sweep`], with the tiles configured.
#[inline(always)]
unsafe fn column(block: &Block, first: usize, slivers: usize) {
    let blocks = block.units.div_ceil(16);
    let pieces = blocks.div_ceil(PIECE);
    let mut sums = [const { std::mem::MaybeUninit::<Sums>::uninit() }; SLIVERS];
    for piece in 0..pieces {
        let (begin, end) = (blocks * piece / pieces, blocks * (piece + 1) / pieces);
        for sliver in 0..slivers {
            let i = (first + sliver) * MR;
            let rows = MR.min(block.rows - i);
            // SAFETY: slivers and the panel are whole tiles. Whole tiles of C are read and written in place, others by
            // `add`; sums are written by the first piece.
            unsafe {
                let a = block.a.data.add((first + sliver) * block.a.sliver + begin * 2048);
                let b = (block.b as *const u8).add(begin * 2048);
                let c = block.c.add(i * block.c_row);
                let in_place = rows == MR && block.cols == NR && block.alpha == 1.0;
                let sums = &mut sums[sliver];
                let own = Place { at: sums.as_mut_ptr() as *mut f32, row: 4 * NR };
                let there = Place { at: c, row: 4 * block.c_row };
                if piece == 0 {
                    prefetch(c, rows, block.c_row);
                }
                let from = match (piece, in_place && block.accumulate) {
                    (0, true) => there,
                    (0, false) => Place { at: std::ptr::null_mut(), row: 0 },
                    _ => own,
                };
                let last = piece + 1 == pieces;
                product(end - begin, a, b, from, if last && in_place { there } else { own });
                if last && !in_place {
                    add(block, sums.assume_init_ref(), c, rows, block.cols);
                }
            }
        }
    }
}

/// Asks for the lines of a tile of C, which will be written.
///
/// # Safety
/// None but the instruction.
#[inline(always)]
unsafe fn prefetch(c: *const f32, rows: usize, c_row: usize) {
    for row in 0..rows {
        let line = c.wrapping_add(row * c_row) as *const i8;
        // SAFETY: a prefetch may have any address.
        unsafe {
            _mm_prefetch(line, _MM_HINT_ET0);
            _mm_prefetch(line.wrapping_add(64), _MM_HINT_ET0);
        }
    }
}

/// A·B for a tile of 32 × 32, `blocks` × 32 deep, added to what is at `from` (nothing when null), goes `to` another place.
///
/// # Safety
/// The tiles are configured; `a` and `b` have `blocks` pairs of tiles.
#[inline(always)]
unsafe fn product(blocks: usize, a: *const u8, b: *const u8, from: Place, to: Place) {
    // SAFETY: see above.
    unsafe {
        asm!(
            "test {from}, {from}",
            "jz 3f",
            "tileloadd tmm0, [{from} + {from_row}]",
            "tileloadd tmm1, [{from} + {from_row} + 64]",
            "tileloadd tmm2, [{from_low} + {from_row}]",
            "tileloadd tmm3, [{from_low} + {from_row} + 64]",
            "jmp 2f",
            "3:",
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "2:",
            "tileloadd tmm6, [{b} + {row}]",
            "tileloadd tmm4, [{a} + {row}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{b} + {row} + 1024]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{a} + {row} + 1024]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {a}, 2048",
            "add {b}, 2048",
            "dec {blocks}",
            "jnz 2b",
            "tilestored [{to} + {to_row}], tmm0",
            "tilestored [{to} + {to_row} + 64], tmm1",
            "tilestored [{to_low} + {to_row}], tmm2",
            "tilestored [{to_low} + {to_row} + 64], tmm3",
            a = inout(reg) a => _,
            b = inout(reg) b => _,
            blocks = inout(reg) blocks => _,
            row = in(reg) 64usize,
            from = in(reg) from.at,
            from_low = in(reg) from.at.wrapping_byte_add(16 * from.row),
            from_row = in(reg) from.row,
            to = in(reg) to.at,
            to_low = in(reg) to.at.wrapping_byte_add(16 * to.row),
            to_row = in(reg) to.row,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}

/// C (+)= alpha · sums for the part of a tile that exists.
///
/// # Safety
/// C has `rows` × `cols` elements from `c`.
#[inline(always)]
unsafe fn add(block: &Block, sums: &Sums, c: *mut f32, rows: usize, cols: usize) {
    // SAFETY: see above; columns beyond `cols` are masked off.
    unsafe {
        let alpha = _mm512_set1_ps(block.alpha);
        let masks = ((1u64 << cols) - 1) as u32;
        for (i, sums) in sums.0.iter().enumerate().take(rows) {
            for v in 0..cols.div_ceil(16) {
                let c = c.add(i * block.c_row + 16 * v);
                let mask = (masks >> (16 * v)) as __mmask16;
                let sum = _mm512_load_ps(sums.as_ptr().add(16 * v));
                let value = if block.accumulate {
                    _mm512_fmadd_ps(alpha, sum, _mm512_maskz_loadu_ps(mask, c))
                } else {
                    _mm512_mul_ps(alpha, sum)
                };
                _mm512_mask_storeu_ps(c, mask, value);
            }
        }
    }
}
