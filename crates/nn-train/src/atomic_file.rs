//! Atomic writes: a file is written under a temporary name, flushed to the disk and
//! renamed; then its folder is flushed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::disk;

/// Writes `bytes` to `path` atomically, replacing an existing file.
///
/// # Errors
/// If the file system returns an error.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_after(path, bytes, |_| Ok(()))
}

/// Replaces a file atomically, as [`replace`], and calls a function on the temporary file
/// before renaming it.
///
/// # Errors
/// If the file system returns an error.
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

/// Writes `bytes` to a path given by the user: atomically to a file, directly to a
/// pipe or a device.
///
/// # Errors
/// If the file system returns an error.
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
/// If the file system returns an error.
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
