//! Reads baseline and progressive JPEG files as gray values.

use std::io::{BufRead, Cursor, Read, Seek};
use std::path::Path;

use ndarray::Array2;
use nn_files::io_error;
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
    read.map_err(io_error(path))?;
    let bad = |problem: String| bad_jpeg(path, problem);
    let mut decoder = open(path, Cursor::new(&bytes))?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    if width * height > ALWAYS_ACCEPTED.max(MAX_PIXELS_PER_BYTE.saturating_mul(bytes.len())) {
        return Err(bad(format!(
            "{width}x{height} pixels in a file of only {} bytes",
            bytes.len()
        )));
    }
    if !has_end(&bytes) {
        return Err(bad("the file ends before the image is complete".to_owned()));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A gray JPEG of 16 x 8 pixels, written by hand: two flat blocks of 200 and 100.
    ///
    /// With a quantization of 8, a block has the value 128 + DC. The Huffman code of DC
    /// has the categories 0, 6 and 7 as 00, 01 and 10; that of AC has the end of the
    /// block as 0. The differences of DC are 72 and -100: 10 1001000 0, 10 0011011 0.
    fn two_blocks(exif: &[u8]) -> Vec<u8> {
        let segment = |marker: u8, content: &[u8]| {
            let length = (content.len() as u16 + 2).to_be_bytes();
            [&[0xff, marker][..], &length, content].concat()
        };
        let mut counts = [0; 16];
        counts[1] = 3;
        let dc = [&[0x00][..], &counts, &[0, 6, 7]].concat();
        counts[..2].copy_from_slice(&[1, 0]);
        let ac = [&[0x10][..], &counts, &[0]].concat();
        let exif = match exif {
            [] => Vec::new(),
            exif => segment(0xe1, &[b"Exif\0\0", exif].concat()),
        };
        [
            vec![0xff, 0xd8],
            exif,
            segment(0xdb, &[&[0][..], &[8; 64]].concat()),
            segment(0xc0, &[8, 0, 8, 0, 16, 1, 1, 0x11, 0]),
            segment(0xc4, &dc),
            segment(0xc4, &ac),
            segment(0xda, &[1, 1, 0, 0, 63, 0]),
            vec![0xa4, 0x23, 0x6f, 0xff, 0xd9],
        ]
        .concat()
    }

    fn decoded(bytes: &[u8]) -> Result<Decoded> {
        decode(Path::new("x.jpg"), bytes)
    }

    #[test]
    fn the_values_of_a_file_written_by_hand() {
        let bytes = two_blocks(&[]);
        let image = decoded(&bytes).expect("a good JPEG");
        let expected = Array2::from_shape_fn((8, 16), |(_, j)| if j < 8 { 200 } else { 100 });
        assert_eq!(image.gray, expected);
        assert!(!image.has_colors);
        let size = size(Path::new("x.jpg"), Cursor::new(&bytes)).expect("a good JPEG");
        assert_eq!(size.shape(), (8, 16));
    }

    #[test]
    fn a_photograph_is_turned_upright() {
        // Orientation 6: the first stored column is the upper row.
        let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let bytes = two_blocks(exif);
        let image = decoded(&bytes).expect("a good JPEG");
        let expected = Array2::from_shape_fn((16, 8), |(i, _)| if i < 8 { 200 } else { 100 });
        assert_eq!(image.gray, expected);
        let size = size(Path::new("x.jpg"), Cursor::new(&bytes)).expect("a good JPEG");
        assert_eq!(size.shape(), (16, 8));
    }

    #[test]
    fn a_file_cut_anywhere_is_damaged() {
        let bytes = two_blocks(&[]);
        for end in 3..bytes.len() {
            let error = decoded(&bytes[..end]).err().expect("cut off");
            assert!(matches!(error, Error::BadJpeg { .. }), "{end}: {error}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
    }

    #[test]
    fn a_small_file_has_no_large_image() {
        let mut bytes = two_blocks(&[]);
        let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]);
        let frame = frame.expect("the frame header");
        bytes[frame + 5..frame + 9].copy_from_slice(&[0x1e, 0x00, 0x1e, 0x00]);
        let error = decoded(&bytes).err().expect("too large");
        let text = error.to_string();
        assert!(
            text.contains("7680x7680 pixels in a file of only"),
            "{text}"
        );
        bytes[frame + 5..frame + 9].copy_from_slice(&[0xff, 0x00, 0x1e, 0x00]);
        let error = decoded(&bytes).err().expect("too large");
        assert!(
            matches!(error, Error::ImageTooLarge { .. } | Error::BadJpeg { .. }),
            "{error}"
        );
    }
}
