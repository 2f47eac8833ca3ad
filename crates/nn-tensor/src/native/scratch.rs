//! Memory for copies that make kernels faster, kept between calls: training
//! must not allocate.

use super::gemm::{Gemm, KC, NC};
use super::pairs::SUMS;
use crate::AlignedSlice;

/// As much as most calls need, so that there is one allocation a thread.
const USUAL_LEN: usize = NC * KC + SUMS;

/// Numbers in memory that begins with a cache line.
#[derive(Debug)]
pub struct Scratch<T>(AlignedSlice<T>);

impl<T: Copy + Default> Scratch<T> {
    pub(super) const fn new() -> Self {
        Self(AlignedSlice::empty())
    }

    /// `len` numbers, whatever they are.
    pub(super) fn take(&mut self, len: usize) -> &mut [T] {
        if self.0.is_empty() || self.0.len() < len {
            // What is not used is not taken from the system.
            self.0 = AlignedSlice::new(T::default(), len.max(USUAL_LEN));
        }
        &mut self.0[..len]
    }
}

/// Lends `len` numbers of the calling thread's scratch memory, whatever they
/// are. Kernels that need scratch memory of their own must not be called with
/// them.
pub(crate) fn with_scratch<T: Gemm + Copy + Default, R>(
    len: usize,
    work: impl FnOnce(&mut [T]) -> R,
) -> R {
    T::with_scratch(|scratch| work(scratch.take(len)))
}

/// Makes the calling thread's scratch memory.
pub(super) fn reserve() {
    f32::with_scratch(|scratch| scratch.take(1)[0] = 0.0);
    f64::with_scratch(|scratch| scratch.take(1)[0] = 0.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_with_a_cache_line() {
        let mut scratch = Scratch::<f32>::new();
        for len in [0, 1, 100, 7] {
            let numbers = scratch.take(len);
            assert_eq!(numbers.len(), len);
            assert_eq!(numbers.as_ptr() as usize % 64, 0);
        }
    }
}
