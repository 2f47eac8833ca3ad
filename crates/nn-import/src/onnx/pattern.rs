//! Recognizes the steps of a network in a graph, from its output to its input.
//!
//! A step is one node, or several nodes that exporters write for one function:
//!
//! | function | nodes |
//! |---|---|
//! | swish | `x·Sigmoid(x)` |
//! | mish | `x·Tanh(Softplus(x))` |
//! | gelu | the product of x, ½ and `1 + Erf(x/√2)`, in any order |
//! | selu | `λ·Elu(x)` with the α of SELU |
//! | softplus | `Where(x > threshold, x, Softplus(x))` |
//! | layer normalization | `c/Sqrt(ReduceMean(c²) + ε)` with `c = x − ReduceMean(x)` |
//! | parametric activation | `x + α·(φ(x) − x)` |
//! | residual connection | `x + y`, with an earlier value y |

use nn_core::Activation;
use nn_core::stage::layer_norm;

use super::dataflow::{Dataflow, Id, Node};
use crate::error::{Error, Result};
use crate::step::{Affine, BatchNorm, Dense, Step, StepKind};
use crate::tensor::{Tensor, shape_text};

/// Operators that can be imported, for error messages.
const SUPPORTED: &str = "supported are Gemm, MatMul, Add, Sub, Mul, Div, BatchNormalization, \
     LayerNormalization, Flatten, Reshape, Dropout, Scaler and the activation functions of \
     `nn help activations`";

/// α and λ of SELU.
const SELU: [f64; 2] = [1.673_263_242, 1.050_700_987];

/// Largest relative difference between constants that count as equal.
const TOLERANCE: f64 = 1e-4;

/// A step and the value that it reads.
type Found = (StepKind, Id);

/// The steps from an input of the graph, or from the value `start`, to `output`, and the value
/// that the first step reads.
pub(super) fn steps(flow: &Dataflow<'_>, output: Id, start: Option<Id>) -> Result<(Vec<Step>, Id)> {
    let start = start.map(|id| flow.source(id));
    let mut id = flow.source(output);
    let mut steps = Vec::new();
    let mut n_copied = 0_usize;
    while Some(id) != start && !flow.is_input(id) {
        let node = flow.node(id).ok_or_else(|| {
            Error::unsupported(
                "the outputs",
                "depend on a constant or on a second output of a node",
            )
        })?;
        let (kind, input) = last_step(flow, id, node)?;
        if let StepKind::Dense(dense) = &kind {
            n_copied = n_copied.saturating_add(dense.weights.len());
            flow.check_copied(n_copied, &node.place())?;
        }
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
        "Sub" | "Mul" => affine(flow, node),
        _ => None,
    };
    found.ok_or_else(|| Error::unsupported(node.place(), format!("not supported; {SUPPORTED}")))
}

fn is_near(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= TOLERANCE * expected.abs()
}

/// The only number of a constant.
fn number(flow: &Dataflow<'_>, id: Option<Id>) -> Option<f64> {
    flow.numbers(id?)?.single()
}

/// A constant factor and the other factor.
fn with_constant(flow: &Dataflow<'_>, node: &Node<'_>) -> Option<(f64, Id)> {
    let [a, b] = node.pair()?;
    match (number(flow, Some(a)), number(flow, Some(b))) {
        (None, Some(constant)) => Some((constant, a)),
        (Some(constant), None) => Some((constant, b)),
        _ => None,
    }
}

