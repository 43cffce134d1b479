//! Cache-line aligned arrays.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u32; 16]);

/// Plain numbers of 2 or 4 bytes, for which all bits zero is a value.
pub trait Element: Copy + Send + Sync + 'static {}
impl Element for f32 {}
impl Element for u16 {}

/// A fixed-length array that starts on a cache line, zero at first.
pub struct Aligned<T> {
    lines: Vec<Line>,
    len: usize,
    element: PhantomData<T>,
}

pub type Array = Aligned<f32>;
/// bf16 as raw bits: the upper half of an f32.
pub type Bf16Array = Aligned<u16>;

impl<T: Element> Aligned<T> {
    pub fn zeros(len: usize) -> Self {
        let lines = vec![Line([0; 16]); (len * size_of::<T>()).div_ceil(size_of::<Line>())];
        Self { lines, len, element: PhantomData }
    }

    pub fn len(&self) -> usize {
        self.len
    }
}

impl<T: Element> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: `lines` holds at least `len` elements; `T` is f32 or u16, for which any bits are a value.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: Element> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as for `deref`; `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}
