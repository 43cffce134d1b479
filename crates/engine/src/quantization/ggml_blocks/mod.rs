//! ggml's storage formats: plain numbers, blocks of 32 values, and super-blocks of 256.
//!
//! Layouts and rounding as in ggml (<https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h>,
//! `ggml-quants.c`; gguf-py's `quants.py` decodes to the same bits).

mod blocks;
mod search;
mod super_blocks;

use rayon::prelude::*;

use crate::device::cpu::vectorize::vectorized;
use crate::weights::{DType, bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16};

/// Values of one q4_0, q4_1, q5_0, q5_1 or q8_0 block.
pub const BLOCK: usize = 32;
/// Values of one k-quant's super-block.
pub const SUPER_BLOCK: usize = 256;
/// Values that one thread takes at a time: a whole number of blocks of every type.
const CHUNK: usize = 1 << 16;

/// A tensor type of a GGUF file. All are read; [`GgmlType::encode`] writes most of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(non_camel_case_types)]
pub enum GgmlType {
    F32,
    F16,
    BF16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2_K,
    Q3_K,
    Q4_K,
    Q5_K,
    Q6_K,
}

impl GgmlType {
    /// Every type.
    pub const ALL: [Self; 13] = [
        Self::F32,
        Self::F16,
        Self::BF16,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Q2_K,
        Self::Q3_K,
        Self::Q4_K,
        Self::Q5_K,
        Self::Q6_K,
    ];

    /// The number in a GGUF tensor entry (`ggml_type`).
    pub fn id(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q5_0 => 6,
            Self::Q5_1 => 7,
            Self::Q8_0 => 8,
            Self::Q2_K => 10,
            Self::Q3_K => 11,
            Self::Q4_K => 12,
            Self::Q5_K => 13,
            Self::Q6_K => 14,
            Self::BF16 => 30,
        }
    }

    /// The type with this number, if it is one of ours.
    pub fn from_id(id: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.id() == id)
    }

    /// The name as ggml and llama.cpp spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::Q4_0 => "Q4_0",
            Self::Q4_1 => "Q4_1",
            Self::Q5_0 => "Q5_0",
            Self::Q5_1 => "Q5_1",
            Self::Q8_0 => "Q8_0",
            Self::Q2_K => "Q2_K",
            Self::Q3_K => "Q3_K",
            Self::Q4_K => "Q4_K",
            Self::Q5_K => "Q5_K",
            Self::Q6_K => "Q6_K",
        }
    }

    /// Values and bytes of one block.
    pub fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::BF16 => (1, 2),
            Self::Q4_0 => (BLOCK, 18),
            Self::Q4_1 => (BLOCK, 20),
            Self::Q5_0 => (BLOCK, 22),
            Self::Q5_1 => (BLOCK, 24),
            Self::Q8_0 => (BLOCK, 34),
            Self::Q2_K => (SUPER_BLOCK, 84),
            Self::Q3_K => (SUPER_BLOCK, 110),
            Self::Q4_K => (SUPER_BLOCK, 144),
            Self::Q5_K => (SUPER_BLOCK, 176),
            Self::Q6_K => (SUPER_BLOCK, 210),
        }
    }

    /// Bytes of `count` values; `None` when `count` is no whole number of blocks or the product overflows.
    pub fn size_bytes(self, count: usize) -> Option<usize> {
        let (values, bytes) = self.block();
        count.is_multiple_of(values).then(|| (count / values).checked_mul(bytes)).flatten()
    }

    /// Appends `values` in this format; their count must be a whole number of blocks, a rest is not written. Uses all threads
    /// where there is much to do; their number changes no bit. Q2_K and Q3_K are only read: nothing is written.
    pub fn encode(self, values: &[f32], out: &mut Vec<u8>) {
        if matches!(self, Self::Q2_K | Self::Q3_K) {
            return;
        }
        let (count, size) = self.block();
        let start = out.len();
        out.resize(start + values.len() / count * size, 0);
        let chunks = out[start..].par_chunks_mut(CHUNK / count * size).zip(values.par_chunks(CHUNK));
        chunks.for_each(|(out, values)| encode_blocks(self, values, out));
    }

    /// Reads values back; an incomplete last block is ignored.
    pub fn decode(self, bytes: &[u8]) -> Vec<f32> {
        let (values, size) = self.block();
        let mut out = vec![0.0; bytes.len() / size * values];
        self.decode_into(bytes, &mut out);
        out
    }

    /// As [`GgmlType::decode`], into `out`, as far as both reach. Uses all threads where there is much to do.
    pub fn decode_into(self, bytes: &[u8], out: &mut [f32]) {
        let (values, size) = self.block();
        let chunks = out.par_chunks_mut(CHUNK).zip(bytes.par_chunks(CHUNK / values * size));
        chunks.for_each(|(out, bytes)| decode_blocks(self, bytes, out));
    }
}

impl From<DType> for GgmlType {
    fn from(dtype: DType) -> Self {
        match dtype {
            DType::F32 => Self::F32,
            DType::F16 => Self::F16,
            DType::BF16 => Self::BF16,
        }
    }
}

