//! The one matrix product, `C = A·B`, into a given output.
//!
//! The three products of a multilayer perceptron are this one with views:
//!
//! | use | formula | call |
//! |---|---|---|
//! | forward | `Z = A·W` | `matmul(a, w, z)` |
//! | weights' gradient | `ΔW = Aᵀ·Δ` | `matmul(a.t(), delta, dw)` |
//! | error of the layer below | `Δ' = Δ·Wᵀ` | `matmul(delta, w.t(), delta_below)` |

use std::ops::Range;

use crate::native::{self, Epilogue, InstructionSet, Matrix, MatrixMut, RowPairs};
use crate::{Scalar, Threads};

/// Products with fewer multiplications than this run in the calling thread.
const MIN_PARALLEL_WORK: usize = 1 << 18;

/// Products with fewer multiplications, columns or rows than these are not worth
/// a look for zeros.
const MIN_PAIRED_WORK: usize = 1 << 21;
const MIN_PAIRED_COLUMNS: usize = 128;
const MIN_PAIRED_ROWS: usize = 32;

/// Most numbers whose zeros are left out, so that the lists of the others stay
/// small.
const MAX_PAIRED_NUMBERS: usize = 1 << 22;

/// Matrices fuller than this are faster as dense ones.
const MAX_PAIRED_DENSITY: f64 = 0.65;

/// Rows or columns that are looked at to tell how full a matrix is, and how many
/// numbers of each.
const SAMPLED_LINES: usize = 16;
const SAMPLED_NUMBERS: usize = 128;

/// Most pieces a product is cut into for several threads.
const MAX_PIECES: usize = 16;

/// `c ← a·b`
///
/// # Shapes
/// `a [m, k]`, `b [k, n]`, `c [m, n]`, the first two with any strides, `c`
/// row-major.
///
/// # Precision
/// Each element is the sum over `k` in a fixed order, with fused
/// multiply-add where the machine has it. The bits depend on the
/// [`InstructionSet`], not on the number of threads.
///
/// # Panics
/// If the shapes do not fit, or if the rows of `c` are not contiguous.
///
/// ```
/// use ndarray::{Array2, array};
/// use nn_tensor::{Threads, matmul};
///
/// let a = array![[1.0, 2.0]];
/// let mut gram = Array2::zeros((2, 2));
/// matmul(a.t(), a.view(), gram.view_mut(), &Threads::single());
/// assert_eq!(gram, array![[1.0, 2.0], [2.0, 4.0]]);
/// ```
#[track_caller]
pub fn matmul<'a, 'b, 'c, S: Scalar>(
    a: impl Into<Matrix<'a, S>>,
    b: impl Into<Matrix<'b, S>>,
    c: impl Into<MatrixMut<'c, S>>,
    threads: &Threads,
) {
    product(a.into(), b.into(), c.into(), Epilogue::Overwrite, threads);
}

/// `c ← c + a·b`
///
/// # Panics
/// As [`matmul`].
#[track_caller]
pub fn matmul_add<'a, 'b, 'c, S: Scalar>(
    a: impl Into<Matrix<'a, S>>,
    b: impl Into<Matrix<'b, S>>,
    c: impl Into<MatrixMut<'c, S>>,
    threads: &Threads,
) {
    product(a.into(), b.into(), c.into(), Epilogue::Accumulate, threads);
}

