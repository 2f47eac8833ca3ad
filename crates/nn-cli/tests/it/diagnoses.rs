//! `nn doctor`: for each diagnosis a run that has the illness, and one that is
//! well; for some, that what is suggested helps.

use std::fs;

use serde_json::{Value, json};

use crate::support::{SMALL, Scratch, csv, idx_labels, noise, trees};

/// What the doctor says, check by check.
fn diagnose(scratch: &Scratch, run: &str) -> Vec<Value> {
    let said = scratch.nn(&format!("doctor {run} --json")).succeeds();
    let value: Value = serde_json::from_str(&said).expect("one JSON object");
    value["checks"].as_array().expect("a list").clone()
}

#[track_caller]
fn check<'a>(checks: &'a [Value], name: &str) -> &'a Value {
    let found = checks.iter().find(|check| check["check"] == name);
    found.unwrap_or_else(|| panic!("no check {name:?}"))
}

/// The check called `name` finds something, and says so with all `parts`.
/// Gives the flags that it suggests.
#[track_caller]
fn is_ill(scratch: &Scratch, run: &str, name: &str, parts: &[&str]) -> Vec<String> {
    let checks = diagnose(scratch, run);
    let check = check(&checks, name);
    assert_eq!(check["verdict"], "problem", "{check:#}");
    let evidence = check["evidence"].as_str().expect("evidence");
    for part in parts {
        assert!(
            evidence.contains(part),
            "{part:?} is missing in: {evidence}"
        );
    }
    let tries = check["try"].as_array().expect("something to try");
    assert!(!tries.is_empty(), "nothing to try");
    let flags = tries.iter().filter_map(|it| it["flags"].as_str());
    flags.map(str::to_owned).collect()
}

/// The check called `name` finds something that the problem `cause` explains, so that
/// only that one is treated. Gives the flags of the first cure.
#[track_caller]
fn is_explained(scratch: &Scratch, run: &str, name: &str, cause: &str) -> String {
    let checks = diagnose(scratch, run);
    let symptom = check(&checks, name);
    assert_eq!(symptom["explained_by"], cause, "{symptom:#}");
    assert_eq!(symptom["try"], json!([]));
    first_cure(scratch, run, cause)
}

/// The flags of the first cure, which is one for `problem`.
#[track_caller]
fn first_cure(scratch: &Scratch, run: &str, problem: &str) -> String {
    let said = scratch.nn(&format!("doctor {run} --json")).succeeds();
    let value: Value = serde_json::from_str(&said).expect("one JSON object");
    let first = &value["cures"][0];
    assert_eq!(first["problem"], problem, "{value:#}");
    first["flags"].as_str().expect("flags").to_owned()
}

#[track_caller]
fn is_well(scratch: &Scratch, run: &str, name: &str) {
    let checks = diagnose(scratch, run);
    let check = check(&checks, name);
    assert_eq!(check["verdict"], "ok", "{check:#}");
}

/// Trains again with the suggested flags.
fn follow(scratch: &Scratch, run: &str, flags: &str) -> Value {
    let config = format!("--config runs/{run}/config.toml --no-report");
    scratch.train("cured", &format!("{config} {flags}"))
}

fn number(summary: &Value, name: &str) -> f64 {
    summary[name]
        .as_f64()
        .unwrap_or_else(|| panic!("no {name} in {summary:#}"))
}

fn train(scratch: &Scratch, flags: &str) -> Value {
    scratch.train("a", &format!("--no-report {flags}"))
}

/// With the rate that was left after halving it, not the one that was set.
#[test]
fn a_rate_that_was_halved() {
    let scratch = Scratch::new();
    let table = csv("u,v,price", 200, |_, x, y| {
        format!("{x},{y},{}", 9.0 * x - y)
    });
    scratch.file("houses.csv", table);
    let data = "--data houses.csv --target price --task regression --hidden 64,64 --epochs 6";
    let rate = "--optimizer sgd --lr 8 --on-divergence halve-lr --schedule cosine";
    scratch.nn(&format!("train --name a --no-report {data} {rate}"));
    let metrics = scratch.read("runs/a/metrics.csv");
    let rows = metrics.lines().skip(1);
    let rates = rows.filter_map(|row| row.split(',').nth(2)?.parse::<f64>().ok());
    let highest = rates.fold(0.0, f64::max);
    assert!(highest > 0.0 && highest < 8.0, "{metrics}");
    let checks = diagnose(&scratch, "a");
    let evidence = check(&checks, "learning rate too high")["evidence"].to_string();
    assert!(!evidence.contains("rate 8,"), "{evidence}");
    let said = scratch.nn("doctor a").succeeds();
    assert!(!said.contains("--on-divergence"), "{said}");
}

