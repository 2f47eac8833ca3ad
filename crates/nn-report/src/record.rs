//! The record of a run: the contents of its run directory, without the model.

use std::fs;
use std::path::Path;

use nn_files::{escaped_path, regular_file};
use nn_train::metrics_file::read_metrics;
use nn_train::run_dir::{CONFIG, METRICS, SUMMARY, first_run_in};
use nn_train::{
    EpochMetrics, Error, ErrorKind, RepeatedTraining, Result, Settings, Summary, command_line,
    shortest,
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
            None => summary_of(&epochs, settings.patience.unwrap_or(0) > 0),
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

    /// The epoch with the lowest validation loss.
    pub fn best_epoch(&self) -> Option<&EpochMetrics> {
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

fn read_summary(path: &Path) -> Result<Option<Summary>> {
    let Some(text) = regular_file::find_text(path)? else {
        return Ok(None);
    };
    let summary = serde_json::from_str(&text);
    let damaged = |error| Error::new(ErrorKind::Data, format!("{}: {error}", path.display()));
    summary.map(Some).map_err(damaged)
}

fn summary_of(epochs: &[EpochMetrics], has_patience: bool) -> Summary {
    let kept = if has_patience {
        let losses = epochs.iter();
        losses.min_by(|a, b| a.watched_loss().total_cmp(&b.watched_loss()))
    } else {
        epochs.last()
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
    }
}
