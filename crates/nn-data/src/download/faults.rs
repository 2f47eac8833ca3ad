//! Downloads on a disk that fails at the first operation, the second, and so on,
//! until the download succeeds ("I/O error testing", sqlite.org/testing.html).

use std::path::PathBuf;
use std::{fs, process};

use nn_files::disk::fault::{self, Fault};

use super::{Fetched, Origin, fetch};
use crate::catalog::{IdxFiles, RemoteFile, Source};
use crate::checksum;
use crate::error::{ErrorKind, Result};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// More operations than a download has.
const ENDLESS: u32 = 1000;

/// Error codes of Linux and macOS: no space left on device, input/output error.
const ERRORS: [i32; 2] = [28, 5];

/// The content of a file, longer than the copy buffer.
fn content(name: &str) -> Vec<u8> {
    let byte = |i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8 ^ name.as_bytes()[0];
    (0..150_000).map(byte).collect()
}

fn source() -> Source {
    let file = |name: &'static str| RemoteFile {
        name,
        size: content(name).len() as u64,
        sha256: checksum::sha256(&content(name)[..])
            .expect("memory can be read")
            .leak(),
    };
    Source {
        name: "tiny",
        aliases: &[],
        description: "",
        citation: "",
        license: "",
        n_samples: (1, 1),
        image_size: (1, 1),
        class_names: &[],
        files: IdxFiles {
            train_images: file(NAMES[0]),
            train_labels: file(NAMES[1]),
            test_images: file(NAMES[2]),
            test_labels: file(NAMES[3]),
        },
        mirrors: &[],
    }
}

/// A source folder and a destination folder, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("nn-data-faults-{name}-{}", process::id()));
        let origin = folder.join("origin");
        fs::create_dir_all(&origin).expect("the temporary folder is writable");
        for name in NAMES {
            fs::write(origin.join(name), content(name)).expect("the temporary folder is writable");
        }
        Self(folder)
    }

    fn fetch(&self, source: &Source) -> Result<Fetched> {
        let origin = Origin::Folder(self.0.join("origin"));
        fetch(source, &self.0.join("data"), Some(&origin), &mut |_| {})
    }

    /// Names of partial and other files, after a check that all final files are correct.
    fn others(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.join("data/tiny")).into_iter().flatten();
        let mut others = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if NAMES.contains(&&*name) {
                let found = fs::read(entry.path()).expect("it is there");
                assert!(found == content(&name), "{name} is wrong");
            } else if name != ".fetch.lock" {
                others.push(name);
            }
        }
        others
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Downloads on a disk that fails after `after` operations, and then on a working
/// one. Returns whether the failure occurred.
fn fetch_in_spite_of(scratch: &Scratch, source: &Source, after: u32, forever: bool) -> bool {
    let error = ERRORS[after as usize % 2];
    let fault = Fault {
        after,
        forever,
        error,
    };
    let (fetched, is_met) = fault::with(fault, || scratch.fetch(source));
    scratch.others();
    if let Err(error) = fetched {
        assert!(is_met, "{error}");
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        let folder = scratch.0.join("data").display().to_string();
        assert!(error.to_string().starts_with(&folder), "{error}");
    }
    scratch.fetch(source).expect("the disk is whole again");
    assert_eq!(scratch.others(), Vec::<String>::new(), "after {after}");
    for name in NAMES {
        assert!(scratch.0.join("data/tiny").join(name).exists(), "{name}");
    }
    fs::remove_dir_all(scratch.0.join("data")).expect("the folder is ours");
    is_met
}

#[test]
fn no_failure_leaves_a_wrong_file() {
    let (scratch, source) = (Scratch::new("faults"), source());
    for forever in [false, true] {
        let n_operations =
            (0..ENDLESS).find(|&after| !fetch_in_spite_of(&scratch, &source, after, forever));
        let n_operations = n_operations.expect("at some point the fault comes too late");
        assert!(n_operations > 30, "{n_operations} operations are too few");
    }
}

#[test]
fn downloads_survive_a_power_failure() {
    let (scratch, source) = (Scratch::new("recorded"), source());
    let (fetched, operations) = fault::record(|| scratch.fetch(&source));
    fetched.expect("the disk is whole");
    for folder in ["data", "data/tiny"] {
        let made = ("create_dir", scratch.0.join(folder));
        assert!(operations.contains(&made), "{folder}");
    }
    for (index, (operation, path)) in operations.iter().enumerate() {
        let next = operations.get(index + 1);
        let sync_folder = path
            .parent()
            .map(|folder| ("sync_folder", folder.to_owned()));
        if matches!(*operation, "create_dir" | "rename") {
            assert_eq!(next, sync_folder.as_ref(), "{path:?}");
        }
        if *operation == "rename" {
            let before = &operations[..index];
            let partial = PathBuf::from(format!("{}.partial", path.display()));
            assert!(before.contains(&("sync", partial)), "{path:?}");
        }
    }
}
