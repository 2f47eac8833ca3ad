//! Estimates of the memory that training or evaluation will allocate.
//!
//! ```text
//! P parameters, Q running statistics, s optimizer slots, B rows per block
//! state    = (1 + s + averaging)·P + Q + patience·(P + Q)
//! training = state + gradient·P
//!          + B·Σ over layers width·(activations, sums, dropout, batch norm, error)
//!          + B·(targets + inputs)
//! saving   = 2·state      a copy, and the bytes of the file
//! ```
//!
//! Buffers of a few rows and buffers of the threads are not counted.

use nn_error::{Error, Result};
use nn_tensor::Scalar;

/// The number of bytes that an operation will allocate, by purpose. Sums saturate at
/// [`u64::MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Memory {
    /// Parameters, gradients, and the state of optimizer, averaging and early
    /// stopping.
    pub parameters: u64,
    /// Activations and targets of a block of rows.
    pub activations: u64,
    /// Copied inputs: a dense block, or all rows in sparse form.
    pub inputs: u64,
    /// Copies made for saving to a file.
    pub saving: u64,
}

impl Memory {
    /// The total number of bytes.
    pub fn total(self) -> u64 {
        [self.activations, self.inputs, self.saving]
            .into_iter()
            .fold(self.parameters, u64::saturating_add)
    }
}

/// The number of bytes of `n` times `width` values.
pub(crate) fn bytes_of<S: Scalar>(n: usize, width: usize) -> u64 {
    n.saturating_mul(width).saturating_mul(S::BYTES) as u64
}

/// Checks by a trial allocation that `bytes` are available. A failure is an error
/// here, while a failed allocation later would abort the program.
pub(crate) fn probe(bytes: u64) -> Result<()> {
    let n = usize::try_from(bytes).unwrap_or(usize::MAX);
    Vec::<u8>::new()
        .try_reserve_exact(n)
        .map_err(|_| Error::OutOfMemory { bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_impossible_allocation_is_an_error() {
        probe(0).unwrap();
        probe(1 << 20).unwrap();
        for bytes in [1 << 60, u64::MAX] {
            let error = probe(bytes).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Usage);
        }
    }
}
