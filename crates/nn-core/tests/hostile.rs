//! Invalid and malicious model files and checkpoints: the checks of the fuzz targets
//! (`fuzz/`) on the corpus and on valid files with every cut and flipped bit, and
//! forged headers.

use harm::{corpus, harmed};
use nn_core::model_file::weights_sha256;
use nn_core::{
    Activation, Checkpoint, ErrorKind, LayerConfig, Loss, Model, Network, NetworkConfig,
};
use serde_json::{Value, json};

#[path = "../../../fuzz/harness/harm.rs"]
mod harm;
#[path = "../../../fuzz/harness/sealing.rs"]
mod sealing;
#[path = "../../../fuzz/harness/model.rs"]
mod model;
#[path = "../../../fuzz/harness/checkpoint.rs"]
mod checkpoint;

#[test]
fn the_corpus_is_read_or_refused() {
    corpus("model").iter().for_each(|bytes| model::check(bytes));
    corpus("checkpoint")
        .iter()
        .for_each(|bytes| checkpoint::check(bytes));
}

/// A change of a format adds a file here and keeps the others.
#[test]
fn files_of_every_earlier_format_are_read() {
    let model = include_bytes!("../../../fuzz/corpus/model/small");
    let model = Model::<f32>::read(&model[..]).expect("a model of format 1");
    assert_eq!(
        weights_sha256(&model.network),
        "d63f57eb80dbd70b749c16beb427185dafd51128370cbcda58bf9504c8a7f9b6"
    );
    let of_format_2 = include_bytes!("../../../fuzz/corpus/model/format-2");
    assert_eq!(
        Model::read(&of_format_2[..]).expect("a model of format 2"),
        model
    );
    let checkpoint = include_bytes!("../../../fuzz/corpus/checkpoint/small");
    let checkpoint = Checkpoint::<f32>::read(&checkpoint[..]).expect("a checkpoint of format 1");
    assert_eq!((checkpoint.epoch(), checkpoint.step()), (2, 6));
}

#[test]
fn a_damaged_model_is_read_or_refused() {
    harmed(&model_file()).for_each(|bytes| model::check(&bytes));
}

/// The checksum covers every bit of a checkpoint.
#[test]
fn a_damaged_checkpoint_is_refused() {
    for (index, bytes) in harmed(&checkpoint_file()).enumerate() {
        assert!(Checkpoint::<f32>::read(&bytes[..]).is_err());
        // With the checksum set right it takes longer: 7 has no factor in
        // common with the 8 bits of a byte.
        if index % 7 == 0 {
            checkpoint::check(&bytes);
        }
    }
}

#[test]
fn too_large_lengths_are_refused() {
    // The limit is that of the `safetensors` package.
    for length in [u64::MAX, u64::MAX - 7, 1 << 63, 100_000_001] {
        let file = [&length.to_le_bytes()[..], &model_file()[8..]].concat();
        let expected = format!(
            "not a model: its first 8 bytes declare a header of {length} bytes, \
             but at most 100000000 are accepted"
        );
        assert_eq!(refusal(&file), expected);
    }
    let file = [&100_000_000_u64.to_le_bytes()[..], &model_file()[8..]].concat();
    assert!(refusal(&file).contains("the header declares 100000008"));
}

#[test]
fn deep_metadata_is_refused() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    refusal(&file(&format!("{{\"a\":{deep}}}"), &[]));
    refusal(&file(&format!("{{\"__metadata__\":{deep}}}"), &[]));
    let metadata = json!({ "__metadata__": { "nn": deep } }).to_string();
    refusal(&file(&metadata, &[]));
    let good = model_file();
    let training = header_text(&good).replace(
        "\\\"training\\\":null",
        &format!("\\\"training\\\":{}", &deep[60_000..140_000]),
    );
    assert!(refusal(&sealed(&training, &good)).contains("recursion limit"));
}

