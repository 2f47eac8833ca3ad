//! Training runs that are started, watched and controlled through the API of the page,
//! and the commands that repeat them.

use serde_json::{Value, json};

use crate::live::Server;
use crate::support::Scratch;

const FLAGS: &str =
    "--data glyphs --limit-train 600 --hidden 16,8 --batch-size 32 --epochs 3 --seed 4";

/// The `train ...` of a command on the page.
fn arguments(command: &Value) -> String {
    let command = command.as_str().expect("a command");
    let (_, arguments) = command.split_once("nn ").expect("it starts nn");
    arguments.to_owned()
}

fn repeat(scratch: &Scratch, command: &Value) -> Value {
    let before = scratch.shell("ls runs 2>/dev/null; true").stdout;
    let program = env!("CARGO_BIN_EXE_nn");
    let line = format!("{program} {} --no-report", arguments(command));
    assert_eq!(scratch.shell(&line).code, Some(0), "{line}");
    let after = scratch.shell("ls runs").stdout;
    let name = after
        .lines()
        .find(|name| !before.contains(name))
        .expect("a new run")
        .to_owned();
    scratch.json(format!("runs/{name}/summary.json"))
}

#[test]
fn the_command_repeats_the_training() {
    for extra in [
        "",
        " --optimizer sgd --lr 0.2 --dropout 0.2",
        " --optimizer sgd --augment shift",
        " --batch-norm --averaging 0.9 --patience 2 --activation gelu --schedule step",
    ] {
        let server = Server::without_data("");
        server.train(&[&format!("{FLAGS}{extra}")], false);
        let training = &server.until_done()[0];
        let summary = repeat(&server.scratch, &training["command"]);
        for key in [
            "weights_sha256",
            "test_accuracy",
            "test_loss",
            "validation_loss",
            "layers",
            "epochs",
        ] {
            assert_eq!(training["summary"][key], summary[key], "{key} {extra}");
        }
    }
}

#[test]
fn pauses_and_single_steps_change_no_bit() {
    let server = Server::without_data("");
    server.train(&[FLAGS], true);
    let training = &server.until(|trainings| trainings[0]["phase"] == "paused")[0];
    assert_eq!(training["step"], 0);
    for step in 1..=5 {
        server.control(json!({ "action": "step" }));
        let training = &server.until(|trainings| trainings[0]["step"] == step)[0];
        assert_eq!(training["curve"].as_array().map(Vec::len), Some(step));
        assert_eq!(training["gradients"].as_array().map(Vec::len), Some(3));
    }
    server.control(json!({ "action": "resume" }));
    server.control(json!({ "action": "pause" }));
    server.control(json!({ "action": "resume" }));
    let training = &server.until_done()[0];
    let whole = server.scratch.train("whole", FLAGS);
    assert_eq!(
        training["summary"]["weights_sha256"],
        whole["weights_sha256"]
    );
}

#[test]
fn a_changed_learning_rate_is_shown() {
    let server = Server::without_data("");
    let started = server.train(&[FLAGS], true);
    assert_eq!(started["trainings"][0]["network"], "784-16-8-10");
    server.control(json!({ "action": "step" }));
    server.control(json!({ "action": "rate", "learning_rate": 0.05 }));
    server.control(json!({ "action": "resume" }));
    let training = &server.until_done()[0];
    assert_eq!(training["learning_rate_changes"], json!([[1, 0.05]]));
    assert_eq!(training["learning_rate"], 0.05);
    assert_eq!(
        training["summary"]["learning_rate_changes"],
        json!([[1, 0.05]])
    );
    let unchanged = server.scratch.train("unchanged", FLAGS);
    assert_ne!(
        training["summary"]["weights_sha256"],
        unchanged["weights_sha256"]
    );
}

