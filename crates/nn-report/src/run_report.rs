//! The report of a run: an HTML page with charts.

use nn_plot::chart::{ConfusionChart, ImageGrid, NetworkDiagram};
use nn_plot::number::{self, NO_NUMBER};
use nn_plot::{Body, Cell, Column, Page, Svg, Table};

use crate::curves;
use crate::evaluation_charts::EvaluationChart;
use crate::importance::Importance;
use crate::measure;
use crate::record::RunRecord;

/// The content of the report of a training run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunReport {
    /// The settings, metrics and summary of the run.
    pub run: RunRecord,
    /// Name of the program in commands, such as `nn`.
    pub program: String,
    /// Path of the run directory, as printed in suggested commands.
    pub path: String,
    /// Names and values of properties of the data.
    pub data: Vec<(String, String)>,
    /// Diagram of the network with its weights.
    pub network: Option<NetworkDiagram>,
    /// Results of an evaluation.
    pub results: Option<Results>,
    /// Weights of the first layer as images.
    pub weight_images: Option<ImageGrid>,
    /// Permutation importance of the columns of a table.
    pub importance: Option<Importance>,
    /// Explains why the training and validation losses are not comparable; empty if they are
    /// comparable.
    pub loss_note: String,
    /// Parts that are missing from the report, each with the reason.
    pub missing: Vec<String>,
}

/// The results of evaluating a network on a split.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// Name of the split: `test`, `validation` or `training`.
    pub split: String,
    /// Number of samples.
    pub n_samples: u64,
    /// Name of the loss function.
    pub loss_name: String,
    /// Mean loss per sample.
    pub loss: f64,
    /// Accuracy, from 0 to 1.
    pub accuracy: Option<f64>,
    /// Names and formatted values of the other metrics and of the baseline.
    pub metrics: Vec<(String, String)>,
    /// Names and values of the error metrics of a regression.
    pub errors: Vec<(String, f64)>,
    /// Confusion matrix.
    pub confusion: Option<ConfusionChart>,
    /// Precision, recall and F1 of each class.
    pub classes: Vec<ClassResult>,
    /// Misclassified samples with the highest loss.
    pub mistakes: Option<ImageGrid>,
    /// The command that shows the first mistake in detail; empty if there is none.
    pub mistake_command: String,
    /// ROC, precision-recall and calibration curves, or predicted values and residuals.
    pub charts: Vec<EvaluationChart>,
}

/// Precision, recall and F1 of a class.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassResult {
    /// Name of the class.
    pub name: String,
    /// Precision: TP / (TP + FP), the fraction of correct predictions of this class.
    pub precision: Option<f64>,
    /// Recall: TP / (TP + FN), the fraction of samples of this class predicted as such.
    pub recall: Option<f64>,
    /// F1: the harmonic mean of precision and recall.
    pub f1: Option<f64>,
    /// Number of samples of this class.
    pub support: u64,
}

/// The HTML page of a report, and its charts as separate files.
#[derive(Clone, Debug)]
pub struct Report {
    /// The HTML page.
    pub page: Page,
    /// Charts with their file names, without extension.
    pub plots: Vec<(String, Svg)>,
}

impl RunReport {
    /// Builds the page and draws the charts.
    pub fn build(&self) -> Report {
        let mut writer = Writer {
            page: Page::new(format!("Run {}", self.run.name)),
            plots: Vec::new(),
        };
        self.introduce(&mut writer);
        self.training(&mut writer);
        if let Some(results) = &self.results {
            self.results(&mut writer, results);
        }
        self.weights(&mut writer);
        self.settings(&mut writer);
        writer.page.footer(&format!(
            "Created by `nn report` {}. The numbers are in the files of the run directory.",
            self.run.summary.version
        ));
        Report {
            page: writer.page,
            plots: writer.plots,
        }
    }

