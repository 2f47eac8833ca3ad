//! The IDX file format of MNIST: arrays of numbers of any rank.
//!
//! ```text
//! bytes 0..2   00 00
//! byte  2      element type: 08 u8, 09 i8, 0b i16, 0c i32, 0d f32, 0e f64
//! byte  3      rank: the number of dimensions, 0..=255
//! then         rank dimensions, u32
//! then         the elements, last dimension fastest
//! ```
//! All numbers are big-endian. Source: "The IDX file format" on the MNIST page
//! (LeCun, Cortes, Burges). MNIST's images have type 08 and rank 3, so their magic number is
//! 0x0803 = 2051; MNIST's labels have type 08 and rank 1, so their magic number is 0x0801 = 2049.
//!
//! Reading is strict: a file that is shorter or longer than its header says is an error, and so is
//! gzip data that is truncated, fails its checksum or is followed by more bytes. Memory is
//! allocated only after the header has been compared with the size of the file; for gzip data, the
//! buffer grows with the decompressed data.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use byteorder::{BigEndian, ByteOrder, WriteBytesExt};
use flate2::bufread::GzDecoder;
use nn_files::{io_error, regular_file};

use crate::error::{Error, GZIP_MAGIC, IdxProblem, Result};

/// An array stored in an IDX file.
#[derive(Clone, Debug, PartialEq)]
pub struct Idx {
    /// Sizes of the dimensions, the slowest-varying dimension first; the product of the sizes is
    /// the number of elements.
    pub dims: Vec<usize>,
    /// The elements; the last dimension varies fastest.
    pub data: IdxData,
}

/// The elements of an [`Idx`]: one variant per element type of the format.
#[derive(Clone, Debug, PartialEq)]
pub enum IdxData {
    /// Type 08: unsigned 8-bit integers.
    U8(Vec<u8>),
    /// Type 09: signed 8-bit integers.
    I8(Vec<i8>),
    /// Type 0b: signed 16-bit integers.
    I16(Vec<i16>),
    /// Type 0c: signed 32-bit integers.
    I32(Vec<i32>),
    /// Type 0d: 32-bit floating-point numbers.
    F32(Vec<f32>),
    /// Type 0e: 64-bit floating-point numbers.
    F64(Vec<f64>),
}

/// The type of the elements of an [`Idx`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementType {
    /// Unsigned 8-bit integer.
    U8,
    /// Signed 8-bit integer.
    I8,
    /// Signed 16-bit integer.
    I16,
    /// Signed 32-bit integer.
    I32,
    /// 32-bit floating-point number (IEEE 754).
    F32,
    /// 64-bit floating-point number (IEEE 754).
    F64,
}

/// The magic number of an IDX file: element type and rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Magic {
    /// Type of the elements.
    pub element: ElementType,
    /// Number of dimensions.
    pub rank: u8,
}

impl Idx {
    /// Reads an array that ends at the end of `reader`.
    ///
    /// # Errors
    /// Returns [`IdxProblem`] if the bytes are not a valid array.
    ///
    /// ```
    /// use nn_data::idx::{Idx, IdxData};
    ///
    /// let bytes = [0, 0, 8, 1, 0, 0, 0, 2, 7, 9];
    /// let labels = Idx::read(&bytes[..])?;
    /// assert_eq!(labels.dims, [2]);
    /// assert_eq!(labels.data, IdxData::U8(vec![7, 9]));
    /// # Ok::<(), nn_data::IdxProblem>(())
    /// ```
    pub fn read(reader: impl Read) -> Result<Self, IdxProblem> {
        read_strictly(reader, None, Length::Unknown)
    }

