//! The end of a file: the table of blocks, the header and the trailer.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use nn_files::regular_file::read_exact_at;
use sha2::{Digest, Sha256};

use crate::block_table::{BlockTable, ENTRY_BYTES};
use crate::error::{Error, Result};
use crate::layout::{END_MAGIC, Header, MAGIC, TRAILER_BYTES, VERSION};

/// The end of a file, checked.
pub(crate) struct Footer {
    pub(crate) header: Header,
    pub(crate) table: BlockTable,
    /// SHA-256 of table and header.
    pub(crate) digest: String,
}

impl Footer {
    /// Reads the end of a file, from its last bytes to the table.
    pub(crate) fn read(path: &Path, file: &File) -> Result<Self> {
        let file_bytes = file.metadata().map_err(nn_files::io_error(path))?.len();
        let source = Source { path, file };
        source.check_magic(file_bytes)?;
        let (trailer, header_end) = source.trailer(file_bytes)?;
        let (header, text, table_end) = source.header(&trailer, header_end)?;
        let (table, data_end) = source.table(&header, table_end)?;
        let digest = Sha256::new().chain_update(&table).chain_update(&text);
        let digest = digest.finalize();
        let table = BlockTable::read(&table, &header.layout, data_end);
        Ok(Self {
            table: table.map_err(|problem| source.damaged(problem))?,
            header,
            digest: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    }
}

/// The last bytes of a file.
struct Trailer {
    header_bytes: u64,
    header_crc32: u32,
}

/// A file that is read by position.
struct Source<'a> {
    path: &'a Path,
    file: &'a File,
}

impl Source<'_> {
    fn check_magic(&self, file_bytes: u64) -> Result<()> {
        let n_bytes = file_bytes.min(MAGIC.len() as u64);
        if self.read(0, n_bytes as usize)? == MAGIC {
            return Ok(());
        }
        Err(Error::Foreign {
            path: self.path.to_owned(),
        })
    }

    /// The trailer and its offset.
    fn trailer(&self, file_bytes: u64) -> Result<(Trailer, u64)> {
        let start = file_bytes.checked_sub(TRAILER_BYTES as u64);
        let start = start.filter(|&start| start >= MAGIC.len() as u64);
        let start = start.ok_or_else(|| self.incomplete())?;
        let bytes = self.read(start, TRAILER_BYTES)?;
        let (numbers, magic) = bytes.split_at(TRAILER_BYTES - END_MAGIC.len());
        if magic != END_MAGIC {
            return Err(self.incomplete());
        }
        let (words, _) = numbers.as_chunks::<4>();
        let [low, high, header_crc32, version] =
            [0, 1, 2, 3].map(|at| u32::from_le_bytes(words[at]));
        if version != VERSION {
            return Err(Error::Version {
                path: self.path.to_owned(),
                found: version,
                expected: VERSION,
            });
        }
        let header_bytes = u64::from(high) << 32 | u64::from(low);
        let trailer = Trailer {
            header_bytes,
            header_crc32,
        };
        Ok((trailer, start))
    }

    /// The header, its text and its offset.
    fn header(&self, trailer: &Trailer, end: u64) -> Result<(Header, Vec<u8>, u64)> {
        let n_bytes = trailer.header_bytes;
        let (text, start) = self.part("header", end, Some(n_bytes), trailer.header_crc32)?;
        let header: Header = serde_json::from_slice(&text)
            .map_err(|error| self.damaged(format!("header: {error}")))?;
        match header.layout.problem() {
            Some(problem) => Err(self.damaged(format!("header: {problem}"))),
            None => Ok((header, text, start)),
        }
    }

    /// The table and its offset, where the blocks end.
    fn table(&self, header: &Header, end: u64) -> Result<(Vec<u8>, u64)> {
        let n_bytes = (header.n_blocks as u64).checked_mul(ENTRY_BYTES as u64);
        self.part("table of blocks", end, n_bytes, header.table_crc32)
    }

    /// A part of the file that ends at `end`, checked, and its offset.
    fn part(
        &self,
        what: &str,
        end: u64,
        n_bytes: Option<u64>,
        crc32: u32,
    ) -> Result<(Vec<u8>, u64)> {
        let start = n_bytes.and_then(|n_bytes| end.checked_sub(n_bytes));
        let start = start.filter(|&start| start >= MAGIC.len() as u64);
        let start =
            start.ok_or_else(|| self.damaged(format!("the {what} is larger than the file")))?;
        let bytes = self.read(start, (end - start) as usize)?;
        let found = crc32fast::hash(&bytes);
        if found == crc32 {
            return Ok((bytes, start));
        }
        Err(self.damaged(format!(
            "{what}: expected CRC-32 {crc32:08x}, found {found:08x}"
        )))
    }

    fn read(&self, offset: u64, n_bytes: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; n_bytes];
        match read_exact_at(self.file, &mut bytes, offset) {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(self.incomplete()),
            Err(source) => Err(Error::Io {
                path: self.path.to_owned(),
                source,
            }),
        }
    }

    fn incomplete(&self) -> Error {
        self.damaged("the end is missing, because the file was truncated".to_owned())
    }

    fn damaged(&self, problem: String) -> Error {
        Error::Damaged {
            path: self.path.to_owned(),
            problem,
        }
    }
}
