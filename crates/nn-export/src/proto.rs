//! The wire format of protocol buffers: writing and reading messages without a schema.
//!
//! A message is a sequence of fields. A field is a key, `number·8 + wire type`, and a value:
//!
//! | wire type | value |
//! |---|---|
//! | 0 | a variable-length integer: 7 bits per byte, lowest first; the highest bit of a byte is 1 if another byte follows |
//! | 1, 5 | 8 or 4 bytes |
//! | 2 | a length as a variable-length integer, and as many bytes: text, bytes, a message, or a packed list |
//!
//! (<https://protobuf.dev/programming-guides/encoding/>)

/// A message that is being written. Fields with the value 0 or no bytes are written, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// An empty message.
    pub fn new() -> Self {
        Self::default()
    }

    /// The encoded message.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn key(&mut self, field: u32, wire_type: u64) {
        self.varint(u64::from(field) << 3 | wire_type);
    }

    /// Adds an integer.
    pub fn integer(mut self, field: u32, value: i64) -> Self {
        self.key(field, 0);
        self.varint(value as u64);
        self
    }

    /// Adds a number in single precision.
    pub fn float(mut self, field: u32, value: f32) -> Self {
        self.key(field, 5);
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Adds bytes.
    pub fn bytes(mut self, field: u32, value: &[u8]) -> Self {
        self.key(field, 2);
        self.varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
        self
    }

    /// Adds text.
    pub fn text(self, field: u32, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    /// Adds a message.
    pub fn message(self, field: u32, value: Self) -> Self {
        self.bytes(field, &value.bytes)
    }

    /// Adds a message for each value.
    pub fn messages(self, field: u32, values: impl IntoIterator<Item = Self>) -> Self {
        let add = |message: Self, value| message.message(field, value);
        values.into_iter().fold(self, add)
    }

    /// Adds a packed list of integers.
    pub fn integers(self, field: u32, values: impl IntoIterator<Item = i64>) -> Self {
        let mut list = Self::new();
        values
            .into_iter()
            .for_each(|value| list.varint(value as u64));
        self.message(field, list)
    }

    /// Adds a packed list of numbers in single precision.
    pub fn floats(self, field: u32, values: &[f32]) -> Self {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.bytes(field, &bytes)
    }
}

/// The value of a field that is being read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Field<'a> {
    /// A variable-length integer.
    Integer(u64),
    /// Eight bytes.
    Fixed64(u64),
    /// Four bytes.
    Fixed32(u32),
    /// Text, bytes, a message, or a packed list.
    Bytes(&'a [u8]),
}

/// Reads the fields of a message, with their numbers; `None` in place of a field that is cut
/// off or has an unknown wire type.
pub fn fields(mut bytes: &[u8]) -> impl Iterator<Item = Option<(u32, Field<'_>)>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let field = read_field(&mut bytes);
        if field.is_none() {
            bytes = &[];
        }
        Some(field)
    })
}

fn read_field<'a>(bytes: &mut &'a [u8]) -> Option<(u32, Field<'a>)> {
    let key = read_varint(bytes)?;
    let field = u32::try_from(key >> 3).ok()?;
    let value = match key & 7 {
        0 => Field::Integer(read_varint(bytes)?),
        1 => Field::Fixed64(u64::from_le_bytes(bytes.split_off(..8)?.try_into().ok()?)),
        2 => {
            let length = usize::try_from(read_varint(bytes)?).ok()?;
            Field::Bytes(bytes.split_off(..length)?)
        }
        5 => Field::Fixed32(u32::from_le_bytes(bytes.split_off(..4)?.try_into().ok()?)),
        _ => return None,
    };
    Some((field, value))
}

/// Reads a variable-length integer from the start of `bytes`; `None` if it is cut off.
pub fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_they_were_written() {
        let inner = Message::new().text(1, "ab");
        let message = Message::new()
            .integer(1, 300)
            .integer(2, -1)
            .float(3, 1.5)
            .message(4, inner)
            .integers(5, [1, 128]);
        let bytes = message.into_bytes();
        assert_eq!(
            bytes[..3],
            [0x08, 0xac, 0x02],
            "the example of the specification"
        );
        let read: Vec<_> = fields(&bytes).collect();
        assert_eq!(
            read,
            [
                Some((1, Field::Integer(300))),
                Some((2, Field::Integer(u64::MAX))),
                Some((3, Field::Fixed32(1.5_f32.to_bits()))),
                Some((4, Field::Bytes(b"\x0a\x02ab"))),
                Some((5, Field::Bytes(b"\x01\x80\x01"))),
            ]
        );
        let cut: Vec<_> = fields(&bytes[..bytes.len() - 1]).collect();
        assert_eq!(cut.last(), Some(&None));
    }
}
