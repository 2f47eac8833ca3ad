//! Ensembles (`--ensemble`), members that share layers (`--members`), and calibrated
//! probabilities.

use serde_json::Value;

use crate::support::{Scratch, csv, number, trees};

/// 240 rows of two classes that overlap.
fn points() -> String {
    csv("x,y,label", 240, |i, x, y| {
        let label = if x + y + ((i % 5) as f64 - 2.0) * 0.4 > 0.0 {
            "ill"
        } else {
            "well"
        };
        format!("{x:.3},{y:.3},{label}")
    })
}

const FLAGS: &str = "--data points.csv --target label --hidden 16 --batch-size 16 --no-report";

#[test]
fn an_ensemble_is_one_run_with_one_model() {
    let scratch = Scratch::new();
    scratch.file("points.csv", points());
    let summary = scratch.train("five", &format!("{FLAGS} --ensemble 3 --epochs 4 --seed 7"));
    assert_eq!(summary["ensemble"], 3);
    let members: Vec<Value> = (1..=3)
        .map(|member| scratch.json(format!("runs/five/member-{member}/summary.json")))
        .collect();
    let mean = members
        .iter()
        .map(|it| number(&it["test_loss"]))
        .sum::<f64>()
        / 3.0;
    assert!((number(&summary["member_mean"]["test_loss"]) - mean).abs() < 1e-12);
    // The log loss is convex, so the loss of the mean is at most the mean of the losses;
    // calibration is off for a fair comparison.
    let plain = format!("{FLAGS} --ensemble 3 --epochs 4 --seed 7 --calibrate none");
    let plain = scratch.train("plain", &plain);
    assert!(number(&plain["test_loss"]) <= mean, "{plain} {mean}");
    assert_eq!(plain["weights_sha256"], summary["weights_sha256"]);
    // Each network has the weights of a run with its seed, up to the split.
    let seeds: Vec<u64> = members
        .iter()
        .filter_map(|it| it["seed"].as_u64())
        .collect();
    assert_eq!(seeds, [7, 8, 9]);
    assert_ne!(members[0]["weights_sha256"], members[1]["weights_sha256"]);
    for split in ["test", "validation"] {
        let evaluation = scratch.evaluate("five", &format!("--split {split}"));
        assert_eq!(
            evaluation["loss"],
            summary[format!("{split}_loss")],
            "{split}"
        );
    }
    scratch
        .nn("predict five points.csv --output out.csv")
        .succeeds();
    assert_eq!(scratch.read("out.csv").lines().count(), 241);
    let shown = scratch.nn("inspect five").succeeds();
    assert!(shown.contains("ensemble    3 networks"), "{shown}");
    scratch.nn("report five").succeeds();
    scratch.nn("compare five plain").succeeds();
    scratch
        .nn("doctor five")
        .refuses(2, &["found an ensemble", "member-1"]);
    scratch.nn("doctor five/member-2").succeeds();
    scratch
        .nn("trace five --index 0")
        .succeeds_with_note("network 1 of the 3 networks");
}

/// An ensemble that was stopped during its second network is completed with the same bytes.
#[test]
fn a_stopped_ensemble_is_resumed_with_the_same_bytes() {
    let scratch = Scratch::new();
    scratch.file("points.csv", points());
    let flags = format!("{FLAGS} --ensemble 3 --epochs 4");
    scratch.train("whole", &flags);
    scratch.train("stopped", &format!("{flags} --threads 2"));
    let run = scratch.path("runs/stopped");
    let remove = |name: &str| std::fs::remove_file(run.join(name)).expect("a file of the run");
    remove("summary.json");
    remove("model.safetensors");
    remove("member-2/summary.json");
    std::fs::remove_dir_all(run.join("member-3")).expect("a folder of the run");
    scratch.nn("train --resume stopped --no-report").succeeds();
    let model = |name: &str| {
        let path = scratch.path(format!("runs/{name}/model.safetensors"));
        std::fs::read(path).expect("a model")
    };
    assert!(model("whole") == model("stopped"));
}

#[test]
fn members_train_and_predict() {
    let scratch = Scratch::new();
    scratch.file("points.csv", points());
    let flags = format!("{FLAGS} --members 4 --epochs 6");
    let summary = scratch.train("members", &format!("{flags} --threads 1"));
    assert!(number(&summary["test_accuracy"]) > number(&summary["baseline"]));
    let again = scratch.train("again", &format!("{flags} --threads 2"));
    assert_eq!(again["weights_sha256"], summary["weights_sha256"]);
    // Factors 4x2, hidden layer 2x16 + 16, four output layers 16 + 1.
    assert_eq!(summary["parameters"], 8 + 48 + 68);
    scratch
        .nn("predict members points.csv --output out.csv")
        .succeeds();
    scratch.nn("report members").succeeds();
    scratch.nn("doctor members").succeeds();
    scratch
        .nn(&format!(
            "gradcheck {}",
            flags.replace("--no-report", "").replace("--epochs 6", "")
        ))
        .succeeds();
    for format in ["onnx", "c", "rust"] {
        scratch
            .nn(&format!("export members --format {format}"))
            .succeeds();
    }
    scratch.nn("import members.onnx --name imported").succeeds();
    let [expected, found] =
        ["members", "imported"].map(|run| number(&scratch.evaluate(run, "")["loss"]));
    assert!((found - expected).abs() < 1e-6, "{found} {expected}");
}

