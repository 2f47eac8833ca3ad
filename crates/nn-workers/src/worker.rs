//! The number of a worker.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// One of several workers, such as worker 0 of 4, written `0/4`.
///
/// ```
/// use nn_workers::Worker;
///
/// let worker: Worker = "3/4".parse()?;
/// assert_eq!((worker.index(), worker.count()), (3, 4));
/// let error = "4/4".parse::<Worker>().unwrap_err();
/// assert_eq!(error.to_string(), "expected a worker from 0 to 3, found 4/4");
/// # Ok::<(), nn_workers::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worker {
    index: usize,
    count: usize,
}

impl Worker {
    /// Creates worker `index`, counted from 0, of `count` workers.
    ///
    /// # Errors
    /// Returns [`Error::Index`] unless `index` is below `count`.
    pub fn new(index: usize, count: usize) -> Result<Self> {
        match index < count {
            true => Ok(Self { index, count }),
            false => Err(Error::Index {
                index,
                count: count.max(1),
            }),
        }
    }

    /// Number of the worker, counted from 0.
    pub fn index(self) -> usize {
        self.index
    }

    /// Number of workers.
    pub fn count(self) -> usize {
        self.count
    }
}

impl fmt::Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Worker {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers = text.split_once('/').and_then(|(index, count)| {
            Some((number(index)?, number(count).filter(|&count| count > 0)?))
        });
        let (index, count) = numbers.ok_or_else(|| Error::Text {
            text: text.to_owned(),
        })?;
        Self::new(index, count)
    }
}

/// Parses a whole number without a sign.
pub(crate) fn number(text: &str) -> Option<usize> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_and_read_back() {
        for text in ["0/1", "3/4", "9/10"] {
            assert_eq!(text.parse::<Worker>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn invalid_numbers_are_rejected() {
        for text in [
            "", "1", "/", "1/", "/4", "a/4", "1/0", "-1/4", "+1/4", "1/4/5", " 1/4",
        ] {
            let error = text.parse::<Worker>().unwrap_err();
            assert!(matches!(error, Error::Text { .. }), "{text}: {error}");
        }
        for text in ["4/4", "5/4", "1/1"] {
            let error = text.parse::<Worker>().unwrap_err();
            assert!(matches!(error, Error::Index { .. }), "{text}: {error}");
        }
    }
}
