//! `cargo xtask browser-tests`: tests the page of `nn serve` in a real browser.
//!
//! With `--pictures FOLDER`, the task saves screenshots of all views instead.
//!
//! The task needs Chromium, Node.js and npm. If one of these programs is missing, the task
//! is skipped with a note.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::{build_program, find_program};
use crate::error::{Error, Result};
use crate::workspace;

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

const PLAYWRIGHT: &str = "node_modules/playwright-core/package.json";

/// The arguments of `cargo xtask browser-tests`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Save screenshots of all views to this folder instead of testing them
    #[arg(long, value_name = "FOLDER")]
    pictures: Option<PathBuf>,
}

/// Runs the tests, or saves the screenshots.
pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let visit = Visit::new(arguments)?;
    let folder = workspace::root().join("scripts/browser");
    let tools = Tools::find().and_then(|tools| tools.install(&folder).map(|()| tools));
    match tools {
        Ok(tools) => tools.run(&visit, &folder),
        Err(missing) => {
            println!("skipped: {missing}");
            Ok(())
        }
    }
}

/// The purpose of a visit to the page.
#[derive(Debug, PartialEq)]
enum Visit {
    Tests,
    /// Saves screenshots to this folder.
    Pictures(PathBuf),
}

impl Visit {
    fn new(arguments: Arguments) -> Result<Self> {
        let Some(folder) = arguments.pictures else {
            return Ok(Self::Tests);
        };
        std::path::absolute(&folder)
            .map(Self::Pictures)
            .map_err(|source| Error::unreadable(&folder, source))
    }

    fn script(&self) -> &'static str {
        match self {
            Self::Tests => "page.test.mjs",
            Self::Pictures(_) => "pictures.mjs",
        }
    }
}

/// The programs needed besides `nn`.
struct Tools {
    browser: PathBuf,
    node: PathBuf,
    npm: PathBuf,
}

impl Tools {
    /// Finds the programs; the error names the missing one.
    fn find() -> Result<Self, String> {
        let named = std::env::var_os("NN_BROWSER").map(PathBuf::from);
        let browser = named.or_else(|| BROWSERS.into_iter().find_map(find_program));
        let missing = |name: &str| format!("no {name} on the path (scripts/browser/README.md)");
        Ok(Self {
            browser: browser.ok_or_else(|| missing("chromium"))?,
            node: find_program("node").ok_or_else(|| missing("node"))?,
            npm: find_program("npm").ok_or_else(|| missing("npm"))?,
        })
    }

    /// Installs playwright-core, unless it is installed.
    fn install(&self, folder: &Path) -> Result<(), String> {
        if folder.join(PLAYWRIGHT).exists() {
            return Ok(());
        }
        let installed = Command::new(&self.npm)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .status();
        match installed {
            Ok(status) if status.success() => Ok(()),
            _ => Err("npm could not install playwright-core".to_owned()),
        }
    }

    fn run(&self, visit: &Visit, folder: &Path) -> Result<()> {
        let program = build_program()?;
        let mut command = Command::new(&self.node);
        command.arg(visit.script()).arg(program).arg(&self.browser);
        if let Visit::Pictures(pictures) = visit {
            command.arg(pictures);
        }
        let status = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .status()
            .map_err(|source| Error::NotStarted {
                command: format!("node {}", visit.script()),
                source,
            })?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Failed {
            command: format!("node {}", visit.script()),
            status: status.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parsing::parse;

    #[test]
    fn pictures_want_a_folder() {
        let visit = |line| Visit::new(parse(line).expect(line)).expect("a path");
        assert_eq!(visit(""), Visit::Tests);
        let here = std::env::current_dir().unwrap().join("a");
        assert_eq!(visit("--pictures a"), Visit::Pictures(here));
        for line in ["--pictures", "a", "--pictures a b"] {
            assert!(parse::<Arguments>(line).is_err(), "{line}");
        }
    }
}
