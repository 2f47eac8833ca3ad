//! The execution plan of a network: its stages, and the buffers that they read and
//! write.
//!
//! Values flow through *slots*: slot 0 holds the inputs, and a stage reads one
//! slot and writes another, or works in place. δ flows back through *error
//! buffers*; consecutive stages that change δ in place share an error buffer.

use std::ops::Range;

use nn_functions::Activation;
use nn_tensor::sparse::WriteMode;

use crate::layer::{Layer, LayerConfig, Ranges};
use crate::stage::pass::TensorSpec;
use crate::stage::{Activate, BatchNorm, Dense, Dropout, Heads, Stage};

/// A node of the plan: a stage with its parameters and buffers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) stage: Stage,
    /// The activation that is applied to the outputs of a dense stage in place.
    pub(crate) epilogue: Option<Activation>,
    /// The layer of the stage, counted from 0.
    pub(crate) layer: usize,
    /// Prefix of the names of its tensors in a model file.
    pub(crate) prefix: String,
    /// Number of input rows per row of the network's inputs: 1, or one per member.
    pub(crate) n_members: usize,
    /// Number of values per input row.
    pub(crate) n_inputs: usize,
    /// Number of values per output row.
    pub(crate) n_outputs: usize,
    pub(crate) parameters: Range<usize>,
    pub(crate) statistics: Range<usize>,
    /// The slot that the stage reads.
    pub(crate) input: usize,
    /// The slot that the stage writes.
    pub(crate) output: usize,
    /// The slot that a residual connection adds, and the write mode of δ for it.
    pub(crate) skip: Option<(usize, WriteMode)>,
    /// The error buffer of the outputs.
    pub(crate) error: usize,
    /// The error buffer of the inputs, if it differs from the error buffer of the outputs.
    pub(crate) error_below: Option<usize>,
    /// The write mode of δ for the inputs.
    pub(crate) error_written: WriteMode,
}

impl Node {
    /// The tensors of the stage, with their ranges in the parameters or statistics.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = (TensorSpec, Range<usize>)> {
        let mut next = [self.parameters.start, self.statistics.start];
        let tensors = self.stage.tensors(self.n_inputs).into_iter();
        tensors.map(move |tensor| {
            let next = &mut next[usize::from(tensor.is_statistic)];
            let range = *next..*next + tensor.len();
            *next = range.end;
            (tensor, range)
        })
    }
}

/// A buffer for the values between two stages.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slot {
    /// Number of values per row of the network's inputs, of all members together.
    pub(crate) width: usize,
    /// The error buffer of the slot.
    pub(crate) error: usize,
    /// The slot to read instead in inference, because dropout is skipped.
    pub(crate) in_inference: Option<usize>,
}

/// The slots and the dropout stage of one layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LayerSlots {
    /// z, or a where z is not kept.
    pub(crate) pre_activations: usize,
    /// a = φ(z)
    pub(crate) activations: usize,
    /// The slot that the next layer reads.
    pub(crate) outputs: usize,
    /// The index of the dropout stage.
    pub(crate) dropout: Option<usize>,
    /// Number of values per output row.
    pub(crate) n_outputs: usize,
}

/// The layers, nodes and buffers of a network.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) layers: Vec<Layer>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) layer_slots: Vec<LayerSlots>,
    /// Number of values per row of each error buffer.
    pub(crate) errors: Vec<usize>,
    pub(crate) n_parameters: usize,
    pub(crate) n_statistics: usize,
    /// Number of members that share the layers after a members stage; otherwise 1.
    pub(crate) n_members: usize,
}

impl Plan {
    /// Creates the plan for layers that were checked.
    pub(crate) fn new(n_inputs: usize, layers: &[LayerConfig]) -> Self {
        let mut plan = Self {
            slots: vec![Slot {
                width: n_inputs,
                error: 0,
                in_inference: None,
            }],
            errors: vec![n_inputs],
            layers: Vec::new(),
            nodes: Vec::new(),
            layer_slots: Vec::new(),
            n_parameters: 0,
            n_statistics: 0,
            n_members: 1,
        };
        for (index, layer) in layers.iter().enumerate() {
            plan.add_layer(index, layer, index + 1 == layers.len());
        }
        plan.join_errors();
        plan
    }

