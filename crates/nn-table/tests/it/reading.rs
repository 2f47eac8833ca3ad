//! What people's files hold: separators, headers, encodings, formats of numbers,
//! dates, codes and missing values.

use std::fmt::Write;
use std::path::Path;

use ndarray::array;
use nn_data::Inputs;
use nn_table::preprocessing::{InputEncoding, Purpose};
use nn_table::{
    ColumnType, Encoding, Header, Note, NumberFormat, Preprocessing, Result, Separator, Table,
    TableOptions, Task, UnseenCategory,
};

fn parse_named(name: &str, text: impl AsRef<[u8]>, options: &TableOptions) -> Result<Table> {
    Table::parse(Path::new(name), text.as_ref(), options)
}

fn parse(text: impl AsRef<[u8]>) -> Table {
    parse_named("t.csv", text, &TableOptions::default()).expect("a good table")
}

fn names(table: &Table) -> Vec<&str> {
    table.names().collect()
}

fn types(table: &Table) -> Vec<&str> {
    let columns = table.schema().columns.iter();
    columns.map(|column| column.column_type.name()).collect()
}

fn fit(table: &Table, options: &TableOptions) -> (Preprocessing, Vec<Note>) {
    let rows: Vec<usize> = (0..table.n_rows()).collect();
    Preprocessing::fit(table, &rows, options).expect("a good table")
}

/// The values of the only input column, in the units of the table.
fn numbers(table: &Table) -> Vec<f32> {
    let options = TableOptions {
        target: Some("y".to_owned()),
        ..TableOptions::default()
    };
    let (fitted, _) = fit(table, &options);
    let samples = fitted
        .transform(table, UnseenCategory::Error)
        .expect("seen");
    let (InputEncoding::Columns(columns), Inputs::Features(features)) =
        (&fitted.inputs, samples.inputs)
    else {
        panic!("a table of columns")
    };
    let nn_table::ColumnEncoding::Standardize(number) = &columns[0].encoding else {
        panic!("a column of numbers")
    };
    let scaling = number.scaling;
    let restored = |z: &f32| (f64::from(*z) * scaling.scale() + scaling.center()) as f32;
    features.column(0).iter().map(restored).collect()
}

#[test]
fn the_separator_gives_every_line_the_same_number_of_fields() {
    let separator = |name: &str, text: &str| {
        let table = parse_named(name, text, &TableOptions::default()).expect("a good table");
        (table.schema().separator, table.n_columns())
    };
    let names = "Aster, Ann\tf\t12\nBirch, Bob\tm\t30\nCedar, Cid\tm\t8\n";
    assert_eq!(separator("t.tsv", names), (Separator::Tab, 3));
    assert_eq!(separator("t.csv", names), (Separator::Tab, 3));
    let decimal_commas = "5,0;3,2;a\n4,9;3,1;b\n5,1;3,8;a\n";
    assert_eq!(
        separator("t.csv", decimal_commas),
        (Separator::Semicolon, 3)
    );
    let quoted = "\"Aster, Ann\";f;12\n\"Birch, Bob\";m;30\n";
    assert_eq!(separator("t.csv", quoted), (Separator::Semicolon, 3));
    let aligned = "18.0   8   307.0\t\"aster one\"\n15.5  12   350.0\t\"birch two\"\n";
    assert_eq!(separator("t.data", aligned), (Separator::Blanks, 4));
    assert_eq!(separator("t.csv", "a|b\n1|2\n3|4\n"), (Separator::Pipe, 2));
    assert_eq!(
        separator("t.csv", "sep=;\na;b\n1;2\n"),
        (Separator::Semicolon, 2)
    );
    assert_eq!(
        separator("t.csv", "39, State-gov, 7\n50, Private, 8\n"),
        (Separator::Comma, 3)
    );
}

#[test]
fn lines_are_counted_with_the_line_of_the_separator() {
    let error = parse_named("t.csv", "sep=;\na;b\n1;2\n3\n", &TableOptions::default());
    let error = error.expect_err("a short row").to_string();
    assert_eq!(error, "t.csv: line 4: expected 2 fields, found 1");
}

