//! A trained model in the form that all exported formats are written from.

use nn_core::model_file::weights_sha256;
use nn_core::{Model, Network, Purpose, Rows, Streams};
use nn_table::Preprocessing;
use serde_json::json;

use crate::error::{Error, Result};
use crate::graph::{Graph, Source};
use crate::network::add_network;
use crate::outcome::{Outcome, OutputDecoding};
use crate::values::{Value, ValueEncoding};

/// Largest difference between an exported model and its network, for outputs up to 1; for
/// larger outputs, the relative difference.
pub const TOLERANCE: f32 = 1e-5;

/// Rounding error of a standardized value that can change a prediction noticeably.
const NOTICEABLE_ROUNDING: f64 = 1e-3;

/// A trained model with its preprocessing, ready to be written in an exported format.
///
/// ```
/// use nn_core::Mlp;
/// use nn_core::ndarray::array;
/// use nn_export::ExportedModel;
///
/// let x = array![[1.0, 20.0], [2.0, 10.0], [3.0, 40.0], [4.0, 30.0]];
/// let fitted = Mlp::classifier().hidden([8]).epochs(3).fit(&x, &[0, 0, 1, 1])?;
/// let exported = ExportedModel::new(fitted.model())?;
/// let probabilities = exported.predict(&[1.0, 20.0]);
/// assert!((probabilities[0] - fitted.predict_proba(&x)?[[0, 0]]).abs() < 1e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ExportedModel<'a> {
    model: &'a Model,
    encoding: ValueEncoding,
    decoding: OutputDecoding,
    outcome: Outcome,
    graph: Graph,
    /// The inputs and the outputs of the network in the graph.
    network: [Source; 2],
}

impl<'a> ExportedModel<'a> {
    /// Converts a model of nn-core, of images, or of a table.
    ///
    /// # Errors
    /// Returns [`Error::Unsupported`] for a user-defined activation function,
    /// [`Error::NotFinite`] for weights that are NaN or infinite, and other errors if the
    /// preprocessing is invalid or does not match the network.
    pub fn new(model: &'a Model) -> Result<Self> {
        let preprocessing = preprocessing_of(model)?;
        let preprocessing = preprocessing.as_ref();
        let encoding = match preprocessing {
            Some(table) => ValueEncoding::of_table(table, model.description.input.scale),
            None => ValueEncoding::of_rows(model)?,
        };
        let n_inputs = model.network.n_inputs();
        check_count("inputs", encoding.n_inputs(), n_inputs)?;
        let outcome = Outcome::new(model, preprocessing);
        let decoding = OutputDecoding::new(model, preprocessing, &outcome)?;
        let mut graph = Graph::new(encoding.values().len());
        let inputs = encoding.add_to(&mut graph);
        let outputs = add_network(&mut graph, &model.network, inputs)?;
        let n_outputs = model.network.n_outputs();
        match (&outcome, n_outputs) {
            (Outcome::Classes { names, .. }, 1) => check_count("classes", names.len(), 2)?,
            (outcome, n_outputs) => check_count("outputs", outcome.names().len(), n_outputs)?,
        }
        decoding.add_to(&mut graph, outputs);
        Ok(Self {
            model,
            encoding,
            decoding,
            outcome,
            graph,
            network: [inputs, outputs],
        })
    }

    /// The same model with other decision thresholds: the lowest probability at which the second
    /// of two classes or each label is predicted. The default is 0.5.
    ///
    /// # Errors
    /// Returns [`Error::NotApplicable`] for a model without probabilities of two classes or of
    /// labels, and for a wrong number of thresholds.
    pub fn with_thresholds(&self, thresholds: &[f64]) -> Result<Self> {
        Ok(Self {
            outcome: self.outcome.with_thresholds(thresholds)?,
            ..self.clone()
        })
    }

    /// The values of a row, in their order.
    pub fn values(&self) -> &[Value] {
        self.encoding.values()
    }

    /// The meaning of the outputs.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Number of outputs: one per class, label or predicted column, and one for two classes
    /// without probabilities.
    pub fn n_outputs(&self) -> usize {
        self.graph.n_outputs()
    }

    /// The columns of a table whose numbers may be noticeably rounded to 32-bit floats, because
    /// their mean is many times their standard deviation. Each has the largest error of its
    /// standardized value near the mean. Whole numbers up to 2²⁴ are exact.
    pub fn rounded_values(&self) -> impl Iterator<Item = (&Value, f64)> {
        let rounded = self.encoding.rounded();
        rounded.filter(|&(_, error)| error > NOTICEABLE_ROUNDING)
    }

    /// Computes the outputs for one row of values, as the exported file does.
    ///
    /// # Shapes
    /// `values [n_values]`; the outputs are `[n_outputs]`.
    ///
    /// # Panics
    /// Panics if the number of values is wrong.
    pub fn predict(&self, values: &[f32]) -> Vec<f32> {
        assert_eq!(values.len(), self.values().len(), "number of values");
        self.graph.evaluate(values)
    }

    /// Computes the outputs for one row of values with the network and the preprocessing of
    /// the model itself.
    ///
    /// # Shapes
    /// `values [n_values]`; the outputs are `[n_outputs]`.
    ///
    /// # Errors
    /// Returns [`Error::Core`] if the number of values is wrong or an input is not finite.
    pub fn predict_with_network(&self, values: &[f32]) -> Result<Vec<f32>> {
        let inputs = self.encoding.encode(values);
        Ok(self.decoding.apply(&self.model.network.predict(&inputs)?))
    }

