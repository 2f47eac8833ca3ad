//! A network: layers, and all their parameters in one flat buffer.
//!
//! ```text
//! a⁰ = x,   zˡ = aˡ⁻¹·Wˡ + bˡ,   aˡ = φˡ(zˡ),   answer = aᴸ
//! ```
//!
//! (newbies 2.7.1; Schoofs equations 2, 3 and 10.) One flat buffer means that
//! an optimizer, the model file, weight averaging and the gradient check are
//! each one plain loop.

use ndarray::{ArrayView1, ArrayView2};
use nn_tensor::random::{Purpose, Stream, Streams};
use nn_tensor::{AlignedSlice, Matrix, Scalar, Threads};

use crate::activation::Activation;
use crate::layer::inputs::LayerInputs;
use crate::layer::{Layer, LayerConfig, MIN_PIECE, batch_norm, dropout};
use crate::memory::{bytes_of, probe};
use crate::menu::{Menu, Range};
use crate::{Error, Result};

/// Most neurons or inputs of a layer.
const MAX_WIDTH: usize = 1 << 24;

/// Most parameters of a network (16 GiB of `f32`).
const MAX_PARAMETERS: usize = 1 << 32;

/// What a network should be.
///
/// ```
/// use nn_core::{Activation, LayerConfig, Network, NetworkConfig};
///
/// let config = NetworkConfig {
///     n_inputs: 784,
///     layers: vec![
///         LayerConfig::new(128, Activation::Relu),
///         LayerConfig::new(10, Activation::Softmax),
///     ],
/// };
/// let network: Network = Network::new(&config, 0)?;
/// assert_eq!(network.parameters().len(), 784 * 128 + 128 + 128 * 10 + 10);
/// # Ok::<(), nn_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkConfig {
    /// Width of a sample.
    pub n_inputs: usize,
    /// The layers, first to last.
    pub layers: Vec<LayerConfig>,
}

impl NetworkConfig {
    /// Whether such a network can be.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a width of 0, a dropout that is no fraction or
    /// a parameter of an activation or an initialiser out of its range,
    /// [`Error::Conflict`] for softmax or dropout where they cannot be.
    pub fn check(&self) -> Result<()> {
        check_width("number of inputs", self.n_inputs)?;
        if self.layers.is_empty() {
            return Err(Error::Conflict {
                what: "network".to_owned(),
                problem: "has no output layer".to_owned(),
            });
        }
        for (index, layer) in self.layers.iter().enumerate() {
            check_width(&format!("width of layer {}", index + 1), layer.n_outputs)?;
            Range::Fraction.check(&format!("dropout of layer {}", index + 1), layer.dropout)?;
            layer.activation.check()?;
            layer.init.check()?;
            layer.bias_init.check()?;
            let is_output = index + 1 == self.layers.len();
            let conflict = |problem: &str| Error::Conflict {
                what: format!("layer {}", index + 1),
                problem: problem.to_owned(),
            };
            if layer.activation == Activation::Softmax && !is_output {
                return Err(conflict("softmax is for the output layer only"));
            }
            if layer.dropout > 0.0 && is_output {
                return Err(conflict("the output layer cannot have dropout"));
            }
        }
        match self.n_parameters() {
            Some(n) if n <= MAX_PARAMETERS => Ok(()),
            _ => Err(Error::OutOfRange {
                what: "number of parameters".to_owned(),
                expected: format!("at most {MAX_PARAMETERS}"),
                found: "more".to_owned(),
            }),
        }
    }

    /// The layers that the network will have.
    pub(crate) fn layers(&self) -> Result<Vec<Layer>> {
        self.check()?;
        let mut layers: Vec<Layer> = Vec::with_capacity(self.layers.len());
        let mut n_inputs = self.n_inputs;
        for layer in &self.layers {
            layers.push(Layer::new(layer, n_inputs, layers.last()));
            n_inputs = layer.n_outputs;
        }
        Ok(layers)
    }

    /// How many parameters the network will have; `None` if they cannot be
    /// counted.
    pub(crate) fn n_parameters(&self) -> Option<usize> {
        let mut n_inputs = self.n_inputs;
        let mut total = 0_usize;
        for layer in &self.layers {
            let others = if layer.batch_norm { 3 } else { 1 };
            total =
                total.checked_add(n_inputs.checked_add(others)?.checked_mul(layer.n_outputs)?)?;
            n_inputs = layer.n_outputs;
        }
        Some(total)
    }
}

