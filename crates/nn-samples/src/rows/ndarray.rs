//! Conversions between ndarray's arrays and [`Rows`] or [`List`].
//!
//! A contiguous view in row-major order is borrowed; other views are copied.

use ndarray::{ArcArray2, Array1, Array2, ArrayView1, ArrayView2};

use super::{List, Rows};

impl<'a, T: Clone> From<ArrayView2<'a, T>> for Rows<'a, T> {
    fn from(view: ArrayView2<'a, T>) -> Self {
        let (n_rows, n_columns) = view.dim();
        let values = match view.to_slice() {
            Some(values) => values.into(),
            None => view.iter().cloned().collect::<Vec<T>>().into(),
        };
        Self {
            values,
            n_rows,
            n_columns,
        }
    }
}

impl<'a, T: Clone> From<&'a Array2<T>> for Rows<'a, T> {
    fn from(array: &'a Array2<T>) -> Self {
        array.view().into()
    }
}

impl<T: Clone> From<Array2<T>> for Rows<'_, T> {
    fn from(array: Array2<T>) -> Self {
        let (n_rows, n_columns) = array.dim();
        let values = if array.is_standard_layout() {
            let (mut values, offset) = array.into_raw_vec_and_offset();
            values.drain(..offset.unwrap_or(0));
            values.truncate(n_rows * n_columns);
            values
        } else {
            array.iter().cloned().collect()
        };
        Self {
            values: values.into(),
            n_rows,
            n_columns,
        }
    }
}

impl<T: Clone> From<ArcArray2<T>> for Rows<'_, T> {
    fn from(array: ArcArray2<T>) -> Self {
        array.into_owned().into()
    }
}

impl<'a, T> From<&'a Rows<'_, T>> for ArrayView2<'a, T> {
    fn from(rows: &'a Rows<'_, T>) -> Self {
        Self::from_shape(rows.shape(), rows.as_slice())
            .expect("the number of values matches the shape")
    }
}

impl<T: Clone> From<Rows<'_, T>> for Array2<T> {
    fn from(rows: Rows<'_, T>) -> Self {
        let shape = rows.shape();
        Self::from_shape_vec(shape, rows.into_vec())
            .expect("the number of values matches the shape")
    }
}

impl<'a, T: Clone> From<ArrayView1<'a, T>> for List<'a, T> {
    fn from(view: ArrayView1<'a, T>) -> Self {
        match view.to_slice() {
            Some(values) => values.into(),
            None => view.to_vec().into(),
        }
    }
}

impl<T: Clone> From<Array1<T>> for List<'_, T> {
    fn from(array: Array1<T>) -> Self {
        array.to_vec().into()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Axis, Slice, array};

    use super::*;

    #[test]
    fn rows_do_not_depend_on_the_memory_layout() {
        let array = array![[1, 2, 3], [4, 5, 6]];
        let expected = Rows::new(&[1, 2, 3, 4, 5, 6], 3);
        assert_eq!(Rows::from(array.view()), expected);
        assert_eq!(Rows::from(array.clone()), expected);
        assert_eq!(Rows::from(array.to_shared()), expected);
        let transposed = array.t().as_standard_layout().into_owned();
        assert_eq!(Rows::from(transposed.t()), expected);
        assert_eq!(Rows::from(transposed.reversed_axes()), expected);
        let part = Rows::from(array.slice_axis(Axis(1), Slice::from(1..)));
        assert_eq!(part, Rows::new(&[2, 3, 5, 6], 2));
        let mut sliced = array.clone();
        sliced.slice_axis_inplace(Axis(0), Slice::from(1..));
        assert_eq!(Rows::from(sliced), Rows::new(&[4, 5, 6], 3));
        assert_eq!(Rows::from(Array2::<u8>::zeros((2, 0))).shape(), [2, 0]);
    }

    #[test]
    fn rows_become_arrays() {
        let rows = Rows::new(&[1, 2, 3, 4], 2);
        assert_eq!(ArrayView2::from(&rows), array![[1, 2], [3, 4]]);
        assert_eq!(Array2::from(rows), array![[1, 2], [3, 4]]);
    }
}
