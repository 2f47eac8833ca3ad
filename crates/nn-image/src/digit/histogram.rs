//! Histograms of gray values and their quantiles.

use ndarray::{ArrayView2, Axis};

/// Number of pixels of each gray value.
pub(super) type Histogram = [u64; 256];

pub(super) fn histogram(values: impl Iterator<Item = u8>) -> Histogram {
    let mut counts = [0; 256];
    for value in values {
        counts[usize::from(value)] += 1;
    }
    counts
}

/// Histogram of a value `of` each pixel of the border: a fiftieth of the shorter side
/// wide, at least one pixel.
pub(super) fn border_histogram<T>(image: ArrayView2<'_, T>, of: impl Fn(&T) -> u8) -> Histogram {
    let (height, width) = image.dim();
    let thickness = (height.min(width) / 50).max(1);
    let on_border = |i: usize, length: usize| i < thickness || i + thickness >= length;
    let mut counts = [0; 256];
    for (i, row) in image.axis_iter(Axis(0)).enumerate() {
        for (j, pixel) in row.iter().enumerate() {
            if on_border(i, height) || on_border(j, width) {
                counts[usize::from(of(pixel))] += 1;
            }
        }
    }
    counts
}

pub(super) fn median(counts: &Histogram) -> u8 {
    quantile(counts, 0.5)
}

/// The smallest value that at least a fraction `q` of the values do not exceed;
/// 0 for an empty histogram.
pub(super) fn quantile(counts: &Histogram, q: f64) -> u8 {
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

/// The fraction of values that differ from `center` by at most `tolerance`.
pub(super) fn fraction_near(counts: &Histogram, center: u8, tolerance: u8) -> f64 {
    let near = (0..=u8::MAX).zip(counts);
    let near = near.filter(|(value, _)| value.abs_diff(center) <= tolerance);
    let n_near: u64 = near.map(|(_, count)| count).sum();
    n_near as f64 / counts.iter().sum::<u64>().max(1) as f64
}
