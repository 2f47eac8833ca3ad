//! Reading tables into typed columns.
//!
//! The encoding, the separator, the header and the type of each column are inferred from
//! the whole file, unless they are given, and recorded in the [`Schema`]. Each doubtful
//! guess is reported as a [`Note`]. A cell that does not match the type of its column is
//! an error that names the line, so that a typing mistake does not turn a numeric column
//! into a categorical one. The role of each column (input, target, weight) is decided in
//! [`crate::preprocessing`].
//!
//! | cells of a column | type |
//! |---|---|
//! | numbers, in one format for the whole column | number |
//! | dates or times, in one format for the whole column | date |
//! | whole numbers with leading zeros or beyond 2^53 | category (codes) |
//! | anything else | category |
//!
//! Every column may have missing values; see [`MISSING_MARKS`](crate::MISSING_MARKS).

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use csv::ByteRecord;
use nn_data::input_file;

use crate::cells::{Builder, Cells, TypedCells, is_value};
use crate::column::{Column, ColumnType, MAX_COLUMNS, Schema, Separator, is_missing};
use crate::decode::{Encoding, decode, decompress};
use crate::error::{CellProblem, Place};
use crate::file_format::FileFormat;
use crate::note::Note;
use crate::open_typed::open_typed;
use crate::options::{Header, TableOptions};
use crate::records::{Lines, Records};
use crate::suggestion::nearest;
use crate::typed_file::{Kind, TypedColumn, TypedFile, is_plausible, read_column};
use crate::{Error, Result};

/// Number of records from which the header and the likely types are inferred.
const SAMPLE_RECORDS: usize = 1000;

/// Number of characters of a cell from which the header and the types are inferred.
const MAX_SAMPLED: usize = 100;

/// Each thread reads at least this number of bytes.
const MIN_PART_BYTES: usize = 1 << 20;

/// Duplicates are searched for in tables of at most this number of rows.
const MAX_HASHED_ROWS: usize = 2_000_000;

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
    path: PathBuf,
    format: FileFormat,
    schema: Schema,
    encoding: Encoding,
    columns: Vec<Cells>,
    /// First line of each row in the file, or its number in a file without lines, counted
    /// from 1.
    lines: Vec<u32>,
    /// A hash of each row; empty for a large table.
    hashes: Vec<u64>,
    notes: Vec<Note>,
}

/// The expected layout and types of a table.
pub(crate) struct Expected<'a> {
    pub(crate) header: Header,
    pub(crate) separator: Option<Separator>,
    /// The separator to use if several fit.
    pub(crate) preferred: Option<Separator>,
    /// Marks of missing values, besides the usual ones.
    pub(crate) missing: &'a [String],
    /// The type of a column by its position, its name and the number of columns; `None`
    /// infers it.
    pub(crate) type_of: &'a (dyn Fn(usize, &str, usize) -> Option<ColumnType> + Sync),
    /// Whether a cell of another type counts as missing instead of being an error.
    pub(crate) is_lenient: bool,
}

impl Table {
    /// Reads a file with a table: text, an array of NumPy, or with the features of this
    /// crate a Parquet or an Arrow file. It may be compressed by gzip.
    ///
    /// # Errors
    /// Returns [`Error::File`] if the file cannot be read or has no rows; [`Error::NotText`],
    /// [`Error::FormatNotBuilt`], [`Error::BadFile`], [`Error::UnsupportedColumn`],
    /// [`Error::Nul`], [`Error::BadGzip`], [`Error::AmbiguousHeader`],
    /// [`Error::DuplicateColumn`], [`Error::TooManyColumns`], [`Error::RaggedRow`] or
    /// [`Error::BadCell`] for invalid content; [`Error::UnknownColumn`] for an unknown
    /// name in `categorical`, `ignore` or `columns`.
    pub fn read(path: &Path, options: &TableOptions) -> Result<Self> {
        Self::parse(path, &input_file::read(path)?, options)
    }

    /// Parses the content of a file; `path` is used in error messages.
    ///
    /// # Errors
    /// Returns the same errors as [`Table::read`].
    pub fn parse(path: &Path, bytes: &[u8], options: &TableOptions) -> Result<Self> {
        let expected = Expected {
            header: options.header,
            separator: options.separator,
            preferred: None,
            missing: &options.missing,
            type_of: &|_, name, _| options.type_of(name),
            is_lenient: false,
        };
        let table = parse(path, bytes, &expected)?;
        for name in options.named_columns() {
            table.position(name)?;
        }
        Ok(table)
    }

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

