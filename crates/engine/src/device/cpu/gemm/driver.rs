//! The loops around a kernel: cuts the product into blocks that fit the caches, packs them, and divides tiles of C
//! among the threads (after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008).
//!
//! A span of B (up to a few MiB) is packed once into a buffer that all threads read; each thread packs its own rows
//! of A. k is cut every `kc` units whatever the number of threads, so each element of C is always the same sum.

use super::dequantize::{self, Dequantizer};
use super::pack::{Area, Operand, Unit};
use crate::platform::prefer_large_pages;
use rayon::prelude::*;
use std::cell::Cell;

/// A block of C to compute from packed panels: `rows` × `cols`.
pub(super) struct Block {
    pub a: PackedA,
    pub rows: usize,
    /// First panel; panels of `nr` columns follow one another `b_panel` units apart.
    pub b: *const u32,
    pub b_panel: usize,
    /// Units from one k to the next within a panel.
    pub b_row: usize,
    pub cols: usize,
    /// Length of k in units.
    pub units: usize,
    pub c: *mut f32,
    pub c_row: usize,
    pub alpha: f32,
    pub accumulate: bool,
}

/// Rows of A as a kernel reads them, in bytes.
#[derive(Clone, Copy)]
pub(super) struct PackedA {
    pub data: *const u8,
    /// From one row to the next within a sliver of `mr` rows.
    pub row: usize,
    /// From one unit of k to the next.
    pub unit: usize,
    /// From one sliver to the next.
    pub sliver: usize,
}

/// One instruction set's way to multiply, as data.
pub(super) struct Kernel {
    pub mr: usize,
    pub nr: usize,
    /// Units of k in a block.
    pub kc: usize,
    /// Most rows of A that one task packs.
    pub mc: usize,
    pub unit: Unit,
    /// Whether A may be read where it lies, when its elements are what the products are made of.
    pub direct_a: bool,
    /// Whether B may be read where it lies (f32, rows contiguous).
    pub direct_b: bool,
    /// Packs rows of A; `units` is the padded length.
    pub pack_a: unsafe fn(Operand, Area, Unit, usize, *mut u32) -> PackedA,
    /// Packs panels of B, `nr * units` units each.
    pub pack_b: unsafe fn(Operand, Area, Unit, usize, *mut u32),
    /// Computes a block.
    pub sweep: unsafe fn(&Block),
}

/// C (+)= alpha · A·B with raw parts; m × n by k.
#[derive(Clone, Copy)]
pub(super) struct Problem {
    pub a: Operand,
    pub b: Operand,
    /// For a B in a format of its own.
    pub dequantizer: Dequantizer,
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub alpha: f32,
    pub accumulate: bool,
    pub c: *mut f32,
    pub c_row: usize,
    /// Added to C while its tiles are in the cache.
    pub second: Option<Second>,
}

/// alpha · A·B of the same m and n; k fits one block.
#[derive(Clone, Copy)]
pub(super) struct Second {
    pub a: Operand,
    pub b: Operand,
    pub k: usize,
    pub alpha: f32,
}

impl Second {
    /// The problem that adds this product alone to C.
    pub fn alone(self, first: &Problem) -> Problem {
        let Self { a, b, k, alpha } = self;
        Problem { a, b, k, alpha, accumulate: true, second: None, ..*first }
    }
}

// SAFETY: tasks write disjoint tiles of C.
unsafe impl Send for Problem {}
unsafe impl Sync for Problem {}

/// Units are padded to this in buffers, so that vector kernels may always store whole blocks.
const UNIT_BLOCK: usize = 16;
/// Units (of 4 bytes) of B that are packed at a time for all threads.
const SHARED_UNITS: usize = 2 << 20;
/// Columns below which it is not worth to cut B: the rows of A would be packed too often.
const MIN_COLUMNS: usize = 2048;
/// Rows of A that a task should have: fewer are read and packed in short pieces.
const MIN_ROWS: usize = 64;
/// Elements of C up to which k may be divided, and into how many parts at most.
const SMALL_RESULT: usize = 512 * 512;
const MAX_PARTS: usize = 16;
/// Multiplications below which threads cost more than they bring.
const SMALL: usize = 64 * 64 * 64;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u32; 16]);

