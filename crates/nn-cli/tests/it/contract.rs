//! The run directory, JSON lines, and how runs and models are shown.

use std::fs;

use nn_data::checksum::sha256;
use serde_json::Value;

use crate::support::{SMALL, Scratch, TWO_EPOCHS};

const METRICS_HEADER: &str = "epoch,step,learning_rate,train_loss,train_accuracy,\
    validation_loss,validation_accuracy,train_seconds,evaluate_seconds";

const SUMMARY_KEYS: [&str; 14] = [
    "dataset",
    "layers",
    "parameters",
    "epochs",
    "seed",
    "threads",
    "train_loss",
    "validation_accuracy",
    "test_loss",
    "test_accuracy",
    "train_seconds",
    "seconds_per_epoch",
    "weights_sha256",
    "version",
];

/// The rows of a run's `metrics.csv`, without its header.
fn metrics(scratch: &Scratch, run: &str) -> Vec<Vec<String>> {
    let text = scratch.read(format!("runs/{run}/metrics.csv"));
    assert!(text.ends_with('\n'));
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(METRICS_HEADER));
    lines
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect()
}

fn number(cell: &str) -> f64 {
    cell.parse().expect("the cell is a number")
}

#[test]
fn a_run_directory_holds_what_the_contract_says() {
    let scratch = Scratch::new();
    let summary = scratch.train("a", &format!("{SMALL} --epochs 3 --threads 2"));
    let mut files: Vec<_> = fs::read_dir(scratch.path("runs/a"))
        .expect("the run is there")
        .map(|entry| entry.expect("the run is readable").file_name())
        .collect();
    files.sort();
    assert_eq!(
        files,
        [
            "checkpoint",
            "config.toml",
            "metrics.csv",
            "model.safetensors",
            "plots",
            "report.html",
            "summary.json"
        ]
    );

    for key in SUMMARY_KEYS {
        assert!(!summary[key].is_null(), "{key}: {summary}");
    }
    assert_eq!(summary["dataset"], "glyphs");
    assert_eq!(summary["layers"], serde_json::json!([784, 16, 10]));
    assert_eq!(summary["parameters"], 784 * 16 + 16 + 16 * 10 + 10);
    assert_eq!(
        (&summary["epochs"], &summary["seed"]),
        (&3.into(), &0.into())
    );
    assert_eq!(summary["threads"], 2);
    assert_eq!(summary["version"], env!("CARGO_PKG_VERSION"));

    let rows = metrics(&scratch, "a");
    assert_eq!(rows.len(), 3);
    // 270 of 300 samples are trained on, in 9 batches of 32.
    let epochs_and_steps: Vec<_> = rows.iter().map(|row| (&row[0][..], &row[1][..])).collect();
    assert_eq!(epochs_and_steps, [("1", "9"), ("2", "18"), ("3", "27")]);
    assert!(rows.iter().flatten().all(|cell| number(cell).is_finite()));
    assert_eq!(number(&rows[2][3]), summary["train_loss"]);
    assert_eq!(number(&rows[2][6]), summary["validation_accuracy"]);
    let mut seconds: Vec<f64> = rows.iter().map(|row| number(&row[7])).collect();
    seconds.sort_by(f64::total_cmp);
    assert_eq!(seconds[1], summary["seconds_per_epoch"]);
    let all: f64 = seconds.iter().sum();
    let told = summary["train_seconds"].as_f64().expect("a number");
    assert!((all - told).abs() < 1e-9 * all);
}

#[test]
fn cells_of_what_was_not_measured_are_empty() {
    let scratch = Scratch::new();
    let summary = scratch.train("a", &format!("{SMALL} --validation 0 --epochs 2"));
    for row in metrics(&scratch, "a") {
        assert_eq!(row.len(), 9);
        assert_eq!((&row[5][..], &row[6][..], &row[8][..]), ("", "", ""));
        assert!(row[..5].iter().all(|cell| number(cell).is_finite()));
    }
    assert!(summary["validation_accuracy"].is_null());

    let table = crate::support::csv("u,v,price", 60, |_, x, y| format!("{x},{y},{}", x + y));
    scratch.file("a.csv", table);
    scratch.train("b", "--data a.csv --target price --hidden 4 --epochs 1");
    let row = &metrics(&scratch, "b")[0];
    assert_eq!(
        (&row[4][..], &row[6][..]),
        ("", ""),
        "no accuracy of numbers"
    );
    assert!(!row[5].is_empty());
}

