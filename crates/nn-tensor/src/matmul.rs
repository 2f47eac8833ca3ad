//! Dense matrix products, `C ← A·B` and `C ← C + A·B`.
//!
//! Transposed views cover the three products of a multilayer perceptron:
//!
//! | product | formula | call |
//! |---|---|---|
//! | forward | `Z = A·W` | `matmul(a, w, z)` |
//! | gradient of the weights | `ΔW = Aᵀ·Δ` | `matmul(a.t(), delta, dw)` |
//! | error of the layer below | `Δ' = Δ·Wᵀ` | `matmul(delta, w.t(), delta_below)` |

use std::ops::Range;

use crate::native::{
    self, Epilogue, InstructionSet, ListPairs, Matrix, MatrixMut, PairProduct, Product, RowPairs,
};
use crate::{Scalar, Threads};

/// Products with fewer multiplications than this run in the calling thread only.
const MIN_PARALLEL_WORK: usize = 1 << 18;

/// Minimum number of multiplications, columns and rows of a product that skips zeros
/// of A.
const MIN_PAIRED_WORK: usize = 1 << 20;
const MIN_PAIRED_COLUMNS: usize = 128;
const MIN_PAIRED_ROWS: usize = 32;

/// Maximum number of elements of A in a product that skips zeros, which limits the
/// memory of the index lists.
const MAX_PAIRED_ELEMENTS: usize = 1 << 22;

/// Maximum density (fraction of nonzero elements) at which skipping zeros pays.
const MAX_PAIRED_DENSITY: f64 = 0.65;

/// Number of rows or columns sampled to estimate the density of a matrix, and number
/// of elements sampled in each.
const SAMPLED_LINES: usize = 16;
const SAMPLED_ELEMENTS: usize = 128;

/// Maximum number of parallel tasks of a product.
const MAX_TASKS: usize = 16;

/// Matrix product: `c ← a·b`.
///
/// # Shapes
/// `a [m, k]`, `b [k, n]`, `c [m, n]`; `a` and `b` with any strides, `c` row-major.
///
/// # Precision
/// Each element is a sum over `k` in a fixed order, with fused multiply-add where
/// the processor supports it. The bits depend on the [`InstructionSet`], not on the
/// number of threads.
///
/// # Panics
/// Panics if the shapes do not match or the rows of `c` are not contiguous.
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

/// Matrix product added to the output: `c ← c + a·b`.
///
/// # Panics
/// Panics under the same conditions as [`matmul`].
#[track_caller]
pub fn matmul_add<'a, 'b, 'c, S: Scalar>(
    a: impl Into<Matrix<'a, S>>,
    b: impl Into<Matrix<'b, S>>,
    c: impl Into<MatrixMut<'c, S>>,
    threads: &Threads,
) {
    product(a.into(), b.into(), c.into(), Epilogue::Accumulate, threads);
}

/// Matrix product plus a bias per column: `c ← bias + a·b`.
///
/// # Shapes
/// As for [`matmul`]; `bias [n]`.
///
/// # Panics
/// Panics under the same conditions as [`matmul`], and if there is not one bias per
/// column.
#[track_caller]
pub fn matmul_bias<'a, 'b, 'c, S: Scalar>(
    a: impl Into<Matrix<'a, S>>,
    b: impl Into<Matrix<'b, S>>,
    bias: &[S],
    c: impl Into<MatrixMut<'c, S>>,
    threads: &Threads,
) {
    let (a, b, c) = (a.into(), b.into(), c.into());
    product(a, b, c, Epilogue::AddBias(bias), threads);
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
        S::gemm(set, Product::new(a, b, c, epilogue));
    } else {
        let by_rows = m >= n;
        split_output(c, by_rows, 1, threads, |these, c| {
            let (a, b, epilogue) = if by_rows {
                (a.rows(these), b, epilogue)
            } else {
                let epilogue = epilogue.of_columns(these.clone());
                (a, b.columns(these), epilogue)
            };
            S::gemm(set, Product::new(a, b, c, epilogue));
        });
    }
}

/// Splits the rows or columns of `c` between the threads, in multiples of `unit`.
///
/// The sums are never split, so the bits do not depend on the number of threads.
#[inline(never)]
fn split_output<S: Scalar>(
    c: MatrixMut<'_, S>,
    by_rows: bool,
    unit: usize,
    threads: &Threads,
    multiply: impl Fn(Range<usize>, MatrixMut<'_, S>) + Sync,
) {
    let [m, n] = c.shape();
    let len = if by_rows { m } else { n };
    let per_task = len.div_ceil(threads.count().min(MAX_TASKS));
    let per_task = per_task.next_multiple_of(unit);
    let mut rest = Some(c);
    let mut parts: [Option<MatrixMut<'_, S>>; MAX_TASKS] = std::array::from_fn(|index| {
        let start = index * per_task;
        if start + per_task >= len {
            return rest.take();
        }
        let [first, others] = if by_rows {
            rest.take()?.split_at_row(per_task)
        } else {
            rest.take()?.split_at_column(per_task)
        };
        rest = Some(others);
        Some(first)
    });
    threads.for_each(&mut parts[..len.div_ceil(per_task)], |index, c| {
        let c = c.take().expect("each part is computed once");
        multiply(index * per_task..len.min((index + 1) * per_task), c);
    });
}

