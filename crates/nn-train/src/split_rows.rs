//! The rows of each split of a data set.

use std::collections::HashMap;

use nn_core::batches::{RowIndices, grouped_folds, grouped_split, split, split_stratified};
use nn_settings::{Error, Result};
use nn_tensor::random::{Purpose, Stream, Streams};

use crate::note::Note;
use crate::split::Split;
use crate::split_options::{Fold, SplitOptions};

/// Numbers of the random streams for [`Purpose::Split`].
mod stream {
    pub(super) const VALIDATION: u64 = 0;
    pub(super) const TEST: u64 = 1;
    pub(super) const FOLDS: u64 = 2;
    pub(super) const TRAIN_SIZE: u64 = 3;
}

/// A split is uneven if its number of rows differs from the wanted number by more than
/// this fraction of it.
const MAX_DIFFERENCE: f64 = 0.5;

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

/// The rows of each split, with little memory if they follow one another.
#[derive(Clone, Debug, Default)]
pub(crate) struct SplitIndices {
    pub(crate) train: RowIndices,
    pub(crate) validation: RowIndices,
    pub(crate) test: RowIndices,
}

impl From<SplitRows> for SplitIndices {
    fn from(rows: SplitRows) -> Self {
        Self {
            train: rows.train.into(),
            validation: rows.validation.into(),
            test: rows.test.into(),
        }
    }
}

/// Columns of a data set that determine the split of each row.
#[derive(Clone, Debug, Default)]
pub struct SplitColumns {
    /// The class of each row, if the split is stratified by class.
    pub classes: Option<Vec<u32>>,
    /// The group of each row: all rows of a group belong to the same split.
    pub groups: Option<Vec<u32>>,
    /// The rank of each row in time: the latest rows are test rows, and rows with the same
    /// rank belong to the same split.
    pub ranks: Option<Vec<u32>>,
    /// The split of each row.
    pub splits: Option<Vec<Split>>,
}

impl SplitRows {
    /// Uses all `n` rows as test rows.
    pub fn all_test(n: usize) -> Self {
        Self {
            test: (0..n as u32).collect(),
            ..Self::default()
        }
    }

    /// Splits `n` rows at random, or as `columns` determine. Test rows are split off
    /// unless the data set has separate test samples and no fold of test rows is chosen. Of the
    /// other rows, the first `limit_train` are used for training and validation, or `train_size`
    /// random rows of them.
    ///
    /// # Errors
    /// Returns an error if no row is left for training, or if there are fewer rows or groups
    /// than folds.
    pub fn new(
        n: usize,
        options: &SplitOptions,
        has_test: bool,
        columns: &SplitColumns,
    ) -> Result<Self> {
        let streams = Streams::new(options.seed);
        let mut all: Vec<u32> = (0..n as u32).collect();
        if let Some(ranks) = &columns.ranks {
            all.sort_by_key(|&row| ranks[row as usize]);
        }
        let mut given_validation = Vec::new();
        let (mut rest, test) = if let Some(splits) = &columns.splits {
            let rows_of = |split| -> Vec<u32> {
                let is_in = |row: &u32| splits[*row as usize] == split;
                all.iter().copied().filter(is_in).collect()
            };
            given_validation = rows_of(Split::Validation);
            (rows_of(Split::Train), rows_of(Split::Test))
        } else if let Some(fold) = options.fold_of(Split::Test) {
            let mut stream = streams.stream(Purpose::Split, stream::FOLDS);
            columns.split_off_fold(&all, fold, &mut stream)?
        } else if has_test {
            (all, Vec::new())
        } else {
            let mut stream = streams.stream(Purpose::Split, stream::TEST);
            columns.split_off(&all, options.test_split, &mut stream)
        };
        rest.truncate(options.limit_train.unwrap_or(rest.len()));
        if let Some(size) = options.train_size {
            let mut stream = streams.stream(Purpose::Split, stream::TRAIN_SIZE);
            rest = columns.drawn(rest, size, &mut stream);
        }
        let (train, validation) = if let Some(fold) = options.fold_of(Split::Validation) {
            let mut stream = streams.stream(Purpose::Split, stream::FOLDS);
            columns.split_off_fold(&rest, fold, &mut stream)?
        } else if given_validation.is_empty() {
            let mut stream = streams.stream(Purpose::Split, stream::VALIDATION);
            columns.split_off(&rest, options.validation, &mut stream)
        } else {
            (rest, given_validation)
        };
        if train.is_empty() {
            return Err(Error::usage(format!(
                "no training samples are left of {n} samples (`validation = {}`, `test-split = {}`)",
                options.validation, options.test_split
            )));
        }
        Ok(Self {
            train,
            validation,
            test,
        })
    }

