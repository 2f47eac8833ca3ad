//! Preprocessing of tables: standardization, one-hot encoding and encoding of the
//! targets.
//!
//! Preprocessing is fitted to the **training rows only** and saved with the model,
//! so that every later table is transformed in the same way:
//!
//! | column | result |
//! |---|---|
//! | numeric input | one input, `(x - mean) / std` (population std; 1 for a constant column) |
//! | text input | one input per category: 1 for the category of the row, else 0 |
//! | target of classification | the index of the class in the sorted list of names |
//! | target of regression | `(y - mean) / std`, inverted for predictions |
//! | target of multi-label classification | 0 or 1 |
//! | 784 pixel columns | bytes of an image of 28x28 pixels |
//!
//! A sample weight acts like repeating the row: the mean is `Σ w x / Σ w`, the
//! variance `Σ w (x - mean)² / Σ w`, and rows of weight 0 are ignored.
//!
//! The names of the *classes* are those of all rows of the table: they are not a
//! measurement, and a class with a single row must not stop the training if that
//! row is held out.
//!
//! # Tables of images
//! 784 columns of whole numbers 0..=255 are an image if they are named
//! `pixel0`...`pixel783` (as in Kaggle's digit recognizer), `pixel1`...`pixel784`
//! or `1x1`...`28x28`, with or without a label column. Without a header, 784 such
//! columns are an image, and 785 if the first one holds labels 0..=9.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use ndarray::{Array2, ArrayViewMut2, Axis};
use nn_data::{Dataset, Inputs, Split, Targets, input_file};
use serde::{Deserialize, Serialize};

use crate::csv::{self, Column, ColumnKind, Header, Table, TableOptions, Task, compare_names};
use crate::error::CellProblem;
use crate::{Error, Result};

/// Maximum number of categories of a text column, and of classes.
const MAX_CATEGORIES: usize = 1000;

/// Maximum number of distinct whole numbers that are inferred as classes.
const MAX_INFERRED_CLASSES: usize = 20;

/// Height and width of the images in a table of pixels.
const IMAGE_SIZE: (usize, usize) = (28, 28);
const N_PIXELS: usize = IMAGE_SIZE.0 * IMAGE_SIZE.1;

/// The encoding of table columns as inputs and targets; part of a model file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Encoding of the inputs.
    pub inputs: InputEncoding,
    /// Encoding of the targets.
    pub target: TargetEncoding,
    /// Name of the column of sample weights in the training table.
    pub sample_weight: Option<String>,
    /// Whether the training table had a header. Without one, the columns of a table
    /// without targets are matched by position.
    pub has_header: bool,
}

/// Encoding of the inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InputEncoding {
    /// 784 pixels as bytes.
    Pixels,
    /// Encoded columns, in the order of the training table.
    Columns(Vec<InputColumn>),
}

/// One input column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputColumn {
    /// Name of the column.
    pub name: String,
    /// Encoding of its cells.
    pub encoding: ColumnEncoding,
}

/// Encoding of an input column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnEncoding {
    /// Standardization of a number: one input.
    #[serde(alias = "standardise")]
    Standardize(Standardization),
    /// One-hot encoding: one input per category, sorted by name.
    OneHot(Vec<String>),
}

/// Standardization: `(x - mean) / std`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardization {
    /// Mean of the training rows.
    pub mean: f64,
    /// Population standard deviation of the training rows, above 0.
    pub std: f64,
}

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
    /// Multi-label classification: 0 or 1 for each column of these names.
    #[serde(alias = "flags")]
    MultiLabel(Vec<String>),
}

/// A target column of regression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetColumn {
    /// Name of the column.
    pub name: String,
    /// Standardization of its numbers.
    #[serde(alias = "standardisation")]
    pub standardization: Standardization,
}

/// Handling of categories that no training row has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnseenCategory {
    /// Set all inputs of the column to 0, and add a [`Note`].
    #[default]
    Zeros,
    /// Return [`Error::BadCell`].
    Error,
}

