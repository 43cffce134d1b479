//! Operations of a device against their definitions, written plainly in f64.

use engine::batching::{MicroBatch, Segment};
use engine::device::cpu::CpuDevice;
use engine::device::{
    Activation, AttentionShape, Beta, Buffer, Device, Element, HeadGradient, Precision, RmsNorm, WeightFormat,
};

/// Numbers in -1..1 that look like nothing in particular.
fn numbers(seed: usize, count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + seed * 104_729 + 31) % 2003) as f32 / 1001.5 - 1.0).collect()
}

fn assert_close(found: &[f32], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), want.len(), "{what}");
    let largest = want.iter().fold(1e-30f64, |a, b| a.max(b.abs()));
    let worst = found.iter().zip(want).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
    assert!(worst / largest < tolerance, "{what}: off by {worst}, the largest is {largest}");
}

/// Attention of packed sequences and its gradients for `d_output`.
struct PlainAttention {
    output: Vec<f64>,
    d_query: Vec<f64>,
    d_key: Vec<f64>,
    d_value: Vec<f64>,
}

fn plain_attention(
    shape: AttentionShape,
    segments: &[Segment],
    [query, key, value, d_output]: [&[f32]; 4],
) -> PlainAttention {
    let (d, wide, narrow) = (shape.head_dim, shape.query_size(), shape.key_value_size());
    let mut plain = PlainAttention {
        output: vec![0.0; query.len()],
        d_query: vec![0.0; query.len()],
        d_key: vec![0.0; key.len()],
        d_value: vec![0.0; value.len()],
    };
    let at = |values: &[f32], index: usize| f64::from(values[index]);
    for segment in segments {
        for (row, h) in (0..segment.len).flat_map(|row| (0..shape.heads).map(move |h| (row, h))) {
            let q = (segment.start + row) * wide + h * d;
            let kv = h / (shape.heads / shape.key_value_heads) * d;
            let first = shape.window.map_or(0, |window| (row + 1).saturating_sub(window));
            let keys: Vec<usize> = (first..=row).map(|k| (segment.start + k) * narrow + kv).collect();
            let scores: Vec<(f64, f64)> = keys
                .iter()
                .map(|&k| {
                    let dot: f64 = (0..d).map(|i| at(query, q + i) * at(key, k + i)).sum();
                    let score = dot * f64::from(shape.scale);
                    // The score, and its derivative by `dot`.
                    match shape.soft_cap.map(f64::from) {
                        None => (score, f64::from(shape.scale)),
                        Some(cap) => {
                            let t = (score / cap).tanh();
                            (cap * t, f64::from(shape.scale) * (1.0 - t * t))
                        }
                    }
                })
                .collect();
            let top = scores.iter().map(|s| s.0).fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = scores.iter().map(|s| (s.0 - top).exp()).sum();
            let p: Vec<f64> = scores.iter().map(|s| (s.0 - top).exp() / sum).collect();
            for i in 0..d {
                plain.output[q + i] = keys.iter().zip(&p).map(|(&k, p)| p * at(value, k + i)).sum();
            }
            let d_p: Vec<f64> =
                keys.iter().map(|&k| (0..d).map(|i| at(d_output, q + i) * at(value, k + i)).sum()).collect();
            let delta: f64 = d_p.iter().zip(&p).map(|(d, p)| d * p).sum();
            for (index, &k) in keys.iter().enumerate() {
                let d_score = p[index] * (d_p[index] - delta) * scores[index].1;
                for i in 0..d {
                    plain.d_query[q + i] += d_score * at(key, k + i);
                    plain.d_key[k + i] += d_score * at(query, q + i);
                    plain.d_value[k + i] += p[index] * at(d_output, q + i);
                }
            }
        }
    }
    plain
}

