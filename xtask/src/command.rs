//! Calls of cargo and other programs.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{self, ExitStatus, Stdio};

use serde_json::Value;

use crate::error::{Error, Result};
use crate::workspace;

/// A call of cargo in the folder of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Cargo {
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
    in_callers_folder: bool,
}

impl Cargo {
    /// Creates a call from `line`, which is split at white space.
    pub(crate) fn new(line: &str) -> Self {
        Self {
            arguments: line.split_whitespace().map(String::from).collect(),
            environment: Vec::new(),
            in_callers_folder: false,
        }
    }

    pub(crate) fn arguments(mut self, arguments: impl IntoIterator<Item = String>) -> Self {
        self.arguments.extend(arguments);
        self
    }

    pub(crate) fn environment(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Runs cargo in the current folder of the user, so that relative paths on the command
    /// line are correct.
    pub(crate) fn in_callers_folder(mut self) -> Self {
        self.in_callers_folder = true;
        self
    }

    /// Runs cargo with this program's standard input and output; returns an error if it
    /// fails.
    pub(crate) fn run(&self) -> Result<()> {
        let status = self.status()?;
        self.check(status)
    }

    /// Runs cargo with this program's standard input and output; returns the exit status.
    pub(crate) fn status(&self) -> Result<ExitStatus> {
        self.process()
            .status()
            .map_err(|source| self.not_started(source))
    }

    /// Runs cargo and returns its standard output.
    pub(crate) fn output(&self) -> Result<String> {
        let output = self
            .process()
            .stderr(Stdio::inherit())
            .output()
            .map_err(|source| self.not_started(source))?;
        self.check(output.status)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn process(&self) -> process::Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut process = process::Command::new(cargo);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(is_set_by_cargo_run) {
                process.env_remove(name);
            }
        }
        let folder = if self.in_callers_folder {
            Path::new(".")
        } else {
            workspace::root()
        };
        process
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(folder);
        process
    }

    fn check(&self, status: ExitStatus) -> Result<()> {
        if status.success() {
            return Ok(());
        }
        Err(Error::Failed {
            command: self.to_string(),
            status: status.to_string(),
        })
    }

    fn not_started(&self, source: std::io::Error) -> Error {
        Error::NotStarted {
            command: self.to_string(),
            source,
        }
    }
}

/// Returns `true` if `cargo run` sets this variable. Build scripts that watch these
/// variables would run again whenever a task and a plain `cargo build` alternate, and their
/// crates would be compiled again.
fn is_set_by_cargo_run(name: &str) -> bool {
    [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
        || name == "CARGO_PRIMARY_PACKAGE"
}

impl fmt::Display for Cargo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.environment {
            if value.contains(' ') {
                write!(f, "{name}=\"{value}\" ")?;
            } else {
                write!(f, "{name}={value} ")?;
            }
        }
        write!(f, "cargo {}", self.arguments.join(" "))
    }
}

/// Runs a program, in the folder of the workspace unless the command has a folder; returns an
/// error if it fails.
pub(crate) fn run_process(command: &mut process::Command) -> Result<()> {
    if command.get_current_dir().is_none() {
        command.current_dir(workspace::root());
    }
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    let shown = words.join(" ");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Error::Failed {
            command: shown,
            status: status.to_string(),
        }),
        Err(source) => Err(Error::NotStarted {
            command: shown,
            source,
        }),
    }
}

/// Builds the program `nn` and returns its path.
pub(crate) fn build_program() -> Result<PathBuf> {
    build_executable(Cargo::new("build -p nn-cli"), "nn")
}

/// Runs a `cargo build` and returns the path of the executable `name`.
pub(crate) fn build_executable(build: Cargo, name: &str) -> Result<PathBuf> {
    let message_format = ["--message-format=json-render-diagnostics".to_owned()];
    let output = build.arguments(message_format).output()?;
    executable(&output, name).ok_or_else(|| Error::Unexpected {
        program: "cargo build".to_owned(),
        expected: format!("an executable {name}"),
    })
}

/// Searches cargo's messages, one JSON object per line, for an executable.
fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    messages.lines().rev().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let path = PathBuf::from(message["executable"].as_str()?);
        (path.file_stem()? == name).then_some(path)
    })
}

/// Finds a program in the folders of `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let mut candidates = std::env::split_paths(&path).map(|folder| folder.join(&file));
    candidates.find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_shown_as_one_would_type_it() {
        let command = Cargo::new("doc --no-deps")
            .environment("RUSTDOCFLAGS", "-D warnings")
            .environment("LEVEL", "1");
        assert_eq!(
            command.to_string(),
            "RUSTDOCFLAGS=\"-D warnings\" LEVEL=1 cargo doc --no-deps"
        );
    }

    #[test]
    fn only_what_belongs_to_a_package_is_forgotten() {
        assert!(is_set_by_cargo_run("CARGO_PKG_NAME"));
        assert!(is_set_by_cargo_run("CARGO_MANIFEST_DIR"));
        assert!(!is_set_by_cargo_run("CARGO_TARGET_DIR"));
        assert!(!is_set_by_cargo_run("CARGO_HOME"));
        assert!(!is_set_by_cargo_run("CARGO_NET_OFFLINE"));
    }

    #[test]
    fn the_executable_is_found_among_messages() {
        let messages = "{\"reason\":\"x\",\"executable\":null}\n\
            {\"executable\":\"/t/debug/nn\",\"fresh\":true}\n\
            {\"executable\":\"/t/debug/other\"}\n";
        assert_eq!(executable(messages, "nn"), Some("/t/debug/nn".into()));
        assert_eq!(executable(messages, "peak"), None);
    }

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(find_program("cargo").is_some(), "cargo runs this test");
        assert_eq!(find_program("no-such-program-anywhere"), None);
    }
}
