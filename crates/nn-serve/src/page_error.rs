//! Errors in the form in which the page shows them.

use std::fmt;

use nn_train::{Error, Settings, command_line};
use serde::Serialize;

/// An error as the page shows it: settings are named by their flags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PageError {
    error: String,
    help: Option<String>,
    /// The setting that the error is about.
    setting: Option<String>,
}

impl PageError {
    /// An error with a hint.
    pub(crate) fn new(error: &str, help: &str) -> Self {
        Self {
            error: error.to_owned(),
            help: Some(help.to_owned()),
            setting: None,
        }
    }
}

impl From<&Error> for PageError {
    fn from(error: &Error) -> Self {
        let text = command_line::in_text(&error.to_string());
        Self {
            setting: setting_of(&text),
            error: text,
            help: error.help().map(command_line::in_text),
        }
    }
}

/// The setting at the start of an error: `lr` of `--lr: expected a number`.
fn setting_of(error: &str) -> Option<String> {
    let (name, _) = error.strip_prefix("--")?.split_once(':')?;
    let names = Settings::names();
    names.into_iter().find(|setting| setting == name)
}

/// In one line.
impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_named_by_their_flags() {
        let error = Error::usage("`lr`: expected a number").with_help("set `lr = 0.1`");
        let shown = PageError::from(&error);
        assert_eq!(shown.to_string(), "--lr: expected a number; set --lr 0.1");
        assert_eq!(shown.setting.as_deref(), Some("lr"));
        for text in [
            "the file is empty",
            "--no-such-flag: unknown",
            "--lr and --l2",
        ] {
            assert_eq!(PageError::from(&Error::usage(text)).setting, None, "{text}");
        }
    }
}
