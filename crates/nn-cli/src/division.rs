//! The random split of a data set into training, validation and test rows.

use nn_core::batches::{split, split_stratified};
use nn_tensor::random::{Purpose, Stream, Streams};

use crate::failure::{Failure, Result};
use crate::selection::Selection;

/// The training, validation and test rows of a data set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Division {
    pub(crate) train: Vec<u32>,
    pub(crate) validation: Vec<u32>,
    /// Empty where the data set has test samples of its own.
    pub(crate) test: Vec<u32>,
}

impl Division {
    /// All `n` rows are test rows.
    pub(crate) fn all_test(n: usize) -> Self {
        Self {
            test: (0..n as u32).collect(),
            ..Self::default()
        }
    }

    /// Randomly splits `n` rows, stratified if `classes` are given. Test rows are
    /// split off unless the data set has its own. The first `limit_train` of the
    /// rest are used, and validation rows are split off from these.
    pub(crate) fn new(
        n: usize,
        selection: &Selection,
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
            return Err(Failure::usage(format!(
                "of {n} samples, none is left to train on (--validation {}, --test-split {})",
                selection.validation, selection.test_split
            )));
        }
        Ok(Self {
            train,
            validation,
            test,
        })
    }
}

/// Randomly splits `rows`: the second part is this `fraction` of them. `classes`
/// has the class of every row of the data set.
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

    /// The first 6 of what the test rows leave are used, whatever their class.
    #[test]
    fn rows_are_limited_before_they_are_divided() {
        let settings = Settings {
            limit_train: Some(6),
            validation: Some(0.34),
            ..Settings::default()
        };
        let selection = Selection::new(&settings).expect("the settings are right");
        let classes: Vec<u32> = (0..20).map(|row| row / 10).collect();
        let division = Division::new(20, &selection, false, Some(&classes)).expect("rows are left");
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
