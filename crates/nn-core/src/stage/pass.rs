//! The interface of stages, and the arguments of their forward and backward
//! passes.

use std::fmt::{self, Debug};
use std::ops::Range;

use nn_error::{Error, Result, shorten};
use nn_tensor::random::Stream;
use nn_tensor::sparse::{CscBuffer, WriteMode};
use nn_tensor::{AlignedSlice, Scalar, Threads};

use super::inputs::LayerInputs;
use super::randomness::Randomness;
pub(super) use super::weighted_sums::MIN_PIECE;

/// The place of a stage in a layer.
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
    /// The name of the kind, in lower case with hyphens.
    const NAME: &'static str;

    /// Whether a stage of this kind can be chosen by name.
    const IS_NAMED: bool = true;

    /// Whether the stage also reads the inputs of its layer.
    const READS_LAYER_INPUT: bool = false;

    /// Whether the backward pass turns δ of the outputs into δ of the inputs in
    /// the same buffer.
    const IS_ERROR_IN_PLACE: bool = true;

    /// Returns `true` if a [`LayerConfig`](crate::LayerConfig) may list the stage at this place.
    fn fits(place: Place) -> bool {
        let _ = place;
        true
    }

    /// Returns `true` if the stage can overwrite its inputs, because no backward pass reads
    /// them.
    fn is_in_place(&self) -> bool {
        false
    }

    /// The argument after the name and a colon in text; empty if there is none.
    fn argument(&self) -> String {
        String::new()
    }

    /// Parses the stage from its [`argument`](Self::argument).
    fn parse(argument: &str) -> Result<Self>;

    /// Checks that the settings are in range and fit `n_inputs` values per row.
    fn check(&self, n_inputs: usize) -> Result<()> {
        let _ = n_inputs;
        Ok(())
    }

    /// The number of output values per row.
    fn n_outputs(&self, n_inputs: usize) -> usize {
        n_inputs
    }

    /// The number of rows that the stage makes of each input row, one per member; `None` if
    /// the number of rows stays the same.
    fn n_members(&self) -> Option<usize> {
        None
    }

    /// The parameters and statistics, in the order of the flat buffers.
    fn tensors(&self, n_inputs: usize) -> Vec<TensorSpec> {
        let _ = n_inputs;
        Vec::new()
    }

    /// Draws random initial parameters, if the constants of
    /// [`tensors`](Self::tensors) are not enough.
    fn initialize<S: Scalar>(&self, n_inputs: usize, parameters: &mut [S], stream: &mut Stream) {
        let _ = (n_inputs, parameters, stream);
    }

    /// Sets initial statistics that are not constants.
    fn initialize_statistics<S: Scalar>(&self, statistics: &mut [S]) {
        let _ = statistics;
    }

    /// Whether [`fit`](Self::fit) sets statistics from data.
    const IS_FITTED: bool = false;

    /// Sets statistics from the inputs `[n_rows, n_inputs]` of at least one row.
    fn fit<S: Scalar>(&self, inputs: &[S], n_inputs: usize, statistics: &mut [S]) {
        let _ = (inputs, n_inputs, statistics);
    }

    /// The lengths of the buffers that the forward pass of `n_rows` rows fills for
    /// the backward pass.
    fn cache(&self, n_inputs: usize, n_rows: usize) -> [usize; 3] {
        let _ = (n_inputs, n_rows);
        [0; 3]
    }

    /// The length of the scratch buffer of the backward pass.
    fn scratch(&self, n_inputs: usize) -> usize {
        let _ = n_inputs;
        0
    }

    /// Computes the outputs.
    fn forward<S: Scalar>(&self, pass: Forward<'_, S>);

    /// Computes the gradient of the parameters, and δ of the inputs.
    fn backward<S: Scalar>(&self, pass: Backward<'_, S>);
}

/// The description of one tensor of a stage.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TensorSpec {
    /// Name in a model file, after the prefix of its layer.
    pub(crate) name: &'static str,
    /// Name in messages.
    pub(crate) label: &'static str,
    pub(crate) shape: Vec<usize>,
    /// Initial value.
    pub(crate) start: f64,
    /// Whether the tensor is a running statistic, not a parameter.
    pub(crate) is_statistic: bool,
}

impl TensorSpec {
    /// Describes a parameter.
    pub(crate) fn parameter(name: &'static str, shape: &[usize], start: f64) -> Self {
        Self {
            name,
            label: name.rsplit('.').next().unwrap_or(name),
            shape: shape.to_vec(),
            start,
            is_statistic: false,
        }
    }

    /// Describes a running statistic.
    pub(crate) fn statistic(name: &'static str, shape: &[usize], start: f64) -> Self {
        Self {
            is_statistic: true,
            ..Self::parameter(name, shape, start)
        }
    }

    /// The number of elements.
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The buffers of one stage between its forward and its backward pass.
pub(crate) type Cache<S> = [AlignedSlice<S>; 3];

/// The mode of a pass: inference or training.
#[derive(Debug)]
pub(crate) enum Mode<'p, S> {
    /// Inference with the running statistics.
    Inference(&'p [S]),
    /// Training, which updates the running statistics and draws random numbers for
    /// the layer.
    Training {
        statistics: &'p mut [S],
        randomness: Randomness,
        layer: usize,
    },
}

/// The arguments of a forward pass.
#[derive(Debug)]
pub(crate) struct Forward<'p, S> {
    /// Number of output values per row.
    pub(crate) width: usize,
    /// Number of input values per row.
    pub(crate) n_inputs: usize,
    /// Inputs `[n_rows, n_inputs]`; `None` if they are in `outputs`, to be
    /// overwritten.
    pub(crate) inputs: Option<&'p LayerInputs<'p, S>>,
    /// Values `[n_rows, n_inputs]` of an earlier stage, for a residual connection.
    pub(crate) skip: Option<&'p [S]>,
    /// Outputs `[n_rows, n_outputs]`.
    pub(crate) outputs: &'p mut [S],
    /// Number of values of the earlier rows of the block, if the pass is for some of its
    /// rows only.
    pub(crate) n_skipped: usize,
    pub(crate) parameters: &'p [S],
    pub(crate) mode: Mode<'p, S>,
    pub(crate) cache: &'p mut Cache<S>,
    pub(crate) threads: &'p Threads,
}

