//! How a program ends when it is not left alone: signals, closed pipes,
//! training that runs away, disks that are full.

#![cfg(unix)]

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::Duration;

use crate::support::{Scratch, TWO_EPOCHS, trees};

/// Longer than any test waits.
const ENDLESS: &str =
    "train --name a --data glyphs --limit-train 2000 --hidden 32 --epochs 1000000";

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([format!("-{name}"), child.id().to_string()])
        .status()
        .expect("kill is there");
    assert!(status.success());
}

/// Waits until the program says that an epoch is over.
fn until_first_epoch(child: &mut Child) -> impl BufRead + use<> {
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    while !line.starts_with("epoch") {
        line.clear();
        assert!(
            lines.read_line(&mut line).expect("a pipe") > 0,
            "it ended early"
        );
    }
    lines
}

/// Waits two seconds at most.
fn ends_soon(child: &mut Child) -> ExitStatus {
    for _ in 0..200 {
        if let Some(status) = child.try_wait().expect("the child is ours") {
            return status;
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("the child is ours");
    panic!("still running two seconds after the signal");
}

#[test]
fn a_signal_saves_the_model_and_ends_the_training() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let scratch = Scratch::new();
        let mut child = scratch
            .command()
            .args(ENDLESS.split(' '))
            .spawn()
            .expect("the program starts");
        let mut rest = until_first_epoch(&mut child);
        let reader = thread::spawn(move || rest.read_to_end(&mut Vec::new()));
        signal(&child, name);
        let status = ends_soon(&mut child);
        reader.join().expect("the reader ends").expect("a pipe");
        assert_eq!(status.code(), Some(code), "SIG{name}");
        let mut error = String::new();
        let mut stderr = child.stderr.take().expect("a pipe");
        stderr.read_to_string(&mut error).expect("a pipe");
        assert!(error.contains("the model so far is in runs/a"), "{error}");
        let help = "\n  help: to continue, run `nn train --resume runs/a`";
        assert!(error.contains(help), "{error}");

        let n_rows = scratch.read("runs/a/metrics.csv").lines().count() - 1;
        assert!(n_rows >= 1);
        assert!(!scratch.path("runs/a/summary.json").exists());
        let validation = scratch.evaluate("a", "--split validation");
        assert_eq!(validation["samples"], 200);
        scratch.nn("inspect a").succeeds();
    }
}

/// A training whose batches take seconds.
#[cfg(target_os = "linux")]
fn slow_batches(scratch: &Scratch) -> Child {
    use crate::support::{idx_bytes, idx_labels};

    scratch.file("data/train-images-idx3-ubyte", {
        let pixels = (0..2000 * 784).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
        idx_bytes(vec![2000, 28, 28], pixels.collect())
    });
    let labels: Vec<u8> = (0..2000).map(|row| (row % 10) as u8).collect();
    scratch.file("data/train-labels-idx1-ubyte", idx_labels(&labels));
    let line = "train --name a --data data --hidden 3000,3000 --batch-size full --threads 1";
    let child = scratch.command().args(line.split(' ')).spawn();
    child.expect("the program starts")
}

