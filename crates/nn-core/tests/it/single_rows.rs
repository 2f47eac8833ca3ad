//! The forward and backward pass of one sample gives the same bits as in a batch, for
//! all widths, activations and losses.

use nn_core::backprop::Gradients;
use nn_core::menu::Menu;
use nn_core::ndarray::{Array2, s};
use nn_core::network::ForwardCache;
use nn_core::{Activation, LayerConfig, Loss, Network, NetworkConfig, Threads};

const WIDTHS: [usize; 10] = [1, 3, 7, 8, 15, 16, 17, 63, 64, 65];
const N_ROWS: usize = 5;

#[test]
fn a_sample_alone_gives_the_bits_of_the_batch() {
    for hidden in activations(|activation| activation != Activation::Softmax) {
        for (index, &n_inputs) in WIDTHS.iter().enumerate() {
            let width = |offset: usize| WIDTHS[(index + offset) % WIDTHS.len()];
            let widths = [n_inputs, width(3), width(8), width(5)];
            check(widths, hidden, Activation::Identity, Loss::Mse);
        }
    }
    for &loss in Loss::ALL {
        for output in activations(|output| loss.check_output(output).is_ok()) {
            for n_outputs in [1, 3, 8, 10] {
                check([6, 64, 8, n_outputs], Activation::Relu, output, loss);
            }
        }
    }
}

fn activations(wanted: impl Fn(Activation) -> bool) -> impl Iterator<Item = Activation> {
    Activation::ALL
        .iter()
        .copied()
        .filter(move |&activation| wanted(activation))
}

fn check(widths: [usize; 4], hidden: Activation, output: Activation, loss: Loss) {
    let what = format!("{widths:?}, {hidden}, {output}, {loss}");
    let network = network(widths, hidden, output);
    let inputs = numbers(N_ROWS, widths[0], 1);
    let targets = numbers(N_ROWS, widths[3], 2).mapv(|x| if x > 0.0 { 1.0 } else { 0.0 });
    let batch = Pass::new(&network, &inputs, &targets, loss);
    for row in 0..N_ROWS {
        let only = |matrix: &Array2<f32>| matrix.slice(s![row..=row, ..]).to_owned();
        let (inputs, targets) = (only(&inputs), only(&targets));
        let alone = Pass::new(&network, &inputs, &targets, loss);
        for (index, layer) in network.layers().iter().enumerate() {
            let n = layer.n_outputs;
            let of_row = |values: &[f32]| values[row * n..][..n].to_vec();
            let (one, all) = (alone.cache.layer(index), batch.cache.layer(index));
            assert_eq!(one.activations(), of_row(all.activations()), "{what}");
            let all = batch.gradients.error(index, N_ROWS);
            let error = alone.gradients.error(index, 1);
            assert_eq!(error, of_row(all), "{what}");

            let below = match index {
                0 => inputs.as_slice().expect("new"),
                _ => alone.cache.layer(index - 1).activations(),
            };
            let outer = below.iter().flat_map(|a| error.iter().map(move |d| a * d));
            let gradient = alone.gradients.values();
            assert_eq!(
                gradient[layer.weights()],
                outer.collect::<Vec<_>>(),
                "{what}"
            );
            assert_eq!(&gradient[layer.bias()], error, "{what}");
        }
    }
}

/// The results of the forward and backward pass of a batch.
struct Pass {
    cache: ForwardCache<f32>,
    gradients: Gradients<f32>,
}

impl Pass {
    /// Computes δ of each row separately, so it does not depend on the number of
    /// rows.
    fn new(network: &Network, inputs: &Array2<f32>, targets: &Array2<f32>, loss: Loss) -> Self {
        let (n_rows, threads) = (inputs.nrows(), Threads::single());
        let mut cache = ForwardCache::new(network, n_rows);
        let mut gradients = Gradients::new(network, n_rows);
        network.forward(inputs.view(), &mut cache, &threads);
        let (last, width) = (network.layers().len() - 1, network.n_outputs());
        let (output, layer) = (network.output_layer().activation, cache.layer(last));
        let rows = layer
            .pre_activations()
            .chunks(width)
            .zip(layer.activations().chunks(width))
            .zip(targets.as_slice().expect("new").chunks(width));
        let errors = gradients.error_mut(last, n_rows).chunks_mut(width);
        for (((z, a), y), error) in rows.zip(errors) {
            loss.of_row(output, z, a, y, error);
        }
        gradients.backward(network, inputs.view(), &cache, &threads);
        Self { cache, gradients }
    }
}

fn network(widths: [usize; 4], hidden: Activation, output: Activation) -> Network {
    let [n_inputs, first, second, n_outputs] = widths;
    let layers = vec![
        LayerConfig::new(first, hidden),
        LayerConfig::new(second, hidden),
        LayerConfig::new(n_outputs, output),
    ];
    let config = NetworkConfig { n_inputs, layers };
    let mut network = Network::new(&config, 3).expect("valid widths");
    let parameters = network.parameters_mut().iter_mut();
    for (index, parameter) in parameters.enumerate() {
        *parameter += 0.01 * (index % 7) as f32;
    }
    network
}

/// Values from -1 to 1, every fourth of them 0.
fn numbers(n_rows: usize, n_columns: usize, seed: usize) -> Array2<f32> {
    Array2::from_shape_fn((n_rows, n_columns), |(row, column)| {
        let number = (row * 31 + column * 17 + seed * 5) % 64;
        if number.is_multiple_of(4) {
            0.0
        } else {
            number as f32 / 32.0 - 1.0
        }
    })
}
