//! `out ← out + Σₜ xₜ·M[iₜ, :]`: a sum of some rows of a matrix.
//!
//! One row of a product `X·M` is such a sum over the numbers of a row of X
//! that are not 0, and so is a row of `Xᵀ·M` over a column of X.
//!
//! Of a wide matrix each row is needed by many sums, but the whole of it does
//! not fit into the nearest cache. So the sums go through it in tiles:
//!
//! ```text
//! for a block of four vectors of columns
//!   for a segment of the rows of M         (copied to one place: the tile)
//!     for every sum: add its entries that lie in the segment
//! ```

use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2};

use super::gemm::Gemm;
use super::instruction_set::InstructionSet;
use super::lists::{Entries, Lists};
use super::simd::{Simd, load_up_to, store_up_to};

/// Vectors of columns in a tile.
const TILE_VECTORS: usize = 4;

/// Sums fewer than this are not worth the copy of a tile.
const MIN_TILED_SUMS: usize = 48;

/// Bytes.
const FIRST_LEVEL_CACHE: usize = 32 << 10;

/// What one call of a kernel works on.
#[derive(Clone, Copy, Debug)]
pub struct Sums<'a, T> {
    /// The entries, which list each sum has, and what the bytes stand for.
    lists: &'a Lists,
    chosen: &'a [u32],
    factors: &'a [T; 256],
    /// Numbers from row to row of the matrix.
    matrix: *const T,
    stride: usize,
    out: *mut T,
    out_stride: usize,
    n_columns: usize,
    /// Memory for a tile, or null for sums that read the matrix where it lies.
    tile: *mut T,
}

