//! Recognizes activation functions.
//!
//! | function | nodes |
//! |---|---|
//! | swish | `x·Sigmoid(x)` |
//! | mish | `x·Tanh(Softplus(x))` |
//! | gelu | the product of x, ½ and `1 + Erf(x/√2)`, in any order |
//! | selu | `λ·Elu(x)` with the α of SELU |
//! | softplus | `Where(x > threshold, x, Softplus(x))` |

use nn_core::Activation;

use super::dataflow::{Dataflow, Id, Node};
use super::operand::{expect, is_near, number, with_constant};
use crate::error::Result;

/// α and λ of SELU.
const SELU: [f64; 2] = [1.673_263_242, 1.050_700_987];

/// The activation function that computes a value, and the value that it reads.
pub(super) fn activation(flow: &Dataflow<'_>, id: Id) -> Result<Option<(Activation, Id)>> {
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
pub(super) fn activation_of(flow: &Dataflow<'_>, id: Id) -> Option<(Activation, Id)> {
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
