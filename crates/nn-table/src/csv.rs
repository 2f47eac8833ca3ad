//! Strict reading of CSV files into typed columns.
//!
//! An empty cell, `nan`, a number beyond the range of `f32` or a row with a missing
//! field is an error. A byte-order mark, LF, CRLF and CR line endings, a missing
//! last line ending and blank lines are accepted. The separator is a comma, or a
//! semicolon or a tab if the first line has no comma. The role of each column
//! (input, target, weight) is decided in [`crate::preprocessing`].
//!
//! A column holds **numbers** or **text**. It is text if more than half of its
//! cells are neither numbers nor misspelled numbers (` 1`, `1,5`, `nan`). In any
//! other column the first cell that is not a number is an error, so that a typing
//! mistake does not turn a measurement into categories.
//! [`TableOptions::categorical`] declares columns of numeric codes as text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use csv::{ByteRecord, Position, ReaderBuilder};
use nn_data::input_file;

use crate::error::CellProblem;
use crate::suggestion::nearest;
use crate::{Error, Result};

/// Maximum number of columns, so that a line of separators cannot exhaust the
/// memory.
const MAX_COLUMNS: usize = 100_000;

/// Options for reading a table, and the roles of its columns.
///
/// | Name | Default | Purpose |
/// |---|---|---|
/// | `target` | see [`TableOptions::target`] | columns to predict |
/// | `task` | `auto` | classification, regression or multi-label classification |
/// | `header` | `auto` | whether the first row holds the column names |
/// | `sample_weight` | none | column of sample weights |
/// | `categorical` | none | columns of numeric codes to read as text |
/// | `ignore` | none | columns to skip |
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// Name of the target column, or several names separated by commas.
    ///
    /// By default the column named `label`, `target`, `class` or `y`, in this
    /// order and ignoring case; otherwise the last column.
    pub target: Option<String>,
    /// The type of prediction.
    pub task: Task,
    /// Whether the first row holds the column names.
    pub header: Header,
    /// Name of the column of sample weights, each at least 0.
    pub sample_weight: Option<String>,
    /// Names of the columns whose numbers are codes, not quantities.
    pub categorical: Vec<String>,
    /// Names of the columns to skip; their cells may hold anything.
    pub ignore: Vec<String>,
}

/// Whether the first row holds the column names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Header {
    /// The first row is a header if none of its cells is a number, and data if all
    /// are; a mixture is an error.
    #[default]
    Auto,
    /// The first row is a header.
    Yes,
    /// The first row is data; the columns are named `column1`, `column2`, ...
    No,
}

impl Header {
    /// All choices.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Yes, Self::No];

    /// Name of the choice.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Yes => "yes",
            Self::No => "no",
        }
    }
}

impl FromStr for Header {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        choice("header", name, &Self::ALL, Self::name)
    }
}

/// The type of prediction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Task {
    /// Inferred from the target columns. One column: classification if it is text
    /// or has at most 20 distinct whole numbers, and these are at most 2 or at
    /// most a tenth of the number of rows; otherwise regression. Several columns:
    /// multi-label if all cells are 0 or 1, otherwise regression.
    #[default]
    Auto,
    /// Classification: one of several classes.
    Classification,
    /// Regression: one or more numbers.
    Regression,
    /// Multi-label classification: several labels of 0 or 1, one per column.
    MultiLabel,
}

impl Task {
    /// All choices.
    pub const ALL: [Self; 4] = [
        Self::Auto,
        Self::Classification,
        Self::Regression,
        Self::MultiLabel,
    ];

    /// Name of the choice.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Classification => "classification",
            Self::Regression => "regression",
            Self::MultiLabel => "multi-label",
        }
    }
}

impl FromStr for Task {
    type Err = Error;

    /// Parses a name; `classify` and `regress` are accepted as aliases.
    fn from_str(name: &str) -> Result<Self> {
        let name = match name {
            "classify" => "classification",
            "regress" => "regression",
            name => name,
        };
        choice("task", name, &Self::ALL, Self::name)
    }
}

fn choice<T: Copy>(
    what: &'static str,
    name: &str,
    all: &[T],
    name_of: fn(T) -> &'static str,
) -> Result<T> {
    all.iter()
        .copied()
        .find(|&candidate| name_of(candidate) == name)
        .ok_or_else(|| Error::UnknownChoice {
            what,
            name: name.to_owned(),
            choices: all.iter().map(|&candidate| name_of(candidate)).collect(),
        })
}

