//! The model file: a network and its description, in
//! [safetensors](https://github.com/huggingface/safetensors) format. Python can read
//! the file with the `safetensors` package.
//!
//! | tensor | shape |
//! |---|---|
//! | `layers.I.weight` | `[n_inputs, n_outputs]`: the layer computes `x @ weight + bias` |
//! | `layers.I.bias` | `[n_outputs]` |
//! | `layers.I.batch_norm.{gamma, beta, running_mean, running_variance}` | `[n_outputs]`, with batch normalization |
//! | `layers.I.{inputs, sums, outputs}.J.layer_norm.{gamma, beta}` | `[width]`, for layer normalization |
//! | `layers.I.{inputs, sums, outputs}.J.scaling.scale` | `[width]`, for a scaling stage |
//! | `layers.I.{inputs, sums, outputs}.J.parametric.alpha` | `[width]`, for a parametric activation |
//!
//! | `layers.0.inputs.J.members.scale` | `[n_members, n_inputs]`, for members that share layers; the output layer then has `weight` `[n_members, n_inputs, n_outputs]` and `bias` `[n_members, n_outputs]` |
//!
//! The tensors of network N of an ensemble have the prefix `networks.N.`.
//! The indices I of a layer, J of a stage and N of a network count from 0. The metadata has one entry,
//! `nn`, a JSON object: `format`, `sha256` (the SHA-256 of the whole file with these 64
//! digits set to zero), `layers` (widths, activations, batch normalization, dropout),
//! `loss`, `class_names`, `input` (shape, scale, preprocessing) and `training`
//! (settings of the training run); an ensemble has `networks`, their number, and a calibrated
//! model has `temperature`.
//!
//! Files of format 1 can be read as well. Instead of `sha256`, they have `data_sha256`,
//! the SHA-256 of all tensor bytes in the order of the file, so damage to the metadata
//! of such a file may go undetected.
//!
//! A file is validated before it is used. Sizes are checked against the length of the
//! file before anything is allocated, every bit against the checksum, and names and
//! shapes against the layers. Weights must be finite, unless the caller accepts NaN and
//! infinite ones. Every file that this module writes can be read back.

use std::io::{Read, Write};
use std::ops::Range;

use nn_error::{Error, Result};
use nn_functions::{Activation, Loss};
use nn_safetensors::{
    Accept, Encoded, Kind, NO_CHECKSUM, Tensor, TensorFile, bounded, check_n_values, copy_values,
    header, hexadecimal, read_all, values_sha256,
};
use nn_tensor::Scalar;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};

use crate::layer::{Layer, LayerConfig};
use crate::network::{Network, NetworkConfig, Plan};
use crate::stage::{CustomActivation, Stage};

/// The metadata key and the format version.
const KIND: Kind = Kind {
    key: "nn",
    format: 2,
    first_checksummed: 2,
};

/// A trained network with its loss and its description.
#[derive(Clone, Debug, PartialEq)]
pub struct Model<S = f32> {
    /// The layers with their trained parameters.
    pub network: Network<S>,
    /// The loss function used for training, which decides how outputs are interpreted.
    pub loss: Loss,
    /// The inputs, the classes and the training settings.
    pub description: Description,
}

/// The description of a model: its inputs, its classes and its training settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    /// Names of the classes, in the order of the outputs; empty for regression.
    pub class_names: Vec<String>,
    /// Shape, scale and preprocessing of the inputs.
    pub input: InputDescription,
    /// Settings of the training run, for reference and to repeat the run.
    pub training: serde_json::Value,
    /// SHA-256 of the table that the network was trained on, if any. A different table of
    /// the same name would be split differently, and test rows could include training
    /// rows.
    pub table_sha256: Option<String>,
}

/// Shape, scale and preprocessing of a model's inputs; by default, rows of values
/// that are used unchanged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputDescription {
    /// Shape of one input: `[28, 28]` for an image of 28 by 28 pixels, `[n]` for a row
    /// of n values.
    #[serde(deserialize_with = "bounded_shape")]
    pub shape: Vec<usize>,
    /// Factor that multiplies the stored values (1/255 for pixels).
    pub scale: f64,
    /// Preprocessing of the raw rows, for a model trained on a table.
    pub preprocessing: Option<Json>,
}

