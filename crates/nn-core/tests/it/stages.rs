//! Stages: outputs and gradients against PyTorch (`scripts/reference.py`) and finite
//! differences, and the model file.

use std::collections::BTreeMap;

use ndarray::Array2;
use nn_core::batches::{Inputs, Samples, Targets};
use nn_core::gradient_check::check;
use nn_core::network::{ForwardCache, Randomness};
use nn_core::stage::{
    ActivationFunction, CustomActivation, LayerNorm, ParametricActivation, Residual, Stage,
};
use nn_core::training::{BatchSize, Trainer, TrainingConfig};
use nn_core::{
    Activation, Gradients, LayerConfig, Loss, Model, Network, NetworkConfig, Regularization,
};
use nn_tensor::{Scalar, Threads};
use serde::Deserialize;

use crate::support::{assert_close, read_golden};

/// Relative and absolute tolerance in double precision.
const EXACT: [f64; 2] = [1e-10, 1e-14];

#[derive(Deserialize)]
struct Golden {
    labels: Vec<u32>,
    entries: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    layers: Vec<Vec<String>>,
    inputs: Vec<Vec<f64>>,
    parameters: Vec<f64>,
    outputs: Vec<Vec<f64>>,
    loss: f64,
    gradient: Vec<f64>,
    input_gradient: Vec<Vec<f64>>,
}

impl Entry {
    fn network(&self) -> Network<f64> {
        let activations = [Activation::Tanh, Activation::Swish, Activation::Tanh];
        let hidden = self.layers.iter().zip(activations);
        let mut layers: Vec<LayerConfig> = hidden
            .map(|(stages, activation)| layer(stages, activation))
            .collect();
        layers.push(LayerConfig::new(3, Activation::Softmax));
        let config = NetworkConfig {
            n_inputs: 4,
            layers,
        };
        let mut network = Network::zeros(&config).expect("a valid network");
        network.parameters_mut().copy_from_slice(&self.parameters);
        network
    }

    fn inputs(&self) -> Array2<f64> {
        let shape = (self.inputs.len(), self.inputs[0].len());
        Array2::from_shape_vec(shape, self.inputs.concat()).expect("rows of one width")
    }
}

fn layer(stages: &[String], activation: Activation) -> LayerConfig {
    let mut layer = LayerConfig::new(5, activation);
    for stage in stages {
        match stage.as_str() {
            "parametric" => {
                layer.activation = Activation::Identity;
                layer.sums.push(ParametricActivation(activation).into());
            }
            "layer-norm" => layer.sums.push(LayerNorm.into()),
            "residual" => layer.outputs.push(Residual.into()),
            input => {
                let name = input.strip_prefix("input-").expect("another stage");
                layer.inputs.push(name.parse().expect("an input stage"));
            }
        }
    }
    layer
}

#[test]
fn outputs_and_gradients_agree_with_pytorch() {
    let golden: Golden = read_golden("stages");
    let threads = Threads::single();
    for (name, entry) in &golden.entries {
        let (mut network, inputs) = (entry.network(), entry.inputs());
        let n = inputs.nrows();
        let targets = Array2::from_shape_fn((n, 3), |(row, class)| {
            f64::from(u8::from(golden.labels[row] as usize == class))
        });
        let mut cache = ForwardCache::new(&network, n);
        let mut gradients = Gradients::with_input_error(&network, n);
        let randomness = Randomness::new(0, 0);
        network.forward_in_training(inputs.view(), &mut cache, randomness, &threads);
        let outputs: Vec<f64> = cache.outputs().into_vec();
        assert_close(name, &outputs, &entry.outputs.concat(), EXACT);
        let loss = gradients.loss_of_batch(
            Loss::CrossEntropy,
            &network,
            targets.as_slice().unwrap(),
            &cache,
        );
        assert_close(name, &[loss], &[entry.loss], EXACT);
        gradients.backward(&network, inputs.view(), &cache, &threads);
        assert_close(name, gradients.values(), &entry.gradient, EXACT);
        let input_gradient = entry.input_gradient.concat();
        assert_close(name, gradients.input_error(n), &input_gradient, EXACT);
        // Inference gives the same outputs: no stage here depends on the batch.
        let inferred = network.forward(inputs.view(), &mut cache, &threads);
        assert_eq!(inferred.as_slice(), outputs, "{name}");
    }
}