    /// Reads an array from bytes.
    ///
    /// # Errors
    /// Returns the same errors as [`Idx::read`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdxProblem> {
        read_strictly(bytes, None, Length::Known(bytes.len() as u64))
    }

    /// Writes the array to `writer`.
    ///
    /// # Errors
    /// Returns [`IdxProblem::Unwritable`] if the number of elements is not the product of
    /// the dimensions, there are more than 255 dimensions, or a dimension needs
    /// more than 32 bits; [`IdxProblem::Read`] if writing fails.
    pub fn write(&self, mut writer: impl Write) -> Result<(), IdxProblem> {
        let (magic, dims) = self.header().ok_or_else(|| IdxProblem::Unwritable {
            dims: self.dims.clone(),
            n_elements: self.data.len(),
        })?;
        writer.write_all(&magic.bytes())?;
        for dim in dims {
            writer.write_u32::<BigEndian>(dim)?;
        }
        writer.write_all(&self.data.to_bytes())?;
        Ok(())
    }

    /// Magic number and dimensions, if the format can represent them.
    fn header(&self) -> Option<(Magic, Vec<u32>)> {
        let magic = Magic {
            element: self.data.element_type(),
            rank: u8::try_from(self.dims.len()).ok()?,
        };
        let dims: Option<Vec<u32>> = self
            .dims
            .iter()
            .map(|&dim| u32::try_from(dim).ok())
            .collect();
        (count(&self.dims)? == self.data.len() as u64).then_some((magic, dims?))
    }
}

impl IdxData {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::I8(values) => values.len(),
            Self::I16(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
        }
    }

    /// Returns `true` if the array is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of the elements.
    pub fn element_type(&self) -> ElementType {
        match self {
            Self::U8(_) => ElementType::U8,
            Self::I8(_) => ElementType::I8,
            Self::I16(_) => ElementType::I16,
            Self::I32(_) => ElementType::I32,
            Self::F32(_) => ElementType::F32,
            Self::F64(_) => ElementType::F64,
        }
    }

    /// Decodes elements from big-endian bytes.
    fn from_bytes(element: ElementType, bytes: Vec<u8>) -> Self {
        match element {
            ElementType::U8 => Self::U8(bytes),
            ElementType::I8 => Self::I8(bytes.into_iter().map(u8::cast_signed).collect()),
            ElementType::I16 => Self::I16(decode(&bytes, BigEndian::read_i16)),
            ElementType::I32 => Self::I32(decode(&bytes, BigEndian::read_i32)),
            ElementType::F32 => Self::F32(decode(&bytes, BigEndian::read_f32)),
            ElementType::F64 => Self::F64(decode(&bytes, BigEndian::read_f64)),
        }
    }

    /// Encodes the elements as big-endian bytes.
    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::U8(values) => values.clone(),
            Self::I8(values) => values.iter().map(|&value| value.cast_unsigned()).collect(),
            Self::I16(values) => values
                .iter()
                .flat_map(|value| value.to_be_bytes())
                .collect(),
            Self::I32(values) => values
                .iter()
                .flat_map(|value| value.to_be_bytes())
                .collect(),
            Self::F32(values) => values
                .iter()
                .flat_map(|value| value.to_be_bytes())
                .collect(),
            Self::F64(values) => values
                .iter()
                .flat_map(|value| value.to_be_bytes())
                .collect(),
        }
    }
}

fn decode<T>(bytes: &[u8], read: impl Fn(&[u8]) -> T) -> Vec<T> {
    bytes.chunks_exact(size_of::<T>()).map(read).collect()
}

impl ElementType {
    /// All element types, in the order of their codes.
    pub const ALL: [Self; 6] = [
        Self::U8,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::F32,
        Self::F64,
    ];

    /// The code of this type in the magic number.
    pub fn code(self) -> u8 {
        match self {
            Self::U8 => 0x08,
            Self::I8 => 0x09,
            Self::I16 => 0x0b,
            Self::I32 => 0x0c,
            Self::F32 => 0x0d,
            Self::F64 => 0x0e,
        }
    }

    /// Size of one element in bytes.
    pub fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

impl Magic {
    /// The magic number of MNIST's images, 2051: `[n_samples, height, width]`.
    pub const IMAGES: Self = Self {
        element: ElementType::U8,
        rank: 3,
    };

    /// The magic number of MNIST's labels, 2049: `[n_samples]`.
    pub const LABELS: Self = Self {
        element: ElementType::U8,
        rank: 1,
    };

    /// The magic number as four bytes.
    pub fn bytes(self) -> [u8; 4] {
        [0, 0, self.element.code(), self.rank]
    }