fn check_width(what: &str, width: usize) -> Result<()> {
    if (1..=MAX_WIDTH).contains(&width) {
        return Ok(());
    }
    Err(Error::OutOfRange {
        what: what.to_owned(),
        expected: format!("1 to {MAX_WIDTH}"),
        found: width.to_string(),
    })
}

/// A multilayer perceptron.
///
/// After construction a network is valid: forward and backward return no
/// `Result`.
#[derive(Clone, Debug, PartialEq)]
pub struct Network<S = f32> {
    layers: Vec<Layer>,
    parameters: AlignedSlice<S>,
    /// Running averages of batch normalisation.
    statistics: AlignedSlice<S>,
}

impl<S: Scalar> Network<S> {
    /// A network with random weights, a function of `config` and `seed` alone.
    ///
    /// # Errors
    /// As [`NetworkConfig::check`]; [`Error::OutOfMemory`].
    pub fn new(config: &NetworkConfig, seed: u64) -> Result<Self> {
        let mut network = Self::zeros(config)?;
        let streams = Streams::new(seed);
        for (index, (layer, config)) in network.layers.iter().zip(&config.layers).enumerate() {
            let (n_inputs, n_outputs) = (layer.n_inputs, layer.n_outputs);
            let parameters = &mut network.parameters;
            let mut stream = streams.stream(Purpose::Weights, 2 * index as u64);
            config.init.fill(
                &mut parameters[layer.weights()],
                n_inputs,
                n_outputs,
                &mut stream,
            );
            let mut stream = streams.stream(Purpose::Weights, 2 * index as u64 + 1);
            // A bias is the weight of an input that is always 1.
            config
                .bias_init
                .fill(&mut parameters[layer.bias()], 1, n_outputs, &mut stream);
        }
        Ok(network)
    }

    /// A network whose weights and biases are 0.
    ///
    /// # Errors
    /// As [`NetworkConfig::check`]; [`Error::OutOfMemory`].
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn zeros(config: &NetworkConfig) -> Result<Self> {
        let layers = config.layers()?;
        let last = layers.last().expect("a checked network has a layer");
        let (n_parameters, n_statistics) = (last.parameters().end, last.statistics().end);
        probe(bytes_of::<S>(1, n_parameters + n_statistics))?;
        let mut parameters = AlignedSlice::new(S::zero(), n_parameters);
        let mut statistics = AlignedSlice::new(S::zero(), n_statistics);
        for layer in &layers {
            parameters[layer.gamma()].fill(S::one());
            statistics[layer.running_variance()].fill(S::one());
        }
        Ok(Self {
            layers,
            parameters,
            statistics,
        })
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Whether a layer has batch normalisation.
    pub fn has_batch_norm(&self) -> bool {
        self.layers.iter().any(|layer| layer.batch_norm)
    }

    /// Width of a sample.
    pub fn n_inputs(&self) -> usize {
        self.layers[0].n_inputs
    }

    /// Width of an answer.
    pub fn n_outputs(&self) -> usize {
        self.output_layer().n_outputs
    }

    /// The last layer.
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn output_layer(&self) -> &Layer {
        self.layers.last().expect("a network has a layer")
    }

    /// All parameters, layer by layer: weights, biases, γ, β.
    pub fn parameters(&self) -> &[S] {
        &self.parameters
    }

    /// All parameters, to be changed.
    pub fn parameters_mut(&mut self) -> &mut [S] {
        &mut self.parameters
    }

    /// The layers, and all parameters to be changed.
    pub(crate) fn split_mut(&mut self) -> (&[Layer], &mut [S]) {
        (&self.layers, &mut self.parameters)
    }

    /// Running averages of batch normalisation, layer by layer: mean, variance.
    pub fn statistics(&self) -> &[S] {
        &self.statistics
    }

    /// Running averages of batch normalisation, to be changed.
    pub fn statistics_mut(&mut self) -> &mut [S] {
        &mut self.statistics
    }

    /// Weights of a layer, `[n_inputs, n_outputs]`.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn weights(&self, layer: usize) -> ArrayView2<'_, S> {
        self.layers[layer].weights_of(&self.parameters)
    }

