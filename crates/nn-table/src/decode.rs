//! Decoding of the bytes of a file: gzip, UTF-8, UTF-16 and Windows-1252.

use std::borrow::Cow;
use std::fmt;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use nn_files::known_format;

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
            reason: format!(
                "the decompressed data is more than {MAX_RATIO} times as large as the file"
            ),
        });
    }
    Ok(content.into())
}

/// Decodes text, without its byte-order mark.
pub(crate) fn decode<'a>(path: &Path, bytes: &'a [u8]) -> Result<(Cow<'a, str>, Encoding)> {
    if let Some(order) = byte_order_of(bytes) {
        let text = from_utf16(bytes, order);
        check_nul(path, text.as_bytes())?;
        return Ok((text.into(), Encoding::Utf16));
    }
    let looks_like = known_format(bytes);
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
            let text: String = bytes.iter().map(|&byte| windows_1252(byte)).collect();
            Ok((text.into(), Encoding::Windows1252 { line }))
        }
    }
}

/// The order of the two bytes of a code unit.
#[derive(Clone, Copy)]
enum ByteOrder {
    Big,
    Little,
}

/// The byte order of UTF-16 text, by its mark or by its zeros: in the text of a table
/// almost every second byte is 0.
fn byte_order_of(bytes: &[u8]) -> Option<ByteOrder> {
    if bytes.starts_with(b"\xff\xfe") {
        return Some(ByteOrder::Little);
    }
    if bytes.starts_with(b"\xfe\xff") {
        return Some(ByteOrder::Big);
    }
    let pairs = bytes[..bytes.len().min(2000)].chunks_exact(2);
    let n_pairs = pairs.len();
    let (big, little) = pairs.fold((0, 0), |(big, little), pair| match pair {
        [0, 1..=255] => (big + 1, little),
        [1..=255, 0] => (big, little + 1),
        _ => (big, little),
    });
    let are_most = |n: usize| n_pairs > 0 && n * 10 >= n_pairs * 8;
    match (are_most(big), are_most(little)) {
        (true, _) => Some(ByteOrder::Big),
        (_, true) => Some(ByteOrder::Little),
        _ => None,
    }
}

/// Decodes UTF-16, without its byte-order mark; an unpaired surrogate becomes U+FFFD.
fn from_utf16(bytes: &[u8], order: ByteOrder) -> String {
    let units = bytes.chunks_exact(2).map(|pair| match order {
        ByteOrder::Big => u16::from_be_bytes([pair[0], pair[1]]),
        ByteOrder::Little => u16::from_le_bytes([pair[0], pair[1]]),
    });
    let text = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
    text.skip_while(|&c| c == '\u{feff}').collect()
}

/// The character of a byte in Windows-1252: Latin-1, except for 0x80 to 0x9f.
fn windows_1252(byte: u8) -> char {
    const FROM_80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => FROM_80[usize::from(byte - 0x80)],
        byte => char::from(byte),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Python: `bytes([0x80, 0x92, 0x9f, 0xe9, 0x41]).decode("cp1252")`
    #[test]
    fn bytes_of_windows_1252() {
        let text: String = [0x80, 0x92, 0x9f, 0xe9, 0x41]
            .map(windows_1252)
            .iter()
            .collect();
        assert_eq!(text, "€’ŸéA");
    }
}
