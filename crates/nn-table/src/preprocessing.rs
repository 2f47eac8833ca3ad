//! Preprocessing of tables: converts typed columns to the inputs and targets of a
//! network.
//!
//! Preprocessing is fitted to the **training rows only** and saved with the model,
//! together with the [`Schema`], so that every later table is read and transformed in
//! the same way:
//!
//! | column | result |
//! |---|---|
//! | numeric input | one input, `(x - mean) / std` (population std), or [robust scaling](crate::NumberScaling); the median in place of a missing value, and a second input that is 1 for a missing value if training rows have any |
//! | categorical input | one input per category (one-hot), or an index for an embedding; a missing value is a separate category |
//! | date | the seconds since 1970 as a number, and weekday, month and hour as categories if they vary |
//! | constant input | none |
//! | classification target | the index of the class in the sorted list of names |
//! | regression target | `(y - mean) / std`, inverted for predictions |
//! | multi-label target | 0 or 1 |
//! | 784 pixel columns | bytes of an image of 28x28 pixels |
//!
//! A sample weight has the same effect as repeating the row: the mean is `Σ w x / Σ w`, the
//! variance `Σ w (x - mean)² / Σ w`, and rows of weight 0 are ignored.
//!
//! The names of the *classes* are collected from all rows of the table, so that a class
//! whose only row is a validation or test row is known to the model.

use std::ops::Range;
use std::path::Path;

use ndarray::{Array2, ArrayViewMut2, Axis};
use nn_data::{Dataset, Inputs, Split, Targets};
use serde::{Deserialize, Serialize};

use crate::column::{Column, ColumnType, Schema};
use crate::encoding::{ColumnEncoding, Encoder, UnseenCategory};
use crate::expected::{Expected, Progress};
use crate::giveaway;
use crate::note::Note;
use crate::number_scaling::NumberScaling;
use crate::options::{Header, TableOptions, Task};
use crate::parallel;
use crate::pixels::{self, IMAGE_SIZE, N_PIXELS};
use crate::reader;
use crate::roles::{self, Roles, infer_task};
use crate::table::{self, Table};
use crate::target::{self, TargetEncoding};
use crate::weighted_rows::{self, WeightedRows};
use crate::{Error, Result};

/// Number of rows that are encoded before their cells are freed.
const ROWS_AT_A_TIME: usize = 1 << 16;

/// The encoding of table columns as inputs and targets; part of a model file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Encoding of the inputs.
    pub inputs: InputEncoding,
    /// Encoding of the targets.
    pub target: TargetEncoding,
    /// Name of the column of sample weights in the training table.
    pub sample_weight: Option<String>,
    /// Names of the columns that were used only to split the training table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub split_columns: Vec<String>,
    /// Whether the training table had a header. Without a header, the columns of a table
    /// without targets are matched by position.
    pub has_header: bool,
    /// Schema of the training table; `None` in models that were saved by versions before 0.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Schema>,
}

/// Encoding of the inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InputEncoding {
    /// 784 pixels as bytes.
    Pixels,
    /// 784 pixels with a small maximum, such as 1, scaled to bytes.
    Levels {
        /// The maximum in the table, which is scaled to 255.
        largest: u8,
    },
    /// Encoded columns, in the order of the inputs.
    Columns(Vec<InputColumn>),
}

/// One input column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputColumn {
    /// Name of the column.
    pub name: String,
    /// Encoding of the cells.
    pub encoding: ColumnEncoding,
}

/// The purpose of reading a table with a model, which determines the columns that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Predict: read only the inputs. Target columns may contain anything.
    Predict,
    /// Evaluate or train: read inputs, targets and sample weights.
    Evaluate,
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
    /// Notes for the user about the encoded rows.
    pub notes: Vec<Note>,
}

