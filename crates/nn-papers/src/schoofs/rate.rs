//! S5 and S6: the learning rate by Bayesian optimization, then L2 and an expanded
//! training set.

use nn_search::{Settings, Study};
use nn_train::{Error, Result};

use crate::context::Context;
use crate::figure::{Figure, Series};
use crate::outcome::{Outcome, Row};
use crate::schoofs::network::NETWORK;
use crate::training::{MeasuredEpochs, Training};

/// The flags of a training run, with mini-batches of 10 as in Nielsen's book, which the
/// paper is based on.
fn flags(rate: f64, epochs: usize, more: &str) -> String {
    format!(
        "{NETWORK} --activation relu --init lecun --lr {rate} --batch-size 10 --epochs {epochs} --validation 0.1{more}"
    )
}

/// A learning rate, and the validation accuracy in percent.
type Trial = (f64, f64);

/// The trials of the search in order.
fn search_rate(context: &Context<'_>) -> Result<Vec<Trial>> {
    let (trials, epochs) = context.full_or_quick((15, 3), (6, 1));
    context.cached(&format!("S5 {trials} trials of {epochs} epochs"), || {
        let space = "lr=log:0.001..10".parse().map_err(Error::usage)?;
        let mut study = Study::new(Settings::new(space), std::io::sink()).map_err(Error::usage)?;
        let mut found = Vec::new();
        while found.len() < trials {
            let Some(trial) = study.ask().map_err(Error::usage)? else {
                break;
            };
            let rate = significant(trial.point.real("lr"));
            let training = context.train_only(&flags(rate, epochs, ""))?;
            let accuracy = training.validation_accuracy();
            let accuracy = accuracy
                .filter(|_| training.diverged.is_none())
                .unwrap_or(0.0);
            let error = nn_search::Outcome::Finished(100.0 - accuracy);
            study.tell(trial.id, error).map_err(Error::usage)?;
            found.push((rate, accuracy));
        }
        Ok(found)
    })
}

/// Rounds to three significant digits, for a short command.
fn significant(x: f64) -> f64 {
    format!("{x:.2e}").parse().unwrap_or(x)
}

fn best_trial(trials: &[Trial]) -> Trial {
    let better = |best: Trial, trial: &Trial| if trial.1 > best.1 { *trial } else { best };
    trials.iter().fold((f64::NAN, f64::MIN), better)
}

pub(super) fn bayesian_search(context: &Context<'_>) -> Result<Outcome> {
    let trials = search_rate(context)?;
    let epochs = context.full_or_quick(3, 1);
    let (rate, accuracy) = best_trial(&trials);
    let initial = context.train_only(&flags(1.0, epochs, ""))?;
    let initial_accuracy = initial.validation_accuracy().unwrap_or(0.0);
    let best = context.train_only(&flags(rate, epochs, ""))?;
    let mut rows: Vec<Row> = trials
        .iter()
        .enumerate()
        .map(|(index, (rate, accuracy))| {
            Row::note(
                format!("trial {}: learning rate {rate}", index + 1),
                "",
                format!("{accuracy:.2} %"),
            )
        })
        .collect();
    rows.push(Row::note(
        "validation accuracy, learning rate 1.0 (%)",
        "poor",
        format!("{initial_accuracy:.2}"),
    ));
    rows.push(
        Row::holds(
            format!("validation accuracy, learning rate {rate} (%)"),
            "better",
            format!("{accuracy:.2}"),
            accuracy > initial_accuracy,
        )
        .with_expected("higher than with learning rate 1.0"),
    );
    Ok(Outcome::judged(
        rows,
        format!(
            "Gaussian process with expected improvement over learning rates from 0.001 to 10. Each \
             trial trains for {} with batches of 10; its objective is the validation accuracy. How \
             poor a learning rate of 1.0 is depends on the batch size, which the paper does not \
             state.",
            context.full_or_quick("3 epochs", "1 epoch")
        ),
    )
    .with_figures(vec![Figure::Points {
        title: "The trials of the search".to_owned(),
        x: "learning rate".to_owned(),
        y: "validation accuracy (%)".to_owned(),
        points: trials
            .iter()
            .map(|&(rate, accuracy)| [rate, accuracy])
            .collect(),
    }])
    .with_commands(vec![initial.command, best.command]))
}

pub(super) fn best_network(context: &Context<'_>) -> Result<Outcome> {
    let (rate, _) = best_trial(&search_rate(context)?);
    let epochs = context.full_or_quick(20, 3);
    let train =
        |more: &str| context.train_and_test(&flags(rate, epochs, more), &MeasuredEpochs::Every(1));
    let plain = train("")?;
    let regularized = train(" --l2 0.00001")?;
    let expanded = train(" --l2 0.00001 --augment affine")?;
    let trainings = [&plain, &regularized, &expanded];
    let [without_l2, with_l2, accuracy] = trainings.map(Training::last_value);
    let rows = vec![
        Row::note(
            format!("test accuracy, learning rate {rate} (%)"),
            "",
            format!("{without_l2:.2}"),
        ),
        Row::note("test accuracy with L2 (%)", "", format!("{with_l2:.2}")),
        Row::holds(
            "test accuracy with L2 and the expanded training set (%)",
            "90.8",
            format!("{accuracy:.2}"),
            accuracy >= 90.8,
        )
        .with_expected("at least 90.8"),
    ];
    let names = [
        "best learning rate",
        "with L2",
        "with L2 and the expanded set",
    ];
    let series = names
        .into_iter()
        .zip(trainings)
        .map(|(name, training)| Series::new(name, training.measured.iter().copied()));
    Ok(Outcome::judged(
        rows,
        "784-64-10, ReLU, quadratic cost, the best learning rate of S5, L2, and images shifted, \
         rotated and scaled at random in every epoch. The accuracy is well above the paper's, as \
         usual for this setup.",
    )
    .with_figures(vec![Figure::over_epochs(
        "Test accuracy",
        "test accuracy (%)",
        series.collect(),
    )])
    .with_commands(trainings.map(|training| training.command.clone()).to_vec()))
}
