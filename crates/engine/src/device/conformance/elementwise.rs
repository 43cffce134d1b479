//! Embedding, norms, rotary positions, gates, and the optimizer.

use super::{ELEMENTS, ELEMENTWISE, FORMATS, STORED, SUMS, Suite, numbers, packed};
use crate::device::{Activation, AdamWStep, Beta, Element, RmsNorm, RotaryShape, WeightFormat};

fn exact(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}

/// The derivative of `function` at `x`, by differences.
fn slope(function: impl Fn(f64) -> f64, x: f64) -> f64 {
    (function(x + 1e-5) - function(x - 1e-5)) / 2e-5
}

impl Suite<'_> {
    pub(super) fn elementwise(&mut self) {
        self.embedding();
        self.norms();
        self.rotary();
        self.gates();
        self.caps();
        self.optimizer();
    }

    fn embedding(&mut self) {
        let (device, vocabulary, hidden, scale) = (self.device, 31, 70, 1.5f32);
        let batch = packed(&[40, 3], vocabulary as u32);
        let (m, there) = (batch.tokens(), device.upload_batch(&batch));
        for (format, _) in FORMATS {
            let table = device.upload_weight(&numbers(1, vocabulary * hidden), vocabulary, hidden, format);
            let stored = exact(&device.download_weight(&table));
            let mut x = device.zeros(m * hidden);
            device.embed(&there, &table, scale, &mut x);
            let row = |&id: &u32| stored[id as usize * hidden..][..hidden].iter();
            let want: Vec<f64> = batch.ids.iter().flat_map(row).map(|x| f64::from(scale) * x).collect();
            self.check("embed", &format!("{format:?}"), ELEMENTWISE, &x, &want);
        }
        let (start, dx) = (numbers(2, vocabulary * hidden), numbers(3, m * hidden));
        let mut d_table = device.upload(&start);
        device.embed_gradient(&there, &device.upload(&dx), hidden, scale, &mut d_table);
        let mut want = exact(&start);
        for (row, &id) in batch.ids.iter().enumerate() {
            for i in 0..hidden {
                want[id as usize * hidden + i] += f64::from(scale) * f64::from(dx[row * hidden + i]);
            }
        }
        self.check("embed_gradient", "", SUMS, &d_table, &want);
    }

    fn norms(&mut self) {
        let (device, m, n) = (self.device, 150, 24);
        let (x, w, y, dy) = (numbers(1, m * n), numbers(2, n), numbers(3, m * n), numbers(4, m * n));
        let (x64, w64, y64, dy64) = (exact(&x), exact(&w), exact(&y), exact(&dy));
        let weight = device.upload_weight(&w, 1, n, WeightFormat::F32);
        let (x, dy) = (device.upload(&x), device.upload(&dy));
        for (offset, beta) in [(0.0, Beta::Overwrite), (1.0, Beta::Overwrite), (1.0, Beta::Accumulate)] {
            let norm = RmsNorm { epsilon: 1e-3, offset };
            let case = format!("offset {offset}, {beta:?}");
            let inverse_rms = |row: &[f64]| {
                1.0 / (row.iter().map(|x| x * x).sum::<f64>() / n as f64 + f64::from(norm.epsilon)).sqrt()
            };
            let factor = |i: usize| f64::from(offset) + w64[i];
            let before = |i: usize| if beta == Beta::Accumulate { y64[i] } else { 0.0 };
            let inverse: Vec<f64> = x64.chunks(n).map(inverse_rms).collect();
            let want: Vec<f64> =
                (0..m * n).map(|i| before(i) + x64[i] * inverse[i / n] * factor(i % n)).collect();
            let (mut found, mut kept) = (device.upload(&y), device.zeros(m));
            device.rms_norm(m, norm, &x, &weight, beta, &mut found, &mut kept);
            self.check("rms_norm", &case, SUMS, &found, &want);
            if beta == Beta::Overwrite {
                let mut operand = device.allocate(Element::Bf16, m * n);
                device.rms_norm(m, norm, &x, &weight, beta, &mut operand, &mut kept);
                self.check("rms_norm", &format!("operand, {case}"), STORED, &operand, &want);
            }

            // The gradient of the sum of dy · norm(x), added to what is there.
            let gradient = |index: usize| {
                let (row, column) = (index / n, index % n);
                let total = |moved: f64| {
                    let mut x = x64[row * n..][..n].to_vec();
                    x[column] = moved;
                    let inverse = inverse_rms(&x);
                    (0..n).map(|i| dy64[row * n + i] * x[i] * inverse * factor(i)).sum::<f64>()
                };
                y64[index] + slope(total, x64[index])
            };
            let want: Vec<f64> = (0..m * n).map(gradient).collect();
            let of_weight = |column: usize| {
                let of_row = |row: usize| dy64[row * n + column] * x64[row * n + column] * inverse[row];
                w64[column] + (0..m).map(of_row).sum::<f64>()
            };
            let want_weight: Vec<f64> = (0..n).map(of_weight).collect();
            let (mut dx, mut dw) = (device.upload(&y), device.upload(&w));
            device.rms_norm_gradient(m, norm, &dy, &x, &weight, &kept, &mut dx, Some(&mut dw));
            self.check("rms_norm_gradient", &case, SUMS, &dx, &want);
            self.check("rms_norm_gradient", &format!("weight, {case}"), SUMS, &dw, &want_weight);
        }
    }

    fn rotary(&mut self) {
        let device = self.device;
        let batch = packed(&[90, 4], 100);
        let there = device.upload_batch(&batch);
        let positions = 90;
        for (head_dim, rotary_dim) in [(16, 16), (16, 6)] {
            let shape = RotaryShape { heads: 3, head_dim, rotary_dim };
            let (half, columns) = (rotary_dim / 2, 3 * head_dim);
            let table: Vec<f32> = (0..positions * rotary_dim)
                .map(|i| {
                    let (position, part) = (i / rotary_dim, i % rotary_dim);
                    let angle = position as f32 / (1 + part % half) as f32;
                    if part < half { angle.cos() } else { angle.sin() }
                })
                .collect();
            let x = numbers(1, batch.tokens() * columns);
            for inverse in [false, true] {
                let mut found = device.upload(&x);
                device.rope(&there, shape, &device.upload(&table), inverse, &mut found);
                let mut want = exact(&x);
                for (row, &position) in batch.positions.iter().enumerate() {
                    for (head, i) in (0..3).flat_map(|head| (0..half).map(move |i| (head, i))) {
                        let angle = &table[position as usize * rotary_dim..];
                        let (cos, sin) = (f64::from(angle[i]), f64::from(angle[half + i]));
                        let sin = if inverse { -sin } else { sin };
                        let first = row * columns + head * head_dim + i;
                        let (a, b) = (want[first], want[first + half]);
                        (want[first], want[first + half]) = (a * cos - b * sin, b * cos + a * sin);
                    }
                }
                let case = format!("{rotary_dim} of {head_dim}, inverse: {inverse}");
                self.check("rope", &case, ELEMENTWISE, &found, &want);
            }
        }
    }

    fn gates(&mut self) {
        let (device, len) = (self.device, if self.long() { 40_000 } else { 4000 });
        let gate: Vec<f32> = numbers(1, len).iter().map(|x| 8.0 * x).collect();
        let (up, dy) = (numbers(2, len), numbers(3, len));
        let silu = |x: f64| x / (1.0 + (-x).exp());
        let gelu = |x: f64| {
            0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)).tanh())
        };
        let activations: [(Activation, &dyn Fn(f64) -> f64); 2] =
            [(Activation::Silu, &silu), (Activation::GeluTanh, &gelu)];
        for (activation, plain) in activations {
            let triples = || gate.iter().zip(&up).zip(&dy).map(|((g, u), d)| [*g, *u, *d].map(f64::from));
            let y: Vec<f64> = triples().map(|[g, u, _]| plain(g) * u).collect();
            let d_gate: Vec<f64> = triples().map(|[g, u, d]| d * u * slope(plain, g)).collect();
            let d_up: Vec<f64> = triples().map(|[g, _, d]| d * plain(g)).collect();
            let (gate, up, dy) = (device.upload(&gate), device.upload(&up), device.upload(&dy));
            for element in ELEMENTS {
                let case = format!("{activation:?}, {element:?}");
                let tolerance = if element == Element::F32 { ELEMENTWISE } else { STORED };
                let [mut found, mut found_gate, mut found_up] = [0; 3].map(|_| device.allocate(element, len));
                device.gated(activation, len, &gate, &up, &mut found);
                self.check("gated", &case, tolerance, &found, &y);
                device.gated_gradient(activation, len, &dy, &gate, &up, &mut found_gate, &mut found_up);
                self.check("gated_gradient", &format!("gate, {case}"), tolerance, &found_gate, &d_gate);
                self.check("gated_gradient", &format!("up, {case}"), tolerance, &found_up, &d_up);
            }
        }
    }

    fn caps(&mut self) {
        let x: Vec<f32> = numbers(1, 3000).iter().map(|x| 90.0 * x).collect();
        let mut found = self.device.upload(&x);
        self.device.soft_cap(2900, 30.0, &mut found);
        let capped = |(i, x): (usize, &f64)| if i < 2900 { 30.0 * (x / 30.0).tanh() } else { *x };
        let want: Vec<f64> = exact(&x).iter().enumerate().map(capped).collect();
        self.check("soft_cap", "", ELEMENTWISE, &found, &want);
    }

    fn optimizer(&mut self) {
        let (device, len) = (self.device, 20_000);
        let (value, gradient) = (numbers(1, len), numbers(2, len));
        let first = numbers(3, len);
        let second: Vec<f32> = numbers(4, len).iter().map(|x| x.abs()).collect();
        let want: f64 = gradient.iter().map(|x| f64::from(*x).powi(2)).sum();
        let there = device.upload(&gradient);
        self.number("sum_of_squares", "", SUMS, device.sum_of_squares(&there), want);

        let step = AdamWStep {
            learning_rate: 1e-2,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.1,
            step: 7,
            gradient_scale: 0.5,
        };
        let [rate, beta1, beta2, epsilon, decay, scale] = [
            step.learning_rate,
            step.beta1,
            step.beta2,
            step.epsilon,
            step.weight_decay,
            step.gradient_scale,
        ]
        .map(f64::from);
        let mut want = [Vec::new(), Vec::new(), Vec::new()];
        for i in 0..len {
            let [w, g, m, v] = [value[i], gradient[i], first[i], second[i]].map(f64::from);
            let g = scale * g;
            let (m, v) = (beta1 * m + (1.0 - beta1) * g, beta2 * v + (1.0 - beta2) * g * g);
            let (m_hat, v_hat) = (m / (1.0 - beta1.powi(7)), v / (1.0 - beta2.powi(7)));
            want[0].push(w * (1.0 - rate * decay) - rate * m_hat / (v_hat.sqrt() + epsilon));
            want[1].push(m);
            want[2].push(v);
        }
        let [mut value, mut first, mut second] = [&value, &first, &second].map(|x| device.upload(x));
        device.adamw(&step, &mut value, &there, &mut first, &mut second);
        let parts = [("value", &value), ("first moment", &first), ("second moment", &second)];
        for ((case, found), want) in parts.into_iter().zip(&want) {
            self.check("adamw", case, ELEMENTWISE, found, want);
        }
    }
}
