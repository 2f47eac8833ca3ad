//! Table II: ten digits at eleven learning rates, and the search for the
//! setup that gives its numbers.
//!
//! Not stated in the paper: the initial weights, and how an answer becomes a
//! digit. The printed 9.871 is the share of zeros in the training set, so that
//! a network that has learned nothing answers "0" there. Small random weights
//! soon answer "1", the most frequent digit, if the largest output wins; they
//! answer "0" if an output must exceed 0.5 before it counts and the first that
//! does wins (`argmax` of a row of falses is 0). Both rules are measured.

use nn_core::Samples;
use serde::{Deserialize, Serialize};

use crate::bordeaux::rates::rate_curves;
use crate::context::Context;
use crate::snapshot::Snapshot;
use crate::training::{MeasuredEpochs, Training};
use crate::figure::{Figure, Image};
use crate::outcome::{Command, Outcome, Row};
use nn_train::Result;

/// Rate, and accuracy in percent after 100 and 290 epochs, as printed.
const PRINTED: [(f64, f64, f64); 11] = [
    (2.0, 9.871, 19.255),
    (1.0, 59.733, 89.185),
    (0.6, 83.968, 90.31),
    (0.5, 83.501, 89.565),
    (0.4, 80.71, 88.696),
    (0.3, 74.578, 87.0),
    (0.2, 57.988, 84.666),
    (0.1, 18.726, 73.186),
    (0.01, 9.871, 9.871),
    (0.001, 9.871, 9.871),
    (0.0001, 9.871, 9.871),
];

/// The rate that the paper found best.
const BEST_RATE: f64 = 0.6;

/// In points.
const TOLERANCE: f64 = 3.0;

/// Rates at which the other setups are tried.
const TRIED_RATES: [f64; 4] = [2.0, 1.0, 0.6, 0.1];

/// How ten outputs become a digit.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    /// The largest output wins.
    Largest,
    /// The first output above 0.5 wins; "0" if there is none.
    AboveHalf,
}

/// A setup that the paper does not exclude.
struct Setup {
    name: &'static str,
    flags: &'static str,
    /// Factor on the gradient, and so on the printed rate.
    scale: f64,
    rule: Rule,
}

/// The setup whose numbers come nearest over all rates that
/// `scripts/explore_bordeaux_table.py` tries.
const CHOSEN: Setup = Setup {
    name: "softmax, weights 0..0.01, gradient times 3, above 0.5",
    flags: "--loss cross-entropy --init uniform:low=0:high=0.01",
    scale: 3.0,
    rule: Rule::AboveHalf,
};

/// The others that were tried, on part of the images: to see how far they are
/// from the table, that is enough.
const OTHERS: [Setup; 9] = [
    Setup {
        name: "softmax, weights 0.01 N(0, 1), largest output",
        flags: "--limit-train 12000 --loss cross-entropy --init normal:std=0.01",
        scale: 1.0,
        rule: Rule::Largest,
    },
    Setup {
        name: "the same, above 0.5",
        flags: "--limit-train 12000 --loss cross-entropy --init normal:std=0.01",
        scale: 1.0,
        rule: Rule::AboveHalf,
    },
    Setup {
        name: "softmax, weights N(0, 1/n), largest output",
        flags: "--limit-train 12000 --loss cross-entropy --init lecun",
        scale: 1.0,
        rule: Rule::Largest,
    },
    Setup {
        name: "the same, above 0.5",
        flags: "--limit-train 12000 --loss cross-entropy --init lecun",
        scale: 1.0,
        rule: Rule::AboveHalf,
    },
    Setup {
        name: "softmax, weights -0.5..0.5, above 0.5",
        flags: "--limit-train 12000 --loss cross-entropy --init uniform:low=-0.5:high=0.5",
        scale: 1.0,
        rule: Rule::AboveHalf,
    },
    Setup {
        name: "softmax, weights 0..0.01, above 0.5",
        flags: "--limit-train 12000 --loss cross-entropy --init uniform:low=0:high=0.01",
        scale: 1.0,
        rule: Rule::AboveHalf,
    },
    Setup {
        name: "ten sigmoid outputs, weights N(0, 1/n), gradient times 2.5, above 0.5",
        flags: "--limit-train 12000 --loss binary-cross-entropy --init lecun",
        scale: 2.5,
        rule: Rule::AboveHalf,
    },
    Setup {
        name: "ten sigmoid outputs, weights 0.01 N(0, 1), largest output",
        flags: "--limit-train 12000 --loss binary-cross-entropy --init normal:std=0.01",
        scale: 1.0,
        rule: Rule::Largest,
    },
    Setup {
        name: "the same, above 0.5",
        flags: "--limit-train 12000 --loss binary-cross-entropy --init normal:std=0.01",
        scale: 1.0,
        rule: Rule::AboveHalf,
    },
];

