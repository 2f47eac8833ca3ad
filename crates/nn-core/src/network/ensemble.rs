//! Ensembles: several networks with the same layers, whose predictions are averaged, and the
//! temperature of the outputs.

use nn_error::{Error, Result};
use nn_functions::Activation;
use nn_tensor::{AlignedSlice, Scalar};

use super::Network;
use crate::memory::{bytes_of, probe};

impl<S: Scalar> Network<S> {
    /// Creates an ensemble: a network whose prediction is the mean of the predictions of
    /// `networks` (Lakshminarayanan et al. 2017, section 2.4). For probabilities, this is the
    /// mean of the probabilities, not of the logits.
    ///
    /// ```
    /// use nn_core::{Activation, Network, NetworkConfig};
    ///
    /// let config = NetworkConfig::new(2, [(1, Activation::Identity)]);
    /// let networks: Vec<Network> =
    ///     (0..3).map(|seed| Network::new(&config, seed)).collect::<Result<_, _>>()?;
    /// let ensemble = Network::ensemble(&networks)?;
    ///
    /// let row = [0.5, -1.0];
    /// let outputs = networks.iter().map(|network| network.predict(&row));
    /// let sum: f32 = outputs.collect::<Result<Vec<_>, _>>()?.concat().iter().sum();
    /// assert!((ensemble.predict(&row)?[0] - sum / 3.0).abs() < 1e-6);
    /// # Ok::<(), nn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::Empty`] without networks, [`Error::Conflict`] if the networks differ in
    /// their layers, are ensembles, or have a temperature other than 1, and
    /// [`Error::OutOfMemory`] if the parameters cannot be allocated.
    #[inline(never)]
    pub fn ensemble(networks: &[Self]) -> Result<Self> {
        let Some(first) = networks.first() else {
            return Err(Error::Empty);
        };
        for (index, network) in networks.iter().enumerate() {
            let problem = if network.plan != first.plan {
                "its layers differ from the layers of network 1"
            } else if network.n_networks > 1 {
                "it is an ensemble"
            } else if network.temperature != 1.0 {
                "it has a temperature"
            } else {
                continue;
            };
            return Err(Error::Conflict {
                what: format!("network {} of the ensemble", index + 1),
                problem: problem.to_owned(),
            });
        }
        let n_values = first.plan.n_parameters + first.plan.n_statistics;
        probe(bytes_of::<S>(networks.len(), n_values))?;
        let joined = |values: fn(&Self) -> &[S]| {
            let all = networks.iter().flat_map(values);
            let n_values = networks.len() * values(first).len();
            let mut joined = AlignedSlice::new(S::zero(), n_values);
            joined
                .iter_mut()
                .zip(all)
                .for_each(|(to, &from)| *to = from);
            joined
        };
        Ok(Self {
            plan: first.plan.clone(),
            parameters: joined(Self::parameters),
            statistics: joined(Self::statistics),
            n_networks: networks.len(),
            temperature: 1.0,
        })
    }

    /// Number of networks of the ensemble; 1 for a single network.
    pub fn n_networks(&self) -> usize {
        self.n_networks
    }

    /// Number of members that share layers (see [`Members`](crate::stage::Members)); 1 for
    /// an ordinary network.
    pub fn n_shared_members(&self) -> usize {
        self.plan.n_members
    }

    /// Copies network `index` of the ensemble, counted from 0, without the temperature.
    ///
    /// # Panics
    /// Panics if the network does not exist.
    #[must_use]
    pub fn nth_network(&self, index: usize) -> Self {
        assert!(
            index < self.n_networks,
            "the ensemble has no network {index}"
        );
        let part = |values: &[S], len: usize| {
            let mut part = AlignedSlice::new(S::zero(), len);
            part.copy_from_slice(&values[index * len..][..len]);
            part
        };
        Self {
            plan: self.plan.clone(),
            parameters: part(&self.parameters, self.plan.n_parameters),
            statistics: part(&self.statistics, self.plan.n_statistics),
            n_networks: 1,
            temperature: 1.0,
        }
    }

    /// The temperature T: in inference, the outputs are φ(z/T) instead of φ(z). 1 for a
    /// network that was not calibrated.
    pub fn temperature(&self) -> f64 {
        self.temperature
    }

    /// Sets the [`temperature`](Self::temperature) (Guo et al. 2017, section 4.2). The
    /// predicted class stays the same; with T > 1, its probability becomes smaller.
    ///
    /// ```
    /// use nn_core::{Activation, Network, NetworkConfig};
    ///
    /// let config = NetworkConfig::new(1, [(1, Activation::Sigmoid)]);
    /// let mut network: Network = Network::zeros(&config)?;
    /// network.weights_mut(0)[0] = 9.0_f32.ln();
    /// let calibrated = network.with_temperature(2.0)?;
    /// assert!((calibrated.predict(&[1.0])?[0] - 0.75).abs() < 1e-6, "odds of 9 become 3");
    /// # Ok::<(), nn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::OutOfRange`] unless the temperature is a positive finite number, and
    /// [`Error::Conflict`] if the outputs are not probabilities (softmax or sigmoid).
    pub fn with_temperature(self, temperature: f64) -> Result<Self> {
        if !(temperature.is_finite() && temperature > 0.0) {
            return Err(Error::OutOfRange {
                what: "temperature".to_owned(),
                expected: "a number above 0".to_owned(),
                found: temperature.to_string(),
            });
        }
        let activation = self.output_layer().activation;
        if temperature != 1.0 && !matches!(activation, Activation::Softmax | Activation::Sigmoid) {
            return Err(Error::Conflict {
                what: "temperature".to_owned(),
                problem: format!("needs softmax or sigmoid in the output layer, not {activation}"),
            });
        }
        Ok(Self {
            temperature,
            ..self
        })
    }

    /// Returns the network with temperature 1.
    #[must_use]
    pub fn uncalibrated(self) -> Self {
        Self {
            temperature: 1.0,
            ..self
        }
    }

    /// Returns `true` if the outputs are combined from several members, or have a temperature.
    pub(super) fn combines(&self) -> bool {
        self.n_networks * self.plan.n_members > 1 || self.temperature != 1.0
    }

    /// Checks that the network is not an ensemble.
    pub(crate) fn check_trainable(&self) -> Result<()> {
        match self.n_networks {
            1 => Ok(()),
            n => Err(Error::Conflict {
                what: "network".to_owned(),
                problem: format!("expected a single network, found an ensemble of {n}"),
            }),
        }
    }
}
