//! Backpropagation: the gradient of the loss with respect to every parameter.
//!
//! ```text
//! δᴸ      = ∂C/∂zᴸ                              loss (Schoofs 5)
//! ∂C/∂Wˡ  = (aˡ⁻¹)ᵀ·δˡ                          (12)
//! ∂C/∂bˡ  = Σ rows of δˡ                        (5)
//! δˡ⁻¹    = (δˡ·Wˡᵀ) ⊙ φ′(zˡ⁻¹)                 (13)
//! ```
//!
//! (Rumelhart, Hinton & Williams 1986; newbies 4.5; Schoofs section 3.1.)

use std::ops::Range;

use nn_functions::LossFunction;
use nn_functions::loss::LossRows;
use nn_samples::Rows;
use nn_tensor::sparse::{CscBuffer, WriteMode};
use nn_tensor::{AlignedSlice, Scalar, Threads};

use crate::criterion::{BlockLossFunction, LOSS_ROWS};
use crate::network::{ForwardCache, Network, Node, Plan, StageRows};
use crate::stage::inputs::LayerInputs;
use crate::stage::pass::{Backward, Target, write};
use crate::stage::{Stage, activate};

/// The errors δ of every layer and the gradient with respect to all parameters.
///
/// The buffers are allocated once, for the largest block of rows.
#[derive(Clone, Debug)]
pub struct Gradients<S> {
    errors: Errors<S>,
    /// The error buffer of each layer's weighted sums.
    layers: Vec<usize>,
    values: AlignedSlice<S>,
}

/// δ between all stages, and a scratch buffer for the backward pass.
#[derive(Clone, Debug)]
pub(crate) struct Errors<S> {
    buffers: Vec<ErrorBuffer<S>>,
    scratch: AlignedSlice<S>,
}

/// δ between two stages, `[rows, width]`.
#[derive(Clone, Debug)]
struct ErrorBuffer<S> {
    width: usize,
    values: AlignedSlice<S>,
}

impl<S: Scalar> Gradients<S> {
    /// Creates the buffers for blocks of up to `max_rows` rows.
    #[inline(never)]
    pub fn new(network: &Network<S>, max_rows: usize) -> Self {
        Self::with_errors(network, max_rows, network.plan().uses_input_error())
    }

    /// Creates the same buffers as [`new`](Self::new), and a buffer for
    /// [`input_error`](Self::input_error), the gradient with respect to the inputs.
    #[inline(never)]
    pub fn with_input_error(network: &Network<S>, max_rows: usize) -> Self {
        Self::with_errors(network, max_rows, true)
    }

    fn with_errors(network: &Network<S>, max_rows: usize, with_inputs: bool) -> Self {
        let plan = network.plan();
        let errors = plan.errors.iter().enumerate();
        let errors = errors.map(|(index, &width)| {
            let max_rows = if index == 0 && !with_inputs {
                0
            } else {
                max_rows
            };
            ErrorBuffer {
                width,
                values: AlignedSlice::new(S::zero(), max_rows * width),
            }
        });
        let slots = plan.layer_slots.iter();
        let scratch = plan.nodes.iter();
        let scratch = scratch.map(|node| node.stage.scratch(node.n_inputs));
        Self {
            errors: Errors {
                buffers: errors.collect(),
                scratch: AlignedSlice::new(S::zero(), scratch.max().unwrap_or(0)),
            },
            layers: slots
                .map(|slots| plan.slots[slots.pre_activations].error)
                .collect(),
            values: AlignedSlice::new(S::zero(), plan.n_parameters),
        }
    }

    /// The gradient, laid out like [`Network::parameters`].
    pub fn values(&self) -> &[S] {
        &self.values
    }

    /// Mutable access to the gradient, for example to set it to 0 or to clip it.
    pub fn values_mut(&mut self) -> &mut [S] {
        &mut self.values
    }

    /// The buffer of the gradient, to be swapped with another one of the same length.
    pub(crate) fn buffer_mut(&mut self) -> &mut AlignedSlice<S> {
        &mut self.values
    }

    /// The errors, and the gradient.
    pub(crate) fn split_mut(&mut self) -> (&mut Errors<S>, &mut [S]) {
        (&mut self.errors, &mut self.values)
    }

