//! Adds the stages of a network to a graph.

use nn_core::stage::{
    Activate, CategoryEmbedding, Dense, Heads, Members, ParametricActivation, PeriodicEmbedding,
    PiecewiseLinearEmbedding, Stage, batch_norm,
};
use nn_core::{Activation, Network};

use crate::error::{Error, Result};
use crate::graph::{Graph, Source};
use crate::op::{Bins, Linear, Op};

/// Appends the stages of a network, in inference, and returns its outputs. Several members, the
/// networks of an ensemble or the members that share layers, give the mean of their outputs:
///
/// ```text
/// ā = (1/M)·Σ φ(zₘ)
/// ```
///
/// A temperature T divides the logits of the mean: `z = ln ā` for softmax, `z = ln ā − ln b̄` with
/// `b̄ = (1/M)·Σ σ(−zₘ)` for sigmoid, and `a = φ(z/T)`.
pub(crate) fn add_network(graph: &mut Graph, network: &Network, input: Source) -> Result<Source> {
    let activation = network.output_layer().activation;
    let temperature = network.temperature() as f32;
    let logits = if network.n_networks() * network.n_shared_members() == 1 {
        add_logits(graph, network, input)?
    } else {
        let is_calibrated = temperature != 1.0;
        let needs_rest = is_calibrated && activation == Activation::Sigmoid;
        let (mut mean, mut rest) = (Mean::default(), Mean::default());
        for index in 0..network.n_networks() {
            let logits = add_logits(graph, &network.nth_network(index), input)?;
            let outputs = graph.activate(activation, logits);
            mean.add(graph, outputs);
            if needs_rest {
                let opposite = graph.add(Op::Multiply(-1.0), &[logits]);
                let outputs = graph.activate(activation, opposite);
                rest.add(graph, outputs);
            }
        }
        let mean = mean.finish(graph);
        if !is_calibrated {
            return Ok(mean);
        }
        let logarithm = graph.add(Op::Log, &[mean]);
        if needs_rest {
            let rest = rest.finish(graph);
            let rest = graph.add(Op::Log, &[rest]);
            let rest = graph.add(Op::Multiply(-1.0), &[rest]);
            graph.add(Op::Add, &[logarithm, rest])
        } else {
            logarithm
        }
    };
    let divided = match temperature {
        1.0 => logits,
        temperature => graph.add(Op::Multiply(1.0 / temperature), &[logits]),
    };
    Ok(graph.activate(activation, divided))
}

/// The mean of the outputs of several members.
#[derive(Default)]
struct Mean {
    sum: Option<Source>,
    n_networks: usize,
}

impl Mean {
    /// Adds the outputs of a network, one row per member that shares its layers.
    fn add(&mut self, graph: &mut Graph, outputs: Source) {
        let (n_rows, width) = (graph.n_rows(outputs), graph.width(outputs));
        let mean = match n_rows {
            1 => outputs,
            n_rows => graph.add(Op::Mean { n_rows, width }, &[outputs]),
        };
        self.n_networks += 1;
        self.sum = Some(match self.sum {
            None => mean,
            Some(sum) => graph.add(Op::Add, &[sum, mean]),
        });
    }

    fn finish(self, graph: &mut Graph) -> Source {
        let sum = self.sum.expect("a network has at least one member");
        match self.n_networks {
            1 => sum,
            n => graph.add(Op::Multiply(1.0 / n as f32), &[sum]),
        }
    }
}

/// Appends the stages of a network that is not an ensemble, up to the activation function of its
/// outputs. Members that share layers have one row each.
fn add_logits(graph: &mut Graph, network: &Network, input: Source) -> Result<Source> {
    let mut tensors = Tensors {
        parameters: network.parameters(),
        statistics: network.statistics(),
    };
    let all = tensors.parameters.iter().chain(tensors.statistics);
    if !all.into_iter().all(|value| value.is_finite()) {
        return Err(Error::NotFinite);
    }
    let mut output = input;
    for layer in 0..network.layers().len() {
        let layer_input = output;
        let is_output = layer + 1 == network.layers().len();
        for stage in network.stages(layer) {
            if is_output && matches!(stage, Stage::Activation(_)) {
                break;
            }
            let inputs = [output, layer_input];
            let added = add_stage(graph, &stage, inputs, &mut tensors);
            output = added.ok_or_else(|| Error::Unsupported {
                what: format!("stage {stage} of layer {}", layer + 1),
            })?;
        }
    }
    debug_assert!(tensors.parameters.is_empty() && tensors.statistics.is_empty());
    Ok(output)
}

/// The parameters and statistics of the stages that have not been added yet.
struct Tensors<'a> {
    parameters: &'a [f32],
    statistics: &'a [f32],
}

