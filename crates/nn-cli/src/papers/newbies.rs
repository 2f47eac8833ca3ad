//! *Neural Networks for Newbies* (Orihuela Contreras): the parts of a network,
//! gradient descent on all samples, on one at a time, and in a framework.
//!
//! ```text
//! θ ← θ − α ∇J(θ)                       full batch, 2.4 (5.2.9: ∇J is a sum)
//! θ ← θ − α ∇J(θ; xᵢ, yᵢ)               one sample, 2.5
//! E[∇J(θ; xᵢ, yᵢ)] = (1/N) Σ ∇J(θ; xᵢ, yᵢ)
//! ```

use ndarray::Array2;
use nn_core::batches::{Inputs, Samples, Targets};
use nn_core::network::{Randomness, Trace};
use nn_core::{Activation, Gradients, LayerConfig, Loss, Network, NetworkConfig};
use nn_tensor::Threads;
use serde::Deserialize;

use crate::datasets::PIXEL_SCALE;
use crate::failure::Result;
use crate::papers::claim::{Claim, Erratum, Outcome, Row, Shown, short};
use crate::papers::context::{Context, Training, When};
use crate::papers::figure::{Figure, Series};

pub(crate) const TITLE: &str = "Neural Networks for Newbies (Orihuela Contreras)";

pub(crate) const CLAIMS: &[Claim] = &[
    Claim {
        id: "N1",
        title: "the parts of a network",
        says: "Activations, cost functions, optimisers, initialisers and penalties of sections 2, 4 and 5.",
        quick: "",
        needs_mnist: false,
        version: 1,
        run: parts,
    },
    Claim {
        id: "N2",
        title: "the stochastic gradient is unbiased",
        says: "\"The expected value of this estimation is equal to the true gradient\" (2.5).",
        quick: "2 000 samples instead of all",
        needs_mnist: false,
        version: 1,
        run: unbiased,
    },
    Claim {
        id: "N3",
        title: "classic gradient descent, 800 epochs, rate 1e-6",
        says: "Figure 3: a falling loss curve. He, ReLU, softmax and cross-entropy, all samples at once.",
        quick: "100 epochs instead of 800",
        needs_mnist: true,
        version: 1,
        run: classic,
    },
    Claim {
        id: "N4",
        title: "stochastic gradient descent, one sample at a time, rate 0.01",
        says: "Figure 4: a falling loss curve. One epoch (text) or five (table).",
        quick: "1 epoch instead of 5",
        needs_mnist: true,
        version: 1,
        run: stochastic,
    },
    Claim {
        id: "N5",
        title: "the same training in a framework",
        says: "Figure 5: a framework (here PyTorch) gives the curve of figure 4.",
        quick: "1 epoch instead of 5",
        needs_mnist: true,
        version: 2,
        run: framework,
    },
];

pub(crate) const ERRATA: &[Erratum] = &[
    Erratum {
        place: "5.4, table",
        printed: "input dimension (10^6, 784)",
        correct: "(60 000, 784): MNIST has no more training images",
        shown: Shown::By("N3"),
    },
    Erratum {
        place: "5.2.9, batch gradient descent",
        printed: "a sum over all samples, while 2.5 and common usage take the mean",
        correct: "both; a rate of 1e-6 on the sum of 60 000 is 0.06 on the mean",
        shown: Shown::By("N3"),
    },
    Erratum {
        place: "5.5.1 against the table below it",
        printed: "number of epochs: set to 1; number of epochs 5",
        correct: "5, since figure 4 is a curve over epochs",
        shown: Shown::By("N4"),
    },
    Erratum {
        place: "4.5, error of the output layer",
        printed: "delta = dL/da (*) sigma'(z), element by element",
        correct: "for softmax every output depends on every z: delta = a - y, as in 4.3 and 5.2.6",
        shown: Shown::Check(softmax_error),
    },
];

/// The hidden layer, which the paper does not state.
const HIDDEN: &str = "--hidden 64 --activation relu --init he --bias-init zeros";

/// What PyTorch gave for N5, made by `scripts/newbies_pytorch.py`.
const PYTORCH: &str = include_str!("newbies/pytorch.json");

/// The paper's word for a part, and the flags that choose it.
const PARTS: [(&str, &str); 27] = [
    ("Xavier initialisation", "--init xavier"),
    ("He initialisation", "--init he"),
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
    let mut rows = Vec::new();
    for (name, flags) in PARTS {
        let hidden = if flags.contains("--hidden") {
            ""
        } else {
            "--hidden 16 "
        };
        let flags = format!("{hidden}--limit-train 500 --epochs 2 {flags} --seed 0");
        let training = context.train_and_test(&flags, &When::End)?;
        let losses = training.losses();
        let falls = losses.len() == 2 && losses[1].1 < losses[0].1;
        rows.push(Row::holds(
            name,
            "",
            format!("loss {:.3} to {:.3}", losses[0].1, losses[1].1),
            falls,
        ));
        if let Some(row) = rows.last_mut() {
            row.expected = "falls".to_owned();
        }
    }
    rows.push(pixel_row(context)?);
    Ok(Outcome::judged(
        rows,
        "Each part is chosen by its name in a training of two epochs on 500 samples, whose loss must \
         fall from the first to the second.",
    ))
}

