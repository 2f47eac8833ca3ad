//! The inputs of a block of rows, for training, steps on a stream and evaluation.
//!
//! Only this module chooses between copied values, rows of a source, sparse rows, grouped sparse
//! rows and augmented bytes.

pub(crate) mod sparse_blocks;

use std::ops::Range;

use nn_error::Result;
use nn_samples::{Samples, scale_bytes};
use nn_tensor::sparse::CscBuffer;
use nn_tensor::{Matrix, Scalar, Threads};

use crate::augmentation::{Augmentation, Augmented};
use crate::exchange::even_bounds;
use crate::stage::inputs::LayerInputs;
use sparse_blocks::SparseBlocks;

/// Number of rows between the current block and the rows to prefetch, because a small
/// batch takes less time than a memory access.
const PREFETCH_DISTANCE: usize = 2;

/// Reads inputs one block at a time.
#[derive(Debug)]
pub(crate) struct BlockInputs<'a, S> {
    max_rows: usize,
    n_inputs: usize,
    /// Sparse inputs, if they are faster.
    sparse: Option<SparseBlocks<S>>,
    /// The data augmentation, if any.
    augmented: Option<Augmented<'a>>,
    /// A buffer for the inputs of a block, unless they are sparse.
    values: Vec<S>,
}

/// A block of rows of an epoch.
#[derive(Clone, Debug)]
pub(crate) struct Block<'o> {
    /// The order of the samples in the epoch.
    pub(crate) order: &'o [u32],
    /// The range of the block in `order`.
    pub(crate) rows: Range<usize>,
    /// Index of the block in its batch.
    pub(crate) index: usize,
    pub(crate) epoch: u64,
}

impl<'a, S: Scalar> BlockInputs<'a, S> {
    /// Creates the buffers for blocks of up to `max_rows` rows of `n_inputs` values,
    /// unless the inputs are `sparse`.
    pub(crate) fn new(max_rows: usize, n_inputs: usize, sparse: Option<SparseBlocks<S>>) -> Self {
        let n_values = if sparse.is_some() {
            0
        } else {
            max_rows * n_inputs
        };
        Self {
            max_rows,
            n_inputs,
            sparse,
            augmented: None,
            values: vec![S::zero(); n_values],
        }
    }

    /// Turns on data augmentation; returns `false` if the inputs are not bytes.
    pub(crate) fn augment(
        &mut self,
        augmentation: Box<dyn Augmentation + 'a>,
        samples: &Samples<'a, S>,
        threads: &Threads,
    ) -> bool {
        self.augmented = Augmented::new(augmentation, samples, self.max_rows);
        if let (Some(sparse), Some(_)) = (&mut self.sparse, &self.augmented) {
            sparse.take_blocks(threads);
        }
        self.augmented.is_some()
    }

    /// Divides the columns of the inputs among `n_parts` processes, of which this is number
    /// `own`, and returns their bounds; `None` if the rows are grouped.
    ///
    /// The buffers for the backward pass are then for the columns of this process.
    pub(crate) fn divide_columns(
        &mut self,
        n_parts: usize,
        own: usize,
        threads: &Threads,
    ) -> Option<Vec<usize>> {
        let even = even_bounds(self.n_inputs, n_parts).collect();
        let Some(sparse) = &mut self.sparse else {
            return Some(even);
        };
        // Augmented rows are not known yet.
        let (bounds, max_rows) = match self.augmented {
            Some(_) => (even, 0),
            None => (sparse.column_bounds(n_parts), self.max_rows),
        };
        let columns = bounds[own]..bounds[own + 1];
        let is_divided = sparse.select_columns(columns, max_rows, threads);
        is_divided.then_some(bounds)
    }

    pub(crate) fn is_augmented(&self) -> bool {
        self.augmented.is_some()
    }

    /// Reads the inputs of a block; sparse inputs come with a buffer for the backward
    /// pass.
    #[inline(always)]
    pub(crate) fn block<'s>(
        &'s mut self,
        samples: &Samples<'a, S>,
        block: &Block<'s>,
        threads: &Threads,
    ) -> Result<(LayerInputs<'s, S>, Option<&'s mut CscBuffer>)> {
        let positions = &block.order[block.rows.clone()];
        Ok(match (&mut self.sparse, &mut self.augmented) {
            (Some(sparse), None) => {
                let later = block.order.get(block.rows.end + PREFETCH_DISTANCE..);
                let later = later.unwrap_or_default();
                sparse.prefetch(&later[..later.len().min(self.max_rows)]);
                sparse.block(positions, block.index)
            }
            (Some(sparse), Some(augmented)) => {
                let (bytes, _) = augmented.block(samples, positions, block.epoch, threads);
                sparse.refill(bytes);
                sparse.block(augmented.places(), block.index)
            }
            (None, Some(augmented)) => {
                let (bytes, scale) = augmented.block(samples, positions, block.epoch, threads);
                scale_bytes::<S>(bytes, scale, &mut self.values);
                (dense(&self.values, positions.len(), self.n_inputs), None)
            }
            (None, None) => {
                let values = &mut self.values;
                (read(samples, positions, values, self.n_inputs)?, None)
            }
        })
    }

    /// Copies the inputs of the samples at `positions`.
    #[inline]
    pub(crate) fn copied(
        &mut self,
        samples: &Samples<'_, S>,
        positions: &[u32],
    ) -> Result<LayerInputs<'_, S>> {
        read(samples, positions, &mut self.values, self.n_inputs)
    }

    /// Enlarges the buffer to blocks of up to `max_rows` rows.
    pub(crate) fn grow(&mut self, max_rows: usize) {
        if self.max_rows < max_rows {
            self.max_rows = max_rows;
            self.values.resize(max_rows * self.n_inputs, S::zero());
        }
    }
}

/// Reads the inputs of the samples at `positions` into a buffer.
#[inline(always)]
fn read<'v, S: Scalar>(
    samples: &Samples<'_, S>,
    positions: &[u32],
    values: &'v mut [S],
    n_inputs: usize,
) -> Result<LayerInputs<'v, S>> {
    let n_rows = positions.len();
    samples.read_inputs(positions, &mut values[..n_rows * n_inputs])?;
    Ok(dense(values, n_rows, n_inputs))
}

/// The first `n_rows` rows of a buffer.
#[inline(always)]
fn dense<S: Scalar>(values: &[S], n_rows: usize, n_inputs: usize) -> LayerInputs<'_, S> {
    Matrix::new(&values[..n_rows * n_inputs], [n_rows, n_inputs]).into()
}