    /// Biases of a layer, `[n_outputs]`.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn bias(&self, layer: usize) -> ArrayView1<'_, S> {
        self.layers[layer].bias_of(&self.parameters)
    }

    /// The widths, input to output, as in `784-128-10`.
    pub fn widths(&self) -> Vec<usize> {
        std::iter::once(self.n_inputs())
            .chain(self.layers.iter().map(|layer| layer.n_outputs))
            .collect()
    }

    /// The same network without dropout.
    #[must_use]
    pub fn without_dropout(&self) -> Self {
        let mut network = self.clone();
        network
            .layers
            .iter_mut()
            .for_each(|layer| layer.dropout = 0.0);
        network
    }

    /// What a parameter is, such as `weights[3, 0]` (input 3, neuron 0).
    ///
    /// # Panics
    /// If there is no such parameter.
    pub fn parameter_name(&self, parameter: usize) -> String {
        let is_in = |layer: &&Layer| layer.parameters().contains(&parameter);
        let layer = self
            .layers
            .iter()
            .find(is_in)
            .expect("the parameter exists");
        let column = |start: usize| parameter - start;
        if layer.weights().contains(&parameter) {
            let offset = column(layer.weights().start);
            format!(
                "weights[{}, {}]",
                offset / layer.n_outputs,
                offset % layer.n_outputs
            )
        } else if layer.bias().contains(&parameter) {
            format!("bias[{}]", column(layer.bias().start))
        } else if layer.gamma().contains(&parameter) {
            format!("gamma[{}]", column(layer.gamma().start))
        } else {
            format!("beta[{}]", column(layer.beta().start))
        }
    }

    /// The same network in another precision.
    pub fn cast<T: Scalar>(&self) -> Network<T> {
        let cast = |values: &[S]| {
            let mut cast = AlignedSlice::new(T::zero(), values.len());
            for (cast, value) in cast.iter_mut().zip(values) {
                *cast = T::from_f64(value.into_f64());
            }
            cast
        };
        Network {
            layers: self.layers.clone(),
            parameters: cast(&self.parameters),
            statistics: cast(&self.statistics),
        }
    }

    /// The answers to a batch, with the activations of every layer left in `trace`.
    ///
    /// Inputs are not checked: NaN goes through every layer to the answers, but
    /// an infinity may saturate a neuron and end as an ordinary number.
    /// [`predict`](Self::predict), [`Predictor`](crate::Predictor) and
    /// [`Samples`](crate::Samples) refuse both.
    ///
    /// # Shapes
    /// `inputs [batch, n_inputs]`; the answers are `[batch, n_outputs]`.
    ///
    /// # Panics
    /// If the batch is wider than the network's inputs or higher than the trace.
    pub fn forward<'i, 't>(
        &self,
        inputs: impl Into<LayerInputs<'i, S>>,
        trace: &'t mut Trace<S>,
        threads: &Threads,
    ) -> ArrayView2<'t, S> {
        let inputs: LayerInputs<'i, S> = inputs.into();
        trace.start(inputs.n_rows());
        for (index, layer) in self.layers.iter().enumerate() {
            let (inputs, this) = trace.split(index, inputs);
            this.sum(layer, &self.parameters, inputs, threads);
            this.infer(layer, self, threads);
        }
        trace.outputs()
    }

    /// The answer to one sample, in `trace`.
    ///
    /// Whether all inputs are finite is told by the first weighted sum, which
    /// costs less than to look at them: x·w is NaN or infinite if x is, whatever
    /// w is, and so is every sum with it.
    pub(crate) fn infer_sample<'t>(
        &self,
        inputs: &[S],
        trace: &'t mut Trace<S>,
        threads: &Threads,
    ) -> Result<ArrayView2<'t, S>> {
        if inputs.len() != self.n_inputs() {
            return Err(Error::Shape {
                what: "number of inputs",
                expected: self.n_inputs(),
                found: inputs.len(),
            });
        }
        let row = Matrix::new(inputs, [1, inputs.len()]);
        trace.start(1);
        for (index, layer) in self.layers.iter().enumerate() {
            let (layer_inputs, this) = trace.split(index, row.into());
            this.sum(layer, &self.parameters, layer_inputs, threads);
            if index == 0 && !this.sums_mut()[0].is_finite() {
                check_finite(inputs)?;
            }
            this.infer(layer, self, threads);
        }
        Ok(trace.outputs())
    }

    /// The answer to one sample. For many answers one by one,
    /// [`Predictor`](crate::predictor::Predictor) needs no allocation; for many samples,
    /// [`forward`](Self::forward) is faster.
    ///
    /// # Shapes
    /// `inputs [n_inputs]`; the answer is `[n_outputs]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for a sample of another width, [`Error::NotFinite`] for
    /// an input that is NaN or infinite.
    pub fn predict(&self, inputs: &[S]) -> Result<Vec<S>> {
        let mut trace = Trace::new(self, 1);
        let outputs = self.infer_sample(inputs, &mut trace, &Threads::single())?;
        Ok(outputs.iter().copied().collect())
    }

    /// As [`forward`](Self::forward), in training: batch normalisation uses the
    /// batch and updates its running averages, dropout silences.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn forward_in_training<'i, 't>(
        &mut self,
        inputs: impl Into<LayerInputs<'i, S>>,
        trace: &'t mut Trace<S>,
        randomness: Randomness,
        threads: &Threads,
    ) -> ArrayView2<'t, S> {
        let inputs: LayerInputs<'i, S> = inputs.into();
        trace.start(inputs.n_rows());
        for (index, layer) in self.layers.iter().enumerate() {
            let (inputs, this) = trace.split(index, inputs);
            this.sum(layer, &self.parameters, inputs, threads);
            if layer.batch_norm {
                this.normalise_in_training(layer, &self.parameters, &mut self.statistics);
            }
            this.activate(layer, threads);
            if layer.dropout > 0.0 {
                this.drop_out(layer, randomness, index);
            }
        }
        trace.outputs()
    }
}

