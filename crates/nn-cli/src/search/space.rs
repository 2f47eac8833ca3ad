//! The search space of `nn search`: its dimensions are flags of `nn train`, and its points
//! are parsed as flags.

use std::path::Path;

use clap::Arg;
use nn_search::{Dimension, Domain, Point, Space};
use nn_train::choice::Preset;
use nn_train::{Choice, Data, Error, Plan, Result, Settings, Task, flags};

use crate::objective::Objective;
use crate::terminal;

use super::failed::failed;
use super::trial_data::TrialData;

/// The default search space for tables without a preset, after the space of the MLP in
/// Gorishniy et al., *Revisiting deep learning models for tabular data*, 2021, appendix
/// (arXiv:2106.11959): the number and the widths of the layers, dropout, learning rate and weight
/// decay.
const TABLES: &str = "lr=log:1e-4..0.03 hidden=64|256|256,256|256,256,256|512,512 dropout=0..0.5 \
    weight-decay=log:1e-6..0.1 batch-size=32|64|128|256";

/// The default search space for tables with the preset `tabular`: the space of RealMLP in
/// Holzmüller et al., *Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
/// Data*, 2024, appendix (arXiv:2407.04491), with equal probabilities and without the standard
/// deviation of the initial frequencies.
const TABULAR: &str = "lr=log:0.02..0.3 hidden=256,256,256|64,64,64,64,64|512 dropout=0|0.15|0.3 \
    activation=relu|selu|mish numeric-embedding=none|periodic|piecewise-linear \
    input-scaling=true|false weight-decay=0|0.02";

/// The further dimension of [`TABULAR`] for classes.
const TABULAR_CLASSES: &str = "label-smoothing=0|0.1";

/// The default search space for other data.
const DEFAULT: &str = "lr=log:1e-4..1 optimizer=sgd|momentum|adam hidden=int-log:32..512 \
    batch-size=16|32|64|128 dropout=0..0.5";

/// Flags that change the samples or the measure of a trial: trials with different values
/// cannot be compared.
const NOT_TO_BE_SEARCHED: [&str; 7] = [
    "seed",
    "seeds",
    "loss",
    "reduction",
    "class-weight",
    "member",
    "from-sha256",
];
const HEADINGS_NOT_TO_BE_SEARCHED: [&str; 2] = ["Data", "Tables"];

/// Parses a search space; aliases of flags are replaced by the names of the flags.
pub(super) fn parse(text: &str) -> Result<Space> {
    let space: Space = text.parse().map_err(|error| failed(error).at("--space"))?;
    let proper = space.dimensions().iter().map(|dimension| {
        let text = dimension.to_string();
        let range = text.split_once('=').map_or("", |(_, range)| range);
        format!("{}={range}", flag_of(dimension)?)
            .parse::<Dimension>()
            .map_err(failed)
    });
    Space::new(proper.collect::<Result<_>>()?).map_err(|error| failed(error).at("--space"))
}

/// The default space for the data and the preset, without the settings that are given as flags.
pub(super) fn default_for(fixed: &Settings, data: &Data) -> Result<Space> {
    let is_free = |dimension: &&Dimension| fixed.to_json().get(dimension.name()).is_none();
    let preset = fixed.preset.as_ref().map(Choice::value);
    let space = parse(&match (data.has_columns(), preset) {
        (true, None | Some(Preset::Plain | Preset::TabularSmall)) => TABLES.to_owned(),
        (true, Some(_)) if matches!(data.task, Task::Regression(_)) => TABULAR.to_owned(),
        (true, Some(_)) => format!("{TABULAR} {TABULAR_CLASSES}"),
        (false, _) => DEFAULT.to_owned(),
    })?;
    let free: Vec<_> = space.dimensions().iter().filter(is_free).cloned().collect();
    Space::new(free).map_err(|_| {
        Error::usage("every dimension of the default space is fixed by a flag")
            .with_help("set --space, for example --space lr=log:1e-4..1,l2=log:1e-6..1e-2")
    })
}

/// Returns an error if a setting is both given as a flag and searched.
pub(super) fn refuse_fixed(space: &Space, typed: &Settings) -> Result<()> {
    let typed = typed.to_json();
    let both = space
        .dimensions()
        .iter()
        .map(Dimension::name)
        .find(|name| typed.get(name).is_some());
    match both {
        None => Ok(()),
        Some(name) => Err(Error::usage(format!(
            "--{name}: given twice, as a flag and as a dimension of --space"
        ))
        .with_help(format!(
            "leave out either --{name} or {name}=... in --space"
        ))),
    }
}

