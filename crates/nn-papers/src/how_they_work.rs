//! *How Neural Networks Work* (author not named): a worked example that contradicts
//! its own formulas.
//!
//! ```text
//! y2 = y1 w1 − b1    y3 = σ(y2 w2 − b2)    C = (y3 − 0)²            (1.1) to (1.4)
//! ∂C/∂w2 = 2 y3 σ′ y2    ∂C/∂b2 = −2 y3 σ′
//! ∂C/∂w1 = 2 y3 σ′ w2 y1    ∂C/∂b1 = −2 y3 σ′ w2                    (3.1) to (3.4)
//! ```

use nn_core::batches::{Inputs, Samples, Targets};
use nn_core::{Activation, LayerConfig, Loss, Network, NetworkConfig};
use nn_tensor::Threads;
use nn_train::Result;

use crate::claim::{Claim, Erratum, Evidence};
use crate::context::Context;
use crate::gradient::{Batch, largest_gradient_error};
use crate::outcome::{Outcome, Row};
use crate::training::MeasuredEpochs;

pub(crate) const TITLE: &str = "How Neural Networks Work (author not named)";

pub(crate) const CLAIMS: &[Claim] = &[
    Claim {
        id: "H1",
        title: "the worked example of three neurons",
        statement: "y1 = 0.6, w1 = 0.2, b1 = 0.8, w2 = 0.4, b2 = 0.9 give y2 = -0.68, y3 = 0.65, \
               C = 0.425; a step gives w1' = 0.237, b1' = 0.738, w2' = 0.437, b2' = 0.745, C' = 0.38.",
        quick_form: "",
        needs_mnist: false,
        version: 1,
        run: worked_example,
    },
    Claim {
        id: "H2",
        title: "sum of squares, and tanh from the logistic function",
        statement: "The MSE loss of several outputs is the sum of the squared errors; tanh is 2/(1 + e^(-2x)) - 1.",
        quick_form: "",
        needs_mnist: false,
        version: 1,
        run: formulas,
    },
    Claim {
        id: "H3",
        title: "the definition of an epoch",
        statement: "\"Every round that gradient descent is performed on a batch is called an epoch.\"",
        quick_form: "",
        needs_mnist: false,
        version: 1,
        run: epochs,
    },
];

pub(crate) const ERRATA: &[Erratum] = &[
    Erratum {
        place: "worked example, y3 and C",
        printed: "y3 = 0.65, C = 0.425",
        correct: "y3 = 0.2365, C = 0.0559 by (1.3) and (1.4); the printed values add b2 instead of subtracting it",
        evidence: Evidence::Claim("H1"),
    },
    Erratum {
        place: "worked example, gradient",
        printed: "(0.037, -0.061, -0.10, -0.15)",
        correct: "with 2 y3 = 1.30 in place of 0.68, the absolute value of y2: (0.071, -0.118, -0.201, 0.296) with b2 added",
        evidence: Evidence::Claim("H1"),
    },
    Erratum {
        place: "worked example, step",
        printed: "w1' = 0.237, b1' = 0.738, b2' = 0.745, by p' = p - n grad C",
        correct: "the gradient was added: p' = p + grad C",
        evidence: Evidence::Claim("H1"),
    },
    Erratum {
        place: "worked example, w2'",
        printed: "w2' = 0.437",
        correct: "0.4 plus the step of w2, not the step of w1",
        evidence: Evidence::Claim("H1"),
    },
    Erratum {
        place: "equation (2.21)",
        printed: "1/(1 - e^(-((n w1 - b1) w2 - b2)))",
        correct: "1/(1 + e^(-(...))), the sigmoid of (2.11)",
        evidence: Evidence::Check(sign_in_2_21),
    },
    Erratum {
        place: "last paragraph",
        printed: "Every round that gradient descent is performed on a batch is called an epoch",
        correct: "a round on a batch is a step; an epoch is one pass over all samples",
        evidence: Evidence::Claim("H3"),
    },
    Erratum {
        place: "MLP Model",
        printed: "a 3D grid of pixels; The EMNIST dataset has 70,000 images of hand drawn numbers",
        correct: "a grid of rows and columns; the data set with 60 000 + 10 000 images is MNIST",
        evidence: Evidence::Claim("H3"),
    },
];

const Y1: f64 = 0.6;

/// w1, b1, w2, b2
const START: [f64; 4] = [0.2, 0.8, 0.4, 0.9];

/// The sign of b2 in the last layer.
#[derive(Clone, Copy, PartialEq)]
enum LastBias {
    /// z = y w − b, as in the paper's formula.
    Subtracted,
    /// z = y w + b, as in the paper's calculation.
    Added,
}

impl LastBias {
    /// The factor from b2 to the bias of nn-core, which is added.
    fn sign(self) -> f64 {
        match self {
            Self::Subtracted => -1.0,
            Self::Added => 1.0,
        }
    }
}

