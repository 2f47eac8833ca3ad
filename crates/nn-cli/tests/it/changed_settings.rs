//! A run goes on with its own settings: each of them, changed by hand in its
//! `config.toml`, is noticed and named.

use std::fs;

use crate::support::{Scratch, trees};

/// Another value for each setting, one at a time.
const OTHERS: [(&str, &str); 45] = [
    ("accumulate", "2"),
    ("activation", "\"tanh\""),
    ("averaging", "0.5"),
    ("batch-norm", "true"),
    ("layer-norm", "true"),
    ("residual", "true"),
    ("batch-size", "\"16\""),
    ("bias-init", "\"normal:std=0.1\""),
    ("output-init", "\"zeros\""),
    ("drop-last", "true"),
    ("class-weight", "\"balanced\""),
    ("calibrate", "\"none\""),
    ("clip-norm", "1.0"),
    ("category-embedding", "4"),
    ("data", "\"other.csv\""),
    ("data-init", "true"),
    ("dropout-schedule", "\"cosine\""),
    ("fan-in-lr", "true"),
    ("input-scaling", "true"),
    ("lr-factors", "\"bias=0.1\""),
    ("numeric-embedding", "\"periodic\""),
    ("parametric-activation", "true"),
    ("scaling", "\"robust\""),
    ("weight-decay-schedule", "\"cosine\""),
    ("dropout", "0.5"),
    ("epochs", "9"),
    ("hidden", "\"5,5\""),
    ("init", "\"zeros\""),
    ("l1", "0.1"),
    ("l2", "0.1"),
    ("label-smoothing", "0.1"),
    ("limit-train", "100"),
    ("loss", "\"kl\""),
    ("lr", "0.5"),
    ("max-norm", "1.0"),
    ("on-divergence", "\"halve-lr\""),
    ("optimizer", "\"sgd\""),
    ("output-activation", "\"sigmoid\""),
    ("patience", "3"),
    ("reduction", "\"sum\""),
    ("schedule", "\"step\""),
    ("seed", "1"),
    ("stratify", "false"),
    ("test-split", "0.2"),
    ("validation", "0.2"),
];

/// Refused not by comparison but because it cannot be with a table's digits.
const IMPOSSIBLE: [(&str, &str); 2] = [("augment", "\"shift\""), ("output-activation", "\"relu\"")];

#[test]
fn every_changed_setting_is_noticed() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    scratch.file("other.csv", trees());
    scratch.train("a", "--data trees.csv --hidden 4,4 --epochs 2 --no-report");
    fs::remove_file(scratch.path("runs/a/summary.json")).expect("it is there");
    let config = scratch.read("runs/a/config.toml");
    let is_tried = |name: &str| {
        OTHERS
            .iter()
            .chain(&IMPOSSIBLE)
            .any(|(other, _)| *other == name)
    };
    for line in config.lines() {
        let name = line.split(" = ").next().unwrap_or_default();
        assert!(is_tried(name), "{name} is a setting without another value");
    }
    let resume_with = |name: &str, value: &str| {
        let begin = format!("{name} = ");
        let kept = config.lines().filter(|line| !line.starts_with(&begin));
        let kept: Vec<&str> = kept.collect();
        let changed = format!("{name} = {value}\n{}\n", kept.join("\n"));
        scratch.file("runs/a/config.toml", changed);
        scratch.nn("train --resume a --no-report")
    };
    for (name, value) in OTHERS {
        let ended = resume_with(name, value);
        eprintln!("{name}: {}", ended.stderr);
        if ended.code == Some(3) {
            // With this loss or that data the setting itself cannot be.
            assert!(ended.stderr.contains("loss"), "{name}: {}", ended.stderr);
            continue;
        }
        let error = ended.fails(2);
        assert!(error.contains(&format!("{name}: expected ")), "{error}");
    }
    for (name, value) in IMPOSSIBLE {
        resume_with(name, value).refuses(3, &[value.trim_matches('"')]);
    }
    scratch.file("runs/a/config.toml", &config);
    scratch.nn("train --resume a --no-report").succeeds();
}
