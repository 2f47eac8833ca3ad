//! Settings as command line flags (feature `clap`).
//!
//! [`Settings`] is a group of arguments for clap. The names of a setting in other libraries are
//! aliases of its flag (`settings.rs`). A flag that has a different meaning in another library is
//! translated if `nn` has an equivalent; otherwise it is rejected with a hint, because taking it
//! for a similarly named flag would silently change the result.

use std::ffi::OsString;

use clap::{Arg, Args, Command, FromArgMatches};
use nn_core::init::Init;
use nn_core::{Activation, Loss, Menu, Optimizer, Schedule};
use nn_data::augment::Augment;

pub use crate::clap_error::of_clap;
pub use crate::command_line::{in_text, of_settings, quoted};
use crate::error::{Error, Result};
use crate::settings::Settings;
pub use crate::value_parsers::data_parser;

/// The commands that take the settings of a training run.
const COMMANDS: [&str; 3] = ["train", "search", "gradcheck"];

/// Parses settings from flags, as `nn train` does: `--hidden 64 --lr 0.1`.
///
/// ```
/// let settings = nn_settings::flags::parse(["--hidden", "64", "--lr", "0.1"])?;
/// assert_eq!(settings.lr, Some(0.1));
/// # Ok::<(), nn_settings::Error>(())
/// ```
///
/// # Errors
/// Returns [`ErrorKind::Usage`](crate::ErrorKind::Usage) for an unknown flag or an
/// invalid value.
pub fn parse(words: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Settings> {
    let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
    let parsed = command().try_get_matches_from(translated(&words)?);
    let settings = parsed.and_then(|matches| Settings::from_arg_matches(&matches));
    settings.map_err(|error| of_clap(&error))
}

/// The clap command that [`parse`] uses, without a program name. The arguments of the command are
/// the flags of the settings.
pub fn command() -> Command {
    Settings::augment_args(Command::new("nn"))
        .no_binary_name(true)
        .disable_help_flag(true)
        .allow_negative_numbers(true)
}

/// Adds to the help of each flag the default of the setting and, for a menu, the entries with their
/// parameters.
pub fn with_defaults(command: Command) -> Command {
    let defaults = Settings::default_values().to_json();
    command.mut_args(|arg| {
        let name = arg.get_long().unwrap_or_default();
        let default = match &defaults[name] {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text.clone()),
            value => Some(value.to_string()),
        };
        let entries = match name {
            "activation" | "output-activation" => entries::<Activation>(),
            "init" | "bias-init" | "output-init" => entries::<Init>(),
            "loss" => entries::<Loss>(),
            "optimizer" => entries::<Optimizer>(),
            "schedule" | "dropout-schedule" | "weight-decay-schedule" => entries::<Schedule>(),
            "augment" => Augment::ALL.map(|entry| entry.to_string()).to_vec(),
            _ => Vec::new(),
        };
        with_help(arg, default, &entries)
    })
}

fn with_help(arg: Arg, default: Option<String>, entries: &[String]) -> Arg {
    let mut help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    if let Some(default) = default {
        help.push_str(&format!(" [default: {default}]"));
    }
    if entries.is_empty() {
        return arg.help(help);
    }
    let long_help = format!("{help}\n\n{}", entries.join(", "));
    arg.help(help)
        .long_help(long_help)
        .hide_possible_values(true)
}

/// The entries of a menu with their parameters.
fn entries<M: Menu>() -> Vec<String> {
    M::ALL.iter().map(Menu::with_parameters).collect()
}

/// Default batch size.
const BATCH_SIZE: &str = "64";

/// Translates the flags of other libraries in command-line arguments to flags of `nn`.
///
/// # Errors
/// Returns [`ErrorKind::Usage`](crate::ErrorKind::Usage) with a hint for a flag without an
/// equivalent.
pub fn of_command_line(words: impl Iterator<Item = OsString>) -> Result<Vec<OsString>> {
    let words: Vec<OsString> = words.collect();
    let command = words.get(1).and_then(|word| word.to_str());
    if command.is_none_or(|command| !COMMANDS.contains(&command)) {
        return Ok(words);
    }
    translated(&words)
}

/// Translates flags of other libraries in words that are settings of a training run.
fn translated(words: &[OsString]) -> Result<Vec<OsString>> {
    let mut result = Vec::with_capacity(words.len());
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            result.push(word.clone());
            break;
        }
        match flag_and_value(word, rest.as_slice()) {
            Some(("solver", value)) => {
                result.extend(solver(value));
                // The value may have been a word of its own.
                if word == "--solver" {
                    rest.next();
                }
            }
            Some((flag, value)) => match refusal(flag, value, words) {
                Some(error) => return Err(error),
                None => result.push(word.clone()),
            },
            None => result.push(word.clone()),
        }
    }
    result.extend(rest.cloned());
    Ok(result)
}

