//! Causal attention over packed sequences, in blocks of query rows (after <https://arxiv.org/abs/2205.14135>:
//! the scores of one block exist at a time, and the gradient recomputes them from the kept log-sum-exp).
//! A block of queries `first..first + rows` multiplies the keys that any of them sees: those from
//! `shape.first_key(first)` to its own last position.

use std::ops::Range;

use rayon::prelude::*;

use super::Rows;
use super::elementwise::soft_cap_row;
use super::gemm::{Beta, Data, Matrix, Precision, gemm_single_raw};
use super::vectorize::{dot, exp, exp_and_sum, maximum, tanh, vectorized};
use crate::batching::Segment;
use crate::device::AttentionShape;

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
    let tasks: Vec<(Segment, usize)> = segments
        .iter()
        .flat_map(|&segment| (0..segment.len).step_by(BLOCK).map(move |row| (segment, row)))
        .collect();
    tasks.par_iter().for_each_init(Vec::new, |scores: &mut Vec<f32>, &(segment, first)| {
        for h in 0..shape.heads {
            forward_block(precision, shape, segment, first, h, inputs, m, scores, output, log_sum_exp);
        }
    });
}

/// Query rows `first..first + BLOCK` of one sequence and one head.
#[allow(clippy::too_many_arguments)]
fn forward_block(
    precision: Precision,
    shape: AttentionShape,
    segment: Segment,
    first: usize,
    h: usize,
    inputs: Inputs,
    m: usize,
    scores: &mut Vec<f32>,
    output: Rows,
    log_sum_exp: Rows,
) {
    let (d, q_stride, kv_stride) = (shape.head_dim, shape.query_size(), shape.key_value_size());
    let kv = h / (shape.heads / shape.key_value_heads) * d;
    let rows = BLOCK.min(segment.len - first);
    let first_key = shape.first_key(first);
    let keys = first + rows - first_key;
    scores.resize(BLOCK * segment.len, 0.0);
    let query = head(inputs.query, (segment.start + first) * q_stride + h * d, rows, d, q_stride);
    let kv_start = (segment.start + first_key) * kv_stride + kv;
    let key = head(inputs.key, kv_start, keys, d, kv_stride);
    let value = head(inputs.value, kv_start, keys, d, kv_stride);
    // SAFETY: `scores` holds BLOCK * segment.len >= rows * keys numbers and belongs to this task.
    unsafe {
        gemm_single_raw(precision, 1.0, query, key.transposed(), Beta::Overwrite, scores.as_mut_ptr(), keys)
    };
    // SAFETY: this task alone writes these rows of this head.
    let kept = unsafe { log_sum_exp.slice(h * m + segment.start + first, rows) };
    for (i, (row, kept)) in scores.chunks_exact_mut(keys).take(rows).zip(kept).enumerate() {
        *kept = softmax(shape, row, live(shape, first + i, first_key));
    }
    let probabilities = Matrix::f32(&scores[..rows * keys], rows, keys);
    // SAFETY: rows `first..first + rows`, columns of head `h`: written by this task alone, inside `output`.
    unsafe {
        let target = output.at((segment.start + first) * q_stride + h * d);
        gemm_single_raw(precision, 1.0, probabilities, value, Beta::Overwrite, target, q_stride);
    }
}

/// What the gradient reads besides the inputs.
#[derive(Clone, Copy)]
pub struct Kept<'a> {
    pub output: &'a [f32],
    pub log_sum_exp: &'a [f32],
    pub d_output: &'a [f32],
}

/// Replaces `d_query`, `d_key`, `d_value`. One task a sequence and key/value head: the query heads that share it add up in order.
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
    let (d_query, d_key, d_value) = (Rows::of(d_query), Rows::of(d_key), Rows::of(d_value));
    let mut tasks: Vec<(Segment, usize)> = segments
        .iter()
        .flat_map(|&segment| (0..shape.key_value_heads).map(move |kv| (segment, kv)))
        .collect();
    // Long sequences first: the work is quadratic, and the last task should be a small one.
    tasks.sort_by_key(|(segment, _)| std::cmp::Reverse(segment.len));
    let group = shape.heads / shape.key_value_heads;
    tasks.par_iter().with_max_len(1).for_each_init(
        || (Vec::new(), Vec::new()),
        |(scores, d_scores), &(segment, kv)| {
            for h in kv * group..(kv + 1) * group {
                let task = BackwardTask { precision, shape, segment, h, first_of_group: h == kv * group };
                task.run(inputs, kept, scores, d_scores, d_query, d_key, d_value);
            }
        },
    );
}

