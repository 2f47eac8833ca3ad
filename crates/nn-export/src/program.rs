//! A graph as a list of function calls on buffers, which C and Rust have in common.

use nn_core::Activation;
use nn_table::Transform;

use crate::buffers::{Buffer, Buffers};
use crate::error::{Error, Result};
use crate::graph::{Graph, Node};
use crate::op::{Int8Linear, Op, Standardize};

/// A table of constants.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    /// What the table holds, in lower case, such as `weights`.
    pub(crate) what: &'static str,
    pub(crate) constants: Constants,
}

/// The constants of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constants {
    Floats(Vec<f32>),
    Integers(Vec<i32>),
    Int8(Vec<i8>),
}

impl Constants {
    /// Size in bytes.
    pub(crate) fn n_bytes(&self) -> usize {
        match self {
            Self::Floats(values) => 4 * values.len(),
            Self::Integers(values) => 4 * values.len(),
            Self::Int8(values) => values.len(),
        }
    }
}

/// Some values of each row of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) buffer: Buffer,
    pub(crate) start: usize,
    pub(crate) len: usize,
    /// Number of values of a row of the buffer.
    pub(crate) row_width: usize,
}

impl Part {
    /// All values of a row.
    fn row(buffer: Buffer, width: usize) -> Self {
        Self {
            buffer,
            start: 0,
            len: width,
            row_width: width,
        }
    }
}

/// An argument of a function call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Argument {
    /// Values that are read.
    Read(Part),
    /// Values that are written, or overwritten in place.
    Write(Part),
    /// The first integers of 8 bits in their buffer, to read.
    ReadInt8(usize),
    /// The first integers of 8 bits in their buffer, to write.
    WriteInt8(usize),
    /// The table with this index.
    Table(usize),
    /// A number.
    Float(f32),
    /// A whole number.
    Integer(i64),
}

/// A call of a function of the runtime.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) function: &'static str,
    pub(crate) arguments: Vec<Argument>,
    /// Number of rows: the function is called once per row.
    pub(crate) n_rows: usize,
}

/// Function calls with their constants and buffers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Program {
    pub(crate) calls: Vec<Call>,
    pub(crate) tables: Vec<Table>,
    /// Number of values of each local buffer.
    pub(crate) buffers: Vec<usize>,
    /// Size of the buffer of integers of 8 bits.
    pub(crate) n_int8: usize,
    pub(crate) n_multiply_adds: usize,
}

impl Program {
    /// The calls of a graph.
    ///
    /// # Errors
    /// Returns [`Error::Unsupported`] for an activation function without code.
    pub(crate) fn new(graph: &Graph) -> Result<Self> {
        let buffers = Buffers::new(graph);
        let mut program = Self {
            calls: Vec::new(),
            tables: Vec::new(),
            buffers: buffers.sizes.clone(),
            n_int8: 0,
            n_multiply_adds: 0,
        };
        for (index, node) in graph.nodes().iter().enumerate() {
            let n_rows = match node.op.joins_rows() {
                true => 1,
                false => node.n_rows,
            };
            let inputs = node.inputs.iter().map(|&input| {
                let n_values = graph.width(input) * graph.n_rows(input);
                Part::row(buffers.of(input), n_values / n_rows)
            });
            let inputs: Vec<Part> = inputs.collect();
            let n_values = node.width * node.n_rows;
            let output = Part::row(buffers.of_node[index], n_values / n_rows);
            let n_calls = program.calls.len();
            program.add_node(node, &inputs, output, n_rows)?;
            let added = program.calls[n_calls..].iter_mut();
            added.for_each(|call| call.n_rows = n_rows);
        }
        if graph.nodes().is_empty() {
            let all = |buffer| Part::row(buffer, graph.n_values());
            program.copy(all(Buffer::Values), all(Buffer::Output));
        }
        Ok(program)
    }

    fn table(&mut self, what: &'static str, constants: Constants) -> Argument {
        self.tables.push(Table { what, constants });
        Argument::Table(self.tables.len() - 1)
    }

    fn floats(&mut self, what: &'static str, values: &[f32]) -> Argument {
        self.table(what, Constants::Floats(values.to_vec()))
    }

