//! L1, weight decay and momentum against independent implementations: Lasso by
//! coordinate descent, PyTorch's `weight_decay` and velocity.

use ndarray::{Array2, Axis};
use nn_core::optimizer::OptimizerState;
use nn_core::schedule::Position;
use nn_core::training::{RateFactor, Trainer, TrainingConfig};
use nn_core::{
    Activation, Inputs, LayerConfig, Loss, Menu, Network, NetworkConfig, Optimizer, Samples,
    Schedule, Targets, Threads,
};

use crate::support::{assert_close, full_batch, normal, stream, value_samples};

/// Rows of 8 normal columns, two of which determine the target.
fn linear_rows() -> (Array2<f64>, Array2<f64>) {
    let mut stream = stream(3);
    let inputs = normal([80, 8], &mut stream);
    let noise = normal([80, 1], &mut stream);
    let means = inputs.mean_axis(Axis(0)).expect("there are rows");
    let inputs = inputs - means;
    let targets = &inputs.column(1) * 2.0 - &inputs.column(5) * 1.5;
    let targets = targets.insert_axis(Axis(1)) + 0.3 * noise;
    let mean = targets.mean().expect("there are rows");
    (inputs, targets - mean)
}

/// Minimizes (1/n) Σ (x·w − y)² + λ Σ|w| by coordinate descent (Friedman et al. 2010,
/// equation 5).
fn lasso(inputs: &Array2<f64>, targets: &Array2<f64>, l1: f64) -> Vec<f64> {
    let n = inputs.nrows() as f64;
    let mut weights = vec![0.0; inputs.ncols()];
    for _ in 0..1000 {
        for j in 0..weights.len() {
            let column = inputs.column(j);
            let mut rest = targets.column(0).to_owned();
            for (k, &weight) in weights.iter().enumerate().filter(|&(k, _)| k != j) {
                rest.scaled_add(-weight, &inputs.column(k));
            }
            let pull = 2.0 / n * column.dot(&rest);
            let shrunk = pull.signum() * (pull.abs() - l1).max(0.0);
            weights[j] = shrunk / (2.0 / n * column.dot(&column));
        }
    }
    weights
}

#[test]
fn l1_gives_the_zeros_of_lasso_with_every_optimizer() {
    let (inputs, targets) = linear_rows();
    let expected = lasso(&inputs, &targets, 0.4);
    let n_zeros = |weights: &[f64]| weights.iter().filter(|&&w| w == 0.0).count();
    assert_eq!(n_zeros(&expected), 6, "{expected:?}");
    for &optimizer in Optimizer::ALL {
        let decay_off = "adamw:weight-decay=0".parse().expect("an optimizer");
        let mut config = TrainingConfig {
            optimizer: match optimizer {
                Optimizer::AdamW { .. } => decay_off,
                other => other,
            },
            learning_rate: match optimizer {
                // Its steps shrink from the start.
                Optimizer::Adagrad { .. } => 0.5,
                other => other.default_learning_rate().max(0.01),
            },
            schedule: Schedule::Cosine {
                warmup: 0.0,
                floor: 0.0,
            },
            epochs: if matches!(optimizer, Optimizer::Adadelta { .. }) {
                20_000
            } else {
                4000
            },
            ..full_batch(Loss::Mse)
        };
        config.regularization.l1 = 0.4;
        let layers = vec![LayerConfig::new(1, Activation::Identity)];
        let network = Network::new(
            &NetworkConfig {
                n_inputs: 8,
                layers,
            },
            1,
        )
        .expect("a valid configuration");
        let samples = value_samples(inputs.view(), targets.view());
        let trainer = Trainer::new(network, samples, None, config, Threads::single());
        let network = trainer
            .expect("a valid configuration")
            .finish()
            .expect("it trains");
        let weights = &network.parameters()[..8];
        assert_eq!(
            n_zeros(weights),
            6,
            "{optimizer}: {weights:?}, not {expected:?}"
        );
        for (found, expected) in weights.iter().zip(&expected) {
            assert!((found - expected).abs() < 0.02, "{optimizer}: {weights:?}");
        }
    }
}