impl Default for InputDescription {
    fn default() -> Self {
        Self {
            shape: Vec::new(),
            scale: 1.0,
            preprocessing: None,
        }
    }
}

/// A JSON value, stored as text. For a table of a hundred thousand columns, a parsed tree of
/// values would take ten times the memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Serializes a value as JSON.
    ///
    /// # Errors
    /// Returns an error if the value cannot be serialized.
    pub fn new(value: &impl Serialize) -> std::result::Result<Self, serde_json::Error> {
        to_raw_value(value).map(Self)
    }

    /// The value as JSON text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

/// The content of the metadata. `sha256` comes before any user-provided text,
/// which might contain the same digits.
#[derive(Serialize, Deserialize)]
struct Metadata {
    format: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    layers: Vec<LayerRecord>,
    loss: String,
    class_names: Box<RawValue>,
    input: InputDescription,
    training: Box<RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    table_sha256: Option<String>,
    /// Number of networks of an ensemble.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    networks: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    /// Checksum of format 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data_sha256: Option<String>,
}

fn one() -> usize {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "required by serde")]
fn is_one(n: &usize) -> bool {
    *n == 1
}

#[derive(Serialize, Deserialize)]
struct LayerRecord {
    /// Number of values per row that the first stage reads.
    n_inputs: usize,
    n_outputs: usize,
    activation: String,
    batch_norm: bool,
    dropout: f64,
    /// Additional stages, as text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    inputs: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sums: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    outputs: Vec<String>,
}

fn texts(stages: &[Stage]) -> Vec<String> {
    stages.iter().map(Stage::to_string).collect()
}

impl LayerRecord {
    fn new(n_inputs: usize, layer: &Layer) -> Self {
        Self {
            n_inputs,
            n_outputs: layer.n_outputs,
            activation: layer.activation.to_string(),
            batch_norm: layer.batch_norm,
            dropout: layer.dropout,
            inputs: texts(&layer.inputs),
            sums: texts(&layer.sums),
            outputs: texts(&layer.outputs),
        }
    }

    fn config(&self, activations: &[CustomActivation]) -> Result<LayerConfig> {
        let activation: Activation = self.activation.parse()?;
        let stage = |text: &String| Stage::parse_with(text, activations);
        let stages = |texts: &[String]| texts.iter().map(stage).collect();
        let stages: [Result<Vec<Stage>>; 3] =
            [&self.inputs, &self.sums, &self.outputs].map(|texts| stages(texts));
        let [inputs, sums, outputs] = stages;
        Ok(LayerConfig {
            inputs: inputs?,
            batch_norm: self.batch_norm,
            sums: sums?,
            dropout: self.dropout,
            outputs: outputs?,
            ..LayerConfig::new(self.n_outputs, activation)
        })
    }
}

impl<S: Scalar> Model<S> {
    /// Writes the model file. Equal models give byte-identical files.
    ///
    /// The file can be read with [`read`](Self::read), or with
    /// [`read_with_nonfinite`](Self::read_with_nonfinite) if a weight is NaN or
    /// infinite.
    ///
    /// # Errors
    /// Returns [`Error::ModelFile`] if the description does not match the network,
    /// [`Error::HeaderTooLong`] if the description is too long to be read back, and
    /// [`Error::Io`] if `writer` fails.
    pub fn write(&self, mut writer: impl Write) -> Result<()> {
        self.write_to(&mut writer)
    }

    #[inline(never)]
    pub(crate) fn write_to(&self, writer: &mut dyn Write) -> Result<()> {
        self.encoded()?.write(writer)
    }

