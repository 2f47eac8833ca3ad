//! Runs every kernel at all small sizes around the width of a register, on memory
//! that ends with the matrix, for Miri and AddressSanitizer (`cargo xtask miri`,
//! `cargo xtask sanitize`).
//!
//! The matrices hold small integers, so sums are exact in any order.

use ndarray::{Array2, ArrayView2, s};
use nn_tensor::sparse::{CscBuffer, CsrBytes, CsrRows, RowGroups, WriteMode};
use nn_tensor::{Scalar, Threads, matmul, matmul_add, row};

/// Widths around those of registers and blocks of registers.
const WIDTHS: &[usize] = if cfg!(miri) {
    &[5, 17]
} else {
    &[
        1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 65, 129,
    ]
};

/// Heights around those of a kernel, and those with kernels of their own.
const HEIGHTS: &[usize] = if cfg!(miri) {
    &[1, 7]
} else {
    &[1, 2, 3, 4, 6, 7, 8, 9, 12, 13, 14, 15, 25]
};

const DEPTHS: &[usize] = if cfg!(miri) {
    &[9]
} else {
    &[0, 1, 2, 9, 64, 65]
};

#[test]
fn products_of_all_layouts() {
    check_products::<f32>();
    check_products::<f64>();
}

#[test]
fn sums_of_rows_without_their_zeros() {
    check_sparse::<f32>();
    check_sparse::<f64>();
}

#[test]
fn single_rows() {
    check_single_rows::<f32>();
    check_single_rows::<f64>();
}

fn check_single_rows<S: Scalar>() {
    for &n_inputs in WIDTHS {
        for &n_outputs in WIDTHS {
            let (inputs, error) = (values::<S>(1, n_inputs, 5), values::<S>(1, n_outputs, 6));
            let (weights, bias) = (values(n_inputs, n_outputs, 7), values(1, n_outputs, 8));
            let mut sums = vec![S::nan(); n_outputs];
            row::weighted_sums(flat(&inputs), flat(&weights), flat(&bias), &mut sums);
            let expected = product(inputs.view(), weights.view()) + &bias;
            assert_eq!(sums, flat(&expected), "{n_inputs} to {n_outputs}");

            let mut below = vec![S::nan(); n_inputs];
            row::backward(flat(&error), flat(&weights), &mut below);
            let expected = product(error.view(), weights.t());
            assert_eq!(below, flat(&expected), "{n_inputs} to {n_outputs}");

            let (mut new_weights, mut new_bias) = (flat(&weights).to_vec(), flat(&bias).to_vec());
            row::add_gradients(flat(&inputs), flat(&error), &mut new_weights, &mut new_bias);
            let expected = &weights + &product(inputs.t(), error.view());
            assert_eq!(new_weights, flat(&expected), "{n_inputs} to {n_outputs}");
            assert_eq!(new_bias, flat(&(&bias + &error)));
        }
    }
}

fn check_products<S: Scalar>() {
    let threads = [Threads::single(), Threads::new(3)];
    for &m in HEIGHTS {
        for &n in WIDTHS {
            for &k in DEPTHS {
                let (a, b) = (values::<S>(m, k, 1), values::<S>(k, n, 2));
                let (transposed_a, transposed_b) = (transposed(&a), transposed(&b));
                let expected = product(a.view(), b.view());
                for (a, b) in [
                    (a.view(), b.view()),
                    (transposed_a.t(), b.view()),
                    (a.view(), transposed_b.t()),
                    (transposed_a.t(), transposed_b.t()),
                ] {
                    for threads in &threads {
                        let mut c = Array2::from_elem((m, n), S::one());
                        matmul(a, b, c.view_mut(), threads);
                        assert_eq!(c, expected, "[{m}, {k}]·[{k}, {n}]");
                        matmul_add(a, b, c.view_mut(), threads);
                        assert_eq!(c, &expected + &expected, "[{m}, {k}]·[{k}, {n}]");
                    }
                }
                let backwards = a.slice(s![..;-1, ..]);
                let mut c = Array2::zeros((m, n));
                matmul(backwards, b.view(), c.view_mut(), &threads[0]);
                assert_eq!(c, expected.slice(s![..;-1, ..]));
            }
        }
    }
}