/// Trees that are easily told apart, long enough.
const HEALTHY: &str = "--data trees.csv --hidden 16 --activation tanh --epochs 60";

fn healthy() -> Scratch {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    train(&scratch, HEALTHY);
    scratch
}

#[test]
fn a_healthy_run() {
    let scratch = healthy();
    let checks = diagnose(&scratch, "a");
    assert!(
        checks.iter().all(|check| check["verdict"] == "ok"),
        "{checks:#?}"
    );
    let said = scratch.nn("doctor a").succeeds();
    assert!(said.contains("\nno problem found\n"), "{said}");
    assert!(said.contains("; it never rose by more than 5 %"), "{said}");
    for check in &checks {
        let name = check["check"].as_str().expect("a name");
        assert!(said.contains(&format!("\n  {name}  ")), "{name} in {said}");
    }
}

#[test]
fn without_model_and_data_the_curves_are_looked_at() {
    let scratch = healthy();
    fs::remove_file(scratch.path("trees.csv")).expect("it is there");
    fs::remove_file(scratch.path("runs/a/model.safetensors")).expect("it is there");
    let checks = diagnose(&scratch, "a");
    assert_eq!(check(&checks, "overfitting")["verdict"], "ok");
    let unknown = check(&checks, "unbalanced classes");
    assert_eq!(unknown["verdict"], "not-checked");
    let reason = unknown["evidence"].as_str().expect("a reason");
    assert!(reason.contains("trees.csv"), "{reason}");
    assert_eq!(check(&checks, "dead neurons")["verdict"], "not-checked");
}

#[test]
fn without_the_data_most_checks_are_skipped() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    train(
        &scratch,
        "--data trees.csv --hidden 16 --lr 0.01 --epochs 150",
    );
    fs::remove_file(scratch.path("trees.csv")).expect("it is there");
    let checks = diagnose(&scratch, "a");
    let n_unchecked = checks
        .iter()
        .filter(|check| check["verdict"] == "not-checked");
    let n_checked = checks.len() - n_unchecked.count();
    let said = scratch.nn("doctor a").succeeds();
    let found = format!(
        "no problem found by {n_checked} of {} checks; most others need the data (set --data-dir)",
        checks.len()
    );
    assert!(said.contains(&found), "{said}");
}

#[test]
fn damaged_files_are_errors() {
    let scratch = healthy();
    scratch.nn("doctor b").refuses(5, &["no run \"b\""]);
    fs::create_dir(scratch.path("runs/empty")).expect("it is new");
    scratch
        .nn("doctor empty")
        .refuses(5, &["no config.toml", "give the directory of a run"]);
    let metrics = scratch.read("runs/a/metrics.csv");
    scratch.file("runs/a/metrics.csv", &metrics[..metrics.len() - 60]);
    scratch.nn("doctor a").refuses(3, &["metrics.csv:61"]);
}

#[test]
fn a_diverged_run() {
    let scratch = Scratch::new();
    let flags = format!("train --name a {SMALL} --optimizer sgd --lr 1e20 --epochs 2");
    scratch.nn(&flags).fails(6);
    let tries = is_ill(&scratch, "a", "diverged", &["learning rate"]);
    assert!(tries[0].starts_with("--lr "), "{tries:?}");
    is_well(&scratch, "a", "unfinished");
    // What was resumed has not diverged until it does so again.
    scratch.nn("train --resume a").fails(6);
    is_ill(&scratch, "a", "diverged", &[]);
}

#[test]
fn an_unfinished_run() {
    let scratch = healthy();
    fs::remove_file(scratch.path("runs/a/summary.json")).expect("it is there");
    is_ill(&scratch, "a", "unfinished", &["60 of 60 epochs"]);
    is_well(&scratch, "a", "diverged");
    let said = scratch.nn("doctor a").succeeds();
    assert!(said.contains("nn train --resume"), "{said}");
}

