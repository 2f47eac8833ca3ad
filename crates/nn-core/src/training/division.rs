//! The division of a training step among several processes.
//!
//! Processes exchange values and never sums of values, so the result has the same bits for
//! any number of processes. Every process has all samples and all parameters.
//!
//! A batch whose rows are added one by one is divided in two ways, by rows and by weights. Each
//! process computes:
//!
//! ```text
//! forward    outputs of its rows                     gather the outputs of the last layer
//! loss       all rows, on every process
//! backward   δ of its rows                           gather δ and the inputs of each layer
//!            ΔW of its weights, from all rows
//! update     its weights                             gather the weights
//! ```
//!
//! The weights of a process are those of a range of the inputs of each dense layer, which are
//! contiguous. All other parameters, such as biases, are few, and every process updates them.
//! In the stages that [`is_by_rows`](Division::is_by_rows) names, each process computes its
//! rows; in all others, every process computes all rows.
//!
//! A batch that is summed in blocks ([`gradient_sum`](super::gradient_sum)) is divided by
//! subtrees of blocks: each process joins its subtrees as far as they are neighbors in the
//! tree, the sums are gathered, and every process does the update.

use std::ops::Range;
use std::sync::Arc;

use nn_error::Result;
use nn_functions::optimizer::{OptimizerState, ParameterGroup};
use nn_tensor::sparse::{CscBuffer, WriteMode};
use nn_tensor::{AlignedSlice, Matrix, MatrixMut, Scalar, Threads};

use super::gradient_sum::{Subtree, Subtrees, join_neighbors};
use super::progress::EpochSums;
use crate::backprop::{BackwardStep, BlockPass, Errors, backward_nodes};
use crate::exchange::{Exchange, broadcast_into, even_bounds};
use crate::network::{ForwardCache, Network, Node, Plan, Randomness, StageRows};
use crate::stage::Stage;
use crate::stage::inputs::LayerInputs;
use crate::stage::pass::Target;

/// Number of bytes of the losses of a subtree.
const LOSS_BYTES: usize = 32;

/// Number of bytes of a failure: whether there is one, its value and its layer.
const FAILURE_BYTES: usize = 24;

/// An instruction of process 0 to the other processes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Command {
    /// Train the next batch or end the epoch.
    Advance { learning_rate: f64, descends: bool },
    /// Gather the state of the optimizer.
    CompleteState,
    /// Receive the state of the training run.
    Restore,
    /// The trainer of process 0 was dropped.
    End,
}

impl Command {
    const N_BYTES: usize = 10;

    fn encode(self) -> [u8; Self::N_BYTES] {
        let mut bytes = [0; Self::N_BYTES];
        bytes[0] = match self {
            Self::Advance {
                learning_rate,
                descends,
            } => {
                bytes[1] = u8::from(descends);
                bytes[2..].copy_from_slice(&learning_rate.to_le_bytes());
                0
            }
            Self::CompleteState => 1,
            Self::Restore => 2,
            Self::End => 3,
        };
        bytes
    }

    fn decode([kind, descends, rate @ ..]: [u8; Self::N_BYTES]) -> Self {
        match kind {
            0 => Self::Advance {
                learning_rate: f64::from_le_bytes(rate),
                descends: descends != 0,
            },
            1 => Self::CompleteState,
            2 => Self::Restore,
            _ => Self::End,
        }
    }
}

/// The part of this process in every training step.
#[derive(Debug)]
pub(crate) struct Division<S: Scalar> {
    exchange: Arc<dyn Exchange<S>>,
    /// For each node, the bounds of the inputs whose weights each process updates; empty
    /// for a node whose parameters every process updates.
    inputs: Vec<Vec<usize>>,
    /// Whether each process updates its own weights only.
    divides_update: bool,
    /// Whether the state of the optimizer is complete on every process.
    is_state_complete: bool,
    /// The bounds of the rows of the current block.
    rows: Vec<usize>,
    /// The bounds of the values of an exchange.
    bounds: Vec<usize>,
    /// Whether each slot has the values of all rows of the current block.
    is_slot_complete: Vec<bool>,
    /// Whether each error buffer has δ of all rows of the current block.
    is_error_complete: Vec<bool>,
    /// Losses and failures of subtrees.
    bytes: Vec<u8>,
    /// Whether this process cannot continue.
    is_abandoned: bool,
}