/// Sequences of these lengths, one after the other; every position is learned.
fn packed(lengths: &[usize], vocabulary: u32) -> MicroBatch {
    let mut batch = MicroBatch::default();
    for (row, &len) in lengths.iter().enumerate() {
        let ids: Vec<u32> = (0..len as u32).map(|i| (i * 17 + 5) % vocabulary).collect();
        batch.push_row(row, &ids, ids.iter().map(|&id| id as i32));
    }
    batch
}

/// Windows that end inside a block of queries, reach over several, or over everything.
const WINDOWS: [Option<usize>; 6] = [None, Some(2), Some(5), Some(70), Some(128), Some(1000)];

fn shapes() -> impl Iterator<Item = AttentionShape> {
    let shape = AttentionShape {
        heads: 4,
        key_value_heads: 2,
        head_dim: 8,
        scale: 1.7,
        soft_cap: None,
        window: None,
    };
    let capped = [None, Some(2.5)].into_iter();
    capped.flat_map(move |soft_cap| {
        WINDOWS.into_iter().map(move |window| AttentionShape { soft_cap, window, ..shape })
    })
}

#[test]
fn attention_and_its_gradient_follow_their_definition() {
    let device = CpuDevice::new(2);
    let batch = packed(&[150, 1, 64, 65], 100);
    let on_device = device.upload_batch(&batch);
    let m = batch.tokens();
    for shape in shapes() {
        let (wide, narrow) = (m * shape.query_size(), m * shape.key_value_size());
        let [query, key, value, d_output] =
            [numbers(1, wide), numbers(2, narrow), numbers(3, narrow), numbers(4, wide)];
        let plain = plain_attention(shape, &batch.segments, [&query, &key, &value, &d_output]);
        let [query, key, value, d_output] = [&query, &key, &value, &d_output].map(|x| device.upload(x));
        let mut output = device.zeros(wide);
        let mut log_sum_exp = device.zeros(m * shape.heads);
        let precision = Precision::F32;
        device.attention(precision, &on_device, shape, &query, &key, &value, &mut output, &mut log_sum_exp);
        // What was there before must not matter.
        let mut gradients = [wide, narrow, narrow].map(|len| device.upload(&numbers(9, len)));
        let [d_query, d_key, d_value] = &mut gradients;
        device.attention_gradient(
            precision,
            &on_device,
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
        let what = format!("window {:?}, cap {:?}", shape.window, shape.soft_cap);
        let check = |found: &Buffer, want: &[f64]| assert_close(&device.download(found), want, 1e-5, &what);
        check(&output, &plain.output);
        check(d_query, &plain.d_query);
        check(d_key, &plain.d_key);
        check(d_value, &plain.d_value);
    }
}

#[test]
fn cached_attention_follows_its_definition() {
    let device = CpuDevice::new(2);
    let len = 200;
    for shape in shapes() {
        let (wide, narrow) = (len * shape.query_size(), len * shape.key_value_size());
        let [query, key, value] = [numbers(1, wide), numbers(2, narrow), numbers(3, narrow)];
        let segment = Segment { start: 0, len };
        let plain = plain_attention(shape, &[segment], [&query, &key, &value, &vec![0.0; wide]]).output;
        let [key, value] = [&key, &value].map(|x| device.upload(x));
        for (past, m) in [(0, 130), (130, 1), (131, 69)] {
            let of = past * shape.query_size()..(past + m) * shape.query_size();
            let mut output = device.zeros(of.len());
            device.attention_cached(
                m,
                past,
                shape,
                &device.upload(&query[of.clone()]),
                &key,
                &value,
                &mut output,
            );
            let what = format!("{m} after {past}, window {:?}, cap {:?}", shape.window, shape.soft_cap);
            assert_close(&device.download(&output), &plain[of], 1e-5, &what);
        }
    }
}

#[test]
fn the_loss_under_a_soft_cap_follows_its_definition() {
    let device = CpuDevice::new(2);
    let (vocabulary, hidden, scale) = (77, 12, 0.25);
    let batch = packed(&[40, 9], vocabulary as u32);
    let m = batch.tokens();
    let (x, head) = (numbers(1, m * hidden), numbers(2, vocabulary * hidden));
    for cap in [None, Some(1.5f32), Some(30.0)] {
        let (mut loss, mut dx, mut d_head) = (0.0, vec![0f64; m * hidden], vec![0f64; vocabulary * hidden]);
        for (row, &target) in batch.targets.iter().enumerate().filter(|(_, target)| **target >= 0) {
            let number = |values: &[f32], row: usize, i: usize| f64::from(values[row * hidden + i]);
            let logit =
                |id: usize| (0..hidden).map(|i| number(&x, row, i) * number(&head, id, i)).sum::<f64>();
            let raw: Vec<f64> = (0..vocabulary).map(logit).collect();
            let tanh = |x: f64| cap.map_or(0.0, |cap| (x / f64::from(cap)).tanh());
            let capped: Vec<f64> =
                raw.iter().map(|&x| cap.map_or(x, |cap| f64::from(cap) * tanh(x))).collect();
            let sum: f64 = capped.iter().map(|x| x.exp()).sum();
            loss += sum.ln() - capped[target as usize];
            for id in 0..vocabulary {
                let onehot = if id == target as usize { 1.0 } else { 0.0 };
                let d = scale * (capped[id].exp() / sum - onehot) * (1.0 - tanh(raw[id]).powi(2));
                for i in 0..hidden {
                    dx[row * hidden + i] += d * number(&head, id, i);
                    d_head[id * hidden + i] += d * number(&x, row, i);
                }
            }
        }
        let weight = device.upload_weight(&head, vocabulary, hidden, WeightFormat::F32);
        let (mut found_dx, mut found_d_head) = (device.zeros(m * hidden), device.zeros(vocabulary * hidden));
        let gradient =
            HeadGradient { dx: &mut found_dx, d_head: Some(&mut found_d_head), scale: scale as f32 };
        let found = device.cross_entropy(
            Precision::F32,
            &device.upload_batch(&batch),
            &device.upload(&x),
            &weight,
            cap,
            Some(gradient),
        );
        let what = format!("cap {cap:?}");
        assert!((found.sum - loss).abs() < 1e-5 * loss, "{what}: {} and {loss}", found.sum);
        assert_close(&device.download(&found_dx), &dx, 1e-5, &what);
        assert_close(&device.download(&found_d_head), &d_head, 1e-5, &what);
    }
}

#[test]
fn gates_and_their_gradients_follow_their_definition() {
    let device = CpuDevice::new(2);
    let len = 40_000;
    let gate: Vec<f32> = numbers(1, len).iter().map(|x| 8.0 * x).collect();
    let (up, dy) = (numbers(2, len), numbers(3, len));
    let silu = |x: f64| x / (1.0 + (-x).exp());
    let gelu =
        |x: f64| 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)).tanh());
    let activations: [(Activation, &dyn Fn(f64) -> f64); 2] =
        [(Activation::Silu, &silu), (Activation::GeluTanh, &gelu)];
    for (activation, plain) in activations {
        let slope = |x: f64| (plain(x + 1e-5) - plain(x - 1e-5)) / 2e-5;
        let pairs = || gate.iter().zip(&up).zip(&dy).map(|((g, u), d)| [*g, *u, *d].map(f64::from));
        let want: [Vec<f64>; 3] = [
            pairs().map(|[g, u, _]| plain(g) * u).collect(),
            pairs().map(|[g, u, d]| d * u * slope(g)).collect(),
            pairs().map(|[g, _, d]| d * plain(g)).collect(),
        ];
        let (gate, up, dy) = (device.upload(&gate), device.upload(&up), device.upload(&dy));
        // Half a unit in the last of bf16's eight bits, where the outputs are operands.
        for (element, tolerance) in [(Element::F32, 1e-6), (Element::Bf16, 4e-3)] {
            let [mut y, mut d_gate, mut d_up] = [0; 3].map(|_| device.allocate(element, len));
            device.gated(activation, len, &gate, &up, &mut y);
            device.gated_gradient(activation, len, &dy, &gate, &up, &mut d_gate, &mut d_up);
            for (found, want) in [&y, &d_gate, &d_up].into_iter().zip(&want) {
                assert_close(&device.download(found), want, tolerance, &format!("{activation:?}"));
            }
        }
    }
}

