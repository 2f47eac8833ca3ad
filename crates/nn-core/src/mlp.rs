//! The high-level interface: fit and predict in a few lines.
//!
//! ```
//! use nn_core::Mlp;
//!
//! // 400 points of a square: does a point lie in the circle of radius 0.7?
//! let place = |index: usize| 0.1 * index as f32 - 0.95;
//! let points: Vec<[f32; 2]> = (0..400).map(|i| [place(i / 20), place(i % 20)]).collect();
//! let labels: Vec<u32> = points.iter().map(|[x, y]| u32::from(x * x + y * y < 0.49)).collect();
//!
//! let model = Mlp::classifier().hidden([32, 16]).learning_rate(0.01).fit(&points, &labels)?;
//! assert!(model.score(&points, &labels)? > 0.97);
//! let classes = model.predict(&points)?;
//! let probabilities = model.predict_proba(&points)?;
//! assert!(probabilities[[0, classes[0] as usize]] >= 0.5);
//! # Ok::<(), nn_core::Error>(())
//! ```
//!
//! An [`Mlp`] holds settings; [`fit`](Mlp::fit) trains a [`Network`] with a [`Trainer`]
//! and returns a [`FittedMlp`], a [`Model`] with these settings. Use a network and a
//! trainer directly for several targets, several labels per row, hidden layers of
//! different kinds, or checkpoints.
//!
//! # Compared with scikit-learn
//! The settings have the names of scikit-learn's `MLPClassifier` and `MLPRegressor`.
//! Two defaults differ:
//!
//! - Inputs are standardized, and so are the targets of a regression
//!   ([`standardize`](Mlp::standardize)). scikit-learn does neither and needs a
//!   `StandardScaler`.
//! - The default has no L2 regularization (`alpha` in scikit-learn).

use std::io::{Read, Write};
use std::marker::PhantomData;
use std::ops::ControlFlow;

use nn_error::{Error, Range, Result, check_count};
use nn_functions::optimizer::{Optimizer, OptimizerState};
use nn_functions::{Activation, Loss, Schedule};
use nn_metrics::r_squared;
use nn_samples::{Rows, Samples};
use nn_tensor::Threads;

use crate::layer::LayerConfig;
use crate::model_file::{Description, InputDescription, Model};
use crate::network::{Network, NetworkConfig};
use crate::preprocessing::{Standardization, Standardized, standardize};
use crate::training::{BatchSize, EpochReport, Event, Trainer, TrainingConfig};

/// The task of a classifier: predict one of several classes per row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classification;

/// The task of a regressor: predict one value per row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regression;

/// The settings of a multilayer perceptron; [`fit`](Self::fit) trains it.
///
/// | Setting | Default | Meaning |
/// |---|---|---|
/// | [`hidden`](Self::hidden) | `[100]` | widths of the hidden layers |
/// | [`activation`](Self::activation) | relu | activation of the hidden layers |
/// | [`optimizer`](Self::optimizer) | adam | |
/// | [`learning_rate`](Self::learning_rate) | default of the optimizer (0.001 for adam) | |
/// | [`epochs`](Self::epochs) | 100 | number of passes over the training rows |
/// | [`batch_size`](Self::batch_size) | 64 | number of rows per step |
/// | [`validation`](Self::validation) | 0 | fraction of the rows used for validation |
/// | [`patience`](Self::patience) | 0 (off) | number of epochs without a lower loss after which training stops |
/// | [`standardize`](Self::standardize) | true | standardize inputs (and targets) to mean 0 and standard deviation 1 |
/// | [`seed`](Self::seed) | 0 | seed of initial weights, split and order of the rows |
/// | [`threads`](Self::threads) | all | threads to use; the result does not depend on them |
#[derive(Clone, Debug)]
pub struct Mlp<T> {
    task: PhantomData<T>,
    hidden: Vec<usize>,
    activation: Activation,
    training: TrainingConfig,
    has_learning_rate: bool,
    validation: f64,
    standardize: bool,
    class_names: Vec<String>,
    threads: Option<Threads>,
}

