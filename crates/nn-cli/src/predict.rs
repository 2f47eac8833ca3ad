//! The command `nn predict`: makes predictions for images, the rows of a table, or samples of a
//! data set.

use std::io::{self, Cursor, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::Args;
use nn_files::atomic_file::{self, PendingFile};
use nn_files::escaped_path;
use nn_image::{decode_image, is_image};
use nn_table::predictions::{LeadingColumn, predicted_class, predicted_labels, write_predictions};
use nn_table::{Header, TargetEncoding};
use nn_train::prediction::{ImagePrediction, ImagePredictor};
use nn_train::table::{STDIN, is_rows_file, is_table};
use nn_train::{Choice, Error, ErrorKind, Result, Run, TablePredictions, Threshold, flags};
use serde_json::json;

use crate::args::{DataFolder, RunChoice};
use crate::exit;
use crate::finiteness;
use crate::terminal;

/// Maximum number of classes that are shown; of more, the most probable ones are.
const MAX_CLASSES: usize = 20;

/// Largest image that is read from standard input.
const MAX_INPUT_BYTES: u64 = 256 << 20;

#[derive(Args, Debug)]
pub(crate) struct PredictArguments {
    #[command(flatten)]
    choice: RunChoice,
    /// PNG or JPEG files to classify (- is standard input), or a CSV or .nnrows file with rows to predict
    #[arg(value_name = "IMAGE|FILE.csv", required_unless_present = "index")]
    files: Vec<PathBuf>,
    /// Write CSV predictions to this file [default: standard output]
    #[arg(long, short, value_name = "FILE", conflicts_with = "json")]
    output: Option<PathBuf>,
    /// Whether the first row of a table has the column names: yes, no, or auto (as in the training table)
    #[arg(long, value_name = "auto|yes|no", conflicts_with = "index")]
    header: Option<Choice<Header>>,
    /// Column of the CSV file with row names, copied to the first column of the predictions
    #[arg(long, value_name = "COLUMN", conflicts_with = "index")]
    id: Option<String>,
    /// Add a column "row" with the line number of each row in the CSV file
    #[arg(long, conflicts_with = "index")]
    row_numbers: bool,
    /// Index of a test sample, or a range: 7 or 0..36
    #[arg(long, value_name = "K|A..B", conflicts_with = "files")]
    index: Option<String>,
    /// Predict samples of this data set instead of the run's
    #[arg(long, value_name = "NAME|DIR", requires = "index", value_parser = flags::data_parser())]
    data: Option<String>,
    #[command(flatten)]
    folder: DataFolder,
    /// Minimum probability to predict the second of two classes, or a label; auto = the
    /// threshold with the highest balanced accuracy on the validation samples
    #[arg(long, value_name = "P|auto")]
    threshold: Option<Threshold>,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &PredictArguments) -> Result<()> {
    check_output(arguments)?;
    check_columns(arguments)?;
    let run = arguments.choice.open_with(&arguments.folder)?;
    match &arguments.index {
        Some(index) => predict_samples(&run, arguments, &parse_range(index)?),
        None => arguments.files.iter().try_for_each(|file| {
            if is_rows_file(file) {
                predict_rows(&run, file, arguments)
            } else if holds_rows(&run, file) {
                predict_table(&run, file, arguments)
            } else {
                predict_image(&run, file, arguments)
            }
        }),
    }
}

/// Returns `true` if a file contains rows of a table, not an image. Standard input
/// contains what the model was trained on.
fn holds_rows(run: &Run, file: &Path) -> bool {
    let is_table_model = run.model().description.input.preprocessing.is_some();
    if file.as_os_str() == STDIN {
        return is_table_model;
    }
    is_table(file) || is_table_model && !is_image(file).unwrap_or(false)
}

/// Returns an error if `--output` is used without a CSV file to predict or with several
/// files.
fn check_output(arguments: &PredictArguments) -> Result<()> {
    let Some(output) = &arguments.output else {
        return Ok(());
    };
    match &arguments.files[..] {
        [file] if is_table(file) || is_rows_file(file) => Ok(()),
        files => Err(Error::usage(format!(
            "--output {}: expected one CSV file to predict, found {}",
            output.display(),
            match (&arguments.index, files) {
                (Some(_), _) => "--index".to_owned(),
                (None, [file]) => file.display().to_string(),
                (None, files) => format!("{} files", files.len()),
            }
        ))
        .with_help("run `nn predict` once per table, each with its own --output")),
    }
}

/// Returns an error if `--id` or `--row-numbers` is used with an image.
fn check_columns(arguments: &PredictArguments) -> Result<()> {
    let flag = match (&arguments.id, arguments.row_numbers) {
        (Some(_), _) => "--id",
        (None, true) => "--row-numbers",
        (None, false) => return Ok(()),
    };
    let numbers_rows = arguments.id.is_none();
    let has_rows = |file: &Path| is_table(file) || numbers_rows && is_rows_file(file);
    match arguments.files.iter().find(|file| !has_rows(file)) {
        None => Ok(()),
        Some(file) => Err(Error::usage(format!(
            "{flag}: expected a CSV file to predict, found {}",
            file.display()
        ))
        .with_help(format!(
            "leave {flag} out for images and files of encoded rows"
        ))),
    }
}

fn predict_samples(run: &Run, arguments: &PredictArguments, range: &Range<usize>) -> Result<()> {
    let data = run.data_of(arguments.data.as_deref())?;
    let nn_data::Inputs::Pixels(pixels) = &data.dataset.test.inputs else {
        return Err(Error::usage("--index: the data set has no images"));
    };
    if range.end > pixels.nrows() {
        return Err(Error::usage(format!(
            "--index: expected indices below {}, found {}",
            pixels.nrows(),
            range.end - 1
        )));
    }
    let mut predictor = image_predictor(run, arguments)?;
    let (expected, found) = (data.class_names.len(), predictor.class_names().len());
    if expected != found {
        let problem = format!("expected a model of {expected} classes, found {found}");
        return Err(Error::new(ErrorKind::Data, problem)
            .at(&data.dataset.name)
            .with_help("`nn inspect RUN` shows the classes of a model"));
    }
    let mut n_correct = 0;
    for index in range.clone() {
        let row = pixels.row(index);
        let row = row
            .as_slice()
            .expect("a data set is stored in row-major order");
        let title = format!("sample {index}");
        let prediction = predictor.predict(row);
        let prediction = prediction.map_err(|error| error.at(&data.dataset.name))?;
        check_finite(run, &prediction, &title, arguments)?;
        let label = match &data.dataset.test.targets {
            nn_data::Targets::Classes(labels) => Some(labels[index] as usize),
            nn_data::Targets::Values(_) => None,
        };
        n_correct += usize::from(label == Some(prediction.class));
        if arguments.json {
            terminal::line(to_json(&predictor, &prediction, &title, label));
        } else if range.len() == 1 {
            show_image(row, data.dataset.image_size);
            show(&predictor, &prediction, &title, label);
        } else {
            terminal::line(short_line(&predictor, &prediction, index, label));
        }
    }
    if range.len() > 1 && !arguments.json {
        terminal::line(format!("{n_correct} of {} correct", range.len()));
    }
    Ok(())
}

fn predict_image(run: &Run, file: &Path, arguments: &PredictArguments) -> Result<()> {
    let mut predictor = image_predictor(run, arguments)?;
    let image = if file == Path::new("-") {
        let image = decode_image(file, Cursor::new(read_standard_input()?))?;
        predictor.see(file, image.view())?
    } else {
        predictor.read(file)?
    };
    let title = file.display().to_string();
    let prediction = predictor.predict(&image.pixels);
    let prediction = prediction.map_err(|error| error.at(&title))?;
    check_finite(run, &prediction, &title, arguments)?;
    for note in &image.notes {
        terminal::error_line(format!("note: {title}: {note}"));
    }
    if arguments.json {
        terminal::line(to_json(&predictor, &prediction, &title, None));
    } else {
        show_image(&image.pixels, Some(image.size.shape()));
        show(&predictor, &prediction, &title, None);
    }
    Ok(())
}

fn image_predictor<'a>(run: &'a Run, arguments: &PredictArguments) -> Result<ImagePredictor<'a>> {
    let thresholds = thresholds(run, arguments)?;
    Ok(run.image_predictor().with_thresholds(thresholds))
}

