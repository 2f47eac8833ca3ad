//! Reductions: column sums, argmax, sums of squares, checks for finite values.
//!
//! Every sum is computed in a fixed order, so its bits are reproducible.

use crate::native::{Kernel, Matrix, vectorize};
use crate::{Scalar, Threads};

/// Minimum number of elements per parallel task.
const MIN_CHUNK: usize = 1 << 14;

/// Maximum number of partial sums kept for a narrow matrix.
const MAX_PARTIAL_SUMS: usize = 128;

/// Adds the column sums of a matrix: `sumsⱼ ← sumsⱼ + Σᵢ matrixᵢⱼ`.
///
/// Rows are added in order; in narrow matrices, several partial sums are kept per
/// column and combined at the end.
///
/// # Shapes
/// `matrix [n, m]` row-major, `sums [m]`.
///
/// # Panics
/// Panics if the widths differ or the rows of `matrix` are not contiguous.
pub fn add_rows<'a, S: Scalar>(
    matrix: impl Into<Matrix<'a, S>>,
    sums: &mut [S],
    threads: &Threads,
) {
    let matrix: Matrix<'a, S> = matrix.into();
    let [n_rows, width] = matrix.shape();
    assert_eq!(width, sums.len(), "add_rows: widths differ");
    if sums.is_empty() {
        return;
    }
    if let (1, Some(row)) = (n_rows, matrix.to_slice()) {
        return sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += x);
    }
    if let Some(values) = matrix.to_slice().filter(|_| 2 * width <= MAX_PARTIAL_SUMS) {
        return vectorize(AddNarrowRows { sums, values });
    }
    // Chunks of whole cache lines.
    let min_columns = MIN_CHUNK.div_ceil(n_rows.max(1));
    threads.for_each_chunk(sums, LANES, min_columns, |start, sums| {
        let columns = start..start + sums.len();
        let matrix = matrix.columns(columns);
        vectorize(AddRows { sums, matrix });
    });
}

struct AddRows<'a, S> {
    sums: &'a mut [S],
    matrix: Matrix<'a, S>,
}

impl<S: Scalar> Kernel for AddRows<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for row in 0..self.matrix.shape()[0] {
            let row = self.matrix.row(row).expect("rows are contiguous");
            for (sum, &value) in self.sums.iter_mut().zip(row) {
                *sum += value;
            }
        }
    }
}

/// Adds the contiguous rows of a narrow matrix to `sums`.
struct AddNarrowRows<'a, S> {
    sums: &'a mut [S],
    values: &'a [S],
}

impl<S: Scalar> Kernel for AddNarrowRows<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let width = self.sums.len();
        let mut partial = [S::zero(); MAX_PARTIAL_SUMS];
        let mut rest = self.values;
        if MAX_PARTIAL_SUMS.is_multiple_of(width) {
            // Of known length, so that the sums stay in registers.
            let (chunks, remainder) = rest.as_chunks::<MAX_PARTIAL_SUMS>();
            rest = remainder;
            for rows in chunks {
                for (sum, &value) in partial.iter_mut().zip(rows) {
                    *sum += value;
                }
            }
        }
        let partial = &mut partial[..MAX_PARTIAL_SUMS / width * width];
        let chunks = rest.chunks_exact(partial.len());
        let rest = chunks.remainder();
        for rows in chunks {
            for (sum, &value) in partial.iter_mut().zip(rows) {
                *sum += value;
            }
        }
        for rows in [partial, rest] {
            for row in rows.chunks_exact(width) {
                for (sum, &value) in self.sums.iter_mut().zip(row) {
                    *sum += value;
                }
            }
        }
    }
}

/// Returns the index of the largest element, the first one in case of ties.
///
/// NaN counts as larger than any number, as in NumPy and PyTorch.
///
/// # Panics
/// Panics if the row is empty.
pub fn argmax<S: Scalar>(row: &[S]) -> usize {
    assert!(!row.is_empty(), "an empty row has no largest element");
    let mut best = 0;
    for (index, value) in row.iter().enumerate() {
        let is_first_nan = value.is_nan() && !row[best].is_nan();
        if *value > row[best] || is_first_nan {
            best = index;
        }
    }
    best
}

