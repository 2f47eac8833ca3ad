//! `out ← out + Σₜ xₜ·M[iₜ, :]`: a sum of some rows of a matrix.
//!
//! One row of a product `X·M` is such a sum over the numbers of a row of X
//! that are not 0, and so is a row of `Xᵀ·M` over a column of X.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::InstructionSet;
use super::gemm::Gemm;
use super::simd::Simd;

/// Some numbers of a row or column that are not 0: where, and which byte.
pub(crate) type Entries<'a> = (&'a [u16], &'a [u8]);

/// What one call works on.
#[derive(Debug)]
#[allow(
    unreachable_pub,
    reason = "in the signature of a public trait's hidden method"
)]
pub struct Sum<'a, T> {
    /// Which rows of the matrix, and their factors as keys of `factors`; of
    /// two sums at once.
    entries: [Entries<'a>; 2],
    factors: &'a [T; 256],
    matrix: *const T,
    /// Numbers from row to row of the matrix, and how many rows it has.
    stride: usize,
    n_rows: usize,
    out: [*mut T; 2],
    n_columns: usize,
}

/// One of the two sums, with indices that are known to name rows.
#[derive(Clone, Copy)]
struct Checked<'a, T> {
    indices: &'a [u16],
    keys: &'a [u8],
    factors: &'a [T; 256],
    matrix: *const T,
    stride: usize,
    out: *mut T,
    n_columns: usize,
}

impl<'a, T> Sum<'a, T> {
    /// # Panics
    /// If an index names no row.
    #[inline(always)]
    fn check(&self, which: usize) -> Checked<'a, T> {
        let (indices, keys) = self.entries[which];
        // In here, so that the search is compiled for wide vectors, too.
        let largest = indices.iter().fold(0, |largest, &index| index.max(largest));
        assert!(
            indices.len() == keys.len()
                && (usize::from(largest) < self.n_rows || indices.is_empty()),
            "row {largest} of {} does not exist",
            self.n_rows
        );
        Checked {
            indices,
            keys,
            factors: self.factors,
            matrix: self.matrix,
            stride: self.stride,
            out: self.out[which],
            n_columns: self.n_columns,
        }
    }
}

/// `out[r, :] ← out[r, :] + Σₜ factors[keys[t]]·matrix[indices[t], :]` with the
/// entries of every row r.
///
/// The terms of every element are added in order, so that its bits depend
/// neither on the width of the matrix nor on how it is cut into blocks.
///
/// # Panics
/// If the widths differ, rows are not contiguous, there are fewer entries than
/// rows, or an index names no row.
pub(crate) fn add_weighted_rows<'a, T: Gemm + Copy>(
    set: InstructionSet,
    mut entries: impl Iterator<Item = Entries<'a>>,
    factors: &'a [T; 256],
    matrix: ArrayView2<'_, T>,
    mut out: ArrayViewMut2<'_, T>,
) {
    let n_columns = out.ncols();
    assert!(
        matrix.ncols() == n_columns
            && (n_columns <= 1 || (matrix.strides()[1] == 1 && out.strides()[1] == 1))
            && matrix.strides()[0] >= 0,
        "rows must be contiguous and of one width"
    );
    let kernel = T::kernels(set).sum;
    let (first, stride) = (out.as_mut_ptr(), out.strides()[0]);
    for row in (0..out.nrows()).step_by(2) {
        let mut next = || entries.next().expect("every row has its entries");
        let own = next();
        let other = if row + 1 < out.nrows() {
            next()
        } else {
            (&[][..], &[][..])
        };
        let place = |row: usize| first.wrapping_offset(row as isize * stride);
        let sum = Sum {
            entries: [own, other],
            factors,
            matrix: matrix.as_ptr(),
            stride: matrix.strides()[0] as usize,
            n_rows: matrix.nrows(),
            out: [place(row), place(row + 1)],
            n_columns,
        };
        // SAFETY: `set` is one of the machine's. `matrix` has `n_rows` rows of
        // `n_columns` contiguous numbers; the kernel checks the indices. `out`
        // is borrowed mutably and has the row, and the next one unless that
        // has no entries, in which case it is not touched.
        unsafe { kernel(sum) }
    }
}

/// `out[indices[t], :] ← out[indices[t], :] + factors[keys[t]]·row` for every t.
///
/// # Panics
/// If the lengths do not fit or an index names no row.
pub(crate) fn add_outer<T: Gemm + Copy>(
    set: InstructionSet,
    entries: Entries<'_>,
    factors: &[T; 256],
    row: &[T],
    out: &mut [T],
) {
    let n_columns = row.len();
    let sum = Sum {
        entries: [entries, (&[], &[])],
        factors,
        matrix: row.as_ptr(),
        stride: n_columns,
        n_rows: out.len().checked_div(n_columns).unwrap_or(0),
        out: [out.as_mut_ptr(); 2],
        n_columns,
    };
    // SAFETY: `set` is one of the machine's; the kernel checks that every
    // index is one of the rows of `out`, which is borrowed mutably.
    unsafe { (T::kernels(set).outer)(sum) }
}

