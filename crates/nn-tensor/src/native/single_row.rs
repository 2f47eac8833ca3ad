//! `c ← a·B` for one row, with a B that is read where it lies.
//!
//! The sums are those of the other kernels, term by term, so that a sample gets
//! the same answer alone as in a batch.

use super::gemm::{KC, Strip};
use super::simd::{MAX_LANES, Simd, load_up_to, store_up_to};

/// The row of C for a B of contiguous rows. Rows of B that would be multiplied
/// by 0 are left out: most of an image is paper, and half of the outputs of a
/// rectifier are 0.
///
/// # Safety
/// As [`times_columns`].
#[inline(always)]
pub(super) unsafe fn times_rows<V: Simd>(strip: Strip<V::T>) {
    let mut terms = [0; KC + MAX_LANES];
    // SAFETY: the columns of the blocks follow one another up to `columns`.
    unsafe {
        let terms = nonzero_terms::<V>(strip, &mut terms);
        let mut column = 0;
        while column + 4 * V::LANES < strip.columns {
            block::<V, 8>(strip, terms, column);
            column += 8 * V::LANES;
        }
        while column + V::LANES < strip.columns {
            block::<V, 4>(strip, terms, column);
            column += 4 * V::LANES;
        }
        if column < strip.columns {
            block::<V, 1>(strip, terms, column);
        }
    }
}

/// Room for the indices of a whole sum, and of the lanes after it.
type Terms = [u16; KC + MAX_LANES];

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

/// Up to `N` vectors of columns from `column` on.
///
/// # Safety
/// As [`times_columns`]; the terms must exist.
#[inline(always)]
unsafe fn block<V: Simd, const N: usize>(strip: Strip<V::T>, terms: &[u16], column: usize) {
    let columns = strip.columns - column;
    // SAFETY: every address below lies in the strip that the caller vouches for.
    unsafe {
        let mut sums = [V::zero(); N];
        for &index in terms {
            let index = index as isize;
            let a = V::splat(*strip.a.offset(index * strip.a_depth_stride));
            let b = strip.panel.offset(index * strip.b_row_stride).add(column);
            for (vector, sum) in sums.iter_mut().enumerate() {
                let start = vector * V::LANES;
                let n = columns.saturating_sub(start);
                *sum = a.multiply_add(load_up_to::<V>(b.wrapping_add(start), n), *sum);
            }
        }
        let c = strip.c.add(column);
        for (vector, sum) in sums.into_iter().enumerate() {
            let start = vector * V::LANES;
            let n = columns.saturating_sub(start);
            if n > 0 {
                let c = c.add(start);
                let sum = if strip.accumulate {
                    load_up_to::<V>(c, n).add(sum)
                } else {
                    sum
                };
                store_up_to(sum, c, n);
            }
        }
    }
}

/// The row of C for a B of contiguous columns, a number at a time: the sums of
/// neighbouring columns do not wait for each other.
///
/// # Safety
/// `strip` must describe memory that exists, and the machine must have the
/// instructions of `V`, which the function this is inlined into must be
/// compiled for.
#[inline(always)]
pub(super) unsafe fn times_columns<V: Simd>(strip: Strip<V::T>) {
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
