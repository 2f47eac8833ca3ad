//! What must hold for any bytes taken for a table.

use std::path::Path;

use nn_data::{Inputs, Targets};
use nn_table::preprocessing::{Purpose, Samples};
use nn_table::{
    Header, Preprocessing, Scaling, Separator, Table, TableOptions, TargetTransform, Task,
    UnseenCategory,
};

/// The first byte chooses how the rest is read. A table that is read goes all
/// the way to the numbers that a network would get: they are finite, the
/// preprocessing survives being saved, and reading the file again with it, as
/// `nn evaluate` does, gives the same numbers.
pub(crate) fn check(bytes: &[u8]) {
    let Some((&choice, content)) = bytes.split_first() else {
        return;
    };
    check_with(&options(choice), content);
}

/// As [`check`], with these options.
pub(crate) fn check_with(options: &TableOptions, content: &[u8]) {
    let path = Path::new("x");
    let Ok(mut table) = Table::parse(path, content, options) else {
        return;
    };
    if Preprocessing::drop_missing_targets(&mut table, options).is_err() {
        return;
    }
    let rows: Vec<usize> = (0..table.n_rows()).collect();
    let Ok((preprocessing, _)) = Preprocessing::fit(&table, &rows, options) else {
        return;
    };
    let restored = Preprocessing::from_json(&preprocessing.to_json());
    assert_eq!(restored.expect("it can be saved"), preprocessing);
    let Ok(samples) = preprocessing.transform(&table, UnseenCategory::Error) else {
        return;
    };
    let numbers = numbers(&samples);
    assert!(numbers.iter().all(|number| number.is_finite()));

    let mut again = preprocessing
        .parse(path, content, options.header, Purpose::Evaluate)
        .expect("what was read once can be read again");
    preprocessing
        .drop_rows_without_target(&mut again)
        .expect("there were rows with a target");
    let again = preprocessing
        .transform(&again, UnseenCategory::Error)
        .expect("what was learnt from can be used");
    assert_eq!(self::numbers(&again), numbers);
}

fn options(choice: u8) -> TableOptions {
    let names = |bit: u8, name: &str| match choice & bit {
        0 => Vec::new(),
        _ => vec![name.to_owned()],
    };
    TableOptions {
        target: (choice & 0x20 != 0).then(|| "y,z".to_owned()),
        task: Task::ALL[usize::from(choice & 3)],
        header: Header::ALL[usize::from(choice >> 2 & 3) % Header::ALL.len()],
        separator: (choice & 0x40 != 0).then_some(Separator::Blanks),
        missing: names(0x80, "m"),
        columns: Default::default(),
        expected: Default::default(),
        sample_weight: (choice & 0x10 != 0).then(|| "w".to_owned()),
        categorical: names(0x40, "c"),
        ignore: names(0x80, "i"),
        group: (choice & 0x80 != 0).then(|| "g".to_owned()),
        order_by: None,
        split_column: None,
        target_transform: TargetTransform::ALL
            [usize::from(choice >> 4) % TargetTransform::ALL.len()],
        scaling: Scaling::ALL[usize::from(choice >> 1) % Scaling::ALL.len()],
        orders_for_embeddings: choice & 0x04 != 0,
        indexes_categories: choice & 0x08 != 0,
        clips_outputs: choice & 0x02 != 0,
    }
}

/// Inputs, targets and weights in one row.
fn numbers(samples: &Samples) -> Vec<f32> {
    let mut all: Vec<f32> = match &samples.inputs {
        Inputs::Pixels(pixels) => pixels.iter().map(|&pixel| f32::from(pixel)).collect(),
        Inputs::Features(features) => features.iter().copied().collect(),
    };
    match &samples.targets {
        Some(Targets::Classes(classes)) => all.extend(classes.iter().map(|&class| class as f32)),
        Some(Targets::Values(values)) => all.extend(values),
        None => {}
    }
    all.extend(samples.sample_weights.iter().flatten());
    all
}
