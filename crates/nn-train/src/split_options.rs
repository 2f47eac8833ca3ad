//! Options for splitting a data set into training, validation and test samples, and for
//! reading a table.

use std::collections::BTreeMap;
use std::path::Path;

use nn_files::regular_file;
use nn_image::ImageSize;
use nn_settings::settings::default;
use nn_settings::{Choice, Error, NumericEmbedding, Result, Settings};
use nn_table::TableOptions;

use crate::split::Split;

/// The settings that determine the samples of each split.
#[derive(Clone, Debug)]
pub struct SplitOptions {
    /// Fraction of the training samples used for validation.
    pub validation: f64,
    /// Fraction of the samples used for testing, if the data set has no test samples.
    pub test_split: f64,
    /// Whether to stratify the split by class. `None` means yes for a new training run, and no for
    /// a run of a program version without stratification.
    pub stratify: Option<bool>,
    /// The fold of a cross-validation; `None` without a cross-validation.
    pub fold: Option<Fold>,
    /// If set, only this number of training samples is used, counted from the first; `None` uses
    /// all.
    pub limit_train: Option<usize>,
    /// If set, only this number of training samples is used, drawn at random after
    /// `limit_train`; `None` uses all.
    pub train_size: Option<usize>,
    /// The positive class of a one-vs-rest classification.
    pub positive_class: Option<u32>,
    /// Seed of the random split.
    pub seed: u64,
    /// The size to which the images of a folder are resized; `None` for the default.
    pub image_size: Option<ImageSize>,
    /// Options for reading a table.
    pub table: TableOptions,
}

/// One fold of a K-fold cross-validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Number of the fold, counted from 1.
    pub number: usize,
    /// Total number of folds, K.
    pub count: usize,
    /// The split of the samples of the fold: test samples, or validation samples, which are a fold
    /// of the samples without the test samples.
    pub split: Split,
}

impl SplitOptions {
    /// Reads the options from the settings.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a value outside its range.
    pub fn new(settings: &Settings) -> Result<Self> {
        // The settings of a preset that concern the data are the same for all tasks and sizes.
        let settings = &settings.with_preset(false, 0);
        check_is_one_run(settings)?;
        for (name, size) in [
            ("limit-train", settings.limit_train),
            ("train-size", settings.train_size),
        ] {
            if size == Some(0) {
                let problem = format!("`{name}`: expected a whole number from 1, found 0");
                return Err(Error::usage(problem));
            }
        }
        if settings.group.is_some() && settings.order_by.is_some() {
            let problem =
                "`group`: `order-by` sets the split, which can separate the rows of a group";
            return Err(Error::usage(problem).with_help("leave out `group` or `order-by`"));
        }
        Ok(Self {
            validation: fraction(
                "validation",
                settings.validation.unwrap_or(default::VALIDATION),
            )?,
            test_split: fraction(
                "test-split",
                settings.test_split.unwrap_or(default::TEST_SPLIT),
            )?,
            stratify: settings.stratify,
            fold: fold(settings)?,
            limit_train: settings.limit_train,
            train_size: settings.train_size,
            positive_class: settings.positive_class,
            seed: settings
                .split_seed
                .or(settings.seed)
                .unwrap_or(default::SEED),
            image_size: settings.image_size.as_ref().map(Choice::value).copied(),
            table: table_options(settings)?,
        })
    }

    /// The chosen fold, if its samples belong to this split.
    pub(crate) fn fold_of(&self, split: Split) -> Option<Fold> {
        self.fold.filter(|fold| fold.split == split)
    }

    /// The options with the samples of the fold as validation samples. The test samples are those
    /// without folds, so that a choice among the trials of a search does not depend on them.
    #[must_use]
    pub fn with_validation_fold(self) -> Self {
        let fold = self.fold.map(|fold| Fold {
            split: Split::Validation,
            ..fold
        });
        Self { fold, ..self }
    }
}

