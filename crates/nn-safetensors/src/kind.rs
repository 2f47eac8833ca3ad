//! The kinds of files: models and checkpoints.

use nn_tensor::Scalar;

/// Maximum length of a header: the limit of the `safetensors` package, so that
/// Python can read every file.
pub(crate) const MAX_HEADER: u64 = 100_000_000;

/// A kind of file: its metadata key and its format version.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The key of the JSON object in the metadata: `nn` or `nn_checkpoint`.
    pub key: &'static str,
    /// The format version that is written; all versions from 1 to this one can be read.
    pub format: u32,
    /// The first format version with a checksum of the whole file.
    pub first_checksummed: u32,
}

/// The name of a scalar type in a header.
pub(crate) fn dtype_of<S: Scalar>() -> &'static str {
    if S::BYTES == 4 { "F32" } else { "F64" }
}
