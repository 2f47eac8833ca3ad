//! Matrices that are looked at: where the first number lies, and how far it is
//! to the next row and column.
//!
//! ndarray's views say the same and convert into these. The difference is what
//! it costs to make one of a slice: a small network's step is a few dozen
//! products of some nanoseconds each.

use std::marker::PhantomData;
use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2};

/// A matrix to be read, with any strides.
///
/// ```
/// use nn_tensor::Matrix;
///
/// let matrix = Matrix::new(&[1, 2, 3, 4, 5, 6], [2, 3]);
/// assert_eq!(matrix.t().shape(), [3, 2]);
/// ```
#[derive(Debug)]
pub struct Matrix<'a, T> {
    first: *const T,
    n_rows: usize,
    n_columns: usize,
    row_stride: isize,
    column_stride: isize,
    life: PhantomData<&'a [T]>,
}

// Not derived, which would ask for numbers that can be copied.
impl<T> Clone for Matrix<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Matrix<'_, T> {}

// SAFETY: it is used as the shared slice that it stands for.
unsafe impl<T: Sync> Send for Matrix<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Matrix<'_, T> {}

impl<'a, T> Matrix<'a, T> {
    /// The matrix whose rows follow one another in `values`.
    ///
    /// # Panics
    /// If there are not as many values as the shape `[n_rows, n_columns]` says.
    #[track_caller]
    #[inline]
    pub fn new(values: &'a [T], shape: [usize; 2]) -> Self {
        assert_fits(values.len(), shape);
        let [n_rows, n_columns] = shape;
        Self {
            first: values.as_ptr(),
            n_rows,
            n_columns,
            row_stride: n_columns as isize,
            column_stride: 1,
            life: PhantomData,
        }
    }

    /// `[n_rows, n_columns]`
    #[inline]
    pub fn shape(self) -> [usize; 2] {
        [self.n_rows, self.n_columns]
    }

    /// The transposed matrix.
    #[must_use]
    #[inline]
    pub fn t(self) -> Self {
        Self {
            n_rows: self.n_columns,
            n_columns: self.n_rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// Some of the rows.
    ///
    /// # Panics
    /// If there are not as many.
    #[must_use]
    #[inline]
    pub fn rows(self, rows: Range<usize>) -> Self {
        assert!(rows.start <= rows.end && rows.end <= self.n_rows);
        Self {
            first: self
                .first
                .wrapping_offset(rows.start as isize * self.row_stride),
            n_rows: rows.len(),
            ..self
        }
    }

    /// Some of the columns.
    ///
    /// # Panics
    /// If there are not as many.
    #[must_use]
    #[inline]
    pub fn columns(self, columns: Range<usize>) -> Self {
        self.t().rows(columns).t()
    }

    /// A row, if its numbers follow one another.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline]
    pub fn row(self, row: usize) -> Option<&'a [T]> {
        assert!(row < self.n_rows, "no row {row} of {}", self.n_rows);
        if self.n_columns == 0 {
            // Its address may lie anywhere, even at 0.
            return Some(&[]);
        }
        self.has_whole_rows().then(|| {
            // SAFETY: the row exists, and its numbers follow one another.
            unsafe { std::slice::from_raw_parts(self.at(row, 0), self.n_columns) }
        })
    }

    /// All values, row after row, if that is how they lie in memory; those of
    /// an empty matrix always do.
    pub fn to_slice(self) -> Option<&'a [T]> {
        if self.n_rows == 0 || self.n_columns == 0 {
            return Some(&[]);
        }
        let follow = self.n_rows <= 1 || self.row_stride == self.n_columns as isize;
        (follow && self.has_whole_rows()).then(|| {
            // SAFETY: the numbers exist and follow one another.
            unsafe { std::slice::from_raw_parts(self.first, self.n_rows * self.n_columns) }
        })
    }

    /// Some of the rows and columns, without a look whether they exist.
    ///
    /// # Safety
    /// There must be as many.
    #[inline(always)]
    pub(super) unsafe fn part_unchecked(self, rows: Range<usize>, columns: Range<usize>) -> Self {
        Self {
            first: self.near(rows.start, columns.start),
            n_rows: rows.len(),
            n_columns: columns.len(),
            ..self
        }
    }

