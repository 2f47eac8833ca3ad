//! The summation order of the gradients of a batch.
//!
//! The rows are split into blocks of R rows. Inside a block, the gradients of the rows
//! are added one by one; the sums of the blocks are combined in a binary tree:
//!
//! ```text
//! blocks   0   1   2   3   4
//!          └─┬─┘   └─┬─┘   │
//!            └───┬───┘     │
//!                └────┬────┘
//! ```
//!
//! The order depends only on the number of rows and on R, not on threads, micro-batches
//! or machines, so the sum is the same bit for bit. The rows of a whole subtree can be
//! summed on any machine. Without a block size R, the batch is one block.

use nn_tensor::{AlignedSlice, Scalar};

/// Partial sums of the blocks so far; level k holds the sum of 2ᵏ blocks.
#[derive(Clone, Debug)]
pub(super) struct GradientSum<S> {
    levels: Vec<AlignedSlice<S>>,
    n_blocks: usize,
}

impl<S: Scalar> GradientSum<S> {
    /// Creates an empty sum for up to `max_blocks` blocks of `n_parameters` values.
    pub(super) fn new(max_blocks: usize, n_parameters: usize) -> Self {
        let level = |_| AlignedSlice::new(S::zero(), n_parameters);
        Self {
            levels: (0..Self::n_levels(max_blocks)).map(level).collect(),
            n_blocks: 0,
        }
    }

    /// The number of buffers for up to `max_blocks` blocks.
    pub(super) fn n_levels(max_blocks: usize) -> usize {
        (usize::BITS - max_blocks.leading_zeros()) as usize
    }

    /// Adds the gradient of the next block, which is overwritten.
    pub(super) fn add(&mut self, gradient: &mut [S]) {
        let n_full = self.n_blocks.trailing_ones() as usize;
        for level in &self.levels[..n_full] {
            add_left(level, gradient);
        }
        self.levels[n_full].copy_from_slice(gradient);
        self.n_blocks += 1;
    }

    /// Writes the sum of all blocks (at least one) to `gradient` and resets.
    pub(super) fn finish(&mut self, gradient: &mut [S]) {
        let n_blocks = std::mem::take(&mut self.n_blocks);
        let levels = self.levels.iter().enumerate();
        let mut sums = levels.filter(|(level, _)| n_blocks >> level & 1 == 1);
        if let Some((_, last)) = sums.next() {
            gradient.copy_from_slice(last);
        }
        for (_, sum) in sums {
            add_left(sum, gradient);
        }
    }
}

/// Adds `left` from the left: `right ← left + right`.
fn add_left<S: Scalar>(left: &[S], right: &mut [S]) {
    for (right, &left) in right.iter_mut().zip(left) {
        *right = left + *right;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of `f64` in the documented order, one block at a time.
    fn tree(blocks: &[f64]) -> f64 {
        match blocks {
            [block] => *block,
            _ => {
                let half = blocks.len().next_power_of_two() / 2;
                tree(&blocks[..half]) + tree(&blocks[half..])
            }
        }
    }

    #[test]
    fn blocks_are_combined_in_a_tree() {
        for n in 1..=40 {
            let blocks: Vec<f64> = (0..n).map(|k| 1.0 / (3.0 + f64::from(k))).collect();
            let mut sum = GradientSum::new(n as usize, 1);
            // Twice, because the buffers are reused.
            for _ in 0..2 {
                let mut gradient = [0.0];
                for &block in &blocks {
                    gradient[0] = block;
                    sum.add(&mut gradient);
                }
                sum.finish(&mut gradient);
                assert_eq!(gradient[0].to_bits(), tree(&blocks).to_bits(), "{n}");
            }
        }
    }
}
