//! Reads PNG files of any bit depth, color type and interlacing as gray values.

use std::fs::File;
use std::io::{self, BufRead, BufWriter, ErrorKind, Seek};
use std::path::Path;

use ndarray::{Array2, ArrayView2};
use nn_files::io_error;
use png::{ColorType, DecodingError, InterlaceInfo, Transformations};

use super::decoded::Decoded;
use super::limits::{MAX_PIXELS, check_size};
use super::luminance::luminance;
use super::orientation::Orientation;
use super::size::ImageSize;
use crate::{Error, Result};

/// The first bytes of a PNG file.
pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Decodes a PNG file; `path` is used in error messages.
pub(super) fn decode(path: &Path, source: impl BufRead + Seek) -> Result<Decoded> {
    let mut reader = open(path, source)?;
    let info = reader.info();
    let (height, width) = (info.height as usize, info.width as usize);
    let orientation = orientation(info);
    let has_colors = !matches!(
        info.color_type,
        ColorType::Grayscale | ColorType::GrayscaleAlpha
    );
    let stored = read_gray_rows(&mut reader, height, width);
    let stored = stored.map_err(|error| bad_png(path, error))?;
    Ok(Decoded {
        gray: orientation.apply(stored),
        has_colors,
    })
}

/// The size of the upright image.
pub(super) fn size(path: &Path, source: impl BufRead + Seek) -> Result<ImageSize> {
    let reader = open(path, source)?;
    let info = reader.info();
    let stored = ImageSize {
        height: info.height as usize,
        width: info.width as usize,
    };
    Ok(orientation(info).apply_to_size(stored))
}

/// Reads and checks the header.
fn open<R: BufRead + Seek>(path: &Path, source: R) -> Result<png::Reader<R>> {
    let bad = |error| bad_png(path, error);
    let mut decoder = png::Decoder::new(source);
    decoder.set_limits(png::Limits {
        bytes: MAX_PIXELS as usize,
    });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let (width, height) = decoder.read_header_info().map_err(bad)?.size();
    check_size(path, width, height)?;
    let reader = decoder.read_info().map_err(bad)?;
    check_palette(path, reader.info())?;
    Ok(reader)
}

fn orientation(info: &png::Info<'_>) -> Orientation {
    let exif = info.exif_metadata.as_ref();
    exif.map_or_else(Orientation::default, |exif| Orientation::from_exif(exif))
}

/// Writes gray values `[height, width]` as an 8-bit grayscale PNG file.
///
/// # Errors
/// Returns [`Error::File`] if writing fails, or if the image has no pixels.
pub fn write_png(path: &Path, gray: ArrayView2<'_, u8>) -> Result<()> {
    let io = io_error(path);
    let file = BufWriter::new(File::create(path).map_err(&io)?);
    let (height, width) = gray.dim();
    let side = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut encoder = png::Encoder::new(file, side(width), side(height));
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels: Vec<u8> = gray.iter().copied().collect();
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&pixels)?;
        writer.finish()
    });
    written.map_err(|error| io(error.into()))?;
    Ok(())
}

/// Rejects palettes of incomplete colors, on which the decoder (png 0.18.1)
/// panics.
fn check_palette(path: &Path, info: &png::Info<'_>) -> Result<()> {
    let n_bytes = info.palette.as_ref().map_or(0, |palette| palette.len());
    let n_alphas = match info.color_type {
        ColorType::Indexed => info.trns.as_ref().map_or(0, |alphas| alphas.len()),
        _ => 0,
    };
    if n_bytes.is_multiple_of(3) && n_bytes <= 3 * 256 && 3 * n_alphas <= n_bytes {
        return Ok(());
    }
    let problem = format!("a palette of {n_bytes} bytes with {n_alphas} alpha values");
    Err(Error::BadPng {
        path: path.to_owned(),
        source: DecodingError::IoError(io::Error::new(ErrorKind::InvalidData, problem)),
    })
}

