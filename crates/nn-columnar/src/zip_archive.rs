//! Reads the stored or deflated files of a zip archive in memory.

use std::borrow::Cow;
use std::io::Read;

use flate2::Crc;
use flate2::read::DeflateDecoder;

/// Maximum compression ratio of Deflate.
const MAX_RATIO: u64 = 1032;

/// Length of the end of the central directory, without its comment.
const END_LENGTH: usize = 22;
/// Largest length of the comment.
const MAX_COMMENT: usize = 0xffff;
/// Length of the locator of the 64-bit end record, which precedes the end record.
const LOCATOR_LENGTH: usize = 20;
/// Length of an entry of the central directory without its name.
const ENTRY_LENGTH: usize = 46;
/// Length of the header of a file, without its name.
const LOCAL_LENGTH: usize = 30;

/// Value of a 32-bit field whose number is stored as 64 bits in the extra field.
const IN_EXTRA: u64 = 0xffff_ffff;

/// A file in an archive.
pub(crate) struct ZipEntry<'a> {
    pub(crate) name: String,
    archive: &'a [u8],
    is_encrypted: bool,
    method: u64,
    crc: u64,
    compressed: u64,
    length: u64,
    offset: u64,
}

/// The files that the central directory of an archive lists.
pub(crate) fn entries(archive: &[u8]) -> Result<Vec<ZipEntry<'_>>, String> {
    let mut at = directory_start(archive)?;
    let mut entries = Vec::new();
    while archive
        .get(at..)
        .is_some_and(|it| it.starts_with(b"PK\x01\x02"))
    {
        let (entry, end) = entry(archive, at).ok_or("the central directory is truncated")?;
        entries.push(entry);
        at = end;
    }
    Ok(entries)
}

/// Position of the central directory.
fn directory_start(archive: &[u8]) -> Result<usize, String> {
    let earliest = archive.len().saturating_sub(END_LENGTH + MAX_COMMENT);
    let end = memchr::memmem::rfind(&archive[earliest..], b"PK\x05\x06")
        .ok_or("the end of the archive is missing: the file is truncated")?;
    let end = earliest + end;
    let start = match number(archive, end + 16, 4) {
        Some(IN_EXTRA) => end
            .checked_sub(LOCATOR_LENGTH)
            .and_then(|locator| number(archive, locator + 8, 8))
            .and_then(|end| number(archive, usize::try_from(end).ok()?.checked_add(48)?, 8)),
        start => start,
    };
    let start = start.and_then(|start| usize::try_from(start).ok());
    start.ok_or_else(|| "the end of the archive is damaged".to_owned())
}

/// The entry of the central directory at `at`, and the position of the end of the entry.
fn entry(archive: &[u8], at: usize) -> Option<(ZipEntry<'_>, usize)> {
    let field = |offset: usize, length: usize| number(archive, at.checked_add(offset)?, length);
    let length_of = |offset: usize| Some(field(offset, 2)? as usize);
    let name_at = at + ENTRY_LENGTH;
    let extra_at = name_at + length_of(28)?;
    let extra_end = extra_at + length_of(30)?;
    let mut entry = ZipEntry {
        name: String::from_utf8_lossy(archive.get(name_at..extra_at)?).into_owned(),
        archive,
        is_encrypted: field(8, 2)? & 1 == 1,
        method: field(10, 2)?,
        crc: field(16, 4)?,
        compressed: field(20, 4)?,
        length: field(24, 4)?,
        offset: field(42, 4)?,
    };
    let mut wide = wide_numbers(archive.get(extra_at..extra_end)?);
    for value in [&mut entry.length, &mut entry.compressed, &mut entry.offset] {
        if *value == IN_EXTRA {
            *value = wide.next()?;
        }
    }
    Some((entry, extra_end + length_of(32)?))
}

/// The numbers of the extra field for 64 bits.
fn wide_numbers(mut extra: &[u8]) -> impl Iterator<Item = u64> {
    const WIDE: u64 = 1;
    let mut found: &[u8] = &[];
    while let (Some(kind), Some(length)) = (number(extra, 0, 2), number(extra, 2, 2)) {
        let end = (4 + length as usize).min(extra.len());
        if kind == WIDE {
            found = &extra[4..end];
        }
        extra = &extra[end..];
    }
    let parts = found.chunks_exact(8);
    parts.map(|part| {
        part.iter()
            .rev()
            .fold(0, |n, &byte| n << 8 | u64::from(byte))
    })
}

/// A little-endian number of `length` bytes.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |n, &byte| n << 8 | u64::from(byte)),
    )
}

impl<'a> ZipEntry<'a> {
    /// The content of the file.
    pub(crate) fn read(&self) -> Result<Cow<'a, [u8]>, String> {
        const STORED: u64 = 0;
        const DEFLATED: u64 = 8;
        let name = &self.name;
        if self.is_encrypted {
            return Err(format!("{name} is encrypted"));
        }
        let compressed = self
            .compressed()
            .ok_or_else(|| format!("{name} is truncated"))?;
        let content: Cow<'_, [u8]> = match self.method {
            STORED => compressed.into(),
            DEFLATED if self.length <= MAX_RATIO * (self.compressed + 1) => {
                let mut content = Vec::new();
                DeflateDecoder::new(compressed)
                    .take(self.length + 1)
                    .read_to_end(&mut content)
                    .map_err(|error| format!("{name} cannot be decompressed: {error}"))?;
                content.into()
            }
            DEFLATED => return Err(format!("{name} states a length that is too large")),
            method => {
                return Err(format!(
                    "{name} is compressed with the unknown method {method}"
                ));
            }
        };
        let mut crc = Crc::new();
        crc.update(&content);
        if content.len() as u64 != self.length || u64::from(crc.sum()) != self.crc {
            return Err(format!(
                "{name} is damaged: its length or checksum is wrong"
            ));
        }
        Ok(content)
    }

    /// The compressed bytes, which follow a header that repeats the name.
    fn compressed(&self) -> Option<&'a [u8]> {
        let at = usize::try_from(self.offset).ok()?;
        let header = self.archive.get(at..at.checked_add(LOCAL_LENGTH)?)?;
        let is_header = header.starts_with(b"PK\x03\x04");
        let names = number(header, 26, 2)? as usize + number(header, 28, 2)? as usize;
        let start = at + LOCAL_LENGTH + names;
        let end = start.checked_add(usize::try_from(self.compressed).ok()?)?;
        self.archive.get(start..end).filter(|_| is_header)
    }
}
