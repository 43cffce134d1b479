//! Attention of packed sequences, its gradients, and attention to cached keys.

use super::{PRECISIONS, ROUNDED, SUMS, Suite, numbers, packed};
use crate::batching::Segment;
use crate::device::{AttentionShape, Precision};

const SHAPE: AttentionShape =
    AttentionShape { heads: 4, key_value_heads: 2, head_dim: 8, scale: 1.7, soft_cap: None, window: None };
/// Sequences that end in the middle of a block of queries, at its end, and just behind it.
const LENGTHS: [usize; 4] = [150, 1, 64, 65];
const SHORT_LENGTHS: [usize; 3] = [70, 1, 9];
/// One so long that a device may cut it into parts for its threads.
const LONG_LENGTHS: [usize; 3] = [9, 2100, 70];
/// Windows that end inside a block of queries, reach over several, or over everything.
const WINDOWS: [Option<usize>; 6] = [None, Some(5), Some(2), Some(70), Some(128), Some(1000)];
const CAPS: [Option<f32>; 2] = [None, Some(2.5)];

/// Attention and its gradients for `d_output`, by the definition.
struct Plain {
    output: Vec<f64>,
    d_query: Vec<f64>,
    d_key: Vec<f64>,
    d_value: Vec<f64>,
}

impl Plain {
    fn of(shape: AttentionShape, segments: &[Segment], [query, key, value, d_output]: [&[f32]; 4]) -> Self {
        let mut plain = Self {
            output: vec![0.0; query.len()],
            d_query: vec![0.0; query.len()],
            d_key: vec![0.0; key.len()],
            d_value: vec![0.0; value.len()],
        };
        for &segment in segments {
            for (row, head) in (0..segment.len).flat_map(|row| (0..shape.heads).map(move |h| (row, h))) {
                plain.query(shape, segment, row, head, [query, key, value, d_output]);
            }
        }
        plain
    }

    /// One query of one head.
    fn query(
        &mut self,
        shape: AttentionShape,
        segment: Segment,
        row: usize,
        head: usize,
        [query, key, value, d_output]: [&[f32]; 4],
    ) {
        let (d, wide, narrow) = (shape.head_dim, shape.query_size(), shape.key_value_size());
        let at = |values: &[f32], index: usize| f64::from(values[index]);
        let q = (segment.start + row) * wide + head * d;
        let kv = head / (shape.heads / shape.key_value_heads) * d;
        let first = shape.window.map_or(0, |window| (row + 1).saturating_sub(window));
        let keys: Vec<usize> = (first..=row).map(|k| (segment.start + k) * narrow + kv).collect();
        // Each score, and its derivative by the product of query and key.
        let score = |&k: &usize| {
            let product: f64 = (0..d).map(|i| at(query, q + i) * at(key, k + i)).sum();
            let score = product * f64::from(shape.scale);
            match shape.soft_cap.map(f64::from) {
                None => (score, f64::from(shape.scale)),
                Some(cap) => {
                    let t = (score / cap).tanh();
                    (cap * t, f64::from(shape.scale) * (1.0 - t * t))
                }
            }
        };
        let scores: Vec<(f64, f64)> = keys.iter().map(score).collect();
        let top = scores.iter().map(|score| score.0).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = scores.iter().map(|score| (score.0 - top).exp()).sum();
        let p: Vec<f64> = scores.iter().map(|score| (score.0 - top).exp() / sum).collect();
        for i in 0..d {
            self.output[q + i] = keys.iter().zip(&p).map(|(&k, p)| p * at(value, k + i)).sum();
        }
        let d_p = |&k: &usize| (0..d).map(|i| at(d_output, q + i) * at(value, k + i)).sum::<f64>();
        let d_p: Vec<f64> = keys.iter().map(d_p).collect();
        let delta: f64 = d_p.iter().zip(&p).map(|(d, p)| d * p).sum();
        for (index, &k) in keys.iter().enumerate() {
            let d_score = p[index] * (d_p[index] - delta) * scores[index].1;
            for i in 0..d {
                self.d_query[q + i] += d_score * at(key, k + i);
                self.d_key[k + i] += d_score * at(query, q + i);
                self.d_value[k + i] += p[index] * at(d_output, q + i);
            }
        }
    }
}

