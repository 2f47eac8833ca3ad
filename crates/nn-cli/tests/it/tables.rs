//! Tables of one's own: classes, yes or no, several labels and numbers are
//! learned from CSV files, and raw rows are predicted.

use serde_json::Value;

use crate::support::{Scratch, csv, number, trees};

const TRAINING: &str = "--hidden 16 --epochs 40 --batch-size 16 --lr 0.01";

#[test]
fn several_classes() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    let summary = scratch.train("a", &format!("--data trees.csv {TRAINING}"));
    assert_eq!(summary["layers"], serde_json::json!([5, 16, 3]));
    assert!(number(&summary["test_accuracy"]) >= 0.85, "{summary}");
    let evaluation = scratch.evaluate("a", "");
    assert_eq!(evaluation["accuracy"], summary["test_accuracy"]);
    assert_eq!(evaluation["classes"][0]["name"], "ash");

    scratch.file("new.csv", "colour,u,v\nred,0,0\nblue,5,0\ngreen,0.1,5\n");
    let output = scratch.nn("predict a new.csv").succeeds();
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(
        lines[0],
        "prediction,probability_ash,probability_elm,probability_oak"
    );
    let answers: Vec<_> = lines[1..]
        .iter()
        .map(|line| line.split(',').next().unwrap_or_default())
        .collect();
    assert_eq!(answers, ["oak", "elm", "ash"]);

    let told = scratch
        .nn("predict a new.csv --output answers.csv")
        .succeeds();
    assert_eq!(told, "3 predictions in answers.csv\n");
    assert_eq!(scratch.read("answers.csv"), output);
    for (line, name) in scratch
        .nn("predict a new.csv --json")
        .succeeds()
        .lines()
        .zip(["oak", "elm", "ash"])
    {
        let line: Value = serde_json::from_str(line).expect("every line is JSON");
        assert_eq!(
            (&line["class"], &line["input"]),
            (&name.into(), &"new.csv".into())
        );
    }
    // A table that the training did not see is a test set as a whole.
    let other = scratch.file("other.csv", trees());
    assert!(other.exists());
    assert_eq!(scratch.evaluate("a", "--data other.csv")["samples"], 240);
}

/// Divided anew, a changed table would let training rows pass for test rows.
#[test]
fn a_changed_table_is_not_taken_for_the_old_one() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    scratch.train("a", &format!("--data trees.csv {TRAINING}"));
    let table = trees();
    let last = table.lines().last().expect("a table has rows");
    scratch.file("trees.csv", format!("{table}{last}\n"));
    let parts = [
        "trees.csv: the table has changed since training",
        "SHA-256",
        "help:",
    ];
    scratch.nn("evaluate a").refuses(3, &parts);
    scratch.nn("evaluate a --data trees.csv").refuses(3, &parts);
    scratch.file("later.csv", trees());
    scratch.evaluate("a", "--data later.csv");
}

#[test]
fn yes_or_no() {
    let scratch = Scratch::new();
    let table = csv("u,v,answer", 300, |_, x, y| {
        format!("{x:.3},{y:.3},{}", if x + y > 0.0 { "yes" } else { "no" })
    });
    scratch.file("a.csv", table);
    scratch.file("new.csv", "u,v\n2,2\n-2,-1\n");
    for loss in ["binary-cross-entropy", "hinge", "mse", "cross-entropy"] {
        let flags = format!("--data a.csv {TRAINING} --loss {loss}");
        let summary = scratch.train(loss, &flags);
        assert!(
            number(&summary["test_accuracy"]) >= 0.85,
            "{loss}: {summary}"
        );
        let output = scratch.nn(&format!("predict {loss} new.csv")).succeeds();
        let lines: Vec<&str> = output.lines().collect();
        assert_eq!(lines[0], "prediction,probability_no,probability_yes");
        assert!(lines[1].starts_with("yes,"), "{loss}: {output}");
        assert!(lines[2].starts_with("no,"), "{loss}: {output}");
    }
}

#[test]
fn predictions_of_a_hinge_are_those_that_evaluate_counts() {
    let scratch = Scratch::new();
    let table = csv("u,v,answer", 200, |_, x, y| {
        format!("{x:.3},{y:.3},{}", if x + y > 0.0 { "yes" } else { "no" })
    });
    scratch.file("a.csv", &table);
    scratch.file("same.csv", &table);
    scratch.train(
        "a",
        "--data a.csv --loss hinge --hidden \"\" --epochs 1 --lr 0.05",
    );
    let accuracy = number(&scratch.evaluate("a", "--data same.csv")["accuracy"]);
    let output = scratch.nn("predict a same.csv").succeeds();
    let right = output
        .lines()
        .zip(table.lines())
        .skip(1)
        .filter(|(said, row)| said.split(',').next() == row.rsplit(',').next());
    assert_eq!(right.count() as f64 / 200.0, accuracy);
}

