//! From the columns of a table to the numbers of a network, and back.
//!
//! What is learnt here is learnt from the **training rows only** and kept with
//! the model, so that every later table is treated alike:
//!
//! | column | becomes |
//! |---|---|
//! | input, numbers | one input, `(x - mean) / std` (population std; 1 for a constant column) |
//! | input, text | one input a category: 1 for the row's own, else 0 |
//! | target, classes | the number of the class in the sorted list of names |
//! | target, numbers | `(y - mean) / std`, undone in predictions |
//! | target, flags | 0 or 1 |
//! | 784 pixel columns | bytes as they are, an image of 28x28 |
//!
//! A row with a sample weight counts that many times: the mean is `Σ w x / Σ w`,
//! the variance `Σ w (x - mean)² / Σ w`, and a row of weight 0 is not learnt
//! from, so that weighted rows give what repeated rows would give.
//!
//! The names of the *classes* come from all rows of the table: they are no
//! measurement, and a class with a single row must not stop the training when
//! that row happens to be held out.
//!
//! # Tables of images
//! 784 columns of whole numbers 0..=255 are an image if their names say so
//! (`pixel0`...`pixel783` as Kaggle's digit recognizer has it,
//! `pixel1`...`pixel784`, or `1x1`...`28x28`), with a label column or without;
//! so are 785 such columns without names, the first of which is 0..=9.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use ndarray::{Array2, ArrayViewMut2, Axis};
use nn_data::{Dataset, Inputs, Split, Targets};
use serde::{Deserialize, Serialize};

use crate::csv::{self, Column, ColumnKind, Header, Table, TableOptions, Task, compare_names};
use crate::error::CellProblem;
use crate::{Error, Result};

/// Most categories of one text column, and most classes.
const MAX_CATEGORIES: usize = 1000;

/// Most different values of whole numbers that are taken for classes.
const MAX_GUESSED_CLASSES: usize = 20;

/// Height and width of the images in a table of pixels.
const IMAGE_SIZE: (usize, usize) = (28, 28);
const N_PIXELS: usize = IMAGE_SIZE.0 * IMAGE_SIZE.1;

/// How the columns of a table become inputs and targets; part of a model file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// What a network gets.
    pub inputs: InputEncoding,
    /// What it answers.
    pub target: TargetEncoding,
    /// The column of sample weights in the training table.
    pub sample_weight: Option<String>,
    /// Whether the training table named its columns. If it did not, a later
    /// one without the target column is matched by position.
    pub has_header: bool,
}

/// How rows become inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InputEncoding {
    /// 784 grey values.
    Pixels,
    /// One after the other, in the order of the training table.
    Columns(Vec<InputColumn>),
}

/// One input column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputColumn {
    /// Its name in the table.
    pub name: String,
    /// What becomes of its cells.
    pub encoding: ColumnEncoding,
}

/// What becomes of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnEncoding {
    /// One input: standardised.
    Standardise(Standardisation),
    /// One input for each of these, sorted.
    OneHot(Vec<String>),
}

/// `(x - mean) / std`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardisation {
    /// Mean of the training rows.
    pub mean: f64,
    /// Population standard deviation of the training rows, above 0.
    pub std: f64,
}

/// How target columns become targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetEncoding {
    /// One of several classes.
    Classes {
        /// The column's name.
        column: String,
        /// The classes, numbers by value and words by alphabet.
        names: Vec<String>,
    },
    /// Numbers.
    Values(Vec<TargetColumn>),
    /// Yes or no, for each column of these names.
    Flags(Vec<String>),
}

/// One column of numbers to predict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetColumn {
    /// Its name in the table.
    pub name: String,
    /// What the network is trained on instead of the numbers themselves.
    pub standardisation: Standardisation,
}

/// What to do with a category that no training row had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnseenCategory {
    /// All inputs of the column are 0; said in a [`Note`].
    #[default]
    Zeros,
    /// [`Error::BadCell`].
    Refuse,
}

/// A table made ready for a network.
#[derive(Clone, Debug)]
pub struct Samples {
    /// `[n_rows, n_inputs]`.
    pub inputs: Inputs,
    /// One entry a row; none if the table lacks the target column.
    pub targets: Option<Targets>,
    /// `[n_rows]`, each at least 0 and not all 0; none if there is no such
    /// column.
    pub sample_weights: Option<Vec<f32>>,
    /// What a user should know.
    pub notes: Vec<Note>,
}

/// Something that is no error but should be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The task was guessed from the target's cells.
    TaskGuessed {
        /// The target column.
        column: String,
        /// The guess.
        task: Task,
        /// Different values in the column.
        n_values: usize,
    },
    /// The table holds images.
    PixelTable,
    /// A column says the same in every training row.
    ConstantColumn {
        /// Its name.
        name: String,
    },
    /// Columns that are not used.
    ExtraColumns {
        /// Their names.
        names: Vec<String>,
    },
    /// Categories that no training row had.
    UnseenCategories {
        /// The column.
        column: String,
        /// Rows with such a category.
        n_rows: usize,
        /// The first of them.
        example: String,
    },
}

