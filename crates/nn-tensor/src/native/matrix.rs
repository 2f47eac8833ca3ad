//! Borrowed matrix views with arbitrary strides.
//!
//! An `ndarray` view can be converted to such a view. Creating the view directly from a slice
//! is cheaper, which matters for small networks: one step is a few dozen products that take a
//! few nanoseconds each.

use std::marker::PhantomData;
use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2};

/// A shared matrix view with arbitrary strides.
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
    shape: [usize; 2],
    strides: [isize; 2],
    life: PhantomData<&'a [T]>,
}

// Not derived, which would require `T: Clone`.
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
    /// Creates a row-major view of a slice.
    ///
    /// # Panics
    /// Panics if the number of elements does not match the shape `[n_rows, n_columns]`.
    #[track_caller]
    #[inline]
    pub fn new(values: &'a [T], shape: [usize; 2]) -> Self {
        assert_fits(values.len(), shape);
        Self::from_raw(values.as_ptr(), shape, [shape[1] as isize, 1])
    }

    #[inline(always)]
    fn from_raw(first: *const T, shape: [usize; 2], strides: [isize; 2]) -> Self {
        Self {
            first,
            shape,
            strides,
            life: PhantomData,
        }
    }

    /// The shape `[n_rows, n_columns]`.
    #[inline]
    pub fn shape(self) -> [usize; 2] {
        self.shape
    }

    /// The transposed matrix.
    #[must_use]
    #[inline]
    pub fn t(self) -> Self {
        let ([n_rows, n_columns], [row_stride, column_stride]) = (self.shape, self.strides);
        Self::from_raw(self.first, [n_columns, n_rows], [column_stride, row_stride])
    }

    /// Returns a view of a range of rows.
    ///
    /// # Panics
    /// Panics if the range is out of bounds.
    #[must_use]
    #[inline]
    pub fn rows(self, rows: Range<usize>) -> Self {
        self.part(rows, 0..self.shape[1])
    }

    /// Returns a view of a range of columns.
    ///
    /// # Panics
    /// Panics if the range is out of bounds.
    #[must_use]
    #[inline]
    pub fn columns(self, columns: Range<usize>) -> Self {
        self.part(0..self.shape[0], columns)
    }

    /// Returns a view of a range of rows and columns.
    ///
    /// # Panics
    /// Panics if a range is out of bounds.
    #[inline(always)]
    pub(super) fn part(self, rows: Range<usize>, columns: Range<usize>) -> Self {
        assert!(rows.start <= rows.end && rows.end <= self.shape[0]);
        assert!(columns.start <= columns.end && columns.end <= self.shape[1]);
        Self::from_raw(
            self.at(rows.start, columns.start),
            [rows.len(), columns.len()],
            self.strides,
        )
    }

    /// A row as a slice, or `None` if its elements are not contiguous.
    ///
    /// # Panics
    /// Panics if the index is out of bounds.
    #[inline]
    pub fn row(self, row: usize) -> Option<&'a [T]> {
        self.rows(row..row + 1).to_slice()
    }

    /// All elements in row-major order, or `None` if they are not contiguous. The
    /// elements of an empty matrix are always contiguous.
    pub fn to_slice(self) -> Option<&'a [T]> {
        let [n_rows, n_columns] = self.shape;
        if n_rows == 0 || n_columns == 0 {
            // The address may be anything, even 0.
            return Some(&[]);
        }
        let follow = n_rows == 1 || self.strides[0] == n_columns as isize;
        (follow && self.has_contiguous_rows()).then(|| {
            // SAFETY: the elements exist and are contiguous.
            unsafe { std::slice::from_raw_parts(self.first, n_rows * n_columns) }
        })
    }

    pub(super) fn has_contiguous_rows(self) -> bool {
        self.strides[1] == 1 || self.shape[1] <= 1
    }

    /// Distances between rows and between columns, in elements.
    #[inline(always)]
    pub(super) fn strides(self) -> [isize; 2] {
        self.strides
    }

    /// Address of an element, which need not exist.
    #[inline(always)]
    pub(super) fn at(self, row: usize, column: usize) -> *const T {
        let [row_stride, column_stride] = self.strides;
        let offset = row as isize * row_stride + column as isize * column_stride;
        self.first.wrapping_offset(offset)
    }
}

