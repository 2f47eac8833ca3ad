//! A custom training loop from the same parts as `Trainer`. It learns the sine
//! function and ends with the same weights as `Trainer`, bit for bit.
//!
//! ```console
//! $ cargo run -p nn-core --example 02_own_training_loop
//! ```
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use nn_core::batches::shuffle;
use nn_core::ndarray::{Array2, Axis};
use nn_core::network::{ForwardCache, Randomness};
use nn_core::optimizer::OptimizerState;
use nn_core::{
    Activation, Gradients, Inputs, LayerConfig, Loss, Network, NetworkConfig, Result, Samples,
    Streams, Targets, Threads, Trainer, TrainingConfig,
};

const BATCH_SIZE: usize = 64;

#[cfg_attr(test, test)]
fn main() -> Result<()> {
    let inputs = Array2::from_shape_fn((1000, 1), |(row, _)| row as f32 * 0.006 - 3.0);
    let targets = inputs.mapv(f32::sin);
    let hidden = LayerConfig::new(16, Activation::Tanh);
    let layers = vec![hidden, LayerConfig::new(1, Activation::Identity)];
    let network = Network::new(
        &NetworkConfig {
            n_inputs: 1,
            layers,
        },
        0,
    )?;
    let mut config = TrainingConfig::new(Loss::Mse, "adam".parse()?);
    config.learning_rate = 0.01;
    config.epochs = 100;
    // One block: the gradients of the rows of a batch are added one by one, as in `train`.
    config.sum_rows = Some(BATCH_SIZE);

    let (by_loop, loss) = train(network.clone(), &inputs, &targets, &config)?;
    assert!(loss < 0.002, "the sine was not learned");

    let targets = Targets::values(targets.view());
    let samples = Samples::new(Inputs::values(inputs.view()), targets)?;
    let by_trainer = Trainer::new(network, samples, None, config, Threads::single())?.finish()?;
    assert_eq!(by_loop.parameters(), by_trainer.parameters());
    println!("mean squared error {loss:.6}; Trainer gives the same parameters, bit for bit");
    Ok(())
}

type Rows = Array2<f32>;

/// The network after training, and the mean loss of the last epoch.
fn train(
    mut network: Network,
    x: &Rows,
    y: &Rows,
    config: &TrainingConfig,
) -> Result<(Network, f64)> {
    let (threads, rate) = (Threads::single(), config.learning_rate);
    let mut cache = ForwardCache::new(&network, BATCH_SIZE);
    let mut gradients = Gradients::new(&network, BATCH_SIZE);
    let mut optimizer = OptimizerState::new(config.optimizer, network.parameters().len(), rate)?;
    let mut order = vec![0; x.nrows()];
    let mut sum = 0.0;
    for epoch in 0..config.epochs {
        shuffle(&mut order, epoch as u64, Streams::new(config.seed));
        sum = 0.0;
        for rows in order.chunks(BATCH_SIZE) {
            let rows: Vec<usize> = rows.iter().map(|&row| row as usize).collect();
            let [x, y] = [x, y].map(|all| all.select(Axis(0), &rows));
            let randomness = Randomness::new(config.seed, optimizer.steps());
            network.forward_in_training(x.view(), &mut cache, randomness, &threads);
            let y = y.as_slice().expect("selected rows are contiguous");
            let loss = gradients.loss_of_batch(config.loss, &network, y, &cache);
            sum += loss * rows.len() as f64;
            gradients.values_mut().fill(0.0);
            gradients.backward(&network, x.view(), &cache, &threads);
            optimizer.step(network.parameters_mut(), gradients.values(), rate, &threads);
        }
    }
    Ok((network, sum / x.nrows() as f64))
}
