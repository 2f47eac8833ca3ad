//! Converts errors of clap into errors of this crate, which have one line and a hint
//! (feature `clap`).

use std::error::Error as StdError;
use std::num::{ParseFloatError, ParseIntError};

use clap::error::{ContextKind, ContextValue};
use nn_error::did_you_mean;

use crate::error::Error;

/// Converts an error of clap into one line, with a hint if there is one.
pub fn of_clap(error: &clap::Error) -> Error {
    match error.source() {
        Some(source) => of_value(error, source),
        None => of_usage(error),
    }
}

/// An invalid value of a flag.
fn of_value(error: &clap::Error, source: &(dyn StdError + 'static)) -> Error {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let flag = text(ContextKind::InvalidArg);
    let flag = flag.split(' ').next().unwrap_or_default();
    let value = text(ContextKind::InvalidValue);
    let found = value.escape_debug();
    let problem = if source.is::<ParseIntError>() {
        format!("expected a whole number, found \"{found}\"")
    } else if source.is::<ParseFloatError>() {
        format!("expected a number, found \"{found}\"")
    } else {
        // `batch size: expected ...` of the flag `--batch-size`.
        let name = flag.trim_start_matches('-').replace('-', " ");
        let problem = source.to_string();
        let rest = problem.strip_prefix(&format!("{name}: "));
        rest.unwrap_or(&problem).to_owned()
    };
    let help = own_help(source).or_else(|| {
        let (_, expected) = problem.split_once("expected one of: ")?;
        did_you_mean(value, expected)
    });
    with_hint(Error::usage(format!("{flag}: {problem}")), help)
}

/// The hint of an error of this project.
fn own_help(source: &(dyn StdError + 'static)) -> Option<String> {
    if let Some(error) = source.downcast_ref::<nn_core::Error>() {
        error.help()
    } else if let Some(error) = source.downcast_ref::<nn_data::Error>() {
        error.help()
    } else if let Some(error) = source.downcast_ref::<nn_image::Error>() {
        error.help()
    } else if let Some(error) = source.downcast_ref::<nn_table::Error>() {
        error.help()
    } else {
        source.downcast_ref::<Error>()?.help().map(str::to_owned)
    }
}

/// An unknown flag, a missing argument, or flags that cannot be used together: the first
/// paragraph of clap's text, and its first tip.
fn of_usage(error: &clap::Error) -> Error {
    let rendered = error.render().to_string();
    let mut lines = rendered.lines().map(str::trim);
    let paragraph = lines.by_ref().take_while(|line| !line.is_empty());
    let message = paragraph.collect::<Vec<_>>().join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let (message, values) = match message.split_once(" [possible values: ") {
        Some((message, values)) => (message, Some(values.trim_end_matches(']'))),
        None => (message, None),
    };
    let tip = lines.find_map(|line| line.strip_prefix("tip: "));
    let values = values.map(|values| format!("possible values are {values}"));
    with_hint(Error::usage(message), tip.map(str::to_owned).or(values))
}

fn with_hint(error: Error, help: Option<String>) -> Error {
    match help {
        Some(help) => error.with_help(help),
        None => error,
    }
}
