//! Reads and validates safetensors files.

use std::fmt;
use std::io::Read;

use nn_error::{Error, Result};
use nn_tensor::Scalar;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::checksum::{NO_CHECKSUM, find, hexadecimal};
use crate::json::bounded;
use crate::kind::{Kind, MAX_HEADER, dtype_of};

/// Maximum length of a file.
const MAX_FILE: u64 = 1 << 35;

/// A validated file: the header agrees with the length of the file, and the checksum is correct if
/// the format version has a checksum of the whole file.
#[derive(Debug)]
pub struct TensorFile<'b> {
    /// The tensors' bytes in the order of the file.
    pub data: &'b [u8],
    /// The JSON object in the metadata.
    pub metadata: String,
    /// Version of the file format.
    pub format: u32,
    /// The tensors, sorted by name.
    tensors: Vec<Entry<'b>>,
}

/// A tensor in the header.
#[derive(Debug)]
struct Entry<'b> {
    name: &'b str,
    record: Record<'b>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Record<'b> {
    dtype: &'b str,
    #[serde(borrow)]
    shape: &'b RawValue,
    data_offsets: [usize; 2],
}

/// The stored values of a tensor.
#[derive(Clone, Copy, Debug)]
pub struct StoredTensor<'b> {
    is_double: bool,
    bytes: &'b [u8],
}

impl<'b> TensorFile<'b> {
    /// Parses a file and validates everything except the values.
    ///
    /// # Errors
    /// Returns [`Error::ModelFile`] if the file is damaged or a different kind of file.
    pub fn parse(bytes: &'b [u8], kind: Kind) -> Result<Self> {
        let (header, data) = split_header(bytes)?;
        let header: Header<'b> = serde_json::from_slice(header)
            .map_err(|error| Error::invalid_file(format!("the header is not JSON: {error}")))?;
        let metadata = header.metadata.of(kind).ok_or_else(|| {
            Error::invalid_file(format!(
                "a safetensors file, but not written by nn (no \"{}\" in its metadata)",
                kind.key
            ))
        })?;
        let version: Version = serde_json::from_str(&metadata)
            .map_err(|error| Error::invalid_file(format!("its metadata: {error}")))?;
        let format = version.format(kind)?;
        check_length(&header.tensors, data)?;
        if format >= kind.first_checksummed {
            version.check(bytes)?;
        }
        let mut tensors = header.tensors;
        check_places(&mut tensors)?;
        tensors.sort_unstable_by_key(|tensor| tensor.name);
        Ok(Self {
            data,
            metadata,
            format,
            tensors,
        })
    }

    /// The number of tensors.
    pub fn n_tensors(&self) -> usize {
        self.tensors.len()
    }

    fn find(&self, name: &str) -> Option<Record<'b>> {
        let found = self
            .tensors
            .binary_search_by_key(&name, |tensor| tensor.name);
        found.ok().map(|index| self.tensors[index].record)
    }

    /// The tensor with the given name.
    ///
    /// # Errors
    /// Returns [`Error::ModelFile`] if the tensor is missing or has the wrong shape.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<StoredTensor<'b>> {
        let record = self
            .find(name)
            .ok_or_else(|| Error::invalid_file(format!("tensor {name} is missing")))?;
        let found = record.shape(name)?;
        if found != shape {
            return Err(Error::invalid_file(format!(
                "tensor {name}: expected shape {shape:?}, found {found:?}"
            )));
        }
        Ok(self.stored(record))
    }

    fn stored(&self, record: Record<'_>) -> StoredTensor<'b> {
        let [start, end] = record.data_offsets;
        StoredTensor {
            is_double: record.dtype == dtype_of::<f64>(),
            bytes: &self.data[start..end],
        }
    }

    /// The values of a tensor with one dimension, in the precision of the
    /// file; `None` if there is no such tensor.
    ///
    /// # Errors
    /// Returns [`Error::ModelFile`] for a wrong type or number of dimensions, and the same errors
    /// as [`copy_values`].
    pub fn row<S: Scalar>(&self, name: &str) -> Result<Option<Vec<S>>> {
        let Some(record) = self.find(name) else {
            return Ok(None);
        };
        let shape = record.shape(name)?;
        if record.dtype != dtype_of::<S>() || shape.len() != 1 {
            return Err(Error::invalid_file(format!(
                "tensor {name}: expected one dimension of {} values, found {} values of shape {shape:?}",
                dtype_of::<S>(),
                record.dtype
            )));
        }
        let tensor = self.stored(record);
        let mut values = vec![S::zero(); tensor.bytes.len() / S::BYTES];
        copy_values(name, tensor, &mut values, Accept::Finite)?;
        Ok(Some(values))
    }
}

