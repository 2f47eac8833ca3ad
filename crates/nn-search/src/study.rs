//! A study: a search with its trials, and with a journal for resuming the search.

use std::collections::VecDeque;
use std::io::{BufRead, Write};

use crate::journal::{self, Entry, Journal, Line, OutcomeName};
use crate::settings::Settings;
use crate::suggestion::suggest;
use crate::surrogate::Surrogate;
use crate::{Decision, Error, Outcome, Point, Result, Trial};

/// A search in progress.
///
/// Every event is appended to the journal `W` before it takes effect. Use
/// `std::io::sink()` for a study without a journal.
#[derive(Debug)]
pub struct Study<W> {
    settings: Settings,
    trials: Vec<Trial>,
    /// Trials that were running when the study was interrupted.
    interrupted: VecDeque<usize>,
    journal: Journal<W>,
}

impl<W: Write> Study<W> {
    /// Starts a study and its journal.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the journal cannot be written.
    pub fn new(settings: Settings, journal: W) -> Result<Self> {
        let mut study = Self {
            settings,
            trials: Vec::new(),
            interrupted: VecDeque::new(),
            journal: Journal::new(journal, false),
        };
        let header = study.settings.header();
        study.journal.append(&Line::Search(&header))?;
        Ok(study)
    }

    /// Resumes a study from `written`, the content of its journal; `journal` must append to the
    /// same file.
    ///
    /// The next suggestions are the same as in an uninterrupted study. Trials that were
    /// running are suggested again first, and start from the beginning. A truncated last
    /// line is ignored.
    ///
    /// # Errors
    /// Returns [`Error::OtherSearch`] if the settings differ; [`Error::NotAJournal`],
    /// [`Error::JournalLine`] or [`Error::JournalOrder`] for an invalid journal; and
    /// [`Error::Io`] if the journal cannot be read or written.
    pub fn resume(settings: Settings, written: impl BufRead, journal: W) -> Result<Self> {
        let contents = journal::read(written)?;
        let mut entries = contents.entries.into_iter();
        match entries.next() {
            Some((_, Entry::Search(header))) => settings.header().expect_same(&header)?,
            _ => return Err(Error::NotAJournal),
        }
        let mut study = Self {
            settings,
            trials: Vec::new(),
            interrupted: VecDeque::new(),
            journal: Journal::new(journal, contents.is_torn),
        };
        for (line, entry) in entries {
            study.replay(entry).map_err(|source| {
                let source = Box::new(source);
                Error::JournalOrder { line, source }
            })?;
        }
        let running = study.trials.iter().filter(|trial| trial.is_running());
        study.interrupted = running.map(|trial| trial.id).collect();
        Ok(study)
    }

    /// The next trial to run; `None` at the end of a grid.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the journal cannot be written.
    pub fn ask(&mut self) -> Result<Option<Trial>> {
        if let Some(&id) = self.interrupted.front() {
            let trial = Trial::new(id, self.trials[id].point.clone());
            self.append_asked(&trial)?;
            self.interrupted.pop_front();
            self.trials[id] = trial.clone();
            return Ok(Some(trial));
        }
        let start = self.settings.round_start(self.trials.len());
        let (earlier, round) = self.trials.split_at(start);
        let Some(point) = suggest(&self.settings, earlier, round) else {
            return Ok(None);
        };
        let trial = Trial::new(self.trials.len(), point);
        self.append_asked(&trial)?;
        self.trials.push(trial.clone());
        Ok(Some(trial))
    }

    /// Reports an intermediate value of a running trial, for example the validation
    /// loss after an epoch. Returns whether the trial should continue.
    ///
    /// # Errors
    /// Returns [`Error::NotRunning`] if the trial is not running, and [`Error::Io`] if the
    /// journal cannot be written.
    pub fn report(&mut self, id: usize, step: u64, value: f64) -> Result<Decision> {
        self.expect_running(id)?;
        let trial = id;
        self.journal
            .append(&Line::Reported { trial, step, value })?;
        self.trials[id].reports.push((step, value));
        let Settings { stopping, goal, .. } = self.settings;
        let earlier = &self.trials[..self.settings.round_start(id)];
        Ok(stopping.decide(&self.trials[id], earlier, goal))
    }