/// Whether the inputs of a sample are finite.
fn check_finite<S: Scalar>(inputs: &[S]) -> Result<()> {
    let bad = inputs
        .iter()
        .enumerate()
        .find(|(_, input)| !input.is_finite());
    match bad {
        None => Ok(()),
        Some((column, value)) => Err(Error::NotFinite {
            what: "input",
            sample: 0,
            column,
            value: value.into_f64(),
        }),
    }
}

/// Where the random numbers of one block of rows in one training step come
/// from: a function of the seed, the step and the block alone, not of what was
/// drawn before or of the number of threads.
#[derive(Clone, Copy, Debug)]
pub struct Randomness {
    streams: Streams,
    step: u64,
    block: u64,
}

impl Randomness {
    /// That of the step after `step` others, in a training with this seed.
    pub fn new(seed: u64, step: u64) -> Self {
        let streams = Streams::new(seed);
        Self {
            streams,
            step,
            block: 0,
        }
    }

    /// That of another block of the same step's batch.
    #[must_use]
    pub fn block(self, block: usize) -> Self {
        Self {
            block: block as u64,
            ..self
        }
    }

    /// What decides which outputs of a layer are silenced.
    fn dropout(self, layer: usize) -> Stream {
        // 32 bits for the step, 16 for the block, 8 for the layer.
        let [step, block, layer] = [self.step << 24, self.block << 8, layer as u64];
        let index = (step | (block & 0xffff00) | (layer & 0xff)) & ((1 << 56) - 1);
        self.streams.stream(Purpose::Dropout, index)
    }
}

/// What a batch left behind in every layer; backpropagation needs it.
///
/// The buffers are made once, for the largest batch.
#[derive(Clone, Debug)]
pub struct Trace<S> {
    layers: Vec<LayerTrace<S>>,
}

/// What a batch left behind in one layer; each `[batch, n_outputs]`.
#[derive(Clone, Debug)]
pub struct LayerTrace<S> {
    width: usize,
    n_rows: usize,
    /// z (after batch normalisation), where it is needed.
    pre_activations: AlignedSlice<S>,
    /// a = φ(z)
    activations: AlignedSlice<S>,
    /// a after dropout, where there is dropout.
    dropped: AlignedSlice<S>,
    mask: AlignedSlice<S>,
    /// Whether the last forward pass silenced outputs.
    is_dropped: bool,
    /// x̂ of batch normalisation, where there is any.
    normalised: AlignedSlice<S>,
    inverse_std: AlignedSlice<S>,
    scratch: AlignedSlice<S>,
    keeps_pre_activations: bool,
}