/// A kernel compiled for one instruction set.
pub type SumKernel<T> = unsafe fn(Sums<'_, T>);

/// `out[r, :] ← out[r, :] + Σₜ factors[bytes[t]]·matrix[indices[t], :]` with the
/// entries of the list `chosen[r]`, for every row r.
///
/// The terms of every element are added in order, so that its bits depend
/// neither on the width of the matrix nor on how it is cut into tiles.
///
/// # Panics
/// If the widths differ, rows are not contiguous, there is not one list for each
/// row of `out`, a list does not exist, or there are not as many rows as indices.
pub(crate) fn add_weighted_rows<T: Gemm + Copy + Default>(
    set: InstructionSet,
    lists: &Lists,
    chosen: &[u32],
    factors: &[T; 256],
    matrix: ArrayView2<'_, T>,
    mut out: ArrayViewMut2<'_, T>,
) {
    let n_columns = out.ncols();
    let is_contiguous = |strides: &[isize]| (n_columns <= 1 || strides[1] == 1) && strides[0] >= 0;
    assert!(
        matrix.ncols() == n_columns
            && is_contiguous(matrix.strides())
            && is_contiguous(out.strides()),
        "rows must be contiguous and of one width"
    );
    assert_eq!(lists.group(), 1, "a list is one row's");
    assert_eq!(chosen.len(), out.nrows(), "one list a row");
    assert_eq!(lists.n_indices(), matrix.nrows(), "one row an index");
    let n_lists = lists.len();
    let largest = chosen.iter().fold(0, |largest, &list| list.max(largest));
    assert!(
        (largest as usize) < n_lists || chosen.is_empty(),
        "list {largest} of {n_lists} does not exist"
    );
    let kernels = T::kernels(set);
    let mut sums = Sums {
        lists,
        chosen,
        factors,
        matrix: matrix.as_ptr(),
        stride: matrix.strides()[0] as usize,
        out: out.as_mut_ptr(),
        out_stride: out.strides()[0] as usize,
        n_columns,
        tile: std::ptr::null_mut(),
    };
    T::with_scratch(|scratch| {
        if let Some(size) = tile_size::<T>(kernels.lanes, n_columns, lists, chosen) {
            sums.tile = scratch.take(size).as_mut_ptr();
        }
        // SAFETY: `set` is one of the machine's. The lists exist and their
        // indices are rows of `matrix`; `matrix` and `out` have rows of
        // `n_columns` contiguous numbers; `out`, which has one for each sum,
        // and the tile are borrowed mutably.
        unsafe { (kernels.sum)(sums) }
    });
}

/// Numbers in the largest tile, if it is worth to have any: for rows narrower
/// than a vector, which are made wider, and where the matrix does not stay in
/// the nearest cache by itself.
fn tile_size<T>(lanes: usize, n_columns: usize, lists: &Lists, chosen: &[u32]) -> Option<usize> {
    let n_rows = lists.n_indices();
    let is_small = n_rows * n_columns * size_of::<T>() <= FIRST_LEVEL_CACHE;
    if chosen.len() < MIN_TILED_SUMS {
        None
    } else if n_columns < lanes {
        Some(lanes * n_rows)
    } else if is_small {
        None
    } else {
        Some(TILE_VECTORS * lanes * lists.segment_len().min(n_rows))
    }
}

/// All sums.
///
/// # Safety
/// The machine must have the instructions of `V`, and memory must be as
/// [`Sums`] says.
#[inline(always)]
pub(super) unsafe fn weighted_rows<V: Simd>(sums: Sums<'_, V::T>) {
    let all = 0..sums.lists.n_segments();
    // SAFETY: the rows of the matrix are those of all segments.
    unsafe {
        if sums.tile.is_null() {
            in_place::<V>(sums, all);
        } else if sums.n_columns < V::LANES {
            let widened = copied::<V>(sums, 0..sums.lists.n_indices(), 1);
            block::<V, 1, 4, false>(widened, all);
        } else {
            tiles::<V>(sums);
        }
    }
}

/// Sums that read the matrix where it lies, in blocks of eight, then four, two
/// and one vectors of columns, then the rest.
///
/// # Safety
/// As [`weighted_rows`].
#[inline(always)]
unsafe fn in_place<V: Simd>(sums: Sums<'_, V::T>, all: Range<usize>) {
    // SAFETY: the columns of the blocks follow one another up to `n_columns`.
    unsafe {
        let mut rest = sums;
        while rest.n_columns >= 8 * V::LANES {
            block::<V, 8, 1, false>(rest.columns(0..8 * V::LANES), all.clone());
            rest = rest.columns(8 * V::LANES..rest.n_columns);
        }
        if rest.n_columns >= 4 * V::LANES {
            block::<V, 4, 1, false>(rest.columns(0..4 * V::LANES), all.clone());
            rest = rest.columns(4 * V::LANES..rest.n_columns);
        }
        if rest.n_columns >= 2 * V::LANES {
            block::<V, 2, 2, false>(rest.columns(0..2 * V::LANES), all.clone());
            rest = rest.columns(2 * V::LANES..rest.n_columns);
        }
        if rest.n_columns >= V::LANES {
            block::<V, 1, 4, false>(rest.columns(0..V::LANES), all.clone());
            rest = rest.columns(V::LANES..rest.n_columns);
        }
        if rest.n_columns > 0 {
            block::<V, 1, 4, true>(rest, all);
        }
    }
}

/// Sums that go through the matrix tile by tile.
///
/// # Safety
/// As [`weighted_rows`], with a tile.
#[inline(always)]
unsafe fn tiles<V: Simd>(sums: Sums<'_, V::T>) {
    let (n_rows, segment_len) = (sums.lists.n_indices(), sums.lists.segment_len());
    for column in (0..sums.n_columns).step_by(TILE_VECTORS * V::LANES) {
        let end = sums.n_columns.min(column + TILE_VECTORS * V::LANES);
        // SAFETY: the columns exist.
        let part = unsafe { sums.columns(column..end) };
        let n_vectors = part.n_columns.div_ceil(V::LANES);
        for segment in 0..sums.lists.n_segments() {
            let start = segment * segment_len;
            let rows = start..n_rows.min(start + segment_len);
            // SAFETY: the tile has room for a segment of so many vectors.
            unsafe {
                let tile = part.tile_of::<V>(rows, n_vectors);
                let segment = segment..segment + 1;
                match n_vectors {
                    1 => block::<V, 1, 4, false>(tile, segment),
                    2 => block::<V, 2, 2, false>(tile, segment),
                    3 => block::<V, 3, 1, false>(tile, segment),
                    _ => block::<V, TILE_VECTORS, 1, false>(tile, segment),
                }
            }
        }
    }
}

impl<'a, T: Copy> Sums<'a, T> {
    /// The sums of some columns.
    ///
    /// # Safety
    /// The columns must exist.
    #[inline(always)]
    unsafe fn columns(self, columns: Range<usize>) -> Self {
        Self {
            // SAFETY: see above.
            matrix: unsafe { self.matrix.add(columns.start) },
            // SAFETY: see above.
            out: unsafe { self.out.add(columns.start) },
            n_columns: columns.len(),
            ..self
        }
    }

    /// The matrix itself, if it can be read as fast as a copy of it, or else
    /// the copy of some of its rows.
    ///
    /// # Safety
    /// As [`copied`].
    #[inline(always)]
    unsafe fn tile_of<V: Simd<T = T>>(self, rows: Range<usize>, n_vectors: usize) -> Self {
        let width = n_vectors * V::LANES;
        let is_aligned = (self.matrix as usize).is_multiple_of(V::LANES * size_of::<T>());
        if self.n_columns == width && self.stride == width && is_aligned {
            self
        } else {
            // SAFETY: see above.
            unsafe { copied::<V>(self, rows, n_vectors) }
        }
    }
}

/// The same sums with a copy of some rows of the matrix, filled up with zeros
/// to whole vectors.
///
/// # Safety
/// As [`weighted_rows`]; the tile must have room for the copy, and only entries
/// of these rows may be added.
#[inline(always)]
unsafe fn copied<'a, V: Simd>(
    sums: Sums<'a, V::T>,
    rows: Range<usize>,
    n_vectors: usize,
) -> Sums<'a, V::T> {
    let width = n_vectors * V::LANES;
    for row in rows.clone() {
        for column in (0..width).step_by(V::LANES) {
            // SAFETY: see above; of columns that do not exist nothing is read.
            unsafe {
                let from = sums.matrix.add(row * sums.stride + column);
                let to = sums.tile.add((row - rows.start) * width + column);
                load_up_to::<V>(from, sums.n_columns - column).store(to);
            }
        }
    }
    Sums {
        // Entries count from row 0.
        matrix: sums.tile.wrapping_sub(rows.start * width),
        stride: width,
        ..sums
    }
}