    /// The format of the file.
    pub fn format(&self) -> FileFormat {
        self.format
    }

    /// The encoding of a text file.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Notes about how the table was read.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Number of rows, not counting the header.
    pub fn n_rows(&self) -> usize {
        self.lines.len()
    }

    /// The first line of each row in the file, or its number in a file without lines,
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

    /// Number of rows of `rows` that equal a row of `others`, cell by cell; `None` for
    /// a table of more than two million rows.
    pub fn n_repeated(&self, rows: &[u32], others: &[u32]) -> Option<usize> {
        if self.hashes.is_empty() {
            return None;
        }
        let hash = |&row: &u32| self.hashes[row as usize];
        let known: std::collections::HashSet<u64> = others.iter().map(hash).collect();
        Some(rows.iter().filter(|row| known.contains(&hash(row))).count())
    }

    /// Number of rows that equal an earlier row.
    pub(crate) fn n_duplicates(&self) -> usize {
        let distinct: std::collections::HashSet<&u64> = self.hashes.iter().collect();
        self.hashes.len() - distinct.len()
    }

    /// Adds a note about rows that equal an earlier row, except in a later table.
    fn note_duplicates(&mut self, expected: &Expected<'_>) {
        if !expected.is_lenient {
            let n_rows = self.n_duplicates();
            let note = (n_rows > 0).then_some(Note::Duplicates { n_rows });
            self.notes.extend(note);
        }
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
            self.lines = kept.iter().map(|&row| self.lines[row]).collect();
            if !self.hashes.is_empty() {
                self.hashes = kept.iter().map(|&row| self.hashes[row]).collect();
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

    pub(crate) fn bad_cell(&self, column: usize, row: usize, problem: CellProblem) -> Error {
        let number = self.lines.get(row).map_or(0, |&line| u64::from(line));
        Error::BadCell {
            path: self.path.clone(),
            place: place(self.format, number),
            column: self.name(column).to_owned(),
            text: self.word(column, row).into_owned(),
            problem,
        }
    }
}

/// Parses a table.
pub(crate) fn parse(path: &Path, bytes: &[u8], expected: &Expected<'_>) -> Result<Table> {
    let bytes = decompress(path, bytes)?;
    let format = FileFormat::of(&bytes);
    if format != FileFormat::Text {
        let file = open_typed(path, &bytes, format)?;
        return read_typed(path, format, &*file, bytes.len(), expected);
    }
    let (text, encoding) = decode(path, &bytes)?;
    let lines = Lines::new(path, &text, expected.separator, expected.preferred);
    let source = Source {
        path,
        lines: &lines,
        expected,
    };
    source.check_line_widths()?;
    let mut table = source.read(encoding)?;
    let mut notes = source.layout_notes(encoding);
    notes.append(&mut table.notes);
    table.notes = notes;
    table.note_duplicates(expected);
    Ok(table)
}

/// Reads a file whose columns have types.
fn read_typed(
    path: &Path,
    format: FileFormat,
    file: &dyn TypedFile,
    n_bytes: usize,
    expected: &Expected<'_>,
) -> Result<Table> {
    let bad = |reason: String| Error::BadFile {
        path: path.to_owned(),
        format,
        reason,
    };
    let (columns, n_rows) = (file.columns(), file.n_rows());
    if n_rows == 0 || columns.is_empty() {
        return Err(empty(path));
    }
    let header = expected.header != Header::No && columns.iter().all(|it| it.name.is_some());
    let names = typed_names(path, columns, header)?;
    let type_of = |position: usize| {
        let name = &names[position];
        (expected.type_of)(position, name, names.len())
    };
    let types: Vec<Option<ColumnType>> = (0..names.len()).map(type_of).collect();
    let is_read = |it: &&Option<ColumnType>| **it != Some(ColumnType::Ignored);
    let n_read = types.iter().filter(is_read).count();
    if n_rows > u32::MAX as usize || !is_plausible(n_rows, n_read, n_bytes) {
        let reason = format!("{n_rows} rows in {n_bytes} bytes are too many");
        return Err(bad(reason));
    }
    let n_hashed = if n_rows > MAX_HASHED_ROWS { 0 } else { n_rows };
    let mut hashes = vec![0; n_hashed];
    let mut notes = Vec::new();
    let mut builders = Vec::with_capacity(names.len());
    for (position, expected_type) in types.into_iter().enumerate() {
        match &columns[position].kind {
            Kind::RowNumbers if expected_type.is_none() => notes.push(Note::RowNumbers {
                column: names[position].clone(),
            }),
            Kind::Unsupported(found) if expected_type != Some(ColumnType::Ignored) => {
                return Err(Error::UnsupportedColumn {
                    path: path.to_owned(),
                    column: names[position].clone(),
                    found: found.clone(),
                });
            }
            _ => {}
        }
        let marks = expected.missing;
        let read = read_column(file, position, expected_type, marks, &mut hashes);
        builders.push(read.map_err(bad)?);
    }
    let lines: Vec<u32> = (1..=n_rows as u32).collect();
    let typing = Typing {
        path,
        format,
        lines: &lines,
        is_lenient: expected.is_lenient,
        prefer_comma: false,
    };
    let columns = typing.typed(&names, builders, &mut notes)?;
    let (types, cells): (Vec<ColumnType>, Vec<Cells>) = columns.into_iter().unzip();
    let columns = names.into_iter().zip(types);
    let mut table = Table {
        path: path.to_owned(),
        format,
        schema: Schema {
            separator: Separator::default(),
            header,
            missing: expected.missing.to_vec(),
            columns: columns
                .map(|(name, column_type)| Column { name, column_type })
                .collect(),
        },
        encoding: Encoding::Utf8,
        columns: cells,
        lines,
        hashes,
        notes,
    };
    table.note_duplicates(expected);
    Ok(table)
}

/// The names of the columns: those of the file, or `column1`, `column2`, ...
fn typed_names(path: &Path, columns: &[TypedColumn], has_names: bool) -> Result<Vec<String>> {
    if columns.len() > MAX_COLUMNS {
        return Err(Error::TooManyColumns {
            path: path.to_owned(),
            line: 1,
            limit: MAX_COLUMNS,
        });
    }
    let name = |(number, column): (usize, &TypedColumn)| match &column.name {
        Some(name) if has_names && !name.trim().is_empty() => name.trim().to_owned(),
        _ => format!("column{number}"),
    };
    let names: Vec<String> = (1..).zip(columns).map(name).collect();
    check_distinct(path, &names)?;
    Ok(names)
}

/// Checks that no two columns have the same name.
fn check_distinct(path: &Path, names: &[String]) -> Result<()> {
    let mut seen = HashMap::new();
    for (second, name) in (1..).zip(names) {
        if let Some(first) = seen.insert(name.as_str(), second) {
            return Err(Error::DuplicateColumn {
                path: path.to_owned(),
                name: name.clone(),
                first,
                second,
            });
        }
    }
    Ok(())
}

/// The place of a row, by its number in [`Table::lines`].
fn place(format: FileFormat, number: u64) -> Place {
    match format {
        FileFormat::Text => Place::Line(number),
        _ => Place::Row(number),
    }
}

/// The error for a table without rows.
pub(crate) fn empty(path: &Path) -> Error {
    Error::File(nn_data::Error::Empty {
        path: path.to_owned(),
    })
}

/// The text of a table, and what is expected of it.
struct Source<'a> {
    path: &'a Path,
    lines: &'a Lines<'a>,
    expected: &'a Expected<'a>,
}

impl Source<'_> {
    fn layout_notes(&self, encoding: Encoding) -> Vec<Note> {
        let layout = &self.lines.layout;
        let mut notes = Vec::new();
        if encoding != Encoding::Utf8 {
            notes.push(Note::NotUtf8(encoding));
        }
        if let Some(other) = layout.alternative {
            notes.push(Note::DoubtfulSeparator {
                used: layout.separator,
                other,
            });
        }
        if !layout.comment_lines.is_empty() {
            notes.push(Note::CommentLines {
                lines: layout.comment_lines.clone(),
            });
        }
        notes
    }

