//! Estimates the gray values of the paper under uneven light.
//!
//! The background is the minimum of two estimates, computed on a reduced image:
//!
//! - A morphological closing fills strokes narrower than its window and follows the edge of
//!   a shadow, but is too bright at the dark end of a brightness gradient.
//! - The mean of the nearby paper follows a brightness gradient, but blurs the edge of a
//!   shadow.
//!
//! The minimum is used because a wrong estimate is usually too bright.

use ndarray::{Array2, ArrayView2, Axis, Zip};

use crate::image::{Resampling, resample};

/// Longer side of the reduced image.
const REDUCED: usize = 96;
/// Radius of the window of the closing, relative to the shorter side: strokes may be a
/// third of it wide.
const CLOSING_RADIUS: f32 = 0.17;
/// Radius of the window of the mean, relative to the shorter side.
const MEAN_RADIUS: f32 = 0.08;
/// Pixels that are darker than this fraction of the background are not paper. The
/// second value is for a background that is already good.
const PAPER: [f32; 2] = [0.7, 0.85];
/// Radius of the blur at edges, in pixels of the reduced image.
const BLUR_RADIUS: usize = 1;
/// Minimum fraction of paper in a window of the mean.
const MIN_PAPER: f32 = 0.1;

/// Whether the ink is darker than the paper around it, whatever the light: dark
/// strokes on paper that covers more make the deviations from the local mean skewed.
pub(super) fn is_ink_dark(gray: ArrayView2<'_, u8>) -> bool {
    let image = reduced(gray);
    let mean = local_mean(&image, radius(&image, 2.0 * CLOSING_RADIUS));
    let cubes = Zip::from(&image).and(&mean);
    cubes.fold(0.0, |sum, value, mean| {
        sum + f64::from(value - mean).powi(3)
    }) < 0.0
}

/// The brightness of the paper at every pixel of an image with dark ink, at least 1.
pub(super) fn background(gray: ArrayView2<'_, u8>) -> Array2<f32> {
    let image = local_mean(&reduced(gray), 1);
    let closing = closing(&image);
    let mut background = closing.clone();
    for threshold in PAPER {
        let mean = mean_of_paper(&image, &background, threshold);
        background = Zip::from(&closing)
            .and(&mean)
            .map_collect(|&closing, &mean| mean.min(closing));
    }
    if background.dim() == gray.dim() {
        return background.mapv(|value| value.max(1.0));
    }
    // Enlarged, the edge of a shadow is blurred: on its dark side, it must not be too
    // bright.
    let background = over_windows(&background, BLUR_RADIUS, f32::min);
    let enlarge = |n: usize, to: usize| Resampling::new(0..n, n, to);
    let rows = enlarge(background.nrows(), gray.nrows());
    let columns = enlarge(background.ncols(), gray.ncols());
    resample(background.view(), &rows, &columns).mapv(|value| value.max(1.0))
}

fn reduced(gray: ArrayView2<'_, u8>) -> Array2<f32> {
    let (height, width) = gray.dim();
    let scale = (REDUCED as f32 / height.max(width) as f32).min(1.0);
    let reduce = |n: usize| Resampling::new(0..n, n, (n as f32 * scale).round() as usize);
    resample(gray, &reduce(height), &reduce(width))
}

fn radius(image: &Array2<f32>, of_shorter_side: f32) -> usize {
    let shorter = image.nrows().min(image.ncols());
    ((shorter as f32 * of_shorter_side).round() as usize).max(1)
}

/// Dilation, then erosion.
fn closing(image: &Array2<f32>) -> Array2<f32> {
    let radius = radius(image, CLOSING_RADIUS);
    let dilated = over_windows(image, radius, f32::max);
    over_windows(&dilated, radius, f32::min)
}

fn local_mean(image: &Array2<f32>, radius: usize) -> Array2<f32> {
    let counted = image.mapv(|value| (1.0, value));
    over_windows(&counted, radius, add).mapv(|(n, sum)| sum / n)
}

