//! One layer: weighted sums `z = a·W + b`, activation and, optionally,
//! normalization, dropout and any other [`Stage`].
//!
//! A [`LayerConfig`] is shorthand for the [`Stage`]s of a layer. The order of the
//! stages follows Ioffe & Szegedy 2015 and Srivastava et al. 2014:
//!
//! ```text
//! inputs → dense → batch norm → sums → activation → dropout → outputs
//! ```
//!
//! Here `inputs`, `sums` and `outputs` are lists of further stages.
//!
//! A [`Layer`] describes one layer and the index ranges of its parameters; the parameters
//! themselves are in the flat buffer of the [`Network`](crate::Network).

use std::ops::Range;

use nn_error::{Error, Range as ValueRange, Result};
use nn_functions::{Activation, Init, Menu};
use nn_samples::Rows;

use crate::stage::{BatchNorm, Dense, Heads, Place, Stage};

/// Maximum number of neurons or inputs of a layer.
const MAX_WIDTH: usize = 1 << 24;

/// The configuration of one layer.
///
/// | Name | Default | Purpose | Range |
/// |---|---|---|---|
/// | `n_outputs` | | number of neurons | 1 or above |
/// | `activation` | | see [`Activation`] | softmax only in the last layer |
/// | `init` | He for rectifiers, Xavier otherwise | initial weights | |
/// | `bias_init` | zeros | initial biases | |
/// | `inputs` | none | stages before the weighted sums | |
/// | `batch_norm` | false | batch normalization of the weighted sums | |
/// | `sums` | none | stages between the weighted sums and the activation | |
/// | `dropout` | 0 | probability that an output is dropped in training | 0 to below 1 |
/// | `outputs` | none | stages after activation and dropout | not in the last layer |
#[derive(Clone, Debug, PartialEq)]
pub struct LayerConfig {
    /// Number of neurons.
    pub n_outputs: usize,
    /// Activation function.
    pub activation: Activation,
    /// Initial weights.
    pub init: Init,
    /// Initial biases.
    pub bias_init: Init,
    /// Stages before the weighted sums.
    pub inputs: Vec<Stage>,
    /// Batch normalization of the weighted sums.
    pub batch_norm: bool,
    /// Stages between the weighted sums and the activation.
    pub sums: Vec<Stage>,
    /// Probability that an output is dropped in training.
    pub dropout: f64,
    /// Stages after activation and dropout.
    pub outputs: Vec<Stage>,
}

impl From<(usize, Activation)> for LayerConfig {
    fn from((n_outputs, activation): (usize, Activation)) -> Self {
        Self::new(n_outputs, activation)
    }
}

impl LayerConfig {
    /// A dense layer with the default initialization for its activation.
    pub fn new(n_outputs: usize, activation: Activation) -> Self {
        Self {
            n_outputs,
            activation,
            init: Init::usual_for(activation),
            bias_init: Init::Zeros,
            inputs: Vec::new(),
            batch_norm: false,
            sums: Vec::new(),
            dropout: 0.0,
            outputs: Vec::new(),
        }
    }

    /// Checks the configuration as layer `layer` (from 1) of `n_layers`, with
    /// `n_inputs` values per row.
    pub(crate) fn check(&self, layer: usize, n_layers: usize, n_inputs: usize) -> Result<()> {
        ValueRange::Fraction.check(&format!("dropout of layer {layer}"), self.dropout)?;
        self.activation.check()?;
        self.init.check()?;
        self.bias_init.check()?;
        let is_output = layer == n_layers;
        let conflict = |problem: &str| {
            Err(Error::Conflict {
                what: format!("layer {layer}"),
                problem: problem.to_owned(),
            })
        };
        if self.activation == Activation::Softmax && !is_output {
            return conflict("softmax is allowed in the output layer only");
        }
        let n_members_stages = self.inputs.iter().filter_map(Stage::n_members).count();
        if n_members_stages > 0 && (layer > 1 || n_members_stages > 1) {
            return conflict("expected at most one members stage, in the first layer");
        }
        if self.dropout > 0.0 && is_output {
            return conflict("the output layer cannot have dropout");
        }
        if is_output && !self.outputs.is_empty() {
            return conflict("the output layer cannot have stages after its activation");
        }
        for (place, stages) in [
            (Place::Inputs, &self.inputs),
            (Place::Sums, &self.sums),
            (Place::Outputs, &self.outputs),
        ] {
            let mut width = match place {
                Place::Inputs => n_inputs,
                Place::Sums | Place::Outputs => self.n_outputs,
            };
            for stage in stages {
                stage.check(width)?;
                if !stage.fits(place) {
                    return conflict(&format!("stage {stage} is not allowed {place}"));
                }
                width = stage.n_outputs(width);
                check_width(&format!("outputs of stage {stage}"), width)?;
            }
        }
        if !self.outputs.iter().any(Stage::reads_layer_input) {
            return Ok(());
        }
        if layer == 1 {
            return conflict("the first layer cannot have a residual connection");
        }
        if n_inputs == self.n_outputs {
            return Ok(());
        }
        conflict(&format!(
            "a residual connection needs as many outputs as the previous layer: expected {n_inputs}, found {}",
            self.n_outputs
        ))
    }
}

impl LayerConfig {
    /// The same layer without dropout.
    pub(crate) fn without_dropout(self) -> Self {
        Self {
            dropout: 0.0,
            ..self
        }
    }

