//! Opens a file with types by its format.

use std::path::Path;

use crate::file_format::FileFormat;
use crate::npy_file::{NpyFile, NpzFile};
use crate::typed_file::TypedFile;
use crate::{Error, Result};

/// Opens a file that is not text.
pub(crate) fn open_typed<'a>(
    path: &Path,
    bytes: &'a [u8],
    format: FileFormat,
) -> Result<Box<dyn TypedFile + 'a>> {
    let opened = match format {
        FileFormat::Npy => NpyFile::open(bytes).map(boxed),
        FileFormat::Npz => NpzFile::open(bytes).map(boxed),
        #[cfg(feature = "parquet")]
        FileFormat::Parquet => crate::parquet_file::ParquetFile::open(bytes).map(boxed),
        #[cfg(feature = "arrow")]
        FileFormat::Arrow => crate::arrow_file::ArrowFile::open(bytes).map(boxed),
        #[cfg(not(feature = "parquet"))]
        FileFormat::Parquet => return Err(not_built(path, format, "parquet")),
        #[cfg(not(feature = "arrow"))]
        FileFormat::Arrow => return Err(not_built(path, format, "arrow")),
        FileFormat::Text => Err("it is text".to_owned()),
    };
    opened.map_err(|reason| Error::BadFile {
        path: path.to_owned(),
        format,
        reason,
    })
}

fn boxed<'a>(file: impl TypedFile + 'a) -> Box<dyn TypedFile + 'a> {
    Box::new(file)
}

#[cfg(not(all(feature = "parquet", feature = "arrow")))]
fn not_built(path: &Path, format: FileFormat, feature: &'static str) -> Error {
    Error::FormatNotBuilt {
        path: path.to_owned(),
        format,
        feature,
    }
}
