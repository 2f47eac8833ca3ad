//! The trainings of the page: one, or two side by side, on a thread of their
//! own, with orders going in and the board coming out.
//!
//! There is one session at a time; a new one ends the one before.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use nn_tensor::Threads;

use nn_train::{Error, ErrorKind, Result};

use super::board::{Board, Phase};
use super::experiment::Experiment;
use super::lane::Lane;
use super::studio::{Order, Studio};

/// A session, seen from outside; its thread ends with it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) board: Arc<Board>,
    orders: Sender<Order>,
}

impl Session {
    /// Whether the training thread is there to follow this order.
    pub(super) fn send(&self, order: Order) -> bool {
        self.orders.send(order).is_ok()
    }

    /// Starts a thread, and waits until it is ready to train.
    pub(super) fn begin(
        number: u64,
        experiments: Vec<Experiment>,
        is_paused: bool,
    ) -> Result<Self> {
        let board = Arc::new(Board::new(number));
        let (orders, receiver) = channel();
        let (ready, is_ready) = channel();
        let shown = Arc::clone(&board);
        let work = move || {
            let threads = Threads::all();
            let lanes = experiments
                .iter()
                .map(|experiment| Lane::new(experiment, &threads));
            let lanes = match lanes.collect::<Result<Vec<_>>>() {
                Ok(lanes) => lanes,
                Err(failure) => return drop(ready.send(Err(failure))),
            };
            let mut studio = Studio::new(lanes, &shown);
            studio.set_paused(is_paused);
            studio.look_at_everything();
            if ready.send(Ok(())).is_ok() {
                studio.work(&receiver, !is_paused);
            }
        };
        let guarded = {
            let board = Arc::clone(&board);
            move || {
                if catch_unwind(AssertUnwindSafe(work)).is_err() {
                    note_mistake(&board);
                }
            }
        };
        thread::Builder::new()
            .name("training".to_owned())
            .spawn(guarded)
            .map_err(|error| {
                Error::new(ErrorKind::Io, format!("cannot start a thread: {error}"))
            })?;
        match is_ready.recv() {
            Ok(ready) => ready.map(|()| Self { board, orders }),
            Err(_) => Err(Error::new(ErrorKind::Io, "the training could not be begun")),
        }
    }
}

/// The program made a mistake while training: says so where it was watched.
fn note_mistake(board: &Board) {
    let views = board.progress.get().unwrap_or_default();
    let failed = views.iter().cloned().map(|mut view| {
        view.phase = Phase::Failed;
        view.message = Some("a mistake in this program; please report it".to_owned());
        view
    });
    board.progress.put(failed.collect());
}
