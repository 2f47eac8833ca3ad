//! The file that a measurement leaves behind: `benches/results/DATE.md`.

use std::fs;
use std::path::PathBuf;

use super::date::today;
use super::machine::Machine;
use super::peak::Peak;
use super::request::Output;
use super::table::Table;
use crate::error::{Error, Result};
use crate::workspace;

/// What was measured, in the order of the file.
#[derive(Debug)]
pub(super) struct Record {
    path: Option<PathBuf>,
    date: String,
    command: String,
    machine: Machine,
    peak: Peak,
    /// Headings and what stands below them.
    parts: Vec<(&'static str, String)>,
    /// What stands behind all of them.
    last: Option<(&'static str, String)>,
}

impl Record {
    pub(super) fn new(output: &Output, peak: Peak) -> Self {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let date = today();
        let results = || workspace::root().join(format!("benches/results/{date}.md"));
        Self {
            path: match output {
                Output::Nowhere => None,
                Output::Results => Some(results()),
                Output::File(path) => Some(path.clone()),
            },
            command: format!("cargo xtask {}", arguments.join(" ")),
            date,
            machine: Machine::this(),
            peak,
            parts: Vec::new(),
            last: None,
        }
    }

    pub(super) fn peak(&self) -> &Peak {
        &self.peak
    }

    /// Keeps a part, replacing one of the same heading. The file is written
    /// anew each time, so that an interruption loses only what was not done.
    pub(super) fn keep(&mut self, heading: &'static str, text: String) -> Result<()> {
        match self.parts.iter_mut().find(|(title, _)| *title == heading) {
            Some((_, old)) => *old = text,
            None => self.parts.push((heading, text)),
        }
        self.write()
    }

    /// Keeps what is to stand at the end of the file.
    pub(super) fn keep_last(&mut self, heading: &'static str, text: String) -> Result<()> {
        self.last = Some((heading, text));
        self.write()
    }

    fn write(&self) -> Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let failed = |source| Error::unreadable(path, source);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        fs::write(path, self.markdown()).map_err(failed)
    }

    /// Shows everything, and says where it is.
    pub(super) fn finish(&self) {
        print!("{}", self.markdown());
        if let Some(path) = &self.path {
            eprintln!("written to {}", path.display());
        }
    }

    fn markdown(&self) -> String {
        let mut machine = Table::of_texts(["machine", ""]);
        self.machine.rows(&mut machine);
        self.peak.rows(&mut machine);
        let mut text = format!(
            "# Benchmarks of {}\n\nMade by `{}`, which repeats it.\n\n{}",
            self.date,
            self.command,
            machine.markdown()
        );
        for (heading, part) in self.parts.iter().chain(&self.last) {
            text.push_str(&format!("\n## {heading}\n\n{}\n", part.trim_end()));
        }
        text
    }
}
