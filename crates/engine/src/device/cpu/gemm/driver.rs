//! The loops around a kernel: cuts the product into blocks that fit the caches, packs them, and divides tiles of C
//! among the threads (after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008).
//!
//! A thread owns columns of C: it packs a few panels of B into its second-level cache and multiplies them with all rows
//! of A, so that no thread waits for another's panels. A is read where it lies, or packed once for all threads.
//! k is cut every `kc` units whatever the number of threads, so each element of C is always the same sum.

use super::dequantize::{self, Dequantizer};
use super::pack::{Area, Operand, Unit};
use crate::platform::prefer_large_pages;
use rayon::prelude::*;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A block of C to compute from packed rows and a panel: `rows` × `cols`.
pub(super) struct Block {
    pub a: PackedA,
    pub rows: usize,
    /// The panel, of `nr` columns.
    pub b: *const u32,
    /// Units from one k to the next within the panel.
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
    /// Most rows of A that are gone through for a panel at a time.
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
/// Units (of 4 bytes) of k that a packed panel of B holds, at most.
const SPAN_UNITS: usize = 1024;
/// Units of the panels that a task packs at a time, and of the rows of A that it goes through meanwhile, at most:
/// together they leave room in a second-level cache of 1 MiB.
const PANEL_UNITS: usize = 64 << 10;
const GROUP_UNITS: usize = 96 << 10;
/// Rows of A that a packed panel is multiplied with, at most: more would not stay in the third-level cache.
const MOST_ROWS: usize = 2048;
/// Rows of A in a group, at least: fewer are read and packed in short pieces.
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
    /// Whether A's rows are contiguous and made of what the products are made of: then many kernels read them in place.
    pub plain_a: bool,
}

