//! Products of rows in groups of four, whose lists have every index that one of
//! the four has: what is read for one is read for all.
//!
//! ```text
//! forward    out[r, :] ← b + Σ x_rk·M[k, :]            four sums in registers, a tile of M in the cache
//! backward   out[k, :] ← out[k, :] + Σ x_rk·δ[r, :]    four rows of δ in registers, a tile of out in the cache
//! ```
//!
//! Every sum has its terms in ascending order, and terms that are 0 besides,
//! which change nothing: its bits are those of the sum alone.

use std::ops::Range;

use super::compressed_rows::CompressedRows;
use super::dispatch::{Element, dispatch};
use super::instruction_set::InstructionSet;
use super::matrix::{Matrix, MatrixMut};
use super::micro::{
    ByColumns, Coded, Columns, Epilogue, by_columns, finish, gather, load_row, scatter,
};
use super::pack::{Pack, unpack};
use super::scratch::Scratch;
use super::simd::{Program, Simd};

/// Number of rows in a group.
pub(crate) const GROUP: usize = 4;

/// Maximum number of rows of a matrix that the forward product keeps in the cache.
const MAX_FORWARD_TILE: usize = 400;

/// `out ← bias + X·matrix` for the rows of X whose groups start with
/// `first_group`.
///
/// # Shapes
/// `matrix [n_indices, n_columns]`, `bias [n_columns]`, `out [n_rows, n_columns]`.
///
/// # Panics
/// If the shapes do not fit or the groups do not exist.
pub(crate) fn group_sums<T: Element>(
    set: InstructionSet,
    lists: &CompressedRows,
    first_group: usize,
    factors: &[T; 256],
    matrix: &[T],
    bias: &[T],
    out: &mut [T],
) {
    let n_columns = bias.len();
    assert!(
        n_columns > 0 && matrix.len() == lists.n_indices() * n_columns,
        "one row of the matrix per index"
    );
    let n_rows = out.len() / n_columns;
    let n_groups = n_rows.div_ceil(GROUP);
    assert!(
        lists.group() == GROUP
            && out.len() == n_rows * n_columns
            && first_group + n_groups <= lists.len(),
        "one row of sums for each of {GROUP} members of a group"
    );
    dispatch(
        set,
        GroupSums {
            lists,
            first_group,
            factors,
            matrix: Matrix::new(matrix, [lists.n_indices(), n_columns]),
            bias,
            out: MatrixMut::new(out, [n_rows, n_columns]),
            tile: &mut [],
        },
    );
}

/// `out ← out + Xᵀ·error` for the columns of X that are a segment of the lists.
///
/// # Shapes
/// `error [n_rows, n_columns]` with all rows of X, `out [segment, n_columns]`.
///
/// # Panics
/// If the shapes do not fit or the segment does not exist.
pub(crate) fn add_group_outers<T: Element>(
    set: InstructionSet,
    lists: &CompressedRows,
    segment: usize,
    factors: &[T; 256],
    n_columns: usize,
    error: &[T],
    out: &mut [T],
) {
    let n_rows = error.len() / n_columns.max(1);
    assert!(
        lists.group() == GROUP
            && error.len() == n_rows * n_columns
            && n_rows.div_ceil(GROUP) == lists.len(),
        "one row of errors for each of {GROUP} members of a group"
    );
    let n_indices = lists.segment_indices(segment).len();
    assert_eq!(out.len(), n_indices * n_columns, "one row per index");
    dispatch(
        set,
        GroupOuters {
            lists,
            segment,
            factors,
            error: Matrix::new(error, [n_rows, n_columns]),
            out: MatrixMut::new(out, [n_indices, n_columns]),
            tile: &mut [],
        },
    );
}

/// The rows of a group, of `n_rows` in total.
#[inline(always)]
fn members(group: usize, n_rows: usize) -> Range<usize> {
    group * GROUP..n_rows.min((group + 1) * GROUP)
}

/// The rows of a group; 0 for those that do not exist.
///
/// # Safety
/// There must be more columns than `N - 1` vectors, and the machine must have
/// the instructions of `V`.
#[inline(always)]
unsafe fn load_rows<V: Simd, const N: usize>(
    matrix: Matrix<'_, V::T>,
    group: usize,
) -> [[V; N]; GROUP] {
    let [n_rows, n_columns] = matrix.shape();
    // SAFETY: see above.
    unsafe {
        let mut vectors = [[V::zero(); N]; GROUP];
        for (row, slot) in members(group, n_rows).zip(&mut vectors) {
            *slot = load_row(matrix.at(row, 0), n_columns);
        }
        vectors
    }
}

struct GroupSums<'a, T> {
    lists: &'a CompressedRows,
    first_group: usize,
    /// What the bytes stand for.
    factors: &'a [T; 256],
    matrix: Matrix<'a, T>,
    bias: &'a [T],
    out: MatrixMut<'a, T>,
    /// Memory for some rows of the matrix.
    tile: &'a mut [T],
}

