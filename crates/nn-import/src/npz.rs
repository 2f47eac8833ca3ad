//! Reads the arrays of a NumPy archive.

use nn_columnar::{Elements, named_arrays};

use crate::element::Element;
use crate::error::{Error, Result, shown};
use crate::format::Format;
use crate::tensor::Tensor;

/// The arrays of an archive.
#[derive(Debug, Default)]
pub(crate) struct Arrays {
    /// Arrays of real numbers, in the order of the file.
    pub(crate) tensors: Vec<Tensor>,
    /// Names of the classes, from an array `classes` or `classes_`.
    pub(crate) class_names: Option<Vec<String>>,
    /// Names of arrays without real numbers.
    pub(crate) others: Vec<String>,
}

pub(crate) fn read(bytes: &[u8]) -> Result<Arrays> {
    let arrays = named_arrays(bytes).map_err(|error| Error::Damaged {
        format: Format::Npz,
        problem: match error {
            nn_columnar::Error::BadFile { reason, .. } => reason,
            error => error.to_string(),
        },
    })?;
    let mut read = Arrays::default();
    for array in arrays {
        let is_of_classes = ["classes", "classes_"].contains(&&*array.name);
        match array.elements {
            Elements::Texts(names) if is_of_classes => read.class_names = Some(names),
            Elements::Integers(numbers) if is_of_classes => {
                read.class_names = Some(numbers.iter().map(f64::to_string).collect());
            }
            Elements::Reals(values, length) => read.tensors.push(Tensor {
                element: match length {
                    2 => Element::F16,
                    4 => Element::F32,
                    _ => Element::F64,
                },
                name: array.name,
                shape: array.shape,
                values,
            }),
            _ => read.others.push(shown(&array.name)),
        }
    }
    Ok(read)
}
