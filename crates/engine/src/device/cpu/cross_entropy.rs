//! The language-model head and the cross-entropy in blocks of supervised tokens.

use rayon::prelude::*;

use super::gemm::{Beta, Matrix, Precision, gemm};
use super::vectorize::{exp, exp_and_sum, exp_sum, maximum, tanh, vectorized};
use super::{CpuBatch, elementwise::grain};
use crate::device::LossSum;

vectorized! {
    /// Turns a row of logits into `scale * (softmax - onehot(target))`; returns (negative log-likelihood, right).
    fn loss_row(logits: &mut [f32], target: usize, scale: f32) -> (f64, bool) {
        let top = maximum(logits);
        let target_logit = logits[target];
        let sum = exp_and_sum(logits, 1.0, top);
        let factor = scale / sum;
        for x in logits.iter_mut() {
            *x *= factor;
        }
        logits[target] -= scale;
        (f64::from(sum.ln()) - f64::from(target_logit - top), target_logit >= top)
    }
}

vectorized! {
    /// As [`loss_row`], of `cap · tanh(logits / cap)`; the gradient is that of the logits before the cap.
    fn capped_loss_row(logits: &mut [f32], target: usize, scale: f32, cap: f32) -> (f64, bool) {
        let inner = 1.0 / cap;
        for x in logits.iter_mut() {
            *x = tanh(*x * inner);
        }
        let (top, target_tanh) = (cap * maximum(logits), logits[target]);
        let sum = exp_sum(logits, cap, top);
        let factor = scale / sum;
        for x in logits.iter_mut() {
            *x = exp(cap * *x - top) * factor * (1.0 - *x * *x);
        }
        logits[target] -= scale * (1.0 - target_tanh * target_tanh);
        let target_logit = cap * target_tanh;
        (f64::from(sum.ln()) - f64::from(target_logit - top), target_logit >= top)
    }
}

/// Where the gradients go; see [`crate::device::HeadGradient`].
pub struct Gradient<'a> {
    pub dx: &'a mut [f32],
    pub d_head: Option<&'a mut [f32]>,
    pub scale: f32,
}

/// Room for some rows; see [`crate::device::LossWork`].
pub struct Work<'a> {
    pub logits: &'a mut [f32],
    pub inputs: &'a mut [f32],
}

/// `x`: [m, hidden], `head`: [vocabulary, hidden].
pub fn cross_entropy(
    precision: Precision,
    batch: &CpuBatch,
    x: &[f32],
    head: Matrix,
    soft_cap: Option<f32>,
    work: Work,
    mut gradient: Option<Gradient>,
) -> LossSum {
    let (vocabulary, hidden) = (head.rows, head.cols);
    if let Some(gradient) = &mut gradient {
        gradient.dx.fill(0.0);
    }
    let Work { logits, inputs: rows } = work;
    let block = (logits.len() / vocabulary).min(rows.len() / hidden);
    assert!(block > 0, "a loss needs room for the logits of a token");
    let mut total = LossSum::default();
    for tokens in batch.supervised.chunks(block) {
        let n = tokens.len();
        for (row, &token) in rows.chunks_exact_mut(hidden).zip(tokens) {
            row.copy_from_slice(&x[token as usize * hidden..][..hidden]);
        }
        let inputs = Matrix::f32(&rows[..n * hidden], n, hidden);
        let scores = super::gemm::MatrixMut {
            data: &mut logits[..n * vocabulary],
            rows: n,
            cols: vocabulary,
            row_stride: vocabulary,
        };
        gemm(precision, 1.0, inputs, head.transposed(), Beta::Overwrite, scores);
        let scale = gradient.as_ref().map_or(1.0, |gradient| gradient.scale);
        let losses: Vec<(f64, bool)> = logits
            .par_chunks_exact_mut(vocabulary)
            .zip(tokens)
            .with_min_len(grain(vocabulary))
            .map(|(row, &token)| {
                let target = batch.targets[token as usize] as usize;
                match soft_cap {
                    None => loss_row(row, target, scale),
                    Some(cap) => capped_loss_row(row, target, scale, cap),
                }
            })
            .collect();
        for (loss, right) in losses {
            total += LossSum { sum: loss, tokens: 1, correct: usize::from(right) };
        }
        if let Some(gradient) = &mut gradient {
            let d_logits = Matrix::f32(&logits[..n * vocabulary], n, vocabulary);
            if let Some(d_head) = &mut gradient.d_head {
                let target = super::gemm::MatrixMut {
                    data: d_head,
                    rows: vocabulary,
                    cols: hidden,
                    row_stride: hidden,
                };
                gemm(precision, 1.0, d_logits.transposed(), inputs, Beta::Accumulate, target);
            }
            let target = super::gemm::MatrixMut {
                data: &mut rows[..n * hidden],
                rows: n,
                cols: hidden,
                row_stride: hidden,
            };
            gemm(precision, 1.0, d_logits, head, Beta::Overwrite, target);
            for (row, &token) in rows.chunks_exact(hidden).zip(tokens) {
                gradient.dx[token as usize * hidden..][..hidden].copy_from_slice(row);
            }
        }
    }
    total
}
