//! Files that are either whole or not there: written beside their place,
//! flushed to the disk, renamed, and the folder flushed too.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Puts `bytes` under `path`: all of them, or none.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_after(path, bytes, |_| Ok(()))
}

/// As [`replace`], with something done between flushing and renaming to the
/// whole file under its temporary name.
pub(crate) fn replace_after(
    path: &Path,
    bytes: &[u8],
    before_rename: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = temporary(path);
    let written = write_synced(&temporary, bytes)
        .and_then(|()| before_rename(&temporary))
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| sync_folder(folder_of(path)));
    written.inspect_err(|_| {
        // The temporary file is worthless, and removing it can only fail with it.
        let _ = fs::remove_file(&temporary);
    })
}

/// Gives a file a second name, in place of what had that name.
pub(crate) fn link(file: &Path, name: &Path) -> io::Result<()> {
    let temporary = temporary(name);
    let _ = fs::remove_file(&temporary);
    // Some file systems know no second names.
    fs::hard_link(file, &temporary)
        .or_else(|_| fs::copy(file, &temporary).and_then(|_| File::open(&temporary)?.sync_all()))?;
    fs::rename(&temporary, name)
}

/// Removes what a program that was killed has left behind in `folder`.
pub(crate) fn remove_temporaries(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(TEMPORARY) {
            // What cannot be removed can only be in the way, which is told then.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// How temporary names end.
const TEMPORARY: &str = ".tmp";

fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}{TEMPORARY}"))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a rename survive a power cut; folders can be synced on Unix only.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()
    } else {
        Ok(())
    }
}
