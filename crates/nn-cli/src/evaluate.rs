//! The command `nn evaluate`: evaluates a run on one of its splits or on other data.

mod results;
mod text;
mod json;

use clap::Args;
use nn_core::metrics::Evaluation;
use nn_files::escaped_path;
use nn_report::permutation_importance;
use nn_train::{Data, Evaluator, Metrics, Result, Run, Split, Threshold, flags};

use crate::args::{DataFolder, RunChoice};
use crate::exit;
use crate::finiteness;
use crate::terminal;
use results::Results;

#[derive(Args, Debug)]
pub(crate) struct EvaluateArguments {
    #[command(flatten)]
    choice: RunChoice,
    /// Evaluate on this data set instead of the run's
    #[arg(long, value_name = "NAME|DIR|FILE.csv", value_parser = flags::data_parser())]
    data: Option<String>,
    #[command(flatten)]
    folder: DataFolder,
    /// Samples to use
    #[arg(long, value_enum, default_value_t = Split::Test)]
    split: Split,
    /// Minimum probability to predict the second of two classes, or a label; auto = the
    /// threshold with the highest balanced accuracy on the validation samples
    #[arg(long, value_name = "P|auto")]
    threshold: Option<Threshold>,
    /// Permutation importance of the columns of a table: the increase in the loss when the
    /// values of one column are shuffled
    #[arg(long)]
    importance: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &EvaluateArguments) -> Result<()> {
    let run = arguments.choice.open_with(&arguments.folder)?;
    let thresholds = arguments.threshold.map(|it| run.thresholds(it));
    let thresholds = thresholds.transpose()?;
    let data = run.data_of(arguments.data.as_deref())?;
    // The training run printed the notes about its own data.
    if arguments.data.is_some() {
        data.notes.iter().for_each(exit::note);
    }
    let (model, split) = (run.model(), arguments.split);
    let metrics = run.metrics_on(&data, split, thresholds.as_deref())?;
    let problem = nonfinite(&metrics.evaluation, &data, split);
    finiteness::check(problem, model, arguments.choice.weights.allow_nonfinite)?;
    let uncalibrated = uncalibrated(&run, &data, split, thresholds.as_deref())?;
    let importance = arguments.importance.then(|| {
        let samples = data.splits()?.get(split)?;
        permutation_importance(&run.evaluator(&data), &samples)
    });
    let results = Results {
        model,
        data: &data,
        split,
        metrics,
        uncalibrated,
        thresholds,
        importance: importance.transpose()?,
    };
    if arguments.json {
        terminal::line(json::of(&results));
    } else {
        text::show(&results);
    }
    Ok(())
}

/// The metrics without the temperature of a calibrated model; `None` for other models.
fn uncalibrated(
    run: &Run,
    data: &Data,
    split: Split,
    thresholds: Option<&[f64]>,
) -> Result<Option<Metrics>> {
    let network = &run.model().network;
    if network.temperature() == 1.0 {
        return Ok(None);
    }
    let network = &network.clone().uncalibrated();
    let evaluator = Evaluator {
        network,
        ..run.evaluator(data)
    };
    let samples = data.splits()?.get(split)?;
    evaluator.metrics(&samples, thresholds).map(Some)
}

/// The problem, if the loss of a sample is not finite: the metrics are then invalid.
fn nonfinite(evaluation: &Evaluation, data: &Data, split: Split) -> Option<String> {
    let sample = evaluation.first_nonfinite?;
    Some(format!(
        "{}: {split} sample {sample}: the loss is not finite, so the metrics are invalid",
        escaped_path::shown(&data.origin),
    ))
}
