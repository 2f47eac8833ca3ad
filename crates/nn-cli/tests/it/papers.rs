//! `nn papers`: the claims on the built-in digits, resumed, and the commands
//! that repeat them.

use serde_json::Value;

use crate::support::{Scratch, mnist_dir};

/// All claims in their quick form; without MNIST those about it are not judged.
#[test]
fn every_claim_runs_on_the_built_in_digits() {
    let scratch = Scratch::new();
    let shown = scratch
        .nn("papers run all --quick --data glyphs")
        .succeeds();
    let results = scratch.json("runs/papers/results.json");
    let claims = results["claims"].as_object().expect("claims by their ids");
    assert_eq!(claims.len(), 21);
    for (id, entry) in claims {
        let verdict = entry["outcome"]["verdict"].as_str().unwrap_or_default();
        let expected = match id.as_str() {
            "N1" | "N2" | "S1" | "S7" | "H2" | "G3" => "reproduced",
            "H1" | "H3" => "explained",
            _ => "not-judged",
        };
        assert_eq!(verdict, expected, "{id}: {entry}");
    }
    assert!(shown.contains("not judged"), "{shown}");

    let page = scratch.read("runs/papers/report.html");
    for part in ["Errata", "899.1", "<svg", "0.68 for 2 y3", "not judged"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("src=\"http") && !page.contains("<script"));
    // No number about MNIST is judged with other digits.
    let claim = page.split("<h3").find(|claim| claim.contains("B1: "));
    let claim = claim.expect("claim B1");
    assert!(claim.contains("learning rate 0.1"), "{claim}");
    assert!(
        !claim.contains(">no<") && !claim.contains(">yes<"),
        "{claim}"
    );

    let again = scratch
        .nn("papers run all --quick --data glyphs")
        .succeeds();
    assert_eq!(again.matches("from an earlier run").count(), 21, "{again}");
    let list = scratch.nn("papers list").succeeds();
    assert!(
        list.contains("H1  the worked example of three neurons: explained"),
        "{list}"
    );

    repeats(&scratch, &results["claims"]["S7"]["outcome"]["commands"][0]);
    repeats(&scratch, &results["claims"]["N4"]["outcome"]["commands"][0]);
}

/// The command that is shown gives the weights that are shown.
fn repeats(scratch: &Scratch, command: &Value) {
    let typed = command["command"].as_str().expect("a command");
    let flags = typed.strip_prefix("nn train ").expect("a training");
    let ended = scratch.nn(&format!("train --json {flags}")).succeeds();
    let summary: Value = ended
        .lines()
        .last()
        .and_then(|line| serde_json::from_str(line).ok())
        .expect("a summary");
    assert_eq!(
        summary["weights_sha256"], command["weights_sha256"],
        "{typed}"
    );
}

#[test]
fn the_binary_table_is_reproduced_on_mnist() {
    let Some(data_dir) = mnist_dir() else { return };
    let scratch = Scratch::new();
    let folder = data_dir.display();
    scratch
        .nn(&format!(
            "papers run bordeaux --claim B1 --quick --data mnist --data-dir {folder}"
        ))
        .succeeds();
    let results = scratch.json("runs/papers/results.json");
    assert_eq!(results["claims"]["B1"]["outcome"]["verdict"], "reproduced");
}

#[test]
fn a_full_result_counts_for_a_quick_run_and_not_the_other_way() {
    let scratch = Scratch::new();
    let run = |more: &str| {
        scratch
            .nn(&format!("papers run --claim N4 --data glyphs{more}"))
            .succeeds()
    };
    let quick = run(" --quick");
    assert!(
        quick.contains("--quick: 3 seeds instead of 5, 2 epochs instead of 5"),
        "{quick}"
    );
    let full = run("");
    assert!(!full.contains("earlier"), "{full}");
    assert!(full.contains("--epochs 5"), "{full}");
    let again = run(" --quick");
    assert!(again.contains("from an earlier, full run"), "{again}");
}

#[test]
fn what_cannot_be_run_is_refused() {
    let scratch = Scratch::new();
    scratch
        .nn("papers run nobody")
        .refuses(2, &["unknown paper \"nobody\"", "bordeaux"]);
    scratch
        .nn("papers run schoofs --claim B1")
        .refuses(2, &["--claim: expected one of S1", "\"B1\""]);
    scratch
        .nn("papers run all --data fashion-mnist")
        .refuses(2, &["--data: expected mnist or glyphs"]);
}

#[test]
fn workers_share_the_claims() {
    let scratch = Scratch::new();
    let run = |flags: &str| {
        let line = format!("papers run --claim H1,H3 --quick --data glyphs --threads 1 {flags}");
        scratch.nn(&line).succeeds()
    };
    let first = run("--worker 0/2");
    assert!(!scratch.path("runs/papers/results.json").exists());
    assert!(scratch.path("runs/papers/worker-0/results.json").exists());
    let second = run("--worker 1/2");
    let n_run = |output: &str| output.matches(" after ").count();
    assert_eq!((n_run(&first), n_run(&second)), (2, 0), "{second}");
    let collected = run("");
    assert_eq!(
        collected.matches("from an earlier run").count(),
        2,
        "{collected}"
    );
    let results = scratch.json("runs/papers/results.json");
    let worker = scratch.json("runs/papers/worker-0/results.json");
    assert_eq!(results["claims"], worker["claims"]);
    assert!(scratch.path("runs/papers/report.html").exists());
    scratch
        .nn("papers run all --worker 0/2 --again")
        .refuses(2, &["--again"]);
}
