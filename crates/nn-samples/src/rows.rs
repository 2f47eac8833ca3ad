//! Borrowed or shared matrices and lists, the types of function arguments and results.
//!
//! A borrowed matrix has the lifetime `'a` of its values. A shared matrix is
//! reference-counted, can be `'static`, and can be sent to other threads. Cloning
//! never copies the values.
//!
//! ndarray's matrices convert into [`Rows`] and back, with the feature `ndarray`
//! (on by default).

#[cfg(feature = "ndarray")]
mod ndarray;

use std::borrow::Cow;
use std::ops::Index;
use std::slice::ChunksExact;
use std::sync::Arc;

use nn_tensor::Matrix;

/// A matrix `[n_rows, n_columns]` in row-major order, borrowed or shared.
///
/// ```
/// use nn_samples::rows::Rows;
///
/// let values = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let borrowed = Rows::new(&values, 3);
/// assert_eq!(borrowed.row(1), [4.0, 5.0, 6.0]);
/// assert_eq!(borrowed[[1, 0]], 4.0);
///
/// let owned: Rows<'static, f32> = Rows::from(vec![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// assert_eq!(owned, borrowed);
/// ```
#[derive(Clone, Debug)]
pub struct Rows<'a, T> {
    values: List<'a, T>,
    n_rows: usize,
    n_columns: usize,
}

/// A list of values, borrowed or shared.
///
/// ```
/// use nn_samples::rows::List;
///
/// let labels = vec![1_u32, 0, 2];
/// let borrowed = List::from(&labels);
/// let owned: List<'static, u32> = List::from(labels.clone());
/// assert_eq!(borrowed, owned);
/// ```
#[derive(Clone, Debug)]
pub struct List<'a, T>(Storage<'a, T>);

#[derive(Clone, Debug)]
enum Storage<'a, T> {
    Borrowed(&'a [T]),
    Shared(Arc<Vec<T>>),
}

impl<'a, T> Rows<'a, T> {
    /// Creates a matrix from a slice or vector of its rows, one after the other.
    ///
    /// A matrix without columns has no rows.
    ///
    /// # Panics
    /// Panics if the last row is incomplete.
    #[track_caller]
    pub fn new(values: impl Into<List<'a, T>>, n_columns: usize) -> Self {
        let values: List<'a, T> = values.into();
        let len = values.as_slice().len();
        let n_rows = len.checked_div(n_columns).unwrap_or(0);
        assert_eq!(
            n_rows * n_columns,
            len,
            "expected complete rows of {n_columns} values"
        );
        Self {
            values,
            n_rows,
            n_columns,
        }
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The number of columns.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// The shape `[n_rows, n_columns]`.
    pub fn shape(&self) -> [usize; 2] {
        [self.n_rows, self.n_columns]
    }

    /// All values in row-major order.
    pub fn as_slice(&self) -> &[T] {
        self.values.as_slice()
    }

    /// The values of one row.
    ///
    /// # Panics
    /// Panics if the row does not exist.
    pub fn row(&self, row: usize) -> &[T] {
        assert!(row < self.n_rows, "row {row} of {}", self.n_rows);
        &self.as_slice()[row * self.n_columns..][..self.n_columns]
    }

    /// Iterates over all values in row-major order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.as_slice().iter()
    }

    /// Iterates over the rows.
    pub fn rows(&self) -> ChunksExact<'_, T> {
        self.as_slice().chunks_exact(self.n_columns.max(1))
    }

    /// Iterates over the values of one column.
    ///
    /// # Panics
    /// Panics if the column does not exist.
    pub fn column(&self, column: usize) -> impl Iterator<Item = &T> {
        assert!(
            column < self.n_columns,
            "column {column} of {}",
            self.n_columns
        );
        self.as_slice()[column.min(self.as_slice().len())..]
            .iter()
            .step_by(self.n_columns)
    }

    /// Borrows the matrix.
    pub fn borrow(&self) -> Rows<'_, T> {
        Rows {
            values: self.as_slice().into(),
            ..*self
        }
    }

    /// Borrows the matrix as [`Matrix`], the type that nn-tensor's products read.
    pub fn matrix(&self) -> Matrix<'_, T> {
        Matrix::new(self.as_slice(), self.shape())
    }
}

impl<T: Clone> Rows<'_, T> {
    /// Makes the matrix `'static`, by copying borrowed values.
    pub fn into_owned(self) -> Rows<'static, T> {
        Rows {
            values: self.values.into_owned(),
            n_rows: self.n_rows,
            n_columns: self.n_columns,
        }
    }

    /// Converts into a vector in row-major order; copies values that are borrowed or
    /// shared.
    pub fn into_vec(self) -> Vec<T> {
        self.values.into_vec()
    }
}

impl<T> Index<[usize; 2]> for Rows<'_, T> {
    type Output = T;

    /// The value in a row and a column.
    fn index(&self, [row, column]: [usize; 2]) -> &T {
        &self.row(row)[column]
    }
}

impl<T: PartialEq> PartialEq<Rows<'_, T>> for Rows<'_, T> {
    fn eq(&self, other: &Rows<'_, T>) -> bool {
        self.shape() == other.shape() && self.as_slice() == other.as_slice()
    }
}

impl<T: PartialEq, const M: usize, const N: usize> PartialEq<[[T; N]; M]> for Rows<'_, T> {
    fn eq(&self, other: &[[T; N]; M]) -> bool {
        self.shape() == [M, N] && self.as_slice() == other.as_flattened()
    }
}

