//! The report of several training runs with the same settings: the mean of each result over
//! folds or seeds, the learning curve over the number of training samples, and the runs side
//! by side.

use std::path::Path;

use nn_plot::chart::{LineChart, Series};
use nn_plot::number::NO_NUMBER;
use nn_plot::{Axis, Column, Page, Svg, Table};
use nn_train::repeated_training::{Estimate, Interval, estimate};
use nn_train::{Error, Repetition, Result, Settings, Summary, run_dir};
use serde_json::{Value, json};

use crate::comparison::Comparison;
use crate::measure::{self, Best, Measure};
use crate::record::{RunRecord, name_of};
use crate::run_report::Report;

/// The finished training runs of a repeated training.
#[derive(Clone, Debug)]
pub struct RepeatedRuns {
    name: String,
    settings: Settings,
    repetitions: Vec<Repetition>,
    comparison: Comparison,
}

/// A table as text: one row per result, or one per number of training samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultTable {
    /// Names of the columns.
    pub heads: Vec<String>,
    /// The cells of each row.
    pub rows: Vec<Vec<String>>,
}

impl RepeatedRuns {
    /// Reads the runs in the directory of a repeated training. The commands on the page begin
    /// with `program`.
    ///
    /// # Errors
    /// Returns an error if a run is missing, not finished, or damaged.
    pub fn read(directory: &Path, program: &str) -> Result<Self> {
        let settings = run_dir::read_config(directory)?;
        let repetitions = Repetition::all(&settings).map_err(Error::of_data)?;
        let runs = repetitions.iter().map(|repetition| {
            let path = directory.join(repetition.directory());
            match run_dir::is_finished(&path) {
                true => RunRecord::read(&path),
                false => Err(unfinished(&path, directory, program)),
            }
        });
        Ok(Self {
            name: name_of(directory),
            comparison: Comparison {
                runs: runs.collect::<Result<_>>()?,
                command: format!("{program} report {}", directory.display()),
                ..Comparison::default()
            },
            settings,
            repetitions,
        })
    }

