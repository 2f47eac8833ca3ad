//! Training: the loop, one step at a time.
//!
//! ```text
//! for every epoch
//!     shuffle the rows
//!     for every batch
//!         forward, loss, backward          network, loss, backprop
//!         add the penalty, clip, decay     penalty
//!         step at the schedule's rate      optimizer, schedule
//!     evaluate the validation rows         metrics
//! ```
//!
//! A [`Trainer`] does one batch or one evaluation for each call of
//! [`Trainer::advance`] and says what happened in an [`Event`]; whoever calls
//! may show it, save it, wait, change the learning rate, or not call again.
//! [`Trainer::run`] calls it to the end. There is no other loop.

mod config;
mod event;
mod partition;
mod memory;
mod sparse_blocks;
mod block_loss;
mod state;
#[cfg(test)]
mod tests;

use std::ops::{ControlFlow, Range, RangeInclusive};
use std::sync::OnceLock;

use nn_tensor::function::{average_in, flush, flushed};
use nn_tensor::random::Streams;
use nn_tensor::reduce::sum_of_squares;
use nn_tensor::sparse::Written;
use nn_tensor::{Matrix, Scalar, Threads};

use crate::augmentation::{Augmentation, Augmented};
use crate::backprop::{Gradients, can_descend};
use crate::batches::{Samples, Targets, scale_bytes, shuffle};
use crate::layer::Layer;
use crate::loss::clamp;
use crate::memory::{bytes_of, probe};
use crate::menu;
use crate::metrics::{Evaluation, Evaluator};
use crate::network::{Network, Randomness, Trace};
use crate::optimizer::{Optimizer, OptimizerState};
use crate::penalty::Penalty;
use crate::schedule::{Plateau, Position};
use crate::stage::Stage;
use crate::stage::inputs::LayerInputs;
use crate::{Error, Result};

use block_loss::{BlockLoss, class_weights, total_weight};
pub use config::{BatchSize, ClassWeights, Reduction, TrainingConfig};
pub use event::{BatchReport, EpochReport, Event};
use partition::Partition;
use sparse_blocks::SparseBlocks;
use state::Best;
pub(crate) use state::{EpochSums, Progress, State, StateBuffers};

/// Numbers of a layer that go forward and back together when a batch has more:
/// so many that they stay in the second-level cache.
const MAX_BLOCK_NUMBERS: usize = 1 << 17;

/// Fewest and most rows that are then worth it.
const BLOCK_ROWS: RangeInclusive<usize> = 2048..=8192;

/// Rows between the ones that are worked on and those that are asked for from
/// memory: a small batch is done sooner than memory answers.
const PREFETCH_DISTANCE: usize = 2;

/// Trains one network on one set of samples.
///
/// ```
/// use ndarray::array;
/// use nn_core::batches::{Inputs, Samples, Targets};
/// use nn_core::training::{Trainer, TrainingConfig};
/// use nn_core::{Activation, LayerConfig, Loss, Network, NetworkConfig, Optimizer};
/// use nn_tensor::Threads;
///
/// let inputs = array![[0.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
/// let targets = Targets::Classes { labels: &[0, 1, 1, 0], n_classes: 2 };
/// let samples = Samples::new(Inputs::Values(inputs.view()), targets)?;
/// let layers = vec![
///     LayerConfig::new(8, Activation::Tanh),
///     LayerConfig::new(1, Activation::Sigmoid),
/// ];
/// let network = Network::new(&NetworkConfig { n_inputs: 2, layers }, 0)?;
/// let config = TrainingConfig {
///     epochs: 300,
///     learning_rate: 0.05,
///     ..TrainingConfig::new(Loss::BinaryCrossEntropy, Optimizer::Adam {
///         beta1: 0.9,
///         beta2: 0.999,
///         epsilon: 1e-8,
///     })
/// };
/// let mut trainer = Trainer::new(network, samples, None, config, Threads::single())?;
/// let last = trainer.run(|_| std::ops::ControlFlow::Continue(()))?.expect("it trained");
/// assert_eq!(last.train_accuracy, Some(1.0));
/// # Ok::<(), nn_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Trainer<'a, S: Scalar = f32> {
    network: Network<S>,
    config: TrainingConfig,
    train: Samples<'a, S>,
    validation: Option<Samples<'a, S>>,
    threads: Threads,
    class_weights: Option<Vec<S>>,
    /// Sum of the weights of all training rows, unless all are 1.
    total_weight: Option<f64>,
    partition: Partition,
    optimizer: OptimizerState<S>,
    plateau: Plateau,
    best: Best<S>,
    /// Moving average of the parameters, if averaging is on.
    average: Vec<S>,
    progress: Progress,
    /// What identifies the samples, once it was asked for.
    digests: OnceLock<[String; 2]>,
    order: Vec<u32>,
    /// What changes the inputs from epoch to epoch, if anything does.
    augmented: Option<Augmented<'a>>,
    buffers: Buffers<S>,
}

