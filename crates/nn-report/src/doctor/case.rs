//! The run under diagnosis: its settings, its metrics and, if available, its
//! model and its data.

use std::path::PathBuf;

use nn_core::metrics::{ConfusionMatrix, evaluate};
use nn_core::schedule::Position;
use nn_core::training::{BatchSize, ClassWeights};
use nn_core::{Loss, Model, Network, Optimizer, Samples, Schedule};
use nn_files::escaped_path;
use nn_tensor::Threads;
use nn_train::plan::n_outputs;
use nn_train::trainer::initial_network;
use nn_train::{Choice, Data, EpochMetrics, OnDivergence, Plan, Settings, Splits, Task};

use super::finding::Suggestion;
use super::loss_range::{LossRange, Objective};
use super::probe::{Probe, spread};
use super::reference::Reference;
use super::score::Score;
use crate::record::RunRecord;

/// A training run to diagnose.
#[derive(Clone, Debug)]
pub struct ExaminedRun<'a> {
    /// The run directory, if the run was saved.
    pub directory: Option<PathBuf>,
    /// The settings, the metrics and the summary.
    pub record: &'a RunRecord,
    /// Whether the training finished, stopped or diverged.
    pub end: RunEnd,
    /// The model, or the reason why it is not available.
    pub model: Result<&'a Model, String>,
    /// The data, or the reason why they are not available.
    pub data: Result<&'a Data, String>,
}

/// The end of a training run: finished, unfinished or diverged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// All epochs are done, or early stopping ended the run.
    Finished,
    /// The run was stopped, or it is still training.
    Unfinished,
    /// A loss or a gradient became NaN or infinite; contains the error message.
    Diverged(String),
}

/// A training run with everything that several checks need.
pub(super) struct Case<'a> {
    pub(super) run: ExaminedRun<'a>,
    /// Reference values of the training losses.
    pub(super) loss_range: LossRange,
    /// Reference values of the validation losses, which have no label smoothing and no
    /// class weights.
    pub(super) validation_range: LossRange,
    /// The network before the first step.
    pub(super) initial: Result<Probe, String>,
    /// The model.
    pub(super) trained: Result<Probe, String>,
    /// How far training has moved the weights.
    pub(super) weight_change: Option<WeightChange>,
    pub(super) scores: Result<Scores, String>,
}

/// The scores of the model. None on samples that do not exist.
pub(super) struct Scores {
    /// On up to 1000 training samples.
    pub(super) train: Score,
    pub(super) validation: Option<Score>,
    pub(super) test: Option<Score>,
    /// What can be learned from the same training samples.
    pub(super) reference: Reference,
    /// The confusion matrix of the same training samples, for classes.
    confusion: Option<ConfusionMatrix>,
    /// Whether the network was trained with class weights, so that its accuracy is not
    /// what it was trained for.
    has_class_weights: bool,
}

/// The default batch size.
const USUAL_BATCH: usize = 64;

/// Number of steps in an epoch up to which smaller batches are worth trying.
const FEW_STEPS: f64 = 5.0;

const USUAL_MOMENTUM: f64 = 0.9;

/// A momentum that adds up 50 steps or more; the usual 0.9 adds up ten.
const HIGH_MOMENTUM: f64 = 0.98;

/// If a learning rate differs from the default of the optimizer by more than this factor, the
/// default is suggested, because a change by a factor of ten would not be enough.
const FAR: f64 = 50.0;

impl<'a> Case<'a> {
    pub(super) fn new(run: ExaminedRun<'a>) -> Self {
        let settings = &run.record.settings;
        let (model, data) = (run.model.as_ref().ok(), run.data.as_ref().ok());
        let smoothing = settings.label_smoothing.unwrap_or(0.0);
        let weights = settings.class_weight.as_ref().map(Choice::value);
        let weights = weights.unwrap_or(&ClassWeights::None);
        let range = |smoothing, weights| {
            loss_range(settings, model.copied(), data.copied(), smoothing, weights)
        };
        let initial = run.data.clone().and_then(|data| {
            let plan = Plan::new(settings, data).map_err(|error| error.to_string())?;
            let splits = data.splits().map_err(|error| error.to_string())?;
            let initial = initial_network(&plan, &splits.train, &Threads::all());
            initial.map_err(|error| error.to_string())
        });
        Self {
            loss_range: range(smoothing, weights).unwrap_or_default(),
            validation_range: range(0.0, &ClassWeights::None).unwrap_or_default(),
            weight_change: model
                .zip(initial.as_ref().ok())
                .and_then(|(model, initial)| weight_change(initial, &model.network)),
            initial: initial.and_then(|initial| probe(&run, &initial)),
            trained: run
                .model
                .clone()
                .and_then(|model| probe(&run, &model.network)),
            scores: scores(&run),
            run,
        }
    }

