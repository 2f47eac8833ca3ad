//! The training loop: events, weights of samples, early stopping, divergence.

use std::ops::ControlFlow;

use ndarray::Array2;
use nn_core::metrics::evaluate;
use nn_core::training::{BatchSize, ClassWeights, EpochReport, Event, Monitor};
use nn_core::{
    Activation, ErrorKind, Inputs, LayerConfig, Loss, Menu, Network, NetworkConfig, Optimizer,
    Purpose, Samples, Schedule, Streams, Targets, Threads, Trainer, TrainingConfig,
};

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
    let mut stream = Streams::new(3).stream(Purpose::Split, 0);
    nn_core::batches::split(N, 0.25, &mut stream)
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
    let targets = Targets::classes(&labels, 2);
    let samples = Samples::new(Inputs::values(inputs.view()), targets).unwrap();
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
fn training_learns() {
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

/// A full batch gives the same gradient in one block as in several.
#[test]
fn blocks_add_up_to_the_batch() {
    // A block has at most 8192 rows.
    let n = 8192 + 77;
    let inputs = Array2::from_shape_fn((n, 2), |(row, column)| {
        ((row * 7 + column) % 11) as f64 / 11.0
    });
    let labels: Vec<u32> = (0..n).map(|row| (row % 2) as u32).collect();
    let targets = Targets::classes(&labels, 2);
    let samples = Samples::new(Inputs::values(inputs.view()), targets).unwrap();
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
fn patience_restores_the_best_weights() {
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
    let targets = Targets::classes(&labels, 2);
    let samples = Samples::new(Inputs::values(inputs.view()), targets).unwrap();
    let validation = samples.select(&split().1);
    let found = evaluate(
        &network,
        &validation,
        Loss::CrossEntropy,
        &Threads::single(),
    );
    assert_eq!(found.unwrap().loss, best);
}

fn samples<'a>(inputs: &'a Array2<f64>, labels: &'a [u32]) -> Samples<'a, f64> {
    let targets = Targets::classes(labels, 2);
    Samples::new(Inputs::values(inputs.view()), targets).unwrap()
}

#[test]
fn the_best_weights_are_the_result_without_early_stopping() {
    let (inputs, labels) = rings();
    let samples = samples(&inputs, &labels);
    let (rows, validation) = split();
    let validation = samples.select(&validation);
    for averaging in [None, Some(0.5)] {
        let trainer_of = |patience: usize| {
            let config = TrainingConfig {
                epochs: 12,
                patience,
                learning_rate: 2.0,
                averaging,
                ..config()
            };
            let (train, validation) = (samples.select(&rows), validation.clone());
            let threads = Threads::single();
            Trainer::new(network(0.0), train, Some(validation), config, threads).unwrap()
        };
        let mut trainer = trainer_of(12);
        assert!(trainer.best_epoch().is_none() && trainer.best_network().is_none());
        let mut losses = Vec::new();
        let run = trainer.run(|event| {
            if let Event::Epoch(report) = event {
                losses.push(report.validation.as_ref().unwrap().loss);
            }
            ControlFlow::Continue(())
        });
        run.unwrap();
        let lowest = losses.iter().copied().fold(f64::MAX, f64::min);
        let best = 1 + losses.iter().position(|&loss| loss == lowest).unwrap();
        assert!(losses.len() == 12 && best < 12 && !trainer.is_stopped_early());
        assert_eq!(trainer.best_epoch(), Some(best));
        assert_eq!(trainer.best_network(), Some(&trainer.network()));
        let loss_of = |network: &Network<f64>| {
            let (loss, threads) = (Loss::CrossEntropy, Threads::single());
            evaluate(network, &validation, loss, &threads).unwrap().loss
        };
        assert_eq!(loss_of(&trainer.network()), lowest);
        assert_eq!(loss_of(&trainer.latest_network()), losses[11]);
        let latest = trainer.latest_network();
        assert_eq!(loss_of(&trainer.finish().unwrap()), lowest);

        // Without patience, the result has the last weights.
        let mut trainer = trainer_of(0);
        trainer.run(|_| ControlFlow::Continue(())).unwrap();
        assert_eq!(trainer.network(), latest);
        assert_eq!(trainer.best_epoch(), Some(best));
        assert!(trainer.best_network().is_none());
    }
}

/// Of epochs with equal errors, the last is the best.
#[test]
fn the_best_epoch_can_be_chosen_by_the_error() {
    let (inputs, labels) = rings();
    let samples = samples(&inputs, &labels);
    let (rows, validation) = split();
    let validation = samples.select(&validation);
    for has_validation in [true, false] {
        let config = TrainingConfig {
            epochs: 12,
            patience: 12,
            learning_rate: 2.0,
            monitor: Monitor::Error,
            ..config()
        };
        let (train, threads) = (samples.select(&rows), Threads::single());
        let held_out = has_validation.then(|| validation.clone());
        let mut trainer = Trainer::new(network(0.0), train, held_out, config, threads).unwrap();
        let mut epochs: Vec<(f64, f64, bool)> = Vec::new();
        let run = trainer.run(|event| {
            if let Event::Epoch(report) = event {
                let of_training = (report.train_accuracy.unwrap(), report.train_loss);
                let found = report.validation.as_ref();
                let found = found.map_or(of_training, |it| (it.accuracy.unwrap(), it.loss));
                epochs.push((found.0, found.1, report.is_best));
            }
            ControlFlow::Continue(())
        });
        run.unwrap();
        let highest = epochs.iter().map(|it| it.0).fold(0.0, f64::max);
        let best = epochs.iter().rposition(|it| it.0 == highest).unwrap();
        assert_eq!(trainer.best_epoch(), Some(1 + best));
        let is_best = |(index, it): (usize, &(f64, f64, bool))| {
            it.2 == epochs[..index].iter().all(|earlier| earlier.0 <= it.0)
        };
        assert!(epochs.iter().enumerate().all(is_best));
        if has_validation {
            let lowest = epochs.iter().map(|it| it.1).fold(f64::MAX, f64::min);
            assert!(epochs[best].1 > lowest, "the loss chooses another epoch");
            let (loss, threads) = (Loss::CrossEntropy, Threads::single());
            let found = evaluate(&trainer.network(), &validation, loss, &threads).unwrap();
            assert_eq!(found.accuracy, Some(highest));
            assert_eq!(found.loss, epochs[best].1);
        }
    }
}

/// 150 training rows: 4 batches of 32 rows, and 22 rows that are left out.
#[test]
fn a_smaller_last_batch_is_left_out() {
    let (inputs, labels) = rings();
    let samples = samples(&inputs, &labels);
    let (rows, _) = split();
    assert_eq!(rows.len(), 150);
    let config = TrainingConfig {
        drop_last: true,
        epochs: 3,
        ..config()
    };
    let (train, threads) = (samples.select(&rows), Threads::single());
    let mut trainer = Trainer::new(network(0.0), train, None, config, threads).unwrap();
    let mut n_rows = Vec::new();
    let run = trainer.run(|event| {
        if let Event::Batch(report) = event {
            n_rows.push(report.n_samples);
        }
        ControlFlow::Continue(())
    });
    run.unwrap();
    assert_eq!(n_rows, [32; 12]);
}

/// The maximum number of epochs, batch size and patience mean "until it is stopped".
#[test]
fn the_largest_sizes_do_not_overflow() {
    let (inputs, labels) = rings();
    for &schedule in Schedule::ALL {
        for batch_size in [BatchSize::Rows(1), BatchSize::Rows(usize::MAX)] {
            let config = TrainingConfig {
                epochs: usize::MAX,
                patience: usize::MAX,
                schedule,
                batch_size,
                ..config()
            };
            let (samples, threads) = (samples(&inputs, &labels), Threads::single());
            let mut trainer = Trainer::new(network(0.0), samples, None, config, threads).unwrap();
            for _ in 0..N + 2 {
                let event = trainer.advance().unwrap().expect("it goes on");
                if let Event::Batch(report) = event {
                    assert!((0.0..=0.02).contains(&report.learning_rate), "{schedule}");
                }
            }
            assert!(trainer.epoch() >= 1);
        }
    }
}

/// Repeats the rows of every class according to its weight.
fn repeated(labels: &[u32], weights: [usize; 2]) -> Vec<u32> {
    let times = |&row: &u32| std::iter::repeat_n(row, weights[labels[row as usize] as usize]);
    let rows: Vec<u32> = (0..labels.len() as u32).collect();
    rows.iter().flat_map(times).collect()
}

/// Sums the gradients of the batches of an epoch, at constant weights, times their
/// number of rows.
fn sum_of_gradients(samples: Samples<'_, f64>, config: TrainingConfig) -> Vec<f64> {
    let config = TrainingConfig {
        learning_rate: f64::MIN_POSITIVE,
        shuffle: false,
        ..TrainingConfig {
            optimizer: Optimizer::Sgd,
            ..config
        }
    };
    let threads = Threads::single();
    let mut trainer = Trainer::new(network(0.0), samples, None, config, threads).unwrap();
    trainer.keep_gradients();
    let mut sum = vec![0.0; trainer.state().0.parameters().len()];
    while let Some(Event::Batch(report)) = trainer.advance().unwrap() {
        let gradient = trainer.state().2.values();
        let pairs = sum.iter_mut().zip(gradient);
        pairs.for_each(|(sum, g)| *sum += report.n_samples as f64 * g);
    }
    sum
}

/// On average over the batches of an epoch, for any batch size, a weight equals that
/// number of copies of the row.
#[test]
fn a_weight_has_the_gradient_of_that_number_of_copies() {
    let (inputs, labels) = rings();
    let samples = samples(&inputs, &labels);
    let copies = samples.select(&repeated(&labels, [1, 5]));
    let full = TrainingConfig {
        batch_size: BatchSize::Full,
        ..config()
    };
    let n_copies = copies.len() as f64;
    let expected = sum_of_gradients(copies, full);
    let of_rows: Vec<f64> = labels
        .iter()
        .map(|&label| [1.0, 5.0][label as usize])
        .collect();
    let halves = vec![0.5; N];
    for batch_size in [1, 2, 7, 32, N].map(BatchSize::Rows) {
        let config = TrainingConfig {
            batch_size,
            ..config()
        };
        let by_class = TrainingConfig {
            class_weights: ClassWeights::Given(vec![1.0, 5.0]),
            ..config.clone()
        };
        let by_row = samples.clone().with_weights(&of_rows).unwrap();
        let by_both = samples.clone().with_weights(&halves).unwrap();
        for found in [
            sum_of_gradients(samples.clone(), by_class.clone()),
            sum_of_gradients(by_row, config),
            sum_of_gradients(by_both, by_class),
        ] {
            for (found, expected) in found.iter().zip(&expected) {
                let error = found / N as f64 - expected / n_copies;
                assert!(error.abs() < 1e-14, "{batch_size:?}: {error:e}");
            }
        }
    }
}

/// In batches of one row, with many seeds and the same number of steps, training with
/// weights finds on average as many rows of the rare class as training with copies.
#[test]
fn weights_have_the_effect_of_copies_in_batches_of_one() {
    let n = 100;
    let labels: Vec<u32> = (0..n).map(|row| u32::from(row % 10 == 0)).collect();
    let mut stream = Streams::new(5).stream(Purpose::Test, 0);
    let inputs = Array2::from_shape_fn((n, 2), |(row, _)| {
        stream.normal() + 1.5 * f64::from(labels[row])
    });
    let samples = samples(&inputs, &labels);
    let rare: Vec<u32> = (0..n as u32).filter(|row| row % 10 == 0).collect();
    let copies = samples.select(&repeated(&labels, [1, 9]));
    let recall = |train: &Samples<'_, f64>, weight: f64, epochs: usize| {
        let n_seeds = 20;
        let of_seed = |seed: u64| {
            let config = TrainingConfig {
                batch_size: BatchSize::Rows(1),
                class_weights: ClassWeights::Given(vec![1.0, weight]),
                learning_rate: 0.003,
                epochs,
                seed,
                ..TrainingConfig::new(Loss::CrossEntropy, Optimizer::Sgd)
            };
            let threads = Threads::single();
            let trainer = Trainer::new(network(0.0), train.clone(), None, config, threads);
            let trained = trainer.unwrap().finish().unwrap();
            let rare = samples.select(&rare);
            let found = evaluate(&trained, &rare, Loss::CrossEntropy, &Threads::single());
            found.unwrap().accuracy.unwrap()
        };
        (0..n_seeds).map(of_seed).sum::<f64>() / n_seeds as f64
    };
    let (with_copies, weighted) = (recall(&copies, 1.0, 30), recall(&samples, 9.0, 54));
    let without = recall(&samples, 1.0, 54);
    assert!(
        (with_copies - weighted).abs() < 0.05,
        "{with_copies}, {weighted}"
    );
    assert!(weighted > without + 0.3, "{weighted}, {without}");
}

/// A batch whose rows all have weight 0 has gradient 0, and the regularization term is
/// not divided by weights.
#[test]
fn rows_of_weight_0_have_no_effect() {
    let (inputs, labels) = rings();
    let weights: Vec<f64> = (0..N).map(|row| if row < 2 { 0.0 } else { 3.0 }).collect();
    let first_step = |weights: &[f64], l2: f64| {
        let mut config = TrainingConfig {
            batch_size: BatchSize::Rows(2),
            learning_rate: 1.0,
            shuffle: false,
            ..TrainingConfig::new(Loss::CrossEntropy, Optimizer::Sgd)
        };
        config.regularization.l2 = l2;
        let samples = samples(&inputs, &labels).with_weights(weights).unwrap();
        let threads = Threads::single();
        let mut trainer = Trainer::new(network(0.0), samples, None, config, threads).unwrap();
        let event = trainer.advance().unwrap();
        let Some(Event::Batch(report)) = event else {
            panic!("expected a batch, found {event:?}");
        };
        assert!(report.loss.is_finite());
        trainer.network()
    };
    let before = network(0.0);
    assert_eq!(first_step(&weights, 0.0), before);
    let after = first_step(&weights, 0.25);
    for (after, before) in after
        .weights(0)
        .as_slice()
        .iter()
        .zip(before.weights(0).as_slice())
    {
        assert!((after - 0.75 * before).abs() < 1e-15);
    }
    assert_eq!(first_step(&[1.0; N], 0.25), first_step(&[4.0; N], 0.25));
}

#[test]
fn weights_that_are_all_0_are_refused() {
    let (inputs, labels) = rings();
    let (rows, _) = split();
    let all = samples(&inputs, &labels);
    let zeros = vec![0.0; N];
    let unweighted = all.select(&rows);
    let weightless = all.clone().with_weights(&zeros).unwrap().select(&rows);
    let only_first: Vec<u32> = (0..N as u32).step_by(2).collect();
    let no_first = TrainingConfig {
        class_weights: ClassWeights::Given(vec![0.0, 1.0]),
        ..config()
    };
    fn message<'a>(
        train: Samples<'a, f64>,
        validation: Option<Samples<'a, f64>>,
        config: TrainingConfig,
    ) -> String {
        Trainer::new(network(0.0), train, validation, config, Threads::single())
            .unwrap_err()
            .to_string()
    }
    let all_0 = format!(
        "sample weights: expected a weight above 0, but all {} are 0",
        rows.len()
    );
    assert_eq!(message(weightless.clone(), None, config()), all_0);
    assert_eq!(message(unweighted, Some(weightless), config()), all_0);
    assert_eq!(
        message(all.select(&only_first), None, no_first),
        "class and sample weights: expected a training row with a weight above 0, found none"
    );
}