/// Everything a step writes into, made once.
#[derive(Clone, Debug)]
struct Buffers<S> {
    block_rows: usize,
    inputs: Vec<S>,
    targets: Vec<S>,
    trace: Trace<S>,
    gradients: Gradients<S>,
    /// The parameters before the step, where L1 asks on which side of 0 they were.
    before: Vec<S>,
    evaluator: Option<Evaluator<S>>,
    sparse: Option<SparseBlocks<S>>,
    /// Whether the step of plain gradient descent is done during
    /// backpropagation.
    descends: bool,
}

impl<'a, S: Scalar> Trainer<'a, S> {
    /// Joins a network, samples and a configuration.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] or [`Error::Conflict`] for a configuration that
    /// cannot be, for batch normalization of one row, and where all training
    /// rows or all validation rows have weight 0; [`Error::Empty`] or
    /// [`Error::Shape`] for samples that do not fit the network;
    /// [`Error::OutOfMemory`] if the buffers do not fit in memory.
    pub fn new(
        network: Network<S>,
        train: Samples<'a, S>,
        validation: Option<Samples<'a, S>>,
        config: TrainingConfig,
        threads: Threads,
    ) -> Result<Self> {
        config.check()?;
        config
            .loss
            .check_output(network.output_layer().activation)?;
        let validation = validation.filter(|samples| !samples.is_empty());
        for samples in std::iter::once(&train).chain(&validation) {
            samples.check_fit(network.n_inputs(), network.n_outputs())?;
            samples.check_weights()?;
        }
        let has_batch_norm = network.has_batch_norm();
        config.check_batches(has_batch_norm, train.len())?;
        let partition = Partition::new(train.len(), config.batch_size, has_batch_norm);
        let batch_rows = partition.max_rows();
        let class_weights = class_weights(&config.class_weights, &train)?;
        let total_weight = total_weight(&train, class_weights.as_deref())?;
        let block_rows_of = |widest| rows_of_block(has_batch_norm, batch_rows, widest);
        let widths = network.layers().iter().map(|layer| layer.n_outputs);
        let widest = widths.fold(1, usize::max);
        let n_parameters = network.parameters().len();
        let memory = memory::memory_of(network.plan(), &config, &train, validation.as_ref());
        // The network is there already, and nothing is saved yet.
        let others = memory.parameters - bytes_of::<S>(1, n_parameters);
        probe(
            others
                .saturating_add(memory.activations)
                .saturating_add(memory.inputs),
        )?;
        let mut order: Vec<u32> = (0..train.len() as u32).collect();
        let mut block_rows = block_rows_of(widest);
        let sparse = match config.batch_size {
            _ if !network.plan().starts_dense() => None,
            BatchSize::Full => {
                let n_outputs = network.layers()[0].n_outputs;
                SparseBlocks::fixed(&train, block_rows, n_outputs, &mut order, &threads)
            }
            BatchSize::Rows(_) => SparseBlocks::changing(&train, block_rows, &threads),
        };
        if sparse.is_none() {
            block_rows = block_rows_of(widest.max(network.n_inputs()));
        }
        let n_dense = if sparse.is_some() {
            0
        } else {
            block_rows * network.n_inputs()
        };
        let descends = config.optimizer == Optimizer::Sgd
            && config.penalty == Penalty::default()
            && config.weight_decay == 0.0
            && config.clip_norm.is_none()
            && config.clip_value.is_none()
            && can_descend(&network)
            && batch_rows == block_rows;
        let mut trainer = Self {
            class_weights,
            total_weight,
            partition,
            optimizer: OptimizerState::new(config.optimizer, n_parameters, config.learning_rate)?,
            plateau: Plateau::default(),
            best: Best {
                loss: f64::INFINITY,
                waited: 0,
                network: None,
            },
            average: if config.averaging.is_some() {
                network.parameters().to_vec()
            } else {
                Vec::new()
            },
            progress: Progress::new(config.learning_rate),
            digests: OnceLock::new(),
            order,
            augmented: None,
            buffers: Buffers {
                block_rows,
                inputs: vec![S::zero(); n_dense],
                targets: vec![S::zero(); block_rows * network.n_outputs()],
                trace: Trace::new(&network, block_rows),
                gradients: Gradients::new(&network, block_rows),
                before: if config.penalty.l1 > 0.0 {
                    network.parameters().to_vec()
                } else {
                    Vec::new()
                },
                evaluator: validation
                    .as_ref()
                    .map(|samples| Evaluator::new(&network, samples.len())),
                sparse,
                descends,
            },
            network,
            config,
            train,
            validation,
            threads,
        };
        trainer.start_epoch();
        Ok(trainer)
    }

