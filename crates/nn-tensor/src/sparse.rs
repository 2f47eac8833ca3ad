//! Matrices of bytes most of which are 0, and their products.
//!
//! Four of five pixels of a handwritten digit are paper: a product with them
//! adds nothing. Leaving them out is exact, and the first layer, whose products
//! are most of the work of a small network, has a fifth of it left.
//!
//! ```text
//! Z  ← Z  + X·W       row r:  z_r ← z_r + Σ x_rk·w_k      over k with x_rk ≠ 0
//! ΔW ← ΔW + Xᵀ·δ      row k:  Δw_k ← Δw_k + Σ x_rk·δ_r    over r with x_rk ≠ 0
//! ```
//!
//! Both are sums of rows of a dense matrix. For the second one, the numbers of
//! a batch are put in the order of their columns first ([`Transposed`]).
//!
//! A byte b stands for the number `factors[b]`, so that scaling costs nothing.
//!
//! Rows that stay together for many products are arranged in groups once
//! ([`RowGroups`]), best in an order in which neighbours are alike
//! ([`SparseBytes::order_alike`]).

mod alike;
mod row_groups;

use std::ops::Range;

use crate::native::{CompressedRows, InstructionSet, Matrix, MatrixMut};
use crate::{Scalar, Threads};

pub use row_groups::RowGroups;

/// Matrices fuller than this are faster as dense ones.
const MAX_DENSITY: f64 = 0.4;

/// Rows that are looked at to tell whether a matrix is sparse.
const SAMPLED_ROWS: usize = 1000;

/// Fewest rows in a piece of work.
const MIN_PIECE_ROWS: usize = 8;

/// Blocks of work have a multiple of so many columns.
const BLOCK_COLUMNS: usize = 64;

/// Most pieces of work.
const MAX_PIECES: usize = 16;

/// Batches of at most so many rows are not worth transposing.
const MAX_OUTER_ROWS: usize = 2;

/// A matrix of bytes without its zeros, row after row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SparseBytes {
    rows: CompressedRows,
}

/// Some rows of a matrix, in a given order.
#[derive(Clone, Copy, Debug)]
pub struct SparseRows<'a> {
    matrix: &'a SparseBytes,
    rows: &'a [u32],
}

impl SparseBytes {
    /// The fraction of some rows of a dense matrix that is not 0, by a sample of
    /// the rows; `None` where [`from_rows`](Self::from_rows) gives nothing.
    ///
    /// # Panics
    /// If a row does not exist or is not contiguous.
    pub fn density<'v>(values: impl Into<Matrix<'v, u8>>, rows: &[u32]) -> Option<f64> {
        let values: Matrix<'v, u8> = values.into();
        let step = rows.len().div_ceil(SAMPLED_ROWS).max(1);
        let sample = rows.iter().step_by(step);
        let n_sampled = sample.len() * values.shape()[1];
        let n_values: usize = sample.map(|row| count_in(values, *row)).sum();
        let density = n_values as f64 / n_sampled.max(1) as f64;
        (density <= MAX_DENSITY && CompressedRows::can_count(values.shape()[1])).then_some(density)
    }

    /// Takes some rows of a dense matrix and leaves the zeros out, if there are
    /// enough of them to make products faster and the columns can be counted in
    /// 16 bits.
    ///
    /// # Panics
    /// If a row does not exist or is not contiguous.
    pub fn from_rows<'v>(values: impl Into<Matrix<'v, u8>>, rows: &[u32]) -> Option<Self> {
        let values: Matrix<'v, u8> = values.into();
        Self::density(values, rows)?;
        let n_values = rows.iter().map(|&row| count_in(values, row)).sum();
        let rows = CompressedRows::of_rows(
            rows.iter().map(|&row| row_of(values, row)),
            values.shape()[1],
            n_values,
        )?;
        Some(Self { rows })
    }

    /// Takes the rows of a dense matrix in place of the old ones, in the buffers
    /// that are there; as many columns as before.
    ///
    /// # Panics
    /// If `values` are not whole rows.
    pub fn refill(&mut self, values: &[u8]) {
        self.rows.refill(values);
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.rows.n_indices()
    }
}