impl Preprocessing {
    /// The class of each row of a table, if [`fit`](Self::fit) with these
    /// options learns classes: to divide the rows by class before any of them
    /// are learned from.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), as far as the target is concerned.
    pub fn classes(table: &Table, options: &TableOptions) -> Result<Option<Vec<u32>>> {
        let targets = Roles::of(table, options)?.targets;
        let (&[position], Task::Classify) = (
            &targets[..],
            guess_task(table, &targets, options.task, &mut Vec::new()),
        ) else {
            return Ok(None);
        };
        classes(table, position, &class_names(table, position)?).map(Some)
    }

    /// The targets of a table's rows, if it has the target columns.
    ///
    /// # Errors
    /// [`Error::BadCell`] for an unknown class, and where a cell is not what it
    /// was in training.
    pub fn targets(&self, table: &Table) -> Result<Option<Targets>> {
        self.target.apply(table)
    }

    /// Learns from the given rows of a table; also says what it guessed.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`], [`Error::ConflictingRoles`],
    /// [`Error::NoTarget`] for images without labels, [`Error::NoInputs`],
    /// [`Error::SeveralClassColumns`], [`Error::TooManyCategories`],
    /// [`Error::BadCell`] where text stands for a number to predict, a flag is
    /// neither 0 nor 1, or a weight negative; [`Error::Empty`] without rows.
    ///
    /// # Panics
    /// If a row is not below [`Table::n_rows`].
    pub fn fit(table: &Table, rows: &[usize], options: &TableOptions) -> Result<(Self, Vec<Note>)> {
        if rows.is_empty() {
            return Err(Error::Empty {
                path: table.path().to_owned(),
            });
        }
        let roles = Roles::of(table, options)?;
        let rows = &WeightedRows::new(table, rows, roles.sample_weight)?;
        let mut notes = Vec::new();
        let inputs = fit_inputs(table, rows, &roles.inputs, &mut notes)?;
        let target = fit_target(table, rows, &roles.targets, options.task, &mut notes)?;
        let preprocessing = Self {
            inputs,
            target,
            sample_weight: options.sample_weight.clone(),
            has_header: table.has_header(),
        };
        Ok((preprocessing, notes))
    }

    /// Reads a table to apply this to: its columns are taken for what they
    /// were in training, and others are not looked at.
    ///
    /// # Errors
    /// Those of [`Table::read`].
    pub fn read(&self, path: &Path, header: Header) -> Result<Table> {
        self.parse(path, &csv::read_bytes(path)?, header)
    }

    /// As [`Preprocessing::read`], from bytes; `path` is what errors call them.
    ///
    /// # Errors
    /// Those of [`Table::parse`].
    pub fn parse(&self, path: &Path, bytes: &[u8], header: Header) -> Result<Table> {
        let InputEncoding::Columns(columns) = &self.inputs else {
            return csv::parse(path, bytes, header, &|_| ColumnKind::Auto);
        };
        // Columns without names may stand one place to the left of where they
        // stood in training, with the target gone.
        if !self.has_header {
            return csv::parse(path, bytes, header, &|_| ColumnKind::Auto);
        }
        csv::parse(path, bytes, header, &|name| {
            let input = columns.iter().find(|column| column.name == name);
            match input.map(|column| &column.encoding) {
                Some(ColumnEncoding::Standardise(_)) => ColumnKind::Number,
                Some(ColumnEncoding::OneHot(_)) => ColumnKind::Text,
                None => self.target.kind_of(name).unwrap_or_else(|| {
                    if self.sample_weight.as_deref() == Some(name) {
                        ColumnKind::Number
                    } else {
                        ColumnKind::Ignored
                    }
                }),
            }
        })
    }

    /// The inputs of a table's rows, and their targets and weights where the
    /// table has them. Columns are found by name, in any order.
    ///
    /// # Errors
    /// [`Error::MissingColumns`]; [`Error::BadCell`] for an unknown
    /// class, and for other unseen categories if they are refused;
    /// and where a cell is not what it was in training.
    pub fn apply(&self, table: &Table, unseen: UnseenCategory) -> Result<Samples> {
        let mut notes = Vec::new();
        let inputs = match &self.inputs {
            InputEncoding::Pixels => Inputs::Pixels(self.pixels(table)?),
            InputEncoding::Columns(columns) => {
                let positions = self.input_positions(table, columns)?;
                Inputs::Features(features(table, columns, &positions, unseen, &mut notes)?)
            }
        };
        self.note_extra_columns(table, &mut notes);
        let (targets, sample_weights) = if self.holds_inputs_only(table) {
            (None, None)
        } else {
            (self.target.apply(table)?, self.sample_weights(table)?)
        };
        Ok(Samples {
            inputs,
            targets,
            sample_weights,
            notes,
        })
    }

