//! Predictions for many rows at once, and predictions without allocation.
//!
//! [`Network::predict_batch`] allocates its result. A [`Predictor`] owns its buffers and a
//! handle to the network, so the threads of a service can share the weights. `predict_batch`
//! and a predictor give the same bits for each row as [`Network::forward`], no matter which
//! rows are computed together.

use std::sync::Arc;

use nn_error::{Error, Result, check_count};
use nn_samples::{Rows, check_finite};
use nn_tensor::{Matrix, Scalar, Threads};

use crate::network::{ForwardCache, Network};

/// Number of rows per block of a prediction.
pub(crate) const BLOCK_ROWS: usize = 512;

/// Minimum number of rows that a thread computes alone.
const MIN_PART_ROWS: usize = 32;

/// Minimum number of multiply-adds that a thread computes alone: waking it takes as long as
/// a part of them.
const MIN_PART_WORK: usize = 1 << 22;

/// Maximum number of threads that compute rows alone.
const MAX_PARTS: usize = 16;

/// The caches for predictions of up to `max_rows` rows, one per thread that computes rows
/// alone.
fn caches<S: Scalar>(
    network: &Network<S>,
    max_rows: usize,
    threads: &Threads,
) -> Vec<ForwardCache<S>> {
    let n_parts = threads.count().min(MAX_PARTS).min(max_rows / MIN_PART_ROWS);
    let cache = |_| ForwardCache::new(network, max_rows.clamp(1, BLOCK_ROWS));
    (0..n_parts.max(1)).map(cache).collect()
}

impl<S: Scalar> Network<S> {
    /// Computes the predictions for many rows.
    ///
    /// ```
    /// use nn_core::{Activation, LayerConfig, Network, NetworkConfig, Threads};
    ///
    /// let layers = vec![LayerConfig::new(3, Activation::Softmax)];
    /// let network: Network = Network::new(&NetworkConfig { n_inputs: 2, layers }, 0)?;
    /// let inputs = [[0.5, 1.0], [-1.0, 0.0], [2.0, 2.0]];
    /// let probabilities = network.predict_batch(&inputs, &Threads::single())?;
    /// assert_eq!(probabilities.shape(), [3, 3]);
    ///
    /// let wrong = [[0.0], [1.0]];
    /// let error = network.predict_batch(&wrong, &Threads::single()).unwrap_err();
    /// assert_eq!(error.to_string(), "number of inputs: expected 2, found 1");
    /// # Ok::<(), nn_core::Error>(())
    /// ```
    ///
    /// # Shapes
    /// `inputs [n_rows, n_inputs]`; the predictions are `[n_rows, n_outputs]`.
    ///
    /// # Errors
    /// Returns [`Error::Shape`] for rows of the wrong width, [`Error::NotFinite`] for an
    /// input that is NaN or infinite.
    pub fn predict_batch<'a>(
        &self,
        inputs: impl Into<Rows<'a, S>>,
        threads: &Threads,
    ) -> Result<Rows<'static, S>>
    where
        S: 'a,
    {
        self.predict_view(&inputs.into(), threads)
    }

    /// As [`predict_batch`](Self::predict_batch).
    #[inline(never)]
    pub(crate) fn predict_view(
        &self,
        inputs: &Rows<'_, S>,
        threads: &Threads,
    ) -> Result<Rows<'static, S>> {
        self.check_inputs(inputs)?;
        let mut outputs = vec![S::zero(); inputs.n_rows() * self.n_outputs()];
        let mut caches = caches(self, inputs.n_rows(), threads);
        self.infer_rows(inputs.as_slice(), &mut outputs, &mut caches, threads);
        Ok(Rows::new(outputs, self.n_outputs()))
    }

    /// Computes the outputs of many rows. With several caches, each thread computes its own
    /// rows; few rows are computed by all threads together.
    fn infer_rows(
        &self,
        inputs: &[S],
        outputs: &mut [S],
        caches: &mut [ForwardCache<S>],
        threads: &Threads,
    ) {
        let (n_inputs, n_outputs) = (self.n_inputs(), self.n_outputs());
        let n_rows = inputs.len() / n_inputs;
        let max_parts = n_rows.saturating_mul(self.parameters().len()) / MIN_PART_WORK;
        let n_parts = caches.len().min(n_rows / MIN_PART_ROWS).min(max_parts);
        if n_parts < 2 {
            return self.infer_blocks(inputs, outputs, &mut caches[0], threads);
        }
        let rows = n_rows.div_ceil(n_parts);
        let mut rows = inputs
            .chunks(rows * n_inputs)
            .zip(outputs.chunks_mut(rows * n_outputs))
            .zip(caches);
        let mut parts: [_; MAX_PARTS] = std::array::from_fn(|_| rows.next());
        threads.for_each(&mut parts, |_, part| {
            if let Some(((inputs, outputs), cache)) = part {
                self.infer_blocks(inputs, outputs, cache, &Threads::single());
            }
        });
    }

    /// Computes the outputs of many rows, one block at a time.
    fn infer_blocks(
        &self,
        inputs: &[S],
        outputs: &mut [S],
        cache: &mut ForwardCache<S>,
        threads: &Threads,
    ) {
        let (n_inputs, n_outputs) = (self.n_inputs(), self.n_outputs());
        let blocks = inputs.chunks(BLOCK_ROWS * n_inputs);
        let blocks = blocks.zip(outputs.chunks_mut(BLOCK_ROWS * n_outputs));
        for (inputs, outputs) in blocks {
            let inputs = Matrix::new(inputs, [inputs.len() / n_inputs, n_inputs]);
            self.infer(&inputs.into(), cache, threads);
            outputs.copy_from_slice(cache.outputs().as_slice());
        }
    }

    /// Checks that rows have the network's number of inputs and are finite.
    pub(crate) fn check_inputs(&self, inputs: &Rows<'_, S>) -> Result<()> {
        check_count("number of inputs", self.n_inputs(), inputs.n_columns())?;
        check_finite("input", inputs.as_slice(), inputs.n_columns())
    }
}

