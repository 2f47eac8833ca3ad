//! Training: the training loop, one step at a time.
//!
//! ```text
//! for every epoch
//!     shuffle the rows
//!     for every batch
//!         forward, loss, backward                       network, loss, backprop
//!         regularization, clipping, weight decay        regularization
//!         update with the scheduled learning rate       optimizer, schedule
//!     evaluate the validation rows                      metrics
//! ```
//!
//! Each call of [`Trainer::advance`] does one batch or one evaluation and returns an
//! [`Event`]. Between calls, the caller can save a checkpoint, change the learning rate
//! or stop. [`Trainer::run`] calls [`Trainer::advance`] until training ends.

mod config;
mod config_text;
mod event;
mod parameter_groups;
mod gradient_sum;
mod partition;
mod epoch_order;
mod memory;
mod progress;
mod block_loss;
pub(crate) mod division;
mod block_pass;
mod state;
mod sharing;
mod step;
mod observer;

use std::ops::ControlFlow;
use std::sync::OnceLock;

use nn_error::{Error, Range, Result};
use nn_functions::optimizer::{Optimizer, OptimizerState, ParameterGroup};
use nn_functions::schedule::Plateau;
use nn_functions::{LossFunction, Regularization, UpdateRule};
use nn_samples::Samples;
use nn_tensor::random::Streams;
use nn_tensor::{Scalar, Threads};

use crate::augmentation::Augmentation;
use crate::backprop::{Gradients, can_descend};
use crate::block_inputs::BlockInputs;
use crate::block_inputs::sparse_blocks::SparseBlocks;
use crate::criterion::Criterion;
use crate::memory::{Memory, bytes_of, probe};
use crate::metrics::{Evaluation, Evaluator};
use crate::network::{ForwardCache, Network, NetworkConfig};

use block_loss::{class_weights, total_weight};
use block_pass::{StreamedRows, Workspace};
pub use config::{BatchSize, ClassWeights, Monitor, RateFactor, Reduction, TrainingConfig};
use division::{Command, Division};
use epoch_order::EpochOrder;
pub use event::{BatchReport, EpochReport, Event};
use gradient_sum::{Subtree, Subtrees};
pub use observer::Observer;
use partition::{Partition, rows_of_block};
use progress::{Best, Pending};
pub(crate) use progress::{EpochSums, Progress};
pub(crate) use state::{State, StateBuffers};
pub use step::BatchLoss;

/// Trains a network on samples.
///
/// ```
/// use ndarray::array;
/// use nn_core::batches::{Inputs, Samples, Targets};
/// use nn_core::training::{Trainer, TrainingConfig};
/// use nn_core::{Activation, LayerConfig, Loss, Network, NetworkConfig, Optimizer};
/// use nn_tensor::Threads;
///
/// let inputs = array![[0.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
/// let targets = Targets::classes(&[0, 1, 1, 0], 2);
/// let samples = Samples::new(Inputs::values(inputs.view()), targets)?;
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
    criterion: Criterion<S>,
    train: Samples<'a, S>,
    validation: Option<Samples<'a, S>>,
    threads: Threads,
    class_weights: Option<Vec<S>>,
    /// Sum of the weights of all training rows, unless all are 1.
    total_weight: Option<f64>,
    partition: Partition,
    /// R, the number of rows per block of the gradient sum; `None` if the rows of a step
    /// are added one by one.
    sum_rows: Option<usize>,
    optimizer: OptimizerState<S>,
    /// The trained parameters.
    groups: Vec<ParameterGroup>,
    plateau: Plateau,
    best: Best<S>,
    /// Moving average of the parameters, if averaging is on.
    average: Vec<S>,
    progress: Progress,
    /// Digests of the samples, computed on first use.
    digests: OnceLock<[String; 2]>,
    order: EpochOrder,
    /// The batch whose gradient is computed but not used by a step.
    pending: Option<Pending>,
    /// The part of this process, if several processes share the training run.
    division: Option<Box<Division<S>>>,
    /// Whether [`advance`](Self::advance) does the step of plain gradient
    /// descent during backpropagation.
    descends: bool,
    buffers: Buffers<'a, S>,
}