#[test]
fn several_labels() {
    let scratch = Scratch::new();
    let table = csv("u,v,right,up", 300, |_, x, y| {
        format!("{x:.3},{y:.3},{},{}", u8::from(x > 0.0), u8::from(y > 0.0))
    });
    scratch.file("a.csv", table);
    let summary = scratch.train("a", &format!("--data a.csv --target right,up {TRAINING}"));
    assert_eq!(summary["layers"], serde_json::json!([2, 16, 2]));
    assert!(number(&summary["test_accuracy"]) >= 0.85, "{summary}");
    scratch.file("new.csv", "u,v\n2,-2\n-2,2\n2,2\n");
    let output = scratch.nn("predict a new.csv").succeeds();
    let answers: Vec<_> = output
        .lines()
        .map(|line| &line[..line.len().min(4)])
        .collect();
    assert_eq!(answers[1..], ["1,0,", "0,1,", "1,1,"]);
    assert!(answers[0].starts_with("pred"), "{output}");
}

#[test]
fn numbers() {
    let scratch = Scratch::new();
    let table = csv("u,v,price", 400, |_, x, y| {
        format!("{x:.3},{y:.3},{:.3}", 500.0 + 20.0 * x - 5.0 * y + x * y)
    });
    scratch.file("a.csv", table);
    let summary = scratch.train("a", &format!("--data a.csv --target price {TRAINING}"));
    assert!(summary["test_accuracy"].is_null());
    let evaluation = scratch.evaluate("a", "");
    assert!(number(&evaluation["r_squared"]) >= 0.95, "{evaluation}");
    // In the units of the table, whose prices lie 35 apart on average.
    let error = number(&evaluation["mean_absolute_error"]);
    assert!((0.01..8.0).contains(&error), "{evaluation}");
    scratch.file("new.csv", "u,v\n1,1\n-2,0\n");
    let output = scratch.nn("predict a new.csv").succeeds();
    let predicted: Vec<f64> = output
        .lines()
        .skip(1)
        .map(|line| line.parse().expect("a number"))
        .collect();
    for (predicted, right) in predicted.iter().zip([516.0, 460.0]) {
        assert!((predicted - right).abs() < 15.0, "{output}");
    }
    for loss in ["mae", "huber", "sum-of-squares", "quadratic"] {
        scratch.train(
            loss,
            &format!("--data a.csv --target price {TRAINING} --loss {loss}"),
        );
        let r_squared = number(&scratch.evaluate(loss, "")["r_squared"]);
        assert!(r_squared >= 0.9, "{loss}: {r_squared}");
    }
}

/// Two targets of unlike means, a network that can only answer with its bias:
/// R² is taken of each target, not of all numbers together.
#[test]
fn r_squared_of_several_targets_is_the_mean_of_each() {
    let scratch = Scratch::new();
    let table = csv("u,near,far", 200, |row, x, y| {
        let unknown = f64::from(u8::from(row % 2 == 0));
        format!("{x:.3},{:.3},{:.3}", 3.0 * x, 1000.0 + y + unknown)
    });
    scratch.file("a.csv", table);
    let flags = "--data a.csv --target near,far --hidden 8 --epochs 40 --optimizer adam --lr 0.02";
    scratch.train("a", flags);
    let evaluation = scratch.evaluate("a", "");
    let targets = evaluation["targets"].as_array().expect("a list");
    let values = |key: &str| [number(&targets[0][key]), number(&targets[1][key])];
    let [near, far] = values("r_squared");
    assert!(near > 0.9 && far < 0.2, "{evaluation}");
    for key in ["r_squared", "mean_absolute_error", "root_mean_square_error"] {
        let mean = values(key).iter().sum::<f64>() / 2.0;
        assert!((number(&evaluation[key]) - mean).abs() < 1e-12, "{key}");
    }
    // In the table's own units: far varies by about 0.5 from row to row.
    let [_, far] = values("mean_absolute_error");
    assert!((0.3..3.0).contains(&far), "{evaluation}");
    let shown = scratch.nn("evaluate a").succeeds();
    assert!(shown.contains("(means over the targets)"), "{shown}");
    let last = shown.lines().last().expect("a table");
    assert!(last.starts_with("far "), "{shown}");
    let report = scratch.read("runs/a/report.html");
    assert!(report.contains("R² of far"));
}