/// The content of a CSV file: named columns of equal length and finite numbers.
///
/// ```
/// use std::path::Path;
/// use nn_table::csv::{Table, TableOptions};
///
/// let text = "length,kind\n5.1,setosa\n7.0,versicolor\n";
/// let table = Table::parse(Path::new("iris.csv"), text.as_bytes(), &TableOptions::default())?;
/// assert_eq!(table.n_rows(), 2);
/// assert_eq!(table.names(), ["length", "kind"]);
/// # Ok::<(), nn_table::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub(crate) path: PathBuf,
    pub(crate) has_header: bool,
    pub(crate) names: Vec<String>,
    pub(crate) columns: Vec<Column>,
    /// First line of each row in the file, counted from 1.
    lines: Vec<u64>,
}

/// The cells of one column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Column {
    /// Whole numbers 0..=255 only, such as pixels.
    Bytes(Vec<u8>),
    /// Finite numbers in the range of `f32`.
    Numbers(Vec<f64>),
    /// Words: row `i` holds `words[codes[i]]`.
    Text { words: Vec<String>, codes: Vec<u32> },
    /// A skipped column.
    Ignored,
}

/// The expected type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    /// Inferred from the cells.
    Auto,
    Number,
    Text,
    Ignored,
}

impl Table {
    /// Reads a CSV file.
    ///
    /// # Errors
    /// [`Error::File`] if the file cannot be read, is not UTF-8 or has no rows;
    /// [`Error::NotText`], [`Error::AmbiguousHeader`], [`Error::DuplicateColumn`],
    /// [`Error::TooManyColumns`], [`Error::RaggedRow`] or [`Error::BadCell`] for
    /// invalid content; [`Error::UnknownColumn`] for an unknown name in
    /// `categorical` or `ignore`.
    pub fn read(path: &Path, options: &TableOptions) -> Result<Self> {
        Self::parse(path, &input_file::read(path)?, options)
    }

    /// Parses the content of a CSV file; `path` is used in error messages.
    ///
    /// # Errors
    /// As [`Table::read`].
    pub fn parse(path: &Path, bytes: &[u8], options: &TableOptions) -> Result<Self> {
        let kind_of = |name: &str| {
            let is_in = |names: &[String]| names.iter().any(|listed| listed == name);
            if is_in(&options.ignore) {
                ColumnKind::Ignored
            } else if is_in(&options.categorical) {
                ColumnKind::Text
            } else {
                ColumnKind::Auto
            }
        };
        let table = parse(path, bytes, options.header, &kind_of)?;
        for name in options.categorical.iter().chain(&options.ignore) {
            table.position(name)?;
        }
        Ok(table)
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of rows, not counting the header.
    pub fn n_rows(&self) -> usize {
        self.lines.len()
    }

    /// Names of all columns in the order of the file, including skipped ones.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether the first row holds the column names.
    pub fn has_header(&self) -> bool {
        self.has_header
    }

    /// Index of the column `name`.
    pub(crate) fn position(&self, name: &str) -> Result<usize> {
        self.find(name).ok_or_else(|| Error::UnknownColumn {
            path: self.path.clone(),
            name: name.to_owned(),
            nearest: nearest(name, self.names.iter().map(String::as_str)).map(str::to_owned),
            columns: self.names.clone(),
        })
    }

    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|candidate| candidate == name)
    }

    /// A cell as text; a number in its shortest form.
    pub(crate) fn word(&self, column: usize, row: usize) -> Cow<'_, str> {
        match &self.columns[column] {
            Column::Bytes(values) => values[row].to_string().into(),
            Column::Numbers(values) => values[row].to_string().into(),
            Column::Text { words, codes } => words[codes[row] as usize].as_str().into(),
            Column::Ignored => "".into(),
        }
    }

    /// The cells of a numeric column.
    ///
    /// # Errors
    /// [`Error::BadCell`] if the column holds text.
    pub(crate) fn numbers(&self, column: usize) -> Result<Cow<'_, [f64]>> {
        match &self.columns[column] {
            Column::Bytes(values) => Ok(values.iter().map(|&value| f64::from(value)).collect()),
            Column::Numbers(values) => Ok(values.into()),
            Column::Text { .. } | Column::Ignored => {
                Err(self.bad_cell(column, 0, CellProblem::NotANumber))
            }
        }
    }

    pub(crate) fn bad_cell(&self, column: usize, row: usize, problem: CellProblem) -> Error {
        Error::BadCell {
            path: self.path.clone(),
            line: self.lines[row],
            column: self.names[column].clone(),
            text: self.word(column, row).into_owned(),
            problem,
        }
    }
}

