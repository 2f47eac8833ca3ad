//! Recognizes embeddings of columns, as `nn export` writes them.
//!
//! `x[a, b]` are columns of x: `Gather(x, [a, b])` with axis 1.
//!
//! | stage | nodes |
//! |---|---|
//! | category embedding | `Concat(x[0..n], E(x[n]), E(x[n + 1]), ...)` with `E(c) = Where(c is an index, Gather(vectors, c), NaN)` |
//! | periodic embedding | `Concat(x, Cos(scale·x[0, 0, 1, 1, ...] + shift)·V + v)`, sorted by column |
//! | piecewise-linear embedding | `Min(Max((x[0, 0, 1, 1, ...] − starts)/widths, low), high)·V + v` |
//!
//! The product with V is one matrix product per column. Columns that are not embedded follow the
//! embedded ones: `Concat(embedding of x[0..n], x[n..])`.

use std::f64::consts::TAU;

use nn_core::stage::{CategoryEmbedding, PeriodicEmbedding, PiecewiseLinearEmbedding, Stage};

use super::dataflow::{Dataflow, Id};
use super::grouped_linear::GroupedLinear;
use super::operand::{number, row, with_constant};
use crate::step::{InputStage, expanded};
use crate::tensor::Tensor;

/// The standard deviation of the initial frequencies; trained frequencies do not determine it.
const DEFAULT_STD: f64 = 0.1;

/// Largest error of the width of a bin, relative to its edges.
const WIDTH_TOLERANCE: f64 = 1e-6;

/// A stage and the value that it reads.
type Found = (InputStage, Id);

/// The embedding that computes a value, and the value that it reads.
pub(super) fn embedding(flow: &Dataflow<'_>, id: Id) -> Option<Found> {
    categories(flow, id)
        .or_else(|| numeric(flow, id))
        .or_else(|| numeric_with_rest(flow, id))
}

/// The columns that a `Gather` selects, and the value that it selects from.
fn columns(flow: &Dataflow<'_>, id: Id) -> Option<(Id, Vec<usize>)> {
    let gather = flow.operation(flow.source(id), "Gather")?;
    let [x, indices] = gather.pair()?;
    let indices = flow.numbers(indices)?;
    let is_selection = gather.integer("axis", 0) == 1 && indices.shape.len() == 1;
    let is_index = |&index: &f64| index >= 0.0 && index.fract() == 0.0;
    (is_selection && indices.values.iter().all(is_index)).then(|| {
        let indices = indices.values.iter().map(|&index| index as usize);
        (flow.source(x), indices.collect())
    })
}

/// The inputs of a `Concat` of columns, or the value itself.
fn parts(flow: &Dataflow<'_>, id: Id) -> Option<Vec<Id>> {
    let id = flow.source(id);
    let Some(concat) = flow.operation(id, "Concat") else {
        return Some(vec![id]);
    };
    let parts: Option<Vec<Id>> = concat.inputs.iter().copied().collect();
    let is_of_columns = [1, -1].contains(&concat.integer("axis", 0));
    parts.filter(|parts| is_of_columns && !parts.is_empty())
}

/// Both inputs of a `Concat` of two values.
fn two_parts(flow: &Dataflow<'_>, id: Id) -> Option<[Id; 2]> {
    parts(flow, id)?.try_into().ok()
}

/// Each of `n_columns` columns `n_times` in succession.
fn repeated(n_columns: usize, n_times: usize) -> impl Iterator<Item = usize> {
    (0..n_columns).flat_map(move |column| std::iter::repeat_n(column, n_times))
}

