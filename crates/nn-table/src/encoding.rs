//! Encoding of table columns as inputs of the network.

use std::borrow::Cow;
use std::collections::HashMap;

use ndarray::ArrayViewMut2;
use serde::{Deserialize, Serialize};

use crate::cells::{Cells, MISSING};
use crate::column::ColumnType;
use crate::date_format::cycles;
use crate::error::CellProblem;
use crate::note::Note;
use crate::table::Table;
use crate::weighted_rows::WeightedRows;
use crate::{Error, Result};

/// Maximum number of categories with an input of their own.
const MAX_CATEGORIES: usize = 255;

/// Number of values of each cycle of a date: weekday, month and hour.
const CYCLE_LENGTHS: [usize; 3] = [7, 12, 24];

/// Handling of categories that do not occur in the training rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnseenCategory {
    /// Set all inputs of the column to 0, and add a [`Note`].
    #[default]
    Zeros,
    /// Return [`Error::BadCell`].
    Error,
}

/// Encoding of an input column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnEncoding {
    /// Standardization of a number: one input, or two with an indicator of missing
    /// values.
    #[serde(alias = "standardise")]
    Standardize(NumberEncoding),
    /// One-hot encoding: one input per category, sorted by name. A missing value is
    /// the category `""`.
    OneHot(Vec<String>),
    /// Encoding of a date: the seconds as a number, and weekday, month and hour one-hot.
    Date(DateEncoding),
}

/// Standardization: `(x - mean) / std`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardization {
    /// Mean of the training rows.
    pub mean: f64,
    /// Population standard deviation of the training rows, above 0.
    pub std: f64,
}

/// Encoding of a number: `(x - mean) / std`, with the median of the training rows in
/// place of a missing value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumberEncoding {
    /// Standardization of the number.
    #[serde(flatten)]
    pub standardization: Standardization,
    /// Median of the training rows; `None` in models of versions without missing
    /// values, which use the mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median: Option<f64>,
    /// Whether a second input is 1 for a missing value and 0 otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_indicator: bool,
}

/// Encoding of a date.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DateEncoding {
    /// Encoding of the seconds since 1970.
    pub seconds: NumberEncoding,
    /// Whether the weekday, the month and the hour are inputs; each is an input if it
    /// varies in the training rows.
    pub cycles: [bool; 3],
}

impl ColumnEncoding {
    /// Fits the encoding of a column to the training rows; `None` if it is constant.
    pub(crate) fn fit(
        table: &Table,
        position: usize,
        rows: &WeightedRows<'_>,
        notes: &mut Vec<Note>,
    ) -> Result<Option<Self>> {
        if let Cells::Words { words, codes } = table.cells(position) {
            let mut categories = frequent_words(words, codes, rows, table.name(position), notes);
            if rows.rows.iter().any(|&row| codes[row] == MISSING) {
                categories.insert(0, String::new());
            }
            let is_constant = categories.len() == 1;
            return Ok((!is_constant).then_some(Self::OneHot(categories)));
        }
        let values = table.numbers(position)?;
        let Some(number) = NumberEncoding::fit(&values, rows) else {
            return Ok(None);
        };
        let ColumnType::Date(_) = table.column_type(position) else {
            return Ok(Some(Self::Standardize(number)));
        };
        let mut seen = [[false; 24]; 3];
        for &row in rows.rows.iter().filter(|&&row| !values[row].is_nan()) {
            for (seen, value) in seen.iter_mut().zip(cycles(values[row])) {
                seen[value] = true;
            }
        }
        let varies = |seen: [bool; 24]| seen.iter().filter(|&&seen| seen).count() > 1;
        Ok(Some(Self::Date(DateEncoding {
            seconds: number,
            cycles: seen.map(varies),
        })))
    }

    /// Number of inputs per cell.
    pub fn width(&self) -> usize {
        match self {
            Self::Standardize(number) => number.width(),
            Self::OneHot(categories) => categories.len(),
            Self::Date(date) => {
                let cycles = date.cycles.iter().zip(CYCLE_LENGTHS);
                date.seconds.width()
                    + cycles
                        .map(|(&is_input, n)| n * usize::from(is_input))
                        .sum::<usize>()
            }
        }
    }

    /// The column type that this encoding reads.
    pub(crate) fn column_type(&self) -> ColumnType {
        match self {
            Self::OneHot(_) => ColumnType::Category,
            Self::Standardize(_) | Self::Date(_) => ColumnType::plain_number(),
        }
    }

