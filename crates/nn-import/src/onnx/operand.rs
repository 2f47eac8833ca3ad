//! The constant operands of nodes.

use super::dataflow::{Dataflow, Id, Node};
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Largest relative difference between constants that count as equal.
const TOLERANCE: f64 = 1e-4;

pub(super) fn is_near(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= TOLERANCE * expected.abs()
}

/// The only number of a constant.
pub(super) fn number(flow: &Dataflow<'_>, id: Option<Id>) -> Option<f64> {
    flow.numbers(id?)?.single()
}

/// A constant factor and the other factor.
pub(super) fn with_constant(flow: &Dataflow<'_>, node: &Node<'_>) -> Option<(f64, Id)> {
    let [a, b] = node.pair()?;
    match (number(flow, Some(a)), number(flow, Some(b))) {
        (None, Some(constant)) => Some((constant, a)),
        (Some(constant), None) => Some((constant, b)),
        _ => None,
    }
}

/// Returns an error unless a parameter of a node has the supported value.
pub(super) fn expect(
    node: &Node<'_>,
    what: &str,
    is_supported: bool,
    expected: &str,
) -> Result<()> {
    match is_supported {
        true => Ok(()),
        false => Err(Error::unsupported(
            node.place(),
            format!("{what}: supported is {expected}"),
        )),
    }
}

/// The numbers of a constant that applies to each row: all lengths but the last are 1.
pub(super) fn row<'t>(flow: &'t Dataflow<'_>, id: Id) -> Option<&'t Tensor> {
    let tensor = flow.numbers(id)?;
    let is_column = tensor.values.len() > 1 && tensor.shape.last() == Some(&1);
    let is_row = tensor.shape.len() < 2 || tensor.shape[0] == 1;
    (is_row && !is_column && !tensor.values.is_empty()).then_some(tensor)
}

/// The numbers of a constant row, which must be finite.
pub(super) fn list(
    flow: &Dataflow<'_>,
    node: &Node<'_>,
    index: usize,
    what: &str,
) -> Result<Vec<f64>> {
    let tensor = node.input(index).and_then(|id| row(flow, id));
    let tensor = tensor.ok_or_else(|| {
        Error::unsupported(node.place(), format!("{what}: expected a constant row"))
    })?;
    tensor.check_finite()?;
    Ok(tensor.values.clone())
}
