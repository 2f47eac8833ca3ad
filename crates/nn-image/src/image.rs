//! Reads PNG and JPEG files as gray values, with the orientation of photographs, and resizes
//! images.
//!
//! Colors become luminance (ITU-R BT.601, `0.299 R + 0.587 G + 0.114 B` of the stored
//! values), transparent pixels are blended with white, 16-bit values are truncated to 8 bits, and
//! only the default image of an animation is read. Photographs are turned upright according to the
//! orientation in their EXIF data.

mod size;
mod limits;
mod luminance;
mod decoded;
mod orientation;
mod png_file;
mod jpeg_file;
mod resampling;

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use ndarray::Array2;
use nn_files::regular_file::open;
use nn_files::{io_error, known_format};

pub(crate) use decoded::Decoded;
pub use png_file::write_png;
pub use resampling::resize;
pub(crate) use resampling::{Resampling, resample};
pub use size::ImageSize;

use crate::{Error, Result};

/// Number of bytes that tell the formats apart.
const SIGNATURE_BYTES: u64 = 8;

/// Reads a PNG or JPEG file as gray values `[height, width]`. The format is recognized by the
/// content of the file, not by its name.
///
/// # Errors
/// Returns [`Error::NotAnImage`] for another format, [`Error::BadPng`] or [`Error::BadJpeg`]
/// for a damaged file, [`Error::ImageTooLarge`] above 10 000 pixels per side or 60 Mi pixels in
/// total, [`Error::File`] if the file cannot be read.
pub fn read_image(path: &Path) -> Result<Array2<u8>> {
    decode_image(path, BufReader::new(open(path)?))
}

/// Decodes an image as [`read_image`] does; `path` is used in error messages.
///
/// # Errors
/// Returns the errors of [`read_image`].
pub fn decode_image(path: &Path, mut source: impl BufRead + Seek) -> Result<Array2<u8>> {
    decode(path, &mut source).map(|decoded| decoded.gray)
}

/// Reads an image as [`read_image`] does, and whether it has colors.
pub(crate) fn read_decoded(path: &Path) -> Result<Decoded> {
    decode(path, &mut BufReader::new(open(path)?))
}

fn decode(path: &Path, source: &mut (impl BufRead + Seek)) -> Result<Decoded> {
    match format_of(path, source)? {
        Format::Png => png_file::decode(path, source),
        Format::Jpeg => jpeg_file::decode(path, source),
    }
}

/// The size of an image when it is upright, from the beginning of its file.
pub(crate) fn read_size(path: &Path) -> Result<ImageSize> {
    let mut source = BufReader::new(open(path)?);
    match format_of(path, &mut source)? {
        Format::Png => png_file::size(path, source),
        Format::Jpeg => jpeg_file::size(path, source),
    }
}

/// Returns whether a file begins like a PNG or JPEG image.
///
/// # Errors
/// Returns [`Error::File`] if the file cannot be read.
pub fn is_image(path: &Path) -> Result<bool> {
    match format_of(path, &mut BufReader::new(open(path)?)) {
        Ok(_) => Ok(true),
        Err(Error::NotAnImage { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

enum Format {
    Png,
    Jpeg,
}

/// The format of a file by its first bytes; the source is back at its start.
fn format_of(path: &Path, source: &mut (impl BufRead + Seek)) -> Result<Format> {
    let io = io_error(path);
    let mut start = Vec::new();
    let mut head = source.by_ref().take(SIGNATURE_BYTES);
    head.read_to_end(&mut start).map_err(&io)?;
    source.seek(SeekFrom::Start(0)).map_err(&io)?;
    if start == png_file::SIGNATURE {
        Ok(Format::Png)
    } else if start.starts_with(jpeg_file::SIGNATURE) {
        Ok(Format::Jpeg)
    } else {
        Err(Error::NotAnImage {
            path: path.to_owned(),
            looks_like: known_format(&start),
            start,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn other_formats_are_named() {
        let message = |bytes: &[u8]| {
            let error = decode_image(Path::new("x.png"), Cursor::new(bytes));
            error.expect_err("not an image").to_string()
        };
        assert_eq!(
            message(b"GIF89a\x01\0\x01\0"),
            "x.png: not a PNG or JPEG image: expected 89 50 4e 47 0d 0a 1a 0a or ff d8 ff, \
             found 47 49 46 38 39 61 01 00 (a GIF image)"
        );
        assert!(message(b"<!DOCTYPE html>").ends_with("(HTML or XML text)"));
        assert!(message(&[0x1f, 0x8b, 8, 0]).ends_with("found 1f 8b 08 00 (gzip-compressed data)"));
        assert!(message(b"").ends_with("found nothing"));
    }
}