    /// The training runs, each with the settings in which it differs from the others.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (Repetition, &RunRecord)> {
        self.repetitions.iter().copied().zip(&self.comparison.runs)
    }

    /// The runs as one record, to compare them with other runs: the settings of the repeated
    /// training, and the means of the results.
    ///
    /// # Errors
    /// Returns an error for a learning curve, whose runs have no meaningful mean.
    pub fn mean_record(&self) -> Result<RunRecord> {
        if self.settings.sizes.is_some() {
            let problem = format!("{}: a learning curve cannot be compared", self.name);
            return Err(Error::usage(problem)
                .with_help("compare runs with the same number of training samples"));
        }
        Ok(RunRecord {
            name: self.name.clone(),
            settings: self.settings.clone(),
            epochs: Vec::new(),
            summary: self.mean_summary(),
        })
    }

    /// The summary of the first run, with the means of all measured numbers.
    fn mean_summary(&self) -> Summary {
        let summaries: Vec<Value> = self.runs().map(|(_, run)| json!(run.summary)).collect();
        let mut mean = summaries[0].clone();
        for (name, value) in mean.as_object_mut().into_iter().flatten() {
            let numbers = || summaries.iter().map(|summary| summary[name].as_f64());
            let is_measured = value.is_f64() && numbers().all(|it| it.is_some());
            if is_measured {
                let sum: f64 = numbers().flatten().sum();
                *value = json!(sum / summaries.len() as f64);
            } else if name.ends_with("_interval") || name == "weights_sha256" {
                *value = Value::Null;
            }
        }
        if let Some(object) = mean.as_object_mut() {
            object.retain(|_, value| !value.is_null());
        }
        serde_json::from_value(mean).expect("the types of the values are unchanged")
    }

    /// The results on the test and validation samples that all runs have, and the baselines.
    /// A learning curve has one row per number of training samples.
    pub fn table(&self) -> ResultTable {
        let sizes = self.sizes();
        if !sizes.is_empty() {
            return self.learning_curve_table(&sizes);
        }
        let heads = ["", "mean", "standard deviation", "95 % interval"];
        let row = |measure: &Measure| {
            let estimate = self.estimate(measure, None)?;
            Some(vec![
                measure.name.to_owned(),
                (measure.text)(estimate.mean),
                spread_text(estimate, |spread| (measure.text)(spread.std)),
                interval_text(measure, estimate.spread.map(|spread| spread.interval)),
            ])
        };
        ResultTable {
            heads: heads.map(str::to_owned).to_vec(),
            rows: results().filter_map(row).collect(),
        }
    }

    /// What the intervals of the table cover.
    pub fn meaning(&self) -> &'static str {
        Interval::of(&self.repetitions).meaning().unwrap_or(
            "The interval is that of one network on the test samples (of accuracies: Wilson's; of \
             errors: by Student's t-distribution). Add `--seeds 5` to measure the randomness of \
             training, too.",
        )
    }

    fn learning_curve_table(&self, sizes: &[usize]) -> ResultTable {
        let measures = self.curve_measures();
        let mut heads = vec!["samples".to_owned()];
        for measure in &measures {
            heads.push(measure.name.to_owned());
            heads.push("95 % interval".to_owned());
        }
        let row = |&size: &usize| {
            let cells = measures.iter().flat_map(|measure| {
                let mean = self.estimate(measure, Some(size));
                let text = |it: Estimate| (measure.text)(it.mean);
                [
                    mean.map_or_else(|| NO_NUMBER.to_owned(), text),
                    interval_text(measure, self.interval(measure, size)),
                ]
            });
            std::iter::once(nn_train::grouped(size))
                .chain(cells)
                .collect()
        };
        ResultTable {
            rows: sizes.iter().map(row).collect(),
            heads,
        }
        .without_empty_columns()
    }

    /// Builds the page and draws the charts.
    pub fn build(&self) -> Report {
        let mut page = Page::new(format!("{} {}", self.kind(), self.name));
        page.lead(&self.counts());
        let title = match self.sizes().is_empty() {
            true => "Mean over the runs",
            false => "Results by number of training samples",
        };
        page.section(title).table(&self.table().html());
        page.body().note(self.meaning());
        let mut plots = self.learning_curves();
        for (_, svg) in &plots {
            page.body().figure(svg, "");
        }
        plots.extend(self.comparison.sections_into(&mut page));
        page.footer("Created by `nn report`.");
        Report { page, plots }
    }

    fn kind(&self) -> &'static str {
        if self.settings.sizes.is_some() {
            "Learning curve"
        } else if self.settings.seeds.is_some() && self.settings.folds.is_none() {
            "Several seeds"
        } else {
            "Cross-validation"
        }
    }

    /// The numbers of sizes, folds and seeds.
    fn counts(&self) -> String {
        let folds = self.settings.folds.filter(|_| self.settings.fold.is_none());
        let sizes = Some(self.sizes().len()).filter(|&n| n > 0);
        let counted = [
            (sizes, "sizes"),
            (folds, "folds"),
            (self.settings.seeds, "seeds"),
        ];
        let counts = counted.into_iter();
        let counts = counts.filter_map(|(n, what)| Some(format!("{} {what}", n?)));
        counts.collect::<Vec<_>>().join(", ")
    }

    /// The numbers of training samples of a learning curve, in ascending order.
    fn sizes(&self) -> Vec<usize> {
        let mut sizes: Vec<usize> = self.repetitions.iter().filter_map(|it| it.size).collect();
        sizes.dedup();
        sizes
    }

    /// The mean of a measure over the runs of one size; `None` if a run lacks the measure.
    fn estimate(&self, measure: &Measure, size: Option<usize>) -> Option<Estimate> {
        let runs = self.runs().filter(|(run, _)| run.size == size);
        let values = runs.map(|(run, record)| Some((run, (measure.value)(record)?)));
        let values: Vec<(Repetition, f64)> = values.collect::<Option<_>>()?;
        (!values.is_empty()).then(|| estimate(&values))
    }

    /// The interval of a measure over the runs of one size; for a single run, its interval on
    /// the test samples.
    fn interval(&self, measure: &Measure, size: usize) -> Option<(f64, f64)> {
        let spread = self.estimate(measure, Some(size))?.spread;
        let own = || {
            let (_, record) = self.runs().find(|(run, _)| run.size == Some(size))?;
            (measure.interval)(record)
        };
        spread.map(|spread| spread.interval).or_else(own)
    }

    /// The most important result, the error of a regression and the test loss.
    fn curve_measures(&self) -> Vec<&'static Measure> {
        let is_on_test = |measure: &&Measure| measure.name.starts_with("test");
        let all = results().filter(is_on_test).filter(|measure| {
            let mut records = self.comparison.runs.iter();
            records.all(|record| (measure.value)(record).is_some())
        });
        let all: Vec<&Measure> = all.collect();
        let main = all.iter().copied().take(1);
        let others = all.iter().copied().skip(1);
        let is_error = |it: &&Measure| matches!(it.best, Best::LowestError | Best::LowestLoss);
        main.chain(others.filter(is_error)).collect()
    }

    /// One chart per measure over the number of training samples.
    fn learning_curves(&self) -> Vec<(String, Svg)> {
        let sizes = self.sizes();
        if sizes.is_empty() {
            return Vec::new();
        }
        let chart = |measure: &'static Measure| {
            let series = |name: &str, value: &dyn Fn(usize) -> Option<f64>| {
                let point = |&size: &usize| (size as f64, value(size).unwrap_or(f64::NAN));
                Series::new(name, sizes.iter().map(point))
            };
            let (least, greatest) = measure.limits();
            let end = |size, of: fn((f64, f64)) -> f64| {
                let end = self.interval(measure, size).map(of);
                end.map(|end| end.clamp(least, greatest))
            };
            let all = [
                series("mean", &|size| {
                    Some(self.estimate(measure, Some(size))?.mean)
                }),
                series("95 % interval, upper end", &|size| end(size, |it| it.1)),
                series("95 % interval, lower end", &|size| end(size, |it| it.0)),
            ];
            let has_number = |it: &Series| it.points.iter().any(|point| point.1.is_finite());
            let axis = Axis::new(measure.name);
            let axis = if measure.name.contains("accuracy") {
                axis.percent()
            } else {
                axis
            };
            LineChart::new(
                format!("Learning curve: {}", measure.name),
                Axis::new("samples for training and validation").log(),
                axis,
                all.into_iter().filter(has_number).collect(),
            )
            .svg()
        };
        let named = |measure: &'static Measure| {
            let name = measure.name.replace(' ', "-").replace("²", "2");
            (format!("learning-curve-{name}"), chart(measure))
        };
        self.curve_measures().into_iter().map(named).collect()
    }
}

