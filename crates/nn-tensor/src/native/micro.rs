//! The two micro-kernels, the innermost loops of all products except the products of
//! [`super::lanes`]:
//!
//! ```text
//! gather     sums[r, :] ← sums[r, :] + factor[t, r]·row[t, :]       for every term t
//! scatter    row[t, :]  ← row[t, :] + Σ_r factor[t, r]·sums[r, :]   for every term t
//! ```
//!
//! `R` rows of sums, of `N` vectors each, stay in registers. The [`Terms`] define
//! the factors and rows, the [`Epilogue`] how finished sums are written, and
//! [`by_columns`] the number of columns in a block.

use std::ops::Range;

use super::compressed_rows::Entries;
use super::matrix::{Matrix, MatrixMut};
use super::simd::{Simd, load_up_to};

/// A cursor over the terms of `R` sums: rows of a matrix and their factors.
pub(super) trait Terms<V: Simd, const R: usize>: Copy {
    /// Number of remaining terms.
    fn len(&self) -> usize;

    /// Offset of the current term's row from the first one.
    ///
    /// # Safety
    /// There must be a term left.
    unsafe fn row(&self) -> isize;

    /// Factor of the current term's row in a sum.
    ///
    /// # Safety
    /// There must be a term left, and `sum < R`.
    unsafe fn factor(&self, sum: usize) -> V;

    /// Moves on to the next term.
    fn advance(&mut self);
}

/// All terms of a dense matrix.
#[derive(Clone, Copy)]
pub(super) struct Strided<T> {
    factors: *const T,
    strides: [isize; 2],
    row: isize,
    row_stride: isize,
    n: usize,
}

impl<T> Strided<T> {
    /// The terms of the rows of `a`, with matrix rows `row_stride` apart.
    #[inline(always)]
    pub(super) fn new(a: Matrix<'_, T>, row_stride: isize) -> Self {
        Self {
            factors: a.at(0, 0),
            strides: a.strides(),
            row: 0,
            row_stride,
            n: a.shape()[1],
        }
    }
}

impl<V: Simd, const R: usize> Terms<V, R> for Strided<V::T> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.n
    }

    #[inline(always)]
    unsafe fn row(&self) -> isize {
        self.row
    }

    #[inline(always)]
    unsafe fn factor(&self, sum: usize) -> V {
        // SAFETY: the caller vouches for the sum.
        unsafe { V::splat(*self.factors.offset(sum as isize * self.strides[0])) }
    }

    #[inline(always)]
    fn advance(&mut self) {
        self.factors = self.factors.wrapping_offset(self.strides[1]);
        self.row = self.row.wrapping_add(self.row_stride);
        self.n -= 1;
    }
}

/// Selected terms of `R` dense rows, with packed indices and factors.
#[derive(Clone, Copy)]
pub(super) struct Listed<T, const R: usize> {
    pub(super) indices: *const u16,
    pub(super) factors: [*const T; R],
    pub(super) n: usize,
    pub(super) row_stride: isize,
}

impl<V: Simd, const R: usize> Terms<V, R> for Listed<V::T, R> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.n
    }

    #[inline(always)]
    unsafe fn row(&self) -> isize {
        // SAFETY: the caller vouches for the term.
        unsafe { *self.indices as isize * self.row_stride }
    }

    #[inline(always)]
    unsafe fn factor(&self, sum: usize) -> V {
        // SAFETY: the caller vouches for the term.
        unsafe { V::splat(*self.factors[sum]) }
    }

    #[inline(always)]
    fn advance(&mut self) {
        self.indices = self.indices.wrapping_add(1);
        for factors in &mut self.factors {
            *factors = factors.wrapping_add(1);
        }
        self.n -= 1;
    }
}

/// The nonzero terms of `R` rows of bytes, each of which represents a value.
#[derive(Clone, Copy)]
pub(super) struct Coded<'a, T, const R: usize> {
    indices: *const u16,
    bytes: *const u8,
    n: usize,
    factors: &'a [T; 256],
    row_stride: usize,
}

