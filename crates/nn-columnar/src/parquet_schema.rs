//! The metadata of a Parquet file: the columns and the positions of their pages.

use serde::Deserialize;

use crate::thrift::Structure;
use crate::typed_file::{Kind, TypedColumn, Value};

/// Number of days from the start of the Julian calendar to 1970-01-01.
const JULIAN_1970: i64 = 2_440_588;

/// The physical type of the values of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Physical {
    Boolean,
    Int32,
    Int64,
    Int96,
    Float,
    Double,
    Bytes,
    /// Bytes of this length.
    FixedBytes(usize),
}

/// A value in its physical type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Raw<'a> {
    Boolean(bool),
    Int32(i32),
    Int64(i64),
    Float(f32),
    Double(f64),
    Bytes(&'a [u8]),
}

/// The conversion of a physical value to a value of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Plain,
    Unsigned,
    Decimal {
        scale: i32,
    },
    Half,
    /// Days since 1970.
    Days,
    /// Units of time since 1970 or since midnight.
    Time {
        per_second: i128,
    },
}

/// A column whose values can be read.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// The position among the columns with values.
    pub(crate) position: usize,
    pub(crate) name: String,
    pub(crate) physical: Physical,
    /// Whether values can be missing.
    pub(crate) is_optional: bool,
    reading: Reading,
}

/// The metadata of a file.
#[derive(Debug)]
pub(crate) struct Metadata {
    pub(crate) columns: Vec<TypedColumn>,
    /// The description of each column; `None` for a column that is not supported.
    pub(crate) leaves: Vec<Option<Leaf>>,
    pub(crate) groups: Vec<RowGroup>,
}

/// A row group: consecutive rows of a file.
#[derive(Debug)]
pub(crate) struct RowGroup {
    pub(crate) n_rows: usize,
    pub(crate) chunks: Vec<Chunk>,
}

/// The pages of a column in a row group.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) codec: i64,
    pub(crate) start: usize,
    pub(crate) length: usize,
}

impl Metadata {
    /// Reads the metadata from the footer of a file.
    pub(crate) fn read(mut footer: &[u8]) -> Result<Self, String> {
        let file = Structure::read(&mut footer).ok_or("the footer is damaged")?;
        let categories = categories(&file);
        let mut elements = file.structures(2);
        elements.next().ok_or("the schema is missing")?;
        let (mut columns, mut leaves) = (Vec::new(), Vec::new());
        let mut position = 0;
        while let Some(element) = elements.next() {
            let name = element.text(4).ok_or("a column has no name")?;
            let mut kind = Kind::Unsupported("nested values".to_owned());
            let mut leaf = None;
            match element.count(5) {
                None | Some(0) => {
                    const REPEATED: i64 = 2;
                    if element.number(3) != Some(REPEATED) {
                        leaf = Leaf::new(element, position, name);
                        kind = leaf.as_ref().map_or_else(binary, |it| it.kind(element));
                    }
                    position += 1;
                }
                Some(mut n_children) => {
                    // The elements of a group follow it.
                    while n_children > 0 {
                        let child = elements.next().ok_or("the schema is truncated")?;
                        let n = child.count(5).unwrap_or(0);
                        position += usize::from(n == 0);
                        n_children = (n_children - 1).saturating_add(n);
                    }
                }
            }
            let kind = match kind {
                _ if name.starts_with("__index_level_") => Kind::RowNumbers,
                Kind::Text | Kind::Number if categories.iter().any(|it| it == name) => {
                    Kind::Category
                }
                kind => kind,
            };
            leaves.push(leaf);
            columns.push(TypedColumn {
                name: Some(name.to_owned()),
                kind,
            });
        }
        let groups = file.structures(4).map(row_group).collect::<Option<_>>();
        Ok(Self {
            columns,
            leaves,
            groups: groups.ok_or("the metadata of a row group is damaged")?,
        })
    }
}

fn binary() -> Kind {
    Kind::Unsupported("binary data".to_owned())
}

