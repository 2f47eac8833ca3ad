//! SHA-256 checksums (FIPS 180-4) of files.

use std::io::{self, BufRead, BufReader, Read};

use sha2::{Digest, Sha256};

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
    let mut reader = BufReader::with_capacity(1 << 16, reader);
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
}
