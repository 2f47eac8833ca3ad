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

use super::compressed_rows::CompressedRows;
use super::dispatch::{Element, dispatch, lanes};
use super::instruction_set::InstructionSet;
use super::scratch::Scratch;
use super::simd::{MAX_LANES, Program, Simd, load_up_to, prefetch, store_up_to};

/// Maximum number of columns of a matrix.
pub(crate) const MAX_WIDTH: usize = 12;

/// Number of groups of rows whose errors are kept in the nearest cache.
pub(crate) const GROUPS_IN_CACHE: usize = 64;

/// `out ← bias + X·matrix` for the rows of X whose groups start with
/// `first_group`.
///
/// # Shapes
/// `matrix [n_indices, width]`, `out [n_rows, width]`.
///
/// # Panics
/// If the shapes do not fit or the groups do not exist.
pub(crate) fn lane_sums<T: Element>(
    set: InstructionSet,
    lists: &CompressedRows,
    first_group: usize,
    unit: T,
    matrix: &[T],
    bias: &[T],
    out: &mut [T],
) {
    let (lanes, width) = (lanes::<T>(set), bias.len());
    assert!(
        (1..=MAX_WIDTH).contains(&width) && matrix.len() == lists.n_indices() * width,
        "one row of the matrix per index"
    );
    let n_groups = out.len().div_ceil(lanes * width);
    assert!(
        lists.group() == lanes
            && out.len().is_multiple_of(width)
            && first_group + n_groups <= lists.len(),
        "one row of sums for each member of a group"
    );
    dispatch(
        set,
        LaneSums {
            lists,
            first_group,
            unit,
            matrix,
            bias,
            out,
        },
    );
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
pub(crate) fn add_lane_outers<T: Element>(
    set: InstructionSet,
    lists: &CompressedRows,
    columns: Range<usize>,
    unit: T,
    width: usize,
    groups: &[T],
    out: &mut [T],
) {
    let lanes = lanes::<T>(set);
    assert!((1..=MAX_WIDTH).contains(&width), "{width} columns");
    assert!(
        lists.group() == lanes
            && groups.len() == lists.n_indices() * numbers_of_group(lanes, width),
        "a vector of errors for each column of a group"
    );
    assert!(
        columns.end <= lists.len() && out.len() == columns.len() * width,
        "one row per column"
    );
    dispatch(
        set,
        LaneOuters {
            lists,
            columns,
            unit,
            width,
            groups,
            out,
        },
    );
}

/// The kernel for the width, rounded up to an even one.
macro_rules! of_width {
    ($width:expr, $self:ident.$kernel:ident) => {
        match $width.div_ceil(2) {
            1 => $self.$kernel::<V, 2>(),
            2 => $self.$kernel::<V, 4>(),
            3 => $self.$kernel::<V, 6>(),
            4 => $self.$kernel::<V, 8>(),
            5 => $self.$kernel::<V, 10>(),
            _ => $self.$kernel::<V, 12>(),
        }
    };
}

struct LaneSums<'a, T> {
    lists: &'a CompressedRows,
    first_group: usize,
    /// What a byte of 1 stands for.
    unit: T,
    matrix: &'a [T],
    bias: &'a [T],
    out: &'a mut [T],
}

impl<T: Element> Program<T> for LaneSums<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Simd<T = T>>(self) {
        // SAFETY: as the caller's promise.
        unsafe { of_width!(self.bias.len(), self.sums) }
    }
}

impl<T: Element> LaneSums<'_, T> {
    /// For a width of up to `N`.
    ///
    /// # Safety
    /// The machine must have the instructions of `V`.
    #[inline(always)]
    unsafe fn sums<V: Simd<T = T>, const N: usize>(self) {
        let width = self.bias.len();
        let mut scratch = Scratch::borrow();
        let mut matrix = self.matrix;
        if width != N {
            let copy = scratch.take(self.lists.n_indices() * N);
            for (to, row) in copy.chunks_exact_mut(N).zip(matrix.chunks_exact(width)) {
                to[..width].copy_from_slice(row);
                to[width..].fill(T::default());
            }
            matrix = copy;
        }
        let groups = self.out.chunks_mut(V::LANES * width);
        for (list, out) in (self.first_group as u32..).zip(groups) {
            // SAFETY: the groups exist, and every index is a row of the matrix.
            unsafe {
                let (indices, bytes) = self.lists.segments(list, 0..self.lists.n_segments());
                let mut sums = [V::zero(); N];
                for (entry, &index) in indices.iter().enumerate() {
                    let x = V::load_bytes(bytes.as_ptr().add(entry * V::LANES));
                    let row = matrix.as_ptr().add(usize::from(index) * N);
                    for (column, sum) in sums.iter_mut().enumerate() {
                        *sum = x.multiply_add(V::splat(*row.add(column)), *sum);
                    }
                }
                store_sums(sums, self.unit, self.bias, out);
            }
        }
    }
}

