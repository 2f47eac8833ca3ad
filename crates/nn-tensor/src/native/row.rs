//! Products of single rows, with a B that is read where it lies:
//!
//! ```text
//! z ← b + a·W          δ' ← δ·Wᵀ          W ← W + aᵀ·δ,  b ← b + δ
//! ```
//!
//! The sums are those of [`super::gemm`], term by term, so that a sample gets the
//! same outputs alone as in a batch.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::dispatch::{Element, dispatch};
use super::instruction_set::InstructionSet;
use super::matrix::{Matrix, MatrixMut};
use super::micro::{ByColumns, Columns, Epilogue, Listed, by_columns, finish, gather};
use super::outer::one_term;
use super::pack::{KC, transposed};
use super::product::Product;
use super::simd::{MAX_LANES, Program, Simd, load_up_to, store_up_to};

/// `sums ← bias + inputs·weights`
///
/// # Panics
/// If the shapes do not fit.
pub(crate) fn weighted_sums<T: Element>(
    set: InstructionSet,
    inputs: &[T],
    weights: &[T],
    bias: &[T],
    sums: &mut [T],
) {
    assert_fits(inputs, weights, bias, sums);
    if inputs.is_empty() {
        return sums.copy_from_slice(bias);
    }
    dispatch(
        set,
        WeightedSums {
            inputs,
            weights,
            bias,
            sums,
        },
    );
}

/// `below ← error·weightsᵀ`
///
/// # Panics
/// If the shapes do not fit.
pub(crate) fn error_below<T: Element>(
    set: InstructionSet,
    error: &[T],
    weights: &[T],
    below: &mut [T],
) {
    assert_fits(below, weights, error, error);
    if error.is_empty() {
        return below.fill(T::default());
    }
    dispatch(
        set,
        ErrorBelow {
            error,
            weights,
            below,
        },
    );
}

/// `weights ← weights + inputsᵀ·error` and `bias ← bias + error`
///
/// # Panics
/// If the shapes do not fit.
pub(crate) fn add_gradients<T: Element>(
    set: InstructionSet,
    inputs: &[T],
    error: &[T],
    weights: &mut [T],
    bias: &mut [T],
) {
    assert_fits(inputs, weights, bias, error);
    dispatch(
        set,
        AddGradients {
            inputs,
            error,
            weights,
            bias,
        },
    );
}

#[inline]
fn assert_fits<T>(inputs: &[T], weights: &[T], bias: &[T], outputs: &[T]) {
    let [n_inputs, n_outputs] = [inputs.len(), outputs.len()];
    assert!(
        bias.len() == n_outputs && n_inputs.checked_mul(n_outputs) == Some(weights.len()),
        "{} weights and {} biases do not lead from {n_inputs} inputs to {n_outputs} outputs",
        weights.len(),
        bias.len(),
    );
}

// The views are made inside the kernels, which are compiled for their strides.

struct WeightedSums<'a, T> {
    inputs: &'a [T],
    weights: &'a [T],
    bias: &'a [T],
    sums: &'a mut [T],
}

impl<T: Element> Program<T> for WeightedSums<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Simd<T = T>>(self) {
        let [n_inputs, n_outputs] = [self.inputs.len(), self.bias.len()];
        let mut product = Product {
            a: Matrix::new(self.inputs, [1, n_inputs]),
            b: Matrix::new(self.weights, [n_inputs, n_outputs]),
            c: MatrixMut::new(self.sums, [1, n_outputs]),
            epilogue: Epilogue::AddBias(self.bias),
        };
        // SAFETY: as the caller's promise.
        unsafe { times_rows::<V>(&mut product) }
    }
}

struct ErrorBelow<'a, T> {
    error: &'a [T],
    weights: &'a [T],
    below: &'a mut [T],
}

