//! Sockets: accepting, deadlines, and handing requests on.
//!
//! | what | limit |
//! |---|---|
//! | connections at once, and event streams among them | 32 and 16 (`connections`) |
//! | from a connection's start, or the end of an answer, to the end of the next header | 10 s |
//! | body | 10 s, 64 KiB (`gate`) |
//! | a write that makes no progress | 10 s (`patient`) |
//!
//! The page is answered by few threads, apart from those that train. What
//! panics in an answer is answered with status 500, and nothing else ends.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::TcpListener;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::app::App;
use super::connections::{Connections, Place};
use super::events;
use super::gate::{MAX_BODY, too_large};
use super::patient::Patient;
use super::reply::{self, Body, Refusal, Reply};
use super::route::{Handler, ROUTES, Route, find};
use nn_train::{Error, ErrorKind, Result};

/// Most answers that are worked on at once.
pub(super) const HANDLERS: usize = 8;

/// For a header, for a body, and for progress of a write.
const DEADLINE: Duration = Duration::from_secs(10);

/// Rest after the system had no socket to give.
const PAUSE: Duration = Duration::from_millis(100);

/// What every connection needs.
struct Server {
    app: Arc<App>,
    routes: &'static [Route],
    connections: Connections,
}

/// Starts to answer on all listeners; needs a runtime around it.
pub(super) fn start(listeners: Vec<TcpListener>, app: Arc<App>) -> Result<()> {
    start_with(listeners, app, ROUTES)
}

fn start_with(listeners: Vec<TcpListener>, app: Arc<App>, routes: &'static [Route]) -> Result<()> {
    let server = Arc::new(Server {
        app,
        routes,
        connections: Connections::default(),
    });
    for listener in listeners {
        let listener = listener
            .set_nonblocking(true)
            .and_then(|()| tokio::net::TcpListener::from_std(listener))
            .map_err(|error| Error::new(ErrorKind::Io, format!("cannot listen: {error}")))?;
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((socket, _)) => server.accept(socket),
                    Err(_) => tokio::time::sleep(PAUSE).await,
                }
            }
        });
    }
    Ok(())
}

impl Server {
    fn accept(self: &Arc<Self>, socket: TcpStream) {
        let server = Arc::clone(self);
        match self.connections.enter() {
            Some(place) => {
                tokio::spawn(async move {
                    server.converse(socket, &place).await;
                    server.connections.leave(&place);
                });
            }
            None => refuse(&socket),
        }
    }

    /// Answers the requests of one connection, until either side ends it.
    async fn converse(self: &Arc<Self>, socket: TcpStream, place: &Arc<Place>) {
        let service = service_fn(|request| {
            let (server, place) = (Arc::clone(self), Arc::clone(place));
            async move { Ok::<_, Infallible>(server.answer(request, place).await) }
        });
        let conversation = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(DEADLINE)
                .serve_connection(TokioIo::new(Patient::new(socket, DEADLINE)), service)
        );
        let wanted = pin!(place.wanted());
        either(conversation, wanted).await;
    }

    async fn answer(&self, request: Request<Incoming>, place: Arc<Place>) -> Response<Body> {
        match self.handle(request, &place).await {
            Ok(response) => response,
            Err(refusal) => {
                place.set_busy(false);
                refusal.into_response()
            }
        }
    }

    async fn handle(
        &self,
        request: Request<Incoming>,
        place: &Arc<Place>,
    ) -> Result<Response<Body>, Refusal> {
        let (head, body) = request.into_parts();
        self.app.gate.check_host(&head.uri, &head.headers)?;
        if let Some(redirect) = self.app.access.check(&head)? {
            return Ok(redirect.into_response());
        }
        let handler = find(self.routes, &head.method, head.uri.path())?;
        let work: fn(&App, &[u8]) -> Result<Reply, Refusal>;
        let bytes = match handler {
            Handler::File(file) => return Ok(file.reply().into_response()),
            Handler::Look(look) => {
                work = look;
                Bytes::new()
            }
            Handler::Change(change) => {
                self.app.gate.check_change(&head.headers)?;
                work = change;
                read(body).await?
            }
            Handler::Events => {
                self.connections.begin_stream(place);
                let events = events::start(Arc::clone(&self.app), Arc::clone(place));
                return Ok(reply::events(events));
            }
        };
        place.set_busy(true);
        let app = Arc::clone(&self.app);
        let worked = tokio::task::spawn_blocking(move || work(&app, &bytes)).await;
        place.set_busy(false);
        match worked {
            Ok(reply) => Ok(reply?.into_response()),
            Err(_) => Err(Reply::refuse(
                StatusCode::INTERNAL_SERVER_ERROR,
                "a mistake in this program; the rest of it goes on",
                "please report it, with what `nn serve` has written to the terminal",
            )),
        }
    }
}

