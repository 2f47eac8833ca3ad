//! `POST /api/check`, `/api/start`, `/api/control`, `/api/save`: checks, starts, controls
//! and saves training runs.

use std::sync::PoisonError;
use std::sync::mpsc::channel;
use std::time::Duration;

use hyper::StatusCode;
use nn_core::{Activation, Init};
use nn_train::{Error, Result, Settings, command_line, flags};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::json_body;
use crate::page_error::PageError;
use crate::reply::{Refusal, Reply};
use crate::session::Session;
use crate::training_request::TrainingRequest;
use crate::training_thread::Message;

/// Largest number of training runs side by side.
const MAX_TRAININGS: usize = 2;

/// Longest time to wait for the training thread.
const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    /// The flags of each training run.
    trainings: Vec<Vec<String>>,
    /// Whether to pause before the first step.
    #[serde(default)]
    is_paused: bool,
    /// Number of the session that may be stopped while it trains.
    #[serde(default)]
    may_stop: Option<u64>,
}

/// `POST /api/check`: describes training runs without starting them.
pub(crate) fn check(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let start: Start = json_body::parse(body)?;
    let trainings = with_same_init(start.trainings)?;
    let checked = trainings.iter().map(|flags| {
        let request = app.training_request(flags);
        request.map_or_else(|error| json!(PageError::from(&error)), |it| describe(&it))
    });
    let checked: Vec<Value> = checked.collect();
    Ok(Reply::json(&json!({ "trainings": checked })))
}

/// `POST /api/start`: starts a session, which replaces the previous one. Status 409 if
/// that one is training and the request does not name it: another page may watch it.
pub(crate) fn start(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let start: Start = json_body::parse(body)?;
    let trainings = with_same_init(start.trainings)?;
    let requests = trainings.iter().map(|flags| app.training_request(flags));
    let requests = requests.collect::<Result<Vec<_>>>()?;
    let described: Vec<Value> = requests.iter().map(describe).collect();
    // Of two pages that start at once, the second is asked.
    let _starting = app.starting.lock().unwrap_or_else(PoisonError::into_inner);
    check_session(app, start.may_stop)?;
    let number = app.next_session();
    // The previous session ends first, so that both do not compete for processors.
    *app.session() = None;
    let session = Session::start(number, requests, start.is_paused)?;
    *app.session() = Some(session);
    Ok(Reply::json(
        &json!({ "session": number, "trainings": described }),
    ))
}

/// Refuses to stop a session that is training, except session `may_stop`.
fn check_session(app: &App, may_stop: Option<u64>) -> Result<(), Refusal> {
    let others = app.snapshot().filter(|it| Some(it.session) != may_stop);
    let Some((session, active)) = others.and_then(|it| Some((it.session, it.active()?))) else {
        return Ok(());
    };
    let error = format!(
        "another page is training {} on {}: {:.1} of {} epochs are done",
        active.network, active.dataset, active.epochs_done, active.n_epochs
    );
    let refusal = json!({
        "error": error,
        "help": "stop that training run first",
        "session": session,
    });
    Err(Reply::json(&refusal).with_status(StatusCode::CONFLICT))
}

fn describe(request: &TrainingRequest) -> Value {
    let data = request.experiment.data();
    let dataset = &data.dataset;
    let notes = data
        .notes
        .iter()
        .map(|note| command_line::in_text(&note.to_string()));
    json!({
        "command": request.command,
        "network": request.network(),
        "settings": request.experiment.plan().settings.to_json(),
        "dataset": dataset.name,
        "notes": notes.collect::<Vec<_>>(),
        "is_image": dataset.image_size.is_some(),
    })
}

/// Gives two training runs the default initializer of the first, unless one of them names
/// its own: with different activations, the defaults would differ.
fn with_same_init(mut trainings: Vec<Vec<String>>) -> Result<Vec<Vec<String>>, Refusal> {
    let n = trainings.len();
    if !(1..=MAX_TRAININGS).contains(&n) {
        let problem = format!("expected 1 or {MAX_TRAININGS} training runs, found {n}");
        return Err(Reply::refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            &problem,
            "reload the page",
        ));
    }
    let settings = trainings.iter().map(flags::parse);
    let settings: Vec<Settings> = settings.filter_map(Result::ok).collect();
    // Invalid flags become the error of their own training run.
    let [first, second] = &settings[..] else {
        return Ok(trainings);
    };
    if first.activation != second.activation && first.init.is_none() && second.init.is_none() {
        let init = default_init(first).to_string();
        for flags in &mut trainings {
            flags.extend(["--init".to_owned(), init.clone()]);
        }
    }
    Ok(trainings)
}

/// The default initializer for the hidden layers of these settings.
fn default_init(settings: &Settings) -> Init {
    let activations = settings.activation.as_ref();
    match activations.map(|it| &it.value().0[..]) {
        None => Init::usual_for(Activation::Relu),
        Some(&[activation]) => Init::usual_for(activation),
        Some(_) => Init::Xavier,
    }
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

/// `POST /api/control`: pauses, resumes, steps or stops the session, or changes its
/// learning rate.
pub(crate) fn control(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let message = match json_body::parse(body)? {
        Control::Pause {} => Message::Pause,
        Control::Resume {} => Message::Resume,
        Control::Step {} => Message::Step,
        Control::Stop {} => Message::Stop,
        Control::Rate { learning_rate } if learning_rate.is_finite() && learning_rate > 0.0 => {
            Message::SetLearningRate(learning_rate)
        }
        Control::Rate { learning_rate } => {
            let problem =
                format!("learning rate: expected a number above 0, found {learning_rate}");
            return Err(Error::usage(problem).with_help("try 0.01").into());
        }
    };
    match &*app.session() {
        Some(session) if session.send(message) => Ok(Reply::json(&json!({}))),
        _ => Err(no_session()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Save {
    /// Index of the training run, 0 or 1.
    training: usize,
    name: Option<String>,
}

/// `POST /api/save`: saves a training run as a run directory.
pub(crate) fn save(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let Save { training, name } = json_body::parse(body)?;
    let (reply, replied) = channel();
    let message = Message::Save {
        training,
        name: name.filter(|name| !name.is_empty()),
        runs_dir: app.networks.runs_dir().to_owned(),
        reply,
    };
    let is_sent = app
        .session()
        .as_ref()
        .is_some_and(|session| session.send(message));
    match replied.recv_timeout(TIMEOUT) {
        Ok(saved) if is_sent => Ok(Reply::json(&json!({ "path": saved? }))),
        _ => Err(no_session()),
    }
}

fn no_session() -> Refusal {
    Reply::refuse(
        StatusCode::CONFLICT,
        "nothing is being trained",
        "start a training run first",
    )
}
