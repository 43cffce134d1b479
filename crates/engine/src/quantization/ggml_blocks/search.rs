//! Encodes k-quants: for each part the scale (and minimum) with the least weighted squared error among rounded candidates.
//!
//! The range of the values gives a first inverse scale. Candidates around it are tried: values are rounded to steps,
//! and the scale and minimum that fit these steps best follow in closed form (weighted least squares), as their error does.
//! Weights and candidates are those of ggml's reference quantizer. Where scales are 6-bit numbers themselves, the neighbours of the
//! rounded ones are tried too, which ggml does not: the error is a little smaller than its own.

use super::{BLOCK, SUPER_BLOCK};
use crate::weights::{f16_to_f32, f32_to_f16};

/// Sums are kept in so many lanes.
const LANES: usize = 16;
/// Values of one part of a q6_k super-block.
const SMALL_PART: usize = 16;

/// `d, dmin, scales[12], q[128]`
#[inline(always)]
pub fn encode_q4_k(x: &[f32; SUPER_BLOCK], block: &mut [u8; 144]) {
    let parts = Parts::of(x, 15.0, Candidates { first: -1.0, count: 21 });
    let (header, quants) = block.split_at_mut(16);
    let q = parts.write(x, header);
    for (byte, (low, high)) in pairs().enumerate() {
        quants[byte] = q[low] | (q[high] << 4);
    }
}

/// `d, dmin, scales[12], high[32], q[128]`
#[inline(always)]
pub fn encode_q5_k(x: &[f32; SUPER_BLOCK], block: &mut [u8; 176]) {
    let parts = Parts::of(x, 31.0, Candidates { first: -0.5, count: 16 });
    let (header, rest) = block.split_at_mut(16);
    let (high_bits, quants) = rest.split_at_mut(32);
    let q = parts.write(x, header);
    for (byte, (low, high)) in pairs().enumerate() {
        quants[byte] = (q[low] & 0xf) | ((q[high] & 0xf) << 4);
    }
    for j in 0..BLOCK {
        high_bits[j] = (0..8).fold(0, |bits, part| bits | ((q[part * BLOCK + j] >> 4) << part));
    }
}

/// Which two values each byte of nibbles holds: of 64 values, the first 32 with the second.
#[inline(always)]
fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..SUPER_BLOCK / 2)
        .map(|byte| (byte / BLOCK * 64 + byte % BLOCK, byte / BLOCK * 64 + byte % BLOCK + BLOCK))
}

/// Inverse scales to try: `(levels + first + k / 10) / range`.
#[derive(Clone, Copy)]
struct Candidates {
    first: f32,
    count: usize,
}

/// Scale and minimum of each part of 32: `x ≈ scale · q − minimum`, both at least 0.
struct Parts {
    levels: f32,
    scales: [f32; 8],
    minima: [f32; 8],
}

impl Parts {
    #[inline(always)]
    fn of(x: &[f32; SUPER_BLOCK], levels: f32, candidates: Candidates) -> Self {
        let mut parts = Self { levels, scales: [0.0; 8], minima: [0.0; 8] };
        for (part, x) in x.as_chunks::<BLOCK>().0.iter().enumerate() {
            (parts.scales[part], parts.minima[part]) = fit(x, levels, candidates);
        }
        parts
    }

    /// Writes `d`, `dmin` and the packed 6-bit scales and minima; rounds the values with what was written.
    #[inline(always)]
    fn write(&self, x: &[f32; SUPER_BLOCK], header: &mut [u8]) -> [u8; SUPER_BLOCK] {
        let (scale_bits, mut scale_numbers) = six_bits(&self.scales);
        let (minimum_bits, mut minimum_numbers) = six_bits(&self.minima);
        let (d, dmin) = (f16_to_f32(scale_bits), f16_to_f32(minimum_bits));
        for (part, x) in x.as_chunks::<BLOCK>().0.iter().enumerate() {
            let rounded = [scale_numbers[part], minimum_numbers[part]];
            [scale_numbers[part], minimum_numbers[part]] = best_neighbour(x, self.levels, [d, dmin], rounded);
        }
        header[..2].copy_from_slice(&scale_bits.to_le_bytes());
        header[2..4].copy_from_slice(&minimum_bits.to_le_bytes());
        pack(&scale_numbers, &minimum_numbers, &mut header[4..16]);
        let mut q = [0; SUPER_BLOCK];
        for part in 0..8 {
            let scale = d * f32::from(scale_numbers[part]);
            let minimum = dmin * f32::from(minimum_numbers[part]);
            let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
            for j in part * BLOCK..(part + 1) * BLOCK {
                q[j] = clamp(nearest((x[j] + minimum) * inverse), 0.0, self.levels) as u8;
            }
        }
        q
    }
}

