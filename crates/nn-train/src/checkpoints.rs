//! The folder `checkpoint/` of a run: the last three checkpoints, such as
//! `step-000000000123.safetensors` after 123 steps, and `best.safetensors`, the
//! checkpoint of the epoch with the lowest validation loss.
//!
//! Not every epoch ends with a checkpoint ([`Pace`]), because writing one to a disk takes
//! as long as thousands of epochs of a small network. The checkpoint of the best epoch is
//! therefore held in memory and saved just before the next checkpoint. If the process is
//! killed between the two writes, `best.safetensors` is at least as new as the newest
//! checkpoint.
//!
//! A file lock prevents a second process from training the same run. The system releases
//! the lock when the process ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nn_core::Checkpoint;
use serde_json::{Value, json};

use crate::atomic_file;
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::instruction_set;
use crate::plan::Plan;
use crate::regular_file;

/// Number of checkpoints that are kept besides the best.
const KEPT: usize = 3;

const BEST: &str = "best.safetensors";

/// The minimum time between two checkpoints. A checkpoint is always saved when a run
/// ends or is interrupted.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    at_epoch_end: Duration,
    within_epoch: Duration,
}

impl Pace {
    /// Uses `interval` everywhere; the default is one second at the ends of epochs and
    /// one minute within epochs.
    pub fn new(interval: Option<Duration>) -> Self {
        Self {
            at_epoch_end: interval.unwrap_or(Duration::from_secs(1)),
            within_epoch: interval.unwrap_or(Duration::from_secs(60)),
        }
    }
}

/// The open folder of checkpoints.
#[derive(Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    /// When the last checkpoint was saved.
    saved: Instant,
    /// The checkpoint of the best epoch, if it is not saved yet.
    unsaved_best: Option<Checkpoint>,
    /// The lock file, locked while it is open.
    _lock: File,
}

impl Checkpoints {
    /// Opens the folder of `run`, creates it if it does not exist, and locks it against
    /// other processes.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if another process trains the run, or if the folder cannot be
    /// created.
    pub fn open(run: &Path) -> Result<Self> {
        let folder = run.join("checkpoint");
        disk::create_dir_all(&folder).map_err(|error| Error::io(&folder, &error))?;
        let lock = lock(run, &folder.join("lock"))?;
        atomic_file::remove_temporaries(&folder);
        Ok(Self {
            folder,
            saved: Instant::now(),
            unsaved_best: None,
            _lock: lock,
        })
    }

    /// Returns `true` if a checkpoint is due at the end of an epoch, counted from the last
    /// checkpoint or from the opening of the folder.
    pub fn is_due_at_epoch_end(&self, pace: Pace) -> bool {
        self.saved.elapsed() >= pace.at_epoch_end
    }

    /// Returns `true` if a checkpoint is due between two batches.
    pub fn is_due_within_epoch(&self, pace: Pace) -> bool {
        self.saved.elapsed() >= pace.within_epoch
    }

    /// Keeps the checkpoint of the best epoch so far in memory until the next
    /// [`save`](Self::save) or [`save_best`](Self::save_best).
    pub fn hold_best(&mut self, checkpoint: Checkpoint) {
        self.unsaved_best = Some(checkpoint);
    }

    /// Saves a checkpoint. If `is_best`, it is also saved as the best checkpoint;
    /// otherwise a best checkpoint held in memory is saved first.
    ///
    /// # Errors
    /// If the file system returns an error.
    pub fn save(&mut self, checkpoint: &Checkpoint, is_best: bool) -> Result<()> {
        if is_best {
            self.unsaved_best = None;
        } else {
            self.save_best()?;
        }
        let best = self.folder.join(BEST);
        write(&self.path_of(checkpoint.step()), checkpoint, |whole| {
            if is_best {
                atomic_file::link(whole, &best)
            } else {
                Ok(())
            }
        })?;
        self.saved = Instant::now();
        self.prune();
        Ok(())
    }

    /// Saves the best checkpoint held in memory, if there is one.
    ///
    /// # Errors
    /// If the file system returns an error.
    pub fn save_best(&mut self) -> Result<()> {
        if let Some(best) = &self.unsaved_best {
            write(&self.folder.join(BEST), best, |_| Ok(()))?;
            self.unsaved_best = None;
        }
        Ok(())
    }