fn read_standard_input() -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = io::stdin()
        .lock()
        .take(MAX_INPUT_BYTES)
        .read_to_end(&mut bytes);
    read.map_err(|error| Error::io(Path::new("standard input"), &error))?;
    Ok(bytes)
}

fn check_finite(
    run: &Run,
    prediction: &ImagePrediction,
    title: &str,
    arguments: &PredictArguments,
) -> Result<()> {
    let bad = prediction.nonfinite;
    let problem = bad.map(|bad| format!("{title}: an output of the network is {bad}"));
    check_outputs(problem, run, arguments)
}

/// Returns an error for NaN and infinite outputs, unless they are allowed.
fn check_outputs(problem: Option<String>, run: &Run, arguments: &PredictArguments) -> Result<()> {
    let is_allowed = arguments.choice.weights.allow_nonfinite;
    finiteness::check(problem, run.model(), is_allowed)
}

/// The thresholds that `--threshold` sets.
fn thresholds(run: &Run, arguments: &PredictArguments) -> Result<Option<Vec<f64>>> {
    let threshold = arguments.threshold;
    threshold.map(|it| run.thresholds(it)).transpose()
}

/// Predicts every row of a table.
fn predict_table(run: &Run, file: &Path, arguments: &PredictArguments) -> Result<()> {
    let thresholds = thresholds(run, arguments)?;
    let header = arguments.header.as_ref().map(Choice::value).copied();
    let predictions = run
        .predict_table_with(file, header.unwrap_or_default(), arguments.id.as_deref())?
        .with_thresholds(thresholds);
    predictions.notes.iter().for_each(exit::note);
    check_outputs(predictions.nonfinite.clone(), run, arguments)?;
    match &arguments.output {
        Some(path) => {
            let text = to_csv(&predictions, path, arguments)?;
            atomic_file::deliver(path, &text).map_err(|error| Error::io(path, &error))?;
            terminal::line(format!(
                "{} in {}",
                terminal::counted(predictions.outputs.nrows(), "prediction"),
                path.display()
            ));
        }
        None if arguments.json => rows_to_json(file, 0, &predictions, arguments),
        None => {
            let path = Path::new("standard output");
            terminal::file(&to_csv(&predictions, path, arguments)?);
        }
    }
    Ok(())
}