/// A category embedding: all columns after the first ones that pass unchanged.
fn categories(flow: &Dataflow<'_>, id: Id) -> Option<Found> {
    let parts = parts(flow, id)?;
    let unchanged = columns(flow, parts[0]);
    let embedded = &parts[usize::from(unchanged.is_some())..];
    let mut read: Vec<(Id, Vec<usize>)> = unchanged.into_iter().collect();
    let (mut sizes, mut parameters) = (Vec::new(), Vec::new());
    for &part in embedded {
        let (vectors, category) = vectors_of_category(flow, part)?;
        sizes.push(vectors.matrix()?);
        parameters.extend(&vectors.values);
        // The only column of a value needs no selection.
        read.push(columns(flow, category).unwrap_or((category, vec![0])));
    }
    let x = read[0].0;
    let order: Vec<usize> = read
        .iter()
        .flat_map(|(_, columns)| columns.clone())
        .collect();
    let n_inputs = order.len();
    let is_stage = read.iter().all(|&(source, _)| source == x) && order.into_iter().eq(0..n_inputs);
    (is_stage && !sizes.is_empty()).then(|| {
        let stage = CategoryEmbedding { columns: sizes }.into();
        let statistics = Vec::new();
        (
            InputStage {
                stage,
                n_inputs,
                parameters,
                statistics,
            },
            x,
        )
    })
}

/// The vectors `[n_categories, width]` of one column, and the column: the vector of a category,
/// or NaN for a value that is not the index of a category.
fn vectors_of_category<'t>(flow: &'t Dataflow<'_>, id: Id) -> Option<(&'t Tensor, Id)> {
    let select = flow.operation(flow.source(id), "Where")?;
    let [is_category, found] = [select.input(0)?, select.input(1)?];
    let gather = flow.operation(flow.source(found), "Gather")?;
    let [vectors, index] = gather.pair()?.map(|id| flow.source(id));
    let vectors = flow.numbers(vectors)?;
    let [n_categories, _] = vectors.matrix()?;
    let x = nearest_index(flow, index, n_categories)?;
    let equal = flow.operation(flow.source(is_category), "Equal")?.pair()?;
    let is_complete = gather.integer("axis", 0) == 0
        && number(flow, select.input(2))?.is_nan()
        && equal.map(|id| flow.source(id)) == [index, x];
    is_complete.then_some((vectors, x))
}

/// The value x of the nearest index from 0 to `n_categories − 1`:
/// `Cast(Min(Max(Where(IsNaN(x), 0, x), 0), n_categories − 1))`.
fn nearest_index(flow: &Dataflow<'_>, index: Id, n_categories: usize) -> Option<Id> {
    /// Types of `TensorProto.DataType` that hold integers.
    const INTEGERS: [i64; 2] = [6, 7];
    let cast = flow.operation(index, "Cast")?;
    let limited = flow.operation(flow.source(cast.input(0)?), "Min")?;
    let (last, limited) = with_constant(flow, limited)?;
    let limited = flow.operation(flow.source(limited), "Max")?;
    let (first, present) = with_constant(flow, limited)?;
    let present = flow.operation(flow.source(present), "Where")?;
    let is_missing = flow.operation(flow.source(present.input(0)?), "IsNaN")?;
    let x = flow.source(present.input(2)?);
    let is_index = INTEGERS.contains(&cast.integer("to", 0))
        && [first, last] == [0.0, n_categories as f64 - 1.0]
        && number(flow, present.input(1)) == Some(0.0)
        && flow.source(is_missing.input(0)?) == x;
    is_index.then_some(x)
}

/// An embedding of all columns of a value.
fn numeric(flow: &Dataflow<'_>, id: Id) -> Option<Found> {
    periodic(flow, id).or_else(|| piecewise_linear(flow, id))
}

