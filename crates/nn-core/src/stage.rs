//! Stages, the building blocks of layers. Each kind of stage has its own file, with its
//! formulas, its parameters, and its forward and backward pass.
//!
//! A stage turns `n_inputs` values per row into `n_outputs`. A
//! [`LayerConfig`](crate::LayerConfig) has fields for the common stages (dense,
//! batch normalization, activation, dropout) and accepts others by name:
//!
//! | name | stage | place in a layer |
//! |---|---|---|
//! | `layer-norm` | [`LayerNorm`] | anywhere |
//! | `scaling` | [`Scaling`] | anywhere |
//! | `category-embedding:NxWIDTH,...` | [`CategoryEmbedding`] | before the weighted sums |
//! | `periodic-embedding:FxWIDTH:std=S:columns=N` | [`PeriodicEmbedding`] | before the weighted sums |
//! | `piecewise-linear-embedding:BINSxWIDTH:columns=N` | [`PiecewiseLinearEmbedding`] | before the weighted sums |
//! | `members:K:signs` or `members:K:normal` | [`Members`] | before the weighted sums of the first layer |
//! | `parametric:ACTIVATION` | [`ParametricActivation`] | anywhere |
//! | `residual` | [`Residual`] | after the activation |
//!
//! To add a kind of stage, add a file to this folder and a line to `kinds!`.

pub mod randomness;
mod weighted_sums;
pub(crate) mod inputs;
pub(crate) mod pass;
pub mod dense;
pub mod batch_norm;
pub mod layer_norm;
pub mod scaling;
pub mod category_embedding;
mod cosine;
pub mod periodic_embedding;
pub mod piecewise_linear_embedding;
pub mod members;
pub mod heads;
pub mod activate;
pub mod parametric;
pub mod custom_activation;
pub mod dropout;
pub mod residual;

use std::fmt;
use std::str::FromStr;

use nn_error::{Error, Result, shorten};
use nn_tensor::Scalar;
use nn_tensor::random::Stream;

pub use activate::Activate;
pub use batch_norm::BatchNorm;
pub use category_embedding::CategoryEmbedding;
pub use custom_activation::{ActivationFunction, CustomActivation};
pub use dense::Dense;
pub use dropout::Dropout;
pub use heads::Heads;
pub use layer_norm::LayerNorm;
pub use members::{MemberInit, Members};
pub use parametric::ParametricActivation;
pub use periodic_embedding::PeriodicEmbedding;
pub use piecewise_linear_embedding::PiecewiseLinearEmbedding;
pub use residual::Residual;
pub use scaling::Scaling;

pub(crate) use pass::Place;
use pass::{Backward, Forward, Kind, TensorSpec};