/// The targets to learn.
#[derive(Clone, Copy)]
pub(crate) enum MlpTargets<'a> {
    Classes { labels: &'a [u32], n_classes: usize },
    Values(&'a [f32]),
}

impl Mlp<Classification> {
    /// Creates a classifier: softmax output and cross-entropy loss.
    pub fn classifier() -> Self {
        Self::new(Loss::CrossEntropy)
    }

    /// Sets the names of classes 0, 1, 2, … for the model file.
    ///
    /// This also sets the number of classes; the default is the largest label plus 1.
    #[must_use]
    pub fn class_names<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.class_names = names.into_iter().map(Into::into).collect();
        self
    }

    /// Trains a classifier on rows and their classes, numbered from 0.
    ///
    /// # Shapes
    /// `x [n_samples, n_inputs]`, `y [n_samples]`.
    ///
    /// # Errors
    /// Returns [`Error::Empty`] if there are no rows, [`Error::Shape`] if `x` and `y` differ in
    /// length, [`Error::NotFinite`] for an input that is NaN or infinite, [`Error::Label`] for
    /// a label without a name if there are class names, [`Error::OutOfRange`] or
    /// [`Error::Conflict`] for invalid settings, and [`Error::Diverged`] if training diverges.
    pub fn fit<'a>(
        &self,
        x: impl Into<Rows<'a, f32>>,
        y: &'a [u32],
    ) -> Result<FittedMlp<Classification>> {
        let n_classes = match self.class_names.len() {
            0 => y.iter().max().map_or(0, |&label| label as usize + 1).max(2),
            n => n,
        };
        let output = LayerConfig::new(n_classes, Activation::Softmax);
        let targets = MlpTargets::Classes {
            labels: y,
            n_classes,
        };
        self.fit_targets(x.into(), targets, output)
    }

    /// Reads a classifier that was [saved](FittedMlp::save), or any model with a softmax
    /// output layer.
    ///
    /// The file contains no settings; [`partial_fit`](FittedMlp::partial_fit) uses the
    /// settings of `self`.
    ///
    /// # Errors
    /// Returns the same errors as [`Model::read`], [`Error::ModelFile`] for a different output
    /// layer, and [`Error::UnknownPreprocessing`] for a model that was trained on a table.
    pub fn load(self, mut reader: impl Read) -> Result<FittedMlp<Classification>> {
        self.load_with(&mut reader, Activation::Softmax, "a classifier")
    }
}

impl Mlp<Regression> {
    /// Creates a regressor for one target: linear output and mean squared error.
    pub fn regressor() -> Self {
        Self::new(Loss::Mse)
    }

    /// Trains a regressor on rows and their targets.
    ///
    /// # Shapes
    /// `x [n_samples, n_inputs]`, `y [n_samples]`.
    ///
    /// # Errors
    /// Returns [`Error::Empty`] if there are no rows, [`Error::Shape`] if `x` and `y` differ in
    /// length, [`Error::NotFinite`] for a value that is NaN or infinite, [`Error::OutOfRange`]
    /// or [`Error::Conflict`] for invalid settings, and [`Error::Diverged`] if training
    /// diverges.
    pub fn fit<'a>(
        &self,
        x: impl Into<Rows<'a, f32>>,
        y: &'a [f32],
    ) -> Result<FittedMlp<Regression>> {
        let output = LayerConfig::new(1, Activation::Identity);
        self.fit_targets(x.into(), MlpTargets::Values(y), output)
    }

    /// Reads a regressor that was [saved](FittedMlp::save), or any model with one linear
    /// output.
    ///
    /// The file contains no settings; [`partial_fit`](FittedMlp::partial_fit) uses the
    /// settings of `self`.
    ///
    /// # Errors
    /// Returns the same errors as [`Model::read`], [`Error::ModelFile`] for a different output
    /// layer, and [`Error::UnknownPreprocessing`] for a model that was trained on a table.
    pub fn load(self, mut reader: impl Read) -> Result<FittedMlp<Regression>> {
        self.load_with(
            &mut reader,
            Activation::Identity,
            "a regressor for one target",
        )
    }
}

