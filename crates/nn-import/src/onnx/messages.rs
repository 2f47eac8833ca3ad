//! Reads the messages of an ONNX file, with the field numbers of `onnx.proto`
//! (<https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>). Unknown fields are skipped.

use std::collections::HashMap;

use nn_export::proto::{Field, fields};

use crate::element::Element;
use crate::error::{Error, Result, shown};
use crate::format::Format;
use crate::tensor::{Tensor, n_elements};

/// `ModelProto`
#[derive(Debug, Default)]
pub(super) struct ModelMessage<'a> {
    pub(super) producer: String,
    pub(super) graph: GraphMessage<'a>,
    pub(super) metadata: HashMap<String, String>,
}

/// `GraphProto`
#[derive(Debug, Default)]
pub(super) struct GraphMessage<'a> {
    pub(super) nodes: Vec<NodeMessage<'a>>,
    pub(super) initializers: Vec<TensorMessage<'a>>,
    pub(super) inputs: Vec<ValueInfo>,
    pub(super) outputs: Vec<ValueInfo>,
    pub(super) has_sparse_initializers: bool,
}

/// `ValueInfoProto`
#[derive(Debug, Default)]
pub(super) struct ValueInfo {
    pub(super) name: String,
    /// Lengths of the dimensions; `None` for a length that is not fixed.
    pub(super) shape: Vec<Option<usize>>,
}

/// `NodeProto`
#[derive(Debug, Default)]
pub(super) struct NodeMessage<'a> {
    pub(super) name: String,
    pub(super) operator: String,
    pub(super) domain: String,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    pub(super) attributes: HashMap<String, Attribute<'a>>,
}

/// `AttributeProto`
#[derive(Debug, Default)]
pub(super) struct Attribute<'a> {
    pub(super) float: Option<f32>,
    pub(super) integer: Option<i64>,
    pub(super) text: Option<String>,
    pub(super) floats: Vec<f64>,
    pub(super) integers: Vec<i64>,
    pub(super) texts: Vec<String>,
    pub(super) tensor: Option<TensorMessage<'a>>,
}

/// `TensorProto`
#[derive(Clone, Debug, Default)]
pub(super) struct TensorMessage<'a> {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    data_type: i64,
    raw: Option<&'a [u8]>,
    /// Elements in typed fields: floats, doubles and integers.
    listed: Vec<f64>,
    pub(super) texts: Vec<String>,
    /// Entries `location`, `offset` and `length` of data in another file.
    external: Option<HashMap<String, String>>,
}

/// Reads a file of external data by its name.
pub(super) type ReadExternal<'r> = dyn Fn(&str) -> Result<Vec<u8>> + 'r;

fn damaged(problem: impl Into<String>) -> Error {
    Error::Damaged {
        format: Format::Onnx,
        problem: problem.into(),
    }
}

/// Calls a function for each field of a message.
fn each<'a>(
    bytes: &'a [u8],
    what: &str,
    mut read: impl FnMut(u32, Field<'a>) -> Result<()>,
) -> Result<()> {
    for field in fields(bytes) {
        let (number, field) =
            field.ok_or_else(|| damaged(format!("a field of the {what} is cut off or damaged")))?;
        read(number, field)?;
    }
    Ok(())
}

fn bytes_of(field: Field<'_>) -> Result<&[u8]> {
    match field {
        Field::Bytes(bytes) => Ok(bytes),
        _ => Err(damaged("expected a message or text, found a number")),
    }
}

fn text_of(field: Field<'_>) -> Result<String> {
    let text = String::from_utf8(bytes_of(field)?.to_vec());
    text.map_err(|_| damaged("a text is not UTF-8"))
}

fn integer_of(field: Field<'_>) -> Result<i64> {
    match field {
        Field::Integer(value) => Ok(value.cast_signed()),
        _ => Err(damaged("expected a whole number")),
    }
}

/// Appends an integer, or a packed list of integers.
fn add_integers(field: Field<'_>, list: &mut Vec<i64>) -> Result<()> {
    let Field::Bytes(mut bytes) = field else {
        list.push(integer_of(field)?);
        return Ok(());
    };
    while !bytes.is_empty() {
        let value = nn_export::proto::read_varint(&mut bytes);
        list.push(
            value
                .ok_or_else(|| damaged("a list of whole numbers is cut off"))?
                .cast_signed(),
        );
    }
    Ok(())
}

/// Appends a number of fixed length, or a packed list of such numbers.
fn add_numbers(field: Field<'_>, element: Element, list: &mut Vec<f64>) -> Result<()> {
    match field {
        Field::Fixed32(bits) => list.extend(element.decode(&bits.to_le_bytes())),
        Field::Fixed64(bits) => list.extend(element.decode(&bits.to_le_bytes())),
        Field::Bytes(bytes) => list.extend(element.decode(bytes)),
        Field::Integer(_) => return Err(damaged("expected numbers of fixed length")),
    }
    Ok(())
}

