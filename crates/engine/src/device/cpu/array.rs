//! Cache-line aligned arrays.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::platform::prefer_large_pages;

/// Words in a cache line.
const LINE: usize = 16;
/// Words from which on an array is worth large pages (16 MiB): of a smaller one that is used in part, they would hold too
/// much that nobody uses.
const LARGE: usize = 4 << 20;
/// The same (4 MiB) of an array that is used throughout.
const LARGE_AND_DENSE: usize = 1 << 20;

/// Plain numbers of 2 or 4 bytes, for which all bits zero is a value.
pub trait Element: Copy + Send + Sync + 'static {}
impl Element for f32 {}
impl Element for u16 {}

/// A fixed-length array that starts on a cache line, zero at first.
pub struct Aligned<T> {
    /// Comes zeroed from the system: memory that nothing was written to yet costs neither time nor space.
    words: Vec<u32>,
    /// Where the first cache line starts in `words`.
    start: usize,
    len: usize,
    element: PhantomData<T>,
}

pub type Array = Aligned<f32>;
/// bf16 or f16 as raw bits.
pub type HalfArray = Aligned<u16>;

impl<T: Element> Aligned<T> {
    pub fn zeros(len: usize) -> Self {
        Self::with_large_pages_from(LARGE, len)
    }

    /// As [`Self::zeros`], of numbers that will all be written.
    pub fn dense(len: usize) -> Self {
        Self::with_large_pages_from(LARGE_AND_DENSE, len)
    }

    fn with_large_pages_from(large: usize, len: usize) -> Self {
        let needed = (len * size_of::<T>()).div_ceil(size_of::<u32>());
        let mut words = if len == 0 { Vec::new() } else { vec![0u32; needed + LINE - 1] };
        if words.len() >= large {
            prefer_large_pages(&mut words);
        }
        let start = (words.as_ptr() as usize / size_of::<u32>()).wrapping_neg() % LINE;
        Self { words, start: if len == 0 { 0 } else { start }, len, element: PhantomData }
    }

    pub fn len(&self) -> usize {
        self.len
    }
}

impl<T: Element> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: from `start` on, `words` holds at least `len` elements; `T` is f32 or u16, for which any bits are a value.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr().add(self.start).cast(), self.len) }
    }
}

impl<T: Element> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as for `deref`; `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.words.as_mut_ptr().add(self.start).cast(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Array, HalfArray};

    #[test]
    fn arrays_start_on_a_cache_line_and_are_zero() {
        for len in [0, 1, 15, 16, 17, 1000, 100_000] {
            let (full, half) = (Array::zeros(len), HalfArray::zeros(len));
            assert!(len == 0 || (full.as_ptr() as usize % 64, half.as_ptr() as usize % 64) == (0, 0));
            assert!(full.iter().all(|x| x.to_bits() == 0) && half.iter().all(|x| *x == 0));
            assert_eq!((full.len(), half.len()), (len, len));
        }
    }
}
