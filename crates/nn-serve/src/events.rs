//! Server-sent events: what trainings look like, ten times a second at most.
//!
//! A stream sends what it has not sent yet, so that a slow reader gets fewer
//! events and holds nothing up. Without anything new it sends a comment every
//! ten seconds, which is how a closed page is noticed. A reader that stops
//! reading is noticed by its socket (`patient`).

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use serde::Serialize;
use tokio::sync::mpsc::{Sender, channel};

use super::app::App;
use super::connections::Place;
use super::event_stream::EventStream;

/// Time between two events.
const INTERVAL: Duration = Duration::from_millis(100);

/// Time after which a comment is sent although there is nothing new.
const SILENCE: Duration = Duration::from_secs(10);

/// Starts to send what is new; panics outside of a runtime.
pub(super) fn start(app: Arc<App>, place: Arc<Place>) -> EventStream {
    let (sender, receiver) = channel(1);
    tokio::spawn(watch(app, sender));
    EventStream::new(receiver, place)
}

/// Sends what is new until nobody reads it.
async fn watch(app: Arc<App>, sender: Sender<Bytes>) {
    let (mut session, mut progress, mut pictures) = (u64::MAX, 0, 0);
    let mut silence = Duration::ZERO;
    loop {
        let mut text = String::new();
        let board = app.board();
        let number = board.as_ref().map_or(0, |board| board.session);
        if number != session {
            (session, progress, pictures) = (number, 0, 0);
            push(&mut text, "session", &number);
        }
        if let Some(board) = board {
            if let Some(views) = board.progress.newer_than(&mut progress) {
                push(&mut text, "progress", &*views);
            }
            if let Some(views) = board.pictures.newer_than(&mut pictures) {
                push(&mut text, "pictures", &*views);
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
    let json = serde_json::to_string(value).expect("views are plain JSON");
    text.push_str(&format!("event: {name}\ndata: {json}\n\n"));
}
