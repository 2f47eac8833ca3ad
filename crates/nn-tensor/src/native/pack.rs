//! Copies blocks of matrices to memory that kernels read in order: panels of B
//! for dense products, tiles of the matrix for sparse ones.
//!
//! A row of the copy has `width` elements, padded with zeros. A block with
//! contiguous columns is transposed in registers, in squares with as many rows and
//! columns as a vector has lanes.

use super::matrix::{Matrix, MatrixMut};
use super::simd::{MAX_LANES, Program, Simd, load_up_to, store_up_to};

/// Length of a block of the summed index. Changing it changes rounding.
pub(super) const KC: usize = 256;

/// Copies a block into adjacent rows of `width` elements.
pub(super) struct Pack<'a, T> {
    pub(super) block: Matrix<'a, T>,
    /// A multiple of the lanes, and at least the number of columns of the block.
    pub(super) width: usize,
    pub(super) to: &'a mut [T],
}

impl<T: Copy + Default> Program<T> for Pack<'_, T> {
    #[inline(always)]
    fn run<V: Simd<T = T>>(self) {
        let [n_rows, n_columns] = self.block.shape();
        assert!(n_columns <= self.width && self.width.is_multiple_of(V::LANES));
        assert!(n_rows * self.width <= self.to.len());
        // SAFETY: the copy has room for all rows.
        unsafe {
            match (self.block.strides(), V::LANES) {
                ([_, 1], _) => self.copy_rows::<V>(),
                ([1, _], 4) => self.transpose::<V, 4>(),
                ([1, _], 8) => self.transpose::<V, 8>(),
                ([1, _], _) => self.transpose::<V, MAX_LANES>(),
                _ => self.copy_elements(),
            }
        }
    }
}

impl<T: Copy + Default> Pack<'_, T> {
    /// Copies a block with contiguous rows.
    ///
    /// # Safety
    /// The copy must have room for all rows.
    #[inline(always)]
    unsafe fn copy_rows<V: Simd<T = T>>(self) {
        let [n_rows, n_columns] = self.block.shape();
        for row in 0..n_rows {
            for start in (0..self.width).step_by(V::LANES) {
                // SAFETY: as for this function; only existing columns are read.
                unsafe {
                    let n = n_columns.saturating_sub(start);
                    let values = load_up_to::<V>(self.block.at(row, start), n);
                    values.store(self.to.as_mut_ptr().add(row * self.width + start));
                }
            }
        }
    }

    /// Copies a block with contiguous columns.
    ///
    /// # Safety
    /// The copy must have room for all rows; a vector must have `LANES` lanes.
    #[inline(always)]
    unsafe fn transpose<V: Simd<T = T>, const LANES: usize>(self) {
        let [n_rows, n_columns] = self.block.shape();
        for row in (0..n_rows).step_by(LANES) {
            let n_rows = LANES.min(n_rows - row);
            for column in (0..self.width).step_by(LANES) {
                // SAFETY: as for this function; only existing columns are read.
                unsafe {
                    let mut square = [V::zero(); LANES];
                    let n_columns = n_columns.saturating_sub(column).min(LANES);
                    for (index, slot) in square.iter_mut().enumerate().take(n_columns) {
                        *slot = load_up_to::<V>(self.block.at(row, column + index), n_rows);
                    }
                    let to = self.to.as_mut_ptr().add(row * self.width + column);
                    for (index, values) in transposed(square).into_iter().enumerate().take(n_rows) {
                        values.store(to.add(index * self.width));
                    }
                }
            }
        }
    }

    /// Copies a block with any strides.
    fn copy_elements(self) {
        let [n_rows, n_columns] = self.block.shape();
        for (row, to) in (0..n_rows).zip(self.to.chunks_exact_mut(self.width)) {
            to.fill(T::default());
            for (column, slot) in to.iter_mut().enumerate().take(n_columns) {
                // SAFETY: the element exists.
                *slot = unsafe { *self.block.at(row, column) };
            }
        }
    }
}

/// Copies the columns of a tile back to the matrix that they come from.
///
/// # Safety
/// The tile must have a row of `width` elements per row of `to`.
#[inline(always)]
pub(super) unsafe fn unpack<V: Simd>(tile: &[V::T], width: usize, mut to: MatrixMut<'_, V::T>) {
    let [n_rows, n_columns] = to.shape();
    for row in 0..n_rows {
        for start in (0..n_columns).step_by(V::LANES) {
            // SAFETY: as for this function.
            unsafe {
                let values = V::load(tile.as_ptr().add(row * width + start));
                store_up_to(values, to.at(row, start), n_columns - start);
            }
        }
    }
}

/// Transposes a matrix of `LANES` rows and `N` columns, stored in row-major order
/// in `N` vectors. `N` is a power of two, at most `LANES`; in a square, lane j of
/// vector i becomes lane i of vector j.
///
/// Each round interleaves the lower half of the vectors with the upper half, which
/// moves the highest bit of the position of an element to the lowest place.
#[inline(always)]
pub(super) fn transposed<V: Simd, const N: usize>(mut vectors: [V; N]) -> [V; N] {
    if N == 1 {
        return vectors;
    }
    for _ in 0..V::LANES.ilog2() {
        let before = vectors;
        for index in 0..N / 2 {
            let (even, odd) = before[index].interleave(before[index + N / 2]);
            vectors[2 * index] = even;
            vectors[2 * index + 1] = odd;
        }
    }
    vectors
}