impl Preprocessing {
    /// The class index of each row, if the task is classification; `None` otherwise.
    /// A stratified split needs the class indices before [`fit`](Self::fit).
    ///
    /// # Errors
    /// Returns the errors of [`fit`](Self::fit) about the target.
    pub fn classes(table: &Table, options: &TableOptions) -> Result<Option<Vec<u32>>> {
        let targets = roles::targets(table, options)?;
        let notes = &mut Vec::new();
        let (&[position], Task::Classification) = (
            &targets[..],
            infer_task(table, &targets, options.task, notes),
        ) else {
            return Ok(None);
        };
        let names = target::class_names(table, position)?;
        target::classes(table, position, &names, notes).map(Some)
    }

    /// Removes the rows whose target is missing, before a split and
    /// [`fit`](Self::fit).
    ///
    /// # Errors
    /// Returns [`Error::File`] if no row is left, and the errors of
    /// [`fit`](Self::fit) about the target columns.
    pub fn drop_missing_targets(table: &mut Table, options: &TableOptions) -> Result<Option<Note>> {
        let targets = roles::targets(table, options)?;
        drop_missing(table, &targets)
    }

    /// Removes the rows whose target is missing from a later table.
    ///
    /// # Errors
    /// Returns [`Error::File`] for a table without rows, and [`Error::NoTargetValues`] if no row
    /// is left.
    pub fn drop_rows_without_target(&self, table: &mut Table) -> Result<Option<Note>> {
        let columns = self.target.columns();
        let found = columns.iter().filter_map(|name| table.find(name));
        let positions: Vec<usize> = found.filter(|&it| !table.is_ignored(it)).collect();
        drop_missing(table, &positions)
    }

    /// Encodes the targets of a table; `None` if it has no target columns.
    ///
    /// # Errors
    /// Returns [`Error::BadCell`] for an unknown class or a cell of another type than
    /// in the training table.
    pub fn targets(&self, table: &Table) -> Result<Option<Targets>> {
        self.target.transform(table, &mut Vec::new())
    }

    /// Fits the preprocessing to the given rows of a table. Also returns notes, for
    /// example about an inferred task.
    ///
    /// # Errors
    /// Returns [`Error::UnknownColumn`], [`Error::ConflictingRoles`],
    /// [`Error::NoTarget`], [`Error::NoInputs`], [`Error::SeveralClassTargets`] or
    /// [`Error::TooManyClasses`] for invalid columns; [`Error::BadCell`] for text in a
    /// numeric target, a label that is neither 0 nor 1, or a negative weight;
    /// [`Error::File`] if `rows` is empty.
    ///
    /// # Panics
    /// Panics if an index in `rows` is not below [`Table::n_rows`].
    pub fn fit(table: &Table, rows: &[usize], options: &TableOptions) -> Result<(Self, Vec<Note>)> {
        if rows.is_empty() {
            return Err(table::empty(table.path()));
        }
        let mut roles = Roles::of(table, options)?;
        let rows = &WeightedRows::new(table, rows, roles.sample_weight)?;
        let mut schema = table.schema().clone();
        let mut notes = Vec::new();
        for (position, reason) in std::mem::take(&mut roles.left_out) {
            if !roles.split_only.contains(&position) {
                schema.columns[position].column_type = ColumnType::Ignored;
            }
            notes.push(reason);
        }
        notes.extend(roles.order.map(|position| Note::OrderIsInput {
            column: table.name(position).to_owned(),
        }));
        let target = TargetEncoding::fit(table, rows, &roles.targets, options, &mut notes)?;
        let inputs = fit_inputs(table, rows, &roles.inputs, options, &mut notes)?;
        if let InputEncoding::Columns(_) = inputs {
            notes.extend(giveaway::find(table, rows, &roles, &target));
        }
        let preprocessing = Self {
            inputs,
            target,
            sample_weight: options.sample_weight.clone(),
            split_columns: roles
                .split_only
                .iter()
                .map(|&it| table.name(it).to_owned())
                .collect(),
            has_header: table.has_header(),
            schema: Some(schema),
        };
        Ok((preprocessing, notes))
    }