#[test]
fn biases_are_added_to_rows_and_their_gradient_is_the_sum_of_rows() {
    let device = CpuDevice::new(2);
    let (m, n) = (300, 7);
    let (bias, x) = (numbers(1, n), numbers(2, m * n));
    let mut y = device.upload(&x);
    device.add_bias(m, &device.upload_weight(&bias, 1, n, WeightFormat::F32), &mut y);
    let want: Vec<f64> = x.iter().enumerate().map(|(i, x)| f64::from(*x) + f64::from(bias[i % n])).collect();
    assert_close(&device.download(&y), &want, 1e-6, "rows");
    let mut gradient = device.upload(&bias);
    device.bias_gradient(m, &device.upload(&x), &mut gradient);
    let sum = |column: usize| (0..m).map(|row| f64::from(x[row * n + column])).sum::<f64>();
    let want: Vec<f64> = (0..n).map(|i| f64::from(bias[i]) + sum(i)).collect();
    assert_close(&device.download(&gradient), &want, 1e-6, "gradient");
}

#[test]
fn norms_have_an_offset_and_can_add() {
    let device = CpuDevice::new(2);
    let (m, n) = (150, 24);
    let (x, w, y, dy) = (numbers(1, m * n), numbers(2, n), numbers(3, m * n), numbers(4, m * n));
    for (offset, beta) in [(0.0, Beta::Overwrite), (1.0, Beta::Overwrite), (1.0, Beta::Accumulate)] {
        let norm = RmsNorm { epsilon: 1e-3, offset };
        let plain = |x: &[f64], i: usize| {
            let mean = x.iter().map(|x| x * x).sum::<f64>() / n as f64;
            x[i] / (mean + 1e-3).sqrt() * (f64::from(offset) + f64::from(w[i]))
        };
        let rows: Vec<Vec<f64>> =
            x.chunks(n).map(|row| row.iter().map(|x| f64::from(*x)).collect()).collect();
        let before = |i: usize| if beta == Beta::Accumulate { f64::from(y[i]) } else { 0.0 };
        let want: Vec<f64> = (0..m * n).map(|i| before(i) + plain(&rows[i / n], i % n)).collect();
        let weight = device.upload_weight(&w, 1, n, WeightFormat::F32);
        let (on_device, mut found, mut inverse) = (device.upload(&x), device.upload(&y), device.zeros(m));
        device.rms_norm(m, norm, &on_device, &weight, beta, &mut found, &mut inverse);
        assert_close(&device.download(&found), &want, 1e-5, &format!("{norm:?} {beta:?}"));

        // By differences: of the sum of dy · norm(x).
        let total =
            |row: usize, x: &[f64]| -> f64 { (0..n).map(|i| f64::from(dy[row * n + i]) * plain(x, i)).sum() };
        let slope = |index: usize| {
            let (row, column) = (index / n, index % n);
            let moved = |by: f64| {
                let mut x = rows[row].clone();
                x[column] += by;
                total(row, &x)
            };
            (moved(1e-5) - moved(-1e-5)) / 2e-5
        };
        let want: Vec<f64> = (0..m * n).map(slope).collect();
        let (mut dx, mut dw) = (device.zeros(m * n), device.zeros(n));
        let dy = device.upload(&dy);
        device.rms_norm_gradient(m, norm, &dy, &on_device, &weight, &inverse, &mut dx, Some(&mut dw));
        assert_close(&device.download(&dx), &want, 1e-5, &format!("{norm:?}"));
    }
}
