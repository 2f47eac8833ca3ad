//! Tests of the loop.

use ndarray::Array2;

use super::*;
use crate::batches::Inputs;
use crate::{Activation, LayerConfig, Loss, NetworkConfig};

const N: usize = 200;

/// Two interleaved classes in the plane.
fn rings() -> (Array2<f64>, Vec<u32>) {
    let inputs = Array2::from_shape_fn((N, 2), |(row, column)| {
        let (radius, angle) = (0.5 + (row % 2) as f64, row as f64 * 0.7);
        if column == 0 {
            radius * angle.cos()
        } else {
            radius * angle.sin()
        }
    });
    (inputs, (0..N).map(|row| (row % 2) as u32).collect())
}

fn split() -> (Vec<u32>, Vec<u32>) {
    let mut stream = Streams::new(3).stream(nn_tensor::random::Purpose::Split, 0);
    crate::batches::split(N, 0.25, &mut stream)
}

fn network(dropout: f64) -> Network<f64> {
    let hidden = LayerConfig {
        dropout,
        ..LayerConfig::new(16, Activation::Tanh)
    };
    let layers = vec![hidden, LayerConfig::new(2, Activation::Softmax)];
    Network::new(
        &NetworkConfig {
            n_inputs: 2,
            layers,
        },
        1,
    )
    .unwrap()
}

fn config() -> TrainingConfig {
    let adam = Optimizer::Adam {
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
    };
    TrainingConfig {
        learning_rate: 0.02,
        epochs: 5,
        batch_size: BatchSize::Rows(32),
        ..TrainingConfig::new(Loss::CrossEntropy, adam)
    }
}

fn train(
    network: Network<f64>,
    config: TrainingConfig,
    threads: usize,
) -> (Network<f64>, Vec<Event>) {
    let (inputs, labels) = rings();
    let targets = Targets::Classes {
        labels: &labels,
        n_classes: 2,
    };
    let samples = Samples::new(Inputs::Values(inputs.view()), targets).unwrap();
    let (rows, validation) = split();
    let (train, validation) = (samples.select(&rows), samples.select(&validation));
    let mut trainer = Trainer::new(
        network,
        train,
        Some(validation),
        config,
        Threads::new(threads),
    )
    .unwrap();
    let mut events = Vec::new();
    trainer
        .run(|event| {
            events.push(event.clone());
            ControlFlow::Continue(())
        })
        .unwrap();
    (trainer.network(), events)
}

fn epochs(events: &[Event]) -> Vec<&EpochReport> {
    let reports = events.iter().filter_map(|event| match event {
        Event::Epoch(report) => Some(report),
        Event::Batch(_) => None,
    });
    reports.collect()
}

#[test]
fn it_learns() {
    let (_, events) = train(
        network(0.0),
        TrainingConfig {
            epochs: 40,
            ..config()
        },
        1,
    );
    let last = epochs(&events)[39];
    assert_eq!(last.validation.as_ref().unwrap().accuracy, Some(1.0));
    assert!(last.train_loss < 0.1);
}

#[test]
fn events_come_in_order() {
    let (_, events) = train(network(0.0), config(), 1);
    assert_eq!(events.len(), 5 * (5 + 1));
    let Event::Batch(last) = &events[28] else {
        panic!("{:?}", events[28])
    };
    assert_eq!(
        (last.epoch, last.batch, last.n_batches, last.n_samples),
        (5, 5, 5, 22)
    );
    let Event::Epoch(report) = &events[29] else {
        panic!("{:?}", events[29])
    };
    assert_eq!((report.epoch, report.step), (5, 25));
}

#[test]
fn threads_do_not_change_a_bit() {
    for dropout in [0.0, 0.3] {
        let (single, _) = train(network(dropout), config(), 1);
        assert_eq!(single, train(network(dropout), config(), 3).0);
    }
}

/// One full batch is the same in one block as in several.
#[test]
fn blocks_add_up_to_the_batch() {
    let n = BLOCK_ROWS.end() + 77;
    let inputs = Array2::from_shape_fn((n, 2), |(row, column)| {
        ((row * 7 + column) % 11) as f64 / 11.0
    });
    let labels: Vec<u32> = (0..n).map(|row| (row % 2) as u32).collect();
    let targets = Targets::Classes {
        labels: &labels,
        n_classes: 2,
    };
    let samples = Samples::new(Inputs::Values(inputs.view()), targets).unwrap();
    let sgd = TrainingConfig {
        epochs: 1,
        batch_size: BatchSize::Full,
        learning_rate: 1.0,
        ..TrainingConfig::new(Loss::CrossEntropy, Optimizer::Sgd)
    };
    let start = network(0.0);
    let mut trainer =
        Trainer::new(start.clone(), samples.clone(), None, sgd, Threads::single()).unwrap();
    trainer.run(|_| ControlFlow::Continue(())).unwrap();
    let mut one_by_one = vec![0.0; start.parameters().len()];
    for position in 0..n as u32 {
        let one = TrainingConfig {
            epochs: 1,
            learning_rate: 1.0,
            ..TrainingConfig::new(Loss::CrossEntropy, Optimizer::Sgd)
        };
        let sample = samples.select(&[position]);
        let mut trainer =
            Trainer::new(start.clone(), sample, None, one, Threads::single()).unwrap();
        trainer.advance().unwrap();
        // With η = 1, a step is minus the gradient.
        let steps = start
            .parameters()
            .iter()
            .zip(trainer.state().0.parameters());
        one_by_one
            .iter_mut()
            .zip(steps)
            .for_each(|(sum, (before, after))| *sum += (before - after) / n as f64);
    }
    for ((after, before), g) in trainer
        .network()
        .parameters()
        .iter()
        .zip(start.parameters())
        .zip(one_by_one)
    {
        assert!((before - after - g).abs() < 1e-12);
    }
}

