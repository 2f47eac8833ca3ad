//! Products of rows that are done in groups of four, whose lists have every
//! index that one of the four has: what is read for one is read for all.
//!
//! ```text
//! forward    out[r, :] ← b + Σ x_rk·M[k, :]            four sums in registers, a tile of M in the cache
//! backward   out[k, :] ← out[k, :] + Σ x_rk·δ[r, :]    four rows of δ in registers, a tile of out in the cache
//! ```
//!
//! Every sum has its terms in ascending order, and terms that are 0 besides,
//! which change nothing: its bits are those of the sum alone.

use std::ops::Range;

use super::gemm::Gemm;
use super::instruction_set::InstructionSet;
use super::lists::Lists;
use super::simd::{Simd, load_up_to, store_up_to};

/// Rows in a group.
pub(crate) const GROUP: usize = 4;

/// Rows of a matrix that the forward product keeps in the cache.
const MAX_FORWARD_TILE: usize = 400;

/// What one call of a kernel works on.
#[derive(Clone, Copy, Debug)]
pub struct Groups<'a, T> {
    lists: &'a Lists,
    /// What the bytes stand for.
    factors: &'a [T; 256],
    /// Which groups: so many from here on.
    first_group: usize,
    n_groups: usize,
    /// Which segments of their lists.
    first_segment: usize,
    n_segments: usize,
    /// The bias, for the forward product.
    bias: *const T,
    /// The sums or errors of the rows of the groups, one after the other.
    rows: *mut T,
    n_rows: usize,
    /// The row of M or `out` of index 0, and what follows.
    matrix: *mut T,
    n_columns: usize,
    /// Memory for a tile.
    tile: *mut T,
}

