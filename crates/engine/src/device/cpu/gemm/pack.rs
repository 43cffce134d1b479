//! Panels: operands converted and rearranged into the order in which a kernel reads them. This file has the portable
//! packing (f32 units) and what all packings share; vectorised ones are with their kernels.

use super::dequantize::{Stored, Values};
use super::{Data, Matrix, bf16_to_f32, f32_to_bf16};

/// What one 32-bit unit of a panel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// One f32.
    F32,
    /// One f32 that was rounded to bf16.
    Rounded,
    /// Two bf16 neighbours along k, the first in the lower half.
    Pair,
}

impl Unit {
    /// Elements of k in a unit.
    pub fn depth(self) -> usize {
        match self {
            Unit::F32 | Unit::Rounded => 1,
            Unit::Pair => 2,
        }
    }
}

/// An operand seen from the kernel: lanes (rows of A, columns of B) by k.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operand {
    pub data: *const u8,
    pub bf16: bool,
    /// Elements from one lane to the next.
    pub lane_stride: usize,
    /// Elements from one k to the next.
    pub k_stride: usize,
    /// k is contiguous; otherwise the lanes are.
    pub along: bool,
    /// Elements in another format, of B only: then `data` points nowhere.
    pub stored: Option<Stored>,
}

// SAFETY: an operand is only read, and lives as long as the call that made it from a borrowed slice.
unsafe impl Send for Operand {}
unsafe impl Sync for Operand {}

impl Operand {
    /// The rows of A.
    pub fn rows(a: &Matrix) -> Self {
        Self::new(a.data, a.row_stride, a.col_stride, a.cols)
    }

    /// The columns of B.
    pub fn columns(b: &Matrix) -> Self {
        Self::new(b.data, b.col_stride, b.row_stride, b.rows)
    }

    fn new(data: Data, lane_stride: usize, k_stride: usize, depth: usize) -> Self {
        let values = match data {
            Data::F32(_) | Data::Bf16(_) => None,
            Data::F16(data) => Some(Values::F16(data.as_ptr())),
            Data::Nf4(data) => Some(Values::Nf4(data)),
            Data::Q8(data) => Some(Values::Q8(data)),
        };
        let (data, bf16) = match data {
            Data::F32(data) => (data.as_ptr() as *const u8, false),
            Data::Bf16(data) => (data.as_ptr() as *const u8, true),
            Data::F16(_) | Data::Nf4(_) | Data::Q8(_) => (std::ptr::null(), false),
        };
        let stored = values.map(|values| Stored { values, start: 0 });
        Self { data, bf16, lane_stride, k_stride, along: k_stride == 1 || depth == 1, stored }
    }

    /// The same from `k0` on.
    pub fn from(self, k0: usize) -> Self {
        let stored = self.stored.map(|stored| Stored { start: stored.start + k0 * self.k_stride, ..stored });
        Self { data: self.at(0, k0), stored, ..self }
    }

    pub fn element_size(&self) -> usize {
        if self.bf16 { 2 } else { 4 }
    }

    /// Where element (lane, k) is; never dereferenced here.
    #[inline(always)]
    pub fn at(&self, lane: usize, k: usize) -> *const u8 {
        let element = lane * self.lane_stride + k * self.k_stride;
        self.data.wrapping_add(if self.bf16 { 2 * element } else { 4 * element })
    }
}

/// A rectangle of an operand: `lanes` from `lane0`, `len` elements of k from `k0`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub lane0: usize,
    pub lanes: usize,
    pub k0: usize,
    pub len: usize,
}

/// Packs into panels of `W` lanes, each `units` × `W` f32, zero padded.
///
/// # Safety
/// The area lies within the operand, `len <= units`, and `dst` has room for `lanes.div_ceil(W) * units * W` f32.
#[inline(always)]
pub(super) unsafe fn pack_portable<const W: usize>(
    op: Operand,
    area: Area,
    unit: Unit,
    units: usize,
    dst: *mut u32,
) {
    // SAFETY: indices stay within the area and the panels, see above.
    unsafe {
        match (op.bf16, unit) {
            (true, _) => fill::<W>(op, area, units, dst, |at| bf16_to_f32(*(at as *const u16))),
            (false, Unit::F32) => fill::<W>(op, area, units, dst, |at| *(at as *const f32)),
            (false, _) => fill::<W>(op, area, units, dst, |at| bf16_to_f32(f32_to_bf16(*(at as *const f32)))),
        }
    }
}

/// # Safety
/// See [`pack_portable`]; `get` reads one element.
#[inline(always)]
unsafe fn fill<const W: usize>(
    op: Operand,
    area: Area,
    units: usize,
    dst: *mut u32,
    get: impl Fn(*const u8) -> f32,
) {
    let size = op.element_size();
    for (panel, lane) in (0..area.lanes).step_by(W).enumerate() {
        let width = W.min(area.lanes - lane);
        // SAFETY: the panel lies within dst.
        let panel: &mut [[f32; W]] =
            unsafe { std::slice::from_raw_parts_mut((dst as *mut [f32; W]).add(panel * units), units) };
        panel[area.len..].fill([0.0; W]);
        if width < W {
            panel.fill([0.0; W]);
        }
        if op.along {
            for x in 0..width {
                let from = op.at(area.lane0 + lane + x, area.k0);
                for (p, row) in panel[..area.len].iter_mut().enumerate() {
                    row[x] = get(from.wrapping_add(p * size));
                }
            }
        } else {
            for (p, row) in panel[..area.len].iter_mut().enumerate() {
                let from = op.at(area.lane0 + lane, area.k0 + p);
                if width == W {
                    for (x, value) in row.iter_mut().enumerate() {
                        *value = get(from.wrapping_add(x * size));
                    }
                } else {
                    for (x, value) in row[..width].iter_mut().enumerate() {
                        *value = get(from.wrapping_add(x * size));
                    }
                }
            }
        }
    }
}
