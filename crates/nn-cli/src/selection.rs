//! Which samples of a data set a training uses, and how a table is read.

use nn_table::csv::TableOptions;

use crate::failure::{Failure, Result};
use crate::settings::Settings;

/// Share of the training samples that is held back to choose by.
pub(crate) const VALIDATION: f64 = 0.1;

/// Share of the rows that is held back as test rows where a data set has none.
pub(crate) const TEST_SPLIT: f64 = 0.1;

/// How samples are chosen from a data set.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    pub(crate) validation: f64,
    pub(crate) test_split: f64,
    /// Whether each class is divided alike; `None` leaves it to whether this is
    /// a new training: runs of versions that could not do it say nothing.
    pub(crate) stratify: Option<bool>,
    pub(crate) limit_train: Option<usize>,
    pub(crate) positive_class: Option<u32>,
    pub(crate) seed: u64,
    pub(crate) table: TableOptions,
}

impl Selection {
    pub(crate) fn new(settings: &Settings) -> Result<Self> {
        if settings.limit_train == Some(0) {
            return Err(Failure::usage(
                "--limit-train: expected a whole number from 1, found 0",
            ));
        }
        Ok(Self {
            validation: share("--validation", settings.validation.unwrap_or(VALIDATION))?,
            test_split: share("--test-split", settings.test_split.unwrap_or(TEST_SPLIT))?,
            stratify: settings.stratify,
            limit_train: settings.limit_train,
            positive_class: settings.positive_class,
            seed: settings.seed.unwrap_or(0),
            table: table_options(settings)?,
        })
    }
}

fn share(flag: &str, value: f64) -> Result<f64> {
    if (0.0..1.0).contains(&value) {
        return Ok(value);
    }
    Err(Failure::usage(format!(
        "{flag}: expected a number from 0 to below 1, found {value}"
    )))
}

fn table_options(settings: &Settings) -> Result<TableOptions> {
    let list = |names: &Option<String>| -> Vec<String> {
        names
            .iter()
            .flat_map(|names| names.split(','))
            .map(|name| name.trim().to_owned())
            .collect()
    };
    Ok(TableOptions {
        target: settings.target.clone(),
        task: settings
            .task
            .as_deref()
            .map(str::parse)
            .transpose()?
            .unwrap_or_default(),
        header: settings
            .header
            .as_deref()
            .map(str::parse)
            .transpose()?
            .unwrap_or_default(),
        sample_weight: settings.sample_weight.clone(),
        categorical: list(&settings.categorical),
        ignore: list(&settings.ignore),
    })
}