vectorized! {
    fn decode_blocks(kind: GgmlType, bytes: &[u8], out: &mut [f32]) {
        match kind {
            GgmlType::F32 => each::<1, 4>(bytes, out, |b, out| out[0] = f32::from_le_bytes(*b)),
            GgmlType::F16 => each::<1, 2>(bytes, out, |b, out| out[0] = f16_to_f32(u16::from_le_bytes(*b))),
            GgmlType::BF16 => {
                each::<1, 2>(bytes, out, |b, out| out[0] = bf16_to_f32(u16::from_le_bytes(*b)))
            }
            GgmlType::Q4_0 => each(bytes, out, blocks::decode_q4_0),
            GgmlType::Q4_1 => each(bytes, out, blocks::decode_q4_1),
            GgmlType::Q5_0 => each(bytes, out, blocks::decode_q5_0),
            GgmlType::Q5_1 => each(bytes, out, blocks::decode_q5_1),
            GgmlType::Q8_0 => each(bytes, out, blocks::decode_q8_0),
            GgmlType::Q2_K => each(bytes, out, super_blocks::decode_q2_k),
            GgmlType::Q3_K => each(bytes, out, super_blocks::decode_q3_k),
            GgmlType::Q4_K => each(bytes, out, super_blocks::decode_q4_k),
            GgmlType::Q5_K => each(bytes, out, super_blocks::decode_q5_k),
            GgmlType::Q6_K => each(bytes, out, super_blocks::decode_q6_k),
        }
    }
}

vectorized! {
    fn encode_blocks(kind: GgmlType, values: &[f32], out: &mut [u8]) {
        match kind {
            GgmlType::F32 => write_each::<1, 4>(values, out, |x, b| *b = x[0].to_le_bytes()),
            GgmlType::F16 => write_each::<1, 2>(values, out, |x, b| *b = f32_to_f16(x[0]).to_le_bytes()),
            GgmlType::BF16 => write_each::<1, 2>(values, out, |x, b| *b = f32_to_bf16(x[0]).to_le_bytes()),
            GgmlType::Q4_0 => write_each(values, out, blocks::encode_q4_0),
            GgmlType::Q4_1 => write_each(values, out, blocks::encode_q4_1),
            GgmlType::Q5_0 => write_each(values, out, blocks::encode_q5_0),
            GgmlType::Q5_1 => write_each(values, out, blocks::encode_q5_1),
            GgmlType::Q8_0 => write_each(values, out, blocks::encode_q8_0),
            GgmlType::Q2_K | GgmlType::Q3_K => {}
            GgmlType::Q4_K => write_each(values, out, search::encode_q4_k),
            GgmlType::Q5_K => write_each(values, out, search::encode_q5_k),
            GgmlType::Q6_K => write_each(values, out, search::encode_q6_k),
        }
    }
}

#[inline(always)]
fn write_each<const VALUES: usize, const BYTES: usize>(
    values: &[f32],
    out: &mut [u8],
    encode: impl Fn(&[f32; VALUES], &mut [u8; BYTES]),
) {
    let (values, out) = (values.as_chunks::<VALUES>().0, out.as_chunks_mut::<BYTES>().0);
    values.iter().zip(out).for_each(|(values, out)| encode(values, out));
}

/// Whole blocks of `BYTES` bytes and `VALUES` values, side by side.
#[inline(always)]
fn each<const VALUES: usize, const BYTES: usize>(
    bytes: &[u8],
    out: &mut [f32],
    decode: impl Fn(&[u8; BYTES], &mut [f32; VALUES]),
) {
    let (bytes, out) = (bytes.as_chunks::<BYTES>().0, out.as_chunks_mut::<VALUES>().0);
    bytes.iter().zip(out).for_each(|(bytes, out)| decode(bytes, out));
}

/// The f16 at this place of a block.
#[inline(always)]
fn f16_at(block: &[u8], at: usize) -> f32 {
    f16_to_f32(u16::from_le_bytes([block[at], block[at + 1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_count_whole_blocks() {
        assert_eq!(GgmlType::Q8_0.size_bytes(64), Some(68));
        assert_eq!(GgmlType::Q8_0.size_bytes(65), None);
        assert_eq!(GgmlType::Q6_K.size_bytes(512), Some(420));
        assert_eq!(GgmlType::Q6_K.size_bytes(32), None);
        assert_eq!(GgmlType::F32.size_bytes(usize::MAX), None);
        assert_eq!(GgmlType::F16.size_bytes(3), Some(6));
    }

    #[test]
    fn numbers_name_one_type_each() {
        for kind in GgmlType::ALL {
            assert_eq!(GgmlType::from_id(kind.id()), Some(kind));
        }
        assert_eq!(GgmlType::from_id(16), None);
    }

    #[test]
    fn zeros_stay_zeros_and_rests_are_left_out() {
        for kind in GgmlType::ALL {
            let mut bytes = vec![7];
            kind.encode(&[0.0; SUPER_BLOCK], &mut bytes);
            assert!(kind.decode(&bytes[1..]).iter().all(|value| *value == 0.0), "{}", kind.name());
            let (count, size) = kind.block();
            assert_eq!(kind.decode(&vec![0; size + 1]).len(), count, "{}", kind.name());
        }
    }
}