/// torch.optim.SGD(weight_decay=λ): g ← g + λ·w for biases, too, and after
/// clip_grad_norm_; Adam adds it before its means.
#[test]
fn weight_decay_agrees_with_pytorch() {
    let (inputs, targets) = linear_rows();
    let layers = vec![LayerConfig::new(1, Activation::Identity)];
    let mut network: Network<f64> = Network::new(
        &NetworkConfig {
            n_inputs: 8,
            layers,
        },
        1,
    )
    .expect("a valid configuration");
    network.parameters_mut()[8] = 0.7;
    let start = network.parameters().to_vec();
    for &optimizer in Optimizer::ALL {
        if matches!(optimizer, Optimizer::AdamW { .. } | Optimizer::Rprop { .. }) {
            continue;
        }
        let config = TrainingConfig {
            optimizer,
            weight_decay: 0.25,
            clip_norm: Some(0.5),
            learning_rate: 0.1,
            epochs: 1,
            ..full_batch(Loss::Mse)
        };
        let samples = value_samples(inputs.view(), targets.view());
        let trainer = Trainer::new(network.clone(), samples, None, config, Threads::single());
        let found = trainer
            .expect("a valid configuration")
            .finish()
            .expect("it trains");
        let rest = inputs.dot(&found_weights(&start)) + 0.7 - &targets;
        let scale = 2.0 / inputs.nrows() as f64;
        let mut gradient: Vec<f64> = (inputs.t().dot(&rest) * scale).column(0).to_vec();
        gradient.push(scale * rest.sum());
        let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        for (g, w) in gradient.iter_mut().zip(&start) {
            *g = *g * (0.5 / norm).min(1.0) + 0.25 * w;
        }
        let mut expected = start.clone();
        let mut state = OptimizerState::new(optimizer, 9, 0.1).expect("a valid configuration");
        state.step(&mut expected, &gradient, 0.1, &Threads::single());
        let what = optimizer.to_string();
        assert_close(&what, found.parameters(), &expected, [1e-10, 1e-13]);
    }
}

fn found_weights(parameters: &[f64]) -> Array2<f64> {
    Array2::from_shape_vec((8, 1), parameters[..8].to_vec()).expect("eight weights")
}

/// torch.optim.SGD(momentum=μ, nesterov=…) with StepLR and CosineAnnealingLR:
/// v ← μ·v + g and w ← w − η·v, or η·(g + μ·v), η that of the step.
#[test]
fn momentum_with_a_schedule_agrees_with_pytorch() {
    let gradient = |w: f64, step: u64| w - 0.5 + 0.1 * step as f64;
    for schedule in ["step:every=4:factor=0.1", "cosine", "one-cycle"] {
        for name in ["momentum", "nesterov:momentum=0.7"] {
            let optimizer: Optimizer = name.parse().expect("an optimizer");
            let (mu, is_nesterov) = match optimizer {
                Optimizer::Momentum { momentum } => (momentum, false),
                Optimizer::Nesterov { momentum } => (momentum, true),
                other => panic!("{other}"),
            };
            let schedule: Schedule = schedule.parse().expect("a schedule");
            let (mut found, mut w, mut v) = ([1.0], 1.0, 0.0);
            let mut state = OptimizerState::new(optimizer, 1, 0.2).expect("a valid configuration");
            for step in 0..12 {
                let place = Position {
                    step,
                    steps_per_epoch: 1,
                    epochs: 12,
                };
                let rate = 0.2 * schedule.factor(place);
                let g = gradient(found[0], step);
                state.step(&mut found, &[g], rate, &Threads::single());
                let g = gradient(w, step);
                v = mu * v + g;
                w -= rate * if is_nesterov { g + mu * v } else { v };
                assert_close(&format!("{name}, {schedule}"), &found, &[w], [1e-12, 1e-14]);
            }
        }
    }
}