impl Record<'_> {
    /// The number of bytes per value.
    fn value_size(&self, name: &str) -> Result<usize> {
        match self.dtype {
            "F32" => Ok(4),
            "F64" => Ok(8),
            other => Err(Error::invalid_file(format!(
                "tensor {name}: expected F32 or F64, found {other}"
            ))),
        }
    }

    fn shape(&self, name: &str) -> Result<Vec<usize>> {
        bounded(self.shape, &format!("tensor {name}: its shape"))
    }
}

/// The values that are accepted in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// Finite values only.
    Finite,
    /// All values, including NaN and infinities.
    All,
}

/// Copies the values of a tensor to `values`, which has the same length.
///
/// # Errors
/// Returns [`Error::ModelFile`] for a value too large for the type, [`Error::NotFiniteWeight`] for
/// a NaN or infinite value that `accept` excludes.
pub fn copy_values<S: Scalar>(
    name: &str,
    tensor: StoredTensor<'_>,
    values: &mut [S],
    accept: Accept,
) -> Result<()> {
    let (size, read): (usize, fn(&[u8]) -> f64) = if tensor.is_double {
        (8, f64::read_le)
    } else {
        (4, |bytes| f32::read_le(bytes).into())
    };
    let stored = tensor.bytes.chunks_exact(size).map(read);
    for (index, (value, stored)) in values.iter_mut().zip(stored).enumerate() {
        *value = S::from_f64(stored);
        if stored.is_finite() && !value.into_f64().is_finite() {
            return Err(Error::invalid_file(format!(
                "tensor {name}: element {index} is {stored:e}, too large for {}",
                S::NAME
            )));
        }
        if accept == Accept::Finite && !stored.is_finite() {
            return Err(Error::NotFiniteWeight {
                tensor: name.to_owned(),
                index,
                value: stored,
            });
        }
    }
    Ok(())
}

/// Reads a file to its end.
///
/// # Errors
/// Returns the same errors as `reader`; [`Error::ModelFile`] if the file is larger than 32 GiB.
pub fn read_all(reader: &mut dyn Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Error::invalid_file(format!(
            "expected at most {MAX_FILE} bytes, found more"
        )));
    }
    Ok(bytes)
}

/// Splits a file into the JSON header and the tensors' bytes.
fn split_header(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(|| {
        Error::invalid_file(format!(
            "ends at byte {}, but the length of the header takes 8 bytes",
            bytes.len()
        ))
    })?;
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER {
        return Err(Error::invalid_file(format!(
            "not a model: its first 8 bytes declare a header of {length} bytes, but at most {MAX_HEADER} are accepted"
        )));
    }
    if length > rest.len() as u64 {
        return Err(Error::invalid_file(format!(
            "ends at byte {}, but the header declares {} bytes",
            bytes.len(),
            length + 8
        )));
    }
    Ok(rest.split_at(length as usize))
}

/// The JSON header, in which no name may occur twice, because readers could
/// disagree on which one counts. Names and records are not copied.
#[derive(Debug)]
struct Header<'b> {
    metadata: Texts,
    tensors: Vec<Entry<'b>>,
}