impl<S: Scalar> Trace<S> {
    /// Buffers for batches of up to `max_rows` rows.
    pub fn new(network: &Network<S>, max_rows: usize) -> Self {
        let last = network.layers.len() - 1;
        let layers = network.layers.iter().enumerate();
        Self {
            layers: layers
                .map(|(index, layer)| LayerTrace::new(layer, max_rows, index == last))
                .collect(),
        }
    }

    /// What layer `index` (from 0) holds.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn layer(&self, index: usize) -> &LayerTrace<S> {
        &self.layers[index]
    }

    /// The network's answers, `[batch, n_outputs]`.
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn outputs(&self) -> ArrayView2<'_, S> {
        self.layers.last().expect("a network has a layer").outputs()
    }

    fn start(&mut self, n_rows: usize) {
        for layer in &mut self.layers {
            assert!(
                n_rows * layer.width <= layer.activations.len(),
                "a batch of {n_rows} rows does not fit a trace of {}",
                layer.activations.len() / layer.width
            );
            layer.n_rows = n_rows;
            layer.is_dropped = false;
        }
    }

    /// What goes into layer `index` (`inputs` into the first one), and the layer.
    fn split<'t>(
        &'t mut self,
        index: usize,
        inputs: LayerInputs<'t, S>,
    ) -> (LayerInputs<'t, S>, &'t mut LayerTrace<S>) {
        let (below, rest) = self.layers.split_at_mut(index);
        let inputs = match below.last() {
            Some(below) => below.output_matrix().into(),
            None => inputs,
        };
        (inputs, &mut rest[0])
    }
}

impl<S: Scalar> LayerTrace<S> {
    fn new(layer: &Layer, max_rows: usize, is_output: bool) -> Self {
        let width = layer.n_outputs;
        let keeps_pre_activations = layer.keeps_pre_activations(is_output);
        let buffer =
            |needed: bool| AlignedSlice::new(S::zero(), if needed { max_rows * width } else { 0 });
        let row = |needed: bool| AlignedSlice::new(S::zero(), if needed { width } else { 0 });
        Self {
            width,
            n_rows: 0,
            pre_activations: buffer(keeps_pre_activations),
            activations: buffer(true),
            dropped: buffer(layer.dropout > 0.0),
            mask: buffer(layer.dropout > 0.0),
            is_dropped: false,
            normalised: buffer(layer.batch_norm),
            inverse_std: row(layer.batch_norm),
            scratch: row(layer.batch_norm),
            keeps_pre_activations,
        }
    }

    fn len(&self) -> usize {
        self.n_rows * self.width
    }

    /// z, or a where z is not kept because its slope follows from a.
    pub fn pre_activations(&self) -> &[S] {
        if self.keeps_pre_activations {
            &self.pre_activations[..self.len()]
        } else {
            self.activations()
        }
    }

    /// a = φ(z), before dropout.
    pub fn activations(&self) -> &[S] {
        &self.activations[..self.len()]
    }