impl<S: Scalar> Drop for Division<S> {
    fn drop(&mut self) {
        // If this fails, the exchange has failed, which the other processes find out as well.
        if !self.is_abandoned {
            let _ = self.announce(Command::End);
        }
    }
}

impl<S: Scalar> Division<S> {
    /// Divides the steps of a network. `first_inputs` are the bounds of the inputs of each
    /// process in a first dense layer, or `None` if it cannot be divided.
    pub(super) fn new(
        exchange: Arc<dyn Exchange<S>>,
        plan: &Plan,
        first_inputs: Option<Vec<usize>>,
        divides_update: bool,
    ) -> Self {
        let n_processes = exchange.n_processes();
        let inputs = plan.nodes.iter().map(|node| match node.stage {
            Stage::Dense(_) if node.input == 0 => first_inputs.clone().unwrap_or_default(),
            Stage::Dense(_) => even_bounds(node.n_inputs, n_processes).collect(),
            _ => Vec::new(),
        });
        Self {
            inputs: inputs.collect(),
            divides_update,
            is_state_complete: true,
            rows: Vec::with_capacity(n_processes + 1),
            bounds: Vec::with_capacity(n_processes + 1),
            is_slot_complete: vec![true; plan.slots.len()],
            is_error_complete: vec![true; plan.errors.len()],
            bytes: Vec::new(),
            is_abandoned: false,
            exchange,
        }
    }

    /// Returns `true` for the process that instructs the others.
    pub(crate) fn is_first(&self) -> bool {
        self.exchange.rank() == 0
    }

    pub(crate) fn exchange(&self) -> &dyn Exchange<S> {
        &*self.exchange
    }

    /// Sends a command to the other processes, if this is process 0.
    pub(crate) fn announce(&self, command: Command) -> Result<()> {
        if self.is_first() {
            broadcast_into(&*self.exchange, &mut command.encode())?;
        }
        Ok(())
    }

    /// Receives the next command of process 0.
    pub(crate) fn receive(&self) -> Result<Command> {
        let mut bytes = [0; Command::N_BYTES];
        broadcast_into(&*self.exchange, &mut bytes)?;
        Ok(Command::decode(bytes))
    }

    /// Notes that this process cannot continue.
    pub(super) fn abandon(&mut self) {
        self.is_abandoned = true;
        self.exchange.abandon();
    }

    pub(super) fn divides_update(&self) -> bool {
        self.divides_update
    }

    /// Notes that every process has the whole state.
    pub(super) fn note_complete_state(&mut self) {
        self.is_state_complete = true;
    }

    /// Returns `true` if the state of the optimizer is complete on every process.
    pub(super) fn is_state_complete(&self) -> bool {
        self.is_state_complete
    }

    /// The subtrees of a batch that this process sums.
    pub(super) fn subtrees(&self, n_subtrees: usize) -> Range<usize> {
        let mut bounds = even_bounds(n_subtrees, self.exchange.n_processes());
        let start = bounds.nth(self.exchange.rank()).unwrap_or(0);
        start..bounds.next().unwrap_or(n_subtrees)
    }

    /// Number of neighboring subtrees that a process joins before the exchange: the largest
    /// power of two that divides the first subtree of every process. The joined sums are
    /// nodes of the tree of all blocks.
    fn n_neighbors(&self, n_subtrees: usize) -> usize {
        let n_processes = self.exchange.n_processes();
        let firsts = even_bounds(n_subtrees, n_processes).take(n_processes);
        let exponents = firsts.map(usize::trailing_zeros);
        let largest = n_subtrees.next_power_of_two().ilog2();
        1 << exponents.fold(largest, u32::min)
    }

    /// Number of gradient sums of a batch after neighboring subtrees have been added.
    pub(super) fn n_sums(&self, n_subtrees: usize) -> usize {
        n_subtrees.div_ceil(self.n_neighbors(n_subtrees))
    }

