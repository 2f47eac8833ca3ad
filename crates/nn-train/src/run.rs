//! A finished training run, opened for evaluation and prediction.

use std::ops::Range;
use std::path::{Path, PathBuf};

use nn_core::Model;
use nn_core::metrics::{Evaluation, evaluate};
use nn_files::{escaped_path, regular_file};
use nn_settings::{Error, Result, Settings};
use nn_table::Header;
use nn_tensor::Threads;

use crate::data::Data;
use crate::memory;
use crate::metrics::{Evaluator, Metrics};
use crate::prediction::{ImagePredictor, TablePredictions};
use crate::rows_data::RowsData;
use crate::run_dir::{SUMMARY, locate_model, read_model};
use crate::sample_trace::{SampleTrace, TraceOptions};
use crate::split::Split;
use crate::summary::Summary;
use crate::threshold::{Threshold, n_thresholds};
use crate::trained_model::{Origin, data_of, settings_of};

/// A trained run: its model and the path of the model file.
///
/// ```no_run
/// use nn_train::{Run, Split};
///
/// let run = Run::open("runs/houses")?;
/// let test = run.evaluate(Split::Test)?;
/// println!("test loss {:.4}", test.loss);
/// let prices = run.predict_table("new-houses.csv")?.restored();
/// println!("first price {:.0}", prices[[0, 0]]);
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Run {
    model_file: PathBuf,
    model: Model,
    data_dir: PathBuf,
    threads: Threads,
}

