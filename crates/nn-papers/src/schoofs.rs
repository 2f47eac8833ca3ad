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
use crate::interval::{Expected, differences};
use crate::outcome::{Command, Outcome, Row};
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
        quick_form: "3 seeds instead of 5, 50 epochs instead of 200, no mini-batches",
        needs_mnist: true,
        version: 3,
        run: saturation,
    },
    Claim {
        id: "S3",
        title: "weights of standard deviation n^(-1/2): better than random, still slow",
        statement: "\"The network started to act in a non-random fashion ... the learning process continued to be slow.\"",
        quick_form: "3 seeds instead of 5, 50 epochs instead of 200",
        needs_mnist: true,
        version: 3,
        run: smaller_weights,
    },
    Claim {
        id: "S4",
        title: "ReLU is better",
        statement: "\"Switching to ReLU neurons further increased performance.\"",
        quick_form: "3 seeds instead of 5, 50 epochs instead of 200",
        needs_mnist: true,
        version: 3,
        run: rectifiers,
    },
    Claim {
        id: "S5",
        title: "learning rate by Bayesian optimization",
        statement: "\"The initial learning rate of 1.0 was poorly chosen. To find a better one, a bayesian \
               hyper-parameter optimization approach was employed.\"",
        quick_form: "3 seeds instead of 10, 6 trials of 1 epoch instead of 15 trials of 3 epochs",
        needs_mnist: true,
        version: 3,
        run: rate::bayesian_search,
    },
    Claim {
        id: "S6",
        title: "L2 and an expanded training set: at least 90.8 %",
        statement: "\"These slight modifications enhanced the ANN's accuracy to 90.8%\", with the goal of above 90 %.",
        quick_form: "3 seeds instead of 5, 3 epochs instead of 20",
        needs_mnist: true,
        version: 3,
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

/// The training runs of a setup, one per seed.
struct Runs(Vec<Training<Saturation>>);

impl Runs {
    /// One of the measurements after the epoch with this position among the measured
    /// ones, per seed.
    fn measured(&self, position: usize, index: usize) -> Vec<f64> {
        let of = |run: &Training<Saturation>| Some(run.measured.get(position)?.1[index]);
        let runs = self.0.iter();
        runs.map(|run| of(run).unwrap_or(f64::NAN)).collect()
    }

    /// The final test accuracy per seed.
    fn accuracies(&self) -> Vec<f64> {
        let last = |run: &Training<Saturation>| run.last().map_or(f64::NAN, |last| last[0]);
        self.0.iter().map(last).collect()
    }

    /// One of the measurements over the epochs, for the first seed.
    fn curve(&self, index: usize, name: &str) -> Series {
        let measured = self.0.iter().take(1).flat_map(|run| &run.measured);
        let points = measured.map(|(epoch, measured)| (*epoch, measured[index]));
        Series::new(name, points)
    }

    fn commands(self) -> impl Iterator<Item = Command> {
        self.0.into_iter().map(|run| run.command)
    }
}

/// The training runs of S2, S3 and S4, each with one more improvement of the paper,
/// measured before training and after every tenth of the epochs.
fn improvements(context: &Context<'_>) -> Result<[Runs; 3]> {
    let epochs = context.full_or_quick(200, 50);
    let at = (0..=10).map(|tenth| tenth * epochs / 10).collect();
    let measured = MeasuredEpochs::At(at);
    let train = |activation, init| {
        let runs = context.per_seed(|seed| {
            let flags = full_batch(activation, init, epochs, seed);
            context.train(&flags, &measured, "accuracy and saturation", |snapshot| {
                let [hidden, output] = saturated_neurons(snapshot)?;
                Ok([snapshot.test_accuracy()?, hidden, output])
            })
        });
        runs.map(Runs)
    };
    Ok([
        train("sigmoid", LARGE)?,
        train("sigmoid", "--init lecun")?,
        train("relu", "--init lecun")?,
    ])
}

fn full_batch(activation: &str, init: &str, epochs: usize, seed: u64) -> String {
    format!(
        "{NETWORK} --activation {activation} {init} --lr 1 --batch-size full --epochs {epochs} --validation 0 --seed {seed}"
    )
}

fn saturation(context: &Context<'_>) -> Result<Outcome> {
    let [large, small, _] = improvements(context)?;
    let epochs = context.full_or_quick(200, 50);
    let mut rows = Vec::new();
    for position in [0, 5, 10] {
        let epoch = position * epochs / 10;
        let row = |what: &str, printed: &str, index: usize| {
            let quantity = format!("{what} after {epoch} epochs (%)");
            Row::note_over_seeds(quantity, printed, &large.measured(position, index), 2)
        };
        rows.push(row("test accuracy", "random", 0));
        rows.push(row("saturated hidden neurons", "", 1));
        rows.push(row("saturated output neurons", "", 2));
    }
    rows.push(Row::over_seeds(
        "final test accuracy, full batch (%)",
        "random",
        &large.accuracies(),
        Expected::AtMost(25.0),
        2,
    ));
    rows.push(Row::over_seeds(
        "saturated hidden neurons before training, standard deviation 1 (%)",
        "most",
        &large.measured(0, 1),
        Expected::AtLeast(50.0),
        1,
    ));
    rows.push(Row::over_seeds(
        "saturated hidden neurons before training, standard deviation n^(-1/2) (%)",
        "",
        &small.measured(0, 1),
        Expected::AtMost(1.0),
        1,
    ));
    let figure = saturation_figure(&large, &small);
    let mut commands: Vec<Command> = large.commands().chain(small.commands()).collect();
    if !context.options.is_quick {
        let (row, of_mini_batches) = mini_batches(context)?;
        rows.push(row);
        commands.extend(of_mini_batches);
    }
    Ok(Outcome::judged(
        rows,
        "A sigmoid neuron is saturated if its derivative a(1 - a) is below 0.01. The paper states \
         neither the batch size nor the number of epochs. With full-batch gradient descent, the \
         network learns very slowly; with mini-batches of 10, as in Nielsen's book, the same network \
         comes out of saturation and learns. \"Random\" is taken to mean at most 25 %.",
    )
    .with_figures(vec![figure])
    .with_commands(commands))
}

/// The network with large weights, trained with mini-batches.
fn mini_batches(context: &Context<'_>) -> Result<(Row, Vec<Command>)> {
    let runs = context.per_seed(|seed| {
        let flags = format!(
            "{NETWORK} --activation sigmoid {LARGE} --lr 1 --batch-size 10 --epochs 3 --validation 0 --seed {seed}"
        );
        context.train_and_test(&flags, &MeasuredEpochs::Every(1))
    })?;
    let accuracies: Vec<f64> = runs.iter().map(Training::last_value).collect();
    let quantity = "test accuracy with mini-batches of 10, 3 epochs (%)";
    let row = Row::note_over_seeds(quantity, "", &accuracies, 2);
    Ok((row, runs.into_iter().map(|run| run.command).collect()))
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

fn saturation_figure(large: &Runs, small: &Runs) -> Figure {
    let series = vec![
        large.curve(1, "hidden, deviation 1"),
        large.curve(2, "output, deviation 1"),
        small.curve(1, "hidden, n^(-1/2)"),
        small.curve(2, "output, n^(-1/2)"),
    ];
    let title = "Saturated neurons, seed 0";
    Figure::over_epochs(title, "neurons of the layer (%)", series)
}

fn smaller_weights(context: &Context<'_>) -> Result<Outcome> {
    let [large, small, relu] = improvements(context)?;
    let rows = vec![
        Row::note_over_seeds(
            "test accuracy, standard deviation 1 (%)",
            "random",
            &large.accuracies(),
            2,
        ),
        Row::over_seeds(
            "test accuracy, standard deviation n^(-1/2) (%)",
            "non-random",
            &small.accuracies(),
            Expected::AtLeast(30.0),
            2,
        ),
        Row::over_seeds(
            "still slow: test accuracy with ReLU minus test accuracy with sigmoid (points)",
            "higher",
            &differences(&relu.accuracies(), &small.accuracies()),
            Expected::Positive,
            2,
        ),
    ];
    let figure = accuracy_figure(vec![
        large.curve(0, "deviation 1"),
        small.curve(0, "deviation n^(-1/2)"),
    ]);
    Ok(Outcome::judged(
        rows,
        "Full batch, learning rate 1.0, as in S2. \"Non-random\" is taken to mean above 30 %. \
         \"Slow\" is taken to mean that the network with ReLU, started from the same initial \
         weights, has a higher accuracy after the same number of epochs.",
    )
    .with_figures(vec![figure])
    .with_commands(large.commands().chain(small.commands()).collect()))
}

fn rectifiers(context: &Context<'_>) -> Result<Outcome> {
    let [_, small, relu] = improvements(context)?;
    let [with_sigmoid, with_relu] = [small.accuracies(), relu.accuracies()];
    let rows = vec![
        Row::note_over_seeds("test accuracy, sigmoid (%)", "", &with_sigmoid, 2),
        Row::note_over_seeds("test accuracy, ReLU (%)", "higher", &with_relu, 2),
        Row::over_seeds(
            "difference for the same initial weights (points)",
            "higher",
            &differences(&with_relu, &with_sigmoid),
            Expected::Positive,
            2,
        ),
    ];
    let figure = accuracy_figure(vec![small.curve(0, "sigmoid"), relu.curve(0, "ReLU")]);
    Ok(Outcome::judged(
        rows,
        "ReLU in the hidden layer, sigmoid outputs, otherwise as in S3.",
    )
    .with_figures(vec![figure])
    .with_commands(small.commands().chain(relu.commands()).collect()))
}

fn accuracy_figure(series: Vec<Series>) -> Figure {
    let title = "Full batch, learning rate 1.0, seed 0";
    Figure::over_epochs(title, "test accuracy (%)", series)
}
