//! Metrics of evaluations: in `nn evaluate`, at the end of `nn train`, in summary.json,
//! and the thresholds of predictions.

use crate::support::{Scratch, TWO_EPOCHS, csv, number, trees};

const TRAINING: &str = "--hidden 16 --epochs 20 --batch-size 16 --lr 0.01";

const CLASSIFICATION_KEYS: [&str; 7] = [
    "auc",
    "average_precision",
    "balanced_accuracy",
    "macro_f1",
    "log_loss",
    "brier",
    "calibration_error",
];

/// Two classes; about one row in six is `yes`. The column `noise` has no information.
fn rare_yes() -> String {
    csv("u,v,noise,answer", 600, |row, x, y| {
        let answer = if x + 0.7 * y > 2.0 { "yes" } else { "no" };
        format!("{x:.3},{y:.3},{},{answer}", row * 7919 % 101)
    })
}

#[test]
fn two_classes_have_all_metrics_in_evaluate_summary_and_report() {
    let scratch = Scratch::new();
    scratch.file("a.csv", rare_yes());
    let flags = format!("--name a --data a.csv {TRAINING}");
    let trained = scratch.nn(&format!("train {flags}")).succeeds();
    let summary = scratch.json("runs/a/summary.json");
    let found = scratch.evaluate("a", "");
    for key in CLASSIFICATION_KEYS {
        assert!((0.0..=1.0).contains(&number(&found[key])), "{key}: {found}");
        assert_eq!(found[key], summary[format!("test_{key}")], "{key}");
    }
    assert_eq!(summary["task"], "classification");
    assert_eq!(found["baseline"], summary["baseline"]);
    assert!(number(&found["auc"]) > 0.95, "{found}");
    // The log loss is the cross-entropy, here computed from probabilities.
    assert!(
        (number(&found["log_loss"]) - number(&found["loss"])).abs() < 1e-5,
        "{found}"
    );
    // `no` is the most frequent class, and the second row of the matrix is `yes`.
    let samples = number(&found["samples"]);
    let support = number(&found["classes"][0]["support"]);
    assert!(
        (number(&found["baseline"]) - support / samples).abs() < 1e-12,
        "{found}"
    );
    let interval = [
        &found["accuracy_interval"][0],
        &found["accuracy_interval"][1],
    ]
    .map(number);
    let accuracy = number(&found["accuracy"]);
    assert!(interval[0] < accuracy && accuracy <= interval[1], "{found}");

    let baseline = format!("{:.2} %", 100.0 * number(&found["baseline"]));
    let shown = scratch.nn("evaluate a").succeeds();
    for text in [trained, shown] {
        let guess = format!("baseline (most frequent class): {baseline}");
        assert!(
            text.contains("95 % interval ") && text.contains(&guess),
            "{text}"
        );
        assert!(text.contains("AUC"), "{text}");
    }
    let report = scratch.read("runs/a/report.html");
    for part in [
        "ROC curve",
        "Precision-recall curve",
        "Calibration curve",
        "Permutation importance",
        "Baseline accuracy (most frequent class)",
    ] {
        assert!(report.contains(part), "{part}");
    }
    scratch.train("b", &format!("--data a.csv {TRAINING} --seed 1"));
    let compared = scratch.nn("compare a b").succeeds();
    assert!(
        compared.contains("test AUC") && compared.contains("baseline (most frequent class)"),
        "{compared}"
    );
}