/// The worked example, computed by nn-core.
struct Example {
    y2: f64,
    y3: f64,
    cost: f64,
    /// The gradient with respect to w1, b1, w2, b2.
    gradient: [f64; 4],
    /// The largest relative error of the gradient against finite differences.
    error: f64,
}

fn example(parameters: [f64; 4], last_bias: LastBias) -> Result<Example> {
    let [w1, b1, w2, b2] = parameters;
    let sign = last_bias.sign();
    let layers = vec![
        LayerConfig::new(1, Activation::Identity),
        LayerConfig::new(1, Activation::Sigmoid),
    ];
    let config = NetworkConfig {
        n_inputs: 1,
        layers,
    };
    let mut network: Network<f64> = Network::zeros(&config)?;
    network
        .parameters_mut()
        .copy_from_slice(&[w1, -b1, w2, sign * b2]);
    let samples = Samples::new(Inputs::values(&[[Y1]]), Targets::values(&[[0.0]]))?;
    let mut batch = Batch::new(&network, 1);
    batch.read(&samples, 0..1)?;
    let threads = Threads::single();
    let (cost, g) = batch.loss_and_gradient(Loss::SumOfSquares, &mut network, &threads);
    let gradient = [g[0], -g[1], g[2], sign * g[3]];
    Ok(Example {
        y2: batch.cache().layer(0).activations()[0],
        y3: batch.cache().layer(1).activations()[0],
        cost,
        gradient,
        error: largest_gradient_error(&network, &samples, Loss::SumOfSquares)?,
    })
}

fn worked_example(_: &Context<'_>) -> Result<Outcome> {
    let stated = example(START, LastBias::Subtracted)?;
    let added = example(START, LastBias::Added)?;
    let mut rows = vec![
        Row::near("y2", -0.68, stated.y2, 0.005, 4),
        Row::note(
            "y3 by (1.3), b2 subtracted",
            "0.65",
            format!("{:.4}", stated.y3),
        ),
        Row::near("y3 with b2 added", 0.65, added.y3, 0.005, 4),
        Row::note(
            "C by (1.4), b2 subtracted",
            "0.425",
            format!("{:.4}", stated.cost),
        ),
        Row::near("C with b2 added", 0.425, added.cost, 0.0005, 4),
        Row::at_most(
            "relative difference between the gradient and finite differences, b2 subtracted",
            stated.error,
            1e-7,
        ),
        Row::at_most(
            "relative difference between the gradient and finite differences, b2 added",
            added.error,
            1e-7,
        ),
    ];
    rows.extend(gradient_rows(&stated, &added));
    rows.extend(step_rows(&added)?);
    Ok(Outcome::explained(
        rows,
        "The printed y3 and C add b2 in the last layer, although the text says z = y w - b. The \
         printed gradient is 0.68 y3 (1 - y3) times the other factors, truncated: 0.68, the \
         absolute value of y2, was used in place of 2 y3. The step adds the gradient instead of \
         subtracting it, and w2' repeats the step of w1. These four errors give every printed \
         digit.",
    ))
}

/// The gradient by the paper's own formulas, and with 0.68 in place of 2·y3.
fn gradient_rows(stated: &Example, added: &Example) -> Vec<Row> {
    let names = ["dC/dw1", "dC/db1", "dC/dw2", "dC/db2"];
    let printed = ["0.037", "-0.061", "-0.10", "-0.15"];
    let erroneous = erroneous_gradient(added);
    let mut rows = Vec::new();
    for i in 0..4 {
        rows.push(Row::note(
            format!("{} by (3.1) to (3.4)", names[i]),
            printed[i],
            format!("{:.4}", stated.gradient[i]),
        ));
        rows.push(Row::note(
            format!("{} with b2 added", names[i]),
            printed[i],
            format!("{:.4}", added.gradient[i]),
        ));
        rows.push(truncated_row(
            format!("{} with 0.68 for 2 y3", names[i]),
            printed[i],
            erroneous[i],
        ));
    }
    rows
}

/// The gradient with 0.68 y3 (1 − y3) in place of 2 y3 σ′, and b2's sign as in (3.2).
fn erroneous_gradient(added: &Example) -> [f64; 4] {
    let outer = added.y2.abs() * added.y3 * (1.0 - added.y3);
    let w2 = START[2];
    [outer * w2 * Y1, -outer * w2, outer * added.y2, -outer]
}

