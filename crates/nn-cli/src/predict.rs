//! `nn predict RUN FILE.png...`, `nn predict RUN FILE.csv` and
//! `nn predict RUN --index 0..36`

use std::ops::Range;
use std::path::Path;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use nn_core::Rows;
use nn_core::network::ForwardCache;
use nn_core::{Loss, Model};
use nn_table::csv::Header;
use nn_table::predictions::write_predictions;
use nn_table::preprocessing::{InputEncoding, Preprocessing, TargetEncoding, UnseenCategory};
use nn_tensor::Threads;
use nn_tensor::reduce::{all_finite, argmax};
use serde_json::json;

use crate::args::{PredictArguments, WeightCheck};
use crate::atomic_file;
use crate::evaluate::{Origin, data_of, preprocessing_of};
use crate::failure::{Code, Failure, Result};
use crate::finiteness;
use crate::memory;
use crate::run_dir::{chosen_model, locate_model};
use crate::table::{self, is_table};
use crate::terminal;

pub(crate) fn run(arguments: &PredictArguments) -> Result<()> {
    check_output(arguments)?;
    let model = chosen_model(&arguments.choice)?;
    let mut predictor = Predictor::new(&model);
    match &arguments.index {
        Some(index) => predict_samples(&mut predictor, arguments, &parse_range(index)?),
        None => arguments.files.iter().try_for_each(|file| {
            if is_table(file) {
                predict_table(&model, file, arguments)
            } else {
                predict_png(&mut predictor, file, arguments)
            }
        }),
    }
}

/// One file of predictions holds those of one table.
fn check_output(arguments: &PredictArguments) -> Result<()> {
    let Some(output) = &arguments.output else {
        return Ok(());
    };
    match &arguments.files[..] {
        [file] if is_table(file) => Ok(()),
        files => Err(Failure::usage(format!(
            "--output {}: holds the predictions of one CSV file, asked for are {}",
            output.display(),
            match (&arguments.index, files) {
                (Some(_), _) => "those of --index".to_owned(),
                (None, [file]) => format!("those of {}", file.display()),
                (None, files) => format!("those of {} files", files.len()),
            }
        ))
        .help("run `nn predict` once a table, each with an --output of its own")),
    }
}

/// A model with the buffers of one sample.
struct Predictor<'a> {
    model: &'a Model,
    cache: ForwardCache<f32>,
    inputs: Vec<f32>,
    names: Vec<String>,
}

/// What the network says about one sample.
struct Prediction {
    class: usize,
    outputs: Vec<f32>,
}

impl<'a> Predictor<'a> {
    fn new(model: &'a Model) -> Self {
        let n_classes = model.network.n_outputs().max(2);
        let names = match &model.description.class_names[..] {
            [] => (0..n_classes).map(|class| class.to_string()).collect(),
            names => names.to_vec(),
        };
        Self {
            cache: ForwardCache::new(&model.network, 1),
            inputs: vec![0.0; model.network.n_inputs()],
            model,
            names,
        }
    }

    fn predict(&mut self, pixels: &[u8], title: &str, weights: WeightCheck) -> Result<Prediction> {
        let scale = self.model.description.input.scale as f32;
        for (input, &pixel) in self.inputs.iter_mut().zip(pixels) {
            *input = f32::from(pixel) * scale;
        }
        let inputs = Rows::new(&self.inputs, self.inputs.len());
        let outputs = self
            .model
            .network
            .forward(inputs, &mut self.cache, &Threads::single());
        let outputs = outputs.into_vec();
        let bad = outputs.iter().find(|output| !output.is_finite());
        let problem = bad.map(|bad| format!("{title}: an output of the network is {bad}"));
        finiteness::check(problem, self.model, weights)?;
        Ok(Prediction {
            class: self.model.loss.predicted_class(&outputs),
            outputs,
        })
    }

    /// The probability of every class; NaN if the outputs are not finite.
    fn probabilities(&self, prediction: &Prediction) -> Vec<f32> {
        let mut probabilities = class_probabilities(self.model.loss, &prediction.outputs);
        if !all_finite(&prediction.outputs) {
            probabilities.fill(f32::NAN);
        }
        probabilities
    }
}

