//! A setup of the network 784-64-10 that is consistent with the paper, and its training runs.
//!
//! The paper states neither the initial weights nor how a digit is predicted from ten
//! outputs. The printed 9.871 is the percentage of zeros in the training set: the accuracy
//! of a network that predicts "0" for every image. If the largest output is the prediction,
//! a network soon predicts "1", the most frequent digit. If the first output above 0.5 is
//! the prediction, a network predicts "0" as long as all outputs or no outputs are above
//! 0.5 (`argmax` of a row of equal values is 0). The accuracy is measured with both rules.

use nn_core::NetworkConfig;
use nn_train::Result;
use nn_train::forward::for_each_block;
use serde::{Deserialize, Serialize};

use crate::bordeaux::initial_values::InitialValues;
use crate::bordeaux::table::EPOCHS;
use crate::context::Context;
use crate::figure::Image;
use crate::outcome::Command;
use crate::snapshot::Snapshot;
use crate::training::{MeasuredEpochs, Training};

/// The rule that turns ten outputs into a digit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rule {
    /// The digit with the largest output.
    Largest,
    /// The first digit with an output above 0.5; "0" if there is none.
    AboveHalf,
}

/// A setup that is consistent with the paper.
pub(super) struct Setup {
    pub(super) name: &'static str,
    pub(super) flags: &'static str,
    /// The initial values, if they are not those of the flags: `nn train` has one
    /// distribution for all layers.
    pub(super) initial_values: Option<InitialValues>,
    /// Factor on the gradient, that is, on the printed learning rate.
    pub(super) scale: f64,
    pub(super) rule: Rule,
}

/// The measurements of a network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Measured {
    /// Training accuracy in percent by the two rules.
    accuracies: [f64; 2],
    /// The first test images, if they were asked for.
    pub(super) images: Vec<Image>,
}

impl Setup {
    /// Trains at a printed learning rate and measures the network after each of the
    /// printed [`EPOCHS`], with the predictions of the first `n_images` test images.
    pub(super) fn train(
        &self,
        context: &Context<'_>,
        rate: f64,
        seed: u64,
        n_images: usize,
    ) -> Result<Training<Measured>> {
        let epochs = context.full_or_quick(290, 100);
        // Rounds off the last bits of the product, for a short command.
        let lr = (self.scale * rate * 1e9).round() / 1e9;
        let flags = flags(self.flags, lr, epochs, seed);
        let at = MeasuredEpochs::At(EPOCHS.to_vec());
        let what = format!("training accuracy by two rules, {n_images} images");
        let measure = |snapshot: &Snapshot<'_, '_>| {
            Ok(Measured {
                accuracies: training_accuracies(snapshot)?,
                images: snapshot.first_test_images(n_images)?,
            })
        };
        let Some(initial_values) = self.initial_values else {
            return context.train(&flags, &at, &what, measure);
        };
        let what = format!("{what}, {initial_values:?}");
        let initialize = |network: &mut NetworkConfig| initial_values.apply(network);
        let training = context.train_from(&flags, &initialize, &at, &what, measure)?;
        let command = format!("nn papers run bordeaux --claim B2 # learning rate {rate}");
        Ok(Training {
            command: Command {
                command,
                ..training.command
            },
            ..training
        })
    }

    /// The training accuracy in percent after `epoch`; NaN if it was not measured.
    pub(super) fn accuracy(&self, training: &Training<Measured>, epoch: usize) -> f64 {
        let measured = training.after(epoch);
        measured.map_or(f64::NAN, |measured| measured.accuracies[self.rule as usize])
    }
}

/// The flags of `nn train` for a loss and other flags.
pub(super) fn flags(more: &str, lr: f64, epochs: usize, seed: u64) -> String {
    format!(
        "--hidden 64 --activation sigmoid {more} --optimizer sgd --lr {lr} --batch-size full \
         --epochs {epochs} --validation 0 --seed {seed}"
    )
}

/// The training accuracy in percent by both rules.
pub(super) fn training_accuracies(snapshot: &Snapshot<'_, '_>) -> Result<[f64; 2]> {
    let Snapshot {
        network,
        splits,
        loss,
        threads,
        ..
    } = snapshot;
    let mut n_correct = [0_usize; 2];
    for_each_block(network, &splits.train, threads, |start, _, cache| {
        for (row, outputs) in cache.outputs().rows().enumerate() {
            let predicted = [
                loss.predicted_class(outputs),
                outputs.iter().position(|&a| a > 0.5).unwrap_or(0),
            ];
            let label = splits.train.label(start + row).map(|label| label as usize);
            for (n_correct, predicted) in n_correct.iter_mut().zip(predicted) {
                *n_correct += usize::from(label == Some(predicted));
            }
        }
    })?;
    let n = splits.train.len() as f64;
    Ok(n_correct.map(|n_correct| 100.0 * n_correct as f64 / n))
}