impl<'a> ModelMessage<'a> {
    /// Reads a file.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut model = Self::default();
        let mut has_graph = false;
        each(bytes, "file", |number, field| {
            match number {
                2 => model.producer = text_of(field)?,
                7 => {
                    has_graph = true;
                    model.graph = GraphMessage::read(bytes_of(field)?)?;
                }
                14 => {
                    let (key, value) = entry(bytes_of(field)?)?;
                    model.metadata.insert(key, value);
                }
                _ => {}
            }
            Ok(())
        })?;
        match has_graph {
            true => Ok(model),
            false => Err(damaged("the file has no graph")),
        }
    }
}

/// `StringStringEntryProto`
fn entry(bytes: &[u8]) -> Result<(String, String)> {
    let mut entry = (String::new(), String::new());
    each(bytes, "metadata", |number, field| {
        match number {
            1 => entry.0 = text_of(field)?,
            2 => entry.1 = text_of(field)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(entry)
}

impl<'a> GraphMessage<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut graph = Self::default();
        each(bytes, "graph", |number, field| {
            match number {
                1 => graph.nodes.push(NodeMessage::read(bytes_of(field)?)?),
                5 => {
                    let tensor = TensorMessage::read(bytes_of(field)?)?;
                    graph.initializers.push(tensor);
                }
                11 => graph.inputs.push(ValueInfo::read(bytes_of(field)?)?),
                12 => graph.outputs.push(ValueInfo::read(bytes_of(field)?)?),
                15 => graph.has_sparse_initializers = true,
                _ => {}
            }
            Ok(())
        })?;
        Ok(graph)
    }
}

impl ValueInfo {
    fn read(bytes: &[u8]) -> Result<Self> {
        let mut info = Self::default();
        each(bytes, "description of a value", |number, field| {
            match number {
                1 => info.name = text_of(field)?,
                2 => info.shape = shape_of_type(bytes_of(field)?)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(info)
    }
}

/// The shape in `TypeProto`; empty for a type without a shape.
fn shape_of_type(bytes: &[u8]) -> Result<Vec<Option<usize>>> {
    let mut shape = Vec::new();
    each(bytes, "type of a value", |number, field| {
        const TENSOR_TYPE: u32 = 1;
        if number != TENSOR_TYPE {
            return Ok(());
        }
        each(bytes_of(field)?, "type of a tensor", |number, field| {
            const SHAPE: u32 = 2;
            if number != SHAPE {
                return Ok(());
            }
            each(bytes_of(field)?, "shape of a tensor", |number, field| {
                if number == 1 {
                    shape.push(dimension(bytes_of(field)?)?);
                }
                Ok(())
            })
        })
    })?;
    Ok(shape)
}

/// The length in `TensorShapeProto.Dimension`; `None` for a length that is not fixed.
fn dimension(bytes: &[u8]) -> Result<Option<usize>> {
    let mut length = None;
    each(bytes, "dimension", |number, field| {
        if number == 1 {
            // Some programs write 0 or −1 for a length that is not fixed.
            length = usize::try_from(integer_of(field)?).ok().filter(|&n| n > 0);
        }
        Ok(())
    })?;
    Ok(length)
}

impl<'a> NodeMessage<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut node = Self::default();
        each(bytes, "node", |number, field| {
            match number {
                1 => node.inputs.push(text_of(field)?),
                2 => node.outputs.push(text_of(field)?),
                3 => node.name = text_of(field)?,
                4 => node.operator = text_of(field)?,
                5 => {
                    let (name, attribute) = Attribute::read(bytes_of(field)?)?;
                    node.attributes.insert(name, attribute);
                }
                7 => node.domain = text_of(field)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(node)
    }

    /// The node for messages: `node /1/Gemm (Gemm)`.
    pub(super) fn place(&self) -> String {
        let name = match (&self.name, self.outputs.first()) {
            (name, Some(output)) if name.is_empty() => output,
            (name, _) => name,
        };
        format!("node {} ({})", shown(name), shown(&self.operator))
    }
}

impl<'a> Attribute<'a> {
    fn read(bytes: &'a [u8]) -> Result<(String, Self)> {
        let (mut name, mut attribute) = (String::new(), Self::default());
        each(bytes, "attribute", |number, field| {
            match (number, field) {
                (1, _) => name = text_of(field)?,
                (2, Field::Fixed32(bits)) => attribute.float = Some(f32::from_bits(bits)),
                (3, _) => attribute.integer = Some(integer_of(field)?),
                (4, _) => {
                    attribute.text = Some(String::from_utf8_lossy(bytes_of(field)?).into_owned());
                }
                (5, _) => attribute.tensor = Some(TensorMessage::read(bytes_of(field)?)?),
                (7, _) => add_numbers(field, Element::F32, &mut attribute.floats)?,
                (8, _) => add_integers(field, &mut attribute.integers)?,
                (9, _) => {
                    let text = String::from_utf8_lossy(bytes_of(field)?).into_owned();
                    attribute.texts.push(text);
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok((name, attribute))
    }
}

impl<'a> TensorMessage<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut tensor = Self::default();
        let (mut shape, mut integers) = (Vec::new(), Vec::new());
        each(bytes, "tensor", |number, field| {
            match number {
                1 => add_integers(field, &mut shape)?,
                2 => tensor.data_type = integer_of(field)?,
                4 => add_numbers(field, Element::F32, &mut tensor.listed)?,
                5 | 7 | 11 => add_integers(field, &mut integers)?,
                6 => {
                    let text = String::from_utf8_lossy(bytes_of(field)?).into_owned();
                    tensor.texts.push(text);
                }
                8 => tensor.name = text_of(field)?,
                9 => tensor.raw = Some(bytes_of(field)?),
                10 => add_numbers(field, Element::F64, &mut tensor.listed)?,
                13 => {
                    let (key, value) = entry(bytes_of(field)?)?;
                    tensor.external.get_or_insert_default().insert(key, value);
                }
                _ => {}
            }
            Ok(())
        })?;
        let lengths = shape.into_iter().map(usize::try_from);
        let lengths: Result<Vec<usize>, _> = lengths.collect();
        tensor.shape = lengths.map_err(|_| damaged("a tensor has a negative length"))?;
        tensor.add_listed_integers(&integers);
        Ok(tensor)
    }

    /// Adds integers of typed fields; half-precision numbers are stored as their bits.
    fn add_listed_integers(&mut self, integers: &[i64]) {
        const TWO_BYTE_FLOATS: [Option<Element>; 2] = [Some(Element::F16), Some(Element::Bf16)];
        let element = self.element();
        for &integer in integers {
            match element.filter(|_| TWO_BYTE_FLOATS.contains(&element)) {
                Some(element) => self
                    .listed
                    .extend(element.decode(&(integer as u16).to_le_bytes())),
                None => self.listed.push(integer as f64),
            }
        }
    }

    /// The element type, with its number in `TensorProto.DataType`; `None` for others.
    fn element(&self) -> Option<Element> {
        Some(match self.data_type {
            1 => Element::F32,
            2 => Element::U8,
            3 => Element::I8,
            4 => Element::U16,
            5 => Element::I16,
            6 => Element::I32,
            7 => Element::I64,
            9 => Element::Bool,
            10 => Element::F16,
            11 => Element::F64,
            12 => Element::U32,
            13 => Element::U64,
            16 => Element::Bf16,
            _ => return None,
        })
    }

    /// The numbers of the tensor.
    pub(super) fn decode(&self, read_external: &ReadExternal<'_>) -> Result<Tensor> {
        let place = format!("tensor {}", shown(&self.name));
        let element = self.element().ok_or_else(|| {
            let data_type = self.data_type;
            Error::unsupported(
                &place,
                format!("elements of type {data_type} (TensorProto)"),
            )
        })?;
        let expected = n_elements(&self.shape);
        let values = match (&self.external, self.raw) {
            (Some(entries), _) => element.decode(&self.external_bytes(
                entries,
                expected.and_then(|n| n.checked_mul(element.size())),
                read_external,
            )?),
            (None, Some(raw)) => element.decode(raw),
            (None, None) => self.listed.clone(),
        };
        if Some(values.len()) != expected {
            return Err(damaged(format!(
                "{place}: expected {} elements for the shape {}, found {}",
                expected.map_or("too many".to_owned(), |n| n.to_string()),
                crate::tensor::shape_text(&self.shape),
                values.len()
            )));
        }
        Ok(Tensor {
            name: self.name.clone(),
            shape: self.shape.clone(),
            values,
            element,
        })
    }

    /// The part of the external file that holds the elements.
    fn external_bytes(
        &self,
        entries: &HashMap<String, String>,
        n_bytes: Option<usize>,
        read_external: &ReadExternal<'_>,
    ) -> Result<Vec<u8>> {
        let wrong = |problem: String| damaged(format!("tensor {}: {problem}", shown(&self.name)));
        let location = entries
            .get("location")
            .ok_or_else(|| wrong("its external data has no location".to_owned()))?;
        let offset = entries.get("offset").map_or(Ok(0), |text| text.parse());
        let offset: usize =
            offset.map_err(|_| wrong("expected a whole number as offset".into()))?;
        let file = read_external(location)?;
        let end = n_bytes.and_then(|n| offset.checked_add(n));
        let part = end.and_then(|end| file.get(offset..end));
        part.map(<[u8]>::to_vec).ok_or_else(|| {
            wrong(format!(
                "its data begin at byte {offset} of {}, which has {} bytes",
                shown(location),
                file.len()
            ))
        })
    }
}
