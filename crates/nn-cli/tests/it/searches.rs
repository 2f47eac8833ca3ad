//! `nn search`: its results, its files, and how it is resumed.

use std::path::Path;

use nn_train::{DataLoader, Experiment, Repetition, Settings, Threads};
use serde_json::Value;

use crate::support::{Scratch, csv, number, trees};

/// Trials that take no time.
const QUICK: &str = "--data glyphs --limit-train 200 --hidden 8 --epochs 2 --validation 0.3";

/// The table without the seconds, which differ.
fn table(scratch: &Scratch, name: &str) -> Vec<String> {
    let text = scratch.read(format!("runs/{name}/trials.csv"));
    let without_seconds = |line: &str| line.rsplit_once(',').map(|(rest, _)| rest.to_owned());
    text.lines().filter_map(without_seconds).collect()
}

#[test]
fn the_winner_is_the_trial_with_the_lowest_validation_loss() {
    let scratch = Scratch::new();
    let output = scratch
        .nn(&format!(
            "search --name a {QUICK} --space lr=log:1e-5..1,optimizer=sgd|adam --trials 7 --seed 4"
        ))
        .succeeds();
    assert_eq!(
        output
            .lines()
            .filter(|line| line.starts_with("trial "))
            .count(),
        7
    );
    let rows = table(&scratch, "a");
    assert_eq!(
        rows[0],
        "trial,lr,optimizer,outcome,epochs,train_loss,validation_loss,validation_accuracy"
    );
    let losses = rows[1..].iter().filter(|row| row.contains("finished"));
    let loss = |row: &String| -> f64 {
        row.split(',')
            .nth(6)
            .expect("a cell")
            .parse()
            .expect("a loss")
    };
    let lowest = losses.map(loss).fold(f64::INFINITY, f64::min);
    let summary = scratch.json("runs/a/summary.json");
    assert_eq!(summary["best"]["validation_loss"], lowest);
    assert_eq!(summary["trials"], 7);
    assert!(summary.get("test_accuracy").is_none());

    // The command that is printed trains the very same network.
    let command = summary["command"].as_str().expect("a command");
    assert!(output.contains(command), "{output}");
    let words = command
        .strip_prefix("nn ")
        .expect("it begins with nn")
        .split(' ');
    scratch.nn_args(words.chain(["--name", "again"])).succeeds();
    let again = scratch.json("runs/again/summary.json");
    assert_eq!(again["validation_loss"], lowest);
}

#[test]
fn a_seed_gives_the_same_trials_and_a_search_can_be_continued() {
    let scratch = Scratch::new();
    let search = |name: &str, flags: &str| {
        let space = "--space lr=log:1e-5..1,hidden=4|8,8,dropout=0..0.5";
        let flags = format!(
            "search --name {name} {} {space} {flags}",
            QUICK.replace("--hidden 8", "")
        );
        scratch.nn(&flags).succeeds()
    };
    search("whole", "--trials 9 --threads 1");
    search("parts", "--trials 4");
    assert_eq!(table(&scratch, "parts")[..], table(&scratch, "whole")[..5]);
    // The journal as a signal leaves it: a trial was asked for, but not ended.
    let journal = scratch.read("runs/parts/journal.jsonl");
    let ended = journal
        .rfind("{\"event\":\"told\"")
        .expect("a trial has ended");
    scratch.file("runs/parts/journal.jsonl", &journal[..ended]);
    let output = scratch.nn("search --resume parts --trials 6").succeeds();
    let resuming = "resuming runs/parts after 3 trials";
    assert!(output.contains(resuming), "{output}");
    assert_eq!(table(&scratch, "parts")[..], table(&scratch, "whole")[..7]);
    // Fewer trials than were already run.
    let output = scratch.nn("search --resume parts --trials 2").succeeds();
    let note = "runs/parts: 6 trials already run; to run more trials, set --trials above 6";
    assert!(output.contains(note), "{output}");
    assert_eq!(table(&scratch, "parts")[..], table(&scratch, "whole")[..7]);
    // The same command resumes the search, too.
    search("parts", "--trials 9");
    assert_eq!(table(&scratch, "parts"), table(&scratch, "whole"));
    search("other", "--trials 9 --seed 1");
    assert_ne!(table(&scratch, "other"), table(&scratch, "whole"));
}

