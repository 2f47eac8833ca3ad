//! Training: the loop, one step at a time.
//!
//! ```text
//! for every epoch
//!     shuffle the rows
//!     for every batch
//!         forward, loss, backward          network, loss, backprop
//!         add the penalty, clip            penalty
//!         step at the schedule's rate      optimizer, schedule
//!     evaluate the validation rows         metrics
//! ```
//!
//! A [`Trainer`] does one batch or one evaluation for each call of
//! [`Trainer::advance`] and says what happened in an [`Event`]; whoever calls
//! may show it, save it, wait, change the learning rate, or not call again.
//! [`Trainer::run`] calls it to the end. There is no other loop.

mod state;

use std::ops::ControlFlow;
use std::sync::OnceLock;

use nn_tensor::random::Streams;
use nn_tensor::reduce::sum_of_squares;
use nn_tensor::sparse::{SparseBytes, SparseRows, Transposed, Written};
use nn_tensor::{Matrix, Scalar, Threads};

use crate::augmentation::{Augmentation, Augmented};
use crate::backprop::Gradients;
use crate::batches::{Samples, Targets, scale_bytes, shuffle};
use crate::layer::inputs::{LayerInputs, TransposedInputs};
use crate::loss::Loss;
use crate::menu::Range;
use crate::metrics::{Evaluation, Evaluator};
use crate::network::{Network, Randomness, Trace};
use crate::optimizer::{Optimizer, OptimizerState};
use crate::penalty::Penalty;
use crate::schedule::{Plateau, Position, Schedule};
use crate::{Error, Result};

use state::Best;
pub(crate) use state::{EpochSums, Progress, State, StateBuffers};

/// Rows that go forward and back together when a batch is larger.
const MAX_BLOCK_ROWS: usize = 2048;

/// Rows between the ones that are worked on and those that are asked for from
/// memory: a small batch is done sooner than memory answers.
const PREFETCH_DISTANCE: usize = 2;

/// Rows in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchSize {
    /// All rows: batch gradient descent.
    Full,
    /// So many rows; 1 is stochastic gradient descent. The last batch of an
    /// epoch may be smaller.
    Rows(usize),
}

impl BatchSize {
    /// Rows in a step, of so many samples.
    fn rows(self, n_samples: usize) -> usize {
        match self {
            Self::Full => n_samples,
            Self::Rows(rows) => rows.min(n_samples),
        }
    }
}

/// What the gradient of a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// The (weighted) mean of the gradients of its rows.
    Mean,
    /// Their sum (newbies 2.4 and 5.2.9).
    Sum,
}

/// How much the rows of each class count.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassWeights {
    /// All alike.
    None,
    /// n/(K·n_k): each class as much as any other (as in scikit-learn).
    Balanced,
    /// One factor a class.
    Given(Vec<f64>),
}

