//! Products of single rows, with a matrix B that is read in place:
//!
//! ```text
//! z ← b + a·W          δ' ← δ·Wᵀ
//! ```
//!
//! Each sum has the same terms in the same order as in [`super::gemm`], so a sample gets
//! the same outputs alone as in a batch.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::dispatch::Element;
use super::matrix::{Matrix, MatrixMut};
use super::micro::{ByColumns, Columns, Epilogue, Listed, by_columns, finish, gather};
use super::pack::{KC, transposed};
use super::product::Product;
use super::simd::{MAX_LANES, Program, Simd, load_up_to};

// The matrix views are created in the kernels, which are compiled for their
// strides.

/// `sums ← bias + inputs·weights`
#[derive(Debug)]
pub struct WeightedSums<'a, T> {
    pub(crate) inputs: &'a [T],
    pub(crate) weights: &'a [T],
    pub(crate) bias: &'a [T],
    pub(crate) sums: &'a mut [T],
}

impl<T: Element> Program<T> for WeightedSums<'_, T> {
    #[inline(always)]
    fn run<V: Simd<T = T>>(self) {
        let shape = layer_shape(self.inputs, self.weights, self.bias, self.sums);
        if self.inputs.is_empty() {
            return self.sums.copy_from_slice(self.bias);
        }
        times_rows::<V>(&mut Product {
            a: Matrix::new(self.inputs, [1, shape[0]]),
            b: Matrix::new(self.weights, shape),
            c: MatrixMut::new(self.sums, [1, shape[1]]),
            epilogue: Epilogue::AddBias(self.bias),
        });
    }
}

/// `below ← error·weightsᵀ`
#[derive(Debug)]
pub struct ErrorBelow<'a, T> {
    pub(crate) error: &'a [T],
    pub(crate) weights: &'a [T],
    pub(crate) below: &'a mut [T],
}

impl<T: Element> Program<T> for ErrorBelow<'_, T> {
    #[inline(always)]
    fn run<V: Simd<T = T>>(self) {
        let shape = layer_shape(self.below, self.weights, self.error, self.error);
        if self.error.is_empty() {
            return self.below.fill(T::default());
        }
        times_columns::<V>(&mut Product {
            a: Matrix::new(self.error, [1, shape[1]]),
            b: Matrix::new(self.weights, shape).t(),
            c: MatrixMut::new(self.below, [1, shape[0]]),
            epilogue: Epilogue::Overwrite,
        });
    }
}

/// The shape `[n_inputs, n_outputs]` of the weights of a layer.
///
/// # Panics
/// Panics if the lengths do not match.
#[inline(always)]
pub(super) fn layer_shape<T>(inputs: &[T], weights: &[T], bias: &[T], outputs: &[T]) -> [usize; 2] {
    let [n_inputs, n_outputs] = [inputs.len(), outputs.len()];
    assert!(
        bias.len() == n_outputs && n_inputs.checked_mul(n_outputs) == Some(weights.len()),
        "{} weights and {} biases do not connect {n_inputs} inputs to {n_outputs} outputs",
        weights.len(),
        bias.len(),
    );
    [n_inputs, n_outputs]
}

/// A product computed one row of A at a time, with a B of contiguous rows.
pub(super) struct RowByRow<'p, 'a, T>(pub(super) &'p mut Product<'a, T>);

impl<T: Element> Program<T> for RowByRow<'_, '_, T> {
    #[inline(always)]
    fn run<V: Simd<T = T>>(self) {
        let [n_rows, depth] = self.0.a.shape();
        for row in 0..n_rows {
            times_rows::<V>(&mut self.0.part(row..row + 1, 0..depth));
        }
    }
}

