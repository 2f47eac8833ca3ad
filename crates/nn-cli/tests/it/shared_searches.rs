//! `nn search --worker`: one search shared by several processes.

use std::fs;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Ended, Scratch};

/// Trials that take no time.
const QUICK: &str = "--data glyphs --limit-train 200 --hidden 8 --epochs 2 --validation 0.3 \
    --space lr=log:1e-5..1,dropout=0..0.5 --threads 1";

fn worker(scratch: &Scratch, flags: &str) -> Child {
    let mut command = scratch.command();
    command.arg("search").args(flags.split_whitespace());
    command.spawn().expect("the program starts")
}

fn wait(worker: Child) -> Ended {
    Ended::from(worker.wait_with_output().expect("the program ends"))
}

/// Runs `n` workers of the search at the same time, and merges their results.
fn share(scratch: &Scratch, name: &str, n: usize, flags: &str) {
    let workers: Vec<Child> = (0..n)
        .map(|k| worker(scratch, &format!("{name} {flags} --worker {k}/{n}")))
        .collect();
    for worker in workers {
        wait(worker).succeeds();
    }
    scratch.nn(&format!("search {name} --merge")).succeeds();
}

/// The files of a finished search that contain no times. The seconds are removed from the other
/// files.
fn results(scratch: &Scratch, name: &str) -> Vec<(String, String)> {
    let folder = scratch.path(format!("runs/{name}"));
    let mut results = Vec::new();
    for file in [
        "config.toml",
        "journal.jsonl",
        "plots/trials.svg",
        "plots/best.svg",
    ] {
        results.push((file.to_owned(), scratch.read(folder.join(file))));
    }
    let trials = scratch.read(folder.join("trials.csv"));
    let without_seconds = trials.lines().filter_map(|line| line.rsplit_once(','));
    let trials: Vec<&str> = without_seconds.map(|(rest, _)| rest).collect();
    results.push(("trials.csv".to_owned(), trials.join("\n")));
    let mut summary = scratch.json(folder.join("summary.json"));
    summary["seconds"] = Value::Null;
    summary["best"]["seconds"] = Value::Null;
    results.push(("summary.json".to_owned(), summary.to_string()));
    results
}

#[test]
fn any_number_of_workers_gives_the_files_of_one_process() {
    for strategy in ["random", "bayesian"] {
        let scratch = Scratch::new();
        let flags = format!("{QUICK} --strategy {strategy} --trials 12 --round 4 --seed 3");
        scratch.nn(&format!("search plain {flags}")).succeeds();
        let expected = results(&scratch, "plain");
        assert!(expected[1].1.lines().count() > 12 * 3);
        for n in [1, 2, 3, 5] {
            let name = format!("shared-{n}");
            share(&scratch, &name, n, &flags);
            assert_eq!(
                results(&scratch, &name),
                expected,
                "{strategy}, {n} workers"
            );
        }
    }
}

/// Trials of several training runs, whose rows have more columns.
#[test]
fn workers_train_the_folds_and_seeds_of_their_trials() {
    let scratch = Scratch::new();
    let flags = format!("{QUICK} --folds 2 --seeds 2 --trials 6 --round 3");
    scratch.nn(&format!("search plain {flags}")).succeeds();
    let expected = results(&scratch, "plain");
    assert!(expected[4].1.contains("validation_loss_std"));
    for n in [1, 3] {
        let name = format!("shared-{n}");
        share(&scratch, &name, n, &flags);
        assert_eq!(results(&scratch, &name), expected, "{n} workers");
        let status = scratch.nn(&format!("search {name} --status")).succeeds();
        assert!(
            status.contains("6 trials of 2 folds with 2 seeds"),
            "{status}"
        );
    }
}

