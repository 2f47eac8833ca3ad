//! A socket with a write timeout.
//!
//! A write that makes no progress within the timeout fails, which ends the connection. A
//! timeout in a layer above the socket would not be enough, because hyper does not poll the
//! response body while it waits for the socket.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// A socket whose writes time out.
#[derive(Debug)]
pub(crate) struct WriteTimeout {
    socket: TcpStream,
    timeout: Duration,
    /// Runs while a write is waiting.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl WriteTimeout {
    pub(crate) fn new(socket: TcpStream, timeout: Duration) -> Self {
        Self {
            socket,
            timeout,
            deadline: None,
        }
    }

    /// The result of a write, or an error if it has waited too long.
    fn within_timeout<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.deadline = None;
            return written;
        }
        let timeout = self.timeout;
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(deadline.as_mut().poll(context));
        // Data that the system still buffers for this reader is discarded.
        let _ = self.socket.set_zero_linger();
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for WriteTimeout {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for WriteTimeout {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.within_timeout(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, parts);
        self.within_timeout(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net;

    use tokio::io::AsyncWriteExt;
    use tokio::time::timeout;

    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(300);

    /// The longest time that a write may take on a busy machine.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// Writes to a client until a write fails or 64 MiB are written; returns the result
    /// and the number of bytes.
    fn write_to(client: impl FnOnce(net::TcpStream)) -> (io::Result<()>, usize) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
                .await
                .expect("a free port");
            let address = listener.local_addr().expect("it is bound");
            client(net::TcpStream::connect(address).expect("it listens"));
            let (socket, _) = listener.accept().await.expect("it connects");
            let mut socket = WriteTimeout::new(socket, TIMEOUT);
            let (piece, mut n) = (vec![7; 1 << 16], 0);
            while n < 64 << 20 {
                let written = timeout(PATIENCE, socket.write(&piece)).await;
                match written.expect("the write neither ends nor times out") {
                    Ok(written) => n += written,
                    Err(error) => return (Err(error), n),
                }
            }
            (Ok(()), n)
        })
    }

    #[test]
    fn a_write_to_a_stopped_reader_times_out() {
        let start = std::time::Instant::now();
        let mut held = None;
        let (result, _) = write_to(|socket| held = Some(socket));
        assert_eq!(
            result.map_err(|error| error.kind()),
            Err(ErrorKind::TimedOut)
        );
        assert!(start.elapsed() >= TIMEOUT);
        // The connection is reset, so that nothing waits in the system.
        let mut rest = Vec::new();
        let read = held.expect("it connected").read_to_end(&mut rest);
        assert_eq!(
            read.map_err(|error| error.kind()),
            Err(ErrorKind::ConnectionReset)
        );
    }

    #[test]
    fn a_slow_reader_does_not_time_out() {
        let (result, n) = write_to(|mut socket| {
            std::thread::spawn(move || {
                let mut bytes = vec![0; 1 << 20];
                while socket.read(&mut bytes).is_ok_and(|n| n > 0) {
                    std::thread::sleep(TIMEOUT / 20);
                }
            });
        });
        assert!(result.is_ok(), "{result:?} after {n} bytes");
    }
}