/// Returns `true` if a sample of `a` shows that skipping its zeros speeds up a product of
/// `work` multiplications. The decision does not depend on the number of threads.
fn has_many_zeros<S: Scalar>(a: Matrix<'_, S>, work: usize) -> bool {
    let [m, k] = a.shape();
    if m < MIN_PAIRED_ROWS || work < MIN_PAIRED_WORK || m * k > MAX_PAIRED_ELEMENTS {
        return false;
    }
    // Rows or columns, whichever are contiguous.
    let lines = if a.row(0).is_some() { a } else { a.t() };
    let [n_lines, len] = lines.shape();
    let sampled = SAMPLED_ELEMENTS.min(len);
    let mut n_nonzero = 0;
    // Along the diagonal: the density may differ between the first and last columns.
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

/// Multiplies without the terms where both rows of a pair of `a` are 0.
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
            let a = a.rows(index * block..m.min((index + 1) * block));
            S::list_pairs(set, ListPairs { set, pairs, a });
        });
        let pairs = &*pairs;
        let by_rows = m >= n;
        let unit = if by_rows { block } else { MIN_PAIRED_COLUMNS };
        split_output(c, by_rows, unit, threads, |these, c| {
            let (pairs, a, b, epilogue) = if by_rows {
                let blocks = these.start / block..these.end.div_ceil(block);
                (&pairs[blocks], a.rows(these), b, epilogue)
            } else {
                let epilogue = epilogue.of_columns(these.clone());
                (pairs, a, b.columns(these), epilogue)
            };
            let product = Product::new(a, b, c, epilogue);
            #[rustfmt::skip]
            S::gemm_of_pairs(set, PairProduct { set, pairs, product });
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

    /// The product by its definition, summed in `f64`.
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
            let c = single.view_mut().into();
            S::gemm(
                set,
                Product::new(a.into(), b.into(), c, Epilogue::Overwrite),
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

    /// A row alone gives the same bits as in a batch.
    #[test]
    fn rows_do_not_depend_on_each_other() {
        for (k, n) in [(784, 128), (300, 10), (64, 33), (513, 7), (400, 500)] {
            let (mut a, b) = (random::<f32>(20, k, 70), random::<f32>(k, n, 71));
            // The kernel for single rows skips zeros.
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

    /// A random matrix with about half of the elements 0, unevenly distributed.
    fn half_zero<S: Scalar>(rows: usize, columns: usize, index: u64) -> Array2<S> {
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
            S::gemm(
                set,
                Product::new(a, b, expected.view_mut().into(), epilogue),
            );
            let mut pairs: Vec<RowPairs<S>> = Vec::new();
            for start in (0..m).step_by(54) {
                pairs.push(RowPairs::new());
                let pairs = pairs.last_mut().expect("one was pushed");
                // Reused, to find remains of the previous contents.
                for rows in [0..m.min(54), start..m.min(start + 54)] {
                    let a = a.rows(rows);
                    S::list_pairs(set, ListPairs { set, pairs, a });
                }
            }
            let (pairs, c) = (&*pairs, found.view_mut().into());
            let product = Product::new(a, b, c, epilogue);
            S::gemm_of_pairs(
                set,
                PairProduct {
                    set,
                    pairs,
                    product,
                },
            );
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
                half_zero::<f32>(m, k, index),
                random::<f32>(k, n, index + 1),
            );
            check_pairs(a.view(), b.view());
            check_pairs(a.slice(s![..;-1, ..]), b.slice(s![.., ..;-1]));
            let (a, b) = (
                half_zero::<f64>(k, m, index),
                random::<f64>(n, k, index + 1),
            );
            check_pairs(a.t(), b.t());
        }
        // Only zeros, and no zeros.
        let [m, n] = if cfg!(miri) { [2, 17] } else { [40, 130] };
        let b = random::<f32>(7, n, 98);
        check_pairs(Array2::zeros((m, 7)).view(), b.view());
        check_pairs(random(m, 7, 97).view(), b.view());
    }

    #[test]
    fn sparse_matrices_are_detected_and_threads_do_not_change_a_bit() {
        for (m, k, n) in [(256, 300, 200), (300, 128, 260), (33, 700, 400)] {
            let (a, b) = (half_zero::<f32>(m, k, 80), random::<f32>(k, n, 81));
            assert!(has_many_zeros(a.view().into(), m * n * k));
            assert!(has_many_zeros(Matrix::from(a.view()).t(), m * n * k));
            assert!(!has_many_zeros(Matrix::from(b.view()), m * n * k));
            let mut dense = Array2::zeros((m, n));
            let set = InstructionSet::current();
            let (a_view, b_view, c) = (a.view().into(), b.view().into(), dense.view_mut().into());
            f32::gemm(set, Product::new(a_view, b_view, c, Epilogue::Overwrite));
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
    fn an_empty_product_does_nothing() {
        for [m, k, n] in [[0, 3, 2], [2, 3, 0], [0, 0, 0]] {
            let (a, b) = (random::<f32>(m, k, 0), random(k, n, 1));
            let mut c = Array2::zeros((m, n));
            matmul(a.view(), b.view(), c.view_mut(), &Threads::single());
            assert_eq!(c.dim(), (m, n));
        }
    }
}
