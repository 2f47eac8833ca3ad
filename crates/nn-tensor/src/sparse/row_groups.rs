//! Groups of sparse rows that share one index list.

use std::ops::Range;

use super::{CscBuffer, CsrRows, MAX_TASKS, WriteMode, for_each_with_rows, ranges_of_equal_work};
use crate::native::{
    self, CompressedRows, GROUP, GROUPS_IN_CACHE, GroupOuters, InstructionSet, LaneOuters,
    LaneSums, MAX_LANE_WIDTH, Matrix, MatrixMut, Scratch, SparseSums, errors_len, lanes_of,
};
use crate::{Scalar, Threads};

/// Sparse rows in groups of neighbors, for batches that are multiplied many times.
///
/// The rows of a group share one index list, the union of their nonzero columns, so
/// that each row of the dense matrix is loaded once per group. Grouping is most effective
/// after clustering similar rows ([`cluster_rows`](super::CsrBytes::cluster_rows)).
///
/// ```
/// use ndarray::array;
/// use nn_tensor::Threads;
/// use nn_tensor::sparse::{RowGroups, CsrBytes, CsrRows, WriteMode};
///
/// let pixels = array![[0_u8, 0, 0, 2], [3, 0, 0, 0], [0, 0, 0, 1]];
/// let matrix = CsrBytes::from_rows(pixels.view(), &[0, 1, 2]).expect("it is sparse");
/// let threads = Threads::single();
/// let order = matrix.cluster_rows(&threads);
/// let factors: [f32; 256] = std::array::from_fn(|byte| byte as f32);
/// let groups = RowGroups::new(CsrRows::new(&matrix, &order), &factors, 1, &threads);
///
/// let mut sums = [0.0; 3];
/// groups.weighted_sums(&factors, &[10.0, 0.0, 0.0, 100.0], &[0.5], &mut sums, &threads);
/// let of_row = [200.5, 30.5, 100.5];
/// assert_eq!(sums, [0, 1, 2].map(|place| of_row[order[place] as usize]));
///
/// let mut gradient = [0.0; 4];
/// groups.transposed_product(&factors, &[1.0; 3], &mut gradient, WriteMode::Overwrite, &threads);
/// assert_eq!(gradient, [3.0, 0.0, 0.0, 3.0]);
/// ```
#[derive(Clone, Debug)]
pub struct RowGroups {
    n_rows: usize,
    n_columns: usize,
    arrangement: Arrangement,
}

/// Minimum number of error values per parallel task.
const MIN_CHUNK: usize = 1 << 13;

#[derive(Clone, Debug)]
enum Arrangement {
    /// Groups of four rows, for dense matrices of any width.
    Fours(CompressedRows),
    /// Groups of one row per lane of a vector, for narrow dense matrices.
    Lanes {
        /// The value that a byte of 1 represents.
        unit: f64,
        /// One index list of columns per group.
        of_groups: CompressedRows,
        /// One index list of groups per column.
        of_columns: CompressedRows,
        /// Ranges of columns of about equal work, one per parallel task.
        ranges: Vec<Range<usize>>,
    },
}

impl RowGroups {
    /// Groups rows for products with dense matrices of `width` columns. A byte b
    /// represents the value `factors[b]`.
    ///
    /// # Panics
    /// Panics if a row index is out of bounds.
    pub fn new<S: Scalar>(
        rows: CsrRows<'_>,
        factors: &[S; 256],
        width: usize,
        threads: &Threads,
    ) -> Self {
        let has_lanes = (1..=MAX_LANE_WIDTH).contains(&width) && rows.len() <= CscBuffer::MAX_ROWS;
        let unit = unit_of(factors).filter(|_| has_lanes);
        let arrangement = match unit {
            Some(unit) => {
                let lanes = lanes_of::<S>(InstructionSet::current());
                let of_groups = rows.matrix.rows.grouped(rows.rows, lanes, 1);
                // Several tasks per thread: the cost of a column is not only its elements.
                let n_tasks = MAX_TASKS.min(4 * threads.count());
                Arrangement::Lanes {
                    unit,
                    of_columns: columns_of(&of_groups),
                    ranges: ranges_of_equal_work(&of_groups, 0..of_groups.n_indices(), n_tasks),
                    of_groups,
                }
            }
            None => {
                // The transposed product is split into tasks by segment.
                let n_segments = MAX_TASKS.min(2 * threads.count());
                Arrangement::Fours(rows.matrix.rows.grouped(rows.rows, GROUP, n_segments))
            }
        };
        Self {
            n_rows: rows.len(),
            n_columns: rows.matrix.n_columns(),
            arrangement,
        }
    }