#[track_caller]
fn product<S: Scalar>(
    a: Matrix<'_, S>,
    b: Matrix<'_, S>,
    c: MatrixMut<'_, S>,
    epilogue: Epilogue<'_, S>,
    threads: &Threads,
) {
    let ([m, k], [b_rows, n], [c_rows, c_columns]) = (a.shape(), b.shape(), c.shape());
    assert!(
        k == b_rows && c_rows == m && c_columns == n,
        "matmul: [{m}, {k}]·[{b_rows}, {n}] does not give {:?}",
        c.shape()
    );
    if m == 0 || n == 0 {
        return;
    }
    let set = InstructionSet::current();
    if n >= MIN_PAIRED_COLUMNS && has_many_zeros(a, m * n * k) {
        product_of_pairs(set, a, b, c, epilogue, threads);
    } else if threads.count() == 1 || m * n * k < MIN_PARALLEL_WORK {
        S::gemm(set, a, b, c, epilogue);
    } else {
        let by_rows = m >= n;
        in_pieces(c, by_rows, 1, threads, |these, c| {
            let (a, b) = if by_rows {
                (a.rows(these), b)
            } else {
                (a, b.columns(these))
            };
            S::gemm(set, a, b, c, epilogue);
        });
    }
}

/// Cuts a result into a piece for every thread: of rows or of columns, as many
/// as a multiple of `unit`. Pieces of the result, never of the sum, so that its
/// bits stay the same.
#[inline(never)]
fn in_pieces<S: Scalar>(
    c: MatrixMut<'_, S>,
    by_rows: bool,
    unit: usize,
    threads: &Threads,
    multiply: impl Fn(Range<usize>, MatrixMut<'_, S>) + Sync,
) {
    let [m, n] = c.shape();
    let len = if by_rows { m } else { n };
    let piece = len.div_ceil(threads.count().min(MAX_PIECES));
    let piece = piece.next_multiple_of(unit);
    let mut rest = Some(c);
    let mut pieces: [Option<MatrixMut<'_, S>>; MAX_PIECES] = std::array::from_fn(|index| {
        let start = index * piece;
        if start + piece >= len {
            return rest.take();
        }
        let [first, others] = if by_rows {
            rest.take()?.split_at_row(piece)
        } else {
            rest.take()?.split_at_column(piece)
        };
        rest = Some(others);
        Some(first)
    });
    threads.for_each(&mut pieces[..len.div_ceil(piece)], |index, c| {
        let c = c.take().expect("each piece is computed once");
        multiply(index * piece..len.min((index + 1) * piece), c);
    });
}

/// Whether so many numbers of `a` are 0 that a product of `work` terms is done
/// sooner without them. A sample tells, the same for any number of threads.
fn has_many_zeros<S: Scalar>(a: Matrix<'_, S>, work: usize) -> bool {
    let [m, k] = a.shape();
    if m < MIN_PAIRED_ROWS || work < MIN_PAIRED_WORK || m * k > MAX_PAIRED_NUMBERS {
        return false;
    }
    // Whichever way round, numbers that follow one another in memory.
    let lines = if a.row(0).is_some() { a } else { a.t() };
    let [n_lines, len] = lines.shape();
    let sampled = SAMPLED_NUMBERS.min(len);
    let mut n_nonzero = 0;
    // Along a diagonal, since the first columns may be emptier than the last.
    for sample in 0..SAMPLED_LINES {
        let at = |end: usize| sample * end / (SAMPLED_LINES - 1);
        let Some(line) = lines.row(at(n_lines - 1)) else {
            return false;
        };
        n_nonzero += count_nonzero(&line[at(len - sampled)..][..sampled]);
    }
    (n_nonzero as f64) < MAX_PAIRED_DENSITY * (SAMPLED_LINES * sampled) as f64
}

fn count_nonzero<S: Scalar>(line: &[S]) -> usize {
    line.iter().filter(|&&value| value != S::zero()).count()
}

