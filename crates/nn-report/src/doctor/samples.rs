//! Checks of the data: scale of the inputs, outliers, class frequencies, and test rows that are
//! also training rows.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

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
        "the inputs have a root mean square of {} and a maximum magnitude of {}",
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

/// Number of standard deviations from the mean that a value hardly exceeds by chance.
const OUTLIER: f64 = 12.0;

/// Fraction of a column's sum of squares that is due to outliers from which on they
/// compress all other values, to less than a third of their range. Measured columns with a
/// long tail, such as incomes, have up to 0.9; a typing error has nearly 1.
const COMPRESSING: f64 = 0.9;

/// Values that are so far from all others in their column that the others become nearly
/// equal.
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
    let mut tails = vec![Tail::default(); parts.train.n_inputs()];
    for samples in [Some(parts.train), Some(parts.validation), parts.test]
        .iter()
        .flatten()
    {
        let read = for_each_sample(samples, samples.len(), |inputs| {
            for (tail, &x) in tails.iter_mut().zip(inputs) {
                tail.add(f64::from(x));
            }
        });
        if let Err(why) = read {
            return Finding::NotChecked(why);
        }
    }
    let worst = names.zip(tails).max_by(|a, b| a.1.order(&b.1));
    let Some((name, tail)) = worst else {
        return Finding::Ok("not applicable: there are no input columns".to_owned());
    };
    let text = format!(
        "the largest value of column {name} is {} standard deviations from the mean",
        number(tail.largest)
    );
    if tail.fraction_beyond() <= COMPRESSING {
        return Finding::Ok(text);
    }
    Finding::Problem(
        format!("{text} and makes the other values nearly equal after scaling"),
        vec![
            Suggestion::advice(format!(
                "correct or clip this value, or use the logarithm of {name}"
            )),
            Suggestion::set("ignore", case.ignoring(name), "ignores the column"),
        ],
    )
}

/// The values of an input, which are standardized.
#[derive(Clone, Copy, Debug, Default)]
struct Tail {
    largest: f64,
    squares: f64,
    /// The part of `squares` that is due to values beyond [`OUTLIER`].
    squares_beyond: f64,
}

impl Tail {
    fn add(&mut self, x: f64) {
        self.largest = self.largest.max(x.abs());
        self.squares += x * x;
        if x.abs() > OUTLIER {
            self.squares_beyond += x * x;
        }
    }

    fn fraction_beyond(&self) -> f64 {
        self.squares_beyond / self.squares.max(f64::MIN_POSITIVE)
    }

