//! The split of a data set into training, validation and test samples.

use std::fmt;
use std::str::FromStr;

use nn_core::batches::{split, split_stratified};
use nn_tensor::random::{Purpose, Stream, Streams};

use crate::error::{Error, Result};
use crate::split_options::SplitOptions;

/// A split of a data set: training, validation or test samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Split {
    /// Training samples.
    Train,
    /// Validation samples.
    Validation,
    /// Test samples.
    Test,
}

impl Split {
    /// All splits: training, validation and test.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// Name of the split: `train`, `validation` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// Name of the split in a sentence: `training`, `validation` or `test`.
impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "training",
            other => other.name(),
        })
    }
}

impl FromStr for Split {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|split| split.name() == text);
        found.ok_or_else(|| {
            Error::usage(format!(
                "split: expected {}, found \"{}\"",
                Self::ALL.map(Self::name).join(", "),
                text.escape_debug()
            ))
        })
    }
}

/// The training, validation and test rows of a data set.
#[derive(Clone, Debug, Default)]
pub struct SplitRows {
    /// Training rows.
    pub train: Vec<u32>,
    /// Validation rows.
    pub validation: Vec<u32>,
    /// Test rows; empty if the data set has separate test samples.
    pub test: Vec<u32>,
}

impl SplitRows {
    /// Uses all `n` rows as test rows.
    pub fn all_test(n: usize) -> Self {
        Self {
            test: (0..n as u32).collect(),
            ..Self::default()
        }
    }

    /// Randomly splits `n` rows, stratified if `classes` are given. Test rows are split off unless
    /// the data set has separate test samples. The first `limit_train` of the remaining rows are
    /// used for training and validation.
    ///
    /// # Errors
    /// Returns an error if no row is left for training.
    pub fn new(
        n: usize,
        selection: &SplitOptions,
        has_test: bool,
        classes: Option<&[u32]>,
    ) -> Result<Self> {
        let streams = Streams::new(selection.seed);
        let all: Vec<u32> = (0..n as u32).collect();
        let (mut rest, test) = if has_test {
            (all, Vec::new())
        } else {
            let mut stream = streams.stream(Purpose::Split, 1);
            split_rows(&all, classes, selection.test_split, &mut stream)
        };
        rest.truncate(selection.limit_train.unwrap_or(rest.len()));
        let mut stream = streams.stream(Purpose::Split, 0);
        let (train, validation) = split_rows(&rest, classes, selection.validation, &mut stream);
        if train.is_empty() {
            return Err(Error::usage(format!(
                "no training samples are left of {n} samples (`validation = {}`, `test-split = {}`)",
                selection.validation, selection.test_split
            )));
        }
        Ok(Self {
            train,
            validation,
            test,
        })
    }

    /// As [`new`](Self::new), of a data set whose last `n_validation` rows are for
    /// validation; 0 if it has none of its own.
    ///
    /// # Errors
    /// If no row is left for training.
    pub fn with_validation(
        n: usize,
        n_validation: usize,
        selection: &SplitOptions,
        has_test: bool,
        classes: Option<&[u32]>,
    ) -> Result<Self> {
        if n_validation == 0 {
            return Self::new(n, selection, has_test, classes);
        }
        let n_train = n - n_validation;
        let selection = SplitOptions {
            validation: 0.0,
            ..selection.clone()
        };
        let rows = Self::new(n_train, &selection, has_test, classes)?;
        Ok(Self {
            validation: (n_train as u32..n as u32).collect(),
            ..rows
        })
    }
}

/// Randomly splits `rows` into two parts; the second part has this `fraction` of the
/// rows. `classes` has the class of every row of the data set.
fn split_rows(
    rows: &[u32],
    classes: Option<&[u32]>,
    fraction: f64,
    stream: &mut Stream,
) -> (Vec<u32>, Vec<u32>) {
    let (kept, held_back) = match classes {
        None => split(rows.len(), fraction, stream),
        Some(classes) => {
            let classes: Vec<u32> = rows.iter().map(|&row| classes[row as usize]).collect();
            split_stratified(&classes, fraction, stream)
        }
    };
    let pick = |positions: Vec<u32>| positions.iter().map(|&at| rows[at as usize]).collect();
    (pick(kept), pick(held_back))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn own_validation_rows_are_kept() {
        let selection = SplitOptions::new(&Settings::default()).expect("the settings are right");
        let classes: Vec<u32> = (0..25).map(|row| row % 2).collect();
        let rows = SplitRows::with_validation(25, 5, &selection, false, Some(&classes))
            .expect("rows are left");
        assert_eq!(rows.validation, [20, 21, 22, 23, 24]);
        assert_eq!((rows.train.len(), rows.test.len()), (18, 2));
        assert!(rows.train.iter().chain(&rows.test).all(|&row| row < 20));
    }

    /// The first 6 of what the test rows leave are used, whatever their class.
    #[test]
    fn rows_are_limited_before_they_are_divided() {
        let settings = Settings {
            limit_train: Some(6),
            validation: Some(0.34),
            ..Settings::default()
        };
        let selection = SplitOptions::new(&settings).expect("the settings are right");
        let classes: Vec<u32> = (0..20).map(|row| row / 10).collect();
        let division =
            SplitRows::new(20, &selection, false, Some(&classes)).expect("rows are left");
        let count = |class| {
            let of_class = |row: &&u32| classes[**row as usize] == class;
            division.test.iter().filter(of_class).count()
        };
        assert_eq!([count(0), count(1)], [1, 1]);
        let mut used = [division.train.clone(), division.validation.clone()].concat();
        used.sort_unstable();
        let first = (0..20).filter(|row| !division.test.contains(row)).take(6);
        assert!(used.into_iter().eq(first));
        assert_eq!(division.validation.len(), 2);
    }
}
