//! Apache Arrow IPC files (Feather version 2).
//!
//! The messages are decoded here, because the `arrow-ipc` crate panics on some damaged files. Only
//! the FlatBuffers code for the metadata comes from arrow-ipc.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read;

use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::{Block, CompressionType, Footer, RecordBatch, root_as_footer, root_as_message};
use arrow_schema::{DataType, Field, TimeUnit, UnionMode};
use lz4_flex::frame::FrameDecoder;
use ruzstd::decoding::StreamingDecoder;

use crate::typed_file::{Kind, MAX_COLUMNS, TypedColumn, TypedFile, Value};

const MAGIC: &[u8] = b"ARROW1";

/// Maximum number of bytes of a decompressed buffer: `MIN_PART_BYTES`, plus `MAX_RATIO` for each
/// compressed byte.
const MIN_PART_BYTES: u64 = 1 << 20;
const MAX_RATIO: u64 = 1000;

/// An Arrow file as a table.
pub(crate) struct ArrowFile<'a> {
    columns: Vec<TypedColumn>,
    types: Vec<DataType>,
    /// Number of the dictionary of each column; `None` for a column without a dictionary.
    dictionary_of: Vec<Option<i64>>,
    dictionaries: HashMap<i64, Vec<Value<'static>>>,
    batches: Vec<Batch<'a>>,
    n_rows: usize,
}

impl<'a> ArrowFile<'a> {
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let footer = footer(bytes)?;
        let schema = footer.schema().ok_or("the footer has no schema")?;
        if !schema.endianness().equals_to_target_endianness() {
            return Err("the byte order of the file differs from that of this machine".to_owned());
        }
        let fields = schema.fields().ok_or("the schema has no columns")?;
        if fields.len() > MAX_COLUMNS {
            let n = fields.len();
            return Err(format!("expected at most {MAX_COLUMNS} columns, found {n}"));
        }
        let dictionary_of = fields.iter().map(|it| Some(it.dictionary()?.id()));
        let dictionary_of: Vec<Option<i64>> = dictionary_of.collect();
        let schema = try_fb_to_schema(schema).map_err(|error| error.to_string())?;
        let fields = schema.fields();
        let types: Vec<DataType> = fields.iter().map(|it| it.data_type().clone()).collect();
        let mut dictionaries = HashMap::new();
        for block in footer.dictionaries().iter().flatten() {
            let (id, values) = dictionary(bytes, block, &types, &dictionary_of)?;
            dictionaries
                .entry(id)
                .or_insert_with(Vec::new)
                .extend(values);
        }
        let blocks = footer.recordBatches();
        let batches = blocks.iter().flatten().map(|block| {
            let (message, body) = parts(bytes, block)?;
            let batch = root_as_message(message)
                .map_err(|error| format!("a message is damaged: {error}"))?
                .header_as_record_batch()
                .ok_or("a message holds no record batch")?;
            Batch::new(batch, body, &types)
        });
        let batches = batches.collect::<Result<Vec<_>, String>>()?;
        let mut n_rows = batches.iter().map(|batch| batch.n_rows);
        let n_rows = n_rows.try_fold(0, usize::checked_add);
        Ok(Self {
            columns: fields.iter().map(|it| column(it)).collect(),
            types,
            dictionary_of,
            dictionaries,
            batches,
            n_rows: n_rows.ok_or("the number of rows is too large")?,
        })
    }
}

impl TypedFile for ArrowFile<'_> {
    fn columns(&self) -> &[TypedColumn] {
        &self.columns
    }

    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn read(&self, column: usize, push: &mut dyn FnMut(Value<'_>)) -> Result<(), String> {
        let dictionary = self.dictionary_of[column];
        let values = dictionary.and_then(|id| self.dictionaries.get(&id));
        let values = values.map_or(&[][..], |values| values);
        for batch in &self.batches {
            let cells = batch.cells(column)?;
            match &self.types[column] {
                DataType::Dictionary(key_type, _) => cells.read(key_type, &mut |key| {
                    push(value_of(&key, values).cloned().unwrap_or(Value::Missing));
                })?,
                data_type => cells.read(data_type, push)?,
            }
        }
        Ok(())
    }
}