/// How many values of a row are not 0.
fn count_in(values: Matrix<'_, u8>, row: u32) -> usize {
    row_of(values, row)
        .iter()
        .filter(|&&value| value != 0)
        .count()
}

fn row_of(values: Matrix<'_, u8>, row: u32) -> &[u8] {
    values.row(row as usize).expect("rows are contiguous")
}

/// Cuts the indices of some lists into up to `n_ranges` ranges that have about
/// as many entries.
fn ranges_of_equal_work(lists: &CompressedRows, n_ranges: usize) -> Vec<Range<usize>> {
    let mut counts = vec![1_usize; lists.n_indices()];
    for &index in lists.indices() {
        counts[usize::from(index)] += 1;
    }
    let total: usize = counts.iter().sum();
    let mut ranges = Vec::with_capacity(n_ranges);
    let (mut start, mut seen) = (0, 0);
    for (column, count) in counts.iter().enumerate() {
        seen += count;
        if seen * n_ranges >= total * (ranges.len() + 1) {
            ranges.push(start..column + 1);
            start = column + 1;
        }
    }
    ranges
}

impl<'a> SparseRows<'a> {
    /// The rows `rows` of `matrix`.
    pub fn new(matrix: &'a SparseBytes, rows: &'a [u32]) -> Self {
        Self { matrix, rows }
    }

    /// How many.
    pub fn len(self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.rows.is_empty()
    }

    /// `out ← out + X·matrix`
    ///
    /// # Shapes
    /// X `[n_rows, n_columns]` are the rows; `matrix [n_columns, width]`,
    /// `out [n_rows, width]`.
    ///
    /// # Panics
    /// If the shapes do not fit or a row does not exist.
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
            "shape of the matrix"
        );
        if out.is_empty() {
            return;
        }
        let matrix = Matrix::new(matrix, [self.matrix.n_columns(), width]);
        let set = InstructionSet::current();
        let lists = &self.matrix.rows;
        if width >= 2 * BLOCK_COLUMNS || threads.count() == 1 || n_rows < MIN_PIECE_ROWS {
            let out = MatrixMut::new(out, [n_rows, width]);
            return for_each_column_block(matrix, out, threads, |matrix, out| {
                S::add_weighted_rows(set, lists, self.rows, factors, matrix, out);
            });
        }
        threads.for_each_piece(out, width, MIN_PIECE_ROWS * width, |start, out| {
            let n_rows = out.len() / width;
            let rows = &self.rows[start / width..][..n_rows];
            let out = MatrixMut::new(out, [n_rows, width]);
            S::add_weighted_rows(set, lists, rows, factors, matrix, out);
        });
    }

    /// Asks for the first rows before they are needed.
    pub fn prefetch(self) {
        const N_ROWS: usize = 4;
        for &row in self.rows.iter().take(N_ROWS) {
            self.matrix.rows.prefetch(row);
        }
    }
}

/// Cuts a product `out ← out + X·matrix` into blocks of columns for several
/// threads.
fn for_each_column_block<S: Scalar>(
    matrix: Matrix<'_, S>,
    out: MatrixMut<'_, S>,
    threads: &Threads,
    multiply: impl Fn(Matrix<'_, S>, MatrixMut<'_, S>) + Sync,
) {
    let [_, width] = out.shape();
    let len = BLOCK_COLUMNS * width.div_ceil(BLOCK_COLUMNS * MAX_PIECES);
    let starts = (0..width).step_by(len);
    let mut blocks: [Option<(Matrix<'_, S>, MatrixMut<'_, S>)>; MAX_PIECES] = Default::default();
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

/// What a product does to the place it is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It takes the place of what was there.
    Over,
    /// It is added.
    Onto,
}

impl Written {
    /// Sets `out` to 0 if it is to be written over by what is then added.
    pub fn prepare<S: Scalar>(self, out: &mut [S]) {
        if self == Self::Over {
            out.fill(S::zero());
        }
    }
}

/// Some rows in the order of their columns.
#[derive(Clone, Debug)]
pub struct Transposed {
    pieces: Vec<Piece>,
}

