//! *Artificial Neural Networks* (Schoofs, 2022): the equations of a network
//! and of gradient descent, and a network of 784-64-10 that at first does not
//! learn.

mod network;
mod equations;
mod rate;
mod pictures;

use crate::claim::{Claim, Erratum, Evidence};
use crate::context::Context;
use crate::snapshot::Snapshot;
use crate::training::{MeasuredEpochs, Training};
use crate::figure::{Figure, Series};
use crate::outcome::{Outcome, Row};
use crate::schoofs::network::NETWORK;
use nn_train::Result;

pub(crate) const TITLE: &str = "Artificial Neural Networks (Schoofs, 2022)";

pub(crate) const CLAIMS: &[Claim] = &[
    Claim {
        id: "S1",
        title: "equations (1) to (13)",
        statement: "The matrix form (10) to (13) equals the per-neuron form (1) to (7).",
        quick_form: "",
        needs_mnist: false,
        version: 1,
        run: equations::equations,
    },
    Claim {
        id: "S2",
        title: "weights too large: neurons saturate, nothing is learned",
        statement: "\"The algorithm classified the images randomly and remained unable to learn.\" 784-64-10, \
               sigmoid, quadratic cost, gaussian weights of standard deviation 1, rate 1.0.",
        quick_form: "50 epochs instead of 200; no mini-batches",
        needs_mnist: true,
        version: 2,
        run: saturation,
    },
    Claim {
        id: "S3",
        title: "standard deviation n^(-1/2): non-random, still slow",
        statement: "\"The network started to act in a non-random fashion ... the learning process continued to be slow.\"",
        quick_form: "50 epochs instead of 200",
        needs_mnist: true,
        version: 2,
        run: smaller_weights,
    },
    Claim {
        id: "S4",
        title: "ReLU is better",
        statement: "\"Switching to ReLU neurons further increased performance.\"",
        quick_form: "50 epochs instead of 200",
        needs_mnist: true,
        version: 2,
        run: rectifiers,
    },
    Claim {
        id: "S5",
        title: "learning rate by Bayesian optimisation",
        statement: "\"The initial learning rate of 1.0 was poorly chosen. To find a better one, a bayesian \
               hyper-parameter optimization approach was employed.\"",
        quick_form: "6 trials of 1 epoch instead of 15 of 3",
        needs_mnist: true,
        version: 2,
        run: rate::bayesian_search,
    },
    Claim {
        id: "S6",
        title: "L2 and an expanded training set: at least 90.8 %",
        statement: "\"These slight modifications enhanced the ANN's accuracy to 90.8%\", with the goal of above 90 %.",
        quick_form: "3 epochs instead of 20",
        needs_mnist: true,
        version: 2,
        run: rate::best_network,
    },
    Claim {
        id: "S7",
        title: "pictures: network, layer as a map, cost surface, descent",
        statement: "Figures 1 to 4.",
        quick_form: "",
        needs_mnist: false,
        version: 1,
        run: pictures::pictures,
    },
];

pub(crate) const ERRATA: &[Erratum] = &[
    Erratum {
        place: "equation (12)",
        printed: "Delta W = 1/m (A^(l-1))^T delta^l",
        correct: "its transpose, 1/m (delta^l)^T A^(l-1), which has the shape of W in (10)",
        evidence: Evidence::Claim("S1"),
    },
    Erratum {
        place: "equation (13)",
        printed: "delta^l = (delta^(l+1) W^l) (*) phi'(Z^l)",
        correct: "W^(l+1), as in (7)",
        evidence: Evidence::Claim("S1"),
    },
    Erratum {
        place: "3.2, large initial weights",
        printed: "remained unable to learn",
        correct: "slow with all samples in a step; with mini-batches of 10 the same network learns",
        evidence: Evidence::Claim("S2"),
    },
];

/// Gaussian weights and biases of standard deviation 1.
const LARGE: &str = "--init normal:std=1 --bias-init normal:std=1";

/// Test accuracy, and the share of saturated neurons of the hidden layer and
/// of the output layer, all in percent.
type Saturation = [f64; 3];

fn full_batch(activation: &str, init: &str, epochs: usize) -> String {
    format!(
        "{NETWORK} --activation {activation} {init} --lr 1 --batch-size full --epochs {epochs} --validation 0"
    )
}

fn saturation(context: &Context<'_>) -> Result<Outcome> {
    let [large, small, _] = ladder(context)?;
    let last = large.measured.len() - 1;
    let mut rows = Vec::new();
    for &index in &[0, last / 2, last] {
        let (epoch, [accuracy, hidden, output]) = large.measured[index];
        let row = |what: &str, printed: &str, ours: f64| {
            Row::note(
                format!("{what} after {epoch} epochs (%)"),
                printed,
                format!("{ours:.2}"),
            )
        };
        rows.push(row("test accuracy", "random", accuracy));
        rows.push(row("saturated hidden neurons", "", hidden));
        rows.push(row("saturated output neurons", "", output));
    }
    let [before, quiet] = [&large, &small].map(|training| training.measured[0].1[1]);
    rows.push(Row::at_most(
        "accuracy at the end, full batch (%)",
        accuracy_of(&large),
        25.0,
    ));
    rows.push(
        Row::holds(
            "saturated hidden neurons at the start, deviation 1 and n^(-1/2) (%)",
            "most",
            format!("{before:.1}, {quiet:.1}"),
            before > 50.0 && quiet < 1.0,
        )
        .with_expected("above 50, below 1"),
    );
    let mut commands = vec![large.command.clone(), small.command.clone()];
    if !context.options.is_quick {
        let flags = format!(
            "{NETWORK} --activation sigmoid {LARGE} --lr 1 --batch-size 10 --epochs 3 --validation 0"
        );
        let mini = context.train_and_test(&flags, &MeasuredEpochs::Every(1))?;
        let accuracy = mini.last().copied().unwrap_or(f64::NAN);
        rows.push(Row::note(
            "test accuracy with mini-batches of 10, 3 epochs (%)",
            "",
            format!("{accuracy:.2}"),
        ));
        commands.push(mini.command);
    }
    Ok(Outcome::judged(
        rows,
        "Saturated: the slope a(1 - a) of the sigmoid is below 0.01. The paper states neither batch \
         size nor epochs. With all samples in a step it fails as told; with mini-batches of 10, as \
         in Nielsen's book, the same network gets out of the saturation and learns. \"Random\" is \
         taken as at most 25 %.",
    )
    .with_figures(vec![saturation_figure(&large, &small)])
    .with_commands(commands))
}

