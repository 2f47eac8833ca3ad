//! What every kind of stage does, and what it is given to do it.

use std::fmt::{self, Debug};

use nn_tensor::random::Stream;
use nn_tensor::sparse::{CscBuffer, WriteMode};
use nn_tensor::{AlignedSlice, Scalar, Threads};

use super::inputs::LayerInputs;
use super::randomness::Randomness;
use crate::{Error, Result, menu};

/// Smallest number of values that is worth a thread.
pub(super) const MIN_PIECE: usize = 1 << 13;

/// Where a stage stands in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Before the weighted sums.
    Inputs,
    /// Between the weighted sums and the activation.
    Sums,
    /// After activation and dropout.
    Outputs,
}

impl Place {
    pub(crate) const ALL: [Self; 3] = [Self::Inputs, Self::Sums, Self::Outputs];
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inputs => "before the weighted sums",
            Self::Sums => "between the weighted sums and the activation",
            Self::Outputs => "after the activation",
        })
    }
}

/// A kind of stage: its shapes, its parameters, its forward and backward pass.
pub(crate) trait Kind: Debug + Sized {
    /// Its name, in lower case with hyphens.
    const NAME: &'static str;

    /// Whether text can name it.
    const IS_NAMED: bool = true;

    /// Whether it also reads what the layer reads.
    const READS_LAYER_INPUT: bool = false;

    /// Whether the backward pass turns δ of the outputs into δ of the inputs in
    /// the same buffer.
    const IS_ERROR_IN_PLACE: bool = true;

    /// Whether a [`LayerConfig`](crate::LayerConfig) can list it in this place.
    fn fits(place: Place) -> bool {
        let _ = place;
        true
    }

    /// Whether it can overwrite its inputs, because no backward pass reads them.
    fn is_in_place(&self) -> bool {
        false
    }

    /// What follows its name and a colon in text; empty if nothing does.
    fn argument(&self) -> String {
        String::new()
    }

    /// The stage of an [`argument`](Self::argument).
    fn parse(argument: &str) -> Result<Self>;

    /// Whether its settings lie in their ranges and fit `n_inputs` values per row.
    fn check(&self, n_inputs: usize) -> Result<()> {
        let _ = n_inputs;
        Ok(())
    }

    /// Values per row that come out.
    fn n_outputs(&self, n_inputs: usize) -> usize {
        n_inputs
    }

    /// Its parameters and statistics, in the order of the flat buffers.
    fn tensors(&self, n_inputs: usize) -> Vec<TensorSpec> {
        let _ = n_inputs;
        Vec::new()
    }

    /// Random initial parameters, where the constants of
    /// [`tensors`](Self::tensors) are not enough.
    fn initialize<S: Scalar>(&self, n_inputs: usize, parameters: &mut [S], stream: &mut Stream) {
        let _ = (n_inputs, parameters, stream);
    }

    /// Lengths of the buffers that the forward pass of `n_rows` rows fills for
    /// the backward pass.
    fn cache(&self, n_inputs: usize, n_rows: usize) -> [usize; 3] {
        let _ = (n_inputs, n_rows);
        [0; 3]
    }

    /// Length of the buffer that the backward pass overwrites.
    fn scratch(&self, n_inputs: usize) -> usize {
        let _ = n_inputs;
        0
    }

    /// Computes the outputs.
    fn forward<S: Scalar>(&self, pass: Forward<'_, S>);

    /// Computes the gradient of the parameters, and δ of the inputs.
    fn backward<S: Scalar>(&self, pass: Backward<'_, S>);
}

/// One tensor of a stage.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TensorSpec {
    /// Its name in a model file, after that of its layer.
    pub(crate) name: &'static str,
    /// Its name in messages.
    pub(crate) label: &'static str,
    pub(crate) shape: Vec<usize>,
    /// Initial value.
    pub(crate) start: f64,
    /// Whether it is a running statistic, not a parameter.
    pub(crate) is_statistic: bool,
}

impl TensorSpec {
    /// A parameter.
    pub(crate) fn parameter(name: &'static str, shape: &[usize], start: f64) -> Self {
        Self {
            name,
            label: name.rsplit('.').next().unwrap_or(name),
            shape: shape.to_vec(),
            start,
            is_statistic: false,
        }
    }