impl<'a, T, const R: usize> Coded<'a, T, R> {
    /// The terms of entries with `R` bytes each, with matrix rows `row_stride` apart.
    #[inline(always)]
    pub(super) fn new(
        (indices, bytes): Entries<'_>,
        factors: &'a [T; 256],
        row_stride: usize,
    ) -> Self {
        Self {
            indices: indices.as_ptr(),
            bytes: bytes.as_ptr(),
            n: indices.len(),
            factors,
            row_stride,
        }
    }
}

impl<V: Simd, const R: usize> Terms<V, R> for Coded<'_, V::T, R> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.n
    }

    #[inline(always)]
    unsafe fn row(&self) -> isize {
        // SAFETY: the caller vouches for the term.
        unsafe { (usize::from(*self.indices) * self.row_stride) as isize }
    }

    #[inline(always)]
    unsafe fn factor(&self, sum: usize) -> V {
        // SAFETY: the caller vouches for the term and the sum.
        unsafe { V::splat(self.factors[usize::from(*self.bytes.add(sum))]) }
    }

    #[inline(always)]
    fn advance(&mut self) {
        self.indices = self.indices.wrapping_add(1);
        self.bytes = self.bytes.wrapping_add(R);
        self.n -= 1;
    }
}

/// Number of columns of a block of `N` vectors; if `IS_PART`, the last vector has
/// fewer columns than lanes.
#[derive(Clone, Copy)]
pub(super) struct Columns<const IS_PART: bool>(pub(super) usize);

impl<const IS_PART: bool> Columns<IS_PART> {
    /// Loads one of `N` vectors.
    ///
    /// # Safety
    /// The columns must exist.
    #[inline(always)]
    unsafe fn load<V: Simd, const N: usize>(self, from: *const V::T, vector: usize) -> V {
        let start = vector * V::LANES;
        // SAFETY: as for this function.
        unsafe {
            if IS_PART && vector + 1 == N {
                V::load_part(from.add(start), self.0 - start)
            } else {
                V::load(from.add(start))
            }
        }
    }

    /// Stores one of `N` vectors.
    ///
    /// # Safety
    /// The columns must exist.
    #[inline(always)]
    unsafe fn store<V: Simd, const N: usize>(self, values: V, to: *mut V::T, vector: usize) {
        let start = vector * V::LANES;
        // SAFETY: as for this function.
        unsafe {
            if IS_PART && vector + 1 == N {
                values.store_part(to.add(start), self.0 - start);
            } else {
                values.store(to.add(start));
            }
        }
    }
}

/// `sums[r] ← sums[r] + factor[t, r]·row[t]` for all terms, in order.
///
/// # Safety
/// `first` must be the first column of the first row, and every term must have a
/// row of the columns from there on.
#[inline(always)]
pub(super) unsafe fn gather<V: Simd, const R: usize, const N: usize, const IS_PART: bool>(
    mut terms: impl Terms<V, R>,
    first: *const V::T,
    columns: Columns<IS_PART>,
    sums: &mut [[V; N]; R],
) {
    for _ in 0..terms.len() {
        // SAFETY: as for this function.
        unsafe { add_term(terms, first, columns, sums) };
        terms.advance();
    }
}

/// Adds the current term of [`gather`] only.
///
/// # Safety
/// As for [`gather`]; there must be a term left.
#[inline(always)]
pub(super) unsafe fn add_term<V: Simd, const R: usize, const N: usize, const IS_PART: bool>(
    terms: impl Terms<V, R>,
    first: *const V::T,
    columns: Columns<IS_PART>,
    sums: &mut [[V; N]; R],
) {
    // SAFETY: as for this function.
    unsafe {
        let row = first.wrapping_offset(terms.row());
        let mut vectors = [V::zero(); N];
        for (vector, slot) in vectors.iter_mut().enumerate() {
            *slot = columns.load::<V, N>(row, vector);
        }
        for (sum, sums) in sums.iter_mut().enumerate() {
            let factor = terms.factor(sum);
            for (sum, vector) in sums.iter_mut().zip(vectors) {
                *sum = factor.multiply_add(vector, *sum);
            }
        }
    }
}

