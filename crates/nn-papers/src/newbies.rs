//! *Neural Networks for Newbies* (Orihuela Contreras): the parts of a network, gradient descent on
//! all samples and on one sample at a time, and the same training run in a framework.
//!
//! ```text
//! θ ← θ − α ∇J(θ)                       full batch, 2.4 (5.2.9: ∇J is a sum)
//! θ ← θ − α ∇J(θ; xᵢ, yᵢ)               one sample, 2.5
//! E[∇J(θ; xᵢ, yᵢ)] = (1/N) Σ ∇J(θ; xᵢ, yᵢ)
//! ```

mod stochastic;
mod double;
mod unbiased;
mod framework;

use nn_core::{Activation, Loss};
use nn_train::Result;

use crate::claim::{Claim, Erratum, Evidence};
use crate::context::Context;
use crate::figure::{Figure, Series};
use crate::interval::Expected;
use crate::newbies::stochastic::{HIDDEN, train_stochastic};
use crate::outcome::{Command, Outcome, Row};
use crate::training::{MeasuredEpochs, Training};

pub(crate) const TITLE: &str = "Neural Networks for Newbies (Orihuela Contreras)";

pub(crate) const CLAIMS: &[Claim] = &[
    Claim {
        id: "N1",
        title: "the parts of a network",
        statement: "The activations, cost functions, optimizers, initializers and regularization terms of sections 2, 4 and 5.",
        quick_form: "3 seeds instead of 5",
        needs_mnist: false,
        version: 3,
        run: parts,
    },
    Claim {
        id: "N2",
        title: "the stochastic gradient is unbiased",
        statement: "\"The expected value of this estimation is equal to the true gradient\" (2.5).",
        quick_form: "2 000 samples instead of all samples",
        needs_mnist: false,
        version: 1,
        run: unbiased::unbiased,
    },
    Claim {
        id: "N3",
        title: "classic gradient descent, 800 epochs, learning rate 1e-6",
        statement: "Figure 3: a falling loss curve. He initialization, ReLU, softmax and cross-entropy, full batch.",
        quick_form: "3 seeds instead of 5, 100 epochs instead of 800",
        needs_mnist: true,
        version: 2,
        run: classic,
    },
    Claim {
        id: "N4",
        title: "stochastic gradient descent, one sample at a time, learning rate 0.01",
        statement: "Figure 4: a falling loss curve. One epoch in the text, five in the table.",
        quick_form: "3 seeds instead of 5, 2 epochs instead of 5",
        needs_mnist: true,
        version: 2,
        run: stochastic,
    },
    Claim {
        id: "N5",
        title: "the same training run in a framework",
        statement: "Figure 5: a framework (here PyTorch) gives the curve of figure 4.",
        quick_form: "2 epochs instead of 5",
        needs_mnist: true,
        version: 4,
        run: framework::framework,
    },
];

pub(crate) const ERRATA: &[Erratum] = &[
    Erratum {
        place: "5.4, table",
        printed: "Input dimension (10^6, 784)",
        correct: "(60 000, 784), because MNIST has 60 000 training images",
        evidence: Evidence::Claim("N3"),
    },
    Erratum {
        place: "5.2.9, batch gradient descent",
        printed: "theta_new = theta_old - alpha sum_(i=1)^N grad J(theta; x_i, y_i)",
        correct: "the mean gradient, as in section 2.5. With the sum, the learning rate must be N times smaller: 1e-6 with the sum over 60 000 samples is 0.06 with the mean",
        evidence: Evidence::Claim("N3"),
    },
    Erratum {
        place: "section 5.5.1 and the table below",
        printed: "Number of Epochs: Set to 1; in the table: Number of epochs 5",
        correct: "5 epochs, because figure 4 is a curve over epochs",
        evidence: Evidence::Claim("N4"),
    },
    Erratum {
        place: "4.5, error of the output layer",
        printed: "delta^L <- dL/da^L (*) sigma'(z^L)",
        correct: "with softmax, every output depends on every z: delta = a - y, as in 4.3 and 5.2.6",
        evidence: Evidence::Check(softmax_error),
    },
];

