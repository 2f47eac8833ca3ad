//! The data of the trials: one training run per trial, or one per fold and seed.
//!
//! All trials have the same samples. Some settings that can be searched change how a table is
//! encoded, such as the order of the inputs for an embedding; the table is loaded again for them.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use nn_table::TableOptions;
use nn_tensor::Threads;
use nn_train::repeated_training::data_of_all;
use nn_train::table::STDIN;
use nn_train::{
    Data, DataLoader, Error, Plan, Repetition, Result, Settings, SplitOptions, training_memory,
};

use crate::terminal;

/// The training runs of a trial, with their data.
pub(super) struct Runs(Vec<(Repetition, Arc<Data>)>);

impl Runs {
    /// The data of the first run.
    pub(super) fn first(&self) -> &Data {
        &self.0[0].1
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Repetition, &Data)> {
        let runs = self.0.iter();
        runs.map(|(repetition, data)| (*repetition, &**data))
    }

    /// The plan of each run for the settings of a trial.
    ///
    /// # Errors
    /// Returns an error for invalid settings, and if the runs do not fit into memory together.
    pub(super) fn plans(&self, settings: &Settings) -> Result<Vec<Plan>> {
        let plans = self
            .iter()
            .map(|(repetition, data)| Plan::new(&repetition.settings(settings), data));
        let plans: Vec<Plan> = plans.collect::<Result<_>>()?;
        let splits = self.first().splits()?;
        training_memory::check_several(&plans[0], &splits, plans.len())?;
        Ok(plans)
    }
}

/// Where the data of a search are.
#[derive(Clone)]
pub(super) struct DataSource<'a> {
    pub(super) data_dir: &'a Path,
    pub(super) threads: &'a Threads,
    /// The directory of the search, if it exists already.
    pub(super) search: Option<PathBuf>,
}

impl DataSource<'_> {
    /// Loads the data of the first run for the settings of a search or of a trial.
    pub(super) fn first(&self, settings: &Settings) -> Result<Data> {
        self.loader(settings).load(&Repetition::first(settings)?)
    }

    /// As [`first`](Self::first), for settings that may get the default preset of tables.
    pub(super) fn first_with_default_preset(&self, settings: Settings) -> Result<(Settings, Data)> {
        let loader = self.loader(&settings);
        loader.load_with_default_preset(settings, Repetition::first)
    }

    /// Loads the data of all runs; `first` are those of the first run.
    fn all(&self, settings: &Settings, first: Data) -> Result<Rc<Runs>> {
        let loader = self.loader(settings);
        let runs = data_of_all(settings, first, |run| loader.load(run))?;
        Ok(Rc::new(Runs(runs)))
    }

    /// Loads the data for the runs of these settings. A single fold has the test samples, as in
    /// `nn train`; with all folds, each fold has the validation samples of a run.
    fn loader(&self, settings: &Settings) -> DataLoader<'_> {
        let loader = DataLoader::new(self.data_dir, self.threads);
        let loader = match &self.search {
            None => loader,
            Some(search) => loader.of_run(search),
        };
        match settings.fold {
            None => loader.with_validation_folds(),
            Some(_) => loader,
        }
    }
}

/// The data of the trials, loaded when a trial needs them.
pub(super) struct TrialData<'a> {
    source: DataSource<'a>,
    /// The data of the last trial.
    last: RefCell<(Encoding, Rc<Runs>)>,
}

/// What determines the inputs of a network, among the settings that can be searched.
#[derive(PartialEq)]
struct Encoding {
    table: TableOptions,
    /// The model from which training starts.
    from: Option<String>,
}

impl Encoding {
    fn of(settings: &Settings) -> Result<Self> {
        Ok(Self {
            table: SplitOptions::new(&Repetition::first(settings)?)?.table,
            from: settings.from.clone(),
        })
    }
}

impl<'a> TrialData<'a> {
    /// The data for the settings of a search; `first` are those of the first run.
    ///
    /// # Errors
    /// Returns an error if the data of another run cannot be loaded.
    pub(super) fn new(source: DataSource<'a>, settings: &Settings, first: Data) -> Result<Self> {
        if settings.is_repeated() {
            refuse_standard_input(settings)?;
        }
        let last = (Encoding::of(settings)?, source.all(settings, first)?);
        Ok(Self {
            source,
            last: RefCell::new(last),
        })
    }

    /// The data for the settings of the last trial.
    pub(super) fn last(&self) -> Rc<Runs> {
        self.last.borrow().1.clone()
    }

    /// The data for the settings of a trial.
    pub(super) fn of(&self, settings: &Settings) -> Result<Rc<Runs>> {
        let encoding = Encoding::of(settings)?;
        if self.last.borrow().0 != encoding {
            refuse_standard_input(settings)?;
            let first = self.source.first(settings)?;
            *self.last.borrow_mut() = (encoding, self.source.all(settings, first)?);
        }
        Ok(self.last())
    }
}

/// Returns `true` if the data are read from standard input, which can be read only once.
pub(super) fn are_from_standard_input(settings: &Settings) -> bool {
    settings.data.as_deref() == Some(STDIN)
}

fn refuse_standard_input(settings: &Settings) -> Result<()> {
    match are_from_standard_input(settings) {
        false => Ok(()),
        true => Err(Error::usage(
            "--data -: standard input can be read only once, but this search reads the data several \
             times",
        )
        .with_help("give the path of a file as --data")),
    }
}

/// The runs of a trial, such as `5 folds` or `5 folds with 3 seeds`; `None` for a single run.
pub(super) fn described(settings: &Settings) -> Option<String> {
    let folds = settings.folds.filter(|_| settings.fold.is_none());
    let folds = folds.map(|n| terminal::counted(n, "fold"));
    let seeds = settings.seeds.map(|n| terminal::counted(n, "seed"));
    match (folds, seeds) {
        (Some(folds), Some(seeds)) => Some(format!("{folds} with {seeds}")),
        (folds, seeds) => folds.or(seeds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_described() {
        let described = |folds, fold, seeds| {
            described(&Settings {
                folds,
                fold,
                seeds,
                ..Settings::default()
            })
        };
        assert_eq!(described(None, None, None), None);
        assert_eq!(described(Some(5), Some(1), None), None);
        let both = described(Some(5), None, Some(3));
        assert_eq!(both.as_deref(), Some("5 folds with 3 seeds"));
        assert_eq!(described(None, None, Some(2)).as_deref(), Some("2 seeds"));
    }
}
