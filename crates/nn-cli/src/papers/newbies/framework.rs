//! N5: the training of N4 beside PyTorch's, from the same initial weights and
//! in the same order of samples.

use serde::Deserialize;

use crate::failure::Result;
use crate::papers::claim::{Outcome, Row, short};
use crate::papers::context::{Context, Training, When};
use crate::papers::figure::{Figure, Series};
use crate::papers::newbies::{HIDDEN, train_stochastic};

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
    let first = context.train_and_test(&first_flags, &When::End)?;
    let training = train_stochastic(context)?;
    let mut rows = vec![Row::at_most(
        format!(
            "relative difference after an epoch on {} samples",
            theirs.first_samples
        ),
        relative(first.losses()[0].1, theirs.first[0]),
        1e-6,
    )];
    let mut is_near = true;
    for ((epoch, ours), theirs) in training.losses().into_iter().zip(&theirs.single) {
        rows.push(Row::note(
            format!("loss of epoch {epoch}: PyTorch's and ours"),
            format!("{theirs:.6}"),
            format!("{ours:.6}"),
        ));
        let difference = relative(ours, *theirs);
        is_near &= difference <= FRAMEWORK_TOLERANCE;
        rows.push(Row::note(
            format!("relative difference, epoch {epoch}"),
            "",
            short(difference),
        ));
    }
    let rounding = theirs
        .single
        .iter()
        .zip(&theirs.double)
        .map(|(single, double)| relative(*single, *double))
        .fold(0.0, f64::max);
    let largest = training
        .losses()
        .into_iter()
        .zip(&theirs.single)
        .map(|((_, ours), theirs)| relative(ours, *theirs))
        .fold(0.0, f64::max);
    rows.push(Row::at_most(
        "largest difference, against PyTorch's own between single and double precision",
        largest,
        rounding.max(FRAMEWORK_TOLERANCE),
    ));
    let outcome: fn(Vec<Row>, String) -> Outcome = if is_near {
        Outcome::judged
    } else {
        Outcome::explained
    };
    Ok(outcome(rows, framework_explanation(&theirs, rounding))
        .with_figures(vec![framework_figure(&training, &theirs)])
        .with_commands(vec![first.command, training.command]))
}

fn relative(ours: f64, theirs: f64) -> f64 {
    ((ours - theirs) / theirs).abs()
}

fn framework_explanation(theirs: &PyTorch, rounding: f64) -> String {
    format!(
        "Initial weights and order of the samples are the same in both: pure functions of the seed. \
         Over {} steps the two agree to the last digits. Over 300 000 steps of single samples, \
         rounding grows: PyTorch in single precision differs from PyTorch in double precision by up \
         to {}. Within {FRAMEWORK_TOLERANCE} would be reproduced; within PyTorch's own difference it \
         is explained. PyTorch {}'s numbers are kept in the repository; `{}` makes them again.",
        theirs.first_samples,
        short(rounding),
        theirs.torch,
        theirs.command
    )
}

fn framework_figure(training: &Training<f64>, theirs: &PyTorch) -> Figure {
    let counted = |name: &str, losses: &[f64]| {
        let points = losses.iter().enumerate();
        Series::new(name, points.map(|(index, loss)| (index + 1, *loss)))
    };
    Figure::Lines {
        title: "Figure 5: the same training in PyTorch".to_owned(),
        x: "epoch".to_owned(),
        y: "loss".to_owned(),
        series: vec![
            Series::new("ours", training.losses()),
            counted("PyTorch, single precision", &theirs.single),
            counted("PyTorch, double precision", &theirs.double),
        ],
    }
}
