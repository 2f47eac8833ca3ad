//! Reads a large text file in blocks of whole lines, so that its text is never in memory
//! as a whole.
//!
//! A block needs only its own lines if the file is UTF-8, has no comment lines, and no
//! field contains a line break. Any other file is read as a whole.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use nn_data::input_file;

use crate::Result;
use crate::decode::{Encoding, decode};

/// A file that is read in blocks.
pub(crate) struct Blocks {
    file: File,
    /// Number of bytes of a block, more than of any line.
    block_bytes: usize,
    /// The start of a line whose end has not been read yet.
    rest: Vec<u8>,
    is_first: bool,
}

/// The next block of a file.
pub(crate) enum Block {
    /// Whole lines, without a byte-order mark.
    Text(String),
    /// The file must be read as a whole.
    Unsuitable,
    /// There are no more lines.
    End,
}

impl Blocks {
    /// Opens the regular file at `path`.
    pub(crate) fn open(path: &Path, block_bytes: usize) -> Result<Self> {
        Ok(Self {
            file: input_file::open(path)?,
            block_bytes,
            rest: Vec::new(),
            is_first: true,
        })
    }

    /// Reads the next block.
    pub(crate) fn read(&mut self, path: &Path) -> Result<Block> {
        let mut bytes = std::mem::take(&mut self.rest);
        let n_missing = self.block_bytes.saturating_sub(bytes.len());
        bytes.reserve_exact(n_missing);
        let mut part = Read::by_ref(&mut self.file).take(n_missing as u64);
        part.read_to_end(&mut bytes)
            .map_err(|source| nn_data::Error::Io {
                path: path.to_owned(),
                source,
            })?;
        if bytes.is_empty() {
            return Ok(Block::End);
        }
        let is_last = bytes.len() < self.block_bytes;
        if !is_last {
            let Some(line_end) = memchr::memrchr(b'\n', &bytes) else {
                return Ok(Block::Unsuitable);
            };
            self.rest = bytes.split_off(line_end + 1);
        }
        let is_first = std::mem::replace(&mut self.is_first, false);
        let starts_with_comment = !is_first && bytes.starts_with(b"#");
        if starts_with_comment || memchr::memmem::find(&bytes, b"\n#").is_some() {
            return Ok(Block::Unsuitable);
        }
        Ok(match decode(path, &bytes) {
            Ok((text, Encoding::Utf8)) if is_first || !text.starts_with('\u{feff}') => {
                Block::Text(text.into_owned())
            }
            _ => Block::Unsuitable,
        })
    }
}