/// Parses a table; `kind_of` gives the expected type of each column by name.
pub(crate) fn parse(
    path: &Path,
    bytes: &[u8],
    header: Header,
    kind_of: &dyn Fn(&str) -> ColumnKind,
) -> Result<Table> {
    let source = Source {
        path,
        text: checked_text(path, bytes)?,
    };
    source.check_line_widths()?;
    let mut records = source.records();
    let (has_header, names) = source.column_names(&mut records, header)?;
    let kinds: Vec<ColumnKind> = names.iter().map(|name| kind_of(name)).collect();
    records.rewind(has_header);
    let (lines, mut columns) = source.read_numbers(&mut records, &names, kinds)?;
    records.rewind(has_header);
    read_text(&mut records, &mut columns);
    Ok(Table {
        path: path.to_owned(),
        has_header,
        names,
        columns,
        lines,
    })
}

/// Decodes the text, without its byte-order mark.
fn checked_text<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str> {
    let foreign = input_file::known_format(bytes).filter(|_| is_document(bytes) || !is_text(bytes));
    if let Some(looks_like) = foreign {
        return Err(Error::NotText {
            path: path.to_owned(),
            looks_like,
        });
    }
    let text = input_file::decode_utf8(path, bytes)?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Whether the content begins like a document, not like a table.
fn is_document(bytes: &[u8]) -> bool {
    const STARTS: [&[u8]; 4] = [b"<!", b"<html", b"<?xml", b"%PDF-"];
    STARTS.iter().any(|start| bytes.starts_with(start))
}

/// Whether the first bytes are UTF-8 without control characters.
fn is_text(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(8)];
    let printable = |c: char| !c.is_control() || c.is_ascii_whitespace();
    str::from_utf8(start).is_ok_and(|text| text.chars().all(printable))
}

/// The text of a table, and its path for error messages.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    /// A reader of the records and their line numbers.
    fn records(&self) -> Records<'_> {
        let bytes = self.text.as_bytes();
        Records {
            reader: ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .delimiter(delimiter(self.text))
                .from_reader(Cursor::new(bytes)),
            bytes,
            counted: 0,
            line: 1,
        }
    }

    /// Rejects lines with too many fields, counting quoted separators as well.
    fn check_line_widths(&self) -> Result<()> {
        let separator = char::from(delimiter(self.text));
        let is_too_wide = |line: &str| line.matches(separator).count() >= MAX_COLUMNS;
        for (number, line) in (1..).zip(self.text.split('\n')) {
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

    /// Whether the table has a header, and the names of the columns.
    fn column_names(
        &self,
        records: &mut Records<'_>,
        header: Header,
    ) -> Result<(bool, Vec<String>)> {
        let mut first = ByteRecord::new();
        let Some(line) = records.read(&mut first) else {
            return Err(empty(self.path));
        };
        let has_header = match header {
            Header::Yes => true,
            Header::No => false,
            Header::Auto => self.is_header(line, &first)?,
        };
        let names = (1..)
            .zip(&first)
            .map(|(number, cell)| match text_of(cell).trim() {
                name if has_header && !name.is_empty() => name.to_owned(),
                _ => format!("column{number}"),
            })
            .collect();
        self.check_names(line, names)
            .map(|names| (has_header, names))
    }

    fn is_header(&self, line: u64, first: &ByteRecord) -> Result<bool> {
        let number = first.iter().position(looks_numeric);
        let word = first.iter().position(|cell| !looks_numeric(cell));
        match (number, word) {
            (Some(number), Some(word)) => Err(Error::AmbiguousHeader {
                path: self.path.to_owned(),
                line,
                number: text_of(&first[number]).into_owned(),
                word: text_of(&first[word]).into_owned(),
            }),
            (number, _) => Ok(number.is_none()),
        }
    }

    fn check_names(&self, line: u64, names: Vec<String>) -> Result<Vec<String>> {
        let mut seen = HashMap::new();
        for (position, name) in names.iter().enumerate() {
            if has_line_break(name.as_bytes()) {
                return Err(Error::BadCell {
                    path: self.path.to_owned(),
                    line,
                    column: format!("column{}", position + 1),
                    text: name.clone(),
                    problem: CellProblem::LineBreak,
                });
            }
            if let Some(first) = seen.insert(name.as_str(), position + 1) {
                return Err(Error::DuplicateColumn {
                    path: self.path.to_owned(),
                    name: name.clone(),
                    first,
                    second: position + 1,
                });
            }
        }
        Ok(names)
    }

    /// Reads all columns but the text columns, which stay empty.
    fn read_numbers(
        &self,
        records: &mut Records<'_>,
        names: &[String],
        kinds: Vec<ColumnKind>,
    ) -> Result<(Vec<u64>, Vec<Column>)> {
        let mut builders: Vec<Builder> = kinds.into_iter().map(Builder::new).collect();
        let mut lines = Vec::new();
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
            for ((cell, builder), name) in record.iter().zip(&mut builders).zip(names) {
                builder
                    .push(cell, line)
                    .map_err(|problem| self.bad_cell(line, name, cell, problem))?;
            }
            lines.push(line);
        }
        if lines.is_empty() {
            return Err(empty(self.path));
        }
        self.check_numbers(names, &builders)?;
        let columns = builders.into_iter().map(Builder::finish).collect();
        Ok((lines, columns))
    }

    /// Reports the first cell of a numeric column that is not a number.
    fn check_numbers(&self, names: &[String], builders: &[Builder]) -> Result<()> {
        let first = builders
            .iter()
            .zip(names)
            .filter(|(builder, _)| !builder.is_text())
            .filter_map(|(builder, name)| builder.first_bad.as_ref().map(|bad| (bad, name)))
            .min_by_key(|(bad, _)| bad.line);
        match first {
            Some((bad, name)) => Err(self.bad_cell(bad.line, name, &bad.cell, bad.problem.clone())),
            None => Ok(()),
        }
    }

    fn bad_cell(&self, line: u64, column: &str, cell: &[u8], problem: CellProblem) -> Error {
        Error::BadCell {
            path: self.path.to_owned(),
            line,
            column: column.to_owned(),
            text: text_of(cell).into_owned(),
            problem,
        }
    }
}

