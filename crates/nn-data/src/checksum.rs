//! SHA-256 checksums (FIPS 180-4) of files.

use std::io::{self, BufRead, BufReader, Read};

use sha2::{Digest, Sha256};

/// Number of bytes that are hashed at once.
const BLOCK: usize = 1 << 16;

/// Computes the SHA-256 of all bytes of `reader`, in lower-case hexadecimal.
///
/// # Errors
/// Returns an error if reading fails.
///
/// ```
/// let empty = nn_data::checksum::sha256(&b""[..])?;
/// assert!(empty.starts_with("e3b0c44298fc1c14"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn sha256(reader: impl Read) -> io::Result<String> {
    let mut reader = BufReader::with_capacity(BLOCK, reader);
    let mut hasher = Sha256::new();
    loop {
        let bytes = match reader.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if bytes.is_empty() {
            return Ok(hexadecimal(&hasher.finalize()));
        }
        hasher.update(bytes);
        let n = bytes.len();
        reader.consume(n);
    }
}

/// Computes a SHA-256 from bytes that come one by one, without a copy of all of them.
#[derive(Default)]
pub(crate) struct Checksum {
    hasher: Sha256,
    block: Vec<u8>,
}

impl Checksum {
    pub(crate) fn add(&mut self, bytes: impl IntoIterator<Item = u8>) {
        let mut bytes = bytes.into_iter();
        loop {
            self.block.clear();
            self.block.extend(bytes.by_ref().take(BLOCK));
            if self.block.is_empty() {
                return;
            }
            self.hasher.update(&self.block);
        }
    }

    /// The checksum in lower-case hexadecimal.
    pub(crate) fn finish(self) -> String {
        hexadecimal(&self.hasher.finalize())
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The three examples of FIPS 180-4's test vectors (NIST, SHA256.pdf).
    #[test]
    fn matches_the_published_examples() {
        let cases = [
            (
                "abc".to_owned(),
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".to_owned(),
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            ),
            (
                "a".repeat(1_000_000),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
            ),
        ];
        for (message, expected) in cases {
            let found = sha256(message.as_bytes()).expect("memory can be read");
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn bytes_in_parts_have_the_checksum_of_all_bytes() {
        let bytes: Vec<u8> = (0..3 * BLOCK + 5).map(|i| (i % 251) as u8).collect();
        let expected = sha256(&bytes[..]).expect("memory can be read");
        for middle in [0, 7, BLOCK, 2 * BLOCK + 1] {
            let mut checksum = Checksum::default();
            checksum.add(bytes[..middle].iter().copied());
            checksum.add(bytes[middle..].iter().copied());
            assert_eq!(checksum.finish(), expected, "{middle}");
        }
    }
}
