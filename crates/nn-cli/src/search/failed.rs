//! Converts errors of nn-search into errors of nn-train.

use nn_train::{Error, ErrorKind};

/// Converts an error of nn-search into an error of nn-train.
pub(super) fn failed(error: nn_search::Error) -> Error {
    let kind = match error.kind() {
        nn_search::ErrorKind::Usage => ErrorKind::Usage,
        nn_search::ErrorKind::Data => ErrorKind::Data,
        nn_search::ErrorKind::Io => ErrorKind::Io,
    };
    let failure = Error::new(kind, &error);
    match error.help() {
        Some(help) => failure.with_help(help),
        None => failure,
    }
}
