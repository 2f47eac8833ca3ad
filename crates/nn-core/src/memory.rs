//! How many bytes a training or an evaluation will allocate, added up before
//! anything is allocated.
//!
//! ```text
//! P parameters, Q running statistics, s slots of the optimizer, B rows of a block
//! state    = (1 + s + averaging)·P + Q + patience·(P + Q)
//! training = state + gradient·P
//!          + B·Σ over layers width·(activations, sums, dropout, batch norm, error)
//!          + B·(targets + inputs)
//! saving   = 2·state      a copy, and the bytes of the file
//! ```
//!
//! Buffers of a few rows, and what threads need for themselves, are left out.

use nn_tensor::Scalar;

use crate::{Error, Result};

/// Bytes that something will allocate, by what makes them more or fewer. Sums
/// that no memory could hold stop at the largest number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Parameters, their gradient, and what the optimizer, averaging and early
    /// stopping keep of them.
    pub parameters: u64,
    /// What a block of rows leaves in every layer, and its targets.
    pub activations: u64,
    /// Inputs that are copied: a dense block, or all rows without their zeros.
    pub inputs: u64,
    /// Copies that are written to a file.
    pub saving: u64,
}

impl Memory {
    /// All of it.
    pub fn total(self) -> u64 {
        [self.activations, self.inputs, self.saving]
            .into_iter()
            .fold(self.parameters, u64::saturating_add)
    }
}

/// Bytes of `n` times `width` numbers.
pub(crate) fn bytes_of<S: Scalar>(n: usize, width: usize) -> u64 {
    n.saturating_mul(width).saturating_mul(S::BYTES) as u64
}

/// Whether so many bytes can be had: asks for them and gives them back, so that
/// what does not fit is an error where an allocation would end the program.
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
    fn what_no_machine_has_is_an_error() {
        probe(0).unwrap();
        probe(1 << 20).unwrap();
        for bytes in [1 << 60, u64::MAX] {
            let error = probe(bytes).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Usage);
        }
    }
}
