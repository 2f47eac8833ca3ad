//! Every entry of every menu of nn-core is reached by its name.

use nn_core::init::Init;
use nn_core::{Activation, Loss, Menu, Optimizer, Schedule};

use crate::support::{Scratch, csv, trees};

const TREES: &str = "--data trees.csv --hidden 5 --epochs 2";

fn with_trees() -> Scratch {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    scratch
}

/// Trains with each of `M`'s names after `flag`; a wrong name lists them.
fn reaches<M: Menu>(flag: &str, other: impl Fn(&M) -> &'static str) {
    let scratch = with_trees();
    for entry in M::ALL {
        let name = entry.name();
        let flags = format!("{TREES} {flag} {name} {}", other(entry));
        scratch.train(name, &flags);
        let written = scratch.read(format!("runs/{name}/config.toml"));
        assert!(written.contains(&format!(" = \"{name}\"")), "{written}");
    }
    scratch
        .nn(&format!("train {TREES} {flag} no-such"))
        .refuses(2, &[flag, M::KIND, "\"no-such\"", &M::names()]);
}

#[test]
fn activations() {
    let scratch = with_trees();
    for entry in Activation::ALL
        .iter()
        .filter(|&&entry| entry != Activation::Softmax)
    {
        let name = entry.name();
        scratch.train(name, &format!("{TREES} --activation {name}"));
    }
    // Softmax is the output's, where every other but it works with mse too.
    for entry in Activation::ALL {
        let name = entry.name();
        scratch.train(
            &format!("output-{name}"),
            &format!("{TREES} --loss mse --output-activation {name}"),
        );
    }
    scratch
        .nn(&format!("train {TREES} --activation softmax"))
        .refuses(2, &["softmax"]);
    scratch
        .nn(&format!("train {TREES} --activation no-such"))
        .refuses(2, &["--activation", "\"no-such\"", &Activation::names()]);
}

#[test]
fn losses() {
    reaches("--loss", |_: &Loss| "");
    let scratch = Scratch::new();
    scratch.file(
        "sum.csv",
        csv("a,b,total", 120, |_, x, y| {
            format!("{x:.3},{y:.3},{:.3}", x + y)
        }),
    );
    for loss in Loss::ALL {
        let name = loss.name();
        let flags = format!("--name {name} --data sum.csv --hidden 5 --epochs 1 --loss {name}");
        let ended = scratch.nn(&format!("train {flags}"));
        match loss {
            Loss::CrossEntropy | Loss::BinaryCrossEntropy | Loss::Kl | Loss::Hinge => {
                let error = ended.fails(2);
                assert!(error.contains(&format!("loss {name}: needs")), "{error}");
            }
            _ => {
                ended.succeeds();
            }
        }
    }
}

#[test]
fn initialisers() {
    reaches("--init", |_: &Init| "");
    let scratch = with_trees();
    for (index, form) in [
        "normal:std=0.05",
        "uniform:low=-0.1,high=0.1",
        "uniform:low=-0.1:high=0.1",
        "constant:value=0.01",
    ]
    .iter()
    .enumerate()
    {
        scratch.train(&index.to_string(), &format!("{TREES} --init {form}"));
    }
}

#[test]
fn optimizers() {
    reaches("--optimizer", |optimizer: &Optimizer| match optimizer {
        // Signs of gradients mean something only over all samples.
        Optimizer::Rprop { .. } => "--batch-size full",
        _ => "",
    });
}

#[test]
fn schedules() {
    reaches("--schedule", |_: &Schedule| "");
}

#[test]
fn choices_about_tables() {
    let scratch = with_trees();
    for (flag, names) in [
        ("--task", "auto, classification, regression, multi-label"),
        ("--header", "auto, yes, no"),
    ] {
        scratch
            .nn(&format!("train {TREES} {flag} no-such"))
            .refuses(2, &["\"no-such\"", names]);
    }
    scratch
        .nn(&format!("train {TREES} --target nothing"))
        .refuses(2, &["\"nothing\"", "\"colour\"", "\"tree\""]);
}
