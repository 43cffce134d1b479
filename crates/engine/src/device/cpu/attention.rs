//! Causal attention over packed sequences, in blocks of query rows (after <https://arxiv.org/abs/2205.14135>:
//! the scores of one block exist at a time, and the gradient recomputes them from the kept log-sum-exp).
//! A block of queries `first..first + rows` multiplies the keys that any of them sees: those from
//! `shape.first_key(first)` to its own last position.

use std::ops::Range;

use rayon::prelude::*;

use super::Rows;
use super::elementwise::soft_cap_row;
use super::gemm::{
    Beta, Data, Matrix, MatrixMut, Precision, ProductShape, gemm_single, gemm_single_raw,
    scratch_bytes as gemm_scratch_bytes,
};
use super::vectorize::{dot, exp, exp_and_sum, maximum, tanh, vectorized};
use crate::batching::Segment;
use crate::device::AttentionShape;

/// Query rows whose scores exist at a time.
const BLOCK: usize = 64;
/// Query positions of a sequence from which on its gradient is cut into parts of about so many, for several threads.
const PART: usize = 1024;

/// One head's rows inside a wider `[m, columns]` matrix.
fn head(values: &[f32], start: usize, rows: usize, columns: usize, stride: usize) -> Matrix<'_> {
    Matrix::with_stride(Data::F32(&values[start..]), rows, columns, stride)
}

vectorized! {
    /// `row = softmax(scale * row)`; returns the log-sum-exp.
    fn softmax_row(row: &mut [f32], scale: f32) -> f32 {
        let shift = maximum(row) * scale;
        let sum = exp_and_sum(row, scale, shift);
        let inverse = 1.0 / sum;
        for x in row.iter_mut() {
            *x *= inverse;
        }
        shift + sum.ln()
    }
}

vectorized! {
    /// The probabilities again, from scores and the kept log-sum-exp.
    fn probabilities_row(row: &mut [f32], scale: f32, log_sum_exp: f32) {
        for x in row.iter_mut() {
            *x = exp(*x * scale - log_sum_exp);
        }
    }
}

vectorized! {
    /// `d_row = p * (d_row - delta) * scale`: the gradient of the scores.
    fn score_gradient_row(d_row: &mut [f32], p: &[f32], delta: f32, scale: f32) {
        for (d, p) in d_row.iter_mut().zip(p) {
            *d = p * (*d - delta) * scale;
        }
    }
}

vectorized! {
    /// Both of the above for scores under a soft cap: `row` becomes the probabilities, `d_row` the gradient.
    fn capped_gradient_row(row: &mut [f32], d_row: &mut [f32], delta: f32, scale: f32, cap: f32, log_sum_exp: f32) {
        let inner = scale / cap;
        for (x, d) in row.iter_mut().zip(d_row) {
            let t = tanh(*x * inner);
            *x = exp(cap * t - log_sum_exp);
            *d = *x * (*d - delta) * scale * (1.0 - t * t);
        }
    }
}

vectorized! {
    fn dot_row(x: &[f32], y: &[f32]) -> f32 {
        dot(x, y)
    }
}

/// Where in its row of scores, which begins at key `first_key`, the query at `position` sees keys.
fn live(shape: AttentionShape, position: usize, first_key: usize) -> Range<usize> {
    shape.first_key(position) - first_key..position + 1 - first_key
}

/// Scores to probabilities, 0 where nothing is seen; returns the log-sum-exp.
fn softmax(shape: AttentionShape, row: &mut [f32], live: Range<usize>) -> f32 {
    row[..live.start].fill(0.0);
    row[live.end..].fill(0.0);
    let row = &mut row[live];
    match shape.soft_cap {
        None => softmax_row(row, shape.scale),
        Some(cap) => {
            soft_cap_row(row, shape.scale, cap);
            softmax_row(row, 1.0)
        }
    }
}

