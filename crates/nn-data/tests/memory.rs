//! Malicious files use at most three times their size plus 64 MiB of memory.
//!
//! This is a separate binary with one test, since memory is measured per process.
#![cfg(target_os = "linux")]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use nn_data::idx;
use peak_memory::expect;

#[path = "../../../fuzz/harness/peak_memory.rs"]
mod peak_memory;

const MIB: usize = 1 << 20;

#[test]
fn hostile_files_do_not_get_much_memory() {
    let read_idx = |bytes: &[u8]| idx::read_content(bytes, None).is_ok();
    expect(
        "an array of 2^96 numbers",
        false,
        &idx_header(&[u32::MAX; 3]),
        read_idx,
    );
    expect(
        "an array of 2 GiB",
        false,
        &idx_header(&[1 << 31]),
        read_idx,
    );
    let bomb =
        |promised: u32, n: usize| gzip(&[&idx_header(&[promised]), &vec![0; n][..]].concat());
    expect(
        "gzip data of zeros",
        false,
        &bomb(100 << 20, 100 * MIB),
        read_idx,
    );
    expect(
        "gzip data that go on",
        false,
        &bomb(100, 100 * MIB),
        read_idx,
    );
    expect(
        "gzip data that promise much",
        false,
        &bomb(1 << 31, 1),
        read_idx,
    );
}

fn idx_header(dims: &[u32]) -> Vec<u8> {
    let rank = u8::try_from(dims.len()).expect("few dimensions");
    let dims = dims.iter().flat_map(|dim| dim.to_be_bytes());
    [0, 0, 8, rank].into_iter().chain(dims).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}
