//! The configuration of a search: from the command line, or from `config.toml` when a
//! search is resumed.

use std::path::{Path, PathBuf};

use nn_core::Schedule;
use nn_files::{escaped_path, regular_file};
use nn_search::{Settings as StudySettings, Space, Stopping, Strategy};
use nn_train::settings::{default, in_one_line};
use nn_train::table::is_rows_file;
use nn_train::{Choice, Error, ErrorKind, Note, Result, Settings, data};
use serde::{Deserialize, Serialize};

use crate::objective::Objective;

use super::arguments::SearchArguments;
use super::space;
use super::trial_data;

const STRATEGY: &str = "bayesian";
const STOPPING: &str = "median";
const ROUND: usize = 8;
const TRIALS: usize = 25;
/// Maximum number of trials of a search with a time budget, which normally ends it earlier.
const TRIALS_WITH_BUDGET: usize = 1000;

/// All settings that determine the result of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub(super) space: String,
    pub(super) strategy: Choice<Strategy>,
    pub(super) stopping: Choice<Stopping>,
    pub(super) objective: Choice<Objective>,
    /// Number of trials per round. Searches of program versions without rounds have one.
    #[serde(default = "one")]
    pub(super) round: usize,
    pub(super) trials: usize,
    /// The fixed settings.
    pub(super) train: Settings,
}

impl Config {
    /// Reads the configuration of the search `name`, which is resumed; also returns its directory.
    pub(super) fn resumed(arguments: &SearchArguments, name: &Path) -> Result<(Self, PathBuf)> {
        let path = locate(name, &arguments.work.runs_dir).map_err(|error| error.at("--resume"))?;
        refuse_settings(arguments, "--resume", &path)?;
        let mut config = Self::read(&path)?;
        config.trials = arguments.trials.unwrap_or(config.trials);
        Ok((config, path))
    }

    /// The fixed settings of a new search, before those of a default preset.
    pub(super) fn fixed_settings(
        arguments: &SearchArguments,
        note: impl Fn(&Note),
    ) -> Result<Settings> {
        let mut train = match &arguments.config {
            Some(path) => arguments.settings.clone().or(&Settings::read(path)?),
            None => arguments.settings.clone(),
        };
        let data_dir = &arguments.folder.data_dir;
        if train.data.is_none() {
            let name = data::default_name(data_dir);
            if name == data::GLYPHS {
                note(&Note::BuiltInDigits);
            }
            train.data = Some(name.to_owned());
        }
        train.seed = Some(train.seed.unwrap_or(0));
        let data = train.data.as_deref().map(escaped_path::path);
        // The split of a file of rows is that of its conversion.
        if !data.is_some_and(|path| is_rows_file(&path)) {
            train.stratify = Some(train.stratify.unwrap_or(true));
        }
        if let Some(sizes) = &train.sizes {
            return Err(Error::usage(format!(
                "--sizes {sizes}: all trials have the same training samples"
            ))
            .with_help("use --train-size to search with fewer samples"));
        }
        Ok(train)
    }

    /// The configuration of a new search with these fixed settings and this number of training
    /// samples.
    pub(super) fn new(
        arguments: &SearchArguments,
        train: Settings,
        n_samples: usize,
        space: &Space,
    ) -> Self {
        let stopping = arguments.stopping.clone();
        let stopping = stopping.unwrap_or_else(|| stopping_for(&train, n_samples));
        Self {
            space: space.to_string(),
            strategy: arguments.strategy.clone().unwrap_or_else(strategy),
            stopping,
            objective: arguments
                .objective
                .clone()
                .unwrap_or(Objective::Loss.into()),
            round: arguments.round.unwrap_or(ROUND),
            trials: arguments.trials.unwrap_or(match arguments.budget {
                None => TRIALS,
                Some(_) => TRIALS_WITH_BUDGET,
            }),
            train,
        }
    }

