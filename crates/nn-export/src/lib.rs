//! Trained models in other forms: ONNX files, C99 and `no_std` Rust source code.
//!
//! An [`ExportedModel`] is created from a model of nn-core. The preprocessing is part of it: its
//! inputs are the [`values`] of the data set, pixels from 0 to 255 or the cells of a table, and
//! its outputs are probabilities, or predicted numbers in the units of the data. It is a graph of
//! few operators, which the crate can also compute itself: [`ExportedModel::check`] compares its
//! outputs with the outputs of the network.
//!
//! ```
//! use nn_core::Mlp;
//! use nn_core::ndarray::array;
//! use nn_export::{ExportedModel, InputForm};
//!
//! let x = array![[1.0, 20.0], [2.0, 10.0], [3.0, 40.0], [4.0, 30.0]];
//! let fitted = Mlp::classifier().hidden([8]).epochs(3).fit(&x, &[0, 0, 1, 1])?;
//!
//! let exported = ExportedModel::new(fitted.model())?;
//! let rows = exported.random_values(100, 0);
//! assert!(exported.check(&rows)? < 1e-5);
//! let onnx: Vec<u8> = exported.to_onnx(InputForm::Values)?;
//! let c: String = exported.to_c(&rows)?;
//! let rust: String = exported.to_int8(&rows)?.to_rust(&rows)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | format | method | file |
//! |---|---|---|
//! | ONNX, opset 17 | [`ExportedModel::to_onnx`] | `onnx.rs`, with the wire format of protocol buffers in `proto.rs` |
//! | C99 without dependencies | [`ExportedModel::to_c`] | `source_code/c.rs`, `runtime/runtime.c` |
//! | Rust without the standard library | [`ExportedModel::to_rust`] | `source_code/rust.rs`, `runtime/runtime.rs` |
//! | 8 bits, for C and Rust | [`ExportedModel::to_int8`] | `int8.rs` |
//!
//! Every stage and every activation function of nn-core can be exported, except user-defined
//! activation functions. Dropout is left out, and batch normalization is folded into the weights
//! before it.
//!
//! # Precision
//! All formats compute in single precision. Their outputs agree with those of the network within
//! 1e-5 times the larger of 1 and the output, if the network is not badly conditioned: layer
//! normalization of two or three values can amplify rounding errors 300 times. The C code
//! of simple networks can also give the same bits ([`ExportedModel::to_c`]).
//!
//! # Sources
//! - **Abramowitz & Stegun 1964**: *Handbook of Mathematical Functions*.
//! - **Jacob et al. 2018**: B. Jacob et al., [Quantization and Training of Neural Networks for
//!   Efficient Integer-Arithmetic-Only Inference](https://arxiv.org/abs/1712.05877).
//! - [ONNX operators](https://onnx.ai/onnx/operators/), [ONNX IR](https://onnx.ai/onnx/repo-docs/IR.html).
#![forbid(unsafe_code)]

mod error;
mod op;
mod graph;
mod network;
pub mod values;
mod outcome;
mod exported_model;
pub mod proto;
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
