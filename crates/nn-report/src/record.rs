//! The record of a run: the contents of its run directory, without the model.

use std::fs;
use std::path::Path;

use nn_core::training::Monitor;
use nn_files::{escaped_path, regular_file};
use nn_train::metrics_file::read_metrics;
use nn_train::run_dir::{CONFIG, METRICS, SUMMARY, first_run_in};
use nn_train::{
    Choice, EpochMetrics, Error, ErrorKind, RepeatedTraining, Result, Settings, Summary,
    command_line, shortest,
};
use serde_json::Value;

/// The contents of a run directory, without the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunRecord {
    /// Name of the directory.
    pub name: String,
    /// Settings of the run, with every default filled in.
    pub settings: Settings,
    /// The metrics of every finished epoch.
    pub epochs: Vec<EpochMetrics>,
    /// Summary of the run. For an interrupted run: the metrics of the epoch whose weights
    /// are the model.
    pub summary: Summary,
}

/// Whether the directory is that of a search.
fn is_search(directory: &Path) -> bool {
    directory.join("trials.csv").is_file()
}

impl RunRecord {
    /// Reads the record of a run directory.
    ///
    /// # Errors
    /// Returns an error if a file of the run is missing or damaged.
    pub fn read(directory: &Path) -> Result<Self> {
        if RepeatedTraining::is_at(directory) {
            let problem = format!(
                "{}: expected one training run, found a folder of several",
                directory.display()
            );
            let run = first_run_in(directory).unwrap_or_else(|| directory.to_owned());
            return Err(Error::usage(problem)
                .with_help(format!("use one of them, such as {}", run.display())));
        }
        if is_search(directory) {
            let problem = format!(
                "{}: expected a training run, found a search",
                directory.display()
            );
            let help = format!("use its run, {}", directory.join("best").display());
            return Err(Error::usage(problem).with_help(help));
        }
        let epochs = read_metrics(&directory.join(METRICS))?;
        let settings = Settings::read(&directory.join(CONFIG)).map_err(Error::of_data)?;
        let summary = match read_summary(&directory.join(SUMMARY))? {
            Some(summary) => summary,
            None => summary_of(&epochs, &settings),
        };
        Ok(Self {
            name: name_of(directory),
            settings,
            epochs,
            summary,
        })
    }

    /// Names and values of the settings, formatted for readers.
    pub fn settings(&self) -> Vec<(String, String)> {
        let settings = self.settings.to_json();
        let settings = settings.as_object().cloned().unwrap_or_default();
        let text = |value: Value| match value {
            Value::String(text) => escaped_path::shown(&text),
            Value::Number(number) if number.is_f64() => {
                number.as_f64().map_or_else(String::new, shortest)
            }
            other => other.to_string(),
        };
        let settings = settings.into_iter();
        settings.map(|(name, value)| (name, text(value))).collect()
    }

    /// The command that repeats the run, with every setting.
    pub fn command(&self, program: &str) -> String {
        format!(
            "{program} train{}",
            command_line::of_settings(&self.settings)
        )
    }

    /// The epoch whose weights early stopping kept, otherwise the epoch with the lowest
    /// validation loss.
    pub fn best_epoch(&self) -> Option<&EpochMetrics> {
        let kept = self.summary.best_epoch;
        let kept = kept.and_then(|kept| self.epochs.iter().find(|epoch| epoch.epoch == kept));
        kept.or_else(|| self.epoch_of_lowest_loss())
    }

    /// The metric that chooses the best epoch.
    pub fn monitor(&self) -> Monitor {
        monitor(&self.settings)
    }

    /// The epoch with the lowest validation loss.
    pub fn epoch_of_lowest_loss(&self) -> Option<&EpochMetrics> {
        let measured = self.epochs.iter();
        let measured = measured.filter(|epoch| epoch.validation_loss.is_some_and(f64::is_finite));
        measured.min_by(|a, b| a.watched_loss().total_cmp(&b.watched_loss()))
    }
}