/// The weights of an input that is always 0 have gradient 0 and only decay, and so
/// does their moving average.
#[test]
fn decaying_weights_do_not_become_subnormal() {
    let inputs = Array2::<f32>::from_shape_fn((6, 2), |(row, column)| (row * column) as f32);
    let targets = Array2::<f32>::from_shape_fn((6, 1), |(row, _)| row as f32);
    let layers = vec![
        LayerConfig::new(2, Activation::Tanh),
        LayerConfig::new(1, Activation::Identity),
    ];
    let network = Network::new(
        &NetworkConfig {
            n_inputs: 2,
            layers,
        },
        1,
    )
    .expect("a valid configuration");
    let decays: [fn(&mut TrainingConfig); 4] = [
        |config| config.regularization.l2 = 1.0,
        |config| config.weight_decay = 1.0,
        |config| config.max_norm = Some(1e-30),
        |config| config.optimizer = "adamw:weight-decay=1".parse().expect("an optimizer"),
    ];
    for (index, decay) in decays.into_iter().enumerate() {
        let mut config = TrainingConfig {
            learning_rate: 0.25,
            epochs: 2000,
            averaging: Some(0.9),
            ..TrainingConfig::new(Loss::Mse, Optimizer::Sgd)
        };
        decay(&mut config);
        let samples = Samples::new(
            Inputs::values(inputs.view()),
            Targets::values(targets.view()),
        )
        .expect("the rows fit");
        let trainer = Trainer::new(network.clone(), samples, None, config, Threads::single());
        let mut trainer = trainer.expect("a valid configuration");
        while trainer.advance().expect("it trains").is_some() {
            let averaged = trainer.network();
            for w in trainer
                .state()
                .0
                .parameters()
                .iter()
                .chain(averaged.parameters())
            {
                assert!(!w.is_subnormal(), "decay {index}: {w:e}");
            }
        }
        if index != 2 {
            assert_eq!(trainer.state().0.parameters()[0], 0.0, "decay {index}");
        }
    }
}

/// Each tensor is updated with its own learning rate.
#[test]
fn rate_factors_scale_the_learning_rate_of_their_tensors() {
    let (inputs, targets) = linear_rows();
    let layers = vec![
        LayerConfig::new(5, Activation::Tanh),
        LayerConfig::new(1, Activation::Identity),
    ];
    let network = crate::support::network(8, layers, 1);
    let step = |optimizer: &str, learning_rate: f64, rate_factors: Vec<RateFactor>| {
        let config = TrainingConfig {
            optimizer: optimizer.parse().expect("an optimizer"),
            learning_rate,
            rate_factors,
            epochs: 3,
            ..full_batch(Loss::Mse)
        };
        let samples = value_samples(inputs.view(), targets.view());
        let trainer = Trainer::new(network.clone(), samples, None, config, Threads::single())?;
        trainer.finish()
    };
    let [first, second] = [0, 1].map(|layer| network.layers()[layer].clone());
    for optimizer in ["momentum", "adam", "adamw:weight-decay=0.1"] {
        // A factor too small to change a weight.
        let tiny = 1e-30;
        let factors = vec![
            RateFactor::new("weight", tiny),
            RateFactor {
                layer: Some(1),
                ..RateFactor::new("bias", tiny)
            },
        ];
        let trained = step(optimizer, 0.1, factors).expect("it trains");
        let (after, before) = (trained.parameters(), network.parameters());
        for range in [first.weights(), second.weights(), second.bias()] {
            assert_eq!(after[range.clone()], before[range], "{optimizer}");
        }
        let moved = first.bias();
        assert!(
            after[moved.clone()]
                .iter()
                .zip(&before[moved])
                .all(|(a, b)| a != b)
        );
        // The same factor for all tensors is another learning rate.
        let both = ["weight", "bias"].map(|name| RateFactor::new(name, 0.5));
        let halved = step(optimizer, 0.1, both.to_vec()).expect("it trains");
        assert_eq!(
            halved,
            step(optimizer, 0.05, Vec::new()).expect("it trains")
        );
    }
    // Without weight decay of all tensors, adamw is adam.
    let undecayed = ["weight=1:decay=0", "bias=1:decay=0"].map(|it| it.parse().expect("a factor"));
    let undecayed = step("adamw:weight-decay=0.1", 0.1, undecayed.to_vec());
    let adam = step("adamw:weight-decay=0", 0.1, Vec::new()).expect("it trains");
    assert_eq!(undecayed.expect("it trains"), adam);
    let message = |factors| step("adam", 0.1, factors).unwrap_err().to_string();
    assert_eq!(
        message(vec![RateFactor::new("scaling", 6.0)]),
        "learning-rate factors: no trained tensor for scaling=6"
    );
    assert_eq!(
        message(vec![RateFactor::new("bias", 0.0)]),
        "learning-rate factor bias=0: expected a number above 0, found 0"
    );
}