    /// Completes the losses of all subtrees of a batch, and their sums. The first
    /// [`n_sums`](Self::n_sums) elements of the sums are left to join. Returns the value and
    /// the layer of the first failure on any process, where a value became NaN or infinite.
    pub(super) fn complete_subtrees(
        &mut self,
        batch: SubtreeSums<'_, S>,
        failure: Option<(f64, usize)>,
    ) -> Result<Option<(f64, usize)>> {
        let SubtreeSums {
            subtrees,
            sums,
            losses,
            gradient,
            threads,
        } = batch;
        let (rank, n_processes) = (self.exchange.rank(), self.exchange.n_processes());
        let owned: Vec<usize> = even_bounds(sums.len(), n_processes).collect();
        self.bounds.clear();
        let starts = owned.iter().enumerate();
        self.bounds
            .extend(starts.map(|(k, start)| k * FAILURE_BYTES + start * LOSS_BYTES));
        self.bytes.clear();
        self.bytes.resize(self.bounds[n_processes], 0);
        let own = &mut self.bytes[self.bounds[rank]..self.bounds[rank + 1]];
        let (own_failure, own_losses) = own.split_at_mut(FAILURE_BYTES);
        if let Some((value, layer)) = failure {
            let words = [1, value.to_bits(), layer as u64];
            write_words(words, own_failure);
        }
        let losses_of_own = &losses[owned[rank]..owned[rank + 1]];
        for (loss, bytes) in losses_of_own.iter().zip(own_losses.chunks_mut(LOSS_BYTES)) {
            write_words(loss.words(), bytes);
        }
        self.exchange
            .all_gather_bytes(&mut self.bytes, &self.bounds)?;
        for process in 0..n_processes {
            let bytes = &self.bytes[self.bounds[process]..self.bounds[process + 1]];
            let (failure, bytes) = bytes.split_at(FAILURE_BYTES);
            let [is_failure, value, layer] = read_words(failure);
            if is_failure == 1 {
                return Ok(Some((f64::from_bits(value), layer as usize)));
            }
            let losses = &mut losses[owned[process]..owned[process + 1]];
            for (loss, bytes) in losses.iter_mut().zip(bytes.chunks(LOSS_BYTES)) {
                *loss = EpochSums::of_words(read_words(bytes));
            }
        }
        let n_neighbors = self.n_neighbors(sums.len());
        let own = &mut sums[owned[rank]..owned[rank + 1]];
        join_neighbors(own, n_neighbors, gradient, threads);
        for first in (0..sums.len()).step_by(n_neighbors) {
            let owner = owned.partition_point(|&start| start <= first) - 1;
            let sum = &mut sums[first];
            if owner != rank {
                sum.expect_blocks(subtrees.blocks(first).count());
            }
            let values = sum.values_mut();
            self.bounds.fill(0);
            self.bounds[owner + 1..].fill(values.len());
            self.exchange.all_gather(values, &self.bounds)?;
            sums.swap(first / n_neighbors, first);
        }
        Ok(None)
    }

    /// The parts of parameter groups that this process updates.
    pub(super) fn own_groups(&self, plan: &Plan, groups: &[ParameterGroup]) -> Vec<ParameterGroup> {
        if !self.divides_update {
            return groups.to_vec();
        }
        let own = self.own_parameters(plan);
        let parts = groups.iter().flat_map(|group| {
            own.iter().map(move |own| ParameterGroup {
                range: own.start.max(group.range.start)..own.end.min(group.range.end),
                ..group.clone()
            })
        });
        parts.filter(|part| !part.range.is_empty()).collect()
    }

    /// The ranges of the parameters that this process updates.
    fn own_parameters(&self, plan: &Plan) -> Vec<Range<usize>> {
        let mut own: Vec<Range<usize>> = Vec::new();
        for (index, node) in plan.nodes.iter().enumerate() {
            let start = node.parameters.start;
            let parts = match self.own_inputs(index) {
                None => [start..start, node.parameters.clone()],
                Some(inputs) => [
                    start + inputs.start * node.n_outputs..start + inputs.end * node.n_outputs,
                    start + node.n_inputs * node.n_outputs..node.parameters.end,
                ],
            };
            for part in parts.into_iter().filter(|part| !part.is_empty()) {
                match own.last_mut() {
                    Some(last) if last.end == part.start => last.end = part.end,
                    _ => own.push(part),
                }
            }
        }
        own
    }

