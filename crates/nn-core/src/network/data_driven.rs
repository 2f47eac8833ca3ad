//! Data-driven initial values: the weighted sums of every neuron have variance 1 on the
//! training inputs (Holzmüller et al. 2024, "Better by Default", RealMLP).
//!
//! Layer by layer, for every neuron j, with the sums over the rows r of the data:
//!
//! ```text
//! W·ⱼ ← W·ⱼ / std(Σᵢ xᵢ·Wᵢⱼ)
//! bⱼ  ← −Σₖ vₖ·zⱼ(rₖ)          for 5 random rows rₖ, v = e/Σe, e from Exp(1)
//! ```
//!
//! So the hyperplane on which the sum of a neuron changes its sign goes through a random
//! point between rows of the data.

use nn_error::Result;
use nn_samples::Rows;
use nn_tensor::random::{Purpose, Stream, Streams};
use nn_tensor::{Matrix, Scalar, Threads};

use super::{ForwardCache, Network, StageRows};
use crate::layer::Layer;
use crate::stage::Stage;
use crate::stage::pass::Mode;

/// Maximum number of rows that determine the initial values.
const MAX_ROWS: usize = 4096;

/// Maximum number of rows times members that determine the initial values: each member of a network
/// has the rows with other factors.
const MAX_ROWS_OF_MEMBERS: usize = 1 << 14;

/// Number of rows that determine the initial values, if there are so many, whatever the number of
/// members.
const MIN_ROWS: usize = 256;

/// Number of rows whose convex combination determines a bias.
const BIAS_ROWS: usize = 5;

/// Index of the first random stream for data-driven initial values; others use the
/// streams below.
const FIRST_STREAM: u64 = 1 << 33;