impl<T: Clone> Mlp<T> {
    fn new(loss: Loss) -> Self {
        let adam = Optimizer::Adam {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        };
        Self {
            task: PhantomData,
            hidden: vec![100],
            activation: Activation::Relu,
            training: TrainingConfig {
                epochs: 100,
                ..TrainingConfig::new(loss, adam)
            },
            has_learning_rate: false,
            validation: 0.0,
            standardize: true,
            class_names: Vec::new(),
            threads: None,
        }
    }

    /// Sets the widths of the hidden layers, first to last; an empty list gives a
    /// linear model.
    #[must_use]
    pub fn hidden(mut self, widths: impl Into<Vec<usize>>) -> Self {
        self.hidden = widths.into();
        self
    }

    /// Sets the activation of the hidden layers.
    #[must_use]
    pub fn activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// Sets the optimizer, with its default learning rate unless a learning rate is set.
    #[must_use]
    pub fn optimizer(mut self, optimizer: Optimizer) -> Self {
        self.training.optimizer = optimizer;
        if !self.has_learning_rate {
            self.training.learning_rate = optimizer.default_learning_rate();
        }
        self
    }

    /// Sets the learning rate.
    #[must_use]
    pub fn learning_rate(mut self, learning_rate: f64) -> Self {
        self.training.learning_rate = learning_rate;
        self.has_learning_rate = true;
        self
    }

