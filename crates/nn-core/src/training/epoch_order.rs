//! The order of the training samples in an epoch.

use std::ops::Range;

use nn_samples::{Samples, WindowedOrder, shuffle};
use nn_tensor::Scalar;
use nn_tensor::random::Streams;

/// The order of the training samples in an epoch.
#[derive(Debug)]
pub(super) enum EpochOrder {
    /// All samples, in one permutation.
    All(Vec<u32>),
    /// Shuffled in windows, for inputs that are read in blocks.
    Windowed {
        order: WindowedOrder,
        /// The last window that was announced to the source of the inputs.
        announced: usize,
    },
}

impl EpochOrder {
    /// The order of the samples before they are shuffled.
    pub(super) fn new<S: Scalar>(samples: &Samples<'_, S>) -> Self {
        match samples.blocks() {
            Some(blocks) => Self::Windowed {
                order: WindowedOrder::new(samples.len(), blocks),
                announced: 0,
            },
            None => Self::All((0..samples.len() as u32).collect()),
        }
    }

    /// All samples; `None` if only a window is in memory.
    pub(super) fn all_rows(&mut self) -> Option<&mut [u32]> {
        match self {
            Self::All(order) => Some(order),
            Self::Windowed { .. } => None,
        }
    }

    /// Starts an epoch; without streams, the order stays the same in each epoch.
    pub(super) fn start_epoch(&mut self, streams: Option<Streams>, epoch: u64) {
        match (self, streams) {
            (Self::All(order), Some(streams)) => shuffle(order, epoch, streams),
            (Self::All(_), None) => {}
            (Self::Windowed { order, announced }, streams) => {
                order.start_epoch(streams, epoch);
                *announced = 0;
            }
        }
    }

    /// A part of the order that contains the given positions, and their range in this part.
    /// The source of the inputs starts to read the blocks of the next window.
    pub(super) fn around<S: Scalar>(
        &mut self,
        positions: Range<usize>,
        samples: &Samples<'_, S>,
    ) -> (&[u32], Range<usize>) {
        match self {
            Self::All(order) => (order, positions),
            Self::Windowed { order, announced } => {
                let n_rows = positions.len();
                order.rows(positions.clone());
                if *announced != order.next_window() {
                    *announced = order.next_window();
                    samples.prefetch(order.next_blocks());
                }
                (order.rows(positions), 0..n_rows)
            }
        }
    }
}