/// Predicts with a shared network and preallocated buffers.
///
/// A prediction neither allocates nor panics: invalid rows give an [`Error`]. Create one predictor
/// per thread, each with a clone of the [`Arc`]. The inputs must be preprocessed as in training. To
/// predict raw rows, create the predictor with the network that
/// [`Model::fold_preprocessing`](crate::Model::fold_preprocessing) returns.
///
/// ```
/// use std::sync::Arc;
///
/// use nn_core::{Activation, LayerConfig, Network, NetworkConfig, Predictor};
///
/// let layers = vec![
///     LayerConfig::new(128, Activation::Relu),
///     LayerConfig::new(10, Activation::Softmax),
/// ];
/// let network: Network = Network::new(&NetworkConfig { n_inputs: 784, layers }, 0)?;
/// let mut predictor = Predictor::new(Arc::new(network), 64);
///
/// let mut probabilities = [0.0; 10];
/// predictor.predict_into(&[0.5; 784], &mut probabilities)?;
/// assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-6);
///
/// let mut of_three = [0.0; 3 * 10];
/// predictor.predict_into(&[0.5; 3 * 784], &mut of_three)?;
/// assert_eq!(of_three[20..], probabilities);
///
/// let error = predictor.predict_into(&[f32::NAN; 784], &mut probabilities).unwrap_err();
/// assert_eq!(error.to_string(), "input 0 of sample 0 is NaN; expected a finite number");
/// # Ok::<(), nn_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Predictor<S = f32> {
    network: Arc<Network<S>>,
    max_rows: usize,
    caches: Vec<ForwardCache<S>>,
    threads: Threads,
}

impl<S: Scalar> Predictor<S> {
    /// Creates a predictor with buffers for up to `max_rows` rows, at least one.
    ///
    /// Larger buffers do not make the prediction of a single row slower.
    pub fn new(network: Arc<Network<S>>, max_rows: usize) -> Self {
        let max_rows = max_rows.max(1);
        let threads = Threads::single();
        Self {
            caches: caches(&network, max_rows, &threads),
            network,
            max_rows,
            threads,
        }
    }

    /// Sets the threads for predictions; the default is the calling thread only.
    #[must_use]
    pub fn with_threads(self, threads: Threads) -> Self {
        Self {
            caches: caches(&self.network, self.max_rows, &threads),
            threads,
            ..self
        }
    }

    /// The network that computes the predictions.
    pub fn network(&self) -> &Arc<Network<S>> {
        &self.network
    }

    /// The maximum number of rows per call.
    pub fn max_rows(&self) -> usize {
        self.max_rows
    }

    /// Predicts the rows in `inputs`, at least one and at most `max_rows`.
    ///
    /// # Shapes
    /// `inputs [n_rows, n_inputs]`, `outputs [n_rows, n_outputs]`, row-major.
    ///
    /// # Errors
    /// Returns [`Error::Empty`] if there are no rows, [`Error::Shape`] for a slice of the
    /// wrong length and for more rows than `max_rows`, and [`Error::NotFinite`] for an input
    /// that is NaN or infinite. On an error, `outputs` is not changed.
    #[inline(never)]
    pub fn predict_into(&mut self, inputs: &[S], outputs: &mut [S]) -> Result<()> {
        let (network, threads) = (&*self.network, &self.threads);
        let (n_inputs, n_outputs) = (network.n_inputs(), network.n_outputs());
        if inputs.len() == n_inputs {
            check_count("number of outputs", n_outputs, outputs.len())?;
            let found = network.infer_sample(inputs, &mut self.caches[0], threads)?;
            outputs.copy_from_slice(found);
            return Ok(());
        }
        let n_rows = rows_in(inputs.len(), n_inputs, self.max_rows)?;
        check_count("number of outputs", n_rows * n_outputs, outputs.len())?;
        check_finite("input", inputs, n_inputs)?;
        network.infer_rows(inputs, outputs, &mut self.caches, threads);
        Ok(())
    }
}

/// Number of rows in a slice of `len` values.
fn rows_in(len: usize, n_inputs: usize, max_rows: usize) -> Result<usize> {
    let n_rows = len / n_inputs;
    if len == 0 {
        Err(Error::Empty)
    } else if n_rows == 0 || max_rows == 1 && !len.is_multiple_of(n_inputs) {
        Err(shape("number of inputs", n_inputs, len))
    } else if !len.is_multiple_of(n_inputs) {
        let rest = len - n_rows * n_inputs;
        Err(shape("number of inputs of the last row", n_inputs, rest))
    } else if n_rows > max_rows {
        Err(shape("maximum number of rows", max_rows, n_rows))
    } else {
        Ok(n_rows)
    }
}

fn shape(what: &'static str, expected: usize, found: usize) -> Error {
    Error::Shape {
        what,
        expected,
        found,
    }
}
