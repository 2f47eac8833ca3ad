//! A training step: the gradient of a batch, then the update of the parameters.
//!
//! Between gradient and update, the caller can read the gradient, change it, or sum it
//! over several machines.

use std::ops::Range;

use nn_error::{Error, Result};
use nn_functions::Regularization;
use nn_functions::loss::clamp;
use nn_functions::optimizer::StepRates;
use nn_functions::schedule::{Position, Schedule};
use nn_samples::Samples;
use nn_tensor::Scalar;
use nn_tensor::function::{flush, flushed, update_averages};
use nn_tensor::reduce::sum_of_squares;

use super::block_pass::{PassNetwork, Source, StepPass, SubtreeRows};
use super::division::SubtreeSums;
use super::gradient_sum::{MAX_SUBTREES, Subtrees, join, join_all_parameters};
use super::progress::{EpochSums, Pending, first_not_finite};
use super::{BatchReport, Buffers, Reduction, Trainer};
use crate::layer::Layer;
use crate::network::{Network, Node};
use crate::stage::Stage;

/// The loss of a batch whose gradient was computed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BatchLoss {
    /// Number of rows.
    pub n_samples: usize,
    /// Sum of the rows' weights.
    pub weight: f64,
    /// Weighted mean of the rows' losses.
    pub loss: f64,
}

impl BatchLoss {
    fn new(n_samples: usize, sums: EpochSums) -> Self {
        Self {
            n_samples,
            weight: sums.weight,
            loss: sums.loss(),
        }
    }
}

