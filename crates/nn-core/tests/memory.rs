//! Reading a malicious model file or checkpoint allocates at most three times its length
//! plus 64 MiB.
//!
//! This binary has only one test, because it measures the memory of the process.
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
fn malicious_files_allocate_little_memory() {
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
    let tensors: String = (0..400_000)
        .map(|i| format!("\"{i}\":{{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}},"))
        .collect();
    let good = model_file(3, 2);
    let many = header_of(&good).replacen("\"layers.0", &format!("{tensors}\"layers.0"), 1);
    expect("20 MB of tensors", false, &sealed(&many, &good), read);
    let lists = format!("[{}0]", "[],".repeat(8 * MIB));
    let maps = format!("[{}0]", "{\\\"a\\\":0},".repeat(2 * MIB));
    for place in [
        "training",
        "class_names",
        "preprocessing",
        "shape",
        "table_sha256",
    ] {
        for values in [&lists, &maps] {
            let header = header_of(&good);
            let start = header
                .find(&format!("{place}\\\":"))
                .map(|it| it + place.len() + 3);
            let Some(start) = start else {
                // It is left out where there is none.
                continue;
            };
            let rest = &header[start..];
            let end = rest.find(&[',', '}'][..]).expect("it is not the last");
            let deceiving = [&header[..start], values, &rest[end..]].concat();
            let is_text = place == "preprocessing";
            expect(place, is_text, &sealed(&deceiving, &good), read);
        }
    }
}

/// A small file whose metadata declares a hundred million weights, with a correct
/// checksum.
fn wide_layers() -> Vec<u8> {
    let small = model_file(3, 2);
    let header = header_of(&small);
    let wide = header.replace("\\\"n_outputs\\\":3", "\\\"n_outputs\\\":16777216");
    let wide = wide.replace("\\\"n_inputs\\\":3", "\\\"n_inputs\\\":16777216");
    assert_ne!(wide, header);
    sealed(&wide, &small)
}

fn header_of(file: &[u8]) -> String {
    let length = file.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    let end = 8 + length.expect("a good file") as usize;
    String::from_utf8_lossy(&file[8..end]).into_owned()
}

/// A file of this header and the weights of `good`, with a correct checksum.
fn sealed(header: &str, good: &[u8]) -> Vec<u8> {
    let data = &good[8 + header_of(good).len()..];
    let file = [&[0; 8], header.as_bytes(), data].concat();
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
        network: Network::<f32>::new(&config, 5).expect("a valid configuration"),
        loss: Loss::CrossEntropy,
        description: nn_core::model_file::Description::default(),
    };
    let mut bytes = Vec::new();
    model.write(&mut bytes).expect("memory can be written");
    bytes
}
