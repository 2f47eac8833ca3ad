//! Numbers whose first one begins a cache line.
//!
//! A vector register of 64 bytes that is loaded from two cache lines costs two
//! loads. `Vec` promises the alignment of one number only, so a large one
//! usually begins 16 bytes into a line and every load is such a double one.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// Bytes of a cache line.
const LINE: usize = 64;

/// A slice on the heap that begins with a cache line. Its length is fixed.
///
/// ```
/// use nn_tensor::AlignedSlice;
///
/// let mut numbers = AlignedSlice::new(0.5_f32, 3);
/// numbers[1] = 2.0;
/// assert_eq!(*numbers, [0.5, 2.0, 0.5]);
/// assert_eq!(numbers.as_ptr() as usize % 64, 0);
/// ```
pub struct AlignedSlice<T> {
    /// The numbers and up to a line before and after them.
    memory: Vec<T>,
    start: usize,
    len: usize,
}

impl<T> AlignedSlice<T> {
    /// No numbers.
    pub(crate) const fn empty() -> Self {
        Self {
            memory: Vec::new(),
            start: 0,
            len: 0,
        }
    }
}

impl<T: Clone> AlignedSlice<T> {
    /// `len` times `value`.
    ///
    /// # Panics
    /// If that is more than `isize::MAX` bytes. Aborts where there is no memory
    /// left, as `Vec` does.
    pub fn new(value: T, len: usize) -> Self {
        // Values without a size have no line to begin.
        let per_line = LINE.checked_div(size_of::<T>()).unwrap_or(0);
        let spare = if len == 0 { 0 } else { per_line };
        let total = len.checked_add(spare).expect("capacity overflow");
        let memory = vec![value; total];
        // Its documentation allows `usize::MAX`, in which case nothing is aligned.
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
    /// The copy lies elsewhere, so that its numbers start at another place.
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
    fn aligned_values_may_have_no_size() {
        let mut numbers = AlignedSlice::new((), 3);
        numbers[2] = ();
        assert_eq!(numbers.len(), 3);
        assert_eq!(AlignedSlice::new((), usize::MAX).len(), usize::MAX);
        assert_eq!(AlignedSlice::new([0_u8; 100], 2).len(), 2);
    }

    #[test]
    #[should_panic(expected = "capacity overflow")]
    fn aligned_slices_longer_than_memory_are_refused() {
        AlignedSlice::new(1_u8, usize::MAX);
    }

    #[test]
    fn copies_are_aligned_too() {
        for len in [0, 1, 15, 16, 1000] {
            let numbers: Vec<f32> = (0..len).map(|i| i as f32).collect();
            let first = AlignedSlice::from(&*numbers);
            let second = first.clone();
            assert_eq!(*first, *numbers);
            assert_eq!(first, second);
            for numbers in [first, second] {
                assert!(len == 0 || (numbers.as_ptr() as usize).is_multiple_of(LINE));
            }
        }
    }
}
