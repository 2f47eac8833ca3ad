//! Tables: samples from a CSV file, with the preprocessing fitted to the training rows or
//! taken from a model.

use std::io::{self, Read};
use std::path::Path;

use nn_data::{Dataset, Targets, catalog, checksum};
use nn_files::{escaped_path, known_format, regular_file};
use nn_settings::{Error, ErrorKind, Preset, Result, Settings};
use nn_table::preprocessing::Purpose;
use nn_table::summary::Summary;
use nn_table::{Header, Preprocessing, Table, TableOptions, TargetEncoding, UnseenCategory};

use crate::data_request::DataRequest;
use crate::grouped;
use crate::memory;
use crate::note::Note;
use crate::source_model::SourceModel;
use crate::split::Split;
use crate::split_rows::{SplitColumns, SplitRows};
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
/// Returns [`ErrorKind::Usage`] with the needed and the available memory.
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
    let help = "use `ignore` to leave out text columns with many values, or use fewer rows";
    memory::check(&what, bytes as u64, help)
}

/// The name of a table that is read from standard input.
pub const STDIN: &str = "-";

/// Endings of the file names of pictures.
const PICTURES: [&str; 3] = ["png", "jpg", "jpeg"];

/// Endings of the file names of tables.
const TABLES: [&str; 6] = ["csv", "tsv", "tab", "data", "txt", "gz"];

/// Returns `true` if the data at `path` are a table: any file that is neither an image, an IDX
/// file nor a file of rows, and not the name of a known data set.
pub fn is_table(path: &Path) -> bool {
    let is_known = || {
        path.to_str()
            .is_some_and(|name| catalog::find(name).is_ok())
    };
    if path.as_os_str() == STDIN {
        return true;
    }
    if has_ending(path, &PICTURES) || path.is_dir() || is_known() || is_rows_file(path) {
        return false;
    }
    match start_of(path) {
        Some(start) => !matches!(
            known_format(&start),
            Some("a PNG image" | "a JPEG image" | "an IDX file" | "a file of rows")
        ),
        None => has_ending(path, &TABLES),
    }
}

/// Ending of the file names of files of rows.
const ROWS: [&str; 1] = ["nnrows"];

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension().is_some_and(|extension| {
        let is = |ending: &&str| extension.eq_ignore_ascii_case(ending);
        endings.iter().any(is)
    })
}

/// The settings with the default preset of tables; `None` if the data are not a table in a file,
/// or if the settings have no default preset. A table of images has none either, and a small table
/// has another ([`Preset::of_table`]).
///
/// ```
/// use nn_train::{Settings, table};
///
/// let settings = Settings { data: Some("houses.csv".to_owned()), ..Settings::default() };
/// assert!(table::with_default_preset(&settings).is_some());
/// let plain = Settings { epochs: Some(5), ..settings };
/// assert!(table::with_default_preset(&plain).is_none());
/// ```
pub fn with_default_preset(settings: &Settings) -> Option<Settings> {
    let data = settings.data.as_deref().filter(|data| *data != STDIN)?;
    let preset = settings.with_default_preset();
    (preset != *settings && is_table(&escaped_path::path(data))).then_some(preset)
}

/// Returns `true` if the file at `path` is a file of rows, or is named like one.
pub fn is_rows_file(path: &Path) -> bool {
    match start_of(path) {
        Some(start) => nn_rows::is_rows_file(&start) || start.is_empty() && has_ending(path, &ROWS),
        None => has_ending(path, &ROWS),
    }
}

/// The first bytes of a regular file.
fn start_of(path: &Path) -> Option<Vec<u8>> {
    let mut start = Vec::new();
    let file = regular_file::open(path).ok()?;
    file.take(16).read_to_end(&mut start).ok()?;
    Some(start)
}

