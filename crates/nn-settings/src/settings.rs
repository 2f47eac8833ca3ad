//! The settings of a training run: reading, writing and merging them.
//!
//! Flags override the configuration file, which overrides the defaults. Every setting is
//! optional here; the `Plan` of nn-train fills in the defaults and returns the resolved
//! settings, the content of a run's `config.toml`.

use std::path::Path;

use nn_core::init::Init;
use nn_core::training::{BatchSize, ClassWeights, Monitor, Reduction};
use nn_core::{Activation, Loss, Optimizer, Schedule};
use nn_data::augment::Augment;
use nn_files::regular_file;
use nn_image::ImageSize;
use nn_table::{Header, Scaling, Separator, TargetTransform, Task};
use serde::{Deserialize, Serialize};

use crate::choice::{
    Activations, Calibrate, Choice, NumericEmbedding, OnDivergence, Preset, RateFactors, Sizes,
    Widths,
};
use crate::error::{Error, ErrorKind, Result};

/// Largest integer in TOML.
pub const LARGEST: u64 = i64::MAX as u64;

/// Maximum length of a configuration file in bytes.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// The settings that determine the result of a training run. `None` means the default.
///
/// Each field is a key of the configuration file, in kebab-case, and a flag of
/// `nn train`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct Settings {
    /// Data set: a name, a folder of IDX files, a folder with one folder of images per class, or a CSV file [default: mnist if it is in the data folder, otherwise glyphs]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME|DIR|FILE.csv", help_heading = "Data", value_parser = crate::value_parsers::data_parser()))]
    pub data: Option<String>,
    /// Resize the images of a folder to this height and width [default: their own size if all have the same size of at most 64x64, otherwise 28x28]
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "HxW", help_heading = "Data", alias = "img-size")
    )]
    pub image_size: Option<Choice<ImageSize>>,
    /// Fraction of the training samples used for validation
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            value_name = "FRACTION",
            help_heading = "Data",
            alias = "val-split",
            alias = "validation-split",
            alias = "validation-fraction"
        )
    )]
    pub validation: Option<f64>,
    /// Fraction of the samples used for testing, if the data set has no test samples
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            value_name = "FRACTION",
            help_heading = "Data",
            alias = "test-size"
        )
    )]
    pub test_split: Option<f64>,
    /// Keep the class proportions in the validation and test samples
    #[cfg_attr(feature = "clap", arg(long, value_name = "true|false", help_heading = "Data", num_args = 0..=1, default_missing_value = "true"))]
    pub stratify: Option<bool>,
    /// Random seed of the split [default: the value of --seed]
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Data", value_parser = crate::value_parsers::whole_number::<u64>()))]
    pub split_seed: Option<u64>,
    /// K-fold cross-validation: train K networks and test each on a different 1/K of the samples
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "K", help_heading = "Data", conflicts_with = "test_split", value_parser = crate::value_parsers::whole_number::<usize>())
    )]
    pub folds: Option<usize>,
    /// Train only network N of the cross-validation
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "N", help_heading = "Data", requires = "folds", value_parser = crate::value_parsers::whole_number::<usize>())
    )]
    pub fold: Option<usize>,
    /// Use only the first N training samples
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Data", value_parser = crate::value_parsers::whole_number::<usize>()))]
    pub limit_train: Option<usize>,
    /// Use only N training samples, drawn at random with the class proportions of all; the samples for a smaller N are among them
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Data", value_parser = crate::value_parsers::whole_number::<usize>()))]
    pub train_size: Option<usize>,
    /// Learning curve over the number of training samples: train one network per number, such as 100,1000; auto halves the number of all samples up to five times
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            value_name = "auto|N,...",
            help_heading = "Data",
            conflicts_with = "train_size"
        )
    )]
    pub sizes: Option<Choice<Sizes>>,
    /// Binary classification of class K against all other classes (one-vs-rest)
    #[cfg_attr(feature = "clap", arg(long, value_name = "K", help_heading = "Data"))]
    pub positive_class: Option<u32>,
    /// Class weights in the loss: none, balanced, or one number per class
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "W", help_heading = "Data", alias = "class-weights")
    )]
    pub class_weight: Option<Choice<ClassWeights>>,

    /// Column to predict, or several columns separated by commas [default: label, target, class or y, otherwise the last column]
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "COLUMN", help_heading = "Tables")
    )]
    pub target: Option<String>,
    /// Task: auto, classification, regression or multi-label; auto decides by the target's values
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "TASK", help_heading = "Tables")
    )]
    pub task: Option<Choice<Task>>,
    /// Transform of a regression target: log predicts the logarithm of the target; auto does so if the target is skewed
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "none|log|auto", help_heading = "Tables")
    )]
    pub target_transform: Option<Choice<TargetTransform>>,
    /// Whether the first row has the column names: auto, yes or no
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "auto|yes|no", help_heading = "Tables")
    )]
    pub header: Option<Choice<Header>>,
    /// Field separator: comma, semicolon, tab, pipe or blanks [default: inferred from the content]
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            value_name = "NAME",
            help_heading = "Tables",
            alias = "sep",
            alias = "delimiter"
        )
    )]
    pub separator: Option<Choice<Separator>>,
    /// Marks of missing values, besides empty cells, NA, N/A, NaN, null, None, ? and -
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            value_name = "MARK,...",
            help_heading = "Tables",
            alias = "na-values"
        )
    )]
    pub missing: Option<String>,
    /// TOML file that sets the types of columns
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "FILE", help_heading = "Tables")
    )]
    pub schema: Option<String>,
    /// Column with the sample weights
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "COLUMN", help_heading = "Tables")
    )]
    pub sample_weight: Option<String>,
    /// Column with the group of each row; rows of one group belong to the same split, and the column is not an input
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            value_name = "COLUMN",
            help_heading = "Tables",
            conflicts_with = "order_by"
        )
    )]
    pub group: Option<String>,
    /// Column with the time of each row: the latest rows are the test rows, and the rows before them are the validation rows
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            value_name = "COLUMN",
            help_heading = "Tables",
            conflicts_with = "folds"
        )
    )]
    pub order_by: Option<String>,
    /// Column with the split of each row (train, validation or test); the column is not an input
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "COLUMN", help_heading = "Tables", conflicts_with_all = ["test_split", "folds"])
    )]
    pub split_column: Option<String>,
    /// Columns whose numbers are categories, not quantities
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "COLUMN,...", help_heading = "Tables")
    )]
    pub categorical: Option<String>,
    /// Columns to ignore
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "COLUMN,...", help_heading = "Tables")
    )]
    pub ignore: Option<String>,

    /// Scaling of numeric columns: standard (mean 0, standard deviation 1), or robust (median 0, interquartile range 1, then smooth clipping to plus or minus 3)
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "standard|robust", help_heading = "Tables")
    )]
    pub scaling: Option<Choice<Scaling>>,
    /// Clip predicted numbers to the range of the target in the training rows
    #[cfg_attr(feature = "clap", arg(long, value_name = "true|false", help_heading = "Tables", num_args = 0..=1, default_missing_value = "true"))]
    pub clip_outputs: Option<bool>,

    /// Fine-tuning: start from the weights of a trained run or model file; its hidden layers and its preprocessing are kept, and the output layer is new if the classes differ [default data: those of the run]
    #[cfg_attr(feature = "clap", arg(long, value_name = "RUN|MODEL", help_heading = "Network", value_parser = crate::value_parsers::data_parser()))]
    pub from: Option<String>,
    /// Expected SHA-256 of the weights of the model in `from`
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "SHA256", help_heading = "Network", hide = true)
    )]
    pub from_sha256: Option<String>,
    /// Freeze the first N layers: their weights and their batch normalization do not change
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Network", value_parser = crate::value_parsers::whole_number::<usize>()))]
    pub freeze: Option<usize>,
    /// Preset: a group of settings for tables; each of them can be changed by its own flag
    /// [default: plain; for a table without a setting of the network or of its training, such as
    /// --hidden or --epochs: tabular with 2000 or more training samples, otherwise tabular-small]
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            value_name = "plain|tabular|tabular-fast|tabular-small",
            help_heading = "Network"
        )
    )]
    pub preset: Option<Choice<Preset>>,
    /// Widths of the hidden layers, such as 128,64; empty for none
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            value_name = "N,N,...",
            help_heading = "Network",
            alias = "hidden-layer-sizes"
        )
    )]
    pub hidden: Option<Choice<Widths>>,
    /// Embedding of numeric columns: none, periodic or piecewise-linear
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "NAME", help_heading = "Network")
    )]
    pub numeric_embedding: Option<Choice<NumericEmbedding>>,
    /// Length of the learned vector of each category, for columns with more than 8 categories; 0 encodes all categories one-hot
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Network", value_parser = crate::value_parsers::whole_number::<usize>()))]
    pub category_embedding: Option<usize>,
    /// Train K members in one network (TabM-mini): they share all weights except factors on the inputs and the output layer, and the model predicts the mean of their probabilities or values
    #[cfg_attr(feature = "clap", arg(long, value_name = "K", help_heading = "Network", value_parser = crate::value_parsers::whole_number::<usize>()))]
    pub members: Option<usize>,
    /// Scale each input of the first layer by a learned factor
    #[cfg_attr(feature = "clap", arg(long, value_name = "true|false", help_heading = "Network", num_args = 0..=1, default_missing_value = "true"))]
    pub input_scaling: Option<bool>,
    /// Activation of the hidden layers: one for all, or one per layer
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME[,NAME...]", help_heading = "Network", value_parser = crate::value_parsers::menu_parser::<Choice<Activations>, Activation>()))]
    pub activation: Option<Choice<Activations>>,
    /// Parametric activation: mix the activation of each hidden neuron with the identity by a learned factor
    #[cfg_attr(feature = "clap", arg(long, value_name = "true|false", help_heading = "Network", num_args = 0..=1, default_missing_value = "true"))]
    pub parametric_activation: Option<bool>,
    /// Activation of the output layer [default: depends on the loss]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Network", value_parser = crate::value_parsers::menu_parser::<Choice<Activation>, Activation>()))]
    pub output_activation: Option<Choice<Activation>>,
    /// Initial weights [default: he for relu and its variants, otherwise xavier]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Network", value_parser = crate::value_parsers::menu_parser::<Choice<Init>, Init>()))]
    pub init: Option<Choice<Init>>,
    /// Initial biases; accepts the same names as the initial weights
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Network", value_parser = crate::value_parsers::menu_parser::<Choice<Init>, Init>()))]
    pub bias_init: Option<Choice<Init>>,
    /// Initial weights of the output layer, whose biases then start at 0 [default: those of --init and --bias-init]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Network", value_parser = crate::value_parsers::menu_parser::<Choice<Init>, Init>()))]
    pub output_init: Option<Choice<Init>>,
    /// Data-driven initial values: the weighted sums of each neuron have variance 1 on the training samples
    #[cfg_attr(feature = "clap", arg(long, value_name = "true|false", help_heading = "Network", num_args = 0..=1, default_missing_value = "true"))]
    pub data_init: Option<bool>,
    /// Batch normalization in the hidden layers
    #[cfg_attr(feature = "clap", arg(long, value_name = "true|false", help_heading = "Network", num_args = 0..=1, default_missing_value = "true"))]
    pub batch_norm: Option<bool>,
    /// Layer normalization in the hidden layers
    #[cfg_attr(feature = "clap", arg(long, value_name = "true|false", help_heading = "Network", num_args = 0..=1, default_missing_value = "true"))]
    pub layer_norm: Option<bool>,
    /// Residual connections: add the outputs of the previous layer to the outputs of a hidden layer of the same width
    #[cfg_attr(feature = "clap", arg(long, value_name = "true|false", help_heading = "Network", num_args = 0..=1, default_missing_value = "true"))]
    pub residual: Option<bool>,
    /// Dropout probability of the hidden layers
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "P", help_heading = "Network")
    )]
    pub dropout: Option<f64>,
    /// Schedule of the dropout probability
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Network", value_parser = crate::value_parsers::menu_parser::<Choice<Schedule>, Schedule>()))]
    pub dropout_schedule: Option<Choice<Schedule>>,

    /// Loss function [default: binary-cross-entropy for two classes and multi-label, cross-entropy for more classes, mse for regression]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Training", alias = "criterion", value_parser = crate::value_parsers::menu_parser::<Choice<Loss>, Loss>()))]
    pub loss: Option<Choice<Loss>>,
    /// How to reduce the per-sample gradients of a batch: mean or sum
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "mean|sum", help_heading = "Training")
    )]
    pub reduction: Option<Choice<Reduction>>,
    /// Optimizer; parameters after a colon, as in adam:beta1=0.9
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Training", value_parser = crate::value_parsers::menu_parser::<Choice<Optimizer>, Optimizer>()))]
    pub optimizer: Option<Choice<Optimizer>>,
    /// Learning rate [default: 0.1 for sgd, 0.001 for adam; `nn help optimizers` lists all]
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            value_name = "RATE",
            help_heading = "Training",
            alias = "learning-rate",
            alias = "lr0",
            alias = "learning-rate-init"
        )
    )]
    pub lr: Option<f64>,
    /// Factors of the learning rate for some tensors, such as bias=0.1,scaling=6; decay=0 after a colon turns off the weight decay of adamw, as in bias=0.1:decay=0
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "TENSOR=F,...", help_heading = "Training")
    )]
    pub lr_factors: Option<Choice<RateFactors>>,
    /// Divide the learning rate of a layer's weights by the square root of its number of inputs; their weight decay stays the same
    #[cfg_attr(feature = "clap", arg(long, value_name = "true|false", help_heading = "Training", num_args = 0..=1, default_missing_value = "true"))]
    pub fan_in_lr: Option<bool>,
    /// Learning-rate schedule [default: cosine; constant if an optimizer or a learning rate is given]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Training", alias = "lr-scheduler", value_parser = crate::value_parsers::menu_parser::<Choice<Schedule>, Schedule>()))]
    pub schedule: Option<Choice<Schedule>>,
    /// Number of samples per step, or full for all training samples
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            value_name = "N|full",
            help_heading = "Training",
            alias = "batch"
        )
    )]
    pub batch_size: Option<Choice<BatchSize>>,
    /// Leave out the last batch of an epoch if it is smaller than the others
    #[cfg_attr(feature = "clap", arg(long, value_name = "true|false", help_heading = "Training", num_args = 0..=1, default_missing_value = "true"))]
    pub drop_last: Option<bool>,
    /// Accumulate the gradients of N batches in each step
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Training", value_parser = crate::value_parsers::whole_number::<usize>()))]
    pub accumulate: Option<usize>,
    /// Number of passes over the training samples
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Training", alias = "max-iter", value_parser = crate::value_parsers::whole_number::<usize>()))]
    pub epochs: Option<usize>,
    /// Early stopping: stop after N epochs without a lower validation loss (see --monitor) and keep the weights of the best epoch; 0 turns it off
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Training", value_parser = crate::value_parsers::whole_number::<usize>()))]
    pub patience: Option<usize>,
    /// Validation metric that chooses the best epoch: loss, or error (1 - accuracy, or the RMSE of a regression; of equal errors, the last)
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "loss|error", help_heading = "Training")
    )]
    pub monitor: Option<Choice<Monitor>>,
    /// What to do when the loss or a gradient becomes NaN or infinite: stop, or halve-lr and restart the epoch
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "stop|halve-lr", help_heading = "Training")
    )]
    pub on_divergence: Option<Choice<OnDivergence>>,
    /// Train K networks with different seeds on the same samples; the model predicts the mean of their probabilities or values
    #[cfg_attr(feature = "clap", arg(long, value_name = "K", help_heading = "Training", value_parser = crate::value_parsers::whole_number::<usize>()))]
    pub ensemble: Option<usize>,
    /// Train only network N of the ensemble
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Training", hide = true, requires = "ensemble", value_parser = crate::value_parsers::whole_number::<usize>()))]
    pub member: Option<usize>,
    /// Calibrate the probabilities on the validation samples: temperature (one factor on the logits, used if it lowers the log loss by more than chance) or none [default: temperature for tables, none for images]
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "temperature|none", help_heading = "Training")
    )]
    pub calibrate: Option<Choice<Calibrate>>,
    /// Random seed
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Training", alias = "random-state", value_parser = crate::value_parsers::whole_number::<u64>()))]
    pub seed: Option<u64>,
    /// Train N networks that differ only in the seed (--seed and the next numbers), on the same split, and report mean and confidence interval
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", help_heading = "Training", value_parser = crate::value_parsers::whole_number::<usize>()))]
    pub seeds: Option<usize>,

    /// Data augmentation of images, drawn again in each epoch
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME[,NAME...]", help_heading = "Regularization", value_parser = crate::value_parsers::augment_parser()))]
    pub augment: Option<Choice<Augment>>,
    /// L1 regularization of the weights; sets weights to exactly 0
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "LAMBDA", help_heading = "Regularization")
    )]
    pub l1: Option<f64>,
    /// L2 regularization of the weights
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "LAMBDA", help_heading = "Regularization")
    )]
    pub l2: Option<f64>,
    /// Weight decay as in PyTorch: decoupled for adamw; other optimizers add LAMBDA*w to the gradient of every parameter, biases included [default: 0; adamw: 0.01]
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "LAMBDA", help_heading = "Regularization")
    )]
    pub weight_decay: Option<f64>,
    /// Schedule of the weight decay
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", help_heading = "Regularization", value_parser = crate::value_parsers::menu_parser::<Choice<Schedule>, Schedule>()))]
    pub weight_decay_schedule: Option<Choice<Schedule>>,
    /// Max-norm constraint: largest L2 norm of the incoming weights of a neuron
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "NORM", help_heading = "Regularization")
    )]
    pub max_norm: Option<f64>,
    /// Label smoothing: fraction of the target spread evenly over all classes, in the training loss only
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "FRACTION", help_heading = "Regularization")
    )]
    pub label_smoothing: Option<f64>,
    /// Clip the gradient of a step to this L2 norm
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "NORM", help_heading = "Regularization")
    )]
    pub clip_norm: Option<f64>,
    /// Clip each component of the gradient to plus or minus this value
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "VALUE", help_heading = "Regularization")
    )]
    pub clip_value: Option<f64>,
    /// Use an exponential moving average (EMA) of the weights with this decay, bias-corrected
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            value_name = "DECAY",
            help_heading = "Regularization",
            alias = "ema"
        )
    )]
    pub averaging: Option<f64>,
}