/// The probability of every class; of a single output, both classes'. Hinge
/// gives margins, no probabilities: there the predicted class has it all.
pub(crate) fn class_probabilities(loss: Loss, outputs: &[f32]) -> Vec<f32> {
    match (loss, outputs) {
        (Loss::Hinge, _) => {
            let mut certain = vec![0.0; outputs.len().max(2)];
            certain[loss.predicted_class(outputs)] = 1.0;
            certain
        }
        (_, [one]) => vec![1.0 - one, *one],
        _ => outputs.to_vec(),
    }
}

fn predict_samples(
    predictor: &mut Predictor<'_>,
    arguments: &PredictArguments,
    range: &Range<usize>,
) -> Result<()> {
    let place = locate_model(&arguments.choice.run, &arguments.choice.runs_dir)?;
    let origin = Origin::new(&place, arguments.data.as_deref());
    let data_dir = &arguments.folder.data_dir;
    let data = data_of(predictor.model, origin, data_dir, &Threads::all())?;
    let nn_data::Inputs::Pixels(pixels) = &data.dataset.test.inputs else {
        return Err(Failure::usage("--index: the data set holds no images"));
    };
    check_width(predictor.model, pixels.ncols())
        .map_err(|failure| failure.at(&data.dataset.name))?;
    if range.end > pixels.nrows() {
        return Err(Failure::usage(format!(
            "--index: expected indices below {}, found {}",
            pixels.nrows(),
            range.end - 1
        )));
    }
    let mut right = 0;
    for index in range.clone() {
        let row = pixels.row(index);
        let row = row.as_slice().expect("a data set is stored row by row");
        let title = format!("sample {index}");
        let prediction = predictor.predict(row, &title, arguments.choice.weights)?;
        let label = match &data.dataset.test.targets {
            nn_data::Targets::Classes(labels) => Some(labels[index] as usize),
            nn_data::Targets::Values(_) => None,
        };
        right += usize::from(label == Some(prediction.class));
        if arguments.json {
            terminal::line(to_json(predictor, &prediction, &title, label));
        } else if range.len() == 1 {
            show_image(row, data.dataset.image_size);
            show(predictor, &prediction, &title, label);
        } else {
            terminal::line(short_line(predictor, &prediction, index, label));
        }
    }
    if range.len() > 1 && !arguments.json {
        terminal::line(format!("{right} of {} right", range.len()));
    }
    Ok(())
}

fn predict_png(
    predictor: &mut Predictor<'_>,
    file: &Path,
    arguments: &PredictArguments,
) -> Result<()> {
    let image = nn_data::image::read_png(file)?;
    let digit = nn_data::image::normalize(image.view())
        .map_err(|error| Failure::from(error).at(file.display()))?;
    let pixels = digit.pixels;
    check_width(predictor.model, pixels.len()).map_err(|failure| failure.at(file.display()))?;
    let preprocessing = preprocessing_of(predictor.model)?;
    if preprocessing.is_some_and(|it| it.inputs != InputEncoding::Pixels) {
        let problem = format!(
            "{}: this model was trained on the columns of a table, not on images",
            file.display()
        );
        return Err(Failure::new(Code::Data, problem).help("give it a CSV file"));
    }
    let title = file.display().to_string();
    let prediction = predictor.predict(&pixels[..], &title, arguments.choice.weights)?;
    if arguments.json {
        terminal::line(to_json(predictor, &prediction, &title, None));
    } else {
        show_image(&pixels[..], Some((28, 28)));
        show(predictor, &prediction, &title, None);
    }
    Ok(())
}

