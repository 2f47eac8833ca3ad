//! The configuration of a training run.

use std::fmt;

use nn_error::{Error, Range, Result};
use nn_functions::{Loss, Menu, Optimizer, Regularization, Schedule};

use crate::stage::batch_norm;

/// The batch size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchSize {
    /// Full batch: all rows, as in batch gradient descent.
    Full,
    /// Number of rows per batch; 1 is stochastic gradient descent.
    ///
    /// The last batch of an epoch has the remaining rows. A single remaining row
    /// joins the previous batch if the network has batch normalization, which needs
    /// at least 2 rows.
    Rows(usize),
}

/// How to reduce the per-row gradients of a batch: mean or sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Mean of the per-row gradients; with weights, (1/B) Σ (wᵢ/w̄)·gᵢ: see
    /// [`Samples::with_weights`](crate::Samples::with_weights).
    Mean,
    /// Sum of the per-row gradients (newbies 2.4 and 5.2.9).
    Sum,
}

/// The metric that chooses the best epoch, for [`patience`](TrainingConfig::patience).
///
/// It is measured on the validation rows, or on the training rows if there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Monitor {
    /// The loss. Of epochs with equal losses, the first is the best.
    #[default]
    Loss,
    /// The error: 1 − accuracy for classes and labels, the root mean square error for numbers.
    /// A regression without validation rows is monitored by its training loss.
    ///
    /// Of epochs with equal errors, which are common with few validation rows, the last is the
    /// best, as in RealMLP (Holzmüller et al. 2024, "Better by Default").
    Error,
}

/// Class weights in the loss: the weight of each row is multiplied by the weight of its
/// class.
///
/// A weight of 2 has the effect of repeating every row of the class, for any batch
/// size; see [`Samples::with_weights`](crate::Samples::with_weights).
#[derive(Clone, Debug, PartialEq)]
pub enum ClassWeights {
    /// Equal weights.
    None,
    /// Weights n/(K·n_k) for n rows and K classes, with n_k rows of class k, so that all
    /// classes have equal influence (as in scikit-learn).
    Balanced,
    /// One weight per class.
    Given(Vec<f64>),
}

impl ClassWeights {
    fn check(&self) -> Result<()> {
        let Self::Given(weights) = self else {
            return Ok(());
        };
        for weight in weights {
            Range::NotNegative.check("class weight", *weight)?;
        }
        if weights.iter().any(|&weight| weight > 0.0) {
            return Ok(());
        }
        Err(Error::OutOfRange {
            what: "class weights".to_owned(),
            expected: "at least one weight above 0".to_owned(),
            found: "none".to_owned(),
        })
    }
}

/// A factor that multiplies the learning rate of some parameters.
///
/// ```
/// use nn_core::training::RateFactor;
///
/// // Biases of all layers learn at a tenth of the rate.
/// let biases = RateFactor::new("bias", 0.1);
/// // The scaling stage of the first layer learns six times as fast.
/// let scaling = RateFactor { layer: Some(0), ..RateFactor::new("scaling", 6.0) };
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RateFactor {
    /// Index of the layer, counted from 0; `None` means all layers.
    pub layer: Option<usize>,
    /// Name of a tensor in a model file, without the prefix of the layer: `weight`, `bias`,
    /// or the name of a stage, such as `scaling`, for all tensors of the stage.
    pub tensor: String,
    /// The factor for the learning rate. If several factors match a tensor, the last one applies.
    pub factor: f64,
    /// A further factor for the weight decay of adamw, which is multiplied by the learning
    /// rate: 0 for no weight decay.
    pub decay: f64,
}

impl RateFactor {
    /// A factor for tensors of this name in all layers.
    pub fn new(tensor: impl Into<String>, factor: f64) -> Self {
        Self {
            layer: None,
            tensor: tensor.into(),
            factor,
            decay: 1.0,
        }
    }

    /// Returns `true` if the factor is for this tensor of this layer.
    pub(crate) fn fits(&self, layer: usize, tensor: &str) -> bool {
        let is_name = tensor.strip_prefix(&*self.tensor);
        let is_name = is_name.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        is_name && self.layer.is_none_or(|it| it == layer)
    }
}

