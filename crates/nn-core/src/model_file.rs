//! The model file: weights and everything needed to use them again, in
//! [safetensors](https://github.com/huggingface/safetensors) form, which
//! Python reads with the package of that name and without code of ours.
//!
//! | tensor | shape |
//! |---|---|
//! | `layers.I.weight` | `[n_inputs, n_outputs]`, so that a layer is `x @ weight + bias` |
//! | `layers.I.bias` | `[n_outputs]` |
//! | `layers.I.batch_norm.{gamma, beta, running_mean, running_variance}` | `[n_outputs]`, with batch normalization |
//! | `layers.I.{inputs, sums, outputs}.J.layer_norm.{gamma, beta}` | `[width]`, of layer normalization |
//! | `layers.I.{inputs, sums, outputs}.J.scaling.scale` | `[width]`, of a scaling stage |
//! | `layers.I.{inputs, sums, outputs}.J.parametric.alpha` | `[width]`, of a parametric activation |
//!
//! I counts from 0. The metadata has one entry, `nn`, a JSON object: `format`,
//! `sha256`, the SHA-256 of the whole file in which these 64 digits are zeros,
//! `layers` (widths, activations, batch normalisation, dropout), `loss`,
//! `class_names`, `input` (shape, scale, preprocessing) and `training` (how it
//! was trained).
//!
//! Files of format 1 are read, too: instead of `sha256` they have
//! `data_sha256`, the SHA-256 of all tensor bytes in the order of the file, so
//! that damage to their metadata may go unnoticed.
//!
//! A file is not believed before it is checked: sizes against the length of
//! the file before anything is allocated, every bit against the checksum, names
//! and shapes against the layers, and every weight for being a finite number,
//! unless those that are not are asked for. Whatever is written can be read.

use std::io::{Read, Write};

use nn_tensor::Scalar;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};

use crate::activation::Activation;
use crate::layer::{Layer, LayerConfig};
use crate::loss::Loss;
use crate::network::{Network, NetworkConfig, Plan};
use crate::stage::Stage;
use crate::tensor_file::{
    self, Encoded, Kind, NO_CHECKSUM, Numbers, Tensor, TensorFile, bounded, check_n_values,
    copy_numbers, hexadecimal, invalid, read_all,
};
use crate::{Error, Result};

/// Where the metadata is, and its version.
const KIND: Kind = Kind {
    key: "nn",
    format: 2,
    first_sealed: 2,
};

/// A network with what is needed to use it.
#[derive(Clone, Debug, PartialEq)]
pub struct Model<S = f32> {
    /// The network.
    pub network: Network<S>,
    /// The loss it was trained for; decides what an answer means.
    pub loss: Loss,
    /// What goes in and what comes out.
    pub description: Description,
}

/// What goes into a network, what comes out, and where it comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    /// Names of the classes, in the order of the outputs; empty for regression.
    pub class_names: Vec<String>,
    /// What a sample looks like.
    pub input: InputDescription,
    /// How the network was trained, for people and for training it again.
    pub training: serde_json::Value,
    /// SHA-256 of the table it was trained on, if it was one: another table of
    /// the same name would be divided differently, and training rows would be
    /// taken for test rows.
    pub table_sha256: Option<String>,
}

/// What a sample looks like before it goes into a network; by default a row of
/// numbers that goes in as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputDescription {
    /// `[28, 28]` for images, `[n]` for a row of numbers.
    #[serde(deserialize_with = "few_dimensions")]
    pub shape: Vec<usize>,
    /// Factor on stored values (1/255 for pixels).
    pub scale: f64,
    /// How raw rows of a table become inputs, if they are a table's.
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

/// JSON as text. A table of a hundred thousand columns has a long description,
/// of which a tree of values would take ten times the memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