    /// Has the inputs changed anew for every epoch.
    ///
    /// # Errors
    /// [`Error::Conflict`] if they are not bytes.
    pub fn augment(&mut self, augmentation: Box<dyn Augmentation + 'a>) -> Result<()> {
        let block_rows = self.buffers.block_rows;
        let augmented = Augmented::new(augmentation, &self.train, block_rows);
        self.augmented = Some(augmented.ok_or_else(|| Error::Conflict {
            what: "augmentation".to_owned(),
            problem: "needs inputs that are bytes, such as pixels".to_owned(),
        })?);
        if let Some(sparse) = &mut self.buffers.sparse {
            sparse.take_blocks(&self.threads);
        }
        Ok(())
    }

    /// Calls [`advance`](Self::advance) until training is done or `observe`
    /// breaks off; returns the last finished epoch, if there is one.
    ///
    /// # Errors
    /// [`Error::Diverged`].
    pub fn run(
        &mut self,
        mut observe: impl FnMut(&Event) -> ControlFlow<()>,
    ) -> Result<Option<EpochReport>> {
        let mut last = None;
        while let Some(event) = self.advance()? {
            let flow = observe(&event);
            if let Event::Epoch(report) = event {
                last = Some(report);
            }
            if flow.is_break() {
                break;
            }
        }
        Ok(last)
    }

    /// Trains to the end and gives the network, as [`network`](Self::network)
    /// does.
    ///
    /// # Errors
    /// [`Error::Diverged`].
    pub fn finish(mut self) -> Result<Network<S>> {
        self.run(|_| ControlFlow::Continue(()))?;
        Ok(self.network())
    }

    /// Does the next batch, or the evaluation that ends an epoch; `None` when
    /// training is done.
    ///
    /// # Errors
    /// [`Error::Diverged`] if the loss or a gradient is no longer a finite
    /// number. The parameters are then those before the step, unless a plain
    /// gradient descent was going back already.
    pub fn advance(&mut self) -> Result<Option<Event>> {
        if self.progress.is_done {
            return Ok(None);
        }
        if self.progress.batch < self.n_batches() {
            return self.train_batch().map(|report| Some(Event::Batch(report)));
        }
        self.finish_epoch().map(|report| Some(Event::Epoch(report)))
    }

    /// Whether the next call of [`advance`](Self::advance) ends an epoch.
    pub fn is_epoch_trained(&self) -> bool {
        self.progress.batch == self.n_batches()
    }

    /// What the training gives: with [`patience`](TrainingConfig::patience) the
    /// [`best_network`](Self::best_network) so far, otherwise the
    /// [`latest_network`](Self::latest_network), which it also is before the
    /// first epoch ends.
    pub fn network(&self) -> Network<S> {
        let best = self.best_network();
        best.map_or_else(|| self.latest_network(), Clone::clone)
    }

    /// The network after the epoch with the lowest validation loss (training
    /// loss without validation rows), averaged weights if averaging is on.
    ///
    /// `None` before the first epoch ends, and without
    /// [`patience`](TrainingConfig::patience): only then are these weights kept.
    pub fn best_network(&self) -> Option<&Network<S>> {
        self.best.network.as_ref()
    }

