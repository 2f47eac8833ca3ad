//! The command `nn search`: searches for good settings of `nn train`.
//!
//! All trials use the same samples and differ only in the searched settings. The
//! trials are compared on the validation samples; the test samples are not used.

mod failed;
mod arguments;
mod space;
mod config;
mod trial;
mod report;
mod folder;

use std::fs::File;
use std::path::Path;
use std::slice;
use std::time::{Duration, Instant};

use nn_search::{Decision, Outcome, Study, Trial};
use nn_tensor::Threads;
use serde_json::json;

use nn_train::{Data, Error, ErrorKind, Experiment, Plan, Result, training_memory};

use crate::args::threads;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::terminal;
use crate::training;

pub(crate) use arguments::SearchArguments;
use config::Config;
use failed::failed;
use folder::Folder;
use report::Report;
use space::Flags;
use trial::{Ended, Row, Training};

pub(crate) fn run(arguments: &SearchArguments) -> Result<()> {
    let progress = Progress::new(arguments.work.json, arguments.work.plain);
    let threads = threads(arguments.work.threads);
    let data_dir = &arguments.folder.data_dir;
    let (config, old) = Config::of(arguments, |note| progress.notes(slice::from_ref(note)))?;
    let data = match &old {
        Some(search) => Data::of_run(&config.train, search, data_dir, &threads)?,
        None => Data::for_training(&config.train, data_dir, &threads)?,
    };
    let flags = Flags::new(config.train.clone(), config.space()?);
    flags.check(&data, *config.objective.value())?;
    let folder = match old {
        Some(path) => Folder::reopen(path, config)?,
        None => Folder::create(arguments, config)?,
    };
    progress.notes(&data.notes);
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
        threads,
        progress,
        interrupt,
    };
    search.introduce();
    search.run_trials()?;
    let best = search.conclude()?;
    if arguments.train_best {
        return search.train_best(arguments, &best);
    }
    Ok(())
}

