//! Norms, rotary embedding, gated activation, embedding rows and the optimizer update, row by row.

use rayon::prelude::*;

use super::Rows;
use super::gemm::{Data, bf16_to_f32, f32_to_bf16};
use super::vectorize::{dot, exp, tanh, vectorized};
use crate::device::{Activation, AdamWStep, Beta, Columns, RmsNorm, RotaryShape};

/// Elements that one task handles at least, so that small tensors stay on one thread.
const GRAIN: usize = 1 << 14;
/// Row blocks whose partial sums are added in order: fixed, so that the thread count changes nothing.
pub const PARTIAL_ROWS: usize = 128;

/// Rows that one task handles, for rows of `columns` numbers.
pub fn grain(columns: usize) -> usize {
    (GRAIN / columns.max(1)).max(1)
}

vectorized! {
    fn rms_norm_row(x: &[f32], w: &[f32], norm: RmsNorm, y: &mut [f32]) -> f32 {
        let inverse = 1.0 / (dot(x, x) / x.len() as f32 + norm.epsilon).sqrt();
        for ((y, x), w) in y.iter_mut().zip(x).zip(w) {
            *y = x * inverse * (norm.offset + w);
        }
        inverse
    }
}

vectorized! {
    fn rms_norm_add_row(x: &[f32], w: &[f32], norm: RmsNorm, y: &mut [f32]) -> f32 {
        let inverse = 1.0 / (dot(x, x) / x.len() as f32 + norm.epsilon).sqrt();
        for ((y, x), w) in y.iter_mut().zip(x).zip(w) {
            *y += x * inverse * (norm.offset + w);
        }
        inverse
    }
}

/// Where an operation writes: f32, or rounded to bf16 for products.
pub enum Output<'a> {
    F32(&'a mut [f32]),
    Bf16(&'a mut [u16]),
}

vectorized! {
    fn round_block(x: &[f32], y: &mut [u16]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y = f32_to_bf16(*x);
        }
    }
}

pub fn round(x: &[f32], y: Output) {
    match y {
        Output::F32(y) => {
            y.par_chunks_mut(GRAIN).zip(x.par_chunks(GRAIN)).for_each(|(y, x)| y.copy_from_slice(x));
        }
        Output::Bf16(y) => {
            y.par_chunks_mut(GRAIN).zip(x.par_chunks(GRAIN)).for_each(|(y, x)| round_block(x, y));
        }
    }
}

pub fn rms_norm(norm: RmsNorm, x: &[f32], w: &[f32], beta: Beta, y: Output, inverse_rms: &mut [f32]) {
    let h = w.len();
    let x = x.par_chunks(h).zip(inverse_rms).with_min_len(grain(h));
    match y {
        Output::F32(y) => x.zip(y.par_chunks_mut(h)).for_each(|((x, inverse), y)| {
            *inverse = match beta {
                Beta::Overwrite => rms_norm_row(x, w, norm, y),
                Beta::Accumulate => rms_norm_add_row(x, w, norm, y),
            };
        }),
        Output::Bf16(y) => x.zip(y.par_chunks_mut(h)).for_each_init(
            || vec![0f32; h],
            |row, ((x, inverse), y)| {
                assert!(beta == Beta::Overwrite, "operands are not added to");
                *inverse = rms_norm_row(x, w, norm, row);
                round_block(row, y);
            },
        ),
    }
}

vectorized! {
    fn rms_norm_gradient_row(norm: RmsNorm, dy: &[f32], x: &[f32], w: &[f32], inverse: f32, scratch: &mut [f32], dx: &mut [f32]) {
        for ((s, dy), w) in scratch.iter_mut().zip(dy).zip(w) {
            *s = dy * (norm.offset + w);
        }
        let projection = dot(scratch, x) * inverse * inverse * inverse / x.len() as f32;
        for ((dx, s), x) in dx.iter_mut().zip(scratch).zip(x) {
            *dx += *s * inverse - x * projection;
        }
    }
}

pub fn rms_norm_gradient(
    norm: RmsNorm,
    dy: &[f32],
    x: &[f32],
    w: &[f32],
    inverse_rms: &[f32],
    dx: &mut [f32],
) {
    let h = w.len();
    dx.par_chunks_mut(h)
        .zip(x.par_chunks(h))
        .zip(dy.par_chunks(h))
        .zip(inverse_rms)
        .with_min_len(grain(h))
        .for_each_init(
            || vec![0f32; h],
            |scratch, (((dx, x), dy), &inverse)| rms_norm_gradient_row(norm, dy, x, w, inverse, scratch, dx),
        );
}