    /// Rejects lines with too many fields, counting quoted separators as well.
    fn check_line_widths(&self) -> Result<()> {
        let separator = char::from(self.lines.layout.separator.byte());
        let is_too_wide = |line: &str| line.matches(separator).count() >= MAX_COLUMNS;
        for (number, line) in (1..).zip(self.lines.text().split('\n')) {
            if line.len() >= MAX_COLUMNS && line.split('\r').any(is_too_wide) {
                return Err(Error::TooManyColumns {
                    path: self.path.to_owned(),
                    line: number,
                    limit: MAX_COLUMNS,
                });
            }
        }
        Ok(())
    }

    fn read(&self, encoding: Encoding) -> Result<Table> {
        let mut records = self.lines.records();
        let sample = Sample::read(&mut records);
        if sample.rows.is_empty() {
            return Err(empty(self.path));
        }
        let mut notes = Vec::new();
        let header = self.has_header(&sample, &mut notes)?;
        let names = self.column_names(&sample, header)?;
        let data = &sample.rows[usize::from(header)..];
        let mut builders: Vec<Builder> = names
            .iter()
            .enumerate()
            .map(|(position, name)| {
                let cells = data.iter().filter_map(|row| row.get(position));
                let marks = self.expected.missing;
                match (self.expected.type_of)(position, name, names.len()) {
                    Some(expected) => Builder::of_type(expected),
                    None => Builder::inferred(cells.map(String::as_str), marks),
                }
            })
            .collect();
        records.rewind(header);
        let (lines, hashes) = self.read_rows(records.byte(), &names, &mut builders)?;
        self.read_again(&mut records, header, &mut builders);
        let typing = Typing {
            path: self.path,
            format: FileFormat::Text,
            lines: &lines,
            is_lenient: self.expected.is_lenient,
            // Decimal commas in one column make them likely in others.
            prefer_comma: self.lines.layout.separator == Separator::Semicolon,
        };
        let columns = typing.typed(&names, builders, &mut notes)?;
        let (types, cells): (Vec<ColumnType>, Vec<Cells>) = columns.into_iter().unzip();
        let columns = names.into_iter().zip(types);
        Ok(Table {
            path: self.path.to_owned(),
            format: FileFormat::Text,
            schema: Schema {
                separator: self.lines.layout.separator,
                header,
                missing: self.expected.missing.to_vec(),
                columns: columns
                    .map(|(name, column_type)| Column { name, column_type })
                    .collect(),
            },
            encoding,
            columns: cells,
            lines,
            hashes,
            notes,
        })
    }

