//! Several training runs with the same settings (`--seeds`, `--sizes`), and whether runs differ.

use serde_json::Value;

use crate::support::{Scratch, csv, number, trees};

const TRAINING: &str = "--hidden 8 --epochs 3 --batch-size 16 --no-report";

/// 300 rows of two classes, in the order of the classes: y is the sum of two inputs.
fn points(scratch: &Scratch) -> String {
    let table = csv("a,b,y,label", 300, |i, x, y| {
        let x = if i < 150 { x.abs() } else { -x.abs() };
        let label = if i < 150 { "high" } else { "low" };
        format!("{x:.4},{y:.4},{:.4},{label}", 2.0 * x + y)
    });
    scratch.file("points.csv", table);
    format!("--data points.csv --target label --ignore y {TRAINING}")
}

fn longer(flags: &str) -> String {
    flags.replace("--epochs 3", "--epochs 20")
}

/// Trains three folds with a learning rate that is too small, `a`, and with more epochs, `b`.
/// Returns the flags of the table.
fn folds_of_a_and_b(scratch: &Scratch) -> String {
    let flags = points(scratch);
    for (name, flags) in [("a", format!("{flags} --lr 1e-6")), ("b", longer(&flags))] {
        scratch
            .nn(&format!("train {flags} --folds 3 --name {name}"))
            .succeeds();
    }
    flags
}

#[test]
fn seeds_share_the_split_and_are_runs_of_their_own() {
    let scratch = Scratch::new();
    let flags = points(&scratch);
    let output = scratch.nn(&format!("train {flags} --seed 5 --seeds 3 --name s"));
    let output = output.succeeds();
    for part in [
        "seed 5: test accuracy",
        "seed 7: ",
        "95 % interval",
        "same for all seeds",
    ] {
        assert!(output.contains(part), "{part}: {output}");
    }
    let summary = scratch.json("runs/s/summary.json");
    let runs = [5, 6, 7].map(|seed| scratch.json(format!("runs/s/seed-{seed}/summary.json")));
    let losses = runs.each_ref().map(|run| number(&run["test_loss"]));
    let mean = losses.iter().sum::<f64>() / 3.0;
    let squares: f64 = losses.iter().map(|loss| (loss - mean).powi(2)).sum();
    // The 97.5 % quantile of Student's t for two degrees of freedom is 4.302653.
    let half = 4.302_653 * (squares / 2.0 / 3.0).sqrt();
    assert!((number(&summary["mean"]["test_loss"]) - mean).abs() < 1e-12);
    let low = number(&summary["interval"]["test_loss"][0]);
    assert!((low - (mean - half)).abs() < 1e-6, "{low}");
    assert_eq!(summary["seeds"], 3);

    // Each run can be repeated on its own, with any number of threads.
    let alone = format!("{flags} --seed 6 --split-seed 5 --threads 1");
    let alone = scratch.train("alone", &alone);
    assert_eq!(alone["weights_sha256"], runs[1]["weights_sha256"]);
    assert_ne!(runs[0]["weights_sha256"], runs[1]["weights_sha256"]);

    let report = scratch.nn("report s").succeeds();
    assert!(report.contains("runs/s/report.html"), "{report}");
    assert!(
        scratch
            .read("runs/s/report.html")
            .contains("Several seeds s")
    );
}

#[test]
fn folds_and_seeds_are_combined_and_resumed() {
    let scratch = Scratch::new();
    let flags = points(&scratch);
    let line = format!("train {flags} --folds 2 --seeds 2 --name both");
    scratch.nn(&line).succeeds();
    let summary = scratch.read("runs/both/summary.json");
    let weights = scratch.json("runs/both/fold-2-seed-1/summary.json")["weights_sha256"].clone();
    std::fs::remove_file(scratch.path("runs/both/summary.json")).expect("it is there");
    std::fs::remove_dir_all(scratch.path("runs/both/fold-2-seed-1")).expect("it is there");
    let output = scratch.nn("train --resume both --no-report").succeeds();
    assert!(output.contains("fold 2 of 2, seed 1: "), "{output}");
    assert_eq!(scratch.read("runs/both/summary.json"), summary);
    let again = scratch.json("runs/both/fold-2-seed-1/summary.json");
    assert_eq!(again["weights_sha256"], weights);
}

