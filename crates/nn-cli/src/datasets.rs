//! From what was typed after `--data` to samples that a network can learn.

use std::path::{Path, PathBuf};

use nn_core::batches::{Inputs, Samples, Targets};
use nn_core::metrics::{Evaluation, RegressionErrors};
use nn_data::{Dataset, catalog, glyphs};
use nn_table::preprocessing::{Preprocessing, TargetColumn, TargetEncoding};
use nn_tensor::Threads;

use crate::args::SplitChoice;
use crate::data_name;
use crate::division::Division;
use crate::failure::{Failure, Result};
use crate::note::{ClassCounts, Note};
use crate::request::Request;
use crate::selection::Selection;
use crate::settings::Settings;
use crate::table;
use crate::task::{Task, with_counterpart};
use crate::terminal;

/// The built-in digits.
pub(crate) const GLYPHS: &str = "glyphs";

/// The built-in digits are the same for everyone.
const GLYPHS_SEED: u64 = 0;

/// Taken when no data set is named and it is there.
const PREFERRED: &str = "mnist";

/// Pixels are bytes; a network sees them as 0..=1.
pub(crate) const PIXEL_SCALE: f64 = 1.0 / 255.0;

/// A data set, what is to be learned from it, and which rows are for what.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    pub(crate) dataset: Dataset,
    pub(crate) task: Task,
    pub(crate) class_names: Vec<String>,
    /// What to write after `--data` to get it again.
    pub(crate) origin: String,
    /// How raw rows become inputs, if it is a table.
    pub(crate) preprocessing: Option<Preprocessing>,
    /// What a user should know about it.
    pub(crate) notes: Vec<Note>,
    /// SHA-256 of the file, if it is a table.
    pub(crate) table_sha256: Option<String>,
    /// `Some(true)` if each class was divided alike. Otherwise `None`, as in the
    /// settings of runs of versions that could not do it.
    pub(crate) stratify: Option<bool>,
    sample_weights: Option<Vec<f32>>,
    division: Division,
}

/// Samples to train on, to choose by, and to test on.
pub(crate) struct Parts<'a> {
    pub(crate) train: Samples<'a>,
    pub(crate) validation: Samples<'a>,
    pub(crate) test: Option<Samples<'a>>,
}

/// Which data set is meant where none is named.
pub(crate) fn default_name(data_dir: &Path) -> &'static str {
    match catalog::find(PREFERRED) {
        Ok(source) if source.is_present(data_dir) => PREFERRED,
        _ => GLYPHS,
    }
}

/// The data set that was named, or the default one, saying so if it is not real
/// data.
pub(crate) fn name_or_default(settings: &Settings, data_dir: &Path, say: impl Fn(&str)) -> String {
    settings.data.clone().unwrap_or_else(|| {
        let name = default_name(data_dir);
        if name == GLYPHS {
            say(&fetch_hint());
        }
        name.to_owned()
    })
}

/// Loads what a training with these settings learns from, telling what a user
/// should know about it. `run` is the one that is continued, if one is.
pub(crate) fn to_learn(
    settings: &Settings,
    data_dir: &Path,
    run: Option<&Path>,
    threads: &Threads,
    say: impl Fn(&str),
) -> Result<Data> {
    let selection = Selection::new(settings)?;
    let name = name_or_default(settings, data_dir, &say);
    let request = Request {
        run,
        ..Request::to_learn(&name, data_dir, &selection)
    };
    let data = Data::load(&request, threads)?;
    data.say_notes(say);
    Ok(data)
}

/// Says how to get real data, where the built-in digits took its place.
pub(crate) fn fetch_hint() -> String {
    let command = if terminal::is_run_by_cargo() {
        "cargo xtask fetch-data"
    } else {
        "nn data fetch"
    };
    format!("no MNIST in the data folder, so the built-in digits are used; `{command}` brings it")
}

/// Loads a data set by its name, or from a folder of IDX files. Of the
/// built-in digits, no more than `limit_train` are drawn to train on.
pub(crate) fn load_dataset(
    name: &str,
    data_dir: &Path,
    limit_train: Option<usize>,
    threads: &Threads,
) -> Result<Dataset> {
    load_dataset_of(None, name, data_dir, limit_train, threads)
}

