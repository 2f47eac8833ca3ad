//! `out[iₜ, :] ← out[iₜ, :] + xₜ·row`: a row added to some rows of a matrix.
//!
//! With the numbers of a sample that are not 0, that is the sample's part of
//! `Xᵀ·δ`. With all its numbers it is a product whose sums have one term.

use super::gemm::{Gemm, Strip};
use super::instruction_set::InstructionSet;
use super::lists::{Entries, Lists};
use super::simd::{Simd, load_up_to, store_up_to};

/// What one call works on.
#[derive(Clone, Copy, Debug)]
pub struct Outer<'a, T> {
    /// Which rows of `out`, and their factors as keys of `factors`.
    entries: Entries<'a>,
    factors: &'a [T; 256],
    row: *const T,
    out: *mut T,
    n_columns: usize,
}

/// A kernel compiled for one instruction set.
pub type OuterKernel<T> = unsafe fn(Outer<'_, T>);

/// `out[indices[t], :] ← out[indices[t], :] + factors[bytes[t]]·row` with the
/// entries of a list.
///
/// # Panics
/// If the list does not exist or there are not as many rows as indices.
pub(crate) fn add_outer<T: Gemm + Copy>(
    set: InstructionSet,
    lists: &Lists,
    list: u32,
    factors: &[T; 256],
    row: &[T],
    out: &mut [T],
) {
    assert_eq!(out.len(), lists.n_indices() * row.len(), "one row an index");
    let outer = Outer {
        entries: lists.entries(list),
        factors,
        row: row.as_ptr(),
        out: out.as_mut_ptr(),
        n_columns: row.len(),
    };
    // SAFETY: `set` is one of the machine's; every index is one of the rows of
    // `out`, which is borrowed mutably.
    unsafe { (T::kernels(set).outer)(outer) }
}

/// The rows of `outer.out` that the entries name, in blocks of eight, then
/// four, two and one vectors, then the rest.
///
/// # Safety
/// The machine must have the instructions of `V`, and memory must be as
/// [`Outer`] says.
#[inline(always)]
pub(super) unsafe fn outer<V: Simd>(outer: Outer<'_, V::T>) {
    // SAFETY: every index lies in `out`; the columns of the blocks follow one
    // another up to `n_columns`, the length of the row.
    unsafe {
        let mut column = 0;
        while column + 8 * V::LANES <= outer.n_columns {
            outer_block::<V, 8>(outer, column);
            column += 8 * V::LANES;
        }
        if column + 4 * V::LANES <= outer.n_columns {
            outer_block::<V, 4>(outer, column);
            column += 4 * V::LANES;
        }
        if column + 2 * V::LANES <= outer.n_columns {
            outer_block::<V, 2>(outer, column);
            column += 2 * V::LANES;
        }
        if column + V::LANES <= outer.n_columns {
            outer_block::<V, 1>(outer, column);
            column += V::LANES;
        }
        let n = outer.n_columns - column;
        if n > 0 {
            let (indices, bytes) = outer.entries;
            let row = V::load_part(outer.row.add(column), n);
            for (&index, &byte) in indices.iter().zip(bytes) {
                let factor = V::splat(outer.factors[usize::from(byte)]);
                let out = outer.out.add(usize::from(index) * outer.n_columns + column);
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
/// As [`outer`].
#[inline(always)]
unsafe fn outer_block<V: Simd, const N: usize>(outer: Outer<'_, V::T>, column: usize) {
    // SAFETY: see above.
    unsafe {
        let (indices, bytes) = outer.entries;
        let mut row = [V::zero(); N];
        for (vector, slot) in row.iter_mut().enumerate() {
            *slot = V::load(outer.row.add(column + vector * V::LANES));
        }
        for (&index, &byte) in indices.iter().zip(bytes) {
            let factor = V::splat(outer.factors[usize::from(byte)]);
            let out = outer.out.add(usize::from(index) * outer.n_columns + column);
            for (vector, row) in row.into_iter().enumerate() {
                let out = out.add(vector * V::LANES);
                factor.multiply_add(row, V::load(out)).store(out);
            }
        }
    }
}

/// `c[i, :] ← aᵢ·row` or `c[i, :] + aᵢ·row` for every row of `c`: the sums of
/// the other kernels, of one term.
///
/// # Safety
/// As [`super::gemm::Strip`] says, with `n_rows` rows and a depth of 1; the
/// machine must have the instructions of `V`.
#[inline(always)]
pub(super) unsafe fn one_term<V: Simd>(strip: Strip<V::T>, n_rows: usize) {
    let rows_follow = strip.c_row_stride == strip.columns as isize && strip.a_row_stride == 1;
    // SAFETY: as the caller's promise; a vector has at least as many lanes as
    // a row has numbers.
    unsafe {
        match strip.columns {
            1 if rows_follow => whole_rows::<V, 1>(strip, n_rows),
            2 if V::INTERLEAVES_FAST && rows_follow => whole_rows::<V, 2>(strip, n_rows),
            4 if V::INTERLEAVES_FAST && rows_follow => whole_rows::<V, 4>(strip, n_rows),
            8 if V::INTERLEAVES_FAST && rows_follow => whole_rows::<V, 8>(strip, n_rows),
            n if n < V::LANES && strip.c_row_stride == n as isize => {
                narrow_rows::<V>(strip, n_rows);
            }
            _ => rows_of_any_width::<V>(strip, n_rows),
        }
    }
}

/// [`one_term`] row by row, some vectors of columns at a time.
///
/// # Safety
/// As [`one_term`].
#[inline(always)]
unsafe fn rows_of_any_width<V: Simd>(strip: Strip<V::T>, n_rows: usize) {
    // SAFETY: the columns of the blocks follow one another up to `columns`.
    unsafe {
        let mut column = 0;
        while column + 4 * V::LANES <= strip.columns {
            one_term_block::<V, 4, false>(strip, n_rows, column);
            column += 4 * V::LANES;
        }
        while column + V::LANES <= strip.columns {
            one_term_block::<V, 1, false>(strip, n_rows, column);
            column += V::LANES;
        }
        if column < strip.columns {
            one_term_block::<V, 1, true>(strip, n_rows, column);
        }
    }
}

/// `N` vectors of columns from `column` on, of which the last one ends early if
/// `IS_PART`.
///
/// # Safety
/// As [`one_term`]; the columns must exist.
#[inline(always)]
unsafe fn one_term_block<V: Simd, const N: usize, const IS_PART: bool>(
    strip: Strip<V::T>,
    n_rows: usize,
    column: usize,
) {
    let n_columns = if IS_PART {
        strip.columns - column
    } else {
        N * V::LANES
    };
    // SAFETY: every address below lies in the strip that the caller vouches for.
    unsafe {
        let mut row = [V::zero(); N];
        for (vector, slot) in row.iter_mut().enumerate() {
            let start = vector * V::LANES;
            *slot = load_up_to(strip.panel.add(column + start), n_columns - start);
        }
        for index in 0..n_rows as isize {
            let a = V::splat(*strip.a.offset(index * strip.a_row_stride));
            let c = strip.c.offset(index * strip.c_row_stride).add(column);
            for (vector, row) in row.into_iter().enumerate() {
                let start = vector * V::LANES;
                let (c, n) = (c.add(start), n_columns - start);
                let mut sum = a.multiply_add(row, V::zero());
                if strip.accumulate {
                    sum = load_up_to::<V>(c, n).add(sum);
                }
                store_up_to(sum, c, n);
            }
        }
    }
}

/// [`one_term`] for rows narrower than a vector that follow one another.
///
/// Of some rows together all but the last few are stored as whole vectors that
/// reach into the rows below, which are stored after them: storing a part of a
/// vector is slow on some machines.
///
/// # Safety
/// As [`one_term`].
#[inline(always)]
unsafe fn narrow_rows<V: Simd>(strip: Strip<V::T>, n_rows: usize) {
    const TOGETHER: usize = 8;
    let n = strip.columns;
    let whole = n_rows - n_rows % TOGETHER;
    // SAFETY: every address below lies in the strip that the caller vouches
    // for; no store reaches beyond the rows that are worked on together.
    unsafe {
        let row = V::load_part(strip.panel, n);
        for first in (0..whole).step_by(TOGETHER) {
            let mut sums = [V::zero(); TOGETHER];
            for (index, sum) in sums.iter_mut().enumerate() {
                *sum = one_term_sum(strip, row, first + index);
            }
            for (index, sum) in sums.into_iter().enumerate() {
                let reaches = (TOGETHER - index) * n >= V::LANES;
                let n = if reaches { V::LANES } else { n };
                store_up_to(sum, strip.c.add((first + index) * strip.columns), n);
            }
        }
        for index in whole..n_rows {
            one_term_sum(strip, row, index).store_part(strip.c.add(index * n), n);
        }
    }
}

/// The new numbers of row `index`.
///
/// # Safety
/// As [`narrow_rows`]; the row must exist.
#[inline(always)]
unsafe fn one_term_sum<V: Simd>(strip: Strip<V::T>, row: V, index: usize) -> V {
    // SAFETY: see above.
    unsafe {
        let a = V::splat(*strip.a.offset(index as isize * strip.a_row_stride));
        let sum = a.multiply_add(row, V::zero());
        if strip.accumulate {
            let c = strip.c.add(index * strip.columns);
            V::load_part(c, strip.columns).add(sum)
        } else {
            sum
        }
    }
}

/// [`one_term`] for rows of `N` numbers that follow one another, several in a
/// vector: storing a part of a vector is slow on some machines.
///
/// # Safety
/// As [`one_term`]; `N` is a power of two, at most `LANES`.
#[inline(always)]
unsafe fn whole_rows<V: Simd, const N: usize>(strip: Strip<V::T>, n_rows: usize) {
    let whole = n_rows - n_rows % V::LANES;
    // SAFETY: the rows exist, and so do the columns of the one row.
    unsafe {
        let row = repeated::<V, N>(strip.panel);
        for first in (0..whole).step_by(V::LANES) {
            whole_rows_block::<V, N>(strip, row, first, V::LANES);
        }
        if whole < n_rows {
            whole_rows_block::<V, N>(strip, row, whole, n_rows - whole);
        }
    }
}

/// The rows `first..first + n_rows`, as many as a vector has lanes or fewer.
///
/// # Safety
/// As [`whole_rows`]; the rows must exist.
#[inline(always)]
unsafe fn whole_rows_block<V: Simd, const N: usize>(
    strip: Strip<V::T>,
    row: V,
    first: usize,
    n_rows: usize,
) {
    // SAFETY: every address below lies in the strip that the caller vouches
    // for; of rows that do not exist nothing is read or written.
    unsafe {
        let a = each_repeated::<V, N>(load_up_to(strip.a.add(first), n_rows));
        for (vector, a) in a.into_iter().enumerate() {
            let start = vector * V::LANES;
            let n = (n_rows * N).saturating_sub(start);
            let c = strip.c.wrapping_add(first * N + start);
            let mut sum = a.multiply_add(row, V::zero());
            if strip.accumulate {
                sum = load_up_to::<V>(c, n).add(sum);
            }
            store_up_to(sum, c, n);
        }
    }
}

/// `N` numbers, again and again: `r₀ r₁ r₀ r₁ …`
///
/// # Safety
/// They must exist, and the machine must have the instructions of `V`.
#[inline(always)]
unsafe fn repeated<V: Simd, const N: usize>(numbers: *const V::T) -> V {
    // SAFETY: see above.
    unsafe {
        let mut vectors = [V::zero(); N];
        for (index, slot) in vectors.iter_mut().enumerate() {
            *slot = V::splat(*numbers.add(index));
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
}

/// Every lane `N` times: `a₀ a₀ a₁ a₁ …`
///
/// # Safety
/// The machine must have the instructions of `V`; `N` is a power of two.
#[inline(always)]
unsafe fn each_repeated<V: Simd, const N: usize>(a: V) -> [V; N] {
    let mut vectors = [a; N];
    let mut n = 1;
    while n < N {
        let before = vectors;
        for index in 0..n {
            // SAFETY: see above.
            let (first, second) = unsafe { before[index].interleave(before[index]) };
            vectors[2 * index] = first;
            vectors[2 * index + 1] = second;
        }
        n *= 2;
    }
    vectors
}