/// A weight counts in batches of one row, too.
#[test]
fn weights_count_in_batches_of_one() {
    let scratch = Scratch::new();
    let table = csv("u,v,kind,w", 200, |row, x, y| {
        let (shift, kind) = if row % 10 == 0 {
            (1.0, "rare")
        } else {
            (0.0, "usual")
        };
        let weight = if kind == "rare" { 9 } else { 1 };
        format!("{:.3},{:.3},{kind},{weight}", x + shift, y + shift)
    });
    scratch.file("a.csv", table);
    let flags = "--data a.csv --target kind --hidden 8 --batch-size 1 --epochs 5 \
        --optimizer sgd --lr 0.01 --validation 0 --test-split 0";
    let plain = scratch.train("plain", &format!("{flags} --ignore w"));
    let of_classes = scratch.train("classes", &format!("{flags} --ignore w --class-weight 9,1"));
    let of_rows = scratch.train("rows", &format!("{flags} --sample-weight w"));
    let recall = |run: &str| {
        let evaluation = scratch.evaluate(run, "--split train");
        assert_eq!(evaluation["classes"][0]["name"], "rare");
        number(&evaluation["classes"][0]["recall"])
    };
    assert_ne!(plain["weights_sha256"], of_classes["weights_sha256"]);
    assert!(of_rows["train_loss"].is_number());
    let [plain, of_classes, of_rows] = ["plain", "classes", "rows"].map(recall);
    assert!(of_classes > plain + 0.3, "{of_classes}, {plain}");
    assert!(of_rows > plain + 0.3, "{of_rows}, {plain}");
}

/// 65 rows in batches of 64 come out as 64 and 66 do.
#[test]
fn one_row_left_over_does_not_spoil_batch_normalisation() {
    let scratch = Scratch::new();
    for n in [64, 65, 66] {
        let table = csv("u,v,y", n, |_, x, y| {
            format!("{x:.3},{y:.3},{:.3}", x * y + x)
        });
        scratch.file(format!("{n}.csv"), table);
        let summary = scratch.train(
            &format!("of-{n}"),
            &format!(
                "--data {n}.csv --target y --hidden 32,32 --batch-norm --epochs 60 \
                 --optimizer adam --lr 0.003 --batch-size 64 --validation 0 --test-split 0"
            ),
        );
        let learned = number(&summary["train_loss"]);
        let used = number(&scratch.evaluate(&format!("of-{n}"), "--split train")["loss"]);
        // The last batch of 66 rows has 2, whose variance is a noisy one; with
        // the variance of a single row the loss was above that of the baseline, 1.
        assert!(
            used < learned + 0.3,
            "{n} rows: {learned} in training, {used} in use"
        );
    }
    for flags in ["train --batch-size 1", "gradcheck --samples 1"] {
        scratch
            .nn(&format!(
                "{flags} --data 64.csv --target y --task regress --batch-norm"
            ))
            .refuses(2, &["batches of at least 2 rows, found 1"]);
    }
}

#[test]
fn one_class_trains_with_a_warning() {
    let scratch = Scratch::new();
    scratch.file(
        "a.csv",
        csv("u,v,tree", 40, |_, x, y| format!("{x:.3},{y:.3},oak")),
    );
    let output = scratch
        .nn("train --name a --data a.csv --hidden 4 --epochs 40 --lr 0.1")
        .succeeds();
    assert!(output.contains("one class"), "{output}");
    let evaluation = scratch.evaluate("a", "");
    assert_eq!(evaluation["accuracy"], 1.0);
    assert!(evaluation["classes"][1]["recall"].is_null(), "{evaluation}");
    let answers = scratch.nn("predict a a.csv").succeeds();
    assert!(
        answers.lines().skip(1).all(|line| line.starts_with("oak,")),
        "{answers}"
    );
}

#[test]
fn a_batch_may_be_larger_than_the_table() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    let flags = "--data trees.csv --hidden 4 --epochs 2 --batch-size";
    let output = scratch
        .nn(&format!("train --name large {flags} 100000"))
        .succeeds();
    let warning =
        "warning   the batch size is 100 000, but there are only 194 training samples; every step";
    assert_eq!(output.matches(warning).count(), 1, "{output}");
    let large = scratch.json("runs/large/summary.json");
    let full = scratch.train("full", &format!("{flags} full"));
    // Only the order of the sums differs.
    let (large, full) = (number(&large["train_loss"]), number(&full["train_loss"]));
    assert!((large - full).abs() < 1e-5 * full, "{large} {full}");
}

