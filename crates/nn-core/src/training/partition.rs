//! Partition of the rows of an epoch into batches, and of a batch into blocks.
//!
//! Batches have `batch_rows` rows, and the last has the remainder. A single row
//! has no variance to normalize by, so with batch normalization a last batch of
//! one row joins the previous batch: 65 rows in batches of 32 make batches of 32
//! and 33. With `drop_last`, a smaller last batch is left out.

use std::ops::{Range, RangeInclusive};

use super::config::TrainingConfig;
use super::gradient_sum::MAX_SUBTREES;
use crate::network::Plan;

/// Number of values of a layer per block of rows, such that they stay in the
/// second-level cache.
const MAX_BLOCK_NUMBERS: usize = 1 << 17;

/// Smallest and largest number of rows of such a block.
pub(super) const BLOCK_ROWS: RangeInclusive<usize> = 2048..=8192;

/// The batches of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Partition {
    /// Number of rows of all batches together.
    n_rows: usize,
    batch_rows: usize,
    n_batches: usize,
}

impl Partition {
    /// The batches of an epoch of `n_rows` training rows.
    pub(super) fn new(n_rows: usize, config: &TrainingConfig, has_batch_norm: bool) -> Self {
        let batch_rows = config.step_rows().map_or(n_rows, |rows| rows.min(n_rows));
        let remainder = n_rows.checked_rem(batch_rows).unwrap_or(0);
        let n_rows = n_rows - if config.drop_last { remainder } else { 0 };
        let joins_last = has_batch_norm && batch_rows > 1 && n_rows % batch_rows == 1;
        Self {
            n_rows,
            batch_rows,
            n_batches: if joins_last {
                n_rows / batch_rows
            } else {
                n_rows.div_ceil(batch_rows.max(1))
            },
        }
    }

    pub(super) fn n_batches(self) -> usize {
        self.n_batches
    }

    /// The number of rows of the largest batch.
    pub(super) fn max_rows(self) -> usize {
        self.rows(self.n_batches - 1).len().max(self.batch_rows)
    }

    /// The rows of a batch, as positions in the epoch's order.
    pub(super) fn rows(self, batch: usize) -> Range<usize> {
        let start = batch * self.batch_rows;
        let end = if batch + 1 == self.n_batches {
            self.n_rows
        } else {
            start + self.batch_rows
        };
        start..end
    }
}

/// Number of rows per block that goes through the layers together, of a batch
/// of `batch_rows`.
pub(super) fn rows_of_block(has_batch_norm: bool, batch_rows: usize, widest: usize) -> usize {
    // Statistics of a batch need the whole batch at once.
    if has_batch_norm {
        batch_rows
    } else {
        batch_rows.min(max_block_rows(widest))
    }
}

/// Largest number of rows per block, for layers of up to `widest` values per row.
fn max_block_rows(widest: usize) -> usize {
    (MAX_BLOCK_NUMBERS / widest).clamp(*BLOCK_ROWS.start(), *BLOCK_ROWS.end())
}

/// Minimum number of rows of a batch that threads compute in blocks of rows.
const MIN_PARALLEL_ROWS: usize = 64;

/// Maximum number of rows per block of such a batch, unless it has the maximum number of
/// blocks.
const MAX_PARALLEL_ROWS: usize = 64;

/// Maximum number of parameters of such a network: a gradient per block must stay in the
/// cache, and products of larger matrices are faster if all threads compute each of them.
const MAX_PARALLEL_PARAMETERS: usize = 1 << 18;

/// Number of values of a block, in all layers together, that stay in the second-level
/// cache.
const MAX_CACHED_NUMBERS: usize = 1 << 17;

