//! A run used from another folder than the one it was begun in.

use std::fs;

use crate::support::{Ended, Scratch, idx_images, idx_labels, trees};

const FLAGS: &str = "--hidden 6 --epochs 2 --no-report";

/// `project/` with data and a run called `a`, and `other/` to stand in.
fn project(data: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.file("project/tables/trees.csv", trees());
    scratch.file("project/digits/train-images-idx3-ubyte", idx_images(60));
    let labels: Vec<u8> = (0..60).map(|row| row % 3).collect();
    scratch.file(
        "project/digits/train-labels-idx1-ubyte",
        idx_labels(&labels),
    );
    fs::create_dir(scratch.path("other")).expect("the folder is ours");
    within(
        &scratch,
        "project",
        &format!("train --name a --data {data} {FLAGS}"),
    )
    .succeeds();
    scratch
}

fn within(scratch: &Scratch, folder: &str, line: &str) -> Ended {
    let mut command = scratch.command();
    command.current_dir(scratch.path(folder));
    let output = command.args(line.split_whitespace()).output();
    output.expect("the program starts").into()
}

#[test]
fn the_data_of_a_run_are_found_above_it() {
    for data in ["tables/trees.csv", "digits"] {
        let scratch = project(data);
        let here = within(&scratch, "project", "evaluate a --json").succeeds();
        for line in [
            "evaluate ../project/runs/a --json",
            "evaluate a --runs-dir ../project/runs --json",
            "evaluate ../project/runs/a/model.safetensors --json",
        ] {
            assert_eq!(within(&scratch, "other", line).succeeds(), here, "{line}");
        }
        let report = within(&scratch, "other", "report ../project/runs/a").succeeds();
        assert!(!report.contains("not shown"), "{report}");
        // The whole project may move.
        fs::rename(scratch.path("project"), scratch.path("moved")).expect("the folder is ours");
        let moved = within(&scratch, "other", "evaluate ../moved/runs/a --json").succeeds();
        assert_eq!(moved, here);
    }
}

#[test]
fn what_lies_here_comes_first_and_is_not_taken_for_the_old_table() {
    let scratch = project("tables/trees.csv");
    scratch.file("other/tables/trees.csv", trees().replacen("oak", "elm", 1));
    within(&scratch, "other", "evaluate ../project/runs/a").refuses(
        3,
        &[
            "tables/trees.csv: the table has changed since training",
            "SHA-256",
        ],
    );
    // What is typed now is meant from here.
    fs::remove_dir_all(scratch.path("other/tables")).expect("the folder is ours");
    within(
        &scratch,
        "other",
        "evaluate ../project/runs/a --data tables/trees.csv",
    )
    .refuses(5, &["tables/trees.csv: No such file"]);
}

#[test]
fn a_training_is_resumed_from_anywhere() {
    let scratch = project("tables/trees.csv");
    let whole = scratch.json("project/runs/a/summary.json");
    fs::remove_file(scratch.path("project/runs/a/summary.json")).expect("it is there");
    let checkpoints = fs::read_dir(scratch.path("project/runs/a/checkpoint"));
    let mut steps: Vec<_> = checkpoints
        .expect("the folder is there")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.to_string_lossy().contains("step-"))
        .collect();
    steps.sort();
    // Back to the first epoch's end.
    fs::remove_file(steps.pop().expect("two epochs")).expect("it is there");
    within(
        &scratch,
        "other",
        "train --resume ../project/runs/a --no-report --json",
    )
    .succeeds();
    let resumed = scratch.json("project/runs/a/summary.json");
    assert_eq!(resumed["weights_sha256"], whole["weights_sha256"]);
}