#[test]
fn kaggles_form_of_digits() {
    let scratch = Scratch::new();
    let header = |first: &str| {
        let pixels: Vec<String> = (0..784).map(|i| format!("pixel{i}")).collect();
        format!("{first}{}\n", pixels.join(","))
    };
    // Class k has a bright band at height 2k.
    let pixels = |class: usize, shift: usize| -> String {
        let bright = (2 * class * 28 + shift)..(2 * class * 28 + shift + 40);
        let cells: Vec<&str> = (0..784)
            .map(|i| if bright.contains(&i) { "250" } else { "0" })
            .collect();
        cells.join(",")
    };
    let rows: String = (0..200)
        .map(|i| format!("{},{}\n", i % 10, pixels(i % 10, i % 7)))
        .collect();
    scratch.file("train.csv", header("label,") + &rows);
    let summary = scratch.train(
        "a",
        "--data train.csv --hidden 32 --epochs 15 --lr 0.01 --batch-size 16",
    );
    assert!(number(&summary["test_accuracy"]) >= 0.9, "{summary}");
    let unlabelled: String = [3, 1, 7].map(|class| pixels(class, 2) + "\n").concat();
    scratch.file("test.csv", header("") + &unlabelled);
    let labelled: String = [3, 1, 7]
        .map(|class| format!("{class},{}\n", pixels(class, 2)))
        .concat();
    scratch.file("labelled.csv", header("label,") + &labelled);
    for file in ["test.csv", "labelled.csv"] {
        let output = scratch.nn(&format!("predict a {file}")).succeeds();
        assert_eq!(output, "ImageId,Label\n1,3\n2,1\n3,7\n", "{file}");
    }
}

#[test]
fn encodings_and_line_ends_do_not_matter() {
    let scratch = Scratch::new();
    let text = trees();
    let forms = [
        text.clone(),
        format!("\u{feff}{text}"),
        text.replace('\n', "\r\n"),
        text.replace('\n', "\r"),
        text.trim_end().to_owned(),
    ];
    let mut checksums: Vec<String> = forms
        .iter()
        .enumerate()
        .map(|(index, form)| {
            scratch.file(format!("form-{index}/trees.csv"), form);
            let flags = format!("--data form-{index}/trees.csv --hidden 4 --epochs 2");
            let summary = scratch.train(&index.to_string(), &flags);
            summary["weights_sha256"].to_string()
        })
        .collect();
    checksums.dedup();
    assert_eq!(checksums.len(), 1, "{checksums:?}");
}

#[test]
fn a_table_is_not_deformed() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    scratch
        .nn("train --data trees.csv --augment elastic")
        .refuses(2, &["--augment elastic", "needs images", "help: leave"]);
}

/// Checks that the root mean square error and R² of a run are those of the numbers that it
/// predicts for the same rows; the target is the last column. Returns the pairs of target
/// and prediction.
fn the_errors_are_those_of_the_predictions(
    scratch: &Scratch,
    run: &str,
    table: &str,
) -> Vec<(f64, f64)> {
    scratch.file("all.csv", table);
    let evaluation = scratch.evaluate(run, "--data all.csv");
    let line = format!("predict {run} all.csv --output out-{run}.csv");
    scratch.nn(&line).succeeds();
    let predicted = scratch.read(format!("out-{run}.csv"));
    let last = |line: &str| -> f64 { line.rsplit(',').next().unwrap().parse().expect("a number") };
    let lines = table.lines().zip(predicted.lines()).skip(1);
    let pairs: Vec<(f64, f64)> = lines
        .map(|(target, predicted)| (last(target), last(predicted)))
        .collect();
    let n = pairs.len() as f64;
    let mean = pairs.iter().map(|(y, _)| y).sum::<f64>() / n;
    let squares: f64 = pairs.iter().map(|(y, a)| (y - a).powi(2)).sum();
    let variation: f64 = pairs.iter().map(|(y, _)| (y - mean).powi(2)).sum();
    let is_near = |key: &str, expected: f64| {
        let found = evaluation[key].as_f64().expect(key);
        assert!(
            (found / expected - 1.0).abs() < 1e-4,
            "{key}: {found}, {expected}"
        );
    };
    is_near("rmse", (squares / n).sqrt());
    is_near("r2", 1.0 - squares / variation);
    pairs
}

