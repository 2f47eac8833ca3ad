//! Recognizes the format of a file by its first bytes.

use nn_columnar::FileFormat;

use crate::error::{Error, Result};
use crate::format::Format;

/// First bytes of other formats, with their names and how to convert them.
const OTHERS: [(&[u8], &str, &str); 5] = [
    (
        b"\x89HDF",
        "an HDF5 file, such as weights of Keras",
        "save an ONNX file: model.export(\"model.onnx\", format=\"onnx\"), or an archive: \
         numpy.savez(\"model.npz\", **{v.path: v.numpy() for v in model.weights})",
    ),
    (
        b"\x93NUMPY",
        "a single NumPy array (.npy)",
        "save all weights in one archive: numpy.savez(\"model.npz\", ...)",
    ),
    (b"\x80\x02", PICKLE, SKLEARN),
    (b"\x80\x04", PICKLE, SKLEARN),
    (b"\x80\x05", PICKLE, SKLEARN),
];

const PICKLE: &str = "a Python pickle";
const SKLEARN: &str = "reading a pickle would run the code in it; save an ONNX file with skl2onnx, \
     or an archive of the weights (numpy.savez)";

impl Format {
    /// Recognizes the format of a file.
    ///
    /// # Errors
    /// Returns [`Error::UnknownFormat`] for any other format, with a way to convert it.
    pub fn of(bytes: &[u8]) -> Result<Self> {
        /// The key of `ModelProto.ir_version`, the first field of an ONNX file.
        const IR_VERSION: u8 = 0x08;
        if FileFormat::of(bytes) == Some(FileFormat::Npz) {
            return Ok(Self::Npz);
        }
        if bytes.get(8) == Some(&b'{') && bytes[4..8] == [0; 4] {
            return Ok(Self::Safetensors);
        }
        if bytes.first() == Some(&IR_VERSION) {
            return Ok(Self::Onnx);
        }
        let (found, help) = other(bytes);
        Err(Error::UnknownFormat { found, help })
    }
}

/// The name of another format, and how to convert it.
fn other(bytes: &[u8]) -> (&'static str, &'static str) {
    if bytes.starts_with(b"PK") {
        let first = &bytes[..bytes.len().min(1 << 16)];
        let contains = |name: &[u8]| first.windows(name.len()).any(|window| window == name);
        if contains(b"data.pkl") {
            return (
                "a pickle of PyTorch",
                "reading a pickle would run the code in it; save the weights with \
                 safetensors.torch.save_file(model.state_dict(), \"model.safetensors\"), or export \
                 the model with torch.onnx.export",
            );
        }
        if contains(b"config.json") || contains(b"metadata.json") {
            return (
                "a model of Keras (.keras)",
                "save an ONNX file: model.export(\"model.onnx\", format=\"onnx\")",
            );
        }
        return ("a zip archive without NumPy arrays", DEFAULT_HELP);
    }
    let known = OTHERS.iter().find(|(start, ..)| bytes.starts_with(start));
    match known {
        Some((_, found, help)) => (found, help),
        None if bytes.is_empty() => ("an empty file", DEFAULT_HELP),
        None => ("another format", DEFAULT_HELP),
    }
}

const DEFAULT_HELP: &str = "the format is recognized by the content of the file, not by its name";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_recognized_by_their_first_bytes() {
        assert_eq!(Format::of(b"\x08\x0a").unwrap(), Format::Onnx);
        let safetensors = b"\x02\0\0\0\0\0\0\0{}";
        assert_eq!(Format::of(safetensors).unwrap(), Format::Safetensors);
        for (bytes, expected) in [
            (&b"\x80\x04\x95"[..], "a Python pickle"),
            (b"PK\x03\x04....model/data.pkl", "a pickle of PyTorch"),
            (b"\x89HDF\r\n", "an HDF5 file"),
            (b"", "an empty file"),
            (b"text", "another format"),
        ] {
            let error = Format::of(bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