/// `out[r, :] ← bias + unit·sums` for the rows r of a group.
///
/// # Safety
/// The machine must have the instructions of `V`.
#[inline(always)]
unsafe fn store_sums<V: Simd, const N: usize>(
    sums: [V; N],
    unit: V::T,
    bias: &[V::T],
    out: &mut [V::T],
) {
    let mut by_column = [[V::T::default(); MAX_LANES]; N];
    let mut biases = [V::T::default(); N];
    biases[..bias.len()].copy_from_slice(bias);
    for ((sum, slot), bias) in sums.into_iter().zip(&mut by_column).zip(biases) {
        // SAFETY: no vector has more lanes.
        unsafe {
            let sum = sum.multiply_add(V::splat(unit), V::splat(bias));
            sum.store(slot.as_mut_ptr());
        }
    }
    for (row, out) in out.chunks_exact_mut(bias.len()).enumerate() {
        for (column, slot) in out.iter_mut().enumerate() {
            *slot = by_column[column][row];
        }
    }
}

struct LaneOuters<'a, T> {
    lists: &'a CompressedRows,
    /// Which lists.
    columns: Range<usize>,
    /// What a byte of 1 stands for.
    unit: T,
    width: usize,
    /// The errors of all groups.
    groups: &'a [T],
    out: &'a mut [T],
}

impl<T: Element> Program<T> for LaneOuters<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Simd<T = T>>(self) {
        // SAFETY: as the caller's promise.
        unsafe { of_width!(self.width, self.outers) }
    }
}

impl<T: Element> LaneOuters<'_, T> {
    /// For a width of up to `N`.
    ///
    /// # Safety
    /// The machine must have the instructions of `V`.
    #[inline(always)]
    unsafe fn outers<V: Simd<T = T>, const N: usize>(self) {
        for segment in 0..self.lists.n_segments() {
            let segments = segment..segment + 1;
            for (column, out) in self
                .columns
                .clone()
                .zip(self.out.chunks_exact_mut(self.width))
            {
                // SAFETY: the columns exist, and every index is a group of the
                // segment.
                unsafe {
                    let (indices, bytes) = self.lists.segments(column as u32, segments.clone());
                    if column + 1 < self.columns.end {
                        // Not what follows in memory, which the processor would guess.
                        let next = self.lists.segments(column as u32 + 1, segments.clone());
                        prefetch_entries(next);
                    }
                    if indices.is_empty() {
                        continue;
                    }
                    let mut sums = [V::zero(); N];
                    for (entry, &index) in indices.iter().enumerate() {
                        let x = V::load_bytes(bytes.as_ptr().add(entry * V::LANES));
                        let error = self.groups.as_ptr().add(usize::from(index) * N * V::LANES);
                        for (column, sum) in sums.iter_mut().enumerate() {
                            let error = V::load(error.add(column * V::LANES));
                            *sum = x.multiply_add(error, *sum);
                        }
                    }
                    add_lane_totals(sums, self.unit, out);
                }
            }
        }
    }
}

/// Prefetches the entries of a segment.
#[inline(always)]
fn prefetch_entries((indices, bytes): (&[u16], &[u8])) {
    const LINE: usize = 64;
    prefetch(indices.as_ptr());
    for line in bytes.chunks(LINE) {
        prefetch(line.as_ptr());
    }
}

/// `out ← out + unit·(Σ lanes of each of the sums)`
///
/// # Safety
/// The machine must have the instructions of `V`.
#[inline(always)]
unsafe fn add_lane_totals<V: Simd, const N: usize>(sums: [V; N], unit: V::T, out: &mut [V::T]) {
    for start in (0..out.len()).step_by(V::LANES) {
        let n = out.len() - start;
        // SAFETY: no vector has more lanes; of columns that do not exist nothing
        // is read or written.
        unsafe {
            let mut some = [V::zero(); MAX_LANES];
            for (slot, sum) in some.iter_mut().zip(sums.iter().skip(start)).take(V::LANES) {
                *slot = *sum;
            }
            let out = out.as_mut_ptr().add(start);
            let old = load_up_to::<V>(out, n);
            let sum = lane_totals::<V>(some).multiply_add(V::splat(unit), old);
            store_up_to(sum, out, n);
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
