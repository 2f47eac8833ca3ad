//! Columns that decide how a table is split: groups, time order, or the split of each row.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::Result;
use crate::cells::Cells;
use crate::error::CellProblem;
use crate::table::Table;

impl Table {
    /// The group of each row: rows with equal cells in `column` have the same number.
    /// Groups are numbered from 0 in the order of their first row.
    ///
    /// ```
    /// use std::path::Path;
    /// use nn_table::{Table, TableOptions};
    ///
    /// let text = b"patient,x\nb,1\na,2\nb,3\n";
    /// let table = Table::parse(Path::new("t.csv"), text, &TableOptions::default())?;
    /// assert_eq!(table.groups("patient")?, [0, 1, 0]);
    /// # Ok::<(), nn_table::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::UnknownColumn`](crate::Error::UnknownColumn) for an unknown name,
    /// [`Error::BadCell`](crate::Error::BadCell) for a missing value.
    pub fn groups(&self, column: &str) -> Result<Vec<u32>> {
        let cells = self.cells(self.complete(column)?);
        let mut numbers = HashMap::new();
        let group = |row| {
            let next = numbers.len() as u32;
            *numbers.entry(cells.key(row)).or_insert(next)
        };
        Ok((0..self.n_rows()).map(group).collect())
    }

    /// The rank of each row in the ascending order of the cells in `column`, from 0; rows
    /// with equal cells have the same rank.
    ///
    /// ```
    /// use std::path::Path;
    /// use nn_table::{Table, TableOptions};
    ///
    /// let text = b"day,x\n2024-03-01,1\n2024-01-31,2\n2024-02-10,3\n";
    /// let table = Table::parse(Path::new("t.csv"), text, &TableOptions::default())?;
    /// assert_eq!(table.ranks("day")?, [2, 0, 1]);
    /// # Ok::<(), nn_table::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::UnknownColumn`](crate::Error::UnknownColumn) for an unknown name,
    /// [`Error::BadCell`](crate::Error::BadCell) for a missing value, and for a cell that
    /// is neither a number nor a date.
    pub fn ranks(&self, column: &str) -> Result<Vec<u32>> {
        let position = self.complete(column)?;
        match self.cells(position) {
            Cells::Words { words, codes } => {
                // Whole numbers beyond 2^53, or with leading zeros, are kept as words.
                let word = |row: usize| words[codes[row] as usize].as_str();
                let is_number = |row| word(row).bytes().all(|byte| byte.is_ascii_digit());
                if let Some(row) = (0..self.n_rows()).find(|&row| !is_number(row)) {
                    return Err(self.bad_cell(position, row, CellProblem::NotOrdered));
                }
                let key = |row| {
                    let digits = word(row).trim_start_matches('0');
                    (digits.len(), digits)
                };
                Ok(ranks(self.n_rows(), |a, b| key(a).cmp(&key(b))))
            }
            cells => {
                // Adding 0 makes -0 and 0 the same.
                let number = |row| cells.number(row) + 0.0;
                Ok(ranks(self.n_rows(), |a, b| number(a).total_cmp(&number(b))))
            }
        }
    }

    /// The split of each row: the result of `parse` for the text of the cell in `column`.
    ///
    /// # Errors
    /// Returns [`Error::UnknownColumn`](crate::Error::UnknownColumn) for an unknown name,
    /// [`Error::BadCell`](crate::Error::BadCell) for a missing value, and for a text for
    /// which `parse` returns `None`.
    pub fn splits<S>(&self, column: &str, parse: impl Fn(&str) -> Option<S>) -> Result<Vec<S>> {
        let position = self.complete(column)?;
        let split = |row| {
            let parsed = parse(&self.word(position, row));
            parsed.ok_or_else(|| self.bad_cell(position, row, CellProblem::NotASplit))
        };
        (0..self.n_rows()).map(split).collect()
    }

    /// Index of a column without missing values.
    fn complete(&self, column: &str) -> Result<usize> {
        let position = self.position(column)?;
        let cells = self.cells(position);
        match (0..self.n_rows()).find(|&row| cells.is_missing(row)) {
            Some(row) => Err(self.bad_cell(position, row, CellProblem::Missing)),
            None => Ok(position),
        }
    }
}

/// The rank of each of `n` rows, which are compared by their numbers; equal rows have the
/// same rank.
fn ranks(n: usize, compare: impl Fn(usize, usize) -> Ordering) -> Vec<u32> {
    let mut rows: Vec<usize> = (0..n).collect();
    rows.sort_by(|&a, &b| compare(a, b));
    let mut ranks = vec![0; n];
    for pair in rows.windows(2) {
        let is_later = compare(pair[0], pair[1]).is_ne();
        ranks[pair[1]] = ranks[pair[0]] + u32::from(is_later);
    }
    ranks
}
