//! Detection of target leakage: a single column that predicts the target, such as a copy
//! of the target under another name.

use std::collections::{HashMap, HashSet};

use crate::cells::Cells;
use crate::note::Note;
use crate::roles::Roles;
use crate::table::Table;
use crate::target::TargetEncoding;
use crate::weighted_rows::WeightedRows;

/// A column gives the target away if at most this fraction of the rows is predicted
/// wrongly.
const MAX_ERRORS: f64 = 0.001;

/// Fewer rows per group than this prove nothing.
const MIN_ROWS_PER_GROUP: usize = 10;

/// The first column that gives the only target away, if there is one.
pub(crate) fn find(
    table: &Table,
    rows: &WeightedRows<'_>,
    roles: &Roles,
    target: &TargetEncoding,
) -> Option<Note> {
    let &[target_at] = &roles.targets[..] else {
        return None;
    };
    let gives_away = |&&position: &&usize| match target {
        TargetEncoding::Classification { .. } => {
            let class = |row: usize| table.cells(target_at).key(row);
            determines_class(table.cells(position), class, &rows.rows)
        }
        TargetEncoding::Regression(_) => {
            determines_number(table.cells(position), table.cells(target_at), &rows.rows)
        }
        TargetEncoding::MultiLabel(_) => false,
    };
    let position = roles.inputs.iter().find(gives_away)?;
    Some(Note::GivesTargetAway {
        column: table.name(*position).to_owned(),
        target: table.name(target_at).to_owned(),
    })
}

/// Whether the most frequent class among the rows with the same cell is almost always
/// right, and each cell has many rows.
fn determines_class(cells: &Cells, class: impl Fn(usize) -> u64, rows: &[usize]) -> bool {
    let mut distinct = HashSet::new();
    for &row in rows {
        distinct.insert(cells.key(row));
        if distinct.len() * MIN_ROWS_PER_GROUP > rows.len() {
            return false;
        }
    }
    let mut counts: HashMap<(u64, u64), usize> = HashMap::new();
    for &row in rows {
        *counts.entry((cells.key(row), class(row))).or_default() += 1;
    }
    let mut right: HashMap<u64, usize> = HashMap::new();
    for ((key, _), count) in counts {
        let most = right.entry(key).or_default();
        *most = count.max(*most);
    }
    let errors = 1.0 - right.values().sum::<usize>() as f64 / rows.len() as f64;
    right.len() > 1 && errors <= MAX_ERRORS
}

/// Whether the correlation of two columns of numbers is almost 1 or -1.
fn determines_number(cells: &Cells, target: &Cells, rows: &[usize]) -> bool {
    let (Some(x), Some(y)) = (cells.numbers(), target.numbers()) else {
        return false;
    };
    let is_present = |row: &&usize| !x[**row].is_nan() && !y[**row].is_nan();
    let rows: Vec<usize> = rows.iter().filter(is_present).copied().collect();
    if rows.len() < MIN_ROWS_PER_GROUP {
        return false;
    }
    let mean = |of: &[f64]| rows.iter().map(|&row| of[row]).sum::<f64>() / rows.len() as f64;
    let (mean_x, mean_y) = (mean(&x), mean(&y));
    let sum = |a: &[f64], mean_a: f64, b: &[f64], mean_b: f64| -> f64 {
        rows.iter()
            .map(|&row| (a[row] - mean_a) * (b[row] - mean_b))
            .sum()
    };
    let (xx, yy) = (sum(&x, mean_x, &x, mean_x), sum(&y, mean_y, &y, mean_y));
    let xy = sum(&x, mean_x, &y, mean_y);
    xx > 0.0 && yy > 0.0 && xy * xy >= (1.0 - MAX_ERRORS) * xx * yy
}