/// Reads raw rows, and writes a row of predictions for each.
fn predict_table(model: &Model, file: &Path, arguments: &PredictArguments) -> Result<()> {
    let preprocessing = preprocessing_of(model)?.ok_or_else(|| {
        Failure::new(
            Code::Data,
            format!(
                "{}: this model was trained on images, not on a table",
                file.display()
            ),
        )
        .help("give it PNG files, or --index for samples of its data set")
    })?;
    let table = preprocessing.read(file, Header::Auto)?;
    table::check_memory(file, &preprocessing, table.n_rows())?;
    let samples = preprocessing.transform(&table, UnseenCategory::Zeros)?;
    for note in &samples.notes {
        terminal::error_line(format!("note: {note}"));
    }
    let inputs = match samples.inputs {
        nn_data::Inputs::Features(features) => features,
        nn_data::Inputs::Pixels(pixels) => {
            pixels.mapv(|pixel| f32::from(pixel) * model.description.input.scale as f32)
        }
    };
    memory::check_evaluation(&model.network, inputs.nrows())?;
    let outputs = answers(model, inputs.view(), &preprocessing);
    let check = FiniteCheck {
        inputs: inputs.view(),
        outputs: outputs.view(),
        preprocessing: &preprocessing,
    };
    let problem = check.problem();
    let problem = problem.map(|problem| format!("{}: {problem}", file.display()));
    finiteness::check(problem, model, arguments.choice.weights)?;
    match &arguments.output {
        Some(path) => {
            let mut text = Vec::new();
            write_predictions(path, &mut text, &preprocessing, outputs.view())?;
            atomic_file::deliver(path, &text).map_err(|error| Failure::io(path, &error))?;
            terminal::line(format!(
                "{} predictions in {}",
                outputs.nrows(),
                path.display()
            ));
        }
        None if arguments.json => rows_to_json(file, &preprocessing, outputs),
        None => {
            let mut text = Vec::new();
            let path = Path::new("standard output");
            write_predictions(path, &mut text, &preprocessing, outputs.view())?;
            terminal::file(&text);
        }
    }
    Ok(())
}

/// Rows of a table whose inputs and predictions should be finite.
struct FiniteCheck<'a> {
    inputs: ArrayView2<'a, f32>,
    outputs: ArrayView2<'a, f32>,
    preprocessing: &'a Preprocessing,
}

impl FiniteCheck<'_> {
    /// What is wrong with the first bad row, and how many there are. An infinite
    /// input is wrong even where the network makes an ordinary number of it.
    fn problem(&self) -> Option<String> {
        let mut restored = self.outputs.to_owned();
        self.preprocessing.inverse_transform(restored.view_mut());
        let is_bad = |value: &f32| !value.is_finite();
        let rows = self.inputs.rows().into_iter().zip(restored.rows());
        let mut bad = rows.enumerate().filter(|(_, (inputs, outputs))| {
            inputs.iter().any(is_bad) || outputs.iter().any(is_bad)
        });
        let (row, (inputs, outputs)) = bad.next()?;
        let largest =
            (0..inputs.len()).max_by(|&a, &b| inputs[a].abs().total_cmp(&inputs[b].abs()))?;
        let column = self.column_of(largest);
        let value = outputs.iter().find(|value| is_bad(value));
        let what = match value {
            Some(value) => format!("the prediction is {value}"),
            None => "an input is not finite".to_owned(),
        };
        let more = match bad.count() {
            0 => String::new(),
            1 => "; the same in 1 more row".to_owned(),
            n => format!("; the same in {n} more rows"),
        };
        Some(format!(
            "row {}: {what}; its largest input is {column}, {:e} as scaled for the network{more}",
            row + 1,
            inputs[largest]
        ))
    }

    /// The column that an input of the network belongs to.
    fn column_of(&self, input: usize) -> String {
        let InputEncoding::Columns(columns) = &self.preprocessing.inputs else {
            return format!("pixel {input}");
        };
        let mut end = 0;
        let column = columns.iter().find(|column| {
            end += column.encoding.width();
            input < end
        });
        let name = column.map_or("", |column| &column.name);
        format!("column \"{}\"", name.escape_debug())
    }
}

/// Writes a JSON object a row.
fn rows_to_json(file: &Path, preprocessing: &Preprocessing, mut outputs: Array2<f32>) {
    preprocessing.inverse_transform(outputs.view_mut());
    for (index, row) in outputs.rows().into_iter().enumerate() {
        let values = row.to_vec();
        let mut object = match &preprocessing.target {
            TargetEncoding::Classification { names, .. } => json!({
                "class": names[argmax(&values)],
                "probabilities": values,
            }),
            TargetEncoding::MultiLabel(_) => json!({
                "flags": values.iter().map(|&p| 0.5 <= p).collect::<Vec<_>>(),
                "probabilities": values,
            }),
            TargetEncoding::Regression(_) => json!({ "values": values }),
        };
        object["input"] = file.to_string_lossy().into();
        object["row"] = (index + 1).into();
        terminal::line(object);
    }
}

