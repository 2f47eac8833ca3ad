//! From what was typed after `--data` to samples that a network can learn.

use std::path::{Path, PathBuf};

use nn_core::batches::{Inputs, Samples, Targets, split};
use nn_data::{Dataset, catalog, glyphs};
use nn_tensor::Threads;
use nn_tensor::random::Streams;

use crate::failure::{Failure, Result};
use crate::plan::Selection;
use crate::terminal;

/// The built-in digits.
pub(crate) const GLYPHS: &str = "glyphs";

/// The built-in digits are the same for everyone.
const GLYPHS_SEED: u64 = 0;

/// Taken when no data set is named and it is there.
const PREFERRED: &str = "mnist";

/// Pixels are bytes; a network sees them as 0..=1.
pub(crate) const PIXEL_SCALE: f64 = 1.0 / 255.0;

/// What is to be learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// One of so many classes.
    Classes(usize),
    /// So many yes/no answers.
    Flags(usize),
    /// So many numbers.
    Numbers(usize),
}

/// A data set and what is to be learned from it.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    pub(crate) dataset: Dataset,
    pub(crate) task: Task,
    pub(crate) class_names: Vec<String>,
    /// What to write after `--data` to get it again.
    pub(crate) origin: String,
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

/// Says how to get real data, where the built-in digits took its place.
pub(crate) fn fetch_hint() -> String {
    let command = if std::env::var_os("CARGO").is_some() {
        "cargo xtask fetch-data"
    } else {
        "nn data fetch"
    };
    format!("no MNIST in the data folder, so the built-in digits are used; `{command}` brings it")
}

/// Loads a data set by its name, or from a folder.
pub(crate) fn load(name: &str, data_dir: &Path, threads: &Threads) -> Result<Dataset> {
    if name == GLYPHS {
        return Ok(glyphs::dataset(GLYPHS_SEED, threads));
    }
    let path = PathBuf::from(name);
    if path.is_dir() {
        return Ok(Dataset::load_idx_folder(&path)?);
    }
    match catalog::find(name) {
        Ok(source) => Ok(Dataset::load(source, data_dir)?),
        Err(_) => {
            let known: Vec<_> = names().collect();
            Err(Failure::usage(format!(
                "unknown data set \"{}\"; expected a folder of IDX files or one of: {}",
                name.escape_debug(),
                known.join(", ")
            ))
            .help(format!("`{} data list` shows them", terminal::program())))
        }
    }
}

/// Every name that can be loaded.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    catalog::ALL
        .iter()
        .map(|source| source.name)
        .chain([GLYPHS])
}

impl Data {
    /// Loads what `name` stands for and turns it into what is to be learned.
    pub(crate) fn load(
        name: &str,
        data_dir: &Path,
        positive_class: Option<u32>,
        threads: &Threads,
    ) -> Result<Self> {
        let mut dataset = load(name, data_dir, threads)?;
        let mut class_names = dataset.class_names.clone();
        if let Some(class) = positive_class {
            class_names = one_against_the_rest(&mut dataset, class)?;
        }
        let task = match &dataset.train.targets {
            nn_data::Targets::Classes(_) => Task::Classes(class_names.len()),
            nn_data::Targets::Values(values) => {
                let are_flags = values.iter().all(|&value| value == 0.0 || value == 1.0);
                if are_flags {
                    Task::Flags(values.ncols())
                } else {
                    Task::Numbers(values.ncols())
                }
            }
        };
        Ok(Self {
            dataset,
            task,
            class_names,
            origin: name.to_owned(),
        })
    }

    pub(crate) fn n_inputs(&self) -> usize {
        self.dataset.n_inputs()
    }

    /// Shape of one sample.
    pub(crate) fn input_shape(&self) -> Vec<usize> {
        match self.dataset.image_size {
            Some((height, width)) => vec![height, width],
            None => vec![self.n_inputs()],
        }
    }

    /// Divides the samples as a training does.
    pub(crate) fn parts(&self, selection: Selection) -> Result<Parts<'_>> {
        let all = self.samples(&self.dataset.train)?;
        let limit = selection.limit_train.unwrap_or(all.len()).min(all.len());
        let (train, validation) = split(limit, selection.validation, Streams::new(selection.seed));
        if train.is_empty() {
            return Err(Failure::usage(format!(
                "{limit} training samples, of which --validation {} leaves none to train on",
                selection.validation
            )));
        }
        let test = &self.dataset.test;
        Ok(Parts {
            train: all.select(&train),
            validation: all.select(&validation),
            test: if test.is_empty() {
                None
            } else {
                Some(self.samples(test)?)
            },
        })
    }

    fn samples<'a>(&'a self, part: &'a nn_data::Split) -> Result<Samples<'a>> {
        let inputs = match &part.inputs {
            nn_data::Inputs::Pixels(pixels) => Inputs::Bytes {
                values: pixels.view(),
                scale: PIXEL_SCALE,
            },
            nn_data::Inputs::Features(features) => Inputs::Values(features.view()),
        };
        let targets = match &part.targets {
            nn_data::Targets::Classes(labels) => Targets::Classes {
                labels,
                n_classes: self.class_names.len(),
            },
            nn_data::Targets::Values(values) => Targets::Values(values.view()),
        };
        Ok(Samples::new(inputs, targets)?)
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