    /// Splits the rows of a data set whose last `n_validation` rows are validation rows. If
    /// `n_validation` is 0, or if a fold of validation rows is chosen, validation rows are split
    /// off as in [`new`](Self::new).
    ///
    /// # Errors
    /// Returns the same errors as [`new`](Self::new).
    pub fn with_validation(
        n: usize,
        n_validation: usize,
        options: &SplitOptions,
        has_test: bool,
        columns: &SplitColumns,
    ) -> Result<Self> {
        if n_validation == 0 || options.fold_of(Split::Validation).is_some() {
            return Self::new(n, options, has_test, columns);
        }
        let n_train = n - n_validation;
        let options = SplitOptions {
            validation: 0.0,
            ..options.clone()
        };
        let rows = Self::new(n_train, &options, has_test, columns)?;
        Ok(Self {
            validation: (n_train as u32..n as u32).collect(),
            ..rows
        })
    }

    /// Notes about splits whose number of rows differs much from the wanted number,
    /// because rows with the same group or time stay together.
    pub(crate) fn uneven(&self, options: &SplitOptions, columns: &SplitColumns) -> Vec<Note> {
        let (n_validation, n_test) = (self.validation.len(), self.test.len());
        let n_rest = self.train.len() + n_validation;
        let fraction = |split, without_folds| match options.fold_of(split) {
            Some(fold) => 1.0 / fold.count as f64,
            None => without_folds,
        };
        let test_fraction = fraction(Split::Test, options.test_split);
        let validation_fraction = fraction(Split::Validation, options.validation);
        let wanted = |n: usize, fraction: f64| (n as f64 * fraction).round() as usize;
        let splits = [
            (Split::Test, n_test, wanted(n_rest + n_test, test_fraction)),
            (
                Split::Validation,
                n_validation,
                wanted(n_rest, validation_fraction),
            ),
        ];
        let is_uneven = |&(split, n_rows, n_wanted): &(Split, usize, usize)| {
            !columns.gives(split)
                && n_rows.abs_diff(n_wanted) as f64 > MAX_DIFFERENCE * n_wanted as f64
        };
        splits
            .into_iter()
            .filter(is_uneven)
            .map(|(split, n_rows, n_wanted)| Note::UnevenSplit {
                split,
                n_rows,
                n_wanted,
            })
            .collect()
    }
}

impl SplitColumns {
    /// Whether the column of the splits decides which rows are in this split. Without validation
    /// rows in the column, some training rows are split off.
    fn gives(&self, split: Split) -> bool {
        let gives = |splits: &Vec<Split>| split == Split::Test || splits.contains(&split);
        self.splits.as_ref().is_some_and(gives)
    }

    /// Two rows of the same group with different splits, if the column of the splits divides a
    /// group.
    pub(crate) fn divided_group(&self) -> Option<[usize; 2]> {
        let (groups, splits) = (self.groups.as_ref()?, self.splits.as_ref()?);
        let mut first_rows = HashMap::new();
        let with_other_split = |(row, &group): (usize, &u32)| {
            let first = *first_rows.entry(group).or_insert(row);
            (splits[first] != splits[row]).then_some([first, row])
        };
        groups.iter().enumerate().find_map(with_other_split)
    }

    /// Splits `rows` into two parts; the second part has this `fraction` of the rows.
    fn split_off(&self, rows: &[u32], fraction: f64, stream: &mut Stream) -> (Vec<u32>, Vec<u32>) {
        if let Some(ranks) = &self.ranks {
            let n_last = (rows.len() as f64 * fraction).round() as usize;
            let ranks: Vec<u32> = rows.iter().map(|&row| ranks[row as usize]).collect();
            let (first, last) = rows.split_at(start_of_last(&ranks, n_last));
            return (first.to_vec(), last.to_vec());
        }
        if let Some(groups) = &self.groups {
            return grouped_split(rows, groups, self.classes.as_deref(), fraction, stream);
        }
        let (kept, held_back) = match &self.classes {
            None => split(rows.len(), fraction, stream),
            Some(classes) => {
                let classes: Vec<u32> = rows.iter().map(|&row| classes[row as usize]).collect();
                split_stratified(&classes, fraction, stream)
            }
        };
        let pick = |positions: Vec<u32>| positions.iter().map(|&at| rows[at as usize]).collect();
        (pick(kept), pick(held_back))
    }

