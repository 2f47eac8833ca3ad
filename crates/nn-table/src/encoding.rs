//! Encoding of table columns as inputs of the network.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use ndarray::ArrayViewMut2;
use serde::{Deserialize, Serialize};

use crate::cells::{Cells, MISSING};
use crate::column::ColumnType;
use crate::date_format::cycles;
use crate::error::CellProblem;
use crate::note::Note;
use crate::number_scaling::{NumberScaling, median};
use crate::options::TableOptions;
use crate::scaling::Scaling;
use crate::table::Table;
use crate::weighted_rows::WeightedRows;
use crate::{Error, Result};

/// Maximum number of categories with an input of their own.
const MAX_CATEGORIES: usize = 255;

/// Maximum number of categories that are one-hot encoded if larger columns are embedded, as
/// in RealMLP (Holzmüller et al. 2024, "Better by Default").
const MAX_ONE_HOT: usize = 8;

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
    /// Scaling of a number: one input, or two with an indicator of missing values.
    #[serde(alias = "standardise")]
    Standardize(NumberEncoding),
    /// One-hot encoding: one input per category, sorted by name. A missing value is
    /// the category `""`.
    OneHot(Vec<String>),
    /// Index of the category, for a category embedding: one input. A category that is not
    /// in the list has the number of categories as its index.
    Index(Vec<String>),
    /// Encoding of a date: the seconds as a number, and weekday, month and hour one-hot.
    Date(DateEncoding),
}

/// Encoding of a number: the scaled number, with the median of the training rows in
/// place of a missing value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumberEncoding {
    /// Scaling of the number.
    #[serde(flatten)]
    pub scaling: NumberScaling,
    /// Median of the training rows; `None` in models that were saved before missing values were
    /// supported, which use the mean.
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
        options: &TableOptions,
        notes: &mut Vec<Note>,
    ) -> Result<Option<Self>> {
        if let Cells::Words { words, codes } = table.cells(position) {
            let mut categories = frequent_words(words, codes, rows, table.name(position), notes);
            if rows.rows.iter().any(|&row| codes[row] == MISSING) {
                categories.insert(0, String::new());
            }
            return Ok(match categories.len() {
                1 => None,
                n if n > MAX_ONE_HOT && options.indexes_categories => Some(Self::Index(categories)),
                _ => Some(Self::OneHot(categories)),
            });
        }
        let value = |row| table.cells(position).number(row);
        let Some(number) = NumberEncoding::fit(value, rows, options.scaling) else {
            return Ok(None);
        };
        let ColumnType::Date(_) = table.column_type(position) else {
            return Ok(Some(Self::Standardize(number)));
        };
        let mut seen = [[false; 24]; 3];
        let values = rows.rows.iter().map(|&row| value(row));
        for value in values.filter(|value| !value.is_nan()) {
            for (seen, part) in seen.iter_mut().zip(cycles(value)) {
                seen[part] = true;
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
            Self::Index(_) => 1,
            Self::Date(date) => date.width(),
        }
    }

    /// The position of the column among the inputs of a network with embeddings: numbers
    /// first, indices last.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Standardize(_) => 0,
            Self::OneHot(_) | Self::Date(_) => 1,
            Self::Index(_) => 2,
        }
    }

    /// The column type that this encoding reads.
    pub(crate) fn column_type(&self) -> ColumnType {
        match self {
            Self::OneHot(_) | Self::Index(_) => ColumnType::Category,
            Self::Standardize(_) | Self::Date(_) => ColumnType::plain_number(),
        }
    }

    /// The numbers that a division by 0 or an overflow would spoil.
    pub(crate) fn scaling(&self) -> Option<NumberScaling> {
        match self {
            Self::Standardize(number) => Some(number.scaling),
            Self::Date(date) => Some(date.seconds.scaling),
            Self::OneHot(_) | Self::Index(_) => None,
        }
    }

    /// Checks that all cells of a column can be encoded, notes what is doubtful, and
    /// prepares the encoding of its rows.
    pub(crate) fn encoder(
        &self,
        table: &Table,
        position: usize,
        unseen: UnseenCategory,
        notes: &mut Vec<Note>,
    ) -> Result<Encoder<'_>> {
        match self {
            Self::Standardize(number) => {
                number.check(table, position, notes)?;
                Ok(Encoder::Number(number))
            }
            Self::OneHot(categories) | Self::Index(categories) => {
                let encoder = Categories::new(table.cells(position), categories);
                check_categories(table, position, categories, &encoder, unseen, notes)?;
                Ok(match self {
                    Self::Index(_) => Encoder::Index(encoder),
                    _ => Encoder::OneHot(encoder),
                })
            }
            Self::Date(date) => {
                date.seconds.check(table, position, notes)?;
                Ok(Encoder::Date(date))
            }
        }
    }
}

