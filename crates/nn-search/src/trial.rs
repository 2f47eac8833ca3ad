//! One evaluation of the objective: where, what was reported on the way, and
//! what came out.

use crate::Point;

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Small objectives, such as a loss.
    Minimize,
    /// Large objectives, such as an accuracy.
    Maximize,
}

impl Goal {
    /// The objective, such that small is good.
    pub(crate) fn cost(self, objective: f64) -> f64 {
        match self {
            Self::Minimize => objective,
            Self::Maximize => -objective,
        }
    }

    /// `minimize` or `maximize`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Minimize => "minimize",
            Self::Maximize => "maximize",
        }
    }
}

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// With this objective; one that is not finite counts as [`Outcome::Failed`].
    Finished(f64),
    /// Early, as [`Study::report`](crate::Study::report) advised.
    Stopped,
    /// Without a result, for example because the training diverged.
    Failed,
}

/// One evaluation of the objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Its number, counted from 0.
    pub id: usize,
    /// Where.
    pub point: Point,
    /// Steps and values reported on the way.
    pub reports: Vec<(u64, f64)>,
    /// How it ended; `None` while it runs.
    pub outcome: Option<Outcome>,
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

    /// What came out, if the trial finished and it is a number.
    pub fn objective(&self) -> Option<f64> {
        match self.outcome {
            Some(Outcome::Finished(objective)) => Some(objective).filter(|value| value.is_finite()),
            _ => None,
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.outcome.is_none()
    }
}
