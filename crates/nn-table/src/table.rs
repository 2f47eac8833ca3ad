//! The content of a table in typed columns.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use nn_columnar::FileFormat;

use crate::cells::Cells;
use crate::column::{ColumnType, Schema};
use crate::decode::Encoding;
use crate::error::{CellProblem, Place};
use crate::note::Note;
use crate::numbers;
use crate::suggestion::nearest;
use crate::{Error, Result};

/// The content of a table: named columns of equal length.
///
/// ```
/// use std::path::Path;
/// use nn_table::{Table, TableOptions};
///
/// let text = "length,kind\n5.1,setosa\n7.0,versicolor\n";
/// let table = Table::parse(Path::new("iris.csv"), text.as_bytes(), &TableOptions::default())?;
/// assert_eq!(table.n_rows(), 2);
/// assert_eq!(table.names().collect::<Vec<_>>(), ["length", "kind"]);
/// # Ok::<(), nn_table::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub(crate) path: PathBuf,
    pub(crate) format: Option<FileFormat>,
    pub(crate) schema: Schema,
    pub(crate) encoding: Encoding,
    pub(crate) columns: Vec<Cells>,
    /// First line of each row in the file, or its number in a file without lines, counted
    /// from 1.
    pub(crate) lines: Vec<u32>,
    /// A hash of each row; empty for a large table.
    pub(crate) hashes: Vec<u64>,
    pub(crate) notes: Vec<Note>,
}

impl Table {
    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Name of the file without its ending, also without `.gz`.
    pub(crate) fn stem(&self) -> String {
        let stem = |path: &Path| PathBuf::from(path.file_stem().unwrap_or_default());
        let is_gz = self
            .path
            .extension()
            .is_some_and(|it| it.eq_ignore_ascii_case("gz"));
        let name = stem(&self.path);
        let name = if is_gz { stem(&name) } else { name };
        match name.to_string_lossy().into_owned() {
            // Standard input.
            name if name == "-" => "table".to_owned(),
            name => name,
        }
    }

    /// The schema of the table.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The format of the file; `None` for a text file.
    pub fn format(&self) -> Option<FileFormat> {
        self.format
    }

    /// The encoding of a text file.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Notes about reading the table, such as inferred properties.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Number of rows, not counting the header.
    pub fn n_rows(&self) -> usize {
        self.lines.len()
    }

    /// The first line of each row in the file, or the number of the row in a file without lines,
    /// counted from 1.
    pub fn lines(&self) -> &[u32] {
        &self.lines
    }

    /// Number of columns, including skipped ones.
    pub fn n_columns(&self) -> usize {
        self.columns.len()
    }

    /// Names of all columns in the order of the file, including skipped ones.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.schema.columns.iter().map(|column| &*column.name)
    }

    /// Whether the first row holds the column names.
    pub fn has_header(&self) -> bool {
        self.schema.header
    }

    /// Number of rows in `rows` that equal a row in `others`, cell by cell; `None` for
    /// a table of more than two million rows.
    pub fn n_repeated(&self, rows: &[u32], others: &[u32]) -> Option<usize> {
        if self.hashes.is_empty() {
            return None;
        }
        let hash = |&row: &u32| self.hashes[row as usize];
        let mut known: Vec<u64> = others.iter().map(hash).collect();
        known.sort_unstable();
        let is_known = |row: &&u32| known.binary_search(&hash(row)).is_ok();
        Some(rows.iter().filter(is_known).count())
    }

    /// Number of rows that equal an earlier row.
    pub(crate) fn n_duplicates(&self) -> usize {
        let mut hashes = self.hashes.clone();
        hashes.sort_unstable();
        hashes.windows(2).filter(|pair| pair[0] == pair[1]).count()
    }

    /// Adds a note about rows that equal an earlier row.
    pub(crate) fn note_duplicates(&mut self) {
        let n_rows = self.n_duplicates();
        let note = (n_rows > 0).then_some(Note::Duplicates { n_rows });
        self.notes.extend(note);
    }

    /// Removes the rows with a missing value in one of these columns, and returns
    /// their number.
    pub(crate) fn drop_missing(&mut self, positions: &[usize]) -> usize {
        let is_complete = |row: usize| {
            positions
                .iter()
                .all(|&column| !self.columns[column].is_missing(row))
        };
        let kept: Vec<usize> = (0..self.n_rows()).filter(|&row| is_complete(row)).collect();
        let n_dropped = self.n_rows() - kept.len();
        if n_dropped > 0 {
            for column in &mut self.columns {
                column.keep(&kept);
            }
            numbers::keep(&mut self.lines, &kept);
            if !self.hashes.is_empty() {
                numbers::keep(&mut self.hashes, &kept);
            }
        }
        n_dropped
    }

    /// Gives the columns other names.
    pub(crate) fn rename(&mut self, names: impl Iterator<Item = String>) {
        for (column, name) in self.schema.columns.iter_mut().zip(names) {
            column.name = name;
        }
    }

    pub(crate) fn name(&self, column: usize) -> &str {
        &self.schema.columns[column].name
    }

    pub(crate) fn column_type(&self, column: usize) -> &ColumnType {
        &self.schema.columns[column].column_type
    }

    pub(crate) fn cells(&self, column: usize) -> &Cells {
        &self.columns[column]
    }

    pub(crate) fn is_ignored(&self, column: usize) -> bool {
        *self.column_type(column) == ColumnType::Ignored
    }

    /// Index of the column `name`.
    pub(crate) fn position(&self, name: &str) -> Result<usize> {
        self.find(name).ok_or_else(|| Error::UnknownColumn {
            path: self.path.clone(),
            name: name.to_owned(),
            nearest: nearest(name, self.names()).map(str::to_owned),
            columns: self.names().map(str::to_owned).collect(),
        })
    }

    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.names().position(|candidate| candidate == name)
    }

    /// A cell as text; a number in its shortest form.
    pub(crate) fn word(&self, column: usize, row: usize) -> Cow<'_, str> {
        self.columns[column].word(row)
    }

    /// The cells of a column of numbers or dates; missing values are NaN.
    ///
    /// # Errors
    /// Returns [`Error::BadCell`] if the column holds categories.
    pub(crate) fn numbers(&self, column: usize) -> Result<Cow<'_, [f64]>> {
        let numbers = self.columns[column].numbers();
        numbers.ok_or_else(|| self.bad_cell(column, 0, CellProblem::NotANumber))
    }

    /// The cells of a column of numbers without missing values.
    ///
    /// # Errors
    /// Returns [`Error::BadCell`] if the column holds categories or a missing value.
    pub(crate) fn complete_numbers(&self, column: usize) -> Result<Cow<'_, [f64]>> {
        let numbers = self.numbers(column)?;
        match numbers.iter().position(|number| number.is_nan()) {
            Some(row) => Err(self.bad_cell(column, row, CellProblem::Missing)),
            None => Ok(numbers),
        }
    }

    /// The place of a row in the file.
    pub fn place(&self, row: usize) -> Place {
        let number = self.lines.get(row).map_or(0, |&line| u64::from(line));
        Place::new(self.format, number)
    }

    pub(crate) fn bad_cell(&self, column: usize, row: usize, problem: CellProblem) -> Error {
        Error::BadCell {
            path: self.path.clone(),
            place: self.place(row),
            column: self.name(column).to_owned(),
            text: self.word(column, row).into_owned(),
            problem,
        }
    }
}

/// The error for a table without rows.
pub(crate) fn empty(path: &Path) -> Error {
    Error::Data(nn_data::Error::Empty {
        path: path.to_owned(),
    })
}
