//! Files that the program writes where a user says: whole or not at all, and
//! never through a link.

use std::fs;

use crate::support::{Scratch, csv, trees};

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    scratch.train("a", "--data trees.csv --hidden 4 --epochs 1 --no-report");
    scratch.file("new.csv", "u,v,colour\n1,2,red\n3,4,blue\n");
    scratch.file("bad.csv", "u,v,colour\n1,2,red\n3,blue\n");
    scratch
}

#[test]
fn answers_are_written_whole() {
    let scratch = scratch();
    let shown = scratch.nn("predict a new.csv").succeeds();
    scratch
        .nn("predict a new.csv --output answers.csv")
        .succeeds();
    assert_eq!(scratch.read("answers.csv"), shown);
    // What is there stays until there is something better.
    scratch
        .nn("predict a bad.csv --output answers.csv")
        .refuses(3, &["bad.csv", "line 3", "found 2"]);
    assert_eq!(scratch.read("answers.csv"), shown);
    scratch
        .nn("predict a new.csv --output nowhere/answers.csv")
        .refuses(5, &["nowhere/answers.csv: "]);
    scratch
        .nn("predict a new.csv --output runs")
        .refuses(5, &["runs: "]);
    let names = fs::read_dir(scratch.path("")).expect("the folder is ours");
    for entry in names {
        let name = entry.expect("the folder is ours").file_name();
        assert!(!name.to_string_lossy().ends_with(".tmp"), "{name:?}");
    }
}

#[test]
fn one_output_holds_the_answers_of_one_table() {
    let scratch = scratch();
    scratch.file("answers.csv", "precious");
    for (line, found) in [
        ("predict a new.csv trees.csv", "2 files"),
        ("predict a new.csv bad.csv trees.csv", "3 files"),
        ("predict a digit.png", "digit.png"),
        ("predict a --index 0", "--index"),
    ] {
        scratch
            .nn(&format!("{line} --output answers.csv"))
            .refuses(2, &["--output answers.csv", "one CSV file", found]);
    }
    assert_eq!(scratch.read("answers.csv"), "precious");
    // Without a file, all answers follow each other.
    let both = scratch.nn("predict a new.csv new.csv").succeeds();
    let once = scratch.nn("predict a new.csv").succeeds();
    assert_eq!(both, once.repeat(2));
}

#[cfg(unix)]
#[test]
fn links_are_replaced_and_devices_are_written() {
    use std::os::unix::fs::symlink;

    let scratch = scratch();
    let precious = scratch.file("precious", "precious");
    symlink(&precious, scratch.path("answers.csv")).expect("links can be made");
    let shown = scratch.nn("predict a new.csv").succeeds();
    scratch
        .nn("predict a new.csv --output answers.csv")
        .succeeds();
    assert_eq!(scratch.read("precious"), "precious");
    assert_eq!(scratch.read("answers.csv"), shown);
    // A link under the temporary name is no way out either.
    symlink(&precious, scratch.path(".answers.csv.tmp")).expect("links can be made");
    scratch
        .nn("predict a new.csv --output answers.csv")
        .succeeds();
    assert_eq!(scratch.read("precious"), "precious");

    let output = scratch
        .nn("predict a new.csv --output /dev/stdout")
        .succeeds();
    assert!(output.starts_with(&shown), "{output}");
    if fs::metadata("/dev/full").is_ok() {
        let error = scratch.nn("predict a new.csv --output /dev/full").fails(5);
        assert!(error.contains("/dev/full: No space left"), "{error}");
    }
}

/// Eight columns of noise and a target that goes with their names.
fn wide(name: &str, target: impl Fn(usize, f64) -> String) -> String {
    let header = format!("a,b,c,d,e,f,g,h,{name}");
    csv(&header, 40, |i, x, y| {
        let cells: Vec<String> = (1..9)
            .map(|k| format!("{:.4}", x + 0.25 * y * f64::from(k)))
            .collect();
        format!("{},{}", cells.join(","), target(i, x))
    })
}

/// A row of ones and two of finite cells, so large that the network's numbers
/// overflow.
const LARGE: &str = "a,b,c,d,e,f,g,h\n1,1,1,1,1,1,1,1\n\
    2e38,2e38,-2e38,2e38,2e38,2e38,2e38,2e38\n2e38,-2e38,2e38,2e38,2e38,2e38,2e38,2e38\n";

#[test]
fn predictions_that_are_not_finite_are_refused_or_noted() {
    let scratch = Scratch::new();
    scratch.file(
        "kinds.csv",
        wide("kind", |i, _| ["x", "y", "z"][i % 3].to_owned()),
    );
    scratch.file("sizes.csv", wide("size", |_, x| format!("{}", 50.0 * x)));
    let small = "--hidden 16 --init normal:std=4 --epochs 1 --no-report";
    scratch.train(
        "classes",
        &format!("--data kinds.csv --target kind {small}"),
    );
    scratch.train(
        "margins",
        &format!("--data kinds.csv --target kind {small} --loss hinge"),
    );
    scratch.train("sizes", &format!("--data sizes.csv --target size {small}"));
    scratch.file("new.csv", LARGE);
    for run in ["classes", "margins", "sizes"] {
        for flags in ["", "--json", "--output out.csv"] {
            scratch
                .nn(&format!("predict {run} new.csv {flags}"))
                .refuses(3, &["new.csv: row 2", "column \"", "--allow-nonfinite"]);
        }
        assert!(!scratch.path("out.csv").exists());
        let allowed = scratch
            .nn(&format!("predict {run} new.csv --json --allow-nonfinite"))
            .succeeds_with_note("note: new.csv: row 2");
        let nulls: Vec<bool> = allowed.lines().map(|line| line.contains("null")).collect();
        assert_eq!(nulls, [false, true, true], "{run}: {allowed}");
    }
}

/// The same where the classes are known.
#[test]
fn measures_that_are_not_finite_are_refused_or_noted() {
    let scratch = Scratch::new();
    scratch.file(
        "kinds.csv",
        wide("kind", |i, _| ["x", "y", "z"][i % 3].to_owned()),
    );
    scratch.train(
        "a",
        "--data kinds.csv --target kind --hidden 16 --init normal:std=4 --epochs 1 --no-report",
    );
    let known = LARGE.replacen(",h\n", ",h,kind\n", 1);
    let known = known.replace("1\n", "1,x\n").replace("e38\n", "e38,x\n");
    scratch.file("known.csv", known);
    scratch.nn("evaluate a --data known.csv --json").refuses(
        3,
        &["known.csv", "sample 1", "not finite", "--allow-nonfinite"],
    );
    let allowed = scratch
        .nn("evaluate a --data known.csv --json --allow-nonfinite")
        .succeeds_with_note("sample 1");
    assert!(allowed.contains("\"loss\":null"), "{allowed}");
}
