//! Atomic writes: a file is written under a temporary name, flushed to the disk and
//! renamed; then its folder is flushed.

use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::disk;

/// Writes `bytes` to `path` atomically, replacing an existing file.
///
/// # Errors
/// Returns an error if a file operation fails.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_after(path, bytes, |_| Ok(()))
}

/// Replaces a file atomically, as [`replace`] does, and calls a function on the temporary file
/// before renaming it.
///
/// # Errors
/// Returns an error if a file operation fails.
pub fn replace_after(
    path: &Path,
    bytes: &[u8],
    before_rename: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = temporary(path);
    let written = write_synced(&temporary, bytes)
        .and_then(|()| before_rename(&temporary))
        .and_then(|()| disk::rename(&temporary, path))
        .and_then(|()| disk::sync_folder_of(path));
    written.inspect_err(|_| {
        // The temporary file is worthless, and removing it can only fail with it.
        let _ = disk::remove_file(&temporary);
    })
}

/// Writes `bytes` to a new file atomically: if several processes, also on several machines, create
/// the same file at the same time, exactly one succeeds, and no process sees a part of it.
///
/// On a file system without hard links, the file is visible while it is written.
///
/// # Errors
/// Returns an error of kind [`ErrorKind::AlreadyExists`] if the file exists, and the errors of the
/// file operations.
///
/// ```
/// use nn_files::atomic_file;
///
/// let path = std::env::temp_dir().join(format!("nn-new-{}", std::process::id()));
/// atomic_file::create_new(&path, b"first")?;
/// let error = atomic_file::create_new(&path, b"second").unwrap_err();
/// assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
/// assert_eq!(std::fs::read(&path)?, b"first");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn create_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Other processes may create the same file, so each needs its own temporary name.
    let random = RandomState::new().build_hasher().finish();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}-{random:016x}{TEMPORARY}"));
    let written = write_synced(&temporary, bytes).and_then(|()| {
        // A link fails if the name exists; renaming would replace the file.
        disk::hard_link(&temporary, path).or_else(|error| match error.kind() {
            ErrorKind::AlreadyExists => Err(error),
            _ => disk::create_new(path).and_then(|mut file| {
                disk::write(&mut file, path, bytes)?;
                disk::sync(&file, path)
            }),
        })
    });
    let _ = disk::remove_file(&temporary);
    written.and_then(|()| disk::sync_folder_of(path))
}

/// A file that is written in parts under a temporary name, and gets its name when it is complete.
///
/// Dropping it before [`commit`](Self::commit) removes what was written.
///
/// ```
/// use nn_files::atomic_file::PendingFile;
///
/// let path = std::env::temp_dir().join(format!("nn-pending-{}", std::process::id()));
/// let mut file = PendingFile::create(&path)?;
/// file.write(b"first ")?;
/// file.write(b"second")?;
/// assert!(!path.exists());
/// file.commit()?;
/// assert_eq!(std::fs::read(&path)?, b"first second");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct PendingFile {
    path: PathBuf,
    temporary: PathBuf,
    file: File,
    is_committed: bool,
}

impl PendingFile {
    /// Creates the temporary file in the folder of `path`.
    ///
    /// # Errors
    /// Returns an error if a file operation fails.
    pub fn create(path: &Path) -> io::Result<Self> {
        let temporary = temporary(path);
        remove_stale(&temporary)?;
        Ok(Self {
            file: disk::create_new(&temporary)?,
            path: path.to_owned(),
            temporary,
            is_committed: false,
        })
    }

    /// The path of the complete file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// Returns an error if a file operation fails.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        disk::write(&mut self.file, &self.temporary, bytes)
    }

    /// Syncs the file and gives it its name, replacing an existing file.
    ///
    /// # Errors
    /// Returns an error if a file operation fails.
    pub fn commit(mut self) -> io::Result<()> {
        disk::sync(&self.file, &self.temporary)?;
        disk::rename(&self.temporary, &self.path)?;
        self.is_committed = true;
        disk::sync_folder_of(&self.path)
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        if !self.is_committed {
            let _ = disk::remove_file(&self.temporary);
        }
    }
}

/// Writes `bytes` to a path given by the user: atomically to a file, directly to a
/// pipe or a device.
///
/// # Errors
/// Returns an error if a file operation fails.
pub fn deliver(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            let mut file = disk::open(OpenOptions::new().write(true), path)?;
            disk::write(&mut file, path, bytes)
        }
        _ => replace(path, bytes),
    }
}

/// Creates a hard link, replacing an existing file.
///
/// # Errors
/// Returns an error if a file operation fails.
pub fn link(file: &Path, name: &Path) -> io::Result<()> {
    let temporary = temporary(name);
    remove_stale(&temporary)?;
    // Some file systems do not support hard links.
    disk::hard_link(file, &temporary)
        .or_else(|_| {
            disk::copy(file, &temporary)
                .and_then(|()| disk::sync(&File::open(&temporary)?, &temporary))
        })
        .and_then(|()| disk::rename(&temporary, name))
        .inspect_err(|_| {
            let _ = disk::remove_file(&temporary);
        })
}

