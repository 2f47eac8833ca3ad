//! candle, on the CPU in pure Rust (AVX-512 products).

#[path = "../../workload.rs"]
mod workload;

use candle_core::{Device, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, SGD, loss, ops};

use workload::{Activation, Arguments, Random, Result, Split, Targets};

struct Mlp {
    /// Weights `[n_in, n_out]` and bias of every layer.
    layers: Vec<(Var, Var)>,
    activation: Activation,
}

impl Mlp {
    fn new(arguments: &Arguments) -> Result<Self> {
        let weights = workload::initial_weights(arguments)?;
        let mut layers = Vec::new();
        for (widths, weights) in arguments.layers.windows(2).zip(weights) {
            let weights = Tensor::from_vec(weights, (widths[0], widths[1]), &Device::Cpu)?;
            let bias = Tensor::zeros(widths[1], candle_core::DType::F32, &Device::Cpu)?;
            layers.push((Var::from_tensor(&weights)?, Var::from_tensor(&bias)?));
        }
        Ok(Self {
            layers,
            activation: arguments.activation,
        })
    }

    fn forward(&self, inputs: &Tensor) -> Result<Tensor> {
        let mut x = inputs.clone();
        for (index, (weights, bias)) in self.layers.iter().enumerate() {
            let sums = x.matmul(weights)?.broadcast_add(bias)?;
            x = match self.activation {
                _ if index + 1 == self.layers.len() => sums,
                Activation::Relu => sums.relu()?,
                Activation::Sigmoid => ops::sigmoid(&sums)?,
                Activation::Tanh => sums.tanh()?,
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
    if arguments.is_adam {
        let adam = ParamsAdamW {
            lr: arguments.lr,
            weight_decay: 0.0,
            ..ParamsAdamW::default()
        };
        let optimizer = AdamW::new(network.variables(), adam)?;
        train(&arguments, &network, optimizer)
    } else {
        let optimizer = SGD::new(network.variables(), arguments.lr)?;
        train(&arguments, &network, optimizer)
    }
}

fn train(arguments: &Arguments, network: &Mlp, mut optimizer: impl Optimizer) -> Result<()> {
    let (train, test): (Split, Split) = workload::load(arguments)?;
    let matrix = |values: &[f32], rows: usize| {
        Tensor::from_slice(values, (rows, values.len() / rows), &Device::Cpu)
    };
    let x = matrix(&train.inputs, arguments.rows)?;
    let y = match &train.targets {
        Targets::Values(values) => matrix(values, arguments.rows)?,
        Targets::Labels(labels) => {
            let labels: Vec<u32> = labels.iter().map(|&label| u32::from(label)).collect();
            Tensor::from_vec(labels, arguments.rows, &Device::Cpu)?
        }
    };
    let loss = match &train.targets {
        Targets::Values(_) => loss::mse,
        Targets::Labels(_) => loss::cross_entropy,
    };

    let mut order: Vec<u32> = (0..arguments.rows as u32).collect();
    let mut random = Random::new(arguments.seed);
    let is_whole = arguments.batch == arguments.rows;
    let seconds = workload::time_epochs(arguments, || {
        if !is_whole {
            random.shuffle(&mut order);
        }
        for rows in order.chunks(arguments.batch) {
            let (inputs, targets) = if is_whole {
                (x.clone(), y.clone())
            } else {
                let rows = Tensor::new(rows, &Device::Cpu)?;
                (x.index_select(&rows, 0)?, y.index_select(&rows, 0)?)
            };
            let loss = loss(&network.forward(&inputs)?, &targets)?;
            optimizer.backward_step(&loss)?;
        }
        Ok(())
    })?;

    let n_rows = test.inputs.len() / arguments.layers[0];
    let outputs = network.forward(&matrix(&test.inputs, n_rows)?)?;
    let outputs: Vec<f32> = outputs.flatten_all()?.to_vec1()?;
    workload::report("candle", "0.11.1", &seconds, &outputs, &test.targets);
    Ok(())
}
