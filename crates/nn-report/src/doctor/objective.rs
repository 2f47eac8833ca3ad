//! Whether what is made small fits what is to be learned. (nn-core refuses
//! pairs of loss and output that cannot be; these can, but learn badly.)

use nn_core::{Activation, Loss};

use super::case::Case;
use super::check::{Check, Finding, Suggestion};
use nn_train::{Choice, Task};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "loss does not fit the task",
        find: loss,
    },
    Check {
        name: "output does not fit the targets",
        find: output,
    },
];

/// Losses of distances multiply the error by φ′(z), which is nearly 0 where an
/// output is confidently wrong (Schoofs, section 3.2).
fn loss(case: &Case) -> Finding {
    let (loss, task) = match (case.loss(), case.task()) {
        (Some(loss), Ok(task)) => (loss, task),
        (None, _) => return Finding::NotChecked("the settings name no loss".to_owned()),
        (_, Err(why)) => return Finding::NotChecked(why),
    };
    let is_distance = matches!(
        loss,
        Loss::Mse | Loss::SumOfSquares | Loss::Quadratic | Loss::Mae | Loss::Huber { .. }
    );
    let better = match task {
        Task::Classification(2) => "binary-cross-entropy",
        Task::Classification(_) => "cross-entropy",
        Task::MultiLabel(_) => "binary-cross-entropy",
        Task::Regression(_) => return Finding::Ok(format!("{loss}, for numbers")),
    };
    if !is_distance {
        return Finding::Ok(format!("{loss}, for classes"));
    }
    let output = case.settings.output_activation.as_ref();
    let output = output.map_or("the output", Choice::text);
    let fitting = if better == "cross-entropy" {
        "softmax"
    } else {
        "sigmoid"
    };
    Finding::Problem(
        format!(
            "{loss} of {output} for classes: δ has the factor φ′(z), \
             so that an answer that is surely wrong hardly changes"
        ),
        vec![Suggestion::flags(
            format!("--loss {better} --output-activation {fitting}"),
            "δ = a − y, without φ′(z)",
        )],
    )
}

/// Numbers to predict are standardised, so about half of them are below 0 and
/// some beyond ±1.
fn output(case: &Case) -> Finding {
    let output = case.settings.output_activation.as_ref();
    let output: Option<Activation> = output.map(|output| *output.value());
    let (output, task) = match (output, case.task()) {
        (Some(output), Ok(task)) => (output, task),
        (_, Err(why)) => return Finding::NotChecked(why),
        (None, _) => {
            return Finding::NotChecked("the settings name no output activation".to_owned());
        }
    };
    let reach = match output {
        Activation::Sigmoid | Activation::HardSigmoid | Activation::Softmax => "0 to 1",
        Activation::Relu | Activation::Softplus => "0 and above",
        Activation::Tanh | Activation::HardTanh => "−1 to 1",
        _ => "everywhere it needs to",
    };
    let text = format!("{output} reaches {reach}");
    match task {
        Task::Regression(_) if reach.contains('1') || reach.contains('0') => Finding::Problem(
            format!("{text}, the standardised targets go below and beyond"),
            vec![Suggestion::flags(
                "--output-activation identity",
                "every number can be answered",
            )],
        ),
        Task::Regression(_) => Finding::Ok(text),
        Task::Classification(_) | Task::MultiLabel(_) => {
            Finding::Ok(format!("{output}, for classes"))
        }
    }
}
