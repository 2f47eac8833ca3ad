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
            "batches of 195, but 194 samples",
        ),
        (
            "--data flat.csv --batch-size 8",
            "column \"v\" says the same",
        ),
        ("--data oak.csv --batch-size 8", "one class"),
        ("--data price.csv --batch-size 8", "taken for a quantity"),
        ("--data rare.csv --batch-size 8", "column \"hue\": "),
    ] {
        let flags = format!("{flags} --limit-train 300 --hidden 2 --epochs 1");
        for form in ["", "--json"] {
            scratch
                .nn(&format!("train {flags} --strict {form}"))
                .refuses(2, &["--strict: ", doubt, "leave --strict out"]);
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
    let doubts = ["says the same", "one class", "batches of 64"];
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
    scratch
        .nn("train --resume large --strict")
        .refuses(2, &["--strict: batches of 1 000, but 194 samples"]);
    assert!(!scratch.path("runs/large/summary.json").exists());
    scratch.nn("train --resume large").succeeds();
    assert_eq!(whole("large"), before);
    scratch.train("small", &format!("{flags} 16"));
    whole("small");
    scratch.nn("train --resume small --strict").succeeds();
}