#[derive(Deserialize)]
struct Embeddings {
    labels: Vec<u32>,
    inputs: Vec<Vec<f64>>,
    parameters: Vec<f64>,
    outputs: Vec<Vec<f64>>,
    loss: f64,
    gradient: Vec<f64>,
    input_gradient: Vec<Vec<f64>>,
}

#[test]
fn embeddings_agree_with_pytorch() {
    let golden: Embeddings = read_golden("embeddings");
    let inputs = Array2::from_shape_vec((6, 4), golden.inputs.concat()).expect("rows");
    let stages = ["category-embedding:3x2", "periodic-embedding:2x3:std=0.1"];
    let layer = LayerConfig {
        inputs: stages.map(|stage| stage.parse().expect("a stage")).to_vec(),
        ..LayerConfig::new(3, Activation::Softmax)
    };
    let mut network = network(vec![layer]);
    let names: Vec<String> = network.stages(0).map(|stage| stage.to_string()).collect();
    assert_eq!(names[..2], stages);
    assert!(network.parameters().iter().all(|p| p.is_finite()));
    network.parameters_mut().copy_from_slice(&golden.parameters);
    let threads = Threads::single();
    let mut cache = ForwardCache::new(&network, 6);
    let mut gradients = Gradients::with_input_error(&network, 6);
    network.forward_in_training(inputs.view(), &mut cache, Randomness::new(0, 0), &threads);
    let outputs: Vec<f64> = cache.outputs().into_vec();
    assert_close("outputs", &outputs, &golden.outputs.concat(), EXACT);
    let targets = Array2::from_shape_fn((6, 3), |(row, class)| {
        f64::from(u8::from(golden.labels[row] as usize == class))
    });
    let loss = gradients.loss_of_batch(
        Loss::CrossEntropy,
        &network,
        targets.as_slice().unwrap(),
        &cache,
    );
    assert_close("loss", &[loss], &[golden.loss], EXACT);
    gradients.backward(&network, inputs.view(), &cache, &threads);
    assert_close("gradient", gradients.values(), &golden.gradient, EXACT);
    let input_gradient = golden.input_gradient.concat();
    assert_close("inputs", gradients.input_error(6), &input_gradient, EXACT);
    let samples = samples(&inputs, &golden.labels);
    let none = Regularization::default();
    for check in
        check(&network, &samples, Loss::CrossEntropy, none, usize::MAX).expect("valid samples")
    {
        assert!(check.error < 1e-6, "{check:?}");
    }
    // An invalid category index gives NaN.
    for value in [-1.0, 3.0, 0.5] {
        let output = network
            .predict(&[0.1, 0.2, 0.3, value])
            .expect("they are finite");
        assert!(
            output.iter().all(|output| output.is_nan()),
            "{value}: {output:?}"
        );
    }
}

#[derive(Deserialize)]
struct PiecewiseLinear {
    labels: Vec<u32>,
    inputs: Vec<Vec<f64>>,
    edges: Vec<Vec<f64>>,
    parameters: Vec<f64>,
    outputs: Vec<Vec<f64>>,
    loss: f64,
    gradient: Vec<f64>,
}

