//! Response bodies of server-sent events.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};
use tokio::sync::mpsc::Receiver;

use crate::connections::Connection;

/// A response body of server-sent events.
#[derive(Debug)]
pub(crate) struct EventStream {
    receiver: Receiver<Bytes>,
    connection: Arc<Connection>,
}

impl EventStream {
    /// The events of a channel, sent on this connection.
    pub(crate) fn new(receiver: Receiver<Bytes>, connection: Arc<Connection>) -> Self {
        Self {
            receiver,
            connection,
        }
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.connection.end_stream();
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
