//! Permutation importance of the columns of a table, as a chart and a table.

use nn_plot::chart::{BarChart, Bars};
use nn_plot::{Axis, Column, Svg, Table, number};
use nn_train::{Evaluator, Result, Split, Splits};

use crate::permutation_importance::{ColumnImportance, N_SHUFFLES, permutation_importance};

/// Maximum number of columns in the chart.
const MAX_COLUMNS: usize = 20;

/// The permutation importance of the columns of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Importance {
    /// The split of the samples: `validation` or `test`.
    pub split: String,
    /// The columns, most important first.
    pub columns: Vec<ColumnImportance>,
}

impl Importance {
    /// The importance on the validation samples, or without any on the test samples;
    /// `None` for images and without held-out samples.
    pub(crate) fn of_held_out(
        evaluator: &Evaluator<'_>,
        splits: &Splits<'_>,
    ) -> Result<Option<Self>> {
        let (split, samples) = match &splits.test {
            _ if !splits.validation.is_empty() => (Split::Validation, &splits.validation),
            Some(test) => (Split::Test, test),
            None => return Ok(None),
        };
        let columns = permutation_importance(evaluator, samples)?;
        Ok((!columns.is_empty()).then(|| Self {
            split: split.to_string(),
            columns,
        }))
    }

    pub(crate) fn chart(&self) -> Svg {
        let columns = self.columns.iter().take(MAX_COLUMNS);
        let (names, values) = columns.map(|it| (it.column.clone(), it.mean)).unzip();
        BarChart {
            title: "Permutation importance".to_owned(),
            x_label: "column".to_owned(),
            y: Axis::new("increase in the loss"),
            names,
            series: vec![Bars {
                name: "increase in the loss".to_owned(),
                values,
            }],
        }
        .svg()
    }

    pub(crate) fn caption(&self) -> String {
        format!(
            "Mean increase in the loss on {} samples when the values of one column are shuffled, over \
             {N_SHUFFLES} shuffles. The importance of a column can be low if another \
             column has the same information.",
            self.split
        )
    }

    pub(crate) fn table(&self) -> Table {
        let columns = [Column::text("column")].into_iter();
        let numbers = ["mean", "standard deviation"].map(Column::number);
        let mut table = Table::new(columns.chain(numbers).collect());
        for ColumnImportance { column, mean, std } in &self.columns {
            table.row([column.clone(), number::number(*mean), number::number(*std)]);
        }
        table
    }
}