    /// Sets the number of epochs (passes over the training rows).
    #[must_use]
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.training.epochs = epochs;
        self
    }

    /// Sets the number of rows per step.
    #[must_use]
    pub fn batch_size(mut self, rows: usize) -> Self {
        self.training.batch_size = BatchSize::Rows(rows);
        self
    }

    /// Sets the fraction of the rows used for validation, stratified by class.
    ///
    /// [`history`](FittedMlp::history) contains the validation losses.
    #[must_use]
    pub fn validation(mut self, fraction: f64) -> Self {
        self.validation = fraction;
        self
    }

    /// Turns on early stopping after this number of epochs without a lower validation
    /// loss (training loss if there are no validation rows).
    ///
    /// The result has the weights of the epoch with the lowest loss. 0 turns early
    /// stopping off.
    #[must_use]
    pub fn patience(mut self, epochs: usize) -> Self {
        self.training.patience = epochs;
        self
    }

    /// Turns standardization of inputs, and of the targets of a regression, on or
    /// off.
    ///
    /// Means and standard deviations are computed from the training rows only and
    /// saved in the model file. Rows and predictions are always in the units of the
    /// data. Turn standardization off for inputs that are already scaled.
    #[must_use]
    pub fn standardize(mut self, standardize: bool) -> Self {
        self.standardize = standardize;
        self
    }

    /// Sets the random seed of the initial weights, the validation split and the
    /// order of the rows.
    ///
    /// The same settings, data and seed give the same weights, bit for bit.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.training.seed = seed;
        self
    }

    /// Sets the threads for training and prediction; the result does not depend on
    /// them.
    #[must_use]
    pub fn threads(mut self, threads: Threads) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Changes any setting of the training configuration, such as the schedule or the
    /// regularization.
    ///
    /// ```
    /// use nn_core::Mlp;
    ///
    /// let settings = Mlp::classifier().configure(|training| training.regularization.l2 = 1e-4);
    /// ```
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut TrainingConfig)) -> Self {
        change(&mut self.training);
        self
    }

    #[inline(never)]
    pub(crate) fn fit_targets<'a>(
        &self,
        x: Rows<'a, f32>,
        y: MlpTargets<'a>,
        output: LayerConfig,
    ) -> Result<FittedMlp<T>> {
        let held_out = Range::Fraction.check("validation", self.validation)?;
        let (fractions, seed) = ([1.0 - held_out, held_out], self.training.seed);
        let n_inputs = x.n_columns();
        // Checks the data, and determines the training rows.
        let raw = samples(x.clone(), y, None)?;
        let [train, _] = raw.split(&fractions, seed)?;
        let standardized = if self.standardize {
            standardization(&x, y, &train)
        } else {
            Standardized::default()
        };
        let inputs = standardize(x, standardized.standardized_inputs.as_ref());
        let targets = standardized.standardized_targets.as_ref();
        let [train, validation] = samples(inputs, y, targets)?.split(&fractions, seed)?;
        let hidden = self.hidden.iter();
        let hidden = hidden.map(|&width| LayerConfig::new(width, self.activation));
        let layers = hidden.chain([output]).collect();
        let network = Network::new(&NetworkConfig { n_inputs, layers }, seed)?;
        let input = InputDescription {
            shape: vec![n_inputs],
            preprocessing: self.standardize.then(|| standardized.to_json()),
            ..InputDescription::default()
        };
        let description = Description {
            class_names: self.class_names.clone(),
            input,
            ..Description::default()
        };
        let threads = self.threads.clone().unwrap_or_else(Threads::all);
        let config = self.training.clone();
        let mut trainer = Trainer::new(network, train, Some(validation), config, threads.clone())?;
        let history = run(&mut trainer)?;
        Ok(FittedMlp {
            settings: self.clone(),
            model: Model {
                network: trainer.network(),
                loss: self.training.loss,
                description,
            },
            history,
            optimizer: Some(trainer.optimizer_mut().clone()),
            n_updates: 0,
            threads,
        })
    }

    #[inline(never)]
    pub(crate) fn load_with(
        self,
        reader: &mut dyn Read,
        output: Activation,
        what: &str,
    ) -> Result<FittedMlp<T>> {
        let model: Model = Model::read(reader)?;
        Standardized::of(&model)?;
        let layer = model.network.output_layer();
        let is_single = output == Activation::Identity;
        if layer.activation != output || is_single && layer.n_outputs != 1 {
            return Err(Error::ModelFile {
                problem: format!(
                    "expected {what}, found a model with {} {} outputs",
                    layer.n_outputs, layer.activation
                ),
            });
        }
        Ok(FittedMlp {
            threads: self.threads.clone().unwrap_or_else(Threads::all),
            settings: self,
            model,
            history: Vec::new(),
            optimizer: None,
            n_updates: 0,
        })
    }
}

/// A trained multilayer perceptron, from [`Mlp::fit`] or [`Mlp::load`].
#[derive(Clone, Debug)]
pub struct FittedMlp<T> {
    settings: Mlp<T>,
    model: Model,
    history: Vec<EpochReport>,
    /// The state of the optimizer; `None` after loading.
    optimizer: Option<OptimizerState<f32>>,
    n_updates: u64,
    threads: Threads,
}

