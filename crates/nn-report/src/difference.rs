//! Paired tests of the differences between runs.
//!
//! Two single runs are compared on each of the test samples: McNemar's exact test for classes,
//! the paired t-test for the absolute errors of a regression. Two repeated trainings are compared
//! by the paired t-test over the folds or seeds that both have, for folds with the correction of
//! Nadeau and Bengio. The p-values of several pairs are adjusted (Holm).

use std::path::Path;

use nn_plot::number;
use nn_tensor::Threads;
use nn_train::nn_metrics::{MeanEstimate, PairedClasses, holm};
use nn_train::repeated_training::{Interval, estimate, means_by};
use nn_train::run_dir::first_run_in;
use nn_train::{RepeatedTraining, Repetition, Result, RowScores, Scores};

use crate::record::RunRecord;
use crate::repeated_runs::RepeatedRuns;

/// A difference with an adjusted p-value below this level is significant.
const LEVEL: f64 = 0.05;

/// The comparison of two runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Indices of the two runs in the comparison.
    pub runs: [usize; 2],
    /// The paired test, or the reason why none is possible.
    pub test: Result<PairedTest, String>,
}

/// The result of a paired test.
#[derive(Clone, Debug, PartialEq)]
pub struct PairedTest {
    /// What was measured.
    pub measure: PairedMeasure,
    /// The value of the second run minus that of the first.
    pub difference: f64,
    /// 95 % confidence interval of the difference.
    pub interval: (f64, f64),
    /// The p-value of this test alone.
    pub p_value: f64,
    /// The p-value adjusted for the number of tests of the comparison (Holm).
    pub adjusted_p_value: f64,
    /// Name of the test, with the number of pairs.
    pub method: String,
}

/// The measure of a paired test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairedMeasure {
    /// Fraction of the correct test samples.
    TestAccuracy,
    /// Mean absolute error on the test samples.
    TestMeanAbsoluteError,
    /// Root mean square error on the test samples.
    TestRootMeanSquareError,
    /// Mean loss of the test samples.
    TestLoss,
}

impl PairedMeasure {
    /// The name of the measure.
    pub fn name(self) -> &'static str {
        match self {
            Self::TestAccuracy => "test accuracy",
            Self::TestMeanAbsoluteError => "test mean absolute error",
            Self::TestRootMeanSquareError => "test root mean square error",
            Self::TestLoss => "test loss",
        }
    }

    fn is_higher_better(self) -> bool {
        self == Self::TestAccuracy
    }

    /// A number of this measure, such as `1.25 points`.
    fn text(self, value: f64) -> String {
        match self {
            Self::TestAccuracy => format!("{:.2} points", 100.0 * value),
            _ => number::number(value),
        }
    }
}

impl PairedTest {
    /// Whether the adjusted p-value is below 0.05.
    pub fn is_significant(&self) -> bool {
        self.adjusted_p_value < LEVEL
    }

    /// Whether the second run is better than the first, significantly or not.
    fn is_second_better(&self) -> bool {
        (self.difference > 0.0) == self.measure.is_higher_better()
    }
}

impl Difference {
    /// The result in words; `names` are the names of all runs.
    pub fn verdict(&self, names: &[&str]) -> String {
        let [first, second] = self.runs.map(|run| names[run]);
        let test = match &self.test {
            Err(reason) => {
                return format!("{first} and {second}: no paired test, because {reason}");
            }
            Ok(test) => test,
        };
        let (better, worse) = match test.is_second_better() {
            true => (second, first),
            false => (first, second),
        };
        let numbers = test.numbers();
        if test.is_significant() {
            format!("{better} is better than {worse}: {numbers}")
        } else if test.difference == 0.0 {
            format!("no difference between {first} and {second}: {numbers}")
        } else {
            format!(
                "no significant difference between {first} and {second}; {better} is ahead: {numbers}"
            )
        }
    }
}

