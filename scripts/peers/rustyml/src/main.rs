//! RustyML, whose products choose AVX-512 at run time.

#[path = "../../workload.rs"]
mod workload;

use ndarray::{Array, Array2, ArrayD};
use rustyml::neural_network::Shape;
use rustyml::neural_network::sequential::{Sequential, SequentialBuilder};
use rustyml::neural_network::traits::UnaryLayer;
use rustyml::prelude::neural_network::{
    Activation, Adam, Dense, MeanSquaredError, SGD, SparseCategoricalCrossEntropy,
};

use workload::{Arguments, Result, Split, Targets};

fn main() -> Result<()> {
    let arguments = Arguments::parse()?;
    let (train, test): (Split, Split) = workload::load(&arguments)?;
    let n_inputs = arguments.layers[0];
    let (x, x_test) = (
        matrix(train.inputs, n_inputs)?,
        matrix(test.inputs, n_inputs)?,
    );
    let mut network = network(&arguments, &train.targets)?;
    let y = match train.targets {
        Targets::Values(values) => {
            let n_outputs = values.len() / arguments.rows;
            matrix(values, n_outputs)?
        }
        Targets::Labels(labels) => matrix(labels.into_iter().map(f32::from).collect(), 1)?,
    };

    let mut seed = arguments.seed;
    let is_whole = arguments.batch == arguments.rows;
    let seconds = workload::time_epochs(&arguments, || {
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
    workload::report("RustyML", "0.17.0", &seconds, &outputs, &test.targets);
    Ok(())
}

fn matrix(values: Vec<f32>, n_columns: usize) -> Result<ArrayD<f32>> {
    let shape = (values.len() / n_columns, n_columns);
    Ok(Array::from_shape_vec(shape, values)?.into_dyn())
}

fn network(arguments: &Arguments, targets: &Targets) -> Result<Sequential> {
    let hidden = match arguments.activation {
        workload::Activation::Relu => Activation::ReLU,
        workload::Activation::Sigmoid => Activation::Sigmoid,
        workload::Activation::Tanh => Activation::Tanh,
    };
    let weights = workload::initial_weights(arguments)?;
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
    let mut network = builder.build(&Shape::known(&[1, arguments.layers[0]]))?;
    let rate = arguments.lr as f32;
    let (adam, sgd) = (
        Adam::new(rate, 0.9, 0.999, 1e-8, 0.0)?,
        SGD::new(rate, 0.0, false, 0.0)?,
    );
    let cross_entropy = SparseCategoricalCrossEntropy::new(true);
    match (arguments.is_adam, targets) {
        (true, Targets::Labels(_)) => network.compile(adam, cross_entropy),
        (false, Targets::Labels(_)) => network.compile(sgd, cross_entropy),
        (true, Targets::Values(_)) => network.compile(adam, MeanSquaredError::new()),
        (false, Targets::Values(_)) => network.compile(sgd, MeanSquaredError::new()),
    };
    Ok(network)
}
