//! A training run on several processes, here threads, has the bits of a run on one.

use std::sync::Arc;

use ndarray::Array2;
use nn_core::training::{BatchSize, ClassWeights, Event, Trainer, TrainingConfig};
use nn_core::{
    Activation, Augmentation, Checkpoint, Error, Exchange, Inputs, LayerConfig, Loss, Network,
    NetworkConfig, Rows, Samples, Stage, Targets, Threads,
};
use serde_json::Value;

use crate::support::stream;
use crate::thread_exchange::run;

/// Number of training rows; the last batch is smaller.
const N_ROWS: usize = 83;
const N_VALIDATION: usize = 20;
const N_INPUTS: usize = 37;
const N_CLASSES: usize = 5;

const PROCESSES: [usize; 4] = [2, 3, 4, 8];

/// A change of a setting.
type Change<T> = fn(&mut T);

/// Rows of bytes that are mostly 0, like the pixels of images.
struct Digits {
    bytes: Array2<u8>,
    labels: Vec<u32>,
}

impl Digits {
    fn new() -> Self {
        let mut stream = stream(3);
        let n_rows = N_ROWS + N_VALIDATION;
        let mut byte = |_| {
            let is_zero = stream.below(4) > 0;
            if is_zero { 0 } else { stream.below(256) as u8 }
        };
        let bytes = Array2::from_shape_fn((n_rows, N_INPUTS), &mut byte);
        let labels = (0..n_rows).map(|row| (row % N_CLASSES) as u32).collect();
        Self { bytes, labels }
    }
}

/// A training run.
#[derive(Clone)]
struct Case {
    layers: Vec<LayerConfig>,
    config: TrainingConfig,
    /// Whether the inputs are bytes, most of them 0, or values.
    is_sparse: bool,
    is_augmented: bool,
}

/// Shifts the rows by a number that depends on row and epoch.
#[derive(Debug)]
struct Shift;

impl Augmentation for Shift {
    fn apply(
        &mut self,
        inputs: &Rows<'_, u8>,
        rows: &[u32],
        epoch: u64,
        augmented: &mut [u8],
        _threads: &Threads,
    ) {
        for (&row, augmented) in rows.iter().zip(augmented.chunks_exact_mut(N_INPUTS)) {
            augmented.copy_from_slice(inputs.row(row as usize));
            augmented.rotate_right((u64::from(row) + epoch) as usize % 3);
        }
    }
}

impl Case {
    fn new(optimizer: &str, batch_rows: usize) -> Self {
        let config = TrainingConfig {
            batch_size: BatchSize::Rows(batch_rows),
            epochs: 2,
            learning_rate: 0.02,
            seed: 3,
            ..TrainingConfig::new(Loss::CrossEntropy, optimizer.parse().expect("it is known"))
        };
        Self {
            layers: layers(|_| {}),
            config,
            is_sparse: true,
            is_augmented: false,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut TrainingConfig)) -> Self {
        change(&mut self.config);
        self
    }

    fn with_layers(self, layers: Vec<LayerConfig>) -> Self {
        Self { layers, ..self }
    }

    fn dense(self) -> Self {
        Self {
            is_sparse: false,
            ..self
        }
    }

    fn trainer<'a>(&self, digits: &'a Digits, threads: usize) -> Trainer<'a> {
        let network = NetworkConfig::new(N_INPUTS, self.layers.clone());
        let network = Network::new(&network, 1).expect("a valid network");
        let inputs = if self.is_sparse {
            Inputs::bytes(digits.bytes.view(), 1.0 / 255.0)
        } else {
            let values = digits.bytes.map(|&byte| f32::from(byte) / 255.0);
            Inputs::from(Rows::from(values))
        };
        let targets = Targets::classes(&digits.labels, N_CLASSES);
        let samples = Samples::new(inputs, targets).expect("the rows fit");
        let train = samples.select(&(0..N_ROWS as u32).collect::<Vec<_>>());
        let validation = (N_ROWS..N_ROWS + N_VALIDATION).map(|row| row as u32);
        let validation = samples.select(&validation.collect::<Vec<_>>());
        let (config, threads) = (self.config.clone(), Threads::new(threads));
        let trainer = Trainer::new(network, train, Some(validation), config, threads);
        let mut trainer = trainer.expect("a valid configuration");
        if self.is_augmented {
            trainer.augment(Box::new(Shift)).expect("bytes");
        }
        trainer
    }
}

