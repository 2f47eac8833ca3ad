//! One of several workers that share a search.
//!
//! A trial is claimed, trained and written to the journal of the worker; the results of the other
//! workers are read from their journals. The points of a round are computed by every worker, from
//! the results of the rounds before, so the trials do not depend on the number of workers.

use std::fs::File;
use std::io::Sink;

use nn_search::{Decision, Study, Trial, WorkerJournal};
use nn_tensor::Threads;
use nn_train::{Error, ErrorKind, Origin, Result, flags};
use nn_workers::{SharedWork, Worker};
use serde_json::json;

use crate::args::threads;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::terminal;

use super::arguments::SearchArguments;
use super::failed::failed;
use super::prepared_search::PreparedSearch;
use super::row::Row;
use super::shared_folder::{SharedFolder, unit};
use super::space::Flags;
use super::trial::{self, Training};
use super::trial_data::TrialData;

/// Runs trials of a shared search until all have ended.
pub(super) fn run(arguments: &SearchArguments, worker: Worker) -> Result<()> {
    refuse_flags_of_one_process(arguments)?;
    let progress = Progress::new(arguments.work.json, arguments.work.plain);
    let threads = threads(arguments.work.threads);
    let PreparedSearch { config, old, data } = PreparedSearch::new(arguments, &progress, &threads)?;
    let flags = Flags::new(config.train.clone(), config.space()?);
    flags.check(&data, *config.objective.value())?;
    let origin = Origin::of(data.last().first());
    let folder = SharedFolder::join(arguments, config, old, &origin)?;
    progress.notes(&data.last().first().notes);
    let interrupt = Interrupt::listen()?;
    let work = arguments.workers.join(folder.path(), worker)?;
    let mut search = WorkerSearch {
        journal: folder.begin_journal(worker.index())?,
        study: Study::new(folder.study().clone(), std::io::sink()).map_err(failed)?,
        is_exhausted: false,
        n_run: 0,
        data: &data,
        flags,
        folder,
        work,
        threads: &threads,
        progress,
        interrupt,
    };
    search.introduce();
    search.run_trials()?;
    search.conclude();
    Ok(())
}

/// Returns an error for flags that have no meaning for one of several workers.
fn refuse_flags_of_one_process(arguments: &SearchArguments) -> Result<()> {
    if arguments.budget.is_some() {
        return Err(Error::usage(
            "--budget: with --worker, the number of trials would depend on the speed of the workers",
        )
        .with_help("limit the search with --trials; stopped workers resume when started again"));
    }
    if arguments.train_best == Some(true) {
        return Err(Error::usage(
            "--train-best: the best trial is known only when all workers have finished",
        )
        .with_help("give --train-best together with --merge"));
    }
    Ok(())
}

/// The part of a shared search that one worker runs.
struct WorkerSearch<'a> {
    data: &'a TrialData<'a>,
    flags: Flags,
    folder: SharedFolder,
    work: SharedWork,
    /// The journal of this worker.
    journal: WorkerJournal<File>,
    /// All trials so far, of all workers.
    study: Study<Sink>,
    /// Whether a grid has no further points.
    is_exhausted: bool,
    /// Number of trials that this process has run.
    n_run: usize,
    threads: &'a Threads,
    progress: Progress,
    interrupt: Interrupt,
}

