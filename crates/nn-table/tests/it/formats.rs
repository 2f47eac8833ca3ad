//! Files whose columns have types: NumPy, Parquet and Arrow. The files are written by
//! `scripts/table_formats.py`.

use std::path::{Path, PathBuf};

use nn_data::Inputs;
use nn_table::preprocessing::{InputEncoding, Purpose};
use nn_table::summary::Summary;
use nn_table::{
    Error, ErrorKind, FileFormat, Header, Place, Preprocessing, Result, Table, TableOptions,
    UnseenCategory,
};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/files")
        .join(name)
}

fn read(name: &str) -> Table {
    Table::read(&file(name), &TableOptions::default()).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn parse(bytes: &[u8]) -> Result<Table> {
    Table::parse(Path::new("x"), bytes, &TableOptions::default())
}

fn fit(table: &Table) -> Preprocessing {
    let rows: Vec<usize> = (0..table.n_rows()).collect();
    let options = TableOptions::default();
    let (fitted, _) = Preprocessing::fit(table, &rows, &options).expect("a good table");
    fitted
}

/// The inputs of the network for the rows of a file.
fn inputs(fitted: &Preprocessing, name: &str) -> Vec<f32> {
    let table = fitted.read(&file(name), Header::Auto, Purpose::Predict);
    let table = table.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(table.notes(), [], "{name}");
    let samples = fitted.transform(&table, UnseenCategory::Error);
    match samples
        .unwrap_or_else(|error| panic!("{name}: {error}"))
        .inputs
    {
        Inputs::Features(features) => features.iter().copied().collect(),
        Inputs::Pixels(_) => panic!("{name}: no images"),
    }
}

/// A model that is fitted to one of the files gets the same inputs from each of them.
fn expect_same_inputs(names: &[&str]) {
    for trained in names {
        let fitted = fit(&read(trained));
        let expected = inputs(&fitted, trained);
        for name in names {
            assert_eq!(inputs(&fitted, name), expected, "{trained}, then {name}");
        }
    }
}

/// Name, type and examples of each column.
fn columns(name: &str) -> Vec<(String, &'static str, Option<usize>, usize)> {
    let summary = Summary::new(&read(name), None);
    let columns = summary.columns.into_iter();
    columns
        .map(|it| (it.name, it.type_name, it.distinct, it.missing))
        .collect()
}

#[test]
fn arrays_of_numpy_are_tables_without_names() {
    for name in ["numbers.npy", "fortran.npy"] {
        let table = read(name);
        assert_eq!(table.format(), Some(FileFormat::Npy));
        assert!(!table.has_header());
        assert_eq!(columns(name), columns("numbers.csv"), "{name}");
    }
    expect_same_inputs(&["numbers.csv", "numbers.npy", "fortran.npy"]);
}

#[test]
fn the_summary_names_the_format_also_of_text() {
    for (name, expected) in [("numbers.npy", "npy"), ("numbers.csv", "text")] {
        let summary = serde_json::to_value(Summary::new(&read(name), None)).expect("plain data");
        assert_eq!(summary["format"], expected);
    }
}

#[test]
fn two_arrays_are_inputs_and_targets() {
    let table = read("x-and-y.npz");
    let names: Vec<&str> = table.names().collect();
    assert_eq!(names, ["column1", "column2", "y"]);
    let fitted = fit(&table);
    assert_eq!(fitted.target.columns(), ["y"]);
    assert_eq!(fitted.class_names(), ["0", "1"]);
    // The model has names, an array has none: its columns are those of the model.
    assert_eq!(
        inputs(&fitted, "x-and-y.npz"),
        inputs(&fitted, "numbers.npy")
    );
}

/// The header of an array, and its elements.
fn npy(header: &str, elements: &[u8]) -> Vec<u8> {
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), elements].concat()
}

#[test]
fn fields_of_an_array_are_columns() {
    let header = "{'descr': [('x', '>i2'), ('word', '<U2'), ('', '|V1'), ('day', '<M8[D]')], \
                  'fortran_order': False, 'shape': (2,)}";
    let row = |x: u8, word: u8, day: u8| {
        [
            &[0, x][..],
            &[word, 0, 0, 0, b'!', 0, 0, 0],
            &[9],
            &[day, 0, 0, 0, 0, 0, 0, 0],
        ]
        .concat()
    };
    let table = parse(&npy(header, &[row(7, b'a', 1), row(3, b'b', 0)].concat()));
    let summary = Summary::new(&table.expect("a good array"), None);
    let shown = summary
        .columns
        .iter()
        .map(|it| (&*it.name, it.type_name, it.examples.join(" ")));
    let expected = [
        ("x", "number", "7 3".to_owned()),
        ("word", "category", "a! b!".to_owned()),
        ("day", "date", "86400 0".to_owned()),
    ];
    assert!(shown.eq(expected), "{:?}", summary.columns);
}