/// A kernel compiled for one instruction set.
pub type GroupKernel<T> = unsafe fn(Groups<'_, T>);

/// `out ← bias + X·matrix` for the rows of X whose groups start with
/// `first_group`.
///
/// # Shapes
/// `matrix [n_indices, n_columns]`, `bias [n_columns]`, `out [n_rows, n_columns]`.
///
/// # Panics
/// If the shapes do not fit or the groups do not exist.
pub(crate) fn group_sums<T: Gemm + Copy + Default>(
    set: InstructionSet,
    lists: &Lists,
    first_group: usize,
    factors: &[T; 256],
    matrix: &[T],
    bias: &[T],
    out: &mut [T],
) {
    let n_columns = bias.len();
    assert!(
        n_columns > 0 && matrix.len() == lists.n_indices() * n_columns,
        "one row of the matrix an index"
    );
    let n_rows = out.len() / n_columns;
    let n_groups = n_rows.div_ceil(GROUP);
    assert!(
        lists.group() == GROUP
            && out.len() == n_rows * n_columns
            && first_group + n_groups <= lists.len(),
        "one row of sums for each of {GROUP} members of a group"
    );
    let kernels = T::kernels(set);
    let groups = Groups {
        lists,
        factors,
        first_group,
        n_groups,
        first_segment: 0,
        n_segments: lists.n_segments(),
        bias: bias.as_ptr(),
        rows: out.as_mut_ptr(),
        n_rows,
        // Only read.
        matrix: matrix.as_ptr().cast_mut(),
        n_columns,
        tile: std::ptr::null_mut(),
    };
    let tile_rows = segments_together(lists) * lists.segment_len();
    T::with_scratch(|scratch| {
        let tile = scratch.take(tile_rows * kernels.pass_width()).as_mut_ptr();
        // SAFETY: `set` is one of the machine's. The groups exist, and their
        // indices are rows of the matrix; `out` has the rows of the groups; it
        // and the tile are borrowed mutably.
        unsafe { (kernels.group_sums)(Groups { tile, ..groups }) }
    });
}

/// `out ← out + Xᵀ·error` for the columns of X that are a segment of the lists.
///
/// # Shapes
/// `error [n_rows, n_columns]` with all rows of X, `out [segment, n_columns]`.
///
/// # Panics
/// If the shapes do not fit or the segment does not exist.
pub(crate) fn add_group_outers<T: Gemm + Copy + Default>(
    set: InstructionSet,
    lists: &Lists,
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
    let indices = lists.segment_indices(segment);
    assert_eq!(out.len(), indices.len() * n_columns, "one row an index");
    let kernels = T::kernels(set);
    let groups = Groups {
        lists,
        factors,
        first_group: 0,
        n_groups: lists.len(),
        first_segment: segment,
        n_segments: 1,
        bias: std::ptr::null(),
        // Only read.
        rows: error.as_ptr().cast_mut(),
        n_rows,
        matrix: out.as_mut_ptr().wrapping_sub(indices.start * n_columns),
        n_columns,
        tile: std::ptr::null_mut(),
    };
    T::with_scratch(|scratch| {
        let tile = scratch.take(indices.len() * kernels.pass_width());
        let tile = tile.as_mut_ptr();
        // SAFETY: `set` is one of the machine's. All groups have their rows of
        // errors, the indices of the segment are rows of `out`; it and the tile
        // are borrowed mutably.
        unsafe { (kernels.group_outers)(Groups { tile, ..groups }) }
    });
}

/// Segments of a matrix that the forward product keeps in the cache together.
fn segments_together(lists: &Lists) -> usize {
    (MAX_FORWARD_TILE / lists.segment_len()).max(1)
}

/// Sums of the groups, with up to `VECTORS` vectors of columns in registers.
///
/// # Safety
/// The machine must have the instructions of `V`, and memory must be as
/// [`Groups`] says; the tile must have room for [`segments_together`] segments
/// of so many vectors.
#[inline(always)]
pub(super) unsafe fn sums<V: Simd, const VECTORS: usize>(groups: Groups<'_, V::T>) {
    let together = segments_together(groups.lists);
    for columns in groups.column_blocks(VECTORS * V::LANES) {
        let end = groups.first_segment + groups.n_segments;
        for first in (groups.first_segment..end).step_by(together) {
            let segments = first..end.min(first + together);
            // SAFETY: the columns and segments exist.
            unsafe {
                let tile = Tile::<V>::of(groups, columns.clone(), segments);
                tile.load_matrix();
                match tile.n_vectors {
                    1 => tile.sums::<1>(),
                    2 => tile.sums::<2>(),
                    3 => tile.sums::<3>(),
                    _ => tile.sums::<4>(),
                }
            }
        }
    }
}

/// Outer products of the groups, with up to `VECTORS` vectors of columns in
/// registers.
///
/// # Safety
/// As [`sums`], with room for a segment.
#[inline(always)]
pub(super) unsafe fn outers<V: Simd, const VECTORS: usize>(groups: Groups<'_, V::T>) {
    for columns in groups.column_blocks(VECTORS * V::LANES) {
        for segment in groups.first_segment..groups.first_segment + groups.n_segments {
            // SAFETY: the columns and the segment exist.
            unsafe {
                let tile = Tile::<V>::of(groups, columns.clone(), segment..segment + 1);
                tile.load_matrix();
                match tile.n_vectors {
                    1 => tile.outers::<1>(),
                    2 => tile.outers::<2>(),
                    3 => tile.outers::<3>(),
                    _ => tile.outers::<4>(),
                }
                tile.store_matrix();
            }
        }
    }
}

impl<T> Groups<'_, T> {
    /// The columns in blocks of up to `width`.
    #[inline(always)]
    fn column_blocks(&self, width: usize) -> impl Iterator<Item = Range<usize>> + use<T> {
        let n_columns = self.n_columns;
        (0..n_columns)
            .step_by(width)
            .map(move |start| start..n_columns.min(start + width))
    }
}

