//! Constants of a graph.

use super::messages::{ReadExternal, TensorMessage};
use crate::element::Element;
use crate::error::Result;
use crate::tensor::Tensor;

/// A constant.
#[derive(Debug)]
pub(super) enum Constant {
    Numbers(Tensor),
    Texts(Vec<String>),
}

impl Constant {
    /// Number of elements.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numbers(tensor) => tensor.values.len(),
            Self::Texts(texts) => texts.len(),
        }
    }

    pub(super) fn read(
        tensor: &TensorMessage<'_>,
        read_external: &ReadExternal<'_>,
    ) -> Result<Self> {
        match tensor.texts.is_empty() {
            true => Ok(Self::Numbers(tensor.decode(read_external)?)),
            false => Ok(Self::Texts(tensor.texts.clone())),
        }
    }

    /// A list of numbers in an attribute.
    pub(super) fn of_list(values: Vec<f64>, is_scalar: bool) -> Self {
        Self::Numbers(Tensor {
            name: String::new(),
            shape: if is_scalar {
                vec![]
            } else {
                vec![values.len()]
            },
            values,
            element: Element::F32,
        })
    }
}
