//! Operations that change files and folders. Tests can make each operation fail ([`fault`]).
//!
//! # Errors
//! All functions return the error of the operating system, without the path
//! ([`io_error`](crate::io_error) adds it).
#![allow(
    clippy::missing_errors_doc,
    reason = "all functions have the errors that are documented above"
)]

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Creates a new file. An existing file or link with this name is an error.
pub fn create_new(path: &Path) -> io::Result<File> {
    open(OpenOptions::new().write(true).create_new(true), path)
}

/// Opens a file for writing.
pub fn open(options: &OpenOptions, path: &Path) -> io::Result<File> {
    permit("open", path)?;
    options.open(path)
}

/// Writes all of `bytes` to the file at `path`. After an error, the file may contain a part
/// of `bytes`.
pub fn write(file: &mut File, path: &Path, bytes: &[u8]) -> io::Result<()> {
    permit("write", path)
        .or_else(|error| file.write_all(&bytes[..bytes.len() / 2]).and(Err(error)))?;
    file.write_all(bytes)
}

/// Locks the file at `path` against other processes.
pub fn try_lock(file: &File, path: &Path) -> Result<(), TryLockError> {
    permit("lock", path).map_err(TryLockError::Error)?;
    file.try_lock()
}

/// Truncates or extends the file at `path` to `length` bytes.
pub fn set_len(file: &File, path: &Path, length: u64) -> io::Result<()> {
    permit("set_len", path)?;
    file.set_len(length)
}

/// Syncs the contents of the file at `path`, so that they survive a power failure.
pub fn sync(file: &File, path: &Path) -> io::Result<()> {
    permit("sync", path)?;
    file.sync_all()
}

/// Syncs the folder of `path`, so that its entries survive a power failure. Folders can be
/// synced on Unix only.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let folder = folder_of(path);
    let opened = permit("sync_folder", folder).and_then(|()| File::open(folder));
    match opened {
        Ok(folder) => folder.sync_all(),
        // A folder in which we may write but not read cannot be synced.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

/// Renames a file, replacing an existing file.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    permit("rename", to)?;
    fs::rename(from, to)
}

/// Creates a hard link.
pub fn hard_link(file: &Path, name: &Path) -> io::Result<()> {
    permit("hard_link", name)?;
    fs::hard_link(file, name)
}

/// Copies a file.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    permit("copy", to)?;
    fs::copy(from, to).map(drop)
}

/// Creates a new folder and syncs its parent, because a file survives a power failure only if each
/// folder above it does.
pub fn create_dir(path: &Path) -> io::Result<()> {
    permit("create_dir", path)?;
    fs::create_dir(path)?;
    sync_folder_of(path).inspect_err(|_| {
        // An empty folder would only be in the way of the next attempt.
        let _ = fs::remove_dir(path);
    })
}