    pub(super) fn title(&self) -> String {
        let widths = match &self.run.model {
            Ok(model) => model.network.widths(),
            Err(_) => self.run.record.summary.layers.clone(),
        };
        let widths: Vec<String> = widths.iter().map(usize::to_string).collect();
        let data = escaped_path::shown(self.settings().data.as_deref().unwrap_or_default());
        let layers = if widths.is_empty() {
            String::new()
        } else {
            format!(" {}", widths.join("-"))
        };
        format!(
            "{data}{layers}, {} of {} epochs",
            self.epochs().len(),
            self.n_epochs_planned(),
        )
    }

    /// The resolved settings.
    pub(super) fn settings(&self) -> &'a Settings {
        &self.run.record.settings
    }

    /// The finished epochs.
    pub(super) fn epochs(&self) -> &'a [EpochMetrics] {
        &self.run.record.epochs
    }

    pub(super) fn n_epochs_planned(&self) -> usize {
        self.settings().epochs.unwrap_or_default()
    }

    /// The learning rate that was used at the end, before the factor of the schedule: it differs
    /// from the setting if it was changed or halved during training.
    pub(super) fn learning_rate(&self) -> f64 {
        let changes = &self.run.record.summary.learning_rate_changes;
        let changed = changes.last().map(|&(_, rate)| rate);
        let chosen = changed.or(self.halved_rate()).or(self.settings().lr);
        chosen.unwrap_or(f64::NAN)
    }

    /// The learning rate after it was halved because the loss diverged; `None` if it was not.
    fn halved_rate(&self) -> Option<f64> {
        let on_divergence = self.settings().on_divergence.as_ref()?;
        let schedule = *self.settings().schedule.as_ref()?.value();
        if *on_divergence.value() != OnDivergence::HalveRate
            || matches!(schedule, Schedule::Plateau { .. })
        {
            return None;
        }
        let last = self.epochs().last()?;
        let factor = schedule.factor(Position {
            step: last.step.checked_sub(1)?,
            steps_per_epoch: last.step / last.epoch as u64,
            epochs: self.n_epochs_planned() as u64,
        });
        let n_halvings = (self.settings().lr? * factor / last.learning_rate).log2();
        let halved = 0.5_f64.powf(n_halvings.round()) * self.settings().lr?;
        (n_halvings.is_finite() && n_halvings > 0.5).then_some(halved)
    }

    /// Whether the model has the weights of the last epoch, not those of an earlier one that
    /// early stopping kept.
    pub(super) fn keeps_last_epoch(&self) -> bool {
        let kept = self.run.record.summary.best_epoch;
        let last = self.epochs().last();
        kept.is_none_or(|kept| last.is_none_or(|last| last.epoch == kept))
    }

    /// Number of validation and test samples.
    pub(super) fn n_held_out(&self) -> Option<usize> {
        let parts = self.splits().ok()?;
        Some(parts.validation.len() + parts.test.map_or(0, |test| test.len()))
    }

    /// The loss function, if the settings contain a valid one.
    pub(super) fn loss(&self) -> Option<Loss> {
        loss_of(self.settings())
    }

    pub(super) fn data(&self) -> Result<&'a Data, String> {
        self.run.data.clone()
    }

    pub(super) fn splits(&self) -> Result<Splits<'a>, String> {
        let parts = self.data()?.splits();
        parts.map_err(|error| error.to_string())
    }

    /// The task.
    pub(super) fn task(&self) -> Result<Task, String> {
        self.data().map(|data| data.task)
    }

    pub(super) fn has_class_weights(&self) -> bool {
        has_class_weights(self.settings())
    }

    /// The value of `--ignore` that also ignores this column.
    pub(super) fn ignoring(&self, column: &str) -> String {
        match &self.settings().ignore {
            Some(others) => format!("{others},{column}"),
            None => column.to_owned(),
        }
    }

    /// The fraction of the training samples of a class that are predicted correctly.
    pub(super) fn recall(&self, class: usize) -> Option<f64> {
        let confusion = self.scores.as_ref().ok()?.confusion.as_ref()?;
        confusion.scores(class).recall
    }

    /// Why no epoch has a validation loss, or none that is finite.
    pub(super) fn why_no_validation(&self) -> String {
        let epochs = self.epochs();
        if epochs.is_empty() {
            "no epoch has finished".to_owned()
        } else if epochs.iter().any(|epoch| epoch.validation_loss.is_some()) {
            "every validation loss is NaN or infinite".to_owned()
        } else {
            "there are no validation samples (set --validation)".to_owned()
        }
    }

    /// The training losses that are finite.
    pub(super) fn train_losses(&self) -> Vec<f64> {
        let losses = self.epochs().iter().map(|epoch| epoch.train_loss);
        losses.filter(|loss| loss.is_finite()).collect()
    }

    /// Number of steps of the run.
    pub(super) fn n_steps(&self) -> u64 {
        self.epochs().last().map_or(0, |epoch| epoch.step)
    }

    /// Smaller batches, if there are only a few steps in an epoch.
    pub(super) fn smaller_batches(&self) -> Option<Suggestion> {
        let batch_size = self.settings().batch_size.as_ref().map(Choice::value);
        let is_large = match batch_size {
            Some(BatchSize::Full) => true,
            Some(BatchSize::Rows(rows)) => *rows > USUAL_BATCH,
            _ => false,
        };
        let steps = self.n_steps() as f64 / self.epochs().len().max(1) as f64;
        let smaller = Suggestion::set(
            "batch-size",
            USUAL_BATCH.to_string(),
            "takes more steps in each epoch",
        );
        (is_large && steps <= FEW_STEPS).then_some(smaller)
    }

    /// The learning rate, as a multiple of the default one of the optimizer. A momentum γ
    /// adds up 1/(1 − γ) steps, so that the usual one adds up ten.
    pub(super) fn relative_rate(&self) -> Option<f64> {
        let momentum = match *self.settings().optimizer.as_ref()?.value() {
            Optimizer::Momentum { momentum } | Optimizer::Nesterov { momentum } => momentum,
            _ => USUAL_MOMENTUM,
        };
        let steps = (1.0 - USUAL_MOMENTUM) / (1.0 - momentum).max(1e-9);
        Some(steps * self.learning_rate() / self.default_rate()?)
    }

    /// The usual momentum, if that of the optimizer is so close to 1 that steps add up to
    /// far larger ones.
    pub(super) fn lower_momentum(&self) -> Option<Suggestion> {
        let (name, momentum) = match *self.settings().optimizer.as_ref()?.value() {
            Optimizer::Momentum { momentum } => ("momentum", momentum),
            Optimizer::Nesterov { momentum } => ("nesterov", momentum),
            _ => return None,
        };
        let lower = Suggestion::set("optimizer", name, "has a momentum of 0.9");
        (momentum >= HIGH_MOMENTUM).then_some(lower)
    }

    /// A lower learning rate, as the value of `--lr`: the default of the optimizer, if
    /// the rate is far above it; otherwise a tenth of the rate.
    pub(super) fn lower_rate(&self) -> String {
        let usual = self
            .default_rate()
            .filter(|usual| self.learning_rate() > FAR * usual);
        usual.map_or_else(|| self.rate_times(0.1), |usual| usual.to_string())
    }

    /// A higher learning rate, as the value of `--lr`: the default of the optimizer, if
    /// the rate is far below it; otherwise ten times the rate.
    pub(super) fn higher_rate(&self) -> String {
        let usual = self
            .default_rate()
            .filter(|usual| self.learning_rate() < usual / FAR);
        usual.map_or_else(|| self.rate_times(10.0), |usual| usual.to_string())
    }

    /// The default learning rate of the optimizer.
    pub(super) fn default_rate(&self) -> Option<f64> {
        let optimizer = self.settings().optimizer.as_ref()?;
        Some(optimizer.value().default_learning_rate())
    }

    /// The learning rate times `factor`, as the value of `--lr`.
    pub(super) fn rate_times(&self, factor: f64) -> String {
        // Two digits: 0.1 · 0.001 is not 0.00010000000000000002.
        let rate: f64 = format!("{:.1e}", self.learning_rate() * factor)
            .parse()
            .unwrap_or(f64::NAN);
        rate.to_string()
    }
}

