//! Writes each operator of a graph as one or more ONNX operators.

use nn_core::Activation;
use nn_core::stage::layer_norm::EPSILON;
use nn_table::Transform;

use super::messages::{Attribute, ElementType, ML_DOMAIN, node, tensor};
use crate::error::{Error, Result};
use crate::graph::{Graph, Source};
use crate::op::{Bin, Bins, LARGE, LIMIT, LOG_OF_ZERO, Linear, Op, Standardize};
use crate::proto::Message;

/// α of SELU.
const SELU_ALPHA: f32 = 1.673_263_2;
/// λ of SELU.
const SELU_LAMBDA: f32 = 1.050_701;

/// The nodes and constants of an ONNX graph that is being written.
#[derive(Debug)]
pub(super) struct Lowering {
    nodes: Vec<NodeRecord>,
    constants: Vec<Message>,
    n_names: usize,
}

/// A node; its message is written last, when the names of all tensors are known.
#[derive(Debug)]
struct NodeRecord {
    domain: &'static str,
    operator: &'static str,
    inputs: Vec<String>,
    output: String,
    attributes: Vec<(&'static str, Attribute<'static>)>,
    texts: Vec<String>,
}

impl Lowering {
    pub(super) fn new() -> Self {
        Self {
            nodes: Vec::new(),
            constants: Vec::new(),
            n_names: 0,
        }
    }

    /// The messages of the nodes and of the constants.
    pub(super) fn into_messages(self) -> [Vec<Message>; 2] {
        let nodes = self.nodes.iter().map(|record| {
            let inputs: Vec<&str> = record.inputs.iter().map(String::as_str).collect();
            let mut attributes = record.attributes.clone();
            if !record.texts.is_empty() {
                attributes.push(("keys_strings", Attribute::Texts(&record.texts)));
            }
            node(
                record.domain,
                record.operator,
                &inputs,
                &record.output,
                &attributes,
            )
        });
        [nodes.collect(), self.constants]
    }

    fn new_name(&mut self, what: &str) -> String {
        self.n_names += 1;
        format!("nn.{what}.{}", self.n_names)
    }

    /// Adds a node and returns the name of its output.
    fn add(
        &mut self,
        operator: &'static str,
        inputs: &[&str],
        attributes: Vec<(&'static str, Attribute<'static>)>,
    ) -> String {
        let output = self.new_name(&operator.to_lowercase());
        self.nodes.push(NodeRecord {
            domain: "",
            operator,
            inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: output.clone(),
            attributes,
            texts: Vec::new(),
        });
        output
    }

    fn unary(&mut self, operator: &'static str, x: &str) -> String {
        self.add(operator, &[x], Vec::new())
    }

    fn binary(&mut self, operator: &'static str, x: &str, y: &str) -> String {
        self.add(operator, &[x, y], Vec::new())
    }

    /// Adds an operator whose second input is a number.
    fn with_number(&mut self, operator: &'static str, x: &str, number: f32) -> String {
        let number = self.floats(&[], &[number]);
        self.binary(operator, x, &number)
    }

    /// Adds an operator whose second input is a number per column.
    fn with_row(&mut self, operator: &'static str, x: &str, row: &[f32]) -> String {
        let row = self.floats(&[row.len()], row);
        self.binary(operator, x, &row)
    }

    /// Adds an operator whose second input is a number per column, unless all of these numbers
    /// change nothing.
    fn unless(&mut self, neutral: f32, operator: &'static str, x: &str, row: &[f32]) -> String {
        match row.iter().all(|&number| number == neutral) {
            true => x.to_owned(),
            false => self.with_row(operator, x, row),
        }
    }

    fn constant(&mut self, element_type: ElementType, shape: &[usize], bytes: &[u8]) -> String {
        let name = self.new_name("constant");
        self.constants
            .push(tensor(&name, element_type, shape, bytes));
        name
    }

    fn floats(&mut self, shape: &[usize], values: &[f32]) -> String {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.constant(ElementType::Float, shape, &bytes)
    }

    fn integers(&mut self, shape: &[usize], values: &[i64]) -> String {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.constant(ElementType::Integer, shape, &bytes)
    }

    fn booleans(&mut self, values: &[bool]) -> String {
        let bytes: Vec<u8> = values.iter().map(|&value| value.into()).collect();
        self.constant(ElementType::Boolean, &[values.len()], &bytes)
    }

