//! What all requests share: folders, networks, data sets, and the session.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::StatusCode;
use nn_data::catalog;
use nn_tensor::Threads;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::json;

use crate::args::ServeArguments;
use crate::datasets::{self, Data, GLYPHS, Request};
use crate::failure::Result;
use crate::selection::Selection;
use crate::settings::Settings;
use crate::terminal;

use super::access::Access;
use super::board::Board;
use super::description;
use super::gate::Gate;
use super::networks::{self, Named};
use super::reply::{Refusal, Reply};
use super::session::Session;

/// Divided data sets that are kept at hand.
const MOST_DATA: usize = 2;

/// The network that is trained where there is none to draw for: a second or
/// two, and well above 95 % of MNIST's test digits.
const STARTER: &str = "--hidden 128 --epochs 3";

/// The same for the built-in digits, which vary more and have to be drawn
/// first; it reads about 93 % of MNIST's test digits.
const GLYPHS_STARTER: &str = "--data glyphs --limit-train 40000 --hidden 128 --epochs 3";

/// What all requests share.
#[derive(Debug)]
pub(super) struct App {
    pub(super) access: Access,
    pub(super) gate: Gate,
    pub(super) data_dir: PathBuf,
    pub(super) runs_dir: PathBuf,
    /// The network of the command line.
    pub(super) opened: Option<Named>,
    /// The run that was asked for last.
    pub(super) last_run: Mutex<Option<Named>>,
    session: Mutex<Option<Session>>,
    n_sessions: AtomicU64,
    shelf: Mutex<VecDeque<(String, Arc<Data>)>>,
}

impl App {
    pub(super) fn new(
        arguments: &ServeArguments,
        opened: Option<Named>,
        port: u16,
    ) -> Result<Self> {
        Ok(Self {
            access: Access::new(port)?,
            gate: Gate::new(port)?,
            data_dir: arguments.folder.data_dir.clone(),
            runs_dir: arguments.runs_dir.clone(),
            opened,
            last_run: Mutex::new(None),
            session: Mutex::new(None),
            n_sessions: AtomicU64::new(0),
            shelf: Mutex::new(VecDeque::new()),
        })
    }

    /// The session, if there is one, and its place.
    pub(super) fn session(&self) -> MutexGuard<'_, Option<Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that no session has had.
    pub(super) fn next_session(&self) -> u64 {
        self.n_sessions.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// What the session shows.
    pub(super) fn board(&self) -> Option<Arc<Board>> {
        self.session()
            .as_ref()
            .map(|session| Arc::clone(&session.board))
    }

    /// The data that these settings name, which must name some, divided as
    /// they say.
    pub(super) fn data(&self, settings: &Settings) -> Result<Arc<Data>> {
        let selection = Selection::new(settings)?;
        let name = match &settings.data {
            Some(name) => name.as_str(),
            None => datasets::default_name(&self.data_dir),
        };
        let key = format!("{name} {selection:?}");
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, data)) = shelf.iter().find(|(known, _)| *known == key) {
            return Ok(Arc::clone(data));
        }
        let request = Request::to_learn(name, &self.data_dir, &selection);
        let data = Arc::new(Data::load(&request, &Threads::all())?);
        shelf.truncate(MOST_DATA - 1);
        shelf.push_front((key, Arc::clone(&data)));
        Ok(data)
    }

    /// What the page needs to know at its start.
    pub(super) fn describe(&self) -> Reply {
        let present = catalog::ALL
            .iter()
            .filter(|source| source.is_present(&self.data_dir))
            .map(|source| source.name);
        let data: Vec<&str> = present.chain([GLYPHS]).collect();
        let starter = match datasets::default_name(&self.data_dir) {
            GLYPHS => GLYPHS_STARTER,
            _ => STARTER,
        };
        Reply::json(&json!({
            "program": terminal::program(),
            "version": env!("CARGO_PKG_VERSION"),
            "opened": self.opened.as_ref().map(Named::describe),
            "runs": networks::list(&self.runs_dir),
            "data": data,
            "starter": starter.split(' ').collect::<Vec<_>>(),
            "flags": description::flags(),
            "has_session": self.session().is_some(),
        }))
    }
}

/// Reads what a request says.
pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let status = match error.classify() {
            Category::Data => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::BAD_REQUEST,
        };
        Reply::refuse(status, &error.to_string(), "reload the page")
    })
}