/// The encoded rows of a table.
#[derive(Clone, Debug)]
pub struct Samples {
    /// Inputs, `[n_rows, n_inputs]`.
    pub inputs: Inputs,
    /// Targets, one entry per row; `None` if the table has no target column.
    pub targets: Option<Targets>,
    /// Sample weights, `[n_rows]`, each at least 0 and not all 0; `None` if the table
    /// has no such column.
    pub sample_weights: Option<Vec<f32>>,
    /// Notes for the user.
    pub notes: Vec<Note>,
}

/// A note for the user about a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The task was inferred from the cells of the target column.
    TaskInferred {
        /// Name of the target column.
        column: String,
        /// The inferred task.
        task: Task,
        /// Number of distinct values in the column.
        n_values: usize,
    },
    /// The table was recognized as images.
    PixelTable,
    /// A column has the same value in all training rows.
    ConstantColumn {
        /// Name of the column.
        name: String,
    },
    /// Columns that the model does not use.
    ExtraColumns {
        /// Names of the columns.
        names: Vec<String>,
    },
    /// Categories that no training row has.
    UnseenCategories {
        /// Name of the column.
        column: String,
        /// Number of rows with such a category.
        n_rows: usize,
        /// The first such category.
        example: String,
    },
}

impl Preprocessing {
    /// The class index of each row, if the task is classification; `None` otherwise.
    /// A stratified split needs it before [`fit`](Self::fit).
    ///
    /// # Errors
    /// The errors of [`fit`](Self::fit) about the target.
    pub fn classes(table: &Table, options: &TableOptions) -> Result<Option<Vec<u32>>> {
        let targets = Roles::of(table, options)?.targets;
        let (&[position], Task::Classification) = (
            &targets[..],
            infer_task(table, &targets, options.task, &mut Vec::new()),
        ) else {
            return Ok(None);
        };
        classes(table, position, &class_names(table, position)?).map(Some)
    }

    /// Encodes the targets of a table; `None` if it has no target columns.
    ///
    /// # Errors
    /// [`Error::BadCell`] for an unknown class or a cell of another type than in the
    /// training table.
    pub fn targets(&self, table: &Table) -> Result<Option<Targets>> {
        self.target.apply(table)
    }