/// Defines [`Stage`] and forwards the methods of [`Kind`] to its variants.
macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident($kind:ident),)*) => {
        /// A stage of a layer.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Stage {
            $($(#[$doc])* $variant($kind),)*
        }

        $(impl From<$kind> for Stage {
            fn from(kind: $kind) -> Self {
                Self::$variant(kind)
            }
        })*

        impl Stage {
            fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $kind::NAME,)*
                }
            }

            fn argument(&self) -> String {
                match self {
                    $(Self::$variant(kind) => kind.argument(),)*
                }
            }

            /// Parses the stage of this name.
            fn parse(name: &str, argument: &str) -> Result<Option<Self>> {
                $(if name == $kind::NAME {
                    return Ok(Some(Self::$variant($kind::parse(argument)?)));
                })*
                Ok(None)
            }

            /// The names of the stages that a layer accepts by name.
            fn names() -> Vec<&'static str> {
                let mut names = Vec::new();
                $(if $kind::IS_NAMED && Place::ALL.iter().any(|&place| $kind::fits(place)) {
                    names.push($kind::NAME);
                })*
                names
            }

            pub(crate) fn fits(&self, place: Place) -> bool {
                match self {
                    $(Self::$variant(_) => $kind::fits(place),)*
                }
            }

            pub(crate) fn reads_layer_input(&self) -> bool {
                match self {
                    $(Self::$variant(_) => $kind::READS_LAYER_INPUT,)*
                }
            }

            pub(crate) fn is_error_in_place(&self) -> bool {
                match self {
                    $(Self::$variant(_) => $kind::IS_ERROR_IN_PLACE,)*
                }
            }

            pub(crate) fn is_in_place(&self) -> bool {
                match self {
                    $(Self::$variant(kind) => kind.is_in_place(),)*
                }
            }

            pub(crate) fn check(&self, n_inputs: usize) -> Result<()> {
                match self {
                    $(Self::$variant(kind) => kind.check(n_inputs),)*
                }
            }

            /// The number of output values per row, for `n_inputs` input values.
            pub fn n_outputs(&self, n_inputs: usize) -> usize {
                match self {
                    $(Self::$variant(kind) => kind.n_outputs(n_inputs),)*
                }
            }

            /// The number of rows that the stage makes of each input row, if it adds rows.
            pub(crate) fn n_members(&self) -> Option<usize> {
                match self {
                    $(Self::$variant(kind) => kind.n_members(),)*
                }
            }

            pub(crate) fn tensors(&self, n_inputs: usize) -> Vec<TensorSpec> {
                match self {
                    $(Self::$variant(kind) => kind.tensors(n_inputs),)*
                }
            }

            pub(crate) fn initialize<S: Scalar>(
                &self,
                n_inputs: usize,
                parameters: &mut [S],
                stream: &mut Stream,
            ) {
                match self {
                    $(Self::$variant(kind) => kind.initialize(n_inputs, parameters, stream),)*
                }
            }

            pub(crate) fn initialize_statistics<S: Scalar>(&self, statistics: &mut [S]) {
                match self {
                    $(Self::$variant(kind) => kind.initialize_statistics(statistics),)*
                }
            }

            pub(crate) fn is_fitted(&self) -> bool {
                match self {
                    $(Self::$variant(_) => $kind::IS_FITTED,)*
                }
            }

            pub(crate) fn fit<S: Scalar>(
                &self,
                inputs: &[S],
                n_inputs: usize,
                statistics: &mut [S],
            ) {
                match self {
                    $(Self::$variant(kind) => kind.fit(inputs, n_inputs, statistics),)*
                }
            }

            pub(crate) fn cache(&self, n_inputs: usize, n_rows: usize) -> [usize; 3] {
                match self {
                    $(Self::$variant(kind) => kind.cache(n_inputs, n_rows),)*
                }
            }

            pub(crate) fn scratch(&self, n_inputs: usize) -> usize {
                match self {
                    $(Self::$variant(kind) => kind.scratch(n_inputs),)*
                }
            }

            #[inline(always)]
            pub(crate) fn forward<S: Scalar>(&self, pass: Forward<'_, S>) {
                match self {
                    $(Self::$variant(kind) => kind.forward(pass),)*
                }
            }

            #[inline(always)]
            pub(crate) fn backward<S: Scalar>(&self, pass: Backward<'_, S>) {
                match self {
                    $(Self::$variant(kind) => kind.backward(pass),)*
                }
            }
        }
    };
}

kinds! {
    /// Dense (fully connected) stage: weighted sums of all inputs.
    Dense(Dense),
    /// Batch normalization of each value over the batch.
    BatchNorm(BatchNorm),
    /// Layer normalization of each row.
    LayerNorm(LayerNorm),
    /// Scaling by a learned factor per value.
    Scaling(Scaling),
    /// Category embedding: a learned vector per category of the last columns.
    CategoryEmbedding(CategoryEmbedding),
    /// Periodic embedding: cosines with learned frequencies for every column.
    PeriodicEmbedding(PeriodicEmbedding),
    /// Piecewise-linear embedding of every column, over quantile bins.
    PiecewiseLinearEmbedding(PiecewiseLinearEmbedding),
    /// The inputs of members that share the later layers.
    Members(Members),
    /// Dense output stage with separate weights per member.
    Heads(Heads),
    /// Activation function.
    Activation(Activate),
    /// Parametric activation: an activation function with a learned factor per value.
    ParametricActivation(ParametricActivation),
    /// User-defined activation function.
    CustomActivation(CustomActivation),
    /// Dropout: random zeros in training.
    Dropout(Dropout),
    /// Residual connection: the sum with the inputs of the layer.
    Residual(Residual),
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self.argument().as_str() {
            "" => Ok(()),
            argument => write!(f, ":{argument}"),
        }
    }
}

impl FromStr for Stage {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, argument) = text.split_once(':').unwrap_or((text, ""));
        match Self::parse(name, argument)? {
            Some(stage) => Ok(stage),
            None => Err(Error::UnknownName {
                menu: "stage",
                name: shorten(name),
                expected: Self::names().join(", "),
            }),
        }
    }
}

impl Stage {
    /// The number of parameters or, with `of_statistics`, of running statistics.
    pub(crate) fn n_elements(&self, n_inputs: usize, of_statistics: bool) -> usize {
        let tensors = self.tensors(n_inputs).into_iter();
        let these = tensors.filter(|tensor| tensor.is_statistic == of_statistics);
        these.map(|tensor| tensor.len()).sum()
    }

    /// Parses a stage like `from_str`, or finds one of these activation functions.
    pub(crate) fn parse_with(text: &str, activations: &[CustomActivation]) -> Result<Self> {
        let mut known = activations.iter().cloned().map(Self::from);
        match known.find(|stage| stage.to_string() == text) {
            Some(stage) => Ok(stage),
            None => text.parse(),
        }
    }

    /// Creates a stage from a user-defined activation function.
    pub fn custom_activation(function: impl ActivationFunction) -> Self {
        CustomActivation::new(function).into()
    }
}
