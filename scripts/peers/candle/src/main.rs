//! candle, on the CPU in pure Rust (AVX-512 products).

#[path = "../../mnist.rs"]
mod mnist;

use candle_core::{Device, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, SGD, loss, ops};

use mnist::{Arguments, N_INPUTS, Random, Result};

struct Mlp {
    /// Weights `[n_in, n_out]` and bias of every layer.
    layers: Vec<(Var, Var)>,
    is_relu: bool,
}

impl Mlp {
    fn new(arguments: &Arguments) -> Result<Self> {
        let weights = mnist::initial_weights(arguments)?;
        let mut layers = Vec::new();
        for (widths, weights) in arguments.layers.windows(2).zip(weights) {
            let weights = Tensor::from_vec(weights, (widths[0], widths[1]), &Device::Cpu)?;
            let bias = Tensor::zeros(widths[1], candle_core::DType::F32, &Device::Cpu)?;
            layers.push((Var::from_tensor(&weights)?, Var::from_tensor(&bias)?));
        }
        Ok(Self {
            layers,
            is_relu: arguments.activation == "relu",
        })
    }

    fn forward(&self, inputs: &Tensor) -> Result<Tensor> {
        let mut x = inputs.clone();
        for (index, (weights, bias)) in self.layers.iter().enumerate() {
            let sums = x.matmul(weights)?.broadcast_add(bias)?;
            x = match (index + 1 == self.layers.len(), self.is_relu) {
                (true, _) => sums,
                (false, true) => sums.relu()?,
                (false, false) => ops::sigmoid(&sums)?,
            };
        }
        Ok(x)
    }

    fn variables(&self) -> Vec<Var> {
        let layers = self.layers.iter().cloned();
        layers.flat_map(|(weights, bias)| [weights, bias]).collect()
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse()?;
    let network = Mlp::new(&arguments)?;
    match arguments.optimizer.as_str() {
        "adam" => {
            let adam = ParamsAdamW {
                lr: arguments.lr,
                weight_decay: 0.0,
                ..ParamsAdamW::default()
            };
            let optimizer = AdamW::new(network.variables(), adam)?;
            train(&arguments, &network, optimizer)
        }
        _ => {
            let optimizer = SGD::new(network.variables(), arguments.lr)?;
            train(&arguments, &network, optimizer)
        }
    }
}

fn train(arguments: &Arguments, network: &Mlp, mut optimizer: impl Optimizer) -> Result<()> {
    let (train, test) = mnist::load(&arguments.data, arguments.rows)?;
    let images = |images: Vec<f32>| {
        let rows = images.len() / N_INPUTS;
        Tensor::from_vec(images, (rows, N_INPUTS), &Device::Cpu)
    };
    let labels: Vec<u32> = train.labels.iter().map(|&label| u32::from(label)).collect();
    let x = images(train.images)?;
    let y = Tensor::from_vec(labels, arguments.rows, &Device::Cpu)?;

    let mut order: Vec<u32> = (0..arguments.rows as u32).collect();
    let mut random = Random::new(arguments.seed);
    let is_whole = arguments.batch == arguments.rows;
    let seconds = mnist::time_epochs(arguments, || {
        if !is_whole {
            random.shuffle(&mut order);
        }
        for rows in order.chunks(arguments.batch) {
            let (inputs, labels) = if is_whole {
                (x.clone(), y.clone())
            } else {
                let rows = Tensor::new(rows, &Device::Cpu)?;
                (x.index_select(&rows, 0)?, y.index_select(&rows, 0)?)
            };
            let loss = loss::cross_entropy(&network.forward(&inputs)?, &labels)?;
            optimizer.backward_step(&loss)?;
        }
        Ok(())
    })?;

    let outputs = network.forward(&images(test.images)?)?;
    let outputs: Vec<f32> = outputs.flatten_all()?.to_vec1()?;
    let accuracy = mnist::accuracy(&outputs, &test.labels);
    mnist::report("candle", "0.11.1", &seconds, accuracy);
    Ok(())
}
