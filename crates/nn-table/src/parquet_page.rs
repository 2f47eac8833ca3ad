//! The pages of a column in a Parquet file, decompressed without code in C, and without
//! more memory than the file can need.

use std::io::Read;

use brotli_decompressor::Decompressor;
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use ruzstd::decoding::StreamingDecoder;

use crate::thrift::Structure;

/// A page may have this number of bytes, and this number more for each compressed byte.
const MIN_PAGE_BYTES: usize = 4 << 20;
const MAX_RATIO: usize = 1000;

/// Reads the pages of one column in one group of rows.
pub(crate) struct Pages {
    bytes: Bytes,
    compression: Compression,
    has_dictionary: bool,
}

impl Pages {
    /// `bytes` are all pages of the column.
    pub(crate) fn new(bytes: Bytes, compression: Compression) -> Self {
        Self {
            bytes,
            compression,
            has_dictionary: false,
        }
    }

    /// The next page and whether it belongs to the values.
    fn page(&mut self) -> Result<Option<Page>> {
        const DATA: i64 = 0;
        const DICTIONARY: i64 = 2;
        const DATA_V2: i64 = 3;
        loop {
            if self.bytes.is_empty() {
                return Ok(None);
            }
            let mut rest = &self.bytes[..];
            let header = Structure::read(&mut rest).ok_or_else(|| damaged("header"))?;
            let start = self.bytes.len() - rest.len();
            let length = |field| header.count(field).ok_or_else(|| damaged("length"));
            let (length, compressed) = (length(2)? as usize, length(3)? as usize);
            if compressed > rest.len() {
                return Err(damaged("length"));
            }
            let content = self.bytes.slice(start..start + compressed);
            self.bytes = self.bytes.slice(start + compressed..);
            return match header.number(1) {
                Some(DATA) => self.data(&header, content, length).map(Some),
                Some(DATA_V2) => self.data_v2(&header, content, length).map(Some),
                Some(DICTIONARY) => self.dictionary(&header, content, length).map(Some),
                // An index.
                _ => continue,
            };
        }
    }

    fn data(&self, header: &Structure, content: Bytes, length: usize) -> Result<Page> {
        let part = header.structure(5).ok_or_else(|| damaged("header"))?;
        Ok(Page::DataPage {
            buf: decompress(self.compression, content, length)?,
            num_values: count(part, 1)?,
            encoding: self.encoding(part.number(2))?,
            def_level_encoding: encoding(part.number(3))?,
            rep_level_encoding: encoding(part.number(4))?,
            statistics: None,
        })
    }

    fn data_v2(&self, header: &Structure, content: Bytes, length: usize) -> Result<Page> {
        let part = header.structure(8).ok_or_else(|| damaged("header"))?;
        let (def_levels_byte_len, rep_levels_byte_len) = (count(part, 5)?, count(part, 6)?);
        let n_levels = def_levels_byte_len as usize + rep_levels_byte_len as usize;
        if n_levels > content.len() || n_levels > length {
            return Err(damaged("length of the levels"));
        }
        // The levels in front of the values are not compressed.
        let is_compressed = part.number(7) != Some(0) && length > n_levels;
        let buf = match is_compressed && self.compression != Compression::UNCOMPRESSED {
            true => {
                let values = content.slice(n_levels..);
                let values = decompress(self.compression, values, length - n_levels)?;
                Bytes::from([&content[..n_levels], &values[..]].concat())
            }
            false => content,
        };
        Ok(Page::DataPageV2 {
            buf,
            num_values: count(part, 1)?,
            encoding: self.encoding(part.number(4))?,
            num_nulls: count(part, 2)?,
            num_rows: count(part, 3)?,
            def_levels_byte_len,
            rep_levels_byte_len,
            is_compressed,
            statistics: None,
        })
    }

    /// The encoding of values.
    fn encoding(&self, number: Option<i64>) -> Result<Encoding> {
        match encoding(number)? {
            Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY if !self.has_dictionary => {
                Err(damaged("dictionary"))
            }
            encoding => Ok(encoding),
        }
    }