#[test]
fn a_piecewise_linear_embedding_agrees_with_pytorch() {
    let golden: PiecewiseLinear = read_golden("piecewise_linear");
    let inputs = Array2::from_shape_vec((6, 3), golden.inputs.concat()).expect("rows");
    let layer = LayerConfig {
        inputs: vec!["piecewise-linear-embedding:4x2".parse().expect("a stage")],
        ..LayerConfig::new(3, Activation::Softmax)
    };
    let config = NetworkConfig::new(3, [layer]);
    let mut network: Network<f64> = Network::new(&config, 0).expect("a valid network");
    assert_eq!(network.statistics()[..5], [-2.0, -1.0, 0.0, 1.0, 2.0]);
    let threads = Threads::single();
    network
        .initialize_from(&inputs, &threads)
        .expect("valid samples");
    assert_close("edges", network.statistics(), &golden.edges.concat(), EXACT);
    network.parameters_mut().copy_from_slice(&golden.parameters);

    let mut cache = ForwardCache::new(&network, 6);
    let mut gradients = Gradients::with_input_error(&network, 6);
    network.forward_in_training(inputs.view(), &mut cache, Randomness::new(0, 0), &threads);
    let outputs = cache.outputs().into_vec();
    assert_close("outputs", &outputs, &golden.outputs.concat(), EXACT);
    let mut targets = vec![0.0; 18];
    for (row, &label) in golden.labels.iter().enumerate() {
        targets[3 * row + label as usize] = 1.0;
    }
    let loss = gradients.loss_of_batch(Loss::CrossEntropy, &network, &targets, &cache);
    assert_close("loss", &[loss], &[golden.loss], EXACT);
    gradients.backward(&network, inputs.view(), &cache, &threads);
    assert_close("gradient", gradients.values(), &golden.gradient, EXACT);

    // With respect to the inputs, between the quantiles and beyond them.
    let moved = inputs.mapv(|x| 1.3 * x + 0.01);
    network.forward(moved.view(), &mut cache, &threads);
    gradients.loss_of_batch(Loss::CrossEntropy, &network, &targets, &cache);
    gradients.backward(&network, moved.view(), &cache, &threads);
    let found = gradients.input_error(6).to_vec();
    for (place, &found) in found.iter().enumerate() {
        let mut loss_at = |shift: f64| {
            let mut inputs = moved.clone();
            inputs[(place / 3, place % 3)] += shift;
            network.forward(inputs.view(), &mut cache, &threads);
            gradients.loss_of_batch(Loss::CrossEntropy, &network, &targets, &cache)
        };
        let expected = (loss_at(1e-5) - loss_at(-1e-5)) / 2e-5;
        assert!(
            (found - expected).abs() < 1e-8,
            "{place}: {found}, expected {expected}"
        );
    }

    // The model file contains the edges.
    let model = Model {
        network,
        loss: Loss::CrossEntropy,
        description: Default::default(),
    };
    let bytes = model.to_bytes().expect("it can be written");
    assert_eq!(Model::read(&bytes[..]).expect("it can be read"), model);
}

/// In inference, batch normalization is a factor and a shift per value.
#[test]
fn gradients_of_the_inputs_in_inference_are_derivatives() {
    let hidden = LayerConfig {
        batch_norm: true,
        ..LayerConfig::new(3, Activation::Tanh)
    };
    let config = NetworkConfig::new(2, [hidden, LayerConfig::new(2, Activation::Identity)]);
    let mut network: Network<f64> = Network::new(&config, 4).expect("a valid network");
    for (index, value) in network.statistics_mut().iter_mut().enumerate() {
        *value = 0.3 + 0.4 * index as f64;
    }
    let threads = Threads::single();
    let mut cache = ForwardCache::new(&network, 2);
    let inputs = Array2::from_shape_vec((2, 2), vec![0.5, -1.0, 2.0, 0.25]).expect("two rows");
    network.forward(inputs.view(), &mut cache, &threads);
    let mut gradients = Gradients::with_input_error(&network, 2);
    gradients
        .error_mut(1, 2)
        .copy_from_slice(&[1.0, 0.0, 1.0, 0.0]);
    gradients.backward(&network, inputs.view(), &cache, &threads);
    let found = gradients.input_error(2).to_vec();
    for (place, &found) in found.iter().enumerate() {
        let mut output_at = |shift: f64| {
            let mut inputs = inputs.clone();
            inputs[(place / 2, place % 2)] += shift;
            network.forward(inputs.view(), &mut cache, &threads);
            cache.outputs().into_vec()[place / 2 * 2]
        };
        let expected = (output_at(1e-5) - output_at(-1e-5)) / 2e-5;
        assert!(
            (found - expected).abs() < 1e-8,
            "{place}: {found}, expected {expected}"
        );
    }
}