/// A range of columns.
#[derive(Clone, Debug)]
struct Piece {
    columns: Range<usize>,
    /// 0, 1, … for each of them.
    order: Vec<u32>,
    /// One a column, with positions of rows within the batch.
    lists: CompressedRows,
}

impl Transposed {
    /// Most rows that can be transposed together.
    pub const MAX_ROWS: usize = 1 << 16;

    /// Nothing yet. Transposing up to `max_rows` different rows of `matrix` will
    /// not allocate; more rows will.
    pub fn new(matrix: &SparseBytes, max_rows: usize, threads: &Threads) -> Self {
        let ranges = ranges_of_equal_work(&matrix.rows, threads.count().min(MAX_PIECES));
        let longest = matrix.rows.longest();
        let piece = |columns: Range<usize>| Piece {
            order: (0..columns.len() as u32).collect(),
            lists: CompressedRows::with_capacity(columns.len(), max_rows, longest),
            columns,
        };
        Self {
            pieces: ranges.into_iter().map(piece).collect(),
        }
    }

    /// Nothing yet, with room for `rows`.
    pub fn for_rows(rows: SparseRows<'_>, threads: &Threads) -> Self {
        Self::new(rows.matrix, rows.len(), threads)
    }

    /// `out ← out + Xᵀ·error` with the rows X, or `out ← Xᵀ·error`.
    ///
    /// # Shapes
    /// `error [n_rows, width]`, `out [n_columns, width]`.
    ///
    /// # Panics
    /// If the shapes do not fit, there are more than 65536 rows, or one does not
    /// exist.
    pub fn product_of<S: Scalar>(
        &mut self,
        rows: SparseRows<'_>,
        factors: &[S; 256],
        error: &[S],
        out: &mut [S],
        written: Written,
        threads: &Threads,
    ) {
        if rows.rows.len() <= MAX_OUTER_ROWS {
            return outer_products(rows, factors, error, out, written);
        }
        self.for_each_piece(out, threads, |piece, out| {
            piece.fill(rows);
            piece.product(factors, error, out, written);
        });
    }

    /// Gives every piece its rows of `out`.
    fn for_each_piece<S: Scalar>(
        &mut self,
        out: &mut [S],
        threads: &Threads,
        work: impl Fn(&mut Piece, &mut [S]) + Sync,
    ) {
        let n_columns = self.pieces.last().map_or(0, |piece| piece.columns.end);
        assert!(
            out.len().is_multiple_of(n_columns.max(1)),
            "out does not have {n_columns} rows"
        );
        let width = out.len() / n_columns.max(1);
        let pieces = self.pieces.iter_mut();
        let pieces = pieces.map(|piece| (piece.columns.len(), piece));
        for_each_with_rows(pieces, width, out, threads, work);
    }
}

