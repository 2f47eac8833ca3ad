//! The inputs without their zeros, block by block, arranged for products.

use nn_tensor::sparse::{CscBuffer, CsrBytes, CsrRows, RowGroups};
use nn_tensor::{Scalar, Threads};

use crate::batches::Samples;
use crate::stage::inputs::LayerInputs;

/// The inputs of all samples, or of an augmented block, without their zeros.
#[derive(Clone, Debug)]
pub(super) struct SparseBlocks<S> {
    matrix: CsrBytes,
    factors: Box<[S; 256]>,
    blocks: Blocks,
}

/// What there is besides the rows themselves.
#[derive(Clone, Debug)]
enum Blocks {
    /// A buffer for the block at hand.
    Changing(CscBuffer),
    /// Every epoch has the same blocks, and they are arranged once.
    Fixed(Vec<RowGroups>),
}

impl<S: Scalar> SparseBlocks<S> {
    /// Blocks of up to `block_rows`, other ones in every epoch.
    pub(super) fn changing(
        train: &Samples<'_, S>,
        block_rows: usize,
        threads: &Threads,
    ) -> Option<Self> {
        if block_rows > CscBuffer::MAX_ROWS {
            return None;
        }
        let (matrix, factors) = train.sparse_inputs()?;
        let blocks = Blocks::Changing(CscBuffer::new(&matrix, block_rows, threads));
        Some(Self {
            matrix,
            factors,
            blocks,
        })
    }

    /// Blocks of `block_rows`, the same ones in every epoch, for a layer of
    /// `n_outputs`. `order` becomes one in which neighbours are alike.
    pub(super) fn fixed(
        train: &Samples<'_, S>,
        block_rows: usize,
        n_outputs: usize,
        order: &mut [u32],
        threads: &Threads,
    ) -> Option<Self> {
        let (matrix, factors) = train.sparse_inputs()?;
        order.copy_from_slice(&matrix.cluster_rows(threads));
        let mut blocks: Vec<_> = order.chunks(block_rows).map(|rows| (rows, None)).collect();
        threads.for_each(&mut blocks, |_, (rows, groups)| {
            let rows = CsrRows::new(&matrix, rows);
            *groups = Some(RowGroups::new(rows, &factors, n_outputs, threads));
        });
        let blocks = blocks.into_iter().filter_map(|(_, groups)| groups);
        let blocks = Blocks::Fixed(blocks.collect());
        Some(Self {
            matrix,
            factors,
            blocks,
        })
    }

    /// From now on holds no more than a block, refilled for each.
    pub(super) fn take_blocks(&mut self, threads: &Threads) {
        self.blocks = Blocks::Changing(CscBuffer::new(&self.matrix, 0, threads));
        self.matrix.refill(&[]);
    }

    /// Takes the rows of an augmented block.
    pub(super) fn refill(&mut self, bytes: &[u8]) {
        self.matrix.refill(bytes);
    }

    /// Asks for the first of some rows before they are needed, if they will be
    /// read one by one.
    pub(super) fn prefetch(&self, positions: &[u32]) {
        if let Blocks::Changing(_) = self.blocks {
            CsrRows::new(&self.matrix, positions).prefetch();
        }
    }

    /// The inputs at `positions`, which are block number `block` of the batch,
    /// and a buffer for the way back, if they need one.
    pub(super) fn block<'s>(
        &'s mut self,
        positions: &'s [u32],
        block: usize,
    ) -> (LayerInputs<'s, S>, Option<&'s mut CscBuffer>) {
        let factors = &*self.factors;
        match &mut self.blocks {
            Blocks::Changing(transposed) => {
                let rows = CsrRows::new(&self.matrix, positions);
                (LayerInputs::Sparse { rows, factors }, Some(transposed))
            }
            Blocks::Fixed(blocks) => {
                let groups = &blocks[block];
                (LayerInputs::Grouped { groups, factors }, None)
            }
        }
    }
}
