//! k-quants: super-blocks of 256 values whose parts have scales (and minima) that are themselves quantised.

use super::{SUPER_BLOCK, f16_at};

/// Two bits a value; 16 parts of 16 with 4-bit scales and minima.
/// `scales[16], q[64], d, dmin`: `x = d · scale · q − dmin · minimum`.
#[inline(always)]
pub fn decode_q2_k(block: &[u8; 84], out: &mut [f32; SUPER_BLOCK]) {
    let (d, dmin) = (f16_at(block, 80), f16_at(block, 82));
    for part in 0..16 {
        let scale = d * f32::from(block[part] & 0xf);
        let minimum = dmin * f32::from(block[part] >> 4);
        let Place { byte, shift } = place_of_two_bits(part);
        for j in 0..16 {
            let q = (block[16 + byte + j] >> shift) & 3;
            out[part * 16 + j] = scale * f32::from(q) - minimum;
        }
    }
}

/// Three bits a value; 16 parts of 16 with 6-bit scales. `high[32], q[64], scales[12], d`: `x = d · scale · (q − 4)`.
#[inline(always)]
pub fn decode_q3_k(block: &[u8; 110], out: &mut [f32; SUPER_BLOCK]) {
    let d = f16_at(block, 108);
    for part in 0..16 {
        let low = if part < 8 { block[96 + part] & 0xf } else { block[96 + part - 8] >> 4 };
        let high = (block[104 + part % 4] >> (2 * (part / 4))) & 3;
        let scale = d * (i32::from(low | (high << 4)) - 32) as f32;
        let Place { byte, shift } = place_of_two_bits(part);
        // Bit n of the high bytes belongs to the n-th 32 values.
        let (bit, column) = (part / 2, part % 2 * 16);
        for j in 0..16 {
            let q = (block[32 + byte + j] >> shift) & 3;
            let high = (block[column + j] >> bit) & 1;
            out[part * 16 + j] = scale * (i32::from(q | (high << 2)) - 4) as f32;
        }
    }
}

/// Where the lower two bits of a part of 16 stand.
struct Place {
    byte: usize,
    shift: usize,
}

/// Each half of 128 values has 32 bytes; each pair of bits in them is 32 values.
#[inline(always)]
fn place_of_two_bits(part: usize) -> Place {
    Place { byte: part / 8 * 32 + part % 2 * 16, shift: part % 8 / 2 * 2 }
}

/// Four bits a value; 8 parts of 32 with 6-bit scales and minima.
/// `d, dmin, scales[12], q[128]`: `x = d · scale · q − dmin · minimum`.
#[inline(always)]
pub fn decode_q4_k(block: &[u8; 144], out: &mut [f32; SUPER_BLOCK]) {
    let (d, dmin) = (f16_at(block, 0), f16_at(block, 2));
    for part in 0..8 {
        let (scale, minimum) = scale_and_minimum(&block[4..16], part);
        let (scale, minimum) = (d * f32::from(scale), dmin * f32::from(minimum));
        let (bytes, shift) = (16 + part / 2 * 32, part % 2 * 4);
        for j in 0..32 {
            let q = (block[bytes + j] >> shift) & 0xf;
            out[part * 32 + j] = scale * f32::from(q) - minimum;
        }
    }
}

/// Five bits a value, otherwise as [`decode_q4_k`]. `d, dmin, scales[12], high[32], q[128]`.
#[inline(always)]
pub fn decode_q5_k(block: &[u8; 176], out: &mut [f32; SUPER_BLOCK]) {
    let (d, dmin) = (f16_at(block, 0), f16_at(block, 2));
    for part in 0..8 {
        let (scale, minimum) = scale_and_minimum(&block[4..16], part);
        let (scale, minimum) = (d * f32::from(scale), dmin * f32::from(minimum));
        let (bytes, shift) = (48 + part / 2 * 32, part % 2 * 4);
        for j in 0..32 {
            let q = (block[bytes + j] >> shift) & 0xf;
            let high = (block[16 + j] >> part) & 1;
            out[part * 32 + j] = scale * f32::from(q | (high << 4)) - minimum;
        }
    }
}

/// The 6-bit scale and minimum of part `part`: the first four stand whole in bytes 0–7, whose upper bits hold those of the others.
#[inline(always)]
fn scale_and_minimum(packed: &[u8], part: usize) -> (u8, u8) {
    if part < 4 {
        return (packed[part] & 63, packed[part + 4] & 63);
    }
    let (low, scales, minima) = (packed[part + 4], packed[part - 4], packed[part]);
    ((low & 0xf) | ((scales >> 6) << 4), (low >> 4) | ((minima >> 6) << 4))
}

/// Six bits a value; 16 parts of 16 with 8-bit scales. `low[128], high[64], scales[16], d`: `x = d · scale · (q − 32)`.
#[inline(always)]
pub fn decode_q6_k(block: &[u8; 210], out: &mut [f32; SUPER_BLOCK]) {
    let d = f16_at(block, 208);
    for part in 0..16 {
        let scale = d * f32::from(block[192 + part] as i8);
        // In each half of 128 values: 64 low bytes, whose halves are 64 values each, and 32 high ones.
        let (half, quarter, column) = (part / 8, part % 8 / 2, part % 2 * 16);
        let (low, low_shift) = (half * 64 + quarter % 2 * 32 + column, quarter / 2 * 4);
        let high = 128 + half * 32 + column;
        for j in 0..16 {
            let lower = (block[low + j] >> low_shift) & 0xf;
            let upper = (block[high + j] >> (2 * quarter)) & 3;
            out[part * 16 + j] = scale * (i32::from(lower | (upper << 4)) - 32) as f32;
        }
    }
}