    /// Number of inputs of a network.
    pub fn n_inputs(&self) -> usize {
        match &self.inputs {
            InputEncoding::Pixels => N_PIXELS,
            InputEncoding::Columns(columns) => {
                columns.iter().map(|column| column.encoding.width()).sum()
            }
        }
    }

    /// Number of outputs of a network: classes, numbers or flags.
    pub fn n_outputs(&self) -> usize {
        match &self.target {
            TargetEncoding::Classes { names, .. } | TargetEncoding::Flags(names) => names.len(),
            TargetEncoding::Values(columns) => columns.len(),
        }
    }

    /// Names of the classes or flags; empty for numbers.
    pub fn class_names(&self) -> &[String] {
        match &self.target {
            TargetEncoding::Classes { names, .. } | TargetEncoding::Flags(names) => names,
            TargetEncoding::Values(_) => &[],
        }
    }

    /// Height and width if the rows are images.
    pub fn image_size(&self) -> Option<(usize, usize)> {
        (self.inputs == InputEncoding::Pixels).then_some(IMAGE_SIZE)
    }

    /// Turns a network's answers back into the units of the table, in place;
    /// probabilities stay as they are.
    ///
    /// # Panics
    /// If `outputs` is not `[n_rows, n_outputs]`.
    pub fn restore(&self, mut outputs: ArrayViewMut2<'_, f32>) {
        assert_eq!(outputs.ncols(), self.n_outputs(), "number of outputs");
        if let TargetEncoding::Values(columns) = &self.target {
            for (mut values, column) in outputs.axis_iter_mut(Axis(1)).zip(columns) {
                values.mapv_inplace(|value| column.standardisation.undo(value));
            }
        }
    }

    /// As one line of JSON; [`Preprocessing::from_json`] gives back the same
    /// numbers, bit for bit.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings, numbers and lists have a JSON form")
    }

    /// What [`Preprocessing::to_json`] wrote.
    ///
    /// # Errors
    /// [`Error::BadPreprocessing`] for anything else, also for numbers that no
    /// table can give, as a standard deviation of 0.
    pub fn from_json(json: &str) -> Result<Self> {
        let bad = |reason: String| Error::BadPreprocessing { reason };
        let read: Self = serde_json::from_str(json).map_err(|error| bad(error.to_string()))?;
        if read.n_inputs() == 0 || read.n_outputs() == 0 {
            return Err(bad("no inputs or no outputs".to_owned()));
        }
        let unusable = read.standardisations().find(|scaling| !scaling.is_usable());
        match unusable {
            Some(Standardisation { mean, std }) => Err(bad(format!("mean {mean}, std {std}"))),
            None => Ok(read),
        }
    }

    fn standardisations(&self) -> impl Iterator<Item = Standardisation> {
        let inputs = match &self.inputs {
            InputEncoding::Pixels => &[][..],
            InputEncoding::Columns(columns) => columns,
        };
        let targets = match &self.target {
            TargetEncoding::Values(columns) => &columns[..],
            _ => &[],
        };
        let of_inputs = inputs.iter().filter_map(|column| match column.encoding {
            ColumnEncoding::Standardise(scaling) => Some(scaling),
            ColumnEncoding::OneHot(_) => None,
        });
        of_inputs.chain(targets.iter().map(|column| column.standardisation))
    }

    /// Whether a table without names must be one without the target column:
    /// its columns are then the inputs, in order.
    fn holds_inputs_only(&self, table: &Table) -> bool {
        let n_columns = match &self.inputs {
            InputEncoding::Pixels => N_PIXELS,
            InputEncoding::Columns(columns) => columns.len(),
        };
        !self.has_header && !table.has_header() && table.names().len() == n_columns
    }

    fn input_positions(&self, table: &Table, columns: &[InputColumn]) -> Result<Vec<usize>> {
        if self.holds_inputs_only(table) {
            return Ok((0..columns.len()).collect());
        }
        let found: Vec<Option<usize>> = columns
            .iter()
            .map(|column| table.find(&column.name))
            .collect();
        let missing: Vec<String> = columns
            .iter()
            .zip(&found)
            .filter(|(_, position)| position.is_none())
            .map(|(column, _)| column.name.clone())
            .collect();
        if missing.is_empty() {
            Ok(found.into_iter().flatten().collect())
        } else {
            Err(Error::MissingColumns {
                path: table.path().to_owned(),
                missing,
            })
        }
    }

    fn pixels(&self, table: &Table) -> Result<Array2<u8>> {
        let positions = pixel_positions(table).ok_or_else(|| Error::MissingColumns {
            path: table.path().to_owned(),
            missing: vec!["pixel0".to_owned(), format!("pixel{}", N_PIXELS - 1)],
        })?;
        let columns = positions
            .iter()
            .map(|&position| bytes_of(table, position))
            .collect::<Result<Vec<_>>>()?;
        Ok(transpose(&columns, table.n_rows()))
    }

    fn sample_weights(&self, table: &Table) -> Result<Option<Vec<f32>>> {
        let position = self
            .sample_weight
            .as_deref()
            .and_then(|name| table.find(name));
        let Some(position) = position else {
            return Ok(None);
        };
        let weights = table.numbers(position)?;
        let negative = weights.iter().position(|&weight| weight < 0.0);
        let all_zero = weights.iter().all(|&weight| weight == 0.0).then_some(0);
        match negative.or(all_zero) {
            Some(row) => Err(table.bad_cell(position, row, CellProblem::NotAWeight)),
            None => Ok(Some(weights.iter().map(|&weight| weight as f32).collect())),
        }
    }

    fn note_extra_columns(&self, table: &Table, notes: &mut Vec<Note>) {
        let InputEncoding::Columns(columns) = &self.inputs else {
            return;
        };
        if !table.has_header() {
            return;
        }
        let is_used = |name: &str| {
            columns.iter().any(|column| column.name == name)
                || self.target.kind_of(name).is_some()
                || self.sample_weight.as_deref() == Some(name)
        };
        let is_read = |position: usize| table.columns[position] != Column::Ignored;
        let extra = |at: usize, name: &str| !is_used(name) && (is_read(at) || self.has_header);
        let names: Vec<String> = table
            .names()
            .iter()
            .enumerate()
            .filter(|&(position, name)| extra(position, name))
            .map(|(_, name)| name.clone())
            .collect();
        if !names.is_empty() {
            notes.push(Note::ExtraColumns { names });
        }
    }
}