/// Reads the words of the text columns.
fn read_text(records: &mut Records<'_>, columns: &mut [Column]) {
    let mut text: Vec<_> = columns
        .iter_mut()
        .enumerate()
        .filter_map(|(position, column)| match column {
            Column::Text { words, codes } => Some((position, words, codes, HashMap::new())),
            _ => None,
        })
        .collect();
    if text.is_empty() {
        return;
    }
    let mut record = ByteRecord::new();
    while records.read(&mut record).is_some() {
        for (position, words, codes, known) in &mut text {
            let word = text_of(&record[*position]);
            let code = match known.get(word.as_ref()) {
                Some(&code) => code,
                None => {
                    let code = words.len() as u32;
                    known.insert(word.to_string(), code);
                    words.push(word.into_owned());
                    code
                }
            };
            codes.push(code);
        }
    }
}

/// The error for a table without rows.
pub(crate) fn empty(path: &Path) -> Error {
    Error::File(nn_data::Error::Empty {
        path: path.to_owned(),
    })
}

/// The separator of the first line: a comma, else a semicolon, else a tab.
fn delimiter(text: &str) -> u8 {
    let start = text.trim_start_matches(['\r', '\n']);
    let first_line = start.split(['\r', '\n']).next().unwrap_or_default();
    *b",;\t"
        .iter()
        .find(|&&candidate| first_line.as_bytes().contains(&candidate))
        .unwrap_or(&b',')
}

struct Records<'a> {
    reader: csv::Reader<Cursor<&'a [u8]>>,
    bytes: &'a [u8],
    /// Number of bytes whose line endings are counted in `line`.
    counted: usize,
    line: u64,
}

impl Records<'_> {
    /// Seeks to the first row of data.
    fn rewind(&mut self, has_header: bool) {
        self.reader
            .seek(Position::new())
            .expect("bytes in memory have a beginning");
        (self.counted, self.line) = (0, 1);
        if has_header {
            self.read(&mut ByteRecord::new());
        }
    }

    /// Reads the next record and returns the number of its first line.
    ///
    /// The `csv` crate counts LF only; here CR and CRLF count as well.
    fn read(&mut self, record: &mut ByteRecord) -> Option<u64> {
        let before = self.reader.position().byte() as usize;
        let read = self.reader.read_byte_record(record);
        if !read.expect("bytes in memory, of any number of fields, read without error") {
            return None;
        }
        let line_ends = self.bytes[before..]
            .iter()
            .take_while(|b| b"\r\n".contains(b));
        let start = before + line_ends.count();
        for at in self.counted..start {
            let ends_line = match self.bytes[at] {
                b'\n' => at == 0 || self.bytes[at - 1] != b'\r',
                byte => byte == b'\r',
            };
            self.line += u64::from(ends_line);
        }
        self.counted = start;
        Some(self.line)
    }
}

