//! The state of a training run: everything, besides the configuration and the data, that is
//! needed to resume the run without changing its result.
//!
//! Random streams are functions of the seed and the position, and the order of the
//! samples is a function of the seed and the epoch, so neither is stored.

use nn_error::{Error, Result};
use nn_functions::optimizer::OptimizerState;
use nn_functions::schedule::Plateau;
use nn_samples::Samples;
use nn_tensor::Scalar;

use super::Trainer;
use super::progress::{Best, Progress, first_not_finite};
use crate::memory::bytes_of;

/// A copy of everything that a step or an epoch changes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State<S> {
    pub(crate) progress: Progress,
    pub(crate) plateau: Plateau,
    pub(crate) best_value: f64,
    pub(crate) best_waited: usize,
    pub(crate) optimizer_steps: u64,
    /// Whether steps are applied to the parameters without storing the gradient.
    pub(crate) descends: bool,
    pub(crate) buffers: StateBuffers<S>,
}

/// The buffers of a [`State`], each a copy of one of the trainer's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StateBuffers<S> {
    pub(crate) parameters: Vec<S>,
    pub(crate) statistics: Vec<S>,
    pub(crate) slots: [Vec<S>; 2],
    pub(crate) average: Vec<S>,
    pub(crate) best_parameters: Vec<S>,
    pub(crate) best_statistics: Vec<S>,
}