#[test]
fn pictures_come_with_the_numbers() {
    let server = Server::without_data("");
    server.train(&[FLAGS], false);
    server.until_done();
    let mut events = server.events();
    let pictures = loop {
        let (name, value) = events.next();
        if name == "pictures" {
            break value;
        }
    };
    let weights = &pictures[0]["weights"];
    assert_eq!(weights["images"].as_array().map(Vec::len), Some(16));
    assert!(weights["scale"].as_f64().is_some_and(|scale| scale > 0.0));
    let counts: Vec<Vec<u64>> =
        serde_json::from_value(pictures[0]["confusion"]["counts"].clone()).expect("counts");
    assert_eq!(counts.len(), 10);
    assert_eq!(
        counts.iter().flatten().sum::<u64>(),
        60,
        "all validation samples"
    );
}

#[test]
fn a_training_becomes_a_run() {
    let server = Server::without_data("");
    server.train(&[FLAGS], false);
    let training = &server.until_done()[0];
    let saved = server
        .post("/api/save", &json!({ "training": 0, "name": "mine" }))
        .json();
    assert_eq!(saved["path"], "runs/mine");
    let scratch = &server.scratch;
    let summary = scratch.json("runs/mine/summary.json");
    assert_eq!(
        summary["weights_sha256"],
        training["summary"]["weights_sha256"]
    );
    assert_eq!(scratch.read("runs/mine/metrics.csv").lines().count(), 4);
    assert!(scratch.path("runs/mine/report.html").exists());
    assert_eq!(
        scratch.evaluate("mine", "")["accuracy"],
        summary["test_accuracy"]
    );
    let again = scratch.train("again", "--config runs/mine/config.toml");
    assert_eq!(again["weights_sha256"], summary["weights_sha256"]);
    // And it can be drawn for.
    let answer = server.predict("run:mine", 28, &[0; 784]);
    assert_eq!(answer.json()["blank"], true);
}

#[test]
fn a_training_that_is_stopped_can_be_saved_and_resumed() {
    let server = Server::without_data("");
    server.train(&[FLAGS], true);
    for _ in 0..20 {
        server.control(json!({ "action": "step" }));
    }
    server.control(json!({ "action": "stop" }));
    let training = &server.until(|trainings| trainings[0]["phase"] == "stopped")[0];
    assert_eq!(training["epochs_done"].as_f64().map(f64::floor), Some(1.0));
    let saved = server
        .post("/api/save", &json!({ "training": 0, "name": null }))
        .json();
    assert_eq!(saved["path"], "runs/glyphs-1");
    server.scratch.nn("train --resume glyphs-1").succeeds();
    let resumed = server.scratch.json("runs/glyphs-1/summary.json");
    let whole = server.scratch.train("whole", FLAGS);
    assert_eq!(resumed["weights_sha256"], whole["weights_sha256"]);
}

#[test]
fn a_network_is_downloaded_in_other_formats() {
    let server = Server::without_data("");
    server.train(&[FLAGS], false);
    server.until_done();
    server.post("/api/save", &json!({ "training": 0, "name": "mine" }));
    let ask = |network: &str, format: &str| {
        server.post(
            "/api/export",
            &json!({ "network": network, "format": format }),
        )
    };
    let scratch = &server.scratch;
    for format in ["onnx", "c", "safetensors"] {
        scratch
            .nn(&format!("export mine --format {format}"))
            .succeeds();
        for (network, name) in [("training", "network"), ("run:mine", "mine")] {
            let answer = ask(network, format);
            assert_eq!(answer.status, 200, "{}", answer.head);
            let named = format!("attachment; filename=\"{name}.{format}\"");
            assert!(answer.head.contains(&named), "{}", answer.head);
            // The rows of the self-test of C code are random here.
            if format != "c" {
                let written = std::fs::read(scratch.path(format!("mine.{format}")));
                assert_eq!(answer.body, written.expect("the file is written"));
            } else {
                let text = String::from_utf8(answer.body).expect("source code");
                assert!(text.contains("void nn_predict(const float *values, float *output)"));
            }
        }
    }
    assert_eq!(ask("run:other", "onnx").status, 404);
    assert_eq!(ask("training", "keras").status, 422);
    let body = json!({ "network": "training", "format": "onnx" }).to_string();
    let json = "content-type: application/json\r\n";
    assert_eq!(server.post_with("/api/export", json, &body).status, 403);
    assert_eq!(server.get("/api/export").status, 405);
}