/// As [`load_dataset`], for a run whose folder of files may lie elsewhere.
fn load_dataset_of(
    run: Option<&Path>,
    name: &str,
    data_dir: &Path,
    limit_train: Option<usize>,
    threads: &Threads,
) -> Result<Dataset> {
    if name == GLYPHS {
        let n_train = limit_train.unwrap_or(glyphs::N_TRAIN);
        return Ok(glyphs::dataset_of(GLYPHS_SEED, n_train, threads));
    }
    let path = data_name::path(name);
    if path.is_dir() {
        return Ok(Dataset::load_idx_folder(&path)?);
    }
    match catalog::find(name) {
        Ok(source) => Ok(Dataset::load(source, data_dir)?),
        Err(_) if locate(&path, run).is_dir() => Ok(Dataset::load_idx_folder(&locate(&path, run))?),
        Err(_) => {
            let known: Vec<_> = names().collect();
            Err(Failure::usage(format!(
                "unknown data set \"{}\"; expected a folder of IDX files, a .csv file, or one of: {}",
                data_name::shown(name).escape_debug(),
                known.join(", ")
            ))
            .help(format!("`{} data list` shows them", terminal::program())))
        }
    }
}

/// A path as it was typed when `run` was begun: seen from here or else, since
/// one may stand in another folder by now, from the nearest folder above the
/// run in which there is such a path.
fn locate(typed: &Path, run: Option<&Path>) -> PathBuf {
    let is_here = typed.is_absolute() || typed.exists();
    let run = run
        .filter(|_| !is_here)
        .and_then(|run| run.canonicalize().ok());
    let folders = run.iter().flat_map(|run| run.ancestors());
    folders
        .map(|folder| folder.join(typed))
        .find(|path| path.exists())
        .unwrap_or_else(|| typed.to_owned())
}

/// Every name that can be loaded.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    catalog::ALL
        .iter()
        .map(|source| source.name)
        .chain([GLYPHS])
}

impl Data {
    /// Loads what is asked for and says what is to be learned from it.
    pub(crate) fn load(request: &Request<'_>, threads: &Threads) -> Result<Self> {
        let path = data_name::path(request.name);
        let mut data = if table::is_table(&path) {
            let loaded = table::load(&locate(&path, request.run), request)?;
            Self {
                class_names: loaded.dataset.class_names.clone(),
                task: loaded.task,
                dataset: loaded.dataset,
                origin: request.name.to_owned(),
                preprocessing: Some(loaded.preprocessing),
                notes: loaded.notes,
                stratify: loaded.is_stratified.then_some(true),
                sample_weights: loaded.sample_weights,
                division: loaded.division,
                table_sha256: Some(loaded.sha256),
            }
        } else {
            let limit_train = request.selection.limit_train;
            let Request {
                run,
                name,
                data_dir,
                ..
            } = *request;
            let mut dataset = load_dataset_of(run, name, data_dir, limit_train, threads)?;
            with_counterpart(&mut dataset.class_names);
            let classes = labels(&dataset.train).filter(|_| request.is_stratified());
            Self {
                class_names: dataset.class_names.clone(),
                task: Task::Classes(dataset.n_classes()),
                stratify: classes.map(|_| true),
                division: Division::new(
                    dataset.train.len(),
                    request.selection,
                    !dataset.test.is_empty(),
                    classes,
                )?,
                dataset,
                origin: request.name.to_owned(),
                preprocessing: None,
                table_sha256: None,
                notes: Vec::new(),
                sample_weights: None,
            }
        };
        if let Some(class) = request.selection.positive_class {
            data.class_names = one_against_the_rest(&mut data.dataset, class)?;
            data.task = Task::Classes(2);
        }
        if request.model.is_none() {
            data.notes.extend(data.class_notes());
        }
        Ok(data)
    }

    /// What there is to say about the classes, if classes are to be learned.
    fn class_notes(&self) -> Vec<Note> {
        let Some(classes) = labels(&self.dataset.train) else {
            return Vec::new();
        };
        let count = |rows: &mut dyn Iterator<Item = u32>| {
            let mut counts = vec![0; self.class_names.len()];
            rows.for_each(|class| counts[class as usize] += 1);
            counts
        };
        let of = |rows: &[u32]| count(&mut rows.iter().map(|&row| classes[row as usize]));
        let own_test = labels(&self.dataset.test).unwrap_or_default();
        let has_weight = |row: &&u32| {
            let weights = self.sample_weights.as_ref();
            weights.is_none_or(|weights| weights[**row as usize] > 0.0)
        };
        let Division {
            train,
            validation,
            test,
        } = &self.division;
        let weighted: Vec<u32> = train.iter().filter(has_weight).copied().collect();
        let counts = ClassCounts {
            all: count(&mut classes.iter().chain(own_test).copied()),
            train: of(train),
            weighted: of(&weighted),
            validation: of(validation),
            test: if own_test.is_empty() {
                of(test)
            } else {
                count(&mut own_test.iter().copied())
            },
        };
        counts.notes(&self.class_names)
    }

