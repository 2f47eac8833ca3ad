//! The journal of one worker: the trials that this worker has run, in any order.
//!
//! The events are those of the journal of a study. A trial that was asked for but has no outcome
//! was interrupted, or is running. The outcome of a trial can have a text of the caller:
//!
//! ```text
//! {"event":"told","trial":5,"outcome":"finished","objective":0.25,"details":"..."}
//! ```

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use crate::journal::{self, Entry, Journal, Line, OutcomeName};
use crate::settings::Settings;
use crate::{Error, Outcome, Result, Trial};

/// The journal of one of several workers that share a search.
///
/// Each worker appends to its own journal and only reads those of the others.
///
/// ```
/// use nn_search::{EndedTrial, Outcome, Settings, Study, WorkerJournal};
///
/// let settings = Settings::new("lr=log:1e-4..1".parse()?);
/// let mut study = Study::new(settings.clone(), std::io::sink())?;
/// let trial = study.ask()?.expect("only a grid search ends");
///
/// // Another worker has run the first trial.
/// let mut written = Vec::new();
/// let mut journal = WorkerJournal::begin(&settings, &mut written)?;
/// journal.asked(&trial)?;
/// journal.told(trial.id, Outcome::Finished(0.5), "2 epochs")?;
///
/// let ended = EndedTrial::read_all(&settings, &written[..])?;
/// study.adopt(&ended[0].trial)?;
/// assert_eq!(study.best().and_then(|best| best.objective()), Some(0.5));
/// assert_eq!(ended[0].details, "2 epochs");
/// # Ok::<(), nn_search::Error>(())
/// ```
#[derive(Debug)]
pub struct WorkerJournal<W> {
    journal: Journal<W>,
}

/// A trial that a worker has run, with the details that the caller recorded.
#[derive(Clone, Debug)]
pub struct EndedTrial {
    /// The trial with its reports and its outcome.
    pub trial: Trial,
    /// The text of the caller.
    pub details: String,
}

impl<W: Write> WorkerJournal<W> {
    /// Starts a journal.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the journal cannot be written.
    pub fn begin(settings: &Settings, writer: W) -> Result<Self> {
        let mut journal = Journal::new(writer, false);
        journal.append(&Line::Search(&settings.header()))?;
        Ok(Self { journal })
    }

    /// Continues a journal whose lines are complete; `writer` must append to the same file.
    pub fn resume(writer: W) -> Self {
        Self {
            journal: Journal::new(writer, false),
        }
    }

    /// Records the start of a trial.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the journal cannot be written.
    pub fn asked(&mut self, trial: &Trial) -> Result<()> {
        let Trial { id, point, .. } = trial;
        self.journal.append(&Line::Asked { trial: *id, point })
    }

    /// Records an intermediate value of a trial.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the journal cannot be written.
    pub fn reported(&mut self, id: usize, step: u64, value: f64) -> Result<()> {
        let trial = id;
        self.journal.append(&Line::Reported { trial, step, value })
    }

    /// Records the outcome of a trial, with a text of the caller.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the journal cannot be written.
    pub fn told(&mut self, id: usize, outcome: Outcome, details: &str) -> Result<()> {
        let (name, objective) = OutcomeName::split(outcome);
        self.journal.append(&Line::Told {
            trial: id,
            outcome: name,
            objective,
            details: Some(details),
        })
    }

    /// Records a trial that was read from a journal.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the journal cannot be written.
    pub fn append(&mut self, ended: &EndedTrial) -> Result<()> {
        let trial = &ended.trial;
        self.asked(trial)?;
        for &(step, value) in &trial.reports {
            self.reported(trial.id, step, value)?;
        }
        match trial.outcome {
            Some(outcome) => self.told(trial.id, outcome, &ended.details),
            None => Ok(()),
        }
    }
}

impl EndedTrial {
    /// Reads the ended trials of a journal, in the order in which they ended. A truncated last
    /// line, which the worker is writing or which a crash has left, is ignored.
    ///
    /// # Errors
    /// Returns [`Error::OtherSearch`] if the settings differ; [`Error::NotAJournal`],
    /// [`Error::JournalLine`] or [`Error::JournalOrder`] for an invalid journal; and
    /// [`Error::Io`] if the journal cannot be read.
    pub fn read_all(settings: &Settings, written: impl BufRead) -> Result<Vec<Self>> {
        let mut entries = journal::read(written)?.entries.into_iter();
        match entries.next() {
            Some((_, Entry::Search(header))) => settings.header().expect_same(&header)?,
            // A worker that has just started has not written anything yet.
            None => return Ok(Vec::new()),
            _ => return Err(Error::NotAJournal),
        }
        let mut running = BTreeMap::new();
        let mut ended = Vec::new();
        for (line, entry) in entries {
            replay(settings, entry, &mut running, &mut ended).map_err(|source| {
                let source = Box::new(source);
                Error::JournalOrder { line, source }
            })?;
        }
        Ok(ended)
    }
}

/// Replays an entry of the journal of a worker.
fn replay(
    settings: &Settings,
    entry: Entry,
    running: &mut BTreeMap<usize, Trial>,
    ended: &mut Vec<EndedTrial>,
) -> Result<()> {
    match entry {
        Entry::Search(_) => return Err(Error::NotAJournal),
        Entry::Asked { trial: id, point } => {
            running.insert(id, Trial::new(id, settings.space.point(point)?));
        }
        Entry::Reported {
            trial: id,
            step,
            value,
        } => {
            let trial = running.get_mut(&id).ok_or(Error::NotRunning { id })?;
            trial.reports.push((step, value.unwrap_or(f64::NAN)));
        }
        Entry::Told {
            trial: id,
            outcome,
            objective,
            details,
        } => {
            let trial = running.remove(&id).ok_or(Error::NotRunning { id })?;
            let outcome = Some(outcome.join(objective));
            ended.push(EndedTrial {
                trial: Trial { outcome, ..trial },
                details: details.unwrap_or_default(),
            });
        }
        Entry::Resumed => {}
    }
    Ok(())
}