#[test]
fn a_grid_ends_before_the_number_of_trials() {
    let scratch = Scratch::new();
    let flags = format!("{QUICK} --strategy grid:points=2 --trials 9 --stopping none");
    scratch.nn(&format!("search plain {flags}")).succeeds();
    share(&scratch, "shared", 2, &flags);
    assert_eq!(results(&scratch, "shared"), results(&scratch, "plain"));
    let status = scratch.nn("search shared --status --json").succeeds();
    let status: Value = serde_json::from_str(&status).expect("one JSON object");
    assert_eq!(
        (&status["trials"], &status["finished"]),
        (&4.into(), &4.into())
    );
}

/// Failed trials have no objective, which the journals write as `null`.
#[test]
fn failed_trials_are_merged() {
    let scratch = Scratch::new();
    let flags = "--data glyphs --limit-train 200 --hidden 8 --epochs 2 --validation 0.3 \
        --optimizer sgd --space lr=log:1e-2..1e38 --trials 8 --round 4 --threads 1";
    scratch.nn(&format!("search plain {flags}")).succeeds();
    let expected = results(&scratch, "plain");
    assert!(expected[4].1.contains("failed"), "{}", expected[4].1);
    share(&scratch, "shared", 3, flags);
    assert_eq!(results(&scratch, "shared"), expected);
}

