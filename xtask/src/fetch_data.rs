//! `cargo xtask fetch-data`: downloads data sets with `nn data fetch`, which an installed
//! `nn` has, too.

use crate::command::Cargo;
use crate::error::{Error, Result};
use crate::workspace;

/// The arguments of `cargo xtask fetch-data`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Names of data sets
    #[arg(value_name = "NAME", default_value = "mnist")]
    names: Vec<String>,
    /// Folder or URL to download from
    #[arg(long, value_name = "DIR-or-URL")]
    from: Option<String>,
    /// Do not use the network
    #[arg(long)]
    offline: bool,
}

impl Arguments {
    /// The arguments of `nn data fetch`.
    fn words(&self) -> Vec<String> {
        let mut words = self.names.clone();
        if let Some(from) = &self.from {
            words.extend(["--from".to_owned(), from.clone()]);
        }
        words.extend(self.offline.then(|| "--offline".to_owned()));
        words
    }
}

/// Downloads the named data sets into `datasets/` of the workspace, or into `NN_DATA_DIR`
/// if it is set.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut command = Cargo::new("run -q -p nn-cli -- data fetch")
        .arguments(arguments.words())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parsing::parse;

    fn words(line: &str) -> String {
        let arguments: Arguments = parse(line).expect(line);
        arguments.words().join(" ")
    }

    #[test]
    fn mnist_is_the_default() {
        assert_eq!(words(""), "mnist");
        assert_eq!(words("--from a/b"), "mnist --from a/b");
    }

    #[test]
    fn names_and_the_place_may_come_in_any_order() {
        for line in ["--from a one two", "one --from=a two", "one two --from a"] {
            assert_eq!(words(line), "one two --from a");
        }
        assert_eq!(words("--offline one"), "one --offline");
    }

    #[test]
    fn a_place_without_a_value_is_a_usage_error() {
        let error = parse::<Arguments>("mnist --from").expect_err("no value");
        assert_eq!(error.exit_code(), 2);
    }
}