impl Samples {
    /// A data set to train on, without test rows; the weights stay beside it.
    ///
    /// # Errors
    /// [`Error::MissingColumns`] if the table lacks the target.
    pub fn into_dataset(
        self,
        table: &Table,
        preprocessing: &Preprocessing,
    ) -> Result<(Dataset, Option<Vec<f32>>)> {
        let targets = self.targets.ok_or_else(|| Error::MissingColumns {
            path: table.path().to_owned(),
            missing: preprocessing.target.columns(),
        })?;
        let test = Split {
            inputs: match &self.inputs {
                Inputs::Pixels(pixels) => Inputs::Pixels(Array2::zeros((0, pixels.ncols()))),
                Inputs::Features(numbers) => Inputs::Features(Array2::zeros((0, numbers.ncols()))),
            },
            targets: match &targets {
                Targets::Classes(_) => Targets::Classes(Vec::new()),
                Targets::Values(values) => Targets::Values(Array2::zeros((0, values.ncols()))),
            },
        };
        let dataset = Dataset {
            name: table
                .path()
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            train: Split {
                inputs: self.inputs,
                targets,
            },
            test,
            class_names: preprocessing.class_names().to_vec(),
            image_size: preprocessing.image_size(),
        };
        Ok((dataset, self.sample_weights))
    }
}

impl ColumnEncoding {
    /// Number of inputs that a cell becomes.
    pub fn width(&self) -> usize {
        match self {
            Self::Standardise(_) => 1,
            Self::OneHot(categories) => categories.len(),
        }
    }
}

impl Standardisation {
    /// In two passes, in double precision. Where the deviations are so small
    /// that their squares are 0, the values are taken for equal.
    fn fit(values: &[f64], rows: &WeightedRows<'_>) -> Self {
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

    fn apply(self, value: f64) -> f32 {
        ((value - self.mean) / self.std) as f32
    }

    fn undo(self, value: f32) -> f32 {
        (f64::from(value) * self.std + self.mean) as f32
    }

    fn is_usable(&self) -> bool {
        self.mean.is_finite() && self.std.is_finite() && 0.0 < self.std
    }
}

impl TargetEncoding {
    /// The columns it needs.
    fn columns(&self) -> Vec<String> {
        match self {
            Self::Classes { column, .. } => vec![column.clone()],
            Self::Values(columns) => columns.iter().map(|c| c.name.clone()).collect(),
            Self::Flags(columns) => columns.clone(),
        }
    }

    /// What a column has to be if it is a target.
    fn kind_of(&self, name: &str) -> Option<ColumnKind> {
        let kind = match self {
            Self::Classes { .. } => ColumnKind::Text,
            Self::Values(_) | Self::Flags(_) => ColumnKind::Number,
        };
        self.columns()
            .iter()
            .any(|column| column == name)
            .then_some(kind)
    }

