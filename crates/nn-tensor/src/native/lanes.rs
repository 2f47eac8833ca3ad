//! Products of sparse rows with narrow matrices, with one row per lane of a vector.
//!
//! With one column per lane, ten columns would leave a third of a vector of sixteen lanes
//! empty, and the values of the bytes would be looked up for every row. Therefore rows are
//! grouped, one per lane of a vector. A group has one index list, the union of the nonzero
//! columns of its rows, with one byte per row at each index:
//!
//! ```text
//! forward    out[r, j] ← b_j + c·Σ byte_rk·M[k, j]          lanes r, a vector for each j
//! backward   out[k, j] ← out[k, j] + c·Σ byte_rk·δ[r, j]    lanes r, summed at the end
//! ```
//!
//! The products use the bytes as numbers, so the value of a byte must be `c·byte`.

use std::ops::Range;

use super::compressed_rows::CompressedRows;
use super::dispatch::Element;
use super::scratch::Scratch;
use super::simd::{MAX_LANES, Program, Simd, load_up_to, prefetch_slice, store_up_to};

/// Maximum number of columns of a matrix.
pub(crate) const MAX_WIDTH: usize = 12;

/// Number of groups of rows whose errors stay in the L1 cache.
pub(crate) const GROUPS_IN_CACHE: usize = 64;

/// Number of elements of the errors of a group, see [`errors_as_lanes`].
pub(crate) fn errors_len(lanes: usize, width: usize) -> usize {
    lanes * width.next_multiple_of(2)
}

/// Transposes the errors of each group of rows into vectors with one row per lane, one
/// vector per column, padded with zeros to an even number of columns.
///
/// # Panics
/// Panics if the number of groups does not match.
pub(crate) fn errors_as_lanes<T: Copy + Default>(
    lanes: usize,
    width: usize,
    errors: &[T],
    groups: &mut [T],
) {
    let group_len = errors_len(lanes, width);
    let errors = errors.chunks(lanes * width);
    assert_eq!(
        errors.len(),
        groups.len() / group_len,
        "errors of all groups"
    );
    for (errors, group) in errors.zip(groups.chunks_exact_mut(group_len)) {
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

/// Calls the kernel for a width, rounded up to an even number.
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

/// `out ← bias + X·matrix` for the rows of X from group `first_group` on.
///
/// # Shapes
/// `matrix [n_indices, width]`, `bias [width]`, `out [n_rows, width]`.
#[derive(Debug)]
pub struct LaneSums<'a, T> {
    pub(crate) lists: &'a CompressedRows,
    pub(crate) first_group: usize,
    /// The value that a byte of 1 represents.
    pub(crate) unit: T,
    pub(crate) matrix: &'a [T],
    pub(crate) bias: &'a [T],
    pub(crate) out: &'a mut [T],
}

impl<T: Element> Program<T> for LaneSums<'_, T> {
    #[inline(always)]
    fn run<V: Simd<T = T>>(self) {
        let width = self.bias.len();
        assert!(
            (1..=MAX_WIDTH).contains(&width) && self.matrix.len() == self.lists.n_indices() * width,
            "expected one row of the matrix per index"
        );
        let n_groups = self.out.len().div_ceil(V::LANES * width);
        assert!(
            self.lists.group() == V::LANES
                && self.out.len().is_multiple_of(width)
                && self.first_group + n_groups <= self.lists.len(),
            "expected `out` of shape [n_rows, width], with rows that exist in `lists`"
        );
        of_width!(width, self.sums);
    }
}

impl<T: Element> LaneSums<'_, T> {
    /// Computes the sums of a width of up to `N`.
    #[inline(always)]
    fn sums<V: Simd<T = T>, const N: usize>(self) {
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
#[inline(always)]
fn store_sums<V: Simd, const N: usize>(sums: [V; N], unit: V::T, bias: &[V::T], out: &mut [V::T]) {
    let mut by_column = [[V::T::default(); MAX_LANES]; N];
    let mut biases = [V::T::default(); N];
    biases[..bias.len()].copy_from_slice(bias);
    for ((sum, slot), bias) in sums.into_iter().zip(&mut by_column).zip(biases) {
        let sum = sum.multiply_add(V::splat(unit), V::splat(bias));
        // SAFETY: no vector has more lanes.
        unsafe { sum.store(slot.as_mut_ptr()) };
    }
    for (row, out) in out.chunks_exact_mut(bias.len()).enumerate() {
        for (column, slot) in out.iter_mut().enumerate() {
            *slot = by_column[column][row];
        }
    }
}

/// `out ← out + Xᵀ·error` for a range of columns of X. The lists are columns of X, and their
/// indices are groups of rows.
///
/// # Shapes
/// `groups`: the errors of all rows of X, see [`errors_as_lanes`];
/// `out [columns.len(), width]`.
#[derive(Debug)]
pub struct LaneOuters<'a, T> {
    pub(crate) lists: &'a CompressedRows,
    pub(crate) columns: Range<usize>,
    /// The value that a byte of 1 represents.
    pub(crate) unit: T,
    pub(crate) width: usize,
    pub(crate) groups: &'a [T],
    pub(crate) out: &'a mut [T],
}

impl<T: Element> Program<T> for LaneOuters<'_, T> {
    #[inline(always)]
    fn run<V: Simd<T = T>>(self) {
        let (lists, width) = (self.lists, self.width);
        assert!((1..=MAX_WIDTH).contains(&width), "{width} columns");
        assert!(
            lists.group() == V::LANES
                && self.groups.len() == lists.n_indices() * errors_len(V::LANES, width),
            "expected one vector of errors per group and column"
        );
        assert!(
            self.columns.end <= lists.len() && self.out.len() == self.columns.len() * width,
            "expected one row of `out` per column"
        );
        of_width!(width, self.outers);
    }
}

impl<T: Element> LaneOuters<'_, T> {
    /// Computes the rows of a width of up to `N`.
    #[inline(always)]
    fn outers<V: Simd<T = T>, const N: usize>(self) {
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
                        // They do not follow in memory, as the hardware would predict.
                        let next = self.lists.segments(column as u32 + 1, segments.clone());
                        prefetch_slice(&next.0[..next.0.len().min(1)]);
                        prefetch_slice(next.1);
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

/// `out ← out + unit·(Σ lanes of each of the sums)`
#[inline(always)]
fn add_lane_totals<V: Simd, const N: usize>(sums: [V; N], unit: V::T, out: &mut [V::T]) {
    for start in (0..out.len()).step_by(V::LANES) {
        let n = out.len() - start;
        let mut some = [V::zero(); MAX_LANES];
        for (slot, sum) in some.iter_mut().zip(sums.iter().skip(start)).take(V::LANES) {
            *slot = *sum;
        }
        // SAFETY: only existing columns are read and written.
        unsafe {
            let out = out.as_mut_ptr().add(start);
            let old = load_up_to::<V>(out, n);
            let sum = lane_totals::<V>(some).multiply_add(V::splat(unit), old);
            store_up_to(sum, out, n);
        }
    }
}

/// Sums all lanes of vector j in lane j, for as many vectors as there are lanes.
///
/// Repeatedly replaces two vectors with the sum of their interleaved halves.
#[inline(always)]
fn lane_totals<V: Simd>(mut vectors: [V; MAX_LANES]) -> V {
    let mut n = V::LANES;
    while n > 1 {
        n /= 2;
        for index in 0..n {
            let (first, second) = vectors[index].interleave(vectors[index + n]);
            vectors[index] = first.add(second);
        }
    }
    vectors[0]
}
