//! The settings of a study.

use crate::journal::{Header, version};
use crate::{Dimension, Goal, Space, Stopping, Strategy};

/// The settings of a study.
///
/// | Name | Default | Purpose | Range |
/// |---|---|---|---|
/// | `space` | | search space | at least one dimension |
/// | `strategy` | `bayesian` | search strategy | [`Strategy`] |
/// | `goal` | minimize | direction of the optimization | [`Goal`] |
/// | `stopping` | `none` | rule for early stopping | [`Stopping`] |
/// | `seed` | 0 | seed of the random numbers | any |
/// | `round` | 1 | number of trials per round | at least 1 |
///
/// Trials are chosen in rounds: suggestions and stopping decisions use the outcomes of earlier
/// rounds only. The trials of a round can therefore run in parallel, and the result does not
/// depend on how many of them do.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The dimensions to search, with their ranges.
    pub space: Space,
    /// The strategy that suggests the next point.
    pub strategy: Strategy,
    /// The direction of the optimization.
    pub goal: Goal,
    /// The rule that stops unpromising trials early.
    pub stopping: Stopping,
    /// The seed of the random numbers.
    pub seed: u64,
    /// The number of trials per round.
    pub round: usize,
}

impl Settings {
    /// Creates settings of a Bayesian search that minimizes the objective.
    pub fn new(space: Space) -> Self {
        Self {
            space,
            strategy: Strategy::Bayesian { initial: 0 },
            goal: Goal::Minimize,
            stopping: Stopping::None,
            seed: 0,
            round: 1,
        }
    }

    /// Number of trials in the rounds before the round of the trial `id`.
    pub(crate) fn round_start(&self, id: usize) -> usize {
        id - id % self.round.max(1)
    }

    /// Returns `true` if a trial can start before the trials of earlier rounds have ended.
    pub(crate) fn is_independent(&self) -> bool {
        self.stopping == Stopping::None && !matches!(self.strategy, Strategy::Bayesian { .. })
    }

    pub(crate) fn header(&self) -> Header {
        let dimensions = self.space.dimensions().iter();
        Header {
            version: version(self.round),
            space: dimensions.map(Dimension::to_string).collect(),
            strategy: self.strategy.to_string(),
            goal: self.goal.name().to_owned(),
            stopping: self.stopping.to_string(),
            seed: self.seed,
            round: self.round,
        }
    }
}
