//! Starts, controls and saves the training runs of the page.

use std::sync::mpsc::channel;
use std::time::Duration;

use hyper::StatusCode;
use nn_core::Init;
use serde::Deserialize;
use serde_json::{Value, json};

use nn_train::{Error, Result};

use super::app::App;
use super::body;
use super::experiment::{self, Experiment};
use super::reply::{Refusal, Reply};
use super::session::Session;
use super::studio::Order;

/// Largest number of training runs side by side.
const MOST_LANES: usize = 2;

/// Time to wait for an answer of the training thread.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    /// The flags of each training run, as words.
    lanes: Vec<Vec<String>>,
    /// Whether to wait before the first step.
    #[serde(default)]
    is_paused: bool,
}

/// `POST /api/check`: describes these training runs without starting them.
pub(super) fn check(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let lanes = with_same_start(body::json::<Start>(body)?.lanes)?;
    let view = |words: &Vec<String>| match Experiment::new(words, &app.datasets) {
        Ok(experiment) => describe(&experiment),
        Err(failure) => json!({ "error": failure.to_string(), "help": failure.advice() }),
    };
    let lanes: Vec<Value> = lanes.iter().map(view).collect();
    Ok(Reply::json(&json!({ "lanes": lanes })))
}

/// `POST /api/start`: starts a session, which replaces the one before.
pub(super) fn start(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let start: Start = body::json(body)?;
    let lanes = with_same_start(start.lanes)?;
    let experiments: Vec<Experiment> = lanes
        .iter()
        .map(|words| Experiment::new(words, &app.datasets))
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

/// Gives two training runs the default initialiser of the first, unless one is
/// named: with different activations, they would have different defaults.
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
        let activation = first.activation.as_deref().unwrap_or("relu").parse();
        let init = activation.map_or(Init::Xavier, Init::usual_for);
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
    let order = match body::json(body)? {
        Control::Pause {} => Order::Pause,
        Control::Resume {} => Order::Resume,
        Control::Step {} => Order::Step,
        Control::Stop {} => Order::Stop,
        Control::Rate { learning_rate } if learning_rate.is_finite() && learning_rate > 0.0 => {
            Order::Rate(learning_rate)
        }
        Control::Rate { learning_rate } => {
            return Err(Error::usage(format!(
                "learning rate: expected a number above 0, found {learning_rate}"
            ))
            .into());
        }
    };
    match &*app.session() {
        Some(session) if session.send(order) => Ok(Reply::json(&json!({}))),
        _ => Err(nothing_there()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Save {
    lane: usize,
    name: Option<String>,
}

/// `POST /api/save`: saves a training run as a run directory.
pub(super) fn save(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let Save { lane, name } = body::json(body)?;
    let name = name.filter(|name| !name.is_empty());
    let (answer, answered) = channel();
    let runs_dir = app.networks.runs_dir().to_owned();
    let order = Order::Save {
        lane,
        name,
        runs_dir,
        answer,
    };
    let sent = app
        .session()
        .as_ref()
        .is_some_and(|session| session.send(order));
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
