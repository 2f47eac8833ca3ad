//! Reading, validation and writing of
//! [safetensors](https://github.com/huggingface/safetensors) files that hold
//! tensors and one JSON object.
//!
//! A file consists of the length of its header, the header, and the values of the
//! tensors, little-endian. The header begins with the metadata and lists the
//! tensors sorted by name. The metadata has a single entry, a JSON object as text,
//! because other programs write several entries in random order. Its field
//! `sha256` is the SHA-256 of the whole file with these 64 digits set to zero, so
//! that any flipped bit is detected.
//!
//! Sizes are compared with the length of the file before anything is
//! allocated, and every value must be finite.

use std::fmt::{self, Write as _};
use std::io::{Read, Write};

use nn_error::{Error, Result};
use nn_tensor::Scalar;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// Maximum length of a header: the limit of the `safetensors` package, so that
/// Python can read every file.
const MAX_HEADER: u64 = 100_000_000;

/// Maximum length of a file.
const MAX_FILE: u64 = 1 << 35;

/// Maximum number of values in JSON that is parsed into a tree, where a value of
/// three bytes may take hundreds.
const MAX_VALUES: usize = 100_000;

/// The placeholder of the checksum while it is computed.
pub(crate) const NO_CHECKSUM: &str =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// A kind of file: its metadata key and its format version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) key: &'static str,
    /// The format that is written; all formats from 1 on are read.
    pub(crate) format: u32,
    /// The first format whose checksum covers the whole file.
    pub(crate) first_checksummed: u32,
}

/// A tensor to write, with as many values as its shape says.
#[derive(Debug)]
pub(crate) struct Tensor<'a, S> {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: &'a [S],
}

/// An encoded file, ready to be written.
pub(crate) struct Encoded<'a, S> {
    header: String,
    tensors: Vec<Tensor<'a, S>>,
}

impl<'a, S: Scalar> Encoded<'a, S> {
    /// Encodes a file. The first field `sha256` of `metadata` must be
    /// [`NO_CHECKSUM`], with no user-provided text before it.
    pub(crate) fn new(mut tensors: Vec<Tensor<'a, S>>, kind: Kind, metadata: &str) -> Result<Self> {
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        let sizes = tensors.iter().map(|it| (it.name.as_str(), &*it.shape));
        let mut header = header::<S>(sizes, kind, metadata)?;
        let mut sum = Sha256::new()
            .chain_update(length_of(&header))
            .chain_update(&header);
        for_each_chunk(&tensors, |bytes| {
            sum.update(bytes);
            Ok(())
        })?;
        let place = find(header.as_bytes(), NO_CHECKSUM)
            .ok_or_else(|| invalid("its metadata has no field for the checksum".to_owned()))?;
        let digits = hexadecimal(sum.finalize().as_slice());
        header.replace_range(place..place + digits.len(), &digits);
        Ok(Self { header, tensors })
    }

    pub(crate) fn write(&self, writer: &mut dyn Write) -> Result<()> {
        writer.write_all(&length_of(&self.header))?;
        writer.write_all(self.header.as_bytes())?;
        for_each_chunk(&self.tensors, |bytes| Ok(writer.write_all(bytes)?))
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let n_values: usize = self.tensors.iter().map(|tensor| tensor.values.len()).sum();
        let len = size_of::<u64>() + self.header.len() + n_values * S::BYTES;
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(len)
            .map_err(|_| Error::OutOfMemory { bytes: len as u64 })?;
        self.write(&mut bytes)?;
        Ok(bytes)
    }
}

fn length_of(header: &str) -> [u8; 8] {
    (header.len() as u64).to_le_bytes()
}

/// The SHA-256 of the tensors' values in the order of the file.
pub(crate) fn values_sha256<S: Scalar>(mut tensors: Vec<Tensor<'_, S>>) -> String {
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let mut sum = Sha256::new();
    // Hashing cannot fail.
    let _ = for_each_chunk(&tensors, |bytes| {
        sum.update(bytes);
        Ok(())
    });
    hexadecimal(sum.finalize().as_slice())
}

/// The JSON header of tensors with these names and shapes, padded with spaces so
/// that the values are aligned.
pub(crate) fn header<'n, S: Scalar>(
    tensors: impl Iterator<Item = (&'n str, &'n [usize])>,
    kind: Kind,
    metadata: &str,
) -> Result<String> {
    let mut header = format!(
        "{{\"__metadata__\":{{\"{}\":{}}}",
        kind.key,
        Value::from(metadata)
    );
    let mut end = 0;
    for (name, shape) in tensors {
        let start = end;
        end += shape.iter().product::<usize>() * S::BYTES;
        // Writing to a string cannot fail.
        let _ = write!(
            header,
            ",{}:{{\"dtype\":\"{}\",\"shape\":{},\"data_offsets\":[{start},{end}]}}",
            Value::from(name),
            dtype_of::<S>(),
            Value::from(shape),
        );
    }
    header.push('}');
    let padding = header.len().next_multiple_of(8) - header.len();
    header.extend(std::iter::repeat_n(' ', padding));
    check_header_length(header.len() as u64)?;
    Ok(header)
}