    /// The inputs of a node whose weights this process updates; `None` if it updates all
    /// parameters of the node.
    fn own_inputs(&self, index: usize) -> Option<Range<usize>> {
        let rank = self.exchange.rank();
        match self.inputs[index][..] {
            [] => None,
            ref bounds => Some(bounds[rank]..bounds[rank + 1]),
        }
    }

    /// Gathers values of parameters, such as weights or their gradient, from the processes
    /// that computed them, for all nodes from `first` on.
    pub(super) fn complete_parameters(
        &mut self,
        plan: &Plan,
        first: usize,
        values: &mut [S],
    ) -> Result<()> {
        for (index, node) in plan.nodes.iter().enumerate().skip(first) {
            if self.inputs[index].is_empty() {
                continue;
            }
            let n_weights = node.n_inputs * node.n_outputs;
            let weights = &mut values[node.parameters.start..][..n_weights];
            self.bounds.clear();
            let bounds = self.inputs[index].iter();
            self.bounds
                .extend(bounds.map(|input| input * node.n_outputs));
            self.exchange.all_gather(weights, &self.bounds)?;
        }
        Ok(())
    }

    /// Notes that an update changed only this process's part of the optimizer's state.
    pub(super) fn note_update(&mut self) {
        self.is_state_complete = !self.divides_update;
    }

    /// Gathers the state of the optimizer.
    pub(super) fn complete_optimizer(
        &mut self,
        plan: &Plan,
        first: usize,
        optimizer: &mut OptimizerState<S>,
    ) -> Result<()> {
        if self.is_state_complete {
            return Ok(());
        }
        for slot in optimizer.slots_mut() {
            if !slot.is_empty() {
                self.complete_parameters(plan, first, slot)?;
            }
        }
        self.is_state_complete = true;
        Ok(())
    }

    /// Does the forward pass of a block of rows in training mode; completes the outputs of
    /// the last layer.
    pub(super) fn forward(
        &mut self,
        network: &mut Network<S>,
        n_frozen: usize,
        inputs: &LayerInputs<'_, S>,
        cache: &mut ForwardCache<S>,
        randomness: Randomness,
        threads: &Threads,
    ) -> Result<()> {
        let n_rows = inputs.n_rows();
        self.start_block(n_rows);
        let own_inputs = inputs.rows(self.own_rows());
        network.start_training_pass(n_rows, cache);
        for index in 0..network.plan().nodes.len() {
            let node = &network.plan().nodes[index];
            let is_by_rows = self.is_by_rows(index, node);
            let output = node.output;
            let stage = if is_by_rows {
                StageRows {
                    index,
                    rows: self.own_rows(),
                    inputs: own_inputs.as_ref().unwrap_or(inputs),
                }
            } else {
                let skip = node.skip.map(|(slot, _)| slot);
                for slot in std::iter::once(node.input).chain(skip) {
                    self.complete_slot(slot, cache)?;
                }
                StageRows::all(index, inputs)
            };
            if !stage.rows.is_empty() {
                network.train_stage(n_frozen, stage, cache, randomness, threads);
            }
            self.is_slot_complete[output] = !is_by_rows;
        }
        let last = network.plan().layer_slots.last().expect("there is a layer");
        self.complete_slot(last.pre_activations, cache)?;
        self.complete_slot(last.activations, cache)
    }

    /// Completes the weighted sums of all layers, to find the first that is NaN or infinite.
    pub(super) fn complete_layers(
        &mut self,
        plan: &Plan,
        cache: &mut ForwardCache<S>,
    ) -> Result<()> {
        let mut slots = plan.layer_slots.iter();
        slots.try_for_each(|slots| self.complete_slot(slots.pre_activations, cache))
    }