    /// Whether the first row holds the column names.
    fn has_header(&self, sample: &Sample, notes: &mut Vec<Note>) -> Result<bool> {
        match self.expected.header {
            Header::Yes => return Ok(true),
            Header::No => return Ok(false),
            Header::Auto => {}
        }
        let first = &sample.rows[0];
        let votes = Votes::of(first, &sample.rows[1..], self.expected.missing);
        match votes.decide() {
            Some(is_header) => {
                if is_header && votes.are_numbered_names {
                    notes.push(Note::NumericHeader {
                        first: first[0].clone(),
                        last: first[first.len() - 1].clone(),
                    });
                }
                Ok(is_header)
            }
            None => {
                let example = |position: Option<usize>| first[position.unwrap_or_default()].clone();
                Err(Error::AmbiguousHeader {
                    path: self.path.to_owned(),
                    line: sample.first_line,
                    number: example(votes.data_at),
                    word: example(votes.header_at),
                })
            }
        }
    }

    fn column_names(&self, sample: &Sample, has_header: bool) -> Result<Vec<String>> {
        let line = sample.first_line;
        let names: Vec<String> = (1..)
            .zip(&sample.rows[0])
            .map(|(number, cell)| {
                let cell = if number == 1 {
                    cell.trim_start_matches('#')
                } else {
                    cell
                };
                match cell.trim() {
                    name if has_header && !name.is_empty() => name.to_owned(),
                    _ => format!("column{number}"),
                }
            })
            .collect();
        for (position, name) in names.iter().enumerate() {
            if name.contains(['\r', '\n']) {
                return Err(Error::BadCell {
                    path: self.path.to_owned(),
                    place: Place::Line(line),
                    column: format!("column{}", position + 1),
                    text: name.clone(),
                    problem: CellProblem::LineBreak,
                });
            }
        }
        check_distinct(self.path, &names)?;
        Ok(names)
    }

    /// Reads all rows from byte `start` on into the builders, in parallel; returns their
    /// lines and hashes.
    fn read_rows(
        &self,
        start: usize,
        names: &[String],
        builders: &mut [Builder],
    ) -> Result<(Vec<u32>, Vec<u64>)> {
        let n_bytes = self.lines.text().len() - start;
        let n_threads = thread::available_parallelism().map_or(1, NonZero::get);
        let n_parts = n_threads.min(1 + n_bytes / MIN_PART_BYTES);
        let parts = self.lines.parts(start, n_parts);
        let part = &|mut records| {
            let mut builders: Vec<Builder> = builders.iter().map(Builder::fresh).collect();
            let read = self.read_part(&mut records, names, &mut builders)?;
            Ok((builders, read))
        };
        let parts: Vec<Result<_>> = match parts.len() {
            1 => parts.into_iter().map(part).collect(),
            _ => thread::scope(|scope| {
                let threads: Vec<_> = parts
                    .into_iter()
                    .map(|records| scope.spawn(move || part(records)))
                    .collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
                    .collect()
            }),
        };
        let (mut lines, mut hashes) = (Vec::new(), Vec::new());
        for part in parts {
            let (more, (more_lines, more_hashes)) = part?;
            for (builder, more) in builders.iter_mut().zip(more) {
                builder.append(more);
            }
            lines.extend(more_lines);
            hashes.extend(more_hashes);
        }
        if lines.is_empty() {
            return Err(empty(self.path));
        }
        if lines.len() > MAX_HASHED_ROWS {
            hashes.clear();
        }
        Ok((lines, hashes))
    }