/// Returns `true` if the [`argmax`] of the row is `index`.
///
/// Returns `false` for every index if the row contains NaN, so such a row never counts as
/// predicted correctly. There is no early exit, so that the loop vectorizes.
///
/// # Panics
/// Panics if `index` is out of bounds.
pub fn is_argmax<S: Scalar>(row: &[S], index: usize) -> bool {
    let largest = row[index];
    let all_are_smaller = row[..index]
        .iter()
        .fold(true, |all, &value| all & (value < largest));
    row[index..]
        .iter()
        .fold(all_are_smaller, |all, &value| all & (value <= largest))
}

/// Returns `true` if all values are finite, neither NaN nor infinite.
pub fn all_finite<S: Scalar>(values: &[S]) -> bool {
    vectorize(AllFinite(values))
}

struct AllFinite<'a, S>(&'a [S]);

impl<S: Scalar> Kernel for AllFinite<'_, S> {
    type Output = bool;

    /// No early exit, so that the loop vectorizes.
    #[inline(always)]
    fn run(self) -> bool {
        self.0
            .iter()
            .fold(true, |all, value| all & (value.abs() <= S::max_value()))
    }
}

/// Computes the sum of squares `Σ x²` in `f64`.
pub fn sum_of_squares<S: Scalar>(values: &[S]) -> f64 {
    vectorize(SumOfSquares(values))
}

/// Number of partial sums, which the compiler keeps in vector registers.
const LANES: usize = 16;

struct SumOfSquares<'a, S>(&'a [S]);

impl<S: Scalar> Kernel for SumOfSquares<'_, S> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        let mut lanes = [0.0; LANES];
        let chunks = self.0.chunks_exact(LANES);
        let rest = chunks.remainder();
        for chunk in chunks {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                let value = value.into_f64();
                *lane += value * value;
            }
        }
        let rest: f64 = rest
            .iter()
            .map(|value| value.into_f64() * value.into_f64())
            .sum();
        lanes.iter().sum::<f64>() + rest
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Axis, array};

    use super::*;

    #[test]
    fn rows_are_added_up() {
        let mut sums = [100.0_f32; 3];
        add_rows(
            array![[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]].view(),
            &mut sums,
            &Threads::single(),
        );
        assert_eq!(sums, [111.0, 122.0, 133.0]);
    }

    #[test]
    fn sums_are_those_of_the_columns_for_any_number_of_threads() {
        for [n_rows, width] in [[1, 1], [7, 10], [100, 10], [33, 64], [9, 65], [300, 100]] {
            let matrix = Array2::from_shape_fn((n_rows, width), |(i, j)| {
                ((i * 7 + j * 3) % 11) as f32 - 5.0
            });
            for count in [1, 3] {
                let mut sums = vec![2.0; width];
                add_rows(matrix.view(), &mut sums, &Threads::new(count));
                let expected = matrix.sum_axis(Axis(0)) + 2.0;
                assert_eq!(sums, expected.to_vec(), "{n_rows} x {width}");
            }
        }
    }

    #[test]
    fn first_of_equals_wins() {
        assert_eq!(argmax(&[1.0_f32, 3.0, 3.0, 2.0]), 1);
    }

    #[test]
    fn nan_is_the_largest_and_never_predicted_correctly() {
        for (row, expected) in [
            ([f64::NAN, 1.0, f64::NAN], 0),
            ([1.0, f64::NAN, f64::INFINITY], 1),
            ([f64::NAN; 3], 0),
        ] {
            assert_eq!(argmax(&row), expected, "{row:?}");
            assert!((0..3).all(|index| !is_argmax(&row, index)), "{row:?}");
        }
    }

    #[test]
    fn finite_values_are_told_from_others_at_every_place() {
        for n in 0..70 {
            let mut values = vec![f32::MIN; n];
            assert!(all_finite(&values));
            for place in 0..n {
                for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    let before = std::mem::replace(&mut values[place], bad);
                    assert!(!all_finite(&values), "{bad} at {place} of {n}");
                    values[place] = before;
                }
            }
        }
    }

    #[test]
    fn the_largest_is_the_first_of_equals() {
        for row in [[1.0, 3.0, 3.0], [2.0, 2.0, 1.0], [0.0, 1.0, 2.0], [0.0; 3]] {
            for index in 0..3 {
                let is_largest = argmax(&row) == index;
                assert_eq!(is_argmax(&row, index), is_largest, "{row:?}");
            }
        }
    }

    #[test]
    fn squares_are_summed_for_any_length() {
        for n in 0..40_u32 {
            let values: Vec<f32> = (0..n).map(|i| i as f32).collect();
            let expected: u32 = (0..n).map(|i| i * i).sum();
            assert_eq!(sum_of_squares(&values), f64::from(expected));
        }
    }
}
