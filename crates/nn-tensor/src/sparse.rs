//! Sparse matrices of bytes in compressed sparse row (CSR) form, and their products
//! with dense matrices.
//!
//! Four of five pixels of a handwritten digit are 0 and contribute nothing to a
//! product. Skipping them is exact and saves four fifths of the work of the first
//! layer, which dominates the cost of a small network.
//!
//! ```text
//! Z  ← Z  + X·W       row r:  z_r ← z_r + Σ x_rk·w_k      over k with x_rk ≠ 0
//! ΔW ← ΔW + Xᵀ·δ      row k:  Δw_k ← Δw_k + Σ x_rk·δ_r    over r with x_rk ≠ 0
//! ```
//!
//! Both products are weighted sums of rows of a dense matrix. The second product needs
//! the elements of the batch in column order: compressed sparse columns
//! ([`CscBuffer`]).
//!
//! A byte b represents the value `factors[b]`, so scaling costs nothing.
//!
//! Rows that are multiplied together many times can be grouped once
//! ([`RowGroups`]), which is most effective after clustering similar rows
//! ([`CsrBytes::cluster_rows`]).

mod clustering;
mod row_groups;

use std::ops::Range;

use crate::native::{
    CompressedRows, InstructionSet, MAX_SEGMENT, Matrix, MatrixMut, SparseOuter, SparseSums,
};
use crate::{Scalar, Threads};

pub use row_groups::RowGroups;

/// Maximum density (fraction of nonzero elements) at which sparse products pay.
const MAX_DENSITY: f64 = 0.4;

/// Number of rows sampled to estimate the density of a matrix.
const SAMPLED_ROWS: usize = 1000;

/// Minimum number of rows per parallel task.
const MIN_TASK_ROWS: usize = 8;

/// The number of columns per parallel task is a multiple of this.
const BLOCK_COLUMNS: usize = 64;

/// Maximum number of parallel tasks.
const MAX_TASKS: usize = 16;

/// Maximum number of rows of a batch that is not transposed: outer products are
/// faster.
const MAX_OUTER_ROWS: usize = 2;

/// A sparse matrix of bytes in compressed sparse row (CSR) form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsrBytes {
    rows: CompressedRows,
}

/// A selection of rows of a sparse matrix, in a given order.
#[derive(Clone, Copy, Debug)]
pub struct CsrRows<'a> {
    matrix: &'a CsrBytes,
    rows: &'a [u32],
}

impl CsrBytes {
    /// Estimates the fraction of nonzero elements in the given rows of a dense matrix
    /// from a sample.
    ///
    /// `None` if the matrix is too dense or too wide for [`from_rows`](Self::from_rows).
    ///
    /// # Panics
    /// Panics if a row index is out of bounds or a row is not contiguous.
    pub fn density<'v>(values: impl Into<Matrix<'v, u8>>, rows: &[u32]) -> Option<f64> {
        let values: Matrix<'v, u8> = values.into();
        let step = rows.len().div_ceil(SAMPLED_ROWS).max(1);
        let sample = rows.iter().step_by(step);
        let n_sampled = sample.len() * values.shape()[1];
        let n_values: usize = sample.map(|row| count_nonzero(values, *row)).sum();
        let density = n_values as f64 / n_sampled.max(1) as f64;
        (density <= MAX_DENSITY && CompressedRows::can_count(values.shape()[1])).then_some(density)
    }

    /// Converts the given rows of a dense matrix to CSR form.
    ///
    /// `None` if the rows are too dense for sparse products to be faster, or if
    /// column indices do not fit in 16 bits.
    ///
    /// # Panics
    /// Panics if a row index is out of bounds or a row is not contiguous.
    pub fn from_rows<'v>(values: impl Into<Matrix<'v, u8>>, rows: &[u32]) -> Option<Self> {
        let values: Matrix<'v, u8> = values.into();
        Self::density(values, rows)?;
        let n_values = rows.iter().map(|&row| count_nonzero(values, row)).sum();
        let rows = CompressedRows::of_rows(
            rows.iter().map(|&row| row_of(values, row)),
            values.shape()[1],
            n_values,
        )?;
        Some(Self { rows })
    }

    /// Replaces all rows with the rows of a dense matrix of the same width, reusing
    /// the buffers.
    ///
    /// # Panics
    /// Panics if the length of `values` is not a multiple of the number of columns.
    pub fn refill(&mut self, values: &[u8]) {
        self.rows.refill(values);
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.rows.n_indices()
    }

    /// Splits the columns into `n_parts` ranges with about the same number of nonzero
    /// elements. Range k is `bounds[k]..bounds[k + 1]`, and may be empty.
    pub fn column_bounds(&self, n_parts: usize) -> Vec<usize> {
        let ranges = ranges_of_equal_work(&self.rows, 0..self.n_columns(), n_parts);
        let ends = ranges.iter().map(|range| range.end);
        let mut bounds: Vec<usize> = std::iter::once(0).chain(ends).collect();
        bounds.resize(n_parts + 1, self.n_columns());
        bounds
    }
}

