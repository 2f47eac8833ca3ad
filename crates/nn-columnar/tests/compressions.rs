//! The same rows in each compression of a format. `scripts/table_formats.py` writes the files.
#![cfg(any(feature = "parquet", feature = "arrow"))]

use std::fs;
use std::path::Path;

use nn_columnar::{ColumnFile, FileFormat, Kind, TypedColumn, Value};

/// The columns of a file of nn-table's tests, and their values.
fn read(name: &str, format: FileFormat) -> (Vec<TypedColumn>, Vec<Vec<Value<'static>>>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nn-table/tests/files");
    let bytes = fs::read(folder.join(name)).expect("a test file");
    assert_eq!(FileFormat::of(&bytes), Some(format), "{name}");
    let file = ColumnFile::open(&bytes, format).unwrap_or_else(|e| panic!("{name}: {e}"));
    let values = (0..file.columns().len()).map(|column| {
        let mut values = Vec::new();
        let read = file.read(column, &mut |value| values.push(value.into_owned()));
        read.unwrap_or_else(|e| panic!("{name}: {e}"));
        values
    });
    let values = values.collect();
    (file.columns().to_vec(), values)
}

#[test]
#[cfg(feature = "parquet")]
fn pages_of_parquet_files_are_decompressed() {
    let (columns, values) = read("snappy.parquet", FileFormat::Parquet);
    assert_eq!(columns[0].name.as_deref(), Some("amount"));
    assert_eq!(columns[0].kind, Kind::Number);
    assert!(values.iter().all(|column| column.len() == 24));
    for name in ["gzip", "brotli", "zstd", "lz4", "version-2"] {
        let name = format!("{name}.parquet");
        let found = read(&name, FileFormat::Parquet);
        assert_eq!(found, (columns.clone(), values.clone()), "{name}");
    }
}

#[test]
#[cfg(feature = "arrow")]
fn blocks_of_arrow_files_are_decompressed() {
    let (columns, values) = read("none.arrow", FileFormat::Arrow);
    assert_eq!(columns[0].name.as_deref(), Some("amount"));
    assert_eq!(columns[0].kind, Kind::Number);
    assert!(values.iter().all(|column| column.len() == 24));
    assert_eq!(read("lz4.arrow", FileFormat::Arrow), (columns, values));
}
