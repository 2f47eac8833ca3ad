//! Exchange of values between the processes that share one training run.
//!
//! An exchange only moves values and never adds them, so the summation order, and with it
//! every bit of the result, does not depend on the number of processes. An implementation
//! for MPI is in the crate `nn-mpi`.

use std::fmt::Debug;

use nn_error::{Error, Result, shorten};

/// Largest number of bytes that [`broadcast`] sends at once.
const MAX_BROADCAST: usize = 1 << 28;

/// Number of bytes for the problem that a process reports.
const PROBLEM_BYTES: usize = 512;

/// The processes that share one training run, and the exchange of values between them.
///
/// All methods that exchange values are collective: every process calls them in the same
/// order with the same lengths and bounds, and a call returns when its values are complete.
///
/// An implementation for a single process has nothing to do:
///
/// ```
/// use nn_core::{Exchange, Result};
///
/// #[derive(Debug)]
/// struct SingleProcess;
///
/// impl<S> Exchange<S> for SingleProcess {
///     fn rank(&self) -> usize {
///         0
///     }
///
///     fn n_processes(&self) -> usize {
///         1
///     }
///
///     fn all_gather(&self, _values: &mut [S], _bounds: &[usize]) -> Result<()> {
///         Ok(())
///     }
///
///     fn all_gather_bytes(&self, _bytes: &mut [u8], _bounds: &[usize]) -> Result<()> {
///         Ok(())
///     }
/// }
///
/// let exchange: &dyn Exchange<f32> = &SingleProcess;
/// assert_eq!(nn_core::exchange::broadcast(exchange, vec![1, 2, 3])?, [1, 2, 3]);
/// # Ok::<(), nn_core::Error>(())
/// ```
pub trait Exchange<S>: Debug + Send + Sync {
    /// The number of this process, counted from 0.
    fn rank(&self) -> usize;

    /// The number of processes.
    fn n_processes(&self) -> usize;

    /// Completes `values` on every process: process k provides the values from `bounds[k]`
    /// to `bounds[k + 1]`, and receives all others.
    ///
    /// `bounds` has one element more than there are processes; the first is 0 and the last
    /// is the number of values. A part may be empty.
    ///
    /// # Errors
    /// Returns an error if the exchange failed. The training run cannot continue then.
    fn all_gather(&self, values: &mut [S], bounds: &[usize]) -> Result<()>;

    /// As [`all_gather`](Self::all_gather), for bytes.
    ///
    /// # Errors
    /// Returns an error if the exchange failed. The training run cannot continue then.
    fn all_gather_bytes(&self, bytes: &mut [u8], bounds: &[usize]) -> Result<()>;

    /// Called when this process cannot continue because of an error that other processes do
    /// not have, such as a sample that cannot be read. The others then wait for values that
    /// never arrive, so the program should end them after it has reported the error.
    fn abandon(&self) {}
}

/// Sends the bytes of process 0 to all processes, and returns them. The bytes of other
/// processes are ignored.
///
/// # Errors
/// Returns an error if the exchange failed.
pub fn broadcast<S>(exchange: &dyn Exchange<S>, mut bytes: Vec<u8>) -> Result<Vec<u8>> {
    let mut length = (bytes.len() as u64).to_le_bytes();
    broadcast_into(exchange, &mut length)?;
    let length = usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX);
    bytes
        .try_reserve(length.saturating_sub(bytes.len()))
        .map_err(|_| Error::OutOfMemory {
            bytes: length as u64,
        })?;
    bytes.resize(length, 0);
    for chunk in bytes.chunks_mut(MAX_BROADCAST) {
        broadcast_into(exchange, chunk)?;
    }
    Ok(bytes)
}

/// Overwrites `bytes` with the bytes of process 0.
pub(crate) fn broadcast_into<S>(exchange: &dyn Exchange<S>, bytes: &mut [u8]) -> Result<()> {
    let mut bounds = vec![bytes.len(); exchange.n_processes() + 1];
    bounds[0] = 0;
    exchange.all_gather_bytes(bytes, &bounds)
}