#[test]
fn a_threshold_moves_predictions_and_their_metrics() {
    let scratch = Scratch::new();
    scratch.file("a.csv", rare_yes());
    scratch.file("same.csv", rare_yes());
    let summary = scratch.train("a", &format!("--data a.csv {TRAINING}"));
    let predicted_yes = |flags: &str| {
        let found = scratch.evaluate("a", &format!("--data same.csv {flags}"));
        let evaluated = number(&found["confusion"][0][1]) + number(&found["confusion"][1][1]);
        let output = scratch
            .nn(&format!("predict a same.csv {flags}"))
            .succeeds();
        let printed = output
            .lines()
            .filter(|line| line.starts_with("yes,"))
            .count();
        assert_eq!(printed as f64, evaluated, "{flags}");
        let json = scratch
            .nn(&format!("predict a same.csv --json {flags}"))
            .succeeds();
        assert_eq!(
            json.matches("\"class\":\"yes\"").count(),
            printed,
            "{flags}"
        );
        (printed, found)
    };
    let (usual, _) = predicted_yes("");
    let (all, found) = predicted_yes("--threshold 0");
    assert_eq!((all, number(&found["balanced_accuracy"])), (600, 0.5));
    assert_eq!(found["threshold"], serde_json::json!([0.0]));
    let (more, _) = predicted_yes("--threshold 0.05");
    assert!(usual < more && more < 600, "{usual} {more}");
    let (_, found) = predicted_yes("--threshold auto");
    assert_eq!(found["threshold"], summary["threshold"]);

    // Without a summary, it is computed again.
    std::fs::remove_file(scratch.path("runs/a/summary.json")).expect("it is there");
    let again = scratch.evaluate("a", "--threshold auto");
    assert_eq!(again["threshold"], summary["threshold"]);
    let validation = |flags: &str| {
        let found = scratch.evaluate("a", &format!("--split validation {flags}"));
        number(&found["balanced_accuracy"])
    };
    assert!(validation("--threshold auto") >= validation(""));
    for wrong in ["1.5", "-0.1", "NaN", "best"] {
        scratch
            .nn(&format!("evaluate a --threshold={wrong}"))
            .refuses(2, &["--threshold", "from 0 to 1, or auto"]);
    }
}

#[test]
fn a_threshold_needs_two_classes_or_labels_with_probabilities() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    scratch.file("a.csv", rare_yes());
    scratch.train("three", &format!("--data trees.csv {TRAINING}"));
    scratch.train("number", &format!("--data a.csv --target u {TRAINING}"));
    scratch.train("hinge", &format!("--data a.csv --loss hinge {TRAINING}"));
    scratch.train("all", &format!("--data a.csv --validation 0 {TRAINING}"));
    for (run, part) in [
        ("three", "this model has 3 classes"),
        ("number", "this model predicts numbers"),
        ("hinge", "probabilities"),
    ] {
        for command in [format!("evaluate {run}"), format!("predict {run} a.csv")] {
            let ended = scratch.nn(&format!("{command} --threshold 0.3"));
            ended.refuses(2, &["a threshold needs ", part]);
        }
    }
    scratch
        .nn("evaluate all --threshold auto")
        .refuses(2, &["needs validation samples"]);
    let found = scratch.evaluate("hinge", "");
    assert!(number(&found["auc"]) > 0.9, "{found}");
    assert!(
        found["log_loss"].is_null() && found["brier"].is_null(),
        "{found}"
    );
}

#[test]
fn errors_of_numbers_stand_beside_those_of_the_mean() {
    let scratch = Scratch::new();
    let table = csv("u,near,far", 300, |_, x, y| {
        format!("{x:.3},{:.3},{:.3}", 40.0 * x, 1000.0 + 3.0 * y)
    });
    scratch.file("a.csv", table);
    let flags = format!("--data a.csv --target near,far {TRAINING}");
    let summary = scratch.train("a", &flags);
    let found = scratch.evaluate("a", "");
    assert_eq!(summary["task"], "regression");
    for (key, of_test) in [
        ("r2", "test_r2"),
        ("rmse", "test_rmse"),
        ("mae", "test_mae"),
    ] {
        assert_eq!(found[key], summary[of_test], "{key}");
    }
    assert!(found["auc"].is_null() && found["confusion"].is_null());
    let targets = found["targets"].as_array().expect("a list");
    let [near, far] = [&targets[0], &targets[1]];
    assert_eq!([&near["name"], &far["name"]], ["near", "far"]);
    // Nothing predicts `far`: its error is about that of the mean.
    assert!(
        number(&near["rmse"]) < 0.3 * number(&near["baseline"]),
        "{found}"
    );
    assert!(
        number(&far["rmse"]) > 0.8 * number(&far["baseline"]),
        "{found}"
    );
    let mean = (number(&near["baseline"]) + number(&far["baseline"])) / 2.0;
    assert!((number(&found["baseline"]) - mean).abs() < 1e-9, "{found}");
    // On the training rows, R² is 1 - (error / error of the mean)².
    let train = scratch.evaluate("a", "--split train");
    let near = &train["targets"][0];
    let r2 = 1.0 - (number(&near["rmse"]) / number(&near["baseline"])).powi(2);
    assert!((number(&near["r2"]) - r2).abs() < 1e-5, "{train}");
    let shown = scratch.nn("evaluate a").succeeds();
    assert!(shown.contains("(baseline, training mean: "), "{shown}");
    let report = scratch.read("runs/a/report.html");
    assert!(report.contains("near: residuals"));
}

