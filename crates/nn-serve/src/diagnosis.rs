//! `POST /api/diagnose`: the problems of a training run, as `nn doctor` finds them, and
//! the settings to try.

use std::sync::mpsc::channel;
use std::time::Duration;

use hyper::StatusCode;
use serde::Deserialize;

use crate::app::App;
use crate::json_body;
use crate::reply::{Refusal, Reply};
use crate::training_thread::Message;

/// Longest time to wait for the training thread.
const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Diagnose {
    /// Index of the training run, 0 or 1.
    training: usize,
}

/// Diagnoses a training run of the session.
pub(crate) fn diagnose(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let Diagnose { training } = json_body::parse(body)?;
    let (reply, replied) = channel();
    let is_sent = {
        let session = app.session();
        let session = session.as_ref();
        session.is_some_and(|session| session.send(Message::Diagnose { training, reply }))
    };
    match replied.recv_timeout(TIMEOUT) {
        Ok(diagnosis) if is_sent => Ok(Reply::json(&diagnosis?.to_json())),
        _ => Err(Reply::refuse(
            StatusCode::CONFLICT,
            "there is no training run to diagnose",
            "start a training run first",
        )),
    }
}
