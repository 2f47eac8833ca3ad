//! A disk that fails at the first operation of a training, at the second, and
//! so on until the training gets through: SQLite's way to try every error path
//! ("I/O error testing", sqlite.org/testing.html).

use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use nn_core::{Checkpoint, Model};
use nn_files::disk::fault::{self, Fault, Operation};

use super::*;
use crate::run_dir::is_finished;

/// More operations than the training has.
const ENDLESS: u32 = 1000;

/// Errors of Linux and macOS: no space left on the device, input or output
/// failed.
const ERRORS: [i32; 2] = [28, 5];

/// A folder with a table and the runs of it, removed at the end.
struct Scratch {
    folder: PathBuf,
    /// Seconds between checkpoints.
    interval: Duration,
}

/// A checkpoint after each batch.
const ALL: Duration = Duration::ZERO;

/// A single checkpoint at the end.
const LAST: Duration = Duration::from_secs(3600);

impl Scratch {
    fn new(name: &str, interval: Duration) -> Self {
        let folder = std::env::temp_dir().join(format!("nn-faults-{name}-{}", process::id()));
        fs::create_dir_all(&folder).expect("the temporary folder is writable");
        let row = |i: i32| {
            format!(
                "{},{},{}\n",
                i % 7,
                i * i % 11,
                ["a", "b", "c"][i as usize % 3]
            )
        };
        let table: String = (0..60).map(row).collect();
        fs::write(folder.join("table.csv"), format!("u,v,letter\n{table}"))
            .expect("the temporary folder is writable");
        Self { folder, interval }
    }

    fn run(&self, name: &str) -> PathBuf {
        self.folder.join("runs").join(name)
    }

    fn settings(&self) -> Settings {
        let data = self.folder.join("table.csv");
        Settings {
            data: Some(data.to_string_lossy().into_owned()),
            hidden: Some("4".parse().expect("it is a width")),
            epochs: Some(3),
            batch_size: Some("20".parse().expect("it is a size")),
            optimizer: Some("adam".parse().expect("it is an optimizer")),
            lr: Some(0.01),
            ..Settings::default()
        }
    }

    fn train(&self, name: &str) -> Result<()> {
        self.train_with(name, &self.settings())
    }

    fn train_with(&self, name: &str, settings: &Settings) -> Result<()> {
        let experiment = Experiment::load(settings, "datasets")?
            .with_threads(Threads::single())
            .with_checkpoint_interval(self.interval);
        experiment.train(self.run(name), &mut ()).map(drop)
    }

    fn resume(&self, name: &str) -> Result<()> {
        let run = self.run(name);
        if is_finished(&run) {
            return Ok(());
        }
        let stopped = StoppedRun::open(run, "datasets", Threads::single(), |_| {})?
            .with_checkpoint_interval(self.interval);
        stopped.train(&mut ()).map(drop)
    }