/// The value that a key of a dictionary represents.
fn value_of<'a>(key: &Value<'_>, values: &'a [Value<'static>]) -> Option<&'a Value<'static>> {
    match key {
        Value::Integer(key) => values.get(usize::try_from(*key).ok()?),
        _ => None,
    }
}

fn footer(bytes: &[u8]) -> Result<Footer<'_>, String> {
    let end = bytes
        .strip_suffix(MAGIC)
        .and_then(|rest| rest.split_last_chunk());
    let (before, length) = end.ok_or("the end is missing: the file is truncated")?;
    let length = usize::try_from(i32::from_le_bytes(*length)).ok();
    let start = length.and_then(|length| before.len().checked_sub(length));
    let start = start.ok_or("the length of the footer is wrong")?;
    root_as_footer(&before[start..]).map_err(|error| format!("the footer is damaged: {error}"))
}

/// The message of a block, without the preceding length, and the body of the message.
fn parts<'a>(bytes: &'a [u8], block: &Block) -> Result<(&'a [u8], &'a [u8]), String> {
    let parts = || {
        let rest = bytes.get(usize::try_from(block.offset()).ok()?..)?;
        let length = usize::try_from(block.metaDataLength()).ok()?;
        let (message, rest) = rest.split_at_checked(length)?;
        let body = rest.get(..usize::try_from(block.bodyLength()).ok()?)?;
        // A continuation marker and the length, or the length only in old files.
        let start = if message.starts_with(&[0xff; 4]) {
            8
        } else {
            4
        };
        Some((message.get(start..)?, body))
    };
    parts().ok_or_else(|| "a message is truncated".to_owned())
}

/// The number of a dictionary, and its values.
fn dictionary(
    bytes: &[u8],
    block: &Block,
    types: &[DataType],
    dictionary_of: &[Option<i64>],
) -> Result<(i64, Vec<Value<'static>>), String> {
    let (message, body) = parts(bytes, block)?;
    let message = root_as_message(message);
    let message = message.map_err(|error| format!("a message is damaged: {error}"))?;
    let dictionary = message.header_as_dictionary_batch();
    let dictionary = dictionary.ok_or("a message holds no dictionary batch")?;
    let id = dictionary.id();
    let column = dictionary_of.iter().position(|it| *it == Some(id));
    let Some(DataType::Dictionary(_, values_type)) = column.map(|it| &types[it]) else {
        // The dictionary of a nested column.
        return Ok((id, Vec::new()));
    };
    let mut values = Vec::new();
    if !matches!(kind(values_type), Kind::Unsupported(_)) {
        let batch = dictionary.data().ok_or("a dictionary has no values")?;
        let batch = Batch::new(batch, body, std::slice::from_ref(values_type))?;
        // Each value of a dictionary takes a bit at least.
        if batch.n_rows > 8 * body.len().max(1) * MAX_RATIO as usize {
            return Err("a dictionary has too many values".to_owned());
        }
        let cells = batch.cells(0)?;
        cells.read(values_type, &mut |value| values.push(value.into_owned()))?;
    }
    Ok((id, values))
}

/// A record batch: consecutive rows of a file.
struct Batch<'a> {
    batch: RecordBatch<'a>,
    body: &'a [u8],
    n_rows: usize,
    /// The first buffer and the number of buffers of each column.
    buffers: Vec<(usize, usize)>,
}

impl<'a> Batch<'a> {
    fn new(batch: RecordBatch<'a>, body: &'a [u8], types: &[DataType]) -> Result<Self, String> {
        let mut counts = batch.variadicBufferCounts().into_iter().flatten();
        let mut next: usize = 0;
        let n_buffers = batch.buffers().map_or(0, |buffers| buffers.len());
        let buffers = types.iter().map(|data_type| {
            let first = next;
            let count =
                n_buffers_of(data_type, &mut counts).ok_or("the length of a column is missing")?;
            next = first.saturating_add(count);
            match next <= n_buffers {
                true => Ok((first, count)),
                false => Err("a column is missing".to_owned()),
            }
        });
        let buffers = buffers.collect::<Result<_, String>>()?;
        let n_rows = u32::try_from(batch.length());
        Ok(Self {
            n_rows: n_rows.map_err(|_| "the number of rows is implausible")? as usize,
            batch,
            body,
            buffers,
        })
    }

