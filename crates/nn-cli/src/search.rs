//! The command `nn search`: searches for good settings of `nn train`.
//!
//! All trials use the same samples and differ only in the searched settings. The
//! trials are compared on the validation samples; the test samples are not used.

mod failed;
mod arguments;
mod measured;
mod row;
mod trial_data;
mod space;
mod trial;
mod config;
mod prepared_search;
mod refit;
mod report;
mod folder;
mod conclusion;
mod shared_folder;
mod worker;
mod merge;
mod status;

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use nn_search::{Decision, Study, Trial};
use nn_tensor::Threads;
use nn_train::{Error, ErrorKind, Result};

use crate::args::threads;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::terminal;

pub(crate) use arguments::{SearchArguments, with_help_of_trials};
use conclusion::Conclusion;
use config::Config;
use failed::failed;
use folder::Folder;
use prepared_search::PreparedSearch;
use row::Row;
use space::Flags;
use trial::Training;
use trial_data::TrialData;

pub(crate) fn run(arguments: &SearchArguments) -> Result<()> {
    if arguments.status {
        status::run(arguments)
    } else if arguments.merge {
        merge::run(arguments)
    } else if let Some(worker) = arguments.workers.resolve()? {
        worker::run(arguments, worker)
    } else {
        run_alone(arguments)
    }
}

/// Runs all trials in this process.
fn run_alone(arguments: &SearchArguments) -> Result<()> {
    let progress = Progress::new(arguments.work.json, arguments.work.plain);
    let threads = threads(arguments.work.threads);
    let data_dir = &arguments.folder.data_dir;
    let PreparedSearch { config, old, data } = PreparedSearch::new(arguments, &progress, &threads)?;
    if let Some(path) = &old {
        shared_folder::refuse_shared(path)?;
    }
    let flags = Flags::new(config.train.clone(), config.space()?);
    flags.check(&data, *config.objective.value())?;
    let folder = match old {
        Some(path) => Folder::reopen(path, config)?,
        None => Folder::create(arguments, config)?,
    };
    progress.notes(&data.last().first().notes);
    let (study, rows) = folder.study()?;
    let interrupt = Interrupt::listen()?;
    let mut search = Search {
        start: Instant::now(),
        budget: arguments.budget,
        data: &data,
        data_dir,
        flags,
        folder,
        study,
        rows,
        threads: &threads,
        progress,
        interrupt,
    };
    search.introduce();
    search.run_trials()?;
    search.conclude(arguments)
}

/// A running search, with its output.
struct Search<'a> {
    start: Instant,
    /// No trial starts after this time.
    budget: Option<Duration>,
    data: &'a TrialData<'a>,
    data_dir: &'a Path,
    flags: Flags,
    folder: Folder,
    study: Study<File>,
    /// The ended trials.
    rows: Vec<Row>,
    threads: &'a Threads,
    progress: Progress,
    interrupt: Interrupt,
}

impl Search<'_> {
    fn config(&self) -> &Config {
        self.folder.config()
    }

    fn introduce(&self) {
        let config = self.config();
        self.progress.say(&format!(
            "search    {}, {}, minimizing {}, stopping {}, seed {}",
            config.strategy,
            self.limits(),
            config.objective_description(),
            config.stopping,
            config.seed()
        ));
        for dimension in self.study.settings().space.dimensions() {
            self.progress.say(&format!("          {dimension}"));
        }
        let (path, n_run) = (self.folder.path().display(), self.rows.len());
        let trials = terminal::counted(n_run, "trial");
        if n_run >= config.trials {
            self.progress.say(&format!(
                "{path}: {trials} already run; to run more trials, set --trials above {n_run}"
            ));
        } else if n_run > 0 {
            self.progress
                .say(&format!("resuming {path} after {trials}"));
        }
    }

    /// The number of trials and the time, such as `up to 1000 trials in 10 min`.
    fn limits(&self) -> String {
        let trials = terminal::counted(self.config().trials, "trial");
        match self.budget {
            None => trials,
            Some(budget) => {
                let seconds = terminal::seconds(budget.as_secs_f64());
                format!("up to {trials} in {seconds}")
            }
        }
    }

    /// Whether the time budget is used up; the first trial always runs.
    fn is_over(&self) -> bool {
        let is_used_up = |budget| self.start.elapsed() >= budget;
        self.budget.is_some_and(is_used_up) && !self.rows.is_empty()
    }

    fn run_trials(&mut self) -> Result<()> {
        while self.rows.len() < self.config().trials {
            if self.is_over() {
                self.progress
                    .say("the time budget is used up; no further trial starts");
                return Ok(());
            }
            let Some(trial) = self.study.ask().map_err(failed)? else {
                self.progress
                    .say("all points of the grid have been evaluated");
                return Ok(());
            };
            self.run_trial(&trial)?;
        }
        Ok(())
    }

    fn run_trial(&mut self, trial: &Trial) -> Result<()> {
        let ended = self.train(trial)?;
        self.progress.finish();
        let objective = *self.config().objective.value();
        let Some((outcome, failure)) = ended.of_study(objective) else {
            return Err(self.interrupted());
        };
        let best = self.study.best().map(|best| best.id);
        self.rows
            .push(Row::new(trial, outcome, ended.measured.clone()));
        // The journal is written last: every trial that has ended there has a row.
        self.folder.write_trials(&self.study, &self.rows)?;
        self.study.tell(trial.id, outcome).map_err(failed)?;
        self.folder.sync_journal()?;
        let is_best = self.study.best().map(|best| best.id) != best;
        let row = self.rows.last().expect("a trial has just ended");
        let n_trials = self.config().trials;
        row.announce(
            &self.progress,
            &trial.point,
            n_trials,
            failure,
            Some(is_best),
        );
        Ok(())
    }

    fn train(&mut self, trial: &Trial) -> Result<trial::Outcome> {
        let training = Training {
            flags: &self.flags,
            data: self.data,
            threads: self.threads,
            objective: *self.folder.config().objective.value(),
        };
        let (study, interrupt) = (&mut self.study, self.interrupt);
        training.run(
            &trial.point,
            &mut self.progress,
            || interrupt.is_set(),
            |epoch, objective| {
                let decision = study.report(trial.id, epoch as u64, objective);
                Ok(decision.map_err(failed)? == Decision::Continue)
            },
        )
    }

    fn conclude(&mut self, arguments: &SearchArguments) -> Result<()> {
        let runs = self.data.last();
        let conclusion = Conclusion {
            folder: &self.folder,
            study: &self.study,
            rows: &self.rows,
            flags: &self.flags,
            dataset: &runs.first().dataset.name,
            data_dir: self.data_dir,
        };
        conclusion.conclude(arguments, &mut self.progress, self.threads)
    }

    fn interrupted(&self) -> Error {
        Error::new(
            ErrorKind::Interrupted,
            format!(
                "stopped by a signal after {} of {}; results are in {}",
                self.rows.len(),
                terminal::counted(self.config().trials, "trial"),
                self.folder.path().display()
            ),
        )
        .with_help(format!(
            "to resume the search, run `{} search --resume {}`",
            terminal::program(),
            self.folder.path().display()
        ))
    }
}
