//! Decides whether the first row of a table holds the column names.

use crate::cells::is_value;
use crate::column::is_missing;

/// Evidence for and against a header, one vote per column.
#[derive(Debug, Default)]
pub(crate) struct Votes {
    /// Columns of numbers or dates that begin with a word.
    n_words_above_values: usize,
    /// Columns of numbers or dates that begin with a number or date.
    n_values_above_values: usize,
    /// Columns of words whose first word occurs again below.
    n_repeated_words: usize,
    /// The first row counts: 0, 1, 2, ... or 2019, 2020, 2021.
    pub(crate) are_numbered_names: bool,
    /// The first column with a vote for a header, and against it.
    pub(crate) header_at: Option<usize>,
    pub(crate) data_at: Option<usize>,
}

impl Votes {
    pub(crate) fn of(first: &[String], below: &[Vec<String>], marks: &[String]) -> Self {
        let mut votes = Self {
            are_numbered_names: are_numbered_names(first),
            ..Self::default()
        };
        for (position, cell) in first.iter().enumerate() {
            if is_missing(cell, marks) {
                continue;
            }
            let cells = below
                .iter()
                .filter_map(|row| row.get(position))
                .filter(|cell| !is_missing(cell, marks));
            let n_present = cells.clone().count();
            let n_values = cells.clone().filter(|cell| is_value(cell)).count();
            let are_values = n_values * 2 > n_present || (n_present == 0 && is_value(cell));
            match (are_values, is_value(cell)) {
                (true, false) => {
                    votes.n_words_above_values += 1;
                    votes.header_at.get_or_insert(position);
                }
                (true, true) => {
                    votes.n_values_above_values += 1;
                    votes.data_at.get_or_insert(position);
                }
                (false, _) if cells.clone().any(|other| other == cell) => {
                    votes.n_repeated_words += 1;
                    votes.data_at.get_or_insert(position);
                }
                (false, _) => {}
            }
        }
        votes
    }

    /// Whether the first row is a header; `None` if the evidence conflicts.
    pub(crate) fn decide(&self) -> Option<bool> {
        let for_data = self.n_values_above_values + self.n_repeated_words;
        match (self.n_words_above_values, for_data) {
            _ if self.are_numbered_names && self.n_repeated_words == 0 => Some(true),
            (_, 0) => Some(true),
            (0, _) => Some(false),
            (for_header, _) if self.n_values_above_values == 0 => {
                (self.n_repeated_words <= for_header).then_some(true)
            }
            _ => None,
        }
    }
}

/// Whether the numbers of a first row are at least three consecutive whole numbers,
/// as pandas names columns, or years.
fn are_numbered_names(first: &[String]) -> bool {
    let numbers: Vec<i64> = first.iter().filter_map(|cell| cell.parse().ok()).collect();
    let n_values = first.iter().filter(|cell| is_value(cell)).count();
    let starts_well = numbers
        .first()
        .is_some_and(|&first| (0..=1).contains(&first) || (1900..=2100).contains(&first));
    numbers.len() >= 3
        && numbers.len() == n_values
        && starts_well
        && numbers.windows(2).all(|pair| pair[0] + 1 == pair[1])
}