/// Returns an error for settings of several training runs, which have several splits.
fn check_is_one_run(settings: &Settings) -> Result<()> {
    let problem = match (settings.seeds, &settings.sizes) {
        (Some(n), _) => format!("`seeds = {n}`: expected the settings of one training run"),
        (None, Some(sizes)) => {
            format!("`sizes = {sizes}`: expected the settings of one training run")
        }
        (None, None) => return Ok(()),
    };
    Err(Error::usage(problem)
        .with_help("only `nn train` trains several networks: set `seed` or `train-size`"))
}

/// The fold that the settings choose.
fn fold(settings: &Settings) -> Result<Option<Fold>> {
    let (count, number) = match (settings.folds, settings.fold) {
        (None, None) => return Ok(None),
        (Some(count), Some(number)) => (count, number),
        (Some(count), None) => {
            let problem = format!("`folds = {count}`: no fold is chosen");
            return Err(Error::usage(problem).with_help("set `fold` as well"));
        }
        (None, Some(number)) => {
            let problem = format!("`fold = {number}`: the number of folds is missing");
            return Err(Error::usage(problem).with_help("set `folds` as well"));
        }
    };
    check_folds(count, settings)?;
    if number == 0 || number > count {
        return Err(Error::usage(format!(
            "`fold`: expected a whole number from 1 to {count}, found {number}"
        )));
    }
    Ok(Some(Fold {
        number,
        count,
        split: Split::Test,
    }))
}

/// Returns an error for fewer than two folds, or if a column sets the split.
fn check_folds(count: usize, settings: &Settings) -> Result<()> {
    if count < 2 {
        return Err(Error::usage(format!(
            "`folds`: expected a whole number from 2, found {count}"
        )));
    }
    let columns = [
        ("order-by", &settings.order_by),
        ("split-column", &settings.split_column),
    ];
    match columns.into_iter().find(|(_, column)| column.is_some()) {
        None => Ok(()),
        Some((name, _)) => Err(Error::usage(format!(
            "`folds`: the folds are random, but `{name}` sets the split"
        ))
        .with_help(format!("leave out `folds` or `{name}`"))),
    }
}

fn fraction(name: &str, value: f64) -> Result<f64> {
    if (0.0..1.0).contains(&value) {
        return Ok(value);
    }
    Err(Error::usage(format!(
        "`{name}`: expected a number from 0 to below 1, found {value}"
    )))
}

fn table_options(settings: &Settings) -> Result<TableOptions> {
    let list = |names: &Option<String>| -> Vec<String> {
        let names = names.iter().flat_map(|names| names.split(','));
        names.map(|name| name.trim().to_owned()).collect()
    };
    let value = |choice: &Option<Choice<_>>| choice.as_ref().map(Choice::value).copied();
    let mut options = TableOptions {
        target: settings.target.clone(),
        task: settings
            .task
            .as_ref()
            .map(Choice::value)
            .copied()
            .unwrap_or_default(),
        header: settings
            .header
            .as_ref()
            .map(Choice::value)
            .copied()
            .unwrap_or_default(),
        separator: value(&settings.separator),
        missing: list(&settings.missing),
        sample_weight: settings.sample_weight.clone(),
        categorical: list(&settings.categorical),
        ignore: list(&settings.ignore),
        columns: BTreeMap::new(),
        expected: BTreeMap::new(),
        group: settings.group.clone(),
        order_by: settings.order_by.clone(),
        split_column: settings.split_column.clone(),
        target_transform: settings
            .target_transform
            .as_ref()
            .map(Choice::value)
            .copied()
            .unwrap_or_default(),
        scaling: settings
            .scaling
            .as_ref()
            .map(Choice::value)
            .copied()
            .unwrap_or_default(),
        orders_for_embeddings: settings
            .numeric_embedding
            .as_ref()
            .is_some_and(|it| *it.value() != NumericEmbedding::None),
        indexes_categories: settings.category_embedding.is_some_and(|width| width > 0),
        clips_outputs: settings.clip_outputs.unwrap_or(false),
    };
    if let Some(schema) = &settings.schema {
        let text = regular_file::read_text(Path::new(schema))?;
        let added = options.add_toml(&text);
        added.map_err(|error| Error::from(error).at(schema))?;
    }
    Ok(options)
}
