//! Data augmentation: inputs that change from epoch to epoch, such as deformed images,
//! so that a network never sees the same sample twice.
//!
//! This crate implements no augmentation; the caller supplies an implementation. A
//! [`Trainer`](crate::Trainer) requests the augmented rows of each block just before it uses them,
//! and reuses one buffer.

use std::fmt::Debug;

use nn_samples::{Rows, Samples};
use nn_tensor::{Scalar, Threads};

/// Data augmentation for inputs stored as bytes, such as images.
///
/// The result for a row must depend only on the index of the row and the epoch, so
/// that neither the number of threads nor an interruption changes a training run.
pub trait Augmentation: Debug + Send + Sync {
    /// Writes the augmented row `rows[k]` of `inputs` to row `k` of `augmented`, for
    /// each k. `epoch` counts from 0.
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

/// An augmentation with its inputs and the buffers for a block.
#[derive(Debug)]
pub(crate) struct Augmented<'a> {
    augmentation: Box<dyn Augmentation + 'a>,
    inputs: Rows<'a, u8>,
    scale: f64,
    /// Indices of the block's rows in `inputs`.
    rows: Vec<u32>,
    /// Indices of the block's rows in the block: 0, 1, 2, …
    places: Vec<u32>,
    /// The augmented inputs of the block, in row-major order.
    bytes: Vec<u8>,
}

impl<'a> Augmented<'a> {
    /// Creates the buffers for blocks of up to `max_rows` rows; `None` if the samples
    /// are not bytes.
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

    /// Computes the augmented inputs of the samples at `positions` in `epoch`, and
    /// returns them with the scale of the bytes.
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

    /// The indices of the rows in the last block: 0, 1, 2, …
    pub(crate) fn places(&self) -> &[u32] {
        &self.places[..self.rows.len()]
    }
}
