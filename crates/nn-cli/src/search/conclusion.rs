//! The result of a search: its summary, its report and its best trial.

use std::io::Write;
use std::path::Path;

use nn_search::{Study, Trial};
use nn_tensor::Threads;
use nn_train::{Data, Error, ErrorKind, Experiment, Result};
use serde_json::json;

use crate::progress::Progress;
use crate::terminal;
use crate::training;

use super::arguments::SearchArguments;
use super::folder::Folder;
use super::report::Report;
use super::space::Flags;
use super::trial::Row;

/// The ended trials of a search.
pub(super) struct Conclusion<'a, W> {
    pub(super) folder: &'a Folder,
    pub(super) study: &'a Study<W>,
    /// The rows of the ended trials.
    pub(super) rows: &'a [Row],
    pub(super) flags: &'a Flags,
    /// Name of the data set.
    pub(super) dataset: &'a str,
    pub(super) data_dir: &'a Path,
}

impl<W: Write> Conclusion<'_, W> {
    /// Writes the summary and the report, and prints and returns the best trial.
    pub(super) fn write(&self, progress: &Progress) -> Result<Trial> {
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
        if let Progress::Json = progress {
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
        let config = self.folder.config();
        Report {
            title: format!("Search {}", self.folder.name()),
            lead: format!(
                "{} on {}, strategy {}, minimizing the {}",
                terminal::counted(self.rows.len(), "trial"),
                self.dataset,
                config.strategy,
                config.objective.value().description()
            ),
            space: &self.study.settings().space,
            objective: *config.objective.value(),
            trials: self.study.trials(),
            rows: self.rows,
            best,
            command,
        }
    }

    fn summary(&self, best: &Trial, command: &str) -> serde_json::Value {
        let count = |name: &str| self.rows.iter().filter(|row| row.outcome == name).count();
        let mut won = self.row(best.id).to_json();
        won["settings"] = json!(best.point);
        won["objective"] = best.objective().into();
        let config = self.folder.config();
        json!({
            "dataset": self.dataset,
            "strategy": config.strategy.text(),
            "space": config.space,
            "objective": config.objective.text(),
            "stopping": config.stopping.text(),
            "round": config.round,
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
}

/// Trains a run with the settings of the best trial.
pub(super) fn train_best(
    arguments: &SearchArguments,
    flags: &Flags,
    best: &Trial,
    threads: &Threads,
) -> Result<()> {
    let settings = flags.settings(&best.point)?;
    let work = &arguments.work;
    let data = Data::for_training(&settings, &arguments.folder.data_dir, threads)?;
    let experiment = Experiment::new(&settings, data)?.with_threads(threads.clone());
    let progress = Progress::new(work.json, work.plain);
    training::run(progress, &experiment, true, |observer| {
        experiment.train_named(&work.runs_dir, None, observer)
    })
}
