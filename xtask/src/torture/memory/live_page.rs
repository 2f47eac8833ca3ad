//! A visit to the page of `nn serve`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::ended::Ended;

pub(super) const LINE: &str = "serve --port 0 --data-dir none";

const TRAININGS: &str = r#"{"trainings":[["--data","points.csv","--hidden","300","--epochs","2","--batch-size","full"]]}"#;

const PATIENCE: Duration = Duration::from_secs(30);

/// Starts the server and lets strace watch it; opens its page, trains, saves the run as
/// it is and ends the server by SIGINT.
///
/// # Errors
/// If strace cannot watch another process.
pub(super) fn visit(mut server: Command, strace: &[String]) -> io::Result<Ended> {
    let mut server = server.stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    if let Some(stdout) = server.stdout.as_mut() {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    let id = server.id().to_string();
    let watcher = watch(&id, strace);
    if let (Some(page), Ok(_)) = (Page::of(&line), &watcher) {
        // A request may fail; whether the server goes on is seen by its exit code.
        let _ = page.train_and_save();
    }
    Command::new("kill").args(["-INT", &id]).status()?;
    let ended = end(server)?;
    watcher?.wait()?;
    Ok(ended)
}

fn watch(process: &str, options: &[String]) -> io::Result<Child> {
    let mut watcher = Command::new("strace")
        .args(options)
        .args(["-p", process])
        .stderr(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    if let Some(stderr) = watcher.stderr.as_mut() {
        BufReader::new(stderr).read_line(&mut line)?;
    }
    if !line.contains("attached") {
        return Err(io::Error::other(line));
    }
    Ok(watcher)
}

fn end(mut server: Child) -> io::Result<Ended> {
    let start = Instant::now();
    while server.try_wait()?.is_none() {
        if start.elapsed() > PATIENCE {
            server.kill()?;
        }
        thread::sleep(Duration::from_millis(5));
    }
    let output = server.wait_with_output()?;
    Ok(Ended {
        code: output.status.code(),
        message: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// The address of the page and its token.
struct Page<'a> {
    port: &'a str,
    token: &'a str,
}

impl<'a> Page<'a> {
    /// From the line that the server prints.
    fn of(line: &'a str) -> Option<Self> {
        let address = line.strip_prefix("http://127.0.0.1:")?.split(' ').next()?;
        let (port, token) = address.trim_end().split_once("/?token=")?;
        Some(Self { port, token })
    }

    fn train_and_save(&self) -> io::Result<()> {
        let page = self.request("GET / HTTP/1.1", "", "")?;
        let (_, rest) = page
            .split_once("name=\"token\" content=\"")
            .unwrap_or_default();
        let token = rest.split('"').next().unwrap_or_default();
        let headers = format!("content-type: application/json\r\nnn-token: {token}\r\n");
        let post =
            |path: &str, body: &str| self.request(&format!("POST {path} HTTP/1.1"), &headers, body);
        post("/api/start", TRAININGS)?;
        post("/api/save", r#"{"training":0,"name":"saved"}"#)?;
        Ok(())
    }

    fn request(&self, request: &str, headers: &str, body: &str) -> io::Result<String> {
        let Self { port, token } = self;
        let mut socket = TcpStream::connect(format!("127.0.0.1:{port}"))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let length = body.len();
        write!(
            socket,
            "{request}\r\nhost: 127.0.0.1:{port}\r\ncookie: nn-{port}={token}\r\n\
             connection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        )?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}