#[test]
fn a_rate_too_high() {
    let scratch = Scratch::new();
    let ill = train(
        &scratch,
        &format!("{SMALL} --optimizer sgd --lr 5 --epochs 4"),
    );
    let tries = is_ill(&scratch, "a", "learning rate too high", &["rate 5"]);
    is_well(&scratch, "a", "learning rate too low");
    let cured = follow(&scratch, "a", &tries[0]);
    let accuracies = [&ill, &cured].map(|run| number(run, "validation_accuracy"));
    assert!(accuracies[0] + 0.2 < accuracies[1], "{accuracies:?}");
}

#[test]
fn a_rate_too_low() {
    let scratch = Scratch::new();
    let ill = train(
        &scratch,
        &format!("{SMALL} --optimizer sgd --lr 0.001 --epochs 3"),
    );
    let tries = is_ill(
        &scratch,
        "a",
        "learning rate too low",
        &["rate 0.001", "constant predictions"],
    );
    is_well(&scratch, "a", "learning rate too high");
    let cured = follow(&scratch, "a", &tries[0]);
    let losses = [&ill, &cured].map(|run| number(run, "validation_loss"));
    assert!(losses[1] < losses[0] - 0.05, "{losses:?}");
}

#[test]
fn a_run_stopped_too_soon() {
    let scratch = Scratch::new();
    let ill = train(
        &scratch,
        &format!("{SMALL} --optimizer sgd --lr 0.05 --epochs 5"),
    );
    let tries = is_ill(&scratch, "a", "stopped too soon", &["still falling"]);
    assert_eq!(tries[0], "--epochs 10");
    let cured = follow(&scratch, "a", &tries[0]);
    let losses = [&ill, &cured].map(|run| number(run, "validation_loss"));
    assert!(losses[1] < losses[0] - 0.1, "{losses:?}");
}

/// The curve is too short to say anything, but a larger network is not the first cure.
#[test]
fn a_single_epoch() {
    let scratch = Scratch::new();
    train(&scratch, &format!("{SMALL} --epochs 1"));
    assert_eq!(first_cure(&scratch, "a", "stopped too soon"), "--epochs 10");
    is_ill(&scratch, "a", "stopped too soon", &["only 1 epoch and"]);
}

#[test]
fn overfitting() {
    let scratch = Scratch::new();
    // 20 columns of noise, and labels that only the first has to do with.
    let names: Vec<String> = (0..20).map(|column| format!("x{column}")).collect();
    let mut table = format!("{},label\n", names.join(","));
    for row in noise(160 * 20).chunks_exact(20) {
        let label = if row[0] + row[1] * 2.0 * row[2] > 0.0 {
            "a"
        } else {
            "b"
        };
        let cells: Vec<String> = row.iter().map(f64::to_string).collect();
        table.push_str(&format!("{},{label}\n", cells.join(",")));
    }
    scratch.file("noise.csv", table);
    let flags = "--data noise.csv --hidden 64 --lr 0.01 --epochs 80 --validation 0.3";
    let ill = train(&scratch, flags);
    let parts = [
        "at its lowest",
        "on the training samples",
        "on the validation samples",
    ];
    let tries = is_ill(&scratch, "a", "overfitting", &parts);
    assert_eq!(tries[0], "--patience 3");
    let cured = follow(&scratch, "a", &tries[0]);
    let losses = [&ill, &cured].map(|run| number(run, "validation_loss"));
    assert!(losses[1] < 0.8 * losses[0], "{losses:?}");
}

const INITIAL_WEIGHTS: &str = "unsuitable initial weights";

#[test]
fn dead_neurons() {
    let scratch = Scratch::new();
    let bias = "--bias-init uniform:low=-20,high=-10";
    let ill = train(&scratch, &format!("{SMALL} {bias} --epochs 2"));
    let cure = is_explained(&scratch, "a", "dead neurons", INITIAL_WEIGHTS);
    assert_eq!(cure, "--bias-init zeros");
    let said = scratch.nn("doctor a").succeeds();
    assert!(said.contains("(sets the biases to 0)"), "{said}");
    let cured = follow(&scratch, "a", &cure);
    let losses = [&ill, &cured].map(|run| number(run, "validation_loss"));
    assert!(losses[1] < losses[0] - 0.05, "{losses:?}");
    is_well(&scratch, "cured", "dead neurons");
}