/// TabM-mini with the numeric embeddings of RealMLP.
#[test]
fn members_train_with_the_preset_of_tables() {
    let scratch = Scratch::new();
    let letters = b"abcdefghijkl";
    scratch.file(
        "mixed.csv",
        csv("letter,x,y,label", 400, |i, x, y| {
            let letter = char::from(letters[i * 7 % 12]);
            let label = if x + y > 0.0 { "p" } else { "q" };
            format!("{letter},{x:.3},{y:.3},{label}")
        }),
    );
    let flags = "--data mixed.csv --preset tabular --members 4 --hidden 8,8 --epochs 12 \
        --numeric-embedding periodic --category-embedding 8 --input-scaling --parametric-activation";
    let summary = scratch.train("members", &format!("{flags} --no-report --threads 1"));
    assert!(number(&summary["test_accuracy"]) > number(&summary["baseline"]));
    // Two numbers with 16 frequencies and phases and 16x3 + 3 values, vectors of 12 letters and of
    // other letters, 2·4 + 8 factors once and per member, the hidden layers 16-8-8 with a factor
    // per neuron, and four output layers.
    let embeddings = 2 * (2 * 16 + 16 * 3 + 3) + 13 * 8;
    let hidden = 16 * 8 + 2 * 8 + 8 * 8 + 2 * 8;
    assert_eq!(
        summary["parameters"],
        embeddings + 5 * 16 + hidden + 4 * (8 + 1)
    );
    let again = scratch.train("again", &format!("{flags} --no-report --threads 2"));
    assert_eq!(again["weights_sha256"], summary["weights_sha256"]);
    scratch
        .nn("predict members mixed.csv --output out.csv")
        .succeeds();
    let flags = flags.replace("--epochs 12", "");
    scratch.nn(&format!("gradcheck {flags}")).succeeds();
}

/// The probabilities of a network that was trained for two epochs are too low.
#[test]
fn probabilities_are_calibrated() {
    let scratch = Scratch::new();
    let flags = "--data glyphs --limit-train 500 --epochs 2 --no-report";
    let none = scratch.train("none", flags);
    let summary = scratch.train("calibrated", &format!("{flags} --calibrate temperature"));
    assert_eq!(none["temperature"], Value::Null);
    assert!(number(&summary["temperature"]) < 0.9, "{summary}");
    assert_eq!(none["weights_sha256"], summary["weights_sha256"]);
    assert_eq!(none["test_accuracy"], summary["test_accuracy"]);
    assert!(number(&summary["validation_loss"]) < number(&none["validation_loss"]));
    let evaluation = scratch.evaluate("calibrated", "");
    assert_eq!(evaluation["temperature"], summary["temperature"]);
    assert_eq!(evaluation["uncalibrated"]["loss"], none["test_loss"]);
    let text = scratch.nn("evaluate calibrated").succeeds();
    assert!(text.contains("temperature"), "{text}");
    scratch.nn("export calibrated --format c").succeeds();
}

#[test]
fn ensembles_are_exported() {
    let scratch = Scratch::new();
    scratch.file("points.csv", points());
    scratch.train("two", &format!("{FLAGS} --ensemble 2 --epochs 2"));
    for format in ["onnx", "c", "rust"] {
        scratch
            .nn(&format!("export two --format {format}"))
            .succeeds();
    }
    scratch.nn("import two.onnx --name imported").succeeds();
    let [expected, found] =
        ["two", "imported"].map(|run| number(&scratch.evaluate(run, "")["loss"]));
    assert!((found - expected).abs() < 1e-6, "{found} {expected}");
}

#[test]
fn invalid_numbers_are_refused() {
    let scratch = Scratch::new();
    scratch.file("points.csv", points());
    scratch
        .nn(&format!("train {FLAGS} --ensemble 1"))
        .refuses(2, &["--ensemble", "from 2"]);
    scratch
        .nn(&format!("train {FLAGS} --members 0"))
        .refuses(2, &["--members", "1 to 1024"]);
    scratch
        .nn(&format!("train {FLAGS} --loss mse --calibrate temperature"))
        .refuses(2, &["--calibrate", "mse"]);
}

#[test]
fn workers_share_the_networks() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    let flags = "--data trees.csv --hidden 5 --epochs 2 --ensemble 3 --no-report";
    let expected = scratch.train("plain", flags);
    for worker in ["0/2", "1/2"] {
        let line = format!("train --name shared {flags} --worker {worker}");
        let output = scratch.nn(&line).succeeds();
        assert!(
            output.contains("all 3 runs of runs/shared are finished"),
            "{output}"
        );
    }
    assert!(!scratch.path("runs/shared/summary.json").exists());
    scratch.nn("train --resume shared --no-report").succeeds();
    let found = scratch.json("runs/shared/summary.json");
    assert_eq!(found["weights_sha256"], expected["weights_sha256"]);
    assert_eq!(found["test_loss"], expected["test_loss"]);
}
