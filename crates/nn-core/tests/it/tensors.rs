//! Tensors in PyTorch's layout: written and read back, or refused.

use nn_core::model_file::Description;
use nn_core::tensors::Tensor;
use nn_core::{Activation, LayerConfig, Loss, Model, Network, NetworkConfig, Result};

fn config() -> NetworkConfig {
    let normalized = LayerConfig {
        batch_norm: true,
        dropout: 0.1,
        ..LayerConfig::new(5, Activation::Relu)
    };
    NetworkConfig {
        n_inputs: 4,
        layers: vec![
            normalized.clone(),
            LayerConfig::new(6, Activation::Identity),
            normalized,
            LayerConfig::new(3, Activation::Softmax),
        ],
    }
}

fn model() -> Model<f64> {
    let mut network = Network::new(&config(), 2).unwrap();
    for (index, value) in network.statistics_mut().iter_mut().enumerate() {
        *value += index as f64;
    }
    for index in network.layers()[0].parameters() {
        network.parameters_mut()[index] += 0.001 * index as f64;
    }
    Model {
        network,
        loss: Loss::CrossEntropy,
        description: Description::default(),
    }
}

fn read(tensors: Vec<(String, Tensor<f64>)>) -> Result<Model<f64>> {
    Model::from_tensors(&config(), Loss::CrossEntropy, tensors)
}

#[test]
fn names_agree_with_a_sequential() {
    let tensors = model().to_tensors().unwrap();
    let names: Vec<&str> = tensors.iter().map(|(name, _)| &**name).collect();
    let norm = ["weight", "bias", "running_mean", "running_var"];
    let mut expected = vec!["0.weight".to_owned(), "0.bias".to_owned()];
    expected.extend(norm.map(|kind| format!("1.{kind}")));
    // 2 is the activation, 3 dropout; 4 has neither.
    expected.extend(["4.weight", "4.bias", "5.weight", "5.bias"].map(str::to_owned));
    expected.extend(norm.map(|kind| format!("6.{kind}")));
    expected.extend(["9.weight", "9.bias"].map(str::to_owned));
    assert_eq!(names, expected);
    assert_eq!(tensors[0].1.shape, [5, 4]);
}

/// In any order, with another prefix, with a counter of batches.
#[test]
fn written_tensors_are_read_back() {
    let model = model();
    let mut tensors = model.to_tensors().unwrap();
    assert_eq!(read(tensors.clone()).unwrap(), model);
    tensors.reverse();
    tensors.push(("1.num_batches_tracked".to_owned(), Tensor::new([1], [7.0])));
    for (name, _) in &mut tensors {
        *name = format!("net.{}{name}", if name.starts_with('9') { "1" } else { "" });
    }
    assert_eq!(read(tensors).unwrap(), model);
    // Modules with names are read in the order given.
    let mut named = model.to_tensors().unwrap();
    for (name, _) in &mut named {
        let letter = ["z", "y", "", "", "x", "w", "v", "", "", "u"];
        let (number, kind) = name.split_once('.').unwrap();
        *name = format!("{}.{kind}", letter[number.parse::<usize>().unwrap()]);
    }
    assert_eq!(read(named).unwrap(), model);
}

#[test]
fn a_linear_module_without_bias_has_zeros() {
    let mut tensors = model().to_tensors().unwrap();
    tensors.retain(|(name, _)| name != "4.bias");
    let network = read(tensors).unwrap().network;
    assert!(network.bias(1).iter().all(|&bias| bias == 0.0));
}

#[test]
fn tensors_that_do_not_fit_are_refused() {
    type Edit = fn(&mut Vec<(String, Tensor<f64>)>);
    let message = |edit: Edit| {
        let mut tensors = model().to_tensors().unwrap();
        edit(&mut tensors);
        read(tensors).unwrap_err().to_string()
    };
    for (edit, expected) in [
        (
            (|t| t[0].1 = Tensor::new([4, 5], [0.0; 20])) as Edit,
            "layer 1: tensor 0.weight: expected shape [5, 4], found [4, 5]",
        ),
        (
            |t| t[14].1 = Tensor::new([4], [0.0; 4]),
            "layer 4: tensor 9.weight: expected shape [3, 5], found [4]",
        ),
        (
            |t| drop(t.remove(4)),
            "layer 1: tensor 1.running_mean is missing",
        ),
        (
            |t| t.push(("9.running_mean".to_owned(), Tensor::new([3], [0.0; 3]))),
            "layer 4: tensor 9.running_mean does not belong to a dense layer; the network may lack \
             batch normalization in this layer",
        ),
        (
            |t| t[3].1.values[0] = f64::NAN,
            "tensor 1.bias: element 0 is NaN",
        ),
        (
            |t| t.truncate(6),
            "expected tensors of 6 modules (4 Linear, 2 BatchNorm1d), found 2: 0, 1",
        ),
        (
            |t| t[0].0 = "0.weights".to_owned(),
            "tensor 0.weights: expected a name that ends in weight, bias, running_mean, \
             running_var",
        ),
        (
            |t| t[1].0 = "0.weight".to_owned(),
            "tensor 0.weight is given twice",
        ),
    ] {
        assert_eq!(message(edit), expected);
    }
    let error = Model::<f64>::from_tensors(&config(), Loss::Hinge, model().to_tensors().unwrap());
    assert!(error.is_err());
}

#[test]
fn ensembles_and_temperatures_are_refused() {
    let message = |network: Network<f64>| {
        let model = Model { network, ..model() };
        model.to_tensors().unwrap_err().to_string()
    };
    let network = model().network;
    assert_eq!(
        message(Network::ensemble(&[network.clone(), network.clone()]).unwrap()),
        "network: an ensemble of 2 networks has no tensors in PyTorch's layout"
    );
    let calibrated = network.with_temperature(2.0).unwrap();
    assert!(message(calibrated).contains("the temperature 2 has no tensor"));
}

#[test]
fn stages_that_pytorch_does_not_have_are_refused() {
    let mut config = config();
    config.layers[0].sums = vec!["scaling".parse().unwrap()];
    let network = Network::<f64>::new(&config, 0).unwrap();
    let model = Model { network, ..model() };
    let expected = "layer 1: stage scaling has no tensors in PyTorch's layout";
    assert_eq!(model.to_tensors().unwrap_err().to_string(), expected);
}
