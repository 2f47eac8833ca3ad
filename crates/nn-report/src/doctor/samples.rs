//! Checks of the data: scale, outliers, class frequencies, and test rows that
//! duplicate training rows.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use nn_core::batches::Samples;
use nn_plot::number::number;
use nn_table::preprocessing::InputEncoding;
use nn_train::grouped;

use super::case::Case;
use super::finding::{Finding, Suggestion, percent};

/// Maximum number of samples whose scale is measured.
const N_MEASURED: usize = 2000;

/// Initial weights are designed for inputs whose root mean square is about 1: that
/// of standardized columns is 1, that of MNIST's pixels 0.33. With a tenth of
/// MNIST's value, or ten times that of a standardized column, the weighted sums of
/// the first layer are wrong by the same factor.
const SMALLEST_ROOT_MEAN_SQUARE: f64 = 0.03;
const LARGEST_ROOT_MEAN_SQUARE: f64 = 10.0;

/// Inputs whose scale does not fit the initial weights.
pub(super) fn scale(case: &Case<'_>) -> Finding {
    let train = match case.splits() {
        Ok(parts) => parts.train,
        Err(why) => return Finding::NotChecked(why),
    };
    let (mut sum, mut n, mut largest) = (0.0, 0_usize, 0.0_f64);
    let read = for_each_sample(&train, N_MEASURED, |inputs| {
        for &x in inputs {
            let x = f64::from(x);
            sum += x * x;
            largest = largest.max(x.abs());
        }
        n += inputs.len();
    });
    if let Err(why) = read {
        return Finding::NotChecked(why);
    }
    let root_mean_square = (sum / n.max(1) as f64).sqrt();
    let text = format!(
        "inputs have a root mean square of {}, at most {}",
        number(root_mean_square),
        number(largest)
    );
    if (SMALLEST_ROOT_MEAN_SQUARE..=LARGEST_ROOT_MEAN_SQUARE).contains(&root_mean_square) {
        return Finding::Ok(text);
    }
    Finding::Problem(
        text,
        vec![
            Suggestion::set(
                "batch-norm",
                "true",
                "normalizes the weighted sums of the first layer",
            ),
            Suggestion::advice("rescale the pixels so that the maximum is 255"),
        ],
    )
}

/// Number of standard deviations from the mean that a value hardly exceeds by
/// chance. One such value compresses the range of the others in its column.
const OUTLIER: f32 = 12.0;

/// A value far from all others in its column.
pub(super) fn outliers(case: &Case<'_>) -> Finding {
    let data = match case.data() {
        Ok(data) => data,
        Err(why) => return Finding::NotChecked(why),
    };
    let columns = match data.preprocessing.as_ref().map(|it| &it.inputs) {
        Some(InputEncoding::Columns(columns)) => columns,
        _ => return Finding::Ok("not applicable: the inputs are pixels".to_owned()),
    };
    let parts = match case.splits() {
        Ok(parts) => parts,
        Err(why) => return Finding::NotChecked(why),
    };
    let names = columns
        .iter()
        .flat_map(|column| vec![column.name.as_str(); column.encoding.width()]);
    let mut largest = vec![0.0_f32; parts.train.n_inputs()];
    for samples in [Some(parts.train), Some(parts.validation), parts.test]
        .iter()
        .flatten()
    {
        let read = for_each_sample(samples, samples.len(), |inputs| {
            for (largest, &x) in largest.iter_mut().zip(inputs) {
                *largest = largest.max(x.abs());
            }
        });
        if let Err(why) = read {
            return Finding::NotChecked(why);
        }
    }
    let worst = names.zip(largest).max_by(|a, b| a.1.total_cmp(&b.1));
    let Some((name, size)) = worst else {
        return Finding::Ok("not applicable: there are no input columns".to_owned());
    };
    let text = format!(
        "largest outlier: a value of column {name}, {} standard deviations from the mean",
        number(size.into())
    );
    if size <= OUTLIER {
        return Finding::Ok(text);
    }
    Finding::Problem(
        text,
        vec![
            Suggestion::advice(format!(
                "correct or clip this value, or use the logarithm of {name}"
            )),
            Suggestion::set("ignore", case.ignoring(name), "ignores the column"),
        ],
    )
}

/// Size of the largest class divided by that of the smallest. At 4 to 1 with two
/// classes, always predicting the larger one has an accuracy of 80 %.
const IMBALANCE: f64 = 4.0;

