//! S5 and S6: the learning rate by Bayesian optimisation, then L2 and an
//! expanded training set.

use nn_search::{Settings, Study};

use crate::context::Context;
use crate::training::MeasuredEpochs;
use crate::figure::{Figure, Series};
use crate::outcome::{Outcome, Row};
use crate::schoofs::network::NETWORK;
use nn_train::Result;

/// Mini-batches of 10 as in Nielsen's book, on which the paper builds.
fn with_rate(rate: f64, epochs: usize, more: &str) -> String {
    format!(
        "{NETWORK} --activation relu --init lecun --lr {rate} --batch-size 10 --epochs {epochs} --validation 0.1{more}"
    )
}

/// A rate and the validation accuracy it led to, in percent.
type Trial = (f64, f64);

/// The trials of the search, in their order.
fn search_rate(context: &Context<'_>) -> Result<Vec<Trial>> {
    let (trials, epochs) = context.full_or_quick((15, 3), (6, 1));
    context.cached(&format!("S5 {trials} trials of {epochs} epochs"), || {
        let space = "lr=log:0.001..10".parse()?;
        let mut study = Study::new(Settings::new(space), std::io::sink())?;
        let mut found = Vec::new();
        while found.len() < trials {
            let Some(trial) = study.ask()? else {
                break;
            };
            let rate = significant(trial.point.real("lr"));
            let training = context.train(
                &with_rate(rate, epochs, ""),
                &MeasuredEpochs::At(Vec::new()),
                "",
                |_| Ok(()),
            )?;
            let accuracy = training
                .curve
                .last()
                .and_then(|point| point.validation_accuracy);
            let accuracy = 100.0
                * accuracy
                    .filter(|_| training.diverged.is_none())
                    .unwrap_or(0.0);
            study.tell(trial.id, nn_search::Outcome::Finished(100.0 - accuracy))?;
            found.push((rate, accuracy));
        }
        Ok(found)
    })
}

/// Three significant digits, so that a command can be typed.
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
    let initial = context.train(
        &with_rate(1.0, epochs, ""),
        &MeasuredEpochs::At(Vec::new()),
        "",
        |_| Ok(()),
    )?;
    let at_one = 100.0
        * initial
            .curve
            .last()
            .and_then(|point| point.validation_accuracy)
            .unwrap_or(0.0);
    let best = context.train(
        &with_rate(rate, epochs, ""),
        &MeasuredEpochs::At(Vec::new()),
        "",
        |_| Ok(()),
    )?;
    let mut rows: Vec<Row> = trials
        .iter()
        .enumerate()
        .map(|(index, (rate, accuracy))| {
            Row::note(
                format!("trial {}: rate {rate}", index + 1),
                "",
                format!("{accuracy:.2} %"),
            )
        })
        .collect();
    rows.push(Row::note(
        "validation accuracy, rate 1.0 (%)",
        "poor",
        format!("{at_one:.2}"),
    ));
    rows.push(
        Row::holds(
            format!("validation accuracy, rate {rate} (%)"),
            "better",
            format!("{accuracy:.2}"),
            accuracy > at_one,
        )
        .with_expected("above that"),
    );
    Ok(Outcome::judged(
        rows,
        format!(
            "Gaussian process with expected improvement over rates 0.001 to 10; each trial trains \
             {}, batches of 10, and is judged on validation samples. How poor a rate \
             of 1.0 is depends on the size of the batches, which the paper does not state.",
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
        |more: &str| context.train_and_test(&with_rate(rate, epochs, more), &MeasuredEpochs::Every(1));
    let plain = train("")?;
    let penalised = train(" --l2 0.00001")?;
    let expanded = train(" --l2 0.00001 --augment affine")?;
    let [bare, with_l2, accuracy] = [&plain, &penalised, &expanded]
        .map(|training| training.last().copied().unwrap_or(f64::NAN));
    let rows = vec![
        Row::note(
            format!("test accuracy, rate {rate} (%)"),
            "",
            format!("{bare:.2}"),
        ),
        Row::note("with L2 (%)", "", format!("{with_l2:.2}")),
        Row::holds(
            "with L2 and the expanded set (%)",
            "90.8",
            format!("{accuracy:.2}"),
            accuracy >= 90.8,
        )
        .with_expected("at least 90.8"),
    ];
    let names = ["rate found", "and L2", "and expanded set"];
    let trainings = [&plain, &penalised, &expanded];
    let series = names
        .into_iter()
        .zip(trainings)
        .map(|(name, training)| Series::new(name, training.measured.iter().copied()));
    Ok(Outcome::judged(
        rows,
        "784-64-10, ReLU, quadratic cost, the rate found in S5, L2, and images shifted, turned and \
         stretched anew in every epoch. Well above the paper's figure, which is what these pieces \
         usually give.",
    )
    .with_figures(vec![Figure::Lines {
        title: "Test accuracy".to_owned(),
        x: "epoch".to_owned(),
        y: "test accuracy (%)".to_owned(),
        series: series.collect(),
    }])
    .with_commands(vec![
        plain.command.clone(),
        penalised.command.clone(),
        expanded.command.clone(),
    ]))
}