#[test]
fn images_in_an_archive_are_images() {
    let x: Vec<u8> = (0..2 * 784).map(|i| (i % 251) as u8).collect();
    let x = npy(
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 28, 28, 1)}",
        &x,
    );
    let y = npy(
        "{'descr': '|i1', 'fortran_order': False, 'shape': (2,)}",
        &[3, 5],
    );
    let table = parse(&zip(&[("y.npy", &y), ("x.npy", &x)])).expect("two arrays");
    let fitted = fit(&table);
    assert_eq!(fitted.image_size(), Some((28, 28)));
    assert!(matches!(fitted.inputs, InputEncoding::Pixels));
    assert_eq!(fitted.class_names().len(), 10);
}

/// A zip archive of stored files.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let length = (content.len() as u32).to_le_bytes();
        let name_length = (name.len() as u16).to_le_bytes();
        let common = [
            &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
            &crc.sum().to_le_bytes(),
            &length,
            &length,
            &name_length,
            &[0, 0],
        ]
        .concat();
        let offset = (archive.len() as u32).to_le_bytes();
        directory.extend([b"PK\x01\x02\x14\0", &common[..], &[0; 10], &offset].concat());
        directory.extend(name.as_bytes());
        archive.extend([b"PK\x03\x04", &common[..], name.as_bytes(), content].concat());
    }
    let start = (archive.len() as u32).to_le_bytes();
    let end = [b"PK\x05\x06", &[0; 12][..], &start, &[0, 0]].concat();
    [archive, directory, end].concat()
}

#[test]
fn what_is_no_table_is_explained() {
    let array = |shape: &str, elements: &[u8]| {
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}");
        npy(&header, elements)
    };
    let (images, labels) = (array("(2, 3)", &[1; 6]), array("(2,)", &[0, 1]));
    let four = zip(&[
        ("x_train.npy", &images),
        ("y_train.npy", &labels),
        ("x_test.npy", &images),
        ("y_test.npy", &labels),
    ]);
    let objects = "{'descr': '|O', 'fortran_order': False, 'shape': (2,)}";
    for (bytes, expected) in [
        (
            four,
            "x: expected a table in an archive of NumPy arrays (.npz): expected one array, or \
             arrays x and y, or arrays of one dimension, with equal numbers of rows; found \
             x_train (2, 3), y_train (2), x_test (2, 3), y_test (2)",
        ),
        (
            npy(objects, b"\x80\x04]"),
            "x: expected a table in a NumPy array (.npy): expected numbers, text, booleans or dates, \
             found Python objects",
        ),
        (
            array("(2, 1000000000000)", &[0; 9]),
            "x: expected a table in a NumPy array (.npy): expected 2000000000000 bytes of \
             elements, found 9",
        ),
        (
            array("(0, 3)", &[]),
            "x: expected a table in a NumPy array (.npy): the array is empty",
        ),
        (
            b"PAR1 and no more".to_vec(),
            match cfg!(feature = "parquet") {
                true => {
                    "x: expected a table in a Parquet file: the end is missing: the file is \
                     truncated, or encrypted"
                }
                false => {
                    "x: expected a table in a format that this build reads, found a Parquet file"
                }
            },
        ),
        (
            b"ARROW1\0\0 and no more".to_vec(),
            match cfg!(feature = "arrow") {
                true => {
                    "x: expected a table in an Arrow file: the end is missing: the file is truncated"
                }
                false => {
                    "x: expected a table in a format that this build reads, found an Arrow file"
                }
            },
        ),
    ] {
        let error = parse(&bytes).expect_err(expected);
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.help().is_some());
    }
}

#[test]
fn a_bad_cell_is_in_a_row() {
    let elements: Vec<u8> = [1.5, 1e300]
        .into_iter()
        .flat_map(f64::to_le_bytes)
        .collect();
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1)}";
    let error = parse(&npy(header, &elements)).expect_err("too large");
    assert!(
        matches!(
            error,
            Error::BadCell {
                place: Place::Row(2),
                ..
            }
        ),
        "{error}"
    );
}