    /// Number of rows in all groups.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Multiplies the rows X by a dense matrix and adds a bias:
    /// `out ← bias + X·matrix`.
    ///
    /// # Shapes
    /// `matrix [n_columns, width]`, `bias [width]`, `out [n_rows, width]`.
    ///
    /// # Panics
    /// Panics if the shapes do not match, or the width is not the one given to
    /// [`new`](Self::new).
    pub fn weighted_sums<S: Scalar>(
        &self,
        factors: &[S; 256],
        matrix: &[S],
        bias: &[S],
        out: &mut [S],
        threads: &Threads,
    ) {
        let (set, width) = (InstructionSet::current(), bias.len());
        assert!(
            matrix.len() == self.n_columns * width && out.len() == self.n_rows * width,
            "the shapes do not match {} rows of {} columns",
            self.n_rows,
            self.n_columns
        );
        if out.is_empty() {
            return;
        }
        let group = match &self.arrangement {
            Arrangement::Fours(_) => GROUP,
            Arrangement::Lanes { of_groups, .. } => of_groups.group(),
        };
        let unit = width * group;
        threads.for_each_chunk(out, unit, 2 * unit, |start, out| {
            let first = start / unit;
            match &self.arrangement {
                Arrangement::Fours(lists) => {
                    let shape = [out.len() / width, width];
                    let sums = SparseSums {
                        lists,
                        chosen: None,
                        first_list: first,
                        factors,
                        matrix: Matrix::new(matrix, [self.n_columns, width]),
                        bias: Some(bias),
                        out: MatrixMut::new(out, shape),
                    };
                    S::sparse_sums(set, sums);
                }
                Arrangement::Lanes {
                    unit, of_groups, ..
                } => {
                    let sums = LaneSums {
                        lists: of_groups,
                        first_group: first,
                        unit: S::from_f64(*unit),
                        matrix,
                        bias,
                        out,
                    };
                    S::lane_sums(set, sums);
                }
            }
        });
    }

    /// Multiplies the transposed rows X by a dense matrix: `out ← Xᵀ·error`, or
    /// `out ← out + Xᵀ·error`.
    ///
    /// # Shapes
    /// `error [n_rows, width]`, `out [n_columns, width]`.
    ///
    /// # Panics
    /// Panics under the same conditions as [`weighted_sums`](Self::weighted_sums).
    pub fn transposed_product<S: Scalar>(
        &self,
        factors: &[S; 256],
        error: &[S],
        out: &mut [S],
        mode: WriteMode,
        threads: &Threads,
    ) {
        let set = InstructionSet::current();
        let width = error.len() / self.n_rows.max(1);
        assert!(
            error.len() == self.n_rows * width && out.len() == self.n_columns * width,
            "the shapes do not match the transpose of {} rows of {} columns",
            self.n_rows,
            self.n_columns
        );
        if out.is_empty() {
            return;
        }
        match &self.arrangement {
            Arrangement::Fours(lists) => {
                let segment = lists.segment_len() * width;
                threads.for_each_chunk(out, segment, segment, |start, out| {
                    for (number, out) in (start / segment..).zip(out.chunks_mut(segment)) {
                        mode.prepare(out);
                        let shape = [out.len() / width, width];
                        let outers = GroupOuters {
                            lists,
                            segment: number,
                            factors,
                            error: Matrix::new(error, [self.n_rows, width]),
                            out: MatrixMut::new(out, shape),
                        };
                        S::add_group_outers(set, outers);
                    }
                });
            }
            Arrangement::Lanes {
                unit,
                of_columns,
                ranges,
                ..
            } => {
                let unit = S::from_f64(*unit);
                with_errors_as_lanes(of_columns, width, error, threads, |groups| {
                    let ranges = ranges
                        .iter()
                        .map(|columns| (columns.len(), columns.clone()));
                    for_each_with_rows(ranges, width, out, threads, |columns, out| {
                        mode.prepare(out);
                        let outers = LaneOuters {
                            lists: of_columns,
                            columns,
                            unit,
                            width,
                            groups,
                            out,
                        };
                        S::add_lane_outers(set, outers);
                    });
                });
            }
        }
    }
}