/// The buffers of a training step, allocated once.
#[derive(Debug)]
struct Buffers<'a, S> {
    /// Maximum number of rows per block.
    block_rows: usize,
    /// The buffers of the first thread, which also hold the gradient, and those of other
    /// threads if they compute blocks of their own.
    workspaces: Vec<Workspace<'a, S>>,
    streamed: StreamedRows<S>,
    /// The gradient sums of blocks of rows, if gradients are summed in blocks.
    sums: Vec<Subtree<S>>,
    /// The parameters before the step, whose signs L1 regularization needs.
    before: Vec<S>,
    evaluator: Option<Evaluator<S>>,
}

impl<S: Scalar> Buffers<'_, S> {
    /// Enlarges the buffers for `n_rows` rows of the caller; with batch normalization,
    /// these rows are one block.
    fn fit_streamed(&mut self, network: &Network<S>, n_rows: usize) {
        if network.has_batch_norm() && n_rows > self.block_rows {
            self.block_rows = n_rows;
            self.workspaces[0].grow(network, n_rows);
        }
        self.streamed.fit(n_rows, self.block_rows);
    }
}

impl<S: Scalar> Trainer<'static, S> {
    /// Creates a trainer without samples, for online learning with
    /// [`step_on`](Self::step_on).
    ///
    /// A trainer for a stream has no epochs, and [`advance`](Self::advance) does nothing.
    /// The batch size is the number of rows that are computed together.
    ///
    /// # Errors
    /// Returns the same errors as [`new`](Self::new).
    #[inline(never)]
    pub fn online(network: Network<S>, config: TrainingConfig, threads: Threads) -> Result<Self> {
        config.check()?;
        let samples = Samples::none(network.n_inputs(), network.n_outputs());
        Self::with_samples(network, samples, None, config, threads)
    }
}

impl<'a, S: Scalar> Trainer<'a, S> {
    /// Estimates the memory that a trainer with `n_threads` threads allocates, not counting
    /// the samples.
    ///
    /// # Errors
    /// Returns the same errors as [`NetworkConfig::check`].
    pub fn memory(
        network: &NetworkConfig,
        config: &TrainingConfig,
        train: &Samples<'_, S>,
        validation: Option<&Samples<'_, S>>,
        n_threads: usize,
    ) -> Result<Memory> {
        Ok(memory::memory_of(
            &network.plan()?,
            config,
            train,
            validation,
            n_threads,
        ))
    }

    /// Creates a trainer from a network, samples and a configuration.
    ///
    /// # Errors
    /// Returns [`Error::OutOfRange`] or [`Error::Conflict`] for an invalid configuration,
    /// for an ensemble, for batch normalization of a single row, and if all training rows or all
    /// validation rows have weight 0; [`Error::Empty`] or [`Error::Shape`] for samples
    /// that do not match the network; [`Error::OutOfMemory`] if the buffers do not fit in
    /// memory.
    #[inline(never)]
    pub fn new(
        network: Network<S>,
        train: Samples<'a, S>,
        validation: Option<Samples<'a, S>>,
        config: TrainingConfig,
        threads: Threads,
    ) -> Result<Self> {
        config.check()?;
        let validation = validation.filter(|samples| !samples.is_empty());
        for samples in std::iter::once(&train).chain(&validation) {
            samples.check_fit(network.n_inputs(), network.n_outputs())?;
            samples.check_weights()?;
        }
        config.check_batches(network.has_batch_norm(), train.len())?;
        Self::with_samples(network, train, validation, config, threads)
    }

