//! Encoding of the target columns as targets of the network.

use std::collections::BTreeSet;

use ndarray::Array2;
use nn_data::Targets;
use serde::{Deserialize, Serialize};

use crate::cells::{Cells, MISSING};
use crate::column::ColumnType;
use crate::encoding::{compare_names, number_of, numbered, unknown_category};
use crate::error::CellProblem;
use crate::note::Note;
use crate::number_scaling::Standardization;
use crate::options::{TableOptions, Task};
use crate::pixels;
use crate::roles::{check_labels, infer_task};
use crate::skewness;
use crate::table::Table;
use crate::target_transform::{TargetTransform, Transform};
use crate::weighted_rows::WeightedRows;
use crate::{Error, Result};

/// Maximum number of classes.
const MAX_CLASSES: usize = 1000;

/// Fewer classes than this are never too many for the rows.
const MIN_MANY_CLASSES: usize = 20;

/// Encoding of the targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetEncoding {
    /// Classification: the index of a class.
    #[serde(alias = "classes")]
    Classification {
        /// Name of the target column.
        column: String,
        /// Names of the classes: numbers sorted by value, then words.
        names: Vec<String>,
    },
    /// Regression: one standardized number per column.
    #[serde(alias = "values")]
    Regression(Vec<TargetColumn>),
    /// Multi-label classification: one column of 0 and 1 per label; the names of the
    /// columns.
    #[serde(alias = "flags")]
    MultiLabel(Vec<String>),
}

/// A target column for regression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetColumn {
    /// Name of the column.
    pub name: String,
    /// Standardization of the column.
    #[serde(alias = "standardisation")]
    pub standardization: Standardization,
    /// Transform that is applied to the target before standardization.
    #[serde(default, skip_serializing_if = "Transform::is_identity")]
    pub transform: Transform,
    /// Smallest and largest value of the training rows, to which predictions are clipped;
    /// `None` if they are not clipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
}

impl TargetColumn {
    fn fit(
        table: &Table,
        position: usize,
        rows: &WeightedRows<'_>,
        options: &TableOptions,
        notes: &mut Vec<Note>,
    ) -> Result<Self> {
        let numbers = table.complete_numbers(position)?;
        let name = table.name(position).to_owned();
        let transform = choose_transform(
            table,
            position,
            &numbers,
            rows,
            options.target_transform,
            notes,
        )?;
        Ok(Self {
            name,
            standardization: Standardization::fit(|row| transform.apply(numbers[row]), rows),
            transform,
            range: options.clips_outputs.then(|| {
                let values = rows.rows.iter().map(|&row| numbers[row]);
                let low = values.clone().fold(f64::INFINITY, f64::min);
                [low, values.fold(f64::NEG_INFINITY, f64::max)]
            }),
        })
    }

    /// Converts a number in the units of the table to a target of the network.
    pub fn apply(&self, number: f64) -> f32 {
        self.standardization.apply(self.transform.apply(number))
    }

    /// Converts an output of the network to the units of the table, and clips it to the
    /// range of the training rows if there is one. NaN stays NaN.
    pub fn inverse(&self, output: f32) -> f32 {
        let Standardization { mean, std } = self.standardization;
        let number = self.transform.inverse(f64::from(output) * std + mean);
        match self.range {
            Some([low, high]) if low <= high => number.clamp(low, high) as f32,
            _ => number as f32,
        }
    }
}

/// The transform of a target; notes a logarithm, or that one is better.
fn choose_transform(
    table: &Table,
    position: usize,
    numbers: &[f64],
    rows: &WeightedRows<'_>,
    choice: TargetTransform,
    notes: &mut Vec<Note>,
) -> Result<Transform> {
    let value = |row: usize| numbers[row];
    let column = table.name(position).to_owned();
    let log = skewness::logarithm_of(value, rows);
    let is_skewed = log.is_some_and(|log| skewness::is_removed_by(log, value, rows));
    match (choice, log) {
        (TargetTransform::Log, None) => {
            let is_negative = |row: &&usize| numbers[**row] < 0.0;
            let row = rows.rows.iter().find(is_negative).copied();
            Err(table.bad_cell(position, row.unwrap_or(0), CellProblem::NoLogarithm))
        }
        (TargetTransform::Log, Some(log)) => Ok(log),
        (TargetTransform::Auto, Some(log)) if is_skewed => {
            notes.push(Note::LogTarget { column });
            Ok(log)
        }
        (TargetTransform::None, _) if is_skewed => {
            notes.push(Note::SkewedTarget { column });
            Ok(Transform::Identity)
        }
        _ => Ok(Transform::Identity),
    }
}

