//! Weights from a file's bytes to what the device keeps: on all threads, a piece at a time, so that no second copy of a
//! tensor exists.

use std::ops::Range;

use rayon::prelude::*;

use super::array::{Aligned, Array, Element};
use super::vectorize::vectorized;
use crate::device::{BadValue, Buffer, Storage, StoredValues, WeightData, WeightFormat};
use crate::quantization::{nf4, q8};
use crate::weights::{DType, bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16};

/// Values that a task converts before it says that they were read: whole blocks of every format.
const PIECE: usize = 1 << 19;
/// Values that are f32 for a moment on their way from one format to another; they stay in the first-level cache.
const CHUNK: usize = 2048;

/// # Errors
/// A value that is no finite number, or is none any more in `format`.
pub fn upload(stored: &StoredValues, format: WeightFormat) -> Result<WeightData, BadValue> {
    let (dtype, len) = (stored.dtype, stored.len);
    let good = match format {
        WeightFormat::F32 => {
            let mut array = Array::dense(len);
            let good = fill(stored, &mut array, |bytes, out| to_f32(dtype, bytes, out));
            good.then_some(WeightData::F32(Buffer(Storage::Cpu(array))))
        }
        WeightFormat::Bf16 => halves(stored, len, to_bf16).map(WeightData::Bf16),
        WeightFormat::F16 => halves(stored, len, to_f16).map(WeightData::F16),
        WeightFormat::Nf4 => {
            let (mut codes, mut scales) = (vec![0; len.div_ceil(2)], vec![0f32; len.div_ceil(nf4::BLOCK)]);
            let pieces = codes.par_chunks_mut(PIECE / 2).zip(scales.par_chunks_mut(PIECE / nf4::BLOCK));
            let checked = pieces.enumerate().map(|(piece, (codes, scales))| {
                let values = PIECE * piece..(PIECE * (piece + 1)).min(len);
                convert(stored, values, |bytes| to_nf4(dtype, bytes, codes, scales))
            });
            checked
                .reduce(|| true, |a, b| a && b)
                .then(|| WeightData::Nf4(nf4::Nf4::new(len, codes, &scales)))
        }
        WeightFormat::Q8 => {
            let (mut codes, mut scales) = (vec![0; len], vec![0; len.div_ceil(q8::BLOCK)]);
            let pieces = codes.par_chunks_mut(PIECE).zip(scales.par_chunks_mut(PIECE / q8::BLOCK));
            let checked = pieces.enumerate().map(|(piece, (codes, scales))| {
                let values = PIECE * piece..PIECE * piece + codes.len();
                convert(stored, values, |bytes| to_q8(dtype, bytes, codes, scales))
            });
            checked.reduce(|| true, |a, b| a && b).then(|| WeightData::Q8(q8::Q8::new(codes, scales)))
        }
    };
    good.ok_or_else(|| first_bad(stored, format))
}

fn halves(
    stored: &StoredValues,
    len: usize,
    to: impl Fn(DType, &[u8], &mut [u16]) -> bool + Sync,
) -> Option<Aligned<u16>> {
    let mut array = Aligned::dense(len);
    fill(stored, &mut array, |bytes, out| to(stored.dtype, bytes, out)).then_some(array)
}

/// Whether all values are good.
fn fill<T: Element>(
    stored: &StoredValues,
    out: &mut [T],
    to: impl Fn(&[u8], &mut [T]) -> bool + Sync,
) -> bool {
    let pieces = out.par_chunks_mut(PIECE).enumerate().map(|(piece, out)| {
        let values = PIECE * piece..PIECE * piece + out.len();
        convert(stored, values, |bytes| to(bytes, out))
    });
    // Every piece is read, so that each run touches and gives back the same memory.
    pieces.reduce(|| true, |a, b| a && b)
}

fn convert(stored: &StoredValues, values: Range<usize>, mut to: impl FnMut(&[u8]) -> bool) -> bool {
    let mut good = false;
    (stored.read)(values, &mut |bytes| good = to(bytes));
    good
}

/// The first bad value of a tensor that has one.
fn first_bad(stored: &StoredValues, format: WeightFormat) -> BadValue {
    let bad =
        |x: &f32| !x.is_finite() || (format == WeightFormat::F16 && !f16_to_f32(f32_to_f16(*x)).is_finite());
    let first = (0..stored.len).step_by(PIECE).find_map(|start| {
        let mut found = None;
        (stored.read)(start..(start + PIECE).min(stored.len), &mut |bytes| {
            let mut values = stored.dtype.decode(bytes).into_iter().enumerate();
            found = values.find(|(_, x)| bad(x)).map(|(i, value)| BadValue { index: start + i, value });
        });
        found
    });
    first.expect("the conversion met a bad value")
}