/// The mean of the paper around each pixel; infinite where there is little.
fn mean_of_paper(image: &Array2<f32>, background: &Array2<f32>, threshold: f32) -> Array2<f32> {
    let radius = radius(image, MEAN_RADIUS).max(2);
    let paper = Zip::from(image).and(background);
    let paper = paper.map_collect(|&value, &background| {
        let is_paper = value >= threshold * background;
        if is_paper { (1.0, value) } else { (0.0, 0.0) }
    });
    let min_paper = MIN_PAPER * (2 * radius + 1).pow(2) as f32;
    over_windows(&paper, radius, add).mapv(|(n, sum)| {
        if n >= min_paper {
            sum / n
        } else {
            f32::INFINITY
        }
    })
}

fn add((n, sum): (f32, f32), (m, other): (f32, f32)) -> (f32, f32) {
    (n + m, sum + other)
}

/// Joins the values of the square window around each pixel, clipped at the borders:
/// along the rows, then along the columns.
fn over_windows<T: Copy>(image: &Array2<T>, radius: usize, join: impl Fn(T, T) -> T) -> Array2<T> {
    let mut joined = image.clone();
    for axis in [Axis(1), Axis(0)] {
        for mut lane in joined.lanes_mut(axis) {
            let values = lane.to_vec();
            for (at, value) in lane.iter_mut().enumerate() {
                let end = values.len().min(at + radius + 1);
                let window = values[at.saturating_sub(radius)..end].iter().copied();
                *value = window.reduce(&join).unwrap_or(*value);
            }
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paper whose brightness is `light(row, column)`, both from 0 to 1, with a dark
    /// ring.
    fn photo(side: usize, light: impl Fn(f32, f32) -> f32) -> (Array2<u8>, Array2<f32>) {
        let at = |i: usize| i as f32 / (side - 1) as f32;
        let paper = Array2::from_shape_fn((side, side), |(i, j)| light(at(i), at(j)));
        let gray = Array2::from_shape_fn((side, side), |(i, j)| {
            let (y, x) = (at(i) - 0.5, at(j) - 0.5);
            let on_ring = ((x * x + y * y).sqrt() - 0.25).abs() < 0.05;
            (paper[[i, j]] * if on_ring { 0.2 } else { 1.0 }) as u8
        });
        (gray, paper)
    }

    #[test]
    fn the_background_follows_gradients_and_shadows() {
        type Light = fn(f32, f32) -> f32;
        // The ink has a contrast of 80 %, so that 40 % is still distinguished from the ink.
        let lights: [(Light, f32); 4] = [
            (|_, x| 230.0 - 140.0 * x, 0.25),
            (|y, _| 100.0 + 120.0 * y, 0.25),
            (
                |y, x| 240.0 - 200.0 * ((x - 0.5).powi(2) + (y - 0.5).powi(2)),
                0.25,
            ),
            (|_, x| if x < 0.4 { 120.0 } else { 220.0 }, 0.4),
        ];
        for (index, (light, tolerance)) in lights.into_iter().enumerate() {
            for side in [28, 200] {
                let (gray, paper) = photo(side, light);
                assert!(is_ink_dark(gray.view()), "light {index}");
                let found = background(gray.view());
                let error = Zip::from(&found)
                    .and(&paper)
                    .map_collect(|found, paper| (found / paper - 1.0).abs());
                let worst = error.fold(0.0_f32, |a, &b| a.max(b));
                let mean = error.mean().unwrap_or(1.0);
                assert!(worst < tolerance, "light {index}, {side} pixels: {worst}");
                assert!(
                    mean < 0.05,
                    "light {index}, {side} pixels: {mean} on average"
                );
                let inverted = gray.mapv(|value| 255 - value);
                assert!(!is_ink_dark(inverted.view()), "light {index}");
            }
        }
    }
}
