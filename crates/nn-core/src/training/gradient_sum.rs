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
//!
//! A [`Subtree`] of blocks is summed by one thread. [`join`] combines the subtrees for a
//! range of parameters, such as those that a thread updates.

use std::ops::Range;

use nn_tensor::{AlignedSlice, Kernel, Scalar, Threads, vectorize};

/// Maximum number of subtrees of a batch.
pub(super) const MAX_SUBTREES: usize = 16;

/// Number of parameters that [`join`] combines at a time, in the first-level cache.
const JOINED: usize = 64;

/// Minimum number of parameters per thread in a sum of subtrees.
const MIN_JOINED: usize = 4096;

/// Number of levels of a tree of subtrees.
const N_LEVELS: usize = MAX_SUBTREES.ilog2() as usize + 1;

/// The blocks of rows of a batch, in subtrees of equal size except for the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subtrees {
    pub(super) n_rows: usize,
    /// R, the number of rows per block.
    pub(super) block_rows: usize,
}

impl Subtrees {
    fn n_blocks(self) -> usize {
        self.n_rows.div_ceil(self.block_rows)
    }

    /// Number of blocks of a subtree, a power of two.
    fn size(self) -> usize {
        self.n_blocks().div_ceil(MAX_SUBTREES).next_power_of_two()
    }

    /// Number of subtrees, at most [`MAX_SUBTREES`].
    pub(super) fn count(self) -> usize {
        self.n_blocks().div_ceil(self.size())
    }

    /// The rows of each block of a subtree, counted from the first row of the batch.
    pub(super) fn blocks(self, subtree: usize) -> impl Iterator<Item = Range<usize>> {
        let blocks = subtree * self.size()..self.n_blocks().min((subtree + 1) * self.size());
        blocks.map(move |block| {
            let start = block * self.block_rows;
            start..self.n_rows.min(start + self.block_rows)
        })
    }

    /// The number of gradients that are stored for these blocks.
    pub(super) fn n_stored(self) -> usize {
        self.count() * Subtree::<f32>::n_levels(self.size())
    }

    /// Creates empty sums of `n_parameters` values.
    pub(super) fn sums<S: Scalar>(self, n_parameters: usize) -> Vec<Subtree<S>> {
        let sum = |_| Subtree::new(self.size(), n_parameters);
        (0..self.count()).map(sum).collect()
    }
}

/// The sum of a subtree of blocks; level k holds the sum of 2ᵏ blocks.
#[derive(Clone, Debug)]
pub(super) struct Subtree<S> {
    levels: Vec<AlignedSlice<S>>,
    n_blocks: usize,
}

impl<S: Scalar> Subtree<S> {
    fn new(max_blocks: usize, n_parameters: usize) -> Self {
        let level = |_| AlignedSlice::new(S::zero(), n_parameters);
        Self {
            levels: (0..Self::n_levels(max_blocks)).map(level).collect(),
            n_blocks: 0,
        }
    }

    /// The number of buffers for up to `max_blocks` blocks.
    fn n_levels(max_blocks: usize) -> usize {
        (usize::BITS - max_blocks.leading_zeros()) as usize
    }

    /// Removes all blocks.
    pub(super) fn clear(&mut self) {
        self.n_blocks = 0;
    }

    /// Adds the gradient of the next block, which is overwritten with any values.
    pub(super) fn add(&mut self, gradient: &mut AlignedSlice<S>) {
        let n_full = self.n_blocks.trailing_ones() as usize;
        for level in &self.levels[..n_full] {
            vectorize(AddLeft(level, gradient));
        }
        std::mem::swap(&mut self.levels[n_full], gradient);
        self.n_blocks += 1;
    }

    /// Combines the sums of all blocks, of which there must be at least one.
    pub(super) fn finish(&mut self) {
        let first = self.first_level();
        for level in first + 1..self.levels.len() {
            if self.n_blocks >> level & 1 == 1 {
                let (sum, levels) = self.levels[first..].split_first_mut().expect("a block");
                vectorize(AddLeft(&levels[level - first - 1], sum));
            }
        }
    }

    /// Prepares for the sum of this number of blocks, to be written to
    /// [`values_mut`](Self::values_mut).
    pub(super) fn expect_blocks(&mut self, n_blocks: usize) {
        self.n_blocks = n_blocks;
    }

    /// The sum of all blocks, after [`finish`](Self::finish).
    fn values(&self) -> &[S] {
        &self.levels[self.first_level()]
    }

    /// Mutable access to the sum of all blocks, after [`finish`](Self::finish).
    pub(super) fn values_mut(&mut self) -> &mut [S] {
        let level = self.first_level();
        &mut self.levels[level]
    }

    /// Replaces the sum of all blocks by `sum`, which is overwritten with any values.
    fn replace_sum(&mut self, sum: &mut AlignedSlice<S>) {
        let level = self.first_level();
        std::mem::swap(&mut self.levels[level], sum);
    }

    fn first_level(&self) -> usize {
        self.n_blocks.trailing_zeros() as usize
    }
}

