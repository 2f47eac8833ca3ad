//! A local web server with programmable responses.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// A request of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Path with a leading slash.
    pub(crate) path: String,
    /// First byte of the requested `Range`, if any.
    pub(crate) range: Option<usize>,
}

/// A server that stops when it is dropped.
pub(crate) struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    /// Starts a server that answers the n-th request, counted from 0, with
    /// `answer(n, request, connection)` and then closes the connection.
    pub(crate) fn start(
        answer: impl Fn(usize, &Request, &mut TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let port = listener.local_addr().expect("a bound address").port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stopped = Arc::new(AtomicBool::new(false));
        let server = Self {
            address: format!("http://127.0.0.1:{port}"),
            requests: Arc::clone(&requests),
            stopped: Arc::clone(&stopped),
        };
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for connection in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(mut connection) = connection else {
                    continue;
                };
                let (requests, answer) = (Arc::clone(&requests), Arc::clone(&answer));
                thread::spawn(move || {
                    let Some(request) = read_request(&connection) else {
                        return;
                    };
                    let number = {
                        let mut requests = guard(&requests);
                        requests.push(request.clone());
                        requests.len() - 1
                    };
                    answer(number, &request, &mut connection);
                });
            }
        });
        server
    }

    /// The address without a slash at the end.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        guard(&self.requests).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees the flag.
        TcpStream::connect(self.address.trim_start_matches("http://")).ok();
    }
}

fn guard(requests: &Mutex<Vec<Request>>) -> MutexGuard<'_, Vec<Request>> {
    requests.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_request(connection: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(connection).lines();
    let first = lines.next()?.ok()?;
    let path = first.split_whitespace().nth(1)?.to_owned();
    let mut range = None;
    for line in lines {
        let line = line.ok()?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(bytes) = line.strip_prefix("range: bytes=") {
            range = bytes.trim_end_matches('-').parse().ok();
        }
    }
    Some(Request { path, range })
}

/// Sends a status, header lines and a body. Errors of a closed connection are
/// ignored.
pub(crate) fn send(connection: &mut TcpStream, status: &str, headers: &[&str], body: &[u8]) {
    let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    connection.write_all(head.as_bytes()).ok();
    connection.write_all(body).ok();
}

/// Sends a file or the requested range, as a correct server does.
pub(crate) fn send_file(connection: &mut TcpStream, request: &Request, file: &[u8]) {
    let start = request.range.unwrap_or(0);
    let length = format!("Content-Length: {}", file.len() - start);
    let range = format!(
        "Content-Range: bytes {start}-{}/{}",
        file.len() - 1,
        file.len()
    );
    if start == 0 {
        send(connection, "200 OK", &[&length], file);
    } else {
        send(
            connection,
            "206 Partial Content",
            &[&length, &range],
            &file[start..],
        );
    }
}