/// Scores to probabilities and `d_row` to the gradient of the scores, 0 where nothing is seen.
/// `delta`: `Σ d_output · output` of the query.
fn softmax_gradient(
    shape: AttentionShape,
    row: &mut [f32],
    d_row: &mut [f32],
    live: Range<usize>,
    delta: f32,
    log_sum_exp: f32,
) {
    for row in [&mut *row, &mut *d_row] {
        row[..live.start].fill(0.0);
        row[live.end..].fill(0.0);
    }
    let (row, d_row) = (&mut row[live.clone()], &mut d_row[live]);
    match shape.soft_cap {
        None => {
            probabilities_row(row, shape.scale, log_sum_exp);
            score_gradient_row(d_row, row, delta, shape.scale);
        }
        Some(cap) => capped_gradient_row(row, d_row, delta, shape.scale, cap, log_sum_exp),
    }
}

/// Query, key and value of one layer: `[m, heads * d]`, `[m, key_value_heads * d]` twice.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    pub query: &'a [f32],
    pub key: &'a [f32],
    pub value: &'a [f32],
}

/// Rows of scores that exist at a time: enough to earn the packing of the keys, few enough for the cache.
const STACK: usize = 192;

/// Query positions of a block. The query heads that share a key/value head are stacked, so that its keys and values are
/// packed once for all of them.
fn block_positions(shape: AttentionShape) -> usize {
    (STACK / group(shape) / 8 * 8).clamp(8, BLOCK)
}

/// Query heads that share a key/value head.
fn group(shape: AttentionShape) -> usize {
    shape.heads / shape.key_value_heads
}

/// A block of query positions of one sequence and one key/value head.
#[derive(Clone, Copy)]
struct Block {
    shape: AttentionShape,
    segment: Segment,
    kv_head: usize,
    /// Position of the first query.
    first: usize,
    /// Query positions.
    rows: usize,
    /// Position of the first key that any of them sees.
    first_key: usize,
    keys: usize,
}

impl Block {
    fn new(shape: AttentionShape, segment: Segment, kv_head: usize, first: usize) -> Self {
        let rows = block_positions(shape).min(segment.len - first);
        let first_key = shape.first_key(first);
        Self { shape, segment, kv_head, first, rows, first_key, keys: first + rows - first_key }
    }

    /// Rows of the stack: head after head.
    fn stacked(&self) -> usize {
        group(self.shape) * self.rows
    }

    /// Of each row of the stack: its position, and where its numbers begin in `[m, heads * d]`.
    fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        let Self { shape, segment, first, rows, .. } = *self;
        let heads = self.kv_head * group(shape)..(self.kv_head + 1) * group(shape);
        heads.flat_map(move |head| {
            (first..first + rows).map(move |position| {
                (position, (segment.start + position) * shape.query_size() + head * shape.head_dim)
            })
        })
    }

    /// Of each row of the stack, the index into `[heads, m]`.
    fn statistics(&self, m: usize) -> impl Iterator<Item = usize> {
        let Self { shape, segment, first, rows, .. } = *self;
        let heads = self.kv_head * group(shape)..(self.kv_head + 1) * group(shape);
        heads.flat_map(move |head| (0..rows).map(move |row| head * m + segment.start + first + row))
    }

    fn gather(&self, from: &[f32], stack: &mut [f32]) {
        let d = self.shape.head_dim;
        for ((_, at), row) in self.places().zip(stack.chunks_exact_mut(d)) {
            row.copy_from_slice(&from[at..][..d]);
        }
    }

    /// # Safety
    /// No other task touches these rows of these heads.
    unsafe fn scatter(&self, stack: &[f32], to: Rows) {
        let d = self.shape.head_dim;
        for ((_, at), row) in self.places().zip(stack.chunks_exact(d)) {
            // SAFETY: the caller's promise.
            unsafe { to.slice(at, d) }.copy_from_slice(row);
        }
    }

    fn key_start(&self) -> usize {
        let Self { shape, segment, kv_head, first_key, .. } = *self;
        (segment.start + first_key) * shape.key_value_size() + kv_head * shape.head_dim
    }

    /// The keys or values that the block sees, [keys, d].
    fn keys_of<'a>(&self, values: &'a [f32]) -> Matrix<'a> {
        head(values, self.key_start(), self.keys, self.shape.head_dim, self.shape.key_value_size())
    }

    fn live(&self, position: usize) -> Range<usize> {
        live(self.shape, position, self.first_key)
    }
}

