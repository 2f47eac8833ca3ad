//! The cells of a column as they are written in the file.

use csv::ByteRecord;
use nn_columnar::{ColumnFile, FileFormat};

use crate::decode::{decode, decompress};
use crate::reader::trimmed;
use crate::records::Lines;
use crate::table::Table;
use crate::typed_cells::text;
use crate::{Error, Result};

impl Table {
    /// The text of each row in a column, whatever the type of the column. `bytes` is the content of
    /// the file that the table was parsed from. Blanks around an unquoted cell are removed.
    ///
    /// ```
    /// use std::path::Path;
    /// use nn_table::{Table, TableOptions};
    ///
    /// let text = b"id,weight\n007,1.50\nNA,2.0\n";
    /// let table = Table::parse(Path::new("t.csv"), text, &TableOptions::default())?;
    /// assert_eq!(table.texts(text, "id")?, ["007", "NA"]);
    /// assert_eq!(table.texts(text, "weight")?, ["1.50", "2.0"]);
    /// # Ok::<(), nn_table::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::UnknownColumn`](crate::Error::UnknownColumn) for an unknown name, and the
    /// errors of [`Table::parse`] if `bytes` is not the content of that file.
    pub fn texts(&self, bytes: &[u8], column: &str) -> Result<Vec<String>> {
        let position = self.position(column)?;
        let bytes = decompress(self.path(), bytes)?;
        if let Some(format) = self.format() {
            let texts = self.typed_texts(&bytes, format, position);
            return texts.map_err(|error| Error::bad_file(self.path(), error));
        }
        let (text, _) = decode(self.path(), &bytes)?;
        let separator = Some(self.schema().separator);
        let lines = Lines::new(self.path(), &text, separator, None);
        let mut records = lines.records();
        records.rewind(self.has_header());
        let mut texts = Vec::with_capacity(self.n_rows());
        let mut record = ByteRecord::new();
        while records.read(&mut record).is_some() {
            let field = record.get(position).unwrap_or_default();
            texts.push(trimmed(field, &records).to_owned());
        }
        Ok(texts)
    }

    /// The text of each row in a column of a file with types.
    fn typed_texts(
        &self,
        bytes: &[u8],
        format: FileFormat,
        position: usize,
    ) -> nn_columnar::Result<Vec<String>> {
        let file = ColumnFile::open(bytes, format)?;
        let mut texts = Vec::with_capacity(self.n_rows());
        file.read(position, &mut |value| texts.push(text(&value).into_owned()))?;
        Ok(texts)
    }
}
