//! Every operation by which a download changes a file, so that tests can let
//! each of them fail in turn. In the library itself nothing is added to what
//! the standard library does.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Makes a folder and those above it, where they are not there yet.
pub(super) fn create_dir_all(path: &Path) -> io::Result<()> {
    permit()?;
    fs::create_dir_all(path)
}

/// Opens a file to write it.
pub(super) fn open(options: &OpenOptions, path: &Path) -> io::Result<File> {
    permit()?;
    options.open(path)
}

/// Writes all of `bytes`, or fails with some of them written.
pub(super) fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    permit().or_else(|error| file.write_all(&bytes[..bytes.len() / 2]).and(Err(error)))?;
    file.write_all(bytes)
}

/// Cuts a file to nothing.
pub(super) fn empty(file: &File) -> io::Result<()> {
    permit()?;
    file.set_len(0)
}

/// Sees to it that a file, or a folder's list of names, outlasts a power cut.
pub(super) fn sync(file: &File) -> io::Result<()> {
    permit()?;
    file.sync_all()
}

/// Gives a file another name, in place of what had that name.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    permit()?;
    fs::rename(from, to)
}

/// Removes a file.
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    permit()?;
    fs::remove_file(path)
}

#[cfg(not(test))]
#[inline]
fn permit() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
use fault::permit;

/// Operations that fail on purpose.
#[cfg(test)]
pub(super) mod fault {
    use std::cell::Cell;
    use std::io;

    thread_local! {
        /// Operations that still succeed, whether all later ones fail, and the
        /// system's number of the error.
        static FAULT: Cell<Option<(u32, bool, i32)>> = const { Cell::new(None) };
        static STRUCK: Cell<bool> = const { Cell::new(false) };
    }

    /// Does `work` on a disk that fails after so many operations, once or for
    /// good; tells whether it came to that.
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

    /// Whether the next operation may go on.
    pub(in super::super) fn permit() -> io::Result<()> {
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
