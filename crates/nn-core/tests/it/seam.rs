//! The two halves of a step, gradient and update; gradient accumulation, frozen
//! layers, and steps on samples of the caller.

use ndarray::Array2;
use nn_core::batches::{Inputs, Samples, Targets};
use nn_core::stage::{LayerNorm, Residual, Scaling};
use nn_core::training::{BatchSize, Trainer, TrainingConfig};
use nn_core::{Activation, LayerConfig, Loss, Menu, Network, NetworkConfig, Optimizer};
use nn_tensor::Threads;
use serde_json::Value;

use crate::support::{Classes, assert_close, network};

fn data() -> Classes {
    Classes::random(67, 5, 3, 4)
}

fn layers() -> Vec<LayerConfig> {
    let hidden = LayerConfig {
        dropout: 0.2,
        ..LayerConfig::new(7, Activation::Tanh)
    };
    vec![
        hidden,
        LayerConfig::new(6, Activation::Relu),
        LayerConfig::new(3, Activation::Softmax),
    ]
}

fn config(optimizer: &str, batch_rows: usize) -> TrainingConfig {
    TrainingConfig {
        batch_size: BatchSize::Rows(batch_rows),
        epochs: 3,
        clip_norm: Some(0.5),
        ..TrainingConfig::new(Loss::CrossEntropy, optimizer.parse().expect("it is known"))
    }
}

fn trained(config: TrainingConfig, threads: usize) -> Network<f64> {
    let data = data();
    let network = network(5, layers(), 1);
    let trainer = Trainer::new(network, data.samples(), None, config, Threads::new(threads));
    trainer
        .and_then(Trainer::finish)
        .expect("a valid configuration")
}

#[test]
fn gradient_and_step_equal_advance() {
    let data = data();
    let config = config("adam", 16);
    let mut trainer = Trainer::new(
        network(5, layers(), 1),
        data.samples(),
        None,
        config.clone(),
        Threads::single(),
    )
    .expect("a valid configuration");
    let mut weight = 0.0;
    while !trainer.is_done() {
        while let Some(batch) = trainer.gradient().expect("it is finite") {
            weight += batch.weight;
            assert!(trainer.gradient_values().iter().any(|&g| g != 0.0));
            let report = trainer.step().expect("there is a gradient");
            assert_eq!(
                (report.loss, report.n_samples),
                (batch.loss, batch.n_samples)
            );
        }
        trainer.advance().expect("it is finite");
    }
    assert_eq!(weight, 3.0 * 67.0);
    assert_eq!(trainer.network(), trained(config, 1));
}

#[test]
fn halves_out_of_turn_are_refused() {
    let data = data();
    let mut trainer = Trainer::new(
        network(5, layers(), 1),
        data.samples(),
        None,
        config("sgd", 16),
        Threads::single(),
    )
    .expect("a valid configuration");
    let message = trainer.step().unwrap_err().to_string();
    assert_eq!(message, "step: call `gradient` first");
    trainer.gradient().expect("it is finite");
    let message = trainer.gradient().unwrap_err().to_string();
    assert_eq!(message, "gradient: call `step` first");
    let message = trainer.checkpoint(Value::Null).unwrap_err().to_string();
    assert_eq!(message, "checkpoint: call `step` first");
    // `advance` completes the step.
    trainer.advance().expect("it is finite");
    trainer.checkpoint(Value::Null).expect("nothing is pending");
}

/// N accumulated batches equal one batch of N times the rows, for any number of
/// threads.
#[test]
fn accumulated_batches_have_the_bits_of_one() {
    for (rows, accumulate, sum_rows) in [(8, 2, 8), (8, 8, 8), (8, 3, 4), (4, 5, 4), (8, 4, 1)] {
        let one = TrainingConfig {
            sum_rows: Some(sum_rows),
            ..config("momentum", rows * accumulate)
        };
        let many = TrainingConfig {
            accumulate,
            sum_rows: (sum_rows != rows).then_some(sum_rows),
            ..config("momentum", rows)
        };
        let expected = trained(one, 1);
        assert_eq!(trained(many.clone(), 1), expected, "{rows} x {accumulate}");
        assert_eq!(trained(many, 3), expected, "{rows} x {accumulate}");
    }
}

