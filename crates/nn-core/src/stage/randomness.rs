//! Random numbers of a training step, which depend only on the seed, the step and the
//! block of rows, not on earlier draws or the number of threads.

use nn_tensor::random::{Purpose, Stream, Streams};

/// The random numbers of one block of rows in one training step.
#[derive(Clone, Copy, Debug)]
pub struct Randomness {
    streams: Streams,
    step: u64,
    block: u64,
    dropout_factor: f64,
}

impl Randomness {
    /// Creates the random numbers for step `step`, counted from 0, of a training run with the
    /// given seed.
    pub fn new(seed: u64, step: u64) -> Self {
        let streams = Streams::new(seed);
        Self {
            streams,
            step,
            block: 0,
            dropout_factor: 1.0,
        }
    }

    /// Returns the random numbers of a different block of the same step.
    #[must_use]
    pub fn block(self, block: usize) -> Self {
        Self {
            block: block as u64,
            ..self
        }
    }

    /// Sets a factor that multiplies every dropout probability; the random numbers stay
    /// the same.
    #[must_use]
    pub fn with_dropout_factor(self, dropout_factor: f64) -> Self {
        Self {
            dropout_factor,
            ..self
        }
    }

    /// The factor on every dropout probability.
    pub(super) fn dropout_factor(self) -> f64 {
        self.dropout_factor
    }

    /// The stream that decides which outputs of a layer are dropped.
    pub(super) fn dropout(self, layer: usize) -> Stream {
        // 32 bits for the step, 16 for the block, 8 for the layer.
        let [step, block, layer] = [self.step << 24, self.block << 8, layer as u64];
        let index = (step | (block & 0xffff00) | (layer & 0xff)) & ((1 << 56) - 1);
        self.streams.stream(Purpose::Dropout, index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_differ_by_step_block_and_layer_and_are_reproducible() {
        let bits = |step, block, layer| Randomness::new(1, step).block(block).dropout(layer).bits();
        assert_eq!(bits(3, 2, 1), bits(3, 2, 1));
        let others = [bits(4, 2, 1), bits(3, 1, 1), bits(3, 2, 0)];
        assert!(others.iter().all(|&other| other != bits(3, 2, 1)));
    }
}
