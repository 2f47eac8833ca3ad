//! File formats with typed columns: Parquet, Arrow and NumPy.

use std::fmt;

use serde::Serialize;

/// A file format with typed columns: Parquet, Arrow or NumPy.
///
/// ```
/// use nn_columnar::FileFormat;
///
/// assert_eq!(FileFormat::of(b"PAR1\x15\x04"), Some(FileFormat::Parquet));
/// assert_eq!(FileFormat::of(b"length,color\n1,red\n"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FileFormat {
    /// Apache Parquet file; reading requires the feature `parquet`.
    Parquet,
    /// Apache Arrow IPC file (Feather version 2); reading requires the feature `arrow`.
    Arrow,
    /// NumPy array (`.npy`).
    Npy,
    /// Archive of NumPy arrays (`.npz`).
    Npz,
}

impl FileFormat {
    /// Recognizes the format of a file from its first bytes; `None` for text and any other format.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        const SIGNATURES: [(&[u8], FileFormat); 3] = [
            (b"PAR1", FileFormat::Parquet),
            (b"ARROW1\0\0", FileFormat::Arrow),
            (b"\x93NUMPY", FileFormat::Npy),
        ];
        let is_format = |(signature, _): &&(&[u8], Self)| bytes.starts_with(signature);
        match SIGNATURES.iter().find(is_format) {
            Some(&(_, format)) => Some(format),
            None if begins_with_an_array(bytes) => Some(Self::Npz),
            None => None,
        }
    }
}

/// Whether `bytes` is a zip archive whose first file is a NumPy array.
fn begins_with_an_array(bytes: &[u8]) -> bool {
    const NAME_AT: usize = 30;
    let name = || {
        let length = u16::from_le_bytes(bytes.get(26..28)?.try_into().ok()?);
        bytes.get(NAME_AT..NAME_AT + usize::from(length))
    };
    bytes.starts_with(b"PK\x03\x04") && name().is_some_and(|name| name.ends_with(b".npy"))
}

/// Writes the name of the format with its article, such as `a Parquet file`.
impl fmt::Display for FileFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parquet => "a Parquet file",
            Self::Arrow => "an Arrow file",
            Self::Npy => "a NumPy array (.npy)",
            Self::Npz => "an archive of NumPy arrays (.npz)",
        })
    }
}