    /// What the layer above sees: a, after dropout if there is any.
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn outputs(&self) -> ArrayView2<'_, S> {
        ArrayView2::from_shape((self.n_rows, self.width), self.output_values())
            .expect("the slice has the size of the matrix")
    }

    /// [`outputs`](Self::outputs), for products.
    pub(crate) fn output_matrix(&self) -> Matrix<'_, S> {
        Matrix::new(self.output_values(), [self.n_rows, self.width])
    }

    pub(crate) fn output_values(&self) -> &[S] {
        let values = if self.is_dropped {
            &self.dropped
        } else {
            &self.activations
        };
        &values[..self.len()]
    }

    /// m: 0 for silenced outputs, 1/(1 − p) for others; empty without dropout.
    /// What a forward pass in use leaves here means nothing.
    pub fn mask(&self) -> &[S] {
        self.mask.get(..self.len()).unwrap_or_default()
    }

    pub(crate) fn normalised(&self) -> &[S] {
        &self.normalised[..self.len()]
    }

    pub(crate) fn inverse_std(&self) -> &[S] {
        &self.inverse_std
    }

    /// Where z is computed.
    fn sums_mut(&mut self) -> &mut [S] {
        let len = self.len();
        let buffers = [&mut self.pre_activations, &mut self.activations];
        &mut buffer_of_sums(self.keeps_pre_activations, buffers)[..len]
    }

    /// `z = a·W + b`
    fn sum(
        &mut self,
        layer: &Layer,
        parameters: &[S],
        inputs: LayerInputs<'_, S>,
        threads: &Threads,
    ) {
        let (weights, bias) = (layer.weight_matrix(parameters), &parameters[layer.bias()]);
        inputs.weighted_sums(weights, bias, self.sums_mut(), threads);
    }

    /// From z to a in a network in use.
    fn infer(&mut self, layer: &Layer, network: &Network<S>, threads: &Threads) {
        if layer.batch_norm {
            self.normalise_in_use(layer, &network.parameters, &network.statistics);
        }
        self.activate(layer, threads);
    }

    fn normalise_in_use(&mut self, layer: &Layer, parameters: &[S], statistics: &[S]) {
        batch_norm::infer(
            self.sums_mut(),
            &parameters[layer.gamma()],
            &parameters[layer.beta()],
            &statistics[layer.running_mean()],
            &statistics[layer.running_variance()],
        );
    }

    fn normalise_in_training(&mut self, layer: &Layer, parameters: &[S], statistics: &mut [S]) {
        let len = self.len();
        let (mean, variance) = statistics[layer.statistics()].split_at_mut(self.width);
        let running = batch_norm::Running {
            mean,
            variance,
            scratch: &mut self.scratch,
        };
        let buffers = [&mut self.pre_activations, &mut self.activations];
        batch_norm::forward(
            &mut buffer_of_sums(self.keeps_pre_activations, buffers)[..len],
            &parameters[layer.gamma()],
            &parameters[layer.beta()],
            running,
            &mut self.normalised[..len],
            &mut self.inverse_std,
        );
    }

    /// `a = φ(z)`
    fn activate(&mut self, layer: &Layer, threads: &Threads) {
        let (len, width) = (self.len(), self.width);
        let z = self.keeps_pre_activations.then_some(&*self.pre_activations);
        let values = &mut self.activations[..len];
        threads.for_each_piece(values, width, MIN_PIECE, |start, values| {
            if let Some(z) = z {
                values.copy_from_slice(&z[start..start + values.len()]);
            }
            layer.activation.apply(values, width);
        });
    }

    fn drop_out(&mut self, layer: &Layer, randomness: Randomness, index: usize) {
        let len = self.len();
        self.is_dropped = true;
        let mask = &mut self.mask[..len];
        dropout::draw_mask(mask, layer.dropout, &mut randomness.dropout(index));
        dropout::forward(&self.activations[..len], mask, &mut self.dropped[..len]);
    }
}