    /// The epoch with the lowest validation loss (training loss without
    /// validation rows), counted from 1; the first of several equal ones.
    /// `None` before the first epoch ends.
    pub fn best_epoch(&self) -> Option<usize> {
        let is_known = self.best.loss.is_finite();
        is_known.then(|| self.progress.epoch - self.best.waited)
    }

    /// The network after the last step, with averaged weights if averaging is on.
    pub fn latest_network(&self) -> Network<S> {
        let mut network = self.network.clone();
        if self.config.averaging.is_some() {
            network.parameters_mut().copy_from_slice(&self.average);
        }
        network
    }

    /// The network in training, and what the last batch left behind in it.
    ///
    /// Plain gradient descent steps while it goes back and never writes its
    /// gradient down, unless [`keep_gradients`](Self::keep_gradients) asks for it.
    pub fn state(&self) -> (&Network<S>, &Trace<S>, &Gradients<S>) {
        (&self.network, &self.buffers.trace, &self.buffers.gradients)
    }

    /// From the next step on, plain gradient descent writes its gradient down
    /// before it steps: slower, equal within rounding, and to be seen in
    /// [`state`](Self::state). Other optimizers always do.
    pub fn keep_gradients(&mut self) {
        self.buffers.descends = false;
    }

    /// The configuration.
    pub fn config(&self) -> &TrainingConfig {
        &self.config
    }

    /// Changes the learning rate from the next step on.
    ///
    /// # Errors
    /// [`Error::OutOfRange`].
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<()> {
        self.progress.learning_rate =
            menu::Range::Positive.check("learning rate", learning_rate)?;
        Ok(())
    }

    /// The learning rate before its schedule: the configuration's, unless it
    /// was changed.
    pub fn learning_rate(&self) -> f64 {
        self.progress.learning_rate
    }

    /// Samples that are trained on.
    pub fn n_samples(&self) -> usize {
        self.train.len()
    }

    /// Batches in an epoch.
    pub fn n_batches(&self) -> usize {
        self.partition.n_batches()
    }

    /// Finished epochs.
    pub fn epoch(&self) -> usize {
        self.progress.epoch
    }

    /// Steps since the beginning.
    pub fn step(&self) -> u64 {
        self.progress.step
    }

    /// Whether patience has run out.
    pub fn is_stopped_early(&self) -> bool {
        self.config.patience > 0 && self.best.waited >= self.config.patience
    }

    fn start_epoch(&mut self) {
        self.progress.batch = 0;
        self.progress.sums = EpochSums::default();
        self.order_samples();
    }

    /// The order of the current epoch, whatever the last one was.
    fn order_samples(&mut self) {
        if self.config.shuffle && self.config.batch_size != BatchSize::Full {
            let streams = Streams::new(self.config.seed);
            shuffle(&mut self.order, self.progress.epoch as u64, streams);
        }
    }

    fn train_batch(&mut self) -> Result<BatchReport> {
        let Range { start, end } = self.partition.rows(self.progress.batch);
        self.progress.last_rate = self.next_learning_rate();
        let sums = self.forward_and_backward(start, end)?;
        self.check_gradient()?;
        if !self.buffers.descends {
            self.regularise_gradient();
            self.update_parameters();
        }
        self.regularise_parameters();
        self.progress.sums.add(sums);
        self.progress.batch += 1;
        self.progress.step += 1;
        Ok(BatchReport {
            epoch: self.progress.epoch + 1,
            batch: self.progress.batch,
            n_batches: self.n_batches(),
            n_samples: end - start,
            loss: sums.loss(),
            epoch_loss: self.progress.sums.loss(),
            epoch_accuracy: self.accuracy(self.progress.sums),
            learning_rate: self.progress.last_rate,
        })
    }

