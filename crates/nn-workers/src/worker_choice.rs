//! The number of a worker, given or read from the variables of a job scheduler.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::worker::{Worker, number};

const SLURM_ID: &str = "SLURM_ARRAY_TASK_ID";
const SLURM_MIN: &str = "SLURM_ARRAY_TASK_MIN";
const SLURM_STEP: &str = "SLURM_ARRAY_TASK_STEP";
const SLURM_COUNT: &str = "SLURM_ARRAY_TASK_COUNT";
const KUBERNETES_INDEX: &str = "JOB_COMPLETION_INDEX";
const OPEN_MPI_RANK: &str = "OMPI_COMM_WORLD_RANK";
const OPEN_MPI_SIZE: &str = "OMPI_COMM_WORLD_SIZE";

/// The choice of a worker: `K/N`, or `auto` for the number that the job scheduler assigned.
///
/// | scheduler | number of the worker | number of workers |
/// |---|---|---|
/// | Slurm array job | (`SLURM_ARRAY_TASK_ID` - `SLURM_ARRAY_TASK_MIN`) / `SLURM_ARRAY_TASK_STEP` | `SLURM_ARRAY_TASK_COUNT` |
/// | Kubernetes indexed Job | `JOB_COMPLETION_INDEX` | not set, so give `auto/N` |
/// | Open MPI | `OMPI_COMM_WORLD_RANK` | `OMPI_COMM_WORLD_SIZE` |
///
/// ```
/// use nn_workers::WorkerChoice;
///
/// let choice: WorkerChoice = "auto/3".parse()?;
/// let worker = choice.resolve(|name| (name == "JOB_COMPLETION_INDEX").then(|| "2".to_owned()))?;
/// assert_eq!(worker.to_string(), "2/3");
/// # Ok::<(), nn_workers::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerChoice {
    /// This worker.
    Given(Worker),
    /// The worker that the job scheduler assigned.
    Auto {
        /// Number of workers, if the variables of the scheduler do not decide.
        count: Option<usize>,
    },
}

impl WorkerChoice {
    /// Returns the worker; `variable` reads an environment variable.
    ///
    /// # Errors
    /// Returns [`Error::NoJob`], [`Error::SeveralJobs`], [`Error::NoCount`], [`Error::Variable`] or
    /// [`Error::Index`] if the variables of the job scheduler do not define one worker.
    pub fn resolve(self, variable: impl Fn(&str) -> Option<String>) -> Result<Worker> {
        let count = match self {
            Self::Given(worker) => return Ok(worker),
            Self::Auto { count } => count,
        };
        let mut found = [SLURM_ID, KUBERNETES_INDEX, OPEN_MPI_RANK]
            .into_iter()
            .filter(|name| variable(name).is_some());
        let name = found.next().ok_or(Error::NoJob)?;
        if let Some(other) = found.next() {
            return Err(Error::SeveralJobs(name, other));
        }
        let read = |name| read(name, &variable);
        let (index, n_tasks) = match name {
            SLURM_ID => {
                let first = read(SLURM_MIN)?.unwrap_or(0);
                let step = read(SLURM_STEP)?.unwrap_or(1).max(1);
                let index = read(name)?.map(|id| id.saturating_sub(first) / step);
                (index, read(SLURM_COUNT)?)
            }
            OPEN_MPI_RANK => (read(name)?, read(OPEN_MPI_SIZE)?),
            _ => (read(name)?, None),
        };
        let count = count.or(n_tasks).ok_or(Error::NoCount { variable: name })?;
        Worker::new(index.unwrap_or_default(), count)
    }
}

/// Reads a variable that must be a whole number if it is set.
fn read(name: &'static str, variable: impl Fn(&str) -> Option<String>) -> Result<Option<usize>> {
    let Some(text) = variable(name) else {
        return Ok(None);
    };
    number(&text).map(Some).ok_or(Error::Variable {
        variable: name,
        found: text,
    })
}

impl fmt::Display for WorkerChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(worker) => worker.fmt(f),
            Self::Auto { count: None } => f.write_str("auto"),
            Self::Auto { count: Some(count) } => write!(f, "auto/{count}"),
        }
    }
}

impl FromStr for WorkerChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some(rest) = text.strip_prefix("auto") else {
            return text.parse().map(Self::Given);
        };
        if rest.is_empty() {
            return Ok(Self::Auto { count: None });
        }
        let count = rest.strip_prefix('/').and_then(number).filter(|&n| n > 0);
        match count {
            Some(_) => Ok(Self::Auto { count }),
            None => Err(Error::Text {
                text: text.to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(choice: &str, variables: &[(&str, &str)]) -> Result<String> {
        let choice: WorkerChoice = choice.parse()?;
        let worker = choice.resolve(|name| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        worker.map(|worker| worker.to_string())
    }

    #[test]
    fn job_schedulers_number_the_workers() {
        let slurm = [
            ("SLURM_ARRAY_TASK_ID", "7"),
            ("SLURM_ARRAY_TASK_MIN", "5"),
            ("SLURM_ARRAY_TASK_COUNT", "4"),
        ];
        assert_eq!(resolve("auto", &slurm).unwrap(), "2/4");
        // The tasks of --array=5-11:2 are 5, 7, 9 and 11.
        let with_step = [&slurm[..], &[("SLURM_ARRAY_TASK_STEP", "2")]].concat();
        assert_eq!(resolve("auto", &with_step).unwrap(), "1/4");
        let mpi = [("OMPI_COMM_WORLD_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "2")];
        assert_eq!(resolve("auto", &mpi).unwrap(), "1/2");
        let kubernetes = [("JOB_COMPLETION_INDEX", "0")];
        assert_eq!(resolve("auto/3", &kubernetes).unwrap(), "0/3");
        assert_eq!(resolve("1/2", &slurm).unwrap(), "1/2");
    }

    #[test]
    fn incomplete_variables_are_rejected() {
        let index = ("JOB_COMPLETION_INDEX", "0");
        let rank = ("OMPI_COMM_WORLD_RANK", "0");
        let cases: [(&str, &[_], &str); 6] = [
            ("auto", &[], "found none of them"),
            ("auto", &[index], "the number of workers is not known"),
            ("auto", &[index, rank], "are both set"),
            ("auto/2", &[("JOB_COMPLETION_INDEX", "x")], "found \"x\""),
            ("auto/2", &[("JOB_COMPLETION_INDEX", "2")], "from 0 to 1"),
            ("auto/0", &[index], "found \"auto/0\""),
        ];
        for (choice, variables, expected) in cases {
            let error = resolve(choice, variables).unwrap_err().to_string();
            assert!(error.contains(expected), "{choice}: {error}");
        }
        // Task 9 of --array=1,5,9 has number 8 of 3.
        let gaps = [
            ("SLURM_ARRAY_TASK_ID", "9"),
            ("SLURM_ARRAY_TASK_MIN", "1"),
            ("SLURM_ARRAY_TASK_COUNT", "3"),
        ];
        let error = resolve("auto", &gaps).unwrap_err();
        assert!(error.help().unwrap().contains("without gaps"), "{error}");
    }
}
