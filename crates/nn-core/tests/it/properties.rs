//! Properties that hold for any values: softmax, cross-entropy, sums over batches,
//! symmetry of hidden units, sample weights, the model file, and the unbiasedness of
//! the stochastic gradient.

use std::env;
use std::path::{Path, PathBuf};

use ndarray::Array2;
use nn_core::batches::{Inputs, Samples, Targets};
use nn_core::model_file::{Description, InputDescription, Json};
use nn_core::network::ForwardCache;
use nn_core::training::Reduction;
use nn_core::{Activation, Init, Layer, LayerConfig, Loss, Menu, Model, Network, NetworkConfig};
use nn_data::{Dataset, catalog};
use nn_tensor::{Scalar, Threads};
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::{Classes, assert_close, first_batch, full_batch, network, stream};

/// Relative and absolute tolerance for sums in another order.
const SAME: [f64; 2] = [1e-10, 1e-12];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn softmax_rows_sum_to_1_and_are_invariant_to_a_shift(
        rows in rows(-700.0..700.0, 5),
        shift in -300.0..300.0,
    ) {
        let softmax = |values: &[f64]| {
            let mut values = values.to_vec();
            Activation::Softmax.apply(&mut values, 5);
            values
        };
        let values = softmax(&rows);
        for row in values.chunks(5) {
            prop_assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-14);
            prop_assert!(row.iter().all(|value| (0.0..=1.0).contains(value)));
        }
        let shifted: Vec<f64> = rows.iter().map(|z| z + shift).collect();
        assert_close("shifted", &softmax(&shifted), &values, [1e-12, 1e-15]);
    }

    #[test]
    fn cross_entropy_of_logits_agrees_with_the_definition(
        z in prop::collection::vec(-30.0..30.0, 4),
        y in prop::collection::vec(0.01..1.0, 4),
    ) {
        let total: f64 = y.iter().sum();
        let y: Vec<f64> = y.iter().map(|y| y / total).collect();
        let mut a = z.clone();
        Activation::Softmax.apply(&mut a, 4);
        let mut error = [0.0; 4];
        let found = Loss::CrossEntropy.of_row(Activation::Softmax, &z, &a, &y, &mut error);
        let exponentials: f64 = z.iter().map(|z| z.exp()).sum();
        let defined: f64 = (z.iter().zip(&y)).map(|(z, y)| -y * (z.exp() / exponentials).ln()).sum();
        assert_close("categorical", &[found], &[defined], [1e-12, 1e-14]);

        let mut a = z.clone();
        Activation::Sigmoid.apply(&mut a, 4);
        let found = Loss::BinaryCrossEntropy.of_row(Activation::Sigmoid, &z, &a, &y, &mut error);
        // ln(1 − σ(z)) is ln σ(−z), which does not cancel.
        let ln_sigmoid = |z: f64| -(1.0 + (-z).exp()).ln();
        let defined: f64 = (z.iter().zip(&y))
            .map(|(&z, y)| -y * ln_sigmoid(z) - (1.0 - y) * ln_sigmoid(-z))
            .sum();
        assert_close("binary", &[found], &[defined], [1e-12, 1e-12]);
    }

    /// N2 of newbies (2.5) on random rows; and sums and means differ by n.
    #[test]
    fn a_batch_is_the_sum_of_its_samples(case in case()) {
        let (network, data) = (case.network(false), case.data());
        let mut config = full_batch(case.loss);
        let (mean_loss, mean) = first_batch(&network, data.samples(), &config);
        config.reduction = Reduction::Sum;
        let (reported, sum) = first_batch(&network, data.samples(), &config);
        let n = data.labels.len();
        let (losses, samples) = sum_of_samples(&network, &data.samples(), case.loss);
        assert_close("batch and samples", &sum, &samples, SAME);
        assert_close("sum and mean", &sum, &scaled(&mean, n as f64), SAME);
        assert_close("unbiased", &mean, &scaled(&samples, 1.0 / n as f64), SAME);
        assert_close("losses", &[mean_loss, reported], &[losses / n as f64; 2], SAME);
    }

    #[test]
    fn hidden_units_may_change_places(case in case(), normalized in any::<bool>()) {
        let (network, data) = (case.network(normalized), case.data());
        let order = stream(case.seed + 1).permutation(network.layers()[0].n_outputs);
        let mut permuted = network.clone();
        let parameters = permute(network.layers(), network.parameters(), &order);
        permuted.parameters_mut().copy_from_slice(&parameters);
        if normalized {
            let layer = &network.layers()[0];
            for part in [layer.running_mean(), layer.running_variance()] {
                let moved = reordered(&network.statistics()[part.clone()], &order);
                permuted.statistics_mut()[part].copy_from_slice(&moved);
            }
        }
        let [before, after] = [&network, &permuted].map(|network| outputs(network, &data.inputs));
        assert_close("outputs", &after, &before, SAME);
        let config = full_batch(case.loss);
        let [(loss, gradient), (permuted_loss, permuted_gradient)] =
            [&network, &permuted].map(|network| first_batch(network, data.samples(), &config));
        assert_close("loss", &[permuted_loss], &[loss], SAME);
        let expected = permute(network.layers(), &gradient, &order);
        // With batch normalization, terms of order 1 cancel.
        assert_close("gradient", &permuted_gradient, &expected, [1e-9, 1e-10]);
    }

    #[test]
    fn a_weight_of_2_equals_repeating_the_sample(case in case(), weights in prop::collection::vec(0_u32..4, 9)) {
        let (network, data) = (case.network(false), case.data());
        let weights = &weights[..data.labels.len()];
        prop_assume!(weights.iter().any(|&weight| weight > 0));
        let as_numbers: Vec<f64> = weights.iter().map(|&weight| weight.into()).collect();
        let weighted = data.samples().with_weights(&as_numbers).expect("one a row");
        let repeated: Vec<u32> = (0..weights.len())
            .flat_map(|row| vec![row as u32; weights[row] as usize])
            .collect();
        for reduction in [Reduction::Mean, Reduction::Sum] {
            let mut config = full_batch(case.loss);
            config.reduction = reduction;
            let (loss, gradient) = first_batch(&network, weighted.clone(), &config);
            let repeated = data.samples().select(&repeated);
            let (expected_loss, expected) = first_batch(&network, repeated, &config);
            assert_close("loss", &[loss], &[expected_loss], SAME);
            assert_close("gradient", &gradient, &expected, SAME);
        }
    }

    #[test]
    fn a_written_model_is_read_back(
        case in case(),
        normalized in any::<bool>(),
        dropout in 0.0..0.9,
        named in any::<bool>(),
    ) {
        let layers = [case.hidden(normalized, dropout), case.output()];
        let network = network(case.n_inputs, layers.to_vec(), case.seed);
        let class_names = (0..if named { N_CLASSES } else { 0 }).map(|k| format!("\"class\" {k}"));
        let description = Description {
            class_names: class_names.collect(),
            input: InputDescription {
                shape: vec![case.n_inputs],
                scale: 1.0 / 255.0,
                preprocessing: None,
            },
            training: serde_json::json!({"seed": case.seed, "learning_rate": 0.1}),
            table_sha256: named.then(|| "0".repeat(64)),
        };
        check_file(network.cast::<f32>(), case.loss, &description);
        check_file(network, case.loss, &description);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// `Model::read` reads every file of `Model::write`, with names and settings of any
    /// length.
    #[test]
    fn every_description_is_read_back(
        names in proptest::collection::vec(any::<String>(), 0..4),
        repeat in 1..2000_usize,
        keys in proptest::collection::vec((any::<String>(), any::<f64>()), 0..5),
        shape in proptest::collection::vec(0..9_usize, 0..40),
        scale in any::<f64>(),
        columns in proptest::option::of(proptest::collection::vec(any::<String>(), 0..9)),
    ) {
        let layers = vec![LayerConfig::new(names.len().max(1), Activation::Identity)];
        let columns = columns.map(|names| Json::new(&vec![names; repeat]).expect("it is text"));
        let model = Model {
            network: network(3, layers, 5),
            loss: Loss::Mse,
            description: Description {
                class_names: names.iter().map(|name| name.repeat(repeat)).collect(),
                input: InputDescription { shape, scale, preprocessing: columns },
                training: keys.into_iter().collect(),
                table_sha256: names.first().cloned(),
            },
        };
        let mut file = Vec::new();
        if model.write(&mut file).is_ok() {
            prop_assert_eq!(Model::read(&file[..]).expect("just written"), model);
        }
    }
}

