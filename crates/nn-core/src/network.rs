//! A network: layers whose parameters are one flat buffer.
//!
//! ```text
//! a⁰ = x,   zˡ = aˡ⁻¹·Wˡ + bˡ,   aˡ = φˡ(zˡ),   output = aᴸ
//! ```
//!
//! (newbies 2.7.1; Schoofs equations 2, 3 and 10.) With one flat buffer, the
//! optimizer, the model file, weight averaging and the gradient check are each a
//! single loop.

mod plan;
mod combination;
mod forward_cache;
mod ensemble;
mod data_driven;

use nn_error::{Error, Result, check_count};
use nn_samples::{Rows, check_finite};
use nn_tensor::random::{Purpose, Streams};
use nn_tensor::{AlignedSlice, Matrix, Scalar, Threads};

use crate::layer::{Layer, LayerConfig, check_width};
use crate::memory::{bytes_of, probe};
use crate::stage::inputs::LayerInputs;
use crate::stage::pass::Mode;
use crate::stage::{Activate, Stage};
use combination::Combination;

pub use crate::stage::randomness::Randomness;
pub(crate) use forward_cache::StageRows;
pub use forward_cache::{ForwardCache, LayerCache};
pub(crate) use plan::{Node, Plan};

/// Maximum number of parameters of a network (16 GiB of `f32`).
const MAX_PARAMETERS: usize = 1 << 32;

/// Maximum number of rows to fit stages to.
const MAX_FITTED_ROWS: usize = 1 << 16;

/// Index of the first random stream for the initial values of stages; layers use the
/// streams below.
const FIRST_STAGE_STREAM: u64 = 1 << 32;

/// The configuration of a network: number of inputs and layers.
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
    /// Number of inputs.
    pub n_inputs: usize,
    /// The layers, first to last.
    pub layers: Vec<LayerConfig>,
}

impl NetworkConfig {
    /// Creates a configuration with the given layers: `(width, activation)` or
    /// [`LayerConfig`] for each.
    ///
    /// ```
    /// use nn_core::{Activation, Network, NetworkConfig};
    ///
    /// let config = NetworkConfig::new(784, [(128, Activation::Relu), (10, Activation::Softmax)]);
    /// let network: Network = Network::new(&config, 0)?;
    /// assert_eq!(network.widths(), [784, 128, 10]);
    /// # Ok::<(), nn_core::Error>(())
    /// ```
    pub fn new(n_inputs: usize, layers: impl IntoIterator<Item = impl Into<LayerConfig>>) -> Self {
        Self {
            n_inputs,
            layers: layers.into_iter().map(Into::into).collect(),
        }
    }

    /// Checks that the configuration is valid.
    ///
    /// # Errors
    /// Returns [`Error::OutOfRange`] for a width of 0, and for a dropout probability or
    /// a parameter of an activation or initializer outside its range;
    /// [`Error::Conflict`] if there are no layers, and for softmax or dropout in a
    /// layer that cannot have it.
    pub fn check(&self) -> Result<()> {
        check_width("number of inputs", self.n_inputs)?;
        if self.layers.is_empty() {
            return Err(Error::Conflict {
                what: "network".to_owned(),
                problem: "expected at least 1 layer, found none".to_owned(),
            });
        }
        let mut n_inputs = self.n_inputs;
        for (index, layer) in self.layers.iter().enumerate() {
            check_width(&format!("width of layer {}", index + 1), layer.n_outputs)?;
            layer.check(index + 1, self.layers.len(), n_inputs)?;
            n_inputs = layer.n_outputs;
        }
        match self.n_parameters() {
            n if n <= MAX_PARAMETERS => Ok(()),
            _ => Err(Error::OutOfRange {
                what: "number of parameters".to_owned(),
                expected: format!("at most {MAX_PARAMETERS}"),
                found: "more".to_owned(),
            }),
        }
    }

    /// Checks the configuration and creates the plan of its stages.
    pub(crate) fn plan(&self) -> Result<Plan> {
        self.check()?;
        Ok(Plan::new(self.n_inputs, &self.layers))
    }

