//! B in a format that no kernel reads (f16, NF4, 8 bits): written out as f32 or bf16 a few panels at a time, just before
//! they are packed. A whole copy never exists.

use super::driver::{Kernel, Scratch};
use super::pack::{Area, Operand, Unit};
use super::{Isa, f32_to_bf16};
use crate::quantization::nf4::{self, Nf4};
use crate::quantization::q8::{self, Q8};
use crate::weights::f16_to_f32;

/// Lanes that are written out at a time: whole blocks of neighbours where the lanes are contiguous, and little enough for
/// the second-level cache.
const LANES: usize = 64;
/// Values that [`Codes::look_up`] handles.
const GROUP: usize = 16;

/// The values of a matrix in a format of its own, as one row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    pub values: Values,
    /// Index of the operand's first element.
    pub start: usize,
}

/// As [`Operand`]: read only while the call lasts that it was made for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Values {
    F16(*const u16),
    Nf4(*const Nf4),
    Q8(*const Q8),
}

/// Writes `count` values from index `start` on.
type Expand<T> = unsafe fn(Values, usize, usize, *mut T);

/// One instruction set's way to write values out.
#[derive(Clone, Copy)]
pub(super) struct Dequantizer {
    f32: Expand<f32>,
    bf16: Expand<u16>,
}

impl Dequantizer {
    /// The one of an instruction set that this processor has.
    pub fn of(isa: Isa) -> Self {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => Self { f32: x86::avx2::<f32>, bf16: x86::avx2::<u16> },
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 | Isa::Avx512Bf16 | Isa::Amx => {
                Self { f32: x86::avx512::<f32>, bf16: x86::avx512::<u16> }
            }
            _ => Self { f32: expand::<f32, Portable>, bf16: expand::<u16, Portable> },
        }
    }

    /// The area as a plain operand, bf16 or f32, in `scratch`. Runs of contiguous elements stay contiguous.
    ///
    /// # Safety
    /// The area lies within the operand, which is `stored`, and `scratch` has room for it.
    pub unsafe fn write_out(
        self,
        op: &Operand,
        stored: Stored,
        area: Area,
        bf16: bool,
        scratch: *mut u32,
    ) -> Operand {
        let (runs, run) = if op.along { (area.lanes, area.len) } else { (area.len, area.lanes) };
        for i in 0..runs {
            let (lane, k) = if op.along { (i, 0) } else { (0, i) };
            let start = stored.start + (area.lane0 + lane) * op.lane_stride + (area.k0 + k) * op.k_stride;
            // SAFETY: the caller's promise.
            unsafe {
                if bf16 {
                    (self.bf16)(stored.values, start, run, (scratch as *mut u16).add(i * run));
                } else {
                    (self.f32)(stored.values, start, run, (scratch as *mut f32).add(i * run));
                }
            }
        }
        let (lane_stride, k_stride) = if op.along { (run, 1) } else { (1, run) };
        Operand { data: scratch as *const u8, bf16, lane_stride, k_stride, along: op.along, stored: None }
    }
}

/// Packs panels of B as the kernel does, whatever B's format.
///
/// # Safety
/// As [`Kernel::pack_b`].
pub(super) unsafe fn pack_b(
    kernel: &Kernel,
    dequantizer: Dequantizer,
    b: Operand,
    area: Area,
    units: usize,
    dst: *mut u32,
) {
    let Some(stored) = b.stored else {
        // SAFETY: the caller's promise.
        return unsafe { (kernel.pack_b)(b, area, kernel.unit, units, dst) };
    };
    let bf16 = kernel.unit != Unit::F32;
    let width = LANES.next_multiple_of(kernel.nr);
    let mut scratch = Scratch::written_out(width.min(area.lanes) * area.len);
    for lane in (0..area.lanes).step_by(width) {
        let part = Area { lane0: area.lane0 + lane, lanes: width.min(area.lanes - lane), ..area };
        // SAFETY: the part lies within the area; its panels follow those of the lanes before.
        unsafe {
            let plain = dequantizer.write_out(&b, stored, part, bf16, scratch.pointer());
            let whole = Area { lane0: 0, k0: 0, ..part };
            (kernel.pack_b)(plain, whole, kernel.unit, units, dst.add(lane * units));
        }
    }
}

