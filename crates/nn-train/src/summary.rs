//! The summary of a training run.

use nn_core::Network;
use nn_core::metrics::Evaluation;
use nn_core::model_file::weights_sha256;
use serde::{Deserialize, Serialize};

use crate::data::Data;
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
    /// Training time of all epochs in seconds, without evaluation.
    pub train_seconds: Option<f64>,
    /// Median training time per epoch in seconds, without evaluation.
    pub seconds_per_epoch: Option<f64>,
    /// SHA-256 of the parameters' little-endian bytes in file order, hexadecimal.
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
        test: Option<&Evaluation>,
    ) -> Self {
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
            test_loss: test.map(|test| test.loss),
            test_accuracy: test.and_then(|test| test.accuracy),
            train_seconds: Some(seconds.iter().sum()),
            seconds_per_epoch: median(&seconds),
            weights_sha256: weights_sha256(network),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            learning_rate_changes: Vec::new(),
        }
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
