//! The forward cache: the values of a forward pass that the backward pass needs.

use std::ops::Range;

use nn_samples::Rows;
use nn_tensor::{AlignedSlice, Matrix, Scalar, Threads};

use super::combination::Combination;
use super::plan::{LayerSlots, Node, Plan};
use crate::stage::activate;
use crate::stage::inputs::LayerInputs;
use crate::stage::pass::{Cache, Forward, Mode};

/// The activations of every layer for a batch, kept for the backward pass.
///
/// The buffers are allocated once, for the largest batch.
#[derive(Clone, Debug)]
pub struct ForwardCache<S> {
    slots: Vec<Slot<S>>,
    caches: Vec<Cache<S>>,
    layers: Vec<LayerSlots>,
    /// The combined outputs of several members in inference.
    combination: Option<Combination<S>>,
    max_rows: usize,
    n_rows: usize,
    is_training: bool,
}

/// A stage of the plan, and the rows of a block for which it runs.
#[derive(Clone, Debug)]
pub(crate) struct StageRows<'p, S> {
    /// Index of the stage.
    pub(crate) index: usize,
    pub(crate) rows: Range<usize>,
    /// The network's inputs for these rows.
    pub(crate) inputs: &'p LayerInputs<'p, S>,
}

impl<'p, S: Scalar> StageRows<'p, S> {
    /// All rows of a block.
    #[inline(always)]
    pub(crate) fn all(index: usize, inputs: &'p LayerInputs<'p, S>) -> Self {
        let rows = 0..inputs.n_rows();
        Self {
            index,
            rows,
            inputs,
        }
    }
}

/// The values between two stages, `[max_rows, width]`; empty for the inputs.
#[derive(Clone, Debug)]
struct Slot<S> {
    width: usize,
    in_inference: Option<usize>,
    values: AlignedSlice<S>,
}

/// The activations of one layer for a batch, each `[batch, n_outputs]`.
///
/// In a network whose members share layers, there is a row for each member of each row of
/// the batch. In inference, the output layer has the combined outputs of all members; the
/// other layers have the values of the first network of an ensemble.
#[derive(Clone, Copy, Debug)]
pub struct LayerCache<'t, S> {
    cache: &'t ForwardCache<S>,
    slots: LayerSlots,
}

impl<S: Scalar> ForwardCache<S> {
    /// Creates the buffers for a plan.
    pub(super) fn for_plan(
        plan: &Plan,
        max_rows: usize,
        combination: Option<Combination<S>>,
    ) -> Self {
        let slots = plan.slots.iter().enumerate().map(|(index, slot)| Slot {
            width: slot.width,
            in_inference: slot.in_inference,
            values: AlignedSlice::new(
                S::zero(),
                if index == 0 { 0 } else { max_rows * slot.width },
            ),
        });
        let caches = plan.nodes.iter().map(|node| {
            let lengths = node.stage.cache(node.n_inputs, max_rows * node.n_members);
            lengths.map(|len| AlignedSlice::new(S::zero(), len))
        });
        Self {
            slots: slots.collect(),
            caches: caches.collect(),
            layers: plan.layer_slots.clone(),
            combination,
            max_rows,
            n_rows: 0,
            is_training: false,
        }
    }