impl<T: Element> Program<T> for ErrorBelow<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Simd<T = T>>(self) {
        let [n_inputs, n_outputs] = [self.below.len(), self.error.len()];
        let mut product = Product {
            a: Matrix::new(self.error, [1, n_outputs]),
            b: Matrix::new(self.weights, [n_inputs, n_outputs]).t(),
            c: MatrixMut::new(self.below, [1, n_inputs]),
            epilogue: Epilogue::Overwrite,
        };
        // SAFETY: as the caller's promise.
        unsafe { times_columns::<V>(&mut product) }
    }
}

struct AddGradients<'a, T> {
    inputs: &'a [T],
    error: &'a [T],
    weights: &'a mut [T],
    bias: &'a mut [T],
}

impl<T: Element> Program<T> for AddGradients<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Simd<T = T>>(self) {
        let [n_inputs, n_outputs] = [self.inputs.len(), self.error.len()];
        let mut product = Product {
            a: Matrix::new(self.inputs, [n_inputs, 1]),
            b: Matrix::new(self.error, [1, n_outputs]),
            c: MatrixMut::new(self.weights, [n_inputs, n_outputs]),
            epilogue: Epilogue::Accumulate,
        };
        // SAFETY: as the caller's promise; there is one bias per error.
        unsafe {
            one_term::<V>(&mut product);
            for column in (0..n_outputs).step_by(V::LANES) {
                let (n, bias) = (n_outputs - column, self.bias.as_mut_ptr().add(column));
                let error = load_up_to(self.error.as_ptr().add(column), n);
                store_up_to(load_up_to::<V>(bias, n).add(error), bias, n);
            }
        }
    }
}

/// Rows of A, one at a time, times a B of contiguous rows.
pub(super) struct RowTimesRows<'p, 'a, T>(pub(super) &'p mut Product<'a, T>);

impl<T: Element> Program<T> for RowTimesRows<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Simd<T = T>>(self) {
        for row in 0..self.0.a.shape()[0] {
            let depth = self.0.depth();
            // SAFETY: as the caller's promise.
            unsafe { times_rows::<V>(&mut self.0.part(row..row + 1, 0..depth)) }
        }
    }
}

/// One row of [`RowTimesRows`].
///
/// Rows of B that would be multiplied by 0 are left out: most of an image is
/// paper, and half of the outputs of a rectifier are 0.
///
/// # Safety
/// The rows of B must be contiguous, and the machine must have the instructions
/// of `V`.
#[inline(always)]
unsafe fn times_rows<V: Simd>(product: &mut Product<'_, V::T>) {
    let mut buffer = [MaybeUninit::uninit(); KC + MAX_LANES];
    let [depth, n_columns] = product.b.shape();
    for start in (0..depth).step_by(KC) {
        // SAFETY: as the caller's promise.
        unsafe {
            let mut product = product.part(0..1, start..depth.min(start + KC));
            let terms = terms_of::<V>(product.a, &mut buffer);
            let product = &mut product;
            by_columns::<V, _>(n_columns, &mut TermsOfRow { product, terms });
        }
    }
}

/// Room for the indices of a whole sum, and of the lanes after it.
type TermBuffer = [MaybeUninit<u16>; KC + MAX_LANES];