/// The activation function that computes a value, and the value that it reads.
fn activation(flow: &Dataflow<'_>, id: Id) -> Result<Option<(Activation, Id)>> {
    let Some(node) = flow.node(id) else {
        return Ok(None);
    };
    let x = node.input(0).map(|x| flow.source(x));
    let of_x = |activation: Activation| Ok(x.map(|x| (activation, x)));
    match node.message.operator.as_str() {
        "Relu" => of_x(Activation::Relu),
        "Sigmoid" => of_x(Activation::Sigmoid),
        "Tanh" => of_x(Activation::Tanh),
        "Softplus" => of_x(Activation::Softplus),
        "Mish" => of_x(Activation::Mish),
        "Softmax" | "LogSoftmax" => {
            let axis = node.integer("axis", -1);
            expect(node, "axis", [1, -1].contains(&axis), "the last axis")?;
            of_x(Activation::Softmax)
        }
        "LeakyRelu" => of_x(Activation::LeakyRelu {
            slope: node.float("alpha", 0.01),
        }),
        "Elu" => of_x(Activation::Elu {
            alpha: node.float("alpha", 1.0),
        }),
        "Celu" => {
            expect(node, "alpha", node.float("alpha", 1.0) == 1.0, "1")?;
            of_x(Activation::Elu { alpha: 1.0 })
        }
        "Selu" => {
            let found = [node.float("alpha", SELU[0]), node.float("gamma", SELU[1])];
            let is_usual = is_near(found[0], SELU[0]) && is_near(found[1], SELU[1]);
            expect(node, "alpha and gamma", is_usual, "the usual ones")?;
            of_x(Activation::Selu)
        }
        "HardSigmoid" => {
            let is_ours =
                is_near(node.float("alpha", 0.2), 1.0 / 6.0) && node.float("beta", 0.5) == 0.5;
            expect(node, "alpha and beta", is_ours, "1/6 and 0.5")?;
            of_x(Activation::HardSigmoid)
        }
        "Gelu" => {
            let form = node
                .attribute("approximate")
                .and_then(|it| it.text.as_deref());
            let is_exact = form.is_none_or(|form| form == "none" || form.is_empty());
            expect(node, "approximate", is_exact, "none")?;
            of_x(Activation::Gelu)
        }
        "Swish" => {
            expect(node, "alpha", node.float("alpha", 1.0) == 1.0, "1")?;
            of_x(Activation::Swish)
        }
        "Clip" => clip(flow, node),
        "Mul" => Ok(product(flow, node).or_else(|| gelu(flow, id))),
        "Div" => Ok(gelu(flow, id)),
        "Where" => Ok(where_softplus(flow, node)),
        _ => Ok(None),
    }
}

/// Returns an error unless a parameter of a node has the supported value.
fn expect(node: &Node<'_>, what: &str, is_supported: bool, expected: &str) -> Result<()> {
    match is_supported {
        true => Ok(()),
        false => Err(Error::unsupported(
            node.place(),
            format!("{what}: supported is {expected}"),
        )),
    }
}

/// `Clip` to −1..1 is hard tanh, and to 0..∞ relu.
fn clip(flow: &Dataflow<'_>, node: &Node<'_>) -> Result<Option<(Activation, Id)>> {
    let limit = |index: usize, name: &str, open: f64| {
        number(flow, node.input(index)).unwrap_or(node.float(name, open))
    };
    let low = limit(1, "min", f64::NEG_INFINITY);
    let high = limit(2, "max", f64::INFINITY);
    let activation = match (low, high) {
        (-1.0, 1.0) => Activation::HardTanh,
        (0.0, high) if high > f64::from(f32::MAX) / 2.0 => Activation::Relu,
        _ => {
            let expected = format!("-1 to 1 or 0 to infinity, found {low} to {high}");
            return expect(node, "the limits", false, &expected).map(|()| None);
        }
    };
    Ok(node.input(0).map(|x| (activation, flow.source(x))))
}

/// Swish, mish, gelu or selu as a product.
fn product(flow: &Dataflow<'_>, node: &Node<'_>) -> Option<(Activation, Id)> {
    let [a, b] = node.pair()?.map(|id| flow.source(id));
    for (x, factor) in [(a, b), (b, a)] {
        let reads_x = |id: Option<Id>| id.is_some_and(|id| flow.source(id) == x);
        if let Some(sigmoid) = flow.operation(factor, "Sigmoid")
            && reads_x(sigmoid.input(0))
        {
            return Some((Activation::Swish, x));
        }
        if let Some(tanh) = flow.operation(factor, "Tanh")
            && let Some(softplus) = activation_of(flow, tanh.input(0)?)
            && softplus == (Activation::Softplus, x)
        {
            return Some((Activation::Mish, x));
        }
    }
    if let Some((factor, elu)) = with_constant(flow, node)
        && let Some(elu) = flow.operation(flow.source(elu), "Elu")
        && is_near(factor, SELU[1])
        && is_near(elu.float("alpha", 1.0), SELU[0])
    {
        return Some((Activation::Selu, flow.source(elu.input(0)?)));
    }
    None
}

/// The activation function that computes a value, if it is supported.
fn activation_of(flow: &Dataflow<'_>, id: Id) -> Option<(Activation, Id)> {
    activation(flow, flow.source(id)).ok().flatten()
}

/// A product of x, constants, and `1 + Erf(x/√2)`.
#[derive(Clone, Copy)]
struct Factors {
    constant: f64,
    /// How often x is a factor.
    n_x: usize,
    /// How often `1 + Erf(x/√2)` is a factor.
    n_erf: usize,
}

/// `½·x·(1 + Erf(x/√2))`, in any order.
fn gelu(flow: &Dataflow<'_>, id: Id) -> Option<(Activation, Id)> {
    let x = erf_input(flow, id, 0)?;
    let factors = factors(flow, id, x, 0)?;
    let is_gelu = factors.n_x == 1 && factors.n_erf == 1 && is_near(factors.constant, 0.5);
    is_gelu.then_some((Activation::Gelu, x))
}