    fn introduce(&self, writer: &mut Writer) {
        let summary = &self.run.summary;
        let widths: Vec<String> = summary.layers.iter().map(usize::to_string).collect();
        writer.page.lead(&format!(
            "{}, network {}",
            summary.dataset,
            widths.join("-")
        ));
        let body = writer.page.section("Summary");
        body.facts(self.facts());
        body.paragraph("This command repeats the run:");
        body.code(&format!(
            "{} train --config {}/config.toml",
            self.program, self.path
        ));
        body.details("The command with all settings", |body| {
            body.code(&self.run.command(&self.program));
        });
        if !self.missing.is_empty() {
            body.subsection("Not shown");
            body.list(&self.missing);
        }
    }

    fn facts(&self) -> impl Iterator<Item = (String, String)> {
        measure::ALL.iter().filter_map(|measure| {
            let value = (measure.value)(&self.run)?;
            Some((capitalized(measure.name), (measure.text)(value)))
        })
    }

    fn training(&self, writer: &mut Writer) {
        let run = &self.run;
        writer.page.section("Training");
        if run.epochs.is_empty() {
            writer.page.body().paragraph("No epoch has finished.");
            return;
        }
        let caption = format!(
            "Mean loss per sample. The training loss is measured during the epoch, while the weights \
             change; the validation loss is measured after the epoch. {}",
            self.loss_note
        );
        writer.figure("loss", curves::loss_chart(run), caption.trim_end());
        writer.figure("accuracy", curves::accuracy_chart(run), "");
        writer.figure(
            "learning-rate",
            curves::rate_chart(run),
            "Learning rate of the last step of each epoch.",
        );
        writer.figure("time", curves::time_chart(run), "");
        if let Some(note) = self.best_note() {
            writer.page.body().note(&note);
        }
        writer
            .page
            .body()
            .details("All epochs", |body| epochs_into(body, run));
    }

    fn best_note(&self) -> Option<String> {
        let last = self.run.epochs.last()?.epoch;
        if let Some(kept) = self.run.summary.best_epoch {
            return Some(format!(
                "The model has the weights of epoch {kept} of {last}, which has the lowest {}.",
                self.run.monitor()
            ));
        }
        let best = self.run.best_epoch()?.epoch;
        (best != last).then(|| {
            format!(
                "The validation loss was lowest in epoch {best} of {last}, but the model has the \
                 weights of the last epoch. The setting `patience` keeps the weights of the best \
                 epoch and stops the training when the loss no longer decreases."
            )
        })
    }

    fn results(&self, writer: &mut Writer, results: &Results) {
        let title = capitalized(&results.split);
        let body = writer.page.section(&format!("{title} results"));
        body.paragraph(&format!(
            "Evaluated on {} {} samples. {}",
            number::count(results.n_samples),
            results.split,
            meaning(&results.split)
        ));
        let mut facts = vec![(
            format!("Loss ({})", results.loss_name),
            number::number(results.loss),
        )];
        facts.extend(
            results
                .accuracy
                .map(|share| ("Accuracy".to_owned(), number::percent(share))),
        );
        facts.extend(results.metrics.iter().cloned());
        let error = |(name, value): &(String, f64)| (name.clone(), number::number(*value));
        facts.extend(results.errors.iter().map(error));
        body.facts(facts);
        let confusion = results.confusion.as_ref().map(ConfusionChart::svg);
        writer.figure("confusion", confusion, "Rows are true classes, columns are predicted classes. Frequent mistakes have a stronger color.");
        if !results.classes.is_empty() {
            writer.page.body().table(&class_table(&results.classes));
        }
        for chart in &results.charts {
            writer.figure(&chart.name, Some(chart.svg()), chart.caption);
        }
        if let Some(importance) = &self.importance {
            writer.page.section("Permutation importance");
            writer.figure(
                "importance",
                Some(importance.chart()),
                &importance.caption(),
            );
            writer.page.body().table(&importance.table());
        }
        if let Some(mistakes) = &results.mistakes {
            writer.page.section("Worst mistakes");
            let caption = "True class → predicted class, with the probability of the prediction and the index of the sample.";
            writer.figure("mistakes", Some(mistakes.svg()), caption);
            if !results.mistake_command.is_empty() {
                writer.page.body().paragraph(
                    "This command prints the probabilities of all classes for the first mistake:",
                );
                writer.page.body().code(&results.mistake_command);
            }
        }
    }