/// One row of A times a B of contiguous rows.
///
/// Rows of B that would be multiplied by 0 are skipped: most pixels of an image
/// and half of the outputs of a rectifier are 0.
#[inline(always)]
fn times_rows<V: Simd>(product: &mut Product<'_, V::T>) {
    let mut buffer = TermBuffer {
        indices: [MaybeUninit::uninit(); KC + MAX_LANES],
        factors: [MaybeUninit::uninit(); KC + MAX_LANES],
    };
    let [depth, n_columns] = product.b.shape();
    for start in (0..depth).step_by(KC) {
        let product = &mut product.part(0..1, start..depth.min(start + KC));
        let row_stride = product.b.strides()[0];
        let terms = buffer.fill::<V>(product.a, row_stride);
        // SAFETY: these are all columns.
        unsafe { by_columns::<V, _>(n_columns, &mut TermsOfRow { product, terms }) };
    }
}

/// Memory for the terms of a sum, and of a vector after them.
struct TermBuffer<T> {
    indices: [MaybeUninit<u16>; KC + MAX_LANES],
    factors: [MaybeUninit<T>; KC + MAX_LANES],
}

impl<T: Copy + Default + PartialEq> TermBuffer<T> {
    /// The terms of a row: all of a short one, otherwise those that are not 0.
    #[inline(always)]
    fn fill<V: Simd<T = T>>(&mut self, a: Matrix<'_, T>, row_stride: isize) -> Listed<T, 1> {
        static ALL: [u16; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

        let ([_, depth], [_, stride]) = (a.shape(), a.strides());
        let indices = self.indices.as_mut_ptr().cast::<u16>();
        let factors = self.factors.as_mut_ptr().cast::<T>();
        let mut terms = Listed {
            indices,
            factors: [factors.cast_const()],
            n: 0,
            row_stride,
        };
        assert!(depth <= KC);
        if depth <= ALL.len() && stride == 1 {
            (terms.indices, terms.factors, terms.n) = (ALL.as_ptr(), [a.at(0, 0)], depth);
            return terms;
        }
        // SAFETY: at most as many terms are written as elements are read, and there is
        // room for a vector after the last one.
        unsafe {
            if stride == 1 {
                for index in (0..depth).step_by(V::LANES) {
                    let values = load_up_to::<V>(a.at(0, index), depth - index);
                    let (indices, factors) = (indices.add(terms.n), factors.add(terms.n));
                    terms.n += V::write_nonzero([values], index as u16, indices, [factors]);
                }
            } else {
                for index in 0..depth {
                    let value = *a.at(0, index);
                    *indices.add(terms.n) = index as u16;
                    *factors.add(terms.n) = value;
                    terms.n += usize::from(value != T::default());
                }
            }
        }
        terms
    }
}

struct TermsOfRow<'p, 'a, T> {
    product: &'p mut Product<'a, T>,
    terms: Listed<T, 1>,
}

impl<V: Simd> ByColumns<V> for TermsOfRow<'_, '_, V::T> {
    #[inline(always)]
    unsafe fn block<const N: usize>(&mut self, columns: Range<usize>) {
        let Product { b, c, epilogue, .. } = &mut *self.product;
        let (first, n) = (b.at(0, columns.start), columns.len());
        let mut sums = [[V::zero(); N]];
        // SAFETY: the columns exist, and so do the terms.
        unsafe {
            if n == N * V::LANES {
                gather(self.terms, first, Columns::<false>(n), &mut sums);
            } else {
                gather(self.terms, first, Columns::<true>(n), &mut sums);
            }
            let epilogue = epilogue.of_columns(columns.clone());
            finish(sums, c.part(0..1, columns), epilogue);
        }
    }
}

/// One row of A times a B of contiguous columns, which are transposed in registers.
#[inline(always)]
fn times_columns<V: Simd>(product: &mut Product<'_, V::T>) {
    let depth = product.depth();
    let is_adjacent = product.b.strides()[1] == depth as isize;
    match depth {
        1 if is_adjacent => transposed_columns::<V, 1>(product),
        2 if V::INTERLEAVES_FAST && is_adjacent => transposed_columns::<V, 2>(product),
        4 if V::INTERLEAVES_FAST && is_adjacent => transposed_columns::<V, 4>(product),
        8 if V::INTERLEAVES_FAST && is_adjacent => transposed_columns::<V, 8>(product),
        _ => {
            for start in (0..depth).step_by(KC) {
                let product = &mut product.part(0..1, start..depth.min(start + KC));
                match V::LANES {
                    4 => square_columns::<V, 4>(product),
                    8 => square_columns::<V, 8>(product),
                    _ => square_columns::<V, MAX_LANES>(product),
                }
            }
        }
    }
}

/// [`times_columns`] for adjacent columns of `N` elements, a power of two that is
/// at most `LANES`: as many as a vector has lanes are transposed in registers.
#[inline(always)]
fn transposed_columns<V: Simd, const N: usize>(product: &mut Product<'_, V::T>) {
    let Product { a, b, c, epilogue } = product;
    let [_, n_columns] = c.shape();
    for column in (0..n_columns).step_by(V::LANES) {
        let columns = column..n_columns.min(column + V::LANES);
        // SAFETY: only existing columns are read and written.
        unsafe {
            let mut vectors = [V::zero(); N];
            for (index, slot) in vectors.iter_mut().enumerate() {
                let start = index * V::LANES;
                let n = (columns.len() * N).saturating_sub(start);
                *slot = load_up_to(b.at(0, column).wrapping_add(start), n);
            }
            let mut sum = V::zero();
            for (index, terms) in transposed(vectors).into_iter().enumerate() {
                sum = V::splat(*a.at(0, index)).multiply_add(terms, sum);
            }
            let epilogue = epilogue.of_columns(columns.clone());
            finish([[sum]], c.part(0..1, columns), epilogue);
        }
    }
}

/// [`times_columns`] for columns of any length: squares of as many columns and terms
/// as a vector has lanes are transposed.
#[inline(always)]
fn square_columns<V: Simd, const LANES: usize>(product: &mut Product<'_, V::T>) {
    let Product { a, b, c, epilogue } = product;
    let ([_, depth], [_, n_columns]) = (a.shape(), c.shape());
    let whole = depth - depth % LANES;
    for column in (0..n_columns).step_by(LANES) {
        let columns = column..n_columns.min(column + LANES);
        let b = b.columns(columns.clone());
        let mut sum = V::zero();
        // SAFETY: the terms and columns exist.
        unsafe {
            for start in (0..whole).step_by(LANES) {
                add_square::<V, LANES>(*a, b, start, LANES, &mut sum);
            }
            if whole < depth {
                add_square::<V, LANES>(*a, b, whole, depth - whole, &mut sum);
            }
            let epilogue = epilogue.of_columns(columns.clone());
            finish([[sum]], c.part(0..1, columns), epilogue);
        }
    }
}

/// Adds `n` terms from `start` on to the sums of up to `LANES` columns of `b`.
///
/// # Safety
/// The terms must exist, and `b` must have a column.
#[inline(always)]
unsafe fn add_square<V: Simd, const LANES: usize>(
    a: Matrix<'_, V::T>,
    b: Matrix<'_, V::T>,
    start: usize,
    n: usize,
    sum: &mut V,
) {
    let last = b.shape()[1] - 1;
    let mut square = [V::zero(); LANES];
    // SAFETY: as for this function.
    unsafe {
        for (index, slot) in square.iter_mut().enumerate() {
            // Beyond the last column, the lanes are not used.
            *slot = load_up_to(b.at(start, index.min(last)), n);
        }
        for (index, terms) in transposed(square).into_iter().enumerate().take(n) {
            *sum = V::splat(*a.at(0, start + index)).multiply_add(terms, *sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::{AddGradients, InstructionSet};
    use crate::random::{Purpose, Streams};

    /// Around the widths that have kernels of their own, and the length of a sum.
    const WIDTHS: &[usize] = if cfg!(miri) {
        &[1, 4, 8, 17]
    } else {
        &[
            1, 2, 3, 4, 5, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 257,
        ]
    };

    /// Rows of a batch, enough for the kernels of many rows.
    const N_ROWS: usize = 5;

    /// Random values from -1 to 1, a third of them 0.
    fn random<S: crate::Scalar>(n: usize, index: u64) -> Vec<S> {
        let mut stream = Streams::new(5).stream(Purpose::Test, index);
        let values = (0..n).map(|_| stream.uniform_in(-1.0, 1.0));
        values
            .map(|x| S::from_f64(if x.abs() < 0.33 { 0.0 } else { x }))
            .collect()
    }

    /// A single row has the bits of a batch of rows in both directions, and its
    /// gradients are each rounded once, as by their definition.
    fn check<S: crate::Scalar>(set: InstructionSet, shape: [usize; 2]) {
        let [n_inputs, n_outputs] = shape;
        let context = || format!("{set:?}, {n_inputs} to {n_outputs}");
        let (inputs, errors) = (random(N_ROWS * n_inputs, 0), random(N_ROWS * n_outputs, 3));
        let (weights, bias) = (random(n_inputs * n_outputs, 1), random(n_outputs, 2));
        let inputs_of_batch = Matrix::new(&inputs, [N_ROWS, n_inputs]);
        let errors_of_batch = Matrix::new(&errors, [N_ROWS, n_outputs]);
        let matrix = Matrix::new(&weights, shape);

        let mut batch = bias.repeat(N_ROWS);
        let c = MatrixMut::new(&mut batch, [N_ROWS, n_outputs]);
        S::gemm(
            set,
            Product::new(inputs_of_batch, matrix, c, Epilogue::Accumulate),
        );
        let mut sums = vec![S::nan(); n_outputs];
        for (inputs, expected) in inputs.chunks(n_inputs).zip(batch.chunks(n_outputs)) {
            let (weights, bias, sums) = (&*weights, &*bias, &mut *sums);
            #[rustfmt::skip]
            S::weighted_sums(set, WeightedSums { inputs, weights, bias, sums });
            assert_eq!(sums, expected, "{}", context());
        }

        let mut batch = vec![S::nan(); N_ROWS * n_inputs];
        let c = MatrixMut::new(&mut batch, [N_ROWS, n_inputs]);
        S::gemm(
            set,
            Product::new(errors_of_batch, matrix.t(), c, Epilogue::Overwrite),
        );
        let mut below = vec![S::nan(); n_inputs];
        for (error, expected) in errors.chunks(n_outputs).zip(batch.chunks(n_inputs)) {
            let (weights, below) = (&*weights, &mut *below);
            #[rustfmt::skip]
            S::error_below(set, ErrorBelow { error, weights, below });
            assert_eq!(below, expected, "{}", context());
        }

        let (inputs, error) = (&inputs[..n_inputs], &errors[..n_outputs]);
        let (mut new_weights, mut new_bias) = (weights.clone(), bias.clone());
        let gradients = AddGradients {
            inputs,
            error,
            weights: &mut new_weights,
            bias: &mut new_bias,
        };
        S::add_gradients(set, gradients);
        for (index, (&found, &old)) in new_weights.iter().zip(&weights).enumerate() {
            let expected = old + inputs[index / n_outputs] * error[index % n_outputs];
            assert_eq!(found, expected, "{}", context());
        }
        for ((found, old), &change) in new_bias.into_iter().zip(bias).zip(error) {
            assert_eq!(found, old + change);
        }
    }

    #[test]
    fn single_rows_have_the_bits_of_a_batch() {
        for set in InstructionSet::available() {
            for &n_inputs in WIDTHS {
                for &n_outputs in WIDTHS {
                    check::<f32>(set, [n_inputs, n_outputs]);
                    check::<f64>(set, [n_inputs, n_outputs]);
                }
            }
        }
    }

    #[test]
    fn empty_sums() {
        let mut sums = [f32::NAN; 2];
        crate::row::weighted_sums(&[], &[], &[1.0, 2.0], &mut sums);
        assert_eq!(sums, [1.0, 2.0]);
        crate::row::backward(&[], &[], &mut sums);
        assert_eq!(sums, [0.0, 0.0]);
    }

    #[test]
    #[should_panic(expected = "5 weights and 3 biases do not connect 2 inputs to 3 outputs")]
    fn mismatched_shapes_are_reported() {
        crate::row::weighted_sums(&[0.0; 2], &[0.0; 5], &[0.0; 3], &mut [0.0; 3]);
    }
}
