//! The directory of a run: `config.toml`, `metrics.csv`, `summary.json`,
//! `model.safetensors`, `checkpoint/`, and `failure.json` if the run diverged.
//!
//! A run is never overwritten, and its files are written atomically.

use std::path::{Path, PathBuf};
use std::{fs, io};

use nn_core::{Checkpoint, Model};
use nn_files::{atomic_file, disk, regular_file};
use nn_settings::{Error, ErrorKind, Result, Settings};

use crate::checkpoints::Checkpoints;
use crate::epoch_metrics::EpochMetrics;
pub use crate::location::{CONFIG, MODEL, first_run_in, locate_model, locate_run, member_name};
use crate::metrics_file::MetricsFile;
pub use crate::stored_model::read_model;
use crate::summary::Summary;

/// Name of the metrics file in a run directory.
pub const METRICS: &str = "metrics.csv";
/// Name of the summary file in a run directory.
pub const SUMMARY: &str = "summary.json";

/// Name of the folder with the claims of workers that share a directory.
pub const WORKERS: &str = "workers";

/// Name of the file with the reason why a run diverged.
const FAILURE: &str = "failure.json";

/// An open run directory, locked against other processes.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    metrics: MetricsFile,
    checkpoints: Checkpoints,
}

impl RunDir {
    /// Creates the directory `runs_dir/name`; without a name, creates the first free directory of
    /// `runs_dir/PREFIX-1`, `-2`, ….
    ///
    /// # Errors
    /// Returns an error if the directory exists or cannot be created.
    pub fn create(runs_dir: &Path, name: Option<&str>, prefix: &str) -> Result<Self> {
        let path = create_directory(runs_dir, name, prefix)?;
        Ok(Self {
            checkpoints: Checkpoints::open(&path)?,
            metrics: MetricsFile::create(path.join(METRICS))?,
            path,
        })
    }

    /// Opens the directory of a run to resume the run after `n_epochs` epochs. Returns the
    /// metrics of the finished epochs.
    ///
    /// # Errors
    /// Returns an error if the metrics file cannot be read or lacks rows of finished epochs.
    pub fn resume(
        path: PathBuf,
        checkpoints: Checkpoints,
        n_epochs: usize,
    ) -> Result<(Self, Vec<EpochMetrics>)> {
        atomic_file::remove_temporaries(&path);
        // Where it cannot be removed, the run's end is told by its summary.
        let _ = disk::remove_file(&path.join(FAILURE));
        let (metrics, rows) = MetricsFile::resume(path.join(METRICS), n_epochs)?;
        let run_dir = Self {
            path,
            metrics,
            checkpoints,
        };
        Ok((run_dir, rows))
    }

    /// The path of the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the resolved settings.
    ///
    /// # Errors
    /// Returns an error if a file operation fails.
    pub fn write_config(&self, settings: &Settings) -> Result<()> {
        self.replace(CONFIG, settings.to_toml().as_bytes())
    }

    /// The folder of the checkpoints.
    pub fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }

    /// Adds the row of a finished epoch.
    ///
    /// # Errors
    /// Returns an error if a file operation fails.
    pub fn add_metrics(&mut self, row: &EpochMetrics) -> Result<()> {
        self.metrics.add(row)
    }

    /// Syncs the rows of all finished epochs, then saves a checkpoint. If `is_best`, the checkpoint
    /// is also saved as the best checkpoint.
    ///
    /// # Errors
    /// Returns an error if a file operation fails.
    pub fn save_checkpoint(&mut self, checkpoint: &Checkpoint, is_best: bool) -> Result<()> {
        self.metrics.sync()?;
        self.checkpoints.save(checkpoint, is_best)
    }

    /// Keeps the checkpoint of the best epoch so far in memory; it is saved before the
    /// next checkpoint or by [`save_best`](Self::save_best).
    pub fn hold_best(&mut self, checkpoint: Checkpoint) {
        self.checkpoints.hold_best(checkpoint);
    }

    /// Saves the best checkpoint if it is still only in memory.
    ///
    /// # Errors
    /// Returns an error if a file operation fails.
    pub fn save_best(&mut self) -> Result<()> {
        self.metrics.sync()?;
        self.checkpoints.save_best()
    }

    /// Writes the model.
    ///
    /// # Errors
    /// Returns an error if a file operation fails.
    pub fn write_model(&self, model: &Model) -> Result<()> {
        self.replace(MODEL, &model.to_bytes()?)
    }

    /// Syncs the rows of all epochs, then writes the summary.
    ///
    /// # Errors
    /// Returns an error if a file operation fails.
    #[expect(
        clippy::missing_panics_doc,
        reason = "a summary can always be written as JSON"
    )]
    pub fn write_summary(&mut self, summary: &Summary) -> Result<()> {
        self.metrics.sync()?;
        let json = serde_json::to_value(summary).expect("a summary is plain JSON");
        let text = format!("{json:#}\n");
        self.replace(SUMMARY, text.as_bytes())
    }

    /// Writes the reason why the run diverged, for `nn doctor`.
    ///
    /// # Errors
    /// Returns an error if a file operation fails.
    pub fn write_failure(&self, message: &str) -> Result<()> {
        let error = serde_json::json!({ "diverged": message });
        self.replace(FAILURE, format!("{error:#}\n").as_bytes())
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        replace(&self.path, name, bytes)
    }
}