    /// δ of a layer from the last backward pass, for the first `n_rows` rows,
    /// `[n_rows, n_outputs]`.
    ///
    /// # Panics
    /// Panics if the layer does not exist or the buffers hold fewer than `n_rows` rows.
    pub fn error(&self, layer: usize, n_rows: usize) -> &[S] {
        self.errors.buffers[self.layers[layer]].rows(n_rows)
    }

    /// Mutable access to δ of a layer, for the first `n_rows` rows,
    /// `[n_rows, n_outputs]`.
    ///
    /// δ of the output layer must be set before [`backward`](Self::backward), for
    /// example by [`loss_of_batch`](Self::loss_of_batch).
    ///
    /// # Panics
    /// Panics if the layer does not exist or the buffers hold fewer than `n_rows` rows.
    pub fn error_mut(&mut self, layer: usize, n_rows: usize) -> &mut [S] {
        self.errors.buffers[self.layers[layer]].rows_mut(n_rows)
    }

    /// ∂C/∂x, the gradient with respect to the inputs from the last backward pass, for
    /// the first `n_rows` rows, `[n_rows, n_inputs]`.
    ///
    /// # Panics
    /// Panics if the buffers were not created by [`with_input_error`](Self::with_input_error),
    /// or hold fewer than `n_rows` rows.
    pub fn input_error(&self, n_rows: usize) -> &[S] {
        self.errors.buffers[0].rows(n_rows)
    }

    /// Computes the mean loss of the rows of a forward pass, and δᴸ for
    /// [`backward`](Self::backward).
    ///
    /// If members share layers, the loss of a row is the mean of its members' losses.
    ///
    /// # Shapes
    /// `targets [rows, n_outputs]`, row-major. The pair of loss and output activation
    /// must have passed [`LossFunction::check_output`].
    ///
    /// # Panics
    /// Panics if `targets` does not have one element per output.
    pub fn loss_of_batch(
        &mut self,
        loss: impl LossFunction,
        network: &Network<S>,
        targets: &[S],
        cache: &ForwardCache<S>,
    ) -> f64 {
        self.block_loss_of_batch(&loss, network, targets, cache)
    }

    /// As [`loss_of_batch`](Self::loss_of_batch).
    #[inline(never)]
    pub(crate) fn block_loss_of_batch(
        &mut self,
        loss: &dyn BlockLossFunction<S>,
        network: &Network<S>,
        targets: &[S],
        cache: &ForwardCache<S>,
    ) -> f64 {
        let output = network.output_layer();
        let outputs = cache.outputs();
        let [n_rows, width] = outputs.shape();
        let n_members = cache.n_output_members();
        assert_eq!(
            targets.len() * n_members,
            n_rows * width,
            "expected one target per output"
        );
        let repeated;
        let targets = if n_members == 1 {
            targets
        } else {
            let rows = targets.chunks_exact(width);
            let repeat = |row| std::iter::repeat_n(row, n_members).flatten();
            repeated = rows.flat_map(repeat).copied().collect::<Vec<S>>();
            &repeated
        };
        let last = network.layers().len() - 1;
        let scale = S::from_f64(1.0 / n_rows as f64);
        let layer = cache.layer(last);
        let error = self.errors.buffers[self.layers[last]].rows_mut(n_rows / n_members);
        let chunk = LOSS_ROWS * width;
        let (z, a) = (layer.pre_activations(), layer.activations());
        let outputs = z.chunks(chunk).zip(a.chunks(chunk));
        let errors = targets.chunks(chunk).zip(error.chunks_mut(chunk));
        let (mut losses, mut sum) = ([S::zero(); LOSS_ROWS], 0.0);
        for ((z, a), (y, error)) in outputs.zip(errors) {
            let losses = &mut losses[..a.len() / width];
            let rows = LossRows {
                width,
                z,
                a,
                y,
                error: &mut *error,
            };
            loss.of_rows(output.activation, rows, losses);
            error
                .iter_mut()
                .for_each(|error| *error = (*error * scale).flushed_root());
            losses.iter().for_each(|&loss| sum += loss.into_f64());
        }
        sum / n_rows as f64
    }