/// Pixels divided by 255, labels one-hot.
fn pixel_row(context: &Context<'_>) -> Result<Row> {
    let data = context.data()?;
    let parts = data.parts()?;
    let mut inputs = vec![0.0; parts.train.n_inputs()];
    parts.train.copy_inputs(0, &mut inputs);
    let largest = inputs.iter().copied().fold(0.0, f32::max);
    let mut target = [0.0_f32; 10];
    parts.train.copy_target(0, 0.0, &mut target);
    let ones = target.iter().filter(|&&y| y == 1.0).count();
    let zeros = target.iter().filter(|&&y| y == 0.0).count();
    Ok(Row::holds(
        "pixels / 255, one-hot labels",
        "",
        format!("largest input {largest}, {ones} one and {zeros} zeros"),
        largest <= 1.0 && (ones, zeros) == (1, 9),
    ))
}

fn unbiased(context: &Context<'_>) -> Result<Outcome> {
    /// Rows of a block of the full gradient.
    const BLOCK: usize = 1000;
    let data = context.data()?;
    let (nn_data::Inputs::Pixels(pixels), nn_data::Targets::Classes(labels)) =
        (&data.dataset.train.inputs, &data.dataset.train.targets)
    else {
        unreachable!("both data sets are images of ten classes")
    };
    let samples: Samples<'_, f64> = Samples::new(
        Inputs::Bytes {
            values: pixels.view(),
            scale: PIXEL_SCALE,
        },
        Targets::Classes {
            labels,
            n_classes: 10,
        },
    )?;
    let all = samples.len();
    let n = context.pick(all, all.min(2000)) / BLOCK * BLOCK;
    let layers = vec![
        LayerConfig::new(16, Activation::Relu),
        LayerConfig::new(10, Activation::Softmax),
    ];
    let network: Network<f64> = Network::new(
        &NetworkConfig {
            n_inputs: samples.n_inputs(),
            layers,
        },
        0,
    )?;
    let [mut mean, mut full] = [1, BLOCK].map(|rows| MeanGradient::new(&network, rows));
    for row in 0..n {
        mean.add(&samples, row..row + 1);
    }
    context.check_interrupt()?;
    for start in (0..n).step_by(BLOCK) {
        full.add(&samples, start..start + BLOCK);
    }
    let pairs = mean.sum.iter().zip(&full.sum);
    let (n, blocks) = (n as f64, (n / BLOCK) as f64);
    let largest = pairs
        .map(|(sample, block)| (sample / n - block / blocks).abs())
        .fold(0.0, f64::max);
    let size = full
        .sum
        .iter()
        .map(|g| (g / blocks).abs())
        .fold(0.0, f64::max);
    let rows = vec![
        Row::at_most("largest difference over all parameters", largest, 1e-10),
        Row::note("largest part of the gradient", "", short(size)),
        Row::note("samples", "", format!("{n}")),
    ];
    Ok(Outcome::judged(
        rows,
        "The mean of the gradients of single samples against the gradient of all, taken in blocks \
         of 1000 rows; 784-16-10, ReLU, softmax, cross-entropy, f64, seed 0.",
    ))
}

/// Adds up the gradients of batches of equal size.
struct MeanGradient {
    network: Network<f64>,
    trace: Trace<f64>,
    gradients: Gradients<f64>,
    inputs: Array2<f64>,
    targets: Array2<f64>,
    sum: Vec<f64>,
}

impl MeanGradient {
    fn new(network: &Network<f64>, rows: usize) -> Self {
        Self {
            trace: Trace::new(network, rows),
            gradients: Gradients::new(network, rows),
            inputs: Array2::zeros((rows, network.n_inputs())),
            targets: Array2::zeros((rows, network.n_outputs())),
            sum: vec![0.0; network.parameters().len()],
            network: network.clone(),
        }
    }

    fn add(&mut self, samples: &Samples<'_, f64>, rows: std::ops::Range<usize>) {
        for (row, position) in rows.enumerate() {
            let mut inputs = self.inputs.row_mut(row);
            samples.copy_inputs(
                position,
                inputs.as_slice_mut().expect("a row of a fresh matrix"),
            );
            let mut targets = self.targets.row_mut(row);
            samples.copy_target(
                position,
                0.0,
                targets.as_slice_mut().expect("a row of a fresh matrix"),
            );
        }
        let threads = Threads::single();
        let Self {
            network,
            trace,
            gradients,
            inputs,
            targets,
            sum,
        } = self;
        network.forward_in_training(inputs.view(), trace, Randomness::new(0, 0), &threads);
        gradients.loss_of_batch(Loss::CrossEntropy, network, targets.view(), trace);
        gradients.values_mut().fill(0.0);
        gradients.backward(network, inputs.view(), trace, &threads);
        sum.iter_mut()
            .zip(gradients.values())
            .for_each(|(sum, g)| *sum += g);
    }
}

