//! Reads regular files whose paths come from a user, and recognizes other file formats.
//!
//! A folder, a pipe or a device is an error: reading it could block or never
//! end.

use std::fs::{self, File, FileType};
use std::io::Read;
use std::path::Path;

use crate::{Error, Result};

/// Opens a regular file for reading. Symbolic links are followed.
///
/// # Errors
/// [`Error::NotAFile`] for a folder, a pipe or a device; [`Error::Io`] if reading fails.
///
/// ```
/// use nn_data::{Error, input_file};
///
/// let error = input_file::open(&std::env::temp_dir()).unwrap_err();
/// assert!(matches!(error, Error::NotAFile { found: "a folder", .. }));
/// ```
pub fn open(path: &Path) -> Result<File> {
    let metadata = fs::metadata(path).map_err(|source| Error::io(path, source))?;
    if !metadata.is_file() {
        return Err(Error::NotAFile {
            path: path.to_owned(),
            found: describe(metadata.file_type()),
        });
    }
    File::open(path).map_err(|source| Error::io(path, source))
}

/// Reads the whole content of a regular file.
///
/// # Errors
/// [`Error::NotAFile`] for a folder, a pipe or a device; [`Error::Io`] if reading fails.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?
        .read_to_end(&mut bytes)
        .map_err(|source| Error::io(path, source))?;
    Ok(bytes)
}

/// Reads a regular file of UTF-8 text.
///
/// # Errors
/// [`Error::NotUtf8`] for a different encoding; [`Error::NotAFile`] for a folder, a pipe or a
/// device; [`Error::Io`] if reading fails.
pub fn read_text(path: &Path) -> Result<String> {
    let bytes = read(path)?;
    decode_utf8(path, &bytes).map(str::to_owned)
}

/// Decodes the content of the file at `path` as UTF-8.
///
/// # Errors
/// [`Error::NotUtf8`] with the offset of the first invalid byte.
pub fn decode_utf8<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str> {
    str::from_utf8(bytes).map_err(|error| Error::NotUtf8 {
        path: path.to_owned(),
        offset: error.valid_up_to() as u64,
        byte: bytes[error.valid_up_to()],
    })
}

/// The format that the first bytes of a file indicate, with its article; `None`
/// if they match no known format.
///
/// ```
/// use nn_data::input_file::known_format;
///
/// assert_eq!(known_format(b"%PDF-1.7"), Some("a PDF document"));
/// assert_eq!(known_format(b"1,2,3"), None);
/// ```
pub fn known_format(start: &[u8]) -> Option<&'static str> {
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
    fn folders_and_devices_are_rejected_before_they_are_read() {
        let error = open(&std::env::temp_dir()).expect_err("a folder is no file");
        assert!(
            error
                .to_string()
                .ends_with("not a regular file (found a folder)")
        );
        let device = Path::new("/dev/zero");
        if device.exists() {
            let error = open(device).expect_err("a device is no file");
            assert_eq!(
                error.to_string(),
                "/dev/zero: not a regular file (found a device)"
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
            known_format(b"\xff\xd8\xff\xe0\0\x10JFIF"),
            Some("a JPEG image")
        );
        assert_eq!(known_format(b"<!DOCTYPE html>"), Some("HTML or XML text"));
        assert_eq!(
            known_format(&[0x1f, 0x8b, 8, 0]),
            Some("gzip-compressed data")
        );
        assert_eq!(known_format(b"1,2,3"), None);
        assert_eq!(known_format(b""), None);
    }
}
