//! CSV files as typed columns: what every cell says, checked, before anything
//! is learnt from it.
//!
//! The reader is strict where a mistake would be silent (an empty cell, `nan`,
//! `1e39`, a row with a field too few) and lenient where the bytes differ but
//! the table does not: a byte-order mark, LF, CRLF or CR line ends, a missing
//! last line end, blank lines, and fields separated by `;` or tabs, which are
//! used where the first line has no comma. What a column is *for* is decided
//! in [`crate::preprocessing`].
//!
//! A column holds **numbers** or **text**. Cells that are numbers, or look like
//! misspelt ones (` 1`, `1,5`, `nan`), are counted against words: a column of
//! mostly words is text; in any other, the first cell that is no number is an
//! error, so that one typing mistake does not turn a measurement into
//! categories. [`TableOptions::categorical`] makes text of a column of codes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use csv::{ByteRecord, Position, ReaderBuilder};
use nn_data::input_file::{looks_like, special};

use crate::error::CellProblem;
use crate::suggestion::nearest;
use crate::{Error, Result};

/// Most columns of a table: what a column costs even when it is empty is known
/// only here, and a line of commas must not cost a gigabyte.
const MAX_COLUMNS: usize = 100_000;

/// How to read a table, and what its columns are for.
///
/// | Name | Default | Purpose |
/// |---|---|---|
/// | `target` | see [`TableOptions::target`] | what to predict |
/// | `task` | `auto` | classes, numbers or flags |
/// | `header` | `auto` | whether the first row names the columns |
/// | `sample_weight` | none | how much each row counts |
/// | `categorical` | none | columns to take as text though they are numbers |
/// | `ignore` | none | columns not to read at all |
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// Name of the column to predict, or several names joined by commas.
    ///
    /// By default the column named `label`, `target`, `class` or `y`, in this
    /// order and whatever the letter case; otherwise the last column.
    pub target: Option<String>,
    /// What kind of answer the target is.
    pub task: Task,
    /// Whether the first row holds the names of the columns.
    pub header: Header,
    /// Name of a column with the weight of each row, at least 0.
    pub sample_weight: Option<String>,
    /// Names of columns whose numbers are codes, not quantities.
    pub categorical: Vec<String>,
    /// Names of columns that are left out, and whose cells may hold anything.
    pub ignore: Vec<String>,
}

/// Whether the first row names the columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Header {
    /// It does if none of its cells is a number, it does not if all are; a
    /// mixture is an error.
    #[default]
    Auto,
    /// It does.
    Yes,
    /// It is data; the columns are called `column1`, `column2`, ...
    No,
}

impl Header {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Yes, Self::No];

    /// The name on the command line.
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

/// What kind of answer a table's target is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Task {
    /// Several target columns: flags if all cells are 0 or 1, else numbers.
    /// One column: classes if it is text, or if it holds whole numbers of
    /// which at most 20 differ, and either 2 or at most a tenth of the number
    /// of rows; else numbers.
    #[default]
    Auto,
    /// One class out of several.
    Classify,
    /// One or more numbers.
    Regress,
    /// Several yes-or-no answers, one a column of 0 and 1.
    MultiLabel,
}

impl Task {
    /// Every choice.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Classify, Self::Regress, Self::MultiLabel];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Classify => "classify",
            Self::Regress => "regress",
            Self::MultiLabel => "multi-label",
        }
    }
}

impl FromStr for Task {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
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

/// A table as read: named columns of equal length, every number finite.
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
    /// Line of the file on which each row begins, from 1.
    lines: Vec<u64>,
}

/// The cells of one column, top to bottom.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Column {
    /// Whole numbers 0..=255 without exception, as pixels are.
    Bytes(Vec<u8>),
    /// Finite numbers that an `f32` can hold.
    Numbers(Vec<f64>),
    /// Words: row `i` says `words[codes[i]]`.
    Text { words: Vec<String>, codes: Vec<u32> },
    /// Not read.
    Ignored,
}

/// What a column is taken for before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    /// Whatever its cells say.
    Auto,
    Number,
    Text,
    Ignored,
}