    fn apply(&self, table: &Table) -> Result<Option<Targets>> {
        let columns = self.columns();
        let found: Option<Vec<usize>> = columns.iter().map(|name| table.find(name)).collect();
        let Some(positions) = found else {
            return Ok(None);
        };
        Ok(Some(match self {
            Self::Classes { names, .. } => Targets::Classes(classes(table, positions[0], names)?),
            Self::Values(columns) => {
                let scaling = |i: usize| columns[i].standardisation;
                Targets::Values(values(table, &positions, |i, y| scaling(i).apply(y))?)
            }
            Self::Flags(_) => {
                refuse_other_than_flags(table, &positions)?;
                Targets::Values(values(table, &positions, |_, flag| flag as f32)?)
            }
        }))
    }
}

/// The training rows and the number of times that each counts.
struct WeightedRows<'a> {
    /// Rows of weight 0 left out, unless all are.
    rows: Vec<usize>,
    /// One weight per row of the table; none means 1.
    weights: Option<Cow<'a, [f64]>>,
    /// Sum of the weights of `rows`.
    total: f64,
}

impl<'a> WeightedRows<'a> {
    fn new(table: &'a Table, rows: &[usize], sample_weight: Option<usize>) -> Result<Self> {
        let weights = sample_weight.map(|column| table.numbers(column));
        let weights = weights.transpose()?;
        let mut counted = rows.to_vec();
        if let Some(weights) = &weights {
            counted.retain(|&row| weights[row] > 0.0);
        }
        if counted.is_empty() {
            return Ok(Self {
                rows: rows.to_vec(),
                weights: None,
                total: rows.len() as f64,
            });
        }
        let total = weights.as_ref().map_or(counted.len() as f64, |weights| {
            counted.iter().map(|&row| weights[row]).sum()
        });
        Ok(Self {
            rows: counted,
            weights,
            total,
        })
    }

    /// `Σ w f(row) / Σ w`
    fn mean(&self, f: impl Fn(usize) -> f64) -> f64 {
        let term = |&row: &usize| match &self.weights {
            Some(weights) => f(row) * (weights[row] / self.total),
            None => f(row) / self.total,
        };
        self.rows.iter().map(term).sum()
    }

    fn are_all_equal(&self, values: &[f64]) -> bool {
        let first = values[self.rows[0]];
        self.rows.iter().all(|&row| values[row] == first)
    }
}

/// Which column is for what.
struct Roles {
    inputs: Vec<usize>,
    targets: Vec<usize>,
    sample_weight: Option<usize>,
}

impl Roles {
    fn of(table: &Table, options: &TableOptions) -> Result<Self> {
        let targets = target_positions(table, options.target.as_deref())?;
        let weight = options.sample_weight.as_deref();
        let weight = weight.map(|name| table.position(name)).transpose()?;
        let mut taken = targets.clone();
        taken.extend(weight);
        if let Some(&twice) = (1..taken.len())
            .find(|&i| taken[..i].contains(&taken[i]))
            .map(|i| &taken[i])
        {
            return Err(Error::ConflictingRoles {
                path: table.path().to_owned(),
                column: table.names()[twice].clone(),
            });
        }
        let is_input = |i: &usize| !taken.contains(i) && table.columns[*i] != Column::Ignored;
        let inputs: Vec<usize> = (0..table.names().len()).filter(is_input).collect();
        if inputs.is_empty() {
            return Err(Error::NoInputs {
                path: table.path().to_owned(),
                columns: table.names().to_vec(),
            });
        }
        Ok(Self {
            inputs,
            targets,
            sample_weight: weight,
        })
    }
}

fn target_positions(table: &Table, target: Option<&str>) -> Result<Vec<usize>> {
    const USUAL_NAMES: [&str; 4] = ["label", "target", "class", "y"];
    let Some(target) = target else {
        let usual = USUAL_NAMES.iter().find_map(|usual| {
            let mut names = table.names().iter();
            names.position(|name| name.eq_ignore_ascii_case(usual))
        });
        return match usual {
            Some(position) => Ok(vec![position]),
            None => default_target(table).map(|position| vec![position]),
        };
    };
    if let Some(position) = table.find(target) {
        return read_column(table, position).map(|position| vec![position]);
    }
    target
        .split(',')
        .map(|name| read_column(table, table.position(name.trim())?))
        .collect()
}

/// The column of a target, which must not be ignored.
fn read_column(table: &Table, position: usize) -> Result<usize> {
    if table.columns[position] == Column::Ignored {
        return Err(Error::ConflictingRoles {
            path: table.path().to_owned(),
            column: table.names()[position].clone(),
        });
    }
    Ok(position)
}

/// The label of images without column names comes first, other targets last.
fn default_target(table: &Table) -> Result<usize> {
    let last = (0..table.names().len())
        .rev()
        .find(|&position| table.columns[position] != Column::Ignored);
    match (pixel_positions(table), last) {
        (Some(pixels), _) if !table.has_header() && pixels[0] == 1 => Ok(0),
        (None, Some(last)) => Ok(last),
        _ => Err(Error::NoTarget {
            path: table.path().to_owned(),
        }),
    }
}