#[cfg(any(feature = "parquet", feature = "arrow"))]
mod typed {
    use std::fs;

    #[cfg(feature = "parquet")]
    use nn_table::ColumnType;
    use nn_table::Note;

    use super::*;

    const TYPES: [(&str, &str); 12] = [
        ("amount", "number"),
        ("single", "number"),
        ("count", "number"),
        ("flag", "category"),
        ("color", "category"),
        ("written", "number"),
        ("size", "category"),
        ("day", "date"),
        ("time", "date"),
        ("price", "number"),
        ("code", "category"),
        ("kind", "category"),
    ];

    /// The columns are those of the CSV file, and the texts those of its cells.
    fn expect_same_table(name: &str) {
        let csv = "table.csv";
        assert_eq!(columns(name), columns(csv), "{name}");
        let types = columns(name).into_iter().map(|it| (it.0, it.1));
        let expected = TYPES.map(|(name, type_name)| (name.to_owned(), type_name));
        assert!(types.eq(expected), "{name}");
        let (table, text) = (read(name), read(csv));
        let is_code = |note: &Note| matches!(note, Note::Codes { .. });
        assert!(table.notes().iter().any(is_code), "{:?}", table.notes());
        let cells = |table: &Table, name: &str, column: &str| {
            let bytes = fs::read(file(name)).expect("a test file");
            table.texts(&bytes, column).expect("a good file")
        };
        for (column, type_name) in TYPES {
            if type_name == "category" || column == "count" {
                assert_eq!(
                    cells(&table, name, column),
                    cells(&text, csv, column),
                    "{column}"
                );
            }
        }
    }

    #[test]
    #[cfg(feature = "parquet")]
    fn a_parquet_file_is_the_same_table_as_a_csv_file() {
        expect_same_table("none.parquet");
        expect_same_table("pandas.parquet");
        expect_same_inputs(&["table.csv", "none.parquet", "pandas.parquet"]);
    }

    #[test]
    #[cfg(feature = "arrow")]
    fn an_arrow_file_is_the_same_table_as_a_csv_file() {
        expect_same_table("none.arrow");
        expect_same_table("lz4.arrow");
        expect_same_inputs(&["table.csv", "none.arrow", "lz4.arrow"]);
    }

    #[test]
    #[cfg(feature = "parquet")]
    fn compressions_make_no_difference() {
        let expected = columns("snappy.parquet");
        let names = ["amount", "color", "kind"];
        assert!(expected.iter().map(|it| &*it.0).eq(names));
        for codec in ["gzip", "brotli", "zstd", "lz4", "version-2"] {
            assert_eq!(columns(&format!("{codec}.parquet")), expected, "{codec}");
        }
        expect_same_inputs(&[
            "gzip.parquet",
            "brotli.parquet",
            "zstd.parquet",
            "lz4.parquet",
        ]);
    }

    #[test]
    #[cfg(feature = "parquet")]
    fn types_can_be_asked_for() {
        let options = TableOptions {
            ignore: vec!["code".to_owned()],
            categorical: vec!["count".to_owned()],
            missing: vec!["-40".to_owned()],
            ..TableOptions::default()
        };
        let table = Table::read(&file("none.parquet"), &options).expect("a good file");
        let types: Vec<&ColumnType> = table
            .schema()
            .columns
            .iter()
            .map(|it| &it.column_type)
            .collect();
        assert_eq!(types[2], &ColumnType::Category);
        assert_eq!(types[10], &ColumnType::Ignored);
        let missing = Summary::new(&table, None).columns[2].missing;
        assert_eq!(missing, 1);
    }

    #[test]
    #[cfg(feature = "parquet")]
    fn nested_columns_are_refused_by_name() {
        let bytes = fs::read(file("nested.parquet")).expect("a test file");
        let error = parse(&bytes).expect_err("a list");
        assert_eq!(
            error.to_string(),
            "x: column \"list\": expected numbers, text, booleans, dates or times, found nested \
             values"
        );
        let options = TableOptions {
            ignore: vec!["list".to_owned()],
            ..TableOptions::default()
        };
        let table = Table::read(&file("nested.parquet"), &options).expect("no list");
        assert_eq!(table.n_columns(), 3);
    }
}