/// The default settings, chosen on MNIST's validation split.
#[expect(
    clippy::missing_panics_doc,
    reason = "the defaults are entries of their menus"
)]
pub mod default {
    use nn_core::training::{BatchSize, Reduction};
    use nn_core::{Activation, Optimizer, Schedule};

    use crate::choice::OnDivergence;

    /// Fraction of the training samples used for validation.
    pub const VALIDATION: f64 = 0.1;
    /// Fraction of the samples used for testing.
    pub const TEST_SPLIT: f64 = 0.1;
    /// Widths of the hidden layers.
    pub const HIDDEN: [usize; 2] = [256, 128];
    /// Activation of the hidden layers.
    pub const ACTIVATION: Activation = Activation::Relu;
    /// Number of samples per batch.
    pub const BATCH_SIZE: BatchSize = BatchSize::Rows(64);
    /// How to reduce the per-sample gradients of a batch: mean or sum.
    pub const REDUCTION: Reduction = Reduction::Mean;
    /// Number of batches whose gradients are accumulated in each step.
    pub const ACCUMULATE: usize = 1;
    /// Number of passes over the training samples.
    pub const EPOCHS: usize = 10;
    /// Number of epochs without improvement until training stops; 0 disables early stopping.
    pub const PATIENCE: usize = 0;
    /// Reaction to a loss that becomes NaN or infinite.
    pub const ON_DIVERGENCE: OnDivergence = OnDivergence::Stop;
    /// Seed of all random numbers.
    pub const SEED: u64 = 0;