#[test]
fn tensors_that_do_not_match_the_layers_are_refused() {
    let message = |edit: fn(&mut Value)| refusal(&forged(edit));
    let absent = message(|header| drop(take(header, "layers.0.bias")));
    assert!(absent.contains("invalid offset"), "{absent}");
    let renamed = message(|header| {
        let tensor = take(header, "layers.0.bias");
        header["layers.0.bios"] = tensor;
    });
    assert_eq!(renamed, "tensor layers.0.bias is missing");
    let other_shape = message(|header| header["layers.0.weight"]["shape"] = json!([2, 2, 3]));
    assert!(
        other_shape.contains("expected shape [4, 3], found [2, 2, 3]"),
        "{other_shape}"
    );
    let other_type = message(|header| header["layers.0.weight"]["dtype"] = json!("I32"));
    assert_eq!(
        other_type,
        "tensor layers.0.weight: expected F32 or F64, found I32"
    );
    let extra = message(|header| {
        let end = header["layers.1.weight"]["data_offsets"][1].clone();
        header["more"] = json!({ "dtype": "F32", "shape": [0], "data_offsets": [end, end] });
    });
    assert!(
        extra.contains("the layers need 4 tensors, found 5"),
        "{extra}"
    );
}

#[test]
fn tensors_that_overlap_or_leave_gaps_are_refused() {
    let message = |edit: fn(&mut Value)| refusal(&forged(edit));
    let overlapping = message(|header| {
        header["layers.0.weight"]["data_offsets"] = json!([8, 56]);
    });
    assert!(overlapping.contains("invalid offset"), "{overlapping}");
    let same = message(|header| {
        let offsets = header["layers.0.weight"]["data_offsets"].clone();
        header["layers.1.weight"]["data_offsets"] = offsets;
    });
    assert!(
        same.starts_with("not a safetensors file") || same.contains("declares"),
        "{same}"
    );
    let beyond = message(|header| {
        header["layers.1.weight"]["data_offsets"] = json!([60, 1_u64 << 40]);
    });
    assert!(
        beyond.contains("bytes of weights, but the header declares 1099511627776"),
        "{beyond}"
    );
    let backwards = message(|header| {
        header["layers.0.bias"]["data_offsets"] = json!([12, 0]);
    });
    assert!(backwards.contains("invalid offset"), "{backwards}");
}

/// `buffer_end + 8 + n` of safetensors 0.8 is unchecked.
#[test]
fn nine_tensors_that_add_up_to_two_to_the_sixty_four_are_refused() {
    let size = u64::MAX / 9;
    let message = refusal(&forged(|header| {
        for i in 0..9 {
            let (start, end) = (i * size, (i + 1) * size);
            header[format!("t{i}")] =
                json!({ "dtype": "I8", "shape": [size], "data_offsets": [start, end] });
        }
    }));
    assert!(
        message.contains("bytes of weights, but the header declares"),
        "{message}"
    );
}

#[test]
fn a_duplicate_name_is_refused() {
    let good = model_file();
    let header = header_text(&good);
    let twice = header.replacen(
        '{',
        "{\"layers.0.bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]},",
        1,
    );
    assert_ne!(twice, header);
    let message = refusal(&file(&twice, data(&good)));
    assert!(
        message.contains("duplicate name \"layers.0.bias\""),
        "{message}"
    );
}

#[test]
fn bytes_after_the_last_tensor_are_refused() {
    let good = model_file();
    let more = [&good[..], &[0]].concat();
    let resealed = sealing::reseal(&more, &model::SEAL).expect("the sum is another");
    assert!(refusal(&resealed).contains("bytes of weights, but the header declares"));
}

#[test]
fn layers_that_do_not_fit_the_file_allocate_no_memory() {
    let huge = refusal(&forged_metadata(|metadata| {
        metadata["layers"][0]["n_outputs"] = json!(1 << 24);
        metadata["layers"][1]["n_inputs"] = json!(1 << 24);
    }));
    assert!(
        huge.starts_with("the layers have more parameters than the"),
        "{huge}"
    );
    let beyond = refusal(&forged_metadata(|metadata| {
        metadata["layers"][0]["n_inputs"] = json!(u64::MAX);
    }));
    assert!(beyond.contains("number of inputs"), "{beyond}");
    let none = refusal(&forged_metadata(|metadata| metadata["layers"] = json!([])));
    assert!(none.contains("number of inputs"), "{none}");
}