    /// A running statistic.
    pub(crate) fn statistic(name: &'static str, shape: &[usize], start: f64) -> Self {
        Self {
            is_statistic: true,
            ..Self::parameter(name, shape, start)
        }
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The buffers of one stage between its forward and its backward pass.
pub(crate) type Cache<S> = [AlignedSlice<S>; 3];

/// Whether a pass trains or predicts.
#[derive(Debug)]
pub(crate) enum Mode<'p, S> {
    /// With the running statistics as they are.
    Inference(&'p [S]),
    /// With running statistics to be updated, and random numbers for the layer.
    Training {
        statistics: &'p mut [S],
        randomness: Randomness,
        layer: usize,
    },
}

/// What a forward pass is given.
#[derive(Debug)]
pub(crate) struct Forward<'p, S> {
    /// Values per row that come out.
    pub(crate) width: usize,
    /// Values per row that go in.
    pub(crate) n_inputs: usize,
    /// `[n_rows, n_inputs]`; `None` where they lie in `outputs`, to be replaced.
    pub(crate) inputs: Option<&'p LayerInputs<'p, S>>,
    /// `[n_rows, n_inputs]` of an earlier stage, for a residual sum.
    pub(crate) skip: Option<&'p [S]>,
    /// `[n_rows, n_outputs]`
    pub(crate) outputs: &'p mut [S],
    pub(crate) parameters: &'p [S],
    pub(crate) mode: Mode<'p, S>,
    pub(crate) cache: &'p mut Cache<S>,
    pub(crate) threads: &'p Threads,
}

impl<S: Scalar> Forward<'_, S> {
    /// Copies the inputs to the outputs, for kinds that then work in place.
    #[inline]
    pub(crate) fn copy_inputs(&mut self) {
        if let Some(inputs) = self.inputs {
            self.outputs.copy_from_slice(inputs.values());
        }
    }
}

/// What a backward pass is given.
#[derive(Debug)]
pub(crate) struct Backward<'p, S> {
    pub(crate) n_rows: usize,
    /// Values per row that come out.
    pub(crate) width: usize,
    /// Values per row that went in.
    pub(crate) n_inputs: usize,
    /// What the forward pass was given; where it worked in place, what it left.
    pub(crate) inputs: &'p LayerInputs<'p, S>,
    /// What the forward pass left.
    pub(crate) outputs: &'p [S],
    /// δ of the outputs; where [`Kind::IS_ERROR_IN_PLACE`], it becomes δ of the
    /// inputs.
    pub(crate) error: &'p mut [S],
    /// Where δ of the inputs goes otherwise, if it is needed.
    pub(crate) error_below: Option<(&'p mut [S], WriteMode)>,
    pub(crate) target: Target<'p, S>,
    pub(crate) statistics: &'p [S],
    pub(crate) is_training: bool,
    pub(crate) cache: &'p Cache<S>,
    pub(crate) scratch: &'p mut [S],
    /// A buffer for inputs without their zeros.
    pub(crate) transposed: Option<&'p mut CscBuffer>,
    pub(crate) threads: &'p Threads,
}

/// Copies values, or adds them to what is there.
pub(crate) fn write<S: Scalar>(from: &[S], to: &mut [S], written: WriteMode) {
    match written {
        WriteMode::Overwrite => to.copy_from_slice(from),
        WriteMode::Accumulate => to.iter_mut().zip(from).for_each(|(to, &from)| *to += from),
    }
}

/// Where the gradient of a stage's parameters goes.
#[derive(Debug)]
pub(crate) enum Target<'p, S> {
    /// To the gradient.
    Gradient {
        parameters: &'p [S],
        gradient: &'p mut [S],
        written: WriteMode,
    },
    /// To the parameters themselves: plain gradient descent, whose factor −η is
    /// a part of δ.
    Parameters(&'p mut [S]),
}

impl<S> Target<'_, S> {
    /// The parameters of the stage.
    #[inline]
    pub(crate) fn parameters(&self) -> &[S] {
        match self {
            Self::Gradient { parameters, .. } => parameters,
            Self::Parameters(parameters) => parameters,
        }
    }

    /// What the gradient is written to, and whether it is added to what is
    /// there.
    #[inline]
    pub(crate) fn gradient(&mut self) -> (&mut [S], WriteMode) {
        match self {
            Self::Gradient {
                gradient, written, ..
            } => (gradient, *written),
            Self::Parameters(parameters) => (parameters, WriteMode::Accumulate),
        }
    }
}

/// The error for an argument of a stage that has none.
pub(super) fn no_argument(stage: &'static str, argument: &str) -> Result<()> {
    if argument.is_empty() {
        return Ok(());
    }
    Err(Error::UnknownParameter {
        entry: stage,
        parameter: menu::shorten(argument),
        expected: "none".to_owned(),
    })
}