/// Checks that a header of this length can be read again.
fn check_header_length(found: u64) -> Result<()> {
    if found <= MAX_HEADER {
        return Ok(());
    }
    Err(Error::HeaderTooLong {
        found,
        most: MAX_HEADER,
    })
}

/// Passes the values of all tensors to `work` as bytes, in chunks.
fn for_each_chunk<S: Scalar>(
    tensors: &[Tensor<'_, S>],
    mut work: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    const CHUNK: usize = 1 << 14;
    let mut bytes = Vec::with_capacity(CHUNK * S::BYTES);
    for values in tensors
        .iter()
        .flat_map(|tensor| tensor.values.chunks(CHUNK))
    {
        bytes.clear();
        values.iter().for_each(|value| value.write_le(&mut bytes));
        work(&bytes)?;
    }
    Ok(())
}

/// A validated file: its header agrees with its length, and its checksum is
/// correct if its format has one for the whole file.
#[derive(Debug)]
pub(crate) struct TensorFile<'b> {
    /// The tensors' bytes in the order of the file.
    pub(crate) data: &'b [u8],
    /// The JSON object in the metadata.
    pub(crate) metadata: String,
    /// The format version.
    pub(crate) format: u32,
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
pub(crate) struct StoredTensor<'b> {
    is_double: bool,
    bytes: &'b [u8],
}

impl<'b> TensorFile<'b> {
    /// Parses a file and validates everything except the values.
    pub(crate) fn parse(bytes: &'b [u8], kind: Kind) -> Result<Self> {
        let (header, data) = split_header(bytes)?;
        let header: Header<'b> = serde_json::from_slice(header)
            .map_err(|error| invalid(format!("the header is not JSON: {error}")))?;
        let metadata = header.metadata.of(kind).ok_or_else(|| {
            invalid(format!(
                "a safetensors file, but not written by nn (no \"{}\" in its metadata)",
                kind.key
            ))
        })?;
        let version: Version = serde_json::from_str(&metadata)
            .map_err(|error| invalid(format!("its metadata: {error}")))?;
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
    pub(crate) fn n_tensors(&self) -> usize {
        self.tensors.len()
    }

    fn find(&self, name: &str) -> Option<Record<'b>> {
        let found = self
            .tensors
            .binary_search_by_key(&name, |tensor| tensor.name);
        found.ok().map(|index| self.tensors[index].record)
    }