#[test]
fn the_description_in_a_file_is_checked() {
    for edit in [
        (|metadata| metadata["loss"] = json!("guess")) as fn(&mut Value),
        |metadata| metadata["loss"] = json!("hinge"),
        |metadata| metadata["layers"][0]["activation"] = json!("rellu"),
        |metadata| metadata["layers"][0]["activation"] = json!("softmax"),
        |metadata| metadata["layers"][0]["dropout"] = json!(1.5),
        |metadata| metadata["layers"][1]["n_inputs"] = json!(7),
        |metadata| metadata["class_names"] = json!(["a", "b", "c"]),
        |metadata| metadata["input"]["shape"] = json!([u64::MAX, 3]),
        |metadata| metadata["input"]["scale"] = json!(null),
        |metadata| metadata["format"] = json!(1),
        |metadata| metadata["format"] = json!(3),
        |metadata| metadata["layers"] = json!("none"),
    ] {
        refusal(&forged_metadata(edit));
    }
}

/// A finite f64 may be infinite as f32.
#[test]
fn values_too_large_for_the_precision_are_refused() {
    let config = NetworkConfig {
        n_inputs: 1,
        layers: vec![LayerConfig::new(1, Activation::Identity)],
    };
    let mut network = Network::<f64>::new(&config, 5).expect("a valid configuration");
    network.parameters_mut()[1] = 1e300;
    let model = Model {
        network,
        loss: Loss::Mse,
        description: nn_core::model_file::Description::default(),
    };
    let mut bytes = Vec::new();
    model.write(&mut bytes).expect("memory can be written");
    assert_eq!(Model::<f64>::read(&bytes[..]).expect("a good file"), model);
    assert_eq!(
        refusal(&bytes),
        "tensor layers.0.bias: element 0 is 1e300, too large for f32"
    );
}

/// The message of the error from reading a model with these bytes, of kind data.
fn refusal(bytes: &[u8]) -> String {
    let error = Model::<f32>::read(bytes).expect_err("it is a lie");
    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    error.to_string()
}

/// A valid model with a changed header and a correct checksum.
fn forged(edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let good = model_file();
    let mut header: Value = serde_json::from_str(&header_text(&good)).expect("it is JSON");
    edit(&mut header);
    sealed(&header.to_string(), &good)
}

/// A file of this header and the weights of `good`, with a correct checksum.
fn sealed(header: &str, good: &[u8]) -> Vec<u8> {
    let forged = file(header, data(good));
    sealing::reseal(&forged, &model::SEAL).unwrap_or(forged)
}

fn forged_metadata(edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    forged(|header| {
        let text = header["__metadata__"]["nn"].as_str().expect("it is there");
        let mut metadata: Value = serde_json::from_str(text).expect("it is JSON");
        edit(&mut metadata);
        header["__metadata__"]["nn"] = json!(metadata.to_string());
    })
}

fn take(header: &mut Value, name: &str) -> Value {
    let tensors = header.as_object_mut().expect("it is an object");
    tensors.remove(name).expect("it is there")
}

fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length, header.as_bytes(), data].concat()
}

fn header_text(file: &[u8]) -> String {
    let text = &file[8..file.len() - data(file).len()];
    String::from_utf8(text.to_vec()).expect("it is JSON")
}

fn data(file: &[u8]) -> &[u8] {
    let length = file.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    &file[8 + length.expect("a good file") as usize..]
}

fn model_file() -> Vec<u8> {
    let layers = vec![
        LayerConfig::new(3, Activation::Tanh),
        LayerConfig::new(2, Activation::Softmax),
    ];
    let config = NetworkConfig {
        n_inputs: 4,
        layers,
    };
    let model = Model {
        network: Network::<f32>::new(&config, 5).expect("a valid configuration"),
        loss: Loss::CrossEntropy,
        description: nn_core::model_file::Description::default(),
    };
    let mut bytes = Vec::new();
    model.write(&mut bytes).expect("memory can be written");
    bytes
}

fn checkpoint_file() -> Vec<u8> {
    let mut bytes = Vec::new();
    checkpoint::with_training(|trainer| {
        for _ in 0..8 {
            trainer.advance().expect("it converges");
        }
        let checkpoint = trainer.checkpoint(json!({ "a": 1 })).expect("it is finite");
        checkpoint.write(&mut bytes).expect("memory can be written");
    });
    bytes
}