/// R, the number of rows per block of the gradient sum, for batches of `batch_rows` dense
/// rows, such that threads compute whole blocks; `None` if the rows are added one by one.
///
/// The number of blocks is a power of two, so that threads have equal work. It does not
/// depend on the number of threads, so the bits do not depend on it, either.
pub(super) fn parallel_rows(plan: &Plan, batch_rows: usize) -> Option<usize> {
    let has_batch_norm = plan.layers.iter().any(|layer| layer.batch_norm);
    if has_batch_norm
        || batch_rows < MIN_PARALLEL_ROWS
        || plan.n_parameters > MAX_PARALLEL_PARAMETERS
    {
        return None;
    }
    let n_blocks = batch_rows.div_ceil(MAX_PARALLEL_ROWS).max(2);
    let n_blocks = n_blocks.next_power_of_two().min(MAX_SUBTREES);
    Some(batch_rows.div_ceil(n_blocks))
}

/// Number of rows, of a block of `rows`, that go through the layers together, such that
/// all their values stay in the second-level cache.
pub(super) fn rows_of_cached_block(plan: &Plan, rows: usize) -> usize {
    let width = plan.n_inputs() + plan.cache_width() + plan.error_width();
    let max_rows = (MAX_CACHED_NUMBERS / width).max(MAX_PARALLEL_ROWS);
    rows.div_ceil(rows.div_ceil(max_rows))
}

#[cfg(test)]
mod tests {
    use nn_functions::{Loss, Optimizer};

    use super::super::config::BatchSize;
    use super::*;

    fn config(size: Option<usize>) -> TrainingConfig {
        TrainingConfig {
            batch_size: size.map_or(BatchSize::Full, BatchSize::Rows),
            ..TrainingConfig::new(Loss::Mse, Optimizer::Sgd)
        }
    }

    fn sizes(n_rows: usize, size: Option<usize>, has_batch_norm: bool) -> Vec<usize> {
        let partition = Partition::new(n_rows, &config(size), has_batch_norm);
        let batches = (0..partition.n_batches()).map(|batch| partition.rows(batch));
        let batches: Vec<Range<usize>> = batches.collect();
        let rows: Vec<usize> = batches.iter().cloned().flatten().collect();
        assert!(rows.into_iter().eq(0..n_rows), "each row once");
        let sizes: Vec<usize> = batches.iter().map(Range::len).collect();
        assert_eq!(sizes.iter().max(), Some(&partition.max_rows()));
        sizes
    }

    #[test]
    fn a_smaller_last_batch_can_be_left_out() {
        for (n_rows, size, expected) in [
            (0, Some(4), vec![]),
            (3, Some(4), vec![3]),
            (4, Some(4), vec![4]),
            (9, Some(4), vec![4, 4]),
            (11, Some(4), vec![4, 4]),
            (11, None, vec![11]),
        ] {
            for has_batch_norm in [false, true] {
                let config = TrainingConfig {
                    drop_last: true,
                    ..config(size)
                };
                let partition = Partition::new(n_rows, &config, has_batch_norm);
                let batches = (0..partition.n_batches()).map(|batch| partition.rows(batch).len());
                assert!(batches.eq(expected.clone()), "{n_rows} rows, {size:?}");
            }
        }
    }

    #[test]
    fn a_single_row_joins_the_previous_batch_with_batch_normalization() {
        for (n_rows, batch_rows, plain, normalized) in [
            (64, 32, vec![32, 32], vec![32, 32]),
            (65, 32, vec![32, 32, 1], vec![32, 33]),
            (66, 32, vec![32, 32, 2], vec![32, 32, 2]),
            (65, 64, vec![64, 1], vec![65]),
            (3, 2, vec![2, 1], vec![3]),
            (1, 64, vec![1], vec![1]),
            (3, 1, vec![1, 1, 1], vec![1, 1, 1]),
            (3, usize::MAX, vec![3], vec![3]),
        ] {
            let size = Some(batch_rows);
            assert_eq!(sizes(n_rows, size, false), plain);
            assert_eq!(sizes(n_rows, size, true), normalized);
        }
        assert_eq!(sizes(5, None, true), [5]);
    }
}
