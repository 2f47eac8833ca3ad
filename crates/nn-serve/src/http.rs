//! Connections and requests: limits, timeouts, and dispatch to the handlers.
//!
//! | resource | limit |
//! |---|---|
//! | connections | 32, of which at most 16 are event streams (`connections`) |
//! | request header, from the start of the connection or the end of the previous response | 10 s |
//! | request body | 10 s, 64 KiB (`guard`) |
//! | a write that makes no progress | 10 s (`write_timeout`) |
//!
//! Handlers run on a separate pool of threads. After a panic in a handler, the response has
//! status 500, and the server continues.

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
use nn_train::{Error, ErrorKind, Result};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::app::App;
use crate::connections::{Connection, Connections};
use crate::events;
use crate::guard::{MAX_BODY, too_large};
use crate::reply::{self, Body, Refusal, Reply};
use crate::route::{Handler, ROUTES, Route, find};
use crate::write_timeout::WriteTimeout;

/// Largest number of handlers that run at once.
pub(crate) const MAX_HANDLERS: usize = 8;

/// Timeout of a header, of a body, and of a write without progress.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Pause after the system could not accept a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// The state that all connections share.
struct Http {
    app: Arc<App>,
    routes: &'static [Route],
    connections: Connections,
}

/// Starts to accept connections, in the current tokio runtime.
///
/// # Errors
/// Returns an error if a listener cannot be registered.
pub(crate) fn start(listeners: Vec<TcpListener>, app: Arc<App>) -> Result<()> {
    start_with(listeners, app, ROUTES)
}

fn start_with(listeners: Vec<TcpListener>, app: Arc<App>, routes: &'static [Route]) -> Result<()> {
    let http = Arc::new(Http {
        app,
        routes,
        connections: Connections::default(),
    });
    for listener in listeners {
        let listener = listener
            .set_nonblocking(true)
            .and_then(|()| tokio::net::TcpListener::from_std(listener))
            .map_err(|error| Error::new(ErrorKind::Io, format!("cannot listen: {error}")))?;
        let http = Arc::clone(&http);
        tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((socket, _)) => http.accept(socket),
                    Err(_) => tokio::time::sleep(PAUSE).await,
                }
            }
        });
    }
    Ok(())
}

impl Http {
    fn accept(self: &Arc<Self>, socket: TcpStream) {
        let http = Arc::clone(self);
        match self.connections.open() {
            Some(connection) => {
                tokio::spawn(async move {
                    http.serve(socket, &connection).await;
                    http.connections.close(&connection);
                });
            }
            None => refuse(&socket),
        }
    }

    /// Serves the requests of one connection until either side ends it.
    async fn serve(self: &Arc<Self>, socket: TcpStream, connection: &Arc<Connection>) {
        let service = service_fn(|request| {
            let (http, connection) = (Arc::clone(self), Arc::clone(connection));
            async move { Ok::<_, Infallible>(http.respond(request, &connection).await) }
        });
        let requests = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(TIMEOUT)
                .serve_connection(TokioIo::new(WriteTimeout::new(socket, TIMEOUT)), service)
        );
        let eviction = pin!(connection.evicted());
        either(requests, eviction).await;
    }

    async fn respond(
        &self,
        request: Request<Incoming>,
        connection: &Arc<Connection>,
    ) -> Response<Body> {
        match self.handle(request, connection).await {
            Ok(response) => response,
            Err(refusal) => {
                connection.set_busy(false);
                refusal.into_response()
            }
        }
    }

    async fn handle(
        &self,
        request: Request<Incoming>,
        connection: &Arc<Connection>,
    ) -> Result<Response<Body>, Refusal> {
        let (head, body) = request.into_parts();
        self.app.guard.check_host(&head.uri, &head.headers)?;
        if let Some(redirect) = self.app.access.check(&head)? {
            return Ok(redirect.into_response());
        }
        let (handler, bytes) = match find(self.routes, &head.method, head.uri.path())? {
            Handler::File(file) => return Ok(file.reply().into_response()),
            Handler::Events => {
                self.connections.begin_stream(connection);
                let events = events::start(Arc::clone(&self.app), Arc::clone(connection));
                return Ok(reply::events(events));
            }
            Handler::Get(handler) => (handler, Bytes::new()),
            Handler::Post(handler) => {
                self.app.guard.check_change(&head.headers)?;
                (handler, read(body).await?)
            }
        };
        connection.set_busy(true);
        let app = Arc::clone(&self.app);
        let handled = tokio::task::spawn_blocking(move || handler(&app, &bytes)).await;
        connection.set_busy(false);
        match handled {
            Ok(reply) => Ok(reply?.into_response()),
            Err(_) => Err(Reply::refuse(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal error; the training continues",
                "please report it, with the output of `nn serve` in the terminal",
            )),
        }
    }
}

