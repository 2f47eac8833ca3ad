//! Run directories in which something else stands where a file should: told
//! as such, without waiting for it and without reading it to no end.

use std::fs;

use crate::support::{Scratch, TWO_EPOCHS};

const READERS: [&str; 3] = ["doctor a", "report a", "compare b a"];

fn two_runs() -> Scratch {
    let scratch = Scratch::new();
    for name in ["a", "b"] {
        scratch.train(name, TWO_EPOCHS);
    }
    scratch
}

/// Puts whatever `make` makes in place of a file of run `a`.
#[cfg(unix)]
fn replaced(scratch: &Scratch, name: &str, make: &str) {
    let script = format!("cd runs/a && rm -rf {name} && {make} {name}");
    assert_eq!(scratch.shell(&script).code, Some(0), "{script}");
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_device_in_place_of_a_file_is_refused_and_not_waited_for() {
    let scratch = two_runs();
    for name in ["config.toml", "metrics.csv", "summary.json"] {
        let path = scratch.path(format!("runs/a/{name}"));
        let whole = fs::read(&path).expect("the run has ended");
        for make in ["mkfifo", "ln -s /dev/zero", "mkdir"] {
            replaced(&scratch, name, make);
            for reader in READERS {
                eprintln!("{make} {name}, {reader}");
                scratch.nn(reader).refuses(3, &[name, "not a regular file"]);
            }
        }
        scratch.shell(&format!("rm -rf runs/a/{name}"));
        fs::write(&path, whole).expect("the run is ours");
    }
    for make in ["mkfifo", "ln -s /dev/zero"] {
        replaced(&scratch, "failure.json", make);
        scratch.nn("doctor a").succeeds();
    }
    for reader in READERS {
        scratch.nn(reader).succeeds();
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_does_not_hold_a_training_that_goes_on() {
    let scratch = two_runs();
    fs::remove_file(scratch.path("runs/a/summary.json")).expect("the run has ended");
    let checkpoints = fs::read_dir(scratch.path("runs/a/checkpoint")).expect("it is there");
    let names = checkpoints.map(|entry| entry.expect("it can be read").file_name());
    let steps = names.filter_map(|name| name.into_string().ok());
    let newest = steps.filter(|name| name.starts_with("step-")).max();
    let newest = newest.expect("there are checkpoints");
    replaced(&scratch, &format!("checkpoint/{newest}"), "mkfifo");
    let output = scratch.nn("train --resume a").succeeds();
    assert!(
        output.contains("not a regular file (found a named pipe); using the previous"),
        "{output}"
    );
    let weights =
        |name: &str| scratch.json(format!("runs/{name}/summary.json"))["weights_sha256"].clone();
    assert_eq!(weights("a"), weights("b"));
    for (name, make) in [
        ("metrics.csv", "mkfifo"),
        ("config.toml", "ln -s /dev/zero"),
    ] {
        fs::remove_file(scratch.path("runs/a/summary.json")).expect("the run has ended");
        let path = scratch.path(format!("runs/a/{name}"));
        let whole = fs::read(&path).expect("the run has ended");
        replaced(&scratch, name, make);
        let error = scratch.nn("train --resume a").fails(3);
        assert!(
            error.contains(&format!("{name}: not a regular file")),
            "{error}"
        );
        scratch.shell(&format!("rm runs/a/{name}"));
        fs::write(&path, whole).expect("the run is ours");
        scratch.nn("train --resume a").succeeds();
        assert_eq!(weights("a"), weights("b"));
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_does_not_hold_a_search_or_the_papers() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", crate::support::trees());
    let search =
        "search --data trees.csv --epochs 1 --trials 1 --space lr=0.1|0.2 --name s --batch-size 32";
    scratch.nn(search).succeeds();
    for (name, code, part) in [
        ("trials.csv", 3, "trials.csv: not a regular file"),
        ("journal.jsonl", 3, "journal.jsonl: not a regular file"),
        ("config.toml", 5, "no search in s"),
    ] {
        let path = scratch.path(format!("runs/s/{name}"));
        let whole = fs::read(&path).expect("the search has ended");
        scratch.shell(&format!("rm {0} && mkfifo {0}", path.display()));
        let error = scratch.nn("search --resume s --trials 2").fails(code);
        assert!(error.contains(part), "{error}");
        scratch.shell(&format!("rm {}", path.display()));
        fs::write(&path, whole).expect("the search is ours");
    }
    scratch.nn("search --resume s --trials 2").succeeds();
    scratch.shell("mkdir -p runs/papers && mkfifo runs/papers/results.json");
    scratch
        .nn("papers list")
        .refuses(3, &["results.json", "not a regular file"]);
}

#[test]
fn a_file_that_is_no_text_is_damaged_and_says_where() {
    let scratch = two_runs();
    for name in ["config.toml", "metrics.csv", "summary.json"] {
        let path = scratch.path(format!("runs/a/{name}"));
        let whole = fs::read(&path).expect("the run has ended");
        fs::write(&path, [&whole[..], b"\xff"].concat()).expect("the run is ours");
        let offset = format!("not UTF-8 at byte offset {}", whole.len());
        for reader in READERS {
            eprintln!("{name}, {reader}");
            scratch.nn(reader).refuses(3, &[name, &offset]);
        }
        fs::write(&path, whole).expect("the run is ours");
    }
}

#[test]
fn a_damaged_row_or_summary_is_named() {
    let scratch = two_runs();
    for (name, added, parts) in [
        (
            "metrics.csv",
            "3,30,0.1,0.5\n",
            &["metrics.csv:4: expected 9 numbers, found \"3,30,0.1,0.5\""][..],
        ),
        (
            "metrics.csv",
            "3,x,\u{1b}[31m,1,1,1,1,1,1\n",
            &["metrics.csv:4: ", "u{1b}"],
        ),
        ("summary.json", "}", &["summary.json: ", "line"]),
    ] {
        let path = scratch.path(format!("runs/a/{name}"));
        let whole = fs::read(&path).expect("the run has ended");
        fs::write(&path, [&whole[..], added.as_bytes()].concat()).expect("the run is ours");
        for reader in READERS {
            eprintln!("{name}, {reader}");
            scratch.nn(reader).refuses(3, parts);
        }
        fs::write(&path, whole).expect("the run is ours");
    }
}

/// How its raw rows become inputs is known to that program only.
#[test]
fn a_model_that_a_program_wrote_is_refused_by_name() {
    let scratch = Scratch::new();
    let rows: Vec<[f32; 2]> = (0..20).map(|i| [i as f32, (i % 3) as f32]).collect();
    let labels: Vec<u32> = (0..20).map(|i| i % 2).collect();
    let model = nn_core::Mlp::classifier().epochs(1).fit(&rows, &labels);
    let file = fs::File::create(scratch.path("mlp.safetensors")).expect("the folder is ours");
    model.and_then(|model| model.save(file)).expect("it trains");
    fs::write(scratch.path("new.csv"), "a,b\n1,2\n").expect("the folder is ours");
    for command in [
        "predict mlp.safetensors new.csv",
        "evaluate mlp.safetensors --data new.csv",
    ] {
        scratch
            .nn(command)
            .refuses(3, &["has no training settings", "nn train"]);
    }
    assert_eq!(scratch.nn("inspect mlp.safetensors").code, Some(0));
}
