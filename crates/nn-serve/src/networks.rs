//! The networks that can be drawn for: the one of the command line, finished
//! runs, and those in training.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use hyper::StatusCode;
use nn_core::Model;
use serde_json::{Value, json};

use crate::args::WeightCheck;
use nn_train::Result;
use nn_train::regular_file;
use nn_train::run_dir::{self, MODEL, read_model};

use super::board::Board;
use super::reply::{Refusal, Reply};

/// Longest name of a run that is looked at.
const LONGEST_NAME: usize = 64;

/// Runs that are offered: the newest.
const MOST_RUNS: usize = 50;

/// A network and where it came from.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) model: Arc<Model>,
    /// When its file was written, to notice another one.
    changed: Option<SystemTime>,
}

impl Named {
    /// For the page.
    pub(super) fn describe(&self) -> Value {
        let widths: Vec<String> = self
            .model
            .network
            .widths()
            .iter()
            .map(usize::to_string)
            .collect();
        json!({
            "name": self.name,
            "network": widths.join("-"),
            "shape": self.model.description.input.shape,
        })
    }
}

/// Reads the network of the command line, if one was named.
pub(super) fn open(run: Option<&Path>, runs_dir: &Path) -> Result<Option<Named>> {
    let Some(run) = run else {
        return Ok(None);
    };
    Ok(Some(Named {
        name: run.to_string_lossy().into_owned(),
        model: Arc::new(read_model(run, runs_dir, WeightCheck::default())?),
        changed: None,
    }))
}

/// Every network that the page can name.
#[derive(Debug)]
pub(super) struct Networks {
    runs_dir: PathBuf,
    /// The network of the command line.
    opened: Option<Named>,
    /// The run whose network was read last.
    last_run: Mutex<Option<Named>>,
}

impl Networks {
    pub(super) fn new(runs_dir: PathBuf, opened: Option<Named>) -> Self {
        Self {
            runs_dir,
            opened,
            last_run: Mutex::new(None),
        }
    }

    /// The folder of the runs.
    pub(super) fn runs_dir(&self) -> &Path {
        &self.runs_dir
    }

    /// The network of the command line.
    pub(super) fn opened(&self) -> Option<&Named> {
        self.opened.as_ref()
    }

    /// Descriptions of the newest runs that have a network, newest first.
    pub(super) fn runs(&self) -> Vec<Value> {
        let mut runs: Vec<(SystemTime, String)> = fs::read_dir(&self.runs_dir)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let changed = fs::metadata(entry.path().join(MODEL))
                    .ok()?
                    .modified()
                    .ok()?;
                is_run_name(&name).then_some((changed, name))
            })
            .collect();
        runs.sort();
        let newest = runs.into_iter().rev().take(MOST_RUNS);
        newest
            .map(|(_, name)| describe_run(&self.runs_dir, name))
            .collect()
    }

    /// The network with the id `opened`, `training`, `training:1` or `run:NAME`;
    /// `board` shows those in training.
    pub(super) fn find(&self, id: &str, board: Option<&Board>) -> Result<Arc<Model>, Refusal> {
        let in_training = |lane: usize| board?.networks.get()?.get(lane).cloned();
        let found = match id.split_once(':') {
            None if id == "opened" => self.opened().map(|opened| Arc::clone(&opened.model)),
            None if id == "training" => in_training(0),
            Some(("training", lane)) => lane.parse().ok().and_then(in_training),
            Some(("run", name)) if is_run_name(name) => return self.run(name),
            _ => None,
        };
        found.ok_or_else(|| {
            Reply::refuse(
                StatusCode::NOT_FOUND,
                "there is no such network",
                "train one, or choose another",
            )
        })
    }

    /// The path of such a network, or the path that it would have if it were
    /// saved.
    pub(super) fn place(&self, id: &str) -> PathBuf {
        match (id.strip_prefix("run:"), &self.opened) {
            (Some(name), _) => self.runs_dir.join(name),
            (None, Some(opened)) if id == "opened" && Path::new(&opened.name).exists() => {
                PathBuf::from(&opened.name)
            }
            (None, Some(opened)) if id == "opened" => self.runs_dir.join(&opened.name),
            _ => self.runs_dir.clone(),
        }
    }

    /// Reads a run's network, unless it was read last and has not changed.
    fn run(&self, name: &str) -> Result<Arc<Model>, Refusal> {
        let folder = self.runs_dir.join(name);
        let written = fs::metadata(folder.join(MODEL)).and_then(|file| file.modified());
        let changed = written.map_err(|_| {
            Reply::refuse(
                StatusCode::NOT_FOUND,
                "there is no such run",
                "reload the page to see those there are",
            )
        })?;
        let mut last = self.last_run.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last
            .as_ref()
            .filter(|last| last.name == name && last.changed == Some(changed))
        {
            return Ok(Arc::clone(&last.model));
        }
        let model = Arc::new(read_model(&folder, &self.runs_dir, WeightCheck::default())?);
        *last = Some(Named {
            name: name.to_owned(),
            model: Arc::clone(&model),
            changed: Some(changed),
        });
        Ok(model)
    }
}

fn describe_run(runs_dir: &Path, name: String) -> Value {
    let text = regular_file::read_text(&runs_dir.join(&name).join("summary.json"));
    let summary = text
        .ok()
        .and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let summary = summary.unwrap_or_default();
    json!({
        "name": name,
        "dataset": summary["dataset"],
        "layers": summary["layers"],
        "test_accuracy": summary["test_accuracy"],
    })
}

/// Whether this can be a run's name, and no path.
fn is_run_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME && run_dir::is_plain_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_paths() {
        for name in ["mnist-1", "a_b.c+d=e,f"] {
            assert!(is_run_name(name), "{name}");
        }
        let long = "a".repeat(65);
        for name in [
            "", ".", "..", "../a", "a/b", "a\\b", ".git", "<script>", "a\0", "a b", &long,
        ] {
            assert!(!is_run_name(name), "{name}");
        }
    }
}
