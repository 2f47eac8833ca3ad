//! Finds the files of runs, models and data sets.

use std::fs;
use std::path::{Path, PathBuf};

use nn_settings::{Error, ErrorKind, Result};

/// Name of the model file in a run directory.
pub const MODEL: &str = "model.safetensors";

/// Name of the settings file in a run directory.
pub const CONFIG: &str = "config.toml";

/// Directory name of a network's run in an ensemble; networks are counted from 1.
pub fn member_name(number: usize) -> String {
    format!("member-{number}")
}

/// The path of the model file of `run`, which is a run directory, the name of a run in
/// `runs_dir`, or a model file.
///
/// # Errors
/// Returns [`ErrorKind::Io`] if no such run exists.
pub fn locate_model(run: &Path, runs_dir: &Path) -> Result<PathBuf> {
    let candidates = [run.to_owned(), runs_dir.join(run)];
    for candidate in &candidates {
        if candidate.is_dir() {
            let model = candidate.join(MODEL);
            if model.exists() {
                return Ok(model);
            }
            let help = match first_run_in(candidate) {
                Some(run) => format!(
                    "this folder has several training runs; use one of them, such as {}",
                    run.display()
                ),
                None => "the run may still be training; if it was interrupted, continue it with \
                         `resume`"
                    .to_owned(),
            };
            let problem = format!("{}: this run has no {MODEL}", candidate.display());
            return Err(Error::new(ErrorKind::Io, problem).with_help(help));
        }
        if candidate.exists() {
            return Ok(candidate.clone());
        }
    }
    Err(no_run(run, &candidates, "exists", runs_dir))
}

/// The first of the training runs in `folder`, such as a fold of a cross-validation.
pub fn first_run_in(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let runs = entries.map(|entry| entry.path());
    runs.filter(|path| path.join(CONFIG).is_file()).min()
}

/// The directory of `run`, which is a path or the name of a run in `runs_dir`.
///
/// # Errors
/// Returns an error if no such run exists.
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
    Err(no_run(run, &candidates, "is a folder", runs_dir))
}

/// The error for a run that was found at none of the two paths.
fn no_run(run: &Path, [first, second]: &[PathBuf; 2], what: &str, runs_dir: &Path) -> Error {
    let places = if first == second {
        "this path does not exist".to_owned()
    } else {
        format!(
            "neither {} nor {} {what}",
            first.display(),
            second.display()
        )
    };
    let problem = format!("no run \"{}\": {places}", run.display());
    Error::new(ErrorKind::Io, problem).with_help(known_runs(runs_dir))
}

/// A hint with the runs of a folder.
fn known_runs(runs_dir: &Path) -> String {
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
            "there are no runs in {} yet; to create one, use `nn train`",
            runs_dir.display()
        );
    }
    format!("runs in {}: {}", runs_dir.display(), names.join(", "))
}

/// Resolves the path given when `run` was started: relative to the current folder or, if
/// that folder has no such path, to the nearest folder above the run that has one.
pub(crate) fn locate_data(typed: &Path, run: Option<&Path>) -> PathBuf {
    let is_here = typed.is_absolute() || typed.exists();
    let run = run
        .filter(|_| !is_here)
        .and_then(|run| run.canonicalize().ok());
    let folders = run.iter().flat_map(|run| run.ancestors());
    folders
        .map(|folder| folder.join(typed))
        .find(|path| path.exists())
        .unwrap_or_else(|| typed.to_owned())
}
