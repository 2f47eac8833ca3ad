//! Every operation that changes a file of a run, so that tests can let each of
//! them fail in turn. In the program itself nothing is added to what the
//! standard library does.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// A new file, which must not be there yet: a link under that name is not
/// written through.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    open(OpenOptions::new().write(true).create_new(true), path)
}

/// Opens a file to write it.
pub(crate) fn open(options: &OpenOptions, path: &Path) -> io::Result<File> {
    permit()?;
    options.open(path)
}

/// Writes all of `bytes`, or fails with some of them written.
pub(crate) fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    permit().or_else(|error| file.write_all(&bytes[..bytes.len() / 2]).and(Err(error)))?;
    file.write_all(bytes)
}

/// Cuts a file to so many bytes.
pub(crate) fn set_len(file: &File, length: u64) -> io::Result<()> {
    permit()?;
    file.set_len(length)
}

/// Sees to it that a file, or a folder's list of names, outlasts a power cut.
pub(crate) fn sync(file: &File) -> io::Result<()> {
    permit()?;
    file.sync_all()
}

/// Gives a file another name, in place of what had that name.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    permit()?;
    fs::rename(from, to)
}

/// Gives a file a second name.
pub(crate) fn hard_link(file: &Path, name: &Path) -> io::Result<()> {
    permit()?;
    fs::hard_link(file, name)
}

/// Copies a file.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    permit()?;
    fs::copy(from, to).map(drop)
}

/// Makes a folder, which must not be there yet.
pub(crate) fn create_dir(path: &Path) -> io::Result<()> {
    permit()?;
    fs::create_dir(path)
}

/// Makes a folder and those above it, where they are not there yet.
pub(crate) fn create_dir_all(path: &Path) -> io::Result<()> {
    permit()?;
    fs::create_dir_all(path)
}

/// Removes a file.
pub(crate) fn remove_file(path: &Path) -> io::Result<()> {
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
pub(crate) mod fault {
    use std::cell::Cell;
    use std::io;

    /// What fails, on this thread.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Fault {
        /// Operations that still succeed before it.
        pub(crate) after: u32,
        /// Whether the disk stays broken.
        pub(crate) forever: bool,
        /// The system's number of the error.
        pub(crate) error: i32,
    }

    thread_local! {
        static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
        static STRUCK: Cell<bool> = const { Cell::new(false) };
    }

    /// Does `work` with a fault ahead; tells whether it was met.
    pub(crate) fn with<T>(fault: Fault, work: impl FnOnce() -> T) -> (T, bool) {
        FAULT.set(Some(fault));
        STRUCK.set(false);
        let done = work();
        FAULT.set(None);
        (done, STRUCK.get())
    }

    /// Whether the next operation may go on.
    pub(super) fn permit() -> io::Result<()> {
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
