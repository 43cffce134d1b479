//! The portable kernel: plain loops that the compiler vectorises for whatever it is allowed to assume.

use super::driver::{Block, Kernel, PackedA};
use super::pack::{Area, Operand, Unit, pack_portable};

const MR: usize = 4;
const NR: usize = 8;

pub(super) const F32: Kernel = kernel(Unit::F32);
pub(super) const ROUNDED: Kernel = kernel(Unit::Rounded);

const fn kernel(unit: Unit) -> Kernel {
    Kernel { mr: MR, nr: NR, kc: 256, mc: 128, unit, direct_a: false, direct_b: false, pack_a, pack_b, sweep }
}

/// # Safety
/// See [`pack_portable`].
unsafe fn pack_a(op: Operand, area: Area, unit: Unit, units: usize, dst: *mut u32) -> PackedA {
    // SAFETY: the caller's promise.
    unsafe { pack_portable::<MR>(op, area, unit, units, dst) };
    PackedA { data: dst as *const u8, row: 4, unit: 4 * MR, sliver: 4 * MR * units }
}

/// # Safety
/// See [`pack_portable`].
unsafe fn pack_b(op: Operand, area: Area, unit: Unit, units: usize, dst: *mut u32) {
    // SAFETY: the caller's promise.
    unsafe { pack_portable::<NR>(op, area, unit, units, dst) }
}

/// # Safety
/// The block's pointers cover its panel and its part of C.
unsafe fn sweep(block: &Block) {
    for (sliver, i) in (0..block.rows).step_by(MR).enumerate() {
        // SAFETY: the panel is `units` × NR, slivers `units` × MR, zero padded; C has rows × cols elements.
        unsafe {
            let a = block.a.data.add(sliver * block.a.sliver) as *const [f32; MR];
            let sums = product(
                std::slice::from_raw_parts(a, block.units),
                std::slice::from_raw_parts(block.b as *const [f32; NR], block.units),
            );
            for (x, row) in sums.iter().enumerate().take(block.rows - i) {
                let c = std::slice::from_raw_parts_mut(block.c.add((i + x) * block.c_row), block.cols);
                for (c, sum) in c.iter_mut().zip(row) {
                    *c = block.alpha * sum + if block.accumulate { *c } else { 0.0 };
                }
            }
        }
    }
}

fn product(a: &[[f32; MR]], b: &[[f32; NR]]) -> [[f32; NR]; MR] {
    let mut sums = [[0f32; NR]; MR];
    for (a, b) in a.iter().zip(b) {
        for (row, a) in sums.iter_mut().zip(a) {
            for (sum, b) in row.iter_mut().zip(b) {
                *sum += a * b;
            }
        }
    }
    sums
}
