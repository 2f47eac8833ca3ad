//! Targets of the Gaussian process: costs of the trials, standardized and without
//! outliers.
//!
//! - The cost of a finished trial is its objective.
//! - The cost of a stopped trial is the last value that it reported, or the median cost of
//!   the finished trials if the median is higher, because only bad trials are stopped.
//! - High outliers are clipped to Tukey's fence (1977), `Q₃ + 1.5·(Q₃ − Q₁)`, because
//!   they say little about the position of the minimum.
//! - The cost of a failed trial is the highest cost after clipping.

use crate::stopping::median;
use crate::{Goal, Outcome, Trial};

/// Standardized targets with their mean and standard deviation.
#[derive(Clone, Debug)]
pub(crate) struct Targets {
    /// `(cost − mean) / std`, one per trial.
    pub(crate) values: Vec<f64>,
    pub(crate) mean: f64,
    pub(crate) std: f64,
}

impl Targets {
    /// Computes the targets of ended trials; `None` if no trial finished.
    pub(crate) fn new(trials: &[&Trial], goal: Goal) -> Option<Self> {
        let mut finished = finished_costs(trials, goal);
        if finished.is_empty() {
            return None;
        }
        let middle = median(&mut finished);
        let costs: Vec<Option<f64>> = trials
            .iter()
            .map(|trial| cost(trial, goal, middle))
            .collect();
        let mut known: Vec<f64> = costs.iter().copied().flatten().collect();
        known.sort_unstable_by(f64::total_cmp);
        let worst = known[known.len() - 1].min(fence(&known));
        let values = costs
            .into_iter()
            .map(|cost| cost.map_or(worst, |cost| cost.min(worst)));
        Some(Self::standardized(values.collect()))
    }

    fn standardized(mut values: Vec<f64>) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
        let std = if variance > 0.0 { variance.sqrt() } else { 1.0 };
        for value in &mut values {
            *value = (*value - mean) / std;
        }
        Self { values, mean, std }
    }
}

fn finished_costs(trials: &[&Trial], goal: Goal) -> Vec<f64> {
    let objectives = trials.iter().filter_map(|trial| trial.objective());
    objectives.map(|objective| goal.cost(objective)).collect()
}

fn cost(trial: &Trial, goal: Goal, median: f64) -> Option<f64> {
    if let Some(Outcome::Stopped) = trial.outcome {
        let &(_, value) = trial.reports.last()?;
        return value.is_finite().then(|| goal.cost(value).max(median));
    }
    trial.objective().map(|objective| goal.cost(objective))
}

/// Tukey's upper fence of sorted values; infinite if there are too few values.
fn fence(sorted: &[f64]) -> f64 {
    const FEWEST: usize = 4;
    if sorted.len() < FEWEST {
        return f64::INFINITY;
    }
    let (first, third) = (quantile(sorted, 0.25), quantile(sorted, 0.75));
    if third > first {
        third + 1.5 * (third - first)
    } else {
        f64::INFINITY
    }
}

/// Quantile with linear interpolation (Hyndman & Fan 1996, type 7).
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = q * (sorted.len() - 1) as f64;
    let below = place as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use crate::Space;

    use super::*;

    fn trial(outcome: Outcome, reports: &[f64]) -> Trial {
        let space: Space = "x=0..1".parse().unwrap();
        Trial {
            reports: (1..).zip(reports.iter().copied()).collect(),
            outcome: Some(outcome),
            ..Trial::new(0, space.point_at(&[0.5]))
        }
    }

    /// Targets on the scale of the costs.
    fn costs(trials: &[Trial], goal: Goal) -> Option<Vec<f64>> {
        let targets = Targets::new(&trials.iter().collect::<Vec<_>>(), goal)?;
        let n = targets.values.len() as f64;
        assert!((targets.values.iter().sum::<f64>() / n).abs() < 1e-12);
        let back = |value| value * targets.std + targets.mean;
        Some(targets.values.iter().copied().map(back).collect())
    }

    fn assert_close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() < 1e-12,
                "{found} against {expected}"
            );
        }
    }

    #[test]
    fn failed_and_wild_trials_count_as_bad_but_not_wild() {
        let trials = [
            trial(Outcome::Finished(0.0), &[]),
            trial(Outcome::Finished(1.0), &[]),
            trial(Outcome::Finished(2.0), &[]),
            trial(Outcome::Finished(3.0), &[]),
            trial(Outcome::Finished(1e30), &[]),
            trial(Outcome::Finished(f64::NAN), &[]),
            trial(Outcome::Failed, &[0.1]),
        ];
        let found = costs(&trials, Goal::Minimize).unwrap();
        assert_close(&found, &[0.0, 1.0, 2.0, 3.0, 6.0, 6.0, 6.0]);
    }

    #[test]
    fn stopped_trials_are_never_better_than_the_median() {
        let trials = [
            trial(Outcome::Finished(0.9), &[]),
            trial(Outcome::Finished(0.8), &[]),
            trial(Outcome::Finished(0.7), &[]),
            trial(Outcome::Stopped, &[0.1, 0.6]),
            trial(Outcome::Stopped, &[0.99]),
            trial(Outcome::Stopped, &[]),
        ];
        let found = costs(&trials, Goal::Maximize).unwrap();
        assert_close(&found, &[-0.9, -0.8, -0.7, -0.6, -0.8, -0.6]);
    }

    #[test]
    fn nothing_finished_means_no_targets() {
        assert!(costs(&[trial(Outcome::Failed, &[])], Goal::Minimize).is_none());
        let same = [trial(Outcome::Finished(2.0), &[])];
        assert_close(&costs(&same, Goal::Minimize).unwrap(), &[2.0]);
    }
}
