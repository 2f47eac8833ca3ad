//! Files in memory: NumPy arrays, and what is refused.

use nn_columnar::{ColumnFile, Error, FileFormat, Kind, Value};

/// An array of NumPy: its header, and its elements.
fn npy(header: &str, elements: &[u8]) -> Vec<u8> {
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), elements].concat()
}

fn column(file: &ColumnFile<'_>, column: usize) -> Vec<Value<'static>> {
    let mut values = Vec::new();
    let read = file.read(column, &mut |value| values.push(value.into_owned()));
    read.expect("a good file");
    values
}

#[test]
fn fields_of_an_array_are_typed_columns() {
    let header = "{'descr': [('x', '>i2'), ('half', '<f2'), ('flag', '|b1'), ('day', '<M8[D]'), \
                  ('big', '<u8')], 'fortran_order': False, 'shape': (1,)}";
    let elements = [
        &(-7_i16).to_be_bytes()[..],
        &0x3e00_u16.to_le_bytes(),
        &[1],
        &2_i64.to_le_bytes(),
        &u64::MAX.to_le_bytes(),
    ]
    .concat();
    let bytes = npy(header, &elements);
    let file = ColumnFile::open(&bytes, FileFormat::Npy).expect("a good array");
    let expected = [
        ("x", Kind::Number, Value::Integer(-7)),
        ("half", Kind::Number, Value::Float(1.5)),
        ("flag", Kind::Boolean, Value::Boolean(true)),
        ("day", Kind::Date, Value::Seconds(2.0 * 86_400.0)),
        // Not exact as a number of double precision.
        (
            "big",
            Kind::Number,
            Value::Text("18446744073709551615".into()),
        ),
    ];
    assert_eq!(file.n_rows(), 1);
    assert_eq!(file.columns().len(), expected.len());
    for (position, (name, kind, value)) in expected.into_iter().enumerate() {
        assert_eq!(file.columns()[position].name.as_deref(), Some(name));
        assert_eq!(file.columns()[position].kind, kind, "{name}");
        assert_eq!(column(&file, position), [value], "{name}");
    }
}

#[test]
fn columns_in_the_order_of_fortran_are_the_same() {
    let read = |is_fortran: &str, elements: &[u8]| {
        let header = format!("{{'descr': '|u1', 'fortran_order': {is_fortran}, 'shape': (2, 3)}}");
        let bytes = npy(&header, elements);
        let file = ColumnFile::open(&bytes, FileFormat::Npy).expect("a good array");
        [0, 1, 2].map(|position| column(&file, position))
    };
    let columns = read("False", &[1, 2, 3, 4, 5, 6]);
    assert_eq!(columns[1], [Value::Integer(2), Value::Integer(5)]);
    assert_eq!(read("True", &[1, 4, 2, 5, 3, 6]), columns);
}

#[test]
fn a_column_that_is_missing_is_an_error() {
    let bytes = npy(
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}",
        &[0; 6],
    );
    let file = ColumnFile::open(&bytes, FileFormat::Npy).expect("a good array");
    let error = file.read(3, &mut |_| {}).expect_err("three columns");
    assert_eq!(
        error.to_string(),
        "expected a table in a NumPy array (.npy): expected at least 4 columns, found 3"
    );
}

#[test]
fn files_that_are_cut_off_are_refused() {
    for (format, feature, is_built) in [
        (FileFormat::Npy, "", true),
        (FileFormat::Npz, "", true),
        (FileFormat::Parquet, "parquet", cfg!(feature = "parquet")),
        (FileFormat::Arrow, "arrow", cfg!(feature = "arrow")),
    ] {
        let error = ColumnFile::open(b"PAR1", format).expect_err("no such file");
        match error {
            Error::FormatNotBuilt { .. } => {
                assert!(!is_built);
                assert_eq!(error, Error::FormatNotBuilt { format, feature });
            }
            _ => assert!(
                is_built && matches!(error, Error::BadFile { .. }),
                "{error}"
            ),
        }
    }
}