/// The running averages converge to the statistics of all rows, even with one
/// remaining row. (The learning rate is so small that z does not change.)
#[test]
fn one_remaining_row_does_not_distort_the_running_variance() {
    let variances = |n: usize, batch_rows: usize| {
        let (inputs, labels) = rings();
        let rows: Vec<u32> = (0..n as u32).collect();
        let hidden = LayerConfig {
            batch_norm: true,
            ..LayerConfig::new(4, Activation::Tanh)
        };
        let layers = vec![hidden, LayerConfig::new(2, Activation::Softmax)];
        let network_config = NetworkConfig {
            n_inputs: 2,
            layers,
        };
        let network = Network::new(&network_config, 1).unwrap();
        let (inputs_of_rows, _) = inputs.view().split_at(ndarray::Axis(0), n);
        let z = inputs_of_rows.dot(&ndarray::ArrayView2::from(&network.weights(0)));
        let true_variances = z.var_axis(ndarray::Axis(0), 1.0);
        let config = TrainingConfig {
            epochs: 200,
            batch_size: BatchSize::Rows(batch_rows),
            learning_rate: 1e-12,
            ..TrainingConfig::new(Loss::CrossEntropy, Optimizer::Sgd)
        };
        let samples = samples(&inputs, &labels).select(&rows);
        let mut trainer = Trainer::new(network, samples, None, config, Threads::single()).unwrap();
        assert_eq!(trainer.n_batches(), n / batch_rows);
        trainer.run(|_| ControlFlow::Continue(())).unwrap();
        let trained = trainer.network();
        let range = trained.layers()[0].running_variance();
        let found = trained.statistics()[range].to_vec();
        found.into_iter().zip(true_variances)
    };
    for (found, expected) in variances(33, 32).chain(variances(65, 64)) {
        assert!((found / expected - 1.0).abs() < 1e-6, "{found}, {expected}");
    }
    for (found, expected) in variances(65, 32).chain(variances(129, 32)) {
        assert!((found / expected - 1.0).abs() < 0.15, "{found}, {expected}");
    }
}