/// What a thread works in, made for the longest sequence that it meets.
#[derive(Default)]
struct Work {
    scores: Vec<f32>,
    d_scores: Vec<f32>,
    /// Rows of query heads, one below the other: [stacked, d].
    query: Vec<f32>,
    output: Vec<f32>,
}

/// Numbers of each of [`Work`]'s scores, and of each of its stacks, for a sequence of `len`.
fn work_sizes(shape: AttentionShape, len: usize) -> [usize; 2] {
    let rows = group(shape) * block_positions(shape).min(len);
    [rows * len, rows * shape.head_dim]
}

/// Bytes that each thread takes while sequences of up to `longest` tokens attend and their gradients are taken: its
/// [`Work`], and the scratch of the products.
pub fn scratch_bytes(precision: Precision, shape: AttentionShape, longest: usize) -> u64 {
    let ([scores, stack], d) = (work_sizes(shape, longest), shape.head_dim);
    let rows = stack / d;
    let products = [[rows, longest, d], [rows, d, longest], [longest, d, rows]].map(ProductShape::new);
    (2 * 4 * (scores + stack)) as u64 + gemm_scratch_bytes(precision, 1, products.into_iter())
}

/// Bytes that all threads together take besides: the gradients of a long sequence that are added up apart.
pub fn shared_bytes(shape: AttentionShape, longest: usize) -> u64 {
    if longest > part_positions(shape) {
        (4 * shape.key_value_heads * apart(shape, longest)) as u64
    } else {
        0
    }
}

/// `output`: [m, heads * d]; `log_sum_exp`: [heads, m].
pub fn forward(
    precision: Precision,
    shape: AttentionShape,
    segments: &[Segment],
    inputs: Inputs,
    output: &mut [f32],
    log_sum_exp: &mut [f32],
) {
    let m = output.len() / shape.query_size();
    let (output, log_sum_exp) = (Rows::of(output), Rows::of(log_sum_exp));
    let positions = block_positions(shape);
    let tasks: Vec<(Segment, usize)> = segments
        .iter()
        .flat_map(|&segment| (0..segment.len).step_by(positions).map(move |row| (segment, row)))
        .collect();
    tasks.par_iter().for_each_init(Work::default, |work, &(segment, first)| {
        for kv_head in 0..shape.key_value_heads {
            let block = Block::new(shape, segment, kv_head, first);
            forward_block(precision, block, inputs, m, work, output, log_sum_exp);
        }
    });
}

fn forward_block(
    precision: Precision,
    block: Block,
    inputs: Inputs,
    m: usize,
    work: &mut Work,
    output: Rows,
    log_sum_exp: Rows,
) {
    let Block { shape, keys, .. } = block;
    let (stacked, d) = (block.stacked(), shape.head_dim);
    let [scores, stack] = work_sizes(shape, block.segment.len);
    work.scores.resize(scores, 0.0);
    work.query.resize(stack, 0.0);
    let (scores, query) = (&mut work.scores[..stacked * keys], &mut work.query[..stacked * d]);
    block.gather(inputs.query, query);
    let product = MatrixMut::new(scores, stacked, keys);
    let key = block.keys_of(inputs.key).transposed();
    gemm_single(precision, 1.0, Matrix::f32(query, stacked, d), key, Beta::Overwrite, product);
    let rows = scores.chunks_exact_mut(keys).zip(block.places()).zip(block.statistics(m));
    for ((row, (position, _)), statistic) in rows {
        // SAFETY: this task alone writes these rows of these heads.
        let kept = unsafe { log_sum_exp.slice(statistic, 1) };
        kept[0] = softmax(shape, row, block.live(position));
    }
    let probabilities = Matrix::f32(scores, stacked, keys);
    let product = MatrixMut::new(query, stacked, d);
    gemm_single(precision, 1.0, probabilities, block.keys_of(inputs.value), Beta::Overwrite, product);
    // SAFETY: as above.
    unsafe { block.scatter(query, output) };
}