fn fit_inputs(
    table: &Table,
    rows: &WeightedRows<'_>,
    inputs: &[usize],
    notes: &mut Vec<Note>,
) -> Result<InputEncoding> {
    if is_image(table, inputs) {
        notes.push(Note::PixelTable);
        return Ok(InputEncoding::Pixels);
    }
    let column = |&position: &usize| {
        let (encoding, is_constant) = fit_column(table, rows, position)?;
        let name = table.names()[position].clone();
        if is_constant {
            notes.push(Note::ConstantColumn { name: name.clone() });
        }
        Ok(InputColumn { name, encoding })
    };
    let columns = inputs.iter().map(column).collect::<Result<_>>()?;
    Ok(InputEncoding::Columns(columns))
}

/// The encoding of one column and whether all rows say the same.
fn fit_column(
    table: &Table,
    rows: &WeightedRows<'_>,
    position: usize,
) -> Result<(ColumnEncoding, bool)> {
    if let Column::Text { .. } = table.columns[position] {
        let categories = distinct_names(table, position, rows.rows.iter().copied())?;
        let is_constant = categories.len() == 1;
        return Ok((ColumnEncoding::OneHot(categories), is_constant));
    }
    let values = table.numbers(position)?;
    let scaling = Standardisation::fit(&values, rows);
    let is_constant = rows.are_all_equal(&values);
    Ok((ColumnEncoding::Standardise(scaling), is_constant))
}

/// All names in some rows of a column, sorted.
fn distinct_names(
    table: &Table,
    position: usize,
    rows: impl Iterator<Item = usize>,
) -> Result<Vec<String>> {
    let mut names: Vec<String> = match &table.columns[position] {
        Column::Text { words, codes } => {
            let seen: BTreeSet<u32> = rows.map(|row| codes[row]).collect();
            seen.into_iter()
                .map(|code| words[code as usize].clone())
                .collect()
        }
        _ => {
            let numbers = table.numbers(position)?;
            // Adding 0 makes -0 and 0 one class.
            let seen: BTreeSet<u64> = rows.map(|row| (numbers[row] + 0.0).to_bits()).collect();
            seen.into_iter()
                .map(|bits| f64::from_bits(bits).to_string())
                .collect()
        }
    };
    if names.len() > MAX_CATEGORIES {
        return Err(Error::TooManyCategories {
            path: table.path().to_owned(),
            column: table.names()[position].clone(),
            found: names.len(),
            limit: MAX_CATEGORIES,
        });
    }
    names.sort_by(|a, b| compare_names(a, b));
    Ok(names)
}

fn fit_target(
    table: &Table,
    rows: &WeightedRows<'_>,
    targets: &[usize],
    task: Task,
    notes: &mut Vec<Note>,
) -> Result<TargetEncoding> {
    let name = |position: usize| table.names()[position].clone();
    let all_names = || targets.iter().map(|&position| name(position)).collect();
    match guess_task(table, targets, task, notes) {
        Task::Classify => {
            let &[position] = targets else {
                return Err(Error::SeveralClassColumns {
                    path: table.path().to_owned(),
                    columns: all_names(),
                });
            };
            Ok(TargetEncoding::Classes {
                column: name(position),
                names: class_names(table, position)?,
            })
        }
        Task::MultiLabel => {
            refuse_other_than_flags(table, targets)?;
            note_constant_targets(table, rows, targets, notes)?;
            Ok(TargetEncoding::Flags(all_names()))
        }
        Task::Regress | Task::Auto => {
            let column = |&position: &usize| {
                Ok(TargetColumn {
                    name: name(position),
                    standardisation: Standardisation::fit(&table.numbers(position)?, rows),
                })
            };
            let columns = targets.iter().map(column).collect::<Result<_>>()?;
            note_constant_targets(table, rows, targets, notes)?;
            Ok(TargetEncoding::Values(columns))
        }
    }
}

/// Nothing can be learned about a target that does not vary.
fn note_constant_targets(
    table: &Table,
    rows: &WeightedRows<'_>,
    targets: &[usize],
    notes: &mut Vec<Note>,
) -> Result<()> {
    for &position in targets {
        if rows.are_all_equal(&table.numbers(position)?) {
            let name = table.names()[position].clone();
            notes.push(Note::ConstantColumn { name });
        }
    }
    Ok(())
}

/// Of all rows; for images of digits all ten, whichever of them are there.
fn class_names(table: &Table, position: usize) -> Result<Vec<String>> {
    let names = distinct_names(table, position, 0..table.n_rows())?;
    let is_digit = |name: &String| matches!(name.as_bytes(), [b'0'..=b'9']);
    let is_of_digits = pixel_positions(table).is_some() && names.iter().all(is_digit);
    Ok(if is_of_digits {
        (0..10).map(|digit| digit.to_string()).collect()
    } else {
        names
    })
}