#[test]
fn two_trainings_side_by_side_start_alike() {
    let server = Server::without_data("");
    let small = "--data glyphs --limit-train 600 --hidden 12 --epochs 2";
    for [a, b] in [
        ["--optimizer sgd", "--optimizer adam"],
        ["--activation relu", "--activation tanh"],
    ] {
        server.train(&[&format!("{small} {a}"), &format!("{small} {b}")], false);
        let trainings = server.until_done();
        assert_eq!(
            trainings[0]["initial_sha256"], trainings[1]["initial_sha256"],
            "{a}, {b}"
        );
        assert_ne!(
            trainings[0]["summary"]["weights_sha256"],
            trainings[1]["summary"]["weights_sha256"]
        );
        for training in &trainings {
            let summary = repeat(&server.scratch, &training["command"]);
            assert_eq!(
                training["summary"]["weights_sha256"], summary["weights_sha256"],
                "{training}"
            );
        }
    }
    server.train(
        &[
            &format!("{small} --init he"),
            &format!("{small} --init zeros"),
        ],
        false,
    );
    let trainings = server.until_done();
    assert_ne!(
        trainings[0]["initial_sha256"], trainings[1]["initial_sha256"],
        "they depend on the setting"
    );
}

#[test]
fn a_training_run_is_diagnosed_as_nn_doctor_does() {
    let server = Server::without_data("");
    let nothing = server.post("/api/diagnose", &json!({ "training": 0 }));
    assert_eq!(nothing.status, 409);
    server.train(&[&format!("{FLAGS} --init zeros")], false);
    server.until_done();
    let missing = server.post("/api/diagnose", &json!({ "training": 1 }));
    assert_eq!(missing.status, 422);
    let shown = server
        .post("/api/diagnose", &json!({ "training": 0 }))
        .json();
    assert_eq!(shown["cures"][0]["settings"], json!([["init", "he"]]));
    server.post("/api/save", &json!({ "training": 0, "name": "mine" }));
    let said = server.scratch.nn("doctor mine --json").succeeds();
    let said: Value = serde_json::from_str(&said).expect("one JSON object");
    for part in ["title", "checks", "cures"] {
        assert_eq!(shown[part], said[part]);
    }
}

#[test]
fn a_diverged_training_run_says_where() {
    let server = Server::without_data("");
    server.train(&[&format!("{FLAGS} --optimizer sgd --lr 1e30")], false);
    let training = &server.until(|trainings| trainings[0]["phase"] == "failed")[0];
    let message = training["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("layer") && message.contains("learning rate"),
        "{message}"
    );
    let refused = server.post("/api/save", &json!({ "training": 0, "name": "a" }));
    assert_eq!(refused.status, 422);
    // The next one is not affected.
    server.train(&[FLAGS], false);
    server.until_done();
}

#[test]
fn a_diverged_training_run_is_rolled_back_if_the_settings_ask_for_it() {
    let server = Server::without_data("");
    let halving = format!("{FLAGS} --optimizer sgd --lr 1e6 --on-divergence halve-lr");
    server.train(&[&halving], false);
    let training = &server.until_done()[0];
    let rollbacks = training["rollbacks"].as_array().expect("a list");
    let first = rollbacks[0].as_str().unwrap_or_default();
    assert!(
        first.contains("starts again with learning rate 500000"),
        "{first}"
    );
    assert_eq!(
        training["learning_rate"].as_f64(),
        Some(1e6 * 0.5_f64.powi(rollbacks.len() as i32))
    );
    assert_eq!(training["learning_rate_changes"], json!([]), "none by hand");
    let summary = repeat(&server.scratch, &training["command"]);
    for key in ["weights_sha256", "test_loss", "train_loss"] {
        assert_eq!(training["summary"][key], summary[key], "{key}");
    }

    server.train(&[&halving.replace("--lr 1e6", "--lr 1e9")], false);
    let training = &server.until(|trainings| trainings[0]["phase"] == "failed")[0];
    let message = training["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("the learning rate was halved 10 times"),
        "{message}"
    );
}

