//! PNG files, and normalization of images of handwritten digits to MNIST's
//! format.
//!
//! MNIST's digits were cut out, scaled "to fit in a 20x20 pixel box while preserving
//! their aspect ratio" with anti-aliasing, and placed in a 28x28 field so that the center
//! of mass is in the middle (LeCun, Cortes, Burges). A network trained on such images
//! fails on images with different proportions, so [`normalize`] does the same:
//!
//! 1. **Paper** is the median of the border pixels. **Ink** is darker than the paper if the darkest
//!    pixel of the image differs more from the paper than the lightest one, otherwise lighter:
//!    `d = |gray - paper|` for pixels on the side of the ink, 0 on the other side. Ink becomes
//!    bright, as in MNIST.
//! 2. **Noise**: `d` up to 5 times the median of `|gray - paper|` over the border becomes 0. For a
//!    photographed sheet, this threshold is about 3.4 standard deviations of its grain and shading;
//!    for a clean drawing, it is exactly 0.
//! 3. **Contrast**: `d * 255 / level`, where `level` is the 95th percentile of
//!    the values above 0; below 32 gray levels the image is blank.
//! 4. **Box**: the smallest rectangle around all `d >= 96`, scaled by `20 / longer side`, each side
//!    to the nearest whole number of pixels: areas are averaged when the box shrinks, and values
//!    are interpolated linearly when it grows. (Among the thresholds tried, 96 restores enlarged
//!    MNIST digits most accurately.)
//! 5. **Center**: moved by whole pixels until the center of mass is nearest to pixel (14, 14),
//!    which is the center in MNIST (13.5 <= center < 14.5 for every test image), but never so far
//!    that ink is cut off.
//!
//! An image that is already in MNIST's format is returned unchanged.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use png::{ColorType, DecodingError, InterlaceInfo, Transformations};

use crate::input_file::{known_format, open};
use crate::{Error, Result};

/// Height and width of a normalized image in pixels.
pub const SIDE: usize = 28;

/// Longer side of the bounding box of the ink, in pixels.
const BOX: usize = 20;
/// Row and column of the center of mass.
const CENTER: f32 = 14.0;
/// Noise threshold, in median deviations of the border.
const NOISE: u8 = 5;
/// Minimum contrast between ink and paper, in gray levels of 255.
const MIN_CONTRAST: u8 = 32;
/// Minimum gray level of the stretched ink inside the bounding box.
const EDGE: u8 = 96;

/// Maximum height and width of a PNG image.
const MAX_SIDE: u32 = 10_000;
/// Maximum number of pixels of a PNG image, and of bytes of its decoder.
const MAX_PIXELS: u64 = 60 << 20;

/// A digit in MNIST's format, and how it was normalized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormalizedDigit {
    /// Gray values in row-major order: bright ink on a background of 0.
    pub pixels: [u8; SIDE * SIDE],
    /// Whether the ink was darker than the paper.
    pub inverted: bool,
    /// Whether the image was changed; `false` if it was already in MNIST's format.
    pub changed: bool,
}

/// Normalizes an image of any size to MNIST's format, as described in [this
/// module](self).
///
/// # Errors
/// [`Error::BlankImage`] if the contrast between ink and paper is too low.
///
/// ```
/// use ndarray::Array2;
/// use nn_data::image::normalize;
///
/// // A dark vertical stroke on white paper, off center.
/// let mut drawing = Array2::from_elem((200, 300), 255);
/// drawing.slice_mut(ndarray::s![20..160, 240..254]).fill(0);
/// let digit = normalize(drawing.view())?;
/// assert!(digit.inverted);
/// // 20 pixels high, 2 wide, in the middle.
/// assert_eq!(digit.pixels.iter().filter(|&&pixel| pixel == 255).count(), 40);
/// assert_eq!(digit.pixels[14 * 28 + 14], 255);
/// # Ok::<(), nn_data::Error>(())
/// ```
pub fn normalize(gray: ArrayView2<'_, u8>) -> Result<NormalizedDigit> {
    if let Some(pixels) = as_mnist(gray) {
        return Ok(NormalizedDigit {
            pixels,
            inverted: false,
            changed: false,
        });
    }
    let (ink, inverted) = ink_of_grays(gray)?;
    let boxed = scale_into_box(gray, &ink);
    Ok(NormalizedDigit {
        pixels: center_by_mass(&boxed),
        inverted,
        changed: true,
    })
}

