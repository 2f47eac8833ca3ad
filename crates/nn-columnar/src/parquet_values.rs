//! Decodes the values in a page of a Parquet file.

use crate::parquet_schema::{Physical, Raw};
use crate::thrift::{varint, zigzag};

/// Receives the values that are not missing.
pub(crate) type Push<'a> = dyn FnMut(Raw<'_>) -> Result<(), String> + 'a;

/// The encodings of values.
const PLAIN: i64 = 0;
const PLAIN_DICTIONARY: i64 = 2;
const RUN_LENGTHS: i64 = 3;
const DELTA_BINARY_PACKED: i64 = 5;
const DELTA_LENGTHS: i64 = 6;
const DELTA_BYTES: i64 = 7;
const DICTIONARY: i64 = 8;
const BYTE_STREAM_SPLIT: i64 = 9;

/// The values of a dictionary page, one after the other, and the position of each value.
#[derive(Default)]
pub(crate) struct Dictionary {
    bytes: Vec<u8>,
    ranges: Vec<(usize, usize)>,
}

impl Dictionary {
    pub(crate) fn new(bytes: Vec<u8>, n: usize, physical: Physical) -> Result<Self, String> {
        let mut ranges = Vec::new();
        let mut rest = &bytes[..];
        for _ in 0..n {
            let value = plain_bytes(&mut rest, physical).ok_or_else(truncated)?;
            let end = bytes.len() - rest.len();
            ranges.push((end - value.len(), end));
        }
        Ok(Self { bytes, ranges })
    }

    fn get(&self, index: u64, physical: Physical) -> Option<Raw<'_>> {
        let &(start, end) = self.ranges.get(usize::try_from(index).ok()?)?;
        raw(&self.bytes[start..end], physical)
    }
}

fn truncated() -> String {
    "the values of a page are truncated".to_owned()
}

/// Passes the `n` values in `bytes` to `push`.
pub(crate) fn decode(
    encoding: i64,
    physical: Physical,
    mut bytes: &[u8],
    n: usize,
    dictionary: &Dictionary,
    push: &mut Push<'_>,
) -> Result<(), String> {
    match (encoding, physical) {
        (PLAIN, Physical::Boolean) => {
            for index in 0..n {
                let byte = bytes.get(index / 8).ok_or_else(truncated)?;
                push(Raw::Boolean(byte >> (index % 8) & 1 == 1))?;
            }
            Ok(())
        }
        (PLAIN, _) => {
            for _ in 0..n {
                let value = plain_bytes(&mut bytes, physical).and_then(|it| raw(it, physical));
                push(value.ok_or_else(truncated)?)?;
            }
            Ok(())
        }
        (PLAIN_DICTIONARY | DICTIONARY, _) => {
            if n == 0 {
                return Ok(());
            }
            let (&bit_width, bytes) = bytes.split_first().ok_or_else(truncated)?;
            let mut indices = RunLengths::new(bytes, bit_width)?;
            for _ in 0..n {
                let index = indices.next().ok_or_else(truncated)?;
                let value = dictionary.get(index, physical);
                push(value.ok_or("a value is not in the dictionary")?)?;
            }
            Ok(())
        }
        (RUN_LENGTHS, Physical::Boolean) => {
            let bytes = bytes.get(4..).ok_or_else(truncated)?;
            let mut bits = RunLengths::new(bytes, 1)?;
            for _ in 0..n {
                push(Raw::Boolean(bits.next().ok_or_else(truncated)? == 1))?;
            }
            Ok(())
        }
        (DELTA_BINARY_PACKED, Physical::Int32) => {
            let numbers = deltas(&mut bytes, n)?;
            let wrapped = numbers.into_iter().map(|number| Raw::Int32(number as i32));
            wrapped.into_iter().try_for_each(push)
        }
        (DELTA_BINARY_PACKED, Physical::Int64) => deltas(&mut bytes, n)?
            .into_iter()
            .map(Raw::Int64)
            .try_for_each(push),
        (DELTA_LENGTHS, Physical::Bytes) => {
            let lengths = deltas(&mut bytes, n)?;
            lengths.into_iter().try_for_each(|length| {
                push(Raw::Bytes(take(&mut bytes, length).ok_or_else(truncated)?))
            })
        }
        (DELTA_BYTES, Physical::Bytes | Physical::FixedBytes(_)) => {
            let prefixes = deltas(&mut bytes, n)?;
            let suffixes = deltas(&mut bytes, n)?;
            let mut value = Vec::new();
            for (prefix, suffix) in prefixes.into_iter().zip(suffixes) {
                let prefix = usize::try_from(prefix).ok().filter(|&it| it <= value.len());
                value.truncate(prefix.ok_or_else(truncated)?);
                value.extend(take(&mut bytes, suffix).ok_or_else(truncated)?);
                push(Raw::Bytes(&value))?;
            }
            Ok(())
        }
        (BYTE_STREAM_SPLIT, _) => {
            let width =
                width(physical).ok_or("the encoding of the values does not match their type")?;
            let stride = bytes.len() / width;
            if stride < n {
                return Err(truncated());
            }
            let mut value = Vec::with_capacity(width.min(bytes.len()));
            for index in 0..n {
                value.clear();
                value.extend((0..width).map(|part| bytes[part * stride + index]));
                push(raw(&value, physical).ok_or_else(truncated)?)?;
            }
            Ok(())
        }
        _ => Err("the encoding of the values is unknown".to_owned()),
    }
}

