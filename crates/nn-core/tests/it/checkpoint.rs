//! A resumed training run ends with the same bytes as an uninterrupted one, and
//! invalid or foreign checkpoints are refused.

use std::ops::ControlFlow;

use nn_core::training::{BatchSize, ClassWeights, Event, Monitor, Reduction, TrainingConfig};
use nn_core::{
    Activation, Checkpoint, ErrorKind, Inputs, LayerConfig, Loss, Menu, Network, NetworkConfig,
    Optimizer, Samples, Schedule, Targets, Threads, Trainer,
};
use serde_json::json;

use crate::support::Classes;

/// A data set, a network and a configuration.
struct Case {
    data: Classes,
    layers: Vec<LayerConfig>,
    config: TrainingConfig,
}

impl Case {
    /// 46 samples in batches of 16, with dropout, regularization, label smoothing and
    /// shuffling.
    fn new(optimizer: Optimizer) -> Self {
        let hidden = LayerConfig {
            dropout: 0.3,
            ..LayerConfig::new(7, Activation::Tanh)
        };
        let mut config = TrainingConfig {
            epochs: 3,
            batch_size: BatchSize::Rows(16),
            label_smoothing: 0.1,
            seed: 5,
            ..TrainingConfig::new(Loss::CrossEntropy, optimizer)
        };
        config.regularization.l2 = 1e-3;
        Self {
            data: Classes::random(46, 4, 3, 11),
            layers: vec![hidden, LayerConfig::new(3, Activation::Softmax)],
            config,
        }
    }

    fn trainer(&self, threads: usize) -> Trainer<'_, f64> {
        let config = NetworkConfig {
            n_inputs: 4,
            layers: self.layers.clone(),
        };
        let network = Network::new(&config, 1).expect("a valid network");
        let samples = self.data.samples();
        let train = samples.select(&(0..36).collect::<Vec<_>>());
        let validation = samples.select(&(36..46).collect::<Vec<_>>());
        let (config, threads) = (self.config.clone(), Threads::new(threads));
        Trainer::new(network, train, Some(validation), config, threads).expect("it can be trained")
    }

    /// All events to the end of the run, and the resulting network.
    fn rest(mut trainer: Trainer<'_, f64>) -> (Vec<Event>, Network<f64>) {
        let mut events = Vec::new();
        trainer
            .run(|event| {
                events.push(event.clone());
                ControlFlow::Continue(())
            })
            .expect("it does not diverge");
        (events, trainer.network())
    }

    /// Stops after every event in turn and resumes from a checkpoint file.
    #[track_caller]
    fn continues_from_anywhere(&self, what: &str) {
        let (events, network) = Self::rest(self.trainer(1));
        for stop in 0..=events.len() {
            let mut stopped = self.trainer(1);
            for _ in 0..stop {
                stopped.advance().expect("it does not diverge");
            }
            let file = bytes_of(&stopped);
            let mut continued = self.trainer(3);
            let checkpoint = Checkpoint::read(&file[..]).expect("it was written just now");
            continued.restore(&checkpoint).expect("it is the same");
            assert_eq!(bytes_of(&continued), file, "{what}: the same state");
            let (rest, found) = Self::rest(continued);
            assert_eq!(rest, events[stop..], "{what}, stopped after {stop} events");
            assert_eq!(found, network, "{what}, stopped after {stop} events");
        }
    }
}

fn bytes_of(trainer: &Trainer<'_, f64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let checkpoint = trainer.checkpoint(json!({ "by": "a test" }));
    checkpoint
        .expect("all numbers are finite")
        .write(&mut bytes)
        .expect("memory can be written");
    bytes
}

/// A case whose checkpoint, in the middle of the second epoch, has every tensor.
fn rich_case() -> Case {
    let mut case = Case::new("adam".parse().expect("a menu entry"));
    case.layers[0].batch_norm = true;
    case.config.patience = 2;
    case.config.averaging = Some(0.9);
    case
}

fn rich_file(case: &Case) -> Vec<u8> {
    let mut trainer = case.trainer(1);
    for _ in 0..5 {
        trainer.advance().expect("it does not diverge");
    }
    bytes_of(&trainer)
}

#[test]
fn every_optimizer_continues_from_any_batch() {
    for &optimizer in Optimizer::ALL {
        Case::new(optimizer).continues_from_anywhere(&optimizer.to_string());
    }
}

#[test]
fn every_schedule_continues_from_any_batch() {
    for &schedule in Schedule::ALL {
        let mut case = Case::new(Optimizer::Momentum { momentum: 0.9 });
        case.config.schedule = schedule;
        case.continues_from_anywhere(&schedule.to_string());
    }
}

