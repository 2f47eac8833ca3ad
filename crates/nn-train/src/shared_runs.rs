//! Training runs in one directory that several workers share: the runs of a repeated training, or
//! the networks of an ensemble.

use std::path::{Path, PathBuf};

use nn_core::training::{BatchReport, EpochReport};
use nn_settings::{Error, ErrorKind, Result, Settings};
use nn_workers::{Next, SharedWork};

use crate::data::Data;
use crate::epoch_metrics::EpochMetrics;
use crate::observer::{Observer, Start};
use crate::origin::Origin;
use crate::run_dir::{self, CONFIG, WORKERS};

/// Opens the directory `runs_dir/name` of several runs for one worker, and creates it if this is
/// the first worker. `settings` are those of all runs together.
///
/// # Errors
/// Returns an error if the first worker has other settings, other data or another program, or if
/// the directory is not shared.
pub(crate) fn join(
    settings: &Settings,
    data: &Data,
    runs_dir: &Path,
    name: &str,
) -> Result<PathBuf> {
    let path = run_dir::create_shared_directory(runs_dir, name)?;
    let workers = path.join(WORKERS);
    if path.join(CONFIG).exists() && !workers.exists() {
        return Err(run_dir::already_exists(&path));
    }
    nn_files::create_dir_all(&workers).map_err(|error| Error::io(&workers, &error))?;
    let text = settings.to_toml();
    run_dir::publish(&path, CONFIG, text.as_bytes())?;
    let first = run_dir::read_config(&path)?.to_toml();
    if text != first {
        let is_new = |line: &&str| !first.lines().any(|other| other == *line);
        let problem = format!(
            "{}: this worker has other settings than the first: {}",
            path.display(),
            text.lines().find(is_new).unwrap_or("some are missing")
        );
        return Err(Error::usage(problem)
            .with_help("give all workers the same settings, or choose another `name`"));
    }
    Origin::of(data).agree_in(&workers)?;
    Ok(path)
}

/// Trains the runs `names` in the directory `path` that no other worker trains, until all are
/// finished. `train` is called with the index of a run.
///
/// # Errors
/// Returns the errors of `train`, and an error if the observer stops the worker or if another
/// process has its number.
pub(crate) fn train(
    path: &Path,
    names: &[String],
    work: &mut SharedWork,
    observer: &mut dyn Observer,
    mut train: impl FnMut(usize, &mut dyn Observer) -> Result<()>,
) -> Result<()> {
    loop {
        let is_done = |index: usize| Ok(run_dir::is_finished(&path.join(&names[index])));
        match work.next::<Error>(names, is_done)? {
            Next::Done => return Ok(()),
            Next::Unit(index) => {
                let mut observer = WorkerObserver { observer, work };
                train(index, &mut observer).map_err(started_again)?;
            }
            Next::Wait => {
                work.wait(|| observer.should_stop())?;
                if observer.should_stop() {
                    let problem = format!("{}: the worker was stopped", path.display());
                    return Err(started_again(Error::new(ErrorKind::Interrupted, problem)));
                }
            }
        }
    }
}

/// The hint for an interrupted worker. A run of its own cannot be resumed alone.
fn started_again(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Interrupted => error
            .with_help("run the same command again; until then, other workers continue this run"),
        _ => error,
    }
}

/// Passes all calls to another observer, and tells the other workers after each step that this
/// worker makes progress.
struct WorkerObserver<'a> {
    observer: &'a mut dyn Observer,
    work: &'a mut SharedWork,
}

impl Observer for WorkerObserver<'_> {
    fn start(&mut self, start: &Start<'_, '_>) {
        self.observer.start(start);
    }

    fn batch(&mut self, report: &BatchReport, seconds: f64) {
        self.observer.batch(report, seconds);
    }

    fn epoch(&mut self, report: &EpochReport, metrics: &EpochMetrics) {
        self.observer.epoch(report, metrics);
    }

    fn warn(&mut self, warning: &str) {
        self.observer.warn(warning);
    }

    fn should_stop(&mut self) -> bool {
        self.work.progress();
        self.observer.should_stop()
    }
}