impl<'de> Deserialize<'de> for Header<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeaderVisitor;

        impl<'de> Visitor<'de> for HeaderVisitor {
            type Value = Header<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header<'de>, A::Error> {
                let mut metadata: Option<Texts> = None;
                let mut tensors = Vec::new();
                while let Some(name) = map.next_key::<&'de str>()? {
                    if name != "__metadata__" {
                        let record = map.next_value()?;
                        tensors.push(Entry { name, record });
                    } else if metadata.replace(map.next_value()?).is_some() {
                        return Err(A::Error::custom(format!("duplicate name {name:?}")));
                    }
                }
                tensors.sort_unstable_by_key(|tensor: &Entry<'de>| tensor.name);
                match tensors.windows(2).find(|pair| pair[0].name == pair[1].name) {
                    Some(pair) => {
                        let name = pair[0].name;
                        Err(A::Error::custom(format!("duplicate name {name:?}")))
                    }
                    None => Ok(Header {
                        metadata: metadata.unwrap_or_default(),
                        tensors,
                    }),
                }
            }
        }

        deserializer.deserialize_map(HeaderVisitor)
    }
}

/// The metadata entries that this crate writes.
#[derive(Debug, Default, Deserialize)]
struct Texts {
    nn: Option<String>,
    nn_checkpoint: Option<String>,
}

impl Texts {
    fn of(self, kind: Kind) -> Option<String> {
        match kind.key {
            "nn" => self.nn,
            _ => self.nn_checkpoint,
        }
    }
}

/// Checks that the tensors end at the end of the file.
fn check_length(tensors: &[Entry<'_>], data: &[u8]) -> Result<()> {
    let ends = tensors.iter().map(|tensor| tensor.record.data_offsets[1]);
    let declared = ends.max().unwrap_or(0);
    if declared == data.len() {
        return Ok(());
    }
    Err(Error::invalid_file(format!(
        "{} bytes of weights, but the header declares {declared}",
        data.len()
    )))
}

/// Checks that the tensors are contiguous and that their sizes agree with their
/// shapes.
fn check_places(tensors: &mut [Entry<'_>]) -> Result<()> {
    tensors.sort_unstable_by_key(|tensor| tensor.record.data_offsets);
    let mut place = 0;
    for Entry { name, record } in tensors {
        let [start, end] = record.data_offsets;
        if start != place || end < start {
            return Err(Error::invalid_file(format!(
                "tensor {name}: invalid offsets {start} to {end}, expected a start at {place}"
            )));
        }
        let (size, shape) = (record.value_size(name)?, record.shape(name)?);
        let expected = shape
            .iter()
            .try_fold(size, |bytes, &n| bytes.checked_mul(n));
        if expected != Some(end - start) {
            return Err(Error::invalid_file(format!(
                "tensor {name}: the offsets span {} bytes, which do not match the shape {shape:?} and \
                 the data type",
                end - start
            )));
        }
        place = end;
    }
    Ok(())
}

/// The format version and the checksum in the metadata.
#[derive(Deserialize)]
struct Version {
    format: Option<u32>,
    sha256: Option<String>,
}

impl Version {
    /// The format version, if it is supported.
    fn format(&self, kind: Kind) -> Result<u32> {
        match self.format {
            Some(found) if (1..=kind.format).contains(&found) => Ok(found),
            Some(found) => {
                let first = if kind.format == 1 {
                    "format"
                } else {
                    "formats 1 to"
                };
                Err(Error::invalid_file(format!(
                    "format {found}; this version of nn reads {first} {}",
                    kind.format
                )))
            }
            None => Err(Error::invalid_file("its metadata has no format".to_owned())),
        }
    }

    /// Verifies the checksum of the whole file.
    fn check(&self, bytes: &[u8]) -> Result<()> {
        let expected = self.sha256.as_deref();
        let expected = expected
            .filter(|sum| sum.len() == NO_CHECKSUM.len())
            .ok_or_else(|| Error::invalid_file("its metadata has no checksum".to_owned()))?;
        let place = find(bytes, expected).ok_or_else(|| {
            Error::invalid_file("its checksum cannot be located in the file".to_owned())
        })?;
        let found = Sha256::new()
            .chain_update(&bytes[..place])
            .chain_update(NO_CHECKSUM)
            .chain_update(&bytes[place + expected.len()..]);
        let found = hexadecimal(found.finalize().as_slice());
        if found == expected {
            return Ok(());
        }
        Err(Error::invalid_file(format!(
            "the file is damaged: expected SHA-256 {expected}, found {found}"
        )))
    }
}
