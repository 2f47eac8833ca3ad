//! The output during a training run.

use nn_core::Layer;
use nn_core::training::{BatchReport, BatchSize, EpochReport};
use nn_train::{EpochMetrics, Experiment, Observer, Plan, Start, grouped, shortest, warnings};
use serde_json::json;

use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::terminal;

/// Shows a training run, and stops it after a signal.
pub(super) struct Display<'a> {
    progress: Progress,
    experiment: &'a Experiment,
    interrupt: Interrupt,
}

impl<'a> Display<'a> {
    pub(super) fn new(
        progress: Progress,
        experiment: &'a Experiment,
        interrupt: Interrupt,
    ) -> Self {
        Self {
            progress,
            experiment,
            interrupt,
        }
    }

    /// Ends the progress bar, if there is one.
    pub(super) fn finish(self) -> Progress {
        self.progress.finish();
        self.progress
    }

    fn introduce(&self, start: &Start<'_, '_>) {
        if let Some((number, n_networks)) = start.member {
            self.introduce_member(start, number, n_networks);
            // The networks of an ensemble have the same data and settings.
            if number > 1 {
                return;
            }
        }
        let (plan, data) = (self.experiment.plan(), self.experiment.data());
        self.progress.notes(&data.notes);
        let warning = warnings::large_batches(plan, data).filter(|_| !start.is_resumed);
        if let Some(warning) = warning {
            self.progress.warn(&warning);
        }
        let network = start.trainer.state().0;
        let training = &self.experiment.plan().training;
        let widths: Vec<String> = network.widths().iter().map(usize::to_string).collect();
        let layers = network.layers().iter();
        let mut activations: Vec<String> = layers.map(activation_of).collect();
        activations.dedup();
        let batches = match training.batch_size {
            BatchSize::Full => "full batches".to_owned(),
            BatchSize::Rows(rows) => format!("batches of {rows}"),
        };
        self.progress.say(&format!(
            "data      {}: {} training, {} validation, {} test samples of {} values",
            data.dataset.name,
            grouped(start.trainer.n_samples()),
            grouped(start.n_validation),
            grouped(start.n_test),
            network.n_inputs(),
        ));
        self.progress.say(&format!(
            "network   {}, {}: {} parameters",
            widths.join("-"),
            activations.join(", "),
            grouped(network.parameters().len()),
        ));
        introduce_plan(&self.progress, plan);
        self.progress.say(&format!(
            "training  {}, {}, learning rate {} ({}), {batches}, seed {}, {} threads",
            training.loss,
            training.optimizer,
            shortest(training.learning_rate),
            training.schedule,
            start.trainer.config().seed,
            self.experiment.threads().count(),
        ));
    }

    fn introduce_member(&self, start: &Start<'_, '_>, number: usize, n_networks: usize) {
        let seed = start.trainer.config().seed;
        match &self.progress {
            Progress::Json => terminal::report(json!({
                "event": "member",
                "member": number,
                "members": n_networks,
                "seed": seed,
                "run": start.run.to_string_lossy(),
            })),
            progress => {
                progress.finish();
                progress.say(&format!(
                    "ensemble  network {number} of {n_networks}, seed {seed}"
                ));
            }
        }
    }

    fn resumed(&self, start: &Start<'_, '_>) {
        let (epoch, step) = (start.trainer.epoch(), start.trainer.n_steps());
        match &self.progress {
            Progress::Json => terminal::report(json!({
                "event": "resumed",
                "run": start.run.to_string_lossy(),
                "epoch": epoch,
                "step": step,
            })),
            progress => progress.say(&format!(
                "resumed   {} after {epoch} of {}, step {step}",
                start.run.display(),
                terminal::counted(self.n_epochs(), "epoch")
            )),
        }
    }

    fn n_epochs(&self) -> usize {
        self.experiment.plan().training.epochs
    }
}

impl Observer for Display<'_> {
    fn start(&mut self, start: &Start<'_, '_>) {
        self.introduce(start);
        if start.is_resumed {
            self.resumed(start);
        }
        self.progress.recall(start.finished);
    }

    fn batch(&mut self, report: &BatchReport, seconds: f64) {
        let n_epochs = self.n_epochs();
        self.progress.batch(report, n_epochs, seconds);
    }

    fn epoch(&mut self, report: &EpochReport, metrics: &EpochMetrics) {
        let (n_epochs, n_samples) = (self.n_epochs(), self.experiment.data().n_train());
        self.progress.epoch(report, metrics, n_epochs, n_samples);
    }

    fn warn(&mut self, warning: &str) {
        self.progress.warn(warning);
    }

    fn should_stop(&mut self) -> bool {
        self.interrupt.is_set()
    }
}

/// Prints the preset and the model from which training starts.
pub(super) fn introduce_plan(progress: &Progress, plan: &Plan) {
    if let Some(preset) = &plan.preset {
        progress.say(&format!("preset    {preset}"));
    }
    let Some(start) = &plan.start else {
        return;
    };
    let layers = |n: usize| match n {
        1 => "layer 1".to_owned(),
        n => format!("layers 1 to {n}"),
    };
    let frozen = match plan.training.frozen_layers {
        0 => String::new(),
        n => format!(", {} frozen", layers(n)),
    };
    let (model, n_layers) = (start.source.path(), plan.network.layers.len());
    let kept = match start.n_kept {
        0 => "no layer".to_owned(),
        n => layers(n),
    };
    progress.say(&format!("from      {model}: {kept} of {n_layers}{frozen}"));
    if let Some(reason) = &start.new_outputs {
        progress.note(&format!(
            "the output layer has new initial weights: {reason}"
        ));
    }
}

/// The activation of a layer; that of a parametric stage has its name.
fn activation_of(layer: &Layer) -> String {
    let stages = layer.sums.iter().map(ToString::to_string);
    let mut activations = stages.filter(|stage| stage.starts_with("parametric"));
    activations
        .next()
        .unwrap_or_else(|| layer.activation.to_string())
}