/// A buffer that is kept by its thread. Taken out while in use: a thread that waits for others may run another
/// multiplication meanwhile, which then makes its own.
pub(super) struct Scratch {
    lines: Vec<Line>,
    home: &'static std::thread::LocalKey<Cell<Vec<Line>>>,
}

thread_local! {
    static SHARED: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
    static RESULTS: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
    static LOCAL: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
    static WRITTEN_OUT: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

impl Scratch {
    fn take(home: &'static std::thread::LocalKey<Cell<Vec<Line>>>, units: usize) -> Self {
        let mut lines = home.take();
        let wanted = units.div_ceil(16);
        if lines.len() < wanted {
            lines = Vec::with_capacity(wanted);
            prefer_large_pages(lines.spare_capacity_mut());
            lines.resize(wanted, Line([0; 16]));
        }
        Self { lines, home }
    }

    /// A buffer of the calling thread for `units` of 4 bytes.
    pub fn local(units: usize) -> Self {
        Self::take(&LOCAL, units)
    }

    /// Another one, for a part of B in a format that kernels do not read.
    pub fn written_out(units: usize) -> Self {
        Self::take(&WRITTEN_OUT, units)
    }

    pub fn pointer(&mut self) -> *mut u32 {
        self.lines.as_mut_ptr() as *mut u32
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        // At the end of a thread its storage may be gone already: then the buffer is simply freed.
        let _ = self.home.try_with(|home| home.set(lines));
    }
}

/// The shape of m × k times k × n, with a second product added that is `second_k` deep, or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProductShape {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub second_k: usize,
}

impl ProductShape {
    pub fn new([m, n, k]: [usize; 3]) -> Self {
        Self { m, n, k, second_k: 0 }
    }
}

/// Units of 4 bytes in the buffers of one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ScratchUnits {
    pub shared: usize,
    pub results: usize,
    pub local: usize,
}

impl ScratchUnits {
    /// Buffers grow to the largest that was asked for.
    pub fn max(self, other: Self) -> Self {
        Self {
            shared: self.shared.max(other.shared),
            results: self.results.max(other.results),
            local: self.local.max(other.local),
        }
    }

    pub fn sum(self) -> usize {
        self.shared + self.results + self.local
    }
}

/// What [`multiply`] takes from each thread at most.
pub(super) fn scratch(kernel: &Kernel, threads: usize, shape: ProductShape) -> ScratchUnits {
    let ProductShape { m, n, k, second_k } = shape;
    let threads = threads_for(threads, [m, n, k]);
    let in_parts = parts(kernel, [m, n, k]);
    let separate = second_k > 0 && is_separate(kernel, in_parts, second_k);
    let first = match in_parts {
        Some((parts, len)) => {
            // The last part may be shorter, and then cut otherwise.
            let part = |len: usize| scratch_by_columns(kernel, 1, [m, n, len], 0);
            ScratchUnits { results: parts * m * n, ..part(len).max(part(k - (parts - 1) * len)) }
        }
        None => scratch_by_columns(kernel, threads, [m, n, k], if separate { 0 } else { second_k }),
    };
    if separate { first.max(scratch(kernel, threads, ProductShape::new([m, n, second_k]))) } else { first }
}

fn scratch_by_columns(
    kernel: &Kernel,
    threads: usize,
    [m, n, k]: [usize; 3],
    second_k: usize,
) -> ScratchUnits {
    let cut = Cut::of(kernel, n, k);
    let second_units = pad(second_k.div_ceil(kernel.unit.depth()));
    let of = |span: Span, second_units: usize| {
        let panels = span.n.div_ceil(kernel.nr);
        let (rows, ..) = divide(kernel, threads, m, panels);
        ScratchUnits {
            shared: span.shared_units(kernel, panels) + panels * kernel.nr * second_units,
            results: 0,
            local: span.local_units(kernel, rows.min(m), second_units),
        }
    };
    let last = (cut.total - 1) / cut.depth * cut.depth;
    of(cut.span(n, 0, 0), 0).max(of(cut.span(n, 0, last), second_units))
}