#[test]
fn a_training_run_with_rollback_is_resumed_to_the_same_weights() {
    let server = Server::without_data("");
    let halving = format!("{FLAGS} --on-divergence halve-lr");
    server.train(&[&halving], true);
    for _ in 0..25 {
        server.control(json!({ "action": "step" }));
    }
    server.control(json!({ "action": "stop" }));
    server.until(|trainings| trainings[0]["phase"] == "stopped");
    server.post("/api/save", &json!({ "training": 0, "name": "mine" }));
    server.scratch.nn("train --resume mine").succeeds();
    let resumed = server.scratch.json("runs/mine/summary.json");
    let whole = server.scratch.train("whole", &halving);
    assert_eq!(resumed["weights_sha256"], whole["weights_sha256"]);
}

#[test]
fn a_rollback_halves_the_learning_rate_chosen_by_hand() {
    let server = Server::without_data("");
    let flags = format!("{FLAGS} --optimizer sgd --lr 0.01 --on-divergence halve-lr");
    server.train(&[&flags], true);
    for _ in 0..3 {
        server.control(json!({ "action": "step" }));
    }
    server.control(json!({ "action": "rate", "learning_rate": 1e8 }));
    server.control(json!({ "action": "resume" }));
    let training = &server.until_done()[0];
    let first = training["rollbacks"][0].as_str().unwrap_or_default();
    assert!(
        first.contains("training starts again after step 3 with learning rate 50000000"),
        "{first}"
    );
    let found = &training["learning_rate"];
    assert_eq!(training["learning_rate_changes"], json!([[3, found]]));
    assert_eq!(
        training["summary"]["learning_rate_changes"],
        json!([[3, found]])
    );
}

#[test]
fn a_table_can_be_trained_on_too() {
    let server = Server::without_data("");
    server.scratch.file("trees.csv", crate::support::trees());
    server.train(&["--data trees.csv --epochs 3"], false);
    let training = &server.until_done()[0];
    let summary = repeat(&server.scratch, &training["command"]);
    assert_eq!(
        training["summary"]["weights_sha256"],
        summary["weights_sha256"]
    );
}

#[test]
fn a_training_of_another_page_is_not_stopped_without_a_question() {
    let server = Server::without_data("");
    let words = "--data glyphs --limit-train 200 --hidden 8 --epochs 1000000";
    let start = |may_stop: Value| {
        let words: Vec<&str> = words.split(' ').collect();
        let request = json!({ "trainings": [words], "may_stop": may_stop });
        server.post("/api/start", &request)
    };
    let first = server.train(&[words], false)["session"].clone();
    for may_stop in [Value::Null, json!(0), json!(99)] {
        let refused = start(may_stop);
        assert_eq!(refused.status, 409, "{}", refused.text());
        let refused: Value = serde_json::from_slice(&refused.body).expect("it is JSON");
        assert_eq!(refused["session"], first);
        let error = refused["error"].as_str().unwrap_or_default();
        assert!(error.contains("training 784-8-10 on glyphs"), "{error}");
    }
    // A training that is paused can still be continued.
    server.control(json!({ "action": "pause" }));
    server.until(|trainings| trainings[0]["phase"] == "paused");
    assert_eq!(start(Value::Null).status, 409);
    let second = start(first.clone()).json()["session"].clone();
    assert_ne!(second, first);
    assert_eq!(start(first).status, 409, "the second one is trained now");
    server.control(json!({ "action": "stop" }));
    server.until(|trainings| trainings[0]["phase"] == "stopped");
    assert_eq!(start(Value::Null).status, 200, "nothing is being trained");
}