/// Sums of so few terms are done before their zeros are found.
const ALL_TERMS: [u16; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

/// The terms to add up: all of a short sum, otherwise those that are not 0.
///
/// # Safety
/// The machine must have the instructions of `V`.
#[inline(always)]
unsafe fn terms_of<'t, V: Simd>(a: Matrix<'_, V::T>, buffer: &'t mut TermBuffer) -> &'t [u16] {
    match ALL_TERMS.get(..a.shape()[1]) {
        Some(all) => all,
        // SAFETY: as the caller's promise.
        None => unsafe { nonzero_terms::<V>(a, buffer) },
    }
}

/// Where `a` is not 0.
///
/// # Safety
/// As [`terms_of`].
#[inline(always)]
unsafe fn nonzero_terms<'t, V: Simd>(a: Matrix<'_, V::T>, buffer: &'t mut TermBuffer) -> &'t [u16] {
    let [_, depth] = a.shape();
    assert!(depth <= KC);
    let (to, mut n) = (buffer.as_mut_ptr().cast::<u16>(), 0);
    // SAFETY: at most as many terms have been written as elements were read,
    // and there is room for a vector after the last one.
    unsafe {
        if a.strides()[1] == 1 {
            for index in (0..depth).step_by(V::LANES) {
                let values = load_up_to::<V>(a.at(0, index), depth - index);
                n += values.write_nonzero_lanes(index as u16, to.add(n));
            }
        } else {
            for index in 0..depth {
                *to.add(n) = index as u16;
                n += usize::from(*a.at(0, index) != V::T::default());
            }
        }
        std::slice::from_raw_parts(to, n)
    }
}

struct TermsOfRow<'p, 'a, T> {
    product: &'p mut Product<'a, T>,
    terms: &'p [u16],
}

impl<V: Simd> ByColumns<V> for TermsOfRow<'_, '_, V::T> {
    #[inline(always)]
    unsafe fn block<const N: usize>(&mut self, columns: Range<usize>) {
        let Product { a, b, c, epilogue } = &mut *self.product;
        let terms = Listed::new(self.terms, *a, b.strides()[0]);
        let n = columns.len();
        // SAFETY: the columns exist, and so do the terms.
        unsafe {
            let first = b.at(0, columns.start);
            let mut sums = [[V::zero(); N]];
            if n == N * V::LANES {
                gather(terms, first, Columns::<false>(n), &mut sums);
            } else {
                gather(terms, first, Columns::<true>(n), &mut sums);
            }
            finish(
                sums,
                c.part(0..1, columns.clone()),
                epilogue.of_columns(columns),
            );
        }
    }
}

/// Rows of A, one at a time, times a B of contiguous columns.
pub(super) struct RowTimesColumns<'p, 'a, T>(pub(super) &'p mut Product<'a, T>);

impl<T: Element> Program<T> for RowTimesColumns<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Simd<T = T>>(self) {
        for row in 0..self.0.a.shape()[0] {
            let depth = self.0.depth();
            // SAFETY: as the caller's promise.
            unsafe { times_columns::<V>(&mut self.0.part(row..row + 1, 0..depth)) }
        }
    }
}

/// One row of [`RowTimesColumns`].
///
/// # Safety
/// The columns of B must be contiguous, and the machine must have the
/// instructions of `V`.
#[inline(always)]
unsafe fn times_columns<V: Simd>(product: &mut Product<'_, V::T>) {
    let depth = product.depth();
    let is_adjacent = product.b.strides()[1] == depth as isize;
    // SAFETY: as the caller's promise; a vector has at least as many lanes as
    // the columns have elements.
    unsafe {
        match depth {
            1 if is_adjacent => transposed_columns::<V, 1>(product),
            2 if V::INTERLEAVES_FAST && is_adjacent => transposed_columns::<V, 2>(product),
            4 if V::INTERLEAVES_FAST && is_adjacent => transposed_columns::<V, 4>(product),
            8 if V::INTERLEAVES_FAST && is_adjacent => transposed_columns::<V, 8>(product),
            _ => {
                for start in (0..depth).step_by(KC) {
                    let summed = start..depth.min(start + KC);
                    single_columns::<V>(&mut product.part(0..1, summed));
                }
            }
        }
    }
}

