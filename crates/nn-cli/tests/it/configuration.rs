//! Flags, aliases and `--config`: the same settings give the same weights.

use serde_json::Value;

use crate::support::{Scratch, TWO_EPOCHS, csv, trees};

fn sha(summary: &Value) -> &str {
    summary["weights_sha256"].as_str().expect("a checksum")
}

#[test]
fn weights_depend_on_the_seed_and_not_on_threads() {
    let scratch = Scratch::new();
    let flags = "--data glyphs --limit-train 400 --hidden 33,17 --dropout 0.2 --epochs 2";
    let first = scratch.train("first", flags);
    assert_eq!(sha(&scratch.train("again", flags)), sha(&first));
    for threads in [1, 2, 3, 4, 7, 8] {
        let name = format!("t{threads}");
        let summary = scratch.train(&name, &format!("{flags} --threads {threads}"));
        assert_eq!(summary["threads"], threads);
        assert_eq!(sha(&summary), sha(&first), "{threads} threads");
    }
    assert_ne!(
        sha(&scratch.train("other", &format!("{flags} --seed 1"))),
        sha(&first)
    );
}

#[test]
fn deformed_images_depend_on_neither_threads_nor_batches_before() {
    let scratch = Scratch::new();
    let flags = "--data glyphs --limit-train 300 --hidden 12 --epochs 2";
    let plain = scratch.train("plain", flags);
    for (name, augment) in [("both", "affine,elastic"), ("shift", "shift:pixels=1")] {
        let flags = format!("{flags} --augment {augment}");
        let first = scratch.train(&format!("{name}-1"), &format!("{flags} --threads 1"));
        let third = scratch.train(&format!("{name}-3"), &format!("{flags} --threads 3"));
        assert_eq!(sha(&first), sha(&third), "{augment}");
        assert_ne!(sha(&first), sha(&plain), "{augment}");
    }
    let none = scratch.train("none", &format!("{flags} --augment none"));
    assert_eq!(sha(&none), sha(&plain));
}

#[test]
fn a_runs_config_gives_the_same_weights_again() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    scratch.file(
        "sum.csv",
        csv("a,b,weight,total", 120, |i, x, y| {
            format!("{x:.3},{y:.3},{},{:.3}", 1 + i % 3, x + 2.0 * y)
        }),
    );
    let small = "--data glyphs --limit-train 250 --epochs 2";
    let configurations = [
        format!("{small} --hidden 20,10 --batch-norm --dropout 0.3 --seed 9223372036854775807"),
        format!("{small} --hidden 12,8,6 --activation tanh,leaky-relu:slope=0.2,elu:alpha=0.5"),
        format!("{small} --hidden 9 --schedule step:every=3:factor=0.3 --lr 0.1 --optimizer momentum:momentum=0.8"),
        format!("{small} --hidden 9 --class-weight balanced --positive-class 3 --loss hinge"),
        format!("{small} --hidden 9 --class-weight 1,2,1,1,1,0.5,1,1,1,3 --label-smoothing 0.1"),
        format!("{small} --hidden \"\" --init normal:std=0.01 --bias-init constant:value=0.1 --batch-size full"),
        format!("{small} --hidden 16 --l1 1e-5 --l2 1e-4 --max-norm 2 --clip-norm 1 --clip-value 0.1 --averaging 0.9 --patience 1"),
        format!("{small} --hidden 16 --output-init zeros --bias-init normal --drop-last --patience 2 --monitor error"),
        format!("{small} --hidden 16 --augment affine:rotation=5,elastic:alpha=20 --batch-size full"),
        "--data trees.csv --target tree --ignore colour --hidden 7 --epochs 3 --validation 0.2 --test-split 0.25".to_owned(),
        "--data sum.csv --target total --sample-weight weight --task regress --hidden 7 --epochs 3 --header yes --reduction sum".to_owned(),
        "--data trees.csv --target tree --preset tabular --hidden 9,9 --epochs 3".to_owned(),
        "--data sum.csv --target total --task regress --preset tabular --numeric-embedding piecewise-linear --epochs 2 --lr-factors bias=0.5".to_owned(),
        "--data sum.csv --target total --task regress --preset tabular-fast --hidden 8 --epochs 3".to_owned(),
    ];
    for (index, flags) in configurations.iter().enumerate() {
        let first = scratch.train(&format!("first-{index}"), flags);
        let again = scratch.train(
            &format!("again-{index}"),
            &format!("--config runs/first-{index}/config.toml"),
        );
        assert_eq!(sha(&first), sha(&again), "{flags}");
        assert_eq!(
            scratch.read(format!("runs/first-{index}/config.toml")),
            scratch.read(format!("runs/again-{index}/config.toml")),
            "{flags}"
        );
    }
}

