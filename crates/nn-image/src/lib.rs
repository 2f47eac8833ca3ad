//! Images as data sets: image files, folders of images, photographed digits, export.
//!
//! Images are read into a [`Dataset`] of `nn-data` with its [`Inputs`] and [`Targets`], like
//! IDX files.
//!
//! # The principal types
//! - [`read_image`] reads a PNG or JPEG file as gray values; [`resize`] resizes an image.
//! - [`ImageFolder`] is a folder of PNG and JPEG files, one folder per class.
//! - [`digit::normalize`] turns a photograph of a digit into MNIST's format.
//! - [`export::write`] writes a data set of images as IDX, CSV or PNG files.
//!
//! [`Dataset`]: nn_data::Dataset
//! [`Inputs`]: nn_data::Inputs
//! [`Targets`]: nn_data::Targets
#![forbid(unsafe_code)]

mod error;
mod image;
mod natural_order;
pub mod image_folder;
pub mod export;
pub mod digit;

pub use error::{Error, Result};
pub use image::{ImageSize, decode_image, is_image, read_image, resize, write_png};
pub use image_folder::{FolderImages, FolderNote, ImageFolder};
pub use natural_order::natural_order;
pub use nn_data::ErrorKind;