    /// The tensor of this name, if it has this shape.
    pub(crate) fn tensor(&self, name: &str, shape: &[usize]) -> Result<StoredTensor<'b>> {
        let record = self
            .find(name)
            .ok_or_else(|| invalid(format!("tensor {name} is missing")))?;
        let found = record.shape(name)?;
        if found != shape {
            return Err(invalid(format!(
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
    pub(crate) fn row<S: Scalar>(&self, name: &str) -> Result<Option<Vec<S>>> {
        let Some(record) = self.find(name) else {
            return Ok(None);
        };
        let shape = record.shape(name)?;
        if record.dtype != dtype_of::<S>() || shape.len() != 1 {
            return Err(invalid(format!(
                "tensor {name}: expected one dimension of {}, found {} of shape {shape:?}",
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
            other => Err(invalid(format!(
                "tensor {name}: expected F32 or F64, found {other}"
            ))),
        }
    }

    fn shape(&self, name: &str) -> Result<Vec<usize>> {
        bounded(self.shape, &format!("tensor {name}: its shape"))
    }
}

fn dtype_of<S: Scalar>() -> &'static str {
    if S::BYTES == 4 { "F32" } else { "F64" }
}

/// The values that are accepted in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accept {
    /// Finite values only.
    Finite,
    /// All values, including NaN and infinities.
    All,
}

/// Copies the values of a tensor to `values`, which has the same length.
pub(crate) fn copy_values<S: Scalar>(
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
            return Err(invalid(format!(
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

pub(crate) fn read_all(reader: &mut dyn Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(invalid(format!("longer than {MAX_FILE} bytes")));
    }
    Ok(bytes)
}

/// Splits a file into the JSON header and the tensors' bytes.
fn split_header(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let (length, rest) = bytes
        .split_first_chunk::<8>()
        .ok_or_else(|| invalid(format!("ends at byte {}; a header needs 8", bytes.len())))?;
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER {
        return Err(invalid(format!(
            "not a model: its first 8 bytes declare a header of {length} bytes, at most {MAX_HEADER} are accepted"
        )));
    }
    if length > rest.len() as u64 {
        return Err(invalid(format!(
            "ends at byte {}, the header declares {}",
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
    Err(invalid(format!(
        "{} bytes of weights, the header declares {declared}",
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
            return Err(invalid(format!(
                "tensor {name}: invalid offsets {start} to {end}, expected a start at {place}"
            )));
        }
        let (size, shape) = (record.value_size(name)?, record.shape(name)?);
        let expected = shape
            .iter()
            .try_fold(size, |bytes, &n| bytes.checked_mul(n));
        if expected != Some(end - start) {
            return Err(invalid(format!(
                "tensor {name}: {} bytes do not hold shape {shape:?}",
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
                Err(invalid(format!(
                    "format {found}; this version of nn reads {first} {}",
                    kind.format
                )))
            }
            None => Err(invalid("its metadata has no format".to_owned())),
        }
    }

    /// Verifies the checksum of the whole file.
    fn check(&self, bytes: &[u8]) -> Result<()> {
        let expected = self.sha256.as_deref();
        let expected = expected
            .filter(|sum| sum.len() == NO_CHECKSUM.len())
            .ok_or_else(|| invalid("its metadata has no checksum".to_owned()))?;
        let place = find(bytes, expected)
            .ok_or_else(|| invalid("its checksum cannot be located in the file".to_owned()))?;
        let found = Sha256::new()
            .chain_update(&bytes[..place])
            .chain_update(NO_CHECKSUM)
            .chain_update(&bytes[place + expected.len()..]);
        let found = hexadecimal(found.finalize().as_slice());
        if found == expected {
            return Ok(());
        }
        Err(invalid(format!(
            "the file is damaged: expected SHA-256 {expected}, found {found}"
        )))
    }
}

fn find(bytes: &[u8], text: &str) -> Option<usize> {
    bytes
        .windows(text.len())
        .position(|window| window == text.as_bytes())
}

/// Parses JSON, unless it has more than [`MAX_VALUES`] values, which could take
/// far more memory than the file.
pub(crate) fn bounded<'b, T: Deserialize<'b>>(json: &'b RawValue, what: &str) -> Result<T> {
    check_n_values(json.get(), MAX_VALUES, what)?;
    serde_json::from_str(json.get()).map_err(|error| invalid(format!("{what}: {error}")))
}

/// Checks that JSON has at most `most` values.
pub(crate) fn check_n_values(json: &str, most: usize, what: &str) -> Result<()> {
    let found = n_values(json);
    if found <= most {
        return Ok(());
    }
    Err(invalid(format!(
        "{what}: expected at most {most} values, found {found}"
    )))
}

/// An upper bound on the number of values in JSON: 1, plus 1 per comma and
/// opening bracket.
fn n_values(json: &str) -> usize {
    let (mut n, mut in_text, mut is_escaped) = (1, false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_text,
            b'"' => in_text = !in_text,
            b',' | b'[' | b'{' if !in_text => n += 1,
            _ => {}
        }
    }
    n
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn invalid(problem: String) -> Error {
    Error::ModelFile { problem }
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

    use super::*;

    const KIND: Kind = Kind {
        key: "nn",
        format: 1,
        first_checksummed: 1,
    };

    fn metadata() -> String {
        format!("{{\"format\":1,\"sha256\":\"{NO_CHECKSUM}\",\"é\":\"\\\"\"}}")
    }

    fn file(tensors: Vec<Tensor<'_, f32>>) -> Vec<u8> {
        let encoded = Encoded::new(tensors, KIND, &metadata()).unwrap();
        encoded.to_bytes().unwrap()
    }

    #[test]
    fn the_safetensors_package_writes_the_same_bytes() {
        let tensor = |name: &str, values: &'static [f32]| Tensor {
            name: name.to_owned(),
            shape: vec![values.len() / 2, 2],
            values,
        };
        let ours = file(vec![
            tensor("layers.10.weight", &[1.0, -2.0]),
            tensor("layers.2.weight", &[0.5, 1e-40, 3.0, 4.0]),
            tensor("empty", &[]),
        ]);
        let theirs = SafeTensors::deserialize(&ours).unwrap();
        assert_eq!(theirs.tensor("layers.2.weight").unwrap().shape(), [2, 2]);
        let views = theirs.tensors().into_iter().map(|(name, tensor)| {
            let view = TensorView::new(Dtype::F32, tensor.shape().to_vec(), tensor.data());
            (name, view.unwrap())
        });
        let (_, read) = SafeTensors::read_metadata(&ours).unwrap();
        assert_eq!(serialize(views, read.metadata().clone()).unwrap(), ours);
    }

    #[test]
    fn commas_and_brackets_in_text_are_not_counted() {
        for (json, n) in [("0", 1), ("[0,1,2]", 4), (r#"{"a,[":"\\\",[{","b":[]}"#, 4)] {
            assert_eq!(n_values(json), n, "{json}");
        }
    }
}