#[test]
fn flags_win_over_the_file_and_the_file_over_defaults() {
    let scratch = Scratch::new();
    scratch.file(
        "my.toml",
        "data = \"glyphs\"\nlimit-train = 100\nhidden = \"5\"\nepochs = 2\nlr = 0.25\n",
    );
    let summary = scratch.train("a", "--config my.toml --hidden 6 --seed 3");
    assert_eq!(summary["layers"], serde_json::json!([784, 6, 10]));
    assert_eq!(
        (&summary["epochs"], &summary["seed"]),
        (&2.into(), &3.into())
    );
    let written = scratch.read("runs/a/config.toml");
    for line in [
        "lr = 0.25",
        "hidden = \"6\"",
        "optimizer = \"adam\"",
        "batch-size = \"64\"",
    ] {
        assert!(written.lines().any(|found| found == line), "{written}");
    }
}

#[test]
fn common_spellings_work() {
    let scratch = Scratch::new();
    let plain = scratch.train(
        "plain",
        "--data glyphs --limit-train 200 --hidden 11 --lr 0.2 --optimizer sgd --batch-size 20 \
         --epochs 2 --seed 5 --l2 0.001 --validation 0.2 --patience 3",
    );
    for (index, flags) in [
        "--hidden-layer-sizes 11 --learning-rate 0.2 --optimizer sgd --batch 20 --max-iter 2 \
         --random-state 5 --l2 0.001 --val-split 0.2 --patience 3",
        "--hidden 11 --learning-rate-init 0.2 --optimizer sgd --batch 20 --max-iter 2 \
         --random-state 5 --l2 0.001 --validation-split 0.2 --patience 3",
        "--hidden 11 --lr0 0.2 --optimizer sgd --batch 20 --epochs 2 --seed 5 --l2 0.001 \
         --validation 0.2 --patience 3 --criterion cross-entropy --lr-scheduler constant",
    ]
    .iter()
    .enumerate()
    {
        let summary = scratch.train(
            &format!("alias-{index}"),
            &format!("--data glyphs --limit-train 200 {flags}"),
        );
        assert_eq!(sha(&summary), sha(&plain), "{flags}");
    }
}