#[cfg(test)]
/// What the calling thread holds at the moment.
pub(super) fn held() -> ScratchUnits {
    let units = |home: &'static std::thread::LocalKey<Cell<Vec<Line>>>| {
        let lines = home.take();
        let units = 16 * lines.len();
        home.set(lines);
        units
    };
    ScratchUnits { shared: units(&SHARED), results: units(&RESULTS), local: units(&LOCAL) }
}

/// Pointer to the shared panels.
#[derive(Clone, Copy)]
struct Panels(*mut u32);
// SAFETY: written by tasks that own disjoint panels, read only after all of them are done.
unsafe impl Send for Panels {}
unsafe impl Sync for Panels {}

impl Panels {
    fn at(self, units: usize) -> *mut u32 {
        self.0.wrapping_add(units)
    }
}

/// What a round over the shared panels covers: columns `n0..n0 + n` and units `u0..u0 + units`, in blocks of `kc`.
#[derive(Clone, Copy)]
struct Span {
    n0: usize,
    n: usize,
    u0: usize,
    units: usize,
    /// Units of k in a block.
    kc: usize,
}

impl Span {
    /// Units from one packed panel to the next within a block.
    fn stride(&self, kernel: &Kernel) -> usize {
        kernel.nr * pad(self.units.min(self.kc))
    }

    /// Units of the buffer for so many packed panels.
    fn shared_units(&self, kernel: &Kernel, panels: usize) -> usize {
        panels * self.units.div_ceil(self.kc) * self.stride(kernel)
    }

    /// Units of the buffer for a task's rows of A, and of a second product's behind them.
    fn local_units(&self, kernel: &Kernel, rows: usize, second_units: usize) -> usize {
        let rows = rows.next_multiple_of(kernel.mr).next_multiple_of(16);
        rows * (pad(self.kc.min(self.units)) + second_units)
    }
}

/// How a product is cut into spans.
struct Cut {
    /// Columns of a span.
    columns: usize,
    /// Units of k in a span.
    depth: usize,
    /// Units of k in a block.
    kc: usize,
    /// Units of k.
    total: usize,
}

impl Cut {
    fn of(kernel: &Kernel, n: usize, k: usize) -> Self {
        let total = k.div_ceil(kernel.unit.depth());
        let wide = (SHARED_UNITS / pad(total)).max(MIN_COLUMNS);
        let columns = wide.min(n.next_multiple_of(kernel.nr)) / kernel.nr * kernel.nr;
        let kc = total.div_ceil(total.div_ceil(kernel.kc)).next_multiple_of(UNIT_BLOCK);
        let depth = (SHARED_UNITS / columns / kc * kc).max(kc);
        Self { columns, depth, kc, total }
    }

    fn span(&self, n: usize, n0: usize, u0: usize) -> Span {
        let (n, units) = (self.columns.min(n - n0), self.depth.min(self.total - u0));
        Span { n0, n, u0, units, kc: self.kc }
    }
}

fn pad(units: usize) -> usize {
    units.next_multiple_of(UNIT_BLOCK)
}

/// Threads that are worth it.
fn threads_for(threads: usize, [m, n, k]: [usize; 3]) -> usize {
    let small = m.saturating_mul(n).saturating_mul(k) <= SMALL;
    if small { 1 } else { threads }
}

/// Whether a second product is made by itself: its k is too long for one block, or the first comes in parts.
fn is_separate(kernel: &Kernel, in_parts: Option<(usize, usize)>, second_k: usize) -> bool {
    in_parts.is_some() || second_k > kernel.kc * kernel.unit.depth()
}

/// How many parts k is divided into, and how long they are, where C is small and k deep.
fn parts(kernel: &Kernel, [m, n, k]: [usize; 3]) -> Option<(usize, usize)> {
    if m * n > SMALL_RESULT || k < 2 * kernel.kc * kernel.unit.depth() {
        return None;
    }
    let parts = k.div_ceil(kernel.kc * kernel.unit.depth()).min(MAX_PARTS);
    let len = k.div_ceil(parts).next_multiple_of(UNIT_BLOCK * kernel.unit.depth());
    Some((k.div_ceil(len), len))
}

