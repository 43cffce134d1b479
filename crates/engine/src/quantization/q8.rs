//! 8-bit weights: blocks of 32 signed bytes with an f16 scale, the numbers of ggml's q8_0
//! (see [`super::ggml_blocks`]), scales and bytes apart.

use crate::weights::{f16_to_f32, f32_to_f16};

/// Values that share a scale.
pub const BLOCK: usize = 32;

/// A quantized matrix, cut into blocks as one row of values.
#[derive(Clone, Debug, PartialEq)]
pub struct Q8 {
    codes: Vec<i8>,
    /// f16 bits, one a block.
    scales: Vec<u16>,
}

impl Q8 {
    /// The format of finite `values`.
    pub fn quantize(values: &[f32]) -> Self {
        let mut codes = vec![0; values.len()];
        let mut scales = vec![0; values.len().div_ceil(BLOCK)];
        quantize_blocks(values, &mut codes, &mut scales);
        Self::new(codes, scales)
    }

    /// From what [`quantize_blocks`] wrote.
    pub fn new(codes: Vec<i8>, scales: Vec<u16>) -> Self {
        assert_eq!(scales.len(), codes.len().div_ceil(BLOCK), "8-bit blocks of {} values", codes.len());
        Self { codes, scales }
    }

    pub fn len(&self) -> usize {
        self.codes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    pub fn codes(&self) -> &[i8] {
        &self.codes
    }

    /// f16 bits of what the codes of each block are multiplied with.
    pub fn scales(&self) -> &[u16] {
        &self.scales
    }

    /// What the codes of a block are multiplied with.
    #[inline(always)]
    pub fn scale(&self, block: usize) -> f32 {
        f16_to_f32(self.scales[block])
    }

    /// Bytes of `len` values in this format.
    pub fn size_bytes(len: usize) -> usize {
        len + 2 * len.div_ceil(BLOCK)
    }

    /// All values.
    pub fn dequantize(&self) -> Vec<f32> {
        self.codes.iter().enumerate().map(|(i, &code)| f32::from(code) * self.scale(i / BLOCK)).collect()
    }
}

/// Writes the codes and the scale of each block of finite `values`: `max|x| / 127` and `round(x / scale)`, halves away
/// from zero. A part of a matrix begins with a whole block.
#[inline(always)]
pub fn quantize_blocks(values: &[f32], codes: &mut [i8], scales: &mut [u16]) {
    for ((values, codes), bits) in values.chunks(BLOCK).zip(codes.chunks_mut(BLOCK)).zip(scales) {
        let scale = values.iter().fold(0f32, |largest, x| largest.max(x.abs())) / 127.0;
        let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        *bits = f32_to_f16(scale);
        for (code, x) in codes.iter_mut().zip(values) {
            *code = (x * inverse).round() as i8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantization::ggml_blocks::GgmlType;

    #[test]
    fn values_are_those_of_q8_0() {
        let values: Vec<f32> =
            (0..320).map(|i| ((i * 37 % 64) as f32 - 31.5) * 0.001 * (i / 32) as f32).collect();
        let mut bytes = Vec::new();
        GgmlType::Q8_0.encode(&values, &mut bytes);
        let packed = Q8::quantize(&values);
        assert_eq!(packed.dequantize(), GgmlType::Q8_0.decode(&bytes));
        assert_eq!(Q8::size_bytes(values.len()), bytes.len());
    }

    #[test]
    fn a_last_block_may_be_short() {
        let packed = Q8::quantize(&[0.5; 70]);
        assert_eq!((packed.len(), packed.scales.len()), (70, 3));
        assert!(packed.dequantize().iter().all(|x| (x - 0.5).abs() < 5e-4));
    }
}
