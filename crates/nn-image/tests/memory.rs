//! Malicious files use at most three times their size plus 64 MiB of memory.
//!
//! This is a separate binary with one test, since memory is measured per process.
#![cfg(target_os = "linux")]

use std::io::{Cursor, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use nn_image::decode_image;
use nn_image::digit::normalize;
use peak_memory::expect;

#[path = "../../../fuzz/harness/peak_memory.rs"]
mod peak_memory;

#[test]
fn hostile_images_do_not_get_much_memory() {
    let read_digit = |bytes: &[u8]| {
        let image = decode_image(Path::new("x.png"), Cursor::new(bytes));
        image.is_ok_and(|image| normalize(image.view()).is_ok())
    };
    // The pages of the program itself are counted only once.
    let mut pixels = vec![0; 41 * 40];
    pixels[20 * 41 + 5..20 * 41 + 35].fill(255);
    expect("a small PNG", true, &png(40, 40, &pixels), read_digit);
    expect(
        "a PNG of 60 000 x 60 000",
        false,
        &png(60_000, 60_000, &[]),
        read_digit,
    );
    expect(
        "a PNG without its pixels",
        false,
        &png(7_800, 7_800, &[]),
        read_digit,
    );
    let mut pixels = vec![0; 7_801 * 7_800];
    let line = 3_900 * 7_801;
    pixels[line + 100..line + 5_000].fill(255);
    expect(
        "a PNG of 58 MiB of pixels",
        true,
        &png(7_800, 7_800, &pixels),
        read_digit,
    );
}

/// A gray PNG; `lines` holds a filter byte before each line of pixels.
fn png(width: u32, height: u32, lines: &[u8]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    chunk(&mut file, b"IHDR", &[&size[..], &[8, 0, 0, 0, 0]].concat());
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(lines).expect("memory can be written");
    chunk(
        &mut file,
        b"IDAT",
        &encoder.finish().expect("memory can be written"),
    );
    chunk(&mut file, b"IEND", &[]);
    file
}

fn chunk(file: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    file.extend(u32::try_from(data.len()).expect("small").to_be_bytes());
    let start = file.len();
    file.extend(name);
    file.extend(data);
    let mut sum = flate2::Crc::new();
    sum.update(&file[start..]);
    file.extend(sum.sum().to_be_bytes());
}
