//! Checks of the targets of the training samples: targets that are all equal, and classes
//! without samples.

use nn_core::{Samples, Targets};
use nn_train::{Data, grouped};

use super::case::Case;
use super::finding::{Finding, Suggestion, listed};

/// Targets with the same value in all training samples.
pub(super) fn constant(case: &Case<'_>) -> Finding {
    let (data, train) = match (case.data(), case.splits()) {
        (Ok(data), Ok(parts)) => (data, parts.train),
        (Err(why), _) | (_, Err(why)) => return Finding::NotChecked(why),
    };
    if train.len() < 2 {
        return Finding::NotChecked("there are fewer than two training samples".to_owned());
    }
    let same = constant_targets(&train);
    if same.is_empty() {
        return Finding::Ok("the training samples have different targets".to_owned());
    }
    let n_samples = grouped(train.len());
    let text = match train.label(0) {
        Some(class) => format!(
            "all {n_samples} training samples have the class {}",
            data.class_names[class as usize]
        ),
        None => format!(
            "{} the same in all {n_samples} training samples",
            targets_are(data, &same)
        ),
    };
    let advice = Suggestion::advice(
        "check the target column (--target) and the choice of training samples: there is nothing \
         to learn from a target that is always the same",
    );
    Finding::Problem(text, vec![advice])
}

/// `the target price is` or `the targets price, rent are`
fn targets_are(data: &Data, columns: &[usize]) -> String {
    let names: Vec<&str> = data.target_names().collect();
    let names = columns.iter().filter_map(|&column| names.get(column));
    let names: Vec<&str> = names.copied().collect();
    match (&names[..], columns.len()) {
        ([], 1) => "the target is".to_owned(),
        ([], n) => format!("{n} targets are"),
        ([name], _) => format!("the target {name} is"),
        (names, _) => format!("the targets {} are", listed(names)),
    }
}

/// The columns of the targets that have the same value in all samples. Classes are one column.
pub(super) fn constant_targets(samples: &Samples<'_>) -> Vec<usize> {
    if let Some(counts) = samples.class_counts() {
        let n_present = counts.iter().filter(|&&count| count > 0).count();
        return if n_present == 1 { vec![0] } else { Vec::new() };
    }
    let Targets::Values(values) = samples.targets() else {
        return Vec::new();
    };
    let mut target = vec![0.0; values.n_columns()];
    let mut first = target.clone();
    let mut is_constant = vec![!samples.is_empty(); target.len()];
    for position in 0..samples.len() {
        samples.copy_target(position, 0.0, &mut target);
        if position == 0 {
            first.clone_from(&target);
        }
        for (is_constant, pair) in is_constant.iter_mut().zip(first.iter().zip(&target)) {
            *is_constant &= pair.0 == pair.1;
        }
    }
    (0..first.len())
        .filter(|&column| is_constant[column])
        .collect()
}

/// Classes that occur in the data but not in the training samples.
pub(super) fn absent_class(case: &Case<'_>) -> Finding {
    let (data, parts) = match (case.data(), case.splits()) {
        (Ok(data), Ok(parts)) => (data, parts),
        (Err(why), _) | (_, Err(why)) => return Finding::NotChecked(why),
    };
    let Some(counts) = parts.train.class_counts() else {
        return Finding::Ok("not applicable: the task is not classification".to_owned());
    };
    let held_out = [Some(parts.validation), parts.test];
    let held_out = held_out.iter().flatten().filter_map(Samples::class_counts);
    let held_out: Vec<Vec<usize>> = held_out.collect();
    let is_needed = |class: usize| held_out.iter().any(|counts| counts[class] > 0);
    let absent = (0..counts.len()).filter(|&class| counts[class] == 0 && is_needed(class));
    let names: Vec<&str> = absent.map(|class| &*data.class_names[class]).collect();
    if names.is_empty() {
        return Finding::Ok("every class has training samples".to_owned());
    }
    let text = format!(
        "the validation or test samples include classes without training samples: {}",
        listed(&names)
    );
    let advice = Suggestion::advice(
        "add training samples of these classes, or split at random: a network never predicts a \
         class that it was not trained on",
    );
    Finding::Problem(text, vec![advice])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_with_a_single_value_are_constant() {
        let rows = vec![[0.0_f32]; 3];
        let targets = vec![[1.0, 5.0, 0.0], [1.0, 6.0, 0.0], [1.0, 5.0, 0.0]];
        let samples = Samples::regression(rows, targets).expect("three rows");
        assert_eq!(constant_targets(&samples), [0, 2]);
        assert_eq!(constant_targets(&samples.select(&[0, 2])), [0, 1, 2]);
    }

    #[test]
    fn a_single_class_is_constant() {
        let rows = vec![[0.0_f32]; 3];
        let samples = Samples::classification(rows, vec![1, 0, 1], 2).expect("three rows");
        assert_eq!(constant_targets(&samples), [0; 0]);
        assert_eq!(constant_targets(&samples.select(&[0, 2])), [0]);
    }
}
