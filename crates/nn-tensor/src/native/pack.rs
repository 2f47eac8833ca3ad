//! Copies blocks of B into panels: `width` numbers of a row after those of the
//! row before, so that the microkernel reads memory in order.
//!
//! A panel of a transposed matrix is turned in registers, a square of as many
//! rows and columns as a vector has lanes at a time.

use super::simd::{Simd, load_up_to};

/// One panel, and the block that it is a copy of.
#[derive(Clone, Copy, Debug)]
pub struct Panel<T> {
    pub(super) from: *const T,
    pub(super) row_stride: isize,
    pub(super) column_stride: isize,
    pub(super) rows: usize,
    /// Columns of the block; those missing to the panel's width become zeros.
    pub(super) columns: usize,
    /// `rows` times the panel's width.
    pub(super) to: *mut T,
}

/// A kernel compiled for one instruction set.
pub type PackKernel<T> = unsafe fn(Panel<T>);

/// Packs one panel of `VECTORS` vectors of `LANES` lanes.
///
/// # Safety
/// `panel` must describe memory that exists, and the machine must have the
/// instructions of `V`, which the function this is inlined into must be
/// compiled for.
#[inline(always)]
pub(super) unsafe fn pack<V: Simd, const VECTORS: usize, const LANES: usize>(panel: Panel<V::T>) {
    const { assert!(V::LANES == LANES) };
    // SAFETY: the caller vouches for the panel.
    unsafe {
        if panel.column_stride == 1 {
            pack_rows::<V, VECTORS>(panel);
        } else if panel.row_stride == 1 {
            pack_columns::<V, VECTORS, LANES>(panel);
        } else {
            pack_numbers::<V, VECTORS>(panel);
        }
    }
}

/// [`pack`] for rows of contiguous numbers.
///
/// # Safety
/// As [`pack`].
#[inline(always)]
unsafe fn pack_rows<V: Simd, const VECTORS: usize>(panel: Panel<V::T>) {
    // SAFETY: every address below lies in the block or the panel.
    unsafe {
        let (mut from, mut to) = (panel.from, panel.to);
        for _ in 0..panel.rows {
            for vector in 0..VECTORS {
                let start = vector * V::LANES;
                let n = panel.columns.saturating_sub(start);
                load_up_to::<V>(from.wrapping_add(start), n).store(to.add(start));
            }
            from = from.wrapping_offset(panel.row_stride);
            to = to.add(VECTORS * V::LANES);
        }
    }
}

/// [`pack`] for columns of contiguous numbers.
///
/// # Safety
/// As [`pack`].
#[inline(always)]
unsafe fn pack_columns<V: Simd, const VECTORS: usize, const LANES: usize>(panel: Panel<V::T>) {
    for row in (0..panel.rows).step_by(LANES) {
        let n_rows = LANES.min(panel.rows - row);
        for column in (0..VECTORS * LANES).step_by(LANES) {
            // SAFETY: every address below lies in the block or the panel; of
            // columns that do not exist nothing is read.
            unsafe {
                let mut square = [V::zero(); LANES];
                let n_columns = panel.columns.saturating_sub(column).min(LANES);
                for (index, slot) in square.iter_mut().enumerate().take(n_columns) {
                    let from = panel
                        .from
                        .offset((column + index) as isize * panel.column_stride);
                    *slot = load_up_to::<V>(from.add(row), n_rows);
                }
                for (index, values) in transposed(square).into_iter().enumerate().take(n_rows) {
                    values.store(panel.to.add((row + index) * VECTORS * LANES + column));
                }
            }
        }
    }
}

/// [`pack`] for any strides.
///
/// # Safety
/// As [`pack`].
#[inline(always)]
unsafe fn pack_numbers<V: Simd, const VECTORS: usize>(panel: Panel<V::T>) {
    let width = VECTORS * V::LANES;
    for row in 0..panel.rows {
        for column in 0..width {
            let place = row as isize * panel.row_stride + column as isize * panel.column_stride;
            // SAFETY: every address below lies in the block or the panel.
            unsafe {
                let value = if column < panel.columns {
                    *panel.from.offset(place)
                } else {
                    V::T::default()
                };
                *panel.to.add(row * width + column) = value;
            }
        }
    }
}

/// Turns `N` vectors with the numbers of a matrix of `LANES` rows and `N`
/// columns, row after row, into its columns. `N` is a power of two, at most
/// `LANES`; of a square, lane j of vector i becomes lane i of vector j.
///
/// Each round interleaves the upper half of the vectors with the lower one,
/// which moves the first bit of a number's place to the end.
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