    /// Decodes four bytes; `None` if they are not a valid magic number.
    pub fn from_bytes(bytes: [u8; 4]) -> Option<Self> {
        let [0, 0, code, rank] = bytes else {
            return None;
        };
        ElementType::ALL
            .into_iter()
            .find(|element| element.code() == code)
            .map(|element| Self { element, rank })
    }
}

/// Finds the file `name` or `name.gz` in `folder`.
pub fn locate(folder: &Path, name: &str) -> Option<PathBuf> {
    [folder.join(name), folder.join(format!("{name}.gz"))]
        .into_iter()
        .find(|path| path.exists())
}

/// Reads an IDX file, which may be compressed with gzip. The file may have any name.
///
/// If `wanted` is given, the file must have this element type and rank.
///
/// # Errors
/// Returns [`Error::Idx`] if the content is invalid; [`Error::File`] if the file cannot be read.
pub fn read_file(path: &Path, wanted: Option<Magic>) -> Result<Idx> {
    let (file, length) = open_regular(path)?;
    let file = BufReader::with_capacity(1 << 16, file);
    read_plain_or_gzip(file, length, wanted).map_err(|problem| Error::Idx {
        path: path.to_owned(),
        problem,
    })
}

/// Reads the content of an IDX file, compressed with gzip or not.
///
/// # Errors
/// Returns [`IdxProblem`] if the content is invalid.
pub fn read_content(content: &[u8], wanted: Option<Magic>) -> Result<Idx, IdxProblem> {
    read_plain_or_gzip(content, content.len() as u64, wanted)
}

fn read_plain_or_gzip(
    mut file: impl BufRead,
    length: u64,
    wanted: Option<Magic>,
) -> Result<Idx, IdxProblem> {
    if file.fill_buf()?.starts_with(&GZIP_MAGIC) {
        read_gzip(&mut file, wanted, length)
    } else {
        read_strictly(file, wanted, Length::Known(length))
    }
}

/// Opens a regular file; also returns its size in bytes.
pub(crate) fn open_regular(path: &Path) -> Result<(File, u64)> {
    let file = regular_file::open(path)?;
    let metadata = file.metadata().map_err(io_error(path))?;
    Ok((file, metadata.len()))
}

/// Reads one array from a single gzip member up to the end of the reader.
fn read_gzip(
    reader: &mut impl BufRead,
    wanted: Option<Magic>,
    compressed_length: u64,
) -> Result<Idx, IdxProblem> {
    let mut decoder = GzDecoder::new(reader);
    let length = Length::Compressed(compressed_length);
    let idx = read_strictly(&mut decoder, wanted, length).map_err(gzip_problem)?;
    expect_end(decoder.into_inner())?;
    Ok(idx)
}

/// Distinguishes damaged gzip data from a failing disk.
fn gzip_problem(problem: IdxProblem) -> IdxProblem {
    match problem {
        IdxProblem::Read(source)
            if matches!(
                source.kind(),
                io::ErrorKind::InvalidInput
                    | io::ErrorKind::InvalidData
                    | io::ErrorKind::UnexpectedEof
            ) =>
        {
            IdxProblem::Gzip { source }
        }
        other => other,
    }
}

fn expect_end(reader: &mut impl BufRead) -> Result<(), IdxProblem> {
    let is_gzip = reader.fill_buf()?.starts_with(&GZIP_MAGIC);
    match io::copy(reader, &mut io::sink())? {
        0 => Ok(()),
        surplus => Err(IdxProblem::AfterGzip { surplus, is_gzip }),
    }
}

/// Number of bytes that a reader will yield.
enum Length {
    /// Exactly this number of bytes.
    Known(u64),
    /// The decompressed size of this number of gzip bytes.
    Compressed(u64),
    /// The number of bytes is unknown.
    Unknown,
}

impl Length {
    /// Number of bytes to allocate at once for a file that promises `promised`.
    fn capacity(&self, promised: u64) -> Result<u64, IdxProblem> {
        /// The images of MNIST are compressed to a fifth.
        const LIKELY_RATIO: u64 = 8;
        /// Larger arrays with a higher ratio are rejected as gzip bombs: gzip data
        /// can expand a thousandfold.
        const MAX_RATIO: u64 = 32;
        const ALWAYS_ACCEPTED: u64 = 64 << 20;
        match *self {
            Self::Known(length) => compare(length, promised).map(|()| promised),
            Self::Unknown => Ok(0),
            Self::Compressed(length) => {
                if promised > ALWAYS_ACCEPTED.max(length.saturating_mul(MAX_RATIO)) {
                    return Err(IdxProblem::Bomb {
                        compressed: length,
                        promised,
                    });
                }
                Ok(promised.min(length.saturating_mul(LIKELY_RATIO)))
            }
        }
    }
}

fn read_strictly(
    mut reader: impl Read,
    wanted: Option<Magic>,
    length: Length,
) -> Result<Idx, IdxProblem> {
    let magic = read_magic(&mut reader, wanted)?;
    let dims = read_dims(&mut reader, magic.rank)?;
    let header_size = header_size(magic.rank);
    let promised =
        file_size(&dims, magic.element, header_size).ok_or_else(|| IdxProblem::Overflow {
            dims: dims.clone(),
            element_size: magic.element.size(),
        })?;
    let capacity = length.capacity(promised)?;
    let bytes = read_elements(reader, header_size, promised, capacity)?;
    let data = IdxData::from_bytes(magic.element, bytes);
    Ok(Idx { dims, data })
}

fn read_magic(reader: &mut impl Read, wanted: Option<Magic>) -> Result<Magic, IdxProblem> {
    let mut found = [0; 4];
    read_header(reader, &mut found, 0, 4)?;
    let magic = Magic::from_bytes(found);
    match (magic, wanted) {
        (Some(magic), None) => Ok(magic),
        (Some(magic), Some(wanted)) if magic == wanted => Ok(magic),
        _ => Err(IdxProblem::Magic {
            wanted: wanted.map(Magic::bytes),
            found,
        }),
    }
}

fn read_dims(reader: &mut impl Read, rank: u8) -> Result<Vec<usize>, IdxProblem> {
    let mut bytes = [0; 4 * u8::MAX as usize];
    let bytes = &mut bytes[..4 * usize::from(rank)];
    read_header(reader, bytes, 4, header_size(rank))?;
    Ok(decode(bytes, BigEndian::read_u32)
        .into_iter()
        .map(|dim| dim as usize)
        .collect())
}

/// Reads the part of a header of `needed` bytes that begins at byte `start`.
fn read_header(
    reader: &mut impl Read,
    bytes: &mut [u8],
    start: u64,
    needed: u64,
) -> Result<(), IdxProblem> {
    let mut filled = 0;
    while filled < bytes.len() {
        match reader.read(&mut bytes[filled..]) {
            Ok(0) => {
                let end = start + filled as u64;
                return Err(IdxProblem::HeaderCut { end, needed });
            }
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn header_size(rank: u8) -> u64 {
    4 + 4 * u64::from(rank)
}

/// Size of header and elements in bytes; `None` if it exceeds 64 bits.
fn file_size(dims: &[usize], element: ElementType, header_size: u64) -> Option<u64> {
    let elements = count(dims)?.checked_mul(element.size() as u64)?;
    elements.checked_add(header_size)
}

/// The product of the dimensions; 0 if any dimension is 0.
fn count(dims: &[usize]) -> Option<u64> {
    if dims.contains(&0) {
        return Some(0);
    }
    dims.iter()
        .try_fold(1_u64, |product, &dim| product.checked_mul(dim as u64))
}

fn compare(length: u64, promised: u64) -> Result<(), IdxProblem> {
    if length < promised {
        return Err(IdxProblem::Cut {
            end: length,
            promised,
        });
    }
    match length - promised {
        0 => Ok(()),
        surplus => Err(IdxProblem::Trailing {
            promised,
            surplus: Some(surplus),
        }),
    }
}

/// Reads up to one byte more than promised, to check that the reader ends.
fn read_elements(
    reader: impl Read,
    header_size: u64,
    promised: u64,
    capacity: u64,
) -> Result<Vec<u8>, IdxProblem> {
    let expected = promised - header_size;
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(usize::try_from(capacity).unwrap_or(0))
        .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    reader.take(expected + 1).read_to_end(&mut bytes)?;
    let found = bytes.len() as u64;
    if found > expected {
        return Err(IdxProblem::Trailing {
            promised,
            surplus: None,
        });
    }
    compare(header_size + found, promised)?;
    Ok(bytes)
}