    /// Number of parameters, for a configuration that was checked.
    pub(crate) fn n_parameters(&self) -> usize {
        let (mut n_inputs, mut total) = (self.n_inputs, 0_usize);
        let n_members = self.layers.first().and_then(LayerConfig::n_members);
        for (index, layer) in self.layers.iter().enumerate() {
            let is_output = index + 1 == self.layers.len();
            let n_heads = n_members.filter(|_| is_output).unwrap_or(1);
            total = total.saturating_add(layer.n_parameters(n_inputs, n_heads));
            n_inputs = layer.n_outputs;
        }
        total
    }
}

/// A multilayer perceptron, or an ensemble of networks with the same layers.
///
/// A network is always valid, so the forward and backward pass return no `Result`.
///
/// The prediction of an [`ensemble`](Self::ensemble) is the mean of the predictions of its
/// networks; an ensemble cannot be trained. Methods that address the values of a layer, such
/// as [`weights`](Self::weights), address the first network.
#[derive(Clone, Debug, PartialEq)]
pub struct Network<S = f32> {
    plan: Plan,
    /// The parameters of all networks of an ensemble, one network after another.
    parameters: AlignedSlice<S>,
    /// Values computed from data and not trained, such as the running averages of
    /// batch normalization, one network after another.
    statistics: AlignedSlice<S>,
    n_networks: usize,
    temperature: f64,
}

impl<S: Scalar> Network<S> {
    /// Creates a network with random weights, which depend only on `config` and
    /// `seed`.
    ///
    /// # Errors
    /// Returns the same errors as [`NetworkConfig::check`], and [`Error::OutOfMemory`] if the
    /// parameters cannot be allocated.
    #[inline(never)]
    pub fn new(config: &NetworkConfig, seed: u64) -> Result<Self> {
        let mut network = Self::zeros(config)?;
        let streams = Streams::new(seed);
        let Self {
            plan, parameters, ..
        } = &mut network;
        for (index, (layer, config)) in plan.layers.iter().zip(&config.layers).enumerate() {
            let (n_inputs, n_outputs) = (layer.n_inputs, layer.n_outputs);
            let mut stream = streams.stream(Purpose::Weights, 2 * index as u64);
            let weights = &mut parameters[layer.weights()];
            config.init.fill(weights, n_inputs, n_outputs, &mut stream);
            let mut stream = streams.stream(Purpose::Weights, 2 * index as u64 + 1);
            // A bias is the weight of an input that is always 1.
            let bias = &mut parameters[layer.bias()];
            config.bias_init.fill(bias, 1, n_outputs, &mut stream);
        }
        let others = |node: &&Node| !matches!(node.stage, Stage::Dense(_));
        for (index, node) in plan.nodes.iter().filter(others).enumerate() {
            let mut stream = streams.stream(Purpose::Weights, FIRST_STAGE_STREAM + index as u64);
            let parameters = &mut parameters[node.parameters.clone()];
            node.stage
                .initialize(node.n_inputs, parameters, &mut stream);
        }
        Ok(network)
    }

    /// Creates a network whose weights and biases are 0.
    ///
    /// # Errors
    /// Returns the same errors as [`NetworkConfig::check`], and [`Error::OutOfMemory`] if the
    /// parameters cannot be allocated.
    #[inline(never)]
    pub fn zeros(config: &NetworkConfig) -> Result<Self> {
        let plan = config.plan()?;
        probe(bytes_of::<S>(1, plan.n_parameters + plan.n_statistics))?;
        let mut parameters = AlignedSlice::new(S::zero(), plan.n_parameters);
        let mut statistics = AlignedSlice::new(S::zero(), plan.n_statistics);
        for node in &plan.nodes {
            for (tensor, range) in node.tensors() {
                let buffer = if tensor.is_statistic {
                    &mut statistics
                } else {
                    &mut parameters
                };
                buffer[range].fill(S::from_f64(tensor.start));
            }
            let statistics = &mut statistics[node.statistics.clone()];
            node.stage.initialize_statistics(statistics);
        }
        Ok(Self {
            plan,
            parameters,
            statistics,
            n_networks: 1,
            temperature: 1.0,
        })
    }