/// The name after `--`, and the value, which may be the next word.
fn flag_and_value<'a>(word: &'a OsString, rest: &'a [OsString]) -> Option<(&'a str, &'a str)> {
    let flag = word.to_str()?.strip_prefix("--")?;
    let next = || rest.first().and_then(|next| next.to_str());
    Some(
        flag.split_once('=')
            .unwrap_or_else(|| (flag, next().unwrap_or_default())),
    )
}

/// scikit-learn's `sgd` has Nesterov momentum of 0.9 unless it is switched off.
fn solver(value: &str) -> [OsString; 2] {
    let optimizer = match value {
        "sgd" => "nesterov",
        other => other,
    };
    ["--optimizer", optimizer].map(OsString::from)
}

/// Returns an error with a hint if a flag of another library has no equivalent.
pub fn refusal(flag: &str, value: &str, words: &[OsString]) -> Option<Error> {
    let (problem, help) = match flag {
        "alpha" => (
            "scikit-learn divides alpha by the batch size".to_owned(),
            alpha_as_l2(value, words),
        ),
        "iterations" => (
            "in other libraries an iteration is one step, not a pass over the data".to_owned(),
            "use --epochs: the number of passes over the training rows".to_owned(),
        ),
        "layers" => (
            "can mean the widths of all layers, the widths of the hidden layers, or the number of \
             layers"
                .to_owned(),
            "use --hidden 128,64: the widths of the hidden layers".to_owned(),
        ),
        "n-iter-no-change" => (
            "scikit-learn counts epochs without an improvement of at least tol = 0.0001".to_owned(),
            format!("use --patience {value}: the number of epochs without a lower validation loss"),
        ),
        "learning-rate" if ["constant", "invscaling", "adaptive"].contains(&value) => (
            format!("{value} is a schedule in scikit-learn"),
            "use --schedule constant or --schedule plateau; --lr sets the learning rate".to_owned(),
        ),
        _ => return None,
    };
    Some(Error::usage(format!("--{flag}: {problem}")).with_help(help))
}