/// Splits finished subtrees into groups of `n_neighbors`, a power of two, and writes the sum
/// of each group to its first subtree. `gradient` is overwritten with any values.
pub(super) fn join_neighbors<S: Scalar>(
    subtrees: &mut [Subtree<S>],
    n_neighbors: usize,
    gradient: &mut AlignedSlice<S>,
    threads: &Threads,
) {
    for neighbors in subtrees.chunks_mut(n_neighbors) {
        if neighbors.len() > 1 {
            join_all_parameters(neighbors, gradient, threads);
            neighbors[0].replace_sum(gradient);
        }
    }
}

/// Writes the sum of all finished subtrees to `gradient`.
pub(super) fn join_all_parameters<S: Scalar>(
    subtrees: &[Subtree<S>],
    gradient: &mut [S],
    threads: &Threads,
) {
    threads.for_each_chunk(gradient, 1, MIN_JOINED, |start, gradient| {
        join(subtrees, start..start + gradient.len(), gradient);
    });
}

/// Writes the sum of all finished subtrees, for a range of parameters, to `gradient`.
pub(super) fn join<S: Scalar>(subtrees: &[Subtree<S>], range: Range<usize>, gradient: &mut [S]) {
    let mut roots: [&[S]; MAX_SUBTREES] = Default::default();
    for (root, subtree) in roots.iter_mut().zip(subtrees) {
        *root = &subtree.values()[range.clone()];
    }
    vectorize(Join(&roots[..subtrees.len()], gradient));
}

/// Combines the sums of subtrees.
struct Join<'a, 'r, S>(&'a [&'r [S]], &'a mut [S]);

impl<S: Scalar> Kernel for Join<'_, '_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        match *self.0 {
            [one] => self.1.copy_from_slice(one),
            [a, b] => join_all([a, b], self.1),
            [a, b, c, d] => join_all([a, b, c, d], self.1),
            _ => self.join_any(),
        }
    }
}

/// Combines `N` subtrees, a power of two.
#[inline(always)]
fn join_all<S: Scalar, const N: usize>(subtrees: [&[S]; N], sum: &mut [S]) {
    let subtrees = subtrees.map(|subtree| &subtree[..sum.len()]);
    for (index, sum) in sum.iter_mut().enumerate() {
        let mut values = subtrees.map(|subtree| subtree[index]);
        let mut n = N;
        while n > 1 {
            n /= 2;
            for pair in 0..n {
                values[pair] = values[2 * pair] + values[2 * pair + 1];
            }
        }
        *sum = values[0];
    }
}

impl<S: Scalar> Join<'_, '_, S> {
    /// Combines any number of subtrees, in parts that stay in the cache.
    #[inline(always)]
    fn join_any(self) {
        let Self(subtrees, sum) = self;
        // As in `Subtree::add`: level k holds the sum of 2ᵏ subtrees.
        let mut levels = [[S::zero(); JOINED]; N_LEVELS];
        for start in (0..sum.len()).step_by(JOINED) {
            let n = JOINED.min(sum.len() - start);
            for (index, subtree) in subtrees.iter().enumerate() {
                let n_full = index.trailing_ones() as usize;
                let (full, rest) = levels.split_at_mut(n_full);
                let values = &mut rest[0][..n];
                values.copy_from_slice(&subtree[start..start + n]);
                for level in full {
                    add_left(&level[..n], values);
                }
            }
            let n_subtrees = subtrees.len();
            let first = n_subtrees.trailing_zeros() as usize;
            let sum = &mut sum[start..start + n];
            sum.copy_from_slice(&levels[first][..n]);
            for (index, level) in levels.iter().enumerate().skip(first + 1) {
                if n_subtrees >> index & 1 == 1 {
                    add_left(&level[..n], sum);
                }
            }
        }
    }
}

/// Adds from the left: `right ← left + right`.
#[inline(always)]
fn add_left<S: Scalar>(left: &[S], right: &mut [S]) {
    for (right, &left) in right.iter_mut().zip(left) {
        *right = left + *right;
    }
}

/// [`add_left`], compiled for all instruction sets.
struct AddLeft<'a, S>(&'a [S], &'a mut [S]);

impl<S: Scalar> Kernel for AddLeft<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        add_left(self.0, self.1);
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
        let n_parameters = if cfg!(miri) { 3 } else { 9000 };
        for n in (1..=40).chain([64, 65, 200]) {
            let blocks: Vec<f64> = (0..n).map(|k| 1.0 / (3.0 + f64::from(k))).collect();
            let subtrees = Subtrees {
                n_rows: 5 * n as usize - 2,
                block_rows: 5,
            };
            let mut sums = subtrees.sums::<f64>(n_parameters);
            let mut gradient = AlignedSlice::new(0.0, n_parameters);
            // Twice, because the buffers are reused.
            for _ in 0..2 {
                let mut rows = 0;
                for (index, sum) in sums.iter_mut().enumerate() {
                    sum.clear();
                    for block in subtrees.blocks(index) {
                        assert_eq!(block.start, rows);
                        rows = block.end;
                        gradient.fill(blocks[block.start / 5]);
                        sum.add(&mut gradient);
                    }
                }
                assert_eq!(rows, subtrees.n_rows);
                sums.iter_mut().for_each(Subtree::finish);
                for range in [0..n_parameters / 3, n_parameters / 3..n_parameters] {
                    join(&sums, range.clone(), &mut gradient[range]);
                }
                let expected = tree(&blocks);
                assert!(gradient.iter().all(|found| *found == expected), "{n}");
            }
        }
    }
}