    fn weights(&self, writer: &mut Writer) {
        if self.network.is_none() && self.weight_images.is_none() {
            return;
        }
        writer.page.section("Network");
        let network = self.network.as_ref().map(NetworkDiagram::svg);
        let caption = "Blue edges are positive weights, orange edges are negative weights; larger weights have stronger colors. Only the first and last neurons of wide layers are drawn.";
        writer.figure("network", network, caption);
        let images = self.weight_images.as_ref().map(ImageGrid::svg);
        writer.figure("weights", images, "One image per neuron of the first layer: positive weights are blue, negative weights are orange.");
    }

    fn settings(&self, writer: &mut Writer) {
        let body = writer.page.section("Data and settings");
        if !self.data.is_empty() {
            body.subsection("Data");
            body.table(&pairs(&self.data));
        }
        body.subsection("Settings");
        body.table(&pairs(&self.run.settings()));
        let sha256 = &self.run.summary.weights_sha256;
        if !sha256.is_empty() {
            body.paragraph(&format!(
                "SHA-256 of the weights: `{sha256}`. The same program, data and settings give the \
                 same weights, for any number of threads."
            ));
        }
    }
}

/// A page that is being built, with its charts.
struct Writer {
    page: Page,
    plots: Vec<(String, Svg)>,
}

impl Writer {
    fn figure(&mut self, name: &str, svg: Option<Svg>, caption: &str) {
        if let Some(svg) = svg {
            self.page.body().figure(&svg, caption);
            self.plots.push((name.to_owned(), svg));
        }
    }
}

/// `text` with a capital letter.
fn capitalized(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

fn meaning(split: &str) -> &'static str {
    match split {
        "test" => "The test samples were used neither for training nor for choosing settings.",
        "validation" => {
            "The validation samples were not used for training, but may have been used for choosing settings."
        }
        _ => {
            "The training samples were used for training, so the results do not estimate the error on new samples."
        }
    }
}

fn class_table(classes: &[ClassResult]) -> Table {
    let columns = [Column::text("class")].into_iter();
    let numbers = ["precision", "recall", "F1", "samples"].map(Column::number);
    let mut table = Table::new(columns.chain(numbers).collect());
    for class in classes {
        let shares = [class.precision, class.recall, class.f1];
        let shares = shares.map(|share| share.map_or(NO_NUMBER.to_owned(), number::percent));
        let cells = [class.name.clone()].into_iter().chain(shares);
        table.row(cells.chain([number::count(class.support)]));
    }
    table
}

fn epochs_into(body: &mut Body, run: &RunRecord) {
    let names = [
        "epoch",
        "learning rate",
        "training loss",
        "training accuracy",
        "validation loss",
        "validation accuracy",
        "training [s]",
        "evaluation [s]",
    ];
    let mut table = Table::new(names.map(Column::number).to_vec());
    for epoch in &run.epochs {
        table.row([
            epoch.epoch.to_string(),
            number::number(epoch.learning_rate),
            number::number(epoch.train_loss),
            optional(epoch.train_accuracy, number::percent),
            optional(epoch.validation_loss, number::number),
            optional(epoch.validation_accuracy, number::percent),
            number::number(epoch.train_seconds),
            optional(epoch.evaluate_seconds, number::number),
        ]);
    }
    body.table(&table);
}

fn optional(value: Option<f64>, written: fn(f64) -> String) -> String {
    value.map_or(NO_NUMBER.to_owned(), written)
}

fn pairs(pairs: &[(String, String)]) -> Table {
    let mut table = Table::new(vec![Column::text("name"), Column::text("value")]);
    for (name, value) in pairs {
        table.row([Cell::new(name.as_str()), Cell::new(value.as_str())]);
    }
    table
}
