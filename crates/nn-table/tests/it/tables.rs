//! Tables: reading, preprocessing, predictions, and error messages.

use std::fmt::Write;
use std::path::Path;

use ndarray::{Array2, Axis, array};
use nn_data::{Inputs, Targets};
use nn_table::predictions::write_predictions;
use nn_table::preprocessing::{InputEncoding, Purpose, Samples};
use nn_table::{
    ColumnEncoding, Error, ErrorKind, Header, Note, NumberScaling, Place, Preprocessing, Result,
    Scaling, Standardization, Table, TableOptions, TargetEncoding, TargetTransform, Task,
    UnseenCategory,
};
use proptest::prelude::*;

const FLOWERS: &str = "length,color,kind\n1.0,red,rose\n2.0,blue,iris\n3.0,red,rose\n";

fn parse_with(text: impl AsRef<[u8]>, options: &TableOptions) -> Result<Table> {
    Table::parse(Path::new("t.csv"), text.as_ref(), options)
}

fn parse(text: impl AsRef<[u8]>) -> Result<Table> {
    parse_with(text, &TableOptions::default())
}

fn fit_with(text: &str, options: &TableOptions) -> Result<(Table, Preprocessing, Vec<Note>)> {
    let table = parse_with(text, options)?;
    let rows: Vec<usize> = (0..table.n_rows()).collect();
    let (preprocessing, notes) = Preprocessing::fit(&table, &rows, options)?;
    Ok((table, preprocessing, notes))
}

/// Reads a later table with fitted preprocessing.
fn later(fitted: &Preprocessing, text: &str, purpose: Purpose) -> Result<Table> {
    fitted.parse(Path::new("l.csv"), text.as_bytes(), Header::Auto, purpose)
}

fn fit(text: &str) -> Result<(Table, Preprocessing, Vec<Note>)> {
    fit_with(text, &TableOptions::default())
}

/// Preprocessing fitted to all rows.
fn fit_rows(table: &Table) -> Preprocessing {
    let rows: Vec<usize> = (0..table.n_rows()).collect();
    let fitted = Preprocessing::fit(table, &rows, &TableOptions::default());
    fitted.expect("a good table").0
}

fn target(name: &str, task: Task) -> TableOptions {
    TableOptions {
        target: Some(name.to_owned()),
        task,
        ..TableOptions::default()
    }
}

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.expect_err("it must be refused").to_string()
}

fn features(samples: &Samples) -> &Array2<f32> {
    match &samples.inputs {
        Inputs::Features(numbers) => numbers,
        Inputs::Pixels(_) => panic!("no table of images"),
    }
}

fn pixels(samples: &Samples) -> &Array2<u8> {
    match &samples.inputs {
        Inputs::Pixels(pixels) => pixels,
        Inputs::Features(_) => panic!("a table of images"),
    }
}

fn classes(samples: &Samples) -> &[u32] {
    match &samples.targets {
        Some(Targets::Classes(classes)) => classes,
        other => panic!("no classes: {other:?}"),
    }
}

fn target_values(samples: &Samples) -> &Array2<f32> {
    match &samples.targets {
        Some(Targets::Values(values)) => values,
        other => panic!("no values: {other:?}"),
    }
}

#[test]
fn one_table_in_five_encodings_is_one_table() {
    let expected = parse(FLOWERS).expect("a good table");
    for text in [
        format!("\u{feff}{FLOWERS}"),
        FLOWERS.replace('\n', "\r\n"),
        FLOWERS.replace('\n', "\r"),
        FLOWERS.trim_end().to_owned(),
        FLOWERS.replace('\n', "\n\n"),
    ] {
        let table = parse(&text).expect("the same table");
        assert!(table.names().eq(expected.names()));
        let samples = |table: &Table| {
            let (fitted, _) = Preprocessing::fit(table, &[0, 1, 2], &TableOptions::default())
                .expect("a good table");
            let samples = fitted
                .transform(table, UnseenCategory::Error)
                .expect("seen");
            (fitted, features(&samples).clone())
        };
        assert_eq!(samples(&table), samples(&expected), "{text:?}");
    }
    let semicolons = parse(FLOWERS.replace(',', ";")).expect("the same table");
    let tabs = parse(FLOWERS.replace(',', "\t")).expect("the same table");
    for table in [semicolons, tabs] {
        let rows = |table: &Table| fit_rows(table).transform(table, UnseenCategory::Error);
        let (table, expected) = (rows(&table), rows(&expected));
        let (table, expected) = (table.expect("seen"), expected.expect("seen"));
        assert_eq!(features(&table), features(&expected));
    }
}

#[test]
fn cells_that_are_no_numbers_are_named() {
    let cell = |cell: &str| message(parse(format!("age,y\n1,2\n2,3\n{cell},4\n4,5\n")));
    let at = |problem: &str| format!("t.csv: line 4, column \"age\": {problem}");
    assert_eq!(cell("abc"), at("expected a number, found \"abc\""));
    assert_eq!(
        cell("\"1\n2\""),
        at("expected one line (is a quote missing?), found \"1\\n2\"")
    );
    for spelling in ["inf", "-Infinity", "1e39", "-1e999"] {
        let finite = format!("expected a finite number below 3.4e38, found \"{spelling}\"");
        assert_eq!(cell(spelling), at(&finite));
    }
    let long = cell(&"x\t".repeat(50));
    let shown = long.rsplit("found ").next().expect("it says what it found");
    assert_eq!(shown, format!("\"{}x...\"", "x\\t".repeat(12)));
}