impl fmt::Display for RateFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(layer) = self.layer {
            write!(f, "{layer}.")?;
        }
        write!(f, "{}={}", self.tensor, self.factor)?;
        match self.decay {
            1.0 => Ok(()),
            decay => write!(f, ":decay={decay}"),
        }
    }
}

/// Checks a schedule that depends on the position in training alone.
fn check_position_schedule(what: &str, schedule: Schedule) -> Result<()> {
    schedule.check()?;
    match schedule {
        Schedule::Plateau { .. } => Err(Error::Conflict {
            what: what.to_owned(),
            problem: "plateau is for the learning rate only".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// The configuration of a training run: everything except the network and the
/// data.
///
/// | Name | Default | Purpose | Range |
/// |---|---|---|---|
/// | `loss` | | see [`Loss`] | |
/// | `reduction` | mean | mean or sum of the gradients of a batch | |
/// | `label_smoothing` | 0 | fraction of the target spread over all classes | 0 to below 1 |
/// | `class_weights` | none | class weights in the loss: see [`ClassWeights`] | 0 or above |
/// | `optimizer` | | see [`Optimizer`] | |
/// | `learning_rate` | default of the optimizer | η | above 0 |
/// | `schedule` | constant | see [`Schedule`] | |
/// | `batch_size` | 64 rows | number of rows per batch | 1 or above |
/// | `drop_last` | false | leaves out the last batch of an epoch if it is smaller than the others | |
/// | `accumulate` | 1 | number of batches whose gradients are accumulated per step | 1 or above |
/// | `sum_rows` | automatic | number of rows per block of the gradient sum: see [`TrainingConfig::sum_rows`] | 1 or above |
/// | `frozen_layers` | 0 | number of frozen layers, counted from the input: they are not trained, and their batch normalization uses the running averages | below the number of layers |
/// | `rate_factors` | none | factors that multiply the learning rate of some parameters: see [`RateFactor`] | above 0 |
/// | `epochs` | 10 | number of passes over the data | 1 or above |
/// | `regularization` | 0 | L1 and L2 regularization of the weights | 0 or above |
/// | `weight_decay` | 0 | λ, the weight decay: λ·w is added to the gradient of every parameter, including biases, like `weight_decay` in PyTorch's optimizers; not supported with rprop, nor with adamw, which has its own weight decay | 0 or above |
/// | `weight_decay_schedule` | constant | schedule of `weight_decay` and of the weight decay of adamw | not plateau |
/// | `dropout_schedule` | constant | schedule of the dropout probabilities | not plateau |
/// | `max_norm` | none | maximum L2 norm of the incoming weights of each neuron | above 0 |
/// | `clip_norm` | none | clips the gradient to this L2 norm | above 0 |
/// | `clip_value` | none | clips each element of the gradient to ± this value | above 0 |
/// | `patience` | 0 | early stopping after this number of epochs without a lower validation loss (see `monitor`), keeping the weights of the best epoch; 0 trains to the end and keeps the last weights | |
/// | `monitor` | loss | metric that chooses the best epoch: see [`Monitor`] | |
/// | `averaging` | none | decay of a bias-corrected exponential moving average (EMA) of the weights, which replaces the final weights | 0 to below 1 |
/// | `shuffle` | true | shuffles the rows in each epoch | |
/// | `seed` | 0 | random seed of the row order and of dropout | |
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingConfig {
    /// The loss function.
    pub loss: Loss,
    /// Mean or sum of the gradients of a batch.
    pub reduction: Reduction,
    /// ε, the label smoothing.
    pub label_smoothing: f64,
    /// Class weights in the loss.
    pub class_weights: ClassWeights,
    /// The optimizer, which updates the parameters in each step.
    pub optimizer: Optimizer,
    /// η, the learning rate.
    pub learning_rate: f64,
    /// The learning-rate schedule.
    pub schedule: Schedule,
    /// The batch size.
    pub batch_size: BatchSize,
    /// Whether to leave out the last batch of an epoch if it has fewer rows than the others. With
    /// [`shuffle`](Self::shuffle), each epoch leaves out other rows.
    pub drop_last: bool,
    /// Number of batches whose gradients are accumulated per step.
    pub accumulate: usize,
    /// R, the number of rows per block of the gradient sum. The gradients of the rows of a
    /// block are added one by one, and the sums of the blocks are combined in a binary tree.
    /// With the batch size, the batch is one block.
    ///
    /// `None` chooses R: with `accumulate`, the batch size; for batches of at least 64 rows
    /// of dense inputs, if the network has at most 262 144 parameters and no batch
    /// normalization, a number that gives all threads equal work; otherwise, the batch is
    /// one block. The choice does not depend on the number of threads, so the result does
    /// not, either.
    pub sum_rows: Option<usize>,
    /// Number of frozen layers: the first layers, which are not trained.
    pub frozen_layers: usize,
    /// Factors that multiply the learning rate of some parameters (parameter groups).
    pub rate_factors: Vec<RateFactor>,
    /// Number of epochs (passes over the data).
    pub epochs: usize,
    /// L1 and L2 regularization of the weights.
    pub regularization: Regularization,
    /// λ, the weight decay as in PyTorch: λ·w is added to the gradient of every
    /// parameter, after clipping.
    pub weight_decay: f64,
    /// The schedule of `weight_decay` and of the weight decay of `adamw`.
    pub weight_decay_schedule: Schedule,
    /// The schedule of the dropout probabilities.
    pub dropout_schedule: Schedule,
    /// Max-norm constraint on the incoming weights of each neuron (Srivastava et
    /// al. 2014).
    pub max_norm: Option<f64>,
    /// Clips the gradient to this L2 norm (Pascanu et al. 2013).
    pub clip_norm: Option<f64>,
    /// Clips each gradient component to ± this value.
    pub clip_value: Option<f64>,
    /// Number of epochs without a lower validation loss (see [`monitor`](Self::monitor)) after
    /// which training stops early. If the patience is above 0, the result has the weights of the
    /// best epoch, whether or not training stops early.
    pub patience: usize,
    /// The metric that chooses the best epoch.
    pub monitor: Monitor,
    /// Decay of the exponential moving average of the weights (Polyak & Juditsky 1992),
    /// with the bias correction of Adam (Kingma & Ba 2015).
    pub averaging: Option<f64>,
    /// Whether to shuffle the rows in each epoch.
    pub shuffle: bool,
    /// Random seed of the row order and of dropout.
    pub seed: u64,
}

impl TrainingConfig {
    /// The default configuration for a loss and an optimizer.
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
            drop_last: false,
            accumulate: 1,
            sum_rows: None,
            frozen_layers: 0,
            rate_factors: Vec::new(),
            epochs: 10,
            regularization: Regularization::default(),
            weight_decay: 0.0,
            weight_decay_schedule: Schedule::Constant,
            dropout_schedule: Schedule::Constant,
            max_norm: None,
            clip_norm: None,
            clip_value: None,
            patience: 0,
            monitor: Monitor::Loss,
            averaging: None,
            shuffle: true,
            seed: 0,
        }
    }

    /// The number of rows per step; `None` for all rows.
    pub(crate) fn step_rows(&self) -> Option<usize> {
        match self.batch_size {
            BatchSize::Full => None,
            BatchSize::Rows(rows) => Some(rows.saturating_mul(self.accumulate)),
        }
    }

    /// R, the number of rows per block of the gradient sum, if
    /// [`sum_rows`](Self::sum_rows) or [`accumulate`](Self::accumulate) sets it.
    ///
    /// The sums of the blocks are combined in a binary tree, so the gradient of a
    /// step does not depend on how the blocks are distributed over batches:
    /// `accumulate: 4` with batches of 64 rows gives the same bits as batches of 256
    /// rows with `sum_rows: Some(64)`.
    pub fn summation_rows(&self) -> Option<usize> {
        match (self.sum_rows, self.batch_size) {
            (None, BatchSize::Rows(rows)) if self.accumulate > 1 => Some(rows),
            (sum_rows, _) => sum_rows,
        }
    }

    /// Checks that at least one of `n_layers` layers is trained.
    pub(crate) fn check_frozen(&self, n_layers: usize) -> Result<()> {
        if self.frozen_layers < n_layers {
            return Ok(());
        }
        Err(Error::OutOfRange {
            what: "frozen layers".to_owned(),
            expected: format!("fewer than the {n_layers} layers of the network"),
            found: self.frozen_layers.to_string(),
        })
    }

    fn check_summation(&self) -> Result<()> {
        Range::Count.check("accumulate", self.accumulate as f64)?;
        if let Some(rows) = self.sum_rows {
            Range::Count.check("sum_rows", rows as f64)?;
        }
        if self.accumulate == 1 {
            return Ok(());
        }
        let conflict = |problem: String| {
            Err(Error::Conflict {
                what: "accumulate".to_owned(),
                problem,
            })
        };
        match (self.batch_size, self.sum_rows) {
            (BatchSize::Full, _) => {
                conflict("cannot be combined with full-batch training".to_owned())
            }
            (BatchSize::Rows(rows), Some(sum_rows))
                if !rows.is_multiple_of(sum_rows) || !(rows / sum_rows).is_power_of_two() =>
            {
                conflict(format!(
                    "expected a batch size of {sum_rows} rows times a power of 2, so that a batch is a subtree of the sum, found {rows}"
                ))
            }
            _ => Ok(()),
        }
    }

    /// Checks that the network can be trained on batches of `n_rows` training rows:
    /// batch normalization needs at least 2 rows per batch.
    ///
    /// # Errors
    /// Returns [`Error::Conflict`] if the network has batch normalization and either a
    /// batch has a single row or the gradient is summed in blocks.
    pub fn check_batches(&self, has_batch_norm: bool, n_rows: usize) -> Result<()> {
        if has_batch_norm && (n_rows == 1 || self.batch_size == BatchSize::Rows(1)) {
            return Err(batch_norm::too_few_rows());
        }
        if has_batch_norm && self.summation_rows().is_some() {
            return Err(Error::Conflict {
                what: "batch normalization".to_owned(),
                problem:
                    "needs all rows of a step at once, so it cannot be combined with accumulate or sum_rows"
                        .to_owned(),
            });
        }
        Ok(())
    }

    /// Checks that every setting is in its range.
    ///
    /// # Errors
    /// Returns [`Error::OutOfRange`] for a setting that is out of its range, and
    /// [`Error::Conflict`] for settings that exclude each other.
    pub fn check(&self) -> Result<()> {
        self.loss.check()?;
        self.optimizer.check()?;
        self.schedule.check()?;
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
        self.class_weights.check()?;
        self.check_rate_factors()?;
        for (what, schedule) in [
            ("weight-decay schedule", self.weight_decay_schedule),
            ("dropout schedule", self.dropout_schedule),
        ] {
            check_position_schedule(what, schedule)?;
        }
        self.check_weight_decay()?;
        self.check_summation()?;
        self.regularization.check()
    }

    fn check_rate_factors(&self) -> Result<()> {
        for factor in &self.rate_factors {
            Range::Positive.check(&format!("learning-rate factor {factor}"), factor.factor)?;
            Range::NotNegative.check(&format!("weight-decay factor {factor}"), factor.decay)?;
        }
        match (self.optimizer, self.rate_factors.first()) {
            (Optimizer::Rprop { .. }, Some(_)) => Err(Error::Conflict {
                what: "learning-rate factors".to_owned(),
                problem: "not supported by rprop, which adapts its step sizes itself".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    fn check_weight_decay(&self) -> Result<()> {
        Range::NotNegative.check("weight decay", self.weight_decay)?;
        let problem = match self.optimizer {
            _ if self.weight_decay == 0.0 => return Ok(()),
            Optimizer::AdamW { .. } => "adamw has its own weight decay: adamw:weight-decay=0.01",
            Optimizer::Rprop { .. } => {
                "not available with rprop, whose steps do not depend on the magnitude of the gradient"
            }
            _ => return Ok(()),
        };
        Err(Error::Conflict {
            what: "weight decay".to_owned(),
            problem: problem.to_owned(),
        })
    }
}