/// A column that is being read.
struct Builder {
    kind: ColumnKind,
    column: Column,
    n_rows: usize,
    /// Number of cells that are neither numbers nor misspelled numbers.
    n_words: usize,
    first_bad: Option<BadCell>,
}

/// A cell that is an error if its column is numeric.
struct BadCell {
    line: u64,
    cell: Vec<u8>,
    problem: CellProblem,
}

impl Builder {
    fn new(kind: ColumnKind) -> Self {
        Self {
            kind,
            column: match kind {
                ColumnKind::Ignored => Column::Ignored,
                _ => Column::Bytes(Vec::new()),
            },
            n_rows: 0,
            n_words: 0,
            first_bad: None,
        }
    }

    fn push(&mut self, cell: &[u8], line: u64) -> Result<(), CellProblem> {
        self.n_rows += 1;
        match self.kind {
            ColumnKind::Ignored => Ok(()),
            ColumnKind::Text => check_word(cell),
            ColumnKind::Auto | ColumnKind::Number => self.push_number(cell, line),
        }
    }

    fn push_number(&mut self, cell: &[u8], line: u64) -> Result<(), CellProblem> {
        if let (Column::Bytes(values), Some(value)) = (&mut self.column, small_integer(cell)) {
            values.push(value);
            return Ok(());
        }
        check_word(cell)?;
        let number = parse_number(cell).unwrap_or_else(|problem| {
            self.note_bad(cell, line, problem);
            0.0
        });
        self.wide_numbers().push(number);
        Ok(())
    }

    fn note_bad(&mut self, cell: &[u8], line: u64, problem: CellProblem) {
        self.n_words += usize::from(!looks_numeric(cell));
        self.first_bad.get_or_insert_with(|| BadCell {
            line,
            cell: cell.to_owned(),
            problem,
        });
    }

    /// The numbers so far, converted from bytes.
    fn wide_numbers(&mut self) -> &mut Vec<f64> {
        if let Column::Bytes(values) = &self.column {
            self.column = Column::Numbers(values.iter().map(|&v| f64::from(v)).collect());
        }
        match &mut self.column {
            Column::Numbers(values) => values,
            _ => unreachable!("a column that is read holds bytes or numbers"),
        }
    }

    fn is_text(&self) -> bool {
        match self.kind {
            ColumnKind::Text => true,
            ColumnKind::Auto => self.n_words * 2 > self.n_rows,
            ColumnKind::Number | ColumnKind::Ignored => false,
        }
    }

    fn finish(self) -> Column {
        if self.is_text() {
            Column::Text {
                words: Vec::new(),
                codes: Vec::with_capacity(self.n_rows),
            }
        } else {
            self.column
        }
    }
}

fn check_word(cell: &[u8]) -> Result<(), CellProblem> {
    if cell.is_empty() {
        Err(CellProblem::Empty)
    } else if has_line_break(cell) {
        Err(CellProblem::LineBreak)
    } else {
        Ok(())
    }
}

fn has_line_break(cell: &[u8]) -> bool {
    cell.iter().any(|byte| b"\r\n".contains(byte))
}

/// Parses one to three digits up to 255: a fast path for tables of pixels.
fn small_integer(cell: &[u8]) -> Option<u8> {
    if cell.is_empty() || 3 < cell.len() {
        return None;
    }
    let value = cell.iter().try_fold(0_u16, |value, byte| {
        byte.is_ascii_digit()
            .then(|| value * 10 + u16::from(byte - b'0'))
    });
    value.and_then(|value| u8::try_from(value).ok())
}

/// Parses a number in the range of `f32`.
fn parse_number(cell: &[u8]) -> Result<f64, CellProblem> {
    let text = str::from_utf8(cell).map_err(|_| CellProblem::NotANumber)?;
    let number: f64 = text.parse().map_err(|_| CellProblem::NotANumber)?;
    if (number as f32).is_finite() {
        Ok(number)
    } else {
        Err(CellProblem::NotFinite)
    }
}

/// Whether a cell is a number or a misspelled one: with surrounding spaces, a
/// decimal comma, infinite or `nan`.
fn looks_numeric(cell: &[u8]) -> bool {
    let text = text_of(cell);
    let text = text.trim();
    text.parse::<f64>().is_ok() || text.replacen(',', ".", 1).parse::<f64>().is_ok()
}

fn text_of(cell: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(cell)
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

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
