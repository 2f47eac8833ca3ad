//! The snapshot of a session: written by its training thread, read by requests.
//!
//! Each part of a snapshot is replaced as a whole and shared by reference, so that the
//! training thread and the requests do not wait for each other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nn_core::Model;
use nn_train::{EpochMetrics, Summary};
use serde::Serialize;

/// Everything that the page shows of a session.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Number of the session.
    pub(crate) session: u64,
    pub(crate) progress: Latest<Vec<Progress>>,
    pub(crate) pictures: Latest<Vec<Pictures>>,
    /// The network of each training run, for predictions.
    pub(crate) networks: Latest<Vec<Arc<Model>>>,
}

impl Snapshot {
    pub(crate) fn new(session: u64) -> Self {
        Self {
            session,
            progress: Latest::default(),
            pictures: Latest::default(),
            networks: Latest::default(),
        }
    }
}

impl Snapshot {
    /// The first training run that is neither finished, stopped nor failed.
    pub(crate) fn active(&self) -> Option<Progress> {
        let progress = self.progress.get()?;
        let mut active = progress
            .iter()
            .filter(|progress| progress.phase.is_active());
        active.next().cloned()
    }
}

/// The latest value, and how often it was replaced.
#[derive(Debug)]
pub(crate) struct Latest<T>(Mutex<(u64, Option<Arc<T>>)>);

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self(Mutex::new((0, None)))
    }
}

impl<T> Latest<T> {
    /// Replaces the value.
    pub(crate) fn put(&self, value: T) {
        let mut latest = self.lock();
        *latest = (latest.0 + 1, Some(Arc::new(value)));
    }

    /// The latest value, if there is one.
    pub(crate) fn get(&self) -> Option<Arc<T>> {
        self.lock().1.clone()
    }

    /// The latest value if its number is not `seen`, which becomes its number.
    pub(crate) fn newer_than(&self, seen: &mut u64) -> Option<Arc<T>> {
        let latest = self.lock();
        if latest.0 == *seen {
            return None;
        }
        *seen = latest.0;
        latest.1.clone()
    }

    fn lock(&self) -> MutexGuard<'_, (u64, Option<Arc<T>>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The phase of a training run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Phase {
    Running,
    Paused,
    /// All epochs are done, or early stopping has ended the run.
    Done,
    /// The user has stopped the run.
    Stopped,
    /// The training has diverged, or an internal error has ended it.
    Failed,
}

impl Phase {
    /// Whether the run is neither finished, stopped nor failed.
    pub(crate) fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }
}

/// The progress of a training run in numbers.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Progress {
    pub(crate) phase: Phase,
    /// Why the run failed or stopped early.
    pub(crate) message: Option<String>,
    /// The command that repeats the run.
    pub(crate) command: String,
    /// The widths of the layers: `784-128-10`.
    pub(crate) network: String,
    pub(crate) parameters: usize,
    pub(crate) dataset: String,
    pub(crate) n_samples: usize,
    pub(crate) has_classes: bool,
    /// Finished epochs, as a fraction.
    pub(crate) epochs_done: f64,
    pub(crate) n_epochs: usize,
    pub(crate) n_batches: usize,
    pub(crate) step: u64,
    pub(crate) learning_rate: f64,
    /// Step and learning rate of each change, if the user has made any.
    pub(crate) learning_rate_changes: Vec<(u64, f64)>,
    /// Each rollback with half the learning rate, and its cause.
    pub(crate) rollbacks: Vec<String>,
    /// Seconds of training and evaluation.
    pub(crate) seconds: f64,
    /// Seconds of training, without evaluation: `train_seconds` of the summary.
    pub(crate) train_seconds: f64,
    /// Seconds that the session has spent on probes.
    pub(crate) probe_seconds: f64,
    pub(crate) samples_per_second: f64,
    /// Epochs done, mean loss and accuracy.
    pub(crate) curve: Vec<[Option<f64>; 3]>,
    /// Epoch, validation loss and validation accuracy of each epoch.
    pub(crate) validation: Vec<[Option<f64>; 3]>,
    /// Root mean square of the gradient of each layer.
    pub(crate) gradients: Vec<f64>,
    pub(crate) last_epoch: Option<EpochMetrics>,
    /// The summary of a finished run.
    pub(crate) summary: Option<Summary>,
    /// SHA-256 of the weights before the first step.
    pub(crate) initial_sha256: String,
    /// The run directory, once the run is saved.
    pub(crate) saved: Option<String>,
}

/// The pictures of a training run.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Pictures {
    pub(crate) weights: Option<WeightPictures>,
    pub(crate) confusion: Option<Confusion>,
}

/// The incoming weights of the first neurons of the first layer.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WeightPictures {
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Number of neurons of the layer.
    pub(crate) n_neurons: usize,
    /// The absolute value that 127 stands for.
    pub(crate) scale: f32,
    /// The weights of each neuron as signed bytes in base64.
    pub(crate) images: Vec<String>,
}

/// A confusion matrix: rows are true classes, columns are predicted classes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Confusion {
    pub(crate) class_names: Vec<String>,
    pub(crate) counts: Vec<Vec<u64>>,
    /// The samples: `all 60 validation samples, after epoch 3`.
    pub(crate) of: String,
}
