//! Products of compressed sparse rows X with dense matrices:
//!
//! ```text
//! sums      out[r, :] ← bias or out[r, :] + Σₖ x_rk·M[k, :]    over k with x_rk ≠ 0
//! outer     out[k, :] ← out[k, :] + Σᵣ x_rk·δ[r, :]            over r with x_rk ≠ 0
//! ```
//!
//! With lists of the columns of X instead of its rows, the same code computes products of the
//! transpose. The rows of a group (see [`CompressedRows::grouped`]) share one list, so each row of
//! M or `out` is loaded once per group. A term that is 0 in a row of the group does not change the
//! sum of this row, so every sum has the same bits as for a single row, in any tiling.
//!
//! Each row of the matrix is needed by many sums, and a wide matrix does not fit in the
//! L1 cache. The sums therefore read the matrix in tiles:
//!
//! ```text
//! for a block of columns
//!   for some segments of the rows of M     (packed: the tile)
//!     for every sum: add its entries in these segments
//! ```

use std::ops::Range;

use super::compressed_rows::{CompressedRows, Entries};
use super::dispatch::Element;
use super::matrix::{Matrix, MatrixMut};
use super::micro::{
    ByColumns, Coded, Columns, Epilogue, Terms, add_term, by_columns, finish, gather, load_row,
    scatter,
};
use super::pack::{Pack, unpack};
use super::scratch::Scratch;
use super::simd::{Program, Simd};

/// Number of rows in a group.
pub(crate) const GROUP: usize = 4;

/// Maximum number of vectors of columns in a tile.
const TILE_VECTORS: usize = 4;

/// Maximum number of rows in a tile for the sums of groups.
const MAX_TILE_ROWS: usize = 400;

/// Minimum number of sums that are worth copying a tile.
const MIN_TILED_SUMS: usize = 48;

/// Size of the L1 cache in bytes.
const FIRST_LEVEL_CACHE: usize = 32 << 10;

/// `out ← bias + X·matrix`, or `out ← out + X·matrix` without a bias.
///
/// # Shapes
/// `matrix [n_indices, n_columns]`, `out [n_rows, n_columns]`, with a list for each
/// group of rows.
#[derive(Debug)]
pub struct SparseSums<'a, T> {
    pub(crate) lists: &'a CompressedRows,
    /// The list of each sum. Without it, the sums have the lists from `first_list` on.
    pub(crate) chosen: Option<&'a [u32]>,
    pub(crate) first_list: usize,
    /// The values that bytes represent.
    pub(crate) factors: &'a [T; 256],
    pub(crate) matrix: Matrix<'a, T>,
    pub(crate) bias: Option<&'a [T]>,
    pub(crate) out: MatrixMut<'a, T>,
}

impl<T: Element> Program<T> for SparseSums<'_, T> {
    #[inline(always)]
    fn run<V: Simd<T = T>>(self) {
        self.check();
        if self.lists.group() == 1 {
            V::vectorize(Sums::<_, 1>(self));
        } else {
            V::vectorize(Sums::<_, GROUP>(self));
        }
    }
}

impl<T> SparseSums<'_, T> {
    /// # Panics
    /// Panics if the shapes do not match, rows are not contiguous, or a list does not
    /// exist.
    fn check(&self) {
        let ([n_indices, width], [n_rows, n_columns]) = (self.matrix.shape(), self.out.shape());
        let (n_lists, group) = (self.lists.len(), self.lists.group());
        assert!(
            width == n_columns
                && self.matrix.has_contiguous_rows()
                && self.matrix.strides()[0] >= 0,
            "rows must be contiguous and of equal width"
        );
        assert!(
            self.bias.is_none_or(|bias| bias.len() == n_columns),
            "expected one bias per column"
        );
        assert_eq!(
            self.lists.n_indices(),
            n_indices,
            "expected one row of the matrix per index"
        );
        assert!(
            group == 1 || group == GROUP,
            "expected groups of 1 or {GROUP} rows, found {group}"
        );
        let n_sums = n_rows.div_ceil(group);
        let end = match self.chosen {
            None => self.first_list + n_sums,
            Some(chosen) => {
                assert_eq!(chosen.len(), n_sums, "expected one list per row");
                chosen
                    .iter()
                    .fold(0, |end, &list| end.max(list as usize + 1))
            }
        };
        assert!(
            end <= n_lists,
            "row index {} out of range for {n_lists} sparse rows",
            end.max(1) - 1
        );
    }
}