/// Reads a PNG image of any bit depth, color type and interlacing as gray values
/// `[height, width]`.
///
/// Colors are converted to luminance (ITU-R BT.601, `0.299 R + 0.587 G + 0.114 B` of the stored
/// values), transparent pixels are blended with white, 16 bits are truncated to 8, and an animation
/// is read as its default image.
///
/// # Errors
/// [`Error::NotPng`] for a different format, [`Error::BadPng`] for a damaged file,
/// [`Error::ImageTooLarge`] above 10 000 pixels per side or 60 Mi pixels in total,
/// [`Error::NotAFile`] for a folder, a pipe or a device, [`Error::Io`] if reading fails.
pub fn read_png(path: &Path) -> Result<Array2<u8>> {
    decode_png(path, BufReader::new(open(path)?))
}

/// Decodes a PNG image as [`read_png`] does; `path` is used in error messages.
///
/// # Errors
/// The same errors as [`read_png`].
pub fn decode_png(path: &Path, mut source: impl BufRead + Seek) -> Result<Array2<u8>> {
    check_signature(path, &mut source)?;
    let bad = |error| bad_png(path, error);
    let mut decoder = png::Decoder::new(source);
    decoder.set_limits(png::Limits {
        bytes: MAX_PIXELS as usize,
    });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let (width, height) = decoder.read_header_info().map_err(bad)?.size();
    if width.max(height) > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Error::ImageTooLarge {
            path: path.to_owned(),
            width,
            height,
            max_side: MAX_SIDE,
            max_pixels: MAX_PIXELS,
        });
    }
    let mut reader = decoder.read_info().map_err(bad)?;
    check_palette(path, reader.info())?;
    read_gray_rows(&mut reader, height as usize, width as usize).map_err(bad)
}

/// Writes gray values `[height, width]` as an 8-bit PNG image.
///
/// # Errors
/// [`Error::Io`] if writing fails or the image has no pixels.
pub fn write_png(path: &Path, gray: ArrayView2<'_, u8>) -> Result<()> {
    let io = |source| Error::io(path, source);
    let file = BufWriter::new(File::create(path).map_err(io)?);
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
    written.map_err(|error| io(error.into()))
}

/// The pixels of an image in MNIST's format: 28x28, a background of zeros, bright
/// ink, 19 or 20 pixels long and centered within a pixel.
fn as_mnist(gray: ArrayView2<'_, u8>) -> Option<[u8; SIDE * SIDE]> {
    if gray.dim() != (SIDE, SIDE) || median(&border_histogram(gray)) != 0 {
        return None;
    }
    let bounds = bounding_box(gray, |value| value > 0)?;
    let centered = |center: f32| (center - CENTER).abs() <= 1.0;
    let (row, column) = center_of_mass(gray.mapv(f32::from).view());
    let brightest = gray.iter().copied().max().unwrap_or(0);
    let fits = (BOX - 1..=BOX).contains(&bounds.longer_side());
    if !(fits && centered(row) && centered(column) && brightest >= 192) {
        return None;
    }
    let mut pixels = [0; SIDE * SIDE];
    for (to, &from) in pixels.iter_mut().zip(gray) {
        *to = from;
    }
    Some(pixels)
}

/// Steps 1 to 3: the ink of each gray value, and whether it was darker than the
/// paper. A table needs less memory than a second image.
fn ink_of_grays(gray: ArrayView2<'_, u8>) -> Result<([u8; 256], bool)> {
    let border = border_histogram(gray);
    let paper = median(&border);
    let counts = histogram(gray.iter());
    let (darkest, lightest) = (0..=u8::MAX)
        .zip(&counts)
        .filter(|&(_, &count)| count > 0)
        .fold((paper, paper), |(low, high), (value, _)| {
            (low.min(value), high.max(value))
        });
    let inverted = paper - darkest > lightest - paper;
    let difference = |value: u8| {
        if inverted {
            paper.saturating_sub(value)
        } else {
            value.saturating_sub(paper)
        }
    };

    let noise = NOISE.saturating_mul(median_deviation(&border, paper));
    let mut differences = [0; 256];
    for (value, count) in (0..=u8::MAX).zip(counts) {
        differences[usize::from(difference(value))] += count;
    }
    differences[..=usize::from(noise)].fill(0);
    let level = quantile(&differences, 0.95);
    if level < MIN_CONTRAST {
        return Err(Error::BlankImage {
            contrast: level,
            needed: MIN_CONTRAST,
        });
    }
    let mut ink = [0; 256];
    for (ink, value) in ink.iter_mut().zip(0..=u8::MAX) {
        *ink = stretch(difference(value), noise, level);
    }
    Ok((ink, inverted))
}

