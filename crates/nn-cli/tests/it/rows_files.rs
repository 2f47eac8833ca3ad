//! `nn data convert`, and training, evaluation and prediction with a file of rows.

use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Scratch, csv, idx_images, idx_labels};

/// 1200 rows with two numbers, a category, a class and a split.
fn table() -> String {
    csv("a,b,color,label,part", 1200, |row, x, y| {
        let color = ["red", "green", "blue"][row % 3];
        let label = if x + y * y + (row % 3) as f64 > 1.2 {
            "yes"
        } else {
            "no"
        };
        let part = ["train", "train", "train", "validation", "train", "test"][row / 2 % 6];
        format!("{x},{y},{color},{label},{part}")
    })
}

const CONVERT: &str =
    "data convert t.csv --target label --split-column part --block-rows 50 --window-blocks 2";

const TRAIN: &str = "--hidden 16 --batch-size 32 --epochs 3 --dropout 0.1 --no-report";

fn converted() -> Scratch {
    let scratch = Scratch::new();
    scratch.file("t.csv", table());
    scratch.nn(CONVERT).succeeds_with_note("");
    scratch
}

fn weights(scratch: &Scratch, run: &str) -> Vec<u8> {
    fs::read(scratch.path(format!("runs/{run}/model.safetensors"))).expect("it was trained")
}

/// The whole file in memory and a part of it, and any number of threads, give the same weights.
#[test]
fn memory_and_threads_do_not_change_the_weights() {
    let scratch = converted();
    let train = |run: &str, flags: &str| {
        let line = format!("train --data t.nnrows {TRAIN} --name {run} {flags}");
        scratch.nn(&line).succeeds();
        weights(&scratch, run)
    };
    // The file has 24 blocks; the smallest memory holds five.
    let in_memory = train("all", "--data-memory 1000 --threads 1");
    for (threads, memory) in [(1, 0), (2, 0), (3, 0), (2, 1000), (3, 1)] {
        let run = format!("t{threads}m{memory}");
        let flags = format!("--threads {threads} --data-memory {memory}");
        assert!(train(&run, &flags) == in_memory, "{run}");
    }
    assert!(train("other", "--seed 1") != in_memory);
}

/// The rows are those of the table reader: with all rows in one batch, the order does not matter,
/// and the losses are those of the table, up to rounding errors.
#[test]
fn a_converted_table_has_the_values_of_the_table() {
    let scratch = converted();
    let flags = "--hidden 8 --batch-size full --epochs 5 --lr 0.05 --no-report";
    let of_table = "--data t.csv --target label --split-column part";
    let table = scratch.train("table", &format!("{of_table} {flags}"));
    let rows = scratch.train("rows", &format!("--data t.nnrows {flags}"));
    for metric in ["train_loss", "validation_loss", "test_loss"] {
        let [table, rows] = [&table, &rows].map(|it| it[metric].as_f64());
        let (table, rows) = (table.expect(metric), rows.expect(metric));
        assert!(
            (table - rows).abs() < 1e-5 * table,
            "{metric}: {table}, {rows}"
        );
    }
    // A model of the table evaluates the file, and a model of the file the table.
    let on_rows = scratch.evaluate("table", "--data t.nnrows");
    assert_eq!(on_rows["samples"], scratch.evaluate("table", "")["samples"]);
    assert_eq!(
        on_rows["confusion"],
        scratch.evaluate("table", "")["confusion"]
    );
    scratch
        .nn("evaluate rows --data t.csv")
        .succeeds_with_note("");
}

#[test]
fn predictions_of_a_file_are_those_of_its_table() {
    let scratch = converted();
    scratch
        .nn(&format!("train --data t.nnrows {TRAIN} --name a"))
        .succeeds();
    scratch
        .nn("data convert t.csv --run a -o all.nnrows")
        .succeeds_with_note("");
    let of_table = scratch.nn("predict a t.csv").succeeds_with_note("");
    assert_eq!(scratch.nn("predict a all.nnrows").succeeds(), of_table);
    scratch.nn("predict a all.nnrows -o out.csv").succeeds();
    assert_eq!(scratch.read("out.csv"), of_table);
    let json = scratch.nn("predict a all.nnrows --json").succeeds();
    let last: Value = serde_json::from_str(json.lines().last().expect("1200 rows")).unwrap();
    assert_eq!(last["row"], 1200);
    let id = scratch.nn("predict a all.nnrows --id a");
    id.refuses(2, &["--id", "expected a CSV file"]);
    // A file that was encoded for itself is for another model.
    scratch
        .nn("data convert t.csv --target label -o other.nnrows")
        .succeeds_with_note("");
    let other = scratch.nn("evaluate a --data other.nnrows");
    other.refuses(3, &["other.nnrows", "encoded for another model"]);
}