/// At most `N` vectors of columns, summed in registers; `TOGETHER` sums side
/// by side, since the terms of one sum have to wait for each other.
///
/// If `IS_PART`, the rows of the matrix end inside the last vector.
///
/// # Safety
/// As [`weighted_rows`], for the rows of the given segments. There must be more
/// columns than `N - 1` vectors have.
#[inline(always)]
unsafe fn block<V: Simd, const N: usize, const TOGETHER: usize, const IS_PART: bool>(
    sums: Sums<'_, V::T>,
    segments: Range<usize>,
) {
    let n_sums = sums.chosen.len();
    let together = n_sums - n_sums % TOGETHER;
    for first in (0..together).step_by(TOGETHER) {
        // SAFETY: see above; there are so many sums.
        unsafe { some_sums::<V, N, TOGETHER, IS_PART>(sums, first, segments.clone()) }
    }
    for first in together..n_sums {
        // SAFETY: as above.
        unsafe { some_sums::<V, N, 1, IS_PART>(sums, first, segments.clone()) }
    }
}

/// `TOGETHER` sums from number `first` on.
///
/// # Safety
/// As [`block`]; the sums must exist.
#[inline(always)]
unsafe fn some_sums<V: Simd, const N: usize, const TOGETHER: usize, const IS_PART: bool>(
    sums: Sums<'_, V::T>,
    first: usize,
    segments: Range<usize>,
) {
    // SAFETY: see above; an entry below a list's length exists.
    unsafe {
        // Loops, not closures, which might be left without the instructions.
        let mut entries: [Entries<'_>; TOGETHER] = [(&[], &[]); TOGETHER];
        let mut totals = [[V::zero(); N]; TOGETHER];
        for (offset, (entries, total)) in entries.iter_mut().zip(&mut totals).enumerate() {
            let list = *sums.chosen.get_unchecked(first + offset);
            *entries = sums.lists.segments(list, segments.clone());
            *total = sums.load_out(first + offset);
        }
        let mut common = 0;
        if TOGETHER > 1 {
            common = entries
                .iter()
                .map(|(indices, _)| indices.len())
                .min()
                .unwrap_or(0);
            for entry in 0..common {
                for (entries, total) in entries.iter().zip(&mut totals) {
                    *total = sums.add_entry::<V, N, IS_PART>(*entries, entry, *total);
                }
            }
        }
        for (offset, (entries, mut total)) in entries.into_iter().zip(totals).enumerate() {
            for entry in common..entries.0.len() {
                total = sums.add_entry::<V, N, IS_PART>(entries, entry, total);
            }
            sums.store_out(first + offset, total);
        }
    }
}

impl<T: Copy> Sums<'_, T> {
    /// `total + factors[byte]·matrix[index, :]`
    ///
    /// # Safety
    /// As [`block`]; the entry must exist.
    #[inline(always)]
    unsafe fn add_entry<V: Simd<T = T>, const N: usize, const IS_PART: bool>(
        self,
        (indices, bytes): Entries<'_>,
        entry: usize,
        mut total: [V; N],
    ) -> [V; N] {
        // SAFETY: see above.
        unsafe {
            let index = usize::from(*indices.get_unchecked(entry));
            let byte = usize::from(*bytes.get_unchecked(entry));
            let factor = V::splat(self.factors[byte]);
            let row = self.matrix.wrapping_add(index * self.stride);
            for (vector, slot) in total.iter_mut().enumerate() {
                let start = vector * V::LANES;
                let row = row.wrapping_add(start);
                let row = if IS_PART && vector == N - 1 {
                    V::load_part(row, self.n_columns - start)
                } else {
                    V::load(row)
                };
                *slot = factor.multiply_add(row, *slot);
            }
            total
        }
    }

    /// # Safety
    /// As [`block`]; the sum must exist.
    #[inline(always)]
    unsafe fn load_out<V: Simd<T = T>, const N: usize>(self, sum: usize) -> [V; N] {
        // SAFETY: see above.
        unsafe {
            let mut total = [V::zero(); N];
            for (vector, slot) in total.iter_mut().enumerate() {
                let start = vector * V::LANES;
                let from = self.out.add(sum * self.out_stride + start);
                *slot = load_up_to(from, self.n_columns - start);
            }
            total
        }
    }

    /// # Safety
    /// As [`block`]; the sum must exist.
    #[inline(always)]
    unsafe fn store_out<V: Simd<T = T>, const N: usize>(self, sum: usize, total: [V; N]) {
        for (vector, values) in total.into_iter().enumerate() {
            let start = vector * V::LANES;
            // SAFETY: see above.
            unsafe {
                let to = self.out.add(sum * self.out_stride + start);
                store_up_to(values, to, self.n_columns - start);
            }
        }
    }
}