impl PairedTest {
    /// The size of the difference, as a gain of the better run, with the test.
    fn numbers(&self) -> String {
        let Self {
            measure,
            difference,
            interval: (low, high),
            p_value,
            adjusted_p_value,
            method,
        } = self;
        let (low, high) = match *difference < 0.0 {
            true => (-high, -low),
            false => (*low, *high),
        };
        let adjusted = match adjusted_p_value == p_value {
            true => String::new(),
            false => format!(" (adjusted: {})", p_text(*adjusted_p_value)),
        };
        format!(
            "{} {} by {} (95 % interval {} to {}), {}{adjusted}, {method}",
            measure.name(),
            if measure.is_higher_better() {
                "higher"
            } else {
                "lower"
            },
            measure.text(difference.abs()),
            measure.text(low),
            measure.text(high),
            p_text(*p_value),
        )
    }
}

/// A p-value, such as `p = 0.0123`.
fn p_text(p: f64) -> String {
    if p < 0.0001 {
        return "p < 0.0001".to_owned();
    }
    format!("p = {p:.4}")
}

/// What is measured of a run, for paired tests.
enum Measured {
    /// A single run: its scores on the test samples.
    Single(Result<RowScores, String>),
    /// A repeated training: its measures, and the test samples of its first run.
    Repeated {
        measure: PairedMeasure,
        values: Vec<(Repetition, f64)>,
        first: Result<RowScores, String>,
    },
}

/// Tests the differences between all pairs of runs. A run may be the directory of a repeated
/// training. The models are evaluated on the test samples of their data sets, which are read
/// from `data_dir` if they are not files.
pub fn differences(directories: &[&Path], data_dir: &Path, threads: &Threads) -> Vec<Difference> {
    let measured: Vec<Measured> = directories
        .iter()
        .map(|directory| Measured::of(directory, data_dir, threads))
        .collect();
    let mut differences = Vec::new();
    for second in 1..measured.len() {
        for first in 0..second {
            differences.push(Difference {
                runs: [first, second],
                test: paired_test(&measured[first], &measured[second]),
            });
        }
    }
    differences.sort_by_key(|difference| difference.runs);
    adjust(&mut differences);
    differences
}

fn adjust(differences: &mut [Difference]) {
    let tests = differences
        .iter_mut()
        .filter_map(|it| it.test.as_mut().ok());
    let tests: Vec<&mut PairedTest> = tests.collect();
    let p_values: Vec<f64> = tests.iter().map(|test| test.p_value).collect();
    for (test, adjusted) in tests.into_iter().zip(holm(&p_values)) {
        test.adjusted_p_value = adjusted;
    }
}

impl Measured {
    fn of(directory: &Path, data_dir: &Path, threads: &Threads) -> Self {
        let scores_of = |directory: &Path| {
            RowScores::of_run(directory, data_dir, threads).map_err(|error| error.to_string())
        };
        if !RepeatedTraining::is_at(directory) {
            return Self::Single(scores_of(directory));
        }
        let runs = match RepeatedRuns::read(directory, "nn") {
            Ok(runs) => runs,
            Err(error) => return Self::Single(Err(error.to_string())),
        };
        let (measure, values) = repeated_values(&runs);
        let first = first_run_in(directory).unwrap_or_else(|| directory.to_owned());
        Self::Repeated {
            measure,
            values,
            first: scores_of(&first),
        }
    }
}

/// The first measure that all runs have, and its values.
fn repeated_values(runs: &RepeatedRuns) -> (PairedMeasure, Vec<(Repetition, f64)>) {
    type Value = fn(&RunRecord) -> Option<f64>;
    let measures: [(PairedMeasure, Value); 3] = [
        (PairedMeasure::TestAccuracy, |run| run.summary.test_accuracy),
        (PairedMeasure::TestRootMeanSquareError, |run| {
            run.summary.test_rmse
        }),
        (PairedMeasure::TestLoss, |run| run.summary.test_loss),
    ];
    for (measure, value) in measures {
        let values = runs.runs().map(|(run, record)| Some((run, value(record)?)));
        if let Some(values) = values.collect() {
            return (measure, values);
        }
    }
    (PairedMeasure::TestLoss, Vec::new())
}