    /// Number of inputs.
    pub(crate) fn n_inputs(&self) -> usize {
        self.slots[0].width
    }

    /// The first node that is not in the first `n_frozen` layers.
    pub(crate) fn first_trained(&self, n_frozen: usize) -> usize {
        self.nodes.partition_point(|node| node.layer < n_frozen)
    }

    /// Sets the error buffers of every stage from its slots.
    fn join_errors(&mut self) {
        for node in &mut self.nodes {
            let [below, error] = [node.input, node.output].map(|slot| self.slots[slot].error);
            node.error = error;
            node.error_below = (below != error).then_some(below);
        }
    }

    /// Returns `true` if a stage changes δ in the error buffer of the inputs.
    pub(crate) fn uses_input_error(&self) -> bool {
        self.slots.iter().skip(1).any(|slot| slot.error == 0)
    }

    /// Returns `true` if the first stage is dense and so can read sparse inputs.
    pub(crate) fn starts_dense(&self) -> bool {
        matches!(self.nodes[0].stage, Stage::Dense(_))
    }

    /// Maximum number of values per row between two stages.
    pub(crate) fn widest(&self) -> usize {
        let widths = self.slots.iter().skip(1).map(|slot| slot.width);
        widths.fold(1, usize::max)
    }

    /// Number of values per row in a forward cache.
    pub(crate) fn cache_width(&self) -> usize {
        let slots = self.slots.iter().skip(1).map(|slot| slot.width);
        let caches = self.nodes.iter().map(|node| {
            let lengths = |n_rows| node.stage.cache(node.n_inputs, n_rows * node.n_members);
            let [one, two] = [1, 2].map(|n_rows| lengths(n_rows).iter().sum::<usize>());
            two - one
        });
        slots.chain(caches).fold(0, usize::saturating_add)
    }

    /// Number of values per row in the error buffers.
    pub(crate) fn error_width(&self) -> usize {
        let inputs = usize::from(!self.uses_input_error());
        self.errors.iter().skip(inputs).sum()
    }

    fn add_layer(&mut self, index: usize, config: &LayerConfig, is_output: bool) {
        let (first_node, before) = (self.nodes.len(), self.slots.len() - 1);
        let (first_parameter, first_statistic) = (self.n_parameters, self.n_statistics);
        let prefix = format!("layers.{index}");
        let list = |stages: &[Stage], name: &str| -> Vec<(String, Stage)> {
            let stages = stages.iter().enumerate();
            stages
                .map(|(place, stage)| (format!("{prefix}.{name}.{place}"), stage.clone()))
                .collect()
        };
        for (prefix, stage) in list(&config.inputs, "inputs") {
            self.add(index, prefix, stage, false);
        }
        let (n_inputs, n_outputs) = (self.width(), config.n_outputs);
        let (sums, n_biases) = if is_output && self.n_members > 1 {
            let n_members = self.n_members;
            let heads = Heads {
                n_members,
                n_outputs,
            };
            (heads.into(), n_members * n_outputs)
        } else {
            (Dense { n_outputs }.into(), n_outputs)
        };
        let dense = self.add(index, prefix.clone(), sums, false);
        let bias = dense.end - n_biases..dense.end;
        let batch_norm = if config.batch_norm {
            self.add(index, prefix.clone(), BatchNorm.into(), true)
        } else {
            dense.end..dense.end
        };
        for (prefix, stage) in list(&config.sums, "sums") {
            self.add(index, prefix, stage, true);
        }
        let pre_activations = self.slots.len() - 1;
        self.add_activation(index, prefix.clone(), config.activation, is_output);
        let activations = self.slots.len() - 1;
        let dropout = (config.dropout > 0.0).then(|| self.add_dropout(index, config.dropout));
        for (prefix, stage) in list(&config.outputs, "outputs") {
            self.add(index, prefix, stage, false);
        }
        self.join_layer_input(first_node, before);
        self.layer_slots.push(LayerSlots {
            pre_activations,
            activations,
            outputs: self.slots.len() - 1,
            dropout,
            n_outputs,
        });
        self.layers.push(Layer {
            n_inputs,
            n_outputs,
            activation: config.activation,
            inputs: config.inputs.clone(),
            batch_norm: config.batch_norm,
            sums: config.sums.clone(),
            dropout: config.dropout,
            outputs: config.outputs.clone(),
            ranges: Ranges {
                weights: dense.start..bias.start,
                bias,
                batch_norm,
                parameters: first_parameter..self.n_parameters,
                statistics: first_statistic..self.n_statistics,
            },
        });
    }

