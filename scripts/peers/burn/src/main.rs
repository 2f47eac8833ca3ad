//! burn, on its flex backend (pure Rust, AVX-512 products).

#[path = "../../mnist.rs"]
mod mnist;

use burn::module::Param;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::prelude::*;
use burn::tensor::{TensorData, activation};

use mnist::{Arguments, N_INPUTS, Random, Result};

#[derive(Module, Debug)]
struct Mlp {
    layers: Vec<Linear>,
    is_relu: bool,
}

impl Mlp {
    fn new(arguments: &Arguments, device: &Device) -> Result<Self> {
        let weights = mnist::initial_weights(arguments)?;
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
            is_relu: arguments.activation == "relu",
        })
    }

    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        let last = self.layers.len() - 1;
        self.layers
            .iter()
            .enumerate()
            .fold(inputs, |x, (index, layer)| {
                let sums = layer.forward(x);
                match (index == last, self.is_relu) {
                    (true, _) => sums,
                    (false, true) => activation::relu(sums),
                    (false, false) => activation::sigmoid(sums),
                }
            })
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse()?;
    let (train, test) = mnist::load(&arguments.data, arguments.rows)?;
    let device = Device::flex();
    let learning_device = device.clone().autodiff();
    let images = |images: Vec<f32>, device: &Device| {
        let rows = images.len() / N_INPUTS;
        Tensor::<2>::from_data(TensorData::new(images, [rows, N_INPUTS]), device)
    };
    let labels: Vec<i64> = train.labels.iter().map(|&label| i64::from(label)).collect();
    let labels = TensorData::new(labels, [arguments.rows]);
    let (x, y) = (
        images(train.images, &learning_device),
        Tensor::<1, Int>::from_data(labels, &learning_device),
    );

    let mut network = Some(Mlp::new(&arguments, &learning_device)?);
    let loss = CrossEntropyLossConfig::new().init(&learning_device);
    let mut optimizer: ModuleOptimizer = match arguments.optimizer.as_str() {
        "adam" => AdamConfig::new().with_epsilon(1e-8).init(),
        _ => SgdConfig::new().init(),
    };
    let mut order: Vec<i32> = (0..arguments.rows as i32).collect();
    let mut random = Random::new(arguments.seed);
    let is_whole = arguments.batch == arguments.rows;
    let seconds = mnist::time_epochs(&arguments, || {
        if !is_whole {
            random.shuffle(&mut order);
        }
        for rows in order.chunks(arguments.batch) {
            let (inputs, labels) = if is_whole {
                (x.clone(), y.clone())
            } else {
                let rows = Tensor::<1, Int>::from_data(rows, &learning_device);
                (x.clone().select(0, rows.clone()), y.clone().select(0, rows))
            };
            let current = network.take().expect("put back below");
            let gradients = loss.forward(current.forward(inputs), labels).backward();
            let gradients = GradientsParams::from_grads(gradients, &current);
            network = Some(optimizer.step(arguments.lr, current, gradients));
        }
        Ok(())
    })?;

    let network = network.expect("put back").valid();
    let outputs = network.forward(images(test.images, &device));
    let outputs: Vec<f32> = outputs.into_data().try_to_vec()?;
    let accuracy = mnist::accuracy(&outputs, &test.labels);
    mnist::report("burn", "0.22.1", &seconds, accuracy);
    Ok(())
}