#[derive(Deserialize)]
struct Tabular {
    labels: Vec<u32>,
    inputs: Vec<Vec<f64>>,
    parameters: Vec<f64>,
    outputs: Vec<Vec<f64>>,
    loss: f64,
    gradient: Vec<f64>,
    standardized_weights: Vec<Vec<f64>>,
}

/// A network with the stages of RealMLP: only the numbers have waves.
fn tabular_network(golden: &Tabular) -> Network<f64> {
    let inputs = [
        "periodic-embedding:2x3:std=0.1:columns=3",
        "category-embedding:3x2",
        "scaling",
    ];
    let hidden = LayerConfig {
        inputs: inputs.map(|stage| stage.parse().expect("a stage")).to_vec(),
        sums: vec!["parametric:selu".parse().expect("a stage")],
        ..LayerConfig::new(4, Activation::Identity)
    };
    let mut network = network(vec![hidden, LayerConfig::new(3, Activation::Softmax)]);
    let names: Vec<String> = network.stages(0).map(|stage| stage.to_string()).collect();
    assert_eq!(names[..3], inputs);
    network.parameters_mut().copy_from_slice(&golden.parameters);
    network
}

#[test]
fn a_network_for_tables_agrees_with_pytorch() {
    let golden: Tabular = read_golden("tabular");
    let mut network = tabular_network(&golden);
    let inputs = Array2::from_shape_vec((6, 4), golden.inputs.concat()).expect("rows");
    let threads = Threads::single();
    let mut cache = ForwardCache::new(&network, 6);
    let mut gradients = Gradients::new(&network, 6);
    network.forward_in_training(inputs.view(), &mut cache, Randomness::new(0, 0), &threads);
    let outputs = cache.outputs().into_vec();
    assert_close("outputs", &outputs, &golden.outputs.concat(), EXACT);
    let smoothed = |row: usize, class| match golden.labels[row] == class {
        true => 0.9 + 0.1 / 3.0,
        false => 0.1 / 3.0,
    };
    let rows = (0..6).flat_map(|row| (0..3).map(move |class| (row, class)));
    let targets: Vec<f64> = rows.map(|(row, class)| smoothed(row, class)).collect();
    let loss = gradients.loss_of_batch(Loss::CrossEntropy, &network, &targets, &cache);
    assert_close("loss", &[loss], &[golden.loss], EXACT);
    gradients.backward(&network, inputs.view(), &cache, &threads);
    assert_close("gradient", gradients.values(), &golden.gradient, EXACT);
    let samples = samples(&inputs, &golden.labels);
    let none = Regularization::default();
    for check in
        check(&network, &samples, Loss::CrossEntropy, none, usize::MAX).expect("valid samples")
    {
        assert!(check.error < 1e-6, "{check:?}");
    }
}