impl<S: Scalar> Forward<'_, S> {
    /// Copies the inputs to the outputs, for stages that then work in place.
    #[inline]
    pub(crate) fn copy_inputs(&mut self) {
        if let Some(inputs) = self.inputs {
            self.outputs.copy_from_slice(inputs.values());
        }
    }
}

/// The arguments of a backward pass.
#[derive(Debug)]
pub(crate) struct Backward<'p, S> {
    pub(crate) n_rows: usize,
    /// Number of output values per row.
    pub(crate) width: usize,
    /// Number of input values per row.
    pub(crate) n_inputs: usize,
    /// Inputs of the forward pass; its outputs if it worked in place.
    pub(crate) inputs: &'p LayerInputs<'p, S>,
    /// Outputs of the forward pass.
    pub(crate) outputs: &'p [S],
    /// Number of values of the earlier rows of the block, if the pass is for some of its
    /// rows only.
    pub(crate) n_skipped: usize,
    /// δ of the outputs, to be overwritten by δ of the inputs if
    /// [`Kind::IS_ERROR_IN_PLACE`].
    pub(crate) error: &'p mut [S],
    /// Buffer for δ of the inputs otherwise, if it is needed.
    pub(crate) error_below: Option<(&'p mut [S], WriteMode)>,
    pub(crate) target: Target<'p, S>,
    pub(crate) statistics: &'p [S],
    pub(crate) is_training: bool,
    pub(crate) cache: &'p Cache<S>,
    pub(crate) scratch: &'p mut [S],
    /// Buffer for the transpose of sparse inputs.
    pub(crate) transposed: Option<&'p mut CscBuffer>,
    pub(crate) threads: &'p Threads,
}

/// Overwrites `to` with the values or adds them to it.
pub(crate) fn write<S: Scalar>(from: &[S], to: &mut [S], written: WriteMode) {
    match written {
        WriteMode::Overwrite => to.copy_from_slice(from),
        WriteMode::Accumulate => to.iter_mut().zip(from).for_each(|(to, &from)| *to += from),
    }
}

/// The destination of the gradient of a stage's parameters.
#[derive(Debug)]
pub(crate) enum Target<'p, S> {
    /// A gradient buffer.
    Gradient {
        parameters: &'p [S],
        gradient: &'p mut [S],
        written: WriteMode,
    },
    /// The parameters themselves: plain gradient descent, with the factor −η in δ.
    Parameters(&'p mut [S]),
    /// None, because the caller computes the gradient of these parameters from other rows.
    Elsewhere(&'p [S]),
}

impl<S> Target<'_, S> {
    /// The destination for a range of these parameters.
    pub(crate) fn part(&mut self, range: Range<usize>) -> Target<'_, S> {
        match self {
            Self::Gradient {
                parameters,
                gradient,
                written,
            } => Target::Gradient {
                parameters: &parameters[range.clone()],
                gradient: &mut gradient[range],
                written: *written,
            },
            Self::Parameters(parameters) => Target::Parameters(&mut parameters[range]),
            Self::Elsewhere(parameters) => Target::Elsewhere(&parameters[range]),
        }
    }

    /// The parameters of the stage.
    #[inline]
    pub(crate) fn parameters(&self) -> &[S] {
        match self {
            Self::Gradient { parameters, .. } => parameters,
            Self::Parameters(parameters) => parameters,
            Self::Elsewhere(parameters) => parameters,
        }
    }

    /// The buffer for the gradient, and whether to overwrite it or to add to it; an empty
    /// buffer if the caller computes the gradient.
    #[inline]
    pub(crate) fn gradient(&mut self) -> (&mut [S], WriteMode) {
        match self {
            Self::Gradient {
                gradient, written, ..
            } => (gradient, *written),
            Self::Parameters(parameters) => (parameters, WriteMode::Accumulate),
            Self::Elsewhere(_) => (&mut [], WriteMode::Accumulate),
        }
    }
}

/// The error of an argument that a stage cannot parse.
pub(super) fn invalid_argument(stage: &str, argument: &str, expected: &str) -> Error {
    Error::OutOfRange {
        what: stage.to_owned(),
        expected: expected.to_owned(),
        found: format!("\"{}\"", shorten(argument)),
    }
}

/// Checks that a stage without an argument gets none.
pub(super) fn no_argument(stage: &'static str, argument: &str) -> Result<()> {
    if argument.is_empty() {
        return Ok(());
    }
    Err(Error::UnknownParameter {
        entry: stage,
        parameter: shorten(argument),
        expected: "none".to_owned(),
    })
}

/// Checks the number of the first columns that an embedding reads.
pub(super) fn check_columns(what: &str, n_columns: Option<usize>, n_inputs: usize) -> Result<()> {
    match n_columns {
        Some(n) if !(1..=n_inputs).contains(&n) => Err(Error::OutOfRange {
            what: what.to_owned(),
            expected: format!("1 to {n_inputs}, the number of inputs"),
            found: n.to_string(),
        }),
        _ => Ok(()),
    }
}
