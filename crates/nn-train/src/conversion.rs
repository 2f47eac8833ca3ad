//! Converts a data set to a file of rows: the inputs encoded for a network, targets, weights and
//! splits.

use std::path::Path;

use nn_core::Samples;
use nn_core::batches::Targets;
use nn_rows::{Inputs, Layout, Row, RowInputs, RowsWriter, Target};
use nn_settings::{Error, Result, Settings};

use crate::conversion_settings;
use crate::data::{Data, PIXEL_SCALE, Splits};
use crate::rows_data::{Description, number, of_rows};
use crate::split::Split;

/// Number of rows that are read and written together.
const ROWS_AT_A_TIME: usize = 512;

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

impl Conversion<'_> {
    /// Writes the splits of a loaded data set to `path`, which must not be the data themselves.
    /// `progress` is called with the number of rows written and the number of all rows.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written, or a row cannot be read.
    pub fn write(
        &self,
        data: &Data,
        path: &Path,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Converted> {
        let splits = data.splits()?;
        let mut writer = RowsWriter::create(path, self.layout(data, &splits)).map_err(of_rows)?;
        let Splits {
            train,
            validation,
            test,
        } = splits;
        let parts = [
            (Split::Train, Some(train)),
            (Split::Validation, Some(validation)),
            (Split::Test, test),
        ];
        let n_all: usize = parts.iter().flat_map(|(_, it)| it).map(Samples::len).sum();
        for (split, samples) in &parts {
            if let Some(samples) = samples {
                write_samples(&mut writer, *split, samples, |n| progress(n, n_all as u64))?;
            }
        }
        let n_rows = writer.n_rows();
        let description = serde_json::to_value(self.description(data, path));
        let description = description.expect("a description has a JSON form");
        writer.finish(description).map_err(of_rows)?;
        let bytes = std::fs::metadata(path).map_err(|error| Error::io(path, &error))?;
        Ok(Converted {
            n_rows,
            bytes: bytes.len(),
        })
    }

    fn layout(&self, data: &Data, splits: &Splits<'_>) -> Layout {
        let inputs = match data.dataset.train.inputs {
            nn_data::Inputs::Pixels(_) => Inputs::Bytes { scale: PIXEL_SCALE },
            nn_data::Inputs::Features(_) => Inputs::Values,
        };
        let targets = match splits.train.targets() {
            Targets::Values(values) => nn_rows::Targets::Values(values.n_columns()),
            _ => nn_rows::Targets::Classes(data.class_names.len()),
        };
        let layout = Layout::new(data.n_inputs(), inputs, targets);
        Layout {
            has_weights: splits.train.has_weights(),
            block_rows: self.block_rows.unwrap_or(layout.block_rows).max(1),
            window_blocks: self.window_blocks.unwrap_or(layout.window_blocks).max(1),
            ..layout
        }
    }

    fn description(&self, data: &Data, path: &Path) -> Description {
        let name = path.file_stem().unwrap_or(path.as_os_str());
        Description {
            name: name.to_string_lossy().into_owned(),
            source: data.origin.clone(),
            source_sha256: data.table_sha256.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            class_names: data.class_names.clone(),
            image_size: data.dataset.image_size,
            is_image_folder: data.folder_image_size.is_some(),
            preprocessing: data.preprocessing.clone(),
            settings: conversion_settings::of(self.settings),
        }
    }
}

/// Appends samples to a split; `progress` is called with the number of all rows so far.
fn write_samples(
    writer: &mut RowsWriter,
    split: Split,
    samples: &Samples<'_>,
    mut progress: impl FnMut(u64),
) -> Result<()> {
    let n_inputs = samples.n_inputs();
    let bytes = samples.byte_inputs();
    let n_targets = match samples.targets() {
        Targets::Values(values) => values.n_columns(),
        _ => 0,
    };
    let mut target = vec![0.0; n_targets];
    let mut inputs = Vec::new();
    for start in (0..samples.len()).step_by(ROWS_AT_A_TIME) {
        let end = samples.len().min(start + ROWS_AT_A_TIME);
        let positions: Vec<u32> = (start as u32..end as u32).collect();
        if bytes.is_none() {
            inputs.resize(positions.len() * n_inputs, 0.0);
            samples.read_inputs(&positions, &mut inputs)?;
        }
        for (at, &position) in positions.iter().enumerate() {
            let inputs = match bytes {
                Some((bytes, _)) => RowInputs::Bytes(bytes.row(samples.row(position) as usize)),
                None => RowInputs::Values(&inputs[at * n_inputs..][..n_inputs]),
            };
            let position = position as usize;
            let target = match samples.label(position) {
                Some(class) => Target::Class(class),
                None => {
                    samples.copy_target(position, 0.0, &mut target);
                    Target::Values(&target)
                }
            };
            let weight = samples.has_weights().then(|| samples.weight(position));
            let row = Row {
                inputs,
                target,
                weight,
            };
            writer.push(number(split), row).map_err(of_rows)?;
        }
        progress(writer.n_rows().iter().map(|&n| u64::from(n)).sum());
    }
    Ok(())
}
