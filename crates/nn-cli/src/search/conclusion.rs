//! The result of a search: its summary, its report and its best trial.

use std::io::Write;
use std::path::Path;

use nn_search::{Study, Trial};
use nn_tensor::Threads;
use nn_train::{Error, ErrorKind, Result, Settings};
use serde_json::json;

use crate::progress::Progress;
use crate::terminal;

use super::arguments::SearchArguments;
use super::folder::Folder;
use super::refit::{Refit, Refitted};
use super::report::Report;
use super::row::Row;
use super::space::Flags;
use super::trial_data::are_from_standard_input;

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
    /// Writes the summary and the report, trains a network with the best settings unless the
    /// arguments leave it out, and prints the best trial.
    pub(super) fn conclude(
        &self,
        arguments: &SearchArguments,
        progress: &mut Progress,
        threads: &Threads,
    ) -> Result<()> {
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
        let mut summary = self.summary(best, &command);
        let mut report = self.report(best, &command);
        self.folder.write_report(&report)?;
        self.folder.write_summary(&summary)?;
        let refitted = self.refit(arguments, best, progress, threads);
        if let Ok(Some(refitted)) = &refitted {
            report.refitted = Some(refitted);
            self.folder.write_report(&report)?;
            summary["model"] = refitted.to_json();
            self.folder.write_summary(&summary)?;
        }
        match progress {
            Progress::Json => {
                summary["event"] = "summary".into();
                summary["run"] = self.folder.path().to_string_lossy().into();
                terminal::report(summary);
            }
            _ => self.print(
                best,
                &command,
                refitted.as_ref().ok().and_then(Option::as_ref),
            ),
        }
        refitted.map(drop)
    }

    /// Trains a network with the settings of the best trial, unless the arguments leave it out or
    /// the data cannot be read again.
    fn refit(
        &self,
        arguments: &SearchArguments,
        best: &Trial,
        progress: &mut Progress,
        threads: &Threads,
    ) -> Result<Option<Refitted>> {
        if arguments.train_best == Some(false) {
            return Ok(None);
        }
        if are_from_standard_input(&self.folder.config().train) {
            progress.note(
                "no network is trained with the best settings, because standard input can be read \
                 only once",
            );
            return Ok(None);
        }
        let refit = Refit {
            search: self.folder.path(),
            settings: self.flags.refit_settings(&best.point)?,
            data_dir: self.data_dir,
            threads,
        };
        refit.train(progress).map(Some)
    }

    /// Prints the best trial, the results of the network that was trained with its settings, and
    /// the next commands.
    fn print(&self, best: &Trial, command: &str, refitted: Option<&Refitted>) {
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
        if let Some(refitted) = refitted {
            terminal::report(refitted.describe());
        }
        terminal::report(format!("saved in {}", self.folder.path().display()));
        ["", "next"].iter().for_each(terminal::report);
        if let Some(refitted) = refitted {
            terminal::report(format!("  {}", refitted.evaluate_command()));
        }
        terminal::report(format!("  {command}"));
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
                config.objective_description()
            ),
            space: &self.study.settings().space,
            objective: *config.objective.value(),
            has_spread: config.is_repeated(),
            trials: self.study.trials(),
            rows: self.rows,
            best,
            command,
            refitted: None,
        }
    }

    fn summary(&self, best: &Trial, command: &str) -> serde_json::Value {
        let count = |name: &str| self.rows.iter().filter(|row| row.outcome == name).count();
        let mut won = self.row(best.id).to_json();
        won["settings"] = json!(best.point);
        won["objective"] = best.objective().into();
        let config = self.folder.config();
        let mut summary = json!({
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
        });
        let Settings { folds, seeds, .. } = config.train;
        for (name, number) in [("folds", folds), ("seeds", seeds)] {
            if let Some(number) = number {
                summary[name] = number.into();
            }
        }
        summary
    }

    fn row(&self, trial: usize) -> &Row {
        let found = self.rows.iter().find(|row| row.trial == trial);
        found.expect("every trial that has ended has a row")
    }
}
