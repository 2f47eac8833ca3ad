//! The settings of a training, as typed, as written in a file, and merged.
//!
//! Flag > `--config` > default. Every setting is optional here; [`Plan`]
//! (`plan.rs`) knows the defaults and gives the settings back with all of them
//! filled in, which is what a run's `config.toml` holds.
//!
//! [`Plan`]: crate::plan::Plan

use std::path::Path;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use nn_core::init::Init;
use nn_core::{Activation, Loss, Menu, Optimizer, Schedule};
use nn_data::augment::Augment;
use serde::{Deserialize, Serialize};

use crate::data_name;
use crate::failure::{Code, Failure, Result};
use crate::regular_file;

/// Largest whole number that TOML can write.
pub(crate) const LARGEST: u64 = i64::MAX as u64;

/// Longest configuration file that is read.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// Every setting that decides a result.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Settings {
    /// A data set's name, a folder of IDX files, or a CSV file [default: mnist if it is there, else glyphs]
    #[arg(long, value_name = "NAME|DIR|FILE.csv", help_heading = "Data", value_parser = data_name::parser())]
    pub(crate) data: Option<String>,
    /// Share of the training samples held back to choose by [default: 0.1]
    #[arg(
        long,
        value_name = "SHARE",
        help_heading = "Data",
        alias = "val-split",
        alias = "validation-split"
    )]
    pub(crate) validation: Option<f64>,
    /// Share of the rows held back as test rows where a data set has none [default: 0.1]
    #[arg(long, value_name = "SHARE", help_heading = "Data")]
    pub(crate) test_split: Option<f64>,
    /// Keep the proportions of the classes in the validation and test samples [default: true]
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true", help_heading = "Data")]
    pub(crate) stratify: Option<bool>,
    /// Use only the first N training samples
    #[arg(long, value_name = "N", help_heading = "Data", value_parser = whole_number::<usize>())]
    pub(crate) limit_train: Option<usize>,
    /// Learn one class against the rest
    #[arg(long, value_name = "K", help_heading = "Data")]
    pub(crate) positive_class: Option<u32>,
    /// Factors on the classes: none, balanced, or one number a class
    #[arg(long, value_name = "W", help_heading = "Data", alias = "class-weights")]
    pub(crate) class_weight: Option<String>,

    /// Column to predict, or several with commas [default: label, target, class or y, else the last]
    #[arg(long, value_name = "COLUMN", help_heading = "Tables")]
    pub(crate) target: Option<String>,
    /// auto, classification, regression or multi-label [default: auto, by the target's values]
    #[arg(long, value_name = "TASK", help_heading = "Tables")]
    pub(crate) task: Option<String>,
    /// Whether the first row names the columns: auto, yes or no [default: auto]
    #[arg(long, value_name = "auto|yes|no", help_heading = "Tables")]
    pub(crate) header: Option<String>,
    /// Column with the weight of each row
    #[arg(long, value_name = "COLUMN", help_heading = "Tables")]
    pub(crate) sample_weight: Option<String>,
    /// Columns whose numbers are codes, not quantities
    #[arg(long, value_name = "COLUMN,...", help_heading = "Tables")]
    pub(crate) categorical: Option<String>,
    /// Columns to leave out
    #[arg(long, value_name = "COLUMN,...", help_heading = "Tables")]
    pub(crate) ignore: Option<String>,

    /// Widths of the hidden layers, such as 128,64; empty for none [default: 256,128]
    #[arg(
        long,
        value_name = "N,N,...",
        help_heading = "Network",
        alias = "hidden-layer-sizes"
    )]
    pub(crate) hidden: Option<String>,
    #[arg(long, value_name = "NAME[,NAME...]", help_heading = "Network", help = activation_help())]
    pub(crate) activation: Option<String>,
    /// Activation of the output layer [default: what the loss needs]
    #[arg(long, value_name = "NAME", help_heading = "Network")]
    pub(crate) output_activation: Option<String>,
    #[arg(long, value_name = "NAME", help_heading = "Network", help = init_help())]
    pub(crate) init: Option<String>,
    /// Initial biases, by the same names [default: zeros]
    #[arg(long, value_name = "NAME", help_heading = "Network")]
    pub(crate) bias_init: Option<String>,
    /// Normalise the weighted sums of the hidden layers over the batch
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true", help_heading = "Network")]
    pub(crate) batch_norm: Option<bool>,
    /// Layer normalization in the hidden layers
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true", help_heading = "Network")]
    pub(crate) layer_norm: Option<bool>,
    /// Residual connections: a hidden layer as wide as the layer before adds that layer's outputs to its own
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true", help_heading = "Network")]
    pub(crate) residual: Option<bool>,
    /// Share of hidden outputs silenced in training [default: 0]
    #[arg(long, value_name = "P", help_heading = "Network")]
    pub(crate) dropout: Option<f64>,

    #[arg(long, value_name = "NAME", help_heading = "Training", alias = "criterion", help = loss_help())]
    pub(crate) loss: Option<String>,
    /// Gradient of a batch: mean or sum of its samples' [default: mean]
    #[arg(long, value_name = "mean|sum", help_heading = "Training")]
    pub(crate) reduction: Option<String>,
    #[arg(long, value_name = "NAME", help_heading = "Training", help = optimizer_help())]
    pub(crate) optimizer: Option<String>,
    /// Learning rate [default: the optimizer's: 0.1 for sgd, 0.001 for adam, ...]
    #[arg(
        long,
        value_name = "RATE",
        help_heading = "Training",
        alias = "learning-rate",
        alias = "lr0",
        alias = "learning-rate-init"
    )]
    pub(crate) lr: Option<f64>,
    #[arg(long, value_name = "NAME", help_heading = "Training", alias = "lr-scheduler", help = schedule_help())]
    pub(crate) schedule: Option<String>,
    /// Samples in a step: a number, or `full` [default: 64]
    #[arg(
        long,
        value_name = "N|full",
        help_heading = "Training",
        alias = "batch"
    )]
    pub(crate) batch_size: Option<String>,
    /// Add up the gradients of N batches for each step: the bits of one batch N times as large, whose gradient is summed in blocks of a batch [default: 1]
    #[arg(long, value_name = "N", help_heading = "Training", value_parser = whole_number::<usize>())]
    pub(crate) accumulate: Option<usize>,
    /// Passes over the training samples [default: 10]
    #[arg(
        long,
        value_name = "N",
        help_heading = "Training",
        alias = "max-iter",
        value_parser = whole_number::<usize>()
    )]
    pub(crate) epochs: Option<usize>,
    /// Keep the weights of the epoch with the lowest validation loss and stop after N epochs without a lower one; 0: keep the last epoch's and never stop early [default: 0]
    #[arg(
        long,
        value_name = "N",
        help_heading = "Training",
        value_parser = whole_number::<usize>()
    )]
    pub(crate) patience: Option<usize>,
    /// When a loss or a gradient is no longer a number: stop, or halve-lr and start the epoch again [default: stop]
    #[arg(long, value_name = "stop|halve-lr", help_heading = "Training")]
    pub(crate) on_divergence: Option<String>,
    /// Seed of everything random [default: 0]
    #[arg(
        long,
        value_name = "N",
        help_heading = "Training",
        alias = "random-state",
        value_parser = whole_number::<u64>()
    )]
    pub(crate) seed: Option<u64>,

    #[arg(long, value_name = "NAME[,NAME...]", help_heading = "Regularisation", help = augment_help())]
    pub(crate) augment: Option<String>,
    /// L1 penalty on the weights; sets weights to exactly 0 [default: 0]
    #[arg(long, value_name = "LAMBDA", help_heading = "Regularisation")]
    pub(crate) l1: Option<f64>,
    /// L2 penalty on the weights [default: 0]
    #[arg(long, value_name = "LAMBDA", help_heading = "Regularisation")]
    pub(crate) l2: Option<f64>,
    /// Weight decay, as in PyTorch: adamw's own; with other optimizers LAMBDA·w is added to the gradient of every parameter, biases included [default: 0; adamw: 0.01]
    #[arg(long, value_name = "LAMBDA", help_heading = "Regularisation")]
    pub(crate) weight_decay: Option<f64>,
    /// Longest weight vector into a neuron
    #[arg(long, value_name = "LENGTH", help_heading = "Regularisation")]
    pub(crate) max_norm: Option<f64>,
    /// Label smoothing: fraction of the target spread evenly over all classes; part of the training loss, not of the validation loss [default: 0]
    #[arg(long, value_name = "SHARE", help_heading = "Regularisation")]
    pub(crate) label_smoothing: Option<f64>,
    /// Longest gradient of a step
    #[arg(long, value_name = "LENGTH", help_heading = "Regularisation")]
    pub(crate) clip_norm: Option<f64>,
    /// Largest gradient of one parameter
    #[arg(long, value_name = "SIZE", help_heading = "Regularisation")]
    pub(crate) clip_value: Option<f64>,
    /// Use an exponential moving average (EMA) of the weights, with this decay; bias-corrected, so that short training works, too
    #[arg(
        long,
        value_name = "DECAY",
        help_heading = "Regularisation",
        alias = "ema"
    )]
    pub(crate) averaging: Option<f64>,
}

