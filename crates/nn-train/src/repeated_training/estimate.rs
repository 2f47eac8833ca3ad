//! The mean of a measure over several training runs, with its confidence interval.

use std::collections::BTreeMap;

use nn_metrics::MeanEstimate;

use super::repetition::Repetition;

/// The mean of a measure over several training runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Standard deviation and 95 % confidence interval; `None` for a single run.
    pub spread: Option<MeanEstimate>,
}

/// What the interval of a mean covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// Student's t-distribution over the folds, with the correction of Nadeau and Bengio.
    /// With several seeds, each fold has the mean over its seeds.
    Folds,
    /// Student's t-distribution over the seeds.
    Seeds,
    /// There is one run.
    None,
}

impl Interval {
    /// The interval of the mean over these training runs.
    pub fn of(runs: &[Repetition]) -> Self {
        let folds = distinct(runs.iter().map(|run| run.fold));
        let seeds = distinct(runs.iter().map(|run| run.seed));
        match (folds, seeds) {
            (2.., _) => Self::Folds,
            (_, 2..) => Self::Seeds,
            _ => Self::None,
        }
    }

    /// The meaning of the interval, as a sentence; `None` without an interval.
    pub fn meaning(self) -> Option<&'static str> {
        match self {
            Self::Folds => Some(
                "The interval is a 95 % confidence interval of the mean over the folds by Student's \
                 t-distribution, widened because the folds share training samples (Nadeau & \
                 Bengio 2003).",
            ),
            Self::Seeds => Some(
                "The interval is a 95 % confidence interval of the mean over all seeds by Student's \
                 t-distribution. It covers the randomness of training, and not the choice of the \
                 test samples, which are the same for all seeds.",
            ),
            Self::None => None,
        }
    }
}

/// Estimates the mean of the `values` of training runs that have the same size. Values of a
/// fold are averaged over the seeds first. At least one value is needed.
pub fn estimate(values: &[(Repetition, f64)]) -> Estimate {
    let runs: Vec<Repetition> = values.iter().map(|(run, _)| *run).collect();
    let (values, spread) = match Interval::of(&runs) {
        Interval::Folds => {
            let fold_of = |run: Repetition| Repetition {
                fold: run.fold,
                ..Repetition::default()
            };
            let means = means_by(values, fold_of);
            let means: Vec<f64> = means.into_iter().map(|(_, mean)| mean).collect();
            let spread = MeanEstimate::of_folds(&means);
            (means, spread)
        }
        Interval::Seeds | Interval::None => {
            let values: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
            let spread = MeanEstimate::of_independent(&values);
            (values, spread)
        }
    };
    Estimate {
        mean: values.iter().sum::<f64>() / values.len() as f64,
        spread,
    }
}

/// The mean of the `values` of all training runs with the same `key`, in the order of the keys.
pub fn means_by(
    values: &[(Repetition, f64)],
    key: impl Fn(Repetition) -> Repetition,
) -> Vec<(Repetition, f64)> {
    let mut groups: BTreeMap<Repetition, (f64, f64)> = BTreeMap::new();
    for &(run, value) in values {
        let (sum, n) = groups.entry(key(run)).or_default();
        *sum += value;
        *n += 1.0;
    }
    let groups = groups.into_iter();
    groups.map(|(key, (sum, n))| (key, sum / n)).collect()
}

fn distinct<T: Ord>(values: impl Iterator<Item = T>) -> usize {
    let mut values: Vec<T> = values.collect();
    values.sort();
    values.dedup();
    values.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(fold: Option<usize>, seed: Option<u64>) -> Repetition {
        Repetition {
            size: None,
            fold,
            seed,
        }
    }

    /// Folds with the means 0.8 and 0.9 have the interval of two folds, not of four runs.
    #[test]
    fn seeds_are_averaged_in_each_fold() {
        let values = [(1, 0, 0.7), (1, 1, 0.9), (2, 0, 0.85), (2, 1, 0.95)];
        let values = values.map(|(fold, seed, value)| (run(Some(fold), Some(seed)), value));
        let found = estimate(&values);
        let expected = MeanEstimate::of_folds(&[0.8, 0.9]).expect("two folds");
        let spread = found.spread.expect("two folds");
        assert!((found.mean - 0.85).abs() < 1e-12);
        assert!((spread.interval.0 - expected.interval.0).abs() < 1e-12);
    }

    #[test]
    fn seeds_are_independent() {
        let values = [(run(None, Some(0)), 0.8), (run(None, Some(1)), 0.9)];
        assert_eq!(
            estimate(&values).spread,
            MeanEstimate::of_independent(&[0.8, 0.9])
        );
        assert_eq!(estimate(&values[..1]).spread, None);
    }
}
