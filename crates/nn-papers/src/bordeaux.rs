//! *Implementing a Neural Network from scratch* (Gebreamlak, Cajas Ordoñez):
//! one sigmoid neuron for "zero or not", then 784-64-10 for ten digits, each
//! at several learning rates.

mod rates;
mod table_two;

use nn_core::{Activation, Loss};

use crate::bordeaux::rates::rate_curves;
use crate::claim::{Claim, Erratum, Evidence};
use crate::context::Context;
use crate::training::{MeasuredEpochs, Training};
use crate::figure::Figure;
use crate::outcome::{Outcome, Row};
use nn_train::Result;

pub(crate) const TITLE: &str =
    "Implementing a Neural Network from scratch (Gebreamlak, Cajas Ordoñez)";

pub(crate) const CLAIMS: &[Claim] = &[
    Claim {
        id: "B1",
        title: "table I: zero against the rest, one sigmoid neuron",
        statement: "Accuracy after 100 and 200 epochs of full-batch gradient descent at five learning rates.",
        quick_form: "100 epochs instead of 200",
        needs_mnist: true,
        version: 1,
        run: table_one,
    },
    Claim {
        id: "B2",
        title: "table II: ten digits, 784-64-10, eleven learning rates",
        statement: "Accuracy after 100 and 290 epochs of full-batch gradient descent; best 90.31 % at rate 0.6.",
        quick_form: "rates 2, 0.6 and 0.1 only, 100 epochs; no other setups",
        needs_mnist: true,
        version: 2,
        run: table_two::table_two,
    },
    Claim {
        id: "B3",
        title: "figures 4 to 9",
        statement: "Loss and accuracy over epochs for several rates; 36 test images, \"only 1 error is detected\".",
        quick_form: "the curves of the quick B1 and B2",
        needs_mnist: true,
        version: 2,
        run: figures,
    },
];

pub(crate) const ERRATA: &[Erratum] = &[
    Erratum {
        place: "table I, rates 1 and 5",
        printed: "899.1",
        correct: "99.1",
        evidence: Evidence::Claim("B1"),
    },
    Erratum {
        place: "III A, on table I",
        printed: "from 1 to 5 the accuracy decreases",
        correct: "it does not, in the table either: 99.21 at both",
        evidence: Evidence::Claim("B1"),
    },
    Erratum {
        place: "gradient descent algorithm, loss",
        printed: "J += -[y log a + (1 - y) log(1 - y)]",
        correct: "log(1 - a)",
        evidence: Evidence::Check(printed_loss),
    },
    Erratum {
        place: "gradient descent algorithm, weights",
        printed: "dW1 += x1",
        correct: "dW1 += x1 dz: without dz the step does not know the answer",
        evidence: Evidence::Check(printed_gradient),
    },
    Erratum {
        place: "figure 4",
        printed: "learning rate 0.001 (caption), 0.01 (text)",
        correct: "not decidable from the text; figure 4 of the report shows both curves",
        evidence: Evidence::Claim("B3"),
    },
    Erratum {
        place: "table II, 9.871",
        printed: "9.871 after 100 and after 290 epochs",
        correct: "no accuracy of a network that learns: the share of zeros in the training set, digits cut off, so \"0\" was always answered",
        evidence: Evidence::Claim("B2"),
    },
    Erratum {
        place: "III B",
        printed: "Fully Convolutional Layers",
        correct: "fully connected layers: 784-64-10 has no convolution",
        evidence: Evidence::Claim("B2"),
    },
    Erratum {
        place: "III B, list of rates",
        printed: "2, 1, 0.5, 0.2, 0.1, 0.01, 0.001, 0.0001",
        correct: "table II has 0.6, 0.4 and 0.3 as well",
        evidence: Evidence::Claim("B2"),
    },
];

/// Rate, and accuracy in percent after 100 and 200 epochs, the misprints
/// mended.
const TABLE_ONE: [(f64, f64, f64); 5] = [
    (0.001, 90.2, 90.2),
    (0.01, 91.35, 95.84),
    (0.1, 98.19, 98.69),
    (1.0, 99.1, 99.21),
    (5.0, 99.1, 99.21),
];

/// In points.
const TABLE_ONE_TOLERANCE: f64 = 0.1;

fn one_neuron(context: &Context<'_>, rate: f64) -> Result<Training<f64>> {
    let epochs = context.full_or_quick(200, 100);
    let flags = format!(
        "--positive-class 0 --hidden \"\" --init zeros --bias-init zeros --loss binary-cross-entropy \
         --optimizer sgd --lr {rate} --batch-size full --epochs {epochs} --validation 0 --seed 0"
    );
    context.train_and_test(&flags, &MeasuredEpochs::Every(5))
}

fn table_one(context: &Context<'_>) -> Result<Outcome> {
    let mut rows = Vec::new();
    let mut commands = Vec::new();
    for (rate, at_100, at_200) in TABLE_ONE {
        let training = one_neuron(context, rate)?;
        for (epoch, printed) in [(100, at_100), (200, at_200)] {
            let Some(&ours) = training.after(epoch) else {
                continue;
            };
            let quantity = format!("rate {rate}: accuracy after {epoch} epochs (%)");
            let row = Row::near(quantity, printed, ours, TABLE_ONE_TOLERANCE, 2);
            rows.push(if epoch == 100 && rate >= 1.0 {
                Row {
                    printed: "899.1, read 99.1".to_owned(),
                    ..row
                }
            } else {
                row
            });
        }
        commands.push(training.command);
    }
    rows.push(Row::note(
        "share of test images that are no zeros (%)",
        "",
        format!("{:.2}", share_of_others(context)?),
    ));
    Ok(Outcome::judged(
        rows,
        "Weights from zero, accuracy on the test set: 90.2 is exactly the accuracy of never saying \
         \"zero\" there.",
    )
    .with_commands(commands))
}