/// Number of rows of a file of rows that are predicted and written together.
const ROWS_AT_A_TIME: usize = 1 << 16;

/// Predicts all rows of a file of rows, in blocks.
fn predict_rows(run: &Run, file: &Path, arguments: &PredictArguments) -> Result<()> {
    let name = escaped_path::escaped(file.as_os_str().to_owned()).map_err(Error::usage)?;
    let data = run.data_of(Some(&name))?;
    let data = data
        .rows_file()
        .ok_or_else(|| Error::usage(format!("{}: expected a file of rows", file.display())))?;
    let thresholds = thresholds(run, arguments)?;
    let io = |path: &Path| {
        let path = path.to_owned();
        move |error: io::Error| Error::io(&path, &error)
    };
    let output = arguments.output.as_deref();
    let mut written = output
        .map(|path| PendingFile::create(path).map_err(io(path)))
        .transpose()?;
    for start in (0..data.n_rows()).step_by(ROWS_AT_A_TIME) {
        let rows = start
            ..data
                .n_rows()
                .min(start.saturating_add(ROWS_AT_A_TIME as u32));
        let predictions = run
            .predict_rows(data, rows)?
            .with_thresholds(thresholds.clone());
        check_outputs(predictions.nonfinite.clone(), run, arguments)?;
        if arguments.json {
            rows_to_json(file, start as usize, &predictions, arguments);
            continue;
        }
        let path = output.unwrap_or(Path::new("standard output"));
        let text = to_csv(&predictions, path, arguments)?;
        let n_header = match start {
            0 => 0,
            _ => text
                .iter()
                .position(|&byte| byte == b'\n')
                .map_or(0, |end| end + 1),
        };
        match &mut written {
            Some(written) => written.write(&text[n_header..]).map_err(io(path))?,
            None => terminal::file(&text[n_header..]),
        }
    }
    if let (Some(written), Some(path)) = (written, output) {
        written.commit().map_err(io(path))?;
        terminal::line(format!(
            "{} in {}",
            terminal::counted(data.n_rows() as usize, "prediction"),
            path.display()
        ));
    }
    Ok(())
}

fn to_csv(
    predictions: &TablePredictions,
    path: &Path,
    arguments: &PredictArguments,
) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let outputs = predictions.outputs.view();
    let thresholds = predictions.thresholds.as_deref();
    let leading = leading_columns(predictions, arguments);
    write_predictions(
        path,
        &mut text,
        &predictions.preprocessing,
        outputs,
        thresholds,
        &leading,
    )?;
    Ok(text)
}

/// The id column and the line numbers, if they were asked for.
fn leading_columns(
    predictions: &TablePredictions,
    arguments: &PredictArguments,
) -> Vec<LeadingColumn> {
    let ids = arguments.id.iter().zip(&predictions.ids);
    let ids = ids.map(|(name, ids)| LeadingColumn {
        name: name.clone(),
        cells: ids.clone(),
    });
    let rows = arguments.row_numbers.then(|| LeadingColumn {
        name: "row".to_owned(),
        cells: predictions.lines.iter().map(u32::to_string).collect(),
    });
    ids.chain(rows).collect()
}

/// Writes one JSON object per row; `first` rows come before them.
fn rows_to_json(
    file: &Path,
    first: usize,
    predictions: &TablePredictions,
    arguments: &PredictArguments,
) {
    for (index, row) in predictions.restored().rows().into_iter().enumerate() {
        let values = row.to_vec();
        let thresholds = predictions.thresholds.as_deref();
        let mut object = match &predictions.preprocessing.target {
            TargetEncoding::Classification { names, .. } => json!({
                "class": names[predicted_class(row, thresholds)],
                "probabilities": values,
            }),
            TargetEncoding::MultiLabel(_) => json!({
                "flags": predicted_labels(row, thresholds),
                "probabilities": values,
            }),
            TargetEncoding::Regression(_) => json!({ "values": values }),
        };
        object["input"] = file.to_string_lossy().into();
        object["row"] = (first + index + 1).into();
        if let Some(ids) = &predictions.ids {
            object["id"] = ids[index].clone().into();
        }
        if arguments.row_numbers {
            object["line"] = predictions.lines[index].into();
        }
        terminal::line(object);
    }
}