    /// Converts a row of network inputs, such as a sample of the data set, to values.
    ///
    /// # Shapes
    /// `inputs [n_inputs]`; the values are `[n_values]`.
    ///
    /// # Panics
    /// Panics if the number of inputs is wrong.
    pub fn values_of(&self, inputs: &[f32]) -> Vec<f32> {
        assert_eq!(inputs.len(), self.encoding.n_inputs(), "number of inputs");
        self.encoding.decode(inputs)
    }

    /// Random rows of plausible values, for a check without the data set.
    pub fn random_values(&self, n_rows: usize, seed: u64) -> Rows<'static, f32> {
        let mut stream = Streams::new(seed).stream(Purpose::Test, 0);
        let mut random = || stream.uniform();
        let rows = (0..n_rows).flat_map(|_| self.encoding.random_values(&mut random));
        Rows::new(rows.collect::<Vec<f32>>(), self.values().len())
    }

    /// Checks that [`predict`](Self::predict) agrees with the network on rows of values, within
    /// [`TOLERANCE`]. Returns the largest difference.
    ///
    /// # Shapes
    /// `rows [n_rows, n_values]`
    ///
    /// # Errors
    /// Returns [`Error::Differs`] for the first output that differs.
    pub fn check(&self, rows: &Rows<'_, f32>) -> Result<f32> {
        let mut largest = 0.0_f32;
        for (row, values) in rows.rows().enumerate() {
            let outputs = self.predict(values);
            let expected = self.predict_with_network(values)?;
            for (output, (&found, &expected)) in outputs.iter().zip(&expected).enumerate() {
                let difference = difference(found, expected);
                largest = largest.max(difference);
                if difference > TOLERANCE {
                    return Err(Error::Differs {
                        row: row + 1,
                        output: output + 1,
                        expected,
                        found,
                    });
                }
            }
        }
        Ok(largest)
    }

    /// The network of the model.
    pub(crate) fn trained_network(&self) -> &Network {
        &self.model.network
    }

    /// Returns `true` if the inputs are the values times a factor, and the outputs are those of
    /// the network or the probabilities of both classes.
    pub(crate) fn is_preprocessing_exact(&self) -> bool {
        let is_kept = matches!(
            self.decoding,
            OutputDecoding::Identity | OutputDecoding::BothClasses
        );
        is_kept && self.encoding.is_factor()
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The inputs and the outputs of the network in the graph.
    pub(crate) fn network(&self) -> [Source; 2] {
        self.network
    }

    /// The same model with a changed graph.
    pub(crate) fn with_graph(&self, graph: Graph) -> Self {
        Self {
            graph,
            ..self.clone()
        }
    }

    /// What is stored beside the network: names and values of the metadata.
    pub(crate) fn metadata(&self) -> Vec<(&'static str, String)> {
        let names = match &self.outcome {
            Outcome::Classes { .. } => "class_names",
            Outcome::Labels { .. } => "label_names",
            Outcome::Values { .. } => "output_names",
        };
        let mut metadata = vec![
            (names, json!(self.outcome.names()).to_string()),
            ("values", self.encoding.to_json().to_string()),
            (
                "input_shape",
                json!(self.model.description.input.shape).to_string(),
            ),
            ("weights_sha256", weights_sha256(&self.model.network)),
            ("training", self.model.description.training.to_string()),
            ("loss", self.model.loss.to_string()),
            (
                "input_scale",
                json!(self.model.description.input.scale).to_string(),
            ),
        ];
        if let Some(preprocessing) = &self.model.description.input.preprocessing {
            metadata.push(("preprocessing", preprocessing.as_str().to_owned()));
        }
        if let Some(sha256) = &self.model.description.table_sha256 {
            metadata.push(("table_sha256", sha256.clone()));
        }
        metadata
    }
}

/// The difference between two outputs; for outputs above 1, the relative difference. Two NaN
/// outputs are equal.
fn difference(found: f32, expected: f32) -> f32 {
    match (found.is_nan(), expected.is_nan()) {
        (true, true) => 0.0,
        (false, false) if found == expected => 0.0,
        (false, false) => (found - expected).abs() / expected.abs().max(1.0),
        _ => f32::INFINITY,
    }
}

/// The preprocessing of a model that was trained on a table.
fn preprocessing_of(model: &Model) -> Result<Option<Preprocessing>> {
    let input = &model.description.input;
    let is_of_run = !model.description.training.is_null();
    match input.preprocessing.as_ref().filter(|_| is_of_run) {
        Some(json) => Ok(Some(Preprocessing::from_json(json.as_str())?)),
        None => Ok(None),
    }
}

fn check_count(what: &'static str, expected: usize, found: usize) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(Error::Mismatch {
        what,
        expected,
        found,
    })
}

#[cfg(test)]
mod tests {
    use nn_core::{Activation, Loss, NetworkConfig};

    use super::*;

    #[test]
    fn the_check_finds_a_graph_that_differs() {
        let config = NetworkConfig::new(2, [(2, Activation::Identity)]);
        let network: Network = Network::new(&config, 0).unwrap();
        let mut changed = network.clone();
        changed.bias_mut(0)[1] = 3.0 * TOLERANCE;
        let [model, changed] = [network, changed].map(|network| Model {
            network,
            loss: Loss::Mse,
            description: Default::default(),
        });
        let exported = ExportedModel::new(&model).unwrap();
        let rows = Rows::new(vec![0.1, 0.2, 0.3, 0.1], 2);
        exported.check(&rows).unwrap();
        let changed = ExportedModel::new(&changed).unwrap();
        let differs = exported.with_graph(changed.graph().clone()).check(&rows);
        assert!(matches!(
            differs,
            Err(Error::Differs {
                row: 1,
                output: 2,
                ..
            })
        ));
    }
}
