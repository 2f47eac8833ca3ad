//! Model files: written and read unchanged, damaged and hostile files refused.

use nn_core::model_file::{Description, InputDescription, Json, weights_sha256};
use nn_core::{Activation, Error, ErrorKind, LayerConfig, Loss, Model, Network, NetworkConfig};
use sha2::{Digest, Sha256};

fn model() -> Model<f32> {
    let hidden = LayerConfig {
        batch_norm: true,
        dropout: 0.25,
        ..LayerConfig::new(3, Activation::LeakyRelu { slope: 0.2 })
    };
    let layers = vec![hidden, LayerConfig::new(2, Activation::Softmax)];
    Model {
        network: Network::new(
            &NetworkConfig {
                n_inputs: 4,
                layers,
            },
            5,
        )
        .unwrap(),
        loss: Loss::CrossEntropy,
        description: Description {
            class_names: vec!["cat".to_owned(), "dog".to_owned()],
            input: InputDescription {
                shape: vec![2, 2],
                scale: 1.0 / 255.0,
                preprocessing: None,
            },
            training: serde_json::json!({ "seed": 5 }),
            table_sha256: None,
        },
    }
}

fn bytes(model: &Model<f32>) -> Vec<u8> {
    let mut bytes = Vec::new();
    model.write(&mut bytes).unwrap();
    bytes
}