/// # Safety
/// The operands hold m × k and k × n elements; C is writable, see [`super::gemm_single_raw`]; the processor has the
/// kernel's instructions.
pub(super) unsafe fn multiply(kernel: &Kernel, threads: usize, problem: &Problem) {
    let shape = [problem.m, problem.n, problem.k];
    let threads = threads_for(threads, shape);
    let in_parts = parts(kernel, shape);
    let separate = problem.second.filter(|second| is_separate(kernel, in_parts, second.k));
    let first = Problem { second: if separate.is_some() { None } else { problem.second }, ..*problem };
    // SAFETY: the caller's promise.
    unsafe {
        match in_parts {
            Some((parts, len)) => multiply_in_parts(kernel, threads, &first, parts, len),
            None => multiply_by_columns(kernel, threads, &first),
        }
        if let Some(second) = separate {
            multiply(kernel, threads, &second.alone(problem))
        }
    }
}

/// For a small C and a deep k, as in the gradient of a weight: `parts` parts of k, `len` long each, are multiplied
/// independently, each operand being read once, and their results added in order.
///
/// # Safety
/// As [`multiply`].
unsafe fn multiply_in_parts(kernel: &Kernel, threads: usize, problem: &Problem, parts: usize, len: usize) {
    let (m, n) = (problem.m, problem.n);
    let mut results = Scratch::take(&RESULTS, parts * m * n);
    let results = Panels(results.pointer());
    for_each(threads, parts, &|part: usize| {
        let k0 = part * len;
        let part = Problem {
            a: problem.a.from(k0),
            b: problem.b.from(k0),
            k: len.min(problem.k - k0),
            alpha: 1.0,
            accumulate: false,
            c: results.at(part * m * n) as *mut f32,
            c_row: n,
            second: None,
            ..*problem
        };
        // SAFETY: the part lies within the problem.
        unsafe { multiply_by_columns(kernel, 1, &part) }
    });
    let rows = m.div_ceil(4 * threads);
    for_each(threads, m.div_ceil(rows), &|task: usize| {
        for i in task * rows..(task * rows + rows).min(m) {
            // SAFETY: all parts are written; rows of C belong to one task each.
            unsafe {
                let part =
                    |part: usize| std::slice::from_raw_parts(results.at((part * m + i) * n) as *const f32, n);
                let c = std::slice::from_raw_parts_mut(problem.c.add(i * problem.c_row), n);
                if !problem.accumulate {
                    c.fill(0.0);
                }
                for x in 0..parts {
                    for (c, sum) in c.iter_mut().zip(part(x)) {
                        *c += problem.alpha * sum;
                    }
                }
            }
        }
    });
}

/// # Safety
/// As [`multiply`].
unsafe fn multiply_by_columns(kernel: &Kernel, threads: usize, problem: &Problem) {
    let cut = Cut::of(kernel, problem.n, problem.k);
    for n0 in (0..problem.n).step_by(cut.columns) {
        for u0 in (0..cut.total).step_by(cut.depth) {
            // SAFETY: the span lies within the problem.
            unsafe { round(kernel, threads, problem, cut.span(problem.n, n0, u0)) }
        }
    }
}

/// Whether B can be used in place: packing would cost as much as the few rows of A do.
fn reads_b_directly(kernel: &Kernel, problem: &Problem) -> bool {
    kernel.direct_b
        && kernel.unit == Unit::F32
        && !problem.b.bf16
        && problem.b.stored.is_none()
        && !problem.b.along
        && problem.m <= 4 * kernel.mr
        && problem.second.is_none()
}

/// The second product, if this span is the one that ends the sums of the first.
fn last_second(kernel: &Kernel, problem: &Problem, span: Span) -> Option<Second> {
    let last = span.u0 + span.units == problem.k.div_ceil(kernel.unit.depth());
    problem.second.filter(|_| last)
}

