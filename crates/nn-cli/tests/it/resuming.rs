//! `nn train --resume`: whatever ended a training, it continues to the bytes of
//! one that was left alone.

#![cfg(unix)]

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use crate::support::{Ended, Scratch, noise, trees};

/// A training with everything that has a state, of some hundred batches.
const RICH: &str = "--data trees.csv --hidden 24,12 --batch-size 8 --epochs 12 \
    --dropout 0.2 --batch-norm --averaging 0.9 --patience 9 --schedule plateau:patience=1 \
    --lr 0.01 --no-report";

/// The same, longer than any test waits, with a checkpoint after each batch.
/// What it says fits into a pipe that nobody reads as long as no test waits
/// longer than a second.
fn endless() -> String {
    let flags = RICH.replace("--epochs 12", "--epochs 1000000");
    flags.replace("--patience 9", "--patience 0") + " " + ALL
}

/// A checkpoint after each batch.
const ALL: &str = "--checkpoint-interval 0";

/// A folder with a table, which is loaded faster than digits are drawn.
fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    scratch
}

fn start(scratch: &Scratch, line: &str) -> Child {
    scratch
        .command()
        .args(line.split_whitespace())
        .spawn()
        .expect("the program starts")
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([format!("-{name}"), child.id().to_string()])
        .status()
        .expect("kill is there");
    assert!(status.success());
}