fn check_file<S: Scalar>(network: Network<S>, loss: Loss, description: &Description) {
    let model = Model {
        network,
        loss,
        description: description.clone(),
    };
    let mut file = Vec::new();
    model.write(&mut file).expect("memory can be written");
    assert_eq!(Model::read(&file[..]).expect("the file is whole"), model);
}

/// N2 of newbies (2.5): the mean of the gradients of single samples is the
/// gradient of the whole set.
#[test]
#[expect(clippy::print_stdout, reason = "a test that skips says so")]
fn the_stochastic_gradient_is_unbiased_on_mnist() {
    const N: usize = 300;
    let data_dir = data_dir();
    if !catalog::MNIST.is_present(&data_dir) {
        println!("skipped: no mnist in {}", data_dir.display());
        return;
    }
    let dataset = Dataset::load(&catalog::MNIST, &data_dir).expect("MNIST is intact");
    let (nn_data::Inputs::Pixels(pixels), nn_data::Targets::Classes(labels)) =
        (&dataset.train.inputs, &dataset.train.targets)
    else {
        panic!("MNIST is pixels and classes");
    };
    let inputs = Inputs::bytes(pixels.slice(ndarray::s![..N, ..]), 1.0 / 255.0);
    let targets = Targets::classes(&labels[..N], 10);
    let samples: Samples<'_, f64> = Samples::new(inputs, targets).expect("the rows fit");
    let layers = vec![
        LayerConfig::new(16, Activation::Relu),
        LayerConfig::new(10, Activation::Softmax),
    ];
    let network = network(784, layers, 0);
    let (_, full) = first_batch(&network, samples.clone(), &full_batch(Loss::CrossEntropy));
    let (_, sum) = sum_of_samples(&network, &samples, Loss::CrossEntropy);
    assert!(full.iter().any(|gradient| gradient.abs() > 1e-3));
    let largest = full
        .iter()
        .zip(&sum)
        .map(|(full, sum)| (full - sum / N as f64).abs());
    let largest = largest.fold(0.0, f64::max);
    assert!(largest < 1e-10, "{largest:e}");
}

