//! The summary of a training run.

use std::collections::BTreeMap;

use nn_core::Network;
use nn_core::model_file::weights_sha256;
use serde::{Deserialize, Serialize};

use crate::constant_prediction::ConstantPrediction;
use crate::data::Data;
use crate::metrics::Metrics;
use crate::outcome::Outcome;
use crate::plan::Plan;

/// The summary of a training run, the contents of `summary.json`. A value is
/// `None` if it was not measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// Name of the data set.
    pub dataset: String,
    /// Widths of the layers, inputs first.
    pub layers: Vec<usize>,
    /// Number of parameters.
    pub parameters: Option<usize>,
    /// Number of finished epochs.
    pub epochs: usize,
    /// Random seed.
    pub seed: u64,
    /// Number of threads.
    pub threads: usize,
    /// The epoch whose weights the model has: the best epoch with early stopping, otherwise the
    /// last epoch.
    pub best_epoch: Option<usize>,
    /// Mean training loss per sample in the epoch [`best_epoch`](Self::best_epoch).
    pub train_loss: Option<f64>,
    /// Training accuracy from 0 to 1.
    pub train_accuracy: Option<f64>,
    /// Mean validation loss per sample.
    pub validation_loss: Option<f64>,
    /// Validation accuracy from 0 to 1.
    pub validation_accuracy: Option<f64>,
    /// Mean test loss per sample.
    pub test_loss: Option<f64>,
    /// Test accuracy from 0 to 1.
    pub test_accuracy: Option<f64>,
    /// The 95 % confidence interval of the test accuracy (Wilson).
    pub test_accuracy_interval: Option<(f64, f64)>,
    /// Number of test samples.
    pub test_samples: Option<usize>,
    /// The learning task: classification, regression or multi-label.
    pub task: Option<String>,
    /// The baseline on the test samples: the accuracy of always predicting the most
    /// frequent class of the training samples, or the root mean square error of
    /// predicting the mean of the training samples.
    pub baseline: Option<f64>,
    /// The best constant prediction of the training samples, whose score is the baseline.
    pub constant_prediction: Option<ConstantPrediction>,
    /// Area under the ROC curve on the test samples; for labels and for more than two classes, an
    /// average as in [`ClassMetrics`](nn_metrics::ClassMetrics).
    pub test_auc: Option<f64>,
    /// Average precision on the test samples.
    pub test_average_precision: Option<f64>,
    /// Balanced accuracy on the test samples.
    pub test_balanced_accuracy: Option<f64>,
    /// Macro F1 on the test samples.
    pub test_macro_f1: Option<f64>,
    /// Log loss on the test samples, in nats.
    pub test_log_loss: Option<f64>,
    /// Brier score on the test samples.
    pub test_brier: Option<f64>,
    /// Expected calibration error on the test samples.
    pub test_calibration_error: Option<f64>,
    /// R² on the test samples, averaged over the targets.
    pub test_r2: Option<f64>,
    /// Root mean square error on the test samples in the units of the table, averaged
    /// over the targets.
    pub test_rmse: Option<f64>,
    /// The 95 % confidence interval of the root mean square error; `None` for several targets.
    pub test_rmse_interval: Option<(f64, f64)>,
    /// Mean absolute error on the test samples in the units of the table, averaged over the
    /// targets.
    pub test_mae: Option<f64>,
    /// Number of networks of the ensemble; `None` for a single network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ensemble: Option<usize>,
    /// The mean of each metric of the networks of the ensemble. The other metrics of the
    /// summary are those of the ensemble, except for the training loss and accuracy.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub member_mean: BTreeMap<String, f64>,
    /// The temperature of the probabilities; `None` if they were not calibrated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The 95 % confidence interval of the mean absolute error.
    pub test_mae_interval: Option<(f64, f64)>,
    /// The thresholds with the highest balanced accuracy on the validation samples: one
    /// for two classes, or one per label.
    pub threshold: Option<Vec<f64>>,
    /// Training time of all epochs in seconds, without evaluation.
    pub train_seconds: Option<f64>,
    /// Median training time per epoch in seconds, without evaluation.
    pub seconds_per_epoch: Option<f64>,
    /// SHA-256 of the parameters as little-endian bytes in file order, in hexadecimal.
    pub weights_sha256: String,
    /// Version of the program.
    pub version: String,
    /// Step and new learning rate of each manual change of the learning rate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub learning_rate_changes: Vec<(u64, f64)>,
}

impl Summary {
    /// Creates the summary of a finished run.
    pub fn new(
        plan: &Plan,
        data: &Data,
        n_threads: usize,
        network: &Network,
        outcome: &Outcome,
        test: Option<&Metrics>,
    ) -> Self {
        let classes = test.and_then(|test| test.classification);
        let regression = test.and_then(|test| test.regression.as_ref());
        let kept = outcome.kept();
        let seconds = outcome.train_seconds();
        Self {
            dataset: data.dataset.name.clone(),
            layers: network.widths(),
            parameters: Some(network.parameters().len()),
            epochs: outcome.epochs.len(),
            seed: plan.training.seed,
            threads: n_threads,
            best_epoch: outcome.best_epoch,
            train_loss: kept.map(|kept| kept.train_loss),
            train_accuracy: kept.and_then(|kept| kept.train_accuracy),
            validation_loss: kept.and_then(|kept| kept.validation_loss),
            validation_accuracy: kept.and_then(|kept| kept.validation_accuracy),
            test_loss: test.map(|test| test.evaluation.loss),
            test_accuracy: test.and_then(|test| test.evaluation.accuracy),
            test_accuracy_interval: test.and_then(|test| test.accuracy_interval),
            test_samples: test.map(|test| test.evaluation.n_samples),
            task: Some(data.task.name().to_owned()),
            baseline: test.and_then(|test| test.baseline),
            constant_prediction: test.and_then(|test| test.constant_prediction.clone()),
            test_auc: classes.and_then(|it| it.auc),
            test_average_precision: classes.and_then(|it| it.average_precision),
            test_balanced_accuracy: classes.and_then(|it| it.balanced_accuracy),
            test_macro_f1: classes.and_then(|it| it.macro_f1),
            test_log_loss: classes.and_then(|it| it.log_loss),
            test_brier: classes.and_then(|it| it.brier),
            test_calibration_error: classes.and_then(|it| it.calibration_error),
            test_r2: regression.and_then(|it| it.r_squared),
            test_rmse: regression.map(|it| it.root_mean_square),
            test_rmse_interval: test.and_then(|test| test.root_mean_square_interval),
            test_mae: regression.map(|it| it.mean_absolute),
            ensemble: plan.n_networks(),
            member_mean: BTreeMap::new(),
            temperature: Some(network.temperature()).filter(|&it| it != 1.0),
            test_mae_interval: test.and_then(|test| test.mean_absolute_interval),
            threshold: None,
            train_seconds: Some(seconds.iter().sum()),
            seconds_per_epoch: median(&seconds),
            weights_sha256: weights_sha256(network),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            learning_rate_changes: Vec::new(),
        }
    }

    /// The metrics whose names in `summary.json` are chosen. The number of test samples is no
    /// metric.
    pub(crate) fn metrics(&self, is_chosen: impl Fn(&str) -> bool) -> BTreeMap<String, f64> {
        let summary = serde_json::json!(self);
        let all = summary.as_object().into_iter().flatten();
        all.filter(|(name, _)| is_chosen(name) && *name != "test_samples")
            .filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)))
            .collect()
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n.is_multiple_of(2) => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
        _ => Some(sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
    }
}