/// An embedding of the first columns of a value; the others follow unchanged.
fn numeric_with_rest(flow: &Dataflow<'_>, id: Id) -> Option<Found> {
    let [embedded, rest] = two_parts(flow, id)?;
    let (embedded, first) = numeric(flow, embedded)?;
    let (x, first) = columns(flow, first)?;
    let (source, rest) = columns(flow, rest)?;
    let n_columns = Some(first.len());
    let n_inputs = first.len() + rest.len();
    let stage = match embedded.stage {
        Stage::PeriodicEmbedding(it) => PeriodicEmbedding { n_columns, ..it }.into(),
        Stage::PiecewiseLinearEmbedding(it) => PiecewiseLinearEmbedding { n_columns, ..it }.into(),
        _ => return None,
    };
    let is_all = source == x
        && embedded.n_inputs == first.len()
        && first.into_iter().chain(rest).eq(0..n_inputs);
    is_all.then_some((
        InputStage {
            stage,
            n_inputs,
            ..embedded
        },
        x,
    ))
}

/// `(x, Cos(scale·x + shift)·V + v)` of each column.
fn periodic(flow: &Dataflow<'_>, id: Id) -> Option<Found> {
    // The columns of one embedding need no sorting.
    let (all, order) = match columns(flow, id) {
        Some((all, order)) => (all, Some(order)),
        None => (id, None),
    };
    let [x, combined] = two_parts(flow, all)?;
    let linear = GroupedLinear::of(flow, combined)?;
    let [n_columns, n_frequencies, n_combined] = linear.sizes;
    let x = flow.source(x);
    let angles = flow.operation(linear.x, "Cos")?.input(0)?;
    let waves = Angles::of(flow, angles, n_columns * n_frequencies)?;
    let (source, selected) = columns(flow, waves.x)?;
    let place = |column: usize| {
        let first = n_columns + column * n_combined;
        std::iter::once(column).chain(first..first + n_combined)
    };
    let sorted = (0..n_columns).flat_map(place);
    let is_sorted = match order {
        Some(order) => order.into_iter().eq(sorted),
        None => n_columns == 1,
    };
    let is_stage =
        is_sorted && source == x && selected.into_iter().eq(repeated(n_columns, n_frequencies));
    let mut parameters = Vec::new();
    let frequencies = waves.scale.chunks_exact(n_frequencies);
    let frequencies = frequencies.zip(waves.shift.chunks_exact(n_frequencies));
    for ((scale, shift), (weights, bias)) in frequencies.zip(linear.groups()) {
        parameters.extend(scale.iter().map(|scale| scale / TAU));
        parameters.extend([shift, weights, bias].concat());
    }
    let stage = PeriodicEmbedding {
        n_frequencies,
        n_outputs: n_combined + 1,
        std: DEFAULT_STD,
        n_columns: None,
    };
    is_stage.then(|| {
        let stage = InputStage {
            stage: stage.into(),
            n_inputs: n_columns,
            parameters,
            statistics: Vec::new(),
        };
        (stage, x)
    })
}

/// `scale·x + shift`, with a factor and a shift per column.
struct Angles {
    scale: Vec<f64>,
    shift: Vec<f64>,
    x: Id,
}

impl Angles {
    fn of(flow: &Dataflow<'_>, id: Id, width: usize) -> Option<Self> {
        let (shift, id) = optional_row(flow, id, "Add", 0.0, width)?;
        let (scale, x) = optional_row(flow, id, "Mul", 1.0, width)?;
        Some(Self { scale, shift, x })
    }
}

/// The second operand of an operator with a constant row, as one number per column, and the
/// first operand; `neutral` and the value itself if another operator computes the value.
fn optional_row(
    flow: &Dataflow<'_>,
    id: Id,
    operator: &str,
    neutral: f64,
    width: usize,
) -> Option<(Vec<f64>, Id)> {
    match flow.operation(flow.source(id), operator) {
        Some(_) => with_row(flow, id, operator, width),
        None => Some((vec![neutral; width], id)),
    }
}

/// The second operand of an operator with a constant row, as one number per column, and the
/// first operand.
fn with_row(flow: &Dataflow<'_>, id: Id, operator: &str, width: usize) -> Option<(Vec<f64>, Id)> {
    let [x, constant] = flow.operation(flow.source(id), operator)?.pair()?;
    let constant = expanded_to(&row(flow, constant)?.values, width)?;
    Some((constant, x))
}

