//! Apache Parquet files.
//!
//! Parquet files are decoded here, because the `parquet` crate panics on some damaged files and
//! needs C code for Zstandard.

use crate::parquet_page::{DataPage, Page, next_page};
use crate::parquet_schema::{Chunk, Leaf, Metadata, Raw};
use crate::parquet_values::{Dictionary, decode, presence};
use crate::typed_file::{MAX_COLUMNS, TypedColumn, TypedFile, Value};

const MAGIC: &[u8] = b"PAR1";

/// A Parquet file as a table.
pub(crate) struct ParquetFile<'a> {
    bytes: &'a [u8],
    metadata: Metadata,
    n_rows: usize,
}

impl<'a> ParquetFile<'a> {
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let end = bytes
            .strip_suffix(MAGIC)
            .and_then(|rest| rest.split_last_chunk());
        let (before, length) =
            end.ok_or("the end is missing: the file is truncated, or encrypted")?;
        let start = before
            .len()
            .checked_sub(u32::from_le_bytes(*length) as usize);
        let start = start.ok_or("the length of the footer is wrong")?;
        let metadata = Metadata::read(&before[start..])?;
        if metadata.columns.len() > MAX_COLUMNS {
            let n = metadata.columns.len();
            return Err(format!("expected at most {MAX_COLUMNS} columns, found {n}"));
        }
        let mut n_rows = metadata.groups.iter().map(|group| group.n_rows);
        let n_rows = n_rows.try_fold(0, usize::checked_add);
        Ok(Self {
            bytes,
            metadata,
            n_rows: n_rows.ok_or("the number of rows is too large")?,
        })
    }

    /// The pages of a column in a row group.
    fn pages(&self, chunk: &Chunk) -> Result<&'a [u8], String> {
        let end = chunk.start.checked_add(chunk.length);
        let pages = end.and_then(|end| self.bytes.get(chunk.start..end));
        pages.ok_or_else(|| "the pages are truncated".to_owned())
    }
}

impl TypedFile for ParquetFile<'_> {
    fn columns(&self) -> &[TypedColumn] {
        &self.metadata.columns
    }

    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn read(&self, column: usize, push: &mut dyn FnMut(Value<'_>)) -> Result<(), String> {
        let leaf = self.metadata.leaves[column].as_ref();
        let leaf = leaf.ok_or("a column is not supported")?;
        let in_column = |reason: String| format!("column {:?}: {reason}", leaf.name);
        for group in &self.metadata.groups {
            let chunk = group.chunks.get(leaf.position);
            let chunk = chunk
                .ok_or_else(|| in_column("a row group does not contain the column".to_owned()))?;
            let pages = self.pages(chunk).map_err(in_column)?;
            read_group(leaf, pages, chunk.codec, group.n_rows, push).map_err(in_column)?;
        }
        Ok(())
    }
}

/// Reads the values of a column in a row group.
fn read_group(
    leaf: &Leaf,
    mut pages: &[u8],
    codec: i64,
    n_rows: usize,
    push: &mut dyn FnMut(Value<'_>),
) -> Result<(), String> {
    let mut dictionary = Dictionary::default();
    let mut n_left = n_rows;
    while n_left > 0 {
        match next_page(&mut pages, codec)? {
            Some(Page::Dictionary { bytes, n_values }) => {
                dictionary = Dictionary::new(bytes.into_owned(), n_values, leaf.physical)?;
            }
            Some(Page::Data(page)) => {
                let left = n_left.checked_sub(page.n_values);
                n_left = left.ok_or("there are more values than rows")?;
                read_page(leaf, &page, &dictionary, push)?;
            }
            None => return Err(format!("the values of {n_left} rows are missing")),
        }
    }
    Ok(())
}

fn read_page(
    leaf: &Leaf,
    page: &DataPage<'_>,
    dictionary: &Dictionary,
    push: &mut dyn FnMut(Value<'_>),
) -> Result<(), String> {
    let (marks, values) = parts(leaf, page).ok_or("the definition levels are truncated")?;
    let mut is_present = match marks {
        Some(marks) => presence(marks, page.n_values)?,
        None => vec![true; page.n_values],
    }
    .into_iter();
    let n_present = is_present.as_slice().iter().filter(|&&it| it).count();
    let push_present = &mut |raw: Raw<'_>| {
        while is_present.next() == Some(false) {
            push(Value::Missing);
        }
        push(leaf.value(raw)?);
        Ok(())
    };
    let (encoding, physical) = (page.encoding, leaf.physical);
    decode(
        encoding,
        physical,
        values,
        n_present,
        dictionary,
        push_present,
    )?;
    is_present.for_each(|_| push(Value::Missing));
    Ok(())
}

/// The definition levels, if the column is optional, and the values.
fn parts<'a>(leaf: &Leaf, page: &'a DataPage<'_>) -> Option<(Option<&'a [u8]>, &'a [u8])> {
    let (length, bytes) = match page.n_level_bytes {
        Some(length) => (length, &page.bytes[..]),
        None if leaf.is_optional => {
            let (length, rest) = page.bytes.split_first_chunk()?;
            (u32::from_le_bytes(*length) as usize, rest)
        }
        None => (0, &page.bytes[..]),
    };
    let (marks, values) = bytes.split_at_checked(length)?;
    Some((leaf.is_optional.then_some(marks), values))
}