#[test]
fn a_trial_that_diverges_is_only_a_bad_one() {
    let scratch = Scratch::new();
    let output = scratch
        .nn(&format!(
            "search --name a {QUICK} --optimizer sgd --space lr=1e-2|1e38 --strategy grid --trials 9 --json"
        ))
        .succeeds();
    let lines: Vec<Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON object"))
        .collect();
    let outcomes: Vec<_> = lines.iter().map(|line| line["outcome"].as_str()).collect();
    assert_eq!(outcomes, [Some("finished"), Some("failed"), None]);
    assert_eq!(lines[1]["failure"], "diverged");
    assert_eq!(lines[2]["event"], "summary");
    assert_eq!(lines[2]["best"]["settings"]["lr"], "1e-2");
    scratch
        .nn(&format!(
            "search {QUICK} --optimizer sgd --space lr=1e37|1e38 --strategy grid"
        ))
        .fails(6);
}

#[test]
fn the_winner_can_be_trained() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    scratch
        .nn("search --data trees.csv --hidden 5 --epochs 2 --space lr=log:1e-3..0.1 --strategy random --objective error --trials 3 --train-best")
        .succeeds();
    let summary = scratch.json("runs/search-1/summary.json");
    assert_eq!(summary["objective"], "error");
    // The classes of a table are calibrated, so the run needs the validation samples.
    let run = scratch.json("runs/search-1/best/summary.json");
    assert_eq!(
        run["validation_accuracy"],
        summary["best"]["validation_accuracy"]
    );
    assert_eq!(run["test_accuracy"], summary["model"]["test_accuracy"]);
    scratch
        .nn("predict runs/search-1/best trees.csv --output out.csv")
        .succeeds();
}

/// 120 rows with a number as target, and 8 of 12 rows for training, 2 for validation, 2 for tests.
fn sums() -> String {
    csv("a,b,total", 120, |_, x, y| {
        format!("{x:.3},{y:.3},{:.3}", x + 2.0 * y)
    })
}

const SUMS: &str = "search --data sums.csv --task regression --test-split 0.1667 --validation 0.2 \
    --hidden 5 --epochs 2";

/// Without early stopping and calibration, the validation samples are training samples at the end.
#[test]
fn the_best_settings_are_trained_on_the_validation_samples_too() {
    let scratch = Scratch::new();
    scratch.file("sums.csv", sums());
    let search = format!("{SUMS} --name s --space lr=1e-3|1e-2 --strategy grid");
    let output = scratch.nn(&search).succeeds();
    let model = scratch.json("runs/s/summary.json")["model"].clone();
    let (error, r_squared) = (number(&model["test_mae"]), number(&model["test_r2"]));
    let trained = format!(
        "trained on 100 samples: test loss {:.4}",
        number(&model["test_loss"])
    );
    let trained = format!("{trained}, mean absolute error {error:.4}, R² {r_squared:.4}");
    assert!(output.contains(&trained), "{output}");
    let page = std::fs::read_to_string(scratch.path("runs/s/report.html")).expect("a page");
    assert!(page.contains(&trained), "{page}");
    assert!(output.contains("nn evaluate runs/s/best"), "{output}");
    assert_eq!(model["train_samples"], 100);
    assert_eq!(model["validation_samples"], 0);
    assert_eq!(model["test_samples"], 20);
    let flags = "--data sums.csv --task regression --test-split 0.1667 --validation 0 --hidden 5 \
        --epochs 2 --lr 1e-2 --no-report";
    let same = scratch.train("same", flags);
    assert_eq!(same["weights_sha256"], model["weights_sha256"]);
    // With early stopping, they are kept.
    scratch
        .nn(&format!("{search} --patience 1").replace("--name s", "--name p"))
        .succeeds();
    let model = scratch.json("runs/p/summary.json")["model"].clone();
    assert_eq!(model["train_samples"], 80);
    assert_eq!(model["validation_samples"], 20);
}