/// What values are written out as.
trait Element: Copy {
    fn of(x: f32) -> Self;
}

impl Element for f32 {
    #[inline(always)]
    fn of(x: f32) -> Self {
        x
    }
}

/// bf16 bits.
impl Element for u16 {
    #[inline(always)]
    fn of(x: f32) -> Self {
        f32_to_bf16(x)
    }
}

/// An instruction set's table look-up.
trait Codes<T> {
    /// The entries of 16 codes, two a byte with the first in the upper half.
    ///
    /// # Safety
    /// 8 bytes can be read and 16 elements written; the processor has the instructions.
    unsafe fn look_up(table: &[T; 16], codes: *const u8, to: *mut T);
}

struct Portable;

impl<T: Element> Codes<T> for Portable {
    #[inline(always)]
    unsafe fn look_up(table: &[T; 16], codes: *const u8, to: *mut T) {
        for i in 0..GROUP / 2 {
            // SAFETY: the caller's promise.
            unsafe {
                let byte = *codes.add(i);
                *to.add(2 * i) = table[(byte >> 4) as usize];
                *to.add(2 * i + 1) = table[(byte & 15) as usize];
            }
        }
    }
}

/// # Safety
/// The matrix has the values, `to` has room for them; the processor has the instructions of `C`.
#[inline(always)]
unsafe fn expand<T: Element, C: Codes<T>>(values: Values, start: usize, count: usize, to: *mut T) {
    // SAFETY: the caller's promise.
    unsafe {
        match values {
            Values::F16(bits) => {
                let bits = std::slice::from_raw_parts(bits.add(start), count);
                let out = std::slice::from_raw_parts_mut(to, count);
                out.iter_mut().zip(bits).for_each(|(x, bits)| *x = T::of(f16_to_f32(*bits)));
            }
            Values::Nf4(matrix) => {
                let matrix = &*matrix;
                blocks(start, count, nf4::BLOCK, |block, first, done, len| {
                    expand_nf4::<T, C>(matrix, block, first, len, to.add(done));
                });
            }
            Values::Q8(matrix) => {
                let matrix = &*matrix;
                blocks(start, count, q8::BLOCK, |block, first, done, len| {
                    let scale = matrix.scale(block);
                    let out = std::slice::from_raw_parts_mut(to.add(done), len);
                    let codes = &matrix.codes()[first..first + len];
                    out.iter_mut().zip(codes).for_each(|(x, code)| *x = T::of(f32::from(*code) * scale));
                });
            }
        }
    }
}

/// Cuts `count` values from `start` at the ends of blocks: (block, first value, values before it, values).
#[inline(always)]
fn blocks(start: usize, count: usize, size: usize, mut each: impl FnMut(usize, usize, usize, usize)) {
    let mut done = 0;
    while done < count {
        let first = start + done;
        let len = (size - first % size).min(count - done);
        each(first / size, first, done, len);
        done += len;
    }
}