/// 30 training rows with the mean 3 or the class `a`, and 10 other rows with the mean 9 or the
/// class `b`.
#[test]
fn the_baseline_of_another_table_is_that_of_the_training_rows() {
    let scratch = Scratch::new();
    let rows = |n, value: f64, class: &str| {
        csv("x,y,class", n, |i, x, _| {
            let value = value + if i % 2 == 0 { 1.0 } else { -1.0 };
            // A row of the other class.
            let class = if i == 0 { "c" } else { class };
            format!("{x:.3},{value},{class}")
        })
    };
    scratch.file("train.csv", rows(30, 3.0, "a") + "0,3,b\n0.1,3,b\n");
    scratch.file("other.csv", rows(10, 9.0, "b"));
    let flags = "--data train.csv --hidden 4 --epochs 1 --test-split 0 --validation 0 --no-report";
    scratch.train(
        "numbers",
        &format!("{flags} --target y --task regression --ignore class"),
    );
    let numbers = scratch.evaluate("numbers", "--data other.csv");
    // The mean of the squares of 6 ± 1 is 37.
    assert!(
        (number(&numbers["baseline"]) - 37.0_f64.sqrt()).abs() < 1e-4,
        "{numbers}"
    );
    let text = scratch.nn("evaluate numbers --data other.csv").succeeds();
    assert!(text.contains("baseline, training mean: 6.08"), "{text}");
    scratch.train("classes", &format!("{flags} --target class --ignore y"));
    let classes = scratch.evaluate("classes", "--data other.csv");
    assert_eq!(classes["baseline"], 0.0);
    // A model without a summary does not know the training rows.
    let model = std::fs::read(scratch.path("runs/classes/model.safetensors")).expect("a model");
    scratch.file("model.safetensors", model);
    let alone = scratch.nn("evaluate model.safetensors --data other.csv");
    let alone = alone.succeeds();
    let expected = "baseline (most frequent class of these samples): 90.00 %";
    assert!(alone.contains(expected), "{alone}");
}

#[test]
fn each_label_has_its_metrics_and_its_threshold() {
    let scratch = Scratch::new();
    let table = csv("u,v,right,rare", 400, |_, x, y| {
        format!(
            "{x:.3},{y:.3},{},{}",
            u8::from(x > 0.0),
            u8::from(x + y > 3.0)
        )
    });
    scratch.file("a.csv", &table);
    let summary = scratch.train("a", &format!("--data a.csv --target right,rare {TRAINING}"));
    assert_eq!(summary["task"], "multi-label");
    assert_eq!(summary["threshold"].as_array().map(Vec::len), Some(2));
    let found = scratch.evaluate("a", "");
    let labels = found["labels"].as_array().expect("a list");
    for (label, name) in labels.iter().zip(["right", "rare"]) {
        assert_eq!(label["name"], name);
        assert!(number(&label["auc"]) > 0.9, "{label}");
    }
    for key in ["auc", "accuracy", "baseline", "brier"] {
        let mean = (number(&labels[0][key]) + number(&labels[1][key])) / 2.0;
        assert!((number(&found[key]) - mean).abs() < 1e-12, "{key}: {found}");
    }
    let all = scratch.nn("predict a a.csv --threshold 0").succeeds();
    assert!(
        all.lines().skip(1).all(|line| line.starts_with("1,1,")),
        "{all}"
    );
    let found = scratch.evaluate("a", "--threshold auto");
    assert_eq!(found["threshold"], summary["threshold"]);
    let shown = scratch.nn("evaluate a").succeeds();
    assert!(shown.contains("(means over the labels)"), "{shown}");
}

