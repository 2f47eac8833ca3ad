//! The score of a network on a split, and the score of constant predictions.

use nn_core::metrics::Evaluation;
use nn_core::{Samples, Targets};
use nn_plot::number::number;

use super::finding::{counted, percent};

/// The score of a network on a split: accuracy for classes and labels, R² for numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Score {
    /// The split, such as `test`.
    split: &'static str,
    kind: Kind,
    /// Number of predictions.
    n: usize,
    pub(super) value: f64,
    /// The score of the best constant prediction for the training samples.
    constant: f64,
    /// For classes, the mean recall. That of a constant prediction is 1 divided by
    /// the number of classes, also if one class is much larger than the others.
    mean_recall: Option<[f64; 2]>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Classes,
    Labels,
    Numbers,
}

/// Fewest samples from which a score says anything.
const MIN_SAMPLES: usize = 10;

/// Says that there are too few samples for a score to mean anything, if there are.
pub(super) fn too_few(n: usize, noun: &str) -> Option<String> {
    let be = if n == 1 { "is" } else { "are" };
    let text = || {
        format!(
            "there {be} only {}, too few for a judgement",
            counted(n, noun)
        )
    };
    (n < MIN_SAMPLES).then(text)
}

/// Accuracy in training minus that on other samples that is usual. With the default settings
/// it is 0.015 on MNIST and 0.06 on the built-in digits.
pub(super) const USUAL_GAP: f64 = 0.1;

/// R² in training minus that on other samples that is usual: a few large errors change R².
pub(super) const USUAL_GAP_OF_R_SQUARED: f64 = 0.15;

/// A difference that occurs by chance in 1 of 40 cases is at least this number of
/// standard errors.
const STANDARD_ERRORS: f64 = 2.0;

/// The same for the best of several predictions of each sample by all the others, whose
/// errors depend on each other.
const STANDARD_ERRORS_OF_BEST: f64 = 4.0;

impl Score {
    /// The score of an evaluation on `samples`; constant predictions are fitted to
    /// `train`. `None` if it is not known, such as R² of a single row.
    pub(super) fn new(
        split: &'static str,
        evaluation: &Evaluation,
        samples: &Samples<'_>,
        train: &Samples<'_>,
    ) -> Option<Self> {
        if evaluation.first_nonfinite.is_some() || samples.is_empty() {
            return None;
        }
        let n = samples.len();
        let score = |kind, n, value, constant| Self {
            split,
            kind,
            n,
            value,
            constant,
            mean_recall: mean_recall(evaluation),
        };
        match (samples.targets(), evaluation.accuracy) {
            (Targets::Classes { .. }, Some(accuracy)) => Some(score(
                Kind::Classes,
                n,
                accuracy,
                largest_class(samples, train)?,
            )),
            (_, Some(accuracy)) => {
                let constant = most_frequent_labels(samples, train);
                Some(score(Kind::Labels, n, accuracy, constant))
            }
            (_, None) => {
                let r_squared = evaluation.regression.as_ref()?.r_squared?;
                Some(score(Kind::Numbers, n, r_squared, 0.0))
            }
        }
    }

    /// Whether the network predicts better than a constant, by more than chance.
    /// Constant predictions are the baseline of scikit-learn's `DummyClassifier` and
    /// `DummyRegressor`, and Karpathy's "input-independent baseline".
    pub(super) fn beats_constant(&self) -> bool {
        self.is_better(self.value, self.mean_recall(), STANDARD_ERRORS)
    }

    /// Whether `value` or `mean_recall`, the best ones of several other predictions of the
    /// same samples, are better than those of a constant, by more than chance.
    pub(super) fn others_beat_constant(&self, value: f64, mean_recall: Option<f64>) -> bool {
        self.is_better(value, mean_recall, STANDARD_ERRORS_OF_BEST)
    }

    fn is_better(&self, value: f64, mean_recall: Option<f64>, standard_errors: f64) -> bool {
        let by_chance = |p: f64| standard_errors * (p * (1.0 - p) / self.n as f64).sqrt();
        let is_recalled = || {
            let recalls = mean_recall.zip(self.mean_recall);
            recalls.is_some_and(|(found, [_, constant])| found > constant + by_chance(constant))
        };
        let is_more = || value > self.constant + by_chance(self.constant);
        match self.kind {
            // Without a relation, R² is about the square of a correlation, whose
            // standard error is 1/√n.
            Kind::Numbers => value > (standard_errors * standard_errors / self.n as f64).min(0.5),
            Kind::Labels => is_more(),
            Kind::Classes => is_more() || is_recalled(),
        }
    }

