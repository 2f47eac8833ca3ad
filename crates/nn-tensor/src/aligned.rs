//! Slices aligned to cache lines.
//!
//! Loading 64 bytes that span two cache lines into a vector register costs as much as two loads.
//! `Vec` only guarantees the alignment of its element type: a large `Vec` usually
//! starts 16 bytes into a cache line, so every load of 64 bytes spans two lines.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// Size of a cache line in bytes.
const LINE: usize = 64;

/// A heap-allocated slice aligned to a cache line (64 bytes), of fixed length.
///
/// ```
/// use nn_tensor::AlignedSlice;
///
/// let mut values = AlignedSlice::new(0.5_f32, 3);
/// values[1] = 2.0;
/// assert_eq!(*values, [0.5, 2.0, 0.5]);
/// assert_eq!(values.as_ptr() as usize % 64, 0);
/// ```
pub struct AlignedSlice<T> {
    /// The elements, with unused ones before and after them: one line in total.
    memory: Vec<T>,
    start: usize,
    len: usize,
}

impl<T> AlignedSlice<T> {
    /// An empty slice.
    pub(crate) const fn empty() -> Self {
        Self {
            memory: Vec::new(),
            start: 0,
            len: 0,
        }
    }
}

impl<T: Clone> AlignedSlice<T> {
    /// Creates a slice of `len` clones of `value`.
    ///
    /// # Panics
    /// Panics if the size of the slice exceeds `isize::MAX` bytes. As with `Vec`, a
    /// failed allocation aborts the program.
    pub fn new(value: T, len: usize) -> Self {
        // Zero-sized elements have no alignment to gain.
        let per_line = LINE.checked_div(size_of::<T>()).unwrap_or(0);
        let spare = if len == 0 { 0 } else { per_line };
        let total = len.checked_add(spare).expect("capacity overflow");
        let memory = vec![value; total];
        // `align_offset` may return `usize::MAX`; then the slice is not aligned.
        let start = memory.as_ptr().align_offset(LINE).min(spare);
        Self { memory, start, len }
    }
}

impl<T> Deref for AlignedSlice<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.memory[self.start..self.start + self.len]
    }
}

impl<T> DerefMut for AlignedSlice<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.start..self.start + self.len]
    }
}

impl<T: Clone> From<&[T]> for AlignedSlice<T> {
    fn from(values: &[T]) -> Self {
        let Some(first) = values.first() else {
            return Self::empty();
        };
        let mut copy = Self::new(first.clone(), values.len());
        copy.clone_from_slice(values);
        copy
    }
}

impl<T: Clone> Clone for AlignedSlice<T> {
    /// Clones the elements into a new aligned allocation.
    fn clone(&self) -> Self {
        Self::from(&**self)
    }
}

impl<T: PartialEq> PartialEq for AlignedSlice<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: fmt::Debug> fmt::Debug for AlignedSlice<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_may_be_zero_sized() {
        let mut values = AlignedSlice::new((), 3);
        values[2] = ();
        assert_eq!(values.len(), 3);
        assert_eq!(AlignedSlice::new((), usize::MAX).len(), usize::MAX);
        assert_eq!(AlignedSlice::new([0_u8; 100], 2).len(), 2);
    }

    #[test]
    #[should_panic(expected = "capacity overflow")]
    fn slices_larger_than_the_address_space_are_refused() {
        AlignedSlice::new(1_u8, usize::MAX);
    }

    #[test]
    fn clones_are_aligned() {
        for len in [0, 1, 15, 16, 1000] {
            let values: Vec<f32> = (0..len).map(|i| i as f32).collect();
            let first = AlignedSlice::from(&*values);
            let second = first.clone();
            assert_eq!(*first, *values);
            assert_eq!(first, second);
            for values in [first, second] {
                assert!(len == 0 || (values.as_ptr() as usize).is_multiple_of(LINE));
            }
        }
    }
}
