//! Comparisons of runs: settings, results and curves side by side.

use nn_plot::chart::Series;
use nn_plot::number::NO_NUMBER;
use nn_plot::{Axis, Cell, Column, Page, Svg, Table, Tone};

use nn_train::EpochMetrics;

use crate::curves::{curves, series};
use crate::measure::{self, Best, Measure};
use crate::record::RunRecord;
use crate::run_report::Report;

/// Maximum number of runs in one chart.
const MAX_CURVES: usize = 18;

/// A comparison of several runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// The runs, in the order of the columns.
    pub runs: Vec<RunRecord>,
    /// The verdicts on the differences between the runs, in words.
    pub verdicts: Vec<String>,
    /// The command that created the comparison.
    pub command: String,
}

/// A row of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedValue {
    /// Name of the setting or result.
    pub name: String,
    /// Values, one per run.
    pub values: Vec<String>,
    /// Whether the values differ.
    pub differs: bool,
    /// Indices of the best runs; empty if the values are not comparable.
    pub best: Vec<usize>,
}

impl Comparison {
    /// All settings of the runs, beginning with the settings that differ.
    pub fn settings(&self) -> Vec<ComparedValue> {
        let runs: Vec<_> = self.runs.iter().map(RunRecord::settings).collect();
        let mut names: Vec<&String> = Vec::new();
        for (name, _) in runs.iter().flatten() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let value = |name: &str, settings: &[(String, String)]| {
            let found = settings.iter().find(|setting| setting.0 == name);
            match found {
                Some((_, value)) if value.is_empty() => "''".to_owned(),
                Some((_, value)) => value.clone(),
                None => NO_NUMBER.to_owned(),
            }
        };
        let names = names.into_iter();
        let mut settings: Vec<ComparedValue> = names
            .map(|name| ComparedValue::new(name, runs.iter().map(|run| value(name, run)).collect()))
            .collect();
        settings.sort_by_key(|setting| !setting.differs);
        settings
    }

    /// Results of the runs, with the best runs of each row. Rows without any value are
    /// left out.
    pub fn results(&self) -> Vec<ComparedValue> {
        let layers = |run: &RunRecord| {
            let widths: Vec<String> = run.summary.layers.iter().map(usize::to_string).collect();
            widths.join("-")
        };
        let texts = |name: &str, text: &dyn Fn(&RunRecord) -> String| {
            let given = |run| Some(text(run)).filter(|text| !text.is_empty());
            let values = self.runs.iter().map(given);
            let values = values.map(|text| text.unwrap_or_else(|| NO_NUMBER.to_owned()));
            ComparedValue::new(name, values.collect())
        };
        // Results for different data, targets or loss functions are not comparable.
        let data = |run: &RunRecord| format!("{} {:?}", run.summary.dataset, run.settings.target);
        let has_same_data = !texts("", &data).differs;
        let loss = |run: &RunRecord| {
            let settings = &run.settings;
            format!("{:?} {:?}", settings.loss, settings.target_transform)
        };
        let has_same_loss = !texts("", &loss).differs;
        let rows = [
            texts("data set", &|run| run.summary.dataset.clone()),
            texts("network", &layers),
        ];
        let numbers = measure::ALL.iter().map(|measure| {
            let is_comparable = match measure.best {
                Best::LowestLoss => has_same_data && has_same_loss,
                _ => has_same_data,
            };
            self.numbers(measure, is_comparable)
        });
        rows.into_iter()
            .chain(numbers)
            .filter(|row| row.values.iter().any(|value| value != NO_NUMBER))
            .collect()
    }

    fn numbers(&self, measure: &Measure, is_comparable: bool) -> ComparedValue {
        let values: Vec<Option<f64>> = self.runs.iter().map(measure.value).collect();
        let text = |value: &Option<f64>| value.map_or(NO_NUMBER.to_owned(), measure.text);
        let line = ComparedValue::new(measure.name, values.iter().map(text).collect());
        let finite = values.iter().flatten().copied().filter(|it| it.is_finite());
        let best = match measure.best {
            Best::Highest => finite.reduce(f64::max),
            Best::LowestLoss | Best::LowestError | Best::Shortest => finite.reduce(f64::min),
            Best::Baseline | Best::Neither => None,
        };
        let best = match best {
            Some(best) if line.differs && is_comparable => (0..values.len())
                .filter(|&index| values[index] == Some(best))
                .collect(),
            _ => Vec::new(),
        };
        ComparedValue { best, ..line }
    }

    /// Builds the page and draws the charts.
    pub fn build(&self) -> Report {
        let names: Vec<&str> = self.runs.iter().map(|run| run.name.as_str()).collect();
        let mut page = Page::new(format!("Comparison of {} runs", self.runs.len()));
        page.lead(&names.join(", "));
        let plots = self.sections_into(&mut page);
        page.footer("Created by `nn compare`.");
        Report { page, plots }
    }

    /// Adds the results, the curves and the settings; returns the charts.
    pub(crate) fn sections_into(&self, page: &mut Page) -> Vec<(String, Svg)> {
        page.section("Results").table(&self.table(&self.results()));
        page.body().note(
            "A star marks the best run of each row. Choose a model by its validation results, and use \
             the test results only for the final estimate.",
        );
        if !self.verdicts.is_empty() {
            page.section("Differences on the test samples");
            for verdict in &self.verdicts {
                page.body().paragraph(verdict);
            }
            page.body().note(
                "Paired tests at the level 0.05. The p-values of several pairs are adjusted (Holm), so \
                 that the probability of any false difference is at most 5 %.",
            );
        }
        let plots = self.plots();
        page.section("Curves");
        if self.runs.len() > MAX_CURVES {
            page.body()
                .note(&format!("The charts show the first {MAX_CURVES} runs."));
        }
        for (_, svg) in &plots {
            page.body().figure(svg, "");
        }
        self.settings_into(page);
        plots
    }