#[test]
fn many_classes_are_cut_in_the_terminal_only() {
    let scratch = Scratch::new();
    let table = csv("u,v,kind", 1200, |_, x, y| {
        format!("{x:.3},{y:.3},kind-{}", ((x + 3.0) * 4.0) as u8)
    });
    scratch.file("a.csv", table);
    scratch.train("a", "--data a.csv --hidden 8 --epochs 3");
    let found = scratch.evaluate("a", "");
    let n_classes = found["classes"].as_array().expect("a list").len();
    assert!(n_classes > 20, "{n_classes}");
    assert_eq!(found["confusion"].as_array().map(Vec::len), Some(n_classes));
    let shown = scratch.nn("evaluate a").succeeds();
    assert!(shown.contains("the most frequent confusions"), "{shown}");
    assert!(shown.lines().count() < 40, "{shown}");
    assert!(
        shown.lines().all(|line| line.chars().count() <= 100),
        "{shown}"
    );
    // The counts are those of the matrix, largest first.
    let largest = found["confusion"]
        .as_array()
        .expect("rows")
        .iter()
        .enumerate();
    let largest = largest.flat_map(|(class, row)| {
        let row = row.as_array().expect("a row").iter().enumerate();
        row.filter(move |(predicted, _)| *predicted != class)
            .map(|(_, count)| count.as_u64().expect("a count"))
            .collect::<Vec<_>>()
    });
    let first = shown
        .lines()
        .skip_while(|line| !line.contains("true class"));
    let first = first
        .skip(1)
        .find_map(|line| line.split_whitespace().next()?.parse().ok());
    assert_eq!(first, largest.max(), "{shown}");
}

#[test]
fn a_column_without_information_has_the_lowest_importance() {
    let scratch = Scratch::new();
    scratch.file("a.csv", rare_yes());
    scratch.train("a", &format!("--data a.csv {TRAINING}"));
    let found = scratch.evaluate("a", "--importance");
    let columns = found["importance"].as_array().expect("a list");
    let names: Vec<&str> = columns
        .iter()
        .filter_map(|it| it["column"].as_str())
        .collect();
    assert_eq!(names, ["u", "v", "noise"]);
    let [first, _, last] = [0, 1, 2].map(|column| number(&columns[column]["mean"]));
    assert!(first > 0.2 && last.abs() < 0.1, "{found}");
    assert!(number(&columns[0]["std"]) > 0.0, "{found}");
    let again = scratch.evaluate("a", "--importance");
    assert_eq!(again, found, "the seed is fixed");
    assert!(scratch.evaluate("a", "")["importance"].is_null());
    let shown = scratch.nn("evaluate a --importance").succeeds();
    assert!(shown.contains("increase in the loss"), "{shown}");
}

/// Rows whose category no training row has are said in evaluate as they are in predict.
#[test]
fn evaluate_prints_the_notes_about_a_table() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    scratch.train("a", &format!("--data trees.csv {TRAINING}"));
    scratch.file("new.csv", trees().replace("red", "violet"));
    let evaluated = scratch.nn("evaluate a --data new.csv --json");
    let predicted = scratch.nn("predict a new.csv");
    let note = |text: &str| {
        let mut lines = text.lines();
        lines
            .find(|line| line.contains("violet"))
            .map(str::to_owned)
    };
    assert!(note(&evaluated.stderr).is_some(), "{}", evaluated.stderr);
    assert_eq!(note(&evaluated.stderr), note(&predicted.stderr));
}

#[test]
fn images_have_a_baseline_and_an_auc_too() {
    let scratch = Scratch::new();
    let summary = scratch.train("a", TWO_EPOCHS);
    assert_eq!(summary["task"], "classification");
    // The test digits have 1000 images of each class.
    assert_eq!(number(&summary["baseline"]), 0.1);
    assert!(number(&summary["test_auc"]) > 0.5, "{summary}");
    assert!(summary["threshold"].is_null(), "only two classes have one");
    let summary = scratch.train("b", &format!("{TWO_EPOCHS} --positive-class 3"));
    assert_eq!(number(&summary["baseline"]), 0.9);
    assert_eq!(summary["threshold"].as_array().map(Vec::len), Some(1));
    let output = scratch.nn("predict b --index 0 --threshold 0").succeeds();
    assert!(output.contains("sample 0: 3"), "{output}");
    let found = scratch.evaluate("b", "--importance");
    assert_eq!(found["importance"], serde_json::json!([]));
}
