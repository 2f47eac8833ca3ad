//! burn, on its flex backend (pure Rust, AVX-512 products).

#[path = "../../workload.rs"]
mod workload;

use burn::module::Param;
use burn::nn::loss::{CrossEntropyLossConfig, MseLoss, Reduction};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::prelude::*;
use burn::tensor::{TensorData, activation};

use workload::{Activation, Arguments, Random, Result, Split, Targets};

#[derive(Module, Debug)]
struct Mlp {
    layers: Vec<Linear>,
}

/// The targets on a device.
#[derive(Clone)]
enum Outputs {
    Labels(Tensor<1, Int>),
    Values(Tensor<2>),
}

impl Outputs {
    fn new(targets: &Targets, arguments: &Arguments, device: &Device) -> Self {
        match targets {
            Targets::Labels(labels) => {
                let labels: Vec<i64> = labels.iter().map(|&label| i64::from(label)).collect();
                let labels = TensorData::new(labels, [arguments.rows]);
                Self::Labels(Tensor::from_data(labels, device))
            }
            Targets::Values(values) => {
                let n_outputs = values.len() / arguments.rows;
                Self::Values(matrix(values, n_outputs, device))
            }
        }
    }

    fn select(&self, rows: Tensor<1, Int>) -> Self {
        match self {
            Self::Labels(labels) => Self::Labels(labels.clone().select(0, rows)),
            Self::Values(values) => Self::Values(values.clone().select(0, rows)),
        }
    }

    fn loss(self, outputs: Tensor<2>, device: &Device) -> Tensor<1> {
        match self {
            Self::Labels(labels) => CrossEntropyLossConfig::new()
                .init(device)
                .forward(outputs, labels),
            Self::Values(values) => MseLoss::new().forward(outputs, values, Reduction::Mean),
        }
    }
}

/// Rows of `n_columns` values on a device.
fn matrix(values: &[f32], n_columns: usize, device: &Device) -> Tensor<2> {
    let shape = [values.len() / n_columns, n_columns];
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

impl Mlp {
    fn new(arguments: &Arguments, device: &Device) -> Result<Self> {
        let weights = workload::initial_weights(arguments)?;
        let layer = |(widths, weights): (&[usize], Vec<f32>)| {
            let (n_in, n_out) = (widths[0], widths[1]);
            let mut layer = LinearConfig::new(n_in, n_out).init(device);
            let weights = TensorData::new(weights, [n_in, n_out]);
            layer.weight = Param::from_tensor(Tensor::from_data(weights, device));
            layer.bias = Some(Param::from_tensor(Tensor::zeros([n_out], device)));
            layer
        };
        Ok(Self {
            layers: arguments
                .layers
                .windows(2)
                .zip(weights)
                .map(layer)
                .collect(),
        })
    }

    fn forward(&self, inputs: Tensor<2>, activation: Activation) -> Tensor<2> {
        let last = self.layers.len() - 1;
        self.layers
            .iter()
            .enumerate()
            .fold(inputs, |x, (index, layer)| {
                let sums = layer.forward(x);
                match activation {
                    _ if index == last => sums,
                    Activation::Relu => activation::relu(sums),
                    Activation::Sigmoid => activation::sigmoid(sums),
                    Activation::Tanh => activation::tanh(sums),
                }
            })
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse()?;
    let (train, test): (Split, Split) = workload::load(&arguments)?;
    let device = Device::flex();
    let learning_device = device.clone().autodiff();
    let n_inputs = arguments.layers[0];
    let x = matrix(&train.inputs, n_inputs, &learning_device);
    let y = Outputs::new(&train.targets, &arguments, &learning_device);

    let mut network = Some(Mlp::new(&arguments, &learning_device)?);
    let mut optimizer: ModuleOptimizer = if arguments.is_adam {
        AdamConfig::new().with_epsilon(1e-8).init()
    } else {
        SgdConfig::new().init()
    };
    let mut order: Vec<i32> = (0..arguments.rows as i32).collect();
    let mut random = Random::new(arguments.seed);
    let is_whole = arguments.batch == arguments.rows;
    let seconds = workload::time_epochs(&arguments, || {
        if !is_whole {
            random.shuffle(&mut order);
        }
        for rows in order.chunks(arguments.batch) {
            let (inputs, targets) = if is_whole {
                (x.clone(), y.clone())
            } else {
                let rows = Tensor::<1, Int>::from_data(rows, &learning_device);
                (x.clone().select(0, rows.clone()), y.select(rows))
            };
            let current = network.take().expect("put back below");
            let outputs = current.forward(inputs, arguments.activation);
            let gradients = targets.loss(outputs, &learning_device).backward();
            let gradients = GradientsParams::from_grads(gradients, &current);
            network = Some(optimizer.step(arguments.lr, current, gradients));
        }
        Ok(())
    })?;

    let network = network.expect("put back").valid();
    let inputs = matrix(&test.inputs, n_inputs, &device);
    let outputs = network.forward(inputs, arguments.activation);
    let outputs: Vec<f32> = outputs.into_data().try_to_vec()?;
    workload::report("burn", "0.22.1", &seconds, &outputs, &test.targets);
    Ok(())
}