#[test]
fn comment_lines_are_skipped_and_named() {
    let table = parse("# made by hand\na,y\n1,2\n# a remark, of two fields\n3,4\n");
    assert_eq!((names(&table), table.n_rows()), (vec!["a", "y"], 2));
    let skipped = Note::CommentLines { lines: vec![1, 4] };
    assert_eq!(table.notes(), [skipped]);
    let error = parse_named(
        "t.csv",
        "# one\na,y\n# two\n1,2\n3\n",
        &TableOptions::default(),
    );
    assert!(error.expect_err("short").to_string().contains("line 5"));
    // A header may begin with a number sign.
    assert_eq!(names(&parse("#a,y\n1,2\n3,4\n")), ["a", "y"]);
}

#[test]
fn the_first_row_is_a_header_if_it_differs_from_the_rows_below() {
    let header = |text: &str| {
        let table = parse(text);
        (table.has_header(), table.n_rows())
    };
    // Words that occur again below are data.
    let weather = "sunny,hot,no\nrainy,cool,yes\nsunny,cool,yes\nrainy,hot,no\n";
    assert_eq!(header(weather), (false, 4));
    assert_eq!(header(&format!("sky,heat,play\n{weather}")), (true, 4));
    // pandas names the columns of a nameless frame 0, 1, 2, ...
    let numbered = parse("0,1,2\n5.1,3.5,1\n4.9,3.0,0\n");
    assert_eq!(
        (numbered.has_header(), names(&numbered)),
        (true, vec!["0", "1", "2"])
    );
    let note = Note::NumericHeader {
        first: "0".to_owned(),
        last: "2".to_owned(),
    };
    assert_eq!(numbered.notes(), [note]);
    assert_eq!(
        header("country,2019,2020,2021\nA,1.5,2.5,3\nB,2,2,2\n"),
        (true, 2)
    );
    assert_eq!(header("7,8,9\n1,2,3\n"), (false, 2), "no names begin at 7");
    assert_eq!(header("M,0.4,15\nF,0.5,7\nM,0.3,9\n"), (false, 3));
    assert_eq!(
        header(",a\n1,2\n3,4\n"),
        (true, 2),
        "the name of an index is empty"
    );
}

#[test]
fn other_encodings_are_read_with_a_note() {
    let text = "name,y\nJosé,1\nZoë,2\nJosé,3\n";
    let expected = parse(text);
    let units = |swap: bool| -> Vec<u8> {
        let bytes = |unit: u16| {
            if swap {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        };
        text.encode_utf16().flat_map(bytes).collect()
    };
    for (bytes, encoding) in [
        (units(false), Encoding::Utf16),
        (units(true), Encoding::Utf16),
        (
            [b"\xff\xfe".to_vec(), units(false)].concat(),
            Encoding::Utf16,
        ),
        (
            [b"\xfe\xff".to_vec(), units(true)].concat(),
            Encoding::Utf16,
        ),
        (
            text.chars().map(|c| c as u8).collect(),
            Encoding::Windows1252 { line: 2 },
        ),
    ] {
        let table = parse(bytes);
        assert_eq!(
            (table.encoding(), table.schema()),
            (encoding, expected.schema())
        );
        assert_eq!(table.notes(), [Note::NotUtf8(encoding)]);
        let options = TableOptions {
            target: Some("y".to_owned()),
            task: Task::Regression,
            ..TableOptions::default()
        };
        assert_eq!(fit(&table, &options), fit(&expected, &options));
    }
}

#[test]
fn a_compressed_table_is_the_same_table() {
    let text = "a,y\n1,2\n3,4\n";
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, text.as_bytes()).expect("memory");
    let bytes = encoder.finish().expect("memory");
    assert_eq!(parse(&bytes), parse(text));
    let cut = parse_named(
        "t.csv.gz",
        &bytes[..bytes.len() - 6],
        &TableOptions::default(),
    );
    let message = cut.expect_err("cut off").to_string();
    assert!(
        message.starts_with("t.csv.gz: expected a gzip-compressed table"),
        "{message}"
    );
    let bomb = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &vec![b'1'; 20 << 20]).expect("memory");
        encoder.finish().expect("memory")
    };
    let message = parse_named("t.csv.gz", bomb, &TableOptions::default());
    let message = message.expect_err("a bomb").to_string();
    assert!(message.contains("300 times"), "{message}");
}

