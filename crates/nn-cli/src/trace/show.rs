//! A trace as lines of text: the formulas, the neurons and the weights of each
//! layer. For a large layer, only the largest values are shown.

use nn_plot::number::{count, number};

use nn_train::step_trace::{Backward, LayerTrace, StepTrace};
use nn_train::{SampleTrace, grouped};

/// Width of a cell in a table.
const CELL: usize = 11;

/// Maximum width of a formula line.
const MAX_FORMULA: usize = 90;

/// Minimum number of inputs to show.
const MIN_INPUTS: usize = 12;

/// All weights of a layer are shown if it has at most this many per neuron to show.
const WEIGHTS_OF_SMALL: usize = 4;

/// Formats all lines of the trace. Each layer shows the `n_neurons` neurons with the
/// largest |δ| and as many weights with the largest gradient; a small layer shows all
/// weights.
pub(super) fn lines(trace: &SampleTrace, n_neurons: usize) -> Vec<String> {
    let mut lines = heading(trace);
    lines.extend(inputs(&trace.step, n_neurons));
    for layer in &trace.step.layers {
        lines.push(String::new());
        lines.extend(layer_lines(&trace.step, layer, n_neurons));
    }
    lines
}

fn heading(trace: &SampleTrace) -> Vec<String> {
    let step = &trace.step;
    let (index, split, dataset) = (trace.index, &trace.split, &trace.dataset);
    let network = if trace.is_trained {
        "trained"
    } else {
        "with its initial weights"
    };
    let mut lines = vec![
        format!(
            "sample     {index} of the {split} split of {dataset}{}",
            verdict(trace)
        ),
        format!("network    {}, {network}", widths(step)),
        format!(
            "loss       {}: C = {} = {}",
            step.loss_function,
            step.loss_formula,
            exact(step.loss)
        ),
    ];
    let has_step = step.layers.iter().any(|layer| layer.backward.is_some());
    if has_step {
        lines.push(format!(
            "step       {} (first step), η = {}",
            step.optimizer, step.learning_rate
        ));
        lines.extend(wrapped(step.optimizer_formula));
    }
    if let Some(after) = step.loss_after {
        lines.push(format!(
            "           loss C after the step = {}",
            exact(after)
        ));
    }
    lines.extend(step.notes.iter().map(|note| format!("note       {note}")));
    lines
}

/// Splits a formula of several assignments into lines of limited width.
fn wrapped(formula: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in formula.split(",  ") {
        match lines.last_mut() {
            Some(line) if line.chars().count() + part.chars().count() < MAX_FORMULA => {
                line.push_str(",  ");
                line.push_str(part);
            }
            _ => lines.push(format!("           {part}")),
        }
    }
    lines
}

fn verdict(trace: &SampleTrace) -> String {
    let name = |class: usize| trace.class_names.get(class).map_or("?", String::as_str);
    match (trace.predicted, trace.label) {
        (Some(class), Some(label)) if class == label => {
            format!(": {} (correct)", name(class))
        }
        (Some(class), Some(label)) => {
            format!(": {} (wrong; true class {})", name(class), name(label))
        }
        _ => String::new(),
    }
}

fn widths(step: &StepTrace) -> String {
    let first = step.layers.first().map(|layer| layer.n_inputs);
    let widths = first
        .into_iter()
        .chain(step.layers.iter().map(|layer| layer.n_outputs));
    widths
        .map(|width| width.to_string())
        .collect::<Vec<_>>()
        .join("-")
}

fn inputs(step: &StepTrace, n_neurons: usize) -> Vec<String> {
    let wanted = MIN_INPUTS.max(n_neurons);
    let n_not_zero = step.inputs.iter().filter(|&&x| x != 0.0).count();
    let shown: Vec<usize> = largest(&step.inputs, wanted)
        .into_iter()
        .filter(|&input| step.inputs[input] != 0.0)
        .collect();
    let mut lines = vec![
        String::new(),
        format!(
            "x: {} inputs, {} nonzero{}",
            count(step.inputs.len() as u64),
            count(n_not_zero as u64),
            if shown.len() < n_not_zero {
                format!("; the {} largest", shown.len())
            } else {
                String::new()
            }
        ),
    ];
    let cells = shown.iter().map(|&input| {
        format!(
            "{:>6} {:<9}",
            format!("[{input}]"),
            short(step.inputs[input])
        )
    });
    let cells: Vec<String> = cells.collect();
    lines.extend(
        cells
            .chunks(6)
            .map(|cells| cells.concat().trim_end().to_owned()),
    );
    lines
}

fn layer_lines(step: &StepTrace, layer: &LayerTrace, n_neurons: usize) -> Vec<String> {
    let formulas = &layer.formulas;
    let is_output = layer.layer == step.layers.len();
    let mut lines = vec![
        format!(
            "layer {}: {} -> {}, {}{}",
            layer.layer,
            layer.n_inputs,
            layer.n_outputs,
            layer.activation,
            if is_output { ", the output" } else { "" }
        ),
        format!("  z = {}", formulas.pre_activations),
        format!("  a = {}", formulas.activations),
    ];
    if layer.backward.is_some() {
        lines.push(format!("  δ = {}", formulas.delta));
        if !is_output || formulas.delta.contains('φ') {
            lines.push(format!("      φ′(z) = {}", formulas.slope));
        }
        lines.push(format!(
            "  ∂C/∂W = {}    ∂C/∂b = {}",
            formulas.weights_gradient, formulas.bias_gradient
        ));
    }
    lines.extend(neuron_table(step, layer, is_output, n_neurons));
    if let Some(backward) = &layer.backward {
        lines.extend(weight_table(step, layer, backward, n_neurons));
    }
    lines
}

