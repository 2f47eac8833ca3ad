//! Recognizes members that share layers, and outputs that are a mean, as `nn export` writes them.
//!
//! | part | nodes |
//! |---|---|
//! | members | `Reshape(x, [batch, 1, n])·factors` with K rows of factors, as K rows of the batch |
//! | output layer of the members | one matrix product per member |
//! | mean of the members | `ReduceMean(Reshape(a, [batch, K, n]))` over the members |
//! | mean of an ensemble | `(a + b + ...)·1/M` |
//! | temperature of a mean ā | `softmax(ln ā·1/T)`, or `sigmoid((ln ā − ln b̄)·1/T)` with the mean b̄ of `sigmoid(−z)` |

use nn_core::stage::{MemberInit, Members};

use super::dataflow::{Dataflow, Id, Node};
use super::grouped_linear::GroupedLinear;
use super::operand::{is_near, with_constant};
use crate::step::{Dense, InputStage, StepKind};

/// Largest number of networks of an ensemble, so that a small file cannot exhaust the memory.
const MAX_NETWORKS: usize = 1024;

/// A step and the value that it reads.
type Found = (StepKind, Id);

/// The lengths of a constant shape, if a value is given this shape.
fn shape<'t>(flow: &'t Dataflow<'_>, id: Id) -> Option<&'t [f64]> {
    let reshape = flow.operation(id, "Reshape")?;
    Some(&flow.numbers(reshape.input(1)?)?.values)
}

/// The factors of the members on the inputs.
pub(super) fn members(flow: &Dataflow<'_>, node: &Node<'_>) -> Option<Found> {
    let [x, factors] = node.pair()?;
    let factors = flow.numbers(factors)?;
    let [n_members, n_inputs] = factors.matrix()?;
    let is_row = matches!(shape(flow, x)?, [_, 1.0, width] if *width == n_inputs as f64);
    let stage = Members {
        n_members,
        init: MemberInit::Signs,
    };
    is_row.then(|| {
        let stage = InputStage {
            stage: stage.into(),
            n_inputs,
            parameters: factors.values.clone(),
            statistics: Vec::new(),
        };
        (StepKind::Input(stage), flow.source(x))
    })
}

/// The output layer of members.
pub(super) fn heads(flow: &Dataflow<'_>, id: Id) -> Option<Found> {
    let linear = GroupedLinear::of(flow, id)?;
    let [n_members, n_inputs, _] = linear.sizes;
    let dense = Dense {
        weights: linear.weights.to_vec(),
        bias: linear.bias,
        n_inputs,
        n_members,
    };
    Some((StepKind::Dense(dense), linear.x))
}

/// The mean of the rows of all members.
pub(super) fn mean(flow: &Dataflow<'_>, node: &Node<'_>) -> Option<Found> {
    let axes = &node.attribute("axes")?.integers;
    let x = node.input(0)?;
    let is_over_members = axes[..] == [1] && node.integer("keepdims", 1) == 0;
    match shape(flow, x)? {
        [_, n_members, _] if is_over_members && *n_members >= 1.0 => {
            let n_members = *n_members as usize;
            Some((StepKind::Mean { n_members }, flow.source(x)))
        }
        _ => None,
    }
}

/// Outputs that are the mean of the outputs of several networks, or of one.
pub(super) struct Mean {
    /// The outputs of the networks.
    pub(super) outputs: Vec<Id>,
    pub(super) temperature: f64,
}

impl Mean {
    /// The mean that computes a value.
    pub(super) fn of(flow: &Dataflow<'_>, id: Id) -> Self {
        let id = flow.source(id);
        let (mean, temperature) = calibrated(flow, id).unwrap_or((id, 1.0));
        Self {
            outputs: networks(flow, mean),
            temperature,
        }
    }
}

/// The outputs of the networks of an ensemble, or the value itself.
fn networks(flow: &Dataflow<'_>, id: Id) -> Vec<Id> {
    let ensemble = || {
        let (factor, sum) = with_constant(flow, flow.operation(flow.source(id), "Mul")?)?;
        let mut outputs = Vec::new();
        let mut next = flow.source(sum);
        // The sum is built from the left.
        while let Some([rest, last]) = flow.operation(next, "Add").and_then(Node::pair) {
            outputs.push(flow.source(last));
            next = flow.source(rest);
        }
        outputs.push(next);
        outputs.reverse();
        let is_mean = (2..=MAX_NETWORKS).contains(&outputs.len())
            && is_near(factor, 1.0 / outputs.len() as f64);
        is_mean.then_some(outputs)
    };
    ensemble().unwrap_or_else(|| vec![flow.source(id)])
}

/// The mean before a temperature, and the temperature.
fn calibrated(flow: &Dataflow<'_>, id: Id) -> Option<(Id, f64)> {
    let activation = flow.node(id)?;
    let divided = flow.operation(flow.source(activation.input(0)?), "Mul")?;
    let (factor, logits) = with_constant(flow, divided)?;
    let mean = match activation.message.operator.as_str() {
        "Softmax" => logarithm(flow, logits)?,
        "Sigmoid" => {
            let [mean, rest] = flow.operation(flow.source(logits), "Add")?.pair()?;
            let (mean, rest) = (logarithm(flow, mean)?, negative(flow, rest)?);
            is_rest(flow, mean, logarithm(flow, rest)?).then_some(mean)?
        }
        _ => return None,
    };
    Some((mean, 1.0 / factor))
}

/// The value x of `Max(Log(x), limit)`.
fn logarithm(flow: &Dataflow<'_>, id: Id) -> Option<Id> {
    /// From this number on, its exponential is 0 in single precision.
    const MAX_LIMIT: f64 = -104.0;
    let (limit, logarithm) = with_constant(flow, flow.operation(flow.source(id), "Max")?)?;
    let x = flow.operation(flow.source(logarithm), "Log")?.input(0)?;
    (limit <= MAX_LIMIT).then(|| flow.source(x))
}

/// The value x of −x.
fn negative(flow: &Dataflow<'_>, id: Id) -> Option<Id> {
    let (factor, x) = with_constant(flow, flow.operation(flow.source(id), "Mul")?)?;
    (factor == -1.0).then(|| flow.source(x))
}

/// Returns `true` if one value is the mean of `sigmoid(z)` and the other that of `sigmoid(−z)`.
fn is_rest(flow: &Dataflow<'_>, mean: Id, rest: Id) -> bool {
    let (outputs, rests) = (networks(flow, mean), networks(flow, rest));
    let pairs = outputs.iter().zip(&rests);
    let is_opposite = |(&output, &rest): (&Id, &Id)| -> Option<bool> {
        let (output, n_members) = of_members(flow, output);
        let (rest, n_rest) = of_members(flow, rest);
        let z = flow.operation(output, "Sigmoid")?.input(0)?;
        let opposite = flow.operation(rest, "Sigmoid")?.input(0)?;
        let is_negative = negative(flow, opposite)? == flow.source(z);
        Some(is_negative && n_members == n_rest)
    };
    outputs.len() == rests.len()
        && pairs
            .into_iter()
            .all(|pair| is_opposite(pair) == Some(true))
}

/// The rows of the members whose mean a value is, and their number, or the value itself.
fn of_members(flow: &Dataflow<'_>, id: Id) -> (Id, usize) {
    let node = flow.operation(id, "ReduceMean");
    match node.and_then(|node| mean(flow, node)) {
        Some((StepKind::Mean { n_members }, x)) => (x, n_members),
        _ => (id, 1),
    }
}
