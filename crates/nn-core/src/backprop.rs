//! Backpropagation: the gradient of the loss by every parameter.
//!
//! ```text
//! δᴸ      = ∂C/∂zᴸ                              loss (Schoofs 5)
//! ∂C/∂Wˡ  = (aˡ⁻¹)ᵀ·δˡ                          (12)
//! ∂C/∂bˡ  = Σ rows of δˡ                        (5)
//! δˡ⁻¹    = (δˡ·Wˡᵀ) ⊙ φ′(zˡ⁻¹)                 (13)
//! ```
//!
//! (Rumelhart, Hinton & Williams 1986; newbies 4.5; Schoofs section 3.1.)

use ndarray::ArrayView2;
use nn_tensor::function::flushed;
use nn_tensor::sparse::{Transposed, Written};
use nn_tensor::{AlignedSlice, Matrix, MatrixMut, Scalar, Threads};

use crate::layer::inputs::LayerInputs;
use crate::layer::{Layer, MIN_PIECE, batch_norm, dense, dropout};
use crate::loss::Loss;
use crate::network::{LayerTrace, Network, Trace};

/// The errors δ of every layer and the gradient of all parameters.
///
/// The buffers are made once, for the largest block of rows.
#[derive(Clone, Debug)]
pub struct Gradients<S> {
    errors: Vec<LayerError<S>>,
    values: AlignedSlice<S>,
}

/// δ of one layer, `[rows, width]`.
#[derive(Clone, Debug)]
struct LayerError<S> {
    width: usize,
    values: AlignedSlice<S>,
}

impl<S: Scalar> Gradients<S> {
    /// Buffers for blocks of up to `max_rows` rows.
    pub fn new(network: &Network<S>, max_rows: usize) -> Self {
        let error = |layer: &Layer| LayerError {
            width: layer.n_outputs,
            values: AlignedSlice::new(S::zero(), max_rows * layer.n_outputs),
        };
        Self {
            errors: network.layers().iter().map(error).collect(),
            values: AlignedSlice::new(S::zero(), network.parameters().len()),
        }
    }

    /// The gradient, laid out like [`Network::parameters`].
    pub fn values(&self) -> &[S] {
        &self.values
    }

    /// The gradient, to be changed (set to zero, penalties, clipping).
    pub fn values_mut(&mut self) -> &mut [S] {
        &mut self.values
    }

    /// δ of a layer that the last pass left for the first `n_rows` rows,
    /// `[n_rows, n_outputs]`.
    ///
    /// # Panics
    /// If there is no such layer or the buffers hold fewer rows.
    pub fn error(&self, layer: usize, n_rows: usize) -> &[S] {
        let error = &self.errors[layer];
        &error.values[..n_rows * error.width]
    }

    /// δ of a layer for the first `n_rows` rows, `[n_rows, n_outputs]`.
    ///
    /// For the output layer the loss writes it before
    /// [`backward`](Self::backward).
    ///
    /// # Panics
    /// If there is no such layer or the buffers hold fewer rows.
    pub fn error_mut(&mut self, layer: usize, n_rows: usize) -> &mut [S] {
        let error = &mut self.errors[layer];
        &mut error.values[..n_rows * error.width]
    }

    /// The mean loss of the rows that left `trace`; its δᴸ is left for
    /// [`backward`](Self::backward).
    ///
    /// # Shapes
    /// `targets [rows, n_outputs]`. The pair of loss and output activation must
    /// have passed [`Loss::check_output`].
    ///
    /// # Panics
    /// If the targets do not have the shape of the network's answers, or their
    /// rows are not contiguous.
    pub fn loss_of_batch(
        &mut self,
        loss: Loss,
        network: &Network<S>,
        targets: ArrayView2<'_, S>,
        trace: &Trace<S>,
    ) -> f64 {
        assert_eq!(targets.dim(), trace.outputs().dim(), "one target an answer");
        let output = network.output_layer();
        let (n_rows, width) = targets.dim();
        let last = network.layers().len() - 1;
        let share = S::from_f64(1.0 / n_rows as f64);
        let answers = trace.layer(last);
        let zs = answers.pre_activations().chunks_exact(width);
        let activations = answers.activations().chunks_exact(width);
        let errors = self.error_mut(last, n_rows).chunks_exact_mut(width);
        let mut sum = 0.0;
        for (((error, z), a), y) in errors.zip(zs).zip(activations).zip(targets.rows()) {
            let y = y.to_slice().expect("rows of targets are contiguous");
            sum += loss.of_row(output.activation, z, a, y, error).into_f64();
            error
                .iter_mut()
                .for_each(|error| *error = flushed(*error * share));
        }
        sum / n_rows as f64
    }

