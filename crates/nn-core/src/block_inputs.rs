//! The inputs of a block of rows, wherever they come from: the one place that
//! decides between copied values, rows of a source, bytes without their zeros,
//! arranged bytes, and augmented bytes. Training, steps on a stream and
//! evaluation all read their inputs here.

pub(crate) mod sparse_blocks;

use std::ops::Range;

use nn_tensor::sparse::CscBuffer;
use nn_tensor::{Matrix, Scalar, Threads};

use crate::Result;
use crate::augmentation::{Augmentation, Augmented};
use crate::batches::{Samples, scale_bytes};
use crate::stage::inputs::LayerInputs;
use sparse_blocks::SparseBlocks;

/// Rows between the ones that are worked on and those that are asked for from
/// memory: a small batch is done sooner than memory answers.
const PREFETCH_DISTANCE: usize = 2;

/// Inputs block by block.
#[derive(Debug)]
pub(crate) struct BlockInputs<'a, S> {
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
pub(crate) struct Block<'o> {
    /// The samples of the epoch in their order.
    pub(crate) order: &'o [u32],
    /// Which of them.
    pub(crate) rows: Range<usize>,
    /// Number of the block in its batch.
    pub(crate) index: usize,
    pub(crate) epoch: u64,
}

impl<'a, S: Scalar> BlockInputs<'a, S> {
    /// Blocks of up to `max_rows` rows of `n_inputs`; `sparse` holds them without
    /// their zeros.
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

    /// Changes the inputs in every epoch; `false` if they are not bytes.
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

    pub(crate) fn is_augmented(&self) -> bool {
        self.augmented.is_some()
    }

    /// The inputs of a block, and a buffer for the backward pass, if they need
    /// one.
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
                let n_values = positions.len() * self.n_inputs;
                samples.read_inputs(positions, &mut self.values[..n_values])?;
                (dense(&self.values, positions.len(), self.n_inputs), None)
            }
        })
    }

    /// The inputs of the samples at `positions`, copied.
    #[inline]
    pub(crate) fn copied(
        &mut self,
        samples: &Samples<'_, S>,
        positions: &[u32],
    ) -> Result<LayerInputs<'_, S>> {
        let n_values = positions.len() * self.n_inputs;
        samples.read_inputs(positions, &mut self.values[..n_values])?;
        Ok(dense(&self.values, positions.len(), self.n_inputs))
    }

    /// Makes room for blocks of up to `max_rows` rows.
    pub(crate) fn grow(&mut self, max_rows: usize) {
        if self.max_rows < max_rows {
            self.max_rows = max_rows;
            self.values.resize(max_rows * self.n_inputs, S::zero());
        }
    }
}

/// The first `n_rows` rows of a buffer.
#[inline(always)]
fn dense<S: Scalar>(values: &[S], n_rows: usize, n_inputs: usize) -> LayerInputs<'_, S> {
    Matrix::new(&values[..n_rows * n_inputs], [n_rows, n_inputs]).into()
}
