//! Files of Apache Arrow, which are also Feather files of version 2.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type,
    Decimal256Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_buffer::Buffer;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::FileDecoder;
use arrow_ipc::{Block, Footer, root_as_footer, root_as_message};
use arrow_schema::{DataType, Field, TimeUnit};

use crate::column::MAX_COLUMNS;
use crate::typed_file::{Kind, TypedColumn, TypedFile, Value};

const MAGIC: &[u8] = b"ARROW1";

/// LZ4 cannot compress better than 255 to 1.
const MAX_RATIO: u64 = 255;

/// The bytes in front of each message: a mark and a length.
const MIN_MESSAGE_LENGTH: usize = 8;

/// An Arrow file as a table.
pub(crate) struct ArrowFile {
    columns: Vec<TypedColumn>,
    /// Where each column is in the batches; `None` for a column that is not supported.
    positions: Vec<Option<usize>>,
    batches: Vec<RecordBatch>,
    n_rows: usize,
}

impl ArrowFile {
    pub(crate) fn open(bytes: &[u8]) -> Result<Self, String> {
        let footer = footer(bytes)?;
        let schema = footer.schema().ok_or("the footer has no schema")?;
        if !schema.endianness().equals_to_target_endianness() {
            return Err("the bytes of the numbers are in the other order".to_owned());
        }
        let schema = try_fb_to_schema(schema).map_err(|error| error.to_string())?;
        let columns: Vec<TypedColumn> = schema.fields().iter().map(|it| column(it)).collect();
        if columns.len() > MAX_COLUMNS {
            return Err(format!(
                "expected at most {MAX_COLUMNS} columns, found {}",
                columns.len()
            ));
        }
        let is_supported = |&at: &usize| !matches!(columns[at].kind, Kind::Unsupported(_));
        let supported: Vec<usize> = (0..columns.len()).filter(is_supported).collect();
        let mut positions = vec![None; columns.len()];
        for (position, &column) in supported.iter().enumerate() {
            positions[column] = Some(position);
        }
        let decoder = FileDecoder::new(Arc::new(schema), footer.version());
        let batches = batches(bytes, &footer, decoder.with_projection(supported))?;
        let n_rows = batches.iter().map(RecordBatch::num_rows);
        let n_rows = n_rows.clone().try_fold(0, usize::checked_add);
        Ok(Self {
            columns,
            positions,
            batches,
            n_rows: n_rows.ok_or("the number of rows is too large")?,
        })
    }
}

impl TypedFile for ArrowFile {
    fn columns(&self) -> &[TypedColumn] {
        &self.columns
    }

    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn read(&self, column: usize, push: &mut dyn FnMut(Value<'_>)) -> Result<(), String> {
        let position = self.positions[column].ok_or("a column is not supported")?;
        let columns = self.batches.iter().map(|batch| batch.column(position));
        columns.into_iter().try_for_each(|array| read(array, push))
    }
}

fn footer(bytes: &[u8]) -> Result<Footer<'_>, String> {
    let end = bytes
        .strip_suffix(MAGIC)
        .and_then(|rest| rest.split_last_chunk());
    let (before, length) = end.ok_or("the end is missing: the file is cut off")?;
    let length = usize::try_from(i32::from_le_bytes(*length)).ok();
    let start = length.and_then(|length| before.len().checked_sub(length));
    let start = start.ok_or("the length of the footer is wrong")?;
    root_as_footer(&before[start..]).map_err(|error| format!("the footer is damaged: {error}"))
}

/// Reads all rows.
fn batches(
    bytes: &[u8],
    footer: &Footer<'_>,
    mut decoder: FileDecoder,
) -> Result<Vec<RecordBatch>, String> {
    for block in footer.dictionaries().iter().flatten() {
        let content = content(bytes, block)?;
        let read = decoder.read_dictionary(block, &content);
        read.map_err(|error| error.to_string())?;
    }
    let mut batches = Vec::new();
    for block in footer.recordBatches().iter().flatten() {
        let content = content(bytes, block)?;
        let batch = decoder.read_record_batch(block, &content);
        batches.extend(batch.map_err(|error| error.to_string())?);
    }
    Ok(batches)
}

