//! The columns of a table behind the inputs and outputs of a network.

use nn_core::Model;
use nn_table::preprocessing::{
    ColumnEncoding, InputColumn, InputEncoding, Preprocessing, Standardization, TargetColumn,
    TargetEncoding,
};
use nn_train::trained_model::preprocessing_of;
use serde::Serialize;

/// The columns behind the inputs and outputs of a network.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Columns {
    /// One per input; `None` if the inputs are no columns.
    inputs: Option<Vec<Column>>,
    /// One per output; `None` for classes.
    targets: Option<Vec<Column>>,
}

/// The column behind an input or output.
#[derive(Debug, Serialize)]
struct Column {
    /// Name of the column; `city = Bern` if it is a category.
    name: String,
    /// Standardization of the number, if there is one.
    standardization: Option<Standardization>,
}

impl Columns {
    /// The columns of a model; none if it was not trained on a table.
    pub(crate) fn of(model: &Model) -> Self {
        match preprocessing_of(model) {
            Ok(Some(preprocessing)) => Self::new(&preprocessing),
            _ => Self::default(),
        }
    }

    fn new(preprocessing: &Preprocessing) -> Self {
        let inputs = match &preprocessing.inputs {
            InputEncoding::Columns(columns) => Some(columns.iter().flat_map(inputs_of).collect()),
            InputEncoding::Pixels => None,
        };
        let targets = match &preprocessing.target {
            TargetEncoding::Regression(columns) => Some(columns.iter().map(number).collect()),
            TargetEncoding::MultiLabel(names) => Some(
                names
                    .iter()
                    .map(|name| Column::plain(name.clone()))
                    .collect(),
            ),
            TargetEncoding::Classification { .. } => None,
        };
        Self { inputs, targets }
    }
}

impl Column {
    fn plain(name: String) -> Self {
        Self {
            name,
            standardization: None,
        }
    }
}

fn inputs_of(column: &InputColumn) -> Vec<Column> {
    match &column.encoding {
        ColumnEncoding::Standardize(standardization) => vec![Column {
            name: column.name.clone(),
            standardization: Some(*standardization),
        }],
        ColumnEncoding::OneHot(categories) => categories
            .iter()
            .map(|category| Column::plain(format!("{} = {category}", column.name)))
            .collect(),
    }
}

fn number(column: &TargetColumn) -> Column {
    Column {
        name: column.name.clone(),
        standardization: Some(column.standardization),
    }
}