    /// Returns the newest intact checkpoint, or `None` if no checkpoint was ever saved.
    /// `warn` is called for every damaged newer checkpoint.
    ///
    /// # Errors
    /// [`ErrorKind::Data`] if there are checkpoints but all are damaged.
    pub fn newest(&self, mut warn: impl FnMut(&str)) -> Result<Option<Checkpoint>> {
        let mut paths: Vec<PathBuf> = self.steps().iter().map(|&s| self.path_of(s)).collect();
        paths.reverse();
        paths.extend(Some(self.folder.join(BEST)).filter(|best| best.exists()));
        for path in &paths {
            match read(path) {
                Ok(checkpoint) => return Ok(Some(checkpoint)),
                Err(error) => warn(&format!("{error}; using the previous checkpoint")),
            }
        }
        match &paths[..] {
            [] => Ok(None),
            paths => Err(Error::new(
                ErrorKind::Data,
                format!(
                    "{}: none of the {} checkpoints can be read",
                    self.folder.display(),
                    paths.len()
                ),
            )
            .with_help("train again with the settings of the run's config.toml")),
        }
    }

    /// Returns the checkpoint of the best epoch, if it can be read.
    pub fn best(&self) -> Option<Checkpoint> {
        read(&self.folder.join(BEST)).ok()
    }

    /// The file name of the newest checkpoint, intact or not.
    pub fn newest_name(&self) -> Option<String> {
        self.steps().last().map(|&step| name_of(step))
    }

    fn path_of(&self, step: u64) -> PathBuf {
        self.folder.join(name_of(step))
    }

    /// Steps of the saved checkpoints, in ascending order.
    fn steps(&self) -> Vec<u64> {
        let mut steps: Vec<u64> = fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let number = name.strip_prefix("step-")?.strip_suffix(".safetensors")?;
                number.parse().ok()
            })
            .collect();
        steps.sort_unstable();
        steps
    }

    fn prune(&self) {
        let steps = self.steps();
        let n_old = steps.len().saturating_sub(KEPT);
        for &step in &steps[..n_old] {
            // One too many does no harm.
            let _ = disk::remove_file(&self.path_of(step));
        }
    }
}

/// The user note of a checkpoint: settings, elapsed seconds, version, instruction set.
pub fn note(plan: &Plan, seconds: f64) -> Value {
    json!({
        "settings": plan.settings.to_json(),
        "seconds": seconds,
        "version": env!("CARGO_PKG_VERSION"),
        "instruction_set": instruction_set::name(),
    })
}

fn name_of(step: u64) -> String {
    format!("step-{step:012}.safetensors")
}

/// Writes a checkpoint; `before_rename` is called as in
/// [`atomic_file::replace_after`].
fn write(
    path: &Path,
    checkpoint: &Checkpoint,
    before_rename: impl Fn(&Path) -> io::Result<()>,
) -> Result<()> {
    let bytes = checkpoint.to_bytes()?;
    let write = || atomic_file::replace_after(path, &bytes, &before_rename);
    // One retry, because some errors are temporary.
    write()
        .or_else(|_| write())
        .map_err(|error| Error::io(path, &error))
}

fn read(path: &Path) -> Result<Checkpoint> {
    Checkpoint::read(regular_file::open(path)?)
        .map_err(|error| Error::from(error).at(path.display()))
}

/// Locks `path` and writes the process ID into it.
fn lock(run: &Path, path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = disk::open(&options, path).map_err(|error| Error::io(path, &error))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            // Some systems do not let a locked file be read.
            let _ = file.read_to_string(&mut owner);
            let owner = owner.trim().parse::<u32>();
            let owner = owner.map_or_else(|_| String::new(), |id| format!(", process {id}"));
            return Err(Error::new(
                ErrorKind::Io,
                format!("{}: locked by another training run{owner}", run.display()),
            )
            .with_help("wait until the other training run has ended, or stop it"));
        }
        // A file system that does not support locks cannot hold one.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
        Err(TryLockError::Error(error)) => return Err(Error::io(path, &error)),
        Ok(()) => {}
    }
    let owner = format!("{}\n", std::process::id());
    disk::set_len(&file, path, 0)
        .and_then(|()| disk::write(&mut file, path, owner.as_bytes()))
        .map_err(|error| Error::io(path, &error))?;
    Ok(file)
}
