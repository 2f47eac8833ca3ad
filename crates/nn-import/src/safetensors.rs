//! Reads safetensors files that other programs wrote
//! (<https://github.com/huggingface/safetensors>).
//!
//! A file consists of the length of the header (8 bytes), the header as JSON, and the elements of
//! the tensors, little-endian.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::element::Element;
use crate::error::{Error, Result, shown};
use crate::format::Format;
use crate::tensor::{Tensor, n_elements, shape_text};

/// Reads all tensors, in the order of their elements in the file.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Tensor>> {
    let (header, data) = split(bytes)?;
    let header: Header = serde_json::from_slice(header)
        .map_err(|error| damaged(format!("the header is not valid: {error}")))?;
    if header.is_own {
        return Err(Error::OwnModel);
    }
    let mut records = header.tensors;
    records.sort_by_key(|(_, record)| record.data_offsets);
    let mut end = 0;
    let mut tensors = Vec::with_capacity(records.len());
    for (name, record) in records {
        let [first, last] = record.data_offsets;
        // Without overlaps, all tensors together are not longer than the file.
        if first < end {
            return Err(damaged(format!(
                "{}: overlaps another tensor",
                place(&name)
            )));
        }
        end = last;
        tensors.push(tensor(name, record, data)?);
    }
    Ok(tensors)
}

fn damaged(problem: impl Into<String>) -> Error {
    Error::Damaged {
        format: Format::Safetensors,
        problem: problem.into(),
    }
}

fn place(name: &str) -> String {
    format!("tensor {}", shown(name))
}

/// Splits a file into the header and the elements.
fn split(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let truncated = || damaged("the file ends within the header");
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(truncated)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| truncated())?;
    rest.split_at_checked(length).ok_or_else(truncated)
}

fn tensor(name: String, record: Record, data: &[u8]) -> Result<Tensor> {
    let element = element(&record.dtype).ok_or_else(|| {
        Error::unsupported(
            place(&name),
            format!(
                "elements of type {} are not supported",
                shown(&record.dtype)
            ),
        )
    })?;
    let [first, last] = record.data_offsets;
    let elements = data.get(first..last).ok_or_else(|| {
        damaged(format!(
            "{}: expected elements at bytes {first} to {last}, but the file has {}",
            place(&name),
            data.len()
        ))
    })?;
    let n_bytes = n_elements(&record.shape).and_then(|n| n.checked_mul(element.size()));
    if n_bytes != Some(elements.len()) {
        return Err(damaged(format!(
            "{}: the shape {} does not match its {} bytes",
            place(&name),
            shape_text(&record.shape),
            elements.len()
        )));
    }
    Ok(Tensor {
        values: element.decode(elements),
        name,
        shape: record.shape,
        element,
    })
}

fn element(dtype: &str) -> Option<Element> {
    Some(match dtype {
        "F64" => Element::F64,
        "F32" => Element::F32,
        "F16" => Element::F16,
        "BF16" => Element::Bf16,
        "I64" => Element::I64,
        "U64" => Element::U64,
        "I32" => Element::I32,
        "U32" => Element::U32,
        "I16" => Element::I16,
        "U16" => Element::U16,
        "I8" => Element::I8,
        "U8" => Element::U8,
        "BOOL" => Element::Bool,
        _ => return None,
    })
}

#[derive(Debug, Deserialize)]
struct Record {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// The header, in which no name may occur twice.
#[derive(Debug)]
struct Header {
    /// Whether nn-core wrote the file.
    is_own: bool,
    tensors: Vec<(String, Record)>,
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut header = Header {
            is_own: false,
            tensors: Vec::new(),
        };
        let mut names = std::collections::HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format!("duplicate name {name:?}")));
            }
            if name == "__metadata__" {
                header.is_own = map.next_value::<Metadata>()?.nn.is_some();
            } else {
                header.tensors.push((name, map.next_value()?));
            }
        }
        Ok(header)
    }
}

/// The only entry of the metadata that matters here.
#[derive(Debug, Deserialize)]
struct Metadata {
    nn: Option<IgnoredAny>,
}
