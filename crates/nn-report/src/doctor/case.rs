//! The run under diagnosis: its settings, its metrics and, if available, its
//! model and its data.

use std::path::{Path, PathBuf};

use nn_core::training::ClassWeights;
use nn_core::{Loss, Model};
use nn_tensor::Threads;
use nn_train::plan::n_outputs;
use nn_train::run_dir::{MODEL, is_finished, read_config, read_failure, read_model};
use nn_train::trained_model::{Origin, data_of};
use nn_train::{
    Choice, Data, EpochMetrics, ErrorKind, Result, Settings, Splits, Task, escaped_path,
};

use super::loss_range::{LossRange, Objective};
use crate::record::RunRecord;

/// One run.
pub(super) struct Case {
    pub(super) directory: PathBuf,
    pub(super) settings: Settings,
    pub(super) run: RunRecord,
    pub(super) is_finished: bool,
    /// Why the training run diverged, if it did.
    pub(super) failure: Option<String>,
    /// The model, or why it is not available.
    pub(super) model: Result<Model, String>,
    /// The data, or why they are not available.
    pub(super) data: Result<Data, String>,
    /// Reference values of the training losses.
    pub(super) loss_range: LossRange,
}

impl Case {
    /// # Errors
    /// If a file of the run is missing or damaged. A missing model or missing data
    /// are no error.
    pub(super) fn read(directory: &Path, data_dir: &Path, allow_nonfinite: bool) -> Result<Self> {
        let settings = read_config(directory).map_err(|error| match error.kind() {
            ErrorKind::Io => error.with_help("name a run directory of `nn train`"),
            _ => error,
        })?;
        let run = RunRecord::read(directory)?;
        let has_model = directory.join(MODEL).exists();
        let model = if has_model {
            Ok(read_model(&directory.join(MODEL), allow_nonfinite)?)
        } else {
            Err("the run has no model".to_owned())
        };
        let threads = Threads::all();
        let data = match &model {
            Ok(model) => data_of(model, Origin::Run(directory), data_dir, &threads),
            Err(_) => Data::of_run(&settings, directory, data_dir, &threads),
        };
        let loss_range = loss_range(&settings, model.as_ref().ok(), data.as_ref().ok());
        Ok(Self {
            loss_range: loss_range.unwrap_or_default(),
            directory: directory.to_owned(),
            is_finished: is_finished(directory),
            failure: read_failure(directory),
            settings,
            run,
            model,
            data: data.map_err(|error| format!("no data: {error}")),
        })
    }

    pub(super) fn title(&self) -> String {
        let widths = self.run.summary.layers.iter().map(usize::to_string);
        let widths: Vec<String> = match &self.model {
            Ok(model) => {
                let widths = model.network.widths().into_iter();
                widths.map(|width| width.to_string()).collect()
            }
            Err(_) => widths.collect(),
        };
        let data = escaped_path::shown(self.settings.data.as_deref().unwrap_or_default());
        let layers = if widths.is_empty() {
            String::new()
        } else {
            format!(" {}", widths.join("-"))
        };
        format!(
            "{}: {data}{layers}, {} of {} epochs",
            self.directory.display(),
            self.epochs().len(),
            self.n_epochs_planned(),
        )
    }

    /// The finished epochs.
    pub(super) fn epochs(&self) -> &[EpochMetrics] {
        &self.run.epochs
    }

    pub(super) fn n_epochs_planned(&self) -> usize {
        self.settings.epochs.unwrap_or_default()
    }

    pub(super) fn learning_rate(&self) -> f64 {
        self.settings.lr.unwrap_or(f64::NAN)
    }

    /// The loss function, if the settings contain a valid one.
    pub(super) fn loss(&self) -> Option<Loss> {
        self.settings.loss.as_ref().map(|loss| *loss.value())
    }

    pub(super) fn splits(&self) -> Result<Splits<'_>, String> {
        let data = self.data.as_ref().map_err(Clone::clone)?;
        let parts = data.splits();
        parts.map_err(|error| error.to_string())
    }

    /// The task.
    pub(super) fn task(&self) -> Result<Task, String> {
        self.data
            .as_ref()
            .map(|data| data.task)
            .map_err(Clone::clone)
    }

    /// Number of training samples of each class.
    pub(super) fn class_counts(&self) -> Option<Vec<usize>> {
        self.splits().ok()?.train.class_counts()
    }

    pub(super) fn has_class_weights(&self) -> bool {
        let weights = self.settings.class_weight.as_ref();
        weights.is_some_and(|weights| *weights.value() != ClassWeights::None)
    }

    /// The flag that multiplies the learning rate by `factor`.
    pub(super) fn rate_times(&self, factor: f64) -> String {
        // Two digits: 0.1 · 0.001 is not 0.00010000000000000002.
        let rate: f64 = format!("{:.1e}", self.learning_rate() * factor)
            .parse()
            .unwrap_or(f64::NAN);
        format!("--lr {rate}")
    }
}

/// Reference values of the training losses, as far as they are known.
fn loss_range(
    settings: &Settings,
    model: Option<&Model>,
    data: Option<&Data>,
) -> Option<LossRange> {
    let loss = *settings.loss.as_ref()?.value();
    let label_smoothing = settings.label_smoothing.unwrap_or(0.0);
    let Some(data) = data else {
        let n_classes = model?.description.class_names.len();
        return (n_classes > 0).then(|| LossRange::of_classes(loss, n_classes, label_smoothing));
    };
    let objective = Objective {
        loss,
        task: data.task,
        n_outputs: n_outputs(data.task, loss).ok()?,
        label_smoothing,
        class_weights: settings
            .class_weight
            .as_ref()
            .map_or(&ClassWeights::None, Choice::value),
    };
    let train = data.splits().ok()?.train;
    Some(LossRange::of_samples(&objective, &train))
}

/// `12.3 %`
pub(super) fn percent(fraction: f64) -> String {
    format!("{:.2} %", 100.0 * fraction)
}
