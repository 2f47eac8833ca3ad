//! `nn evaluate RUN`

use std::path::Path;

use nn_core::Model;
use nn_core::batches::Samples;
use nn_core::metrics::{ClassScores, ConfusionMatrix, Evaluation, RegressionErrors, evaluate};
use nn_table::preprocessing::{Preprocessing, TargetEncoding};
use nn_tensor::Threads;
use serde_json::json;

use crate::args::{EvaluateArguments, SplitChoice};
use crate::data_name;
use crate::datasets::{Data, Parts};
use crate::failure::{Code, Failure, Result};
use crate::finiteness;
use crate::memory;
use crate::request::Request;
use crate::run_dir::{chosen_model, locate_model};
use crate::selection::Selection;
use crate::settings::Settings;
use crate::terminal;

pub(crate) fn run(arguments: &EvaluateArguments) -> Result<()> {
    let model = chosen_model(&arguments.choice)?;
    let threads = Threads::all();
    let place = locate_model(&arguments.choice.run, &arguments.choice.runs_dir)?;
    let origin = Origin::new(&place, arguments.data.as_deref());
    let data = data_of(&model, origin, &arguments.folder.data_dir, &threads)?;
    let samples = choose(data.parts()?, arguments.split)?;
    memory::check_evaluation(&model.network, samples.len())?;
    let evaluation = evaluate(&model.network, &samples, model.loss, &threads).map_err(|error| {
        Failure::from(error)
            .at(data_name::shown(&data.origin))
            .help("`nn inspect RUN` shows what a model was trained on")
    })?;
    let problem = nonfinite(&evaluation, &data, arguments.split);
    finiteness::check(problem, &model, arguments.choice.weights)?;
    if arguments.json {
        terminal::line(to_json(&model, &data, arguments.split, &evaluation));
    } else {
        show(&model, &data, arguments.split, &evaluation);
    }
    Ok(())
}

/// What is wrong with a loss that is not finite: the classes predicted for such
/// samples mean nothing.
fn nonfinite(evaluation: &Evaluation, data: &Data, split: SplitChoice) -> Option<String> {
    let sample = evaluation.first_nonfinite?;
    Some(format!(
        "{}: {} sample {sample}: the loss is not finite, so that the measures mean nothing",
        data_name::shown(&data.origin),
        split_name(split)
    ))
}