/// Of the 6-bit scales and minima at most one step from the rounded ones, those that fit a part best.
#[inline(always)]
fn best_neighbour(x: &[f32; BLOCK], levels: f32, [d, dmin]: [f32; 2], [scale, minimum]: [u8; 2]) -> [u8; 2] {
    let weights = weights(x);
    let (mut best, mut chosen) = (f32::INFINITY, [scale, minimum]);
    for scale in scale.saturating_sub(1)..=(scale + 1).min(63) {
        let step = d * f32::from(scale);
        let inverse = if step == 0.0 { 0.0 } else { 1.0 / step };
        for minimum in minimum.saturating_sub(1)..=(minimum + 1).min(63) {
            let offset = dmin * f32::from(minimum);
            let off = |x: f32, weight: f32| {
                let off = clamp(nearest((x + offset) * inverse), 0.0, levels) * step - offset - x;
                weight * off * off
            };
            let error = sum(x, off, &weights);
            if error < best {
                (best, chosen) = (error, [scale, minimum]);
            }
        }
    }
    chosen
}

/// A value of a part weighs its magnitude plus the part's root mean square.
#[inline(always)]
fn weights(x: &[f32; BLOCK]) -> [f32; BLOCK] {
    let root = (sum(x, |x, _| x * x, x) / BLOCK as f32).sqrt();
    x.map(|x| root + x.abs())
}

/// One f16 number and eight multiples of it from 0 to 63.
#[inline(always)]
fn six_bits(values: &[f32; 8]) -> (u16, [u8; 8]) {
    let largest = values.iter().fold(0f32, |a, &b| if b > a { b } else { a });
    let inverse = if largest > 0.0 { 63.0 / largest } else { 0.0 };
    (f32_to_f16(largest / 63.0), values.map(|value| clamp(nearest(value * inverse), 0.0, 63.0) as u8))
}

/// The first four scales and minima whole in bytes 0–7, with the upper bits of the others above them; those in bytes 8–11.
#[inline(always)]
fn pack(scales: &[u8; 8], minima: &[u8; 8], packed: &mut [u8]) {
    for part in 0..4 {
        packed[part] = scales[part] | ((scales[part + 4] >> 4) << 6);
        packed[part + 4] = minima[part] | ((minima[part + 4] >> 4) << 6);
        packed[part + 8] = (scales[part + 4] & 0xf) | ((minima[part + 4] & 0xf) << 4);
    }
}

/// Scale and minimum of one part.
#[inline(always)]
fn fit(x: &[f32; BLOCK], levels: f32, candidates: Candidates) -> (f32, f32) {
    let (mut lowest, mut highest) = (0f32, x[0]);
    for &x in x {
        lowest = if x < lowest { x } else { lowest };
        highest = if x > highest { x } else { highest };
    }
    if highest <= lowest {
        return (0.0, -lowest);
    }
    let weights = weights(x);
    let total = sum(&weights, |w, _| w, x);
    let first = sum(&weights, |w, x| w * x, x);
    let (mut best, mut scale, mut offset) = (f32::INFINITY, 0.0, lowest);
    for k in 0..candidates.count {
        let inverse = (levels + candidates.first + 0.1 * k as f32) / (highest - lowest);
        let [q1, q2, qx] = moments(x, &weights, |x| clamp(nearest((x - lowest) * inverse), 0.0, levels));
        let determinant = total * q2 - q1 * q1;
        if determinant <= 0.0 {
            continue;
        }
        let (mut a, mut b) = ((total * qx - first * q1) / determinant, (q2 * first - q1 * qx) / determinant);
        if b > 0.0 {
            (a, b) = (qx / q2, 0.0);
        }
        // Without Σwx², which is the same for all candidates.
        let error = a * (a * q2 + 2.0 * b * q1 - 2.0 * qx) + b * (b * total - 2.0 * first);
        if error < best && a > 0.0 {
            (best, scale, offset) = (error, a, b);
        }
    }
    (scale, -offset)
}

