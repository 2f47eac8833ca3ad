//! `nn search NAME --status`: which trials of a shared search have ended, and which workers run the
//! others.

use nn_train::{Result, Settings};
use nn_workers::UnitState;
use serde_json::{Value, json};

use crate::terminal;

use super::arguments::SearchArguments;
use super::shared_folder::{SharedFolder, unit};
use super::trial_data;

/// The state of all trials of a shared search.
struct Status {
    /// Directory of the search.
    path: String,
    /// The settings that each trial has in common.
    train: Settings,
    n_trials: usize,
    n_finished: usize,
    /// Claimed trials, counted from 1, that a living worker runs.
    running: Vec<(usize, UnitState)>,
    /// Claimed trials, counted from 1, whose worker has ended or makes no progress.
    stale: Vec<(usize, UnitState)>,
}

pub(super) fn run(arguments: &SearchArguments) -> Result<()> {
    let shared = SharedFolder::find(arguments, "--status")?;
    let status = Status::of(&shared, arguments)?;
    match arguments.work.json {
        true => terminal::report(status.to_json()),
        false => status.print(),
    }
    Ok(())
}

impl Status {
    fn of(shared: &SharedFolder, arguments: &SearchArguments) -> Result<Self> {
        let ended = shared.ended_trials()?;
        let n_trials = shared.n_planned()?;
        let mut status = Self {
            path: shared.path().to_string_lossy().into_owned(),
            train: shared.config().train.clone(),
            n_trials,
            n_finished: (0..n_trials).filter(|id| ended.contains_key(id)).count(),
            running: Vec::new(),
            stale: Vec::new(),
        };
        for id in (0..n_trials).filter(|id| !ended.contains_key(id)) {
            let state = UnitState::of(
                &shared.workers(),
                &unit(id),
                arguments.workers.claim_timeout,
            )?;
            match state {
                Some(state) if state.is_abandoned => status.stale.push((id + 1, state)),
                Some(state) => status.running.push((id + 1, state)),
                None => {}
            }
        }
        Ok(status)
    }

    /// Number of trials that no worker has claimed.
    fn n_to_do(&self) -> usize {
        self.n_trials - self.n_finished - self.running.len() - self.stale.len()
    }

    fn print(&self) {
        let n_trials = terminal::counted(self.n_trials, "trial");
        let runs = trial_data::described(&self.train);
        let runs = runs.map_or_else(String::new, |runs| format!(" of {runs}"));
        terminal::line(format!("search    {}, {n_trials}{runs}", self.path));
        terminal::line(format!("finished  {}", self.n_finished));
        for (name, trials) in [("running", &self.running), ("stale", &self.stale)] {
            terminal::line(format!("{name:<8}  {}", trials.len()));
            for (trial, state) in trials {
                terminal::line(format!("          trial {trial}, {}", described(state)));
            }
        }
        terminal::line(format!("to do     {}", self.n_to_do()));
    }

    fn to_json(&self) -> Value {
        let list = |trials: &[(usize, UnitState)]| -> Vec<Value> {
            trials
                .iter()
                .map(|(trial, state)| entry(*trial, state))
                .collect()
        };
        json!({
            "event": "status",
            "folds": self.train.folds,
            "seeds": self.train.seeds,
            "run": self.path,
            "trials": self.n_trials,
            "finished": self.n_finished,
            "running": list(&self.running),
            "stale": list(&self.stale),
            "to_do": self.n_to_do(),
        })
    }
}

/// Such as `worker 2, process 123 on node7, last progress 4.20 s ago`.
fn described(state: &UnitState) -> String {
    let worker = state.worker.map(|worker| format!("worker {worker}"));
    let process = state.process.as_ref().map(ToString::to_string);
    let unreadable = "unreadable claim".to_owned();
    format!(
        "{}, last progress {} ago",
        [Some(worker.unwrap_or(unreadable)), process]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", "),
        terminal::seconds(state.age.as_secs_f64())
    )
}

fn entry(trial: usize, state: &UnitState) -> Value {
    let process = state.process.as_ref();
    json!({
        "trial": trial,
        "worker": state.worker,
        "host": process.map(|process| &process.host),
        "process": process.map(|process| process.id),
        "seconds_since_progress": state.age.as_secs_f64(),
    })
}
