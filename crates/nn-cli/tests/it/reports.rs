//! `nn report` and `nn compare`.

use std::fs;

use crate::support::{Scratch, TWO_EPOCHS};

/// The names of a run's charts, sorted.
fn plots(scratch: &Scratch, run: &str) -> Vec<String> {
    let folder = scratch.path(format!("runs/{run}/plots"));
    let entries = fs::read_dir(folder).expect("a folder of plots");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("readable")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

/// A page that parses, with `parts` in it, that loads and runs nothing.
#[track_caller]
fn check_page(html: &str, parts: &[&str]) {
    let xml = html
        .strip_prefix("<!DOCTYPE html>")
        .expect("a document type");
    roxmltree::Document::parse(xml).expect("well-formed");
    for part in parts {
        assert!(html.contains(part), "{part:?} is missing");
    }
    for forbidden in ["<script", "<link", "src=\"http", "href=\"http", "url("] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn a_training_ends_with_a_report() {
    let scratch = Scratch::new();
    let said = scratch
        .nn(&format!("train --name a {TWO_EPOCHS}"))
        .succeeds();
    assert!(said.contains("open runs/a/report.html"), "{said}");
    let page = scratch.read("runs/a/report.html");
    let parts = [
        "Run a",
        "nn train --config runs/a/config.toml",
        "nn train --accumulate 1 --activation relu",
        "Test results",
        "Worst mistakes",
        "nn predict runs/a --index ",
        "Weights of the first layer",
        "precision",
        "Content-Security-Policy",
    ];
    check_page(&page, &parts);
    let expected = [
        "accuracy",
        "calibration",
        "confusion",
        "learning-rate",
        "loss",
        "mistakes",
        "network",
        "precision-recall",
        "roc",
        "time",
        "weights",
    ];
    assert_eq!(
        plots(&scratch, "a"),
        expected.map(|name| format!("{name}.svg"))
    );
    for name in expected {
        let svg = scratch.read(format!("runs/a/plots/{name}.svg"));
        roxmltree::Document::parse(&svg).expect("well-formed");
        assert!(svg.contains("prefers-color-scheme:dark"), "{name}");
    }
}

#[test]
fn a_report_can_be_left_out_and_made_later() {
    let scratch = Scratch::new();
    let said = scratch
        .nn(&format!("train --no-report --name a {TWO_EPOCHS}"))
        .succeeds();
    assert!(said.contains("  nn report runs/a\n"), "{said}");
    assert!(!scratch.path("runs/a/report.html").exists());
    scratch.train("b", TWO_EPOCHS);
    let said = scratch.nn("report a runs/b").succeeds();
    assert_eq!(said.lines().count(), 2, "{said}");
    let of_training = scratch.read("runs/b/report.html");
    scratch.nn("report b --split test").succeeds();
    assert_eq!(
        scratch.read("runs/b/report.html"),
        of_training,
        "nothing depends on when it is made"
    );
    assert_eq!(plots(&scratch, "a"), plots(&scratch, "b"));
}

#[test]
fn a_report_agrees_with_an_evaluation() {
    let scratch = Scratch::new();
    scratch.train("a", TWO_EPOCHS);
    for split in ["train", "validation", "test"] {
        scratch.nn(&format!("report a --split {split}")).succeeds();
        let accuracy = scratch.evaluate("a", &format!("--split {split}"))["accuracy"].as_f64();
        let percent = format!("{:.2}\u{202F}%", 100.0 * accuracy.expect("a share"));
        let page = scratch.read("runs/a/report.html");
        let fact = format!("<dt>Accuracy</dt><dd>{percent}</dd>");
        assert!(page.contains(&fact), "{split}: {fact}");
    }
}

#[test]
fn names_in_a_table_stay_text() {
    let scratch = Scratch::new();
    let row = |i: usize| {
        let class = if i.is_multiple_of(3) {
            "<script>alert(1)</script>"
        } else {
            "a & b"
        };
        format!("{},{},{class}\n", i % 3, i % 7)
    };
    let rows: String = (0..120).map(row).collect();
    scratch.file("hostile.csv", format!("<b>x</b>,\"y\"\"\",class\n{rows}"));
    scratch.train("a", "--data hostile.csv --hidden 4 --epochs 2");
    let page = scratch.read("runs/a/report.html");
    check_page(
        &page,
        &[
            "&lt;script&gt;alert(1)&lt;/script&gt;",
            "&lt;b&gt;x&lt;/b&gt;",
        ],
    );
}

#[test]
fn a_regression_shows_predicted_against_actual() {
    let scratch = Scratch::new();
    let rows: String = (0..100).map(|i| format!("{i},{}\n", 3 * i + 7)).collect();
    scratch.file("line.csv", format!("x,price\n{rows}"));
    scratch.train("a", "--data line.csv --target price --hidden 4 --epochs 3");
    let page = scratch.read("runs/a/report.html");
    check_page(
        &page,
        &[
            "price: predicted and actual",
            "price: residuals",
            "R²",
            "Permutation importance",
        ],
    );
    assert!(!page.contains("Confusion matrix"));
    let expected = [
        "importance",
        "learning-rate",
        "loss",
        "network",
        "predicted-1",
        "residuals-1",
        "time",
    ];
    assert_eq!(
        plots(&scratch, "a"),
        expected.map(|name| format!("{name}.svg"))
    );
}

#[test]
fn without_its_data_a_run_still_has_a_report() {
    let scratch = Scratch::new();
    let rows: String = (0..100).map(|i| format!("{i},{}\n", 3 * i + 7)).collect();
    scratch.file("line.csv", format!("x,price\n{rows}"));
    scratch.train(
        "a",
        "--data line.csv --target price --hidden 4 --epochs 3 --no-report",
    );
    fs::remove_file(scratch.path("line.csv")).expect("the table is there");
    let said = scratch.nn("report a").succeeds();
    assert!(said.contains("not shown: Results and mistakes: "), "{said}");
    check_page(
        &scratch.read("runs/a/report.html"),
        &["Not shown", "line.csv", "Loss"],
    );
}

#[test]
fn an_interrupted_run_has_a_report_of_its_epochs() {
    let scratch = Scratch::new();
    scratch.train("a", TWO_EPOCHS);
    for file in ["summary.json", "model.safetensors"] {
        fs::remove_file(scratch.path(format!("runs/a/{file}"))).expect("a finished run");
    }
    let said = scratch.nn("report a").succeeds();
    assert!(said.contains("the run was interrupted"), "{said}");
    check_page(&scratch.read("runs/a/report.html"), &["Loss", "Not shown"]);
}

#[test]
fn what_cannot_be_reported_on_is_refused() {
    let scratch = Scratch::new();
    scratch
        .nn("report nowhere")
        .refuses(5, &["no run \"nowhere\"", "there are no runs"]);
    scratch.train("a", TWO_EPOCHS);
    scratch
        .nn("report runs/a/config.toml")
        .refuses(2, &["expected a run directory"]);
    scratch.file("runs/a/metrics.csv", "epoch,train_loss\n1,2,3\n");
    scratch.nn("report a").refuses(3, &["metrics.csv:2"]);
    scratch.file("runs/a/summary.json", "{");
    scratch.file("runs/a/metrics.csv", "");
    scratch.nn("report a").refuses(3, &["summary.json"]);
}

#[test]
fn runs_stand_side_by_side() {
    let scratch = Scratch::new();
    scratch.train("slow", &format!("{TWO_EPOCHS} --lr 1e-5"));
    scratch.train("fast", &format!("{TWO_EPOCHS} --lr 0.01"));
    let said = scratch.nn("compare slow runs/fast").succeeds();
    let line = |start: &str| {
        let found = said.lines().find(|line| line.starts_with(start));
        found
            .unwrap_or_else(|| panic!("no {start} in: {said}"))
            .to_owned()
    };
    assert!(line("--lr").ends_with("0.01"), "{said}");
    assert!(line("test accuracy").ends_with('*'), "{said}");
    assert!(said.contains("curves in runs/comparison.html"), "{said}");
    assert!(!said.contains("--batch-size"), "it is the same: {said}");
    check_page(
        &scratch.read("runs/comparison.html"),
        &["Validation loss", "slow", "fast", "★"],
    );
}

#[test]
fn everything_in_the_folder_of_the_runs_is_compared() {
    const NN: &str = env!("CARGO_BIN_EXE_nn");
    let scratch = Scratch::new();
    scratch.train("a", TWO_EPOCHS);
    scratch.train("b", &format!("{TWO_EPOCHS} --lr 1e-5"));
    scratch.file("runs/notes.txt", "");
    scratch.file("runs/search/trials.csv", "");
    for round in ["comparison.html does not exist", "comparison.html exists"] {
        let said = scratch
            .shell(&format!("cd runs && {NN} compare *"))
            .succeeds();
        let names = said.lines().next().unwrap_or_default().split_whitespace();
        assert_eq!(names.collect::<Vec<_>>(), ["a", "b"], "{round}: {said}");
        let skipped = said
            .lines()
            .find(|line| line.starts_with("skipped, not a run: "));
        let skipped = skipped.unwrap_or_default();
        assert!(skipped.ends_with("notes.txt, search"), "{round}: {said}");
        assert!(
            said.contains("curves in comparison.html"),
            "{round}: {said}"
        );
    }
    let one = scratch.shell(&format!("cd runs && {NN} compare a notes.txt search"));
    one.refuses(
        2,
        &[
            "expected two or more runs, found a",
            "not a run: notes.txt, search",
        ],
    );
    scratch
        .nn("compare a no-such-run")
        .refuses(5, &["no run \"no-such-run\""]);
}

#[test]
fn large_numbers_have_exponents() {
    let scratch = Scratch::new();
    let flags = "--data glyphs --limit-train 200 --hidden 8 --epochs 1";
    for name in ["a", "b"] {
        let said = scratch.nn(&format!(
            "train {flags} --lr 1e99 --optimizer sgd --name {name}"
        ));
        assert!(
            said.stdout.contains("sgd, learning rate 1e99 (constant)"),
            "{}",
            said.stdout
        );
    }
    scratch.train("c", flags);
    let said = scratch.nn("compare a c").succeeds();
    assert!(
        said.lines()
            .any(|line| line.starts_with("--lr") && line.contains("1e99")),
        "{said}"
    );
}

#[test]
fn a_comparison_goes_where_it_is_told_and_speaks_json() {
    let scratch = Scratch::new();
    let summary = scratch.train("a", TWO_EPOCHS);
    scratch.train("b", &format!("{TWO_EPOCHS} --seed 1"));
    let said = scratch
        .nn("compare a b --json --output both.html")
        .succeeds();
    let object: serde_json::Value = serde_json::from_str(&said).expect("one JSON object");
    assert_eq!(object["differing_settings"], serde_json::json!(["seed"]));
    for key in [
        "layers",
        "parameters",
        "test_accuracy",
        "weights_sha256",
        "train_loss",
    ] {
        assert_eq!(object["runs"][0][key], summary[key], "{key}");
    }
    assert!(scratch.path("both.html").is_file() && !scratch.path("runs/comparison.html").exists());
    let one = scratch.nn("compare a");
    assert_eq!(one.code, Some(2), "{}", one.stderr);
}

/// Two losses of different measures in one chart are told apart.
#[test]
fn a_training_loss_that_is_another_measure_says_so() {
    let scratch = Scratch::new();
    let page = |flags: &str| {
        fs::remove_dir_all(scratch.path("runs")).ok();
        scratch.train("a", &format!("{TWO_EPOCHS} {flags}"));
        scratch.read("runs/a/report.html")
    };
    let [smoothed, weighted] = ["label smoothing (0.1)", "class weights (balanced)"];
    let plain = page("");
    assert!(!plain.contains("training loss includes"), "{plain}");
    let said = page("--label-smoothing 0.1");
    assert!(
        said.contains(smoothed) && !said.contains(weighted),
        "{said}"
    );
    let said = page("--label-smoothing 0.1 --class-weight balanced");
    assert!(said.contains(smoothed) && said.contains(weighted), "{said}");
}
