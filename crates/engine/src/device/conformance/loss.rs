//! The language-model head and the cross-entropy.

use super::{EXACT, PRECISIONS, ROUNDED, SUMS, Suite, numbers, packed};
use crate::batching::MicroBatch;
use crate::device::{HeadGradient, LossWork, Precision, WeightFormat};

const VOCABULARY: usize = 77;
const HIDDEN: usize = 12;
/// Multiplies the gradients.
const SCALE: f64 = 0.25;

/// The loss and its gradients, by the definition.
struct Plain {
    sum: f64,
    correct: usize,
    dx: Vec<f64>,
    d_head: Vec<f64>,
}

impl Plain {
    fn of(batch: &MicroBatch, x: &[f32], head: &[f32], cap: Option<f64>) -> Self {
        let at = |values: &[f32], row: usize, i: usize| f64::from(values[row * HIDDEN + i]);
        let mut plain = Self { sum: 0.0, correct: 0, dx: vec![0.0; x.len()], d_head: vec![0.0; head.len()] };
        for (row, &target) in batch.targets.iter().enumerate().filter(|(_, target)| **target >= 0) {
            let logit = |id: usize| (0..HIDDEN).map(|i| at(x, row, i) * at(head, id, i)).sum::<f64>();
            // Each logit, and its derivative by the product.
            let capped = |raw: f64| match cap {
                None => (raw, 1.0),
                Some(cap) => (cap * (raw / cap).tanh(), 1.0 - (raw / cap).tanh().powi(2)),
            };
            let logits: Vec<(f64, f64)> = (0..VOCABULARY).map(|id| capped(logit(id))).collect();
            let sum: f64 = logits.iter().map(|logit| logit.0.exp()).sum();
            let target = target as usize;
            plain.sum += sum.ln() - logits[target].0;
            plain.correct += usize::from(logits.iter().all(|logit| logit.0 <= logits[target].0));
            for (id, logit) in logits.iter().enumerate() {
                let one = if id == target { 1.0 } else { 0.0 };
                let d = SCALE * (logit.0.exp() / sum - one) * logit.1;
                for i in 0..HIDDEN {
                    plain.dx[row * HIDDEN + i] += d * at(head, id, i);
                    plain.d_head[id * HIDDEN + i] += d * at(x, row, i);
                }
            }
        }
        plain
    }
}

impl Suite<'_> {
    pub(super) fn loss(&mut self) {
        let device = self.device;
        let lengths: &[usize] = if self.long() { &[90, 40, 9] } else { &[40, 9] };
        let batch = packed(lengths, VOCABULARY as u32);
        let (m, there) = (batch.tokens(), device.upload_batch(&batch));
        let (x, head) = (numbers(1, m * HIDDEN), numbers(2, VOCABULARY * HIDDEN));
        let x_there = device.upload(&x);
        // Fewer rows than tokens, so that they come in several blocks.
        let mut work = LossWork { logits: device.zeros(20 * VOCABULARY), inputs: device.zeros(20 * HIDDEN) };
        let weight = device.upload_weight(&head, VOCABULARY, HIDDEN, WeightFormat::F32);
        for cap in [None, Some(1.5f32), Some(30.0)] {
            let plain = Plain::of(&batch, &x, &head, cap.map(f64::from));
            for precision in PRECISIONS {
                let tolerance = if precision == Precision::F32 { SUMS } else { ROUNDED };
                let case = format!("{precision:?}, cap {cap:?}");
                // `dx` is replaced, `d_head` added to.
                let (mut dx, mut d_head) =
                    (device.upload(&numbers(3, m * HIDDEN)), device.zeros(VOCABULARY * HIDDEN));
                let gradient = HeadGradient { dx: &mut dx, d_head: Some(&mut d_head), scale: SCALE as f32 };
                let loss = device.cross_entropy(
                    precision,
                    &there,
                    &x_there,
                    &weight,
                    cap,
                    &mut work,
                    Some(gradient),
                );
                self.number("cross_entropy", &case, tolerance, loss.sum, plain.sum);
                let tokens = batch.supervised_tokens() as f64;
                self.number("cross_entropy", &format!("tokens, {case}"), EXACT, loss.tokens as f64, tokens);
                self.check("cross_entropy", &format!("dx, {case}"), tolerance, &dx, &plain.dx);
                self.check("cross_entropy", &format!("d_head, {case}"), tolerance, &d_head, &plain.d_head);
                if precision == Precision::F32 {
                    let (found, want) = (loss.correct as f64, plain.correct as f64);
                    self.number("cross_entropy", &format!("correct, {case}"), EXACT, found, want);
                }
                let alone = device.cross_entropy(precision, &there, &x_there, &weight, cap, &mut work, None);
                self.number(
                    "cross_entropy",
                    &format!("without gradient, {case}"),
                    EXACT,
                    alone.sum,
                    loss.sum,
                );
            }
        }
    }
}
