//! One answer at a time, into a given slice, without allocation.

use nn_tensor::{Scalar, Threads};

use crate::network::{Network, Trace};
use crate::{Error, Result};

/// A network and the buffers for one sample.
///
/// The answers have the bits of [`Network::forward`]. For many samples,
/// `forward` is faster.
///
/// ```
/// use nn_core::{Activation, LayerConfig, Network, NetworkConfig, Predictor};
///
/// let layers = vec![
///     LayerConfig::new(128, Activation::Relu),
///     LayerConfig::new(10, Activation::Softmax),
/// ];
/// let network: Network = Network::new(&NetworkConfig { n_inputs: 784, layers }, 0)?;
/// let mut predictor = Predictor::new(&network);
/// let mut probabilities = [0.0; 10];
/// predictor.predict_into(&[0.5; 784], &mut probabilities)?;
/// assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-6);
/// # Ok::<(), nn_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Predictor<'n, S = f32> {
    network: &'n Network<S>,
    trace: Trace<S>,
    threads: Threads,
}

impl<'n, S: Scalar> Predictor<'n, S> {
    /// Makes the buffers.
    pub fn new(network: &'n Network<S>) -> Self {
        Self {
            network,
            trace: Trace::new(network, 1),
            threads: Threads::single(),
        }
    }

    /// The answer to one sample.
    ///
    /// # Shapes
    /// `inputs [n_inputs]`, `outputs [n_outputs]`.
    ///
    /// # Errors
    /// [`Error::Shape`] if a slice has another length, [`Error::NotFinite`] for
    /// an input that is NaN or infinite; `outputs` are left as they were then.
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn predict_into(&mut self, inputs: &[S], outputs: &mut [S]) -> Result<()> {
        if outputs.len() != self.network.n_outputs() {
            return Err(Error::Shape {
                what: "number of outputs",
                expected: self.network.n_outputs(),
                found: outputs.len(),
            });
        }
        let (network, threads) = (self.network, &self.threads);
        let answer = network.infer_sample(inputs, &mut self.trace, threads)?;
        outputs.copy_from_slice(answer.as_slice().expect("one row is contiguous"));
        Ok(())
    }
}