impl<S> StateBuffers<S> {
    /// The buffers with their names in a checkpoint.
    pub(crate) fn named(&self) -> [(&'static str, &Vec<S>); 7] {
        let [first, second] = &self.slots;
        [
            ("parameters", &self.parameters),
            ("statistics", &self.statistics),
            ("optimizer.first", first),
            ("optimizer.second", second),
            ("average", &self.average),
            ("best.parameters", &self.best_parameters),
            ("best.statistics", &self.best_statistics),
        ]
    }
}

impl<S: Scalar> Trainer<'_, S> {
    /// The digests of the training and the validation samples, computed once
    /// because the samples do not change.
    pub(crate) fn sample_digests(
        &self,
        digest: impl Fn(&Samples<'_, S>) -> Result<String>,
    ) -> Result<&[String; 2]> {
        if let Some(digests) = self.digests.get() {
            return Ok(digests);
        }
        let validation = match &self.validation {
            Some(validation) => digest(validation)?,
            None => "none".to_owned(),
        };
        let digests = [digest(&self.train)?, validation];
        Ok(self.digests.get_or_init(|| digests))
    }

    /// Returns `true` if the inputs change from epoch to epoch.
    pub(crate) fn is_augmented(&self) -> bool {
        self.buffers.workspaces[0].inputs.is_augmented()
    }

    /// R, the number of rows per block of the gradient sum, if the configuration does not
    /// set it.
    pub(crate) fn chosen_sum_rows(&self) -> Option<usize> {
        self.sum_rows
            .filter(|_| self.config.summation_rows().is_none())
    }

    /// The number of bytes of a copy of the state.
    pub(crate) fn state_bytes(&self) -> u64 {
        let [first, second] = self.optimizer.slots();
        let best = self.best.network.as_ref();
        let best = best.map_or(0, |n| n.parameters().len() + n.statistics().len());
        let network = self.network.parameters().len() + self.network.statistics().len();
        let n_values = network + first.len() + second.len() + self.average.len() + best;
        bytes_of::<S>(1, n_values)
    }

    /// The state of the optimizer, to continue from the state of a different training run.
    pub(crate) fn optimizer_mut(&mut self) -> &mut OptimizerState<S> {
        &mut self.optimizer
    }

    /// Copies the state.
    pub(crate) fn copy_state(&self) -> State<S> {
        let best = self.best.network.as_ref();
        let [first, second] = self.optimizer.slots();
        State {
            progress: self.progress,
            plateau: self.plateau,
            best_value: self.best.value,
            best_waited: self.best.waited,
            optimizer_steps: self.optimizer.steps(),
            descends: self.descends,
            buffers: StateBuffers {
                parameters: self.network.parameters().to_vec(),
                statistics: self.network.statistics().to_vec(),
                slots: [first.to_vec(), second.to_vec()],
                average: self.average.to_vec(),
                best_parameters: best.map_or_else(Vec::new, |n| n.parameters().to_vec()),
                best_statistics: best.map_or_else(Vec::new, |n| n.statistics().to_vec()),
            },
        }
    }

    /// Restores `state`, or leaves the trainer unchanged if the state cannot belong
    /// to this training run.
    pub(crate) fn set_state(&mut self, state: &State<S>) -> Result<()> {
        self.check_lengths(state)?;
        self.check_progress(state)?;
        let State { buffers, .. } = state;
        self.progress = state.progress;
        self.plateau = state.plateau;
        self.network
            .parameters_mut()
            .copy_from_slice(&buffers.parameters);
        self.network
            .statistics_mut()
            .copy_from_slice(&buffers.statistics);
        let [first, second] = &buffers.slots;
        self.optimizer
            .restore(state.optimizer_steps, [first, second]);
        self.average.copy_from_slice(&buffers.average);
        let has_best = !buffers.best_parameters.is_empty();
        self.best = Best {
            value: state.best_value,
            waited: state.best_waited,
            network: has_best.then(|| {
                let mut best = self.network.clone();
                best.parameters_mut()
                    .copy_from_slice(&buffers.best_parameters);
                best.statistics_mut()
                    .copy_from_slice(&buffers.best_statistics);
                best
            }),
        };
        self.descends = state.descends;
        if let Some(division) = &mut self.division {
            division.note_complete_state();
        }
        self.order_samples();
        Ok(())
    }

    /// Checks that parameters, running averages and optimizer state are finite.
    pub(crate) fn check_state(&self) -> Result<()> {
        for (index, layer) in self.network.layers().iter().enumerate() {
            let parameters = &self.network.parameters()[layer.parameters()];
            if let Some(bad) = first_not_finite(parameters) {
                return Err(self.diverged("weight", bad, index));
            }
            let statistics = &self.network.statistics()[layer.statistics()];
            if let Some(bad) = first_not_finite(statistics) {
                return Err(self.diverged("running average", bad, index));
            }
            for slot in self.optimizer.slots() {
                let range = layer.parameters();
                if let Some(bad) = slot.get(range).and_then(first_not_finite) {
                    return Err(self.diverged("state of the optimizer", bad, index));
                }
            }
        }
        Ok(())
    }

    fn check_lengths(&self, state: &State<S>) -> Result<()> {
        let (n_parameters, n_statistics) = (
            self.network.parameters().len(),
            self.network.statistics().len(),
        );
        let has_best = self.config.patience > 0 && state.best_value.is_finite();
        let of_best = |n: usize| if has_best { n } else { 0 };
        let [first, second] = self.optimizer.slots();
        let expected = [
            n_parameters,
            n_statistics,
            first.len(),
            second.len(),
            self.average.len(),
            of_best(n_parameters),
            of_best(n_statistics),
        ];
        for ((name, buffer), expected) in state.buffers.named().into_iter().zip(expected) {
            if buffer.len() != expected {
                return Err(Error::ModelFile {
                    problem: format!(
                        "tensor {name}: expected {expected} elements, found {}",
                        buffer.len()
                    ),
                });
            }
        }
        Ok(())
    }

    fn check_progress(&self, state: &State<S>) -> Result<()> {
        let progress = state.progress;
        let n_batches = self.n_batches();
        let is_place = progress.epoch <= self.config.epochs
            && progress.batch <= n_batches
            && (progress.epoch as u64)
                .checked_mul(n_batches as u64)
                .and_then(|steps| steps.checked_add(progress.batch as u64))
                .and_then(|steps| steps.checked_add(progress.n_streamed_steps))
                .is_some_and(|steps| {
                    // After the last epoch, its batches are still counted.
                    steps == progress.step
                        || progress.is_done && steps == progress.step + n_batches as u64
                });
        let is_stopped = self.config.patience > 0 && state.best_waited >= self.config.patience;
        let is_done = is_stopped || progress.epoch == self.config.epochs || n_batches == 0;
        let rates = [progress.last_rate, state.plateau.factor];
        let is_possible = is_place
            && progress.is_done == is_done
            && progress
                .sums
                .is_possible(self.train.len() * self.network.plan().n_members)
            && rates.iter().all(|rate| rate.is_finite() && *rate >= 0.0)
            && progress.learning_rate.is_finite()
            && progress.learning_rate > 0.0
            && state.optimizer_steps <= progress.step
            && state.best_waited <= progress.epoch
            && state.plateau.waited <= progress.epoch as u64
            && (self.descends || !state.descends);
        if is_possible {
            return Ok(());
        }
        Err(Error::ModelFile {
            problem: format!(
                "impossible position: epoch {}, batch {} of {n_batches}, step {}",
                progress.epoch, progress.batch, progress.step
            ),
        })
    }
}