/// The number of networks of the final ensemble is checked before the trials.
#[test]
fn an_impossible_ensemble_is_refused_before_the_trials() {
    let scratch = Scratch::new();
    scratch.file("sums.csv", sums());
    scratch
        .nn(&format!("{SUMS} --name s --trials 2 --ensemble 1"))
        .refuses(2, &["ensemble", "expected a whole number from 2 to 1000"]);
    assert!(!scratch.path("runs/s").exists());
    scratch
        .nn(&format!("{SUMS} --name s --trials 2 --train-best=false"))
        .succeeds();
    for line in ["report s", "compare s s"] {
        scratch
            .nn(line)
            .refuses(2, &["expected a training run, found a search", "best"]);
    }
}

#[test]
fn an_ensemble_of_the_best_settings_is_resumed_and_replaced() {
    let scratch = Scratch::new();
    scratch.file("sums.csv", sums());
    let search = |flags: &str| {
        let space = "--space lr=1e-3|1e-4|1e-2 --strategy grid --stopping none";
        scratch.nn(&format!("{SUMS} {space} {flags}")).succeeds()
    };
    search("--name none --train-best=false");
    assert!(!scratch.path("runs/none/best").exists());
    let first = scratch.json("runs/none/summary.json");
    assert_eq!(first["model"], Value::Null);
    search("--name s --ensemble 2 --trials 2");
    let weights = || scratch.json("runs/s/best/summary.json")["weights_sha256"].clone();
    let of_two_trials = weights();
    assert_eq!(scratch.json("runs/s/best/summary.json")["ensemble"], 2);
    // The run as a signal leaves it.
    for file in ["summary.json", "model.safetensors", "member-2/summary.json"] {
        let path = scratch.path("runs/s/best").join(file);
        std::fs::remove_file(path).expect("a file of the run");
    }
    scratch.nn("search --resume s").succeeds();
    assert_eq!(weights(), of_two_trials);
    // The third trial has other settings.
    scratch.nn("search --resume s --trials 3").succeeds();
    assert_ne!(weights(), of_two_trials);
    let third = scratch.json("runs/s/summary.json");
    assert_eq!(third["best"]["trial"], 3);
    // The trials are those of single networks.
    assert_eq!(
        third["best"]["validation_loss"],
        first["best"]["validation_loss"]
    );
}

/// The runs of a trial, trained one after the other by the library.
fn losses_of_runs(settings: &Settings, folder: &Path) -> Vec<f64> {
    let threads = Threads::single();
    let of_run = |repetition: &Repetition| {
        let settings = repetition.settings(settings);
        let loader = DataLoader::new("datasets".as_ref(), &threads).with_validation_folds();
        let data = loader.load(&settings)?;
        let run = Experiment::new(&settings, data)?
            .train(folder.join(repetition.directory()), &mut ())?;
        Ok(run
            .summary
            .validation_loss
            .expect("there are validation samples"))
    };
    let all = Repetition::all(settings).expect("the settings are right");
    let losses: nn_train::Result<Vec<f64>> = all.iter().map(of_run).collect();
    losses.expect("the runs can be trained")
}