/// A product without the terms that are 0 in both of two rows of `a`.
#[inline(never)]
fn product_of_pairs<S: Scalar>(
    set: InstructionSet,
    a: Matrix<'_, S>,
    b: Matrix<'_, S>,
    c: MatrixMut<'_, S>,
    epilogue: Epilogue<'_, S>,
    threads: &Threads,
) {
    let [m, n] = c.shape();
    let block = m.div_ceil(threads.count()).min(native::MAX_PAIRED_ROWS);
    let block = block.next_multiple_of(2);
    let n_blocks = m.div_ceil(block);
    S::pairs().with_borrow_mut(|pairs| {
        if pairs.len() < n_blocks {
            pairs.resize_with(n_blocks, RowPairs::new);
        }
        let pairs = &mut pairs[..n_blocks];
        threads.for_each(pairs, |index, pairs| {
            S::fill_pairs(
                set,
                pairs,
                a.rows(index * block..m.min((index + 1) * block)),
            );
        });
        let pairs = &*pairs;
        let by_rows = m >= n;
        let unit = if by_rows { block } else { MIN_PAIRED_COLUMNS };
        in_pieces(c, by_rows, unit, threads, |these, c| {
            let (pairs, a, b) = if by_rows {
                let blocks = these.start / block..these.end.div_ceil(block);
                (&pairs[blocks], a.rows(these), b)
            } else {
                (pairs, a, b.columns(these))
            };
            S::gemm_of_pairs(set, pairs, a, b, c, epilogue);
        });
    });
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, ArrayView2, s};

    use super::*;
    use crate::native::Products;
    use crate::random::{Purpose, Streams, WeightDistribution};

    fn random<S: Scalar>(rows: usize, columns: usize, index: u64) -> Array2<S> {
        let mut values = Array2::zeros((rows, columns));
        let uniform = WeightDistribution::Uniform {
            low: -1.0,
            high: 1.0,
        };
        uniform.fill(
            values.as_slice_mut().expect("a new array is contiguous"),
            &mut Streams::new(1).stream(Purpose::Test, index),
        );
        values
    }

    /// The definition, summed in `f64`.
    fn naive<S: Scalar>(a: ArrayView2<'_, S>, b: ArrayView2<'_, S>) -> Array2<f64> {
        Array2::from_shape_fn((a.nrows(), b.ncols()), |(i, j)| {
            (0..a.ncols())
                .map(|p| a[(i, p)].into_f64() * b[(p, j)].into_f64())
                .sum()
        })
    }

    fn check<S: Scalar>(a: ArrayView2<'_, S>, b: ArrayView2<'_, S>, epsilon: f64) {
        let expected = naive(a, b);
        let tolerance = 4.0 * epsilon * (a.ncols() as f64 + 1.0);
        let mut single = Array2::from_elem(expected.raw_dim(), S::from_f64(f64::NAN));
        for set in InstructionSet::available() {
            S::gemm(
                set,
                a.into(),
                b.into(),
                single.view_mut().into(),
                Epilogue::Overwrite,
            );
            for (found, expected) in single.iter().zip(&expected) {
                assert!(
                    (found.into_f64() - expected).abs() <= tolerance,
                    "{set:?} {:?}·{:?}: expected {expected}, found {found}",
                    a.shape(),
                    b.shape()
                );
            }
        }
        matmul(a, b, single.view_mut(), &Threads::single());
        for count in [2, 3, 8] {
            let mut several = Array2::from_elem(expected.raw_dim(), S::from_f64(f64::NAN));
            matmul(a, b, several.view_mut(), &Threads::new(count));
            assert_eq!(single, several, "{count} threads change the bits");
        }
    }

    const SIZES: [(usize, usize, usize); 18] = [
        (2, 10, 64),
        (40, 300, 10),
        (17, 520, 16),
        (9, 30, 20),
        (1, 1, 1),
        (1, 784, 10),
        (2, 3, 4),
        (5, 1, 7),
        (7, 255, 15),
        (13, 256, 17),
        (14, 257, 32),
        (15, 64, 33),
        (32, 784, 128),
        (63, 100, 65),
        (64, 31, 1),
        (65, 513, 63),
        (100, 300, 200),
        (3, 70, 1700),
    ];

    fn check_all<S: Scalar>(epsilon: f64) {
        for (index, (m, k, n)) in SIZES.into_iter().enumerate() {
            let (a, b) = (
                random::<S>(m, k, 2 * index as u64),
                random::<S>(k, n, 2 * index as u64 + 1),
            );
            check(a.view(), b.view(), epsilon);
            let (at, bt) = (
                a.t().as_standard_layout().into_owned(),
                b.t().as_standard_layout().into_owned(),
            );
            check(at.t(), b.view(), epsilon);
            check(a.view(), bt.t(), epsilon);
            check(a.slice(s![..;-1, ..]), b.slice(s![.., ..;-1]), epsilon);
        }
    }

    #[test]
    fn product_is_the_definition_in_single_precision() {
        check_all::<f32>(f32::EPSILON.into());
    }

    #[test]
    fn product_is_the_definition_in_double_precision() {
        check_all::<f64>(f64::EPSILON);
    }

    /// One row of a batch gives the bits of the batch.
    #[test]
    fn rows_do_not_depend_on_each_other() {
        for (k, n) in [(784, 128), (300, 10), (64, 33), (513, 7), (400, 500)] {
            let (mut a, b) = (random::<f32>(20, k, 70), random::<f32>(k, n, 71));
            // Single rows leave zeros out.
            a.mapv_inplace(|x| if x < 0.5 { 0.0 } else { x });
            let (mut all, mut one) = (Array2::zeros((20, n)), Array2::zeros((1, n)));
            matmul(a.view(), b.view(), all.view_mut(), &Threads::single());
            for row in 0..20 {
                let a = a.slice(s![row..=row, ..]);
                matmul(a, b.view(), one.view_mut(), &Threads::single());
                assert_eq!(one.row(0), all.row(row));
            }
        }
    }

    /// About half of the numbers 0, more in some rows and columns than in others.
    fn half_empty<S: Scalar>(rows: usize, columns: usize, index: u64) -> Array2<S> {
        let mut values = random::<S>(rows, columns, index);
        values
            .indexed_iter_mut()
            .for_each(|((row, column), value)| {
                let limit = 0.2 * (row % 7) as f64 - 0.2 * (column % 4) as f64;
                if value.into_f64() < limit {
                    *value = S::zero();
                }
            });
        values
    }

    fn check_pairs<S: Scalar>(a: ArrayView2<'_, S>, b: ArrayView2<'_, S>) {
        let (m, n) = (a.nrows(), b.ncols());
        let epilogues = [Epilogue::Overwrite, Epilogue::Accumulate]
            .into_iter()
            .cycle();
        for (set, epilogue) in InstructionSet::available().zip(epilogues) {
            let mut expected = random::<S>(m, n, 99);
            let mut found = expected.clone();
            let (a, b) = (Matrix::from(a), Matrix::from(b));
            S::gemm(set, a, b, expected.view_mut().into(), epilogue);
            let mut pairs: Vec<RowPairs<S>> = Vec::new();
            for start in (0..m).step_by(54) {
                pairs.push(RowPairs::new());
                let block = pairs.last_mut().expect("one was pushed");
                // Not in an empty one, so that what was there before shows.
                S::fill_pairs(set, block, a.rows(0..m.min(54)));
                S::fill_pairs(set, block, a.rows(start..m.min(start + 54)));
            }
            S::gemm_of_pairs(set, &pairs, a, b, found.view_mut().into(), epilogue);
            assert_eq!(found, expected, "{set:?} {:?}·{:?}", a.shape(), b.shape());
        }
    }

    #[test]
    fn pairs_of_rows_without_their_zeros_give_the_same_bits() {
        let sizes: &[_] = if cfg!(miri) {
            &[(3, 65, 17)]
        } else {
            &[
                (1, 3, 5),
                (3, 64, 128),
                (32, 65, 129),
                (54, 256, 31),
                (63, 300, 257),
                (130, 513, 520),
            ]
        };
        for (index, &(m, k, n)) in (40..).step_by(2).zip(sizes) {
            let (a, b) = (
                half_empty::<f32>(m, k, index),
                random::<f32>(k, n, index + 1),
            );
            check_pairs(a.view(), b.view());
            check_pairs(a.slice(s![..;-1, ..]), b.slice(s![.., ..;-1]));
            let (a, b) = (
                half_empty::<f64>(k, m, index),
                random::<f64>(n, k, index + 1),
            );
            check_pairs(a.t(), b.t());
        }
        // All of them 0, and none.
        let [m, n] = if cfg!(miri) { [2, 17] } else { [40, 130] };
        let b = random::<f32>(7, n, 98);
        check_pairs(Array2::zeros((m, 7)).view(), b.view());
        check_pairs(random(m, 7, 97).view(), b.view());
    }

    #[test]
    fn half_empty_matrices_are_found_and_threads_do_not_change_a_bit() {
        for (m, k, n) in [(256, 300, 200), (300, 128, 260), (33, 700, 400)] {
            let (a, b) = (half_empty::<f32>(m, k, 80), random::<f32>(k, n, 81));
            assert!(has_many_zeros(a.view().into(), m * n * k));
            assert!(has_many_zeros(Matrix::from(a.view()).t(), m * n * k));
            assert!(!has_many_zeros(Matrix::from(b.view()), m * n * k));
            let mut dense = Array2::zeros((m, n));
            let set = InstructionSet::current();
            f32::gemm(
                set,
                a.view().into(),
                b.view().into(),
                dense.view_mut().into(),
                Epilogue::Overwrite,
            );
            for count in [1, 2, 3, 8] {
                let mut c = Array2::from_elem((m, n), f32::NAN);
                matmul(a.view(), b.view(), c.view_mut(), &Threads::new(count));
                assert_eq!(c, dense, "{count} threads");
            }
        }
    }

    #[test]
    fn few_rows_and_a_transposed_matrix_give_the_same_bits() {
        let (a, b) = (random::<f32>(9, 10, 72), random::<f32>(64, 10, 73));
        let (mut all, mut one) = (Array2::zeros((9, 64)), Array2::zeros((1, 64)));
        matmul(a.view(), b.t(), all.view_mut(), &Threads::single());
        for row in 0..9 {
            matmul(
                a.slice(s![row..=row, ..]),
                b.t(),
                one.view_mut(),
                &Threads::single(),
            );
            assert_eq!(one.row(0), all.row(row));
        }
    }

    #[test]
    fn a_product_can_be_added() {
        let (a, b) = (random::<f64>(20, 300, 90), random::<f64>(300, 40, 91));
        let mut c = random::<f64>(20, 40, 92);
        let expected = &c + &naive(a.view(), b.view());
        matmul_add(a.view(), b.view(), c.view_mut(), &Threads::single());
        assert!(
            (c - expected)
                .iter()
                .all(|difference| difference.abs() < 1e-12)
        );
    }

    #[test]
    fn an_empty_sum_is_zero() {
        let mut c = Array2::from_elem((2, 3), 7.0_f32);
        let (a, b) = (Array2::zeros((2, 0)), Array2::zeros((0, 3)));
        matmul(a.view(), b.view(), c.view_mut(), &Threads::single());
        assert_eq!(c, Array2::zeros((2, 3)));
    }

    #[test]
    #[should_panic(expected = "[2, 3]·[4, 5] does not give [2, 5]")]
    fn shapes_that_do_not_fit_are_named() {
        let (a, b) = (Array2::<f32>::zeros((2, 3)), Array2::zeros((4, 5)));
        matmul(
            a.view(),
            b.view(),
            Array2::zeros((2, 5)).view_mut(),
            &Threads::single(),
        );
    }

    #[test]
    fn a_product_without_elements_is_done_at_once() {
        for [m, k, n] in [[0, 3, 2], [2, 3, 0], [0, 0, 0]] {
            let (a, b) = (random::<f32>(m, k, 0), random(k, n, 1));
            let mut c = Array2::zeros((m, n));
            matmul(a.view(), b.view(), c.view_mut(), &Threads::single());
            assert_eq!(c.dim(), (m, n));
        }
    }
}
