//! Smooth maps of the plane: affine maps and random displacement fields.
//!
//! A displacement field is the elastic deformation of Simard, Steinkraus &
//! Platt 2003 ("Best Practices for Convolutional Neural Networks Applied to
//! Visual Document Analysis", section 2): each node of a grid gets two random
//! numbers, uniform in -1..1; both fields are convolved with a Gaussian filter of
//! standard deviation `sigma` and multiplied by `alpha`. The root mean square
//! displacement of a node along each axis is
//!
//! `alpha / (2·sigma·√(3π))`
//!
//! Only `+ - * / √` are used, in a fixed order, so every machine computes
//! the same bits; the sine and the exponential function are computed from series.

use nn_tensor::random::Stream;
use nn_tensor::{Kernel, vectorize};

/// A position or a shift in the plane, `[x, y]`; `y` points down.
pub(crate) type Point = [f32; 2];

/// A linear map `[x, y] -> [xx·x + xy·y, yx·x + yy·y]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Linear {
    xx: f32,
    xy: f32,
    yx: f32,
    yy: f32,
}

impl Linear {
    /// Rotates by an angle in degrees, from the x axis towards the y axis.
    pub(crate) fn rotation(degrees: f64) -> Self {
        let (sin, cos) = sin_cos(degrees * (std::f64::consts::PI / 180.0));
        Self::new(cos, -sin, sin, cos)
    }

    /// Scales along the axes.
    pub(crate) fn scale(x: f64, y: f64) -> Self {
        Self::new(x, 0.0, 0.0, y)
    }

    /// Shears: moves the row at `y` sideways by `slope · y`.
    pub(crate) fn shear(slope: f64) -> Self {
        Self::new(1.0, slope, 0.0, 1.0)
    }

    fn new(xx: f64, xy: f64, yx: f64, yy: f64) -> Self {
        Self {
            xx: xx as f32,
            xy: xy as f32,
            yx: yx as f32,
            yy: yy as f32,
        }
    }

    /// Composes two maps: first `self`, then `next`.
    pub(crate) fn then(self, next: Self) -> Self {
        let [xx, yx] = next.apply([self.xx, self.yx]);
        let [xy, yy] = next.apply([self.xy, self.yy]);
        Self { xx, xy, yx, yy }
    }

    /// Maps a point.
    pub(crate) fn apply(self, [x, y]: Point) -> Point {
        [self.xx * x + self.xy * y, self.yx * x + self.yy * y]
    }
}

/// The Gaussian filter of a displacement field, truncated at three standard
/// deviations and scaled to the sum `alpha`.
#[derive(Clone, Debug)]
pub(crate) struct Smoothing {
    /// Weights for the distances `0, 1, ...`.
    weights: Vec<f32>,
    alpha: f32,
}

impl Smoothing {
    /// Maximum radius of the filter, in nodes.
    const LARGEST_RADIUS: usize = 1000;

    /// Root mean square displacement away from the border for `alpha` 1 and a
    /// `sigma` of about 1 or more.
    pub(crate) fn mean_displacement(sigma: f64) -> f64 {
        1.0 / (2.0 * sigma * (3.0 * std::f64::consts::PI).sqrt())
    }

    /// Creates a filter of standard deviation `sigma` in nodes; 0 does not smooth.
    pub(crate) fn new(alpha: f64, sigma: f64) -> Self {
        let radius = ((3.0 * sigma).ceil() as usize).min(Self::LARGEST_RADIUS);
        let half: Vec<f64> = (0..=radius)
            .map(|distance| gaussian(distance as f64, sigma))
            .collect();
        let sum = half[0] + 2.0 * half[1..].iter().sum::<f64>();
        Self {
            weights: half.iter().map(|weight| (weight / sum) as f32).collect(),
            alpha: alpha as f32,
        }
    }
}

fn gaussian(distance: f64, sigma: f64) -> f64 {
    if distance == 0.0 {
        return 1.0;
    }
    let z = distance / sigma;
    exp_of_negative(-0.5 * z * z)
}

/// A displacement for each node of a grid.
#[derive(Clone, Debug)]
pub(crate) struct DisplacementField {
    height: usize,
    width: usize,
    dx: Vec<f32>,
    dy: Vec<f32>,
    padded: Padded,
}

impl DisplacementField {
    /// Creates a field of zeros.
    pub(crate) fn new(height: usize, width: usize) -> Self {
        Self {
            height,
            width,
            dx: vec![0.0; height * width],
            dy: vec![0.0; height * width],
            padded: Padded::default(),
        }
    }

    /// Draws a new random field.
    pub(crate) fn draw(&mut self, smoothing: &Smoothing, stream: &mut Stream) {
        for (dx, dy) in self.dx.iter_mut().zip(&mut self.dy) {
            let bits = stream.bits();
            *dx = symmetric_uniform(bits >> 16) * smoothing.alpha;
            *dy = symmetric_uniform(bits & 0xffff) * smoothing.alpha;
        }
        for field in [&mut self.dx, &mut self.dy] {
            vectorize(Smooth {
                size: (self.height, self.width),
                weights: &smoothing.weights,
                field,
                padded: &mut self.padded,
            });
        }
    }

