//! `nn train --strict`: what is otherwise only warned of is refused, before
//! anything is written.

use crate::support::{SMALL, Scratch, csv, trees};

#[test]
fn every_doubt_is_an_error_and_leaves_no_trace() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    scratch.file(
        "flat.csv",
        csv("u,v,y", 40, |i, x, _| {
            format!("{x:.3},5,{}", ["a", "b"][i % 2])
        }),
    );
    scratch.file(
        "oak.csv",
        csv("u,v,tree", 40, |_, x, y| format!("{x:.3},{y:.3},oak")),
    );
    scratch.file(
        "price.csv",
        csv("u,v,price", 60, |i, x, y| format!("{x:.3},{y:.3},{i}.5")),
    );
    let colour = |i: usize| format!("colour-{i}");
    scratch.file(
        "rare.csv",
        csv("u,hue,y", 40, |i, x, _| {
            format!("{x:.3},{},{}", colour(i), i % 2)
        }),
    );
    for (flags, doubt) in [
        ("", "the built-in digits are used"),
        (
            "--data trees.csv --batch-size 195",
            "the batch size is 195, but there are only 194 training samples",
        ),
        (
            "--data flat.csv --batch-size 8",
            "each has the same value in all training rows: \"v\"",
        ),
        ("--data oak.csv --batch-size 8", "one class"),
        ("--data price.csv --batch-size 8", "treated as regression"),
        (
            "--data rare.csv --batch-size 8",
            "column \"hue\" is left out",
        ),
    ] {
        let flags = format!("{flags} --limit-train 300 --hidden 2 --epochs 1");
        for form in ["", "--json"] {
            scratch
                .nn(&format!("train {flags} --strict {form}"))
                .refuses(2, &["--strict: ", doubt, "omit --strict"]);
        }
        assert!(!scratch.path("runs").exists(), "{flags}");
        let output = scratch.nn(&format!("train --name a {flags}")).succeeds();
        assert!(output.contains(doubt), "{flags}: {output}");
        std::fs::remove_dir_all(scratch.path("runs")).expect("the run is ours");
    }
}

#[test]
fn all_doubts_are_told_at_once() {
    let scratch = Scratch::new();
    scratch.file(
        "oak.csv",
        csv("u,v,tree", 40, |_, x, _| format!("{x:.3},5,oak")),
    );
    let doubts = [
        "has the same value in all",
        "one class",
        "the batch size is 64",
    ];
    scratch
        .nn("train --data oak.csv --strict")
        .refuses(2, &doubts);
}

#[test]
fn without_a_doubt_it_changes_nothing() {
    let scratch = Scratch::new();
    let usual = scratch.train("usual", &format!("{SMALL} --epochs 1"));
    let strict = scratch.train("strict", &format!("{SMALL} --epochs 1 --strict"));
    assert_eq!(usual["weights_sha256"], strict["weights_sha256"]);
    let config = |name: &str| scratch.read(format!("runs/{name}/config.toml"));
    assert_eq!(config("usual"), config("strict"));
}

#[test]
fn a_run_is_resumed_as_strictly() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    let flags = "--data trees.csv --hidden 4 --epochs 1 --batch-size";
    let whole = |name: &str| {
        std::fs::remove_file(scratch.path(format!("runs/{name}/summary.json")))
            .expect("the run has ended");
        let model = scratch.path(format!("runs/{name}/model.safetensors"));
        std::fs::read(model).expect("the run has ended")
    };
    scratch.train("large", &format!("{flags} 1000"));
    let before = whole("large");
    scratch.nn("train --resume large --strict").refuses(
        2,
        &["--strict: the batch size is 1 000, but there are only 194 training samples"],
    );
    assert!(!scratch.path("runs/large/summary.json").exists());
    scratch.nn("train --resume large").succeeds();
    assert_eq!(whole("large"), before);
    scratch.train("small", &format!("{flags} 16"));
    whole("small");
    scratch.nn("train --resume small --strict").succeeds();
}

/// A table that is sorted by its classes: 100 rows each of a, b and c.
fn sorted() -> String {
    csv("u,v,label", 300, |i, x, y| {
        format!("{x:.3},{y:.3},{}", ["a", "b", "c"][i / 100])
    })
}

