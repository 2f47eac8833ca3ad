//! A single row through a dense layer, and its error back:
//!
//! ```text
//! z ← b + a·W          δ' ← δ·Wᵀ          W ← W + aᵀ·δ,  b ← b + δ
//! ```
//!
//! With matrices that lie row after row nothing has to be chosen and nothing
//! has a stride, so that a small layer's product costs little more than its
//! arithmetic. The sums are those of [`super::gemm`], term by term.

use super::dispatch::Quad;
use super::gemm::{KC, Strip};
use super::instruction_set::InstructionSet;
use super::simd::{Simd, load_up_to, store_up_to};
use super::{outer, single_row};

/// Element types that have kernels for single rows.
pub trait RowProducts: Copy + Default + Sized + 'static {
    #[doc(hidden)]
    fn row_kernels(set: InstructionSet) -> &'static RowKernels<Self>;
}

/// The kernels of one element type and instruction set.
#[derive(Debug)]
pub struct RowKernels<T: 'static> {
    weighted_sums: unsafe fn(DenseRow<T>),
    error_below: unsafe fn(DenseRow<T>),
    add_gradients: unsafe fn(DenseRow<T>),
}

/// What a kernel works on; each reads two of the rows and writes the third, or
/// what it says.
#[derive(Clone, Copy, Debug)]
struct DenseRow<T> {
    n_inputs: usize,
    n_outputs: usize,
    /// `[n_inputs]`
    inputs: *mut T,
    /// `[n_inputs, n_outputs]`
    weights: *mut T,
    /// `[n_outputs]`
    bias: *mut T,
    /// `[n_outputs]`
    outputs: *mut T,
}

/// `sums ← bias + inputs·weights`
///
/// # Panics
/// If the shapes do not fit.
pub(crate) fn weighted_sums<T: RowProducts>(
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
    // SAFETY: `set` is one of the machine's; the shapes fit, and of all slices
    // only `sums` is written.
    unsafe {
        (T::row_kernels(set).weighted_sums)(DenseRow {
            n_inputs: inputs.len(),
            n_outputs: sums.len(),
            inputs: inputs.as_ptr().cast_mut(),
            weights: weights.as_ptr().cast_mut(),
            bias: bias.as_ptr().cast_mut(),
            outputs: sums.as_mut_ptr(),
        });
    }
}

/// `below ← error·weightsᵀ`
///
/// # Panics
/// If the shapes do not fit.
pub(crate) fn error_below<T: RowProducts>(
    set: InstructionSet,
    error: &[T],
    weights: &[T],
    below: &mut [T],
) {
    assert_fits(below, weights, error, error);
    if error.is_empty() {
        return below.fill(T::default());
    }
    // SAFETY: as above, and only `below` is written.
    unsafe {
        (T::row_kernels(set).error_below)(DenseRow {
            n_inputs: below.len(),
            n_outputs: error.len(),
            inputs: below.as_mut_ptr(),
            weights: weights.as_ptr().cast_mut(),
            bias: std::ptr::null_mut(),
            outputs: error.as_ptr().cast_mut(),
        });
    }
}