/// A running search, with its output.
struct Search<'a> {
    start: Instant,
    /// No trial starts after this time.
    budget: Option<Duration>,
    data: &'a Data,
    data_dir: &'a Path,
    flags: Flags,
    folder: Folder,
    study: Study<File>,
    /// The ended trials.
    rows: Vec<Row>,
    threads: Threads,
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
            config.objective.value().description(),
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
        let (outcome, failure) = match &ended.how {
            Ended::Interrupted => return Err(self.interrupted()),
            Ended::Through => {
                let objective = ended.measured.objective(*self.config().objective.value());
                (Outcome::Finished(objective.unwrap_or(f64::NAN)), None)
            }
            Ended::Stopped => (Outcome::Stopped, None),
            Ended::Failed(why) => (Outcome::Failed, Some(why.clone())),
        };
        let best = self.study.best().map(|best| best.id);
        let row = Row::new(trial, outcome, ended.measured);
        self.rows.push(row);
        // The journal is written last: every trial that has ended there has a row.
        self.folder.write_trials(&self.study, &self.rows)?;
        self.study.tell(trial.id, outcome).map_err(failed)?;
        self.folder.sync_journal()?;
        let is_best = self.study.best().map(|best| best.id) != best;
        self.tell(trial, failure.as_deref(), is_best);
        Ok(())
    }

    fn train(&mut self, trial: &Trial) -> Result<trial::Outcome> {
        let plan = self.flags.settings(&trial.point);
        let plan = plan.and_then(|settings| {
            let plan = Plan::new(&settings, self.data)?;
            plan.check_single()?;
            training_memory::check(&plan, &self.data.splits()?)?;
            Ok(plan)
        });
        let plan = match plan {
            Ok(plan) => plan,
            Err(failure) => return Ok(trial::Outcome::refused(&failure)),
        };
        let training = Training {
            plan: &plan,
            data: self.data,
            threads: &self.threads,
            objective: *self.config().objective.value(),
            interrupt: self.interrupt,
        };
        let study = &mut self.study;
        training.run(&mut self.progress, |epoch, objective| {
            let decision = study
                .report(trial.id, epoch as u64, objective)
                .map_err(failed)?;
            Ok(decision == Decision::Continue)
        })
    }

    fn tell(&self, trial: &Trial, failure: Option<&str>, is_best: bool) {
        let row = self.rows.last().expect("a trial has just ended");
        if let Progress::Json = self.progress {
            let mut object = row.to_json();
            object["event"] = "trial".into();
            object["settings"] = json!(trial.point);
            object["is_best"] = is_best.into();
            object["failure"] = failure.into();
            return terminal::report(object);
        }
        let n_trials = self.config().trials;
        let width = n_trials.to_string().len();
        self.progress.say(&format!(
            "trial {:>width$}/{n_trials}  {}   {}{}",
            trial.id + 1,
            row.describe(failure),
            trial.point,
            if is_best { "   best" } else { "" }
        ));
    }

    /// Writes the summary and the report, and prints the best trial.
    fn conclude(&self) -> Result<Trial> {
        let best = self.study.best().ok_or_else(|| {
            Error::new(
                ErrorKind::Diverged,
                format!(
                    "none of {} finished",
                    terminal::counted(self.rows.len(), "trial")
                ),
            )
            .with_help("see trials.csv, and search smaller learning rates")
        })?;
        let command = self.flags.command(&best.point, self.data_dir);
        let summary = self.summary(best, &command);
        self.folder.write_summary(&summary)?;
        self.folder.write_report(&self.report(best, &command))?;
        if let Progress::Json = self.progress {
            let mut object = summary;
            object["event"] = "summary".into();
            object["run"] = self.folder.path().to_string_lossy().into();
            terminal::report(object);
            return Ok(best.clone());
        }
        terminal::report("");
        terminal::report(format!(
            "best of {}: trial {}, {}",
            terminal::counted(self.rows.len(), "trial"),
            best.id + 1,
            self.row(best.id).describe(None)
        ));
        for (name, value) in best.point.values() {
            terminal::report(format!("  {name} = {value}"));
        }
        terminal::report(format!("saved in {}", self.folder.path().display()));
        ["", "next", &format!("  {command}")]
            .iter()
            .for_each(terminal::report);
        Ok(best.clone())
    }

    fn report<'r>(&'r self, best: &'r Trial, command: &'r str) -> Report<'r> {
        let config = self.config();
        Report {
            title: format!("Search {}", self.folder.name()),
            lead: format!(
                "{} on {}, strategy {}, minimizing the {}",
                terminal::counted(self.rows.len(), "trial"),
                self.data.dataset.name,
                config.strategy,
                config.objective.value().description()
            ),
            space: &self.study.settings().space,
            objective: *config.objective.value(),
            trials: self.study.trials(),
            rows: &self.rows,
            best,
            command,
        }
    }

    fn summary(&self, best: &Trial, command: &str) -> serde_json::Value {
        let count = |name: &str| self.rows.iter().filter(|row| row.outcome == name).count();
        let mut won = self.row(best.id).to_json();
        won["settings"] = json!(best.point);
        won["objective"] = best.objective().into();
        let config = self.config();
        json!({
            "dataset": self.data.dataset.name,
            "strategy": config.strategy.text(),
            "space": config.space,
            "objective": config.objective.text(),
            "stopping": config.stopping.text(),
            "seed": config.seed(),
            "trials": self.rows.len(),
            "finished": count("finished"),
            "stopped": count("stopped"),
            "failed": count("failed"),
            "best": won,
            "command": command,
            "seconds": self.rows.iter().map(|row| row.measured.seconds).sum::<f64>(),
            "version": env!("CARGO_PKG_VERSION"),
        })
    }

    fn row(&self, trial: usize) -> &Row {
        let found = self.rows.iter().find(|row| row.trial == trial);
        found.expect("every trial that has ended has a row")
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

    /// Trains a run with the settings of the best trial.
    fn train_best(&self, arguments: &SearchArguments, best: &Trial) -> Result<()> {
        let settings = self.flags.settings(&best.point)?;
        let work = &arguments.work;
        let data = Data::for_training(&settings, self.data_dir, &self.threads)?;
        let experiment = Experiment::new(&settings, data)?.with_threads(self.threads.clone());
        let progress = Progress::new(work.json, work.plain);
        training::run(progress, &experiment, true, |observer| {
            experiment.train_named(&work.runs_dir, None, observer)
        })
    }
}