/// Everything about a training but the network and the data.
///
/// | Name | Default | Purpose | Range |
/// |---|---|---|---|
/// | `loss` | | see [`Loss`] | |
/// | `reduction` | mean | of the rows of a batch | |
/// | `label_smoothing` | 0 | share of the answer spread over all classes | 0 up to but not 1 |
/// | `class_weights` | none | factors on the rows of a class | 0 or above |
/// | `optimizer` | | see [`Optimizer`] | |
/// | `learning_rate` | the optimizer's | η | above 0 |
/// | `schedule` | constant | see [`Schedule`] | |
/// | `batch_size` | 64 rows | rows in a step | from 1 |
/// | `epochs` | 10 | passes over the data | from 1 |
/// | `penalty` | 0 | L1 and L2 | 0 or above |
/// | `max_norm` | none | longest weight vector into a neuron | above 0 |
/// | `clip_norm` | none | longest gradient | above 0 |
/// | `clip_value` | none | largest gradient of one parameter | above 0 |
/// | `patience` | 0 | epochs without a lower validation loss before training stops and the best weights come back; 0: never | |
/// | `averaging` | none | decay of a running mean of the weights that takes their place (EMA) | 0 up to but not 1 |
/// | `shuffle` | yes | a new order every epoch | |
/// | `seed` | 0 | order of the rows, dropout | |
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingConfig {
    /// What is made small.
    pub loss: Loss,
    /// Mean or sum over a batch.
    pub reduction: Reduction,
    /// ε of label smoothing.
    pub label_smoothing: f64,
    /// Factors on the rows of each class.
    pub class_weights: ClassWeights,
    /// How a gradient becomes a step.
    pub optimizer: Optimizer,
    /// η
    pub learning_rate: f64,
    /// How η changes.
    pub schedule: Schedule,
    /// Rows in a step.
    pub batch_size: BatchSize,
    /// Passes over the data.
    pub epochs: usize,
    /// Cost of large weights.
    pub penalty: Penalty,
    /// Longest weight vector into a neuron (Srivastava et al. 2014).
    pub max_norm: Option<f64>,
    /// Longest gradient (Pascanu et al. 2013).
    pub clip_norm: Option<f64>,
    /// Largest gradient of one parameter.
    pub clip_value: Option<f64>,
    /// Epochs to wait for a lower validation loss.
    pub patience: usize,
    /// Decay of a running mean of the weights (Polyak & Juditsky 1992).
    pub averaging: Option<f64>,
    /// A new order every epoch.
    pub shuffle: bool,
    /// Seed of the order and of dropout.
    pub seed: u64,
}

impl TrainingConfig {
    /// The usual choices for a loss and an optimizer.
    pub fn new(loss: Loss, optimizer: Optimizer) -> Self {
        Self {
            loss,
            reduction: Reduction::Mean,
            label_smoothing: 0.0,
            class_weights: ClassWeights::None,
            optimizer,
            learning_rate: optimizer.default_learning_rate(),
            schedule: Schedule::Constant,
            batch_size: BatchSize::Rows(64),
            epochs: 10,
            penalty: Penalty::default(),
            max_norm: None,
            clip_norm: None,
            clip_value: None,
            patience: 0,
            averaging: None,
            shuffle: true,
            seed: 0,
        }
    }

    /// Whether every number lies in its range.
    ///
    /// # Errors
    /// [`Error::OutOfRange`].
    pub fn check(&self) -> Result<()> {
        Range::Positive.check("learning rate", self.learning_rate)?;
        Range::Fraction.check("label smoothing", self.label_smoothing)?;
        Range::Count.check("epochs", self.epochs as f64)?;
        if let BatchSize::Rows(rows) = self.batch_size {
            Range::Count.check("batch size", rows as f64)?;
        }
        for (what, limit) in [
            ("max-norm", self.max_norm),
            ("clip-norm", self.clip_norm),
            ("clip-value", self.clip_value),
        ] {
            limit
                .map(|limit| Range::Positive.check(what, limit))
                .transpose()?;
        }
        if let Some(decay) = self.averaging {
            Range::Fraction.check("averaging", decay)?;
        }
        if let ClassWeights::Given(weights) = &self.class_weights {
            for weight in weights {
                Range::NotNegative.check("class weight", *weight)?;
            }
        }
        self.penalty.check()
    }
}

/// What [`Trainer::advance`] has just done.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// One step.
    Batch(BatchReport),
    /// An epoch, its validation included.
    Epoch(EpochReport),
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchReport {
    /// Epoch, counted from 1.
    pub epoch: usize,
    /// Batch of the epoch, counted from 1.
    pub batch: usize,
    /// Batches in an epoch.
    pub n_batches: usize,
    /// Rows in the batch.
    pub n_samples: usize,
    /// Mean loss of the rows before the step.
    pub loss: f64,
    /// Mean loss of the epoch's rows so far.
    pub epoch_loss: f64,
    /// Share of right answers of the epoch's rows so far, if classes are learned.
    pub epoch_accuracy: Option<f64>,
    /// The rate of the step.
    pub learning_rate: f64,
}

