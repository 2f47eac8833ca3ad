//! A callback: an observer reads the weights after each epoch and stops training early.
//! `cargo run -p nn-core --example 12_observer`
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::ops::ControlFlow;

use nn_core::training::EpochReport;
use nn_core::*;

/// Stops training when the largest weight exceeds a limit.
struct WeightLimit(f32);

impl Observer<f32> for WeightLimit {
    fn epoch(&mut self, trainer: &Trainer<'_>, report: &EpochReport) -> ControlFlow<()> {
        let network = trainer.latest_network();
        let weights = network.parameters().iter().map(|w| w.abs());
        let largest = weights.fold(0.0, f32::max);
        println!(
            "epoch {}: loss {:.4}, {largest:.2}",
            report.epoch, report.train_loss
        );
        if largest > self.0 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

#[cfg_attr(test, test)]
fn main() -> Result<()> {
    let x: Vec<[f32; 2]> = (0..100)
        .map(|i| [3, 4].map(|k| ((i * k) as f32).sin()))
        .collect();
    let labels: Vec<u32> = x.iter().map(|x| u32::from(x[0] > x[1])).collect();
    let samples = Samples::classification(&x, &labels, 2)?;
    let network = Network::new(&NetworkConfig::new(2, [(2, Activation::Softmax)]), 0)?;
    let mut config = TrainingConfig::new(Loss::CrossEntropy, "adam".parse()?);
    (config.epochs, config.learning_rate) = (1000, 0.05);
    let mut trainer = Trainer::new(network, samples, None, config, Threads::single())?;
    trainer.run_observed(&mut WeightLimit(3.0))?;
    assert!(
        (5..500).contains(&trainer.epoch()),
        "{} epochs",
        trainer.epoch()
    );
    Ok(())
}
