//! NumPy arrays (`.npy`) and archives of NumPy arrays (`.npz`).
//!
//! | file | columns |
//! |---|---|
//! | array of two or more dimensions | one per element of a row, without names |
//! | array of one dimension with fields | one per field, with its name |
//! | archive with one array | the columns of the array |
//! | archive with arrays `x` and `y` | `column1`, `column2`, ... and `y`; 28x28 pixels are `pixel0`, ... |
//! | archive with arrays of one dimension and equal lengths | one per array, with its name |

use std::borrow::Cow;

use crate::python_literal::{Literal, parse};
use crate::typed_file::{Kind, MAX_COLUMNS, TypedColumn, TypedFile, Value};
use crate::zip_archive;

const MAGIC: &[u8] = b"\x93NUMPY";

/// Usual names of the array of inputs and of the array of targets, in lower case.
const INPUTS: [&str; 4] = ["x", "data", "features", "inputs"];
const TARGETS: [&str; 5] = ["y", "target", "targets", "label", "labels"];

/// Maximum number of dimensions of an array. NumPy allows 32 or 64.
const MAX_DIMENSIONS: usize = 64;

/// A NumPy array as a table.
pub(crate) struct NpyFile<'a> {
    array: Array<'a>,
    columns: Vec<TypedColumn>,
}

impl<'a> NpyFile<'a> {
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let array = Array::parse(bytes.into())?;
        let columns = array.columns(|_| None);
        Ok(Self { array, columns })
    }
}

impl TypedFile for NpyFile<'_> {
    fn columns(&self) -> &[TypedColumn] {
        &self.columns
    }

    fn n_rows(&self) -> usize {
        self.array.n_rows()
    }

    fn read(&self, column: usize, push: &mut dyn FnMut(Value<'_>)) -> Result<(), String> {
        self.array.read(column, push)
    }
}

/// An archive of NumPy arrays as a table.
pub(crate) struct NpzFile<'a> {
    arrays: Vec<Array<'a>>,
    columns: Vec<TypedColumn>,
}

impl<'a> NpzFile<'a> {
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let mut arrays = Vec::new();
        for entry in zip_archive::entries(bytes)? {
            let name = entry.name.strip_suffix(".npy").unwrap_or(&entry.name);
            let array = Array::parse(entry.read()?);
            let array = array.map_err(|reason| format!("array {name}: {reason}"))?;
            arrays.push((name.to_owned(), array));
        }
        // A target is looked for in the last column.
        arrays.sort_by_key(|(name, _)| is_one_of(name, &TARGETS));
        Ok(Self {
            columns: columns(&arrays).ok_or_else(|| unexpected(&arrays))?,
            arrays: arrays.into_iter().map(|(_, array)| array).collect(),
        })
    }
}