/// Waits until one of the futures is done.
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

/// Reads a request body.
async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    let collected = timeout(TIMEOUT, Limited::new(body, MAX_BODY).collect()).await;
    match collected {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Reply::refuse(
            StatusCode::BAD_REQUEST,
            "the request body could not be read",
            "send the request again",
        )),
        Err(_) => Err(Reply::refuse(
            StatusCode::REQUEST_TIMEOUT,
            "the request body took longer than 10 s",
            "send the request again",
        )),
    }
}

/// Refuses a connection while all others are busy.
fn refuse(socket: &TcpStream) {
    const BUSY: &[u8] =
        b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    // A client that cannot receive it now sees the end of the connection.
    let _ = socket.try_write(BUSY);
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net;
    use std::time::Instant;

    use super::*;
    use crate::networks::Networks;
    use crate::options::Options;
    use crate::{control, page};

    static PANICKING: &[Route] = &[Route {
        path: "/panic",
        handler: Handler::Get(|_, _| panic!("a panic on purpose")),
    }];

    /// The response to a request with these headers.
    fn ask(port: u16, method: &str, path: &str, headers: &str) -> String {
        let mut socket = net::TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{headers}connection: close\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).expect("it reads");
        let mut response = String::new();
        socket.read_to_string(&mut response).expect("it responds");
        response
    }

    fn status(response: &str) -> &str {
        response.split(' ').nth(1).unwrap_or_default()
    }

    fn step(app: &App) -> u64 {
        let snapshot = app.snapshot();
        let progress = snapshot.and_then(|snapshot| snapshot.progress.get());
        progress.expect("something is being trained")[0].step
    }

    /// A server without data, for a minute.
    fn serve(routes: &'static [Route]) -> (Arc<App>, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let nowhere = std::env::temp_dir().join("nn-serve-no-such-folder");
        let options = Options {
            runs_dir: nowhere.clone(),
            data_dir: nowhere.clone(),
            ..Options::default()
        };
        let networks = Networks::open(nowhere, None).expect("no run is opened");
        let app = Arc::new(App::new(&options, networks, port).expect("random numbers"));
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
    fn a_panic_becomes_status_500_and_ends_nothing_else() {
        let (app, port) = serve(PANICKING);
        let training =
            r#"{"trainings":[["--data","glyphs","--limit-train","200","--epochs","1000000"]]}"#;
        let started = control::start(&app, training.as_bytes());
        assert!(started.is_ok());
        let query = query(&app);
        for _ in 0..20 {
            let response = ask(port, "GET", &format!("/panic{query}"), "");
            assert_eq!(status(&response), "500");
        }
        let response = ask(port, "GET", &format!("/style.css{query}"), "");
        assert_eq!(status(&response), "200");
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
    fn every_route_and_method_needs_the_token() {
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
                    let response = ask(port, method, &format!("{path}{query}"), "");
                    assert_eq!(
                        status(&response),
                        "401",
                        "{method} {path}{query}: {response}"
                    );
                    assert!(!response.contains("set-cookie"), "{response}");
                    assert!(!response.contains(app.guard.token()), "{response}");
                }
            }
            // With the token it is found.
            if !matches!(find(ROUTES, &hyper::Method::GET, path), Ok(Handler::Events)) {
                let response = ask(port, "OPTIONS", &format!("{path}{query}"), "");
                assert_eq!(status(&response), "405", "{path}: {response}");
            }
        }
    }
}