/// Number of nonzero elements in a row.
fn count_nonzero(values: Matrix<'_, u8>, row: u32) -> usize {
    row_of(values, row)
        .iter()
        .filter(|&&value| value != 0)
        .count()
}

fn row_of(values: Matrix<'_, u8>, row: u32) -> &[u8] {
    values.row(row as usize).expect("rows are contiguous")
}

/// Splits `columns` into up to `n_ranges` ranges with about the same number of nonzero
/// elements.
fn ranges_of_equal_work(
    lists: &CompressedRows,
    columns: Range<usize>,
    n_ranges: usize,
) -> Vec<Range<usize>> {
    let mut counts = vec![1_usize; lists.n_indices()];
    for &index in lists.indices() {
        counts[usize::from(index)] += 1;
    }
    let counts = &counts[columns.clone()];
    let total: usize = counts.iter().sum();
    let mut ranges = Vec::with_capacity(n_ranges);
    let (mut start, mut seen) = (columns.start, 0);
    for (column, count) in columns.zip(counts) {
        seen += count;
        if seen * n_ranges >= total * (ranges.len() + 1) {
            ranges.push(start..column + 1);
            start = column + 1;
        }
    }
    ranges
}

impl<'a> CsrRows<'a> {
    /// Selects the rows `rows` of `matrix`.
    pub fn new(matrix: &'a CsrBytes, rows: &'a [u32]) -> Self {
        Self { matrix, rows }
    }

    /// Number of selected rows.
    pub fn len(self) -> usize {
        self.rows.len()
    }

    /// Selects a range of the selected rows.
    ///
    /// # Panics
    /// Panics if the range is out of bounds.
    #[must_use]
    pub fn part(self, rows: Range<usize>) -> Self {
        let Self { matrix, rows: all } = self;
        Self {
            matrix,
            rows: &all[rows],
        }
    }

    /// Returns `true` if no rows are selected.
    pub fn is_empty(self) -> bool {
        self.rows.is_empty()
    }

    /// Adds the product of the selected rows X and a dense matrix:
    /// `out ← out + X·matrix`.
    ///
    /// # Shapes
    /// X `[n_rows, n_columns]`, `matrix [n_columns, width]`, `out [n_rows, width]`.
    ///
    /// # Panics
    /// Panics if the shapes do not match or a row index is out of bounds.
    pub fn add_product<S: Scalar>(
        self,
        factors: &[S; 256],
        matrix: &[S],
        out: &mut [S],
        threads: &Threads,
    ) {
        let n_rows = self.rows.len();
        if n_rows == 0 {
            return;
        }
        assert!(
            out.len().is_multiple_of(n_rows),
            "out does not have {n_rows} rows"
        );
        let width = out.len() / n_rows;
        assert_eq!(
            matrix.len(),
            self.matrix.n_columns() * width,
            "the shape of the matrix does not match"
        );
        if out.is_empty() {
            return;
        }
        let matrix = Matrix::new(matrix, [self.matrix.n_columns(), width]);
        let set = InstructionSet::current();
        let lists = &self.matrix.rows;
        if width >= 2 * BLOCK_COLUMNS || threads.count() == 1 || n_rows < MIN_TASK_ROWS {
            let out = MatrixMut::new(out, [n_rows, width]);
            return for_each_column_block(matrix, out, threads, |matrix, out| {
                add_sums(set, lists, Some(self.rows), factors, matrix, out);
            });
        }
        threads.for_each_chunk(out, width, MIN_TASK_ROWS * width, |start, out| {
            let n_rows = out.len() / width;
            let rows = &self.rows[start / width..][..n_rows];
            let out = MatrixMut::new(out, [n_rows, width]);
            add_sums(set, lists, Some(rows), factors, matrix, out);
        });
    }