/// Decodes row by row, so that an image of 60 Mi pixels needs 60 MiB, whatever its
/// number of bytes per pixel.
fn read_gray_rows<R: BufRead + Seek>(
    reader: &mut png::Reader<R>,
    height: usize,
    width: usize,
) -> Result<Array2<u8>, DecodingError> {
    let (color, _) = reader.output_color_type();
    let mut gray = vec![0; height * width];
    let mut line = 0;
    while let Some(row) = reader.next_interlaced_row()? {
        let values: Vec<u8> = row
            .data()
            .chunks_exact(color.samples())
            .map(luminance)
            .collect();
        match row.interlace() {
            InterlaceInfo::Null(_) => {
                gray[line * width..][..width].copy_from_slice(&values);
                line += 1;
            }
            InterlaceInfo::Adam7(pass) => {
                png::expand_interlaced_row(&mut gray, width, &values, pass, 8);
            }
        }
    }
    Ok(Array2::from_shape_vec((height, width), gray).expect("height times width values"))
}

fn bad_png(path: &Path, error: DecodingError) -> Error {
    match error {
        DecodingError::IoError(source) if source.kind() != ErrorKind::UnexpectedEof => {
            io_error(path)(source).into()
        }
        source => Error::BadPng {
            path: path.to_owned(),
            source,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use png::BitDepth;

    use super::*;
    use crate::image::read_image;

    fn chunk(file: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
        let mut crc = flate2::Crc::new();
        crc.update(name);
        crc.update(data);
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(name);
        file.extend(data);
        file.extend(crc.sum().to_be_bytes());
    }

    /// A PNG of unfiltered lines, made by hand: our encoder cannot interlace.
    fn png_bytes(
        (height, width): (u32, u32),
        (depth, color, interlaced): (u8, u8, u8),
        chunks: &[(&[u8; 4], &[u8])],
        lines: &[Vec<u8>],
    ) -> Vec<u8> {
        let mut header = Vec::new();
        header.extend(width.to_be_bytes());
        header.extend(height.to_be_bytes());
        header.extend([depth, color, 0, 0, interlaced]);
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        for line in lines {
            zlib.write_all(&[0]).expect("memory");
            zlib.write_all(line).expect("memory");
        }
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        chunk(&mut file, b"IHDR", &header);
        for (name, data) in chunks {
            chunk(&mut file, name, data);
        }
        chunk(&mut file, b"IDAT", &zlib.finish().expect("memory"));
        chunk(&mut file, b"IEND", &[]);
        file
    }

    fn decoded(bytes: &[u8]) -> Result<Array2<u8>> {
        decode(Path::new("x.png"), Cursor::new(bytes)).map(|decoded| decoded.gray)
    }

    #[test]
    fn every_kind_of_pixel_becomes_gray() {
        let one_line = |kind, chunks: &[(&[u8; 4], &[u8])], width, line: &[u8]| {
            let gray = decoded(&png_bytes((1, width), kind, chunks, &[line.to_vec()]));
            gray.expect("a good PNG").into_raw_vec_and_offset().0
        };
        // 1, 4, 8 and 16 bits of gray.
        assert_eq!(one_line((1, 0, 0), &[], 3, &[0b1010_0000]), [255, 0, 255]);
        assert_eq!(one_line((4, 0, 0), &[], 2, &[0x3f]), [0x33, 0xff]);
        assert_eq!(one_line((8, 0, 0), &[], 2, &[7, 200]), [7, 200]);
        assert_eq!(
            one_line((16, 0, 0), &[], 2, &[0x80, 0xff, 0x01, 0x00]),
            [0x80, 0x01]
        );
        // Red, green, blue, white; with 8 and 16 bits.
        let colors = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
        assert_eq!(one_line((8, 2, 0), &[], 4, &colors), [76, 150, 29, 255]);
        let wide: Vec<u8> = colors.iter().flat_map(|&c| [c, 0]).collect();
        assert_eq!(one_line((16, 2, 0), &[], 4, &wide), [76, 150, 29, 255]);
        // A palette, plain and with a transparent second entry.
        let palette: &[u8] = &[0, 0, 0, 0, 0, 255, 255, 255, 255];
        let line = &[0b0001_1000];
        assert_eq!(
            one_line((2, 3, 0), &[(b"PLTE", palette)], 3, line),
            [0, 29, 255]
        );
        let chunks: &[(&[u8; 4], &[u8])] = &[(b"PLTE", palette), (b"tRNS", &[255, 0, 255])];
        assert_eq!(one_line((2, 3, 0), chunks, 3, line), [0, 255, 255]);
        // Gray and colors with alpha: over white.
        assert_eq!(
            one_line((8, 4, 0), &[], 3, &[0, 255, 0, 0, 0, 128]),
            [0, 255, 127]
        );
        assert_eq!(
            one_line((8, 6, 0), &[], 2, &[255, 0, 0, 255, 0, 0, 0, 51]),
            [76, 204]
        );
    }

    #[test]
    fn interlaced_pixels_find_their_place() {
        let image = Array2::from_shape_fn((5, 6), |(i, j)| (i * 40 + j) as u8);
        // Adam7: first row, row step, first column, column step of each pass.
        const PASSES: [(usize, usize, usize, usize); 7] = [
            (0, 8, 0, 8),
            (0, 8, 4, 8),
            (4, 8, 0, 4),
            (0, 4, 2, 4),
            (2, 4, 0, 2),
            (0, 2, 1, 2),
            (1, 2, 0, 1),
        ];
        let mut lines = Vec::new();
        for (top, down, left, right) in PASSES {
            for i in (top..5).step_by(down) {
                let line: Vec<u8> = (left..6).step_by(right).map(|j| image[[i, j]]).collect();
                lines.push(line);
            }
        }
        lines.retain(|line| !line.is_empty());
        let file = png_bytes((5, 6), (8, 0, 1), &[], &lines);
        assert_eq!(decoded(&file).expect("a good PNG"), image);
    }

    #[test]
    fn a_written_png_reads_back() {
        let path = std::env::temp_dir().join(format!("nn-data-{}.png", std::process::id()));
        let image = Array2::from_shape_fn((7, 3), |(i, j)| (i * 30 + j) as u8);
        write_png(&path, image.view()).expect("a folder for temporary files");
        assert_eq!(read_image(&path).expect("just written"), image);
        // A transposed view is written as seen, not as stored.
        write_png(&path, image.t()).expect("a folder for temporary files");
        assert_eq!(read_image(&path).expect("just written"), image.t());
        std::fs::remove_file(&path).expect("just written");
        let error = write_png(&path, Array2::zeros((0, 3)).view()).expect_err("no pixels");
        assert!(matches!(error, Error::File(_)), "{error}");
        std::fs::remove_file(&path).expect("just created");
    }

    #[test]
    fn a_png_cut_anywhere_is_damaged() {
        let image = Array2::from_shape_fn((9, 9), |(i, j)| (i * j) as u8);
        let lines: Vec<Vec<u8>> = image.rows().into_iter().map(|row| row.to_vec()).collect();
        let file = png_bytes((9, 9), (8, 0, 0), &[], &lines);
        assert_eq!(decoded(&file).expect("whole"), image);
        // The end marker alone (12 bytes) is not missed: no pixel is lost.
        for end in 8..file.len() - 16 {
            let error = decoded(&file[..end]).expect_err("cut off");
            assert!(matches!(error, Error::BadPng { .. }), "{end}: {error}");
        }
    }

    #[test]
    fn a_palette_of_incomplete_colors_is_damaged() {
        let decode = |palette: &[u8], alphas: &[u8]| {
            let chunks: &[(&[u8; 4], &[u8])] = &[(b"PLTE", palette), (b"tRNS", alphas)];
            decoded(&png_bytes((1, 2), (8, 3, 0), chunks, &[vec![0, 1]]))
        };
        assert!(decode(&[9; 6], &[255]).is_ok());
        for (n_bytes, n_alphas) in [(7, 1), (8, 1), (900, 1), (6, 3)] {
            let error = decode(&vec![9; n_bytes], &vec![255; n_alphas]).expect_err("no palette");
            assert!(matches!(error, Error::BadPng { .. }), "{n_bytes}: {error}");
        }
    }

    #[test]
    fn huge_images_are_rejected_before_they_are_decoded() {
        for size in [(10_001, 1), (1, 10_001), (9000, 9000), (u32::MAX >> 1, 1)] {
            let error = decoded(&png_bytes(size, (8, 0, 0), &[], &[])).expect_err("too large");
            assert!(matches!(error, Error::ImageTooLarge { .. }), "{error}");
        }
    }

    #[test]
    fn bit_depths_the_encoder_writes_are_read() {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, 9, 1);
        encoder.set_color(ColorType::Grayscale);
        encoder.set_depth(BitDepth::One);
        let mut writer = encoder.write_header().expect("memory");
        writer
            .write_image_data(&[0b1100_0000, 0x80])
            .expect("memory");
        writer.finish().expect("memory");
        let gray = decoded(&file).expect("a good PNG");
        assert_eq!(
            gray.into_raw_vec_and_offset().0,
            [255, 255, 0, 0, 0, 0, 0, 0, 255]
        );
    }
}