impl<'a, T> From<ArrayView2<'a, T>> for Matrix<'a, T> {
    fn from(view: ArrayView2<'a, T>) -> Self {
        let (n_rows, n_columns) = view.dim();
        let strides = [view.strides()[0], view.strides()[1]];
        Self::from_raw(view.as_ptr(), [n_rows, n_columns], strides)
    }
}

/// A mutable matrix view with contiguous rows.
#[derive(Debug)]
pub struct MatrixMut<'a, T> {
    matrix: Matrix<'a, T>,
    life: PhantomData<&'a mut [T]>,
}

// SAFETY: it is used as the exclusive slices, one per row, that it stands for.
unsafe impl<T: Send> Send for MatrixMut<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for MatrixMut<'_, T> {}

impl<'a, T> MatrixMut<'a, T> {
    /// Creates a mutable row-major view of a slice.
    ///
    /// # Panics
    /// Panics if the number of elements does not match the shape `[n_rows, n_columns]`.
    #[track_caller]
    #[inline]
    pub fn new(values: &'a mut [T], shape: [usize; 2]) -> Self {
        assert_fits(values.len(), shape);
        let strides = [shape[1] as isize, 1];
        Self::from_matrix(Matrix::from_raw(values.as_mut_ptr(), shape, strides))
    }

    /// The elements must be borrowed mutably.
    #[inline(always)]
    fn from_matrix(matrix: Matrix<'a, T>) -> Self {
        Self {
            matrix,
            life: PhantomData,
        }
    }

    /// The shape `[n_rows, n_columns]`.
    #[inline]
    pub fn shape(&self) -> [usize; 2] {
        self.matrix.shape
    }

    /// Reborrows the matrix with a shorter lifetime.
    #[inline]
    pub fn reborrow(&mut self) -> MatrixMut<'_, T> {
        MatrixMut::from_matrix(self.matrix)
    }

    /// Borrows the matrix as a shared view.
    #[inline]
    pub(super) fn as_matrix(&self) -> Matrix<'_, T> {
        self.matrix
    }

    /// Returns a view of a range of rows and columns.
    ///
    /// # Panics
    /// Panics if a range is out of bounds.
    #[inline(always)]
    pub(super) fn part(&mut self, rows: Range<usize>, columns: Range<usize>) -> MatrixMut<'_, T> {
        MatrixMut::from_matrix(self.matrix.part(rows, columns))
    }

    /// Returns a view of a range of rows.
    ///
    /// # Panics
    /// Panics if the range is out of bounds.
    #[inline(always)]
    pub(super) fn rows(&mut self, rows: Range<usize>) -> MatrixMut<'_, T> {
        MatrixMut::from_matrix(self.matrix.rows(rows))
    }

    /// Splits the matrix into the first `n_rows` rows and the rest.
    ///
    /// # Panics
    /// Panics if there are fewer rows.
    pub fn split_at_row(self, n_rows: usize) -> [Self; 2] {
        [0..n_rows, n_rows..self.shape()[0]].map(|rows| Self::from_matrix(self.matrix.rows(rows)))
    }

    /// Splits the matrix into the first `n_columns` columns and the rest.
    ///
    /// # Panics
    /// Panics if there are fewer columns.
    pub fn split_at_column(self, n_columns: usize) -> [Self; 2] {
        [0..n_columns, n_columns..self.shape()[1]]
            .map(|columns| Self::from_matrix(self.matrix.columns(columns)))
    }

    /// All elements in row-major order, or `None` if they are not contiguous. The
    /// elements of an empty matrix are always contiguous.
    pub fn into_slice(self) -> Option<&'a mut [T]> {
        let slice = self.matrix.to_slice()?;
        let (first, len) = (self.matrix.first.cast_mut(), slice.len());
        if len == 0 {
            return Some(&mut []);
        }
        // SAFETY: the elements exist, are contiguous and borrowed mutably for as
        // long as the slice.
        Some(unsafe { std::slice::from_raw_parts_mut(first, len) })
    }

    /// The elements of a row.
    ///
    /// # Panics
    /// Panics if the index is out of bounds.
    pub(super) fn row_mut(&mut self, row: usize) -> &mut [T] {
        let row = self.rows(row..row + 1).into_slice();
        row.expect("the elements of a row are contiguous")
    }

    /// Address of an element, which need not exist.
    #[inline(always)]
    pub(super) fn at(&mut self, row: usize, column: usize) -> *mut T {
        self.matrix.at(row, column).cast_mut()
    }
}