/// [`SparseSums`] of groups of `R` rows, whose operands have been checked.
struct Sums<'a, T, const R: usize>(SparseSums<'a, T>);

impl<T: Element, const R: usize> Program<T> for Sums<'_, T, R> {
    #[inline(always)]
    fn run<V: Simd<T = T>>(mut self) {
        let SparseSums {
            lists, matrix, out, ..
        } = &self.0;
        let ([n_indices, n_columns], n_sums) = (matrix.shape(), out.shape()[0].div_ceil(R));
        let is_narrow = n_columns < V::LANES;
        let is_small = n_indices * n_columns * size_of::<T>() <= FIRST_LEVEL_CACHE;
        // Rows narrower than a vector are padded; other matrices that fit in the L1
        // cache are read in place.
        if const { R == 1 } && (n_sums < MIN_TILED_SUMS || !is_narrow && is_small) {
            // SAFETY: these are all columns.
            return unsafe { by_columns::<V, _>(n_columns, &mut self) };
        }
        let segments = match R {
            1 if is_narrow => lists.n_segments(),
            1 => 1,
            _ => (MAX_TILE_ROWS / lists.segment_len()).max(1),
        };
        let tile_rows = n_indices.min(segments * lists.segment_len());
        let mut scratch = Scratch::borrow();
        let tile = scratch.take(TILE_VECTORS * V::LANES * tile_rows);
        let (sums, tile) = (self, tile);
        // SAFETY: these are all columns.
        unsafe {
            let tiles = &mut Tiles {
                sums,
                tile,
                segments,
            };
            by_columns::<V, _>(n_columns, tiles);
        }
    }
}

/// Sums that read the matrix in place.
impl<V: Simd, const R: usize> ByColumns<V> for Sums<'_, V::T, R> {
    const MAX_PART: usize = 2;

    #[inline(always)]
    unsafe fn block<const N: usize>(&mut self, columns: Range<usize>) {
        let first = self.0.matrix.at(0, columns.start);
        let stride = self.0.matrix.strides()[0] as usize;
        let all = 0..self.0.lists.n_segments();
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

/// Sums that read the matrix in tiles.
struct Tiles<'a, T, const R: usize> {
    sums: Sums<'a, T, R>,
    tile: &'a mut [T],
    /// Number of segments in a tile.
    segments: usize,
}

impl<V: Simd, const R: usize> ByColumns<V> for Tiles<'_, V::T, R> {
    const MAX: usize = if V::MAX_SUMS / R < TILE_VECTORS {
        V::MAX_SUMS / R
    } else {
        TILE_VECTORS
    };

    #[inline(always)]
    unsafe fn block<const N: usize>(&mut self, columns: Range<usize>) {
        let Self { sums, tile, .. } = self;
        let (lists, width) = (sums.0.lists, N * V::LANES);
        for segment in (0..lists.n_segments()).step_by(self.segments) {
            let segments = segment..lists.n_segments().min(segment + self.segments);
            let rows = lists.indices_of(segments.clone());
            let block = sums.0.matrix.part(rows.clone(), columns.clone());
            let mut from = block.at(0, 0);
            let is_aligned = (from as usize).is_multiple_of(V::LANES * size_of::<V::T>());
            let is_tile = columns.len() == width && block.strides()[0] == width as isize;
            if !is_tile || !is_aligned {
                let to = &mut **tile;
                Pack { block, width, to }.run::<V>();
                from = tile.as_ptr();
            }
            // Indices count from row 0.
            let first = from.wrapping_sub(rows.start * width);
            // SAFETY: the tile has all columns of the rows of these segments.
            unsafe { sums.add::<V, N, false>(first, width, columns.clone(), segments) };
        }
    }
}