    /// The gradient of the rows `start..end` of this epoch's order, block by
    /// block, and the sums of what they gave; with plain gradient descent, the
    /// step as well.
    fn forward_and_backward(&mut self, start: usize, end: usize) -> Result<EpochSums> {
        let mut sums = EpochSums::default();
        let mut scale = self.gradient_scale(end - start);
        if self.buffers.descends {
            scale *= S::from_f64(-self.progress.last_rate);
        }
        let randomness = Randomness::new(self.config.seed, self.progress.step);
        let block_rows = self.buffers.block_rows;
        for (block, block_start) in (start..end).step_by(block_rows).enumerate() {
            let block_end = end.min(block_start + block_rows);
            self.gather(block_start, block_end);
            let descends = self.buffers.descends;
            let Buffers {
                inputs,
                targets,
                trace,
                gradients,
                sparse,
                ..
            } = &mut self.buffers;
            let positions = &self.order[block_start..block_end];
            let (inputs, transposed) = match (sparse, &self.augmented) {
                (Some(sparse), None) => {
                    let later = block_end + PREFETCH_DISTANCE;
                    let later = self.order.get(later..).unwrap_or_default();
                    sparse.prefetch(&later[..later.len().min(block_rows)]);
                    sparse.block(positions, block)
                }
                (Some(sparse), Some(augmented)) => sparse.block(augmented.places(), block),
                (None, _) => (
                    dense_block(inputs, self.network.n_inputs(), positions.len()),
                    None,
                ),
            };
            self.network
                .forward_in_training(inputs, trace, randomness.block(block), &self.threads);
            let losses = BlockLoss {
                config: &self.config,
                network: &self.network,
                train: &self.train,
                class_weights: self.class_weights.as_deref(),
                positions,
                scale,
            };
            sums.add(losses.errors(trace, gradients, targets, &self.threads));
            if !sums.loss.is_finite() {
                return Err(self.diverged("loss", sums.loss, self.first_bad_layer()));
            }
            if descends {
                gradients.descend(&mut self.network, inputs, transposed, trace, &self.threads);
            } else {
                let written = if block == 0 {
                    Written::Over
                } else {
                    Written::Onto
                };
                gradients.backward_block(
                    &self.network,
                    inputs,
                    transposed,
                    written,
                    trace,
                    &self.threads,
                );
            }
        }
        Ok(sums)
    }

    /// Copies the inputs `start..end` of this epoch's order into their buffer,
    /// unless they are at hand without their zeros.
    fn gather(&mut self, start: usize, end: usize) {
        let Buffers { inputs, sparse, .. } = &mut self.buffers;
        let positions = &self.order[start..end];
        if let Some(augmented) = &mut self.augmented {
            let epoch = self.progress.epoch as u64;
            let (bytes, scale) = augmented.block(&self.train, positions, epoch, &self.threads);
            match sparse {
                Some(sparse) => sparse.matrix.refill(bytes),
                None => scale_bytes(bytes, scale, inputs),
            }
        } else if sparse.is_none() {
            for (&position, inputs) in positions
                .iter()
                .zip(inputs.chunks_exact_mut(self.network.n_inputs()))
            {
                self.train.copy_inputs(position as usize, inputs);
            }
        }
    }

    /// What every row's gradient is multiplied by, besides its weight:
    ///
    /// ```text
    /// mean   1/(B·w̄)     B: rows of the batch, w̄ = Σ w/n over all n training rows
    /// sum    1
    /// ```
    ///
    /// With the batch's own Σ w as the divisor, a weight would have no effect in
    /// a batch of one row, and too little in any small one.
    fn gradient_scale(&self, n_rows: usize) -> S {
        let divisor = match (self.config.reduction, self.total_weight) {
            (Reduction::Sum, _) => 1.0,
            (Reduction::Mean, None) => n_rows as f64,
            (Reduction::Mean, Some(total)) => total * (n_rows as f64 / self.train.len() as f64),
        };
        S::from_f64(1.0 / divisor)
    }

    fn regularise_gradient(&mut self) {
        let gradient = self.buffers.gradients.values_mut();
        for layer in self.network.layers() {
            let weights = &self.network.parameters()[layer.weights()];
            self.config
                .penalty
                .add_gradient(weights, &mut gradient[layer.weights()]);
        }
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
        // As PyTorch's optimizers have it: of all parameters, after clipping.
        let decay = Penalty {
            l1: 0.0,
            l2: self.config.weight_decay,
        };
        decay.add_gradient(self.network.parameters(), gradient);
    }