/// Some columns of some segments of the matrix, as whole vectors in one place.
#[derive(Clone, Copy)]
struct Tile<'a, V: Simd> {
    groups: Groups<'a, V::T>,
    first_column: usize,
    n_columns: usize,
    n_vectors: usize,
    first_segment: usize,
    n_segments: usize,
}

impl<'a, V: Simd> Tile<'a, V> {
    #[inline(always)]
    fn of(groups: Groups<'a, V::T>, columns: Range<usize>, segments: Range<usize>) -> Self {
        Self {
            groups,
            first_column: columns.start,
            n_columns: columns.len(),
            n_vectors: columns.len().div_ceil(V::LANES),
            first_segment: segments.start,
            n_segments: segments.len(),
        }
    }

    /// The indices of the tile.
    #[inline(always)]
    fn indices(&self) -> Range<usize> {
        let lists = self.groups.lists;
        let segment_len = lists.segment_len();
        let end = (self.first_segment + self.n_segments) * segment_len;
        self.first_segment * segment_len..end.min(lists.n_indices())
    }

    /// Where the numbers of an index are in the tile.
    #[inline(always)]
    fn place(&self, index: usize) -> *mut V::T {
        let row = index - self.first_segment * self.groups.lists.segment_len();
        self.groups
            .tile
            .wrapping_add(row * self.n_vectors * V::LANES)
    }

    /// Where the numbers of an index are in the matrix.
    #[inline(always)]
    fn origin(&self, index: usize) -> *mut V::T {
        let start = index * self.groups.n_columns + self.first_column;
        self.groups.matrix.wrapping_add(start)
    }

    /// # Safety
    /// As [`sums`].
    #[inline(always)]
    unsafe fn load_matrix(&self) {
        for index in self.indices() {
            for start in (0..self.n_columns).step_by(V::LANES) {
                // SAFETY: the numbers of the index exist, and the tile has room.
                unsafe {
                    let from = self.origin(index).add(start);
                    load_up_to::<V>(from, self.n_columns - start)
                        .store(self.place(index).add(start));
                }
            }
        }
    }

    /// # Safety
    /// As [`outers`].
    #[inline(always)]
    unsafe fn store_matrix(&self) {
        for index in self.indices() {
            for start in (0..self.n_columns).step_by(V::LANES) {
                // SAFETY: the numbers of the index exist, and so does the tile.
                unsafe {
                    let values = V::load(self.place(index).add(start));
                    store_up_to(
                        values,
                        self.origin(index).add(start),
                        self.n_columns - start,
                    );
                }
            }
        }
    }

    /// # Safety
    /// As [`sums`]; there are `N` vectors.
    #[inline(always)]
    unsafe fn sums<const N: usize>(&self) {
        let zero = self.place(self.indices().start);
        let first_index = self.indices().start;
        for group in 0..self.groups.n_groups {
            // SAFETY: the groups exist, and every index lies in the tile.
            unsafe {
                let (indices, bytes) = self.entries(group);
                let mut totals = if self.first_segment == 0 {
                    [self.load::<N>(self.groups.bias.add(self.first_column)); GROUP]
                } else {
                    self.load_rows::<N>(group)
                };
                for (&index, bytes) in indices.iter().zip(bytes.as_chunks::<GROUP>().0) {
                    let row = usize::from(index) - first_index;
                    let row = zero.add(row * N * V::LANES);
                    let factors = self.factors(bytes);
                    let mut vectors = [V::zero(); N];
                    for (vector, slot) in vectors.iter_mut().enumerate() {
                        *slot = V::load(row.add(vector * V::LANES));
                    }
                    for (total, factor) in totals.iter_mut().zip(factors) {
                        for (slot, vector) in total.iter_mut().zip(vectors) {
                            *slot = factor.multiply_add(vector, *slot);
                        }
                    }
                }
                self.store_rows(group, totals);
            }
        }
    }