    fn order(&self, other: &Self) -> Ordering {
        let fractions = self.fraction_beyond().total_cmp(&other.fraction_beyond());
        fractions.then(self.largest.total_cmp(&other.largest))
    }
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
        return Finding::Ok("not applicable: the task is not classification".to_owned());
    };
    // A weight does not help a class that the network never sees.
    let classes = || (0..counts.len()).filter(|&class| counts[class] > 0);
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
        "the training samples include {} and {}",
        describe(largest),
        describe(smallest)
    );
    let ratio = counts[largest] as f64 / counts[smallest] as f64;
    if ratio < IMBALANCE {
        return Finding::Ok(text);
    }
    if case.has_class_weights() {
        return Finding::Ok(format!("{text}; the classes are weighted"));
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

/// Fraction of test rows that are training rows, too, up to which they hardly change the
/// test accuracy.
const DUPLICATES: f64 = 0.05;

/// Test rows that the network was trained on.
pub(super) fn duplicates(case: &Case<'_>) -> Finding {
    let (data, parts) = match (case.data(), case.splits()) {
        (Ok(data), Ok(parts)) => (data, parts),
        (Err(why), _) | (_, Err(why)) => return Finding::NotChecked(why),
    };
    let Some(test) = parts.test.filter(|test| !test.is_empty()) else {
        return Finding::NotChecked("there are no test samples".to_owned());
    };
    let preprocessing = data.preprocessing.iter();
    let columns = preprocessing.flat_map(|it| it.input_ranges().map(|(_, range)| range));
    let columns: Vec<Range<usize>> = columns.collect();
    let copies = Copies::find(&columns, &parts.train, &test);
    let copies = match copies {
        Ok(copies) => copies,
        Err(why) => return Finding::NotChecked(why),
    };
    let fraction = copies.n_exact as f64 / test.len() as f64;
    let text = format!(
        "{} of {} test rows ({}) have the same inputs as a training row",
        grouped(copies.n_exact),
        grouped(test.len()),
        percent(fraction)
    );
    if fraction <= DUPLICATES {
        return Finding::Ok(text);
    }
    if copies.n_near >= copies.n_exact {
        return Finding::Ok(format!(
            "{text}; {} test rows differ from a training row in a single column, so duplicates \
             can occur by chance",
            grouped(copies.n_near)
        ));
    }
    Finding::Problem(
        text,
        vec![Suggestion::advice(
            "remove duplicate rows, which make the test accuracy too high",
        )],
    )
}

/// Test rows that are similar to a training row. In a table with few distinct values, rows
/// are equal by chance; then even more of them are equal except for one column. Rows that
/// were copied have no such neighbors.
struct Copies {
    /// Number of test rows that equal a training row.
    n_exact: usize,
    /// Number of test rows that differ from a training row in a single column.
    n_near: usize,
}

/// Number of parts of an image that take the place of columns.
const N_PARTS: usize = 16;

impl Copies {
    fn find(
        columns: &[Range<usize>],
        train: &Samples<'_>,
        test: &Samples<'_>,
    ) -> Result<Self, String> {
        let width = train.n_inputs().div_ceil(N_PARTS).max(1);
        let digests = |inputs: &[f32]| -> Vec<u64> {
            if columns.is_empty() {
                inputs.chunks(width).map(digest_of_cell).collect()
            } else {
                let columns = columns.iter();
                columns
                    .map(|column| digest_of_cell(&inputs[column.clone()]))
                    .collect()
            }
        };
        let mut rows = HashSet::new();
        let mut without_a_column: HashMap<(usize, u64), Completions> = HashMap::new();
        for_each_sample(train, train.len(), |inputs| {
            let digests = digests(inputs);
            rows.insert(digest(&digests));
            for (key, left_out) in without_each(&digests) {
                let known = without_a_column.entry(key);
                known.or_insert(Completions::new(left_out)).add(left_out);
            }
        })?;
        let (mut n_exact, mut n_near) = (0, 0);
        for_each_sample(test, test.len(), |inputs| {
            let digests = digests(inputs);
            n_exact += usize::from(rows.contains(&digest(&digests)));
            let is_near = without_each(&digests).any(|(key, left_out)| {
                let known = without_a_column.get(&key);
                known.is_some_and(|known| known.has_other(left_out))
            });
            n_near += usize::from(is_near);
        })?;
        Ok(Self { n_exact, n_near })
    }
}

/// For each column, a key of all other columns, and the digest of the column itself.
fn without_each(digests: &[u64]) -> impl Iterator<Item = ((usize, u64), u64)> {
    let mixed = |(column, left_out): (usize, &u64)| digest((column, *left_out));
    let sum = digests
        .iter()
        .enumerate()
        .map(mixed)
        .fold(0, u64::wrapping_add);
    let columns = digests.iter().enumerate();
    columns.map(move |it| ((it.0, sum.wrapping_sub(mixed(it))), *it.1))
}

/// The values of a column that occur beside the same values of all others.
struct Completions {
    first: u64,
    has_several: bool,
}

impl Completions {
    fn new(first: u64) -> Self {
        Self {
            first,
            has_several: false,
        }
    }

    fn add(&mut self, value: u64) {
        self.has_several |= value != self.first;
    }

    fn has_other(&self, value: u64) -> bool {
        self.has_several || value != self.first
    }
}

/// A 64-bit hash. Among 70 000 rows, two different ones have the same hash with
/// probability 10⁻¹⁰.
fn digest(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn digest_of_cell(inputs: &[f32]) -> u64 {
    digest(inputs.iter().map(|x| x.to_bits()).collect::<Vec<_>>())
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
