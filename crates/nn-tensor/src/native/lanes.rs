//! Products of rows with narrow matrices: each lane of a vector is a row.
//!
//! Ten columns leave a third of a vector of sixteen empty, and every row has to
//! look up what its bytes stand for. So as many rows as a vector has lanes make
//! a group, whose list has every index that one of the rows has, with a byte of
//! each:
//!
//! ```text
//! forward    out[r, j] ← b_j + c·Σ byte_rk·M[k, j]          lanes r, a vector for each j
//! backward   out[k, j] ← out[k, j] + c·Σ byte_rk·δ[r, j]    lanes r, summed up in the end
//! ```
//!
//! The byte itself is the number that is multiplied, so it must stand for
//! `c·byte`.

use std::ops::Range;

use super::gemm::Gemm;
use super::instruction_set::InstructionSet;
use super::lists::Lists;
use super::simd::{MAX_LANES, Simd, load_up_to, prefetch, store_up_to};

/// Most columns of a matrix.
pub(crate) const MAX_WIDTH: usize = 12;

/// Groups of rows whose errors are kept in the nearest cache.
pub(crate) const GROUPS_IN_CACHE: usize = 64;

/// What one call of a kernel works on.
#[derive(Clone, Copy, Debug)]
pub struct Lanes<'a, T> {
    /// Lists of groups with their columns, or of columns with their groups.
    lists: &'a Lists,
    /// Which lists.
    first: usize,
    n_lists: usize,
    /// What a byte of 1 stands for.
    unit: T,
    /// The bias, for the forward product.
    bias: *const T,
    /// The sums or errors of the rows, one after the other.
    rows: *mut T,
    n_rows: usize,
    /// The row of M, or of `out`, of the first index or list.
    matrix: *mut T,
    width: usize,
    /// Memory for a copy of M, or the errors as the lanes of vectors.
    copy: *mut T,
}

