//! *Exploring Neural Networks through a Mathematical Approach* (Gultekin):
//! 784-10-10 on Kaggle's 42 000 digits, 1000 of them held out.
//!
//! The author's published code differs from the text: it draws weights and biases
//! from -0.5..0.5 instead of 0..1, divides the gradient of 41 000 samples by 42 000,
//! and sums the gradient of a layer's biases to a single number.

mod variants;
mod csv_form;
mod summed_bias;

use nn_core::{Activation, LayerConfig, Loss, Network, NetworkConfig};
use nn_train::{Result, grouped};
use serde::{Deserialize, Serialize};

use crate::claim::{Claim, Erratum, Evidence};
use crate::context::Context;
use crate::figure::{Figure, Image, Series, n_correct};
use crate::gultekin::variants::{VARIANTS, Variant, flags};
use crate::interval::Expected;
use crate::outcome::{Command, Outcome, Row};
use crate::training::{MeasuredEpochs, Training};

pub(crate) const TITLE: &str =
    "Exploring Neural Networks through a Mathematical Approach (Gultekin)";

pub(crate) const CLAIMS: &[Claim] = &[
    Claim {
        id: "G1",
        title: "about 85 % after 500 iterations, about 87 % after 1000",
        statement: "\"Upon 500 iterations of gradient descent, the neural network reached approximately 85% \
               (plus or minus 2%) accuracy ... 1000 ... around 87% (plus or minus 1%).\"",
        quick_form: "3 seeds and 500 iterations instead of 5 seeds and 1000 iterations; no summed bias gradients",
        needs_mnist: true,
        version: 3,
        run: iterations,
    },
    Claim {
        id: "G2",
        title: "predictions for eleven test images",
        statement: "Actual 1 6 5 2 7 8 4 2 3 5 7, predicted 1 6 5 2 7 8 9 8 6 7 9: 6 of 11 correct.",
        quick_form: "3 seeds and 500 iterations instead of 5 and 1000",
        needs_mnist: true,
        version: 3,
        run: eleven_images,
    },
    Claim {
        id: "G3",
        title: "Kaggle's CSV format",
        statement: "The format label,pixel0,...,pixel783 is read, with and without labels; predictions are written as ImageId,Label.",
        quick_form: "",
        needs_mnist: false,
        version: 1,
        run: csv_form::csv_form,
    },
];

pub(crate) const ERRATA: &[Erratum] = &[
    Erratum {
        place: "forward propagation, note",
        printed: "the weights and biases are initialized to random numbers between 0 - 1",
        correct: "-0.5 to 0.5, as in the author's code; with 0 to 1, the network does not learn",
        evidence: Evidence::Claim("G1"),
    },
    Erratum {
        place: "forward propagation",
        printed: "b^1 = Biases for the first layer (10 x m matrix)",
        correct: "10 x 1, the same column for every image: a layer learns 10 biases",
        evidence: Evidence::Check(bias_shape),
    },
    Erratum {
        place: "backward propagation",
        printed: "db^2 = 1/m sum dZ^2",
        correct: "one sum per neuron, not one per layer as in the author's code: with softmax and one-hot labels, the sum over all neurons is 0, so b^2 never changes",
        evidence: Evidence::Check(summed_bias),
    },
    Erratum {
        place: "introduction",
        printed: "a collection of nearly 42,000 28 by 28-pixel images",
        correct: "MNIST has 70 000 images; Kaggle's train.csv has 42 000",
        evidence: Evidence::Claim("G1"),
    },
    Erratum {
        place: "results, table",
        printed: "6 of 11 correct, with an accuracy of 85 %",
        correct: "the printed row has more errors than are likely at this accuracy",
        evidence: Evidence::Check(row_probability),
    },
];

/// The measurements of a network.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Measured {
    train_accuracy: f64,
    test_accuracy: f64,
    /// The first eleven test images.
    images: Vec<Image>,
}

fn train(context: &Context<'_>, variant: &Variant, seed: u64) -> Result<Training<Measured>> {
    let at = iterations_of(context);
    let last = at.iter().copied().max().unwrap_or(1);
    let when = MeasuredEpochs::At(at.to_vec());
    let flags = flags(context, variant, last, seed);
    context.train(&flags, &when, "accuracies and eleven images", |snapshot| {
        Ok(Measured {
            train_accuracy: snapshot.train_accuracy()?,
            test_accuracy: snapshot.test_accuracy()?,
            images: snapshot.first_test_images(11)?,
        })
    })
}

