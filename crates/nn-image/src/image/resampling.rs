//! Resampling of images: areas are averaged when an image shrinks, and values are
//! interpolated linearly when it grows.

use std::ops::Range;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis, Slice};

/// Resizes gray values `[height, width]` to the `size` `(height, width)`, at least
/// 1 x 1. The aspect ratio may change.
///
/// # Panics
/// Panics if the image has no pixels.
///
/// ```
/// use ndarray::array;
/// use nn_image::resize;
///
/// let image = array![[0, 100, 7, 9], [200, 100, 7, 9]];
/// assert_eq!(resize(image.view(), (1, 2)), array![[100, 8]]);
/// ```
pub fn resize(gray: ArrayView2<'_, u8>, size: (usize, usize)) -> Array2<u8> {
    assert!(
        !gray.is_empty(),
        "expected an image with at least one pixel"
    );
    if gray.dim() == size {
        return gray.to_owned();
    }
    let rows = Resampling::new(0..gray.nrows(), gray.nrows(), size.0);
    let columns = Resampling::new(0..gray.ncols(), gray.ncols(), size.1);
    resample(gray, &rows, &columns).mapv(|value| value.round() as u8)
}

/// Resamples an image along both axes.
pub(crate) fn resample<T: Copy + Into<f32>>(
    image: ArrayView2<'_, T>,
    rows: &Resampling,
    columns: &Resampling,
) -> Array2<f32> {
    let sources = rows.sources();
    let mut narrowed = Array2::zeros((sources.len(), columns.len()));
    for (i, mut narrow) in sources.clone().zip(narrowed.rows_mut()) {
        let row = image.row(i).mapv(Into::into);
        for (value, tap) in narrow.iter_mut().zip(&columns.taps) {
            *value = tap.sum(row.view(), 0);
        }
    }
    let mut resampled = Array2::zeros((rows.len(), columns.len()));
    for ((i, j), value) in resampled.indexed_iter_mut() {
        *value = rows.taps[i].sum(narrowed.column(j), sources.start);
    }
    resampled
}

/// Resampling along one axis.
pub(crate) struct Resampling {
    taps: Vec<Tap>,
}

/// Weights of neighboring source pixels for one scaled pixel.
struct Tap {
    first: usize,
    weights: Vec<f32>,
}

impl Resampling {
    /// Resamples the source pixels `start..end` of `length` to `n_pixels` pixels, at
    /// least one.
    pub(crate) fn new(source: Range<usize>, length: usize, n_pixels: usize) -> Self {
        let n_pixels = n_pixels.max(1);
        let step = source.len() as f32 / n_pixels as f32;
        let position = |pixel: f32| source.start as f32 + pixel * step;
        let taps = (0..n_pixels)
            .map(|pixel| {
                let pixel = pixel as f32;
                if 1.0 < step {
                    Tap::area(position(pixel), position(pixel + 1.0), length)
                } else {
                    Tap::linear(position(pixel + 0.5) - 0.5, length)
                }
            })
            .collect();
        Self { taps }
    }

    pub(crate) fn len(&self) -> usize {
        self.taps.len()
    }

    /// The range of source pixels with nonzero weights.
    fn sources(&self) -> Range<usize> {
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

    /// The weighted sum of `values`, which begin at the source pixel `start`.
    fn sum(&self, values: ArrayView1<'_, f32>, start: usize) -> f32 {
        values
            .slice_axis(Axis(0), Slice::from(self.first - start..))
            .iter()
            .zip(&self.weights)
            .map(|(value, weight)| value * weight)
            .sum()
    }
}
