//! The trainings of the page: one, or two side by side, on a thread of their
//! own, with orders going in and the board coming out.
//!
//! There is one session at a time; a new one ends the one before.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use hyper::StatusCode;
use nn_core::Init;
use nn_tensor::Threads;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::failure::{Code, Failure, Result};

use super::app::{self, App};
use super::board::{Board, Phase};
use super::experiment::{self, Experiment};
use super::lane::Lane;
use super::reply::{Refusal, Reply};
use super::studio::{Order, Studio};

/// Trainings side by side.
const MOST_LANES: usize = 2;

/// For which an answer of the training thread is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A session, seen from outside; its thread ends with it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) board: Arc<Board>,
    orders: Sender<Order>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    /// The flags of each training, as words.
    lanes: Vec<Vec<String>>,
    /// Whether to wait before the first step.
    #[serde(default)]
    is_paused: bool,
}

/// `POST /api/check`: what these trainings would be.
pub(super) fn check(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let lanes = with_same_start(app::json::<Start>(body)?.lanes)?;
    let view = |words: &Vec<String>| match Experiment::new(words, app) {
        Ok(experiment) => describe(&experiment),
        Err(failure) => json!({ "error": failure.message(), "help": failure.advice() }),
    };
    let lanes: Vec<Value> = lanes.iter().map(view).collect();
    Ok(Reply::json(&json!({ "lanes": lanes })))
}

/// `POST /api/start`: begins a session in place of the one before.
pub(super) fn start(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let start: Start = app::json(body)?;
    let lanes = with_same_start(start.lanes)?;
    let experiments: Vec<Experiment> = lanes
        .iter()
        .map(|words| Experiment::new(words, app))
        .collect::<Result<_>>()?;
    let views: Vec<Value> = experiments.iter().map(describe).collect();
    let number = app.next_session();
    // The one before lets go of the processors first.
    *app.session() = None;
    let session = Session::begin(number, experiments, start.is_paused)?;
    *app.session() = Some(session);
    Ok(Reply::json(&json!({ "session": number, "lanes": views })))
}

fn describe(experiment: &Experiment) -> Value {
    json!({
        "command": experiment.command,
        "network": experiment.network(),
        "settings": experiment.plan.settings.to_json(),
        "dataset": experiment.data.dataset.name,
        "is_image": experiment.data.dataset.image_size.is_some(),
    })
}

/// Two trainings that differ in their activations would have different usual
/// initialisers: both get that of the first, unless one is named.
fn with_same_start(mut lanes: Vec<Vec<String>>) -> Result<Vec<Vec<String>>, Refusal> {
    if !(1..=MOST_LANES).contains(&lanes.len()) {
        return Err(Reply::refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            &format!(
                "expected 1 or {MOST_LANES} trainings, found {}",
                lanes.len()
            ),
            "reload the page",
        ));
    }
    let settings: Vec<_> = lanes
        .iter()
        .map(|words| experiment::parse(words))
        .collect::<Result<_>>()?;
    let [first, second] = &settings[..] else {
        return Ok(lanes);
    };
    if first.activation != second.activation && first.init.is_none() && second.init.is_none() {
        let activation = first.activation.as_deref().unwrap_or("relu");
        let is_rectifier = activation
            .parse()
            .is_ok_and(|activation: nn_core::Activation| activation.is_rectifier());
        let init = if is_rectifier { Init::He } else { Init::Xavier };
        for words in &mut lanes {
            words.extend(["--init".to_owned(), init.to_string()]);
        }
    }
    Ok(lanes)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "action")]
enum Control {
    Pause {},
    Resume {},
    Step {},
    Stop {},
    Rate { learning_rate: f64 },
}

/// `POST /api/control`: pause, resume, step, stop, or another learning rate.
pub(super) fn control(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let order = match app::json(body)? {
        Control::Pause {} => Order::Pause,
        Control::Resume {} => Order::Resume,
        Control::Step {} => Order::Step,
        Control::Stop {} => Order::Stop,
        Control::Rate { learning_rate } if learning_rate.is_finite() && learning_rate > 0.0 => {
            Order::Rate(learning_rate)
        }
        Control::Rate { learning_rate } => {
            return Err(Failure::usage(format!(
                "learning rate: expected a number above 0, found {learning_rate}"
            ))
            .into());
        }
    };
    match &*app.session() {
        Some(session) if session.orders.send(order).is_ok() => Ok(Reply::json(&json!({}))),
        _ => Err(nothing_there()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Save {
    lane: usize,
    name: Option<String>,
}

/// `POST /api/save`: writes a training as a run directory.
pub(super) fn save(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let Save { lane, name } = app::json(body)?;
    let name = name.filter(|name| !name.is_empty());
    let (answer, answered) = channel();
    let runs_dir = app.runs_dir.clone();
    let order = Order::Save {
        lane,
        name,
        runs_dir,
        answer,
    };
    let sent = app
        .session()
        .as_ref()
        .is_some_and(|session| session.orders.send(order).is_ok());
    match answered.recv_timeout(PATIENCE) {
        Ok(saved) if sent => Ok(Reply::json(&json!({ "path": saved? }))),
        _ => Err(nothing_there()),
    }
}

fn nothing_there() -> Refusal {
    Reply::refuse(
        StatusCode::CONFLICT,
        "nothing is being trained",
        "start a training first",
    )
}

impl Session {
    /// Starts a thread, and waits until it is ready to train.
    fn begin(number: u64, experiments: Vec<Experiment>, is_paused: bool) -> Result<Self> {
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
            .map_err(|error| Failure::new(Code::Io, format!("cannot start a thread: {error}")))?;
        match is_ready.recv() {
            Ok(ready) => ready.map(|()| Self { board, orders }),
            Err(_) => Err(Failure::new(Code::Io, "the training could not be begun")),
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