    /// The buffers of a column.
    fn cells(&self, column: usize) -> Result<Cells<'a>, String> {
        let (first, count) = self.buffers[column];
        let mut buffers = (first..first + count).map(|index| self.buffer(index));
        Ok(Cells {
            n_rows: self.n_rows,
            // A column of nulls has no buffers.
            validity: buffers.next().transpose()?.unwrap_or_default(),
            buffers: buffers.collect::<Result<_, _>>()?,
        })
    }

    fn buffer(&self, index: usize) -> Result<Cow<'a, [u8]>, String> {
        let bytes = || {
            let buffer = self.batch.buffers()?.get(index);
            let start = usize::try_from(buffer.offset()).ok()?;
            let length = usize::try_from(buffer.length()).ok()?;
            self.body.get(start..start.checked_add(length)?)
        };
        let bytes = bytes().ok_or("a buffer is truncated")?;
        match self.batch.compression() {
            Some(compression) if !bytes.is_empty() => decompress(bytes, compression.codec()),
            _ => Ok(bytes.into()),
        }
    }
}

/// Decompresses a buffer, which begins with the length of its content.
fn decompress(bytes: &[u8], codec: CompressionType) -> Result<Cow<'_, [u8]>, String> {
    const NOT_COMPRESSED: i64 = -1;
    let (length, bytes) = bytes
        .split_first_chunk()
        .ok_or("the length of a buffer is truncated")?;
    let length = i64::from_le_bytes(*length);
    if length == NOT_COMPRESSED {
        return Ok(bytes.into());
    }
    let limit = MIN_PART_BYTES.saturating_add(MAX_RATIO.saturating_mul(bytes.len() as u64));
    let length = u64::try_from(length).ok().filter(|&length| length <= limit);
    let length = length.ok_or("a buffer states a wrong length")?;
    let damaged = |error: String| format!("a buffer cannot be decompressed: {error}");
    let content = match codec {
        CompressionType::LZ4_FRAME => read(FrameDecoder::new(bytes), length),
        CompressionType::ZSTD => match StreamingDecoder::new(bytes) {
            Ok(decoder) => read(decoder, length),
            Err(error) => return Err(damaged(error.to_string())),
        },
        _ => return Err("the compression is unknown".to_owned()),
    };
    let content = content.map_err(|error| damaged(error.to_string()))?;
    match content.len() as u64 == length {
        true => Ok(content.into()),
        false => Err("the length of a buffer is wrong".to_owned()),
    }
}

fn read(decoder: impl Read, length: u64) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    decoder.take(length + 1).read_to_end(&mut content)?;
    Ok(content)
}

/// Number of buffers of a column. `counts` are the numbers of data buffers of view columns.
fn n_buffers_of(data_type: &DataType, counts: &mut impl Iterator<Item = i64>) -> Option<usize> {
    let mut children = |fields: &[&DataType], own: usize| {
        fields.iter().try_fold(own, |sum: usize, child| {
            sum.checked_add(n_buffers_of(child, &mut *counts)?)
        })
    };
    match data_type {
        DataType::Null => Some(0),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => Some(3),
        DataType::Utf8View | DataType::BinaryView => {
            usize::try_from(counts.next()?).ok()?.checked_add(2)
        }
        DataType::List(child) | DataType::LargeList(child) | DataType::Map(child, _) => {
            children(&[child.data_type()], 2)
        }
        DataType::ListView(child) | DataType::LargeListView(child) => {
            children(&[child.data_type()], 3)
        }
        DataType::FixedSizeList(child, _) => children(&[child.data_type()], 1),
        DataType::Struct(fields) => {
            let types: Vec<&DataType> = fields.iter().map(|it| it.data_type()).collect();
            children(&types, 1)
        }
        DataType::Union(fields, mode) => {
            let types: Vec<&DataType> = fields.iter().map(|(_, it)| it.data_type()).collect();
            let own = if *mode == UnionMode::Dense { 2 } else { 1 };
            children(&types, own)
        }
        DataType::RunEndEncoded(ends, values) => {
            children(&[ends.data_type(), values.data_type()], 0)
        }
        _ => Some(2),
    }
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
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) => {
            Kind::Number
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => Kind::Text,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Kind::Date,
        DataType::Time32(_) | DataType::Time64(_) => Kind::TimeOfDay,
        DataType::Dictionary(_, values) => match kind(values) {
            Kind::Text | Kind::Number => Kind::Category,
            kind => kind,
        },
        DataType::Duration(_) | DataType::Interval(_) => unsupported("durations"),
        data_type if data_type.is_nested() => unsupported("nested values"),
        DataType::Decimal256(..) => unsupported("256-bit decimal numbers"),
        _ => unsupported("binary data"),
    }
}