#[test]
fn formats_of_numbers_are_those_of_the_whole_column() {
    let column = |cells: &[&str]| {
        let mut text = "x;y\n".to_owned();
        for (row, cell) in cells.iter().enumerate() {
            writeln!(text, "{cell};{row}").expect("memory");
        }
        numbers(&parse(text))
    };
    assert_eq!(
        column(&["1.388.782,53", "912.000,00"]),
        [1_388_782.5, 912_000.0]
    );
    assert_eq!(column(&["5,0", "4,25", "5"]), [5.0, 4.25, 5.0]);
    assert_eq!(column(&["$1,234,567", "$-5"]), [1_234_567.0, -5.0]);
    assert_eq!(column(&["1250 CC", "998 CC"]), [1250.0, 998.0]);
    assert_eq!(column(&["12 %", "7.5 %"]), [12.0, 7.5]);
    // In a file with semicolons, a comma is a decimal comma if both are possible.
    assert_eq!(column(&["1,234", "2,345"]), [1.234, 2.345]);
    let comma = parse("x,y\n\"1,234\",1\n\"2,345\",2\n");
    assert_eq!(numbers(&comma), [1234.0, 2345.0]);
    assert!(comma.notes()[0].is_doubtful(), "{:?}", comma.notes());
    let mixed = parse("x,y\n5 kg,1\n7 lb,2\n9 kg,1\n").schema().columns[0].clone();
    assert_eq!(mixed.column_type, ColumnType::Category);
}

#[test]
fn codes_keep_their_zeros_and_digits() {
    let table = parse("code,id,x\n007,9007199254740992,1\n7,9007199254740993,2\n012,3,3\n");
    assert_eq!(types(&table), ["category", "category", "number"]);
    // A single zero in front among many numbers is not a code, but doubtful.
    let mut text = "x,y\n012,1\n".to_owned();
    (0..200).for_each(|row| writeln!(text, "{row},{row}").expect("memory"));
    let table = parse(text);
    assert_eq!(types(&table), ["number", "number"]);
    assert!(
        table.notes().iter().any(Note::is_doubtful),
        "{:?}",
        table.notes()
    );
}

#[test]
fn missing_values_are_known_by_their_marks() {
    for mark in ["", "NA", "n/a", "NaN", "NULL", "null", "None", "?", "-"] {
        let table = parse(format!("x,c,y\n1,a,1\n{mark},{mark},2\n4,b,3\n2,a,4\n"));
        assert_eq!(types(&table), ["number", "category", "number"], "{mark}");
        let (fitted, _) = fit(&table, &TableOptions::default());
        let samples = fitted
            .transform(&table, UnseenCategory::Error)
            .expect("seen");
        let Inputs::Features(features) = samples.inputs else {
            panic!("numbers")
        };
        // Median 2 and mean 7/3 of 1, 4, 2; population std sqrt(14/9); then the
        // indicator, and the categories "", a, b.
        let z = |x: f64| ((x - 7.0 / 3.0) / (14.0_f64 / 9.0).sqrt()) as f32;
        let expected = array![
            [z(1.0), 0.0, 0.0, 1.0, 0.0],
            [z(2.0), 1.0, 1.0, 0.0, 0.0],
            [z(4.0), 0.0, 0.0, 0.0, 1.0],
            [z(2.0), 0.0, 0.0, 1.0, 0.0],
        ];
        assert!(
            (&features - &expected).iter().all(|it| it.abs() < 1e-6),
            "{mark}: {features}"
        );
    }
    let options = TableOptions {
        missing: vec!["-999".to_owned(), "unknown".to_owned()],
        ..TableOptions::default()
    };
    let text = "x,y\n1,1\n-999,2\nunknown,3\n4,4\n";
    let table = parse_named("t.csv", text, &options).expect("a good table");
    assert_eq!(types(&table), ["number", "number"]);
    // A model remembers the marks.
    let (fitted, _) = fit(&table, &options);
    let later = fitted
        .parse(
            Path::new("l.csv"),
            b"x\n-999\n",
            Header::Auto,
            Purpose::Predict,
        )
        .expect("a marked cell");
    let samples = fitted
        .transform(&later, UnseenCategory::Zeros)
        .expect("the median");
    let Inputs::Features(features) = samples.inputs else {
        panic!("numbers")
    };
    assert_eq!(features, array![[0.0, 1.0]]);
}