fn row_group(group: &Structure<'_>) -> Option<RowGroup> {
    let chunk = |chunk: &Structure<'_>| {
        let chunk = chunk.structure(3)?;
        let data = chunk.count(9)?;
        let dictionary = chunk.count(11).filter(|&it| it > 0);
        Some(Chunk {
            codec: chunk.number(4)?,
            start: dictionary.map_or(data, |dictionary| dictionary.min(data)),
            length: chunk.count(7)?,
        })
    };
    Some(RowGroup {
        n_rows: group.count(3)?,
        chunks: group.structures(1).map(chunk).collect::<Option<_>>()?,
    })
}

/// The names of the columns that pandas wrote as categories.
fn categories(file: &Structure<'_>) -> Vec<String> {
    #[derive(Deserialize)]
    struct Pandas {
        columns: Vec<PandasColumn>,
    }
    #[derive(Deserialize)]
    struct PandasColumn {
        field_name: Option<String>,
        pandas_type: String,
    }
    let json = file
        .structures(5)
        .find(|entry| entry.text(1) == Some("pandas"));
    let json = json.and_then(|entry| entry.text(2)).unwrap_or("");
    let columns = serde_json::from_str(json).map_or(Vec::new(), |pandas: Pandas| pandas.columns);
    let categories = columns
        .into_iter()
        .filter(|it| it.pandas_type == "categorical");
    categories.filter_map(|column| column.field_name).collect()
}

impl Leaf {
    /// Creates a column that is not nested; `None` for types that cells of a table cannot have.
    fn new(element: &Structure<'_>, position: usize, name: &str) -> Option<Self> {
        let physical = match element.number(1)? {
            0 => Physical::Boolean,
            1 => Physical::Int32,
            2 => Physical::Int64,
            3 => Physical::Int96,
            4 => Physical::Float,
            5 => Physical::Double,
            6 => Physical::Bytes,
            7 => Physical::FixedBytes(element.count(2).filter(|&length| length > 0)?),
            _ => return None,
        };
        Some(Self {
            position,
            name: name.to_owned(),
            physical,
            is_optional: element.number(3) == Some(1),
            reading: Reading::of(element, physical)?,
        })
    }

    fn kind(&self, element: &Structure<'_>) -> Kind {
        match (self.reading, self.physical) {
            (Reading::Time { .. }, _) if is_time_of_day(element) => Kind::TimeOfDay,
            (Reading::Days | Reading::Time { .. }, _) | (_, Physical::Int96) => Kind::Date,
            (Reading::Plain, Physical::Boolean) => Kind::Boolean,
            (Reading::Plain, Physical::Bytes) => Kind::Text,
            _ => Kind::Number,
        }
    }

    /// The value of a cell.
    pub(crate) fn value<'a>(&self, raw: Raw<'a>) -> Result<Value<'a>, String> {
        Ok(match raw {
            Raw::Boolean(is_true) => Value::Boolean(is_true),
            Raw::Int32(number) => self.integer(number.into(), number.cast_unsigned().into()),
            Raw::Int64(number) => self.integer(number, number.cast_unsigned()),
            Raw::Float(number) => Value::single(number),
            Raw::Double(number) => Value::Float(number),
            Raw::Bytes(bytes) => return self.bytes(bytes),
        })
    }

    fn integer(&self, number: i64, unsigned: u64) -> Value<'static> {
        match self.reading {
            Reading::Unsigned => Value::integer(unsigned),
            Reading::Decimal { scale } => Value::decimal(number.into(), scale),
            Reading::Days => Value::Seconds(number as f64 * 86_400.0),
            Reading::Time { per_second } => Value::seconds(number, per_second),
            Reading::Plain | Reading::Half => Value::integer(number),
        }
    }

    fn bytes<'a>(&self, bytes: &'a [u8]) -> Result<Value<'a>, String> {
        match (self.reading, self.physical, bytes) {
            (Reading::Decimal { scale }, ..) => {
                let digits = big_endian(bytes).ok_or("a decimal number is too long")?;
                Ok(Value::decimal(digits, scale))
            }
            (Reading::Half, _, &[low, high]) => Ok(Value::half(u16::from_le_bytes([low, high]))),
            (_, Physical::Int96, _) => Ok(julian_time(bytes)),
            _ => {
                let text = str::from_utf8(bytes).map_err(|_| "found binary data, not text")?;
                Ok(Value::Text(text.into()))
            }
        }
    }
}

