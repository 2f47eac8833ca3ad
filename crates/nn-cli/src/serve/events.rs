//! Server-sent events: what trainings look like, ten times a second at most.
//!
//! A stream sends what it has not sent yet, so that a slow reader gets fewer
//! events and holds nothing up. Without anything new it sends a comment every
//! ten seconds, which is how a closed page is noticed. A reader that stops
//! reading is noticed by its socket (`patient`).

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame};
use serde::Serialize;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::app::App;
use super::connections::Place;

/// Time between two events.
const INTERVAL: Duration = Duration::from_millis(100);

/// Time after which a comment is sent although there is nothing new.
const SILENCE: Duration = Duration::from_secs(10);

/// A body that goes on until the page is closed.
#[derive(Debug)]
pub(super) struct Events {
    receiver: Receiver<Bytes>,
    place: Arc<Place>,
}

impl Events {
    /// Starts to watch; needs a runtime around it.
    pub(super) fn new(app: Arc<App>, place: Arc<Place>) -> Self {
        let (sender, receiver) = channel(1);
        tokio::spawn(watch(app, sender));
        Self { receiver, place }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.place.end_stream();
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let received = self.receiver.poll_recv(context);
        received.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
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
