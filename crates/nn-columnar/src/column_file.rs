//! Opens a file by its format, and reads its columns.

use std::fmt;

use crate::file_format::FileFormat;
use crate::npy_file::{NpyFile, NpzFile};
use crate::typed_file::{TypedColumn, TypedFile, Value};
use crate::{Error, Result};

/// A table may have this number of cells, and this number more for each byte of the file:
/// one byte can stand for many equal cells, but not for any number of them.
const MIN_CELLS: usize = 1 << 20;
const MAX_CELLS_PER_BYTE: usize = 1000;

/// Maximum number of rows.
const MAX_ROWS: usize = u32::MAX as usize;

/// A file whose columns have types, in contrast to text.
///
/// The content of the file is in memory. Each call of [`read`](Self::read) decodes a column.
pub struct ColumnFile<'a> {
    format: FileFormat,
    n_bytes: usize,
    file: Box<dyn TypedFile + 'a>,
}

impl<'a> ColumnFile<'a> {
    /// Opens a file with the content `bytes`.
    ///
    /// # Errors
    /// [`Error::FormatNotBuilt`] without the feature of the format, and [`Error::BadFile`] if
    /// the description of the columns is damaged or is not that of a table.
    pub fn open(bytes: &'a [u8], format: FileFormat) -> Result<Self> {
        let opened = match format {
            FileFormat::Npy => NpyFile::open(bytes).map(boxed),
            FileFormat::Npz => NpzFile::open(bytes).map(boxed),
            #[cfg(feature = "parquet")]
            FileFormat::Parquet => crate::parquet_file::ParquetFile::open(bytes).map(boxed),
            #[cfg(feature = "arrow")]
            FileFormat::Arrow => crate::arrow_file::ArrowFile::open(bytes).map(boxed),
            #[cfg(not(feature = "parquet"))]
            FileFormat::Parquet => {
                let feature = "parquet";
                return Err(Error::FormatNotBuilt { format, feature });
            }
            #[cfg(not(feature = "arrow"))]
            FileFormat::Arrow => {
                let feature = "arrow";
                return Err(Error::FormatNotBuilt { format, feature });
            }
        };
        let file = opened.map_err(|reason| Error::BadFile { format, reason })?;
        let n_bytes = bytes.len();
        Ok(Self {
            format,
            n_bytes,
            file,
        })
    }

    /// The format of the file.
    pub fn format(&self) -> FileFormat {
        self.format
    }

    /// The columns in the order of the file.
    pub fn columns(&self) -> &[TypedColumn] {
        self.file.columns()
    }

    /// Number of rows that the file states. It can be far too large in a damaged file: see
    /// [`check_size`](Self::check_size).
    pub fn n_rows(&self) -> usize {
        self.file.n_rows()
    }

    /// Checks that `n_columns` columns with a value per row are plausible for the length of
    /// the file. A program that allocates memory for the rows calls it first.
    ///
    /// # Errors
    /// [`Error::BadFile`] if there are too many values for the length of the file, or more
    /// than 2^32 - 1 rows.
    pub fn check_size(&self, n_columns: usize) -> Result<()> {
        let (n_rows, n_bytes) = (self.n_rows(), self.n_bytes);
        let limit = MIN_CELLS.saturating_add(n_bytes.saturating_mul(MAX_CELLS_PER_BYTE));
        if n_rows > MAX_ROWS || n_rows.saturating_mul(n_columns.max(1)) > limit {
            return Err(self.bad(format!("{n_rows} rows in {n_bytes} bytes are too many")));
        }
        Ok(())
    }

    /// Passes the value of each row in a column to `push`, from the first row to the last.
    /// Columns are counted from 0.
    ///
    /// # Errors
    /// [`Error::BadFile`] if there is no such column, if its kind is
    /// [`Kind::Unsupported`](crate::Kind::Unsupported), if its values are damaged, or if their
    /// number is not [`n_rows`](Self::n_rows). `push` may have received values before.
    pub fn read(&self, column: usize, push: &mut dyn FnMut(Value<'_>)) -> Result<()> {
        let n_columns = self.columns().len();
        if column >= n_columns {
            let number = column + 1;
            return Err(self.bad(format!("expected {number} columns, found {n_columns}")));
        }
        let mut n_values = 0;
        let read = self.file.read(column, &mut |value| {
            n_values += 1;
            push(value);
        });
        read.map_err(|reason| self.bad(reason))?;
        if n_values != self.n_rows() {
            let (number, n_rows) = (column + 1, self.n_rows());
            return Err(self.bad(format!(
                "column {number} has {n_values} values, the file has {n_rows} rows"
            )));
        }
        Ok(())
    }

    fn bad(&self, reason: String) -> Error {
        Error::BadFile {
            format: self.format,
            reason,
        }
    }
}

impl fmt::Debug for ColumnFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ColumnFile")
            .field("format", &self.format)
            .field("n_rows", &self.n_rows())
            .field("columns", &self.columns())
            .finish()
    }
}

fn boxed<'a>(file: impl TypedFile + 'a) -> Box<dyn TypedFile + 'a> {
    Box::new(file)
}
