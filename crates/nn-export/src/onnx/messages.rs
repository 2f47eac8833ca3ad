//! The messages of an ONNX file, with the field numbers of `onnx.proto`
//! (<https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>).

use crate::proto::Message;

/// The domain of the operators for classical machine learning.
pub(super) const ML_DOMAIN: &str = "ai.onnx.ml";

/// The type of the elements of a tensor, with its number in `TensorProto.DataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ElementType {
    Float = 1,
    Integer = 7,
    Text = 8,
    Boolean = 9,
}

/// An attribute of a node.
#[derive(Clone, Debug)]
pub(super) enum Attribute<'a> {
    Float(f32),
    Integer(i64),
    Integers(Vec<i64>),
    Floats(Vec<f32>),
    Texts(&'a [String]),
}

/// `OperatorSetIdProto`
pub(super) fn operator_set(domain: &str, version: i64) -> Message {
    Message::new().text(1, domain).integer(2, version)
}

/// `ValueInfoProto` of a tensor `[batch]` or `[batch, width]`.
pub(super) fn value_info(name: &str, element_type: ElementType, width: Option<usize>) -> Message {
    let batch = Message::new().text(2, "batch");
    let width = width.map(|width| Message::new().integer(1, width as i64));
    let shape = Message::new().messages(1, std::iter::once(batch).chain(width));
    let tensor = Message::new()
        .integer(1, element_type as i64)
        .message(2, shape);
    Message::new()
        .text(1, name)
        .message(2, Message::new().message(1, tensor))
}

/// `NodeProto`
pub(super) fn node(
    domain: &str,
    operator: &str,
    inputs: &[&str],
    output: &str,
    attributes: &[(&str, Attribute<'_>)],
) -> Message {
    let add = |message: Message, input: &&str| message.text(1, input);
    let message = inputs.iter().fold(Message::new(), add);
    let message = message.text(2, output).text(3, output).text(4, operator);
    let attributes = attributes.iter();
    let message = message.messages(5, attributes.map(|(name, value)| attribute(name, value)));
    match domain {
        "" => message,
        domain => message.text(7, domain),
    }
}

/// `AttributeProto`
fn attribute(name: &str, value: &Attribute<'_>) -> Message {
    let message = Message::new().text(1, name);
    match value {
        Attribute::Float(value) => message.float(2, *value).integer(20, 1),
        Attribute::Integer(value) => message.integer(3, *value).integer(20, 2),
        Attribute::Floats(values) => message.floats(7, values).integer(20, 6),
        Attribute::Integers(values) => message.integers(8, values.iter().copied()).integer(20, 7),
        Attribute::Texts(values) => {
            let add = |message: Message, value: &String| message.text(9, value);
            values.iter().fold(message, add).integer(20, 8)
        }
    }
}

/// `TensorProto` with elements as little-endian bytes.
pub(super) fn tensor(
    name: &str,
    element_type: ElementType,
    shape: &[usize],
    bytes: &[u8],
) -> Message {
    Message::new()
        .integers(1, shape.iter().map(|&length| length as i64))
        .integer(2, element_type as i64)
        .text(8, name)
        .bytes(9, bytes)
}
