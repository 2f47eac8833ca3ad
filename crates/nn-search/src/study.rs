//! A study: a search with its trials, and with a journal for resuming the search.

use std::collections::VecDeque;
use std::io::{BufRead, Write};

use crate::journal::{self, Entry, Header, Journal, Line, OutcomeName, VERSION};
use crate::suggestion::suggest;
use crate::surrogate::Surrogate;
use crate::{
    Decision, Dimension, Error, Goal, Outcome, Point, Result, Space, Stopping, Strategy, Trial,
};

/// The settings of a study.
///
/// | Name | Default | Purpose | Range |
/// |---|---|---|---|
/// | `space` | | search space | at least one dimension |
/// | `strategy` | `bayesian` | search strategy | [`Strategy`] |
/// | `goal` | minimize | direction of the optimization | [`Goal`] |
/// | `stopping` | `none` | rule for early stopping | [`Stopping`] |
/// | `seed` | 0 | seed of the random numbers | any |
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The dimensions to search, with their ranges.
    pub space: Space,
    /// The strategy that suggests the next point.
    pub strategy: Strategy,
    /// The direction of the optimization.
    pub goal: Goal,
    /// The rule that stops unpromising trials early.
    pub stopping: Stopping,
    /// The seed of the random numbers.
    pub seed: u64,
}

impl Settings {
    /// Creates settings of a Bayesian search that minimizes the objective.
    pub fn new(space: Space) -> Self {
        Self {
            space,
            strategy: Strategy::Bayesian { initial: 0 },
            goal: Goal::Minimize,
            stopping: Stopping::None,
            seed: 0,
        }
    }

    fn header(&self) -> Header {
        let dimensions = self.space.dimensions().iter();
        Header {
            version: VERSION,
            space: dimensions.map(Dimension::to_string).collect(),
            strategy: self.strategy.to_string(),
            goal: self.goal.name().to_owned(),
            stopping: self.stopping.to_string(),
            seed: self.seed,
        }
    }
}

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
            Some((_, Entry::Search(header))) => expect_same(&settings.header(), &header)?,
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
        let Settings {
            space,
            strategy,
            goal,
            seed,
            ..
        } = &self.settings;
        let Some(point) = suggest(*strategy, space, *goal, *seed, &self.trials) else {
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
        Ok(stopping.decide(&self.trials[id], &self.trials, goal))
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
        })?;
        self.trials[id].outcome = Some(outcome);
        Ok(())
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
        Surrogate::fit(&self.settings.space, &self.trials, self.settings.goal)
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

fn expect_same(expected: &Header, found: &Header) -> Result<()> {
    let texts = |header: &Header| {
        [
            ("format version", header.version.to_string()),
            ("space", header.space.join(" ")),
            ("strategy", header.strategy.clone()),
            ("goal", header.goal.clone()),
            ("stopping rule", header.stopping.clone()),
            ("seed", header.seed.to_string()),
        ]
    };
    let different = texts(expected)
        .into_iter()
        .zip(texts(found))
        .find(|(expected, found)| expected != found);
    match different {
        None => Ok(()),
        Some(((setting, expected), (_, found))) => Err(Error::OtherSearch {
            setting,
            expected,
            found,
        }),
    }
}
