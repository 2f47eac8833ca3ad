//! A disk that fills up in the middle of a training, and one that may only be
//! read: small file systems in memory, mounted where that is allowed.

#![cfg(target_os = "linux")]

use std::process::Command;

use crate::support::{Ended, Scratch, trees};

/// A training of many batches, with a checkpoint after each.
const FLAGS: &str = "--data trees.csv --hidden 24,12 --batch-size 8 --epochs 4 --dropout 0.2 \
    --optimizer adam --no-report --threads 1";

/// Says so and gives `None` where mounting is not allowed.
fn mounting() -> Option<&'static [&'static str]> {
    const WAYS: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
    let is_allowed = |way: &&&[&str]| {
        let probe = "mount -t tmpfs -o size=64k tmpfs /tmp";
        let mut command = Command::new("unshare");
        let output = command.args(**way).args(["sh", "-c", probe]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let way = WAYS.iter().find(is_allowed).copied();
    if way.is_none() {
        eprintln!("skipped: no file system can be mounted here");
    }
    way
}

/// Runs a script of the shell in which `$NN` is the program and what is
/// mounted is gone at its end.
fn mounted(scratch: &Scratch, way: &[&str], script: &str) -> Ended {
    let mut command = Command::new("unshare");
    command
        .args(way)
        .args(["sh", "-c", script])
        .current_dir(scratch.path(""))
        .env("NN", env!("CARGO_BIN_EXE_nn"))
        .env("FLAGS", FLAGS)
        .env_remove("CARGO")
        .env_remove("NN_DATA_DIR");
    command.output().expect("unshare is there").into()
}

/// Trains on larger and larger disks until one is large enough; gives those
/// that were too small more space, and resumes. A line of the output for each:
/// its size in KiB, the exit code, the newest checkpoint, the final weights.
const LARGER_AND_LARGER: &str = r#"
mkdir disk
for size in $(seq 8 4 999); do
    mount -t tmpfs -o size=${size}k tmpfs disk || exit 99
    $NN train --name a --runs-dir disk $FLAGS --checkpoint-interval 0 > out 2> err-$size
    code=$?
    newest=$(ls disk/a/checkpoint 2> /dev/null | grep '^step-' | tail -n 1)
    mount -o remount,size=64m disk
    if [ $code != 0 ] && [ -e disk/a/config.toml ]; then
        $NN train --resume a --runs-dir disk --no-report > out || exit 98
    fi
    weights=$(grep -o '"weights_sha256": "[0-9a-f]*"' disk/a/summary.json 2> /dev/null | cut -d '"' -f 4)
    echo "$size $code ${newest:--} ${weights:--}"
    umount disk
    [ $code = 0 ] && exit
done
exit 97
"#;

#[test]
fn a_disk_that_fills_up_ends_the_training_which_goes_on_when_there_is_space() {
    let Some(way) = mounting() else {
        return;
    };
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    let whole = scratch.train("whole", FLAGS);
    let output = mounted(&scratch, way, LARGER_AND_LARGER).succeeds();
    let mut n_resumed = 0;
    for line in output.lines() {
        let [size, code, newest, weights] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{output}");
        };
        let has_begun = weights != "-";
        assert!(!has_begun || whole["weights_sha256"] == weights, "{output}");
        if code == "0" {
            assert!(has_begun, "{output}");
            continue;
        }
        assert_eq!(code, "5", "{output}");
        let error = scratch.read(format!("err-{size}"));
        assert!(error.starts_with("error: disk/a"), "{error}");
        assert!(error.contains("No space left on device"), "{error}");
        if newest != "-" {
            n_resumed += 1;
            let help = format!("train --resume disk/a` to continue from checkpoint/{newest}");
            assert!(error.contains(&help), "{newest}: {error}");
        }
    }
    assert!(n_resumed >= 3, "{output}");
}

#[test]
fn a_disk_that_may_only_be_read_is_told_before_anything_is_done() {
    let Some(way) = mounting() else {
        return;
    };
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    scratch.train("a", FLAGS);
    let read_only = "mkdir disk && cp -r runs/a disk && mount --bind disk disk \
        && mount -o remount,ro,bind disk || exit 99";
    for (line, file) in [
        (format!("train --runs-dir disk {FLAGS}"), "disk/trees-1"),
        (
            "predict disk/a trees.csv --output disk/x.csv".to_owned(),
            "disk/x.csv",
        ),
        ("data fetch --data-dir disk".to_owned(), "disk/mnist"),
        ("report disk/a".to_owned(), "disk/a/"),
    ] {
        let script = format!("{read_only}; exec $NN {line}");
        let ended = mounted(&scratch, way, &script);
        eprintln!("{line}: {}", ended.stderr);
        ended.refuses(5, &[file, "Read-only file system"]);
        std::fs::remove_dir_all(scratch.path("disk")).expect("nothing is mounted any more");
    }
    // What is there can be used.
    let script = format!("{read_only}; exec $NN evaluate disk/a --json");
    mounted(&scratch, way, &script).succeeds();
}