impl<T: Copy, const R: usize> Sums<'_, T, R> {
    /// Adds the entries of a range of segments to a block of columns of all sums;
    /// several narrow sums side by side, since the terms of one sum depend on each
    /// other.
    ///
    /// # Safety
    /// `first` must be the address of row 0 of the columns, and all entries of the
    /// segments must have rows there.
    #[inline(always)]
    unsafe fn add<V: Simd<T = T>, const N: usize, const IS_PART: bool>(
        &mut self,
        first: *const T,
        stride: usize,
        columns: Range<usize>,
        segments: Range<usize>,
    ) {
        let n_sums = self.0.out.shape()[0].div_ceil(R);
        let mut sum = 0;
        // SAFETY: as for this function; these sums exist.
        unsafe {
            while const { R == 1 && N == 1 } && sum + 4 <= n_sums {
                let (columns, segments) = (columns.clone(), segments.clone());
                self.add_some::<V, N, 4, IS_PART>(sum, first, stride, columns, segments);
                sum += 4;
            }
            while const { R == 1 && N == 2 } && sum + 2 <= n_sums {
                let (columns, segments) = (columns.clone(), segments.clone());
                self.add_some::<V, N, 2, IS_PART>(sum, first, stride, columns, segments);
                sum += 2;
            }
            while sum < n_sums {
                let (columns, segments) = (columns.clone(), segments.clone());
                self.add_some::<V, N, 1, IS_PART>(sum, first, stride, columns, segments);
                sum += 1;
            }
        }
    }

    /// As [`add`](Self::add), to `TOGETHER` sums from `sum` on.
    ///
    /// # Safety
    /// As for [`add`](Self::add); the sums must exist.
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
        let [n_rows, _] = self.0.out.shape();
        let mut out = self.0.out.part(0..n_rows, columns.clone());
        let bias = self.0.bias.filter(|_| segments.start == 0);
        // SAFETY: as for this function.
        unsafe {
            // Loops, not closures, which might not be compiled for the instructions.
            let mut terms = [Coded::<T, R>::new((&[], &[]), self.0.factors, stride); TOGETHER];
            let mut totals = [[[V::zero(); N]; R]; TOGETHER];
            let mut common = usize::MAX;
            for (offset, (terms, total)) in terms.iter_mut().zip(&mut totals).enumerate() {
                let list = match self.0.chosen {
                    Some(chosen) => *chosen.get_unchecked(sum + offset),
                    None => (self.0.first_list + sum + offset) as u32,
                };
                let entries = self.0.lists.segments(list, segments.clone());
                *terms = Coded::new(entries, self.0.factors, stride);
                common = common.min(entries.0.len());
                *total = match bias {
                    Some(bias) => [load_row(bias.as_ptr().add(columns.start), columns.len()); R],
                    None => load_rows(out.as_matrix(), sum + offset),
                };
            }
            if TOGETHER > 1 {
                for _ in 0..common {
                    for (terms, total) in terms.iter_mut().zip(&mut totals) {
                        add_term::<V, R, N, IS_PART>(*terms, first, block, total);
                        Terms::<V, R>::advance(terms);
                    }
                }
            }
            for (offset, (terms, mut total)) in terms.into_iter().zip(totals).enumerate() {
                gather(terms, first, block, &mut total);
                for (row, total) in members::<R>(sum + offset, n_rows).zip(total) {
                    finish([total], out.rows(row..row + 1), Epilogue::Overwrite);
                }
            }
        }
    }
}

/// The rows of a group of `R`, which must have one of the `n_rows` rows.
#[inline(always)]
fn members<const R: usize>(group: usize, n_rows: usize) -> Range<usize> {
    if const { R == 1 } {
        // The compiler knows the length of this range.
        return group..group + 1;
    }
    group * R..n_rows.min((group + 1) * R)
}

/// Loads the rows of a group; rows beyond the last one are 0.
///
/// # Safety
/// The group must have a row; the matrix must have `N` vectors of columns, the last of which may be partial.
#[inline(always)]
unsafe fn load_rows<V: Simd, const R: usize, const N: usize>(
    matrix: Matrix<'_, V::T>,
    group: usize,
) -> [[V; N]; R] {
    let [n_rows, n_columns] = matrix.shape();
    // SAFETY: as for this function.
    unsafe {
        if const { R == 1 } {
            return [load_row(matrix.at(group, 0), n_columns); R];
        }
        let mut vectors = [[V::zero(); N]; R];
        for (row, slot) in members::<R>(group, n_rows).zip(&mut vectors) {
            *slot = load_row(matrix.at(row, 0), n_columns);
        }
        vectors
    }
}

/// Adds an outer product: `out[indices[t], :] ← out[indices[t], :] + factors[bytes[t]]·row`
/// for the entries t of a list of one row.
#[derive(Debug)]
pub struct SparseOuter<'a, T> {
    pub(crate) lists: &'a CompressedRows,
    pub(crate) list: u32,
    /// The values that bytes represent.
    pub(crate) factors: &'a [T; 256],
    pub(crate) row: &'a [T],
    /// One row per index.
    pub(crate) out: &'a mut [T],
}

