//! Recognizes the steps of a network in a graph, from its output to its input.
//!
//! A step is one node, an activation function, an embedding, or several nodes that exporters
//! write for one function:
//!
//! | function | nodes |
//! |---|---|
//! | missing values | `Where(IsNaN(x), constants, x)` |
//! | layer normalization | `c/Sqrt(ReduceMean(c²) + ε)` with `c = x − ReduceMean(x)` |
//! | parametric activation | `x + α·(φ(x) − x)` |
//! | residual connection | `x + y`, with an earlier value y |

use nn_core::Activation;
use nn_core::stage::layer_norm;

use super::activation::{activation, activation_of};
use super::dataflow::{Dataflow, Id, Node};
use super::embedding::embedding;
use super::members;
use super::operand::{expect, is_near, list, number, row, with_constant};
use crate::error::{Error, Result};
use crate::step::{Affine, BatchNorm, Dense, Step, StepKind};
use crate::tensor::{Tensor, shape_text};

/// Operators that can be imported, for error messages.
const SUPPORTED: &str = "supported are Gemm, MatMul, Add, Sub, Mul, Div, BatchNormalization, \
     LayerNormalization, Flatten, Reshape, Dropout, Scaler, the activation functions of \
     `nn help activations`, and embeddings and members as `nn export` writes them";

/// A step and the value that it reads.
type Found = (StepKind, Id);

/// Limits the steps of all networks of a file, so that nodes and constants that many networks
/// share exhaust neither the time nor the memory.
#[derive(Debug, Default)]
pub(super) struct Budget {
    n_steps: usize,
    /// Number of parameters of all steps.
    n_copied: usize,
}

impl Budget {
    fn spend(&mut self, flow: &Dataflow<'_>, kind: &StepKind, node: &Node<'_>) -> Result<()> {
        /// The networks of an ensemble share few steps, and have others of their own.
        const MAX_USES: usize = 4;
        self.n_steps += 1;
        self.n_copied = self.n_copied.saturating_add(kind.n_shared());
        flow.check_copied(self.n_copied, &node.place())?;
        match self.n_steps <= MAX_USES * flow.nodes().len() {
            true => Ok(()),
            false => Err(Error::unsupported(
                node.place(),
                "the networks of the file share too many nodes",
            )),
        }
    }
}

/// The steps from an input of the graph, or from the value `start`, to `output`, and the value
/// that the first step reads.
pub(super) fn steps(
    flow: &Dataflow<'_>,
    output: Id,
    start: Option<Id>,
    budget: &mut Budget,
) -> Result<(Vec<Step>, Id)> {
    let start = start.map(|id| flow.source(id));
    let mut id = flow.source(output);
    let mut steps = Vec::new();
    while Some(id) != start && !flow.is_input(id) {
        let node = flow.node(id).ok_or_else(|| {
            Error::unsupported(
                "the outputs",
                "depend on a constant or on a second output of a node",
            )
        })?;
        let (kind, input) = last_step(flow, id, node)?;
        budget.spend(flow, &kind, node)?;
        steps.push(Step {
            kind,
            place: node.place(),
            input,
            output: id,
        });
        id = input;
    }
    steps.reverse();
    Ok((steps, id))
}

/// The step that computes a value.
fn last_step(flow: &Dataflow<'_>, id: Id, node: &Node<'_>) -> Result<Found> {
    if !["", "ai.onnx", "ai.onnx.ml"].contains(&&*node.message.domain) {
        let domain = &node.message.domain;
        return Err(Error::unsupported(
            node.place(),
            format!(
                "the domain {} is not supported",
                crate::error::shown(domain)
            ),
        ));
    }
    if let Some((stage, input)) = embedding(flow, id) {
        return Ok((StepKind::Input(stage), input));
    }
    if let Some(found) = members::heads(flow, id) {
        return Ok(found);
    }
    if let Some((activation, input)) = activation(flow, id)? {
        return Ok((StepKind::Activation(activation), input));
    }
    let found = match node.message.operator.as_str() {
        "Gemm" => gemm(flow, node)?,
        "MatMul" => matrix_product(flow, node)?,
        "BatchNormalization" => batch_norm(flow, node)?,
        "LayerNormalization" => layer_normalization(flow, node)?,
        "PRelu" => parametric_relu(flow, node),
        "Scaler" => scaler(flow, node),
        "Neg" => node.input(0).map(|x| (scaled(-1.0), flow.source(x))),
        "Div" => written_layer_norm(flow, node)?.or_else(|| affine(flow, node)),
        "Add" => affine(flow, node)
            .or_else(|| mixed(flow, node))
            .or_else(|| residual(flow, node)),
        "Sub" => affine(flow, node),
        "Where" => fill_missing(flow, node),
        "Mul" => members::members(flow, node).or_else(|| affine(flow, node)),
        "ReduceMean" => members::mean(flow, node),
        _ => None,
    };
    found.ok_or_else(|| Error::unsupported(node.place(), format!("not supported; {SUPPORTED}")))
}