    /// From δᴸ to the gradient of every parameter, added to what
    /// [`values`](Self::values) holds.
    ///
    /// # Shapes
    /// `inputs [rows, n_inputs]` are those of the forward pass that left `trace`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn backward<'i>(
        &mut self,
        network: &Network<S>,
        inputs: impl Into<LayerInputs<'i, S>>,
        trace: &Trace<S>,
        threads: &Threads,
    ) {
        self.backward_block(network, inputs.into(), None, Written::Onto, trace, threads);
    }

    /// As [`backward`](Self::backward), with a buffer for the inputs' transposed
    /// form, if there is one, and onto or over the old values.
    pub(crate) fn backward_block(
        &mut self,
        network: &Network<S>,
        inputs: LayerInputs<'_, S>,
        mut transposed: Option<&mut Transposed>,
        written: Written,
        trace: &Trace<S>,
        threads: &Threads,
    ) {
        let n_rows = inputs.n_rows();
        let parameters = network.parameters();
        for (index, layer) in network.layers().iter().enumerate().rev() {
            self.through_activation(network, index, n_rows, trace, threads);
            if layer.batch_norm {
                let error = &mut self.errors[index].values[..n_rows * layer.n_outputs];
                through_batch_norm(
                    layer,
                    trace.layer(index),
                    parameters,
                    error,
                    &mut self.values,
                );
            }
            let (below, this) = self.errors.split_at_mut(index);
            let error = this[0].matrix(n_rows);
            if let Some(below) = below.last_mut() {
                dense::backward(
                    error,
                    layer.weight_matrix(parameters),
                    below.matrix_mut(n_rows),
                    threads,
                );
            }
            let (weights, bias) = layer.split_mut(&mut self.values);
            let transposed = transposed.as_deref_mut();
            inputs_of(index, inputs, trace)
                .gradients(error, weights, bias, written, transposed, threads);
        }
    }

    /// Back-propagation and the step of plain gradient descent at once:
    ///
    /// ```text
    /// Wˡ ← Wˡ + (aˡ⁻¹)ᵀ·(−η·δˡ)
    /// ```
    ///
    /// All errors are linear in δᴸ, so the factor −η is a part of what the loss
    /// has left there ([`error_mut`](Self::error_mut)). The gradient is never written down, which saves three passes over
    /// memory of the size of the parameters, and for sparse inputs all rows of
    /// W that no input touches. Without batch normalisation.
    pub(crate) fn descend(
        &mut self,
        network: &mut Network<S>,
        inputs: LayerInputs<'_, S>,
        mut transposed: Option<&mut Transposed>,
        trace: &Trace<S>,
        threads: &Threads,
    ) {
        let n_rows = inputs.n_rows();
        for index in (0..network.layers().len()).rev() {
            self.through_activation(network, index, n_rows, trace, threads);
            let (layers, parameters) = network.split_mut();
            let layer = &layers[index];
            let (below, this) = self.errors.split_at_mut(index);
            let error = this[0].matrix(n_rows);
            if let Some(below) = below.last_mut() {
                dense::backward(
                    error,
                    layer.weight_matrix(parameters),
                    below.matrix_mut(n_rows),
                    threads,
                );
            }
            let (weights, bias) = layer.split_mut(parameters);
            let transposed = transposed.as_deref_mut();
            inputs_of(index, inputs, trace).gradients(
                error,
                weights,
                bias,
                Written::Onto,
                transposed,
                threads,
            );
        }
    }

    /// From ∂C/∂(outputs of a layer) to ∂C/∂z; the loss has done so already
    /// for the last layer.
    fn through_activation(
        &mut self,
        network: &Network<S>,
        index: usize,
        n_rows: usize,
        trace: &Trace<S>,
        threads: &Threads,
    ) {
        if index + 1 < network.layers().len() {
            let layer = &network.layers()[index];
            let error = &mut self.errors[index].values[..n_rows * layer.n_outputs];
            through_dropout_and_activation(layer, trace.layer(index), error, threads);
        }
    }
}

impl<S: Scalar> LayerError<S> {
    fn matrix(&self, n_rows: usize) -> Matrix<'_, S> {
        Matrix::new(&self.values[..n_rows * self.width], [n_rows, self.width])
    }

    fn matrix_mut(&mut self, n_rows: usize) -> MatrixMut<'_, S> {
        let shape = [n_rows, self.width];
        MatrixMut::new(&mut self.values[..n_rows * self.width], shape)
    }
}

/// What went into layer `index`.
fn inputs_of<'a, S: Scalar>(
    index: usize,
    inputs: LayerInputs<'a, S>,
    trace: &'a Trace<S>,
) -> LayerInputs<'a, S> {
    if index == 0 {
        inputs
    } else {
        trace.layer(index - 1).output_matrix().into()
    }
}

/// `δ ← δ ⊙ m ⊙ φ′(z)`
fn through_dropout_and_activation<S: Scalar>(
    layer: &Layer,
    trace: &LayerTrace<S>,
    error: &mut [S],
    threads: &Threads,
) {
    if layer.dropout > 0.0 {
        dropout::backward(error, trace.mask());
    }
    let (z, a, width) = (
        trace.pre_activations(),
        trace.activations(),
        layer.n_outputs,
    );
    threads.for_each_piece(error, width, MIN_PIECE, |start, error| {
        let these = start..start + error.len();
        let (z, a) = (&z[these.clone()], &a[these]);
        layer.activation.multiply_by_slope(z, a, error, width);
    });
}

fn through_batch_norm<S: Scalar>(
    layer: &Layer,
    trace: &LayerTrace<S>,
    parameters: &[S],
    error: &mut [S],
    gradient: &mut [S],
) {
    let (gamma, beta) =
        gradient[layer.gamma().start..layer.beta().end].split_at_mut(layer.n_outputs);
    batch_norm::backward(
        error,
        trace.normalised(),
        trace.inverse_std(),
        &parameters[layer.gamma()],
        gamma,
        beta,
    );
}