    pub(super) fn has_whole_rows(self) -> bool {
        self.column_stride == 1 || self.n_columns <= 1
    }

    pub(super) fn strides(self) -> [isize; 2] {
        [self.row_stride, self.column_stride]
    }

    /// Address of the number in a row and column.
    ///
    /// # Safety
    /// It must exist, or be the first one of an empty matrix.
    #[inline(always)]
    pub(super) unsafe fn at(self, row: usize, column: usize) -> *const T {
        // SAFETY: the caller promises that the number lies in the matrix.
        unsafe {
            self.first
                .offset(row as isize * self.row_stride + column as isize * self.column_stride)
        }
    }

    /// As [`at`](Self::at), of numbers that may not exist.
    #[inline(always)]
    pub(super) fn near(self, row: usize, column: usize) -> *const T {
        let offset = row as isize * self.row_stride + column as isize * self.column_stride;
        self.first.wrapping_offset(offset)
    }
}

impl<'a, T> From<ArrayView2<'a, T>> for Matrix<'a, T> {
    fn from(view: ArrayView2<'a, T>) -> Self {
        let (n_rows, n_columns) = view.dim();
        Self {
            first: view.as_ptr(),
            n_rows,
            n_columns,
            row_stride: view.strides()[0],
            column_stride: view.strides()[1],
            life: PhantomData,
        }
    }
}

/// A matrix to be written; the numbers of a row follow one another.
#[derive(Debug)]
pub struct MatrixMut<'a, T> {
    first: *mut T,
    n_rows: usize,
    n_columns: usize,
    row_stride: isize,
    life: PhantomData<&'a mut [T]>,
}

// SAFETY: it is used as the exclusive slices, one a row, that it stands for.
unsafe impl<T: Send> Send for MatrixMut<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for MatrixMut<'_, T> {}

impl<'a, T> MatrixMut<'a, T> {
    /// The matrix whose rows follow one another in `values`.
    ///
    /// # Panics
    /// If there are not as many values as the shape `[n_rows, n_columns]` says.
    #[track_caller]
    #[inline]
    pub fn new(values: &'a mut [T], shape: [usize; 2]) -> Self {
        assert_fits(values.len(), shape);
        let [n_rows, n_columns] = shape;
        Self {
            first: values.as_mut_ptr(),
            n_rows,
            n_columns,
            row_stride: n_columns as isize,
            life: PhantomData,
        }
    }

    /// `[n_rows, n_columns]`
    #[inline]
    pub fn shape(&self) -> [usize; 2] {
        [self.n_rows, self.n_columns]
    }