impl Reading {
    /// Chooses the conversion by the logical type, or by the older converted type.
    fn of(element: &Structure<'_>, physical: Physical) -> Option<Self> {
        let logical = element.structure(10);
        let has = |field| logical.is_some_and(|it| it.structure(field).is_some());
        let converted = match logical {
            Some(_) => None,
            None => element.number(6),
        };
        let is_integer = matches!(physical, Physical::Int32 | Physical::Int64);
        let is_bytes = matches!(physical, Physical::Bytes | Physical::FixedBytes(_));
        let scale = || {
            let own = logical.and_then(|it| it.structure(5)?.number(1));
            own.or(element.number(7)).unwrap_or(0)
        };
        // A number of each unit of time, and of each converted type.
        let unit = logical.and_then(|it| it.structure(7).or(it.structure(8))?.structure(2));
        let has_unit = |field| unit.is_some_and(|unit| unit.structure(field).is_some());
        let per_second = match converted {
            Some(7 | 9) => Some(1000),
            Some(8 | 10) => Some(1_000_000),
            _ if has_unit(1) => Some(1000),
            _ if has_unit(2) => Some(1_000_000),
            _ if has_unit(3) => Some(1_000_000_000),
            _ => None,
        };
        Some(match per_second {
            Some(per_second) if is_integer => Self::Time { per_second },
            _ if (has(5) || converted == Some(5)) && (is_integer || is_bytes) => Self::Decimal {
                scale: i32::try_from(scale()).ok()?,
            },
            _ if (has(6) || converted == Some(6)) && is_integer => Self::Days,
            _ if matches!(converted, Some(11..=14)) && is_integer => Self::Unsigned,
            _ if has(10) && is_integer => {
                let is_signed = logical.and_then(|it| it.structure(10)?.number(2)) != Some(0);
                if is_signed {
                    Self::Plain
                } else {
                    Self::Unsigned
                }
            }
            _ if has(15) && physical == Physical::FixedBytes(2) => Self::Half,
            // BSON, UUID, intervals, and types that are newer than this program.
            _ if matches!(physical, Physical::FixedBytes(_)) || converted == Some(20) => {
                return None;
            }
            _ if logical.is_some() && ![1, 4, 11, 12].into_iter().any(has) => return None,
            _ => Self::Plain,
        })
    }
}

fn is_time_of_day(element: &Structure<'_>) -> bool {
    let is_logical = element
        .structure(10)
        .is_some_and(|it| it.structure(7).is_some());
    is_logical || (element.structure(10).is_none() && matches!(element.number(6), Some(7 | 8)))
}

/// Decodes 12 bytes: the nanoseconds of a day, then the day.
fn julian_time(bytes: &[u8]) -> Value<'static> {
    const NANOSECONDS: i128 = 1_000_000_000;
    let Some((nanoseconds, day)) = bytes.split_first_chunk() else {
        return Value::Missing;
    };
    let nanoseconds = i128::from(u64::from_le_bytes(*nanoseconds));
    let Ok(day) = day.try_into().map(u32::from_le_bytes) else {
        return Value::Missing;
    };
    let days = i128::from(i64::from(day) - JULIAN_1970);
    Value::seconds(days * 86_400 * NANOSECONDS + nanoseconds, NANOSECONDS)
}

/// Decodes a signed big-endian number of at most 16 bytes.
fn big_endian(bytes: &[u8]) -> Option<i128> {
    let first = i128::from(bytes.first()?.cast_signed());
    let add = |number, &byte: &u8| number << 8 | i128::from(byte);
    (bytes.len() <= 16).then(|| bytes[1..].iter().fold(first, add))
}