    /// Fits the preprocessing to the given rows of a table. Also returns notes, for
    /// example about an inferred task.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`], [`Error::ConflictingRoles`], [`Error::NoTarget`],
    /// [`Error::NoInputs`], [`Error::SeveralClassTargets`] or
    /// [`Error::TooManyCategories`] for invalid columns; [`Error::BadCell`] for text
    /// in a numeric target, a label that is neither 0 nor 1, or a negative weight;
    /// [`Error::File`] if `rows` is empty.
    ///
    /// # Panics
    /// If an index in `rows` is not below [`Table::n_rows`].
    pub fn fit(table: &Table, rows: &[usize], options: &TableOptions) -> Result<(Self, Vec<Note>)> {
        if rows.is_empty() {
            return Err(csv::empty(table.path()));
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

    /// Reads a CSV file to transform: its columns have the types of the training
    /// table, and unknown columns are skipped.
    ///
    /// # Errors
    /// As [`Table::read`].
    pub fn read(&self, path: &Path, header: Header) -> Result<Table> {
        self.parse(path, &input_file::read(path)?, header)
    }

    /// Parses a CSV file as [`Preprocessing::read`] does; `path` is used in error
    /// messages.
    ///
    /// # Errors
    /// As [`Table::parse`].
    pub fn parse(&self, path: &Path, bytes: &[u8], header: Header) -> Result<Table> {
        let InputEncoding::Columns(columns) = &self.inputs else {
            return csv::parse(path, bytes, header, &|_| ColumnKind::Auto);
        };
        // Without a header, columns may have shifted to the left, if the target
        // column is missing.
        if !self.has_header {
            return csv::parse(path, bytes, header, &|_| ColumnKind::Auto);
        }
        csv::parse(path, bytes, header, &|name| {
            let input = columns.iter().find(|column| column.name == name);
            match input.map(|column| &column.encoding) {
                Some(ColumnEncoding::Standardize(_)) => ColumnKind::Number,
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

    /// Encodes the rows of a table: inputs, and targets and sample weights if the
    /// table has them. Columns are found by name, in any order.
    ///
    /// # Errors
    /// [`Error::MissingColumns`]; [`Error::OutOfMemory`]; [`Error::BadCell`] for an
    /// unknown class, for an unseen category with [`UnseenCategory::Error`], or for a
    /// cell of another type than in the training table.
    pub fn transform(&self, table: &Table, unseen: UnseenCategory) -> Result<Samples> {
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

    /// Number of inputs of the network.
    pub fn n_inputs(&self) -> usize {
        match &self.inputs {
            InputEncoding::Pixels => N_PIXELS,
            InputEncoding::Columns(columns) => {
                columns.iter().map(|column| column.encoding.width()).sum()
            }
        }
    }

    /// Number of outputs of the network: classes, numbers or labels.
    pub fn n_outputs(&self) -> usize {
        match &self.target {
            TargetEncoding::Classification { names, .. } | TargetEncoding::MultiLabel(names) => {
                names.len()
            }
            TargetEncoding::Regression(columns) => columns.len(),
        }
    }

    /// Names of the classes or labels; empty for regression.
    pub fn class_names(&self) -> &[String] {
        match &self.target {
            TargetEncoding::Classification { names, .. } | TargetEncoding::MultiLabel(names) => {
                names
            }
            TargetEncoding::Regression(_) => &[],
        }
    }

    /// Height and width of the images in pixels; `None` if the table has no images.
    pub fn image_size(&self) -> Option<(usize, usize)> {
        (self.inputs == InputEncoding::Pixels).then_some(IMAGE_SIZE)
    }

    /// Converts outputs of the network to the units of the table, in place.
    /// Probabilities are unchanged.
    ///
    /// # Panics
    /// If `outputs` is not `[n_rows, n_outputs]`.
    pub fn inverse_transform(&self, mut outputs: ArrayViewMut2<'_, f32>) {
        assert_eq!(outputs.ncols(), self.n_outputs(), "number of outputs");
        if let TargetEncoding::Regression(columns) = &self.target {
            for (mut values, column) in outputs.axis_iter_mut(Axis(1)).zip(columns) {
                values.mapv_inplace(|value| column.standardization.inverse(value));
            }
        }
    }

    /// Serializes to one line of JSON. [`Preprocessing::from_json`] restores every
    /// number exactly.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "serialization cannot fail")]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings, numbers and lists have a JSON form")
    }

    /// Deserializes the JSON of [`Preprocessing::to_json`].
    ///
    /// # Errors
    /// [`Error::BadPreprocessing`] for invalid JSON or invalid numbers, such as a
    /// standard deviation of 0.
    pub fn from_json(json: &str) -> Result<Self> {
        let bad = |reason: String| Error::BadPreprocessing { reason };
        let read: Self = serde_json::from_str(json).map_err(|error| bad(error.to_string()))?;
        if read.n_inputs() == 0 || read.n_outputs() == 0 {
            return Err(bad("no inputs or no outputs".to_owned()));
        }
        let unusable = read.standardizations().find(|scaling| !scaling.is_usable());
        match unusable {
            Some(Standardization { mean, std }) => Err(bad(format!("mean {mean}, std {std}"))),
            None => Ok(read),
        }
    }

    fn standardizations(&self) -> impl Iterator<Item = Standardization> {
        let inputs = match &self.inputs {
            InputEncoding::Pixels => &[][..],
            InputEncoding::Columns(columns) => columns,
        };
        let targets = match &self.target {
            TargetEncoding::Regression(columns) => &columns[..],
            _ => &[],
        };
        let of_inputs = inputs.iter().filter_map(|column| match column.encoding {
            ColumnEncoding::Standardize(scaling) => Some(scaling),
            ColumnEncoding::OneHot(_) => None,
        });
        of_inputs.chain(targets.iter().map(|column| column.standardization))
    }

    /// Whether a table without a header has only the input columns, in order.
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
    /// Converts to a data set of training samples without test samples. Also returns
    /// the sample weights.
    ///
    /// # Errors
    /// [`Error::MissingColumns`] if the table has no target columns.
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
    /// Number of inputs per cell.
    pub fn width(&self) -> usize {
        match self {
            Self::Standardize(_) => 1,
            Self::OneHot(categories) => categories.len(),
        }
    }
}

impl Standardization {
    /// Computes mean and standard deviation in two passes, in double precision. If
    /// all squared deviations underflow to 0, the column counts as constant.
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

    fn inverse(self, value: f32) -> f32 {
        (f64::from(value) * self.std + self.mean) as f32
    }

    fn is_usable(&self) -> bool {
        self.mean.is_finite() && self.std.is_finite() && 0.0 < self.std
    }
}

impl TargetEncoding {
    /// Names of the target columns.
    fn columns(&self) -> Vec<String> {
        match self {
            Self::Classification { column, .. } => vec![column.clone()],
            Self::Regression(columns) => columns.iter().map(|c| c.name.clone()).collect(),
            Self::MultiLabel(columns) => columns.clone(),
        }
    }

    /// The expected type of a column, if it is a target.
    fn kind_of(&self, name: &str) -> Option<ColumnKind> {
        let kind = match self {
            Self::Classification { .. } => ColumnKind::Text,
            Self::Regression(_) | Self::MultiLabel(_) => ColumnKind::Number,
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
            Self::Classification { names, .. } => {
                Targets::Classes(classes(table, positions[0], names)?)
            }
            Self::Regression(columns) => {
                let scaling = |i: usize| columns[i].standardization;
                Targets::Values(values(table, &positions, |i, y| scaling(i).apply(y))?)
            }
            Self::MultiLabel(_) => {
                check_labels(table, &positions)?;
                Targets::Values(values(table, &positions, |_, label| label as f32)?)
            }
        }))
    }
}

/// The training rows with their sample weights.
struct WeightedRows<'a> {
    /// Rows of positive weight; all rows if no weight is positive.
    rows: Vec<usize>,
    /// One weight per row of the table; `None` means 1.
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

/// Indices of the columns by role.
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
        return check_target(table, position).map(|position| vec![position]);
    }
    target
        .split(',')
        .map(|name| check_target(table, table.position(name.trim())?))
        .collect()
}

/// Checks that a target column is not skipped.
fn check_target(table: &Table, position: usize) -> Result<usize> {
    if table.columns[position] == Column::Ignored {
        return Err(Error::ConflictingRoles {
            path: table.path().to_owned(),
            column: table.names()[position].clone(),
        });
    }
    Ok(position)
}

/// The first column for images without a header, otherwise the last column.
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

/// The encoding of one column, and whether it is constant.
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
    let scaling = Standardization::fit(&values, rows);
    let is_constant = rows.are_all_equal(&values);
    Ok((ColumnEncoding::Standardize(scaling), is_constant))
}

/// The distinct values of a column in the given rows, sorted.
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
    match infer_task(table, targets, task, notes) {
        Task::Classification => {
            let &[position] = targets else {
                return Err(Error::SeveralClassTargets {
                    path: table.path().to_owned(),
                    columns: all_names(),
                });
            };
            Ok(TargetEncoding::Classification {
                column: name(position),
                names: class_names(table, position)?,
            })
        }
        Task::MultiLabel => {
            check_labels(table, targets)?;
            note_constant_targets(table, rows, targets, notes)?;
            Ok(TargetEncoding::MultiLabel(all_names()))
        }
        Task::Regression | Task::Auto => {
            let column = |&position: &usize| {
                Ok(TargetColumn {
                    name: name(position),
                    standardization: Standardization::fit(&table.numbers(position)?, rows),
                })
            };
            let columns = targets.iter().map(column).collect::<Result<_>>()?;
            note_constant_targets(table, rows, targets, notes)?;
            Ok(TargetEncoding::Regression(columns))
        }
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
        if rows.are_all_equal(&table.numbers(position)?) {
            let name = table.names()[position].clone();
            notes.push(Note::ConstantColumn { name });
        }
    }
    Ok(())
}

