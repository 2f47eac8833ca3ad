//! todo
#![forbid(unsafe_code)]

mod error;
mod op;
mod graph;
mod network;
pub mod values;
mod outcome;
mod exported_model;
mod proto;
mod onnx;
mod int8;
mod buffers;
mod program;
mod source_code;

pub use error::{Error, Result};
pub use exported_model::{ExportedModel, TOLERANCE};
pub use onnx::InputForm;
pub use outcome::{ClassRule, Outcome};
pub use source_code::Sizes;
pub use values::{Meaning, Value};