    /// Reads the rows of a part of the text.
    fn read_part(
        &self,
        records: &mut Records<'_>,
        names: &[String],
        builders: &mut [Builder],
    ) -> Result<(Vec<u32>, Vec<u64>)> {
        let have_quotes = self.lines.have_quotes();
        let (mut lines, mut hashes) = (Vec::new(), Vec::new());
        let mut record = ByteRecord::new();
        while let Some(line) = records.read(&mut record) {
            if record.len() != names.len() {
                return Err(Error::RaggedRow {
                    path: self.path.to_owned(),
                    line,
                    expected: names.len(),
                    found: record.len(),
                });
            }
            for ((position, field), builder) in record.iter().enumerate().zip(&mut *builders) {
                let cell = trimmed(field, records);
                let has_line_break = have_quotes && cell.contains(['\r', '\n']);
                if has_line_break && !builder.is_ignored() {
                    let name = &names[position];
                    return Err(self.bad_cell(line, name, cell, CellProblem::LineBreak));
                }
                builder.push(cell, self.expected.missing);
            }
            lines.push(u32::try_from(line).unwrap_or(u32::MAX));
            if hashes.len() <= MAX_HASHED_ROWS {
                let mut hasher = DefaultHasher::new();
                hasher.write(records.raw());
                hashes.push(hasher.finish());
            }
        }
        Ok((lines, hashes))
    }

    /// Reads the columns again, as words, whose cells are not all plain numbers.
    fn read_again(&self, records: &mut Records<'_>, header: bool, builders: &mut [Builder]) {
        let mut again: Vec<(usize, &mut Builder)> = builders
            .iter_mut()
            .enumerate()
            .filter(|(_, builder)| builder.needs_words())
            .collect();
        if again.is_empty() {
            return;
        }
        for (_, builder) in &mut again {
            builder.start_words();
        }
        records.rewind(header);
        let mut record = ByteRecord::new();
        while records.read(&mut record).is_some() {
            for (position, builder) in &mut again {
                builder.push(trimmed(&record[*position], records), self.expected.missing);
            }
        }
    }

    fn bad_cell(&self, line: u64, column: &str, cell: &str, problem: CellProblem) -> Error {
        Error::BadCell {
            path: self.path.to_owned(),
            place: Place::Line(line),
            column: column.to_owned(),
            text: cell.to_owned(),
            problem,
        }
    }
}

/// What decides how the columns are typed, besides their cells.
struct Typing<'a> {
    path: &'a Path,
    format: FileFormat,
    /// The line or number of each row.
    lines: &'a [u32],
    is_lenient: bool,
    prefer_comma: bool,
}

impl Typing<'_> {
    /// The type and the cells of each column.
    fn typed(
        &self,
        names: &[String],
        builders: Vec<Builder>,
        notes: &mut Vec<Note>,
    ) -> Result<Vec<(ColumnType, Cells)>> {
        let mut first_bad: Option<(usize, Error)> = None;
        let mut columns = Vec::with_capacity(builders.len());
        for (name, builder) in names.iter().zip(builders) {
            let typed = builder.finish(name, self.prefer_comma, notes);
            if let Some((row, cell, problem)) = typed.bad {
                let place = place(self.format, u64::from(self.lines[row]));
                if self.is_lenient {
                    notes.push(Note::Unreadable {
                        column: name.clone(),
                        n_rows: typed.n_bad,
                        place,
                        example: cell,
                    });
                } else if first_bad.as_ref().is_none_or(|&(first, _)| row < first) {
                    let error = Error::BadCell {
                        path: self.path.to_owned(),
                        place,
                        column: name.clone(),
                        text: cell,
                        problem,
                    };
                    first_bad = Some((row, error));
                }
            }
            let TypedCells {
                column_type, cells, ..
            } = typed;
            columns.push((column_type, cells));
        }
        match first_bad {
            Some((_, error)) => Err(error),
            None => Ok(columns),
        }
    }
}