/// [`times_columns`] for adjacent columns of `N` elements: as many as a vector
/// has lanes are transposed in registers.
///
/// # Safety
/// As [`times_columns`]; `N` is a power of two, at most `LANES`.
#[inline(always)]
unsafe fn transposed_columns<V: Simd, const N: usize>(product: &mut Product<'_, V::T>) {
    let Product { a, b, c, epilogue } = product;
    let [_, n_columns] = c.shape();
    for column in (0..n_columns).step_by(V::LANES) {
        let columns = column..n_columns.min(column + V::LANES);
        // SAFETY: the columns exist; of missing ones nothing is read or written.
        unsafe {
            let b = b.at(0, column);
            let mut vectors = [V::zero(); N];
            for (index, slot) in vectors.iter_mut().enumerate() {
                let start = index * V::LANES;
                let n = (columns.len() * N).saturating_sub(start);
                *slot = load_up_to(b.wrapping_add(start), n);
            }
            let mut sum = V::zero();
            for (index, terms) in transposed(vectors).into_iter().enumerate() {
                sum = V::splat(*a.at(0, index)).multiply_add(terms, sum);
            }
            let c = c.part(0..1, columns.clone());
            finish([[sum]], c, epilogue.of_columns(columns));
        }
    }
}

/// [`times_columns`] an element at a time: the sums of neighbouring columns do
/// not wait for each other.
///
/// # Safety
/// As [`times_columns`].
#[inline(always)]
unsafe fn single_columns<V: Simd>(product: &mut Product<'_, V::T>) {
    const TOGETHER: usize = 8;
    let [_, n_columns] = product.c.shape();
    let together = n_columns - n_columns % TOGETHER;
    // SAFETY: the columns exist.
    unsafe {
        for column in (0..together).step_by(TOGETHER) {
            columns::<V, TOGETHER>(product, column);
        }
        for column in together..n_columns {
            columns::<V, 1>(product, column);
        }
    }
}