impl Json {
    /// The JSON of a value.
    ///
    /// # Errors
    /// If the value cannot be written as JSON.
    pub fn new(value: &impl Serialize) -> std::result::Result<Self, serde_json::Error> {
        to_raw_value(value).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

/// What the metadata hold. `sha256` comes before any text of others, in which
/// the same digits might stand.
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
    /// Of format 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data_sha256: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct LayerRecord {
    n_inputs: usize,
    n_outputs: usize,
    activation: String,
    batch_norm: bool,
    dropout: f64,
    /// Further stages, as text.
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
    fn new(layer: &Layer) -> Self {
        Self {
            n_inputs: layer.n_inputs,
            n_outputs: layer.n_outputs,
            activation: layer.activation.to_string(),
            batch_norm: layer.batch_norm,
            dropout: layer.dropout,
            inputs: texts(&layer.inputs),
            sums: texts(&layer.sums),
            outputs: texts(&layer.outputs),
        }
    }

    fn config(&self) -> Result<LayerConfig> {
        let activation: Activation = self.activation.parse()?;
        let stages = |texts: &[String]| texts.iter().map(|text| text.parse()).collect();
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
    /// Writes the file; the same model gives the same bytes. What is written
    /// can be read again: with [`read_with_nonfinite`](Self::read_with_nonfinite)
    /// if a weight is NaN or infinite, with [`read`](Self::read) otherwise.
    ///
    /// # Errors
    /// [`Error::ModelFile`] if the description does not fit the network,
    /// [`Error::HeaderTooLong`] if it is longer than any reader accepts;
    /// [`Error::Io`] if `writer` fails.
    pub fn write(&self, mut writer: impl Write) -> Result<()> {
        self.write_to(&mut writer)
    }

    #[inline(never)]
    pub(crate) fn write_to(&self, writer: &mut dyn Write) -> Result<()> {
        self.encoded()?.write(writer)
    }

    /// The bytes of the file that [`write`](Self::write) writes.
    ///
    /// # Errors
    /// As for `write`; [`Error::OutOfMemory`] if there is no room for them.
    #[inline(never)]
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.encoded()?.to_bytes()
    }

    fn encoded(&self) -> Result<Encoded<'_, S>> {
        let metadata = self.description.metadata(self.network.plan(), self.loss)?;
        Encoded::new(tensors_of(&self.network), KIND, &metadata)
    }

    /// Whether a model can be written that is yet to be trained.
    ///
    /// # Errors
    /// As for [`write`](Self::write), and as
    /// [`NetworkConfig::check`].
    #[inline(never)]
    pub fn check(network: &NetworkConfig, loss: Loss, description: &Description) -> Result<()> {
        let plan = network.plan()?;
        let metadata = description.metadata(&plan, loss)?;
        let parts = parts(&plan);
        let sizes = parts.iter().map(|part| (part.name.as_str(), &*part.shape));
        tensor_file::header::<S>(sizes, KIND, &metadata).map(drop)
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`Error::ModelFile`] says what is wrong with it,
    /// [`Error::NotFiniteWeight`] which weight is no number; [`Error::Io`] if
    /// `reader` fails.
    pub fn read(mut reader: impl Read) -> Result<Self> {
        Self::read_numbers(&mut reader, Numbers::Finite)
    }

    /// As [`read`](Self::read), but takes NaN and infinite weights, as a
    /// training that has diverged may leave them. They go through to the
    /// network's answers.
    ///
    /// # Errors
    /// As for `read`, except [`Error::NotFiniteWeight`].
    pub fn read_with_nonfinite(mut reader: impl Read) -> Result<Self> {
        Self::read_numbers(&mut reader, Numbers::Any)
    }