/// `weights ← weights + inputsᵀ·error` and `bias ← bias + error`
///
/// # Panics
/// If the shapes do not fit.
pub(crate) fn add_gradients<T: RowProducts>(
    set: InstructionSet,
    inputs: &[T],
    error: &[T],
    weights: &mut [T],
    bias: &mut [T],
) {
    assert_fits(inputs, weights, bias, error);
    // SAFETY: as above, and only `weights` and `bias` are written.
    unsafe {
        (T::row_kernels(set).add_gradients)(DenseRow {
            n_inputs: inputs.len(),
            n_outputs: error.len(),
            inputs: inputs.as_ptr().cast_mut(),
            weights: weights.as_mut_ptr(),
            bias: bias.as_mut_ptr(),
            outputs: error.as_ptr().cast_mut(),
        });
    }
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

impl<T> DenseRow<T> {
    /// The terms `start..` of the row's product with the weights, as many as a
    /// sum takes at once.
    fn product_from(self, start: usize) -> Strip<T> {
        Strip {
            depth: KC.min(self.n_inputs - start),
            a: self.inputs.wrapping_add(start),
            a_row_stride: 0,
            a_depth_stride: 1,
            panel: self.weights.wrapping_add(start * self.n_outputs),
            b_row_stride: self.n_outputs as isize,
            c: self.outputs,
            c_row_stride: 0,
            columns: self.n_outputs,
            accumulate: true,
        }
    }

    /// The same of the error's product with the transposed weights.
    fn transposed_product_from(self, start: usize) -> Strip<T> {
        Strip {
            depth: KC.min(self.n_outputs - start),
            a: self.outputs.wrapping_add(start),
            panel: self.weights.wrapping_add(start),
            c: self.inputs,
            columns: self.n_inputs,
            accumulate: start > 0,
            ..self.product_from(0)
        }
    }

    /// The product of the inputs as a column and the error as a row.
    fn outer_product(self) -> Strip<T> {
        Strip {
            depth: 1,
            a: self.inputs,
            a_row_stride: 1,
            a_depth_stride: 0,
            panel: self.outputs,
            b_row_stride: 0,
            c: self.weights,
            c_row_stride: self.n_outputs as isize,
            columns: self.n_outputs,
            accumulate: true,
        }
    }
}

/// `z ← b + a·W`, block by block of the sum.
///
/// # Safety
/// `row` must describe memory that exists, and the machine must have the
/// instructions of `V`, which the function this is inlined into must be
/// compiled for.
#[inline(always)]
unsafe fn weighted_sums_with<V: Simd>(row: DenseRow<V::T>) {
    // SAFETY: the strips lie in the memory that the caller vouches for.
    unsafe {
        single_row::times_rows_onto::<V>(row.product_from(0), row.bias);
        for start in (KC..row.n_inputs).step_by(KC) {
            single_row::times_rows::<V>(row.product_from(start));
        }
    }
}

/// `δ' ← δ·Wᵀ`, block by block of the sum.
///
/// # Safety
/// As [`weighted_sums_with`].
#[inline(always)]
unsafe fn error_below_with<V: Simd>(row: DenseRow<V::T>) {
    for start in (0..row.n_outputs).step_by(KC) {
        // SAFETY: as above.
        unsafe { single_row::times_columns::<V>(row.transposed_product_from(start)) }
    }
}

/// `W ← W + aᵀ·δ` and `b ← b + δ`
///
/// # Safety
/// As [`weighted_sums_with`].
#[inline(always)]
unsafe fn add_gradients_with<V: Simd>(row: DenseRow<V::T>) {
    // SAFETY: as above.
    unsafe {
        outer::one_term::<V>(row.outer_product(), row.n_inputs);
        for column in (0..row.n_outputs).step_by(V::LANES) {
            let (n, bias) = (row.n_outputs - column, row.bias.add(column));
            let sum = load_up_to::<V>(bias, n).add(load_up_to(row.outputs.add(column), n));
            store_up_to(sum, bias, n);
        }
    }
}

/// Compiles the kernels of one vector type for its instructions.
macro_rules! row_kernels {
    ($module:ident, $vector:ty $(, $features:literal)?) => {
        mod $module {
            use super::*;

            type T = <$vector as Simd>::T;

            pub(super) static KERNELS: RowKernels<T> = RowKernels {
                weighted_sums,
                error_below,
                add_gradients,
            };

            /// # Safety
            /// See [`weighted_sums_with`].
            $(#[target_feature(enable = $features)])?
            unsafe fn weighted_sums(row: DenseRow<T>) {
                // SAFETY: this function is compiled for the instructions of
                // the vector; the caller vouches for the rest.
                unsafe { weighted_sums_with::<$vector>(row) }
            }

            /// # Safety
            /// See [`error_below_with`].
            $(#[target_feature(enable = $features)])?
            unsafe fn error_below(row: DenseRow<T>) {
                // SAFETY: as above.
                unsafe { error_below_with::<$vector>(row) }
            }

            /// # Safety
            /// See [`add_gradients_with`].
            $(#[target_feature(enable = $features)])?
            unsafe fn add_gradients(row: DenseRow<T>) {
                // SAFETY: as above.
                unsafe { add_gradients_with::<$vector>(row) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

#[cfg(target_arch = "x86_64")]
row_kernels!(f32_avx512, __m512, "avx512f");
#[cfg(target_arch = "x86_64")]
row_kernels!(f64_avx512, __m512d, "avx512f");
#[cfg(target_arch = "x86_64")]
row_kernels!(f32_avx2, __m256, "avx2,fma");
#[cfg(target_arch = "x86_64")]
row_kernels!(f64_avx2, __m256d, "avx2,fma");
row_kernels!(f32_portable, Quad<f32>);
row_kernels!(f64_portable, Quad<f64>);

macro_rules! row_products {
    ($type:ty, $portable:ident, $avx2:ident, $avx512:ident) => {
        impl RowProducts for $type {
            fn row_kernels(set: InstructionSet) -> &'static RowKernels<Self> {
                kernels_of!(set, $portable, $avx2, $avx512)
            }
        }
    };
}

row_products!(f32, f32_portable, f32_avx2, f32_avx512);
row_products!(f64, f64_portable, f64_avx2, f64_avx512);

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
            true,
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
            false,
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