struct BackwardTask {
    precision: Precision,
    shape: AttentionShape,
    segment: Segment,
    h: usize,
    first_of_group: bool,
}

impl BackwardTask {
    #[allow(clippy::too_many_arguments)]
    fn run(
        &self,
        inputs: Inputs,
        kept: Kept,
        scores: &mut Vec<f32>,
        d_scores: &mut Vec<f32>,
        d_query: Rows,
        d_key: Rows,
        d_value: Rows,
    ) {
        scores.resize(BLOCK * self.segment.len, 0.0);
        d_scores.resize(BLOCK * self.segment.len, 0.0);
        // From the last block to the first: the last reaches the last key, so it can replace instead of add;
        // keys before its window begin at 0.
        let blocks = self.segment.len.div_ceil(BLOCK);
        for block in (0..blocks).rev() {
            let replace = self.first_of_group && block + 1 == blocks;
            if replace {
                let unseen = self.shape.first_key(block * BLOCK);
                self.zero_keys(unseen, d_key);
                self.zero_keys(unseen, d_value);
            }
            self.block(block * BLOCK, replace, inputs, kept, scores, d_scores, d_query, d_key, d_value);
        }
    }

    /// Where the sequence's rows of this task's key/value head begin.
    fn kv_start(&self) -> usize {
        let shape = self.shape;
        let kv_head = self.h / (shape.heads / shape.key_value_heads);
        self.segment.start * shape.key_value_size() + kv_head * shape.head_dim
    }

    fn zero_keys(&self, count: usize, rows: Rows) {
        for row in 0..count {
            let start = self.kv_start() + row * self.shape.key_value_size();
            // SAFETY: this task alone writes the rows of this sequence in the columns of its key/value head.
            unsafe { rows.slice(start, self.shape.head_dim) }.fill(0.0);
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn block(
        &self,
        first: usize,
        replace: bool,
        inputs: Inputs,
        kept: Kept,
        scores: &mut [f32],
        d_scores: &mut [f32],
        d_query: Rows,
        d_key: Rows,
        d_value: Rows,
    ) {
        let Self { precision, shape, segment, h, .. } = *self;
        let (d, q_stride, kv_stride) = (shape.head_dim, shape.query_size(), shape.key_value_size());
        let m = kept.output.len() / q_stride;
        let rows = BLOCK.min(segment.len - first);
        let first_key = shape.first_key(first);
        let keys = first + rows - first_key;
        let q_start = (segment.start + first) * q_stride + h * d;
        let kv_start = self.kv_start() + first_key * kv_stride;
        let query = head(inputs.query, q_start, rows, d, q_stride);
        let key = head(inputs.key, kv_start, keys, d, kv_stride);
        let value = head(inputs.value, kv_start, keys, d, kv_stride);
        let d_output = head(kept.d_output, q_start, rows, d, q_stride);
        // SAFETY: both score buffers hold at least rows * keys numbers and belong to this task.
        unsafe {
            gemm_single_raw(
                precision,
                1.0,
                query,
                key.transposed(),
                Beta::Overwrite,
                scores.as_mut_ptr(),
                keys,
            );
            gemm_single_raw(
                precision,
                1.0,
                d_output,
                value.transposed(),
                Beta::Overwrite,
                d_scores.as_mut_ptr(),
                keys,
            );
        }
        let log_sum_exp = &kept.log_sum_exp[h * m + segment.start + first..][..rows];
        for (i, (row, d_row)) in
            scores.chunks_exact_mut(keys).zip(d_scores.chunks_exact_mut(keys)).take(rows).enumerate()
        {
            let at = q_start + i * q_stride;
            let delta = dot_row(&kept.d_output[at..][..d], &kept.output[at..][..d]);
            let live = live(shape, first + i, first_key);
            softmax_gradient(shape, row, d_row, live, delta, log_sum_exp[i]);
        }
        let p = Matrix::f32(&scores[..rows * keys], rows, keys);
        let d_s = Matrix::f32(&d_scores[..rows * keys], rows, keys);
        let beta = if replace { Beta::Overwrite } else { Beta::Accumulate };
        // SAFETY: this task alone writes the rows of this sequence in the columns of this head and of its key/value head.
        unsafe {
            gemm_single_raw(precision, 1.0, d_s, key, Beta::Overwrite, d_query.at(q_start), q_stride);
            gemm_single_raw(precision, 1.0, d_s.transposed(), query, beta, d_key.at(kv_start), kv_stride);
            gemm_single_raw(precision, 1.0, p.transposed(), d_output, beta, d_value.at(kv_start), kv_stride);
        }
    }
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