/// What is measured of a network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Found {
    /// Training accuracy in percent by the two rules.
    accuracies: [f64; 2],
    /// The first 36 test images, of the trainings that are shown.
    images: Vec<Image>,
}

impl Setup {
    fn train(&self, context: &Context<'_>, rate: f64) -> Result<Training<Found>> {
        let epochs = context.full_or_quick(290, 100);
        // Without the last bits of the product, so that the command can be typed.
        let lr = (self.scale * rate * 1e9).round() / 1e9;
        let flags = format!(
            "--hidden 64 --activation sigmoid {} --optimizer sgd --lr {lr} --batch-size full \
             --epochs {epochs} --validation 0 --seed 0",
            self.flags
        );
        let n_images = if rate == BEST_RATE { 36 } else { 0 };
        let what = format!("training accuracy by two rules, {n_images} images");
        context.train(&flags, &MeasuredEpochs::At(vec![100, 290]), &what, |snapshot| {
            Ok(Found {
                accuracies: training_accuracies(snapshot),
                images: snapshot.test_images(0..n_images),
            })
        })
    }

    fn accuracy(&self, training: &Training<Found>, epoch: usize) -> Option<f64> {
        training
            .after(epoch)
            .map(|found| found.accuracies[self.rule as usize])
    }
}

/// The share of right answers by both rules.
fn training_accuracies(snapshot: &Snapshot<'_, '_>) -> [f64; 2] {
    let samples: &Samples<'_> = &snapshot.splits.train;
    let mut right = [0_usize; 2];
    snapshot.forward(samples, |start, cache| {
        for (row, outputs) in cache.outputs().rows().enumerate() {
            let outputs = outputs.to_vec();
            let answers = [
                snapshot.loss.predicted_class(&outputs),
                outputs.iter().position(|&a| a > 0.5).unwrap_or(0),
            ];
            let label = samples.label(start + row).map(|label| label as usize);
            for (right, answer) in right.iter_mut().zip(answers) {
                *right += usize::from(label == Some(answer));
            }
        }
    });
    right.map(|right| 100.0 * right as f64 / samples.len() as f64)
}

pub(super) fn table_two(context: &Context<'_>) -> Result<Outcome> {
    let chosen = &CHOSEN;
    let mut rows = vec![Row::note(
        "share of zeros in the training set (%)",
        "9.871",
        format!("{:.4}", share_of_zeros(context)?),
    )];
    let mut commands = Vec::new();
    for (rate, at_100, at_290) in rates(context) {
        let training = chosen.train(context, rate)?;
        for (epoch, printed) in [(100, at_100), (290, at_290)] {
            if let Some(ours) = chosen.accuracy(&training, epoch) {
                let quantity = format!("rate {rate}: accuracy after {epoch} epochs (%)");
                rows.push(Row::near(quantity, printed, ours, TOLERANCE, 3));
            }
        }
        commands.push(training.command);
    }
    if !context.options.is_quick {
        let (tried, of_tried) = other_setups(context)?;
        rows.extend(tried);
        commands.extend(of_tried);
    }
    let judged = rows.iter().filter(|row| row.is_within.is_some()).count();
    let far = rows
        .iter()
        .filter(|row| row.is_within == Some(false))
        .count();
    Ok(Outcome::judged(
        rows,
        format!(
            "Set-up: {}. {} of {judged} numbers of the table are within {TOLERANCE} points, {far} \
             are not. The paper states neither the initial weights nor how ten outputs become a \
             digit. Of 192 setups tried on 1000 images by `scripts/explore_bordeaux_table.py` this \
             one came nearest over the rates 2, 1, 0.6 and 0.1: outputs softmax or sigmoid, eight \
             distributions of weights, the gradient times 1, 2, 2.5, 3 and 6, the hidden layer's \
             slope kept or left out, the largest output or the first above 0.5. The paper gives \
             no reason for the factor, which was fitted. The printed 9.871 is the score of a \
             network that answers \"0\" because no output exceeds 0.5.{}",
            chosen.name,
            judged - far,
            context.full_or_quick(
                " The rows below the table are other setups, with their mean distance from it.",
                ""
            )
        ),
    )
    .with_commands(commands))
}

