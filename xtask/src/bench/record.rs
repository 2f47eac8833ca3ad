//! The file with the results of a benchmark, `benches/results/DATE.md`.

use std::fs;
use std::path::PathBuf;

use super::date::today;
use super::machine::Machine;
use super::peak::Peak;
use super::request::Output;
use super::table::Table;
use crate::error::{Error, Result};
use crate::workspace;

/// The results, in the order of the file.
#[derive(Debug)]
pub(super) struct Record {
    path: Option<PathBuf>,
    date: String,
    command: String,
    machine: Machine,
    peak: Peak,
    /// Headings with their texts.
    parts: Vec<(&'static str, String)>,
    /// Heading and text of the last section.
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

    /// Adds a section, or replaces the section with the same heading. The file is written
    /// each time, so an interruption loses only the current measurement.
    pub(super) fn keep(&mut self, heading: &'static str, text: String) -> Result<()> {
        match self.parts.iter_mut().find(|(title, _)| *title == heading) {
            Some((_, old)) => *old = text,
            None => self.parts.push((heading, text)),
        }
        self.write()
    }

    /// Sets the last section of the file.
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

    /// Prints all results and the path of the file.
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
            "# Benchmarks of {}\n\nCreated by `{}`; the same command repeats the measurement.\n\n{}",
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