/// Of the test images, those that are not the first class, in percent.
fn share_of_others(context: &Context<'_>) -> Result<f64> {
    let data = context.data()?;
    let test = data.dataset.test.class_counts(10);
    let all: usize = test.iter().sum();
    Ok(100.0 * (1.0 - test[0] as f64 / all as f64))
}

fn figures(context: &Context<'_>) -> Result<Outcome> {
    let mut binary = Vec::new();
    for (rate, ..) in TABLE_ONE {
        binary.push((rate, one_neuron(context, rate)?));
    }
    let digits = table_two::curves(context)?;
    let (images, command) = table_two::images(context)?;
    let wrong = images
        .iter()
        .filter(|image| image.label != image.predicted)
        .count();
    let slow = |rate: f64| {
        let found = binary.iter().find(|(of, _)| *of == rate);
        found.map_or(f64::NAN, |(_, training)| {
            training.curve.last().map_or(f64::NAN, |point| point.loss)
        })
    };
    let rows = vec![
        Row::note(
            "figure 4: last loss at rates 0.001 and 0.01",
            "",
            format!("{:.4}, {:.4}", slow(0.001), slow(0.01)),
        ),
        Row::holds(
            "figures 4, 5: loss of epoch 10 at the rates 0.001, 0.01, 0.1, 1",
            "the larger the faster",
            early_losses(&binary)
                .map(|loss| format!("{loss:.3}"))
                .collect::<Vec<_>>()
                .join(", "),
            is_sorted_by_rate(&binary),
        )
        .with_expected("falling"),
        Row::note(
            "figure 9: mistakes among 36 test images",
            "1",
            wrong.to_string(),
        ),
        Row::holds(
            "figure 9: most of 36 are right",
            "35",
            (36 - wrong).to_string(),
            wrong <= 7,
        )
        .with_expected("at least 29"),
    ];
    let mut figures = vec![
        rate_curves(
            "Figure 4: loss of one neuron, zero against the rest",
            "loss",
            &binary,
            |training| training.losses(),
        ),
        rate_curves(
            "Figure 5: its test accuracy",
            "test accuracy (%)",
            &binary,
            |training| training.measured.clone(),
        ),
        Figure::Network {
            title: "Figure 6: the network of 784-64-10".to_owned(),
            widths: vec![784, 64, 10],
        },
    ];
    figures.extend(digits);
    figures.push(Figure::Images {
        title: "Figure 9: 36 test images, rate 0.6".to_owned(),
        columns: 9,
        height: 28,
        width: 28,
        images,
    });
    let commands = binary
        .into_iter()
        .map(|(_, training)| training.command)
        .chain([command]);
    Ok(Outcome::judged(
        rows,
        "The figures have no numbers. Which 36 images figure 9 shows is not stated; these are the \
         first of the test set, of which at least 29 must be right, as the accuracy suggests.",
    )
    .with_figures(figures)
    .with_commands(commands.collect()))
}

/// Whether, up to rate 1, a larger rate has the lower loss in epoch 10.
fn is_sorted_by_rate(trainings: &[(f64, Training<f64>)]) -> bool {
    let early: Vec<f64> = early_losses(trainings).collect();
    early.windows(2).all(|pair| pair[1] < pair[0])
}

/// Of epoch 10, at the rates up to 1.
fn early_losses(trainings: &[(f64, Training<f64>)]) -> impl Iterator<Item = f64> {
    trainings
        .iter()
        .filter(|(rate, _)| *rate <= 1.0)
        .filter_map(|(_, training)| training.curve.get(9).map(|point| point.loss))
}

/// The printed loss of a wrong and of a right answer to "no zero".
fn printed_loss() -> Result<String> {
    let right_loss = |a: f64, y: f64| {
        let z = (a / (1.0 - a)).ln();
        let mut error = [0.0];
        Loss::BinaryCrossEntropy.of_row(Activation::Sigmoid, &[z], &[a], &[y], &mut error)
    };
    let printed = |a: f64, y: f64| -(y * a.ln() + (1.0 - y) * (1.0 - y).ln());
    Ok(format!(
        "y = 0, a = 0.99: printed {:.3}, right {:.3} (the mistake costs nothing); y = 1, a = 0.99: \
         printed {} (0 times log 0), right {:.3}",
        // Not -0.
        printed(0.99, 0.0).abs(),
        right_loss(0.99, 0.0),
        printed(0.99, 1.0),
        right_loss(0.99, 1.0)
    ))
}

/// dC/dw by differences, by the printed rule, and mended.
fn printed_gradient() -> Result<String> {
    let (x, y, w, h) = (0.7, 1.0, 0.3, 1e-5);
    let loss = |w: f64| {
        let z = w * x;
        let a = 1.0 / (1.0 + (-z).exp());
        let mut error = [0.0];
        Loss::BinaryCrossEntropy.of_row(Activation::Sigmoid, &[z], &[a], &[y], &mut error)
    };
    let numeric = (loss(w + h) - loss(w - h)) / (2.0 * h);
    let dz = 1.0 / (1.0 + (-w * x).exp()) - y;
    Ok(format!(
        "x = {x}, y = {y}, w = {w}: by differences {numeric:.5}, x dz = {:.5}, printed x = {x}",
        x * dz
    ))
}
