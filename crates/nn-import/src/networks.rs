//! The networks of a computation: one, or those of an ensemble.

use std::mem::discriminant;

use nn_core::{Activation, Network};

use crate::chain::Chain;
use crate::error::{Error, Result};
use crate::step::{Affine, Step};

/// One network, or several networks with the same layers whose mean is the output.
#[derive(Clone, Debug)]
pub(crate) struct Networks {
    /// At least one.
    chains: Vec<Chain>,
    /// The logits of the outputs are divided by this number.
    temperature: f64,
}

/// Returns `true` if two computations have the same kinds of steps.
pub(crate) fn are_alike(a: &[Step], b: &[Step]) -> bool {
    let kinds = |steps: &[Step]| -> Vec<_> {
        let kinds = steps.iter().map(|step| discriminant(&step.kind));
        kinds.collect()
    };
    kinds(a) == kinds(b)
}

impl Networks {
    /// A single network.
    pub(crate) fn single(steps: Vec<Step>, n_inputs: Option<usize>) -> Result<Self> {
        Self::new(vec![steps], 1.0, n_inputs)
    }

    /// Checks and merges the steps of each network; `n_inputs` is the number of inputs, if the
    /// file states one.
    pub(crate) fn new(
        networks: Vec<Vec<Step>>,
        temperature: f64,
        n_inputs: Option<usize>,
    ) -> Result<Self> {
        let chains = networks
            .into_iter()
            .map(|steps| Chain::new(steps, n_inputs));
        let mut chains: Vec<Chain> = chains.collect::<Result<_>>()?;
        let input = chains[0].input.clone();
        if chains.iter().any(|chain| chain.input != input) {
            for chain in &mut chains {
                let input = std::mem::replace(&mut chain.input, Affine::identity());
                chain.merge_input(&input)?;
            }
        }
        Ok(Self {
            chains,
            temperature,
        })
    }

    /// Number of inputs.
    pub(crate) fn n_inputs(&self) -> usize {
        self.chains[0].n_inputs
    }

    /// The step before all others.
    pub(crate) fn input(&self) -> &Affine {
        &self.chains[0].input
    }

    /// The numbers in place of missing values, after that step.
    pub(crate) fn substitutes(&self) -> Option<&[f64]> {
        self.chains[0].substitutes.as_deref()
    }

    /// Merges a step on the inputs into the networks.
    pub(crate) fn merge_input(&mut self, affine: &Affine) -> Result<()> {
        let mut chains = self.chains.iter_mut();
        chains.try_for_each(|chain| chain.merge_input(affine))
    }

    /// Number of outputs.
    pub(crate) fn n_outputs(&self) -> usize {
        self.chains[0].n_outputs()
    }

    /// The activation function of the outputs.
    pub(crate) fn output_activation(&self) -> Activation {
        self.chains[0].output_activation()
    }

    /// Returns `true` if the outputs are a mean.
    pub(crate) fn is_mean(&self) -> bool {
        self.chains.len() * self.chains[0].n_members > 1
    }

    /// Appends an activation function to the outputs.
    pub(crate) fn activate_outputs(&mut self, activation: Activation) -> Result<()> {
        if self.is_mean() {
            let problem = "the outputs of the file are a mean of several members, which no \
                 activation function can follow";
            return Err(Error::option("output-activation", problem));
        }
        self.chains[0].activate_outputs(activation);
        Ok(())
    }

    /// Builds the network or the ensemble.
    pub(crate) fn network(&self) -> Result<Network> {
        let networks = self.chains.iter().map(Chain::network);
        let mut networks: Vec<Network> = networks.collect::<Result<_>>()?;
        let network = match networks.len() {
            1 => networks.remove(0),
            _ => Network::ensemble(&networks)?,
        };
        Ok(network.with_temperature(self.temperature)?)
    }
}
