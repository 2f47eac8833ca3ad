//! The command `nn export`: writes a model in another format.

mod rows;
mod score;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use nn_core::Rows;
use nn_export::{ExportedModel, InputForm};
use nn_files::atomic_file;
use nn_train::{Data, Error, ErrorKind, Result, Run, Threshold, grouped};

use crate::args::{DataFolder, RunChoice};
use crate::exit;
use crate::terminal;
use rows::{ExportRows, held_out, values_of};
use score::Score;

/// Number of rows of the self-test in source code.
const N_SELF_TEST: usize = 32;

#[derive(Args, Debug)]
pub(crate) struct ExportArguments {
    #[command(flatten)]
    choice: RunChoice,
    /// Format of the exported file
    #[arg(long, value_name = "FORMAT")]
    format: Format,
    /// File to write [default: the name of the run, with the ending of the format]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Inputs of an ONNX model [default: values]
    #[arg(long, value_name = "FORM")]
    inputs: Option<Form>,
    /// Use integers of 8 bits for the weights and the inputs of each layer (C and Rust)
    #[arg(long)]
    int8: bool,
    /// Minimum probability to predict the second of two classes, or a label; auto = the
    /// threshold with the highest balanced accuracy on the validation samples [default: 0.5]
    #[arg(long, value_name = "P|auto")]
    threshold: Option<Threshold>,
    #[command(flatten)]
    folder: DataFolder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Model for ONNX Runtime and other programs, opset 17
    Onnx,
    /// C99 source code without dependencies
    C,
    /// Rust source code without the standard library
    Rust,
    /// Weights with their description, the format of the run's own model file
    Safetensors,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// One tensor: pixels, or the cells of a row as numbers
    Values,
    /// One tensor per column of the table; categories are text
    Columns,
}

impl Format {
    /// Ending of the file name.
    fn ending(self) -> &'static str {
        match self {
            Self::Onnx => "onnx",
            Self::C => "c",
            Self::Rust => "rs",
            Self::Safetensors => "safetensors",
        }
    }
}

pub(crate) fn run(arguments: &ExportArguments) -> Result<()> {
    check_options(arguments)?;
    let run = arguments.choice.open_with(&arguments.folder)?;
    let path = output_path(arguments, &run)?;
    if arguments.format == Format::Safetensors {
        deliver(&path, &run.model().to_bytes()?)?;
        return Ok(());
    }
    let mut model = ExportedModel::new(run.model()).map_err(of_export)?;
    if let Some(threshold) = arguments.threshold {
        let thresholds = run.thresholds(threshold)?;
        model = model.with_thresholds(&thresholds).map_err(of_export)?;
    }
    note_rounding(&model);
    let rows = ExportRows::load(&run, &model, arguments.int8)?;
    let difference = model.check(&rows.checked).map_err(of_export)?;
    let exported = match arguments.int8 {
        true => model.to_int8(&rows.calibration).map_err(of_export)?,
        false => model.clone(),
    };
    deliver(&path, &bytes_of(arguments, &exported, &rows)?)?;
    terminal::line(format!(
        "check     {} {} rows agree with the network, largest difference {difference:.1e}",
        grouped(rows.checked.n_rows()),
        rows.origin,
    ));
    if arguments.format != Format::Onnx {
        show_sizes(&exported)?;
    }
    if let (true, Some(data)) = (arguments.int8, &rows.data) {
        show_loss_of_accuracy(&model, &exported, data)?;
    }
    Ok(())
}

/// Notes columns whose numbers lose digits as 32-bit floats.
fn note_rounding(model: &ExportedModel<'_>) {
    for (value, error) in model.rounded_values() {
        exit::note(&format!(
            "column \"{}\": 32-bit floats round its numbers by up to {error:.0e} standard \
             deviations, unless they are whole numbers up to 16 777 216",
            value.name.escape_debug()
        ));
    }
}

/// Returns an error for options that the format does not have.
fn check_options(arguments: &ExportArguments) -> Result<()> {
    let format = arguments.format;
    if arguments.int8 && !matches!(format, Format::C | Format::Rust) {
        return Err(Error::usage("--int8: expected --format c or --format rust"));
    }
    if arguments.threshold.is_some() && format == Format::Safetensors {
        return Err(Error::usage(
            "--threshold: expected --format onnx, c or rust",
        ));
    }
    if arguments.inputs.is_some() && format != Format::Onnx {
        return Err(Error::usage("--inputs: expected --format onnx"));
    }
    Ok(())
}