/// A kernel compiled for one instruction set.
pub type LaneKernel<T> = unsafe fn(Lanes<'_, T>);

/// Rows in a group.
pub(crate) fn lanes_of<T: Gemm>(set: InstructionSet) -> usize {
    T::kernels(set).lanes
}

/// `out ← bias + X·matrix` for the rows of X whose groups start with
/// `first_group`.
///
/// # Shapes
/// `matrix [n_indices, width]`, `out [n_rows, width]`.
///
/// # Panics
/// If the shapes do not fit or the groups do not exist.
pub(crate) fn lane_sums<T: Gemm + Copy + Default>(
    set: InstructionSet,
    lists: &Lists,
    first_group: usize,
    unit: T,
    matrix: &[T],
    bias: &[T],
    out: &mut [T],
) {
    let kernels = T::kernels(set);
    let width = bias.len();
    assert!(
        (1..=MAX_WIDTH).contains(&width) && matrix.len() == lists.n_indices() * width,
        "one row of the matrix an index"
    );
    let n_rows = out.len() / width;
    let n_groups = n_rows.div_ceil(kernels.lanes);
    assert!(
        lists.group() == kernels.lanes
            && out.len() == n_rows * width
            && first_group + n_groups <= lists.len(),
        "one row of sums for each member of a group"
    );
    let lanes = Lanes {
        lists,
        first: first_group,
        n_lists: n_groups,
        unit,
        bias: bias.as_ptr(),
        rows: out.as_mut_ptr(),
        n_rows,
        // Only read.
        matrix: matrix.as_ptr().cast_mut(),
        width,
        copy: std::ptr::null_mut(),
    };
    T::with_scratch(|scratch| {
        let copy = scratch.take(lists.n_indices() * width.next_multiple_of(2));
        let copy = copy.as_mut_ptr();
        // SAFETY: `set` is one of the machine's. The groups exist, and their
        // indices are rows of the matrix; `out` has the rows of the groups; it
        // and the copy are borrowed mutably.
        unsafe { (kernels.lane_sums)(Lanes { copy, ..lanes }) }
    });
}

/// Numbers that the errors of a group of rows have as the lanes of vectors.
pub(crate) fn numbers_of_group(lanes: usize, width: usize) -> usize {
    lanes * width.next_multiple_of(2)
}

/// The errors of some rows as the lanes of vectors, group after group: for every
/// column a vector of its rows, for an even number of columns; 0 where there is
/// no row or column.
///
/// # Panics
/// If the errors are not whole rows, or more than the groups have.
pub(crate) fn errors_as_lanes<T: Copy + Default>(
    lanes: usize,
    width: usize,
    errors: &[T],
    groups: &mut [T],
) {
    let n_numbers = numbers_of_group(lanes, width);
    let errors = errors.chunks(lanes * width);
    assert_eq!(errors.len(), groups.len() / n_numbers, "errors of all rows");
    for (errors, group) in errors.zip(groups.chunks_exact_mut(n_numbers)) {
        let n_rows = errors.len() / width;
        for (column, vector) in group.chunks_exact_mut(lanes).enumerate().take(width) {
            for (row, slot) in vector.iter_mut().enumerate().take(n_rows) {
                *slot = errors[row * width + column];
            }
            vector[n_rows..].fill(T::default());
        }
        group[width * lanes..].fill(T::default());
    }
}

/// `out ← out + Xᵀ·error` for some columns of X, whose lists have the groups of
/// rows as indices.
///
/// # Shapes
/// `groups` as [`errors_as_lanes`] has made them of all rows of X,
/// `out [columns.len(), width]`.
///
/// # Panics
/// If the shapes do not fit or the columns do not exist.
pub(crate) fn add_lane_outers<T: Gemm + Copy + Default>(
    set: InstructionSet,
    lists: &Lists,
    columns: Range<usize>,
    unit: T,
    width: usize,
    groups: &[T],
    out: &mut [T],
) {
    let kernels = T::kernels(set);
    assert!((1..=MAX_WIDTH).contains(&width), "{width} columns");
    assert!(
        lists.group() == kernels.lanes
            && groups.len() == lists.n_indices() * numbers_of_group(kernels.lanes, width),
        "a vector of errors for each column of a group"
    );
    assert!(
        columns.end <= lists.len() && out.len() == columns.len() * width,
        "one row a column"
    );
    let lanes = Lanes {
        lists,
        first: columns.start,
        n_lists: columns.len(),
        unit,
        bias: std::ptr::null(),
        rows: std::ptr::null_mut(),
        n_rows: 0,
        matrix: out.as_mut_ptr(),
        width,
        // Only read.
        copy: groups.as_ptr().cast_mut(),
    };
    // SAFETY: `set` is one of the machine's. The columns exist, and their indices
    // are groups that have errors; `out`, which has a row for each column, is
    // borrowed mutably.
    unsafe { (kernels.lane_outers)(lanes) }
}

/// The kernel for the width, rounded up to an even one.
macro_rules! of_width {
    ($kernel:ident, $lanes:ident) => {
        match $lanes.width.div_ceil(2) {
            1 => $kernel::<V, 2>($lanes),
            2 => $kernel::<V, 4>($lanes),
            3 => $kernel::<V, 6>($lanes),
            4 => $kernel::<V, 8>($lanes),
            5 => $kernel::<V, 10>($lanes),
            _ => $kernel::<V, 12>($lanes),
        }
    };
}

/// Sums of groups.
///
/// # Safety
/// The machine must have the instructions of `V`, and memory must be as
/// [`Lanes`] says; the copy must have room for the matrix with an even width.
#[inline(always)]
pub(super) unsafe fn sums<V: Simd>(lanes: Lanes<'_, V::T>) {
    // SAFETY: as the caller's promise.
    unsafe { of_width!(sums_of_width, lanes) }
}

/// Outer products of groups.
///
/// # Safety
/// As [`sums`]; the copy must be the errors of all groups with an even width.
#[inline(always)]
pub(super) unsafe fn outers<V: Simd>(lanes: Lanes<'_, V::T>) {
    // SAFETY: as the caller's promise.
    unsafe { of_width!(outers_of_width, lanes) }
}

/// # Safety
/// As [`sums`], with a width of up to `N`.
#[inline(always)]
unsafe fn sums_of_width<V: Simd, const N: usize>(lanes: Lanes<'_, V::T>) {
    // SAFETY: the groups and their rows exist, and every index is a row of the
    // matrix.
    unsafe {
        let matrix = if lanes.width == N {
            lanes.matrix
        } else {
            lanes.copy_matrix(N);
            lanes.copy
        };
        for group in 0..lanes.n_lists {
            let (indices, bytes) = lanes.entries(group, 0..lanes.lists.n_segments());
            let mut sums = [V::zero(); N];
            for (entry, &index) in indices.iter().enumerate() {
                let x = V::load_bytes(bytes.as_ptr().add(entry * V::LANES));
                let row = matrix.add(usize::from(index) * N);
                for (column, sum) in sums.iter_mut().enumerate() {
                    *sum = x.multiply_add(V::splat(*row.add(column)), *sum);
                }
            }
            lanes.store_sums(group, sums);
        }
    }
}

/// # Safety
/// As [`outers`], with a width of up to `N`.
#[inline(always)]
unsafe fn outers_of_width<V: Simd, const N: usize>(lanes: Lanes<'_, V::T>) {
    // SAFETY: the columns exist, and every index is a group of the segment.
    unsafe {
        for segment in 0..lanes.lists.n_segments() {
            for column in 0..lanes.n_lists {
                let (indices, bytes) = lanes.entries(column, segment..segment + 1);
                if column + 1 < lanes.n_lists {
                    // Not what follows in memory, which the processor would guess.
                    lanes.prefetch(column + 1, segment);
                }
                if indices.is_empty() {
                    continue;
                }
                let mut sums = [V::zero(); N];
                for (entry, &index) in indices.iter().enumerate() {
                    let x = V::load_bytes(bytes.as_ptr().add(entry * V::LANES));
                    let error = lanes.copy.add(usize::from(index) * N * V::LANES);
                    for (column, sum) in sums.iter_mut().enumerate() {
                        let error = V::load(error.add(column * V::LANES));
                        *sum = x.multiply_add(error, *sum);
                    }
                }
                lanes.add_to_column(column, sums);
            }
        }
    }
}

impl<'a, T: Copy + Default> Lanes<'a, T> {
    /// # Safety
    /// As [`sums`] or [`outers`]; the list and the segments must exist.
    #[inline(always)]
    unsafe fn entries(&self, list: usize, segments: Range<usize>) -> (&'a [u16], &'a [u8]) {
        // SAFETY: see above.
        unsafe { self.lists.segments((self.first + list) as u32, segments) }
    }

    /// Asks for the entries of a segment of a list before they are needed.
    ///
    /// # Safety
    /// The list and the segment must exist.
    #[inline(always)]
    unsafe fn prefetch(&self, list: usize, segment: usize) {
        const LINE: usize = 64;
        // SAFETY: see above.
        let (indices, bytes) = unsafe { self.entries(list, segment..segment + 1) };
        prefetch(indices.as_ptr());
        for line in bytes.chunks(LINE) {
            prefetch(line.as_ptr());
        }
    }

    /// The matrix with rows of `padded` numbers, of which the last is 0.
    ///
    /// # Safety
    /// As [`sums`].
    #[inline(always)]
    unsafe fn copy_matrix(&self, padded: usize) {
        for row in 0..self.lists.n_indices() {
            for column in 0..padded {
                // SAFETY: see above.
                unsafe {
                    let value = if column < self.width {
                        *self.matrix.add(row * self.width + column)
                    } else {
                        T::default()
                    };
                    *self.copy.add(row * padded + column) = value;
                }
            }
        }
    }

    /// `out[r, :] ← b + c·sums` for the rows r of a group.
    ///
    /// # Safety
    /// As [`sums`]; the group must exist.
    #[inline(always)]
    unsafe fn store_sums<V: Simd<T = T>, const N: usize>(&self, group: usize, sums: [V; N]) {
        let mut by_column = [[T::default(); MAX_LANES]; N];
        let first = group * V::LANES;
        // SAFETY: no vector has more lanes; the rows exist.
        unsafe {
            let unit = V::splat(self.unit);
            for (column, (sum, slot)) in sums.into_iter().zip(&mut by_column).enumerate() {
                let bias = if column < self.width {
                    *self.bias.add(column)
                } else {
                    T::default()
                };
                sum.multiply_add(unit, V::splat(bias))
                    .store(slot.as_mut_ptr());
            }
            let out = self.rows.add(first * self.width);
            for row in 0..V::LANES.min(self.n_rows - first) {
                for (column, sums) in by_column.iter().enumerate().take(self.width) {
                    *out.add(row * self.width + column) = sums[row];
                }
            }
        }
    }

    /// `out[k, :] ← out[k, :] + c·(Σ lanes of each of the sums)`
    ///
    /// # Safety
    /// As [`outers`]; the column must exist.
    #[inline(always)]
    unsafe fn add_to_column<V: Simd<T = T>, const N: usize>(&self, column: usize, sums: [V; N]) {
        for start in (0..self.width).step_by(V::LANES) {
            let n = self.width - start;
            // SAFETY: no vector has more lanes; of columns that do not exist
            // nothing is read or written.
            unsafe {
                let mut some = [V::zero(); MAX_LANES];
                for (slot, sum) in some.iter_mut().zip(sums.iter().skip(start)).take(V::LANES) {
                    *slot = *sum;
                }
                let totals = lane_totals::<V>(some);
                let out = self.matrix.add(column * self.width + start);
                let old = load_up_to::<V>(out, n);
                store_up_to(totals.multiply_add(V::splat(self.unit), old), out, n);
            }
        }
    }
}

/// The sum of all lanes of vector j in lane j, for as many vectors as there are
/// lanes.
///
/// Two vectors at a time become one of their halves' sums, in turn, until one
/// is left.
///
/// # Safety
/// The machine must have the instructions of `V`.
#[inline(always)]
unsafe fn lane_totals<V: Simd>(mut vectors: [V; MAX_LANES]) -> V {
    let mut n = V::LANES;
    while n > 1 {
        n /= 2;
        for index in 0..n {
            // SAFETY: see above.
            unsafe {
                let (first, second) = vectors[index].interleave(vectors[index + n]);
                vectors[index] = first.add(second);
            }
        }
    }
    vectors[0]
}