/// Reads a file, or standard input.
///
/// # Errors
/// Returns an error of kind [`ErrorKind::Io`] or [`ErrorKind::Data`] if the file cannot
/// be read or does not fit into memory.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    if path.as_os_str() == STDIN {
        let mut bytes = Vec::new();
        io::stdin()
            .read_to_end(&mut bytes)
            .map_err(|error| Error::io(Path::new("standard input"), &error))?;
        return Ok(bytes);
    }
    // The text and its cells.
    check_file(path, 2)?;
    Ok(regular_file::read(path)?)
}

/// Returns an error if a file of this multiple of its size does not fit into memory.
fn check_file(path: &Path, multiple: u64) -> Result<()> {
    let length = std::fs::metadata(path).map_or(0, |it| it.len());
    let what = format!("{}: the table", path.display());
    memory::check(
        &what,
        length.saturating_mul(multiple),
        "use fewer rows or columns",
    )
}

/// Reads the table at `path`. Means, standard deviations and categories are computed from
/// the training rows, or taken from the model.
pub(crate) fn load(path: &Path, request: &DataRequest<'_>) -> Result<Loaded> {
    if request.is_new && request.model.is_none() {
        return Err(Error::new(
            ErrorKind::Data,
            format!(
                "{}: the model was trained on images, not on a table",
                path.display()
            ),
        )
        .with_help("use a folder of IDX files, or a data set listed by `nn data list`"));
    }
    if path.as_os_str() == STDIN && request.run.is_some() {
        let problem = "the run read its data from standard input, which was not saved";
        return Err(Error::usage(problem).with_help("give the table as a file with `data`"));
    }
    let source = request.source.and_then(SourceModel::preprocessing);
    let options = &request.options.table;
    let options = &source.map_or_else(|| options.clone(), |it| it.reading_options(options));
    let (mut table, sha256) = read(path, options, request)?;
    let options = &source.map_or_else(|| options.clone(), |it| it.role_options(&table, options));
    let dropped = match request.model {
        Some(preprocessing) => preprocessing.drop_rows_without_target(&mut table)?,
        None => Preprocessing::drop_missing_targets(&mut table, options)?,
    };
    let columns = split_columns(&table, options, request)?;
    let rows = if request.is_new {
        SplitRows::all_test(table.n_rows())
    } else {
        let n_rows = table.n_rows();
        SplitRows::new(n_rows, request.options, false, &columns)?
    };
    let options = match request.small_table {
        Some(small) if Preset::of_table(rows.train.len()) == Preset::TabularSmall => small,
        _ => options,
    };
    let (preprocessing, fitted_notes) = match request.model {
        Some(preprocessing) => (preprocessing.clone(), Vec::new()),
        None => {
            let rows: Vec<usize> = rows.train.iter().map(|&row| row as usize).collect();
            let (mut fitted, notes) = match source {
                Some(source) => source.refit(&table, &rows, options)?,
                None => Preprocessing::fit(&table, &rows, options)?,
            };
            if let TargetEncoding::Classification { names, .. } = &mut fitted.target {
                with_counterpart(names);
            }
            (fitted, notes)
        }
    };
    let mut notes = Vec::new();
    if request.model.is_none() {
        let summary = Summary::new(&table, Some(&preprocessing));
        notes.extend(summary.lines().map(nn_table::Note::Summary));
    }
    notes.extend(table.notes().iter().cloned());
    notes.extend(dropped);
    notes.extend(fitted_notes);
    if request.model.is_none() {
        notes.extend(leaked(&table, &rows));
    }
    let keeps_rows_together = columns.groups.is_some() || columns.ranks.is_some();
    let uneven = match request.model {
        None if keeps_rows_together => rows.uneven(request.options, &columns),
        _ => Vec::new(),
    };
    check_memory(path, &preprocessing, table.n_rows())?;
    let (dataset, sample_weights, transformed_notes) =
        preprocessing.into_dataset(table, UnseenCategory::Zeros)?;
    notes.extend(transformed_notes);
    Ok(Loaded {
        task: match &preprocessing.target {
            TargetEncoding::Classification { names, .. } => Task::Classification(names.len()),
            TargetEncoding::MultiLabel(names) => Task::MultiLabel(names.len()),
            TargetEncoding::Regression(columns) => Task::Regression(columns.len()),
        },
        dataset,
        preprocessing,
        sample_weights,
        notes: notes.into_iter().map(Note::Table).chain(uneven).collect(),
        is_stratified: columns.classes.is_some(),
        rows,
        sha256,
    })
}