/// The file to write, which must not exist.
fn output_path(arguments: &ExportArguments, run: &Run) -> Result<PathBuf> {
    let path = arguments.output.clone().unwrap_or_else(|| {
        let name = run_name(run.model_file());
        PathBuf::from(format!("{name}.{}", arguments.format.ending()))
    });
    if path.is_file() {
        let problem = format!("{}: the file exists", path.display());
        return Err(Error::usage(problem).with_help("choose another file with --output"));
    }
    Ok(path)
}

/// The name of the run directory of a model file, or the name of a single model file.
fn run_name(model_file: &Path) -> String {
    let folder = model_file.parent().and_then(Path::file_name);
    let is_of_run = model_file.file_stem().is_some_and(|stem| stem == "model");
    let name = folder.filter(|_| is_of_run).or(model_file.file_stem());
    name.unwrap_or_default().to_string_lossy().into_owned()
}

fn deliver(path: &Path, bytes: &[u8]) -> Result<()> {
    atomic_file::deliver(path, bytes).map_err(|error| Error::io(path, &error))?;
    let (path, n_bytes) = (path.display(), grouped(bytes.len()));
    terminal::line(format!("exported  {path}, {n_bytes} bytes"));
    Ok(())
}

fn bytes_of(
    arguments: &ExportArguments,
    exported: &ExportedModel<'_>,
    rows: &ExportRows,
) -> Result<Vec<u8>> {
    let form = match arguments.inputs {
        None | Some(Form::Values) => InputForm::Values,
        Some(Form::Columns) => InputForm::Columns,
    };
    let self_test = first_rows(&rows.checked, N_SELF_TEST);
    let bytes = match arguments.format {
        Format::Onnx => exported.to_onnx(form),
        Format::C => exported.to_c(&self_test).map(String::into_bytes),
        Format::Rust => exported.to_rust(&self_test).map(String::into_bytes),
        Format::Safetensors => unreachable!("has no graph"),
    };
    bytes.map_err(of_export)
}

fn first_rows<'a>(rows: &'a Rows<'_, f32>, n_rows: usize) -> Rows<'a, f32> {
    let n_columns = rows.n_columns();
    let n_rows = n_rows.min(rows.n_rows());
    Rows::new(&rows.as_slice()[..n_rows * n_columns], n_columns)
}

fn show_sizes(exported: &ExportedModel<'_>) -> Result<()> {
    let sizes = exported.sizes().map_err(of_export)?;
    terminal::line(format!(
        "size      flash {} bytes, RAM {} bytes, {} multiply-adds",
        grouped(sizes.flash_bytes),
        grouped(sizes.ram_bytes),
        grouped(sizes.n_multiply_adds),
    ));
    Ok(())
}

/// Prints the score on held-out samples with 32-bit floats and with integers of 8 bits.
fn show_loss_of_accuracy(
    model: &ExportedModel<'_>,
    int8: &ExportedModel<'_>,
    data: &Data,
) -> Result<()> {
    let splits = data.splits()?;
    let (samples, origin) = held_out(&splits);
    let values = values_of(model, samples, samples.len())?;
    let [floats, int8] = [model, int8].map(|model| Score::new(model, &values, samples, data));
    terminal::line(format!(
        "int8      on {} {origin} samples: {int8}; with 32-bit floats: {floats}",
        grouped(samples.len())
    ));
    Ok(())
}

fn of_export(error: nn_export::Error) -> Error {
    let help = error.help();
    let of_kind = |kind: ErrorKind, error: nn_export::Error| Error::new(kind, error);
    let error = match error {
        nn_export::Error::Core(error) => error.into(),
        nn_export::Error::Table(error) => error.into(),
        error @ nn_export::Error::NotApplicable { .. } => of_kind(ErrorKind::Usage, error),
        error => of_kind(ErrorKind::Data, error),
    };
    match help {
        Some(help) => error.with_help(help),
        None => error,
    }
}