/// What the gradient reads besides the inputs.
#[derive(Clone, Copy)]
pub struct Kept<'a> {
    pub output: &'a [f32],
    pub log_sum_exp: &'a [f32],
    pub d_output: &'a [f32],
}

/// Where a task adds up the gradients of a key/value head's keys and values: rows of `stride` numbers, of the sequence's
/// keys from `first_key` on.
#[derive(Clone, Copy)]
struct KeyGradients {
    key: Rows,
    value: Rows,
    /// Where the row of `first_key` begins.
    start: usize,
    first_key: usize,
    stride: usize,
}

impl KeyGradients {
    fn place(&self, key: usize) -> usize {
        self.start + (key - self.first_key) * self.stride
    }
}

/// Query positions of a sequence and key/value head whose gradient is one task.
#[derive(Clone)]
struct BackwardTask {
    segment: Segment,
    kv_head: usize,
    positions: Range<usize>,
    target: KeyGradients,
}

/// Query positions of a part of a long sequence.
fn part_positions(shape: AttentionShape) -> usize {
    PART / block_positions(shape) * block_positions(shape)
}

/// The keys that each part of a sequence of `len` sees, but for the last part, which adds to the result itself.
fn parts_before_last(shape: AttentionShape, len: usize) -> impl Iterator<Item = Range<usize>> {
    let part = part_positions(shape);
    (0..len.div_ceil(part) - 1).map(move |i| shape.first_key(i * part)..(i + 1) * part)
}

/// Numbers in the gradients of one key/value head's keys and values that the parts of a sequence add up apart.
fn apart(shape: AttentionShape, len: usize) -> usize {
    2 * shape.head_dim * parts_before_last(shape, len).map(|keys| keys.len()).sum::<usize>()
}

/// Replaces `d_query`, `d_key`, `d_value`. One task a sequence and key/value head; sequences of more than [`PART`] are cut
/// into parts, whose gradients of keys and values are added up apart and then added in the order of the parts.
#[allow(clippy::too_many_arguments)]
pub fn backward(
    precision: Precision,
    shape: AttentionShape,
    segments: &[Segment],
    inputs: Inputs,
    kept: Kept,
    d_query: &mut [f32],
    d_key: &mut [f32],
    d_value: &mut [f32],
) {
    let [d_query, key, value] = [d_query, d_key, d_value].map(Rows::of);
    let run = |tasks: Vec<BackwardTask>| {
        tasks.par_iter().with_max_len(1).for_each_init(Work::default, |work, task| {
            backward_task(precision, shape, task, inputs, kept, work, d_query);
        });
    };
    let stride = shape.key_value_size();
    let whole = |segment: Segment, kv_head: usize| {
        let start = segment.start * stride + kv_head * shape.head_dim;
        let target = KeyGradients { key, value, start, first_key: 0, stride };
        BackwardTask { segment, kv_head, positions: 0..segment.len, target }
    };
    let heads = || 0..shape.key_value_heads;
    let (long, mut short): (Vec<Segment>, Vec<Segment>) =
        segments.iter().partition(|segment| segment.len > part_positions(shape));
    // The work is quadratic, and the last task should be a small one.
    short.sort_by_key(|segment| std::cmp::Reverse(segment.len));
    run(short.iter().flat_map(|&segment| heads().map(move |kv_head| whole(segment, kv_head))).collect());
    for segment in long {
        let size = apart(shape, segment.len);
        let mut sums = vec![0.0; shape.key_value_heads * size];
        let targets: Vec<Vec<KeyGradients>> =
            sums.chunks_exact_mut(size).map(|sums| targets_apart(shape, segment.len, sums)).collect();
        let part = part_positions(shape);
        let mut tasks: Vec<BackwardTask> = heads().map(|kv_head| whole(segment, kv_head)).collect();
        for (kv_head, targets) in targets.iter().enumerate() {
            tasks[kv_head].positions.start = targets.len() * part;
            tasks.extend(targets.iter().enumerate().rev().map(|(i, &target)| BackwardTask {
                segment,
                kv_head,
                positions: i * part..(i + 1) * part,
                target,
            }));
        }
        run(tasks);
        targets.par_iter().enumerate().for_each(|(kv_head, targets)| {
            let result = whole(segment, kv_head).target;
            for (target, keys) in targets.iter().zip(parts_before_last(shape, segment.len)) {
                // SAFETY: all tasks are done, and this one alone touches the columns of its key/value head.
                unsafe { add_rows(shape.head_dim, keys, target, &result) };
            }
        });
    }
}

