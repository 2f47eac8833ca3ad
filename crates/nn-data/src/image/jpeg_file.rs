//! JPEG files, baseline and progressive, as gray values.

use std::io::{BufRead, Cursor, Read, Seek};
use std::path::Path;

use ndarray::Array2;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::decoded::Decoded;
use super::limits::check_size;
use super::luminance::luminance;
use super::orientation::Orientation;
use super::size::ImageSize;
use crate::{Error, Result};

/// The first bytes of a JPEG file.
pub(super) const SIGNATURE: &[u8] = b"\xff\xd8\xff";

/// Maximum number of pixels per byte of a file. A block of 8 x 8 pixels of one color
/// needs 2 bits, so that a file has at most 256; a progressive one can have more.
const MAX_PIXELS_PER_BYTE: usize = 1024;

/// Files of any size may have this number of pixels.
const ALWAYS_ACCEPTED: usize = 1 << 20;

/// Decodes a JPEG file; `path` is used in error messages.
pub(super) fn decode(path: &Path, mut source: impl Read) -> Result<Decoded> {
    let mut bytes = Vec::new();
    let read = source.read_to_end(&mut bytes);
    read.map_err(|error| Error::io(path, error))?;
    let bad = |problem: String| bad_jpeg(path, problem);
    let mut decoder = open(path, Cursor::new(&bytes))?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    if width * height > ALWAYS_ACCEPTED.max(MAX_PIXELS_PER_BYTE.saturating_mul(bytes.len())) {
        return Err(bad(format!(
            "{width}x{height} pixels in a file of {} bytes",
            bytes.len()
        )));
    }
    if !has_end(&bytes) {
        return Err(bad("the file ends before its image does".to_owned()));
    }
    let colors = decoder.input_colorspace();
    let output = match colors {
        Some(ColorSpace::Luma | ColorSpace::YCbCr) => ColorSpace::Luma,
        _ => ColorSpace::RGB,
    };
    let options = decoder.options().jpeg_set_out_colorspace(output);
    decoder.set_options(options);
    let samples = decoder.decode();
    let samples = samples.map_err(|error| bad(describe(&error)))?;
    let gray: Vec<u8> = match output {
        ColorSpace::Luma => samples,
        _ => samples.chunks_exact(3).map(luminance).collect(),
    };
    let n_values = gray.len();
    let stored = Array2::from_shape_vec((height, width), gray);
    let stored = stored.map_err(|_| bad(format!("{width}x{height} pixels, {n_values} values")))?;
    Ok(Decoded {
        gray: orientation(&decoder).apply(stored),
        has_colors: colors != Some(ColorSpace::Luma),
    })
}

/// The size of the upright image.
pub(super) fn size(path: &Path, source: impl BufRead + Seek) -> Result<ImageSize> {
    let decoder = open(path, source)?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    Ok(orientation(&decoder).apply_to_size(ImageSize { height, width }))
}

/// Reads and checks the headers.
fn open<R: BufRead + Seek>(path: &Path, source: R) -> Result<JpegDecoder<R>> {
    // In strict mode, a truncated file is an error instead of a partly gray image.
    let options = DecoderOptions::default().set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(source, options);
    let headers = decoder.decode_headers();
    headers.map_err(|error| bad_jpeg(path, describe(&error)))?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    check_size(path, width as u32, height as u32)?;
    Ok(decoder)
}

fn orientation<R: BufRead + Seek>(decoder: &JpegDecoder<R>) -> Orientation {
    let exif = decoder.exif();
    exif.map_or_else(Orientation::default, |exif| Orientation::from_exif(exif))
}

fn bad_jpeg(path: &Path, problem: String) -> Error {
    Error::BadJpeg {
        path: path.to_owned(),
        problem,
    }
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