#[test]
fn killed_workers_lose_no_trial_and_run_none_twice() {
    if !cfg!(target_os = "linux") {
        return eprintln!("skipped: only on Linux is it known at once that a process has ended");
    }
    const KILLS: usize = 20;
    const WORKERS: usize = 3;
    let scratch = Scratch::new();
    const TRIALS: usize = 60;
    let flags = "--data glyphs --limit-train 500 --hidden 16 --epochs 12 --validation 0.3 \
        --space lr=log:1e-4..1,dropout=0..0.5 --trials 60 --round 5 --threads 1";
    scratch.nn(&format!("search plain {flags}")).succeeds();
    let shared = |k| {
        let mut command = scratch.command();
        command
            .args(format!("search shared {flags} --claim-timeout 5s").split_whitespace())
            .args(["--worker", &format!("{k}/{WORKERS}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().expect("the program starts")
    };
    let mut workers: Vec<Child> = (0..WORKERS).map(shared).collect();
    // A worker is killed shortly after it has written to its journal. Pauses alone would depend on
    // the load of the machine: on a busy one, all kills could hit workers that are starting.
    let mut seen = [0; WORKERS];
    for kill in 0..KILLS {
        let k = next_writer(&scratch, &mut seen, kill);
        thread::sleep(Duration::from_millis((kill as u64 * 7) % 20));
        workers[k].kill().expect("a child can be killed");
        workers[k].wait().expect("the child has ended");
        workers[k] = shared(k);
    }
    for mut worker in workers {
        assert!(worker.wait().expect("the program ends").success());
    }
    let told: usize = (0..WORKERS)
        .map(|k| scratch.read(format!("runs/shared/journal.{k}.jsonl")))
        .map(|journal| journal.matches("\"event\":\"told\"").count())
        .sum();
    assert_eq!(told, TRIALS, "each trial has ended once");
    let claims = fs::read_dir(scratch.path("runs/shared/workers")).expect("the claims are there");
    let taken_over = claims.flatten().filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("trial-") && !name.ends_with(".0")
    });
    assert_ne!(taken_over.count(), 0, "some trials were interrupted");
    scratch.nn("search shared --merge").succeeds();
    assert_eq!(results(&scratch, "shared"), results(&scratch, "plain"));
}

/// Waits until the journal of a worker is longer than it was, and returns the worker.
fn next_writer(scratch: &Scratch, seen: &mut [u64], first: usize) -> usize {
    let (start, n_workers) = (Instant::now(), seen.len());
    loop {
        for k in (0..n_workers).map(|k| (first + k) % n_workers) {
            let path = scratch.path(format!("runs/shared/journal.{k}.jsonl"));
            let length = fs::metadata(path).map_or(0, |found| found.len());
            let is_longer = length > seen[k];
            seen[k] = length;
            if is_longer {
                return k;
            }
        }
        let seconds = start.elapsed().as_secs();
        assert!(
            seconds < 60,
            "no worker has written anything for {seconds} s"
        );
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn what_a_killed_worker_leaves_is_repaired() {
    let scratch = Scratch::new();
    let flags = format!("{QUICK} --trials 6 --round 3");
    scratch.nn(&format!("search plain {flags}")).succeeds();
    let shared = format!("search shared {flags} --claim-timeout 1s");
    scratch.nn(&format!("{shared} --worker 0/2")).succeeds();
    // The journal ends within the last line: the last trial has not ended.
    let journal = scratch.read("runs/shared/journal.0.jsonl");
    let journal = &journal[..journal.len() - 5];
    scratch.file("runs/shared/journal.0.jsonl", journal);
    let status = scratch.nn("search shared --status --json").succeeds();
    let status: Value = serde_json::from_str(&status).expect("one JSON object");
    assert_eq!(status["finished"], 5);
    assert_eq!(status["stale"][0]["trial"], 6);
    assert_eq!(status["stale"][0]["worker"], 0);
    scratch.nn("search shared --merge").refuses(
        2,
        &["runs/shared: 1 of 6 trials have not ended", "--status"],
    );
    // Another worker runs the trial; its claim is damaged, so it waits until the claim is old.
    scratch.file("runs/shared/workers/trial-6.0", "{");
    let output = scratch.nn(&format!("{shared} --worker 1/2")).succeeds();
    assert!(
        output.contains("worker 1/2 ran 1 trial; all 6 trials"),
        "{output}"
    );
    scratch.nn("search shared --merge").succeeds();
    assert_eq!(results(&scratch, "shared"), results(&scratch, "plain"));
    // The first worker has finished the trial, too, with the same result.
    let second = scratch.read("runs/shared/journal.1.jsonl");
    let trial = second.split_once('\n').expect("a header").1;
    let whole = journal
        .rsplit_once("{\"event\":\"told\"")
        .expect("a trial")
        .0;
    let told = trial.lines().last().expect("an outcome");
    scratch.file("runs/shared/journal.0.jsonl", format!("{whole}{told}\n"));
    scratch.nn("search shared --merge").succeeds();
    assert_eq!(results(&scratch, "shared"), results(&scratch, "plain"));
    // A different result is an error.
    let (before, after) = told.split_once("\"objective\":").expect("an objective");
    let other = format!("{before}\"objective\":1{after}");
    scratch.file("runs/shared/journal.0.jsonl", format!("{whole}{other}\n"));
    scratch.nn("search shared --merge").refuses(
        3,
        &["runs/shared: trial 6: journal.0.jsonl and journal.1.jsonl have different results"],
    );
    // A damaged line in the middle is not the work of a kill.
    scratch.file("runs/shared/journal.0.jsonl", format!("nonsense\n{whole}"));
    scratch
        .nn("search shared --merge")
        .refuses(3, &["runs/shared/journal.0.jsonl: line 1: expected"]);
}

#[test]
fn a_shared_search_can_be_extended() {
    let scratch = Scratch::new();
    scratch
        .nn(&format!("search plain {QUICK} --trials 7 --round 3"))
        .succeeds();
    share(
        &scratch,
        "shared",
        2,
        &format!("{QUICK} --trials 4 --round 3"),
    );
    scratch
        .nn("search --resume shared --trials 7 --worker 0/1")
        .succeeds();
    scratch.nn("search --resume shared --worker 0/1").succeeds();
    scratch.nn("search shared --merge").succeeds();
    assert_eq!(results(&scratch, "shared"), results(&scratch, "plain"));
    scratch
        .nn("search --resume shared --trials 5 --worker 0/1")
        .refuses(
            2,
            &["--trials: runs/shared has 7 trials, this worker has 5"],
        );
}

#[test]
fn workers_of_another_search_are_refused() {
    let scratch = Scratch::new();
    let points = |n| {
        crate::support::csv("a,b,label", n, |_, x, y| {
            format!("{x:.3},{y:.3},{}", if x > y { "p" } else { "q" })
        })
    };
    scratch.file("points.csv", points(60));
    let flags = "--data points.csv --hidden 4 --epochs 1 --space lr=log:1e-3..1 --trials 3 \
        --threads 1";
    let search = |more: &str| scratch.nn(&format!("search s {flags} {more}"));
    for worker in ["3/3", "4/3"] {
        search(&format!("--worker {worker}"))
            .refuses(2, &["--worker", "expected a worker from 0 to 2"]);
    }
    search("--worker x").refuses(2, &["--worker", "expected K/N, auto or auto/N"]);
    search("--worker auto").refuses(2, &["--worker: auto: expected SLURM_ARRAY_TASK_ID"]);
    search("--worker 0/2 --budget 10m").refuses(2, &["--budget: with --worker", "--trials"]);
    search("--worker 0/2 --train-best").refuses(2, &["--train-best", "--merge"]);
    search("--worker 0/2 --claim-timeout 0s").refuses(2, &["--claim-timeout", "at least 1s"]);
    scratch
        .nn(&format!("search {flags} --worker 0/2"))
        .refuses(2, &["--worker: expected the name of a search"]);
    assert!(!scratch.path("runs").exists());

    search("--worker 0/2").succeeds();
    search("--worker 1/2 --l2 0.1")
        .refuses(2, &["runs/s: a search with this name exists", "l2 = 0.1"]);
    search("--worker 1/2 --round 5").refuses(2, &["round = 8", "round = 5"]);
    search("").refuses(2, &["runs/s: this search is shared by workers", "--worker"]);
    scratch.file("points.csv", points(61));
    search("--worker 1/2").refuses(2, &["runs/s: the first worker has data with SHA-256"]);
    scratch.file("points.csv", points(60));
    search("--worker 1/2").succeeds();
    let origin = scratch.read("runs/s/workers/origin.json");
    for (key, value) in [("version", "0.0.1"), ("instruction_set", "abacus")] {
        let mut other: Value = serde_json::from_str(&origin).expect("a JSON object");
        other[key] = value.into();
        scratch.file("runs/s/workers/origin.json", other.to_string());
        let what = format!("the first worker has {} {value}", key.replace('_', " "));
        search("--worker 1/2").refuses(2, &["runs/s: ", &what]);
    }
    scratch.nn(&format!("search plain {flags}")).succeeds();
    scratch
        .nn(&format!("search plain {flags} --worker 0/1"))
        .refuses(2, &["--worker: runs/plain is a search of one process"]);
    for flag in ["--merge", "--status"] {
        scratch
            .nn(&format!("search plain {flag}"))
            .refuses(2, &["is a search of one process"]);
        scratch
            .nn(&format!("search none {flag}"))
            .refuses(5, &["no search in none or runs/none"]);
        scratch
            .nn(&format!("search s {flag} --epochs 3"))
            .refuses(2, &["the settings are read from runs/s/config.toml"]);
    }
}

/// The claim of a living process on the same machine: that of the test.
#[test]
fn two_workers_cannot_have_the_same_number() {
    let scratch = Scratch::new();
    let search = format!("search s {QUICK} --trials 2 --worker 0/2");
    scratch.nn(&search).succeeds();
    let workers = scratch.path("runs/s/workers");
    let worker = "0/1".parse().expect("a worker");
    let timeout = Duration::from_secs(600);
    let work = nn_workers::SharedWork::join(&workers, worker, timeout).expect("it is free");
    let id = std::process::id();
    let expected = format!("worker 0/2 is already running: process {id} on ");
    scratch
        .nn(&search)
        .refuses(2, &["--worker: runs/s: ", &expected]);
    drop(work);
    scratch.nn(&search).succeeds();
    fs::remove_dir_all(workers).expect("the folder can be removed");
}