#[test]
fn lines_are_counted_whatever_ends_them() {
    for end in ["\n", "\r\n", "\r"] {
        let text = ["", "a,y", "1,2", "", "\"3\",4", "5,x", ""].join(end);
        let error = message(parse(&text));
        assert!(error.contains("line 6, column \"y\""), "{end:?}: {error}");
    }
    let quoted = "a,y\n\"two\nlines\",1\n";
    assert!(message(parse(quoted)).contains("line 2, column \"a\""));
}

#[test]
fn ragged_rows_say_both_numbers() {
    assert_eq!(
        message(parse("a,b,y\n1,2,3\n4,5\n")),
        "t.csv: line 3: expected 3 fields, found 2"
    );
    assert_eq!(
        message(parse("a,b,y\n1,2,3,4\n")),
        "t.csv: line 2: expected 3 fields, found 4"
    );
}

#[test]
fn headers_are_found_or_requested() {
    let header = |text: &str, header| {
        let options = TableOptions {
            header,
            ..TableOptions::default()
        };
        parse_with(text, &options).map(|table| {
            let names: Vec<String> = table.names().map(str::to_owned).collect();
            (names, table.n_rows())
        })
    };
    let named = (vec!["a".to_owned(), "b".to_owned()], 1);
    let counted = (vec!["column1".to_owned(), "column2".to_owned()], 2);
    assert_eq!(header("a, b\n1,2\n", Header::Auto).expect("good"), named);
    assert_eq!(header("3,4\n1,2\n", Header::Auto).expect("good"), counted);
    assert_eq!(header("x,4\ny,2\n", Header::No).expect("good"), counted);
    assert_eq!(
        header("3,4\n1,2\n", Header::Yes).expect("good"),
        (vec!["3".to_owned(), "4".to_owned()], 1)
    );
    // Numbers in all columns, so the word in the first row is either a name or a mistake.
    let mixed = header("x,4\n1,2\n2,3\n", Header::Auto).expect_err("could be either");
    assert_eq!(
        mixed.to_string(),
        "t.csv: line 1: expected a header or data, found both: \"4\" is a number, \"x\" is not"
    );
    assert_eq!(mixed.help().as_deref(), Some("set `header` to yes or no"));
    assert_eq!(
        message(parse("a,b,a\n1,2,3\n")),
        "t.csv: columns 1 and 3 have the same name \"a\""
    );
}

#[test]
fn tables_without_rows_are_empty() {
    for text in ["", "\n\n", "\u{feff}", "a,b\n", "a,b"] {
        let expected = "t.csv: expected at least 1 sample, found 0 samples";
        assert_eq!(message(parse(text)), expected, "{text:?}");
    }
}

#[test]
fn other_formats_are_named() {
    assert!(message(parse("<!DOCTYPE html><p>1,2")).ends_with("HTML or XML text"));
    assert!(message(parse(b"PK\x03\x04\0\0")).ends_with("a zip archive or spreadsheet"));
    let gzip = message(parse(b"\x1f\x8b\x08\0"));
    assert!(
        gzip.starts_with("t.csv: expected a gzip-compressed table"),
        "{gzip}"
    );
    assert_eq!(
        message(parse(b"a,b\n1,2\n3,\0\n")),
        "t.csv: line 3: expected text, found a NUL character"
    );
    parse("BMI,y\n1,2\n").expect("not every table that begins BM is a bitmap");
}

#[test]
fn a_folder_is_not_read() {
    let error = Table::read(&std::env::temp_dir(), &TableOptions::default()).expect_err("folder");
    assert!(
        matches!(error, Error::File(nn_files::Error::NotAFile { .. })),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Data);
}

#[cfg(unix)]
#[test]
fn a_pipe_does_not_hang() {
    let path = std::env::temp_dir().join(format!("nn-table-pipe-{}", std::process::id()));
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: no mkfifo");
        return;
    }
    let error = message(Table::read(&path, &TableOptions::default()));
    std::fs::remove_file(&path).expect("just made");
    assert!(error.ends_with("(found a named pipe)"), "{error}");
}

#[test]
fn unknown_columns_come_with_the_known_names() {
    let error = fit_with(FLOWERS, &target("kinds", Task::Auto)).expect_err("no such column");
    assert_eq!(
        error.to_string(),
        "t.csv: unknown column \"kinds\" (did you mean \"kind\"?); \
         expected one of: \"length\", \"color\", \"kind\""
    );
    assert_eq!(error.kind(), ErrorKind::Usage);
    let ignore = TableOptions {
        ignore: vec!["id".to_owned()],
        ..TableOptions::default()
    };
    assert!(
        message(parse_with(FLOWERS, &ignore)).starts_with("t.csv: unknown column \"id\"; expected")
    );
}

#[test]
fn classes_and_categories() {
    let (table, fitted, notes) = fit(FLOWERS).expect("a good table");
    assert_eq!(notes, []);
    assert_eq!(fitted.class_names(), ["iris", "rose"]);
    assert_eq!((fitted.n_inputs(), fitted.n_outputs()), (3, 2));
    let samples = fitted
        .transform(&table, UnseenCategory::Error)
        .expect("seen");
    assert_eq!(classes(&samples), [1, 0, 1]);
    // (x - 2) / sqrt(2/3), then blue, red.
    let z = 1.5_f32.sqrt();
    assert_eq!(
        features(&samples),
        array![[-z, 0.0, 1.0], [0.0, 1.0, 0.0], [z, 0.0, 1.0]]
    );
    let (dataset, weights) = samples.into_dataset(&table, &fitted).expect("targets");
    assert_eq!(dataset.name, "t");
    assert_eq!(dataset.class_names, ["iris", "rose"]);
    assert!(weights.is_none());
}