    /// Prefetches the first rows into the cache.
    pub fn prefetch(self) {
        const N_ROWS: usize = 4;
        for &row in self.rows.iter().take(N_ROWS) {
            self.matrix.rows.prefetch(row);
        }
    }
}

/// Adds `X·matrix`, with the `chosen` lists or all lists as rows of X.
fn add_sums<S: Scalar>(
    set: InstructionSet,
    lists: &CompressedRows,
    chosen: Option<&[u32]>,
    factors: &[S; 256],
    matrix: Matrix<'_, S>,
    out: MatrixMut<'_, S>,
) {
    let sums = SparseSums {
        lists,
        chosen,
        first_list: 0,
        factors,
        matrix,
        bias: None,
        out,
    };
    S::sparse_sums(set, sums);
}

/// Runs a product `out ← out + X·matrix` in parallel, split by columns.
fn for_each_column_block<S: Scalar>(
    matrix: Matrix<'_, S>,
    out: MatrixMut<'_, S>,
    threads: &Threads,
    multiply: impl Fn(Matrix<'_, S>, MatrixMut<'_, S>) + Sync,
) {
    let [_, width] = out.shape();
    let len = BLOCK_COLUMNS * width.div_ceil(BLOCK_COLUMNS * MAX_TASKS);
    let starts = (0..width).step_by(len);
    let mut blocks: [Option<(Matrix<'_, S>, MatrixMut<'_, S>)>; MAX_TASKS] = Default::default();
    let n_blocks = starts.len();
    let mut rest = out;
    for (block, start) in blocks.iter_mut().zip(starts) {
        let columns = start..width.min(start + len);
        let [out, others] = rest.split_at_column(columns.len());
        *block = Some((matrix.columns(columns), out));
        rest = others;
    }
    threads.for_each(&mut blocks[..n_blocks], |_, block| {
        let (matrix, out) = block.take().expect("each block is computed once");
        multiply(matrix, out);
    });
}

/// The operation that writes a product to its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// Overwrites the output: `out ← product`.
    Overwrite,
    /// Adds to the output: `out ← out + product`.
    Accumulate,
}

impl WriteMode {
    /// Sets `out` to 0 in mode [`Overwrite`](Self::Overwrite), before a product is
    /// added to it.
    pub fn prepare<S: Scalar>(self, out: &mut [S]) {
        if self == Self::Overwrite {
            out.fill(S::zero());
        }
    }
}

/// A reusable buffer for the compressed sparse columns (CSC) of a batch of rows, to
/// multiply by the transposed batch.
#[derive(Clone, Debug)]
pub struct CscBuffer {
    parts: Vec<CscPart>,
    /// Whether the buffer is for some of the columns only.
    is_partial: bool,
}

/// The compressed columns of a range of columns.
#[derive(Clone, Debug)]
struct CscPart {
    columns: Range<usize>,
    /// One list per column, with the positions of rows in the batch as indices.
    lists: CompressedRows,
}

impl CscBuffer {
    /// Maximum number of rows in a batch.
    pub const MAX_ROWS: usize = 1 << 16;

    /// Creates an empty buffer with room for batches of up to `max_rows` distinct rows of
    /// `matrix`. Larger batches allocate memory.
    pub fn new(matrix: &CsrBytes, max_rows: usize, threads: &Threads) -> Self {
        Self::for_columns(matrix, 0..matrix.n_columns(), max_rows, threads)
    }

    /// Creates an empty buffer as [`new`](Self::new), to multiply only the given `columns`
    /// of the batch.
    ///
    /// # Panics
    /// Panics if the range is out of bounds.
    pub fn for_columns(
        matrix: &CsrBytes,
        columns: Range<usize>,
        max_rows: usize,
        threads: &Threads,
    ) -> Self {
        let is_partial = columns.len() < matrix.n_columns();
        let n_tasks = threads.count().min(MAX_TASKS);
        let ranges = ranges_of_equal_work(&matrix.rows, columns, n_tasks);
        let longest = matrix.rows.longest();
        let part = |columns: Range<usize>| CscPart {
            lists: CompressedRows::with_capacity(columns.len(), max_rows, longest),
            columns,
        };
        Self {
            parts: ranges.into_iter().map(part).collect(),
            is_partial,
        }
    }

