//! The cells of a column as they are written in the file.

use csv::ByteRecord;

use crate::decode::{decode, decompress};
use crate::file_format::FileFormat;
use crate::open_typed::open_typed;
use crate::reader::trimmed;
use crate::records::Lines;
use crate::table::Table;
use crate::{Error, Result};

impl Table {
    /// The text of each row in a column, whatever its type. `bytes` is the content of the
    /// file that the table was parsed from. Blanks around an unquoted cell are removed.
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
        if self.format() != FileFormat::Text {
            return self.typed_texts(&bytes, position);
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
    fn typed_texts(&self, bytes: &[u8], position: usize) -> Result<Vec<String>> {
        let file = open_typed(self.path(), bytes, self.format())?;
        let mut texts = Vec::with_capacity(self.n_rows());
        let read = file.read(position, &mut |value| texts.push(value.text().into_owned()));
        read.map_err(|reason| Error::BadFile {
            path: self.path().to_owned(),
            format: self.format(),
            reason,
        })?;
        Ok(texts)
    }
}
