//! RustyML, whose products choose AVX-512 at run time.

#[path = "../../mnist.rs"]
mod mnist;

use ndarray::{Array, Array2, ArrayD};
use rustyml::neural_network::Shape;
use rustyml::neural_network::sequential::{Sequential, SequentialBuilder};
use rustyml::neural_network::traits::UnaryLayer;
use rustyml::prelude::neural_network::{
    Activation, Adam, Dense, SGD, SparseCategoricalCrossEntropy,
};

use mnist::{Arguments, N_INPUTS, Result};

fn main() -> Result<()> {
    let arguments = Arguments::parse()?;
    let (train, test) = mnist::load(&arguments.data, arguments.rows)?;
    let labels: Vec<f32> = train.labels.iter().map(|&label| f32::from(label)).collect();
    let (x, x_test) = (images(train.images)?, images(test.images)?);
    let y = Array::from_shape_vec((arguments.rows, 1), labels)?.into_dyn();

    let mut network = network(&arguments)?;
    let mut seed = arguments.seed;
    let is_whole = arguments.batch == arguments.rows;
    let seconds = mnist::time_epochs(&arguments, || {
        if is_whole {
            network.fit(&x, &y, 1)?;
        } else {
            // Another order every epoch.
            seed = seed.wrapping_add(1 << 32);
            network.set_seed(seed);
            network.fit_with_batches(&x, &y, 1, arguments.batch)?;
        }
        Ok(())
    })?;

    let outputs: Vec<f32> = network.predict(&x_test)?.iter().copied().collect();
    let accuracy = mnist::accuracy(&outputs, &test.labels);
    mnist::report("RustyML", "0.17.0", &seconds, accuracy);
    Ok(())
}

fn images(images: Vec<f32>) -> Result<ArrayD<f32>> {
    let rows = images.len() / N_INPUTS;
    Ok(Array::from_shape_vec((rows, N_INPUTS), images)?.into_dyn())
}

fn network(arguments: &Arguments) -> Result<Sequential> {
    let hidden = match arguments.activation.as_str() {
        "relu" => Activation::ReLU,
        _ => Activation::Sigmoid,
    };
    let weights = mnist::initial_weights(arguments)?;
    let last = weights.len() - 1;
    let mut builder = SequentialBuilder::new();
    for (index, weights) in weights.into_iter().enumerate() {
        let (n_in, n_out) = (arguments.layers[index], arguments.layers[index + 1]);
        let activation = if index == last {
            Activation::Linear
        } else {
            hidden.clone()
        };
        let mut layer = Dense::new(n_out, activation)?;
        layer.build(&Shape::known(&[1, n_in]))?;
        let weights = Array2::from_shape_vec((n_in, n_out), weights)?;
        layer.set_weights(weights, Array2::zeros((1, n_out)))?;
        builder = builder.add(layer);
    }
    let mut network = builder.build(&Shape::known(&[1, N_INPUTS]))?;
    let rate = arguments.lr as f32;
    let loss = SparseCategoricalCrossEntropy::new(true);
    match arguments.optimizer.as_str() {
        "adam" => network.compile(Adam::new(rate, 0.9, 0.999, 1e-8, 0.0)?, loss),
        _ => network.compile(SGD::new(rate, 0.0, false, 0.0)?, loss),
    };
    Ok(network)
}
