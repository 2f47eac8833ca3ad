//! Tensors and one JSON object in a
//! [safetensors](https://github.com/huggingface/safetensors) file, and the
//! checks before either is believed.
//!
//! The metadata has a single entry, because several would be written in random
//! order. Sizes are compared with the length of the file before anything is
//! allocated, and every number must be finite.

use std::fmt;
use std::io::Read;

use nn_tensor::Scalar;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// Longest header that is read. A header of a thousand layers has 1/2 MiB.
const MAX_HEADER: u64 = 1 << 20;

/// Largest file that is read.
const MAX_FILE: u64 = 1 << 35;

/// What a file is: the entry in its metadata, and the version of what it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) key: &'static str,
    pub(crate) format: u32,
}

/// A tensor to be written.
#[derive(Debug)]
pub(crate) struct Tensor {
    name: String,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Tensor {
    /// The shape must hold as many numbers as there are.
    pub(crate) fn new<S: Scalar>(name: String, shape: Vec<usize>, values: &[S]) -> Self {
        let mut bytes = Vec::with_capacity(values.len() * S::BYTES);
        values.iter().for_each(|value| value.write_le(&mut bytes));
        Self { name, shape, bytes }
    }
}

/// The bytes of a file with these tensors, all made of `S`.
pub(crate) fn write<S: Scalar>(tensors: &[Tensor], metadata: Option<(Kind, String)>) -> Vec<u8> {
    let views = tensors.iter().map(|tensor| {
        let view = TensorView::new(dtype_of::<S>(), tensor.shape.clone(), &tensor.bytes);
        (
            tensor.name.as_str(),
            view.expect("a tensor has the bytes of its shape"),
        )
    });
    let metadata =
        metadata.map(|(kind, json)| std::iter::once((kind.key.to_owned(), json)).collect());
    serialize(views, metadata).expect("tensors with names of their own can be written")
}

/// A file whose header agrees with its length.
#[derive(Debug)]
pub(crate) struct TensorFile<'b> {
    /// The tensors' bytes in the order of the file.
    pub(crate) data: &'b [u8],
    /// The JSON object in the metadata.
    pub(crate) metadata: Value,
    tensors: SafeTensors<'b>,
}

impl<'b> TensorFile<'b> {
    /// Checks everything but the numbers.
    pub(crate) fn parse(bytes: &'b [u8], kind: Kind) -> Result<Self> {
        let (header, data) = split_header(bytes)?;
        let Header(header) = serde_json::from_slice(header)
            .map_err(|error| invalid(format!("the header is not JSON: {error}")))?;
        let metadata = parse_metadata(&header, kind)?;
        check_length(&header, data)?;
        let tensors = SafeTensors::deserialize(bytes)
            .map_err(|error| invalid(format!("not a safetensors file: {error}")))?;
        Ok(Self {
            data,
            metadata,
            tensors,
        })
    }

    /// Number of tensors.
    pub(crate) fn n_tensors(&self) -> usize {
        self.tensors.len()
    }

    /// A tensor of this shape, to be copied out of the file.
    pub(crate) fn tensor(&self, name: &str, shape: &[usize]) -> Result<TensorView<'b>> {
        let tensor = self
            .tensors
            .tensor(name)
            .map_err(|_| invalid(format!("tensor {name} is missing")))?;
        if tensor.shape() == shape {
            return Ok(tensor);
        }
        Err(invalid(format!(
            "tensor {name}: expected shape {shape:?}, found {:?}",
            tensor.shape()
        )))
    }

    /// The numbers of a tensor with one dimension, in the precision of the
    /// file; `None` if there is no such tensor.
    pub(crate) fn row<S: Scalar>(&self, name: &str) -> Result<Option<Vec<S>>> {
        let Ok(tensor) = self.tensors.tensor(name) else {
            return Ok(None);
        };
        if tensor.dtype() != dtype_of::<S>() || tensor.shape().len() != 1 {
            return Err(invalid(format!(
                "tensor {name}: expected a row of {:?}, found {:?} of {:?}",
                dtype_of::<S>(),
                tensor.shape(),
                tensor.dtype()
            )));
        }
        let mut values = vec![S::zero(); tensor.data().len() / S::BYTES];
        copy_numbers(name, &tensor, &mut values, Numbers::Finite)?;
        Ok(Some(values))
    }
}