    fn cast(&mut self, x: &str, to: ElementType) -> String {
        let to = Attribute::Integer(to as i64);
        self.add("Cast", &[x], vec![("to", to)])
    }

    fn reshape(&mut self, x: &str, shape: &[i64]) -> String {
        let shape = self.integers(&[shape.len()], shape);
        self.binary("Reshape", x, &shape)
    }

    /// The columns with these indices.
    fn select(&mut self, x: &str, columns: impl IntoIterator<Item = usize>) -> String {
        let columns: Vec<i64> = columns.into_iter().map(|column| column as i64).collect();
        let columns = self.integers(&[columns.len()], &columns);
        let axis = Attribute::Integer(1);
        self.add("Gather", &[x, &columns], vec![("axis", axis)])
    }

    /// The columns of all inputs; a single input needs no operator.
    pub(super) fn concat(&mut self, inputs: &[String]) -> String {
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        match inputs[..] {
            [input] => input.to_owned(),
            _ => self.add("Concat", &inputs, vec![("axis", Attribute::Integer(1))]),
        }
    }

    /// Adds all nodes of a graph and returns the names of their outputs.
    pub(super) fn add_graph(&mut self, graph: &Graph, values: &str) -> Result<Vec<String>> {
        let mut outputs: Vec<String> = Vec::new();
        for node in graph.nodes() {
            let name = |source: &Source| match *source {
                Source::Values => values.to_owned(),
                Source::Node(index) => outputs[index].clone(),
            };
            let inputs: Vec<String> = node.inputs.iter().map(name).collect();
            outputs.push(self.add_op(&node.op, &inputs)?);
        }
        Ok(outputs)
    }

    fn add_op(&mut self, op: &Op, inputs: &[String]) -> Result<String> {
        let x = inputs[0].as_str();
        Ok(match op {
            Op::Select(columns) => self.select(x, columns.iter().copied()),
            Op::Concat => self.concat(inputs),
            Op::Multiply(factor) => self.with_number("Mul", x, *factor),
            Op::Standardize(Standardize { mean, rest, std }) => {
                let x = self.unless(0.0, "Sub", x, mean);
                let x = self.unless(0.0, "Sub", &x, rest);
                self.unless(1.0, "Div", &x, std)
            }
            Op::SmoothClip => self.add_smooth_clip(x),
            Op::Limit { low, high } => {
                let x = self.with_row("Max", x, low);
                self.with_row("Min", &x, high)
            }
            Op::KnownCategory(counts) => self.add_known_category(x, counts),
            Op::Affine { scale, shift } => {
                let x = self.unless(1.0, "Mul", x, scale);
                self.unless(0.0, "Add", &x, shift)
            }
            Op::FillMissing(fill) => {
                let is_missing = self.unary("IsNaN", x);
                let fill = self.floats(&[fill.len()], fill);
                self.add("Where", &[&is_missing, &fill, x], Vec::new())
            }
            Op::IsMissing => {
                let is_missing = self.unary("IsNaN", x);
                self.cast(&is_missing, ElementType::Float)
            }
            Op::Equals(numbers) => {
                let is_equal = self.with_row("Equal", x, numbers);
                self.cast(&is_equal, ElementType::Float)
            }
            Op::Levels { largest } => {
                let x = self.with_number("Mul", x, 255.0);
                let x = self.with_number("Add", &x, f32::from(largest / 2));
                let x = self.with_number("Div", &x, f32::from(*largest));
                let x = self.unary("Floor", &x);
                self.with_number("Min", &x, 255.0)
            }
            Op::Linear(linear) => self.add_linear(x, linear),
            Op::Int8Linear(_) => {
                return Err(Error::NotApplicable {
                    option: "int8",
                    problem: "expected the format c or rust, found onnx".to_owned(),
                });
            }
            Op::GroupedLinear {
                n_groups,
                weights,
                bias,
            } => self.add_grouped_linear(x, *n_groups, weights, bias),
            Op::Activation(activation) => self.add_activation(x, *activation)?,
            Op::LayerNorm { gamma, beta } => self.add_layer_norm(x, gamma, beta),
            Op::Mix(alpha) => {
                let difference = self.binary("Sub", &inputs[1], x);
                let step = self.unless(1.0, "Mul", &difference, alpha);
                self.binary("Add", x, &step)
            }
            Op::Add => self.binary("Add", x, &inputs[1]),
            Op::Cos => self.unary("Cos", x),
            Op::Bins(bins) => self.add_bins(x, bins),
            Op::Embed { vectors, width } => self.add_embedding(x, vectors, *width),
            Op::Restore(transforms) => self.add_restore(x, transforms),
            Op::Log => {
                let logarithm = self.unary("Log", x);
                self.with_number("Max", &logarithm, LOG_OF_ZERO)
            }
            Op::Members { n_members, factors } => self.add_members(x, *n_members, factors),
            Op::Reshape { width, .. } => self.reshape(x, &[-1, *width as i64]),
            Op::Mean { n_rows, width } => {
                let members = self.reshape(x, &[-1, *n_rows as i64, *width as i64]);
                self.mean(&members, false)
            }
        })
    }