    /// The default optimizer.
    pub fn optimizer() -> Optimizer {
        OPTIMIZER.parse().expect("it is an optimizer")
    }

    /// The default learning-rate schedule.
    pub fn schedule() -> Schedule {
        SCHEDULE.parse().expect("it is a schedule")
    }

    const OPTIMIZER: &str = "adam";
    const SCHEDULE: &str = "cosine";
}

#[expect(
    clippy::missing_panics_doc,
    reason = "settings can always be written as TOML and JSON"
)]
impl Settings {
    /// The settings whose default does not depend on the data set or on other
    /// settings.
    pub fn default_values() -> Self {
        Self {
            validation: Some(default::VALIDATION),
            test_split: Some(default::TEST_SPLIT),
            stratify: Some(true),
            class_weight: Some(ClassWeights::None.into()),
            task: Some(Task::Auto.into()),
            header: Some(Header::Auto.into()),
            hidden: Some(Widths(default::HIDDEN.to_vec()).into()),
            activation: Some(Activations(vec![default::ACTIVATION]).into()),
            bias_init: Some(Init::Zeros.into()),
            batch_norm: Some(false),
            layer_norm: Some(false),
            residual: Some(false),
            dropout: Some(0.0),
            reduction: Some(default::REDUCTION.into()),
            optimizer: Some(default::optimizer().into()),
            batch_size: Some(default::BATCH_SIZE.into()),
            accumulate: Some(default::ACCUMULATE),
            epochs: Some(default::EPOCHS),
            patience: Some(default::PATIENCE),
            on_divergence: Some(default::ON_DIVERGENCE.into()),
            seed: Some(default::SEED),
            augment: Some(Augment::NONE.into()),
            l1: Some(0.0),
            l2: Some(0.0),
            label_smoothing: Some(0.0),
            ..Self::default()
        }
    }