/// Linux shows in a mask which signals a program catches; training asks for
/// these two, every command for SIGXFSZ.
#[cfg(target_os = "linux")]
fn wait_until_it_listens(child: &Child) {
    const SIGINT: u32 = 2;
    const SIGTERM: u32 = 15;
    const BOTH: u64 = 1 << (SIGINT - 1) | 1 << (SIGTERM - 1);
    let status = format!("/proc/{}/status", child.id());
    for _ in 0..1000 {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        if mask.is_some_and(|mask| mask & BOTH == BOTH) {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("not listening after five seconds");
}

#[cfg(target_os = "linux")]
#[test]
fn a_second_signal_ends_it_at_once() {
    let scratch = Scratch::new();
    let mut child = slow_batches(&scratch);
    wait_until_it_listens(&child);
    // Into the batch, which the first signal lets come to its end.
    signal(&child, "TERM");
    thread::sleep(Duration::from_millis(20));
    assert!(child.try_wait().expect("the child is ours").is_none());
    signal(&child, "INT");
    assert_eq!(ends_soon(&mut child).code(), Some(130));
    let mut error = String::new();
    let mut stderr = child.stderr.take().expect("a pipe");
    stderr.read_to_string(&mut error).expect("a pipe");
    assert_eq!(error, "", "there was no time to save");
    assert!(!scratch.path("runs/a/model.safetensors").exists());
}

#[test]
fn a_signal_ends_a_search_that_can_go_on() {
    let scratch = Scratch::new();
    let search = "search --name a --data glyphs --limit-train 500 --epochs 3 --stopping none \
         --space lr=log:1e-4..0.1,hidden=int:4..9 --strategy random --trials 100000";
    let mut child = scratch
        .command()
        .args(search.split_whitespace())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    while !line.starts_with("trial") {
        line.clear();
        assert!(lines.read_line(&mut line).expect("a pipe") > 0, "it ended");
    }
    let reader = thread::spawn(move || lines.read_to_end(&mut Vec::new()));
    signal(&child, "INT");
    assert_eq!(ends_soon(&mut child).code(), Some(130));
    reader.join().expect("the reader ends").expect("a pipe");
    let mut error = String::new();
    let mut stderr = child.stderr.take().expect("a pipe");
    stderr.read_to_string(&mut error).expect("a pipe");
    assert!(
        error.contains("to resume the search, run `nn search --resume runs/a`"),
        "{error}"
    );
    let n_rows = scratch.read("runs/a/trials.csv").lines().count() - 1;
    let trials = format!("--trials {}", n_rows + 1);
    scratch
        .nn(&format!("search --resume runs/a {trials}"))
        .succeeds();
    assert_eq!(scratch.json("runs/a/summary.json")["trials"], n_rows + 1);
}

#[test]
fn training_that_runs_away_is_told() {
    let scratch = Scratch::new();
    let error = scratch
        .nn(&format!(
            "train --name a {TWO_EPOCHS} --optimizer sgd --lr 1e30"
        ))
        .fails(6);
    for part in [
        "loss",
        "epoch 1",
        "batch",
        "layer",
        "learning rate",
        "help: try",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert!(!scratch.path("runs/a/model.safetensors").exists());
    assert!(!scratch.path("runs/a/summary.json").exists());
    scratch
        .nn("evaluate a")
        .refuses(5, &["runs/a: this run has no model.safetensors"]);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let scratch = Scratch::new();
    scratch.train("a", TWO_EPOCHS);
    for arguments in [
        "evaluate a",
        "inspect a",
        "data info glyphs",
        "predict a --index 0..2000",
        "train --help",
        "train --name b --data glyphs --limit-train 500 --hidden 8 --epochs 20",
    ] {
        let mut child = scratch
            .command()
            .args(arguments.split(' '))
            .spawn()
            .expect("the program starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("the child is ours");
        assert_eq!(output.status.code(), Some(0), "nn {arguments}");
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            "",
            "nn {arguments}"
        );
    }
    // A training nobody reads about is still a training.
    assert_eq!(scratch.json("runs/b/summary.json")["epochs"], 20);
}

#[test]
fn a_full_disk_is_told() {
    if !std::path::Path::new("/dev/full").exists() {
        eprintln!("skipped: no /dev/full");
        return;
    }
    let scratch = Scratch::new();
    let full = OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full can be written");
    let output = scratch
        .command()
        .args(["data", "list"])
        .stdout(full)
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(5));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.starts_with("error: standard output: "), "{error}");
}

/// What it would have said is lost, what it has learned is not.
#[test]
fn a_training_whose_output_has_no_space_is_resumed() {
    if !std::path::Path::new("/dev/full").exists() {
        eprintln!("skipped: no /dev/full");
        return;
    }
    let scratch = Scratch::new();
    let flags = "--data glyphs --limit-train 300 --hidden 16 --epochs 3 --no-report";
    let whole = scratch.train("whole", flags);
    let error = scratch
        .shell(&format!(
            "exec {} train --name a {flags} > /dev/full",
            env!("CARGO_BIN_EXE_nn")
        ))
        .fails(5);
    assert!(
        error.contains("standard output: No space left on device"),
        "{error}"
    );
    scratch.nn("train --resume a --no-report").succeeds();
    let resumed = scratch.json("runs/a/summary.json");
    assert_eq!(resumed["weights_sha256"], whole["weights_sha256"]);
}

#[test]
fn folders_that_cannot_be_made_are_told() {
    let scratch = Scratch::new();
    scratch.file("runs", "a file where a folder should be");
    scratch
        .nn(&format!("train {TWO_EPOCHS}"))
        .refuses(5, &["runs: "]);
}

#[test]
fn a_pipe_in_place_of_a_file_is_refused_and_not_waited_for() {
    let scratch = Scratch::new();
    scratch.train("a", TWO_EPOCHS);
    fs::create_dir(scratch.path("pipes")).expect("the folder is ours");
    for name in [
        "pipe.csv",
        "pipe.png",
        "pipe.toml",
        "pipe.safetensors",
        "pipes/train-images-idx3-ubyte",
        "pipes/train-labels-idx1-ubyte",
    ] {
        let status = Command::new("mkfifo")
            .arg(scratch.path(name))
            .status()
            .expect("mkfifo is there");
        assert!(status.success());
    }
    for command in [
        "train --data pipe.csv",
        "train --data pipes",
        "evaluate pipe.safetensors",
        "predict a pipe.png",
        "train --config pipe.toml",
        "inspect pipe.safetensors",
    ] {
        scratch
            .nn(command)
            .refuses(3, &["pipe", "not a regular file"]);
    }
    for (command, code) in [
        ("inspect /dev/zero", 3),
        ("train --config /dev/zero", 3),
        ("predict a /dev/zero", 3),
        ("train --data /dev/zero", 2),
        ("train --resume /dev/zero", 5),
    ] {
        scratch.nn(command).refuses(code, &["/dev/zero"]);
    }
}

#[test]
fn links_are_followed_to_read_and_lead_nowhere_in_vain() {
    use std::os::unix::fs::symlink;
    let scratch = Scratch::new();
    scratch.file("real/trees.csv", trees());
    let link = |to: &str, name: &str| {
        symlink(to, scratch.path(name)).expect("links can be made");
    };
    link("real/trees.csv", "trees.csv");
    link("nowhere.csv", "dangling.csv");
    link("loop.csv", "loop.csv");
    scratch.train("a", "--data trees.csv --hidden 4 --epochs 1 --no-report");
    link("runs/a/model.safetensors", "model.safetensors");
    scratch.nn("inspect model.safetensors").succeeds();
    scratch
        .nn("train --data dangling.csv")
        .refuses(5, &["dangling.csv: No such file"]);
    scratch
        .nn("predict a loop.csv")
        .refuses(5, &["loop.csv: ", "symbolic links"]);
    // A run is made beside a link of its name, not through it.
    scratch.file("elsewhere/precious", "");
    link("../elsewhere", "runs/b");
    scratch
        .nn("train --name b --data trees.csv --epochs 1")
        .refuses(2, &["runs/b: this run already exists"]);
    let there = fs::read_dir(scratch.path("elsewhere")).expect("the folder is ours");
    assert_eq!(there.count(), 1);
}

#[test]
fn a_path_after_data_need_not_be_utf_8() {
    let scratch = Scratch::new();
    let table = OsStr::from_bytes(b"caf\xe9.csv");
    scratch.file(table, trees());
    scratch.file("cafe.csv", trees());
    let nn = |line: &str, data: &OsStr| {
        let words = line.split(' ').map(OsStr::new);
        scratch.nn_args(words.chain([OsStr::new("--data"), data]))
    };
    let flags = "--hidden 4 --epochs 1 --batch-size 32";
    nn(&format!("train --name odd {flags}"), table).succeeds();
    nn(
        &format!("train --name even {flags}"),
        OsStr::new("cafe.csv"),
    )
    .succeeds();
    let config = scratch.read("runs/odd/config.toml");
    assert!(config.contains("data = \"caf\\u0000E9.csv\"\n"), "{config}");
    let weights = |name: &str| {
        let summary = scratch.json(format!("runs/{name}/summary.json"));
        summary["weights_sha256"].clone()
    };
    assert_eq!(weights("odd"), weights("even"));
    // Whatever reads the path back finds the table, and shows no control
    // character.
    for line in [
        "evaluate odd",
        "inspect odd",
        "doctor odd",
        "report odd",
        "trace odd --index 0",
    ] {
        let output = scratch.nn(line).succeeds();
        assert!(!output.contains('\0'), "{line}: {output}");
    }
    nn("evaluate odd", table).succeeds();
    nn("gradcheck --hidden 3", table).succeeds();
    scratch
        .nn("train --name again --config runs/odd/config.toml")
        .succeeds();
    assert_eq!(weights("again"), weights("odd"));
    fs::remove_file(scratch.path("runs/again/summary.json")).expect("the run has ended");
    nn("train --resume again", OsStr::new("cafe.csv")).refuses(
        2,
        &["data: expected \"caf\u{fffd}.csv\", found \"cafe.csv\""],
    );
    nn("train --resume again", table).succeeds();
    // A search's command is one for a shell that reads $'...', as bash does.
    nn(
        "search --name s --trials 1 --epochs 1 --batch-size 32 --space lr=0.1|0.2",
        table,
    )
    .succeeds();
    let command = scratch.json("runs/s/summary.json")["command"].clone();
    let command = command.as_str().expect("a command").to_owned();
    assert!(command.contains(r"$'--data=caf\xE9.csv'"), "{command}");
    for odd in [&b"\xff"[..], b"\xff.csv"] {
        let code = if odd.ends_with(b".csv") { 5 } else { 2 };
        nn("train", OsStr::from_bytes(odd)).refuses(code, &["\u{fffd}"]);
    }
}

#[test]
fn paths_need_not_be_utf_8() {
    let scratch = Scratch::new();
    let strange = OsStr::from_bytes(b"odd-\xff-runs");
    let words: Vec<&OsStr> = TWO_EPOCHS.split(' ').map(OsStr::new).collect();
    let output = scratch
        .command()
        .args(["train", "--name", "a", "--runs-dir"])
        .arg(strange)
        .args(words)
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(scratch.path(strange).join("a/summary.json").exists());
    for command in ["evaluate", "inspect"] {
        let run = std::path::Path::new(strange).join("a");
        let output = scratch
            .command()
            .arg(command)
            .arg(run)
            .output()
            .expect("the program starts");
        assert_eq!(output.status.code(), Some(0), "{command} {output:?}");
    }
    let picture = scratch.path(OsStr::from_bytes(b"digit-\xfe.png"));
    let mut grey = ndarray::Array2::zeros((28, 28));
    grey.slice_mut(ndarray::s![5..23, 13..16]).fill(255);
    nn_image::write_png(&picture, grey.view()).expect("the picture is written");
    let output = scratch
        .command()
        .args(["predict", "a", "--runs-dir"])
        .arg(strange)
        .arg(picture)
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