/// The name of the flag for a dimension, which may be given as an alias.
fn flag_of(dimension: &Dimension) -> Result<String> {
    let name = dimension.name();
    let command = flags::command();
    let flag = command.get_arguments().find(|flag| has_name(flag, name));
    if let Some(failure) = flags::refusal(name, "", &[]) {
        return Err(failure.at("--space"));
    }
    let Some(flag) = flag else {
        let known: Vec<_> = command
            .get_arguments()
            .filter(|flag| is_searchable(flag))
            .collect();
        return Err(
            Error::usage(format!("--space: nn train has no --{name} to search")).with_help(
                format!(
                    "settings that can be searched: {}",
                    known
                        .iter()
                        .filter_map(|flag| flag.get_long())
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            ),
        );
    };
    if !is_searchable(flag) {
        return Err(Error::usage(format!(
            "--space: {name} cannot be searched, because objectives would not be comparable"
        ))
        .with_help(format!(
            "run one search per value of --{name}, each with its own --name"
        )));
    }
    Ok(flag.get_long().unwrap_or(name).to_owned())
}

fn has_name(flag: &Arg, name: &str) -> bool {
    let aliases = flag.get_all_aliases().unwrap_or_default();
    flag.get_long() == Some(name) || aliases.contains(&name)
}

fn is_searchable(flag: &Arg) -> bool {
    let heading = flag.get_help_heading().unwrap_or_default();
    let name = flag.get_long().unwrap_or_default();
    !HEADINGS_NOT_TO_BE_SEARCHED.contains(&heading) && !NOT_TO_BE_SEARCHED.contains(&name)
}

/// Converts points of the search space to settings and commands.
#[derive(Clone, Debug)]
pub(super) struct Flags {
    fixed: Settings,
    space: Space,
}

impl Flags {
    pub(super) fn new(fixed: Settings, space: Space) -> Self {
        Self { fixed, space }
    }

    /// The settings of all training runs of a trial, each of which trains a single network.
    pub(super) fn settings(&self, point: &Point) -> Result<Settings> {
        let varied = flags::parse(point.arguments())?;
        Ok(Settings {
            ensemble: None,
            ..varied.or(&self.fixed)
        })
    }

    /// The settings of one training run on the samples of all folds.
    pub(super) fn refit_settings(&self, point: &Point) -> Result<Settings> {
        let varied = flags::parse(point.arguments())?;
        Ok(of_one_run(varied.or(&self.fixed)))
    }

    /// Checks that there are validation samples, and that the settings are valid at both
    /// ends, in the middle and for each option of every dimension, with the other
    /// dimensions in the middle.
    pub(super) fn check(&self, trial_data: &TrialData<'_>, objective: Objective) -> Result<()> {
        let runs = trial_data.last();
        let data = runs.first();
        if data.splits()?.validation.is_empty() {
            return Err(Error::usage(
                "--validation: a search needs validation samples, found none",
            )
            .with_help(
                "set --validation 0.1, because trials are compared on the validation samples",
            ));
        }
        if objective == Objective::Error && data.class_names.is_empty() {
            return Err(
                Error::usage("--objective error: the data set has no classes")
                    .with_help("use --objective loss"),
            );
        }
        let n_dimensions = self.space.dimensions().len();
        for (index, dimension) in self.space.dimensions().iter().enumerate() {
            for place in places(dimension.domain()) {
                let mut position = vec![0.5; n_dimensions];
                position[index] = place;
                let point = self.space.point_at(&position);
                self.settings(&point)
                    .and_then(|settings| trial_data.of(&settings)?.plans(&settings))
                    .map_err(|error| error.at(format!("--space: with {point}")))?;
            }
        }
        // The settings of the final network include those of an ensemble.
        let middle = self.space.point_at(&vec![0.5; n_dimensions]);
        Plan::new(&self.refit_settings(&middle)?, data).map(drop)
    }

    /// The command that trains a network, or an ensemble, with the settings of the trial at
    /// `point`.
    pub(super) fn command(&self, point: &Point, data_dir: &Path) -> String {
        let mut words = vec![terminal::program().to_owned(), "train".to_owned()];
        let fixed = of_one_run(self.fixed.clone()).to_json();
        for (name, value) in fixed.as_object().into_iter().flatten() {
            if point.get(name).is_none() {
                let value = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                words.push(flags::quoted(&format!("--{name}={value}")));
            }
        }
        words.extend(point.arguments().iter().map(|word| flags::quoted(word)));
        if data_dir != Path::new("datasets") && std::env::var_os("NN_DATA_DIR").is_none() {
            words.push(flags::quoted(&format!("--data-dir={}", data_dir.display())));
        }
        words.join(" ")
    }
}

/// The settings without the folds and the further seeds of trials of several runs. A single fold,
/// which has the test samples, is kept.
fn of_one_run(settings: Settings) -> Settings {
    Settings {
        folds: settings.folds.filter(|_| settings.fold.is_some()),
        seeds: None,
        ..settings
    }
}

/// The positions in the unit interval of the ends and the middle, or of all options.
fn places(domain: &Domain) -> Vec<f64> {
    match domain {
        Domain::Real { .. } | Domain::Integer { .. } => vec![0.0, 0.5, 1.0],
        Domain::Categorical { options } => (0..options.len())
            .map(|option| (option as f64 + 0.5) / options.len() as f64)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use nn_tensor::Threads;

    use super::*;

    #[test]
    fn the_default_space_is_made_of_flags() {
        let settings = Settings {
            data: Some("glyphs".to_owned()),
            limit_train: Some(20),
            ..Settings::default()
        };
        let data = Data::for_training(&settings, "datasets".as_ref(), &Threads::single());
        let data = data.unwrap();
        let space = default_for(&settings, &data).unwrap();
        assert_eq!(space.dimensions().len(), 5);
        let fixed = Settings {
            optimizer: Some("adam".parse().unwrap()),
            ..settings
        };
        assert_eq!(default_for(&fixed, &data).unwrap().dimensions().len(), 4);
    }

    #[test]
    fn a_point_becomes_settings() {
        let space = parse(
            "learning-rate=log:0.01..1 hidden=64|128,64 patience=int:1..3 batch-norm=true|false",
        )
        .unwrap();
        assert_eq!(space.dimensions()[0].name(), "lr");
        let fixed = Settings {
            lr: Some(9.0),
            seed: Some(3),
            ..Settings::default()
        };
        let flags = Flags::new(fixed, space.clone());
        let settings = flags
            .settings(&space.point_at(&[0.5, 0.9, 0.0, 0.1]))
            .unwrap();
        assert_eq!(settings.lr, Some(0.1));
        assert_eq!(settings.hidden, Some("128,64".parse().unwrap()));
        assert_eq!((settings.patience, settings.seed), (Some(1), Some(3)));
        assert_eq!(settings.batch_norm, Some(true));
    }
}
