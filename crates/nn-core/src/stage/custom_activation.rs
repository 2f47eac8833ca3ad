//! User-defined activation functions, as stages.
//!
//! A layer applies the function between its weighted sums and an `identity`
//! activation:
//!
//! ```
//! use nn_core::stage::{ActivationFunction, Stage};
//! use nn_core::{Activation, LayerConfig, Scalar};
//!
//! /// z + sin²(z), "snake" (Ziyin et al. 2020).
//! #[derive(Debug)]
//! struct Snake;
//!
//! impl ActivationFunction for Snake {
//!     fn name(&self) -> String {
//!         "snake".to_owned()
//!     }
//!
//!     fn forward<S: Scalar>(&self, values: &mut [S]) {
//!         for z in values {
//!             *z += z.sin() * z.sin();
//!         }
//!     }
//!
//!     fn backward<S: Scalar>(&self, z: &[S], delta: &mut [S]) {
//!         for (delta, &z) in delta.iter_mut().zip(z) {
//!             *delta *= S::one() + (z + z).sin();
//!         }
//!     }
//! }
//!
//! let layer = LayerConfig {
//!     sums: vec![Stage::custom_activation(Snake)],
//!     ..LayerConfig::new(16, Activation::Identity)
//! };
//! ```

use std::fmt::Debug;
use std::sync::Arc;

use nn_error::{Error, Result};
use nn_tensor::{Choice, Scalar};

use super::pass::{Backward, Forward, Kind, MIN_PIECE};

/// A user-defined elementwise activation function, with its derivative.
pub trait ActivationFunction: Debug + Send + Sync + 'static {
    /// The name in messages and checkpoints, including the parameters.
    fn name(&self) -> String;

    /// Applies the function, `z ← φ(z)`, in place.
    fn forward<S: Scalar>(&self, values: &mut [S]);

    /// Multiplies δ by the derivative, `δ ← δ ⊙ φ′(z)`, in place.
    fn backward<S: Scalar>(&self, z: &[S], delta: &mut [S]);
}

/// An [`ActivationFunction`] for one type of scalar, called once per block.
trait BlockActivation<S>: Debug + Send + Sync {
    fn forward(&self, values: &mut [S]);

    fn backward(&self, z: &[S], delta: &mut [S]);
}

impl<S: Scalar, F: ActivationFunction> BlockActivation<S> for F {
    fn forward(&self, values: &mut [S]) {
        ActivationFunction::forward(self, values);
    }

    fn backward(&self, z: &[S], delta: &mut [S]) {
        ActivationFunction::backward(self, z, delta);
    }
}

/// An [`ActivationFunction`] for `f32` and `f64`.
trait AnyActivation: BlockActivation<f32> + BlockActivation<f64> {
    fn name(&self) -> String;
}

impl<F: ActivationFunction> AnyActivation for F {
    fn name(&self) -> String {
        ActivationFunction::name(self)
    }
}

/// The stage of a user-defined activation function.
#[derive(Clone, Debug)]
pub struct CustomActivation(Arc<dyn AnyActivation>);

impl CustomActivation {
    /// Creates the stage of an activation function.
    pub fn new(function: impl ActivationFunction) -> Self {
        Self(Arc::new(function))
    }

    fn for_scalar<S: Scalar>(&self) -> &dyn BlockActivation<S> {
        S::choose(ForScalar(&*self.0))
    }
}

/// Functions with the same name count as equal.
impl PartialEq for CustomActivation {
    fn eq(&self, other: &Self) -> bool {
        self.0.name() == other.0.name()
    }
}

struct ForScalar<'a>(&'a dyn AnyActivation);

impl<'a> Choice for ForScalar<'a> {
    type Output<S: Scalar> = &'a dyn BlockActivation<S>;

    fn single(self) -> Self::Output<f32> {
        self.0
    }

    fn double(self) -> Self::Output<f64> {
        self.0
    }
}

impl Kind for CustomActivation {
    const NAME: &'static str = "own";

    const IS_NAMED: bool = false;

    fn argument(&self) -> String {
        self.0.name()
    }

    fn parse(argument: &str) -> Result<Self> {
        Err(Error::Conflict {
            what: format!("activation {argument}"),
            problem: "is user-defined: only a program that defines it can read the model, with \
                      Model::read_with_activations"
                .to_owned(),
        })
    }

    fn forward<S: Scalar>(&self, mut pass: Forward<'_, S>) {
        pass.copy_inputs();
        let function = self.for_scalar::<S>();
        pass.threads
            .for_each_chunk(pass.outputs, pass.width, MIN_PIECE, |_, values| {
                function.forward(values);
            });
    }

    fn backward<S: Scalar>(&self, pass: Backward<'_, S>) {
        let z = pass.inputs.values();
        let function = self.for_scalar::<S>();
        pass.threads
            .for_each_chunk(pass.error, pass.width, MIN_PIECE, |start, error| {
                function.backward(&z[start..start + error.len()], error);
            });
    }
}