#[test]
fn one_word_among_numbers_is_assumed_to_be_a_mark() {
    let table = parse("x,y\n1,1\nunknown,2\n3,3\nunknown,4\n4,5\n");
    assert_eq!(types(&table), ["number", "number"]);
    let assumed = Note::AssumedMark {
        column: "x".to_owned(),
        mark: "unknown".to_owned(),
        n_rows: 2,
    };
    assert_eq!(table.notes(), [assumed]);
}

#[test]
fn an_assumed_mark_is_a_missing_value_in_later_tables_too() {
    let text = "code,x,y\n01,1,7\nnone yet,2,8\n02,lost,9\nnone yet,lost,8\n03,3,7\n01,4,9\n";
    let table = parse(text);
    assert_eq!(types(&table), ["category", "number", "number"]);
    let (fitted, _) = fit(&table, &TableOptions::default());
    let fitted = Preprocessing::from_json(&fitted.to_json()).expect("the same preprocessing");
    let later = fitted.parse(
        Path::new("later.csv"),
        text.as_bytes(),
        Header::Auto,
        Purpose::Evaluate,
    );
    let later = later.expect("the table of the training run");
    assert_eq!(later.notes(), []);
    let inputs = |table| {
        let samples = fitted.transform(table, UnseenCategory::Error);
        match samples.expect("no unknown category").inputs {
            Inputs::Features(features) => features,
            Inputs::Pixels(_) => panic!("numbers"),
        }
    };
    assert_eq!(inputs(&later), inputs(&table));
}

#[test]
fn rows_without_a_target_are_dropped_and_counted() {
    let mut table = parse("x,y\n1,a\n2,?\n3,b\n4,\n5,a\n");
    let options = TableOptions::default();
    let note = Preprocessing::drop_missing_targets(&mut table, &options).expect("rows are left");
    let dropped = Note::MissingTargets {
        columns: vec!["y".to_owned()],
        n_rows: 2,
    };
    assert_eq!((note, table.n_rows()), (Some(dropped), 3));
    let (fitted, _) = fit(&table, &options);
    assert_eq!(fitted.class_names(), ["a", "b"]);
}

#[test]
fn dates_become_seconds_and_cycles() {
    let text = "when,y\n2024-01-01,1\n2024-01-02,2\n2024-02-01,3\n";
    let table = parse(text);
    assert_eq!(types(&table), ["date", "number"]);
    let (fitted, _) = fit(&table, &TableOptions::default());
    // Seconds, seven weekdays and twelve months; the hour does not vary.
    assert_eq!(fitted.n_inputs(), 1 + 7 + 12);
    let samples = fitted
        .transform(&table, UnseenCategory::Error)
        .expect("seen");
    let Inputs::Features(features) = samples.inputs else {
        panic!("numbers")
    };
    let set: Vec<Vec<usize>> = features
        .rows()
        .into_iter()
        .map(|row| (1..20).filter(|&input| row[input] == 1.0).collect())
        .collect();
    // A Monday and a Tuesday in January, and a Thursday in February.
    assert_eq!(set, [[1, 8], [2, 8], [4, 9]]);
    let german = parse("when,y\n31.12.2023,1\n01.02.2024,2\n");
    assert_eq!(types(&german), ["date", "number"]);
}

#[test]
fn texts_and_row_numbers_are_left_out() {
    let mut text = "id,name,x,y\n".to_owned();
    for row in 0..60 {
        writeln!(text, "{row},person {row},{},{}", row * row % 7, row % 2).expect("memory");
    }
    let table = parse(text);
    let (fitted, notes) = fit(&table, &TableOptions::default());
    assert_eq!(fitted.input_ranges().collect::<Vec<_>>(), [("x", 0..1)]);
    let left_out = [
        Note::RowNumbers {
            column: "id".to_owned(),
        },
        Note::LeftOut {
            column: "name".to_owned(),
            n_distinct: 60,
            n_rows: 60,
        },
    ];
    assert_eq!(notes[..2], left_out);
    let kept = TableOptions {
        categorical: vec!["name".to_owned()],
        ..TableOptions::default()
    };
    let (fitted, _) = fit(&table, &kept);
    assert_eq!(fitted.n_inputs(), 61);
}

