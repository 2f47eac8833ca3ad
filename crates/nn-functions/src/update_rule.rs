//! User-defined optimizers, accepted wherever an [`Optimizer`](crate::Optimizer)
//! is.

use std::fmt::Debug;

use nn_tensor::Scalar;

/// A user-defined optimizer: updates each parameter from its gradient.
///
/// This example implements Lion (Chen et al. 2023, algorithm 2):
///
/// ```
/// use nn_functions::update_rule::{UpdateRule, UpdateStep};
/// use nn_tensor::Scalar;
///
/// #[derive(Debug)]
/// struct Lion {
///     beta1: f64,
///     beta2: f64,
/// }
///
/// impl UpdateRule for Lion {
///     fn name(&self) -> String {
///         format!("lion:beta1={}:beta2={}", self.beta1, self.beta2)
///     }
///
///     fn n_slots(&self) -> usize {
///         1
///     }
///
///     fn update<S: Scalar>(
///         &self,
///         step: UpdateStep,
///         parameters: &mut [S],
///         gradient: &[S],
///         [momentum, _]: [&mut [S]; 2],
///     ) {
///         let [rate, beta1, beta2] = [step.learning_rate, self.beta1, self.beta2].map(S::from_f64);
///         for ((w, &g), m) in parameters.iter_mut().zip(gradient).zip(momentum) {
///             let direction = beta1 * *m + (S::one() - beta1) * g;
///             if direction != S::zero() {
///                 *w -= rate * direction.signum();
///             }
///             *m = (beta2 * *m + (S::one() - beta2) * g).flushed();
///         }
///     }
/// }
/// ```
pub trait UpdateRule: Debug + Send + Sync + 'static {
    /// The name in messages and checkpoints, including the parameters.
    fn name(&self) -> String;

    /// Number of state values per parameter, at most 2. All state values start at 0.
    fn n_slots(&self) -> usize {
        0
    }

    /// Updates a slice of the parameters by one step.
    ///
    /// Threads update different slices, so the update of a parameter must not
    /// depend on other parameters. State that decays should be
    /// [`flushed`](Scalar::flushed), because subnormal numbers are slow.
    ///
    /// # Shapes
    /// `parameters`, `gradient` and the first [`n_slots`](Self::n_slots) of the `slots`
    /// have the same length; the other slots are empty.
    fn update<S: Scalar>(
        &self,
        step: UpdateStep,
        parameters: &mut [S],
        gradient: &[S],
        slots: [&mut [S]; 2],
    );
}

/// The step number and learning rate of an update.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct UpdateStep {
    /// The learning rate η, including the factor of the schedule.
    pub learning_rate: f64,
    /// Factor that multiplies the rule's own weight decay, from the schedule in
    /// `nn_core::TrainingConfig::weight_decay_schedule`.
    pub decay_factor: f64,
    /// Number of the step, counted from 1.
    pub step: u64,
}

/// An [`UpdateRule`] for one type of scalar, called once per piece of the
/// parameters.
pub(crate) trait PieceRule<S>: Debug + Send + Sync {
    fn name(&self) -> String;

    fn update(&self, step: UpdateStep, parameters: &mut [S], gradient: &[S], slots: [&mut [S]; 2]);
}

impl<S: Scalar, R: UpdateRule> PieceRule<S> for R {
    fn name(&self) -> String {
        UpdateRule::name(self)
    }

    fn update(&self, step: UpdateStep, parameters: &mut [S], gradient: &[S], slots: [&mut [S]; 2]) {
        UpdateRule::update(self, step, parameters, gradient, slots);
    }
}