    fn add_linear(&mut self, x: &str, linear: &Linear) -> String {
        let shape = [linear.n_inputs(), linear.n_outputs()];
        let weights = self.floats(&shape, &linear.weights);
        let bias = self.floats(&shape[1..], &linear.bias);
        self.add("Gemm", &[x, &weights, &bias], Vec::new())
    }

    /// One matrix product per group: `[batch, G, 1, n_inputs] · [G, n_inputs, n_outputs]`.
    fn add_grouped_linear(
        &mut self,
        x: &str,
        n_groups: usize,
        weights: &[f32],
        bias: &[f32],
    ) -> String {
        let n_outputs = bias.len() / n_groups;
        let n_inputs = weights.len() / bias.len();
        // In a new shape, 0 keeps the length of the dimension: the batch.
        let groups = self.reshape(x, &[0, n_groups as i64, 1, n_inputs as i64]);
        let weights = self.floats(&[n_groups, n_inputs, n_outputs], weights);
        let products = self.binary("MatMul", &groups, &weights);
        let products = self.reshape(&products, &[0, bias.len() as i64]);
        self.unless(0.0, "Add", &products, bias)
    }

    /// One row per member: `[batch, 1, n_inputs] · [n_members, n_inputs]`, element by element. The
    /// rows of all members are rows of the batch from here on.
    fn add_members(&mut self, x: &str, n_members: usize, factors: &[f32]) -> String {
        let n_inputs = factors.len() / n_members;
        let rows = self.reshape(x, &[-1, 1, n_inputs as i64]);
        let factors = self.floats(&[n_members, n_inputs], factors);
        let products = self.binary("Mul", &rows, &factors);
        self.reshape(&products, &[-1, n_inputs as i64])
    }

    fn add_activation(&mut self, x: &str, activation: Activation) -> Result<String> {
        let float = Attribute::Float;
        Ok(match activation {
            Activation::Identity => x.to_owned(),
            Activation::Relu => self.unary("Relu", x),
            Activation::LeakyRelu { slope } => {
                self.add("LeakyRelu", &[x], vec![("alpha", float(slope as f32))])
            }
            Activation::Sigmoid => self.unary("Sigmoid", x),
            Activation::Tanh => self.unary("Tanh", x),
            Activation::Softmax => self.add("Softmax", &[x], vec![("axis", Attribute::Integer(1))]),
            Activation::Swish => {
                let sigmoid = self.unary("Sigmoid", x);
                self.binary("Mul", x, &sigmoid)
            }
            Activation::Elu { alpha } => {
                self.add("Elu", &[x], vec![("alpha", float(alpha as f32))])
            }
            Activation::Selu => {
                let elu = self.add("Elu", &[x], vec![("alpha", float(SELU_ALPHA))]);
                self.with_number("Mul", &elu, SELU_LAMBDA)
            }
            Activation::Gelu => {
                let scaled = self.with_number("Mul", x, std::f32::consts::FRAC_1_SQRT_2);
                let erf = self.unary("Erf", &scaled);
                let twice = self.with_number("Add", &erf, 1.0);
                let half = self.with_number("Mul", x, 0.5);
                self.binary("Mul", &half, &twice)
            }
            Activation::Mish => {
                let softplus = self.unary("Softplus", x);
                let tanh = self.unary("Tanh", &softplus);
                self.binary("Mul", x, &tanh)
            }
            Activation::Softplus => self.unary("Softplus", x),
            Activation::HardSigmoid => self.add(
                "HardSigmoid",
                &[x],
                vec![("alpha", float(1.0 / 6.0)), ("beta", float(0.5))],
            ),
            Activation::HardTanh => {
                let [low, high] = [-1.0, 1.0].map(|limit| self.floats(&[], &[limit]));
                self.add("Clip", &[x, &low, &high], Vec::new())
            }
            other => {
                return Err(Error::Unsupported {
                    what: format!("activation {other}"),
                });
            }
        })
    }

