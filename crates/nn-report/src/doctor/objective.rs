//! Checks for combinations of loss and output activation that are valid but train badly.
//! (nn-core rejects invalid combinations.)

use nn_core::{Activation, Loss};

use super::case::Case;
use super::finding::{Finding, Suggestion};
use nn_train::{Choice, Task};

/// Distance losses multiply the error by the derivative of the output activation, which is
/// nearly 0 where an output is confidently wrong (Schoofs, section 3.2).
pub(super) fn loss(case: &Case<'_>) -> Finding {
    let (loss, task) = match (case.loss(), case.task()) {
        (Some(loss), Ok(task)) => (loss, task),
        (None, _) => return Finding::NotChecked("the settings do not contain a loss".to_owned()),
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
        Task::Regression(_) => {
            return Finding::Ok(format!("the loss is {loss}, and the targets are numbers"));
        }
    };
    if !is_distance {
        return Finding::Ok(format!(
            "the loss is {loss}, and the targets are classes or labels"
        ));
    }
    let fitting = if better == "cross-entropy" {
        "softmax"
    } else {
        "sigmoid"
    };
    let output = case.settings().output_activation.as_ref();
    let (reason, effect) = match output.map(Choice::value) {
        Some(output) if is_bounded(*output) => (
            format!(
                "the gradient contains the derivative of {output}, which is near 0 for confident \
                 wrong predictions, so they are corrected slowly"
            ),
            "its gradient does not contain this derivative",
        ),
        _ => (
            "confident correct predictions also have a loss, if they are above 1 or below 0"
                .to_owned(),
            "the outputs become probabilities",
        ),
    };
    let mut cure = Suggestion::set("loss", better, effect);
    if output.is_none_or(|output| output.text() != fitting) {
        cure = cure.and("output-activation", fitting);
    }
    let output = output.map_or("an unknown output activation", Choice::text);
    let text = format!("the loss is {loss} with {output}: {reason}");
    Finding::Problem(text, vec![cure])
}

/// Whether the values of an activation have a lowest and a highest value, where its derivative is
/// 0.
fn is_bounded(output: Activation) -> bool {
    use Activation::{HardSigmoid, HardTanh, Sigmoid, Softmax, Tanh};
    matches!(output, Softmax | Sigmoid | HardSigmoid | Tanh | HardTanh)
}

/// Regression targets are standardized, so about half of them are below 0 and some
/// are beyond ±1.
pub(super) fn output(case: &Case<'_>) -> Finding {
    let output = case.settings().output_activation.as_ref();
    let output: Option<Activation> = output.map(|output| *output.value());
    let (output, task) = match (output, case.task()) {
        (Some(output), Ok(task)) => (output, task),
        (_, Err(why)) => return Finding::NotChecked(why),
        (None, _) => {
            return Finding::NotChecked(
                "the settings do not contain an output activation".to_owned(),
            );
        }
    };
    let reach = match output {
        Activation::Sigmoid | Activation::HardSigmoid | Activation::Softmax => "between 0 and 1",
        Activation::Relu | Activation::Softplus => "at least 0",
        Activation::Tanh | Activation::HardTanh => "between −1 and 1",
        _ => "unbounded",
    };
    let text = format!("the values of {output} are {reach}");
    match task {
        Task::Regression(_) if reach.contains('1') || reach.contains('0') => Finding::Problem(
            format!("{text}, but the standardized targets lie outside this range"),
            vec![Suggestion::set(
                "output-activation",
                "identity",
                "can predict any number",
            )],
        ),
        Task::Regression(_) => Finding::Ok(text),
        Task::Classification(_) | Task::MultiLabel(_) => Finding::Ok(format!(
            "the output activation is {output}, and the targets are classes or labels"
        )),
    }
}
