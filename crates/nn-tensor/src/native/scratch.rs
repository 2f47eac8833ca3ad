//! Memory for copies that make kernels faster, kept per thread between calls:
//! training must not allocate.

use std::mem;

use super::dispatch::Element;
use crate::AlignedSlice;

/// Enough for most calls, so that there is one allocation per thread.
pub(super) const USUAL_LEN: usize = 160 << 10;

/// The calling thread's scratch memory, which begins with a cache line.
///
/// It goes back to the thread when it is dropped. A second borrow in the
/// meantime allocates new memory.
pub(crate) struct Scratch<T: Element>(AlignedSlice<T>);

impl<T: Element> Scratch<T> {
    /// Takes the memory from the thread.
    pub(crate) fn borrow() -> Self {
        Self(T::memory().replace(AlignedSlice::empty()))
    }

    /// `len` elements with unspecified values.
    pub(crate) fn take(&mut self, len: usize) -> &mut [T] {
        if self.0.is_empty() || self.0.len() < len {
            // What is not used is not taken from the system.
            self.0 = AlignedSlice::new(T::default(), len.max(USUAL_LEN));
        }
        &mut self.0[..len]
    }
}

impl<T: Element> Drop for Scratch<T> {
    fn drop(&mut self) {
        T::memory().set(mem::replace(&mut self.0, AlignedSlice::empty()));
    }
}

/// Allocates the calling thread's scratch memory.
pub(super) fn reserve() {
    Scratch::<f32>::borrow().take(1)[0] = 0.0;
    Scratch::<f64>::borrow().take(1)[0] = 0.0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_with_a_cache_line_and_is_kept() {
        let mut address = 0;
        for len in [1, 100, 7] {
            let mut scratch = Scratch::<f32>::borrow();
            let values = scratch.take(len);
            assert_eq!(values.len(), len);
            assert_eq!(values.as_ptr() as usize % 64, 0);
            assert!(address == 0 || address == values.as_ptr() as usize);
            address = values.as_ptr() as usize;
        }
    }
}
