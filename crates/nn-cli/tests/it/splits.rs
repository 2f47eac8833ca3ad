//! Splits by group, by time and by column, cross-validation, and the columns in front of
//! predictions.

use serde_json::Value;

use crate::support::{Scratch, csv};

const TRAINING: &str = "--hidden 4 --epochs 2 --batch-size 8 --no-report";

/// 120 rows of 12 patients with ten rows each, two classes, and a time that falls.
fn visits() -> String {
    csv("patient,t,u,part,label", 120, |i, x, y| {
        let part = ["train", "train", "dev", "test"][i % 4];
        let label = if x + y > 0.0 { "ill" } else { "well" };
        format!("{},{},{x:.3},{part},{label}", i / 10, 1000 - i)
    })
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).expect("every line is JSON")
}

/// The samples of the splits that `nn evaluate` finds are those of the training.
#[test]
fn columns_split_a_table() {
    let scratch = Scratch::new();
    scratch.file("visits.csv", visits());
    let data = "--data visits.csv --target label";
    for (name, flags, samples) in [
        // One patient of twelve comes nearest to a tenth, also of the other eleven.
        ("group", "--group patient --ignore part", [100, 10, 10]),
        ("time", "--order-by t --ignore part,patient", [97, 11, 12]),
        ("column", "--split-column part", [60, 30, 30]),
    ] {
        let summary = scratch.train(name, &format!("{data} {flags} {TRAINING}"));
        for (split, n) in ["train", "validation", "test"].iter().zip(samples) {
            let evaluation = scratch.evaluate(name, &format!("--split {split}"));
            assert_eq!(evaluation["samples"], n, "{name} {split}");
            if *split == "test" {
                assert_eq!(evaluation["loss"], summary["test_loss"], "{name}");
            }
        }
        let config = format!("--config runs/{name}/config.toml --no-report");
        let again = scratch.train(&format!("{name}-again"), &config);
        assert_eq!(again["weights_sha256"], summary["weights_sha256"], "{name}");
    }
}

/// The column of the splits has a patient in one split only; validation rows are split off by
/// patient.
#[test]
fn a_split_column_can_keep_groups_together() {
    let scratch = Scratch::new();
    let table = csv("patient,u,part,label", 120, |i, x, y| {
        let part = if i / 10 < 6 { "train" } else { "test" };
        let label = if x + y > 0.0 { "ill" } else { "well" };
        format!("{},{x:.3},{part},{label}", i / 10)
    });
    scratch.file("visits.csv", table);
    let flags = "--data visits.csv --target label --group patient --split-column part";
    let output = scratch.nn(&format!("train {flags} --name a {TRAINING}"));
    let output = output.succeeds();
    assert!(!output.contains("test rows instead of about"), "{output}");
    let counts = ["train", "validation", "test"]
        .map(|split| scratch.evaluate("a", &format!("--split {split}"))["samples"].clone());
    assert_eq!(counts, [50, 10, 60]);
}

#[test]
fn contradictions_and_other_words_are_refused() {
    let scratch = Scratch::new();
    scratch.file("visits.csv", visits());
    for flags in [
        "--group patient --order-by t",
        "--split-column part --test-split 0.2",
        "--folds 3 --split-column part",
        "--folds 3 --order-by t",
        "--fold 2",
    ] {
        let line = format!("train --data visits.csv --target label {flags} {TRAINING}");
        scratch.nn(&line).fails(2);
    }
    let wrong = visits().replacen(",dev,", ",later,", 1);
    scratch.file("wrong.csv", wrong);
    let line = format!("train --data wrong.csv --target label --split-column part {TRAINING}");
    let parts = [
        "line 4, column \"part\"",
        "train, validation or test",
        "later",
    ];
    scratch.nn(&line).refuses(3, &parts);
    // The rows of a patient are in three splits.
    let both = "--group patient --split-column part";
    let line = format!("train --data visits.csv --target label {both} {TRAINING}");
    let parts = [
        "line 2 and line 4 have the same group in column `patient`",
        "different splits in column `part`",
        "leave --group out",
    ];
    scratch.nn(&line).refuses(3, &parts);
    let line = format!("train --data glyphs --group patient {TRAINING}");
    scratch.nn(&line).refuses(2, &["--group: needs a table"]);
}

