//! Settings for reading a table, and the types of its columns.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use nn_columnar::FileFormat;

use crate::cells::Builder;
use crate::column::{Column, ColumnType, Schema, Separator};
use crate::decode::Encoding;
use crate::error::Place;
use crate::note::Note;
use crate::options::Header;
use crate::table::Table;
use crate::{Error, Result};

/// Duplicates are searched for in tables of at most this number of rows.
pub(crate) const MAX_HASHED_ROWS: usize = 2_000_000;

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
    /// The word that represents a missing value in a column, by the same arguments.
    pub(crate) mark_of: &'a (dyn Fn(usize, &str, usize) -> Option<String> + Sync),
    /// Whether a cell of another type counts as missing instead of being an error.
    pub(crate) is_lenient: bool,
    pub(crate) progress: Progress<'a>,
}

/// A function that shows the progress of reading a large file. Its arguments are the number
/// of bytes read so far and the size of the file.
#[derive(Clone, Copy)]
pub struct Progress<'a>(pub &'a (dyn Fn(u64, u64) + Sync));

impl Progress<'_> {
    /// A progress function that does nothing.
    pub const NONE: Self = Self(&|_, _| {});
}

impl fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}

/// Checks that no two columns have the same name.
pub(crate) fn check_distinct(path: &Path, names: &[String]) -> Result<()> {
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

/// The content of a table before the types of its columns are decided.
pub(crate) struct UntypedTable<'a> {
    pub(crate) path: &'a Path,
    /// `None` for text.
    pub(crate) format: Option<FileFormat>,
    pub(crate) encoding: Encoding,
    pub(crate) separator: Separator,
    pub(crate) header: bool,
    pub(crate) names: Vec<String>,
    pub(crate) builders: Vec<Builder>,
    /// The line or number of each row.
    pub(crate) lines: Vec<u32>,
    /// A hash of each row; empty for a large table.
    pub(crate) hashes: Vec<u64>,
    pub(crate) notes: Vec<Note>,
}

impl UntypedTable<'_> {
    /// Decides the type of each column.
    pub(crate) fn typed(mut self, expected: &Expected<'_>) -> Result<Table> {
        let mut first_bad: Option<(usize, Error)> = None;
        let mut columns = Vec::with_capacity(self.names.len());
        let mut cells = Vec::with_capacity(self.names.len());
        // Decimal commas in one column make them likely in others.
        let prefer_comma = self.separator == Separator::Semicolon;
        for (name, builder) in self.names.into_iter().zip(self.builders) {
            let typed = builder.finish(&name, prefer_comma, &mut self.notes);
            if let Some((row, cell, problem)) = typed.bad {
                let place = Place::new(self.format, self.lines[row].into());
                if expected.is_lenient {
                    self.notes.push(Note::Unreadable {
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
            columns.push(Column {
                name,
                column_type: typed.column_type,
                missing: typed.mark,
            });
            cells.push(typed.cells);
        }
        if let Some((_, error)) = first_bad {
            return Err(error);
        }
        let mut table = Table {
            path: self.path.to_owned(),
            format: self.format,
            schema: Schema {
                separator: self.separator,
                header: self.header,
                missing: expected.missing.to_vec(),
                columns,
            },
            encoding: self.encoding,
            columns: cells,
            lines: self.lines,
            hashes: self.hashes,
            notes: self.notes,
        };
        if !expected.is_lenient {
            table.note_duplicates();
        }
        Ok(table)
    }
}
