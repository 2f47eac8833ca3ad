//! An activation of one's own: snake, z + sin²(z) (Ziyin et al. 2020), learns a
//! wave on a slope. Its derivative is checked by finite differences.
//!
//! ```console
//! $ cargo run -p nn-core --example 10_own_activation
//! ```
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use nn_core::gradient_check::check;
use nn_core::ndarray::Array2;
use nn_core::{
    Activation, ActivationFunction, Inputs, LayerConfig, Loss, Network, NetworkConfig,
    Regularization, Result, Samples, Scalar, Stage, Targets, Threads, Trainer, TrainingConfig,
};

#[derive(Debug)]
struct Snake;

impl ActivationFunction for Snake {
    fn name(&self) -> String {
        "snake".to_owned()
    }

    fn forward<S: Scalar>(&self, values: &mut [S]) {
        values.iter_mut().for_each(|z| *z += z.sin() * z.sin());
    }

    fn backward<S: Scalar>(&self, z: &[S], delta: &mut [S]) {
        let pairs = delta.iter_mut().zip(z);
        pairs.for_each(|(delta, &z)| *delta *= S::one() + (z + z).sin());
    }
}

fn main() -> Result<()> {
    let inputs = Array2::from_shape_fn((400, 1), |(row, _)| row as f64 * 0.015 - 3.0);
    let targets = inputs.mapv(|x| (2.0 * x).sin() + 0.5 * x);
    let samples = Samples::new(
        Inputs::Values(inputs.view()),
        Targets::Values(targets.view()),
    )?;
    let hidden = LayerConfig {
        sums: vec![Stage::custom_activation(Snake)],
        ..LayerConfig::new(24, Activation::Identity)
    };
    let layers = vec![hidden, LayerConfig::new(1, Activation::Identity)];
    let network = Network::new(
        &NetworkConfig {
            n_inputs: 1,
            layers,
        },
        0,
    )?;
    let worst = check(&network, &samples, Loss::Mse, Regularization::default(), 50)?;
    assert!(worst.iter().all(|layer| layer.error < 1e-6), "{worst:?}");
    let mut config = TrainingConfig::new(Loss::Mse, "adam".parse()?);
    (config.epochs, config.learning_rate) = (600, 0.01);
    let network = Trainer::new(network, samples, None, config, Threads::single())?.finish()?;
    let (found, expected) = (network.predict(&[1.234])?[0], 2.468_f64.sin() + 0.617);
    println!("at 1.234: {found:.3}, expected {expected:.3}");
    assert!((found - expected).abs() < 0.1);
    Ok(())
}

#[test]
fn it_learns() {
    main().expect("the example runs");
}