fn data_dir() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    env::var_os("NN_DATA_DIR").map_or_else(|| root.join("datasets"), PathBuf::from)
}

const N_CLASSES: usize = 3;

/// A network with one hidden layer, and rows for it.
#[derive(Clone, Debug)]
struct Case {
    n_samples: usize,
    n_inputs: usize,
    n_hidden: usize,
    hidden: Activation,
    loss: Loss,
    init: Init,
    seed: u64,
}

fn case() -> impl Strategy<Value = Case> {
    let hidden: Vec<_> = (Activation::ALL.iter().copied())
        .filter(|&activation| activation != Activation::Softmax)
        .collect();
    let menus = (select(hidden), select(Loss::ALL), select(Init::ALL));
    let sizes = (2_usize..10, 1_usize..6, 1_usize..7);
    (sizes, menus, 0_u64..1 << 32).prop_map(
        |((n_samples, n_inputs, n_hidden), (hidden, loss, init), seed)| Case {
            n_samples,
            n_inputs,
            n_hidden,
            hidden,
            loss,
            init,
            seed,
        },
    )
}

impl Case {
    fn hidden(&self, batch_norm: bool, dropout: f64) -> LayerConfig {
        LayerConfig {
            init: self.init,
            batch_norm,
            dropout,
            ..LayerConfig::new(self.n_hidden, self.hidden)
        }
    }

    fn output(&self) -> LayerConfig {
        let activation = self.loss.required_output().unwrap_or(Activation::Tanh);
        LayerConfig::new(N_CLASSES, activation)
    }

    fn network(&self, batch_norm: bool) -> Network<f64> {
        let layers = vec![self.hidden(batch_norm, 0.0), self.output()];
        network(self.n_inputs, layers, self.seed)
    }

    fn data(&self) -> Classes {
        Classes::random(self.n_samples, self.n_inputs, N_CLASSES, self.seed)
    }
}