/// Parses an index such as `7`, or a range such as `0..36`.
fn parse_range(text: &str) -> Result<Range<usize>> {
    let wrong = || {
        Error::usage(format!(
            "--index: expected a number or a range such as 0..36, found \"{}\"",
            text.escape_debug()
        ))
    };
    let number = |text: &str| text.trim().parse::<usize>().map_err(|_| wrong());
    let range = match text.split_once("..") {
        Some((start, end)) => number(start)?..number(end)?,
        None => {
            let index = number(text)?;
            index..index.checked_add(1).ok_or_else(wrong)?
        }
    };
    if range.is_empty() {
        Err(wrong())
    } else {
        Ok(range)
    }
}

fn show(
    predictor: &ImagePredictor<'_>,
    prediction: &ImagePrediction,
    title: &str,
    label: Option<usize>,
) {
    let names = predictor.class_names();
    let verdict = match label {
        Some(label) if label == prediction.class => ", correct".to_owned(),
        Some(label) => format!(", wrong: true class {}", names[label]),
        None => String::new(),
    };
    terminal::line(format!("{title}: {}{verdict}", names[prediction.class]));
    let mut shown: Vec<usize> = (0..names.len()).collect();
    if names.len() > MAX_CLASSES {
        let probability = |class: usize| prediction.probabilities[class];
        shown.sort_by(|&a, &b| probability(b).total_cmp(&probability(a)));
        shown.truncate(MAX_CLASSES);
    }
    let widths = shown.iter().map(|&class| names[class].chars().count());
    let width = widths.max().unwrap_or(1);
    for (name, probability) in shown
        .iter()
        .map(|&class| (&names[class], prediction.probabilities[class]))
    {
        let probability = f64::from(probability).clamp(0.0, 1.0);
        let bar = "█".repeat((probability * 30.0).round() as usize);
        terminal::line(format!(
            "  {name:>width$} {:>8} {bar}",
            terminal::percent(Some(probability))
        ));
    }
}

fn short_line(
    predictor: &ImagePredictor<'_>,
    prediction: &ImagePrediction,
    index: usize,
    label: Option<usize>,
) -> String {
    let names = predictor.class_names();
    let probability = prediction.probabilities[prediction.class];
    let verdict = match label {
        Some(label) if label != prediction.class => {
            format!("   wrong: true class {}", names[label])
        }
        _ => String::new(),
    };
    format!(
        "sample {index:>5}  {}  {:>8}{verdict}",
        names[prediction.class],
        terminal::percent(Some(probability.into()))
    )
}

/// Prints an image, two rows of pixels per line, without empty lines at the top and
/// the bottom.
fn show_image(pixels: &[u8], size: Option<(usize, usize)>) {
    let Some((height, width)) = size else {
        return;
    };
    const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];
    let line = |top: usize| -> String {
        let bottom = (top + 1).min(height - 1);
        let shade = |x: usize| {
            let sum = u16::from(pixels[top * width + x]) + u16::from(pixels[bottom * width + x]);
            SHADES[usize::from(sum / 2) * (SHADES.len() - 1) / 255]
        };
        (0..width).map(shade).collect()
    };
    let lines: Vec<String> = (0..height).step_by(2).map(line).collect();
    let is_inked = |line: &String| !line.trim().is_empty();
    let first = lines.iter().position(is_inked).unwrap_or(0);
    let last = lines.iter().rposition(is_inked).unwrap_or(0);
    for line in lines.get(first..=last).unwrap_or_default() {
        terminal::line(line.trim_end());
    }
}

fn to_json(
    predictor: &ImagePredictor<'_>,
    prediction: &ImagePrediction,
    title: &str,
    label: Option<usize>,
) -> serde_json::Value {
    let names = predictor.class_names();
    json!({
        "input": title,
        "class": names[prediction.class],
        "probabilities": prediction.probabilities,
        "label": label.map(|label| &names[label]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(parse_range("7").unwrap(), 7..8);
        assert_eq!(parse_range("0..36").unwrap(), 0..36);
        for wrong in [
            "",
            "x",
            "3..3",
            "5..2",
            "-1",
            "18446744073709551615",
            "1...2",
        ] {
            assert!(parse_range(wrong).is_err(), "{wrong}");
        }
    }
}