/// Creates a folder and its missing parents, and syncs the parent of each new one.
pub fn create_dir_all(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_dir_all(parent)?;
    }
    match create_dir(path) {
        // Another process was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

/// Removes a file.
pub fn remove_file(path: &Path) -> io::Result<()> {
    permit("remove_file", path)?;
    fs::remove_file(path)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

use fault::permit;

/// Fault injection for tests: makes operations of a thread fail, or records them.
///
/// It is not behind a feature: `cargo test` would then build all crates that use files a second
/// time, and outside of tests it only reads two variables of the thread per operation.
pub mod fault {
    use std::cell::{Cell, RefCell};
    use std::io;
    use std::path::{Path, PathBuf};

    /// A fault to be injected into the operations of this thread.
    #[derive(Clone, Copy, Debug)]
    pub struct Fault {
        /// Number of operations that succeed before the fault.
        pub after: u32,
        /// Whether all later operations fail as well.
        pub forever: bool,
        /// Error code of the operating system.
        pub error: i32,
    }

    /// A recorded operation: the name of a function of this module, and the path that the function
    /// changes.
    pub type Operation = (&'static str, PathBuf);

    thread_local! {
        static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
        static STRUCK: Cell<bool> = const { Cell::new(false) };
        static RECORD: RefCell<Option<Vec<Operation>>> = const { RefCell::new(None) };
    }

    /// Runs `work` with an injected fault, and returns whether the fault occurred.
    pub fn with<T>(fault: Fault, work: impl FnOnce() -> T) -> (T, bool) {
        FAULT.set(Some(fault));
        STRUCK.set(false);
        let done = work();
        FAULT.set(None);
        (done, STRUCK.get())
    }

    /// Runs `work` and returns the requested operations in order.
    pub fn record<T>(work: impl FnOnce() -> T) -> (T, Vec<Operation>) {
        RECORD.set(Some(Vec::new()));
        let done = work();
        (done, RECORD.take().unwrap_or_default())
    }

    /// Returns an error if a test lets this operation fail.
    pub(super) fn permit(operation: &'static str, path: &Path) -> io::Result<()> {
        RECORD.with_borrow_mut(|record| {
            if let Some(record) = record {
                record.push((operation, path.to_owned()));
            }
        });
        let Some(fault) = FAULT.get() else {
            return Ok(());
        };
        if let Some(left) = fault.after.checked_sub(1) {
            FAULT.set(Some(Fault {
                after: left,
                ..fault
            }));
            return Ok(());
        }
        STRUCK.set(true);
        if !fault.forever {
            FAULT.set(None);
        }
        Err(io::Error::from_raw_os_error(fault.error))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Barrier;
    use std::{process, thread};

    use super::fault::Fault;
    use super::*;

    /// An empty folder.
    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("nn-disk-{name}-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn with_error<T>(error: i32, work: impl FnOnce() -> T) -> T {
        let fault = Fault {
            after: 0,
            forever: false,
            error,
        };
        let (done, is_met) = fault::with(fault, work);
        assert!(is_met);
        done
    }

    #[test]
    fn a_write_that_fails_in_a_test_leaves_half() {
        let folder = scratch("half");
        let path = folder.join("a");
        let mut file = create_new(&path).unwrap();
        with_error(28, || write(&mut file, &path, b"0123456789")).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"01234");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_copy_has_the_same_bytes() {
        let folder = scratch("copy");
        let (from, to) = (folder.join("from"), folder.join("to"));
        fs::write(&from, "abc").unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"abc");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn only_a_folder_that_cannot_be_read_is_not_synced() {
        const PERMISSION_DENIED: i32 = 13;
        const INPUT_OUTPUT: i32 = 5;
        let folder = scratch("sync");
        let path = folder.join("a");
        with_error(PERMISSION_DENIED, || sync_folder_of(&path)).unwrap();
        let error = with_error(INPUT_OUTPUT, || sync_folder_of(&path)).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(INPUT_OUTPUT));
        let error = sync_folder_of(&folder.join("missing/a")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_name_without_a_folder_is_in_the_current_folder() {
        assert_eq!(folder_of(Path::new("a")), Path::new("."));
        assert_eq!(folder_of(Path::new("b/a")), Path::new("b"));
        assert_eq!(folder_of(Path::new("/")), Path::new("."));
    }

    #[test]
    fn a_file_in_place_of_a_folder_is_an_error() {
        let folder = scratch("file");
        fs::write(folder.join("a"), "").unwrap();
        let error = create_dir_all(&folder.join("a")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        create_dir_all(&folder.join("a/b")).unwrap_err();
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn other_threads_may_create_the_same_folders() {
        const THREADS: usize = 4;
        let folder = scratch("threads");
        for round in 0..100 {
            let (barrier, path) = (Barrier::new(THREADS), folder.join(format!("{round}/a/b")));
            thread::scope(|scope| {
                for _ in 0..THREADS {
                    scope.spawn(|| {
                        barrier.wait();
                        create_dir_all(&path).unwrap();
                    });
                }
            });
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
