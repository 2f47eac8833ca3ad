//! Inputs that change from epoch to epoch, such as images that are deformed, so
//! that a network never sees the same sample twice.
//!
//! What changes them is told by whoever trains; this crate knows no images. A
//! [`Trainer`](crate::Trainer) asks for the rows of every block just before it
//! needs them, in the same buffer each time.

use std::fmt::Debug;

use nn_tensor::{Scalar, Threads};

use crate::batches::Samples;
use crate::rows::Rows;

/// Changes inputs that are bytes.
///
/// What becomes of a row must be a function of the row's number and the epoch
/// alone: then neither the number of threads nor an interruption matters.
pub trait Augmentation: Debug + Send + Sync {
    /// Row `k` of `augmented` becomes row `rows[k]` of `inputs` as epoch `epoch`,
    /// counted from 0, sees it.
    ///
    /// # Shapes
    /// `inputs [n_samples, n_inputs]`, `augmented [rows.len(), n_inputs]`.
    fn apply(
        &mut self,
        inputs: &Rows<'_, u8>,
        rows: &[u32],
        epoch: u64,
        augmented: &mut [u8],
        threads: &Threads,
    );
}

/// An augmentation, what it is applied to, and the buffers for a block.
#[derive(Debug)]
pub(crate) struct Augmented<'a> {
    augmentation: Box<dyn Augmentation + 'a>,
    inputs: Rows<'a, u8>,
    scale: f64,
    /// Numbers of the block's rows in `inputs`.
    rows: Vec<u32>,
    /// Numbers of the block's rows in the block.
    places: Vec<u32>,
    /// The block's inputs, row after row.
    bytes: Vec<u8>,
}

impl<'a> Augmented<'a> {
    /// Blocks of up to `max_rows` rows of `samples`; `None` if those are not
    /// bytes.
    pub(crate) fn new<S: Scalar>(
        augmentation: Box<dyn Augmentation + 'a>,
        samples: &Samples<'a, S>,
        max_rows: usize,
    ) -> Option<Self> {
        let (inputs, scale) = samples.byte_inputs()?;
        Some(Self {
            augmentation,
            scale,
            rows: Vec::with_capacity(max_rows),
            places: (0..max_rows as u32).collect(),
            bytes: vec![0; max_rows * inputs.n_columns()],
            inputs: inputs.clone(),
        })
    }

    /// The inputs of the samples at `positions` as `epoch` sees them, and the
    /// number that a byte is multiplied by.
    pub(crate) fn block<S: Scalar>(
        &mut self,
        samples: &Samples<'a, S>,
        positions: &[u32],
        epoch: u64,
        threads: &Threads,
    ) -> (&[u8], S) {
        self.rows.clear();
        self.rows
            .extend(positions.iter().map(|&position| samples.row(position)));
        let bytes = &mut self.bytes[..positions.len() * self.inputs.n_columns()];
        self.augmentation
            .apply(&self.inputs, &self.rows, epoch, bytes, threads);
        (bytes, S::from_f64(self.scale))
    }

    /// The block's own row numbers.
    pub(crate) fn places(&self) -> &[u32] {
        &self.places[..self.rows.len()]
    }
}