#[test]
fn rare_categories_are_merged() {
    let mut text = "c,y\n".to_owned();
    for row in 0..1000 {
        writeln!(text, "c{},{}", row % 300, row % 2).expect("memory");
    }
    let (fitted, notes) = fit(&parse(text), &TableOptions::default());
    assert_eq!(fitted.n_inputs(), 255);
    let merged = Note::RareCategories {
        column: "c".to_owned(),
        n_kept: 255,
        n_merged: 45,
    };
    assert!(notes.contains(&merged), "{notes:?}");
}

#[test]
fn a_column_that_gives_the_target_away_is_named() {
    let mut text = "x,alive,y\n".to_owned();
    let mut price = "x,cents,y\n".to_owned();
    for row in 0..100 {
        let (x, y) = (row * 37 % 11, row % 2);
        writeln!(text, "{x},{},{y}", ["no", "yes"][y]).expect("memory");
        writeln!(price, "{x},{}.5,{row}.25", 100 * row).expect("memory");
    }
    for (text, column) in [(text, "alive"), (price, "cents")] {
        let (_, notes) = fit(&parse(text), &TableOptions::default());
        let expected = Note::GivesTargetAway {
            column: column.to_owned(),
            target: "y".to_owned(),
        };
        assert!(notes.contains(&expected), "{notes:?}");
    }
}

#[test]
fn a_class_may_end_in_a_full_stop() {
    let (fitted, _) = fit(
        &parse("x,y\n1,<=50K\n2,>50K\n3,<=50K\n"),
        &TableOptions::default(),
    );
    let later = fitted.parse(
        Path::new("l.csv"),
        b"x,y\n1,<=50K.\n2,>50K.\n",
        Header::Auto,
        Purpose::Evaluate,
    );
    let samples = fitted.transform(&later.expect("a table"), UnseenCategory::Zeros);
    let samples = samples.expect("known classes");
    let Some(nn_data::Targets::Classes(classes)) = samples.targets else {
        panic!("classes")
    };
    assert_eq!(classes, [0, 1]);
    assert_eq!(samples.notes.len(), 1, "{:?}", samples.notes);
}

#[test]
fn blanks_around_cells_are_removed_unless_quoted() {
    let table = parse("c, x,y\na , 1,1\n b,2 ,2\n\" a\",3,1\na,4,2\n");
    assert_eq!(names(&table), ["c", "x", "y"]);
    let (fitted, _) = fit(&table, &TableOptions::default());
    let InputEncoding::Columns(columns) = &fitted.inputs else {
        panic!("a table of columns")
    };
    let words = [" a", "a", "b"].map(str::to_owned).to_vec();
    assert_eq!(columns[0].encoding, nn_table::ColumnEncoding::OneHot(words));
}

#[test]
fn duplicates_are_counted() {
    let table = parse("x,y\n1,a\n2,b\n1,a\n1,a\n");
    assert_eq!(table.notes(), [Note::Duplicates { n_rows: 2 }]);
    assert_eq!(table.n_repeated(&[2, 1], &[0]), Some(1));
}

#[test]
fn a_schema_file_overrides_what_is_inferred() {
    let mut options = TableOptions::default();
    options
        .add_toml(
            "target = \"y\"\nmissing = [\"none\"]\n[columns]\nzip = \"category\"\n\
             note = \"ignored\"\nprice = { type = \"number\", decimal = \",\" }\n",
        )
        .expect("a good schema");
    let text = "zip;note;price;y\n10115;x;1,234;1\n10117;y;2,5;2\n10115;z;none;1\n";
    let table = parse_named("t.csv", text, &options).expect("a good table");
    assert_eq!(types(&table), ["category", "ignored", "number", "number"]);
    let decimal_comma = NumberFormat {
        decimal: nn_table::Decimal::Comma,
        ..NumberFormat::default()
    };
    assert_eq!(
        table.schema().columns[2].column_type,
        ColumnType::Number(decimal_comma)
    );
    for bad in [
        "kind = 1",
        "[columns]\nzip = \"word\"",
        "header = \"maybe\"",
    ] {
        let error = TableOptions::default().add_toml(bad).expect_err("nonsense");
        assert!(
            error.to_string().starts_with("invalid schema file: "),
            "{error}"
        );
        assert!(error.help().is_some());
    }
    let unknown = TableOptions {
        columns: [("zipp".to_owned(), ColumnType::Category)].into(),
        ..TableOptions::default()
    };
    let error = parse_named("t.csv", text, &unknown).expect_err("no such column");
    assert!(
        error.to_string().contains("did you mean \"zip\"?"),
        "{error}"
    );
}