fn step_rows(added: &Example) -> Result<Vec<Row>> {
    let erroneous = erroneous_gradient(added);
    let [w1, b1, w2, b2] = START;
    let printed = [0.237, 0.738, 0.437, 0.745];
    let at_printed = example(printed, LastBias::Added)?;
    let stepped: Vec<f64> = START
        .iter()
        .zip(added.gradient)
        .map(|(p, g)| p - g)
        .collect();
    let by_rule = example(
        [stepped[0], stepped[1], stepped[2], stepped[3]],
        LastBias::Added,
    )?;
    Ok(vec![
        truncated_row(
            "w1' = w1 + gradient with 0.68 for 2 y3",
            "0.237",
            w1 + erroneous[0],
        ),
        truncated_row(
            "b1' = b1 + gradient with 0.68 for 2 y3",
            "0.738",
            b1 + erroneous[1],
        ),
        Row::note(
            "w2' = w2 + gradient with 0.68 for 2 y3",
            "0.437",
            format!("{:.4}", w2 + erroneous[2]),
        ),
        truncated_row("w2' = w2 + the step of w1", "0.437", w2 + erroneous[0]),
        truncated_row(
            "b2' = b2 + gradient with 0.68 for 2 y3",
            "0.745",
            b2 + erroneous[3],
        ),
        Row::near(
            "C' at the printed parameters, b2 added",
            0.38,
            at_printed.cost,
            0.005,
            4,
        ),
        Row::holds(
            "C' after the correct step p' = p - grad C, b2 added, is even lower",
            "",
            format!("{:.4}", by_rule.cost),
            by_rule.cost < at_printed.cost,
        ),
    ])
}

/// A row that holds if our number, truncated to the printed digits, is the printed one.
fn truncated_row(quantity: impl Into<String>, printed: &str, ours: f64) -> Row {
    let digits = printed.split('.').nth(1).map_or(0, str::len);
    let factor = 10_f64.powi(digits as i32);
    // Tolerates rounding: a number just below a printed digit counts as that digit.
    let truncated = format!(
        "{:.digits$}",
        (ours * factor + 1e-9 * ours.signum()).trunc() / factor
    );
    let is_equal = truncated == printed;
    Row::holds(quantity, printed, format!("{ours:.5}"), is_equal)
        .with_expected("equal after truncation")
}

fn formulas(_: &Context<'_>) -> Result<Outcome> {
    let (a, y) = ([0.2, 0.9, 0.4], [0.0, 1.0, 0.5]);
    let mut error = [0.0_f64; 3];
    let sum = Loss::SumOfSquares.of_row(Activation::Identity, &a, &a, &y, &mut error);
    let mean = Loss::Mse.of_row(Activation::Identity, &a, &a, &y, &mut error);
    let by_hand: f64 = a.iter().zip(y).map(|(a, y)| (a - y) * (a - y)).sum();
    let x: Vec<f64> = (-600..=600)
        .map(|hundredth| f64::from(hundredth) / 100.0)
        .collect();
    let mut tanh = x.clone();
    Activation::Tanh.apply(&mut tanh, 1);
    let largest = x
        .iter()
        .zip(&tanh)
        .map(|(x, tanh)| (2.0 / (1.0 + (-2.0 * x).exp()) - 1.0 - tanh).abs())
        .fold(0.0, f64::max);
    let rows = vec![
        Row::at_most(
            "difference between the sum-of-squares loss and a manually computed sum",
            (sum - by_hand).abs(),
            1e-15,
        ),
        Row::at_most(
            "difference between 3·mse and sum-of-squares for 3 outputs",
            (3.0 * mean - sum).abs(),
            1e-15,
        ),
        Row::at_most(
            "difference between 2/(1 + e^(-2x)) - 1 and tanh for x from -6 to 6",
            largest,
            1e-14,
        ),
    ];
    Ok(Outcome::judged(
        rows,
        "The paper's MSE is `--loss sum-of-squares`; `--loss mse` divides by the number of outputs.",
    ))
}

fn epochs(context: &Context<'_>) -> Result<Outcome> {
    let flags = "--limit-train 500 --validation 0 --hidden 16 --optimizer sgd --lr 0.1 --batch-size 100 --epochs 2 --seed 0";
    let training = context.train_and_test(flags, &MeasuredEpochs::End)?;
    let steps: Vec<u64> = training.curve.iter().map(|point| point.step).collect();
    let data = context.data()?;
    let rows = vec![
        Row::holds(
            "number of steps after each pass over 500 samples in batches of 100",
            "1 per \"epoch\"",
            format!("{steps:?}"),
            steps == [5, 10],
        ),
        Row::note(
            "training and test images in the data set",
            "70 000 (EMNIST)",
            format!(
                "{} ({})",
                data.dataset.train.len() + data.dataset.test.len(),
                context.options.data
            ),
        ),
    ];
    Ok(Outcome::explained(
        rows,
        "The paper's epoch is a step: 500 samples in batches of 100 are 5 steps per pass.",
    )
    .with_commands(vec![training.command]))
}

fn sign_in_2_21() -> Result<String> {
    let y3 = example(START, LastBias::Subtracted)?.y3;
    let [w1, b1, w2, b2] = START;
    let x = (Y1 * w1 - b1) * w2 - b2;
    let [plus, minus] = [1.0, -1.0].map(|sign| 1.0 / (1.0 + sign * (-x).exp()));
    Ok(format!(
        "at the paper's parameters, x = {x:.3}: the formula with + gives {plus:.4}, as the network's y3 = {y3:.4}; the formula with - gives {minus:.4}"
    ))
}
