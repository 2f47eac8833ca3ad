//! Apache Parquet files.

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as PhysicalType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{AsBytes, DataType, Int96};
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};
use parquet::schema::types::ColumnDescriptor;
use serde::Deserialize;

use crate::column::MAX_COLUMNS;
use crate::parquet_page::Pages;
use crate::typed_file::{Kind, TypedColumn, TypedFile, Value};

/// Number of values to decode at a time.
const BATCH: usize = 4096;

/// Number of days from the start of the Julian calendar to 1970-01-01.
const JULIAN_1970: i64 = 2_440_588;

/// A Parquet file as a table.
pub(crate) struct ParquetFile<'a> {
    bytes: &'a [u8],
    metadata: ParquetMetaData,
    columns: Vec<TypedColumn>,
    /// The column of the file, and how its values are read, for each column of the table.
    readings: Vec<(usize, Reading)>,
    n_rows: usize,
}

/// How the values of a column are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Boolean,
    Signed,
    Unsigned,
    Decimal {
        scale: i32,
    },
    Half,
    Float,
    /// Days since 1970.
    Days,
    /// Units of time since 1970 or since midnight.
    Time {
        per_second: i128,
    },
    /// Nanoseconds of a day, and the day, in 96 bits.
    JulianTime,
    Text,
    Unsupported,
}

impl<'a> ParquetFile<'a> {
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let metadata = metadata(bytes)?;
        let file = metadata.file_metadata();
        let schema = file.schema_descr();
        let roots = schema.root_schema().get_fields();
        if roots.len() > MAX_COLUMNS {
            return Err(format!(
                "expected at most {MAX_COLUMNS} columns, found {}",
                roots.len()
            ));
        }
        let categories = categories(file);
        let mut columns: Vec<TypedColumn> = roots
            .iter()
            .map(|root| TypedColumn {
                name: Some(root.name().to_owned()),
                kind: Kind::Unsupported("nested values".to_owned()),
            })
            .collect();
        let mut readings = vec![(0, Reading::Unsupported); roots.len()];
        for leaf in 0..schema.num_columns() {
            let descriptor = schema.column(leaf);
            let root = schema.get_column_root_idx(leaf);
            if !roots[root].is_primitive() || descriptor.max_rep_level() > 0 {
                continue;
            }
            let reading = Reading::of(&descriptor);
            let name = roots[root].name();
            let is_category = categories.iter().any(|category| category == name);
            columns[root].kind = match kind(reading, &descriptor) {
                _ if name.starts_with("__index_level_") => Kind::RowNumbers,
                Kind::Text | Kind::Number if is_category => Kind::Category,
                kind => kind,
            };
            readings[root] = (leaf, reading);
        }
        let count = |group: &RowGroupMetaData| usize::try_from(group.num_rows()).ok();
        let counts: Option<Vec<usize>> = metadata.row_groups().iter().map(count).collect();
        let counts = counts.ok_or("a number of rows is negative")?;
        let n_rows = counts
            .iter()
            .try_fold(0, |sum: usize, &n| sum.checked_add(n));
        Ok(Self {
            bytes,
            columns,
            readings,
            n_rows: n_rows.ok_or("the number of rows is too large")?,
            metadata,
        })
    }

    /// The pages of a column in a group of rows.
    fn pages(&self, column: &ColumnChunkMetaData) -> Result<Pages, String> {
        let first = match column.dictionary_page_offset() {
            Some(dictionary @ 1..) => dictionary.min(column.data_page_offset()),
            _ => column.data_page_offset(),
        };
        let range = || {
            let start = usize::try_from(first).ok()?;
            let length = usize::try_from(column.compressed_size()).ok()?;
            self.bytes.get(start..start.checked_add(length)?)
        };
        let bytes = range().ok_or("the pages of a column are cut off")?;
        Ok(Pages::new(
            Bytes::copy_from_slice(bytes),
            column.compression(),
        ))
    }
}

impl TypedFile for ParquetFile<'_> {
    fn columns(&self) -> &[TypedColumn] {
        &self.columns
    }

    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn read(&self, column: usize, push: &mut dyn FnMut(Value<'_>)) -> Result<(), String> {
        let (leaf, reading) = self.readings[column];
        for group in self.metadata.row_groups() {
            let part = group
                .columns()
                .get(leaf)
                .ok_or("a group of rows lacks a column")?;
            let pages = self.pages(part)?;
            let reader = get_column_reader(part.column_descr_ptr(), Box::new(pages));
            let max_level = part.column_descr().max_def_level();
            let n_rows = group.num_rows() as usize;
            read_group(reader, reading, max_level, n_rows, push)
                .map_err(|reason| format!("column {:?}: {reason}", part.column_descr().name()))?;
        }
        Ok(())
    }
}