/// The parts of a network by their names in the paper, with the flags that choose them.
const PARTS: [(&str, &str); 27] = [
    ("Xavier initialization", "--init xavier"),
    ("He initialization", "--init he"),
    ("ReLU", "--activation relu"),
    ("leaky ReLU, 0.01", "--activation leaky-relu:slope=0.01"),
    ("sigmoid", "--activation sigmoid"),
    ("tanh", "--activation tanh"),
    ("swish", "--activation swish"),
    ("softmax", "--output-activation softmax"),
    ("mean squared error", "--loss mse"),
    (
        "categorical cross-entropy",
        "--loss categorical-cross-entropy",
    ),
    ("binary cross-entropy", "--loss binary-cross-entropy"),
    ("hinge loss", "--loss hinge"),
    ("Kullback-Leibler divergence", "--loss kl-divergence"),
    ("L1", "--l1 0.0001"),
    ("L2", "--l2 0.0001"),
    (
        "batch gradient descent",
        "--optimizer sgd --batch-size full",
    ),
    (
        "stochastic gradient descent",
        "--optimizer sgd --lr 0.01 --batch-size 1",
    ),
    (
        "mini-batch gradient descent",
        "--optimizer sgd --batch-size 32",
    ),
    (
        "sum over a batch",
        "--optimizer sgd --lr 0.001 --reduction sum",
    ),
    ("momentum", "--optimizer momentum"),
    ("Adagrad", "--optimizer adagrad"),
    ("Adadelta", "--optimizer adadelta"),
    ("RMSprop", "--optimizer rmsprop"),
    ("Adam", "--optimizer adam"),
    ("validation split", "--validation 0.2"),
    ("layers and neurons", "--hidden 32,16"),
    ("biases", "--bias-init constant:value=0.1"),
];

fn parts(context: &Context<'_>) -> Result<Outcome> {
    let per_seed = context.per_seed(|seed| {
        let train = |(_, flags): &(&str, &str)| train_with_part(context, flags, seed);
        PARTS.iter().map(train).collect::<Result<Vec<_>>>()
    })?;
    let mut rows = Vec::new();
    for (index, (name, _)) in PARTS.iter().enumerate() {
        let falls: Vec<f64> = per_seed
            .iter()
            .map(|runs| fall_of_the_loss(&runs[index]))
            .collect();
        let quantity = format!("{name}: decrease of the loss (%)");
        let expected = Expected::Positive;
        rows.push(Row::over_seeds(quantity, "", &falls, expected, 2));
    }
    let runs = per_seed.into_iter().flatten();
    let commands = runs.map(|run| run.command).collect();
    rows.push(pixel_row(context)?);
    Ok(Outcome::judged(
        rows,
        "Each part is used in training runs of two epochs on 500 samples. The loss must fall from \
         the first epoch to the second.",
    )
    .with_commands(commands))
}

/// A short training run that uses a part.
fn train_with_part(context: &Context<'_>, flags: &str, seed: u64) -> Result<Training<()>> {
    let hidden = if flags.contains("--hidden") {
        ""
    } else {
        "--hidden 16 "
    };
    context.train_only(&format!(
        "{hidden}--limit-train 500 --epochs 2 {flags} --seed {seed}"
    ))
}

/// The fall of the loss from the first to the second epoch, in percent.
fn fall_of_the_loss(training: &Training<()>) -> f64 {
    match training.curve[..] {
        [first, second] => 100.0 * (first.loss - second.loss) / first.loss,
        _ => f64::NAN,
    }
}

/// Checks that pixels are divided by 255 and labels are one-hot encoded.
fn pixel_row(context: &Context<'_>) -> Result<Row> {
    let data = context.data()?;
    let train = data.splits()?.train;
    let mut inputs = vec![0.0; train.n_inputs()];
    train.copy_inputs(0, &mut inputs)?;
    let largest = inputs.iter().copied().fold(0.0, f32::max);
    let mut target = [0.0_f32; 10];
    train.copy_target(0, 0.0, &mut target);
    let ones = target.iter().filter(|&&y| y == 1.0).count();
    let zeros = target.iter().filter(|&&y| y == 0.0).count();
    Ok(Row::holds(
        "pixels / 255, one-hot labels",
        "",
        format!("largest input {largest}, {ones} one and {zeros} zeros"),
        largest <= 1.0 && (ones, zeros) == (1, 9),
    ))
}