#[test]
fn losses_are_means_whatever_the_reduction() {
    let scratch = Scratch::new();
    // So slow that nothing is learned: both runs have the first loss.
    let slow = format!("{SMALL} --optimizer sgd --lr 1e-9 --epochs 1");
    let mean = scratch.train("mean", &slow);
    let sum = scratch.train("sum", &format!("{slow} --reduction sum"));
    let of = |summary: &Value| summary["train_loss"].as_f64().expect("a number");
    assert!((of(&mean) - of(&sum)).abs() < 1e-4, "{mean} {sum}");
    assert!((1.0..4.0).contains(&of(&sum)));
}

#[test]
fn the_checksum_is_that_of_the_data_section() {
    let scratch = Scratch::new();
    let summary = scratch.train("a", TWO_EPOCHS);
    let bytes = fs::read(scratch.path("runs/a/model.safetensors")).expect("a model was written");
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    let data = &bytes[8 + length..];
    assert_eq!(
        data.len() as u64,
        4 * summary["parameters"].as_u64().unwrap_or(0)
    );
    let found = sha256(data).expect("memory can be read");
    assert_eq!(summary["weights_sha256"], found);
    let inspected = scratch.nn("inspect a --json").succeeds();
    let inspected: Value = serde_json::from_str(&inspected).expect("one JSON object");
    assert_eq!(inspected["weights_sha256"], found);
    assert_eq!(inspected["parameters"], summary["parameters"]);
    assert_eq!(inspected["training"]["batch-size"], "32");
}

#[test]
fn a_run_is_never_overwritten() {
    let scratch = Scratch::new();
    scratch.train("a", TWO_EPOCHS);
    let before = scratch.read("runs/a/summary.json");
    scratch
        .nn(&format!("train --name a {TWO_EPOCHS} --seed 1"))
        .refuses(2, &["runs/a: this run already exists", "--name"]);
    assert_eq!(scratch.read("runs/a/summary.json"), before);
    for number in 1..=2 {
        let output = scratch.nn(&format!("train {SMALL} --epochs 1")).succeeds();
        assert!(output.contains(&format!("saved in runs/glyphs-{number}\n")));
    }
    for name in ["../a", "a/b", ".hidden", ""] {
        scratch
            .nn_args(["train", "--data", "glyphs", "--name", name])
            .refuses(2, &["--name: expected letters"]);
    }
}

#[test]
fn json_is_one_object_a_line() {
    let scratch = Scratch::new();
    let output = scratch
        .nn(&format!("train --name a --json {TWO_EPOCHS}"))
        .succeeds();
    let lines: Vec<Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).expect("every line is JSON"))
        .collect();
    let events: Vec<_> = lines.iter().map(|line| &line["event"]).collect();
    assert_eq!(events, ["epoch", "epoch", "summary"]);
    let mut summary = scratch.json("runs/a/summary.json");
    summary["event"] = "summary".into();
    summary["run"] = "runs/a".into();
    assert_eq!(lines[2], summary);

    for command in [
        "predict a --index 0..5 --json",
        "predict a --index 7 --json",
    ] {
        for line in scratch.nn(command).succeeds().lines() {
            let line: Value = serde_json::from_str(line).expect("every line is JSON");
            let sum: f64 = line["probabilities"]
                .as_array()
                .expect("a list")
                .iter()
                .filter_map(Value::as_f64)
                .sum();
            assert!((sum - 1.0).abs() < 1e-5, "{line}");
        }
    }
    // Without MNIST the hint is for people: JSON stays JSON.
    let output = scratch
        .nn("train --json --limit-train 100 --epochs 1 --hidden 4")
        .succeeds();
    assert!(output.lines().all(|line| line.starts_with('{')));
}