/// Settles [`Task::Auto`] by the rules written there.
fn guess_task(table: &Table, targets: &[usize], task: Task, notes: &mut Vec<Note>) -> Task {
    if task != Task::Auto {
        return task;
    }
    let &[position] = targets else {
        return if refuse_other_than_flags(table, targets).is_ok() {
            Task::MultiLabel
        } else {
            Task::Regress
        };
    };
    let Ok(numbers) = table.numbers(position) else {
        return Task::Classify;
    };
    let are_whole = numbers.iter().all(|number| number.fract() == 0.0);
    let n_values = numbers
        .iter()
        .map(|number| number.to_bits())
        .collect::<BTreeSet<_>>()
        .len();
    let is_few = n_values <= MAX_GUESSED_CLASSES && n_values * 10 <= numbers.len();
    let is_image_label = pixel_positions(table).is_some();
    let guess = if are_whole && (is_few || n_values <= 2 || is_image_label) {
        Task::Classify
    } else {
        Task::Regress
    };
    notes.push(Note::TaskGuessed {
        column: table.names()[position].clone(),
        task: guess,
        n_values,
    });
    guess
}

fn refuse_other_than_flags(table: &Table, positions: &[usize]) -> Result<()> {
    for &position in positions {
        let numbers = table.numbers(position)?;
        if let Some(row) = numbers.iter().position(|&flag| flag != 0.0 && flag != 1.0) {
            return Err(table.bad_cell(position, row, CellProblem::NotAFlag));
        }
    }
    Ok(())
}

/// `[n_rows, n_inputs]`.
fn features(
    table: &Table,
    columns: &[InputColumn],
    positions: &[usize],
    unseen: UnseenCategory,
    notes: &mut Vec<Note>,
) -> Result<Array2<f32>> {
    let n_inputs = columns.iter().map(|column| column.encoding.width()).sum();
    let mut inputs = zeros(table, n_inputs)?;
    let mut at = 0;
    for (column, &position) in columns.iter().zip(positions) {
        let end = at + column.encoding.width();
        let block = inputs.slice_axis_mut(Axis(1), (at..end).into());
        match &column.encoding {
            ColumnEncoding::Standardise(scaling) => standardise(table, position, *scaling, block)?,
            ColumnEncoding::OneHot(categories) => {
                notes.extend(one_hot(table, position, categories, unseen, block)?);
            }
        }
        at = end;
    }
    Ok(inputs)
}

/// A matrix of as many rows as the table has, if there is memory for it.
fn zeros(table: &Table, n_inputs: usize) -> Result<Array2<f32>> {
    let n_rows = table.n_rows();
    let out_of_memory = || Error::OutOfMemory {
        path: table.path.clone(),
        n_rows,
        n_inputs,
    };
    let n_values = n_rows.checked_mul(n_inputs).ok_or_else(out_of_memory)?;
    let mut values = Vec::new();
    values
        .try_reserve_exact(n_values)
        .map_err(|_| out_of_memory())?;
    values.resize(n_values, 0.0);
    Ok(Array2::from_shape_vec((n_rows, n_inputs), values).expect("there are as many values"))
}

fn standardise(
    table: &Table,
    position: usize,
    scaling: Standardisation,
    mut block: ArrayViewMut2<'_, f32>,
) -> Result<()> {
    let numbers = table.numbers(position)?;
    for (row, (value, &number)) in block.iter_mut().zip(numbers.iter()).enumerate() {
        *value = scaling.apply(number);
        if !value.is_finite() {
            return Err(table.bad_cell(position, row, CellProblem::OutOfRange));
        }
    }
    Ok(())
}

fn one_hot(
    table: &Table,
    position: usize,
    categories: &[String],
    unseen: UnseenCategory,
    mut block: ArrayViewMut2<'_, f32>,
) -> Result<Option<Note>> {
    let numbers = numbered(categories);
    let mut first_unseen = None;
    let mut n_rows = 0;
    for row in 0..table.n_rows() {
        let word = table.word(position, row);
        match numbers.get(word.as_ref()) {
            Some(&category) => block[[row, category]] = 1.0,
            None if unseen == UnseenCategory::Refuse => {
                return Err(unknown_category(table, position, row, categories));
            }
            None => {
                n_rows += 1;
                first_unseen.get_or_insert_with(|| word.into_owned());
            }
        }
    }
    Ok(first_unseen.map(|example| Note::UnseenCategories {
        column: table.names()[position].clone(),
        n_rows,
        example,
    }))
}

fn classes(table: &Table, position: usize, names: &[String]) -> Result<Vec<u32>> {
    let numbers = numbered(names);
    let class_of = |word: &str| {
        let class = numbers.get(word);
        class.or_else(|| numbers.get(shortest_form(word)?.as_str()))
    };
    (0..table.n_rows())
        .map(|row| match class_of(&table.word(position, row)) {
            Some(&class) => Ok(class as u32),
            None => Err(unknown_category(table, position, row, names)),
        })
        .collect()
}

/// How a class is called whose cells are numbers: `1` for `1.0`, `0` for `-0`.
fn shortest_form(word: &str) -> Option<String> {
    let number: f64 = word.parse().ok()?;
    Some((number + 0.0).to_string())
}

fn numbered(names: &[String]) -> HashMap<&str, usize> {
    names.iter().map(String::as_str).zip(0..).collect()
}

