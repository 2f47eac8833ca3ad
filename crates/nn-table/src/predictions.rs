//! A network's answers as CSV.
//!
//! | answers | columns |
//! |---|---|
//! | one class | `prediction`, then `probability_NAME` for each class |
//! | flags | `prediction_NAME` (1 from 0.5 on), then `probability_NAME` for each |
//! | one number | `prediction` |
//! | several numbers | `prediction_NAME` for each |
//! | the class of an image from a table of pixels | `ImageId` from 1 and `Label`, Kaggle's form |

use std::io::{self, Write};
use std::path::Path;

use ndarray::{ArrayView1, ArrayView2};

use crate::preprocessing::{InputEncoding, Preprocessing, TargetEncoding};
use crate::{Error, Result};

/// Writes one row a sample. `outputs`, `[n_rows, n_outputs]`, are
/// probabilities, or numbers as the network was trained on; they come out in
/// the units of the table. `path` is what errors call the destination.
///
/// # Errors
/// [`Error::Io`] as `to` has it; [`Error::OutputCount`] if the network has
/// another number of outputs than `preprocessing`.
pub fn write_predictions(
    path: &Path,
    to: impl Write,
    preprocessing: &Preprocessing,
    outputs: ArrayView2<'_, f32>,
) -> Result<()> {
    if outputs.ncols() != preprocessing.n_outputs() {
        return Err(Error::OutputCount {
            expected: preprocessing.n_outputs(),
            found: outputs.ncols(),
        });
    }
    let mut restored = outputs.to_owned();
    preprocessing.restore(restored.view_mut());
    let mut writer = csv::Writer::from_writer(to);
    write_rows(&mut writer, preprocessing, restored.view())
        .map_err(io::Error::from)
        .and_then(|()| writer.flush())
        .map_err(|source| Error::io(path, source))
}

fn write_rows<W: Write>(
    writer: &mut csv::Writer<W>,
    preprocessing: &Preprocessing,
    outputs: ArrayView2<'_, f32>,
) -> csv::Result<()> {
    writer.write_record(header(preprocessing))?;
    for (i, row) in outputs.rows().into_iter().enumerate() {
        writer.write_record(cells(preprocessing, i, row))?;
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
        TargetEncoding::Classes { .. } if is_kaggle(preprocessing) => {
            vec!["ImageId".to_owned(), "Label".to_owned()]
        }
        TargetEncoding::Classes { names, .. } => {
            let mut header = vec!["prediction".to_owned()];
            header.extend(prefixed("probability", names));
            header
        }
        TargetEncoding::Flags(names) => {
            let mut header = prefixed("prediction", names);
            header.extend(prefixed("probability", names));
            header
        }
        TargetEncoding::Values(columns) => match &columns[..] {
            [_] => vec!["prediction".to_owned()],
            several => several
                .iter()
                .map(|column| format!("prediction_{}", column.name))
                .collect(),
        },
    }
}

fn cells(preprocessing: &Preprocessing, i: usize, outputs: ArrayView1<'_, f32>) -> Vec<String> {
    let numbers = outputs.iter().map(f32::to_string);
    match &preprocessing.target {
        TargetEncoding::Classes { names, .. } => {
            let class = names[most_probable(outputs)].clone();
            if is_kaggle(preprocessing) {
                return vec![(i + 1).to_string(), class];
            }
            std::iter::once(class).chain(numbers).collect()
        }
        TargetEncoding::Flags(_) => {
            let flags = outputs.iter().map(|&p| u8::from(0.5 <= p).to_string());
            flags.chain(numbers).collect()
        }
        TargetEncoding::Values(_) => numbers.collect(),
    }
}

fn is_kaggle(preprocessing: &Preprocessing) -> bool {
    preprocessing.inputs == InputEncoding::Pixels
}

/// The first of the largest.
fn most_probable(outputs: ArrayView1<'_, f32>) -> usize {
    let mut best = 0;
    for (i, &probability) in outputs.iter().enumerate() {
        if outputs[best] < probability {
            best = i;
        }
    }
    best
}
