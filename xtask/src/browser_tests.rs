//! `cargo xtask browser-tests`: the page of `nn serve` in a real browser.
//!
//! With `--pictures FOLDER`, pictures of all its views instead of tests.
//!
//! Needs a chromium, Node.js and npm; where one is missing, says so and skips.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::build_program;
use crate::error::{Error, Result};
use crate::workspace;

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

const PLAYWRIGHT: &str = "node_modules/playwright-core/package.json";

/// Does what the command line says.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let visit = Visit::parse(arguments)?;
    let folder = workspace::root().join("scripts/browser");
    let tools = Tools::find().and_then(|tools| tools.install(&folder).map(|()| tools));
    match tools {
        Ok(tools) => tools.pay(&visit, &folder),
        Err(missing) => {
            println!("skipped: {missing}");
            Ok(())
        }
    }
}

/// What is done with the page.
#[derive(Debug, PartialEq)]
enum Visit {
    Tests,
    /// Pictures of it, into this folder.
    Pictures(PathBuf),
}

impl Visit {
    /// Nothing, or `--pictures FOLDER`.
    fn parse(arguments: &[String]) -> Result<Self> {
        match arguments {
            [] => Ok(Self::Tests),
            [option, folder] if option == "--pictures" => std::path::absolute(folder)
                .map(Self::Pictures)
                .map_err(|source| Error::unreadable(Path::new(folder), source)),
            _ => Err(Error::usage(format!(
                "expected nothing or --pictures FOLDER after browser-tests, found \"{}\"",
                arguments.join(" ")
            ))),
        }
    }

    fn script(&self) -> &'static str {
        match self {
            Self::Tests => "page.test.mjs",
            Self::Pictures(_) => "pictures.mjs",
        }
    }
}

/// What a visit needs besides the program.
struct Tools {
    browser: PathBuf,
    node: PathBuf,
    npm: PathBuf,
}

impl Tools {
    /// Finds them, or says what is missing.
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

    /// Brings playwright-core, unless it is there.
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
            _ => Err("npm could not bring playwright-core".to_owned()),
        }
    }

    fn pay(&self, visit: &Visit, folder: &Path) -> Result<()> {
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

/// A program of this name on the path.
fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let mut candidates = std::env::split_paths(&path).map(|folder| folder.join(&file));
    candidates.find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_want_a_folder() {
        let parse = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            Visit::parse(&words)
        };
        assert_eq!(parse(&[]).unwrap(), Visit::Tests);
        let here = std::env::current_dir().unwrap().join("a");
        assert_eq!(parse(&["--pictures", "a"]).unwrap(), Visit::Pictures(here));
        for words in [&["--pictures"][..], &["a"], &["--pictures", "a", "b"]] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(find_program("cargo").is_some(), "cargo runs this test");
        assert_eq!(find_program("no-such-program-anywhere"), None);
    }
}
