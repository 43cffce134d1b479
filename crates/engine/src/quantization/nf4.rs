//! NF4 with double quantization (QLoRA, <https://arxiv.org/abs/2305.14314>), as bitsandbytes 0.50 defines it on a CPU
//! (<https://github.com/bitsandbytes-foundation/bitsandbytes>).
//!
//! A matrix is one row of values, cut into blocks of 64. A block keeps its largest magnitude (its scale) and for each
//! value the nearest of 16 numbers between -1 and 1. The scales, less their mean, are quantized to 8 bits in
//! blocks of 256.

use std::sync::LazyLock;

/// Values that share a scale.
pub const BLOCK: usize = 64;
/// Scales that share a scale of their own.
const SCALE_BLOCK: usize = 256;

/// What the 16 codes stand for: quantiles of the normal distribution (the paper's appendix E).
pub const CODE: [f32; 16] = [
    -1.0,
    -0.696_192_8,
    -0.525_073_05,
    -0.394_917_5,
    -0.284_441_38,
    -0.184_773_43,
    -0.091_050_036,
    0.0,
    0.079_580_3,
    0.160_930_2,
    0.246_112_3,
    0.337_915_24,
    0.440_709_83,
    0.562_617,
    0.722_956_84,
    1.0,
];

/// Between neighbours of [`CODE`]: a value above a bound belongs to the upper one, at the bound to the lower one.
const BOUNDS: [f32; 15] = {
    let mut bounds = [0.0; 15];
    let mut i = 0;
    while i < 15 {
        bounds[i] = (CODE[i] + CODE[i + 1]) / 2.0;
        i += 1;
    }
    bounds
};

/// A quantized matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Nf4 {
    len: usize,
    /// Two values a byte, the first in the upper half.
    codes: Vec<u8>,
    /// One a block, into [`dynamic_map`].
    scale_codes: Vec<u8>,
    /// One for each 256 scales.
    scale_scales: Vec<f32>,
    /// The scales' mean.
    offset: f32,
}

impl Nf4 {
    /// The format of finite `values`.
    pub fn quantize(values: &[f32]) -> Self {
        let mut codes = vec![0; values.len().div_ceil(2)];
        let mut scales = vec![0.0; values.len().div_ceil(BLOCK)];
        quantize_blocks(values, &mut codes, &mut scales);
        Self::new(values.len(), codes, &scales)
    }