/// `len` values of one block. Its 16 numbers are multiplied with the scale (and rounded) once, then looked up.
///
/// # Safety
/// See [`expand`].
#[inline(always)]
unsafe fn expand_nf4<T: Element, C: Codes<T>>(
    matrix: &Nf4,
    block: usize,
    first: usize,
    len: usize,
    to: *mut T,
) {
    let scale = matrix.scale(block);
    let table = nf4::CODE.map(|code| T::of(code * scale));
    let codes = matrix.codes();
    let groups = if first.is_multiple_of(2) { len / GROUP } else { 0 };
    // SAFETY: the caller's promise.
    unsafe {
        for group in 0..groups {
            let at = codes.as_ptr().add((first + group * GROUP) / 2);
            C::look_up(&table, at, to.add(group * GROUP));
        }
        for i in groups * GROUP..len {
            let byte = codes[(first + i) / 2];
            let code = if (first + i).is_multiple_of(2) { byte >> 4 } else { byte & 15 };
            *to.add(i) = table[code as usize];
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::*;
    use std::arch::x86_64::*;

    pub struct Avx2;
    pub struct Avx512;

    /// # Safety
    /// See [`expand`]; needs AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn avx2<T: Element>(values: Values, start: usize, count: usize, to: *mut T)
    where
        Avx2: Codes<T>,
    {
        // SAFETY: the caller's promise.
        unsafe { expand::<T, Avx2>(values, start, count, to) }
    }

    /// # Safety
    /// See [`expand`]; needs AVX-512.
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
    pub unsafe fn avx512<T: Element>(values: Values, start: usize, count: usize, to: *mut T)
    where
        Avx512: Codes<T>,
    {
        // SAFETY: the caller's promise.
        unsafe { expand::<T, Avx512>(values, start, count, to) }
    }

    /// 16 codes, one a byte, in order.
    ///
    /// # Safety
    /// 8 bytes can be read.
    #[inline(always)]
    unsafe fn unpack(codes: *const u8) -> __m128i {
        // SAFETY: the caller's promise.
        unsafe {
            let (both, low) = (_mm_loadl_epi64(codes as *const __m128i), _mm_set1_epi8(15));
            let upper = _mm_and_si128(_mm_srli_epi16(both, 4), low);
            _mm_unpacklo_epi8(upper, _mm_and_si128(both, low))
        }
    }

    impl Codes<f32> for Avx512 {
        #[inline(always)]
        unsafe fn look_up(table: &[f32; 16], codes: *const u8, to: *mut f32) {
            // SAFETY: the caller's promise.
            unsafe {
                let indices = _mm512_cvtepu8_epi32(unpack(codes));
                _mm512_storeu_ps(to, _mm512_permutexvar_ps(indices, _mm512_loadu_ps(table.as_ptr())));
            }
        }
    }

    impl Codes<u16> for Avx512 {
        #[inline(always)]
        unsafe fn look_up(table: &[u16; 16], codes: *const u8, to: *mut u16) {
            // SAFETY: the caller's promise.
            unsafe {
                let indices = _mm256_cvtepu8_epi16(unpack(codes));
                let table = _mm256_loadu_si256(table.as_ptr() as *const __m256i);
                _mm256_storeu_si256(to as *mut __m256i, _mm256_permutexvar_epi16(indices, table));
            }
        }
    }

    impl Codes<f32> for Avx2 {
        #[inline(always)]
        unsafe fn look_up(table: &[f32; 16], codes: *const u8, to: *mut f32) {
            // SAFETY: the caller's promise.
            unsafe {
                let codes = unpack(codes);
                let halves = [_mm256_loadu_ps(table.as_ptr()), _mm256_loadu_ps(table.as_ptr().add(8))];
                for (half, codes) in [codes, _mm_unpackhi_epi64(codes, codes)].into_iter().enumerate() {
                    let indices = _mm256_cvtepu8_epi32(codes);
                    let [lower, upper] = halves.map(|half| _mm256_permutevar8x32_ps(half, indices));
                    // The fourth bit of an index, moved to the sign, chooses.
                    let choice = _mm256_castsi256_ps(_mm256_slli_epi32(indices, 28));
                    _mm256_storeu_ps(to.add(8 * half), _mm256_blendv_ps(lower, upper, choice));
                }
            }
        }
    }

    impl Codes<u16> for Avx2 {
        #[inline(always)]
        unsafe fn look_up(table: &[u16; 16], codes: *const u8, to: *mut u16) {
            // SAFETY: the caller's promise.
            unsafe {
                let codes = unpack(codes);
                let table = table.as_ptr() as *const __m128i;
                let (first, second) = (_mm_loadu_si128(table), _mm_loadu_si128(table.add(1)));
                let byte = _mm_set1_epi16(0xff);
                let low = _mm_packus_epi16(_mm_and_si128(first, byte), _mm_and_si128(second, byte));
                let high = _mm_packus_epi16(_mm_srli_epi16(first, 8), _mm_srli_epi16(second, 8));
                let (low, high) = (_mm_shuffle_epi8(low, codes), _mm_shuffle_epi8(high, codes));
                let to = to as *mut __m128i;
                _mm_storeu_si128(to, _mm_unpacklo_epi8(low, high));
                _mm_storeu_si128(to.add(1), _mm_unpackhi_epi8(low, high));
            }
        }
    }
}
