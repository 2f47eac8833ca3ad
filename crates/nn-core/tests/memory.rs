//! Hostile model files and checkpoints do not get more memory than three times
//! their length and 64 MiB, whether they are refused or not.
//!
//! A binary of its own, with one test, since the memory is that of the process.
#![cfg(target_os = "linux")]

use nn_core::{Activation, Checkpoint, LayerConfig, Loss, Model, Network, NetworkConfig};
use peak_memory::expect;
use serde_json::json;

#[path = "../../../fuzz/harness/model.rs"]
mod model;
#[path = "../../../fuzz/harness/peak_memory.rs"]
mod peak_memory;
#[path = "../../../fuzz/harness/sealing.rs"]
mod sealing;

const MIB: usize = 1 << 20;

#[test]
fn hostile_files_do_not_get_much_memory() {
    let read = |bytes: &[u8]| {
        assert!(Checkpoint::<f32>::read(bytes).is_err());
        Model::<f32>::read(bytes).is_ok()
    };
    let with_header = |header: &[u8]| [&(header.len() as u64).to_le_bytes(), header].concat();
    expect("a header of 2^64 bytes", false, &[0xff; 64], read);
    expect(
        "a header of 100 MB",
        false,
        &with_header(&[b' '; 100_000_000]),
        read,
    );
    let lists = format!("{{\"a\":[{}0]}}", "[],".repeat(MIB / 3 - 8));
    expect(
        "a header of small lists",
        false,
        &with_header(lists.as_bytes()),
        read,
    );
    let names: String = (0..60_000).map(|i| format!("\"{i}\":{{}},")).collect();
    let names = format!("{{{names}\"a\":0}}");
    expect(
        "a header of many names",
        false,
        &with_header(names.as_bytes()),
        read,
    );
    let metadata = json!({ "__metadata__": { "nn": lists, "nn_checkpoint": lists } }).to_string();
    expect(
        "metadata of small lists",
        false,
        &with_header(metadata.as_bytes()),
        read,
    );
    model::check(&wide_layers());
    expect(
        "layers of a hundred million weights",
        false,
        &wide_layers(),
        read,
    );
    expect("30 MiB of weights", true, &model_file(2048, 3840), read);
}

/// A small file whose metadata promise a hundred million weights, with the
/// right checksum.
fn wide_layers() -> Vec<u8> {
    let small = model_file(3, 2);
    let text = String::from_utf8_lossy(&small[8..]).into_owned();
    let header = text.split_inclusive("}}").next().expect("a good file");
    let wide = header.replace("\\\"n_outputs\\\":3", "\\\"n_outputs\\\":16777216");
    let wide = wide.replace("\\\"n_inputs\\\":3", "\\\"n_inputs\\\":16777216");
    assert_ne!(wide, header);
    let data = &small[8 + header.len()..];
    let file = [&[0; 8], wide.as_bytes(), data].concat();
    sealing::reseal(&file, &model::SEAL).expect("its length was wrong")
}

fn model_file(n_hidden: usize, n_outputs: usize) -> Vec<u8> {
    let layers = vec![
        LayerConfig::new(n_hidden, Activation::Tanh),
        LayerConfig::new(n_outputs, Activation::Softmax),
    ];
    let config = NetworkConfig {
        n_inputs: 4,
        layers,
    };
    let model = Model {
        network: Network::<f32>::new(&config, 5).expect("it is possible"),
        loss: Loss::CrossEntropy,
        description: nn_core::model_file::Description::default(),
    };
    let mut bytes = Vec::new();
    model.write(&mut bytes).expect("memory can be written");
    bytes
}