    /// From what [`quantize_blocks`] wrote for `len` values.
    pub fn new(len: usize, codes: Vec<u8>, scales: &[f32]) -> Self {
        assert_eq!(
            (codes.len(), scales.len()),
            (len.div_ceil(2), len.div_ceil(BLOCK)),
            "NF4 of {len} values"
        );
        // The correctly rounded mean: PyTorch's own sum depends on its threads and vectors in the last bit.
        let offset =
            (scales.iter().map(|&scale| f64::from(scale)).sum::<f64>() / scales.len().max(1) as f64) as f32;
        let mut scale_codes = vec![0; scales.len()];
        let blocks = scales.chunks(SCALE_BLOCK).zip(scale_codes.chunks_mut(SCALE_BLOCK));
        let scale_scales = blocks.map(|(scales, codes)| quantize_scales(scales, offset, codes)).collect();
        Self { len, codes, scale_codes, scale_scales, offset }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Two values a byte, the first in the upper half.
    pub fn codes(&self) -> &[u8] {
        &self.codes
    }

    /// What the codes of a block are multiplied with.
    #[inline(always)]
    pub fn scale(&self, block: usize) -> f32 {
        dynamic_map()[self.scale_codes[block] as usize] * self.scale_scales[block / SCALE_BLOCK] + self.offset
    }

    /// Bytes of `len` values in this format.
    pub fn size_bytes(len: usize) -> usize {
        let blocks = len.div_ceil(BLOCK);
        len.div_ceil(2) + blocks + 4 * blocks.div_ceil(SCALE_BLOCK) + 4
    }

    /// All values.
    pub fn dequantize(&self) -> Vec<f32> {
        let value = |i: usize| {
            let code = self.codes[i / 2] >> (if i.is_multiple_of(2) { 4 } else { 0 }) & 15;
            CODE[code as usize] * self.scale(i / BLOCK)
        };
        (0..self.len).map(value).collect()
    }
}

/// Writes the codes and the scale of each block of finite `values`. For a part of a matrix: one that begins with a
/// whole block, and ends with one or with the matrix.
#[inline(always)]
pub fn quantize_blocks(values: &[f32], codes: &mut [u8], scales: &mut [f32]) {
    for ((block, codes), scale) in values.chunks(BLOCK).zip(codes.chunks_mut(BLOCK / 2)).zip(scales) {
        let mut scaled = [0f32; BLOCK];
        scaled[..block.len()].copy_from_slice(block);
        let largest = scaled.iter().fold(0f32, |largest, x| largest.max(x.abs()));
        // bitsandbytes keeps 0 as the scale of a whole block of zeros, divides in the last block where that is not whole,
        // and multiplies with the reciprocal in all others.
        if block.len() == BLOCK {
            *scale = largest;
            let inverse = 1.0 / largest.max(1e-38);
            scaled.iter_mut().for_each(|x| *x *= inverse);
        } else {
            *scale = largest.max(1e-38);
            scaled.iter_mut().for_each(|x| *x /= *scale);
        }
        let mut nearest = [0u32; BLOCK];
        for bound in BOUNDS {
            for (nearest, x) in nearest.iter_mut().zip(&scaled) {
                *nearest += u32::from(bound < x.clamp(-1.0, 1.0));
            }
        }
        // A last code without a partner stands beside that of nothing, as bitsandbytes pads: with the code of 0.
        for (byte, pair) in codes.iter_mut().zip(nearest.as_chunks::<2>().0) {
            *byte = (pair[0] << 4 | pair[1]) as u8;
        }
    }
}

/// The codes of up to 256 scales; returns what scales them.
fn quantize_scales(scales: &[f32], offset: f32, codes: &mut [u8]) -> f32 {
    let largest = scales.iter().fold(0f32, |largest, scale| largest.max((scale - offset).abs()));
    if largest > 0.0 {
        let inverse = 1.0 / largest;
        for (code, scale) in codes.iter_mut().zip(scales) {
            *code = nearest_dynamic(((scale - offset) * inverse).clamp(-1.0, 1.0));
        }
    }
    largest
}

/// The index into [`dynamic_map`] of a number in -1..=1: nearest to the closest of 65,536 even steps, which is how
/// bitsandbytes looks it up on a CPU.
fn nearest_dynamic(x: f32) -> u8 {
    let step = ((x + 1.0) * 0.5 * 65_535.0 + 0.5) as u32;
    let x = -1.0 + 2.0 * step as f32 / 65_535.0;
    let map = dynamic_map();
    let (mut low, mut high) = (0, 255);
    while low < high {
        let middle = (low + high) / 2;
        if 0.5 * (map[middle] + map[middle + 1]) < x {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low as u8
}

/// bitsandbytes' signed dynamic map, ascending (`create_dynamic_map`, <https://arxiv.org/abs/1511.04561>): -x, 0 and x for
/// the numbers x of seven decades, each with twice as many as the one below it, and 1.
#[inline(always)]
fn dynamic_map() -> &'static [f32; 256] {
    static MAP: LazyLock<[f32; 256]> = LazyLock::new(|| {
        let mut map = [0.0; 256];
        map[255] = 1.0;
        let powers = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1f32];
        let numbers = powers.iter().enumerate().flat_map(|(i, power)| decade(1 << i).map(move |x| power * x));
        for (i, x) in numbers.enumerate() {
            map[128 + i] = x;
            map[126 - i] = -x;
        }
        map
    });
    &MAP
}

/// The middles of `count` even parts of 0.1..1, rounded as `torch.linspace` does with AVX2 and AVX-512.
fn decade(count: usize) -> impl Iterator<Item = f32> {
    let step = (1.0 - 0.1f32) / count as f32;
    let bound = move |i: usize| {
        if i < count.div_ceil(2) {
            step.mul_add(i as f32, 0.1)
        } else {
            (-step).mul_add((count - i) as f32, 1.0)
        }
    };
    (0..count).map(move |i| (bound(i) + bound(i + 1)) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers like those of a trained matrix, with an outlier here and there.
    fn numbers(count: usize) -> Vec<f32> {
        let number = |i: usize| {
            let x = ((i * 7919 + 31) % 2003) as f32 / 1001.5 - 1.0;
            if i.is_multiple_of(501) { 9.0 * x } else { 0.05 * x * x * x }
        };
        (0..count).map(number).collect()
    }

    #[test]
    fn a_value_is_off_by_half_a_step_of_its_block_at_most() {
        let values = numbers(20_001);
        let packed = Nf4::quantize(&values);
        // The widest gap of the code, and what the scale loses.
        let tolerance = |block: &[f32]| 0.152 * block.iter().fold(0f32, |a, x| a.max(x.abs())) + 0.1;
        for (values, found) in values.chunks(BLOCK).zip(packed.dequantize().chunks(BLOCK)) {
            let tolerance = tolerance(values);
            assert!(
                values.iter().zip(found).all(|(x, y)| (x - y).abs() <= tolerance),
                "{values:?} {found:?}"
            );
        }
    }

    #[test]
    fn codes_are_packed_first_value_first() {
        let mut values = [0f32; BLOCK];
        (values[0], values[1], values[2]) = (-1.0, 1.0, 0.33);
        let packed = Nf4::quantize(&values);
        assert_eq!(packed.codes()[..2], [0x0f, 0xb7]);
        assert_eq!(packed.dequantize()[..4], [-1.0, 1.0, CODE[11], 0.0]);
    }

    #[test]
    fn zeros_stay_zeros() {
        let mut values = numbers(3 * BLOCK + 5);
        values[BLOCK..2 * BLOCK].fill(0.0);
        let found = Nf4::quantize(&values).dequantize();
        assert!(found[BLOCK..2 * BLOCK].iter().all(|x| *x == 0.0));
        assert!(Nf4::quantize(&[0.0; 70]).dequantize().iter().all(|x| *x == 0.0));
        assert!(Nf4::quantize(&[]).dequantize().is_empty());
    }

    #[test]
    fn the_size_is_what_is_allocated() {
        for len in [0, 1, 63, 64, 65, 16_384, 16_385, 100_001] {
            let packed = Nf4::quantize(&numbers(len));
            let bytes = packed.codes.len() + packed.scale_codes.len() + 4 * packed.scale_scales.len() + 4;
            assert_eq!(Nf4::size_bytes(len), bytes, "{len}");
        }
    }

    #[test]
    fn the_dynamic_map_ascends_and_is_symmetric_but_for_its_end() {
        let map = dynamic_map();
        assert!(map.is_sorted_by(|a, b| a < b));
        assert!((0..127).all(|i| map[i] == -map[254 - i]));
        assert_eq!((map[127], map[255]), (0.0, 1.0));
        assert!((0..256).all(|i| map[i].abs() < 0.02 || nearest_dynamic(map[i]) == i as u8));
    }
}