/// What counts are the rows that are trained on, not those of the file.
#[test]
fn classes_without_training_rows_are_told() {
    let scratch = Scratch::new();
    scratch.file("sorted.csv", sorted());
    let weighted = sorted().lines().fold(String::new(), |text, line| {
        let weight = match line.rsplit(',').next() {
            Some("label") => "w",
            Some("a") => "0",
            _ => "1",
        };
        text + weight + "," + line + "\n"
    });
    scratch.file("weighted.csv", weighted);
    for (flags, doubts) in [
        // A tenth of each class is for testing, so 90 of class a are left;
        // of the first 60 a tenth is for validation.
        (
            "--data sorted.csv --limit-train 60",
            [
                "all 54 training rows belong to one class, \"a\"",
                "2 of 3 classes have no training row: \"b\", \"c\"",
            ],
        ),
        // The last of class b is row 199; ten of each class are test rows.
        (
            "--data sorted.csv --limit-train 180",
            ["1 of 3 classes has no training row: \"c\"", ""],
        ),
        (
            "--data weighted.csv --sample-weight w",
            [
                "1 of 3 classes has no training row with a sample weight above 0: \"a\"",
                "",
            ],
        ),
        (
            "--data weighted.csv --sample-weight w --limit-train 150",
            [
                "all 54 training rows belong to one class, \"b\"",
                "1 of 3 classes has no training row: \"c\"",
            ],
        ),
    ] {
        let line = format!("train {flags} --batch-size 8 --hidden 2 --epochs 1 --no-report");
        let strict = scratch.nn(&format!("{line} --strict"));
        strict.refuses(2, &["--strict: ", doubts[0], doubts[1]]);
        let output = scratch.nn(&line).succeeds();
        for doubt in doubts {
            assert!(output.contains(doubt), "{flags}: {output}");
        }
    }
    scratch
        .nn("train --data sorted.csv --batch-size 8 --hidden 2 --epochs 1 --strict")
        .succeeds();
}

/// A class without a validation or test row is said, which is no reason to
/// refuse: small classes have none of a tenth.
#[test]
fn classes_that_are_not_measured_are_told() {
    let scratch = Scratch::new();
    let rare = csv("u,v,label", 203, |i, x, y| {
        let label = match i {
            200.. => "rare",
            _ => ["a", "b"][i % 2],
        };
        format!("{x:.3},{y:.3},{label}")
    });
    scratch.file("rare.csv", rare);
    let line = "train --data rare.csv --batch-size 8 --hidden 2 --epochs 1 --no-report --strict";
    let output = scratch.nn(line).succeeds();
    for split in ["validation", "test"] {
        let note = format!("note: 1 of 3 classes has no {split} row: \"rare\"");
        assert!(output.contains(&note), "{output}");
    }
    let none = scratch.nn(&format!("{line} --validation 0 --test-split 0"));
    let output = none.succeeds();
    assert!(!output.contains("note "), "{output}");
}

/// Rows that a run was trained on must never become its test rows.
#[test]
fn a_run_keeps_its_division() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    let flags = "--data trees.csv --hidden 4 --epochs 2 --no-report --test-split 0.33";
    let counts = |run: &str, split: &str| -> Vec<u64> {
        let found = scratch.evaluate(run, &format!("--split {split}"));
        let rows = found["confusion"].as_array().expect("a matrix");
        let sum = |row: &serde_json::Value| {
            let cells = row.as_array().into_iter().flatten();
            cells.filter_map(serde_json::Value::as_u64).sum()
        };
        rows.iter().map(sum).collect()
    };
    for (name, flag, is_stratified) in [
        ("alike", "", true),
        ("at-random", "--stratify false", false),
    ] {
        let summary = scratch.train(name, &format!("{flags} {flag}"));
        let config = scratch.read(format!("runs/{name}/config.toml"));
        let setting = format!("stratify = {is_stratified}\n");
        assert!(config.contains(&setting), "{config}");
        let found = scratch.evaluate(name, "");
        assert_eq!(found["loss"], summary["test_loss"], "{name}");
        std::fs::remove_file(scratch.path(format!("runs/{name}/summary.json")))
            .expect("the run has ended");
        scratch
            .nn(&format!(
                "train --resume {name} --strict --no-report --threads 1"
            ))
            .succeeds();
    }
    // 80 rows of each class: 0.33 of 240 are 79 (26.4 of each class), so
    // one class has 27 test rows; 0.1 of the 161 others are 16.
    let mut test = counts("alike", "test");
    test.sort_unstable();
    assert_eq!(test, [26, 26, 27]);
    let mut validation = counts("alike", "validation");
    validation.sort_unstable();
    assert_eq!(validation, [5, 5, 6]);
    assert_eq!(counts("at-random", "test").iter().sum::<u64>(), 79);
}