/// The dense layer of a weight matrix and a bias.
fn dense(
    node: &Node<'_>,
    weights: &Tensor,
    is_transposed: bool,
    factor: f64,
    bias: Option<Vec<f64>>,
) -> Result<StepKind> {
    weights.check_finite()?;
    let transposed = is_transposed.then(|| weights.transposed());
    let weights = transposed.as_ref().unwrap_or(weights);
    let [n_inputs, n_outputs] = weights.matrix().ok_or_else(|| {
        let shape = shape_text(&weights.shape);
        Error::unsupported(
            node.place(),
            format!("expected a weight matrix, found shape {shape}"),
        )
    })?;
    let bias = bias.unwrap_or_else(|| vec![0.0]);
    if bias.len() != 1 && bias.len() != n_outputs {
        return Err(Error::chain(format!(
            "{}: expected a bias of {n_outputs} numbers, found {}",
            node.place(),
            bias.len()
        )));
    }
    Ok(StepKind::Dense(Dense {
        weights: weights
            .values
            .iter()
            .map(|weight| factor * weight)
            .collect(),
        bias: crate::step::expanded(&bias, n_outputs),
        n_inputs,
        n_members: 1,
    }))
}

/// `alpha·x·W + beta·b`
fn gemm(flow: &Dataflow<'_>, node: &Node<'_>) -> Result<Option<Found>> {
    let (Some(x), Some(weights)) = (node.input(0), node.input(1)) else {
        return Ok(None);
    };
    expect(node, "transA", node.integer("transA", 0) == 0, "0")?;
    let weights = constant_weights(flow, node, weights)?;
    let beta = node.float("beta", 1.0);
    let bias = match node.input(2) {
        None => None,
        Some(_) => Some(list(flow, node, 2, "the bias")?),
    };
    let bias = bias.map(|bias| bias.iter().map(|b| beta * b).collect());
    let is_transposed = node.integer("transB", 0) != 0;
    let dense = dense(node, weights, is_transposed, node.float("alpha", 1.0), bias)?;
    Ok(Some((dense, flow.source(x))))
}

/// `x·W`
fn matrix_product(flow: &Dataflow<'_>, node: &Node<'_>) -> Result<Option<Found>> {
    let Some([x, weights]) = node.pair() else {
        return Ok(None);
    };
    let weights = constant_weights(flow, node, weights)?;
    let dense = dense(node, weights, false, 1.0, None)?;
    Ok(Some((dense, flow.source(x))))
}

fn constant_weights<'t>(
    flow: &'t Dataflow<'_>,
    node: &Node<'_>,
    weights: Id,
) -> Result<&'t Tensor> {
    let found = flow.numbers(weights);
    found.ok_or_else(|| {
        Error::unsupported(
            node.place(),
            "expected the values times a constant weight matrix",
        )
    })
}

fn scaled(factor: f64) -> StepKind {
    StepKind::Affine(Affine {
        scale: vec![factor],
        shift: vec![0.0],
    })
}

/// Add, Sub, Mul or Div with a constant row.
fn affine(flow: &Dataflow<'_>, node: &Node<'_>) -> Option<Found> {
    let [a, b] = node.pair()?;
    let (x, constant, is_reversed) = match (row(flow, a), row(flow, b)) {
        (None, Some(constant)) => (a, constant, false),
        (Some(constant), None) => (b, constant, true),
        _ => return None,
    };
    if !constant.values.iter().all(|value| value.is_finite()) {
        return None;
    }
    let each = |function: fn(f64) -> f64| constant.values.iter().map(|&c| function(c)).collect();
    let (scale, shift) = match (node.message.operator.as_str(), is_reversed) {
        ("Add", _) => (vec![1.0], each(|c| c)),
        ("Sub", false) => (vec![1.0], each(|c| -c)),
        ("Sub", true) => (vec![-1.0], each(|c| c)),
        ("Mul", _) => (each(|c| c), vec![0.0]),
        ("Div", false) => (each(|c| 1.0 / c), vec![0.0]),
        _ => return None,
    };
    Some((StepKind::Affine(Affine { scale, shift }), flow.source(x)))
}