    /// Creates an empty buffer with room for `rows`.
    pub fn for_rows(rows: CsrRows<'_>, threads: &Threads) -> Self {
        Self::new(rows.matrix, rows.len(), threads)
    }

    /// Multiplies the transposed batch X by a dense matrix: `out ← Xᵀ·error`, or
    /// `out ← out + Xᵀ·error`.
    ///
    /// # Shapes
    /// X `[n_rows, n_columns]`, `error [n_rows, width]`, `out [n_columns, width]`; with
    /// [`for_columns`](Self::for_columns), `out` has a row for each of these columns.
    ///
    /// # Panics
    /// Panics if the shapes do not match, there are more than
    /// [`MAX_ROWS`](Self::MAX_ROWS) rows, or a row index is out of bounds.
    pub fn transposed_product<S: Scalar>(
        &mut self,
        rows: CsrRows<'_>,
        factors: &[S; 256],
        error: &[S],
        out: &mut [S],
        mode: WriteMode,
        threads: &Threads,
    ) {
        if rows.rows.len() <= MAX_OUTER_ROWS && !self.is_partial {
            return outer_products(rows, factors, error, out, mode);
        }
        self.for_each_part(out, threads, |part, out| {
            part.fill(rows);
            part.product(factors, error, out, mode);
        });
    }

    /// Calls `work` in parallel with each range of columns and its rows of `out`.
    fn for_each_part<S: Scalar>(
        &mut self,
        out: &mut [S],
        threads: &Threads,
        work: impl Fn(&mut CscPart, &mut [S]) + Sync,
    ) {
        let n_columns = self
            .parts
            .iter()
            .map(|part| part.columns.len())
            .sum::<usize>();
        assert!(
            out.len().is_multiple_of(n_columns.max(1)),
            "out does not have {n_columns} rows"
        );
        let width = out.len() / n_columns.max(1);
        let parts = self.parts.iter_mut();
        let parts = parts.map(|part| (part.columns.len(), part));
        for_each_with_rows(parts, width, out, threads, work);
    }
}

/// Calls `work` in parallel with every part and its rows of `out`, one row for each
/// of its columns.
fn for_each_with_rows<P: Send, S: Scalar>(
    parts: impl Iterator<Item = (usize, P)>,
    width: usize,
    out: &mut [S],
    threads: &Threads,
    work: impl Fn(P, &mut [S]) + Sync,
) {
    let mut slots: [Option<(P, &mut [S])>; MAX_TASKS] = Default::default();
    let mut n_parts = 0;
    let mut rest = out;
    for (slot, (n_columns, part)) in slots.iter_mut().zip(parts) {
        let (own, others) = rest.split_at_mut(n_columns * width);
        *slot = Some((part, own));
        rest = others;
        n_parts += 1;
    }
    threads.for_each(&mut slots[..n_parts], |_, slot| {
        let (part, out) = slot.take().expect("each part is computed once");
        work(part, out);
    });
}

/// Computes `Xᵀ·error` as a sum of outer products, one per row of X.
fn outer_products<S: Scalar>(
    rows: CsrRows<'_>,
    factors: &[S; 256],
    error: &[S],
    out: &mut [S],
    mode: WriteMode,
) {
    mode.prepare(out);
    let set = InstructionSet::current();
    let width = error.len() / rows.rows.len().max(1);
    for (&row, error) in rows.rows.iter().zip(error.chunks_exact(width.max(1))) {
        let outer = SparseOuter {
            lists: &rows.matrix.rows,
            list: row,
            factors,
            row: error,
            out,
        };
        S::add_sparse_outer(set, outer);
    }
}

impl CscPart {
    fn fill(&mut self, rows: CsrRows<'_>) {
        let chosen = rows.rows.iter().copied();
        self.lists
            .transpose(&rows.matrix.rows, chosen, &self.columns, MAX_SEGMENT);
    }