#[test]
fn everything_else_continues_from_any_batch() {
    let with = |change: fn(&mut Case)| {
        let mut case = Case::new("adam".parse().expect("a menu entry"));
        change(&mut case);
        case
    };
    let cases = [
        ("batch norm", with(|c| c.layers[0].batch_norm = true)),
        ("averaging", with(|c| c.config.averaging = Some(0.8))),
        (
            "full batch",
            with(|c| c.config.batch_size = BatchSize::Full),
        ),
        ("no shuffle", with(|c| c.config.shuffle = false)),
        (
            "class weights, sum",
            with(|c| {
                c.config.class_weights = ClassWeights::Balanced;
                c.config.reduction = Reduction::Sum;
            }),
        ),
        (
            "limits",
            with(|c| {
                c.config.max_norm = Some(0.5);
                c.config.clip_norm = Some(0.1);
            }),
        ),
        (
            "patience runs out",
            with(|c| {
                c.config.patience = 1;
                c.config.epochs = 40;
                c.config.learning_rate = 1.0;
            }),
        ),
        (
            "patience lasts",
            with(|c| {
                c.config.patience = 9;
                c.config.epochs = 9;
                c.config.learning_rate = 1.0;
                c.config.averaging = Some(0.5);
            }),
        ),
        (
            "the last batch left out, best epoch by the error",
            with(|c| {
                c.config.batch_size = BatchSize::Rows(7);
                c.config.drop_last = true;
                c.config.patience = 3;
                c.config.monitor = Monitor::Error;
                c.config.learning_rate = 1.0;
            }),
        ),
        (
            "one row left over",
            with(|c| {
                c.layers[0].batch_norm = true;
                c.config.batch_size = BatchSize::Rows(7);
            }),
        ),
        (
            "plateau",
            with(|c| {
                c.config.epochs = 8;
                c.config.learning_rate = 0.5;
                c.config.schedule = Schedule::Plateau {
                    factor: 0.5,
                    patience: 0.0,
                };
            }),
        ),
        (
            "descent",
            with(|c| {
                c.config.optimizer = Optimizer::Sgd;
                c.config.regularization.l2 = 0.0;
            }),
        ),
        ("everything", rich_case()),
    ];
    for (what, case) in cases {
        case.continues_from_anywhere(what);
    }
}

#[test]
fn a_changed_rate_is_continued() {
    let case = Case::new(Optimizer::Sgd);
    let mut whole = case.trainer(1);
    whole.advance().expect("it does not diverge");
    whole.set_learning_rate(0.013).expect("it is a rate");
    let file = bytes_of(&whole);
    let mut continued = case.trainer(1);
    let checkpoint = Checkpoint::read(&file[..]).expect("it was written just now");
    continued.restore(&checkpoint).expect("it is the same");
    assert_eq!(continued.learning_rate(), 0.013);
    assert_eq!(Case::rest(continued), Case::rest(whole));
}

#[test]
fn single_precision_continues_too() {
    let data = Classes::random(30, 4, 3, 2);
    let inputs = data.inputs.mapv(|x| x as f32);
    let targets = Targets::classes(&data.labels, 3);
    let samples = Samples::new(Inputs::values(inputs.view()), targets).expect("the rows fit");
    let layers = vec![LayerConfig::new(3, Activation::Softmax)];
    let network = Network::<f32>::new(
        &NetworkConfig {
            n_inputs: 4,
            layers,
        },
        0,
    );
    let network = network.expect("a valid network");
    let adam = "adam".parse().expect("a menu entry");
    let config = TrainingConfig {
        batch_size: BatchSize::Rows(7),
        ..TrainingConfig::new(Loss::CrossEntropy, adam)
    };
    let trainer = || {
        let (network, samples) = (network.clone(), samples.clone());
        Trainer::new(network, samples, None, config.clone(), Threads::single())
            .expect("it can be trained")
    };
    let mut stopped = trainer();
    for _ in 0..13 {
        stopped.advance().expect("it does not diverge");
    }
    let mut file = Vec::new();
    let checkpoint = stopped.checkpoint(json!(null)).expect("finite");
    checkpoint.write(&mut file).expect("memory can be written");
    assert!(
        Checkpoint::<f64>::read(&file[..]).is_err(),
        "another precision"
    );
    let mut continued = trainer();
    let checkpoint = Checkpoint::read(&file[..]).expect("it was written just now");
    continued.restore(&checkpoint).expect("it is the same");
    let whole = trainer().finish().expect("it does not diverge");
    assert_eq!(continued.finish().expect("it does not diverge"), whole);
}