#[test]
fn trials_have_the_mean_over_folds_and_seeds() {
    let scratch = Scratch::new();
    let path = scratch.file("trees.csv", trees());
    let flags = "search --data trees.csv --hidden 5 --epochs 3 --calibrate none";
    let line = format!(
        "{flags} --folds 3 --seeds 2 --patience 1 --name s --space lr=1e-3|0.1 --strategy grid"
    );
    let output = scratch.nn(&line).succeeds();
    assert!(
        output.contains("mean validation loss over 3 folds with 2 seeds"),
        "{output}"
    );
    assert!(output.contains(" ± "), "{output}");
    let rows = table(&scratch, "s");
    assert_eq!(
        rows[0],
        "trial,lr,outcome,epochs,train_loss,validation_loss,validation_accuracy,\
         validation_loss_std,validation_accuracy_std"
    );
    let text = "hidden = \"5\"\nepochs = 3\ncalibrate = \"none\"\nfolds = 3\nseeds = 2\n\
                patience = 1\nstratify = true\nlr = 0.1\n";
    let settings = Settings::parse(Path::new("settings"), text.as_bytes()).expect("settings");
    let settings = Settings {
        data: Some(path.to_string_lossy().into_owned()),
        ..settings
    };
    let losses = losses_of_runs(&settings, &scratch.path("single"));
    assert_eq!(losses.len(), 6);
    let folds: Vec<f64> = losses
        .chunks(2)
        .map(|seeds| (seeds[0] + seeds[1]) / 2.0)
        .collect();
    let mean = folds.iter().sum::<f64>() / 3.0;
    let squares = folds.iter().map(|loss| (loss - mean).powi(2));
    let std = (squares.sum::<f64>() / 2.0).sqrt();
    let summary = scratch.json("runs/s/summary.json");
    assert_eq!(
        (&summary["folds"], &summary["seeds"]),
        (&3.into(), &2.into())
    );
    assert_eq!(summary["best"]["trial"], 2);
    for (name, expected) in [("validation_loss", mean), ("validation_loss_std", std)] {
        let found = summary["best"][name].as_f64().expect(name);
        assert!(
            (found - expected).abs() < 1e-12,
            "{name}: {found} {expected}"
        );
    }
    // The samples of all folds train the final network.
    assert_eq!(summary["model"]["test_samples"], 24);
    let n_train = summary["model"]["train_samples"]
        .as_u64()
        .expect("a number");
    let n_validation = summary["model"]["validation_samples"]
        .as_u64()
        .expect("a number");
    assert_eq!(n_train + n_validation, 216);
    assert!(
        !summary["command"]
            .as_str()
            .expect("a command")
            .contains("--folds")
    );
    // An interrupted search continues with the same trials.
    let journal = scratch.read("runs/s/journal.jsonl");
    let ended = journal
        .rfind("{\"event\":\"told\"")
        .expect("a trial has ended");
    scratch.file("runs/s/journal.jsonl", &journal[..ended]);
    scratch.nn("search --resume s").succeeds();
    assert_eq!(table(&scratch, "s"), rows);
}

/// A single fold has the test samples, as in `nn train`.
#[test]
fn a_search_can_leave_out_one_fold() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    let flags = "--data trees.csv --hidden 5 --epochs 2 --folds 3 --fold 2";
    scratch
        .nn(&format!(
            "search {flags} --name s --space lr=0.01|0.1 --strategy grid"
        ))
        .succeeds();
    let summary = scratch.json("runs/s/summary.json");
    assert_eq!(summary["model"]["test_samples"], 80);
    let lr = summary["best"]["settings"]["lr"].as_str().expect("a value");
    let run = scratch.train("run", &format!("{flags} --lr {lr} --no-report"));
    assert_eq!(run["weights_sha256"], summary["model"]["weights_sha256"]);
    scratch
        .nn("search --data trees.csv --sizes 20,40")
        .refuses(2, &["--sizes", "--train-size"]);
}

/// The inputs of a table have another order for embeddings, and other widths with indices of
/// categories.
#[test]
fn the_table_is_encoded_for_the_settings_of_each_trial() {
    let scratch = Scratch::new();
    let letters = "abcdefghijkl".as_bytes();
    scratch.file(
        "mixed.csv",
        csv("letter,x,y,label", 300, |i, x, y| {
            let letter = char::from(letters[i * 7 % 12]);
            let label = if x > y { "p" } else { "q" };
            format!("{letter},{x:.3},{y:.3},{label}")
        }),
    );
    for (name, range) in [
        ("numeric-embedding", "none|periodic"),
        ("category-embedding", "0|4"),
        ("preset", "plain|tabular-fast"),
    ] {
        let search = format!(
            "search --data mixed.csv --hidden 6 --epochs 2 --space {name}={range} --strategy grid \
             --stopping none --name {name} --train-best=false"
        );
        scratch.nn(&search).succeeds();
        for row in &table(&scratch, name)[1..] {
            let cells: Vec<&str> = row.split(',').collect();
            let run = format!("{name}-{}", cells[1]);
            let flags = format!(
                "--data mixed.csv --hidden 6 --epochs 2 --{name} {} --no-report --calibrate none",
                cells[1]
            );
            let summary = scratch.train(&run, &flags);
            assert_eq!(cells[5], summary["validation_loss"].to_string(), "{run}");
        }
    }
}