/// Checks that facts, such as the version of the program, are the same on all processes.
/// Every process returns the same result.
///
/// ```
/// # #[derive(Debug)]
/// # struct SingleProcess;
/// # impl nn_core::Exchange<f32> for SingleProcess {
/// #     fn rank(&self) -> usize { 0 }
/// #     fn n_processes(&self) -> usize { 1 }
/// #     fn all_gather(&self, _: &mut [f32], _: &[usize]) -> nn_core::Result<()> { Ok(()) }
/// #     fn all_gather_bytes(&self, _: &mut [u8], _: &[usize]) -> nn_core::Result<()> { Ok(()) }
/// # }
/// let facts = [("version".to_owned(), "0.3.0".to_owned())];
/// nn_core::exchange::check_same(&SingleProcess, &facts)?;
/// # Ok::<(), nn_core::Error>(())
/// ```
///
/// # Errors
/// Returns [`Error::Conflict`] with the number of the first process that differs from
/// process 0, and the first fact that differs.
pub fn check_same<S>(exchange: &dyn Exchange<S>, facts: &[(String, String)]) -> Result<()> {
    let line = |(name, value): &(String, String)| format!("{name}\t{value}").replace('\n', " ");
    let own: Vec<String> = facts.iter().map(line).collect();
    let first = broadcast(exchange, own.join("\n").into_bytes())?;
    let first = String::from_utf8_lossy(&first);
    let problem = first_difference(&first, &own).unwrap_or_default();
    match first_problem(exchange, &problem)? {
        None => Ok(()),
        Some((process, problem)) => Err(Error::Conflict {
            what: format!("process {process}"),
            problem,
        }),
    }
}

/// The first line that differs between process 0 and this process.
fn first_difference(first: &str, own: &[String]) -> Option<String> {
    let mut expected = first.lines();
    let mut found = own.iter().map(String::as_str);
    loop {
        match (expected.next(), found.next()) {
            (None, None) => return None,
            (expected, found) if expected == found => {}
            (expected, found) => {
                let line = expected.or(found).unwrap_or_default();
                let name = line.split('\t').next().unwrap_or_default();
                let value = |line: Option<&str>| {
                    let value = line.and_then(|line| line.strip_prefix(name)?.strip_prefix('\t'));
                    value.map_or_else(|| "none".to_owned(), shorten)
                };
                let (expected, found) = (value(expected), value(found));
                return Some(format!("{name}: process 0 has {expected}, found {found}"));
            }
        }
    }
}

/// The first process with a problem, and the problem. All processes call this function, with
/// an empty text if there is no problem.
fn first_problem<S>(exchange: &dyn Exchange<S>, problem: &str) -> Result<Option<(usize, String)>> {
    let (rank, n_processes) = (exchange.rank(), exchange.n_processes());
    let mut problems = vec![0; n_processes * PROBLEM_BYTES];
    let length = problem.len().min(PROBLEM_BYTES);
    let own = &mut problems[rank * PROBLEM_BYTES..];
    own[..length].copy_from_slice(&problem.as_bytes()[..length]);
    let bounds: Vec<usize> = (0..=n_processes).map(|k| k * PROBLEM_BYTES).collect();
    exchange.all_gather_bytes(&mut problems, &bounds)?;
    let texts = problems.chunks(PROBLEM_BYTES).map(|text| {
        let text = String::from_utf8_lossy(text);
        text.trim_end_matches('\0').to_owned()
    });
    Ok(texts.enumerate().find(|(_, text)| !text.is_empty()))
}

/// Splits `n` elements into `n_parts` parts of about the same length.
pub(crate) fn even_bounds(n: usize, n_parts: usize) -> impl Iterator<Item = usize> + Clone {
    (0..=n_parts).map(move |part| n * part / n_parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_name_the_fact_and_both_values() {
        let own = ["version\t2".to_owned(), "data\tabc".to_owned()];
        assert_eq!(first_difference("version\t2\ndata\tabc", &own), None);
        assert_eq!(
            first_difference("version\t1\ndata\tabc", &own).as_deref(),
            Some("version: process 0 has 1, found 2")
        );
        assert_eq!(
            first_difference("version\t2", &own).as_deref(),
            Some("data: process 0 has none, found abc")
        );
    }

    #[test]
    fn parts_differ_by_at_most_one_element() {
        assert!(even_bounds(10, 4).eq([0, 2, 5, 7, 10]));
        assert!(even_bounds(1, 3).eq([0, 0, 0, 1]));
    }
}
