//! A server for a test of `nn serve`, and a client that can send any request.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::support::Scratch;

/// Longer than any response takes.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A server that ends with its test.
pub(crate) struct Server {
    pub(crate) scratch: Scratch,
    pub(crate) child: Child,
    pub(crate) port: u16,
    /// The token of the printed address.
    pub(crate) secret: String,
    /// The token in the page.
    token: String,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Server {
    /// Starts `nn serve` with these flags in the folder of `scratch`.
    pub(crate) fn start(scratch: Scratch, flags: &str) -> Self {
        let flags: Vec<&str> = ["--port", "0"]
            .into_iter()
            .chain(flags.split_whitespace())
            .collect();
        Self::start_with(scratch, &flags, &[])
    }

    /// Starts `nn serve` with these flags and environment variables.
    pub(crate) fn start_with(
        scratch: Scratch,
        flags: &[&str],
        variables: &[(&str, &Path)],
    ) -> Self {
        let mut command = scratch.command();
        command.arg("serve").args(flags);
        command.envs(variables.iter().copied());
        let mut child = command.spawn().expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a pipe");
        let (port, secret) = line
            .strip_prefix("http://127.0.0.1:")
            .and_then(|rest| rest.split(' ').next()?.split_once("/?token="))
            .unwrap_or_else(|| panic!("no address in {line:?}"));
        let mut server = Self {
            scratch,
            child,
            port: port.parse().expect("a port"),
            secret: secret.to_owned(),
            token: String::new(),
        };
        let page = server.get("/").text();
        let (_, rest) = page
            .split_once("name=\"token\" content=\"")
            .expect("the page has a token");
        server.token = rest.split('"').next().unwrap_or_default().to_owned();
        server
    }

    /// Starts `nn serve` at this port.
    pub(crate) fn at_port(scratch: Scratch, port: u16) -> Self {
        Self::start_with(scratch, &["--port", &port.to_string()], &[])
    }

    /// Starts `nn serve` in an empty folder, without MNIST.
    pub(crate) fn without_data(flags: &str) -> Self {
        Self::start(Scratch::new(), flags)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_with(path, &self.cookie())
    }

    /// Sends a GET request with these headers, each ending with a new line.
    pub(crate) fn get_with(&self, path: &str, headers: &str) -> Answer {
        let host = self.host();
        self.raw(format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\n{headers}connection: close\r\n\r\n"
        ))
    }

    /// The header with the cookie that the printed address sets.
    pub(crate) fn cookie(&self) -> String {
        format!("cookie: nn-{}={}\r\n", self.port, self.secret)
    }

    /// Sends a POST request as the page does.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, &body.to_string())
    }

    pub(crate) fn post_text(&self, path: &str, body: &str) -> Answer {
        let headers = format!(
            "content-type: application/json\r\nnn-token: {}\r\n",
            self.token
        );
        self.post_with(path, &headers, body)
    }

    /// Sends a POST request with these headers, each ending with a new line.
    pub(crate) fn post_with(&self, path: &str, headers: &str, body: &str) -> Answer {
        let (host, length, cookie) = (self.host(), body.len(), self.cookie());
        self.raw(format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\n{cookie}connection: close\r\n\
             content-length: {length}\r\n{headers}\r\n{body}"
        ))
    }

    /// The header with the token of the page.
    pub(crate) fn token_header(&self) -> String {
        format!("nn-token: {}\r\n", self.token)
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("it listens");
        socket
            .set_read_timeout(Some(TIMEOUT))
            .expect("a timeout can be set");
        socket
            .set_write_timeout(Some(TIMEOUT))
            .expect("a timeout can be set");
        socket
    }

    /// Sends these bytes and reads until the other side closes.
    pub(crate) fn raw(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut socket = self.connect();
        // A server that refuses need not read to the end.
        let _ = socket.write_all(request.as_ref());
        Answer::read(&mut socket)
    }

    /// The prediction of a network for a square drawing.
    pub(crate) fn predict(&self, network: &str, side: usize, grey: &[u8]) -> Answer {
        let pixels = BASE64_STANDARD.encode(grey);
        self.post(
            "/api/predict",
            &json!({ "network": network, "side": side, "pixels": pixels }),
        )
    }

    /// Starts a training run per item, with these flags.
    pub(crate) fn train(&self, trainings: &[&str], is_paused: bool) -> Value {
        let words = |flags: &&str| -> Vec<String> { flags.split(' ').map(str::to_owned).collect() };
        let trainings: Vec<_> = trainings.iter().map(words).collect();
        let answer = self.post(
            "/api/start",
            &json!({ "trainings": trainings, "is_paused": is_paused }),
        );
        answer.json()
    }

    pub(crate) fn control(&self, order: Value) {
        let answer = self.post("/api/control", &order);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Waits for the event with the wanted progress of the training runs.
    pub(crate) fn until(&self, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let mut events = self.events();
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let (name, value) = events.next();
            let trainings = value.as_array().cloned().unwrap_or_default();
            if name == "progress" && wanted(&trainings) {
                return trainings;
            }
            assert!(Instant::now() < deadline, "not within a minute: {value}");
        }
    }

    pub(crate) fn until_done(&self) -> Vec<Value> {
        self.until(|trainings| trainings.iter().all(|training| training["phase"] == "done"))
    }

    pub(crate) fn events(&self) -> Events {
        let mut socket = self.connect();
        let (host, cookie) = (self.host(), self.cookie());
        let request = format!("GET /api/events HTTP/1.1\r\nhost: {host}\r\n{cookie}\r\n");
        socket.write_all(request.as_bytes()).expect("it reads");
        Events(BufReader::new(socket))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Answer {
    pub(crate) fn read(socket: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        // What came before a reset counts.
        let _ = socket.read_to_end(&mut bytes);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = match end {
            Some(end) => (&bytes[..end], bytes[end + 4..].to_vec()),
            None => (&bytes[..], Vec::new()),
        };
        let head = String::from_utf8_lossy(head).to_lowercase();
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Self {
            status: status.unwrap_or(0),
            head,
            body,
        }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        serde_json::from_slice(&self.body).expect("the answer is JSON")
    }
}

/// A stream of events.
pub(crate) struct Events(BufReader<TcpStream>);

impl Events {
    /// Whether the stream ends within a minute.
    pub(crate) fn ends(&mut self) -> bool {
        let deadline = Instant::now() + TIMEOUT;
        let mut events = [0; 4096];
        while Instant::now() < deadline {
            match self.0.read(&mut events) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
        false
    }

    /// Whether the stream is still open, with or without a new event.
    pub(crate) fn is_open(&mut self) -> bool {
        let soon = Some(Duration::from_millis(10));
        let socket = self.0.get_ref();
        socket.set_read_timeout(soon).expect("a timeout can be set");
        match self.0.read(&mut [0; 4096]) {
            Ok(n) => n > 0,
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }

    /// Name and value of the next event.
    pub(crate) fn next(&mut self) -> (String, Value) {
        let mut name = String::new();
        let deadline = Instant::now() + TIMEOUT;
        loop {
            assert!(Instant::now() < deadline, "no event within a minute");
            let mut line = String::new();
            let n = self
                .0
                .read_line(&mut line)
                .expect("an event comes within a minute");
            assert!(n > 0, "the stream has ended");
            if let Some(text) = line.strip_prefix("event: ") {
                text.trim_end().clone_into(&mut name);
            }
            if let Some(json) = line.strip_prefix("data: ") {
                return (name, serde_json::from_str(json).expect("an event is JSON"));
            }
        }
    }
}