#[test]
fn folds_are_runs_with_a_mean() {
    let scratch = Scratch::new();
    scratch.file("visits.csv", visits());
    let flags = format!(
        "--data visits.csv --target label --ignore part --group patient --folds 3 {TRAINING}"
    );
    let output = scratch
        .nn(&format!("train {flags} --name cv --json --threads 2"))
        .succeeds();
    let lines: Vec<Value> = output.lines().map(json).collect();
    let folds: Vec<&Value> = lines.iter().filter(|it| it["event"] == "run").collect();
    assert_eq!(folds.len(), 3);
    let mean = &scratch.json("runs/cv/summary.json")["mean"]["test_loss"];
    let losses: Vec<f64> = (1..=3)
        .map(|k| scratch.json(format!("runs/cv/fold-{k}/summary.json")))
        .map(|summary| summary["test_loss"].as_f64().expect("a loss"))
        .collect();
    let expected = losses.iter().sum::<f64>() / 3.0;
    assert!((mean.as_f64().expect("a mean") - expected).abs() < 1e-12);
    for key in ["folds", "std", "interval"] {
        assert!(
            !scratch.json("runs/cv/summary.json")[key].is_null(),
            "{key}"
        );
    }
    // Twelve patients of ten rows in three folds.
    assert_eq!(scratch.evaluate("cv/fold-2", "")["samples"], 40);

    // One fold on its own is the same, with another number of threads as well.
    let alone = scratch.train("alone", &format!("{flags} --fold 2 --threads 1"));
    assert_eq!(alone["weights_sha256"], folds[1]["weights_sha256"]);

    let report = scratch.nn("report cv").succeeds();
    assert!(report.contains("runs/cv/report.html"), "{report}");
    let page = scratch.read("runs/cv/report.html");
    for part in [
        "Cross-validation cv",
        "baseline (most frequent class)",
        "95 % interval",
        "fold-3",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let refused = ["found a folder of several", "fold-1"];
    scratch.nn("doctor cv").refuses(2, &refused);
    scratch
        .nn("evaluate cv")
        .refuses(5, &["several training runs", "fold-1"]);
}

#[test]
fn missing_folds_are_trained_on_resume() {
    let scratch = Scratch::new();
    scratch.file("visits.csv", visits());
    let flags = format!("--data visits.csv --target label --ignore part --folds 3 {TRAINING}");
    scratch.nn(&format!("train {flags} --name cv")).succeeds();
    let summary = scratch.read("runs/cv/summary.json");
    let weights = scratch.json("runs/cv/fold-3/summary.json")["weights_sha256"].clone();
    let old = scratch.read("runs/cv/fold-1/summary.json");

    // As if it had been stopped at the end of the second fold.
    std::fs::remove_file(scratch.path("runs/cv/summary.json")).expect("it is there");
    std::fs::remove_file(scratch.path("runs/cv/fold-2/summary.json")).expect("it is there");
    std::fs::remove_dir_all(scratch.path("runs/cv/fold-3")).expect("it is there");
    std::fs::create_dir(scratch.path("runs/cv/fold-3")).expect("a folder");
    let other = "train --resume cv --no-report --lr 0.5";
    scratch
        .nn(other)
        .refuses(2, &["resumed with their own settings"]);
    let output = scratch.nn("train --resume cv --no-report").succeeds();
    for k in 1..=3 {
        assert!(
            output.contains(&format!("fold {k} of 3: test accuracy ")),
            "{output}"
        );
    }
    assert!(output.contains("95 % interval"), "{output}");
    assert_eq!(scratch.read("runs/cv/summary.json"), summary);
    assert_eq!(scratch.read("runs/cv/fold-1/summary.json"), old);
    let again = scratch.json("runs/cv/fold-3/summary.json");
    assert_eq!(again["weights_sha256"], weights);
}

#[test]
fn predictions_begin_with_the_id_column() {
    let scratch = Scratch::new();
    scratch.file("visits.csv", visits());
    let flags = format!("--data visits.csv --target label --ignore part,patient {TRAINING}");
    scratch.train("a", &flags);
    scratch.file(
        "new.csv",
        "name,t,u\n# a comment\n007,1,0.1\n\"a, b\",2,0.2\nNA,3,0.3\n",
    );
    let first = |flags: &str| -> Vec<String> {
        let output = scratch
            .nn(&format!("predict a new.csv {flags}"))
            .succeeds_with_note("# skipped");
        let lines = output.lines().map(|line| {
            let end = line
                .find(",ill")
                .or(line.find(",well"))
                .or(line.find(",prediction"));
            line[..end.expect("a prediction")].to_owned()
        });
        lines.collect()
    };
    assert_eq!(first("--id name"), ["name", "007", "\"a, b\"", "NA"]);
    assert_eq!(
        first("--id name --row-numbers"),
        ["name,row", "007,3", "\"a, b\",4", "NA,5"]
    );
    // An input can be the id as well.
    assert_eq!(first("--id u"), ["u", "0.1", "0.2", "0.3"]);
    let output = scratch
        .nn("predict a new.csv --id name --row-numbers --json")
        .succeeds_with_note("# skipped");
    let line = json(output.lines().next().expect("a row"));
    assert_eq!((&line["id"], &line["line"]), (&"007".into(), &3.into()));
    let unknown = ["unknown column \"nickname\"", "name"];
    scratch
        .nn("predict a new.csv --id nickname --output out.csv")
        .refuses(2, &unknown);
    assert!(!scratch.path("out.csv").exists());
}
