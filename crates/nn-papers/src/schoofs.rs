//! *Artificial Neural Networks* (Schoofs, 2022): the equations of a network and of
//! gradient descent, and a network 784-64-10 that at first does not learn.

mod network;
mod equations;
mod rate;
mod pictures;

use nn_train::Result;
use nn_train::forward::for_each_block;

use crate::claim::{Claim, Erratum, Evidence};
use crate::context::Context;
use crate::figure::{Figure, Series};
use crate::outcome::{Outcome, Row};
use crate::schoofs::network::NETWORK;
use crate::snapshot::Snapshot;
use crate::training::{MeasuredEpochs, Training};

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
        title: "large initial weights: neurons saturate, and the network does not learn",
        statement: "\"The algorithm classified the images randomly and remained unable to learn.\" 784-64-10, \
               sigmoid, quadratic cost, Gaussian weights with standard deviation 1, learning rate 1.0.",
        quick_form: "50 epochs instead of 200, no mini-batches",
        needs_mnist: true,
        version: 2,
        run: saturation,
    },
    Claim {
        id: "S3",
        title: "weights of standard deviation n^(-1/2): better than random, still slow",
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
        title: "learning rate by Bayesian optimization",
        statement: "\"The initial learning rate of 1.0 was poorly chosen. To find a better one, a bayesian \
               hyper-parameter optimization approach was employed.\"",
        quick_form: "6 trials of 1 epoch instead of 15 trials of 3 epochs",
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
        title: "figures of a network, a layer as a map, a cost surface and gradient descent",
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
        correct: "the transpose, 1/m (delta^l)^T A^(l-1), which has the shape of W in (10)",
        evidence: Evidence::Claim("S1"),
    },
    Erratum {
        place: "equation (13)",
        printed: "delta^l = (delta^(l+1) W^l) (*) phi'(Z^l)",
        correct: "W^(l+1), as in (7)",
        evidence: Evidence::Claim("S1"),
    },
    Erratum {
        place: "section 3.2, large initial weights",
        printed: "remained unable to learn",
        correct: "slow with full-batch gradient descent; with mini-batches of 10, the same network learns",
        evidence: Evidence::Claim("S2"),
    },
];

/// Gaussian weights and biases with standard deviation 1.
const LARGE: &str = "--init normal:std=1 --bias-init normal:std=1";

/// Test accuracy, and the percentages of saturated neurons in the hidden layer and in
/// the output layer.
type Saturation = [f64; 3];

fn full_batch(activation: &str, init: &str, epochs: usize) -> String {
    format!(
        "{NETWORK} --activation {activation} {init} --lr 1 --batch-size full --epochs {epochs} --validation 0"
    )
}

fn saturation(context: &Context<'_>) -> Result<Outcome> {
    let [large, small, _] = improvements(context)?;
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
    let [with_large, with_small] = [&large, &small].map(|training| training.measured[0].1[1]);
    rows.push(Row::at_most(
        "final test accuracy, full batch (%)",
        accuracy_of(&large),
        25.0,
    ));
    rows.push(
        Row::holds(
            "saturated hidden neurons before training, standard deviation 1 and n^(-1/2) (%)",
            "most",
            format!("{with_large:.1}, {with_small:.1}"),
            with_large > 50.0 && with_small < 1.0,
        )
        .with_expected("above 50, below 1"),
    );
    let mut commands = vec![large.command.clone(), small.command.clone()];
    if !context.options.is_quick {
        let flags = format!(
            "{NETWORK} --activation sigmoid {LARGE} --lr 1 --batch-size 10 --epochs 3 --validation 0"
        );
        let mini = context.train_and_test(&flags, &MeasuredEpochs::Every(1))?;
        let accuracy = mini.last_value();
        rows.push(Row::note(
            "test accuracy with mini-batches of 10, 3 epochs (%)",
            "",
            format!("{accuracy:.2}"),
        ));
        commands.push(mini.command);
    }
    Ok(Outcome::judged(
        rows,
        "A sigmoid neuron is saturated if its derivative a(1 - a) is below 0.01. The paper states \
         neither the batch size nor the number of epochs. With full-batch gradient descent, training \
         fails as described; with mini-batches of 10, as in Nielsen's book, the same network leaves \
         the saturation and learns. \"Random\" is taken to mean at most 25 %.",
    )
    .with_figures(vec![saturation_figure(&large, &small)])
    .with_commands(commands))
}

