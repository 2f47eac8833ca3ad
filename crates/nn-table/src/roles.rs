//! The role of each column (input, target or sample weight), and the learning task.

use std::collections::BTreeSet;

use crate::cells::{Cells, MISSING};
use crate::column::ColumnType;
use crate::error::CellProblem;
use crate::note::Note;
use crate::options::{TableOptions, Task};
use crate::pixels;
use crate::table::Table;
use crate::{Error, Result};

/// Maximum number of distinct whole numbers that are inferred as classes.
const MAX_INFERRED_CLASSES: usize = 20;

/// A text column with more distinct values than this is left out if more than half of
/// its texts are distinct.
const MAX_DISTINCT_TEXTS: usize = 30;

/// Usual names of target columns, in the order of their precedence.
const TARGET_NAMES: [&str; 4] = ["label", "target", "class", "y"];

/// Usual names of a column that counts the rows. A column without a name is called
/// `column1` if it is the first one.
const COUNTER_NAMES: [&str; 7] = [
    "id",
    "index",
    "idx",
    "row",
    "rowid",
    "unnamed: 0",
    "column1",
];

/// Indices of the columns by role.
pub(crate) struct Roles {
    pub(crate) inputs: Vec<usize>,
    pub(crate) targets: Vec<usize>,
    pub(crate) sample_weight: Option<usize>,
    /// Columns that only decide the split.
    pub(crate) split_only: Vec<usize>,
    /// The input column that orders the rows by time.
    pub(crate) order: Option<usize>,
    /// Columns that are left out, and why.
    pub(crate) left_out: Vec<(usize, Note)>,
}

impl Roles {
    pub(crate) fn of(table: &Table, options: &TableOptions) -> Result<Self> {
        let targets = targets(table, options)?;
        let weight = options.sample_weight.as_deref();
        let weight = weight.map(|name| table.position(name)).transpose()?;
        let names = options.group_and_split();
        let mut split_only = names
            .map(|name| table.position(name))
            .collect::<Result<Vec<_>>>()?;
        let mut taken = [&targets[..], &split_only].concat();
        taken.extend(weight);
        if let Some(&twice) = (1..taken.len())
            .find(|&i| taken[..i].contains(&taken[i]))
            .map(|i| &taken[i])
        {
            return Err(conflict(table, twice));
        }
        let order = options.order_by.as_deref();
        let order = order.map(|name| table.position(name)).transpose()?;
        let is_free = |&i: &usize| {
            !taken.contains(&i) && !table.is_ignored(i) && !options.ignores(table.name(i))
        };
        let (left_out, inputs): (Vec<_>, Vec<_>) = (0..table.n_columns())
            .filter(is_free)
            .map(|position| (position, reason_to_leave_out(table, position, options)))
            .partition(|(_, reason)| reason.is_some());
        if inputs.is_empty() {
            return Err(Error::NoInputs {
                path: table.path().to_owned(),
                columns: table.names().map(str::to_owned).collect(),
            });
        }
        let inputs: Vec<usize> = inputs.into_iter().map(|(position, _)| position).collect();
        let is_other = |position: &usize| !taken.contains(position) && !inputs.contains(position);
        split_only.extend(order.filter(is_other));
        let reasons = left_out
            .into_iter()
            .filter_map(|(position, reason)| Some((position, reason?)));
        Ok(Self {
            order: order.filter(|position| inputs.contains(position)),
            inputs,
            targets,
            sample_weight: weight,
            split_only,
            left_out: reasons.collect(),
        })
    }
}

/// Names of the target columns.
///
/// # Errors
/// Returns [`Error::UnknownColumn`], [`Error::ConflictingRoles`] or [`Error::NoTarget`].
pub(crate) fn targets(table: &Table, options: &TableOptions) -> Result<Vec<usize>> {
    let Some(target) = options.target.as_deref() else {
        let usual = TARGET_NAMES.iter().find_map(|usual| {
            let mut names = table.names();
            names.position(|name| name.eq_ignore_ascii_case(usual))
        });
        let is_free = |position: &usize| can_be_target(table, *position, options);
        return match usual.filter(is_free) {
            Some(position) => Ok(vec![position]),
            None => default_target(table, options).map(|position| vec![position]),
        };
    };
    if let Some(position) = table.find(target) {
        return check_target(table, position).map(|position| vec![position]);
    }
    target
        .split(',')
        .map(|name| check_target(table, table.position(name.trim())?))
        .collect()
}

