//! `out ← out + Σₜ xₜ·M[iₜ, :]`: sums of some rows of a matrix.
//!
//! One row of a product `X·M` is such a sum over the values of a row of X
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

use super::compressed_rows::CompressedRows;
use super::dispatch::{Element, dispatch};
use super::instruction_set::InstructionSet;
use super::matrix::{Matrix, MatrixMut};
use super::micro::{
    ByColumns, Coded, Columns, Epilogue, Terms, add_term, by_columns, finish, gather, load_row,
};
use super::pack::Pack;
use super::scratch::Scratch;
use super::simd::{Program, Simd};

/// Vectors of columns in a tile.
const TILE_VECTORS: usize = 4;

/// Fewer sums than this are not worth the copy of a tile.
const MIN_TILED_SUMS: usize = 48;

/// Bytes.
const FIRST_LEVEL_CACHE: usize = 32 << 10;

/// `out[r, :] ← out[r, :] + Σₜ factors[bytes[t]]·matrix[indices[t], :]` with the
/// entries of the list `chosen[r]`, for every row r.
///
/// The terms of every element are added in order, so that its bits depend
/// neither on the width of the matrix nor on how it is cut into tiles.
///
/// # Panics
/// If the widths differ, rows are not contiguous, there is not one list per
/// row of `out`, a list does not exist, or there are not as many rows as indices.
pub(crate) fn add_weighted_rows<T: Element>(
    set: InstructionSet,
    lists: &CompressedRows,
    chosen: &[u32],
    factors: &[T; 256],
    matrix: Matrix<'_, T>,
    out: MatrixMut<'_, T>,
) {
    let ([n_indices, width], [n_rows, n_columns]) = (matrix.shape(), out.shape());
    assert!(
        width == n_columns && matrix.has_whole_rows() && matrix.strides()[0] >= 0,
        "rows must be contiguous and of one width"
    );
    assert_eq!(lists.group(), 1, "a list is one row's");
    assert_eq!(chosen.len(), n_rows, "one list per row");
    assert_eq!(lists.n_indices(), n_indices, "one row per index");
    let n_lists = lists.len();
    let largest = chosen.iter().fold(0, |largest, &list| list.max(largest));
    assert!(
        (largest as usize) < n_lists || chosen.is_empty(),
        "list {largest} of {n_lists} does not exist"
    );
    dispatch(
        set,
        WeightedRows {
            lists,
            chosen,
            factors,
            matrix,
            out,
        },
    );
}

struct WeightedRows<'a, T> {
    lists: &'a CompressedRows,
    /// The list of each sum.
    chosen: &'a [u32],
    /// What the bytes stand for.
    factors: &'a [T; 256],
    matrix: Matrix<'a, T>,
    out: MatrixMut<'a, T>,
}

impl<T: Element> Program<T> for WeightedRows<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Simd<T = T>>(mut self) {
        let [n_indices, n_columns] = self.matrix.shape();
        let is_narrow = n_columns < V::LANES;
        let is_small = n_indices * n_columns * size_of::<T>() <= FIRST_LEVEL_CACHE;
        // Rows narrower than a vector are made wider; other matrices that stay
        // in the nearest cache by themselves are read where they lie.
        let has_tiles = self.chosen.len() >= MIN_TILED_SUMS && (is_narrow || !is_small);
        // SAFETY: as the caller's promise.
        unsafe {
            if !has_tiles {
                return by_columns::<V, _>(n_columns, &mut self);
            }
            let (segments, tile_rows) = if is_narrow {
                (self.lists.n_segments(), n_indices)
            } else {
                (1, self.lists.segment_len().min(n_indices))
            };
            let mut scratch = Scratch::borrow();
            let mut tiles = Tiles {
                tile: scratch.take(TILE_VECTORS * V::LANES * tile_rows),
                segments,
                sums: self,
            };
            by_columns::<V, _>(n_columns, &mut tiles);
        }
    }
}

/// Sums that read the matrix where it lies.
impl<V: Simd> ByColumns<V> for WeightedRows<'_, V::T> {
    const MAX_PART: usize = 2;

    #[inline(always)]
    unsafe fn block<const N: usize>(&mut self, columns: Range<usize>) {
        let first = self.matrix.near(0, columns.start);
        let stride = self.matrix.strides()[0] as usize;
        let all = 0..self.lists.n_segments();
        // SAFETY: the columns exist, and all indices are rows.
        unsafe {
            if const { N > 2 } || columns.len() == N * V::LANES {
                self.add::<V, N, false>(first, stride, columns, all);
            } else {
                self.add::<V, N, true>(first, stride, columns, all);
            }
        }
    }
}

/// Sums that go through the matrix tile by tile.
struct Tiles<'a, T> {
    sums: WeightedRows<'a, T>,
    tile: &'a mut [T],
    /// Number of segments in a tile.
    segments: usize,
}