    /// Returns the bytes of the model file.
    ///
    /// # Errors
    /// Returns the same errors as [`write`](Self::write), and [`Error::OutOfMemory`] if
    /// the bytes cannot be allocated.
    #[inline(never)]
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.encoded()?.to_bytes()
    }

    fn encoded(&self) -> Result<Encoded<'_, S>> {
        let outputs = OutputRecord {
            n_networks: self.network.n_networks(),
            temperature: self.network.temperature(),
        };
        let metadata = self
            .description
            .metadata(self.network.plan(), self.loss, outputs)?;
        Encoded::new(tensors_of(&self.network), KIND, &metadata)
    }

    /// Checks, before training, that the trained model can be written.
    ///
    /// # Errors
    /// Returns the same errors as [`write`](Self::write) and [`NetworkConfig::check`].
    #[inline(never)]
    pub fn check(network: &NetworkConfig, loss: Loss, description: &Description) -> Result<()> {
        let plan = network.plan()?;
        let metadata = description.metadata(&plan, loss, OutputRecord::SINGLE)?;
        let parts = parts(&plan, 1);
        let sizes = parts.iter().map(|part| (part.name.as_str(), &*part.shape));
        header::<S>(sizes, KIND, &metadata).map(drop)
    }

    /// Reads and validates a model file.
    ///
    /// # Errors
    /// Returns [`Error::ModelFile`] if the file is invalid, [`Error::NotFiniteWeight`]
    /// if a weight is NaN or infinite, and [`Error::Io`] if `reader` fails.
    pub fn read(mut reader: impl Read) -> Result<Self> {
        Self::read_accepting(&mut reader, Accept::Finite, &[])
    }

    /// Reads a model file with user-defined activation functions, which the file refers
    /// to by name.
    ///
    /// # Errors
    /// Returns the same errors as [`read`](Self::read).
    pub fn read_with_activations(
        mut reader: impl Read,
        activations: &[CustomActivation],
    ) -> Result<Self> {
        Self::read_accepting(&mut reader, Accept::Finite, activations)
    }

    /// Reads a model file that may have NaN and infinite weights, for example of a
    /// training run that diverged. NaN and infinite weights propagate to the
    /// predictions.
    ///
    /// # Errors
    /// Returns the same errors as [`read`](Self::read), except
    /// [`Error::NotFiniteWeight`].
    pub fn read_with_nonfinite(mut reader: impl Read) -> Result<Self> {
        Self::read_accepting(&mut reader, Accept::All, &[])
    }

    #[inline(never)]
    pub(crate) fn read_accepting(
        reader: &mut dyn Read,
        accept: Accept,
        activations: &[CustomActivation],
    ) -> Result<Self> {
        let bytes = read_all(reader)?;
        let file = TensorFile::parse(&bytes, KIND)?;
        let metadata: Metadata = serde_json::from_str(&file.metadata)
            .map_err(|error| Error::invalid_file(format!("the metadata: {error}")))?;
        if file.format == 1 {
            check_data(&file, metadata.data_sha256.as_deref())?;
        }
        let config = network_config(&metadata.layers, activations)?;
        check_size(&config, metadata.networks, file.data)?;
        let network = Network::zeros(&config).map_err(as_file_error)?;
        let mut network = match metadata.networks {
            1 => network,
            n => Network::ensemble(&vec![network; n]).map_err(as_file_error)?,
        };
        fill(&mut network, &file, accept)?;
        let temperature = metadata.temperature.unwrap_or(1.0);
        let network = network
            .with_temperature(temperature)
            .map_err(as_file_error)?;
        let loss: Loss = metadata.loss.parse().map_err(as_file_error)?;
        let output = network.output_layer().activation;
        loss.check_output(output).map_err(as_file_error)?;
        let model = Self {
            description: Description {
                class_names: class_names(&metadata.class_names, network.n_outputs())?,
                input: metadata.input,
                training: bounded(&metadata.training, TRAINING)?,
                table_sha256: metadata.table_sha256,
            },
            network,
            loss,
        };
        model.description.check(model.network.plan())?;
        Ok(model)
    }
}

/// The number of networks of an ensemble and the temperature.
struct OutputRecord {
    n_networks: usize,
    temperature: f64,
}

impl OutputRecord {
    const SINGLE: Self = Self {
        n_networks: 1,
        temperature: 1.0,
    };
}

