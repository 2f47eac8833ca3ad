//! Ensembles: several networks with different seeds, trained one after another on the same
//! samples, whose predictions are averaged (Lakshminarayanan et al. 2017).
//!
//! The run directory of an ensemble contains the runs `member-1` to `member-K`, each with its
//! own metrics, summary, model and checkpoints. When all members are finished, the run
//! directory gets the model of the ensemble, its `summary.json` and the mean of the members'
//! `metrics.csv`.

use std::collections::BTreeMap;
use std::path::Path;

use nn_core::Network;
use nn_core::training::Monitor;
use nn_settings::Result;

use crate::epoch_metrics::EpochMetrics;
use crate::metrics_file::read_metrics;
use crate::outcome::Outcome;
use crate::run_dir::{METRICS, MODEL, SUMMARY, read_model, read_summary};
use crate::summary::Summary;

/// The finished runs of the members of an ensemble.
#[derive(Clone, Debug)]
pub struct FinishedMembers {
    networks: Vec<Network>,
    summaries: Vec<Summary>,
    epochs: Vec<Vec<EpochMetrics>>,
}

impl FinishedMembers {
    /// Reads the runs of the members.
    ///
    /// # Errors
    /// Returns an error if a file is missing or damaged.
    pub fn read<P: AsRef<Path>>(runs: impl IntoIterator<Item = P>) -> Result<Self> {
        let mut members = Self {
            networks: Vec::new(),
            summaries: Vec::new(),
            epochs: Vec::new(),
        };
        for run in runs {
            let run = run.as_ref();
            members
                .networks
                .push(read_model(&run.join(MODEL), false)?.network);
            members.summaries.push(read_summary(&run.join(SUMMARY))?);
            members.epochs.push(read_metrics(&run.join(METRICS))?);
        }
        Ok(members)
    }

    /// The network that predicts the mean of the members' predictions.
    ///
    /// # Errors
    /// Returns an error if the networks have different layers or do not fit into memory.
    pub fn network(&self) -> Result<Network> {
        Ok(Network::ensemble(&self.networks)?)
    }

    /// The mean of each metric that all members have.
    pub fn mean(&self) -> BTreeMap<String, f64> {
        let members: Vec<_> = self.summaries.iter().map(measures).collect();
        let Some(first) = members.first() else {
            return BTreeMap::new();
        };
        let mean = |name: &String| {
            let values: Option<Vec<f64>> = members.iter().map(|it| it.get(name).copied()).collect();
            values.map(|values| mean(&values))
        };
        let means = first.keys().map(|name| (name.clone(), mean(name)));
        means
            .filter_map(|(name, mean)| Some((name, mean?)))
            .collect()
    }

    /// The mean metrics of each epoch over the members that trained for so many epochs, with
    /// the seconds of all members together.
    pub fn outcome(&self) -> Outcome {
        let n_epochs = self.epochs.iter().map(Vec::len).max().unwrap_or(0);
        let of_epoch = |epoch: usize| {
            let members = self.epochs.iter().filter_map(|epochs| epochs.get(epoch));
            mean_metrics(&members.collect::<Vec<_>>())
        };
        Outcome {
            epochs: (0..n_epochs).filter_map(of_epoch).collect(),
            best_epoch: None,
            monitor: Monitor::default(),
            is_stopped_early: false,
            is_interrupted: false,
        }
    }
}

/// The metrics of a summary on the training, validation and test samples.
fn measures(summary: &Summary) -> BTreeMap<String, f64> {
    summary.metrics(|name| {
        let begins = |start: &&str| name.starts_with(*start);
        ["test_", "validation_"].iter().any(begins)
            || ["train_loss", "train_accuracy"].contains(&name)
    })
}

fn mean_metrics(members: &[&EpochMetrics]) -> Option<EpochMetrics> {
    let first = *members.first()?;
    let values = |value: fn(&EpochMetrics) -> Option<f64>| -> Option<Vec<f64>> {
        members.iter().map(|it| value(it)).collect()
    };
    Some(EpochMetrics {
        epoch: first.epoch,
        step: first.step,
        learning_rate: first.learning_rate,
        train_loss: mean(&values(|it| Some(it.train_loss))?),
        train_accuracy: values(|it| it.train_accuracy).as_deref().map(mean),
        validation_loss: values(|it| it.validation_loss).as_deref().map(mean),
        validation_accuracy: values(|it| it.validation_accuracy).as_deref().map(mean),
        train_seconds: members.iter().map(|it| it.train_seconds).sum(),
        evaluate_seconds: values(|it| it.evaluate_seconds).map(|it| it.iter().sum()),
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(epoch: usize, train_loss: f64, validation_loss: Option<f64>) -> EpochMetrics {
        EpochMetrics {
            epoch,
            step: 10 * epoch as u64,
            learning_rate: 0.1,
            train_loss,
            train_accuracy: None,
            validation_loss,
            validation_accuracy: None,
            train_seconds: 2.0,
            evaluate_seconds: Some(0.5),
        }
    }

    /// The second member stopped early.
    #[test]
    fn epochs_are_averaged_over_the_members_that_have_them() {
        let summary = |test_loss, train_accuracy| Summary {
            test_loss: Some(test_loss),
            train_accuracy,
            epochs: 9,
            ..Summary::default()
        };
        let members = FinishedMembers {
            networks: Vec::new(),
            summaries: vec![summary(0.25, Some(0.5)), summary(0.75, None)],
            epochs: vec![
                vec![epoch(1, 1.0, Some(4.0)), epoch(2, 0.5, Some(3.0))],
                vec![epoch(1, 2.0, Some(2.0))],
            ],
        };
        let outcome = members.outcome();
        let losses: Vec<_> = outcome.epochs.iter().map(|it| it.train_loss).collect();
        assert_eq!(losses, [1.5, 0.5]);
        assert_eq!(outcome.epochs[0].validation_loss, Some(3.0));
        assert_eq!(outcome.train_seconds(), [4.0, 2.0]);
        let expected = BTreeMap::from([("test_loss".to_owned(), 0.5)]);
        assert_eq!(members.mean(), expected);
    }
}