/// One epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochReport {
    /// Epoch, counted from 1.
    pub epoch: usize,
    /// Steps since the beginning.
    pub step: u64,
    /// Rate of the last step.
    pub learning_rate: f64,
    /// Mean loss per row, each row taken when its batch came up.
    pub train_loss: f64,
    /// Share of right answers, likewise; `None` for regression.
    pub train_accuracy: Option<f64>,
    /// The validation rows after the epoch, if there are any.
    pub validation: Option<Evaluation>,
    /// Whether no epoch before had a lower validation (or training) loss.
    pub is_best: bool,
    /// Whether patience has run out.
    pub is_stopping: bool,
}

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
    optimizer: OptimizerState<S>,
    plateau: Plateau,
    best: Best<S>,
    /// Running mean of the parameters, if asked for.
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
    evaluator: Option<Evaluator<S>>,
    sparse: Option<SparseBuffers<S>>,
    /// Whether the step of plain gradient descent is done during
    /// backpropagation.
    descends: bool,
}

/// The inputs of all samples, or of an augmented block, without their zeros.
#[derive(Clone, Debug)]
struct SparseBuffers<S> {
    matrix: SparseBytes,
    factors: Box<[S; 256]>,
    /// One buffer, or, where every epoch has the same blocks, one a block,
    /// filled for good.
    transposed: Vec<Transposed>,
    is_fixed: bool,
}

impl<S: Scalar> SparseBuffers<S> {
    fn new(
        train: &Samples<'_, S>,
        block_rows: usize,
        is_fixed: bool,
        threads: &Threads,
    ) -> Option<Self> {
        if block_rows > Transposed::MAX_ROWS {
            return None;
        }
        let (matrix, factors) = train.sparse_inputs()?;
        let mut transposed = Vec::new();
        if is_fixed {
            let rows: Vec<u32> = (0..train.len() as u32).collect();
            let empty = Transposed::new(&matrix, 0, threads);
            for rows in rows.chunks(block_rows) {
                let mut block = empty.clone();
                block.fill(
                    SparseRows {
                        matrix: &matrix,
                        rows,
                    },
                    threads,
                );
                transposed.push(block);
            }
        } else {
            transposed.push(Transposed::new(&matrix, block_rows, threads));
        }
        Some(Self {
            matrix,
            factors,
            transposed,
            is_fixed,
        })
    }

    /// From now on holds no more than a block, refilled for each.
    fn take_blocks(&mut self, threads: &Threads) {
        self.transposed = vec![Transposed::new(&self.matrix, 0, threads)];
        self.is_fixed = false;
        self.matrix.refill(&[]);
    }

    fn rows<'s>(&'s self, positions: &'s [u32]) -> SparseRows<'s> {
        SparseRows {
            matrix: &self.matrix,
            rows: positions,
        }
    }

    /// The inputs at `positions`, which are block number `block` of the batch.
    fn block<'s>(
        &'s mut self,
        positions: &'s [u32],
        block: usize,
    ) -> (LayerInputs<'s, S>, TransposedInputs<'s>) {
        let rows = SparseRows {
            matrix: &self.matrix,
            rows: positions,
        };
        let inputs = LayerInputs::Sparse {
            rows,
            factors: &self.factors,
        };
        let transposed = if self.is_fixed {
            TransposedInputs::Filled(&mut self.transposed[block])
        } else {
            TransposedInputs::ToFill(&mut self.transposed[0])
        };
        (inputs, transposed)
    }
}

