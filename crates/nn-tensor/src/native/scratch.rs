//! Memory for copies that make kernels faster, kept between calls: training
//! must not allocate.

/// Bytes of a cache line. A vector that lies across two is read twice.
const LINE: usize = 64;

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
        let most = len + LINE / size_of::<T>();
        if self.0.len() < most {
            self.0.resize(most, T::default());
        }
        // Its documentation allows `usize::MAX`, in which case nothing is aligned.
        let start = self.0.as_ptr().align_offset(LINE).min(most - len);
        &mut self.0[start..start + len]
    }
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