impl TargetEncoding {
    /// Fits the encoding of the targets to the training rows. The names of the classes
    /// are those of all rows.
    pub(crate) fn fit(
        table: &Table,
        rows: &WeightedRows<'_>,
        targets: &[usize],
        options: &TableOptions,
        notes: &mut Vec<Note>,
    ) -> Result<Self> {
        let name = |position: usize| table.name(position).to_owned();
        let all_names = || targets.iter().map(|&position| name(position)).collect();
        match infer_task(table, targets, options.task, notes) {
            Task::Classification => {
                let &[position] = targets else {
                    return Err(Error::SeveralClassTargets {
                        path: table.path().to_owned(),
                        columns: all_names(),
                    });
                };
                let names = class_names(table, position)?;
                if names.len() > MIN_MANY_CLASSES && names.len() * 2 > table.n_rows() {
                    notes.push(Note::ManyClasses {
                        column: name(position),
                        n_classes: names.len(),
                        n_rows: table.n_rows(),
                        examples: names.iter().take(2).cloned().collect(),
                    });
                }
                Ok(Self::Classification {
                    column: name(position),
                    names,
                })
            }
            Task::MultiLabel => {
                check_labels(table, targets)?;
                note_constant_targets(table, rows, targets, notes)?;
                Ok(Self::MultiLabel(all_names()))
            }
            Task::Regression | Task::Auto => {
                let column =
                    |&position: &usize| TargetColumn::fit(table, position, rows, options, notes);
                let columns = targets.iter().map(column).collect::<Result<_>>()?;
                note_constant_targets(table, rows, targets, notes)?;
                Ok(Self::Regression(columns))
            }
        }
    }

    /// Names of the target columns.
    pub fn columns(&self) -> Vec<String> {
        match self {
            Self::Classification { column, .. } => vec![column.clone()],
            Self::Regression(columns) => columns.iter().map(|c| c.name.clone()).collect(),
            Self::MultiLabel(columns) => columns.clone(),
        }
    }

    /// The expected type of a column, if it is a target.
    pub(crate) fn type_of(&self, name: &str) -> Option<ColumnType> {
        let column_type = match self {
            Self::Classification { .. } => ColumnType::Category,
            Self::Regression(_) | Self::MultiLabel(_) => ColumnType::plain_number(),
        };
        self.columns()
            .iter()
            .any(|column| column == name)
            .then_some(column_type)
    }

    /// Encodes the targets of a table; `None` if it lacks a target column.
    pub(crate) fn transform(
        &self,
        table: &Table,
        notes: &mut Vec<Note>,
    ) -> Result<Option<Targets>> {
        let find = |name: &String| {
            let position = table.find(name);
            position.filter(|&position| !table.is_ignored(position))
        };
        let found: Option<Vec<usize>> = self.columns().iter().map(find).collect();
        let Some(positions) = found else {
            return Ok(None);
        };
        Ok(Some(match self {
            Self::Classification { names, .. } => {
                Targets::Classes(classes(table, positions[0], names, notes)?)
            }
            Self::Regression(columns) => Targets::Values(values(table, &positions, |i, y| {
                let is_in_domain = columns[i].transform.apply(y).is_finite();
                let target = columns[i].apply(y);
                is_in_domain
                    .then_some(target)
                    .ok_or(CellProblem::NoLogarithm)
            })?),
            Self::MultiLabel(_) => {
                check_labels(table, &positions)?;
                Targets::Values(values(table, &positions, |_, label| Ok(label as f32))?)
            }
        }))
    }
}

