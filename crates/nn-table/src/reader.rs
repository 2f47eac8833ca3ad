//! Reads tables into typed columns.
//!
//! The encoding, the separator, the header and the type of each column are inferred from
//! the whole file, unless they are given, and recorded in the [`Schema`](crate::Schema). Each uncertain
//! inference is reported as a [`Note`]. A cell that does not match the type of its column is
//! an error that names the line, so that a typing error does not turn a numeric column
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

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;

use csv::ByteRecord;
use nn_columnar::{ColumnFile, FileFormat};
use nn_files::regular_file;

use crate::blocks::{Block, Blocks};
use crate::cells::Builder;
use crate::column::MAX_COLUMNS;
use crate::decode::{Encoding, decode, decompress};
use crate::error::{CellProblem, Place};
use crate::expected::{Expected, MAX_HASHED_ROWS, Progress, UntypedTable, check_distinct};
use crate::header::Votes;
use crate::note::Note;
use crate::options::{Header, TableOptions};
use crate::parallel;
use crate::records::{Lines, Records};
use crate::table::{self, Table};
use crate::typed_reader;
use crate::{Error, Result};

/// Number of records from which the header and the likely types are inferred, as far as
/// they lie in the first [`SAMPLE_BYTES`].
const SAMPLE_RECORDS: usize = 1000;
const SAMPLE_BYTES: usize = 4 << 20;

/// Number of characters of a cell from which the header and the types are inferred.
const MAX_SAMPLED: usize = 100;

/// A larger file is read in blocks of this number of bytes.
const BLOCK_BYTES: usize = 8 << 20;

/// Each thread reads at least this number of bytes.
const MIN_PART_BYTES: usize = 1 << 20;

impl Table {
    /// Reads a table from a text file or a NumPy file and, with the features `parquet` and `arrow`,
    /// from a Parquet or Arrow file. The file may be compressed with gzip.
    ///
    /// # Errors
    /// Returns [`Error::File`] if the file cannot be read or has no rows; [`Error::NotText`],
    /// [`Error::BadFile`], [`Error::UnsupportedColumn`], [`Error::Nul`],
    /// [`Error::BadGzip`], [`Error::AmbiguousHeader`], [`Error::DuplicateColumn`], [`Error::TooManyColumns`], [`Error::RaggedRow`] or
    /// [`Error::BadCell`] for invalid content; [`Error::UnknownColumn`] for an unknown
    /// name in `categorical`, `ignore` or `columns`.
    pub fn read(path: &Path, options: &TableOptions) -> Result<Self> {
        Self::read_with_progress(path, options, Progress::NONE)
    }

    /// Reads a file as [`Table::read`] does, and shows the progress.
    ///
    /// # Errors
    /// Returns the same errors as [`Table::read`].
    pub fn read_with_progress(
        path: &Path,
        options: &TableOptions,
        progress: Progress<'_>,
    ) -> Result<Self> {
        Self::checked(options, |expected| {
            read(
                path,
                &Expected {
                    progress,
                    ..expected
                },
            )
        })
    }

    /// Parses the content of a file; `path` is used in error messages.
    ///
    /// # Errors
    /// Returns the same errors as [`Table::read`].
    pub fn parse(path: &Path, bytes: &[u8], options: &TableOptions) -> Result<Self> {
        Self::checked(options, |expected| parse(path, bytes, &expected))
    }

