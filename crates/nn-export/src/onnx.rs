//! Writes a model as an ONNX file: opset 17, IR version 8.
//!
//! | name | shape | type | meaning |
//! |---|---|---|---|
//! | `input` | `[batch, n_values]` | float | input: one row of [`values`](crate::values) per sample |
//! | `label` | `[batch]` | int64 | output of a classifier: the index of the predicted class |
//! | `labels` | `[batch, n_labels]` | int64 | output of a multi-label classifier: 1 for each predicted label |
//! | `probabilities` | `[batch, n_classes]` | float | output of a classifier whose outputs are probabilities |
//! | `values` | `[batch, n_outputs]` | float | other outputs: predicted numbers in the units of the data, or scores of classes |
//!
//! With [`InputForm::Columns`], the input is replaced by one input `[batch, 1]` per value, with
//! the name of the value: a string for a column of categories, otherwise a float. These files use the operator
//! `LabelEncoder` of the domain `ai.onnx.ml`; all others use the default domain only.
//!
//! The metadata of the file has the names of the classes or outputs (`class_names`,
//! `label_names` or `output_names`), the description of the values (`values`), `input_shape`,
//! `weights_sha256`, and the settings of the training run (`training`). For `nn import`, it also has
//! the loss (`loss`), the factor of the inputs (`input_scale`), the preprocessing of a table as JSON
//! (`preprocessing`), and the names of the tensors that are the inputs and outputs of the network
//! (`network_inputs`, `network_outputs`).

mod messages;
mod lowering;

use std::collections::HashSet;

use crate::error::{Error, Result};
use crate::exported_model::ExportedModel;
use crate::graph::Source;
use crate::onnx::lowering::Lowering;
use crate::onnx::messages::{ElementType, ML_DOMAIN, operator_set, value_info};
use crate::outcome::{ClassRule, Outcome};
use crate::proto::Message;
use crate::values::Meaning;

const IR_VERSION: i64 = 8;
const OPSET: i64 = 17;
/// Version of the operators in the domain `ai.onnx.ml`.
const ML_OPSET: i64 = 3;

/// Names of the input and of the outputs.
const INPUT: &str = "input";
const LABEL: &str = "label";
const LABELS: &str = "labels";
const PROBABILITIES: &str = "probabilities";
const VALUES: &str = "values";

/// Largest message of protocol buffers.
const MAX_BYTES: usize = i32::MAX as usize;

/// The inputs of an ONNX file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InputForm {
    /// One input with all values of a row.
    #[default]
    Values,
    /// One input per value; categories are strings.
    Columns,
}

/// The name, with as many underscores as it takes to differ from all names before.
fn new_name(taken: &mut HashSet<String>, name: &str) -> String {
    let mut name = name.to_owned();
    while !taken.insert(name.clone()) {
        name.push('_');
    }
    name
}

