//! Arrays that are borrowed from the caller or shared: the storage of
//! [`Samples`](crate::Samples).
//!
//! A borrowed array costs nothing and keeps its lifetime `'a`; a shared one
//! is reference-counted, has any lifetime, also `'static`, and can be sent to
//! other threads. Cloning never copies the values.

use std::sync::Arc;

use ndarray::{ArcArray2, Array2, ArrayView2};
use nn_tensor::Scalar;
use nn_tensor::reduce::all_finite;

use crate::{Error, Result};

/// A matrix `[n_rows, n_columns]`, borrowed or shared.
///
/// ```
/// use nn_core::ndarray::array;
/// use nn_core::rows::Rows;
///
/// let matrix = array![[1.0_f32, 2.0], [3.0, 4.0]];
/// let borrowed = Rows::from(matrix.view());
/// let owned: Rows<'static, f32> = Rows::from(matrix.clone());
/// assert_eq!(borrowed.view(), owned.view());
/// ```
#[derive(Clone, Debug)]
pub struct Rows<'a, T>(Storage<ArrayView2<'a, T>, ArcArray2<T>>);

/// A list of values, borrowed or shared.
#[derive(Clone, Debug)]
pub struct List<'a, T>(Storage<&'a [T], Arc<[T]>>);

#[derive(Clone, Debug)]
enum Storage<B, O> {
    Borrowed(B),
    Shared(O),
}

impl<T> Rows<'_, T> {
    /// A view of the whole matrix.
    pub fn view(&self) -> ArrayView2<'_, T> {
        match &self.0 {
            Storage::Borrowed(values) => values.reborrow(),
            Storage::Shared(values) => values.view(),
        }
    }
}

impl<T: Clone> Rows<'_, T> {
    /// The same matrix without a borrow: copies the values if they are borrowed.
    pub fn into_owned(self) -> Rows<'static, T> {
        match self.0 {
            Storage::Borrowed(values) => values.to_owned().into(),
            Storage::Shared(values) => values.into(),
        }
    }
}

impl<T> List<'_, T> {
    /// All values.
    pub fn as_slice(&self) -> &[T] {
        match &self.0 {
            Storage::Borrowed(values) => values,
            Storage::Shared(values) => values,
        }
    }
}

impl<T: Clone> List<'_, T> {
    /// The same list without a borrow: copies the values if they are borrowed.
    pub fn into_owned(self) -> List<'static, T> {
        match self.0 {
            Storage::Borrowed(values) => values.to_vec().into(),
            Storage::Shared(values) => List(Storage::Shared(values)),
        }
    }
}

impl<'a, T> From<ArrayView2<'a, T>> for Rows<'a, T> {
    fn from(values: ArrayView2<'a, T>) -> Self {
        Self(Storage::Borrowed(values))
    }
}

impl<'a, T> From<&'a Array2<T>> for Rows<'a, T> {
    fn from(values: &'a Array2<T>) -> Self {
        values.view().into()
    }
}

impl<T: Clone> From<Array2<T>> for Rows<'_, T> {
    fn from(values: Array2<T>) -> Self {
        values.into_shared().into()
    }
}

impl<T> From<ArcArray2<T>> for Rows<'_, T> {
    fn from(values: ArcArray2<T>) -> Self {
        Self(Storage::Shared(values))
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

impl<T> From<Arc<[T]>> for List<'_, T> {
    fn from(values: Arc<[T]>) -> Self {
        Self(Storage::Shared(values))
    }
}

/// Whether all values are finite; `what` is what the error calls them.
pub(crate) fn check_finite<S: Scalar>(what: &'static str, values: ArrayView2<'_, S>) -> Result<()> {
    if values.as_slice().is_some_and(all_finite) {
        return Ok(());
    }
    match values.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((sample, column), value)) => Err(Error::NotFinite {
            what,
            sample,
            column,
            value: value.into_f64(),
        }),
        None => Ok(()),
    }
}
