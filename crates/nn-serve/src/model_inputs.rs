//! The inputs of a network, read from a model or only from the header of a model file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use nn_core::Model;
use nn_image::digit::SIDE;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Largest header that is read, in bytes.
const MAX_HEADER: u64 = 4 << 20;

/// The inputs of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ModelInputs {
    n_inputs: usize,
    /// Whether the inputs are encoded columns of a table.
    is_table: bool,
}

/// The header of a model file, as nn-core writes it: metadata as a JSON text.
#[derive(Deserialize)]
struct Header {
    #[serde(rename = "__metadata__")]
    metadata: HeaderMetadata,
}

#[derive(Deserialize)]
struct HeaderMetadata {
    nn: String,
}

#[derive(Deserialize)]
struct Metadata {
    layers: Vec<Layer>,
    input: Input,
}

#[derive(Deserialize)]
struct Layer {
    n_inputs: usize,
}

#[derive(Deserialize)]
struct Input {
    preprocessing: Option<IgnoredAny>,
}

impl ModelInputs {
    /// The inputs of a model.
    pub(crate) fn of(model: &Model) -> Self {
        Self {
            n_inputs: model.network.n_inputs(),
            is_table: model.description.input.preprocessing.is_some(),
        }
    }

    /// The inputs of the model in a file; `None` if its header cannot be read.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let mut file = File::open(path).ok()?;
        let mut length = [0; 8];
        file.read_exact(&mut length).ok()?;
        let length = u64::from_le_bytes(length);
        if length > MAX_HEADER {
            return None;
        }
        let mut header = Vec::new();
        file.take(length).read_to_end(&mut header).ok()?;
        let header: Header = serde_json::from_slice(&header).ok()?;
        let metadata: Metadata = serde_json::from_str(&header.metadata.nn).ok()?;
        Some(Self {
            n_inputs: metadata.layers.first()?.n_inputs,
            is_table: metadata.input.preprocessing.is_some(),
        })
    }

    /// Number of inputs.
    pub(crate) fn count(self) -> usize {
        self.n_inputs
    }

    /// Whether the inputs are the pixels of a drawing.
    pub(crate) fn are_drawings(self) -> bool {
        self.n_inputs == SIDE * SIDE && !self.is_table
    }
}

#[cfg(test)]
mod tests {
    use nn_core::{Activation, LayerConfig, Loss, Network, NetworkConfig};

    use super::*;

    fn model(n_inputs: usize) -> Model {
        let config = NetworkConfig {
            n_inputs,
            layers: vec![LayerConfig::new(2, Activation::Softmax)],
        };
        Model {
            network: Network::zeros(&config).expect("it is small"),
            loss: Loss::CrossEntropy,
            description: nn_core::model_file::Description::default(),
        }
    }

    #[test]
    fn a_header_says_the_same_as_the_model() {
        let path = std::env::temp_dir().join(format!("nn-inputs-{}", std::process::id()));
        for (n_inputs, expected) in [(SIDE * SIDE, true), (3, false)] {
            let model = model(n_inputs);
            std::fs::write(&path, model.to_bytes().expect("it can be written")).expect("a file");
            let read = ModelInputs::read(&path);
            assert_eq!(read, Some(ModelInputs::of(&model)));
            assert_eq!(read.map(ModelInputs::are_drawings), Some(expected));
        }
        for bytes in [&b""[..], b"12345678", &[255; 64]] {
            std::fs::write(&path, bytes).expect("a file");
            assert_eq!(ModelInputs::read(&path), None);
        }
        let _ = std::fs::remove_file(&path);
    }

    #[test]
    fn a_table_of_784_columns_is_no_drawing() {
        let inputs = ModelInputs {
            n_inputs: SIDE * SIDE,
            is_table: true,
        };
        assert!(!inputs.are_drawings());
    }
}