impl FittedMlp<Classification> {
    /// Predicts the most probable class of each row.
    ///
    /// # Shapes
    /// `x [n_rows, n_inputs]`.
    ///
    /// # Errors
    /// Returns [`Error::Shape`] for rows of the wrong width, and [`Error::NotFinite`] for an
    /// input that is NaN or infinite.
    pub fn predict<'a>(&self, x: impl Into<Rows<'a, f32>>) -> Result<Vec<u32>> {
        let probabilities = self.predict_proba(x)?;
        let loss = self.model.loss;
        Ok(probabilities
            .rows()
            .map(|row| loss.predicted_class(row) as u32)
            .collect())
    }

    /// Predicts the probability of every class, for each row.
    ///
    /// # Shapes
    /// `x [n_rows, n_inputs]`; the probabilities are `[n_rows, n_classes]`.
    ///
    /// # Errors
    /// Returns the same errors as [`predict`](Self::predict).
    pub fn predict_proba<'a>(&self, x: impl Into<Rows<'a, f32>>) -> Result<Rows<'static, f32>> {
        self.model.predict_rows(x, &self.threads)
    }

    /// Computes the accuracy: the fraction of rows whose predicted class equals `y`.
    ///
    /// # Shapes
    /// `x [n_rows, n_inputs]`, `y [n_rows]`.
    ///
    /// # Errors
    /// Returns the same errors as [`predict`](Self::predict), [`Error::Empty`] if there
    /// are no rows, and [`Error::Shape`] if `x` and `y` differ in length.
    pub fn score<'a>(&self, x: impl Into<Rows<'a, f32>>, y: &[u32]) -> Result<f64> {
        let predicted = self.predict(x)?;
        check_lengths(predicted.len(), y.len())?;
        let n_correct = predicted.iter().zip(y).filter(|(a, b)| a == b).count();
        Ok(n_correct as f64 / y.len() as f64)
    }

    /// Trains for one more epoch, on new rows only (online learning).
    ///
    /// Training continues with the current weights and optimizer state, and a constant
    /// learning rate; the standardization of `fit` is kept. A model file does not
    /// contain the optimizer state: after `load`, an optimizer such as adam starts
    /// with large steps, so use a smaller learning rate.
    ///
    /// # Errors
    /// Returns the same errors as `Mlp::fit`, and [`Error::Label`] for a class that the
    /// network does not have. On an error, the model is not changed.
    pub fn partial_fit<'a>(&mut self, x: impl Into<Rows<'a, f32>>, y: &'a [u32]) -> Result<()> {
        let n_classes = self.model.network.n_outputs();
        self.update(
            x.into(),
            MlpTargets::Classes {
                labels: y,
                n_classes,
            },
        )
    }
}

impl FittedMlp<Regression> {
    /// Predicts the target of each row.
    ///
    /// # Shapes
    /// `x [n_rows, n_inputs]`.
    ///
    /// # Errors
    /// Returns [`Error::Shape`] for rows of the wrong width, and [`Error::NotFinite`] for an
    /// input that is NaN or infinite.
    pub fn predict<'a>(&self, x: impl Into<Rows<'a, f32>>) -> Result<Vec<f32>> {
        let predictions = self.model.predict_rows(x, &self.threads)?;
        Ok(predictions.into_vec())
    }

    /// Computes R², the fraction of explained variance of `y`; NaN for a single row.
    ///
    /// # Shapes
    /// `x [n_rows, n_inputs]`, `y [n_rows]`.
    ///
    /// # Errors
    /// Returns the same errors as [`predict`](Self::predict), [`Error::Empty`] if there
    /// are no rows, and [`Error::Shape`] if `x` and `y` differ in length.
    pub fn score<'a>(&self, x: impl Into<Rows<'a, f32>>, y: &[f32]) -> Result<f64> {
        let predicted = self.predict(x)?;
        check_lengths(predicted.len(), y.len())?;
        let pairs = predicted.iter().zip(y);
        let pairs = pairs.map(|(&a, &y)| (f64::from(a), f64::from(y)));
        Ok(r_squared(pairs).unwrap_or(f64::NAN))
    }

    /// Trains for one more epoch, on new rows only (online learning).
    ///
    /// Training continues with the current weights and optimizer state, and a constant
    /// learning rate; the standardization of `fit` is kept. A model file does not
    /// contain the optimizer state: after `load`, an optimizer such as adam starts
    /// with large steps, so use a smaller learning rate.
    ///
    /// # Errors
    /// Returns the same errors as `Mlp::fit`. On an error, the model is not changed.
    pub fn partial_fit<'a>(&mut self, x: impl Into<Rows<'a, f32>>, y: &'a [f32]) -> Result<()> {
        self.update(x.into(), MlpTargets::Values(y))
    }
}

