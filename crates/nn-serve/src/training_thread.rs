//! The training thread's side of a session: training, following orders, and
//! looking at what came of it.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::{Duration, Instant};

use nn_train::{Error, Result};

use super::board::Board;
use super::lane::Lane;
use super::watch::{Budget, Look};

/// Time between two looks at the numbers, and at the pictures.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
const PICTURE_INTERVAL: Duration = Duration::from_millis(500);

/// Training between two looks at the clock and at the orders.
const SLICE: Duration = Duration::from_millis(4);

/// What can be asked of a session.
#[derive(Debug)]
pub(super) enum Order {
    Pause,
    Resume,
    /// One batch, or the evaluation that ends an epoch.
    Step,
    Stop,
    Rate(f64),
    Save {
        lane: usize,
        name: Option<String>,
        runs_dir: PathBuf,
        answer: Sender<Result<String>>,
    },
}

/// Trainings, and who watches them.
pub(super) struct Studio<'a> {
    lanes: Vec<Lane<'a>>,
    board: &'a Board,
    budget: Budget,
    /// Time that was taken from training.
    watching: Duration,
    progress_due: Instant,
    pictures_due: Instant,
    /// Evaluations of all lanes when the last pictures were taken.
    n_evaluations: usize,
}

impl<'a> Studio<'a> {
    pub(super) fn new(lanes: Vec<Lane<'a>>, board: &'a Board) -> Self {
        let now = Instant::now();
        Self {
            lanes,
            board,
            budget: Budget::new(),
            watching: Duration::ZERO,
            progress_due: now,
            pictures_due: now,
            n_evaluations: 0,
        }
    }

    /// Trains and follows orders until nobody can give any.
    pub(super) fn work(&mut self, orders: &Receiver<Order>, mut is_running: bool) {
        loop {
            let order = if is_running {
                match orders.try_recv() {
                    Ok(order) => Some(order),
                    Err(TryRecvError::Empty) => None,
                    Err(TryRecvError::Disconnected) => return,
                }
            } else {
                match orders.recv() {
                    Ok(order) => Some(order),
                    Err(_) => return,
                }
            };
            match order {
                None => {
                    let start = Instant::now();
                    self.advance(SLICE);
                    let trained = start.elapsed();
                    self.look();
                    self.watching += start.elapsed() - trained;
                }
                Some(order) => {
                    is_running = self.follow(order, is_running);
                    self.set_paused(!is_running);
                    self.look_at_everything();
                }
            }
            if is_running && !self.lanes.iter().any(Lane::is_open) {
                is_running = false;
                self.look_at_everything();
            }
        }
    }

    /// Does what is asked; returns whether to train on.
    fn follow(&mut self, order: Order, is_running: bool) -> bool {
        match order {
            Order::Pause => false,
            Order::Resume => {
                self.budget.restart();
                true
            }
            Order::Step => {
                for lane in self.lanes.iter_mut().filter(|lane| lane.is_open()) {
                    lane.advance(Duration::ZERO);
                }
                false
            }
            Order::Stop => {
                self.lanes.iter_mut().for_each(Lane::stop);
                false
            }
            Order::Rate(rate) => {
                for lane in &mut self.lanes {
                    // Its range was checked where it came in.
                    let _ = lane.set_rate(rate);
                }
                is_running
            }
            Order::Save {
                lane,
                name,
                runs_dir,
                answer,
            } => {
                let saved = match self.lanes.get_mut(lane) {
                    Some(lane) => lane.save(name.as_deref(), &runs_dir),
                    None => Err(Error::usage(format!("there is no training {lane}"))),
                };
                // Whoever asked may have gone.
                let _ = answer.send(saved);
                is_running
            }
        }
    }

    pub(super) fn set_paused(&mut self, is_paused: bool) {
        for lane in &mut self.lanes {
            lane.set_paused(is_paused);
        }
    }

    /// Whoever is behind trains.
    fn advance(&mut self, slice: Duration) {
        let open = self.lanes.iter_mut().filter(|lane| lane.is_open());
        if let Some(lane) = open.min_by(|a, b| a.epochs_done().total_cmp(&b.epochs_done())) {
            lane.advance(slice);
        }
    }

    /// Looks at what is due, as far as there is time for it.
    fn look(&mut self) {
        let now = Instant::now();
        if now < self.progress_due {
            return;
        }
        self.progress_due = now + PROGRESS_INTERVAL;
        if self.budget.allows(Look::Gradients) {
            self.look_at_gradients();
        }
        if now >= self.pictures_due && self.budget.allows(Look::Pictures) {
            self.pictures_due = now + PICTURE_INTERVAL;
            let n_evaluations = self.lanes.iter().map(Lane::n_evaluations).sum();
            self.look_at_pictures(n_evaluations == self.n_evaluations);
            self.n_evaluations = n_evaluations;
        }
        show_progress(&self.lanes, self.board, self.watching);
    }

    /// Looks at everything at once, while nothing is being trained.
    pub(super) fn look_at_everything(&mut self) {
        let n_evaluations: usize = self.lanes.iter().map(Lane::n_evaluations).sum();
        let is_done = self.lanes.iter().all(|lane| !lane.is_open());
        self.look_at_gradients();
        self.look_at_pictures(!is_done || n_evaluations == 0);
        show_progress(&self.lanes, self.board, self.watching);
        self.budget.restart();
    }

    fn look_at_gradients(&mut self) {
        let lanes = &mut self.lanes;
        let look = || lanes.iter_mut().for_each(Lane::look_at_gradients);
        self.budget.spend(Look::Gradients, look);
    }

    fn look_at_pictures(&mut self, anew: bool) {
        let (lanes, board) = (&mut self.lanes, self.board);
        self.budget.spend(Look::Pictures, || {
            lanes
                .iter_mut()
                .for_each(|lane| lane.look_at_pictures(anew));
            show_pictures(lanes, board);
        });
    }
}

fn show_progress(lanes: &[Lane<'_>], board: &Board, watching: Duration) {
    let views = lanes.iter().map(|lane| lane.progress(watching));
    board.progress.put(views.collect());
}

fn show_pictures(lanes: &[Lane<'_>], board: &Board) {
    board
        .pictures
        .put(lanes.iter().map(Lane::pictures).collect());
    board.networks.put(lanes.iter().map(Lane::model).collect());
}