impl Suite<'_> {
    pub(super) fn attention(&mut self) {
        let (windows, lengths) =
            if self.long() { (&WINDOWS[..], &LENGTHS[..]) } else { (&WINDOWS[..2], &SHORT_LENGTHS[..]) };
        for (soft_cap, &window) in CAPS.into_iter().flat_map(|cap| windows.iter().map(move |w| (cap, w))) {
            let shape = AttentionShape { soft_cap, window, ..SHAPE };
            self.packed_attention(shape, lengths);
            self.cached_attention(shape);
        }
        if self.long() {
            for window in [None, Some(700)] {
                self.packed_attention(AttentionShape { window, ..SHAPE }, &LONG_LENGTHS);
            }
        }
    }

    fn packed_attention(&mut self, shape: AttentionShape, lengths: &[usize]) {
        let device = self.device;
        let batch = packed(lengths, 100);
        let (m, batch_there) = (batch.tokens(), device.upload_batch(&batch));
        let (wide, narrow) = (m * shape.query_size(), m * shape.key_value_size());
        let [query, key, value, d_output] =
            [numbers(1, wide), numbers(2, narrow), numbers(3, narrow), numbers(4, wide)];
        let plain = Plain::of(shape, &batch.segments, [&query, &key, &value, &d_output]);
        let [query, key, value, d_output] = [&query, &key, &value, &d_output].map(|x| device.upload(x));
        for precision in PRECISIONS {
            let (mut output, mut log_sum_exp) = (device.zeros(wide), device.zeros(m * shape.heads));
            device.attention(
                precision,
                &batch_there,
                shape,
                &query,
                &key,
                &value,
                &mut output,
                &mut log_sum_exp,
            );
            // What was there before must not matter.
            let mut gradients = [wide, narrow, narrow].map(|len| device.upload(&numbers(9, len)));
            let [d_query, d_key, d_value] = &mut gradients;
            device.attention_gradient(
                precision,
                &batch_there,
                shape,
                &query,
                &key,
                &value,
                &output,
                &log_sum_exp,
                &d_output,
                d_query,
                d_key,
                d_value,
            );
            let tolerance = if precision == Precision::F32 { SUMS } else { ROUNDED };
            let case = format!("{precision:?}, window {:?}, cap {:?}", shape.window, shape.soft_cap);
            self.check("attention", &case, tolerance, &output, &plain.output);
            let parts = [("query", &plain.d_query), ("key", &plain.d_key), ("value", &plain.d_value)];
            for ((of, want), found) in parts.into_iter().zip(&gradients) {
                self.check("attention_gradient", &format!("{of}, {case}"), tolerance, found, want);
            }
        }
    }

    fn cached_attention(&mut self, shape: AttentionShape) {
        let (device, len) = (self.device, if self.long() { 200 } else { 80 });
        let (wide, narrow) = (len * shape.query_size(), len * shape.key_value_size());
        let [query, key, value] = [numbers(1, wide), numbers(2, narrow), numbers(3, narrow)];
        let segment = Segment { start: 0, len };
        let plain = Plain::of(shape, &[segment], [&query, &key, &value, &vec![0.0; wide]]).output;
        let [key, value] = [&key, &value].map(|x| device.upload(x));
        let prompt = len - 70;
        for (past, m) in [(0, prompt), (prompt, 1), (prompt + 1, 69)] {
            let of = past * shape.query_size()..(past + m) * shape.query_size();
            let (query, mut output) = (device.upload(&query[of.clone()]), device.zeros(of.len()));
            device.attention_cached(m, past, shape, &query, &key, &value, &mut output);
            let case = format!("{m} after {past}, window {:?}, cap {:?}", shape.window, shape.soft_cap);
            self.check("attention_cached", &case, SUMS, &output, &plain[of]);
        }
    }
}
