//! The networks that the page can use: the network given on the command line, the networks
//! of saved runs, and the networks in training.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use hyper::StatusCode;
use nn_core::Model;
use nn_files::regular_file;
use nn_train::Result;
use nn_train::run_dir::{self, MODEL, locate_model, read_model};
use serde_json::{Value, json};

use crate::model_inputs::ModelInputs;
use crate::reply::{Refusal, Reply};
use crate::snapshot::Snapshot;

/// Longest name of a run on the page.
const MAX_NAME: usize = 64;

/// Largest number of runs on the page.
const MAX_RUNS: usize = 50;

/// A network with its name.
#[derive(Clone, Debug)]
pub(crate) struct NamedNetwork {
    name: String,
    model: Arc<Model>,
}

impl NamedNetwork {
    /// The run or the model file, as given on the command line.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The description for the page.
    pub(crate) fn describe(&self) -> Value {
        let widths = self.model.network.widths();
        let widths: Vec<String> = widths.iter().map(usize::to_string).collect();
        json!({
            "name": self.name,
            "network": widths.join("-"),
            "reads_drawings": ModelInputs::of(&self.model).are_drawings(),
        })
    }
}

/// The network of a saved run.
#[derive(Debug)]
struct SavedNetwork {
    network: NamedNetwork,
    /// When the model file was written.
    written: SystemTime,
}

/// All networks that the page can use.
#[derive(Debug)]
pub(crate) struct Networks {
    runs_dir: PathBuf,
    /// The network of the command line.
    opened: Option<NamedNetwork>,
    /// The network that was read last.
    last_read: Mutex<Option<SavedNetwork>>,
}

impl Networks {
    /// The networks of the runs in `runs_dir`, and that of `run`.
    ///
    /// # Errors
    /// Returns an error if `run` cannot be read.
    pub(crate) fn open(runs_dir: PathBuf, run: Option<&Path>) -> Result<Self> {
        let open = |run: &Path| -> Result<NamedNetwork> {
            let model = read_model(&locate_model(run, &runs_dir)?, false)?;
            Ok(NamedNetwork {
                name: run.to_string_lossy().into_owned(),
                model: Arc::new(model),
            })
        };
        Ok(Self {
            opened: run.map(open).transpose()?,
            runs_dir,
            last_read: Mutex::new(None),
        })
    }

    /// The folder of the runs.
    pub(crate) fn runs_dir(&self) -> &Path {
        &self.runs_dir
    }

    /// The network of the command line.
    pub(crate) fn opened(&self) -> Option<&NamedNetwork> {
        self.opened.as_ref()
    }

    /// Descriptions of the newest runs that have a network, newest first.
    pub(crate) fn runs(&self) -> Vec<Value> {
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
        let newest = runs.into_iter().rev().take(MAX_RUNS);
        newest
            .map(|(_, name)| describe_run(&self.runs_dir, name))
            .collect()
    }

    /// The network with the id `opened`, `training`, `training:1` or `run:NAME`;
    /// `snapshot` has those in training.
    ///
    /// # Errors
    /// Status 404 if there is none; otherwise if it cannot be read.
    pub(crate) fn find(
        &self,
        id: &str,
        snapshot: Option<&Snapshot>,
    ) -> Result<Arc<Model>, Refusal> {
        let in_training = |index: usize| snapshot?.networks.get()?.get(index).cloned();
        let found = match id.split_once(':') {
            None if id == "opened" => self.opened().map(|opened| Arc::clone(&opened.model)),
            None if id == "training" => in_training(0),
            Some(("training", index)) => index.parse().ok().and_then(in_training),
            Some(("run", name)) if is_run_name(name) => return self.read(name),
            _ => None,
        };
        found.ok_or_else(|| {
            Reply::refuse(
                StatusCode::NOT_FOUND,
                "there is no such network",
                "train a network or choose another one",
            )
        })
    }

    /// The path of a network with this id, or the folder of the runs if it has none:
    /// where to start the search for its data set.
    pub(crate) fn path(&self, id: &str) -> PathBuf {
        match (id.strip_prefix("run:"), &self.opened) {
            (Some(name), _) => self.runs_dir.join(name),
            (None, Some(opened)) if id == "opened" && Path::new(&opened.name).exists() => {
                PathBuf::from(&opened.name)
            }
            (None, Some(opened)) if id == "opened" => self.runs_dir.join(&opened.name),
            _ => self.runs_dir.clone(),
        }
    }

    /// Reads the network of a run, unless it was read last and has not changed.
    fn read(&self, name: &str) -> Result<Arc<Model>, Refusal> {
        let file = self.runs_dir.join(name).join(MODEL);
        let written = fs::metadata(&file).and_then(|file| file.modified());
        let written = written.map_err(|_| {
            Reply::refuse(
                StatusCode::NOT_FOUND,
                "there is no such run",
                "reload the page to see all runs",
            )
        })?;
        let mut last = self
            .last_read
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_same = |last: &&SavedNetwork| last.network.name == name && last.written == written;
        if let Some(last) = last.as_ref().filter(is_same) {
            return Ok(Arc::clone(&last.network.model));
        }
        let model = Arc::new(read_model(&file, false)?);
        *last = Some(SavedNetwork {
            network: NamedNetwork {
                name: name.to_owned(),
                model: Arc::clone(&model),
            },
            written,
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
    let inputs = ModelInputs::read(&runs_dir.join(&name).join(MODEL));
    json!({
        "name": name,
        "dataset": summary["dataset"],
        "layers": summary["layers"],
        "test_accuracy": summary["test_accuracy"],
        "reads_drawings": inputs.is_some_and(ModelInputs::are_drawings),
    })
}

/// Whether a text can be the name of a run; a path cannot.
fn is_run_name(name: &str) -> bool {
    name.len() <= MAX_NAME && run_dir::is_plain_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_not_names() {
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
