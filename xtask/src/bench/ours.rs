//! The program `nn`, built as by `cargo run -p nn-cli`.

use std::fs;
use std::path::{Path, PathBuf};

use super::json::Json;
use super::program::Program;
use super::workloads::Workload;
use crate::error::{Error, Result};
use crate::workspace;

/// `nn`, the data folder, and a folder for runs that is removed at the end.
#[derive(Debug)]
pub(super) struct Nn {
    pub(super) program: Program,
    folder: PathBuf,
}

/// The result of a training run of `nn`.
#[derive(Clone, Debug)]
pub(super) struct Training {
    /// `seconds_per_epoch` of `summary.json`: the median training time, without evaluation.
    pub(super) median: f64,
    pub(super) least: f64,
    /// The value of the workload's metric on the test samples.
    pub(super) metric: f64,
    pub(super) epochs: usize,
}

impl Nn {
    pub(super) fn build(data: &Path) -> Result<Self> {
        eprintln!("building nn");
        let folder = workspace::target().join(format!("peers/runs-{}", std::process::id()));
        let program = Program::cargo("-p nn-cli", "nn")?;
        Ok(Self {
            program: program.environment("NN_DATA_DIR", data.to_string_lossy()),
            folder,
        })
    }

    /// Trains a workload on all threads.
    pub(super) fn train(
        &self,
        workload: &Workload,
        epochs: usize,
        seed: usize,
    ) -> Result<Training> {
        self.train_with(workload, &workload.nn_arguments(epochs, seed))
    }

    /// Trains a workload with the given arguments.
    pub(super) fn train_with(&self, workload: &Workload, arguments: &[String]) -> Result<Training> {
        let run = self.run_folder("training")?;
        self.program.output(&self.with_run(arguments, &run))?;
        let summary = read(&run.join("summary.json"))?;
        let json = Json::new("nn train", &summary)?;
        let epochs = train_seconds(&read(&run.join("metrics.csv"))?);
        remove(&run)?;
        Ok(Training {
            median: json.number("seconds_per_epoch")?,
            least: super::statistics::least(&epochs),
            metric: json.number(&format!("test_{}", workload.metric().name()))?,
            epochs: epochs.len(),
        })
    }

    /// Writes a model file with the initial weights of a training run.
    pub(super) fn initial_weights(&self, workload: &Workload, seed: usize) -> Result<PathBuf> {
        let run = self.run_folder(&format!("{}-{seed}", workload.name))?;
        let arguments = workload.initial_arguments(seed);
        self.program.output(&self.with_run(&arguments, &run))?;
        Ok(run.join("model.safetensors"))
    }

    /// The path of a new run folder with this name.
    pub(super) fn run_folder(&self, name: &str) -> Result<PathBuf> {
        let run = self.folder.join(name);
        remove(&run)?;
        Ok(run)
    }

    /// Adds arguments that write the run to the folder `run`.
    pub(super) fn with_run(&self, arguments: &[String], run: &Path) -> Vec<String> {
        let name = run.file_name().unwrap_or_default().to_string_lossy();
        let folder = self.folder.to_string_lossy();
        let place = [
            "--plain",
            "--no-report",
            "--runs-dir",
            &folder,
            "--name",
            &name,
        ]
        .map(String::from);
        [arguments, &place].concat()
    }
}

impl Drop for Nn {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.folder) {
            eprintln!("warning: {error}");
        }
    }
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::unreadable(folder, error))
        }
        _ => Ok(()),
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|source| Error::unreadable(path, source))
}

/// Reads the column `train_seconds` of `metrics.csv`.
fn train_seconds(metrics: &str) -> Vec<f64> {
    let mut lines = metrics.lines();
    let head = lines.next().unwrap_or_default();
    let Some(column) = head.split(',').position(|name| name == "train_seconds") else {
        return Vec::new();
    };
    lines
        .filter_map(|line| line.split(',').nth(column)?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_come_from_their_column() {
        let metrics = "epoch,train_loss,train_seconds,evaluate_seconds\n1,0.5,2.5,\n2,0.4,1.5,\n";
        assert_eq!(train_seconds(metrics), [2.5, 1.5]);
        assert!(train_seconds("epoch\n1\n").is_empty());
    }
}