fn stretch(value: u8, noise: u8, level: u8) -> u8 {
    if value <= noise {
        return 0;
    }
    let stretched = (u16::from(value) * 255 + u16::from(level) / 2) / u16::from(level);
    u8::try_from(stretched).unwrap_or(u8::MAX)
}

/// Step 4: scales the ink to a longer side of 20 pixels and a maximum of 255.
fn scale_into_box(gray: ArrayView2<'_, u8>, ink: &[u8; 256]) -> Array2<f32> {
    let ink = |value: u8| ink[usize::from(value)];
    let bounds = bounding_box(gray, |value| ink(value) >= EDGE)
        .expect("the 95th percentile of the ink is above this threshold");
    let scale = BOX as f32 / bounds.longer_side() as f32;
    let rows = Resampling::new(bounds.top, bounds.bottom, gray.nrows(), scale);
    let columns = Resampling::new(bounds.left, bounds.right, gray.ncols(), scale);

    let mut narrowed = Array2::zeros((gray.nrows(), columns.len()));
    for i in rows.sources() {
        let row = gray.row(i).mapv(|value| f32::from(ink(value)));
        for (value, tap) in narrowed.row_mut(i).iter_mut().zip(&columns.taps) {
            *value = tap.sum(row.view());
        }
    }
    let mut scaled = Array2::zeros((rows.len(), columns.len()));
    for ((i, j), value) in scaled.indexed_iter_mut() {
        *value = rows.taps[i].sum(narrowed.column(j));
    }
    let brightest = scaled.fold(0.0_f32, |most, &value| most.max(value));
    scaled * (255.0 / brightest)
}

/// Step 5: moves the center of mass to the center of the image.
fn center_by_mass(boxed: &Array2<f32>) -> [u8; SIDE * SIDE] {
    let (row, column) = center_of_mass(boxed.view());
    let shift = |center: f32, length: usize| {
        let start = (CENTER - 0.5 - center).ceil().max(0.0) as usize;
        start.min(SIDE - length)
    };
    let (top, left) = (shift(row, boxed.nrows()), shift(column, boxed.ncols()));
    let mut pixels = [0; SIDE * SIDE];
    for ((i, j), &value) in boxed.indexed_iter() {
        pixels[(top + i) * SIDE + left + j] = value.round() as u8;
    }
    pixels
}

/// Resampling along one axis.
struct Resampling {
    taps: Vec<Tap>,
}

/// Weights of neighboring source pixels for one scaled pixel.
struct Tap {
    first: usize,
    weights: Vec<f32>,
}

impl Resampling {
    /// Resamples the source pixels `start..end` of `length` to the number of pixels
    /// nearest to `scale * (end - start)`, at least one.
    fn new(start: usize, end: usize, length: usize, scale: f32) -> Self {
        let n_pixels = (((end - start) as f32 * scale).round() as usize).max(1);
        let step = (end - start) as f32 / n_pixels as f32;
        let source = |pixel: f32| start as f32 + pixel * step;
        let taps = (0..n_pixels)
            .map(|pixel| {
                let pixel = pixel as f32;
                if 1.0 < step {
                    Tap::area(source(pixel), source(pixel + 1.0), length)
                } else {
                    Tap::linear(source(pixel + 0.5) - 0.5, length)
                }
            })
            .collect();
        Self { taps }
    }

    fn len(&self) -> usize {
        self.taps.len()
    }

    /// The range of source pixels with nonzero weights.
    fn sources(&self) -> std::ops::Range<usize> {
        let first = self.taps.iter().map(|tap| tap.first).min();
        let end = self.taps.iter().map(|tap| tap.first + tap.weights.len());
        first.unwrap_or(0)..end.max().unwrap_or(0)
    }
}

