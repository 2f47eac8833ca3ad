//! Claims of several workers in one folder.

use std::fs;
use std::path::PathBuf;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use nn_workers::{Error, SharedWork, UnitState, Worker};

/// A timeout that no test reaches.
const LONG: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(100);

/// A folder of one test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("nn-workers-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn join(&self, index: usize, timeout: Duration) -> Result<SharedWork, Error> {
        SharedWork::join(&self.0, Worker::new(index, 8).unwrap(), timeout)
    }

    fn state(&self, unit: &str, timeout: Duration) -> UnitState {
        UnitState::of(&self.0, unit, timeout).unwrap().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Lets several workers do `n_units` units; returns how often each was done.
fn done_by_several(folder: &Folder, n_units: usize) -> Vec<u32> {
    const WORKERS: usize = 8;
    let barrier = Barrier::new(WORKERS);
    let units = || (0..n_units).map(|_| AtomicU32::new(0)).collect::<Vec<_>>();
    let (busy, done) = (units(), units());
    let work = |index| {
        let mut work = folder.join(index, LONG).unwrap();
        barrier.wait();
        for unit in 0..n_units {
            if !work.claim(&format!("unit-{unit}")).unwrap() {
                continue;
            }
            assert_eq!(busy[unit].fetch_add(1, Ordering::SeqCst), 0, "unit {unit}");
            if done[unit].load(Ordering::SeqCst) == 0 {
                thread::yield_now();
                done[unit].fetch_add(1, Ordering::SeqCst);
            }
            busy[unit].fetch_sub(1, Ordering::SeqCst);
        }
    };
    thread::scope(|scope| {
        for index in 0..WORKERS {
            let work = &work;
            scope.spawn(move || work(index));
        }
    });
    done.into_iter().map(AtomicU32::into_inner).collect()
}

/// Makes the claim of a unit older than `LONG`.
fn age(folder: &Folder, claim: &str) {
    let file = fs::File::options()
        .write(true)
        .open(folder.0.join(claim))
        .unwrap();
    let old = file.metadata().unwrap().modified().unwrap() - 2 * LONG;
    file.set_modified(old).unwrap();
}

#[test]
fn each_unit_is_done_by_one_worker() {
    let folder = Folder::new();
    assert_eq!(done_by_several(&folder, 50), [1; 50]);
}

#[test]
fn each_abandoned_unit_is_taken_over_by_one_worker() {
    let folder = Folder::new();
    for unit in 0..50 {
        let claim = format!("unit-{unit}.0");
        fs::write(folder.0.join(&claim), "").unwrap();
        age(&folder, &claim);
    }
    assert_eq!(done_by_several(&folder, 50), [1; 50]);
}

#[test]
fn two_workers_cannot_have_the_same_number() {
    let folder = Folder::new();
    let first = folder.join(3, LONG).unwrap();
    let error = folder.join(3, LONG).unwrap_err();
    let message = error.to_string();
    let expected = format!(
        "worker 3/8 is already running: process {} on ",
        std::process::id()
    );
    assert!(message.starts_with(&expected), "{message}");
    folder.join(4, LONG).unwrap();
    drop(first);
    folder.join(3, LONG).unwrap();
}

#[test]
fn a_worker_without_progress_is_replaced() {
    let folder = Folder::new();
    let mut suspended = folder.join(0, LONG).unwrap();
    assert!(suspended.claim("unit").unwrap());
    age(&folder, "worker-0.0");
    let mut other = folder.join(1, LONG).unwrap();
    assert!(!other.claim("unit").unwrap(), "this claim is not old");
    age(&folder, "unit.0");
    assert!(folder.state("unit", LONG).is_abandoned);
    assert!(other.claim("unit").unwrap());
    suspended.check().unwrap();
    let mut replacement = folder.join(0, LONG).unwrap();
    let error = suspended.check().unwrap_err();
    assert!(matches!(error, Error::TakenOver { .. }), "{error}");
    // The old claim does not count, even if its process continues.
    drop(suspended);
    assert!(!replacement.claim("unit").unwrap());
    assert_eq!(folder.state("unit", LONG).worker, Some(1));
}

#[test]
fn progress_keeps_a_claim() {
    let folder = Folder::new();
    let mut work = folder.join(0, SHORT).unwrap();
    assert!(work.claim("unit").unwrap());
    let modified = || {
        let claim = fs::metadata(folder.0.join("unit.0")).unwrap();
        claim.modified().unwrap()
    };
    let before = modified();
    for _ in 0..60 {
        thread::sleep(SHORT / 20);
        work.progress();
    }
    // The time of the last progress, and not the age, which depends on the load of the machine.
    assert!(modified() > before + SHORT);
    let json = fs::read_to_string(folder.0.join("unit.0")).unwrap();
    assert_eq!(json.lines().count(), 1, "{json}");
    thread::sleep(2 * SHORT);
    assert!(folder.state("unit", SHORT).is_abandoned);
}

#[test]
fn a_worker_takes_over_the_unit_of_an_earlier_process_with_its_number() {
    let folder = Folder::new();
    let mut killed = folder.join(0, LONG).unwrap();
    assert!(killed.claim("unit").unwrap());
    std::mem::forget(killed);
    age(&folder, "worker-0.0");
    let mut other = folder.join(1, LONG).unwrap();
    assert!(!other.claim("unit").unwrap());
    let mut again = folder.join(0, LONG).unwrap();
    assert!(again.claim("unit").unwrap());
}

#[test]
fn a_damaged_claim_is_free_when_it_is_old() {
    let folder = Folder::new();
    for damaged in ["", "{", "{}", "\0\0\0", "{\"worker\":\"a\"}\n"] {
        let claim = folder.0.join("unit.0");
        fs::write(&claim, damaged).unwrap();
        let mut work = folder.join(0, LONG).unwrap();
        assert!(!work.claim("unit").unwrap(), "{damaged:?}");
        let state = folder.state("unit", LONG);
        assert!(state.worker.is_none() && state.process.is_none());
        age(&folder, "unit.0");
        assert!(work.claim("unit").unwrap(), "{damaged:?}");
        drop(work);
        fs::remove_file(folder.0.join("unit.1")).unwrap();
    }
}

#[test]
fn a_missing_folder_is_an_error_with_its_path() {
    let folder = Folder::new();
    let missing = folder.0.join("missing");
    let error = SharedWork::join(&missing, Worker::new(0, 1).unwrap(), LONG).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
    assert!(UnitState::of(&folder.0, "unit", LONG).unwrap().is_none());
}
