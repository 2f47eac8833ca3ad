//! Checks whether the predictions are better than constant predictions.

use super::case::Case;
use super::finding::{Finding, Suggestion};

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
    let splits = [scores.validation, scores.test].into_iter().flatten();
    let is_predicted = splits.into_iter().any(|score| score.beats_constant());
    let reference = &scores.reference;
    let is_predictable = scores
        .train
        .others_beat_constant(reference.score, reference.mean_recall);
    if is_predicted || is_predictable {
        return Finding::Ok(text);
    }
    Finding::Problem(text, vec![look_at_the_data()])
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
    Finding::Problem(text, vec![look_at_the_data()])
}

fn look_at_the_data() -> Suggestion {
    Suggestion::advice(
        "check the data: targets may be assigned to the wrong rows, or columns that are needed to \
         predict the target may be missing",
    )
}