/// Standard input can be read only once, so a search on it trains no final network.
#[test]
fn a_table_on_standard_input_is_searched() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    let search = "nn search --data - --hidden 5 --epochs 1 --space lr=0.1|0.2 --strategy grid";
    let program = env!("CARGO_BIN_EXE_nn");
    let search = search
        .replacen("nn", program, 1)
        .replace("lr=0.1|0.2", "'lr=0.1|0.2'");
    let output = scratch.shell(&format!("{search} < trees.csv"));
    let output = output.succeeds();
    let note = "note: no network is trained with the best settings";
    assert!(output.contains(note), "{output}");
    assert!(output.contains("best of 2 trials"), "{output}");
    assert!(!scratch.path("runs/search-1/best").exists());
    scratch
        .shell(&format!("{search} --seeds 2 < trees.csv"))
        .refuses(2, &["--data -", "only once"]);
}

/// A file of rows has its own split.
#[test]
fn a_file_of_rows_is_searched() {
    let scratch = Scratch::new();
    scratch.file("sums.csv", sums());
    scratch
        .nn("data convert sums.csv --task regression --output sums.nnrows")
        .succeeds_with_note("note: 120 rows");
    scratch
        .nn("search --data sums.nnrows --name s --hidden 5 --epochs 1 --space lr=0.1|0.2 --strategy grid")
        .succeeds();
    let model = scratch.json("runs/s/summary.json")["model"].clone();
    assert_eq!(model["validation_samples"], 11);
    scratch
        .nn("search --data sums.nnrows --hidden 5 --space lr=0.1|0.2 --folds 3")
        .refuses(2, &["--fold: the file of rows was converted with no value"]);
}

#[test]
fn tables_with_a_preset_have_the_space_of_the_preset() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    scratch.file("sums.csv", sums());
    let space = |name: &str, flags: &str| {
        let line = format!("search --name {name} {flags} --trials 1 --epochs 1 --train-best=false");
        scratch.nn(&line).succeeds();
        let summary = scratch.json(format!("runs/{name}/summary.json"));
        summary["space"].as_str().expect("a text").to_owned()
    };
    let classes = space("classes", "--data trees.csv --preset tabular");
    assert!(
        classes.contains("numeric-embedding=none|periodic|piecewise-linear"),
        "{classes}"
    );
    assert!(classes.contains("label-smoothing=0|0.1"), "{classes}");
    let numbers = space(
        "numbers",
        "--data sums.csv --task regression --preset tabular --dropout 0",
    );
    assert!(numbers.contains("lr=log:0.02..0.3"), "{numbers}");
    assert!(!numbers.contains("label-smoothing"), "{numbers}");
    assert!(!numbers.contains("dropout"), "{numbers}");
    let plain = space("plain", "--data trees.csv");
    assert!(plain.contains("lr=log:0.0001..0.03"), "{plain}");
}

