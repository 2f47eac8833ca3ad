//! Scratch memory of each thread, kept between calls, so that training does not allocate.

use std::mem;

use super::dispatch::Element;
use crate::AlignedSlice;

/// Length that suffices for most calls, so that there is one allocation per thread.
pub(super) const USUAL_LEN: usize = 160 << 10;

/// The scratch memory of the calling thread, aligned to a cache line.
///
/// Dropping it returns the memory to the thread. A second borrow in the meantime
/// allocates new memory.
pub(crate) struct Scratch<T: Element>(AlignedSlice<T>);

impl<T: Element> Scratch<T> {
    /// Takes the memory from the thread.
    pub(crate) fn borrow() -> Self {
        Self(T::memory().replace(AlignedSlice::empty()))
    }

    /// `len` elements with unspecified values.
    pub(crate) fn take(&mut self, len: usize) -> &mut [T] {
        if self.0.is_empty() || self.0.len() < len {
            // The system does not commit pages that are not used.
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
    fn memory_is_aligned_and_kept() {
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