fn check_sparse<S: Scalar>() {
    check_sparse_of(std::array::from_fn(|byte| S::from_f64((byte % 5) as f64)));
    check_sparse_of(std::array::from_fn(|byte| S::from_f64(byte as f64)));
}

fn check_sparse_of<S: Scalar>(factors: [S; 256]) {
    let threads = [Threads::single(), Threads::new(3)];
    for &n_columns in WIDTHS {
        // The last column is never empty, the others often are.
        let bytes = Array2::from_shape_fn((12, n_columns), |(row, column)| {
            let is_ink = (row * 7 + column * 3) % 5 == 0 || column + 1 == n_columns && row % 3 == 0;
            if is_ink { (row + column) as u8 } else { 0 }
        });
        let order = [11, 0, 3, 3, 7, 10, 1, 2, 4, 5];
        let all: Vec<u32> = (0..12).collect();
        let Some(matrix) = CsrBytes::from_rows(bytes.view(), &all) else {
            continue;
        };
        for (&width, n_rows) in WIDTHS.iter().zip([1, 2, 3, 10].into_iter().cycle()) {
            let rows = CsrRows::new(&matrix, &order[..n_rows]);
            rows.prefetch();
            let dense = Array2::from_shape_fn((n_rows, n_columns), |(row, column)| {
                factors[usize::from(bytes[[order[row] as usize, column]])]
            });
            for threads in &threads {
                let weights = values::<S>(n_columns, width, 3);
                let mut out = vec![S::zero(); n_rows * width];
                rows.add_product(&factors, flat(&weights), &mut out, threads);
                assert_eq!(out, flat(&product(dense.view(), weights.view())));

                let error = values::<S>(n_rows, width, 4);
                let expected = product(dense.t(), error.view());
                let mut transposed = CscBuffer::new(&matrix, n_rows, threads);
                let mut out = vec![S::one(); n_columns * width];
                for mode in [WriteMode::Overwrite, WriteMode::Overwrite] {
                    transposed.transposed_product(
                        rows,
                        &factors,
                        flat(&error),
                        &mut out,
                        mode,
                        threads,
                    );
                    assert_eq!(out, flat(&expected));
                }
                let mode = WriteMode::Accumulate;
                transposed.transposed_product(
                    rows,
                    &factors,
                    flat(&error),
                    &mut out,
                    mode,
                    threads,
                );
                assert_eq!(out, flat(&(&expected + &expected)));

                let groups = RowGroups::new(rows, &factors, width, threads);
                let bias = vec![S::one(); width];
                let mut out = vec![S::zero(); n_rows * width];
                groups.weighted_sums(&factors, flat(&weights), &bias, &mut out, threads);
                assert_eq!(
                    out,
                    flat(&(product(dense.view(), weights.view()) + S::one()))
                );
                let mut out = vec![S::one(); n_columns * width];
                groups.transposed_product(
                    &factors,
                    flat(&error),
                    &mut out,
                    WriteMode::Overwrite,
                    threads,
                );
                assert_eq!(out, flat(&expected));
                groups.transposed_product(
                    &factors,
                    flat(&error),
                    &mut out,
                    WriteMode::Accumulate,
                    threads,
                );
                assert_eq!(out, flat(&(&expected + &expected)));
            }
        }
    }
}

/// Integers from -3 to 3.
fn values<S: Scalar>(n_rows: usize, n_columns: usize, seed: usize) -> Array2<S> {
    Array2::from_shape_fn((n_rows, n_columns), |(row, column)| {
        let number = (row * 5 + column * 3 + row * column + seed) % 7;
        S::from_f64(number as f64 - 3.0)
    })
}

fn transposed<S: Scalar>(matrix: &Array2<S>) -> Array2<S> {
    matrix.t().as_standard_layout().into_owned()
}

fn flat<S: Scalar>(matrix: &Array2<S>) -> &[S] {
    matrix.as_slice().expect("rows lie one after the other")
}

/// The product by its definition.
fn product<S: Scalar>(a: ArrayView2<'_, S>, b: ArrayView2<'_, S>) -> Array2<S> {
    Array2::from_shape_fn((a.nrows(), b.ncols()), |(i, j)| {
        let terms = (0..a.ncols()).map(|k| a[[i, k]] * b[[k, j]]);
        terms.fold(S::zero(), |sum, term| sum + term)
    })
}
