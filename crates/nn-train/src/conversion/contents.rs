//! The contents of a file of rows that is written: its layout and its header.

use std::path::Path;

use nn_rows::{Inputs, Layout, RowsWriter};
use nn_settings::{Error, Result, Settings};
use nn_table::Preprocessing;

use crate::conversion_settings;
use crate::data::PIXEL_SCALE;
use crate::rows_data::{Description, of_rows};

/// The conversion of a data set to a file of rows.
#[derive(Clone, Debug)]
pub struct Conversion<'a> {
    /// The settings with which the data were loaded; those of columns and splits are recorded.
    pub settings: &'a Settings,
    /// Number of rows per block; `None` for blocks of about one megabyte.
    pub block_rows: Option<u32>,
    /// Number of blocks whose rows are shuffled together in training; `None` for 64.
    pub window_blocks: Option<u32>,
}

/// The numbers of rows of a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Converted {
    /// Number of training, validation and test rows.
    pub n_rows: [u32; 3],
    /// Size of the file in bytes.
    pub bytes: u64,
}

/// What the header of a file says about the data.
pub(crate) struct Contents<'a> {
    /// Path of the file, which names the data set.
    pub(crate) name: &'a Path,
    pub(crate) source: &'a str,
    pub(crate) source_sha256: Option<String>,
    pub(crate) n_inputs: usize,
    /// Whether the inputs are pixels.
    pub(crate) has_bytes: bool,
    pub(crate) class_names: &'a [String],
    /// Number of values per target; `None` for classes.
    pub(crate) n_values: Option<usize>,
    pub(crate) has_weights: bool,
    pub(crate) image_size: Option<(usize, usize)>,
    pub(crate) is_image_folder: bool,
    pub(crate) preprocessing: Option<&'a Preprocessing>,
}

impl Conversion<'_> {
    /// Writes the header of a file.
    pub(crate) fn finish(&self, writer: RowsWriter, contents: &Contents<'_>) -> Result<Converted> {
        let n_rows = writer.n_rows();
        let description = serde_json::to_value(self.description(contents));
        let description = description.expect("a description has a JSON form");
        writer.finish(description).map_err(of_rows)?;
        let found = std::fs::metadata(contents.name);
        let bytes = found
            .map_err(|error| Error::io(contents.name, &error))?
            .len();
        Ok(Converted { n_rows, bytes })
    }

    pub(crate) fn layout(&self, contents: &Contents<'_>) -> Layout {
        let inputs = match contents.has_bytes {
            true => Inputs::Bytes { scale: PIXEL_SCALE },
            false => Inputs::Values,
        };
        let targets = match contents.n_values {
            Some(n) => nn_rows::Targets::Values(n),
            None => nn_rows::Targets::Classes(contents.class_names.len()),
        };
        let layout = Layout::new(contents.n_inputs, inputs, targets);
        Layout {
            has_weights: contents.has_weights,
            block_rows: self.block_rows.unwrap_or(layout.block_rows).max(1),
            window_blocks: self.window_blocks.unwrap_or(layout.window_blocks).max(1),
            ..layout
        }
    }

    fn description(&self, contents: &Contents<'_>) -> Description {
        let name = contents
            .name
            .file_stem()
            .unwrap_or(contents.name.as_os_str());
        Description {
            name: name.to_string_lossy().into_owned(),
            source: contents.source.to_owned(),
            source_sha256: contents.source_sha256.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            class_names: contents.class_names.to_vec(),
            image_size: contents.image_size,
            is_image_folder: contents.is_image_folder,
            preprocessing: contents.preprocessing.cloned(),
            settings: conversion_settings::of(self.settings),
        }
    }
}
