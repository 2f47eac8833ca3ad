//! A computation as a graph of operators, which each exported format is written from.
//!
//! Every node computes one row of values from the rows of earlier nodes, so the nodes are in
//! the order of computation. The first node is the input. Members that share layers have one row
//! each: a node computes each of its rows in the same way.

use nn_core::Activation;

use crate::op::{Int8Linear, Op};

/// The output of a node, or the input of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The values of the graph's input.
    Values,
    /// The output of the node with this index.
    Node(usize),
}

/// An operator with its inputs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) op: Op,
    pub(crate) inputs: Vec<Source>,
    /// Number of values per row of the output.
    pub(crate) width: usize,
    /// Number of rows per sample of the output.
    pub(crate) n_rows: usize,
}

/// Operators in the order of computation. The output of the last node is the output of the
/// graph; a graph without nodes returns its input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Graph {
    n_values: usize,
    nodes: Vec<Node>,
}

impl Graph {
    /// A graph without operators, for rows of `n_values` values.
    pub(crate) fn new(n_values: usize) -> Self {
        Self {
            n_values,
            nodes: Vec::new(),
        }
    }

    /// Number of values per row of the input.
    pub(crate) fn n_values(&self) -> usize {
        self.n_values
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The output of the last node.
    pub(crate) fn output(&self) -> Source {
        match self.nodes.len() {
            0 => Source::Values,
            n => Source::Node(n - 1),
        }
    }

    /// Number of values per row of a source.
    pub(crate) fn width(&self, source: Source) -> usize {
        match source {
            Source::Values => self.n_values,
            Source::Node(index) => self.nodes[index].width,
        }
    }

    /// Number of rows per sample of a source.
    pub(crate) fn n_rows(&self, source: Source) -> usize {
        match source {
            Source::Values => 1,
            Source::Node(index) => self.nodes[index].n_rows,
        }
    }

    /// Number of values per row of the output.
    pub(crate) fn n_outputs(&self) -> usize {
        self.width(self.output())
    }

    /// Appends an operator.
    pub(crate) fn add(&mut self, op: Op, inputs: &[Source]) -> Source {
        let widths: Vec<usize> = inputs.iter().map(|&input| self.width(input)).collect();
        self.nodes.push(Node {
            width: op.n_outputs(&widths),
            n_rows: op.n_rows(self.n_rows(inputs[0])),
            op,
            inputs: inputs.to_vec(),
        });
        self.output()
    }

    /// Appends an operator on some columns of a source; all columns in their order need no
    /// selection.
    pub(crate) fn select(&mut self, columns: Vec<usize>, input: Source) -> Source {
        if columns.iter().copied().eq(0..self.width(input)) {
            return input;
        }
        self.add(Op::Select(columns), &[input])
    }

    /// Appends a concatenation; a single source needs none.
    pub(crate) fn concat(&mut self, inputs: &[Source]) -> Source {
        match inputs {
            [input] => *input,
            inputs => self.add(Op::Concat, inputs),
        }
    }

    /// Appends an activation function; the identity needs no operator.
    pub(crate) fn activate(&mut self, activation: Activation, input: Source) -> Source {
        match activation {
            Activation::Identity => input,
            activation => self.add(Op::Activation(activation), &[input]),
        }
    }

    /// The operator that computes a source, to change its constants.
    pub(crate) fn op_mut(&mut self, source: Source) -> Option<&mut Op> {
        match source {
            Source::Values => None,
            Source::Node(index) => Some(&mut self.nodes[index].op),
        }
    }

    /// Replaces dense layers by layers of 8 bits; `quantize` gets the index of the node.
    pub(crate) fn with_int8(&self, quantize: impl Fn(usize) -> Option<Int8Linear>) -> Self {
        let nodes = self.nodes.iter().enumerate().map(|(index, node)| Node {
            op: quantize(index).map_or_else(|| node.op.clone(), Op::Int8Linear),
            ..node.clone()
        });
        Self {
            nodes: nodes.collect(),
            ..*self
        }
    }

    /// Computes the outputs of all nodes for one row of values, all rows of a node in succession.
    pub(crate) fn trace(&self, values: &[f32]) -> Vec<Vec<f32>> {
        let mut outputs: Vec<Vec<f32>> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let input = |source: &Source| match *source {
                Source::Values => values,
                Source::Node(index) => &outputs[index],
            };
            let inputs: Vec<&[f32]> = node.inputs.iter().map(input).collect();
            let n_rows = self.n_rows(node.inputs[0]);
            outputs.push(node.op.apply_to_rows(&inputs, n_rows));
        }
        outputs
    }

    /// Computes the output for one row of values.
    pub(crate) fn evaluate(&self, values: &[f32]) -> Vec<f32> {
        let last = self.trace(values).pop();
        last.unwrap_or_else(|| values.to_vec())
    }
}
