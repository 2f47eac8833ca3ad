//! The file `report.html` of a search, with charts of the objective by trial and by dimension.

use nn_plot::chart::{BarChart, Bars, LineChart, Mark, ScatterChart, Series};
use nn_plot::{Axis, Cell, Column, Page, Svg, Table, Tone};
use nn_search::{Dimension, Domain, Space, Trial, Value};

use crate::objective::Objective;

use super::measured::Spread;
use super::refit::Refitted;
use super::row::Row;

/// The contents of the report of a search.
pub(super) struct Report<'a> {
    pub(super) title: String,
    pub(super) lead: String,
    pub(super) space: &'a Space,
    pub(super) objective: Objective,
    /// Whether each trial has several training runs.
    pub(super) has_spread: bool,
    pub(super) trials: &'a [Trial],
    /// The ended trials.
    pub(super) rows: &'a [Row],
    pub(super) best: &'a Trial,
    /// The command that trains the best trial's network.
    pub(super) command: &'a str,
    /// The run that was trained with the settings of the best trial.
    pub(super) refitted: Option<&'a Refitted>,
}

/// A chart and the name of its file.
pub(super) struct Plot {
    pub(super) name: String,
    pub(super) svg: Svg,
    caption: String,
}

impl Report<'_> {
    /// Draws the charts of the page: all trials, the best value so far, each dimension.
    pub(super) fn plots(&self) -> Vec<Plot> {
        let mut plots = vec![self.trials_plot(), self.best_plot()];
        let dimensions = self.space.dimensions().iter();
        plots.extend(dimensions.map(|dimension| self.dimension_plot(dimension)));
        plots
    }

    /// Renders the HTML page with the given charts.
    pub(super) fn html(&self, plots: &[Plot]) -> String {
        let mut page = Page::new(self.title.clone());
        page.lead(&self.lead);
        let section = page.section("Best trial").table(&self.best_settings());
        if let Some(refitted) = self.refitted {
            section
                .paragraph(&format!("Folder best: {}.", refitted.describe()))
                .code(&refitted.evaluate_command());
        }
        section
            .paragraph(
                "The following command trains the network of the best trial again and evaluates it on the test samples.",
            )
            .code(self.command);
        let (over_time, over_dimensions) = plots.split_at(plots.len().min(2));
        for (title, plots) in [("Trials", over_time), ("Dimensions", over_dimensions)] {
            let section = page.section(title);
            for plot in plots {
                section.figure(&plot.svg, &plot.caption);
            }
        }
        page.section("All trials").table(&self.table());
        page.html()
    }

    fn y_axis(&self) -> Axis {
        match self.objective {
            Objective::Loss => Axis::new(self.objective.description()).log(),
            Objective::Error => Axis::new(self.objective.description()).percent(),
        }
    }

    /// The trials with a finite objective, together with the objective.
    fn measured(&self) -> impl Iterator<Item = (&Row, f64)> {
        let rows = self.rows.iter();
        rows.filter_map(|row| Some((row, row.measured.objective(self.objective)?)))
            .filter(|(row, objective)| row.outcome != "failed" && objective.is_finite())
    }

    /// One set of points for the finished trials and one for the stopped ones.
    fn points(&self, x: impl Fn(&Row) -> f64) -> Vec<Series> {
        ["finished", "stopped"]
            .into_iter()
            .map(|outcome| {
                let points = self.measured().filter(|(row, _)| row.outcome == outcome);
                Series::new(outcome, points.map(|(row, objective)| (x(row), objective)))
            })
            .filter(|series| !series.points.is_empty())
            .collect()
    }

    fn mark(&self, x: f64) -> Vec<Mark> {
        let objective = self.best.objective().unwrap_or(f64::NAN);
        vec![Mark::new((x, objective), "best")]
    }

    fn trials_plot(&self) -> Plot {
        let number = |trial: usize| (trial + 1) as f64;
        let series = self.points(|row| number(row.trial));
        let mut chart =
            ScatterChart::new("Trials", Axis::new("trial").whole(), self.y_axis(), series);
        chart.marks = self.mark(number(self.best.id));
        Plot {
            name: "trials".to_owned(),
            svg: chart.svg(),
            caption: "All trials with a finite objective.".to_owned(),
        }
    }

    fn best_plot(&self) -> Plot {
        let mut best = f64::INFINITY;
        let so_far = self.rows.iter().flat_map(|row| {
            let before = best;
            if row.outcome == "finished" {
                let objective = row.measured.objective(self.objective);
                best = best.min(objective.unwrap_or(f64::INFINITY));
            }
            // A step curve: the value changes only at a trial.
            let trial = (row.trial + 1) as f64;
            [(trial, before), (trial, best)]
        });
        let series = vec![Series::new("best so far", so_far)];
        let x = Axis::new("trial").whole();
        let mut chart = LineChart::new("Best so far", x, self.y_axis(), series);
        chart.marks = self.mark((self.best.id + 1) as f64);
        Plot {
            name: "best".to_owned(),
            svg: chart.svg(),
            caption: "Lowest objective so far.".to_owned(),
        }
    }

    fn dimension_plot(&self, dimension: &Dimension) -> Plot {
        match dimension.domain() {
            Domain::Real { log, .. } => {
                self.range_plot(dimension, Axis::new(dimension.name()), *log)
            }
            Domain::Integer { log, .. } => {
                self.range_plot(dimension, Axis::new(dimension.name()).whole(), *log)
            }
            Domain::Categorical { options } => self.options_plot(dimension.name(), options),
        }
    }

    fn range_plot(&self, dimension: &Dimension, axis: Axis, log: bool) -> Plot {
        let name = dimension.name();
        let value = |trial: usize| match self.trials[trial].point.get(name) {
            Some(Value::Real(value)) => *value,
            Some(Value::Integer(value)) => *value as f64,
            Some(Value::Category(_)) | None => f64::NAN,
        };
        let axis = if log { axis.log() } else { axis };
        let series = self.points(|row| value(row.trial));
        let mut chart = ScatterChart::new(name, axis, self.y_axis(), series);
        chart.marks = self.mark(value(self.best.id));
        Plot {
            name: name.to_owned(),
            svg: chart.svg(),
            caption: format!("Objective of each trial by {name}."),
        }
    }

    fn options_plot(&self, name: &str, options: &[String]) -> Plot {
        let lowest = |option: &String| {
            let chosen = |row: &Row| match self.trials[row.trial].point.get(name) {
                Some(Value::Category(value)) => value == option,
                _ => false,
            };
            let objectives = self.measured().filter(|(row, _)| chosen(row));
            objectives.map(|(_, objective)| objective).reduce(f64::min)
        };
        let chart = BarChart {
            title: name.to_owned(),
            x_label: name.to_owned(),
            y: Axis::new(self.objective.description()),
            names: options.to_vec(),
            series: vec![Bars {
                name: "best trial".to_owned(),
                values: options
                    .iter()
                    .map(|option| lowest(option).unwrap_or(f64::NAN))
                    .collect(),
            }],
        };
        Plot {
            name: name.to_owned(),
            svg: chart.svg(),
            caption: format!("Best trial for each {name}."),
        }
    }

    fn best_settings(&self) -> Table {
        let rows = self.best.point.values().iter();
        Table {
            caption: String::new(),
            columns: vec![Column::text("setting"), Column::text("value")],
            rows: rows
                .map(|(name, value)| vec![Cell::new(name), Cell::new(value.to_string())])
                .collect(),
        }
    }

    fn table(&self) -> Table {
        let dimensions = self.space.dimensions().iter();
        let mut columns = vec![Column::number("trial")];
        columns.extend(dimensions.map(|dimension| Column::number(dimension.name())));
        columns.push(Column::text("outcome"));
        columns.extend(["epochs", "validation loss", "accuracy"].map(Column::number));
        if self.has_spread {
            columns.extend(["std of loss", "std of accuracy"].map(Column::number));
        }
        columns.push(Column::number("seconds"));
        Table {
            caption: String::new(),
            columns,
            rows: self.rows.iter().map(|row| self.cells(row)).collect(),
        }
    }

    fn cells(&self, row: &Row) -> Vec<Cell> {
        let measured = &row.measured;
        let number = |value: Option<f64>| value.map(nn_plot::number::number).unwrap_or_default();
        let percent = |value: Option<f64>| value.map(nn_plot::number::percent).unwrap_or_default();
        let mut cells = vec![Cell::new((row.trial + 1).to_string())];
        let values = self.trials[row.trial].point.values().iter();
        cells.extend(values.map(|(_, value)| Cell::new(value.to_string())));
        cells.push(Cell::new(row.outcome.clone()));
        cells.push(Cell::new(measured.epochs.to_string()));
        cells.push(Cell::new(number(measured.validation_loss)));
        cells.push(Cell::new(percent(measured.validation_accuracy)));
        if self.has_spread {
            let Spread {
                validation_loss,
                validation_accuracy,
            } = measured.spread;
            cells.push(Cell::new(number(validation_loss)));
            cells.push(Cell::new(percent(validation_accuracy)));
        }
        cells.push(Cell::new(number(Some(measured.seconds))));
        let tone = if row.trial == self.best.id {
            Tone::Good
        } else if row.outcome == "finished" {
            Tone::Plain
        } else {
            Tone::Muted
        };
        cells.into_iter().map(|cell| cell.tone(tone)).collect()
    }
}