#[test]
fn saturated_neurons() {
    let scratch = Scratch::new();
    let flags = "--activation tanh --init normal:std=3 --epochs 3";
    let ill = train(&scratch, &format!("{SMALL} {flags}"));
    let cure = is_explained(&scratch, "a", "saturated neurons", INITIAL_WEIGHTS);
    assert_eq!(cure, "--init xavier");
    let said = scratch.nn("doctor a").succeeds();
    let effect = "(scales random weights to the layer sizes)";
    assert!(said.contains(effect), "{said}");
    let cured = follow(&scratch, "a", &cure);
    let losses = [&ill, &cured].map(|run| number(run, "validation_loss"));
    assert!(losses[1] < losses[0], "{losses:?}");
    is_well(&scratch, "cured", "saturated neurons");
}

#[test]
fn a_loss_that_does_not_fit() {
    let scratch = healthy();
    is_well(&scratch, "a", "loss does not fit the task");
    let mse = format!("--no-report {HEALTHY} --loss mse");
    scratch.train("b", &mse);
    let tries = is_ill(
        &scratch,
        "b",
        "loss does not fit the task",
        &["mse with softmax: ", "derivative of softmax"],
    );
    // The output activation is softmax already.
    assert_eq!(tries[0], "--loss cross-entropy");
    follow(&scratch, "b", &tries[0]);
    is_well(&scratch, "cured", "loss does not fit the task");
}

#[test]
fn an_output_that_does_not_reach_the_targets() {
    let scratch = Scratch::new();
    scratch.file(
        "houses.csv",
        csv("u,v,price", 200, |_, x, y| {
            format!("{x},{y},{}", 9.0 * x - y)
        }),
    );
    let flags = "--data houses.csv --target price --task regress --hidden 8 --lr 0.02 --epochs 40";
    let ill = train(&scratch, &format!("{flags} --output-activation sigmoid"));
    let name = "output does not fit the targets";
    let tries = is_ill(&scratch, "a", name, &["sigmoid are between 0 and 1"]);
    let cured = follow(&scratch, "a", &tries[0]);
    let losses = [&ill, &cured].map(|run| number(run, "validation_loss"));
    assert!(losses[1] < 0.7 * losses[0], "{losses:?}");
    is_well(&scratch, "cured", name);
}

/// 60 images of 2 x 3 pixels, the brightest of which is `brightest`.
fn images(brightest: u8) -> Vec<u8> {
    let header = [0, 0, 8, 3, 0, 0, 0, 60, 0, 0, 0, 2, 0, 0, 0, 3];
    let pixels = (0..360_u32).map(|i| if i * 7919 % 3 == 0 { brightest } else { 0 });
    header.into_iter().chain(pixels).collect()
}

#[test]
fn inputs_that_are_not_scaled() {
    for (brightest, verdict) in [(1, "problem"), (255, "ok")] {
        let scratch = Scratch::new();
        scratch.file("data/train-images-idx3-ubyte", images(brightest));
        let labels: Vec<u8> = (0..60).map(|i| i % 2).collect();
        scratch.file("data/train-labels-idx1-ubyte", idx_labels(&labels));
        train(&scratch, "--data data --hidden 2 --epochs 2");
        let checks = diagnose(&scratch, "a");
        let check = check(&checks, "inputs not scaled");
        assert_eq!(check["verdict"], verdict, "{check:#}");
    }
}

#[test]
fn a_column_with_an_outlier() {
    let scratch = Scratch::new();
    let table = csv("u,income,label", 300, |i, x, y| {
        let income = if i == 17 { 1e9 } else { y };
        format!("{x},{income},{}", if x > 0.0 { "a" } else { "b" })
    });
    scratch.file("people.csv", table);
    train(&scratch, "--data people.csv --hidden 4 --epochs 2");
    let tries = is_ill(
        &scratch,
        "a",
        "outliers in an input",
        &["column income", "standard deviations"],
    );
    assert_eq!(tries, ["", "--ignore income"]);
}

/// Its standardized values are 0, like labels that are absent.
#[test]
fn a_constant_target() {
    let scratch = Scratch::new();
    let table = csv("u,v,price", 50, |_, x, y| format!("{x},{y},5.5"));
    scratch.file("houses.csv", table);
    let flags = "--data houses.csv --target price --task regression --hidden 8 --epochs 5";
    let summary = train(&scratch, flags);
    for name in ["test_accuracy", "validation_accuracy"] {
        assert_eq!(summary[name], json!(null), "{summary:#}");
    }
    assert!(number(&summary, "test_rmse") < 1.0, "{summary:#}");
    assert_eq!(number(&summary, "baseline"), 0.0);
    let said = scratch.nn("evaluate a --split test").succeeds();
    assert!(!said.contains("accuracy"), "{said}");
    let name = "constant target";
    is_ill(&scratch, "a", name, &["the target price", "all 40"]);
    is_well(&scratch, "a", "target leakage");
    let cure = first_cure(&scratch, "a", name);
    assert_eq!(cure, "");
}