    /// Checks that a table has the columns that the options name.
    fn checked(
        options: &TableOptions,
        read: impl FnOnce(Expected<'_>) -> Result<Self>,
    ) -> Result<Self> {
        let table = read(Expected {
            header: options.header,
            separator: options.separator,
            preferred: None,
            missing: &options.missing,
            type_of: &|_, name, _| options.type_of(name),
            mark_of: &|_, _, _| None,
            is_lenient: false,
            progress: Progress::NONE,
        })?;
        for name in options.named_columns() {
            table.position(name)?;
        }
        Ok(table)
    }
}

/// Reads a table from a file, in blocks if it is large.
pub(crate) fn read(path: &Path, expected: &Expected<'_>) -> Result<Table> {
    let is_large = fs::metadata(path).is_ok_and(|it| it.len() > BLOCK_BYTES as u64);
    if is_large && let Some(table) = read_in_blocks(path, expected, BLOCK_BYTES) {
        return Ok(table);
    }
    parse(path, &regular_file::read(path)?, expected)
}

/// Reads a table from a file in blocks of whole lines. Returns `None` if the file has an error
/// or can only be read as a whole.
fn read_in_blocks(path: &Path, expected: &Expected<'_>, block_bytes: usize) -> Option<Table> {
    let mut blocks = Blocks::open(path, block_bytes).ok()?;
    let Block::Text(text) = blocks.read(path).ok()? else {
        return None;
    };
    let first = Lines::new(path, &text, expected.separator, expected.preferred);
    if first.may_have_line_breaks() || !first.layout.comment_lines.is_empty() {
        return None;
    }
    let source = Source {
        path,
        first: &first,
        block_bytes: Some(block_bytes),
        expected,
    };
    source.read(Encoding::Utf8).ok()
}

/// Parses a table.
pub(crate) fn parse(path: &Path, bytes: &[u8], expected: &Expected<'_>) -> Result<Table> {
    let bytes = decompress(path, bytes)?;
    if let Some(format) = FileFormat::of(&bytes) {
        let file = ColumnFile::open(&bytes, format);
        let file = file.map_err(|error| Error::bad_file(path, error))?;
        return typed_reader::read(path, &file, expected);
    }
    let (text, encoding) = decode(path, &bytes)?;
    let source = Source {
        path,
        first: &Lines::new(path, &text, expected.separator, expected.preferred),
        block_bytes: None,
        expected,
    };
    source.read(encoding).map_err(|stop| match stop {
        Stop::Error(error) => error,
        Stop::Unsuitable => unreachable!("a text in memory has one block"),
    })
}

/// Why the reading of a table stops.
enum Stop {
    /// The file must be read as a whole.
    Unsuitable,
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// The text of a table, and what is expected of it.
struct Source<'a> {
    path: &'a Path,
    /// The lines of the first block.
    first: &'a Lines<'a>,
    /// Size of the blocks of the file; `None` if the first block is the whole text.
    block_bytes: Option<usize>,
    expected: &'a Expected<'a>,
}

/// The rows of a table.
#[derive(Default)]
struct Rows {
    /// The first line of each row, counted from 1.
    lines: Vec<u32>,
    /// A hash of each row; empty for a large table.
    hashes: Vec<u64>,
}

impl Source<'_> {
    /// Calls `visit` with the lines of each block, in order.
    fn for_each_block(&self, mut visit: impl FnMut(&Lines<'_>) -> Result<()>) -> Result<(), Stop> {
        visit(self.first)?;
        let Some(block_bytes) = self.block_bytes else {
            return Ok(());
        };
        let mut blocks = Blocks::open(self.path, block_bytes)?;
        blocks.read(self.path)?;
        let size = blocks.file_bytes();
        let mut n_before = self.first.n_until_end();
        let mut n_bytes = self.first.text().len() as u64;
        loop {
            let text = match blocks.read(self.path)? {
                Block::Text(text) => text,
                Block::Unsuitable => return Err(Stop::Unsuitable),
                Block::End => return Ok(()),
            };
            let lines = self.first.following(&text, n_before);
            if lines.may_have_line_breaks() {
                return Err(Stop::Unsuitable);
            }
            self.check_line_widths(&lines)?;
            visit(&lines)?;
            n_before = lines.n_until_end();
            n_bytes += text.len() as u64;
            (self.expected.progress.0)(n_bytes, size);
        }
    }

    fn layout_notes(&self, encoding: Encoding) -> Vec<Note> {
        let layout = &self.first.layout;
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
    fn check_line_widths(&self, lines: &Lines<'_>) -> Result<()> {
        let separator = char::from(self.first.layout.separator.byte());
        let is_too_wide = |line: &str| line.matches(separator).count() >= MAX_COLUMNS;
        for (number, line) in (1 + lines.n_before()..).zip(lines.text().split('\n')) {
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

    fn read(&self, encoding: Encoding) -> Result<Table, Stop> {
        self.check_line_widths(self.first)?;
        let mut records = self.first.records();
        let sample = Sample::read(&mut records);
        if sample.rows.is_empty() {
            return Err(table::empty(self.path).into());
        }
        let mut notes = self.layout_notes(encoding);
        let header = self.has_header(&sample, &mut notes)?;
        let names = self.column_names(&sample, header)?;
        let mut builders = self.builders(&names, &sample.rows[usize::from(header)..]);
        records.rewind(header);
        let start = records.byte();
        let Rows { lines, hashes } = self.read_rows(start, &names, &mut builders)?;
        self.read_again(start, &mut builders)?;
        let table = UntypedTable {
            path: self.path,
            format: None,
            encoding,
            separator: self.first.layout.separator,
            header,
            names,
            builders,
            lines,
            hashes,
            notes,
        };
        Ok(table.typed(self.expected)?)
    }

    /// A builder for each column, given the first rows.
    fn builders(&self, names: &[String], rows: &[Vec<String>]) -> Vec<Builder> {
        let builder = |(position, name): (usize, &String)| {
            let cells = rows.iter().filter_map(|row| row.get(position));
            let builder = match (self.expected.type_of)(position, name, names.len()) {
                Some(expected) => Builder::of_type(expected),
                None => Builder::inferred(cells.map(String::as_str), self.expected.missing),
            };
            builder.with_mark((self.expected.mark_of)(position, name, names.len()))
        };
        names.iter().enumerate().map(builder).collect()
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

    /// Reads all rows into the builders, from byte `start` of the first block on.
    fn read_rows(
        &self,
        mut start: usize,
        names: &[String],
        builders: &mut [Builder],
    ) -> Result<Rows, Stop> {
        let mut rows = Rows::default();
        self.for_each_block(|block| {
            self.read_block(
                block,
                std::mem::take(&mut start),
                names,
                builders,
                &mut rows,
            )
        })?;
        match rows.lines.len() {
            0 => Err(table::empty(self.path).into()),
            1..=MAX_HASHED_ROWS => Ok(rows),
            _ => Ok(Rows {
                hashes: Vec::new(),
                ..rows
            }),
        }
    }

    /// Reads the rows of a block from byte `start` on, in parallel.
    fn read_block(
        &self,
        block: &Lines<'_>,
        start: usize,
        names: &[String],
        builders: &mut [Builder],
        rows: &mut Rows,
    ) -> Result<()> {
        let n_bytes = block.text().len() - start;
        let n_parts = parallel::n_threads().min(1 + n_bytes / MIN_PART_BYTES);
        let are_hashed = rows.lines.len() <= MAX_HASHED_ROWS;
        let parts = block.parts(start, n_parts);
        let part = |mut records| {
            let mut builders: Vec<Builder> = builders.iter().map(Builder::fresh).collect();
            let may_have_line_breaks = block.may_have_line_breaks();
            let rows = self.read_part(
                &mut records,
                names,
                &mut builders,
                may_have_line_breaks,
                are_hashed,
            )?;
            Ok::<_, Error>((builders, rows))
        };
        for part in parallel::map(parts, part) {
            let (more, more_rows) = part?;
            for (builder, more) in builders.iter_mut().zip(more) {
                builder.append(more);
            }
            rows.lines.extend(more_rows.lines);
            rows.hashes.extend(more_rows.hashes);
        }
        Ok(())
    }

    /// Reads the rows of a part of a block.
    fn read_part(
        &self,
        records: &mut Records<'_>,
        names: &[String],
        builders: &mut [Builder],
        may_have_line_breaks: bool,
        are_hashed: bool,
    ) -> Result<Rows> {
        let mut rows = Rows::default();
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
                let has_line_break = may_have_line_breaks && cell.contains(['\r', '\n']);
                if has_line_break && !builder.is_ignored() {
                    let name = &names[position];
                    return Err(self.bad_cell(line, name, cell, CellProblem::LineBreak));
                }
                builder.push(cell, self.expected.missing);
            }
            rows.lines.push(u32::try_from(line).unwrap_or(u32::MAX));
            if are_hashed {
                let mut hasher = DefaultHasher::new();
                hasher.write(records.raw());
                rows.hashes.push(hasher.finish());
            }
        }
        Ok(rows)
    }

    /// Reads the columns again, as words, whose cells are not all plain numbers.
    fn read_again(&self, mut start: usize, builders: &mut [Builder]) -> Result<(), Stop> {
        let mut again: Vec<(usize, &mut Builder)> = builders
            .iter_mut()
            .enumerate()
            .filter(|(_, builder)| builder.needs_words())
            .collect();
        if again.is_empty() {
            return Ok(());
        }
        for (_, builder) in &mut again {
            builder.start_words();
        }
        self.for_each_block(|block| {
            let mut record = ByteRecord::new();
            for mut records in block.parts(std::mem::take(&mut start), 1) {
                while records.read(&mut record).is_some() {
                    for (position, builder) in &mut again {
                        let cell = trimmed(&record[*position], &records);
                        builder.push(cell, self.expected.missing);
                    }
                }
            }
            Ok(())
        })
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
        while sample.rows.len() < SAMPLE_RECORDS && records.byte() < SAMPLE_BYTES {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::*;
    use crate::Separator;

    const ANYTHING: Expected<'static> = Expected {
        header: Header::Auto,
        separator: None,
        preferred: None,
        missing: &[],
        type_of: &|_, _, _| None,
        mark_of: &|_, _, _| None,
        is_lenient: false,
        progress: Progress::NONE,
    };

    const KNOWN_LAYOUT: Expected<'static> = Expected {
        header: Header::No,
        separator: Some(Separator::Comma),
        ..ANYTHING
    };

    /// Reads a file in blocks of 60 bytes, if it is suitable, and as a whole.
    fn both(text: &str, expected: &Expected<'_>) -> (Option<Table>, Result<Table>) {
        let name = format!("nn-blocks-{}-{}.csv", std::process::id(), text.len());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).expect("the folder of temporary files is writable");
        let in_blocks = read_in_blocks(&path, expected, 60);
        let whole = parse(&path, text.as_bytes(), expected);
        fs::remove_file(&path).expect("the file exists");
        (in_blocks, whole)
    }

    fn rows(n: usize, row: impl Fn(usize) -> String) -> String {
        (0..n).map(row).collect()
    }

    #[test]
    fn blocks_give_the_same_table_as_the_whole_text() {
        let texts = [
            format!("a,b\n{}", rows(50, |i| format!("{i},{}.5\n", i % 7))),
            format!("a,b\r\n{}", rows(50, |i| format!("{i},x{}\r\n", i % 7))),
            format!("sep=;\na;b\n{}", rows(50, |i| format!("{i};{},5\n", i % 7))),
            format!("a b\n{}", rows(50, |i| format!("{i}  x{}\n", i % 7))),
            // Numbers, and then codes; the last line has no end.
            format!(
                "a,b\n{}{}07,1",
                rows(20, |i| format!("{i},{i}\n")),
                rows(20, |i| format!("0{i},{i}\n"))
            ),
            format!("a,b\n{}", rows(40, |i| format!("\"{i}, \"\"x\"\"\",{i}\n"))),
            format!("\u{feff}a,b\n{}", rows(40, |i| format!("é{i},{i}\n"))),
            // Blank lines and repeated rows.
            format!("a,b\n{}", rows(40, |i| format!("1,{}\n\n", i % 3))),
        ];
        for text in texts {
            let (in_blocks, whole) = both(&text, &ANYTHING);
            let (in_blocks, whole) = (in_blocks.expect("suitable"), whole.expect("a table"));
            assert_eq!(in_blocks, whole, "{text}");
            assert_eq!(in_blocks.lines(), whole.lines());
        }
    }

    proptest! {
        /// A table that is read in blocks is that of the whole text.
        #[test]
        fn blocks_agree_with_the_whole_text(text in "(([a1,;\"# .]{0,6}|1,2|\"a\",3)(\n|\r\n|\r)){0,40}") {
            if let (Some(in_blocks), whole) = both(&text, &KNOWN_LAYOUT) {
                prop_assert_eq!(in_blocks, whole.expect("no error"));
            }
        }
    }

    #[test]
    fn files_whose_lines_depend_on_each_other_are_read_as_a_whole() {
        let text = |row: &str| format!("a,b\n{}{row}", rows(40, |i| format!("{i},{i}\n")));
        for row in [
            "\"x\ny\",1\n",
            "# a comment\n",
            "5\" pipe,1\n",
            "\"x,1\n",
            "1\n",
        ] {
            let (in_blocks, _) = both(&text(row), &ANYTHING);
            assert!(in_blocks.is_none(), "{row}");
        }
        let latin1 = [text("").as_bytes(), b"\xe9,1\n"].concat();
        let path = std::env::temp_dir().join(format!("nn-latin1-{}.csv", std::process::id()));
        fs::write(&path, latin1).expect("the folder of temporary files is writable");
        let in_blocks = read_in_blocks(&path, &ANYTHING, 60);
        fs::remove_file(&path).expect("the file exists");
        assert!(in_blocks.is_none());
    }
}
