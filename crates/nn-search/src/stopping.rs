//! Early stopping of unpromising trials.
//!
//! | name | stops a trial at a step if | source |
//! |---|---|---|
//! | `none` | never | |
//! | `median:trials=5:steps=1` | its best value so far is worse than the median of the best values of the finished trials up to this step | Golovin et al. 2017, section 3.2.1 |
//!
//! Unlike successive halving, the median rule needs no schedule of budgets and works for
//! any order of trials. The rule compares a trial with finished trials that have reported up to the
//! step, at least `trials` of them, and ignores the first `steps` reports of every trial.
//! Deviation from the source: the rule compares with the best value of the other trials
//! instead of their running average, so that a trial that starts slowly is not stopped. NaN and infinity
//! always stop a trial.

use crate::menu::{Menu, Parameter, menu_text};
use crate::{Goal, Trial};

/// The rule that stops unpromising trials early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopping {
    /// No early stopping.
    None,
    /// The median rule: stops trials that are worse than the median of the finished
    /// trials.
    Median {
        /// Minimum number of finished trials to compare with.
        trials: usize,
        /// Number of reports at the beginning of a trial that are ignored.
        steps: usize,
    },
}

/// Advice for a running trial: continue or stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Continue the trial.
    Continue,
    /// Stop the trial and report [`Outcome::Stopped`](crate::Outcome::Stopped).
    Stop,
}

impl Menu for Stopping {
    const KIND: &'static str = "stopping rule";

    const ALL: &'static [Self] = &[
        Self::None,
        Self::Median {
            trials: 5,
            steps: 1,
        },
    ];

    fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Median { .. } => "median",
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        match self {
            Self::None => Vec::new(),
            Self::Median { trials, steps } => vec![
                Parameter::new("trials", trials, 1),
                Parameter::new("steps", steps, 0),
            ],
        }
    }
}

menu_text!(Stopping);

impl Stopping {
    /// The advice for `running` after its last report.
    pub(crate) fn decide(self, running: &Trial, trials: &[Trial], goal: Goal) -> Decision {
        let Some(&(step, value)) = running.reports.last() else {
            return Decision::Continue;
        };
        let is_bad = match self {
            Self::None => false,
            _ if !value.is_finite() => true,
            Self::Median { steps, .. } if running.reports.len() <= steps => false,
            Self::Median {
                trials: n_needed, ..
            } => {
                let mut others: Vec<f64> = trials
                    .iter()
                    .filter(|trial| trial.objective().is_some())
                    .filter(|trial| trial.reports.iter().any(|&(other, _)| other >= step))
                    .filter_map(|trial| best_cost(trial, step, goal))
                    .collect();
                let own = best_cost(running, step, goal);
                others.len() >= n_needed && own.is_none_or(|own| own > median(&mut others))
            }
        };
        match is_bad {
            true => Decision::Stop,
            false => Decision::Continue,
        }
    }
}

/// The lowest finite cost reported up to `step`.
fn best_cost(trial: &Trial, step: u64, goal: Goal) -> Option<f64> {
    trial
        .reports
        .iter()
        .filter(|&&(other, value)| other <= step && value.is_finite())
        .map(|&(_, value)| goal.cost(value))
        .reduce(f64::min)
}

/// Sorts the values and returns the median; for an even number of values, the mean of the
/// two in the middle.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => values[middle],
        _ => 0.5 * (values[middle - 1] + values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Outcome, Space};

    use super::*;

    const MEDIAN: Stopping = Stopping::Median {
        trials: 3,
        steps: 1,
    };

    fn trial(values: &[f64], outcome: Option<Outcome>) -> Trial {
        let space: Space = "x=0..1".parse().unwrap();
        let steps = 1..;
        Trial {
            reports: steps.zip(values.iter().copied()).collect(),
            outcome,
            ..Trial::new(0, space.point_at(&[0.5]))
        }
    }

    fn finished(values: &[f64]) -> Trial {
        trial(values, Some(Outcome::Finished(values[values.len() - 1])))
    }

    #[test]
    fn menu() {
        crate::menu::tests::check::<Stopping>();
    }

    #[test]
    fn the_worse_half_is_stopped() {
        let others = [
            finished(&[0.9, 0.5, 0.1]),
            finished(&[0.9, 0.6, 0.2]),
            finished(&[0.9, 0.7, 0.3]),
        ];
        let decide = |values| MEDIAN.decide(&trial(values, None), &others, Goal::Minimize);
        assert_eq!(decide(&[0.9, 0.61]), Decision::Stop);
        assert_eq!(decide(&[0.9, 0.60]), Decision::Continue);
        assert_eq!(decide(&[0.1, 0.99]), Decision::Continue);
        assert_eq!(decide(&[0.1, f64::NAN]), Decision::Stop);
        assert_eq!(decide(&[5.0]), Decision::Continue, "the first step is free");
        assert_eq!(decide(&[]), Decision::Continue);
        let upwards = MEDIAN.decide(&trial(&[0.8, 0.85], None), &others, Goal::Maximize);
        assert_eq!(upwards, Decision::Stop);
    }

    #[test]
    fn too_few_trials_stop_nothing() {
        let others = [
            finished(&[0.9, 0.5]),
            finished(&[0.9, 0.5]),
            finished(&[0.9]),
            trial(&[0.9, 0.5], Some(Outcome::Stopped)),
            trial(&[0.9, 0.5], Some(Outcome::Failed)),
            trial(&[0.9, 0.5], None),
        ];
        let bad = trial(&[9.0, 9.0], None);
        assert_eq!(
            MEDIAN.decide(&bad, &others, Goal::Minimize),
            Decision::Continue
        );
        let never = Stopping::None.decide(&bad, &others, Goal::Minimize);
        assert_eq!(never, Decision::Continue);
    }
}