/// scikit-learn's sgd has Nesterov momentum, PyTorch's weight decay is adamw's
/// own; what has no equal is refused with what to type.
#[test]
fn spellings_of_others_mean_what_they_mean_there() {
    let scratch = Scratch::new();
    let small = "--data glyphs --limit-train 200 --hidden 11 --epochs 2";
    for (index, (theirs, ours)) in [
        ("--solver sgd --lr 0.1", "--optimizer nesterov --lr 0.1"),
        (
            "--optimizer adamw --weight-decay 0.5",
            "--optimizer adamw:weight-decay=0.5",
        ),
        (
            "--optimizer adamw --weight-decay 0",
            "--optimizer adamw:weight-decay=0",
        ),
        (
            "--optimizer adamw:weight-decay=0.5 --weight-decay 0.5",
            "--optimizer adamw:weight-decay=0.5",
        ),
    ]
    .iter()
    .enumerate()
    {
        let [theirs_run, ours_run] = [("a", theirs), ("b", ours)].map(|(name, flags)| {
            scratch.train(&format!("{name}{index}"), &format!("{small} {flags}"))
        });
        assert_eq!(sha(&theirs_run), sha(&ours_run), "{theirs}");
        // What was resolved trains the same again.
        let again = format!("--config runs/a{index}/config.toml");
        let again = scratch.train(&format!("again{index}"), &again);
        assert_eq!(sha(&again), sha(&ours_run), "{theirs}");
    }
    let l2 = scratch.train("l2", &format!("{small} --optimizer sgd --l2 0.1"));
    let decay = scratch.train(
        "decay",
        &format!("{small} --optimizer sgd --weight-decay 0.1"),
    );
    assert_ne!(sha(&l2), sha(&decay), "biases decay, too");
    assert!(
        scratch
            .read("runs/decay/config.toml")
            .contains("weight-decay = 0.1")
    );
    let again = scratch.train("decay-again", "--config runs/decay/config.toml");
    assert_eq!(sha(&again), sha(&decay));
    for (flags, parts) in [
        ("--alpha 0.0001", &["--alpha", "--l2 1.5625e-6"][..]),
        ("--iterations 100", &["--iterations", "--epochs"]),
        ("--layers 784,10", &["--layers", "--hidden"]),
        (
            "--n-iter-no-change 3",
            &["--n-iter-no-change", "--patience 3"],
        ),
        (
            "--learning-rate constant",
            &["--learning-rate", "--schedule constant"],
        ),
        ("--init he-normal", &["truncated", "use he"]),
        (
            "--loss bce",
            &["mean over the outputs", "binary-cross-entropy"],
        ),
        (
            "--optimizer adamw:weight-decay=0.1 --weight-decay 0.2",
            &["--weight-decay", "0.1", "0.2"],
        ),
        (
            "--optimizer rprop --weight-decay 0.2",
            &["weight decay", "rprop"],
        ),
        ("--weight-decay -1", &["--weight-decay: ", "found -1"]),
    ] {
        let line = format!("train {small} --name no {flags}");
        let error = scratch.nn(&line).fails(2);
        for part in parts {
            assert!(error.contains(part), "{flags}: {error}");
        }
        assert!(!scratch.path("runs/no").exists(), "{flags}");
    }
}

#[test]
fn wrong_settings_are_refused_before_anything_is_written() {
    let scratch = Scratch::new();
    for (flags, parts) in [
        ("--hidden 12x", &["--hidden", "12x"][..]),
        ("--hidden 0", &["expected 1", "found 0"]),
        (
            "--hidden 4,4 --activation relu,relu,relu",
            &["expected 1 or 2", "found 3"],
        ),
        ("--batch-size 0", &["--batch-size", "found \"0\""]),
        ("--batch-size many", &["--batch-size", "found \"many\""]),
        ("--epochs 0", &["--epochs: ", "found 0"]),
        ("--lr nan", &["--lr: ", "found NaN"]),
        ("--lr -1", &["--lr: ", "found -1"]),
        ("--dropout 1", &["--dropout: ", "found 1"]),
        ("--l2 -1", &["--l2: ", "found -1"]),
        ("--validation 1", &["--validation", "found 1"]),
        ("--limit-train 0", &["--limit-train", "found 0"]),
        ("--reduction max", &["mean or sum", "max"]),
        ("--monitor accuracy", &["loss or error", "accuracy"]),
        (
            "--monitor error",
            &["--monitor error: chooses the best epoch", "--patience 10"],
        ),
        ("--positive-class 10", &["below 10", "found 10"]),
        (
            "--class-weight 1,2",
            &["--class-weight: expected 10", "found 2"],
        ),
        ("--class-weight heavy", &["--class-weight", "heavy"]),
        (
            "--class-weight 0,0,0,0,0,0,0,0,0,0",
            &["--class-weight: expected at least one number above 0"],
        ),
        (
            "--loss cross-entropy --output-activation relu",
            &["cross-entropy", "softmax"],
        ),
        (
            "--activation leaky-relu:slop=1",
            &["no parameter \"slop\"", "slope"],
        ),
        ("--activation leaky-relu:slope=x", &["slope", "\"x\""]),
        (
            "--augment blur",
            &["--augment: unknown", "\"blur\"", "elastic"],
        ),
        ("--augment shift:pixels=-1", &["pixels", "found \"-1\""]),
        ("--config nothing.toml", &["nothing.toml"]),
    ] {
        let code = if flags.starts_with("--config") { 5 } else { 2 };
        let limit = match flags {
            "--limit-train 0" => "",
            // Enough for a validation row of each class, so that nothing is said before.
            _ => "--limit-train 200",
        };
        scratch
            .nn(&format!("train --data glyphs {limit} {flags}"))
            .refuses(code, parts);
    }
    assert!(!scratch.path("runs").exists());
    // What clap finds has clap's form.
    for flags in [
        "--seed 18446744073709551615",
        "--epochs -1",
        "--threads 0",
        "--bogus",
        "--lr abc",
    ] {
        let ended = scratch.nn(&format!("train {flags}"));
        assert_eq!((ended.code, &ended.stdout[..]), (Some(2), ""), "{flags}");
        assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    }
}