fn iterations_of(context: &Context<'_>) -> &'static [usize] {
    context.full_or_quick(&[500, 1000], &[500])
}

/// The training runs of a variant, one per seed.
fn train_seeds(context: &Context<'_>, variant: &Variant) -> Result<Vec<Training<Measured>>> {
    context.per_seed(|seed| train(context, variant, seed))
}

fn iterations(context: &Context<'_>) -> Result<Outcome> {
    let at = iterations_of(context);
    let mut rows = Vec::new();
    let mut commands: Vec<Command> = Vec::new();
    let mut series = Vec::new();
    for (index, variant) in VARIANTS.iter().enumerate() {
        let runs = train_seeds(context, variant)?;
        let accuracies: Vec<Vec<f64>> = runs.iter().map(train_accuracies).collect();
        rows.extend(accuracy_rows(variant.name, at, &accuracies, index == 1));
        series.push(Series::new(variant.name, runs[0].train_accuracies()));
        commands.extend(runs.into_iter().map(|run| run.command));
    }
    if !context.options.is_quick {
        let accuracies = context.per_seed(|seed| summed_bias::train(context, at, seed))?;
        rows.extend(accuracy_rows(
            "code, with summed bias gradients",
            at,
            &accuracies,
            true,
        ));
    }
    let data = context.data()?;
    let n = data.dataset.train.len() + data.dataset.test.len();
    rows.push(Row::note(
        "images in the data set",
        "nearly 42 000",
        grouped(n),
    ));
    Ok(Outcome::judged(
        rows,
        "Accuracy on the 41 000 training samples, as the author's code prints it. With weights from \
         0..1, the weighted sum of every hidden neuron starts near 50, and the text's setup does not \
         learn. With weights from -0.5..0.5, as in the code, the network learns as printed. In place \
         of Kaggle's train.csv, this run uses 42 000 samples of MNIST's training set.",
    )
    .with_figures(vec![Figure::Lines {
        title: "Gradient descent, seed 0".to_owned(),
        x: "iteration".to_owned(),
        y: "training accuracy (%)".to_owned(),
        series,
    }])
    .with_commands(commands))
}

/// The training accuracies in percent after the measured iterations.
fn train_accuracies(run: &Training<Measured>) -> Vec<f64> {
    let measured = run.measured.iter();
    measured
        .map(|(_, measured)| measured.train_accuracy)
        .collect()
}

/// One row per measured iteration; `accuracies` has one list per seed. The rows are
/// judged if `is_judged`.
fn accuracy_rows(name: &str, at: &[usize], accuracies: &[Vec<f64>], is_judged: bool) -> Vec<Row> {
    let row = |(index, &iterations): (usize, &usize)| {
        let values: Vec<f64> = accuracies.iter().map(|seed| seed[index]).collect();
        let (printed, tolerance) = match iterations {
            500 => (85.0, 2.0),
            _ => (87.0, 1.0),
        };
        let quantity = format!("{name}: accuracy after {iterations} iterations (%)");
        let text = format!("{printed} ± {tolerance}");
        match is_judged {
            true => {
                let expected = Expected::Near { printed, tolerance };
                Row::over_seeds(quantity, text, &values, expected, 2)
            }
            false => Row::note_over_seeds(quantity, text, &values, 2),
        }
    };
    at.iter().enumerate().map(row).collect()
}

fn eleven_images(context: &Context<'_>) -> Result<Outcome> {
    let runs = train_seeds(context, &VARIANTS[1])?;
    let last: Vec<&Measured> = runs.iter().filter_map(Training::last).collect();
    let images = last
        .first()
        .map(|measured| measured.images.clone())
        .unwrap_or_default();
    let row = |of: fn(&Image) -> u32| {
        let digits: Vec<_> = images.iter().map(|image| of(image).to_string()).collect();
        digits.join(" ")
    };
    let correct: Vec<f64> = last
        .iter()
        .map(|measured| n_correct(&measured.images) as f64)
        .collect();
    let accuracies: Vec<f64> = last.iter().map(|measured| measured.test_accuracy).collect();
    let rows = vec![
        Row::note("actual", "1 6 5 2 7 8 4 2 3 5 7", row(|image| image.label)),
        Row::note(
            "predicted, seed 0",
            "1 6 5 2 7 8 9 8 6 7 9",
            row(|image| image.predicted),
        ),
        Row::over_seeds(
            "correct predictions among eleven test images",
            "6",
            &correct,
            Expected::AtLeast(6.0),
            1,
        ),
        Row::note_over_seeds("test accuracy (%)", "", &accuracies, 2),
    ];
    Ok(Outcome::judged(
        rows,
        "The first eleven test images. The paper does not state which images it shows, so this row \
         cannot be reproduced; the claim holds if at least as many predictions are correct.",
    )
    .with_figures(vec![Figure::digits(
        "Eleven test images with their predicted digits, seed 0",
        11,
        images,
    )])
    .with_commands(runs.into_iter().map(|run| run.command).collect()))
}

/// Counts the biases of a layer: one per neuron, for any number of images.
fn bias_shape() -> Result<String> {
    let layers = vec![LayerConfig::new(10, Activation::Relu)];
    let config = NetworkConfig {
        n_inputs: 784,
        layers,
    };
    let network: Network = Network::zeros(&config)?;
    Ok(format!(
        "a layer of 10 neurons has {} biases, for any number of images",
        network.bias(0).len()
    ))
}

/// Sums a − y over the classes.
fn summed_bias() -> Result<String> {
    let z = [0.3, -1.2, 2.0, 0.1_f64];
    let y = [0.0, 1.0, 0.0, 0.0];
    let mut a = z;
    Activation::Softmax.apply(&mut a, z.len());
    let mut error = [0.0; 4];
    Loss::CrossEntropy.of_row(Activation::Softmax, &z, &a, &y, &mut error);
    let sum: f64 = error.iter().sum();
    Ok(format!(
        "z = {z:?}, y = {y:?}: dZ = {error:.3?}, sum {:.1e}",
        sum.abs()
    ))
}

/// The binomial probability of at most 6 correct predictions of 11 at 85 %.
fn row_probability() -> Result<String> {
    let p = 0.85_f64;
    let choose = |k: i32| {
        (0..k).fold(1.0, |product, i| {
            product * f64::from(11 - i) / f64::from(i + 1)
        })
    };
    let sum: f64 = (0..=6)
        .map(|k| choose(k) * p.powi(k) * (1.0 - p).powi(11 - k))
        .sum();
    Ok(format!(
        "at 85 % accuracy, the probability of at most 6 correct predictions for 11 random images is {:.1} %",
        100.0 * sum
    ))
}