impl<S: Scalar> Network<S> {
    /// Scales the weights of every neuron so that its weighted sum has variance 1 on the
    /// inputs, and draws its bias from the sums of random rows. A neuron whose sum is
    /// constant keeps its weights.
    ///
    /// The result depends only on the network, the inputs and `seed`. At most 4096 rows are
    /// used, evenly spaced; for a network with K members, at most 16384/K, but at least 256.
    ///
    /// ```
    /// use nn_core::{Activation, Network, NetworkConfig, Threads};
    ///
    /// let config = NetworkConfig::new(1, [(1, Activation::Identity)]);
    /// let mut network: Network = Network::new(&config, 0)?;
    /// network.initialize_sums_from(&[[0.0], [200.0]], 0, &Threads::single())?;
    /// assert_eq!(network.weights(0)[[0, 0]].abs(), 0.01);
    /// # Ok::<(), nn_core::Error>(())
    /// ```
    ///
    /// # Shapes
    /// `inputs [n_rows, n_inputs]`.
    ///
    /// # Errors
    /// Returns [`Error::Empty`](nn_error::Error::Empty) if there are no rows, [`Error::Shape`](nn_error::Error::Shape) for rows of the wrong
    /// width, and [`Error::NotFinite`](nn_error::Error::NotFinite) for an input that is NaN or infinite.
    pub fn initialize_sums_from<'a>(
        &mut self,
        inputs: impl Into<Rows<'a, S>>,
        seed: u64,
        threads: &Threads,
    ) -> Result<()>
    where
        S: 'a,
    {
        self.initialize_sums_from_rows(&inputs.into(), seed, threads)
    }

    /// As [`initialize_sums_from`](Self::initialize_sums_from).
    #[inline(never)]
    fn initialize_sums_from_rows(
        &mut self,
        inputs: &Rows<'_, S>,
        seed: u64,
        threads: &Threads,
    ) -> Result<()> {
        let of_members = (MAX_ROWS_OF_MEMBERS / self.n_shared_members()).max(MIN_ROWS);
        let values = self.spaced_rows(inputs, MAX_ROWS.min(of_members))?;
        let n_rows = values.len() / self.n_inputs();
        let block = Matrix::new(&values, [n_rows, self.n_inputs()]).into();
        let mut cache = ForwardCache::new(self, n_rows);
        cache.start(&self.plan, n_rows, false);
        for index in 0..self.plan.nodes.len() {
            if let Stage::Dense(_) | Stage::Heads(_) = self.plan.nodes[index].stage {
                let (layer, output) = (self.plan.nodes[index].layer, self.plan.nodes[index].output);
                self.bias_mut(layer).fill(S::zero());
                let mode = Mode::Inference(&[]);
                let stage = StageRows::all(index, &block);
                cache.run_stage(&self.plan, stage, &self.parameters, mode, threads);
                let sums = Rows::new(cache.values(output), self.bias(layer).len());
                let stream =
                    Streams::new(seed).stream(Purpose::Weights, FIRST_STREAM + layer as u64);
                self.initialize_layer(layer, &sums, stream);
            }
            self.infer_stage(0, index, &block, &mut cache, threads);
        }
        Ok(())
    }

    /// Scales the weights and draws the biases of a layer from its weighted sums without
    /// biases, `[n_rows, n_biases]`.
    fn initialize_layer(&mut self, layer: usize, sums: &Rows<'_, S>, mut stream: Stream) {
        let Layer {
            n_inputs,
            n_outputs,
            ..
        } = self.plan.layers[layer];
        for (column, std) in standard_deviations(sums).into_iter().enumerate() {
            let scale = if std > 0.0 { 1.0 / std } else { 1.0 };
            // An output layer of several members has a matrix per member.
            let (member, neuron) = (column / n_outputs, column % n_outputs);
            let n_weights = n_inputs * n_outputs;
            let weights = &mut self.weights_mut(layer)[member * n_weights..][..n_weights];
            let weights = weights.iter_mut().skip(neuron).step_by(n_outputs);
            weights.for_each(|weight| *weight = S::from_f64(weight.into_f64() * scale));
            let rows: [usize; BIAS_ROWS] =
                std::array::from_fn(|_| stream.below(sums.n_rows() as u32) as usize);
            let parts: [f64; BIAS_ROWS] = std::array::from_fn(|_| exponential(&mut stream));
            let products = rows.iter().zip(parts);
            let combined = products.map(|(&row, part)| part * sums.row(row)[column].into_f64());
            let combined = combined.sum::<f64>() / parts.iter().sum::<f64>();
            self.bias_mut(layer)[column] = S::from_f64(-combined * scale);
        }
    }
}

/// Draws a value from the distribution Exp(1): half the sum of the squares of two normally
/// distributed values.
fn exponential(stream: &mut Stream) -> f64 {
    (stream.normal().powi(2) + stream.normal().powi(2)) / 2.0
}

/// Population standard deviation of each column; 0 if it is a rounding error. The sums are read
/// row by row, because all of them do not fit into the cache.
fn standard_deviations<S: Scalar>(sums: &Rows<'_, S>) -> Vec<f64> {
    let means = column_means(sums, |_, sum| sum);
    let variances = column_means(sums, |column, sum| (sum - means[column]).powi(2));
    let std = |(variance, mean): (f64, &f64)| {
        let std = variance.sqrt();
        if std <= 1e-6 * mean.abs() { 0.0 } else { std }
    };
    variances.into_iter().zip(&means).map(std).collect()
}

/// The mean of a function of the column and the value over each column.
fn column_means<S: Scalar>(sums: &Rows<'_, S>, of: impl Fn(usize, f64) -> f64) -> Vec<f64> {
    let mut means = vec![0.0; sums.n_columns()];
    for row in 0..sums.n_rows() {
        let values = means.iter_mut().zip(sums.row(row)).enumerate();
        values.for_each(|(column, (sum, value))| *sum += of(column, value.into_f64()));
    }
    let n_rows = sums.n_rows() as f64;
    means.iter_mut().for_each(|sum| *sum /= n_rows);
    means
}