    /// Reads a table to transform: its columns have the types of the training table,
    /// unknown columns are skipped, and an input cell of another type counts as
    /// missing, with a note.
    ///
    /// # Errors
    /// Returns the same errors as [`Table::read`], and [`Error::ColumnCount`] for a
    /// table without a header that does not fit the training table.
    pub fn read(&self, path: &Path, header: Header, purpose: Purpose) -> Result<Table> {
        self.read_by(path, header, purpose, |expected| {
            reader::read(path, expected)
        })
    }

    /// Parses the content of a file as [`Preprocessing::read`] does; `path` is used in
    /// error messages.
    ///
    /// # Errors
    /// Returns the same errors as [`Preprocessing::read`].
    pub fn parse(
        &self,
        path: &Path,
        bytes: &[u8],
        header: Header,
        purpose: Purpose,
    ) -> Result<Table> {
        self.read_by(path, header, purpose, |expected| {
            reader::parse(path, bytes, expected)
        })
    }

    fn read_by(
        &self,
        path: &Path,
        header: Header,
        purpose: Purpose,
        read: impl Fn(&Expected<'_>) -> Result<Table>,
    ) -> Result<Table> {
        match header {
            Header::Auto if self.is_image() => {}
            Header::Auto if self.has_header => {
                let table = self.read_as(path, Header::Yes, purpose, &read)?;
                if table.has_header() {
                    return Ok(table);
                }
                // An array without names has the columns of the model by position.
                return self.read_as(path, Header::No, purpose, read);
            }
            Header::Auto => return self.read_as(path, Header::No, purpose, read),
            Header::Yes | Header::No => {}
        }
        self.read_as(path, header, purpose, read)
    }

    fn read_as(
        &self,
        path: &Path,
        header: Header,
        purpose: Purpose,
        read: impl Fn(&Expected<'_>) -> Result<Table>,
    ) -> Result<Table> {
        let trained = self.training_columns();
        let names_by_position = |n_columns: usize| {
            let are_inputs_only = n_columns != trained.len();
            let columns = trained
                .iter()
                .filter(move |it| it.is_input || !are_inputs_only);
            columns.map(|it| it.name)
        };
        let name_of = |position: usize, name: &str, n_columns: usize| match header {
            Header::No => {
                let name_by_position = names_by_position(n_columns).nth(position);
                name_by_position.unwrap_or(name).to_owned()
            }
            _ => name.to_owned(),
        };
        let is_image = self.is_image();
        let expected = Expected {
            header,
            separator: None,
            preferred: self.schema.as_ref().map(|schema| schema.separator),
            missing: self.schema.as_ref().map_or(&[][..], |it| &it.missing),
            type_of: &|position, name, n_columns| match is_image {
                true => {
                    let is_target = n_columns != N_PIXELS && self.target.type_of(name).is_some();
                    (is_target && purpose == Purpose::Predict).then_some(ColumnType::Ignored)
                }
                false => Some(self.expected_type(&name_of(position, name, n_columns), purpose)),
            },
            mark_of: &|position, name, n_columns| {
                let column = self.schema_column(&name_of(position, name, n_columns));
                column.and_then(|column| column.missing.clone())
            },
            is_lenient: true,
            progress: Progress::NONE,
        };
        let mut table = read(&expected)?;
        if header == Header::No && !is_image {
            let found = table.n_columns();
            let n_inputs = trained.iter().filter(|it| it.is_input).count();
            if found != trained.len() && found != n_inputs {
                return Err(Error::ColumnCount {
                    path: path.to_owned(),
                    all: trained.len(),
                    inputs: n_inputs,
                    found,
                });
            }
            table.rename(names_by_position(found).map(str::to_owned));
        }
        Ok(table)
    }

    /// Encodes the rows of a table: inputs, and targets and sample weights if the
    /// table has them. Columns are found by name, in any order.
    ///
    /// # Errors
    /// Returns [`Error::MissingColumns`] if input columns are missing; [`Error::OutOfMemory`] if
    /// there is not enough memory for the inputs; [`Error::BadCell`] for an unknown class, for an
    /// unseen category with [`UnseenCategory::Error`], or for a target of another type than in the
    /// training table.
    pub fn transform(&self, table: &Table, unseen: UnseenCategory) -> Result<Samples> {
        let mut notes = Vec::new();
        let inputs = match &self.inputs {
            InputEncoding::Pixels => Inputs::Pixels(pixels::pixels(table, u8::MAX)?),
            InputEncoding::Levels { largest } => Inputs::Pixels(pixels::pixels(table, *largest)?),
            InputEncoding::Columns(columns) => {
                let encoders = encoders(table, columns, unseen, &mut notes)?;
                let mut inputs = zeros(table, self.n_inputs())?;
                encode(table, &encoders, 0..table.n_rows(), inputs.view_mut());
                Inputs::Features(inputs)
            }
        };
        self.with_targets(table, inputs, notes)
    }

    /// Encodes the rows of a table as a data set of training samples, without test
    /// samples. Also returns the sample weights and notes. Cells are freed as soon as they
    /// are encoded, so that a large table is not in memory twice.
    ///
    /// # Errors
    /// Returns [`Error::MissingColumns`] if the table has no target columns, and the errors
    /// of [`transform`](Self::transform).
    pub fn into_dataset(
        &self,
        mut table: Table,
        unseen: UnseenCategory,
    ) -> Result<(Dataset, Option<Vec<f32>>, Vec<Note>)> {
        let mut samples = match &self.inputs {
            InputEncoding::Columns(columns) => {
                let mut notes = Vec::new();
                let encoders = encoders(&table, columns, unseen, &mut notes)?;
                let inputs = encode_and_free(&mut table, &encoders)?;
                self.with_targets(&table, Inputs::Features(inputs), notes)?
            }
            _ => self.transform(&table, unseen)?,
        };
        let notes = std::mem::take(&mut samples.notes);
        let (dataset, sample_weights) = samples.into_dataset(&table, self)?;
        Ok((dataset, sample_weights, notes))
    }

    /// Encodes the targets and the sample weights of a table whose inputs are encoded.
    fn with_targets(&self, table: &Table, inputs: Inputs, mut notes: Vec<Note>) -> Result<Samples> {
        self.note_extra_columns(table, &mut notes);
        // Without a header, the first pixel has the name of the label.
        let holds_pixels_only = self.is_image() && table.n_columns() == N_PIXELS;
        let (targets, sample_weights) = if holds_pixels_only {
            (None, None)
        } else {
            let targets = self.target.transform(table, &mut notes)?;
            (targets, self.sample_weights(table)?)
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
            InputEncoding::Pixels | InputEncoding::Levels { .. } => N_PIXELS,
            InputEncoding::Columns(columns) => {
                columns.iter().map(|column| column.encoding.width()).sum()
            }
        }
    }

    /// Number of inputs of numeric columns, which come first with
    /// [`TableOptions::orders_for_embeddings`].
    pub fn n_numeric_inputs(&self) -> usize {
        let columns = self.input_columns().iter();
        let numeric = columns.map(|column| match &column.encoding {
            ColumnEncoding::Standardize(_) => column.encoding.width(),
            _ => 0,
        });
        numeric.sum()
    }

    /// Number of indices of each column that is encoded as the index of a category. The
    /// last index is that of categories that are not in the training rows.
    pub fn category_counts(&self) -> impl Iterator<Item = usize> {
        let columns = self.input_columns().iter();
        columns.filter_map(|column| match &column.encoding {
            ColumnEncoding::Index(categories) => Some(categories.len() + 1),
            _ => None,
        })
    }

    /// The encoded columns; empty for images.
    pub(crate) fn input_columns(&self) -> &[InputColumn] {
        match &self.inputs {
            InputEncoding::Columns(columns) => columns,
            InputEncoding::Pixels | InputEncoding::Levels { .. } => &[],
        }
    }

    /// The range of network inputs for each column; empty for images.
    ///
    /// ```
    /// # use std::path::Path;
    /// # use nn_table::{Preprocessing, Table, TableOptions};
    /// let text = "length,color,kind\n1.0,red,rose\n2.0,blue,iris\n3.0,red,rose\n";
    /// let table = Table::parse(Path::new("t.csv"), text.as_bytes(), &TableOptions::default())?;
    /// let (fitted, _) = Preprocessing::fit(&table, &[0, 1, 2], &TableOptions::default())?;
    /// let inputs: Vec<_> = fitted.input_ranges().collect();
    /// assert_eq!(inputs, [("length", 0..1), ("color", 1..3)]);
    /// # Ok::<(), nn_table::Error>(())
    /// ```
    pub fn input_ranges(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.input_columns().iter().scan(0, |start, column| {
            let end = *start + column.encoding.width();
            Some((&*column.name, std::mem::replace(start, end)..end))
        })
    }

    /// Number of outputs of the network: one per class, target column or label.
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
        self.is_image().then_some(IMAGE_SIZE)
    }

    /// Converts outputs of the network to the units of the table, in place.
    /// Probabilities are unchanged.
    ///
    /// # Panics
    /// Panics if `outputs` is not `[n_rows, n_outputs]`.
    pub fn inverse_transform(&self, mut outputs: ArrayViewMut2<'_, f32>) {
        assert_eq!(outputs.ncols(), self.n_outputs(), "number of outputs");
        if let TargetEncoding::Regression(columns) = &self.target {
            for (mut values, column) in outputs.axis_iter_mut(Axis(1)).zip(columns) {
                values.mapv_inplace(|value| column.inverse(value));
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
    /// Returns [`Error::BadPreprocessing`] for invalid JSON or invalid numbers, such
    /// as a standard deviation of 0.
    pub fn from_json(json: &str) -> Result<Self> {
        let bad = |reason: String| Error::BadPreprocessing { reason };
        let read: Self = serde_json::from_str(json).map_err(|error| bad(error.to_string()))?;
        if read.n_inputs() == 0 || read.n_outputs() == 0 {
            return Err(bad("no inputs or no outputs".to_owned()));
        }
        if let InputEncoding::Levels { largest: 0 } = read.inputs {
            return Err(bad("largest pixel 0".to_owned()));
        }
        let unusable = read.scalings().find(|scaling| !scaling.is_usable());
        match unusable {
            Some(NumberScaling::Standard(it)) => {
                Err(bad(format!("mean {}, std {}", it.mean, it.std)))
            }
            Some(NumberScaling::Robust(it)) => {
                Err(bad(format!("center {}, scale {}", it.center, it.scale)))
            }
            None => Ok(read),
        }
    }

    fn scalings(&self) -> impl Iterator<Item = NumberScaling> {
        let inputs = self.input_columns();
        let targets = match &self.target {
            TargetEncoding::Regression(columns) => &columns[..],
            _ => &[],
        };
        let of_inputs = inputs.iter().filter_map(|column| column.encoding.scaling());
        let of_targets = targets.iter().map(|column| column.standardization);
        of_inputs.chain(of_targets.map(NumberScaling::Standard))
    }

    fn is_image(&self) -> bool {
        !matches!(self.inputs, InputEncoding::Columns(_))
    }

    /// The columns of the training table, as far as they are known.
    fn training_columns(&self) -> Vec<TrainingColumn<'_>> {
        let column = |name| TrainingColumn {
            name,
            is_input: true,
        };
        let targets = self.target.columns();
        let is_other = |name: &str| {
            targets.iter().any(|target| target == name)
                || self.sample_weight.as_deref() == Some(name)
                || self.only_decides_split(name)
        };
        match (&self.schema, &self.inputs) {
            (Some(schema), _) => schema
                .columns
                .iter()
                .map(|it| TrainingColumn {
                    name: &it.name,
                    is_input: it.column_type != ColumnType::Ignored && !is_other(&it.name),
                })
                .collect(),
            (None, InputEncoding::Columns(columns)) => {
                columns.iter().map(|it| column(&it.name)).collect()
            }
            (None, _) => Vec::new(),
        }
    }

    /// The expected type of a column of a later table.
    fn expected_type(&self, name: &str, purpose: Purpose) -> ColumnType {
        let is_weight = self.sample_weight.as_deref() == Some(name);
        let target = self.target.type_of(name);
        let is_input = !is_weight && target.is_none() && !self.only_decides_split(name);
        if purpose == Purpose::Predict && !is_input {
            return ColumnType::Ignored;
        }
        if self.schema.is_some() {
            let column = self.schema_column(name);
            return column.map_or(ColumnType::Ignored, |column| column.column_type.clone());
        }
        let InputEncoding::Columns(columns) = &self.inputs else {
            return ColumnType::Ignored;
        };
        let input = columns.iter().find(|column| column.name == name);
        match input.map(|column| column.encoding.column_type()) {
            Some(input) => input,
            None if is_weight => ColumnType::plain_number(),
            None => target.unwrap_or(ColumnType::Ignored),
        }
    }

    fn schema_column(&self, name: &str) -> Option<&Column> {
        let columns = &self.schema.as_ref()?.columns;
        columns.iter().find(|column| column.name == name)
    }

    fn only_decides_split(&self, name: &str) -> bool {
        self.split_columns.iter().any(|column| column == name)
    }

    fn sample_weights(&self, table: &Table) -> Result<Option<Vec<f32>>> {
        let position = self
            .sample_weight
            .as_deref()
            .and_then(|name| table.find(name));
        let Some(position) = position.filter(|&position| !table.is_ignored(position)) else {
            return Ok(None);
        };
        let weights = weighted_rows::weights(table, position)?;
        Ok(Some(weights.iter().map(|&weight| weight as f32).collect()))
    }

    /// Notes columns that the training table did not have.
    fn note_extra_columns(&self, table: &Table, notes: &mut Vec<Note>) {
        let InputEncoding::Columns(columns) = &self.inputs else {
            return;
        };
        if !table.has_header() {
            return;
        }
        let is_known = |name: &str| match &self.schema {
            Some(schema) => schema.columns.iter().any(|column| column.name == name),
            None => {
                columns.iter().any(|column| column.name == name)
                    || self.target.type_of(name).is_some()
                    || self.sample_weight.as_deref() == Some(name)
            }
        };
        let extra = table.names().filter(|name| !is_known(name));
        let names: Vec<String> = extra.map(str::to_owned).collect();
        if !names.is_empty() {
            notes.push(Note::ExtraColumns { names });
        }
    }
}

/// A column of the training table.
struct TrainingColumn<'a> {
    name: &'a str,
    is_input: bool,
}

impl Samples {
    /// Converts to a data set of training samples without test samples. Also returns
    /// the sample weights.
    ///
    /// # Errors
    /// Returns [`Error::MissingColumns`] if the table has no target columns.
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
            name: table.stem(),
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

fn drop_missing(table: &mut Table, positions: &[usize]) -> Result<Option<Note>> {
    let n_rows = table.drop_missing(positions);
    let names = positions.iter().map(|&it| table.name(it).to_owned());
    let columns: Vec<String> = names.collect();
    if table.n_rows() == 0 && n_rows > 0 {
        return Err(Error::NoTargetValues {
            path: table.path().to_owned(),
            columns,
            n_rows,
        });
    }
    if table.n_rows() == 0 {
        return Err(table::empty(table.path()));
    }
    Ok((n_rows > 0).then_some(Note::MissingTargets { columns, n_rows }))
}

fn fit_inputs(
    table: &Table,
    rows: &WeightedRows<'_>,
    inputs: &[usize],
    options: &TableOptions,
    notes: &mut Vec<Note>,
) -> Result<InputEncoding> {
    if pixels::is_image(table, inputs) {
        let largest = pixels::largest(table, inputs, &rows.rows);
        notes.push(Note::PixelTable { largest });
        return Ok(match largest {
            u8::MAX => InputEncoding::Pixels,
            largest => InputEncoding::Levels { largest },
        });
    }
    let (mut columns, mut constant, mut empty) = (Vec::new(), Vec::new(), Vec::new());
    let fit = |position: usize| {
        let mut notes = Vec::new();
        let n_missing = table.cells(position).n_missing(rows.rows.iter().copied());
        let encoding = ColumnEncoding::fit(table, position, rows, options, &mut notes)?;
        Ok((encoding, n_missing == rows.rows.len(), notes))
    };
    let fitted: Vec<Result<_>> = parallel::map(inputs.to_vec(), fit);
    for (&position, fitted) in inputs.iter().zip(fitted) {
        let (encoding, is_empty, column_notes) = fitted?;
        notes.extend(column_notes);
        let name = table.name(position).to_owned();
        match encoding {
            _ if is_empty => empty.push(name),
            Some(encoding) => columns.push(InputColumn { name, encoding }),
            None => constant.push(name),
        }
    }
    if columns.is_empty() {
        return Err(Error::ConstantInputs {
            path: table.path().to_owned(),
            columns: table.names().map(str::to_owned).collect(),
        });
    }
    if !constant.is_empty() {
        notes.push(Note::ConstantColumns { names: constant });
    }
    if !empty.is_empty() {
        notes.push(Note::EmptyColumns { names: empty });
    }
    if options.orders_for_embeddings || options.indexes_categories {
        columns.sort_by_key(|column| column.encoding.rank());
    }
    Ok(InputEncoding::Columns(columns))
}

pub(crate) fn input_positions(table: &Table, columns: &[InputColumn]) -> Result<Vec<usize>> {
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

/// The columns of the inputs with their encoders.
fn encoders<'a>(
    table: &Table,
    columns: &'a [InputColumn],
    unseen: UnseenCategory,
    notes: &mut Vec<Note>,
) -> Result<Vec<(usize, Encoder<'a>)>> {
    let positions = input_positions(table, columns)?;
    let encoder = |(column, position): (&'a InputColumn, usize)| {
        let encoder = column.encoding.encoder(table, position, unseen, notes)?;
        Ok((position, encoder))
    };
    columns.iter().zip(positions).map(encoder).collect()
}

/// Encodes all rows, `[n_rows, n_inputs]`, from the last ones on, and frees their cells:
/// only the end of a list can be freed. The zeros take no memory before they are
/// overwritten.
fn encode_and_free(table: &mut Table, encoders: &[(usize, Encoder<'_>)]) -> Result<Array2<f32>> {
    let widths = encoders.iter().map(|(_, encoder)| encoder.width());
    let mut inputs = zeros(table, widths.sum())?;
    let mut end = table.n_rows();
    while end > 0 {
        let start = (end - 1) / ROWS_AT_A_TIME * ROWS_AT_A_TIME;
        let block = inputs.slice_axis_mut(Axis(0), (start..end).into());
        encode(table, encoders, start..end, block);
        for (position, _) in encoders {
            table.columns[*position].truncate(start);
        }
        end = start;
    }
    Ok(inputs)
}

/// Encodes some rows into `inputs`, `[n_rows, n_inputs]`, which is 0.
fn encode(
    table: &Table,
    encoders: &[(usize, Encoder<'_>)],
    rows: Range<usize>,
    mut inputs: ArrayViewMut2<'_, f32>,
) {
    let mut at = 0;
    for (position, encoder) in encoders {
        let end = at + encoder.width();
        let block = inputs.slice_axis_mut(Axis(1), (at..end).into());
        encoder.encode(table.cells(*position), rows.clone(), block);
        at = end;
    }
}

/// A matrix of zeros, `[n_rows, n_inputs]`, or an error without enough memory.
fn zeros(table: &Table, n_inputs: usize) -> Result<Array2<f32>> {
    let n_rows = table.n_rows();
    let out_of_memory = || Error::OutOfMemory {
        path: table.path().to_owned(),
        n_rows,
        n_inputs,
    };
    let n_values = n_rows.checked_mul(n_inputs).ok_or_else(out_of_memory)?;
    Vec::<f32>::new()
        .try_reserve_exact(n_values)
        .map_err(|_| out_of_memory())?;
    Ok(Array2::zeros((n_rows, n_inputs)))
}