/// A column of a table: heading and values.
type Column<'a> = (&'a str, &'a [f32]);

fn neuron_table(
    step: &StepTrace,
    layer: &LayerTrace,
    is_output: bool,
    n_neurons: usize,
) -> Vec<String> {
    let mut columns: Vec<Column<'_>> = vec![("z", &layer.pre_activations)];
    if let Some(normalized) = &layer.normalized {
        columns.push(("normalized", normalized));
    }
    columns.push(("a", &layer.activations));
    if let Some(mask) = &layer.mask {
        columns.push(("m", mask));
    }
    if is_output {
        columns.push(("y", &step.target));
    }
    let mut importance = &layer.activations;
    if let Some(backward) = &layer.backward {
        importance = &backward.delta;
        columns.extend(
            backward
                .arriving
                .iter()
                .map(|arriving| ("δ·Wᵀ", &arriving[..])),
        );
        columns.extend(backward.slope.iter().map(|slope| ("φ′(z)", &slope[..])));
        columns.push(("δ = ∂C/∂b", &backward.delta));
        let regularized = backward.regularized.as_ref();
        columns.extend(regularized.map(|it| ("g of b", &it.bias_gradient[..])));
        columns.push(("b", &layer.bias));
        columns.push(("b after", &backward.bias_after));
    }
    let shown = largest(importance, n_neurons);
    let mut lines = vec![row(
        "neuron",
        columns.iter().map(|column| column.0.to_owned()),
    )];
    for &neuron in &shown {
        let numbers = columns.iter().map(|column| short(column.1[neuron]));
        lines.push(row(&neuron.to_string(), numbers));
    }
    let sign = if layer.backward.is_some() {
        "|δ|"
    } else {
        "|a|"
    };
    lines.extend(cut(shown.len(), layer.n_outputs, "neurons", sign));
    lines
}

fn weight_table(
    step: &StepTrace,
    layer: &LayerTrace,
    backward: &Backward,
    n_neurons: usize,
) -> Vec<String> {
    let below = below(step, layer);
    let gradient = backward
        .regularized
        .as_ref()
        .map_or(&backward.weights_gradient, |it| &it.weights_gradient);
    let flat: Vec<f32> = gradient.iter().copied().collect();
    let is_small = flat.len() <= WEIGHTS_OF_SMALL * n_neurons;
    let shown = largest(&flat, if is_small { flat.len() } else { n_neurons });
    let mut heads = vec!["a below", "δ", "∂C/∂W", "W", "W after"];
    if layer.layer == 1 {
        heads[0] = "x";
    }
    if backward.regularized.is_some() {
        heads.insert(3, "g");
    }
    let mut lines = vec![row("weight", heads.into_iter().map(str::to_owned))];
    for &weight in &shown {
        let at = [weight / layer.n_outputs, weight % layer.n_outputs];
        let mut numbers = vec![
            below[at[0]],
            backward.delta[at[1]],
            backward.weights_gradient[at],
            layer.weights[at],
            backward.weights_after[at],
        ];
        if backward.regularized.is_some() {
            numbers.insert(3, gradient[at]);
        }
        let name = format!("[{}, {}]", at[0], at[1]);
        lines.push(row(&name, numbers.into_iter().map(short)));
    }
    lines.extend(cut(shown.len(), flat.len(), "weights", "|gradient|"));
    lines
}

/// The inputs of a layer.
fn below(step: &StepTrace, layer: &LayerTrace) -> Vec<f32> {
    let Some(below) = layer.layer.checked_sub(2).map(|index| &step.layers[index]) else {
        return step.inputs.clone();
    };
    match &below.mask {
        Some(mask) => {
            let pairs = below.activations.iter().zip(mask);
            pairs.map(|(a, m)| a * m).collect()
        }
        None => below.activations.clone(),
    }
}

/// The indices of the `n` values with the largest magnitude, in ascending order.
fn largest(values: &[f32], n: usize) -> Vec<usize> {
    let mut positions: Vec<usize> = (0..values.len()).collect();
    if n < values.len() {
        positions.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()));
        positions.truncate(n);
        positions.sort_unstable();
    }
    positions
}

fn row(name: &str, cells: impl Iterator<Item = String>) -> String {
    let cells: String = cells.map(|cell| format!("{cell:>CELL$}")).collect();
    format!("  {name:<10}{cells}")
}

/// The line about values that are not shown, if there are any.
fn cut(n_shown: usize, n: usize, what: &str, by: &str) -> Option<String> {
    (n_shown < n).then(|| {
        format!(
            "  {n_shown} of {} {what}, those with the largest {by} (--neurons N shows more; --json shows all)",
            grouped(n)
        )
    })
}

fn short(value: f32) -> String {
    number(value.into())
}

fn exact(value: f64) -> String {
    format!("{value:.6}")
}
