//! Opening what a user points at: regular files only, and a name for a file
//! that is something else than hoped.
//!
//! [`special`] and [`looks_like`] are public for `nn-table`, whose errors are
//! of its own.

use std::fs::{self, File, FileType};
use std::io;
use std::path::Path;

use crate::{Error, Result};

/// Opens a regular file for reading; a symbolic link is followed.
///
/// # Errors
/// [`Error::NotAFile`] for a folder, a pipe or a device, which could be
/// endless or never answer; [`Error::Io`] otherwise.
pub(crate) fn open(path: &Path) -> Result<File> {
    match special(path) {
        Ok(Some(found)) => Err(Error::NotAFile {
            path: path.to_owned(),
            found,
        }),
        Ok(None) => File::open(path).map_err(|source| Error::io(path, source)),
        Err(source) => Err(Error::io(path, source)),
    }
}

/// The kind of a special file, with its article, such as `a named pipe`; `None`
/// for a regular file. A symbolic link is followed.
///
/// # Errors
/// As [`fs::metadata`].
///
/// ```
/// use nn_data::input_file::special;
///
/// assert_eq!(special(&std::env::temp_dir())?, Some("a folder"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn special(path: &Path) -> io::Result<Option<&'static str>> {
    let metadata = fs::metadata(path)?;
    Ok((!metadata.is_file()).then(|| describe(metadata.file_type())))
}

/// Names the format that a file has by its first bytes, with its article.
///
/// ```
/// use nn_data::input_file::looks_like;
///
/// assert_eq!(looks_like(b"%PDF-1.7"), Some("a PDF document"));
/// assert_eq!(looks_like(b"1,2,3"), None);
/// ```
pub fn looks_like(start: &[u8]) -> Option<&'static str> {
    const SIGNATURES: [(&[u8], &str); 14] = [
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"BM", "a BMP image"),
        (b"RIFF", "a WebP image"),
        (b"II*\0", "a TIFF image"),
        (b"MM\0*", "a TIFF image"),
        (b"%PDF", "a PDF document"),
        (b"\x1f\x8b", "gzip-compressed data"),
        (b"PK\x03\x04", "a zip archive or spreadsheet"),
        (b"\0\0\x08", "an IDX file"),
        (b"\xff\xfe", "UTF-16 text"),
        (b"\xfe\xff", "UTF-16 text"),
        (b"<", "HTML or XML text"),
    ];
    SIGNATURES
        .iter()
        .find(|(signature, _)| start.starts_with(signature))
        .map(|&(_, name)| name)
}

#[cfg(unix)]
fn describe(file_type: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;

    if file_type.is_dir() {
        "a folder"
    } else if file_type.is_fifo() {
        "a named pipe"
    } else if file_type.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn describe(file_type: FileType) -> &'static str {
    if file_type.is_dir() {
        "a folder"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_devices_are_refused_before_they_are_read() {
        let error = open(&std::env::temp_dir()).expect_err("a folder is no file");
        assert!(
            error
                .to_string()
                .ends_with("not a regular file but a folder")
        );
        let device = Path::new("/dev/zero");
        if device.exists() {
            let error = open(device).expect_err("a device is no file");
            assert_eq!(
                error.to_string(),
                "/dev/zero: not a regular file but a device"
            );
        }
    }

    #[test]
    fn a_missing_file_is_an_io_error() {
        let error = open(Path::new("no/such/file")).expect_err("it does not exist");
        assert!(matches!(error, Error::Io { .. }), "{error}");
    }

    #[test]
    fn foreign_files_are_named() {
        assert_eq!(
            looks_like(b"\xff\xd8\xff\xe0\0\x10JFIF"),
            Some("a JPEG image")
        );
        assert_eq!(looks_like(b"<!DOCTYPE html>"), Some("HTML or XML text"));
        assert_eq!(
            looks_like(&[0x1f, 0x8b, 8, 0]),
            Some("gzip-compressed data")
        );
        assert_eq!(looks_like(b"1,2,3"), None);
        assert_eq!(looks_like(b""), None);
    }
}