vectorized! {
    fn rms_norm_weight_gradient_rows(dy: &[f32], x: &[f32], inverse_rms: &[f32], dw: &mut [f32]) {
        let h = dw.len();
        for ((dy, x), inverse) in dy.chunks_exact(h).zip(x.chunks_exact(h)).zip(inverse_rms) {
            for ((dw, dy), x) in dw.iter_mut().zip(dy).zip(x) {
                *dw += dy * x * inverse;
            }
        }
    }
}

pub fn rms_norm_weight_gradient(dy: &[f32], x: &[f32], inverse_rms: &[f32], dw: &mut [f32]) {
    let h = dw.len();
    let partial: Vec<Vec<f32>> = dy
        .par_chunks(PARTIAL_ROWS * h)
        .zip(x.par_chunks(PARTIAL_ROWS * h))
        .zip(inverse_rms.par_chunks(PARTIAL_ROWS))
        .map(|((dy, x), inverse)| {
            let mut dw = vec![0f32; h];
            rms_norm_weight_gradient_rows(dy, x, inverse, &mut dw);
            dw
        })
        .collect();
    for block in partial {
        for (dw, part) in dw.iter_mut().zip(block) {
            *dw += part;
        }
    }
}

vectorized! {
    fn rope_row(row: &mut [f32], head_dim: usize, cos_sin: &[f32], sign: f32) {
        let half = cos_sin.len() / 2;
        let (cos, sin) = cos_sin.split_at(half);
        for head in row.chunks_exact_mut(head_dim) {
            let (first, second) = head[..2 * half].split_at_mut(half);
            for (((a, b), c), s) in first.iter_mut().zip(second).zip(cos).zip(sin) {
                let (x, y, s) = (*a, *b, s * sign);
                *a = x * c - y * s;
                *b = y * c + x * s;
            }
        }
    }
}

pub fn rope(x: &mut [f32], positions: &[u32], shape: RotaryShape, table: &[f32], inverse: bool) {
    let RotaryShape { heads, head_dim, rotary_dim } = shape;
    let columns = heads * head_dim;
    let sign = if inverse { -1.0 } else { 1.0 };
    x.par_chunks_mut(columns).zip(positions).with_min_len(grain(columns)).for_each(|(row, &position)| {
        rope_row(row, head_dim, &table[position as usize * rotary_dim..][..rotary_dim], sign);
    });
}

vectorized! {
    fn gated_silu_block(gate: &[f32], up: &[f32], y: &mut [f32]) {
        for ((y, g), u) in y.iter_mut().zip(gate).zip(up) {
            *y = g * u / (1.0 + exp(-g));
        }
    }
}

/// √(2/π) and the cubic term's factor of GELU's tanh form (<https://arxiv.org/abs/1606.08415>).
const GELU: [f32; 2] = [0.797_884_6, 0.044_715];

vectorized! {
    fn gated_gelu_block(gate: &[f32], up: &[f32], y: &mut [f32]) {
        for ((y, g), u) in y.iter_mut().zip(gate).zip(up) {
            *y = 0.5 * g * (1.0 + tanh(GELU[0] * (g + GELU[1] * g * g * g))) * u;
        }
    }
}

/// Numbers that pass through the first-level cache on their way to an operand.
const PIECE: usize = 2048;

pub fn gated(activation: Activation, gate: &[f32], up: &[f32], y: Output) {
    let block = |gate: &[f32], up: &[f32], y: &mut [f32]| match activation {
        Activation::Silu => gated_silu_block(gate, up, y),
        Activation::GeluTanh => gated_gelu_block(gate, up, y),
    };
    let inputs = gate.par_chunks(GRAIN).zip(up.par_chunks(GRAIN));
    match y {
        Output::F32(y) => {
            y.par_chunks_mut(GRAIN).zip(inputs).for_each(|(y, (gate, up))| block(gate, up, y));
        }
        Output::Bf16(y) => y.par_chunks_mut(GRAIN).zip(inputs).for_each(|(y, (gate, up))| {
            let mut piece = [0f32; PIECE];
            for ((y, gate), up) in y.chunks_mut(PIECE).zip(gate.chunks(PIECE)).zip(up.chunks(PIECE)) {
                let piece = &mut piece[..y.len()];
                block(gate, up, piece);
                round_block(piece, y);
            }
        }),
    }
}