/// The bins of each column, times a matrix per column.
fn piecewise_linear(flow: &Dataflow<'_>, id: Id) -> Option<Found> {
    let linear = GroupedLinear::of(flow, id)?;
    let [n_columns, n_bins, n_outputs] = linear.sizes;
    let bins = Bins::of(flow, linear.x, n_columns * n_bins)?;
    let (x, selected) = columns(flow, bins.x)?;
    if !selected.into_iter().eq(repeated(n_columns, n_bins)) {
        return None;
    }
    let statistics = bins.edges(n_bins)?;
    let groups = linear.groups();
    let parameters = groups.flat_map(|(weights, bias)| [weights, bias].concat());
    let stage = PiecewiseLinearEmbedding {
        n_bins,
        n_outputs,
        n_columns: None,
    };
    let stage = InputStage {
        stage: stage.into(),
        n_inputs: n_columns,
        parameters: parameters.collect(),
        statistics,
    };
    Some((stage, x))
}

/// `Min(Max((x − start)/width, low), high)` of each bin; 1 in place of this for a bin without
/// width whose start is not above x, otherwise 0.
struct Bins {
    starts: Vec<f64>,
    widths: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
    x: Id,
}

impl Bins {
    fn of(flow: &Dataflow<'_>, id: Id, n: usize) -> Option<Self> {
        let select = flow.operation(flow.source(id), "Where");
        let limited = select.map_or(Some(id), |select| select.input(2))?;
        let (high, limited) = with_row(flow, limited, "Min", n)?;
        let (low, limited) = with_row(flow, limited, "Max", n)?;
        let (mut widths, difference) = with_row(flow, limited, "Div", n)?;
        let (starts, x) = with_row(flow, difference, "Sub", n)?;
        let mut are_steps = vec![0.0; n];
        if let Some(select) = select {
            let constant = row(flow, select.input(0)?)?;
            let is_reached = flow.operation(flow.source(select.input(1)?), "Not")?;
            let (step_starts, step_x) = with_row(flow, is_reached.input(0)?, "Less", n)?;
            if step_starts != starts || flow.source(step_x) != flow.source(x) {
                return None;
            }
            are_steps = expanded_to(&constant.values, n)?;
        }
        for (width, &is_step) in widths.iter_mut().zip(&are_steps) {
            match is_step == 0.0 {
                // The quotient of a bin without width is no step.
                true if *width <= 0.0 => return None,
                true => {}
                false => *width = 0.0,
            }
        }
        Some(Self {
            starts,
            widths,
            low,
            high,
            x,
        })
    }

    /// The edges of the bins, `[n_columns, n_bins + 1]`, if each bin begins where the bin before
    /// it ends, and only the first and the last bin of a column are open.
    fn edges(&self, n_bins: usize) -> Option<Vec<f64>> {
        let mut edges = Vec::with_capacity(self.starts.len() / n_bins * (n_bins + 1));
        for (index, (&start, &width)) in self.starts.iter().zip(&self.widths).enumerate() {
            let (bin, end) = (index % n_bins, start + width);
            let is_low = match bin {
                0 => self.low[index] <= f64::from(f32::MIN),
                _ => self.low[index] == 0.0,
            };
            edges.push(start);
            let is_complete = if bin + 1 == n_bins {
                edges.push(end);
                self.high[index] >= f64::from(f32::MAX)
            } else {
                let error = (self.starts[index + 1] - end).abs();
                let is_next = error <= WIDTH_TOLERANCE * (start.abs() + width);
                self.high[index] == 1.0 && is_next
            };
            if !(is_low && is_complete && end.is_finite()) {
                return None;
            }
        }
        Some(edges)
    }
}

/// One number per column, of a list of `width` numbers or of one.
fn expanded_to(values: &[f64], width: usize) -> Option<Vec<f64>> {
    [1, width]
        .contains(&values.len())
        .then(|| expanded(values, width))
}