/// Whole numbers as TOML can write them, so that every run can be run again.
fn whole_number<T: TryFrom<u64> + Clone + Send + Sync>() -> RangedU64ValueParser<T> {
    RangedU64ValueParser::new().range(0..=LARGEST)
}

fn activation_help() -> String {
    format!(
        "Of the hidden layers, one for all or one a layer: {} [default: relu]",
        Activation::names()
    )
}

fn init_help() -> String {
    format!(
        "Initial weights: {} [default: he for rectifiers, xavier otherwise]",
        Init::names()
    )
}

fn loss_help() -> String {
    format!(
        "What is made small: {} [default: cross-entropy for classes, mse for numbers]",
        Loss::names()
    )
}

fn optimizer_help() -> String {
    format!(
        "How a gradient becomes a step: {} [default: adam]. Momentum as in PyTorch: v = momentum*v + g, w = w - lr*v, so that a schedule acts at once",
        Optimizer::names()
    )
}

fn schedule_help() -> String {
    format!(
        "How the rate changes: {} [default: cosine]",
        Schedule::names()
    )
}

fn augment_help() -> String {
    format!(
        "Deform the training images, anew in each epoch: {} [default: none]",
        Augment::NAMES.join(", ")
    )
}

impl Settings {
    /// Reads settings from a TOML file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let metadata = regular_file::check(path).map_err(|failure| match failure.code() {
            Code::Data => failure.help("give the path of a TOML file, such as a run's config.toml"),
            _ => failure,
        })?;
        let length = metadata.len();
        if length > MAX_CONFIG_BYTES {
            return Err(Failure::new(
                Code::Data,
                format!(
                    "{}: {length} bytes, expected a configuration of at most {MAX_CONFIG_BYTES}",
                    path.display()
                ),
            ));
        }
        let bytes = std::fs::read(path).map_err(|error| Failure::io(path, &error))?;
        Self::parse(path, &bytes)
    }

    /// Settings from the bytes of a TOML file; `path` is what errors call them.
    pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            Failure::new(
                Code::Data,
                format!(
                    "{}: not UTF-8 at byte offset {}",
                    path.display(),
                    error.valid_up_to()
                ),
            )
        })?;
        let settings: Self = toml::from_str(text).map_err(|error| {
            Failure::usage(format!("{}: {}", path.display(), in_one_line(&error, text)))
                .help("write settings as a run's config.toml does: lr = 0.1, hidden = \"128,64\"")
        })?;
        settings
            .check_whole_numbers(&[])
            .map_err(|failure| failure.at(path.display()))?;
        Ok(settings)
    }

    /// The parser reads numbers that the format cannot write; `others` stand in
    /// the same file.
    pub(crate) fn check_whole_numbers(&self, others: &[(&str, Option<usize>)]) -> Result<()> {
        let own = [
            ("limit-train", self.limit_train),
            ("accumulate", self.accumulate),
            ("epochs", self.epochs),
            ("patience", self.patience),
        ];
        let sizes = own.iter().chain(others);
        let too_large = sizes
            .map(|&(name, number)| (name, number.map(|number| number as u64)))
            .chain([("seed", self.seed)])
            .find_map(|(name, number)| Some((name, number.filter(|&n| n > LARGEST)?)));
        match too_large {
            None => Ok(()),
            Some((name, number)) => Err(Failure::usage(format!(
                "{name}: expected a whole number up to {LARGEST}, found {number}"
            ))),
        }
    }

    /// These settings, with those of `other` where these are silent.
    pub(crate) fn or(self, other: &Self) -> Self {
        let mut merged = to_table(&other.yielding_to(&self));
        merged.extend(to_table(&self));
        merged.try_into().expect("a merge of settings is settings")
    }

    /// These settings without the weight decay that `flags` replace: adamw's may
    /// be a setting or a parameter of the optimizer.
    fn yielding_to(&self, flags: &Self) -> Self {
        let mut settings = self.clone();
        let optimizer = flags.optimizer.as_deref().unwrap_or_default();
        if flags.weight_decay.is_some() && flags.optimizer.is_none() {
            settings.optimizer = self.optimizer.as_deref().map(without_weight_decay);
        } else if optimizer.contains(WEIGHT_DECAY) {
            settings.weight_decay = None;
        }
        settings
    }

    /// The file form.
    pub(crate) fn to_toml(&self) -> String {
        toml::to_string(&to_table(self)).expect("settings are plain TOML")
    }

    /// The JSON form, for a model's metadata.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let mut value = serde_json::to_value(self).expect("settings are plain JSON");
        if let Some(object) = value.as_object_mut() {
            object.retain(|_, value| !value.is_null());
        }
        value
    }
}