impl Tap {
    /// The mean over `from..to`, in source pixels; outside the image is paper.
    fn area(from: f32, to: f32, length: usize) -> Self {
        let (inner_from, inner_to) = (from.max(0.0), to.min(length as f32));
        let first = (inner_from as usize).min(length - 1);
        let end = (inner_to.ceil() as usize).clamp(first + 1, length);
        let weights = (first..end)
            .map(|i| {
                let overlap = inner_to.min(i as f32 + 1.0) - inner_from.max(i as f32);
                overlap.max(0.0) / (to - from)
            })
            .collect();
        Self { first, weights }
    }

    /// Linear interpolation between the two source pixels around `position`;
    /// outside the image, the value of the border pixel.
    fn linear(position: f32, length: usize) -> Self {
        let position = position.clamp(0.0, (length - 1) as f32);
        let first = (position as usize).min(length.saturating_sub(2));
        let fraction = position - first as f32;
        let mut weights = vec![1.0 - fraction, fraction];
        weights.truncate(length);
        Self { first, weights }
    }

    fn sum(&self, values: ArrayView1<'_, f32>) -> f32 {
        values
            .iter()
            .skip(self.first)
            .zip(&self.weights)
            .map(|(value, weight)| value * weight)
            .sum()
    }
}

/// A rectangle of the rows `top..bottom` and the columns `left..right`.
struct Bounds {
    top: usize,
    bottom: usize,
    left: usize,
    right: usize,
}

impl Bounds {
    fn longer_side(&self) -> usize {
        (self.bottom - self.top).max(self.right - self.left)
    }
}

/// The smallest rectangle that contains all ink.
fn bounding_box(image: ArrayView2<'_, u8>, is_ink: impl Fn(u8) -> bool) -> Option<Bounds> {
    let mut bounds: Option<Bounds> = None;
    for (i, row) in image.axis_iter(Axis(0)).enumerate() {
        let Some(left) = row.iter().position(|&value| is_ink(value)) else {
            continue;
        };
        let right = row.len() - row.iter().rev().take_while(|&&v| !is_ink(v)).count();
        let around = bounds.get_or_insert(Bounds {
            top: i,
            bottom: i + 1,
            left,
            right,
        });
        around.bottom = i + 1;
        around.left = around.left.min(left);
        around.right = around.right.max(right);
    }
    bounds
}

/// Mean row and column, weighted by the values.
fn center_of_mass(image: ArrayView2<'_, f32>) -> (f32, f32) {
    let (mut mass, mut rows, mut columns) = (0.0_f64, 0.0_f64, 0.0_f64);
    for ((i, j), &value) in image.indexed_iter() {
        let value = f64::from(value);
        mass += value;
        rows += value * i as f64;
        columns += value * j as f64;
    }
    ((rows / mass) as f32, (columns / mass) as f32)
}

type Histogram = [u64; 256];

fn histogram<'a>(values: impl Iterator<Item = &'a u8>) -> Histogram {
    let mut counts = [0; 256];
    for &value in values {
        counts[usize::from(value)] += 1;
    }
    counts
}

/// Histogram of the border: a fiftieth of the shorter side wide, at least one
/// pixel.
fn border_histogram(image: ArrayView2<'_, u8>) -> Histogram {
    let (height, width) = image.dim();
    let thickness = (height.min(width) / 50).max(1);
    let on_border = |i: usize, length: usize| i < thickness || i + thickness >= length;
    let mut counts = [0; 256];
    for (i, row) in image.axis_iter(Axis(0)).enumerate() {
        for (j, &value) in row.iter().enumerate() {
            counts[usize::from(value)] += u64::from(on_border(i, height) || on_border(j, width));
        }
    }
    counts
}

fn median(counts: &Histogram) -> u8 {
    quantile(counts, 0.5)
}

/// The median of `|value - center|`.
fn median_deviation(counts: &Histogram, center: u8) -> u8 {
    let mut deviations = [0; 256];
    for (value, count) in (0..=u8::MAX).zip(counts) {
        deviations[usize::from(value.abs_diff(center))] += count;
    }
    median(&deviations)
}

/// The smallest value that at least a fraction `q` of the values do not exceed;
/// 0 for an empty histogram.
fn quantile(counts: &Histogram, q: f64) -> u8 {
    let needed = counts.iter().sum::<u64>() as f64 * q;
    let mut below = 0;
    (0..=u8::MAX)
        .zip(counts)
        .find(|&(_, &count)| {
            below += count;
            below > 0 && below as f64 >= needed
        })
        .map_or(0, |(value, _)| value)
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
        source: DecodingError::IoError(std::io::Error::new(ErrorKind::InvalidData, problem)),
    })
}

