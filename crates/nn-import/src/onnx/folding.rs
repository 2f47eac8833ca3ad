//! Computes nodes whose inputs are constants, such as a transposed weight matrix.

use super::constant::Constant;
use super::messages::{NodeMessage, ReadExternal};
use crate::error::{Error, Result};
use crate::tensor::{Tensor, n_elements};

/// The value of a node `Constant`.
pub(super) fn constant(
    node: &NodeMessage<'_>,
    read_external: &ReadExternal<'_>,
) -> Result<Constant> {
    let attribute = |name: &str| node.attributes.get(name);
    if let Some(tensor) = attribute("value").and_then(|it| it.tensor.as_ref()) {
        return Constant::read(tensor, read_external);
    }
    let float = attribute("value_float").and_then(|it| it.float);
    let integer = attribute("value_int").and_then(|it| it.integer);
    if let Some(number) = float.map(f64::from).or(integer.map(|it| it as f64)) {
        return Ok(Constant::of_list(vec![number], true));
    }
    if let Some(list) = attribute("value_floats") {
        return Ok(Constant::of_list(list.floats.clone(), false));
    }
    if let Some(list) = attribute("value_ints") {
        let numbers = list.integers.iter().map(|&it| it as f64).collect();
        return Ok(Constant::of_list(numbers, false));
    }
    if let Some(list) = attribute("value_strings") {
        return Ok(Constant::Texts(list.texts.clone()));
    }
    Err(Error::unsupported(
        node.place(),
        "expected a tensor of numbers or text",
    ))
}

/// The output of a node with constant inputs; `None` for operators that are not computed here.
pub(super) fn fold(node: &NodeMessage<'_>, inputs: &[&Tensor]) -> Option<Tensor> {
    let (&x, rest) = inputs.split_first()?;
    match (node.operator.as_str(), rest) {
        ("Identity" | "Cast", []) => Some(x.clone()),
        ("Transpose", []) => transpose(node, x),
        ("Reshape", [shape]) => reshape(x, &shape.values),
        ("Squeeze" | "Flatten", _) => Some(as_list(x)),
        ("Unsqueeze", _) => Some(as_list(x)),
        ("Neg", []) => Some(mapped(x, |x| -x)),
        ("Sqrt", []) => Some(mapped(x, f64::sqrt)),
        ("Reciprocal", []) => Some(mapped(x, |x| 1.0 / x)),
        ("Add", [y]) => elementwise(x, y, |x, y| x + y),
        ("Sub", [y]) => elementwise(x, y, |x, y| x - y),
        ("Mul", [y]) => elementwise(x, y, |x, y| x * y),
        ("Div", [y]) => elementwise(x, y, |x, y| x / y),
        ("Pow", [y]) => elementwise(x, y, f64::powf),
        _ => None,
    }
}

fn mapped(x: &Tensor, function: impl Fn(f64) -> f64) -> Tensor {
    Tensor {
        values: x.values.iter().map(|&x| function(x)).collect(),
        ..x.clone()
    }
}

/// The elements as one row, unless they are a matrix.
fn as_list(x: &Tensor) -> Tensor {
    let is_matrix = x.shape.iter().filter(|&&length| length > 1).count() > 1;
    let shape = match is_matrix {
        true => x
            .shape
            .iter()
            .copied()
            .filter(|&length| length > 1)
            .collect(),
        false => vec![x.values.len()],
    };
    Tensor { shape, ..x.clone() }
}

fn transpose(node: &NodeMessage<'_>, x: &Tensor) -> Option<Tensor> {
    let order = node.attributes.get("perm").map(|it| &it.integers[..]);
    match order {
        None | Some([1, 0]) if x.matrix().is_some() => Some(x.transposed()),
        None if x.shape.len() < 2 => Some(x.clone()),
        _ => None,
    }
}

/// The elements in a shape in which one length may be −1.
fn reshape(x: &Tensor, shape: &[f64]) -> Option<Tensor> {
    let is_open = |length: &&f64| **length == -1.0;
    let known: Vec<usize> = shape
        .iter()
        .filter(|length| **length > 0.0)
        .map(|&length| length as usize)
        .collect();
    let known_elements = n_elements(&known).filter(|&n| n > 0)?;
    let n_open = shape.iter().filter(is_open).count();
    if known.len() + n_open != shape.len() || n_open > 1 {
        return None;
    }
    let open = x.values.len() / known_elements;
    let length = |&length: &f64| {
        if length == -1.0 {
            open
        } else {
            length as usize
        }
    };
    let shape: Vec<usize> = shape.iter().map(length).collect();
    (n_elements(&shape) == Some(x.values.len())).then(|| Tensor { shape, ..x.clone() })
}

/// Combines two tensors of the same shape, or a tensor with a number.
fn elementwise(x: &Tensor, y: &Tensor, function: impl Fn(f64, f64) -> f64) -> Option<Tensor> {
    let pairs = |x: &Tensor, values: Vec<f64>| {
        Some(Tensor {
            values,
            ..x.clone()
        })
    };
    match (x.single(), y.single()) {
        (_, Some(y)) => Some(mapped(x, |x| function(x, y))),
        (Some(x), _) => Some(mapped(y, |y| function(x, y))),
        _ if x.shape == y.shape => {
            let values = x.values.iter().zip(&y.values);
            pairs(x, values.map(|(&x, &y)| function(x, y)).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::Element;

    fn tensor(shape: &[usize], values: &[f64]) -> Tensor {
        Tensor {
            name: String::new(),
            shape: shape.to_vec(),
            values: values.to_vec(),
            element: Element::F32,
        }
    }

    #[test]
    fn constants_are_folded() {
        let node = |operator: &str| NodeMessage {
            operator: operator.to_owned(),
            ..NodeMessage::default()
        };
        let x = tensor(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let found = fold(&node("Transpose"), &[&x]).unwrap();
        assert_eq!(found, tensor(&[3, 2], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
        let found = fold(&node("Reshape"), &[&x, &tensor(&[2], &[-1.0, 2.0])]).unwrap();
        assert_eq!(found.shape, [3, 2]);
        assert_eq!(fold(&node("Reshape"), &[&x, &tensor(&[1], &[5.0])]), None);
        let row = tensor(&[1, 2], &[4.0, 9.0]);
        assert_eq!(fold(&node("Sqrt"), &[&row]).unwrap().values, [2.0, 3.0]);
        let sum = fold(&node("Add"), &[&row, &tensor(&[], &[0.5])]).unwrap();
        assert_eq!(sum, tensor(&[1, 2], &[4.5, 9.5]));
        assert_eq!(fold(&node("Add"), &[&row, &x]), None);
        assert_eq!(fold(&node("Einsum"), &[&row]), None);
    }
}