/// scikit-learn adds ½·alpha·Σw²/n to the loss, where n is the batch size;
/// `--l2` adds ½·λ·Σw².
fn alpha_as_l2(alpha: &str, words: &[OsString]) -> String {
    let value_of = |(index, word): (usize, &OsString)| {
        let (flag, value) = flag_and_value(word, &words[index + 1..])?;
        ["batch-size", "batch"]
            .contains(&flag)
            .then(|| value.to_owned())
    };
    let batch = words.iter().enumerate().find_map(value_of);
    let batch = batch.unwrap_or_else(|| BATCH_SIZE.to_owned());
    match (alpha.parse::<f64>(), batch.parse::<f64>()) {
        (Ok(alpha), Ok(rows)) => format!(
            "for batches of {batch} rows use --l2 {:e}, which is alpha / {batch}",
            alpha / rows
        ),
        _ => "use --l2 with alpha divided by the batch size".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    fn settings(flags: &str) -> Result<Settings> {
        parse(words(flags))
    }

    /// A flag, the library that it comes from, and the equivalent flag of nn.
    const SAME: &[(&str, &str, &str)] = &[
        ("--learning-rate 0.2", "PyTorch, Keras", "--lr 0.2"),
        ("--learning-rate-init 0.2", "scikit-learn", "--lr 0.2"),
        ("--lr0 0.2", "Ultralytics", "--lr 0.2"),
        ("--lr-scheduler cosine", "Hugging Face", "--schedule cosine"),
        ("--batch 20", "Ultralytics", "--batch-size 20"),
        (
            "--max-iter 7",
            "scikit-learn: epochs of sgd and adam",
            "--epochs 7",
        ),
        (
            "--img-size 28x28",
            "timm, Ultralytics",
            "--image-size 28x28",
        ),
        ("--sep tab", "pandas", "--separator tab"),
        ("--delimiter tab", "pandas, NumPy", "--separator tab"),
        ("--na-values x", "pandas", "--missing x"),
        ("--random-state 5", "scikit-learn", "--seed 5"),
        ("--criterion mse", "PyTorch", "--loss mse"),
        ("--solver adam", "scikit-learn", "--optimizer adam"),
        ("--solver=adam", "scikit-learn", "--optimizer adam"),
        (
            "--solver sgd",
            "scikit-learn: momentum=0.9, nesterovs_momentum=True",
            "--optimizer nesterov",
        ),
        ("--hidden-layer-sizes 9,4", "scikit-learn", "--hidden 9,4"),
        (
            "--val-split 0.2",
            "fraction of the training rows",
            "--validation 0.2",
        ),
        (
            "--validation-split 0.2",
            "Keras: a fraction of the training rows",
            "--validation 0.2",
        ),
        (
            "--validation-fraction 0.2",
            "scikit-learn: a fraction of the training rows",
            "--validation 0.2",
        ),
        (
            "--test-size 0.2",
            "scikit-learn: a fraction of the rows",
            "--test-split 0.2",
        ),
        (
            "--class-weights 1,2",
            "PyTorch: weight=",
            "--class-weight 1,2",
        ),
        ("--ema 0.99", "Keras: ema_momentum", "--averaging 0.99"),
    ];

    #[test]
    fn flags_of_others_mean_what_they_mean_there() {
        for (flags, source, ours) in SAME {
            assert_eq!(
                settings(flags).expect("it is taken"),
                settings(ours).expect("it is ours"),
                "{flags} ({source})"
            );
        }
    }

    /// Every alias of a flag is listed here with its source.
    #[test]
    fn every_alias_of_a_flag_is_in_the_table() {
        let command = Settings::augment_args(Command::new("nn"));
        for flag in command.get_arguments() {
            for alias in flag.get_all_aliases().unwrap_or_default() {
                let is_it = |(typed, ..): &&(&str, &str, &str)| {
                    typed.split(' ').next() == Some(&format!("--{alias}"))
                };
                assert!(SAME.iter().any(|row| is_it(&row)), "--{alias}");
            }
        }
    }

    #[test]
    fn flags_that_mean_something_else_are_refused_with_what_to_type() {
        for (flags, help) in [
            ("--alpha 0.0001", "--l2 1.5625e-6"),
            ("--alpha=0.01 --batch-size 200", "--l2 5e-5"),
            ("--batch=10 --alpha 0.01", "--l2 1e-3"),
            ("--alpha 0.01 --batch-size full", "--l2"),
            ("--iterations 1000", "--epochs"),
            ("--layers 784,30,10", "--hidden"),
            ("--n-iter-no-change 10", "--patience 10"),
            ("--learning-rate adaptive", "--schedule"),
            ("--learning-rate=constant", "--schedule"),
        ] {
            let error = settings(flags).expect_err(flags);
            assert_eq!(error.kind(), crate::error::ErrorKind::Usage, "{flags}");
            assert!(
                error.help().unwrap_or_default().contains(help),
                "{flags}: {}",
                error.help().unwrap_or_default()
            );
        }
    }

    #[test]
    fn what_is_no_setting_of_a_training_is_left_alone() {
        for line in ["nn predict --alpha 1", "nn", "nn train -- --alpha 1"] {
            let words = words(line);
            let found = of_command_line(words.clone().into_iter());
            assert_eq!(found.expect("not looked at"), words);
        }
    }

    /// Other names of the menus' entries: where they come from, and the entry.
    const ENTRIES: &[(&str, &str, &str)] = &[
        ("linear", "Keras", "identity"),
        ("none", "no activation; no schedule", ""),
        ("logistic", "scikit-learn", "sigmoid"),
        ("silu", "PyTorch, Keras", "swish"),
        ("categorical-cross-entropy", "Keras", "cross-entropy"),
        ("ce", "cross-entropy of a softmax", "cross-entropy"),
        (
            "bce",
            "PyTorch, Keras; of one output, see plan.rs of nn-train",
            "binary-cross-entropy",
        ),
        (
            "mean-squared-error",
            "Keras, PyTorch: mean over the outputs",
            "mse",
        ),
        ("mean-absolute-error", "Keras", "mae"),
        ("l1", "PyTorch: L1Loss", "mae"),
        ("kl-divergence", "Keras: sum over the classes", "kl"),
        ("glorot", "Glorot & Bengio 2010, equation 16", "xavier"),
        ("flat-cosine", "fastai's fit_flat_cos", "flat-cos"),
        ("xavier-uniform", "PyTorch, gain 1", "xavier"),
        ("kaiming", "He et al. 2015, equation 10", "he"),
        ("kaiming-normal", "PyTorch, gain √2, fan_in", "he"),
        ("kaiming-uniform", "PyTorch, gain √2, fan_in", "he-uniform"),
    ];

    fn check_entries<M: Menu>() {
        for entry in M::ALL {
            for alias in entry.aliases() {
                let row = ENTRIES.iter().find(|(name, ..)| name == alias);
                let (_, source, expected) = row.unwrap_or_else(|| panic!("{alias} of {}", M::KIND));
                assert!(
                    expected.is_empty() || *expected == entry.name(),
                    "{alias} ({source}) is {}, not {expected}",
                    entry.name()
                );
            }
        }
    }

    #[test]
    fn other_names_of_entries_mean_what_they_mean_there() {
        check_entries::<Activation>();
        check_entries::<Loss>();
        check_entries::<Init>();
        check_entries::<Optimizer>();
        check_entries::<Schedule>();
    }
}
