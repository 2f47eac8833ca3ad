//! Claim G3: reads and writes tables in Kaggle's format.

use std::path::Path;

use ndarray::Array2;
use nn_table::predictions::write_predictions;
use nn_table::preprocessing::Purpose;
use nn_table::{Header, Preprocessing, Table, TableOptions, UnseenCategory};

use crate::context::Context;
use crate::outcome::{Outcome, Row};
use nn_train::{Error, ErrorKind, Result};

pub(super) fn csv_form(context: &Context<'_>) -> Result<Outcome> {
    let data = context.data()?;
    let (nn_data::Inputs::Pixels(pixels), nn_data::Targets::Classes(labels)) =
        (&data.dataset.train.inputs, &data.dataset.train.targets)
    else {
        let problem = format!("{}: expected labeled images", data.dataset.name);
        return Err(Error::new(ErrorKind::Data, problem));
    };
    let n = 200;
    let header = |with_label: bool| {
        let pixels = (0..pixels.ncols()).map(|pixel| format!("pixel{pixel}"));
        let label = with_label.then(|| "label".to_owned());
        label
            .into_iter()
            .chain(pixels)
            .collect::<Vec<_>>()
            .join(",")
    };
    let body = |with_label: bool| {
        let mut text = header(with_label) + "\n";
        for (row, label) in pixels.rows().into_iter().zip(labels).take(n) {
            let cells = row.iter().map(u8::to_string);
            let label = with_label.then(|| label.to_string());
            text += &(label.into_iter().chain(cells).collect::<Vec<_>>().join(",") + "\n");
        }
        text
    };
    let path = Path::new("train.csv");
    let options = TableOptions::default();
    let table = Table::parse(path, body(true).as_bytes(), &options)?;
    let rows: Vec<usize> = (0..n).collect();
    let (preprocessing, _) = Preprocessing::fit(&table, &rows, &options)?;
    let with_labels = preprocessing.transform(&table, UnseenCategory::Zeros)?;
    let unlabelled = preprocessing.parse(
        Path::new("test.csv"),
        body(false).as_bytes(),
        Header::Auto,
        Purpose::Predict,
    )?;
    let without_labels = preprocessing.transform(&unlabelled, UnseenCategory::Zeros)?;
    let same = |inputs: &nn_data::Inputs| match inputs {
        nn_data::Inputs::Pixels(read) => read
            .rows()
            .into_iter()
            .eq(pixels.rows().into_iter().take(n)),
        nn_data::Inputs::Features(_) => false,
    };
    let n_classes = preprocessing.class_names().len();
    let answers = Array2::from_shape_fn((3, n_classes), |(row, class)| {
        f32::from(u8::from(class == row))
    });
    let mut written = Vec::new();
    write_predictions(
        Path::new("predictions"),
        &mut written,
        &preprocessing,
        answers.view(),
        None,
        &[],
    )?;
    let written = String::from_utf8_lossy(&written).replace('\n', " ");
    let names = preprocessing.class_names();
    let expected = format!(
        "ImageId,Label 1,{} 2,{} 3,{} ",
        names[0], names[1], names[2]
    );
    let rows = vec![
        Row::holds(
            "pixels of label,pixel0,...,pixel783 read back",
            "",
            format!("{n} rows"),
            same(&with_labels.inputs),
        ),
        Row::holds(
            "pixels without the label column read back",
            "",
            format!("{n} rows"),
            same(&without_labels.inputs),
        ),
        Row::holds(
            "predictions written",
            "ImageId,Label",
            written.trim().to_owned(),
            written == expected,
        ),
    ];
    Ok(Outcome::judged(
        rows,
        "`nn train --data train.csv`, then `nn predict RUN test.csv -o predictions.csv`.",
    ))
}