impl<'a, S: Scalar> Trainer<'a, S> {
    /// Joins a network, samples and a configuration.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] or [`Error::Conflict`] for a configuration that
    /// cannot be, [`Error::Empty`] or [`Error::Shape`] for samples that do not
    /// fit the network.
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
        }
        let batch_rows = config.batch_size.rows(train.len());
        let has_batch_norm = network.layers().iter().any(|layer| layer.batch_norm);
        if has_batch_norm && batch_rows == 1 {
            return Err(Error::Conflict {
                what: "batch normalisation".to_owned(),
                problem: "needs batches of at least 2 rows".to_owned(),
            });
        }
        // Statistics of a batch need the whole batch at once.
        let block_rows = if has_batch_norm {
            batch_rows
        } else {
            batch_rows.min(MAX_BLOCK_ROWS)
        };
        let n_parameters = network.parameters().len();
        // Of full batches, every epoch has the same blocks.
        let is_fixed = config.batch_size == BatchSize::Full;
        let sparse = SparseBuffers::new(&train, block_rows, is_fixed, &threads);
        let n_dense = if sparse.is_some() {
            0
        } else {
            block_rows * network.n_inputs()
        };
        let descends = config.optimizer == Optimizer::Sgd
            && config.penalty == Penalty::default()
            && config.clip_norm.is_none()
            && config.clip_value.is_none()
            && !has_batch_norm
            && batch_rows == block_rows;
        let mut trainer = Self {
            class_weights: class_weights(&config.class_weights, &train)?,
            optimizer: OptimizerState::new(config.optimizer, n_parameters, config.learning_rate),
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
            order: (0..train.len() as u32).collect(),
            augmented: None,
            buffers: Buffers {
                block_rows,
                inputs: vec![S::zero(); n_dense],
                targets: vec![S::zero(); block_rows * network.n_outputs()],
                trace: Trace::new(&network, block_rows),
                gradients: Gradients::new(&network, block_rows),
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

    /// The network as it would be used now: with averaged weights if averaging
    /// is on, and with the best ones once patience has run out.
    pub fn network(&self) -> Network<S> {
        if let (true, Some(best)) = (self.is_stopped_early(), &self.best.network) {
            return best.clone();
        }
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
        self.progress.learning_rate = Range::Positive.check("learning rate", learning_rate)?;
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
        self.train.len().div_ceil(self.batch_rows())
    }

    fn batch_rows(&self) -> usize {
        self.config.batch_size.rows(self.train.len())
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
        let start = self.progress.batch * self.batch_rows();
        let end = self.train.len().min(start + self.batch_rows());
        self.progress.last_rate = self.next_learning_rate();
        let sums = self.forward_and_backward(start, end)?;
        self.check_gradient()?;
        if !self.buffers.descends {
            self.regularise_gradient();
            let gradient = self.buffers.gradients.values();
            let rate = self.progress.last_rate;
            let parameters = self.network.parameters_mut();
            self.optimizer
                .step(parameters, gradient, rate, &self.threads);
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
        let mut scale = self.gradient_scale(start, end);
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
                    sparse
                        .rows(&later[..later.len().min(block_rows)])
                        .prefetch();
                    sparse.block(positions, block)
                }
                (Some(sparse), Some(augmented)) => sparse.block(augmented.places(), block),
                (None, _) => (
                    dense_block(inputs, self.network.n_inputs(), positions.len()),
                    TransposedInputs::None,
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

    /// 1/Σ weights for the mean of a batch, 1 for its sum.
    fn gradient_scale(&self, start: usize, end: usize) -> S {
        let total = if self.class_weights.is_none() && !self.train.has_weights() {
            (end - start) as f64
        } else {
            let class_weights = self.class_weights.as_deref();
            let positions = self.order[start..end].iter();
            positions
                .map(|&position| {
                    weight_of(&self.train, class_weights, position as usize).into_f64()
                })
                .sum()
        };
        match self.config.reduction {
            Reduction::Mean if total > 0.0 => S::from_f64(1.0 / total),
            Reduction::Mean | Reduction::Sum => S::one(),
        }
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
            gradient
                .iter_mut()
                .for_each(|g| *g = g.max(-limit).min(limit));
        }
        if let Some(limit) = self.config.clip_norm {
            let norm = sum_of_squares(gradient).sqrt();
            if norm > limit {
                let factor = S::from_f64(limit / norm);
                gradient.iter_mut().for_each(|g| *g *= factor);
            }
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
            let share = S::from_f64(1.0 - decay);
            for (average, &parameter) in self.average.iter_mut().zip(self.network.parameters()) {
                *average += share * (parameter - *average);
            }
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
                let current = self.network();
                self.best.network = Some(current);
            }
        } else {
            self.best.waited += 1;
        }
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
        for (index, layer) in self.network.layers().iter().enumerate() {
            let sums = &sums[layer.weights().end..layer.parameters().end];
            if let Some(bad) = first_not_finite(sums) {
                return Err(self.diverged("gradient", bad, index));
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

/// The losses of a block of rows.
struct BlockLoss<'a, 'd, S> {
    config: &'a TrainingConfig,
    network: &'a Network<S>,
    train: &'a Samples<'d, S>,
    class_weights: Option<&'a [S]>,
    /// Which samples.
    positions: &'a [u32],
    /// Factor on every gradient.
    scale: S,
}

/// Rows whose losses are added up by themselves before the sums meet.
const LOSS_ROWS: usize = 128;

/// Most parts that a block's losses are taken in.
const MAX_LOSS_PARTS: usize = MAX_BLOCK_ROWS / LOSS_ROWS;

/// Some consecutive rows of a block.
struct LossPart<'a, S> {
    positions: &'a [u32],
    z: &'a [S],
    a: &'a [S],
    targets: &'a mut [S],
    errors: &'a mut [S],
    sums: EpochSums,
}

impl<S> LossPart<'_, S> {
    /// The same rows in parts, the last places empty if there are fewer.
    fn parts(self, width: usize) -> [Option<Self>; MAX_LOSS_PARTS] {
        let rows = LOSS_ROWS.max(self.positions.len().div_ceil(MAX_LOSS_PARTS));
        let mut positions = self.positions.chunks(rows);
        let mut z = self.z.chunks(rows * width);
        let mut a = self.a.chunks(rows * width);
        let mut targets = self.targets.chunks_mut(rows * width);
        let mut errors = self.errors.chunks_mut(rows * width);
        std::array::from_fn(|_| {
            Some(LossPart {
                positions: positions.next()?,
                z: z.next()?,
                a: a.next()?,
                targets: targets.next()?,
                errors: errors.next()?,
                sums: EpochSums::default(),
            })
        })
    }
}

impl<S: Scalar> BlockLoss<'_, '_, S> {
    /// Writes the targets and δᴸ of every row, and adds up losses and right
    /// answers, part by part in a fixed order.
    fn errors(
        &self,
        trace: &Trace<S>,
        gradients: &mut Gradients<S>,
        targets: &mut [S],
        threads: &Threads,
    ) -> EpochSums {
        let last = self.network.layers().len() - 1;
        let answers = trace.layer(last);
        let (n_rows, width) = (self.positions.len(), self.network.n_outputs());
        let mut block = LossPart {
            positions: self.positions,
            z: answers.pre_activations(),
            a: answers.activations(),
            targets: &mut targets[..n_rows * width],
            errors: gradients.error_mut(last, n_rows),
            sums: EpochSums::default(),
        };
        if n_rows <= LOSS_ROWS {
            self.errors_of(&mut block);
            return block.sums;
        }
        let mut parts = block.parts(width);
        threads.for_each(&mut parts, |_, part| {
            part.iter_mut().for_each(|part| self.errors_of(part));
        });
        let mut sums = EpochSums::default();
        parts.iter().flatten().for_each(|part| sums.add(part.sums));
        sums
    }

    fn errors_of(&self, part: &mut LossPart<'_, S>) {
        let (loss, output) = (self.config.loss, self.network.output_layer());
        let width = output.n_outputs;
        let smoothing = S::from_f64(self.config.label_smoothing);
        let LossPart {
            positions,
            z,
            a,
            targets,
            errors,
            sums,
        } = part;
        let answers = z.chunks_exact(width).zip(a.chunks_exact(width));
        let rows = targets
            .chunks_exact_mut(width)
            .zip(errors.chunks_exact_mut(width));
        for ((&position, (z, a)), (y, error)) in positions.iter().zip(answers).zip(rows) {
            let position = position as usize;
            self.train.copy_target(position, smoothing, y);
            let weight = weight_of(self.train, self.class_weights, position);
            let value = loss.of_row(output.activation, z, a, y, error);
            let factor = weight * self.scale;
            error.iter_mut().for_each(|error| *error *= factor);
            sums.add(EpochSums {
                loss: (weight * value).into_f64(),
                weight: weight.into_f64(),
                right: u64::from(loss.predicted_class(a) == loss.target_class(y)),
                n: 1,
            });
        }
    }
}

fn weight_of<S: Scalar>(
    samples: &Samples<'_, S>,
    class_weights: Option<&[S]>,
    position: usize,
) -> S {
    let weight = samples.weight(position);
    match (class_weights, samples.label(position)) {
        (Some(class_weights), Some(label)) => weight * class_weights[label as usize],
        _ => weight,
    }
}

/// The factor of every class, if there are any.
fn class_weights<S: Scalar>(
    weights: &ClassWeights,
    train: &Samples<'_, S>,
) -> Result<Option<Vec<S>>> {
    if *weights == ClassWeights::None {
        return Ok(None);
    }
    let counts = train.class_counts().ok_or_else(|| Error::Conflict {
        what: "class weights".to_owned(),
        problem: "need classes to learn".to_owned(),
    })?;
    match weights {
        ClassWeights::Given(given) if given.len() != counts.len() => Err(Error::Shape {
            what: "number of class weights",
            expected: counts.len(),
            found: given.len(),
        }),
        ClassWeights::Given(given) => Ok(Some(given.iter().copied().map(S::from_f64).collect())),
        ClassWeights::Balanced | ClassWeights::None => {
            let share = train.len() as f64 / counts.len() as f64;
            let balanced = counts
                .iter()
                .map(|&count| S::from_f64(share / count.max(1) as f64));
            Ok(Some(balanced.collect()))
        }
    }
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
                incoming.mapv_inplace(|w| w * factor);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::batches::Inputs;
    use crate::{Activation, LayerConfig, NetworkConfig};

    const N: usize = 200;

    /// Two interleaved classes in the plane.
    fn rings() -> (Array2<f64>, Vec<u32>) {
        let inputs = Array2::from_shape_fn((N, 2), |(row, column)| {
            let (radius, angle) = (0.5 + (row % 2) as f64, row as f64 * 0.7);
            if column == 0 {
                radius * angle.cos()
            } else {
                radius * angle.sin()
            }
        });
        (inputs, (0..N).map(|row| (row % 2) as u32).collect())
    }

    fn split() -> (Vec<u32>, Vec<u32>) {
        let mut stream = Streams::new(3).stream(nn_tensor::random::Purpose::Split, 0);
        crate::batches::split(N, 0.25, &mut stream)
    }

    fn network(dropout: f64) -> Network<f64> {
        let hidden = LayerConfig {
            dropout,
            ..LayerConfig::new(16, Activation::Tanh)
        };
        let layers = vec![hidden, LayerConfig::new(2, Activation::Softmax)];
        Network::new(
            &NetworkConfig {
                n_inputs: 2,
                layers,
            },
            1,
        )
        .unwrap()
    }

    fn config() -> TrainingConfig {
        let adam = Optimizer::Adam {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        };
        TrainingConfig {
            learning_rate: 0.02,
            epochs: 5,
            batch_size: BatchSize::Rows(32),
            ..TrainingConfig::new(Loss::CrossEntropy, adam)
        }
    }

    fn train(
        network: Network<f64>,
        config: TrainingConfig,
        threads: usize,
    ) -> (Network<f64>, Vec<Event>) {
        let (inputs, labels) = rings();
        let targets = Targets::Classes {
            labels: &labels,
            n_classes: 2,
        };
        let samples = Samples::new(Inputs::Values(inputs.view()), targets).unwrap();
        let (rows, validation) = split();
        let (train, validation) = (samples.select(&rows), samples.select(&validation));
        let mut trainer = Trainer::new(
            network,
            train,
            Some(validation),
            config,
            Threads::new(threads),
        )
        .unwrap();
        let mut events = Vec::new();
        trainer
            .run(|event| {
                events.push(event.clone());
                ControlFlow::Continue(())
            })
            .unwrap();
        (trainer.network(), events)
    }

    fn epochs(events: &[Event]) -> Vec<&EpochReport> {
        let reports = events.iter().filter_map(|event| match event {
            Event::Epoch(report) => Some(report),
            Event::Batch(_) => None,
        });
        reports.collect()
    }

    #[test]
    fn it_learns() {
        let (_, events) = train(
            network(0.0),
            TrainingConfig {
                epochs: 40,
                ..config()
            },
            1,
        );
        let last = epochs(&events)[39];
        assert_eq!(last.validation.as_ref().unwrap().accuracy, Some(1.0));
        assert!(last.train_loss < 0.1);
    }

    #[test]
    fn events_come_in_order() {
        let (_, events) = train(network(0.0), config(), 1);
        assert_eq!(events.len(), 5 * (5 + 1));
        let Event::Batch(last) = &events[28] else {
            panic!("{:?}", events[28])
        };
        assert_eq!(
            (last.epoch, last.batch, last.n_batches, last.n_samples),
            (5, 5, 5, 22)
        );
        let Event::Epoch(report) = &events[29] else {
            panic!("{:?}", events[29])
        };
        assert_eq!((report.epoch, report.step), (5, 25));
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        for dropout in [0.0, 0.3] {
            let (single, _) = train(network(dropout), config(), 1);
            assert_eq!(single, train(network(dropout), config(), 3).0);
        }
    }

    /// One full batch is the same in one block as in several.
    #[test]
    fn blocks_add_up_to_the_batch() {
        let n = MAX_BLOCK_ROWS + 77;
        let inputs = Array2::from_shape_fn((n, 2), |(row, column)| {
            ((row * 7 + column) % 11) as f64 / 11.0
        });
        let labels: Vec<u32> = (0..n).map(|row| (row % 2) as u32).collect();
        let targets = Targets::Classes {
            labels: &labels,
            n_classes: 2,
        };
        let samples = Samples::new(Inputs::Values(inputs.view()), targets).unwrap();
        let sgd = TrainingConfig {
            epochs: 1,
            batch_size: BatchSize::Full,
            learning_rate: 1.0,
            ..TrainingConfig::new(Loss::CrossEntropy, Optimizer::Sgd)
        };
        let start = network(0.0);
        let mut trainer =
            Trainer::new(start.clone(), samples.clone(), None, sgd, Threads::single()).unwrap();
        trainer.run(|_| ControlFlow::Continue(())).unwrap();
        let mut one_by_one = vec![0.0; start.parameters().len()];
        for position in 0..n as u32 {
            let one = TrainingConfig {
                epochs: 1,
                learning_rate: 1.0,
                ..TrainingConfig::new(Loss::CrossEntropy, Optimizer::Sgd)
            };
            let sample = samples.select(&[position]);
            let mut trainer =
                Trainer::new(start.clone(), sample, None, one, Threads::single()).unwrap();
            trainer.advance().unwrap();
            // With η = 1, a step is minus the gradient.
            let steps = start
                .parameters()
                .iter()
                .zip(trainer.state().0.parameters());
            one_by_one
                .iter_mut()
                .zip(steps)
                .for_each(|(sum, (before, after))| *sum += (before - after) / n as f64);
        }
        for ((after, before), g) in trainer
            .network()
            .parameters()
            .iter()
            .zip(start.parameters())
            .zip(one_by_one)
        {
            assert!((before - after - g).abs() < 1e-12);
        }
    }

    #[test]
    fn patience_brings_the_best_weights_back() {
        let config = TrainingConfig {
            epochs: 200,
            patience: 3,
            learning_rate: 2.0,
            ..config()
        };
        let (network, events) = train(network(0.0), config, 1);
        let reports = epochs(&events);
        assert!(reports.len() < 200 && reports.last().unwrap().is_stopping);
        let best = reports
            .iter()
            .map(|r| r.validation.as_ref().unwrap().loss)
            .fold(f64::MAX, f64::min);
        let (inputs, labels) = rings();
        let targets = Targets::Classes {
            labels: &labels,
            n_classes: 2,
        };
        let samples = Samples::new(Inputs::Values(inputs.view()), targets).unwrap();
        let validation = samples.select(&split().1);
        let found = crate::metrics::evaluate(
            &network,
            &validation,
            Loss::CrossEntropy,
            &Threads::single(),
        );
        assert_eq!(found.unwrap().loss, best);
    }

    #[test]
    fn divergence_is_reported() {
        let (inputs, labels) = rings();
        let targets = Targets::Classes {
            labels: &labels,
            n_classes: 2,
        };
        let samples = Samples::new(Inputs::Values(inputs.view()), targets).unwrap();
        let config = TrainingConfig {
            learning_rate: f64::MAX,
            ..TrainingConfig::new(Loss::CrossEntropy, Optimizer::Sgd)
        };
        let mut trainer =
            Trainer::new(network(0.0), samples, None, config, Threads::single()).unwrap();
        let error = trainer.run(|_| ControlFlow::Continue(())).unwrap_err();
        assert!(error.to_string().contains("at epoch 1, batch"), "{error}");
        assert_eq!(error.kind(), crate::ErrorKind::Diverged);
    }

    #[test]
    fn long_weight_vectors_are_shortened() {
        let config = TrainingConfig {
            max_norm: Some(0.25),
            ..config()
        };
        let (network, _) = train(network(0.0), config, 1);
        for layer in 0..2 {
            for column in network.weights(layer).columns() {
                assert!(column.dot(&column).sqrt() <= 0.25 + 1e-12);
            }
        }
    }

    #[test]
    fn averaged_weights_are_the_running_mean() {
        let decay = 0.8;
        let averaged = TrainingConfig {
            averaging: Some(decay),
            ..config()
        };
        let start = network(0.0);
        let (inputs, labels) = rings();
        let targets = Targets::Classes {
            labels: &labels,
            n_classes: 2,
        };
        let samples = Samples::new(Inputs::Values(inputs.view()), targets).unwrap();
        let mut trainer =
            Trainer::new(start.clone(), samples, None, averaged, Threads::single()).unwrap();
        let mut mean = start.parameters()[0];
        for _ in 0..4 {
            trainer.advance().unwrap();
            mean = decay * mean + (1.0 - decay) * trainer.state().0.parameters()[0];
        }
        assert!((trainer.network().parameters()[0] - mean).abs() < 1e-15);
    }

    #[test]
    fn impossible_trainings_are_refused() {
        let (inputs, labels) = rings();
        let targets = Targets::Classes {
            labels: &labels,
            n_classes: 2,
        };
        let samples = Samples::new(Inputs::Values(inputs.view()), targets).unwrap();
        let message = |config: TrainingConfig| {
            Trainer::new(
                network(0.0),
                samples.clone(),
                None,
                config,
                Threads::single(),
            )
            .unwrap_err()
            .to_string()
        };
        let wrong = TrainingConfig {
            learning_rate: -1.0,
            ..config()
        };
        assert_eq!(
            message(wrong),
            "learning rate: expected a number above 0, found -1"
        );
        let wrong = TrainingConfig {
            batch_size: BatchSize::Rows(0),
            ..config()
        };
        assert_eq!(
            message(wrong),
            "batch size: expected a whole number from 1, found 0"
        );
        let wrong = TrainingConfig {
            class_weights: ClassWeights::Given(vec![1.0]),
            ..config()
        };
        assert_eq!(
            message(wrong),
            "number of class weights: expected 2, found 1"
        );
        let wrong = TrainingConfig {
            loss: Loss::Hinge,
            ..config()
        };
        assert_eq!(
            message(wrong),
            "loss hinge: needs identity in the output layer, not softmax"
        );
    }
}
