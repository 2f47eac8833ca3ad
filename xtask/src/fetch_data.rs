//! `cargo xtask fetch-data`: starts `nn data fetch`, which does the work, so
//! that an installed `nn` can do the same.

use crate::command::Cargo;
use crate::error::{Error, Result};
use crate::workspace;

/// What is fetched when no data set is named.
const DEFAULT_NAME: &str = "mnist";

/// Fetches the data sets named on the command line into the workspace's
/// `datasets/`, or into `NN_DATA_DIR` if that is set.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let fetch = fetch_arguments(arguments)?;
    let mut command = Cargo::new("run -q -p nn-cli -- data fetch")
        .arguments(fetch)
        .in_callers_folder();
    if std::env::var_os("NN_DATA_DIR").is_none() {
        let folder = workspace::root().join("datasets");
        command = command.environment("NN_DATA_DIR", folder.to_string_lossy());
    }
    eprintln!("{command}");
    let status = command.status()?;
    match status.code() {
        Some(0) => Ok(()),
        code => Err(Error::Exit(
            code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1),
        )),
    }
}

/// The arguments for `nn data fetch`: names first, then `--from`, `--offline`.
fn fetch_arguments(arguments: &[String]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut from = None;
    let mut is_offline = false;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--from" {
            let value = rest
                .next()
                .ok_or_else(|| Error::usage("--from needs a folder or a URL"))?;
            from = Some(value.clone());
        } else if let Some(value) = argument.strip_prefix("--from=") {
            from = Some(value.to_owned());
        } else if argument == "--offline" {
            is_offline = true;
        } else if argument.starts_with('-') {
            return Err(Error::usage(format!(
                "unknown option \"{argument}\" of fetch-data; expected NAME..., \
                 --from DIR-or-URL or --offline"
            )));
        } else {
            names.push(argument.clone());
        }
    }
    if names.is_empty() {
        names.push(DEFAULT_NAME.to_owned());
    }
    if let Some(from) = from {
        names.extend(["--from".to_owned(), from]);
    }
    names.extend(is_offline.then(|| "--offline".to_owned()));
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<String> {
        let words: Vec<String> = line.split_whitespace().map(String::from).collect();
        fetch_arguments(&words).map(|arguments| arguments.join(" "))
    }

    #[test]
    fn mnist_is_the_default() {
        assert_eq!(parse("").expect("valid"), "mnist");
        assert_eq!(parse("--from a/b").expect("valid"), "mnist --from a/b");
    }

    #[test]
    fn names_and_the_place_may_come_in_any_order() {
        for line in ["--from a one two", "one --from=a two", "one two --from a"] {
            assert_eq!(parse(line).expect("valid"), "one two --from a");
        }
        assert_eq!(parse("--offline one").expect("valid"), "one --offline");
    }

    #[test]
    fn a_place_without_a_value_is_a_usage_error() {
        assert_eq!(parse("mnist --from").expect_err("no value").exit_code(), 2);
    }
}