/// Waits for so many milliseconds or for the end, whichever comes first.
fn wait_at_most(child: &mut Child, milliseconds: u64) {
    for _ in 0..milliseconds {
        if child.try_wait().expect("the child is ours").is_some() {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until `run` has a checkpoint.
fn wait_for_checkpoint(scratch: &Scratch, run: &str) {
    wait_for_checkpoints(scratch, run, 1);
}

fn wait_for_checkpoints(scratch: &Scratch, run: &str, n: usize) {
    for _ in 0..2000 {
        if checkpoints(scratch, run).len() >= n {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("not {n} checkpoints after ten seconds");
}

/// The checkpoints of a run by their steps, oldest first.
fn checkpoints(scratch: &Scratch, run: &str) -> Vec<PathBuf> {
    let folder = scratch.path(format!("runs/{run}/checkpoint"));
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("the folder is ours").path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("step-")
        })
        .collect();
    paths.sort();
    paths
}

/// Starts run `name` and kills it once there is a checkpoint.
fn kill_early(scratch: &Scratch, name: &str, flags: &str) {
    let mut child = start(scratch, &format!("train --name {name} {flags} {ALL}"));
    // Some tests damage the newest and want the one before.
    wait_for_checkpoints(scratch, name, 2);
    thread::sleep(Duration::from_millis(30));
    child.kill().expect("the child is ours");
    let status = child.wait().expect("the child is ours");
    assert_eq!(status.code(), None, "it was killed, and not done already");
}

/// What must be the same however a training came to its end: the weights, and
/// all metrics but the times.
fn result(scratch: &Scratch, run: &str) -> (String, Vec<Vec<String>>) {
    let summary = scratch.json(format!("runs/{run}/summary.json"));
    let metrics = scratch.read(format!("runs/{run}/metrics.csv"));
    let rows = metrics.lines().map(|line| {
        let cells = line.split(',').take(7);
        cells.map(str::to_owned).collect()
    });
    (summary["weights_sha256"].to_string(), rows.collect())
}

fn resume(scratch: &Scratch, run: &str, flags: &str) -> Ended {
    scratch.nn(&format!("train --resume {run} --no-report {flags}"))
}

#[test]
fn killed_at_any_moment_it_ends_with_the_same_bytes() {
    let scratch = scratch();
    let whole = scratch.train("whole", RICH);
    let expected = result(&scratch, "whole");
    for (index, seed) in noise(3).into_iter().enumerate() {
        let run = format!("run-{index}");
        let begin = format!("train --name {run} {RICH} {ALL}");
        let mut child = start(&scratch, &begin);
        let mut n_kills = 0;
        loop {
            // From before the first checkpoint to some epochs later.
            let time = 15.0 + 40.0 * seed.abs() + 15.0 * f64::from(n_kills);
            wait_at_most(&mut child, time as u64);
            // One that has just ended cannot be killed.
            let _ = child.kill();
            if child.wait().expect("the child is ours").success() {
                break;
            }
            n_kills += 1;
            let folder = scratch.path(format!("runs/{run}"));
            child = if folder.join("config.toml").exists() {
                let threads = 1 + n_kills % 3;
                let line = format!("train --resume {run} --no-report --threads {threads} {ALL}");
                start(&scratch, &line)
            } else {
                let _ = fs::remove_dir_all(folder);
                start(&scratch, &begin)
            };
        }
        eprintln!("run {index}: killed {n_kills} times");
        assert!(n_kills > 2);
        assert_eq!(result(&scratch, &run), expected);
        let summary = scratch.json(format!("runs/{run}/summary.json"));
        for key in ["epochs", "train_loss", "validation_loss", "test_accuracy"] {
            assert_eq!(summary[key], whole[key], "{key}");
        }
        assert!(checkpoints(&scratch, &run).len() <= 3);
    }
}

#[test]
fn signals_save_and_say_how_to_go_on() {
    let scratch = scratch();
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 143)] {
        let run = format!("run-{name}");
        let mut child = start(&scratch, &format!("train --name {run} {}", endless()));
        wait_for_checkpoint(&scratch, &run);
        signal(&child, name);
        wait_at_most(&mut child, 5000);
        let status = child.try_wait().expect("the child is ours");
        let found = status.and_then(|status| status.code());
        assert_eq!(found, Some(code), "SIG{name}");
        let mut error = String::new();
        let mut stderr = child.stderr.take().expect("a pipe");
        stderr.read_to_string(&mut error).expect("a pipe");
        let help = format!("\n  help: to continue, run `nn train --resume runs/{run}`");
        assert!(error.contains(&help), "{error}");
        assert!(error.contains(&format!("the model so far is in runs/{run}")));
    }
}

#[test]
fn a_run_that_is_moved_away_meanwhile_is_told_and_can_be_resumed_there() {
    let scratch = scratch();
    let line = format!("train --name a {}", endless());
    let child = start(&scratch, &line);
    wait_for_checkpoint(&scratch, "a");
    fs::rename(scratch.path("runs/a"), scratch.path("runs/b")).expect("the folder is ours");
    let ended = Ended::from(child.wait_with_output().expect("the child is ours"));
    let error = ended.fails(5);
    assert!(error.contains("error: runs/a/"), "{error}");
    assert!(
        error.contains("help: runs/a was removed or moved during training"),
        "{error}"
    );
    assert!(!scratch.path("runs/a").exists());
    let mut child = start(&scratch, &format!("train --resume b {ALL}"));
    wait_at_most(&mut child, 1000);
    assert!(
        child.try_wait().expect("the child is ours").is_none(),
        "it goes on"
    );
    signal(&child, "KILL");
    child.wait().expect("the child is ours");
}

#[test]
fn an_interrupted_training_continues_where_it_was() {
    let scratch = scratch();
    let flags = RICH.replace("--epochs 12", "--epochs 60");
    let flags = flags.replace("--patience 9", "--patience 0");
    scratch.train("whole", &flags);
    let mut child = start(&scratch, &format!("train --name a {flags} {ALL}"));
    wait_for_checkpoint(&scratch, "a");
    signal(&child, "INT");
    assert_eq!(child.wait().expect("the child is ours").code(), Some(130));
    let output = resume(&scratch, "runs/a", "--plain").succeeds();
    assert!(output.contains("resumed   runs/a after "), "{output}");
    assert_eq!(result(&scratch, "a"), result(&scratch, "whole"));

    // Once more there is nothing to do, which is no error.
    let before = scratch.read("runs/a/summary.json");
    let output = resume(&scratch, "a", "").succeeds();
    assert!(output.contains("runs/a is finished"), "{output}");
    let json = resume(&scratch, "a", "--json").succeeds();
    assert_eq!(json, "{\"event\":\"finished\",\"run\":\"runs/a\"}\n");
    assert_eq!(scratch.read("runs/a/summary.json"), before);
}

/// A flag that changes nothing would leave the user with another result than
/// was asked for.
#[test]
fn a_finished_run_takes_no_other_settings() {
    let scratch = scratch();
    let flags = "--data trees.csv --hidden 4 --no-report";
    scratch.train("whole", &format!("{flags} --epochs 5 --lr 0.01"));
    // Nothing is learned, so patience ends it.
    scratch.train(
        "early",
        &format!("{flags} --epochs 50 --patience 1 --lr 1e-30"),
    );
    let stopped = scratch.json("runs/early/summary.json");
    assert!(stopped["epochs"].as_u64() < Some(50), "{stopped}");
    for (run, epochs) in [("whole", 5), ("early", 50)] {
        let before = scratch.read(format!("runs/{run}/summary.json"));
        let differences = format!(
            "runs/{run} is finished: a run is resumed with its own settings: \
             --epochs: expected {epochs}, found 20; --hidden: expected \"4\", found \"3\""
        );
        let help = format!(
            "`nn train --config runs/{run}/config.toml --from runs/{run} --epochs 20 --hidden 3`"
        );
        for form in ["", "--json"] {
            resume(&scratch, run, &format!("--epochs 20 --hidden 3 {form}"))
                .refuses(2, &[&differences, &help]);
        }
        resume(&scratch, run, "--data glyphs --epochs 20").refuses(
            2,
            &["--data: expected \"trees.csv\", found \"glyphs\"; --epochs: expected "],
        );
        let same = format!("--epochs {epochs} --hidden 4 --data trees.csv --threads 1");
        let output = resume(&scratch, run, &same).succeeds();
        assert!(
            output.contains("is finished; there is nothing to resume"),
            "{output}"
        );
        assert_eq!(scratch.read(format!("runs/{run}/summary.json")), before);
    }
    scratch
        .nn("train --config runs/whole/config.toml --name more --epochs 20 --hidden 3 --no-report")
        .succeeds();
    assert_eq!(scratch.json("runs/more/summary.json")["epochs"], 20);
    // Without flags, the data need not be there any more.
    fs::remove_file(scratch.path("trees.csv")).expect("it is there");
    resume(&scratch, "whole", "").succeeds();
}

/// Rows are there before the checkpoint that counts them, and go again if a
/// kill comes first; the best epoch is what it was, too.
#[test]
fn epochs_without_a_checkpoint_are_trained_again() {
    let scratch = scratch();
    let flags = RICH.replace("--epochs 12", "--epochs 300");
    let flags = flags.replace("--patience 9", "--patience 0");
    scratch.train("whole", &flags);
    let rows = |run: &str| {
        let metrics = fs::read_to_string(scratch.path(format!("runs/{run}/metrics.csv")));
        metrics.map_or(0, |text| text.lines().count().saturating_sub(1))
    };
    let mut child = start(
        &scratch,
        &format!("train --name a {flags} --checkpoint-interval 1e6"),
    );
    let mut seen = 0;
    for interval in ["1e6", "0.02", "0.005"] {
        for _ in 0..5000 {
            seen = rows("a");
            if seen > 3 && (interval == "1e6" || !checkpoints(&scratch, "a").is_empty()) {
                break;
            }
            thread::sleep(Duration::from_millis(1));
        }
        child.kill().expect("the child is ours");
        child.wait().expect("the child is ours");
        assert!(seen > 3, "rows are written as epochs end");
        if interval == "1e6" {
            assert!(
                checkpoints(&scratch, "a").is_empty(),
                "no second has passed"
            );
        }
        let again = format!("train --resume a --no-report --checkpoint-interval {interval}");
        child = start(&scratch, &again);
    }
    child.wait().expect("the child is ours");
    assert_eq!(result(&scratch, "a"), result(&scratch, "whole"));
    let best = |run: &str| {
        let bytes = fs::read(scratch.path(format!("runs/{run}/checkpoint/best.safetensors")));
        nn_core::Checkpoint::<f32>::read(&bytes.expect("a file")[..]).expect("a checkpoint")
    };
    let [found, expected] = [best("a"), best("whole")];
    assert_eq!(
        (found.epoch(), found.step()),
        (expected.epoch(), expected.step())
    );
}

#[test]
fn deformed_images_are_deformed_alike_after_a_kill() {
    let scratch = Scratch::new();
    let flags = "--data glyphs --limit-train 300 --hidden 16 --batch-size 32 --epochs 6 \
        --augment shift,elastic --no-report";
    scratch.train("whole", &format!("{flags} --threads 1"));
    kill_early(&scratch, "a", flags);
    resume(&scratch, "a", "--threads 3").succeeds();
    assert_eq!(result(&scratch, "a"), result(&scratch, "whole"));
}

#[test]
fn damaged_checkpoints_are_passed_over() {
    let scratch = scratch();
    scratch.train("whole", RICH);
    for damage in ["a flipped bit", "a cut", "nothing in it", "a model"] {
        let run = damage.replace(' ', "-");
        kill_early(&scratch, &run, RICH);
        let saved = checkpoints(&scratch, &run);
        let newest = saved.last().expect("there is one");
        let mut bytes = fs::read(newest).expect("it can be read");
        match damage {
            "a flipped bit" => {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            "a cut" => bytes.truncate(bytes.len() - 1),
            "nothing in it" => bytes.clear(),
            _ => {
                bytes = fs::read(scratch.path("runs/whole/model.safetensors")).expect("a model");
            }
        }
        fs::write(newest, bytes).expect("it can be written");
        let output = resume(&scratch, &run, "").succeeds();
        let warnings = output.lines().filter(|line| line.starts_with("warning"));
        assert_eq!(warnings.count(), 1, "{damage}: {output}");
        assert_eq!(
            result(&scratch, &run),
            result(&scratch, "whole"),
            "{damage}"
        );
    }
}

#[test]
fn when_no_checkpoint_is_whole_that_is_told() {
    let scratch = scratch();
    kill_early(&scratch, "a", RICH);
    let folder = scratch.path("runs/a/checkpoint");
    for entry in fs::read_dir(folder).expect("a folder") {
        fs::write(entry.expect("a file").path(), "no checkpoint").expect("it can be written");
    }
    let error = resume(&scratch, "a", "--json").fails(3);
    assert!(error.contains("none of the "), "{error}");
}

#[test]
fn a_run_without_a_checkpoint_starts_again() {
    let scratch = scratch();
    scratch.train("whole", RICH);
    kill_early(&scratch, "a", RICH);
    fs::remove_dir_all(scratch.path("runs/a/checkpoint")).expect("a folder");
    // The header cut off, as a kill could leave it.
    scratch.file("runs/a/metrics.csv", "epoch,st");
    resume(&scratch, "a", "").succeeds();
    assert_eq!(result(&scratch, "a"), result(&scratch, "whole"));

    fs::create_dir(scratch.path("runs/empty")).expect("a folder can be made");
    resume(&scratch, "empty", "").refuses(
        5,
        &[
            "no config.toml",
            "help: give the directory of a training run",
        ],
    );
    resume(&scratch, "nowhere", "").refuses(5, &["no run \"nowhere\"", "runs in runs: "]);
}

#[test]
fn metrics_that_are_missing_are_told() {
    let scratch = scratch();
    let mut child = start(&scratch, &format!("train --name a {}", endless()));
    wait_for_checkpoint(&scratch, "a");
    while scratch.read("runs/a/metrics.csv").lines().count() < 2 {
        thread::sleep(Duration::from_millis(5));
    }
    signal(&child, "TERM");
    assert_eq!(child.wait().expect("the child is ours").code(), Some(143));
    let metrics = scratch.read("runs/a/metrics.csv");
    let header = metrics.lines().next().expect("a header");
    scratch.file("runs/a/metrics.csv", format!("{header}\n"));
    let error = resume(&scratch, "a", "").fails(3);
    assert!(
        error.contains("metrics.csv: expected one row for each of the "),
        "{error}"
    );
}

#[test]
fn one_training_a_run() {
    let scratch = scratch();
    let mut child = start(&scratch, &format!("train --name a {}", endless()));
    wait_for_checkpoint(&scratch, "a");
    let owner = format!(
        "runs/a: locked by another training run, process {}",
        child.id()
    );
    resume(&scratch, "a", "").refuses(5, &[&owner, "help: wait until"]);
    child.kill().expect("the child is ours");
    child.wait().expect("the child is ours");
    // The lock is gone with its owner.
    let mut child = start(&scratch, &format!("train --resume a --no-report {ALL}"));
    thread::sleep(Duration::from_millis(200));
    signal(&child, "INT");
    let code = child.wait().expect("the child is ours").code();
    assert!(matches!(code, Some(130) | None), "{code:?}");
}

#[test]
fn other_settings_and_other_data_are_refused() {
    let scratch = scratch();
    let table = trees();
    let flags = "--data trees.csv --hidden 8 --epochs 3000 --optimizer sgd --no-report";
    kill_early(&scratch, "a", flags);
    let config = scratch.read("runs/a/config.toml");

    resume(&scratch, "a", "--lr 0.5 --hidden 9").refuses(
        2,
        &[
            "--hidden: expected \"8\", found \"9\"; --lr: expected 0.1, found 0.5",
            "`nn train --config runs/a/config.toml --hidden 9 --lr 0.5`",
        ],
    );
    resume(&scratch, "a", "--data glyphs")
        .refuses(2, &["--data: expected \"trees.csv\", found \"glyphs\""]);
    for flag in ["--name b", "--config x.toml"] {
        let ended = resume(&scratch, "a", flag);
        assert_eq!(ended.code, Some(2));
        assert!(ended.stderr.contains("cannot be used with"), "{flag}");
    }

    scratch.file("runs/a/config.toml", config.replace("lr = 0.1", "lr = 0.2"));
    let error = resume(&scratch, "a", "").fails(2);
    assert!(
        error.contains("config.toml differs from the checkpoint: lr: expected 0.1, found 0.2"),
        "{error}"
    );
    scratch.file("runs/a/config.toml", &config);

    let other = table.replacen("oak", "elm", 1);
    assert_ne!(other, table);
    scratch.file("trees.csv", other);
    let error = resume(&scratch, "a", "").fails(2);
    assert!(
        error.contains("samples (SHA-256): the checkpoint has"),
        "{error}"
    );
    assert_eq!(scratch.read("runs/a/config.toml"), config);

    scratch.file("trees.csv", &table);
    // What the run was begun with may be said again.
    resume(
        &scratch,
        "a",
        "--lr 0.1 --threads 1 --optimizer sgd --data trees.csv",
    )
    .succeeds();
}

#[test]
fn a_checkpoint_that_cannot_be_written_ends_the_training() {
    let scratch = scratch();
    scratch.train("whole", RICH);
    kill_early(&scratch, "a", RICH);
    let saved = checkpoints(&scratch, "a");
    // Files may not grow beyond a quarter of a checkpoint, in blocks of 512 bytes.
    let size = fs::metadata(saved.last().expect("there is one")).expect("a file");
    let limit = size.len() / 2048;
    let program = env!("CARGO_BIN_EXE_nn");
    let script = format!("ulimit -f {limit}; exec {program} train --resume a --no-report");
    let output = scratch.shell(&script);
    let error = output.fails(5);
    assert!(error.contains("checkpoint/step-"), "{error}");
    assert!(
        error.contains("run `nn train --resume runs/a` to continue from checkpoint/"),
        "{error}"
    );
    let left = checkpoints(&scratch, "a");
    assert!(
        saved.iter().all(|path| left.contains(path)),
        "nothing is lost"
    );
    resume(&scratch, "a", "").succeeds();
    assert_eq!(result(&scratch, "a"), result(&scratch, "whole"));
}

#[test]
fn a_diverged_training_keeps_its_best_weights() {
    let scratch = scratch();
    let flags = "--data trees.csv --hidden 16 --loss mse --output-activation identity \
        --optimizer sgd --no-report";
    // The rate grows until it is too much.
    let growing = format!("{flags} --epochs 100 --lr 300 --schedule warmup:epochs=100");
    let error = scratch.nn(&format!("train --name a {growing}")).fails(6);
    for part in [
        " became ",
        " at epoch ",
        ", layer ",
        "learning rate ",
        "help: try",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let best = error.split("the best weights (epoch ").nth(1);
    let best = best
        .and_then(|rest| rest.split(')').next())
        .expect("an epoch");
    let metrics = scratch.read("runs/a/metrics.csv");
    let row = metrics
        .lines()
        .find(|row| row.starts_with(&format!("{best},")));
    let cells: Vec<&str> = row.expect("its row").split(',').collect();
    let found = scratch.evaluate("a", "--split validation");
    assert_eq!(
        found["loss"].to_string(),
        cells[5],
        "the weights of that epoch"
    );

    // From the beginning with half the rate, and half of that, until it holds.
    let halving = format!("{flags} --epochs 3 --lr 1e6 --batch-size 4 --on-divergence halve-lr");
    let error = scratch.nn(&format!("train --name b {halving}")).fails(6);
    assert!(
        error.contains("the learning rate was halved 10 times"),
        "{error}"
    );
    let halving = halving.replace("1e6", "40");
    let output = scratch.nn(&format!("train --name c {halving}")).succeeds();
    assert!(
        output.contains("starts again with learning rate 20"),
        "{output}"
    );
    scratch
        .nn(&format!("train --name d {halving} --threads 1"))
        .succeeds();
    assert_eq!(result(&scratch, "c"), result(&scratch, "d"));
    let error = scratch.nn("train --on-divergence pray").fails(2);
    let expected = "--on-divergence: expected stop or halve-lr, found \"pray\"";
    assert!(error.contains(expected), "{error}");
}

/// Another processor of a cluster: its instructions round differently.
#[test]
fn another_instruction_set_is_told_or_refused() {
    let scratch = scratch();
    let train = |flags: &str, set: Option<&str>| {
        let mut command = scratch.command();
        command.args(flags.split_whitespace());
        if let Some(set) = set {
            command.env("NN_INSTRUCTION_SET", set);
        }
        Ended::from(command.output().expect("the program starts"))
    };
    let widest = nn_tensor::InstructionSet::available().last();
    let widest = widest.expect("there is one").name();
    if widest == "portable" {
        eprintln!("skipped: this processor has one set");
        return;
    }
    let flags = "--data trees.csv --hidden 4 --epochs 2 --batch-size 8 --no-report";
    train(&format!("train --name a {flags}"), Some("portable")).succeeds();
    let begin_again = || fs::remove_file(scratch.path("runs/a/summary.json")).expect("it is there");
    begin_again();
    let resume = "train --resume a --no-report";
    let difference = format!(
        "the checkpoint was made with the instruction set portable, but this run uses {widest}"
    );
    let strict = train(&format!("{resume} --strict"), None);
    strict.refuses(2, &["--strict: ", &difference]);
    train(&format!("{resume} --strict"), Some("portable")).succeeds();
    begin_again();
    let output = train(resume, None).succeeds();
    assert!(
        output.contains(&format!("warning   {difference}")),
        "{output}"
    );
    for wrong in ["nonsense", "", "AVX2"] {
        let found = format!(
            "NN_INSTRUCTION_SET: expected one of portable, avx2, avx512, found \"{wrong}\""
        );
        for command in [resume, "data list"] {
            let ended = train(command, Some(wrong));
            ended.refuses(2, &[&found, "help: unset NN_INSTRUCTION_SET"]);
        }
    }
}

/// `ulimit -f`: an error with its path and exit code in every command.
#[test]
fn a_limit_on_the_size_of_files_is_an_error() {
    let scratch = scratch();
    scratch.train("a", "--data trees.csv --hidden 2 --epochs 1 --no-report");
    let program = env!("CARGO_BIN_EXE_nn");
    for (line, path) in [
        ("predict a trees.csv --output p.csv", "p.csv"),
        ("predict a trees.csv > p.csv", "standard output"),
        ("report a", "runs/a/plots/"),
        ("compare a a", "runs/comparison.html"),
    ] {
        let script = format!("ulimit -f 1; exec {program} {line}");
        let error = scratch.shell(&script).fails(5);
        assert!(error.contains(path), "{line}: {error}");
        // "File too large" on Linux and macOS.
        assert!(error.contains("os error 27"), "{line}: {error}");
    }
}
