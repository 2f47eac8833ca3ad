//! The table columns that the inputs and outputs of a network encode.

use nn_core::Model;
use nn_table::preprocessing::{InputColumn, InputEncoding};
use nn_table::{
    ColumnEncoding, NumberEncoding, NumberScaling, Preprocessing, Standardization, TargetColumn,
    TargetEncoding, Transform,
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
    /// Transform before the standardization.
    #[serde(skip_serializing_if = "Transform::is_identity")]
    transform: Transform,
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
            InputEncoding::Pixels | InputEncoding::Levels { .. } => None,
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
            transform: Transform::Identity,
        }
    }
}

fn inputs_of(column: &InputColumn) -> Vec<Column> {
    let named = |part: &str| Column::plain(format!("{} = {part}", column.name));
    match &column.encoding {
        ColumnEncoding::Standardize(number) => inputs_of_number(&column.name, number),
        ColumnEncoding::OneHot(categories) => categories
            .iter()
            .map(|category| match category.as_str() {
                "" => named("missing"),
                category => named(category),
            })
            .collect(),
        ColumnEncoding::Index(_) => vec![Column::plain(column.name.clone())],
        ColumnEncoding::Date(date) => {
            let mut inputs = inputs_of_number(&column.name, &date.seconds);
            let names = ["weekday", "month", "hour"].into_iter().zip([7, 12, 24]);
            for ((name, n), is_input) in names.zip(date.cycles) {
                let values = if is_input { 0..n } else { 0..0 };
                inputs.extend(values.map(|value| named(&format!("{name} {value}"))));
            }
            inputs
        }
    }
}

/// A standardized number, and the indicator of missing values if there is one.
fn inputs_of_number(name: &str, number: &NumberEncoding) -> Vec<Column> {
    let value = Column {
        name: name.to_owned(),
        standardization: match number.scaling {
            NumberScaling::Standard(standardization) => Some(standardization),
            NumberScaling::Robust(_) => None,
        },
        transform: Transform::Identity,
    };
    let indicator = number
        .has_indicator
        .then(|| Column::plain(format!("{name} = missing")));
    std::iter::once(value).chain(indicator).collect()
}

fn number(column: &TargetColumn) -> Column {
    Column {
        name: column.name.clone(),
        standardization: Some(column.standardization),
        transform: column.transform,
    }
}