/// `low[128], high[64], scales[16], d`
#[inline(always)]
pub fn encode_q6_k(x: &[f32; SUPER_BLOCK], block: &mut [u8; 210]) {
    let mut scales = [0f32; 16];
    for (scale, x) in scales.iter_mut().zip(x.as_chunks::<SMALL_PART>().0) {
        *scale = fit_symmetric(x);
    }
    let largest = scales.iter().fold(0f32, |a, &b| if b.abs() > a.abs() { b } else { a });
    let inverse = if largest == 0.0 { 0.0 } else { -128.0 / largest };
    let d = f32_to_f16(largest / -128.0);
    block[208..].copy_from_slice(&d.to_le_bytes());
    let mut q = [0u8; SUPER_BLOCK];
    for part in 0..16 {
        let number = clamp(nearest(scales[part] * inverse), -128.0, 127.0);
        block[192 + part] = number as i8 as u8;
        let scale = f16_to_f32(d) * number;
        let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        for j in part * SMALL_PART..(part + 1) * SMALL_PART {
            q[j] = (clamp(nearest(x[j] * inverse), -32.0, 31.0) + 32.0) as u8;
        }
    }
    // In each half of 128 values: 64 bytes with the lower bits of two, 32 with the upper two bits of four.
    for half in 0..2 {
        let q = &q[half * 128..(half + 1) * 128];
        for j in 0..64 {
            block[half * 64 + j] = (q[j] & 0xf) | ((q[j + 64] & 0xf) << 4);
        }
        for j in 0..32 {
            let upper = (0..4).fold(0, |bits, quarter| bits | ((q[quarter * 32 + j] >> 4) << (2 * quarter)));
            block[128 + half * 32 + j] = upper;
        }
    }
}

/// The scale of one part: `x ≈ scale · q` with q from −32 to 31. A value weighs its square.
#[inline(always)]
fn fit_symmetric(x: &[f32; SMALL_PART]) -> f32 {
    let furthest = x.iter().fold(0f32, |a, &b| if b.abs() > a.abs() { b } else { a });
    if furthest.abs() < 1e-15 {
        return 0.0;
    }
    let weights = x.map(|x| x * x);
    let (mut best, mut scale) = (0.0, 0.0);
    for k in -9..=9 {
        let inverse = -(32.0 + 0.1 * k as f32) / furthest;
        let [_, q2, qx] = moments(x, &weights, |x| clamp(nearest(x * inverse), -32.0, 31.0));
        // The error is Σwx² less this.
        if q2 > 0.0 && qx * qx > best * q2 {
            (best, scale) = (qx * qx / q2, qx / q2);
        }
    }
    scale
}

/// `Σwq`, `Σwq²` and `Σwqx` of rounded values.
#[inline(always)]
fn moments<const N: usize>(x: &[f32; N], weights: &[f32; N], round: impl Fn(f32) -> f32) -> [f32; 3] {
    let (mut q1, mut q2, mut qx) = ([0f32; LANES], [0f32; LANES], [0f32; LANES]);
    for (x, weights) in x.as_chunks::<LANES>().0.iter().zip(weights.as_chunks::<LANES>().0) {
        for i in 0..LANES {
            let q = round(x[i]);
            let weighted = weights[i] * q;
            q1[i] += weighted;
            q2[i] += weighted * q;
            qx[i] += weighted * x[i];
        }
    }
    [q1, q2, qx].map(halve)
}

/// Sum over two rows.
#[inline(always)]
fn sum(first: &[f32; BLOCK], of: impl Fn(f32, f32) -> f32, second: &[f32; BLOCK]) -> f32 {
    let mut lanes = [0f32; LANES];
    for i in 0..LANES {
        lanes[i] = of(first[i], second[i]) + of(first[i + LANES], second[i + LANES]);
    }
    halve(lanes)
}

/// The sum of all lanes, half onto half.
#[inline(always)]
fn halve(mut lanes: [f32; LANES]) -> f32 {
    for width in [8, 4, 2, 1] {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
    }
    lanes[0]
}

/// To the nearest whole number, for magnitudes below 2²²: adding 1.5 · 2²³ leaves no bits behind the point.
#[inline(always)]
fn nearest(x: f32) -> f32 {
    (x + 12_582_912.0) - 12_582_912.0
}

/// As `f32::clamp`, in two instructions.
#[inline(always)]
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x > low { x } else { low };
    if x < high { x } else { high }
}