    /// # Safety
    /// As [`outers`]; there are `N` vectors.
    #[inline(always)]
    unsafe fn outers<const N: usize>(&self) {
        let zero = self.place(self.indices().start);
        let first_index = self.indices().start;
        for group in 0..self.groups.n_groups {
            // SAFETY: the groups exist, and every index lies in the tile.
            unsafe {
                let (indices, bytes) = self.entries(group);
                if indices.is_empty() {
                    continue;
                }
                let errors = self.load_rows::<N>(group);
                for (&index, bytes) in indices.iter().zip(bytes.as_chunks::<GROUP>().0) {
                    let row = usize::from(index) - first_index;
                    let row = zero.add(row * N * V::LANES);
                    let factors = self.factors(bytes);
                    for vector in 0..N {
                        let place = row.add(vector * V::LANES);
                        let mut sum = V::load(place);
                        for (error, factor) in errors.iter().zip(factors) {
                            sum = factor.multiply_add(error[vector], sum);
                        }
                        sum.store(place);
                    }
                }
            }
        }
    }

    /// The entries of a group that lie in the tile.
    ///
    /// # Safety
    /// As [`sums`]; the group must exist.
    #[inline(always)]
    unsafe fn entries(&self, group: usize) -> (&'a [u16], &'a [u8]) {
        let segments = self.first_segment..self.first_segment + self.n_segments;
        let list = (self.groups.first_group + group) as u32;
        // SAFETY: see above.
        unsafe { self.groups.lists.segments(list, segments) }
    }

    /// What the bytes of an entry stand for, in all lanes.
    ///
    /// # Safety
    /// The machine must have the instructions of `V`.
    #[inline(always)]
    unsafe fn factors(&self, bytes: &[u8; GROUP]) -> [V; GROUP] {
        // SAFETY: see above.
        unsafe {
            let mut factors = [V::zero(); GROUP];
            for (slot, &byte) in factors.iter_mut().zip(bytes) {
                *slot = V::splat(self.groups.factors[usize::from(byte)]);
            }
            factors
        }
    }

    /// The numbers of the rows of a group; 0 for rows that do not exist.
    ///
    /// # Safety
    /// As [`sums`]; the group must exist.
    #[inline(always)]
    unsafe fn load_rows<const N: usize>(&self, group: usize) -> [[V; N]; GROUP] {
        // SAFETY: see above.
        unsafe {
            let mut rows = [[V::zero(); N]; GROUP];
            let first = group * GROUP;
            let n_members = GROUP.min(self.groups.n_rows - first);
            for (member, row) in rows.iter_mut().enumerate().take(n_members) {
                *row = self.load(self.row(first + member));
            }
            rows
        }
    }

    /// The numbers of a row from the first column of the tile on.
    ///
    /// # Safety
    /// As [`sums`]; the row must exist.
    #[inline(always)]
    unsafe fn load<const N: usize>(&self, from: *const V::T) -> [V; N] {
        // SAFETY: see above.
        unsafe {
            let mut row = [V::zero(); N];
            for (vector, slot) in row.iter_mut().enumerate() {
                let start = vector * V::LANES;
                *slot = load_up_to(from.add(start), self.n_columns - start);
            }
            row
        }
    }

    /// # Safety
    /// As [`sums`]; the group must exist.
    #[inline(always)]
    unsafe fn store_rows<const N: usize>(&self, group: usize, rows: [[V; N]; GROUP]) {
        let first = group * GROUP;
        let n_members = GROUP.min(self.groups.n_rows - first);
        for (member, row) in rows.into_iter().enumerate().take(n_members) {
            let to = self.row(first + member);
            for (vector, values) in row.into_iter().enumerate() {
                let start = vector * V::LANES;
                // SAFETY: see above.
                unsafe { store_up_to(values, to.add(start), self.n_columns - start) }
            }
        }
    }

    #[inline(always)]
    fn row(&self, row: usize) -> *mut V::T {
        let start = row * self.groups.n_columns + self.first_column;
        self.groups.rows.wrapping_add(start)
    }
}