/// `Where(IsNaN(x), constants, x)`
fn fill_missing(flow: &Dataflow<'_>, node: &Node<'_>) -> Option<Found> {
    let is_missing = flow.operation(flow.source(node.input(0)?), "IsNaN")?;
    let constants = row(flow, node.input(1)?)?;
    let x = flow.source(node.input(2)?);
    let is_filled = flow.source(is_missing.input(0)?) == x;
    is_filled.then(|| (StepKind::FillMissing(constants.values.clone()), x))
}

/// `(x − offset)·scale`, an operator of ai.onnx.ml.
fn scaler(flow: &Dataflow<'_>, node: &Node<'_>) -> Option<Found> {
    let list = |name: &str, default: f64| match node.attribute(name) {
        Some(attribute) if !attribute.floats.is_empty() => attribute.floats.clone(),
        _ => vec![default],
    };
    let (offset, scale) = (list("offset", 0.0), list("scale", 1.0));
    if offset.len() != scale.len() && offset.len().min(scale.len()) != 1 {
        return None;
    }
    let subtract = Affine {
        scale: vec![1.0],
        shift: offset.iter().map(|offset| -offset).collect(),
    };
    let multiply = Affine {
        scale,
        shift: vec![0.0],
    };
    let x = flow.source(node.input(0)?);
    Some((StepKind::Affine(subtract.then(&multiply)), x))
}

/// Slope·x for negative x is `x + α·(relu(x) − x)` with α = 1 − slope.
fn parametric_relu(flow: &Dataflow<'_>, node: &Node<'_>) -> Option<Found> {
    let [x, slope] = node.pair()?;
    let slope = row(flow, slope)?;
    let alpha = slope.values.iter().map(|slope| 1.0 - slope).collect();
    let activation = Activation::Relu;
    Some((StepKind::Parametric { activation, alpha }, flow.source(x)))
}

fn batch_norm(flow: &Dataflow<'_>, node: &Node<'_>) -> Result<Option<Found>> {
    let norm = BatchNorm {
        gamma: list(flow, node, 1, "the scale")?,
        beta: list(flow, node, 2, "the shift")?,
        mean: list(flow, node, 3, "the mean")?,
        variance: list(flow, node, 4, "the variance")?,
        epsilon: node.float("epsilon", 1e-5),
    };
    let lengths = [&norm.beta, &norm.mean, &norm.variance].map(|list| list.len());
    let is_even = lengths.iter().all(|&length| length == norm.gamma.len());
    expect(node, "the constants", is_even, "lists of equal lengths")?;
    let x = node.input(0).map(|x| flow.source(x));
    Ok(x.map(|x| (StepKind::BatchNorm(norm), x)))
}

/// The operator of opset 17.
fn layer_normalization(flow: &Dataflow<'_>, node: &Node<'_>) -> Result<Option<Found>> {
    expect_epsilon(node, node.float("epsilon", 1e-5))?;
    let axis = node.integer("axis", -1);
    expect(node, "axis", [1, -1].contains(&axis), "the last axis")?;
    let gamma = list(flow, node, 1, "the scale")?;
    let beta = match node.input(2) {
        Some(_) => list(flow, node, 2, "the shift")?,
        None => vec![0.0],
    };
    let is_even = gamma.len() == beta.len() || gamma.len().min(beta.len()) == 1;
    expect(node, "scale and shift", is_even, "lists of equal lengths")?;
    let x = node.input(0).map(|x| flow.source(x));
    Ok(x.map(|x| (StepKind::LayerNorm { gamma, beta }, x)))
}

fn expect_epsilon(node: &Node<'_>, epsilon: f64) -> Result<()> {
    let expected = format!("{:e}, found {epsilon:e}", layer_norm::EPSILON);
    expect(
        node,
        "epsilon",
        is_near(epsilon, layer_norm::EPSILON),
        &expected,
    )
}

