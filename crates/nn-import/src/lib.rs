//! Multilayer perceptrons that other programs trained, as models of nn-core.
//!
//! [`import_file`] reads an ONNX file, a safetensors file or a NumPy archive; the format is
//! recognized by the content of the file. What a file does not say, such as the activation
//! functions in a file of weights or the names of the classes, is part of the [`ImportOptions`].
//! Everything that is assumed is in [`Imported::notes`].
//!
//! ```
//! use nn_import::{ImportOptions, import};
//!
//! // safetensors.numpy.save({"0.weight": [[1, 2]], "0.bias": [0.5]}): PyTorch's Linear(2, 1)
//! let header = r#"{"0.bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
//!     "0.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[4,12]}}"#;
//! let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
//! bytes.extend(header.as_bytes());
//! bytes.extend([0.5_f32, 1.0, 2.0].iter().flat_map(|value| value.to_le_bytes()));
//!
//! let imported = import(&bytes, &ImportOptions::default())?;
//! assert_eq!(imported.model.predict_row(&[10.0, 100.0])?, [210.5]);
//! assert!(imported.notes[0].starts_with("the only output is taken as a predicted number"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What can be imported
//! | format | content |
//! |---|---|
//! | ONNX | dense layers (Gemm, or MatMul and Add) with the activation functions of nn-core, batch and layer normalization, residual connections around one layer; Sub, Mul, Div and Scaler before the first layer; files of `torch.onnx.export`, of Keras and of skl2onnx. Embeddings, ensembles and members that share layers, as nn-export writes them. Conversions of the scores to labels are ignored |
//! | safetensors, `.npz` | weights and biases of dense layers with the names of PyTorch, Keras, scikit-learn or NumPy programs, with batch and layer normalization |
//!
//! Everything else is an [`Error`] that names the node or the tensor.
//!
//! # Damaged files
//! A damaged file gives an [`Error`] and never a panic. Sizes that a file states are compared with
//! the length of the file before memory is allocated.
#![forbid(unsafe_code)]

mod format;
mod error;
mod signature;
mod element;
mod tensor;
mod options;
mod step;
mod assembly;
mod chain;
mod networks;
mod foreign;
mod onnx;
mod safetensors;
mod npz;
mod weights;
mod model;

use std::path::Path;

use nn_core::Model;

pub use error::{Error, Result};
pub use format::Format;
pub use options::ImportOptions;

use foreign::{Foreign, Own};
use networks::Networks;
use tensor::Tensor;

/// An imported model.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The model.
    pub model: Model,
    /// The format of the file.
    pub format: Format,
    /// The program that wrote the file, if the file names it.
    pub producer: Option<String>,
    /// Everything that was assumed or converted, as sentences without a full stop.
    pub notes: Vec<String>,
}

/// Imports the model in a file. An ONNX file may refer to external data in the same folder.
///
/// # Errors
/// Returns [`Error::File`] if a file cannot be read, and the errors of [`import`].
pub fn import_file(path: impl AsRef<Path>, options: &ImportOptions) -> Result<Imported> {
    let path = path.as_ref();
    let bytes = nn_files::regular_file::read(path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let read_external = |name: &str| {
        let is_plain = Path::new(name).file_name().is_some_and(|it| it == name);
        if !is_plain {
            return Err(Error::unsupported(
                format!("external data {}", error::shown(name)),
                "expected the name of a file in the same folder",
            ));
        }
        Ok(nn_files::regular_file::read(&folder.join(name))?)
    };
    import_with(&bytes, options, &read_external)
}

/// Imports the model in the content of a file.
///
/// # Errors
/// Returns [`Error::UnknownFormat`], [`Error::Damaged`] or [`Error::OwnModel`] if the file does not
/// contain a model of another program; [`Error::Unsupported`], [`Error::NotFinite`] or
/// [`Error::Chain`] if nn-core cannot express the model; [`Error::BadOption`] if the options do not
/// match the model.
pub fn import(bytes: &[u8], options: &ImportOptions) -> Result<Imported> {
    import_with(bytes, options, &|name| {
        Err(Error::unsupported(
            format!("external data {}", error::shown(name)),
            "expected a file with all tensors, found only its content",
        ))
    })
}

fn import_with(
    bytes: &[u8],
    options: &ImportOptions,
    read_external: &dyn Fn(&str) -> Result<Vec<u8>>,
) -> Result<Imported> {
    let mut foreign = match Format::of(bytes)? {
        Format::Onnx => {
            check_activations(options)?;
            onnx::read(bytes, read_external)?
        }
        Format::Safetensors => of_weights(
            Format::Safetensors,
            only_reals(safetensors::read(bytes)?)?,
            None,
            options,
        )?,
        Format::Npz => {
            let arrays = npz::read(bytes)?;
            let mut foreign = of_weights(Format::Npz, arrays.tensors, arrays.class_names, options)?;
            if !arrays.others.is_empty() {
                let others = arrays.others.join(", ");
                foreign.notes.push(format!(
                    "arrays without real numbers were skipped: {others}"
                ));
            }
            foreign
        }
    };
    let model = model::build(&mut foreign, options)?;
    Ok(Imported {
        model,
        format: foreign.format,
        producer: foreign.producer,
        notes: foreign.notes,
    })
}

/// An ONNX file states its activation functions.
fn check_activations(options: &ImportOptions) -> Result<()> {
    match options.activations.is_empty() {
        true => Ok(()),
        false => Err(Error::option(
            "activation",
            "an ONNX file states the activation functions; leave this option out",
        )),
    }
}

/// Leaves out counters, and rejects weights that are whole numbers.
fn only_reals(tensors: Vec<Tensor>) -> Result<Vec<Tensor>> {
    let is_real = |tensor: &Tensor| {
        tensor.element == element::Element::F32 || tensor.element.converted().is_some()
    };
    let is_counter = |tensor: &Tensor| tensor.name.ends_with("num_batches_tracked");
    let mut kept = tensors;
    kept.retain(|tensor| !is_counter(tensor));
    match kept.iter().find(|tensor| !is_real(tensor)) {
        None => Ok(kept),
        Some(tensor) => Err(Error::unsupported(
            tensor.place(),
            "has whole numbers, such as quantized weights; expected real numbers",
        )),
    }
}

fn of_weights(
    format: Format,
    tensors: Vec<Tensor>,
    names: Option<Vec<String>>,
    options: &ImportOptions,
) -> Result<Foreign> {
    let (steps, notes) = weights::steps(tensors, options)?;
    Ok(Foreign {
        format,
        producer: None,
        networks: Networks::single(steps, None)?,
        states_activation: false,
        meaning: None,
        names,
        image_shape: None,
        own: Own::default(),
        notes,
    })
}