/// The decay of a step is the factor of the schedule times λ.
#[test]
fn weight_decay_follows_its_schedule() {
    let (inputs, targets) = linear_rows();
    let network = crate::support::network(8, vec![LayerConfig::new(1, Activation::Identity)], 1);
    for (optimizer, weight_decay) in [("sgd", 0.3), ("adamw:weight-decay=0.3", 0.0)] {
        let trained = |schedule: &str, epochs: usize| {
            let config = TrainingConfig {
                optimizer: optimizer.parse().expect("an optimizer"),
                weight_decay,
                weight_decay_schedule: schedule.parse().expect("a schedule"),
                learning_rate: 0.05,
                epochs,
                ..full_batch(Loss::Mse)
            };
            let samples = value_samples(inputs.view(), targets.view());
            let trainer = Trainer::new(network.clone(), samples, None, config, Threads::single());
            trainer.and_then(Trainer::finish).expect("it trains")
        };
        // The first of two steps has factor 1, the second 0.1.
        assert_eq!(trained("step:every=1", 1), trained("constant", 1));
        let [faded, constant] = ["step:every=1", "constant"].map(|it| trained(it, 2));
        let once = trained("constant", 1);
        let decayed = |after: &Network<f64>| -> Vec<f64> {
            let pairs = after.parameters().iter().zip(constant.parameters());
            pairs.map(|(a, b)| a - b).collect()
        };
        // Decay is linear in λ: the difference is 0.9 of it.
        let expected = once.parameters().iter().map(|w| 0.05 * 0.3 * 0.9 * w);
        assert_close(
            optimizer,
            &decayed(&faded),
            &expected.collect::<Vec<_>>(),
            [1e-9, 1e-13],
        );
    }
    let config = TrainingConfig {
        weight_decay_schedule: "plateau".parse().expect("a schedule"),
        ..full_batch(Loss::Mse)
    };
    assert_eq!(
        config.check().unwrap_err().to_string(),
        "weight-decay schedule: plateau is for the learning rate only"
    );
}

/// A schedule changes which outputs are dropped; without dropout it has no effect.
#[test]
fn dropout_follows_its_schedule() {
    let (inputs, targets) = linear_rows();
    let train = |dropout: f64, schedule: &str| {
        let hidden = LayerConfig {
            dropout,
            ..LayerConfig::new(6, Activation::Tanh)
        };
        let layers = vec![hidden, LayerConfig::new(1, Activation::Identity)];
        let config = TrainingConfig {
            dropout_schedule: schedule.parse().expect("a schedule"),
            epochs: 2,
            ..full_batch(Loss::Mse)
        };
        let samples = value_samples(inputs.view(), targets.view());
        let network = crate::support::network(8, layers, 1);
        let trainer = Trainer::new(network, samples, None, config, Threads::single());
        trainer
            .and_then(Trainer::finish)
            .expect("it trains")
            .parameters()
            .to_vec()
    };
    assert_ne!(train(0.5, "constant"), train(0.5, "step:every=1"));
    assert_eq!(train(0.0, "constant"), train(0.0, "step:every=1"));
}
