//! Tables: samples from a CSV file, with the preprocessing fitted to the training rows or
//! taken from a model.

use std::fs::File;
use std::path::Path;

use nn_data::{Dataset, Targets, checksum};
use nn_table::csv::Table;
use nn_table::preprocessing::{Preprocessing, TargetEncoding, UnseenCategory};

use crate::data_request::DataRequest;
use crate::error::{Error, ErrorKind, Result};
use crate::grouped;
use crate::memory;
use crate::note::Note;
use crate::split::SplitRows;
use crate::task::{Task, with_counterpart};

/// A table as a data set.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) dataset: Dataset,
    pub(crate) task: Task,
    pub(crate) preprocessing: Preprocessing,
    pub(crate) sample_weights: Option<Vec<f32>>,
    pub(crate) notes: Vec<Note>,
    pub(crate) is_stratified: bool,
    pub(crate) rows: SplitRows,
    /// SHA-256 of the file.
    pub(crate) sha256: String,
}

/// Returns an error if a table does not fit into memory with one input per category of
/// its text columns.
///
/// # Errors
/// [`ErrorKind::Usage`] with the needed and the available memory.
pub fn check_memory(path: &Path, preprocessing: &Preprocessing, n_rows: usize) -> Result<()> {
    if preprocessing.image_size().is_some() {
        return Ok(());
    }
    let n_inputs = preprocessing.n_inputs();
    let bytes = n_rows
        .saturating_mul(n_inputs)
        .saturating_mul(size_of::<f32>());
    let what = format!(
        "{}: the table with {} rows and {} inputs",
        path.display(),
        grouped(n_rows),
        grouped(n_inputs)
    );
    let help = "leave text columns with many values out with `ignore`, or use fewer rows";
    memory::check(&what, bytes as u64, help)
}

/// Whether a file is a table, according to its extension.
pub fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        extension.eq_ignore_ascii_case("csv") || extension.eq_ignore_ascii_case("tsv")
    })
}

/// Reads the table at `path`. Means, standard deviations and categories are those of
/// its training rows, or of the model.
pub(crate) fn load(path: &Path, request: &DataRequest<'_>) -> Result<Loaded> {
    if request.is_new && request.model.is_none() {
        return Err(Error::new(
            ErrorKind::Data,
            format!(
                "{}: the model was trained on images, not on a table",
                path.display()
            ),
        )
        .with_help("use a folder of IDX files, or a data set of `nn data list`"));
    }
    let options = &request.options.table;
    // The file, and its cells as numbers of eight bytes: many are shorter, and
    // some columns are kept as bytes.
    let length = std::fs::metadata(path).map_or(0, |it| it.len());
    let what = format!("{}: the table", path.display());
    memory::check(&what, length.saturating_mul(2), "use fewer rows or columns")?;
    let table = match request.model {
        Some(preprocessing) => preprocessing.read(path, options.header)?,
        None => Table::read(path, options)?,
    };
    let sha256 = File::open(path)
        .and_then(checksum::sha256)
        .map_err(|error| Error::io(path, &error))?;
    let classes = classes_to_stratify_by(&table, request)?;
    let rows = if request.is_new {
        SplitRows::all_test(table.n_rows())
    } else {
        let n_rows = table.n_rows();
        SplitRows::new(n_rows, request.options, false, classes.as_deref())?
    };
    let (preprocessing, mut notes) = match request.model {
        Some(preprocessing) => (preprocessing.clone(), Vec::new()),
        None => {
            let rows: Vec<usize> = rows.train.iter().map(|&row| row as usize).collect();
            let (mut fitted, notes) = Preprocessing::fit(&table, &rows, options)?;
            if let TargetEncoding::Classification { names, .. } = &mut fitted.target {
                with_counterpart(names);
            }
            (fitted, notes)
        }
    };
    check_memory(path, &preprocessing, table.n_rows())?;
    let samples = preprocessing.transform(&table, UnseenCategory::Zeros)?;
    notes.extend(samples.notes.iter().cloned());
    let (dataset, sample_weights) = samples.into_dataset(&table, &preprocessing)?;
    Ok(Loaded {
        task: match &preprocessing.target {
            TargetEncoding::Classification { names, .. } => Task::Classification(names.len()),
            TargetEncoding::MultiLabel(names) => Task::MultiLabel(names.len()),
            TargetEncoding::Regression(columns) => Task::Regression(columns.len()),
        },
        dataset,
        preprocessing,
        sample_weights,
        notes: notes.into_iter().map(Note::Table).collect(),
        is_stratified: classes.is_some(),
        rows,
        sha256,
    })
}

/// The class of each row, if the split is stratified by class.
fn classes_to_stratify_by(table: &Table, request: &DataRequest<'_>) -> Result<Option<Vec<u32>>> {
    if request.is_new || !request.is_stratified() {
        return Ok(None);
    }
    match request.model {
        None => Ok(Preprocessing::classes(table, &request.options.table)?),
        Some(preprocessing) => Ok(match preprocessing.targets(table)? {
            Some(Targets::Classes(classes)) => Some(classes),
            _ => None,
        }),
    }
}