impl WorkerSearch<'_> {
    fn introduce(&self) {
        let config = self.folder.config();
        self.progress.say(&format!(
            "search    {}, {}, minimizing {}, stopping {}, seed {}, worker {}",
            config.strategy,
            terminal::counted(config.trials, "trial"),
            config.objective_description(),
            config.stopping,
            config.seed(),
            self.work.worker()
        ));
        for dimension in self.study.settings().space.dimensions() {
            self.progress.say(&format!("          {dimension}"));
        }
    }

    fn run_trials(&mut self) -> Result<()> {
        loop {
            self.update()?;
            if let Some(trial) = self.claim()? {
                self.run_trial(&trial)?;
            } else if self.is_finished() {
                return Ok(());
            } else {
                // Other workers run the remaining trials of this round. This worker waits, so that
                // it can take over the trial of a worker that dies.
                let interrupt = self.interrupt;
                self.work.wait(|| interrupt.is_set())?;
                if interrupt.is_set() {
                    return Err(self.interrupted());
                }
            }
        }
    }

    /// Reads the results of all workers, and computes the points that follow from them.
    fn update(&mut self) -> Result<()> {
        let ended = self.folder.ended_trials()?;
        for id in running(&self.study) {
            if let Some(ended) = ended.get(&id) {
                self.adopt(&ended.trial)?;
            }
        }
        while self.study.trials().len() < self.folder.config().trials && self.study.is_ready() {
            // Computing a point takes time, so it is not done for a trial that has ended.
            match ended.get(&self.study.trials().len()) {
                Some(ended) => self.adopt(&ended.trial)?,
                None => {
                    if self.study.ask().map_err(failed)?.is_none() {
                        self.is_exhausted = true;
                        break;
                    }
                }
            }
            self.work.progress();
        }
        Ok(())
    }

    fn adopt(&mut self, trial: &Trial) -> Result<()> {
        self.study.adopt(trial).map_err(|error| {
            let place = self.folder.path().join(unit(trial.id));
            failed(error).at(place.display())
        })
    }

    /// Claims a trial that no living worker runs.
    fn claim(&mut self) -> Result<Option<Trial>> {
        for id in running(&self.study) {
            if !self.work.claim(&unit(id))? {
                continue;
            }
            // A worker that had the claim before may have finished the trial.
            match self.folder.ended_trials()?.get(&id) {
                Some(ended) => self.adopt(&ended.trial)?,
                None => return Ok(Some(self.study.trials()[id].clone())),
            }
        }
        Ok(None)
    }

    fn is_finished(&self) -> bool {
        let is_complete =
            self.is_exhausted || self.study.trials().len() >= self.folder.config().trials;
        is_complete && running(&self.study).is_empty()
    }

    fn run_trial(&mut self, trial: &Trial) -> Result<()> {
        self.journal.asked(trial).map_err(failed)?;
        let ended = self.train(trial)?;
        self.progress.finish();
        let config = self.folder.config();
        let Some((outcome, failure)) = ended.of_study(*config.objective.value()) else {
            return Err(self.interrupted());
        };
        let row = Row::new(trial, outcome, ended.measured.clone());
        let details = row.to_csv(&trial.point, config.is_repeated());
        self.work.check()?;
        self.journal
            .told(trial.id, outcome, details.trim_end())
            .map_err(failed)?;
        self.folder.sync_journal(self.work.worker().index())?;
        self.study.tell(trial.id, outcome).map_err(failed)?;
        self.n_run += 1;
        row.announce(&self.progress, &trial.point, config.trials, failure, None);
        Ok(())
    }

    fn train(&mut self, trial: &Trial) -> Result<trial::Outcome> {
        let training = Training {
            flags: &self.flags,
            data: self.data,
            threads: self.threads,
            objective: *self.folder.config().objective.value(),
        };
        let (study, journal) = (&mut self.study, &mut self.journal);
        let (work, interrupt) = (&mut self.work, self.interrupt);
        training.run(
            &trial.point,
            &mut self.progress,
            || {
                work.progress();
                interrupt.is_set()
            },
            |epoch, objective| {
                let step = epoch as u64;
                journal
                    .reported(trial.id, step, objective)
                    .map_err(failed)?;
                let decision = study.report(trial.id, step, objective);
                Ok(decision.map_err(failed)? == Decision::Continue)
            },
        )
    }

    fn conclude(&self) {
        let path = self.folder.path();
        if let Progress::Json = self.progress {
            return terminal::report(json!({
                "event": "worker",
                "worker": self.work.worker().index(),
                "workers": self.work.worker().count(),
                "trials_run": self.n_run,
                "trials": self.study.trials().len(),
                "run": path.to_string_lossy(),
            }));
        }
        let n_trials = terminal::counted(self.study.trials().len(), "trial");
        terminal::report("");
        terminal::report(format!(
            "worker {} ran {}; all {n_trials} of {} have ended",
            self.work.worker(),
            terminal::counted(self.n_run, "trial"),
            path.display()
        ));
        let quoted = flags::quoted(&path.to_string_lossy());
        let command = format!("  {} search {quoted} --merge", terminal::program());
        ["", "next", &command].iter().for_each(terminal::report);
    }

    fn interrupted(&self) -> Error {
        Error::new(
            ErrorKind::Interrupted,
            format!(
                "worker {} was stopped by a signal after {} in {}",
                self.work.worker(),
                terminal::counted(self.n_run, "trial"),
                self.folder.path().display()
            ),
        )
        .with_help("run the same command again; other workers can run the interrupted trial")
    }
}

/// The trials that have not ended.
fn running(study: &Study<Sink>) -> Vec<usize> {
    let trials = study.trials().iter();
    trials
        .filter(|trial| trial.outcome.is_none())
        .map(|trial| trial.id)
        .collect()
}
