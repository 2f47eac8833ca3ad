//! A session: one training run, or two side by side, on a training thread. The thread
//! receives messages and updates the snapshot.
//!
//! There is one session at a time; a new session ends the previous one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use nn_tensor::Threads;
use nn_train::{Error, ErrorKind, Result};

use crate::snapshot::{Phase, Snapshot};
use crate::training::Training;
use crate::training_request::TrainingRequest;
use crate::training_thread::{Message, TrainingThread};

/// A session; its training thread ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) snapshot: Arc<Snapshot>,
    messages: Sender<Message>,
}

impl Session {
    /// Starts the training thread and waits until it is ready.
    ///
    /// # Errors
    /// Returns an error if the thread or a training run cannot be started.
    pub(crate) fn start(
        number: u64,
        requests: Vec<TrainingRequest>,
        is_paused: bool,
    ) -> Result<Self> {
        let requests = with_shared_threads(requests);
        let snapshot = Arc::new(Snapshot::new(number));
        let (messages, receiver) = channel();
        let (ready, is_ready) = channel();
        let shared = Arc::clone(&snapshot);
        let work = move || {
            let train = || train(&requests, &shared, &receiver, is_paused, &ready);
            if catch_unwind(AssertUnwindSafe(train)).is_err() {
                show_internal_error(&shared);
            }
        };
        let builder = thread::Builder::new().name("training".to_owned());
        builder.spawn(work).map_err(|error| {
            Error::new(ErrorKind::Io, format!("cannot start a thread: {error}"))
        })?;
        match is_ready.recv() {
            Ok(ready) => ready.map(|()| Self { snapshot, messages }),
            Err(_) => Err(Error::new(ErrorKind::Io, "training could not be started")),
        }
    }

    /// Sends a message; returns whether the training thread can receive it.
    pub(crate) fn send(&self, message: Message) -> bool {
        self.messages.send(message).is_ok()
    }
}

/// Two training runs take turns, so they share a thread pool.
fn with_shared_threads(requests: Vec<TrainingRequest>) -> Vec<TrainingRequest> {
    let threads = Threads::all();
    let share = |request: TrainingRequest| TrainingRequest {
        experiment: request.experiment.with_threads(threads.clone()),
        ..request
    };
    requests.into_iter().map(share).collect()
}

/// The training thread: prepares the training runs, reports that they are `ready`, and
/// trains until the session is dropped.
fn train(
    requests: &[TrainingRequest],
    snapshot: &Snapshot,
    messages: &Receiver<Message>,
    is_paused: bool,
    ready: &Sender<Result<()>>,
) {
    let trainings: Result<Vec<_>> = requests.iter().map(Training::new).collect();
    let trainings = match trainings {
        Ok(trainings) => trainings,
        Err(error) => return drop(ready.send(Err(error))),
    };
    let mut thread = TrainingThread::new(trainings, snapshot);
    thread.set_paused(is_paused);
    thread.run_all_probes();
    if ready.send(Ok(())).is_ok() {
        thread.run(messages, !is_paused);
    }
}

/// Shows that a panic has ended the training thread.
fn show_internal_error(snapshot: &Snapshot) {
    let trainings = snapshot.progress.get().unwrap_or_default();
    let failed = trainings.iter().cloned().map(|mut progress| {
        progress.phase = Phase::Failed;
        progress.message = Some("internal error; please report it".to_owned());
        progress
    });
    snapshot.progress.put(failed.collect());
}