    /// Says that there are too few samples for the score to mean anything, if there are.
    pub(super) fn too_few_samples(&self) -> Option<String> {
        too_few(self.n, &format!("{} sample", self.split))
    }

    /// Why the score cannot be compared with that of constant predictions, if it cannot.
    pub(super) fn why_not_judged(&self) -> Option<String> {
        let is_perfect_better = self.is_better(1.0, Some(1.0), STANDARD_ERRORS);
        let text = || {
            format!(
                "for the {} {} samples, even perfect predictions are not better than constant \
                 predictions by more than chance",
                self.n, self.split
            )
        };
        self.too_few_samples()
            .or_else(|| (!is_perfect_better).then(text))
    }

    /// Whether this is a regression.
    pub(super) fn is_r_squared(&self) -> bool {
        self.kind == Kind::Numbers
    }

    /// The difference between training samples and others that is usual.
    pub(super) fn usual_gap(&self) -> f64 {
        match self.kind {
            Kind::Numbers => USUAL_GAP_OF_R_SQUARED,
            Kind::Classes | Kind::Labels => USUAL_GAP,
        }
    }

    /// For classes, the mean recall.
    pub(super) fn mean_recall(&self) -> Option<f64> {
        self.mean_recall.map(|[found, _]| found)
    }

    /// The largest difference between this score and one of `n` other samples that
    /// chance explains.
    pub(super) fn uncertainty(&self, n: usize) -> f64 {
        let variance = match self.kind {
            Kind::Numbers => 0.25,
            Kind::Classes | Kind::Labels => self.value * (1.0 - self.value),
        };
        STANDARD_ERRORS * (variance / n.max(1) as f64).sqrt()
    }

    pub(super) fn n(&self) -> usize {
        self.n
    }

    /// `the test accuracy is 33.30 %`
    pub(super) fn text(&self) -> String {
        match self.kind {
            Kind::Numbers => format!("the {} R² is {}", self.split, number(self.value)),
            Kind::Classes | Kind::Labels => {
                format!("the {} accuracy is {}", self.split, percent(self.value))
            }
        }
    }

    /// `R² 0.98` or `accuracy 98.00 %`
    pub(super) fn named(&self, value: f64) -> String {
        match self.kind {
            Kind::Numbers => format!("R² {}", number(value)),
            Kind::Classes | Kind::Labels => format!("accuracy {}", percent(value)),
        }
    }

    /// `the test accuracy is 33.30 %; always predicting the most frequent class gives 33.33 %`
    pub(super) fn beside_constant(&self) -> String {
        let constant = match self.kind {
            Kind::Numbers => "always predicting the mean gives an R² of 0".to_owned(),
            Kind::Labels => format!(
                "always predicting the most frequent value of each label gives {}",
                percent(self.constant)
            ),
            Kind::Classes => format!(
                "always predicting the most frequent class gives {}",
                percent(self.constant)
            ),
        };
        format!("{}; {constant}", self.text())
    }
}

fn mean_recall(evaluation: &Evaluation) -> Option<[f64; 2]> {
    let confusion = evaluation.confusion.as_ref()?;
    let n_classes = confusion.counts().n_rows();
    let recalls = (0..n_classes).filter_map(|class| confusion.scores(class).recall);
    let recalls: Vec<f64> = recalls.collect();
    let n = recalls.len().max(1) as f64;
    Some([recalls.iter().sum::<f64>() / n, 1.0 / n])
}

/// Fraction of `samples` in the largest class of `train`.
fn largest_class(samples: &Samples<'_>, train: &Samples<'_>) -> Option<f64> {
    let counts = train.class_counts()?;
    let largest = (0..counts.len()).max_by_key(|&class| counts[class])?;
    let found = samples.class_counts()?;
    Some(found[largest] as f64 / samples.len() as f64)
}

/// Fraction of flags that have the most frequent value of their label in `train`.
fn most_frequent_labels(samples: &Samples<'_>, train: &Samples<'_>) -> f64 {
    let (frequencies, found) = (label_frequencies(train), label_frequencies(samples));
    let labels = frequencies.iter().zip(&found);
    let right = labels.map(|(&expected, &found)| if expected > 0.5 { found } else { 1.0 - found });
    right.sum::<f64>() / found.len().max(1) as f64
}

fn label_frequencies(samples: &Samples<'_>) -> Vec<f64> {
    let Targets::Values(values) = samples.targets() else {
        return Vec::new();
    };
    let mut target = vec![0.0; values.n_columns()];
    let mut sums = vec![0.0; target.len()];
    for position in 0..samples.len() {
        samples.copy_target(position, 0.0, &mut target);
        for (sum, &y) in sums.iter_mut().zip(&target) {
            *sum += f64::from(y) / samples.len() as f64;
        }
    }
    sums
}