/// Cuts `sums` into the places where the parts of a sequence add up.
fn targets_apart(shape: AttentionShape, len: usize, mut sums: &mut [f32]) -> Vec<KeyGradients> {
    let stride = shape.head_dim;
    let mut targets = Vec::new();
    for keys in parts_before_last(shape, len) {
        let (own, others) = sums.split_at_mut(2 * keys.len() * stride);
        let (key, value) = own.split_at_mut(keys.len() * stride);
        let [key, value] = [key, value].map(Rows::of);
        targets.push(KeyGradients { key, value, start: 0, first_key: keys.start, stride });
        sums = others;
    }
    targets
}

/// # Safety
/// No other task touches these rows of either.
unsafe fn add_rows(width: usize, keys: Range<usize>, from: &KeyGradients, to: &KeyGradients) {
    for key in keys {
        for (from_rows, to_rows) in [(from.key, to.key), (from.value, to.value)] {
            // SAFETY: the caller's promise; the two are different arrays.
            let (x, y) =
                unsafe { (from_rows.slice(from.place(key), width), to_rows.slice(to.place(key), width)) };
            y.iter_mut().zip(x).for_each(|(y, x)| *y += *x);
        }
    }
}

fn backward_task(
    precision: Precision,
    shape: AttentionShape,
    task: &BackwardTask,
    inputs: Inputs,
    kept: Kept,
    work: &mut Work,
    d_query: Rows,
) {
    let BackwardTask { segment, kv_head, ref positions, target } = *task;
    // From the last block to the first: the last reaches the last key, so it can replace instead of add;
    // keys before its window begin at 0.
    let step = block_positions(shape);
    let last = (positions.end - 1) / step * step;
    for key in target.first_key..shape.first_key(last) {
        for rows in [target.key, target.value] {
            // SAFETY: this task alone writes these rows in the columns of its key/value head.
            unsafe { rows.slice(target.place(key), shape.head_dim) }.fill(0.0);
        }
    }
    for first in (positions.start..=last).rev().step_by(step) {
        let beta = if first == last { Beta::Overwrite } else { Beta::Accumulate };
        let block = Block::new(shape, segment, kv_head, first);
        backward_block(precision, block, beta, inputs, kept, work, d_query, target);
    }
}

