//! Copies blocks of matrices to where kernels read them in order: panels of B
//! for dense products, tiles of the matrix for sparse ones.
//!
//! A row of the copy is `width` elements wide, filled up with zeros. A block of
//! contiguous columns is transposed in registers, a square of as many rows and
//! columns as a vector has lanes at a time.

use super::matrix::{Matrix, MatrixMut};
use super::simd::{MAX_LANES, Program, Simd, load_up_to, store_up_to};

/// Length of a block of the summed index. Changing it changes rounding.
pub(super) const KC: usize = 256;

/// Copies a block into rows of `width` elements, one after the other.
pub(super) struct Pack<'a, T> {
    pub(super) block: Matrix<'a, T>,
    /// A multiple of the lanes, and at least the block's number of columns.
    pub(super) width: usize,
    pub(super) to: &'a mut [T],
}

impl<T: Copy + Default> Program<T> for Pack<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Simd<T = T>>(self) {
        let [n_rows, n_columns] = self.block.shape();
        assert!(n_columns <= self.width && self.width.is_multiple_of(V::LANES));
        assert!(n_rows * self.width <= self.to.len());
        // SAFETY: the copy has room for all rows.
        unsafe {
            match self.block.strides() {
                [_, 1] => self.copy_rows::<V>(),
                [1, _] => match V::LANES {
                    4 => self.transpose::<V, 4>(),
                    8 => self.transpose::<V, 8>(),
                    _ => self.transpose::<V, MAX_LANES>(),
                },
                _ => self.copy_elements(),
            }
        }
    }
}

impl<T: Copy + Default> Pack<'_, T> {
    /// For rows of contiguous elements.
    ///
    /// # Safety
    /// The copy must have room for all rows, and the machine the instructions
    /// of `V`.
    #[inline(always)]
    unsafe fn copy_rows<V: Simd<T = T>>(self) {
        let [n_rows, n_columns] = self.block.shape();
        for row in 0..n_rows {
            for start in (0..self.width).step_by(V::LANES) {
                // SAFETY: see above; of missing columns nothing is read.
                unsafe {
                    let n = n_columns.saturating_sub(start);
                    let values = load_up_to::<V>(self.block.near(row, start), n);
                    values.store(self.to.as_mut_ptr().add(row * self.width + start));
                }
            }
        }
    }

    /// For columns of contiguous elements.
    ///
    /// # Safety
    /// As [`copy_rows`](Self::copy_rows); a vector has `LANES` lanes.
    #[inline(always)]
    unsafe fn transpose<V: Simd<T = T>, const LANES: usize>(self) {
        let [n_rows, n_columns] = self.block.shape();
        for row in (0..n_rows).step_by(LANES) {
            let n_rows = LANES.min(n_rows - row);
            for column in (0..self.width).step_by(LANES) {
                // SAFETY: see above; of missing columns nothing is read.
                unsafe {
                    let mut square = [V::zero(); LANES];
                    let n_columns = n_columns.saturating_sub(column).min(LANES);
                    for (index, slot) in square.iter_mut().enumerate().take(n_columns) {
                        *slot = load_up_to::<V>(self.block.near(row, column + index), n_rows);
                    }
                    let to = self.to.as_mut_ptr().add(row * self.width + column);
                    for (index, values) in transposed(square).into_iter().enumerate().take(n_rows) {
                        values.store(to.add(index * self.width));
                    }
                }
            }
        }
    }

    /// For any strides.
    ///
    /// # Safety
    /// As [`copy_rows`](Self::copy_rows).
    #[inline(always)]
    unsafe fn copy_elements(self) {
        let [n_rows, n_columns] = self.block.shape();
        for (row, to) in self
            .to
            .chunks_exact_mut(self.width)
            .enumerate()
            .take(n_rows)
        {
            for (column, slot) in to.iter_mut().enumerate() {
                *slot = if column < n_columns {
                    // SAFETY: the element exists.
                    unsafe { *self.block.at(row, column) }
                } else {
                    T::default()
                };
            }
        }
    }
}

/// Copies the columns of a tile that exist back to where they came from.
///
/// # Safety
/// The tile must have a row of `width` elements per row of `to`, and the machine
/// the instructions of `V`.
#[inline(always)]
pub(super) unsafe fn unpack<V: Simd>(tile: &[V::T], width: usize, mut to: MatrixMut<'_, V::T>) {
    let [n_rows, n_columns] = to.shape();
    for row in 0..n_rows {
        for start in (0..n_columns).step_by(V::LANES) {
            // SAFETY: see above.
            unsafe {
                let values = V::load(tile.as_ptr().add(row * width + start));
                store_up_to(values, to.row(row).add(start), n_columns - start);
            }
        }
    }
}

/// Transposes a matrix of `LANES` rows and `N` columns, stored row after row in
/// `N` vectors. `N` is a power of two, at most `LANES`; of a square, lane j of
/// vector i becomes lane i of vector j.
///
/// Each round interleaves the upper half of the vectors with the lower one,
/// which moves the first bit of an element's place to the end.
///
/// # Safety
/// The machine must have the instructions of `V`.
#[inline(always)]
pub(super) unsafe fn transposed<V: Simd, const N: usize>(mut vectors: [V; N]) -> [V; N] {
    if N == 1 {
        return vectors;
    }
    for _ in 0..V::LANES.ilog2() {
        let before = vectors;
        for index in 0..N / 2 {
            // SAFETY: see above.
            let (even, odd) = unsafe { before[index].interleave(before[index + N / 2]) };
            vectors[2 * index] = even;
            vectors[2 * index + 1] = odd;
        }
    }
    vectors
}
