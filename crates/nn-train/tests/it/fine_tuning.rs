//! Fine-tuning: training runs that start from the weights of a trained model.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use nn_core::network::Network;
use nn_core::training::{BatchReport, EpochReport};
use nn_table::TargetEncoding;
use nn_train::{
    Data, EpochMetrics, ErrorKind, Experiment, Observer, Result, Settings, StoppedRun, Threads,
    TrainedRun,
};

/// A folder with tables and runs, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let folder = format!("nn-fine-tuning-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder).expect("the temporary folder is writable");
        Self(folder)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).expect("the temporary folder is writable");
        path.to_string_lossy().into_owned()
    }

    fn run(&self, name: &str) -> PathBuf {
        self.0.join("runs").join(name)
    }

    fn train(&self, name: &str, settings: &Settings) -> TrainedRun {
        self.train_on(name, settings, 1)
    }

    fn train_on(&self, name: &str, settings: &Settings, n_threads: usize) -> TrainedRun {
        let experiment = Experiment::load(settings, "datasets").expect("valid settings");
        let experiment = experiment.with_threads(Threads::new(n_threads));
        let trained = experiment.train(self.run(name), &mut ());
        trained.expect("the run can be trained")
    }

    fn from(&self, name: &str) -> Option<String> {
        Some(self.run(name).to_string_lossy().into_owned())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Rows with two numbers, a color and these classes; the numbers are multiplied by `scale`.
fn table(classes: [&str; 3], scale: i32) -> String {
    let mut text = "u,v,color,kind\n".to_owned();
    for i in 0..90 {
        let (u, v) = (i % 7 * scale, i * i % 11 * scale);
        let (color, kind) = (["red", "blue"][i as usize % 2], classes[i as usize % 3]);
        writeln!(text, "{u},{v},{color},{kind}").expect("a string grows");
    }
    text
}

/// Settings of a small network with batch normalization.
fn settings(data: &str) -> Settings {
    Settings {
        data: Some(data.to_owned()),
        hidden: Some("8,6".parse().expect("widths")),
        batch_norm: Some(true),
        batch_size: Some("20".parse().expect("a size")),
        epochs: Some(2),
        ..Settings::default()
    }
}

fn fine_tuning(from: Option<String>, data: Option<&str>) -> Settings {
    Settings {
        data: data.map(str::to_owned),
        from,
        batch_size: Some("20".parse().expect("a size")),
        epochs: Some(2),
        ..Settings::default()
    }
}

fn network(trained: &TrainedRun) -> &Network {
    &trained.run.model().network
}

/// Parameters and statistics of a layer.
fn layer(network: &Network, layer: usize) -> (&[f32], &[f32]) {
    let ranges = &network.layers()[layer];
    let statistics = &network.statistics()[ranges.statistics()];
    (&network.parameters()[ranges.parameters()], statistics)
}

fn problem<T: std::fmt::Debug>(result: Result<T>) -> String {
    let error = result.expect_err("it is wrong");
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    error.to_string()
}

#[test]
fn frozen_layers_keep_their_weights_for_any_number_of_threads() {
    let scratch = Scratch::new("frozen");
    let data = scratch.file("a.csv", &table(["a", "b", "c"], 1));
    let source = scratch.train("source", &settings(&data));
    let frozen = Settings {
        freeze: Some(1),
        weight_decay: Some(0.1),
        ..fine_tuning(scratch.from("source"), None)
    };
    let tuned = [1, 2, 3].map(|n| scratch.train_on(&format!("tuned-{n}"), &frozen, n));
    let [first, others @ ..] = tuned.each_ref().map(network);
    assert_eq!(layer(first, 0), layer(network(&source), 0));
    for index in [1, 2] {
        assert_ne!(layer(first, index), layer(network(&source), index));
    }
    for other in others {
        assert_eq!(other.parameters(), first.parameters());
        assert_eq!(other.statistics(), first.statistics());
    }
}

/// With a learning rate that changes no weight, the run is the model itself, with its scores.
#[test]
fn a_run_starts_with_the_weights_of_its_model() {
    let scratch = Scratch::new("start");
    let data = scratch.file("a.csv", &table(["a", "b", "c"], 1));
    let without_statistics = Settings {
        batch_norm: None,
        seed: Some(7),
        ..settings(&data)
    };
    let source = scratch.train("source", &without_statistics);
    let still = Settings {
        lr: Some(1e-30),
        ..fine_tuning(scratch.from("source"), None)
    };
    let tuned = scratch.train("tuned", &still);
    assert_eq!(network(&tuned).parameters(), network(&source).parameters());
    assert_eq!(tuned.summary.test_loss, source.summary.test_loss);
    assert_eq!(tuned.summary.seed, 7, "the split is that of the model");
    let config = fs::read_to_string(scratch.run("tuned").join("config.toml")).expect("a file");
    let sha256 = &source.summary.weights_sha256;
    assert!(
        config.contains(&format!("from-sha256 = \"{sha256}\"")),
        "{config}"
    );
    let training = &tuned.run.model().description.training;
    assert_eq!(training["from-sha256"], **sha256);
    assert_eq!(training["hidden"], "8,6");
}

#[test]
fn other_classes_get_a_new_output_layer_and_keep_the_scaling() {
    let scratch = Scratch::new("classes");
    let data = scratch.file("a.csv", &table(["a", "b", "c"], 1));
    let source = scratch.train("source", &settings(&data));
    let other = scratch.file("b.csv", &table(["d", "e", "e"], 1000));
    let still = Settings {
        freeze: Some(2),
        ..fine_tuning(scratch.from("source"), Some(&other))
    };
    let loaded = Data::for_training(&still, Path::new("datasets"), &Threads::single());
    let experiment = Experiment::new(&still, loaded.expect("a table")).expect("valid settings");
    let start = experiment.plan().start.clone().expect("a model");
    assert_eq!(start.n_kept, 2);
    let reason = start.new_outputs.expect("a new output layer");
    assert_eq!(reason, "classes d, e instead of classes a, b, c");
    let preprocessing = experiment.data().preprocessing.as_ref().expect("a table");
    let of_source = source.run.data().expect("the table is there").preprocessing;
    assert_eq!(preprocessing.inputs, of_source.expect("a table").inputs);

    let tuned = scratch.train("tuned", &still);
    assert_eq!(network(&tuned).widths(), [4, 8, 6, 1]);
    for index in [0, 1] {
        assert_eq!(
            layer(network(&tuned), index),
            layer(network(&source), index)
        );
    }
    // The model can be used without its source.
    fs::remove_dir_all(scratch.run("source")).expect("it is there");
    tuned
        .run
        .evaluate(nn_train::Split::Test)
        .expect("the table is there");
}

/// The same classes in another order, in a column of another name.
#[test]
fn the_same_classes_keep_the_output_layer() {
    let scratch = Scratch::new("same");
    let data = scratch.file("a.csv", &table(["a", "b", "c"], 1));
    let source = scratch.train("source", &settings(&data));
    let text = table(["c", "a", "b"], 3).replace("u,v,color,kind", "u,v,color,type");
    let other = scratch.file("b.csv", &text);
    let still = Settings {
        lr: Some(1e-30),
        freeze: Some(2),
        ..fine_tuning(scratch.from("source"), Some(&other))
    };
    let tuned = scratch.train("tuned", &still);
    assert_eq!(network(&tuned).parameters(), network(&source).parameters());
    let data = tuned.run.data().expect("the table is there");
    let target = data.preprocessing.expect("a table").target;
    let TargetEncoding::Classification { column, names } = target else {
        panic!("classes");
    };
    assert_eq!((column.as_str(), names.len()), ("type", 3));
}

#[test]
fn numbers_keep_the_scale_of_the_target() {
    let scratch = Scratch::new("numbers");
    let numbers = |scale: i32| {
        let text = table(["1", "2", "3"], 1).replace("color,kind", "kind,price");
        text.replace(",1\n", &format!(",{}\n", 10 * scale))
    };
    let regression = |data: &str| Settings {
        task: Some("regression".parse().expect("a task")),
        ..settings(data)
    };
    let source = scratch.train("source", &regression(&scratch.file("a.csv", &numbers(1))));
    let other = scratch.file("b.csv", &numbers(50));
    let still = Settings {
        lr: Some(1e-30),
        freeze: Some(2),
        ..fine_tuning(scratch.from("source"), Some(&other))
    };
    let tuned = scratch.train("tuned", &still);
    let target = |run: &TrainedRun| {
        let data = run.run.data().expect("the table is there");
        data.preprocessing.expect("a table").target
    };
    assert_eq!(target(&tuned), target(&source));
    assert_eq!(network(&tuned).parameters(), network(&source).parameters());
    let transformed = Settings {
        target_transform: Some("log".parse().expect("a transform")),
        ..still
    };
    let error = problem(Experiment::load(&transformed, "datasets"));
    assert!(
        error.starts_with("`target-transform`: expected none"),
        "{error}"
    );
}

#[test]
fn settings_that_contradict_the_model_are_errors() {
    let scratch = Scratch::new("contradictions");
    let data = scratch.file("a.csv", &table(["a", "b", "c"], 1));
    scratch.train("source", &settings(&data));
    let from = || scratch.from("source");
    let path = from().expect("a path");
    let usual = || fine_tuning(from(), None);
    let check = |settings: Settings| problem(Experiment::load(&settings, "datasets"));
    let hidden = Settings {
        hidden: Some("8,5".parse().expect("widths")),
        ..usual()
    };
    assert_eq!(
        check(hidden),
        format!("`hidden`: expected 8,6, as in the model {path}, found 8,5")
    );
    let activation = Settings {
        activation: Some("tanh".parse().expect("an activation")),
        ..usual()
    };
    assert_eq!(
        check(activation),
        format!("`activation`: expected relu,relu, as in the model {path}, found tanh,tanh")
    );
    let batch_norm = Settings {
        batch_norm: Some(false),
        ..usual()
    };
    assert!(check(batch_norm).starts_with("`batch-norm`: expected true"));
    let members = Settings {
        members: Some(4),
        ..usual()
    };
    assert_eq!(
        check(members),
        format!("`members`: expected none, as in the model {path}, found 4")
    );
    let same = Settings {
        hidden: Some("8,6".parse().expect("widths")),
        activation: Some("relu".parse().expect("an activation")),
        batch_norm: Some(true),
        dropout: Some(0.1),
        ..usual()
    };
    Experiment::load(&same, "datasets").expect("the settings of the model");
    let freeze = |freeze, from| Settings {
        freeze: Some(freeze),
        ..fine_tuning(from, Some(&data))
    };
    assert_eq!(
        check(freeze(3, from())),
        "`freeze`: expected at most 2, the number of hidden layers, found 3"
    );
    assert_eq!(
        check(freeze(1, None)),
        "`freeze = 1`: layers with initial weights would not learn"
    );
}

#[test]
fn inputs_of_another_kind_are_errors() {
    let scratch = Scratch::new("inputs");
    let data = scratch.file("a.csv", &table(["a", "b", "c"], 1));
    scratch.train("source", &settings(&data));
    let path = scratch.run("source").to_string_lossy().into_owned();
    let images = Settings {
        limit_train: Some(50),
        ..fine_tuning(scratch.from("source"), Some("glyphs"))
    };
    let error = problem(Experiment::load(&images, "datasets"));
    assert_eq!(
        error,
        format!(
            "`from`: the model {path} expects the columns of its table, but glyphs has images of \
             28x28 pixels"
        )
    );
    let text = table(["a", "b", "c"], 1).replace("u,v,color", "u,w,size");
    let other = scratch.file("b.csv", &text);
    let missing = Experiment::load(
        &fine_tuning(scratch.from("source"), Some(&other)),
        "datasets",
    );
    let error = missing.expect_err("columns are missing");
    assert_eq!(
        error.to_string(),
        format!("{other}: missing columns: \"v\", \"color\"")
    );
    let input = Settings {
        target: Some("v".to_owned()),
        ..fine_tuning(scratch.from("source"), None)
    };
    let error = problem(Experiment::load(&input, "datasets"));
    assert!(
        error.contains("an input of the model cannot be the target"),
        "{error}"
    );
}

/// Stops after the first epoch.
struct FirstEpoch(bool);

impl Observer for FirstEpoch {
    fn batch(&mut self, _: &BatchReport, _: f64) {}

    fn epoch(&mut self, _: &EpochReport, _: &EpochMetrics) {
        self.0 = true;
    }

    fn should_stop(&mut self) -> bool {
        self.0
    }
}

#[test]
fn a_resumed_run_has_the_weights_of_an_uninterrupted_one() {
    let scratch = Scratch::new("resumed");
    let data = scratch.file("a.csv", &table(["a", "b", "c"], 1));
    scratch.train("source", &settings(&data));
    let other = scratch.file("b.csv", &table(["d", "e", "f"], 2));
    let tuning = Settings {
        freeze: Some(1),
        epochs: Some(3),
        ..fine_tuning(scratch.from("source"), Some(&other))
    };
    let whole = scratch.train("whole", &tuning);
    let stopped = Experiment::load(&tuning, "datasets").expect("valid settings");
    let stopped = stopped.train(scratch.run("stopped"), &mut FirstEpoch(false));
    assert_eq!(stopped.expect_err("stopped").kind(), ErrorKind::Interrupted);
    let open = || {
        StoppedRun::open(
            scratch.run("stopped"),
            "datasets",
            Threads::single(),
            |_| {},
        )
    };
    let resumed = open()
        .and_then(|run| run.train(&mut ()))
        .expect("it can be resumed");
    assert_eq!(network(&resumed).parameters(), network(&whole).parameters());

    // A model that changed is not the start of the run.
    fs::copy(
        scratch.run("whole").join("model.safetensors"),
        scratch.run("source").join("model.safetensors"),
    )
    .expect("both are there");
    let error = open().expect_err("the model changed");
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(
        error.to_string().contains("the model has changed"),
        "{error}"
    );
}

#[test]
fn a_different_split_of_the_same_table_is_noted() {
    let scratch = Scratch::new("split");
    let data = scratch.file("a.csv", &table(["a", "b", "c"], 1));
    scratch.train("source", &settings(&data));
    let notes = |settings: &Settings| {
        let data = Data::for_training(settings, Path::new("datasets"), &Threads::single());
        let notes = data.expect("a table").notes;
        let mut notes = notes.iter().map(ToString::to_string);
        notes.any(|note| note.contains("was trained on a different split"))
    };
    let same = fine_tuning(scratch.from("source"), None);
    assert!(!notes(&same));
    let named = fine_tuning(scratch.from("source"), Some(&data));
    assert!(!notes(&named));
    let seed = Settings {
        seed: Some(1),
        ..same.clone()
    };
    assert!(notes(&seed));
    let split_seed = Settings {
        split_seed: Some(0),
        ..seed
    };
    assert!(!notes(&split_seed));
    let size = Settings {
        train_size: Some(60),
        ..same.clone()
    };
    assert!(notes(&size));
    let folds = Settings {
        folds: Some(5),
        fold: Some(1),
        ..same
    };
    assert!(notes(&folds));
    let other = scratch.file("b.csv", &table(["a", "b", "c"], 5));
    let other = Settings {
        seed: Some(1),
        ..fine_tuning(scratch.from("source"), Some(&other))
    };
    assert!(!notes(&other));
}

#[test]
fn the_split_of_a_model_with_its_own_split_seed_is_kept() {
    let scratch = Scratch::new("split-seed");
    let data = scratch.file("a.csv", &table(["a", "b", "c"], 1));
    let source = Settings {
        seed: Some(2),
        split_seed: Some(7),
        batch_norm: None,
        ..settings(&data)
    };
    let source = scratch.train("source", &source).summary;
    // Steps of this size do not change the weights, so that the same test rows give the same loss.
    let tuning = Settings {
        lr: Some(1e-30),
        ..fine_tuning(scratch.from("source"), None)
    };
    let tuned = scratch.train("tuned", &tuning).summary;
    let [before, after] = [source, tuned].map(|it| it.test_loss.expect("test rows"));
    assert!((before - after).abs() < 1e-6, "{before} {after}");
}

#[test]
fn members_that_share_layers_stay() {
    let scratch = Scratch::new("members");
    let data = scratch.file("a.csv", &table(["a", "b", "c"], 1));
    let source = Settings {
        members: Some(3),
        batch_norm: None,
        ..settings(&data)
    };
    scratch.train("source", &source);
    let tuned = scratch.train("tuned", &fine_tuning(scratch.from("source"), None));
    assert_eq!(tuned.run.model().network.n_shared_members(), 3);
    let config = fs::read_to_string(tuned.path.join("config.toml"));
    assert!(config.expect("the settings").contains("members = 3"));
}