/// `beta`: whether the gradients of the keys and values are added to.
#[allow(clippy::too_many_arguments)]
fn backward_block(
    precision: Precision,
    block: Block,
    beta: Beta,
    inputs: Inputs,
    kept: Kept,
    work: &mut Work,
    d_query: Rows,
    target: KeyGradients,
) {
    let Block { shape, keys, .. } = block;
    let (stacked, d) = (block.stacked(), shape.head_dim);
    let m = kept.output.len() / shape.query_size();
    let [scores, stack] = work_sizes(shape, block.segment.len);
    work.scores.resize(scores, 0.0);
    work.d_scores.resize(scores, 0.0);
    work.query.resize(stack, 0.0);
    work.output.resize(stack, 0.0);
    let (scores, d_scores) = (&mut work.scores[..stacked * keys], &mut work.d_scores[..stacked * keys]);
    let (query, d_output) = (&mut work.query[..stacked * d], &mut work.output[..stacked * d]);
    block.gather(inputs.query, query);
    block.gather(kept.d_output, d_output);
    let [key, value] = [inputs.key, inputs.value].map(|values| block.keys_of(values));
    for (stack, keys_of, scores) in [(&*query, key, &mut *scores), (&*d_output, value, &mut *d_scores)] {
        let (a, product) = (Matrix::f32(stack, stacked, d), MatrixMut::new(scores, stacked, keys));
        gemm_single(precision, 1.0, a, keys_of.transposed(), Beta::Overwrite, product);
    }
    let rows = scores.chunks_exact_mut(keys).zip(d_scores.chunks_exact_mut(keys));
    for (((row, d_row), (position, at)), statistic) in rows.zip(block.places()).zip(block.statistics(m)) {
        let delta = dot_row(&kept.d_output[at..][..d], &kept.output[at..][..d]);
        softmax_gradient(shape, row, d_row, block.live(position), delta, kept.log_sum_exp[statistic]);
    }
    let [p, d_s] = [&*scores, &*d_scores].map(|scores| Matrix::f32(scores, stacked, keys));
    let start = target.place(block.first_key);
    for (a, stack, rows) in [(d_s, &*query, target.key), (p, &*d_output, target.value)] {
        let (a, b) = (a.transposed(), Matrix::f32(stack, stacked, d));
        // SAFETY: this task alone writes these rows in the columns of its key/value head.
        unsafe { gemm_single_raw(precision, 1.0, a, b, beta, rows.at(start), target.stride) };
    }
    let product = MatrixMut::new(query, stacked, d);
    gemm_single(precision, 1.0, d_s, key, Beta::Overwrite, product);
    // SAFETY: as above, of its query heads.
    unsafe { block.scatter(query, d_query) };
}

/// New queries against a cache: query row i is at position `past + i`.
pub fn cached(shape: AttentionShape, m: usize, past: usize, inputs: Inputs, output: &mut [f32]) {
    let (d, q_stride, kv_stride) = (shape.head_dim, shape.query_size(), shape.key_value_size());
    let output = Rows::of(output);
    let tasks: Vec<(usize, usize)> =
        (0..m).step_by(BLOCK).flat_map(|first| (0..shape.heads).map(move |h| (first, h))).collect();
    tasks.par_iter().for_each_init(Vec::new, |scores: &mut Vec<f32>, &(first, h)| {
        let rows = BLOCK.min(m - first);
        let first_key = shape.first_key(past + first);
        let keys = past + first + rows - first_key;
        let kv = first_key * kv_stride + h / (shape.heads / shape.key_value_heads) * d;
        scores.resize(rows * keys, 0.0);
        let query = head(inputs.query, first * q_stride + h * d, rows, d, q_stride);
        let key = head(inputs.key, kv, keys, d, kv_stride);
        let value = head(inputs.value, kv, keys, d, kv_stride);
        // SAFETY: `scores` was just sized; the output rows and columns belong to this task.
        unsafe {
            gemm_single_raw(
                Precision::F32,
                1.0,
                query,
                key.transposed(),
                Beta::Overwrite,
                scores.as_mut_ptr(),
                keys,
            );
            for (i, row) in scores.chunks_exact_mut(keys).enumerate() {
                softmax(shape, row, live(shape, past + first + i, first_key));
            }
            let p = Matrix::f32(scores, rows, keys);
            gemm_single_raw(
                Precision::F32,
                1.0,
                p,
                value,
                Beta::Overwrite,
                output.at(first * q_stride + h * d),
                q_stride,
            );
        }
    });
}
