//! `nn data info FILE.csv`: shows the contents of a table and how it will be read.

use std::path::Path;

use clap::Args;
use nn_table::summary::{ColumnSummary, Summary};
use nn_table::{ErrorKind, Header, Note, Preprocessing, Separator, Table, TableOptions, Task};
use nn_train::table::{STDIN, read_bytes};
use nn_train::{Choice, Result, Settings, SplitOptions};
use serde_json::json;

use crate::exit::as_typed;
use crate::terminal;

/// How a table is read: the flags of `nn train`.
#[derive(Args, Clone, Debug)]
pub(crate) struct TableArguments {
    /// Column to predict, or several columns separated by commas
    #[arg(long, value_name = "COLUMN")]
    target: Option<String>,
    /// Task: auto, classification, regression or multi-label
    #[arg(long, value_name = "TASK")]
    task: Option<Choice<Task>>,
    /// Whether the first row has the column names: auto, yes or no
    #[arg(long, value_name = "auto|yes|no")]
    header: Option<Choice<Header>>,
    /// Field separator: comma, semicolon, tab, pipe or blanks
    #[arg(long, value_name = "NAME", alias = "sep", alias = "delimiter")]
    separator: Option<Choice<Separator>>,
    /// Missing-value markers, besides empty cells, NA, N/A, NaN, null, None, ? and -
    #[arg(long, value_name = "MARK,...", alias = "na-values")]
    missing: Option<String>,
    /// TOML file that sets the types of columns
    #[arg(long, value_name = "FILE")]
    schema: Option<String>,
    /// Columns whose numbers are categories, not quantities
    #[arg(long, value_name = "COLUMN,...")]
    categorical: Option<String>,
    /// Columns to ignore
    #[arg(long, value_name = "COLUMN,...")]
    ignore: Option<String>,
}

impl TableArguments {
    pub(super) fn settings(&self) -> Settings {
        let Self {
            target,
            task,
            header,
            separator,
            missing,
            schema,
            categorical,
            ignore,
        } = self.clone();
        Settings {
            target,
            task,
            header,
            separator,
            missing,
            schema,
            categorical,
            ignore,
            ..Settings::default()
        }
    }
}

/// Prints one line per column of a table, and what is doubtful.
pub(super) fn table_info(path: &Path, settings: &Settings, as_json: bool) -> Result<()> {
    let options = SplitOptions::new(settings)?.table;
    let table = match path.as_os_str() == STDIN {
        true => Table::parse(path, &read_bytes(path)?, &options)?,
        false => Table::read(path, &options)?,
    };
    let mut notes = table.notes().to_vec();
    let fitted = match fit(table.clone(), &options, &mut notes) {
        Err(error) if error.kind() == ErrorKind::Usage => return Err(error.into()),
        fitted => fitted,
    };
    let summary = Summary::new(&table, fitted.as_ref().ok());
    if as_json {
        let notes: Vec<String> = notes
            .iter()
            .map(|note| as_typed(&note.to_string()))
            .collect();
        let file = path.display().to_string();
        terminal::line(json!({ "file": file, "table": summary, "notes": notes }));
    } else {
        show(&summary, &notes);
    }
    fitted?;
    Ok(())
}

/// Fits the preprocessing to all rows with a target, to know the roles of the columns.
fn fit(
    mut table: Table,
    options: &TableOptions,
    notes: &mut Vec<Note>,
) -> Result<Preprocessing, nn_table::Error> {
    notes.extend(Preprocessing::drop_missing_targets(&mut table, options)?);
    let rows: Vec<usize> = (0..table.n_rows()).collect();
    let (fitted, fitted_notes) = Preprocessing::fit(&table, &rows, options)?;
    notes.extend(fitted_notes);
    Ok(fitted)
}

fn show(summary: &Summary, notes: &[Note]) {
    for line in summary.lines().take(2) {
        terminal::line(line);
    }
    if let Some(encoding) = summary.encoding.as_deref().filter(|it| *it != "UTF-8") {
        terminal::line(format!("encoding {encoding}"));
    }
    if let (Some(task), Some(inputs)) = (summary.task, summary.inputs) {
        terminal::line(format!(
            "task {task}, {}",
            terminal::counted(inputs, "network input")
        ));
    }
    terminal::line("");
    let head = [
        "column",
        "type",
        "missing",
        "distinct",
        "range or examples",
        "becomes",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(summary.columns.iter().map(cells));
    aligned(&rows).iter().for_each(terminal::line);
    if !notes.is_empty() {
        terminal::line("");
    }
    for note in notes {
        terminal::line(format!("note: {}", as_typed(&note.to_string())));
    }
}

fn cells(column: &ColumnSummary) -> [String; 6] {
    let distinct = match (column.distinct, column.type_name) {
        (_, "ignored") => String::new(),
        (Some(n), _) => n.to_string(),
        (None, _) => "over 10000".to_owned(),
    };
    let values = match &column.range {
        Some((least, most)) => format!("{least} to {most}"),
        None => column.examples.join(", "),
    };
    [
        column.name.clone(),
        column.type_name.to_owned(),
        column.missing.to_string(),
        distinct,
        values,
        column.becomes.clone(),
    ]
}

/// Lines with the cells of each column below each other; counts are aligned right.
fn aligned<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    const RIGHT: [usize; 2] = [2, 3];
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, &width))| match RIGHT.contains(&column) {
            true => format!("{cell:>width$}"),
            false => format!("{cell:width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}