    /// Adds the activation of a layer, in place if z is not needed; the loss reads z
    /// of the output layer.
    fn add_activation(
        &mut self,
        layer: usize,
        prefix: String,
        activation: Activation,
        is_output: bool,
    ) {
        let last = self.nodes.len() - 1;
        let last = &mut self.nodes[last];
        let is_after_dense = matches!(last.stage, Stage::Dense(_));
        let may_overwrite = !is_output && !activation.needs_pre_activations();
        if is_after_dense && may_overwrite {
            last.epilogue = Some(activation);
        } else {
            self.add(layer, prefix, Activate(activation).into(), !is_output);
        }
    }

    fn add_dropout(&mut self, layer: usize, probability: f64) -> usize {
        let dropout = Dropout { probability }.into();
        self.add(layer, format!("layers.{layer}"), dropout, false);
        let index = self.nodes.len() - 1;
        let node = &self.nodes[index];
        self.slots[node.output].in_inference = Some(node.input);
        index
    }

    /// Sets the `skip` slot of stages that also read the input of the layer. The
    /// backward pass writes its δ from the last of these stages first, and from the
    /// first stage of the layer last.
    fn join_layer_input(&mut self, first_node: usize, layer_input: usize) {
        let nodes = self.nodes[first_node..].iter_mut().rev();
        let mut written = WriteMode::Overwrite;
        for node in nodes.filter(|node| node.stage.reads_layer_input()) {
            node.skip = Some((layer_input, written));
            written = WriteMode::Accumulate;
        }
        if written == WriteMode::Accumulate {
            self.separate_errors(first_node);
        }
    }

    /// Number of values per row of the last slot, of one member.
    fn width(&self) -> usize {
        self.slots[self.slots.len() - 1].width / self.n_members
    }

    /// Appends a stage that reads the last slot, and returns the range of its
    /// parameters.
    fn add(
        &mut self,
        layer: usize,
        prefix: String,
        stage: Stage,
        may_overwrite: bool,
    ) -> Range<usize> {
        let (input, n_inputs) = (self.slots.len() - 1, self.width());
        let n_outputs = stage.n_outputs(n_inputs);
        let n_members = self.n_members;
        self.n_members = stage.n_members().unwrap_or(n_members);
        let width = self.n_members * n_outputs;
        let n_values = |of_statistics| stage.n_elements(n_inputs, of_statistics);
        let parameters = self.n_parameters..self.n_parameters + n_values(false);
        let statistics = self.n_statistics..self.n_statistics + n_values(true);
        (self.n_parameters, self.n_statistics) = (parameters.end, statistics.end);
        let is_in_place = may_overwrite && stage.is_in_place();
        if !is_in_place {
            if !stage.is_error_in_place() {
                self.errors.push(width);
            }
            self.slots.push(Slot {
                width,
                error: self.errors.len() - 1,
                in_inference: None,
            });
        }
        self.nodes.push(Node {
            stage,
            epilogue: None,
            layer,
            prefix,
            n_members,
            n_inputs,
            n_outputs,
            parameters: parameters.clone(),
            statistics,
            input,
            output: self.slots.len() - 1,
            skip: None,
            error: 0,
            error_below: None,
            error_written: WriteMode::Overwrite,
        });
        parameters
    }

    /// Gives the outputs of a stage a separate error buffer, and makes it add δ of
    /// its inputs, because a residual connection reads the same inputs.
    fn separate_errors(&mut self, node: usize) {
        let node = &mut self.nodes[node];
        node.error_written = WriteMode::Accumulate;
        let (input, output) = (node.input, node.output);
        let shared = self.slots[input].error;
        if self.slots[output].error == shared {
            self.errors.insert(shared + 1, self.slots[output].width);
            for slot in &mut self.slots[output..] {
                slot.error += 1;
            }
        }
    }
}
