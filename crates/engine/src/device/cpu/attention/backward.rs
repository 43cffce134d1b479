//! The gradient of attention: the scores again, from the kept log-sum-exp.

use std::ops::Range;

use rayon::prelude::*;

use super::{Block, Inputs, Work, block_positions, dot_row, softmax_gradient, work_sizes};
use crate::batching::Segment;
use crate::device::AttentionShape;
use crate::device::cpu::Rows;
use crate::device::cpu::gemm::{Beta, Matrix, MatrixMut, Precision, gemm_single, gemm_single_raw};

/// Query positions of a sequence from which on its gradient is cut into parts of about so many, for several threads.
const PART: usize = 1024;

/// Bytes that all threads together take besides: the gradients of a long sequence that are added up apart.
pub fn shared_bytes(shape: AttentionShape, longest: usize) -> u64 {
    if longest > part_positions(shape) {
        (4 * shape.key_value_heads * apart(shape, longest)) as u64
    } else {
        0
    }
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