    /// The names of all settings, in kebab-case.
    pub fn names() -> Vec<String> {
        let all = serde_json::to_value(Self::default()).expect("settings are plain JSON");
        let all = all.as_object().into_iter().flatten();
        all.map(|(name, _)| name.clone()).collect()
    }

    /// Reads settings from a TOML file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, is not TOML, or has an unknown or invalid
    /// setting.
    pub fn read(path: &Path) -> Result<Self> {
        let metadata = regular_file::check(path).map_err(|error| match error {
            nn_files::Error::NotAFile { .. } => Error::from(error)
                .with_help("give the path of a TOML file, such as a run's config.toml"),
            _ => error.into(),
        })?;
        let length = metadata.len();
        if length > MAX_CONFIG_BYTES {
            return Err(Error::new(
                ErrorKind::Data,
                format!(
                    "{}: expected a configuration of at most {MAX_CONFIG_BYTES} bytes, found {length}",
                    path.display()
                ),
            ));
        }
        let bytes = std::fs::read(path).map_err(|error| Error::io(path, &error))?;
        Self::parse(path, &bytes)
    }

    /// Parses settings from the bytes of a TOML file; `path` is its name in error
    /// messages.
    ///
    /// # Errors
    /// Returns an error if the text is not UTF-8 or not TOML, or has an unknown or invalid setting.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            Error::new(
                ErrorKind::Data,
                format!(
                    "{}: not UTF-8 at byte offset {}",
                    path.display(),
                    error.valid_up_to()
                ),
            )
        })?;
        let settings: Self = toml::from_str(text).map_err(|error| {
            let help = unknown_key(error.message()).unwrap_or_else(|| {
                "write settings as in the config.toml of a run: lr = 0.1, hidden = \"128,64\""
                    .to_owned()
            });
            let problem = in_one_line(&error, text);
            Error::usage(format!("{}: {problem}", path.display())).with_help(help)
        })?;
        settings
            .check_whole_numbers(&[])
            .map_err(|error| error.at(path.display()))?;
        Ok(settings)
    }

    /// Checks that all integers are in the range of TOML integers; `others` are additional integers
    /// of the same file.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] for a number that is too large for TOML.
    pub fn check_whole_numbers(&self, others: &[(&str, Option<usize>)]) -> Result<()> {
        let own = [
            ("folds", self.folds),
            ("fold", self.fold),
            ("ensemble", self.ensemble),
            ("member", self.member),
            ("members", self.members),
            ("limit-train", self.limit_train),
            ("train-size", self.train_size),
            ("seeds", self.seeds),
            ("accumulate", self.accumulate),
            ("epochs", self.epochs),
            ("patience", self.patience),
            ("category-embedding", self.category_embedding),
            ("freeze", self.freeze),
        ];
        let sizes = own.iter().chain(others);
        let too_large = sizes
            .map(|&(name, number)| (name, number.map(|number| number as u64)))
            .chain([("seed", self.seed), ("split-seed", self.split_seed)])
            .find_map(|(name, number)| Some((name, number.filter(|&n| n > LARGEST)?)));
        match too_large {
            None => Ok(()),
            Some((name, number)) => Err(Error::usage(format!(
                "{name}: expected a whole number up to {LARGEST}, found {number}"
            ))),
        }
    }

    /// Returns `true` if these settings ask for several training runs: all folds of a
    /// cross-validation, several seeds, or a learning curve over the number of training samples.
    pub fn is_repeated(&self) -> bool {
        let has_all_folds = self.folds.is_some() && self.fold.is_none();
        has_all_folds || self.seeds.is_some() || self.sizes.is_some()
    }

    /// Merges two groups of settings: every `None` is replaced by the value in `other`.
    pub fn or(self, other: &Self) -> Self {
        let mut merged = to_table(&other.yielding_to(&self));
        merged.extend(to_table(&self));
        merged.try_into().expect("a merge of settings is settings")
    }

    /// Returns the settings without those that belong to others that `flags` replace: the
    /// checksum of a model, and the weight decay, which may be a setting or a parameter of the
    /// optimizer.
    fn yielding_to(&self, flags: &Self) -> Self {
        let mut settings = self.clone();
        if flags.from.is_some() {
            settings.from_sha256 = None;
        }
        let optimizer = flags.optimizer.as_ref().map_or("", Choice::text);
        if flags.weight_decay.is_some() && flags.optimizer.is_none() {
            let own = self.optimizer.as_ref();
            settings.optimizer = own.map(|choice| without_weight_decay(choice.text()));
        } else if optimizer.contains(WEIGHT_DECAY) {
            settings.weight_decay = None;
        }
        settings
    }

    /// Formats the settings as TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(&to_table(self)).expect("settings are plain TOML")
    }

    /// Formats the settings as JSON, for a model's metadata.
    pub fn to_json(&self) -> serde_json::Value {
        let mut value = serde_json::to_value(self).expect("settings are plain JSON");
        if let Some(object) = value.as_object_mut() {
            object.retain(|_, value| !value.is_null());
        }
        value
    }
}

