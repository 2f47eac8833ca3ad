//! `GET /api/events`: server-sent events with the snapshot, at most ten per second.
//!
//! A stream sends the latest values that it has not sent yet, so a slow reader gets
//! fewer events and delays nothing. If there is no new value, a stream sends a comment every
//! ten seconds, so that the server notices a closed page. The write timeout of the socket detects a
//! reader that stops reading.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use serde::Serialize;
use tokio::sync::mpsc::{Sender, channel};

use crate::app::App;
use crate::connections::Connection;
use crate::event_stream::EventStream;

/// Time between two events.
const INTERVAL: Duration = Duration::from_millis(100);

/// Time without a new value after which a comment is sent.
const SILENCE: Duration = Duration::from_secs(10);

/// Starts a stream of events.
///
/// # Panics
/// Panics outside of a runtime.
pub(crate) fn start(app: Arc<App>, connection: Arc<Connection>) -> EventStream {
    let (sender, receiver) = channel(1);
    tokio::spawn(send_snapshots(app, sender));
    EventStream::new(receiver, connection)
}

/// Sends new values until the page is closed.
async fn send_snapshots(app: Arc<App>, sender: Sender<Bytes>) {
    let (mut session, mut progress, mut pictures) = (u64::MAX, 0, 0);
    let mut silence = Duration::ZERO;
    loop {
        let mut text = String::new();
        let snapshot = app.snapshot();
        let number = snapshot.as_ref().map_or(0, |snapshot| snapshot.session);
        if number != session {
            (session, progress, pictures) = (number, 0, 0);
            push(&mut text, "session", &number);
        }
        if let Some(snapshot) = snapshot {
            if let Some(values) = snapshot.progress.newer_than(&mut progress) {
                push(&mut text, "progress", &*values);
            }
            if let Some(values) = snapshot.pictures.newer_than(&mut pictures) {
                push(&mut text, "pictures", &*values);
            }
        }
        if text.is_empty() && silence >= SILENCE {
            text.push_str(":\n\n");
        }
        silence += INTERVAL;
        if !text.is_empty() {
            silence = Duration::ZERO;
            if sender.send(text.into()).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

fn push(text: &mut String, name: &str, value: &impl Serialize) {
    let json = serde_json::to_string(value).expect("snapshots are plain JSON");
    text.push_str(&format!("event: {name}\ndata: {json}\n\n"));
}
