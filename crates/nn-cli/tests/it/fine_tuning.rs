//! `nn train --from`: training that starts from a trained model.

use crate::support::{Scratch, trees};

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    scratch.train("a", "--data trees.csv --hidden 6,4 --epochs 1 --no-report");
    scratch
}

#[test]
fn a_run_is_trained_further_by_its_name() {
    let scratch = scratch();
    let shown = scratch
        .nn("train --from a --freeze 1 --epochs 1 --name b --no-report")
        .succeeds();
    let line = "from      runs/a/model.safetensors: layers 1 to 3 of 3, layer 1 frozen";
    assert!(shown.contains(line), "{shown}");
    let config = scratch.read("runs/b/config.toml");
    assert!(
        config.contains("from = \"runs/a/model.safetensors\""),
        "{config}"
    );
    assert!(config.contains("data = \"trees.csv\"") && config.contains("freeze = 1"));
    // The configuration repeats the run.
    let [first, again] = ["", "again"].map(|name| match name {
        "" => scratch.json("runs/b/summary.json"),
        name => scratch.train(name, "--config runs/b/config.toml --no-report"),
    });
    assert_eq!(first["weights_sha256"], again["weights_sha256"]);
    for command in [
        "evaluate b",
        "inspect b",
        "report b",
        "doctor b",
        "trace b --index 0",
    ] {
        scratch.nn(command).succeeds();
    }
}

#[test]
fn contradictions_name_the_flags() {
    let scratch = scratch();
    scratch.nn("train --from a --hidden 7,4").refuses(
        2,
        &[
            "--hidden: expected 6,4, as in the model runs/a/model.safetensors, found 7,4",
            "leave out --hidden",
        ],
    );
    scratch
        .nn("train --from a --data glyphs --limit-train 50")
        .refuses(
            2,
            &["--from: the model runs/a/model.safetensors expects the columns"],
        );
    scratch
        .nn("train --freeze 1 --data trees.csv")
        .refuses(2, &["--freeze 1", "set --from"]);
    scratch
        .nn("train --from nothing")
        .refuses(5, &["no run \"nothing\"", "runs in runs: a"]);
    scratch.file("damaged.safetensors", "damaged");
    scratch
        .nn("train --from damaged.safetensors")
        .refuses(3, &["damaged.safetensors: "]);
}

/// More epochs for a finished run: the error gives the command, and the command works.
#[test]
fn a_finished_run_says_how_to_train_it_further() {
    let scratch = scratch();
    let shown = scratch.nn("train --resume a").succeeds();
    assert!(shown.contains("train --from runs/a"), "{shown}");
    let command = "train --config runs/a/config.toml --from runs/a --epochs 3";
    scratch
        .nn("train --resume a --epochs 3")
        .refuses(2, &["runs/a is finished", command]);
    scratch
        .nn(&format!("{command} --name more --no-report"))
        .succeeds();
    assert_eq!(scratch.json("runs/more/summary.json")["epochs"], 3);
}

#[test]
fn the_folds_of_a_cross_validation_start_from_the_model() {
    let scratch = scratch();
    let folds = "train --from a --folds 3 --epochs 1 --name folds --no-report";
    let shown = scratch.nn(folds).succeeds();
    let note = "was trained on a different split of these data";
    assert!(shown.contains(note), "{shown}");
    for fold in 1..=3 {
        let config = scratch.read(format!("runs/folds/fold-{fold}/config.toml"));
        assert!(config.contains("from-sha256 = "), "{config}");
    }
}