impl<'a, T> From<&'a Rows<'_, T>> for Matrix<'a, T> {
    fn from(rows: &'a Rows<'_, T>) -> Self {
        rows.matrix()
    }
}

impl<'a, T> From<&'a Rows<'_, T>> for Rows<'a, T> {
    fn from(rows: &'a Rows<'_, T>) -> Self {
        rows.borrow()
    }
}

impl<'a, T, const N: usize> From<&'a [[T; N]]> for Rows<'a, T> {
    fn from(rows: &'a [[T; N]]) -> Self {
        Self {
            values: rows.as_flattened().into(),
            n_rows: rows.len(),
            n_columns: N,
        }
    }
}

impl<'a, T, const M: usize, const N: usize> From<&'a [[T; N]; M]> for Rows<'a, T> {
    fn from(rows: &'a [[T; N]; M]) -> Self {
        rows.as_slice().into()
    }
}

impl<'a, T, const N: usize> From<&'a Vec<[T; N]>> for Rows<'a, T> {
    fn from(rows: &'a Vec<[T; N]>) -> Self {
        rows.as_slice().into()
    }
}

impl<T, const N: usize> From<Vec<[T; N]>> for Rows<'_, T> {
    fn from(rows: Vec<[T; N]>) -> Self {
        Self {
            n_rows: rows.len(),
            n_columns: N,
            values: rows.into_flattened().into(),
        }
    }
}

impl<T> List<'_, T> {
    /// All values of the list.
    pub fn as_slice(&self) -> &[T] {
        match &self.0 {
            Storage::Borrowed(values) => values,
            Storage::Shared(values) => values,
        }
    }
}

impl<T: Clone> List<'_, T> {
    /// Makes the list `'static`, by copying borrowed values.
    pub fn into_owned(self) -> List<'static, T> {
        match self.0 {
            Storage::Borrowed(values) => values.to_vec().into(),
            Storage::Shared(values) => List(Storage::Shared(values)),
        }
    }

    /// Converts into a vector; copies values that are borrowed or shared.
    pub fn into_vec(self) -> Vec<T> {
        match self.0 {
            Storage::Borrowed(values) => values.to_vec(),
            Storage::Shared(values) => Arc::unwrap_or_clone(values),
        }
    }
}

impl<T: PartialEq> PartialEq<List<'_, T>> for List<'_, T> {
    fn eq(&self, other: &List<'_, T>) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<'a, T> From<&'a [T]> for List<'a, T> {
    fn from(values: &'a [T]) -> Self {
        Self(Storage::Borrowed(values))
    }
}

impl<'a, T, const N: usize> From<&'a [T; N]> for List<'a, T> {
    fn from(values: &'a [T; N]) -> Self {
        Self(Storage::Borrowed(values))
    }
}

impl<'a, T> From<&'a Vec<T>> for List<'a, T> {
    fn from(values: &'a Vec<T>) -> Self {
        Self(Storage::Borrowed(values))
    }
}

impl<T> From<Vec<T>> for List<'_, T> {
    fn from(values: Vec<T>) -> Self {
        Self(Storage::Shared(values.into()))
    }
}

impl<T> From<Arc<Vec<T>>> for List<'_, T> {
    fn from(values: Arc<Vec<T>>) -> Self {
        Self(Storage::Shared(values))
    }
}

impl<'a, T: Clone> From<Cow<'a, [T]>> for List<'a, T> {
    fn from(values: Cow<'a, [T]>) -> Self {
        match values {
            Cow::Borrowed(values) => values.into(),
            Cow::Owned(values) => values.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_indices() {
        let rows = Rows::from(&[[1, 2, 3], [4, 5, 6]]);
        assert_eq!(rows.shape(), [2, 3]);
        assert_eq!(rows.rows().collect::<Vec<_>>(), [[1, 2, 3], [4, 5, 6]]);
        assert_eq!(rows.column(1).copied().collect::<Vec<_>>(), [2, 5]);
        assert_eq!(rows[[1, 2]], 6);
        assert_eq!(rows, Rows::new(vec![1, 2, 3, 4, 5, 6], 3));
        assert_ne!(rows, Rows::new(vec![1, 2, 3, 4, 5, 6], 2));
        assert_eq!(rows.into_vec(), [1, 2, 3, 4, 5, 6]);
        let empty = Rows::<u8>::new(&[], 4);
        assert_eq!((empty.shape(), empty.rows().count()), ([0, 4], 0));
        assert_eq!(empty.column(3).count(), 0);
        assert_eq!(Rows::<u8>::new(&[], 0).rows().count(), 0);
    }

    #[test]
    #[should_panic(expected = "expected complete rows of 2 values")]
    fn an_incomplete_row_is_refused() {
        Rows::new(&[1, 2, 3], 2);
    }

    #[test]
    fn shared_values_are_not_copied() {
        let owned: Rows<'static, u8> = Rows::new(vec![1, 2], 1);
        let clone = owned.clone().into_owned();
        assert_eq!(clone.as_slice().as_ptr(), owned.as_slice().as_ptr());
        let pointer = owned.as_slice().as_ptr();
        drop(clone);
        let values = owned.into_vec();
        assert_eq!(values.as_ptr(), pointer);
    }
}