fn metadata(bytes: &[u8]) -> Result<ParquetMetaData, String> {
    let end = bytes.len().checked_sub(8).filter(|&end| end >= 4);
    let footer = end.map(|end| bytes.split_at(end));
    let Some((before, footer)) = footer.filter(|(_, footer)| footer.ends_with(b"PAR1")) else {
        return Err("the end is missing: the file is cut off, or encrypted".to_owned());
    };
    let length = u32::from_le_bytes([footer[0], footer[1], footer[2], footer[3]]) as usize;
    let start = before
        .len()
        .checked_sub(length)
        .ok_or("the footer is damaged")?;
    ParquetMetaDataReader::decode_metadata(&before[start..]).map_err(|error| error.to_string())
}

/// The names of the columns that pandas wrote as categories.
fn categories(file: &FileMetaData) -> Vec<String> {
    #[derive(Deserialize)]
    struct Pandas {
        columns: Vec<PandasColumn>,
    }
    #[derive(Deserialize)]
    struct PandasColumn {
        field_name: Option<String>,
        pandas_type: String,
    }
    let entries = file.key_value_metadata().map_or(&[][..], |entries| entries);
    let json = entries.iter().find(|entry| entry.key == "pandas");
    let json = json.and_then(|entry| entry.value.as_deref()).unwrap_or("");
    let columns = serde_json::from_str(json).map_or(Vec::new(), |pandas: Pandas| pandas.columns);
    let categories = columns
        .into_iter()
        .filter(|it| it.pandas_type == "categorical");
    categories.filter_map(|column| column.field_name).collect()
}

impl Reading {
    fn of(column: &ColumnDescriptor) -> Self {
        let physical = column.physical_type();
        let is_integer = matches!(physical, PhysicalType::INT32 | PhysicalType::INT64);
        let is_bytes = matches!(
            physical,
            PhysicalType::BYTE_ARRAY | PhysicalType::FIXED_LEN_BYTE_ARRAY
        );
        match (column.logical_type_ref(), column.converted_type()) {
            (Some(LogicalType::Decimal(_)), _) | (None, ConvertedType::DECIMAL)
                if is_integer || is_bytes =>
            {
                Self::Decimal {
                    scale: column.type_scale(),
                }
            }
            (Some(LogicalType::Float16), _) if column.type_length() == 2 => Self::Half,
            (Some(LogicalType::Date), _) | (None, ConvertedType::DATE) if is_integer => Self::Days,
            (Some(LogicalType::Time(time)), _) if is_integer => Self::time(&time.unit),
            (Some(LogicalType::Timestamp(time)), _) if is_integer => Self::time(&time.unit),
            (None, ConvertedType::TIME_MILLIS | ConvertedType::TIMESTAMP_MILLIS) if is_integer => {
                Self::time(&TimeUnit::MILLIS)
            }
            (None, ConvertedType::TIME_MICROS | ConvertedType::TIMESTAMP_MICROS) if is_integer => {
                Self::time(&TimeUnit::MICROS)
            }
            (Some(LogicalType::Integer(integer)), _) if is_integer => match integer.is_signed {
                true => Self::Signed,
                false => Self::Unsigned,
            },
            (
                None,
                ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::UINT_64,
            ) => Self::Unsigned,
            (
                None | Some(LogicalType::String | LogicalType::Enum | LogicalType::Json),
                ConvertedType::NONE
                | ConvertedType::UTF8
                | ConvertedType::ENUM
                | ConvertedType::JSON
                | ConvertedType::INT_8
                | ConvertedType::INT_16
                | ConvertedType::INT_32
                | ConvertedType::INT_64,
            )
            | (Some(LogicalType::Unknown), _) => match physical {
                PhysicalType::BOOLEAN => Self::Boolean,
                PhysicalType::INT32 | PhysicalType::INT64 => Self::Signed,
                PhysicalType::INT96 => Self::JulianTime,
                PhysicalType::FLOAT | PhysicalType::DOUBLE => Self::Float,
                PhysicalType::BYTE_ARRAY => Self::Text,
                PhysicalType::FIXED_LEN_BYTE_ARRAY => Self::Unsupported,
            },
            _ => Self::Unsupported,
        }
    }

    fn time(unit: &TimeUnit) -> Self {
        let per_second = match unit {
            TimeUnit::MILLIS => 1000,
            TimeUnit::MICROS => 1_000_000,
            TimeUnit::NANOS => 1_000_000_000,
        };
        Self::Time { per_second }
    }