/// `c/Sqrt(ReduceMean(c²) + ε)` with `c = x − ReduceMean(x)`.
fn written_layer_norm(flow: &Dataflow<'_>, node: &Node<'_>) -> Result<Option<Found>> {
    let Some((x, epsilon)) = centered_input(flow, node) else {
        return Ok(None);
    };
    expect_epsilon(node, epsilon)?;
    let (gamma, beta) = (vec![1.0], vec![0.0]);
    Ok(Some((StepKind::LayerNorm { gamma, beta }, x)))
}

/// The value x and ε of a layer normalization that is written out.
fn centered_input(flow: &Dataflow<'_>, node: &Node<'_>) -> Option<(Id, f64)> {
    let [centered, std] = node.pair()?.map(|id| flow.source(id));
    let variance = flow.operation(std, "Sqrt")?.input(0)?;
    let variance = flow.operation(flow.source(variance), "Add")?;
    let (epsilon, mean) = with_constant(flow, variance)?;
    let squares = mean_of(flow, mean)?;
    let squares = flow.node(squares)?;
    let [a, b] = squares.pair()?;
    let is_square = flow.source(a) == centered
        && match squares.message.operator.as_str() {
            "Mul" => flow.source(b) == centered,
            "Pow" => number(flow, Some(b)) == Some(2.0),
            _ => false,
        };
    let [x, mean] = flow.operation(centered, "Sub")?.pair()?;
    let x = flow.source(x);
    (is_square && mean_of(flow, mean)? == x).then_some((x, epsilon))
}

/// The value whose mean over the columns a value is.
fn mean_of(flow: &Dataflow<'_>, id: Id) -> Option<Id> {
    let node = flow.operation(flow.source(id), "ReduceMean")?;
    let axes = node.attribute("axes").map(|it| it.integers.clone());
    let listed = node.input(1).and_then(|id| flow.numbers(id));
    let listed = listed.map(|axes| axes.values.iter().map(|&axis| axis as i64).collect());
    let axes: Vec<i64> = axes.or(listed)?;
    let keeps_axis = node.integer("keepdims", 1) == 1;
    let is_of_columns = keeps_axis && (axes == [1] || axes == [-1]);
    is_of_columns.then_some(flow.source(node.input(0)?))
}

/// `x + α·(φ(x) − x)`
fn mixed(flow: &Dataflow<'_>, node: &Node<'_>) -> Option<Found> {
    let [a, b] = node.pair()?.map(|id| flow.source(id));
    [(a, b), (b, a)].into_iter().find_map(|(x, step)| {
        let (alpha, difference) = match flow.operation(step, "Mul").and_then(Node::pair) {
            None => (vec![1.0], step),
            Some([a, b]) => match (row(flow, a), row(flow, b)) {
                (None, Some(alpha)) => (alpha.values.clone(), flow.source(a)),
                (Some(alpha), None) => (alpha.values.clone(), flow.source(b)),
                _ => return None,
            },
        };
        let [activated, subtracted] = flow.operation(difference, "Sub")?.pair()?;
        let (activation, input) = activation_of(flow, activated)?;
        let is_mix = flow.source(subtracted) == x && input == x;
        is_mix.then_some((StepKind::Parametric { activation, alpha }, x))
    })
}

/// The sum of two values that are not constant; the earlier one is added to the later one.
fn residual(flow: &Dataflow<'_>, node: &Node<'_>) -> Option<Found> {
    let [a, b] = node.pair()?.map(|id| flow.source(id));
    let source = a.min(b);
    (a != b).then_some((StepKind::Residual { source }, a.max(b)))
}

/// The probability p of the second class, if a value is `(1 − p, p)`.
pub(super) fn both_classes(flow: &Dataflow<'_>, id: Id) -> Option<Id> {
    let [first, second] = flow.operation(flow.source(id), "Concat")?.pair()?;
    let [first, second] = [first, second].map(|id| flow.source(id));
    // 1 − p is written as 1 − p, or as −1·p + 1.
    let complement = Affine {
        scale: vec![-1.0],
        shift: vec![1.0],
    };
    let mut found = Affine::identity();
    let mut id = first;
    while id != second {
        let node = flow.node(id)?;
        let (StepKind::Affine(step), input) = affine(flow, node)? else {
            return None;
        };
        if step.width() > 1 {
            return None;
        }
        found = step.then(&found);
        id = input;
    }
    (found == complement).then_some(second)
}