/// Calls `work` with every part, each of so many columns of X, and its rows of
/// `out`.
fn for_each_with_rows<P: Send, S: Scalar>(
    parts: impl Iterator<Item = (usize, P)>,
    width: usize,
    out: &mut [S],
    threads: &Threads,
    work: impl Fn(P, &mut [S]) + Sync,
) {
    let mut slots: [Option<(P, &mut [S])>; MAX_PIECES] = Default::default();
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

/// `out ← out + Xᵀ·error` row by row of X.
fn outer_products<S: Scalar>(
    rows: SparseRows<'_>,
    factors: &[S; 256],
    error: &[S],
    out: &mut [S],
    written: Written,
) {
    written.prepare(out);
    let set = InstructionSet::current();
    let width = error.len() / rows.rows.len().max(1);
    for (&row, error) in rows.rows.iter().zip(error.chunks_exact(width.max(1))) {
        S::add_outer(set, &rows.matrix.rows, row, factors, error, out);
    }
}

impl Piece {
    fn fill(&mut self, rows: SparseRows<'_>) {
        self.lists
            .transpose(&rows.matrix.rows, rows.rows, &self.columns);
    }

    /// Row k of `out` is the sum of the errors of the rows that have column k.
    fn product<S: Scalar>(&self, factors: &[S; 256], error: &[S], out: &mut [S], written: Written) {
        // Here, where this part of the result is about to be used.
        written.prepare(out);
        let width = out.len() / self.columns.len().max(1);
        let error = Matrix::new(error, [error.len() / width.max(1), width]);
        let out = MatrixMut::new(out, [self.columns.len(), width]);
        let set = InstructionSet::current();
        let lists = &self.order[..self.lists.len()];
        S::add_weighted_rows(set, &self.lists, lists, factors, error, out);
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

    fn numbers(n_rows: usize, n_columns: usize) -> Array2<f64> {
        let mut stream = Streams::new(6).stream(Purpose::Test, 0);
        Array2::from_shape_simple_fn((n_rows, n_columns), || stream.uniform_in(-1.0, 1.0))
    }

    fn from_dense(dense: &Array2<u8>) -> Option<SparseBytes> {
        let rows: Vec<u32> = (0..dense.nrows() as u32).collect();
        SparseBytes::from_rows(dense.view(), &rows)
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
            let rows = SparseRows::new(&sparse, &order);
            let chosen = Array2::from_shape_fn((n_rows, n_columns), |(row, column)| {
                f64::from(dense[(order[row] as usize, column)]) / 255.0
            });
            let cast =
                |matrix: &Array2<f64>| matrix.iter().map(|&x| S::from_f64(x)).collect::<Vec<S>>();

            let (weights, mut expected) = (numbers(n_columns, width), numbers(n_rows, width));
            let mut out = cast(&expected);
            matmul_add(
                chosen.view(),
                weights.view(),
                expected.view_mut(),
                &Threads::single(),
            );
            rows.add_product(&factors(), &cast(&weights), &mut out, &Threads::single());
            assert_close(&out, &expected, tolerance);

            let error = numbers(n_rows, width);
            let mut expected = Array2::zeros((n_columns, width));
            matmul(
                chosen.t(),
                error.view(),
                expected.view_mut(),
                &Threads::single(),
            );
            for count in [1, 2, 3] {
                let threads = Threads::new(count);
                let mut transposed = Transposed::new(&sparse, order.len(), &threads);
                for _ in 0..2 {
                    let mut out = vec![S::zero(); n_columns * width];
                    transposed.product_of(
                        rows,
                        &factors(),
                        &cast(&error),
                        &mut out,
                        Written::Onto,
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
        let (dense, weights) = (bytes(1, 300), numbers(300, 77));
        let sparse = from_dense(&dense).expect("it is sparse");
        let mut results = InstructionSet::available().map(|set| {
            let mut out = Array2::from_elem((1, 77), 0.5);
            let lists = &sparse.rows;
            let (matrix, out_row) = (weights.view().into(), out.view_mut().into());
            f64::add_weighted_rows(set, lists, &[0], &factors(), matrix, out_row);
            let out = out.into_raw_vec_and_offset().0;
            let mut outer = vec![0.25; 300 * 77];
            f64::add_outer(set, lists, 0, &factors(), &out, &mut outer);
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
        let (dense, weights) = (bytes(200, 784), numbers(784, 70));
        let sparse = from_dense(&dense).expect("it is sparse");
        let order: Vec<u32> = (0..200).collect();
        let rows = SparseRows::new(&sparse, &order);
        let weights = weights.as_slice().expect("a new array is contiguous");
        let run = |count| {
            let threads = Threads::new(count);
            let mut out = vec![0.0; 200 * 70];
            rows.add_product(&factors(), weights, &mut out, &threads);
            let mut gradient = vec![0.0; 784 * 70];
            Transposed::new(&sparse, order.len(), &threads).product_of(
                rows,
                &factors(),
                &out,
                &mut gradient,
                Written::Over,
                &threads,
            );
            (out, gradient)
        };
        assert_eq!(run(1), run(2));
        assert_eq!(run(1), run(7));
    }

    #[test]
    fn a_refilled_matrix_is_a_new_one() {
        let (old, new) = (bytes(9, 300), bytes(5, 300));
        let mut sparse = from_dense(&old).expect("it is sparse");
        sparse.refill(new.as_slice().expect("a new array is contiguous"));
        assert_eq!(Some(sparse), from_dense(&new));
    }

    #[test]
    fn full_matrices_stay_dense() {
        assert_eq!(from_dense(&Array2::ones((3, 4))), None);
    }
}