    /// The numbers that a division by 0 or an overflow would spoil.
    pub(crate) fn standardization(&self) -> Option<Standardization> {
        match self {
            Self::Standardize(number) => Some(number.standardization),
            Self::Date(date) => Some(date.seconds.standardization),
            Self::OneHot(_) => None,
        }
    }

    /// Encodes a column into `block`, `[n_rows, width]`, which is 0.
    pub(crate) fn transform(
        &self,
        table: &Table,
        position: usize,
        unseen: UnseenCategory,
        mut block: ArrayViewMut2<'_, f32>,
        notes: &mut Vec<Note>,
    ) -> Result<()> {
        match self {
            Self::Standardize(number) => number.transform(table, position, &mut block, notes),
            Self::OneHot(categories) => {
                one_hot(table, position, categories, unseen, &mut block, notes)
            }
            Self::Date(date) => {
                date.seconds.transform(table, position, &mut block, notes)?;
                let values = table.numbers(position)?;
                for (row, &value) in values.iter().enumerate().filter(|(_, it)| !it.is_nan()) {
                    let mut at = date.seconds.width();
                    let parts = cycles(value)
                        .into_iter()
                        .zip(date.cycles)
                        .zip(CYCLE_LENGTHS);
                    for ((part, is_input), n) in parts {
                        if is_input {
                            block[[row, at + part]] = 1.0;
                            at += n;
                        }
                    }
                }
                Ok(())
            }
        }
    }
}

impl NumberEncoding {
    /// `None` if all values of the rows are missing or equal.
    fn fit(values: &[f64], rows: &WeightedRows<'_>) -> Option<Self> {
        let mut present: Vec<f64> = rows.rows.iter().map(|&row| values[row]).collect();
        present.retain(|value| !value.is_nan());
        let n_missing = rows.rows.len() - present.len();
        let first = *present.first()?;
        if n_missing == 0 && present.iter().all(|&value| value == first) {
            return None;
        }
        Some(Self {
            standardization: Standardization::fit(values, rows),
            median: Some(median(&mut present)),
            has_indicator: n_missing > 0,
        })
    }

    fn width(&self) -> usize {
        1 + usize::from(self.has_indicator)
    }

    fn transform(
        &self,
        table: &Table,
        position: usize,
        block: &mut ArrayViewMut2<'_, f32>,
        notes: &mut Vec<Note>,
    ) -> Result<()> {
        let numbers = table.numbers(position)?;
        let instead = self.median.unwrap_or(self.standardization.mean);
        let mut n_missing = 0;
        for (row, &number) in numbers.iter().enumerate() {
            let is_missing = number.is_nan();
            let number = if is_missing { instead } else { number };
            let value = self.standardization.apply(number);
            if !value.is_finite() {
                return Err(table.bad_cell(position, row, CellProblem::OutOfRange));
            }
            block[[row, 0]] = value;
            if is_missing {
                n_missing += 1;
                if self.has_indicator {
                    block[[row, 1]] = 1.0;
                }
            }
        }
        if n_missing > 0 && !self.has_indicator {
            notes.push(Note::NewMissing {
                column: table.name(position).to_owned(),
                n_rows: n_missing,
            });
        }
        Ok(())
    }
}

/// The median of numbers, of which there is at least one; their order changes.
fn median(values: &mut [f64]) -> f64 {
    let (middle, is_even) = (values.len() / 2, values.len().is_multiple_of(2));
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if is_even {
        let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (lower + upper) / 2.0
    } else {
        upper
    }
}

impl Standardization {
    /// Computes mean and standard deviation of the values that are not missing, in
    /// two passes, in double precision. If all squared deviations underflow to 0, the
    /// column counts as constant.
    pub(crate) fn fit(values: &[f64], rows: &WeightedRows<'_>) -> Self {
        let rows: Cow<'_, WeightedRows<'_>> = rows.present(values);
        if rows.are_all_equal(values) {
            return Self {
                mean: values[rows.rows[0]],
                std: 1.0,
            };
        }
        let mean = rows.mean(|row| values[row]);
        let std = rows.mean(|row| (values[row] - mean).powi(2)).sqrt();
        Self {
            mean,
            std: if std == 0.0 { 1.0 } else { std },
        }
    }

