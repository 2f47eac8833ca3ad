//! What a training is: everything but the network and the data.

use crate::loss::Loss;
use crate::menu::{Menu, Range};
use crate::optimizer::Optimizer;
use crate::regularization::Regularization;
use crate::schedule::Schedule;
use crate::stage::batch_norm;
use crate::{Error, Result};

/// Rows in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchSize {
    /// All rows: batch gradient descent.
    Full,
    /// So many rows; 1 is stochastic gradient descent. The last batch of an
    /// epoch has the rows that are left. Where a single row is left and the
    /// network has batch normalization, which needs at least 2, it joins the
    /// batch before it.
    Rows(usize),
}

/// What the gradient of a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// The mean of the gradients of its rows, with weights (1/B) Σ (wᵢ/w̄)·gᵢ:
    /// see [`Samples::with_weights`](crate::Samples::with_weights).
    Mean,
    /// Their sum (newbies 2.4 and 5.2.9).
    Sum,
}

/// The weight of each class in the loss: a factor on the weights of its rows.
///
/// Weight 2 has the effect of every row of the class twice, for any batch size;
/// see [`Samples::with_weights`](crate::Samples::with_weights).
#[derive(Clone, Debug, PartialEq)]
pub enum ClassWeights {
    /// All alike.
    None,
    /// n/(K·n_k): each class as much as any other (as in scikit-learn).
    Balanced,
    /// One factor a class.
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
            expected: "at least one number above 0".to_owned(),
            found: "none".to_owned(),
        })
    }
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
/// | `accumulate` | 1 | batches whose gradients are added up for one step | from 1 |
/// | `sum_rows` | none | rows in a block of the sum of gradients: see [`TrainingConfig::summation_rows`] | from 1 |
/// | `frozen_layers` | 0 | number of first layers that are not trained; batch normalization in them uses its running averages | below the number of layers |
/// | `epochs` | 10 | passes over the data | from 1 |
/// | `regularization` | 0 | L1 and L2 | 0 or above |
/// | `weight_decay` | 0 | λ, added to the gradient of every parameter as λ·w, biases included, as `weight_decay` of PyTorch's optimizers; adamw has its own, rprop has none | 0 or above |
/// | `max_norm` | none | longest weight vector into a neuron | above 0 |
/// | `clip_norm` | none | longest gradient | above 0 |
/// | `clip_value` | none | largest gradient of one parameter | above 0 |
/// | `patience` | 0 | keep the weights of the epoch with the lowest validation loss (training loss without validation rows), and stop after so many epochs without a lower one; 0: keep the last, never stop | |
/// | `averaging` | none | decay of the exponential moving average (EMA) of the weights that takes their place; without the initial weights | 0 up to but not 1 |
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
    /// Batches whose gradients are added up for one step.
    pub accumulate: usize,
    /// R, the rows in a block of the sum of gradients.
    pub sum_rows: Option<usize>,
    /// Number of first layers that are not trained.
    pub frozen_layers: usize,
    /// Passes over the data.
    pub epochs: usize,
    /// Cost of large weights.
    pub regularization: Regularization,
    /// λ of PyTorch's `weight_decay`: λ·w is added to the gradient of every
    /// parameter, after clipping.
    pub weight_decay: f64,
    /// Longest weight vector into a neuron (Srivastava et al. 2014).
    pub max_norm: Option<f64>,
    /// Longest gradient (Pascanu et al. 2013).
    pub clip_norm: Option<f64>,
    /// Largest gradient of one parameter.
    pub clip_value: Option<f64>,
    /// Epochs to wait for a lower validation loss; above 0, the weights of the
    /// epoch with the lowest are the result, whether or not training stops early.
    pub patience: usize,
    /// Decay of the exponential moving average of the weights (Polyak &
    /// Juditsky 1992), bias-corrected as Adam's (Kingma & Ba 2015).
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
            accumulate: 1,
            sum_rows: None,
            frozen_layers: 0,
            epochs: 10,
            regularization: Regularization::default(),
            weight_decay: 0.0,
            max_norm: None,
            clip_norm: None,
            clip_value: None,
            patience: 0,
            averaging: None,
            shuffle: true,
            seed: 0,
        }
    }

    /// Rows of a step; `None` for all of them.
    pub(crate) fn step_rows(&self) -> Option<usize> {
        match self.batch_size {
            BatchSize::Full => None,
            BatchSize::Rows(rows) => Some(rows.saturating_mul(self.accumulate)),
        }
    }

    /// R, the rows in a block of the sum of gradients; `None`: the rows of a step
    /// are added one after the other.
    ///
    /// The sums of blocks are joined in a binary tree, so that the gradient of a
    /// step does not depend on how the blocks are distributed: `accumulate: 4`
    /// with batches of 64 rows gives the same bits as batches of 256 rows with
    /// `sum_rows: Some(64)`.
    pub fn summation_rows(&self) -> Option<usize> {
        match (self.sum_rows, self.batch_size) {
            (None, BatchSize::Rows(rows)) if self.accumulate > 1 => Some(rows),
            (sum_rows, _) => sum_rows,
        }
    }

    /// Whether a layer of `n_layers` is left to be trained.
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
            Range::Count.check("rows of a block of the sum", rows as f64)?;
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
            (BatchSize::Full, _) => conflict("a full batch has nothing to add up".to_owned()),
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

    /// Whether `n_rows` training rows make batches that the network can learn
    /// from: batch normalization needs at least 2 rows.
    ///
    /// # Errors
    /// [`Error::Conflict`].
    pub fn check_batches(&self, has_batch_norm: bool, n_rows: usize) -> Result<()> {
        if has_batch_norm && (n_rows == 1 || self.batch_size == BatchSize::Rows(1)) {
            return Err(batch_norm::too_few_rows());
        }
        if has_batch_norm && self.summation_rows().is_some() {
            return Err(Error::Conflict {
                what: "batch normalization".to_owned(),
                problem:
                    "needs all rows of a step at once; it does not go with accumulate or sum_rows"
                        .to_owned(),
            });
        }
        Ok(())
    }

    /// Whether every number lies in its range, however it was made.
    ///
    /// # Errors
    /// [`Error::OutOfRange`], or [`Error::Conflict`] for settings that exclude
    /// each other.
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
        self.check_weight_decay()?;
        self.check_summation()?;
        self.regularization.check()
    }

    fn check_weight_decay(&self) -> Result<()> {
        Range::NotNegative.check("weight decay", self.weight_decay)?;
        let problem = match self.optimizer {
            _ if self.weight_decay == 0.0 => return Ok(()),
            Optimizer::AdamW { .. } => "adamw has its own: adamw:weight-decay=0.01",
            Optimizer::Rprop { .. } => "rprop has none: its steps do not depend on the size of g",
            _ => return Ok(()),
        };
        Err(Error::Conflict {
            what: "weight decay".to_owned(),
            problem: problem.to_owned(),
        })
    }
}