    #[inline(never)]
    pub(crate) fn read_numbers(reader: &mut dyn Read, accepted: Numbers) -> Result<Self> {
        let bytes = read_all(reader)?;
        let file = TensorFile::parse(&bytes, KIND)?;
        let metadata: Metadata = serde_json::from_str(&file.metadata)
            .map_err(|error| invalid(format!("its metadata: {error}")))?;
        if file.format == 1 {
            check_data(&file, metadata.data_sha256.as_deref())?;
        }
        let config = network_config(&metadata.layers)?;
        check_size(&config, file.data)?;
        let mut network = Network::zeros(&config).map_err(of_the_file)?;
        fill(&mut network, &file, accepted)?;
        let loss: Loss = metadata.loss.parse().map_err(of_the_file)?;
        let output = network.output_layer().activation;
        loss.check_output(output).map_err(of_the_file)?;
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

impl Description {
    fn metadata(&self, plan: &Plan, loss: Loss) -> Result<String> {
        self.check(plan)?;
        let layers = plan.layers.iter().map(LayerRecord::new);
        let json = |error: serde_json::Error| invalid(format!("its description: {error}"));
        let training = to_raw_value(&self.training).map_err(json)?;
        // A tree that is read has to be of a size that is read.
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
            data_sha256: None,
        };
        serde_json::to_string(&metadata).map_err(json)
    }

    /// Whether it is that of a network of this plan.
    fn check(&self, plan: &Plan) -> Result<()> {
        let names = self.class_names.len();
        let n_inputs = plan.n_inputs();
        let n_outputs = plan.layers.last().map_or(0, |layer| layer.n_outputs);
        if names != 0 && names != n_outputs && !(n_outputs == 1 && names == 2) {
            return Err(invalid(format!(
                "{names} class names for {n_outputs} outputs"
            )));
        }
        let shape = &self.input.shape;
        let n_values = shape
            .iter()
            .try_fold(1_usize, |product, &n| product.checked_mul(n));
        let is_table = self.input.preprocessing.is_some();
        if !shape.is_empty() && !is_table && n_values != Some(n_inputs) {
            return Err(invalid(format!(
                "input shape {shape:?} does not hold {n_inputs} values"
            )));
        }
        if shape.len() > MOST_DIMENSIONS {
            return Err(invalid(format!(
                "input shape: expected at most {MOST_DIMENSIONS} dimensions, found {}",
                shape.len()
            )));
        }
        let preprocessing = self.input.preprocessing.as_ref();
        if preprocessing.is_some_and(|json| json.as_str() == "null") {
            return Err(invalid("the preprocessing is null".to_owned()));
        }
        if !self.input.scale.is_finite() {
            return Err(invalid("the input scale is not a finite number".to_owned()));
        }
        Ok(())
    }
}

/// Most dimensions of an input.
const MOST_DIMENSIONS: usize = 32;

/// What the settings in the metadata are called in errors.
const TRAINING: &str = "its training settings";

/// A shape of at most as many dimensions as anything has.
fn few_dimensions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<usize>, D::Error> {
    let json = <Box<RawValue>>::deserialize(deserializer)?;
    // Brackets count as well.
    check_n_values(json.get(), MOST_DIMENSIONS + 1, "its input shape")
        .and_then(|()| bounded(&json, "its input shape"))
        .map_err(serde::de::Error::custom)
}

/// The names of the classes, unless there are more than outputs for them.
fn class_names(json: &RawValue, n_outputs: usize) -> Result<Vec<String>> {
    let what = "its class names";
    check_n_values(json.get(), n_outputs.saturating_add(2), what)?;
    serde_json::from_str(json.get()).map_err(|error| invalid(format!("{what}: {error}")))
}

/// Whether the weights of a file of format 1 are as they were written.
fn check_data(file: &TensorFile<'_>, expected: Option<&str>) -> Result<()> {
    let found = hexadecimal(Sha256::digest(file.data).as_slice());
    match expected {
        Some(expected) if found == expected => Ok(()),
        Some(expected) => Err(invalid(format!(
            "the weights are damaged: expected SHA-256 {expected}, found {found}"
        ))),
        None => Err(invalid("its metadata has no checksum".to_owned())),
    }
}

/// SHA-256 of all tensors' little-endian bytes in the order of the file.
pub fn weights_sha256<S: Scalar>(network: &Network<S>) -> String {
    tensor_file::values_sha256(tensors_of(network))
}

fn tensors_of<S: Scalar>(network: &Network<S>) -> Vec<Tensor<'_, S>> {
    parts(network.plan())
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

/// One tensor of a layer and where its numbers live in the network.
struct Part {
    name: String,
    shape: Vec<usize>,
    range: Source,
}

enum Source {
    Parameters(std::ops::Range<usize>),
    Statistics(std::ops::Range<usize>),
}

/// The tensors of a network, stage by stage.
fn parts(plan: &Plan) -> Vec<Part> {
    let parts = plan.stages.iter().flat_map(|placed| {
        placed.tensors().map(|(tensor, range)| Part {
            name: format!("{}.{}", placed.prefix, tensor.name),
            shape: tensor.shape,
            range: if tensor.is_statistic {
                Source::Statistics(range)
            } else {
                Source::Parameters(range)
            },
        })
    });
    parts.collect()
}

fn network_config(records: &[LayerRecord]) -> Result<NetworkConfig> {
    let mut layers = Vec::with_capacity(records.len());
    for (index, record) in records.iter().enumerate() {
        if index > 0 && record.n_inputs != records[index - 1].n_outputs {
            return Err(invalid(format!(
                "layer {} expects {} inputs, but layer {index} gives {} outputs",
                index + 1,
                record.n_inputs,
                records[index - 1].n_outputs
            )));
        }
        layers.push(record.config().map_err(of_the_file)?);
    }
    let config = NetworkConfig {
        n_inputs: records.first().map_or(0, |record| record.n_inputs),
        layers,
    };
    config.check().map_err(of_the_file)?;
    Ok(config)
}

/// The file has at least as many bytes as the layers have parameters times
/// four: no more memory is asked for than a file has grounds for.
fn check_size(config: &NetworkConfig, data: &[u8]) -> Result<()> {
    let n_numbers = data.len() / f32::BYTES;
    match config.n_parameters() {
        n_parameters if n_parameters <= n_numbers => Ok(()),
        _ => Err(invalid(format!(
            "its layers have more parameters than its {} bytes of weights can hold",
            data.len()
        ))),
    }
}

/// What would be wrong in a configuration is wrong with the file.
fn of_the_file(error: Error) -> Error {
    invalid(error.to_string())
}

/// Copies every tensor to its place.
fn fill<S: Scalar>(
    network: &mut Network<S>,
    file: &TensorFile<'_>,
    accepted: Numbers,
) -> Result<()> {
    let parts = parts(network.plan());
    if file.n_tensors() != parts.len() {
        return Err(invalid(format!(
            "its layers need {} tensors, it has {}",
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
        copy_numbers(&part.name, tensor, values, accepted)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn model() -> Model<f32> {
        let hidden = LayerConfig {
            batch_norm: true,
            dropout: 0.25,
            ..LayerConfig::new(3, Activation::LeakyRelu { slope: 0.2 })
        };
        let layers = vec![hidden, LayerConfig::new(2, Activation::Softmax)];
        Model {
            network: Network::new(
                &NetworkConfig {
                    n_inputs: 4,
                    layers,
                },
                5,
            )
            .unwrap(),
            loss: Loss::CrossEntropy,
            description: Description {
                class_names: vec!["cat".to_owned(), "dog".to_owned()],
                input: InputDescription {
                    shape: vec![2, 2],
                    scale: 1.0 / 255.0,
                    preprocessing: None,
                },
                training: serde_json::json!({ "seed": 5 }),
                table_sha256: None,
            },
        }
    }

    fn bytes(model: &Model<f32>) -> Vec<u8> {
        let mut bytes = Vec::new();
        model.write(&mut bytes).unwrap();
        bytes
    }

    fn message(bytes: &[u8]) -> String {
        let error = Model::<f32>::read(bytes).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Data, "{error}");
        error.to_string()
    }

    #[test]
    fn what_is_written_is_read() {
        let model = model();
        let bytes_once = bytes(&model);
        assert_eq!(model.to_bytes().unwrap(), bytes_once);
        assert_eq!(Model::read(&bytes_once[..]).unwrap(), model);
        assert_eq!(bytes_once, bytes(&model), "the same bytes every time");
    }

    #[test]
    fn the_checksum_is_that_of_the_data_section() {
        let model = model();
        let bytes = bytes(&model);
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let found = hexadecimal(Sha256::digest(&bytes[8 + header..]).as_slice());
        assert_eq!(found, weights_sha256(&model.network));
    }

    #[test]
    fn double_precision_survives() {
        let network = model().network.cast::<f64>();
        let double = Model {
            network,
            loss: Loss::CrossEntropy,
            description: model().description,
        };
        let mut bytes = Vec::new();
        double.write(&mut bytes).unwrap();
        assert_eq!(Model::<f64>::read(&bytes[..]).unwrap(), double);
        assert_eq!(
            Model::<f32>::read(&bytes[..]).unwrap().network,
            model().network
        );
    }

    #[test]
    fn every_cut_is_noticed() {
        let bytes = bytes(&model());
        for end in 0..bytes.len() {
            message(&bytes[..end]);
        }
        message(&[&bytes[..], &[0]].concat());
    }

    /// Also a bit of a column's mean, of a class name or of a setting.
    #[test]
    fn every_flipped_bit_is_refused() {
        let table = table();
        let original = bytes(&table);
        assert_eq!(Model::read(&original[..]).unwrap(), table);
        for position in 0..original.len() {
            for bit in 0..8 {
                let mut bytes = original.clone();
                bytes[position] ^= 1 << bit;
                message(&bytes);
            }
        }
    }

    fn table() -> Model<f32> {
        let mut table = model();
        let column = |name: &str, mean: f64| {
            let standardise = serde_json::json!({ "mean": mean, "std": 17.0 });
            serde_json::json!({ "name": name, "encoding": { "standardise": standardise } })
        };
        let columns: Vec<_> = ["u", "é \"", "w", "x"].map(|name| column(name, 0.1)).into();
        let preprocessing = serde_json::json!({ "inputs": { "columns": columns } });
        table.description.input = InputDescription {
            shape: vec![4],
            scale: 1.0,
            preprocessing: Some(Json::new(&preprocessing).unwrap()),
        };
        table.description.table_sha256 = Some("0".repeat(64));
        table
    }

    #[test]
    fn many_layers_are_written_and_read() {
        for n_layers in [5000, 20_000] {
            let layers = vec![LayerConfig::new(1, Activation::Sigmoid); n_layers];
            let config = NetworkConfig {
                n_inputs: 1,
                layers,
            };
            let model = Model {
                network: Network::<f32>::new(&config, 5).unwrap(),
                loss: Loss::Mse,
                description: Description::default(),
            };
            assert_eq!(Model::read(&bytes(&model)[..]).unwrap(), model);
            assert_eq!(weights_sha256(&model.network).len(), 64);
        }
    }

    /// As many columns as the reader of tables takes, and columns of a thousand
    /// long categories; the checksum's zeros may stand anywhere.
    #[test]
    fn long_descriptions_are_written_and_read() {
        let categories: Vec<String> = (0..1000).map(|k| format!("{k:0600}")).collect();
        let columns = vec![categories; 30];
        let many: Vec<String> = (0..100_000).map(|k| format!("gene \"{k}\"")).collect();
        for preprocessing in [Json::new(&columns), Json::new(&many)] {
            let mut model = table();
            model.description.input.preprocessing = Some(preprocessing.unwrap());
            model.description.training = many[..50_000].into();
            assert_eq!(Model::read(&bytes(&model)[..]).unwrap(), model);
        }
    }

    /// What could not be read is not written.
    #[test]
    fn descriptions_that_no_reader_takes_are_not_written() {
        let network = NetworkConfig {
            n_inputs: 4,
            layers: vec![
                LayerConfig::new(3, Activation::Tanh),
                LayerConfig::new(2, Activation::Softmax),
            ],
        };
        let refusal = |edit: fn(&mut Description)| {
            let mut model = table();
            let check = |it: &Description| Model::<f32>::check(&network, Loss::CrossEntropy, it);
            check(&model.description).unwrap();
            edit(&mut model.description);
            check(&model.description).unwrap_err();
            model.write(std::io::sink()).unwrap_err()
        };
        let too_long = refusal(|it| it.training = "a".repeat(100_000_000).into());
        assert!(matches!(too_long, Error::HeaderTooLong { found, .. } if found > 100_000_000));
        refusal(|it| it.training = vec![0; 100_000].into());
        refusal(|it| it.class_names.push("bird".to_owned()));
        refusal(|it| it.input.scale = f64::NAN);
        refusal(|it| it.input.shape = vec![1; 64]);
        refusal(|it| it.input.preprocessing = Some(Json::new(&f64::NAN).unwrap()));
    }

    #[test]
    fn hostile_headers_are_refused() {
        assert!(message(&[]).contains("ends at byte 0"));
        assert!(message(&[0xff; 64]).contains("promise a header"));
        assert!(message(b"\x02\0\0\0\0\0\0\0{}").contains("not written by nn"));
        let deep = [&20_000_u64.to_le_bytes()[..], &vec![b'['; 20_000]].concat();
        assert!(message(&deep).contains("not JSON"));
        // Nine I8 tensors whose sizes add up to about 2⁶⁴.
        let size = u64::MAX / 9;
        let tensors: Vec<String> = (0..9_u64)
            .map(|i| {
                let (start, end) = (i * size, (i + 1) * size);
                format!("\"t{i}\":{{\"dtype\":\"I8\",\"shape\":[{size}],\"data_offsets\":[{start},{end}]}}")
            })
            .collect();
        let header = format!("{{{}}}", tensors.join(","));
        let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
        message(&file);
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused() {
        let mut model = model();
        model.network.parameters_mut()[2] = f32::NAN;
        assert_eq!(
            message(&bytes(&model)),
            "tensor layers.0.weight: element 2 is NaN"
        );
    }

    #[test]
    fn numbers_that_are_not_finite_are_read_where_they_are_asked_for() {
        let mut model = model();
        model.network.parameters_mut()[2] = f32::NAN;
        model.network.parameters_mut()[3] = f32::NEG_INFINITY;
        let read = Model::<f32>::read_with_nonfinite(&bytes(&model)[..]).unwrap();
        let bits = |model: &Model<f32>| -> Vec<u32> {
            let parameters = model.network.parameters().iter();
            parameters.map(|number| number.to_bits()).collect()
        };
        assert_eq!(bits(&read), bits(&model));
    }

    #[test]
    fn a_number_too_large_for_single_precision_is_none_of_them() {
        let mut double = Model {
            network: model().network.cast::<f64>(),
            loss: Loss::CrossEntropy,
            description: model().description,
        };
        double.network.parameters_mut()[0] = 1e300;
        let mut bytes = Vec::new();
        double.write(&mut bytes).unwrap();
        let error = Model::<f32>::read_with_nonfinite(&bytes[..]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "tensor layers.0.weight: element 0 is 1e300, too large for f32"
        );
    }

    #[test]
    fn a_newer_format_is_refused() {
        let text = bytes(&model());
        let position = text
            .windows(11)
            .position(|w| w == br#"format\":2,"#)
            .unwrap();
        let mut newer = text.clone();
        newer[position + 9] = b'7';
        assert!(message(&newer).contains("format 7; this version of nn reads formats 1 to 2"));
    }
}
