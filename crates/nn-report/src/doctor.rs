//! The diagnosis of a run: its problems, with numbers and flags to try.
//!
//! Each file of `doctor/` after `check` has a list of checks of one subject; a new
//! check is an entry of such a list. Thresholds are rules of thumb, with their reasons
//! beside them.

mod loss_range;
mod case;
mod check;
mod curves;
mod neurons;
mod objective;
mod samples;

use std::path::{Path, PathBuf};

use nn_train::Result;

use case::Case;
use check::Check;
pub use check::{Finding, Suggestion};

/// All checks, in the order of the diagnosis.
fn checks() -> impl Iterator<Item = &'static Check> {
    [
        curves::CHECKS,
        neurons::CHECKS,
        objective::CHECKS,
        samples::CHECKS,
    ]
    .into_iter()
    .flatten()
}

/// The diagnosis of a run.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// The run directory.
    pub run: PathBuf,
    /// The run in one line: its data, its network, its epochs.
    pub title: String,
    /// The name and the finding of every check.
    pub findings: Vec<(&'static str, Finding)>,
}

impl Diagnosis {
    /// Diagnoses the run in `directory`, with its model and its data set if they are
    /// available.
    ///
    /// # Errors
    /// If a file of the run is missing or damaged.
    pub fn new(directory: &Path, data_dir: &Path, allow_nonfinite: bool) -> Result<Self> {
        let case = Case::read(directory, data_dir, allow_nonfinite)?;
        Ok(Self {
            run: case.directory.clone(),
            title: case.title(),
            findings: checks()
                .map(|check| (check.name, (check.find)(&case)))
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_checks_have_the_same_name() {
        let names: HashSet<_> = checks().map(|check| check.name).collect();
        assert_eq!(names.len(), checks().count());
    }
}