#[test]
fn of_two_pages_that_start_at_once_one_is_refused() {
    let server = Server::without_data("");
    let words = "--data glyphs --limit-train 200 --hidden 8 --epochs 1000000";
    let words: Vec<&str> = words.split(' ').collect();
    let request = json!({ "trainings": [words] });
    let mut statuses = std::thread::scope(|scope| {
        let start = |_| scope.spawn(|| server.post("/api/start", &request).status);
        let pages: Vec<_> = (0..4).map(start).collect();
        pages
            .into_iter()
            .map(|page| page.join().expect("it ends"))
            .collect::<Vec<_>>()
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409]);
}

#[test]
fn the_page_knows_which_networks_read_drawings() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", crate::support::trees());
    scratch.train("digits", FLAGS);
    scratch.train("trees", "--data trees.csv --epochs 1");
    let server = Server::start(scratch, "trees");
    let state = server.get("/api/state").json();
    assert_eq!(state["opened"]["reads_drawings"], false);
    let reads = |name: &str| {
        let runs = state["runs"].as_array().expect("a list");
        let run = runs.iter().find(|run| run["name"] == name);
        run.expect("it is listed")["reads_drawings"].clone()
    };
    assert_eq!(
        (reads("digits"), reads("trees")),
        (json!(true), json!(false))
    );
    for (flags, expected) in [("--data trees.csv --epochs 1", false), (FLAGS, true)] {
        server.train(&[flags], false);
        server.until_done();
        let state = server.get("/api/state").json();
        assert_eq!(state["session"]["reads_drawings"], expected, "{flags}");
    }
}