    fn weights(&self, name: &str) -> Vec<u8> {
        fs::read(self.run(name).join("model.safetensors")).expect("the run has ended")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).ok();
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Whatever is there under its final name is whole.
fn assert_whole(run: &Path, case: &str) {
    for name in names(&run.join("checkpoint")) {
        if name.ends_with(".safetensors") && !name.starts_with('.') {
            let bytes = fs::read(run.join("checkpoint").join(&name)).expect("it is there");
            Checkpoint::<f32>::read(&bytes[..])
                .unwrap_or_else(|error| panic!("{case}, {name}: {error}"));
        }
    }
    if let Ok(bytes) = fs::read(run.join("model.safetensors")) {
        Model::<f32>::read(&bytes[..]).unwrap_or_else(|error| panic!("{case}: {error}"));
    }
    if let Ok(text) = fs::read_to_string(run.join("summary.json")) {
        serde_json::from_str::<serde_json::Value>(&text)
            .unwrap_or_else(|error| panic!("{case}: {error}"));
    }
}

fn assert_tidy(run: &Path, case: &str) {
    for folder in [run.to_owned(), run.join("checkpoint")] {
        let left: Vec<String> = names(&folder)
            .into_iter()
            .filter(|name| name.ends_with(".tmp"))
            .collect();
        assert!(left.is_empty(), "{case}: {left:?}");
    }
    let kept = names(&run.join("checkpoint"));
    let steps = kept.iter().filter(|name| name.starts_with("step-"));
    assert!(steps.count() <= 3, "{case}: {kept:?}");
}

/// Steps of the checkpoints that are there.
fn newest(run: &Path) -> Option<String> {
    let steps = names(&run.join("checkpoint")).into_iter();
    steps.filter(|name| name.starts_with("step-")).max()
}

/// Trains with a fault after so many operations, and then, if that was too
/// much for it, without. Tells whether the fault was met.
fn train_in_spite_of(scratch: &Scratch, fault: Fault, expected: &[u8]) -> bool {
    let (name, case) = ("a", format!("{fault:?}"));
    let run = scratch.run(name);
    let (outcome, is_met) = fault::with(fault, || scratch.train(name));
    assert_whole(&run, &case);
    if let Err(failure) = outcome {
        assert!(is_met, "{case}: {failure}");
        assert_eq!(failure.kind(), ErrorKind::Io, "{case}: {failure}");
        let root = scratch.folder.to_string_lossy();
        assert!(
            failure.to_string().contains(&*root),
            "{}",
            failure.to_string()
        );
        let before = newest(&run);
        if run.join("config.toml").exists() {
            scratch
                .resume(name)
                .unwrap_or_else(|failure| panic!("{case}: {failure}"));
        } else {
            // It never began.
            fs::remove_dir_all(&run).ok();
            scratch.train(name).expect("the disk is whole again");
        }
        assert!(before <= newest(&run), "{case}: a checkpoint was lost");
    }
    assert_whole(&run, &case);
    assert!(scratch.weights(name) == expected, "{case}: other weights");
    assert_tidy(&run, &case);
    fs::remove_dir_all(&run).expect("the run is ours");
    is_met
}

#[test]
fn whichever_operation_fails_a_training_goes_on_to_the_same_bytes() {
    for (forever, interval) in [(false, ALL), (true, ALL), (true, LAST)] {
        let scratch = Scratch::new(&format!("{forever}-{interval:?}"), interval);
        scratch.train("whole").expect("the disk is whole");
        let expected = scratch.weights("whole");
        let n_operations = (0..ENDLESS).find(|&after| {
            let error = ERRORS[after as usize % 2];
            let fault = Fault {
                after,
                forever,
                error,
            };
            !train_in_spite_of(&scratch, fault, &expected)
        });
        let n_operations = n_operations.expect("at some point the fault comes too late");
        assert!(n_operations > 25, "{n_operations} operations are too few");
    }
}

/// Resuming writes too.
#[test]
fn whichever_operation_fails_a_resumed_training_can_be_resumed_again() {
    let scratch = Scratch::new("resumed", ALL);
    scratch.train("whole").expect("the disk is whole");
    let expected = scratch.weights("whole");
    for after in 0..ENDLESS {
        let forever = |after| Fault {
            after,
            forever: true,
            error: ERRORS[0],
        };
        // Ends within the second epoch.
        let (begun, _) = fault::with(forever(40), || scratch.train("a"));
        assert_eq!(begun.expect_err("the disk is full").kind(), ErrorKind::Io);
        let (resumed, is_met) = fault::with(forever(after), || scratch.resume("a"));
        assert_whole(&scratch.run("a"), "resumed");
        match resumed {
            Ok(()) => assert!(after > 20, "{after} operations are too few"),
            Err(failure) => {
                assert_eq!(failure.kind(), ErrorKind::Io, "{failure}");
                scratch.resume("a").expect("the disk is whole again");
            }
        }
        assert!(scratch.weights("a") == expected, "after {after}");
        assert_tidy(&scratch.run("a"), "resumed");
        fs::remove_dir_all(scratch.run("a")).expect("the run is ours");
        if !is_met {
            return;
        }
    }
    panic!("at some point the fault comes too late");
}

/// Every folder and every renamed file is followed by a sync of the folder that
/// holds its name, and a file is synced before it is renamed.
fn assert_names_survive(operations: &[Operation]) {
    for (index, (operation, path)) in operations.iter().enumerate() {
        let (before, after) = (&operations[..index], &operations[index + 1..]);
        let folder = path.parent().expect("a name is in a folder").to_owned();
        let sync_folder = ("sync_folder", folder);
        match *operation {
            "create_dir" => assert_eq!(after.first(), Some(&sync_folder), "{path:?}"),
            "rename" => {
                let next = after.iter().find(|(operation, _)| *operation != "rename");
                assert_eq!(next, Some(&sync_folder), "{path:?}");
                let name = path.file_name().expect("a file").to_string_lossy();
                let temporary = path.with_file_name(format!(".{name}.tmp"));
                let is_whole = |(operation, of): &Operation| {
                    matches!(*operation, "sync" | "hard_link") && *of == temporary
                };
                assert!(before.iter().any(is_whole), "{path:?}");
            }
            _ => {}
        }
    }
}

/// Rows of epochs that a checkpoint or the summary counts were synced before.
fn assert_rows_come_first(operations: &[Operation]) {
    let mut is_synced = true;
    for (operation, path) in operations {
        if path.ends_with("metrics.csv") {
            is_synced = *operation == "sync" || is_synced && *operation != "write";
        } else if *operation == "rename" && !path.ends_with("config.toml") {
            assert!(is_synced, "{path:?}");
        }
    }
}

#[test]
fn what_a_training_has_saved_survives_a_power_cut() {
    for interval in [ALL, LAST] {
        let scratch = Scratch::new(&format!("recorded-{interval:?}"), interval);
        let (trained, operations) = fault::record(|| scratch.train("a"));
        trained.expect("the disk is whole");
        for folder in ["runs", "runs/a", "runs/a/checkpoint"] {
            let made = ("create_dir", scratch.folder.join(folder));
            assert!(operations.contains(&made), "{folder}");
        }
        assert_names_survive(&operations);
        assert_rows_come_first(&operations);

        fs::remove_file(scratch.run("a").join("summary.json")).expect("the run is ours");
        fs::remove_dir_all(scratch.run("a").join("checkpoint")).expect("the run is ours");
        fs::remove_file(scratch.run("a").join("metrics.csv")).expect("the run is ours");
        let (resumed, operations) = fault::record(|| scratch.resume("a"));
        resumed.expect("the disk is whole");
        assert_names_survive(&operations);
        assert_rows_come_first(&operations);
        let metrics = scratch.run("a").join("metrics.csv");
        let opened = operations
            .iter()
            .position(|operation| *operation == ("open", metrics.clone()));
        let named = ("sync_folder", scratch.run("a"));
        let opened = opened.expect("the file is new");
        assert!(
            operations[opened..opened + 3].contains(&named),
            "metrics.csv"
        );
    }
}

/// A checkpoint takes as long as thousands of epochs of a small network.
#[test]
fn short_epochs_do_not_each_wait_for_the_disk() {
    let scratch = Scratch::new("short", Duration::from_secs(1));
    let settings = Settings {
        hidden: Some("2".parse().expect("it is a width")),
        epochs: Some(300),
        batch_size: Some("full".parse().expect("it is a size")),
        ..scratch.settings()
    };
    let start = std::time::Instant::now();
    let (trained, operations) = fault::record(|| scratch.train_with("a", &settings));
    trained.expect("the disk is whole");
    let n_syncs = operations
        .iter()
        .filter(|(operation, _)| operation.starts_with("sync"));
    let n_seconds = start.elapsed().as_secs() as usize;
    // The syncs of the run itself, and of each checkpoint and its best one.
    assert!(n_syncs.count() < 24 + 6 * n_seconds);
}