    /// Fits stages to data: sets the bin edges of each
    /// [`PiecewiseLinearEmbedding`](crate::stage::PiecewiseLinearEmbedding).
    ///
    /// A network without this kind of stage is not changed. At most 65 536 rows are used,
    /// evenly spaced.
    ///
    /// ```
    /// use nn_core::{Activation, LayerConfig, Network, NetworkConfig, Threads};
    ///
    /// let output = LayerConfig {
    ///     inputs: vec!["piecewise-linear-embedding:2x1".parse()?],
    ///     ..LayerConfig::new(1, Activation::Identity)
    /// };
    /// let mut network: Network = Network::new(&NetworkConfig::new(1, [output]), 0)?;
    /// network.initialize_from(&[[0.0], [1.0], [10.0]], &Threads::single())?;
    /// assert_eq!(network.statistics(), [0.0, 1.0, 10.0]);
    /// # Ok::<(), nn_core::Error>(())
    /// ```
    ///
    /// # Shapes
    /// `inputs [n_rows, n_inputs]`.
    ///
    /// # Errors
    /// Returns [`Error::Empty`] if there are no rows, [`Error::Shape`] for rows of the wrong
    /// width, and [`Error::NotFinite`] for an input that is NaN or infinite.
    pub fn initialize_from<'a>(
        &mut self,
        inputs: impl Into<Rows<'a, S>>,
        threads: &Threads,
    ) -> Result<()> {
        self.initialize_from_rows(&inputs.into(), threads)
    }

    /// As [`initialize_from`](Self::initialize_from).
    #[inline(never)]
    pub(crate) fn initialize_from_rows(
        &mut self,
        inputs: &Rows<'_, S>,
        threads: &Threads,
    ) -> Result<()> {
        let values = self.spaced_rows(inputs, MAX_FITTED_ROWS)?;
        let nodes = self.plan.nodes.iter().enumerate();
        let fitted = nodes.filter(|(_, node)| node.stage.is_fitted());
        let fitted: Vec<usize> = fitted.map(|(index, _)| index).collect();
        let n_rows = values.len() / self.n_inputs();
        let block = Matrix::new(&values, [n_rows, self.n_inputs()]).into();
        for index in fitted {
            let mut cache = ForwardCache::new(self, n_rows);
            cache.start(&self.plan, n_rows, false);
            (0..index)
                .for_each(|earlier| self.infer_stage(0, earlier, &block, &mut cache, threads));
            let node = &self.plan.nodes[index];
            let values = match node.input {
                0 => &values,
                slot => cache.values(slot),
            };
            let statistics = &mut self.statistics[node.statistics.clone()];
            node.stage.fit(values, node.n_inputs, statistics);
        }
        Ok(())
    }

    /// Checks the rows, of which there must be at least one, and copies up to `max_rows` of
    /// them, evenly spaced.
    fn spaced_rows(&self, inputs: &Rows<'_, S>, max_rows: usize) -> Result<Vec<S>> {
        check_count("number of inputs", self.n_inputs(), inputs.n_columns())?;
        check_finite("input", inputs.as_slice(), inputs.n_columns())?;
        if inputs.n_rows() == 0 {
            return Err(Error::Empty);
        }
        let n_rows = inputs.n_rows().min(max_rows);
        let rows = (0..n_rows).map(|row| inputs.row(row * inputs.n_rows() / n_rows));
        Ok(rows.flatten().copied().collect())
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[Layer] {
        &self.plan.layers
    }

    /// The number of inputs and the layers, with default initialization.
    pub fn config(&self) -> NetworkConfig {
        NetworkConfig {
            n_inputs: self.n_inputs(),
            layers: self.layers().iter().map(Layer::config).collect(),
        }
    }

    /// Copies the parameters and the statistics of the first `n_layers` layers of another
    /// network, for transfer learning: the other layers keep their weights.
    ///
    /// ```
    /// use nn_core::{Activation, Network, NetworkConfig};
    ///
    /// let digits = NetworkConfig::new(64, [(32, Activation::Relu), (10, Activation::Softmax)]);
    /// let letters = NetworkConfig::new(64, [(32, Activation::Relu), (26, Activation::Softmax)]);
    /// let trained: Network = Network::new(&digits, 0)?;
    /// let mut network = Network::new(&letters, 1)?;
    /// network.copy_layers(&trained, 1)?;
    /// assert_eq!(network.weights(0), trained.weights(0));
    /// assert!(network.copy_layers(&trained, 2).is_err());
    /// # Ok::<(), nn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::Conflict`] if a network has fewer layers, or if these layers differ in
    /// anything but their dropout.
    pub fn copy_layers(&mut self, source: &Self, n_layers: usize) -> Result<()> {
        let layers = |network: &Self| {
            let layers = network.layers().iter().take(n_layers);
            let layers = layers.map(|layer| (layer.n_inputs, layer.config().without_dropout()));
            layers.collect::<Vec<_>>()
        };
        let own = layers(self);
        if own.len() < n_layers || own != layers(source) {
            return Err(Error::Conflict {
                what: format!("copying the first {n_layers} layers"),
                problem: "the networks have different layers".to_owned(),
            });
        }
        let Some(last) = self.plan.layers[..n_layers].last() else {
            return Ok(());
        };
        let (parameters, statistics) = (last.parameters().end, last.statistics().end);
        self.parameters[..parameters].copy_from_slice(&source.parameters[..parameters]);
        self.statistics[..statistics].copy_from_slice(&source.statistics[..statistics]);
        Ok(())
    }

    /// The stages of a layer, first to last.
    pub fn stages(&self, layer: usize) -> impl Iterator<Item = Stage> {
        let nodes = self.plan.nodes.iter();
        let these = nodes.filter(move |node| node.layer == layer);
        these.flat_map(|node| {
            let epilogue = node.epilogue.map(|activation| Activate(activation).into());
            std::iter::once(node.stage.clone()).chain(epilogue)
        })
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns `true` if a layer of the network has batch normalization.
    pub fn has_batch_norm(&self) -> bool {
        self.layers().iter().any(|layer| layer.batch_norm)
    }

    /// Number of inputs.
    pub fn n_inputs(&self) -> usize {
        self.plan.n_inputs()
    }

    /// Number of outputs.
    pub fn n_outputs(&self) -> usize {
        self.output_layer().n_outputs
    }

    /// The output layer, which is the last layer.
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn output_layer(&self) -> &Layer {
        self.layers().last().expect("a network has a layer")
    }

    /// All parameters, network by network and layer by layer: weights, biases, γ, β.
    pub fn parameters(&self) -> &[S] {
        &self.parameters
    }

    /// Mutable access to all parameters.
    pub fn parameters_mut(&mut self) -> &mut [S] {
        &mut self.parameters
    }

    /// The plan, and mutable access to all parameters.
    pub(crate) fn split_mut(&mut self) -> (&Plan, &mut [S]) {
        (&self.plan, &mut self.parameters)
    }

    /// Values that are computed from data and not trained, layer by layer: bin edges of
    /// embeddings, running mean and variance of batch normalization.
    pub fn statistics(&self) -> &[S] {
        &self.statistics
    }

    /// Mutable access to the [`statistics`](Self::statistics).
    pub fn statistics_mut(&mut self) -> &mut [S] {
        &mut self.statistics
    }

    /// Weights of a layer, `[n_inputs, n_outputs]`.
    ///
    /// # Panics
    /// Panics if the layer does not exist.
    pub fn weights(&self, layer: usize) -> Rows<'_, S> {
        self.plan.layers[layer].weights_of(&self.parameters)
    }

    /// Mutable weights of a layer, `[n_inputs, n_outputs]`, row-major.
    ///
    /// # Panics
    /// Panics if the layer does not exist.
    pub fn weights_mut(&mut self, layer: usize) -> &mut [S] {
        &mut self.parameters[self.plan.layers[layer].weights()]
    }

    /// Biases of a layer, `[n_outputs]`.
    ///
    /// # Panics
    /// Panics if the layer does not exist.
    pub fn bias(&self, layer: usize) -> &[S] {
        &self.parameters[self.plan.layers[layer].bias()]
    }

    /// Mutable biases of a layer, `[n_outputs]`.
    ///
    /// # Panics
    /// Panics if the layer does not exist.
    pub fn bias_mut(&mut self, layer: usize) -> &mut [S] {
        &mut self.parameters[self.plan.layers[layer].bias()]
    }

    /// The number of inputs and the width of each layer, as in `784-128-10`.
    pub fn widths(&self) -> Vec<usize> {
        std::iter::once(self.n_inputs())
            .chain(self.layers().iter().map(|layer| layer.n_outputs))
            .collect()
    }

    /// Copies the network without dropout.
    #[must_use]
    #[inline(never)]
    pub fn without_dropout(&self) -> Self {
        let layers = self.layers().iter();
        let layers: Vec<_> = layers.map(|it| it.config().without_dropout()).collect();
        Self {
            plan: Plan::new(self.n_inputs(), &layers),
            ..self.clone()
        }
    }

    /// The name of a parameter, such as `weights[3, 0]` (input 3, neuron 0).
    ///
    /// # Panics
    /// Panics if the parameter does not exist.
    pub fn parameter_name(&self, parameter: usize) -> String {
        let parameter = parameter % self.plan.n_parameters;
        let is_in = |node: &&Node| node.parameters.contains(&parameter);
        let node = self.plan.nodes.iter().find(is_in);
        let mut tensors = node.expect("the parameter exists").tensors();
        let (tensor, range) = tensors
            .find(|(tensor, range)| !tensor.is_statistic && range.contains(&parameter))
            .expect("the tensors of a stage hold its parameters");
        let place = parameter - range.start;
        match tensor.shape[..] {
            [_, n_columns] => {
                let (row, column) = (place / n_columns, place % n_columns);
                format!("{}[{row}, {column}]", tensor.label)
            }
            [_, n_rows, n_columns] => {
                let (row, column) = (place / n_columns, place % n_columns);
                let (matrix, row) = (row / n_rows, row % n_rows);
                format!("{}[{matrix}, {row}, {column}]", tensor.label)
            }
            _ => format!("{}[{place}]", tensor.label),
        }
    }

    /// Converts the network to a different floating-point type.
    pub fn cast<T: Scalar>(&self) -> Network<T> {
        let cast = |values: &[S]| {
            let mut cast = AlignedSlice::new(T::zero(), values.len());
            for (cast, value) in cast.iter_mut().zip(values) {
                *cast = T::from_f64(value.into_f64());
            }
            cast
        };
        Network {
            plan: self.plan.clone(),
            parameters: cast(&self.parameters),
            statistics: cast(&self.statistics),
            n_networks: self.n_networks,
            temperature: self.temperature,
        }
    }

    /// Computes the outputs for a batch; `cache` receives the activations of every
    /// layer.
    ///
    /// Inputs are not checked. NaN propagates to the outputs, but an infinite input may
    /// saturate a neuron and give finite outputs. [`predict`](Self::predict),
    /// [`Predictor`](crate::Predictor) and [`Samples`](crate::Samples) return an error for NaN
    /// and infinite inputs.
    ///
    /// # Shapes
    /// `inputs [batch, n_inputs]`; the outputs are `[batch, n_outputs]`.
    ///
    /// # Panics
    /// Panics if the batch does not have the network's number of inputs or has more
    /// rows than the cache, or if the cache was created for a network with other
    /// stages.
    pub fn forward<'i, 't>(
        &self,
        inputs: impl Into<Rows<'i, S>>,
        cache: &'t mut ForwardCache<S>,
        threads: &Threads,
    ) -> Rows<'t, S> {
        let inputs: Rows<'i, S> = inputs.into();
        self.infer(&inputs.matrix().into(), cache, threads);
        cache.outputs()
    }

    /// Panics under the same conditions as [`forward`](Self::forward).
    #[inline(never)]
    pub(crate) fn infer(
        &self,
        inputs: &LayerInputs<'_, S>,
        cache: &mut ForwardCache<S>,
        threads: &Threads,
    ) {
        cache.start(&self.plan, inputs.n_rows(), false);
        cache.start_combination();
        // The values of the first network stay in the cache.
        for network in (0..self.n_networks).rev() {
            for index in 0..self.plan.nodes.len() {
                self.infer_stage(network, index, inputs, cache, threads);
            }
            cache.add_to_combination();
        }
        cache.finish_combination();
    }

    /// Runs one stage of a network of the ensemble in inference.
    fn infer_stage(
        &self,
        network: usize,
        index: usize,
        inputs: &LayerInputs<'_, S>,
        cache: &mut ForwardCache<S>,
        threads: &Threads,
    ) {
        let node = &self.plan.nodes[index];
        if !matches!(node.stage, Stage::Dropout(_)) {
            let parameters = &self.parameters[network * self.plan.n_parameters..];
            let statistics = &self.statistics[network * self.plan.n_statistics..];
            let mode = Mode::Inference(&statistics[node.statistics.clone()]);
            let stage = StageRows::all(index, inputs);
            cache.run(&self.plan, stage, parameters, mode, threads);
        }
    }

    /// Computes the output for one sample, in `cache`.
    ///
    /// The inputs are checked by the first weighted sum, which is faster than checking
    /// each: if x is NaN or infinite, so are x·w, for every w, and the sum. If a
    /// different stage comes first, each input is checked.
    pub(crate) fn infer_sample<'t>(
        &self,
        inputs: &[S],
        cache: &'t mut ForwardCache<S>,
        threads: &Threads,
    ) -> Result<&'t [S]> {
        check_count("number of inputs", self.n_inputs(), inputs.len())?;
        let row = Matrix::new(inputs, [1, inputs.len()]).into();
        if self.combines() {
            check_finite("input", inputs, inputs.len())?;
            self.infer(&row, cache, threads);
            return Ok(cache.layer(self.plan.layers.len() - 1).output_values());
        }
        cache.start(&self.plan, 1, false);
        let first = &self.plan.nodes[0];
        let mode = Mode::Inference(&self.statistics[first.statistics.clone()]);
        let stage = StageRows::all(0, &row);
        cache.run_stage(&self.plan, stage, &self.parameters, mode, threads);
        if !self.is_sum_finite(cache) {
            check_finite("input", inputs, inputs.len())?;
        }
        cache.activate(first, 0..1, threads);
        for index in 1..self.plan.nodes.len() {
            self.infer_stage(0, index, &row, cache, threads);
        }
        Ok(cache.layer(self.plan.layers.len() - 1).output_values())
    }

    /// Returns `true` if the first stage is dense and its first weighted sum is finite.
    fn is_sum_finite(&self, cache: &ForwardCache<S>) -> bool {
        let first = &self.plan.nodes[0];
        matches!(first.stage, Stage::Dense(_)) && cache.values(first.output)[0].is_finite()
    }

    /// Computes the prediction for one sample.
    ///
    /// A [`Predictor`](crate::predictor::Predictor) does the same without
    /// allocation; for many samples at once,
    /// [`predict_batch`](Self::predict_batch) is faster.
    ///
    /// # Shapes
    /// `inputs [n_inputs]`; the prediction is `[n_outputs]`.
    ///
    /// # Errors
    /// Returns [`Error::Shape`] for a sample of the wrong width, and [`Error::NotFinite`] for
    /// an input that is NaN or infinite.
    #[inline(never)]
    pub fn predict(&self, inputs: &[S]) -> Result<Vec<S>> {
        let mut cache = ForwardCache::new(self, 1);
        let outputs = self.infer_sample(inputs, &mut cache, &Threads::single())?;
        Ok(outputs.to_vec())
    }

    /// Computes the outputs for a batch in training mode.
    ///
    /// Like [`forward`](Self::forward), but batch normalization uses the mean and
    /// variance of the batch and updates its running averages, and dropout is applied.
    ///
    /// # Panics
    /// Panics under the same conditions as [`forward`](Self::forward).
    pub fn forward_in_training<'i, 't>(
        &mut self,
        inputs: impl Into<Rows<'i, S>>,
        cache: &'t mut ForwardCache<S>,
        randomness: Randomness,
        threads: &Threads,
    ) -> Rows<'t, S> {
        let inputs: Rows<'i, S> = inputs.into();
        self.forward_rows_in_training(&inputs, cache, randomness, threads);
        cache.outputs()
    }

    /// As [`forward_in_training`](Self::forward_in_training).
    #[inline(never)]
    pub(crate) fn forward_rows_in_training(
        &mut self,
        inputs: &Rows<'_, S>,
        cache: &mut ForwardCache<S>,
        randomness: Randomness,
        threads: &Threads,
    ) {
        self.forward_in_training_from(0, &inputs.matrix().into(), cache, randomness, threads);
    }

    /// As [`forward_in_training`](Self::forward_in_training), with `n_frozen` frozen
    /// layers, whose batch normalization uses its running averages.
    #[inline]
    pub(crate) fn forward_in_training_from(
        &mut self,
        n_frozen: usize,
        inputs: &LayerInputs<'_, S>,
        cache: &mut ForwardCache<S>,
        randomness: Randomness,
        threads: &Threads,
    ) {
        self.start_training_pass(inputs.n_rows(), cache);
        for index in 0..self.plan.nodes.len() {
            let stage = StageRows::all(index, inputs);
            self.train_stage(n_frozen, stage, cache, randomness, threads);
        }
    }

    /// Prepares a forward pass of `n_rows` rows in training mode.
    #[inline]
    pub(crate) fn start_training_pass(&self, n_rows: usize, cache: &mut ForwardCache<S>) {
        cache.start(&self.plan, n_rows, true);
    }

    /// Runs one stage of a forward pass in training mode.
    #[inline(always)]
    pub(crate) fn train_stage(
        &mut self,
        n_frozen: usize,
        stage: StageRows<'_, S>,
        cache: &mut ForwardCache<S>,
        randomness: Randomness,
        threads: &Threads,
    ) {
        let node = &self.plan.nodes[stage.index];
        let statistics = &mut self.statistics[node.statistics.clone()];
        let is_fixed = node.layer < n_frozen && !statistics.is_empty();
        let mode = if is_fixed {
            Mode::Inference(statistics)
        } else {
            Mode::Training {
                statistics,
                randomness,
                layer: node.layer,
            }
        };
        cache.run(&self.plan, stage, &self.parameters, mode, threads);
    }

    /// As [`forward_in_training`](Self::forward_in_training), for several threads at once.
    /// The network must have no batch normalization, which is the only stage that updates
    /// its statistics.
    #[inline]
    pub(crate) fn forward_in_shared_training(
        &self,
        inputs: &LayerInputs<'_, S>,
        cache: &mut ForwardCache<S>,
        randomness: Randomness,
        threads: &Threads,
    ) {
        debug_assert!(!self.has_batch_norm());
        cache.start(&self.plan, inputs.n_rows(), true);
        for (index, node) in self.plan.nodes.iter().enumerate() {
            let statistics = &self.statistics[node.statistics.clone()];
            let mode = if statistics.is_empty() {
                Mode::Training {
                    statistics: &mut [],
                    randomness,
                    layer: node.layer,
                }
            } else {
                Mode::Inference(statistics)
            };
            let stage = StageRows::all(index, inputs);
            cache.run(&self.plan, stage, &self.parameters, mode, threads);
        }
    }
}

impl<S: Scalar> ForwardCache<S> {
    /// Creates the buffers for batches of up to `max_rows` rows.
    #[inline(never)]
    pub fn new(network: &Network<S>, max_rows: usize) -> Self {
        let Layer {
            activation,
            n_outputs,
            ..
        } = *network.output_layer();
        let combination = network.combines().then(|| {
            let n_members = network.n_networks * network.plan.n_members;
            let temperature = network.temperature;
            Combination::new(activation, n_outputs, max_rows, n_members, temperature)
        });
        Self::for_plan(&network.plan, max_rows, combination)
    }
}