/// The guarantee of the command line's `--threads`, with matrix products large enough
/// to use several threads.
#[test]
fn the_number_of_threads_changes_no_bit() {
    let data = Classes::random(150, 64, 3, 8);
    let hidden = LayerConfig {
        dropout: 0.3,
        ..LayerConfig::new(96, Activation::Tanh)
    };
    let layers = vec![hidden, LayerConfig::new(3, Activation::Softmax)];
    let network = Network::new(
        &NetworkConfig {
            n_inputs: 64,
            layers,
        },
        1,
    );
    let network = network.expect("a valid network");
    for &optimizer in Optimizer::ALL {
        let trained = |threads: usize| {
            let config = TrainingConfig {
                batch_size: BatchSize::Rows(64),
                epochs: 2,
                ..TrainingConfig::new(Loss::CrossEntropy, optimizer)
            };
            let (network, threads) = (network.clone(), Threads::new(threads));
            let trainer = Trainer::new(network, data.samples(), None, config, threads);
            Case::rest(trainer.expect("it can be trained"))
        };
        let single = trained(1);
        for threads in [2, 3, 4, 7, 8] {
            assert_eq!(trained(threads), single, "{optimizer}, {threads} threads");
        }
    }
}

#[test]
fn every_cut_and_every_flipped_bit_is_detected() {
    let file = rich_file(&rich_case());
    let refused = |bytes: &[u8]| {
        let error = Checkpoint::<f64>::read(bytes).expect_err("it is damaged");
        assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    };
    for end in (0..file.len()).step_by(7) {
        refused(&file[..end]);
    }
    refused(&[&file[..], &[0]].concat());
    for position in 0..file.len() {
        let mut damaged = file.clone();
        damaged[position] ^= 1 << (position % 8);
        refused(&damaged);
    }
}

#[test]
fn a_checkpoint_of_another_training_run_is_refused() {
    let case = rich_case();
    let file = rich_file(&case);
    let checkpoint = Checkpoint::read(&file[..]).expect("it was written just now");
    let message = |change: fn(&mut Case)| {
        let mut other = rich_case();
        change(&mut other);
        let mut trainer = other.trainer(1);
        let before = bytes_of(&trainer);
        let error = trainer.restore(&checkpoint).expect_err("it is another");
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
        assert_eq!(bytes_of(&trainer), before, "nothing has changed");
        error.to_string()
    };
    assert_eq!(
        message(|case| case.config.learning_rate = 0.5),
        "learning rate: the checkpoint has 0.001, but this training run has 0.5"
    );
    assert_eq!(
        message(|case| case.layers[0].dropout = 0.0),
        "layers: the checkpoint has 4-7 tanh, batch norm, dropout 0.3-3 softmax, \
         but this training run has 4-7 tanh, batch norm-3 softmax"
    );
    assert!(message(|case| case.config.epochs = 4).starts_with("epochs: "));
    assert!(message(|case| case.config.frozen_layers = 1).starts_with("frozen layers: "));
    let other_data = message(|case| case.data.inputs[[3, 0]] += 1e-9);
    assert!(
        other_data.starts_with("training samples (SHA-256): "),
        "{other_data}"
    );
    let other_labels = message(|case| case.data.labels[40] = (case.data.labels[40] + 1) % 3);
    assert!(
        other_labels.starts_with("validation samples"),
        "{other_labels}"
    );
}

#[test]
fn a_checkpoint_with_other_accumulated_batches_is_refused() {
    let case = |accumulate| {
        let mut case = rich_case();
        case.layers[0].batch_norm = false;
        case.config.accumulate = accumulate;
        case
    };
    let (one, two) = (case(1), case(2));
    let checkpoint = two
        .trainer(1)
        .checkpoint(json!(null))
        .expect("a checkpoint");
    let error = one.trainer(1).restore(&checkpoint).expect_err("another");
    assert!(error.to_string().starts_with("accumulate: "), "{error}");
    two.trainer(1).restore(&checkpoint).expect("the same");
}

#[test]
fn a_model_is_refused_as_a_checkpoint() {
    let case = rich_case();
    let model = nn_core::Model {
        network: case.trainer(1).network(),
        loss: Loss::CrossEntropy,
        description: nn_core::model_file::Description::default(),
    };
    let mut bytes = Vec::new();
    model.write(&mut bytes).expect("memory can be written");
    let error = Checkpoint::<f64>::read(&bytes[..]).expect_err("it is a model");
    assert!(error.to_string().contains("nn_checkpoint"), "{error}");
}

#[test]
fn a_nan_gradient_is_an_error() {
    let mut case = Case::new(Optimizer::Momentum { momentum: 0.9 });
    case.config.regularization.l2 = 0.0;
    case.layers[0].dropout = 0.0;
    case.layers[0].activation = Activation::Relu;
    case.config.learning_rate = 1e300;
    let mut trainer = case.trainer(1);
    let error = trainer.run(|_| ControlFlow::Continue(()));
    let error = error.expect_err("the rate is absurd");
    assert_eq!(error.kind(), ErrorKind::Diverged);
    for part in [
        " became ",
        "epoch 1, batch 2, layer ",
        "(learning rate 1e300)",
    ] {
        assert!(error.to_string().contains(part), "{error}");
    }
}