/// The bytes of a message and its body, whose lengths are plausible.
fn content(bytes: &[u8], block: &Block) -> Result<Buffer, String> {
    let parts = || {
        let start = usize::try_from(block.offset()).ok()?;
        let rest = bytes.get(start..)?;
        let message = usize::try_from(block.metaDataLength()).ok()?;
        let body = usize::try_from(block.bodyLength()).ok()?;
        let (message, rest) = rest.split_at_checked(message)?;
        let body = rest.get(..body)?;
        (message.len() >= MIN_MESSAGE_LENGTH).then_some((message, body))
    };
    let (message, body) = parts().ok_or("the rows are cut off")?;
    check_lengths(message, body)?;
    Ok(Buffer::from([message, body].concat()))
}

/// Checks the lengths that the parts of a body state.
fn check_lengths(message: &[u8], body: &[u8]) -> Result<(), String> {
    let start = match message.starts_with(&[0xff; 4]) {
        true => 8,
        false => 4,
    };
    let message = root_as_message(&message[start..]);
    let message = message.map_err(|error| format!("a message is damaged: {error}"))?;
    let dictionary = message
        .header_as_dictionary_batch()
        .and_then(|it| it.data());
    let Some(batch) = message.header_as_record_batch().or(dictionary) else {
        return Err("a message holds no rows".to_owned());
    };
    if batch.length() < 0 || batch.length() > i64::from(u32::MAX) {
        return Err("the number of rows is implausible".to_owned());
    }
    for part in batch.buffers().iter().flatten() {
        let range = || {
            let start = usize::try_from(part.offset()).ok()?;
            body.get(start..start.checked_add(usize::try_from(part.length()).ok()?)?)
        };
        let part = range().ok_or("a part of the rows is cut off")?;
        if batch.compression().is_none() || part.is_empty() {
            continue;
        }
        // A length of -1 marks a part that is not compressed.
        let (length, _) = part.split_first_chunk().ok_or("a length is cut off")?;
        let limit = MAX_RATIO.saturating_mul(part.len() as u64);
        if u64::try_from(i64::from_le_bytes(*length)).is_ok_and(|length| length > limit) {
            return Err("a part of the rows states a length that is too large".to_owned());
        }
    }
    Ok(())
}

fn column(field: &Field) -> TypedColumn {
    let kind = match kind(field.data_type()) {
        _ if field.name().starts_with("__index_level_") => Kind::RowNumbers,
        kind => kind,
    };
    TypedColumn {
        name: Some(field.name().clone()),
        kind,
    }
}

fn kind(data_type: &DataType) -> Kind {
    let unsupported = |what: &str| Kind::Unsupported(what.to_owned());
    match data_type {
        DataType::Boolean => Kind::Boolean,
        data_type if data_type.is_integer() || data_type.is_floating() => Kind::Number,
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => Kind::Number,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => Kind::Text,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Kind::Date,
        DataType::Time32(_) | DataType::Time64(_) => Kind::TimeOfDay,
        DataType::Dictionary(_, values) => match kind(values) {
            Kind::Text | Kind::Number => Kind::Category,
            kind => kind,
        },
        DataType::Duration(_) | DataType::Interval(_) => unsupported("lengths of time"),
        data_type if data_type.is_nested() => unsupported("nested values"),
        _ => unsupported("binary data"),
    }
}

