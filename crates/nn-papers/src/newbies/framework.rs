//! Claim N5: the training run of claim N4 compared with PyTorch's, from the same initial weights
//! and with the same order of samples.

use nn_core::Trainer;
use nn_train::Result;
use serde::Deserialize;

use crate::context::Context;
use crate::figure::{Figure, Series};
use crate::newbies::double::samples_in_double;
use crate::newbies::stochastic::{flags_for, stochastic_flags, train_stochastic};
use crate::outcome::{Outcome, Row, short};
use crate::training::{MeasuredEpochs, Training};

/// PyTorch's losses, written by `scripts/newbies_pytorch.py`.
const PYTORCH: &str = include_str!("pytorch.json");

/// The contents of `pytorch.json`.
#[derive(Deserialize)]
struct PyTorch {
    /// Version of PyTorch.
    torch: String,
    /// The command that writes the file.
    command: String,
    /// Number of samples of `first`.
    first_samples: usize,
    /// Mean loss of an epoch on the first samples only.
    first: Vec<f64>,
    /// Mean loss of each epoch on all samples, in single precision.
    single: Vec<f64>,
    /// The same in double precision.
    double: Vec<f64>,
}

/// The seed of the initial weights and of the order of samples in PyTorch.
const SEED: u64 = 0;

/// Tolerance for the relative difference between the curves.
const FRAMEWORK_TOLERANCE: f64 = 1e-3;

pub(super) fn framework(context: &Context<'_>) -> Result<Outcome> {
    let theirs: PyTorch = serde_json::from_str(PYTORCH).expect("the committed file has this form");
    let first_flags = format!(
        "--limit-train {} {}",
        theirs.first_samples,
        flags_for(1, SEED)
    );
    let first = context.train_and_test(&first_flags, &MeasuredEpochs::End)?;
    let training = train_stochastic(context, SEED)?;
    let single: Vec<f64> = training.losses().iter().map(|(_, loss)| *loss).collect();
    let double = train_in_double(context)?;

    let after_first = largest_difference(&[first.losses()[0].1], &theirs.first);
    let in_double = largest_difference(&double, &theirs.double);
    let in_single = largest_difference(&single, &theirs.single);
    let mut rows = vec![
        Row::at_most(
            format!(
                "single precision, after {} samples: relative difference between our loss and PyTorch's",
                theirs.first_samples
            ),
            after_first,
            1e-6,
        ),
        Row::at_most(
            "double precision: largest relative difference between our losses and PyTorch's",
            in_double,
            FRAMEWORK_TOLERANCE,
        ),
        Row::note(
            "single precision: largest relative difference between our losses and PyTorch's",
            format!("at most {FRAMEWORK_TOLERANCE}"),
            short(in_single),
        ),
        Row::note(
            "PyTorch: largest relative difference between the losses in single and in double precision",
            "",
            short(largest_difference(&theirs.single, &theirs.double)),
        ),
    ];
    rows.extend(loss_rows("double", &double, &theirs.double));
    rows.extend(loss_rows("single", &single, &theirs.single));
    let outcome: fn(Vec<Row>, String) -> Outcome = if in_single <= FRAMEWORK_TOLERANCE {
        Outcome::judged
    } else {
        Outcome::explained
    };
    Ok(outcome(rows, explanation(&theirs))
        .with_figures(vec![framework_figure(&training, &double, &theirs)])
        .with_commands(vec![first.command, training.command]))
}

/// The loss of each epoch of the same training run in double precision, from the
/// same initial weights in single precision.
fn train_in_double(context: &Context<'_>) -> Result<Vec<f64>> {
    let flags = stochastic_flags(context, SEED);
    context.cached(&format!("{flags} in double precision"), || {
        let (plan, data) = context.plan(&flags)?;
        let network = plan.network()?.cast::<f64>();
        let all: Vec<u32> = (0..data.n_train() as u32).collect();
        let samples = samples_in_double(&data)?.select(&all);
        let mut trainer = Trainer::new(
            network,
            samples,
            None,
            plan.training,
            context.options.threads.clone(),
        )?;
        let mut losses = Vec::new();
        context.for_each_epoch(&mut trainer, |_, report| {
            losses.push(report.train_loss);
            Ok(())
        })?;
        Ok(losses)
    })
}

/// The largest relative difference over the common epochs.
fn largest_difference(ours: &[f64], theirs: &[f64]) -> f64 {
    let pairs = ours.iter().zip(theirs);
    pairs
        .map(|(ours, theirs)| ((ours - theirs) / theirs).abs())
        .fold(0.0, f64::max)
}

fn loss_rows(precision: &str, ours: &[f64], theirs: &[f64]) -> Vec<Row> {
    let pairs = ours.iter().zip(theirs).enumerate();
    pairs
        .map(|(index, (ours, theirs))| {
            Row::note(
                format!(
                    "{precision} precision, epoch {}: losses of PyTorch and nn",
                    index + 1
                ),
                format!("{theirs:.6}"),
                format!("{ours:.6}"),
            )
        })
        .collect()
}

fn explanation(theirs: &PyTorch) -> String {
    format!(
        "Both runs have the same initial weights and the same order of samples, which are pure functions of \
         the seed. In double precision the two curves are equal. In single precision they are equal over \
         {} steps; over 300 000 steps of one sample, rounding errors alone separate the curves by about as \
         much as PyTorch in single precision differs from PyTorch in double precision, so a \
         difference of 1e-3 is impossible there. The losses of PyTorch {} are stored in the \
         repository; `{}` computes them again.",
        theirs.first_samples, theirs.torch, theirs.command
    )
}

fn framework_figure(training: &Training<f64>, double: &[f64], theirs: &PyTorch) -> Figure {
    let counted = |name: &str, losses: &[f64]| {
        let points = losses.iter().enumerate();
        Series::new(name, points.map(|(index, loss)| (index + 1, *loss)))
    };
    let series = vec![
        Series::new("nn, single precision", training.losses()),
        counted("PyTorch, single precision", &theirs.single),
        counted("nn, double precision", double),
        counted("PyTorch, double precision", &theirs.double),
    ];
    Figure::over_epochs("Figure 5: the same training run in PyTorch", "loss", series)
}
