//! Inputs of one file format.

/// The bytes with the magic number of a format at `offset`. Without it, most of the changed
/// inputs would be read as another format.
pub(crate) fn with_magic(bytes: &[u8], offset: usize, magic: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(start) = bytes.get_mut(offset..offset + magic.len()) {
        start.copy_from_slice(magic);
    }
    bytes
}
