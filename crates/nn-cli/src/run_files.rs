//! The files of a run directory, read back: `config.toml`, `metrics.csv`,
//! `summary.json`.

use std::fs;
use std::path::{Path, PathBuf};

use nn_report::{Epoch, Run, Summary};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use nn_train::Settings;
use nn_train::escaped_path;
use nn_train::regular_file;
use nn_train::run_dir::known_runs;

/// The directory that `run` means: itself, or a name in `runs_dir`.
pub fn locate_run(run: &Path, runs_dir: &Path) -> Result<PathBuf> {
    let candidates = [run.to_owned(), runs_dir.join(run)];
    if let Some(found) = candidates.iter().find(|candidate| candidate.is_dir()) {
        return Ok(found.clone());
    }
    if run.is_file() {
        return Err(Error::usage(format!(
            "{}: expected a run directory, found a file",
            run.display()
        )));
    }
    Err(Error::new(
        ErrorKind::Io,
        format!(
            "no run \"{}\": neither {} nor {} is a folder",
            run.display(),
            candidates[0].display(),
            candidates[1].display()
        ),
    )
    .with_help(known_runs(runs_dir)))
}

/// Reads what the directory says about the run. Of an interrupted one there is
/// no summary; the epoch whose weights it would keep takes that place.
pub fn read_run(directory: &Path) -> Result<Run> {
    let epochs = read_metrics(&directory.join("metrics.csv"))?;
    let settings = read_settings(&directory.join("config.toml"))?;
    let summary = match read_summary(&directory.join("summary.json"))? {
        Some(summary) => summary,
        None => summary_of(&epochs, has_patience(&settings)),
    };
    Ok(Run {
        name: name_of(directory),
        settings,
        epochs,
        summary,
    })
}

fn name_of(directory: &Path) -> String {
    // `runs/a/..` has no file name of its own.
    let whole = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    let name = whole.file_name().unwrap_or(directory.as_os_str());
    name.to_string_lossy().into_owned()
}

fn read_settings(path: &Path) -> Result<Vec<(String, String)>> {
    let settings = Settings::read(path).map_err(Error::of_data)?.to_json();
    let object = settings.as_object().cloned().unwrap_or_default();
    let text = |value: Value| match value {
        Value::String(text) => escaped_path::shown(&text),
        other => other.to_string(),
    };
    Ok(object
        .into_iter()
        .map(|(name, value)| (name, text(value)))
        .collect())
}

fn read_summary(path: &Path) -> Result<Option<Summary>> {
    let Some(text) = regular_file::find_text(path)? else {
        return Ok(None);
    };
    let summary: Value = serde_json::from_str(&text)
        .map_err(|error| Error::new(ErrorKind::Data, format!("{}: {error}", path.display())))?;
    let text = |name: &str| summary[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| summary[name].as_f64();
    let layers = summary["layers"].as_array().into_iter().flatten();
    Ok(Some(Summary {
        dataset: text("dataset"),
        layers: layers.filter_map(Value::as_u64).collect(),
        parameters: summary["parameters"].as_u64(),
        best_epoch: summary["best_epoch"].as_u64(),
        train_loss: number("train_loss"),
        train_accuracy: number("train_accuracy"),
        validation_loss: number("validation_loss"),
        validation_accuracy: number("validation_accuracy"),
        test_loss: number("test_loss"),
        test_accuracy: number("test_accuracy"),
        train_seconds: number("train_seconds"),
        seconds_per_epoch: number("seconds_per_epoch"),
        weights_sha256: text("weights_sha256"),
        version: text("version"),
    }))
}

fn has_patience(settings: &[(String, String)]) -> bool {
    let mut settings = settings.iter();
    settings.any(|(name, value)| name == "patience" && value != "0")
}

fn summary_of(epochs: &[Epoch], has_patience: bool) -> Summary {
    let kept = if has_patience {
        let losses = epochs.iter();
        losses.min_by(|a, b| a.watched_loss().total_cmp(&b.watched_loss()))
    } else {
        epochs.last()
    };
    let measured = |value: fn(&Epoch) -> f64| kept.map(value).filter(|value| value.is_finite());
    Summary {
        best_epoch: kept.filter(|_| has_patience).map(|kept| kept.epoch),
        train_loss: measured(|kept| kept.train_loss),
        train_accuracy: measured(|kept| kept.train_accuracy),
        validation_loss: measured(|kept| kept.validation_loss),
        validation_accuracy: measured(|kept| kept.validation_accuracy),
        train_seconds: kept.map(|_| epochs.iter().map(|epoch| epoch.train_seconds).sum()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Summary::default()
    }
}

fn read_metrics(path: &Path) -> Result<Vec<Epoch>> {
    let text = regular_file::read_text(path)?;
    let mut lines = text.lines();
    let columns: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    (2..)
        .zip(lines)
        .map(|(line, row)| {
            epoch(&columns, row).ok_or_else(|| {
                Error::new(
                    ErrorKind::Data,
                    format!(
                        "{}:{line}: expected {} numbers, found \"{}\"",
                        path.display(),
                        columns.len(),
                        row.escape_debug()
                    ),
                )
                .with_help("take that line out; it may be the rest of a write that was cut off")
            })
        })
        .collect()
}

/// A row of `metrics.csv`; an empty cell was not measured.
fn epoch(columns: &[&str], row: &str) -> Option<Epoch> {
    let cells: Vec<&str> = row.split(',').collect();
    if cells.len() != columns.len() {
        return None;
    }
    let number = |name: &str| {
        let position = columns.iter().position(|&column| column == name)?;
        match cells[position] {
            "" => Some(f64::NAN),
            cell => cell.parse().ok(),
        }
    };
    Some(Epoch {
        epoch: number("epoch")? as u64,
        learning_rate: number("learning_rate")?,
        train_loss: number("train_loss")?,
        train_accuracy: number("train_accuracy")?,
        validation_loss: number("validation_loss")?,
        validation_accuracy: number("validation_accuracy")?,
        train_seconds: number("train_seconds")?,
        evaluate_seconds: number("evaluate_seconds")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [&str; 9] = [
        "epoch",
        "step",
        "learning_rate",
        "train_loss",
        "train_accuracy",
        "validation_loss",
        "validation_accuracy",
        "train_seconds",
        "evaluate_seconds",
    ];

    #[test]
    fn empty_cells_are_not_numbers() {
        let epoch = epoch(&COLUMNS, "3,30,0.1,0.5,,0.4,,1.5,").expect("a whole row");
        assert_eq!(
            (epoch.epoch, epoch.train_loss, epoch.train_seconds),
            (3, 0.5, 1.5)
        );
        assert!(epoch.train_accuracy.is_nan() && epoch.evaluate_seconds.is_nan());
    }

    #[test]
    fn half_a_row_is_none() {
        assert!(epoch(&COLUMNS, "3,30,0.1").is_none());
        assert!(epoch(&COLUMNS, "3,30,x,0.5,,0.4,,1.5,").is_none());
    }
}
