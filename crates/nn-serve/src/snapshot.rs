//! What a session shows: written by its thread, read by the page.
//!
//! Views are replaced whole and shared by reference, so that neither side
//! waits for the other.

use std::sync::{Arc, Mutex, PoisonError};

use nn_core::Model;
use serde::Serialize;

use nn_train::EpochMetrics;

/// All that is shown of a session.
#[derive(Debug)]
pub(super) struct Board {
    /// Number of the session.
    pub(super) session: u64,
    pub(super) progress: Slot<Vec<Progress>>,
    pub(super) pictures: Slot<Vec<Pictures>>,
    /// The network of each lane, to draw for.
    pub(super) networks: Slot<Vec<Arc<Model>>>,
}

impl Board {
    pub(super) fn new(session: u64) -> Self {
        Self {
            session,
            progress: Slot::default(),
            pictures: Slot::default(),
            networks: Slot::default(),
        }
    }
}

/// The newest of something, and how often it was replaced.
#[derive(Debug)]
pub(super) struct Slot<T>(Mutex<(u64, Option<Arc<T>>)>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Mutex::new((0, None)))
    }
}

impl<T> Slot<T> {
    pub(super) fn put(&self, value: T) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = (slot.0 + 1, Some(Arc::new(value)));
    }

    /// The newest, if there is one.
    pub(super) fn get(&self) -> Option<Arc<T>> {
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.1.clone()
    }

    /// The newest, if it is not number `seen`, which becomes its number.
    pub(super) fn newer_than(&self, seen: &mut u64) -> Option<Arc<T>> {
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.0 == *seen {
            return None;
        }
        *seen = slot.0;
        slot.1.clone()
    }
}

/// Where a training stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Phase {
    Running,
    Paused,
    /// All epochs are done, or patience has run out.
    Done,
    /// The user has ended it.
    Stopped,
    /// A number was no longer one, or the program made a mistake.
    Failed,
}

/// How far a training is, in numbers.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Progress {
    pub(super) phase: Phase,
    /// Why it failed, or that it stopped early.
    pub(super) message: Option<String>,
    /// The line that repeats it.
    pub(super) command: String,
    /// 784-128-10
    pub(super) network: String,
    pub(super) parameters: usize,
    pub(super) dataset: String,
    pub(super) n_samples: usize,
    pub(super) has_classes: bool,
    /// Finished epochs, as a fraction.
    pub(super) epochs_done: f64,
    pub(super) n_epochs: usize,
    pub(super) n_batches: usize,
    pub(super) step: u64,
    pub(super) learning_rate: f64,
    /// After how many steps the rate was changed, and to what, if any of it was
    /// by hand.
    pub(super) rate_changes: Vec<(u64, f64)>,
    /// What made it go back and halve the learning rate, each time.
    pub(super) restarts: Vec<String>,
    /// Seconds of training and evaluation.
    pub(super) seconds: f64,
    /// Seconds that the session has spent on watching, orders included.
    pub(super) watching_seconds: f64,
    pub(super) samples_per_second: f64,
    /// Epochs done, mean loss, share of right answers.
    pub(super) curve: Vec<[Option<f64>; 3]>,
    /// After each epoch: epoch, loss and accuracy on the validation samples.
    pub(super) validation: Vec<[Option<f64>; 3]>,
    /// Root mean square of each layer's gradient.
    pub(super) gradients: Vec<f64>,
    pub(super) last_epoch: Option<RowView>,
    /// What `summary.json` would say, once it is done.
    pub(super) summary: Option<serde_json::Value>,
    /// SHA-256 of the weights before the first step.
    pub(super) initial_sha256: String,
    /// Where it was saved.
    pub(super) saved: Option<String>,
}

/// A finished epoch.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RowView {
    epoch: usize,
    train_loss: f64,
    train_accuracy: Option<f64>,
    validation_loss: Option<f64>,
    validation_accuracy: Option<f64>,
}

impl From<&Row> for RowView {
    fn from(row: &Row) -> Self {
        Self {
            epoch: row.epoch,
            train_loss: row.train_loss,
            train_accuracy: row.train_accuracy,
            validation_loss: row.validation_loss,
            validation_accuracy: row.validation_accuracy,
        }
    }
}

/// What a training looks like, in pictures.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Pictures {
    pub(super) weights: Option<WeightPictures>,
    pub(super) confusion: Option<Confusion>,
}

/// The weights into the first neurons of the first layer.
#[derive(Clone, Debug, Serialize)]
pub(super) struct WeightPictures {
    pub(super) height: usize,
    pub(super) width: usize,
    /// Neurons of the layer, of which the first are shown.
    pub(super) n_neurons: usize,
    /// What -127 and 127 stand for.
    pub(super) scale: f32,
    /// A signed byte a weight in base64, neuron by neuron.
    pub(super) images: Vec<String>,
}

/// Rows: the right class; columns: the one that the network named.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Confusion {
    pub(super) class_names: Vec<String>,
    pub(super) counts: Vec<Vec<u64>>,
    /// Which samples these are.
    pub(super) of: String,
}