fn has_class_weights(settings: &Settings) -> bool {
    let weights = settings.class_weight.as_ref();
    weights.is_some_and(|weights| *weights.value() != ClassWeights::None)
}

fn loss_of(settings: &Settings) -> Option<Loss> {
    settings.loss.as_ref().map(|loss| *loss.value())
}

/// Reference values of the losses, as far as they are known.
fn loss_range(
    settings: &Settings,
    model: Option<&Model>,
    data: Option<&Data>,
    label_smoothing: f64,
    class_weights: &ClassWeights,
) -> Option<LossRange> {
    let loss = loss_of(settings)?;
    let Some(data) = data else {
        let n_classes = model?.description.class_names.len();
        return (n_classes > 0).then(|| LossRange::of_classes(loss, n_classes, label_smoothing));
    };
    let objective = Objective {
        loss,
        task: data.task,
        n_outputs: n_outputs(data.task, loss).ok()?,
        label_smoothing,
        class_weights,
    };
    let train = data.splits().ok()?.train;
    Some(LossRange::of_samples(&objective, &train))
}

fn probe(run: &ExaminedRun<'_>, network: &Network) -> Result<Probe, String> {
    let settings = &run.record.settings;
    let splits = run.data.clone()?.splits();
    let train = splits.map_err(|error| error.to_string())?.train;
    let loss = loss_of(settings).ok_or("the settings do not contain a loss")?;
    let smoothing = settings.label_smoothing.unwrap_or(0.0);
    Probe::new(network, &train, loss, smoothing)
}

