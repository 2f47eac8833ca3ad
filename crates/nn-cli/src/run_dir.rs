//! The directory of a run: `config.toml`, `metrics.csv`, `summary.json`,
//! `model.safetensors`.
//!
//! A run is never overwritten. A file that is rewritten is written beside its
//! place, flushed to the disk and renamed, so that under its name there is
//! always a whole file; a row of `metrics.csv` is on disk as soon as its epoch
//! ends.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use nn_core::Model;
use nn_core::training::EpochReport;

use crate::failure::{Code, Failure, Result};
use crate::settings::Settings;

/// Name of the model file in a run directory.
const MODEL: &str = "model.safetensors";

const METRICS_HEADER: &str = "epoch,step,learning_rate,train_loss,train_accuracy,\
    validation_loss,validation_accuracy,train_seconds,evaluate_seconds\n";

/// An open run directory.
#[derive(Debug)]
pub(crate) struct RunDir {
    path: PathBuf,
    metrics: File,
}

impl RunDir {
    /// Makes the directory `runs_dir/name`, or the first free
    /// `runs_dir/PREFIX-1`, `-2`, ….
    pub(crate) fn create(runs_dir: &Path, name: Option<&str>, prefix: &str) -> Result<Self> {
        let path = create_directory(runs_dir, name, prefix)?;
        let metrics_path = path.join("metrics.csv");
        let metrics = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(&metrics_path)
            .and_then(|mut file| file.write_all(METRICS_HEADER.as_bytes()).map(|()| file))
            .map_err(|error| Failure::io(&metrics_path, &error))?;
        Ok(Self { path, metrics })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the resolved settings.
    pub(crate) fn write_config(&self, settings: &Settings) -> Result<()> {
        self.replace("config.toml", settings.to_toml().as_bytes())
    }

    /// Adds the row of a finished epoch.
    pub(crate) fn add_metrics(&mut self, report: &EpochReport, seconds: [f64; 2]) -> Result<()> {
        let row = metrics_row(report, seconds);
        self.metrics
            .write_all(row.as_bytes())
            .and_then(|()| self.metrics.sync_data())
            .map_err(|error| Failure::io(&self.path.join("metrics.csv"), &error))
    }

    /// Writes the model.
    pub(crate) fn write_model(&self, model: &Model) -> Result<()> {
        let mut bytes = Vec::new();
        model.write(&mut bytes)?;
        self.replace(MODEL, &bytes)
    }

    /// Writes the summary.
    pub(crate) fn write_summary(&self, summary: &serde_json::Value) -> Result<()> {
        let text = format!("{summary:#}\n");
        self.replace("summary.json", text.as_bytes())
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        replace(&self.path, name, bytes)
    }
}

/// Makes the directory `runs_dir/name`, or the first free `runs_dir/PREFIX-1`,
/// `-2`, ….
pub(crate) fn create_directory(
    runs_dir: &Path,
    name: Option<&str>,
    prefix: &str,
) -> Result<PathBuf> {
    fs::create_dir_all(runs_dir).map_err(|error| Failure::io(runs_dir, &error))?;
    match name {
        Some(name) => create_named(runs_dir, name),
        None => create_counted(runs_dir, prefix),
    }
}

/// Puts `bytes` under `name` in `folder`: all of them, or none.
pub(crate) fn replace(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let target = folder.join(name);
    let temporary = folder.join(format!(".{name}.tmp"));
    let written = write_synced(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, &target))
        .and_then(|()| sync_folder(folder));
    written.map_err(|error| {
        // The temporary file is worthless, and removing it can only fail with it.
        let _ = fs::remove_file(&temporary);
        Failure::io(&target, &error)
    })
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a rename survive a power cut; folders can be synced on Unix only.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()
    } else {
        Ok(())
    }
}

fn create_named(runs_dir: &Path, name: &str) -> Result<PathBuf> {
    let is_plain = !name.is_empty()
        && !name.starts_with('.')
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || "-_.+=,".contains(c));
    if !is_plain {
        return Err(Failure::usage(format!(
            "--name: expected letters, digits and any of - _ . + = , found \"{}\"",
            name.escape_debug()
        )));
    }
    let path = runs_dir.join(name);
    match fs::create_dir(&path) {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(Failure::usage(format!(
            "{}: this run exists and is not overwritten",
            path.display()
        ))
        .help("choose another --name, or leave it out")),
        Err(error) => Err(Failure::io(&path, &error)),
    }
}

fn create_counted(runs_dir: &Path, prefix: &str) -> Result<PathBuf> {
    for number in 1_u32.. {
        let path = runs_dir.join(format!("{prefix}-{number}"));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Failure::io(&path, &error)),
        }
    }
    Err(Failure::new(
        Code::Io,
        format!("{}: too many runs", runs_dir.display()),
    ))
}

fn metrics_row(report: &EpochReport, [train_seconds, evaluate_seconds]: [f64; 2]) -> String {
    let cell = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let validation = report.validation.as_ref();
    let evaluate_seconds = validation.map(|_| evaluate_seconds);
    format!(
        "{},{},{},{},{},{},{},{},{}\n",
        report.epoch,
        report.step,
        report.learning_rate,
        report.train_loss,
        cell(report.train_accuracy),
        cell(validation.map(|validation| validation.loss)),
        cell(validation.and_then(|validation| validation.accuracy)),
        train_seconds,
        cell(evaluate_seconds),
    )
}

/// Finds and reads the model that `run` means: a directory, a name in
/// `runs_dir`, or a model file.
pub(crate) fn read_model(run: &Path, runs_dir: &Path) -> Result<Model> {
    let path = locate_model(run, runs_dir)?;
    let kind = fs::metadata(&path).map_err(|error| Failure::io(&path, &error))?;
    if !kind.is_file() {
        return Err(Failure::new(
            Code::Data,
            format!("{}: not a regular file", path.display()),
        ));
    }
    let file = File::open(&path).map_err(|error| Failure::io(&path, &error))?;
    Model::read(file).map_err(|error| {
        Failure::from(error)
            .of_data()
            .at(path.display())
            .help("the file is damaged or no model; copy it again, or train again")
    })
}

fn locate_model(run: &Path, runs_dir: &Path) -> Result<PathBuf> {
    let candidates = [run.to_owned(), runs_dir.join(run)];
    for candidate in &candidates {
        if candidate.is_dir() {
            let model = candidate.join(MODEL);
            if model.exists() {
                return Ok(model);
            }
            return Err(Failure::new(
                Code::Io,
                format!("{}: this run has no {MODEL}", candidate.display()),
            )
            .help("it may still be training, or was stopped before it had a model"));
        }
        if candidate.exists() {
            return Ok(candidate.clone());
        }
    }
    Err(Failure::new(
        Code::Io,
        format!(
            "no run \"{}\": neither {} nor {} exists",
            run.display(),
            candidates[0].display(),
            candidates[1].display()
        ),
    )
    .help(known_runs(runs_dir)))
}

/// Which runs there are, as a hint.
pub(crate) fn known_runs(runs_dir: &Path) -> String {
    let mut names: Vec<String> = fs::read_dir(runs_dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    if names.is_empty() {
        return format!(
            "there are no runs in {} yet; `nn train` makes one",
            runs_dir.display()
        );
    }
    format!("runs in {}: {}", runs_dir.display(), names.join(", "))
}