    /// The optimizer's step, L1's rule that weights stop at 0, and nothing that
    /// is subnormal.
    fn update_parameters(&mut self) {
        let Buffers {
            gradients, before, ..
        } = &mut self.buffers;
        let (plan, parameters) = self.network.split_mut();
        let n_kept = before.len();
        before.copy_from_slice(&parameters[..n_kept]);
        let gradient = gradients.values();
        let rate = self.progress.last_rate;
        self.optimizer
            .step(parameters, gradient, rate, &self.threads);
        if self.config.penalty.l2 > 0.0 || self.config.weight_decay > 0.0 {
            // Weights that nothing but the decay moves.
            flush(parameters);
        }
        if before.is_empty() {
            return;
        }
        for weights in plan.layers.iter().map(Layer::weights) {
            let (before, gradient) = (&before[weights.clone()], &gradient[weights.clone()]);
            let weights = &mut parameters[weights];
            self.config.penalty.stop_at_zero(before, gradient, weights);
        }
    }

    /// η·f of the step to come.
    fn next_learning_rate(&self) -> f64 {
        let position = Position {
            step: self.progress.step,
            steps_per_epoch: self.n_batches() as u64,
            epochs: self.config.epochs as u64,
        };
        self.progress.learning_rate * self.config.schedule.factor(position) * self.plateau.factor
    }

    /// What is done to the parameters after a step.
    fn regularise_parameters(&mut self) {
        if let Some(limit) = self.config.max_norm {
            limit_norms(&mut self.network, limit);
        }
        if let Some(decay) = self.config.averaging {
            let fraction = S::from_f64(averaging_fraction(decay, self.progress.step + 1));
            average_in(&mut self.average, self.network.parameters(), fraction);
        }
    }

    fn finish_epoch(&mut self) -> Result<EpochReport> {
        self.check_state()?;
        let sums = self.progress.sums;
        let validation = self.evaluate_validation();
        if let Some(loss) = validation.as_ref().map(|v| v.loss)
            && !loss.is_finite()
        {
            let last = self.network.layers().len() - 1;
            return Err(self.diverged("validation loss", loss, last));
        }
        let watched = validation
            .as_ref()
            .map_or(sums.loss(), |validation| validation.loss);
        let is_best = watched < self.best.loss;
        self.note_best(watched);
        self.plateau.observe(self.config.schedule, watched);
        self.progress.epoch += 1;
        let is_stopping = self.is_stopped_early();
        self.progress.is_done = is_stopping || self.progress.epoch == self.config.epochs;
        let report = EpochReport {
            epoch: self.progress.epoch,
            step: self.progress.step,
            learning_rate: self.progress.last_rate,
            train_loss: sums.loss(),
            train_accuracy: self.accuracy(sums),
            validation,
            is_best,
            is_stopping,
        };
        if !self.progress.is_done {
            self.start_epoch();
        }
        Ok(report)
    }

    fn evaluate_validation(&mut self) -> Option<Evaluation> {
        let (validation, evaluator) = (self.validation.as_ref()?, self.buffers.evaluator.as_mut()?);
        let is_averaged = self.config.averaging.is_some();
        if is_averaged {
            self.network
                .parameters_mut()
                .swap_with_slice(&mut self.average);
        }
        let evaluation =
            evaluator.evaluate(&self.network, validation, self.config.loss, &self.threads);
        if is_averaged {
            self.network
                .parameters_mut()
                .swap_with_slice(&mut self.average);
        }
        Some(evaluation)
    }

    /// Keeps the weights of the lowest loss, if they may be wanted back.
    fn note_best(&mut self, loss: f64) {
        if loss < self.best.loss {
            self.best.loss = loss;
            self.best.waited = 0;
            if self.config.patience > 0 {
                self.keep_as_best();
            }
        } else {
            self.best.waited += 1;
        }
    }

    fn keep_as_best(&mut self) {
        let Some(best) = &mut self.best.network else {
            self.best.network = Some(self.latest_network());
            return;
        };
        let parameters = if self.config.averaging.is_some() {
            &self.average[..]
        } else {
            self.network.parameters()
        };
        best.parameters_mut().copy_from_slice(parameters);
        let statistics = self.network.statistics();
        best.statistics_mut().copy_from_slice(statistics);
    }