#[test]
fn divergence_is_reported() {
    let (inputs, labels) = rings();
    let targets = Targets::classes(&labels, 2);
    let samples = Samples::new(Inputs::values(inputs.view()), targets).unwrap();
    let config = TrainingConfig {
        learning_rate: f64::MAX,
        ..TrainingConfig::new(Loss::CrossEntropy, Optimizer::Sgd)
    };
    let mut trainer = Trainer::new(network(0.0), samples, None, config, Threads::single()).unwrap();
    let error = trainer.run(|_| ControlFlow::Continue(())).unwrap_err();
    assert!(error.to_string().contains("at epoch 1, batch"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Diverged);
}

#[test]
fn max_norm_limits_the_incoming_weights() {
    let config = TrainingConfig {
        max_norm: Some(0.25),
        ..config()
    };
    let (network, _) = train(network(0.0), config, 1);
    for layer in 0..2 {
        let weights = network.weights(layer);
        for column in 0..weights.n_columns() {
            let squares = weights.column(column).map(|w| w * w);
            assert!(squares.sum::<f64>().sqrt() <= 0.25 + 1e-12);
        }
    }
}

/// mₜ = d·mₜ₋₁ + (1 − d)·wₜ from m₀ = 0, divided by 1 − dᵗ.
#[test]
fn averaged_weights_are_the_bias_corrected_average() {
    for decay in [0.0, 0.8, 0.999] {
        let averaged = TrainingConfig {
            averaging: Some(decay),
            ..config()
        };
        let (inputs, labels) = rings();
        let samples = samples(&inputs, &labels);
        let threads = Threads::single();
        let mut trainer = Trainer::new(network(0.0), samples, None, averaged, threads).unwrap();
        let (mut accumulated, mut lowest, mut highest) = (0.0, f64::MAX, f64::MIN);
        for t in 1..=6 {
            trainer.advance().unwrap();
            let weight = trainer.state().0.parameters()[0];
            accumulated = decay * accumulated + (1.0 - decay) * weight;
            let expected = accumulated / (1.0 - decay.powi(t));
            let found = trainer.network().parameters()[0];
            assert!((found - expected).abs() < 1e-12, "{decay}, step {t}");
            lowest = weight.min(lowest);
            highest = weight.max(highest);
            // The initial weight, far from all of these, has no effect.
            assert!((lowest - 1e-12..=highest + 1e-12).contains(&found));
        }
    }
}

#[test]
fn invalid_configurations_are_refused() {
    let (inputs, labels) = rings();
    let targets = Targets::classes(&labels, 2);
    let samples = Samples::new(Inputs::values(inputs.view()), targets).unwrap();
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
        "batch size: expected a whole number of 1 or above, found 0"
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

/// Classes and one-hot targets take different code paths to the same bits.
#[test]
fn classes_and_one_hot_targets_give_the_same_bits() {
    let (inputs, labels) = rings();
    let one_hot = Array2::from_shape_fn((N, 2), |(row, class)| {
        f64::from(u8::from(labels[row] as usize == class))
    });
    let classes = Targets::classes(&labels, 2);
    let weights: Vec<f64> = (0..N).map(|row| 0.5 + (row % 3) as f64).collect();
    for loss in [Loss::CrossEntropy, Loss::Kl] {
        for weights in [None, Some(&weights)] {
            let trained = |targets| {
                let mut samples = Samples::new(Inputs::values(inputs.view()), targets).unwrap();
                if let Some(weights) = weights {
                    samples = samples.with_weights(weights).unwrap();
                }
                let config = TrainingConfig { loss, ..config() };
                let mut trainer =
                    Trainer::new(network(0.2), samples, None, config, Threads::single()).unwrap();
                let report = trainer.run(|_| ControlFlow::Continue(())).unwrap().unwrap();
                (trainer.network().parameters().to_vec(), report.train_loss)
            };
            assert_eq!(
                trained(classes.clone()),
                trained(Targets::values(one_hot.view()))
            );
        }
    }
}