/// A dense batch is computed in blocks, whose gradients are added in the same order by any
/// number of threads, with dropout, weights and stages of every kind.
#[test]
fn threads_that_compute_blocks_give_the_same_bits() {
    let data = Classes::random(230, 5, 3, 4);
    let weights: Vec<f64> = (0..230).map(|row| f64::from(row % 3)).collect();
    let stages = |layer: &mut LayerConfig, inputs: &str| {
        layer.inputs.push(inputs.parse().expect("an input stage"));
        layer.sums.push("layer-norm".parse().expect("a stage"));
        layer.outputs.push("residual".parse().expect("a stage"));
    };
    for (inputs, batch_rows) in [("scaling", 100), ("piecewise-linear-embedding:3x2", 230)] {
        for optimizer in ["adam", "rmsprop", "sgd"] {
            let config = TrainingConfig {
                // With sgd, clipping prevents updates during the backward pass.
                clip_norm: (optimizer == "sgd").then_some(0.5),
                ..config(optimizer, batch_rows)
            };
            let trained = |threads| {
                let mut layers = layers();
                layers[1] = LayerConfig {
                    dropout: 0.1,
                    ..LayerConfig::new(7, Activation::Relu)
                };
                stages(&mut layers[0], inputs);
                layers[0].outputs.clear();
                stages(&mut layers[1], "scaling");
                let samples = data.samples().with_weights(&weights).expect("valid");
                let (network, threads) = (network(5, layers, 1), Threads::new(threads));
                Trainer::new(network, samples, None, config.clone(), threads)
                    .and_then(Trainer::finish)
                    .expect("a valid configuration")
            };
            let expected = trained(1);
            for threads in [2, 3, 5, 40] {
                assert!(
                    trained(threads) == expected,
                    "{optimizer}, {threads} threads"
                );
            }
        }
    }
}

/// Blocks change the order of the sum, and so its last bits.
#[test]
fn block_sums_are_close_to_the_sequential_sum() {
    let gradient = |sum_rows| {
        let data = data();
        let config = TrainingConfig {
            sum_rows,
            ..config("sgd", 64)
        };
        let mut layers = layers();
        layers[0].dropout = 0.0;
        let network = network(5, layers, 1);
        let mut trainer = Trainer::new(network, data.samples(), None, config, Threads::single())
            .expect("a valid configuration");
        trainer.gradient().expect("it is finite");
        trainer.gradient_values().to_vec()
    };
    let chain = gradient(Some(64));
    for rows in [1, 5, 8, 64, 100] {
        let blocks = gradient(Some(rows));
        assert!(rows == 1 || (blocks == chain) == (rows >= 64), "{rows}");
        assert_close("gradient", &blocks, &chain, [1e-10, 1e-16]);
    }
    // Two blocks, for two threads.
    assert_eq!(gradient(None), gradient(Some(32)));
}

#[test]
fn invalid_accumulation_is_refused() {
    let message = |layers: Vec<LayerConfig>, config: TrainingConfig| {
        let data = data();
        let trainer = Trainer::new(
            network(5, layers, 1),
            data.samples(),
            None,
            config,
            Threads::single(),
        );
        trainer.expect_err("it is refused").to_string()
    };
    let accumulate = |accumulate, sum_rows, batch_size| TrainingConfig {
        accumulate,
        sum_rows,
        batch_size,
        ..config("sgd", 1)
    };
    assert_eq!(
        message(layers(), accumulate(2, Some(4), BatchSize::Rows(12))),
        "accumulate: expected a batch size of 4 rows times a power of 2, so that a batch is a \
         subtree of the sum, found 12"
    );
    assert_eq!(
        message(layers(), accumulate(2, None, BatchSize::Full)),
        "accumulate: cannot be combined with full-batch training"
    );
    assert_eq!(
        message(layers(), accumulate(0, None, BatchSize::Rows(4))),
        "accumulate: expected a whole number of 1 or above, found 0"
    );
    let mut normalized = layers();
    normalized[0].batch_norm = true;
    assert_eq!(
        message(normalized, accumulate(2, None, BatchSize::Rows(4))),
        "batch normalization: needs all rows of a step at once, so it cannot be combined with \
         accumulate or sum_rows"
    );
    let frozen = TrainingConfig {
        frozen_layers: 3,
        ..config("sgd", 1)
    };
    assert_eq!(
        message(layers(), frozen),
        "frozen layers: expected fewer than the 3 layers of the network, found 3"
    );
}

#[test]
fn frozen_layers_do_not_change_and_the_others_learn() {
    for optimizer in Optimizer::ALL {
        let mut layers = layers();
        layers[0].batch_norm = true;
        let data = data();
        let start = network(5, layers, 1);
        let config = TrainingConfig {
            frozen_layers: 2,
            weight_decay: if matches!(optimizer, Optimizer::Adam { .. }) {
                0.1
            } else {
                0.0
            },
            max_norm: Some(0.1),
            ..config(optimizer.name(), 16)
        };
        let trainer = Trainer::new(
            start.clone(),
            data.samples(),
            None,
            config,
            Threads::single(),
        );
        let trained = trainer
            .and_then(Trainer::finish)
            .expect("a valid configuration");
        let first = start.layers()[2].parameters().start;
        assert_eq!(trained.parameters()[..first], start.parameters()[..first]);
        assert_eq!(trained.statistics(), start.statistics());
        let weights = start.layers()[2].weights();
        let pairs = trained.parameters()[weights.clone()]
            .iter()
            .zip(&start.parameters()[weights]);
        assert!(
            pairs.into_iter().all(|(after, before)| after != before),
            "{optimizer}"
        );
    }
}

