//! Reads ONNX files: finds the output with numbers, and the steps of its computation.

mod messages;
mod constant;
mod folding;
mod dataflow;
mod operand;
mod activation;
mod grouped_linear;
mod embedding;
mod members;
mod pattern;

use std::cell::RefCell;
use std::collections::HashMap;

use nn_core::model_file::Json;
use nn_table::Preprocessing;

use crate::error::{Error, Result, shown};
use crate::foreign::{Foreign, Meaning, Own};
use crate::format::Format;
use crate::networks::{Networks, are_alike};
use crate::step::Step;
use dataflow::{Dataflow, Id};
use members::Mean;
use messages::{ModelMessage, ValueInfo};
use pattern::Budget;

/// Operators that compute predicted classes from the scores.
const OF_LABELS: [&str; 8] = [
    "ArgMax",
    "ArrayFeatureExtractor",
    "LabelEncoder",
    "Cast",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "Not",
];

/// Keys of the metadata that `nn export` writes.
const NAMES: [(&str, Meaning); 3] = [
    ("class_names", Meaning::Classes),
    ("label_names", Meaning::Labels),
    ("output_names", Meaning::Values),
];

/// Reads a file; `read_external` reads a file with external data by its name.
pub(crate) fn read(
    bytes: &[u8],
    read_external: &dyn Fn(&str) -> Result<Vec<u8>>,
) -> Result<Foreign> {
    let ModelMessage {
        producer,
        graph,
        metadata,
    } = ModelMessage::read(bytes)?;
    if graph.has_sparse_initializers {
        return Err(Error::unsupported("the graph", "has sparse constants"));
    }
    let files = RefCell::new(HashMap::new());
    let read_once = |name: &str| read_cached(&files, name, read_external);
    let (inputs, outputs) = (names_of(&graph.inputs), names_of(&graph.outputs));
    let shapes: Vec<ValueInfo> = graph.inputs.iter().map(clone_of).collect();
    let flow = Dataflow::new(graph, &read_once)?;
    let is_own = producer == "nn";
    let mut own = Own::default();
    let mut found = None;
    if is_own {
        own = own_description(&metadata);
        found = network_of_export(&flow, &metadata, &own)?;
    }
    if found.is_none() {
        own.preprocessing = None;
        found = Some(find_output(&flow, &outputs)?);
    }
    let Found { computation, note } = found.expect("is set above");
    let Computation {
        networks,
        temperature,
        input,
    } = computation;
    let name = inputs.iter().find(|name| flow.find(name) == Some(input));
    let info = shapes.iter().find(|info| Some(&info.name) == name);
    let row_shape = info.and_then(row_shape);
    let n_inputs = row_shape.as_ref().map(|shape| shape.iter().product());
    let (meaning, names) = meaning(&flow, &metadata);
    let stated_shape = metadata.get("input_shape").filter(|_| is_own);
    let stated_shape: Option<Vec<usize>> =
        stated_shape.and_then(|json| serde_json::from_str(json).ok());
    let row_shape = stated_shape
        .filter(|shape| has_length(shape, n_inputs))
        .or(row_shape);
    Ok(Foreign {
        format: Format::Onnx,
        producer: Some(producer).filter(|name| !name.is_empty()),
        networks: Networks::new(networks, temperature, n_inputs)?,
        states_activation: true,
        meaning,
        names,
        image_shape: row_shape.and_then(|shape| image_shape(&shape)),
        own,
        notes: note.into_iter().collect(),
    })
}

fn clone_of(info: &ValueInfo) -> ValueInfo {
    ValueInfo {
        name: info.name.clone(),
        shape: info.shape.clone(),
    }
}

/// Returns `true` for a shape with this number of elements.
fn has_length(shape: &[usize], n_elements: Option<usize>) -> bool {
    crate::tensor::n_elements(shape) == n_elements
}

fn names_of(infos: &[ValueInfo]) -> Vec<String> {
    infos.iter().map(|info| info.name.clone()).collect()
}

/// Reads each external file once.
fn read_cached(
    files: &RefCell<HashMap<String, Vec<u8>>>,
    name: &str,
    read_external: &dyn Fn(&str) -> Result<Vec<u8>>,
) -> Result<Vec<u8>> {
    if let Some(bytes) = files.borrow().get(name) {
        return Ok(bytes.clone());
    }
    let bytes = read_external(name)?;
    files.borrow_mut().insert(name.to_owned(), bytes.clone());
    Ok(bytes)
}

/// The lengths of a row of an input, if all of them are fixed.
fn row_shape(info: &ValueInfo) -> Option<Vec<usize>> {
    let row = info.shape.get(1..).filter(|row| !row.is_empty())?;
    let row: Option<Vec<usize>> = row.iter().copied().collect();
    row.filter(|row| crate::tensor::n_elements(row).is_some())
}

/// Height and width, if an input has both and one channel.
fn image_shape(row: &[usize]) -> Option<[usize; 2]> {
    let lengths: Vec<usize> = row.iter().copied().filter(|&length| length > 1).collect();
    match lengths[..] {
        [height, width] => Some([height, width]),
        _ => None,
    }
}

/// The steps of one network, or of the networks of an ensemble.
struct Computation {
    networks: Vec<Vec<Step>>,
    temperature: f64,
    /// The value that all networks read.
    input: Id,
}