/// Numeric classes are equal in all notations, also with fitted preprocessing.
#[test]
fn classes_may_be_written_in_several_ways() {
    let text = "x,y\n1,1.0\n2,-0\n3,1\n4,0.0\n5,1e0\n";
    let options = target("y", Task::Classification);
    let (table, preprocessing, _) = fit_with(text, &options).expect("a good table");
    assert_eq!(preprocessing.class_names(), ["0", "1"]);
    let again = later(&preprocessing, text, Purpose::Evaluate);
    for table in [table, again.expect("a good table")] {
        let samples = preprocessing.transform(&table, UnseenCategory::Error);
        assert_eq!(classes(&samples.expect("known classes")), [1, 0, 1, 0, 1]);
    }
}

/// The deviations from the mean are above 0, but their squares underflow.
#[test]
fn numbers_too_close_together_count_as_equal() {
    let (table, preprocessing, _) = fit("a,b\n1e-320,0.5\n2e-320,0.25\n").expect("a good table");
    let saved = Preprocessing::from_json(&preprocessing.to_json());
    assert_eq!(saved.expect("it can be saved"), preprocessing);
    let samples = preprocessing.transform(&table, UnseenCategory::Error);
    let samples = samples.expect("finite numbers");
    assert!(features(&samples).iter().all(|&value| value == 0.0));
}

#[test]
fn a_line_of_separators_is_no_table() {
    let expected = "t.csv: line 2: expected at most 100000 columns, found more";
    assert_eq!(
        message(parse(format!("a,b\n{}", ",".repeat(100_000)))),
        expected
    );
    assert_eq!(
        message(parse(format!("a,b\n{}\n1,2", ",".repeat(1 << 20)))),
        expected
    );
    let widest = ",1".repeat(99_999);
    assert_eq!(
        parse(format!("1{widest}\n")).expect("wide").n_columns(),
        100_000
    );
}

#[test]
fn only_the_training_rows_are_learned_from() {
    let table = parse("x,c,y\n1,a,p\n3,a,q\n1000,b,r\n").expect("a good table");
    let (fitted, notes) =
        Preprocessing::fit(&table, &[0, 1], &TableOptions::default()).expect("a good table");
    let InputEncoding::Columns(columns) = &fitted.inputs else {
        panic!("no images")
    };
    let ColumnEncoding::Standardize(x) = &columns[0].encoding else {
        panic!("x is a number")
    };
    assert_eq!(
        x.scaling,
        NumberScaling::Standard(Standardization {
            mean: 2.0,
            std: 1.0
        })
    );
    assert_eq!((x.median, x.has_indicator), (Some(2.0), false));
    // c is constant in the training rows.
    assert_eq!(columns.len(), 1);
    let constant = Note::ConstantColumns {
        names: vec!["c".to_owned()],
    };
    assert_eq!(notes, [constant]);
    // The classes are those of the table.
    assert_eq!(fitted.class_names(), ["p", "q", "r"]);
    let samples = fitted
        .transform(&table, UnseenCategory::Error)
        .expect("c is not looked at");
    assert_eq!(features(&samples).row(2), array![998.0]);
}

#[test]
fn unseen_categories_become_zeros_with_a_note() {
    let table = parse("x,c,y\n1,a,p\n3,b,q\n1000,c,p\n").expect("a good table");
    let fitted = Preprocessing::fit(&table, &[0, 1], &TableOptions::default());
    let (fitted, _) = fitted.expect("a good table");
    let samples = fitted
        .transform(&table, UnseenCategory::Zeros)
        .expect("zeros");
    assert_eq!(features(&samples).row(2), array![998.0, 0.0, 0.0]);
    let unseen = Note::UnseenCategories {
        column: "c".to_owned(),
        n_rows: 1,
        example: "c".to_owned(),
    };
    assert_eq!(samples.notes, [unseen]);
    assert_eq!(
        message(fitted.transform(&table, UnseenCategory::Error)),
        "t.csv: line 4, column \"c\": expected one of: \"a\", \"b\", found \"c\""
    );
}

#[test]
fn constant_columns_have_no_input() {
    let (table, fitted, notes) = fit("a,x,y\n0.1,1,5.5\n0.1,2,6\n0.1,3,7\n").expect("good");
    let constant = Note::ConstantColumns {
        names: vec!["a".to_owned()],
    };
    assert!(notes.contains(&constant), "{notes:?}");
    let samples = fitted
        .transform(&table, UnseenCategory::Zeros)
        .expect("good");
    assert_eq!(features(&samples).ncols(), 1);
    // A new value of it changes nothing.
    let later = later(&fitted, "a,x\n7,1\n", Purpose::Predict).expect("good");
    let again = fitted
        .transform(&later, UnseenCategory::Zeros)
        .expect("good");
    assert_eq!(features(&again).row(0), features(&samples).row(0));
    assert_eq!(again.notes, []);
}

#[test]
fn regression_is_standardized_and_restored() {
    let (table, fitted, notes) = fit("x,y\n1,10.5\n2,30.5\n").expect("a good table");
    assert_eq!(
        notes,
        [Note::TaskInferred {
            column: "y".to_owned(),
            task: Task::Regression,
            n_values: 2
        }]
    );
    let samples = fitted
        .transform(&table, UnseenCategory::Zeros)
        .expect("good");
    let targets = target_values(&samples);
    assert_eq!(targets, array![[-1.0], [1.0]]);
    assert_eq!(fitted.class_names(), [] as [&str; 0]);

    assert_eq!(predictions(&fitted, targets), "prediction\n10.5\n30.5\n");
    assert_eq!(
        message(fit_with(FLOWERS, &target("kind", Task::Regression))),
        "t.csv: line 2, column \"kind\": expected a number, found \"rose\""
    );
}

