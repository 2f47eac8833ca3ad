//! Tensors and one JSON object in a
//! [safetensors](https://github.com/huggingface/safetensors) file, and the
//! checks before either is believed.
//!
//! The file is the length of its header, the header, and the tensors' values,
//! little-endian. The header names the tensors, sorted, and begins with the
//! metadata. These have a single entry, a JSON object as text, since other
//! programs write several in random order. Its field `sha256` is the SHA-256 of
//! the whole file in which these 64 digits are zeros, so that a bit that
//! flipped anywhere is noticed.
//!
//! Sizes are compared with the length of the file before anything is
//! allocated, and every value must be finite.

use std::fmt::{self, Write as _};
use std::io::{Read, Write};

use nn_tensor::Scalar;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// Longest header that is read and written: that of the `safetensors` package,
/// so that Python reads every file, too.
const MAX_HEADER: u64 = 100_000_000;

/// Largest file that is read.
const MAX_FILE: u64 = 1 << 35;

/// Most values in JSON that becomes a tree, where a value of three bytes may
/// take hundreds.
const MOST_VALUES: usize = 100_000;

/// What stands in place of the checksum while it is computed.
pub(crate) const NO_CHECKSUM: &str =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// What a file is: the entry in its metadata, and the version of what it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) key: &'static str,
    /// The format that is written; all down to 1 are read.
    pub(crate) format: u32,
    /// The first format whose checksum covers the whole file.
    pub(crate) first_sealed: u32,
}

/// A tensor to be written, with as many values as its shape says.
#[derive(Debug)]
pub(crate) struct Tensor<'a, S> {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: &'a [S],
}

/// A file that is about to be written.
pub(crate) struct Encoded<'a, S> {
    header: String,
    tensors: Vec<Tensor<'a, S>>,
}

impl<'a, S: Scalar> Encoded<'a, S> {
    /// The first field of `metadata` named `sha256` must be [`NO_CHECKSUM`], and
    /// no text of others may stand before it.
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
            .ok_or_else(|| invalid("its metadata have no place for a checksum".to_owned()))?;
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

/// SHA-256 of the tensors' values in the order of the file.
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

/// The JSON header of tensors of these names and shapes, filled up with spaces
/// so that the values are aligned.
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

/// Whether a header of so many bytes can be read again.
fn check_header_length(found: u64) -> Result<()> {
    if found <= MAX_HEADER {
        return Ok(());
    }
    Err(Error::HeaderTooLong {
        found,
        most: MAX_HEADER,
    })
}

/// The values of all tensors as bytes, some at a time.
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

/// A file whose header agrees with its length, and whose bits are those that
/// were written if its format has a checksum for that.
#[derive(Debug)]
pub(crate) struct TensorFile<'b> {
    /// The tensors' bytes in the order of the file.
    pub(crate) data: &'b [u8],
    /// The JSON object in the metadata.
    pub(crate) metadata: String,
    /// Its version.
    pub(crate) format: u32,
    /// Sorted by name.
    tensors: Vec<Entry<'b>>,
}

/// What the header says of a tensor.
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

/// A tensor in a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredTensor<'b> {
    is_double: bool,
    bytes: &'b [u8],
}

impl<'b> TensorFile<'b> {
    /// Checks everything but the values.
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
        let seal: Seal = serde_json::from_str(&metadata)
            .map_err(|error| invalid(format!("its metadata: {error}")))?;
        let format = seal.format(kind)?;
        check_length(&header.tensors, data)?;
        if format >= kind.first_sealed {
            seal.check(bytes)?;
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

    /// Number of tensors.
    pub(crate) fn n_tensors(&self) -> usize {
        self.tensors.len()
    }

    fn find(&self, name: &str) -> Option<Record<'b>> {
        let found = self
            .tensors
            .binary_search_by_key(&name, |tensor| tensor.name);
        found.ok().map(|index| self.tensors[index].record)
    }

    /// A tensor of this shape, to be copied out of the file.
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
                "tensor {name}: expected a row of {}, found {} of {shape:?}",
                dtype_of::<S>(),
                record.dtype
            )));
        }
        let tensor = self.stored(record);
        let mut values = vec![S::zero(); tensor.bytes.len() / S::BYTES];
        copy_numbers(name, tensor, &mut values, Numbers::Finite)?;
        Ok(Some(values))
    }
}

impl Record<'_> {
    /// Bytes of a value.
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

/// Which values are taken from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// Finite ones.
    Finite,
    /// NaN and infinities, too.
    Any,
}