    /// The mean over dimension 1, which has length 1 afterwards or is left out.
    fn mean(&mut self, x: &str, keeps_dimension: bool) -> String {
        let attributes = vec![
            ("axes", Attribute::Integers(vec![1])),
            ("keepdims", Attribute::Integer(keeps_dimension.into())),
        ];
        self.add("ReduceMean", &[x], attributes)
    }

    fn add_layer_norm(&mut self, x: &str, gamma: &[f32], beta: &[f32]) -> String {
        let mean = self.mean(x, true);
        let centered = self.binary("Sub", x, &mean);
        let squares = self.binary("Mul", &centered, &centered);
        let variance = self.mean(&squares, true);
        let variance = self.with_number("Add", &variance, EPSILON as f32);
        let std = self.unary("Sqrt", &variance);
        let normalized = self.binary("Div", &centered, &std);
        let scaled = self.unless(1.0, "Mul", &normalized, gamma);
        self.unless(0.0, "Add", &scaled, beta)
    }

    fn add_bins(&mut self, x: &str, bins: &Bins) -> String {
        let n_bins = bins.n_bins;
        let columns = (0..bins.n_columns()).flat_map(|it| std::iter::repeat_n(it, n_bins));
        let x = self.select(x, columns);
        let all: Vec<Bin> = bins.bins().collect();
        let row = |of: fn(&Bin) -> f32| all.iter().map(of).collect::<Vec<f32>>();
        let starts = row(|bin| bin.start);
        // The result of a bin without width is not used.
        let widths = row(|bin| if bin.width > 0.0 { bin.width } else { 1.0 });
        let encoded = self.with_row("Sub", &x, &starts);
        let encoded = self.with_row("Div", &encoded, &widths);
        let encoded = self.with_row("Max", &encoded, &row(|bin| bin.low));
        let encoded = self.with_row("Min", &encoded, &row(|bin| bin.high));
        let are_steps: Vec<bool> = all.iter().map(|bin| bin.width <= 0.0).collect();
        if !are_steps.contains(&true) {
            return encoded;
        }
        let is_below = self.with_row("Less", &x, &starts);
        let is_reached = self.unary("Not", &is_below);
        let step = self.cast(&is_reached, ElementType::Float);
        let are_steps = self.booleans(&are_steps);
        self.add("Where", &[&are_steps, &step, &encoded], Vec::new())
    }

    /// `x/√(1 + (x/3)²)`.
    fn add_smooth_clip(&mut self, x: &str) -> String {
        let [low, high] = [-LARGE, LARGE].map(|limit| self.floats(&[], &[limit]));
        let x = self.add("Clip", &[x, &low, &high], Vec::new());
        let part = self.with_number("Div", &x, LIMIT);
        let square = self.binary("Mul", &part, &part);
        let sum = self.with_number("Add", &square, 1.0);
        let root = self.unary("Sqrt", &sum);
        self.binary("Div", &x, &root)
    }

    /// x, or the number of categories for a value that is not the index of a category.
    fn add_known_category(&mut self, x: &str, counts: &[f32]) -> String {
        let last: Vec<f32> = counts.iter().map(|&count| count - 1.0).collect();
        let (_, is_category) = self.add_category(x, &last);
        let counts = self.floats(&[counts.len()], counts);
        self.add("Where", &[&is_category, x, &counts], Vec::new())
    }

    /// The vector of a category, or NaN for a value that is not the index of a category.
    fn add_embedding(&mut self, x: &str, vectors: &[f32], width: usize) -> String {
        let n_categories = vectors.len() / width;
        let (index, is_category) = self.add_category(x, &[(n_categories - 1) as f32]);
        let vectors = self.floats(&[n_categories, width], vectors);
        let found = self.add(
            "Gather",
            &[&vectors, &index],
            vec![("axis", Attribute::Integer(0))],
        );
        let found = self.reshape(&found, &[0, width as i64]);
        let nan = self.floats(&[], &[f32::NAN]);
        self.add("Where", &[&is_category, &found, &nan], Vec::new())
    }