/// The columns of all arrays; `None` if the arrays are not one table.
fn columns(arrays: &[(String, Array<'_>)]) -> Option<Vec<TypedColumn>> {
    if let [(_, array)] = arrays {
        return Some(array.columns(|_| None));
    }
    let n_rows = arrays.first()?.1.n_rows();
    let are_even = arrays.iter().all(|(_, array)| array.n_rows() == n_rows);
    let are_columns = arrays.iter().all(|(_, array)| array.shape.len() == 1);
    let are_inputs_and_targets = match arrays {
        [(x, _), (y, _)] => is_one_of(x, &INPUTS) && is_one_of(y, &TARGETS),
        _ => false,
    };
    if !are_even || !(are_columns || are_inputs_and_targets) {
        return None;
    }
    let named = |(name, array): &(String, Array<'_>)| {
        array.columns(|column| {
            Some(match array.n_columns() {
                1 => name.clone(),
                _ if !is_one_of(name, &INPUTS) => format!("{name}{}", column + 1),
                _ if array.row_shape() == [28, 28] => format!("pixel{column}"),
                _ => format!("column{}", column + 1),
            })
        })
    };
    Some(arrays.iter().flat_map(named).collect())
}

fn is_one_of(name: &str, usual: &[&str]) -> bool {
    usual.iter().any(|usual| usual.eq_ignore_ascii_case(name))
}

fn unexpected(arrays: &[(String, Array<'_>)]) -> String {
    let found = arrays.iter().map(|(name, array)| {
        let lengths: Vec<String> = array.shape.iter().map(usize::to_string).collect();
        format!("{name} ({})", lengths.join(", "))
    });
    let found: Vec<String> = found.take(20).collect();
    format!(
        "expected one array, or arrays x and y, or arrays of one dimension, with equal numbers \
         of rows; found {}",
        match found[..] {
            [] => "no arrays".to_owned(),
            _ => found.join(", "),
        }
    )
}

impl TypedFile for NpzFile<'_> {
    fn columns(&self) -> &[TypedColumn] {
        &self.columns
    }

    fn n_rows(&self) -> usize {
        self.arrays[0].n_rows()
    }

    fn read(&self, column: usize, push: &mut dyn FnMut(Value<'_>)) -> Result<(), String> {
        let mut column = column;
        for array in &self.arrays {
            match column.checked_sub(array.n_columns()) {
                Some(behind) => column = behind,
                None => return array.read(column, push),
            }
        }
        Err("the column does not exist".to_owned())
    }
}

/// An array. In a table, the first dimension contains the rows.
pub(crate) struct Array<'a> {
    bytes: Cow<'a, [u8]>,
    /// Position of the first element.
    start: usize,
    shape: Vec<usize>,
    /// Whether the first index changes fastest.
    is_fortran: bool,
    /// The fields of an element; one without a name in an array without fields.
    fields: Vec<Field>,
    /// Number of bytes of an element.
    element_length: usize,
}

/// A field of the elements.
struct Field {
    name: Option<String>,
    offset: usize,
    element: Element,
}

impl<'a> Array<'a> {
    /// Parses an array that is a table.
    fn parse(bytes: Cow<'a, [u8]>) -> Result<Self, String> {
        let array = Self::parse_header(bytes)?;
        if array.shape.is_empty() {
            return Err("an array with 0 dimensions is not a table".to_owned());
        }
        if array.element_length == 0 || array.shape.contains(&0) {
            return Err("the array is empty".to_owned());
        }
        if let Some(Kind::Unsupported(what)) = array.element().map(Element::kind) {
            let expected = "expected numbers, text, booleans or dates";
            return Err(format!("{expected}, found {what}"));
        }
        array.check_length()?;
        match array.n_columns() {
            0 => Err("the elements have no fields".to_owned()),
            1..=MAX_COLUMNS => Ok(array),
            n => Err(format!("expected at most {MAX_COLUMNS} columns, found {n}")),
        }
    }

    /// Parses an array of any shape and element type.
    pub(crate) fn parse_any(bytes: Cow<'a, [u8]>) -> Result<Self, String> {
        let array = Self::parse_header(bytes)?;
        array.check_length()?;
        Ok(array)
    }

    /// Parses the header; the elements may be missing.
    fn parse_header(bytes: Cow<'a, [u8]>) -> Result<Self, String> {
        let (header, start) = header(&bytes).ok_or("the header is truncated or damaged")?;
        let header = parse(header)?;
        let entry = |key: &str| {
            header
                .get(key)
                .ok_or_else(|| format!("the header does not contain {key}"))
        };
        let (fields, element_length) = fields(entry("descr")?)?;
        let is_fortran = entry("fortran_order")? == &Literal::Boolean(true);
        let Literal::Sequence(lengths) = entry("shape")? else {
            return Err("the shape is not a tuple".to_owned());
        };
        let length = |literal: &Literal| match literal {
            Literal::Integer(length) => usize::try_from(*length).ok(),
            _ => None,
        };
        let shape: Option<Vec<usize>> = lengths.iter().map(length).collect();
        let shape = shape.ok_or("the shape does not consist of whole numbers")?;
        if shape.len() > MAX_DIMENSIONS {
            return Err(format!(
                "an array with {} dimensions is not a table",
                shape.len()
            ));
        }
        Ok(Self {
            bytes,
            start,
            shape,
            is_fortran,
            fields,
            element_length,
        })
    }

    /// Checks that the elements that the header declares follow it.
    fn check_length(&self) -> Result<(), String> {
        let n_bytes =
            (self.shape.iter()).try_fold(self.element_length, |n, &length| n.checked_mul(length));
        let found = self.bytes.len() - self.start;
        match n_bytes {
            Some(expected) if expected == found => Ok(()),
            _ => {
                let expected = n_bytes.map_or("too many".to_owned(), |n| n.to_string());
                Err(format!(
                    "expected {expected} bytes of elements, found {found}"
                ))
            }
        }
    }

    /// The length of each dimension.
    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The type of the elements; `None` for elements with fields.
    pub(crate) fn element(&self) -> Option<&Element> {
        match &self.fields[..] {
            [
                Field {
                    name: None,
                    element,
                    ..
                },
            ] => Some(element),
            _ => None,
        }
    }

    /// The bytes of each element in row-major order.
    pub(crate) fn row_major(&self) -> impl Iterator<Item = &[u8]> {
        let is_list = self.shape.len() < 2;
        let (n_rows, width) = match is_list {
            true => (self.shape.iter().product(), 1),
            false => (self.n_rows(), self.width()),
        };
        (0..n_rows).flat_map(move |row| {
            (0..width).map(move |place| {
                let (first, step) = if is_list {
                    (0, 1)
                } else {
                    self.first_and_step(place)
                };
                let at = self.start + (first + row * step) * self.element_length;
                &self.bytes[at..at + self.element_length]
            })
        })
    }

    fn n_rows(&self) -> usize {
        self.shape[0]
    }

    /// Number of elements of a row.
    fn width(&self) -> usize {
        self.shape[1..].iter().product()
    }

    fn n_columns(&self) -> usize {
        self.width() * self.fields.len()
    }

    /// The lengths of a row, without those of 1 at the end.
    fn row_shape(&self) -> &[usize] {
        let shape = &self.shape[1..];
        let n_ones = shape
            .iter()
            .rev()
            .take_while(|&&length| length == 1)
            .count();
        &shape[..shape.len() - n_ones]
    }

    /// The columns, named by their fields or by `name`.
    fn columns(&self, name: impl Fn(usize) -> Option<String>) -> Vec<TypedColumn> {
        let column = |column: usize| {
            let field = &self.fields[column % self.fields.len()];
            let number = match self.width() {
                1 => String::new(),
                _ => (column / self.fields.len() + 1).to_string(),
            };
            let own = field.name.as_ref().map(|name| format!("{name}{number}"));
            TypedColumn {
                name: own.or_else(|| name(column)),
                kind: field.element.kind(),
            }
        };
        (0..self.n_columns()).map(column).collect()
    }

    fn read(&self, column: usize, push: &mut dyn FnMut(Value<'_>)) -> Result<(), String> {
        let field = &self.fields[column % self.fields.len()];
        let (first, step) = self.first_and_step(column / self.fields.len());
        for row in 0..self.n_rows() {
            let at = self.start + (first + row * step) * self.element_length + field.offset;
            push(
                field
                    .element
                    .value(&self.bytes[at..at + field.element.length])?,
            );
        }
        Ok(())
    }

    /// The index of the element at `place` of the first row, and the distance to that of the
    /// next row.
    fn first_and_step(&self, place: usize) -> (usize, usize) {
        if !self.is_fortran {
            return (place, self.width());
        }
        let (mut rest, mut first, mut stride) = (place, 0, self.n_rows());
        let mut inner = self.width();
        for &length in &self.shape[1..] {
            inner /= length;
            first += rest / inner * stride;
            rest %= inner;
            stride *= length;
        }
        (first, 1)
    }
}

/// The text of the header, and the position of the first element.
fn header(bytes: &[u8]) -> Option<(&str, usize)> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (&[major, _], rest) = rest.split_first_chunk()?;
    let (length, rest) = match major {
        1 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        2 | 3 => {
            let (length, rest) = rest.split_first_chunk()?;
            (u32::from_le_bytes(*length) as usize, rest)
        }
        _ => return None,
    };
    let header = str::from_utf8(rest.get(..length)?).ok()?;
    Some((header, bytes.len() - rest.len() + length))
}

/// The fields of an element, and its length in bytes.
fn fields(descr: &Literal) -> Result<(Vec<Field>, usize), String> {
    let element = |descr: &Literal| match descr {
        Literal::Text(code) => Element::parse(code),
        _ => Err("the type of the elements is nested".to_owned()),
    };
    let Literal::Sequence(listed) = descr else {
        let element = element(descr)?;
        let length = element.length;
        let field = Field {
            name: None,
            offset: 0,
            element,
        };
        return Ok((vec![field], length));
    };
    let mut fields = Vec::new();
    let mut offset: usize = 0;
    for listed in listed {
        let Literal::Sequence(parts) = listed else {
            return Err("the fields are damaged".to_owned());
        };
        let [Literal::Text(name), descr] = &parts[..] else {
            return Err("a field holds several values".to_owned());
        };
        let element = element(descr)?;
        let end = offset.checked_add(element.length);
        let end = end.ok_or("the fields are too long")?;
        // A field without a name fills a gap.
        if !name.is_empty() {
            fields.push(Field {
                name: Some(name.clone()),
                offset,
                element,
            });
        }
        offset = end;
    }
    Ok((fields, offset))
}

/// The type of an element or a field, such as `<f8`.
pub(crate) struct Element {
    is_big_endian: bool,
    code: char,
    /// Number of bytes.
    length: usize,
    /// The unit of dates: this number of seconds divided by that one.
    unit: Option<(i128, i128)>,
}

impl Element {
    fn parse(code: &str) -> Result<Self, String> {
        let unknown = || format!("unknown element type {code:?}");
        let mut characters = code.chars();
        let order = characters.next().filter(|it| "<>|=".contains(*it));
        let kind = characters.next().ok_or_else(unknown)?;
        let rest = characters.as_str();
        let (size, unit) = rest.split_once('[').unwrap_or((rest, ""));
        let size: usize = match (kind, size) {
            ('O', "") => size_of::<usize>(),
            _ => size.parse().map_err(|_| unknown())?,
        };
        let bytes_per_unit = if kind == 'U' { 4 } else { 1 };
        Ok(Self {
            is_big_endian: order.ok_or_else(unknown)? == '>',
            code: kind,
            length: size.checked_mul(bytes_per_unit).ok_or_else(unknown)?,
            unit: match unit {
                "D]" => Some((86_400, 1)),
                "h]" => Some((3600, 1)),
                "m]" => Some((60, 1)),
                "s]" => Some((1, 1)),
                "ms]" => Some((1, 1000)),
                "us]" => Some((1, 1_000_000)),
                "ns]" => Some((1, 1_000_000_000)),
                _ => None,
            },
        })
    }

    /// Number of bytes.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Returns `true` for real numbers.
    pub(crate) fn is_real(&self) -> bool {
        self.code == 'f'
    }

    pub(crate) fn kind(&self) -> Kind {
        let unsupported = |what: &str| Kind::Unsupported(what.to_owned());
        match (self.code, self.length) {
            ('b', 1) => Kind::Boolean,
            ('i' | 'u', 1 | 2 | 4 | 8) | ('f', 2 | 4 | 8) => Kind::Number,
            ('U' | 'S', _) => Kind::Text,
            ('M', 8) if self.unit.is_some() => Kind::Date,
            ('O', _) => unsupported("Python objects"),
            ('c', _) => unsupported("complex numbers"),
            (code, length) => unsupported(&format!("elements of the type {code}{length}")),
        }
    }

    /// The exact number of an element of [`length`](Self::length) bytes; `None` if the elements
    /// are not numbers.
    pub(crate) fn number(&self, bytes: &[u8]) -> Option<f64> {
        match (self.code, self.bits(bytes)) {
            ('f', bits) if self.length == 4 => Some(f32::from_bits(bits as u32).into()),
            ('f', bits) if self.length == 8 => Some(f64::from_bits(bits)),
            _ => match self.value(bytes).ok()? {
                Value::Boolean(value) => Some(f64::from(u8::from(value))),
                Value::Integer(number) => Some(number as f64),
                Value::Float(number) => Some(f64::from(number as f32)),
                Value::Text(number) => number.parse().ok(),
                Value::Missing | Value::Seconds(_) => None,
            },
        }
    }

    /// The bytes of an element as a whole number.
    fn bits(&self, bytes: &[u8]) -> u64 {
        let add = |number: u64, &byte: &u8| number << 8 | u64::from(byte);
        match self.is_big_endian {
            true => bytes.iter().fold(0, add),
            false => bytes.iter().rev().fold(0, add),
        }
    }

    /// The value of an element of [`length`](Self::length) bytes.
    pub(crate) fn value(&self, bytes: &[u8]) -> Result<Value<'static>, String> {
        let bits = || self.bits(bytes);
        // The sign is moved to the first bit and back.
        let signed = || {
            let shift = 64 - 8 * bytes.len() as u32;
            (bits() << shift).cast_signed() >> shift
        };
        Ok(match (self.code, bytes.len()) {
            ('b', 1) => Value::Boolean(bytes[0] != 0),
            ('i', 1..=8) => Value::integer(signed()),
            ('u', 1..=8) => Value::integer(bits()),
            ('f', 2) => Value::half(bits() as u16),
            ('f', 4) => Value::single(f32::from_bits(bits() as u32)),
            ('f', 8) => Value::Float(f64::from_bits(bits())),
            ('M', 8) => match (signed(), self.unit) {
                (number, Some((seconds, per_second))) if number != i64::MIN => {
                    Value::seconds(i128::from(number) * seconds, per_second)
                }
                _ => Value::Missing,
            },
            ('S', _) => {
                let end = bytes.iter().rposition(|&byte| byte != 0);
                let text = bytes[..end.map_or(0, |end| end + 1)].to_vec();
                let text = String::from_utf8(text).map_err(|_| "a string is not UTF-8")?;
                Value::Text(text.into())
            }
            ('U', _) => {
                let character = |unit: &[u8]| {
                    let unit = unit.try_into().expect("units of four bytes");
                    char::from_u32(match self.is_big_endian {
                        true => u32::from_be_bytes(unit),
                        false => u32::from_le_bytes(unit),
                    })
                };
                let text: Option<String> = bytes.chunks_exact(4).map(character).collect();
                let text = text.ok_or("a string is not valid Unicode")?;
                Value::Text(text.trim_end_matches('\0').to_owned().into())
            }
            _ => return Err("elements of this type cannot be read".to_owned()),
        })
    }
}