    fn integer(self, number: i64, unsigned: u64) -> Value<'static> {
        match self {
            Self::Unsigned => Value::integer(unsigned),
            Self::Decimal { scale } => Value::decimal(number.into(), scale),
            Self::Days => Value::Seconds(number as f64 * 86_400.0),
            Self::Time { per_second } => Value::seconds(number, per_second),
            _ => Value::integer(number),
        }
    }

    fn bytes(self, bytes: &[u8]) -> Result<Value<'_>, String> {
        match self {
            Self::Decimal { scale } => {
                let digits = big_endian(bytes).ok_or("a decimal number is too long")?;
                Ok(Value::decimal(digits, scale))
            }
            Self::Half => match bytes {
                &[low, high] => Ok(Value::half(u16::from_le_bytes([low, high]))),
                _ => Err("a number of 16 bits has another length".to_owned()),
            },
            _ => {
                let text = str::from_utf8(bytes).map_err(|_| "found binary data, not text")?;
                Ok(Value::Text(text.into()))
            }
        }
    }
}

fn kind(reading: Reading, column: &ColumnDescriptor) -> Kind {
    let is_time_of_day = || {
        matches!(column.logical_type_ref(), Some(LogicalType::Time(_)))
            || matches!(
                column.converted_type(),
                ConvertedType::TIME_MILLIS | ConvertedType::TIME_MICROS
            )
    };
    match reading {
        Reading::Boolean => Kind::Boolean,
        Reading::Signed | Reading::Unsigned | Reading::Decimal { .. } => Kind::Number,
        Reading::Half | Reading::Float => Kind::Number,
        Reading::Time { .. } if is_time_of_day() => Kind::TimeOfDay,
        Reading::Days | Reading::Time { .. } | Reading::JulianTime => Kind::Date,
        Reading::Text => Kind::Text,
        Reading::Unsupported => Kind::Unsupported("binary data".to_owned()),
    }
}

/// Reads the values of a column in a group of rows.
fn read_group(
    reader: ColumnReader,
    reading: Reading,
    max_level: i16,
    n_rows: usize,
    push: &mut dyn FnMut(Value<'_>),
) -> Result<(), String> {
    let values = Values { max_level, n_rows };
    match reader {
        ColumnReader::BoolColumnReader(reader) => {
            values.read(reader, push, |&value| Ok(Value::Boolean(value)))
        }
        ColumnReader::Int32ColumnReader(reader) => values.read(reader, push, |&value| {
            Ok(reading.integer(value.into(), value.cast_unsigned().into()))
        }),
        ColumnReader::Int64ColumnReader(reader) => values.read(reader, push, |&value| {
            Ok(reading.integer(value, value.cast_unsigned()))
        }),
        ColumnReader::Int96ColumnReader(reader) => {
            values.read(reader, push, |value| Ok(julian_time(value)))
        }
        ColumnReader::FloatColumnReader(reader) => {
            values.read(reader, push, |&value| Ok(Value::single(value)))
        }
        ColumnReader::DoubleColumnReader(reader) => {
            values.read(reader, push, |&value| Ok(Value::Float(value)))
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            values.read(reader, push, |value| reading.bytes(value.as_bytes()))
        }
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            values.read(reader, push, |value| reading.bytes(value.as_bytes()))
        }
    }
}

/// The values of a column in a group of rows.
struct Values {
    /// The level of a value that is not missing.
    max_level: i16,
    n_rows: usize,
}

impl Values {
    fn read<T: DataType>(
        &self,
        mut reader: ColumnReaderImpl<T>,
        push: &mut dyn FnMut(Value<'_>),
        convert: impl Fn(&T::T) -> Result<Value<'_>, String>,
    ) -> Result<(), String> {
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let mut n_left = self.n_rows;
        while n_left > 0 {
            levels.clear();
            values.clear();
            let n = n_left.min(BATCH);
            let (n_read, _, _) = reader
                .read_records(n, Some(&mut levels), None, &mut values)
                .map_err(|error| error.to_string())?;
            if n_read == 0 {
                return Err(format!("{n_left} values are missing"));
            }
            n_left -= n_read.min(n_left);
            if self.max_level == 0 {
                for value in &values {
                    push(convert(value)?);
                }
                continue;
            }
            let mut values = values.iter();
            for &level in &levels {
                push(match level == self.max_level {
                    true => convert(values.next().ok_or("a value is missing")?)?,
                    false => Value::Missing,
                });
            }
        }
        Ok(())
    }
}

fn julian_time(time: &Int96) -> Value<'static> {
    const NANOSECONDS: i128 = 1_000_000_000;
    let &[low, high, day] = time.data() else {
        return Value::Missing;
    };
    let nanoseconds = i128::from(high) << 32 | i128::from(low);
    let days = i128::from(i64::from(day) - JULIAN_1970);
    Value::seconds(days * 86_400 * NANOSECONDS + nanoseconds, NANOSECONDS)
}

/// A number of at most 16 bytes with its sign, the first byte first.
fn big_endian(bytes: &[u8]) -> Option<i128> {
    let first = i128::from(bytes.first()?.cast_signed());
    let add = |number, &byte: &u8| number << 8 | i128::from(byte);
    (bytes.len() <= 16).then(|| bytes[1..].iter().fold(first, add))
}
