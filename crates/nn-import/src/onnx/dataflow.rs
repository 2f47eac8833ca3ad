//! The graph of an ONNX file: nodes in the order of computation, and their constants.

use std::collections::HashMap;

use super::constant::Constant;
use super::folding;
use super::messages::{Attribute, GraphMessage, NodeMessage, ReadExternal};
use crate::error::{Error, Result, shown};
use crate::format::Format;
use crate::tensor::Tensor;

/// Number of a value in the graph.
pub(super) type Id = usize;

/// The origin of a value.
#[derive(Debug)]
enum Value {
    /// Input of the graph.
    Input,
    Constant(Constant),
    /// Output of a node: the index of the node, and the number of the output.
    Output {
        node: usize,
        output: usize,
    },
}

/// A node with the numbers of its inputs; `None` for an optional input that is left out.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) message: NodeMessage<'a>,
    pub(super) inputs: Vec<Option<Id>>,
}

/// The graph of a file.
#[derive(Debug)]
pub(super) struct Dataflow<'a> {
    nodes: Vec<Node<'a>>,
    values: Vec<Value>,
    names: HashMap<String, Id>,
    /// Number of elements of all constants in the file.
    n_stored: usize,
    /// Number of elements of computed constants.
    n_computed: usize,
}

impl<'a> Dataflow<'a> {
    /// Numbers the values and computes the constant ones.
    pub(super) fn new(graph: GraphMessage<'a>, read_external: &ReadExternal<'_>) -> Result<Self> {
        let mut flow = Self {
            nodes: Vec::with_capacity(graph.nodes.len()),
            values: Vec::new(),
            names: HashMap::new(),
            n_stored: 0,
            n_computed: 0,
        };
        for tensor in &graph.initializers {
            let constant = Constant::read(tensor, read_external)?;
            flow.n_stored += constant.len();
            flow.add(&tensor.name, Value::Constant(constant))?;
        }
        for input in &graph.inputs {
            // Files of IR version 3 list the constants among the inputs.
            if !flow.names.contains_key(&input.name) {
                flow.add(&input.name, Value::Input)?;
            }
        }
        for message in graph.nodes {
            flow.add_node(message, read_external)?;
        }
        Ok(flow)
    }

    fn add(&mut self, name: &str, value: Value) -> Result<Id> {
        let id = self.values.len();
        self.values.push(value);
        match name.is_empty() || self.names.insert(name.to_owned(), id).is_none() {
            true => Ok(id),
            false => Err(Error::Damaged {
                format: Format::Onnx,
                problem: format!("the value {} is defined twice", shown(name)),
            }),
        }
    }

    fn add_node(
        &mut self,
        message: NodeMessage<'a>,
        read_external: &ReadExternal<'_>,
    ) -> Result<()> {
        let mut inputs = Vec::with_capacity(message.inputs.len());
        for name in &message.inputs {
            // Nodes are in the order of computation, so that no cycle is possible.
            inputs.push(match (name.as_str(), self.names.get(name)) {
                ("", _) => None,
                (_, Some(&id)) => Some(id),
                (name, None) => {
                    return Err(Error::Damaged {
                        format: Format::Onnx,
                        problem: format!(
                            "{}: its input {} is not computed before it",
                            message.place(),
                            shown(name)
                        ),
                    });
                }
            });
        }
        let node = Node { message, inputs };
        let folded = self.fold(&node, read_external)?;
        let index = self.nodes.len();
        let outputs = node.message.outputs.clone();
        match folded {
            Some(constant) => {
                match node.inputs.is_empty() {
                    true => self.n_stored += constant.len(),
                    false => self.n_computed += constant.len(),
                }
                self.check_copied(self.n_computed, &node.place())?;
                let name = outputs.first().map_or("", String::as_str);
                self.add(name, Value::Constant(constant))?;
            }
            None => {
                for (output, name) in outputs.iter().enumerate() {
                    self.add(
                        name,
                        Value::Output {
                            node: index,
                            output,
                        },
                    )?;
                }
            }
        }
        self.nodes.push(node);
        Ok(())
    }