/// The rows are in the order of the classes, so the first 40 rows have one class only.
#[test]
fn a_learning_curve_has_the_same_test_rows() {
    let scratch = Scratch::new();
    let flags = points(&scratch);
    let line = format!("train {flags} --sizes 40,200 --name curve --json");
    let output = scratch.nn(&line).succeeds();
    let last: Value = serde_json::from_str(output.lines().last().expect("a line")).expect("JSON");
    let sizes = last["sizes"].as_array().expect("a list");
    let found: Vec<u64> = sizes.iter().filter_map(|it| it["size"].as_u64()).collect();
    assert_eq!(found, [40, 200]);
    for (size, n) in [(40, 36), (200, 180)] {
        let run = format!("curve/size-{size}");
        let train = scratch.evaluate(&run, "--split train");
        assert_eq!(train["samples"], n);
        for class in [0, 1] {
            assert_eq!(train["classes"][class]["support"], n / 2);
        }
        assert_eq!(scratch.evaluate(&run, "--split test")["samples"], 30);
    }
    scratch.nn("report curve").succeeds();
    let page = scratch.read("runs/curve/report.html");
    assert!(page.contains("Learning curve curve"));
    assert!(
        scratch
            .path("runs/curve/plots/learning-curve-test-accuracy.svg")
            .is_file()
    );

    let auto = format!("train {flags} --sizes auto --name auto --json");
    scratch.nn(&auto).succeeds();
    let config = scratch.read("runs/auto/config.toml");
    assert!(config.contains("sizes = \"33,67,135,270\""), "{config}");
    scratch
        .nn(&format!("train {flags} --sizes 271"))
        .refuses(2, &["--sizes", "at most 270", "found 271"]);
    scratch
        .nn(&format!("train {flags} --seeds 1"))
        .refuses(2, &["--seeds", "from 2", "found 1"]);
    scratch.nn(&format!("gradcheck {flags} --seeds 2")).fails(2);
}

#[test]
fn runs_on_the_same_test_rows_are_compared() {
    let scratch = Scratch::new();
    let flags = points(&scratch);
    scratch.train("good", &longer(&flags));
    scratch.train("bad", &format!("{flags} --lr 1e-9"));
    scratch.train("other", &format!("{flags} --split-seed 9"));
    let output = scratch.nn("compare good bad other").succeeds();
    for part in [
        "McNemar's exact test on 30 test samples",
        "good and other: no paired test, because the test samples differ",
    ] {
        assert!(output.contains(part), "{part}: {output}");
    }
    let json = scratch.nn("compare bad good --json").succeeds();
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let test = &json["differences"][0];
    let accuracy = |run: usize| number(&json["runs"][run]["test_accuracy"]);
    let difference = number(&test["difference"]);
    assert!((difference - (accuracy(1) - accuracy(0))).abs() < 1e-9);
    assert!(number(&test["p_value"]) <= 1.0);

    let numbers = format!("--data points.csv --target y --ignore label {TRAINING}");
    scratch.train("near", &longer(&numbers));
    scratch.train("far", &format!("{numbers} --lr 1e-9"));
    let output = scratch.nn("compare far near").succeeds();
    assert!(
        output.contains("near is better than far: test mean absolute error lower by "),
        "{output}"
    );
    let far = scratch.evaluate("far", "");
    let (low, high) = (&far["mae_interval"][0], &far["mae_interval"][1]);
    let mae = number(&far["mae"]);
    assert!(number(low) < mae && mae < number(high));
}

/// The targets are scaled by the training rows of each run, but the test rows are the same.
#[test]
fn regressions_with_other_training_rows_are_compared() {
    let scratch = Scratch::new();
    points(&scratch);
    let flags = format!("--data points.csv --target y --ignore label {TRAINING}");
    scratch.train("all", &longer(&flags));
    scratch.train("few", &format!("{flags} --train-size 100"));
    scratch.train("validated", &format!("{flags} --validation 0.3"));
    let other = flags.replace("--target y", "--target a");
    scratch.train("other", &other);
    let output = scratch.nn("compare all few validated other").succeeds();
    for part in [
        "all is better than few: test mean absolute error lower by ",
        "all is better than validated: test mean absolute error lower by ",
        "all and other: no paired test, because they predict different classes, labels or targets",
    ] {
        assert!(output.contains(part), "{part}: {output}");
    }
}

