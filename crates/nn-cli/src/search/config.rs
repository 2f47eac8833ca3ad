//! What a search is to do: as typed, as written in its `config.toml`, and as
//! continued.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use nn_search::{Menu, Settings as StudySettings, Space, Stopping, Strategy};
use serde::{Deserialize, Serialize};

use crate::args::SearchArguments;
use crate::datasets;
use crate::failure::{Code, Failure, Result};
use crate::objective::Objective;
use crate::regular_file;
use crate::settings::{Settings, in_one_line};

use super::space;

const STRATEGY: &str = "bayesian";
const STOPPING: &str = "median";
const TRIALS: usize = 25;

/// Everything that decides a search's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub(super) space: String,
    pub(super) strategy: String,
    pub(super) stopping: String,
    pub(super) objective: Objective,
    pub(super) trials: usize,
    /// What does not vary.
    pub(super) train: Settings,
}

impl Config {
    /// The search that was typed, and the directory of the one it continues, if
    /// it does.
    pub(super) fn of(
        arguments: &SearchArguments,
        say: impl Fn(&str),
    ) -> Result<(Self, Option<PathBuf>)> {
        if let Some(name) = &arguments.resume {
            let path = locate(name, &arguments.work.runs_dir)?;
            refuse_settings(arguments, &path)?;
            let mut config = Self::read(&path)?;
            config.trials = arguments.trials.unwrap_or(config.trials);
            return Ok((config, Some(path)));
        }
        let typed = Self::typed(arguments, say)?;
        let old = arguments
            .name
            .as_ref()
            .map(|name| arguments.work.runs_dir.join(name));
        match old.filter(|path| path.join(CONFIG).is_file()) {
            Some(path) => {
                typed.expect_same(&Self::read(&path)?, &path)?;
                Ok((typed, Some(path)))
            }
            None => Ok((typed, None)),
        }
    }

    fn typed(arguments: &SearchArguments, say: impl Fn(&str)) -> Result<Self> {
        let mut train = match &arguments.config {
            Some(path) => arguments.settings.clone().or(&Settings::read(path)?),
            None => arguments.settings.clone(),
        };
        let data_dir = &arguments.folder.data_dir;
        train.data = Some(datasets::name_or_default(&train, data_dir, say));
        train.seed = Some(train.seed.unwrap_or(0));
        train.stratify = Some(train.stratify.unwrap_or(true));
        let space = match &arguments.space {
            Some(text) => space::parse(text)?,
            None => space::default_for(&train)?,
        };
        space::refuse_fixed(&space, &arguments.settings)?;
        Ok(Self {
            space: space.to_string(),
            strategy: menu::<Strategy>("--strategy", arguments.strategy.as_deref(), STRATEGY)?,
            stopping: menu::<Stopping>("--stopping", arguments.stopping.as_deref(), STOPPING)?,
            objective: match &arguments.objective {
                Some(text) => text.parse()?,
                None => Objective::Loss,
            },
            trials: arguments.trials.unwrap_or(TRIALS),
            train,
        })
    }

    fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(CONFIG);
        let text = regular_file::read_text(&path)?;
        let wrong = |problem: &str| {
            Failure::new(Code::Data, format!("{}: {problem}", path.display()))
                .help("it is not the configuration of a search; give the search another --name")
        };
        let config: Self =
            toml::from_str(&text).map_err(|error| wrong(&in_one_line(&error, &text)))?;
        let numbers = config
            .train
            .check_whole_numbers(&[("trials", Some(config.trials))]);
        numbers.map_err(|failure| wrong(failure.message()))?;
        Ok(config)
    }

    /// The file form.
    pub(super) fn to_toml(&self) -> String {
        toml::to_string(self).expect("settings are plain TOML")
    }

    pub(super) fn space(&self) -> Result<Space> {
        space::parse(&self.space)
    }

    pub(super) fn seed(&self) -> u64 {
        self.train.seed.unwrap_or(0)
    }

    /// For nn-search.
    pub(super) fn study(&self) -> Result<StudySettings> {
        Ok(StudySettings {
            strategy: self.strategy.parse()?,
            stopping: self.stopping.parse()?,
            seed: self.seed(),
            ..StudySettings::new(self.space()?)
        })
    }

    /// A search goes on with the settings it began with, but for their number.
    fn expect_same(&self, old: &Self, path: &Path) -> Result<()> {
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
        Err(Failure::usage(format!(
            "{}: another search has this name: it has {}, this one {}",
            path.display(),
            only_in(&theirs, &ours),
            only_in(&ours, &theirs)
        ))
        .help("give the search another --name, or continue that one with --resume"))
    }
}

/// The file of a search's settings.
pub(super) const CONFIG: &str = "config.toml";

fn menu<M>(flag: &str, text: Option<&str>, default: &str) -> Result<String>
where
    M: Menu + FromStr<Err = nn_search::Error> + fmt::Display,
{
    let entry = text.unwrap_or(default).parse::<M>();
    entry
        .map(|entry| entry.to_string())
        .map_err(|error| Failure::from(error).at(flag))
}

fn locate(name: &Path, runs_dir: &Path) -> Result<PathBuf> {
    let candidates = [name.to_owned(), runs_dir.join(name)];
    let found = candidates.iter().find(|path| path.join(CONFIG).is_file());
    found.cloned().ok_or_else(|| {
        Failure::new(
            Code::Io,
            format!(
                "--resume: no search in {} or {}",
                candidates[0].display(),
                candidates[1].display()
            ),
        )
        .help("name a directory that `nn search` has made")
    })
}

/// What is continued has its settings.
fn refuse_settings(arguments: &SearchArguments, path: &Path) -> Result<()> {
    let is_typed = arguments.settings != Settings::default()
        || arguments.config.is_some()
        || arguments.name.is_some()
        || [
            &arguments.space,
            &arguments.strategy,
            &arguments.stopping,
            &arguments.objective,
        ]
        .into_iter()
        .any(Option::is_some);
    if is_typed {
        return Err(Failure::usage(format!(
            "--resume: the settings are those of {}",
            path.join(CONFIG).display()
        ))
        .help("only --trials and where the data lie can be given with it"));
    }
    Ok(())
}
