//! Blocks of 32 values: a scale `d`, for `_1` a minimum `m` too, and 4, 5 or 8 bits a value.
//!
//! Of two values that share a byte, the low half is value `j`, the high one value `j + 16`; the fifth bits stand in one
//! 32-bit word.

use super::{BLOCK, f16_at};
use crate::weights::f32_to_f16;

const HALF: usize = BLOCK / 2;

/// `x = d · (q − 8)`
#[inline(always)]
pub fn decode_q4_0(block: &[u8; 18], out: &mut [f32; BLOCK]) {
    let d = f16_at(block, 0);
    for j in 0..HALF {
        let q = block[2 + j];
        out[j] = (i32::from(q & 0xf) - 8) as f32 * d;
        out[j + HALF] = (i32::from(q >> 4) - 8) as f32 * d;
    }
}

/// `x = d · q + m`
#[inline(always)]
pub fn decode_q4_1(block: &[u8; 20], out: &mut [f32; BLOCK]) {
    let (d, m) = (f16_at(block, 0), f16_at(block, 2));
    for j in 0..HALF {
        let q = block[4 + j];
        out[j] = f32::from(q & 0xf) * d + m;
        out[j + HALF] = f32::from(q >> 4) * d + m;
    }
}

/// `x = d · (q − 16)`
#[inline(always)]
pub fn decode_q5_0(block: &[u8; 22], out: &mut [f32; BLOCK]) {
    let d = f16_at(block, 0);
    let high = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
    for j in 0..HALF {
        let [low, upper] = five_bits(block[6 + j], high, j);
        out[j] = (low - 16) as f32 * d;
        out[j + HALF] = (upper - 16) as f32 * d;
    }
}

/// `x = d · q + m`
#[inline(always)]
pub fn decode_q5_1(block: &[u8; 24], out: &mut [f32; BLOCK]) {
    let (d, m) = (f16_at(block, 0), f16_at(block, 2));
    let high = u32::from_le_bytes([block[4], block[5], block[6], block[7]]);
    for j in 0..HALF {
        let [low, upper] = five_bits(block[8 + j], high, j);
        out[j] = low as f32 * d + m;
        out[j + HALF] = upper as f32 * d + m;
    }
}

/// Values `j` and `j + 16` with their fifth bits.
#[inline(always)]
fn five_bits(q: u8, high: u32, j: usize) -> [i32; 2] {
    let bit = |place: usize| (((high >> place) & 1) << 4) as i32;
    [i32::from(q & 0xf) | bit(j), i32::from(q >> 4) | bit(j + HALF)]
}

/// `x = d · q`
#[inline(always)]
pub fn decode_q8_0(block: &[u8; 34], out: &mut [f32; BLOCK]) {
    let d = f16_at(block, 0);
    for j in 0..BLOCK {
        out[j] = f32::from(block[2 + j] as i8) * d;
    }
}

/// `d = x / −8` for the value furthest from 0, which becomes exact; halves are rounded up.
#[inline(always)]
pub fn encode_q4_0(x: &[f32; BLOCK], block: &mut [u8; 18]) {
    let (d, inverse) = scale_of(furthest(x) / -8.0);
    let q = |x: f32| ((x * inverse + 8.5) as u8).min(15);
    block[..2].copy_from_slice(&f32_to_f16(d).to_le_bytes());
    for j in 0..HALF {
        block[2 + j] = q(x[j]) | (q(x[j + HALF]) << 4);
    }
}

/// The smallest value is 0, the largest 15.
#[inline(always)]
pub fn encode_q4_1(x: &[f32; BLOCK], block: &mut [u8; 20]) {
    let (lowest, highest) = range(x);
    let (d, inverse) = scale_of((highest - lowest) / 15.0);
    let q = |x: f32| (((x - lowest) * inverse + 0.5) as u8).min(15);
    block[..2].copy_from_slice(&f32_to_f16(d).to_le_bytes());
    block[2..4].copy_from_slice(&f32_to_f16(lowest).to_le_bytes());
    for j in 0..HALF {
        block[4 + j] = q(x[j]) | (q(x[j + HALF]) << 4);
    }
}

/// As [`encode_q4_0`] with 32 steps.
#[inline(always)]
pub fn encode_q5_0(x: &[f32; BLOCK], block: &mut [u8; 22]) {
    let (d, inverse) = scale_of(furthest(x) / -16.0);
    let q = x.map(|x| ((x * inverse + 16.5) as u8).min(31));
    block[..2].copy_from_slice(&f32_to_f16(d).to_le_bytes());
    let (high, low) = block[2..].split_at_mut(4);
    put_five_bits(&q, high, low);
}

/// As [`encode_q4_1`] with 32 steps.
#[inline(always)]
pub fn encode_q5_1(x: &[f32; BLOCK], block: &mut [u8; 24]) {
    let (lowest, highest) = range(x);
    let (d, inverse) = scale_of((highest - lowest) / 31.0);
    let q = x.map(|x| (((x - lowest) * inverse + 0.5) as u8).min(31));
    block[..2].copy_from_slice(&f32_to_f16(d).to_le_bytes());
    block[2..4].copy_from_slice(&f32_to_f16(lowest).to_le_bytes());
    let (high, low) = block[4..].split_at_mut(4);
    put_five_bits(&q, high, low);
}

/// `d = max|x| / 127`, `q = round(x / d)` with halves away from zero.
#[inline(always)]
pub fn encode_q8_0(x: &[f32; BLOCK], block: &mut [u8; 34]) {
    let largest = x.iter().fold(0f32, |largest, x| if x.abs() > largest { x.abs() } else { largest });
    let (d, inverse) = scale_of(largest / 127.0);
    block[..2].copy_from_slice(&f32_to_f16(d).to_le_bytes());
    for j in 0..BLOCK {
        block[2 + j] = (x[j] * inverse).round() as i8 as u8;
    }
}

#[inline(always)]
fn put_five_bits(q: &[u8; BLOCK], high: &mut [u8], low: &mut [u8]) {
    let bits = (0..BLOCK).fold(0u32, |bits, j| bits | (u32::from(q[j] >> 4) << j));
    high.copy_from_slice(&bits.to_le_bytes());
    for j in 0..HALF {
        low[j] = (q[j] & 0xf) | ((q[j + HALF] & 0xf) << 4);
    }
}

/// The scale and its inverse, 0 for 0.
#[inline(always)]
fn scale_of(d: f32) -> (f32, f32) {
    (d, if d == 0.0 { 0.0 } else { 1.0 / d })
}

/// The first of the values with the largest magnitude.
#[inline(always)]
fn furthest(x: &[f32; BLOCK]) -> f32 {
    x.iter().fold(0f32, |furthest, &x| if x.abs() > furthest.abs() { x } else { furthest })
}

#[inline(always)]
fn range(x: &[f32; BLOCK]) -> (f32, f32) {
    let (mut lowest, mut highest) = (x[0], x[0]);
    for &x in x {
        lowest = if x < lowest { x } else { lowest };
        highest = if x > highest { x } else { highest };
    }
    (lowest, highest)
}
