//! Metrics of predictions, with the definitions of scikit-learn.
//!
//! - [`ThresholdCounts`]: ROC curve and the area under it (ROC AUC), precision-recall curve, average
//!   precision, and the best threshold for two classes.
//! - [`ClassMetrics`]: the metrics of a classification in one struct.
//! - [`LabelMetrics`]: the metrics of one label of a multi-label classification.
//! - [`log_loss`], [`brier_score`] and [`Calibration`]: the quality of predicted probabilities.
//! - [`TemperatureFit`]: temperature scaling of logits.
//! - [`ClassCounts`]: balanced accuracy and macro F1.
//! - [`ConfusionMatrix`]: the counts of the predictions, and the scores of each class.
//! - [`RegressionErrors`] and [`r_squared`]: regression metrics.
//! - [`wilson_interval`]: the confidence interval of an accuracy.
//! - [`MeanEstimate`]: the mean over seeds or folds with its confidence interval, and the paired
//!   t-test.
//! - [`PairedClasses`]: two classifiers on the same test rows, by McNemar's test.
//! - [`student_t_quantile`]: the factor in the confidence interval of a mean.
//! - [`holm`]: the correction of p-values for several tests.
//!
//! ```
//! use nn_metrics::ThresholdCounts;
//!
//! let probabilities = [0.1, 0.4, 0.35, 0.8];
//! let is_positive = [false, false, true, true];
//! let counts = ThresholdCounts::new(&probabilities, &is_positive, None);
//! assert_eq!(counts.roc_auc(), Some(0.75));
//! ```
//!
//! # Shapes
//! Probabilities and scores of classes are `[n_samples, n_classes]`. Sample weights, if
//! given, are `[n_samples]`, each at least 0: a weight of 2 has the effect of repeating the
//! row. All numbers must be finite.
//!
//! # Sources
//! - [scikit-learn, Metrics and scoring](https://scikit-learn.org/stable/modules/model_evaluation.html)
//! - Brier, *Verification of forecasts expressed in terms of probability*, 1950
//! - Dietterich, *Approximate statistical tests for comparing supervised classification learning
//!   algorithms*, 1998
//! - Guo, Pleiss, Sun & Weinberger, *On calibration of modern neural networks*, 2017,
//!   [arXiv:1706.04599](https://arxiv.org/abs/1706.04599)
//! - Holm, *A simple sequentially rejective multiple test procedure*, 1979
//! - Nadeau & Bengio, *Inference for the generalization error*, 2003
//! - Welford, *Note on a method for calculating corrected sums of squares and products*, 1962
//! - Wilson, *Probable inference, the law of succession, and statistical inference*, 1927
#![forbid(unsafe_code)]

mod means;
mod interval;
mod incomplete_beta;
mod student_t;
mod mean_estimate;
mod paired_classes;
mod multiple_tests;
mod threshold_counts;
mod class_counts;
mod confusion_matrix;
mod regression;
mod probabilities;
mod calibration;
mod temperature;
mod classification;

pub use calibration::{Calibration, CalibrationBin};
pub use class_counts::ClassCounts;
pub use classification::{ClassMetrics, ClassPredictions, LabelMetrics};
pub use confusion_matrix::{ClassScores, ConfusionMatrix};
pub use interval::wilson_interval;
pub use mean_estimate::MeanEstimate;
pub use means::mean;
pub use multiple_tests::holm;
pub use paired_classes::PairedClasses;
pub use probabilities::{brier_score, log_loss};
pub use regression::{ErrorSums, OutputErrors, RegressionErrors, r_squared};
pub use student_t::student_t_quantile;
pub use temperature::{Logits, TemperatureFit};
pub use threshold_counts::ThresholdCounts;