vectorized! {
    fn gated_silu_gradient_block(dy: &[f32], gate: &[f32], up: &[f32], d_gate: &mut [f32], d_up: &mut [f32]) {
        for ((((d, x), y), d_gate), d_up) in dy.iter().zip(gate).zip(up).zip(d_gate).zip(d_up) {
            let sigmoid = 1.0 / (1.0 + exp(-x));
            *d_gate = d * y * sigmoid * (1.0 + x * (1.0 - sigmoid));
            *d_up = d * x * sigmoid;
        }
    }
}

vectorized! {
    fn gated_gelu_gradient_block(dy: &[f32], gate: &[f32], up: &[f32], d_gate: &mut [f32], d_up: &mut [f32]) {
        for ((((d, x), y), d_gate), d_up) in dy.iter().zip(gate).zip(up).zip(d_gate).zip(d_up) {
            let t = tanh(GELU[0] * (x + GELU[1] * x * x * x));
            let inner = GELU[0] * (1.0 + 3.0 * GELU[1] * x * x);
            *d_gate = d * y * 0.5 * (1.0 + t + x * (1.0 - t * t) * inner);
            *d_up = d * 0.5 * x * (1.0 + t);
        }
    }
}

pub fn gated_gradient(
    activation: Activation,
    dy: &[f32],
    gate: &[f32],
    up: &[f32],
    d_gate: Output,
    d_up: Output,
) {
    let block =
        |((dy, gate), up): ((&[f32], &[f32]), &[f32]), d_gate: &mut [f32], d_up: &mut [f32]| match activation
        {
            Activation::Silu => gated_silu_gradient_block(dy, gate, up, d_gate, d_up),
            Activation::GeluTanh => gated_gelu_gradient_block(dy, gate, up, d_gate, d_up),
        };
    let inputs = dy.par_chunks(PIECE).zip(gate.par_chunks(PIECE)).zip(up.par_chunks(PIECE));
    let inputs = inputs.with_min_len(GRAIN / PIECE);
    match (d_gate, d_up) {
        (Output::F32(d_gate), Output::F32(d_up)) => {
            let outputs = d_gate.par_chunks_mut(PIECE).zip(d_up.par_chunks_mut(PIECE));
            inputs.zip(outputs).for_each(|(inputs, (d_gate, d_up))| block(inputs, d_gate, d_up));
        }
        (Output::Bf16(d_gate), Output::Bf16(d_up)) => {
            let outputs = d_gate.par_chunks_mut(PIECE).zip(d_up.par_chunks_mut(PIECE));
            inputs.zip(outputs).for_each_init(
                || (vec![0f32; PIECE], vec![0f32; PIECE]),
                |(gate, up), (inputs, (d_gate, d_up))| {
                    let (gate, up) = (&mut gate[..d_gate.len()], &mut up[..d_up.len()]);
                    block(inputs, gate, up);
                    round_block(gate, d_gate);
                    round_block(up, d_up);
                },
            );
        }
        _ => unreachable!("both gradients are operands, or none"),
    }
}

vectorized! {
    /// `row = cap · tanh(scale · row / cap)`
    pub fn soft_cap_row(row: &mut [f32], scale: f32, cap: f32) {
        let inner = scale / cap;
        for x in row.iter_mut() {
            *x = cap * tanh(*x * inner);
        }
    }
}

pub fn soft_cap(x: &mut [f32], cap: f32) {
    x.par_chunks_mut(GRAIN).for_each(|x| soft_cap_row(x, 1.0, cap));
}

pub fn copy_columns<T: Copy + Send + Sync>(
    m: usize,
    width: usize,
    source: &[T],
    from: Columns,
    target: &mut [T],
    to: Columns,
) {
    let rows = target[..m * to.stride].par_chunks_mut(to.stride).zip(source.par_chunks(from.stride));
    rows.with_min_len(grain(width)).for_each(|(target, source)| {
        target[to.start..][..width].copy_from_slice(&source[from.start..][..width]);
    });
}

vectorized! {
    fn add_block(x: &[f32], y: &mut [f32]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y += x;
        }
    }
}