impl Computation {
    /// The computation of `output` from an input of the graph or from the value `start`.
    fn of(flow: &Dataflow<'_>, output: Id, start: Option<Id>) -> Result<Self> {
        if let Some(mean) = Self::of_mean(flow, Mean::of(flow, output), start) {
            return Ok(mean);
        }
        let (steps, input) = pattern::steps(flow, output, start, &mut Budget::default())?;
        Ok(Self {
            networks: vec![steps],
            temperature: 1.0,
            input,
        })
    }

    /// The networks of a mean, if they have the same kinds of steps from the same input.
    fn of_mean(flow: &Dataflow<'_>, mean: Mean, start: Option<Id>) -> Option<Self> {
        let mut budget = Budget::default();
        let steps = |&output: &Id| pattern::steps(flow, output, start, &mut budget).ok();
        let networks: Option<Vec<(Vec<Step>, Id)>> = mean.outputs.iter().map(steps).collect();
        let (networks, inputs): (Vec<_>, Vec<_>) = networks?.into_iter().unzip();
        let input = inputs[0];
        let is_ensemble = inputs.iter().all(|&it| it == input)
            && networks.iter().all(|steps| are_alike(steps, &networks[0]));
        is_ensemble.then_some(Self {
            networks,
            temperature: mean.temperature,
            input,
        })
    }
}

/// The computation of an output, and a note about the choice of the output.
struct Found {
    computation: Computation,
    note: Option<String>,
}

/// The computation of the first output with numbers.
fn find_output(flow: &Dataflow<'_>, outputs: &[String]) -> Result<Found> {
    let is_label = |id: Id| {
        let node = flow.node(flow.source(id));
        node.is_some_and(|node| OF_LABELS.contains(&&*node.message.operator))
    };
    let ids = outputs
        .iter()
        .filter_map(|name| Some((name, flow.find(name)?)));
    let mut candidates: Vec<(&String, Id)> = ids.filter(|&(_, id)| !is_label(id)).collect();
    candidates.dedup_by_key(|candidate| flow.source(candidate.1));
    let Some(&(name, id)) = candidates.first() else {
        return Err(Error::unsupported("the graph", "has no output of numbers"));
    };
    let scores = pattern::both_classes(flow, id).unwrap_or(id);
    let computation = Computation::of(flow, scores, None)?;
    let note = (candidates.len() > 1).then(|| {
        let others: Vec<String> = candidates[1..]
            .iter()
            .map(|(name, _)| shown(name))
            .collect();
        format!(
            "the output {} is imported, not {}",
            shown(name),
            others.join(", ")
        )
    });
    Ok(Found { computation, note })
}

/// The description of the training run in the metadata of `nn export`.
fn own_description(metadata: &HashMap<String, String>) -> Own {
    /// Largest JSON that is parsed into a tree.
    const MAX_TRAINING: usize = 1 << 20;
    let text = |key: &str| metadata.get(key);
    let preprocessing = text("preprocessing").and_then(|json| {
        Preprocessing::from_json(json).ok()?;
        let value: Box<serde_json::value::RawValue> = serde_json::from_str(json).ok()?;
        Json::new(&value).ok()
    });
    let training = text("training").filter(|json| json.len() <= MAX_TRAINING);
    let training = training.and_then(|json| serde_json::from_str(json).ok());
    Own {
        preprocessing,
        input_scale: text("input_scale").and_then(|text| text.parse().ok()),
        training: training.filter(|json: &serde_json::Value| json.is_object()),
        table_sha256: text("table_sha256").cloned(),
        loss: text("loss").and_then(|name| name.parse().ok()),
    }
}

/// The network between the preprocessing of a table and the conversion of the outputs, in a
/// file that `nn export` wrote for a model of a table.
fn network_of_export(
    flow: &Dataflow<'_>,
    metadata: &HashMap<String, String>,
    own: &Own,
) -> Result<Option<Found>> {
    let value = |key: &str| metadata.get(key).and_then(|name| flow.find(name));
    let bounds = value("network_inputs").zip(value("network_outputs"));
    let Some((start, end)) = bounds.filter(|_| own.preprocessing.is_some()) else {
        return Ok(None);
    };
    Ok(Some(Found {
        computation: Computation::of(flow, end, Some(start))?,
        note: None,
    }))
}

/// The meaning of the outputs, and the names of the classes, labels or columns.
fn meaning(
    flow: &Dataflow<'_>,
    metadata: &HashMap<String, String>,
) -> (Option<Meaning>, Option<Vec<String>>) {
    for (key, meaning) in NAMES {
        let names = metadata.get(key);
        if let Some(names) = names.and_then(|json| serde_json::from_str(json).ok()) {
            return (Some(meaning), Some(names));
        }
    }
    let names = flow.nodes().iter().find_map(|node| {
        let attribute = |name: &str| node.attribute(name);
        match node.message.operator.as_str() {
            "ZipMap" => {
                let texts = attribute("classlabels_strings").map(|it| it.texts.clone());
                let integers = attribute("classlabels_int64s").map(|it| &it.integers);
                let numbers = || Some(integers?.iter().map(i64::to_string).collect());
                texts.filter(|it| !it.is_empty()).or_else(numbers)
            }
            "ArrayFeatureExtractor" => flow.texts(node.input(0)?),
            _ => None,
        }
    });
    let of_classes = ["ArgMax", "ZipMap", "ArrayFeatureExtractor"];
    let mut nodes = flow.nodes().iter();
    let is_of_classes = nodes.any(|node| of_classes.contains(&&*node.message.operator));
    (is_of_classes.then_some(Meaning::Classes), names)
}