fn dtype_of<S: Scalar>() -> Dtype {
    if S::BYTES == 4 {
        Dtype::F32
    } else {
        Dtype::F64
    }
}

/// Which numbers are taken from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// Finite ones.
    Finite,
    /// NaN and infinities, too.
    Any,
}

/// Copies the numbers of a tensor that holds as many as `values`.
pub(crate) fn copy_numbers<S: Scalar>(
    name: &str,
    tensor: &TensorView<'_>,
    values: &mut [S],
    accepted: Numbers,
) -> Result<()> {
    let (size, read): (usize, fn(&[u8]) -> f64) = match tensor.dtype() {
        Dtype::F32 => (4, |bytes| f32::read_le(bytes).into()),
        Dtype::F64 => (8, f64::read_le),
        other => {
            return Err(invalid(format!(
                "tensor {name}: expected F32 or F64, found {other:?}"
            )));
        }
    };
    let numbers = tensor.data().chunks_exact(size).map(read);
    for (index, (value, number)) in values.iter_mut().zip(numbers).enumerate() {
        *value = S::from_f64(number);
        if number.is_finite() && !value.into_f64().is_finite() {
            return Err(invalid(format!(
                "tensor {name}: number {index} is {number:e}, too large for {}",
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

pub(crate) fn read_all(reader: impl Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(invalid(format!("longer than {MAX_FILE} bytes")));
    }
    Ok(bytes)
}

/// The JSON header and the tensors' bytes.
pub(crate) fn split_header(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
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

/// A JSON object in which no name stands twice: `safetensors` and others who
/// read the file would each have to choose one.
struct Header(Map<String, Value>);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = Header;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Header, A::Error> {
                let mut header = Map::new();
                while let Some((name, value)) = entries.next_entry::<String, Value>()? {
                    if header.contains_key(&name) {
                        return Err(A::Error::custom(format!("{name:?} stands twice")));
                    }
                    header.insert(name, value);
                }
                Ok(Header(header))
            }
        }

        deserializer.deserialize_map(Names)
    }
}

/// The tensors end where the file ends.
fn check_length(header: &Map<String, Value>, data: &[u8]) -> Result<()> {
    let ends = header
        .values()
        .filter_map(|tensor| tensor.get("data_offsets")?.get(1)?.as_u64());
    let promised = ends.max().unwrap_or(0);
    if promised == data.len() as u64 {
        return Ok(());
    }
    Err(invalid(format!(
        "{} bytes of weights, the header promises {promised}",
        data.len()
    )))
}

fn parse_metadata(header: &Map<String, Value>, kind: Kind) -> Result<Value> {
    let Kind { key, format } = kind;
    let text = header
        .get("__metadata__")
        .and_then(|metadata| metadata.get(key))
        .and_then(Value::as_str)
        .ok_or_else(|| {
            invalid(format!(
                "a safetensors file, but not written by nn (no \"{key}\" in its metadata)"
            ))
        })?;
    let metadata: Value = serde_json::from_str(text)
        .map_err(|error| invalid(format!("its metadata is not JSON: {error}")))?;
    match metadata.get("format").and_then(Value::as_u64) {
        Some(found) if found == u64::from(format) => Ok(metadata),
        Some(found) => Err(invalid(format!(
            "format {found}; this version of nn reads format {format}"
        ))),
        None => Err(invalid("its metadata has no format".to_owned())),
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(Sha256::digest(bytes).as_slice())
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn invalid(problem: String) -> Error {
    Error::ModelFile { problem }
}