    /// Runs the backward pass for a block of rows: computes the gradient of the weights of
    /// this process and of all other parameters.
    ///
    /// δ of the last layer must be complete.
    pub(super) fn backward(
        &mut self,
        trained: Trained<'_, S>,
        errors: &mut Errors<S>,
        mut pass: BlockPass<'_, S>,
        cache: &mut ForwardCache<S>,
        threads: &Threads,
    ) -> Result<()> {
        let Trained {
            plan,
            statistics,
            mut target,
        } = trained;
        self.is_error_complete.fill(true);
        let first = plan.first_trained(pass.n_frozen);
        for (index, node) in backward_nodes(plan, first) {
            let is_by_rows = self.is_by_rows(index, node);
            if !is_by_rows {
                self.complete_errors(node.error, errors)?;
            }
            let (stage, own_target) = if is_by_rows {
                let stage = StageRows {
                    index,
                    rows: self.own_rows(),
                    inputs: pass.inputs,
                };
                let parameters = &target.parameters()[node.parameters.clone()];
                (stage, Target::Elsewhere(parameters))
            } else {
                let stage = StageRows::all(index, pass.inputs);
                (stage, target.part(node.parameters.clone()))
            };
            let step = BackwardStep {
                stage,
                is_last: index == first && pass.n_frozen > 0,
                transposed: if is_by_rows {
                    None
                } else {
                    pass.transposed.as_deref_mut()
                },
                statistics,
                cache,
                threads,
            };
            errors.through_rows(plan, step, own_target);
            self.note_errors(plan, node, is_by_rows);
            if is_by_rows && matches!(node.stage, Stage::Dense(_)) {
                self.complete_errors(node.error, errors)?;
                self.complete_slot(node.input, cache)?;
                let (gradient, written) = target.gradient();
                let gradient = &mut gradient[node.parameters.clone()];
                let inputs = match node.input {
                    0 => *pass.inputs,
                    _ => cache.inputs_of(node, 0..pass.inputs.n_rows()),
                };
                let transposed = pass.transposed.as_deref_mut().filter(|_| node.input == 0);
                let error = errors.rows(node.error, pass.inputs.n_rows());
                let own = OwnGradient {
                    node,
                    inputs: self.own_inputs(index).expect("the stage is divided"),
                };
                own.compute(&inputs, error, gradient, written, transposed, threads);
            }
        }
        Ok(())
    }

    /// Divides the rows of a block.
    fn start_block(&mut self, n_rows: usize) {
        self.rows.clear();
        self.rows
            .extend(even_bounds(n_rows, self.exchange.n_processes()));
        self.is_slot_complete.fill(true);
    }

    fn own_rows(&self) -> Range<usize> {
        let rank = self.exchange.rank();
        self.rows[rank]..self.rows[rank + 1]
    }

    /// Returns `true` if each process computes its own rows of a stage.
    fn is_by_rows(&self, index: usize, node: &Node) -> bool {
        match node.stage {
            Stage::Dense(_) => !self.inputs[index].is_empty(),
            Stage::Activation(_) | Stage::Dropout(_) | Stage::Residual(_) => true,
            _ => false,
        }
    }

    /// Updates which error buffers are complete after the backward pass of a stage.
    fn note_errors(&mut self, plan: &Plan, node: &Node, is_by_rows: bool) {
        let is_changed = node.epilogue.is_some()
            || matches!(node.stage, Stage::Activation(_) | Stage::Dropout(_));
        if is_by_rows && is_changed {
            self.is_error_complete[node.error] = false;
        }
        let below = node.error_below.map(|below| (below, node.error_written));
        let skip = node
            .skip
            .map(|(slot, written)| (plan.slots[slot].error, written));
        for (buffer, written) in below.into_iter().chain(skip) {
            let is_complete = &mut self.is_error_complete[buffer];
            *is_complete = !is_by_rows && (written == WriteMode::Overwrite || *is_complete);
        }
    }

    /// Gathers the values of a slot, if they are not complete.
    fn complete_slot(&mut self, slot: usize, cache: &mut ForwardCache<S>) -> Result<()> {
        if !std::mem::replace(&mut self.is_slot_complete[slot], true) {
            self.set_bounds(cache.width(slot));
            self.exchange
                .all_gather(cache.values_mut(slot), &self.bounds)?;
        }
        Ok(())
    }

