//! Values of a configuration set in code are checked like parsed ones: every function
//! that takes a menu entry refuses parameters out of range.

use nn_core::gradient_check::check;
use nn_core::optimizer::OptimizerState;
use nn_core::training::{BatchSize, ClassWeights, TrainingConfig};
use nn_core::{
    Activation, Error, Init, LayerConfig, Loss, Menu, Network, NetworkConfig, Optimizer,
    Regularization, Result, Schedule, Threads, Trainer, evaluate,
};

use crate::support::Classes;

/// Every entry of a menu, with each of its parameters out of range in turn.
fn spoiled<M: Menu>() -> Vec<M> {
    let mut spoiled = Vec::new();
    for entry in M::ALL {
        let mut entry = *entry;
        for index in 0..entry.parameters().len() {
            for value in [f64::NAN, f64::INFINITY, -0.5, 0.0, 1.0, 7.0] {
                let mut changed = entry;
                let parameter = &mut changed.parameters()[index];
                parameter.set(value);
                if !parameter.range().contains(value) {
                    spoiled.push(changed);
                }
            }
        }
    }
    assert!(!spoiled.is_empty(), "no {} has a parameter", M::KIND);
    spoiled
}

#[track_caller]
fn refused<T>(what: impl std::fmt::Debug, outcome: Result<T>) {
    match outcome {
        Err(Error::OutOfRange { .. }) => {}
        Err(error) => panic!("{what:?}: {error}"),
        Ok(_) => panic!("{what:?} was taken"),
    }
}

fn network(change: impl FnOnce(&mut LayerConfig)) -> Result<Network<f64>> {
    let mut hidden = LayerConfig::new(3, Activation::Tanh);
    change(&mut hidden);
    let layers = vec![hidden, LayerConfig::new(2, Activation::Softmax)];
    Network::new(
        &NetworkConfig {
            n_inputs: 4,
            layers,
        },
        0,
    )
}

fn trained(change: impl FnOnce(&mut TrainingConfig)) -> Result<Network<f64>> {
    let data = Classes::random(6, 4, 2, 1);
    let mut config = TrainingConfig::new(Loss::CrossEntropy, Optimizer::Sgd);
    change(&mut config);
    let network = network(|_| ())?;
    Trainer::new(network, data.samples(), None, config, Threads::single())?.finish()
}

#[test]
fn networks() {
    for activation in spoiled::<Activation>() {
        refused(activation, network(|layer| layer.activation = activation));
    }
    for init in spoiled::<Init>() {
        refused(init, network(|layer| layer.init = init));
        refused(init, network(|layer| layer.bias_init = init));
    }
    for dropout in [f64::NAN, -0.1, 1.0] {
        refused(dropout, network(|layer| layer.dropout = dropout));
    }
}

#[test]
fn trainings() {
    for loss in spoiled::<Loss>() {
        refused(loss, trained(|config| config.loss = loss));
    }
    for optimizer in spoiled::<Optimizer>() {
        refused(optimizer, trained(|config| config.optimizer = optimizer));
        refused(optimizer, OptimizerState::<f32>::new(optimizer, 1, 0.1));
    }
    for schedule in spoiled::<Schedule>() {
        refused(schedule, trained(|config| config.schedule = schedule));
    }
    for value in [f64::NAN, f64::INFINITY, -1.0] {
        refused(value, trained(|config| config.learning_rate = value));
        refused(value, trained(|config| config.label_smoothing = value));
        refused(value, trained(|config| config.averaging = Some(value)));
        refused(value, trained(|config| config.max_norm = Some(value)));
        refused(value, trained(|config| config.clip_norm = Some(value)));
        refused(value, trained(|config| config.clip_value = Some(value)));
        refused(value, trained(|config| config.regularization.l1 = value));
        refused(value, trained(|config| config.regularization.l2 = value));
        refused(value, trained(|config| config.weight_decay = value));
        let weights = ClassWeights::Given(vec![1.0, value]);
        refused(value, trained(|config| config.class_weights = weights));
    }
    refused("epochs", trained(|config| config.epochs = 0));
    let none = BatchSize::Rows(0);
    refused(none, trained(|config| config.batch_size = none));
    let none = ClassWeights::Given(vec![0.0, 0.0]);
    refused(none.clone(), trained(|config| config.class_weights = none));
}

#[test]
fn weight_decay_with_adamw_and_rprop() {
    for &optimizer in Optimizer::ALL {
        let outcome = trained(|config| {
            config.optimizer = optimizer;
            config.weight_decay = 0.1;
        });
        let has_none = matches!(optimizer, Optimizer::AdamW { .. } | Optimizer::Rprop { .. });
        match outcome {
            Err(Error::Conflict { .. }) => assert!(has_none, "{optimizer}"),
            outcome => assert!(outcome.is_ok() && !has_none, "{optimizer}"),
        }
    }
}

#[test]
fn losses_of_evaluations() {
    let data = Classes::random(6, 4, 2, 1);
    let (network, none) = (
        network(|_| ()).expect("a valid configuration"),
        Regularization::default(),
    );
    for loss in spoiled::<Loss>() {
        let samples = data.samples();
        refused(loss, evaluate(&network, &samples, loss, &Threads::single()));
        refused(loss, check(&network, &samples, loss, none, 1));
    }
    let regularization = Regularization { l1: -1.0, l2: 0.0 };
    let samples = data.samples();
    refused(
        regularization,
        check(&network, &samples, Loss::CrossEntropy, regularization, 1),
    );
}