fn unknown_category(table: &Table, position: usize, row: usize, known: &[String]) -> Error {
    table.bad_cell(position, row, CellProblem::UnknownCategory(known.to_vec()))
}

/// `[n_rows, n_columns]`; `encode` gets the number of the column among these.
fn values(
    table: &Table,
    positions: &[usize],
    encode: impl Fn(usize, f64) -> f32,
) -> Result<Array2<f32>> {
    let mut all = Array2::zeros((table.n_rows(), positions.len()));
    for (i, (mut column, &position)) in all.axis_iter_mut(Axis(1)).zip(positions).enumerate() {
        let numbers = table.numbers(position)?;
        for (row, (value, &number)) in column.iter_mut().zip(numbers.iter()).enumerate() {
            *value = encode(i, number);
            if !value.is_finite() {
                return Err(table.bad_cell(position, row, CellProblem::OutOfRange));
            }
        }
    }
    Ok(all)
}

/// Whether these columns, and no others, are the pixels of images.
fn is_image(table: &Table, inputs: &[usize]) -> bool {
    let is_bytes = |&position: &usize| matches!(table.columns[position], Column::Bytes(_));
    pixel_positions(table).is_some_and(|pixels| {
        let mut sorted = pixels;
        sorted.sort_unstable();
        sorted == inputs && sorted.iter().all(is_bytes)
    })
}

/// Where pixel 0, 1, ... 783 are, if the table has such columns.
fn pixel_positions(table: &Table) -> Option<Vec<usize>> {
    if table.has_header() {
        named_pixels(table)
    } else {
        nameless_pixels(table)
    }
}

fn named_pixels(table: &Table) -> Option<Vec<usize>> {
    let (_, width) = IMAGE_SIZE;
    let namings: [&dyn Fn(usize) -> String; 3] = [
        &|i| format!("pixel{i}"),
        &|i| format!("pixel{}", i + 1),
        &|i| format!("{}x{}", i / width + 1, i % width + 1),
    ];
    let names = numbered(table.names());
    namings.iter().find_map(|name| {
        (0..N_PIXELS)
            .map(|pixel| names.get(name(pixel).as_str()).copied())
            .collect()
    })
}

fn nameless_pixels(table: &Table) -> Option<Vec<usize>> {
    let bytes = |column: &Column| match column {
        Column::Bytes(values) => values.iter().max().copied(),
        _ => None,
    };
    let largest: Option<Vec<u8>> = table.columns.iter().map(bytes).collect();
    match largest?.as_slice() {
        all if all.len() == N_PIXELS => Some((0..N_PIXELS).collect()),
        [label, pixels @ ..] if *label <= 9 && pixels.len() == N_PIXELS => {
            Some((1..=N_PIXELS).collect())
        }
        _ => None,
    }
}

fn bytes_of(table: &Table, position: usize) -> Result<&[u8]> {
    if let Column::Bytes(values) = &table.columns[position] {
        return Ok(values);
    }
    let is_byte = |number: f64| number.fract() == 0.0 && (0.0..=255.0).contains(&number);
    let numbers = table.numbers(position)?;
    // Also `1.0` and `+1` are no pixels; the first row stands for them.
    let row = numbers
        .iter()
        .position(|&number| !is_byte(number))
        .unwrap_or(0);
    Err(table.bad_cell(position, row, CellProblem::NotAPixel))
}

/// Columns to rows, in blocks that stay in the cache.
fn transpose(columns: &[&[u8]], n_rows: usize) -> Array2<u8> {
    const BLOCK: usize = 64;
    let mut rows = Array2::zeros((n_rows, columns.len()));
    for (block, mut part) in rows.axis_chunks_iter_mut(Axis(0), BLOCK).enumerate() {
        let start = block * BLOCK;
        for (mut target, column) in part.axis_iter_mut(Axis(1)).zip(columns) {
            for (to, &from) in target.iter_mut().zip(&column[start..]) {
                *to = from;
            }
        }
    }
    rows
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TaskGuessed {
                column,
                task: Task::Classify,
                n_values,
            } => write!(
                f,
                "target \"{column}\" holds {n_values} different whole numbers: taken for classes"
            ),
            Self::TaskGuessed {
                column, n_values, ..
            } => write!(
                f,
                "target \"{column}\" holds {n_values} different numbers: taken for a quantity"
            ),
            Self::PixelTable => write!(f, "784 pixel columns: taken for images of 28x28"),
            Self::ConstantColumn { name } => {
                write!(f, "column \"{name}\" says the same in every training row")
            }
            Self::ExtraColumns { names } => {
                write!(f, "columns not used: {}", names.join(", "))
            }
            Self::UnseenCategories {
                column,
                n_rows,
                example,
            } => write!(
                f,
                "column \"{column}\": {n_rows} rows with a category that no training row had, \
                 as \"{example}\""
            ),
        }
    }
}
