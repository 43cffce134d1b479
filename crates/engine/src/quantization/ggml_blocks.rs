//! ggml's storage formats: f32, f16, bf16 and q8_0.
//!
//! Formats and rounding as in ggml (<https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c>,
//! `quantize_row_q8_0_ref`; gguf-py's `quants.py` agrees to the bit).

use crate::weights::{DType, f16_to_f32, f32_to_f16};

/// Values of one q8_0 block: one f16 scale and 32 signed bytes.
pub const Q8_0_BLOCK: usize = 32;
/// Bytes of one q8_0 block.
pub const Q8_0_BLOCK_BYTES: usize = 2 + Q8_0_BLOCK;

/// A tensor type of a GGUF file that can be written and read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GgmlType {
    F32,
    F16,
    BF16,
    Q8_0,
}

impl GgmlType {
    /// The number in a GGUF tensor entry (`ggml_type`).
    pub fn id(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q8_0 => 8,
            Self::BF16 => 30,
        }
    }

    /// The type with this number, if it is one of ours.
    pub fn from_id(id: u32) -> Option<Self> {
        [Self::F32, Self::F16, Self::BF16, Self::Q8_0].into_iter().find(|kind| kind.id() == id)
    }

    /// The name as ggml and llama.cpp spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::Q8_0 => "Q8_0",
        }
    }

    /// Values and bytes of one block.
    pub fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::BF16 => (1, 2),
            Self::Q8_0 => (Q8_0_BLOCK, Q8_0_BLOCK_BYTES),
        }
    }

    /// Bytes of `count` values; `None` when `count` is no whole number of blocks or the product overflows.
    pub fn size_bytes(self, count: usize) -> Option<usize> {
        let (values, bytes) = self.block();
        count.is_multiple_of(values).then(|| (count / values).checked_mul(bytes)).flatten()
    }

    /// Appends `values` in this format. For q8_0 their count must be a multiple of 32; a rest is not written.
    pub fn encode(self, values: &[f32], out: &mut Vec<u8>) {
        match self {
            Self::F32 => DType::F32.encode(values, out),
            Self::F16 => DType::F16.encode(values, out),
            Self::BF16 => DType::BF16.encode(values, out),
            Self::Q8_0 => values.chunks_exact(Q8_0_BLOCK).for_each(|block| encode_q8_0(block, out)),
        }
    }

    /// Reads values back; an incomplete last block is ignored.
    pub fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F32 => DType::F32.decode(bytes),
            Self::F16 => DType::F16.decode(bytes),
            Self::BF16 => DType::BF16.decode(bytes),
            Self::Q8_0 => bytes.chunks_exact(Q8_0_BLOCK_BYTES).flat_map(decode_q8_0).collect(),
        }
    }
}

/// `d = max|x| / 127`, `q = round(x / d)` with halves away from zero.
fn encode_q8_0(block: &[f32], out: &mut Vec<u8>) {
    let largest = block.iter().fold(0f32, |largest, x| largest.max(x.abs()));
    let scale = largest / 127.0;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    out.extend_from_slice(&f32_to_f16(scale).to_le_bytes());
    out.extend(block.iter().map(|x| (x * inverse).round() as i8 as u8));
}

fn decode_q8_0(block: &[u8]) -> impl Iterator<Item = f32> + '_ {
    let scale = f16_to_f32(u16::from_le_bytes([block[0], block[1]]));
    block[2..].iter().map(move |q| f32::from(*q as i8) * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_count_whole_blocks() {
        assert_eq!(GgmlType::Q8_0.size_bytes(64), Some(68));
        assert_eq!(GgmlType::Q8_0.size_bytes(65), None);
        assert_eq!(GgmlType::F32.size_bytes(usize::MAX), None);
        assert_eq!(GgmlType::F16.size_bytes(3), Some(6));
    }

    #[test]
    fn q8_0_is_within_half_a_step_and_exact_at_the_largest_value() {
        let values: Vec<f32> = (0..64).map(|i| ((i * 37 % 64) as f32 - 31.5) * 0.01).collect();
        let mut bytes = Vec::new();
        GgmlType::Q8_0.encode(&values, &mut bytes);
        assert_eq!(bytes.len(), 68);
        let back = GgmlType::Q8_0.decode(&bytes);
        let step = 0.315 / 127.0;
        for (x, y) in values.iter().zip(&back) {
            assert!((x - y).abs() <= step * 0.51 + 2e-4, "{x} {y}");
        }
    }

    #[test]
    fn a_zero_block_stays_zero() {
        let mut bytes = Vec::new();
        GgmlType::Q8_0.encode(&[0.0; 32], &mut bytes);
        assert!(bytes.iter().all(|b| *b == 0));
    }
}
