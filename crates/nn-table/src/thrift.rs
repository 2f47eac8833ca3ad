//! Reads structures in the compact protocol of Apache Thrift.

/// Structures may be nested this deeply.
const MAX_DEPTH: usize = 8;

/// The fields of a structure that are numbers, booleans or structures.
#[derive(Debug, Default)]
pub(crate) struct Structure {
    numbers: Vec<(i64, i64)>,
    structures: Vec<(i64, Structure)>,
}

impl Structure {
    /// Reads a structure at the beginning of `bytes`, and moves `bytes` behind it.
    pub(crate) fn read(bytes: &mut &[u8]) -> Option<Self> {
        structure(bytes, 0)
    }

    /// The number, or 0 or 1 for a boolean, in a field.
    pub(crate) fn number(&self, field: i64) -> Option<i64> {
        let mut numbers = self.numbers.iter();
        numbers
            .find(|(id, _)| *id == field)
            .map(|&(_, number)| number)
    }

    /// A number that is not negative, in a field.
    pub(crate) fn count(&self, field: i64) -> Option<u32> {
        self.number(field)?.try_into().ok()
    }

    /// The structure in a field.
    pub(crate) fn structure(&self, field: i64) -> Option<&Self> {
        let mut structures = self.structures.iter();
        structures
            .find(|(id, _)| *id == field)
            .map(|(_, structure)| structure)
    }
}

fn structure(bytes: &mut &[u8], depth: usize) -> Option<Structure> {
    const STRUCTURE: u8 = 12;
    let mut read = Structure::default();
    let mut id = 0;
    loop {
        let start = byte(bytes)?;
        let (difference, kind) = (start >> 4, start & 0x0f);
        if kind == 0 {
            return Some(read);
        }
        id = match difference {
            0 => zigzag(bytes)?,
            difference => i64::wrapping_add(id, difference.into()),
        };
        match kind {
            1 | 2 => read.numbers.push((id, i64::from(kind == 1))),
            3 => read.numbers.push((id, byte(bytes)?.cast_signed().into())),
            4..=6 => read.numbers.push((id, zigzag(bytes)?)),
            STRUCTURE if depth < MAX_DEPTH => {
                read.structures.push((id, structure(bytes, depth + 1)?));
            }
            7 => drop(take(bytes, 8)?),
            8 => {
                let length = varint(bytes)?;
                take(bytes, length)?;
            }
            // The headers of pages have no lists, sets or maps.
            _ => return None,
        }
    }
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

fn varint(bytes: &mut &[u8]) -> Option<u64> {
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

/// A number with its sign in the last bit.
fn zigzag(bytes: &mut &[u8]) -> Option<i64> {
    let number = varint(bytes)?;
    Some((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
}