/// Adds a note for each constant target.
fn note_constant_targets(
    table: &Table,
    rows: &WeightedRows<'_>,
    targets: &[usize],
    notes: &mut Vec<Note>,
) -> Result<()> {
    for &position in targets {
        let numbers = table.numbers(position)?;
        if rows.are_all_equal(|row| numbers[row]) {
            let name = table.name(position).to_owned();
            notes.push(Note::ConstantTarget { name });
        }
    }
    Ok(())
}

/// Names of the classes in all rows; all ten digits for images of digits.
pub(crate) fn class_names(table: &Table, position: usize) -> Result<Vec<String>> {
    let mut names: Vec<String> = match table.cells(position) {
        Cells::Words { words, codes } => {
            let seen: BTreeSet<u32> = codes.iter().copied().filter(|&it| it != MISSING).collect();
            seen.into_iter()
                .map(|code| words[code as usize].clone())
                .collect()
        }
        _ => {
            let numbers = table.complete_numbers(position)?;
            // Adding 0 makes -0 and 0 one class.
            let seen: BTreeSet<u64> = numbers.iter().map(|it| (it + 0.0).to_bits()).collect();
            seen.into_iter()
                .map(|bits| f64::from_bits(bits).to_string())
                .collect()
        }
    };
    if names.len() > MAX_CLASSES {
        return Err(Error::TooManyClasses {
            path: table.path().to_owned(),
            column: table.name(position).to_owned(),
            found: names.len(),
            limit: MAX_CLASSES,
        });
    }
    names.sort_by(|a, b| compare_names(a, b));
    let is_digit = |name: &String| matches!(name.as_bytes(), [b'0'..=b'9']);
    let is_of_digits = pixels::positions(table).is_some() && names.iter().all(is_digit);
    Ok(if is_of_digits {
        (0..10).map(|digit| digit.to_string()).collect()
    } else {
        names
    })
}

/// The index of the class of each row. A class may be written as another form of the
/// same number, or with a trailing period.
pub(crate) fn classes(
    table: &Table,
    position: usize,
    names: &[String],
    notes: &mut Vec<Note>,
) -> Result<Vec<u32>> {
    let numbers = numbered(names);
    let mut n_full_stops = 0;
    let mut example = String::new();
    let mut classes = Vec::with_capacity(table.n_rows());
    for row in 0..table.n_rows() {
        let word = table.word(position, row);
        let class = number_of(&numbers, &word);
        let class = class.or_else(|| numbers.get(shortest_form(&word)?.as_str()).copied());
        let class = class.or_else(|| {
            let class = *numbers.get(word.strip_suffix('.')?)?;
            n_full_stops += 1;
            if example.is_empty() {
                example = word.to_string();
            }
            Some(class)
        });
        match class {
            Some(class) => classes.push(class as u32),
            None if word.is_empty() => {
                return Err(table.bad_cell(position, row, CellProblem::Missing));
            }
            None => return Err(unknown_category(table, position, row, names)),
        }
    }
    if n_full_stops > 0 {
        notes.push(Note::TrailingPeriods {
            column: table.name(position).to_owned(),
            n_rows: n_full_stops,
            example,
        });
    }
    Ok(classes)
}

/// The name of a class given as a number: `1` for `1.0`, `0` for `-0`.
fn shortest_form(word: &str) -> Option<String> {
    let number: f64 = word.parse().ok()?;
    Some((number + 0.0).to_string())
}

/// Encodes numeric columns, `[n_rows, n_columns]`; `encode` gets the index of the
/// column in `positions`.
fn values(
    table: &Table,
    positions: &[usize],
    encode: impl Fn(usize, f64) -> Result<f32, CellProblem>,
) -> Result<Array2<f32>> {
    let mut all = Array2::zeros((table.n_rows(), positions.len()));
    for (i, (mut column, &position)) in all.columns_mut().into_iter().zip(positions).enumerate() {
        let numbers = table.complete_numbers(position)?;
        for (row, (value, &number)) in column.iter_mut().zip(numbers.iter()).enumerate() {
            let encoded = encode(i, number);
            *value = encoded.map_err(|problem| table.bad_cell(position, row, problem))?;
            if !value.is_finite() {
                return Err(table.bad_cell(position, row, CellProblem::OutOfRange));
            }
        }
    }
    Ok(all)
}
