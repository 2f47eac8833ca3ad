//! Tensors of a file, as numbers in double precision.

use crate::element::Element;
use crate::error::{Error, Result, shown};

/// A tensor of numbers, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    /// Name in the file.
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f64>,
    pub(crate) element: Element,
}

impl Tensor {
    /// The tensor for messages: `tensor fc1.weight`.
    pub(crate) fn place(&self) -> String {
        format!("tensor {}", shown(&self.name))
    }

    /// Checks that all numbers are finite as `f32`.
    pub(crate) fn check_finite(&self) -> Result<()> {
        let mut values = self.values.iter().enumerate();
        match values.find(|(_, value)| !(**value as f32).is_finite()) {
            None => Ok(()),
            Some((index, &value)) => Err(Error::NotFinite {
                tensor: self.place(),
                index,
                value,
            }),
        }
    }

    /// The only number of a tensor.
    pub(crate) fn single(&self) -> Option<f64> {
        match self.values[..] {
            [value] => Some(value),
            _ => None,
        }
    }

    /// The numbers of rows and columns of a matrix.
    pub(crate) fn matrix(&self) -> Option<[usize; 2]> {
        match self.shape[..] {
            [rows, columns] if rows > 0 && columns > 0 => Some([rows, columns]),
            _ => None,
        }
    }

    /// The tensor with its two dimensions exchanged.
    pub(crate) fn transposed(&self) -> Self {
        let [rows, columns] = self.matrix().unwrap_or([1, self.values.len()]);
        Self {
            shape: vec![columns, rows],
            values: transposed(&self.values, columns),
            ..self.clone()
        }
    }
}

/// Exchanges the rows and columns of a matrix with `n_columns` columns.
fn transposed(values: &[f64], n_columns: usize) -> Vec<f64> {
    let columns = (0..n_columns).flat_map(|column| values[column..].iter().step_by(n_columns));
    columns.copied().collect()
}

/// The number of elements of a shape, if it is not too large.
pub(crate) fn n_elements(shape: &[usize]) -> Option<usize> {
    shape
        .iter()
        .try_fold(1_usize, |n, &length| n.checked_mul(length))
}

/// A shape for messages: `[3, 4]`.
pub(crate) fn shape_text(shape: &[usize]) -> String {
    let lengths: Vec<String> = shape.iter().take(8).map(usize::to_string).collect();
    format!("[{}]", lengths.join(", "))
}
