//! `nn serve [RUN]`: a live page, from this program, on this machine alone.
//!
//! The page (`serve/page/`) is part of the program. It draws digits for a
//! network, watches trainings, and shows what it takes to repeat them as a
//! command; the numbers are the program's own.
//!
//! | module | holds |
//! |---|---|
//! | `server`, `connections`, `patient` | sockets: who is let in, and for how long |
//! | `secret`, `access`, `gate`, `body`, `reply`, `event_stream`, `route` | one request: who may ask, what is answered |
//! | `opening` | `--open`: the browser is started |
//! | `description`, `experiment`, `dataset_cache` | what can be chosen, and what was |
//! | `session`, `studio`, `lane`, `history`, `watch`, `board` | trainings, and what is seen of them |
//! | `networks` | every network that the page can name |
//! | `app` | what all requests share |
//! | `page`, `state`, `control`, `events` | requests: the page, its start, its training runs and what they show |
//! | `drawing`, `attribution`, `sample` | requests: a network's output for a drawing, a test image |
//! | `inside` | requests: one step with one sample, number by number |

mod secret;
mod quantization;
mod connections;
mod event_stream;
mod reply;
mod body;
mod access;
mod gate;
mod patient;
mod dataset_cache;
mod experiment;
mod description;
mod history;
mod board;
mod watch;
mod lane;
mod studio;
mod session;
mod networks;
mod attribution;
mod app;
mod page;
mod state;
mod drawing;
mod sample;
mod inside;
mod control;
mod events;
mod route;
mod server;
mod opening;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use crate::args::ServeArguments;
use crate::interrupt::Interrupt;
use crate::terminal;
use nn_train::{Error, ErrorKind, Result};

use app::App;
use opening::Opening;

/// Time between two looks at signals, and at what `--open` waits for.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

pub(crate) fn run(arguments: &ServeArguments) -> Result<()> {
    let opened = networks::open(arguments.run.as_deref(), &arguments.runs_dir)?;
    let listeners = listen(arguments.port)?;
    let port = port_of(&listeners[0])?;
    let app = Arc::new(App::new(arguments, opened, port)?);
    let interrupt = Interrupt::listen().map_err(|error| {
        Error::new(ErrorKind::Io, format!("cannot listen for signals: {error}"))
    })?;
    terminal::report(format!("{}   (Ctrl-C ends it)", app.access.address()));
    let mut opening = None;
    if arguments.open {
        opening = Opening::start(&app.access.address());
        if opening.is_none() {
            terminal::error_line("note: no browser could be started; open the address yourself");
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(server::HANDLERS)
        .build()
        .map_err(|error| Error::new(ErrorKind::Io, format!("cannot start the server: {error}")))?;
    let ended = runtime.block_on(async {
        server::start(listeners, Arc::clone(&app))?;
        loop {
            tokio::time::sleep(SIGNAL_INTERVAL).await;
            if app.access.was_opened() {
                opening = None;
            }
            if let Some(code) = interrupt.kind() {
                return Err(stopped(code));
            }
        }
    });
    // Trainings and half-read requests are not waited for.
    runtime.shutdown_background();
    ended
}

fn stopped(code: ErrorKind) -> Error {
    Error::new(code, "stopped by a signal").with_help(format!(
        "`{} serve` starts it again; runs that were saved are kept",
        terminal::program()
    ))
}

/// The loopback address, for IPv4 and, where there is one, for IPv6.
fn listen(port: u16) -> Result<Vec<TcpListener>> {
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| {
        Error::new(ErrorKind::Io, format!("127.0.0.1:{port}: {error}"))
            .with_help("another program has this port; `--port 0` takes a free one")
    })?;
    let same_port = port_of(&first)?;
    let mut listeners = vec![first];
    // A machine without IPv6 does without.
    listeners.extend(TcpListener::bind((Ipv6Addr::LOCALHOST, same_port)).ok());
    Ok(listeners)
}

fn port_of(listener: &TcpListener) -> Result<u16> {
    let address = listener
        .local_addr()
        .map(|address: SocketAddr| address.port());
    address.map_err(|error| Error::new(ErrorKind::Io, format!("127.0.0.1: {error}")))
}
