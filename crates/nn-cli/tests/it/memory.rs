//! What needs more memory than there is ends with exit code 2 before it is
//! allocated, and leaves nothing behind.
#![cfg(target_os = "linux")]

use std::fs::File;

use serde_json::json;

use crate::live::Server;
use crate::support::{Ended, Scratch};

/// Runs `nn` with so many KiB of address space.
fn within(kibibytes: usize, scratch: &Scratch, line: &str) -> Ended {
    let nn = env!("CARGO_BIN_EXE_nn");
    scratch.shell(&format!("ulimit -v {kibibytes}; exec {nn} {line}"))
}

#[test]
fn a_network_that_does_not_fit_is_refused_with_both_amounts() {
    let scratch = Scratch::new();
    for flags in [
        "--hidden 1000000",
        "--hidden 100000 --optimizer sgd --patience 3",
    ] {
        let line = format!("train --data glyphs --limit-train 300 --epochs 1 {flags}");
        let parts = [
            "the training run needs ",
            " GiB of memory, but 1.",
            "are available",
            "--hidden",
        ];
        within(2_000_000, &scratch, &line).refuses(2, &parts);
    }
    assert!(!scratch.path("runs").exists());
}

#[test]
fn a_batch_that_does_not_fit_is_refused() {
    let scratch = Scratch::new();
    let line =
        "train --data glyphs --limit-train 10000 --hidden 9000 --batch-norm --batch-size full";
    within(1_000_000, &scratch, line).refuses(2, &["the training run needs 1.", "--batch-size"]);
}

#[test]
fn a_resumed_run_that_does_not_fit_is_a_matter_of_usage() {
    let scratch = Scratch::new();
    scratch.train(
        "a",
        "--data glyphs --limit-train 100 --hidden 4 --epochs 1 --no-report",
    );
    std::fs::remove_file(scratch.path("runs/a/summary.json")).expect("it is there");
    let config = scratch.read("runs/a/config.toml");
    let config = config.replace("hidden = \"4\"", "hidden = \"1000000\"");
    scratch.file("runs/a/config.toml", config);
    within(2_000_000, &scratch, "train --resume a").refuses(2, &["the training run needs "]);
}

#[test]
fn categories_that_do_not_fit_are_refused() {
    let scratch = Scratch::new();
    let columns: Vec<usize> = (0..400).collect();
    let cells = |cell: &dyn Fn(usize) -> String| {
        columns
            .iter()
            .map(|&column| cell(column))
            .collect::<Vec<_>>()
            .join(",")
    };
    let mut table = cells(&|column| format!("c{column}")) + ",label\n";
    for row in 0..2500 {
        table += &cells(&|column| format!("v{}", (row + column) % 250));
        table += if row % 2 == 0 { ",a\n" } else { ",b\n" };
    }
    scratch.file("onehot.csv", table);
    within(1_000_000, &scratch, "train --data onehot.csv --epochs 1").refuses(
        2,
        &[
            "onehot.csv: the table with 2 500 rows and",
            "iB of memory",
            "--ignore",
        ],
    );
    assert!(!scratch.path("runs").exists());
}

#[test]
fn a_model_that_does_not_fit_is_refused() {
    let scratch = Scratch::new();
    let file = File::create(scratch.path("large.safetensors")).expect("the folder is writable");
    file.set_len(4 << 30).expect("it takes no space");
    for command in ["evaluate", "inspect"] {
        let line = format!("{command} large.safetensors");
        let parts = [
            "large.safetensors: the model needs 8.0 GiB of memory",
            "are available",
        ];
        within(2_000_000, &scratch, &line).refuses(2, &parts);
    }
}

#[test]
fn what_fits_is_trained() {
    let scratch = Scratch::new();
    let flags = "--data glyphs --limit-train 300 --hidden 1000 --epochs 1 --no-report";
    within(400_000, &scratch, &format!("train --name a {flags}")).succeeds();
    within(400_000, &scratch, "evaluate a").succeeds();
}

#[test]
fn the_page_trains_within_its_limit() {
    let server = Server::without_data("");
    let flags = "--data glyphs --limit-train 10000 --hidden 12000 --batch-norm --batch-size full";
    let words: Vec<&str> = flags.split(' ').collect();
    let answer = server.post("/api/start", &json!({ "trainings": [words] }));
    let text = answer.text();
    assert!(text.contains("at most 1.0 GiB of memory"), "{text}");
    assert!(server.get("/").text().contains("html"), "it still answers");
}

/// The built-in digits are generated before the network is known.
#[test]
fn an_allocation_that_fails_is_an_error() {
    let scratch = Scratch::new();
    let mut limits = (10_000..).step_by(1000);
    let least = limits.find(|&limit| within(limit, &scratch, "--version").code == Some(0));
    let least = least.expect("the program starts with enough memory");
    let line =
        "train --data glyphs --limit-train 300 --hidden 4 --epochs 1 --threads 1 --no-report";
    let mut n_failed = 0;
    for limit in (least..least + 10_000).step_by(1000) {
        let ended = within(limit, &scratch, line);
        assert!(
            matches!(ended.code, Some(0 | 2)),
            "{limit}: {}",
            ended.stderr
        );
        n_failed += usize::from(ended.stderr.starts_with("memory allocation of "));
    }
    assert!(n_failed > 0);
}