/// `row[t] ← row[t] + Σ_r factor[t, r]·sums[r]` for all terms, in order.
///
/// # Safety
/// As for [`gather`], with mutable rows.
#[inline(always)]
pub(super) unsafe fn scatter<V: Simd, const R: usize, const N: usize, const IS_PART: bool>(
    mut terms: impl Terms<V, R>,
    sums: [[V; N]; R],
    first: *mut V::T,
    columns: Columns<IS_PART>,
) {
    for _ in 0..terms.len() {
        // SAFETY: as for this function.
        unsafe {
            let row = first.wrapping_offset(terms.row());
            let mut factors = [V::zero(); R];
            for (sum, slot) in factors.iter_mut().enumerate() {
                *slot = terms.factor(sum);
            }
            for vector in 0..N {
                let mut total = columns.load::<V, N>(row, vector);
                for (factor, sum) in factors.iter().zip(sums) {
                    total = factor.multiply_add(sum[vector], total);
                }
                columns.store::<V, N>(total, row, vector);
            }
        }
        terms.advance();
    }
}

/// The operation that writes finished sums to the output.
#[derive(Clone, Copy, Debug)]
pub enum Epilogue<'a, T> {
    /// Overwrites the output: `c ← sums`.
    Overwrite,
    /// Adds to the output: `c ← c + sums`.
    Accumulate,
    /// Adds one bias per column: `c ← bias + sums`.
    AddBias(&'a [T]),
}

impl<'a, T> Epilogue<'a, T> {
    /// The epilogue for the terms from `start` on: sums of later terms are accumulated.
    #[inline(always)]
    pub(super) fn for_terms_from(self, start: usize) -> Self {
        if start > 0 { Self::Accumulate } else { self }
    }

    /// The epilogue for a range of columns.
    #[inline(always)]
    pub(crate) fn of_columns(self, columns: Range<usize>) -> Self {
        match self {
            Self::AddBias(bias) => Self::AddBias(&bias[columns]),
            other => other,
        }
    }
}

/// Writes finished sums to all rows of `c` according to the epilogue.
///
/// # Safety
/// `c` must have `R` rows of `N` vectors, the last of which may be partial.
#[inline(always)]
pub(super) unsafe fn finish<V: Simd, const R: usize, const N: usize>(
    sums: [[V; N]; R],
    c: MatrixMut<'_, V::T>,
    epilogue: Epilogue<'_, V::T>,
) {
    let [_, n_columns] = c.shape();
    // SAFETY: as for this function.
    unsafe {
        // Only whole vectors: compiled without branches.
        if n_columns == N * V::LANES {
            finish_columns(sums, c, epilogue, N * V::LANES);
        } else {
            finish_columns(sums, c, epilogue, n_columns);
        }
    }
}

