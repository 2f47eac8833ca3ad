//! All metrics of a classification, or of one label of a multi-label classification.

use nn_samples::Rows;

use crate::calibration::Calibration;
use crate::class_counts::ClassCounts;
use crate::means::mean;
use crate::probabilities::{brier_score, log_loss};
use crate::threshold_counts::ThresholdCounts;

/// The predictions of a classifier and the true classes.
#[derive(Clone, Copy, Debug)]
pub struct ClassPredictions<'a> {
    /// Probabilities, or other scores that are higher for more likely classes,
    /// `[n_samples, n_classes]`.
    pub scores: &'a Rows<'a, f64>,
    /// Whether the scores are probabilities.
    pub are_probabilities: bool,
    /// The predicted classes, `[n_samples]`.
    pub predicted: &'a [u32],
    /// The true classes, `[n_samples]`.
    pub classes: &'a [u32],
    /// Sample weights, `[n_samples]`; `None` if all are 1.
    pub weights: Option<&'a [f64]>,
}

/// The metrics of a classification. A metric is `None` if it is undefined, such as the
/// AUC of rows with one class only. Log loss, Brier score and calibration error need scores
/// that are probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ClassMetrics {
    /// Area under the ROC curve. For two classes, the second class is the positive one. For more
    /// classes, the one-vs-rest areas of the classes that occur are averaged.
    pub auc: Option<f64>,
    /// Average precision, averaged over the same classes as the AUC.
    pub average_precision: Option<f64>,
    /// Balanced accuracy: the mean recall of the classes.
    pub balanced_accuracy: Option<f64>,
    /// Macro F1: the mean F1 score of the classes.
    pub macro_f1: Option<f64>,
    /// Log loss in nats.
    pub log_loss: Option<f64>,
    /// Brier score.
    pub brier: Option<f64>,
    /// Expected calibration error.
    pub calibration_error: Option<f64>,
}

/// The metrics of one label of a multi-label classification. A metric is `None` if it is
/// undefined, as in [`ClassMetrics`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LabelMetrics {
    /// Fraction of correct predictions.
    pub accuracy: Option<f64>,
    /// Area under the ROC curve.
    pub auc: Option<f64>,
    /// Average precision.
    pub average_precision: Option<f64>,
    /// Balanced accuracy: the mean of the true positive rate and the true negative rate.
    pub balanced_accuracy: Option<f64>,
    /// F1 score; 0 if the label is neither true nor predicted in any row.
    pub f1: Option<f64>,
    /// Log loss in nats.
    pub log_loss: Option<f64>,
    /// Brier score.
    pub brier: Option<f64>,
    /// Expected calibration error.
    pub calibration_error: Option<f64>,
}

impl ClassMetrics {
    /// Computes the metrics of a classification.
    ///
    /// ```
    /// use nn_metrics::{ClassMetrics, ClassPredictions};
    /// use nn_samples::Rows;
    ///
    /// let scores = Rows::new(vec![0.9, 0.1, 0.4, 0.6, 0.3, 0.7], 2);
    /// let metrics = ClassMetrics::new(ClassPredictions {
    ///     scores: &scores,
    ///     are_probabilities: true,
    ///     predicted: &[0, 1, 1],
    ///     classes: &[0, 1, 1],
    ///     weights: None,
    /// });
    /// assert_eq!(metrics.auc, Some(1.0));
    /// assert_eq!(metrics.balanced_accuracy, Some(1.0));
    /// ```
    ///
    /// # Panics
    /// Panics if the lengths differ, or a class does not exist.
    pub fn new(predictions: ClassPredictions<'_>) -> Self {
        let ClassPredictions {
            scores,
            are_probabilities,
            predicted,
            classes,
            weights,
        } = predictions;
        let n_classes = scores.n_columns();
        let (auc, average_precision) = one_versus_rest(scores, classes, weights);
        let counts = ClassCounts::new(classes, predicted, n_classes, weights);
        let probabilities = Some(scores).filter(|_| are_probabilities);
        Self {
            auc,
            average_precision,
            balanced_accuracy: counts.balanced_accuracy(),
            macro_f1: counts.macro_f1(),
            log_loss: probabilities.and_then(|it| log_loss(it, classes, weights)),
            brier: probabilities.and_then(|it| brier_score(it, classes, weights)),
            calibration_error: probabilities
                .and_then(|it| Calibration::of_classes(it, classes, weights).error()),
        }
    }

    /// The means over the labels of a multi-label classification. A label whose metric
    /// is undefined is left out of the mean.
    pub fn of_labels(labels: &[LabelMetrics]) -> Self {
        let mean_of =
            |metric: fn(&LabelMetrics) -> Option<f64>| mean(labels.iter().filter_map(metric));
        Self {
            auc: mean_of(|label| label.auc),
            average_precision: mean_of(|label| label.average_precision),
            balanced_accuracy: mean_of(|label| label.balanced_accuracy),
            macro_f1: mean_of(|label| label.f1),
            log_loss: mean_of(|label| label.log_loss),
            brier: mean_of(|label| label.brier),
            calibration_error: mean_of(|label| label.calibration_error),
        }
    }
}

impl LabelMetrics {
    /// Computes the metrics of a label that is predicted where its score is at least
    /// `threshold`.
    ///
    /// # Shapes
    /// `scores [n_samples]`, `is_true [n_samples]`, `weights [n_samples]`.
    ///
    /// # Panics
    /// Panics if the lengths differ.
    pub fn new(
        scores: &[f64],
        are_probabilities: bool,
        is_true: &[bool],
        threshold: f64,
        weights: Option<&[f64]>,
    ) -> Self {
        let classes: Vec<u32> = is_true.iter().map(|&it| it.into()).collect();
        let predicted: Vec<u32> = scores.iter().map(|&it| (threshold <= it).into()).collect();
        let both = scores.iter().flat_map(|&it| [1.0 - it, it]);
        let metrics = ClassMetrics::new(ClassPredictions {
            scores: &Rows::new(both.collect::<Vec<_>>(), 2),
            are_probabilities,
            predicted: &predicted,
            classes: &classes,
            weights,
        });
        let counts = ClassCounts::new(&classes, &predicted, 2, weights);
        Self {
            accuracy: counts.accuracy(),
            auc: metrics.auc,
            average_precision: metrics.average_precision,
            balanced_accuracy: metrics.balanced_accuracy,
            f1: (!scores.is_empty()).then(|| counts.f1(1).unwrap_or(0.0)),
            log_loss: metrics.log_loss,
            brier: metrics.brier,
            calibration_error: metrics.calibration_error,
        }
    }
}

/// AUC and average precision of the second of two classes; of more, the means of each
/// class against the rest.
fn one_versus_rest(
    scores: &Rows<'_, f64>,
    classes: &[u32],
    weights: Option<&[f64]>,
) -> (Option<f64>, Option<f64>) {
    let first = usize::from(scores.n_columns() == 2);
    let (mut aucs, mut precisions) = (Vec::new(), Vec::new());
    for class in first..scores.n_columns() {
        let of_class: Vec<f64> = scores.column(class).copied().collect();
        let is_class: Vec<bool> = classes.iter().map(|&it| it as usize == class).collect();
        let counts = ThresholdCounts::new(&of_class, &is_class, weights);
        aucs.extend(counts.roc_auc());
        precisions.extend(counts.average_precision());
    }
    (mean(aucs), mean(precisions))
}