/// Two hidden layers, changed by `change`, and an output layer.
fn layers(change: impl Fn(&mut LayerConfig)) -> Vec<LayerConfig> {
    let mut layers = vec![
        LayerConfig::new(18, Activation::Relu),
        LayerConfig::new(18, Activation::Tanh),
        LayerConfig::new(N_CLASSES, Activation::Softmax),
    ];
    layers[..2].iter_mut().for_each(change);
    layers
}

fn stage(text: &str) -> Stage {
    text.parse().expect("a stage")
}

/// All events and the final state, as text and bytes.
fn trained(trainer: &mut Trainer<'_>) -> (Vec<Event>, Vec<u8>) {
    let mut events = Vec::new();
    while let Some(event) = trainer.advance().expect("it does not diverge") {
        events.push(event);
    }
    (events, state(trainer))
}

fn state(trainer: &mut Trainer<'_>) -> Vec<u8> {
    trainer.complete_state().expect("the exchange works");
    let checkpoint = trainer.checkpoint(Value::Null).expect("it is finite");
    checkpoint.to_bytes().expect("it can be written")
}

fn divide(trainer: &mut Trainer<'_>, exchange: Arc<dyn Exchange<f32>>) {
    let facts = [("version".to_owned(), "1".to_owned())];
    trainer.divide(exchange, &facts).expect("all are the same");
}

/// Trains on several processes, and compares every event and the final state with those of
/// one process.
#[track_caller]
fn assert_same_bits(what: &str, case: &Case) {
    let digits = Digits::new();
    let expected = trained(&mut case.trainer(&digits, 1));
    for n_processes in PROCESSES {
        let found = run(n_processes, |rank, exchange| {
            // Some processes have several threads.
            let mut trainer = case.trainer(&digits, 1 + (rank + n_processes) % 2);
            divide(&mut trainer, exchange);
            if rank == 0 {
                return Some(trained(&mut trainer));
            }
            trainer.follow().expect("process 0 trains");
            let network = trainer.latest_network();
            assert!(network.parameters().iter().all(|value| value.is_finite()));
            None
        });
        let found = found[0].as_ref().expect("process 0 trained");
        assert_eq!(found.0, expected.0, "{what}: {n_processes} processes");
        assert!(found.1 == expected.1, "{what}: {n_processes} processes");
    }
}

#[test]
fn optimizers_have_the_bits_of_one_process() {
    for optimizer in ["sgd", "momentum", "adam", "adamw"] {
        assert_same_bits(optimizer, &Case::new(optimizer, 24));
    }
}

#[test]
fn batches_of_any_size_have_the_bits_of_one_process() {
    for optimizer in ["sgd", "adam"] {
        for n_rows in [1, 3, 70] {
            assert_same_bits("sparse rows", &Case::new(optimizer, n_rows));
            assert_same_bits("dense rows", &Case::new(optimizer, n_rows).dense());
        }
        let full = Case::new(optimizer, 1).with(|config| config.batch_size = BatchSize::Full);
        assert_same_bits("full batch, sparse", &full);
        assert_same_bits("full batch, dense", &full.dense());
    }
}

#[test]
fn blocks_of_rows_have_the_bits_of_one_process() {
    let case = Case::new("adam", 24).with(|config| config.accumulate = 2);
    assert_same_bits("accumulated batches", &case);
    let case = Case::new("sgd", 60).with(|config| config.sum_rows = Some(3));
    assert_same_bits("20 blocks", &case.dense());
}

#[test]
fn stages_have_the_bits_of_one_process() {
    let dropout = layers(|layer| layer.dropout = 0.3);
    let batch_norm = layers(|layer| layer.batch_norm = true);
    let layer_norm = layers(|layer| layer.sums.push(stage("layer-norm")));
    let scaling = layers(|layer| {
        layer.inputs.push(stage("layer-norm"));
        layer.outputs.push(stage("scaling"));
    });
    let mut residual = layers(|layer| layer.dropout = 0.1);
    residual[1].outputs.push(stage("residual"));
    let mut normalized_residual = residual.clone();
    normalized_residual[1].inputs.push(stage("layer-norm"));
    let parametric = layers(|layer| layer.outputs.push(stage("parametric:selu")));
    let mut members = layers(|layer| layer.dropout = 0.2);
    members[0].inputs.push(stage("members:3:signs"));
    let mut periodic = layers(|_| {});
    periodic[0]
        .inputs
        .push(stage("periodic-embedding:2x3:std=0.1:columns=5"));
    for (what, layers) in [
        ("dropout", dropout),
        ("batch norm", batch_norm),
        ("layer norm", layer_norm),
        ("scaling", scaling),
        ("residual", residual),
        ("residual and layer norm", normalized_residual),
        ("parametric activation", parametric),
        ("members", members),
        ("periodic embedding", periodic),
    ] {
        for optimizer in ["sgd", "adam"] {
            let case = Case::new(optimizer, 24).with_layers(layers.clone());
            assert_same_bits(what, &case.clone().dense());
            assert_same_bits(what, &case);
        }
        let case = Case::new("adam", 70).with_layers(layers.clone());
        assert_same_bits(what, &case.dense());
    }
}