/// Passes each value of an array to `push`.
fn read(array: &dyn Array, push: &mut dyn FnMut(Value<'_>)) -> Result<(), String> {
    match array.data_type() {
        DataType::Null => (0..array.len()).for_each(|_| push(Value::Missing)),
        DataType::Boolean => {
            let values = array.as_boolean().iter();
            values.for_each(|value| push(value.map_or(Value::Missing, Value::Boolean)));
        }
        DataType::Int8 => primitive::<Int8Type>(array, push, Value::integer),
        DataType::Int16 => primitive::<Int16Type>(array, push, Value::integer),
        DataType::Int32 => primitive::<Int32Type>(array, push, Value::integer),
        DataType::Int64 => primitive::<Int64Type>(array, push, Value::integer),
        DataType::UInt8 => primitive::<UInt8Type>(array, push, Value::integer),
        DataType::UInt16 => primitive::<UInt16Type>(array, push, Value::integer),
        DataType::UInt32 => primitive::<UInt32Type>(array, push, Value::integer),
        DataType::UInt64 => primitive::<UInt64Type>(array, push, Value::integer),
        DataType::Float16 => {
            primitive::<Float16Type>(array, push, |value| Value::half(value.to_bits()));
        }
        DataType::Float32 => primitive::<Float32Type>(array, push, Value::single),
        DataType::Float64 => primitive::<Float64Type>(array, push, Value::Float),
        &DataType::Decimal32(_, scale) => primitive::<Decimal32Type>(array, push, |value| {
            Value::decimal(value.into(), scale.into())
        }),
        &DataType::Decimal64(_, scale) => primitive::<Decimal64Type>(array, push, |value| {
            Value::decimal(value.into(), scale.into())
        }),
        &DataType::Decimal128(_, scale) => {
            primitive::<Decimal128Type>(array, push, |it| Value::decimal(it, scale.into()));
        }
        &DataType::Decimal256(_, scale) => {
            let has_room = |value: arrow_buffer::i256| value.to_i128();
            primitive::<Decimal256Type>(array, push, |value| {
                has_room(value).map_or(Value::Missing, |value| Value::decimal(value, scale.into()))
            });
        }
        DataType::Date32 => {
            primitive::<Date32Type>(array, push, |days| {
                Value::Seconds(f64::from(days) * 86_400.0)
            });
        }
        DataType::Date64 => {
            primitive::<Date64Type>(array, push, |value| Value::seconds(value, 1000));
        }
        DataType::Timestamp(unit, _) => {
            let per_second = per_second(*unit);
            let value = |value: i64| Value::seconds(value, per_second);
            match unit {
                TimeUnit::Second => primitive::<TimestampSecondType>(array, push, value),
                TimeUnit::Millisecond => primitive::<TimestampMillisecondType>(array, push, value),
                TimeUnit::Microsecond => primitive::<TimestampMicrosecondType>(array, push, value),
                TimeUnit::Nanosecond => primitive::<TimestampNanosecondType>(array, push, value),
            }
        }
        DataType::Time32(TimeUnit::Second) => {
            primitive::<Time32SecondType>(array, push, |value| Value::seconds(value, 1));
        }
        DataType::Time32(_) => {
            primitive::<Time32MillisecondType>(array, push, |value| Value::seconds(value, 1000));
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            primitive::<Time64MicrosecondType>(array, push, |it| Value::seconds(it, 1_000_000));
        }
        DataType::Time64(_) => {
            primitive::<Time64NanosecondType>(array, push, |it| Value::seconds(it, 1_000_000_000));
        }
        DataType::Utf8 => array
            .as_string::<i32>()
            .iter()
            .for_each(|it| push(text(it))),
        DataType::LargeUtf8 => array
            .as_string::<i64>()
            .iter()
            .for_each(|it| push(text(it))),
        DataType::Utf8View => array.as_string_view().iter().for_each(|it| push(text(it))),
        DataType::Dictionary(..) => return dictionary(array, push),
        _ => return Err("a column is not supported".to_owned()),
    }
    Ok(())
}

fn primitive<T: ArrowPrimitiveType>(
    array: &dyn Array,
    push: &mut dyn FnMut(Value<'_>),
    convert: impl Fn(T::Native) -> Value<'static>,
) {
    for value in array.as_primitive::<T>() {
        push(value.map_or(Value::Missing, &convert));
    }
}

fn text(text: Option<&str>) -> Value<'_> {
    text.map_or(Value::Missing, |text| Value::Text(text.into()))
}

fn per_second(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// Passes the value of each key to `push`.
fn dictionary(array: &dyn Array, push: &mut dyn FnMut(Value<'_>)) -> Result<(), String> {
    let array = array.as_any_dictionary();
    let mut values = Vec::new();
    read(array.values(), &mut |value| values.push(value.into_owned()))?;
    read(array.keys(), &mut |key| {
        let value = match key {
            Value::Integer(key) => usize::try_from(key).ok().and_then(|key| values.get(key)),
            _ => None,
        };
        push(value.cloned().unwrap_or(Value::Missing));
    })
}
