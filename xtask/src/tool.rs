//! Tools that are not part of rustup or cargo.

use crate::command::find_program;
use crate::error::{Error, Result};

/// A tool that must be installed separately.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) program: &'static str,
    /// The package on crates.io that contains the tool.
    pub(crate) package: &'static str,
}

impl Tool {
    /// # Errors
    /// [`Error::NotInstalled`] with the command that installs the tool.
    pub(crate) fn expect_installed(&self) -> Result<()> {
        match find_program(self.program) {
            Some(_) => Ok(()),
            None => Err(Error::NotInstalled {
                program: self.program.to_owned(),
                install: format!("cargo install {} --locked", self.package),
            }),
        }
    }

    /// Runs an optional check; prints that it is skipped if the tool is not installed.
    pub(crate) fn or_skip(&self, check: impl FnOnce() -> Result<()>) -> Result<()> {
        match self.expect_installed() {
            Ok(()) => check(),
            Err(missing) => {
                println!("skipped: {missing}");
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_says_how_to_install_it() {
        let tool = Tool {
            program: "no-such-program-anywhere",
            package: "no-such-package",
        };
        let error = tool.expect_installed().expect_err("there is none");
        assert_eq!(
            error.to_string(),
            "no-such-program-anywhere is not installed \
             (`cargo install no-such-package --locked` installs it)"
        );
        let skipped = tool.or_skip(|| Err(Error::Nothing("it did run")));
        assert!(skipped.is_ok());
    }
}