/// Removes the temporary files that a killed program left in `folder`.
pub fn remove_temporaries(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(TEMPORARY) {
            // A file that cannot be removed does no harm; if it is in the way, the next write fails.
            let _ = disk::remove_file(&entry.path());
        }
    }
}

/// Ending of temporary file names.
const TEMPORARY: &str = ".tmp";

fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}{TEMPORARY}"))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    remove_stale(path)?;
    let mut file = disk::create_new(path)?;
    disk::write(&mut file, path, bytes)?;
    disk::sync(&file, path)
}

/// Removes what a program that was killed left under a temporary name.
fn remove_stale(path: &Path) -> io::Result<()> {
    match disk::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::process;

    use super::*;
    use crate::disk::fault::{self, Fault};

    /// An empty folder.
    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("nn-atomic-{name}-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_file_is_replaced_and_not_overwritten() {
        let folder = scratch("deliver");
        let (path, old) = (folder.join("a"), folder.join("old"));
        deliver(&path, b"first").unwrap();
        fs::hard_link(&path, &old).unwrap();
        deliver(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read(&old).unwrap(), b"first");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn a_socket_is_not_replaced() {
        use std::os::unix::fs::FileTypeExt;
        use std::os::unix::net::UnixListener;

        let folder = scratch("socket");
        let path = folder.join("a");
        let _socket = UnixListener::bind(&path).unwrap();
        deliver(&path, b"text").unwrap_err();
        assert!(fs::metadata(&path).unwrap().file_type().is_socket());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_link_replaces_a_file_on_any_file_system() {
        const NOT_SUPPORTED: i32 = 95;
        let folder = scratch("link");
        let (file, name) = (folder.join("a"), folder.join("b"));
        fs::write(&file, "new").unwrap();
        fs::write(&name, "old").unwrap();
        link(&file, &name).unwrap();
        assert_eq!(fs::read(&name).unwrap(), b"new");

        fs::write(&name, "old").unwrap();
        // The first operation removes an old temporary file.
        let fault = Fault {
            after: 1,
            forever: false,
            error: NOT_SUPPORTED,
        };
        let (linked, is_met) = fault::with(fault, || link(&file, &name));
        linked.unwrap();
        assert!(is_met);
        assert_eq!(fs::read(&name).unwrap(), fs::read(&file).unwrap());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_new_file_is_created_once_on_any_file_system() {
        let folder = scratch("new");
        let path = folder.join("a");
        create_new(&path, b"first").unwrap();
        let error = create_new(&path, b"second").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        let (_, operations) = fault::record(|| create_new(&folder.join("b"), b"text").unwrap());
        let link = operations.iter().position(|(name, _)| *name == "hard_link");
        let fault = Fault {
            after: link.unwrap() as u32,
            forever: false,
            error: 95,
        };
        for (name, is_new) in [("c", true), ("a", false)] {
            let (created, is_met) = fault::with(fault, || create_new(&folder.join(name), b"third"));
            assert!(is_met && created.is_ok() == is_new, "{name}: {created:?}");
        }
        assert_eq!(fs::read(folder.join("c")).unwrap(), b"third");
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(
            fs::read_dir(&folder).unwrap().count(),
            3,
            "no temporary files"
        );
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_copy_in_place_of_a_link_is_synced() {
        let folder = scratch("copy");
        let (file, name) = (folder.join("a"), folder.join("b"));
        fs::write(&file, "new").unwrap();
        let fault = Fault {
            after: 1,
            forever: false,
            error: 95,
        };
        let (_, operations) = fault::record(|| fault::with(fault, || link(&file, &name)));
        let temporary = folder.join(".b.tmp");
        let position = |operation: &'static str, path: &Path| {
            operations
                .iter()
                .position(|found| *found == (operation, path.to_owned()))
        };
        let (copied, synced) = (position("copy", &temporary), position("sync", &temporary));
        assert!(copied.is_some() && copied < synced);
        assert!(synced < position("rename", &name));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn only_temporary_files_are_removed() {
        let folder = scratch("temporaries");
        for name in [".a.tmp", "a.tmp", ".a", "a"] {
            fs::write(folder.join(name), "").unwrap();
        }
        remove_temporaries(&folder);
        let exists = |name: &str| folder.join(name).exists();
        assert!(!exists(".a.tmp"));
        assert!(exists("a.tmp") && exists(".a") && exists("a"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_temporary_file_that_was_left_is_no_obstacle() {
        let folder = scratch("stale");
        let path = folder.join("a");
        fs::write(temporary(&path), "left by a killed program").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert!(!temporary(&path).exists());
        // A folder cannot be removed like a file.
        fs::create_dir(temporary(&path)).unwrap();
        let error = replace(&path, b"newer").unwrap_err();
        assert_ne!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"new");
        fs::remove_dir_all(&folder).unwrap();
    }
}