/// # Safety
/// As [`multiply`]; the span lies within the problem.
unsafe fn round(kernel: &Kernel, threads: usize, problem: &Problem, span: Span) {
    let panels = span.n.div_ceil(kernel.nr);
    let in_place = if reads_b_directly(kernel, problem) { span.n / kernel.nr } else { 0 };
    let stride = span.stride(kernel);
    let blocks = span.units.div_ceil(span.kc);
    let second = last_second(kernel, problem, span);
    let second_units = second.map_or(0, |second| pad(second.k.div_ceil(kernel.unit.depth())));
    let packed = (panels - in_place) * blocks * stride;
    let mut shared = Scratch::take(
        &SHARED,
        span.shared_units(kernel, panels - in_place) + panels * kernel.nr * second_units,
    );
    let shared = Panels(shared.pointer());

    let group = if threads == 1 { panels } else { 4 };
    let groups = (panels - in_place).div_ceil(group);
    let pack = |task: usize| {
        let (block, first) = (task / groups, in_place + task % groups * group);
        let lane0 = span.n0 + first * kernel.nr;
        let lanes = (group * kernel.nr).min(span.n0 + span.n - lane0);
        if let Some(second) = second.filter(|_| block == blocks) {
            let area = Area { lane0, lanes, k0: 0, len: second.k };
            // SAFETY: this task's panels, which lie within the buffer behind all others.
            return unsafe {
                let dst = shared.at(packed + first * kernel.nr * second_units);
                dequantize::pack_b(kernel, problem.dequantizer, second.b, area, second_units, dst)
            };
        }
        let units = span.kc.min(span.units - block * span.kc);
        let k0 = (span.u0 + block * span.kc) * kernel.unit.depth();
        let len = (units * kernel.unit.depth()).min(problem.k - k0);
        // SAFETY: this task's panels, which lie within the buffer.
        unsafe {
            let dst =
                shared.at(block * (panels - in_place) * stride + (first - in_place) * kernel.nr * pad(units));
            let area = Area { lane0, lanes, k0, len };
            dequantize::pack_b(kernel, problem.dequantizer, problem.b, area, pad(units), dst);
        }
    };
    for_each(threads, (blocks + usize::from(second.is_some())) * groups, &pack);

    let (rows, row_blocks, column_blocks) = divide(kernel, threads, problem.m, panels);
    let compute = |task: usize| {
        let (i0, part) = (task / column_blocks * rows, task % column_blocks);
        let (p0, p1) = (panels * part / column_blocks, panels * (part + 1) / column_blocks);
        let tile = Tile { i0, rows: rows.min(problem.m - i0), p0, p1, in_place, panels, stride };
        // SAFETY: the tile lies within the span, and no other task has it.
        unsafe { compute_tile(kernel, problem, span, tile, shared) }
    };
    for_each(threads, row_blocks * column_blocks, &compute);
}

/// Rows of a task, and how many tasks there are along the rows and the columns of C.
fn divide(kernel: &Kernel, threads: usize, m: usize, panels: usize) -> (usize, usize, usize) {
    if threads == 1 {
        let rows = m.div_ceil(m.div_ceil(kernel.mc)).next_multiple_of(kernel.mr);
        return (rows, m.div_ceil(rows), 1);
    }
    let wanted = m.div_ceil(kernel.mc).next_multiple_of(threads).max(2 * threads);
    let rows = m.div_ceil(wanted).max(MIN_ROWS).next_multiple_of(kernel.mr);
    let row_blocks = m.div_ceil(rows);
    let column_blocks = if row_blocks < threads { (2 * threads).div_ceil(row_blocks).min(panels) } else { 1 };
    (rows, row_blocks, column_blocks)
}

/// Runs tasks 0..count, on the current pool when there is more than one thread and task.
pub(super) fn for_each(threads: usize, count: usize, task: &(impl Fn(usize) + Sync)) {
    if threads > 1 && count > 1 {
        (0..count).into_par_iter().with_max_len(1).for_each(task);
    } else {
        (0..count).for_each(task);
    }
}

/// Rows `i0..i0 + rows` of the panels `p0..p1`; the first `in_place` of all `panels` are not packed.
struct Tile {
    i0: usize,
    rows: usize,
    p0: usize,
    p1: usize,
    in_place: usize,
    panels: usize,
    stride: usize,
}