pub fn add_bias(bias: &[f32], y: &mut [f32]) {
    let n = bias.len();
    y.par_chunks_mut(n).with_min_len(grain(n)).for_each(|row| add_block(bias, row));
}

vectorized! {
    fn add_operand_block(x: &[u16], y: &mut [f32]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y += bf16_to_f32(*x);
        }
    }
}

pub fn bias_gradient(dy: Data, d_bias: &mut [f32]) {
    let n = d_bias.len();
    let partial: Vec<Vec<f32>> = match dy {
        Data::F32(dy) => dy.par_chunks(PARTIAL_ROWS * n).map(|rows| sum_rows(rows, n, add_block)).collect(),
        Data::Bf16(dy) => {
            dy.par_chunks(PARTIAL_ROWS * n).map(|rows| sum_rows(rows, n, add_operand_block)).collect()
        }
        Data::F16(_) | Data::Nf4(_) | Data::Q8(_) => unreachable!("activations are f32 or bf16"),
    };
    partial.iter().for_each(|sum| add_block(sum, d_bias));
}

fn sum_rows<T>(rows: &[T], n: usize, add: impl Fn(&[T], &mut [f32])) -> Vec<f32> {
    let mut sum = vec![0f32; n];
    rows.chunks_exact(n).for_each(|row| add(row, &mut sum));
    sum
}

/// `y += xᵀ`; x: [rows, columns of x], y the other way round. A task owns rows of y.
pub fn add_transposed(x: &[f32], rows: usize, y: &mut [f32]) {
    let columns = x.len() / rows;
    y.par_chunks_mut(rows).enumerate().with_min_len(grain(rows)).for_each(|(j, y)| {
        for (i, y) in y.iter_mut().enumerate() {
            *y += x[i * columns + j];
        }
    });
}

vectorized! {
    fn add_scaled_block(x: &[f32], scale: f32, y: &mut [f32]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y += scale * x;
        }
    }
}

/// `d_table[ids[i]] += scale * dx[i]`: each task owns a block of columns, so rows are added in order.
pub fn embed_gradient(ids: &[u32], dx: &[f32], hidden: usize, scale: f32, d_table: &mut [f32]) {
    const COLUMNS: usize = 64;
    let table = Rows::of(d_table);
    (0..hidden.div_ceil(COLUMNS)).into_par_iter().for_each(|block| {
        let start = block * COLUMNS;
        let width = COLUMNS.min(hidden - start);
        for (row, &id) in ids.iter().enumerate() {
            // SAFETY: this task alone touches columns `start..start + width`; the id was checked at the edge.
            let target = unsafe { table.slice(id as usize * hidden + start, width) };
            add_scaled_block(&dx[row * hidden + start..][..width], scale, target);
        }
    });
}

vectorized! {
    fn squares_block(x: &[f32]) -> f64 {
        x.chunks(1024).map(|block| f64::from(dot(block, block))).sum()
    }
}

pub fn sum_of_squares(x: &[f32]) -> f64 {
    let partial: Vec<f64> = x.par_chunks(GRAIN).map(squares_block).collect();
    partial.iter().sum()
}

vectorized! {
    fn adamw_block(step: &AdamWStep, value: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        let exponent = step.step.min(i32::MAX as u64) as i32;
        let correction1 = (1.0 / (1.0 - f64::from(step.beta1).powi(exponent))) as f32;
        let correction2 = (1.0 / (1.0 - f64::from(step.beta2).powi(exponent))) as f32;
        let decay = 1.0 - step.learning_rate * step.weight_decay;
        for (((w, g), m), v) in value.iter_mut().zip(gradient).zip(first).zip(second) {
            let g = g * step.gradient_scale;
            *m = step.beta1 * *m + (1.0 - step.beta1) * g;
            *v = step.beta2 * *v + (1.0 - step.beta2) * g * g;
            *w = *w * decay - step.learning_rate * (*m * correction1) / ((*v * correction2).sqrt() + step.epsilon);
        }
    }
}

pub fn adamw(step: &AdamWStep, value: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
    value
        .par_chunks_mut(GRAIN)
        .zip(gradient.par_chunks(GRAIN))
        .zip(first.par_chunks_mut(GRAIN))
        .zip(second.par_chunks_mut(GRAIN))
        .for_each(|(((value, gradient), first), second)| adamw_block(step, value, gradient, first, second));
}