/// Reads a table, by the rules of the model if there is one, and the SHA-256 of its file.
fn read(path: &Path, options: &TableOptions, request: &DataRequest<'_>) -> Result<(Table, String)> {
    if path.as_os_str() == STDIN {
        let bytes = read_bytes(path)?;
        let table = match request.model {
            Some(model) => model.parse(path, &bytes, Header::Auto, Purpose::Evaluate)?,
            None => Table::parse(path, &bytes, options)?,
        };
        return Ok((table, sha256(path, &bytes[..])?));
    }
    // Only the cells: a large file is read in blocks.
    check_file(path, 1)?;
    let sha256 = sha256(path, regular_file::open(path)?)?;
    let table = match request.model {
        Some(model) => model.read(path, Header::Auto, Purpose::Evaluate)?,
        None => Table::read_with_progress(path, options, request.progress)?,
    };
    Ok((table, sha256))
}

fn sha256(path: &Path, content: impl Read) -> Result<String> {
    checksum::sha256(content).map_err(|error| Error::io(path, &error))
}

/// Notes about test and validation rows that equal a training row.
fn leaked(table: &Table, rows: &SplitRows) -> impl Iterator<Item = nn_table::Note> {
    let parts = [("test", &rows.test), ("validation", &rows.validation)];
    let n_leaked = parts.map(|(split, part)| (split, table.n_repeated(part, &rows.train)));
    n_leaked.into_iter().filter_map(|(split, n_rows)| {
        let n_rows = n_rows.filter(|&n| n > 0)?;
        Some(nn_table::Note::Leaked { n_rows, split })
    })
}

/// The columns that decide the split.
fn split_columns(
    table: &Table,
    options: &TableOptions,
    request: &DataRequest<'_>,
) -> Result<SplitColumns> {
    if request.is_new {
        return Ok(SplitColumns::default());
    }
    let (group, order, split) = (&options.group, &options.order_by, &options.split_column);
    let columns = SplitColumns {
        classes: classes_to_stratify_by(table, options, request)?,
        groups: group.as_ref().map(|it| table.groups(it)).transpose()?,
        ranks: order.as_ref().map(|it| table.ranks(it)).transpose()?,
        splits: split
            .as_ref()
            .map(|it| table.splits(it, Split::of_cell))
            .transpose()?,
    };
    match columns.divided_group() {
        Some(divided) => Err(divided_group(table, options, divided)),
        None => Ok(columns),
    }
}

/// The error about a group whose rows have different splits in the column of the splits.
fn divided_group(table: &Table, options: &TableOptions, rows: [usize; 2]) -> Error {
    let [first, second] = rows.map(|row| table.place(row));
    let name = |column: &Option<String>| column.clone().unwrap_or_default();
    Error::new(
        ErrorKind::Data,
        format!(
            "{}: {first} and {second} have the same group in column `{}`, but different splits in \
             column `{}`",
            table.path().display(),
            name(&options.group),
            name(&options.split_column)
        ),
    )
    .with_help("leave `group` out, or give all rows of a group the same split")
}

/// The class of each row, if the split is stratified by class.
fn classes_to_stratify_by(
    table: &Table,
    options: &TableOptions,
    request: &DataRequest<'_>,
) -> Result<Option<Vec<u32>>> {
    if !request.is_stratified() || options.order_by.is_some() {
        return Ok(None);
    }
    match request.model {
        None => Ok(Preprocessing::classes(table, options)?),
        Some(preprocessing) => Ok(match preprocessing.targets(table)? {
            Some(Targets::Classes(classes)) => Some(classes),
            _ => None,
        }),
    }
}