/// The cells of a column in a record batch.
struct Cells<'a> {
    n_rows: usize,
    /// One bit per row, 0 for a missing value; empty if no value is missing.
    validity: Cow<'a, [u8]>,
    buffers: Vec<Cow<'a, [u8]>>,
}

impl Cells<'_> {
    /// Passes each value to `push`.
    fn read(&self, data_type: &DataType, push: &mut dyn FnMut(Value<'_>)) -> Result<(), String> {
        match data_type {
            DataType::Null => {
                (0..self.n_rows).for_each(|_| push(Value::Missing));
                Ok(())
            }
            DataType::Boolean => self.booleans(push),
            DataType::Int8 => self.fixed(push, |it| Value::integer(i8::from_le_bytes(it))),
            DataType::Int16 => self.fixed(push, |it| Value::integer(i16::from_le_bytes(it))),
            DataType::Int32 => self.fixed(push, |it| Value::integer(i32::from_le_bytes(it))),
            DataType::Int64 => self.fixed(push, |it| Value::integer(i64::from_le_bytes(it))),
            DataType::UInt8 => self.fixed(push, |it| Value::integer(u8::from_le_bytes(it))),
            DataType::UInt16 => self.fixed(push, |it| Value::integer(u16::from_le_bytes(it))),
            DataType::UInt32 => self.fixed(push, |it| Value::integer(u32::from_le_bytes(it))),
            DataType::UInt64 => self.fixed(push, |it| Value::integer(u64::from_le_bytes(it))),
            DataType::Float16 => self.fixed(push, |it| Value::half(u16::from_le_bytes(it))),
            DataType::Float32 => self.fixed(push, |it| Value::single(f32::from_le_bytes(it))),
            DataType::Float64 => self.fixed(push, |it| Value::Float(f64::from_le_bytes(it))),
            &DataType::Decimal32(_, scale) => self.fixed(push, |it| {
                Value::decimal(i32::from_le_bytes(it).into(), scale.into())
            }),
            &DataType::Decimal64(_, scale) => self.fixed(push, |it| {
                Value::decimal(i64::from_le_bytes(it).into(), scale.into())
            }),
            &DataType::Decimal128(_, scale) => self.fixed(push, |it| {
                Value::decimal(i128::from_le_bytes(it), scale.into())
            }),
            DataType::Date32 => self.fixed(push, |it| {
                Value::Seconds(f64::from(i32::from_le_bytes(it)) * 86_400.0)
            }),
            DataType::Date64 => self.fixed(push, |it| Value::seconds(i64::from_le_bytes(it), 1000)),
            DataType::Timestamp(unit, _) | DataType::Time64(unit) => {
                let per_second = per_second(*unit);
                self.fixed(push, |it| {
                    Value::seconds(i64::from_le_bytes(it), per_second)
                })
            }
            DataType::Time32(unit) => {
                let per_second = per_second(*unit);
                self.fixed(push, |it| {
                    Value::seconds(i32::from_le_bytes(it), per_second)
                })
            }
            DataType::Utf8 => self.texts(push, |it: [u8; 4]| i32::from_le_bytes(it).into()),
            DataType::LargeUtf8 => self.texts(push, i64::from_le_bytes),
            DataType::Utf8View => self.views(push),
            _ => Err("a column is not supported".to_owned()),
        }
    }

    /// Decodes whether the value of each row is present.
    fn are_present(&self) -> Result<impl Iterator<Item = bool>, String> {
        if !self.validity.is_empty() && self.validity.len() < self.n_rows.div_ceil(8) {
            return Err("the validity bitmap is truncated".to_owned());
        }
        let is_present = |row: usize| self.validity.is_empty() || bit(&self.validity, row);
        Ok((0..self.n_rows).map(is_present))
    }

    fn buffer(&self, index: usize, n_bytes: usize) -> Result<&[u8], String> {
        let buffer = self.buffers.get(index).map_or(&[][..], |buffer| buffer);
        let truncated = || "the values are truncated".to_owned();
        buffer.get(..n_bytes).ok_or_else(truncated)
    }

    fn booleans(&self, push: &mut dyn FnMut(Value<'_>)) -> Result<(), String> {
        let bits = self.buffer(0, self.n_rows.div_ceil(8))?;
        for (row, is_present) in self.are_present()?.enumerate() {
            push(match is_present {
                true => Value::Boolean(bit(bits, row)),
                false => Value::Missing,
            });
        }
        Ok(())
    }

    /// Reads values of `N` bytes.
    fn fixed<const N: usize>(
        &self,
        push: &mut dyn FnMut(Value<'_>),
        convert: impl Fn([u8; N]) -> Value<'static>,
    ) -> Result<(), String> {
        let (values, _) = self.buffer(0, self.n_rows.saturating_mul(N))?.as_chunks();
        for (&value, is_present) in values.iter().zip(self.are_present()?) {
            push(if is_present {
                convert(value)
            } else {
                Value::Missing
            });
        }
        Ok(())
    }

    /// Reads strings that are given by offsets of `N` bytes.
    fn texts<const N: usize>(
        &self,
        push: &mut dyn FnMut(Value<'_>),
        offset: impl Fn([u8; N]) -> i64,
    ) -> Result<(), String> {
        let n_bytes = self.n_rows.saturating_add(1).saturating_mul(N);
        let (offsets, _) = self.buffer(0, n_bytes)?.as_chunks();
        let texts = self.buffers.get(1).map_or(&[][..], |texts| texts);
        for (pair, is_present) in offsets.windows(2).zip(self.are_present()?) {
            if !is_present {
                push(Value::Missing);
                continue;
            }
            let end = |at: [u8; N]| usize::try_from(offset(at)).ok();
            let range = end(pair[0]).and_then(|start| Some(start..end(pair[1])?));
            push(text(range.and_then(|range| texts.get(range)))?);
        }
        Ok(())
    }

    /// Reads strings of up to 12 bytes, and references to longer strings.
    fn views(&self, push: &mut dyn FnMut(Value<'_>)) -> Result<(), String> {
        const MAX_SHORT: usize = 12;
        let (views, _) = self
            .buffer(0, self.n_rows.saturating_mul(16))?
            .as_chunks::<16>();
        for (view, is_present) in views.iter().zip(self.are_present()?) {
            if !is_present {
                push(Value::Missing);
                continue;
            }
            let part = |at: usize| {
                let bytes = [view[at], view[at + 1], view[at + 2], view[at + 3]];
                u32::from_le_bytes(bytes) as usize
            };
            let length = part(0);
            let bytes = if length <= MAX_SHORT {
                view.get(4..4 + length)
            } else {
                let buffer = self.buffers.get(part(8).saturating_add(1));
                buffer.and_then(|it| it.get(part(12)..part(12).checked_add(length)?))
            };
            push(text(bytes)?);
        }
        Ok(())
    }
}

fn bit(bytes: &[u8], index: usize) -> bool {
    bytes[index / 8] >> (index % 8) & 1 == 1
}

fn text(bytes: Option<&[u8]>) -> Result<Value<'_>, String> {
    let text = str::from_utf8(bytes.ok_or("a string is truncated")?);
    Ok(Value::Text(
        text.map_err(|_| "a string is not UTF-8")?.into(),
    ))
}

fn per_second(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}