    /// Computes the rows of `out`: row k is the weighted sum of the errors of all rows
    /// with a nonzero element in column k.
    fn product<S: Scalar>(&self, factors: &[S; 256], error: &[S], out: &mut [S], mode: WriteMode) {
        // In this thread, so that this part of the output is in its cache.
        mode.prepare(out);
        let width = out.len() / self.columns.len().max(1);
        let error = Matrix::new(error, [error.len() / width.max(1), width]);
        let out = MatrixMut::new(out, [self.columns.len(), width]);
        let set = InstructionSet::current();
        add_sums(set, &self.lists, None, factors, error, out);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::native::Products;
    use crate::random::{Purpose, Streams};
    use crate::{matmul, matmul_add};

    pub(super) fn bytes(n_rows: usize, n_columns: usize) -> Array2<u8> {
        let mut stream = Streams::new(5).stream(Purpose::Test, 0);
        Array2::from_shape_simple_fn((n_rows, n_columns), || {
            if stream.below(5) == 0 {
                stream.below(256) as u8
            } else {
                0
            }
        })
    }

    fn random(n_rows: usize, n_columns: usize) -> Array2<f64> {
        let mut stream = Streams::new(6).stream(Purpose::Test, 0);
        Array2::from_shape_simple_fn((n_rows, n_columns), || stream.uniform_in(-1.0, 1.0))
    }

    fn from_dense(dense: &Array2<u8>) -> Option<CsrBytes> {
        let rows: Vec<u32> = (0..dense.nrows() as u32).collect();
        CsrBytes::from_rows(dense.view(), &rows)
    }

    fn factors<S: Scalar>() -> [S; 256] {
        std::array::from_fn(|byte| S::from_f64(byte as f64 / 255.0))
    }

    fn assert_close<S: Scalar>(found: &[S], expected: &Array2<f64>, tolerance: f64) {
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found.into_f64() - expected).abs() < tolerance,
                "{found} is not {expected}"
            );
        }
    }

    const SHAPES: [[usize; 3]; 11] = [
        [129, 301, 16],
        [66, 70, 17],
        [130, 784, 10],
        [300, 120, 100],
        [1, 9, 1],
        [2, 784, 64],
        [7, 100, 10],
        [63, 50, 65],
        [64, 784, 128],
        [65, 33, 200],
        [9, 1, 31],
    ];

    fn check<S: Scalar>(tolerance: f64) {
        for [n_rows, n_columns, width] in SHAPES {
            let dense = bytes(n_rows + 3, n_columns);
            let Some(sparse) = from_dense(&dense) else {
                continue;
            };
            let order: Vec<u32> = (0..n_rows as u32).rev().map(|row| row + 2).collect();
            let rows = CsrRows::new(&sparse, &order);
            let chosen = Array2::from_shape_fn((n_rows, n_columns), |(row, column)| {
                f64::from(dense[(order[row] as usize, column)]) / 255.0
            });
            let cast =
                |matrix: &Array2<f64>| matrix.iter().map(|&x| S::from_f64(x)).collect::<Vec<S>>();

            let (weights, mut expected) = (random(n_columns, width), random(n_rows, width));
            let mut out = cast(&expected);
            matmul_add(
                chosen.view(),
                weights.view(),
                expected.view_mut(),
                &Threads::single(),
            );
            rows.add_product(&factors(), &cast(&weights), &mut out, &Threads::single());
            assert_close(&out, &expected, tolerance);

            let error = random(n_rows, width);
            let mut expected = Array2::zeros((n_columns, width));
            matmul(
                chosen.t(),
                error.view(),
                expected.view_mut(),
                &Threads::single(),
            );
            for count in [1, 2, 3] {
                let threads = Threads::new(count);
                let mut transposed = CscBuffer::new(&sparse, order.len(), &threads);
                for _ in 0..2 {
                    let mut out = vec![S::zero(); n_columns * width];
                    transposed.transposed_product(
                        rows,
                        &factors(),
                        &cast(&error),
                        &mut out,
                        WriteMode::Accumulate,
                        &threads,
                    );
                    assert_close(&out, &expected, tolerance);
                }
            }
        }
    }

    #[test]
    fn products_are_those_of_the_dense_matrix() {
        check::<f64>(1e-12);
        check::<f32>(1e-4);
    }

    #[test]
    fn every_instruction_set_agrees() {
        let (dense, weights) = (bytes(1, 300), random(300, 77));
        let sparse = from_dense(&dense).expect("it is sparse");
        let mut results = InstructionSet::available().map(|set| {
            let mut out = Array2::from_elem((1, 77), 0.5);
            let lists = &sparse.rows;
            let (matrix, out_row) = (weights.view().into(), out.view_mut().into());
            add_sums(set, lists, Some(&[0]), &factors(), matrix, out_row);
            let out = out.into_raw_vec_and_offset().0;
            let mut outer = vec![0.25; 300 * 77];
            let program = SparseOuter {
                lists,
                list: 0,
                factors: &factors(),
                row: &out,
                out: &mut outer,
            };
            f64::add_sparse_outer(set, program);
            (out, outer)
        });
        let first = results.next().expect("there is one");
        for other in results {
            assert!(
                first
                    .0
                    .iter()
                    .zip(other.0)
                    .all(|(a, b)| (a - b).abs() < 1e-12)
            );
            assert!(
                first
                    .1
                    .iter()
                    .zip(other.1)
                    .all(|(a, b)| (a - b).abs() < 1e-12)
            );
        }
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let (dense, weights) = (bytes(200, 784), random(784, 70));
        let sparse = from_dense(&dense).expect("it is sparse");
        let order: Vec<u32> = (0..200).collect();
        let rows = CsrRows::new(&sparse, &order);
        let weights = weights.as_slice().expect("a new array is contiguous");
        let run = |count| {
            let threads = Threads::new(count);
            let mut out = vec![0.0; 200 * 70];
            rows.add_product(&factors(), weights, &mut out, &threads);
            let mut gradient = vec![0.0; 784 * 70];
            CscBuffer::new(&sparse, order.len(), &threads).transposed_product(
                rows,
                &factors(),
                &out,
                &mut gradient,
                WriteMode::Overwrite,
                &threads,
            );
            (out, gradient)
        };
        assert_eq!(run(1), run(2));
        assert_eq!(run(1), run(7));
    }

    #[test]
    fn columns_have_the_bits_of_the_whole_product() {
        let sparse = from_dense(&bytes(70, 301)).expect("it is sparse");
        for n_rows in [1, 2, 3, 9, 64] {
            let order: Vec<u32> = (0..n_rows).rev().collect();
            let rows = CsrRows::new(&sparse, &order);
            let error = random(n_rows as usize, 17).into_raw_vec_and_offset().0;
            let threads = Threads::new(2);
            let product = |columns: Range<usize>| {
                let mut buffer = CscBuffer::for_columns(&sparse, columns.clone(), 64, &threads);
                let mut out = vec![0.5; columns.len() * 17];
                let mode = WriteMode::Accumulate;
                buffer.transposed_product(rows, &factors(), &error, &mut out, mode, &threads);
                out
            };
            let whole = product(0..301);
            for n_parts in [1, 2, 3, 8] {
                let bounds = sparse.column_bounds(n_parts);
                assert_eq!(bounds.len(), n_parts + 1);
                let parts = bounds.windows(2).map(|part| product(part[0]..part[1]));
                assert_eq!(parts.collect::<Vec<_>>().concat(), whole);
            }
            assert!(product(5..5).is_empty());
        }
    }

    #[test]
    fn a_part_of_the_rows_has_their_products() {
        let sparse = from_dense(&bytes(9, 50)).expect("it is sparse");
        let order = [8, 3, 5, 0];
        let rows = CsrRows::new(&sparse, &order);
        let weights = random(50, 6).into_raw_vec_and_offset().0;
        let product = |rows: CsrRows<'_>| {
            let mut out = vec![0.0; rows.len() * 6];
            rows.add_product(&factors(), &weights, &mut out, &Threads::single());
            out
        };
        assert_eq!(product(rows.part(1..3)), product(rows)[6..18]);
    }

    #[test]
    fn a_refilled_matrix_equals_a_new_one() {
        let (old, new) = (bytes(9, 300), bytes(5, 300));
        let mut sparse = from_dense(&old).expect("it is sparse");
        sparse.refill(new.as_slice().expect("a new array is contiguous"));
        assert_eq!(Some(sparse), from_dense(&new));
    }

    #[test]
    fn dense_matrices_are_rejected() {
        assert_eq!(from_dense(&Array2::ones((3, 4))), None);
    }
}
