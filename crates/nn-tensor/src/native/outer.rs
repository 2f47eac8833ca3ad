//! The gradients of a single row: the outer product of inputs and error.

use std::ops::Range;

use super::dispatch::Element;
use super::matrix::MatrixMut;
use super::micro::{ByColumns, Epilogue, by_columns, finish, load_row};
use super::row::layer_shape;
use super::simd::{Program, Simd, load_up_to, store_up_to};

/// `weights ← weights + inputsᵀ·error` and `bias ← bias + error`
#[derive(Debug)]
pub struct AddGradients<'a, T> {
    pub(crate) inputs: &'a [T],
    pub(crate) error: &'a [T],
    pub(crate) weights: &'a mut [T],
    pub(crate) bias: &'a mut [T],
}

impl<T: Element> Program<T> for AddGradients<'_, T> {
    #[inline(always)]
    fn run<V: Simd<T = T>>(mut self) {
        let [_, n_outputs] = layer_shape(self.inputs, self.weights, self.bias, self.error);
        match n_outputs {
            1 => self.add_whole_rows::<V, 1>(),
            2 if V::INTERLEAVES_FAST => self.add_whole_rows::<V, 2>(),
            4 if V::INTERLEAVES_FAST => self.add_whole_rows::<V, 4>(),
            8 if V::INTERLEAVES_FAST => self.add_whole_rows::<V, 8>(),
            // SAFETY: these are all columns.
            _ => unsafe { by_columns::<V, _>(n_outputs, &mut self) },
        }
        for column in (0..n_outputs).step_by(V::LANES) {
            // SAFETY: there is one bias per error.
            unsafe {
                let (n, bias) = (n_outputs - column, self.bias.as_mut_ptr().add(column));
                let error = load_up_to(self.error.as_ptr().add(column), n);
                store_up_to(load_up_to::<V>(bias, n).add(error), bias, n);
            }
        }
    }
}

/// Weights with rows of any width.
impl<V: Simd> ByColumns<V> for AddGradients<'_, V::T> {
    const MAX_PART: usize = 1;

    #[inline(always)]
    unsafe fn block<const N: usize>(&mut self, columns: Range<usize>) {
        const TOGETHER: usize = 8;
        let [n_inputs, n_outputs] = [self.inputs.len(), self.error.len()];
        let mut weights = MatrixMut::new(self.weights, [n_inputs, n_outputs]);
        // SAFETY: the rows and columns exist.
        unsafe {
            let error = self.error.as_ptr().add(columns.start);
            let error = load_row::<V, N>(error, columns.len());
            let mut weights = weights.part(0..n_inputs, columns);
            let mut first = 0;
            // Several narrow rows are stored together.
            while const { N == 1 } && first + TOGETHER <= n_inputs {
                let (end, inputs) = (first + TOGETHER, self.inputs.as_ptr().add(first));
                add_rows::<V, N, TOGETHER>(inputs, error, weights.rows(first..end));
                first = end;
            }
            while first < n_inputs {
                let (end, inputs) = (first + 1, self.inputs.as_ptr().add(first));
                add_rows::<V, N, 1>(inputs, error, weights.rows(first..end));
                first = end;
            }
        }
    }
}

/// Adds the gradients of `R` rows of weights.
///
/// # Safety
/// There must be `R` inputs and rows, and `N` vectors of columns, the last of which
/// may be partial.
#[inline(always)]
unsafe fn add_rows<V: Simd, const N: usize, const R: usize>(
    inputs: *const V::T,
    error: [V; N],
    weights: MatrixMut<'_, V::T>,
) {
    let mut sums = [[V::zero(); N]; R];
    // SAFETY: as for this function.
    unsafe {
        for (index, sums) in sums.iter_mut().enumerate() {
            let input = V::splat(*inputs.add(index));
            for (sum, error) in sums.iter_mut().zip(error) {
                *sum = input.multiply_add(error, V::zero());
            }
        }
        finish(sums, weights, Epilogue::Accumulate);
    }
}

impl<T: Element> AddGradients<'_, T> {
    /// Adds to rows of `N` weights, a power of two that is at most `LANES`. A vector
    /// holds several rows, since storing a part of a vector is slow on some processors.
    #[inline(always)]
    fn add_whole_rows<V: Simd<T = T>, const N: usize>(&mut self) {
        let n_inputs = self.inputs.len();
        // SAFETY: only existing inputs, errors and weights are accessed.
        unsafe {
            let error = repeated::<V, N>(self.error.as_ptr());
            for first in (0..n_inputs).step_by(V::LANES) {
                let inputs = load_up_to(self.inputs.as_ptr().add(first), n_inputs - first);
                let weights = self.weights.as_mut_ptr().add(first * N);
                let n = (n_inputs - first) * N;
                for (vector, input) in each_repeated::<V, N>(inputs).into_iter().enumerate() {
                    let start = vector * V::LANES;
                    let (weights, n) = (weights.wrapping_add(start), n.saturating_sub(start));
                    let sum = input.multiply_add(error, V::zero());
                    store_up_to(load_up_to::<V>(weights, n).add(sum), weights, n);
                }
            }
        }
    }
}

/// Repeats `N` elements: `r₀ r₁ r₀ r₁ …`
///
/// # Safety
/// The elements must exist.
#[inline(always)]
unsafe fn repeated<V: Simd, const N: usize>(values: *const V::T) -> V {
    let mut vectors = [V::zero(); N];
    for (index, slot) in vectors.iter_mut().enumerate() {
        // SAFETY: as for this function.
        *slot = unsafe { V::splat(*values.add(index)) };
    }
    let mut n = N;
    while n > 1 {
        n /= 2;
        for index in 0..n {
            vectors[index] = vectors[index].interleave(vectors[index + n]).0;
        }
    }
    vectors[0]
}

/// Repeats every lane `N` times, a power of two: `a₀ a₀ a₁ a₁ …`
#[inline(always)]
fn each_repeated<V: Simd, const N: usize>(a: V) -> [V; N] {
    let mut vectors = [a; N];
    let mut n = 1;
    while n < N {
        let before = vectors;
        for index in 0..n {
            let (first, second) = before[index].interleave(before[index]);
            vectors[2 * index] = first;
            vectors[2 * index + 1] = second;
        }
        n *= 2;
    }
    vectors
}