    fn call(&mut self, function: &'static str, arguments: impl Into<Vec<Argument>>) {
        let arguments = arguments.into();
        self.calls.push(Call {
            function,
            arguments,
            n_rows: 1,
        });
    }

    fn copy(&mut self, from: Part, to: Part) {
        self.call("copy", [Argument::Read(from), Argument::Write(to)]);
    }

    fn add_node(
        &mut self,
        node: &Node,
        inputs: &[Part],
        output: Part,
        n_rows: usize,
    ) -> Result<()> {
        if node.op.is_in_place() {
            if inputs[0].buffer != output.buffer {
                self.copy(inputs[0], output);
            }
            return self.add_in_place(&node.op, &inputs[1..], output);
        }
        let (x, y) = (Argument::Read(inputs[0]), Argument::Write(output));
        match &node.op {
            Op::Select(columns) => {
                let columns = columns.iter().map(|&column| column as i32).collect();
                let columns = self.table("columns", Constants::Integers(columns));
                self.call("select", [x, columns, y]);
            }
            Op::Concat => {
                let mut start = 0;
                for &input in inputs {
                    let len = input.len;
                    self.copy(
                        input,
                        Part {
                            start,
                            len,
                            ..output
                        },
                    );
                    start += len;
                }
            }
            Op::Linear(linear) => {
                self.n_multiply_adds += n_rows * linear.weights.len();
                let n_outputs = linear.n_outputs();
                let weights = transposed(&linear.weights, n_outputs);
                let weights = self.table("weights", Constants::Floats(weights));
                let bias = self.floats("bias", &linear.bias);
                self.call("linear", [x, weights, bias, y]);
            }
            Op::Int8Linear(linear) => self.add_int8_linear(linear, inputs[0], y, n_rows),
            Op::GroupedLinear {
                n_groups,
                weights,
                bias,
            } => {
                self.n_multiply_adds += n_rows * weights.len();
                let groups = weights.chunks_exact(weights.len() / n_groups);
                let weights = groups.flat_map(|it| transposed(it, bias.len() / n_groups));
                let weights = self.table("weights", Constants::Floats(weights.collect()));
                let bias = self.floats("bias", bias);
                let n_groups = Argument::Integer(*n_groups as i64);
                self.call("grouped_linear", [x, n_groups, weights, bias, y]);
            }
            Op::Bins(bins) => {
                let edges = self.floats("edges", &bins.edges);
                let n_bins = Argument::Integer(bins.n_bins as i64);
                self.call("bins", [x, n_bins, edges, y]);
            }
            Op::Embed { vectors, width } => {
                let n_categories = Argument::Integer((vectors.len() / width) as i64);
                let vectors = self.floats("vectors", vectors);
                self.call("embed", [x, n_categories, vectors, y]);
            }
            Op::Members { factors, .. } => {
                let factors = self.floats("factors", factors);
                self.call("members", [x, factors, y]);
            }
            Op::Mean { .. } => self.call("mean", [x, y]),
            _ => unreachable!("the operator works in place"),
        }
        Ok(())
    }

    fn add_int8_linear(&mut self, linear: &Int8Linear, x: Part, y: Argument, n_rows: usize) {
        self.n_multiply_adds += n_rows * linear.weights.len();
        self.n_int8 = self.n_int8.max(n_rows * x.len);
        let scale = Argument::Float(linear.inverse_scale);
        let zero_point = Argument::Integer(linear.zero_point.into());
        let q = Argument::WriteInt8(x.len);
        self.call("quantize", [Argument::Read(x), scale, zero_point, q]);
        let weights = transposed(&linear.weights, linear.bias.len());
        let arguments = [
            Argument::ReadInt8(x.len),
            self.table("weights", Constants::Int8(weights)),
            self.table("start", Constants::Integers(linear.start.clone())),
            self.floats("factors", &linear.factors),
            self.floats("bias", &linear.bias),
            y,
        ];
        self.call("linear_int8", arguments);
    }