    /// Displacements of the nodes of a row along x and along y.
    pub(crate) fn row(&self, row: usize) -> [&[f32]; 2] {
        let nodes = row * self.width..(row + 1) * self.width;
        [&self.dx[nodes.clone()], &self.dy[nodes]]
    }

    /// Displacement at a position between nodes, interpolated bilinearly; outside the
    /// grid, the displacement of the nearest node.
    pub(crate) fn at(&self, [x, y]: Point) -> Point {
        let (column, right) = cell(x, self.width);
        let (row, below) = cell(y, self.height);
        let node = row * self.width + column;
        let next_column = usize::from(column + 1 < self.width);
        let next_row = self.width * usize::from(row + 1 < self.height);
        let interpolate = |field: &[f32]| {
            let above = lerp(field[node], field[node + next_column], right);
            let under = lerp(
                field[node + next_row],
                field[node + next_row + next_column],
                right,
            );
            lerp(above, under, below)
        };
        [interpolate(&self.dx), interpolate(&self.dy)]
    }
}

/// The cell of a grid line that contains `position`, and the position inside it.
fn cell(position: f32, n_nodes: usize) -> (usize, f32) {
    let inside = position.clamp(0.0, (n_nodes - 1) as f32);
    (inside as usize, inside - (inside as usize) as f32)
}

/// Linear interpolation: `from` for `part` 0, `to` for `part` 1.
pub(crate) fn lerp(from: f32, to: f32, part: f32) -> f32 {
    from + (to - from) * part
}

/// Converts 16 random bits to a number in -1..1, without 0.
fn symmetric_uniform(bits: u32) -> f32 {
    (bits as f32 + 0.5) * (1.0 / 32768.0) - 1.0
}

/// Number of neighbors summed at once.
const LANES: usize = 16;

/// A field padded with zeros, so that the inner loops of a convolution need no
/// bounds; rows are rounded up to a multiple of [`LANES`].
#[derive(Clone, Debug, Default)]
struct Padded {
    /// The field with zeros on both sides of each row.
    beside: Vec<f32>,
    /// The field with rows of zeros above and below.
    around: Vec<f32>,
}

impl Padded {
    /// Allocates the buffers if the size has changed. The zeros are never
    /// overwritten.
    fn reserve(&mut self, n_beside: usize, n_around: usize) {
        for (values, length) in [(&mut self.beside, n_beside), (&mut self.around, n_around)] {
            if values.len() != length {
                values.clear();
                values.resize(length, 0.0);
            }
        }
    }
}

/// Convolves a field with a symmetric filter, along rows and then along columns;
/// outside the border the field is 0.
struct Smooth<'a> {
    size: (usize, usize),
    weights: &'a [f32],
    field: &'a mut [f32],
    padded: &'a mut Padded,
}

impl Kernel for Smooth<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            size: (height, width),
            weights,
            field,
            padded,
        } = self;
        // Weights beyond the opposite border are multiplied by zeros only.
        let along_rows = &weights[..weights.len().min(width)];
        let along_columns = &weights[..weights.len().min(height)];
        let (left, above) = (along_rows.len() - 1, along_columns.len() - 1);
        let stride = width.next_multiple_of(LANES);
        let wide = left + stride + left;
        padded.reserve(height * wide, (above + height + above) * stride);
        let Padded { beside, around } = padded;
        for (padded, row) in beside.chunks_exact_mut(wide).zip(field.chunks(width)) {
            padded[left..left + width].copy_from_slice(row);
        }
        for row in 0..height {
            for column in (0..stride).step_by(LANES) {
                let sums = convolve(beside, row * wide + left + column, along_rows, 1);
                around[(above + row) * stride + column..][..LANES].copy_from_slice(&sums);
            }
        }
        for (row, smooth) in field.chunks_mut(width).enumerate() {
            for (smooth, column) in smooth.chunks_mut(LANES).zip((0..).step_by(LANES)) {
                let place = (above + row) * stride + column;
                let sums = convolve(around, place, along_columns, stride);
                smooth.copy_from_slice(&sums[..smooth.len()]);
            }
        }
    }
}

/// `Σₖ weights[|k|] · values[place + k·stride]` for [`LANES`] neighboring positions.
#[inline(always)]
fn convolve(values: &[f32], place: usize, weights: &[f32], stride: usize) -> [f32; LANES] {
    let mut sums = lanes(values, place).map(|value| weights[0] * value);
    for (distance, &weight) in weights.iter().enumerate().skip(1) {
        let after = lanes(values, place + distance * stride);
        let before = lanes(values, place - distance * stride);
        for ((sum, after), before) in sums.iter_mut().zip(after).zip(before) {
            *sum += weight * after;
            *sum += weight * before;
        }
    }
    sums
}

