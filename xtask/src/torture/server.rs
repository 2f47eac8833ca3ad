//! A slow web server on this machine that sometimes breaks the connection and sometimes
//! ignores range requests.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::random::Random;

/// Size of the pieces in which a body is sent, with pauses between them: at most 32 MiB per
/// second.
const PIECE: usize = 1 << 16;
const PAUSE: Duration = Duration::from_millis(2);

/// Contents of files by name.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// A running server; it stops when the value is dropped.
pub(super) struct Server {
    address: String,
    shared: Arc<Shared>,
}

struct Shared {
    files: Files,
    random: Mutex<Random>,
    /// Number of responses that continued a file.
    continued: AtomicU32,
    is_stopped: AtomicBool,
}

/// The deliberate faults of a response.
struct Whim {
    ignores_range: bool,
    /// Number of pieces before the connection breaks.
    breaks_after: Option<usize>,
}

impl Server {
    pub(super) fn start(files: Files, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let shared = Arc::new(Shared {
            files,
            random: Mutex::new(Random::new(seed)),
            continued: AtomicU32::new(0),
            is_stopped: AtomicBool::new(false),
        });
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || {
            for connection in listener.incoming() {
                if of_thread.is_stopped.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&of_thread);
                // A client that is killed hangs up in the middle.
                thread::spawn(move || connection.and_then(|connection| shared.answer(connection)));
            }
        });
        Ok(Self { address, shared })
    }

    /// The address, `http://127.0.0.1:PORT`.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Number of responses that continued a file.
    pub(super) fn continued(&self) -> u32 {
        self.shared.continued.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees the flag.
        TcpStream::connect(&self.address).ok();
    }
}

impl Shared {
    fn answer(&self, mut connection: TcpStream) -> io::Result<()> {
        let (name, start) = read_request(&connection)?;
        let Some(file) = self.files.get(&name) else {
            return connection.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        };
        let whim = self.whim();
        let start = if whim.ignores_range { 0 } else { start };
        let (length, end) = (file.len(), file.len() - 1);
        let (status, range) = if start == 0 {
            ("200 OK", String::new())
        } else {
            self.continued.fetch_add(1, Ordering::SeqCst);
            let range = format!("Content-Range: bytes {start}-{end}/{length}\r\n");
            ("206 Partial Content", range)
        };
        let rest = &file[start.min(length)..];
        let head = format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{range}\r\n",
            rest.len()
        );
        connection.write_all(head.as_bytes())?;
        let n_pieces = whim.breaks_after.unwrap_or(usize::MAX);
        for piece in rest.chunks(PIECE).take(n_pieces) {
            connection.write_all(piece)?;
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn whim(&self) -> Whim {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        Whim {
            ignores_range: random.below(16) == 0,
            breaks_after: (random.below(32) == 0).then(|| random.below(40) as usize),
        }
    }
}

/// Reads a request: the last part of the path, and the first requested byte.
fn read_request(connection: &TcpStream) -> io::Result<(String, usize)> {
    let mut lines = BufReader::new(connection).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let path = first.split_whitespace().nth(1).unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut start = 0;
    for line in lines {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            start = range.trim_end_matches('-').parse().unwrap_or(0);
        }
    }
    Ok((name, start))
}