#[test]
fn settings_of_the_update_have_the_bits_of_one_process() {
    let weighted = |config: &mut TrainingConfig| {
        config.class_weights = ClassWeights::Given(vec![1.0, 2.0, 0.5, 1.0, 3.0]);
    };
    let clipped = |config: &mut TrainingConfig| config.clip_norm = Some(0.05);
    let limited = |config: &mut TrainingConfig| {
        config.regularization.l1 = 0.01;
        config.regularization.l2 = 0.01;
        config.max_norm = Some(0.5);
        config.clip_value = Some(0.01);
        config.averaging = Some(0.9);
        config.patience = 1;
    };
    let frozen = |config: &mut TrainingConfig| {
        config.frozen_layers = 1;
        config.rate_factors = vec!["1.weight=0.5".parse().expect("a factor")];
    };
    let changes: [(&str, Change<TrainingConfig>); 4] = [
        ("class weights", weighted),
        ("clip norm", clipped),
        ("regularization", limited),
        ("frozen layer", frozen),
    ];
    for (what, change) in changes {
        for optimizer in ["sgd", "adam"] {
            let case = Case::new(optimizer, 24).with(change);
            assert_same_bits(what, &case.clone().dense());
            assert_same_bits(what, &case);
            assert_same_bits(what, &Case::new(optimizer, 70).with(change).dense());
        }
    }
}

#[test]
fn augmented_rows_have_the_bits_of_one_process() {
    for (optimizer, n_rows) in [("sgd", 24), ("adam", 24), ("adam", 2)] {
        let case = Case {
            is_augmented: true,
            ..Case::new(optimizer, n_rows)
        };
        assert_same_bits("augmentation", &case);
    }
}

/// A run that stopped within an epoch is resumed with a different number of processes.
#[test]
fn resuming_with_another_number_of_processes_gives_the_same_bits() {
    let digits = Digits::new();
    let case = Case::new("adam", 24).with_layers(layers(|layer| layer.dropout = 0.3));
    let (_, expected) = trained(&mut case.trainer(&digits, 1));
    let mut saved: Option<Vec<u8>> = None;
    for (n_processes, n_steps) in [(3, 2), (1, 1), (2, 3), (4, usize::MAX)] {
        let found = run(n_processes, |rank, exchange| {
            let mut trainer = case.trainer(&digits, 1);
            if rank > 0 {
                divide(&mut trainer, exchange);
                trainer.follow().expect("process 0 trains");
                return None;
            }
            if let Some(file) = &saved {
                let checkpoint = Checkpoint::read(&file[..]).expect("it is intact");
                trainer.restore(&checkpoint).expect("it is the same run");
            }
            divide(&mut trainer, exchange);
            for _ in 0..n_steps {
                if trainer.advance().expect("it does not diverge").is_none() {
                    break;
                }
            }
            Some(state(&mut trainer))
        });
        saved = found.into_iter().next().flatten();
    }
    assert!(saved == Some(expected));
}

/// The state that process 0 restores during a run is sent to the other processes.
#[test]
fn all_processes_return_to_a_checkpoint() {
    let digits = Digits::new();
    let case = Case::new("momentum", 24);
    let mut rates = Vec::new();
    for n_processes in [1, 3] {
        let found = run(n_processes, |rank, exchange| {
            let mut trainer = case.trainer(&digits, 1);
            divide(&mut trainer, exchange);
            if rank > 0 {
                trainer.follow().expect("process 0 trains");
                return None;
            }
            trainer.advance().expect("it does not diverge");
            trainer.complete_state().expect("the exchange works");
            let start = trainer.checkpoint(Value::Null).expect("it is finite");
            trainer.advance().expect("it does not diverge");
            trainer.restore(&start).expect("it is the same run");
            trainer.set_learning_rate(0.5).expect("a valid rate");
            Some(trained(&mut trainer))
        });
        rates.push(found.into_iter().next());
    }
    assert!(rates[0] == rates[1]);
}

