//! The summary of a finished training run.

use nn_core::Network;
use nn_core::metrics::Evaluation;
use nn_core::model_file::weights_sha256;
use serde_json::{Value, json};

use crate::course::Outcome;
use crate::datasets::Data;
use crate::plan::Plan;

/// The content of `summary.json`.
pub(crate) fn summary(
    plan: &Plan,
    data: &Data,
    n_threads: usize,
    network: &Network,
    outcome: &Outcome,
    test: Option<&Evaluation>,
) -> Value {
    let kept = outcome.kept();
    let seconds = outcome.train_seconds();
    json!({
        "dataset": data.dataset.name,
        "layers": network.widths(),
        "parameters": network.parameters().len(),
        "epochs": outcome.rows.len(),
        "seed": plan.training.seed,
        "threads": n_threads,
        "best_epoch": outcome.best_epoch,
        "train_loss": kept.map(|kept| kept.train_loss),
        "train_accuracy": kept.and_then(|kept| kept.train_accuracy),
        "validation_loss": kept.and_then(|kept| kept.validation_loss),
        "validation_accuracy": kept.and_then(|kept| kept.validation_accuracy),
        "test_loss": test.map(|test| test.loss),
        "test_accuracy": test.and_then(|test| test.accuracy),
        "train_seconds": seconds.iter().sum::<f64>(),
        "seconds_per_epoch": median(&seconds),
        "weights_sha256": weights_sha256(network),
        "version": env!("CARGO_PKG_VERSION"),
    })
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