    /// The same matrix, for a shorter time.
    #[inline]
    pub fn reborrow(&mut self) -> MatrixMut<'_, T> {
        MatrixMut {
            life: PhantomData,
            ..*self
        }
    }

    /// The same matrix, to be read.
    #[inline]
    pub(super) fn as_matrix(&self) -> Matrix<'_, T> {
        Matrix {
            first: self.first,
            n_rows: self.n_rows,
            n_columns: self.n_columns,
            row_stride: self.row_stride,
            column_stride: 1,
            life: PhantomData,
        }
    }

    /// Some of the rows and columns.
    ///
    /// # Panics
    /// If there are not as many.
    #[inline]
    pub(super) fn part(&mut self, rows: Range<usize>, columns: Range<usize>) -> MatrixMut<'_, T> {
        assert!(rows.start <= rows.end && rows.end <= self.n_rows);
        assert!(columns.start <= columns.end && columns.end <= self.n_columns);
        let offset = rows.start as isize * self.row_stride + columns.start as isize;
        MatrixMut {
            first: self.first.wrapping_offset(offset),
            n_rows: rows.len(),
            n_columns: columns.len(),
            row_stride: self.row_stride,
            life: PhantomData,
        }
    }

    /// Some of the rows.
    ///
    /// # Panics
    /// If there are not as many.
    #[inline]
    pub(super) fn rows_mut(&mut self, rows: Range<usize>) -> MatrixMut<'_, T> {
        self.part(rows, 0..self.n_columns)
    }

    /// As [`rows_mut`](Self::rows_mut), without a look whether they exist.
    ///
    /// # Safety
    /// There must be as many.
    #[inline(always)]
    pub(super) unsafe fn rows_unchecked(&mut self, rows: Range<usize>) -> MatrixMut<'_, T> {
        MatrixMut {
            // SAFETY: see above.
            first: unsafe { self.row(rows.start) },
            n_rows: rows.len(),
            life: PhantomData,
            ..*self
        }
    }

    /// The first `n_rows` rows, and the others.
    ///
    /// # Panics
    /// If there are not as many.
    pub fn split_at_row(self, n_rows: usize) -> [Self; 2] {
        assert!(n_rows <= self.n_rows);
        let rest = self
            .first
            .wrapping_offset(n_rows as isize * self.row_stride);
        [
            Self { n_rows, ..self },
            Self {
                first: rest,
                n_rows: self.n_rows - n_rows,
                ..self
            },
        ]
    }

    /// The first `n_columns` columns, and the others.
    ///
    /// # Panics
    /// If there are not as many.
    pub fn split_at_column(self, n_columns: usize) -> [Self; 2] {
        assert!(n_columns <= self.n_columns);
        let rest = self.first.wrapping_add(n_columns);
        [
            Self { n_columns, ..self },
            Self {
                first: rest,
                n_columns: self.n_columns - n_columns,
                ..self
            },
        ]
    }

    /// All values, row after row, if that is how they lie in memory; those of
    /// an empty matrix always do.
    pub fn into_slice(self) -> Option<&'a mut [T]> {
        if self.n_rows == 0 || self.n_columns == 0 {
            return Some(&mut []);
        }
        let follow = self.n_rows <= 1 || self.row_stride == self.n_columns as isize;
        follow.then(|| {
            // SAFETY: the numbers exist, follow one another and are borrowed
            // for as long as the slice.
            unsafe { std::slice::from_raw_parts_mut(self.first, self.n_rows * self.n_columns) }
        })
    }

    /// The elements of a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub(super) fn row_mut(&mut self, row: usize) -> &mut [T] {
        assert!(row < self.n_rows, "no row {row} of {}", self.n_rows);
        if self.n_columns == 0 {
            // Its address may lie anywhere, even at 0.
            return &mut [];
        }
        // SAFETY: the row exists; it is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.row(row), self.n_columns) }
    }

    /// Sets all elements to `value`.
    pub(super) fn fill(&mut self, value: T)
    where
        T: Copy,
    {
        if self.n_columns > 0 {
            (0..self.n_rows).for_each(|row| self.row_mut(row).fill(value));
        }
    }

    pub(super) fn row_stride(&self) -> isize {
        self.row_stride
    }

    /// Address of the first number of a row.
    ///
    /// # Safety
    /// The row must exist, or be the first one of an empty matrix.
    #[inline(always)]
    pub(super) unsafe fn row(&mut self, row: usize) -> *mut T {
        // SAFETY: the caller promises that the row lies in the matrix.
        unsafe { self.first.offset(row as isize * self.row_stride) }
    }
}

impl<'a, T> From<ArrayViewMut2<'a, T>> for MatrixMut<'a, T> {
    /// # Panics
    /// If the numbers of a row do not follow one another.
    #[track_caller]
    fn from(mut view: ArrayViewMut2<'a, T>) -> Self {
        let (n_rows, n_columns) = view.dim();
        assert!(
            n_rows == 0 || n_columns <= 1 || view.strides()[1] == 1,
            "a matrix to be written must be row-major"
        );
        Self {
            first: view.as_mut_ptr(),
            n_rows,
            n_columns,
            row_stride: view.strides()[0],
            life: PhantomData,
        }
    }
}