    /// Draws `size` of the `rows` at random, stratified by class, in the order of `rows`. The
    /// rows drawn for a smaller size are a subset: each class has a random order, and the row
    /// at position i of n comes (i + ½) / n of the way through all rows.
    fn drawn(&self, rows: Vec<u32>, size: usize, stream: &mut Stream) -> Vec<u32> {
        if rows.len() <= size {
            return rows;
        }
        let class_of = |row: u32| {
            self.classes
                .as_ref()
                .map_or(0, |it| it[row as usize] as usize)
        };
        let n_classes = rows.iter().map(|&row| class_of(row) + 1).max().unwrap_or(0);
        let mut n_of_class = vec![0_usize; n_classes];
        rows.iter().for_each(|&row| n_of_class[class_of(row)] += 1);
        let mut n_seen = vec![0_usize; n_classes];
        let mut order: Vec<(f64, u32)> = Vec::with_capacity(rows.len());
        for position in stream.permutation(rows.len()) {
            let class = class_of(rows[position as usize]);
            let place = (n_seen[class] as f64 + 0.5) / n_of_class[class] as f64;
            n_seen[class] += 1;
            order.push((place, position));
        }
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut drawn: Vec<u32> = order
            .iter()
            .take(size)
            .map(|&(_, position)| position)
            .collect();
        drawn.sort_unstable();
        drawn
            .into_iter()
            .map(|position| rows[position as usize])
            .collect()
    }

    /// Splits `rows` into the rows of the other folds and those of the chosen fold.
    fn split_off_fold(
        &self,
        rows: &[u32],
        fold: Fold,
        stream: &mut Stream,
    ) -> Result<(Vec<u32>, Vec<u32>)> {
        let folds = self.of_rows(rows).folds(rows.len(), fold, stream)?;
        let (mut others, mut chosen) = (Vec::new(), Vec::new());
        for (&row, found) in rows.iter().zip(folds) {
            let is_chosen = found as usize + 1 == fold.number;
            if is_chosen { &mut chosen } else { &mut others }.push(row);
        }
        Ok((others, chosen))
    }

    /// The classes and groups of some rows; the groups are numbered without gaps.
    fn of_rows(&self, rows: &[u32]) -> Self {
        let of_rows = |values: &Vec<u32>| rows.iter().map(|&row| values[row as usize]).collect();
        Self {
            classes: self.classes.as_ref().map(of_rows),
            groups: self.groups.as_ref().map(of_rows).map(numbered),
            ..Self::default()
        }
    }

    /// The fold of each of `n` rows, counted from 0.
    fn folds(&self, n: usize, fold: Fold, stream: &mut Stream) -> Result<Vec<u32>> {
        let (found, what) = match &self.groups {
            Some(groups) => (
                groups.iter().max().map_or(0, |&it| it as usize + 1),
                "groups",
            ),
            None => (n, "rows"),
        };
        if found < fold.count {
            return Err(Error::usage(format!(
                "`folds`: expected at most {found}, the number of {what}, found {}",
                fold.count
            )));
        }
        if let Some(groups) = &self.groups {
            let classes = self.classes.as_deref();
            return Ok(grouped_folds(groups, classes, fold.count, stream));
        }
        let mut order = stream.permutation(n);
        if let Some(classes) = &self.classes {
            // The rows of a class are dealt to the folds one after the other.
            order.sort_by_key(|&row| classes[row as usize]);
        }
        let mut folds = vec![0; n];
        for (position, row) in order.into_iter().enumerate() {
            folds[row as usize] = (position % fold.count) as u32;
        }
        Ok(folds)
    }
}

