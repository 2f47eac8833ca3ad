//! Writes predictions as CSV.
//!
//! | task | columns |
//! |---|---|
//! | classification | `prediction`, then `probability_NAME` for each class |
//! | multi-label | `prediction_NAME` (1 if the probability is at least the threshold, 0.5 by default), then `probability_NAME` for each label |
//! | regression, one target | `prediction` |
//! | regression, several targets | `prediction_NAME` for each target |
//! | classification of a table of pixels | `ImageId`, counted from 1, and `Label`, as Kaggle expects |

use std::io::{self, Write};
use std::path::Path;

use ndarray::{ArrayView1, ArrayView2};
use nn_files::io_error;

use crate::preprocessing::Preprocessing;
use crate::target::TargetEncoding;
use crate::{Error, Result};

/// A column in front of the predictions, such as row identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadingColumn {
    /// Name of the column.
    pub name: String,
    /// One cell per row.
    pub cells: Vec<String>,
}

/// Writes one row per sample: the cells of the `leading` columns, then the prediction.
///
/// `outputs`, `[n_rows, n_outputs]`, are the outputs of the network: probabilities,
/// or standardized numbers, which are converted to the units of the table. With
/// `thresholds`, the second of two classes (one threshold) or a label (one per label) is
/// predicted if its probability is at least the threshold. `path` is used in error
/// messages.
///
/// # Errors
/// Returns [`Error::File`] if writing fails; [`Error::OutputCount`] if the number of
/// outputs differs from the number that `preprocessing` expects.
///
/// # Panics
/// Panics if a leading column has fewer cells than `outputs` has rows.
pub fn write_predictions(
    path: &Path,
    to: impl Write,
    preprocessing: &Preprocessing,
    outputs: ArrayView2<'_, f32>,
    thresholds: Option<&[f64]>,
    leading: &[LeadingColumn],
) -> Result<()> {
    if outputs.ncols() != preprocessing.n_outputs() {
        return Err(Error::OutputCount {
            expected: preprocessing.n_outputs(),
            found: outputs.ncols(),
        });
    }
    let mut outputs = outputs.to_owned();
    preprocessing.inverse_transform(outputs.view_mut());
    let mut writer = csv::Writer::from_writer(to);
    write_rows(
        &mut writer,
        preprocessing,
        outputs.view(),
        thresholds,
        leading,
    )
    .map_err(io::Error::from)
    .and_then(|()| writer.flush())
    .map_err(io_error(path))?;
    Ok(())
}

fn write_rows<W: Write>(
    writer: &mut csv::Writer<W>,
    preprocessing: &Preprocessing,
    outputs: ArrayView2<'_, f32>,
    thresholds: Option<&[f64]>,
    leading: &[LeadingColumn],
) -> csv::Result<()> {
    let names = leading.iter().map(|column| column.name.clone());
    writer.write_record(names.chain(header(preprocessing)))?;
    for (i, row) in outputs.rows().into_iter().enumerate() {
        let first = leading.iter().map(|column| column.cells[i].clone());
        writer.write_record(first.chain(cells(preprocessing, i, row, thresholds)))?;
    }
    Ok(())
}

fn header(preprocessing: &Preprocessing) -> Vec<String> {
    let prefixed = |prefix: &'static str, names: &[String]| -> Vec<String> {
        names
            .iter()
            .map(|name| format!("{prefix}_{name}"))
            .collect()
    };
    match &preprocessing.target {
        TargetEncoding::Classification { .. } if is_kaggle(preprocessing) => {
            vec!["ImageId".to_owned(), "Label".to_owned()]
        }
        TargetEncoding::Classification { names, .. } => {
            let mut header = vec!["prediction".to_owned()];
            header.extend(prefixed("probability", names));
            header
        }
        TargetEncoding::MultiLabel(names) => {
            let mut header = prefixed("prediction", names);
            header.extend(prefixed("probability", names));
            header
        }
        TargetEncoding::Regression(columns) => match &columns[..] {
            [_] => vec!["prediction".to_owned()],
            several => several
                .iter()
                .map(|column| format!("prediction_{}", column.name))
                .collect(),
        },
    }
}

fn cells(
    preprocessing: &Preprocessing,
    i: usize,
    outputs: ArrayView1<'_, f32>,
    thresholds: Option<&[f64]>,
) -> Vec<String> {
    let numbers = outputs.iter().map(f32::to_string);
    match &preprocessing.target {
        TargetEncoding::Classification { names, .. } => {
            let class = names[predicted_class(outputs, thresholds)].clone();
            if is_kaggle(preprocessing) {
                return vec![(i + 1).to_string(), class];
            }
            std::iter::once(class).chain(numbers).collect()
        }
        TargetEncoding::MultiLabel(_) => {
            let flags = predicted_labels(outputs, thresholds).into_iter();
            let predictions = flags.map(|flag| u8::from(flag).to_string());
            predictions.chain(numbers).collect()
        }
        TargetEncoding::Regression(_) => numbers.collect(),
    }
}

fn is_kaggle(preprocessing: &Preprocessing) -> bool {
    preprocessing.image_size().is_some()
}

/// The predicted class of a row of probabilities. Without a threshold, the most probable class is
/// predicted. With a threshold, the second of two classes is predicted if its probability is at
/// least the threshold, otherwise the first.
pub fn predicted_class(probabilities: ArrayView1<'_, f32>, thresholds: Option<&[f64]>) -> usize {
    match thresholds {
        Some(&[threshold, ..]) => usize::from(
            probabilities
                .last()
                .is_some_and(|&p| threshold <= f64::from(p)),
        ),
        _ => most_probable(probabilities),
    }
}

/// Whether each label of a row of probabilities is predicted. A label is predicted if its
/// probability is at least its threshold, 0.5 by default.
pub fn predicted_labels(
    probabilities: ArrayView1<'_, f32>,
    thresholds: Option<&[f64]>,
) -> Vec<bool> {
    let threshold = |label| thresholds.map_or(0.5, |all: &[f64]| all[label]);
    let labels = probabilities.iter().enumerate();
    labels
        .map(|(label, &p)| threshold(label) <= f64::from(p))
        .collect()
}

/// The class with the largest probability, the first of equal ones.
fn most_probable(outputs: ArrayView1<'_, f32>) -> usize {
    let mut best = 0;
    for (i, &probability) in outputs.iter().enumerate() {
        if outputs[best] < probability {
            best = i;
        }
    }
    best
}
