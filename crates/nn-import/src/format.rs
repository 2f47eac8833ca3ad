//! The formats of the files.

use std::fmt;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// ONNX model.
    Onnx,
    /// Tensors in the safetensors format.
    Safetensors,
    /// Archive of NumPy arrays.
    Npz,
}

/// Writes the name of the format with its article, such as `an ONNX file`.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Onnx => "an ONNX file",
            Self::Safetensors => "a safetensors file",
            Self::Npz => "a NumPy archive (.npz)",
        })
    }
}
