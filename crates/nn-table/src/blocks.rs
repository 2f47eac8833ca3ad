//! Reads a large text file in blocks of whole lines, so that the whole text is never in
//! memory.
//!
//! A block can be parsed without the other blocks if the file is UTF-8, has no comment
//! lines, and no field contains a line break. Any other file is read as a whole.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use nn_files::{io_error, regular_file};

use crate::Result;
use crate::decode::{Encoding, decode};

/// A file that is read in blocks.
pub(crate) struct Blocks {
    file: File,
    /// Number of bytes of a block, more than of any line.
    block_bytes: usize,
    /// The last block, and the start of a line whose end has not been read yet. The memory
    /// is used again for each block.
    buffer: Vec<u8>,
    /// Number of bytes of the last block in the buffer.
    n_used: usize,
    is_first: bool,
}

/// The next block of a file.
pub(crate) enum Block<'a> {
    /// Whole lines, without a byte-order mark.
    Text(Cow<'a, str>),
    /// The file must be read as a whole.
    Unsuitable,
    /// There are no more lines.
    End,
}

impl Blocks {
    /// Opens the regular file at `path`.
    pub(crate) fn open(path: &Path, block_bytes: usize) -> Result<Self> {
        Ok(Self {
            file: regular_file::open(path)?,
            block_bytes,
            buffer: Vec::with_capacity(block_bytes),
            n_used: 0,
            is_first: true,
        })
    }

    /// Size of the file.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.file.metadata().map_or(0, |it| it.len())
    }

    /// Reads the next block.
    pub(crate) fn read(&mut self, path: &Path) -> Result<Block<'_>> {
        let is_first = std::mem::replace(&mut self.is_first, false);
        self.fill(path)?;
        if self.buffer.is_empty() {
            return Ok(Block::End);
        }
        let is_last = self.buffer.len() < self.block_bytes;
        self.n_used = match memchr::memrchr(b'\n', &self.buffer) {
            _ if is_last => self.buffer.len(),
            Some(line_end) => line_end + 1,
            None => return Ok(Block::Unsuitable),
        };
        let bytes = &self.buffer[..self.n_used];
        let starts_with_comment = !is_first && bytes.starts_with(b"#");
        if starts_with_comment || memchr::memmem::find(bytes, b"\n#").is_some() {
            return Ok(Block::Unsuitable);
        }
        Ok(match decode(path, bytes) {
            Ok((text, Encoding::Utf8)) => Block::Text(text),
            _ => Block::Unsuitable,
        })
    }

    /// Removes the last block from the buffer, and reads until a block is complete.
    fn fill(&mut self, path: &Path) -> Result<()> {
        self.buffer.drain(..self.n_used);
        self.n_used = 0;
        let n_missing = self.block_bytes - self.buffer.len();
        let mut part = Read::by_ref(&mut self.file).take(n_missing as u64);
        part.read_to_end(&mut self.buffer).map_err(io_error(path))?;
        Ok(())
    }
}