#[test]
fn what_cannot_be_searched_is_refused_before_anything_is_written() {
    let scratch = Scratch::new();
    scratch.file("sum.csv", "a,b,total\n1,2,3\n2,2,4\n3,4,7\n5,1,6\n6,2,8\n7,3,10.5\n1,1,2\n2,1,3\n4,4,8\n5,5,10\n1,9,10\n");
    for (flags, parts) in [
        (
            "--space lr",
            &["--space: dimension \"lr\"", "NAME=RANGE"][..],
        ),
        ("--space lr=1..0", &["lower bound below the upper bound"]),
        (
            "--space speed=0..1",
            &["no --speed", "settings that can be searched", "batch-size"],
        ),
        (
            "--space limit-train=int:10..100",
            &["limit-train cannot be searched"],
        ),
        ("--space seed=int:0..9", &["seed cannot be searched"]),
        (
            "--space lr=0.1..1,learning-rate=2..3",
            &["\"lr\" occurs twice"],
        ),
        (
            "--space optimizer=sgd|adamant",
            &["optimizer=adamant", "unknown optimizer"],
        ),
        (
            "--space epochs=1..2",
            &["--epochs: expected a whole number"],
        ),
        (
            "--space lr=0..1",
            &["--lr=0", "--lr: expected a number above 0", "found 0"],
        ),
        ("--lr 0.1 --space lr=0.1..1", &["--lr: given twice"]),
        (
            "--strategy genetic",
            &["--strategy: unknown strategy", "bayesian"],
        ),
        (
            "--stopping never",
            &["--stopping: unknown stopping rule", "median"],
        ),
        ("--objective test", &["--objective: expected loss or error"]),
        ("--validation 0", &["--validation: a search needs"]),
        (
            "--data sum.csv --task regress --objective error",
            &["--objective error: the data set has no classes"],
        ),
    ] {
        scratch
            .nn(&format!("search --limit-train 200 --data glyphs {flags}")
                .replace("--data glyphs --data", "--data"))
            .refuses(2, parts);
    }
    assert!(!scratch.path("runs").exists());
    scratch
        .nn("search --resume nothing")
        .refuses(5, &["no search in nothing or runs/nothing"]);
}

#[test]
fn one_search_is_not_taken_for_another() {
    let scratch = Scratch::new();
    let search = format!("search --name a {QUICK} --space lr=log:1e-3..1 --trials 2");
    scratch.nn(&search).succeeds();
    scratch
        .nn(&search.replace("--epochs 2", "--epochs 3"))
        .refuses(
            2,
            &[
                "runs/a: a search with this name exists",
                "epochs = 2",
                "epochs = 3",
            ],
        );
    scratch.nn("search --resume a --epochs 3").refuses(
        2,
        &["--resume: the settings are read from runs/a/config.toml"],
    );
    scratch.file("runs/a/journal.jsonl", "nonsense\n");
    scratch
        .nn("search --resume a")
        .refuses(3, &["runs/a/journal.jsonl: line 1: expected"]);
}

/// A budget of no time runs one trial, which is needed for a result; a table has its own space.
#[test]
fn a_time_budget_ends_a_search() {
    let scratch = Scratch::new();
    scratch.file(
        "points.csv",
        csv("a,b,label", 200, |_, x, y| {
            format!("{x:.3},{y:.3},{}", if x > y { "p" } else { "q" })
        }),
    );
    let line = "search --data points.csv --epochs 1 --name s --budget 0s";
    let output = scratch.nn(line).succeeds();
    assert!(output.contains("best of 1 trial"), "{output}");
    let summary = scratch.json("runs/s/summary.json");
    assert_eq!(summary["trials"], 1);
    let space = summary["space"].as_str().expect("a text");
    assert!(space.contains("weight-decay"), "{space}");
    let wrong = "search --data points.csv --budget 10";
    scratch
        .nn(wrong)
        .refuses(2, &["--budget", "90s, 10m or 2h"]);
}

/// Earlier versions wrote no `round`, and used the result of every trial at once.
#[test]
fn a_search_of_a_version_without_rounds_is_resumed() {
    let scratch = Scratch::new();
    let search = format!("search --name old {QUICK} --space lr=log:1e-3..1 --round 1");
    scratch.nn(&format!("{search} --trials 6")).succeeds();
    let config = scratch.read("runs/old/config.toml");
    assert!(config.contains("round = 1\n"), "{config}");
    scratch.file("runs/old/config.toml", config.replace("round = 1\n", ""));
    let journal = scratch.read("runs/old/journal.jsonl");
    assert!(journal.starts_with("{\"event\":\"search\",\"version\":1,"));
    assert!(!journal.contains("round"));
    scratch.nn("search --resume old --trials 8").succeeds();
    scratch
        .nn(&format!("{search} --trials 8").replace("--name old", "--name new"))
        .succeeds();
    assert_eq!(table(&scratch, "old"), table(&scratch, "new"));
    scratch
        .nn(&search.replace("--round 1", "--trials 9"))
        .refuses(2, &["has round = 1; this search has round = 8"]);
}