fn classic(context: &Context<'_>) -> Result<Outcome> {
    let epochs = context.full_or_quick(800, 100);
    let flags = |epochs: usize, step: &str, seed: u64| {
        format!(
            "{HIDDEN} --loss cross-entropy --optimizer sgd {step} --batch-size full --epochs {epochs} --validation 0 --seed {seed}"
        )
    };
    let runs = context.per_seed(|seed| {
        let flags = flags(epochs, "--reduction sum --lr 0.000001", seed);
        context.train_and_test(&flags, &MeasuredEpochs::End)
    })?;
    let n = context.plan(&flags(1, "--lr 1", 0))?.1.n_train();
    let mean_rate = 1e-6 * n as f64;
    let mean = context.train_and_test(
        &flags(5, &format!("--lr {mean_rate}"), 0),
        &MeasuredEpochs::End,
    )?;
    let losses = runs[0].losses();
    let difference = losses
        .iter()
        .zip(mean.losses())
        .map(|((_, sum), (_, mean))| ((sum - mean) / mean).abs())
        .fold(0.0, f64::max);
    let rows = vec![
        falling_row(&runs),
        loss_row(&runs, 1),
        loss_row(&runs, epochs),
        accuracy_row(&runs, epochs),
        Row::note("training samples", "10^6", n.to_string()),
        Row::at_most(
            format!(
                "largest relative difference between the losses with the sum of the gradients and with their mean at learning rate {mean_rate} (5 epochs, seed 0)"
            ),
            difference,
            1e-4,
        ),
    ];
    Ok(Outcome::judged(
        rows,
        "The paper does not state the hidden layer; this run has 64 neurons. The paper's update sums \
         over the samples, as does --reduction sum. The figure has no numbers, so the verdict depends \
         on whether the loss falls in every epoch.",
    )
    .with_figures(vec![loss_figure("Figure 3: classic gradient descent", &runs)])
    .with_commands(commands(runs).chain([mean.command]).collect()))
}

fn stochastic(context: &Context<'_>) -> Result<Outcome> {
    let runs = context.per_seed(|seed| train_stochastic(context, seed))?;
    let epochs = context.full_or_quick(5, 2);
    let mut rows: Vec<Row> = (1..=epochs).map(|epoch| loss_row(&runs, epoch)).collect();
    rows.push(falling_row(&runs));
    rows.extend((1..=epochs).map(|epoch| accuracy_row(&runs, epoch)));
    Ok(Outcome::judged(
        rows,
        "The paper's figure has no numbers, so the verdict depends on whether the loss falls in every \
         epoch. The hidden layer has 64 neurons, as in N3.",
    )
    .with_figures(vec![loss_figure("Figure 4: one sample at a time", &runs)])
    .with_commands(commands(runs).collect()))
}

/// The number of epochs without a lower loss.
fn falling_row(runs: &[Training<f64>]) -> Row {
    let rises: Vec<f64> = runs
        .iter()
        .map(|run| {
            let pairs = run.curve.windows(2);
            pairs.filter(|pair| pair[1].loss >= pair[0].loss).count() as f64
        })
        .collect();
    Row::over_seeds(
        "number of epochs in which the loss does not fall",
        "0",
        &rises,
        Expected::AtMost(0.0),
        0,
    )
}

fn loss_row(runs: &[Training<f64>], epoch: usize) -> Row {
    let loss = |run: &Training<f64>| {
        run.curve
            .get(epoch - 1)
            .map_or(f64::NAN, |point| point.loss)
    };
    let losses: Vec<f64> = runs.iter().map(loss).collect();
    Row::note_over_seeds(format!("loss of epoch {epoch}"), "", &losses, 4)
}

fn accuracy_row(runs: &[Training<f64>], epoch: usize) -> Row {
    let accuracy = |run: &Training<f64>| run.after(epoch).copied().unwrap_or(f64::NAN);
    let accuracies: Vec<f64> = runs.iter().map(accuracy).collect();
    let quantity = format!("test accuracy after epoch {epoch} (%)");
    Row::note_over_seeds(quantity, "", &accuracies, 2)
}

fn commands(runs: Vec<Training<f64>>) -> impl Iterator<Item = Command> {
    runs.into_iter().map(|run| run.command)
}

fn loss_figure(title: &str, runs: &[Training<f64>]) -> Figure {
    let named =
        |(seed, run): (usize, &Training<f64>)| Series::new(format!("seed {seed}"), run.losses());
    Figure::over_epochs(title, "loss", runs.iter().enumerate().map(named).collect())
}

/// Compares ∂L/∂a ⊙ σ′(z), where σ′ = a(1 − a), with a − y.
fn softmax_error() -> Result<String> {
    let z = [1.0, 2.0, 0.5_f64];
    let y = [0.0, 0.0, 1.0];
    let mut a = z;
    Activation::Softmax.apply(&mut a, 3);
    let mut error = [0.0; 3];
    Loss::CrossEntropy.of_row(Activation::Softmax, &z, &a, &y, &mut error);
    let printed: Vec<f64> = a
        .iter()
        .zip(y)
        .map(|(a, y)| 0.0 - y / a * a * (1.0 - a))
        .collect();
    Ok(format!(
        "z = {z:?}, y = {y:?}: printed {printed:.3?}, a - y {error:.3?}; only the true class agrees"
    ))
}