impl Run {
    /// Opens a run directory or a model file.
    ///
    /// # Errors
    /// Returns an error if there is no model, or if the model is damaged or has NaN or infinite
    /// weights.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::find(path.as_ref(), Path::new(""), false)
    }

    /// Opens a run directory, the name of a run in `runs_dir`, or a model file; with
    /// `allow_nonfinite` also a model with NaN or infinite weights.
    ///
    /// # Errors
    /// Returns the same errors as [`open`](Self::open).
    pub fn find(run: &Path, runs_dir: &Path, allow_nonfinite: bool) -> Result<Self> {
        let model_file = locate_model(run, runs_dir)?;
        let model = read_model(&model_file, allow_nonfinite)?;
        Ok(Self::new(model_file, model))
    }

    /// A run whose model is in memory.
    pub(crate) fn new(model_file: PathBuf, model: Model) -> Self {
        Self {
            model_file,
            model,
            data_dir: "datasets".into(),
            threads: Threads::all(),
        }
    }

    /// Sets the folder in which data sets are searched for; the default is `datasets`.
    #[must_use]
    pub fn with_data_dir(self, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            ..self
        }
    }

    /// Sets the threads; the default is one per processor.
    #[must_use]
    pub fn with_threads(self, threads: Threads) -> Self {
        Self { threads, ..self }
    }

    /// The trained model of the run.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Path of the model file.
    pub fn model_file(&self) -> &Path {
        &self.model_file
    }

    /// The resolved settings of the run.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Data`](crate::ErrorKind::Data) for a model that was not trained by
    /// this crate.
    pub fn settings(&self) -> Result<Settings> {
        settings_of(&self.model)
    }

    /// Loads the data set of the run, split as in training.
    ///
    /// # Errors
    /// Returns an error if the data set cannot be loaded, or its table has changed since training.
    pub fn data(&self) -> Result<Data> {
        self.data_of(None)
    }

    /// Loads the data set `named`; `None` means the data set of the run. If a named data
    /// set has no test samples, all its rows are test rows.
    ///
    /// # Errors
    /// Returns an error if the data set cannot be loaded or does not match the model.
    pub fn data_of(&self, named: Option<&str>) -> Result<Data> {
        let origin = named.map_or(Origin::Run(&self.model_file), Origin::Named);
        let mut data = data_of(&self.model, origin, &self.data_dir, &self.threads)?;
        if named.is_some() {
            let constant = self.summary()?.and_then(|it| it.constant_prediction);
            data.constant_prediction = constant.filter(|it| it.suits(data.task));
        }
        Ok(data)
    }

    /// The summary of the run; `None` for a model file without a readable summary.
    fn summary(&self) -> Result<Option<Summary>> {
        let folder = self.model_file.parent().unwrap_or(Path::new(""));
        let text = regular_file::find_text(&folder.join(SUMMARY))?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Evaluates the model on a split of the run's data set.
    ///
    /// # Errors
    /// Returns an error if the data set cannot be loaded, does not match the model, or has no
    /// samples in this split.
    pub fn evaluate(&self, split: Split) -> Result<Evaluation> {
        self.evaluate_on(&self.data()?, split)
    }

    /// Evaluates the model on a split of a loaded data set.
    ///
    /// # Errors
    /// Returns an error if the split has no samples or its samples do not match the model.
    pub fn evaluate_on(&self, data: &Data, split: Split) -> Result<Evaluation> {
        let samples = data.splits()?.get(split)?;
        let network = &self.model.network;
        memory::check_evaluation(network, samples.len())?;
        evaluate(network, &samples, self.model.loss, &self.threads)
            .map_err(|error| of_evaluation(error.into(), data))
    }

    /// Computes the metrics of the model on a split of a loaded data set, with the given
    /// [`thresholds`](Self::thresholds) or the default thresholds.
    ///
    /// # Errors
    /// Returns the same errors as [`evaluate_on`](Self::evaluate_on).
    pub fn metrics_on(
        &self,
        data: &Data,
        split: Split,
        thresholds: Option<&[f64]>,
    ) -> Result<Metrics> {
        let samples = data.splits()?.get(split)?;
        memory::check_evaluation(&self.model.network, samples.len())?;
        let metrics = self.evaluator(data).metrics(&samples, thresholds);
        metrics.map_err(|error| of_evaluation(error, data))
    }

    /// Returns an evaluator of the model on samples of a loaded data set.
    pub fn evaluator<'a>(&'a self, data: &'a Data) -> Evaluator<'a> {
        Evaluator {
            network: &self.model.network,
            loss: self.model.loss,
            data,
            threads: &self.threads,
        }
    }

    /// The probability thresholds of the model: one for two classes, or one per label.
    /// [`Threshold::Auto`] uses the thresholds in the run's summary; if the summary has
    /// none, they are computed on the validation samples.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a model without
    /// probabilities of two classes or of labels and for a run without validation samples,
    /// and other errors if the data set cannot be loaded.
    pub fn thresholds(&self, threshold: Threshold) -> Result<Vec<f64>> {
        let n = n_thresholds(&self.model)?;
        if let Threshold::Value(threshold) = threshold {
            return Ok(vec![threshold; n]);
        }
        let stored = self.summary()?.and_then(|it| it.threshold);
        if let Some(thresholds) = stored.filter(|it| it.len() == n) {
            return Ok(thresholds);
        }
        let data = self.data()?;
        let validation = data.splits()?.validation;
        let best = self.evaluator(&data).best_thresholds(&validation)?;
        best.ok_or_else(|| {
            Error::usage("an automatic threshold needs validation samples, but this run has none")
                .with_help("give a number, such as 0.3")
        })
    }

    /// Predicts every row of a CSV file with the columns of the training table.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or lacks a column, or if the model was trained
    /// on images.
    pub fn predict_table(&self, path: impl AsRef<Path>) -> Result<TablePredictions> {
        self.predict_table_with(path, Header::Auto, None)
    }

    /// Predicts every row of a table, with or without a header, and keeps the texts of the
    /// column `id`.
    ///
    /// # Errors
    /// Returns the same errors as [`predict_table`](Self::predict_table).
    pub fn predict_table_with(
        &self,
        path: impl AsRef<Path>,
        header: Header,
        id: Option<&str>,
    ) -> Result<TablePredictions> {
        TablePredictions::of_file(&self.model, path.as_ref(), header, id, &self.threads)
    }

    /// Predicts some rows of a file of rows, which [`data_of`](Self::data_of) has opened.
    ///
    /// # Errors
    /// Returns an error if the rows cannot be read, or if the model was trained on images.
    ///
    /// # Panics
    /// Panics if a row does not exist.
    pub fn predict_rows(&self, data: &RowsData, rows: Range<u32>) -> Result<TablePredictions> {
        TablePredictions::of_rows(&self.model, data, rows, &self.threads)
    }

    /// A predictor for images.
    pub fn image_predictor(&self) -> ImagePredictor<'_> {
        ImagePredictor::new(&self.model)
    }

    /// Traces one training step with one sample of the run's data set: all values of the
    /// forward pass, the backward pass and the update.
    ///
    /// # Errors
    /// Returns an error if the data set cannot be loaded or does not have the sample.
    pub fn step_trace(&self, options: TraceOptions) -> Result<SampleTrace> {
        SampleTrace::new(&self.model, &self.data()?, options)
    }
}

fn of_evaluation(error: Error, data: &Data) -> Error {
    error
        .at(escaped_path::shown(&data.origin))
        .with_help("`nn inspect RUN` shows what a model was trained on")
}