/// The gradient above frozen layers is that of a full backward pass, also where the first
/// trained layer begins with a stage of its own or adds the outputs of a frozen layer.
#[test]
fn frozen_layers_do_not_change_the_gradient_of_the_others() {
    let data = data();
    let mut layers = layers();
    layers[1].n_outputs = layers[0].n_outputs;
    layers[1].sums.push(LayerNorm.into());
    layers[1].outputs.push(Residual.into());
    layers[2].inputs.push(Scaling.into());
    let start = network(5, layers, 1);
    let gradient = |frozen_layers| {
        let config = TrainingConfig {
            frozen_layers,
            ..config("adam", 16)
        };
        let trainer = Trainer::new(
            start.clone(),
            data.samples(),
            None,
            config,
            Threads::single(),
        );
        let mut trainer = trainer.expect("a valid configuration");
        trainer.gradient().expect("it is finite");
        trainer.gradient_values().to_vec()
    };
    let full = gradient(0);
    for frozen in [1, 2] {
        let found = gradient(frozen);
        let first = start.layers()[frozen].parameters().start;
        assert!(full[..first].iter().any(|&value| value != 0.0));
        assert!(found[..first].iter().all(|&value| value == 0.0));
        assert_eq!(found[first..], full[first..], "{frozen} frozen layers");
    }
}

/// Training above a frozen layer equals training on its outputs.
#[test]
fn layers_above_a_frozen_one_learn_from_its_outputs() {
    let data = data();
    let layers = vec![
        LayerConfig::new(6, Activation::Tanh),
        LayerConfig::new(3, Activation::Softmax),
    ];
    let whole = network(5, layers.clone(), 2);
    let mut cache = nn_core::network::ForwardCache::new(&whole, data.inputs.nrows());
    whole.forward(data.inputs.view(), &mut cache, &Threads::single());
    let hidden: Array2<f64> = cache.layer(0).outputs().into();
    let mut alone = network(6, layers[1..].to_vec(), 0);
    let top = whole.layers()[1].parameters();
    alone
        .parameters_mut()
        .copy_from_slice(&whole.parameters()[top.clone()]);
    let targets = || Targets::classes(&data.labels, 3);
    let samples = Samples::new(Inputs::values(hidden.view()), targets()).expect("valid samples");
    let config = config("adam", 16);
    let frozen = TrainingConfig {
        frozen_layers: 1,
        ..config.clone()
    };
    let finish = |network, samples, config| {
        Trainer::new(network, samples, None, config, Threads::single())
            .and_then(Trainer::finish)
            .expect("a valid configuration")
    };
    let found = finish(whole, data.samples(), frozen);
    let expected = finish(alone, samples, config);
    assert_eq!(found.parameters()[top], expected.parameters()[..]);
}

/// Steps on samples in the order of an epoch equal that epoch.
#[test]
fn steps_on_streamed_rows_equal_an_epoch() {
    let data = data();
    let mut layers = layers();
    layers[0].batch_norm = true;
    let config = TrainingConfig {
        shuffle: false,
        epochs: 1,
        ..config("adam", 20)
    };
    let expected = {
        let network = network(5, layers.clone(), 1);
        Trainer::new(
            network,
            data.samples(),
            None,
            config.clone(),
            Threads::single(),
        )
        .and_then(Trainer::finish)
        .expect("a valid configuration")
    };
    let mut trainer = Trainer::online(network(5, layers, 1), config, Threads::new(2))
        .expect("a valid configuration");
    assert!(trainer.advance().expect("it does nothing").is_none());
    let positions: Vec<u32> = (0..67).collect();
    let samples = data.samples();
    for rows in positions.chunks(20) {
        let loss = trainer
            .step_on(&samples.select(rows))
            .expect("it is finite");
        assert_eq!(loss.n_samples, rows.len());
    }
    assert_eq!(trainer.network(), expected);
    // More rows than the batch size, and a checkpoint.
    trainer.step_on(&samples).expect("it is finite");
    let checkpoint = trainer.checkpoint(Value::Null).expect("nothing is pending");
    trainer.step_on(&samples).expect("it is finite");
    let after = trainer.network();
    trainer.restore(&checkpoint).expect("it is its own");
    trainer.step_on(&samples).expect("it is finite");
    assert_eq!(trainer.network(), after);
}

#[test]
fn streamed_rows_that_do_not_fit_are_refused() {
    let data = data();
    let mut trainer: Trainer<'_, f64> =
        Trainer::online(network(4, layers(), 1), config("sgd", 8), Threads::single())
            .expect("a valid configuration");
    let message = trainer.step_on(&data.samples()).unwrap_err().to_string();
    assert_eq!(message, "number of inputs per sample: expected 4, found 5");
    let config = NetworkConfig {
        n_inputs: 5,
        layers: layers(),
    };
    let network = Network::<f64>::new(&config, 0).expect("a valid configuration");
    let balanced = TrainingConfig {
        class_weights: nn_core::training::ClassWeights::Balanced,
        ..TrainingConfig::new(Loss::CrossEntropy, Optimizer::Sgd)
    };
    let error = Trainer::online(network, balanced, Threads::single()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "class weights: need class labels as targets"
    );
}
