//! Temporary folders of the tests.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Creates a folder `NAME-PROCESS`, in memory if the system has such a file system: there,
/// a sync takes no time.
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

/// Removes a folder and its content, if it exists.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Returns the name of a temporary file in `folder` or its subfolders.
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