/// Names of the classes in all rows; all ten digits for images of digits.
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

/// Infers the task by the rules of [`Task::Auto`].
fn infer_task(table: &Table, targets: &[usize], task: Task, notes: &mut Vec<Note>) -> Task {
    if task != Task::Auto {
        return task;
    }
    let &[position] = targets else {
        return if check_labels(table, targets).is_ok() {
            Task::MultiLabel
        } else {
            Task::Regression
        };
    };
    let Ok(numbers) = table.numbers(position) else {
        return Task::Classification;
    };
    let are_whole = numbers.iter().all(|number| number.fract() == 0.0);
    let n_values = numbers
        .iter()
        .map(|number| number.to_bits())
        .collect::<BTreeSet<_>>()
        .len();
    let is_few = n_values <= MAX_INFERRED_CLASSES && n_values * 10 <= numbers.len();
    let is_image_label = pixel_positions(table).is_some();
    let inferred = if are_whole && (is_few || n_values <= 2 || is_image_label) {
        Task::Classification
    } else {
        Task::Regression
    };
    notes.push(Note::TaskInferred {
        column: table.names()[position].clone(),
        task: inferred,
        n_values,
    });
    inferred
}

fn check_labels(table: &Table, positions: &[usize]) -> Result<()> {
    for &position in positions {
        let numbers = table.numbers(position)?;
        if let Some(row) = numbers
            .iter()
            .position(|&label| label != 0.0 && label != 1.0)
        {
            return Err(table.bad_cell(position, row, CellProblem::NotBinary));
        }
    }
    Ok(())
}

