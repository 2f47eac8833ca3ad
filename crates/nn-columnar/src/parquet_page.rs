//! Decompresses the pages of a Parquet column, without C code. The memory allocated is limited in
//! proportion to the size of the file.

use std::borrow::Cow;
use std::io::Read;

use brotli_decompressor::Decompressor;
use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

use crate::thrift::Structure;

/// Maximum number of bytes of a decompressed page: the first constant, plus the second constant
/// for each compressed byte.
const MIN_PAGE_BYTES: usize = 4 << 20;
const MAX_RATIO: usize = 1000;

/// A page of a column.
pub(crate) enum Page<'a> {
    /// A dictionary page: the distinct values, one after the other.
    Dictionary {
        bytes: Cow<'a, [u8]>,
        n_values: usize,
    },
    Data(DataPage<'a>),
}

/// A data page: the values of consecutive rows.
pub(crate) struct DataPage<'a> {
    /// The definition levels, then the values. In version 1, the length of the definition levels
    /// precedes them.
    pub(crate) bytes: Cow<'a, [u8]>,
    /// Length of the definition levels in bytes, in version 2.
    pub(crate) n_level_bytes: Option<usize>,
    /// Number of rows.
    pub(crate) n_values: usize,
    /// The encoding of the values.
    pub(crate) encoding: i64,
}

/// Reads the next page from `bytes`, the pages of a column; `None` after the last page.
pub(crate) fn next_page<'a>(bytes: &mut &'a [u8], codec: i64) -> Result<Option<Page<'a>>, String> {
    const DATA: i64 = 0;
    const DICTIONARY: i64 = 2;
    const DATA_V2: i64 = 3;
    while !bytes.is_empty() {
        let header = Structure::read(bytes).ok_or("the header of a page is damaged")?;
        let length = |field| header.count(field).ok_or("the length of a page is damaged");
        let (length, compressed) = (length(2)?, length(3)?);
        let (content, rest) = bytes
            .split_at_checked(compressed)
            .ok_or("a page is truncated")?;
        *bytes = rest;
        let page = match header.number(1) {
            Some(DATA) => data(&header, content, length, codec),
            Some(DATA_V2) => data_v2(&header, content, length, codec),
            Some(DICTIONARY) => dictionary(&header, content, length, codec),
            // An index.
            _ => continue,
        };
        return page.map(Some);
    }
    Ok(None)
}

fn part<'a, 'b>(header: &'b Structure<'a>, field: i64) -> Result<&'b Structure<'a>, String> {
    let part = header.structure(field);
    part.ok_or_else(|| "the header of a page is incomplete".to_owned())
}

fn count(header: &Structure<'_>, field: i64) -> Result<usize, String> {
    let count = header.count(field);
    count.ok_or_else(|| "the header of a page is incomplete".to_owned())
}

fn data<'a>(
    header: &Structure<'_>,
    content: &'a [u8],
    length: usize,
    codec: i64,
) -> Result<Page<'a>, String> {
    let part = part(header, 5)?;
    Ok(Page::Data(DataPage {
        bytes: decompress(codec, content, length)?,
        n_level_bytes: None,
        n_values: count(part, 1)?,
        encoding: part.number(2).unwrap_or(-1),
    }))
}

fn data_v2<'a>(
    header: &Structure<'_>,
    content: &'a [u8],
    length: usize,
    codec: i64,
) -> Result<Page<'a>, String> {
    let part = part(header, 8)?;
    let n_level_bytes = count(part, 5)?;
    if count(part, 6)? > 0 {
        return Err("a page has nested values".to_owned());
    }
    // The levels in front of the values are not compressed.
    let levels = content.split_at_checked(n_level_bytes);
    let (levels, values) = levels.ok_or("the definition levels are truncated")?;
    let length = length
        .checked_sub(n_level_bytes)
        .ok_or("the length of a page is wrong")?;
    let is_compressed = part.number(7) != Some(0) && length > 0;
    let bytes = match is_compressed && codec != 0 {
        true => [levels, &decompress(codec, values, length)?]
            .concat()
            .into(),
        false => content.into(),
    };
    Ok(Page::Data(DataPage {
        bytes,
        n_level_bytes: Some(n_level_bytes),
        n_values: count(part, 1)?,
        encoding: part.number(4).unwrap_or(-1),
    }))
}

fn dictionary<'a>(
    header: &Structure<'_>,
    content: &'a [u8],
    length: usize,
    codec: i64,
) -> Result<Page<'a>, String> {
    Ok(Page::Dictionary {
        bytes: decompress(codec, content, length)?,
        n_values: count(part(header, 7)?, 1)?,
    })
}

/// Decompresses a page of `length` bytes.
fn decompress(codec: i64, bytes: &[u8], length: usize) -> Result<Cow<'_, [u8]>, String> {
    let limit = MIN_PAGE_BYTES.saturating_add(bytes.len().saturating_mul(MAX_RATIO));
    if length > limit {
        let n = bytes.len();
        return Err(format!(
            "a page of {n} bytes cannot have {length} bytes when decompressed"
        ));
    }
    let content = match codec {
        0 => return Ok(bytes.into()),
        1 => snappy(bytes, length),
        2 => read(MultiGzDecoder::new(bytes), length),
        4 => read(Decompressor::new(bytes, 4096), length),
        6 => match StreamingDecoder::new(bytes) {
            Ok(decoder) => read(decoder, length),
            Err(error) => Err(error.to_string()),
        },
        7 => lz4_flex::block::decompress(bytes, length).map_err(|error| error.to_string()),
        3 => return Err("LZO compression is not supported".to_owned()),
        5 => return Err("Hadoop's LZ4 compression is not supported".to_owned()),
        _ => return Err("the compression is unknown".to_owned()),
    };
    let content = content.map_err(|error| format!("a page cannot be decompressed: {error}"))?;
    match content.len() == length {
        true => Ok(content.into()),
        false => Err("the length of a page is wrong".to_owned()),
    }
}

fn snappy(bytes: &[u8], length: usize) -> Result<Vec<u8>, String> {
    if snap::raw::decompress_len(bytes) != Ok(length) {
        return Err("the length is wrong".to_owned());
    }
    let content = snap::raw::Decoder::new().decompress_vec(bytes);
    content.map_err(|error| error.to_string())
}

fn read(decoder: impl Read, length: usize) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    let read = decoder.take(length as u64 + 1).read_to_end(&mut content);
    read.map_err(|error| error.to_string())?;
    Ok(content)
}