impl<S: Scalar> Trainer<'_, S> {
    /// Computes the gradient of the next batch, the first half of a step: forward
    /// pass, loss and backward pass.
    ///
    /// The gradient is one slice, [`gradient_values`](Self::gradient_values), which can be
    /// changed before [`step`](Self::step), the second half, uses it. The result is `None`
    /// after the last batch of an epoch; the next call of [`advance`](Self::advance) then ends
    /// the epoch.
    ///
    /// [`advance`](Self::advance) computes the gradient and applies the update. With plain gradient
    /// descent, the parameters are updated during the backward pass, which is faster and differs by
    /// rounding errors.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use nn_core::batches::{Inputs, Samples, Targets};
    /// # use nn_core::{Activation, LayerConfig, Loss, Network, NetworkConfig, Optimizer};
    /// # use nn_core::{Threads, Trainer, TrainingConfig};
    /// # let inputs = array![[0.0_f32, 1.0], [1.0, 0.0], [1.0, 1.0]];
    /// # let targets = Targets::classes(&[1, 0, 1], 2);
    /// # let samples = Samples::new(Inputs::values(inputs.view()), targets)?;
    /// # let layers = vec![LayerConfig::new(2, Activation::Softmax)];
    /// # let network = Network::new(&NetworkConfig { n_inputs: 2, layers }, 0)?;
    /// # let config = TrainingConfig::new(Loss::CrossEntropy, Optimizer::Sgd);
    /// let mut trainer = Trainer::new(network, samples, None, config, Threads::single())?;
    /// while trainer.gradient()?.is_some() {
    ///     for value in trainer.gradient_values_mut() {
    ///         *value = value.clamp(-1.0, 1.0);
    ///     }
    ///     let report = trainer.step()?;
    ///     assert!(report.loss.is_finite());
    /// }
    /// # Ok::<(), nn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::Diverged`] if the loss or the gradient is NaN or infinite, and
    /// [`Error::Conflict`] if no step has used the previous gradient, or several processes
    /// share the training run.
    #[inline(never)]
    pub fn gradient(&mut self) -> Result<Option<BatchLoss>> {
        if self.progress.is_done || self.progress.batch == self.n_batches() {
            return Ok(None);
        }
        if self.pending.is_some() {
            return Err(out_of_turn("gradient", "call `step` first"));
        }
        self.check_undivided("gradient")?;
        let pending = self.sum_gradient()?;
        self.join_gradient(pending.n_samples);
        self.pending = Some(pending);
        Ok(Some(BatchLoss::new(pending.n_samples, pending.sums)))
    }

    /// The gradient with respect to all parameters, from the last call of
    /// [`gradient`](Self::gradient), laid out like [`Network::parameters`].
    pub fn gradient_values(&self) -> &[S] {
        self.buffers.workspaces[0].gradients.values()
    }

    /// Mutable access to the gradient, before [`step`](Self::step) uses it.
    pub fn gradient_values_mut(&mut self) -> &mut [S] {
        self.buffers.workspaces[0].gradients.values_mut()
    }

    /// Updates the parameters, the second half of a step: regularization, clipping,
    /// and the optimizer's update with the scheduled learning rate.
    ///
    /// # Errors
    /// Returns [`Error::Conflict`] if [`gradient`](Self::gradient) was not called
    /// first.
    #[inline(never)]
    pub fn step(&mut self) -> Result<BatchReport> {
        let pending = self.pending.take();
        let pending = pending.ok_or_else(|| out_of_turn("step", "call `gradient` first"))?;
        self.regularize_gradient();
        self.update_parameters(None);
        Ok(self.finish_step(pending))
    }

    /// Checks that no gradient is pending, because a checkpoint does not contain it.
    pub(crate) fn check_no_pending_gradient(&self) -> Result<()> {
        match self.pending {
            None => Ok(()),
            Some(_) => Err(out_of_turn("checkpoint", "call `step` first")),
        }
    }

    /// Takes one step on samples that the caller supplies, such as a batch from a stream
    /// (online learning).
    ///
    /// The step does not count as part of an epoch. Weights are not divided by their
    /// mean, which is not known for a stream: gradient = (1/B) Σ wᵢ·gᵢ.
    ///
    /// ```
    /// use ndarray::array;
    /// use nn_core::batches::{Inputs, Samples, Targets};
    /// use nn_core::{Activation, LayerConfig, Loss, Network, NetworkConfig};
    /// use nn_core::{Optimizer, Threads, Trainer, TrainingConfig};
    ///
    /// let layers = vec![LayerConfig::new(1, Activation::Identity)];
    /// let network = Network::<f64>::new(&NetworkConfig { n_inputs: 1, layers }, 0)?;
    /// let config = TrainingConfig::new(Loss::Mse, Optimizer::Sgd);
    /// let mut trainer = Trainer::online(network, config, Threads::single())?;
    /// for step in 0..500 {
    ///     let x = f64::from(step % 7) - 3.0;
    ///     let (inputs, targets) = (array![[x]], array![[2.0 * x + 1.0]]);
    ///     let targets = Targets::values(targets.view());
    ///     trainer.step_on(&Samples::new(Inputs::values(inputs.view()), targets)?)?;
    /// }
    /// let output = trainer.network().predict(&[10.0])?;
    /// assert!((output[0] - 21.0).abs() < 1e-6);
    /// # Ok::<(), nn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::Shape`] or [`Error::Empty`] for samples that do not match the
    /// network, [`Error::Conflict`] for a single sample with batch normalization, if a
    /// gradient has not been used by [`step`](Self::step) yet or if several processes share
    /// the training run, and [`Error::Diverged`] if
    /// the loss or the gradient is NaN or infinite.
    #[inline(never)]
    pub fn step_on(&mut self, samples: &Samples<'_, S>) -> Result<BatchLoss> {
        samples.check_fit(self.network.n_inputs(), self.network.n_outputs())?;
        self.check_no_pending_gradient()?;
        self.check_undivided("step on samples of the caller")?;
        self.config
            .check_batches(self.network.has_batch_norm(), samples.len())?;
        self.buffers.fit_streamed(&self.network, samples.len());
        self.progress.last_rate = self.next_learning_rate();
        let rows = 0..samples.len();
        let n_samples = samples.len();
        let scale = match self.config.reduction {
            Reduction::Sum => S::one(),
            Reduction::Mean => S::from_f64(1.0 / n_samples as f64),
        };
        let sums = self.forward_and_backward(Some(samples), rows, scale, false)?;
        self.check_gradient(false, None)?;
        self.regularize_gradient();
        self.update_parameters(None);
        self.regularize_parameters();
        self.progress.step += 1;
        self.progress.n_streamed_steps += 1;
        Ok(BatchLoss::new(n_samples, sums))
    }

    /// Trains on the next batch of the epoch.
    pub(super) fn train_batch(&mut self) -> Result<BatchReport> {
        if self.pending.is_some() {
            return self.step();
        }
        if !self.descends {
            let pending = self.sum_gradient()?;
            if self.regularizes_gradient() {
                self.join_gradient(pending.n_samples);
                self.complete_gradient()?;
                self.regularize_gradient();
                self.update_parameters(None);
            } else {
                self.update_parameters(Some(pending.n_samples));
            }
            self.complete_parameters()?;
            return Ok(self.finish_step(pending));
        }
        let rows = self.partition.rows(self.progress.batch);
        self.progress.last_rate = self.next_learning_rate();
        let n_samples = rows.len();
        let scale = self.gradient_scale(n_samples) * S::from_f64(-self.progress.last_rate);
        let sums = self.forward_and_backward(None, rows, scale, true)?;
        self.check_gradient(true, None)?;
        self.complete_parameters()?;
        Ok(self.finish_step(Pending { n_samples, sums }))
    }

    /// Gathers the gradient, if several processes computed it and the update needs all of it.
    fn complete_gradient(&mut self) -> Result<()> {
        match &mut self.division {
            Some(division) if self.sum_rows.is_none() && !division.divides_update() => {
                let plan = self.network.plan();
                let first = plan.first_trained(self.config.frozen_layers);
                let gradient = self.buffers.workspaces[0].gradients.values_mut();
                division.complete_parameters(plan, first, gradient)
            }
            _ => Ok(()),
        }
    }

    /// Gathers the parameters, if several processes updated them.
    #[inline]
    fn complete_parameters(&mut self) -> Result<()> {
        match &mut self.division {
            Some(division) if division.divides_update() => {
                let (plan, parameters) = self.network.split_mut();
                let first = plan.first_trained(self.config.frozen_layers);
                division.complete_parameters(plan, first, parameters)?;
                division.note_update();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Computes the gradient of the next batch, except for the sum of its subtrees.
    fn sum_gradient(&mut self) -> Result<Pending> {
        let rows = self.partition.rows(self.progress.batch);
        self.progress.last_rate = self.next_learning_rate();
        let n_samples = rows.len();
        let scale = self.gradient_scale(n_samples);
        let sums = self.forward_and_backward(None, rows, scale, false)?;
        self.check_gradient(false, Some(n_samples))?;
        Ok(Pending { n_samples, sums })
    }

    /// Sums the subtrees of a batch of `n_rows` rows, if there are any.
    fn join_gradient(&mut self, n_rows: usize) {
        let Some(n_sums) = self.n_sums(n_rows) else {
            return;
        };
        let Buffers {
            workspaces, sums, ..
        } = &mut self.buffers;
        let gradient = workspaces[0].gradients.values_mut();
        join_all_parameters(&sums[..n_sums], gradient, &self.threads);
    }

    /// The subtrees of a batch of `n_rows` rows, if gradients are summed in blocks.
    fn subtrees(&self, n_rows: usize) -> Option<Subtrees> {
        self.sum_rows
            .map(|block_rows| Subtrees { n_rows, block_rows })
    }

    /// Number of sums whose total is the gradient of a batch of `n_rows` rows, if gradients
    /// are summed in blocks.
    fn n_sums(&self, n_rows: usize) -> Option<usize> {
        let n_subtrees = self.subtrees(n_rows)?.count();
        Some(match &self.division {
            None => n_subtrees,
            Some(division) => division.n_sums(n_subtrees),
        })
    }

    #[inline]
    fn finish_step(&mut self, pending: Pending) -> BatchReport {
        let Pending { n_samples, sums } = pending;
        self.regularize_parameters();
        self.progress.sums.add(sums);
        self.progress.batch += 1;
        self.progress.step += 1;
        BatchReport {
            epoch: self.progress.epoch + 1,
            batch: self.progress.batch,
            n_batches: self.n_batches(),
            n_samples,
            loss: sums.loss(),
            epoch_loss: self.progress.sums.loss(),
            epoch_accuracy: self.accuracy(self.progress.sums),
            learning_rate: self.progress.last_rate,
        }
    }

    /// Runs the forward and backward pass for some rows, in the order of
    /// [`gradient_sum`](super::gradient_sum).
    fn forward_and_backward(
        &mut self,
        streamed: Option<&Samples<'_, S>>,
        rows: Range<usize>,
        scale: S,
        descends: bool,
    ) -> Result<EpochSums> {
        let dropout_factor = self.scheduled(self.config.dropout_schedule);
        let n_batches = self.n_batches();
        let subtrees = self.subtrees(rows.len());
        let (order, rows) = match streamed {
            None => self.order.around(rows, &self.train),
            Some(_) => (&[][..], rows),
        };
        let Buffers {
            block_rows,
            workspaces,
            streamed: streamed_rows,
            sums,
            ..
        } = &mut self.buffers;
        let pass = StepPass {
            config: &self.config,
            criterion: &self.criterion,
            class_weights: self.class_weights.as_deref(),
            train: &self.train,
            order,
            progress: &self.progress,
            n_batches,
            block_rows: *block_rows,
            dropout_factor,
            scale,
            threads: &self.threads,
        };
        match (streamed, subtrees) {
            (None, Some(subtrees)) => {
                let sums = &mut sums[..subtrees.count()];
                let mut losses = [EpochSums::default(); MAX_SUBTREES];
                let losses = &mut losses[..sums.len()];
                let own = match &self.division {
                    None => 0..sums.len(),
                    Some(division) => division.subtrees(sums.len()),
                };
                let rows = SubtreeRows {
                    first_row: rows.start,
                    subtrees,
                    first: own.start,
                };
                let (own_sums, own_losses) = (&mut sums[own.clone()], &mut losses[own]);
                let outcome = pass.subtrees(&self.network, workspaces, &rows, own_sums, own_losses);
                match &mut self.division {
                    None => outcome?,
                    Some(division) => {
                        let sums = SubtreeSums {
                            subtrees,
                            sums,
                            losses,
                            gradient: workspaces[0].gradients.buffer_mut(),
                            threads: &self.threads,
                        };
                        let failure = division.complete_subtrees(sums, failure(outcome)?)?;
                        if let Some((value, layer)) = failure {
                            return Err(self.progress.diverged(n_batches, "loss", value, layer));
                        }
                    }
                }
                let mut total = EpochSums::default();
                losses.iter().for_each(|&loss| total.add(loss));
                Ok(total)
            }
            (streamed, _) => {
                let source = match streamed {
                    None => Source::Epoch,
                    Some(samples) => Source::Streamed(samples, streamed_rows),
                };
                let network = PassNetwork::Owned {
                    network: &mut self.network,
                    descends,
                    division: self.division.as_deref_mut(),
                };
                pass.chain(&mut workspaces[0], source, network, rows, 0)
            }
        }
    }

    /// The factor on the gradient of every row, in addition to the row's weight:
    ///
    /// ```text
    /// mean   1/(B·w̄)     B: rows of the batch, w̄ = Σ w/n over all n training rows
    /// sum    1
    /// ```
    ///
    /// With Σ w of the batch as the divisor, weights would have no effect in a batch
    /// of one row, and too little effect in a small batch.
    fn gradient_scale(&self, n_rows: usize) -> S {
        let divisor = match (self.config.reduction, self.total_weight) {
            (Reduction::Sum, _) => 1.0,
            (Reduction::Mean, None) => n_rows as f64,
            (Reduction::Mean, Some(total)) => total * (n_rows as f64 / self.train.len() as f64),
        };
        S::from_f64(1.0 / divisor)
    }

    /// Returns `true` if [`regularize_gradient`](Self::regularize_gradient) changes the
    /// gradient, or the update needs all of it.
    fn regularizes_gradient(&self) -> bool {
        let config = &self.config;
        config.regularization != Regularization::default()
            || config.weight_decay > 0.0
            || config.clip_value.is_some()
            || config.clip_norm.is_some()
    }

    fn regularize_gradient(&mut self) {
        let first = self.first_trained_parameter();
        let decay = self.config.weight_decay * self.scheduled(self.config.weight_decay_schedule);
        let gradient = self.buffers.workspaces[0].gradients.values_mut();
        for layer in &self.network.layers()[self.config.frozen_layers..] {
            let weights = &self.network.parameters()[layer.weights()];
            self.config
                .regularization
                .add_gradient(weights, &mut gradient[layer.weights()]);
        }
        let gradient = &mut gradient[first..];
        if let Some(limit) = self.config.clip_value {
            let limit = S::from_f64(limit);
            gradient.iter_mut().for_each(|g| *g = clamp(*g, limit));
        }
        if let Some(limit) = self.config.clip_norm {
            let norm = sum_of_squares(gradient).sqrt();
            if norm > limit {
                let factor = S::from_f64(limit / norm);
                gradient.iter_mut().for_each(|g| *g *= factor);
            }
        }
        // As in PyTorch's optimizers: for all parameters, after clipping.
        let decay = Regularization { l1: 0.0, l2: decay };
        decay.add_gradient(&self.network.parameters()[first..], gradient);
    }

    /// Index of the first parameter that is not in a frozen layer.
    fn first_trained_parameter(&self) -> usize {
        let layer = &self.network.layers()[self.config.frozen_layers];
        layer.parameters().start
    }

    /// Does the update of the optimizer, stops weights at 0 with L1 regularization,
    /// and flushes subnormal weights to 0.
    ///
    /// With `n_rows`, the subtrees of a batch of this size are summed on the way, while
    /// their values are in the cache.
    fn update_parameters(&mut self, n_rows: Option<usize>) {
        let n_sums = n_rows.and_then(|n_rows| self.n_sums(n_rows));
        let first = self.first_trained_parameter();
        let rates = StepRates {
            learning_rate: self.progress.last_rate,
            decay_factor: self.scheduled(self.config.weight_decay_schedule),
        };
        let Buffers {
            workspaces,
            before,
            sums,
            ..
        } = &mut self.buffers;
        let (plan, parameters) = self.network.split_mut();
        let n_kept = before.len();
        before.copy_from_slice(&parameters[..n_kept]);
        let (groups, threads) = (&self.groups, &self.threads);
        let gradient = workspaces[0].gradients.values_mut();
        match n_sums {
            None => self
                .optimizer
                .step_groups(groups, parameters, gradient, rates, threads),
            Some(n_sums) => {
                let sums = &sums[..n_sums];
                let complete = |range, gradient: &mut [S]| join(sums, range, gradient);
                self.optimizer
                    .step_groups_of(groups, parameters, gradient, &complete, rates, threads);
            }
        }
        if self.config.regularization.l2 > 0.0 || self.config.weight_decay > 0.0 {
            // Weights that only the decay changes become subnormal.
            flush(&mut parameters[first..]);
        }
        if before.is_empty() {
            return;
        }
        let layers = &plan.layers[self.config.frozen_layers..];
        for weights in layers.iter().map(Layer::weights) {
            let (before, gradient) = (&before[weights.clone()], &gradient[weights.clone()]);
            let weights = &mut parameters[weights];
            self.config
                .regularization
                .stop_at_zero(before, gradient, weights);
        }
    }

    /// The learning rate of the next step, η times the factor of the schedule.
    fn next_learning_rate(&self) -> f64 {
        let factor = self.scheduled(self.config.schedule);
        self.progress.learning_rate * factor * self.plateau.factor
    }

    /// The factor of a schedule for the next step.
    #[inline]
    fn scheduled(&self, schedule: Schedule) -> f64 {
        if matches!(schedule, Schedule::Constant) {
            return 1.0;
        }
        schedule.factor(Position {
            step: self.progress.step,
            steps_per_epoch: self.n_batches() as u64,
            epochs: self.config.epochs as u64,
        })
    }

    /// Applies the max-norm constraint and updates the moving average after a step.
    fn regularize_parameters(&mut self) {
        if let Some(limit) = self.config.max_norm {
            limit_norms(&mut self.network, self.config.frozen_layers, limit);
        }
        if let Some(decay) = self.config.averaging {
            let fraction = S::from_f64(averaging_fraction(decay, self.progress.step + 1));
            update_averages(&mut self.average, self.network.parameters(), fraction);
        }
    }

    /// Checks that δ of every layer is finite.
    ///
    /// It is enough to check the sums of δ over the batch: the gradients of the
    /// biases, or, if the parameters are updated already, the biases. With `n_rows`, the
    /// gradients of the biases are summed from the subtrees of a batch of this size.
    #[inline]
    fn check_gradient(&mut self, descends: bool, n_rows: Option<usize>) -> Result<()> {
        let n_sums = n_rows.and_then(|n_rows| self.n_sums(n_rows));
        let Buffers {
            workspaces, sums, ..
        } = &mut self.buffers;
        let gradient = workspaces[0].gradients.values_mut();
        let nodes = self.network.plan().nodes.iter();
        let n_frozen = self.config.frozen_layers;
        let is_trained = |node: &&Node| node.layer >= n_frozen && !node.parameters.is_empty();
        for node in nodes.filter(is_trained) {
            let mut range = node.parameters.clone();
            if matches!(node.stage, Stage::Dense(_)) {
                range.start = range.end - node.n_outputs;
            }
            if let Some(n_sums) = n_sums {
                let sums = &sums[..n_sums];
                join(sums, range.clone(), &mut gradient[range.clone()]);
            }
            let sums = if descends {
                &self.network.parameters()[range]
            } else {
                &gradient[range]
            };
            if let Some(bad) = first_not_finite(sums) {
                return Err(self.diverged("gradient", bad, node.layer));
            }
        }
        Ok(())
    }
}

/// The value that became NaN or infinite, and its layer, counted from 0.
fn failure(outcome: Result<()>) -> Result<Option<(f64, usize)>> {
    match outcome {
        Ok(()) => Ok(None),
        Err(Error::Diverged { value, layer, .. }) => {
            Ok(Some((value.parse().unwrap_or(f64::NAN), layer - 1)))
        }
        Err(error) => Err(error),
    }
}

fn out_of_turn(what: &str, problem: &str) -> Error {
    Error::Conflict {
        what: what.to_owned(),
        problem: problem.to_owned(),
    }
}

/// The fraction of the weights of step `t` (counted from 1) in the moving average:
///
/// ```text
/// mₜ = d·mₜ₋₁ + (1 − d)·wₜ,  m₀ = 0                       d: decay
/// aₜ = mₜ/(1 − dᵗ) = aₜ₋₁ + f·(wₜ − aₜ₋₁),  f = (1 − d)/(1 − dᵗ)
/// ```
///
/// The division by 1 − dᵗ (Kingma & Ba 2015, section 3) removes the weights before the
/// first step from the average.
fn averaging_fraction(decay: f64, t: u64) -> f64 {
    (1.0 - decay) / (1.0 - decay.powf(t as f64))
}

/// Scales the incoming weights of every neuron to an L2 norm of at most `limit`.
fn limit_norms<S: Scalar>(network: &mut Network<S>, n_frozen: usize, limit: f64) {
    let (plan, parameters) = network.split_mut();
    for layer in &plan.layers[n_frozen..] {
        let weights = &mut parameters[layer.weights()];
        // An output layer of several members has a matrix per member.
        for weights in weights.chunks_exact_mut(layer.n_inputs * layer.n_outputs) {
            limit_columns(weights, layer.n_outputs, limit);
        }
    }
}

/// Scales the columns of a matrix to an L2 norm of at most `limit`.
fn limit_columns<S: Scalar>(weights: &mut [S], n_columns: usize, limit: f64) {
    for column in 0..n_columns {
        let incoming = || weights[column..].iter().step_by(n_columns);
        let squares = incoming().map(|w| w.into_f64() * w.into_f64());
        let norm = squares.sum::<f64>().sqrt();
        if norm > limit {
            let factor = S::from_f64(limit / norm);
            let incoming = weights[column..].iter_mut().step_by(n_columns);
            incoming.for_each(|w| *w = flushed(*w * factor));
        }
    }
}
