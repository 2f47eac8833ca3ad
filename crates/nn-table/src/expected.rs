//! Settings for reading a table, and the types of its columns.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use nn_columnar::FileFormat;

use crate::cells::{Builder, Cells, TypedCells};
use crate::column::{ColumnType, Separator};
use crate::error::Place;
use crate::note::Note;
use crate::options::Header;
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

/// What decides how the columns are typed, besides their cells.
pub(crate) struct Typing<'a> {
    pub(crate) path: &'a Path,
    /// `None` for text.
    pub(crate) format: Option<FileFormat>,
    /// The line or number of each row.
    pub(crate) lines: &'a [u32],
    pub(crate) is_lenient: bool,
    pub(crate) prefer_comma: bool,
}

impl Typing<'_> {
    /// The type and the cells of each column.
    pub(crate) fn typed(
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
                let place = Place::new(self.format, self.lines[row].into());
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