    /// Tells what a user should know about it.
    pub(crate) fn say_notes(&self, say: impl Fn(&str)) {
        for note in &self.notes {
            say(&format!("note      {note}"));
        }
    }

    pub(crate) fn n_inputs(&self) -> usize {
        self.dataset.n_inputs()
    }

    /// How many samples there are to train on.
    pub(crate) fn n_train(&self) -> usize {
        self.division.train.len()
    }

    /// Name of each predicted number, and what one unit of the network's output
    /// is worth in the table's own units. Empty where no table says so.
    fn target_columns(&self) -> &[TargetColumn] {
        match self.preprocessing.as_ref().map(|it| &it.target) {
            Some(TargetEncoding::Regression(columns)) => columns,
            _ => &[],
        }
    }

    /// Names of the predicted numbers.
    pub(crate) fn target_names(&self) -> impl Iterator<Item = &str> {
        self.target_columns().iter().map(|column| &*column.name)
    }

    /// The errors of an evaluation in the table's own units, if it predicts
    /// numbers.
    pub(crate) fn errors_of(&self, evaluation: &Evaluation) -> Option<RegressionErrors> {
        let errors = evaluation.regression.as_ref()?;
        match self.target_columns() {
            [] => Some(errors.clone()),
            columns => {
                let scales = columns.iter().map(|column| column.standardization.std);
                Some(errors.scaled(&scales.collect::<Vec<_>>()))
            }
        }
    }

    /// Shape of one sample.
    pub(crate) fn input_shape(&self) -> Vec<usize> {
        match self.dataset.image_size {
            Some((height, width)) => vec![height, width],
            None => vec![self.n_inputs()],
        }
    }

    /// The samples to train on, to choose by, and to test on.
    pub(crate) fn parts(&self) -> Result<Parts<'_>> {
        let mut all = self.samples(&self.dataset.train)?;
        if let Some(weights) = &self.sample_weights {
            all = all.with_weights(weights)?;
        }
        let own_test = &self.dataset.test;
        let test = if !own_test.is_empty() {
            Some(self.samples(own_test)?)
        } else if !self.division.test.is_empty() {
            Some(all.select(&self.division.test))
        } else {
            None
        };
        Ok(Parts {
            train: all.select(&self.division.train),
            validation: all.select(&self.division.validation),
            test,
        })
    }

    /// The row of the data set, counted from 0, that a sample of a split is.
    pub(crate) fn row_of(&self, split: SplitChoice, position: usize) -> usize {
        let rows = match split {
            SplitChoice::Train => &self.division.train,
            SplitChoice::Validation => &self.division.validation,
            SplitChoice::Test => &self.division.test,
        };
        // A data set with test samples of its own has them in order.
        rows.get(position).map_or(position, |&row| row as usize)
    }

    fn samples<'a>(&'a self, part: &'a nn_data::Split) -> Result<Samples<'a>> {
        let inputs = match &part.inputs {
            nn_data::Inputs::Pixels(pixels) => Inputs::bytes(pixels.view(), PIXEL_SCALE),
            nn_data::Inputs::Features(features) => Inputs::values(features.view()),
        };
        let targets = match &part.targets {
            nn_data::Targets::Classes(labels) => Targets::classes(labels, self.class_names.len()),
            nn_data::Targets::Values(values) => Targets::values(values.view()),
        };
        Ok(Samples::new(inputs, targets)?)
    }
}

/// The classes of a part of a data set, if it has classes.
fn labels(part: &nn_data::Split) -> Option<&[u32]> {
    match &part.targets {
        nn_data::Targets::Classes(labels) => Some(labels),
        nn_data::Targets::Values(_) => None,
    }
}

/// Turns classes into 1 for `class` and 0 for every other; returns their names.
fn one_against_the_rest(dataset: &mut Dataset, class: u32) -> Result<Vec<String>> {
    let name = dataset
        .class_names
        .get(class as usize)
        .cloned()
        .ok_or_else(|| {
            Failure::usage(format!(
                "--positive-class: expected a class below {}, found {class}",
                dataset.class_names.len()
            ))
        })?;
    for part in [&mut dataset.train, &mut dataset.test] {
        if let nn_data::Targets::Classes(labels) = &mut part.targets {
            labels
                .iter_mut()
                .for_each(|label| *label = u32::from(*label == class));
        }
    }
    Ok(vec![format!("not {name}"), name])
}