impl Description {
    fn metadata(&self, plan: &Plan, loss: Loss, outputs: OutputRecord) -> Result<String> {
        self.check(plan)?;
        let widths = plan.layers.iter().map(|layer| layer.n_outputs);
        let widths = std::iter::once(plan.n_inputs()).chain(widths);
        let layers = widths
            .zip(&plan.layers)
            .map(|(width, layer)| LayerRecord::new(width, layer));
        let json =
            |error: serde_json::Error| Error::invalid_file(format!("the description: {error}"));
        let training = to_raw_value(&self.training).map_err(json)?;
        // The reader bounds the number of values, so the writer must as well.
        bounded::<serde_json::Value>(&training, TRAINING)?;
        let metadata = Metadata {
            format: KIND.format,
            sha256: Some(NO_CHECKSUM.to_owned()),
            layers: layers.collect(),
            loss: loss.to_string(),
            class_names: to_raw_value(&self.class_names).map_err(json)?,
            input: self.input.clone(),
            training,
            table_sha256: self.table_sha256.clone(),
            networks: outputs.n_networks,
            temperature: Some(outputs.temperature).filter(|&it| it != 1.0),
            data_sha256: None,
        };
        serde_json::to_string(&metadata).map_err(json)
    }

    /// Checks that the description matches a network of this plan.
    fn check(&self, plan: &Plan) -> Result<()> {
        let names = self.class_names.len();
        let n_inputs = plan.n_inputs();
        let n_outputs = plan.layers.last().map_or(0, |layer| layer.n_outputs);
        if names != 0 && names != n_outputs && !(n_outputs == 1 && names == 2) {
            return Err(Error::invalid_file(format!(
                "expected {n_outputs} class names, one per output, found {names}"
            )));
        }
        let shape = &self.input.shape;
        let n_values = shape
            .iter()
            .try_fold(1_usize, |product, &n| product.checked_mul(n));
        let is_table = self.input.preprocessing.is_some();
        if !shape.is_empty() && !is_table && n_values != Some(n_inputs) {
            return Err(Error::invalid_file(format!(
                "expected an input shape of {n_inputs} values, found {shape:?}"
            )));
        }
        if shape.len() > MAX_DIMENSIONS {
            return Err(Error::invalid_file(format!(
                "input shape: expected at most {MAX_DIMENSIONS} dimensions, found {}",
                shape.len()
            )));
        }
        let preprocessing = self.input.preprocessing.as_ref();
        if preprocessing.is_some_and(|json| json.as_str() == "null") {
            return Err(Error::invalid_file("the preprocessing is null".to_owned()));
        }
        if !self.input.scale.is_finite() {
            return Err(Error::invalid_file(
                "the input scale is NaN or infinite".to_owned(),
            ));
        }
        Ok(())
    }
}

/// Maximum number of dimensions of an input.
const MAX_DIMENSIONS: usize = 32;

/// The name of the training settings in error messages.
const TRAINING: &str = "the training settings";

/// Deserializes a shape with a bounded number of dimensions.
fn bounded_shape<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<usize>, D::Error> {
    let json = <Box<RawValue>>::deserialize(deserializer)?;
    // The opening bracket counts as a value.
    check_n_values(json.get(), MAX_DIMENSIONS + 1, "the input shape")
        .and_then(|()| bounded(&json, "the input shape"))
        .map_err(serde::de::Error::custom)
}

/// Parses the class names, at most as many as the outputs allow.
fn class_names(json: &RawValue, n_outputs: usize) -> Result<Vec<String>> {
    let what = "the class names";
    check_n_values(json.get(), n_outputs.saturating_add(2), what)?;
    serde_json::from_str(json.get())
        .map_err(|error| Error::invalid_file(format!("{what}: {error}")))
}

/// Verifies the checksum of the weights in a file of format 1.
fn check_data(file: &TensorFile<'_>, expected: Option<&str>) -> Result<()> {
    let found = hexadecimal(Sha256::digest(file.data).as_slice());
    match expected {
        Some(expected) if found == expected => Ok(()),
        Some(expected) => Err(Error::invalid_file(format!(
            "the weights are damaged: expected SHA-256 {expected}, found {found}"
        ))),
        None => Err(Error::invalid_file(
            "the metadata has no checksum".to_owned(),
        )),
    }
}