impl<'a, T> From<ArrayViewMut2<'a, T>> for MatrixMut<'a, T> {
    /// # Panics
    /// Panics if the elements of a row are not contiguous.
    #[track_caller]
    fn from(mut view: ArrayViewMut2<'a, T>) -> Self {
        let (n_rows, n_columns) = view.dim();
        assert!(
            n_rows == 0 || n_columns <= 1 || view.strides()[1] == 1,
            "an output matrix must be row-major"
        );
        let strides = [view.strides()[0], 1];
        let first = view.as_mut_ptr();
        Self::from_matrix(Matrix::from_raw(first, [n_rows, n_columns], strides))
    }
}

#[track_caller]
#[inline]
fn assert_fits(len: usize, [n_rows, n_columns]: [usize; 2]) {
    assert!(
        n_rows.checked_mul(n_columns) == Some(len),
        "{len} values do not form a matrix [{n_rows}, {n_columns}]"
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
        let reversed = Matrix::from(values.slice(s![..;-1, ..]));
        assert_eq!(reversed.row(0), Some(&[4, 5, 6][..]));
        for empty in [matrix.columns(3..3), matrix.t().columns(2..2)] {
            assert_eq!(empty.row(1), Some(&[][..]));
        }
        for empty in [matrix.rows(2..2).t(), matrix.t().rows(1..1)] {
            assert_eq!(empty.to_slice(), Some(&[][..]));
        }
    }

    #[test]
    fn splitting_gives_disjoint_parts() {
        let mut values = Array2::zeros((4, 5));
        let [mut top, bottom] = MatrixMut::from(values.view_mut()).split_at_row(1);
        let [mut left, mut right] = bottom.split_at_column(2);
        top.row_mut(0).fill(1);
        (0..3).for_each(|row| left.row_mut(row).fill(2));
        (0..3).for_each(|row| right.row_mut(row).fill(3));
        assert_eq!(values.row(0), array![1, 1, 1, 1, 1]);
        assert_eq!(values.row(3), array![2, 2, 3, 3, 3]);
    }

    /// Addresses of rows and parts of empty matrices may be anything, even 0, so
    /// that no slice may be made of them.
    #[test]
    fn empty_matrices_have_empty_rows_and_parts() {
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
            let [n_rows, n_columns] = shape;
            let whole = || MatrixMut::<f32>::new(&mut [], shape);
            assert_eq!(whole().into_slice(), Some(&mut [][..]));
            let parts = [
                whole().split_at_row(n_rows),
                whole().split_at_column(n_columns),
                // The last column of [0, 2^62] would start at address 0.
                whole().split_at_column(n_columns.saturating_sub(1)),
            ];
            for mut part in parts.into_iter().flatten() {
                if part.shape()[0] > 0 {
                    part.row_mut(0).fill(1.0);
                }
                assert_eq!(part.into_slice(), Some(&mut [][..]));
            }
        }
    }

    #[test]
    fn shapes_whose_product_overflows_are_rejected() {
        let half = 1 << (usize::BITS / 2);
        let rejected = std::panic::catch_unwind(|| Matrix::<f32>::new(&[], [half, half]));
        assert!(rejected.is_err());
    }

    #[test]
    #[should_panic(expected = "5 values do not form a matrix [2, 3]")]
    fn the_shape_must_match() {
        Matrix::new(&[0; 5], [2, 3]);
    }
}