    /// Gathers δ of an error buffer, if it is not complete.
    fn complete_errors(&mut self, buffer: usize, errors: &mut Errors<S>) -> Result<()> {
        if !std::mem::replace(&mut self.is_error_complete[buffer], true) {
            self.set_bounds(errors.width(buffer));
            let n_rows = self.rows[self.rows.len() - 1];
            let values = errors.rows_mut(buffer, n_rows);
            self.exchange.all_gather(values, &self.bounds)?;
        }
        Ok(())
    }

    /// Sets the bounds of each process for the values of rows of this width.
    fn set_bounds(&mut self, width: usize) {
        self.bounds.clear();
        self.bounds.extend(self.rows.iter().map(|row| row * width));
    }
}

/// The sums and losses of the subtrees of a batch.
pub(super) struct SubtreeSums<'s, S> {
    pub(super) subtrees: Subtrees,
    pub(super) sums: &'s mut [Subtree<S>],
    pub(super) losses: &'s mut [EpochSums],
    /// Overwritten with any values.
    pub(super) gradient: &'s mut AlignedSlice<S>,
    pub(super) threads: &'s Threads,
}

/// The network of a backward pass, and the destination of the gradient of all parameters.
pub(super) struct Trained<'p, S> {
    pub(super) plan: &'p Plan,
    pub(super) statistics: &'p [S],
    pub(super) target: Target<'p, S>,
}

impl<'p, S: Scalar> Trained<'p, S> {
    /// The destination is `gradient`, or the parameters with plain gradient descent.
    pub(super) fn new(
        network: &'p mut Network<S>,
        gradient: &'p mut [S],
        descends: bool,
        written: WriteMode,
    ) -> Self {
        if descends {
            let (plan, parameters) = network.split_mut();
            return Self {
                plan,
                statistics: &[],
                target: Target::Parameters(parameters),
            };
        }
        let network: &'p Network<S> = network;
        Self {
            plan: network.plan(),
            statistics: network.statistics(),
            target: Target::Gradient {
                parameters: network.parameters(),
                gradient,
                written,
            },
        }
    }
}

/// The gradient of the weights of this process in a dense node, and of its biases.
struct OwnGradient<'n> {
    node: &'n Node,
    inputs: Range<usize>,
}

impl OwnGradient<'_> {
    /// Writes the gradient to the node's range of the whole gradient.
    fn compute<S: Scalar>(
        &self,
        inputs: &LayerInputs<'_, S>,
        error: &[S],
        gradient: &mut [S],
        written: WriteMode,
        transposed: Option<&mut CscBuffer>,
        threads: &Threads,
    ) {
        let (own, width) = (self.inputs.clone(), self.node.n_outputs);
        let (weights, bias) = gradient.split_at_mut(self.node.n_inputs * width);
        let weights = &mut weights[own.start * width..own.end * width];
        let error = Matrix::new(error, [error.len() / width, width]);
        let weights = MatrixMut::new(weights, [own.len(), width]);
        let inputs = inputs.columns(own);
        inputs.gradients(error, weights, bias, written, transposed, threads);
    }
}

fn write_words<const N: usize>(words: [u64; N], bytes: &mut [u8]) {
    for (word, bytes) in words.into_iter().zip(bytes.chunks_exact_mut(8)) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
}

fn read_words<const N: usize>(bytes: &[u8]) -> [u64; N] {
    let mut words = bytes.chunks_exact(8).map(|bytes| {
        let bytes = bytes.try_into().expect("a chunk has 8 bytes");
        u64::from_le_bytes(bytes)
    });
    std::array::from_fn(|_| words.next().expect("there are enough bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_decoded_as_they_were_encoded() {
        let advance = Command::Advance {
            learning_rate: 0.1,
            descends: true,
        };
        for command in [
            advance,
            Command::CompleteState,
            Command::Restore,
            Command::End,
        ] {
            assert_eq!(Command::decode(command.encode()), command);
        }
    }
}
