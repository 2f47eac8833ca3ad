//! One image to ask about: a digit 1 as a PNG file, stored without compression.

/// A PNG of 28x28 grey pixels with an upright bar, stored without compression.
pub(super) fn bar() -> Vec<u8> {
    const SIDE: usize = 28;
    let mut rows = Vec::new();
    for row in 0..SIDE {
        rows.push(0); // no filter
        rows.extend((0..SIDE).map(|column| {
            let is_ink = (13..15).contains(&column) && (5..23).contains(&row);
            if is_ink { 255 } else { 0 }
        }));
    }
    let header = [0, 0, 0, SIDE as u8, 0, 0, 0, SIDE as u8, 8, 0, 0, 0, 0];
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    png.extend(chunk(b"IHDR", &header));
    png.extend(chunk(b"IDAT", &stored(&rows)));
    png.extend(chunk(b"IEND", &[]));
    png
}

/// zlib (RFC 1950) with one stored block of deflate (RFC 1951).
fn stored(data: &[u8]) -> Vec<u8> {
    let length = data.len() as u16;
    let mut bytes = vec![0x78, 0x01, 0x01];
    bytes.extend(length.to_le_bytes());
    bytes.extend((!length).to_le_bytes());
    bytes.extend(data);
    let (a, b) = data.iter().fold((1_u32, 0_u32), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    bytes.extend((b << 16 | a).to_be_bytes());
    bytes
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let named = [&kind[..], data].concat();
    let mut bytes = (data.len() as u32).to_be_bytes().to_vec();
    bytes.extend(&named);
    bytes.extend(crc(&named).to_be_bytes());
    bytes
}

/// CRC-32 as in PNG's specification, annex D.
fn crc(data: &[u8]) -> u32 {
    let step = |crc: u32, &byte: &u8| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    };
    !data.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_has_valid_checksums() {
        // The end of every PNG, and the CRC that everybody knows.
        assert!(bar().ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82"));
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
        // Adler-32 of "abc".
        assert!(stored(b"abc").ends_with(&0x024d_0127_u32.to_be_bytes()));
    }
}