impl<'a> Tensors<'a> {
    fn parameters(&mut self, n: usize) -> &'a [f32] {
        take(&mut self.parameters, n)
    }

    fn statistics(&mut self, n: usize) -> &'a [f32] {
        take(&mut self.statistics, n)
    }
}

fn take<'a>(values: &mut &'a [f32], n: usize) -> &'a [f32] {
    let (first, rest) = values.split_at(n);
    *values = rest;
    first
}

/// Appends a stage that reads the output of the stage before it and, for a residual
/// connection, the input of the layer. Returns `None` for a stage that no operator can express.
fn add_stage(
    graph: &mut Graph,
    stage: &Stage,
    [input, layer_input]: [Source; 2],
    tensors: &mut Tensors<'_>,
) -> Option<Source> {
    let width = graph.width(input);
    Some(match stage {
        Stage::Dense(Dense { n_outputs }) => {
            let weights = tensors.parameters(width * n_outputs).to_vec();
            let bias = tensors.parameters(*n_outputs).to_vec();
            graph.add(Op::Linear(Linear { weights, bias }), &[input])
        }
        &Stage::Heads(heads) => add_heads(graph, heads, input, tensors),
        Stage::Members(Members { n_members, .. }) => {
            let n_members = *n_members;
            let factors = tensors.parameters(n_members * width).to_vec();
            graph.add(Op::Members { n_members, factors }, &[input])
        }
        Stage::BatchNorm(_) => add_batch_norm(graph, input, tensors),
        Stage::LayerNorm(_) => {
            let gamma = tensors.parameters(width).to_vec();
            let beta = tensors.parameters(width).to_vec();
            graph.add(Op::LayerNorm { gamma, beta }, &[input])
        }
        Stage::Scaling(_) => {
            let scale = tensors.parameters(width).to_vec();
            let shift = vec![0.0; width];
            graph.add(Op::Affine { scale, shift }, &[input])
        }
        Stage::CategoryEmbedding(embedding) => add_categories(graph, embedding, input, tensors),
        Stage::PeriodicEmbedding(embedding) => add_periodic(graph, *embedding, input, tensors),
        Stage::PiecewiseLinearEmbedding(embedding) => {
            add_piecewise_linear(graph, *embedding, input, tensors)
        }
        Stage::Activation(Activate(activation)) => graph.activate(*activation, input),
        Stage::ParametricActivation(ParametricActivation(activation)) => {
            let alpha = tensors.parameters(width).to_vec();
            match graph.activate(*activation, input) {
                identity if identity == input => input,
                activated => graph.add(Op::Mix(alpha), &[input, activated]),
            }
        }
        Stage::Dropout(_) => input,
        Stage::Residual(_) => graph.add(Op::Add, &[input, layer_input]),
        _ => return None,
    })
}

/// Appends the output layer of members: a dense layer per row.
fn add_heads(
    graph: &mut Graph,
    Heads {
        n_members,
        n_outputs,
    }: Heads,
    input: Source,
    tensors: &mut Tensors<'_>,
) -> Source {
    let width = graph.width(input);
    let reshape = |n_rows, width| Op::Reshape { n_rows, width };
    let joined = graph.add(reshape(1, n_members * width), &[input]);
    let heads = Op::GroupedLinear {
        n_groups: n_members,
        weights: tensors.parameters(n_members * width * n_outputs).to_vec(),
        bias: tensors.parameters(n_members * n_outputs).to_vec(),
    };
    let outputs = graph.add(heads, &[joined]);
    graph.add(reshape(n_members, n_outputs), &[outputs])
}

/// Folds batch normalization into the dense layer before it:
/// `w′ = w·γ/√(σ² + ε)`, `b′ = (b − μ)·γ/√(σ² + ε) + β`.
fn add_batch_norm(graph: &mut Graph, input: Source, tensors: &mut Tensors<'_>) -> Source {
    let width = graph.width(input);
    let [gamma, beta] = [(); 2].map(|()| tensors.parameters(width));
    let [mean, variance] = [(); 2].map(|()| tensors.statistics(width));
    let factor =
        |j: usize| f64::from(gamma[j]) / (f64::from(variance[j]) + batch_norm::EPSILON).sqrt();
    let shifted = |j: usize, bias: f32| {
        ((f64::from(bias) - f64::from(mean[j])) * factor(j) + f64::from(beta[j])) as f32
    };
    if let Some(Op::Linear(linear)) = graph.op_mut(input) {
        for row in linear.weights.chunks_exact_mut(width) {
            for (j, weight) in row.iter_mut().enumerate() {
                *weight = (f64::from(*weight) * factor(j)) as f32;
            }
        }
        for (j, bias) in linear.bias.iter_mut().enumerate() {
            *bias = shifted(j, *bias);
        }
        return input;
    }
    let affine = Op::Affine {
        scale: (0..width).map(|j| factor(j) as f32).collect(),
        shift: (0..width).map(|j| shifted(j, 0.0)).collect(),
    };
    graph.add(affine, &[input])
}