    pub(crate) fn apply(self, value: f64) -> f32 {
        ((value - self.mean) / self.std) as f32
    }

    pub(crate) fn inverse(self, value: f32) -> f32 {
        (f64::from(value) * self.std + self.mean) as f32
    }

    pub(crate) fn is_usable(self) -> bool {
        self.mean.is_finite() && self.std.is_finite() && 0.0 < self.std
    }
}

/// The words of the training rows, sorted by name: all, or the most frequent ones if
/// there are too many.
fn frequent_words(
    words: &[String],
    codes: &[u32],
    rows: &WeightedRows<'_>,
    column: &str,
    notes: &mut Vec<Note>,
) -> Vec<String> {
    let mut counts = vec![0_usize; words.len()];
    for &row in rows.rows.iter().filter(|&&row| codes[row] != MISSING) {
        counts[codes[row] as usize] += 1;
    }
    let mut seen: Vec<usize> = (0..words.len()).filter(|&code| counts[code] > 0).collect();
    if seen.len() > MAX_CATEGORIES {
        notes.push(Note::RareCategories {
            column: column.to_owned(),
            n_kept: MAX_CATEGORIES,
            n_merged: seen.len() - MAX_CATEGORIES,
        });
        seen.sort_by(|&a, &b| {
            counts[b]
                .cmp(&counts[a])
                .then_with(|| words[a].cmp(&words[b]))
        });
        seen.truncate(MAX_CATEGORIES);
    }
    let mut names: Vec<String> = seen.into_iter().map(|code| words[code].clone()).collect();
    names.sort_by(|a, b| compare_names(a, b));
    names
}

fn one_hot(
    table: &Table,
    position: usize,
    categories: &[String],
    unseen: UnseenCategory,
    block: &mut ArrayViewMut2<'_, f32>,
    notes: &mut Vec<Note>,
) -> Result<()> {
    let numbers = numbered(categories);
    let mut first_unseen = None;
    let mut n_rows = 0;
    let mut n_missing = 0;
    for row in 0..table.n_rows() {
        let word = table.word(position, row);
        match number_of(&numbers, &word) {
            Some(category) => block[[row, category]] = 1.0,
            None if word.is_empty() => n_missing += 1,
            None if unseen == UnseenCategory::Error => {
                return Err(unknown_category(table, position, row, categories));
            }
            None => {
                n_rows += 1;
                first_unseen.get_or_insert_with(|| word.into_owned());
            }
        }
    }
    let column = || table.name(position).to_owned();
    if n_missing > 0 {
        notes.push(Note::NewMissing {
            column: column(),
            n_rows: n_missing,
        });
    }
    if let Some(example) = first_unseen {
        notes.push(Note::UnseenCategories {
            column: column(),
            n_rows,
            example,
        });
    }
    Ok(())
}

pub(crate) fn numbered(names: &[String]) -> HashMap<&str, usize> {
    names.iter().map(String::as_str).zip(0..).collect()
}

/// The number of a name. Booleans, which programs write in different ways, may be in
/// another case.
pub(crate) fn number_of(numbers: &HashMap<&str, usize>, name: &str) -> Option<usize> {
    const BOOLEANS: [[&str; 3]; 2] = [["True", "true", "TRUE"], ["False", "false", "FALSE"]];
    let other_case = || {
        let forms = BOOLEANS.iter().find(|forms| forms.contains(&name))?;
        forms.iter().find_map(|form| numbers.get(form))
    };
    numbers.get(name).or_else(other_case).copied()
}

pub(crate) fn unknown_category(
    table: &Table,
    position: usize,
    row: usize,
    known: &[String],
) -> Error {
    table.bad_cell(position, row, CellProblem::UnknownCategory(known.to_vec()))
}

/// Orders names of classes and categories: numbers by value, then words.
pub(crate) fn compare_names(a: &str, b: &str) -> std::cmp::Ordering {
    let rank = |name: &str| name.parse::<f64>().ok().filter(|value| !value.is_nan());
    match (rank(a), rank(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_two() {
        assert_eq!(median(&mut [3.0]), 3.0);
        assert_eq!(median(&mut [9.0, 1.0, 5.0]), 5.0);
        assert_eq!(median(&mut [9.0, 1.0, 2.0, 5.0]), 3.5);
        assert_eq!(median(&mut [2.0, 2.0]), 2.0);
    }
}
