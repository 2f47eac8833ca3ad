//! `nn trace RUN --index K`: one training step with one sample, number by
//! number.

mod step;
mod sample;
mod show;

use nn_core::batches::{Samples, Targets};
use nn_core::training::{ClassWeights, TrainingConfig};
use nn_core::{Model, Network};
use nn_tensor::Threads;

pub(crate) use sample::Trace;
pub(crate) use step::{Step, step_of};

use crate::args::{SplitChoice, TraceArguments};
use crate::data_name;
use crate::datasets::Data;
use crate::evaluate::{Origin, choose, data_of, settings_of, split_name};
use crate::failure::{Failure, Result};
use crate::plan::Plan;
use crate::run_dir::{chosen_model, locate_model};
use crate::terminal;

/// Which sample, and of which network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    pub(crate) split: SplitChoice,
    pub(crate) index: usize,
    /// The network as it was before its training.
    pub(crate) is_untrained: bool,
}

pub(crate) fn run(arguments: &TraceArguments) -> Result<()> {
    let model = chosen_model(&arguments.choice)?;
    let place = locate_model(&arguments.choice.run, &arguments.choice.runs_dir)?;
    let origin = Origin::new(&place, arguments.data.as_deref());
    let data_dir = &arguments.folder.data_dir;
    let data = data_of(&model, origin, data_dir, &Threads::all())?;
    let choice = Choice {
        split: arguments.split,
        index: arguments.index,
        is_untrained: arguments.untrained,
    };
    let trace = of_model(&model, &data, choice)?;
    if arguments.json {
        let text = serde_json::to_string(&trace).expect("a trace is plain JSON");
        terminal::line(terminal::Json(text));
    } else {
        let lines = show::lines(&trace, arguments.neurons.into());
        lines.iter().for_each(terminal::line);
    }
    Ok(())
}

/// The step of one sample through a model, by the settings it was trained with.
///
/// # Errors
/// If there is no such sample or it does not fit the model.
pub(crate) fn of_model(model: &Model, data: &Data, choice: Choice) -> Result<Trace> {
    let plan = Plan::new(&settings_of(model)?, data).map_err(Failure::of_data)?;
    let parts = data.parts()?;
    let class_weights = counted(&plan.training.class_weights, &parts.train);
    let samples = choose(parts, choice.split)?;
    let split = split_name(choice.split);
    if choice.index >= samples.len() {
        return Err(Failure::usage(format!(
            "--index: expected an index below {}, the number of {split} samples, found {}",
            samples.len(),
            choice.index
        ))
        .help("samples are counted from 0"));
    }
    let untrained;
    let network = if choice.is_untrained {
        untrained = Network::new(&plan.network, plan.training.seed)?;
        &untrained
    } else {
        &model.network
    };
    let sample = samples.select(&[choice.index as u32]);
    let config = TrainingConfig {
        class_weights,
        ..plan.training
    };
    let step = step_of(network, &sample, &config).map_err(|error| {
        Failure::from(error)
            .at(data_name::shown(&data.origin))
            .help("`nn inspect RUN` shows what a model was trained on")
    })?;
    Ok(Trace {
        dataset: data.dataset.name.clone(),
        split,
        index: choice.index,
        image_size: data.dataset.image_size,
        class_names: data.class_names.clone(),
        label: sample.label(0).map(|label| label as usize),
        predicted: predicted(model, &sample, &step),
        is_trained: !choice.is_untrained,
        step,
    })
}

fn predicted(model: &Model, sample: &Samples<'_>, step: &Step) -> Option<usize> {
    let outputs = &step.layers.last()?.activations;
    match sample.targets() {
        Targets::Classes { .. } => Some(model.loss.predicted_class(outputs)),
        _ => None,
    }
}

/// Balanced class weights as numbers: a single sample says nothing of how
/// often its class occurs.
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