fn message(bytes: &[u8]) -> String {
    let error = Model::<f32>::read(bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    error.to_string()
}

#[test]
fn written_models_are_read_unchanged() {
    let model = model();
    let bytes_once = bytes(&model);
    assert_eq!(model.to_bytes().unwrap(), bytes_once);
    assert_eq!(Model::read(&bytes_once[..]).unwrap(), model);
    assert_eq!(bytes_once, bytes(&model), "the same bytes every time");
}

#[test]
fn the_checksum_is_that_of_the_data_section() {
    let model = model();
    let bytes = bytes(&model);
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let digest = Sha256::digest(&bytes[8 + header..]);
    let found: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(found, weights_sha256(&model.network));
}

#[test]
fn double_precision_is_kept() {
    let network = model().network.cast::<f64>();
    let double = Model {
        network,
        loss: Loss::CrossEntropy,
        description: model().description,
    };
    let mut bytes = Vec::new();
    double.write(&mut bytes).unwrap();
    assert_eq!(Model::<f64>::read(&bytes[..]).unwrap(), double);
    assert_eq!(
        Model::<f32>::read(&bytes[..]).unwrap().network,
        model().network
    );
}

#[test]
fn every_truncation_is_refused() {
    let bytes = bytes(&model());
    for end in 0..bytes.len() {
        message(&bytes[..end]);
    }
    message(&[&bytes[..], &[0]].concat());
}

/// Includes the bits of a column's mean, of a class name and of a setting.
#[test]
fn every_flipped_bit_is_refused() {
    let table = table();
    let original = bytes(&table);
    assert_eq!(Model::read(&original[..]).unwrap(), table);
    for position in 0..original.len() {
        for bit in 0..8 {
            let mut bytes = original.clone();
            bytes[position] ^= 1 << bit;
            message(&bytes);
        }
    }
}

fn table() -> Model<f32> {
    let mut table = model();
    let column = |name: &str, mean: f64| {
        let standardise = serde_json::json!({ "mean": mean, "std": 17.0 });
        serde_json::json!({ "name": name, "encoding": { "standardise": standardise } })
    };
    let columns: Vec<_> = ["u", "é \"", "w", "x"].map(|name| column(name, 0.1)).into();
    let preprocessing = serde_json::json!({ "inputs": { "columns": columns } });
    table.description.input = InputDescription {
        shape: vec![4],
        scale: 1.0,
        preprocessing: Some(Json::new(&preprocessing).unwrap()),
    };
    table.description.table_sha256 = Some("0".repeat(64));
    table
}

#[test]
fn many_layers_are_written_and_read() {
    for n_layers in [5000, 20_000] {
        let layers = vec![LayerConfig::new(1, Activation::Sigmoid); n_layers];
        let config = NetworkConfig {
            n_inputs: 1,
            layers,
        };
        let model = Model {
            network: Network::<f32>::new(&config, 5).unwrap(),
            loss: Loss::Mse,
            description: Description::default(),
        };
        assert_eq!(Model::read(&bytes(&model)[..]).unwrap(), model);
        assert_eq!(weights_sha256(&model.network).len(), 64);
    }
}

/// Covers the maximum number of table columns, and columns of a thousand long
/// categories.
#[test]
fn long_descriptions_are_written_and_read() {
    let categories: Vec<String> = (0..1000).map(|k| format!("{k:0600}")).collect();
    let columns = vec![categories; 30];
    let many: Vec<String> = (0..100_000).map(|k| format!("gene \"{k}\"")).collect();
    for preprocessing in [Json::new(&columns), Json::new(&many)] {
        let mut model = table();
        model.description.input.preprocessing = Some(preprocessing.unwrap());
        model.description.training = many[..50_000].into();
        assert_eq!(Model::read(&bytes(&model)[..]).unwrap(), model);
    }
}

#[test]
fn unreadable_descriptions_are_not_written() {
    let network = NetworkConfig {
        n_inputs: 4,
        layers: vec![
            LayerConfig::new(3, Activation::Tanh),
            LayerConfig::new(2, Activation::Softmax),
        ],
    };
    let refusal = |edit: fn(&mut Description)| {
        let mut model = table();
        let check = |it: &Description| Model::<f32>::check(&network, Loss::CrossEntropy, it);
        check(&model.description).unwrap();
        edit(&mut model.description);
        check(&model.description).unwrap_err();
        model.write(std::io::sink()).unwrap_err()
    };
    let too_long = refusal(|it| it.training = "a".repeat(100_000_000).into());
    assert!(matches!(too_long, Error::HeaderTooLong { found, .. } if found > 100_000_000));
    refusal(|it| it.training = vec![0; 100_000].into());
    refusal(|it| it.class_names.push("bird".to_owned()));
    refusal(|it| it.input.scale = f64::NAN);
    refusal(|it| it.input.shape = vec![1; 64]);
    refusal(|it| it.input.preprocessing = Some(Json::new(&f64::NAN).unwrap()));
}

#[test]
fn hostile_headers_are_refused() {
    assert!(message(&[]).contains("ends at byte 0"));
    assert!(message(&[0xff; 64]).contains("declare a header"));
    assert!(message(b"\x02\0\0\0\0\0\0\0{}").contains("not written by nn"));
    let deep = [&20_000_u64.to_le_bytes()[..], &vec![b'['; 20_000]].concat();
    assert!(message(&deep).contains("not JSON"));
    // Nine I8 tensors whose sizes add up to about 2⁶⁴.
    let size = u64::MAX / 9;
    let tensors: Vec<String> = (0..9_u64)
        .map(|i| {
            let (start, end) = (i * size, (i + 1) * size);
            format!(
                "\"t{i}\":{{\"dtype\":\"I8\",\"shape\":[{size}],\"data_offsets\":[{start},{end}]}}"
            )
        })
        .collect();
    let header = format!("{{{}}}", tensors.join(","));
    let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
    message(&file);
}

#[test]
fn nonfinite_weights_are_refused() {
    let mut model = model();
    model.network.parameters_mut()[2] = f32::NAN;
    assert_eq!(
        message(&bytes(&model)),
        "tensor layers.0.weight: element 2 is NaN"
    );
}

#[test]
fn nonfinite_weights_are_read_on_request() {
    let mut model = model();
    model.network.parameters_mut()[2] = f32::NAN;
    model.network.parameters_mut()[3] = f32::NEG_INFINITY;
    let read = Model::<f32>::read_with_nonfinite(&bytes(&model)[..]).unwrap();
    let bits = |model: &Model<f32>| -> Vec<u32> {
        let parameters = model.network.parameters().iter();
        parameters.map(|value| value.to_bits()).collect()
    };
    assert_eq!(bits(&read), bits(&model));
}

#[test]
fn a_value_too_large_for_f32_is_refused() {
    let mut double = Model {
        network: model().network.cast::<f64>(),
        loss: Loss::CrossEntropy,
        description: model().description,
    };
    double.network.parameters_mut()[0] = 1e300;
    let mut bytes = Vec::new();
    double.write(&mut bytes).unwrap();
    let error = Model::<f32>::read_with_nonfinite(&bytes[..]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "tensor layers.0.weight: element 0 is 1e300, too large for f32"
    );
}

#[test]
fn a_newer_format_is_refused() {
    let text = bytes(&model());
    let position = text
        .windows(11)
        .position(|w| w == br#"format\":2,"#)
        .unwrap();
    let mut newer = text.clone();
    newer[position + 9] = b'7';
    assert!(message(&newer).contains("format 7; this version of nn reads formats 1 to 2"));
}

#[test]
fn json_values_are_compared() {
    let json = |value: u8| Json::new(&value).unwrap();
    assert_eq!(json(1), json(1));
    assert_ne!(json(1), json(2));
}

/// Only an ensemble has a number of networks, and only a calibrated network a temperature.
#[test]
fn the_header_has_no_defaults() {
    let has = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|it| it == text);
    let network = model().network;
    let single = bytes(&model());
    assert!(!has(&single, b"networks") && !has(&single, b"temperature"));
    let mut other = network.clone();
    other.parameters_mut().fill(0.5);
    other.statistics_mut().fill(0.25);
    let two = Model {
        network: Network::ensemble(&[network.clone(), other]).unwrap(),
        ..model()
    };
    assert!(has(&bytes(&two), br#"\"networks\":2"#));
    assert_eq!(Model::read(&bytes(&two)[..]).unwrap(), two);
    let calibrated = Model {
        network: network.with_temperature(2.0).unwrap(),
        ..model()
    };
    assert!(has(&bytes(&calibrated), br#"\"temperature\":2.0"#));
    assert_eq!(Model::read(&bytes(&calibrated)[..]).unwrap(), calibrated);
}

/// Stages before the weighted sums, after them, and after the activation.
#[test]
fn all_stages_are_written_and_read() {
    let stage = |text: &str| vec![text.parse().unwrap()];
    let hidden = LayerConfig {
        inputs: stage("periodic-embedding:2x3:std=0.1:columns=2"),
        sums: stage("parametric:selu"),
        ..LayerConfig::new(3, Activation::Identity)
    };
    let equally_wide = LayerConfig {
        outputs: stage("residual"),
        ..LayerConfig::new(3, Activation::Relu)
    };
    let layers = vec![
        hidden,
        equally_wide,
        LayerConfig::new(2, Activation::Softmax),
    ];
    let config = NetworkConfig {
        n_inputs: 4,
        layers,
    };
    let model = Model {
        network: Network::new(&config, 5).unwrap(),
        ..model()
    };
    let read = Model::read(&bytes(&model)[..]).unwrap();
    assert_eq!(read, model);
    assert_eq!(read.network.config(), config);
}

#[test]
fn descriptions_fit_the_network() {
    let network = |n_outputs| NetworkConfig {
        n_inputs: 4,
        layers: vec![LayerConfig::new(n_outputs, Activation::Sigmoid)],
    };
    let is_accepted = |n_outputs, edit: &dyn Fn(&mut Description)| {
        let mut description = Description::default();
        edit(&mut description);
        let loss = Loss::BinaryCrossEntropy;
        Model::<f32>::check(&network(n_outputs), loss, &description).is_ok()
    };
    for (n_outputs, n_names, is_valid) in [
        (1, 0, true),
        (1, 1, true),
        (1, 2, true),
        (1, 3, false),
        (2, 1, false),
        (2, 2, true),
        (3, 2, false),
    ] {
        let named = |it: &mut Description| it.class_names = vec!["a".to_owned(); n_names];
        assert_eq!(
            is_accepted(n_outputs, &named),
            is_valid,
            "{n_outputs} {n_names}"
        );
    }
    let shaped = |shape: Vec<usize>, is_table: bool| {
        let preprocessing = Some(Json::new(&0).unwrap()).filter(|_| is_table);
        is_accepted(1, &|it| {
            it.input.shape.clone_from(&shape);
            it.input.preprocessing.clone_from(&preprocessing);
        })
    };
    assert!(shaped(vec![], false) && shaped(vec![4], false) && shaped(vec![2, 2], false));
    assert!(!shaped(vec![3], false) && shaped(vec![3], true));
    let dimensions = |n: usize| [vec![4], vec![1; n - 1]].concat();
    assert!(shaped(dimensions(32), false) && !shaped(dimensions(33), false));
}

/// The largest number of dimensions can be read, too.
#[test]
fn a_shape_of_many_dimensions_is_read() {
    let mut model = model();
    model.description.input.shape = [vec![4], vec![1; 31]].concat();
    assert_eq!(Model::read(&bytes(&model)[..]).unwrap(), model);
}

#[test]
fn damaged_weights_of_format_1_are_refused() {
    let mut bytes = include_bytes!("../../../../fuzz/corpus/model/small").to_vec();
    Model::<f32>::read(&bytes[..]).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    assert!(message(&bytes).contains("the weights are damaged: expected SHA-256"));
}