pub(crate) fn name_of(directory: &Path) -> String {
    // `runs/a/..` has no file name of its own.
    let whole = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    let name = whole.file_name().unwrap_or(directory.as_os_str());
    name.to_string_lossy().into_owned()
}

fn monitor(settings: &Settings) -> Monitor {
    let chosen = settings.monitor.as_ref().map(Choice::value);
    chosen.copied().unwrap_or_default()
}

fn read_summary(path: &Path) -> Result<Option<Summary>> {
    let Some(text) = regular_file::find_text(path)? else {
        return Ok(None);
    };
    let summary = serde_json::from_str(&text);
    let damaged = |error| Error::new(ErrorKind::Data, format!("{}: {error}", path.display()));
    summary.map(Some).map_err(damaged)
}

fn summary_of(epochs: &[EpochMetrics], settings: &Settings) -> Summary {
    let has_patience = settings.patience.unwrap_or(0) > 0;
    let monitor = monitor(settings);
    let value = |epoch: &EpochMetrics| {
        let watched = epoch.watched_value(monitor);
        watched.unwrap_or(epoch.watched_loss())
    };
    let lower = |a: &&EpochMetrics, b: &&EpochMetrics| value(a).total_cmp(&value(b));
    let kept = match (has_patience, monitor) {
        (false, _) => epochs.last(),
        (true, Monitor::Loss) => epochs.iter().min_by(lower),
        // Of equal errors, the last is the best.
        (true, Monitor::Error) => epochs.iter().rev().min_by(lower),
    };
    Summary {
        epochs: epochs.len(),
        best_epoch: kept.filter(|_| has_patience).map(|kept| kept.epoch),
        train_loss: kept.map(|kept| kept.train_loss),
        train_accuracy: kept.and_then(|kept| kept.train_accuracy),
        validation_loss: kept.and_then(|kept| kept.validation_loss),
        validation_accuracy: kept.and_then(|kept| kept.validation_accuracy),
        train_seconds: kept.map(|_| epochs.iter().map(|epoch| epoch.train_seconds).sum()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Summary::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(epoch: usize, validation_loss: Option<f64>) -> EpochMetrics {
        EpochMetrics {
            epoch,
            step: 10,
            learning_rate: 0.1,
            train_loss: 1.0,
            train_accuracy: Some(0.5),
            validation_loss,
            validation_accuracy: None,
            train_seconds: 0.1,
            evaluate_seconds: Some(0.01),
        }
    }

    #[test]
    fn the_best_epoch_has_the_lowest_validation_loss() {
        let mut run = RunRecord::default();
        assert_eq!(run.best_epoch(), None);
        run.epochs = vec![
            epoch(1, Some(0.5)),
            epoch(2, None),
            epoch(3, Some(0.4)),
            epoch(4, Some(0.6)),
        ];
        assert_eq!(run.best_epoch().map(|best| best.epoch), Some(3));
        run.summary.best_epoch = Some(4);
        assert_eq!(run.best_epoch().map(|best| best.epoch), Some(4));
        let lowest = run.epoch_of_lowest_loss();
        assert_eq!(lowest.map(|lowest| lowest.epoch), Some(3));
    }

    /// Of equal errors, the last is the best.
    #[test]
    fn an_unfinished_run_has_the_best_epoch_so_far() {
        let accuracies = [0.5, 0.75, 0.75, 0.25];
        let losses = [0.4, 0.5, 0.6, 0.7];
        let epochs: Vec<EpochMetrics> = (0..4)
            .map(|index| EpochMetrics {
                validation_accuracy: Some(accuracies[index]),
                ..epoch(index + 1, Some(losses[index]))
            })
            .collect();
        let best = |patience: usize, monitor: Option<Monitor>| {
            let settings = Settings {
                patience: Some(patience),
                monitor: monitor.map(Choice::from),
                ..Settings::default()
            };
            summary_of(&epochs, &settings).best_epoch
        };
        assert_eq!(best(3, None), Some(1));
        assert_eq!(best(3, Some(Monitor::Error)), Some(3));
        assert_eq!(best(0, None), None);
    }
}
