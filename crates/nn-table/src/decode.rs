//! From the bytes of a file to text: gzip, UTF-8, UTF-16 and Windows-1252.

use std::borrow::Cow;
use std::fmt;
use std::io::Read;
use std::path::Path;

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use flate2::read::MultiGzDecoder;
use nn_data::input_file;

use crate::{Error, Result};

/// The largest size of a decompressed table is this multiple of its compressed size.
/// Real tables of numbers compress to about a quarter, constant ones to a hundredth.
const MAX_RATIO: u64 = 300;

/// The encoding of a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// UTF-8, with or without a byte-order mark.
    Utf8,
    /// UTF-16, with or without a byte-order mark.
    Utf16,
    /// Windows-1252, the superset of Latin-1, assumed for text that is not UTF-8.
    Windows1252 {
        /// Line of the first byte that is not UTF-8, counted from 1.
        line: u64,
    },
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16 => "UTF-16",
            Self::Windows1252 { .. } => "Windows-1252 (Latin-1)",
        })
    }
}

/// Decompresses a gzip file; other bytes are returned unchanged.
pub(crate) fn decompress<'a>(path: &Path, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>> {
    if !bytes.starts_with(b"\x1f\x8b") {
        return Ok(bytes.into());
    }
    let limit = (bytes.len() as u64).saturating_mul(MAX_RATIO);
    let mut content = Vec::new();
    MultiGzDecoder::new(bytes)
        .take(limit + 1)
        .read_to_end(&mut content)
        .map_err(|source| Error::BadGzip {
            path: path.to_owned(),
            reason: source.to_string(),
        })?;
    if content.len() as u64 > limit {
        return Err(Error::BadGzip {
            path: path.to_owned(),
            reason: format!("it decompresses to more than {MAX_RATIO} times its size"),
        });
    }
    Ok(content.into())
}

/// Decodes text, without its byte-order mark.
pub(crate) fn decode<'a>(path: &Path, bytes: &'a [u8]) -> Result<(Cow<'a, str>, Encoding)> {
    if let Some(utf16) = utf16_of(bytes) {
        let (text, _, _) = utf16.decode(bytes);
        check_nul(path, text.as_bytes())?;
        return Ok((text, Encoding::Utf16));
    }
    let looks_like = input_file::known_format(bytes);
    if let Some(looks_like) = looks_like.filter(|_| is_document(bytes) || !is_text(bytes)) {
        return Err(Error::NotText {
            path: path.to_owned(),
            looks_like,
        });
    }
    check_nul(path, bytes)?;
    match str::from_utf8(bytes) {
        Ok(text) => {
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            Ok((text.into(), Encoding::Utf8))
        }
        Err(error) => {
            let line = line_of(bytes, error.valid_up_to());
            let (text, _, _) = WINDOWS_1252.decode(bytes);
            Ok((text, Encoding::Windows1252 { line }))
        }
    }
}

/// The byte order of UTF-16 text, by its mark or by its zeros: in the text of a table
/// almost every second byte is 0.
fn utf16_of(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    if bytes.starts_with(b"\xff\xfe") {
        return Some(UTF_16LE);
    }
    if bytes.starts_with(b"\xfe\xff") {
        return Some(UTF_16BE);
    }
    let pairs = bytes[..bytes.len().min(2000)].chunks_exact(2);
    let n_pairs = pairs.len();
    let (big, little) = pairs.fold((0, 0), |(big, little), pair| match pair {
        [0, 1..=255] => (big + 1, little),
        [1..=255, 0] => (big, little + 1),
        _ => (big, little),
    });
    match (big, little) {
        _ if n_pairs == 0 => None,
        _ if big * 10 >= n_pairs * 8 => Some(UTF_16BE),
        _ if little * 10 >= n_pairs * 8 => Some(UTF_16LE),
        _ => None,
    }
}

fn check_nul(path: &Path, bytes: &[u8]) -> Result<()> {
    match memchr::memchr(0, bytes) {
        Some(at) => Err(Error::Nul {
            path: path.to_owned(),
            line: line_of(bytes, at),
        }),
        None => Ok(()),
    }
}

fn line_of(bytes: &[u8], at: usize) -> u64 {
    1 + memchr::memchr_iter(b'\n', &bytes[..at]).count() as u64
}

/// Whether the content begins like a document, not like a table.
fn is_document(bytes: &[u8]) -> bool {
    const STARTS: [&[u8]; 4] = [b"<!", b"<html", b"<?xml", b"%PDF-"];
    STARTS.iter().any(|start| bytes.starts_with(start))
}

/// Whether the first bytes are UTF-8 without control characters.
fn is_text(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(8)];
    let printable = |c: char| !c.is_control() || c.is_ascii_whitespace();
    str::from_utf8(start).is_ok_and(|text| text.chars().all(printable))
}
