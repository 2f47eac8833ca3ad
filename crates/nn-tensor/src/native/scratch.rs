//! Memory for copies that make kernels faster, kept between calls: training
//! must not allocate.

use super::gemm::{Gemm, KC, NC};

/// Bytes of a cache line. A vector that lies across two is read twice.
const LINE: usize = 64;

/// As much as most calls need, so that there is one allocation a thread.
const USUAL_LEN: usize = NC * KC;

/// Numbers in memory that begins with a cache line.
#[derive(Debug)]
#[allow(
    unreachable_pub,
    reason = "in the signature of a public trait's hidden method"
)]
pub struct Scratch<T>(Vec<T>);

impl<T: Copy + Default> Scratch<T> {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// `len` numbers, whatever they are.
    pub(super) fn take(&mut self, len: usize) -> &mut [T] {
        let spare = LINE / size_of::<T>();
        if self.0.len() < len + spare {
            // What is not used is not taken from the system.
            self.0 = vec![T::default(); len.max(USUAL_LEN) + spare];
        }
        // Its documentation allows `usize::MAX`, in which case nothing is aligned.
        let start = self.0.as_ptr().align_offset(LINE).min(spare);
        &mut self.0[start..start + len]
    }
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
            assert_eq!(numbers.as_ptr() as usize % LINE, 0);
        }
    }
}
