//! The directory of a search: `config.toml`, `journal.jsonl`, `trials.csv`,
//! `summary.json`, `report.html`, `plots/`.
//!
//! nn-search writes the journal, one event per line: the start of a trial, its
//! intermediate values and its outcome. An interrupted search is resumed from
//! the journal.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use nn_files::{create_dir_all, regular_file};
use nn_search::{Settings, Study};
use nn_train::run_dir::{create_directory, replace};
use nn_train::{Error, ErrorKind, Result};

use super::arguments::SearchArguments;
use super::config::{CONFIG, Config};
use super::failed::failed;
use super::report::Report;
use super::row::Row;

pub(super) const JOURNAL: &str = "journal.jsonl";
const TRIALS: &str = "trials.csv";

/// An open directory of a search.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    config: Config,
}

impl Folder {
    /// Creates the directory of a new search.
    pub(super) fn create(arguments: &SearchArguments, config: Config) -> Result<Self> {
        let name = arguments.name();
        let path = create_directory(&arguments.work.runs_dir, name, "search")?;
        replace(&path, CONFIG, config.to_toml().as_bytes())?;
        Ok(Self { path, config })
    }

    /// Opens the directory of a search to resume it.
    pub(super) fn reopen(path: PathBuf, config: Config) -> Result<Self> {
        replace(&path, CONFIG, config.to_toml().as_bytes())?;
        Ok(Self { path, config })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the search: the last component of the path.
    pub(super) fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().into_owned()
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the study in its current state and the rows of the ended trials.
    pub(super) fn study(&self) -> Result<(Study<File>, Vec<Row>)> {
        let path = self.path.join(JOURNAL);
        let io = |error| Error::io(&path, &error);
        let settings = self.config.study()?;
        if path.exists() {
            regular_file::check(&path)?;
        }
        if fs::metadata(&path).map_or(0, |found| found.len()) == 0 {
            self.begin_journal(settings.clone())?;
        }
        let journal = self.open_journal()?;
        match journal.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(
                    ErrorKind::Io,
                    format!("{}: another search is writing to this file", path.display()),
                )
                .with_help("wait for the other search, or choose another --name"));
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        let written = BufReader::new(File::open(&path).map_err(io)?);
        let study = Study::resume(settings, written, journal)
            .map_err(|error| failed(error).of_data().at(path.display()))?;
        let rows = self.read_trials(&study)?;
        Ok((study, rows))
    }

    /// Writes a journal without trials.
    fn begin_journal(&self, settings: Settings) -> Result<()> {
        let mut journal = Vec::new();
        Study::new(settings, &mut journal)
            .map_err(|error| failed(error).at(self.path.join(JOURNAL).display()))?;
        replace(&self.path, JOURNAL, &journal)
    }

    /// Waits until the journal will survive a power failure. A sync takes as long as
    /// many epochs, so it is synced once per trial.
    pub(super) fn sync_journal(&self) -> Result<()> {
        self.open_journal()?
            .sync_all()
            .map_err(|error| Error::io(&self.path.join(JOURNAL), &error))
    }

    fn open_journal(&self) -> Result<File> {
        let path = self.path.join(JOURNAL);
        let journal = OpenOptions::new().append(true).open(&path);
        journal.map_err(|error| Error::io(&path, &error))
    }

    /// Writes the table of the ended trials.
    pub(super) fn write_trials<W: Write>(&self, study: &Study<W>, rows: &[Row]) -> Result<()> {
        let dimensions = study.settings().space.dimensions().iter();
        let names: Vec<_> = dimensions.map(|dimension| dimension.name()).collect();
        let has_spread = self.config.is_repeated();
        let columns = Row::columns(has_spread);
        let mut text = format!("trial,{},{columns}\n", names.join(","));
        for row in rows {
            let point = &study.trials()[row.trial].point;
            text.push_str(&row.to_csv(point, has_spread));
        }
        replace(&self.path, TRIALS, text.as_bytes())
    }

    fn read_trials(&self, study: &Study<File>) -> Result<Vec<Row>> {
        let path = self.path.join(TRIALS);
        let text = match regular_file::read_text(&path) {
            Ok(text) => text,
            Err(_) if study.trials().iter().all(|trial| trial.outcome.is_none()) => String::new(),
            Err(failure) => return Err(failure.into()),
        };
        let has_spread = self.config.is_repeated();
        let rows = text.lines().skip(1);
        let rows: Vec<Row> = rows
            .filter_map(|line| Row::from_csv(line, has_spread))
            .collect();
        let ended = study
            .trials()
            .iter()
            .filter(|trial| trial.outcome.is_some());
        ended
            .map(|trial| {
                let row = rows.iter().find(|row| row.trial == trial.id);
                row.cloned().ok_or_else(|| {
                    Error::new(
                        ErrorKind::Data,
                        format!("{}: trial {} is missing", path.display(), trial.id + 1),
                    )
                    .with_help("restore the file, or start a new search")
                })
            })
            .collect()
    }

    /// Writes the page and its charts.
    pub(super) fn write_report(&self, report: &Report<'_>) -> Result<()> {
        let plots = report.plots();
        let folder = self.path.join("plots");
        create_dir_all(&folder).map_err(|error| Error::io(&folder, &error))?;
        for plot in &plots {
            let name = format!("{}.svg", plot.name);
            replace(&folder, &name, plot.svg.standalone().as_bytes())?;
        }
        replace(&self.path, "report.html", report.html(&plots).as_bytes())
    }

    /// Writes the summary.
    pub(super) fn write_summary(&self, summary: &serde_json::Value) -> Result<()> {
        replace(
            &self.path,
            "summary.json",
            format!("{summary:#}\n").as_bytes(),
        )
    }
}
