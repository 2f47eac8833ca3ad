//! Checks whether the predictions are better than constant predictions.

use super::case::{Case, Scores};
use super::finding::{Finding, Suggestion};
use super::score::Score;

/// Neither the network nor a simple predictor is better than a constant.
pub(super) fn unpredictable(case: &Case<'_>) -> Finding {
    let scores = match &case.scores {
        Ok(scores) => scores,
        Err(why) => return Finding::NotChecked(why.clone()),
    };
    let Some(held_out) = scores.held_out() else {
        return Finding::NotChecked("there are no validation or test samples".to_owned());
    };
    let text = format!(
        "{}; on the training samples, {} gives {}",
        held_out.beside_constant(),
        scores.reference.predictor,
        scores.train.named(scores.reference.score)
    );
    let is_predicted = independent(case, scores).iter().any(Score::beats_constant);
    if is_predicted || scores.reference_beats_constant() {
        return Finding::Ok(text);
    }
    if let Some(why) = held_out.why_not_judged() {
        return Finding::NotChecked(why);
    }
    Finding::Problem(text, vec![look_at_the_data()])
}

/// The scores on samples that have no influence on the model: early stopping chooses the epoch
/// whose predictions of the validation samples happen to be best.
fn independent(case: &Case<'_>, scores: &Scores) -> Vec<Score> {
    let has_patience = case.settings().patience.unwrap_or(0) > 0;
    let judged = scores.test.filter(|test| test.why_not_judged().is_none());
    match judged {
        Some(test) if has_patience => vec![test],
        _ => [scores.validation, scores.test]
            .into_iter()
            .flatten()
            .collect(),
    }
}

/// The model is no better than a constant on samples that it was not trained on.
pub(super) fn guessing(case: &Case<'_>) -> Finding {
    let scores = match &case.scores {
        Ok(scores) => scores,
        Err(why) => return Finding::NotChecked(why.clone()),
    };
    let score = scores.held_out().unwrap_or(&scores.train);
    let text = score.beside_constant();
    let splits = [scores.validation, scores.test].into_iter().flatten();
    if score.beats_constant() || splits.into_iter().any(|score| score.beats_constant()) {
        return Finding::Ok(text);
    }
    if let Some(why) = score.why_not_judged() {
        return Finding::NotChecked(why);
    }
    Finding::Problem(text, vec![look_at_the_data()])
}

fn look_at_the_data() -> Suggestion {
    Suggestion::advice(
        "check the data: targets may be assigned to the wrong rows, or columns that are needed to \
         predict the target may be missing",
    )
}
