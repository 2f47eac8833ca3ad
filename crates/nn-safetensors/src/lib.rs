//! Reading, validation and writing of
//! [safetensors](https://github.com/huggingface/safetensors) files that hold
//! tensors and one JSON object.
//!
//! A file consists of the length of its header, the header, and the values of the tensors,
//! little-endian. The header begins with the metadata and lists the tensors sorted by name. The
//! metadata has a single entry, a JSON object as text, because other implementations write several
//! entries in random order. The field `sha256` of this object is the SHA-256 of the whole file,
//! computed with the 64 digits of the field set to zero, so any flipped bit is detected.
//!
//! Sizes are compared with the length of the file before anything is allocated, and every value
//! must be finite unless the caller accepts other values.
//!
//! # Main types
//! - [`Encoded`] writes [`Tensor`]s.
//! - [`TensorFile`] is a validated file; [`copy_values`] reads its values.
//!
//! ```
//! use nn_safetensors::{Accept, Encoded, Kind, NO_CHECKSUM, Tensor, TensorFile, copy_values};
//!
//! let kind = Kind { key: "nn", format: 1, first_checksummed: 1 };
//! let weights = Tensor { name: "weight".to_owned(), shape: vec![2], values: &[0.5_f32, 2.0] };
//! let metadata = format!(r#"{{"format":1,"sha256":"{NO_CHECKSUM}"}}"#);
//! let bytes = Encoded::new(vec![weights], kind, &metadata)?.to_bytes()?;
//!
//! let file = TensorFile::parse(&bytes, kind)?;
//! let mut values = [0.0_f32; 2];
//! copy_values("weight", file.tensor("weight", &[2])?, &mut values, Accept::Finite)?;
//! assert_eq!(values, [0.5, 2.0]);
//! # Ok::<(), nn_error::Error>(())
//! ```
#![forbid(unsafe_code)]

mod checksum;
mod json;
mod kind;
mod encode;
mod file;

pub use checksum::{NO_CHECKSUM, hexadecimal};
pub use encode::{Encoded, Tensor, header, values_sha256};
pub use file::{Accept, StoredTensor, TensorFile, copy_values, read_all};
pub use json::{bounded, check_n_values};
pub use kind::Kind;
