//! Reads structures in the compact protocol of Apache Thrift.

/// Maximum nesting depth of structures.
const MAX_DEPTH: usize = 16;

/// The value of a field of a structure.
#[derive(Debug)]
pub(crate) enum Item<'a> {
    /// A number, or 0 or 1 for a boolean.
    Number(i64),
    Bytes(&'a [u8]),
    Structure(Structure<'a>),
    List(Vec<Item<'a>>),
}

/// The fields of a structure, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Structure<'a> {
    fields: Vec<(i64, Item<'a>)>,
}

impl<'a> Structure<'a> {
    /// Reads a structure at the beginning of `bytes`, and moves `bytes` to the end of the structure.
    pub(crate) fn read(bytes: &mut &'a [u8]) -> Option<Self> {
        structure(bytes, 0)
    }

    fn get(&self, field: i64) -> Option<&Item<'a>> {
        let mut fields = self.fields.iter();
        fields.find(|(id, _)| *id == field).map(|(_, item)| item)
    }

    /// The number in a field; 0 or 1 for a boolean.
    pub(crate) fn number(&self, field: i64) -> Option<i64> {
        match self.get(field) {
            Some(Item::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// The nonnegative number in a field.
    pub(crate) fn count(&self, field: i64) -> Option<usize> {
        usize::try_from(self.number(field)?).ok()
    }

    /// The text in a field.
    pub(crate) fn text(&self, field: i64) -> Option<&'a str> {
        match self.get(field) {
            Some(Item::Bytes(bytes)) => str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The structure in a field.
    pub(crate) fn structure(&self, field: i64) -> Option<&Self> {
        match self.get(field) {
            Some(Item::Structure(structure)) => Some(structure),
            _ => None,
        }
    }

    /// The structures of the list in a field; empty if the field does not exist.
    pub(crate) fn structures(&self, field: i64) -> impl Iterator<Item = &Self> {
        let items = match self.get(field) {
            Some(Item::List(items)) => &items[..],
            _ => &[],
        };
        items.iter().filter_map(|item| match item {
            Item::Structure(structure) => Some(structure),
            _ => None,
        })
    }
}

fn structure<'a>(bytes: &mut &'a [u8], depth: usize) -> Option<Structure<'a>> {
    let mut read = Structure::default();
    let mut id: i64 = 0;
    loop {
        let start = byte(bytes)?;
        let (difference, kind) = (start >> 4, start & 0x0f);
        if kind == 0 {
            return Some(read);
        }
        id = match difference {
            0 => zigzag(bytes)?,
            difference => id.wrapping_add(difference.into()),
        };
        let item = match kind {
            // A boolean is its type.
            1 | 2 => Item::Number(i64::from(kind == 1)),
            kind => item(bytes, kind, depth)?,
        };
        read.fields.push((id, item));
    }
}

fn item<'a>(bytes: &mut &'a [u8], kind: u8, depth: usize) -> Option<Item<'a>> {
    if depth > MAX_DEPTH {
        return None;
    }
    Some(match kind {
        1..=3 => Item::Number(byte(bytes)?.cast_signed().into()),
        4..=6 => Item::Number(zigzag(bytes)?),
        7 => Item::Bytes(take(bytes, 8)?),
        8 => {
            let length = varint(bytes)?;
            Item::Bytes(take(bytes, length)?)
        }
        9 | 10 => {
            let start = byte(bytes)?;
            let length = match start >> 4 {
                15 => varint(bytes)?,
                length => length.into(),
            };
            let items = (0..length).map(|_| item(bytes, start & 0x0f, depth + 1));
            Item::List(items.collect::<Option<_>>()?)
        }
        12 => Item::Structure(structure(bytes, depth + 1)?),
        // The metadata of Parquet files have no maps.
        _ => return None,
    })
}

fn byte(bytes: &mut &[u8]) -> Option<u8> {
    let (&first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(first)
}

fn take<'a>(bytes: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(taken)
}

/// Decodes a number in groups of seven bits, the lowest bits first (varint).
pub(crate) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let part = byte(bytes)?;
        number |= u64::from(part & 0x7f) << shift;
        if part < 0x80 {
            return Some(number);
        }
    }
    None
}

/// Decodes a number with the sign in the lowest bit (zigzag).
pub(crate) fn zigzag(bytes: &mut &[u8]) -> Option<i64> {
    let number = varint(bytes)?;
    Some((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
}