    /// Computes the gradient with respect to every parameter from δᴸ, and adds it to
    /// [`values`](Self::values).
    ///
    /// # Shapes
    /// `inputs [rows, n_inputs]`, as in the forward pass that wrote `cache`.
    ///
    /// # Panics
    /// Panics if the shapes do not match.
    pub fn backward<'i>(
        &mut self,
        network: &Network<S>,
        inputs: impl Into<Rows<'i, S>>,
        cache: &ForwardCache<S>,
        threads: &Threads,
    ) {
        self.backward_rows(network, &inputs.into(), cache, threads);
    }

    /// As [`backward`](Self::backward).
    #[inline(never)]
    pub(crate) fn backward_rows(
        &mut self,
        network: &Network<S>,
        inputs: &Rows<'_, S>,
        cache: &ForwardCache<S>,
        threads: &Threads,
    ) {
        let pass = BlockPass {
            inputs: &inputs.matrix().into(),
            transposed: None,
            n_frozen: 0,
        };
        self.backward_block(network, pass, WriteMode::Accumulate, cache, threads);
    }

    /// As [`backward`](Self::backward), for layers that are not frozen; overwrites or
    /// accumulates the gradient.
    #[inline]
    pub(crate) fn backward_block(
        &mut self,
        network: &Network<S>,
        mut pass: BlockPass<'_, S>,
        written: WriteMode,
        cache: &ForwardCache<S>,
        threads: &Threads,
    ) {
        let parameters = network.parameters();
        let Self { errors, values, .. } = self;
        let first = network.plan().first_trained(pass.n_frozen);
        for (index, node) in backward_nodes(network.plan(), first) {
            let target = Target::Gradient {
                parameters: &parameters[node.parameters.clone()],
                gradient: &mut values[node.parameters.clone()],
                written,
            };
            let step = BackwardStep {
                stage: StageRows::all(index, pass.inputs),
                is_last: index == first && pass.n_frozen > 0,
                transposed: pass.transposed.as_deref_mut(),
                statistics: network.statistics(),
                cache,
                threads,
            };
            errors.through(network.plan(), step, target);
        }
    }

    /// Does backpropagation and the step of plain gradient descent at once:
    ///
    /// ```text
    /// Wˡ ← Wˡ + (aˡ⁻¹)ᵀ·(−η·δˡ)
    /// ```
    ///
    /// All errors are linear in δᴸ, so δᴸ must contain the factor −η. The gradient is
    /// not stored, which saves three passes over all parameters and, for sparse
    /// inputs, the rows of W without an input. The network must pass [`can_descend`].
    pub(crate) fn descend(
        &mut self,
        network: &mut Network<S>,
        mut pass: BlockPass<'_, S>,
        cache: &ForwardCache<S>,
        threads: &Threads,
    ) {
        let (plan, parameters) = network.split_mut();
        let first = plan.first_trained(pass.n_frozen);
        for (index, node) in backward_nodes(plan, first) {
            let target = Target::Parameters(&mut parameters[node.parameters.clone()]);
            let step = BackwardStep {
                stage: StageRows::all(index, pass.inputs),
                is_last: index == first && pass.n_frozen > 0,
                transposed: pass.transposed.as_deref_mut(),
                statistics: &[],
                cache,
                threads,
            };
            self.errors.through(plan, step, target);
        }
    }
}

impl<S: Scalar> Errors<S> {
    /// Number of values per row of an error buffer.
    pub(crate) fn width(&self, buffer: usize) -> usize {
        self.buffers[buffer].width
    }

    /// The first `n_rows` rows of an error buffer.
    pub(crate) fn rows(&self, buffer: usize, n_rows: usize) -> &[S] {
        self.buffers[buffer].rows(n_rows)
    }

    /// Mutable access to the first `n_rows` rows of an error buffer.
    pub(crate) fn rows_mut(&mut self, buffer: usize, n_rows: usize) -> &mut [S] {
        self.buffers[buffer].rows_mut(n_rows)
    }

    /// As [`through`](Self::through), for divided blocks.
    #[inline(never)]
    pub(crate) fn through_rows(
        &mut self,
        plan: &Plan,
        step: BackwardStep<'_, S>,
        target: Target<'_, S>,
    ) {
        self.through(plan, step, target);
    }