impl<T: Element> Program<T> for SparseOuter<'_, T> {
    #[inline(always)]
    fn run<V: Simd<T = T>>(self) {
        let Self {
            lists,
            factors,
            row,
            out,
            ..
        } = self;
        assert_eq!(lists.group(), 1, "expected lists of single rows");
        assert_eq!(
            out.len(),
            lists.n_indices() * row.len(),
            "expected one row of `out` per index"
        );
        let entries = lists.entries(self.list);
        let outer = &mut Outer {
            entries,
            factors,
            row,
            out,
        };
        // SAFETY: these are all columns.
        unsafe { by_columns::<V, _>(row.len(), outer) }
    }
}

/// [`SparseOuter`] with the entries of its list.
struct Outer<'a, T> {
    entries: Entries<'a>,
    factors: &'a [T; 256],
    row: &'a [T],
    out: &'a mut [T],
}

impl<V: Simd> ByColumns<V> for Outer<'_, V::T> {
    const MAX_PART: usize = 1;

    #[inline(always)]
    unsafe fn block<const N: usize>(&mut self, columns: Range<usize>) {
        let terms = Coded::<_, 1>::new(self.entries, self.factors, self.row.len());
        let n = columns.len();
        // SAFETY: the columns exist, and every index is a row of `out`.
        unsafe {
            let row = [load_row::<V, N>(self.row.as_ptr().add(columns.start), n)];
            let out = self.out.as_mut_ptr().add(columns.start);
            if N > 1 || n == V::LANES {
                scatter(terms, row, out, Columns::<false>(n));
            } else {
                scatter(terms, row, out, Columns::<true>(n));
            }
        }
    }
}

/// `out ← out + Xᵀ·error` for the columns of X in a segment of grouped lists: four
/// rows of the error in registers, a tile of `out` in the cache.
///
/// # Shapes
/// `error [n_rows, n_columns]` for all rows of X, `out [segment, n_columns]`.
#[derive(Debug)]
pub struct GroupOuters<'a, T> {
    pub(crate) lists: &'a CompressedRows,
    pub(crate) segment: usize,
    /// The values that bytes represent.
    pub(crate) factors: &'a [T; 256],
    pub(crate) error: Matrix<'a, T>,
    pub(crate) out: MatrixMut<'a, T>,
}

impl<T: Element> Program<T> for GroupOuters<'_, T> {
    #[inline(always)]
    fn run<V: Simd<T = T>>(self) {
        let ([n_rows, width], [n_indices, n_columns]) = (self.error.shape(), self.out.shape());
        assert!(
            self.lists.group() == GROUP && n_rows.div_ceil(GROUP) == self.lists.len(),
            "expected one list per {GROUP} rows of errors"
        );
        assert!(
            width == n_columns && self.error.has_contiguous_rows(),
            "expected rows of errors of equal width"
        );
        let indices = self.lists.indices_of(self.segment..self.segment + 1);
        assert_eq!(
            n_indices,
            indices.len(),
            "expected one row of `out` per index"
        );
        let mut scratch = Scratch::borrow();
        let tile = scratch.take(TILE_VECTORS * V::LANES * n_indices);
        // SAFETY: these are all columns.
        unsafe { by_columns::<V, _>(n_columns, &mut OuterTiles { outers: self, tile }) }
    }
}

struct OuterTiles<'a, T> {
    outers: GroupOuters<'a, T>,
    tile: &'a mut [T],
}

impl<V: Simd> ByColumns<V> for OuterTiles<'_, V::T> {
    const MAX: usize = V::MAX_SUMS / GROUP;

    #[inline(always)]
    unsafe fn block<const N: usize>(&mut self, columns: Range<usize>) {
        let GroupOuters {
            lists,
            segment,
            factors,
            error,
            out,
        } = &mut self.outers;
        let (segments, width) = (*segment..*segment + 1, N * V::LANES);
        let rows = 0..out.shape()[0];
        let out = out.part(rows, columns.clone());
        let (block, to) = (out.as_matrix(), &mut *self.tile);
        Pack { block, width, to }.run::<V>();
        // Indices count from row 0.
        let start = lists.indices_of(segments.clone()).start;
        let first = self.tile.as_mut_ptr().wrapping_sub(start * width);
        let error = error.columns(columns);
        // SAFETY: the groups exist, and every index lies in the tile.
        unsafe {
            for group in 0..lists.len() {
                let entries = lists.segments(group as u32, segments.clone());
                if entries.0.is_empty() {
                    continue;
                }
                let terms = Coded::<_, GROUP>::new(entries, factors, width);
                let errors: [[V; N]; GROUP] = load_rows(error, group);
                scatter(terms, errors, first, Columns::<false>(width));
            }
            unpack::<V>(self.tile, width, out);
        }
    }
}