/// Numbers the groups without gaps, in the order of their numbers.
fn numbered(groups: Vec<u32>) -> Vec<u32> {
    let mut distinct = groups.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let number = |group| distinct.partition_point(|&other| other < group) as u32;
    groups.into_iter().map(number).collect()
}

/// The start of about the last `n_last` of some rows with ascending ranks: rows of the same
/// rank stay together.
fn start_of_last(ranks: &[u32], n_last: usize) -> usize {
    let start = ranks.len() - n_last;
    let is_between = |at: &usize| match *at {
        0 => false,
        at => at == ranks.len() || ranks[at - 1] != ranks[at],
    };
    if n_last == 0 {
        return start;
    }
    let before = (0..=start).rev().find(is_between);
    let after = (start..=ranks.len()).find(is_between);
    match (before, after) {
        // Some rows are held back, unless all have the same rank.
        (Some(before), Some(after)) if after < ranks.len() && after - start < start - before => {
            after
        }
        (Some(before), _) => before,
        (None, after) => after.unwrap_or(ranks.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn_settings::Settings;

    fn options(settings: &Settings) -> SplitOptions {
        SplitOptions::new(settings).expect("the settings are right")
    }

    fn sorted(parts: &[&[u32]]) -> Vec<u32> {
        let mut rows = parts.concat();
        rows.sort_unstable();
        rows
    }

    #[test]
    fn own_validation_rows_are_kept() {
        let options = SplitOptions::new(&Settings::default()).expect("the settings are right");
        let columns = SplitColumns {
            classes: Some((0..25).map(|row| row % 2).collect()),
            ..SplitColumns::default()
        };
        let rows = SplitRows::with_validation(25, 5, &options, false, &columns);
        let rows = rows.expect("rows are left");
        assert_eq!(rows.validation, [20, 21, 22, 23, 24]);
        assert_eq!((rows.train.len(), rows.test.len()), (18, 2));
        assert!(rows.train.iter().chain(&rows.test).all(|&row| row < 20));
    }

    /// The first 6 of what the test rows leave are used, whatever their class.
    #[test]
    fn rows_are_limited_before_they_are_divided() {
        let options = options(&Settings {
            limit_train: Some(6),
            validation: Some(0.34),
            ..Settings::default()
        });
        let classes: Vec<u32> = (0..20).map(|row| row / 10).collect();
        let columns = SplitColumns {
            classes: Some(classes.clone()),
            ..SplitColumns::default()
        };
        let division = SplitRows::new(20, &options, false, &columns).expect("rows are left");
        let count = |class| {
            let of_class = |row: &&u32| classes[**row as usize] == class;
            division.test.iter().filter(of_class).count()
        };
        assert_eq!([count(0), count(1)], [1, 1]);
        let used = sorted(&[&division.train, &division.validation]);
        let first = (0..20).filter(|row| !division.test.contains(row)).take(6);
        assert!(used.into_iter().eq(first));
        assert_eq!(division.validation.len(), 2);
    }

    /// 30 rows of one class and 10 of the other: every number has three quarters of the first.
    #[test]
    fn drawn_rows_are_stratified_and_nested() {
        let classes: Vec<u32> = (0..40).map(|row| u32::from(row % 4 == 3)).collect();
        let columns = SplitColumns {
            classes: Some(classes.clone()),
            ..SplitColumns::default()
        };
        let drawn = |train_size| {
            let options = options(&Settings {
                train_size: Some(train_size),
                validation: Some(0.0),
                ..Settings::default()
            });
            let rows = SplitRows::new(40, &options, true, &columns).expect("rows are left");
            rows.train
        };
        let (few, many) = (drawn(8), drawn(20));
        for (rows, n_first) in [(&few, 6), (&many, 15)] {
            let of_first = rows.iter().filter(|&&row| classes[row as usize] == 0);
            assert_eq!(of_first.count(), n_first);
            assert!(rows.is_sorted());
        }
        assert_eq!((few.len(), many.len(), drawn(99).len()), (8, 20, 40));
        assert!(few.iter().all(|row| many.contains(row)));
        assert_ne!(few, [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    /// The latest two of ten rows are tested, the two before them validate.
    #[test]
    fn the_last_rows_in_time_are_held_back() {
        let columns = SplitColumns {
            ranks: Some(vec![8, 9, 7, 6, 5, 4, 3, 2, 1, 0]),
            ..SplitColumns::default()
        };
        let options = options(&Settings {
            test_split: Some(0.2),
            validation: Some(0.25),
            ..Settings::default()
        });
        let rows = SplitRows::new(10, &options, false, &columns).expect("rows are left");
        assert_eq!(rows.test, [0, 1]);
        assert_eq!(rows.validation, [3, 2]);
        assert_eq!(rows.train, [9, 8, 7, 6, 5, 4]);
    }

    #[test]
    fn rows_of_one_time_stay_together() {
        // The wanted start is 8 of 10 rows.
        assert_eq!(start_of_last(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 2), 8);
        assert_eq!(start_of_last(&[0, 0, 0, 0, 0, 0, 0, 1, 1, 1], 2), 7);
        assert_eq!(start_of_last(&[0, 1, 2, 3, 3, 3, 3, 3, 3, 4], 2), 9);
        // The last time alone is held back, however many rows it has.
        assert_eq!(start_of_last(&[0, 1, 1, 1, 1, 1, 1, 1, 1, 1], 2), 1);
        // Nothing can be held back from one time.
        assert_eq!(start_of_last(&[0; 10], 2), 10);
        assert_eq!(start_of_last(&[0, 1, 2], 0), 3);
    }

    #[test]
    fn given_splits_are_kept_and_missing_validation_rows_are_split_off() {
        use Split::{Test, Train, Validation};
        let split = |splits: Vec<Split>| {
            let columns = SplitColumns {
                splits: Some(splits),
                ..SplitColumns::default()
            };
            let options = options(&Settings {
                validation: Some(0.5),
                ..Settings::default()
            });
            SplitRows::new(5, &options, false, &columns).expect("rows are left")
        };
        let rows = split(vec![Test, Train, Validation, Train, Test]);
        assert_eq!(rows.train, [1, 3]);
        assert_eq!(rows.validation, [2]);
        assert_eq!(rows.test, [0, 4]);
        let rows = split(vec![Train, Train, Test, Train, Train]);
        assert_eq!(rows.test, [2]);
        assert_eq!((rows.train.len(), rows.validation.len()), (2, 2));
        assert_eq!(sorted(&[&rows.train, &rows.validation]), [0, 1, 3, 4]);
    }

    /// Six rows of one class and four of the other, in two folds: three and two each.
    #[test]
    fn folds_are_stratified_and_test_each_row_once() {
        let classes = vec![0, 0, 0, 1, 1, 0, 0, 0, 1, 1];
        let columns = SplitColumns {
            classes: Some(classes.clone()),
            ..SplitColumns::default()
        };
        let all: Vec<u32> = (0..10).collect();
        let mut tested = Vec::new();
        for number in [1, 2] {
            let options = options(&Settings {
                folds: Some(2),
                fold: Some(number),
                validation: Some(0.2),
                ..Settings::default()
            });
            // Folds are folds of the training samples, even if there are test samples.
            let rows = SplitRows::new(10, &options, true, &columns).expect("rows are left");
            let of_first = rows.test.iter().filter(|&&row| classes[row as usize] == 0);
            assert_eq!((rows.test.len(), of_first.count()), (5, 3));
            assert_eq!((rows.train.len(), rows.validation.len()), (4, 1));
            assert_eq!(sorted(&[&rows.train, &rows.validation, &rows.test]), all);
            tested.extend(rows.test);
        }
        assert_eq!(sorted(&[&tested]), all);
    }

    /// Two of twelve rows are test rows, with and without folds; the others validate once.
    #[test]
    fn folds_of_validation_rows_leave_out_the_test_rows() {
        let columns = SplitColumns {
            classes: Some((0..12).map(|row| row % 2).collect()),
            ..SplitColumns::default()
        };
        let split = |settings: &Settings| {
            let options = options(settings).with_validation_fold();
            SplitRows::new(12, &options, false, &columns).expect("rows are left")
        };
        let test_split = Some(1.0 / 6.0);
        let without_folds = split(&Settings {
            test_split,
            ..Settings::default()
        });
        assert_eq!(without_folds.test.len(), 2);
        let mut validated = Vec::new();
        for fold in 1..=5 {
            let rows = split(&Settings {
                test_split,
                folds: Some(5),
                fold: Some(fold),
                ..Settings::default()
            });
            assert_eq!(rows.test, without_folds.test);
            let of_first = rows.validation.iter().filter(|&&row| row % 2 == 0);
            assert_eq!((rows.validation.len(), of_first.count()), (2, 1));
            assert_eq!(rows.train.len(), 8);
            assert!(rows.train.iter().all(|row| !rows.validation.contains(row)));
            validated.extend(rows.validation);
        }
        validated.extend(&without_folds.test);
        assert_eq!(sorted(&[&validated]), (0..12).collect::<Vec<u32>>());
    }

    /// The groups of the test rows are none of the groups that are divided into folds.
    #[test]
    fn folds_of_validation_rows_keep_groups_together() {
        let groups: Vec<u32> = (0..20).map(|row| row / 2).collect();
        let columns = SplitColumns {
            groups: Some(groups.clone()),
            ..SplitColumns::default()
        };
        let split = |folds, fold| {
            let options = options(&Settings {
                test_split: Some(0.4),
                folds: Some(folds),
                fold: Some(fold),
                ..Settings::default()
            });
            SplitRows::new(20, &options.with_validation_fold(), false, &columns)
        };
        for fold in 1..=3 {
            let rows = split(3, fold).expect("rows are left");
            assert_eq!((rows.test.len(), rows.validation.len()), (8, 4));
            for row in [&rows.validation, &rows.test].into_iter().flatten() {
                let is_alone = |other: &u32| groups[*other as usize] != groups[*row as usize];
                assert!(rows.train.iter().all(is_alone));
            }
        }
        let error = split(7, 1).expect_err("there are 6 groups");
        assert_eq!(
            error.to_string(),
            "`folds`: expected at most 6, the number of groups, found 7"
        );
    }

    #[test]
    fn impossible_folds_are_refused() {
        let split = |folds, fold, order_by: Option<&str>| {
            let options = SplitOptions::new(&Settings {
                folds,
                fold,
                order_by: order_by.map(str::to_owned),
                ..Settings::default()
            })?;
            SplitRows::new(3, &options, false, &SplitColumns::default())
        };
        split(Some(3), Some(3), None).expect("a fold of one row each");
        for (folds, fold, order_by, problem) in [
            (
                Some(4),
                Some(1),
                None,
                "`folds`: expected at most 3, the number of rows, found 4",
            ),
            (
                Some(1),
                Some(1),
                None,
                "`folds`: expected a whole number from 2, found 1",
            ),
            (
                Some(2),
                Some(3),
                None,
                "`fold`: expected a whole number from 1 to 2, found 3",
            ),
            (Some(2), None, None, "`folds = 2`: no fold is chosen"),
            (
                None,
                Some(2),
                None,
                "`fold = 2`: the number of folds is missing",
            ),
            (
                Some(2),
                Some(1),
                Some("day"),
                "`folds`: the folds are random, but `order-by` sets the split",
            ),
        ] {
            let error = split(folds, fold, order_by).expect_err(problem);
            assert_eq!(error.to_string(), problem);
        }
    }

    #[test]
    fn a_divided_group_is_found() {
        use Split::{Test, Train};
        let mut columns = SplitColumns {
            groups: Some(vec![0, 1, 0, 1]),
            splits: Some(vec![Train, Test, Train, Test]),
            ..SplitColumns::default()
        };
        assert_eq!(columns.divided_group(), None);
        columns.splits = Some(vec![Train, Test, Train, Train]);
        assert_eq!(columns.divided_group(), Some([1, 3]));
        columns.groups = None;
        assert_eq!(columns.divided_group(), None);
    }

    #[test]
    fn uneven_splits_are_noted() {
        let rows = SplitRows {
            train: (0..40).collect(),
            validation: (40..44).collect(),
            test: (44..100).collect(),
        };
        let settings = options(&Settings::default());
        let given = SplitColumns {
            splits: Some(vec![Split::Train; 100]),
            ..SplitColumns::default()
        };
        assert!(rows.uneven(&settings, &given).is_empty());
        let notes = rows.uneven(&settings, &SplitColumns::default());
        let texts: Vec<String> = notes.iter().map(Note::to_string).collect();
        assert_eq!(
            texts,
            [
                "56 test rows instead of about 10, because rows with the same group or time stay together"
            ]
        );
    }
}
