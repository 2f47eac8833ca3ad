//! Folders that are written and removed again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A new folder `NAME-PROCESS`, in memory where the system has such folders: there,
/// syncing takes no time.
pub(super) fn create(name: &str) -> io::Result<PathBuf> {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    let folder = parent.join(format!("{name}-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    fs::canonicalize(folder)
}

/// Removes a folder with everything in it, if it is there.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A temporary file in `folder` or below it.
pub(super) fn left_over(folder: &Path) -> io::Result<Option<String>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".tmp") || name.ends_with(".partial") {
            return Ok(Some(name));
        }
        if entry.file_type()?.is_dir()
            && let Some(name) = left_over(&entry.path())?
        {
            return Ok(Some(name));
        }
    }
    Ok(None)
}