impl<T: Element> Program<T> for GroupSums<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Simd<T = T>>(self) {
        let (max, n_columns) = (V::MAX_SUMS / GROUP, self.bias.len());
        let tile_rows = segments_together(self.lists) * self.lists.segment_len();
        let mut scratch = Scratch::borrow();
        let tile = scratch.take(tile_rows * max * V::LANES);
        // SAFETY: as the caller's promise.
        unsafe { by_columns::<V, _>(n_columns, &mut GroupSums { tile, ..self }) }
    }
}

/// Number of segments of a matrix that the forward product keeps in the cache.
fn segments_together(lists: &CompressedRows) -> usize {
    (MAX_FORWARD_TILE / lists.segment_len()).max(1)
}

impl<V: Simd> ByColumns<V> for GroupSums<'_, V::T> {
    const MAX: usize = V::MAX_SUMS / GROUP;

    #[inline(always)]
    unsafe fn block<const N: usize>(&mut self, columns: Range<usize>) {
        let (lists, width) = (self.lists, N * V::LANES);
        let together = segments_together(lists);
        let [n_rows, _] = self.out.shape();
        let mut out = self.out.part(0..n_rows, columns.clone());
        for segment in (0..lists.n_segments()).step_by(together) {
            let segments = segment..lists.n_segments().min(segment + together);
            let start = segments.start * lists.segment_len();
            let rows = start..lists.n_indices().min(segments.end * lists.segment_len());
            let block = self.matrix.rows(rows).columns(columns.clone());
            // SAFETY: the groups exist, and every index lies in the tile.
            unsafe {
                let to = &mut *self.tile;
                Pack { block, width, to }.run::<V>();
                // Entries count from row 0.
                let first = self.tile.as_ptr().wrapping_sub(start * width);
                for group in 0..n_rows.div_ceil(GROUP) {
                    let mut sums: [[V; N]; GROUP] = if segment == 0 {
                        let bias = self.bias.as_ptr().add(columns.start);
                        [load_row(bias, columns.len()); GROUP]
                    } else {
                        load_rows(out.as_matrix(), group)
                    };
                    let list = (self.first_group + group) as u32;
                    let entries = lists.segments(list, segments.clone());
                    let terms = Coded::<_, GROUP>::new(entries, self.factors, width);
                    gather(terms, first, Columns::<false>(width), &mut sums);
                    for (row, sums) in members(group, n_rows).zip(sums) {
                        finish(
                            [sums],
                            out.rows_unchecked(row..row + 1),
                            Epilogue::Overwrite,
                        );
                    }
                }
            }
        }
    }
}

struct GroupOuters<'a, T> {
    lists: &'a CompressedRows,
    segment: usize,
    /// What the bytes stand for.
    factors: &'a [T; 256],
    error: Matrix<'a, T>,
    /// The rows of the segment.
    out: MatrixMut<'a, T>,
    /// Memory for some columns of these.
    tile: &'a mut [T],
}

impl<T: Element> Program<T> for GroupOuters<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Simd<T = T>>(self) {
        let (max, [n_indices, n_columns]) = (V::MAX_SUMS / GROUP, self.out.shape());
        let mut scratch = Scratch::borrow();
        let tile = scratch.take(n_indices * max * V::LANES);
        // SAFETY: as the caller's promise.
        unsafe { by_columns::<V, _>(n_columns, &mut GroupOuters { tile, ..self }) }
    }
}

impl<V: Simd> ByColumns<V> for GroupOuters<'_, V::T> {
    const MAX: usize = V::MAX_SUMS / GROUP;

    #[inline(always)]
    unsafe fn block<const N: usize>(&mut self, columns: Range<usize>) {
        let (lists, segment, width) = (self.lists, self.segment, N * V::LANES);
        let out = self.out.part(0..self.out.shape()[0], columns.clone());
        let error = self.error.columns(columns);
        // SAFETY: the groups exist, and every index lies in the tile.
        unsafe {
            let (block, to) = (out.as_matrix(), &mut *self.tile);
            Pack { block, width, to }.run::<V>();
            // Entries count from row 0.
            let start = segment * lists.segment_len();
            let first = self.tile.as_mut_ptr().wrapping_sub(start * width);
            for group in 0..lists.len() {
                let entries = lists.segments(group as u32, segment..segment + 1);
                if entries.0.is_empty() {
                    continue;
                }
                let terms = Coded::<_, GROUP>::new(entries, self.factors, width);
                let errors: [[V; N]; GROUP] = load_rows(error, group);
                scatter(terms, errors, first, Columns::<false>(width));
            }
            unpack::<V>(self.tile, width, out);
        }
    }
}
