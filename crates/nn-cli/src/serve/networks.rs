//! The networks that can be drawn for: the one of the command line, finished
//! runs, and those in training.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::StatusCode;
use nn_core::Model;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::WeightCheck;
use crate::evaluate::settings_of;
use crate::failure::Result;
use crate::regular_file;
use crate::run_dir::{self, MODEL, read_model};

use super::app::App;
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

/// Runs that have a network, the newest first.
pub(super) fn list(runs_dir: &Path) -> Vec<Value> {
    let mut runs: Vec<(SystemTime, String)> = fs::read_dir(runs_dir)
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
        .map(|(_, name)| describe_run(runs_dir, name))
        .collect()
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

/// The network that the page means: `opened`, `training`, `training:1` or
/// `run:NAME`.
pub(super) fn find(app: &App, id: &str) -> Result<Arc<Model>, Refusal> {
    let found = match id.split_once(':') {
        None if id == "opened" => app.opened.as_ref().map(|opened| Arc::clone(&opened.model)),
        None if id == "training" => in_training(app, 0),
        Some(("training", lane)) => lane.parse().ok().and_then(|lane| in_training(app, lane)),
        Some(("run", name)) if is_run_name(name) => return run(app, name),
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

/// Where such a network lies, or would lie if it were saved.
pub(super) fn place(app: &App, id: &str) -> PathBuf {
    match (id.strip_prefix("run:"), &app.opened) {
        (Some(name), _) => app.runs_dir.join(name),
        (None, Some(opened)) if id == "opened" && Path::new(&opened.name).exists() => {
            PathBuf::from(&opened.name)
        }
        (None, Some(opened)) if id == "opened" => app.runs_dir.join(&opened.name),
        _ => app.runs_dir.clone(),
    }
}

fn in_training(app: &App, lane: usize) -> Option<Arc<Model>> {
    app.board()?.networks.get()?.get(lane).cloned()
}

/// Reads a run's network, or takes the one that was read last if it is that.
fn run(app: &App, name: &str) -> Result<Arc<Model>, Refusal> {
    let folder = app.runs_dir.join(name);
    let written = fs::metadata(folder.join(MODEL)).and_then(|file| file.modified());
    let changed = written.map_err(|_| {
        Reply::refuse(
            StatusCode::NOT_FOUND,
            "there is no such run",
            "reload the page to see those there are",
        )
    })?;
    let mut last = app.last_run.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(last) = last
        .as_ref()
        .filter(|last| last.name == name && last.changed == Some(changed))
    {
        return Ok(Arc::clone(&last.model));
    }
    let model = Arc::new(read_model(&folder, &app.runs_dir, WeightCheck::default())?);
    *last = Some(Named {
        name: name.to_owned(),
        model: Arc::clone(&model),
        changed: Some(changed),
    });
    Ok(model)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleRequest {
    network: String,
    index: usize,
}

/// `POST /api/sample`: a test image of the data that a network was trained on.
pub(super) fn sample(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let request: SampleRequest = super::app::json(body)?;
    let model = find(app, &request.network)?;
    let unusable = |error: &str| {
        Reply::refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            error,
            "choose a network for images",
        )
    };
    let data = app.data(&settings_of(&model)?)?;
    let (nn_data::Inputs::Pixels(pixels), nn_data::Targets::Classes(labels), Some((height, width))) = (
        &data.dataset.test.inputs,
        &data.dataset.test.targets,
        data.dataset.image_size,
    ) else {
        return Err(unusable("the data have no test images"));
    };
    if pixels.nrows() == 0 {
        return Err(unusable("the data have no test images"));
    }
    let index = request.index % pixels.nrows();
    let image = pixels.row(index).to_vec();
    let label = labels[index] as usize;
    Ok(Reply::json(&json!({
        "index": index,
        "n": pixels.nrows(),
        "label": data.class_names.get(label),
        "height": height,
        "width": width,
        "pixels": BASE64_STANDARD.encode(image),
    })))
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