/// Where z is computed: in the buffer of its own, or in that of a = φ(z).
fn buffer_of_sums<B>(keeps_pre_activations: bool, [z, a]: [&mut B; 2]) -> &mut B {
    if keeps_pre_activations { z } else { a }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn config(layers: Vec<LayerConfig>) -> NetworkConfig {
        NetworkConfig {
            n_inputs: 2,
            layers,
        }
    }

    #[test]
    fn forward_by_hand() {
        let layers = vec![
            LayerConfig::new(2, Activation::Relu),
            LayerConfig::new(1, Activation::Identity),
        ];
        let mut network: Network<f64> = Network::zeros(&config(layers)).unwrap();
        network.parameters_mut().copy_from_slice(&[
            1.0, -1.0, 2.0, 1.0, // W¹
            0.5, -0.5, // b¹
            3.0, 4.0,  // W²
            -1.0, // b²
        ]);
        let mut trace = Trace::new(&network, 2);
        let inputs = array![[1.0, 2.0], [-1.0, 0.0]];
        let outputs = network.forward(inputs.view(), &mut trace, &Threads::single());
        // Row 1: z¹ = (5.5, 0.5), a² = 16.5 + 2 − 1. Row 2: z¹ = (−0.5, 0.5), a² = 0 + 2 − 1.
        assert_eq!(outputs, array![[17.5], [1.0]]);
        assert_eq!(network.predict(&[-1.0, 0.0]).unwrap(), [1.0]);
    }

    #[test]
    fn a_sample_that_does_not_fit_or_is_not_finite_has_no_answer() {
        let layers = vec![LayerConfig::new(3, Activation::Relu)];
        let network: Network = Network::new(&config(layers), 0).unwrap();
        let mut predictor = crate::Predictor::new(network.clone().into(), 1);
        for (inputs, expected) in [
            (
                &[1.0, f32::NAN][..],
                "input 1 of sample 0 is NaN; expected a finite number",
            ),
            (
                &[f32::INFINITY, 1.0],
                "input 0 of sample 0 is inf; expected a finite number",
            ),
            (&[1.0], "number of inputs: expected 2, found 1"),
        ] {
            assert_eq!(network.predict(inputs).unwrap_err().to_string(), expected);
            let mut outputs = [7.0; 3];
            let error = predictor.predict_into(inputs, &mut outputs).unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert_eq!(outputs, [7.0; 3]);
        }
        // At any place of any width, and where finite inputs overflow.
        for width in 1..70 {
            let layers = vec![
                LayerConfig::new(3, Activation::Tanh),
                LayerConfig::new(2, Activation::Softmax),
            ];
            let wide = NetworkConfig {
                n_inputs: width,
                layers,
            };
            let network: Network = Network::new(&wide, 0).unwrap();
            let mut inputs = vec![f32::MAX; width];
            assert!(network.predict(&inputs).is_ok());
            for place in 0..width {
                for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    let before = std::mem::replace(&mut inputs[place], bad);
                    let error = network.predict(&inputs).unwrap_err().to_string();
                    assert!(error.starts_with(&format!("input {place} of")), "{error}");
                    inputs[place] = before;
                }
            }
        }
        let error = predictor
            .predict_into(&[0.0; 2], &mut [0.0; 2])
            .unwrap_err();
        assert_eq!(error.to_string(), "number of outputs: expected 3, found 2");
    }

    #[test]
    fn impossible_networks_are_refused() {
        let message = |layers| {
            Network::<f32>::zeros(&config(layers))
                .unwrap_err()
                .to_string()
        };
        let relu = |n| LayerConfig::new(n, Activation::Relu);
        let softmax = |n| LayerConfig::new(n, Activation::Softmax);
        assert_eq!(message(vec![]), "network: has no output layer");
        assert_eq!(
            message(vec![relu(0)]),
            "width of layer 1: expected 1 to 16777216, found 0"
        );
        assert_eq!(
            message(vec![softmax(3), softmax(3)]),
            "layer 1: softmax is for the output layer only"
        );
        let with_dropout = |dropout| LayerConfig { dropout, ..relu(3) };
        assert_eq!(
            message(vec![with_dropout(1.0), relu(2)]),
            "dropout of layer 1: expected a number from 0 up to but not 1, found 1"
        );
        assert_eq!(
            message(vec![with_dropout(0.5)]),
            "layer 1: the output layer cannot have dropout"
        );
        assert!(message(vec![relu(1 << 24), relu(1 << 24)]).starts_with("number of parameters"));
    }

    #[test]
    fn a_network_in_use_silences_nothing() {
        let dropout = |dropout| {
            let hidden = LayerConfig {
                dropout,
                ..LayerConfig::new(8, Activation::Tanh)
            };
            config(vec![hidden, LayerConfig::new(2, Activation::Identity)])
        };
        let with: Network<f64> = Network::new(&dropout(0.5), 1).unwrap();
        let without: Network<f64> = Network::new(&dropout(0.0), 1).unwrap();
        let inputs = array![[0.3, -0.8]];
        let threads = Threads::single();
        let mut trace = Trace::new(&with, 1);
        let randomness = Randomness::new(0, 0);
        // A training step before must leave nothing behind.
        with.clone()
            .forward_in_training(inputs.view(), &mut trace, randomness, &threads);
        let found = with.forward(inputs.view(), &mut trace, &threads).to_owned();
        let mut trace = Trace::new(&without, 1);
        assert_eq!(found, without.forward(inputs.view(), &mut trace, &threads));
    }

    #[test]
    fn masks_differ_by_step_block_and_layer_and_come_again() {
        let bits = |step, block, layer| Randomness::new(1, step).block(block).dropout(layer).bits();
        assert_eq!(bits(3, 2, 1), bits(3, 2, 1));
        let others = [bits(4, 2, 1), bits(3, 1, 1), bits(3, 2, 0)];
        assert!(others.iter().all(|&other| other != bits(3, 2, 1)));
    }

    #[test]
    fn the_same_seed_gives_the_same_network() {
        let config = config(vec![LayerConfig::new(5, Activation::Tanh)]);
        let network: Network = Network::new(&config, 7).unwrap();
        assert_eq!(network, Network::new(&config, 7).unwrap());
        assert_ne!(network, Network::new(&config, 8).unwrap());
    }
}