/// Copies the values of a tensor that holds as many as `values`.
pub(crate) fn copy_numbers<S: Scalar>(
    name: &str,
    tensor: StoredTensor<'_>,
    values: &mut [S],
    accepted: Numbers,
) -> Result<()> {
    let (size, read): (usize, fn(&[u8]) -> f64) = if tensor.is_double {
        (8, f64::read_le)
    } else {
        (4, |bytes| f32::read_le(bytes).into())
    };
    let numbers = tensor.bytes.chunks_exact(size).map(read);
    for (index, (value, number)) in values.iter_mut().zip(numbers).enumerate() {
        *value = S::from_f64(number);
        if number.is_finite() && !value.into_f64().is_finite() {
            return Err(invalid(format!(
                "tensor {name}: element {index} is {number:e}, too large for {}",
                S::NAME
            )));
        }
        if accepted == Numbers::Finite && !number.is_finite() {
            return Err(Error::NotFiniteWeight {
                tensor: name.to_owned(),
                index,
                value: number,
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

/// The JSON header and the tensors' bytes.
fn split_header(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let (length, rest) = bytes
        .split_first_chunk::<8>()
        .ok_or_else(|| invalid(format!("ends at byte {}; a header needs 8", bytes.len())))?;
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER {
        return Err(invalid(format!(
            "not a model: its first 8 bytes promise a header of {length} bytes, at most {MAX_HEADER} are accepted"
        )));
    }
    if length > rest.len() as u64 {
        return Err(invalid(format!(
            "ends at byte {}, the header promises {}",
            bytes.len(),
            length + 8
        )));
    }
    Ok(rest.split_at(length as usize))
}

/// A JSON object of tensors in which no name stands twice: those who read the
/// file would each have to choose one. Names and records are not copied.
#[derive(Debug)]
struct Header<'b> {
    metadata: Texts,
    tensors: Vec<Entry<'b>>,
}

impl<'de> Deserialize<'de> for Header<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
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
                        return Err(A::Error::custom(format!("{name:?} stands twice")));
                    }
                }
                tensors.sort_unstable_by_key(|tensor: &Entry<'de>| tensor.name);
                match tensors.windows(2).find(|pair| pair[0].name == pair[1].name) {
                    Some(pair) => {
                        let name = pair[0].name;
                        Err(A::Error::custom(format!("{name:?} stands twice")))
                    }
                    None => Ok(Header {
                        metadata: metadata.unwrap_or_default(),
                        tensors,
                    }),
                }
            }
        }

        deserializer.deserialize_map(Names)
    }
}

/// The metadata's entries that are ours.
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

/// The tensors end where the file ends.
fn check_length(tensors: &[Entry<'_>], data: &[u8]) -> Result<()> {
    let ends = tensors.iter().map(|tensor| tensor.record.data_offsets[1]);
    let promised = ends.max().unwrap_or(0);
    if promised == data.len() {
        return Ok(());
    }
    Err(invalid(format!(
        "{} bytes of weights, the header promises {promised}",
        data.len()
    )))
}

/// Every tensor begins where the one before ends, and has as many bytes as its
/// shape says.
fn check_places(tensors: &mut [Entry<'_>]) -> Result<()> {
    tensors.sort_unstable_by_key(|tensor| tensor.record.data_offsets);
    let mut place = 0;
    for Entry { name, record } in tensors {
        let [start, end] = record.data_offsets;
        if start != place || end < start {
            return Err(invalid(format!(
                "tensor {name}: invalid offsets {start} to {end}, expected it to begin at {place}"
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

/// What the metadata say of their own version and of the file's bits.
#[derive(Deserialize)]
struct Seal {
    format: Option<u32>,
    sha256: Option<String>,
}

impl Seal {
    /// The format, if it can be read.
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

    /// Whether every bit of the file is as it was written.
    fn check(&self, bytes: &[u8]) -> Result<()> {
        let expected = self.sha256.as_deref();
        let expected = expected
            .filter(|sum| sum.len() == NO_CHECKSUM.len())
            .ok_or_else(|| invalid("its metadata has no checksum".to_owned()))?;
        let place = find(bytes, expected)
            .ok_or_else(|| invalid("its checksum is not where it was written".to_owned()))?;
        let found = Sha256::new()
            .chain_update(&bytes[..place])
            .chain_update(NO_CHECKSUM)
            .chain_update(&bytes[place + expected.len()..]);
        let found = hexadecimal(found.finalize().as_slice());
        if found == expected {
            return Ok(());
        }
        Err(invalid(format!(
            "it is damaged: expected SHA-256 {expected}, found {found}"
        )))
    }
}

fn find(bytes: &[u8], text: &str) -> Option<usize> {
    bytes
        .windows(text.len())
        .position(|window| window == text.as_bytes())
}

/// JSON as a type or a tree of its own, unless it has too many values for the
/// memory that a file of its length may ask for.
pub(crate) fn bounded<'b, T: Deserialize<'b>>(json: &'b RawValue, what: &str) -> Result<T> {
    check_n_values(json.get(), MOST_VALUES, what)?;
    serde_json::from_str(json.get()).map_err(|error| invalid(format!("{what}: {error}")))
}

/// Whether JSON has at most so many values.
pub(crate) fn check_n_values(json: &str, most: usize, what: &str) -> Result<()> {
    let found = n_values(json);
    if found <= most {
        return Ok(());
    }
    Err(invalid(format!(
        "{what}: expected at most {most} values, found {found}"
    )))
}

/// The number of values in JSON, or a little more: one for every comma and
/// every bracket that opens.
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
        first_sealed: 1,
    };

    fn metadata() -> String {
        format!("{{\"format\":1,\"sha256\":\"{NO_CHECKSUM}\",\"é\":\"\\\"\"}}")
    }

    fn file(tensors: Vec<Tensor<'_, f32>>) -> Vec<u8> {
        let encoded = Encoded::new(tensors, KIND, &metadata()).unwrap();
        encoded.to_bytes().unwrap()
    }

    /// The bytes are those that the `safetensors` package writes.
    #[test]
    fn the_package_writes_the_same_bytes() {
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
    fn values_are_counted_outside_of_text() {
        for (json, n) in [("0", 1), ("[0,1,2]", 4), (r#"{"a,[":"\\\",[{","b":[]}"#, 4)] {
            assert_eq!(n_values(json), n, "{json}");
        }
    }
}
