//! Separates ink from paper: determines whether the ink is darker or lighter than the paper, and
//! computes the amount of ink in each pixel.

use ndarray::{Array2, ArrayView2, Zip};

use super::background::{background, is_ink_dark};
use super::histogram::{Histogram, border_histogram, fraction_near, histogram, median, quantile};
use crate::{Error, Result};

/// Minimum amount of ink inside of marks.
pub(super) const EDGE: u8 = 96;

/// Noise threshold, in median deviations of the border.
const NOISE: i16 = 5;
/// Maximum noise threshold: lines and shadows on the border are no noise.
const MAX_NOISE: i16 = 64;
/// Minimum contrast between ink and paper, in gray levels of 255.
const MIN_CONTRAST: u8 = 32;
/// The light is even if this fraction of the border is paper...
const EVEN: f64 = 0.8;
/// ...within this number of gray levels.
const EVEN_TOLERANCE: u8 = 12;

/// The amount of ink at every pixel.
pub(super) struct Ink {
    /// From 0 for paper to 255 for the 95th percentile of the ink and above.
    pub(super) values: Array2<u8>,
    /// Whether the ink is darker than the paper.
    pub(super) inverted: bool,
}

impl Ink {
    /// Steps 2 to 4 of the normalization.
    pub(super) fn of(gray: ArrayView2<'_, u8>) -> Result<Self> {
        let blank = |contrast| Error::BlankImage {
            contrast,
            needed: MIN_CONTRAST,
        };
        if gray.is_empty() {
            return Err(blank(0));
        }
        let border = border_histogram(gray, |&value| value);
        let paper = median(&border);
        let is_even = fraction_near(&border, paper, EVEN_TOLERANCE) >= EVEN;
        let inverted = if is_even {
            is_darkest_furthest(&histogram(gray.iter().copied()), paper)
        } else {
            is_ink_dark(gray)
        };
        // Light ink is dark ink in the negative.
        let positive = |value: u8| if inverted { value } else { 255 - value };
        let brightness = median(&histogram(gray.iter().map(|&value| positive(value))));
        let mut values = if is_even {
            let paper = f32::from(positive(paper));
            without_noise(gray, |&value| difference(positive(value), paper))
        } else {
            let gray = gray.mapv(positive);
            let background = background(gray.view());
            let differences = Zip::from(&gray)
                .and(&background)
                .map_collect(|&value, &paper| difference(value, paper));
            without_noise(differences.view(), |&difference| difference)
        };
        let mut counts = histogram(values.iter().copied());
        counts[0] = 0;
        let level = quantile(&counts, 0.95);
        let contrast = (u32::from(level) * u32::from(brightness) / 255) as u8;
        if contrast < MIN_CONTRAST {
            return Err(blank(contrast));
        }
        values.mapv_inplace(|value| stretch(value, level));
        Ok(Self { values, inverted })
    }
}

/// The differences from the paper above the noise of the border, as ink; 0 elsewhere.
fn without_noise<T>(pixels: ArrayView2<'_, T>, difference: impl Fn(&T) -> i16) -> Array2<u8> {
    let deviation = |pixel: &T| difference(pixel).unsigned_abs().min(255) as u8;
    let deviation = median(&border_histogram(pixels, deviation));
    let noise = MAX_NOISE.min(NOISE * i16::from(deviation));
    pixels.map(|pixel| match difference(pixel) {
        difference if difference > noise => difference as u8,
        _ => 0,
    })
}

/// Whether the darkest pixel differs more from the paper than the lightest one.
fn is_darkest_furthest(counts: &Histogram, paper: u8) -> bool {
    let present = (0..=u8::MAX).zip(counts).filter(|&(_, &count)| count > 0);
    let (darkest, lightest) = present.fold((paper, paper), |(low, high), (value, _)| {
        (low.min(value), high.max(value))
    });
    paper - darkest > lightest - paper
}

/// The light that a pixel lacks, of 255; negative if it is brighter than the paper.
fn difference(value: u8, paper: f32) -> i16 {
    (255.0 * (paper - f32::from(value)) / paper.max(1.0)).round() as i16
}

fn stretch(value: u8, level: u8) -> u8 {
    let stretched = (u16::from(value) * 255 + u16::from(level) / 2) / u16::from(level);
    u8::try_from(stretched).unwrap_or(u8::MAX)
}