#[test]
fn data_driven_initial_sums_have_variance_one() {
    let golden: Tabular = read_golden("tabular");
    let mut network = tabular_network(&golden);
    let inputs = Array2::from_shape_vec((6, 4), golden.inputs.concat()).expect("rows");
    let threads = Threads::single();
    network
        .initialize_sums_from(&inputs, 7, &threads)
        .expect("valid inputs");
    let expected = golden.standardized_weights.concat();
    assert_close("weights", network.weights(0).as_slice(), &expected, EXACT);
    // Each sum has variance 1, and 0 lies between its smallest and its largest value.
    let mut cache = ForwardCache::new(&network, 6);
    network.forward_in_training(inputs.view(), &mut cache, Randomness::new(0, 0), &threads);
    let activations = cache.layer(0).outputs();
    let (weights, bias) = (network.weights(1), network.bias(1));
    for (neuron, bias) in bias.iter().enumerate() {
        let column = || weights.column(neuron);
        let dot = |row: &[f64]| row.iter().zip(column()).map(|(a, w)| a * w).sum::<f64>();
        let sums: Vec<f64> = activations.rows().map(|row| dot(row) + bias).collect();
        let mean = sums.iter().sum::<f64>() / 6.0;
        let variance = sums.iter().map(|sum| (sum - mean).powi(2)).sum::<f64>() / 6.0;
        assert!((variance - 1.0).abs() < 1e-12, "{variance}");
        assert!(sums.iter().any(|&sum| sum < 0.0) && sums.iter().any(|&sum| sum > 0.0));
    }
    let again = network.clone();
    network
        .initialize_sums_from(&inputs, 7, &threads)
        .expect("valid inputs");
    assert_close("again", network.parameters(), again.parameters(), EXACT);
}

#[test]
fn columns_after_the_embedded_ones_pass_through() {
    let stage = "piecewise-linear-embedding:4x2:columns=3";
    let all = "piecewise-linear-embedding:4x2";
    let of = |stage: &str, n_inputs| -> Network<f64> {
        let layer = LayerConfig {
            inputs: vec![stage.parse().expect("a stage")],
            ..LayerConfig::new(1, Activation::Identity)
        };
        Network::new(&NetworkConfig::new(n_inputs, [layer]), 3).expect("a valid network")
    };
    let (all, mut first) = (of(all, 3), of(stage, 4));
    assert_eq!(first.stages(0).next().expect("a stage").to_string(), stage);
    let n_embedding = 3 * 5 * 2;
    let parameters = first.parameters_mut();
    parameters[..n_embedding].copy_from_slice(&all.parameters()[..n_embedding]);
    parameters[n_embedding..n_embedding + 6].copy_from_slice(&all.weights(0).as_slice()[..6]);
    parameters[n_embedding + 6] = 10.0;
    let of_three = all.predict(&[0.3, -1.0, 5.0]).expect("it fits")[0];
    let of_four = first.predict(&[0.3, -1.0, 5.0, 7.0]).expect("it fits")[0];
    assert!((of_four - of_three - 70.0).abs() < 1e-12, "{of_four}");

    let stage: Stage = "periodic-embedding:2x3:std=0.1:columns=5"
        .parse()
        .expect("a stage");
    let layer = LayerConfig {
        inputs: vec![stage],
        ..LayerConfig::new(1, Activation::Identity)
    };
    let error = NetworkConfig::new(4, [layer])
        .check()
        .expect_err("too many");
    assert_eq!(
        error.to_string(),
        "columns of a periodic embedding: expected 1 to 4, the number of inputs, found 5"
    );
}

/// As in models saved before frequent values had their weight limited.
#[test]
fn equal_edges_are_a_step() {
    let layer = LayerConfig {
        inputs: vec!["piecewise-linear-embedding:3x1".parse().expect("a stage")],
        ..LayerConfig::new(1, Activation::Identity)
    };
    let config = NetworkConfig::new(1, [layer]);
    let mut network: Network<f64> = Network::zeros(&config).expect("a valid network");
    let rows = [[0.0], [1.0], [1.0], [1.0], [1.0], [1.0], [4.0]];
    network
        .initialize_from(&rows, &Threads::single())
        .expect("valid samples");
    // Each of the three values has the same weight, although 1 is frequent.
    let expected = [0.0, 2.0 / 3.0, 2.0, 4.0];
    assert_close("edges", network.statistics(), &expected, EXACT);
    network
        .statistics_mut()
        .copy_from_slice(&[0.0, 1.0, 1.0, 4.0]);
    // y = e₁ + 10·e₂ + 100·e₃
    network.parameters_mut()[..3].copy_from_slice(&[1.0, 10.0, 100.0]);
    network.weights_mut(0)[0] = 1.0;
    for (x, expected) in [
        (-1.0, -1.0),
        (0.5, 0.5),
        (1.0, 11.0),
        (2.5, 61.0),
        (7.0, 211.0),
    ] {
        assert_eq!(network.predict(&[x]).expect("it fits"), [expected], "{x}");
    }
    let no_rows: [[f64; 1]; 0] = [];
    assert!(
        network
            .initialize_from(&no_rows, &Threads::single())
            .is_err()
    );
}

