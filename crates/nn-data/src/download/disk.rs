//! All file operations of a download. Tests inject a failure into each operation; outside tests,
//! each operation is a plain call of the standard library.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use crate::error::Error;

/// Creates a folder and its missing parents, and syncs the parent of each new
/// folder: a file survives a power failure only if its folders do.
pub(super) fn create_dir_all(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_dir_all(parent)?;
    }
    match create_dir(path) {
        // Another process has created it.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

fn create_dir(path: &Path) -> io::Result<()> {
    permit("create_dir", path)?;
    fs::create_dir(path)?;
    sync_folder_of(path).inspect_err(|_| {
        // The next attempt then creates and syncs it again.
        let _ = fs::remove_dir(path);
    })
}

/// Opens a file for writing.
pub(super) fn open(options: &OpenOptions, path: &Path) -> io::Result<File> {
    permit("open", path)?;
    options.open(path)
}

/// Writes `bytes` to the file at `path`. After an error, part of them may be
/// written.
pub(super) fn write(file: &mut File, path: &Path, bytes: &[u8]) -> io::Result<()> {
    permit("write", path)
        .or_else(|error| file.write_all(&bytes[..bytes.len() / 2]).and(Err(error)))?;
    file.write_all(bytes)
}

/// Truncates the file at `path` to 0 bytes.
pub(super) fn empty(file: &File, path: &Path) -> io::Result<()> {
    permit("empty", path)?;
    file.set_len(0)
}

/// Syncs the content of the file at `path` to the disk.
pub(super) fn sync(file: &File, path: &Path) -> io::Result<()> {
    permit("sync", path)?;
    file.sync_all()
}

/// Syncs the folder of `path` to the disk. Folders can be synced on Unix only.
pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let opened = permit("sync_folder", folder).and_then(|()| File::open(folder));
    match opened {
        Ok(folder) => folder.sync_all(),
        // A folder without read permission cannot be synced.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

/// Renames a file and replaces an existing one.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    permit("rename", to)?;
    fs::rename(from, to)
}

/// Removes a file.
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    permit("remove_file", path)?;
    fs::remove_file(path)
}

/// Adds the path of the file to an error of the operating system.
pub(super) fn io_error(path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::Io {
        path: path.to_owned(),
        source,
    }
}

#[cfg(not(test))]
#[inline]
fn permit(_operation: &'static str, _path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
use fault::permit;

/// Fault injection and recording of operations, for tests.
#[cfg(test)]
pub(super) mod fault {
    use std::cell::{Cell, RefCell};
    use std::io;
    use std::path::{Path, PathBuf};

    /// The name of a function of this module, and its path.
    pub(crate) type Operation = (&'static str, PathBuf);

    thread_local! {
        /// Number of operations that still succeed, whether all later ones fail,
        /// and the error code of the operating system.
        static FAULT: Cell<Option<(u32, bool, i32)>> = const { Cell::new(None) };
        static STRUCK: Cell<bool> = const { Cell::new(false) };
        static RECORD: RefCell<Option<Vec<Operation>>> = const { RefCell::new(None) };
    }

    /// Runs `work` on a disk that fails after `after` operations, once or
    /// forever. Also returns whether the failure occurred.
    pub(crate) fn with<T>(
        after: u32,
        forever: bool,
        error: i32,
        work: impl FnOnce() -> T,
    ) -> (T, bool) {
        FAULT.set(Some((after, forever, error)));
        STRUCK.set(false);
        let done = work();
        FAULT.set(None);
        (done, STRUCK.get())
    }

    /// Runs `work` and returns its operations in order.
    pub(crate) fn record<T>(work: impl FnOnce() -> T) -> (T, Vec<Operation>) {
        RECORD.set(Some(Vec::new()));
        let done = work();
        (done, RECORD.take().unwrap_or_default())
    }

    /// Records the next operation, and fails it if it is due.
    pub(in super::super) fn permit(operation: &'static str, path: &Path) -> io::Result<()> {
        RECORD.with_borrow_mut(|record| {
            if let Some(record) = record {
                record.push((operation, path.to_owned()));
            }
        });
        match FAULT.get() {
            None => Ok(()),
            Some((0, forever, error)) => {
                STRUCK.set(true);
                FAULT.set(Some((0, true, error)).filter(|_| forever));
                Err(io::Error::from_raw_os_error(error))
            }
            Some((after, forever, error)) => {
                FAULT.set(Some((after - 1, forever, error)));
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Barrier;
    use std::{process, thread};

    use super::*;

    /// An empty folder.
    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("nn-data-disk-{name}-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn with_error<T>(error: i32, work: impl FnOnce() -> T) -> T {
        let (done, is_met) = fault::with(0, false, error, work);
        assert!(is_met);
        done
    }

    #[test]
    fn a_write_that_fails_in_a_test_leaves_half() {
        let folder = scratch("half");
        let path = folder.join("a");
        let mut file = open(OpenOptions::new().write(true).create(true), &path).unwrap();
        with_error(28, || write(&mut file, &path, b"0123456789")).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"01234");
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
        // A name without a folder is in the current folder.
        sync_folder_of(Path::new("a")).unwrap();
        fs::remove_dir_all(&folder).unwrap();
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
