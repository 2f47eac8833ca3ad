//! What must hold for any bytes taken for an IDX file.

use nn_data::idx::{Idx, Magic};

/// Reads `bytes` twice, as a file of known length and as a stream that just
/// ends, which must come to the same; an array that is read can be written
/// again, to the same bytes.
pub(crate) fn check(bytes: &[u8]) {
    let known = Idx::from_bytes(bytes);
    let stream = Idx::read(bytes);
    assert_eq!(
        known.is_ok(),
        stream.is_ok(),
        "known {known:?}, stream {stream:?}"
    );
    let Ok(idx) = known else {
        return;
    };
    let mut written = Vec::new();
    idx.write(&mut written)
        .expect("what was read can be written");
    assert_eq!(written, bytes);
    let magic = bytes
        .first_chunk()
        .and_then(|start| Magic::from_bytes(*start));
    assert_eq!(
        magic.map(|magic| magic.element),
        Some(idx.data.element_type())
    );
}