/// Appends the vectors of the categories in the last columns to the columns before them.
fn add_categories(
    graph: &mut Graph,
    embedding: &CategoryEmbedding,
    input: Source,
    tensors: &mut Tensors<'_>,
) -> Source {
    let n_numeric = graph.width(input) - embedding.columns.len();
    let mut parts = Vec::new();
    if n_numeric > 0 {
        parts.push(graph.select((0..n_numeric).collect(), input));
    }
    for (column, &[n_categories, width]) in embedding.columns.iter().enumerate() {
        let vectors = tensors.parameters(n_categories * width).to_vec();
        let category = graph.select(vec![n_numeric + column], input);
        parts.push(graph.add(Op::Embed { vectors, width }, &[category]));
    }
    graph.concat(&parts)
}

/// Appends `y = (x, cos(2π·w·x + b)·V + v)` of each column.
fn add_periodic(
    graph: &mut Graph,
    embedding: PeriodicEmbedding,
    input: Source,
    tensors: &mut Tensors<'_>,
) -> Source {
    let (input, rest) = split_columns(graph, input, embedding.n_columns);
    let n_columns = graph.width(input);
    let n_frequencies = embedding.n_frequencies;
    let n_combined = embedding.n_outputs - 1;
    let (mut scale, mut shift) = (Vec::new(), Vec::new());
    let (mut weights, mut bias) = (Vec::new(), Vec::new());
    for _ in 0..n_columns {
        let frequencies = tensors.parameters(n_frequencies).iter();
        scale.extend(frequencies.map(|&w| std::f32::consts::TAU * w));
        shift.extend_from_slice(tensors.parameters(n_frequencies));
        weights.extend_from_slice(tensors.parameters(n_frequencies * n_combined));
        bias.extend_from_slice(tensors.parameters(n_combined));
    }
    let repeated = graph.add(Op::Select(repeated(n_columns, n_frequencies)), &[input]);
    let angles = graph.add(Op::Affine { scale, shift }, &[repeated]);
    let waves = graph.add(Op::Cos, &[angles]);
    let combined = Op::GroupedLinear {
        n_groups: n_columns,
        weights,
        bias,
    };
    let combined = graph.add(combined, &[waves]);
    let all = graph.concat(&[input, combined]);
    let place = |column: usize| {
        let combined = n_columns + column * n_combined;
        std::iter::once(column).chain(combined..combined + n_combined)
    };
    let embedded = graph.select((0..n_columns).flat_map(place).collect(), all);
    with_rest(graph, embedded, rest)
}

/// The first `n_columns` columns, which are embedded, and the others, if there are any.
fn split_columns(
    graph: &mut Graph,
    input: Source,
    n_columns: Option<usize>,
) -> (Source, Option<Source>) {
    let width = graph.width(input);
    match n_columns {
        Some(n) if n < width => {
            let first = graph.select((0..n).collect(), input);
            (first, Some(graph.select((n..width).collect(), input)))
        }
        _ => (input, None),
    }
}

/// Appends the columns that are not embedded.
fn with_rest(graph: &mut Graph, embedded: Source, rest: Option<Source>) -> Source {
    match rest {
        Some(rest) => graph.concat(&[embedded, rest]),
        None => embedded,
    }
}

/// Appends the piecewise-linear encoding of each column, times a matrix per column.
fn add_piecewise_linear(
    graph: &mut Graph,
    embedding: PiecewiseLinearEmbedding,
    input: Source,
    tensors: &mut Tensors<'_>,
) -> Source {
    let PiecewiseLinearEmbedding {
        n_bins,
        n_outputs,
        n_columns,
    } = embedding;
    let (input, rest) = split_columns(graph, input, n_columns);
    let n_columns = graph.width(input);
    let (mut weights, mut bias) = (Vec::new(), Vec::new());
    for _ in 0..n_columns {
        weights.extend_from_slice(tensors.parameters(n_bins * n_outputs));
        bias.extend_from_slice(tensors.parameters(n_outputs));
    }
    let edges = tensors.statistics(n_columns * (n_bins + 1)).to_vec();
    let encoded = graph.add(Op::Bins(Bins { n_bins, edges }), &[input]);
    let combined = Op::GroupedLinear {
        n_groups: n_columns,
        weights,
        bias,
    };
    let embedded = graph.add(combined, &[encoded]);
    with_rest(graph, embedded, rest)
}

/// Each column `n_times` in succession.
fn repeated(n_columns: usize, n_times: usize) -> Vec<usize> {
    let times = |column| std::iter::repeat_n(column, n_times);
    (0..n_columns).flat_map(times).collect()
}
