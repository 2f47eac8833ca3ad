//! `nn search`: its results, its files, and how it is resumed.

use serde_json::Value;

use crate::support::{Scratch, trees};

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
    let run = scratch.json("runs/trees-1/summary.json");
    assert_eq!(
        run["validation_accuracy"],
        summary["best"]["validation_accuracy"]
    );
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
        crate::support::csv("a,b,label", 200, |_, x, y| {
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
