//! Trials: evaluations of the objective at a point.

use crate::Point;

/// The direction of the optimization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Minimize the objective, such as a loss.
    Minimize,
    /// Maximize the objective, such as an accuracy.
    Maximize,
}

impl Goal {
    /// Converts an objective to a cost to be minimized.
    pub(crate) fn cost(self, objective: f64) -> f64 {
        match self {
            Self::Minimize => objective,
            Self::Maximize => -objective,
        }
    }

    /// Name of the direction: `minimize` or `maximize`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Minimize => "minimize",
            Self::Maximize => "maximize",
        }
    }
}

/// The outcome of a trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// The trial finished with this objective; NaN and infinity count as
    /// [`Outcome::Failed`].
    Finished(f64),
    /// The trial was stopped early on the advice of
    /// [`Study::report`](crate::Study::report).
    Stopped,
    /// The trial has no result, for example because the training run diverged.
    Failed,
}

/// One evaluation of the objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Number of the trial, counted from 0.
    pub id: usize,
    /// The evaluated point of the search space.
    pub point: Point,
    /// Reported intermediate values, each with its step.
    pub reports: Vec<(u64, f64)>,
    /// The outcome; `None` while the trial is running.
    pub outcome: Option<Outcome>,
}

/// The bits of a value; a journal writes NaN and infinite values as `null`.
fn canonical(value: f64) -> u64 {
    let value = if value.is_finite() { value } else { f64::NAN };
    value.to_bits()
}

impl Trial {
    pub(crate) fn new(id: usize, point: Point) -> Self {
        Self {
            id,
            point,
            reports: Vec::new(),
            outcome: None,
        }
    }

    /// The objective value, if the trial finished with a finite one.
    pub fn objective(&self) -> Option<f64> {
        match self.outcome {
            Some(Outcome::Finished(objective)) => Some(objective).filter(|value| value.is_finite()),
            _ => None,
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.outcome.is_none()
    }

    /// Compares point, reports and outcome; unlike `==`, NaN equals NaN.
    pub fn is_same(&self, other: &Self) -> bool {
        let bits = |trial: &Self| -> Vec<(u64, u64)> {
            let reports = trial.reports.iter();
            reports
                .map(|(step, value)| (*step, canonical(*value)))
                .collect()
        };
        let outcome = |trial: &Self| match trial.outcome {
            Some(Outcome::Finished(objective)) => (0, canonical(objective)),
            Some(Outcome::Stopped) => (1, 0),
            Some(Outcome::Failed) => (2, 0),
            None => (3, 0),
        };
        self.point == other.point && bits(self) == bits(other) && outcome(self) == outcome(other)
    }
}