impl<V: Simd> ByColumns<V> for Tiles<'_, V::T>
where
    V::T: Copy + Default,
{
    const MAX: usize = TILE_VECTORS;

    #[inline(always)]
    unsafe fn block<const N: usize>(&mut self, columns: Range<usize>) {
        let Self { sums, tile, .. } = self;
        let width = N * V::LANES;
        let segment_len = sums.lists.segment_len();
        for segment in (0..sums.lists.n_segments()).step_by(self.segments) {
            let segments = segment..segment + self.segments;
            let rows = segments.start * segment_len
                ..sums.lists.n_indices().min(segments.end * segment_len);
            let block = sums.matrix.rows(rows.clone()).columns(columns.clone());
            let address = block.near(0, 0);
            let is_aligned = (address as usize).is_multiple_of(V::LANES * size_of::<V::T>());
            // SAFETY: the tile has all columns of the rows of these segments.
            unsafe {
                let mut from = address;
                if block.shape()[1] != width || block.strides()[0] != width as isize || !is_aligned
                {
                    Pack {
                        block,
                        width,
                        to: tile,
                    }
                    .run::<V>();
                    from = tile.as_ptr();
                }
                // Entries count from row 0.
                let first = from.wrapping_sub(rows.start * width);
                sums.add::<V, N, false>(first, width, columns.clone(), segments);
            }
        }
    }
}

impl<T: Copy> WeightedRows<'_, T> {
    /// Adds the entries of some segments to some columns of all sums; several
    /// narrow sums side by side, since the terms of one sum have to wait for
    /// each other.
    ///
    /// # Safety
    /// `first` must be where row 0 of the columns is, or would be, and all
    /// entries of the segments must have rows there; the machine must have the
    /// instructions of `V`.
    #[inline(always)]
    unsafe fn add<V: Simd<T = T>, const N: usize, const IS_PART: bool>(
        &mut self,
        first: *const T,
        stride: usize,
        columns: Range<usize>,
        segments: Range<usize>,
    ) {
        let n_sums = self.chosen.len();
        let together = match N {
            1 => n_sums - n_sums % 4,
            2 => n_sums - n_sums % 2,
            _ => 0,
        };
        let mut sum = 0;
        // SAFETY: see above; there are so many sums.
        unsafe {
            while const { N <= 2 } && sum < together {
                let (columns, segments) = (columns.clone(), segments.clone());
                if const { N == 1 } {
                    self.add_some::<V, N, 4, IS_PART>(sum, first, stride, columns, segments);
                    sum += 4;
                } else {
                    self.add_some::<V, N, 2, IS_PART>(sum, first, stride, columns, segments);
                    sum += 2;
                }
            }
            while sum < n_sums {
                let (columns, segments) = (columns.clone(), segments.clone());
                self.add_some::<V, N, 1, IS_PART>(sum, first, stride, columns, segments);
                sum += 1;
            }
        }
    }

    /// `TOGETHER` sums from number `sum` on.
    ///
    /// # Safety
    /// As [`add`](Self::add); the sums must exist.
    #[inline(always)]
    unsafe fn add_some<
        V: Simd<T = T>,
        const N: usize,
        const TOGETHER: usize,
        const IS_PART: bool,
    >(
        &mut self,
        sum: usize,
        first: *const T,
        stride: usize,
        columns: Range<usize>,
        segments: Range<usize>,
    ) {
        let block = Columns::<IS_PART>(columns.len());
        // SAFETY: see above.
        unsafe {
            let mut out = self.out.part(0..self.chosen.len(), columns.clone());
            // Loops, not closures, which might be left without the instructions.
            let mut terms = [Coded::<T, 1>::new((&[], &[]), self.factors, stride); TOGETHER];
            let mut totals = [[[V::zero(); N]]; TOGETHER];
            let mut common = usize::MAX;
            for (offset, (terms, total)) in terms.iter_mut().zip(&mut totals).enumerate() {
                let list = *self.chosen.get_unchecked(sum + offset);
                let entries = self.lists.segments(list, segments.clone());
                *terms = Coded::new(entries, self.factors, stride);
                common = common.min(entries.0.len());
                *total = [load_row(out.row(sum + offset), columns.len())];
            }
            if TOGETHER > 1 {
                for _ in 0..common {
                    for (terms, total) in terms.iter_mut().zip(&mut totals) {
                        add_term::<V, 1, N, IS_PART>(*terms, first, block, total);
                        Terms::<V, 1>::advance(terms);
                    }
                }
            }
            for (offset, (terms, mut total)) in terms.into_iter().zip(totals).enumerate() {
                gather(terms, first, block, &mut total);
                let row = sum + offset..sum + offset + 1;
                finish(total, out.rows_unchecked(row), Epilogue::Overwrite);
            }
        }
    }
}