    fn dictionary(&mut self, header: &Structure, content: Bytes, length: usize) -> Result<Page> {
        let part = header.structure(7).ok_or_else(|| damaged("header"))?;
        let buf = decompress(self.compression, content, length)?;
        let num_values = count(part, 1)?;
        // Each value takes a bit at least.
        if num_values as usize > 8 * buf.len() {
            return Err(damaged("number of values"));
        }
        // A second one would replace it.
        if std::mem::replace(&mut self.has_dictionary, true) {
            return Err(damaged("dictionary"));
        }
        Ok(Page::DictionaryPage {
            buf,
            num_values,
            encoding: encoding(part.number(2))?,
            is_sorted: part.number(3) == Some(1),
        })
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Result<Page>> {
        self.page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.page()
    }

    // Only for rows that are skipped.
    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Err(ParquetError::NYI("pages are read in order".to_owned()))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.page().map(drop)
    }
}

fn damaged(what: &str) -> ParquetError {
    ParquetError::General(format!("the {what} of a page is damaged"))
}

fn count(header: &Structure, field: i64) -> Result<u32> {
    header.count(field).ok_or_else(|| damaged("header"))
}

fn encoding(number: Option<i64>) -> Result<Encoding> {
    Ok(match number {
        Some(0) => Encoding::PLAIN,
        Some(2) => Encoding::PLAIN_DICTIONARY,
        Some(3) => Encoding::RLE,
        Some(5) => Encoding::DELTA_BINARY_PACKED,
        Some(6) => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        Some(7) => Encoding::DELTA_BYTE_ARRAY,
        Some(8) => Encoding::RLE_DICTIONARY,
        Some(9) => Encoding::BYTE_STREAM_SPLIT,
        Some(4) => return Err(ParquetError::NYI("bit-packed levels".to_owned())),
        _ => return Err(damaged("encoding")),
    })
}

/// Decompresses a page of `length` bytes.
fn decompress(compression: Compression, bytes: Bytes, length: usize) -> Result<Bytes> {
    let limit = MIN_PAGE_BYTES.saturating_add(bytes.len().saturating_mul(MAX_RATIO));
    if length > limit {
        return Err(ParquetError::General(format!(
            "a page of {} bytes cannot have {length} bytes when decompressed",
            bytes.len()
        )));
    }
    let failed = |error: String| ParquetError::General(format!("a page is damaged: {error}"));
    let content = match compression {
        Compression::UNCOMPRESSED => return Ok(bytes),
        Compression::SNAPPY => {
            let is_right = snap::raw::decompress_len(&bytes).is_ok_and(|found| found == length);
            let mut decoder = snap::raw::Decoder::new();
            let content = is_right.then(|| decoder.decompress_vec(&bytes));
            let content = content.ok_or_else(|| damaged("length"))?;
            content.map_err(|error| failed(error.to_string()))?
        }
        Compression::GZIP(_) => read(MultiGzDecoder::new(&bytes[..]), length)?,
        Compression::BROTLI(_) => read(Decompressor::new(&bytes[..], 4096), length)?,
        Compression::ZSTD(_) => {
            let decoder = StreamingDecoder::new(&bytes[..]);
            read(decoder.map_err(|error| failed(error.to_string()))?, length)?
        }
        Compression::LZ4_RAW => {
            let content = lz4_flex::block::decompress(&bytes, length);
            content.map_err(|error| failed(error.to_string()))?
        }
        other => return Err(ParquetError::NYI(format!("the compression {other}"))),
    };
    match content.len() == length {
        true => Ok(content.into()),
        false => Err(damaged("length")),
    }
}

fn read(decoder: impl Read, length: usize) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let read = decoder.take(length as u64 + 1).read_to_end(&mut content);
    read.map_err(|error| ParquetError::General(format!("a page is damaged: {error}")))?;
    Ok(content)
}