/// The percentages of sigmoid neurons with a derivative below 0.01, in the hidden layer
/// and in the output layer, over the test samples.
fn saturated_neurons(snapshot: &Snapshot<'_, '_>) -> Result<[f64; 2]> {
    let splits = snapshot.splits;
    let samples = splits.test.as_ref().unwrap_or(&splits.train);
    let mut counts = [[0_usize; 2]; 2];
    for_each_block(
        snapshot.network,
        samples,
        snapshot.threads,
        |_, _, cache| {
            for (layer, [n_saturated, n]) in counts.iter_mut().enumerate() {
                let activations = cache.layer(layer).activations();
                let saturated = activations.iter().filter(|&&a| a * (1.0 - a) < 0.01);
                *n_saturated += saturated.count();
                *n += activations.len();
            }
        },
    )?;
    Ok(counts.map(|[n_saturated, n]| 100.0 * n_saturated as f64 / n.max(1) as f64))
}

fn saturation_figure(large: &Training<Saturation>, small: &Training<Saturation>) -> Figure {
    let series = vec![
        curve(large, 1, "hidden, deviation 1"),
        curve(large, 2, "output, deviation 1"),
        curve(small, 1, "hidden, n^(-1/2)"),
        curve(small, 2, "output, n^(-1/2)"),
    ];
    Figure::over_epochs("Saturated neurons", "neurons of the layer (%)", series)
}

/// One of the measurements over the epochs.
fn curve(training: &Training<Saturation>, index: usize, name: &str) -> Series {
    let measured = training.measured.iter();
    Series::new(
        name,
        measured.map(|(epoch, measured)| (*epoch, measured[index])),
    )
}

/// The training runs of S2, S3 and S4, each with one more improvement of the paper,
/// measured before training and after every tenth of the epochs.
fn improvements(context: &Context<'_>) -> Result<[Training<Saturation>; 3]> {
    let epochs = context.full_or_quick(200, 50);
    let at = (0..=10).map(|tenth| tenth * epochs / 10).collect();
    let measured = MeasuredEpochs::At(at);
    let train = |activation, init| {
        let flags = full_batch(activation, init, epochs);
        context.train(&flags, &measured, "accuracy and saturation", |snapshot| {
            let [hidden, output] = saturated_neurons(snapshot)?;
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
    let [large, small, relu] = improvements(context)?;
    let [with_large, with_small, with_relu] = [&large, &small, &relu].map(accuracy_of);
    let rows = vec![
        Row::note(
            "test accuracy, standard deviation 1 (%)",
            "random",
            format!("{with_large:.2}"),
        ),
        Row::holds(
            "test accuracy, standard deviation n^(-1/2) (%)",
            "non-random",
            format!("{with_small:.2}"),
            with_small > 30.0,
        )
        .with_expected("above 30"),
        Row::holds(
            "still slow: test accuracy with ReLU after the same number of epochs (%)",
            "higher",
            format!("{with_relu:.2}"),
            with_relu > with_small,
        )
        .with_expected("higher than with sigmoid"),
    ];
    Ok(Outcome::judged(
        rows,
        "Full batch, learning rate 1.0, as in S2. \"Non-random\" is taken to mean above 30 %.",
    )
    .with_figures(vec![accuracy_figure(vec![
        curve(&large, 0, "deviation 1"),
        curve(&small, 0, "deviation n^(-1/2)"),
    ])])
    .with_commands(vec![large.command, small.command]))
}

fn rectifiers(context: &Context<'_>) -> Result<Outcome> {
    let [_, small, relu] = improvements(context)?;
    let [with_sigmoid, with_relu] = [&small, &relu].map(accuracy_of);
    let rows = vec![
        Row::note(
            "test accuracy, sigmoid (%)",
            "",
            format!("{with_sigmoid:.2}"),
        ),
        Row::holds(
            "test accuracy, ReLU (%)",
            "higher",
            format!("{with_relu:.2}"),
            with_relu > with_sigmoid,
        )
        .with_expected("higher than with sigmoid"),
    ];
    Ok(Outcome::judged(
        rows,
        "ReLU in the hidden layer, sigmoid outputs, otherwise as in S3.",
    )
    .with_figures(vec![accuracy_figure(vec![
        curve(&small, 0, "sigmoid"),
        curve(&relu, 0, "ReLU"),
    ])])
    .with_commands(vec![small.command, relu.command]))
}

fn accuracy_figure(series: Vec<Series>) -> Figure {
    let title = "Full batch, learning rate 1.0";
    Figure::over_epochs(title, "test accuracy (%)", series)
}