/// Number of bytes of a value; `None` for a type with values of different lengths.
fn width(physical: Physical) -> Option<usize> {
    match physical {
        Physical::Boolean | Physical::Bytes => None,
        Physical::Int32 | Physical::Float => Some(4),
        Physical::Int64 | Physical::Double => Some(8),
        Physical::Int96 => Some(12),
        Physical::FixedBytes(length) => Some(length),
    }
}

/// The bytes of the next value.
fn plain_bytes<'a>(bytes: &mut &'a [u8], physical: Physical) -> Option<&'a [u8]> {
    let length = match physical {
        Physical::Boolean => return None,
        Physical::Bytes => {
            let (length, rest) = bytes.split_first_chunk()?;
            *bytes = rest;
            u32::from_le_bytes(*length) as usize
        }
        physical => width(physical)?,
    };
    let (value, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(value)
}

fn raw(bytes: &[u8], physical: Physical) -> Option<Raw<'_>> {
    Some(match physical {
        Physical::Boolean => return None,
        Physical::Int32 => Raw::Int32(i32::from_le_bytes(bytes.try_into().ok()?)),
        Physical::Int64 => Raw::Int64(i64::from_le_bytes(bytes.try_into().ok()?)),
        Physical::Float => Raw::Float(f32::from_le_bytes(bytes.try_into().ok()?)),
        Physical::Double => Raw::Double(f64::from_le_bytes(bytes.try_into().ok()?)),
        Physical::Int96 | Physical::Bytes | Physical::FixedBytes(_) => Raw::Bytes(bytes),
    })
}

fn take<'a>(bytes: &mut &'a [u8], length: i64) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(taken)
}

/// Decodes whether the values of `n` rows are present, from definition levels of one bit per row.
pub(crate) fn presence(bytes: &[u8], n: usize) -> Result<Vec<bool>, String> {
    let marks: Vec<bool> = RunLengths::new(bytes, 1)?
        .take(n)
        .map(|mark| mark == 1)
        .collect();
    match marks.len() == n {
        true => Ok(marks),
        false => Err("the definition levels are truncated".to_owned()),
    }
}

/// Small numbers, stored as runs of equal numbers or in groups of eight bit-packed numbers.
struct RunLengths<'a> {
    bytes: &'a [u8],
    bit_width: u8,
    /// Number of repetitions of `value` that are left.
    n_repeated: u64,
    value: u64,
    /// Bit-packed numbers, and the index of the next bit.
    packed: &'a [u8],
    at_bit: usize,
    n_packed: u64,
}