/// Creates the directory `runs_dir/name`; without a name, creates the first free directory of
/// `runs_dir/PREFIX-1`, `-2`, ….
///
/// # Errors
/// Returns [`ErrorKind::Usage`] for an invalid name or an existing directory, [`ErrorKind::Io`]
/// if the directory cannot be created.
pub fn create_directory(runs_dir: &Path, name: Option<&str>, prefix: &str) -> Result<PathBuf> {
    disk::create_dir_all(runs_dir).map_err(|error| Error::io(runs_dir, &error))?;
    match name {
        Some(name) => create_named(runs_dir, name),
        None => create_counted(runs_dir, prefix),
    }
}

/// Creates the directory `runs_dir/name`, or returns it if another process has created it.
///
/// # Errors
/// Returns [`ErrorKind::Usage`] for an invalid name, [`ErrorKind::Io`] if the directory cannot be
/// created.
pub fn create_shared_directory(runs_dir: &Path, name: &str) -> Result<PathBuf> {
    check_name(name)?;
    let path = runs_dir.join(name);
    disk::create_dir_all(&path).map_err(|error| Error::io(&path, &error))?;
    Ok(path)
}

/// Writes `bytes` to the new file `name` in `folder` atomically; an existing file, which another
/// worker may have created at the same time, is kept.
///
/// ```
/// use nn_train::run_dir::{create_shared_directory, publish};
///
/// # let runs_dir = std::env::temp_dir().join(format!("nn-publish-{}", std::process::id()));
/// for worker in ["worker 0", "worker 1"] {
///     let run = create_shared_directory(&runs_dir, "shared")?;
///     publish(&run, "first", worker.as_bytes())?;
/// }
/// let text = std::fs::read_to_string(runs_dir.join("shared/first")).unwrap();
/// assert_eq!(text, "worker 0");
/// # std::fs::remove_dir_all(&runs_dir).unwrap();
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// # Errors
/// Returns an error if a file operation fails.
pub fn publish(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let target = folder.join(name);
    if target.exists() {
        return Ok(());
    }
    match atomic_file::create_new(&target, bytes) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(Error::io(&target, &error))
        }
        _ => Ok(()),
    }
}

/// Writes `bytes` to the file `name` in `folder` atomically.
///
/// # Errors
/// Returns an error if a file operation fails.
pub fn replace(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let target = folder.join(name);
    atomic_file::replace(&target, bytes).map_err(|error| Error::io(&target, &error))
}

/// The settings that a run was started with.
///
/// # Errors
/// Returns an error if the file is missing or invalid.
pub fn read_config(run: &Path) -> Result<Settings> {
    let path = run.join(CONFIG);
    if !path.exists() {
        let (reason, help) = if run.join(METRICS).exists() {
            (
                "the run was stopped before training started",
                "train again under a different name",
            )
        } else {
            (
                "this is not a run directory",
                "give the directory of a training run",
            )
        };
        return Err(Error::new(
            ErrorKind::Io,
            format!("{}: no {CONFIG}; {reason}", run.display()),
        )
        .with_help(help));
    }
    Settings::read(&path).map_err(Error::of_data)
}

/// Returns `true` if a run is finished.
pub fn is_finished(run: &Path) -> bool {
    run.join(SUMMARY).exists()
}

/// Removes the directory of a run without settings, which was stopped before its first step.
pub(crate) fn remove_unstarted(run: &Path) -> Result<()> {
    match run.exists() {
        true => remove(run),
        false => Ok(()),
    }
}

/// Removes the directory of a run.
pub(crate) fn remove(run: &Path) -> Result<()> {
    fs::remove_dir_all(run).map_err(|error| Error::io(run, &error))
}

/// Reads the summary of a finished run.
///
/// # Errors
/// Returns an error if the file cannot be read or is damaged.
pub fn read_summary(path: &Path) -> Result<Summary> {
    let text = regular_file::read_text(path)?;
    serde_json::from_str(&text).map_err(|error| {
        Error::new(ErrorKind::Data, format!("{}: {error}", path.display()))
            .with_help("remove the folder of this run to train it again")
    })
}

/// The reason why a run diverged, if it did.
pub fn read_failure(run: &Path) -> Option<String> {
    let text = regular_file::read_text(&run.join(FAILURE)).ok()?;
    let error: serde_json::Value = serde_json::from_str(&text).ok()?;
    error["diverged"].as_str().map(str::to_owned)
}

/// Returns `true` if `name` is a valid name of a run and not a path.
pub fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || "-_.+=,".contains(c))
}

fn check_name(name: &str) -> Result<()> {
    match is_plain_name(name) {
        true => Ok(()),
        false => Err(Error::usage(format!(
            "`name`: expected letters, digits and any of - _ . + = , found \"{}\"",
            name.escape_debug()
        ))),
    }
}

/// The error for the directory of another run.
pub(crate) fn already_exists(path: &Path) -> Error {
    Error::usage(format!(
        "{}: this run already exists and is not overwritten",
        path.display()
    ))
    .with_help("choose another `name`, or leave out `name`")
}

fn create_named(runs_dir: &Path, name: &str) -> Result<PathBuf> {
    check_name(name)?;
    let path = runs_dir.join(name);
    match disk::create_dir(&path) {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(already_exists(&path)),
        Err(error) => Err(Error::io(&path, &error)),
    }
}

fn create_counted(runs_dir: &Path, prefix: &str) -> Result<PathBuf> {
    for number in 1_u32.. {
        let path = runs_dir.join(format!("{prefix}-{number}"));
        match disk::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io(&path, &error)),
        }
    }
    Err(Error::new(
        ErrorKind::Io,
        format!("{}: too many runs", runs_dir.display()),
    ))
}