/// In double precision, together with batch normalization and dropout.
#[test]
fn gradients_agree_with_finite_differences() {
    let golden: Golden = read_golden("stages");
    for (name, entry) in &golden.entries {
        let mut layers = entry
            .network()
            .layers()
            .iter()
            .map(settings)
            .collect::<Vec<_>>();
        layers[1].batch_norm = true;
        layers[2].dropout = 0.5;
        let network = network(layers);
        let inputs = entry.inputs();
        let checks = check(
            &network,
            &samples(&inputs, &golden.labels),
            Loss::CrossEntropy,
            Regularization { l1: 0.0, l2: 0.1 },
            usize::MAX,
        )
        .expect("valid samples");
        for check in checks {
            assert!(check.error < 1e-6, "{name}: {check:?}");
        }
    }
}

/// The configuration of a layer.
fn settings(layer: &nn_core::Layer) -> LayerConfig {
    LayerConfig {
        inputs: layer.inputs.clone(),
        sums: layer.sums.clone(),
        outputs: layer.outputs.clone(),
        ..LayerConfig::new(layer.n_outputs, layer.activation)
    }
}

fn network(layers: Vec<LayerConfig>) -> Network<f64> {
    let config = NetworkConfig {
        n_inputs: 4,
        layers,
    };
    Network::new(&config, 5).expect("a valid network")
}

fn samples<'a, S: Scalar>(inputs: &'a Array2<S>, labels: &'a [u32]) -> Samples<'a, S> {
    let targets = Targets::classes(labels, 3);
    Samples::new(Inputs::values(inputs.view()), targets).expect("valid samples")
}

/// Training with these stages lowers the loss and gives the same bits for any number
/// of threads, and the model is read back from its file.
#[test]
fn networks_of_all_stages_train_and_are_saved() {
    let golden: Golden = read_golden("stages");
    let entry = &golden.entries["all"];
    let inputs = entry.inputs().mapv(|value| value as f32);
    let config = TrainingConfig {
        epochs: 200,
        learning_rate: 0.01,
        batch_size: BatchSize::Rows(2),
        ..TrainingConfig::new(Loss::CrossEntropy, "adam".parse().expect("it is known"))
    };
    let train = |threads| {
        let network: Network = entry.network().cast();
        let samples = samples(&inputs, &golden.labels);
        let mut trainer = Trainer::new(network, samples, None, config.clone(), threads)
            .expect("a valid configuration");
        let last = trainer
            .run(|_| std::ops::ControlFlow::Continue(()))
            .expect("the loss is finite");
        (trainer.network(), last.expect("an epoch").train_loss)
    };
    let (network, loss) = train(Threads::single());
    assert!(loss < 0.1, "{loss}");
    assert_eq!(network, train(Threads::new(3)).0);
    let model = Model {
        network,
        loss: Loss::CrossEntropy,
        description: nn_core::model_file::Description::default(),
    };
    let mut bytes = Vec::new();
    model.write(&mut bytes).expect("it can be written");
    assert_eq!(Model::read(&bytes[..]).expect("it can be read"), model);
}