#[test]
fn a_resumed_training_says_in_json_where_it_goes_on() {
    let scratch = Scratch::new();
    let flags = format!("{TWO_EPOCHS} --batch-size 100000 --no-report --checkpoint-interval 0");
    let flags = flags.replace("--batch-size 32 ", "");
    let events = |output: String| -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).expect("every line is JSON");
        output.lines().map(parse).collect()
    };
    let begun = scratch.nn(&format!("train --name a --json {flags}"));
    let begun = events(begun.succeeds());
    assert_eq!(begun[0]["event"], "warning");
    assert_eq!(
        begun[0]["text"],
        "the batch size is 100 000, but there are only 270 training samples; every step uses all of them"
    );
    // As if it had been killed in the second epoch, its checkpoint damaged.
    fs::remove_file(scratch.path("runs/a/summary.json")).expect("it is there");
    scratch.file(
        "runs/a/checkpoint/step-000000000002.safetensors",
        "no checkpoint",
    );
    let resumed = events(scratch.nn("train --resume a --json --no-report").succeeds());
    assert_eq!(resumed[0]["event"], "warning");
    let text = resumed[0]["text"].as_str().unwrap_or_default();
    assert!(text.contains("step-000000000002.safetensors"), "{text}");
    assert_eq!(
        resumed[1],
        serde_json::json!({ "event": "resumed", "run": "runs/a", "epoch": 1, "step": 1 })
    );
    let rest: Vec<_> = resumed[2..].iter().map(|line| &line["event"]).collect();
    assert_eq!(rest, ["epoch", "summary"]);
}

#[test]
fn evaluate_repeats_the_summary() {
    let scratch = Scratch::new();
    let summary = scratch.train("a", TWO_EPOCHS);
    let test = scratch.evaluate("a", "");
    assert_eq!(test["accuracy"], summary["test_accuracy"]);
    assert_eq!(test["loss"], summary["test_loss"]);
    let validation = scratch.evaluate("runs/a/model.safetensors", "--split validation");
    assert_eq!(validation["accuracy"], summary["validation_accuracy"]);
    assert_eq!(validation["samples"], 30);
    let train = scratch.evaluate("runs/a", "--split train");
    assert_eq!(train["samples"], 270);

    let confusion = test["confusion"].as_array().expect("a matrix");
    let cells = |row: &Value| -> Vec<u64> {
        let cells = row.as_array().expect("a row");
        cells.iter().filter_map(Value::as_u64).collect()
    };
    let all: u64 = confusion.iter().flat_map(cells).sum();
    assert_eq!(test["samples"], all);
    let right: u64 = (0..10).map(|class| cells(&confusion[class])[class]).sum();
    assert_eq!(right as f64 / all as f64, test["accuracy"]);

    let shown = scratch.nn("evaluate a").succeeds();
    let accuracy = summary["test_accuracy"].as_f64().expect("a number");
    assert!(shown.contains(&format!("accuracy  {:.2} %", 100.0 * accuracy)));
    for part in ["precision", "recall", "F1", "10 000 test samples"] {
        assert!(shown.contains(part), "{shown}");
    }
}

#[test]
fn early_stopping_sums_up_the_weights_that_it_keeps() {
    let scratch = Scratch::new();
    let summary = scratch.train(
        "a",
        "--data glyphs --limit-train 300 --hidden 32 --epochs 60 --lr 0.02 --patience 2",
    );
    let rows = metrics(&scratch, "a");
    assert!(rows.len() < 60, "the training stops early");
    assert_eq!(summary["epochs"], rows.len());
    let losses: Vec<f64> = rows.iter().map(|row| number(&row[5])).collect();
    let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(best < losses[losses.len() - 1]);
    assert_eq!(summary["validation_loss"], best);
    assert_eq!(scratch.evaluate("a", "--split validation")["loss"], best);
}

