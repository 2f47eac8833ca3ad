//! What was chosen on the page: flags of `nn train`, parsed by the same
//! definition, so that the command that the page gives is what it ran.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use clap::{Args, Command, FromArgMatches};

use crate::terminal;
use nn_train::Plan;
use nn_train::Settings;
use nn_train::data::{Data, GLYPHS, default_name};
use nn_train::flags;
use nn_train::training_memory;
use nn_train::{Error, Result};

use super::dataset_cache::DatasetCache;

/// Larger networks are for the terminal: a page that asks for all memory would
/// take the whole program with it.
const MOST_PARAMETERS: usize = 20_000_000;

/// Bytes that a training of the page may need; two may go on at once.
const MOST_MEMORY: u64 = 1 << 30;

/// The built-in digits are drawn before they are learned: more take too long.
const MOST_GLYPHS: usize = 200_000;

/// A training that can begin.
#[derive(Clone, Debug)]
pub(super) struct Experiment {
    pub(super) plan: Plan,
    pub(super) data: Arc<Data>,
    /// The line that repeats it.
    pub(super) command: String,
}

impl Experiment {
    /// From words such as `["--lr", "0.1"]`.
    pub(super) fn new(words: &[String], datasets: &DatasetCache) -> Result<Self> {
        let mut words = words.to_vec();
        let mut settings = parse(&words)?;
        if settings.data.is_none() {
            let name = default_name(datasets.data_dir());
            settings.data = Some(name.to_owned());
            words.splice(0..0, ["--data".to_owned(), name.to_owned()]);
        }
        check_glyphs(&settings)?;
        let data = datasets.get(&settings)?;
        let plan = Plan::new(&settings, &data)?;
        check_size(&plan)?;
        training_memory::check_within(MOST_MEMORY, &plan, &data.splits()?)?;
        Ok(Self {
            command: command(&words, datasets.data_dir()),
            plan,
            data,
        })
    }

    /// 784-128-10
    pub(super) fn network(&self) -> String {
        let inputs = std::iter::once(self.plan.network.n_inputs);
        let outputs = self.plan.network.layers.iter().map(|layer| layer.n_outputs);
        let widths: Vec<String> = inputs
            .chain(outputs)
            .map(|width| width.to_string())
            .collect();
        widths.join("-")
    }
}

/// Flags as typed after `nn train`; none but those that decide a result.
pub(super) fn parse(words: &[String]) -> Result<Settings> {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let words = flags::translated(&words)?;
    let matches = flags().try_get_matches_from(words).map_err(|error| {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        Error::usage(line.trim_start_matches("error: "))
    })?;
    Settings::from_arg_matches(&matches).map_err(|error| Error::usage(error.to_string()))
}

/// The flags of `nn train` that decide a result.
pub(super) fn flags() -> Command {
    Settings::augment_args(Command::new("nn").no_binary_name(true))
        .allow_negative_numbers(true)
        .disable_help_flag(true)
}

/// The line that trains so in a terminal.
fn command(words: &[String], data_dir: &Path) -> String {
    let mut line = format!("{} train", terminal::program());
    let folder = data_dir.to_string_lossy();
    let is_usual = folder == "datasets";
    let folder = ["--data-dir".to_owned(), folder.into_owned()];
    let folder = if is_usual { &[][..] } else { &folder[..] };
    for word in words.iter().chain(folder) {
        line.push(' ');
        line.push_str(&if word.is_empty() {
            "''".to_owned()
        } else {
            terminal::quoted(word)
        });
    }
    line
}

fn check_glyphs(settings: &Settings) -> Result<()> {
    match settings.limit_train {
        Some(n) if n > MOST_GLYPHS && settings.data.as_deref() == Some(GLYPHS) => {
            Err(Error::usage(format!(
                "--limit-train: the page draws at most {} of the built-in digits, asked for {}",
                grouped(MOST_GLYPHS),
                grouped(n)
            ))
            .with_help("ask for fewer, or use `nn train`"))
        }
        _ => Ok(()),
    }
}

fn check_size(plan: &Plan) -> Result<()> {
    let mut n_inputs = plan.network.n_inputs;
    let mut n_parameters = 0_usize;
    for layer in &plan.network.layers {
        n_parameters = n_parameters.saturating_add((n_inputs + 1).saturating_mul(layer.n_outputs));
        n_inputs = layer.n_outputs;
    }
    if n_parameters <= MOST_PARAMETERS {
        return Ok(());
    }
    Err(Error::usage(format!(
        "the page trains networks of at most {} parameters, this one has {}",
        grouped(MOST_PARAMETERS),
        grouped(n_parameters)
    ))
    .with_help("take narrower layers, or use `nn train`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn flags_are_those_of_training() {
        let settings = parse(&words("--learning-rate 0.5 --hidden 8,4 --batch-norm")).unwrap();
        assert_eq!(settings.lr, Some(0.5));
        assert_eq!(settings.hidden.as_deref(), Some("8,4"));
        assert_eq!(settings.batch_norm, Some(true));
    }

    #[test]
    fn nothing_but_settings_can_be_asked_for() {
        for line in [
            "--config /etc/passwd",
            "--resume a",
            "--name a",
            "--runs-dir /",
            "--data-dir /",
            "--threads 3",
            "--help",
            "--version",
            "word",
            "--epochs 1.5",
        ] {
            assert!(parse(&words(line)).is_err(), "{line}");
        }
    }

    #[test]
    fn commands_can_be_typed_as_they_stand() {
        let line = command(
            &[
                "--hidden".to_owned(),
                String::new(),
                "--data".to_owned(),
                "my data.csv".to_owned(),
            ],
            Path::new("/data sets"),
        );
        assert!(
            line.ends_with("train --hidden '' --data 'my data.csv' --data-dir '/data sets'"),
            "{line}"
        );
    }
}