    /// The output of a node that depends on constants only.
    fn fold(&self, node: &Node<'_>, read_external: &ReadExternal<'_>) -> Result<Option<Constant>> {
        if node.message.operator == "Constant" {
            return folding::constant(&node.message, read_external).map(Some);
        }
        let numbers: Option<Vec<&Tensor>> =
            node.inputs.iter().map(|id| self.numbers((*id)?)).collect();
        match numbers.as_deref() {
            None | Some([]) => Ok(None),
            Some(inputs) => Ok(folding::fold(&node.message, inputs).map(Constant::Numbers)),
        }
    }

    /// Checks the number of copied elements, so that many nodes that use the same large constant
    /// cannot exhaust the memory.
    pub(super) fn check_copied(&self, n_copied: usize, place: &str) -> Result<()> {
        const MIN_ELEMENTS: usize = 1 << 20;
        match n_copied <= self.n_stored.saturating_mul(2).max(MIN_ELEMENTS) {
            true => Ok(()),
            false => Err(Error::unsupported(
                place,
                "the layers up to this node have more parameters than the file",
            )),
        }
    }

    /// The value with this name.
    pub(super) fn find(&self, name: &str) -> Option<Id> {
        self.names.get(name).copied()
    }

    pub(super) fn nodes(&self) -> &[Node<'a>] {
        &self.nodes
    }

    /// The numbers of a constant.
    pub(super) fn numbers(&self, id: Id) -> Option<&Tensor> {
        match &self.values[id] {
            Value::Constant(Constant::Numbers(tensor)) => Some(tensor),
            _ => None,
        }
    }

    /// The texts of a constant, or its numbers as text.
    pub(super) fn texts(&self, id: Id) -> Option<Vec<String>> {
        match &self.values[id] {
            Value::Constant(Constant::Texts(texts)) => Some(texts.clone()),
            Value::Constant(Constant::Numbers(tensor)) => {
                Some(tensor.values.iter().map(f64::to_string).collect())
            }
            _ => None,
        }
    }

    pub(super) fn is_input(&self, id: Id) -> bool {
        matches!(self.values[id], Value::Input)
    }

    /// The node whose first output is this value.
    pub(super) fn node(&self, id: Id) -> Option<&Node<'a>> {
        match self.values[id] {
            Value::Output { node, output: 0 } => Some(&self.nodes[node]),
            _ => None,
        }
    }

    /// The node that computes this value, if it has this operator.
    pub(super) fn operation(&self, id: Id, operator: &str) -> Option<&Node<'a>> {
        let node = self.node(id)?;
        let is_default = ["", "ai.onnx", "ai.onnx.ml"].contains(&&*node.message.domain);
        (is_default && node.message.operator == operator).then_some(node)
    }

    /// The value, or the value before operators that change only its shape or type.
    pub(super) fn source(&self, mut id: Id) -> Id {
        while let Some(node) = self.node(id).filter(|node| node.keeps_rows())
            && let Some(&Some(input)) = node.inputs.first()
        {
            id = input;
        }
        id
    }
}

impl<'a> Node<'a> {
    /// The input with this index.
    pub(super) fn input(&self, index: usize) -> Option<Id> {
        self.inputs.get(index).copied().flatten()
    }

    /// Both inputs of a node with two inputs.
    pub(super) fn pair(&self) -> Option<[Id; 2]> {
        match self.inputs[..] {
            [Some(a), Some(b)] => Some([a, b]),
            _ => None,
        }
    }

    pub(super) fn place(&self) -> String {
        self.message.place()
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&Attribute<'a>> {
        self.message.attributes.get(name)
    }

    /// An attribute that is a number, or its default.
    pub(super) fn float(&self, name: &str, default: f64) -> f64 {
        let float = self.attribute(name).and_then(|it| it.float);
        // The shortest decimal form of an attribute is the number that was meant: 0.01.
        float.map_or(default, |float| {
            float.to_string().parse().unwrap_or(default)
        })
    }

    pub(super) fn integer(&self, name: &str, default: i64) -> i64 {
        let integer = self.attribute(name).and_then(|it| it.integer);
        integer.unwrap_or(default)
    }

    /// Whether the operator keeps all numbers of a row in their order.
    fn keeps_rows(&self) -> bool {
        /// Types of `TensorProto.DataType` that hold real numbers.
        const REAL: [i64; 4] = [1, 10, 11, 16];
        match self.message.operator.as_str() {
            "Identity" | "Dropout" | "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" | "ZipMap" => {
                true
            }
            "Cast" => REAL.contains(&self.integer("to", 0)),
            _ => false,
        }
    }
}