impl Table {
    /// Reads a CSV file.
    ///
    /// # Errors
    /// With line and column where one is at fault: [`Error::BadCell`],
    /// [`Error::RaggedRow`], [`Error::MixedHeader`], [`Error::DuplicateColumn`],
    /// [`Error::TooManyColumns`],
    /// [`Error::NotUtf8`], [`Error::NotText`], [`Error::UnknownColumn`] for a
    /// name in `categorical` or `ignore` that is none; [`Error::Empty`] without
    /// rows; [`Error::NotAFile`]; [`Error::Io`].
    pub fn read(path: &Path, options: &TableOptions) -> Result<Self> {
        Self::parse(path, &read_bytes(path)?, options)
    }

    /// As [`Table::read`], from bytes; `path` is what errors call them.
    ///
    /// # Errors
    /// Those of [`Table::read`] but for the file system's.
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

    /// The file it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of rows, not counting the header.
    pub fn n_rows(&self) -> usize {
        self.lines.len()
    }

    /// Names of all columns, also ignored ones, as in the file.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether the names come from the file's first row.
    pub fn has_header(&self) -> bool {
        self.has_header
    }

    /// Where the column called `name` is.
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

    /// The cells of one column as numbers.
    ///
    /// # Errors
    /// [`Error::BadCell`] where it holds text.
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

/// The whole content of a regular file.
///
/// # Errors
/// [`Error::NotAFile`] for a folder, a pipe or a device, which could be
/// endless or never answer; [`Error::Io`] otherwise.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    match special(path) {
        Ok(Some(found)) => Err(Error::NotAFile {
            path: path.to_owned(),
            found,
        }),
        Ok(None) => fs::read(path).map_err(|source| Error::io(path, source)),
        Err(source) => Err(Error::io(path, source)),
    }
}

/// Reads a table whose columns' kinds are known, or not, by name.
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
    source.refuse_endless_lines()?;
    let mut records = source.records();
    let (has_header, names) = source.column_names(&mut records, header)?;
    let kinds: Vec<ColumnKind> = names.iter().map(|name| kind_of(name)).collect();
    records.start_again(has_header);
    let (lines, mut columns) = source.read_numbers(&mut records, &names, kinds)?;
    records.start_again(has_header);
    read_text(&mut records, &mut columns);
    Ok(Table {
        path: path.to_owned(),
        has_header,
        names,
        columns,
        lines,
    })
}