#[test]
fn runs_of_the_same_name_are_told_apart() {
    let scratch = Scratch::new();
    folds_of_a_and_b(&scratch);
    let output = scratch.nn("compare a/fold-1 b/fold-1").succeeds();
    assert!(
        output.contains("b/fold-1 is better than a/fold-1"),
        "{output}"
    );
    let finished = scratch.nn("train --resume a").succeeds();
    assert!(finished.contains("nn report runs/a"), "{finished}");
    assert!(!finished.contains("--from"), "{finished}");
    scratch.nn("train --resume a --epochs 9").refuses(
        2,
        &["several training runs are resumed with their own settings"],
    );
}

#[test]
fn repeated_runs_are_compared_pair_by_pair() {
    let scratch = Scratch::new();
    let flags = folds_of_a_and_b(&scratch);
    scratch.train("single", &flags);
    let output = scratch.nn("compare a b single").succeeds();
    for part in [
        "corrected paired t-test over 3 folds",
        "a and single: no paired test, because one of them is a single training run",
    ] {
        assert!(output.contains(part), "{part}: {output}");
    }
}

const SHARED: &str = "--data trees.csv --hidden 6 --epochs 3 --folds 2 --seeds 2 --threads 1";

#[test]
fn workers_share_the_runs() {
    if !cfg!(target_os = "linux") {
        return eprintln!("skipped: only on Linux is it known at once that a process has ended");
    }
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    let expected = scratch.train("plain", SHARED);
    let worker = |k| {
        let mut command = scratch.command();
        command.args(format!("train --name shared {SHARED} --worker {k}/3").split_whitespace());
        command.spawn().expect("the program starts")
    };
    // The first worker is killed at the moment at which it has started.
    let mut killed = worker(0);
    let folder = scratch.path("runs/shared/fold-1-seed-0");
    while !folder.exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    killed.kill().expect("a child can be killed");
    killed.wait().expect("the child has ended");
    let outputs = [worker(1), worker(2)].map(|worker| {
        let output = worker.wait_with_output().expect("the program ends");
        crate::support::Ended::from(output).succeeds()
    });
    let n_trained = |output: &String| output.matches(", in runs/shared/").count();
    assert_eq!(
        outputs.iter().map(n_trained).sum::<usize>(),
        4,
        "{outputs:?}"
    );
    assert!(
        outputs[0].contains("nn train --resume runs/shared"),
        "{outputs:?}"
    );
    assert!(!scratch.path("runs/shared/summary.json").exists());
    scratch.nn("train --resume shared").succeeds();
    assert_eq!(scratch.json("runs/shared/summary.json"), expected);
    for run in ["fold-1-seed-0", "fold-2-seed-1"] {
        let weights = |name: &str| {
            let summary = scratch.json(format!("runs/{name}/{run}/summary.json"));
            summary["weights_sha256"].clone()
        };
        assert_eq!(weights("shared"), weights("plain"), "{run}");
    }
}

#[test]
fn workers_need_a_list_of_runs_and_the_same_settings() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    let expected = "--worker: expected --name, and --folds, --seeds, --sizes or --ensemble";
    for flags in ["--name a", "--seeds 2", ""] {
        scratch
            .nn(&format!("train --data trees.csv {flags} --worker 0/2"))
            .refuses(2, &[expected]);
    }
    let train = |flags: &str| scratch.nn(&format!("train --data trees.csv --epochs 1 {flags}"));
    train("--seeds 2 --name a --worker 0/2").succeeds();
    train("--seeds 3 --name a --worker 1/2").refuses(
        2,
        &["runs/a: this worker has other settings than the first: seeds = 3"],
    );
    train("--seeds 2 --name plain").succeeds();
    train("--seeds 2 --name plain --worker 0/2").refuses(
        2,
        &["runs/plain: this run already exists and is not overwritten"],
    );
    scratch
        .nn("train --resume a --worker 0/2")
        .refuses(2, &["--worker", "the same command"]);
}
