//! JPEG files, baseline and progressive, as gray values.

use std::io::{Cursor, Read};
use std::path::Path;

use ndarray::Array2;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::limits::check_size;
use super::luminance::luminance;
use super::orientation::Orientation;
use crate::{Error, Result};

/// The first bytes of a JPEG file.
pub(super) const SIGNATURE: &[u8] = b"\xff\xd8\xff";

/// Maximum number of pixels per byte of a file. A block of 8 x 8 pixels of one color
/// needs 2 bits, so that a file has at most 256; a progressive one can have more.
const MAX_PIXELS_PER_BYTE: usize = 1024;

/// Files of any size may have this number of pixels.
const ALWAYS_ACCEPTED: usize = 1 << 20;

/// Decodes a JPEG file; `path` is used in error messages.
pub(super) fn decode(path: &Path, mut source: impl Read) -> Result<Array2<u8>> {
    let mut bytes = Vec::new();
    let read = source.read_to_end(&mut bytes);
    read.map_err(|error| Error::io(path, error))?;
    let bad = |problem: String| Error::BadJpeg {
        path: path.to_owned(),
        problem,
    };
    let described = |error: DecodeErrors| bad(describe(&error));
    // In strict mode, a truncated file is an error instead of a partly gray image.
    let options = DecoderOptions::default().set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(&bytes), options);
    decoder.decode_headers().map_err(described)?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    check_size(path, width as u32, height as u32)?;
    if width * height > ALWAYS_ACCEPTED.max(MAX_PIXELS_PER_BYTE.saturating_mul(bytes.len())) {
        return Err(bad(format!(
            "{width}x{height} pixels in a file of {} bytes",
            bytes.len()
        )));
    }
    if !has_end(&bytes) {
        return Err(bad("the file ends before its image does".to_owned()));
    }
    let space = match decoder.input_colorspace() {
        Some(ColorSpace::Luma | ColorSpace::YCbCr) => ColorSpace::Luma,
        _ => ColorSpace::RGB,
    };
    decoder.set_options(options.jpeg_set_out_colorspace(space));
    let samples = decoder.decode().map_err(described)?;
    let gray = match space {
        ColorSpace::Luma => samples,
        _ => samples.chunks_exact(3).map(luminance).collect(),
    };
    let n_values = gray.len();
    let stored = Array2::from_shape_vec((height, width), gray);
    let stored = stored.map_err(|_| bad(format!("{width}x{height} pixels, {n_values} values")))?;
    let exif = decoder.exif();
    let orientation = exif.map_or_else(Orientation::default, |exif| Orientation::from_exif(exif));
    Ok(orientation.apply(stored))
}

/// The decoder's messages can have several lines.
fn describe(error: &DecodeErrors) -> String {
    let text = error.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the marker of the end (`ff d9`) follows the last marker of a scan
/// (`ff da`): the decoder does not miss the end of the last rows.
fn has_end(bytes: &[u8]) -> bool {
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xff, marker]);
    last(0xd9) > last(0xda)
}
