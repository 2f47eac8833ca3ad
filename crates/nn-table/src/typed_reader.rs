//! Reads files with typed columns.

use std::path::Path;

use nn_columnar::{ColumnFile, Kind, TypedColumn};

use crate::column::{ColumnType, MAX_COLUMNS, Separator};
use crate::decode::Encoding;
use crate::expected::{Expected, MAX_HASHED_ROWS, UntypedTable, check_distinct};
use crate::note::Note;
use crate::options::Header;
use crate::table::{self, Table};
use crate::typed_cells::read_column;
use crate::{Error, Result};

/// Reads a file that is open.
pub(crate) fn read(path: &Path, file: &ColumnFile<'_>, expected: &Expected<'_>) -> Result<Table> {
    let bad = |error| Error::bad_file(path, error);
    let (columns, n_rows) = (file.columns(), file.n_rows());
    if n_rows == 0 || columns.is_empty() {
        return Err(table::empty(path));
    }
    let header = expected.header != Header::No && columns.iter().all(|it| it.name.is_some());
    let names = names(path, columns, header)?;
    let types = types(path, columns, &names, expected)?;
    let is_read = |it: &&Option<ColumnType>| **it != Some(ColumnType::Ignored);
    let n_read = types.iter().filter(is_read).count();
    file.check_size(n_read).map_err(bad)?;
    let mut notes = Vec::new();
    for ((column, name), expected_type) in columns.iter().zip(&names).zip(&types) {
        if column.kind == Kind::RowNumbers && expected_type.is_none() {
            let column = name.clone();
            notes.push(Note::RowNumbers { column });
        }
    }
    let n_hashed = if n_rows > MAX_HASHED_ROWS { 0 } else { n_rows };
    let mut hashes = vec![0; n_hashed];
    let mut builders = Vec::with_capacity(names.len());
    for (position, expected_type) in types.into_iter().enumerate() {
        let mark = (expected.mark_of)(position, &names[position], names.len());
        let marks: Vec<String> = expected.missing.iter().cloned().chain(mark).collect();
        let read = read_column(file, position, expected_type, &marks, &mut hashes);
        builders.push(read.map_err(bad)?);
    }
    let table = UntypedTable {
        path,
        format: Some(file.format()),
        encoding: Encoding::Utf8,
        separator: Separator::default(),
        header,
        names,
        builders,
        lines: (1..=n_rows as u32).collect(),
        hashes,
        notes,
    };
    table.typed(expected)
}

/// The names of the columns: those of the file, or `column1`, `column2`, ...
fn names(path: &Path, columns: &[TypedColumn], has_names: bool) -> Result<Vec<String>> {
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

/// The type that each column is to be read as; `None` to infer it.
fn types(
    path: &Path,
    columns: &[TypedColumn],
    names: &[String],
    expected: &Expected<'_>,
) -> Result<Vec<Option<ColumnType>>> {
    let expected_type = |(position, column): (usize, &TypedColumn)| {
        let name = &names[position];
        let expected_type = (expected.type_of)(position, name, names.len());
        match &column.kind {
            Kind::Unsupported(found) if expected_type != Some(ColumnType::Ignored) => {
                Err(Error::UnsupportedColumn {
                    path: path.to_owned(),
                    column: name.clone(),
                    found: found.clone(),
                })
            }
            _ => Ok(expected_type),
        }
    };
    columns.iter().enumerate().map(expected_type).collect()
}