impl<'a> RunLengths<'a> {
    fn new(bytes: &'a [u8], bit_width: u8) -> Result<Self, String> {
        if bit_width > 32 {
            return Err("a bit width is invalid".to_owned());
        }
        Ok(Self {
            bytes,
            bit_width,
            n_repeated: 0,
            value: 0,
            packed: &[],
            at_bit: 0,
            n_packed: 0,
        })
    }

    /// Reads the start of the next run.
    fn start_run(&mut self) -> Option<()> {
        let header = varint(&mut self.bytes)?;
        let length = header >> 1;
        if header & 1 == 0 {
            let n_bytes = usize::from(self.bit_width).div_ceil(8);
            let (value, rest) = self.bytes.split_at_checked(n_bytes)?;
            self.bytes = rest;
            let add = |number: u64, &byte: &u8| number << 8 | u64::from(byte);
            self.value = value.iter().rev().fold(0, add);
            self.n_repeated = length;
        } else {
            let n_bytes = usize::try_from(length).ok()?;
            let n_bytes = n_bytes.checked_mul(self.bit_width.into())?;
            // The last group may be truncated after the last number.
            let n_bytes = n_bytes.min(self.bytes.len());
            (self.packed, self.bytes) = self.bytes.split_at(n_bytes);
            self.at_bit = 0;
            self.n_packed = length.checked_mul(8)?;
        }
        Some(())
    }
}

impl Iterator for RunLengths<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        loop {
            if self.n_repeated > 0 {
                self.n_repeated -= 1;
                return Some(self.value);
            }
            if self.n_packed > 0 {
                self.n_packed -= 1;
                let at_bit = self.at_bit;
                self.at_bit += usize::from(self.bit_width);
                return bits(self.packed, at_bit, self.bit_width);
            }
            self.start_run()?;
        }
    }
}

/// The number in `width` bits, at most 64, from bit `at_bit` on.
fn bits(bytes: &[u8], at_bit: usize, width: u8) -> Option<u64> {
    if width == 0 {
        return Some(0);
    }
    let end = (at_bit + usize::from(width)).div_ceil(8);
    let bytes = bytes.get(at_bit / 8..end)?;
    let add = |number: u128, &byte: &u8| number << 8 | u128::from(byte);
    let word = bytes.iter().rev().fold(0, add) >> (at_bit % 8);
    Some(word as u64 & (u64::MAX >> (64 - width)))
}

/// Decodes at most `n` delta-encoded numbers. Each block has the bit width that its largest
/// difference needs.
fn deltas(bytes: &mut &[u8], n: usize) -> Result<Vec<i64>, String> {
    let numbers = read_deltas(bytes, n).ok_or_else(truncated)?;
    match numbers.len() == n {
        true => Ok(numbers),
        false => Err(truncated()),
    }
}

fn read_deltas(bytes: &mut &[u8], n: usize) -> Option<Vec<i64>> {
    let block_length = usize::try_from(varint(bytes)?).ok()?;
    let n_parts = usize::try_from(varint(bytes)?).ok()?;
    let n_numbers = usize::try_from(varint(bytes)?).ok()?.min(n);
    let mut number = zigzag(bytes)?;
    let part_length = block_length.checked_div(n_parts)?;
    // Each part fills whole bytes, whatever the number of bits.
    if part_length == 0 || part_length % 8 != 0 {
        return None;
    }
    let mut numbers = Vec::new();
    if n_numbers > 0 {
        numbers.push(number);
    }
    while numbers.len() < n_numbers {
        let least = zigzag(bytes)?;
        let (widths, rest) = bytes.split_at_checked(n_parts)?;
        *bytes = rest;
        for &width in widths {
            if numbers.len() == n_numbers {
                break;
            }
            if width > 64 {
                return None;
            }
            let n_bytes = (part_length / 8).checked_mul(width.into())?;
            let (part, rest) = bytes.split_at_checked(n_bytes)?;
            *bytes = rest;
            for index in 0..part_length.min(n_numbers - numbers.len()) {
                let difference = bits(part, index * usize::from(width), width)?.cast_signed();
                number = number.wrapping_add(least).wrapping_add(difference);
                numbers.push(number);
            }
        }
    }
    Some(numbers)
}