/// The rates of the table; with `--quick` three of them.
fn rates(context: &Context<'_>) -> Vec<(f64, f64, f64)> {
    let is_kept = |rate: f64| !context.options.is_quick || [2.0, 0.6, 0.1].contains(&rate);
    PRINTED
        .into_iter()
        .filter(|(rate, ..)| is_kept(*rate))
        .collect()
}

/// For every other setup, our numbers and their mean distance from the table.
fn other_setups(context: &Context<'_>) -> Result<(Vec<Row>, Vec<Command>)> {
    let mut rows = Vec::new();
    let mut commands: Vec<Command> = Vec::new();
    for setup in &OTHERS {
        let (mut ours, mut printed_text, mut distances) = (Vec::new(), Vec::new(), Vec::new());
        for rate in TRIED_RATES {
            let Some((_, at_100, at_290)) =
                PRINTED.into_iter().find(|(printed, ..)| *printed == rate)
            else {
                continue;
            };
            let training = setup.train(context, rate)?;
            let accuracies =
                [100, 290].map(|epoch| setup.accuracy(&training, epoch).unwrap_or(f64::NAN));
            let [found_100, found_290] = accuracies;
            ours.push(format!("{found_100:.0}/{found_290:.0}"));
            printed_text.push(format!("{at_100:.0}/{at_290:.0}"));
            distances.extend([(found_100 - at_100).abs(), (found_290 - at_290).abs()]);
            if !commands.contains(&training.command) {
                commands.push(training.command);
            }
        }
        let distance = distances.iter().sum::<f64>() / distances.len() as f64;
        if rows.is_empty() {
            rows.push(Row::note(
                format!("below: 12 000 images, rates {TRIED_RATES:?}, epochs 100/290"),
                printed_text.join(" "),
                "",
            ));
        }
        rows.push(Row::note(
            format!("{}: mean distance {distance:.1}", setup.name),
            "",
            ours.join(" "),
        ));
    }
    Ok((rows, commands))
}

fn share_of_zeros(context: &Context<'_>) -> Result<f64> {
    let data = context.data()?;
    let counts = data.dataset.train.class_counts(10);
    let all: usize = counts.iter().sum();
    Ok(100.0 * counts[0] as f64 / all as f64)
}

/// Figures 7 and 8: loss and accuracy over epochs, several rates.
pub(super) fn curves(context: &Context<'_>) -> Result<Vec<Figure>> {
    let trainings = rates(context)
        .into_iter()
        .map(|(rate, ..)| Ok((rate, CHOSEN.train(context, rate)?)))
        .collect::<Result<Vec<_>>>()?;
    let accuracies = |training: &Training<Found>| {
        let points = training.curve.iter();
        points
            .map(|point| (point.epoch, 100.0 * point.accuracy.unwrap_or(f64::NAN)))
            .collect()
    };
    Ok(vec![
        rate_curves(
            "Figure 7: loss of 784-64-10 at several rates",
            "loss",
            &trainings,
            Training::losses,
        ),
        rate_curves(
            "Figure 8: its training accuracy by the largest output",
            "training accuracy (%)",
            &trainings,
            accuracies,
        ),
    ])
}

/// Figure 9: the first 36 test images and the answers at the best rate.
pub(super) fn images(context: &Context<'_>) -> Result<(Vec<Image>, Command)> {
    let training = CHOSEN.train(context, BEST_RATE)?;
    let images = training.last().map(|found| found.images.clone());
    Ok((images.unwrap_or_default(), training.command))
}
