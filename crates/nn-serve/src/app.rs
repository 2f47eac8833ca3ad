//! What all requests share: networks, data sets, and the session.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nn_core::Model;

use crate::args::ServeArguments;
use nn_train::Result;

use super::access::Access;
use super::board::Board;
use super::dataset_cache::DatasetCache;
use super::gate::Gate;
use super::networks::{Named, Networks};
use super::reply::Refusal;
use super::session::Session;

/// What all requests share.
#[derive(Debug)]
pub(super) struct App {
    pub(super) access: Access,
    pub(super) gate: Gate,
    pub(super) datasets: DatasetCache,
    pub(super) networks: Networks,
    session: Mutex<Option<Session>>,
    n_sessions: AtomicU64,
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
            datasets: DatasetCache::new(arguments.folder.data_dir.clone()),
            networks: Networks::new(arguments.runs_dir.clone(), opened),
            session: Mutex::new(None),
            n_sessions: AtomicU64::new(0),
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

    /// The network with this id, as [`Networks::find`].
    pub(super) fn network(&self, id: &str) -> Result<Arc<Model>, Refusal> {
        self.networks.find(id, self.board().as_deref())
    }
}