/// The text without its byte-order mark.
fn checked_text<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str> {
    let foreign = looks_like(bytes).filter(|_| is_document(bytes) || !is_text(bytes));
    if let Some(looks_like) = foreign {
        return Err(Error::NotText {
            path: path.to_owned(),
            looks_like,
        });
    }
    let text = str::from_utf8(bytes).map_err(|error| Error::NotUtf8 {
        path: path.to_owned(),
        offset: error.valid_up_to() as u64,
        byte: bytes[error.valid_up_to()],
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Whether a file that could be text begins as no table does.
fn is_document(bytes: &[u8]) -> bool {
    const STARTS: [&[u8]; 4] = [b"<!", b"<html", b"<?xml", b"%PDF-"];
    STARTS.iter().any(|start| bytes.starts_with(start))
}

/// Whether the first bytes, at least, are UTF-8 without control characters.
fn is_text(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(8)];
    let printable = |c: char| !c.is_control() || c.is_ascii_whitespace();
    str::from_utf8(start).is_ok_and(|text| text.chars().all(printable))
}

/// The text of a table and what to call it in errors.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    /// The records of the file, one after the other, and their lines.
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

    /// Looks for lines of more fields than a table may have columns; separators
    /// inside quotes count, too.
    fn refuse_endless_lines(&self) -> Result<()> {
        let separator = char::from(delimiter(self.text));
        let is_endless = |line: &str| line.matches(separator).count() >= MAX_COLUMNS;
        for (number, line) in (1..).zip(self.text.split('\n')) {
            if line.len() >= MAX_COLUMNS && line.split('\r').any(is_endless) {
                return Err(Error::TooManyColumns {
                    path: self.path.to_owned(),
                    line: number,
                    limit: MAX_COLUMNS,
                });
            }
        }
        Ok(())
    }

    /// Whether there is a header, and the names of the columns.
    fn column_names(
        &self,
        records: &mut Records<'_>,
        header: Header,
    ) -> Result<(bool, Vec<String>)> {
        let mut first = ByteRecord::new();
        let Some(line) = records.read(&mut first) else {
            return Err(Error::Empty {
                path: self.path.to_owned(),
            });
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
        self.refuse_bad_names(line, names)
            .map(|names| (has_header, names))
    }

    fn is_header(&self, line: u64, first: &ByteRecord) -> Result<bool> {
        let number = first.iter().position(looks_numeric);
        let word = first.iter().position(|cell| !looks_numeric(cell));
        match (number, word) {
            (Some(number), Some(word)) => Err(Error::MixedHeader {
                path: self.path.to_owned(),
                line,
                number: text_of(&first[number]).into_owned(),
                word: text_of(&first[word]).into_owned(),
            }),
            (number, _) => Ok(number.is_none()),
        }
    }

    fn refuse_bad_names(&self, line: u64, names: Vec<String>) -> Result<Vec<String>> {
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

    /// Everything but the words of text columns, which come out empty.
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
            return Err(Error::Empty {
                path: self.path.to_owned(),
            });
        }
        self.refuse_misspelt_number(names, &builders)?;
        let columns = builders.into_iter().map(Builder::finish).collect();
        Ok((lines, columns))
    }

    /// The first cell, by line, that is no number in a column of numbers.
    fn refuse_misspelt_number(&self, names: &[String], builders: &[Builder]) -> Result<()> {
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

/// Fills in the words of text columns.
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

/// The first line decides: a comma, else a semicolon, else a tab.
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
    /// Bytes whose line ends are counted in `line`.
    counted: usize,
    line: u64,
}

impl Records<'_> {
    /// Goes back to the first record, or to the first that is data.
    fn start_again(&mut self, has_header: bool) {
        self.reader
            .seek(Position::new())
            .expect("bytes in memory have a beginning");
        (self.counted, self.line) = (0, 1);
        if has_header {
            self.read(&mut ByteRecord::new());
        }
    }

    /// Reads the next record and returns the line it begins on.
    ///
    /// The `csv` crate counts LF only; here CR and CRLF end a line as well.
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

/// One column while it is read.
struct Builder {
    kind: ColumnKind,
    column: Column,
    n_rows: usize,
    /// Cells that are no numbers and do not look like misspelt ones either.
    n_words: usize,
    first_bad: Option<BadCell>,
}

/// A cell that is an error if its column turns out to hold numbers.
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
            ColumnKind::Text => refuse_no_word(cell),
            ColumnKind::Auto | ColumnKind::Number => self.push_number(cell, line),
        }
    }

    fn push_number(&mut self, cell: &[u8], line: u64) -> Result<(), CellProblem> {
        if let (Column::Bytes(values), Some(value)) = (&mut self.column, small_integer(cell)) {
            values.push(value);
            return Ok(());
        }
        refuse_no_word(cell)?;
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

    /// The numbers so far, no longer as bytes.
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

fn refuse_no_word(cell: &[u8]) -> Result<(), CellProblem> {
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

/// One to three digits up to 255: nearly every cell of a table of pixels.
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

/// A number that an `f32` can hold.
fn parse_number(cell: &[u8]) -> Result<f64, CellProblem> {
    let text = str::from_utf8(cell).map_err(|_| CellProblem::NotANumber)?;
    let number: f64 = text.parse().map_err(|_| CellProblem::NotANumber)?;
    if (number as f32).is_finite() {
        Ok(number)
    } else {
        Err(CellProblem::NotFinite)
    }
}

/// Whether a cell is a number or meant to be one: also with spaces around it,
/// with a decimal comma, infinite or `nan`.
fn looks_numeric(cell: &[u8]) -> bool {
    let text = text_of(cell);
    let text = text.trim();
    text.parse::<f64>().is_ok() || text.replacen(',', ".", 1).parse::<f64>().is_ok()
}

fn text_of(cell: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(cell)
}

/// Orders the names of classes and categories: numbers by value, then words.
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
