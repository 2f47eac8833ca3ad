//! One layer: `z = a·W + b`, then (if asked for) batch normalisation, then the
//! activation, then (if asked for) dropout.
//!
//! The order is that of Ioffe & Szegedy 2015 and Srivastava et al. 2014. A
//! [`Layer`] says what a layer is and where its parameters lie in the
//! network's one flat buffer; the numbers themselves live in the network.

pub mod dense;
pub mod inputs;
pub mod dropout;
pub mod batch_norm;

use std::ops::Range;

use ndarray::{ArrayView1, ArrayView2, ArrayViewMut2};
use nn_tensor::{Matrix, MatrixMut, Scalar};

use crate::activation::Activation;
use crate::init::Init;

/// Fewest numbers that are worth a piece of work of their own.
pub(crate) const MIN_PIECE: usize = 1 << 13;

/// What a layer should be.
///
/// | Name | Default | Purpose | Range |
/// |---|---|---|---|
/// | `n_outputs` | | neurons | from 1 |
/// | `activation` | | see [`Activation`] | softmax only in the last layer |
/// | `init` | He for rectifiers, Xavier otherwise | initial weights | |
/// | `bias_init` | zeros | initial biases | |
/// | `batch_norm` | no | normalise the weighted sums over the batch | |
/// | `dropout` | 0 | share of outputs silenced in training | 0 up to but not 1 |
#[derive(Clone, Debug, PartialEq)]
pub struct LayerConfig {
    /// Neurons.
    pub n_outputs: usize,
    /// What is done to the weighted sums.
    pub activation: Activation,
    /// Initial weights.
    pub init: Init,
    /// Initial biases.
    pub bias_init: Init,
    /// Normalise the weighted sums over the batch.
    pub batch_norm: bool,
    /// Share of outputs silenced in training.
    pub dropout: f64,
}

impl LayerConfig {
    /// A dense layer with the usual initialisation of its activation.
    pub fn new(n_outputs: usize, activation: Activation) -> Self {
        Self {
            n_outputs,
            activation,
            init: if activation.is_rectifier() {
                Init::He
            } else {
                Init::Xavier
            },
            bias_init: Init::Zeros,
            batch_norm: false,
            dropout: 0.0,
        }
    }
}

/// One layer of a network and where its parameters lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Width of what comes in.
    pub n_inputs: usize,
    /// Number of neurons.
    pub n_outputs: usize,
    /// What is done to the weighted sums.
    pub activation: Activation,
    /// Whether the weighted sums are normalised over the batch.
    pub batch_norm: bool,
    /// Share of outputs silenced in training.
    pub dropout: f64,
    /// Where the parameters start in the flat buffer.
    first_parameter: usize,
    /// Where the running statistics start in theirs.
    first_statistic: usize,
}

impl Layer {
    pub(crate) fn new(config: &LayerConfig, n_inputs: usize, after: Option<&Self>) -> Self {
        Self {
            n_inputs,
            n_outputs: config.n_outputs,
            activation: config.activation,
            batch_norm: config.batch_norm,
            dropout: config.dropout,
            first_parameter: after.map_or(0, |layer| layer.parameters().end),
            first_statistic: after.map_or(0, |layer| layer.statistics().end),
        }
    }

    /// Buffers of as many rows as a block that a [`Trace`](crate::network::Trace)
    /// has of this layer.
    pub(crate) fn trace_buffers(&self, is_output: bool) -> usize {
        let has_dropout = usize::from(self.dropout > 0.0);
        1 + usize::from(self.keeps_pre_activations(is_output))
            + 2 * has_dropout
            + usize::from(self.batch_norm)
    }

    /// Whether z is kept beside a.
    pub(crate) fn keeps_pre_activations(&self, is_output: bool) -> bool {
        is_output || self.activation.needs_pre_activations()
    }

    /// Where the weights `[n_inputs, n_outputs]` lie.
    pub fn weights(&self) -> Range<usize> {
        let start = self.first_parameter;
        start..start + self.n_inputs * self.n_outputs
    }

    /// Where the biases `[n_outputs]` lie.
    pub fn bias(&self) -> Range<usize> {
        let start = self.weights().end;
        start..start + self.n_outputs
    }

    /// Where the scales γ `[n_outputs]` of batch normalisation lie; empty without it.
    pub fn gamma(&self) -> Range<usize> {
        let start = self.bias().end;
        start..start + self.normalised_width()
    }

    /// Where the shifts β `[n_outputs]` of batch normalisation lie; empty without it.
    pub fn beta(&self) -> Range<usize> {
        let start = self.gamma().end;
        start..start + self.normalised_width()
    }

    /// Where all parameters of the layer lie.
    pub fn parameters(&self) -> Range<usize> {
        self.first_parameter..self.beta().end
    }

    /// Where the running mean `[n_outputs]` lies among the statistics.
    pub fn running_mean(&self) -> Range<usize> {
        let start = self.first_statistic;
        start..start + self.normalised_width()
    }

    /// Where the running variance `[n_outputs]` lies among the statistics.
    pub fn running_variance(&self) -> Range<usize> {
        let start = self.running_mean().end;
        start..start + self.normalised_width()
    }

    /// Where all statistics of the layer lie.
    pub fn statistics(&self) -> Range<usize> {
        self.first_statistic..self.running_variance().end
    }

    fn normalised_width(&self) -> usize {
        if self.batch_norm { self.n_outputs } else { 0 }
    }

    /// The weights inside a buffer laid out like the parameters.
    ///
    /// # Panics
    /// If the buffer is shorter than the parameters.
    pub fn weights_of<'a, S: Scalar>(&self, buffer: &'a [S]) -> ArrayView2<'a, S> {
        ArrayView2::from_shape((self.n_inputs, self.n_outputs), &buffer[self.weights()])
            .expect("the range has the size of the matrix")
    }

    /// The weights inside a buffer laid out like the parameters, to be written.
    ///
    /// # Panics
    /// If the buffer is shorter than the parameters.
    pub fn weights_of_mut<'a, S: Scalar>(&self, buffer: &'a mut [S]) -> ArrayViewMut2<'a, S> {
        ArrayViewMut2::from_shape((self.n_inputs, self.n_outputs), &mut buffer[self.weights()])
            .expect("the range has the size of the matrix")
    }

    /// The weights inside a buffer laid out like the parameters, for products.
    pub(crate) fn weight_matrix<'a, S: Scalar>(&self, buffer: &'a [S]) -> Matrix<'a, S> {
        Matrix::new(&buffer[self.weights()], [self.n_inputs, self.n_outputs])
    }

    /// Weights and biases inside a buffer laid out like the parameters.
    pub(crate) fn split_mut<'a, S: Scalar>(
        &self,
        buffer: &'a mut [S],
    ) -> (MatrixMut<'a, S>, &'a mut [S]) {
        let both = &mut buffer[self.weights().start..self.bias().end];
        let (weights, bias) = both.split_at_mut(self.n_inputs * self.n_outputs);
        (
            MatrixMut::new(weights, [self.n_inputs, self.n_outputs]),
            bias,
        )
    }

    /// The biases inside a buffer laid out like the parameters.
    pub fn bias_of<'a, S: Scalar>(&self, buffer: &'a [S]) -> ArrayView1<'a, S> {
        ArrayView1::from(&buffer[self.bias()])
    }
}