/// SHA-256 of the little-endian bytes of all tensors, in the order of the file.
pub fn weights_sha256<S: Scalar>(network: &Network<S>) -> String {
    values_sha256(tensors_of(network))
}

fn tensors_of<S: Scalar>(network: &Network<S>) -> Vec<Tensor<'_, S>> {
    parts(network.plan(), network.n_networks())
        .into_iter()
        .map(|part| Tensor {
            values: match part.range {
                Source::Parameters(range) => &network.parameters()[range],
                Source::Statistics(range) => &network.statistics()[range],
            },
            name: part.name,
            shape: part.shape,
        })
        .collect()
}

/// A tensor of a layer and the location of its values in the network.
struct Part {
    name: String,
    shape: Vec<usize>,
    range: Source,
}

enum Source {
    Parameters(Range<usize>),
    Statistics(Range<usize>),
}

/// The tensors of all networks of an ensemble, stage by stage.
fn parts(plan: &Plan, n_networks: usize) -> Vec<Part> {
    let mut parts = Vec::new();
    for network in 0..n_networks {
        let prefix = match n_networks {
            1 => String::new(),
            _ => format!("networks.{network}."),
        };
        for node in &plan.nodes {
            parts.extend(node.tensors().map(|(tensor, range)| Part {
                name: format!("{prefix}{}.{}", node.prefix, tensor.name),
                shape: tensor.shape,
                range: if tensor.is_statistic {
                    Source::Statistics(shifted(range, network * plan.n_statistics))
                } else {
                    Source::Parameters(shifted(range, network * plan.n_parameters))
                },
            }));
        }
    }
    parts
}

fn shifted(range: Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

fn network_config(
    records: &[LayerRecord],
    activations: &[CustomActivation],
) -> Result<NetworkConfig> {
    let mut layers = Vec::with_capacity(records.len());
    for (index, record) in records.iter().enumerate() {
        if index > 0 && record.n_inputs != records[index - 1].n_outputs {
            return Err(Error::invalid_file(format!(
                "layer {} expects {} inputs, but layer {index} has {} outputs",
                index + 1,
                record.n_inputs,
                records[index - 1].n_outputs
            )));
        }
        layers.push(record.config(activations).map_err(as_file_error)?);
    }
    let config = NetworkConfig {
        n_inputs: records.first().map_or(0, |record| record.n_inputs),
        layers,
    };
    config.check().map_err(as_file_error)?;
    Ok(config)
}

/// Checks that the file is large enough for the parameters of its layers, so that
/// a small file cannot cause a large allocation.
fn check_size(config: &NetworkConfig, n_networks: usize, data: &[u8]) -> Result<()> {
    if n_networks == 0 {
        return Err(Error::invalid_file(
            "expected at least 1 network, found 0".to_owned(),
        ));
    }
    let max_parameters = data.len() / f32::BYTES;
    match config.n_parameters().saturating_mul(n_networks) {
        n_parameters if n_parameters <= max_parameters => Ok(()),
        _ => Err(Error::invalid_file(format!(
            "the layers have more parameters than the {} bytes of weights can hold",
            data.len()
        ))),
    }
}

/// Reports an error of the configuration as an error of the file.
fn as_file_error(error: Error) -> Error {
    Error::invalid_file(error.to_string())
}

/// Copies every tensor of the file into the network.
fn fill<S: Scalar>(network: &mut Network<S>, file: &TensorFile<'_>, accept: Accept) -> Result<()> {
    let parts = parts(network.plan(), network.n_networks());
    if file.n_tensors() != parts.len() {
        return Err(Error::invalid_file(format!(
            "the layers need {} tensors, found {}",
            parts.len(),
            file.n_tensors()
        )));
    }
    for part in parts {
        let tensor = file.tensor(&part.name, &part.shape)?;
        let values = match part.range {
            Source::Parameters(range) => &mut network.parameters_mut()[range],
            Source::Statistics(range) => &mut network.statistics_mut()[range],
        };
        copy_values(&part.name, tensor, values, accept)?;
    }
    Ok(())
}