#[test]
fn whole_numbers_are_guessed_by_how_many_differ() {
    let guess = |values: &[u32]| {
        let mut text = "x,y\n".to_owned();
        for value in values {
            writeln!(text, "{value}.5,{value}").expect("memory");
        }
        fit(&text).expect("a good table").1.target
    };
    let is_classes = |target| matches!(target, TargetEncoding::Classification { .. });
    assert!(is_classes(guess(&[0, 1, 1, 0])), "two values");
    assert!(!is_classes(guess(&[0, 1, 2, 0])), "three of four rows");
    let cycle = |n: u32, rows: u32| (0..rows).map(|i| i % n).collect::<Vec<_>>();
    assert!(is_classes(guess(&cycle(20, 200))));
    assert!(!is_classes(guess(&cycle(20, 199))), "more than a tenth");
    assert!(!is_classes(guess(&cycle(21, 300))), "more than 20");
    assert_eq!(
        guess(&cycle(12, 120)),
        TargetEncoding::Classification {
            column: "y".to_owned(),
            names: (0..12).map(|i| i.to_string()).collect()
        },
        "in the order of numbers"
    );
}

#[test]
fn several_labels_and_several_numbers() {
    let text = "x,rain,wind\n1,0,1\n2,1,1\n";
    let (table, fitted, _) = fit_with(text, &target("rain, wind", Task::Auto)).expect("good");
    assert_eq!(fitted.class_names(), ["rain", "wind"]);
    let samples = fitted
        .transform(&table, UnseenCategory::Zeros)
        .expect("good");
    assert_eq!(target_values(&samples), array![[0.0, 1.0], [1.0, 1.0]]);
    assert_eq!(
        predictions(&fitted, &array![[0.25, 0.5]]),
        "prediction_rain,prediction_wind,probability_rain,probability_wind\n0,1,0.25,0.5\n"
    );

    let numbers = target("rain,wind", Task::Regression);
    let (_, fitted, _) = fit_with(text, &numbers).expect("good");
    assert_eq!(
        predictions(&fitted, &array![[0.0, 0.0]]),
        "prediction_rain,prediction_wind\n0.5,1\n"
    );
    assert_eq!(
        message(fit_with(
            "x,a,b\n1,0,1\n2,1,3\n",
            &target("a,b", Task::MultiLabel)
        )),
        "t.csv: line 3, column \"b\": expected 0 or 1, found \"3\""
    );
    assert_eq!(
        message(fit_with(text, &target("rain,wind", Task::Classification))),
        "t.csv: expected 1 target column for classification, found 2: \"rain\", \"wind\""
    );
}

#[test]
fn columns_are_matched_by_name() {
    let (_, fitted, _) = fit(FLOWERS).expect("a good table");
    let text = "id,color,length\nx7,blue,3.0\n,red,1.0\n";
    let table = later(&fitted, text, Purpose::Evaluate).expect("the id is not looked at");
    let samples = fitted
        .transform(&table, UnseenCategory::Error)
        .expect("seen");
    assert!(samples.targets.is_none());
    assert_eq!(
        samples.notes,
        [Note::ExtraColumns {
            names: vec!["id".to_owned()]
        }]
    );
    let z = 1.5_f32.sqrt();
    assert_eq!(features(&samples), array![[z, 1.0, 0.0], [-z, 0.0, 1.0]]);
    assert_eq!(
        message(samples.into_dataset(&table, &fitted)),
        "l.csv: missing columns: \"kind\""
    );
    let transformed = |text: &str, purpose| {
        let table = later(&fitted, text, purpose).expect("a table");
        fitted.transform(&table, UnseenCategory::Zeros)
    };
    assert_eq!(
        message(transformed("color,kind\nred,rose\n", Purpose::Predict)),
        "l.csv: missing columns: \"length\""
    );
    let unknown = "length,color,kind\n1,red,tulip\n";
    assert_eq!(
        message(transformed(unknown, Purpose::Evaluate)),
        "l.csv: line 2, column \"kind\": expected one of: \"iris\", \"rose\", found \"tulip\""
    );
    // A prediction does not look at the target.
    for target in ["tulip", "", "?"] {
        let text = unknown.replace("tulip", target);
        let samples = transformed(&text, Purpose::Predict).expect("no target is needed");
        assert!(samples.targets.is_none());
    }
}