/// Encodes the rows of a column that has been checked.
pub(crate) enum Encoder<'a> {
    Number(&'a NumberEncoding),
    OneHot(Categories<'a>),
    Index(Categories<'a>),
    Date(&'a DateEncoding),
}

impl Encoder<'_> {
    /// Number of inputs per cell.
    pub(crate) fn width(&self) -> usize {
        match self {
            Self::Number(number) => number.width(),
            Self::OneHot(categories) => categories.n_categories,
            Self::Index(_) => 1,
            Self::Date(date) => date.width(),
        }
    }

    /// Encodes some rows of the column into `block`, `[n_rows, width]`, which is 0.
    pub(crate) fn encode(
        &self,
        cells: &Cells,
        rows: Range<usize>,
        mut block: ArrayViewMut2<'_, f32>,
    ) {
        match self {
            Self::Number(number) => number.encode(&numbers_of(cells, rows), block),
            Self::OneHot(categories) => {
                for (at, row) in rows.enumerate() {
                    if let Some(category) = categories.of(cells, row) {
                        block[[at, category]] = 1.0;
                    }
                }
            }
            Self::Index(categories) => {
                for (at, row) in rows.enumerate() {
                    let category = categories.of(cells, row);
                    block[[at, 0]] = category.unwrap_or(categories.n_categories) as f32;
                }
            }
            Self::Date(date) => date.encode(&numbers_of(cells, rows), block),
        }
    }
}

fn numbers_of(cells: &Cells, rows: Range<usize>) -> Cow<'_, [f64]> {
    cells.numbers_of(rows).unwrap_or_default()
}

/// The categories of a column.
pub(crate) struct Categories<'a> {
    n_categories: usize,
    /// The index of the category of each code, if the column holds words.
    of_code: Vec<Option<usize>>,
    of_word: HashMap<&'a str, usize>,
}

impl<'a> Categories<'a> {
    fn new(cells: &Cells, categories: &'a [String]) -> Self {
        let of_word = numbered(categories);
        let of_code = match cells {
            Cells::Words { words, .. } => {
                let number = |word: &String| number_of(&of_word, word);
                words.iter().map(number).collect()
            }
            _ => Vec::new(),
        };
        Self {
            n_categories: categories.len(),
            of_code,
            of_word,
        }
    }

    /// The index of the category in a row; `None` for a missing value or a new category
    /// without an input.
    fn of(&self, cells: &Cells, row: usize) -> Option<usize> {
        let by_word = |word: &str| number_of(&self.of_word, word);
        match cells {
            Cells::Words { codes, .. } => match self.of_code.get(codes[row] as usize) {
                Some(&category) => category,
                None => by_word(""),
            },
            _ => by_word(&cells.word(row)),
        }
    }
}

impl NumberEncoding {
    /// `None` if all values of the rows are missing or equal.
    fn fit(
        value: impl Fn(usize) -> f64,
        rows: &WeightedRows<'_>,
        scaling: Scaling,
    ) -> Option<Self> {
        let values = rows.rows.iter().map(|&row| value(row));
        let mut present: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
        let n_missing = rows.rows.len() - present.len();
        let first = *present.first()?;
        if n_missing == 0 && present.iter().all(|&value| value == first) {
            return None;
        }
        Some(Self {
            scaling: NumberScaling::fit(scaling, value, rows, &mut present),
            median: Some(median(&mut present)),
            has_indicator: n_missing > 0,
        })
    }

    fn width(&self) -> usize {
        1 + usize::from(self.has_indicator)
    }

    /// The input for a number or a missing value.
    fn apply(&self, number: f64) -> f32 {
        let instead = self.median.unwrap_or(self.scaling.center());
        let number = if number.is_nan() { instead } else { number };
        self.scaling.apply(number)
    }

    /// Checks that all inputs are finite.
    fn check(&self, table: &Table, position: usize, notes: &mut Vec<Note>) -> Result<()> {
        let numbers = table.numbers(position)?;
        let is_infinite = |&number: &f64| !self.apply(number).is_finite();
        if let Some(row) = numbers.iter().position(is_infinite) {
            return Err(table.bad_cell(position, row, CellProblem::OutOfRange));
        }
        let n_missing = numbers.iter().filter(|number| number.is_nan()).count();
        if n_missing > 0 && !self.has_indicator {
            notes.push(Note::NewMissing {
                column: table.name(position).to_owned(),
                n_rows: n_missing,
            });
        }
        Ok(())
    }

    fn encode(&self, numbers: &[f64], mut block: ArrayViewMut2<'_, f32>) {
        for (row, &number) in numbers.iter().enumerate() {
            block[[row, 0]] = self.apply(number);
            if number.is_nan() && self.has_indicator {
                block[[row, 1]] = 1.0;
            }
        }
    }
}

impl DateEncoding {
    fn width(&self) -> usize {
        let cycles = self.cycles.iter().zip(CYCLE_LENGTHS);
        let widths = cycles.map(|(&is_input, n)| n * usize::from(is_input));
        self.seconds.width() + widths.sum::<usize>()
    }

    fn encode(&self, seconds: &[f64], mut block: ArrayViewMut2<'_, f32>) {
        self.seconds.encode(seconds, block.view_mut());
        for (row, &value) in seconds.iter().enumerate().filter(|(_, it)| !it.is_nan()) {
            let mut at = self.seconds.width();
            let parts = cycles(value)
                .into_iter()
                .zip(self.cycles)
                .zip(CYCLE_LENGTHS);
            for ((part, is_input), n) in parts {
                if is_input {
                    block[[row, at + part]] = 1.0;
                    at += n;
                }
            }
        }
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

/// Counts the missing and the new categories of a column.
fn check_categories(
    table: &Table,
    position: usize,
    categories: &[String],
    encoder: &Categories<'_>,
    unseen: UnseenCategory,
    notes: &mut Vec<Note>,
) -> Result<()> {
    let cells = table.cells(position);
    let mut first_unseen = None;
    let mut n_rows = 0;
    let mut n_missing = 0;
    for row in (0..table.n_rows()).filter(|&row| encoder.of(cells, row).is_none()) {
        if cells.is_missing(row) {
            n_missing += 1;
        } else if unseen == UnseenCategory::Error {
            return Err(unknown_category(table, position, row, categories));
        } else {
            n_rows += 1;
            first_unseen.get_or_insert_with(|| table.word(position, row).into_owned());
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