/// The name of adamw's weight decay parameter.
pub const WEIGHT_DECAY: &str = "weight-decay";

/// `adamw:beta1=0.8` of `adamw:beta1=0.8:weight-decay=0.1`.
fn without_weight_decay(optimizer: &str) -> Choice<Optimizer> {
    let parts = optimizer.split([':', ',']);
    let kept: Vec<&str> = parts
        .filter(|part| !part.trim_start().starts_with(WEIGHT_DECAY))
        .collect();
    let kept = kept.join(":").parse();
    kept.expect("an optimizer with fewer parameters is an optimizer")
}

/// Formats an error of the TOML parser and its location in one line. The quoted text is
/// shortened and escaped, because the file is untrusted.
pub fn in_one_line(error: &toml::de::Error, text: &str) -> String {
    let message = match error.message().split_once(", expected one of ") {
        // The hint names the nearest of the keys.
        Some((unknown, _)) if unknown.starts_with("unknown field ") => unknown.replace('`', "\""),
        _ => shortened(error.message(), 800),
    };
    let message = shortened(&message, 800);
    let place = error
        .span()
        .and_then(|span| text.split_at_checked(span.start));
    let Some((before, after)) = place else {
        return message;
    };
    let (start, rest) = before
        .rsplit_once('\n')
        .map_or((before, after), |(_, start)| (start, after));
    let line = 1 + before.matches('\n').count();
    let column = 1 + start.chars().count();
    let rest = rest.lines().next().unwrap_or_default();
    if message.contains(", found ") {
        return format!("line {line}, column {column}: {message}");
    }
    let found = shortened(&format!("{start}{rest}"), 80);
    format!("line {line}, column {column}: {message}, found \"{found}\"")
}

