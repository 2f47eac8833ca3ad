//! `c ← a·B` for one row, with a B that is read where it lies.
//!
//! The sums are those of the other kernels, term by term, so that a sample gets
//! the same answer alone as in a batch.

use super::gemm::Strip;
use super::simd::{Simd, load_up_to, store_up_to};

/// The row of C for a B of contiguous rows. Rows of B that would be multiplied
/// by 0 are left out: most of an image is paper, and half of the outputs of a
/// rectifier are 0.
///
/// # Safety
/// As [`times_columns`].
#[inline(always)]
pub(super) unsafe fn times_rows<V: Simd>(strip: Strip<V::T>) {
    let mut column = 0;
    // SAFETY: the columns of the blocks follow one another up to `columns`.
    unsafe {
        while column + 4 * V::LANES < strip.columns {
            block::<V, 8>(strip, column);
            column += 8 * V::LANES;
        }
        while column + V::LANES < strip.columns {
            block::<V, 4>(strip, column);
            column += 4 * V::LANES;
        }
        if column < strip.columns {
            block::<V, 1>(strip, column);
        }
    }
}

/// Up to `N` vectors of columns from `column` on.
///
/// # Safety
/// As [`times_columns`].
#[inline(always)]
unsafe fn block<V: Simd, const N: usize>(strip: Strip<V::T>, column: usize) {
    let columns = strip.columns - column;
    let zero = V::T::default();
    // SAFETY: every address below lies in the strip that the caller vouches for.
    unsafe {
        let mut sums = [V::zero(); N];
        for index in 0..strip.depth as isize {
            let a = *strip.a.offset(index * strip.a_depth_stride);
            if a == zero {
                continue;
            }
            let b = strip.panel.offset(index * strip.b_row_stride).add(column);
            for (vector, sum) in sums.iter_mut().enumerate() {
                let start = vector * V::LANES;
                let n = columns.saturating_sub(start);
                *sum = V::splat(a).multiply_add(load_up_to::<V>(b.wrapping_add(start), n), *sum);
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
    for column in 0..strip.columns {
        // SAFETY: every address below lies in the strip that the caller vouches for.
        unsafe {
            let b = strip.panel.offset(column as isize * strip.b_row_stride);
            let mut sum = V::T::default();
            for index in 0..strip.depth {
                let a = *strip.a.offset(index as isize * strip.a_depth_stride);
                sum = V::multiply_add_one(a, *b.add(index), sum);
            }
            let c = strip.c.add(column);
            *c = if strip.accumulate { *c + sum } else { sum };
        }
    }
}
