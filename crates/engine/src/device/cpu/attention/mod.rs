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

mod backward;

pub use backward::{Kept, backward, shared_bytes};

/// Query rows whose scores exist at a time.
const BLOCK: usize = 64;

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
    // All operands are f32; those of the last product's A lie across.
    let upright = precision == Precision::F32;
    let products =
        [([rows, longest, d], upright), ([rows, d, longest], upright), ([longest, d, rows], false)]
            .map(|(shape, plain_a)| ProductShape { plain_a, ..ProductShape::new(shape) });
    (2 * 4 * (scores + stack)) as u64 + gemm_scratch_bytes(precision, 1, products.into_iter())
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