#[test]
fn a_column_keeps_its_type() {
    // Codes with a leading zero, and a category that looks like a number.
    let text = "code,x,y\n01,1,a\n1,2,b\nB,3,a\n";
    let (_, fitted, _) = fit(text).expect("a good table");
    let codes = later(&fitted, "code,x\n1,2\n01,2\n", Purpose::Predict);
    let samples = fitted
        .transform(
            &codes.expect("text, though all numbers"),
            UnseenCategory::Error,
        )
        .expect("seen");
    assert_eq!(
        features(&samples),
        array![[0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]
    );
    // A cell that is no number counts as missing: the median, with a note.
    let words = later(&fitted, "code,x\n1,two\n", Purpose::Predict).expect("one bad cell");
    let unreadable = Note::Unreadable {
        column: "x".to_owned(),
        n_rows: 1,
        place: Place::Line(2),
        example: "two".to_owned(),
    };
    assert_eq!(words.notes(), [unreadable]);
    let samples = fitted
        .transform(&words, UnseenCategory::Zeros)
        .expect("median");
    assert_eq!(features(&samples)[[0, 3]], 0.0);
}

#[test]
fn without_names_columns_are_matched_by_place() {
    let options = TableOptions {
        target: Some("column1".to_owned()),
        ..TableOptions::default()
    };
    let (_, fitted, _) = fit_with("0,1,10\n1,3,30\n", &options).expect("a good table");
    let inputs_only = later(&fitted, "3,10\n", Purpose::Predict).expect("a table");
    let samples = fitted
        .transform(&inputs_only, UnseenCategory::Zeros)
        .expect("two inputs");
    assert_eq!(features(&samples), array![[1.0, -1.0]]);
    assert!(samples.targets.is_none());
    assert_eq!(
        message(later(&fitted, "1,2,3,4\n", Purpose::Predict)),
        "l.csv: expected 3 columns as in the training table, or the 2 inputs alone; found 4"
    );
}

#[test]
fn weights_are_kept_beside_the_samples() {
    let options = TableOptions {
        sample_weight: Some("w".to_owned()),
        ..TableOptions::default()
    };
    let (table, fitted, _) = fit_with("x,w,y\n1,0.5,a\n2,2,b\n", &options).expect("good");
    assert_eq!(fitted.n_inputs(), 1);
    let samples = fitted
        .transform(&table, UnseenCategory::Zeros)
        .expect("good");
    let (_, weights) = samples.into_dataset(&table, &fitted).expect("targets");
    assert_eq!(weights, Some(vec![0.5, 2.0]));
    assert_eq!(
        message(fit_with("x,w,y\n1,1,a\n2,-2,b\n", &options)),
        "t.csv: line 3, column \"w\": expected sample weights of at least 0, not all 0, \
         found \"-2\""
    );
    let both = TableOptions {
        target: Some("w".to_owned()),
        ..options
    };
    assert!(
        message(fit_with("x,w,y\n1,1,a\n", &both))
            .contains("column \"w\": expected only one of the roles")
    );
}

/// Weighted rows give the result of repeated and omitted rows.
#[test]
fn weighted_rows_are_learned_from_as_repeated_ones() {
    let options = TableOptions {
        sample_weight: Some("w".to_owned()),
        ..target("y", Task::Regression)
    };
    let weighted = "x,c,y,w\n1,a,10,2\n3,b,500,0\n7,c,40,1\n";
    let (_, fitted, _) = fit_with(weighted, &options).expect("a good table");
    let InputEncoding::Columns(columns) = &fitted.inputs else {
        panic!("no images")
    };
    // Of 1, 1, 7: mean 3, variance (4 + 4 + 16)/3.
    let ColumnEncoding::Standardize(x) = &columns[0].encoding else {
        panic!("x is a number")
    };
    let x = x.scaling;
    assert!((x.center() - 3.0).abs() < 1e-15 && (x.scale() - 8.0_f64.sqrt()).abs() < 1e-15);
    assert_eq!(
        columns[1].encoding,
        ColumnEncoding::OneHot(vec!["a".to_owned(), "c".to_owned()])
    );
    // Of 10, 10, 40: mean 20, variance (100 + 100 + 400)/3.
    let TargetEncoding::Regression(targets) = &fitted.target else {
        panic!("y is a number")
    };
    let y = targets[0].standardization;
    assert!((y.mean - 20.0).abs() < 1e-14 && (y.std - 200.0_f64.sqrt()).abs() < 1e-14);
}

#[test]
fn tables_without_inputs_and_with_too_many_classes_are_rejected() {
    assert_eq!(
        message(fit("y\n1\n2\n")),
        "t.csv: expected input columns besides the target, found only: \"y\""
    );
    let mut names = "x,name\n".to_owned();
    for i in 0..1001 {
        writeln!(names, "1,n{i}").expect("memory");
    }
    let error = fit(&names).expect_err("names are no classes");
    assert_eq!(
        error.to_string(),
        "t.csv: target \"name\": expected at most 1000 classes, found 1001"
    );
    assert!(error.help().is_some());
    let (_, _, notes) = fit("x,y\n1,a\n2,a\n").expect("one class is legal");
    assert_eq!(notes, []);
}

/// Only the training rows count, not the whole table.
#[test]
fn a_constant_target_is_noted() {
    let text = "x,y,z\n1,0,5\n2,0,5\n3,1,6\n";
    let notes = |target: &str, task, rows: &[usize]| {
        let options = TableOptions {
            target: Some(target.to_owned()),
            task,
            ..TableOptions::default()
        };
        let table = parse(text).expect("a good table");
        let (_, notes) = Preprocessing::fit(&table, rows, &options).expect("good");
        notes
    };
    let target = || Note::ConstantTarget {
        name: "y".to_owned(),
    };
    let input = || Note::ConstantColumns {
        names: vec!["z".to_owned()],
    };
    let (flat, steep) = (&[0, 1][..], &[1, 2][..]);
    assert_eq!(notes("y", Task::Regression, flat), [target(), input()]);
    assert_eq!(notes("y", Task::MultiLabel, flat), [target(), input()]);
    assert_eq!(notes("y", Task::Regression, steep), []);
    // Classes without rows are noted where the rows are split.
    assert_eq!(notes("y", Task::Classification, flat), [input()]);
}

#[test]
fn rows_have_classes_before_anything_is_learned() {
    let classes = |text: &str| {
        let table = parse(text).expect("a good table");
        Preprocessing::classes(&table, &TableOptions::default()).expect("good")
    };
    assert_eq!(classes("x,y\n1,b\n2,a\n3,b\n"), Some(vec![1, 0, 1]));
    assert_eq!(classes("x,y\n1,1.0\n2,-0\n3,1\n"), Some(vec![1, 0, 1]));
    assert_eq!(classes("x,y\n1,1.5\n2,2.5\n3,0\n"), None);
}

#[test]
fn preprocessing_survives_json_bit_by_bit() {
    let mut text = "x,c,y\n".to_owned();
    let mut state = 7_u64;
    for i in 0..500 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let number = (state >> 11) as f64 / (1_u64 << 40) as f64;
        writeln!(text, "{number},c\"{},{}", i % 7, number.sin()).expect("memory");
    }
    for rows in 2..200 {
        let table = parse(&text).expect("a good table");
        let rows: Vec<usize> = (0..rows).collect();
        let (fitted, _) =
            Preprocessing::fit(&table, &rows, &TableOptions::default()).expect("good");
        let read = Preprocessing::from_json(&fitted.to_json()).expect("just written");
        assert_eq!(read, fitted);
        let bits = |preprocessing: &Preprocessing| -> Vec<u32> {
            let samples = preprocessing
                .transform(&table, UnseenCategory::Zeros)
                .expect("good");
            let all = features(&samples).iter().chain(target_values(&samples));
            all.map(|value| value.to_bits()).collect()
        };
        assert_eq!(bits(&read), bits(&fitted));
    }
}

