//! The training run that was chosen on the page: flags of `nn train`, parsed as
//! `nn train` parses them, so that the command on the page repeats the run.

use std::path::Path;
use std::sync::Arc;

use nn_train::choice::Preset;
use nn_train::data::{Data, GLYPHS, default_name};
use nn_train::memory::amount;
use nn_train::training_memory;
use nn_train::{Error, Experiment, Plan, Result, Settings, command_line, flags, grouped, table};

use crate::dataset_cache::DatasetCache;

/// Largest number of parameters; larger networks are for the terminal, where running
/// out of memory does not end the server.
const MAX_PARAMETERS: usize = 20_000_000;

/// Most memory of a training run, in bytes; two may run at once.
const MAX_MEMORY: u64 = 1 << 30;

/// Largest number of built-in digits, which are generated before the training.
const MAX_GLYPHS: usize = 200_000;

/// A checked training run.
#[derive(Clone, Debug)]
pub(crate) struct TrainingRequest {
    pub(crate) experiment: Experiment,
    /// The name of the program in commands.
    pub(crate) program: String,
    /// The command that repeats the run.
    pub(crate) command: String,
}

impl TrainingRequest {
    /// A training run with flags such as `["--lr", "0.1"]`; `program` starts the command.
    ///
    /// # Errors
    /// Returns an error if the flags are invalid, the data cannot be loaded, or the training
    /// run is too large for the page.
    pub(crate) fn new(words: &[String], datasets: &DatasetCache, program: &str) -> Result<Self> {
        let mut words = words.to_vec();
        let mut settings = flags::parse(&words)?;
        if settings.data.is_none() {
            let name = default_name(datasets.data_dir());
            settings.data = Some(name.to_owned());
            words.splice(0..0, ["--data".to_owned(), name.to_owned()]);
        }
        if table::with_default_preset(&settings).is_some() {
            // The page trains plain networks, and its command trains the same.
            settings.preset = Some(Preset::Plain.into());
            words.extend(["--preset".to_owned(), Preset::Plain.to_string()]);
        }
        check_from(&settings)?;
        check_glyphs(&settings)?;
        let data = datasets.get(&settings)?;
        let experiment = Experiment::new(&settings, Arc::clone(&data))?;
        experiment.plan().check_single()?;
        check_parameters(experiment.plan())?;
        check_memory(experiment.plan(), &data)?;
        Ok(Self {
            experiment,
            program: program.to_owned(),
            command: command(program, &words, datasets.data_dir()),
        })
    }

    /// The widths of the layers: `784-128-10`.
    pub(crate) fn network(&self) -> String {
        let network = &self.experiment.plan().network;
        let outputs = network.layers.iter().map(|layer| layer.n_outputs);
        let widths = std::iter::once(network.n_inputs).chain(outputs);
        let widths: Vec<String> = widths.map(|width| width.to_string()).collect();
        widths.join("-")
    }
}

/// The command that trains with these flags.
fn command(program: &str, words: &[String], data_dir: &Path) -> String {
    let mut command = format!("{program} train");
    let folder = data_dir.to_string_lossy();
    let data_dir = ["--data-dir", &folder];
    let data_dir = data_dir.iter().filter(|_| folder != "datasets");
    for word in words.iter().map(String::as_str).chain(data_dir.copied()) {
        command.push(' ');
        command.push_str(&command_line::quoted(word));
    }
    command
}

fn check_from(settings: &Settings) -> Result<()> {
    match settings.from {
        None => Ok(()),
        Some(_) => Err(Error::usage("`from`: the page trains new networks only")
            .with_help("use `nn train` in a terminal")),
    }
}

fn check_glyphs(settings: &Settings) -> Result<()> {
    match settings.limit_train {
        Some(n) if n > MAX_GLYPHS && settings.data.as_deref() == Some(GLYPHS) => {
            Err(Error::usage(format!(
                "`limit-train`: the page generates at most {} of the built-in digits, found {}",
                grouped(MAX_GLYPHS),
                grouped(n)
            ))
            .with_help("use a smaller number here, or `nn train` in a terminal"))
        }
        _ => Ok(()),
    }
}

fn check_parameters(plan: &Plan) -> Result<()> {
    let mut n_inputs = plan.network.n_inputs;
    let mut n_parameters = 0_usize;
    for layer in &plan.network.layers {
        n_parameters = n_parameters.saturating_add((n_inputs + 1).saturating_mul(layer.n_outputs));
        n_inputs = layer.n_outputs;
    }
    if n_parameters <= MAX_PARAMETERS {
        return Ok(());
    }
    Err(Error::usage(format!(
        "the page trains networks of at most {} parameters, but this network has {}",
        grouped(MAX_PARAMETERS),
        grouped(n_parameters)
    ))
    .with_help("use narrower layers (`hidden`), or `nn train` in a terminal"))
}

fn check_memory(plan: &Plan, data: &Data) -> Result<()> {
    let (needed, help) = training_memory::needed(plan, &data.splits()?)?;
    if needed <= MAX_MEMORY {
        return Ok(());
    }
    Err(Error::usage(format!(
        "the page trains with at most {} of memory, but this training run needs {}",
        amount(MAX_MEMORY),
        amount(needed)
    ))
    .with_help(format!("{help}, or use `nn train` in a terminal")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str) -> Result<TrainingRequest> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let datasets = DatasetCache::new("no-such-folder".into());
        TrainingRequest::new(&words, &datasets, "nn")
    }

    #[test]
    fn only_settings_are_accepted() {
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
            let error = request(line).expect_err(line);
            assert_eq!(error.kind(), nn_train::ErrorKind::Usage, "{line}");
        }
    }

    #[test]
    fn too_large_training_runs_are_refused() {
        for (line, expected) in [
            (
                "--limit-train 4000000",
                "at most 200 000 of the built-in digits",
            ),
            (
                "--limit-train 100 --hidden 30000",
                "at most 20 000 000 parameters",
            ),
            (
                "--limit-train 10000 --hidden 12000 --batch-norm --batch-size full",
                "at most 1.0 GiB of memory",
            ),
        ] {
            let message = request(line).expect_err(line).to_string();
            let message = message.replace('\u{202f}', " ");
            assert!(message.contains(expected), "{line}: {message}");
        }
    }

    #[test]
    fn a_network_of_20_million_parameters_is_the_largest() {
        let problem = |hidden: usize| {
            let line = format!("--limit-train 100 --hidden {hidden} --optimizer sgd");
            request(&line).err().map(|error| error.to_string())
        };
        let is_refused = |problem: Option<String>| {
            problem.is_some_and(|problem| problem.contains("parameters, but this network has"))
        };
        // 784·n + n + 10·n + 10 parameters.
        assert!(!is_refused(problem(25_157)), "19 999 825 parameters");
        assert!(is_refused(problem(25_158)), "20 000 620 parameters");
    }

    #[test]
    fn the_command_names_the_data_set() {
        let request = request("--limit-train 100 --hidden 4").expect("it is small");
        assert_eq!(
            request.command,
            "nn train --data glyphs --limit-train 100 --hidden 4 --data-dir no-such-folder"
        );
        assert_eq!(request.network(), "784-4-10");
    }

    #[test]
    fn commands_are_quoted_for_the_shell() {
        let words = ["--hidden", "", "--data", "my data.csv"].map(str::to_owned);
        assert_eq!(
            command("cargo run -p nn-cli --", &words, Path::new("/data sets")),
            "cargo run -p nn-cli -- train --hidden '' --data 'my data.csv' --data-dir '/data sets'"
        );
        assert_eq!(command("nn", &[], Path::new("datasets")), "nn train");
    }
}