#[test]
fn an_invalid_setting_is_named() {
    let server = Server::without_data("");
    let check = |trainings: &[&[&str]]| {
        let request = json!({ "trainings": trainings });
        server.post("/api/check", &request).json()["trainings"].clone()
    };
    let data = ["--data", "glyphs", "--limit-train", "200"];
    let with = |flags: [&'static str; 2]| [&data[..], &flags[..]].concat();
    for (flags, setting) in [
        (["--lr", "abc"], "lr"),
        (["--hidden", "0"], "hidden"),
        (["--epochs", "0"], "epochs"),
        (["--optimizer", "adan"], "optimizer"),
    ] {
        let checked = check(&[&with(flags)]);
        assert_eq!(checked[0]["setting"], setting, "{checked}");
    }
    // Of two training runs, the wrong one is named.
    let checked = check(&[&with(["--lr", "0.1"]), &with(["--lr", "abc"])]);
    assert!(checked[0]["error"].is_null(), "{checked}");
    assert_eq!(checked[1]["setting"], "lr", "{checked}");
}

#[test]
fn the_columns_of_a_table_are_named() {
    let scratch = Scratch::new();
    let rows: String = (0..40)
        .map(|row| format!("{},{},{}\n", row, ["Bern", "Basel"][row % 2], 3 * row))
        .collect();
    scratch.file("houses.csv", format!("size,city,price\n{rows}"));
    scratch.train("a", "--data houses.csv --target price --epochs 1");
    let server = Server::start(scratch, "a");
    let question =
        json!({ "network": "opened", "split": "train", "index": 0, "is_untrained": false });
    let answer = server.post("/api/trace", &question).json();
    let names: Vec<&str> = (0..3)
        .filter_map(|input| answer["inputs"][input]["name"].as_str())
        .collect();
    assert_eq!(names, ["size", "city = Basel", "city = Bern"]);
    let restored = |column: &Value, number: &Value| {
        let part = |name: &str| column["standardization"][name].as_f64().expect("a number");
        part("mean") + part("std") * number.as_f64().expect("a number")
    };
    let size = restored(&answer["inputs"][0], &answer["step"]["inputs"][0]);
    let price = restored(&answer["targets"][0], &answer["step"]["target"][0]);
    assert!((price - 3.0 * size).abs() < 1e-3, "{size} and {price}");
    assert_eq!(answer["inputs"][1]["standardization"], Value::Null);
    assert_eq!(answer["targets"][0]["name"], "price");
}

#[test]
fn without_a_run_a_network_is_trained_in_seconds() {
    let server = Server::without_data("");
    let state = server.get("/api/state").json();
    assert_eq!(
        (&state["opened"], &state["session"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(state["data"], json!(["glyphs"]));
    let words: Vec<String> = serde_json::from_value(state["starter"].clone()).expect("words");
    server.train(&[&words.join(" ")], false);
    let training = &server.until_done()[0];
    let accuracy = training["summary"]["test_accuracy"]
        .as_f64()
        .expect("a share");
    assert!(accuracy > 0.75, "{training}");
    assert!(
        training["seconds"]
            .as_f64()
            .is_some_and(|seconds| seconds < 20.0),
        "{training}"
    );
    let sample = server
        .post("/api/sample", &json!({ "network": "training", "index": 0 }))
        .json();
    let body = json!({ "network": "training", "side": 28, "pixels": sample["pixels"] });
    assert_eq!(
        server.post("/api/predict", &body).json()["blank"],
        Value::Null
    );
}

#[test]
fn the_numbers_inside_are_those_of_nn_trace() {
    let scratch = Scratch::new();
    scratch.train("a", FLAGS);
    let server = Server::start(scratch, "a");
    let question = json!({
        "network": "opened", "split": "test", "index": 3, "is_untrained": false, "neurons": [5, null, 2],
    });
    let answer = server.post("/api/trace", &question).json();
    let shown = server
        .scratch
        .nn("trace a --index 3 --split test --json")
        .succeeds();
    let shown: Value = serde_json::from_str(&shown).expect("one JSON object");
    for key in [
        "predicted",
        "label",
        "class_names",
        "split",
        "dataset",
        "is_trained",
    ] {
        assert_eq!(answer[key], shown[key], "{key}");
    }
    for key in ["loss", "loss_after", "inputs", "target", "loss_formula"] {
        assert_eq!(answer["step"][key], shown["step"][key], "{key}");
    }
    for layer in 0..3 {
        let (ours, theirs) = (
            &answer["step"]["layers"][layer],
            &shown["step"]["layers"][layer],
        );
        for key in ["pre_activations", "activations", "bias", "formulas"] {
            assert_eq!(ours[key], theirs[key], "{key} of layer {layer}");
        }
        let neuron = answer["neurons"][layer].as_u64().expect("a neuron") as usize;
        let column: Vec<Value> = theirs["backward"]["weights_gradient"]
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| json!([row[neuron]]))
            .collect();
        assert_eq!(ours["backward"]["weights_gradient"], Value::from(column));
        assert_eq!(ours["backward"]["delta"], theirs["backward"]["delta"]);
    }
    assert_eq!(
        (&answer["neurons"][0], &answer["neurons"][2]),
        (&json!(5), &json!(2))
    );
    let far =
        json!({ "network": "opened", "split": "test", "index": 10_000_000, "is_untrained": false });
    let refused = server.post("/api/trace", &far);
    assert_eq!(refused.status, 422, "{}", refused.text());
}

#[test]
fn probes_take_little_time() {
    let server = Server::without_data("");
    let mut events = server.events();
    for flags in [
        "--limit-train 20000 --epochs 6",
        "--limit-train 20000 --hidden 16 --batch-size 1 --optimizer sgd --epochs 4",
        "--limit-train 2000 --hidden 1500,1000 --batch-size 100 --epochs 6",
    ] {
        let mut share = || {
            server.train(&[&format!("--data glyphs {flags}")], false);
            let mut n_views = 0;
            let training = loop {
                let (name, value) = events.next();
                n_views += usize::from(name == "progress");
                if name == "progress" && value[0]["phase"] == "done" {
                    break value[0].clone();
                }
            };
            let seconds = |name: &str| training[name].as_f64().expect("seconds");
            let share = seconds("probe_seconds") / seconds("seconds");
            eprintln!(
                "{:.2} s, {n_views} views, {:.2} % for probes: {flags}",
                seconds("seconds"),
                100.0 * share
            );
            share
        };
        // On a busy machine, a probe can be interrupted for longer than it takes.
        let is_small = (0..3).any(|_| share() <= 0.05);
        assert!(is_small, "{flags}");
    }
}
