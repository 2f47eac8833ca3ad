//! The inputs of a block of rows, wherever they come from: the one place that
//! decides between copied values, bytes without their zeros, arranged bytes, and
//! augmented bytes.

use std::ops::Range;

use nn_tensor::sparse::CscBuffer;
use nn_tensor::{Matrix, Scalar, Threads};

use super::sparse_blocks::SparseBlocks;
use crate::augmentation::{Augmentation, Augmented};
use crate::batches::{Samples, scale_bytes};
use crate::stage::inputs::LayerInputs;

/// Rows between the ones that are worked on and those that are asked for from
/// memory: a small batch is done sooner than memory answers.
const PREFETCH_DISTANCE: usize = 2;

/// Inputs block by block.
#[derive(Debug)]
pub(super) struct BlockInputs<'a, S> {
    max_rows: usize,
    n_inputs: usize,
    /// Bytes without their zeros, where that pays.
    sparse: Option<SparseBlocks<S>>,
    /// What changes the inputs from epoch to epoch, if anything does.
    augmented: Option<Augmented<'a>>,
    /// Copied values, otherwise.
    values: Vec<S>,
}

/// A block of rows of an epoch.
#[derive(Clone, Debug)]
pub(super) struct Block<'o> {
    /// The samples of the epoch in their order.
    pub(super) order: &'o [u32],
    /// Which of them.
    pub(super) rows: Range<usize>,
    /// Number of the block in its batch.
    pub(super) index: usize,
    pub(super) epoch: u64,
}

impl<'a, S: Scalar> BlockInputs<'a, S> {
    /// Blocks of up to `max_rows` rows of `n_inputs`; `sparse` holds them without
    /// their zeros.
    pub(super) fn new(max_rows: usize, n_inputs: usize, sparse: Option<SparseBlocks<S>>) -> Self {
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

    /// Changes the inputs in every epoch; `false` if they are not bytes.
    pub(super) fn augment(
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

    pub(super) fn is_augmented(&self) -> bool {
        self.augmented.is_some()
    }

    /// The inputs of a block, and a buffer for the backward pass, if they need
    /// one.
    #[inline(always)]
    pub(super) fn block<'s>(
        &'s mut self,
        samples: &Samples<'a, S>,
        block: &Block<'s>,
        threads: &Threads,
    ) -> (LayerInputs<'s, S>, Option<&'s mut CscBuffer>) {
        let positions = &block.order[block.rows.clone()];
        match (&mut self.sparse, &mut self.augmented) {
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
                copy_rows(samples, positions, &mut self.values, self.n_inputs);
                (dense(&self.values, positions.len(), self.n_inputs), None)
            }
        }
    }
}

/// Rows that the caller of a step brings.
#[derive(Clone, Debug, Default)]
pub(super) struct BroughtRows<S> {
    order: Vec<u32>,
    values: Vec<S>,
}

impl<S: Scalar> BroughtRows<S> {
    /// Makes room for `n_rows`, in blocks of up to `block_rows` rows of `n_inputs`.
    pub(super) fn fit(&mut self, n_rows: usize, block_rows: usize, n_inputs: usize) {
        if self.order.len() < n_rows {
            self.order = (0..n_rows as u32).collect();
        }
        let n_values = n_rows.min(block_rows) * n_inputs;
        if self.values.len() < n_values {
            self.values.resize(n_values, S::zero());
        }
    }

    /// The positions and inputs of a block.
    pub(super) fn block(
        &mut self,
        samples: &Samples<'_, S>,
        rows: Range<usize>,
    ) -> (&[u32], LayerInputs<'_, S>) {
        let (positions, n_inputs) = (&self.order[rows], samples.n_inputs());
        copy_rows(samples, positions, &mut self.values, n_inputs);
        (positions, dense(&self.values, positions.len(), n_inputs))
    }
}

/// Copies the inputs of some samples, row after row.
fn copy_rows<S: Scalar>(
    samples: &Samples<'_, S>,
    positions: &[u32],
    values: &mut [S],
    n_inputs: usize,
) {
    for (&position, row) in positions.iter().zip(values.chunks_exact_mut(n_inputs)) {
        samples.copy_inputs(position as usize, row);
    }
}

/// The first `n_rows` rows of a buffer.
#[inline(always)]
fn dense<S: Scalar>(values: &[S], n_rows: usize, n_inputs: usize) -> LayerInputs<'_, S> {
    Matrix::new(&values[..n_rows * n_inputs], [n_rows, n_inputs]).into()
}