#[track_caller]
#[inline]
fn assert_fits(len: usize, [n_rows, n_columns]: [usize; 2]) {
    assert!(
        n_rows.checked_mul(n_columns) == Some(len),
        "{len} numbers are not a matrix [{n_rows}, {n_columns}]"
    );
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array, s};

    use super::*;

    #[test]
    fn parts_of_slices_and_views() {
        let values = array![[1, 2, 3], [4, 5, 6]];
        let matrix = Matrix::from(values.view());
        assert_eq!(matrix.to_slice(), values.as_slice());
        assert_eq!(matrix.rows(1..2).row(0), Some(&[4, 5, 6][..]));
        assert_eq!(matrix.columns(1..3).row(1), Some(&[5, 6][..]));
        assert_eq!(matrix.columns(1..3).to_slice(), None);
        assert_eq!(matrix.t().row(0), None);
        assert_eq!(matrix.t().shape(), [3, 2]);
        let turned = Matrix::from(values.slice(s![..;-1, ..]));
        assert_eq!(turned.row(0), Some(&[4, 5, 6][..]));
    }

    #[test]
    fn splitting_gives_parts_that_do_not_meet() {
        let mut values = Array2::zeros((4, 5));
        let [mut top, bottom] = MatrixMut::from(values.view_mut()).split_at_row(1);
        let [mut left, mut right] = bottom.split_at_column(2);
        top.fill(1);
        left.fill(2);
        right.fill(3);
        assert_eq!(values.row(0), array![1, 1, 1, 1, 1]);
        assert_eq!(values.row(3), array![2, 2, 3, 3, 3]);
    }

    /// Rows and parts of matrices without values: their addresses may lie
    /// anywhere, so that no slice may be made of them.
    #[test]
    fn empty_matrices_have_empty_rows_and_slices() {
        const HUGE: usize = 1 << 62;
        for shape in [
            [0, 3],
            [3, 0],
            [0, 0],
            [0, HUGE],
            [HUGE, 0],
            [usize::MAX, 0],
        ] {
            let matrix = Matrix::<f32>::new(&[], shape);
            for part in [matrix, matrix.t()] {
                let [n_rows, n_columns] = part.shape();
                for row in [0, n_rows / 2, n_rows.saturating_sub(1)] {
                    if row < n_rows {
                        assert_eq!(part.row(row), Some(&[][..]));
                    }
                    assert_eq!(part.rows(row..n_rows).to_slice(), Some(&[][..]));
                }
                let column = n_columns.saturating_sub(1);
                assert_eq!(part.columns(column..n_columns).to_slice(), Some(&[][..]));
            }
        }
    }

    #[test]
    fn parts_without_columns_or_rows_are_empty() {
        let values = [1, 2, 3, 4, 5, 6];
        let matrix = Matrix::new(&values, [2, 3]);
        assert_eq!(matrix.columns(3..3).row(1), Some(&[][..]));
        assert_eq!(matrix.t().columns(2..2).row(2), Some(&[][..]));
        assert_eq!(matrix.rows(2..2).t().row(2), Some(&[][..]));
        assert_eq!(matrix.t().rows(1..1).to_slice(), Some(&[][..]));
    }

    #[test]
    fn empty_matrices_to_be_written_have_empty_parts() {
        const HUGE: usize = 1 << 62;
        for shape in [[0, 3], [3, 0], [0, HUGE], [usize::MAX, 0]] {
            let [n_rows, n_columns] = shape;
            let whole = || MatrixMut::<f32>::new(&mut [], shape);
            whole().fill(1.0);
            assert_eq!(whole().into_slice(), Some(&mut [][..]));
            // The last column of [0, 2^62] would begin at address 0.
            let parts = [
                whole().split_at_row(n_rows),
                whole().split_at_column(n_columns),
            ];
            let last = whole().split_at_column(n_columns.saturating_sub(1));
            for mut part in parts.into_iter().chain([last]).flatten() {
                part.fill(1.0);
                assert_eq!(part.into_slice(), Some(&mut [][..]));
            }
        }
    }

    #[test]
    fn shapes_whose_product_overflows_are_refused() {
        let half = 1 << (usize::BITS / 2);
        let refused = std::panic::catch_unwind(|| Matrix::<f32>::new(&[], [half, half]));
        assert!(refused.is_err());
    }

    #[test]
    #[should_panic(expected = "5 numbers are not a matrix [2, 3]")]
    fn the_shape_must_fit() {
        Matrix::new(&[0; 5], [2, 3]);
    }
}