    /// The nearest index from 0 to the last one of a column, as an integer, and whether x is
    /// this index.
    fn add_category(&mut self, x: &str, last: &[f32]) -> (String, String) {
        let is_missing = self.unary("IsNaN", x);
        let zero = self.floats(&[], &[0.0]);
        let number = self.add("Where", &[&is_missing, &zero, x], Vec::new());
        let number = self.binary("Max", &number, &zero);
        let number = self.with_row("Min", &number, last);
        let index = self.cast(&number, ElementType::Integer);
        let category = self.cast(&index, ElementType::Float);
        let is_category = self.binary("Equal", &category, x);
        (index, is_category)
    }

    /// `exp x`, `exp x − 1` or x, by column.
    fn add_restore(&mut self, x: &str, transforms: &[Transform]) -> String {
        let exp = self.unary("Exp", x);
        let ones = transforms.iter();
        let ones = ones.map(|&transform| f32::from(u8::from(transform == Transform::Log1p)));
        let restored = self.unless(0.0, "Sub", &exp, &ones.collect::<Vec<f32>>());
        let are_logarithms: Vec<bool> = transforms.iter().map(|it| !it.is_identity()).collect();
        if !are_logarithms.contains(&false) {
            return restored;
        }
        let are_logarithms = self.booleans(&are_logarithms);
        self.add("Where", &[&are_logarithms, &restored, x], Vec::new())
    }

    /// The index of a category as a float; −1 for any other text.
    pub(super) fn add_label_encoder(&mut self, x: &str, categories: &[String]) -> String {
        let indices = (0..categories.len()).map(|index| index as f32);
        let output = self.new_name("labelencoder");
        self.nodes.push(NodeRecord {
            domain: ML_DOMAIN,
            operator: "LabelEncoder",
            inputs: vec![x.to_owned()],
            output: output.clone(),
            attributes: vec![
                ("values_floats", Attribute::Floats(indices.collect())),
                ("default_float", Attribute::Float(-1.0)),
            ],
            texts: categories.to_vec(),
        });
        output
    }

    /// The index of the largest column, `[batch]`.
    pub(super) fn add_argmax(&mut self, x: &str, name: &str) {
        let attributes = vec![
            ("axis", Attribute::Integer(1)),
            ("keepdims", Attribute::Integer(0)),
        ];
        let largest = self.add("ArgMax", &[x], attributes);
        self.rename(&largest, name);
    }

    /// 1 if the only column is above a number, otherwise 0, `[batch]`.
    pub(super) fn add_threshold(&mut self, x: &str, threshold: f32, name: &str) {
        let is_above = self.with_number("Greater", x, threshold);
        let column = self.cast(&is_above, ElementType::Integer);
        let label = self.reshape(&column, &[-1]);
        self.rename(&label, name);
    }

    /// 1 if the second column is at least a number, otherwise 0, `[batch]`.
    pub(super) fn add_second_at_least(&mut self, x: &str, threshold: f32, name: &str) {
        let second = self.select(x, [1]);
        let is_below = self.with_number("Less", &second, threshold);
        let is_second = self.unary("Not", &is_below);
        let column = self.cast(&is_second, ElementType::Integer);
        let label = self.reshape(&column, &[-1]);
        self.rename(&label, name);
    }

    /// 1 for each column of at least its threshold, otherwise 0.
    pub(super) fn add_predicted_labels(&mut self, x: &str, thresholds: &[f32], name: &str) {
        let is_below = self.with_row("Less", x, thresholds);
        let is_predicted = self.unary("Not", &is_below);
        let labels = self.cast(&is_predicted, ElementType::Integer);
        self.rename(&labels, name);
    }

    /// Renames the output of a node. An input of the graph keeps its name, and its copy gets
    /// the new one.
    pub(super) fn rename(&mut self, old: &str, new: &str) {
        if !self.nodes.iter().any(|node| node.output == old) {
            let copy = self.unary("Identity", old);
            return self.rename(&copy, new);
        }
        for record in &mut self.nodes {
            let names = record.inputs.iter_mut().chain([&mut record.output]);
            for name in names.filter(|name| *name == old) {
                new.clone_into(name);
            }
        }
    }
}
