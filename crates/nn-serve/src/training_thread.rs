//! The training thread of a session: it trains, handles messages, and runs probes.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvError, Sender, TryRecvError};
use std::time::{Duration, Instant};

use nn_report::Diagnosis;
use nn_train::{Error, Result};

use crate::probe::{Budget, Probe};
use crate::snapshot::Snapshot;
use crate::training::Training;

/// Time between two updates of the progress, and of the pictures.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
const PICTURE_INTERVAL: Duration = Duration::from_millis(500);

/// Time of training between two checks for messages.
const SLICE: Duration = Duration::from_millis(4);

/// A message to the training thread.
#[derive(Debug)]
pub(crate) enum Message {
    Pause,
    Resume,
    /// Trains one batch, or evaluates at the end of an epoch.
    Step,
    Stop,
    SetLearningRate(f64),
    Save {
        training: usize,
        name: Option<String>,
        runs_dir: PathBuf,
        reply: Sender<Result<String>>,
    },
    Diagnose {
        training: usize,
        reply: Sender<Result<Diagnosis>>,
    },
}

/// The training runs of a session, and their probes.
pub(crate) struct TrainingThread<'a> {
    trainings: Vec<Training<'a>>,
    snapshot: &'a Snapshot,
    budget: Budget,
    /// Time spent on probes.
    probe_time: Duration,
    progress_due: Instant,
    pictures_due: Instant,
    /// Number of evaluations at the time of the last pictures.
    n_evaluations: usize,
}

impl<'a> TrainingThread<'a> {
    /// A thread that has not started to train.
    pub(crate) fn new(trainings: Vec<Training<'a>>, snapshot: &'a Snapshot) -> Self {
        let now = Instant::now();
        Self {
            trainings,
            snapshot,
            budget: Budget::new(),
            probe_time: Duration::ZERO,
            progress_due: now,
            pictures_due: now,
            n_evaluations: 0,
        }
    }

    /// Trains and handles messages until their sender is dropped.
    pub(crate) fn run(&mut self, messages: &Receiver<Message>, mut is_running: bool) {
        while let Ok(message) = next_message(messages, is_running) {
            match message {
                Some(message) => {
                    is_running = self.handle(message, is_running);
                    self.set_paused(!is_running);
                    self.run_all_probes();
                }
                None => {
                    self.train(SLICE);
                    let start = Instant::now();
                    self.run_due_probes();
                    self.probe_time += start.elapsed();
                }
            }
            if is_running && !self.trainings.iter().any(Training::is_active) {
                is_running = false;
                self.run_all_probes();
            }
        }
    }

    /// Handles a message; returns whether to continue the training.
    fn handle(&mut self, message: Message, is_running: bool) -> bool {
        match message {
            Message::Pause => false,
            Message::Resume => {
                self.budget.restart();
                true
            }
            Message::Step => {
                let active = self.trainings.iter_mut();
                for training in active.filter(|training| training.is_active()) {
                    training.advance(Duration::ZERO);
                }
                false
            }
            Message::Stop => {
                self.trainings.iter_mut().for_each(Training::stop);
                false
            }
            Message::SetLearningRate(learning_rate) => {
                for training in &mut self.trainings {
                    // The request has checked its range.
                    let _ = training.set_learning_rate(learning_rate);
                }
                is_running
            }
            Message::Save {
                training,
                name,
                runs_dir,
                reply,
            } => {
                let saved = match self.trainings.get_mut(training) {
                    Some(training) => training.save(name.as_deref(), &runs_dir),
                    None => Err(Error::usage(format!("there is no training run {training}"))),
                };
                // The request may have timed out.
                let _ = reply.send(saved);
                is_running
            }
            Message::Diagnose { training, reply } => {
                let diagnosis = match self.trainings.get(training) {
                    Some(training) => Ok(training.diagnosis()),
                    None => Err(Error::usage(format!("there is no training run {training}"))),
                };
                let _ = reply.send(diagnosis);
                is_running
            }
        }
    }

    /// Pauses or resumes all training runs that are not finished.
    pub(crate) fn set_paused(&mut self, is_paused: bool) {
        for training in &mut self.trainings {
            training.set_paused(is_paused);
        }
    }

    /// Trains the run with the fewest epochs done.
    fn train(&mut self, slice: Duration) {
        let active = self.trainings.iter_mut();
        let active = active.filter(|training| training.is_active());
        let behind = active.min_by(|a, b| a.epochs_done().total_cmp(&b.epochs_done()));
        if let Some(training) = behind {
            training.advance(slice);
        }
    }

    /// Runs the probes that are due, within the budget.
    fn run_due_probes(&mut self) {
        let now = Instant::now();
        if now < self.progress_due {
            return;
        }
        self.progress_due = now + PROGRESS_INTERVAL;
        if self.budget.allows(Probe::Gradients) {
            self.measure_gradients();
        }
        if now >= self.pictures_due && self.budget.allows(Probe::Pictures) {
            self.pictures_due = now + PICTURE_INTERVAL;
            let n_evaluations = self.n_evaluations();
            self.take_pictures(n_evaluations == self.n_evaluations);
            self.n_evaluations = n_evaluations;
        }
        self.show_progress();
    }

    /// Runs all probes, while nothing is being trained.
    pub(crate) fn run_all_probes(&mut self) {
        let is_done = !self.trainings.iter().any(Training::is_active);
        self.measure_gradients();
        self.take_pictures(!is_done || self.n_evaluations() == 0);
        self.show_progress();
        self.budget.restart();
    }

    fn n_evaluations(&self) -> usize {
        self.trainings.iter().map(Training::n_evaluations).sum()
    }

    fn measure_gradients(&mut self) {
        let trainings = &mut self.trainings;
        self.budget.spend(Probe::Gradients, || {
            trainings.iter_mut().for_each(Training::measure_gradients);
        });
    }

    /// Updates the pictures; evaluates for the confusion matrix if `evaluates`, otherwise
    /// it stays that of the last epoch.
    fn take_pictures(&mut self, evaluates: bool) {
        let (trainings, snapshot) = (&mut self.trainings, self.snapshot);
        self.budget.spend(Probe::Pictures, || {
            for training in trainings.iter_mut() {
                training.take_pictures(evaluates);
            }
            let pictures = trainings.iter().map(Training::pictures);
            snapshot.pictures.put(pictures.collect());
            let networks = trainings.iter().map(Training::model);
            snapshot.networks.put(networks.collect());
        });
    }

    fn show_progress(&self) {
        let progress = self.trainings.iter();
        let progress = progress.map(|training| training.progress(self.probe_time));
        self.snapshot.progress.put(progress.collect());
    }
}

/// The next message; waits for it unless the training is running.
fn next_message(
    messages: &Receiver<Message>,
    is_running: bool,
) -> Result<Option<Message>, RecvError> {
    if !is_running {
        return messages.recv().map(Some);
    }
    match messages.try_recv() {
        Ok(message) => Ok(Some(message)),
        Err(TryRecvError::Empty) => Ok(None),
        Err(TryRecvError::Disconnected) => Err(RecvError),
    }
}
