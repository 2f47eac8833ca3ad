//! Converts a data set to a file of rows: the inputs encoded for a network, targets, weights and
//! splits.

mod contents;
mod streamed_table;

use std::path::Path;

use nn_core::Samples;
use nn_core::batches::Targets;
use nn_files::escaped_path;
use nn_rows::{Row, RowInputs, RowsWriter, Target};
use nn_settings::Result;
use nn_table::Progress;

use crate::data::{Data, Splits};
use crate::note::Note;
use crate::rows_data::{number, of_rows};
use crate::split::Split;
use crate::split_options::SplitOptions;
use contents::Contents;
pub use contents::{Conversion, Converted};
use streamed_table::StreamedTable;

/// Number of rows that are read and written together.
const ROWS_AT_A_TIME: usize = 512;

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
        let contents = Contents {
            name: path,
            source: &data.origin,
            source_sha256: data.table_sha256.clone(),
            n_inputs: data.n_inputs(),
            has_bytes: matches!(data.dataset.train.inputs, nn_data::Inputs::Pixels(_)),
            class_names: &data.class_names,
            n_values: match splits.train.targets() {
                Targets::Values(values) => Some(values.n_columns()),
                _ => None,
            },
            has_weights: splits.train.has_weights(),
            image_size: data.dataset.image_size,
            is_image_folder: data.folder_image_size.is_some(),
            preprocessing: data.preprocessing.as_ref(),
        };
        let mut writer = RowsWriter::create(path, self.layout(&contents)).map_err(of_rows)?;
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
        self.finish(writer, &contents)
    }

    /// Converts the text table at `source` without reading it into memory. The types of the columns
    /// and the preprocessing are fitted to `n_fitted` random training rows; a row is a validation or
    /// a test row by a hash of the seed and its line number.
    ///
    /// # Errors
    /// Returns an error if the table has another format, a cell that contradicts the fitted types, or
    /// a class that none of the `n_fitted` rows has, or if a file cannot be read or written.
    pub fn stream_table(
        &self,
        source: &str,
        n_fitted: usize,
        path: &Path,
        progress: Progress<'_>,
    ) -> Result<(Converted, Vec<Note>)> {
        let options = SplitOptions::new(self.settings)?;
        let table = StreamedTable {
            path: &escaped_path::path(source),
            options: &options,
            n_fitted,
            progress,
        };
        table.convert(self, source, path)
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