/// The weights of the model, compared with the initial ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct WeightChange {
    /// The largest of the layers' ‖w − w₀‖/‖w₀‖.
    pub(super) relative: f64,
    /// ‖w‖/‖w₀‖ of all weights.
    pub(super) growth: f64,
}

fn weight_change(initial: &Network, trained: &Network) -> Option<WeightChange> {
    if initial.widths() != trained.widths() {
        return None;
    }
    let layers = 0..initial.layers().len();
    let sums = layers.map(|layer| {
        let (before, after) = (initial.weights(layer), trained.weights(layer));
        let pairs = before.as_slice().iter().zip(after.as_slice());
        pairs.fold([0.0; 3], |[change, before, after], (&a, &b)| {
            let square = |x: f32| f64::from(x) * f64::from(x);
            [
                change + square(b - a),
                before + square(a),
                after + square(b),
            ]
        })
    });
    let sums: Vec<[f64; 3]> = sums.collect();
    let moved = sums.iter().filter(|layer| layer[1] > 0.0);
    let relative = moved.map(|[change, before, _]| (change / before).sqrt());
    let total = |index: usize| sums.iter().map(|layer| layer[index]).sum::<f64>();
    Some(WeightChange {
        relative: relative.max_by(f64::total_cmp)?,
        growth: (total(2) / total(1)).sqrt(),
    })
}

fn scores(run: &ExaminedRun<'_>) -> Result<Scores, String> {
    let (model, data) = (run.model.clone()?, run.data.clone()?);
    let splits = data.splits().map_err(|error| error.to_string())?;
    let score = |split, samples: &Samples<'_>| {
        let evaluation = evaluate(&model.network, samples, model.loss, &Threads::single());
        let evaluation = evaluation.map_err(|error| error.to_string())?;
        let score = Score::new(split, &evaluation, samples, &splits.train);
        let score =
            score.ok_or("a loss is NaN or infinite, or there is only one row".to_owned())?;
        Ok::<_, String>((score, evaluation.confusion))
    };
    let some = splits.train.select(&spread(&splits.train));
    let (train, confusion) = score("training", &some)?;
    let held_out = |split, samples: &Samples<'_>| score(split, samples).ok().map(|it| it.0);
    Ok(Scores {
        train,
        validation: held_out("validation", &splits.validation),
        test: splits.test.as_ref().and_then(|test| held_out("test", test)),
        reference: Reference::of_samples(&some)?,
        confusion,
        has_class_weights: has_class_weights(&run.record.settings),
    })
}

impl Scores {
    /// The mean recalls of the network and of the reference on the training samples, if
    /// they are to be compared instead of the accuracies.
    pub(super) fn mean_recalls(&self) -> Option<[f64; 2]> {
        let recalls = self.train.mean_recall().zip(self.reference.mean_recall);
        recalls
            .filter(|_| self.has_class_weights)
            .map(<[f64; 2]>::from)
    }

    /// Whether the simple predictors are better than a constant, by more than chance.
    pub(super) fn reference_beats_constant(&self) -> bool {
        let Reference {
            score, mean_recall, ..
        } = self.reference;
        self.train.others_beat_constant(score, mean_recall)
    }

    /// The score on the largest split that was not trained on.
    pub(super) fn held_out(&self) -> Option<&Score> {
        let splits = [&self.test, &self.validation].into_iter().flatten();
        splits.max_by_key(|score| score.n())
    }
}