impl ResultTable {
    fn html(&self) -> Table {
        let columns = self
            .heads
            .iter()
            .enumerate()
            .map(|(index, head)| match index {
                0 if head.is_empty() => Column::text(head),
                _ => Column::number(head),
            });
        let mut table = Table::new(columns.collect());
        for row in &self.rows {
            table.row(row.iter().map(String::as_str));
        }
        table
    }

    /// Leaves out the columns without any number.
    fn without_empty_columns(self) -> Self {
        let is_kept: Vec<bool> = (0..self.heads.len())
            .map(|column| self.rows.iter().any(|row| row[column] != NO_NUMBER))
            .collect();
        let kept = |row: Vec<String>| {
            let cells = row.into_iter().zip(&is_kept);
            cells
                .filter_map(|(cell, is_kept)| is_kept.then_some(cell))
                .collect()
        };
        Self {
            rows: self.rows.into_iter().map(kept).collect(),
            heads: kept(self.heads),
        }
    }
}

/// The measures that are results on test or validation samples, and the baselines.
fn results() -> impl Iterator<Item = &'static Measure> {
    measure::ALL.iter().filter(|measure| {
        let is_result = !matches!(measure.best, Best::Shortest | Best::Neither);
        is_result && !measure.name.starts_with("training")
    })
}

fn spread_text(
    estimate: Estimate,
    text: impl Fn(nn_train::nn_metrics::MeanEstimate) -> String,
) -> String {
    estimate.spread.map_or_else(|| NO_NUMBER.to_owned(), text)
}

/// An interval without impossible values: the interval by Student's t-distribution of few
/// accuracies can exceed 100 %.
fn interval_text(measure: &Measure, interval: Option<(f64, f64)>) -> String {
    let (least, greatest) = measure.limits();
    let interval = interval.map(|(low, high)| (low.max(least), high.min(greatest)));
    let text = |(low, high)| format!("{} to {}", (measure.text)(low), (measure.text)(high));
    interval.map_or_else(|| NO_NUMBER.to_owned(), text)
}

fn unfinished(run: &Path, directory: &Path, program: &str) -> Error {
    Error::usage(format!(
        "{}: this training run is not finished",
        run.display()
    ))
    .with_help(format!(
        "`{program} train --resume {}` trains the missing runs",
        directory.display()
    ))
}