    fn accuracy(&self, sums: EpochSums) -> Option<f64> {
        matches!(self.train.targets(), Targets::Classes { .. }).then(|| sums.accuracy())
    }

    /// Whether the errors of every layer are still numbers. Their sums over
    /// the batch tell: the gradients of the biases, or, where the step is done
    /// already, the biases themselves.
    fn check_gradient(&self) -> Result<()> {
        let sums = if self.buffers.descends {
            self.network.parameters()
        } else {
            self.buffers.gradients.values()
        };
        for placed in &self.network.plan().stages {
            let mut range = placed.parameters.clone();
            if matches!(placed.stage, Stage::Dense(_)) {
                range.start = range.end - placed.n_outputs;
            }
            if let Some(bad) = first_not_finite(&sums[range]) {
                return Err(self.diverged("gradient", bad, placed.layer));
            }
        }
        Ok(())
    }

    /// Where the last batch first gave what is no number.
    fn first_bad_layer(&self) -> usize {
        let n_layers = self.network.layers().len();
        let is_bad = |index: &usize| {
            first_not_finite(self.buffers.trace.layer(*index).pre_activations()).is_some()
        };
        (0..n_layers).find(is_bad).unwrap_or(n_layers - 1)
    }

    fn diverged(&self, what: &'static str, value: f64, layer: usize) -> Error {
        Error::Diverged {
            what,
            value: value.to_string(),
            epoch: self.progress.epoch + 1,
            batch: (self.progress.batch + 1).min(self.n_batches()),
            layer: layer + 1,
            learning_rate: self.progress.last_rate,
        }
    }
}

/// Rows that go through the layers together, of a batch of `batch_rows`.
fn rows_of_block(has_batch_norm: bool, batch_rows: usize, widest: usize) -> usize {
    // Statistics of a batch need the whole batch at once.
    if has_batch_norm {
        batch_rows
    } else {
        batch_rows.min(max_block_rows(widest))
    }
}

/// Most rows of a block, for layers of up to `widest` numbers a row.
fn max_block_rows(widest: usize) -> usize {
    (MAX_BLOCK_NUMBERS / widest).clamp(*BLOCK_ROWS.start(), *BLOCK_ROWS.end())
}

/// The fraction of step `t`'s weights (t from 1) in the moving average:
///
/// ```text
/// mₜ = d·mₜ₋₁ + (1 − d)·wₜ,  m₀ = 0                       d: decay
/// aₜ = mₜ/(1 − dᵗ) = aₜ₋₁ + f·(wₜ − aₜ₋₁),  f = (1 − d)/(1 − dᵗ)
/// ```
///
/// Dividing by 1 − dᵗ (Kingma & Ba 2015, section 3) leaves nothing of the
/// weights before the first step in the average, however long its memory.
fn averaging_fraction(decay: f64, t: u64) -> f64 {
    (1.0 - decay) / (1.0 - decay.powf(t as f64))
}

fn first_not_finite<S: Scalar>(values: &[S]) -> Option<f64> {
    // Without a way out in the middle, so that many are looked at at once.
    let all_are_finite = values
        .iter()
        .fold(true, |all, value| all & value.is_finite());
    if all_are_finite {
        return None;
    }
    let bad = values.iter().find(|value| !value.is_finite());
    bad.map(|bad| bad.into_f64())
}

/// The first `n_rows` rows of a buffer.
fn dense_block<S: Scalar>(inputs: &[S], n_inputs: usize, n_rows: usize) -> LayerInputs<'_, S> {
    Matrix::new(&inputs[..n_rows * n_inputs], [n_rows, n_inputs]).into()
}

/// Shortens the weight vector into every neuron to at most `limit`.
fn limit_norms<S: Scalar>(network: &mut Network<S>, limit: f64) {
    for layer in network.layers().to_vec() {
        let mut weights = layer.weights_of_mut(network.parameters_mut());
        for mut incoming in weights.columns_mut() {
            let norm = incoming
                .iter()
                .map(|w| w.into_f64() * w.into_f64())
                .sum::<f64>()
                .sqrt();
            if norm > limit {
                let factor = S::from_f64(limit / norm);
                incoming.mapv_inplace(|w| flushed(w * factor));
            }
        }
    }
}
