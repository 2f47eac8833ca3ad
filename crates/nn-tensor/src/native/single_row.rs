//! `c ← a·B` for one row, with a B that is read where it lies.
//!
//! The sums are those of the other kernels, term by term, so that a sample gets
//! the same answer alone as in a batch.

use super::gemm::{KC, Strip};
use super::pack::transposed;
use super::simd::{MAX_LANES, Simd, load_up_to, store_up_to};

/// The row of C for a B of contiguous rows. Rows of B that would be multiplied
/// by 0 are left out: most of an image is paper, and half of the outputs of a
/// rectifier are 0.
///
/// # Safety
/// As [`times_columns`].
#[inline(always)]
pub(super) unsafe fn times_rows<V: Simd>(strip: Strip<V::T>) {
    // SAFETY: as the caller's promise.
    unsafe { times_rows_onto::<V>(strip, strip.c) }
}

/// As [`times_rows`]; if the product is to be added, then to `start`.
///
/// # Safety
/// As [`times_columns`]; `start` is a row as long as that of C, perhaps the same.
#[inline(always)]
pub(super) unsafe fn times_rows_onto<V: Simd>(strip: Strip<V::T>, start: *const V::T) {
    let mut terms = [0; KC + MAX_LANES];
    // SAFETY: the columns of the blocks follow one another up to `columns`.
    unsafe {
        let terms = terms_of::<V>(strip, &mut terms);
        let mut column = 0;
        while column + 8 * V::LANES <= strip.columns {
            block::<V, 8, false>(strip, start, terms, column);
            column += 8 * V::LANES;
        }
        let rest = strip.columns - column;
        if rest == 4 * V::LANES {
            block::<V, 4, false>(strip, start, terms, column);
        } else if rest == 2 * V::LANES {
            block::<V, 2, false>(strip, start, terms, column);
        } else if rest > 4 * V::LANES {
            block::<V, 8, true>(strip, start, terms, column);
        } else if rest > 2 * V::LANES {
            block::<V, 4, true>(strip, start, terms, column);
        } else if rest > V::LANES {
            block::<V, 2, true>(strip, start, terms, column);
        } else if rest > 0 {
            block::<V, 1, true>(strip, start, terms, column);
        }
    }
}

/// Room for the indices of a whole sum, and of the lanes after it.
type Terms = [u16; KC + MAX_LANES];