    /// Reads the configuration of the search in `folder`.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(CONFIG);
        let text = regular_file::read_text(&path)?;
        let wrong = |problem: &str| {
            Error::new(ErrorKind::Data, format!("{}: {problem}", path.display()))
                .with_help("the file is not the configuration of a search; choose another --name")
        };
        let config: Self =
            toml::from_str(&text).map_err(|error| wrong(&in_one_line(&error, &text)))?;
        let numbers = config.train.check_whole_numbers(&[
            ("trials", Some(config.trials)),
            ("round", Some(config.round)),
        ]);
        numbers.map_err(|error| wrong(&error.to_string()))?;
        Ok(config)
    }

    /// Formats the configuration as TOML.
    pub(super) fn to_toml(&self) -> String {
        toml::to_string(self).expect("settings are plain TOML")
    }

    pub(super) fn space(&self) -> Result<Space> {
        space::parse(&self.space)
    }

    /// Returns `true` if each trial has several training runs.
    pub(super) fn is_repeated(&self) -> bool {
        self.train.is_repeated()
    }

    /// The objective, such as `mean validation loss over 5 folds`.
    pub(super) fn objective_description(&self) -> String {
        let objective = self.objective.value().description();
        match trial_data::described(&self.train) {
            None => objective.to_owned(),
            Some(runs) => format!("mean {objective} over {runs}"),
        }
    }

    pub(super) fn seed(&self) -> u64 {
        self.train.seed.unwrap_or(0)
    }

    /// The settings of the study.
    pub(super) fn study(&self) -> Result<StudySettings> {
        Ok(StudySettings {
            strategy: *self.strategy.value(),
            stopping: *self.stopping.value(),
            seed: self.seed(),
            round: self.round,
            ..StudySettings::new(self.space()?)
        })
    }

    /// Returns an error if anything but the number of trials differs from the existing
    /// search.
    pub(super) fn expect_same(&self, old: &Self, path: &Path) -> Result<()> {
        let lines = |config: &Self| -> Vec<String> {
            let config = Self {
                trials: 0,
                ..config.clone()
            };
            config.to_toml().lines().map(str::to_owned).collect()
        };
        let (ours, theirs) = (lines(self), lines(old));
        let only_in = |some: &[String], others: &[String]| {
            let different = some.iter().find(|line| !others.contains(line));
            different.map_or_else(|| "nothing".to_owned(), |line| line.replace('"', ""))
        };
        if ours == theirs {
            return Ok(());
        }
        Err(Error::usage(format!(
            "{}: a search with this name exists and has {}; this search has {}",
            path.display(),
            only_in(&theirs, &ours),
            only_in(&ours, &theirs)
        ))
        .with_help("choose another --name, or resume the existing search with --resume"))
    }
}

/// The file of a search's settings.
pub(super) const CONFIG: &str = "config.toml";

fn one() -> usize {
    1
}

fn strategy() -> Choice<Strategy> {
    STRATEGY.parse().expect("the name of a strategy")
}

/// The median rule. With the schedule coslog4, whose rate rises again after each of its four waves,
/// the losses of trials are not comparable before the end of the third wave, at 7/15 of the epochs.
fn stopping_for(train: &Settings, n_samples: usize) -> Choice<Stopping> {
    let resolved = train.with_preset(false, n_samples);
    let schedule = resolved.schedule.as_ref().map(Choice::value);
    let usual: Choice<Stopping> = STOPPING.parse().expect("the name of a rule");
    match (*usual.value(), schedule) {
        (Stopping::Median { trials, .. }, Some(Schedule::Coslog4)) => {
            let epochs = resolved.epochs.unwrap_or(default::EPOCHS);
            let steps = epochs.saturating_mul(7) / 15;
            Stopping::Median { trials, steps }.into()
        }
        _ => usual,
    }
}

/// The directory of an existing search.
pub(super) fn locate(name: &Path, runs_dir: &Path) -> Result<PathBuf> {
    let candidates = [name.to_owned(), runs_dir.join(name)];
    let found = candidates.iter().find(|path| path.join(CONFIG).is_file());
    found.cloned().ok_or_else(|| {
        Error::new(
            ErrorKind::Io,
            format!(
                "no search in {} or {}",
                candidates[0].display(),
                candidates[1].display()
            ),
        )
        .with_help("give the name or the directory of an existing search")
    })
}

/// Returns an error if settings are given together with a `flag` for an existing search, which has
/// its own settings.
pub(super) fn refuse_settings(arguments: &SearchArguments, flag: &str, path: &Path) -> Result<()> {
    let is_resumed = flag == "--resume";
    let is_refused = match is_resumed {
        true => arguments.name().is_some(),
        false => arguments.trials.is_some() || arguments.budget.is_some(),
    };
    if arguments.has_settings() || is_refused {
        return Err(Error::usage(format!(
            "{flag}: the settings are read from {}",
            path.join(CONFIG).display()
        ))
        .with_help(match is_resumed {
            true => "only --trials, --budget and --data-dir can be changed when resuming",
            false => "leave out the settings of the search",
        }));
    }
    Ok(())
}