/// Asks for the entries of a row before they are needed.
pub(crate) fn prefetch((indices, bytes): Entries<'_>) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        const LINE: usize = 64;
        // SAFETY: a prefetch reads nothing and may be of any address.
        unsafe {
            for offset in (0..2 * indices.len()).step_by(LINE) {
                _mm_prefetch::<_MM_HINT_T0>(indices.as_ptr().cast::<i8>().wrapping_add(offset));
            }
            for offset in (0..bytes.len()).step_by(LINE) {
                _mm_prefetch::<_MM_HINT_T0>(bytes.as_ptr().cast::<i8>().wrapping_add(offset));
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (indices, bytes);
}

/// Both sums, in blocks of eight, then four, two and one vectors, then the rest.
///
/// Of narrow rows the two are added up side by side, since the terms of one
/// sum have to wait for each other.
///
/// # Safety
/// The machine must have the instructions of `V`, and memory must be as
/// [`Sum`] says.
#[inline(always)]
pub(super) unsafe fn weighted_rows<V: Simd>(sum: Sum<'_, V::T>) {
    let [first, second] = [sum.check(0), sum.check(1)];
    // SAFETY: every index lies in the matrix; the columns of the blocks follow
    // one another up to `n_columns`.
    unsafe {
        if sum.n_columns < V::LANES {
            return pair_of_partial_blocks::<V>(first, second);
        }
        blocks::<V>(first);
        if !second.indices.is_empty() {
            blocks::<V>(second);
        }
    }
}

/// # Safety
/// As [`block`].
#[inline(always)]
unsafe fn blocks<V: Simd>(sum: Checked<'_, V::T>) {
    // SAFETY: the columns of the blocks follow one another up to `n_columns`.
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

/// Two sums of less than a vector, side by side.
///
/// # Safety
/// As [`block`].
#[inline(always)]
unsafe fn pair_of_partial_blocks<V: Simd>(a: Checked<'_, V::T>, b: Checked<'_, V::T>) {
    let common = a.indices.len().min(b.indices.len());
    // SAFETY: see above; a sum without entries is not touched.
    unsafe {
        let [mut total_a, mut total_b] = [load_total::<V>(a), load_total::<V>(b)];
        for entry in 0..common {
            total_a = add_entry(a, entry, total_a);
            total_b = add_entry(b, entry, total_b);
        }
        finish_partial_block(a, common, total_a);
        finish_partial_block(b, common, total_b);
    }
}

/// # Safety
/// As [`block`].
#[inline(always)]
unsafe fn load_total<V: Simd>(sum: Checked<'_, V::T>) -> V {
    // SAFETY: see above; a sum without entries is not touched.
    unsafe {
        if sum.indices.is_empty() {
            V::zero()
        } else {
            V::load_part(sum.out, sum.n_columns)
        }
    }
}

/// Adds the entries from `first` on and writes the total.
///
/// # Safety
/// As [`block`].
#[inline(always)]
unsafe fn finish_partial_block<V: Simd>(sum: Checked<'_, V::T>, first: usize, mut total: V) {
    // SAFETY: see above.
    unsafe {
        for entry in first..sum.indices.len() {
            total = add_entry(sum, entry, total);
        }
        if !sum.indices.is_empty() {
            total.store_part(sum.out, sum.n_columns);
        }
    }
}

/// # Safety
/// As [`block`], and `entry` must be one of the sum's.
#[inline(always)]
unsafe fn add_entry<V: Simd>(sum: Checked<'_, V::T>, entry: usize, total: V) -> V {
    // SAFETY: see above; there are as many keys as indices.
    unsafe {
        let index = usize::from(*sum.indices.get_unchecked(entry));
        let factor = sum.factors[usize::from(*sum.keys.get_unchecked(entry))];
        let row = V::load_part(sum.matrix.add(index * sum.stride), sum.n_columns);
        V::splat(factor).multiply_add(row, total)
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
            let row = matrix.add(usize::from(index) * sum.stride);
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
            let row = V::load_part(matrix.add(usize::from(index) * sum.stride), n);
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
pub(super) unsafe fn outer<V: Simd>(sum: Sum<'_, V::T>) {
    let sum = sum.check(0);
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
                let out = sum.out.add(usize::from(index) * sum.stride + column);
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
            let out = sum.out.add(usize::from(index) * sum.stride + column);
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
