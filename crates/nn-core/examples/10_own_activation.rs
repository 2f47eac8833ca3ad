//! A custom activation: snake, z + sin²(z) (Ziyin et al. 2020), which learns a sine wave
//! on a slope. Its derivative is checked by finite differences.
//! `cargo run -p nn-core --example 10_own_activation`
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use nn_core::gradient_check::check;
use nn_core::*;

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

#[cfg_attr(test, test)]
fn main() -> Result<()> {
    let x: Vec<[f64; 1]> = (0..400).map(|row| [f64::from(row) * 0.015 - 3.0]).collect();
    let y: Vec<[f64; 1]> = x.iter().map(|&[x]| [(2.0 * x).sin() + 0.5 * x]).collect();
    let samples = Samples::regression(&x, &y)?;
    let mut hidden = LayerConfig::new(24, Activation::Identity);
    hidden.sums = vec![Stage::custom_activation(Snake)];
    let layers = [hidden, LayerConfig::new(1, Activation::Identity)];
    let network = Network::new(&NetworkConfig::new(1, layers), 0)?;
    let layers = check(&network, &samples, Loss::Mse, Regularization::default(), 50)?;
    assert!(layers.iter().all(|layer| layer.error < 1e-6), "{layers:?}");

    let mut config = TrainingConfig::new(Loss::Mse, "adam".parse()?);
    (config.epochs, config.learning_rate) = (600, 0.01);
    let network = Trainer::new(network, samples, None, config, Threads::single())?.finish()?;
    let (output, target) = (network.predict(&[1.234])?[0], 2.468_f64.sin() + 0.617);
    println!("at 1.234: {output:.3}, expected {target:.3}");
    assert!((output - target).abs() < 0.1);
    Ok(())
}