    fn settings_into(&self, page: &mut Page) {
        let (different, same): (Vec<_>, Vec<_>) = self
            .settings()
            .into_iter()
            .partition(|setting| setting.differs);
        let body = page.section("Settings");
        if different.is_empty() {
            body.paragraph("All settings are the same.");
        } else {
            body.paragraph("Different settings:")
                .table(&self.table(&different));
        }
        if !same.is_empty() {
            let table = self.table(&same);
            body.details(&format!("{} equal settings", same.len()), |body| {
                body.table(&table);
            });
        }
        body.paragraph("This page was created by:")
            .code(&self.command);
    }

    fn plots(&self) -> Vec<(String, Svg)> {
        let accuracy = || Axis::new("accuracy").percent();
        let loss = || Axis::new("loss per sample");
        [
            self.plot("validation-loss", "Validation loss", loss(), |epoch| {
                epoch.validation_loss
            }),
            self.plot(
                "validation-accuracy",
                "Validation accuracy",
                accuracy(),
                |epoch| epoch.validation_accuracy,
            ),
            self.plot("training-loss", "Training loss", loss(), |epoch| {
                Some(epoch.train_loss)
            }),
            self.plot(
                "training-accuracy",
                "Training accuracy",
                accuracy(),
                |epoch| epoch.train_accuracy,
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn plot(
        &self,
        name: &str,
        title: &str,
        y: Axis,
        value: impl Fn(&EpochMetrics) -> Option<f64> + Copy,
    ) -> Option<(String, Svg)> {
        let first = self.runs.first()?;
        let runs = self.runs.iter().take(MAX_CURVES);
        let series: Vec<Series> = runs.map(|run| series(run, &run.name, value)).collect();
        Some((name.to_owned(), curves(first, title, y, series, None)?))
    }

    fn table(&self, lines: &[ComparedValue]) -> Table {
        let runs = self
            .runs
            .iter()
            .map(|run| Column::number(run.name.as_str()));
        let mut table = Table::new([Column::text("")].into_iter().chain(runs).collect());
        for line in lines {
            let values = line.values.iter().enumerate().map(|(index, value)| {
                if line.best.contains(&index) {
                    Cell::new(format!("★ {value}")).tone(Tone::Good)
                } else {
                    Cell::new(value.as_str())
                }
            });
            table.row([Cell::new(line.name.as_str())].into_iter().chain(values));
        }
        table
    }
}

impl ComparedValue {
    fn new(name: &str, values: Vec<String>) -> Self {
        Self {
            name: name.to_owned(),
            differs: values.windows(2).any(|pair| pair[0] != pair[1]),
            values,
            best: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use nn_train::{Settings, Summary};

    use super::*;

    fn run(name: &str, rate: f64, accuracy: Option<f64>) -> RunRecord {
        RunRecord {
            name: name.to_owned(),
            settings: Settings {
                data: Some("glyphs".to_owned()),
                lr: Some(rate),
                ..Settings::default()
            },
            epochs: Vec::new(),
            summary: Summary {
                test_accuracy: accuracy,
                ..Summary::default()
            },
        }
    }

    fn three() -> Comparison {
        Comparison {
            runs: vec![
                run("a", 0.1, Some(0.9)),
                run("b", 0.2, Some(0.95)),
                run("c", 0.1, None),
            ],
            verdicts: Vec::new(),
            command: "nn compare a b c".to_owned(),
        }
    }

    #[test]
    fn settings_that_differ_come_first() {
        let settings = three().settings();
        assert_eq!(
            (settings[0].name.as_str(), settings[0].differs),
            ("lr", true)
        );
        assert_eq!(settings[0].values, ["0.1", "0.2", "0.1"]);
        assert_eq!(
            (settings[1].name.as_str(), settings[1].differs),
            ("data", false)
        );
    }

    #[test]
    fn the_best_run_is_marked() {
        let results = three().results();
        let accuracy = results
            .iter()
            .find(|line| line.name == "test accuracy")
            .expect("there");
        assert_eq!(accuracy.best, [1]);
        assert_eq!(accuracy.values[2], NO_NUMBER);
    }

    #[test]
    fn runs_on_different_data_are_not_comparable() {
        let mut comparison = three();
        comparison.runs[0].summary.dataset = "mnist".to_owned();
        for (run, seconds) in comparison.runs.iter_mut().zip([1.0, 2.0, 3.0]) {
            run.summary.train_seconds = Some(seconds);
        }
        let results = comparison.results();
        assert!(results.iter().any(|line| line.name == "training time"));
        assert!(results.iter().all(|line| line.best.is_empty()));
    }

    #[test]
    fn runs_with_different_targets_are_not_comparable() {
        let mut comparison = three();
        comparison.runs[0].settings.target = Some("price".to_owned());
        assert!(comparison.results().iter().all(|line| line.best.is_empty()));
    }

    #[test]
    fn rows_without_values_are_left_out() {
        let results = three().results();
        let has = |name: &str| results.iter().any(|line| line.name == name);
        assert!(has("test accuracy") && !has("validation loss"));
    }

    #[test]
    fn a_comparison_of_no_runs_does_not_panic() {
        assert!(Comparison::default().build().page.html().contains("0 runs"));
    }
}