/// Little-endian halves.
#[inline(always)]
fn half_words(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes))
}

/// Decodes; returns whether all values are finite.
#[inline(always)]
fn decode(dtype: DType, bytes: &[u8], out: &mut [f32]) -> bool {
    match dtype {
        DType::F32 => {
            let words = bytes.as_chunks::<4>().0;
            out.iter_mut().zip(words).for_each(|(x, word)| *x = f32::from_le_bytes(*word));
        }
        DType::F16 => out.iter_mut().zip(half_words(bytes)).for_each(|(x, bits)| *x = f16_to_f32(bits)),
        DType::BF16 => out.iter_mut().zip(half_words(bytes)).for_each(|(x, bits)| *x = bf16_to_f32(bits)),
    }
    let not_finite =
        out.iter().fold(0u32, |any, x| any | u32::from(x.to_bits() & 0x7f80_0000 == 0x7f80_0000));
    not_finite == 0
}

/// Copies halves; returns whether none has all bits of `exponent`, which no finite number has.
#[inline(always)]
fn copy_halves(bytes: &[u8], exponent: u16, out: &mut [u16]) -> bool {
    let mut not_finite = 0u16;
    for (x, bits) in out.iter_mut().zip(half_words(bytes)) {
        *x = bits;
        not_finite |= u16::from(bits & exponent == exponent);
    }
    not_finite == 0
}

vectorized! {
    fn to_f32(dtype: DType, bytes: &[u8], out: &mut [f32]) -> bool {
        let mut good = true;
        let chunks = bytes.chunks(CHUNK * dtype.size_bytes());
        for (out, bytes) in out.chunks_mut(CHUNK).zip(chunks) {
            good &= decode(dtype, bytes, out);
        }
        good
    }
}

vectorized! {
    fn to_bf16(dtype: DType, bytes: &[u8], out: &mut [u16]) -> bool {
        if dtype == DType::BF16 {
            return copy_halves(bytes, 0x7f80, out);
        }
        let (mut good, mut values) = (true, [0f32; CHUNK]);
        let chunks = bytes.chunks(CHUNK * dtype.size_bytes());
        for (out, bytes) in out.chunks_mut(CHUNK).zip(chunks) {
            let values = &mut values[..out.len()];
            good &= decode(dtype, bytes, values);
            out.iter_mut().zip(values).for_each(|(bits, x)| *bits = f32_to_bf16(*x));
        }
        good
    }
}

vectorized! {
    fn to_f16(dtype: DType, bytes: &[u8], out: &mut [u16]) -> bool {
        if dtype == DType::F16 {
            return copy_halves(bytes, 0x7c00, out);
        }
        let (mut good, mut values) = (true, [0f32; CHUNK]);
        let chunks = bytes.chunks(CHUNK * dtype.size_bytes());
        for (out, bytes) in out.chunks_mut(CHUNK).zip(chunks) {
            let values = &mut values[..out.len()];
            good &= decode(dtype, bytes, values);
            for (bits, x) in out.iter_mut().zip(values) {
                *bits = f32_to_f16(*x);
                good &= *bits & 0x7c00 != 0x7c00;
            }
        }
        good
    }
}

vectorized! {
    fn to_nf4(dtype: DType, bytes: &[u8], codes: &mut [u8], scales: &mut [f32]) -> bool {
        let (mut good, mut values) = (true, [0f32; CHUNK]);
        let chunks = bytes.chunks(CHUNK * dtype.size_bytes());
        let out = codes.chunks_mut(CHUNK / 2).zip(scales.chunks_mut(CHUNK / nf4::BLOCK));
        for ((codes, scales), bytes) in out.zip(chunks) {
            let values = &mut values[..bytes.len() / dtype.size_bytes()];
            good &= decode(dtype, bytes, values);
            nf4::quantize_blocks(values, codes, scales);
        }
        good
    }
}

vectorized! {
    fn to_q8(dtype: DType, bytes: &[u8], codes: &mut [i8], scales: &mut [u16]) -> bool {
        let (mut good, mut values) = (true, [0f32; CHUNK]);
        let chunks = bytes.chunks(CHUNK * dtype.size_bytes());
        let out = codes.chunks_mut(CHUNK).zip(scales.chunks_mut(CHUNK / q8::BLOCK));
        for ((codes, scales), bytes) in out.zip(chunks) {
            let values = &mut values[..bytes.len() / dtype.size_bytes()];
            good &= decode(dtype, bytes, values);
            q8::quantize_blocks(values, codes, scales);
        }
        good
    }
}