    /// Computes δ of one stage's inputs from δ of its outputs.
    #[inline(always)]
    fn through(&mut self, plan: &Plan, step: BackwardStep<'_, S>, target: Target<'_, S>) {
        let StageRows {
            index,
            rows,
            inputs,
        } = step.stage;
        let node = &plan.nodes[index];
        let own: LayerInputs<'_, S>;
        let inputs = match node.input {
            0 => inputs,
            _ => {
                own = step.cache.inputs_of(node, rows.clone());
                &own
            }
        };
        let (before, own) = self.buffers.split_at_mut(node.error);
        let error = own[0].range_mut(&rows);
        let below = node.error_below.map(|below| &mut before[below]);
        let mut below = below.filter(|below| !below.values.is_empty() && !step.is_last);
        let width = step.cache.width(node.output);
        let n_skipped = rows.start * width;
        let outputs = &step.cache.values(node.output)[n_skipped..rows.end * width];
        if let Some(activation) = node.epilogue {
            let (width, threads) = (node.n_outputs, step.threads);
            activate::backward(activation, outputs, outputs, error, width, threads);
        }
        let is_in_place = node.stage.is_error_in_place();
        let error_below = match &mut below {
            Some(below) if !is_in_place => Some((below.range_mut(&rows), node.error_written)),
            _ => None,
        };
        let statistics = step.statistics.get(node.statistics.clone());
        node.stage.backward(Backward {
            n_rows: rows.len() * node.n_members,
            width: node.n_outputs,
            n_inputs: node.n_inputs,
            inputs,
            outputs,
            n_skipped,
            error: &mut *error,
            error_below,
            target,
            statistics: statistics.unwrap_or_default(),
            is_training: step.cache.is_training(),
            cache: step.cache.stage_cache(index),
            scratch: &mut self.scratch,
            transposed: step.transposed,
            threads: step.threads,
        });
        if let Some(below) = below.filter(|_| is_in_place) {
            write(error, below.range_mut(&rows), node.error_written);
        }
        if let Some((skip, written)) = node.skip {
            let skip = &mut before[plan.slots[skip].error];
            write(error, skip.range_mut(&rows), written);
        }
    }
}

/// The inputs of a backward pass over a block of rows.
#[derive(Debug)]
pub(crate) struct BlockPass<'p, S> {
    /// The network's inputs.
    pub(crate) inputs: &'p LayerInputs<'p, S>,
    /// A buffer for the transpose of sparse inputs.
    pub(crate) transposed: Option<&'p mut CscBuffer>,
    /// Number of first layers that are not trained.
    pub(crate) n_frozen: usize,
}

/// The arguments of the backward pass through one stage.
pub(crate) struct BackwardStep<'p, S> {
    pub(crate) stage: StageRows<'p, S>,
    /// Whether all stages before this one are frozen, so that δ of its inputs is not needed.
    pub(crate) is_last: bool,
    /// A buffer for the transpose of sparse inputs.
    pub(crate) transposed: Option<&'p mut CscBuffer>,
    pub(crate) statistics: &'p [S],
    pub(crate) cache: &'p ForwardCache<S>,
    pub(crate) threads: &'p Threads,
}

/// The nodes of the backward pass, last to first: from the node `first` on, all except the
/// activation of the output layer, which is part of the loss.
pub(crate) fn backward_nodes(plan: &Plan, first: usize) -> impl Iterator<Item = (usize, &Node)> {
    let nodes = plan.nodes.iter().enumerate().skip(first);
    nodes.rev().skip(1)
}

/// Returns `true` if [`Gradients::descend`] supports all stages of the network: no stage may
/// read its gradient again.
pub(crate) fn can_descend<S: Scalar>(network: &Network<S>) -> bool {
    let nodes = network.plan().nodes.iter();
    nodes.map(|node| &node.stage).all(|stage| {
        matches!(
            stage,
            Stage::Dense(_) | Stage::Activation(_) | Stage::Dropout(_) | Stage::Residual(_)
        )
    })
}

impl<S> ErrorBuffer<S> {
    fn rows(&self, n_rows: usize) -> &[S] {
        &self.values[..n_rows * self.width]
    }

    fn rows_mut(&mut self, n_rows: usize) -> &mut [S] {
        &mut self.values[..n_rows * self.width]
    }

    fn range_mut(&mut self, rows: &Range<usize>) -> &mut [S] {
        &mut self.values[rows.start * self.width..rows.end * self.width]
    }
}