#[test]
fn nonsense_in_a_model_file_is_refused() {
    let (_, fitted, _) = fit("x,y\n1,10.5\n2,20\n").expect("a good table");
    let json = fitted.to_json();
    assert!(json.contains("\"std\":0.5"), "{json}");
    for bad in [
        json.replace("\"std\":0.5", "\"std\":0.0"),
        json.replace("\"std\":0.5", "\"std\":-1"),
        json.replace("\"std\":0.5", "\"std\":null"),
        json[..json.len() - 1].to_owned(),
        String::new(),
    ] {
        let error = Preprocessing::from_json(&bad).expect_err("nonsense");
        assert!(matches!(error, Error::BadPreprocessing { .. }), "{error}");
    }
}

/// `n_rows` images whose pixel `j` in row `i` is `(i + j) % 256`.
fn kaggle(n_rows: usize, with_label: bool, name: Option<&dyn Fn(usize) -> String>) -> String {
    let mut text = String::new();
    if let Some(name) = name {
        let label = with_label.then(|| "label".to_owned());
        let names: Vec<String> = label.into_iter().chain((0..784).map(name)).collect();
        writeln!(text, "{}", names.join(",")).expect("memory");
    }
    for i in 0..n_rows {
        let label = with_label.then(|| (i % 7).to_string());
        let pixels = (0..784).map(|j| ((i + j) % 256).to_string());
        let cells: Vec<String> = label.into_iter().chain(pixels).collect();
        writeln!(text, "{}", cells.join(",")).expect("memory");
    }
    text
}

#[test]
fn tables_of_images_are_recognized() {
    let from_0 = |i: usize| format!("pixel{i}");
    let from_1 = |i: usize| format!("pixel{}", i + 1);
    let row_column = |i: usize| format!("{}x{}", i / 28 + 1, i % 28 + 1);
    let namings: [Option<&dyn Fn(usize) -> String>; 4] =
        [Some(&from_0), Some(&from_1), Some(&row_column), None];
    for (i, name) in namings.into_iter().enumerate() {
        let (table, fitted, notes) = fit(&kaggle(300, true, name)).expect("images");
        assert!(
            notes.contains(&Note::PixelTable { largest: 255 }),
            "{i}: {notes:?}"
        );
        assert_eq!(fitted.image_size(), Some((28, 28)));
        assert_eq!(fitted.class_names().len(), 10, "{i}");
        assert_eq!(fitted.class_names()[9], "9");
        let labeled = fitted
            .transform(&table, UnseenCategory::Zeros)
            .expect("images");
        assert_eq!(classes(&labeled)[..9], [0, 1, 2, 3, 4, 5, 6, 0, 1]);
        assert_eq!(pixels(&labeled)[[299, 783]], ((299 + 783) % 256) as u8);

        let unlabeled =
            later(&fitted, &kaggle(300, false, name), Purpose::Predict).expect("images");
        let samples = fitted
            .transform(&unlabeled, UnseenCategory::Zeros)
            .expect("images");
        assert!(samples.targets.is_none());
        assert_eq!(pixels(&samples), pixels(&labeled), "{i}");
    }
}

#[test]
fn kaggle_wants_image_id_and_label() {
    let (_, fitted, _) = fit(&kaggle(3, true, Some(&|i| format!("pixel{i}")))).expect("images");
    let mut outputs = Array2::zeros((2, 10));
    outputs[[0, 7]] = 0.9;
    outputs[[1, 0]] = 0.6;
    assert_eq!(predictions(&fitted, &outputs), "ImageId,Label\n1,7\n2,0\n");
    assert_eq!(
        message(write_predictions(
            Path::new("-"),
            Vec::new(),
            &fitted,
            outputs.t(),
            None,
            &[]
        )),
        "expected a network with 10 outputs, found 2"
    );
}

