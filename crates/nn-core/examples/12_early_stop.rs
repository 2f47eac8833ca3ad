//! A callback: an observer sees the trainer after each epoch, measures what it
//! likes, and stops the training run.
//!
//! ```console
//! $ cargo run -p nn-core --example 12_early_stop
//! ```
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::ops::ControlFlow;

use nn_core::ndarray::Array2;
use nn_core::training::{EpochReport, Observer};
use nn_core::{
    Activation, Inputs, LayerConfig, Loss, Network, NetworkConfig, Result, Samples, Targets,
    Threads, Trainer, TrainingConfig,
};

/// Stops when the largest weight grows beyond a limit.
struct WeightLimit(f32);

impl Observer<f32> for WeightLimit {
    fn epoch(&mut self, trainer: &Trainer<'_>, report: &EpochReport) -> ControlFlow<()> {
        let network = trainer.latest_network();
        let largest = network
            .parameters()
            .iter()
            .fold(0.0_f32, |most, w| most.max(w.abs()));
        println!(
            "epoch {:>3}: loss {:.4}, largest weight {largest:.2}",
            report.epoch, report.train_loss
        );
        if largest > self.0 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

fn main() -> Result<()> {
    let inputs = Array2::from_shape_fn((100, 2), |(i, j)| ((i * (j + 3)) as f32).sin());
    let labels: Vec<u32> = inputs
        .rows()
        .into_iter()
        .map(|x| u32::from(x[0] > x[1]))
        .collect();
    let targets = Targets::Classes {
        labels: &labels,
        n_classes: 2,
    };
    let samples = Samples::new(Inputs::Values(inputs.view()), targets)?;
    let layers = vec![LayerConfig::new(2, Activation::Softmax)];
    let network = Network::new(
        &NetworkConfig {
            n_inputs: 2,
            layers,
        },
        0,
    )?;
    let mut config = TrainingConfig::new(Loss::CrossEntropy, "adam".parse()?);
    (config.epochs, config.learning_rate) = (1000, 0.05);
    let mut trainer = Trainer::new(network, samples, None, config, Threads::single())?;
    trainer.run_observed(&mut WeightLimit(3.0))?;
    assert!(
        (5..500).contains(&trainer.epoch()),
        "stopped after {}",
        trainer.epoch()
    );
    Ok(())
}

#[test]
fn it_stops() {
    main().expect("the example runs");
}