#[test]
fn classes_out_of_balance() {
    let scratch = Scratch::new();
    let table = csv("u,v,label", 400, |i, x, y| {
        let (label, at) = if i.is_multiple_of(12) {
            ("rare", 1.5)
        } else {
            ("common", 0.0)
        };
        format!("{},{},{label}", x + at, y + at)
    });
    scratch.file("rare.csv", table);
    train(
        &scratch,
        "--data rare.csv --hidden 8 --epochs 30 --validation 0.2",
    );
    let tries = is_ill(
        &scratch,
        "a",
        "unbalanced classes",
        &["of common", "of rare"],
    );
    assert_eq!(tries[0], "--class-weight balanced");
    follow(&scratch, "a", &tries[0]);
    is_well(&scratch, "cured", "unbalanced classes");
    let recall = |run: &str| {
        let found = scratch.evaluate(run, "--split train");
        found["classes"][1]["recall"].as_f64().unwrap_or(0.0)
    };
    let recalls = ["a", "cured"].map(recall);
    assert!(recalls[0] + 0.3 < recalls[1], "{recalls:?}");
}

#[test]
fn rows_that_are_trained_on_and_tested_on() {
    let scratch = Scratch::new();
    let once = trees();
    let rows = once.split_once('\n').expect("a header").1;
    scratch.file("twice.csv", format!("{once}{rows}"));
    train(&scratch, "--data twice.csv --hidden 4 --epochs 2");
    is_ill(
        &scratch,
        "a",
        "test rows duplicate training rows",
        &["of 48 test rows"],
    );
}

/// A smoothed training loss cannot fall below the entropy of the smoothed
/// targets: 0.95 for ε = 0.6 and three classes, where constant predictions have 1.1.
#[test]
fn a_smoothed_loss_is_compared_with_its_floor() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    let flags = "--data trees.csv --hidden 16 --label-smoothing 0.6 --optimizer adam --lr 0.02";
    for (run, more) in [
        ("a", "--epochs 300"),
        ("b", "--epochs 300 --validation 0"),
        ("c", "--epochs 100 --loss kl"),
        ("d", "--epochs 100 --loss binary-cross-entropy"),
        ("e", "--epochs 100 --class-weight 1,2,3"),
    ] {
        let summary = scratch.train(run, &format!("--no-report {flags} {more}"));
        assert!(
            number(&summary, "test_accuracy") > 0.95,
            "{run}: {summary:#}"
        );
        for name in [
            "learning rate too low",
            "learning rate too high",
            "stopped too soon",
        ]
        .into_iter()
        .chain((run != "b").then_some("overfitting"))
        {
            is_well(&scratch, run, name);
        }
    }
    // Without the data and their frequencies the floor is still known.
    fs::remove_file(scratch.path("trees.csv")).expect("it is there");
    for run in ["a", "d"] {
        is_well(&scratch, run, "learning rate too low");
    }
}

/// What has hardly begun is still found.
#[test]
fn a_rate_too_low_is_found_under_label_smoothing() {
    let scratch = Scratch::new();
    let flags = "--optimizer sgd --lr 0.001 --epochs 3 --label-smoothing 0.2";
    train(&scratch, &format!("{SMALL} {flags}"));
    let parts = ["constant predictions: 2.30", "lowest possible loss: 0.8"];
    is_ill(&scratch, "a", "learning rate too low", &parts);
    is_well(&scratch, "a", "learning rate too high");
}

#[test]
fn a_rate_too_high_is_found_under_label_smoothing() {
    let scratch = Scratch::new();
    let flags = "--optimizer sgd --lr 10 --epochs 4 --label-smoothing 0.2";
    train(&scratch, &format!("{SMALL} {flags}"));
    is_ill(&scratch, "a", "learning rate too high", &["rate 10"]);
}

