//! The folder `checkpoint/` of a run: the last three checkpoints, such as
//! `step-000000000123.safetensors` after 123 steps, and `best.safetensors`, the
//! checkpoint of the best epoch.
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
use nn_files::{atomic_file, disk, regular_file};
use nn_settings::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::instruction_set;
use crate::plan::Plan;

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
    /// Uses `interval` both at the ends of epochs and within epochs; the default is one second at
    /// the ends of epochs and one minute within epochs.
    pub fn new(interval: Option<Duration>) -> Self {
        Self {
            at_epoch_end: interval.unwrap_or(Duration::from_secs(1)),
            within_epoch: interval.unwrap_or(Duration::from_secs(60)),
        }
    }
}

/// The checkpoint folder of a run, opened and locked.
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
    /// Returns an error of kind [`ErrorKind::Io`] if another process is training this run, or
    /// if the folder cannot be created.
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

    /// Returns `true` if a checkpoint is due at the end of an epoch. The time is measured from the
    /// last checkpoint or from the opening of the folder.
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
    /// Returns an error if a file operation fails.
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
    /// Returns an error if a file operation fails.
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
    /// Returns [`ErrorKind::Data`] if there are checkpoints but all are damaged.
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

/// The additional data in each checkpoint: settings, elapsed seconds, version, instruction set.
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
    match disk::try_lock(&file, path) {
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

#[cfg(test)]
mod tests {
    use nn_core::{
        Activation, Loss, Network, NetworkConfig, Samples, Threads, Trainer, TrainingConfig,
    };

    use super::*;
    #[cfg(target_os = "linux")]
    use nn_files::disk::fault::{self, Fault};

    /// Checkpoints after steps 1 to 5 of a training run.
    fn five() -> Vec<Checkpoint> {
        let samples = Samples::classification(&[[0.0_f32], [1.0]], &[0, 1], 2).unwrap();
        let network = Network::new(&NetworkConfig::new(1, [(2, Activation::Softmax)]), 0).unwrap();
        let config = TrainingConfig {
            epochs: 9,
            ..TrainingConfig::new(Loss::CrossEntropy, "sgd".parse().unwrap())
        };
        let mut trainer = Trainer::new(network, samples, None, config, Threads::single()).unwrap();
        let mut checkpoints: Vec<Checkpoint> = Vec::new();
        while checkpoints.len() < 5 {
            trainer.advance().unwrap();
            let checkpoint = trainer.checkpoint(Value::Null).unwrap();
            if checkpoints.last().map(Checkpoint::step) != Some(checkpoint.step()) {
                checkpoints.push(checkpoint);
            }
        }
        checkpoints
    }

    /// An empty folder for a run.
    fn scratch(name: &str) -> PathBuf {
        let id = std::process::id();
        let run = std::env::temp_dir().join(format!("nn-checkpoints-{name}-{id}"));
        fs::create_dir_all(&run).unwrap();
        run
    }

    fn steps_of(checkpoints: &Checkpoints) -> (Vec<u64>, Option<u64>) {
        let best = checkpoints.best().map(|best| best.step());
        (checkpoints.steps(), best)
    }

    #[test]
    fn the_last_three_and_the_best_are_kept() {
        let (run, saved) = (scratch("kept"), five());
        let mut checkpoints = Checkpoints::open(&run).unwrap();
        assert!(checkpoints.newest(|_| panic!()).unwrap().is_none());
        assert_eq!(checkpoints.newest_name(), None);
        checkpoints.save(&saved[0], false).unwrap();
        assert_eq!(steps_of(&checkpoints), (vec![1], None));
        checkpoints.save(&saved[1], true).unwrap();
        assert_eq!(steps_of(&checkpoints), (vec![1, 2], Some(2)));
        checkpoints.save(&saved[2], false).unwrap();
        checkpoints.save(&saved[3], false).unwrap();
        assert_eq!(steps_of(&checkpoints), (vec![2, 3, 4], Some(2)));
        let newest = checkpoints.newest(|_| panic!()).unwrap();
        assert_eq!(newest.as_ref(), Some(&saved[3]));
        let name = "step-000000000004.safetensors";
        assert_eq!(checkpoints.newest_name().as_deref(), Some(name));
        drop(checkpoints);
        fs::remove_dir_all(&run).unwrap();
    }

    #[test]
    fn the_best_that_is_held_is_saved_before_the_next() {
        let (run, saved) = (scratch("held"), five());
        let mut checkpoints = Checkpoints::open(&run).unwrap();
        checkpoints.hold_best(saved[0].clone());
        assert_eq!(steps_of(&checkpoints), (vec![], None));
        checkpoints.save(&saved[1], false).unwrap();
        assert_eq!(steps_of(&checkpoints), (vec![2], Some(1)));
        // A better one takes its place.
        checkpoints.hold_best(saved[2].clone());
        checkpoints.save(&saved[3], true).unwrap();
        checkpoints.save(&saved[4], false).unwrap();
        assert_eq!(steps_of(&checkpoints), (vec![2, 4, 5], Some(4)));
        checkpoints.hold_best(saved[2].clone());
        checkpoints.save_best().unwrap();
        assert_eq!(steps_of(&checkpoints).1, Some(3));
        drop(checkpoints);
        fs::remove_dir_all(&run).unwrap();
    }

    #[test]
    fn damaged_checkpoints_are_passed_over_with_a_warning() {
        let (run, saved) = (scratch("damaged"), five());
        let mut checkpoints = Checkpoints::open(&run).unwrap();
        checkpoints.save(&saved[0], true).unwrap();
        checkpoints.save(&saved[1], false).unwrap();
        checkpoints.save(&saved[2], false).unwrap();
        let damage = |names: &[&str], left: Option<u64>| {
            for name in names {
                let path = run.join("checkpoint").join(name);
                // The best one is a link to another one.
                fs::remove_file(&path).unwrap();
                fs::write(&path, "x").unwrap();
            }
            let mut warnings = Vec::new();
            let newest = checkpoints.newest(|warning| warnings.push(warning.to_owned()));
            match left {
                Some(step) => assert_eq!(newest.unwrap().map(|it| it.step()), Some(step)),
                None => {
                    let error = newest.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Data);
                    assert!(error.to_string().contains("none of the 4"), "{error}");
                }
            }
            warnings.len()
        };
        let name = |step: u64| name_of(step);
        assert_eq!(damage(&[&name(3)], Some(2)), 1);
        assert_eq!(damage(&[&name(2), &name(1)], Some(1)), 3);
        assert_eq!(damage(&[BEST], None), 4);
        drop(checkpoints);
        fs::remove_dir_all(&run).unwrap();
    }

    #[test]
    fn a_run_is_locked_until_it_is_closed() {
        let run = scratch("locked");
        let checkpoints = Checkpoints::open(&run).unwrap();
        let error = Checkpoints::open(&run).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        let owner = format!(
            "locked by another training run, process {}",
            std::process::id()
        );
        assert!(error.to_string().ends_with(&owner), "{error}");
        drop(checkpoints);
        // The lock file is written anew, whatever is in it.
        fs::write(run.join("checkpoint/lock"), "a longer text than a number\n").unwrap();
        let checkpoints = Checkpoints::open(&run).unwrap();
        let owner = fs::read_to_string(run.join("checkpoint/lock")).unwrap();
        assert_eq!(owner, format!("{}\n", std::process::id()));
        drop(checkpoints);
        fs::remove_dir_all(&run).unwrap();
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_system_without_locks_is_no_obstacle() {
        const NOT_SUPPORTED: i32 = 95;
        const INPUT_OUTPUT: i32 = 5;
        let run = scratch("unlocked");
        drop(Checkpoints::open(&run).unwrap());
        // The lock file is opened first.
        let open = |error| {
            let fault = Fault {
                after: 1,
                forever: false,
                error,
            };
            let (opened, is_met) = fault::with(fault, || Checkpoints::open(&run));
            assert!(is_met);
            opened
        };
        open(NOT_SUPPORTED).unwrap();
        assert_eq!(open(INPUT_OUTPUT).unwrap_err().kind(), ErrorKind::Io);
        fs::remove_dir_all(&run).unwrap();
    }

    #[test]
    fn temporary_files_are_removed_when_a_run_is_opened() {
        let run = scratch("opened");
        drop(Checkpoints::open(&run).unwrap());
        let temporary = run.join("checkpoint/.best.safetensors.tmp");
        fs::write(&temporary, "").unwrap();
        drop(Checkpoints::open(&run).unwrap());
        assert!(!temporary.exists());
        fs::remove_dir_all(&run).unwrap();
    }

    #[test]
    fn checkpoints_are_due_after_a_second_or_within_an_epoch_after_a_minute() {
        let run = scratch("pace");
        let mut checkpoints = Checkpoints::open(&run).unwrap();
        let mut due_after = |seconds: u64, interval: Option<Duration>| {
            let before = Instant::now().checked_sub(Duration::from_secs(seconds));
            checkpoints.saved = before.expect("the machine has run for some minutes");
            let pace = Pace::new(interval);
            let at_epoch_end = checkpoints.is_due_at_epoch_end(pace);
            (at_epoch_end, checkpoints.is_due_within_epoch(pace))
        };
        assert_eq!(due_after(0, None), (false, false));
        assert_eq!(due_after(2, None), (true, false));
        assert_eq!(due_after(61, None), (true, true));
        let ten = Some(Duration::from_secs(10));
        assert_eq!(due_after(5, ten), (false, false));
        assert_eq!(due_after(11, ten), (true, true));
        assert_eq!(due_after(0, Some(Duration::ZERO)), (true, true));
        drop(checkpoints);
        fs::remove_dir_all(&run).unwrap();
    }
}
