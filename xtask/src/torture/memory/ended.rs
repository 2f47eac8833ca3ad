//! The end of a program.

/// Exit codes that come with a message: too little memory is a usage error, or the
/// file that could not be read is named.
const REFUSALS: [i32; 3] = [2, 3, 5];

/// How a program ended.
pub(super) struct Ended {
    /// `None` if a signal ended it.
    pub(super) code: Option<i32>,
    pub(super) message: String,
}

impl Ended {
    /// What is wrong with its end.
    pub(super) fn harm(&self) -> Option<String> {
        match self.code {
            Some(0) => None,
            Some(code) if REFUSALS.contains(&code) && !self.message.is_empty() => None,
            Some(code) => Some(format!("exit code {code}: {}", self.message)),
            None => Some(format!("ended by a signal: {}", self.message)),
        }
    }
}