/// Which data a model is to be tried on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin<'a> {
    /// Those of the run, or of the model file, that lies here.
    Run(&'a Path),
    /// Those of this name.
    Named(&'a str),
}

impl<'a> Origin<'a> {
    /// What was typed after `--data`, or else the data of the run at `place`.
    pub(crate) fn new(place: &'a Path, typed: Option<&'a str>) -> Self {
        typed.map_or(Self::Run(place), Self::Named)
    }
}

/// The data set the model was trained on, divided as it was then, or another
/// one, all of whose rows are test rows if it has none of its own.
pub(crate) fn data_of(
    model: &Model,
    origin: Origin<'_>,
    data_dir: &Path,
    threads: &Threads,
) -> Result<Data> {
    let settings = settings_of(model)?;
    let (other, run) = match origin {
        Origin::Run(run) => (None, Some(run)),
        Origin::Named(name) => (Some(name), None),
    };
    let name = other.or(settings.data.as_deref()).ok_or_else(|| {
        Failure::usage("the model does not say which data it was trained on")
            .help("name it with --data")
    })?;
    let preprocessing = preprocessing_of(model)?;
    let selection = Selection::new(&settings)?;
    let request = Request {
        name,
        data_dir,
        selection: &selection,
        model: preprocessing.as_ref(),
        is_new: other.is_some_and(|other| settings.data.as_deref() != Some(other)),
        run,
    };
    let data = Data::load(&request, threads)?;
    let trained_on = &model.description.table_sha256;
    if !request.is_new && trained_on.is_some() && *trained_on != data.table_sha256 {
        return Err(Failure::new(
            Code::Data,
            format!(
                "{}: changed since the training: expected SHA-256 {}, found {}",
                data_name::shown(name),
                trained_on.as_deref().unwrap_or_default(),
                data.table_sha256.as_deref().unwrap_or_default()
            ),
        )
        .help("rows trained on could be taken for test rows; give new rows in a file of their own, with --data"));
    }
    Ok(data)
}

/// What the model was trained with.
pub(crate) fn settings_of(model: &Model) -> Result<Settings> {
    check_is_of_a_run(model)?;
    serde_json::from_value(model.description.training.clone()).map_err(|error| {
        Failure::new(
            Code::Data,
            format!("the model's training settings: {error}"),
        )
    })
}

/// Refuses a model that a program has written with nn-core: what it was trained
/// on, and how its inputs were prepared, is known to that program only.
fn check_is_of_a_run(model: &Model) -> Result<()> {
    if !model.description.training.is_null() {
        return Ok(());
    }
    let problem = "the model file has no training settings: a program wrote it, not `nn train`";
    Err(Failure::new(Code::Data, problem).help(
        "predict with it in Rust, by nn_core::Model::predict_rows; `nn inspect` shows its layers",
    ))
}

/// How the model turns raw rows into inputs, if it is a table's.
pub(crate) fn preprocessing_of(model: &Model) -> Result<Option<Preprocessing>> {
    let Some(json) = &model.description.input.preprocessing else {
        return Ok(None);
    };
    check_is_of_a_run(model)?;
    let preprocessing = Preprocessing::from_json(json.as_str())?;
    let network = &model.network;
    let outputs = match &preprocessing.target {
        TargetEncoding::Classification { names, .. } if names.len() == 2 => 1..=2,
        _ => preprocessing.n_outputs()..=preprocessing.n_outputs(),
    };
    if preprocessing.n_inputs() != network.n_inputs() || !outputs.contains(&network.n_outputs()) {
        return Err(Failure::new(
            Code::Data,
            format!(
                "the model's table has {} inputs and {} outputs, its network {} and {}",
                preprocessing.n_inputs(),
                preprocessing.n_outputs(),
                network.n_inputs(),
                network.n_outputs()
            ),
        ));
    }
    Ok(Some(preprocessing))
}

/// The samples of one split.
pub(crate) fn choose(parts: Parts<'_>, split: SplitChoice) -> Result<Samples<'_>> {
    let missing = |which: &str| Failure::new(Code::Data, format!("there are no {which} samples"));
    match split {
        SplitChoice::Train => Ok(parts.train),
        SplitChoice::Validation if parts.validation.is_empty() => Err(missing("validation")),
        SplitChoice::Validation => Ok(parts.validation),
        SplitChoice::Test => parts.test.ok_or_else(|| missing("test")),
    }
}

pub(crate) fn split_name(split: SplitChoice) -> &'static str {
    match split {
        SplitChoice::Train => "training",
        SplitChoice::Validation => "validation",
        SplitChoice::Test => "test",
    }
}

fn show(model: &Model, data: &Data, split: SplitChoice, evaluation: &Evaluation) {
    terminal::line(format!(
        "{}: {} {} samples",
        data.dataset.name,
        terminal::grouped(evaluation.n_samples),
        split_name(split)
    ));
    terminal::line(format!("loss      {:.4} ({})", evaluation.loss, model.loss));
    if let Some(accuracy) = evaluation.accuracy {
        terminal::line(format!("accuracy  {}", terminal::percent(Some(accuracy))));
    }
    if let Some(errors) = data.errors_of(evaluation) {
        show_errors(&errors, data);
    }
    if let Some(confusion) = &evaluation.confusion {
        terminal::line("");
        show_confusion(confusion, &data.class_names);
    }
}

/// The errors, and where there are several targets those of each.
fn show_errors(errors: &RegressionErrors, data: &Data) {
    terminal::line(format!(
        "mean absolute error     {:.6}",
        errors.mean_absolute
    ));
    terminal::line(format!(
        "root mean square error  {:.6}",
        errors.root_mean_square
    ));
    terminal::line(format!(
        "R²                      {}",
        r_squared_text(errors.r_squared)
    ));
    let named: Vec<_> = data.target_names().zip(&errors.outputs).collect();
    if named.len() < 2 {
        return;
    }
    terminal::line("(means over the targets)");
    terminal::line("");
    let widths = named.iter().map(|(name, _)| name.chars().count());
    let width = widths.max().unwrap_or(0).max("target".len());
    terminal::line(format!(
        "{:width$}  {:>19}  {:>22}  {:>9}",
        "target", "mean absolute error", "root mean square error", "R²"
    ));
    for (name, output) in named {
        terminal::line(format!(
            "{name:width$}  {:>19.6}  {:>22.6}  {:>9}",
            output.mean_absolute,
            output.root_mean_square,
            r_squared_text(output.r_squared)
        ));
    }
}

fn r_squared_text(r_squared: Option<f64>) -> String {
    r_squared.map_or_else(|| "- (needs 2 rows)".to_owned(), |r| format!("{r:.6}"))
}

/// Names and values of a regression's errors, in the table's own units; of
/// several targets their means, and the R² of each.
pub(crate) fn errors_of(evaluation: &Evaluation, data: &Data) -> Vec<(String, f64)> {
    let Some(errors) = data.errors_of(evaluation) else {
        return Vec::new();
    };
    let named = data.target_names().zip(&errors.outputs);
    let of_targets = named
        .filter(|_| errors.outputs.len() > 1)
        .map(|(name, output)| (format!("R² of {name}"), output.r_squared));
    [
        ("Mean absolute error", Some(errors.mean_absolute)),
        ("Root mean square error", Some(errors.root_mean_square)),
        ("R²", errors.r_squared),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .chain(of_targets)
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

/// Rows are the right classes, columns the network's answers; scores beside.
fn show_confusion(confusion: &ConfusionMatrix, names: &[String]) {
    let counts = confusion.counts();
    let largest = counts.iter().max().copied().unwrap_or(0);
    let cell = largest.to_string().len().max(
        names
            .iter()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(1)
            .min(8),
    ) + 1;
    let label = names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(1)
        .min(16);
    let short = |name: &str, width: usize| name.chars().take(width).collect::<String>();
    let heads: String = names
        .iter()
        .map(|name| format!("{:>cell$}", short(name, cell - 1)))
        .collect();
    terminal::line("right class down, answer across");
    terminal::line(format!("{:label$} {heads}   precision  recall      F1", ""));
    for (class, name) in names.iter().enumerate() {
        let row: String = counts
            .row(class)
            .iter()
            .map(|&count| {
                if count == 0 {
                    format!("{:>cell$}", "·")
                } else {
                    format!("{count:>cell$}")
                }
            })
            .collect();
        let scores = confusion.scores(class);
        terminal::line(format!(
            "{:>label$} {row}   {:>9}  {:>6}  {:>6}",
            short(name, label),
            score(scores.precision),
            score(scores.recall),
            score(scores.f1)
        ));
    }
}

fn score(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{:.1} %", 100.0 * value))
}

/// The errors of each predicted number.
fn targets_json(errors: &RegressionErrors, data: &Data) -> serde_json::Value {
    let named = data.target_names().zip(&errors.outputs);
    named
        .map(|(name, output)| {
            json!({
                "name": name,
                "mean_absolute_error": output.mean_absolute,
                "root_mean_square_error": output.root_mean_square,
                "r_squared": output.r_squared,
            })
        })
        .collect()
}

fn to_json(
    model: &Model,
    data: &Data,
    split: SplitChoice,
    evaluation: &Evaluation,
) -> serde_json::Value {
    let class = |(index, name): (usize, &String)| {
        let ClassScores {
            precision,
            recall,
            f1,
            support,
            ..
        } = evaluation
            .confusion
            .as_ref()
            .map(|confusion| confusion.scores(index))?;
        Some(
            json!({ "name": name, "precision": precision, "recall": recall, "f1": f1, "support": support }),
        )
    };
    let confusion = evaluation.confusion.as_ref().map(|confusion| {
        let rows = confusion.counts();
        rows.rows().map(|row| row.to_vec()).collect::<Vec<_>>()
    });
    let errors = data.errors_of(evaluation);
    json!({
        "dataset": data.dataset.name,
        "split": split_name(split),
        "samples": evaluation.n_samples,
        "loss_function": model.loss.to_string(),
        "loss": evaluation.loss,
        "accuracy": evaluation.accuracy,
        "mean_absolute_error": errors.as_ref().map(|errors| errors.mean_absolute),
        "root_mean_square_error": errors.as_ref().map(|errors| errors.root_mean_square),
        "r_squared": errors.as_ref().and_then(|errors| errors.r_squared),
        "targets": errors.as_ref().map(|errors| targets_json(errors, data)),
        "confusion": confusion,
        "classes": data.class_names.iter().enumerate().filter_map(class).collect::<Vec<_>>(),
    })
}