    /// The number of members that share the layers after this one, if a stage of this layer
    /// sets it.
    pub(crate) fn n_members(&self) -> Option<usize> {
        self.inputs.iter().find_map(Stage::n_members)
    }

    /// Number of parameters of a layer that reads `n_inputs` values per row; `n_heads` is the
    /// number of members for the output layer, otherwise 1.
    pub(crate) fn n_parameters(&self, n_inputs: usize, n_heads: usize) -> usize {
        let n_outputs = self.n_outputs;
        let sums: Stage = if n_heads > 1 {
            let n_members = n_heads;
            Heads {
                n_members,
                n_outputs,
            }
            .into()
        } else {
            Dense { n_outputs }.into()
        };
        let standard = [Some(sums), self.batch_norm.then(|| BatchNorm.into())];
        let standard: Vec<Stage> = standard.into_iter().flatten().collect();
        let stages = self.inputs.iter().chain(&standard);
        let stages = stages.chain(&self.sums).chain(&self.outputs);
        let (mut width, mut total) = (n_inputs, 0_usize);
        for stage in stages {
            total = total.saturating_add(stage.n_elements(width, false));
            width = stage.n_outputs(width);
        }
        total
    }
}

/// A layer of a network and the location of its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Number of inputs of each weighted sum.
    pub n_inputs: usize,
    /// Number of neurons.
    pub n_outputs: usize,
    /// Activation function.
    pub activation: Activation,
    /// Stages before the weighted sums.
    pub inputs: Vec<Stage>,
    /// Whether the weighted sums have batch normalization.
    pub batch_norm: bool,
    /// Stages between the weighted sums and the activation.
    pub sums: Vec<Stage>,
    /// Probability that an output is dropped in training.
    pub dropout: f64,
    /// Stages after activation and dropout.
    pub outputs: Vec<Stage>,
    pub(crate) ranges: Ranges,
}

/// The index ranges of a layer's tensors in the flat buffers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ranges {
    pub(crate) weights: Range<usize>,
    pub(crate) bias: Range<usize>,
    pub(crate) batch_norm: Range<usize>,
    pub(crate) parameters: Range<usize>,
    pub(crate) statistics: Range<usize>,
}

impl Layer {
    /// The configuration of the layer, with default initialization.
    pub(crate) fn config(&self) -> LayerConfig {
        LayerConfig {
            inputs: self.inputs.clone(),
            batch_norm: self.batch_norm,
            sums: self.sums.clone(),
            dropout: self.dropout,
            outputs: self.outputs.clone(),
            ..LayerConfig::new(self.n_outputs, self.activation)
        }
    }

    /// The additional stages of the layer: `inputs`, `sums` and `outputs`.
    pub fn further_stages(&self) -> impl Iterator<Item = &Stage> {
        self.inputs.iter().chain(&self.sums).chain(&self.outputs)
    }

    /// The index range of the weights `[n_inputs, n_outputs]`.
    pub fn weights(&self) -> Range<usize> {
        self.ranges.weights.clone()
    }

    /// The index range of the biases `[n_outputs]`.
    pub fn bias(&self) -> Range<usize> {
        self.ranges.bias.clone()
    }

    /// The index range of the scales γ `[n_outputs]` of batch normalization; empty
    /// without it.
    pub fn gamma(&self) -> Range<usize> {
        halves(&self.ranges.batch_norm)[0].clone()
    }

    /// The index range of the shifts β `[n_outputs]` of batch normalization; empty
    /// without it.
    pub fn beta(&self) -> Range<usize> {
        halves(&self.ranges.batch_norm)[1].clone()
    }

    /// The index range of all parameters of the layer.
    pub fn parameters(&self) -> Range<usize> {
        self.ranges.parameters.clone()
    }

    /// The index range of the running mean `[n_outputs]` of batch normalization
    /// in the statistics.
    pub fn running_mean(&self) -> Range<usize> {
        halves(&self.ranges.statistics)[0].clone()
    }

    /// The index range of the running variance `[n_outputs]` of batch
    /// normalization in the statistics.
    pub fn running_variance(&self) -> Range<usize> {
        halves(&self.ranges.statistics)[1].clone()
    }

    /// The weights `[n_inputs, n_outputs]` in a buffer laid out like the
    /// parameters, such as a gradient. The output layer of a network whose members share
    /// layers has the rows of all members, one member after another.
    ///
    /// # Panics
    /// Panics if the buffer is shorter than the parameters.
    pub fn weights_of<'a, S>(&self, buffer: &'a [S]) -> Rows<'a, S> {
        Rows::new(&buffer[self.weights()], self.n_outputs)
    }

    /// The index range of all running statistics of the layer.
    pub fn statistics(&self) -> Range<usize> {
        self.ranges.statistics.clone()
    }
}

/// Checks the width of a layer or a stage.
pub(crate) fn check_width(what: &str, width: usize) -> Result<()> {
    if (1..=MAX_WIDTH).contains(&width) {
        return Ok(());
    }
    Err(Error::OutOfRange {
        what: what.to_owned(),
        expected: format!("1 to {MAX_WIDTH}"),
        found: width.to_string(),
    })
}

/// Splits the range of two tensors of equal length.
fn halves(range: &Range<usize>) -> [Range<usize>; 2] {
    let middle = range.start + range.len() / 2;
    [range.start..middle, middle..range.end]
}