/// Up to six rows, one after the other.
fn rows(values: std::ops::Range<f64>, width: usize) -> impl Strategy<Value = Vec<f64>> {
    (1_usize..=6).prop_flat_map(move |n| prop::collection::vec(values.clone(), n * width))
}

/// The sums of the losses and of the gradients of single samples.
fn sum_of_samples(
    network: &Network<f64>,
    samples: &Samples<'_, f64>,
    loss: Loss,
) -> (f64, Vec<f64>) {
    let config = full_batch(loss);
    let mut total = (0.0, vec![0.0; network.parameters().len()]);
    for position in 0..samples.len() as u32 {
        let (loss, gradient) = first_batch(network, samples.select(&[position]), &config);
        total.0 += loss;
        total
            .1
            .iter_mut()
            .zip(gradient)
            .for_each(|(sum, g)| *sum += g);
    }
    total
}

fn outputs(network: &Network<f64>, inputs: &Array2<f64>) -> Vec<f64> {
    let mut cache = ForwardCache::new(network, inputs.nrows());
    let outputs = network.forward(inputs.view(), &mut cache, &Threads::single());
    outputs.into_vec()
}

/// Permutes `buffer`, laid out like the parameters, so that hidden unit j is the former
/// unit `order[j]`.
fn permute(layers: &[Layer], buffer: &[f64], order: &[u32]) -> Vec<f64> {
    let [hidden, output] = layers else {
        panic!("one hidden layer");
    };
    let mut permuted = buffer.to_vec();
    let incoming = buffer[hidden.weights()].chunks(hidden.n_outputs);
    let incoming = incoming.flat_map(|of_input| reordered(of_input, order));
    permuted[hidden.weights()].copy_from_slice(&incoming.collect::<Vec<_>>());
    for part in [hidden.bias(), hidden.gamma(), hidden.beta()] {
        if !part.is_empty() {
            permuted[part.clone()].copy_from_slice(&reordered(&buffer[part], order));
        }
    }
    let outgoing: Vec<_> = buffer[output.weights()].chunks(output.n_outputs).collect();
    permuted[output.weights()].copy_from_slice(&reordered(&outgoing, order).concat());
    permuted
}

fn reordered<T: Copy>(values: &[T], order: &[u32]) -> Vec<T> {
    order.iter().map(|&from| values[from as usize]).collect()
}

fn scaled(values: &[f64], factor: f64) -> Vec<f64> {
    values.iter().map(|value| factor * value).collect()
}

/// Covers every kernel: small and large layers, one row, a few rows, and enough rows to
/// skip zeros in pairs.
#[test]
fn a_nan_input_makes_only_the_output_of_its_row_nan() {
    for &activation in Activation::ALL {
        let hidden = match activation {
            Activation::Softmax => Activation::Relu,
            other => other,
        };
        for (n_inputs, width, n_rows) in [(1, 1, 1), (9, 5, 3), (40, 33, 1), (70, 64, 130)] {
            let layers = vec![
                LayerConfig::new(width, hidden),
                LayerConfig::new(width, hidden),
                LayerConfig::new(2, activation),
            ];
            let config = NetworkConfig { n_inputs, layers };
            let network = Network::<f32>::new(&config, 1).expect("a valid configuration");
            let mut cache = ForwardCache::new(&network, n_rows);
            let threads = Threads::new(2);
            let mut inputs = Array2::from_shape_fn((n_rows, n_inputs), |(i, j)| {
                if (i + j) % 3 == 0 { 0.25 } else { 0.0 }
            });
            let bad = n_rows / 2;
            inputs[(bad, n_inputs - 1)] = f32::NAN;
            let outputs = network.forward(inputs.view(), &mut cache, &threads);
            for (row, output) in outputs.rows().enumerate() {
                let is_nan = output.iter().all(|value| value.is_nan());
                let is_finite = output.iter().all(|value| value.is_finite());
                let what = format!("{activation}, {n_inputs}-{width}, row {row} of {n_rows}");
                assert!(
                    if row == bad { is_nan } else { is_finite },
                    "{what}: {output:?}"
                );
            }
        }
    }
}