#[test]
fn a_diverging_run_has_the_error_of_one_process() {
    let digits = Digits::new();
    for n_rows in [24, 70] {
        let mut case = Case::new("sgd", n_rows).dense();
        case.config.learning_rate = 1e30;
        let error = |trainer: &mut Trainer<'_>| loop {
            match trainer.advance() {
                Err(error) => return error.to_string(),
                Ok(event) => assert!(event.is_some(), "it should diverge"),
            }
        };
        let expected = error(&mut case.trainer(&digits, 1));
        let found = run(3, |rank, exchange| {
            let mut trainer = case.trainer(&digits, 1);
            divide(&mut trainer, exchange);
            if rank == 0 {
                return Some(error(&mut trainer));
            }
            trainer.follow().expect("process 0 decides what follows");
            None
        });
        assert_eq!(found, [Some(expected), None, None]);
    }
}

#[test]
fn processes_that_differ_are_named() {
    let digits = Digits::new();
    let same = |_: &mut Case| {};
    let other_rate = |case: &mut Case| case.config.learning_rate = 0.5;
    let other_layers = |case: &mut Case| case.layers[0].n_outputs = 3;
    let changes: [(&str, Change<Case>, &str); 3] = [
        ("2", same, "process 2: version: process 0 has 1, found 2"),
        (
            "1",
            other_rate,
            "process 2: learning rate: process 0 has 0.02, found 0.5",
        ),
        (
            "1",
            other_layers,
            "process 2: layers: process 0 has 37-18 relu-18 tanh-5 softmax, found 37-3 relu-18 \
             tanh-5 softmax",
        ),
    ];
    for (version, change, expected) in changes {
        let found = run(4, |rank, exchange| {
            let (mut case, mut version_here) = (Case::new("adam", 24), "1");
            if rank == 2 {
                change(&mut case);
                version_here = version;
            }
            let facts = [("version".to_owned(), version_here.to_owned())];
            let error = case.trainer(&digits, 1).divide(exchange, &facts);
            error.expect_err("they differ").to_string()
        });
        assert_eq!(found, [expected; 4]);
    }
}

#[test]
fn other_data_are_refused() {
    let error = run(2, |rank, exchange| {
        let mut digits = Digits::new();
        if rank == 1 {
            digits.bytes[(3, 5)] ^= 1;
        }
        let mut trainer = Case::new("adam", 24).trainer(&digits, 1);
        let error = trainer.divide(exchange, &[]).expect_err("they differ");
        error.to_string()
    });
    let start = "process 1: training samples (SHA-256): process 0 has ";
    assert!(error[0].starts_with(start), "{}", error[0]);
    assert_eq!(error[0], error[1]);
}

#[test]
fn operations_of_one_process_are_refused() {
    let digits = Digits::new();
    run(2, |rank, exchange| {
        let mut trainer = Case::new("adam", 24).trainer(&digits, 1);
        let message = trainer.follow().expect_err("not divided").to_string();
        assert_eq!(
            message,
            "follow: expected a process other than 0, after `divide`"
        );
        divide(&mut trainer, Arc::clone(&exchange));
        if rank == 1 {
            let message = trainer.advance().expect_err("process 1").to_string();
            assert!(message.contains("only process 0 controls it"), "{message}");
            return trainer.follow().expect("process 0 trains");
        }
        assert!(trainer.follow().is_err());
        assert!(trainer.divide(exchange, &[]).is_err());
        let is_conflict = |error: Error| matches!(error, Error::Conflict { .. });
        assert!(is_conflict(trainer.gradient().expect_err("refused")));
        let error = trainer.augment(Box::new(Shift));
        assert!(is_conflict(error.expect_err("refused")));
        trainer.advance().expect("it does not diverge");
        let message = trainer
            .checkpoint(Value::Null)
            .expect_err("a part")
            .to_string();
        assert_eq!(message, "checkpoint: call `complete_state` first");
        trainer.complete_state().expect("the exchange works");
        trainer.checkpoint(Value::Null).expect("it is complete");
    });
}