#[test]
fn stages_in_invalid_places_are_refused() {
    let hidden = || LayerConfig::new(5, Activation::Relu);
    let output = || LayerConfig::new(3, Activation::Softmax);
    let message = |layers| {
        let config = NetworkConfig {
            n_inputs: 4,
            layers,
        };
        Network::<f32>::zeros(&config).unwrap_err().to_string()
    };
    let residual = |layer| LayerConfig {
        outputs: vec![Residual.into()],
        ..layer
    };
    assert_eq!(
        message(vec![residual(hidden()), output()]),
        "layer 1: the first layer cannot have a residual connection"
    );
    assert_eq!(
        message(vec![
            LayerConfig::new(6, Activation::Relu),
            residual(hidden()),
            output()
        ]),
        "layer 2: a residual connection needs as many outputs as the previous layer: expected 6, found 5"
    );
    assert_eq!(
        message(vec![hidden(), residual(output())]),
        "layer 2: the output layer cannot have stages after its activation"
    );
    let sums = |stage: &str| LayerConfig {
        sums: vec![stage.parse().expect("a stage")],
        ..hidden()
    };
    assert_eq!(
        message(vec![sums("residual"), output()]),
        "layer 1: stage residual is not allowed between the weighted sums and the activation"
    );
    assert_eq!(
        message(vec![sums("parametric:softmax"), output()]),
        "parametric activation: softmax cannot be mixed with the identity"
    );
    let unknown = |text: &str| text.parse::<Stage>().unwrap_err().to_string();
    assert_eq!(
        unknown("group-norm"),
        "unknown stage \"group-norm\"; expected one of: layer-norm, scaling, \
         category-embedding, periodic-embedding, piecewise-linear-embedding, members, parametric, \
         residual"
    );
    let inputs = |stage: &str| LayerConfig {
        inputs: vec![stage.parse().expect("a stage")],
        ..hidden()
    };
    assert_eq!(
        message(vec![
            inputs("category-embedding:2x2,2x2,2x2,2x2,2x2"),
            output()
        ]),
        "columns of a category embedding: expected at most 4, the number of inputs, found 5"
    );
    assert_eq!(
        message(vec![inputs("periodic-embedding:8x1"), output()]),
        "number of outputs of a periodic embedding: expected a whole number, 2 or above, found 1"
    );
    assert_eq!(
        unknown("category-embedding:3"),
        "category-embedding: expected categories and width of each column, such as 12x4,3x2, \
         found \"3\""
    );
    assert!(unknown("layer-norm:2").starts_with("layer-norm has no parameter"));
}

/// z², for which no name is on the menu.
#[derive(Debug)]
struct Square;

impl ActivationFunction for Square {
    fn name(&self) -> String {
        "square".to_owned()
    }

    fn forward<S: Scalar>(&self, values: &mut [S]) {
        values.iter_mut().for_each(|z| *z *= *z);
    }

    fn backward<S: Scalar>(&self, z: &[S], delta: &mut [S]) {
        let pairs = delta.iter_mut().zip(z);
        pairs.for_each(|(delta, &z)| *delta *= z + z);
    }
}

#[test]
fn a_model_with_a_custom_activation_is_read_by_a_program_that_has_it() {
    let hidden = LayerConfig {
        sums: vec![Stage::custom_activation(Square)],
        ..LayerConfig::new(3, Activation::Identity)
    };
    let layers = [hidden, LayerConfig::new(1, Activation::Identity)];
    let network: Network = Network::new(&NetworkConfig::new(2, layers), 5).expect("it can be");
    let model = Model {
        network,
        loss: Loss::Mse,
        description: Default::default(),
    };
    let bytes = model.to_bytes().expect("it can be written");
    let error = Model::<f32>::read(&bytes[..]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "activation square: is user-defined: only a program that defines it can read the model, \
         with Model::read_with_activations"
    );
    let known = [CustomActivation::new(Square)];
    let read = Model::<f32>::read_with_activations(&bytes[..], &known).expect("it is known");
    assert_eq!(read, model);
    let inputs = [0.5, -1.5];
    assert_eq!(
        read.network.predict(&inputs).unwrap(),
        model.network.predict(&inputs).unwrap()
    );
}
