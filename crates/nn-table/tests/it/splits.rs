//! Columns that decide the split: groups, times, and the split itself.

use std::path::Path;

use nn_table::preprocessing::Purpose;
use nn_table::{Header, Note, Preprocessing, Table, TableOptions, UnseenCategory};

fn parse(text: &str, options: &TableOptions) -> Table {
    Table::parse(Path::new("t.csv"), text.as_bytes(), options).expect("a good table")
}

fn fit(table: &Table, options: &TableOptions) -> (Preprocessing, Vec<Note>) {
    let rows: Vec<usize> = (0..table.n_rows()).collect();
    Preprocessing::fit(table, &rows, options).expect("a good table")
}

fn inputs(preprocessing: &Preprocessing) -> Vec<&str> {
    let ranges = preprocessing.input_ranges();
    ranges.map(|(name, _)| name).collect()
}

fn some(name: &str) -> Option<String> {
    Some(name.to_owned())
}

const VISITS: &str = "patient,day,x,y,part
7,2024-01-03,1,10,train
8,2024-01-01,2,20,Valid
7,2024-01-02,3,31,TEST
9,2024-01-05,4,39,training
";

/// Without `target`, the last column is the target: the split column is passed over.
#[test]
fn columns_of_the_split_are_no_inputs_and_no_target() {
    let options = TableOptions {
        group: some("patient"),
        split_column: some("part"),
        ..TableOptions::default()
    };
    let table = parse(VISITS, &options);
    let (fitted, _) = fit(&table, &options);
    assert_eq!(fitted.target.columns(), ["y"]);
    assert_eq!(inputs(&fitted), ["day", "x"]);
    assert_eq!(fitted.split_columns, ["patient", "part"]);
    let restored = Preprocessing::from_json(&fitted.to_json()).expect("its own JSON");
    assert_eq!(restored, fitted);
    assert_eq!(table.groups("patient").expect("complete"), [0, 1, 0, 2]);
    let first_letter = |text: &str| text.chars().next();
    let letters = table.splits("part", first_letter).expect("complete");
    assert_eq!(letters, ['t', 'V', 'T', 't']);

    // A later table has neither column, or anything in them.
    for text in ["day,x\n2024-01-02,3\n", "day,patient,x\n2024-01-02,who,3\n"] {
        let read = fitted.parse(
            Path::new("new.csv"),
            text.as_bytes(),
            Header::Auto,
            Purpose::Predict,
        );
        let new = read.expect("the inputs are there");
        let samples = fitted.transform(&new, UnseenCategory::Error);
        let notes = [new.notes(), &samples.expect("known values").notes].concat();
        assert_eq!(notes, []);
    }
}

/// Without a header, a later table has all columns, or those of the inputs.
#[test]
fn a_table_of_inputs_has_no_group() {
    let options = TableOptions {
        group: some("column1"),
        ..TableOptions::default()
    };
    let table = parse("1,2.5,3.5\n1,4.5,5.5\n2,6.5,7.5\n", &options);
    let (fitted, _) = fit(&table, &options);
    assert_eq!(inputs(&fitted), ["column2"]);
    let parse = |text: &str| {
        let path = Path::new("new.csv");
        fitted.parse(path, text.as_bytes(), Header::Auto, Purpose::Predict)
    };
    assert_eq!(parse("4.5\n").expect("the input").n_rows(), 1);
    assert_eq!(parse("9,4.5,0\n").expect("all columns").n_rows(), 1);
    parse("9,4.5\n").expect_err("two columns are neither");
}

#[test]
fn a_column_of_times_is_an_input_unless_it_is_ignored() {
    let options = TableOptions {
        target: some("y"),
        order_by: some("day"),
        ignore: vec!["part".to_owned(), "patient".to_owned()],
        ..TableOptions::default()
    };
    let table = parse(VISITS, &options);
    assert_eq!(table.ranks("day").expect("dates"), [2, 0, 1, 3]);
    let (fitted, notes) = fit(&table, &options);
    assert_eq!(inputs(&fitted), ["day", "x"]);
    let column = "day".to_owned();
    assert!(notes.contains(&Note::OrderIsInput { column }), "{notes:?}");

    let mut ignoring = options.clone();
    ignoring.ignore.push("day".to_owned());
    let table = parse(VISITS, &ignoring);
    assert_eq!(table.ranks("day").expect("dates"), [2, 0, 1, 3]);
    let (fitted, notes) = fit(&table, &ignoring);
    assert_eq!(inputs(&fitted), ["x"]);
    assert_eq!(fitted.split_columns, ["day"]);
    let is_said = notes
        .iter()
        .any(|it| matches!(it, Note::OrderIsInput { .. }));
    assert!(!is_said, "{notes:?}");
}

/// Nanoseconds since 1970 are beyond 2^53; equal times have the same rank.
#[test]
fn large_numbers_are_ordered_exactly() {
    let text = "t,x\n1700000000000000001,1\n999999999999999999,2\n1700000000000000000,3\n\
                1700000000000000000,4\n";
    let table = parse(text, &TableOptions::default());
    assert_eq!(table.ranks("t").expect("whole numbers"), [2, 0, 1, 1]);
}

#[test]
fn cells_that_decide_nothing_are_errors_with_their_line() {
    let table = parse(VISITS, &TableOptions::default());
    let short = |text: &str| (text == "train").then_some(());
    let error = table.splits("part", short).expect_err("another word");
    assert_eq!(
        error.to_string(),
        "t.csv: line 3, column \"part\": expected train, validation or test, found \"Valid\""
    );
    let error = table.ranks("part").expect_err("words have no time");
    assert!(
        error.to_string().contains("line 2, column \"part\""),
        "{error}"
    );
    let gaps = parse("who,t,x\nann,1,1\n,2,2\nann,,3\n", &TableOptions::default());
    let missing = |error: nn_table::Error| error.to_string();
    assert_eq!(
        gaps.groups("who").map_err(missing),
        Err("t.csv: line 3, column \"who\": expected a value, found \"\"".to_owned())
    );
    assert_eq!(
        gaps.ranks("t").map_err(missing),
        Err("t.csv: line 4, column \"t\": expected a value, found \"\"".to_owned())
    );
    let both = TableOptions {
        group: some("y"),
        target: some("y"),
        ..TableOptions::default()
    };
    Preprocessing::fit(&parse(VISITS, &both), &[0, 1], &both).expect_err("one role per column");
}