#[test]
fn patience_brings_the_best_weights_back() {
    let config = TrainingConfig {
        epochs: 200,
        patience: 3,
        learning_rate: 2.0,
        ..config()
    };
    let (network, events) = train(network(0.0), config, 1);
    let reports = epochs(&events);
    assert!(reports.len() < 200 && reports.last().unwrap().is_stopping);
    let best = reports
        .iter()
        .map(|r| r.validation.as_ref().unwrap().loss)
        .fold(f64::MAX, f64::min);
    let (inputs, labels) = rings();
    let targets = Targets::Classes {
        labels: &labels,
        n_classes: 2,
    };
    let samples = Samples::new(Inputs::Values(inputs.view()), targets).unwrap();
    let validation = samples.select(&split().1);
    let found = crate::metrics::evaluate(
        &network,
        &validation,
        Loss::CrossEntropy,
        &Threads::single(),
    );
    assert_eq!(found.unwrap().loss, best);
}

#[test]
fn divergence_is_reported() {
    let (inputs, labels) = rings();
    let targets = Targets::Classes {
        labels: &labels,
        n_classes: 2,
    };
    let samples = Samples::new(Inputs::Values(inputs.view()), targets).unwrap();
    let config = TrainingConfig {
        learning_rate: f64::MAX,
        ..TrainingConfig::new(Loss::CrossEntropy, Optimizer::Sgd)
    };
    let mut trainer = Trainer::new(network(0.0), samples, None, config, Threads::single()).unwrap();
    let error = trainer.run(|_| ControlFlow::Continue(())).unwrap_err();
    assert!(error.to_string().contains("at epoch 1, batch"), "{error}");
    assert_eq!(error.kind(), crate::ErrorKind::Diverged);
}

#[test]
fn long_weight_vectors_are_shortened() {
    let config = TrainingConfig {
        max_norm: Some(0.25),
        ..config()
    };
    let (network, _) = train(network(0.0), config, 1);
    for layer in 0..2 {
        for column in network.weights(layer).columns() {
            assert!(column.dot(&column).sqrt() <= 0.25 + 1e-12);
        }
    }
}

#[test]
fn averaged_weights_are_the_running_mean() {
    let decay = 0.8;
    let averaged = TrainingConfig {
        averaging: Some(decay),
        ..config()
    };
    let start = network(0.0);
    let (inputs, labels) = rings();
    let targets = Targets::Classes {
        labels: &labels,
        n_classes: 2,
    };
    let samples = Samples::new(Inputs::Values(inputs.view()), targets).unwrap();
    let mut trainer =
        Trainer::new(start.clone(), samples, None, averaged, Threads::single()).unwrap();
    let mut mean = start.parameters()[0];
    for _ in 0..4 {
        trainer.advance().unwrap();
        mean = decay * mean + (1.0 - decay) * trainer.state().0.parameters()[0];
    }
    assert!((trainer.network().parameters()[0] - mean).abs() < 1e-15);
}

#[test]
fn impossible_trainings_are_refused() {
    let (inputs, labels) = rings();
    let targets = Targets::Classes {
        labels: &labels,
        n_classes: 2,
    };
    let samples = Samples::new(Inputs::Values(inputs.view()), targets).unwrap();
    let message = |config: TrainingConfig| {
        Trainer::new(
            network(0.0),
            samples.clone(),
            None,
            config,
            Threads::single(),
        )
        .unwrap_err()
        .to_string()
    };
    let wrong = TrainingConfig {
        learning_rate: -1.0,
        ..config()
    };
    assert_eq!(
        message(wrong),
        "learning rate: expected a number above 0, found -1"
    );
    let wrong = TrainingConfig {
        batch_size: BatchSize::Rows(0),
        ..config()
    };
    assert_eq!(
        message(wrong),
        "batch size: expected a whole number from 1, found 0"
    );
    let wrong = TrainingConfig {
        class_weights: ClassWeights::Given(vec![1.0]),
        ..config()
    };
    assert_eq!(
        message(wrong),
        "number of class weights: expected 2, found 1"
    );
    let wrong = TrainingConfig {
        loss: Loss::Hinge,
        ..config()
    };
    assert_eq!(
        message(wrong),
        "loss hinge: needs identity in the output layer, not softmax"
    );
}

/// Answers given as classes take a shorter way than the same answers given as
/// numbers, to the same bits.
#[test]
fn classes_and_their_one_hot_rows_are_the_same() {
    let (inputs, labels) = rings();
    let one_hot = Array2::from_shape_fn((N, 2), |(row, class)| {
        f64::from(u8::from(labels[row] as usize == class))
    });
    let classes = Targets::Classes {
        labels: &labels,
        n_classes: 2,
    };
    let weights: Vec<f64> = (0..N).map(|row| 0.5 + (row % 3) as f64).collect();
    for loss in [Loss::CrossEntropy, Loss::Kl] {
        for weights in [None, Some(&weights)] {
            let trained = |targets| {
                let mut samples = Samples::new(Inputs::Values(inputs.view()), targets).unwrap();
                if let Some(weights) = weights {
                    samples = samples.with_weights(weights).unwrap();
                }
                let config = TrainingConfig { loss, ..config() };
                let mut trainer =
                    Trainer::new(network(0.2), samples, None, config, Threads::single()).unwrap();
                let report = trainer.run(|_| ControlFlow::Continue(())).unwrap().unwrap();
                (trainer.network().parameters().to_vec(), report.train_loss)
            };
            assert_eq!(trained(classes), trained(Targets::Values(one_hot.view())));
        }
    }
}