/// Sums of so few terms are done before their zeros are found.
const ALL_TERMS: [u16; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

/// The terms to add up: all of a short sum, otherwise those that are not 0.
///
/// # Safety
/// As [`times_columns`].
#[inline(always)]
unsafe fn terms_of<V: Simd>(strip: Strip<V::T>, terms: &mut Terms) -> &[u16] {
    match ALL_TERMS.get(..strip.depth) {
        Some(all) => all,
        // SAFETY: as the caller's promise.
        None => unsafe { nonzero_terms::<V>(strip, terms) },
    }
}

/// Where `a` is not 0.
///
/// # Safety
/// As [`times_columns`].
#[inline(always)]
unsafe fn nonzero_terms<V: Simd>(strip: Strip<V::T>, terms: &mut Terms) -> &[u16] {
    assert!(strip.depth <= KC);
    let (to, mut n) = (terms.as_mut_ptr(), 0);
    // SAFETY: see above; at most as many terms have been written as numbers
    // were looked at, and there is room for a vector after the last one.
    unsafe {
        if strip.a_depth_stride == 1 {
            for index in (0..strip.depth).step_by(V::LANES) {
                let a = load_up_to::<V>(strip.a.add(index), strip.depth - index);
                n += a.write_nonzero_lanes(index as u16, to.add(n));
            }
        } else {
            for index in 0..strip.depth {
                let a = *strip.a.offset(index as isize * strip.a_depth_stride);
                *to.add(n) = index as u16;
                n += usize::from(a != V::T::default());
            }
        }
    }
    &terms[..n]
}

/// `N` vectors of columns from `column` on, of which the last ones may not
/// exist if `IS_PART`.
///
/// # Safety
/// As [`times_rows_onto`]; the terms must exist.
#[inline(always)]
unsafe fn block<V: Simd, const N: usize, const IS_PART: bool>(
    strip: Strip<V::T>,
    start: *const V::T,
    terms: &[u16],
    column: usize,
) {
    let n_columns = if IS_PART {
        strip.columns - column
    } else {
        N * V::LANES
    };
    let columns_from = |vector: usize| n_columns.saturating_sub(vector * V::LANES);
    // SAFETY: every address below lies in the strip that the caller vouches for.
    unsafe {
        let mut sums = [V::zero(); N];
        for &index in terms {
            let index = index as isize;
            let a = V::splat(*strip.a.offset(index * strip.a_depth_stride));
            let b = strip.panel.offset(index * strip.b_row_stride).add(column);
            for (vector, sum) in sums.iter_mut().enumerate() {
                let b = b.wrapping_add(vector * V::LANES);
                *sum = a.multiply_add(load_up_to::<V>(b, columns_from(vector)), *sum);
            }
        }
        for (vector, mut sum) in sums.into_iter().enumerate() {
            let (first, n) = (column + vector * V::LANES, columns_from(vector));
            if n > 0 {
                if strip.accumulate {
                    sum = load_up_to::<V>(start.add(first), n).add(sum);
                }
                store_up_to(sum, strip.c.add(first), n);
            }
        }
    }
}

/// The row of C for a B of contiguous columns.
///
/// # Safety
/// `strip` must describe memory that exists, and the machine must have the
/// instructions of `V`, which the function this is inlined into must be
/// compiled for.
#[inline(always)]
pub(super) unsafe fn times_columns<V: Simd>(strip: Strip<V::T>) {
    let columns_follow = strip.b_row_stride == strip.depth as isize;
    // SAFETY: as the caller's promise; a vector has at least as many lanes as
    // the columns have numbers.
    unsafe {
        match strip.depth {
            1 if columns_follow => turned_columns::<V, 1>(strip),
            2 if V::INTERLEAVES_FAST && columns_follow => turned_columns::<V, 2>(strip),
            4 if V::INTERLEAVES_FAST && columns_follow => turned_columns::<V, 4>(strip),
            8 if V::INTERLEAVES_FAST && columns_follow => turned_columns::<V, 8>(strip),
            _ => single_columns::<V>(strip),
        }
    }
}

/// [`times_columns`] for columns of `N` numbers that follow one another: as many
/// as a vector has lanes are turned in registers.
///
/// # Safety
/// As [`times_columns`]; `N` is a power of two, at most `LANES`.
#[inline(always)]
unsafe fn turned_columns<V: Simd, const N: usize>(strip: Strip<V::T>) {
    let whole = strip.columns - strip.columns % V::LANES;
    // SAFETY: the columns exist.
    unsafe {
        for column in (0..whole).step_by(V::LANES) {
            turned_block::<V, N, false>(strip, column);
        }
        if whole < strip.columns {
            turned_block::<V, N, true>(strip, whole);
        }
    }
}

/// A vector of sums from `column` on, of which the last ones may not exist if
/// `IS_PART`.
///
/// # Safety
/// As [`turned_columns`]; the columns must exist.
#[inline(always)]
unsafe fn turned_block<V: Simd, const N: usize, const IS_PART: bool>(
    strip: Strip<V::T>,
    column: usize,
) {
    let n_columns = if IS_PART {
        strip.columns - column
    } else {
        V::LANES
    };
    let b = strip.panel.wrapping_add(column * N);
    // SAFETY: every address below lies in the strip that the caller vouches
    // for; of columns that do not exist nothing is read or written.
    unsafe {
        let mut vectors = [V::zero(); N];
        for (index, slot) in vectors.iter_mut().enumerate() {
            let n = (n_columns * N).saturating_sub(index * V::LANES);
            *slot = load_up_to(b.wrapping_add(index * V::LANES), n);
        }
        let mut sum = V::zero();
        for (index, terms) in transposed(vectors).into_iter().enumerate() {
            let a = *strip.a.offset(index as isize * strip.a_depth_stride);
            sum = V::splat(a).multiply_add(terms, sum);
        }
        let c = strip.c.add(column);
        if strip.accumulate {
            sum = load_up_to::<V>(c, n_columns).add(sum);
        }
        store_up_to(sum, c, n_columns);
    }
}

/// [`times_columns`] a number at a time: the sums of neighbouring columns do not
/// wait for each other.
///
/// # Safety
/// As [`times_columns`].
#[inline(always)]
unsafe fn single_columns<V: Simd>(strip: Strip<V::T>) {
    const TOGETHER: usize = 8;
    let whole = strip.columns - strip.columns % TOGETHER;
    // SAFETY: the columns exist.
    unsafe {
        for column in (0..whole).step_by(TOGETHER) {
            columns::<V, TOGETHER>(strip, column);
        }
        for column in whole..strip.columns {
            columns::<V, 1>(strip, column);
        }
    }
}

/// `N` sums side by side, from `column` on.
///
/// # Safety
/// As [`times_columns`]; the columns must exist.
#[inline(always)]
unsafe fn columns<V: Simd, const N: usize>(strip: Strip<V::T>, column: usize) {
    // SAFETY: every address below lies in the strip that the caller vouches for.
    unsafe {
        let b = strip.panel.offset(column as isize * strip.b_row_stride);
        let mut sums = [V::T::default(); N];
        for index in 0..strip.depth {
            let a = *strip.a.offset(index as isize * strip.a_depth_stride);
            for (neighbour, sum) in sums.iter_mut().enumerate() {
                let b = b.offset(neighbour as isize * strip.b_row_stride);
                *sum = V::multiply_add_one(a, *b.add(index), *sum);
            }
        }
        for (neighbour, sum) in sums.into_iter().enumerate() {
            let c = strip.c.add(column + neighbour);
            *c = if strip.accumulate { *c + sum } else { sum };
        }
    }
}