fn classic(context: &Context<'_>) -> Result<Outcome> {
    let epochs = context.pick(800, 100);
    let flags = |epochs: usize, step: &str| {
        format!(
            "{HIDDEN} --loss cross-entropy --optimizer sgd {step} --batch-size full --epochs {epochs} --validation 0 --seed 0"
        )
    };
    let training =
        context.train_and_test(&flags(epochs, "--reduction sum --lr 0.000001"), &When::End)?;
    let n = context.plan(&flags(1, "--lr 1"))?.1.parts()?.train.len();
    let mean_rate = 1e-6 * n as f64;
    let mean = context.train_and_test(&flags(5, &format!("--lr {mean_rate}")), &When::End)?;
    let losses = training.losses();
    let difference = losses
        .iter()
        .zip(mean.losses())
        .map(|((_, sum), (_, mean))| ((sum - mean) / mean).abs())
        .fold(0.0, f64::max);
    let rows = vec![
        falling_row(&training),
        Row::note("loss of the first epoch", "", format!("{:.4}", losses[0].1)),
        Row::note(
            format!("loss of epoch {epochs}"),
            "",
            format!("{:.4}", losses[epochs - 1].1),
        ),
        accuracy_row(&training),
        Row::note("rows of the training set", "10^6", format!("{n}")),
        Row::at_most(
            format!(
                "5 epochs with rate {mean_rate} on the mean: largest relative difference of the loss"
            ),
            difference,
            1e-4,
        ),
    ];
    Ok(Outcome::judged(
        rows,
        "The paper states no hidden layer; 64 neurons here. Its update sums over the samples, so it \
         is run with --reduction sum. Its figure has no numbers: judged is that the loss falls in \
         every epoch.",
    )
    .with_figures(vec![loss_figure("Figure 3: classic gradient descent", &[("loss", &training)])])
    .with_commands(vec![training.command, mean.command]))
}

fn stochastic(context: &Context<'_>) -> Result<Outcome> {
    let training = train_stochastic(context)?;
    let mut rows: Vec<Row> = training
        .losses()
        .iter()
        .map(|(epoch, loss)| Row::note(format!("loss of epoch {epoch}"), "", format!("{loss:.4}")))
        .collect();
    rows.push(falling_row(&training));
    rows.extend(training.measured.iter().map(|(epoch, accuracy)| {
        Row::note(
            format!("test accuracy after epoch {epoch} (%)"),
            "",
            format!("{accuracy:.2}"),
        )
    }));
    Ok(Outcome::judged(
        rows,
        "The paper's figure has no numbers: judged is that the loss falls in every epoch. Hidden \
         layer of 64 neurons, as in N3.",
    )
    .with_figures(vec![loss_figure(
        "Figure 4: one sample at a time",
        &[("loss", &training)],
    )])
    .with_commands(vec![training.command]))
}

fn train_stochastic(context: &Context<'_>) -> Result<Training<f64>> {
    let epochs = context.pick(5, 1);
    let flags = format!(
        "{HIDDEN} --loss cross-entropy --optimizer sgd --lr 0.01 --batch-size 1 --epochs {epochs} --validation 0 --seed 0"
    );
    context.train_and_test(&flags, &When::Every(1))
}

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

fn framework(context: &Context<'_>) -> Result<Outcome> {
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

fn falling_row(training: &Training<f64>) -> Row {
    let losses = training.losses();
    let rises = losses
        .windows(2)
        .filter(|pair| pair[1].1 >= pair[0].1)
        .count();
    Row::holds(
        "epochs in which the loss does not fall",
        "0",
        format!("{rises}"),
        rises == 0,
    )
}

fn accuracy_row(training: &Training<f64>) -> Row {
    let accuracy = training.last().copied().unwrap_or(f64::NAN);
    Row::note("test accuracy at the end (%)", "", format!("{accuracy:.2}"))
}

fn loss_figure(title: &str, trainings: &[(&str, &Training<f64>)]) -> Figure {
    Figure::Lines {
        title: title.to_owned(),
        x: "epoch".to_owned(),
        y: "loss".to_owned(),
        series: trainings
            .iter()
            .map(|(name, training)| Series::new(*name, training.losses()))
            .collect(),
    }
}

/// ∂L/∂a ⊙ σ′(z) with the softmax's own slope a(1 − a), against a − y.
fn softmax_error() -> Result<String> {
    let z = [1.0, 2.0, 0.5_f64];
    let y = [0.0, 0.0, 1.0];
    let mut a = z;
    Activation::Softmax.apply(&mut a, 3);
    let mut right = [0.0; 3];
    Loss::CrossEntropy.of_row(Activation::Softmax, &z, &a, &y, &mut right);
    let printed: Vec<f64> = a
        .iter()
        .zip(y)
        .map(|(a, y)| -y / a * a * (1.0 - a))
        .collect();
    Ok(format!(
        "z = {z:?}, y = {y:?}: printed {printed:.3?}, a - y {right:.3?}; only the right class agrees"
    ))
}
