//! `out ← out + Σₜ xₜ·M[iₜ, :]`: a sum of some rows of a matrix.
//!
//! One row of a product `X·M` is such a sum over the numbers of a row of X
//! that are not 0, and so is a row of `Xᵀ·M` over a column of X.

use super::InstructionSet;
use super::gemm::Gemm;
use super::simd::{Quad, Simd};

/// What one call works on.
#[derive(Debug)]
#[allow(
    unreachable_pub,
    reason = "in the signature of a public trait's hidden method"
)]
pub struct Sum<'a, T> {
    /// Which rows of the matrix.
    indices: &'a [u16],
    /// Their factors, as keys of `factors`.
    keys: &'a [u8],
    factors: &'a [T; 256],
    /// Added up (or, by [`add_outer`], the one row that is added).
    matrix: &'a [T],
    out: &'a mut [T],
    n_columns: usize,
}

/// The same, as pointers whose targets have been checked.
#[derive(Clone, Copy)]
struct Checked<'a, T> {
    indices: &'a [u16],
    keys: &'a [u8],
    factors: &'a [T; 256],
    matrix: *const T,
    out: *mut T,
    n_columns: usize,
}

impl<'a, T> Sum<'a, T> {
    /// `rows` is the length of what the indices point into.
    #[inline(always)]
    fn check(self, rows: usize) -> Checked<'a, T> {
        // In here, so that the search is compiled for wide vectors, too.
        let largest = self
            .indices
            .iter()
            .fold(0, |largest, &index| index.max(largest));
        let needed = (usize::from(largest) + 1) * self.n_columns;
        assert!(
            self.indices.len() == self.keys.len() && (needed <= rows || self.indices.is_empty()),
            "row {largest} of {} columns does not exist",
            self.n_columns
        );
        Checked {
            indices: self.indices,
            keys: self.keys,
            factors: self.factors,
            matrix: self.matrix.as_ptr(),
            out: self.out.as_mut_ptr(),
            n_columns: self.n_columns,
        }
    }
}

/// `out ← out + Σₜ factors[keys[t]]·matrix[indices[t], :]`
///
/// The terms of every element are added in order, so that its bits do not
/// depend on the width of the rows.
///
/// # Panics
/// If the lengths do not fit or an index names no row.
pub(crate) fn add_weighted_rows<T: Gemm + Copy>(
    set: InstructionSet,
    indices: &[u16],
    keys: &[u8],
    factors: &[T; 256],
    matrix: &[T],
    out: &mut [T],
) {
    let n_columns = out.len();
    let sum = Sum {
        indices,
        keys,
        factors,
        matrix,
        out,
        n_columns,
    };
    // SAFETY: `set` is one of the machine's; the kernel checks the rest.
    unsafe { T::sum_kernel(set)(sum) }
}

/// `out[indices[t], :] ← out[indices[t], :] + factors[keys[t]]·row` for every t.
///
/// # Panics
/// If the lengths do not fit or an index names no row.
pub(crate) fn add_outer<T: Gemm + Copy>(
    set: InstructionSet,
    indices: &[u16],
    keys: &[u8],
    factors: &[T; 256],
    row: &[T],
    out: &mut [T],
) {
    let n_columns = row.len();
    let sum = Sum {
        indices,
        keys,
        factors,
        matrix: row,
        out,
        n_columns,
    };
    // SAFETY: `set` is one of the machine's; the kernel checks the rest.
    unsafe { T::outer_kernel(set)(sum) }
}

/// Blocks of eight, then four, two and one vectors, then the rest.
///
/// # Safety
/// The machine must have the instructions of `V`.
#[inline(always)]
unsafe fn weighted_rows<V: Simd>(sum: Sum<'_, V::T>) {
    let n_rows = sum.matrix.len();
    let sum = sum.check(n_rows);
    // SAFETY: every index lies in the matrix; the columns of the blocks follow
    // one another up to `n_columns`, the length of `out`.
    unsafe {
        let mut column = 0;
        while column + 8 * V::LANES <= sum.n_columns {
            block::<V, 8>(sum, column);
            column += 8 * V::LANES;
        }
        if column + 4 * V::LANES <= sum.n_columns {
            block::<V, 4>(sum, column);
            column += 4 * V::LANES;
        }
        if column + 2 * V::LANES <= sum.n_columns {
            block::<V, 2>(sum, column);
            column += 2 * V::LANES;
        }
        if column + V::LANES <= sum.n_columns {
            block::<V, 1>(sum, column);
            column += V::LANES;
        }
        if column < sum.n_columns {
            partial_block::<V>(sum, column);
        }
    }
}

/// `N` vectors of columns, summed in registers.
///
/// # Safety
/// The columns and the rows must exist, and the machine must have the
/// instructions of `V`.
#[inline(always)]
unsafe fn block<V: Simd, const N: usize>(sum: Checked<'_, V::T>, column: usize) {
    // SAFETY: see above.
    unsafe {
        let out = sum.out.add(column);
        let matrix = sum.matrix.add(column);
        let mut sums = [V::zero(); N];
        for (vector, slot) in sums.iter_mut().enumerate() {
            *slot = V::load(out.add(vector * V::LANES));
        }
        for (&index, &key) in sum.indices.iter().zip(sum.keys) {
            let factor = V::splat(sum.factors[usize::from(key)]);
            let row = matrix.add(usize::from(index) * sum.n_columns);
            for (vector, slot) in sums.iter_mut().enumerate() {
                *slot = factor.multiply_add(V::load(row.add(vector * V::LANES)), *slot);
            }
        }
        for (vector, slot) in sums.into_iter().enumerate() {
            slot.store(out.add(vector * V::LANES));
        }
    }
}