#[inline(always)]
fn lanes(values: &[f32], place: usize) -> &[f32; LANES] {
    values[place..place + LANES]
        .try_into()
        .expect("the slice has as many numbers as there are lanes")
}

/// Sine and cosine by their Taylor series, with the angle reduced to -π..π;
/// fourteen terms give an error below 10⁻¹².
fn sin_cos(radians: f64) -> (f64, f64) {
    const TURN: f64 = 2.0 * std::f64::consts::PI;
    let angle = radians - TURN * (radians / TURN).round();
    let square = angle * angle;
    let (mut sin, mut cos) = (1.0, 1.0);
    for k in (1..15).rev() {
        let k = f64::from(2 * k);
        sin = 1.0 - sin * square / (k * (k + 1.0));
        cos = 1.0 - cos * square / (k * (k - 1.0));
    }
    (angle * sin, cos)
}

/// `eˣ` for `x ≤ 0`: the Taylor series of `x/2⁸`, squared eight times.
fn exp_of_negative(x: f64) -> f64 {
    let small = x.max(-700.0) / 256.0;
    let mut power = 1.0;
    for k in (1..24).rev() {
        power = 1.0 + power * small / f64::from(k);
    }
    for _ in 0..8 {
        power *= power;
    }
    power
}

#[cfg(test)]
pub(crate) mod tests {
    use nn_tensor::random::{Purpose, Streams};

    use super::*;

    /// FNV-1a, 64 bits (Fowler, Noll & Vo), for golden values.
    pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    #[test]
    fn series_agree_with_the_platform() {
        for step in -1000..=1000 {
            let x = f64::from(step) * 0.01;
            let (sin, cos) = sin_cos(x);
            assert!((sin - x.sin()).abs() < 1e-11, "sin {x}");
            assert!((cos - x.cos()).abs() < 1e-11, "cos {x}");
            let exp = exp_of_negative(-x.abs());
            assert!((exp / (-x.abs()).exp() - 1.0).abs() < 1e-12, "exp {x}");
        }
    }

    #[test]
    fn linear_maps_are_composed_in_order() {
        let turned = Linear::scale(2.0, 1.0).then(Linear::rotation(90.0));
        let [x, y] = turned.apply([1.0, 0.0]);
        assert!(x.abs() < 1e-6 && (y - 2.0).abs() < 1e-6, "{x} {y}");
        let [x, y] = Linear::shear(0.5).apply([1.0, 2.0]);
        assert_eq!([x, y], [2.0, 2.0]);
    }

    #[test]
    fn displacement_has_the_stated_mean() {
        const SIZE: usize = 64;
        let (sigma, alpha) = (4.0, 34.0);
        let smoothing = Smoothing::new(alpha, sigma);
        let mut field = DisplacementField::new(SIZE, SIZE);
        let (mut sum, mut squares, mut n) = ([0.0_f64; 2], [0.0_f64; 2], 0.0);
        for index in 0..100 {
            field.draw(
                &smoothing,
                &mut Streams::new(0).stream(Purpose::Test, index),
            );
            for y in 12..SIZE - 12 {
                for x in 12..SIZE - 12 {
                    let displacement = field.at([x as f32, y as f32]);
                    for axis in 0..2 {
                        let along = f64::from(displacement[axis]);
                        sum[axis] += along;
                        squares[axis] += along * along;
                    }
                    n += 1.0;
                }
            }
        }
        let expected = alpha * Smoothing::mean_displacement(sigma);
        for axis in 0..2 {
            assert!((sum[axis] / n).abs() < 0.1, "mean {}", sum[axis] / n);
            let found = (squares[axis] / n).sqrt();
            assert!((found / expected - 1.0).abs() < 0.05, "{found} {expected}");
        }
    }

    #[test]
    fn smoothing_spreads_a_point_into_a_gaussian() {
        const SIZE: usize = 15;
        let smoothing = Smoothing::new(1.0, 2.0);
        let mut field = vec![0.0; SIZE * SIZE];
        field[7 * SIZE + 7] = 1.0;
        vectorize(Smooth {
            size: (SIZE, SIZE),
            weights: &smoothing.weights,
            field: &mut field,
            padded: &mut Padded::default(),
        });
        for y in 0..SIZE {
            for x in 0..SIZE {
                let weight = |at: usize| smoothing.weights.get(at.abs_diff(7)).unwrap_or(&0.0);
                let expected = weight(x) * weight(y);
                assert!((field[y * SIZE + x] - expected).abs() < 1e-7, "{x} {y}");
            }
        }
    }

    #[test]
    fn positions_between_nodes_are_interpolated() {
        let mut field = DisplacementField::new(2, 3);
        field.dx = vec![0.0, 1.0, 2.0, 10.0, 11.0, 12.0];
        assert_eq!(field.at([0.5, 0.0])[0], 0.5);
        assert_eq!(field.at([1.0, 0.5])[0], 6.0);
        assert_eq!(field.at([9.0, 9.0])[0], 12.0);
        assert_eq!(field.at([-9.0, -9.0])[0], 0.0);
    }
}
