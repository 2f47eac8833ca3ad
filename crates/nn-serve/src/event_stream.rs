//! The body of a response with server-sent events.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};
use tokio::sync::mpsc::Receiver;

use super::connections::Place;

/// A body that ends when the page is closed.
#[derive(Debug)]
pub(super) struct EventStream {
    receiver: Receiver<Bytes>,
    place: Arc<Place>,
}

impl EventStream {
    /// Events of a channel, on the connection of this place.
    pub(super) fn new(receiver: Receiver<Bytes>, place: Arc<Place>) -> Self {
        Self { receiver, place }
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.place.end_stream();
    }
}

impl Body for EventStream {
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