/// # Safety
/// As [`multiply`]; the shared panels are packed.
unsafe fn compute_tile(kernel: &Kernel, problem: &Problem, span: Span, tile: Tile, shared: Panels) {
    let depth = kernel.unit.depth();
    let padded_rows = tile.rows.next_multiple_of(kernel.mr).next_multiple_of(16);
    let second = last_second(kernel, problem, span);
    let second_units = second.map_or(0, |second| pad(second.k.div_ceil(depth)));
    let first_units = pad(span.kc.min(span.units));
    let mut local = Scratch::local(span.local_units(kernel, tile.rows, second_units));
    let second = second.map(|second| {
        let area = Area { lane0: tile.i0, lanes: tile.rows, k0: 0, len: second.k };
        let dst = local.pointer().wrapping_add(padded_rows * first_units);
        // SAFETY: the rows are the tile's, and the buffer has room for them behind the first product's.
        (second, unsafe { (kernel.pack_a)(second.a, area, kernel.unit, second_units, dst) })
    });
    for (block, u) in (0..span.units).step_by(span.kc).enumerate() {
        let units = span.kc.min(span.units - u);
        let k0 = (span.u0 + u) * depth;
        let len = (units * depth).min(problem.k - k0);
        let area = Area { lane0: tile.i0, lanes: tile.rows, k0, len };
        let accumulate = problem.accumulate || k0 > 0;
        // SAFETY: all pointers stay within the operands, the panels and the tile.
        unsafe {
            let a = match direct_rows(kernel, problem, area) {
                Some(a) => a,
                None => (kernel.pack_a)(problem.a, area, kernel.unit, pad(units), local.pointer()),
            };
            let sweep = |p0: usize, p1: usize, b: *const u32, b_panel: usize, b_row: usize| {
                if p0 == p1 {
                    return;
                }
                let column = span.n0 + p0 * kernel.nr;
                (kernel.sweep)(&Block {
                    a,
                    rows: tile.rows,
                    b,
                    b_panel,
                    b_row,
                    cols: (span.n0 + span.n - column).min((p1 - p0) * kernel.nr),
                    units,
                    c: problem.c.add(tile.i0 * problem.c_row + column),
                    c_row: problem.c_row,
                    alpha: problem.alpha,
                    accumulate,
                });
            };
            let split = tile.in_place.clamp(tile.p0, tile.p1);
            let direct = problem.b.at(span.n0 + tile.p0 * kernel.nr, k0) as *const u32;
            sweep(tile.p0, split, direct, kernel.nr, problem.b.k_stride);
            let packed = kernel.nr * pad(units);
            let block_start = block * (tile.panels - tile.in_place) * tile.stride;
            let panel = |p: usize| shared.at(block_start + p.saturating_sub(tile.in_place) * packed);
            let Some((second, a2)) = second.filter(|_| u + units == span.units) else {
                sweep(split, tile.p1, panel(split), packed, kernel.nr);
                continue;
            };
            let behind = tile.panels * span.units.div_ceil(span.kc) * tile.stride;
            for p in tile.p0..tile.p1 {
                sweep(p, p + 1, panel(p), packed, kernel.nr);
                let column = p * kernel.nr;
                (kernel.sweep)(&Block {
                    a: a2,
                    rows: tile.rows,
                    b: shared.at(behind + column * second_units),
                    b_panel: 0,
                    b_row: kernel.nr,
                    cols: (span.n - column).min(kernel.nr),
                    units: second.k.div_ceil(depth),
                    c: problem.c.add(tile.i0 * problem.c_row + span.n0 + column),
                    c_row: problem.c_row,
                    alpha: second.alpha,
                    accumulate: true,
                });
            }
        }
    }
}

/// A as it lies in memory, if the kernel can read it so.
fn direct_rows(kernel: &Kernel, problem: &Problem, area: Area) -> Option<PackedA> {
    let a = problem.a;
    let same = match kernel.unit {
        Unit::F32 => !a.bf16,
        Unit::Rounded => false,
        Unit::Pair => a.bf16 && area.len.is_multiple_of(2),
    };
    (kernel.direct_a && same && a.along).then(|| {
        let row = a.lane_stride * a.element_size();
        PackedA { data: a.at(area.lane0, area.k0), row, unit: 4, sliver: kernel.mr * row }
    })
}
