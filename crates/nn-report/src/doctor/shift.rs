//! Checks whether the test samples differ from the training samples, as in a table that is split
//! by time or by place.
//!
//! Validation samples are drawn like the training samples. If a network predicts them as well
//! as the training samples, it does not overfit; if it predicts the test samples much worse,
//! their inputs or their targets have another distribution (Quiñonero-Candela et al. 2009,
//! "Dataset Shift in Machine Learning").

use super::case::{Case, Scores};
use super::finding::{Finding, Suggestion};

/// Fewest validation and test samples with which overfitting can be told from a shift: R² of
/// fewer samples depends on single ones.
const MIN_SAMPLES: usize = 30;

/// How many times as large as the difference between training and validation samples that
/// between validation and test samples must be, if the former is not small.
const TIMES: f64 = 2.0;

/// Test samples that are predicted much worse than validation samples.
pub(super) fn shift(case: &Case<'_>) -> Finding {
    let scores = match &case.scores {
        Ok(scores) => scores,
        Err(why) => return Finding::NotChecked(why.clone()),
    };
    let (Some(validation), Some(test)) = (scores.validation, scores.test) else {
        return Finding::NotChecked("there are no validation or no test samples".to_owned());
    };
    let texts = [scores.train, validation, test].map(|score| score.text());
    let text = texts.join(", ");
    if validation.n().min(test.n()) < MIN_SAMPLES {
        return Finding::Ok(format!(
            "{text}; scores on fewer than {MIN_SAMPLES} samples differ by chance"
        ));
    }
    if !is_shifted(scores) {
        return Finding::Ok(text);
    }
    Finding::Problem(text, tries(case))
}

/// Whether validation samples are predicted about as well as training samples, but test samples
/// much worse.
pub(super) fn is_shifted(scores: &Scores) -> bool {
    let (train, Some(validation), Some(test)) = (scores.train, scores.validation, scores.test)
    else {
        return false;
    };
    let of_chance = validation.uncertainty(validation.n());
    let usual = train.usual_gap();
    let of_validation = train.value - validation.value;
    let of_test = validation.value - test.value;
    // A few validation samples can be predicted well by chance.
    let is_validated = of_validation + of_chance <= usual.max(of_test / TIMES);
    let is_far = of_test > usual.max(of_chance.hypot(test.uncertainty(test.n())));
    validation.n().min(test.n()) >= MIN_SAMPLES && is_validated && is_far
}

fn tries(case: &Case<'_>) -> Vec<Suggestion> {
    let compare = "compare the columns of the training and test samples: the test \
         samples may be from another time, place or source";
    let split = match &case.settings().order_by {
        Some(_) => "split at random, without --order-by, if the rows do not follow one another",
        None => {
            "split at random: shuffle the rows of the table before training and test samples \
             are chosen"
        }
    };
    [compare, split].map(Suggestion::advice).to_vec()
}
