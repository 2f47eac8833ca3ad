//! N5: the training of N4 beside PyTorch's, from the same initial weights and
//! in the same order of samples.

use nn_core::training::Event;
use nn_core::{Network, Trainer};
use serde::Deserialize;

use crate::context::Context;
use crate::training::{MeasuredEpochs, Training};
use crate::figure::{Figure, Series};
use crate::newbies::stochastic::{HIDDEN, stochastic_flags, train_stochastic};
use crate::newbies::unbiased::samples_in_double;
use crate::outcome::{Outcome, Row, short};
use nn_train::Result;

/// What PyTorch gave for N5, made by `scripts/newbies_pytorch.py`.
const PYTORCH: &str = include_str!("pytorch.json");

/// The contents of `newbies/pytorch.json`.
#[derive(Deserialize)]
struct PyTorch {
    torch: String,
    command: String,
    /// So many samples are in `first`.
    first_samples: usize,
    /// Mean loss of an epoch on the first samples alone.
    first: Vec<f64>,
    /// Mean loss of each epoch on all samples, in single precision.
    single: Vec<f64>,
    /// The same in double precision.
    double: Vec<f64>,
}

/// What the curves may differ by, relative.
const FRAMEWORK_TOLERANCE: f64 = 1e-3;

pub(super) fn framework(context: &Context<'_>) -> Result<Outcome> {
    let theirs: PyTorch = serde_json::from_str(PYTORCH).expect("the committed file is right");
    let first_flags = format!(
        "--limit-train {} {HIDDEN} --loss cross-entropy --optimizer sgd --lr 0.01 --batch-size 1 \
         --epochs 1 --validation 0 --seed 0",
        theirs.first_samples
    );
    let first = context.train_and_test(&first_flags, &MeasuredEpochs::End)?;
    let training = train_stochastic(context)?;
    let single: Vec<f64> = training.losses().iter().map(|(_, loss)| *loss).collect();
    let double = train_in_double(context)?;

    let after_first = largest_difference(&[first.losses()[0].1], &theirs.first);
    let in_double = largest_difference(&double, &theirs.double);
    let in_single = largest_difference(&single, &theirs.single);
    let mut rows = vec![
        Row::at_most(
            format!(
                "single precision, {} samples: relative difference",
                theirs.first_samples
            ),
            after_first,
            1e-6,
        ),
        Row::at_most(
            "double precision: largest relative difference",
            in_double,
            FRAMEWORK_TOLERANCE,
        ),
        Row::note(
            "single precision: largest relative difference",
            format!("at most {FRAMEWORK_TOLERANCE}"),
            short(in_single),
        ),
        Row::note(
            "PyTorch in single against PyTorch in double precision",
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

/// The loss of each epoch of the same training in double precision, from the
/// same rounded weights.
fn train_in_double(context: &Context<'_>) -> Result<Vec<f64>> {
    let flags = stochastic_flags(context);
    context.cached(&format!("{flags} in double precision"), || {
        let (plan, data) = context.plan(&flags)?;
        let rounded: Network = Network::new(&plan.network, plan.training.seed)?;
        let samples = samples_in_double(&data)?;
        let samples = samples.select(&(0..data.splits()?.train.len() as u32).collect::<Vec<_>>());
        let mut trainer = Trainer::new(
            rounded.cast::<f64>(),
            samples,
            None,
            plan.training,
            context.options.threads.clone(),
        )?;
        let mut losses = Vec::new();
        while let Some(event) = trainer.advance()? {
            context.check_stop()?;
            if let Event::Epoch(report) = event {
                losses.push(report.train_loss);
            }
        }
        Ok(losses)
    })
}

/// The largest relative difference over the epochs that both have.
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
                    "{precision} precision, epoch {}: PyTorch's loss and ours",
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
        "Initial weights and order of the samples are the same in both: pure functions of the seed. \
         In double precision the two curves are one. In single precision they are one over {} steps; \
         over 300 000 steps of single samples rounding alone drives them apart, by about as much as \
         PyTorch in single precision is from PyTorch in double precision, so that 1e-3 cannot be had \
         there. PyTorch {}'s numbers are kept in the repository; `{}` makes them again.",
        theirs.first_samples, theirs.torch, theirs.command
    )
}

fn framework_figure(training: &Training<f64>, double: &[f64], theirs: &PyTorch) -> Figure {
    let counted = |name: &str, losses: &[f64]| {
        let points = losses.iter().enumerate();
        Series::new(name, points.map(|(index, loss)| (index + 1, *loss)))
    };
    Figure::Lines {
        title: "Figure 5: the same training in PyTorch".to_owned(),
        x: "epoch".to_owned(),
        y: "loss".to_owned(),
        series: vec![
            Series::new("ours, single precision", training.losses()),
            counted("PyTorch, single precision", &theirs.single),
            counted("ours, double precision", double),
            counted("PyTorch, double precision", &theirs.double),
        ],
    }
}
