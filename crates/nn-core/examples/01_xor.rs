//! XOR, the smallest problem that needs a hidden layer: the target is 1 if exactly one
//! of two inputs is 1. No straight line separates the ones from the zeros.
//!
//! ```console
//! $ cargo run -p nn-core --example 01_xor
//! ```
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use nn_core::ndarray::array;
use nn_core::{
    Activation, Inputs, LayerConfig, Loss, Network, NetworkConfig, Result, Samples, Targets,
    Threads, Trainer, TrainingConfig,
};

fn main() -> Result<()> {
    let inputs = array![[0.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
    let labels = [0, 1, 1, 0];
    let targets = Targets::classes(&labels, 2);
    let samples = Samples::new(Inputs::values(inputs.view()), targets)?;

    // One output, read as the probability of a 1.
    let output = LayerConfig::new(1, Activation::Sigmoid);
    let without_hidden = train(vec![output.clone()], &samples)?;
    let with_hidden = train(
        vec![LayerConfig::new(8, Activation::Tanh), output],
        &samples,
    )?;

    println!("inputs   XOR   no hidden layer   8 hidden neurons");
    for (row, label) in inputs.rows().into_iter().zip(labels) {
        let row = [row[0], row[1]];
        let straight = without_hidden.predict(&row)?[0];
        let bent = with_hidden.predict(&row)?[0];
        println!("{row:.0?}   {label}     {straight:.3}             {bent:.3}");
        assert!((bent - label as f32).abs() < 0.05, "XOR was not learned");
        assert!((straight - 0.5).abs() < 0.05, "a line cannot do it");
    }
    Ok(())
}

fn train(layers: Vec<LayerConfig>, samples: &Samples<'_>) -> Result<Network> {
    let network = Network::new(
        &NetworkConfig {
            n_inputs: 2,
            layers,
        },
        0,
    )?;
    let config = TrainingConfig {
        epochs: 500,
        learning_rate: 0.05,
        ..TrainingConfig::new(Loss::BinaryCrossEntropy, "adam".parse()?)
    };
    Trainer::new(network, samples.clone(), None, config, Threads::single())?.finish()
}

#[test]
fn it_runs() -> Result<()> {
    main()
}