    /// Reports the outcome of a trial and ends it.
    ///
    /// # Errors
    /// Returns [`Error::NotRunning`] if the trial is not running, and [`Error::Io`] if the
    /// journal cannot be written.
    pub fn tell(&mut self, id: usize, outcome: Outcome) -> Result<()> {
        self.expect_running(id)?;
        let (name, objective) = OutcomeName::split(outcome);
        self.journal.append(&Line::Told {
            trial: id,
            outcome: name,
            objective,
            details: None,
        })?;
        self.trials[id].outcome = Some(outcome);
        Ok(())
    }

    /// Returns `true` if the next trial can start: with earlier rounds ended, its point and its
    /// stopping decisions do not depend on the order in which trials end. Random and grid search
    /// without early stopping are always ready.
    pub fn is_ready(&self) -> bool {
        let earlier = self.settings.round_start(self.trials.len());
        self.settings.is_independent() || self.trials[..earlier].iter().all(|it| !it.is_running())
    }

    /// Takes over a trial that ended elsewhere, for example the trial of another worker: a running
    /// trial gets the reports and the outcome of `ended`, and the next trial is added without
    /// computing its point.
    ///
    /// # Errors
    /// Returns [`Error::Disagreement`] if this study has a different point or result of the trial,
    /// [`Error::NotRunning`] if the trial is neither running nor the next one or has not ended, and
    /// [`Error::Io`] if the journal cannot be written.
    pub fn adopt(&mut self, ended: &Trial) -> Result<()> {
        let id = ended.id;
        let Some(outcome) = ended.outcome else {
            return Err(Error::NotRunning { id });
        };
        if id == self.trials.len() {
            let trial = Trial::new(id, ended.point.clone());
            self.append_asked(&trial)?;
            self.trials.push(trial);
        }
        let known = self.trials.get(id).ok_or(Error::NotRunning { id })?;
        if known.point != ended.point || !known.is_running() {
            return match known.is_same(ended) {
                true => Ok(()),
                false => Err(Error::Disagreement { id }),
            };
        }
        self.trials[id].reports.clear();
        for &(step, value) in &ended.reports {
            self.report(id, step, value)?;
        }
        self.tell(id, outcome)
    }

    /// The finished trial with the best objective; the first one if several are equal.
    pub fn best(&self) -> Option<&Trial> {
        let goal = self.settings.goal;
        let finished = self
            .trials
            .iter()
            .filter_map(|trial| Some((goal.cost(trial.objective()?), trial)));
        finished
            .reduce(|best, other| if other.0 < best.0 { other } else { best })
            .map(|(_, trial)| trial)
    }

    /// All trials, in the order of the calls to [`Study::ask`].
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The settings of the study.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The model of the objective after the trials so far, also for random and grid
    /// search; `None` if no trial has finished.
    pub fn surrogate(&self) -> Option<Surrogate> {
        Surrogate::fit(&self.settings.space, &self.trials, &[], self.settings.goal)
    }

    fn append_asked(&mut self, trial: &Trial) -> Result<()> {
        let Trial { id, point, .. } = trial;
        self.journal.append(&Line::Asked { trial: *id, point })
    }

    fn expect_running(&self, id: usize) -> Result<()> {
        let is_running = self.trials.get(id).is_some_and(Trial::is_running);
        match is_running && !self.interrupted.contains(&id) {
            true => Ok(()),
            false => Err(Error::NotRunning { id }),
        }
    }

    /// Replays an entry of the journal.
    fn replay(&mut self, entry: Entry) -> Result<()> {
        match entry {
            Entry::Search(_) => return Err(Error::NotAJournal),
            Entry::Asked { trial: id, point } => {
                let point = self.settings.space.point(point)?;
                self.replay_asked(id, point)?;
            }
            Entry::Reported {
                trial: id,
                step,
                value,
            } => {
                self.expect_running(id)?;
                let value = value.unwrap_or(f64::NAN);
                self.trials[id].reports.push((step, value));
            }
            Entry::Told {
                trial: id,
                outcome,
                objective,
                details: _,
            } => {
                self.expect_running(id)?;
                self.trials[id].outcome = Some(outcome.join(objective));
            }
            Entry::Resumed => {}
        }
        Ok(())
    }

    /// Replays a trial; one that was interrupted occurs twice.
    fn replay_asked(&mut self, id: usize, point: Point) -> Result<()> {
        let trial = Trial::new(id, point);
        if id == self.trials.len() {
            self.trials.push(trial);
            return Ok(());
        }
        self.expect_running(id)?;
        self.trials[id] = trial;
        Ok(())
    }
}