#[test]
fn images_are_pixels_or_rejected() {
    let named = kaggle(3, true, Some(&|i| format!("pixel{i}")));
    let (_, fitted, _) = fit(&named).expect("images");
    let spoilt = named.replacen("\n0,0,1,2,", "\n0,0,1,256,", 1);
    let table = later(&fitted, &spoilt, Purpose::Predict).expect("numbers");
    assert_eq!(
        message(fitted.transform(&table, UnseenCategory::Zeros)),
        "l.csv: line 2, column \"pixel2\": expected a whole number from 0 to 255, found \"256\""
    );
    let unlabeled = kaggle(3, false, Some(&|i| format!("pixel{i}")));
    assert_eq!(
        message(fit(&unlabeled)),
        "t.csv: expected 784 pixel columns and a label column, found no label column"
    );
}

#[test]
fn classes_come_with_their_probabilities() {
    let (_, fitted, _) = fit(FLOWERS).expect("a good table");
    assert_eq!(
        predictions(&fitted, &array![[0.25, 0.75], [0.5, 0.5]]),
        "prediction,probability_iris,probability_rose\nrose,0.25,0.75\niris,0.5,0.5\n"
    );
}

fn predictions(preprocessing: &Preprocessing, outputs: &Array2<f32>) -> String {
    let mut written = Vec::new();
    write_predictions(
        Path::new("-"),
        &mut written,
        preprocessing,
        outputs.view(),
        None,
        &[],
    )
    .expect("memory");
    String::from_utf8(written).expect("names and numbers")
}

#[test]
fn menus_read_their_own_names() {
    for task in Task::ALL {
        assert_eq!(task.name().parse::<Task>().expect("its own name"), task);
    }
    for header in Header::ALL {
        assert_eq!(
            header.name().parse::<Header>().expect("its own name"),
            header
        );
    }
    assert_eq!(
        message("maybe".parse::<Header>()),
        "unknown header \"maybe\"; expected one of: auto, yes, no"
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        learn_and_apply(&bytes);
    }

    #[test]
    fn nothing_like_a_table_makes_it_panic(
        text in "([a-c0-9.,;\"\r\n \t-]|nan|1e39|\u{e9}|label){0,120}",
        choice in 0_usize..36,
    ) {
        let options = TableOptions {
            target: [None, Some("a".to_owned()), Some("a,column2".to_owned())][choice % 3].clone(),
            task: Task::ALL[choice / 3 % 4],
            header: Header::ALL[choice / 12],
            ..TableOptions::default()
        };
        learn_and_apply_with(text.as_bytes(), &options);
    }

    #[test]
    fn numbers_come_back_as_written(
        rows in proptest::collection::vec((-1e30_f32..1e30, 0_u8..=255), 2..20),
    ) {
        let mut text = String::from("x,y\n");
        // A constant target of the two training rows has a standard deviation of 1.
        let mut rows = rows;
        rows[1].1 = rows[0].1;
        for (i, (x, y)) in rows.iter().enumerate() {
            // Two different numbers, so that the column is an input.
            let x = if i == 0 { 2e30 } else { *x };
            writeln!(text, "{x:e},{y}").expect("memory");
        }
        let options = target("x,y", Task::Regression);
        // Every column a target: no inputs are left, but the cells were read.
        let table = parse_with(&text, &options).expect("a good table");
        prop_assert_eq!(table.n_rows(), rows.len());
        let options = target("y", Task::Regression);
        let (fitted, _) = Preprocessing::fit(&table, &[0, 1], &options).expect("good");
        let samples = fitted.transform(&table, UnseenCategory::Zeros).expect("good");
        let mut outputs = target_values(&samples).clone();
        fitted.inverse_transform(outputs.view_mut());
        for (restored, (_, y)) in outputs.index_axis(Axis(1), 0).iter().zip(&rows) {
            prop_assert_eq!(*restored, f32::from(*y));
        }
    }
}

fn learn_and_apply(bytes: &[u8]) {
    learn_and_apply_with(bytes, &TableOptions::default());
}

fn learn_and_apply_with(bytes: &[u8], options: &TableOptions) {
    let Ok(table) = parse_with(bytes, options) else {
        return;
    };
    let rows: Vec<usize> = (0..table.n_rows().div_ceil(2)).collect();
    let Ok((fitted, _)) = Preprocessing::fit(&table, &rows, options) else {
        return;
    };
    let read = Preprocessing::from_json(&fitted.to_json()).expect("just written");
    for unseen in [UnseenCategory::Zeros, UnseenCategory::Error] {
        if let Ok(samples) = read.transform(&table, unseen) {
            assert!(samples.into_dataset(&table, &read).is_ok());
        }
    }
    for purpose in [Purpose::Predict, Purpose::Evaluate] {
        let Ok(table) = read.parse(Path::new("again.csv"), bytes, Header::Auto, purpose) else {
            continue;
        };
        let again = read.transform(&table, UnseenCategory::Zeros);
        drop(again);
    }
}