impl<T> FittedMlp<T> {
    /// The losses and accuracies of each epoch of `Mlp::fit`; empty after
    /// `Mlp::load`.
    pub fn history(&self) -> &[EpochReport] {
        &self.history
    }

    /// The model: network, loss, and description of inputs and outputs.
    ///
    /// The network of the model takes standardized inputs. For raw rows, use
    /// [`Model::predict_rows`], or the network of [`Model::fold_preprocessing`].
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Converts into the model, without the settings.
    pub fn into_model(self) -> Model {
        self.model
    }

    /// Writes a model file that `Mlp::load` and [`Model::read`] can read.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if `writer` fails, and the same errors as [`Model::write`].
    pub fn save(&self, writer: impl Write) -> Result<()> {
        self.model.write(writer)
    }

    #[inline(never)]
    pub(crate) fn update<'a>(&mut self, x: Rows<'a, f32>, y: MlpTargets<'a>) -> Result<()> {
        let standardized = Standardized::of(&self.model)?.unwrap_or_default();
        let inputs = self.model.inputs_of(x, &standardized)?;
        let samples = samples(inputs, y, standardized.standardized_targets.as_ref())?;
        let training = &self.settings.training;
        // Each call has a different order of the rows.
        let config = TrainingConfig {
            epochs: 1,
            patience: 0,
            schedule: Schedule::Constant,
            seed: training.seed.wrapping_add(self.n_updates + 1),
            ..training.clone()
        };
        let network = self.model.network.clone();
        let mut trainer = Trainer::new(network, samples, None, config, self.threads.clone())?;
        if let Some(optimizer) = &self.optimizer {
            trainer.optimizer_mut().clone_from(optimizer);
        }
        run(&mut trainer)?;
        self.model.network = trainer.network();
        self.optimizer = Some(trainer.optimizer_mut().clone());
        self.n_updates += 1;
        Ok(())
    }
}

/// Creates samples from inputs of the network and targets.
fn samples<'a>(
    inputs: Rows<'a, f32>,
    y: MlpTargets<'a>,
    standardized_targets: Option<&Standardization>,
) -> Result<Samples<'a>> {
    match y {
        MlpTargets::Classes { labels, n_classes } => {
            Samples::classification(inputs, labels, n_classes)
        }
        MlpTargets::Values(values) => {
            let targets = standardize(column(values), standardized_targets);
            Samples::regression(inputs, targets).map(Samples::of_numbers)
        }
    }
}

/// Converts targets to a matrix with one column.
fn column(values: &[f32]) -> Rows<'_, f32> {
    Rows::new(values, 1)
}

/// Computes the standardization of the training rows.
fn standardization(x: &Rows<'_, f32>, y: MlpTargets<'_>, train: &Samples<'_>) -> Standardized {
    let rows: Vec<usize> = (0..train.len() as u32)
        .map(|position| train.row(position) as usize)
        .collect();
    let fit = |values: &Rows<'_, f32>| {
        let selected: Vec<f32> = rows
            .iter()
            .flat_map(|&row| values.row(row))
            .copied()
            .collect();
        Standardization::fit(Rows::new(selected, values.n_columns()))
    };
    Standardized {
        standardized_inputs: Some(fit(x)),
        standardized_targets: match y {
            MlpTargets::Classes { .. } => None,
            MlpTargets::Values(values) => Some(fit(&column(values))),
        },
    }
}

/// Trains to the end and returns the report of each epoch.
fn run(trainer: &mut Trainer<'_>) -> Result<Vec<EpochReport>> {
    let mut history = Vec::new();
    trainer.run(|event| {
        if let Event::Epoch(report) = event {
            history.push(report.clone());
        }
        ControlFlow::Continue(())
    })?;
    Ok(history)
}

fn check_lengths(n_rows: usize, n_targets: usize) -> Result<()> {
    check_count("number of targets", n_rows, n_targets)?;
    if n_rows == 0 {
        Err(Error::Empty)
    } else {
        Ok(())
    }
}