/// The network's answers, `[n_rows, n_outputs]`; where they are classes, the
/// probability of each.
fn answers(
    model: &Model,
    inputs: ArrayView2<'_, f32>,
    preprocessing: &Preprocessing,
) -> Array2<f32> {
    const BLOCK_ROWS: usize = 512;
    let threads = Threads::all();
    let n_outputs = preprocessing.n_outputs();
    let are_classes = matches!(preprocessing.target, TargetEncoding::Classification { .. });
    let mut cache = ForwardCache::new(&model.network, BLOCK_ROWS.min(inputs.nrows().max(1)));
    let mut answers = Array2::zeros((inputs.nrows(), n_outputs));
    let blocks = inputs.axis_chunks_iter(Axis(0), BLOCK_ROWS);
    for (inputs, mut answers) in blocks.zip(answers.axis_chunks_iter_mut(Axis(0), BLOCK_ROWS)) {
        let outputs = model.network.forward(inputs, &mut cache, &threads);
        if are_classes {
            for (mut answer, output) in answers.rows_mut().into_iter().zip(outputs.rows()) {
                let mut probabilities = class_probabilities(model.loss, output);
                if !all_finite(output) {
                    probabilities.fill(f32::NAN);
                }
                answer.assign(&ArrayView1::from(&probabilities));
            }
        } else {
            answers.assign(&ArrayView2::from(&outputs));
        }
    }
    answers
}

fn check_width(model: &Model, width: usize) -> Result<()> {
    let wanted = model.network.n_inputs();
    if wanted == width {
        return Ok(());
    }
    Err(Failure::new(
        Code::Data,
        format!("the model wants {wanted} values a sample, the data has {width}"),
    )
    .help("`nn inspect RUN` shows what a model was trained on"))
}

/// `7`, `0..36`
fn parse_range(text: &str) -> Result<Range<usize>> {
    let wrong = || {
        Failure::usage(format!(
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

fn show(predictor: &Predictor<'_>, prediction: &Prediction, title: &str, label: Option<usize>) {
    let name = &predictor.names[prediction.class];
    let verdict = match label {
        Some(label) if label == prediction.class => ", which is right".to_owned(),
        Some(label) => format!(", but it is {}", predictor.names[label]),
        None => String::new(),
    };
    terminal::line(format!("{title}: {name}{verdict}"));
    let width = predictor
        .names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(1);
    for (name, probability) in predictor
        .names
        .iter()
        .zip(predictor.probabilities(prediction))
    {
        let share = f64::from(probability).clamp(0.0, 1.0);
        let bar = "█".repeat((share * 30.0).round() as usize);
        terminal::line(format!(
            "  {name:>width$} {:>8} {bar}",
            terminal::percent(Some(share))
        ));
    }
}

fn short_line(
    predictor: &Predictor<'_>,
    prediction: &Prediction,
    index: usize,
    label: Option<usize>,
) -> String {
    let share = predictor
        .probabilities(prediction)
        .get(prediction.class)
        .copied()
        .unwrap_or(0.0);
    let verdict = match label {
        Some(label) if label != prediction.class => format!("   wrong: {}", predictor.names[label]),
        _ => String::new(),
    };
    format!(
        "sample {index:>5}  {}  {:>8}{verdict}",
        predictor.names[prediction.class],
        terminal::percent(Some(share.into()))
    )
}

/// The image in half its height, two rows of pixels a line, without empty
/// lines above and below.
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
    predictor: &Predictor<'_>,
    prediction: &Prediction,
    title: &str,
    label: Option<usize>,
) -> serde_json::Value {
    json!({
        "input": title,
        "class": predictor.names[prediction.class],
        "probabilities": predictor.probabilities(prediction),
        "label": label.map(|label| &predictor.names[label]),
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
