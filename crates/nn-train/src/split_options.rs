//! Options for splitting a data set into training, validation and test samples, and for
//! reading a table.

use std::collections::BTreeMap;
use std::path::Path;

use nn_data::image::ImageSize;
use nn_data::input_file;
use nn_table::TableOptions;

use crate::choice::Choice;
use crate::error::{Error, Result};
use crate::settings::{Settings, default};

/// The settings that choose the samples of a data set.
#[derive(Clone, Debug)]
pub struct SplitOptions {
    /// Fraction of the training samples used for validation.
    pub validation: f64,
    /// Fraction of the samples used for testing, if the data set has no test samples.
    pub test_split: f64,
    /// Whether to stratify the split by class. `None` means yes for a new training run,
    /// and no for a run of a version without stratification.
    pub stratify: Option<bool>,
    /// Number of training samples to use, the first ones; `None` for all.
    pub limit_train: Option<usize>,
    /// The class to learn against all others.
    pub positive_class: Option<u32>,
    /// Seed of the random split.
    pub seed: u64,
    /// The size that the images of a folder are read with.
    pub image_size: Option<ImageSize>,
    /// Options for reading a table.
    pub table: TableOptions,
}

impl SplitOptions {
    /// Reads the options from the settings.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a value outside its range.
    pub fn new(settings: &Settings) -> Result<Self> {
        if settings.limit_train == Some(0) {
            return Err(Error::usage(
                "`limit-train`: expected a whole number from 1, found 0",
            ));
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
            limit_train: settings.limit_train,
            positive_class: settings.positive_class,
            seed: settings.seed.unwrap_or(default::SEED),
            image_size: settings.image_size.as_ref().map(Choice::value).copied(),
            table: table_options(settings)?,
        })
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
    };
    if let Some(schema) = &settings.schema {
        let text = input_file::read_text(Path::new(schema))?;
        let added = options.add_toml(&text);
        added.map_err(|error| Error::from(error).at(schema))?;
    }
    Ok(options)
}