/// Encodes the inputs, `[n_rows, n_inputs]`.
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
            ColumnEncoding::Standardize(scaling) => standardize(table, position, *scaling, block)?,
            ColumnEncoding::OneHot(categories) => {
                notes.extend(one_hot(table, position, categories, unseen, block)?);
            }
        }
        at = end;
    }
    Ok(inputs)
}

/// A matrix of zeros, `[n_rows, n_inputs]`, or an error without enough memory.
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

fn standardize(
    table: &Table,
    position: usize,
    scaling: Standardization,
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
            None if unseen == UnseenCategory::Error => {
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

/// The name of a class given as a number: `1` for `1.0`, `0` for `-0`.
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

/// Encodes numeric columns, `[n_rows, n_columns]`; `encode` gets the index of the
/// column in `positions`.
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

/// Whether the input columns are exactly the pixels of images.
fn is_image(table: &Table, inputs: &[usize]) -> bool {
    let is_bytes = |&position: &usize| matches!(table.columns[position], Column::Bytes(_));
    pixel_positions(table).is_some_and(|pixels| {
        let mut sorted = pixels;
        sorted.sort_unstable();
        sorted == inputs && sorted.iter().all(is_bytes)
    })
}

/// Columns of the pixels 0, 1, ... 783, if the table has them.
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
    // `1.0` and `+1` are not pixels either; the error names the first row.
    let row = numbers
        .iter()
        .position(|&number| !is_byte(number))
        .unwrap_or(0);
    Err(table.bad_cell(position, row, CellProblem::NotAPixel))
}

/// Transposes columns to rows, in blocks that fit into the cache.
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
            Self::TaskInferred {
                column,
                task: Task::Classification,
                n_values,
            } => write!(
                f,
                "target \"{column}\": {n_values} distinct whole numbers, treated as classification"
            ),
            Self::TaskInferred {
                column, n_values, ..
            } => write!(
                f,
                "target \"{column}\": {n_values} distinct numbers, treated as regression"
            ),
            Self::PixelTable => write!(f, "784 pixel columns, treated as images of 28x28 pixels"),
            Self::ConstantColumn { name } => {
                write!(
                    f,
                    "column \"{name}\" has the same value in all training rows"
                )
            }
            Self::ExtraColumns { names } => {
                write!(f, "unused columns: {}", names.join(", "))
            }
            Self::UnseenCategories {
                column,
                n_rows,
                example,
            } => write!(
                f,
                "column \"{column}\": {n_rows} rows with a category that is not in the training \
                 rows, such as \"{example}\""
            ),
        }
    }
}
