//! The trace of one training step with one sample of a data set.

use nn_core::Model;
use nn_core::batches::{Samples, Targets};
use nn_core::training::{ClassWeights, TrainingConfig};
use nn_files::escaped_path;
use nn_settings::{Error, Result};
use nn_tensor::Threads;
use serde::Serialize;

use crate::data::Data;
use crate::plan::Plan;
use crate::split::Split;
use crate::step_trace::{StepTrace, step_of};
use crate::trained_model::settings_of;
use crate::trainer::initial_network;

/// The choice of the sample and the weights to trace.
#[derive(Clone, Copy, Debug)]
pub struct TraceOptions {
    /// The split of the sample.
    pub split: Split,
    /// The index of the sample in its split, from 0.
    pub index: usize,
    /// Whether to use the initial weights instead of the trained ones.
    pub is_untrained: bool,
}

/// The trace of one training step with one sample of a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SampleTrace {
    /// Name of the data set.
    pub dataset: String,
    /// Name of the split: `training`, `validation` or `test`.
    pub split: String,
    /// Index of the sample in its split, from 0.
    pub index: usize,
    /// Height and width, if the sample is an image.
    pub image_size: Option<(usize, usize)>,
    /// Names of the classes; empty for regression.
    pub class_names: Vec<String>,
    /// The true class, for classification.
    pub label: Option<usize>,
    /// The predicted class, for classification.
    pub predicted: Option<usize>,
    /// Whether the weights are the trained ones, not the initial ones.
    pub is_trained: bool,
    /// Number of networks of an ensemble, of which the first is traced; `None` for a single
    /// network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ensemble: Option<usize>,
    /// The traced step.
    pub step: StepTrace,
}

impl SampleTrace {
    /// Traces a training step of a model with one sample, using the settings of the
    /// model's training run.
    ///
    /// # Errors
    /// Returns an error if the split does not have the sample, or if the sample does not match the
    /// model.
    pub fn new(model: &Model, data: &Data, options: TraceOptions) -> Result<Self> {
        let plan = Plan::new(&settings_of(model)?, data).map_err(Error::of_data)?;
        let splits = data.splits()?;
        let class_weights = counted(&plan.training.class_weights, &splits.train);
        let untrained = match options.is_untrained {
            true => Some(initial_network(&plan, &splits.train, &Threads::single())?),
            false => None,
        };
        let samples = splits.get(options.split)?;
        let split = options.split.to_string();
        if options.index >= samples.len() {
            return Err(Error::usage(format!(
                "`index`: expected an index below {}, the number of {split} samples, found {}",
                samples.len(),
                options.index
            ))
            .with_help("samples are counted from 0"));
        }
        // Of an ensemble, the first network.
        let first = model.network.nth_network(0);
        let network = untrained.as_ref().unwrap_or(&first);
        let sample = samples.select(&[options.index as u32]);
        let config = TrainingConfig {
            class_weights,
            ..plan.training
        };
        let step = step_of(network, &sample, &config).map_err(|error| {
            Error::from(error)
                .at(escaped_path::shown(&data.origin))
                .with_help("`nn inspect RUN` shows what a model was trained on")
        })?;
        Ok(Self {
            dataset: data.dataset.name.clone(),
            split,
            index: options.index,
            image_size: data.dataset.image_size,
            class_names: data.class_names.clone(),
            label: sample.label(0).map(|label| label as usize),
            predicted: predicted(model, &sample, &step),
            is_trained: !options.is_untrained,
            ensemble: Some(model.network.n_networks()).filter(|&n| n > 1),
            step,
        })
    }
}

fn predicted(model: &Model, sample: &Samples<'_>, step: &StepTrace) -> Option<usize> {
    let outputs = &step.layers.last()?.activations;
    match sample.targets() {
        Targets::Classes { .. } => Some(model.loss.predicted_class(outputs)),
        _ => None,
    }
}

/// Converts balanced class weights to numbers, because a single sample does not have the
/// class frequencies of the training samples.
fn counted(weights: &ClassWeights, train: &Samples<'_>) -> ClassWeights {
    match (weights, train.class_counts()) {
        (ClassWeights::Balanced, Some(counts)) => {
            let share = train.len() as f64 / counts.len() as f64;
            let balanced = counts.iter().map(|&count| share / count.max(1) as f64);
            ClassWeights::Given(balanced.collect())
        }
        _ => weights.clone(),
    }
}