/// Weights of 0 leave a flat loss, dead neurons and guesses: one cause, one cure.
#[test]
fn weights_of_zero() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    let flags = "--data trees.csv --hidden 16 --init zeros --lr 0.01 --epochs 20";
    train(&scratch, flags);
    is_ill(&scratch, "a", INITIAL_WEIGHTS, &["layer 1", "same weights"]);
    for symptom in [
        "dead neurons",
        "learning rate too low",
        "no better than the baseline",
    ] {
        is_explained(&scratch, "a", symptom, INITIAL_WEIGHTS);
    }
    let said = scratch.nn("doctor a").succeeds();
    assert_eq!(said.matches("nn train --config").count(), 1, "{said}");
    let cured = follow(&scratch, "a", &first_cure(&scratch, "a", INITIAL_WEIGHTS));
    assert!(number(&cured, "validation_accuracy") > 0.9, "{cured:#}");
    is_well(&scratch, "cured", INITIAL_WEIGHTS);
}

#[test]
fn a_network_that_is_too_small() {
    let scratch = Scratch::new();
    let rings = csv("u,v,place", 400, |_, x, y| {
        let place = if x * x + y * y < 4.0 {
            "inside"
        } else {
            "outside"
        };
        format!("{x},{y},{place}")
    });
    scratch.file("rings.csv", rings);
    let flags = "--data rings.csv --hidden 1 --lr 0.02 --epochs 100";
    let ill = train(&scratch, flags);
    let name = "hidden layer too narrow";
    let parts = ["1 neuron", "training accuracy", "fitted to all other"];
    let tries = is_ill(&scratch, "a", name, &parts);
    assert_eq!(tries, ["--hidden 16"]);
    is_explained(&scratch, "a", "underfitting", name);
    let cured = follow(&scratch, "a", &tries[0]);
    let accuracies = [&ill, &cured].map(|run| number(run, "validation_accuracy"));
    assert!(accuracies[0] + 0.1 < accuracies[1], "{accuracies:?}");
    is_well(&scratch, "cured", "underfitting");
}

#[test]
fn a_column_that_gives_the_target_away() {
    let scratch = Scratch::new();
    let surprises = noise(300);
    let table = csv("u,v,euros,dollars", 300, |i, x, y| {
        let euros = x - y + 4.0 * surprises[i];
        format!("{x},{y},{euros:.4},{:.4}", 1.1 * euros)
    });
    scratch.file("prices.csv", table);
    train(
        &scratch,
        "--data prices.csv --target dollars --hidden 16 --lr 0.01 --epochs 40",
    );
    let tries = is_ill(
        &scratch,
        "a",
        "target leakage",
        &["column euros alone", "R²"],
    );
    assert_eq!(tries, ["--ignore euros"]);
    follow(&scratch, "a", &tries[0]);
    is_well(&scratch, "cured", "target leakage");
}

#[test]
fn a_target_that_does_not_follow_from_the_inputs() {
    let scratch = Scratch::new();
    let labels = noise(300);
    let table = csv("u,v,side", 300, |i, x, y| {
        format!(
            "{x},{y},{}",
            if labels[i] > 0.0 { "heads" } else { "tails" }
        )
    });
    scratch.file("coins.csv", table);
    train(
        &scratch,
        "--data coins.csv --hidden 16 --lr 0.01 --epochs 30 --test-split 0.3",
    );
    let name = "target not predictable from the inputs";
    let tries = is_ill(
        &scratch,
        "a",
        name,
        &["always predicting the most frequent class"],
    );
    assert_eq!(tries, [""]);
    is_explained(&scratch, "a", "no better than the baseline", name);
}

/// The reasons why overfitting cannot be judged are the true ones.
#[test]
fn reasons_for_not_checking_overfitting() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    let flags = "--data trees.csv --hidden 8 --epochs 20";
    let reason = |run: &str, flags: &str| {
        scratch.nn(&format!("train --no-report --name {run} {flags}"));
        let checks = diagnose(&scratch, run);
        let found = check(&checks, "overfitting").clone();
        assert_eq!(found["verdict"], "not-checked", "{found:#}");
        found["evidence"].as_str().expect("a reason").to_owned()
    };
    let without = reason("a", &format!("{flags} --validation 0"));
    assert!(without.contains("no validation samples"), "{without}");
    let diverged = reason("b", &format!("{flags} --optimizer sgd --lr 1e20"));
    assert_eq!(diverged, "no epoch has finished");
}
