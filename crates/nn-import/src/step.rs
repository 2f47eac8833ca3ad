//! The steps of a computation that a network can express, in the order of computation.
//!
//! | step | output |
//! |---|---|
//! | `Affine` | `scale·x + shift`, per column |
//! | `Dense` | `x·W + b` |
//! | `FillMissing` | x, or a constant in place of NaN, per column |
//! | `BatchNorm` | `γ·(x − μ)/√(σ² + ε) + β`, with constant μ and σ² |
//! | `LayerNorm` | the same, with μ and σ² of the row |
//! | `Activation` | an activation function |
//! | `Parametric` | `x + α·(φ(x) − x)` |
//! | `Residual` | `x` plus an earlier value |
//! | `Input` | a stage before the weighted sums, such as an embedding |
//! | `Mean` | the mean of the rows of all members that share layers |
//!
//! A list of one number applies to all columns.

use nn_core::stage::batch_norm;
use nn_core::{Activation, Stage};

/// A step, with the values that it reads and writes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) kind: StepKind,
    /// The node or tensor, for messages.
    pub(crate) place: String,
    /// Number of the value that the step reads.
    pub(crate) input: usize,
    /// Number of the value that the step writes.
    pub(crate) output: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StepKind {
    Affine(Affine),
    FillMissing(Vec<f64>),
    Dense(Dense),
    BatchNorm(BatchNorm),
    LayerNorm {
        gamma: Vec<f64>,
        beta: Vec<f64>,
    },
    Activation(Activation),
    Parametric {
        activation: Activation,
        alpha: Vec<f64>,
    },
    Residual {
        /// Number of the value that is added.
        source: usize,
    },
    Input(InputStage),
    Mean {
        n_members: usize,
    },
}

/// A stage before the weighted sums of a layer, with its parameters and statistics in the order
/// of nn-core.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct InputStage {
    pub(crate) stage: Stage,
    pub(crate) n_inputs: usize,
    pub(crate) parameters: Vec<f64>,
    pub(crate) statistics: Vec<f64>,
}

/// `scale·x + shift`, per column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Affine {
    pub(crate) scale: Vec<f64>,
    pub(crate) shift: Vec<f64>,
}

/// `x·W + b`, with weights per member in the output layer of members that share layers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dense {
    /// `[n_members, n_inputs, n_outputs]`
    pub(crate) weights: Vec<f64>,
    /// `[n_members, n_outputs]`
    pub(crate) bias: Vec<f64>,
    pub(crate) n_inputs: usize,
    pub(crate) n_members: usize,
}

/// Batch normalization with constant mean and variance.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BatchNorm {
    pub(crate) gamma: Vec<f64>,
    pub(crate) beta: Vec<f64>,
    pub(crate) mean: Vec<f64>,
    pub(crate) variance: Vec<f64>,
    pub(crate) epsilon: f64,
}

impl Step {
    /// Number of the value that a residual connection adds.
    pub(crate) fn residual_source(&self) -> Option<usize> {
        match self.kind {
            StepKind::Residual { source } => Some(source),
            _ => None,
        }
    }
}

impl StepKind {
    /// Number of the parameters that nodes can share.
    pub(crate) fn n_shared(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.weights.len(),
            Self::Input(input) => input.parameters.len(),
            _ => 0,
        }
    }
}

/// The number for a column; a list of one number applies to all columns.
pub(crate) fn of_column(values: &[f64], column: usize) -> f64 {
    match values {
        [value] => *value,
        values => values[column],
    }
}

/// The list as one number per column.
pub(crate) fn expanded(values: &[f64], width: usize) -> Vec<f64> {
    (0..width).map(|column| of_column(values, column)).collect()
}

/// Combines two lists of numbers per column.
fn combined(a: &[f64], b: &[f64], function: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let columns = 0..a.len().max(b.len());
    columns
        .map(|column| function(of_column(a, column), of_column(b, column)))
        .collect()
}

impl Affine {
    pub(crate) fn identity() -> Self {
        Self {
            scale: vec![1.0],
            shift: vec![0.0],
        }
    }

    pub(crate) fn is_identity(&self) -> bool {
        self.is_scaling() && self.scale.iter().all(|&scale| scale == 1.0)
    }

    /// Returns `true` if nothing is added.
    pub(crate) fn is_scaling(&self) -> bool {
        self.shift.iter().all(|&shift| shift == 0.0)
    }

    /// Length of the lists, if they fit together.
    pub(crate) fn width(&self) -> usize {
        self.scale.len().max(self.shift.len())
    }

    /// `self`, then `next`: scale₂·(scale₁·x + shift₁) + shift₂.
    pub(crate) fn then(&self, next: &Self) -> Self {
        Self {
            scale: combined(&self.scale, &next.scale, |a, b| a * b),
            shift: combined(
                &combined(&self.shift, &next.scale, |a, b| a * b),
                &next.shift,
                |a, b| a + b,
            ),
        }
    }
}

impl Dense {
    pub(crate) fn n_outputs(&self) -> usize {
        self.bias.len() / self.n_members
    }

    /// Merges the step `s·x + t` before this layer into the layer: `(s·x + t)·W + b`.
    pub(crate) fn after(mut self, affine: &Affine) -> Self {
        let (n_inputs, n_outputs) = (self.n_inputs, self.n_outputs());
        for (row, weights) in self.weights.chunks_exact_mut(n_outputs).enumerate() {
            let (member, input) = (row / n_inputs, row % n_inputs);
            let (scale, shift) = (
                of_column(&affine.scale, input),
                of_column(&affine.shift, input),
            );
            let bias = &mut self.bias[member * n_outputs..][..n_outputs];
            for (weight, bias) in weights.iter_mut().zip(bias) {
                *bias += shift * *weight;
                *weight *= scale;
            }
        }
        self
    }

    /// The layer before a step: `s·(x·W + b) + t`.
    pub(crate) fn before(mut self, affine: &Affine) -> Self {
        let n_outputs = self.n_outputs();
        for (place, weight) in self.weights.iter_mut().enumerate() {
            *weight *= of_column(&affine.scale, place % n_outputs);
        }
        for (place, bias) in self.bias.iter_mut().enumerate() {
            let output = place % n_outputs;
            *bias = of_column(&affine.scale, output) * *bias + of_column(&affine.shift, output);
        }
        self
    }
}

impl BatchNorm {
    /// The number that is added to the variances in place of another ε.
    pub(crate) fn added_variance(&self) -> f64 {
        self.epsilon - batch_norm::EPSILON
    }

    /// `γ/√(σ² + ε)·x + (β − μ·γ/√(σ² + ε))`
    pub(crate) fn to_affine(&self) -> Affine {
        let std = self.variance.iter().map(|v| (v + self.epsilon).sqrt());
        let scale = combined(&self.gamma, &std.collect::<Vec<f64>>(), |a, b| a / b);
        let shift = combined(&self.mean, &scale, |a, b| a * b);
        Affine {
            shift: combined(&self.beta, &shift, |a, b| a - b),
            scale,
        }
    }

    /// Batch normalization before a step.
    pub(crate) fn before(self, affine: &Affine) -> Self {
        let beta = combined(&self.beta, &affine.scale, |a, b| a * b);
        Self {
            gamma: combined(&self.gamma, &affine.scale, |a, b| a * b),
            beta: combined(&beta, &affine.shift, |a, b| a + b),
            ..self
        }
    }
}