/// Model files of earlier versions use other names.
#[test]
fn preprocessing_of_earlier_versions_is_read() {
    let json = r#"{"inputs":{"columns":[{"name":"x","encoding":{"standardise":{"mean":0.0,"std":1.0}}}]},
        "target":TARGET,"sample_weight":null,"has_header":true}"#;
    let read = |target: &str| Preprocessing::from_json(&json.replace("TARGET", target));
    let classes = read(r#"{"classes":{"column":"y","names":["a","b"]}}"#).expect("known names");
    assert_eq!(classes.class_names(), ["a", "b"]);
    let labels = read(r#"{"flags":["a","b"]}"#).expect("known names");
    assert!(matches!(labels.target, TargetEncoding::MultiLabel(_)));
    let values = r#"{"values":[{"name":"y","standardisation":{"mean":3.0,"std":2.0}}]}"#;
    let mut outputs = array![[1.0_f32]];
    read(values)
        .expect("known names")
        .inverse_transform(outputs.view_mut());
    assert_eq!(outputs, array![[5.0]]);
}

#[test]
fn tasks_have_short_names_too() {
    assert_eq!(
        "classify".parse::<Task>().expect("an alias"),
        Task::Classification
    );
    assert_eq!(
        "regress".parse::<Task>().expect("an alias"),
        Task::Regression
    );
    assert_eq!(
        message("cluster".parse::<Task>()),
        "unknown task \"cluster\"; expected one of: auto, classification, regression, multi-label"
    );
}

/// The logarithms of 1, 10, 100, 1000 are evenly spaced; with a 0, 1 is added first.
#[test]
fn a_skewed_target_is_predicted_as_its_logarithm() {
    let text = |first: &str| format!("x,y\n1,{first}\n2,10\n3,100\n4,1000\n5,10000\n");
    let options = |target_transform| TableOptions {
        target: Some("y".to_owned()),
        task: Task::Regression,
        target_transform,
        ..TableOptions::default()
    };
    let fit = |text: &str, choice| {
        let table = Table::parse(Path::new("t.csv"), text.as_bytes(), &options(choice))?;
        let (fitted, notes) = Preprocessing::fit(&table, &[0, 1, 2, 3, 4], &options(choice))?;
        let samples = fitted.transform(&table, UnseenCategory::Error)?;
        let Some(Targets::Values(targets)) = samples.targets else {
            panic!("numbers");
        };
        let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
        Ok::<_, Error>((fitted, targets, notes.join("\n")))
    };
    for choice in [TargetTransform::Log, TargetTransform::Auto] {
        let (fitted, targets, notes) = fit(&text("1"), choice).expect("a logarithm");
        // (log10(y) - 2) / sqrt(2)
        for (row, &target) in targets.iter().enumerate() {
            let expected = (row as f32 - 2.0) / 2.0_f32.sqrt();
            assert!((target - expected).abs() < 1e-6, "{target}");
        }
        let mut restored = targets.clone();
        fitted.inverse_transform(restored.view_mut());
        for (row, &value) in restored.iter().enumerate() {
            assert!(
                (value / 10_f32.powi(row as i32) - 1.0).abs() < 1e-5,
                "{value}"
            );
        }
        let read = Preprocessing::from_json(&fitted.to_json()).expect("JSON");
        assert_eq!(read, fitted);
        assert_eq!(notes.contains("logarithm"), choice == TargetTransform::Auto);
    }
    let (_, _, notes) = fit(&text("1"), TargetTransform::None).expect("numbers");
    assert!(notes.contains("target-transform = log"), "{notes}");

    let (fitted, targets, _) = fit(&text("0"), TargetTransform::Log).expect("0 has ln(1 + y)");
    let mut restored = targets;
    fitted.inverse_transform(restored.view_mut());
    assert!(restored[[0, 0]].abs() < 1e-5 && (restored[[1, 0]] - 10.0).abs() < 1e-3);

    let error = fit(&text("-1"), TargetTransform::Log).expect_err("no logarithm");
    assert!(error.to_string().contains("line 2"), "{error}");
    assert!(error.to_string().contains("logarithm"), "{error}");
    let (fitted, _, _) = fit(&text("-1"), TargetTransform::Auto).expect("not transformed");
    assert!(
        !fitted.to_json().contains("transform"),
        "{}",
        fitted.to_json()
    );
}

/// Inputs of numbers come first, then one-hot columns, then indices of many categories.
#[test]
fn inputs_are_ordered_for_embeddings() {
    let rows = (0..20).map(|row| {
        let (letter, small) = (
            char::from(b'a' + row % 10),
            ["u", "v"][usize::from(row % 2)],
        );
        format!("{letter},{row},{small},{}\n", f64::from(row) * 1.5)
    });
    let text = format!("many,x,few,y\n{}", rows.collect::<String>());
    let options = TableOptions {
        scaling: Scaling::Robust,
        orders_for_embeddings: true,
        indexes_categories: true,
        clips_outputs: true,
        ..target("y", Task::Regression)
    };
    let (_, fitted, _) = fit_with(&text, &options).expect("a good table");
    let ranges: Vec<_> = fitted.input_ranges().collect();
    assert_eq!(ranges, [("x", 0..1), ("few", 1..3), ("many", 3..4)]);
    assert_eq!(fitted.n_numeric_inputs(), 1);
    // The last index is that of new categories.
    assert_eq!(fitted.category_counts().collect::<Vec<_>>(), [11]);
    let restored = Preprocessing::from_json(&fitted.to_json()).expect("it can be read");
    assert_eq!(restored, fitted);

    let table = parse("x,few,many,y\n9.5,v,c,0\n1e9,v,z,0\n").expect("a good table");
    let samples = restored
        .transform(&table, UnseenCategory::Zeros)
        .expect("the columns are there");
    let Inputs::Features(inputs) = samples.inputs else {
        panic!("no images")
    };
    assert_eq!(inputs.row(0).to_vec(), [0.0, 0.0, 1.0, 2.0]);
    assert_eq!(inputs.row(1).to_vec(), [3.0, 0.0, 1.0, 10.0]);

    // Predictions stay in the range of the training rows, 0 to 28.5.
    let mut outputs = ndarray::array![[-50.0_f32], [50.0], [0.0]];
    restored.inverse_transform(outputs.view_mut());
    assert_eq!(outputs.column(0).to_vec(), [0.0, 28.5, 14.25]);
}