/// Checks that a target column is not skipped.
fn check_target(table: &Table, position: usize) -> Result<usize> {
    if table.is_ignored(position) {
        return Err(conflict(table, position));
    }
    Ok(position)
}

fn conflict(table: &Table, position: usize) -> Error {
    Error::ConflictingRoles {
        path: table.path().to_owned(),
        column: table.name(position).to_owned(),
    }
}

/// Whether a column can be the target although nobody asked for it.
fn can_be_target(table: &Table, position: usize, options: &TableOptions) -> bool {
    let name = table.name(position);
    let is_split = options.group_and_split().any(|it| it == name);
    !table.is_ignored(position) && !options.ignores(name) && !is_split
}

/// The label column for images, otherwise the last column.
fn default_target(table: &Table, options: &TableOptions) -> Result<usize> {
    let no_target = || Error::NoTarget {
        path: table.path().to_owned(),
    };
    if let Some(pixels) = pixels::positions(table) {
        let is_label = |position: &usize| {
            !pixels.contains(position) && can_be_target(table, *position, options)
        };
        let mut labels = (0..table.n_columns()).filter(is_label);
        return match (labels.next(), labels.next()) {
            (Some(label), None) => Ok(label),
            _ => Err(no_target()),
        };
    }
    let mut from_last = (0..table.n_columns()).rev();
    from_last
        .find(|&position| can_be_target(table, position, options))
        .ok_or_else(no_target)
}

/// Why a column is no input, although nobody asked to leave it out.
fn reason_to_leave_out(table: &Table, position: usize, options: &TableOptions) -> Option<Note> {
    let name = table.name(position);
    if options.type_of(name).is_some() {
        return None;
    }
    let column = name.to_owned();
    match table.cells(position) {
        Cells::Words { words, codes } => {
            let n_rows = codes.iter().filter(|&&code| code != MISSING).count();
            let n_distinct = words.len();
            let is_text = n_distinct > MAX_DISTINCT_TEXTS && n_distinct * 2 > n_rows;
            is_text.then_some(Note::LeftOut {
                column,
                n_distinct,
                n_rows,
            })
        }
        _ => counts_rows(table, position).then_some(Note::RowNumbers { column }),
    }
}

fn counts_rows(table: &Table, position: usize) -> bool {
    let name = table.name(position);
    let is_named = COUNTER_NAMES
        .iter()
        .any(|usual| usual.eq_ignore_ascii_case(name));
    if !is_named || !table.has_header() || table.n_rows() < 3 {
        return false;
    }
    let numbers = table.cells(position).numbers().unwrap_or_default();
    numbers.windows(2).all(|pair| pair[0] + 1.0 == pair[1])
}

/// Infers the task by the rules of [`Task::Auto`].
pub(crate) fn infer_task(
    table: &Table,
    targets: &[usize],
    task: Task,
    notes: &mut Vec<Note>,
) -> Task {
    if task != Task::Auto {
        return task;
    }
    let &[position] = targets else {
        return if check_labels(table, targets).is_ok() {
            Task::MultiLabel
        } else {
            Task::Regression
        };
    };
    if let ColumnType::Category = table.column_type(position) {
        return Task::Classification;
    }
    let numbers = table.cells(position).numbers().unwrap_or_default();
    let are_whole = numbers.iter().all(|number| number.fract() == 0.0);
    let n_values = numbers
        .iter()
        .map(|number| number.to_bits())
        .collect::<BTreeSet<_>>()
        .len();
    let is_few = n_values <= MAX_INFERRED_CLASSES && n_values * 10 <= numbers.len();
    let is_image_label = pixels::positions(table).is_some();
    let inferred = if are_whole && (is_few || n_values <= 2 || is_image_label) {
        Task::Classification
    } else {
        Task::Regression
    };
    notes.push(Note::TaskInferred {
        column: table.name(position).to_owned(),
        task: inferred,
        n_values,
    });
    inferred
}

/// Checks that all cells of the target columns are 0 or 1.
pub(crate) fn check_labels(table: &Table, positions: &[usize]) -> Result<()> {
    for &position in positions {
        let numbers = table.complete_numbers(position)?;
        if let Some(row) = numbers
            .iter()
            .position(|&label| label != 0.0 && label != 1.0)
        {
            return Err(table.bad_cell(position, row, CellProblem::NotBinary));
        }
    }
    Ok(())
}