/// A hint for an unknown key: the nearest setting.
fn unknown_key(message: &str) -> Option<String> {
    let key = message.strip_prefix("unknown field `")?.split('`').next()?;
    let names = Settings::names().join(", ");
    let hint = nn_error::did_you_mean(key, &names);
    Some(hint.unwrap_or_else(|| format!("settings are {names}")))
}

/// The first `length` characters of the text, with control characters escaped.
fn shortened(text: &str, length: usize) -> String {
    let escaped = text.trim_end().chars().flat_map(|letter| {
        let is_harmless = !letter.is_control();
        let plain = is_harmless.then_some(letter);
        let escaped = (!is_harmless).then(|| letter.escape_default());
        plain.into_iter().chain(escaped.into_iter().flatten())
    });
    escaped.take(length).collect()
}

fn to_table(settings: &Settings) -> toml::Table {
    toml::Table::try_from(settings).expect("settings are plain TOML")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_toml_cannot_write_is_refused() {
        let parse = |text: &str| Settings::parse(Path::new("x.toml"), text.as_bytes());
        let error = parse("seed = 9223372036854775808").expect_err("too large");
        assert_eq!(
            error.to_string(),
            "x.toml: seed: expected a whole number up to 9223372036854775807, \
             found 9223372036854775808"
        );
        let largest = parse("seed = 9223372036854775807").expect("it can be written");
        assert_eq!(largest.seed, Some(LARGEST));
    }

    #[test]
    fn what_is_wrong_is_told_in_one_line_whatever_the_file_holds() {
        let message = |text: &str| {
            let parsed = Settings::parse(Path::new("x.toml"), text.as_bytes());
            parsed.expect_err("it is wrong").to_string()
        };
        assert_eq!(
            message("seed = 1\nlr = \"é\" x"),
            "x.toml: line 2, column 10: unexpected key or value, expected newline, `#`, \
             found \"lr = \"é\" x\""
        );
        for text in [
            format!("a = {}", "[".repeat(100_000)),
            format!("{} = 1", "b".repeat(100_000)),
            "lr = \"\u{1b}[31m\"".to_owned(),
            "\"\\u001b[31m\" = 1".to_owned(),
        ] {
            let message = message(&text);
            assert!(message.len() < 1000, "{}", message.len());
            assert!(!message.contains(char::is_control), "{message:?}");
        }
    }

    #[test]
    fn flags_win_over_the_file() {
        let flags = Settings {
            epochs: Some(3),
            ..Settings::default()
        };
        let file = Settings {
            epochs: Some(9),
            lr: Some(0.5),
            ..Settings::default()
        };
        let merged = flags.or(&file);
        assert_eq!(
            (merged.epochs, merged.lr, merged.seed),
            (Some(3), Some(0.5), None)
        );
    }

    #[test]
    fn a_flag_replaces_adamws_weight_decay_however_it_was_written() {
        let with = |optimizer: &str, weight_decay| Settings {
            optimizer: (!optimizer.is_empty()).then(|| optimizer.parse().expect("it is valid")),
            weight_decay,
            ..Settings::default()
        };
        let file = with("adamw:beta1=0.8:weight-decay=0.3", None);
        let merged = with("", Some(0.1)).or(&file);
        assert_eq!(merged, with("adamw:beta1=0.8", Some(0.1)));
        let file = with("sgd", Some(0.3));
        let merged = with("adamw:weight-decay=0.1", None).or(&file);
        assert_eq!(merged, with("adamw:weight-decay=0.1", None));
        let merged = with("adam", None).or(&file);
        assert_eq!(merged, with("adam", Some(0.3)));
    }

    #[test]
    fn files_round_trip() {
        let settings = Settings {
            hidden: Some("128,64".parse().expect("they are widths")),
            l2: Some(1e-4),
            batch_norm: Some(true),
            ..Settings::default()
        };
        assert_eq!(
            toml::from_str::<Settings>(&settings.to_toml()).unwrap(),
            settings
        );
    }
}