/// The paired test of two runs, or the reason why none is possible.
fn paired_test(first: &Measured, second: &Measured) -> Result<PairedTest, String> {
    match (first, second) {
        (Measured::Single(first), Measured::Single(second)) => {
            let (first, second) = (first.as_ref(), second.as_ref());
            test_of_samples(first.map_err(Clone::clone)?, second.map_err(Clone::clone)?)
        }
        (
            Measured::Repeated {
                measure,
                values,
                first: samples,
            },
            Measured::Repeated {
                measure: other_measure,
                values: other_values,
                first: other_samples,
            },
        ) => {
            let (samples, other) = (samples.as_ref(), other_samples.as_ref());
            check_samples(samples.map_err(Clone::clone)?, other.map_err(Clone::clone)?)?;
            if measure != other_measure {
                return Err("the tasks differ".to_owned());
            }
            test_of_repetitions(*measure, values, other_values)
        }
        _ => Err(
            "one of them is a single training run; train both with the same --seeds or --folds"
                .to_owned(),
        ),
    }
}

fn check_samples(first: &RowScores, second: &RowScores) -> Result<(), String> {
    if !first.has_task_of(second) {
        return Err("they predict different classes, labels or targets".to_owned());
    }
    if !first.has_samples_of(second) {
        return Err("the test samples differ; use the same data and --split-seed".to_owned());
    }
    Ok(())
}

fn test_of_samples(first: &RowScores, second: &RowScores) -> Result<PairedTest, String> {
    check_samples(first, second)?;
    let n = first.n_samples();
    let of_values = |measure, first: &[f64], second: &[f64]| {
        let differences = second
            .iter()
            .zip(first)
            .map(|(second, first)| second - first);
        let estimate = MeanEstimate::of_independent(&differences.collect::<Vec<_>>());
        let estimate = estimate.ok_or("there is one test sample")?;
        let method = format!("paired t-test on {} test samples", number::count(n as u64));
        Ok(PairedTest::of_mean(measure, estimate, method))
    };
    match (&first.scores, &second.scores) {
        (Scores::Correct(first), Scores::Correct(second)) => {
            let pairs = PairedClasses::new(first, second);
            Ok(PairedTest {
                measure: PairedMeasure::TestAccuracy,
                difference: pairs.difference(),
                interval: pairs.interval(),
                p_value: pairs.p_value(),
                adjusted_p_value: pairs.p_value(),
                method: format!(
                    "McNemar's exact test on {} test samples",
                    number::count(n as u64)
                ),
            })
        }
        (Scores::CorrectFraction(first), Scores::CorrectFraction(second)) => {
            of_values(PairedMeasure::TestAccuracy, first, second)
        }
        (Scores::AbsoluteError(first), Scores::AbsoluteError(second)) => {
            of_values(PairedMeasure::TestMeanAbsoluteError, first, second)
        }
        _ => Err("the tasks differ".to_owned()),
    }
}

fn test_of_repetitions(
    measure: PairedMeasure,
    first: &[(Repetition, f64)],
    second: &[(Repetition, f64)],
) -> Result<PairedTest, String> {
    let none = || "they have no two folds or seeds in common".to_owned();
    let [first, second] = [first, second].map(|runs| means_by(runs, without_seed_of_fold));
    let is_of_fold = |(run, _): &(Repetition, f64)| run.fold.is_some();
    let difference = |&(repetition, value): &(Repetition, f64)| {
        let other = second.iter().find(|(other, _)| *other == repetition)?;
        Some((repetition, other.1 - value))
    };
    let differences: Vec<(Repetition, f64)> = first.iter().filter_map(difference).collect();
    let has_all_folds = differences.len() == first.len() && first.len() == second.len();
    if !has_all_folds && first.iter().chain(&second).any(is_of_fold) {
        return Err(none());
    }
    let runs: Vec<Repetition> = differences.iter().map(|(run, _)| *run).collect();
    let estimate = estimate(&differences).spread.ok_or_else(none)?;
    let method = match Interval::of(&runs) {
        Interval::Folds => format!("corrected paired t-test over {} folds", estimate.n),
        _ => format!("paired t-test over {} seeds", estimate.n),
    };
    Ok(PairedTest::of_mean(measure, estimate, method))
}

/// The training run without its seed, if it is one of a fold: the results of the seeds of a fold
/// are averaged.
fn without_seed_of_fold(run: Repetition) -> Repetition {
    Repetition {
        seed: run.seed.filter(|_| run.fold.is_none()),
        ..run
    }
}