/// The epoch with the lowest loss is the model, whether or not patience runs out.
#[test]
fn with_patience_the_best_epoch_is_the_model_and_is_named() {
    let scratch = Scratch::new();
    let flags = "--data glyphs --limit-train 300 --hidden 32 --epochs 12 --lr 0.05";
    let text = scratch
        .nn(&format!("train --name a {flags} --patience 12"))
        .succeeds();
    let (rows, summary) = (metrics(&scratch, "a"), scratch.json("runs/a/summary.json"));
    assert_eq!(rows.len(), 12);
    let losses: Vec<f64> = rows.iter().map(|row| number(&row[5])).collect();
    let lowest = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let best = 1 + losses
        .iter()
        .position(|&loss| loss == lowest)
        .expect("it is one of them");
    assert!(best < 12, "it overfits");
    assert_eq!(summary["best_epoch"], best);
    assert_eq!(summary["validation_loss"], lowest);
    assert_eq!(scratch.evaluate("a", "--split validation")["loss"], lowest);
    let kept = format!("kept the weights of epoch {best} of 12, the lowest validation loss");
    assert!(
        text.contains(&kept) && !text.contains("stopped early"),
        "{text}"
    );
    let report = scratch.read("runs/a/report.html");
    let named = format!("The model has the weights of epoch {best} of 12");
    assert!(report.contains(&named));

    let summary = scratch.train("b", flags);
    assert!(summary["best_epoch"].is_null());
    assert_eq!(summary["validation_loss"], losses[11]);
}

#[test]
fn early_stopping_names_the_loss_that_it_watched() {
    let scratch = Scratch::new();
    let text = scratch
        .nn("train --data glyphs --limit-train 300 --hidden 32 --epochs 60 --lr 0.3 --patience 2 --validation 0")
        .succeeds();
    assert!(text.contains("stopped early after epoch "), "{text}");
    assert!(
        text.contains(": the training loss no longer falls"),
        "{text}"
    );
    assert!(text.contains("the lowest training loss ("), "{text}");
}

#[test]
fn data_sets_are_listed_described_and_fetched() {
    let scratch = Scratch::new();
    let list = scratch.nn("data list").succeeds();
    for part in [
        "mnist          not downloaded",
        "fashion-mnist  not downloaded",
        "glyphs         built in",
    ] {
        assert!(list.contains(part), "{list}");
    }
    let info = scratch.nn("data info mnist").succeeds();
    for part in [
        "to download it, run `nn data fetch mnist`",
        "9912422 bytes",
        "https://",
        "license",
    ] {
        assert!(info.contains(part), "{info}");
    }
    let info = scratch.nn("data info glyphs").succeeds();
    assert!(
        info.contains("60 000 training, 10 000 test, with 784 values each"),
        "{info}"
    );
    scratch
        .nn("data info nothing")
        .refuses(2, &["unknown data set \"nothing\"", "mnist, "]);
    scratch
        .nn("data fetch nothing")
        .refuses(2, &["unknown data set \"nothing\""]);
    fs::create_dir(scratch.path("empty")).expect("the temporary folder is writable");
    scratch.nn("data fetch mnist --from empty").fails(5);
    scratch.file("wrong/train-images-idx3-ubyte.gz", "not the images");
    let error = scratch.nn("data fetch mnist --from wrong").fails(4);
    for part in ["14 bytes", "9912422 bytes", "SHA-256"] {
        assert!(error.contains(part), "{error}");
    }
    assert!(
        !scratch
            .path("datasets/mnist/train-images-idx3-ubyte.gz")
            .exists()
    );
}

#[test]
fn gradients_are_checked_layer_by_layer() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", crate::support::trees());
    for flags in [
        "--data glyphs --hidden 8 --limit-train 50",
        "--data trees.csv --hidden 6,5 --activation tanh,gelu --batch-norm --l2 0.1",
        "--data trees.csv --hidden 4 --loss mse --activation swish --label-smoothing 0.1",
        "--data trees.csv --hidden 6,5 --preset tabular",
        "--data trees.csv --hidden 6 --preset tabular --numeric-embedding piecewise-linear",
    ] {
        let output = scratch.nn(&format!("gradcheck {flags}")).succeeds();
        assert!(output.contains("gradient check passed"), "{output}");
        let layers = output
            .lines()
            .filter(|line| line.starts_with(char::is_numeric));
        let n_hidden = flags.split("--hidden ").nth(1).map_or(0, |rest| {
            rest.split(' ')
                .next()
                .unwrap_or_default()
                .split(',')
                .count()
        });
        assert_eq!(layers.count(), n_hidden + 1, "{output}");
    }
    assert!(!scratch.path("runs").exists(), "nothing is written");
}