/// Until one of them is done; how is nobody's fault here.
async fn either(mut first: impl Future + Unpin, mut second: impl Future + Unpin) {
    poll_fn(|context| {
        let is_done = Pin::new(&mut first).poll(context).is_ready()
            || Pin::new(&mut second).poll(context).is_ready();
        if is_done {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    let collected = timeout(DEADLINE, Limited::new(body, MAX_BODY).collect()).await;
    match collected {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Reply::refuse(
            StatusCode::BAD_REQUEST,
            "the body could not be read",
            "send it again",
        )),
        Err(_) => Err(Reply::refuse(
            StatusCode::REQUEST_TIMEOUT,
            "the body took longer than 10 s",
            "send it again",
        )),
    }
}

/// Every connection is at work: says so, if that can be done at once.
fn refuse(socket: &TcpStream) {
    const BUSY: &[u8] =
        b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    // Whoever cannot take it now sees the connection closed.
    let _ = socket.try_write(BUSY);
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net;
    use std::time::Instant;

    use super::super::page;
    use super::*;
    use crate::args::{DataFolder, ServeArguments};

    static PANICKING: &[Route] = &[Route {
        path: "/panic",
        handler: Handler::Look(|_, _| panic!("a mistake, made for this test")),
    }];

    /// The head of the answer to a request with these headers.
    fn ask(port: u16, method: &str, path: &str, headers: &str) -> String {
        let mut socket = net::TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{headers}connection: close\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("it answers");
        answer
    }

    fn status(answer: &str) -> &str {
        answer.split(' ').nth(1).unwrap_or_default()
    }

    fn step(app: &App) -> u64 {
        let views = app.board().and_then(|board| board.progress.get());
        views.expect("a training is shown")[0].step
    }

    /// A server without data, for a minute.
    fn serve(routes: &'static [Route]) -> (Arc<App>, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let nowhere = std::env::temp_dir().join("nn-serve-no-such-folder");
        let arguments = ServeArguments {
            run: None,
            port,
            open: false,
            runs_dir: nowhere.clone(),
            folder: DataFolder { data_dir: nowhere },
        };
        let app = Arc::new(App::new(&arguments, None, port).expect("random numbers"));
        let served = Arc::clone(&app);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                start_with(vec![listener], served, routes).expect("it can listen");
                tokio::time::sleep(Duration::from_secs(60)).await;
            });
        });
        (app, port)
    }

    /// The query with the token: `?token=...`.
    fn query(app: &App) -> String {
        let address = app.access.address();
        let (_, query) = address.split_once("/?").expect("an address with a token");
        format!("?{query}")
    }

    #[test]
    fn a_panic_is_an_answer_and_stops_nothing_else() {
        let (app, port) = serve(PANICKING);
        let training =
            r#"{"lanes":[["--data","glyphs","--limit-train","200","--epochs","1000000"]]}"#;
        let started = super::super::control::start(&app, training.as_bytes());
        assert!(started.is_ok());
        let query = query(&app);
        for _ in 0..20 {
            let answer = ask(port, "GET", &format!("/panic{query}"), "");
            assert_eq!(status(&answer), "500");
        }
        let answer = ask(port, "GET", &format!("/style.css{query}"), "");
        assert_eq!(status(&answer), "200");
        let (before, start) = (step(&app), Instant::now());
        while step(&app) == before {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "the training has stopped"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn every_route_asks_for_the_token_whatever_the_method() {
        let (app, port) = serve(ROUTES);
        let query = query(&app);
        let wrong = format!("{}0", &query[..query.len() - 1]);
        let wrong = if wrong == query {
            "?token=".to_owned()
        } else {
            wrong
        };
        let files = page::paths();
        for path in ROUTES.iter().map(|route| route.path).chain(files) {
            for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
                for query in ["", "?token=", wrong.as_str(), &query[..query.len() - 1]] {
                    let answer = ask(port, method, &format!("{path}{query}"), "");
                    assert_eq!(status(&answer), "401", "{method} {path}{query}: {answer}");
                    assert!(!answer.contains("set-cookie"), "{answer}");
                    assert!(!answer.contains(app.gate.token()), "{answer}");
                }
            }
            // With the token it is found.
            if !matches!(find(ROUTES, &hyper::Method::GET, path), Ok(Handler::Events)) {
                let answer = ask(port, "OPTIONS", &format!("{path}{query}"), "");
                assert_eq!(status(&answer), "405", "{path}: {answer}");
            }
        }
    }
}
