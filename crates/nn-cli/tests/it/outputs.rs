//! Files that the program writes where a user says: whole or not at all, and
//! never through a link.

use std::fs;

use crate::support::{Scratch, csv, trees};

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    scratch.train("a", "--data trees.csv --hidden 4 --epochs 1 --no-report");
    scratch.file("new.csv", "u,v,colour\n1,2,red\n3,4,blue\n");
    scratch.file("bad.csv", "u,v,colour\n1,2,red\n3,four,blue\n");
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
        .refuses(3, &["bad.csv", "line 3", "\"four\""]);
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

/// Finite cells, so large that the network's numbers overflow.
#[test]
fn predictions_that_are_not_finite_are_refused_or_noted() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    scratch.file(
        "sizes.csv",
        csv("u,v,size", 40, |_, x, y| {
            format!("{x},{y},{}", 50.0 * x - y)
        }),
    );
    scratch.train(
        "classes",
        "--data trees.csv --hidden 4 --epochs 1 --no-report",
    );
    let hinge = "--data trees.csv --hidden 4 --epochs 1 --no-report --loss hinge";
    scratch.train("margins", hinge);
    let sizes = "--data sizes.csv --target size --hidden 4 --epochs 1 --no-report";
    scratch.train("sizes", sizes);
    let trees = "u,v,colour\n1,2,red\n3e38,3e38,red\n-3e38,3e38,red\n";
    let sizes = "u,v\n1,2\n3e38,3e38\n-3e38,3e38\n";
    for (run, text) in [("classes", trees), ("margins", trees), ("sizes", sizes)] {
        scratch.file("new.csv", text);
        for flags in ["", "--json", "--output out.csv"] {
            scratch
                .nn(&format!("predict {run} new.csv {flags}"))
                .refuses(
                    3,
                    &[
                        "new.csv: row 2",
                        "column \"",
                        "1 more row",
                        "--allow-nonfinite",
                    ],
                );
        }
        assert!(!scratch.path("out.csv").exists());
        let allowed = scratch.nn(&format!("predict {run} new.csv --json --allow-nonfinite"));
        assert!(
            allowed.stderr.contains("note: new.csv: row 2"),
            "{}",
            allowed.stderr
        );
        let lines = allowed.succeeds();
        let nulls: Vec<bool> = lines.lines().map(|line| line.contains("null")).collect();
        assert_eq!(nulls, [false, true, true], "{run}: {lines}");
    }
}

/// The same where the classes are known.
#[test]
fn measures_that_are_not_finite_are_refused_or_noted() {
    let scratch = scratch();
    scratch.file(
        "known.csv",
        "u,v,colour,tree\n1,2,red,oak\n3e38,3e38,red,oak\n",
    );
    scratch.nn("evaluate a --data known.csv --json").refuses(
        3,
        &["known.csv", "sample 1", "not finite", "--allow-nonfinite"],
    );
    let allowed = scratch.nn("evaluate a --data known.csv --json --allow-nonfinite");
    assert!(allowed.stderr.contains("note: "), "{}", allowed.stderr);
    assert!(allowed.succeeds().contains("\"loss\":null"));
}
