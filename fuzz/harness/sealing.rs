//! Setting right the checksum of a mutated file, so that what lies behind the
//! checksum is reached.

use sha2::{Digest, Sha256};

/// Where a file holds its SHA-256, and of what.
pub(crate) struct Seal {
    /// What stands before the 64 hexadecimal digits.
    pub(crate) key: &'static [u8],
    /// The sum of a file, of which the header's end and the place of the digits
    /// are known.
    pub(crate) sum_of: fn(&[u8], usize, usize) -> [u8; 32],
}

/// The sum of a whole file, its own digits being zeros.
pub(crate) fn whole_file(bytes: &[u8], _header_end: usize, place: usize) -> [u8; 32] {
    Sha256::new()
        .chain_update(&bytes[..place])
        .chain_update([b'0'; 64])
        .chain_update(&bytes[place + 64..])
        .finalize()
        .into()
}

/// The file with the right header length and checksum, if it is another file.
pub(crate) fn reseal(bytes: &[u8], seal: &Seal) -> Option<Vec<u8>> {
    let header_end = header_end(bytes)?;
    let mut sealed = bytes.to_vec();
    let length = (header_end - 8) as u64;
    sealed[..8].copy_from_slice(&length.to_le_bytes());
    let place = find(&sealed[..header_end], seal.key)? + seal.key.len();
    let digits = place..place + 64;
    sealed.get(digits.clone())?;
    let sum = (seal.sum_of)(&sealed, header_end, place);
    for (to, byte) in sealed[digits].chunks_exact_mut(2).zip(sum) {
        to.copy_from_slice(&[hexadecimal(byte >> 4), hexadecimal(byte & 15)]);
    }
    (sealed != bytes).then_some(sealed)
}

/// Where the JSON object ends that begins at byte 8: after the `}` that closes
/// it and the spaces behind that.
fn header_end(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut in_text, mut is_escaped) = (0_i32, false, false);
    let mut end = None;
    for (place, byte) in bytes.iter().enumerate().skip(8) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'{' if !in_text => depth += 1,
            b'}' if !in_text && depth == 1 => {
                end = Some(place + 1);
                break;
            }
            b'}' if !in_text => depth -= 1,
            _ => {}
        }
    }
    let end = end?;
    Some(
        end + bytes[end..]
            .iter()
            .take_while(|&&byte| byte == b' ')
            .count(),
    )
}

fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text)
}

fn hexadecimal(digit: u8) -> u8 {
    b"0123456789abcdef"[usize::from(digit)]
}
