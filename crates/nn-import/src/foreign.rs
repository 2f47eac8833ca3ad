//! What a file says about a model.

use nn_core::Loss;
use nn_core::model_file::Json;
use serde_json::Value;

use crate::format::Format;
use crate::networks::Networks;

/// A model as a file describes it.
#[derive(Clone, Debug)]
pub(crate) struct Foreign {
    pub(crate) format: Format,
    /// The program that wrote the file, if the file names it.
    pub(crate) producer: Option<String>,
    pub(crate) networks: Networks,
    /// Whether the file states the activation function of the outputs.
    pub(crate) states_activation: bool,
    /// The meaning of the outputs, if the file states it.
    pub(crate) meaning: Option<Meaning>,
    /// Names of the classes, labels or predicted columns.
    pub(crate) names: Option<Vec<String>>,
    /// Height and width of the images, if the inputs have this shape.
    pub(crate) image_shape: Option<[usize; 2]>,
    /// What our own export adds.
    pub(crate) own: Own,
    /// Remarks for the user.
    pub(crate) notes: Vec<String>,
}

/// The meaning of the outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Classes,
    Labels,
    Values,
}

/// The description of a training run in a file that `nn export` wrote.
#[derive(Clone, Debug, Default)]
pub(crate) struct Own {
    /// The preprocessing of the table, if the network begins after it.
    pub(crate) preprocessing: Option<Json>,
    /// Factor of the stored values, before the preprocessing.
    pub(crate) input_scale: Option<f64>,
    /// The settings of the training run.
    pub(crate) training: Option<Value>,
    pub(crate) table_sha256: Option<String>,
    pub(crate) loss: Option<Loss>,
}