/// The columns of grouped rows, with the same groups.
fn columns_of(of_groups: &CompressedRows) -> CompressedRows {
    let mut columns = CompressedRows::with_capacity(0, 0, 0);
    let all = 0..of_groups.n_indices();
    let groups = (0..of_groups.len()).map(|group| group as u32);
    columns.transpose(of_groups, groups, &all, GROUPS_IN_CACHE);
    columns
}

/// The value that a byte of 1 represents, if every byte b represents b times that
/// value, within rounding.
fn unit_of<S: Scalar>(factors: &[S; 256]) -> Option<f64> {
    let unit = factors[255].into_f64() / 255.0;
    let is_multiple = |(byte, factor): (usize, &S)| {
        let expected = byte as f64 * unit;
        (factor.into_f64() - expected).abs() <= expected.abs() * S::epsilon().into_f64()
    };
    factors.iter().enumerate().all(is_multiple).then_some(unit)
}

/// Calls `work` with the errors rearranged into vectors with one row per lane.
fn with_errors_as_lanes<S: Scalar>(
    of_columns: &CompressedRows,
    width: usize,
    errors: &[S],
    threads: &Threads,
    work: impl FnOnce(&[S]),
) {
    let lanes = of_columns.group();
    let group_len = errors_len(lanes, width);
    let mut scratch = Scratch::borrow();
    let groups = scratch.take(of_columns.n_indices() * group_len);
    threads.for_each_chunk(groups, group_len, MIN_CHUNK, |start, groups| {
        let errors = &errors[start / group_len * lanes * width..];
        let n_errors = groups.len() / group_len * lanes * width;
        let errors = &errors[..n_errors.min(errors.len())];
        native::errors_as_lanes(lanes, width, errors, groups);
    });
    work(groups);
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::super::CsrBytes;
    use super::super::tests::bytes;
    use super::*;
    use crate::random::{Purpose, Streams};

    /// `[rows, columns of X, columns of M]`
    const SHAPES: [[usize; 3]; 12] = [
        [1, 1, 1],
        [1, 9, 10],
        [7, 300, 12],
        [63, 50, 13],
        [64, 784, 10],
        [65, 33, 3],
        [130, 784, 9],
        [2100, 40, 10],
        [300, 120, 100],
        [129, 801, 64],
        [66, 70, 17],
        [5, 600, 200],
    ];

    fn random<S: Scalar>(n: usize, purpose: u64) -> Vec<S> {
        let mut stream = Streams::new(9).stream(Purpose::Test, purpose);
        (0..n)
            .map(|_| S::from_f64(stream.uniform_in(-1.0, 1.0)))
            .collect()
    }

    /// Both products by their definitions, in `f64`.
    struct Expected {
        sums: Vec<f64>,
        gradient: Vec<f64>,
    }

    fn expected<S: Scalar>(
        rows: &Array2<f64>,
        [matrix, bias, error]: [&[S]; 3],
        width: usize,
    ) -> Expected {
        let (n_rows, n_columns) = rows.dim();
        let mut sums = vec![0.0; n_rows * width];
        let mut gradient = vec![0.0; n_columns * width];
        for ((row, column), x) in rows.indexed_iter() {
            for j in 0..width {
                sums[row * width + j] += x * matrix[column * width + j].into_f64();
                gradient[column * width + j] += x * error[row * width + j].into_f64();
            }
        }
        for sums in sums.chunks_mut(width) {
            for (sum, bias) in sums.iter_mut().zip(bias) {
                *sum += bias.into_f64();
            }
        }
        Expected { sums, gradient }
    }

    fn assert_close<S: Scalar>(found: &[S], expected: &[f64], tolerance: f64) {
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found.into_f64() - expected).abs() < tolerance,
                "{found} is not {expected}"
            );
        }
    }

    fn check<S: Scalar>(factors: &[S; 256], tolerance: f64) {
        for [n_rows, n_columns, width] in SHAPES {
            let dense = bytes(n_rows, n_columns);
            let order: Vec<u32> = (0..n_rows as u32).rev().collect();
            let Some(matrix) = CsrBytes::from_rows(dense.view(), &order) else {
                continue;
            };
            let rows = CsrRows::new(&matrix, &order);
            let values = Array2::from_shape_fn((n_rows, n_columns), |(row, column)| {
                factors[usize::from(dense[(row, column)])].into_f64()
            });
            let weights = random(n_columns * width, 0);
            let (bias, error) = (random(width, 1), random(n_rows * width, 2));
            let expected = expected(&values, [&weights, &bias, &error], width);
            let run = |count| {
                let threads = Threads::new(count);
                let groups = RowGroups::new(rows, factors, width, &threads);
                let mut sums = vec![S::from_f64(7.0); n_rows * width];
                groups.weighted_sums(factors, &weights, &bias, &mut sums, &threads);
                let mut gradient = vec![S::from_f64(7.0); n_columns * width];
                let mode = WriteMode::Overwrite;
                groups.transposed_product(factors, &error, &mut gradient, mode, &threads);
                (sums, gradient)
            };
            let (sums, gradient) = run(1);
            let threads = Threads::single();
            let groups = RowGroups::new(rows, factors, width, &threads);
            if let Arrangement::Fours(_) = groups.arrangement {
                let mut alone = bias.repeat(n_rows);
                rows.add_product(factors, &weights, &mut alone, &threads);
                assert_eq!(sums, alone, "a sum in a group is the sum alone");
                let mut alone = vec![S::zero(); n_columns * width];
                let mut columns = CscBuffer::for_rows(rows, &threads);
                let mode = WriteMode::Overwrite;
                columns.transposed_product(rows, factors, &error, &mut alone, mode, &threads);
                assert_eq!(gradient, alone, "a sum in a group is the sum alone");
            }
            assert_close(&sums, &expected.sums, tolerance);
            assert_close(&gradient, &expected.gradient, tolerance);
            for count in [2, 5] {
                assert_eq!(run(count), (sums.clone(), gradient.clone()), "bits");
            }
        }
    }

    #[test]
    fn products_are_their_definitions_for_any_number_of_threads() {
        check::<f64>(&std::array::from_fn(|byte| byte as f64 / 255.0), 1e-11);
        check::<f32>(&std::array::from_fn(|byte| byte as f32 / 255.0), 1e-3);
    }

    #[test]
    fn bytes_may_represent_any_values() {
        check::<f64>(
            &std::array::from_fn(|byte| (byte as f64).sqrt() / 16.0),
            1e-11,
        );
        check::<f32>(
            &std::array::from_fn(|byte| (byte as f32).sqrt() / 16.0),
            1e-3,
        );
    }

    #[test]
    fn pixels_are_multiples_of_a_unit() {
        let pixels: [f32; 256] = std::array::from_fn(|byte| byte as f32 / 255.0);
        assert_eq!(unit_of(&pixels), Some(1.0 / 255.0));
        let mut others = pixels;
        others[7] *= 1.000_001;
        assert_eq!(unit_of(&others), None);
    }
}