/// An untrained network predicts numbers far outside the range of the training rows.
#[test]
fn the_errors_of_clipped_predictions_are_those_of_the_predictions() {
    let scratch = Scratch::new();
    let table = csv("u,v,price", 200, |_, x, y| {
        format!("{x:.3},{y:.3},{:.4}", x + 2.0 * y)
    });
    scratch.file("prices.csv", &table);
    let flags = "--data prices.csv --target price --hidden 16 --epochs 1 --lr 1e-6 --init normal:std=9 --no-report";
    let mut errors = Vec::new();
    for (run, flag) in [("open", ""), ("clipped", "--clip-outputs true")] {
        scratch.train(run, &format!("{flags} {flag}"));
        let pairs = the_errors_are_those_of_the_predictions(&scratch, run, &table);
        errors.push(pairs.iter().map(|(y, a)| (y - a).powi(2)).sum::<f64>());
    }
    assert!(errors[1] < 0.5 * errors[0], "{errors:?}");
}

/// The results and the predictions of a network for the logarithm of its target have the
/// units of the table: both give the same errors.
#[test]
fn a_target_can_be_predicted_as_its_logarithm() {
    let scratch = Scratch::new();
    let prices = csv("u,v,price", 200, |_, x, y| {
        format!("{x:.3},{y:.3},{:.4}", 1e3 * (x + y).exp())
    });
    scratch.file("prices.csv", &prices);
    let flags = "--data prices.csv --target price --hidden 16 --epochs 200 --lr 0.02 --no-report";
    scratch.train("log", &format!("{flags} --target-transform log"));
    let pairs = the_errors_are_those_of_the_predictions(&scratch, "log", &prices);
    assert!(pairs.iter().all(|&(_, predicted)| predicted > 0.0));
    let r2 = scratch.evaluate("log", "--data all.csv")["r2"].as_f64();
    assert!(r2 > Some(0.8), "{r2:?}");

    let line = "train --data glyphs --limit-train 100 --target-transform log";
    scratch
        .nn(line)
        .refuses(2, &["--target-transform: needs a table"]);
    let line = format!("train {flags} --target-transform root");
    scratch.nn(&line).refuses(2, &["none", "log", "auto"]);
}

#[test]
fn a_table_has_a_default_preset_unless_the_network_is_given() {
    let scratch = Scratch::new();
    let table = |n_rows| {
        csv("u,v,price", n_rows, |_, x, y| {
            format!("{x:.3},{y:.3},{x:.4}")
        })
    };
    scratch.file("large.csv", table(2600));
    scratch.file("small.csv", table(2400));
    let preset_of = |flags: &str| {
        let shown = scratch.nn(&format!("train --target price --dry-run {flags}"));
        let shown = shown.succeeds();
        let line = shown.lines().find(|line| line.starts_with("preset"));
        line.map(|line| line.replace("preset", "").trim().to_owned())
    };
    let tabular = preset_of("--data large.csv --seed 3").expect("a large table has one");
    assert!(tabular.starts_with("tabular: "), "{tabular}");
    let small = preset_of("--data small.csv").expect("a small table has one");
    assert!(small.starts_with("tabular-small: "), "{small}");
    // The number of training samples is known only after the table has been read.
    let flags = "--data large.csv --target price --limit-train 300 --no-report";
    let small = scratch.train("small", flags);
    let given = scratch.train("given", &format!("{flags} --preset tabular-small"));
    assert_eq!(small["weights_sha256"], given["weights_sha256"]);
    assert_eq!(small["test_rmse"], given["test_rmse"]);
    for plain in ["--hidden 16", "--epochs 3", "--preset plain"] {
        assert_eq!(
            preset_of(&format!("--data large.csv {plain}")),
            None,
            "{plain}"
        );
    }
}

/// A setting without effect is refused.
#[test]
fn settings_of_another_task_are_refused() {
    let scratch = Scratch::new();
    let table = csv("u,price,label", 60, |i, x, y| {
        let label = ["a", "b"][i % 2];
        format!("{x:.3},{:.3},{label}", 10.0 + x + y)
    });
    scratch.file("a.csv", table);
    for (flags, problem) in [
        (
            "--target price --ignore label --label-smoothing 0.1",
            "--label-smoothing: needs classes or labels, but the task is regression",
        ),
        (
            "--target label --ignore price --target-transform log",
            "--target-transform: needs numbers as targets, but the task is classification",
        ),
        (
            "--target label --ignore price --clip-outputs",
            "--clip-outputs: needs numbers as targets, but the task is classification",
        ),
    ] {
        let line = format!("train --data a.csv {flags} --epochs 1");
        scratch.nn(&line).refuses(2, &[problem]);
    }
}