/// Recall of the smallest class below which the network neglects it: a quarter of its
/// training samples are not found.
const SMALL_RECALL: f64 = 0.75;

/// A class that is rare, and that the network hardly ever predicts.
pub(super) fn balance(case: &Case<'_>) -> Finding {
    let (data, train) = match (case.data(), case.splits()) {
        (Ok(data), Ok(parts)) => (data, parts.train),
        (Err(why), _) | (_, Err(why)) => return Finding::NotChecked(why),
    };
    let Some(counts) = train.class_counts() else {
        return Finding::Ok("not applicable: this is not a classification".to_owned());
    };
    let classes = || 0..counts.len();
    let (Some(largest), Some(smallest)) = (
        classes().max_by_key(|&class| counts[class]),
        classes().min_by_key(|&class| counts[class]),
    ) else {
        return Finding::Ok("there are no classes".to_owned());
    };
    let recall = |class: usize| case.recall(class);
    let describe = |class: usize| {
        let recall =
            recall(class).map_or_else(String::new, |it| format!(" (recall {})", percent(it)));
        let name = &data.class_names[class];
        format!("{} of {name}{recall}", grouped(counts[class]))
    };
    let text = format!(
        "training samples: {}, {}",
        describe(largest),
        describe(smallest)
    );
    let ratio = counts[largest] as f64 / counts[smallest] as f64;
    if ratio < IMBALANCE {
        return Finding::Ok(text);
    }
    if case.has_class_weights() {
        return Finding::Ok(format!("{text}, and the classes are weighted"));
    }
    let is_neglected = recall(smallest).is_none_or(|recall| recall < SMALL_RECALL);
    if !is_neglected {
        return Finding::Ok(text);
    }
    let tries = vec![
        Suggestion::set("class-weight", "balanced", "gives all classes equal weight"),
        Suggestion::advice("check precision and recall in `nn evaluate`, not only the accuracy"),
    ];
    Finding::Problem(text, tries)
}

/// Fraction of test rows that are training rows, too. Some are expected by chance,
/// more in tables with few distinct values; the network has seen each of them.
const DUPLICATES: f64 = 0.01;

/// Test rows that the network was trained on.
pub(super) fn duplicates(case: &Case<'_>) -> Finding {
    let parts = match case.splits() {
        Ok(parts) => parts,
        Err(why) => return Finding::NotChecked(why),
    };
    let Some(test) = parts.test.filter(|test| !test.is_empty()) else {
        return Finding::NotChecked("there are no test samples".to_owned());
    };
    let mut known = HashSet::new();
    let read = for_each_sample(&parts.train, parts.train.len(), |inputs| {
        known.insert(digest(inputs));
    });
    let mut n_known = 0;
    let read = read.and_then(|()| {
        for_each_sample(&test, test.len(), |inputs| {
            n_known += usize::from(known.contains(&digest(inputs)));
        })
    });
    if let Err(why) = read {
        return Finding::NotChecked(why);
    }
    let fraction = n_known as f64 / test.len() as f64;
    let text = format!(
        "{} of {} test rows ({}) have the inputs of a training row",
        grouped(n_known),
        grouped(test.len()),
        percent(fraction)
    );
    if fraction <= DUPLICATES {
        return Finding::Ok(text);
    }
    Finding::Problem(
        text,
        vec![Suggestion::advice(
            "remove duplicate rows: they make the test accuracy too high",
        )],
    )
}

/// A 64-bit hash of a row. Among 70 000 rows, two different ones have the same hash
/// with probability 10⁻¹⁰.
fn digest(inputs: &[f32]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for x in inputs {
        x.to_bits().hash(&mut hasher);
    }
    hasher.finish()
}

/// Calls `each` with the inputs of up to `n` samples, evenly spread.
fn for_each_sample(
    samples: &Samples<'_>,
    n: usize,
    mut each: impl FnMut(&[f32]),
) -> Result<(), String> {
    let n = samples.len().min(n);
    let mut inputs = vec![0.0; samples.n_inputs()];
    for sample in 0..n {
        let position = sample * samples.len() / n;
        let read = samples.copy_inputs(position, &mut inputs);
        read.map_err(|error| error.to_string())?;
        each(&inputs);
    }
    Ok(())
}
