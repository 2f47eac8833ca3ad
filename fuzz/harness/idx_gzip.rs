//! What must hold for any bytes taken for an IDX file that may be compressed.

use flate2::Crc;
use nn_data::idx::{self, Idx, IdxData};

/// Reads `bytes` as they are and, since few bytes are valid gzip data, after
/// they were compressed: then they must come to what they come to when they are
/// not.
pub(crate) fn check(bytes: &[u8]) {
    let _ = idx::read_content(bytes, None);
    let compressed = idx::read_content(&gzip(bytes), None);
    match (Idx::from_bytes(bytes), compressed) {
        (Ok(plain), Ok(compressed)) => {
            assert_eq!(plain.dims, compressed.dims);
            assert!(same_bits(&plain.data, &compressed.data));
        }
        (Err(_), Err(_)) => {}
        (plain, compressed) => panic!("plain {plain:?}, compressed {compressed:?}"),
    }
}

/// NaN is the same as NaN.
fn same_bits(a: &IdxData, b: &IdxData) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

/// Gzip data (RFC 1952) of blocks that are stored (RFC 1951, section 3.2.4):
/// a compressor takes ten times as long to begin.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    for block in bytes.chunks(usize::from(u16::MAX)) {
        let length = block.len() as u16;
        file.push(0);
        file.extend(length.to_le_bytes());
        file.extend((!length).to_le_bytes());
        file.extend(block);
    }
    file.extend([1, 0, 0, 0xff, 0xff]);
    let mut sum = Crc::new();
    sum.update(bytes);
    file.extend(sum.sum().to_le_bytes());
    file.extend(sum.amount().to_le_bytes());
    file
}