/// The share of sigmoid neurons whose slope is below 0.01, in percent, over
/// the test samples: of the hidden layer and of the output layer.
fn saturated_shares(snapshot: &Snapshot<'_, '_>) -> [f64; 2] {
    let samples = snapshot.splits.test.as_ref().unwrap_or(&snapshot.splits.train);
    let mut counts = [[0_usize; 2]; 2];
    snapshot.forward(samples, |_, cache| {
        for (layer, [saturated, all]) in counts.iter_mut().enumerate() {
            let activations = cache.layer(layer).activations();
            *saturated += activations
                .iter()
                .filter(|&&a| a * (1.0 - a) < 0.01)
                .count();
            *all += activations.len();
        }
    });
    counts.map(|[saturated, all]| 100.0 * saturated as f64 / all.max(1) as f64)
}

fn saturation_figure(large: &Training<Saturation>, small: &Training<Saturation>) -> Figure {
    let shares = |training: &Training<Saturation>, index: usize, name: &str| {
        let measured = training.measured.iter();
        Series::new(
            name,
            measured.map(|(epoch, shares)| (*epoch, shares[index])),
        )
    };
    Figure::Lines {
        title: "Saturated neurons".to_owned(),
        x: "epoch".to_owned(),
        y: "share of the layer\'s neurons (%)".to_owned(),
        series: vec![
            shares(large, 1, "hidden, deviation 1"),
            shares(large, 2, "output, deviation 1"),
            shares(small, 1, "hidden, n^(-1/2)"),
            shares(small, 2, "output, n^(-1/2)"),
        ],
    }
}

/// S2, S3 and S4: the same training with the paper's mends one after the other,
/// measured at the start and after every tenth part.
fn ladder(context: &Context<'_>) -> Result<[Training<Saturation>; 3]> {
    let epochs = context.full_or_quick(200, 50);
    let at = (0..=10).map(|tenth| tenth * epochs / 10).collect();
    let when = MeasuredEpochs::At(at);
    let train = |activation, init| {
        let flags = full_batch(activation, init, epochs);
        context.train(&flags, &when, "accuracy and saturation", |snapshot| {
            let [hidden, output] = saturated_shares(snapshot);
            Ok([snapshot.test_accuracy()?, hidden, output])
        })
    };
    Ok([
        train("sigmoid", LARGE)?,
        train("sigmoid", "--init lecun")?,
        train("relu", "--init lecun")?,
    ])
}

fn accuracy_of(training: &Training<Saturation>) -> f64 {
    training.last().map_or(f64::NAN, |measured| measured[0])
}

fn smaller_weights(context: &Context<'_>) -> Result<Outcome> {
    let [large, small, relu] = ladder(context)?;
    let [before, after, later] = [&large, &small, &relu].map(accuracy_of);
    let rows = vec![
        Row::note(
            "test accuracy, deviation 1 (%)",
            "random",
            format!("{before:.2}"),
        ),
        Row::holds(
            "test accuracy, deviation n^(-1/2) (%)",
            "non-random",
            format!("{after:.2}"),
            after > 30.0,
        )
        .with_expected("above 30"),
        Row::holds(
            "still slow: ReLU after as many epochs (%)",
            "higher",
            format!("{later:.2}"),
            later > after,
        )
        .with_expected("above that"),
    ];
    Ok(Outcome::judged(
        rows,
        "All samples in a step, rate 1.0, as in S2. \"Non-random\" is taken as above 30 %.",
    )
    .with_figures(vec![ladder_figure(&[
        ("deviation 1", &large),
        ("deviation n^(-1/2)", &small),
    ])])
    .with_commands(vec![large.command, small.command]))
}

fn rectifiers(context: &Context<'_>) -> Result<Outcome> {
    let [_, small, relu] = ladder(context)?;
    let [sigmoid, rectified] = [&small, &relu].map(accuracy_of);
    let rows = vec![
        Row::note("test accuracy, sigmoid (%)", "", format!("{sigmoid:.2}")),
        Row::holds(
            "test accuracy, ReLU (%)",
            "higher",
            format!("{rectified:.2}"),
            rectified > sigmoid,
        )
        .with_expected("above that"),
    ];
    Ok(Outcome::judged(
        rows,
        "ReLU in the hidden layer, sigmoid outputs, all else as in S3.",
    )
    .with_figures(vec![ladder_figure(&[("sigmoid", &small), ("ReLU", &relu)])])
    .with_commands(vec![small.command, relu.command]))
}

fn ladder_figure(trainings: &[(&str, &Training<Saturation>)]) -> Figure {
    Figure::Lines {
        title: "All samples in a step, rate 1.0".to_owned(),
        x: "epoch".to_owned(),
        y: "test accuracy (%)".to_owned(),
        series: trainings
            .iter()
            .map(|(name, training)| {
                let points = training.measured.iter();
                Series::new(*name, points.map(|(epoch, measured)| (*epoch, measured[0])))
            })
            .collect(),
    }
}
