//! Recognizes dense layers that are separate for each group of columns:
//! `Reshape(x, [batch, n_groups, 1, n_inputs])·W + b`.

use super::dataflow::{Dataflow, Id};
use super::operand::row;
use crate::step::expanded;

/// A matrix product per group of columns: `x·W + b` with `W [n_groups, n_inputs, n_outputs]`.
pub(super) struct GroupedLinear<'t> {
    /// `[n_groups, n_inputs, n_outputs]`
    pub(super) sizes: [usize; 3],
    pub(super) weights: &'t [f64],
    /// `[n_groups, n_outputs]`
    pub(super) bias: Vec<f64>,
    pub(super) x: Id,
}

impl<'t> GroupedLinear<'t> {
    /// The layer that computes a value.
    pub(super) fn of(flow: &'t Dataflow<'_>, id: Id) -> Option<Self> {
        let id = flow.source(id);
        let (products, bias) = match flow.operation(id, "Add") {
            None => (id, None),
            Some(add) => match add.pair()? {
                [products, bias] if row(flow, bias).is_some() => (products, row(flow, bias)),
                [bias, products] => (products, Some(row(flow, bias)?)),
            },
        };
        let product = flow.operation(flow.source(products), "MatMul")?;
        let [groups, weights] = product.pair()?;
        let weights = flow.numbers(weights)?;
        let sizes: [usize; 3] = weights.shape[..].try_into().ok()?;
        let [n_groups, n_inputs, n_outputs] = sizes;
        let groups = flow.operation(groups, "Reshape")?;
        let shape = flow.numbers(groups.input(1)?)?;
        // In a new shape, 0 keeps the length of the batch.
        let is_batch = |length: f64| length == 0.0 || length == -1.0;
        let is_grouped = matches!(shape.values[..], [batch, groups, one, width]
            if is_batch(batch) && one == 1.0 && [groups, width] == [n_groups as f64, n_inputs as f64]);
        let bias = bias.map_or(&[0.0][..], |bias| &bias.values);
        let width = n_groups.checked_mul(n_outputs)?;
        let is_complete =
            is_grouped && !weights.values.is_empty() && [1, width].contains(&bias.len());
        let x = flow.source(groups.input(0)?);
        is_complete.then(|| Self {
            sizes,
            weights: &weights.values,
            bias: expanded(bias, width),
            x,
        })
    }

    /// The weights and the bias of each group.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&[f64], &[f64])> {
        let [_, n_inputs, n_outputs] = self.sizes;
        let weights = self.weights.chunks_exact(n_inputs * n_outputs);
        weights.zip(self.bias.chunks_exact(n_outputs))
    }
}
