//! Flags of other libraries whose value means something else here.
//!
//! Names that mean the same are aliases of the flags themselves (`settings.rs`).
//! These do not: they are translated where nn has what they mean, and refused
//! with what to type where it has not, since taking them for a flag of a
//! similar name would give another result without a word.

use std::ffi::OsString;

use crate::failure::{Failure, Result};

/// The commands that take the settings of a training.
const COMMANDS: [&str; 3] = ["train", "search", "gradcheck"];

/// Rows in a batch where none are asked for.
const BATCH_SIZE: &str = "64";

/// The words of a command line, with those of other libraries translated.
///
/// # Errors
/// Exit code 2 for a flag that nn has no equal of, with what to type instead.
pub(crate) fn of_command_line(words: impl Iterator<Item = OsString>) -> Result<Vec<OsString>> {
    let words: Vec<OsString> = words.collect();
    let command = words.get(1).and_then(|word| word.to_str());
    if command.is_none_or(|command| !COMMANDS.contains(&command)) {
        return Ok(words);
    }
    translated(&words)
}

/// As [`of_command_line`], of words that are settings of a training.
pub(crate) fn translated(words: &[OsString]) -> Result<Vec<OsString>> {
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
                Some(failure) => return Err(failure),
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

/// Why a flag of another library is not taken, and what to type instead.
pub(crate) fn refusal(flag: &str, value: &str, words: &[OsString]) -> Option<Failure> {
    let (problem, help) = match flag {
        "alpha" => (
            "in scikit-learn it is divided by the rows of a batch".to_owned(),
            alpha_as_l2(value, words),
        ),
        "iterations" => (
            "elsewhere an iteration is one step, not a pass over the data".to_owned(),
            "use --epochs: the number of passes over the training rows".to_owned(),
        ),
        "layers" => (
            "may mean all widths, the hidden ones or their number".to_owned(),
            "use --hidden 128,64: the widths of the hidden layers".to_owned(),
        ),
        "n-iter-no-change" => (
            "in scikit-learn it counts epochs that improve by less than tol = 0.0001".to_owned(),
            format!(
                "use --patience {value}: the number of epochs without any lower validation loss"
            ),
        ),
        "learning-rate" if ["constant", "invscaling", "adaptive"].contains(&value) => (
            format!("{value} is a schedule in scikit-learn"),
            "use --schedule constant or plateau for it, and --lr for the number".to_owned(),
        ),
        _ => return None,
    };
    Some(Failure::usage(format!("--{flag}: {problem}")).help(help))
}

/// scikit-learn makes ½·alpha·Σw²/n small, n the rows of the batch; `--l2` ½·λ·Σw².
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
            "with batches of {batch} rows it is --l2 {:e}: alpha / {batch}",
            alpha / rows
        ),
        _ => "use --l2 with alpha divided by the number of rows of a batch".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use nn_core::init::Init;
    use nn_core::{Activation, Loss, Menu, Optimizer, Schedule};

    use super::*;
    use crate::args::{Arguments, Command};
    use crate::settings::Settings;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    fn settings(flags: &str) -> Result<Settings> {
        let words = words(&format!("nn train {flags}")).into_iter();
        let parsed = Arguments::try_parse_from(of_command_line(words)?).expect("clap takes it");
        match parsed.command {
            Command::Train(arguments) => Ok(arguments.settings),
            other => panic!("{other:?}"),
        }
    }

    /// Flag, where it comes from, and what it must come to.
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

    /// Whoever adds an alias to a flag says here where it comes from.
    #[test]
    fn every_alias_of_a_flag_is_in_the_table() {
        use clap::Args;
        let command = Settings::augment_args(clap::Command::new("nn"));
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
            let failure = settings(flags).expect_err(flags);
            assert_eq!(failure.code(), crate::failure::Code::Usage, "{flags}");
            assert!(
                failure.advice().contains(help),
                "{flags}: {}",
                failure.advice()
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
            "PyTorch, Keras; of one output, see plan.rs",
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