    /// Adds an operator that overwrites its first input, `y`.
    fn add_in_place(&mut self, op: &Op, others: &[Part], y: Part) -> Result<()> {
        let y = Argument::Write(y);
        match op {
            Op::Multiply(factor) => self.call("multiply", [Argument::Float(*factor), y]),
            Op::Standardize(Standardize { mean, rest, std }) => {
                let mean = self.floats("mean", mean);
                let rest = self.floats("rest", rest);
                let std = self.floats("std", std);
                self.call("standardize", [mean, rest, std, y]);
            }
            Op::SmoothClip => self.call("smooth_clip", [y]),
            Op::Limit { low, high } => {
                let low = self.floats("low", low);
                let high = self.floats("high", high);
                self.call("limit", [low, high, y]);
            }
            Op::KnownCategory(counts) => {
                let counts = self.floats("counts", counts);
                self.call("known_category", [counts, y]);
            }
            Op::Affine { scale, shift } => {
                let scale = self.floats("scale", scale);
                let shift = self.floats("shift", shift);
                self.call("affine", [scale, shift, y]);
            }
            Op::FillMissing(fill) => {
                let fill = self.floats("fill", fill);
                self.call("fill_missing", [fill, y]);
            }
            Op::IsMissing => self.call("is_missing", [y]),
            Op::Equals(numbers) => {
                let numbers = self.floats("numbers", numbers);
                self.call("equals", [numbers, y]);
            }
            Op::Levels { largest } => {
                self.call("levels", [Argument::Integer((*largest).into()), y]);
            }
            Op::Activation(activation) => return self.add_activation(*activation, y),
            Op::LayerNorm { gamma, beta } => {
                let gamma = self.floats("gamma", gamma);
                let beta = self.floats("beta", beta);
                self.call("layer_norm", [gamma, beta, y]);
            }
            Op::Mix(alpha) => {
                let alpha = self.floats("alpha", alpha);
                self.call("mix", [alpha, Argument::Read(others[0]), y]);
            }
            Op::Add => self.call("add", [Argument::Read(others[0]), y]),
            Op::Cos => self.call("cos", [y]),
            Op::Restore(transforms) => {
                let kinds = transforms.iter().map(|transform| match transform {
                    Transform::Identity => 0,
                    Transform::Log => 1,
                    Transform::Log1p => 2,
                });
                let kinds = self.table("kinds", Constants::Int8(kinds.collect()));
                self.call("restore", [kinds, y]);
            }
            Op::Log => self.call("log", [y]),
            Op::Reshape { .. } => {}
            Op::Select(_)
            | Op::Concat
            | Op::Linear(_)
            | Op::Int8Linear(_)
            | Op::GroupedLinear { .. }
            | Op::Bins(_)
            | Op::Embed { .. }
            | Op::Members { .. }
            | Op::Mean { .. } => unreachable!("the operator does not work in place"),
        }
        Ok(())
    }

    fn add_activation(&mut self, activation: Activation, y: Argument) -> Result<()> {
        let float = |number: f64| Argument::Float(number as f32);
        match activation {
            Activation::Identity => {}
            Activation::Relu => self.call("relu", [y]),
            Activation::LeakyRelu { slope } => self.call("leaky_relu", [float(slope), y]),
            Activation::Sigmoid => self.call("sigmoid", [y]),
            Activation::Tanh => self.call("tanh", [y]),
            Activation::Softmax => self.call("softmax", [y]),
            Activation::Swish => self.call("swish", [y]),
            Activation::Elu { alpha } => self.call("elu", [float(alpha), y]),
            Activation::Selu => self.call("selu", [y]),
            Activation::Gelu => self.call("gelu", [y]),
            Activation::Mish => self.call("mish", [y]),
            Activation::Softplus => self.call("softplus", [y]),
            Activation::HardSigmoid => {
                self.call("clip", [float(1.0 / 6.0), float(0.5), float(0.0), y]);
            }
            Activation::HardTanh => self.call("clip", [float(1.0), float(0.0), float(-1.0), y]),
            other => {
                return Err(Error::Unsupported {
                    what: format!("activation {other}"),
                });
            }
        }
        Ok(())
    }
}

/// Weights `[n_inputs, n_outputs]` as `[n_outputs, n_inputs]`.
fn transposed<T: Copy>(weights: &[T], n_outputs: usize) -> Vec<T> {
    let columns = (0..n_outputs).map(|output| weights.iter().skip(output).step_by(n_outputs));
    columns.flatten().copied().collect()
}