    /// The activations of layer `index`, counted from 0.
    ///
    /// # Panics
    /// Panics if the layer does not exist.
    pub fn layer(&self, index: usize) -> LayerCache<'_, S> {
        LayerCache {
            cache: self,
            slots: self.layers[index],
        }
    }

    /// The network's outputs, `[batch, n_outputs]`.
    pub fn outputs(&self) -> Rows<'_, S> {
        self.layer(self.layers.len() - 1).outputs()
    }

    /// Number of output rows per row of the batch: one per member that shares layers in
    /// training, otherwise 1.
    pub(crate) fn n_output_members(&self) -> usize {
        self.outputs().n_rows() / self.n_rows.max(1)
    }

    /// Starts the combination of the members' outputs, if there is one.
    pub(super) fn start_combination(&mut self) {
        if let Some(combination) = &mut self.combination {
            combination.clear(self.n_rows);
        }
    }

    /// Adds the outputs of a network to the combination, if there is one.
    pub(super) fn add_to_combination(&mut self) {
        let Some(combination) = &mut self.combination else {
            return;
        };
        let last = self.layers[self.layers.len() - 1];
        let values = |slot| values_of(&self.slots, slot, self.n_rows, false);
        combination.add(
            self.n_rows,
            values(last.pre_activations),
            values(last.activations),
        );
    }

    /// Finishes the combination of the members' outputs, if there is one.
    pub(super) fn finish_combination(&mut self) {
        if let Some(combination) = &mut self.combination {
            combination.finish(self.n_rows);
        }
    }

    /// Prepares a forward pass of `n_rows` rows.
    pub(super) fn start(&mut self, plan: &Plan, n_rows: usize, is_training: bool) {
        let is_own = self.slots.len() == plan.slots.len() && self.caches.len() == plan.nodes.len();
        assert!(
            is_own,
            "the forward cache was created for a network with different stages"
        );
        assert!(
            n_rows <= self.max_rows,
            "a batch of {n_rows} rows is larger than the forward cache of {} rows",
            self.max_rows
        );
        (self.n_rows, self.is_training) = (n_rows, is_training);
    }

    /// Returns `true` if the last forward pass was in training mode.
    pub(crate) fn is_training(&self) -> bool {
        self.is_training
    }

    pub(crate) fn stage_cache(&self, stage: usize) -> &Cache<S> {
        &self.caches[stage]
    }

    /// The values of a slot other than the slot of the inputs.
    #[inline]
    pub(crate) fn values(&self, slot: usize) -> &[S] {
        values_of(&self.slots, slot, self.n_rows, self.is_training)
    }

    /// Number of values per row of the network's inputs in a slot.
    pub(crate) fn width(&self, slot: usize) -> usize {
        self.slots[slot].width
    }

    /// Mutable access to the values of a slot in training.
    pub(crate) fn values_mut(&mut self, slot: usize) -> &mut [S] {
        let slot = &mut self.slots[slot];
        &mut slot.values[..self.n_rows * slot.width]
    }

    /// The inputs of a stage for some of the rows, from a slot other than the slot of the
    /// network's inputs.
    #[inline(always)]
    pub(crate) fn inputs_of(&self, node: &Node, rows: Range<usize>) -> LayerInputs<'_, S> {
        let n_rows = rows.len() * node.n_members;
        let width = self.slots[node.input].width;
        let values = &self.values(node.input)[rows.start * width..rows.end * width];
        Matrix::new(values, [n_rows, node.n_inputs]).into()
    }

    /// Runs a stage of the plan, followed by its activation, if any.
    #[inline(always)]
    pub(super) fn run(
        &mut self,
        plan: &Plan,
        stage: StageRows<'_, S>,
        parameters: &[S],
        mode: Mode<'_, S>,
        threads: &Threads,
    ) {
        let (index, rows) = (stage.index, stage.rows.clone());
        self.run_stage(plan, stage, parameters, mode, threads);
        self.activate(&plan.nodes[index], rows, threads);
    }

    /// Applies the activation of a dense stage, if any, to some of the rows.
    #[inline(always)]
    pub(super) fn activate(&mut self, node: &Node, rows: Range<usize>, threads: &Threads) {
        if let Some(activation) = node.epilogue {
            let slot = &mut self.slots[node.output];
            let outputs = &mut slot.values[rows.start * slot.width..rows.end * slot.width];
            activate::apply(activation, None, outputs, node.n_outputs, threads);
        }
    }

    /// Runs a stage of the plan, without its activation.
    #[inline(always)]
    pub(super) fn run_stage(
        &mut self,
        plan: &Plan,
        stage: StageRows<'_, S>,
        parameters: &[S],
        mode: Mode<'_, S>,
        threads: &Threads,
    ) {
        let StageRows {
            index,
            rows,
            inputs,
        } = stage;
        let (node, n_rows) = (&plan.nodes[index], self.n_rows);
        let (before, rest) = self.slots.split_at_mut(node.output);
        let values = |slot: usize| {
            let width = before[slot].width;
            let values = values_of(before, slot, n_rows, self.is_training);
            &values[rows.start * width..rows.end * width]
        };
        let own: LayerInputs<'_, S>;
        let inputs = match node.input {
            0 => Some(inputs),
            slot if slot == node.output => None,
            slot => {
                let shape = [rows.len() * node.n_members, node.n_inputs];
                own = Matrix::new(values(slot), shape).into();
                Some(&own)
            }
        };
        let output = &mut rest[0];
        node.stage.forward(Forward {
            width: node.n_outputs,
            n_inputs: node.n_inputs,
            inputs,
            skip: node.skip.map(|(slot, _)| values(slot)),
            outputs: &mut output.values[rows.start * output.width..rows.end * output.width],
            n_skipped: rows.start * output.width,
            parameters: &parameters[node.parameters.clone()],
            mode,
            cache: &mut self.caches[index],
            threads,
        });
    }
}

#[inline(always)]
fn values_of<S>(slots: &[Slot<S>], slot: usize, n_rows: usize, is_training: bool) -> &[S] {
    let slot = match slots[slot].in_inference {
        Some(slot) if !is_training => &slots[slot],
        _ => &slots[slot],
    };
    &slot.values[..n_rows * slot.width]
}

impl<'t, S: Scalar> LayerCache<'t, S> {
    /// The pre-activations z. If φ′ can be computed from the activations a alone, z is
    /// not stored, and a is returned instead.
    pub fn pre_activations(&self) -> &'t [S] {
        match self.combination() {
            Some(combination) => combination.z(self.cache.n_rows),
            None => self.cache.values(self.slots.pre_activations),
        }
    }

    /// The activations a = φ(z), before dropout.
    pub fn activations(&self) -> &'t [S] {
        match self.combination() {
            Some(combination) => combination.a(self.cache.n_rows),
            None => self.cache.values(self.slots.activations),
        }
    }

    /// The outputs of the layer: a, after dropout and the residual connection.
    pub fn outputs(&self) -> Rows<'t, S> {
        Rows::new(self.output_values(), self.slots.n_outputs)
    }

    /// The values of [`outputs`](Self::outputs), in row-major order.
    pub(crate) fn output_values(&self) -> &'t [S] {
        match self.combination() {
            Some(combination) => combination.a(self.cache.n_rows),
            None => self.cache.values(self.slots.outputs),
        }
    }

    /// The combined outputs, if this is the output layer in inference.
    fn combination(&self) -> Option<&'t Combination<S>> {
        let last = &self.cache.layers[self.cache.layers.len() - 1];
        let combination = self.cache.combination.as_ref();
        combination.filter(|_| !self.cache.is_training && self.slots == *last)
    }

    /// The dropout mask m: 0 for dropped outputs, 1/(1 − p) for others; empty
    /// without dropout. Valid only after a forward pass in training mode.
    pub fn mask(&self) -> &'t [S] {
        let Some(dropout) = self.slots.dropout else {
            return &[];
        };
        let width = self.cache.slots[self.slots.activations].width;
        &self.cache.caches[dropout][0][..self.cache.n_rows * width]
    }
}