/// The columns after the last whole vector.
///
/// # Safety
/// As [`block`].
#[inline(always)]
unsafe fn partial_block<V: Simd>(sum: Checked<'_, V::T>, column: usize) {
    // SAFETY: see above; no lane beyond `n` is touched.
    unsafe {
        let n = sum.n_columns - column;
        let out = sum.out.add(column);
        let matrix = sum.matrix.add(column);
        let mut total = V::load_part(out, n);
        for (&index, &key) in sum.indices.iter().zip(sum.keys) {
            let factor = V::splat(sum.factors[usize::from(key)]);
            let row = V::load_part(matrix.add(usize::from(index) * sum.n_columns), n);
            total = factor.multiply_add(row, total);
        }
        total.store_part(out, n);
    }
}

/// As [`weighted_rows`], the other way round: `sum.matrix` is one row, which is
/// added to rows of `sum.out`.
///
/// # Safety
/// The machine must have the instructions of `V`.
#[inline(always)]
unsafe fn outer<V: Simd>(sum: Sum<'_, V::T>) {
    let n_rows = sum.out.len();
    let sum = sum.check(n_rows);
    // SAFETY: every index lies in `out`; the columns of the blocks follow one
    // another up to `n_columns`, the length of the row.
    unsafe {
        let mut column = 0;
        while column + 8 * V::LANES <= sum.n_columns {
            outer_block::<V, 8>(sum, column);
            column += 8 * V::LANES;
        }
        if column + 4 * V::LANES <= sum.n_columns {
            outer_block::<V, 4>(sum, column);
            column += 4 * V::LANES;
        }
        if column + 2 * V::LANES <= sum.n_columns {
            outer_block::<V, 2>(sum, column);
            column += 2 * V::LANES;
        }
        if column + V::LANES <= sum.n_columns {
            outer_block::<V, 1>(sum, column);
            column += V::LANES;
        }
        let n = sum.n_columns - column;
        if n > 0 {
            let row = V::load_part(sum.matrix.add(column), n);
            for (&index, &key) in sum.indices.iter().zip(sum.keys) {
                let factor = V::splat(sum.factors[usize::from(key)]);
                let out = sum.out.add(usize::from(index) * sum.n_columns + column);
                factor
                    .multiply_add(row, V::load_part(out, n))
                    .store_part(out, n);
            }
        }
    }
}

/// `N` vectors of the row, kept in registers.
///
/// # Safety
/// As [`block`].
#[inline(always)]
unsafe fn outer_block<V: Simd, const N: usize>(sum: Checked<'_, V::T>, column: usize) {
    // SAFETY: see above.
    unsafe {
        let mut row = [V::zero(); N];
        for (vector, slot) in row.iter_mut().enumerate() {
            *slot = V::load(sum.matrix.add(column + vector * V::LANES));
        }
        for (&index, &key) in sum.indices.iter().zip(sum.keys) {
            let factor = V::splat(sum.factors[usize::from(key)]);
            let out = sum.out.add(usize::from(index) * sum.n_columns + column);
            for (vector, row) in row.into_iter().enumerate() {
                let out = out.add(vector * V::LANES);
                factor.multiply_add(row, V::load(out)).store(out);
            }
        }
    }
}

/// A kernel compiled for one instruction set.
#[allow(
    unreachable_pub,
    reason = "in the signature of a public trait's hidden method"
)]
pub type SumKernel<T> = unsafe fn(Sum<'_, T>);

macro_rules! compiled {
    ($name:ident, $outer:ident, $vector:ty $(, $features:literal)?) => {
        /// # Safety
        /// The machine must have the instructions.
        $(#[target_feature(enable = $features)])?
        pub(super) unsafe fn $name(sum: Sum<'_, <$vector as Simd>::T>) {
            // SAFETY: this function is compiled for the instructions of the
            // vector; the caller vouches for the rest.
            unsafe { weighted_rows::<$vector>(sum) }
        }

        /// # Safety
        /// The machine must have the instructions.
        $(#[target_feature(enable = $features)])?
        pub(super) unsafe fn $outer(sum: Sum<'_, <$vector as Simd>::T>) {
            // SAFETY: as above.
            unsafe { outer::<$vector>(sum) }
        }
    };
}

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

#[cfg(target_arch = "x86_64")]
compiled!(f32_avx512, f32_avx512_outer, __m512, "avx512f");
#[cfg(target_arch = "x86_64")]
compiled!(f64_avx512, f64_avx512_outer, __m512d, "avx512f");
#[cfg(target_arch = "x86_64")]
compiled!(f32_avx2, f32_avx2_outer, __m256, "avx2,fma");
#[cfg(target_arch = "x86_64")]
compiled!(f64_avx2, f64_avx2_outer, __m256d, "avx2,fma");
compiled!(f32_portable, f32_portable_outer, Quad<f32>);
compiled!(f64_portable, f64_portable_outer, Quad<f64>);