/// Decodes one row at a time, so an image of 60 Mi pixels needs 60 MiB, whatever its
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
            .map(gray_value)
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

/// Luminance of one pixel (gray, gray + alpha, RGB or RGBA), blended with white.
fn gray_value(samples: &[u8]) -> u8 {
    let luminance = |r: u8, g: u8, b: u8| {
        (u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114 + 500) / 1000
    };
    let (value, alpha) = match *samples {
        [gray] => (u32::from(gray), 255),
        [gray, alpha] => (u32::from(gray), u32::from(alpha)),
        [r, g, b] => (luminance(r, g, b), 255),
        [r, g, b, alpha] => (luminance(r, g, b), u32::from(alpha)),
        _ => unreachable!("a PNG pixel has 1 to 4 samples"),
    };
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

fn check_signature(path: &Path, source: &mut (impl Read + Seek)) -> Result<()> {
    const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
    let io = |error| Error::io(path, error);
    let mut start = Vec::new();
    source
        .by_ref()
        .take(SIGNATURE.len() as u64)
        .read_to_end(&mut start)
        .map_err(io)?;
    if start != SIGNATURE {
        return Err(Error::NotPng {
            path: path.to_owned(),
            looks_like: known_format(&start),
            start,
        });
    }
    source.seek(SeekFrom::Start(0)).map_err(io)?;
    Ok(())
}

fn bad_png(path: &Path, error: DecodingError) -> Error {
    match error {
        DecodingError::IoError(source) if source.kind() != ErrorKind::UnexpectedEof => {
            Error::io(path, source)
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
    use std::ops::Range;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use png::BitDepth;

    use super::*;

    /// A drawing of a ring with a tail, in `ink` on `paper`.
    fn drawing(size: f32, paper: u8, ink: u8) -> Array2<u8> {
        let side = (size * 1.6) as usize;
        Array2::from_shape_fn((side, side), |(i, j)| {
            let (y, x) = (i as f32 / size - 0.6, j as f32 / size - 0.5);
            let on_ring = ((x * x + y * y).sqrt() - 0.25).abs() < 0.05;
            let on_tail = (0.0..0.6).contains(&y) && (x - 0.25).abs() < 0.05;
            if on_ring || on_tail { ink } else { paper }
        })
    }

    /// A bar of `ink` over some rows and columns of a square of `paper`.
    fn bar(
        side: usize,
        paper: u8,
        ink: u8,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Array2<u8> {
        Array2::from_shape_fn((side, side), |(i, j)| {
            if rows.contains(&i) && columns.contains(&j) {
                ink
            } else {
                paper
            }
        })
    }

    fn pixels(gray: &Array2<u8>) -> Array2<f32> {
        let digit = normalize(gray.view()).expect("there is ink");
        let values = digit.pixels.iter().map(|&value| f32::from(value)).collect();
        Array2::from_shape_vec((SIDE, SIDE), values).expect("784 values")
    }

    fn largest_difference(a: &Array2<f32>, b: &Array2<f32>) -> f32 {
        (a - b).fold(0.0, |most, value| most.max(value.abs()))
    }

    #[test]
    fn the_result_has_mnists_format() {
        for size in [10.0, 33.0, 100.0, 1000.0] {
            let digit = pixels(&drawing(size, 255, 0));
            let bounds = bounding_box(digit.mapv(|v| v as u8).view(), |v| v > 0).expect("ink");
            assert_eq!(bounds.longer_side(), 20, "{size}");
            let (row, column) = center_of_mass(digit.view());
            for center in [row, column] {
                assert!((13.4..14.6).contains(&center), "{size}: {center}");
            }
            assert_eq!(digit.fold(0.0_f32, |a, &b| a.max(b)), 255.0, "{size}");
        }
    }

    #[test]
    fn position_size_polarity_and_shade_make_no_difference() {
        let reference = pixels(&drawing(200.0, 255, 0));
        assert_eq!(reference, pixels(&drawing(200.0, 0, 255)));
        assert_eq!(reference, pixels(&drawing(200.0, 110, 30)), "gray on gray");
        let small = drawing(200.0, 255, 0);
        let corner = Array2::from_shape_fn((900, 1300), |(i, j)| {
            *small.get([i, j.wrapping_sub(980)]).unwrap_or(&255)
        });
        assert_eq!(reference, pixels(&corner));
        let larger = pixels(&drawing(400.0, 255, 0));
        assert!(largest_difference(&reference, &larger) < 40.0);
    }

    #[test]
    fn the_grain_and_shading_of_a_photograph_vanish() {
        let clean = drawing(200.0, 180, 60);
        let mut state = 1_u32;
        let photo = Array2::from_shape_fn(clean.dim(), |(i, j)| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let grain = (state >> 29) as u8;
            let shading = ((i + j) / 32) as u8;
            clean[[i, j]] + grain + shading
        });
        let (reference, ours) = (pixels(&clean), pixels(&photo));
        assert!(largest_difference(&reference, &ours) < 50.0);
        assert_eq!(ours[[0, 0]], 0.0);
    }

    #[test]
    fn a_thin_pen_still_gives_bright_ink() {
        let canvas = bar(280, 255, 0, 40..240, 140..142);
        let digit = normalize(canvas.view()).expect("there is ink");
        assert_eq!(digit.pixels.iter().filter(|&&p| 200 < p).count(), 20);
    }

    #[test]
    fn blank_images_are_rejected() {
        for blank in [
            Array2::from_elem((100, 100), 255),
            Array2::from_elem((28, 28), 0),
            Array2::zeros((0, 0)),
            Array2::zeros((0, 5)),
            Array2::from_elem((1, 1), 7),
            Array2::from_shape_fn((90, 90), |(i, j)| 200 + ((i * 7 + j * 13) % 11) as u8),
        ] {
            let error = normalize(blank.view()).expect_err("there is no ink");
            assert!(matches!(error, Error::BlankImage { .. }), "{error}");
        }
        let error = normalize(Array2::from_elem((9, 9), 3).view()).expect_err("no ink");
        assert_eq!(
            error.to_string(),
            "blank image: expected ink and paper to differ by at least 32 of 255 gray levels, \
             found 0"
        );
    }

    #[test]
    fn extreme_shapes_do_not_fail() {
        for (height, width) in [(1, 2), (2, 1), (1, 5000), (5000, 1), (3, 3)] {
            let mut image = Array2::zeros((height, width));
            image[[height - 1, width - 1]] = 255;
            image[[height / 2, width / 2]] = 255;
            if let Ok(digit) = normalize(image.view()) {
                assert!(digit.pixels.contains(&255), "{height}x{width}");
            }
        }
    }

    #[test]
    fn an_mnist_image_is_unchanged() {
        let mut image = bar(SIDE, 0, 200, 4..24, 12..16);
        image[[9, 11]] = 3;
        let digit = normalize(image.view()).expect("there is ink");
        assert!(!digit.changed && !digit.inverted);
        assert!(image.iter().eq(&digit.pixels));
        // The same bar off the middle does not.
        let moved = bar(SIDE, 0, 200, 4..24, 2..6);
        assert!(normalize(moved.view()).expect("there is ink").changed);
    }

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
        decode_png(Path::new("x.png"), Cursor::new(bytes))
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
        assert_eq!(read_png(&path).expect("just written"), image);
        // A transposed view is written as seen, not as stored.
        write_png(&path, image.t()).expect("a folder for temporary files");
        assert_eq!(read_png(&path).expect("just written"), image.t());
        std::fs::remove_file(&path).expect("just written");
        let error = write_png(&path, Array2::zeros((0, 3)).view()).expect_err("no pixels");
        assert!(matches!(error, Error::Io { .. }), "{error}");
        std::fs::remove_file(&path).expect("just created");
    }

    #[test]
    fn other_formats_are_named() {
        let message = |bytes: &[u8]| decoded(bytes).expect_err("no PNG").to_string();
        assert_eq!(
            message(b"\xff\xd8\xff\xe0\0\x10JFIF"),
            "x.png: not a PNG: expected 89 50 4e 47 0d 0a 1a 0a, \
             found ff d8 ff e0 00 10 4a 46 (a JPEG image)"
        );
        assert!(message(b"<!DOCTYPE html>").ends_with("(HTML or XML text)"));
        assert!(message(&[0x1f, 0x8b, 8, 0]).ends_with("found 1f 8b 08 00 (gzip-compressed data)"));
        assert!(message(b"").ends_with("found nothing"));
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