    /// As [`new`](Self::new), with a configuration and samples that were checked.
    fn with_samples(
        network: Network<S>,
        train: Samples<'a, S>,
        validation: Option<Samples<'a, S>>,
        config: TrainingConfig,
        threads: Threads,
    ) -> Result<Self> {
        config
            .loss
            .check_output(network.output_layer().activation)?;
        config.check_frozen(network.layers().len())?;
        network.check_trainable()?;
        // The temperature belongs to the trained weights.
        let network = network.uncalibrated();
        let plan = network.plan();
        let groups = parameter_groups::groups(plan, config.frozen_layers, &config.rate_factors)?;
        let has_batch_norm = network.has_batch_norm();
        let partition = Partition::new(train.len(), &config, has_batch_norm);
        let batch_rows = match partition.n_batches() {
            0 => config.step_rows().unwrap_or(1),
            _ => partition.max_rows(),
        };
        let class_weights = class_weights(&config.class_weights, &train)?;
        let total_weight = total_weight(&train, class_weights.as_deref())?;
        let sum_rows = config
            .summation_rows()
            .unwrap_or(batch_rows)
            .min(batch_rows);
        let block_rows_of = |widest| rows_of_block(has_batch_norm, sum_rows, widest);
        let widest = network.plan().widest();
        let n_parameters = network.parameters().len();
        let memory = memory::memory_of(
            network.plan(),
            &config,
            &train,
            validation.as_ref(),
            threads.count(),
        );
        // The network is allocated already, and nothing is saved yet.
        let others = memory.parameters - bytes_of::<S>(1, n_parameters);
        probe(
            others
                .saturating_add(memory.activations)
                .saturating_add(memory.inputs),
        )?;
        let mut order = EpochOrder::new(&train);
        let mut block_rows = block_rows_of(widest);
        let sparse = match config.batch_size {
            _ if !network.plan().starts_dense() => None,
            BatchSize::Full => {
                let n_outputs = network.layers()[0].n_outputs;
                let order = order.all_rows();
                order.and_then(|order| {
                    SparseBlocks::fixed(&train, block_rows, n_outputs, order, &threads)
                })
            }
            BatchSize::Rows(_) => SparseBlocks::changing(&train, block_rows, &threads),
        };
        if sparse.is_none() {
            block_rows = block_rows_of(widest.max(network.n_inputs()));
        }
        let descends = config.optimizer == Optimizer::Sgd
            && config.regularization == Regularization::default()
            && config.weight_decay == 0.0
            && config.rate_factors.is_empty()
            && config.clip_norm.is_none()
            && config.clip_value.is_none()
            && can_descend(&network)
            && batch_rows == block_rows
            && config.summation_rows().is_none();
        let mut sum_rows = config.summation_rows();
        if sum_rows.is_none() && sparse.is_none() && !descends && !train.is_empty() {
            sum_rows = partition::parallel_rows(network.plan(), batch_rows);
            if let Some(rows) = sum_rows {
                block_rows = partition::rows_of_cached_block(network.plan(), rows);
            }
        }
        let subtrees = sum_rows.map(|block_rows| Subtrees {
            n_rows: batch_rows,
            block_rows,
        });
        let n_workspaces = match subtrees {
            Some(subtrees) if sparse.is_none() => subtrees.count().min(threads.count()),
            _ => 1,
        };
        let n_inputs = network.n_inputs();
        let inputs = std::iter::once(BlockInputs::new(block_rows, n_inputs, sparse));
        let more = (1..n_workspaces).map(|_| BlockInputs::new(block_rows, n_inputs, None));
        let workspaces = inputs.chain(more);
        let workspaces = workspaces.map(|inputs| Workspace::new(&network, block_rows, inputs));
        let mut trainer = Self {
            class_weights,
            total_weight,
            partition,
            sum_rows,
            optimizer: OptimizerState::new(config.optimizer, n_parameters, config.learning_rate)?,
            groups,
            plateau: Plateau::default(),
            best: Best {
                value: f64::INFINITY,
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
            pending: None,
            division: None,
            descends,
            buffers: Buffers {
                block_rows,
                workspaces: workspaces.collect(),
                streamed: StreamedRows::new(n_inputs),
                sums: subtrees.map_or_else(Vec::new, |subtrees| subtrees.sums(n_parameters)),
                before: if config.regularization.l1 > 0.0 {
                    network.parameters().to_vec()
                } else {
                    Vec::new()
                },
                evaluator: validation
                    .as_ref()
                    .map(|samples| Evaluator::new(&network, samples.len())),
            },
            network,
            criterion: Criterion::menu(config.loss),
            config,
            train,
            validation,
            threads,
        };
        trainer.start_epoch();
        trainer.progress.is_done = trainer.n_batches() == 0;
        Ok(trainer)
    }

    /// Replaces the loss function of the configuration by a custom one.
    ///
    /// # Errors
    /// Returns [`Error::Conflict`] if the loss does not accept the activation of the
    /// output layer.
    pub fn with_loss(mut self, loss: impl LossFunction + 'static) -> Result<Self> {
        loss.check_output(self.network.output_layer().activation)?;
        self.criterion = Criterion::custom(loss);
        Ok(self)
    }

    /// Replaces the optimizer of the configuration by a custom update rule.
    ///
    /// Learning rate and schedule still come from the configuration.
    #[must_use]
    pub fn with_optimizer(mut self, rule: impl UpdateRule) -> Self {
        self.optimizer = OptimizerState::custom(rule, self.network.parameters().len());
        self.descends = false;
        self
    }

    /// The names of loss and optimizer in a checkpoint.
    pub(crate) fn names(&self) -> [String; 2] {
        [self.criterion.function.name(), self.optimizer.name()]
    }

    /// Turns on data augmentation of the training inputs, drawn again each epoch.
    ///
    /// # Errors
    /// Returns [`Error::Conflict`] if the inputs are not bytes, or several processes share the
    /// training run already.
    #[inline(never)]
    pub fn augment(&mut self, augmentation: Box<dyn Augmentation + 'a>) -> Result<()> {
        self.check_undivided("augmentation")?;
        let inputs = &mut self.buffers.workspaces[0].inputs;
        if inputs.augment(augmentation, &self.train, &self.threads) {
            return Ok(());
        }
        Err(Error::Conflict {
            what: "augmentation".to_owned(),
            problem: "needs inputs that are bytes, such as pixels".to_owned(),
        })
    }

    /// Calls [`advance`](Self::advance) until training is done or `observe` returns
    /// `Break`; returns the report of the last finished epoch, if any.
    ///
    /// # Errors
    /// Returns [`Error::Diverged`] if the loss or the gradient is NaN or infinite.
    pub fn run(
        &mut self,
        mut observe: impl FnMut(&Event) -> ControlFlow<()>,
    ) -> Result<Option<EpochReport>> {
        self.drive(|_, event| observe(event))
    }

    /// As [`run`](Self::run), with access to the trainer.
    fn drive(
        &mut self,
        mut observe: impl FnMut(&Self, &Event) -> ControlFlow<()>,
    ) -> Result<Option<EpochReport>> {
        let mut last = None;
        while let Some(event) = self.advance()? {
            let flow = observe(self, &event);
            if let Event::Epoch(report) = event {
                last = Some(report);
            }
            if flow.is_break() {
                break;
            }
        }
        Ok(last)
    }

    /// Trains to the end and returns [`network`](Self::network).
    ///
    /// # Errors
    /// Returns [`Error::Diverged`] if the loss or the gradient is NaN or infinite.
    pub fn finish(mut self) -> Result<Network<S>> {
        self.run(|_| ControlFlow::Continue(()))?;
        Ok(self.network())
    }

    /// Trains on the next batch, or does the evaluation that ends an epoch; `None`
    /// when training is done.
    ///
    /// # Errors
    /// Returns [`Error::Diverged`] if the loss or the gradient is NaN or infinite. On an error,
    /// the parameters are the same as before the step, except with plain gradient descent,
    /// which updates them during the backward pass. If several processes share the training
    /// run, returns errors of the exchange, and [`Error::Conflict`] on processes other than 0.
    #[inline(never)]
    pub fn advance(&mut self) -> Result<Option<Event>> {
        if self.progress.is_done {
            return Ok(None);
        }
        if self.division.is_none() {
            return self.advance_here();
        }
        self.announce(Command::Advance {
            learning_rate: self.progress.learning_rate,
            descends: self.descends,
        })?;
        self.advance_together()
    }

    /// Follows an instruction to [`advance`](Self::advance).
    pub(crate) fn advance_as(
        &mut self,
        learning_rate: f64,
        descends: bool,
    ) -> Result<Option<Event>> {
        self.progress.learning_rate = learning_rate;
        self.descends = descends;
        self.advance_together()
    }

    /// As [`advance`](Self::advance), on all processes at once.
    #[inline(never)]
    fn advance_together(&mut self) -> Result<Option<Event>> {
        let event = self.advance_here();
        // All processes diverge together.
        if let (Err(error), Some(division)) = (&event, &mut self.division)
            && !matches!(error, Error::Diverged { .. })
        {
            division.abandon();
        }
        event
    }

    #[inline(always)]
    fn advance_here(&mut self) -> Result<Option<Event>> {
        if self.progress.batch < self.n_batches() {
            return self.train_batch().map(|report| Some(Event::Batch(report)));
        }
        self.finish_epoch().map(|report| Some(Event::Epoch(report)))
    }

    /// Returns `true` if the next call of [`advance`](Self::advance) ends an epoch.
    pub fn is_epoch_trained(&self) -> bool {
        self.progress.batch == self.n_batches()
    }

    /// The network that training returns.
    ///
    /// With [`patience`](TrainingConfig::patience), this is the
    /// [`best_network`](Self::best_network) so far; otherwise, and before the first
    /// epoch ends, the [`latest_network`](Self::latest_network).
    #[inline(never)]
    pub fn network(&self) -> Network<S> {
        let best = self.best_network();
        best.map_or_else(|| self.latest_network(), Clone::clone)
    }

    /// The network after the epoch with the lowest loss or error (see [`Monitor`]) of the
    /// validation rows (training rows if there are none), with averaged weights if averaging
    /// is on.
    ///
    /// `None` before the first epoch ends, and without
    /// [`patience`](TrainingConfig::patience).
    pub fn best_network(&self) -> Option<&Network<S>> {
        self.best.network.as_ref()
    }

    /// The epoch with the lowest loss or error (see [`Monitor`]) of the validation rows
    /// (training rows if there are none), counted from 1. `None` before the first epoch ends.
    pub fn best_epoch(&self) -> Option<usize> {
        let is_known = self.best.value.is_finite();
        is_known.then(|| self.progress.epoch - self.best.waited)
    }

    /// The network after the last step, with averaged weights if averaging is on.
    #[inline(never)]
    pub fn latest_network(&self) -> Network<S> {
        let mut network = self.network.clone();
        if self.config.averaging.is_some() {
            network.parameters_mut().copy_from_slice(&self.average);
        }
        network
    }

    /// The network in training, with the gradient of the last batch and the activations and
    /// errors of its last block of rows. With several threads, other rows of the batch may
    /// be the last block.
    ///
    /// Plain gradient descent updates the parameters during the backward pass and does
    /// not store the gradient, unless [`keep_gradients`](Self::keep_gradients) was
    /// called.
    pub fn state(&self) -> (&Network<S>, &ForwardCache<S>, &Gradients<S>) {
        let workspace = &self.buffers.workspaces[0];
        (&self.network, &workspace.cache, &workspace.gradients)
    }

    /// Makes plain gradient descent store its gradient in [`state`](Self::state), from
    /// the next step on.
    ///
    /// Storing the gradient makes training slower and changes the result by rounding errors.
    /// Other optimizers always store the gradient.
    pub fn keep_gradients(&mut self) {
        self.descends = false;
    }

    /// The configuration that the trainer was created with.
    pub fn config(&self) -> &TrainingConfig {
        &self.config
    }

    /// Changes the learning rate from the next step on.
    ///
    /// # Errors
    /// Returns [`Error::OutOfRange`] if the learning rate is not a finite number above
    /// 0.
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<()> {
        self.progress.learning_rate = Range::Positive.check("learning rate", learning_rate)?;
        Ok(())
    }

    /// The learning rate without the factor of the schedule: the rate of the
    /// configuration, unless [`set_learning_rate`](Self::set_learning_rate) changed it.
    pub fn learning_rate(&self) -> f64 {
        self.progress.learning_rate
    }

    /// Number of training samples.
    pub fn n_samples(&self) -> usize {
        self.train.len()
    }

    /// Number of batches per epoch.
    pub fn n_batches(&self) -> usize {
        self.partition.n_batches()
    }

    /// Number of finished epochs.
    pub fn epoch(&self) -> usize {
        self.progress.epoch
    }

    /// Number of steps since the start of training.
    pub fn n_steps(&self) -> u64 {
        self.progress.step
    }

    /// Returns `true` if training is done: all epochs are finished, or it stopped early.
    pub fn is_done(&self) -> bool {
        self.progress.is_done
    }

    /// Returns `true` if training stopped early, because the loss did not decrease for
    /// [`patience`](TrainingConfig::patience) epochs.
    pub fn is_stopped_early(&self) -> bool {
        self.config.patience > 0 && self.best.waited >= self.config.patience
    }

    fn start_epoch(&mut self) {
        self.progress.batch = 0;
        self.progress.sums = EpochSums::default();
        self.order_samples();
    }

    /// Sets the order of the current epoch, independent of the previous order.
    fn order_samples(&mut self) {
        let is_shuffled = self.config.shuffle && self.config.batch_size != BatchSize::Full;
        let streams = is_shuffled.then(|| Streams::new(self.config.seed));
        self.order.start_epoch(streams, self.progress.epoch as u64);
    }

    fn finish_epoch(&mut self) -> Result<EpochReport> {
        self.complete_optimizer()?;
        self.check_state()?;
        let sums = self.progress.sums;
        let validation = self.evaluate_validation()?;
        if let Some(loss) = validation.as_ref().map(|v| v.loss)
            && !loss.is_finite()
        {
            let last = self.network.layers().len() - 1;
            return Err(self.diverged("validation loss", loss, last));
        }
        let watched = validation
            .as_ref()
            .map_or(sums.loss(), |validation| validation.loss);
        let is_best = self.note_best(match self.config.monitor {
            Monitor::Loss => watched,
            Monitor::Error => self.error(validation.as_ref(), sums),
        });
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

    fn evaluate_validation(&mut self) -> Result<Option<Evaluation>> {
        let (Some(validation), Some(evaluator)) = (&self.validation, &mut self.buffers.evaluator)
        else {
            return Ok(None);
        };
        let is_averaged = self.config.averaging.is_some();
        if is_averaged {
            self.network
                .parameters_mut()
                .swap_with_slice(&mut self.average);
        }
        let evaluation = evaluator.evaluate(
            &self.network,
            validation,
            &*self.criterion.function,
            &self.threads,
        );
        if is_averaged {
            self.network
                .parameters_mut()
                .swap_with_slice(&mut self.average);
        }
        evaluation.map(Some)
    }

    /// 1 − accuracy, or the root mean square error of numbers, of the validation rows (training
    /// rows if there are none). The root mean square error of training rows is not known, so the
    /// loss takes its place.
    fn error(&self, validation: Option<&Evaluation>, sums: EpochSums) -> f64 {
        let Some(validation) = validation else {
            let accuracy = self.accuracy(sums);
            return accuracy.map_or(sums.loss(), |accuracy| 1.0 - accuracy);
        };
        let of_numbers = validation.regression.as_ref();
        let of_numbers = of_numbers.map_or(validation.loss, |errors| errors.root_mean_square);
        validation
            .accuracy
            .map_or(of_numbers, |accuracy| 1.0 - accuracy)
    }

    /// Updates the best epoch; keeps its weights if early stopping may return them. Returns
    /// `true` if the epoch is the best so far.
    fn note_best(&mut self, value: f64) -> bool {
        let is_best = value < self.best.value
            || self.config.monitor == Monitor::Error && value == self.best.value;
        if !is_best {
            self.best.waited += 1;
            return false;
        }
        self.best.value = value;
        self.best.waited = 0;
        if self.config.patience > 0 {
            self.keep_as_best();
        }
        true
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
        self.train.n_classes().map(|_| sums.accuracy())
    }

    fn diverged(&self, what: &'static str, value: f64, layer: usize) -> Error {
        self.progress.diverged(self.n_batches(), what, value, layer)
    }
}
