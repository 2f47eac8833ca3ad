//! Opens a file of any supported format and reads its columns.

use std::fmt;

use crate::file_format::FileFormat;
use crate::npy_file::{NpyFile, NpzFile};
use crate::typed_file::{TypedColumn, TypedFile, Value};
use crate::{Error, Result};

/// Maximum number of cells of a table: `MIN_CELLS`, plus `MAX_CELLS_PER_BYTE` for each byte of
/// the file. Compression can represent many equal cells with one byte, but not arbitrarily many.
const MIN_CELLS: usize = 1 << 20;
const MAX_CELLS_PER_BYTE: usize = 1000;

/// Maximum number of rows of a table.
const MAX_ROWS: usize = u32::MAX as usize;

/// An open Parquet, Arrow or NumPy file.
///
/// The content of the file is in memory. Each call of [`read`](Self::read) decodes one column.
pub struct ColumnFile<'a> {
    format: FileFormat,
    n_bytes: usize,
    file: Box<dyn TypedFile + 'a>,
}

impl<'a> ColumnFile<'a> {
    /// Opens the file whose content is `bytes`.
    ///
    /// # Errors
    /// [`Error::FormatNotBuilt`] if the crate was built without the feature of the format, and
    /// [`Error::BadFile`] if the metadata of the file is damaged or does not describe a table.
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

    /// The columns of the file, in the order of the file.
    pub fn columns(&self) -> &[TypedColumn] {
        self.file.columns()
    }

    /// Number of rows according to the metadata of the file. A damaged file can state far too
    /// many rows; [`check_size`](Self::check_size) detects this.
    pub fn n_rows(&self) -> usize {
        self.file.n_rows()
    }

    /// Checks that a file of this size can contain `n_columns` values per row. Call this method
    /// before allocating memory for the rows.
    ///
    /// # Errors
    /// [`Error::BadFile`] if the rows have too many values for the size of the file, or if there
    /// are more than 2^32 - 1 rows.
    pub fn check_size(&self, n_columns: usize) -> Result<()> {
        let (n_rows, n_bytes) = (self.n_rows(), self.n_bytes);
        let limit = MIN_CELLS.saturating_add(n_bytes.saturating_mul(MAX_CELLS_PER_BYTE));
        if n_rows > MAX_ROWS || n_rows.saturating_mul(n_columns.max(1)) > limit {
            return Err(self.bad(format!(
                "a file of {n_bytes} bytes cannot contain {n_rows} rows"
            )));
        }
        Ok(())
    }

    /// Passes the values of the column with index `column` to `push`, from the first row to the
    /// last. Columns are counted from 0.
    ///
    /// # Errors
    /// [`Error::BadFile`] if the column does not exist, has the kind
    /// [`Kind::Unsupported`](crate::Kind::Unsupported) or contains damaged values, or if the number
    /// of values is not [`n_rows`](Self::n_rows). `push` may have received values before the error.
    pub fn read(&self, column: usize, push: &mut dyn FnMut(Value<'_>)) -> Result<()> {
        let n_columns = self.columns().len();
        if column >= n_columns {
            let number = column + 1;
            return Err(self.bad(format!(
                "expected at least {number} columns, found {n_columns}"
            )));
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
                "column {number}: expected {n_rows} values, found {n_values}"
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