/// With an output layer of zeros, every class has the same probability.
#[test]
fn the_output_layer_has_its_own_initial_weights() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    let flags = "--data trees.csv --hidden 4 --bias-init constant:value=3 --optimizer sgd \
        --lr 1e-30 --epochs 1 --calibrate none --no-report";
    let log_loss = |name: &str, more: &str| {
        scratch.train(name, &format!("{flags} {more}"));
        scratch.json(format!("runs/{name}/summary.json"))["test_log_loss"]
            .as_f64()
            .expect("classes")
    };
    let equal = 3_f64.ln();
    assert!((log_loss("zeros", "--output-init zeros") - equal).abs() < 1e-6);
    assert!((log_loss("random", "") - equal).abs() > 1e-3);
}

#[test]
fn a_check_of_no_parameter_is_no_check() {
    let ended = Scratch::new().nn("gradcheck --data glyphs --parameters 0");
    assert_eq!((ended.code, &ended.stdout[..]), (Some(2), ""));
    assert!(
        ended.stderr.contains("--parameters: 0 is not in 1.."),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_table_is_described_column_by_column() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    let shown = scratch.nn("data info trees.csv").succeeds();
    assert!(shown.starts_with("240 rows, 4 columns separated by commas, names in the first row\n"));
    let line = "colour  category        0         3  red, green, blue   one-hot, 3 categories\n";
    assert!(shown.contains(line), "{shown}");
    let json = scratch
        .nn("data info trees.csv --target u --json")
        .succeeds();
    let read: Value = serde_json::from_str(&json).expect("one object");
    assert_eq!(read["table"]["rows"], 240);
    assert_eq!(read["table"]["task"], "regression");
    assert_eq!(read["table"]["columns"][2]["distinct"], 3);
    scratch
        .nn("data info trees.csv --target w")
        .refuses(2, &["unknown column \"w\""]);
}

#[test]
fn wrong_config_files_are_refused() {
    let scratch = Scratch::new();
    let folder = scratch.path("folder");
    std::fs::create_dir(&folder).expect("the temporary folder is writable");
    for (name, bytes, code, parts) in [
        (
            "unknown.toml",
            &b"learning = 1"[..],
            2,
            &["unknown.toml", "learning"][..],
        ),
        ("syntax.toml", b"lr = = 1", 2, &["syntax.toml", "line 1"]),
        (
            "type.toml",
            b"epochs = \"many\"",
            2,
            &["type.toml", "epochs"],
        ),
        (
            "latin1.toml",
            b"data = \"caf\xe9\"",
            3,
            &["latin1.toml", "byte offset 11"],
        ),
    ] {
        scratch.file(name, bytes);
        scratch
            .nn(&format!("train --config {name}"))
            .refuses(code, parts);
    }
    scratch.file("long.toml", vec![b'#'; (1 << 20) + 1]);
    scratch.nn("train --config long.toml").refuses(
        3,
        &[
            "long.toml: expected",
            "at most 1048576 bytes, found 1048577",
        ],
    );
    scratch
        .nn("train --config folder")
        .refuses(3, &["folder: not a regular file"]);
    if cfg!(unix) {
        scratch
            .nn("train --config /dev/zero")
            .refuses(3, &["/dev/zero: not a regular file"]);
    }
}

#[test]
fn the_data_folder_comes_from_the_environment_too() {
    let scratch = Scratch::new();
    scratch.file("elsewhere/mnist/train-images-idx3-ubyte", "not IDX");
    let output = scratch
        .command()
        .env("NN_DATA_DIR", "elsewhere")
        .args(["data", "info", "mnist"])
        .output()
        .expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("missing   "),
        "one of four files is not the data set: {text}"
    );
    let summary = scratch.train("a", &format!("{TWO_EPOCHS} --data-dir nowhere"));
    assert_eq!(summary["dataset"], "glyphs");
}
