//! Normalizes images of handwritten digits to MNIST's format.
//!
//! MNIST's digits were cut out, scaled "to fit in a 20x20 pixel box while
//! preserving their aspect ratio" with anti-aliasing, and placed in a 28x28
//! field so that the center of mass is in the middle (LeCun, Cortes, Burges).
//! A network trained on such images fails on images with other proportions.
//! [`normalize`] therefore converts an image in these steps:
//!
//! 1. **Frame**: strips of a different shade along the edges are cropped
//!    (`digit/frame.rs`).
//! 2. **Paper** is the median of the border pixels or, under uneven light, an estimated
//!    background (`digit/background.rs`). **Ink** is either darker or lighter than the
//!    paper; the side with the larger difference is chosen. For pixels on this side,
//!    `d = 255 |gray - paper| / range`, where `range` is the brightness of the paper for
//!    dark ink and its darkness for light ink; for all other pixels, `d = 0`. Ink becomes
//!    bright, as in MNIST.
//! 3. **Noise**: `d` up to 5 times the median of `|d|` over the border becomes 0. This threshold is
//!    about 3.4 standard deviations of the noise in a photograph of paper, and exactly 0 for a
//!    clean drawing.
//! 4. **Contrast**: `d` is scaled to `d * 255 / level`, where `level` is the 95th percentile of the
//!    values above 0; below 32 gray levels the image is blank.
//! 5. **Marks**: connected components of `d >= 96` that are not digits are removed, such
//!    as lines of ruled paper, remains of a frame and specks (`digit/marks.rs`). The
//!    remaining components are counted as digits.
//! 6. **Box**: the smallest rectangle around all `d >= 96` is scaled by `20 / longer side`, and
//!    each side is rounded to a whole number of pixels. Areas are averaged when the box shrinks,
//!    and values are interpolated linearly when it grows. (Of the thresholds tried, 96 reproduces
//!    enlarged MNIST digits best.)
//! 7. **Center**: the image is moved by whole pixels until its center of mass is
//!    nearest to pixel (14, 14), as in MNIST (13.5 <= center < 14.5 for all of its
//!    test images), but never so far that ink leaves the image.
//!
//! An image that is already in MNIST's format is returned unchanged.

mod bounds;
mod histogram;
mod frame;
mod background;
mod ink;
mod marks;

use ndarray::{Array2, ArrayView2};

use crate::Result;
use crate::image::{Resampling, resample};
use bounds::{bounding_box, cropped};
use histogram::{border_histogram, median};
use ink::{EDGE, Ink};

/// Height and width of a normalized image in pixels.
pub const SIDE: usize = 28;

/// Longer side of the bounding box of the ink, in pixels.
const BOX: usize = 20;
/// Row and column of the center of mass.
const CENTER: f32 = 14.0;
/// Images with a longer side are reduced before they are examined.
const MAX_SIDE: usize = 1300;

/// A digit in MNIST's format, with information about the normalization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormalizedDigit {
    /// Gray values row by row: bright ink on a background of 0.
    pub pixels: [u8; SIDE * SIDE],
    /// Whether the ink was darker than the paper.
    pub inverted: bool,
    /// Whether the image was changed; `false` if it was already in MNIST's format.
    pub changed: bool,
    /// Whether a frame, a line or the edge of a sheet was removed.
    pub frame_removed: bool,
    /// Number of digits in the image. `pixels` contains all digits.
    pub n_digits: usize,
}

/// Normalizes an image of any size to MNIST's format, as described in [this
/// module](self).
///
/// # Errors
/// Returns [`Error::BlankImage`](crate::Error::BlankImage) if the contrast between ink and
/// paper is too low.
///
/// ```
/// use ndarray::Array2;
/// use nn_image::digit::normalize;
///
/// // A dark vertical stroke on white paper, off center.
/// let mut drawing = Array2::from_elem((200, 300), 255);
/// drawing.slice_mut(ndarray::s![20..160, 240..254]).fill(0);
/// let digit = normalize(drawing.view())?;
/// assert!(digit.inverted);
/// // 20 pixels high, 2 wide, in the middle.
/// assert_eq!(digit.pixels.iter().filter(|&&pixel| pixel == 255).count(), 40);
/// assert_eq!(digit.pixels[14 * 28 + 14], 255);
/// # Ok::<(), nn_image::Error>(())
/// ```
pub fn normalize(gray: ArrayView2<'_, u8>) -> Result<NormalizedDigit> {
    if let Some(pixels) = as_mnist(gray) {
        return Ok(NormalizedDigit {
            pixels,
            inverted: false,
            changed: false,
            frame_removed: false,
            n_digits: 1,
        });
    }
    let image = reduced(gray);
    let inner = frame::without_frame(image.view());
    let has_frame = inner.dim() != image.dim();
    let Ink {
        mut values,
        inverted,
    } = Ink::of(inner)?;
    drop(image);
    let marks = marks::keep_digits(&mut values);
    let boxed = scale_into_box(values.view());
    Ok(NormalizedDigit {
        pixels: center_by_mass(&boxed),
        inverted,
        changed: true,
        frame_removed: has_frame || marks.lines_removed,
        n_digits: marks.n_digits,
    })
}

/// The pixels of an image in MNIST's format: 28x28, a background of zeros, bright
/// ink, 19 or 20 pixels long and centered within a pixel.
fn as_mnist(gray: ArrayView2<'_, u8>) -> Option<[u8; SIDE * SIDE]> {
    if gray.dim() != (SIDE, SIDE) || median(&border_histogram(gray, |&value| value)) != 0 {
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

/// The means of squares of pixels, so that the longer side is at most [`MAX_SIDE`].
fn reduced(gray: ArrayView2<'_, u8>) -> Array2<u8> {
    let (height, width) = gray.dim();
    let side = height.max(width).div_ceil(MAX_SIDE).max(1);
    if side == 1 {
        return gray.to_owned();
    }
    let shape = (height.div_ceil(side), width.div_ceil(side));
    Array2::from_shape_fn(shape, |(i, j)| {
        let rows = i * side..height.min((i + 1) * side);
        let columns = j * side..width.min((j + 1) * side);
        let square = cropped(gray, rows, columns);
        let sum: u32 = square.iter().map(|&value| u32::from(value)).sum();
        let n = square.len() as u32;
        ((sum + n / 2) / n) as u8
    })
}

/// Step 6: scales the ink to a longer side of 20 pixels and a maximum of 255.
fn scale_into_box(ink: ArrayView2<'_, u8>) -> Array2<f32> {
    let bounds = bounding_box(ink, |value| value >= EDGE)
        .expect("the 95th percentile of the ink is above this threshold");
    let scale = BOX as f32 / bounds.longer_side() as f32;
    let scaled = |length: usize| (length as f32 * scale).round() as usize;
    let (rows, columns) = (bounds.rows(), bounds.columns());
    let (height, width) = (scaled(rows.len()), scaled(columns.len()));
    let rows = Resampling::new(rows, ink.nrows(), height);
    let columns = Resampling::new(columns, ink.ncols(), width);
    let scaled = resample(ink, &rows, &columns);
    let brightest = scaled.fold(0.0_f32, |most, &value| most.max(value));
    scaled * (255.0 / brightest)
}

/// Step 7: moves the center of mass to the center of the image.
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

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::Error;

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
}