/// The parameter of adamw.
pub(crate) const WEIGHT_DECAY: &str = "weight-decay";

/// `adamw:beta1=0.8` of `adamw:beta1=0.8:weight-decay=0.1`.
fn without_weight_decay(optimizer: &str) -> String {
    let parts = optimizer.split([':', ',']);
    let kept: Vec<&str> = parts
        .filter(|part| !part.trim_start().starts_with(WEIGHT_DECAY))
        .collect();
    kept.join(":")
}

/// What is wrong with a TOML text and where, in one line: its own lines may be
/// long, and hold anything.
pub(crate) fn in_one_line(error: &toml::de::Error, text: &str) -> String {
    let message = shortened(error.message(), 800);
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
    let found = shortened(&format!("{start}{rest}"), 80);
    format!("line {line}, column {column}: {message}, found \"{found}\"")
}

/// At most so many characters, without those that a terminal would obey.
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
#[path = "../../../fuzz/harness/configuration.rs"]
mod configuration;
#[cfg(test)]
#[path = "../../../fuzz/harness/harm.rs"]
mod harm;

#[cfg(test)]
mod tests {
    use super::harm::{corpus, harmed};
    use super::*;

    #[test]
    fn a_number_that_toml_cannot_write_is_refused() {
        let parse = |text: &str| Settings::parse(Path::new("x.toml"), text.as_bytes());
        let failure = parse("seed = 9223372036854775808").expect_err("too large");
        assert_eq!(
            failure.message(),
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
            parsed.expect_err("it is wrong").message().to_owned()
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
    fn any_file_is_read_or_refused() {
        let files = corpus("configuration");
        files.iter().for_each(|bytes| configuration::check(bytes));
        let longest = files.iter().max_by_key(|bytes| bytes.len());
        harmed(longest.expect("there are files")).for_each(|bytes| configuration::check(&bytes));
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
            optimizer: (!optimizer.is_empty()).then(|| optimizer.to_owned()),
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
            hidden: Some("128,64".to_owned()),
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