/// Largest depth of the nodes of a gelu.
const MAX_DEPTH: usize = 4;

/// The value x of `Erf(x/√2)` in a product.
fn erf_input(flow: &Dataflow<'_>, id: Id, depth: usize) -> Option<Id> {
    let id = flow.source(id);
    let node = flow.node(id)?;
    match node.message.operator.as_str() {
        "Add" => erf_of(flow, id),
        "Mul" | "Div" if depth < MAX_DEPTH => {
            let inputs = node.pair()?;
            inputs
                .iter()
                .find_map(|&input| erf_input(flow, input, depth + 1))
        }
        _ => None,
    }
}

/// The value x of `1 + Erf(x/√2)`.
fn erf_of(flow: &Dataflow<'_>, id: Id) -> Option<Id> {
    let (one, erf) = with_constant(flow, flow.operation(id, "Add")?)?;
    let erf = flow.operation(flow.source(erf), "Erf")?;
    let scaled = flow.source(erf.input(0)?);
    let x = match (flow.operation(scaled, "Mul"), flow.operation(scaled, "Div")) {
        (Some(node), _) => {
            let (factor, x) = with_constant(flow, node)?;
            is_near(factor, std::f64::consts::FRAC_1_SQRT_2).then_some(x)?
        }
        (_, Some(node)) => {
            let [x, divisor] = node.pair()?;
            is_near(number(flow, Some(divisor))?, std::f64::consts::SQRT_2).then_some(x)?
        }
        _ => return None,
    };
    (one == 1.0).then(|| flow.source(x))
}

fn factors(flow: &Dataflow<'_>, id: Id, x: Id, depth: usize) -> Option<Factors> {
    let id = flow.source(id);
    let of = |constant, n_x, n_erf| {
        Some(Factors {
            constant,
            n_x,
            n_erf,
        })
    };
    if id == x {
        return of(1.0, 1, 0);
    }
    if let Some(constant) = number(flow, Some(id)) {
        return of(constant, 0, 0);
    }
    if erf_of(flow, id) == Some(x) {
        return of(1.0, 0, 1);
    }
    let node = flow.node(id).filter(|_| depth < MAX_DEPTH)?;
    let [a, b] = node.pair()?;
    let a = factors(flow, a, x, depth + 1)?;
    let b = factors(flow, b, x, depth + 1)?;
    match node.message.operator.as_str() {
        "Mul" => of(a.constant * b.constant, a.n_x + b.n_x, a.n_erf + b.n_erf),
        "Div" if b.n_x + b.n_erf == 0 => of(a.constant / b.constant, a.n_x, a.n_erf),
        _ => None,
    }
}

/// `Where(x > threshold, x, Softplus(x))`: softplus without an overflow of the exponential.
fn where_softplus(flow: &Dataflow<'_>, node: &Node<'_>) -> Option<(Activation, Id)> {
    /// From this number on, ln(1 + eˣ) is x in single precision.
    const MIN_THRESHOLD: f64 = 15.0;
    let greater = flow.operation(flow.source(node.input(0)?), "Greater")?;
    let [x, threshold] = greater.pair()?;
    let x = flow.source(x);
    let softplus = flow.operation(flow.source(node.input(2)?), "Softplus")?;
    let is_softplus = flow.source(node.input(1)?) == x
        && flow.source(softplus.input(0)?) == x
        && number(flow, Some(threshold))? >= MIN_THRESHOLD;
    is_softplus.then_some((Activation::Softplus, x))
}

/// The numbers of a constant that applies to each row: all lengths but the last are 1.
fn row<'t>(flow: &'t Dataflow<'_>, id: Id) -> Option<&'t Tensor> {
    let tensor = flow.numbers(id)?;
    let is_column = tensor.values.len() > 1 && tensor.shape.last() == Some(&1);
    let is_row = tensor.shape.len() < 2 || tensor.shape[0] == 1;
    (is_row && !is_column && !tensor.values.is_empty()).then_some(tensor)
}

/// The numbers of a constant row, which must be finite.
fn list(flow: &Dataflow<'_>, node: &Node<'_>, index: usize, what: &str) -> Result<Vec<f64>> {
    let tensor = node.input(index).and_then(|id| row(flow, id));
    let tensor = tensor.ok_or_else(|| {
        Error::unsupported(node.place(), format!("{what}: expected a constant row"))
    })?;
    tensor.check_finite()?;
    Ok(tensor.values.clone())
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
    (keeps_axis && (axes == [1] || axes == [-1])).then(|| flow.source(node.inputs[0].unwrap_or(0)))
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
