//! A live page, served on the loopback address of this machine: draw digits for a
//! network, watch it train, compare two training runs, or look at every number of a
//! training step.
//!
//! The page is part of this crate (`src/page/`). It shows the command that repeats a
//! training run, and nn-train computes all values on the page.
//!
//! ```no_run
//! use nn_serve::{Options, Server};
//!
//! let server = Server::bind(&Options::default())?;
//! println!("{}", server.address());
//! server.run(|| false)?; // until the closure returns true
//! # Ok::<(), nn_train::Error>(())
//! ```
//!
//! # Security
//! The page can start training and write runs, so the server accepts requests from
//! that page only. The address contains a secret token; opening the address sets a cookie,
//! and every request without the token or the cookie gets status 401 (`access`). Requests
//! that other web pages make a browser send get status 403 (`guard`). Slow clients
//! cannot exhaust the connections (`connections`, `write_timeout`).
//!
//! # Modules
//! | module | contents |
//! |---|---|
//! | `options`, `server` | the interface of this crate |
//! | `http`, `connections`, `write_timeout` | sockets: limits and timeouts |
//! | `secret`, `access`, `guard`, `json_body`, `reply`, `page_error`, `event_stream`, `route` | authorization, routing and response of a request |
//! | `browser` | opens the page in the browser |
//! | `flag_list`, `training_request`, `dataset_cache` | the available settings and the chosen ones |
//! | `session`, `training_thread`, `training`, `curve`, `probe`, `snapshot` | training runs, and the measurements that the page shows |
//! | `model_inputs`, `networks` | the networks that the page can use |
//! | `app` | the state that all requests share |
//! | `page`, `state`, `control`, `events` | requests for the files of the page, its initial state, controls and events |
//! | `diagnosis` | requests for the problems of a training run |
//! | `drawing`, `attribution`, `sample` | requests for the prediction for a drawing and for a test image |
//! | `columns`, `trace` | requests for one training step with one sample |
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "the page shows seconds and is updated at intervals"
)]

mod options;
mod secret;
mod quantization;
mod connections;
mod event_stream;
mod page_error;
mod reply;
mod json_body;
mod access;
mod guard;
mod write_timeout;
mod dataset_cache;
mod training_request;
mod flag_list;
mod curve;
mod snapshot;
mod probe;
mod training;
mod training_thread;
mod session;
mod model_inputs;
mod networks;
mod attribution;
mod app;
mod page;
mod state;
mod drawing;
mod sample;
mod export;
mod columns;
mod trace;
mod control;
mod diagnosis;
mod events;
mod route;
mod http;
mod browser;
mod server;

pub use options::Options;
pub use server::Server;