/// `N` sums side by side, from `column` on.
///
/// # Safety
/// As [`times_columns`]; the columns must exist.
#[inline(always)]
unsafe fn columns<V: Simd, const N: usize>(product: &mut Product<'_, V::T>, column: usize) {
    let Product { a, b, c, epilogue } = product;
    let [_, stride] = b.strides();
    // SAFETY: see above.
    unsafe {
        let first = b.at(0, column);
        let mut sums = [V::T::default(); N];
        for index in 0..a.shape()[1] {
            let a = *a.at(0, index);
            for (neighbour, sum) in sums.iter_mut().enumerate() {
                let b = first.offset(neighbour as isize * stride);
                *sum = V::multiply_add_one(a, *b.add(index), *sum);
            }
        }
        let c = c.row(0).add(column);
        for (neighbour, sum) in sums.into_iter().enumerate() {
            let c = c.add(neighbour);
            *c = match epilogue {
                Epilogue::Overwrite => sum,
                Epilogue::Accumulate => *c + sum,
                Epilogue::AddBias(bias) => bias[column + neighbour] + sum,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scalar;
    use crate::native::gemm::gemm;
    use crate::native::{Matrix, MatrixMut};
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

    /// Numbers from -1 to 1, and a third of them 0.
    fn numbers<S: Scalar>(n: usize, index: u64) -> Vec<S> {
        let mut stream = Streams::new(5).stream(Purpose::Test, index);
        let mut number = || stream.uniform_in(-1.0, 1.0);
        (0..n)
            .map(|_| {
                let value = number();
                S::from_f64(if value.abs() < 0.33 { 0.0 } else { value })
            })
            .collect()
    }

    /// Calls `check` for every instruction set and pair of widths.
    fn for_all(check: impl Fn(InstructionSet, usize, usize)) {
        for set in InstructionSet::available() {
            for &n_inputs in WIDTHS {
                WIDTHS
                    .iter()
                    .for_each(|&n_outputs| check(set, n_inputs, n_outputs));
            }
        }
    }

    fn check_weighted_sums<S: Scalar>(set: InstructionSet, n_inputs: usize, n_outputs: usize) {
        let inputs = numbers::<S>(N_ROWS * n_inputs, 0);
        let (weights, bias) = (numbers(n_inputs * n_outputs, 1), numbers(n_outputs, 2));
        let mut batch = bias.repeat(N_ROWS);
        gemm(
            set,
            Matrix::new(&inputs, [N_ROWS, n_inputs]),
            Matrix::new(&weights, [n_inputs, n_outputs]),
            MatrixMut::new(&mut batch, [N_ROWS, n_outputs]),
            Epilogue::Accumulate,
        );
        let mut sums = vec![S::nan(); n_outputs];
        for (inputs, expected) in inputs.chunks(n_inputs).zip(batch.chunks(n_outputs)) {
            weighted_sums(set, inputs, &weights, &bias, &mut sums);
            assert_eq!(sums, expected, "{set:?}, {n_inputs} to {n_outputs}");
        }
    }

    fn check_error_below<S: Scalar>(set: InstructionSet, n_inputs: usize, n_outputs: usize) {
        let errors = numbers::<S>(N_ROWS * n_outputs, 3);
        let weights = numbers(n_inputs * n_outputs, 4);
        let mut batch = vec![S::nan(); N_ROWS * n_inputs];
        gemm(
            set,
            Matrix::new(&errors, [N_ROWS, n_outputs]),
            Matrix::new(&weights, [n_inputs, n_outputs]).t(),
            MatrixMut::new(&mut batch, [N_ROWS, n_inputs]),
            Epilogue::Overwrite,
        );
        let mut below = vec![S::nan(); n_inputs];
        for (error, expected) in errors.chunks(n_outputs).zip(batch.chunks(n_inputs)) {
            error_below(set, error, &weights, &mut below);
            assert_eq!(below, expected, "{set:?}, {n_inputs} to {n_outputs}");
        }
    }

    /// Both numbers are rounded once, by the definition as by any kernel.
    fn check_gradients<S: Scalar>(set: InstructionSet, n_inputs: usize, n_outputs: usize) {
        let (inputs, error) = (numbers::<S>(n_inputs, 6), numbers(n_outputs, 7));
        let (weights, bias) = (numbers(n_inputs * n_outputs, 8), numbers(n_outputs, 9));
        let (mut new_weights, mut new_bias) = (weights.clone(), bias.clone());
        add_gradients(set, &inputs, &error, &mut new_weights, &mut new_bias);
        for (i, row) in new_weights.chunks(n_outputs).enumerate() {
            for (j, &found) in row.iter().enumerate() {
                let expected = weights[i * n_outputs + j] + inputs[i] * error[j];
                assert_eq!(found, expected, "{set:?}, {n_inputs} to {n_outputs}");
            }
        }
        for ((found, old), change) in new_bias.into_iter().zip(bias).zip(error) {
            assert_eq!(found, old + change);
        }
    }

    #[test]
    fn weighted_sums_have_the_bits_of_a_batch() {
        for_all(check_weighted_sums::<f32>);
        for_all(check_weighted_sums::<f64>);
    }

    #[test]
    fn errors_below_have_the_bits_of_a_batch() {
        for_all(check_error_below::<f32>);
        for_all(check_error_below::<f64>);
    }

    #[test]
    fn gradients_are_added_by_their_definition() {
        for_all(check_gradients::<f32>);
        for_all(check_gradients::<f64>);
    }

    #[test]
    fn empty_sums() {
        let mut sums = [f32::NAN; 2];
        weighted_sums(InstructionSet::Portable, &[], &[], &[1.0, 2.0], &mut sums);
        assert_eq!(sums, [1.0, 2.0]);
        error_below(InstructionSet::Portable, &[], &[], &mut sums);
        assert_eq!(sums, [0.0, 0.0]);
    }

    #[test]
    #[should_panic(expected = "5 weights and 3 biases do not lead from 2 inputs to 3 outputs")]
    fn shapes_that_do_not_fit_are_named() {
        weighted_sums(
            InstructionSet::Portable,
            &[0.0; 2],
            &[0.0; 5],
            &[0.0; 3],
            &mut [0.0; 3],
        );
    }
}
