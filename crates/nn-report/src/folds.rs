//! The report of a cross-validation: the mean of each result, and the folds side by side.

use std::path::Path;

use nn_plot::{Cell, Column, Page, Table};
use nn_train::cross_validation::mean_std_interval;
use nn_train::run_dir::fold_name;
use nn_train::{Error, Result, Settings, run_dir};

use crate::comparison::Comparison;
use crate::measure::{self, Best};
use crate::record::{RunRecord, name_of};
use crate::run_report::Report;

/// The folds of a finished cross-validation.
#[derive(Clone, Debug)]
pub struct Folds {
    name: String,
    comparison: Comparison,
}

/// A result over all folds, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldResult {
    /// Name of the result, such as `test accuracy`.
    pub name: &'static str,
    /// Mean over the folds.
    pub mean: String,
    /// Standard deviation over the folds.
    pub std: String,
    /// Lower and upper end of the 95 % confidence interval of the mean.
    pub interval: [String; 2],
}

impl Folds {
    /// Reads the folds in the directory of a cross-validation. The commands on the
    /// page begin with `program`.
    ///
    /// # Errors
    /// Returns an error if a fold is missing, not finished, or damaged.
    pub fn read(directory: &Path, program: &str) -> Result<Self> {
        let settings: Settings = run_dir::read_config(directory)?;
        let folds = (1..=settings.folds.unwrap_or_default()).map(|fold| {
            let path = directory.join(fold_name(fold));
            match run_dir::is_finished(&path) {
                true => RunRecord::read(&path),
                false => Err(unfinished(&path, directory, program)),
            }
        });
        Ok(Self {
            name: name_of(directory),
            comparison: Comparison {
                runs: folds.collect::<Result<_>>()?,
                command: format!("{program} report {}", directory.display()),
            },
        })
    }

    /// The results on the test and validation samples that all folds have, and the
    /// baselines.
    pub fn results(&self) -> Vec<FoldResult> {
        let measures = measure::ALL.iter().filter(|measure| {
            let is_result = !matches!(measure.best, Best::Shortest | Best::Neither);
            is_result && !measure.name.starts_with("training")
        });
        let result = |measure: &measure::Measure| {
            let values = self.comparison.runs.iter().map(measure.value);
            let values: Vec<f64> = values.collect::<Option<_>>()?;
            let (mean, std, interval) = mean_std_interval(&values);
            Some(FoldResult {
                name: measure.name,
                mean: (measure.text)(mean),
                std: (measure.text)(std),
                interval: interval.map(measure.text),
            })
        };
        measures.filter_map(result).collect()
    }

    /// Builds the page and draws the charts.
    pub fn build(&self) -> Report {
        let mut page = Page::new(format!("Cross-validation {}", self.name));
        page.lead(&format!("{} folds", self.comparison.runs.len()));
        page.section("Mean over the folds").table(&self.table());
        page.body().note(
            "The confidence interval of the mean uses Student's t-distribution. The folds share training \
             samples, so the true interval is somewhat wider.",
        );
        let plots = self.comparison.sections_into(&mut page);
        page.footer("Created by `nn report`.");
        Report { page, plots }
    }

    fn table(&self) -> Table {
        let heads = ["mean", "standard deviation", "95 % interval"].map(Column::number);
        let mut table = Table::new([Column::text("")].into_iter().chain(heads).collect());
        for result in self.results() {
            let [low, high] = &result.interval;
            table.row([
                Cell::new(result.name),
                Cell::new(result.mean.as_str()),
                Cell::new(result.std.as_str()),
                Cell::new(format!("{low} to {high}")),
            ]);
        }
        table
    }
}

fn unfinished(fold: &Path, directory: &Path, program: &str) -> Error {
    Error::usage(format!("{}: the fold is not finished", fold.display())).with_help(format!(
        "`{program} train --resume {}` trains the missing folds",
        directory.display()
    ))
}