/// [`finish`] with a number of columns that may be known at compile time.
///
/// Storing a part of a vector is slow on some processors. If the rows of C are
/// adjacent, whole vectors are stored that overlap the rows below, which are
/// stored after them.
///
/// # Safety
/// As for [`finish`].
#[inline(always)]
unsafe fn finish_columns<V: Simd, const R: usize, const N: usize>(
    mut sums: [[V; N]; R],
    mut c: MatrixMut<'_, V::T>,
    epilogue: Epilogue<'_, V::T>,
    n_columns: usize,
) {
    let is_adjacent = c.as_matrix().strides()[0] == n_columns as isize;
    // SAFETY: only columns of each row or of the rows below it are accessed.
    unsafe {
        match epilogue {
            Epilogue::Overwrite => {}
            Epilogue::Accumulate => {
                for (row, sums) in sums.iter_mut().enumerate() {
                    add_to(sums, c.at(row, 0), n_columns);
                }
            }
            Epilogue::AddBias(bias) => {
                for sums in &mut sums {
                    add_to(sums, bias.as_ptr(), n_columns);
                }
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            let reach = if is_adjacent { R - row } else { 1 } * n_columns;
            for (vector, sum) in sums.into_iter().enumerate() {
                let start = vector * V::LANES;
                let c = c.at(row, start);
                if vector + 1 < N || start + V::LANES <= reach {
                    sum.store(c);
                } else {
                    sum.store_part(c, n_columns - start);
                }
            }
        }
    }
}

/// `sums ← addend + sums`
///
/// # Safety
/// As for [`load_row`].
#[inline(always)]
unsafe fn add_to<V: Simd, const N: usize>(
    sums: &mut [V; N],
    addend: *const V::T,
    n_columns: usize,
) {
    // SAFETY: as for this function.
    unsafe {
        let addend = load_row::<V, N>(addend, n_columns);
        for (sum, addend) in sums.iter_mut().zip(addend) {
            *sum = addend.add(*sum);
        }
    }
}

/// Loads `N` vectors of a row; lanes beyond the last column are 0.
///
/// # Safety
/// There must be `N` vectors of columns, the last of which may be partial.
#[inline(always)]
pub(super) unsafe fn load_row<V: Simd, const N: usize>(
    from: *const V::T,
    n_columns: usize,
) -> [V; N] {
    // SAFETY: as for this function.
    unsafe {
        let mut row = [V::zero(); N];
        for (vector, slot) in row.iter_mut().enumerate() {
            let start = vector * V::LANES;
            *slot = if vector + 1 < N {
                V::load(from.add(start))
            } else {
                load_up_to(from.add(start), n_columns - start)
            };
        }
        row
    }
}

/// Work that is done one block of columns at a time.
pub(super) trait ByColumns<V: Simd> {
    /// Maximum number of vectors in a block.
    const MAX: usize = 8;

    /// Maximum number of vectors in a block whose last vector is partial; if there
    /// are more columns, the whole vectors come first. 1 where rows are written that
    /// may be adjacent: a load stalls after a partial store next to its address.
    const MAX_PART: usize = 8;

    /// Works on a block of columns: `N` vectors, the last of which may be partial.
    ///
    /// # Safety
    /// The block must be one of [`by_columns`].
    unsafe fn block<const N: usize>(&mut self, columns: Range<usize>);
}

/// Splits the columns of `work` into blocks of 8, 4 and finally 3, 2 or 1 vectors,
/// but no more than [`MAX`](ByColumns::MAX).
///
/// # Safety
/// The work must have `n_columns` columns.
#[inline(always)]
pub(super) unsafe fn by_columns<V: Simd, W: ByColumns<V>>(n_columns: usize, work: &mut W) {
    let whole = n_columns - n_columns % V::LANES;
    let mut start = 0;
    while start < n_columns {
        let is_long = n_columns - start > W::MAX_PART * V::LANES;
        let end = if is_long { whole } else { n_columns };
        let rest = end - start;
        let n_vectors = match rest.div_ceil(V::LANES) {
            8.. if const { W::MAX >= 8 } => 8,
            4.. if const { W::MAX >= 4 } => 4,
            3 if const { W::MAX >= 3 } => 3,
            2.. if const { W::MAX >= 2 } => 2,
            _ => 1,
        };
        let columns = start..start + rest.min(n_vectors * V::LANES);
        start = columns.end;
        // SAFETY: the columns have this number of vectors.
        unsafe {
            match n_vectors {
                8 if const { W::MAX >= 8 } => work.block::<8>(columns),
                4 if const { W::MAX >= 4 } => work.block::<4>(columns),
                3 if const { W::MAX >= 3 } => work.block::<3>(columns),
                2 if const { W::MAX >= 2 } => work.block::<2>(columns),
                _ => work.block::<1>(columns),
            }
        }
    }
}
