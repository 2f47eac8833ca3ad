//! The progress of a training run: epoch and batch, the best weights so far, and a gradient
//! that has not been applied yet.

use nn_error::Error;
use nn_tensor::Scalar;
use serde::{Deserialize, Serialize};

use crate::network::Network;

/// The position of a training run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    /// Number of finished epochs.
    pub(crate) epoch: usize,
    /// Number of finished batches of the current epoch.
    pub(crate) batch: usize,
    /// Number of steps since the start of training.
    pub(crate) step: u64,
    /// Sums over the current epoch so far.
    pub(crate) sums: EpochSums,
    /// Learning rate before the schedule.
    pub(crate) learning_rate: f64,
    /// Learning rate of the last step.
    pub(crate) last_rate: f64,
    pub(crate) is_done: bool,
    /// Number of steps on rows supplied by the caller.
    #[serde(rename = "n_brought", default, skip_serializing_if = "is_zero")]
    pub(crate) n_streamed_steps: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "required by serde")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Progress {
    pub(super) fn new(learning_rate: f64) -> Self {
        Self {
            epoch: 0,
            batch: 0,
            step: 0,
            sums: EpochSums::default(),
            learning_rate,
            last_rate: 0.0,
            is_done: false,
            n_streamed_steps: 0,
        }
    }

    /// The error for a value that is NaN or infinite.
    pub(super) fn diverged(
        &self,
        n_batches: usize,
        what: &'static str,
        value: f64,
        layer: usize,
    ) -> Error {
        Error::Diverged {
            what,
            value: value.to_string(),
            epoch: self.epoch + 1,
            batch: (self.batch + 1).min(n_batches),
            layer: layer + 1,
            learning_rate: self.last_rate,
        }
    }
}

/// Sums over the rows of an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EpochSums {
    pub(super) loss: f64,
    pub(super) weight: f64,
    #[serde(rename = "right")]
    pub(super) n_correct: u64,
    pub(super) n: u64,
}

impl EpochSums {
    #[inline]
    pub(super) fn add(&mut self, other: Self) {
        self.loss += other.loss;
        self.weight += other.weight;
        self.n_correct += other.n_correct;
        self.n += other.n;
    }

    /// The bits of the sums, to be sent to another process.
    pub(super) fn words(self) -> [u64; 4] {
        let Self {
            loss,
            weight,
            n_correct,
            n,
        } = self;
        [loss.to_bits(), weight.to_bits(), n_correct, n]
    }

    /// The sums with these [`words`](Self::words).
    pub(super) fn of_words([loss, weight, n_correct, n]: [u64; 4]) -> Self {
        Self {
            loss: f64::from_bits(loss),
            weight: f64::from_bits(weight),
            n_correct,
            n,
        }
    }

    /// The sums over the rows, from those over the rows of `n_members` members.
    pub(super) fn per_member(self, n_members: usize) -> Self {
        Self {
            loss: self.loss / n_members as f64,
            weight: self.weight / n_members as f64,
            ..self
        }
    }

    pub(super) fn loss(self) -> f64 {
        if self.weight > 0.0 {
            self.loss / self.weight
        } else {
            0.0
        }
    }

    pub(super) fn accuracy(self) -> f64 {
        self.n_correct as f64 / self.n.max(1) as f64
    }

    /// Returns `true` if the sums can be those of part of an epoch of `n_samples` rows.
    pub(super) fn is_possible(self, n_samples: usize) -> bool {
        let is_sum = |sum: f64| sum.is_finite();
        is_sum(self.loss)
            && is_sum(self.weight)
            && self.weight >= 0.0
            && self.n_correct <= self.n
            && self.n <= n_samples as u64
    }
}

/// The best weights so far, for early stopping.
#[derive(Clone, Debug)]
pub(super) struct Best<S> {
    /// The lowest value of the monitored metric.
    pub(super) value: f64,
    pub(super) waited: usize,
    pub(super) network: Option<Network<S>>,
}

/// The batch whose gradient has been computed but not used by a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) n_samples: usize,
    pub(super) sums: EpochSums,
}

/// The first value that is NaN or infinite.
pub(super) fn first_not_finite<S: Scalar>(values: &[S]) -> Option<f64> {
    // No early exit, so that the loop can be vectorized.
    let all_are_finite = values
        .iter()
        .fold(true, |all, value| all & value.is_finite());
    if all_are_finite {
        return None;
    }
    let bad = values.iter().find(|value| !value.is_finite());
    bad.map(|bad| bad.into_f64())
}