/// With as many fitted rows as there are training rows, the streamed file is fitted to all of them.
#[test]
fn a_table_is_converted_in_blocks() {
    let scratch = converted();
    let convert = "data convert t.csv --target label --ignore part --fit-rows 5000";
    scratch
        .nn(&format!("{convert} -o s.nnrows"))
        .succeeds_with_note("");
    let info = scratch.nn("data info s.nnrows --json").succeeds();
    let info: Value = serde_json::from_str(&info).unwrap();
    let counts = ["train", "validation", "test"].map(|it| info["rows"][it].as_u64().unwrap());
    assert_eq!(counts.iter().sum::<u64>(), 1200);
    // A tenth of all rows, and a tenth of the others, with a deviation of at most 5 sigma.
    assert!(
        counts[2].abs_diff(120) < 52 && counts[1].abs_diff(108) < 50,
        "{counts:?}"
    );
    let columns = &info["description"]["preprocessing"]["inputs"]["columns"];
    assert_eq!(
        columns[2]["encoding"]["one-hot"].as_array().unwrap().len(),
        3
    );
    let trained = scratch.train("s", &format!("--data s.nnrows {TRAIN}"));
    assert!(trained["test_accuracy"].as_f64().unwrap() > 0.5);
    // Few fitted rows draw different ones for another seed.
    for (seed, name) in [(0, "x"), (0, "y"), (1, "z")] {
        let line = "data convert t.csv --target label --ignore part --fit-rows 30";
        scratch
            .nn(&format!("{line} --seed {seed} -o {name}.nnrows"))
            .succeeds_with_note("");
    }
    let file = |name: &str| {
        let line = format!("data info {name}.nnrows --json");
        let info: Value = serde_json::from_str(&scratch.nn(&line).succeeds()).unwrap();
        info["description"]["preprocessing"].clone()
    };
    assert!(file("x") == file("y") && file("x") != file("z"));
    let line = "data convert s.nnrows --fit-rows 5 -o w.nnrows";
    scratch.nn(line).refuses(
        3,
        &[
            "s.nnrows",
            "expected a text table to read in blocks, found a file of rows",
        ],
    );
}

#[test]
fn images_keep_their_bytes() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("digits")).unwrap();
    scratch.file("digits/train-images-idx3-ubyte", idx_images(60));
    let labels: Vec<u8> = (0..60).map(|row| row % 3).collect();
    scratch.file("digits/train-labels-idx1-ubyte", idx_labels(&labels));
    scratch
        .nn("data convert digits -o d.nnrows")
        .succeeds_with_note("");
    let info = scratch.nn("data info d.nnrows").succeeds();
    assert!(
        info.contains("images ") && info.contains("classes   3: 0, 1, 2"),
        "{info}"
    );
    let flags = "--hidden 4 --batch-size full --epochs 2 --no-report";
    scratch.train("rows", &format!("--data d.nnrows {flags}"));
    let augmented = scratch.nn(&format!("train --data d.nnrows {flags} --augment shift"));
    augmented.refuses(2, &["--augment", "is a file of rows"]);
}

/// A killed run ends with the weights of a run that was not killed.
#[test]
fn a_killed_run_is_resumed_with_another_memory() {
    let scratch = converted();
    let flags = format!(
        "--data t.nnrows {}",
        TRAIN.replace("--epochs 3", "--epochs 40")
    );
    let whole = scratch.train("whole", &flags);
    let line = format!("train {flags} --name cut --checkpoint-interval 0");
    let mut child = scratch
        .command()
        .args(line.split_whitespace())
        .spawn()
        .expect("the program starts");
    let n_checkpoints = || {
        let folder = fs::read_dir(scratch.path("runs/cut/checkpoint"));
        folder.map_or(0, Iterator::count)
    };
    while n_checkpoints() < 2 && child.try_wait().expect("the child is ours").is_none() {
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("the child is ours");
    let status = child.wait().expect("the child is ours");
    assert!(!status.success(), "it was killed, and not done already");
    scratch
        .nn("train --resume cut --data-memory 0 --threads 3 --no-report")
        .succeeds();
    let cut = scratch.json("runs/cut/summary.json");
    assert_eq!(cut["weights_sha256"], whole["weights_sha256"]);
    assert!(cut["weights_sha256"].is_string());
}

#[test]
fn damaged_files_are_refused() {
    let scratch = converted();
    let whole = fs::read(scratch.path("t.nnrows")).unwrap();
    scratch.file("cut.nnrows", &whole[..whole.len() / 2]);
    let train = |name: &str| scratch.nn(&format!("train --data {name} {TRAIN}"));
    train("cut.nnrows").refuses(3, &["cut.nnrows", "truncated"]);
    let mut inputs = whole.clone();
    inputs[300] ^= 1;
    scratch.file("bit.nnrows", &inputs);
    let ended = train("bit.nnrows");
    assert_eq!(ended.code, Some(3));
    let expected =
        "bit.nnrows: damaged file of rows: inputs of block 0 (at byte 8): expected CRC-32";
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    scratch.file("foreign.nnrows", "");
    train("foreign.nnrows").refuses(3, &["foreign.nnrows", "not a file of rows"]);
    train("missing.nnrows").refuses(5, &["missing.nnrows"]);
    let other = format!("train --data t.nnrows --validation 0.3 {TRAIN}");
    scratch
        .nn(&other)
        .refuses(2, &["--validation", "converted with 0.1, found 0.3"]);
    scratch
        .nn(CONVERT)
        .refuses(2, &["t.nnrows", "found an existing one"]);
}