impl PairedTest {
    /// The paired t-test of differences.
    fn of_mean(measure: PairedMeasure, estimate: MeanEstimate, method: String) -> Self {
        Self {
            measure,
            difference: estimate.mean,
            interval: estimate.interval,
            p_value: estimate.p_value(),
            adjusted_p_value: estimate.p_value(),
            method,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(values: [f64; 3]) -> Vec<(Repetition, f64)> {
        let run = |(seed, value)| {
            let repetition = Repetition {
                seed: Some(seed),
                ..Repetition::default()
            };
            (repetition, value)
        };
        (0..).zip(values).map(run).collect()
    }

    /// Differences 0.02, 0.03, 0.04: mean 0.03, standard error 0.01/√3, t = 5.196, and
    /// p = 0.03508 for two degrees of freedom.
    #[test]
    fn seeds_are_paired() {
        let (first, second) = (seeds([0.90, 0.90, 0.91]), seeds([0.92, 0.93, 0.95]));
        let test = test_of_repetitions(PairedMeasure::TestAccuracy, &first, &second);
        let test = test.expect("three seeds");
        assert!((test.p_value - 0.035_1).abs() < 1e-4, "{}", test.p_value);
        let difference = Difference {
            runs: [0, 1],
            test: Ok(test),
        };
        let verdict = difference.verdict(&["a", "b"]);
        assert!(verdict.starts_with("b is better than a: test accuracy higher by 3.00 points"));
        assert!(verdict.ends_with("paired t-test over 3 seeds"), "{verdict}");
        let other = test_of_repetitions(PairedMeasure::TestAccuracy, &first, &second[..1]);
        assert!(other.is_err());
    }

    /// The means of the folds are 0.90, 0.91, 0.92 and 0.93, 0.95, 0.94.
    #[test]
    fn the_seeds_of_a_fold_are_averaged_before_folds_are_paired() {
        let run = |fold, seed, value| {
            let repetition = Repetition {
                fold: Some(fold),
                seed,
                ..Repetition::default()
            };
            (repetition, value)
        };
        let single = [(1, 0.90), (2, 0.91), (3, 0.92)].map(|(fold, it)| run(fold, None, it));
        let seeds = [(1, 0.92), (2, 0.94), (3, 0.93)].map(|(fold, it)| run(fold, Some(0), it));
        let others = [(1, 0.94), (2, 0.96), (3, 0.95)].map(|(fold, it)| run(fold, Some(1), it));
        let several = [seeds, others].concat();
        let test = test_of_repetitions(PairedMeasure::TestAccuracy, &single, &several);
        let test = test.expect("the same folds");
        assert!(
            (test.difference - 0.03).abs() < 1e-12,
            "{}",
            test.difference
        );
        assert_eq!(test.method, "corrected paired t-test over 3 folds");
        let fewer = test_of_repetitions(PairedMeasure::TestAccuracy, &single[..2], &several);
        fewer.expect_err("different folds");
    }

    /// With three tests, the smallest p-value counts three times.
    #[test]
    fn several_tests_are_adjusted() {
        let with = |p_value| PairedTest {
            measure: PairedMeasure::TestLoss,
            difference: -0.5,
            interval: (-0.9, -0.1),
            p_value,
            adjusted_p_value: p_value,
            method: String::new(),
        };
        let test = |second, test| Difference {
            runs: [0, second],
            test,
        };
        let mut all = vec![
            test(1, Ok(with(0.02))),
            test(2, Err("the test samples differ".to_owned())),
            test(3, Ok(with(0.2))),
            test(4, Ok(with(0.3))),
        ];
        adjust(&mut all);
        let verdicts: Vec<String> = all
            .iter()
            .map(|it| it.verdict(&["a", "b", "c", "d", "e"]))
            .collect();
        assert!(verdicts[0].contains("no significant difference"));
        assert!(
            verdicts[0].contains("p = 0.0200 (adjusted: p = 0.0600)"),
            "{}",
            verdicts[0]
        );
        assert!(verdicts[1].contains("no paired test, because the test samples differ"));
    }
}