#[test]
fn letters_without_a_header_are_images() {
    let mut text = String::new();
    for row in 0..60 {
        write!(text, "{}", row % 26 + 1).expect("memory");
        for pixel in 0..784 {
            let value = if (28..756).contains(&pixel) {
                (row * pixel) % 256
            } else {
                0
            };
            write!(text, ",{value}").expect("memory");
        }
        text.push('\n');
    }
    let (fitted, _) = fit(&parse(&text), &TableOptions::default());
    assert_eq!(fitted.image_size(), Some((28, 28)));
    assert_eq!(fitted.class_names().len(), 26);
    assert_eq!(fitted.class_names()[25], "26");
}

#[test]
fn pixels_of_zeros_and_ones_are_scaled() {
    let mut text = String::new();
    for row in 0..20 {
        write!(text, "{}", row % 10).expect("memory");
        (0..784).for_each(|pixel| write!(text, ",{}", (row + pixel) % 2).expect("memory"));
        text.push('\n');
    }
    let table = parse(&text);
    let (fitted, _) = fit(&table, &TableOptions::default());
    assert_eq!(fitted.inputs, InputEncoding::Levels { largest: 1 });
    let samples = fitted
        .transform(&table, UnseenCategory::Zeros)
        .expect("images");
    let Inputs::Pixels(pixels) = samples.inputs else {
        panic!("images")
    };
    assert_eq!(pixels.row(0).to_vec()[..4], [0, 255, 0, 255]);
    let restored = Preprocessing::from_json(&fitted.to_json()).expect("just written");
    assert_eq!(restored, fitted);
}

/// A large table is read in parts by several threads.
#[test]
fn a_table_in_parts_is_the_same_table() {
    let mut text = "x,c,b,y\n".to_owned();
    for row in 0..200_000 {
        let x = if row == 150_000 {
            "?".to_owned()
        } else {
            format!("{row}.25")
        };
        let b = if row < 120_000 { row % 256 } else { row };
        writeln!(
            text,
            "{x},c{},{b},{}",
            row / 1000 % 7 + row / 150_000,
            row % 2
        )
        .expect("memory");
    }
    // A quoted cell keeps it in one part.
    let (parts, whole) = (parse(&text), parse(text.replacen("c0", "\"c0\"", 1)));
    let options = TableOptions::default();
    assert_eq!(parts.schema(), whole.schema());
    let rows: Vec<usize> = (0..parts.n_rows()).collect();
    let samples = [&parts, &whole].map(|table| {
        let (fitted, _) = Preprocessing::fit(table, &rows, &options).expect("a good table");
        let samples = fitted
            .transform(table, UnseenCategory::Error)
            .expect("seen");
        (fitted, samples)
    });
    let [(fitted, samples), (expected, expected_samples)] = samples;
    assert_eq!(fitted, expected);
    let (Inputs::Features(a), Inputs::Features(b)) = (samples.inputs, expected_samples.inputs)
    else {
        panic!("numbers")
    };
    assert_eq!(a, b);
    // Lines are counted across the parts.
    let ragged = format!("{text}1,2\n");
    let error = parse_named("t.csv", ragged, &options).expect_err("a short row");
    assert_eq!(
        error.to_string(),
        "t.csv: line 200002: expected 4 fields, found 2"
    );
    let worded = text.replacen("150001.25", "many", 1);
    let error = parse_named("t.csv", worded, &options).expect_err("a word");
    let expected = "t.csv: line 150003, column \"x\": expected a number, found \"many\"";
    assert_eq!(error.to_string(), expected);
}