impl ProductShape {
    /// Of an A that has to be packed.
    pub fn new([m, n, k]: [usize; 3]) -> Self {
        Self { m, n, k, second_k: 0, plain_a: false }
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
    let ProductShape { m, n, k, second_k, .. } = shape;
    let threads = threads_for(threads, [m, n, k]);
    let in_parts = parts(kernel, [m, n, k]);
    let separate = second_k > 0 && is_separate(kernel, in_parts, second_k);
    let first = match in_parts {
        Some((parts, len)) => {
            // The last part may be shorter, and then cut otherwise.
            let part =
                |len: usize| scratch_by_columns(kernel, 1, ProductShape { k: len, second_k: 0, ..shape });
            ScratchUnits { results: parts * m * n, ..part(len).max(part(k - (parts - 1) * len)) }
        }
        None => {
            let second_k = if separate { 0 } else { second_k };
            scratch_by_columns(kernel, threads, ProductShape { second_k, ..shape })
        }
    };
    if separate { first.max(scratch(kernel, threads, ProductShape::new([m, n, second_k]))) } else { first }
}

fn scratch_by_columns(kernel: &Kernel, threads: usize, shape: ProductShape) -> ScratchUnits {
    let cut = Cut::of(kernel, shape.m, shape.k);
    let in_place = shape.plain_a && reads_in_place(kernel, shape.k);
    let of = |u0: usize, second_k: usize| {
        let span = cut.span(kernel, [shape.m, shape.k], [0, u0], second_k);
        ScratchUnits {
            shared: span.groups() * span.group_units(kernel, in_place),
            results: 0,
            local: span.width(kernel, threads, shape.n) * span.panel_units(kernel),
        }
    };
    let last = (cut.total - 1) / cut.depth * cut.depth;
    of(0, if last == 0 { shape.second_k } else { 0 }).max(of(last, shape.second_k))
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

/// Pointer to a buffer whose parts belong to one task each.
#[derive(Clone, Copy)]
struct Parts(*mut u32);
// SAFETY: written by tasks that own disjoint parts, read only after all of them are done.
unsafe impl Send for Parts {}
unsafe impl Sync for Parts {}

impl Parts {
    fn at(self, units: usize) -> *mut u32 {
        self.0.wrapping_add(units)
    }
}

/// How a product is cut.
struct Cut {
    /// Units of k.
    total: usize,
    /// Units of k in a block: what a kernel sums up at a time.
    kc: usize,
    /// Units of k in a span, whole blocks.
    depth: usize,
    /// Rows in a span.
    rows: usize,
}

impl Cut {
    fn of(kernel: &Kernel, m: usize, k: usize) -> Self {
        let total = k.div_ceil(kernel.unit.depth());
        let kc = total.div_ceil(total.div_ceil(kernel.kc)).next_multiple_of(UNIT_BLOCK);
        let rows = m.div_ceil(m.div_ceil(MOST_ROWS)).next_multiple_of(kernel.mr);
        Self { total, kc, depth: (SPAN_UNITS / kc * kc).max(kc), rows }
    }

    /// The span that begins at row `i0` and unit `u0`; the last one along k takes the second product with it.
    fn span(&self, kernel: &Kernel, [m, k]: [usize; 2], [i0, u0]: [usize; 2], second_k: usize) -> Span {
        let (rows, units) = (self.rows.min(m - i0), self.depth.min(self.total - u0));
        let k0 = u0 * kernel.unit.depth();
        let len = (units * kernel.unit.depth()).min(k - k0);
        let most = (GROUP_UNITS / units).clamp(MIN_ROWS, kernel.mc);
        let group = rows.div_ceil(rows.div_ceil(most)).next_multiple_of(kernel.mr);
        Span { i0, rows, group, k0, len, units, kc: self.kc, second_k }
    }
}

/// What a round covers: `rows` of C from `i0`, `len` elements of k (`units`) from `k0`, in blocks of `kc` units.
#[derive(Clone, Copy)]
struct Span {
    i0: usize,
    rows: usize,
    /// Rows that are gone through at a time.
    group: usize,
    k0: usize,
    len: usize,
    units: usize,
    kc: usize,
    /// Length of the second product's k, when it is added here.
    second_k: usize,
}

/// Blocks in a span, at most: `SPAN_UNITS` by the smallest `kc` to which a kernel's is evened out, and the second product.
const BLOCKS: usize = 9;

impl Span {
    fn groups(&self) -> usize {
        self.rows.div_ceil(self.group)
    }

    fn second_units(&self, kernel: &Kernel) -> usize {
        pad(self.second_k.div_ceil(kernel.unit.depth()))
    }

    /// Units of the buffer for a group's rows of A.
    fn group_units(&self, kernel: &Kernel, in_place: bool) -> usize {
        let rows = self.group.next_multiple_of(kernel.mr).next_multiple_of(16);
        rows * (if in_place { 0 } else { pad(self.units) } + self.second_units(kernel))
    }

    /// Units of the buffer for a panel of B.
    fn panel_units(&self, kernel: &Kernel) -> usize {
        kernel.nr * (pad(self.units) + self.second_units(kernel))
    }

    /// Panels that a task packs at a time: several where they are neighbours in memory and enough are left for all.
    fn width(&self, kernel: &Kernel, threads: usize, n: usize) -> usize {
        let panels = n.div_ceil(kernel.nr);
        let most = if threads == 1 { panels } else { panels / (4 * threads) };
        (PANEL_UNITS / self.panel_units(kernel)).min(most).max(1)
    }

    /// The blocks of k: first unit, units, and the elements as an area without lanes.
    fn blocks(&self, kernel: &Kernel) -> impl Iterator<Item = (usize, usize, Area)> {
        let (span, depth) = (*self, kernel.unit.depth());
        (0..span.units).step_by(span.kc).map(move |u| {
            let units = span.kc.min(span.units - u);
            let len = (units * depth).min(span.len - u * depth);
            (u, units, Area { lane0: 0, lanes: 0, k0: span.k0 + u * depth, len })
        })
    }

    fn second_area(&self) -> Area {
        Area { lane0: 0, lanes: 0, k0: 0, len: self.second_k }
    }
}

/// A group of rows as the kernel reads it: each block of k, then the second product.
#[derive(Clone, Copy)]
struct Group([Option<PackedA>; BLOCKS]);

// SAFETY: the rows are only read, and live as long as the call that packed them.
unsafe impl Send for Group {}
unsafe impl Sync for Group {}

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
    let results = Parts(results.pointer());
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
    let shape = [problem.m, problem.k];
    let cut = Cut::of(kernel, problem.m, problem.k);
    for i0 in (0..problem.m).step_by(cut.rows) {
        for u0 in (0..cut.total).step_by(cut.depth) {
            let second = problem.second.filter(|_| u0 + cut.depth >= cut.total);
            let span = cut.span(kernel, shape, [i0, u0], second.map_or(0, |second| second.k));
            // SAFETY: the span lies within the problem.
            unsafe { round(kernel, threads, problem, span) }
        }
    }
}

/// Whether rows of A that are made of what the products are made of can be used where they lie.
fn reads_in_place(kernel: &Kernel, k: usize) -> bool {
    kernel.direct_a
        && match kernel.unit {
            Unit::F32 => true,
            Unit::Rounded => false,
            Unit::Pair => k.is_multiple_of(2),
        }
}

fn reads_a_in_place(kernel: &Kernel, problem: &Problem) -> bool {
    let plain = problem.a.along && problem.a.bf16 == (kernel.unit == Unit::Pair);
    plain && reads_in_place(kernel, problem.k)
}

/// Whether whole panels of B can be used in place: packing would cost as much as the few rows of A do.
fn reads_b_in_place(kernel: &Kernel, problem: &Problem) -> bool {
    kernel.direct_b
        && kernel.unit == Unit::F32
        && !problem.b.bf16
        && problem.b.stored.is_none()
        && !problem.b.along
        && problem.m <= 4 * kernel.mr
        && problem.second.is_none()
}

/// # Safety
/// As [`multiply`]; the span lies within the problem.
unsafe fn round(kernel: &Kernel, threads: usize, problem: &Problem, span: Span) {
    let in_place = reads_a_in_place(kernel, problem);
    let group_units = span.group_units(kernel, in_place);
    let mut shared = Scratch::take(&SHARED, span.groups() * group_units);
    let shared = Parts(shared.pointer());
    // SAFETY: each group has its own part of the buffer.
    let group = |group: usize| unsafe {
        rows_of_group(kernel, problem, &span, group, in_place, shared.at(group * group_units))
    };
    let groups: Vec<Group> = if threads > 1 && group_units > 0 {
        (0..span.groups()).into_par_iter().map(group).collect()
    } else {
        (0..span.groups()).map(group).collect()
    };
    let tasks = Tasks::of(kernel, threads, problem.n, &span);
    for_each(threads, tasks.count(), &|task: usize| {
        let (panels, part) = tasks.task(task, groups.len());
        // SAFETY: no other task has these rows of these columns, which lie within the span.
        unsafe { multiply_panels(kernel, problem, &span, panels, &groups, part) }
    });
}

/// Packs a group's rows where they cannot be read in place.
///
/// # Safety
/// As [`round`]; `dst` has room for the group.
unsafe fn rows_of_group(
    kernel: &Kernel,
    problem: &Problem,
    span: &Span,
    group: usize,
    in_place: bool,
    dst: *mut u32,
) -> Group {
    let first = group * span.group;
    let (lane0, lanes) = (span.i0 + first, span.group.min(span.rows - first));
    let padded_rows = span.group.next_multiple_of(kernel.mr).next_multiple_of(16);
    let mut blocks = [None; BLOCKS];
    for ((u, units, area), block) in span.blocks(kernel).zip(&mut blocks) {
        *block = Some(if in_place {
            let row = problem.a.lane_stride * problem.a.element_size();
            let data = problem.a.at(lane0, area.k0);
            PackedA { data, row, unit: 4, sliver: kernel.mr * row }
        } else {
            let dst = dst.wrapping_add(padded_rows * u);
            // SAFETY: the rows lie within A, and the buffer has room for all blocks.
            unsafe { (kernel.pack_a)(problem.a, Area { lane0, lanes, ..area }, kernel.unit, pad(units), dst) }
        });
    }
    if let Some(second) = problem.second.filter(|_| span.second_k > 0) {
        let dst = dst.wrapping_add(if in_place { 0 } else { padded_rows * pad(span.units) });
        let area = Area { lane0, lanes, ..span.second_area() };
        // SAFETY: as above; the second product's rows stand behind the first's.
        let rows = unsafe { (kernel.pack_a)(second.a, area, kernel.unit, span.second_units(kernel), dst) };
        blocks[BLOCKS - 1] = Some(rows);
    }
    Group(blocks)
}

/// Multiplies some panels of B with some groups of rows of A.
///
/// # Safety
/// As [`round`]; no other task has these rows of these columns.
unsafe fn multiply_panels(
    kernel: &Kernel,
    problem: &Problem,
    span: &Span,
    panels: std::ops::Range<usize>,
    groups: &[Group],
    part: std::ops::Range<usize>,
) {
    let panel_units = span.panel_units(kernel);
    let mut local = Scratch::local(panels.len() * panel_units);
    let local = Parts(local.pointer());
    let in_place = reads_b_in_place(kernel, problem);
    let is_in_place = |panel: usize| in_place && (panel + 1) * kernel.nr <= problem.n;
    // Panels of a block follow one another, then come those of the next block.
    let place = |panel: usize, u: usize, units: usize| {
        local.at(panels.len() * kernel.nr * u + (panel - panels.start) * kernel.nr * pad(units))
    };
    let lane0 = panels.start * kernel.nr;
    let lanes = (panels.end * kernel.nr).min(problem.n) - lane0;
    let second = problem.second.filter(|_| span.second_k > 0);
    let pack = |b: Operand, area: Area, u: usize, units: usize| {
        let (area, dst) = (Area { lane0, lanes, ..area }, place(panels.start, u, units));
        // SAFETY: the panels lie within B, and the buffer has room for all blocks.
        unsafe { dequantize::pack_b(kernel, problem.dequantizer, b, area, pad(units), dst) }
    };
    if !(panels.len() == 1 && is_in_place(panels.start)) {
        span.blocks(kernel).for_each(|(u, units, area)| pack(problem.b, area, u, units));
    }
    if let Some(second) = second {
        pack(second.b, span.second_area(), pad(span.units), second.k.div_ceil(kernel.unit.depth()));
    }
    for (group, Group(blocks)) in groups.iter().enumerate().take(part.end).skip(part.start) {
        let first = group * span.group;
        let rows = span.group.min(span.rows - first);
        for panel in panels.clone() {
            let column = panel * kernel.nr;
            let cols = (problem.n - column).min(kernel.nr);
            let c = problem.c.wrapping_add((span.i0 + first) * problem.c_row + column);
            let c_row = problem.c_row;
            for ((u, units, area), a) in span.blocks(kernel).zip(blocks.iter().flatten()) {
                let (b, b_row) = if is_in_place(panel) {
                    (problem.b.at(column, area.k0) as *const u32, problem.b.k_stride)
                } else {
                    (place(panel, u, units) as *const u32, kernel.nr)
                };
                let (alpha, accumulate) = (problem.alpha, problem.accumulate || area.k0 > 0);
                // SAFETY: all pointers stay within the operands, the panels and the task's part of C.
                unsafe {
                    (kernel.sweep)(&Block { a: *a, rows, b, b_row, cols, units, c, c_row, alpha, accumulate })
                }
            }
            if let (Some(second), Some(a)) = (second, blocks[BLOCKS - 1]) {
                let units = second.k.div_ceil(kernel.unit.depth());
                let (b, b_row) = (place(panel, pad(span.units), units) as *const u32, kernel.nr);
                let (alpha, accumulate) = (second.alpha, true);
                // SAFETY: as above.
                unsafe {
                    (kernel.sweep)(&Block { a, rows, b, b_row, cols, units, c, c_row, alpha, accumulate })
                }
            }
        }
    }
}

/// How the columns of a round are divided: whole ones for each thread, and the rest cut across, so that all threads end
/// together.
struct Tasks {
    panels: usize,
    /// Panels of a task.
    width: usize,
    /// Tasks with all rows.
    whole: usize,
    /// Parts of each of the others.
    cuts: usize,
}

impl Tasks {
    fn of(kernel: &Kernel, threads: usize, n: usize, span: &Span) -> Self {
        let panels = n.div_ceil(kernel.nr);
        let width = span.width(kernel, threads, n);
        let columns = panels.div_ceil(width);
        let whole = if threads == 1 { columns } else { columns / threads * threads };
        let cuts = match columns - whole {
            0 => 1,
            rest => threads.div_ceil(rest).min(span.groups()),
        };
        Self { panels, width, whole, cuts }
    }

    fn count(&self) -> usize {
        self.whole + (self.panels.div_ceil(self.width) - self.whole) * self.cuts
    }

    /// Panels and groups of a task.
    fn task(&self, task: usize, groups: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let (column, part) = match task.checked_sub(self.whole) {
            None => (task, 0..groups),
            Some(task) => {
                let cut = task % self.cuts;
                (self.whole + task / self.cuts, groups * cut / self.cuts..groups * (cut + 1) / self.cuts)
            }
        };
        let first = column * self.width;
        (first..(first + self.width).min(self.panels), part)
    }
}

/// Runs tasks 0..count, on the current pool when there is more than one thread and task: each thread takes the next one,
/// so that small tasks at the end even out what large ones left.
pub(super) fn for_each(threads: usize, count: usize, task: &(impl Fn(usize) + Sync)) {
    if threads == 1 || count <= 1 {
        return (0..count).for_each(task);
    }
    let next = AtomicUsize::new(0);
    (0..threads.min(count)).into_par_iter().with_max_len(1).for_each(|_| {
        let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&task| task < count);
        std::iter::from_fn(take).for_each(task);
    });
}