impl ExportedModel<'_> {
    /// Writes the model as an ONNX file.
    ///
    /// # Errors
    /// Returns [`Error::NotApplicable`] for [`InputForm::Columns`] if the model was not trained
    /// on the columns of a table, [`Error::Unsupported`] for an activation function that ONNX
    /// cannot express, and [`Error::TooLarge`] for a file above 2 GiB.
    pub fn to_onnx(&self, form: InputForm) -> Result<Vec<u8>> {
        let mut lowering = Lowering::new();
        let mut inputs = Vec::new();
        let values = match form {
            InputForm::Values => {
                let width = self.values().len();
                inputs.push(value_info(INPUT, ElementType::Float, Some(width)));
                INPUT.to_owned()
            }
            InputForm::Columns => self.add_columns(&mut lowering, &mut inputs)?,
        };
        let names = lowering.add_graph(self.graph(), &values)?;
        let name_of = |source: Source| match source {
            Source::Values => values.clone(),
            Source::Node(index) => names[index].clone(),
        };
        let output = name_of(self.graph().output());
        let network = self.network().map(name_of);
        let outputs = self.add_outputs(&mut lowering, &output);
        // The last tensor of the graph has the name of the output.
        let network = network.map(|name| match name == output {
            true => self.scores_name().to_owned(),
            false => name,
        });
        let [nodes, initializers] = lowering.into_messages();
        let graph = Message::new()
            .messages(1, nodes)
            .text(2, "nn")
            .messages(5, initializers)
            .messages(11, inputs)
            .messages(12, outputs);
        let mut operator_sets = vec![operator_set("", OPSET)];
        if form == InputForm::Columns {
            operator_sets.push(operator_set(ML_DOMAIN, ML_OPSET));
        }
        let [network_inputs, network_outputs] = network;
        let mut metadata = self.metadata();
        metadata.push(("network_inputs", network_inputs));
        metadata.push(("network_outputs", network_outputs));
        let metadata = metadata.iter();
        let metadata = metadata.map(|(key, value)| Message::new().text(1, key).text(2, value));
        let model = Message::new()
            .integer(1, IR_VERSION)
            .text(2, "nn")
            .text(3, env!("CARGO_PKG_VERSION"))
            .message(7, graph)
            .messages(8, operator_sets)
            .messages(14, metadata);
        let bytes = model.into_bytes();
        if bytes.len() > MAX_BYTES {
            return Err(Error::TooLarge {
                format: "ONNX",
                n_bytes: bytes.len(),
                limit: MAX_BYTES,
            });
        }
        Ok(bytes)
    }

    /// Adds one input per value, and returns the name of the tensor of all values.
    fn add_columns(&self, lowering: &mut Lowering, inputs: &mut Vec<Message>) -> Result<String> {
        let is_pixel = |meaning: &Meaning| matches!(meaning, Meaning::Pixel { .. });
        if self.values().iter().any(|value| is_pixel(&value.meaning)) {
            return Err(Error::NotApplicable {
                option: "inputs columns",
                problem: "the model was trained on images, which have no columns".to_owned(),
            });
        }
        let mut columns = Vec::new();
        let mut taken = HashSet::from([LABEL, LABELS, PROBABILITIES, VALUES].map(str::to_owned));
        for value in self.values() {
            let (name, one) = (new_name(&mut taken, &value.name), Some(1));
            columns.push(match &value.meaning {
                Meaning::Category(categories) => {
                    inputs.push(value_info(&name, ElementType::Text, one));
                    lowering.add_label_encoder(&name, categories)
                }
                _ => {
                    inputs.push(value_info(&name, ElementType::Float, one));
                    name
                }
            });
        }
        Ok(lowering.concat(&columns))
    }

    /// Name of the output with the scores, probabilities or predicted numbers.
    fn scores_name(&self) -> &'static str {
        let is_probability = match self.outcome() {
            Outcome::Classes {
                are_probabilities, ..
            } => *are_probabilities,
            Outcome::Labels { .. } => true,
            Outcome::Values { .. } => false,
        };
        if is_probability {
            PROBABILITIES
        } else {
            VALUES
        }
    }

    /// Adds the outputs of the file.
    fn add_outputs(&self, lowering: &mut Lowering, output: &str) -> Vec<Message> {
        let width = Some(self.n_outputs());
        let scores = self.scores_name();
        match self.outcome() {
            Outcome::Classes { rule, .. } => {
                match rule {
                    ClassRule::Largest => lowering.add_argmax(output, LABEL),
                    ClassRule::Above(threshold) => {
                        lowering.add_threshold(output, *threshold, LABEL);
                    }
                    ClassRule::AtLeast(threshold) => {
                        lowering.add_second_at_least(output, *threshold, LABEL);
                    }
                }
                lowering.rename(output, scores);
                vec![
                    value_info(LABEL, ElementType::Integer, None),
                    value_info(scores, ElementType::Float, width),
                ]
            }
            Outcome::Labels { thresholds, .. } => {
                lowering.add_predicted_labels(output, thresholds, LABELS);
                lowering.rename(output, scores);
                vec![
                    value_info(LABELS, ElementType::Integer, width),
                    value_info(scores, ElementType::Float, width),
                ]
            }
            Outcome::Values { .. } => {
                lowering.rename(output, scores);
                vec![value_info(scores, ElementType::Float, width)]
            }
        }
    }
}

#[cfg(test)]
mod tests;