/// A field without the blanks around it, unless it is quoted.
pub(crate) fn trimmed<'a>(field: &'a [u8], records: &Records<'_>) -> &'a str {
    let text = str::from_utf8(field).unwrap_or_default();
    let cell = text.trim();
    let is_quoted = || text.contains(['\r', '\n']) || records.is_quoted(field);
    if cell.len() < text.len() && is_quoted() {
        return text;
    }
    cell
}

/// The first records of a table.
struct Sample {
    rows: Vec<Vec<String>>,
    first_line: u64,
}

impl Sample {
    fn read(records: &mut Records<'_>) -> Self {
        let mut sample = Self {
            rows: Vec::new(),
            first_line: 1,
        };
        let mut record = ByteRecord::new();
        while sample.rows.len() < SAMPLE_RECORDS {
            let Some(line) = records.read(&mut record) else {
                break;
            };
            if sample.rows.is_empty() {
                sample.first_line = line;
            }
            // A name is needed as a whole, a cell is not.
            let length = if sample.rows.is_empty() {
                usize::MAX
            } else {
                MAX_SAMPLED
            };
            let cell = |field| trimmed(field, records).chars().take(length).collect();
            sample.rows.push(record.iter().map(cell).collect());
        }
        sample
    }
}

/// Evidence for and against a header, one vote per column.
#[derive(Debug, Default)]
struct Votes {
    /// Columns of numbers or dates that begin with a word.
    n_words_above_values: usize,
    /// Columns of numbers or dates that begin with a number or date.
    n_values_above_values: usize,
    /// Columns of words whose first word occurs again below.
    n_repeated_words: usize,
    /// The first row counts: 0, 1, 2, ... or 2019, 2020, 2021.
    are_numbered_names: bool,
    /// The first column with a vote for a header, and against it.
    header_at: Option<usize>,
    data_at: Option<usize>,
}

impl Votes {
    fn of(first: &[String], below: &[Vec<String>], marks: &[String]) -> Self {
        let mut votes = Self {
            are_numbered_names: are_numbered_names(first),
            ..Self::default()
        };
        for (position, cell) in first.iter().enumerate() {
            if is_missing(cell, marks) {
                continue;
            }
            let cells = below
                .iter()
                .filter_map(|row| row.get(position))
                .filter(|cell| !is_missing(cell, marks));
            let n_present = cells.clone().count();
            let n_values = cells.clone().filter(|cell| is_value(cell)).count();
            let are_values = n_values * 2 > n_present || (n_present == 0 && is_value(cell));
            match (are_values, is_value(cell)) {
                (true, false) => {
                    votes.n_words_above_values += 1;
                    votes.header_at.get_or_insert(position);
                }
                (true, true) => {
                    votes.n_values_above_values += 1;
                    votes.data_at.get_or_insert(position);
                }
                (false, _) if cells.clone().any(|other| other == cell) => {
                    votes.n_repeated_words += 1;
                    votes.data_at.get_or_insert(position);
                }
                (false, _) => {}
            }
        }
        votes
    }

    /// Whether the first row is a header; `None` if the evidence conflicts.
    fn decide(&self) -> Option<bool> {
        let for_data = self.n_values_above_values + self.n_repeated_words;
        match (self.n_words_above_values, for_data) {
            _ if self.are_numbered_names && self.n_repeated_words == 0 => Some(true),
            (_, 0) => Some(true),
            (0, _) => Some(false),
            (for_header, _) if self.n_values_above_values == 0 => {
                (self.n_repeated_words <= for_header).then_some(true)
            }
            _ => None,
        }
    }
}

/// Whether the numbers of a first row are at least three consecutive whole numbers,
/// as pandas names columns, or years.
fn are_numbered_names(first: &[String]) -> bool {
    let numbers: Vec<i64> = first.iter().filter_map(|cell| cell.parse().ok()).collect();
    let n_values = first.iter().filter(|cell| is_value(cell)).count();
    let starts_well = numbers
        .first()
        .is_some_and(|&first| (0..=1).contains(&first) || (1900..=2100).contains(&first));
    numbers.len() >= 3
        && numbers.len() == n_values
        && starts_well
        && numbers.windows(2).all(|pair| pair[0] + 1 == pair[1])
}
