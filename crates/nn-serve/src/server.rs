//! The server, which binds to a port and runs until it is stopped.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use nn_train::{Error, ErrorKind, Result};

use crate::app::App;
use crate::browser::Redirect;
use crate::http;
use crate::networks::Networks;
use crate::options::Options;

/// Time between two calls of the closure that stops the server.
const STOP_INTERVAL: Duration = Duration::from_millis(50);

/// A server that listens on the loopback address.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<TcpListener>,
    app: Arc<App>,
    /// Exists until the browser has opened the page.
    redirect: Option<Redirect>,
}

impl Server {
    /// Opens the run and binds to the port. Call [`run`](Self::run) to answer requests.
    ///
    /// # Errors
    /// Returns an error if the run cannot be read or the port is in use.
    pub fn bind(options: &Options) -> Result<Self> {
        let networks = Networks::open(options.runs_dir.clone(), options.run.as_deref())?;
        let listeners = listen(options.port)?;
        let app = App::new(options, networks, port_of(&listeners[0])?)?;
        Ok(Self {
            listeners,
            app: Arc::new(app),
            redirect: None,
        })
    }

    /// The address of the page, with the secret token.
    pub fn address(&self) -> String {
        self.app.access.address()
    }

    /// Opens the page in the browser. The token is not passed on a command line, because other
    /// accounts on the machine could read it there.
    ///
    /// # Errors
    /// Returns an error if no browser can be started.
    pub fn open_browser(&mut self) -> io::Result<()> {
        self.redirect = Some(Redirect::open(&self.address())?);
        Ok(())
    }

    /// Answers requests until `should_stop` returns true. This closure is called about every
    /// 50 ms. Training runs that are not saved by then are lost.
    ///
    /// # Errors
    /// Returns an error if the server cannot be started.
    pub fn run(mut self, mut should_stop: impl FnMut() -> bool) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(http::MAX_HANDLERS)
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Io, format!("cannot start the server: {error}"))
            })?;
        let result = runtime.block_on(async {
            http::start(self.listeners, Arc::clone(&self.app))?;
            while !should_stop() {
                tokio::time::sleep(STOP_INTERVAL).await;
                if self.app.access.was_opened() {
                    self.redirect = None;
                }
            }
            Ok(())
        });
        // Training threads and unfinished requests are not waited for.
        runtime.shutdown_background();
        result
    }
}

/// Listens on the loopback address, for IPv4 and, if the machine has it, for IPv6.
fn listen(port: u16) -> Result<Vec<TcpListener>> {
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| {
        Error::new(ErrorKind::Io, format!("127.0.0.1:{port}: {error}"))
            .with_help("another program uses this port; `--port 0` chooses a free port")
    })?;
    let same_port = port_of(&first)?;
    let mut listeners = vec![first];
    // A machine may lack IPv6.
    listeners.extend(TcpListener::bind((Ipv6Addr::LOCALHOST, same_port)).ok());
    Ok(listeners)
}

fn port_of(listener: &TcpListener) -> Result<u16> {
    let address = listener.local_addr();
    let address = address.map_err(|error| Error::new(ErrorKind::Io, format!("127.0.0.1: {error}")));
    Ok(address?.port())
}
